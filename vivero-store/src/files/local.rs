//! A folder as a store of files.
//!
//! ```text
//! files/
//!   incoming/<random>                           being written; gone or moved when done
//!   <tenant>/<area>/<first digits>/<ids of key> one file: its content, then 48 bytes of trailer
//! ```
//!
//! The trailer holds what is known of the content, so that both become visible by one `rename`: what
//! lies under its final name is whole. The content alone is `head -c -48 FILE`. Ids ascend with time,
//! and so do their first digits: a folder gets the files of about three days, and folders in order give
//! files in order.

mod folder;
mod part;
#[cfg(test)]
mod tests;
mod trailer;

use crate::disk::io_error;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use folder::Folder;
use futures_util::stream;
use part::Part;
use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;
use vivero_core::files::{
    ByteRange, Download, FileInfo, FileKey, FileList, FilePrefix, FileStore, MAX_LIST, ObjectName,
    Upload, Usage, no_such_file,
};
use vivero_core::{Error, Result, TenantId};

/// How much is read from the disk at once.
const CHUNK: u64 = 256 * 1024;

/// Files in a folder of this machine, or of a file server that keeps POSIX promises on `rename`.
///
/// One folder may be used by any number of processes at once.
#[derive(Debug, Clone)]
pub struct LocalFiles {
    folder: Arc<Folder>,
}

impl LocalFiles {
    /// Opens or makes the folder, for the account of this process only.
    ///
    /// Errors: [`Error::Unavailable`] if the disk is full or read-only.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        Self::with_durability(folder, true)
    }
    /// The same, choosing whether a file that was put survives power loss or only a crash of the
    /// process.
    pub fn with_durability(folder: impl Into<PathBuf>, durable: bool) -> Result<Self> {
        Ok(Self { folder: Arc::new(Folder::open(folder.into(), durable)?) })
    }

    /// Runs what waits for the disk where waiting is allowed. It is not cut off when the future is
    /// dropped.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let folder = Arc::clone(&self.folder);
        tokio::task::spawn_blocking(move || work(&folder))
            .await
            .map_err(|e| Error::internal("working on the folder of files", e))?
    }
}

#[async_trait]
impl FileStore for LocalFiles {
    async fn put(&self, tenant: TenantId, key: FileKey, upload: Upload) -> Result<FileInfo> {
        let mut incoming = upload.open()?;
        let mut part = self.blocking(|folder| Part::begin(folder.incoming())).await?;
        while let Some(chunk) = incoming.next().await? {
            part.write(&chunk).await?;
        }
        let (size, sha256) = incoming.finish()?;
        let part = part.flushed().await?;
        self.blocking(move |folder| {
            part.end(size, &sha256, folder.durable())?;
            folder.adopt(part.keep(), ObjectName::new(tenant, key))?;
            Ok(FileInfo { key, size, sha256 })
        })
        .await
    }

    async fn get(
        &self,
        tenant: TenantId,
        key: FileKey,
        range: Option<ByteRange>,
    ) -> Result<Download> {
        let opened = self.blocking(move |folder| {
            let (mut file, info) =
                folder.find(ObjectName::new(tenant, key))?.ok_or_else(no_such_file)?;
            let range = range.map_or(Ok(0..info.size), |range| range.resolve(info.size))?;
            file.seek(SeekFrom::Start(range.start)).map_err(|e| io_error("reading a file", e))?;
            Ok((file, info, range))
        });
        let (file, info, range) = opened.await?;
        let chunks = read(file, range.end.saturating_sub(range.start));
        Ok(Download::new(info, range, chunks))
    }

    async fn head(&self, tenant: TenantId, key: FileKey) -> Result<Option<FileInfo>> {
        self.blocking(move |folder| {
            Ok(folder.find(ObjectName::new(tenant, key))?.map(|(_, info)| info))
        })
        .await
    }

    async fn delete(&self, tenant: TenantId, key: FileKey) -> Result<()> {
        self.blocking(move |folder| folder.remove(ObjectName::new(tenant, key))).await
    }

    async fn copy(&self, tenant: TenantId, from: FileKey, to: FileKey) -> Result<FileInfo> {
        self.blocking(move |folder| {
            let name = ObjectName::new(tenant, from);
            let (file, info) = folder.find(name)?.ok_or_else(no_such_file)?;
            if from == to {
                return Ok(info);
            }
            let part = Part::copy(folder.incoming(), file)?;
            part.sync(folder.durable())?;
            folder.adopt(part.keep(), ObjectName::new(tenant, to))?;
            Ok(FileInfo { key: to, ..info })
        })
        .await
    }

    async fn rename(&self, tenant: TenantId, from: FileKey, to: FileKey) -> Result<FileInfo> {
        self.blocking(move |folder| {
            let name = ObjectName::new(tenant, from);
            let (_, info) = folder.find(name)?.ok_or_else(no_such_file)?;
            if from != to {
                folder.rename(name, ObjectName::new(tenant, to))?;
            }
            Ok(FileInfo { key: to, ..info })
        })
        .await
    }

    async fn list(
        &self,
        tenant: TenantId,
        prefix: &FilePrefix,
        after: Option<FileKey>,
        limit: u32,
    ) -> Result<FileList> {
        let prefix = *prefix;
        let limit = usize::try_from(limit.clamp(1, MAX_LIST)).unwrap_or(1);
        self.blocking(move |folder| {
            let mut list = FileList::default();
            folder.visit(tenant, prefix, after, |file| {
                if list.files.len() == limit {
                    list.next = list.files.last().map(|last| last.key);
                    return ControlFlow::Break(());
                }
                list.files.push(file);
                ControlFlow::Continue(())
            })?;
            Ok(list)
        })
        .await
    }

    async fn usage(&self, tenant: TenantId) -> Result<Usage> {
        self.blocking(move |folder| {
            let mut usage = Usage::default();
            folder.visit(tenant, FilePrefix::all(), None, |file| {
                usage.add(file.key.area(), file.size);
                ControlFlow::Continue(())
            })?;
            Ok(usage)
        })
        .await
    }

    async fn sweep(&self, before: DateTime<Utc>) -> Result<u64> {
        self.blocking(move |folder| folder.sweep(before)).await
    }

    async fn ping(&self) -> Result<()> {
        let part = self.blocking(|folder| Part::begin(folder.incoming())).await;
        let mut part = part?;
        part.write(&Bytes::from_static(b"ping")).await?;
        part.flushed().await.map(drop)
    }
}

/// The next `size` bytes of a file, chunk by chunk.
fn read(file: File, size: u64) -> impl futures_util::Stream<Item = Result<Bytes>> + Send {
    let file = tokio::fs::File::from_std(file);
    stream::try_unfold((file, size), |(mut file, missing)| async move {
        if missing == 0 {
            return Ok(None);
        }
        let size = usize::try_from(missing.min(CHUNK)).unwrap_or(usize::MAX);
        let mut chunk = BytesMut::with_capacity(size);
        let mut limited = (&mut file).take(missing.min(CHUNK));
        let count =
            limited.read_buf(&mut chunk).await.map_err(|e| io_error("reading a file", e))?;
        // The end before its time: whoever counts the bytes will say so.
        Ok((count > 0).then(|| (chunk.freeze(), (file, missing - count as u64))))
    })
}
