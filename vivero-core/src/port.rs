//! The ports: what a storage engine implements. Everything above them is engine-neutral; the suite in
//! `conformance` says in code what the contracts here say in words.
//!
//! Ports deal in [`Row`]s and [`Schema`]s, not in record types, so that an engine is written once for
//! every record type there is or will be. None of them takes a decision about who may do what.

use crate::copy::{Chain, Loading, Since, Snapshot, TableShape};
use crate::drain::DrainBook;
use crate::error::{Error, Result};
use crate::ids::TenantId;
use crate::journal::{Anchor, ChainReport, CountKey, Entry, SealedEntry};
use crate::moves::Moves;
use crate::operations::OperationBook;
use crate::query::{Deleted, Predicate, Query};
use crate::record::{Row, Schema};
use crate::server::{DatabaseServer, KeptDatabase, MAIN, NewServer, ServerFinding, ServerPatch};
use crate::shared::Shared;
use crate::tenant::{OperationType, Plan, Slug, Tenant, TenantState};
use crate::usage::{StoreFigures, StoreUsage};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;
use tokio::sync::watch;
use uuid::Uuid;

/// Reading rows of one tenant.
///
/// Contract: a read sees every transaction that was committed before it began and nothing
/// uncommitted of others. A row that is not there, is deleted ([`Deleted::Hidden`]) or does not meet
/// `scope` is `None`, never an error. Dropping a future leaves nothing half-done.
#[async_trait]
pub trait Rows: Send {
    /// The row with `id`, if `scope` reaches it.
    async fn find(
        &mut self,
        schema: &'static Schema,
        id: Uuid,
        scope: &Predicate,
        deleted: Deleted,
    ) -> Result<Option<Row>>;
    /// Rows that meet the query, in its order, at most `query.limit`. Ties of the sort are broken by
    /// `seq`, so the order is total and a cursor is exact.
    async fn list(&mut self, schema: &'static Schema, query: &Query) -> Result<Vec<Row>>;
    /// The rows that [`Rows::list`] gives, with how many meet the query's filter, scope and search in all,
    /// wherever the page begins. A store that knows both at once need not be asked twice.
    async fn list_and_count(
        &mut self,
        schema: &'static Schema,
        query: &Query,
    ) -> Result<(Vec<Row>, u64)> {
        let rows = self.list(schema, query).await?;
        let all = Query { after: None, ..query.clone() };
        Ok((rows, self.count(schema, &all).await?))
    }
    /// How many rows meet the query's filter, scope and search.
    async fn count(&mut self, schema: &'static Schema, query: &Query) -> Result<u64>;
    /// Unsealed and sealed entries of one record with `version > after_version`, oldest first.
    async fn changes_since(
        &mut self,
        schema: &'static Schema,
        id: Uuid,
        after_version: i64,
        limit: u32,
    ) -> Result<Vec<Entry>>;
}

/// The answer that was given to a request with an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The key, as scoped by the caller (person and operation included).
    pub key: String,
    /// Hash of the request: the same key with another request is refused.
    pub fingerprint: String,
    /// What to answer again.
    pub response: String,
    /// When it was first answered.
    pub at: DateTime<Utc>,
}

/// A write transaction on one tenant's database.
///
/// Contract: reads within it see its own writes. [`Work::commit`] consumes it and returns only when
/// the writes are durable; dropping it undoes all of them. Two units of work of one tenant never
/// interleave in a way that a serial order could not explain.
#[async_trait]
pub trait Work: Rows {
    /// Adds rows of one type. `seq` is given by the engine, ascending.
    /// Errors: [`crate::Error::Taken`] names the unique field; then nothing of this call is kept.
    async fn insert(&mut self, schema: &'static Schema, rows: Vec<Row>) -> Result<()>;
    /// Replaces `before` by `after` (same id) if the stored version is still `before.version`; `false`
    /// if it is not. Engines write only what differs.
    /// Errors: [`crate::Error::Taken`] names the unique field.
    async fn update(&mut self, schema: &'static Schema, before: &Row, after: Row) -> Result<bool>;
    /// Appends entries to the journal, to be sealed after the commit.
    async fn journal(&mut self, entries: Vec<Entry>) -> Result<()>;
    /// Keeps the answer to an idempotent request.
    async fn remember(&mut self, answer: Remembered) -> Result<()>;
    /// The answer kept under `key`.
    async fn remembered(&mut self, key: &str) -> Result<Option<Remembered>>;
    /// Whether it takes things for granted; see [`TenantStore::begin_hurried`].
    fn is_hurried(&self) -> bool {
        false
    }
    /// Whether a row is there, not deleted and within `scope`, for another to refer to.
    async fn require(
        &mut self,
        schema: &'static Schema,
        id: Uuid,
        scope: &Predicate,
    ) -> Result<bool> {
        Ok(self.find(schema, id, scope, Deleted::Hidden).await?.is_some())
    }
    /// [`Rows::find`] of a row that is not deleted, to change it.
    async fn find_to_change(
        &mut self,
        schema: &'static Schema,
        id: Uuid,
        scope: &Predicate,
    ) -> Result<Option<Row>> {
        self.find(schema, id, scope, Deleted::Hidden).await
    }
    /// Makes everything durable.
    async fn commit(self: Box<Self>) -> Result<()>;
}

/// Figures kept by the sealer, as of one position of the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// The position up to which entries are counted.
    pub position: u64,
    /// The figures, exact: sums may be greater than what they are sums of.
    pub values: HashMap<CountKey, i128>,
}

/// One tenant's database.
///
/// Holding it is a lease: an engine keeps the connections open at least as long as anyone holds it.
#[async_trait]
pub trait TenantStore: Send + Sync + Debug {
    /// A connection for reading.
    async fn read(&self) -> Result<Box<dyn Rows + '_>>;
    /// Begins a write transaction.
    async fn begin(&self) -> Result<Box<dyn Work>>;
    /// Begins one that ends soon: it waits for nothing but its own calls, and comes to its end within
    /// milliseconds. An engine may make several of them durable at once. Each keeps the contract of
    /// [`Work`]: it sees what those before it did, is undone alone if it fails, and is acknowledged when
    /// it is durable. In exchange what it reads may have been written by one that is not durable yet;
    /// what an answer says to be done must be committed, even if this work itself changed nothing. That a
    /// value of a row is taken may be told by a later call or by the commit, and ends the work.
    async fn begin_short(&self) -> Result<Box<dyn Work>> {
        self.begin().await
    }
    /// [`Self::begin_short`] for a work that its caller does again with that if it is refused. The engine may take for
    /// granted what is likely: that what is required is there, that no answer is remembered, and that a row which is
    /// to be changed is still as others read it. If it was not so, a later call or the commit is
    /// [`crate::Error::Undone`], or whatever comes of it: until the commit, nothing it says is certain.
    async fn begin_hurried(&self) -> Result<Box<dyn Work>> {
        self.begin_short().await
    }
    /// Entries of one record, newest first, older than `before_version`.
    async fn history(
        &self,
        schema: &'static Schema,
        id: Uuid,
        before_version: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Entry>>;
    /// Sealed entries after `position`, in order. Never skips one, whatever commits meanwhile.
    async fn feed(&self, position: u64, limit: u32) -> Result<Vec<SealedEntry>>;
    /// Sealed entries before `position` (`None`: from the head), newest first.
    async fn feed_back(&self, before: Option<u64>, limit: u32) -> Result<Vec<SealedEntry>>;
    /// Position of the last sealed entry, kept current: readers of the feed wait on it.
    fn head(&self) -> watch::Receiver<u64>;
    /// Seals what is committed now and updates projections; returns the head. Safe to call from any
    /// number of tasks and processes at once: each entry is sealed and counted exactly once.
    async fn seal(&self) -> Result<u64>;
    /// The projected figures.
    async fn counts(&self) -> Result<Arc<Counts>>;
    /// The same figures counted afresh from the rows, for checking.
    async fn recount(&self) -> Result<HashMap<CountKey, i128>>;
    /// Recomputes the chain and holds it against `anchor`.
    async fn verify(&self, anchor: Option<Anchor>) -> Result<ChainReport>;
    /// Removes remembered answers from before `before`; returns how many.
    async fn forget(&self, before: DateTime<Utc>) -> Result<u64>;
    /// Says that an empty table is about to be filled (`true`), or has been (`false`). An engine may
    /// leave out meanwhile what only makes reading quick; lists of the type are then refused with
    /// [`crate::Error::Unavailable`]. Does nothing if the table has rows. Opening the tenant again ends
    /// it, too.
    async fn filling(&self, schema: &'static Schema, filling: bool) -> Result<()>;
    /// Creates the table of a record type that is not vivero's own, or brings it up to its schema.
    async fn ensure(&self, schema: &'static Schema) -> Result<()>;
    /// Every row as of now, or, with `since`, every row that changed after a former snapshot ended.
    /// Writers are not kept waiting. Errors: [`crate::Error::Illegal`] for a table or column that this
    /// program does not know: it would be left out.
    async fn snapshot(&self, since: Option<Since>) -> Result<Box<dyn Snapshot + '_>>;
    /// From now on every unit of work fails with [`crate::Error::Unavailable`], of whichever process,
    /// because the database is about to be replaced; or (`false`) no more. Reading goes on. Returns when
    /// the works that had begun are done.
    async fn fence(&self, fenced: bool) -> Result<()>;
}

/// A tenant to be made, checked and with every decision taken.
#[derive(Debug, Clone)]
pub struct Provision {
    /// Its identity.
    pub id: TenantId,
    /// Wanted slug; the engine refuses a taken one with [`crate::Error::Taken`].
    pub slug: Slug,
    /// Name of the organisation.
    pub organization: String,
    /// What it grows.
    pub operation_type: OperationType,
    /// Plan.
    pub plan: Plan,
    /// Now.
    pub at: DateTime<Utc>,
    /// Key under which a repeated request finds the same tenant.
    pub key: Option<String>,
    /// Hash of the request behind `key`.
    pub fingerprint: Option<String>,
    /// First rows of the database, per type, with their journal entries.
    pub seed: Vec<(&'static Schema, Vec<Row>)>,
    /// Entries for the seed.
    pub entries: Vec<Entry>,
}

/// The right to do what only one process of an installation may do at a time.
///
/// `token` grows with every taking of the same name: what is written under a lease carries it, and a
/// writer whose token is not the newest has been overtaken (a fencing token; see M. Kleppmann,
/// "How to do distributed locking", 2016).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What it is the right to, e.g. `migrations`. At most 190 characters.
    pub name: String,
    /// Who has it: an id the process made for itself.
    pub holder: Uuid,
    /// Greater than that of every lease of this name before.
    pub token: u64,
    /// When it ends if it is not renewed.
    pub until: DateTime<Utc>,
}

/// Figures of the pools behind all tenants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FleetStats {
    /// Tenants in the registry.
    pub tenants: u64,
    /// Tenant databases open now.
    pub open: u64,
    /// Most that may be open at once.
    pub max_open: u64,
    /// Databases opened since the start.
    pub opened: u64,
    /// Idle databases closed to make room.
    pub evicted: u64,
    /// Requests refused because all were in use.
    pub refused: u64,
    /// Requests that wait now for a tenant database to be closed.
    pub waiting: u64,
    /// Milliseconds that requests have waited for that, since the start, in all.
    pub waited_ms: u64,
    /// Indexes that are kept in memory.
    pub bitmaps: BitmapStats,
}

/// Figures of the bitmap indexes that are kept in memory, of all tenants; counters since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BitmapStats {
    /// Most bytes they may take; 0 where there are none.
    pub limit: u64,
    /// Bytes they take now, about.
    pub bytes: u64,
    /// Indexes there are now, one for each record table of a tenant.
    pub indexes: u64,
    /// Indexes that were built.
    pub built: u64,
    /// Indexes that were dropped to make room for others.
    pub dropped: u64,
    /// Times that changes were taken over into an index.
    pub caught_up: u64,
    /// Lists that an index answered.
    pub answered: u64,
    /// Lists that an index was there for, and that were left to the database.
    pub passed_on: u64,
    /// Most bytes that rows of pages may take.
    pub rows_limit: u64,
    /// Bytes that they take now, about.
    pub rows_bytes: u64,
    /// How many are kept now, about.
    pub rows: u64,
    /// Rows of pages that were kept.
    pub rows_found: u64,
    /// Rows of pages that were not, and were read.
    pub rows_read: u64,
}

/// The registry of tenants and the way to their databases.
#[async_trait]
pub trait Fleet: Send + Sync + Debug {
    /// Makes a tenant, step by step, each step on record so that a cut-off run is finished by the
    /// next call with the same key or by [`Fleet::resume_provisioning`]. The tenant becomes `active`
    /// last. Errors: [`crate::Error::Taken`] for the slug.
    async fn provision(&self, provision: Provision) -> Result<Tenant>;
    /// Finishes or undoes what a former process left half-made; returns how many of each.
    async fn resume_provisioning(&self) -> Result<(u64, u64)>;
    /// The tenant with this slug, whatever its state.
    async fn find_by_slug(&self, slug: &Slug) -> Result<Option<Arc<Tenant>>>;
    /// The tenant with this id, whatever its state.
    async fn find(&self, id: TenantId) -> Result<Option<Arc<Tenant>>>;
    /// Tenants by slug, after `after`.
    async fn list(&self, after: Option<&str>, limit: u32) -> Result<Vec<Tenant>>;
    /// Changes the recorded state if `version` is still current.
    async fn set_state(
        &self,
        id: TenantId,
        to: TenantState,
        version: i64,
        at: DateTime<Utc>,
    ) -> Result<Tenant>;
    /// Opens a tenant's database after checking its identity stamp. Waits a bounded time for room,
    /// then [`crate::Error::Unavailable`].
    async fn open(&self, tenant: &Tenant) -> Result<Arc<dyn TenantStore>>;
    /// Begins to make the database of `tenant` at its generation, from rows of these tables. One of the
    /// same generation that was left half-made is removed first.
    ///
    /// Errors: [`crate::Error::Illegal`] for tables this program does not know or knows otherwise, and if
    /// the generation is the one in use.
    async fn load(
        &self,
        tenant: &Tenant,
        tables: &[TableShape],
        chain: Chain,
    ) -> Result<Box<dyn Loading>>;
    /// Closes what this process has open of one generation, after sealing what is unsealed.
    async fn retire(&self, id: TenantId, generation: i64);
    /// Removes the database of one generation, if it is there. Errors: [`crate::Error::Illegal`] if it
    /// is the one in use.
    async fn remove(&self, id: TenantId, generation: i64) -> Result<()>;
    /// The same for an operation that must end though a database server does not answer: what that server
    /// holds is noted and removed when it answers again. The server's name, if anything is left there.
    async fn abandon(&self, id: TenantId, generation: i64) -> Result<Option<String>> {
        self.remove(id, generation).await.map(|()| None)
    }
    /// The registry as operations on whole tenants need it.
    fn book(&self) -> &dyn OperationBook;
    /// Has [`Fleet::open`] of this process open a database of the tenant's that has not the change that was anchored
    /// last, which is refused otherwise, as [`crate::Error::Corrupt`].
    fn trust(&self, tenant: &Tenant);
    /// Anchors a head in place of the one before, whichever is older, if the tenant's database is of that generation.
    async fn replace_anchor(
        &self,
        tenant: &Tenant,
        anchor: Anchor,
        at: DateTime<Utc>,
    ) -> Result<()>;
    /// The last anchored head of a tenant's chain.
    async fn anchor(&self, id: TenantId) -> Result<Option<Anchor>>;
    /// Anchors a head; an older one than stored is ignored.
    async fn set_anchor(&self, id: TenantId, anchor: Anchor, at: DateTime<Utc>) -> Result<()>;
    /// Takes the lease `name` until `until`, unless somebody else's is still good at `at`: then `None`.
    /// Whoever has it already gets it anew, with a new token.
    async fn take_lease(
        &self,
        name: &str,
        holder: Uuid,
        at: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Lease>>;
    /// Prolongs a lease; `None` if it has been taken by somebody since. An ended one that nobody took is
    /// prolonged.
    async fn renew_lease(&self, lease: &Lease, until: DateTime<Utc>) -> Result<Option<Lease>>;
    /// Gives a lease back; without effect if it has been taken since.
    async fn release_lease(&self, lease: &Lease) -> Result<()>;
    /// Leases by name that begin with `prefix`, also ended ones: who holds what.
    async fn leases(&self, prefix: &str) -> Result<Vec<Lease>>;
    /// Migrations of all tenants; `None` if the engine has none to run.
    fn migrator(self: Arc<Self>) -> Option<Arc<dyn crate::migration::Migrator>> {
        None
    }
    /// Hands over what the installation's processes share, and what this one calls itself in leases, before
    /// any tenant is opened. An engine that several processes use at once announces there what it seals,
    /// and listens for what others do.
    fn attach(&self, _shared: Arc<dyn Shared>, _me: Uuid) {}
    /// Whether several processes may serve this storage at once.
    fn serves_many(&self) -> bool {
        false
    }
    /// Whether the registry answers.
    async fn ping(&self) -> Result<()>;
    /// Figures of the pools.
    async fn stats(&self) -> Result<FleetStats>;
    /// What a tenant's database costs and was asked: this process's own figures, and those of the
    /// storage.
    async fn usage(&self, tenant: &Tenant) -> Result<StoreUsage>;
    /// This process's figures of every tenant it has had open.
    fn figures(&self) -> Vec<(TenantId, StoreFigures)>;
    /// Seals and anchors everything open and closes it. Called once, at the end.
    async fn close(&self);
    /// A secret of the installation by name, made on first use: signing keys, HMAC keys.
    async fn secret(&self, name: &str, fresh: Vec<u8>) -> Result<Vec<u8>>;

    /// The database servers with what is on them: one, where an engine knows no others.
    async fn servers(&self) -> Result<Vec<DatabaseServer>>;
    /// Adds a database server, which takes new tenants from then on, after looking whether it will do.
    /// Errors: [`Error::Taken`] for the name, [`Error::Invalid`] for a server that will not do.
    async fn add_server(&self, _server: NewServer) -> Result<DatabaseServer> {
        Err(one_server())
    }
    /// Changes a database server, if `version` is still current or none is given.
    async fn change_server(
        &self,
        _name: &str,
        _patch: ServerPatch,
        _version: Option<i64>,
    ) -> Result<DatabaseServer> {
        Err(one_server())
    }
    /// Takes a database server off the list, which must be empty: without tenants, databases that are kept or cannot
    /// be removed, and moves that are not over. One that is `lost` for good need not be: what is on it is
    /// forgotten, and its tenants are [`TenantState::Archived`], to be restored from archives. Gives these.
    ///
    /// Errors: [`Error::NotFound`], [`Error::Illegal`].
    async fn remove_server(&self, _name: &str, _lost: bool) -> Result<Vec<Slug>> {
        Err(one_server())
    }
    /// The server a tenant's database is on.
    async fn server_of(&self, _tenant: &Tenant) -> Result<String> {
        Ok(MAIN.into())
    }
    /// Tenants whose databases are on a server, by slug, after `after`.
    async fn tenants_on(&self, server: &str, after: Option<&str>, limit: u32) -> Result<Vec<Slug>> {
        if server != MAIN {
            return Err(Error::not_found("server"));
        }
        Ok(self.list(after, limit).await?.into_iter().map(|tenant| tenant.slug).collect())
    }
    /// What is done about moves that were switched. Errors: [`Error::Illegal`] where an engine knows one server only.
    fn moves(&self) -> Result<&dyn Moves> {
        Err(one_server())
    }
    /// Databases that are kept: of one tenant, or all there are.
    async fn kept(&self, _tenant: Option<TenantId>) -> Result<Vec<KeptDatabase>> {
        Ok(Vec::new())
    }
    /// Removes a database that is kept, for good. Errors: [`Error::NotFound`] if none of that name is kept there,
    /// [`Error::Unavailable`] if the server does not answer.
    async fn remove_kept(&self, _server: &str, _database: &str) -> Result<()> {
        Err(one_server())
    }
    /// What is kept of emptying servers. Errors: [`Error::Illegal`] where an engine knows one server only.
    fn drains(&self) -> Result<&dyn DrainBook> {
        Err(one_server())
    }
    /// Notes on which server the database of `next`, a tenant at a generation to come, will be made by
    /// [`Fleet::load`]. It stays there once it is the tenant's, and [`Fleet::remove`] of the generation
    /// before removes what the tenant has on the server it was on. May be called again.
    ///
    /// Errors: [`Error::NotFound`] for the server, [`Error::Illegal`] for one that is not open or full.
    async fn place_next(&self, _next: &Tenant, _server: &str) -> Result<()> {
        Err(one_server())
    }
    /// Gives a tenant's database account another password. Nobody notices: connections that are open
    /// stay, new ones use the new password. Cut off at any step, it is finished by the next opening of
    /// the tenant or by [`Fleet::tend`]. Nothing happens where tenants have no accounts.
    async fn rotate_credentials(&self, _tenant: &Tenant) -> Result<()> {
        Ok(())
    }
    /// One round of what is to be done in the background: prepared databases are made, what others
    /// left half-made is cleared away. Whoever serves calls it every few seconds; processes take turns.
    /// Returns how many things it did.
    async fn tend(&self) -> Result<u64> {
        Ok(0)
    }
    /// Looks at every database server: what could go wrong there and what to do about it.
    async fn examine(&self) -> Result<Vec<ServerFinding>> {
        Ok(Vec::new())
    }
}

fn one_server() -> Error {
    Error::Illegal {
        code: "one_server_only",
        message: "this installation keeps its tenants on this machine; several database servers need MariaDB".into(),
    }
}
