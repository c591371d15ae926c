//! The way in: quarantine, checks, and only then the final place.

use super::info::FileInfo;
use super::key::{Area, FileKey, FilePrefix};
use super::kind::{FileKind, Sample};
use super::rules::{FileRules, HEAD_BYTES};
use super::scan::{Scanner, Verdict};
use super::upload::Upload;
use super::{FileStore, MAX_LIST};
use crate::error::{Error, Result};
use crate::ids::TenantId;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Takes files in by the rules.
#[derive(Debug, Clone)]
pub struct Intake {
    store: Arc<dyn FileStore>,
    rules: FileRules,
    scanner: Option<Arc<dyn Scanner>>,
}

/// A file that was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Where it lies, its size and checksum.
    pub info: FileInfo,
    /// What it is.
    pub kind: &'static FileKind,
}

impl Intake {
    /// A way into `store`.
    #[must_use]
    pub fn new(store: Arc<dyn FileStore>, rules: FileRules) -> Self {
        Self { store, rules, scanner: None }
    }
    /// Has every file looked through as well.
    #[must_use]
    pub fn scanner(mut self, scanner: Arc<dyn Scanner>) -> Self {
        self.scanner = Some(scanner);
        self
    }

    /// Takes a file in under the ids of `key`, which nothing else may use. `used` is what the tenant's
    /// files have by now; of two uploads at once neither sees the other, so look at the quota again
    /// where the file is put on record.
    ///
    /// What is refused, and what fails, leaves no file. If the future is dropped, a file may stay in
    /// quarantine for [`Intake::clear_quarantine`].
    ///
    /// Errors: those of [`FileRules`] and [`FileStore::put`]; [`Error::Invalid`] on `file` with rule
    /// `malware`; [`Error::Unavailable`] if the scanner gives no verdict.
    pub async fn receive(
        &self,
        tenant: TenantId,
        key: FileKey,
        name: &str,
        mut upload: Upload,
        used: u64,
    ) -> Result<Received> {
        let kind = self.rules.announced(name, upload.size(), used)?;
        let head = upload.peek(HEAD_BYTES).await?;
        self.rules.content(kind, Sample { head: &head, size: upload.size() })?;

        let key = key.in_area(Area::Quarantine);
        let room = self.rules.room(used);
        let bounded = upload.max() > room;
        let put = self.store.put(tenant, key, upload.at_most(room)).await;
        let put = put.map_err(|e| match &e {
            Error::Invalid(rules) if bounded && rules.iter().any(|r| r.rule == "max_size") => {
                self.rules.too_large(used)
            }
            _ => e,
        })?;
        match self.check_and_promote(tenant, put, kind, &head, used).await {
            Ok(info) => Ok(Received { info, kind }),
            Err(e) => {
                // Kept for the sweep if that fails too: the error to report is the first.
                if let Err(again) = self.store.delete(tenant, key).await {
                    tracing::warn!(%tenant, %key, error = %again, "a refused file stays in quarantine");
                }
                Err(e)
            }
        }
    }

    async fn check_and_promote(
        &self,
        tenant: TenantId,
        put: FileInfo,
        kind: &'static FileKind,
        head: &[u8],
        used: u64,
    ) -> Result<FileInfo> {
        self.rules.arrived(put.size, used)?;
        self.rules.content(kind, Sample { head, size: Some(put.size) })?;
        if let Some(scanner) = &self.scanner {
            let file = self.store.get(tenant, put.key, None).await?;
            if file.info.sha256 != put.sha256 {
                return Err(changed(put.key));
            }
            match scanner.scan(file).await? {
                Verdict::Clean => {}
                Verdict::Infected { signature } => {
                    let key = put.key;
                    tracing::warn!(%tenant, %key, ?signature, "malware was refused");
                    return Err(Error::invalid("file", "malware", "was found to hold malware"));
                }
            }
        }
        let info = self.store.promote(tenant, put.key).await?;
        if info.sha256 != put.sha256 {
            self.store.delete(tenant, info.key).await?;
            return Err(changed(put.key));
        }
        Ok(info)
    }

    /// Removes files that have been in quarantine since before `before`; returns how many. Choose it
    /// longer ago than any upload takes.
    pub async fn clear_quarantine(&self, tenant: TenantId, before: DateTime<Utc>) -> Result<u64> {
        let (mut removed, mut after) = (0, None);
        loop {
            let prefix = FilePrefix::area(Area::Quarantine);
            let page = self.store.list(tenant, &prefix, after, MAX_LIST).await?;
            for file in page.files.iter().filter(|file| file.modified < before) {
                self.store.delete(tenant, file.key).await?;
                removed += 1;
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(removed),
            }
        }
    }

    /// The store behind it.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn FileStore> {
        &self.store
    }
}

fn changed(key: FileKey) -> Error {
    Error::corrupt(format!("file {key} was changed while it was checked"))
}
