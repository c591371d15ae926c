//! What is known of stored files.

use super::key::{Area, FileKey};
use crate::error::Error;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// SHA-256 of a file's content. As text: 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checksum([u8; 32]);

impl Checksum {
    /// Wraps a digest.
    #[must_use]
    pub const fn from_bytes(digest: [u8; 32]) -> Self {
        Self(digest)
    }
    /// The digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({self})")
    }
}
impl FromStr for Checksum {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut digest = [0; 32];
        match hex::decode_to_slice(text, &mut digest) {
            Ok(()) if !text.bytes().any(|b| b.is_ascii_uppercase()) => Ok(Self(digest)),
            _ => {
                Err(Error::invalid("sha256", "sha256", "must be 64 lower-case hexadecimal digits"))
            }
        }
    }
}
impl Serialize for Checksum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Checksum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A stored file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileInfo {
    /// Its key.
    pub key: FileKey,
    /// Bytes.
    pub size: u64,
    /// Checksum of the content.
    pub sha256: Checksum,
}

/// A stored file as lists have it: not every store knows checksums without looking at each file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileEntry {
    /// Its key.
    pub key: FileKey,
    /// Bytes.
    pub size: u64,
    /// When its content was written, by the store's clock. A move may renew it.
    pub modified: DateTime<Utc>,
}

/// One page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileList {
    /// Files, in the order of keys.
    pub files: Vec<FileEntry>,
    /// The `after` of the next page; `None` at the end.
    pub next: Option<FileKey>,
}

/// Number and bytes of files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What a tenant's files add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Files that are checked.
    pub stored: Tally,
    /// Files that are not.
    pub quarantine: Tally,
}

impl Usage {
    /// Counts one file.
    pub const fn add(&mut self, area: Area, size: u64) {
        let tally = match area {
            Area::Stored => &mut self.stored,
            Area::Quarantine => &mut self.quarantine,
        };
        tally.files += 1;
        tally.bytes = tally.bytes.saturating_add(size);
    }
    /// Bytes of all of them.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.stored.bytes.saturating_add(self.quarantine.bytes)
    }
}
