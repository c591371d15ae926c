//! The handle to one tenant: what a verified credential opens.

use super::Vivero;
use super::entities::Entities;
use super::files::Files;
use super::locations::Locations;
use super::principal::Principal;
use super::repository::Repository;
use super::roles::Roles;
use super::users::Users;
use super::work::UnitOfWork;
use crate::error::{Error, Result};
use crate::ids::{SessionId, UserId};
use crate::journal::{Actor, ChainReport, Changes, CountKey, Entry, SealedEntry};
use crate::permission::Grant;
use crate::port::{Counts, TenantStore};
use crate::query::{Deleted, Predicate};
use crate::record::{Record, Schema, Stored};
use crate::tenant::{Standing, Tenant};
use crate::user::{User, UserStatus};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

/// What is known of the request behind a session: it goes into the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestContext {
    /// What led to the changes, e.g. the request's id.
    pub cause: Option<String>,
}

/// One tenant, seen by one person or job. Cheap to clone; holding it keeps the database open.
#[derive(Clone)]
pub struct TenantSession {
    vivero: Vivero,
    tenant: Arc<Tenant>,
    store: Arc<dyn TenantStore>,
    principal: Arc<Principal>,
    context: RequestContext,
}

impl fmt::Debug for TenantSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantSession")
            .field("tenant", &self.tenant.slug)
            .field("actor", &self.principal.actor)
            .finish_non_exhaustive()
    }
}

impl TenantSession {
    pub(super) fn new(
        vivero: Vivero,
        tenant: Arc<Tenant>,
        store: Arc<dyn TenantStore>,
        principal: impl Into<Arc<Principal>>,
    ) -> Self {
        Self {
            vivero,
            tenant,
            store,
            principal: principal.into(),
            context: RequestContext::default(),
        }
    }

    /// The same session with what is known of the request.
    #[must_use]
    pub fn in_context(mut self, context: RequestContext) -> Self {
        self.context = context;
        self
    }

    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }
    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.principal.actor
    }
    /// The person, unless a job acts.
    #[must_use]
    pub fn user(&self) -> Option<&Stored<User>> {
        self.principal.user.as_ref()
    }
    /// Names of the person's roles.
    #[must_use]
    pub fn role_names(&self) -> &[String] {
        &self.principal.role_names
    }
    /// What the person may do.
    #[must_use]
    pub fn grants(&self) -> &[Grant] {
        &self.principal.grants
    }
    /// The sign-in behind this handle.
    #[must_use]
    pub fn session_id(&self) -> Option<SessionId> {
        self.principal.session
    }
    /// Now.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.vivero.now()
    }

    /// A fresh id for something created at `at`.
    #[must_use]
    pub fn new_id(&self, at: DateTime<Utc>) -> uuid::Uuid {
        self.vivero.ids().id(at)
    }

    /// Tracked lots.
    #[must_use]
    pub const fn entities(&self) -> Entities<'_> {
        Entities { session: self }
    }
    /// Places.
    #[must_use]
    pub const fn locations(&self) -> Locations<'_> {
        Locations { session: self }
    }
    /// Files.
    #[must_use]
    pub const fn files(&self) -> Files<'_> {
        Files { session: self }
    }
    /// People.
    #[must_use]
    pub const fn users(&self) -> Users<'_> {
        Users { session: self }
    }
    /// Roles.
    #[must_use]
    pub const fn roles(&self) -> Roles<'_> {
        Roles { session: self }
    }
    /// Records of any type, an integrator's own included.
    #[must_use]
    pub const fn repository<R: Record>(&self) -> Repository<'_, R> {
        Repository::new(self)
    }

    fn may_write(&self) -> Result<()> {
        if self.tenant.standing(self.now()) == Standing::ReadOnly {
            return Err(Error::TenantStanding { standing: "trial_expired" });
        }
        Ok(())
    }

    /// Begins a unit of work: commit consumes it, dropping it undoes it.
    pub async fn begin(&self) -> Result<UnitOfWork> {
        self.may_write()?;
        Ok(UnitOfWork::new(self.clone(), self.store.begin().await?))
    }

    /// Begins a unit of work that ends within milliseconds and waits for nothing but its own calls: an
    /// engine may make several such durable at once, which under load is several times quicker. Others
    /// wait for its end, so what takes long, or waits for anything else, belongs to [`Self::begin`].
    ///
    /// Errors: as [`Self::begin`]; its commit is [`Error::Undone`] also if what it shared is undone.
    pub async fn begin_short(&self) -> Result<UnitOfWork> {
        self.may_write()?;
        Ok(UnitOfWork::new(self.clone(), self.store.begin_short().await?))
    }

    /// The same for a first try; see [`crate::port::TenantStore::begin_hurried`].
    pub(super) async fn begin_hurried(&self) -> Result<UnitOfWork> {
        self.may_write()?;
        Ok(UnitOfWork::new(self.clone(), self.store.begin_hurried().await?))
    }

    /// The dashboard's figures, as of the last sealed change.
    pub async fn dashboard(&self) -> Result<Dashboard> {
        self.require("dashboard.read")?;
        Ok(Dashboard { counts: self.store.counts().await? })
    }

    /// Dashboard figures counted afresh, for holding projections against.
    pub async fn recount(&self) -> Result<HashMap<CountKey, i128>> {
        self.require("dashboard.read")?;
        self.store.recount().await
    }

    /// Sealed changes after `position` that this person may see, with the position read up to (the
    /// place to go on from, also when everything was filtered out).
    pub async fn events(&self, position: u64, limit: u32) -> Result<(Vec<SealedEntry>, u64)> {
        self.require("event.read")?;
        let entries = self.store.feed(position, limit).await?;
        let read_to = entries.last().map_or(position, |e| e.position);
        let mut visible = Vec::with_capacity(entries.len());
        for entry in entries {
            if self.may_see(&entry.entry).await? {
                visible.push(entry);
            }
        }
        Ok((visible, read_to))
    }

    async fn may_see(&self, entry: &Entry) -> Result<bool> {
        let permission = format!("{}.read", entry.resource);
        let Some(scopes) = self.principal.permissions.scopes(&permission) else { return Ok(false) };
        // Sign-ins and credentials belong to the audit trail, not to the feed of stock and places.
        if matches!(entry.resource.as_str(), "credential" | "session" | "tenant" | "file_usage") {
            return Ok(false);
        }
        if scopes.is_all() {
            return Ok(true);
        }
        let Some(schema) = self.vivero.schema(&entry.resource) else { return Ok(false) };
        let scope = self.principal.reach(&permission, schema)?;
        let mut rows = self.store.read().await?;
        Ok(rows.find(schema, entry.record_id, &scope, Deleted::Included).await?.is_some())
    }

    /// The position of the last sealed change, kept current.
    #[must_use]
    pub fn head(&self) -> watch::Receiver<u64> {
        self.store.head()
    }

    /// Seals what is committed now; returns the head. It happens by itself soon after each commit.
    pub async fn seal(&self) -> Result<u64> {
        self.store.seal().await
    }

    /// The audit trail, newest first, from before `position`.
    pub async fn audit(&self, before: Option<u64>, limit: u32) -> Result<Vec<SealedEntry>> {
        self.require("audit.read")?;
        self.store.feed_back(before, limit.clamp(1, crate::page::MAX_LIMIT)).await
    }

    /// Recomputes the chain and holds it against its anchor.
    pub async fn verify_audit(&self) -> Result<ChainReport> {
        self.require("audit.verify")?;
        self.store.seal().await?;
        self.store.verify(self.vivero.fleet().anchor(self.tenant.id).await?).await
    }

    /// Refuses whoever does not hold `permission` at all.
    pub fn require(&self, permission: &str) -> Result<()> {
        self.principal.permissions.require(permission).map(|_| ())
    }

    /// Whether the person still may use this handle: for streams that outlive the check at their
    /// start. Reads the person's state no more often than the cache does.
    pub async fn revalidate(&self) -> Result<Self> {
        let Some((user, session)) = self.person() else { return Ok(self.clone()) };
        self.vivero.session_for(&self.tenant.slug, self.tenant.id, user, session).await
    }

    pub(super) fn person(&self) -> Option<(UserId, SessionId)> {
        match (&self.principal.user, self.principal.session) {
            (Some(user), Some(session)) => Some((user.id, session)),
            _ => None,
        }
    }

    pub(super) fn vivero(&self) -> &Vivero {
        &self.vivero
    }
    pub(super) fn store(&self) -> &dyn TenantStore {
        &*self.store
    }
    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }
    pub(super) fn reach(&self, permission: &str, schema: &Schema) -> Result<Predicate> {
        self.principal.reach(permission, schema)
    }
    pub(super) fn cause(&self) -> Option<String> {
        self.context.cause.clone()
    }

    pub(super) async fn note_job(&self, reason: &str) -> Result<()> {
        let mut work = self.store.begin().await?;
        work.journal(vec![Entry {
            at: self.now(),
            actor: self.principal.actor.clone(),
            action: "tenant.job".into(),
            resource: "tenant".into(),
            record_id: self.tenant.id.uuid(),
            version: self.tenant.version,
            changes: Changes::default(),
            cause: Some(reason.into()),
        }])
        .await?;
        work.commit().await
    }
}

