//! What a tenant costs the installation: figures of its database for operators, none of its data.

use chrono::{DateTime, Utc};
use serde::Serialize;
use std::time::Duration;

/// What a tenant's database was asked by this process since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreFigures {
    /// Calls that read: look-ups, lists, counts, histories.
    pub reads: u64,
    /// Units of work committed.
    pub commits: u64,
    /// Calls that failed for a reason of the storage's own.
    pub failures: u64,
    /// Rows given and written.
    pub rows: u64,
    /// Time spent in all calls, waits not included.
    pub busy: Duration,
    /// Times a connection or a turn to write was asked for.
    pub waits: u64,
    /// Time spent waiting for them.
    pub waited: Duration,
    /// Calls slower than the bound for slow ones, with what a call that reads waited for.
    pub slow: u64,
}

impl StoreFigures {
    /// The figures of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            reads: self.reads + other.reads,
            commits: self.commits + other.commits,
            failures: self.failures + other.failures,
            rows: self.rows + other.rows,
            busy: self.busy + other.busy,
            waits: self.waits + other.waits,
            waited: self.waited + other.waited,
            slow: self.slow + other.slow,
        }
    }
}

/// A call that took long. It names what was asked for, never with which values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlowCall {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// What it was, as in `list entities where status, location_id sort -created_at limit 50`.
    pub call: String,
}

/// What the database server itself counted for a tenant's account since the server started or the
/// figures were flushed (MariaDB: `userstat`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct AccountFigures {
    /// Connections made.
    pub connections: u64,
    /// Seconds in which statements ran.
    pub busy_seconds: f64,
    /// Seconds of CPU time.
    pub cpu_seconds: f64,
    /// Rows read from tables.
    pub rows_read: u64,
    /// Rows inserted, changed and deleted.
    pub rows_written: u64,
    /// Bytes from the account's connections.
    pub bytes_received: u64,
    /// Bytes to them.
    pub bytes_sent: u64,
}

/// All that is known of the use of one tenant's database.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoreUsage {
    /// Figures of this process.
    pub figures: StoreFigures,
    /// The latest slow calls of this process, newest first.
    pub slow: Vec<SlowCall>,
    /// Bytes its database takes on the storage; none if that is not known.
    pub storage_bytes: Option<u64>,
    /// The database server's own figures; none where it keeps none.
    pub account: Option<AccountFigures>,
}
