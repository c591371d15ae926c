//! Typed client of a vivero server: generated from its OpenAPI document, made comfortable by hand.
//!
//! ```no_run
//! use futures_util::TryStreamExt as _;
//! use vivero_client::{Client, EntityIn, EntityPatch, EntityType, Status, TransitionIn, TrialIn};
//!
//! # async fn run() -> vivero_client::Result<()> {
//! let client = Client::new("http://127.0.0.1:8080")?;
//!
//! // Sign up, or sign in where there is an account.
//! let trial = client.trials().create(TrialIn::new("Acme Plants", "a@b.example", "correct horse")).await?;
//! let acme = client.tenant(&trial.tenant.slug).with_tokens(trial.tokens)?;
//! // let acme = client.tenant("acme-plants").sign_in("a@b.example", "correct horse").await?;
//!
//! // Write. Each write is done once, however often it has to be sent.
//! let lot = EntityIn::new("L-0001", "Lavandula angustifolia 'Hidcote'", EntityType::YoungPlant, 480);
//! let lot = acme.entities().create(lot).await?;
//! let patch = EntityPatch { batch_number: Some("B-117".into()), ..EntityPatch::default() };
//! let lot = acme.entities().update(lot.id, lot.version, patch).await?;
//! acme.entities().transition(lot.id, TransitionIn::to(Status::Processing)).await?;
//!
//! // Read: one page, or all of them as a stream.
//! let page = acme.entities().list().status(Status::Processing).sort("-updated_at").limit(50).send().await?;
//! println!("{} on the first page", page.items.len());
//! let mut all = acme.entities().list().q("lavandula").stream();
//! while let Some(entity) = all.try_next().await? {
//!     println!("{} {}", entity.code, entity.name);
//! }
//!
//! // Follow what happens, from the beginning of the tenant's history.
//! let mut events = acme.events().after(0).open();
//! while let Some(event) = events.try_next().await? {
//!     println!("{} {} {}", event.position, event.action, event.record_id);
//! }
//! # Ok(()) }
//! ```
//!
//! What the client takes care of:
//! - **Signing in**: [`TenantClient`] refreshes its tokens by itself, once for all its clones.
//! - **Failures that pass**: repeated where that cannot do harm, see [`Retries`].
//! - **Writing once**: every `POST` that could write twice carries an `Idempotency-Key`.
//! - **Conflicts**: edits name the version they start from; see [`Error::conflict`].
//! - **Events**: [`EventStream`] survives broken connections, and loses and repeats nothing.
//! - **Secrets**: passwords, tokens and keys are never printed.
//!
//! `https` needs the feature `tls` (rustls with ring).

mod attempt;
mod audit;
mod change;
mod client;
mod connection;
mod credential;
mod entities;
mod error;
mod events;
#[cfg(test)]
mod fake;
mod files;
#[rustfmt::skip]
#[expect(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::unwrap_used,
    reason = "generated"
)]
mod generated;
mod locations;
mod new;
mod pages;
mod platform;
mod resource;
mod retry;
mod roles;
mod secret;
mod session;
mod tenant;
#[cfg(test)]
mod tests;
mod trials;
mod users;

pub use audit::{Audit, AuditRequest};
pub use change::Change;
pub use client::{Client, ClientBuilder};
pub use entities::{Entities, EntityListRequest};
pub use error::{Conflict, Error, Result};
pub use events::{EventStream, EventsRequest};
pub use files::{FileDownload, FileListRequest, FileUpload, Files};
pub use generated::types::{
    Actor, Archive, AuditEntry, AuditList, ChainBreak, ChainReport, Connections, Dashboard, Drain,
    DrainFailure, DrainState, Entity, EntityFigures, EntityIn, EntityList, EntityPatch, EntityType,
    Event, FieldChange, FieldConflict, FieldError, File, FileList, FilePatch, FileState, Finding,
    Grade, HistoryEntry, HistoryList, Invitation, Invited, Location, LocationCount,
    LocationFigures, LocationIn, LocationKind, LocationList, LocationPatch, Me, MigrationFailure,
    MigrationGroup, MigrationIn, MigrationRun, MigrationStep, MigrationTally, Operation,
    OperationIn, OperationKind, OperationList, OperationState, OperationType, Plan, Problem, Role,
    RoleIn, RoleList, RolePatch, RunState, Server, ServerIn, ServerList, ServerPatch, ServerState,
    Session, Stage, Stats, Status, Tenant, TenantEvent, TenantIn, TenantList, TenantState,
    TenantUsage, TlsMode, Tokens, TransitionIn, Trial, TrialIn, Unit, User, UserFigures, UserIn,
    UserList, UserPatch, UserStatus,
};
pub use locations::{LocationListRequest, Locations};
pub use pages::HistoryRequest;
pub use platform::{Migrations, Operations, Platform, Servers, TenantListRequest, Tenants};
pub use retry::Retries;
pub use roles::{RoleListRequest, Roles};
pub use secret::Secret;
pub use tenant::{Entrance, TenantClient};
pub use trials::Trials;
pub use users::{UserListRequest, Users};

pub use generated::types::Link as FileLink;
pub use generated::types::Migrations as FleetMigrations;

use generated::types::MoveIn;
