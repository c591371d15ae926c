//! Files: what a store of files implements, and the rules by which a file gets in.
//!
//! ```text
//! name, size ─▶ FileRules ─▶ first bytes ─▶ quarantine ─▶ real size, Scanner ─▶ stored
//! ```
//!
//! [`Intake`] is that way in; [`FileStore`] is the port behind it. A file lies under a [`FileKey`],
//! which is made of ids only: what people call a file is data beside it and never part of a path. A
//! store derives the place of a file from tenant and key through [`ObjectName`], so there is no text a
//! caller could send that reaches another tenant's files.

mod clear;
mod download;
mod info;
mod intake;
mod key;
mod kind;
mod name;
pub(crate) mod record;
mod rules;
mod scan;
mod upload;

pub use clear::remove_all;
pub use download::{ByteRange, Download};
pub use info::{Checksum, FileEntry, FileInfo, FileList, Tally, Usage};
pub use intake::{Intake, Received};
pub use key::{Area, FileKey, FilePrefix, MAX_KEY_IDS, ObjectName};
pub use kind::{FileKind, Sample, kinds};
pub use name::{MAX_NAME_CHARS, attachment, check_name};
pub use record::{
    File, FileLimits, FilePatch, FileQuota, FileState, NewFile, StoredFile, USAGE_SCHEMA,
};
pub use rules::{FileRules, HEAD_BYTES};
pub use scan::{Scanner, Verdict};
pub use upload::{Incoming, MAX_FILE_BYTES, Upload};

use crate::error::{Error, Result};
use crate::ids::TenantId;
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::BoxStream;
use std::fmt::Debug;
use std::time::Duration;

/// Content on its way, in chunks of any size.
pub type FileStream = BoxStream<'static, Result<Bytes>>;

/// Most entries of one [`FileStore::list`].
pub const MAX_LIST: u32 = 1_000;

/// The longest a link of [`FileStore::link`] may be good for: what S3 allows.
pub const MAX_LINK_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A link to hand out in place of a file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkOptions {
    /// How long it is good for, in whole seconds: one second to [`MAX_LINK_LIFE`]. Whoever has the
    /// link can read the file until then, signed in or not: minutes, not days.
    pub valid_for: Duration,
    /// The name under which a browser saves the file; never shown in place, see [`attachment`].
    pub file_name: String,
    /// What the file is served as: [`FileKind::media_type`].
    pub media_type: String,
}

/// A store of files, apart by tenant.
///
/// Contract: a file is there whole or not at all. [`FileStore::put`], [`FileStore::copy`] and
/// [`FileStore::rename`] return when the file is durable. What is under the key already is replaced by
/// then; its readers finish with the old content, and never does anyone see a mixture or a part. If the
/// call fails on account of the upload, what was there stays. If it is given up, killed or
/// [`Error::Unavailable`] in its last step, it may yet be found done. Tenants never see, count or change
/// files of each other, whatever the keys.
///
/// Errors: [`Error::Unavailable`] when the storage is full, slow or away: the same call may succeed
/// later. [`Error::Corrupt`] when what is stored is not what was put.
#[async_trait]
pub trait FileStore: Send + Sync + Debug {
    /// Stores a file; its SHA-256 is computed on the way.
    ///
    /// Errors: [`Error::Invalid`] on `file` with rule `max_size` as soon as more than the upload may
    /// have is announced or read, with rule `size` if it has not the size announced; and what the
    /// upload's stream fails with.
    async fn put(&self, tenant: TenantId, key: FileKey, upload: Upload) -> Result<FileInfo>;
    /// Content of a file, or of a range of it.
    ///
    /// Errors: [`Error::NotFound`]; [`Error::Invalid`] on `range` if the file has no byte of it.
    async fn get(
        &self,
        tenant: TenantId,
        key: FileKey,
        range: Option<ByteRange>,
    ) -> Result<Download>;
    /// Size and checksum of a file; `None` if it is not there.
    async fn head(&self, tenant: TenantId, key: FileKey) -> Result<Option<FileInfo>>;
    /// Removes a file. One that is not there is no error.
    async fn delete(&self, tenant: TenantId, key: FileKey) -> Result<()>;
    /// Stores the content of `from` under `to` as well. A copy onto itself changes nothing.
    ///
    /// Errors: [`Error::NotFound`] if there is no `from`.
    async fn copy(&self, tenant: TenantId, from: FileKey, to: FileKey) -> Result<FileInfo>;
    /// Moves a file. `to` is there before `from` is gone: cut off in between, both are there, and the
    /// same call again finishes it.
    ///
    /// Errors: [`Error::NotFound`] if there is no `from`.
    async fn rename(&self, tenant: TenantId, from: FileKey, to: FileKey) -> Result<FileInfo>;
    /// Files whose keys begin with `prefix`, in the order of keys, after `after`; at most `limit`,
    /// which is held to `1..=`[`MAX_LIST`]. A file that is there throughout is listed exactly once by
    /// following [`FileList::next`].
    async fn list(
        &self,
        tenant: TenantId,
        prefix: &FilePrefix,
        after: Option<FileKey>,
        limit: u32,
    ) -> Result<FileList>;
    /// An address under which anyone can read the file for a while without passing through here (a
    /// presigned GET), if the store has such; `None` if not. Never one for a file in quarantine.
    /// That the file is there is not checked.
    ///
    /// Errors: [`Error::Invalid`] on `valid_for`; [`Error::Illegal`] with code `file_not_checked`.
    async fn link(
        &self,
        _tenant: TenantId,
        _key: FileKey,
        _options: &LinkOptions,
    ) -> Result<Option<String>> {
        Ok(None)
    }
    /// What a tenant's files add up to. Looks at every file: for reconciling, not for every request.
    async fn usage(&self, tenant: TenantId) -> Result<Usage> {
        let mut usage = Usage::default();
        let mut after = None;
        loop {
            let page = self.list(tenant, &FilePrefix::all(), after, MAX_LIST).await?;
            for file in &page.files {
                usage.add(file.key.area(), file.size);
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(usage),
            }
        }
    }
    /// Removes what writes that were cut off before `before` left behind; returns how many pieces.
    /// Files are never touched. Choose `before` longer ago than any write takes.
    async fn sweep(&self, before: DateTime<Utc>) -> Result<u64>;
    /// Whether the storage answers and takes files.
    async fn ping(&self) -> Result<()>;

    /// Moves a file from quarantine to its final place; `key` may name either.
    ///
    /// Errors: [`Error::NotFound`] if it is not in quarantine.
    async fn promote(&self, tenant: TenantId, key: FileKey) -> Result<FileInfo> {
        self.rename(tenant, key.in_area(Area::Quarantine), key.in_area(Area::Stored)).await
    }
}

/// The error for a file that is not there.
#[must_use]
pub fn no_such_file() -> Error {
    Error::not_found("file")
}
