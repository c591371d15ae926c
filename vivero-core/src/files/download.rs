//! Content on its way out: ranges, and what was stored is what is read.

use super::FileStream;
use super::info::{Checksum, FileInfo};
use crate::error::{Error, Result};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::ops::Range;

/// A part of a file, as HTTP names it (RFC 9110, section 14.1.2). Bytes count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ByteRange {
    /// From this byte to the end.
    From(u64),
    /// From the first to the last of these bytes, both included; the last may lie beyond the end.
    Between(u64, u64),
    /// This many bytes at the end; the whole file if it has fewer.
    Last(u64),
}

impl ByteRange {
    /// The bytes that are meant of a file of `size` bytes, never none.
    ///
    /// Errors: [`Error::Invalid`] on `range` if the file has no byte of it.
    pub fn resolve(self, size: u64) -> Result<Range<u64>> {
        let range = match self {
            Self::From(first) => first..size,
            Self::Between(first, last) => first..last.saturating_add(1).min(size),
            Self::Last(count) => size.saturating_sub(count)..size,
        };
        if range.is_empty() {
            let message = format!("has no byte of a file of {size} bytes");
            return Err(Error::invalid("range", "range", message));
        }
        Ok(range)
    }
}

/// A file, or a range of it, being read.
pub struct Download {
    /// The whole file.
    pub info: FileInfo,
    /// Which of its bytes these are.
    pub range: Range<u64>,
    chunks: FileStream,
}

impl Download {
    /// What a store reads. The stream handed out fails with [`Error::Corrupt`] instead of ending if it
    /// has not the bytes that were promised, or, being the whole file, another checksum.
    #[must_use]
    pub fn new(
        info: FileInfo,
        range: Range<u64>,
        chunks: impl Stream<Item = Result<Bytes>> + Send + 'static,
    ) -> Self {
        let check = Check {
            missing: range.end.saturating_sub(range.start),
            hash: (range == (0..info.size)).then(|| (Sha256::new(), info.sha256)),
            info,
        };
        let chunks = stream::try_unfold((chunks.boxed(), check), |(mut chunks, mut check)| async {
            match chunks.next().await.transpose()? {
                Some(chunk) => {
                    check.take(&chunk)?;
                    Ok(Some((chunk, (chunks, check))))
                }
                None => check.end().map(|()| None),
            }
        });
        Self { info, range, chunks: chunks.boxed() }
    }

    /// How many bytes are to come.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }
    /// The content, chunk by chunk. An error is the last item: what came before must not be taken for
    /// the whole.
    #[must_use]
    pub fn into_stream(self) -> FileStream {
        self.chunks
    }
    /// The content in memory: for files that are known to be small.
    pub async fn into_bytes(mut self) -> Result<Bytes> {
        let mut content = Vec::new();
        while let Some(chunk) = self.chunks.next().await {
            content.extend_from_slice(&chunk?);
        }
        Ok(content.into())
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { info, range, .. } = self;
        f.debug_struct("Download").field("info", info).field("range", range).finish_non_exhaustive()
    }
}

struct Check {
    info: FileInfo,
    missing: u64,
    hash: Option<(Sha256, Checksum)>,
}

impl Check {
    fn take(&mut self, chunk: &Bytes) -> Result<()> {
        self.missing = self
            .missing
            .checked_sub(chunk.len() as u64)
            .ok_or_else(|| self.damaged("more bytes than it should"))?;
        if let Some((hash, _)) = &mut self.hash {
            hash.update(chunk);
        }
        Ok(())
    }
    fn end(self) -> Result<()> {
        if self.missing > 0 {
            return Err(self.damaged("fewer bytes than it should"));
        }
        match &self.hash {
            Some((hash, wanted)) if hash.clone().finalize()[..] != wanted.as_bytes()[..] => {
                Err(self.damaged("another checksum than when it was stored"))
            }
            _ => Ok(()),
        }
    }
    fn damaged(&self, how: &str) -> Error {
        Error::corrupt(format!("file {} has {how}", self.info.key))
    }
}
