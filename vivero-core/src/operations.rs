//! Operations on whole tenants: backup, restore, clone, move and the like. They take long, so each is on
//! record in the registry with its step and progress, and whoever finds one cut off goes on with it.

use crate::error::Result;
use crate::ids::TenantId;
use crate::journal::Anchor;
use crate::port::Lease;
use crate::tenant::{Slug, Tenant, TenantEvent, TenantState};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use std::fmt::Debug;
use uuid::Uuid;

crate::text_enum! {
    /// What is done to a tenant.
    pub enum OperationKind {
        /// Everything into an archive, while people go on working.
        Backup = "backup",
        /// The same, to be taken elsewhere: archives do not depend on an engine.
        Export = "export",
        /// The tenant of an archive as it was, in place of what is there.
        Restore = "restore",
        /// Proof of an archive: checksums, counts, the chain of changes, whose it is. Nothing is touched.
        Verify = "verify",
        /// What an archive holds as a new tenant, under a name and an identity of its own.
        Import = "import",
        /// A copy of a tenant as a new one.
        Clone = "clone",
        /// Into an archive and out of service; the name stays taken.
        Archive = "archive",
        /// Marked for removal, to be undone until the grace is over.
        Delete = "delete",
        /// Removed for good, after the grace; the name is free when the database is known to be gone.
        Purge = "purge",
        /// Into a database of a new generation, on the same server or another, while people go on reading.
        Move = "move",
        /// Another password for the tenant's database account, unnoticed by those at work.
        RotateCredentials = "rotate_credentials",
    }
}

crate::text_enum! {
    /// How far an operation is.
    pub enum OperationState {
        /// Nobody has begun.
        Queued = "queued",
        /// Begun; if its lease has ended, whoever did it is gone.
        Running = "running",
        /// Finished.
        Done = "done",
        /// Given up; the message says at which step, why and what to do. Nothing of it is left.
        Failed = "failed",
    }
}

impl OperationState {
    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// An operation on record.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// Identity.
    pub id: Uuid,
    /// Whom it is about. For what makes a new tenant: the new one.
    pub tenant: TenantId,
    /// The tenant's name when it was asked for.
    pub slug: Slug,
    /// What is done.
    pub kind: OperationKind,
    /// What was asked for besides: the archive, the source.
    pub parameters: Json,
    /// How far it is.
    pub state: OperationState,
    /// The step it is at, by name.
    pub step: String,
    /// What a later step needs of an earlier one, and at the end what came of it.
    pub result: Json,
    /// Work done, in rows.
    pub done: u64,
    /// Work there is, in rows, about.
    pub total: u64,
    /// Why it failed and what to do.
    pub message: Option<String>,
    /// Token of the lease under which it is done: who has a smaller one has been overtaken.
    pub token: u64,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When something last happened.
    pub changed_at: DateTime<Utc>,
}

/// What is marked of a tenant besides its state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// Whether it is a copy that must not act on the world: no mail, no webhooks, no jobs.
    pub neutral: bool,
    /// When it may be removed for good, if it is to be.
    pub delete_after: Option<DateTime<Utc>>,
    /// Name of the archive it is in, if it is out of service.
    pub archive: Option<String>,
}

/// A change of a tenant's row in the registry, under an operation's lease.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantChange {
    /// The state it must be in; otherwise [`crate::Error::Illegal`] and nothing is changed.
    pub from: TenantState,
    /// New state.
    pub state: TenantState,
    /// New generation.
    pub generation: i64,
    /// New marks.
    pub marks: Marks,
    /// New anchor, whichever position the old one has; `None` leaves it.
    pub anchor: Option<Anchor>,
}

/// The registry as operations on whole tenants need it.
///
/// Contract: every change is made only if the operation's token is the one on record, in one
/// transaction with what it changes, and fails with [`crate::Error::Illegal`] otherwise: whoever was
/// overtaken changes nothing any more.
#[async_trait]
pub trait OperationBook: Send + Sync + Debug {
    /// Puts an operation on record. Errors: [`crate::Error::Illegal`] if another of the same tenant is
    /// not over.
    async fn add_operation(&self, operation: &Operation) -> Result<()>;
    /// The operation with this id.
    async fn find_operation(&self, id: Uuid) -> Result<Option<Operation>>;
    /// Operations of a tenant, newest first; of all tenants without one. At most `limit`.
    async fn list_operations(&self, slug: Option<&Slug>, limit: u32) -> Result<Vec<Operation>>;
    /// Operations that are not over, oldest first.
    async fn open_operations(&self) -> Result<Vec<Operation>>;
    /// Makes an operation the lease holder's.
    async fn claim_operation(
        &self,
        id: Uuid,
        lease: &Lease,
        at: DateTime<Utc>,
    ) -> Result<Operation>;
    /// Notes state, step, result, progress and message.
    async fn note_operation(&self, operation: &Operation) -> Result<()>;
    /// Enters a tenant that is being made. Errors: [`crate::Error::Taken`] for the slug. A tenant with
    /// the same id and slug that is there already is left as it is.
    async fn enter_tenant(
        &self,
        operation: &Operation,
        tenant: &Tenant,
        marks: &Marks,
    ) -> Result<()>;
    /// Changes a tenant's row.
    async fn change_tenant(
        &self,
        operation: &Operation,
        tenant: TenantId,
        change: &TenantChange,
    ) -> Result<Tenant>;
    /// Takes a tenant out of the registry, with its marks and its anchor: its name is free.
    async fn forget_tenant(&self, operation: &Operation, tenant: TenantId) -> Result<()>;
    /// What became of a tenant, newest first, at most `limit`: written in one transaction with each change of
    /// its state or generation, by whatever way.
    async fn tenant_events(&self, tenant: TenantId, limit: u32) -> Result<Vec<TenantEvent>>;
    /// What is marked of a tenant.
    async fn marks(&self, tenant: TenantId) -> Result<Marks>;
    /// Lets a neutralised tenant act on the world.
    async fn activate(&self, tenant: TenantId) -> Result<()>;
}

