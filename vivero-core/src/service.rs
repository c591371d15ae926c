//! The services: authorise, apply the rules, write rows and journal in one transaction.
//!
//! [`Vivero`] is the whole installation. The only way from it to a tenant's data is a
//! [`TenantSession`], and the only ways to one are a verified credential or a stated reason
//! ([`Vivero::job`], which is journalled).

mod again;
mod auth;
mod drains;
mod entities;
pub mod files;
mod guess;
pub mod idempotency;
mod locations;
mod migrations;
mod nodes;
mod operations;
mod own_sign_ins;
mod principal;
mod repository;
mod roles;
mod servers;
mod session;
mod tenants;
pub mod users;
mod work;
mod write;

pub use again::Tries;
pub use auth::{Password, SignedIn};
pub use entities::{Entities, EntityFilter, WorkEntities};
pub use files::{FileFilter, FileLink, FileSettings, FileSweep, Files, ReceivedFile};
pub use locations::{LocationFilter, Locations};
pub use nodes::{CHECK_IN_EVERY, Upkeep};
pub use operations::TenantOperations;
pub use principal::Principal;
pub use repository::{Repository, WorkRepository};
pub use roles::{NewRole, RolePatch, Roles};
pub use servers::Servers;
pub use session::{Dashboard, RequestContext, TenantSession};
pub use tenants::Tenants;
pub use users::{Invitation, NewUser, UserPatch, Users};
pub use work::UnitOfWork;

use crate::clock::{Clock, IdSource};
use crate::error::{Error, Result};
use crate::ids::{SessionId, TenantId, UserId};
use crate::journal::Anchor;
use crate::password::Passwords;
use crate::port::{Fleet, FleetStats, TenantStore};
use crate::record::Schema;
use crate::shared::{Shared, SharedStats, Topic};
use crate::tenant::{Slug, Standing, Tenant, TenantState};
use crate::token::{SessionLimits, Tokens};
use crate::usage::StoreFigures;
use chrono::{DateTime, Utc};
use moka::sync::Cache;
use std::sync::Arc;
use std::time::Duration;

/// What [`Vivero::accept_copy`] accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct AcceptedCopy {
    /// The change that the registry knew of.
    pub anchored: u64,
    /// The last change of the copy, which names that.
    pub head: u64,
}

/// How long another process's change of a tenant, person or role can go unseen. Changes made by
/// this process bite on the next request; others' do, too, as soon as their announcement arrives, if
/// the processes reach each other ([`crate::shared`]).
pub const STALE_FOR: Duration = Duration::from_secs(1);

/// What an installation is put together from.
#[derive(Debug)]
pub struct Parts {
    /// Registry and tenant databases.
    pub fleet: Arc<dyn Fleet>,
    /// What the installation's processes share; [`crate::LocalShared`] for a single one.
    pub shared: Arc<dyn Shared>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids and randomness.
    pub ids: Arc<dyn IdSource>,
    /// Token keys.
    pub tokens: Tokens,
    /// Password hashing.
    pub passwords: Passwords,
    /// Session lifetimes.
    pub session_limits: SessionLimits,
    /// Record types besides vivero's own; each tenant gets their tables when it is next opened.
    pub records: Vec<&'static Schema>,
    /// Where files lie and how they get in; without it there are none.
    pub files: Option<FileSettings>,
    /// What does operations on whole tenants.
    pub operations: Arc<dyn crate::operations::Operations>,
}

/// A running installation: a cheap handle to clone and share.
#[derive(Debug, Clone)]
pub struct Vivero {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    parts: Parts,
    node: nodes::Node,
    tenants: Cache<(Slug, u64), Option<Arc<Tenant>>>,
    principals: Cache<PrincipalKey, Arc<Principal>>,
    ensured: Cache<(TenantId, i64), ()>,
    uploads: Arc<files::Uploads>,
}

/// The version is part of the key: what was read before a change is never found after it.
type PrincipalKey = (TenantId, UserId, SessionId, u64);

