//! Locations on the wire.

use super::{Change, Stamp, Word, page_type, present};
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vivero_core::LocationId;
use vivero_core::location::{
    LocationKind, LocationPatch as CorePatch, NewLocation, StoredLocation,
};

/// A place where stock stands.
#[derive(Debug, Serialize, Object)]
pub(crate) struct LocationOut {
    /// Identity.
    pub(crate) id: Uuid,
    /// The place it lies in; absent for a site.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) parent_id: Option<Uuid>,
    /// What kind of place it is.
    pub(crate) kind: Word<LocationKind>,
    /// Short name, unique in the tenant.
    pub(crate) code: String,
    /// Name.
    pub(crate) name: String,
    /// Area in square decimetres (1 m² = 100).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) area_dm2: Option<i64>,
    /// Ids from the top down to this one, each followed by `/`.
    pub(crate) path: String,
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

impl From<StoredLocation> for LocationOut {
    fn from(stored: StoredLocation) -> Self {
        let l = stored.record;
        Self {
            id: l.id.uuid(),
            parent_id: l.parent_id.map(Into::into),
            kind: Word(l.kind),
            code: l.code,
            name: l.name,
            area_dm2: l.area_dm2,
            path: l.path,
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
    /// One page of locations.
    LocationList of LocationOut, from StoredLocation
}

/// A place to be added.
#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct LocationIn {
    /// The place it lies in; absent for a site.
    #[oai(nullable)]
    pub(crate) parent_id: Option<Uuid>,
    /// What kind of place it is.
    pub(crate) kind: Word<LocationKind>,
    /// Short name, unique in the tenant.
    #[oai(validator(min_length = 1, max_length = 64))]
    pub(crate) code: String,
    /// Name.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub(crate) name: String,
    /// Area in square decimetres (1 m² = 100).
    #[oai(nullable, validator(minimum(value = "0"), maximum(value = "1000000000000")))]
    pub(crate) area_dm2: Option<i64>,
}

impl From<LocationIn> for NewLocation {
    fn from(body: LocationIn) -> Self {
        Self {
            parent_id: body.parent_id.map(LocationId::from_uuid),
            kind: body.kind.0,
            code: body.code,
            name: body.name,
            area_dm2: body.area_dm2,
        }
    }
}

/// Edits of a location. Absent fields stay; null clears. A new parent moves it with everything below.
#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct LocationPatch {
    /// The place it lies in.
    #[serde(default)]
    pub(crate) parent_id: Change<Uuid>,
    /// Short name, unique in the tenant.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(min_length = 1, max_length = 64))]
    pub(crate) code: Option<String>,
    /// Name.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(min_length = 1, max_length = 200))]
    pub(crate) name: Option<String>,
    /// Area in square decimetres (1 m² = 100).
    #[serde(default)]
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000000000")))]
    pub(crate) area_dm2: Change<i64>,
}

impl From<LocationPatch> for CorePatch {
    fn from(body: LocationPatch) -> Self {
        Self {
            parent_id: body.parent_id.0.map(|id| id.map(LocationId::from_uuid)),
            code: body.code,
            name: body.name,
            area_dm2: body.area_dm2.0,
        }
    }
}
