//! Content on its way to the server.

use super::Files;
use crate::connection::new_key;
use crate::retry::Repeat;
use crate::{Error, File, Result};
use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt as _, try_unfold};
use reqwest::Body;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use uuid::Uuid;

/// How much of a local file is read at once.
const CHUNK: usize = 64 * 1024;
/// The slowest line an upload puts up with, in bytes a second.
const SLOWEST: u64 = 16 * 1024;

/// A file to be uploaded.
#[derive(Debug)]
#[must_use = "nothing is uploaded before `Files::upload`"]
pub struct FileUpload {
    name: String,
    entity_id: Option<Uuid>,
    source: Source,
}

enum Source {
    Bytes(Bytes),
    Path(PathBuf),
    /// Can be read once.
    Stream(Mutex<Option<BoxStream<'static, io::Result<Bytes>>>>, Option<u64>),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Stream(_, size) => write!(f, "a stream of {size:?} bytes"),
        }
    }
}

impl FileUpload {
    const fn new(name: String, source: Source) -> Self {
        Self { name, entity_id: None, source }
    }
    /// Content in memory, under `name`, whose ending says what kind of file it is.
    pub fn bytes(name: impl Into<String>, content: impl Into<Bytes>) -> Self {
        Self::new(name.into(), Source::Bytes(content.into()))
    }
    /// A file of this machine, under its own name. It is read when it is sent.
    ///
    /// Errors: [`Error::Request`] if the path does not end in a name in UTF-8.
    pub fn path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| {
            Error::Request(format!("{} does not end in a name in UTF-8", path.display()))
        })?;
        Ok(Self::new(name.to_owned(), Source::Path(path.to_owned())))
    }
    /// Content that comes as a stream, of `size` bytes if that is known: the server then refuses one
    /// that is too large before it is sent. It can be sent once, so it is not repeated.
    pub fn stream(
        name: impl Into<String>,
        size: Option<u64>,
        content: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Self {
        Self::new(name.into(), Source::Stream(Mutex::new(Some(content.boxed())), size))
    }
    /// Uploads it under another name.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
    /// Gives it to a lot.
    pub const fn of_entity(mut self, id: Uuid) -> Self {
        self.entity_id = Some(id);
        self
    }
}

impl Source {
    const fn can_be_sent_again(&self) -> bool {
        !matches!(self, Self::Stream(..))
    }
    /// The content from its beginning, with its size.
    async fn open(&self) -> Result<(Body, Option<u64>)> {
        match self {
            Self::Bytes(bytes) => Ok((bytes.clone().into(), Some(bytes.len() as u64))),
            Self::Path(path) => {
                let file = tokio::fs::File::open(path).await.map_err(Error::io)?;
                let size = file.metadata().await.map_err(Error::io)?.len();
                let chunks = try_unfold(file, |mut file| async {
                    let mut chunk = Vec::with_capacity(CHUNK);
                    let read = (&mut file).take(CHUNK as u64).read_to_end(&mut chunk).await?;
                    io::Result::Ok((read > 0).then(|| (Bytes::from(chunk), file)))
                });
                Ok((Body::wrap_stream(chunks), Some(size)))
            }
            Self::Stream(stream, size) => {
                let stream = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
                let spent = || Error::Request("the stream was sent already".into());
                Ok((Body::wrap_stream(stream.ok_or_else(spent)?), *size))
            }
        }
    }
}

impl Files<'_> {
    /// Uploads a file. Content in memory or on disk is sent again when that fails for a moment; it is
    /// stored once all the same.
    ///
    /// Errors: a problem with code `file_too_large` (413), `file_quota_reached` (409), or
    /// `invalid_input` (400) that names the rule of `name` or `file` it breaks; [`Error::Io`] if the
    /// local file cannot be read.
    pub async fn upload(&self, upload: FileUpload) -> Result<File> {
        let path = format!("/api/v1/{}/files", self.tenant.slug());
        let key = self.with.key().map_or_else(new_key, Into::into);
        let repeat = if upload.source.can_be_sent_again() { Repeat::Safe } else { Repeat::Never };
        let (upload, path, key) = (&upload, &path, &key);
        let request = |http: reqwest::Client, base: String, patience: Duration| async move {
            let (body, size) = upload.source.open().await?;
            let least =
                size.map_or(Duration::from_secs(3600), |size| Duration::from_secs(size / SLOWEST));
            let mut request = http
                .post(format!("{base}{path}"))
                .query(&[("name", &upload.name)])
                .header(CONTENT_TYPE, "application/octet-stream")
                .header("Idempotency-Key", &**key)
                .timeout(patience + least)
                .body(body);
            if let Some(id) = upload.entity_id {
                request = request.query(&[("entity_id", id)]);
            }
            if let Some(size) = size {
                request = request.header(CONTENT_LENGTH, size);
            }
            Ok(request)
        };
        let response = self.tenant.caller.by_hand(repeat, None, request).await?;
        let body = response.bytes().await.map_err(Error::transport)?;
        serde_json::from_slice(&body).map_err(Error::decode)
    }
}
