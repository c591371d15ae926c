//! Content of a file as an answer: whole, a range of it, or the news that the caller has it.

use super::{Answer, text_header};
use crate::payload::content::binary;
use crate::problem::Failure;
use futures_util::TryStreamExt as _;
use poem::http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::{Body, IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, Registry};
use std::io;
use vivero_core::files::{ByteRange, Download, StoredFile, attachment, kinds};

/// Content of a file.
pub(crate) struct Content(Response);

/// The checksum as an entity tag: content never changes, so it is a strong one.
pub(crate) fn tag(file: &StoredFile) -> String {
    format!("\"{}\"", file.sha256)
}

impl Content {
    /// The caller has it.
    pub(crate) fn not_modified(file: &StoredFile) -> Answer<Self> {
        let mut response = Response::default();
        response.set_status(StatusCode::NOT_MODIFIED);
        about(response.headers_mut(), file)?;
        Ok(Self(response))
    }

    /// What was opened of it.
    pub(crate) fn of(file: &StoredFile, download: Download) -> Answer<Self> {
        let (size, range, whole) = (download.size(), download.range.clone(), download.info.size);
        let id = file.id;
        let chunks = download.into_stream().map_err(move |error| {
            // The status is sent already: the connection is cut, and the log says why.
            tracing::error!(file = %id, %error, "a download was cut off");
            io::Error::other(error)
        });
        let mut response = Response::from(Body::from_bytes_stream(chunks));
        let headers = response.headers_mut();
        if size < whole {
            let text = format!("bytes {}-{}/{whole}", range.start, range.end.saturating_sub(1));
            headers.insert(header::CONTENT_RANGE, value(text)?);
        }
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
        headers.insert(header::CONTENT_TYPE, value(file.media_type.clone())?);
        headers.insert(header::CONTENT_DISPOSITION, value(attachment(&file.name))?);
        about(headers, file)?;
        if size < whole {
            response.set_status(StatusCode::PARTIAL_CONTENT);
        }
        Ok(Self(response))
    }
}

fn about(headers: &mut HeaderMap, file: &StoredFile) -> Answer<()> {
    headers.insert(header::ETAG, value(tag(file))?);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // It may be kept, but each use is asked about: permissions change.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(())
}

fn value(text: String) -> Answer<HeaderValue> {
    HeaderValue::try_from(text).map_err(Failure::internal)
}

/// The range of a `Range` header. One that cannot be read, or names several, is as good as none (RFC
/// 9110, section 14.2).
pub(crate) fn range(text: &str) -> Option<ByteRange> {
    let number = |digits: &str| {
        let sound = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        // More than any file has is as good as the greatest number there is.
        sound.then(|| digits.parse().unwrap_or(u64::MAX))
    };
    let (unit, range) = text.split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    match range.split_once('-')? {
        ("", last) => Some(ByteRange::Last(number(last)?)),
        (first, "") => Some(ByteRange::From(number(first)?)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(ByteRange::Between(first, last))
        }
    }
}

impl IntoResponse for Content {
    fn into_response(self) -> Response {
        self.0
    }
}

impl ApiResponse for Content {
    fn meta() -> MetaResponses {
        let types = || {
            let of_kind = |kind: &&vivero_core::files::FileKind| MetaMediaType {
                content_type: kind.media_type,
                schema: binary(),
            };
            kinds::ALL.iter().map(of_kind).collect()
        };
        let tag = || text_header("ETag", "The content's SHA-256, in quotes", true);
        let shown = |status, description, content, mut headers: Vec<MetaHeader>| {
            headers.push(tag());
            let status = Some(status);
            MetaResponse { description, status, status_range: None, content, headers }
        };
        let name = || text_header("Content-Disposition", "`attachment`, with its name", true);
        let part = text_header("Content-Range", "Which bytes of how many", true);
        MetaResponses {
            responses: vec![
                shown(200, "The content", types(), vec![name()]),
                shown(206, "The range asked for", types(), vec![name(), part]),
                shown(304, "The caller has it", Vec::new(), Vec::new()),
            ],
        }
    }
    fn register(_: &mut Registry) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_of_bytes_is_read_and_anything_else_is_none() {
        assert_eq!(range("bytes=0-4"), Some(ByteRange::Between(0, 4)));
        assert_eq!(range("Bytes = 7-"), None);
        assert_eq!(range("BYTES=7-"), Some(ByteRange::From(7)));
        assert_eq!(range("bytes=-5"), Some(ByteRange::Last(5)));
        let beyond = "bytes=99999999999999999999999-";
        assert_eq!(range(beyond), Some(ByteRange::From(u64::MAX)));
        for none in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-2",
            "bytes=0-1,3-4",
            "lines=0-4",
            "bytes=+1-2",
            "bytes=0x1-2",
            "bytes=1 -2",
        ] {
            assert_eq!(range(none), None, "{none}");
        }
    }
}
