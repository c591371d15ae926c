//! Writing an archive: rows are encoded, compressed and sealed on a thread of their own, while the next
//! are read.

use super::frames::{FrameKind, FrameWriter};
use super::keys::ArchiveKey;
use super::proof::Sums;
use super::{Header, Trailer, values};
use crate::disk::{io_error, sync_folder};
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use vivero_core::copy::{Part, TableShape};
use vivero_core::{Error, Result};

/// Parts that may wait to be written.
const WAITING: usize = 3;
/// Bytes of rows in a frame, about.
const FRAME: usize = 1024 * 1024;

/// An archive that is being written. Dropped before [`ArchiveWriter::finish`], nothing has its name.
#[derive(Debug)]
pub struct ArchiveWriter {
    parts: Option<mpsc::Sender<Part>>,
    task: Option<JoinHandle<Result<(File, Trailer, u64)>>>,
    path: PathBuf,
    half: PathBuf,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Counts and digests.
    pub trailer: Trailer,
    /// Bytes of the file.
    pub file_bytes: u64,
}

/// Where an archive is while it is being written.
pub(crate) fn half_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

impl ArchiveWriter {
    /// Begins an archive at `path`, which must not be there; `salt` is random.
    ///
    /// Errors: [`Error::Invalid`] if there is something or the folder is missing.
    pub fn create(
        path: &Path,
        header: &Header,
        key: Option<&ArchiveKey>,
        salt: [u8; 32],
    ) -> Result<Self> {
        if path.exists() {
            return Err(super::refused(path, "free", "is there already; give another name"));
        }
        let half = half_of(path);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            // Everything a tenant has is in it.
            options.mode(0o600);
        }
        let file = options.open(&half).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => super::refused(path, "folder", "its folder is missing"),
            _ => io_error("making an archive", e),
        })?;
        let text =
            serde_json::to_vec(header).map_err(|e| Error::internal("writing a header", e))?;
        let (sender, receiver) = mpsc::channel(WAITING);
        let (tables, archive, key) = (header.tables.clone(), header.archive, key.cloned());
        let task = tokio::task::spawn_blocking(move || {
            let mut frames = FrameWriter::new(BufWriter::new(file), archive, salt, key.as_ref())?;
            frames.write(FrameKind::Header, 0, &text)?;
            let trailer = write_rows(&mut frames, receiver, &tables)?;
            let text = serde_json::to_vec(&trailer)
                .map_err(|e| Error::internal("writing a trailer", e))?;
            frames.write(FrameKind::Trailer, 0, &text)?;
            let written = frames.written;
            let mut file = frames.into_inner();
            file.flush().map_err(|e| io_error("writing an archive", e))?;
            let file =
                file.into_inner().map_err(|e| io_error("writing an archive", e.into_error()))?;
            Ok((file, trailer, written))
        });
        Ok(Self { parts: Some(sender), task: Some(task), path: path.to_owned(), half })
    }

    /// Adds rows.
    pub async fn add(&mut self, part: Part) -> Result<()> {
        if let Some(parts) = &self.parts
            && parts.send(part).await.is_ok()
        {
            return Ok(());
        }
        // The thread ended before its time: it says why.
        self.parts = None;
        self.joined().await?;
        Err(Error::internal("writing an archive", "it was finished before"))
    }

    async fn joined(&mut self) -> Result<(File, Trailer, u64)> {
        let gone = || Error::internal("writing an archive", "its thread is gone");
        self.task
            .take()
            .ok_or_else(gone)?
            .await
            .map_err(|e| Error::internal("writing an archive", e))?
    }

    /// Ends the archive, makes it durable and gives it its name.
    pub async fn finish(mut self) -> Result<Written> {
        self.parts = None;
        let (file, trailer, file_bytes) = self.joined().await?;
        let (half, path) = (self.half.clone(), self.path.clone());
        let named = tokio::task::spawn_blocking(move || {
            file.sync_all().map_err(|e| io_error("syncing an archive", e))?;
            std::fs::rename(&half, &path).map_err(|e| io_error("naming an archive", e))?;
            path.parent().filter(|f| !f.as_os_str().is_empty()).map_or(Ok(()), sync_folder)
        });
        named.await.map_err(|e| Error::internal("naming an archive", e))??;
        Ok(Written { trailer, file_bytes })
    }
}

fn write_rows<W: std::io::Write>(
    frames: &mut FrameWriter<W>,
    mut parts: mpsc::Receiver<Part>,
    tables: &[TableShape],
) -> Result<Trailer> {
    let mut sums = Sums::new(tables.len());
    let mut raw = Vec::with_capacity(FRAME * 2);
    while let Some(part) = parts.blocking_recv() {
        let table = u16::try_from(part.table).map_err(|_| Error::corrupt("too many tables"))?;
        let mut rows = 0;
        for row in &part.rows {
            values::write(row, &mut raw);
            rows += 1;
            if raw.len() >= FRAME {
                sums.add(part.table, rows, &raw);
                frames.write(FrameKind::Rows, table, &raw)?;
                raw.clear();
                rows = 0;
            }
        }
        if !raw.is_empty() {
            sums.add(part.table, rows, &raw);
            frames.write(FrameKind::Rows, table, &raw)?;
            raw.clear();
        }
    }
    Ok(sums.trailer(tables))
}
