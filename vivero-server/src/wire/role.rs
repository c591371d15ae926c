//! Roles on the wire.

use super::{Stamp, page_type, present};
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vivero_core::permission::Grant;
use vivero_core::service::{NewRole, RolePatch as CorePatch};
use vivero_core::user::StoredRole;
use vivero_core::{Check, Result};

/// A named set of grants.
#[derive(Debug, Serialize, Object)]
pub(crate) struct RoleOut {
    /// Identity.
    pub(crate) id: Uuid,
    /// Name, unique in the tenant.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) description: String,
    /// What it allows: `entity.read`, `entity.update@location`, `entity.*`, `*` …
    pub(crate) grants: Vec<String>,
    /// Made by vivero; cannot be changed or deleted.
    pub(crate) built_in: bool,
    /// Grows with each change; also in `ETag`.
    pub(crate) version: i64,
    /// When it was added.
    pub(crate) created_at: Stamp,
    /// Who added it; the nil UUID if no person did.
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

impl From<StoredRole> for RoleOut {
    fn from(stored: StoredRole) -> Self {
        let r = stored.record;
        Self {
            id: r.id.uuid(),
            name: r.name,
            description: r.description,
            grants: r.grants.0.iter().map(ToString::to_string).collect(),
            built_in: r.built_in,
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
    /// One page of roles.
    RoleList of RoleOut, from StoredRole
}

/// A role to be added.
#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleIn {
    /// Name, unique in the tenant.
    #[oai(validator(min_length = 1, max_length = 64))]
    pub(crate) name: String,
    /// What it is for.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(max_length = 500))]
    pub(crate) description: Option<String>,
    /// What it allows: `entity.read`, `entity.update@location`, `entity.*`, `*` …
    #[oai(validator(
        min_items = 1,
        max_items = 200,
        max_length = 100,
        pattern = r"^(\*|(\*|[a-z_]+)\.(\*|[a-z_]+))(@(all|location|own))?$"
    ))]
    pub(crate) grants: Vec<String>,
}

impl TryFrom<RoleIn> for NewRole {
    type Error = vivero_core::Error;
    fn try_from(body: RoleIn) -> Result<Self> {
        Ok(Self {
            name: body.name,
            description: body.description.unwrap_or_default(),
            grants: parse(&body.grants)?,
        })
    }
}

/// Edits of a role. Absent fields stay.
#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct RolePatch {
    /// Name, unique in the tenant.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(min_length = 1, max_length = 64))]
    pub(crate) name: Option<String>,
    /// What it is for.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(max_length = 500))]
    pub(crate) description: Option<String>,
    /// Replaces all grants.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(
        min_items = 1,
        max_items = 200,
        max_length = 100,
        pattern = r"^(\*|(\*|[a-z_]+)\.(\*|[a-z_]+))(@(all|location|own))?$"
    ))]
    pub(crate) grants: Option<Vec<String>>,
}

impl TryFrom<RolePatch> for CorePatch {
    type Error = vivero_core::Error;
    fn try_from(body: RolePatch) -> Result<Self> {
        let grants = body.grants.as_deref().map(parse).transpose()?;
        Ok(Self { name: body.name, description: body.description, grants })
    }
}

/// Reads grants; every one that does not fit is named.
fn parse(texts: &[String]) -> Result<Vec<Grant>> {
    let mut check = Check::new();
    let mut grants = Vec::with_capacity(texts.len().min(200));
    for (i, text) in texts.iter().take(201).enumerate() {
        match text.parse() {
            Ok(grant) => grants.push(grant),
            Err(_) => check.fail(
                &format!("grants.{i}"),
                "grant",
                "must be resource.action, resource.*, *.action or *, and may end in @all, @location or @own",
            ),
        }
    }
    check.done()?;
    Ok(grants)
}
