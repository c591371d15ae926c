//! Content on its way from the server.

use super::Files;
use crate::retry::{Failure, Repeat};
use crate::{Error, File, Result};
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _, unfold};
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, IF_RANGE, RANGE};
use reqwest::{Response, StatusCode};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io::{self, Read as _};
use std::ops::RangeFrom;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::fs::{self, OpenOptions};
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;
use uuid::Uuid;

/// The content of a file, or of the end of it, as it comes.
pub struct FileDownload {
    /// What it is.
    pub media_type: String,
    /// SHA-256 of the whole content, in lower-case hexadecimal digits.
    pub sha256: String,
    /// The first byte that comes; 0 unless a range was asked for and given.
    pub start: u64,
    response: Response,
    patience: Duration,
}

impl fmt::Debug for FileDownload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { media_type, sha256, start, .. } = self;
        f.debug_struct("FileDownload")
            .field("media_type", media_type)
            .field("sha256", sha256)
            .field("start", start)
            .finish_non_exhaustive()
    }
}

impl FileDownload {
    fn new(response: Response, patience: Duration) -> Self {
        let text = |name: HeaderName| {
            let value = response.headers().get(name).and_then(|v| v.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let start = match response.status() {
            StatusCode::PARTIAL_CONTENT => start_of(&text(CONTENT_RANGE)).unwrap_or(0),
            _ => 0,
        };
        let sha256 = text(ETAG).trim_matches('"').to_owned();
        Self { media_type: text(CONTENT_TYPE), sha256, start, response, patience }
    }

    /// The content, chunk by chunk. An error is the last item: what came before is not the whole.
    #[must_use]
    pub fn into_stream(self) -> BoxStream<'static, Result<Bytes>> {
        let patience = self.patience;
        let body = self.response.bytes_stream();
        unfold(Some(body), move |body| async move {
            let mut body = body?;
            match timeout(patience, body.next()).await {
                Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(body))),
                Ok(Some(Err(error))) => Some((Err(Error::transport(error)), None)),
                Ok(None) => None,
                Err(_) => Some((Err(Error::io(io::ErrorKind::TimedOut.into())), None)),
            }
        })
        .boxed()
    }

    /// The content in memory: for files that are known to be small.
    pub async fn bytes(self) -> Result<Bytes> {
        let mut content = Vec::new();
        let mut chunks = self.into_stream();
        while let Some(chunk) = chunks.next().await {
            content.extend_from_slice(&chunk?);
        }
        Ok(content.into())
    }
}

/// The first byte of `bytes 5-9/10`.
fn start_of(range: &str) -> Option<u64> {
    range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}

