//! What a tenant costs the installation, on the wire.

use super::{Stamp, Word};
use crate::middleware::metrics::TenantRequests;
use poem_openapi::Object;
use serde::Serialize;
use std::time::Duration;
use vivero_core::Tenant;
use vivero_core::tenant::TenantState;
use vivero_core::usage::{AccountFigures, SlowCall, StoreUsage};

/// What one tenant costs the installation. Everything but sizes and the account is of the server
/// process that answers, since its start.
#[derive(Debug, Serialize, Object)]
pub(crate) struct TenantUsageOut {
    /// Name of the tenant in paths.
    pub(crate) slug: String,
    /// Recorded state.
    pub(crate) state: Word<TenantState>,
    /// Its requests.
    pub(crate) requests: RequestUsageOut,
    /// Its database.
    pub(crate) store: StoreUsageOut,
    /// What the database server counted for its account; absent where it keeps no such figures
    /// (MariaDB: with `userstat` on).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) account: Option<AccountUsageOut>,
    /// The latest slow calls of its database, newest first.
    pub(crate) slow_calls: Vec<SlowCallOut>,
}

/// Requests of a tenant.
#[derive(Debug, Serialize, Object)]
pub(crate) struct RequestUsageOut {
    /// Requests answered.
    pub(crate) total: u64,
    /// Of them refused: status 400 to 499.
    pub(crate) refused: u64,
    /// Of them failed: status 500 and more.
    pub(crate) failed: u64,
    /// Seconds they took in all.
    pub(crate) seconds: f64,
    /// Half of them took at most so many seconds; absent if there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) seconds_p50: Option<f64>,
    /// 99 of 100 took at most so many seconds; absent if there were none, or if it is more than 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) seconds_p99: Option<f64>,
}

/// The use of a tenant's database.
#[derive(Debug, Serialize, Object)]
pub(crate) struct StoreUsageOut {
    /// Calls that read.
    pub(crate) reads: u64,
    /// Units of work committed.
    pub(crate) commits: u64,
    /// Calls that failed for a reason of the storage's own.
    pub(crate) failures: u64,
    /// Rows read and written.
    pub(crate) rows: u64,
    /// Seconds its calls took, without waiting for connections.
    pub(crate) busy_seconds: f64,
    /// Times a connection or a turn to write was asked for.
    pub(crate) waits: u64,
    /// Seconds spent waiting for them.
    pub(crate) wait_seconds: f64,
    /// Slow calls.
    pub(crate) slow_calls: u64,
    /// Bytes on the storage; absent if they are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) storage_bytes: Option<u64>,
}

/// What the database server counted for a tenant's account.
#[derive(Debug, Serialize, Object)]
pub(crate) struct AccountUsageOut {
    /// Connections made.
    pub(crate) connections: u64,
    /// Seconds in which statements ran.
    pub(crate) busy_seconds: f64,
    /// Seconds of CPU time.
    pub(crate) cpu_seconds: f64,
    /// Rows read from tables.
    pub(crate) rows_read: u64,
    /// Rows inserted, changed and deleted.
    pub(crate) rows_written: u64,
    /// Bytes from its connections.
    pub(crate) bytes_received: u64,
    /// Bytes to them.
    pub(crate) bytes_sent: u64,
}

/// A call of a tenant's database that took long.
#[derive(Debug, Serialize, Object)]
pub(crate) struct SlowCallOut {
    /// When it ended.
    pub(crate) at: Stamp,
    /// How long it took, in seconds.
    pub(crate) seconds: f64,
    /// What was asked for; never with which values.
    pub(crate) call: String,
}

impl TenantUsageOut {
    pub(crate) fn new(tenant: &Tenant, requests: &TenantRequests, usage: StoreUsage) -> Self {
        let StoreUsage { figures, slow, storage_bytes, account } = usage;
        Self {
            slug: tenant.slug.to_string(),
            state: Word(tenant.state),
            requests: RequestUsageOut {
                total: requests.requests,
                refused: requests.refused,
                failed: requests.failed,
                seconds: requests.seconds,
                seconds_p50: requests.within(0.5),
                seconds_p99: requests.within(0.99),
            },
            store: StoreUsageOut {
                reads: figures.reads,
                commits: figures.commits,
                failures: figures.failures,
                rows: figures.rows,
                busy_seconds: figures.busy.as_secs_f64(),
                waits: figures.waits,
                wait_seconds: figures.waited.as_secs_f64(),
                slow_calls: figures.slow,
                storage_bytes,
            },
            account: account.map(Into::into),
            slow_calls: slow.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<AccountFigures> for AccountUsageOut {
    fn from(a: AccountFigures) -> Self {
        Self {
            connections: a.connections,
            busy_seconds: a.busy_seconds,
            cpu_seconds: a.cpu_seconds,
            rows_read: a.rows_read,
            rows_written: a.rows_written,
            bytes_received: a.bytes_received,
            bytes_sent: a.bytes_sent,
        }
    }
}

impl From<SlowCall> for SlowCallOut {
    fn from(slow: SlowCall) -> Self {
        let seconds = Duration::from_micros(slow.micros).as_secs_f64();
        Self { at: Stamp(slow.at), seconds, call: slow.call }
    }
}
