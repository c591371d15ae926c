//! Reading an archive: whatever it gives out was checked, and what was not whole is known by the end.

use super::frames::{FrameKind, FrameReader};
use super::keys::ArchiveKey;
use super::place::{ArchivePlace, Source};
use super::proof::{Links, Proof, Sums};
use super::{Header, Trailer, refused};
use crate::row_bytes;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use vivero_core::copy::Part;
use vivero_core::{Error, Result};

/// Parts that may wait to be taken.
const WAITING: usize = 3;

/// An archive that is being read, in order and once.
#[derive(Debug)]
pub struct ArchiveReader {
    header: Header,
    parts: mpsc::Receiver<Part>,
    task: Option<JoinHandle<Result<Proof>>>,
}

type Frames = FrameReader<BufReader<Box<dyn Read + Send>>>;

impl ArchiveReader {
    /// Opens an archive and reads its header. Errors: [`Error::Invalid`] says what is wrong with it.
    pub async fn open(place: impl Into<ArchivePlace>, key: Option<&ArchiveKey>) -> Result<Self> {
        let (place, key) = (place.into(), key.cloned());
        let source = place.source().await?;
        let name = PathBuf::from(place.name());
        let opened = tokio::task::spawn_blocking(move || begin(source, &name, key.as_ref()));
        let (frames, header, path) =
            opened.await.map_err(|e| Error::internal("opening an archive", e))??;
        let (sender, parts) = mpsc::channel(WAITING);
        let known = header.clone();
        let task = tokio::task::spawn_blocking(move || read_rows(frames, known, &path, &sender));
        Ok(Self { header, parts, task: Some(task) })
    }

    /// What it says of itself.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The next rows; `None` at the end, and when something is wrong: [`ArchiveReader::finish`] tells.
    pub async fn next(&mut self) -> Option<Part> {
        self.parts.recv().await
    }

    /// What is proven: that the archive is whole, unchanged, and its chain holds.
    pub async fn finish(mut self) -> Result<Proof> {
        self.parts.close();
        while self.parts.recv().await.is_some() {}
        let gone = || Error::internal("reading an archive", "its thread is gone");
        let task = self.task.take().ok_or_else(gone)?;
        task.await.map_err(|e| Error::internal("reading an archive", e))?
    }
}

/// Proves an archive without touching a tenant: counts, checksums, the links of the chain, whose it is.
/// `progress` is told the rows read.
pub async fn verify(
    place: impl Into<ArchivePlace>,
    key: Option<&ArchiveKey>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Proof> {
    let mut reader = ArchiveReader::open(place, key).await?;
    let total = reader.header().rows;
    let mut done = 0;
    while let Some(part) = reader.next().await {
        done += part.rows.len() as u64;
        progress(done, total);
    }
    reader.finish().await
}

fn begin(
    source: Source,
    path: &Path,
    key: Option<&ArchiveKey>,
) -> Result<(Frames, Header, PathBuf)> {
    let file = source.open(path)?;
    let mut frames = FrameReader::new(BufReader::with_capacity(1 << 18, file), path, key)?;
    let frame = frames.read()?;
    let header: Option<Header> = (frame.kind == FrameKind::Header)
        .then(|| serde_json::from_slice(&frame.raw).ok())
        .flatten();
    let header = header.ok_or_else(|| frames.wrong("is not a header this program can read"))?;
    if header.archive != frames.archive {
        return Err(frames.wrong("is the header of another archive"));
    }
    Ok((frames, header, path.to_owned()))
}

fn read_rows(
    mut frames: Frames,
    header: Header,
    path: &Path,
    parts: &mpsc::Sender<Part>,
) -> Result<Proof> {
    let mut sums = Sums::new(header.tables.len());
    let mut links = Links::new(header.tenant_id(), header.head.position, &header.tables);
    let trailer = loop {
        let frame = frames.read()?;
        match frame.kind {
            FrameKind::Header => return Err(frames.wrong("is a second header")),
            FrameKind::Trailer => {
                let trailer: Option<Trailer> = serde_json::from_slice(&frame.raw).ok();
                break trailer
                    .ok_or_else(|| frames.wrong("is not a trailer this program can read"))?;
            }
            FrameKind::Rows => {
                let table = usize::from(frame.table);
                let shape = header.tables.get(table);
                let shape = shape.ok_or_else(|| frames.wrong("has rows of no table"))?;
                let rows = row_bytes::read(&frame.raw, shape.columns.len());
                let rows = rows.ok_or_else(|| frames.wrong("does not hold rows"))?;
                sums.add(table, rows.len(), &frame.raw);
                links.add(shape, &rows).map_err(|what| broken(path, &what))?;
                if parts.blocking_send(Part { table, rows }).is_err() {
                    return Err(Error::internal("reading an archive", "it was given up"));
                }
            }
        }
    };
    let file_bytes = frames.end()?;
    links.end().map_err(|what| broken(path, &what))?;
    if sums.trailer(&header.tables) != trailer {
        return Err(refused(path, "intact", "its counts or digests are not those of its rows"));
    }
    if links.position != header.head.position
        || super::hex(&links.hash) != header.head.hash && links.position > 0
    {
        return Err(broken(path, "its head is not the one the header names"));
    }
    Ok(Proof { header, trailer, sealed: links.position, unsealed: links.unsealed, file_bytes })
}

fn broken(path: &Path, what: &str) -> Error {
    refused(path, "chain", format!("its chain of changes is broken: {what}"))
}
