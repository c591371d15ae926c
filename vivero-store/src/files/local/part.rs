//! A file being written. Dropped before it is kept, it is removed.

use super::trailer;
use crate::disk::io_error;
use bytes::Bytes;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use tokio::io::{AsyncWriteExt as _, BufWriter};
use vivero_core::Result;
use vivero_core::files::Checksum;

/// How much is handed to the disk at once.
const BUFFER: usize = 512 * 1024;

/// Removes what has a name, unless it was kept.
#[derive(Debug)]
pub(super) struct Name(Option<PathBuf>);

impl Drop for Name {
    fn drop(&mut self) {
        if let Some(path) = &self.0
            && let Err(e) = std::fs::remove_file(path)
        {
            // The sweep finds it.
            tracing::debug!(error = %e, "a file that was cut off stays behind");
        }
    }
}

#[derive(Debug)]
pub(super) struct Part<W> {
    writer: W,
    name: Name,
}

impl Part<BufWriter<tokio::fs::File>> {
    pub(super) fn begin(incoming: &Path) -> Result<Self> {
        let (file, name) = create(incoming)?;
        Ok(Self::over(file, name))
    }
    pub(super) fn over(file: File, name: Name) -> Self {
        let writer = BufWriter::with_capacity(BUFFER, tokio::fs::File::from_std(file));
        Self { writer, name }
    }
    pub(super) async fn write(&mut self, chunk: &Bytes) -> Result<()> {
        self.writer.write_all(chunk).await.map_err(|e| io_error("writing a file", e))
    }
    /// Everything is with the operating system.
    pub(super) async fn flushed(mut self) -> Result<Part<File>> {
        self.writer.flush().await.map_err(|e| io_error("writing a file", e))?;
        let writer = self.writer.into_inner().into_std().await;
        Ok(Part { writer, name: self.name })
    }
}

impl Part<File> {
    /// The copy of a stored file, trailer included.
    pub(super) fn copy(incoming: &Path, mut from: File) -> Result<Self> {
        let (mut writer, name) = create(incoming)?;
        from.rewind()
            .and_then(|()| io::copy(&mut from, &mut writer))
            .map_err(|e| io_error("copying a file", e))?;
        Ok(Self { writer, name })
    }
    /// Adds the trailer.
    pub(super) fn end(&self, size: u64, sha256: &Checksum, durable: bool) -> Result<()> {
        (&self.writer)
            .write_all(&trailer::write(size, sha256))
            .map_err(|e| io_error("writing a file", e))?;
        self.sync(durable)
    }
    /// Makes the content survive power loss.
    pub(super) fn sync(&self, durable: bool) -> Result<()> {
        let synced = if durable { self.writer.sync_all() } else { Ok(()) };
        synced.map_err(|e| io_error("syncing a file", e))
    }
    /// Gives the name away, to be moved.
    pub(super) fn keep(self) -> Name {
        self.name
    }
}

impl Name {
    pub(super) fn of(path: PathBuf) -> Self {
        Self(Some(path))
    }
    /// Moves the file to its final name, in one step.
    pub(super) fn rename(mut self, to: &Path) -> io::Result<()> {
        let Some(path) = self.0.take() else {
            return Ok(());
        };
        let renamed = std::fs::rename(&path, to);
        if renamed.is_err() {
            self.0 = Some(path);
        }
        renamed
    }
}

fn create(incoming: &Path) -> Result<(File, Name)> {
    let path = incoming.join(format!("{:032x}", rand::random::<u128>()));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .map_err(|e| io_error("beginning a file", e))?;
    Ok((file, Name::of(path)))
}
