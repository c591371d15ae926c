//! Uploads cut into parts, and parts put together.

use super::fail::failed;
use super::{PART, S3Files, UNTYPED};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use tokio::task::JoinSet;
use vivero_core::files::{Checksum, Incoming};
use vivero_core::{Error, Result};

/// Parts under way at once: each is in memory until it has arrived.
const AT_ONCE: usize = 2;

/// An upload in parts of [`PART`] bytes, of which the last may be shorter.
#[derive(Debug)]
pub(super) struct Parts {
    incoming: Incoming,
    /// What came with the last part but belongs to the next.
    rest: Bytes,
}

impl Parts {
    pub(super) const fn of(incoming: Incoming) -> Self {
        Self { incoming, rest: Bytes::new() }
    }
    /// The next part, never empty; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        let mut part = Vec::new();
        loop {
            let wanted = PART - part.len();
            let mut chunk = std::mem::take(&mut self.rest);
            self.rest = chunk.split_off(wanted.min(chunk.len()));
            if part.is_empty() && chunk.len() == PART {
                return Ok(Some(chunk));
            }
            if part.len() + chunk.len() > part.capacity() && part.len() > PART / 8 {
                // No more than is needed: doubling would take up to twice a part.
                part.reserve_exact(wanted);
            }
            part.extend_from_slice(&chunk);
            if part.len() == PART {
                return Ok(Some(part.into()));
            }
            match self.incoming.next().await? {
                Some(chunk) => self.rest = chunk,
                None => return Ok((!part.is_empty()).then(|| part.into())),
            }
        }
    }
    /// Size and checksum of everything.
    pub(super) fn finish(self) -> Result<(u64, Checksum)> {
        self.incoming.finish()
    }
}

/// A multipart upload. Dropped before it is complete, it is aborted in the background.
#[derive(Debug)]
pub(super) struct Multipart {
    files: S3Files,
    object: String,
    /// `None` once it is over.
    id: Option<String>,
    number: i32,
    under_way: JoinSet<Result<CompletedPart>>,
    done: Vec<CompletedPart>,
}

impl Multipart {
    pub(super) async fn begin(files: &S3Files, object: &str) -> Result<Self> {
        let begun = files
            .client
            .create_multipart_upload()
            .bucket(&files.bucket)
            .key(object)
            .content_type(UNTYPED)
            .send()
            .await
            .map_err(|e| failed("beginning a large file", e))?;
        let id = begun.upload_id.ok_or_else(|| {
            let context = "the file storage began a large file without naming it";
            Error::Internal { context: context.into(), source: None }
        })?;
        Ok(Self {
            files: files.clone(),
            object: object.into(),
            id: Some(id),
            number: 0,
            under_way: JoinSet::new(),
            done: Vec::new(),
        })
    }

    /// Sends the next part; waits while enough others are under way.
    pub(super) async fn put(&mut self, part: Bytes) -> Result<()> {
        if self.under_way.len() >= AT_ONCE {
            self.arrived().await?;
        }
        self.number += 1;
        let number = self.number;
        let request = self
            .files
            .client
            .upload_part()
            .bucket(&self.files.bucket)
            .key(&self.object)
            .set_upload_id(self.id.clone())
            .part_number(number)
            .body(ByteStream::from(part));
        self.under_way.spawn(async move {
            let sent = request.send().await.map_err(|e| lost(failed("putting a part", e)))?;
            Ok(CompletedPart::builder().set_e_tag(sent.e_tag).part_number(number).build())
        });
        Ok(())
    }

    /// Waits for one part.
    async fn arrived(&mut self) -> Result<()> {
        match self.under_way.join_next().await {
            Some(Ok(part)) => self.done.push(part?),
            Some(Err(e)) => return Err(Error::internal("putting a part of a large file", e)),
            None => {}
        }
        Ok(())
    }

    /// Puts the parts together.
    pub(super) async fn complete(&mut self, size: u64) -> Result<()> {
        while !self.under_way.is_empty() {
            self.arrived().await?;
        }
        self.done.sort_unstable_by_key(CompletedPart::part_number);
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(std::mem::take(&mut self.done)))
            .build();
        let files = &self.files;
        let completed = files
            .client
            .complete_multipart_upload()
            .bucket(&files.bucket)
            .key(&self.object)
            .set_upload_id(self.id.clone())
            .multipart_upload(parts)
            .customize()
            .config_override(files.patiently())
            .send()
            .await;
        if let Err(e) = completed {
            // The answer to an attempt that did it may have been lost: then there is nothing left to
            // complete, and the object is there.
            let looked = files.client.head_object().bucket(&files.bucket).key(&self.object);
            let there = looked.send().await.ok().and_then(|object| object.content_length);
            if there.and_then(|length| u64::try_from(length).ok()) != Some(size) {
                return Err(lost(failed("completing a large file", e)));
            }
        }
        self.id = None;
        Ok(())
    }

    /// Throws away what has arrived.
    pub(super) async fn abort(&mut self) {
        // What is still under way could arrive after the abort.
        self.under_way.shutdown().await;
        if let Some(id) = self.id.take()
            && let Err(e) = self.files.abort_upload(&self.object, &id).await
        {
            tracing::warn!(error = %e, "a large file that was cut off stays behind");
        }
    }
}

impl Drop for Multipart {
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let mut rest = Self {
            files: self.files.clone(),
            object: std::mem::take(&mut self.object),
            id: Some(id),
            number: 0,
            under_way: std::mem::take(&mut self.under_way),
            done: Vec::new(),
        };
        runtime.spawn(async move { rest.abort().await });
    }
}

/// "Not there" is said here of the upload, not of a file the caller has named.
fn lost(error: Error) -> Error {
    match error {
        Error::NotFound { .. } => super::fail::away("the upload of a large file is not there"),
        other => other,
    }
}
