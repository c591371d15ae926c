//! Emptying a database server: its tenants are moved to others, one after another. That takes long, so it is on
//! record with its progress, and whoever finds it cut off goes on with it.

use crate::error::Result;
use crate::port::Lease;
use crate::tenant::Slug;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use uuid::Uuid;

/// Failures that are kept, the first ones.
pub const MOST_FAILURES: usize = 200;

crate::text_enum! {
    /// How emptying a server stands.
    pub enum DrainState {
        /// Begun; if its lease has ended, whoever did it is gone, and another goes on.
        Running = "running",
        /// Over: every tenant is elsewhere.
        Done = "done",
        /// Over: tenants are still there; the message says why.
        Failed = "failed",
    }
}

/// A tenant that could not be moved. It is in service as before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainFailure {
    /// The tenant.
    pub tenant: String,
    /// Its move, if it came to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Uuid>,
    /// Why, and what to do.
    pub message: String,
}

/// What is on record of the last time a server was emptied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// Identity: each time a server is emptied has its own.
    pub id: Uuid,
    /// The server.
    pub server: String,
    /// Where its tenants go; each to the open server that is least filled if absent.
    pub to: Option<String>,
    /// How it stands.
    pub state: DrainState,
    /// Tenants there were when it began.
    pub total: u64,
    /// Of them those that are elsewhere by now.
    pub moved: u64,
    /// Of them those that could not be moved.
    pub failed: u64,
    /// Which and why, the first [`MOST_FAILURES`].
    pub failures: Vec<DrainFailure>,
    /// The tenant that is being moved.
    pub tenant: Option<Slug>,
    /// Its move, which tells how far it is.
    pub operation: Option<Uuid>,
    /// The last tenant that was moved or found to stay: it goes on after it, by slug.
    pub settled: String,
    /// Why it is over though tenants are still there, and what to do.
    pub message: Option<String>,
    /// Token of the lease under which it is done: who has a smaller one has been overtaken.
    pub token: u64,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When something last happened.
    pub changed_at: DateTime<Utc>,
}

impl Drain {
    /// Tenants that are still to be moved, the one that is being moved included.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.total.saturating_sub(self.moved + self.failed)
    }
}

/// What an engine with several servers keeps of emptying them: of each server the last time.
///
/// Contract: a change is made only if the drain's token is the one on record, and fails with
/// [`crate::Error::Illegal`] otherwise.
#[async_trait]
pub trait DrainBook: Send + Sync + Debug {
    /// Puts one on record in place of one that is over; one that is not over is left and given.
    async fn add_drain(&self, drain: &Drain) -> Result<Drain>;
    /// The last one of a server.
    async fn find_drain(&self, server: &str) -> Result<Option<Drain>>;
    /// Those that are not over, oldest first.
    async fn open_drains(&self) -> Result<Vec<Drain>>;
    /// Makes the last one of a server the lease holder's, unless it is over.
    async fn claim_drain(&self, server: &str, lease: &Lease, at: DateTime<Utc>) -> Result<Drain>;
    /// Notes state, figures, failures, what is under way and message.
    async fn note_drain(&self, drain: &Drain) -> Result<()>;
}
