//! The signed-in person on the wire.

use super::Stamp;
use super::tenant::TenantOut;
use super::user::UserOut;
use poem_openapi::Object;
use serde::Serialize;
use uuid::Uuid;
use vivero_core::user::Session;
use vivero_core::{SessionId, Stored};

/// Who is signed in, where, and what they may do.
#[derive(Debug, Serialize, Object)]
pub(crate) struct MeOut {
    /// The person.
    pub(crate) user: UserOut,
    /// Names of the person's roles.
    pub(crate) role_names: Vec<String>,
    /// What the person may do, all roles together.
    pub(crate) grants: Vec<String>,
    /// The tenant.
    pub(crate) tenant: TenantOut,
    /// `full`, or `read_only` once a trial is over.
    pub(crate) standing: String,
    /// This sign-in.
    pub(crate) session_id: Uuid,
}

/// A sign-in of the person on one device.
#[derive(Debug, Serialize, Object)]
pub(crate) struct SessionOut {
    /// Identity.
    pub(crate) id: Uuid,
    /// When the person signed in.
    pub(crate) created_at: Stamp,
    /// When it was last refreshed.
    pub(crate) used_at: Stamp,
    /// First instant at which it is over, however much it is used.
    pub(crate) ends_at: Stamp,
    /// The program that signed in, as it names itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) user_agent: Option<String>,
    /// Whether it is the one this request came with.
    pub(crate) current: bool,
}

impl SessionOut {
    /// The session, seen from the session `current`.
    pub(crate) fn new(stored: Stored<Session>, current: Option<SessionId>) -> Self {
        Self {
            id: stored.id.uuid(),
            created_at: Stamp(stored.created_at),
            used_at: Stamp(stored.used_at),
            ends_at: Stamp(stored.ends_at),
            current: current == Some(stored.id),
            user_agent: stored.record.user_agent,
        }
    }
}

/// The person's live sign-ins, newest first.
#[derive(Debug, Serialize, Object)]
pub(crate) struct SessionList {
    /// The sign-ins.
    pub(crate) items: Vec<SessionOut>,
}
