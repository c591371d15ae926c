//! Writing an archive: rows are encoded, compressed and sealed on a thread of their own, while the next
//! are read.

use super::frames::{FrameKind, FrameWriter};
use super::keys::ArchiveKey;
use super::place::{ArchivePlace, Sending};
use super::proof::Sums;
use super::{Header, Trailer};
use crate::disk::{io_error, sync_folder};
use crate::row_bytes;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use vivero_core::copy::{Part, TableShape};
use vivero_core::files::FileInfo;
use vivero_core::{Error, Result};

/// Parts that may wait to be written.
const WAITING: usize = 3;
/// Bytes of rows in a frame, about.
const FRAME: usize = 1024 * 1024;

/// An archive that is being written. Dropped before [`ArchiveWriter::finish`], nothing has its name.
#[derive(Debug)]
pub struct ArchiveWriter {
    orders: Option<mpsc::Sender<Order>>,
    task: Option<JoinHandle<Result<Ended>>>,
    kept: Kept,
}

/// What the writing thread leaves: the file, if it is one, what is in it, and its bytes.
type Ended = (Option<File>, Trailer, u64);

/// What the writing thread is told.
#[derive(Debug)]
enum Order {
    Rows(Part),
    /// No more: without it, what was written is not the whole.
    End,
}

/// What becomes of it in the end.
#[derive(Debug)]
enum Kept {
    File { path: PathBuf, half: PathBuf },
    Stored(Option<JoinHandle<Result<FileInfo>>>),
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Counts and digests.
    pub trailer: Trailer,
    /// Bytes of the file.
    pub file_bytes: u64,
}

/// Where an archive is while it is being written to a file.
pub(crate) fn half_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Where bytes go.
enum Sink {
    File(BufWriter<File>),
    Stored(Sending),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stored(sending) => sending.write(bytes),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stored(sending) => sending.flush(),
        }
    }
}

impl Sink {
    fn end(self) -> io::Result<Option<File>> {
        match self {
            Self::File(file) => file.into_inner().map(Some).map_err(io::IntoInnerError::into_error),
            Self::Stored(sending) => sending.end().map(|()| None),
        }
    }
}

/// Opens the file that gets its name at the end.
fn begin_file(path: &Path) -> Result<(File, PathBuf)> {
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
        io::ErrorKind::NotFound => super::refused(path, "folder", "its folder is missing"),
        _ => io_error("making an archive", e),
    })?;
    Ok((file, half))
}

impl ArchiveWriter {
    /// Begins an archive; a file must not be there yet. `salt` is random.
    ///
    /// Errors: [`Error::Invalid`] if there is something or the folder is missing.
    pub fn create(
        place: impl Into<ArchivePlace>,
        header: &Header,
        key: Option<&ArchiveKey>,
        salt: [u8; 32],
    ) -> Result<Self> {
        let text =
            serde_json::to_vec(header).map_err(|e| Error::internal("writing a header", e))?;
        let (mut sink, kept) = match place.into() {
            ArchivePlace::File(path) => {
                let (file, half) = begin_file(&path)?;
                (Sink::File(BufWriter::new(file)), Kept::File { path, half })
            }
            ArchivePlace::Stored { store, tenant, archive } => {
                let (sending, put) = Sending::begin(store, tenant, archive)?;
                (Sink::Stored(sending), Kept::Stored(Some(put)))
            }
        };
        let (sender, receiver) = mpsc::channel(WAITING);
        let (tables, archive, key) = (header.tables.clone(), header.archive, key.cloned());
        let task = tokio::task::spawn_blocking(move || {
            let failed = |e| io_error("writing an archive", e);
            let mut frames = FrameWriter::new(&mut sink, archive, salt, key.as_ref())?;
            frames.write(FrameKind::Header, 0, &text)?;
            let trailer = write_rows(&mut frames, receiver, &tables)?;
            let text = serde_json::to_vec(&trailer)
                .map_err(|e| Error::internal("writing a trailer", e))?;
            frames.write(FrameKind::Trailer, 0, &text)?;
            let written = frames.written;
            sink.flush().map_err(failed)?;
            Ok((sink.end().map_err(failed)?, trailer, written))
        });
        Ok(Self { orders: Some(sender), task: Some(task), kept })
    }

    /// Adds rows.
    pub async fn add(&mut self, part: Part) -> Result<()> {
        if let Some(orders) = &self.orders
            && orders.send(Order::Rows(part)).await.is_ok()
        {
            return Ok(());
        }
        // The thread ended before its time: it says why.
        self.orders = None;
        self.joined().await?;
        Err(Error::internal("writing an archive", "it was finished before"))
    }

    async fn joined(&mut self) -> Result<Ended> {
        let gone = || Error::internal("writing an archive", "its thread is gone");
        let written = self.task.take().ok_or_else(gone)?.await;
        let written = written.map_err(|e| Error::internal("writing an archive", e))?;
        // What keeps a store from taking more, the store itself says best.
        if let Kept::Stored(put) = &mut self.kept
            && let Some(put) = put.take()
        {
            put.await.map_err(|e| Error::internal("storing an archive", e))??;
        }
        written
    }

    /// Ends the archive, makes it durable and gives it its name.
    pub async fn finish(mut self) -> Result<Written> {
        if let Some(orders) = self.orders.take() {
            // If the thread has ended, it says why below.
            let _ = orders.send(Order::End).await;
        }
        let (file, trailer, file_bytes) = self.joined().await?;
        if let (Some(file), Kept::File { path, half }) = (file, self.kept) {
            let named = tokio::task::spawn_blocking(move || {
                file.sync_all().map_err(|e| io_error("syncing an archive", e))?;
                std::fs::rename(&half, &path).map_err(|e| io_error("naming an archive", e))?;
                path.parent().filter(|f| !f.as_os_str().is_empty()).map_or(Ok(()), sync_folder)
            });
            named.await.map_err(|e| Error::internal("naming an archive", e))??;
        }
        Ok(Written { trailer, file_bytes })
    }
}

fn write_rows<W: std::io::Write>(
    frames: &mut FrameWriter<W>,
    mut orders: mpsc::Receiver<Order>,
    tables: &[TableShape],
) -> Result<Trailer> {
    let mut sums = Sums::new(tables.len());
    let mut raw = Vec::with_capacity(FRAME * 2);
    loop {
        let part = match orders.blocking_recv() {
            Some(Order::Rows(part)) => part,
            Some(Order::End) => return Ok(sums.trailer(tables)),
            None => return Err(Error::internal("writing an archive", "it was given up")),
        };
        let table = u16::try_from(part.table).map_err(|_| Error::corrupt("too many tables"))?;
        let mut rows = 0;
        for row in &part.rows {
            row_bytes::write(row, &mut raw);
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
}
