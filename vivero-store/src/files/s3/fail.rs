//! What the server or the way to it says, as vivero's errors.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use vivero_core::Error;
use vivero_core::error::Source;
use vivero_core::files::no_such_file;

/// A failed request. A file that is not there is [`Error::NotFound`]; a server that is away, slow or
/// overloaded is [`Error::Unavailable`]; anything else is for the log.
pub(super) fn failed<E>(what: &'static str, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let code = error.code().unwrap_or_default();
    match (&error, status, code) {
        (
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_),
            ..,
        ) => away(error),
        (_, _, "NoSuchBucket") => {
            let context = format!("{what}: the bucket is not there");
            Error::Internal { context: context.into(), source: Some(error.into()) }
        }
        (_, 404, _) => no_such_file(),
        (_, 416, _) => Error::invalid("range", "range", "has no byte of the file"),
        (_, 408 | 429 | 500..=599, _)
        | (_, _, "RequestTimeout" | "SlowDown" | "OperationAborted") => away(error),
        _ => {
            let context = format!("{what}: the file storage answered {status} {code}");
            Error::internal(context, error)
        }
    }
}

/// The storage cannot be reached, or not now.
pub(super) fn away(source: impl Into<Source>) -> Error {
    Error::Unavailable { what: "file storage".into(), retry_after: 10, source: Some(source.into()) }
}
