//! Files on the wire: what is known of them. Their content travels as it is.

use super::{Change, Stamp, Word, page_type, present};
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vivero_core::EntityId;
use vivero_core::files::{FilePatch as CorePatch, FileState, StoredFile};
use vivero_core::service::FileLink;

/// What is known of a file.
#[derive(Debug, Serialize, Object)]
pub(crate) struct FileOut {
    /// Identity.
    pub(crate) id: Uuid,
    /// What people call it.
    pub(crate) name: String,
    /// What it is served as; follows from its kind.
    pub(crate) media_type: String,
    /// Bytes.
    pub(crate) size: i64,
    /// SHA-256 of the content in lower-case hexadecimal digits; in quotes also the `ETag` of the content.
    pub(crate) sha256: String,
    /// Whether its content is there.
    pub(crate) state: Word<FileState>,
    /// The lot it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) entity_id: Option<Uuid>,
    /// Where that lot stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) location_id: Option<Uuid>,
    /// The person who uploaded it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) uploaded_by: Option<Uuid>,
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

impl From<StoredFile> for FileOut {
    fn from(stored: StoredFile) -> Self {
        let f = stored.record;
        Self {
            id: f.id.uuid(),
            name: f.name,
            media_type: f.media_type,
            size: f.size,
            sha256: f.sha256,
            state: Word(f.state),
            entity_id: f.entity_id.map(Into::into),
            location_id: f.location_id.map(Into::into),
            uploaded_by: f.uploaded_by.map(Into::into),
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
    /// One page of files.
    FileList of FileOut, from StoredFile
}

/// Edits of a file. Absent fields stay; null clears.
#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilePatch {
    /// What people call it; the ending must stay one of its kind.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(min_length = 1, max_length = 255))]
    pub(crate) name: Option<String>,
    /// The lot it belongs to.
    #[serde(default)]
    pub(crate) entity_id: Change<Uuid>,
}

impl From<FilePatch> for CorePatch {
    fn from(body: FilePatch) -> Self {
        Self { name: body.name, entity_id: body.entity_id.0.map(|id| id.map(EntityId::from_uuid)) }
    }
}

/// For how long a link is to be good.
#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkIn {
    /// Seconds, 1 to 3600; 300 if not said.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(minimum(value = "1"), maximum(value = "3600")))]
    pub(crate) valid_for: Option<i64>,
}

/// A link to a file's content.
#[derive(Debug, Serialize, Object)]
pub(crate) struct LinkOut {
    /// Whoever has this address can read the file until it is void, signed in or not.
    pub(crate) url: String,
    /// First instant at which it is void.
    pub(crate) expires_at: Stamp,
}

impl From<FileLink> for LinkOut {
    fn from(link: FileLink) -> Self {
        Self { url: link.url, expires_at: Stamp(link.expires_at) }
    }
}
