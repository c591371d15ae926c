//! Archives: a tenant's whole database in one file, for any engine.
//!
//! ```text
//! preamble   magic, format version, whether it is sealed, id, salt               64 bytes
//! frame      kind, table, lengths, number | zstd, sealed if there is a key | SHA-256
//! …          a header, rows of the tables, a trailer with counts and digests
//! ```
//!
//! The checksum of a frame covers the one before it, so whatever is changed, dropped, swapped or cut off
//! is found at its place. With a key each frame is sealed with XChaCha20-Poly1305 under a key of the
//! archive's own (HKDF-SHA-256 of the installation's with the salt), bound to the archive and its number:
//! who cannot read an archive cannot make one either. A file is written under another name, synced and
//! then named, so what has its name is whole; a store of files has a file whole or not at all.
//!
//! **Equal** are two archives whose [`Trailer::content`] is: the same rows with the same numbers, versions
//! and instants in the same tables, the same journal, seals and figures; documents to the byte. Ids of
//! archives, when and where they were made are no part of it.

mod frames;
mod keys;
mod place;
mod proof;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use keys::ArchiveKey;
pub use place::ArchivePlace;
pub(crate) use place::{NOBODY, list, parse_stored, stored_name};
pub use proof::Proof;
pub use reader::{ArchiveReader, verify};
pub(crate) use writer::half_of;
pub use writer::{ArchiveWriter, Written};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::path::Path;
use uuid::Uuid;
use vivero_core::Error;
use vivero_core::copy::{Extent, TableShape};
use vivero_core::ids::TenantId;
use vivero_core::journal::Anchor;
use vivero_core::tenant::{OperationType, Plan, Tenant};

/// Format this program writes, and the newest it reads.
pub const FORMAT: u16 = 1;

/// What an archive says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Identity of the archive.
    pub archive: Uuid,
    /// When its snapshot was taken.
    pub made_at: DateTime<Utc>,
    /// Version of the program that made it.
    pub program: String,
    /// Engine it was read from.
    pub engine: String,
    /// Whose it is.
    pub tenant: ArchivedTenant,
    /// The head of the chain; position 0 if nothing was sealed.
    pub head: Head,
    /// Number of the last journal entry.
    pub journal_seq: i64,
    /// About how many rows follow.
    pub rows: u64,
    /// The tables, as data.
    pub tables: Vec<TableShape>,
}

/// A tenant as an archive holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArchivedTenant {
    /// Identity.
    pub id: Uuid,
    /// Name in paths.
    pub slug: String,
    /// Name of the organisation.
    pub organization: String,
    /// What it grows.
    pub operation_type: OperationType,
    /// What it pays for.
    pub plan: Plan,
    /// Generation of the database, as stamped.
    pub generation: i64,
    /// Version of the schema.
    pub schema_version: i64,
    /// When it signed up.
    pub created_at: DateTime<Utc>,
}

/// The head of a chain, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Position of the last sealed entry.
    pub position: u64,
    /// Its hash, in hex.
    pub hash: String,
}

impl From<Anchor> for Head {
    fn from(anchor: Anchor) -> Self {
        Self { position: anchor.position, hash: hex(&anchor.hash) }
    }
}

/// What is known when all rows have been written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trailer {
    /// Rows and digest of each table, in the order of the header's tables.
    pub tables: Vec<TableSum>,
    /// Rows in all.
    pub rows: u64,
    /// Bytes of all rows before compression.
    pub bytes: u64,
    /// SHA-256, in hex, over names and digests of all tables: equal content, equal digest.
    pub content: String,
}

/// Count and digest of one table's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSum {
    /// The table.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// SHA-256 over the rows as they are written, in the order of their key, in hex.
    pub sha256: String,
}

impl Header {
    /// The header of an archive of `tenant`, taken now.
    #[must_use]
    pub fn new(
        archive: Uuid,
        made_at: DateTime<Utc>,
        tenant: &Tenant,
        extent: &Extent,
        tables: &[TableShape],
    ) -> Self {
        Self {
            archive,
            made_at,
            program: env!("CARGO_PKG_VERSION").into(),
            engine: extent.engine.into(),
            tenant: ArchivedTenant {
                id: tenant.id.uuid(),
                slug: tenant.slug.to_string(),
                organization: tenant.organization.clone(),
                operation_type: tenant.operation_type,
                plan: tenant.plan,
                generation: extent.generation,
                schema_version: tenant.schema_version,
                created_at: tenant.created_at,
            },
            head: extent.head.into(),
            journal_seq: extent.journal_seq,
            rows: extent.rows,
            tables: tables.to_vec(),
        }
    }

    /// Whose archive it is.
    #[must_use]
    pub const fn tenant_id(&self) -> TenantId {
        TenantId::from_uuid(self.tenant.id)
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What is wrong with an archive, in words.
fn refused(path: &Path, rule: &str, message: impl std::fmt::Display) -> Error {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    Error::invalid("archive", rule, format!("{name}: {message}"))
}