impl Files<'_> {
    /// The content of a file.
    pub async fn download(&self, id: Uuid) -> Result<FileDownload> {
        self.open(id, None).await
    }

    /// The content from a byte on, if its SHA-256 is still `sha256`; the whole of it if not:
    /// [`FileDownload::start`] tells which.
    ///
    /// Errors: a problem with code `range_not_satisfiable` (416) if there is no such byte.
    pub async fn download_from(
        &self,
        id: Uuid,
        bytes: RangeFrom<u64>,
        sha256: &str,
    ) -> Result<FileDownload> {
        self.open(id, Some((bytes.start, sha256))).await
    }

    async fn open(&self, id: Uuid, from: Option<(u64, &str)>) -> Result<FileDownload> {
        let path = &format!("/api/v1/{}/files/{id}/content", self.tenant.slug());
        let request = |http: reqwest::Client, base: String, _| async move {
            let request = http.get(format!("{base}{path}"));
            Ok(match from {
                Some((start, sha256)) => request
                    .header(RANGE, format!("bytes={start}-"))
                    .header(IF_RANGE, format!("\"{sha256}\"")),
                None => request,
            })
        };
        let caller = &self.tenant.caller;
        let patience = caller.connection.timeout;
        let response = caller.by_hand(Repeat::Safe, Some(patience), request).await?;
        Ok(FileDownload::new(response, patience))
    }

    /// Downloads a file to `path`, which is there whole or not at all.
    ///
    /// Until then it lies beside it as `….part`. A connection that breaks is taken up again where it
    /// broke, and a part that an earlier call left is gone on with; at the end the checksum is held
    /// against the server's.
    ///
    /// Errors: [`Error::Io`] if the local file cannot be written, or is not what the server has.
    pub async fn download_to(&self, id: Uuid, path: impl AsRef<Path>) -> Result<File> {
        let path = path.as_ref();
        let file = self.get(id).await?;
        let part = beside(path)?;
        let retries = self.tenant.caller.connection.retries;
        let (mut failures, mut have) = (0, 0);
        while let Err(error) = self.append(&file, &part).await {
            let now = length(&part).await?;
            // What comes forward is not failing.
            failures = if now > have { 0 } else { failures };
            have = now;
            let failure = Failure::from(error);
            let Some(wait) = retries.wait(&failure, Repeat::Safe, failures) else {
                return Err(failure.error);
            };
            failures += 1;
            tokio::time::sleep(wait).await;
        }
        if checksum(part.clone()).await? != file.sha256 {
            fs::remove_file(&part).await.map_err(Error::io)?;
            let damaged = "what was downloaded is not what the server has";
            return Err(Error::io(io::Error::new(io::ErrorKind::InvalidData, damaged)));
        }
        fs::rename(&part, path).await.map_err(Error::io)?;
        Ok(file)
    }

    /// Goes on behind what is there.
    async fn append(&self, file: &File, part: &Path) -> Result<()> {
        let size = u64::try_from(file.size).unwrap_or(0);
        let have = match length(part).await? {
            have if have > size => 0,
            have if have == size && size > 0 => return Ok(()),
            have => have,
        };
        let download = match have {
            0 => self.download(file.id).await?,
            have => self.download_from(file.id, have.., &file.sha256).await?,
        };
        let start = download.start;
        let mut options = OpenOptions::new();
        let opened = options.create(true).write(true).truncate(false).open(part).await;
        let mut local = opened.map_err(Error::io)?;
        local.set_len(start.min(have)).await.map_err(Error::io)?;
        tokio::io::AsyncSeekExt::seek(&mut local, io::SeekFrom::End(0)).await.map_err(Error::io)?;
        let mut chunks = download.into_stream();
        let mut outcome = Ok(());
        while let Some(chunk) = chunks.next().await {
            match chunk {
                Ok(chunk) => local.write_all(&chunk).await.map_err(Error::io)?,
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        local.flush().await.map_err(Error::io)?;
        local.sync_all().await.map_err(Error::io)?;
        outcome
    }
}

/// Where the file lies until it is whole.
fn beside(path: &Path) -> Result<PathBuf> {
    let name = path.file_name();
    let name = name.ok_or_else(|| Error::Request(format!("{} names no file", path.display())))?;
    let mut name = name.to_owned();
    name.push(".part");
    Ok(path.with_file_name(name))
}

async fn length(path: &Path) -> Result<u64> {
    match fs::metadata(path).await {
        Ok(found) => Ok(found.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(Error::io(error)),
    }
}

async fn checksum(path: PathBuf) -> Result<String> {
    let read = move || -> io::Result<String> {
        let (mut file, mut hash) = (std::fs::File::open(path)?, Sha256::new());
        let mut chunk = vec![0; 256 * 1024];
        loop {
            match file.read(&mut chunk)? {
                0 => break,
                read => hash.update(&chunk[..read]),
            }
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    };
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|e| Error::Request(e.to_string()))?.map_err(Error::io)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_a_range_is_read() {
        assert_eq!(start_of("bytes 5-9/10"), Some(5));
        for none in ["", "bytes */10", "bytes 5", "5-9/10", "bytes x-9/10"] {
            assert_eq!(start_of(none), None, "{none}");
        }
    }

    #[test]
    fn a_part_lies_beside_the_whole() {
        assert_eq!(beside(Path::new("a/b.pdf")).expect("a path"), Path::new("a/b.pdf.part"));
        assert!(beside(Path::new("a/..")).is_err());
    }
}
