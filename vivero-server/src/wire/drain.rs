//! Emptying a database server, on the wire.

use super::{Stamp, Word, present};
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vivero_core::drain::{Drain, DrainFailure, DrainState};

/// How a server is to be emptied.
#[derive(Debug, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct DrainIn {
    /// The server its tenants go to; each to the open server that is least filled if absent.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[oai(validator(min_length = 1, max_length = 40, pattern = "^[A-Za-z0-9-]+$"))]
    pub(crate) to: Option<String>,
}

/// A tenant that could not be moved; it is in service as before.
#[derive(Debug, Serialize, Object)]
pub(crate) struct DrainFailureOut {
    /// Name in paths.
    pub(crate) tenant: String,
    /// Its move, if it came to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) operation: Option<Uuid>,
    /// Why, and what to do.
    pub(crate) message: String,
}

impl From<DrainFailure> for DrainFailureOut {
    fn from(failure: DrainFailure) -> Self {
        let DrainFailure { tenant, operation, message } = failure;
        Self { tenant, operation, message }
    }
}

/// The last time a server was emptied, and how far that is.
#[derive(Debug, Serialize, Object)]
pub(crate) struct DrainOut {
    /// Identity: each time has its own.
    pub(crate) id: Uuid,
    /// The server.
    pub(crate) server: String,
    /// Where its tenants go; absent if each goes to the open server that is least filled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) to: Option<String>,
    /// `done` if every tenant is elsewhere, `failed` if it is over and tenants are still there.
    pub(crate) state: Word<DrainState>,
    /// Tenants there were when it began.
    pub(crate) total: u64,
    /// Of them those that are elsewhere.
    pub(crate) moved: u64,
    /// Of them those that are still to be moved.
    pub(crate) left: u64,
    /// Of them those that could not be moved.
    pub(crate) failed: u64,
    /// Which could not, and why: the first 200.
    pub(crate) failures: Vec<DrainFailureOut>,
    /// The tenant that is being moved now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) tenant: Option<String>,
    /// Its operation, which tells how far that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) operation: Option<Uuid>,
    /// Why tenants are still there, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) message: Option<String>,
    /// When it was asked for.
    pub(crate) created_at: Stamp,
    /// When something last happened.
    pub(crate) changed_at: Stamp,
}

impl From<Drain> for DrainOut {
    fn from(drain: Drain) -> Self {
        Self {
            id: drain.id,
            left: drain.left(),
            server: drain.server,
            to: drain.to,
            state: Word(drain.state),
            total: drain.total,
            moved: drain.moved,
            failed: drain.failed,
            failures: drain.failures.into_iter().map(Into::into).collect(),
            tenant: drain.tenant.map(|slug| slug.to_string()),
            operation: drain.operation,
            message: drain.message,
            created_at: Stamp(drain.created_at),
            changed_at: Stamp(drain.changed_at),
        }
    }
}