/// An archive in the installation's store of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredArchive {
    /// Its name, as operations take it: `store:` and two ids.
    pub name: String,
    /// Whose archive it is.
    pub tenant: TenantId,
    /// Its id: that of the operation that made it.
    pub id: Uuid,
    /// Its bytes.
    pub bytes: u64,
    /// When it was written, by the store's clock.
    pub written_at: DateTime<Utc>,
}

/// An operation that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOperation {
    /// What is to be done.
    pub kind: OperationKind,
    /// To whom; for clone and import, the name of the new tenant.
    pub slug: Slug,
    /// What it takes besides; `null` or an object:
    ///
    /// - `archive`: file, a name in the folder of archives or an absolute path (backup, export and
    ///   archive make it, restore, verify and import read it), or the name of a [`StoredArchive`] (restore,
    ///   verify, import);
    /// - `store`: `true` to put the archive into the store of files instead (backup, export, archive);
    /// - `keep`: how many of the tenant's newest archives in the store stay, 1 to 10000, and `keep_days`: how
    ///   old one becomes at least, 0 to 36500; the others are removed once the new one is proven. Without
    ///   both, all stay (backup with `store`);
    /// - `source`: slug of the tenant to copy (clone);
    /// - `replace`: `true` to replace a tenant that is in service (restore);
    /// - `grace_days`: 0 to 3650, 30 if absent (delete);
    /// - `to`: the database server to move to; the one it is on, if absent (move);
    /// - `confirm`: the slug once more (delete, purge).
    pub parameters: Json,
    /// Asking again with the same key gives the same operation.
    pub key: Option<String>,
}

/// What an operator consents to who ends a move that its tenant was switched by, to a server that is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consent {
    /// Nothing: what would be given up is only said.
    #[default]
    Nothing,
    /// The tenant gets the database before back, and what was written since the switch is given up.
    TurnBack,
    /// Neither database can be used: the tenant stays where it is, to be restored from an archive.
    GiveUp,
}

/// Does operations on whole tenants.
#[async_trait]
pub trait Operations: Send + Sync + Debug {
    /// Checks what is asked for and puts it on record. Errors: [`crate::Error::Invalid`] by parameter,
    /// [`crate::Error::Illegal`] if the tenant's state does not allow it or another operation is not over.
    async fn ask(&self, new: NewOperation) -> Result<Operation>;
    /// A tenant's archives in the store of files, newest first, also of one that is gone. Errors:
    /// [`crate::Error::Illegal`] if the installation has no store of files.
    async fn archives(&self, tenant: TenantId) -> Result<Vec<StoredArchive>>;
    /// Does what is on record, from the step it is at, until it is over. Errors:
    /// [`crate::Error::Unavailable`] while another process does it.
    async fn run(&self, id: Uuid) -> Result<Operation>;
    /// Ends what cannot go on because a database server is gone: undoes it before its point of no return, and
    /// finishes it after that. What the server that does not answer holds is noted, and removed when it does.
    /// One that is over stays as it is.
    ///
    /// A move to a server that the tenant was switched to, and that does not answer, cannot be finished: what was
    /// written since is there only. With [`Consent::TurnBack`] the tenant gets the database before back, as it was at
    /// the switch, and the operation ends as failed; the database on that server is kept
    /// ([`crate::server::KeptDatabase`]). If that one cannot be used either, [`Consent::GiveUp`] ends the operation as
    /// failed and leaves the tenant on the lost server; what there is of the database before is kept. Where either
    /// database answers whole nothing of it is given up, and for all else consent changes nothing.
    ///
    /// Errors: [`crate::Error::Unavailable`] while another process does it, or if the tenant's own database
    /// does not answer: then nothing can be undone, and nothing is removed. [`crate::Error::Illegal`]
    /// `move_switched` for a move that can be turned back, which says what that gives up; `database_before` if the
    /// database before cannot be used; `database_whole` if the new one is whole though it cannot be opened.
    async fn end(&self, id: Uuid, consent: Consent) -> Result<Operation>;
}