/// The figures of a tenant's start page. They come from projections: reading them costs the same for
/// a hundred records and for a million.
#[derive(Debug, Clone)]
pub struct Dashboard {
    counts: Arc<Counts>,
}

impl Dashboard {
    /// The position of the journal they stand at.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.counts.position
    }
    /// How many records of `resource` there are.
    #[must_use]
    pub fn total(&self, resource: &str) -> i64 {
        self.one(resource, "", "")
    }
    /// The sum of `field` over all records of `resource`; of one that does not fit, the nearest that does.
    /// [`Dashboard::shared`] has it exactly.
    #[must_use]
    pub fn sum(&self, resource: &str, field: &str) -> i64 {
        self.one(resource, &format!("+{field}"), "")
    }
    /// Records of `resource` by value of `field`, without zeros, most first.
    #[must_use]
    pub fn by(&self, resource: &str, field: &str) -> Vec<(&str, i64)> {
        let mut rows: Vec<(&str, i64)> = self
            .counts
            .values
            .iter()
            .filter(|(k, n)| k.resource == resource && k.field == field && **n != 0)
            .map(|(k, n)| (k.value.as_str(), nearest(*n)))
            .collect();
        rows.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        rows
    }
    /// People who may sign in.
    #[must_use]
    pub fn active_users(&self) -> i64 {
        self.one("user", "status", UserStatus::Active.as_str())
    }
    /// The figures themselves: one value is shared by all who read the same position.
    #[must_use]
    pub fn shared(&self) -> &Arc<Counts> {
        &self.counts
    }

    fn one(&self, resource: &str, field: &str, value: &str) -> i64 {
        let key = CountKey { resource: resource.into(), field: field.into(), value: value.into() };
        self.counts.values.get(&key).copied().map_or(0, nearest)
    }
}

/// A figure as it is shown.
fn nearest(figure: i128) -> i64 {
    i64::try_from(figure).unwrap_or(if figure < 0 { i64::MIN } else { i64::MAX })
}
