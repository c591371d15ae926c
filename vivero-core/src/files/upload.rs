//! Content on its way in: bounded, counted and hashed in one place for every store.

use super::FileStream;
use super::info::Checksum;
use crate::error::{Error, Result};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use std::collections::VecDeque;
use std::fmt;

/// The greatest size of one file, 5 GiB: what S3 copies in one request.
pub const MAX_FILE_BYTES: u64 = 5 << 30;

/// Content to be stored, with a maximum it cannot pass.
pub struct Upload {
    chunks: FileStream,
    /// Read already, to be given first.
    ahead: VecDeque<Bytes>,
    ended: bool,
    size: Option<u64>,
    max: u64,
}

impl Upload {
    /// Content of unknown size, at most `max` bytes (and never more than [`MAX_FILE_BYTES`]). An error
    /// in the stream ends the upload and is what [`super::FileStore::put`] returns.
    #[must_use]
    pub fn new(chunks: impl Stream<Item = Result<Bytes>> + Send + 'static, max: u64) -> Self {
        Self {
            chunks: chunks.boxed(),
            ahead: VecDeque::new(),
            ended: false,
            size: None,
            max: max.min(MAX_FILE_BYTES),
        }
    }
    /// Content that is in memory.
    #[must_use]
    pub fn of(content: impl Into<Bytes>) -> Self {
        let content: Bytes = content.into();
        let size = content.len() as u64;
        Self::new(stream::once(async { Ok(content) }), size).with_size(size)
    }
    /// With a size that was announced: no more and no fewer bytes are taken.
    #[must_use]
    pub fn with_size(mut self, size: u64) -> Self {
        self.size = Some(size);
        self
    }
    /// With a maximum of `max` bytes, unless it has a lower one.
    #[must_use]
    pub fn at_most(mut self, max: u64) -> Self {
        self.max = self.max.min(max);
        self
    }
    /// The size that was announced.
    #[must_use]
    pub const fn size(&self) -> Option<u64> {
        self.size
    }
    /// The most bytes it may have.
    #[must_use]
    pub const fn max(&self) -> u64 {
        self.max
    }

    /// The first `count` bytes, or all if there are fewer. They are not taken: the upload still begins
    /// with them. Errors: what the stream fails with.
    pub async fn peek(&mut self, count: usize) -> Result<Bytes> {
        let mut have: usize = self.ahead.iter().map(Bytes::len).sum();
        while have < count && !self.ended {
            match self.chunks.next().await {
                Some(chunk) => {
                    let chunk = chunk?;
                    have += chunk.len();
                    self.ahead.push_back(chunk);
                }
                None => self.ended = true,
            }
        }
        if let Some(first) = self.ahead.front().filter(|f| f.len() >= count) {
            return Ok(first.slice(..count));
        }
        let mut head = Vec::with_capacity(have.min(count));
        for chunk in &self.ahead {
            let room = count - head.len();
            head.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        Ok(head.into())
    }

    /// Begins to read it, as a store does.
    ///
    /// Errors: [`Error::Invalid`] on `file` with rule `max_size` if more than the maximum is
    /// announced; then nothing has been read.
    pub fn open(self) -> Result<Incoming> {
        if self.size.is_some_and(|size| size > self.max) {
            return Err(too_large(self.max));
        }
        Ok(Incoming { upload: self, taken: 0, hash: Sha256::new(), state: State::Open })
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, max, .. } = self;
        f.debug_struct("Upload").field("size", size).field("max", max).finish_non_exhaustive()
    }
}

fn too_large(max: u64) -> Error {
    Error::invalid("file", "max_size", format!("must have at most {max} bytes"))
}

/// An upload as a store reads it: chunk by chunk, then [`Incoming::finish`].
pub struct Incoming {
    upload: Upload,
    taken: u64,
    hash: Sha256,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Whole,
    Failed,
}

impl Incoming {
    /// The next chunk, never empty; `None` at the end of the file.
    ///
    /// Errors: [`Error::Invalid`] on `file` instead of the chunk that is too much (rule `max_size`), or
    /// if the file has not the size announced (rule `size`); what the stream fails with.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.state != State::Open {
            return Ok(None);
        }
        let next = self.read_checked().await;
        self.state = match &next {
            Ok(Some(_)) => State::Open,
            Ok(None) => State::Whole,
            Err(_) => State::Failed,
        };
        next
    }

    async fn read_checked(&mut self) -> Result<Option<Bytes>> {
        while let Some(chunk) = self.read().await? {
            if chunk.is_empty() {
                continue;
            }
            self.taken = self.taken.saturating_add(chunk.len() as u64);
            if self.taken > self.upload.max {
                return Err(too_large(self.upload.max));
            }
            if self.upload.size.is_some_and(|size| self.taken > size) {
                return Err(self.another_size());
            }
            self.hash.update(&chunk);
            return Ok(Some(chunk));
        }
        if self.upload.size.is_some_and(|size| self.taken != size) {
            return Err(self.another_size());
        }
        Ok(None)
    }

    async fn read(&mut self) -> Result<Option<Bytes>> {
        let upload = &mut self.upload;
        if let Some(chunk) = upload.ahead.pop_front() {
            return Ok(Some(chunk));
        }
        if upload.ended {
            return Ok(None);
        }
        let chunk = upload.chunks.next().await.transpose()?;
        upload.ended = chunk.is_none();
        Ok(chunk)
    }

    fn another_size(&self) -> Error {
        let announced = self.upload.size.unwrap_or_default();
        let came = if self.taken > announced { "more".into() } else { self.taken.to_string() };
        Error::invalid("file", "size", format!("{announced} bytes were announced, {came} came"))
    }

    /// The size that was announced.
    #[must_use]
    pub const fn announced(&self) -> Option<u64> {
        self.upload.size
    }
    /// Bytes taken so far.
    #[must_use]
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// Size and checksum of the whole file.
    ///
    /// Errors: [`Error::Internal`] unless [`Incoming::next`] has come to the end without an error: a
    /// store must not keep what it has not read whole.
    pub fn finish(self) -> Result<(u64, Checksum)> {
        if self.state != State::Whole {
            let context = "an upload was to be kept before it was read to its end";
            return Err(Error::Internal { context: context.into(), source: None });
        }
        Ok((self.taken, Checksum::from_bytes(self.hash.finalize().into())))
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { upload, taken, .. } = self;
        f.debug_struct("Incoming")
            .field("upload", upload)
            .field("taken", taken)
            .finish_non_exhaustive()
    }
}