impl Vivero {
    /// Puts an installation together. Engines offer a shorter way, e.g. `vivero_store`'s `Open`.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let me = parts.ids.id(parts.clock.now());
        parts.fleet.attach(Arc::clone(&parts.shared), me);
        let short = |size| Cache::builder().max_capacity(size).time_to_live(STALE_FOR);
        Self {
            inner: Arc::new(Inner {
                node: nodes::Node::new(me),
                tenants: short(10_000).build(),
                principals: Cache::builder().max_capacity(50_000).time_to_live(STALE_FOR).build(),
                ensured: Cache::builder().max_capacity(100_000).build(),
                uploads: Arc::default(),
                parts,
            }),
        }
    }

    /// Tenants: making, finding, suspending.
    #[must_use]
    pub const fn tenants(&self) -> Tenants<'_> {
        Tenants { vivero: self }
    }

    /// Operations on whole tenants: backup, restore, clone, move and the like.
    #[must_use]
    pub const fn operations(&self) -> TenantOperations<'_> {
        TenantOperations { vivero: self }
    }

    /// The installation's time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.inner.parts.clock.now()
    }

    /// The installation's ids.
    #[must_use]
    pub fn ids(&self) -> &dyn IdSource {
        &*self.inner.parts.ids
    }

    /// A handle for work that no person does, for a stated reason, which is journalled.
    pub async fn job(&self, tenant: TenantId, reason: &str) -> Result<TenantSession> {
        let tenant = self.fleet().find(tenant).await?.ok_or_else(|| Error::not_found("tenant"))?;
        if let Standing::Blocked(standing) = tenant.standing(self.now()) {
            return Err(Error::TenantStanding { standing });
        }
        if tenant.neutral {
            let message = format!(
                "tenant {} is a copy that was neutralised: no jobs run for it until it is activated",
                tenant.slug
            );
            return Err(Error::Illegal { code: "tenant_neutralised", message });
        }
        let store = self.open(&tenant).await?;
        let session = TenantSession::new(self.clone(), tenant, store, Principal::system(reason));
        session.note_job(reason).await?;
        Ok(session)
    }

    /// Recomputes a tenant's chain and holds it against its anchor: an operator's look at the proof,
    /// which shows nothing of the tenant's data.
    pub async fn verify_audit(&self, slug: &Slug) -> Result<crate::journal::ChainReport> {
        let tenant =
            self.fleet().find_by_slug(slug).await?.ok_or_else(|| Error::not_found("tenant"))?;
        let store = self.open(&tenant).await?;
        store.seal().await?;
        store.verify(self.fleet().anchor(tenant.id).await?).await
    }

    /// Takes the database of a tenant as it is, which is refused because it is older than what the registry knows of
    /// its chain: its head is anchored, and an entry of its journal names the change that was anchored before. What
    /// the copy lacks is given up.
    ///
    /// Errors: [`Error::Illegal`] with code `nothing_to_accept` if the database has all that was anchored.
    pub async fn accept_copy(&self, slug: &Slug) -> Result<AcceptedCopy> {
        let tenant =
            self.fleet().find_by_slug(slug).await?.ok_or_else(|| Error::not_found("tenant"))?;
        match self.open(&tenant).await {
            Err(Error::Corrupt { .. }) => {}
            Err(error) => return Err(error),
            Ok(_) => {
                return Err(Error::Illegal {
                    code: "nothing_to_accept",
                    message: format!("the database of tenant {slug} has all that was anchored"),
                });
            }
        }
        let anchored = self.fleet().anchor(tenant.id).await?;
        self.fleet().trust(&tenant);
        let store = self.open(&tenant).await?;
        let anchored = anchored.map_or(0, |anchor| anchor.position);
        let reason = format!("an older copy was accepted; change {anchored} was known before");
        let principal = Principal::system("accepting an older copy");
        let session = TenantSession::new(self.clone(), Arc::clone(&tenant), store, principal);
        session.note_job(&reason).await?;
        let head = session.store().seal().await?;
        let last = session.store().feed(head.saturating_sub(1), 1).await?.pop();
        let last = last.ok_or_else(|| Error::corrupt("a chain without its head"))?;
        let anchor = Anchor { position: last.position, hash: last.hash };
        self.fleet().replace_anchor(&tenant, anchor, self.now()).await?;
        Ok(AcceptedCopy { anchored, head: last.position })
    }

    /// Migrations of the whole fleet.
    /// Errors: [`Error::Illegal`] if the engine has none to run.
    pub fn migrations(&self) -> Result<Arc<dyn crate::migration::Migrator>> {
        Arc::clone(&self.inner.parts.fleet).migrator().ok_or_else(|| Error::Illegal {
            code: "migrations_unsupported",
            message: "this storage engine has no migrations to run".into(),
        })
    }

    /// Whether the registry answers.
    pub async fn ping(&self) -> Result<()> {
        self.fleet().ping().await
    }

    /// Figures of the pools.
    pub async fn stats(&self) -> Result<FleetStats> {
        self.fleet().stats().await
    }

    /// What the processes of the installation share: limits of an embedder's own, wake-ups for jobs.
    #[must_use]
    pub fn shared(&self) -> &Arc<dyn Shared> {
        &self.inner.parts.shared
    }

    /// Whether the processes of the installation reach each other, and figures of it.
    #[must_use]
    pub fn shared_stats(&self) -> SharedStats {
        self.shared().stats()
    }

    /// This process's figures of the databases of every tenant it has had open.
    #[must_use]
    pub fn figures(&self) -> Vec<(TenantId, StoreFigures)> {
        self.fleet().figures()
    }

    /// Seals, anchors and closes every open tenant. Call it last.
    pub async fn close(&self) {
        self.fleet().close().await;
        self.shared().close().await;
    }

    fn fleet(&self) -> &dyn Fleet {
        &*self.inner.parts.fleet
    }

    /// The tenant of a path, from a cache that is never older than [`STALE_FOR`].
    async fn tenant(&self, slug: &Slug) -> Result<Option<Arc<Tenant>>> {
        let key = (slug.clone(), self.shared().version(&Topic::Tenants));
        if let Some(tenant) = self.inner.tenants.get(&key) {
            return Ok(tenant);
        }
        let tenant = self.fleet().find_by_slug(slug).await?;
        self.inner.tenants.insert(key, tenant.clone());
        Ok(tenant)
    }

    async fn tenants_changed(&self) {
        self.shared().announce(&Topic::Tenants).await;
    }

    /// Opens a tenant's database and, once per generation, brings integrators' tables up to date.
    async fn open(&self, tenant: &Tenant) -> Result<Arc<dyn TenantStore>> {
        if let (TenantState::Loading | TenantState::Archived, Standing::Blocked(standing)) =
            (tenant.state, tenant.standing(self.now()))
        {
            // It has no database now.
            return Err(Error::TenantStanding { standing });
        }
        let store = self.fleet().open(tenant).await?;
        let key = (tenant.id, tenant.generation);
        if !self.inner.parts.records.is_empty() && !self.inner.ensured.contains_key(&key) {
            for schema in &self.inner.parts.records {
                store.ensure(schema).await?;
            }
            self.inner.ensured.insert(key, ());
        }
        Ok(store)
    }
}
