//! People on the wire.

use super::{Stamp, Word, page_type, present};
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vivero_core::service::{Invitation, NewUser, UserPatch as CorePatch};
use vivero_core::user::{StoredUser, UserStatus};
use vivero_core::{LocationId, RoleId};

/// A person of the tenant.
#[derive(Debug, Serialize, Object)]
pub(crate) struct UserOut {
    /// Identity.
    pub(crate) id: Uuid,
    /// Address to sign in with.
    pub(crate) email: String,
    /// Full name.
    pub(crate) name: String,
    /// Whether the person may sign in.
    pub(crate) status: Word<UserStatus>,
    /// Ids of the person's roles.
    pub(crate) roles: Vec<Uuid>,
    /// Where, for permissions with the scope `location`.
    pub(crate) locations: Vec<Uuid>,
    /// Grows with each change; also in `ETag`.
    pub(crate) version: i64,
    /// When the person was added.
    pub(crate) created_at: Stamp,
    /// Who added the person; the nil UUID if no person did.
    pub(crate) created_by: Uuid,
    /// When it was last changed.
    pub(crate) updated_at: Stamp,
    /// Who last changed it; the nil UUID if no person did.
    pub(crate) updated_by: Uuid,
    /// When it was deleted, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) deleted_at: Option<Stamp>,
}

impl From<StoredUser> for UserOut {
    fn from(stored: StoredUser) -> Self {
        let u = stored.record;
        Self {
            id: u.id.uuid(),
            email: u.email,
            name: u.name,
            status: Word(u.status),
            roles: u.roles.0.into_iter().map(Into::into).collect(),
            locations: u.locations.0.into_iter().map(Into::into).collect(),
            version: stored.version,
            created_at: Stamp(stored.created_at),
            created_by: stored.created_by,
            updated_at: Stamp(stored.updated_at),
            updated_by: stored.updated_by,
            deleted_at: stored.deleted_at.map(Stamp),
        }
    }
}

page_type! {
    /// One page of people.
    UserList of UserOut, from StoredUser
}

/// A person to be invited.
#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserIn {
    /// Address to sign in with, unique in the tenant.
    #[oai(validator(
        min_length = 5,
        max_length = 254,
        pattern = r"^\s*[^\s@\x00-\x1F\x7F-\x9F]{1,64}@[^\s@.\x00-\x1F\x7F-\x9F]+(\.[^\s@.\x00-\x1F\x7F-\x9F]+)+\s*$"
    ))]
    pub(crate) email: String,
    /// Full name.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub(crate) name: String,
    /// Ids of the person's roles.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(max_items = 20))]
    pub(crate) roles: Option<Vec<Uuid>>,
    /// Where, for permissions with the scope `location`.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(max_items = 200))]
    pub(crate) locations: Option<Vec<Uuid>>,
}

fn roles(ids: Vec<Uuid>) -> Vec<RoleId> {
    ids.into_iter().map(RoleId::from_uuid).collect()
}
fn locations(ids: Vec<Uuid>) -> Vec<LocationId> {
    ids.into_iter().map(LocationId::from_uuid).collect()
}

impl From<UserIn> for NewUser {
    fn from(body: UserIn) -> Self {
        Self {
            email: body.email,
            name: body.name,
            roles: roles(body.roles.unwrap_or_default()),
            locations: locations(body.locations.unwrap_or_default()),
        }
    }
}

/// Edits of a person. Absent fields stay.
#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserPatch {
    /// Address to sign in with, unique in the tenant.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(
        min_length = 5,
        max_length = 254,
        pattern = r"^\s*[^\s@\x00-\x1F\x7F-\x9F]{1,64}@[^\s@.\x00-\x1F\x7F-\x9F]+(\.[^\s@.\x00-\x1F\x7F-\x9F]+)+\s*$"
    ))]
    pub(crate) email: Option<String>,
    /// Full name.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(min_length = 1, max_length = 200))]
    pub(crate) name: Option<String>,
    /// `active` or `disabled`.
    #[serde(default, deserialize_with = "present")]
    pub(crate) status: Option<Word<UserStatus>>,
    /// Ids of the person's roles.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(max_items = 20))]
    pub(crate) roles: Option<Vec<Uuid>>,
    /// Where, for permissions with the scope `location`.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(max_items = 200))]
    pub(crate) locations: Option<Vec<Uuid>>,
}

impl From<UserPatch> for CorePatch {
    fn from(body: UserPatch) -> Self {
        Self {
            email: body.email,
            name: body.name,
            status: body.status.map(|w| w.0),
            roles: body.roles.map(roles),
            locations: body.locations.map(locations),
        }
    }
}

/// What lets an invited person choose a password.
#[derive(Debug, Serialize, Object)]
pub(crate) struct InvitationOut {
    /// Single use. It is shown once: a repeated request with the same `Idempotency-Key` is answered
    /// without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) token: Option<String>,
    /// First instant at which it is void.
    pub(crate) ends_at: Stamp,
}

/// A person and the invitation to pass on.
#[derive(Debug, Serialize, Object)]
pub(crate) struct InvitedOut {
    /// The person.
    pub(crate) user: UserOut,
    /// The invitation.
    pub(crate) invitation: InvitationOut,
}

impl InvitedOut {
    /// The answer to the request that made the invitation.
    pub(crate) fn new(user: StoredUser, invitation: Invitation) -> Self {
        let token = Some(invitation.token);
        let ends_at = Stamp(invitation.ends_at);
        Self { user: user.into(), invitation: InvitationOut { token, ends_at } }
    }
}
