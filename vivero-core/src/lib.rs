//! The rules and ports of vivero, a multi-tenant backend kit: a database per tenant, permissions with
//! scopes, trials that become contracts, a journal of every change.
//!
//! This crate does no I/O and holds no clock and no random source of its own. `vivero-store` implements
//! its [`port`]s, `vivero-server` serves it over HTTP.

// Lets `#[derive(Record)]` name this crate from inside it.
extern crate self as vivero_core;

pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod copy;
pub mod drain;
pub mod entity;
pub mod error;
pub mod files;
pub mod ids;
pub mod journal;
pub mod json_text;
pub mod location;
pub mod merge;
pub mod migration;
pub mod moves;
pub mod operation;
pub mod operations;
pub mod page;
pub mod password;
pub mod permission;
pub mod port;
pub mod query;
pub mod record;
pub mod search;
pub mod server;
pub mod service;
pub mod shared;
pub mod tenant;
pub mod token;
pub mod usage;
pub mod user;
pub mod value;

pub use clock::{Clock, IdSource, ManualClock, SeededIds};
pub use error::{Check, Error, ErrorKind, FieldError, Result};
pub use ids::{EntityId, FileId, LocationId, RecordId, RoleId, SessionId, TenantId, UserId};
pub use json_text::JsonText;
pub use page::{Cursor, Page, PageOf};
pub use query::Filter;
pub use record::{Record, Stored};
pub use service::{
    EntityFilter, FileFilter, LocationFilter, Parts, Password, RequestContext, TenantSession,
    UnitOfWork, Vivero,
};
pub use shared::{LocalShared, Shared};
pub use tenant::{NewTenant, Owner, Slug, Tenant};
pub use uuid::Uuid;
pub use value::Value;
pub use vivero_derive::Record;
