//! Looking, reading, listing.

use super::fail::{away, failed};
use super::{S3Files, SHA256};
use aws_sdk_s3::primitives::{ByteStream, DateTime as S3Time};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{Stream, stream};
use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;
use vivero_core::files::{
    ByteRange, Checksum, Download, FileEntry, FileInfo, FileKey, FileList, FilePrefix,
    MAX_FILE_BYTES, MAX_LIST, ObjectName,
};
use vivero_core::{Error, Result, TenantId};

impl S3Files {
    pub(super) async fn look(&self, object: &str, key: FileKey) -> Result<Option<FileInfo>> {
        let request = self.client.head_object().bucket(&self.bucket).key(object);
        let found = match request.send().await.map_err(|e| failed("looking at a file", e)) {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(e),
        };
        let size = size(found.content_length)?;
        Ok(Some(FileInfo { key, size, sha256: checksum(object, found.metadata.as_ref())? }))
    }

    pub(super) async fn read(
        &self,
        object: &str,
        key: FileKey,
        range: Option<ByteRange>,
    ) -> Result<Download> {
        let got = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(object)
            .set_range(range.map(header))
            .send()
            .await
            .map_err(|e| failed("reading a file", e))?;
        let (size, bytes) = match (range, &got.content_range) {
            (None, _) => size(got.content_length).map(|size| (size, 0..size))?,
            (Some(wanted), Some(text)) => content_range(text)
                .filter(|(size, bytes)| wanted.resolve(*size).is_ok_and(|range| range == *bytes))
                .ok_or_else(|| odd(format!("the range {text:?} for {wanted:?}")))?,
            // All of it, where a part was asked for; or nothing of an empty file.
            (Some(wanted), None) => {
                let size = size(got.content_length)?;
                let bytes = wanted.resolve(size)?;
                if bytes != (0..size) {
                    return Err(odd("a whole file for a part of it"));
                }
                (size, bytes)
            }
        };
        let sha256 = checksum(object, got.metadata.as_ref())?;
        let info = FileInfo { key, size, sha256 };
        Ok(Download::new(info, bytes, chunks(got.body, self.patience)))
    }

    pub(super) async fn page(
        &self,
        tenant: TenantId,
        prefix: &FilePrefix,
        after: Option<FileKey>,
        limit: u32,
    ) -> Result<FileList> {
        let limit = limit.clamp(1, MAX_LIST);
        let mut request = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(format!("{}{}", self.folder, ObjectName::prefix(tenant, prefix)))
            .set_start_after(after.map(|after| self.object(tenant, after)))
            .max_keys(i32::try_from(limit).unwrap_or(1));
        let mut list = FileList::default();
        loop {
            let page = request.clone().send().await.map_err(|e| failed("listing files", e))?;
            for object in page.contents.unwrap_or_default() {
                let name = object.key.as_deref().and_then(|k| k.strip_prefix(&self.folder));
                // What is not ours is left alone.
                let Some(Ok(name)) = name.map(str::parse::<ObjectName>) else { continue };
                let key = name.key;
                if name.tenant == tenant && prefix.contains(&key) && after.is_none_or(|a| key > a) {
                    let modified = object.last_modified.map_or(DateTime::UNIX_EPOCH, time);
                    list.files.push(FileEntry { key, size: size(object.size)?, modified });
                }
            }
            let more = page.is_truncated.unwrap_or(false).then_some(page.next_continuation_token);
            match more.flatten() {
                Some(_) if !list.files.is_empty() => {
                    list.next = list.files.last().map(|file| file.key);
                    return Ok(list);
                }
                Some(token) => request = request.continuation_token(token),
                None => return Ok(list),
            }
        }
    }
}

pub(super) fn time(time: S3Time) -> DateTime<Utc> {
    DateTime::from_timestamp(time.secs(), time.subsec_nanos()).unwrap_or(DateTime::UNIX_EPOCH)
}

fn odd(what: impl std::fmt::Display) -> Error {
    let context = format!("the file storage answered with {what}");
    Error::Internal { context: context.into(), source: None }
}

fn size(length: Option<i64>) -> Result<u64> {
    length
        .and_then(|length| u64::try_from(length).ok())
        .ok_or_else(|| odd("a file without its size"))
}

fn checksum(object: &str, metadata: Option<&HashMap<String, String>>) -> Result<Checksum> {
    metadata
        .and_then(|metadata| metadata.get(SHA256)?.parse().ok())
        .ok_or_else(|| Error::corrupt(format!("object {object} was not written by vivero")))
}

/// The header that asks for a range. No file is larger than the maximum, and no server need know
/// larger numbers.
fn header(range: ByteRange) -> String {
    let most = |number: u64| number.min(MAX_FILE_BYTES);
    match range {
        ByteRange::From(first) => format!("bytes={}-", most(first)),
        // Nonsense: as a header it would be ignored, and the whole file sent.
        ByteRange::Between(first, last) if first > last => format!("bytes={MAX_FILE_BYTES}-"),
        ByteRange::Between(first, last) => format!("bytes={}-{}", most(first), most(last)),
        ByteRange::Last(0) => format!("bytes={MAX_FILE_BYTES}-"),
        ByteRange::Last(count) => format!("bytes=-{}", most(count)),
    }
}

/// Reads `bytes FIRST-LAST/SIZE`.
fn content_range(text: &str) -> Option<(u64, Range<u64>)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let last: u64 = last.parse().ok()?;
    Some((size.parse().ok()?, first.parse().ok()?..last.checked_add(1)?))
}

/// The content as it comes; a server that falls silent is away.
fn chunks(body: ByteStream, patience: Duration) -> impl Stream<Item = Result<Bytes>> + Send {
    stream::try_unfold(body, move |mut body| async move {
        let chunk = tokio::time::timeout(patience, body.next()).await.map_err(away)?;
        Ok(chunk.transpose().map_err(away)?.map(|chunk| (chunk, body)))
    })
}
