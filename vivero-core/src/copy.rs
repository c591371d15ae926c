//! A tenant's whole database as a stream of rows: what backup, restore, clone and move are made of.
//!
//! It is engine-neutral: tables are described as data, and a value is what [`Value`] says, with one
//! exception: a JSON document travels as the text it is stored as, so that a copy is equal to the byte.

use crate::error::Result;
use crate::ids::TenantId;
use crate::journal::{Anchor, Entry};
use crate::record::Kind;
use crate::value::Value;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A table as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableShape {
    /// Its name in the database.
    pub name: String,
    /// The resource whose records it holds; none for the journal and the like.
    pub resource: Option<String>,
    /// Its columns, in the order of a row's values.
    pub columns: Vec<ColumnShape>,
}

/// A column as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnShape {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may have no value.
    pub nullable: bool,
}

/// The journal's table, by the name every engine gives it.
pub const JOURNAL: &str = "journal";
/// The table of positions and chain hashes.
pub const JOURNAL_SEAL: &str = "journal_seal";
/// The table of the chain's head.
pub const CHAIN: &str = "chain";
/// The table of dashboard figures.
pub const COUNTS: &str = "counts";
/// The table of answers to requests with an idempotency key.
pub const IDEMPOTENCY: &str = "idempotency";

/// Some rows of one table.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Place of the table in [`Snapshot::tables`].
    pub table: usize,
    /// The rows, one value per column.
    pub rows: Vec<Vec<Value>>,
}

/// What a snapshot is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// Name of the engine it is in.
    pub engine: &'static str,
    /// Whose database.
    pub tenant: TenantId,
    /// Its generation.
    pub generation: i64,
    /// Head of the chain; position 0 if nothing was sealed yet.
    pub head: Anchor,
    /// Number of the last journal entry, sealed or not.
    pub journal_seq: i64,
    /// About how many rows there are, for showing progress.
    pub rows: u64,
}

/// Where a former snapshot ended: what came after it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// [`Extent::journal_seq`] of the former.
    pub journal_seq: i64,
    /// Position of [`Extent::head`] of the former.
    pub position: u64,
    /// Answers to requests with an idempotency key from this instant on are part of it.
    pub answers_from: DateTime<Utc>,
}

/// Every row of a tenant's database as of one instant, or every row that changed since another.
///
/// Contract: whatever is committed meanwhile is not seen. Rows of a table come in the order of its key,
/// the journal's entries before the seals that name them. Deleted records, unsealed entries and
/// integrators' tables are part of it; what an engine keeps for itself (indexes, search, the log of its
/// schema) is not. Memory does not grow with the database.
#[async_trait]
pub trait Snapshot: Send {
    /// What it is of.
    fn extent(&self) -> &Extent;
    /// The tables, in the order in which they come.
    fn tables(&self) -> &[TableShape];
    /// The next rows; `None` at the end.
    async fn next(&mut self) -> Result<Option<Part>>;
}

/// What becomes of the chain of a loaded database.
#[derive(Debug, Clone, PartialEq)]
pub enum Chain {
    /// It is the same tenant: seals, head and figures are taken over.
    Keep,
    /// It is another tenant: every entry is sealed anew, then this one, which names where it came from.
    Anew(Box<Entry>),
}

/// A database that is being made from rows.
///
/// Contract: it belongs to nobody until [`Loading::finish`] stamps it, which comes last; dropped before,
/// it is refused by [`crate::port::Fleet::open`] and removed when it is loaded again.
#[async_trait]
pub trait Loading: Send {
    /// Adds rows. Errors: [`crate::Error::Corrupt`] for rows that do not fit the table.
    async fn add(&mut self, part: Part) -> Result<()>;
    /// Replaces rows that are there, by the table's first column or its key, and adds the others: for
    /// catching up with what changed since.
    async fn replace(&mut self, part: Part) -> Result<()>;
    /// Makes what only makes reading quick, so that catching up and finishing take little time.
    async fn index(&mut self) -> Result<()>;
    /// Makes indexes and figures, stamps it and makes it durable; the head of its chain.
    async fn finish(self: Box<Self>) -> Result<Anchor>;
}
