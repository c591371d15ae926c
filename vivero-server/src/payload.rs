//! Bodies of requests: JSON, read strictly, with every error naming the field.

pub(crate) mod content;
mod read;

use crate::problem::Failure;
use crate::scope::Scope;
use bytes::Bytes;
use poem::error::ReadBodyError;
use poem::http::{HeaderMap, StatusCode, header};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde::de::DeserializeOwned;

/// A JSON body.
pub(crate) struct Body<T> {
    /// What it says.
    pub(crate) value: T,
    /// As it came: what an idempotency key is held against.
    pub(crate) bytes: Bytes,
}

impl<'a, T: Type + DeserializeOwned> ApiExtractor<'a> for Body<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    const PARAM_IS_REQUIRED: bool = true;
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(MetaRequest {
            description: None,
            content: vec![MetaMediaType {
                content_type: "application/json",
                schema: T::schema_ref(),
            }],
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        check_type(request.headers())?;
        let limit = Scope::of(request)?.state.options.body_limit;
        let bytes = body.take()?.into_bytes_limit(limit).await.map_err(|error| match error {
            ReadBodyError::PayloadTooLarge => too_large(limit),
            _ => Failure::new(
                StatusCode::BAD_REQUEST,
                "body_cut_off",
                "the body could not be read to its end",
            )
            .on("body", "complete", "must be complete"),
        })?;
        Ok(Self { value: read::json(&bytes)?, bytes })
    }
}

fn too_large(limit: usize) -> Failure {
    let detail = "the body is too large";
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail).on(
        "body",
        "max_bytes",
        format!("must be at most {limit} bytes"),
    )
}

/// A body of another type than the operation takes.
fn refused_type(detail: &'static str, field: &'static str) -> impl Fn(&str) -> Failure {
    move |message| {
        let failure = Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", detail);
        failure.on(field, "media_type", message)
    }
}

/// Only JSON in UTF-8, as it is.
fn check_type(headers: &HeaderMap) -> Result<(), Failure> {
    let detail = "the body must be application/json in UTF-8, not compressed";
    let refuse = |field: &'static str, message| refused_type(detail, field)(message);
    let text = |name| headers.get(name).map(|v| v.to_str().unwrap_or("?").to_ascii_lowercase());
    if text(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(refuse("Content-Encoding", "must be identity"));
    }
    let media = text(header::CONTENT_TYPE).unwrap_or_default();
    let mut parts = media.split(';').map(str::trim);
    let json = matches!(parts.next(), Some("application/json" | "application/merge-patch+json"));
    let utf8 = parts.all(|p| match p.strip_prefix("charset=") {
        Some(charset) => matches!(charset.trim_matches('"'), "utf-8" | "utf8"),
        None => true,
    });
    if json && utf8 { Ok(()) } else { Err(refuse("Content-Type", "must be application/json")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::HeaderValue;

    #[test]
    fn only_json_in_utf_8_is_read() {
        let check = |media: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(media).expect("header"));
            check_type(&headers).map_err(|e| poem::error::ResponseError::status(&e).as_u16())
        };
        assert!(check("application/json").is_ok());
        assert!(check("Application/JSON; charset=UTF-8").is_ok());
        for bad in [
            "text/plain",
            "application/xml",
            "application/json; charset=latin1",
            "application/jsonp",
            "",
        ] {
            assert_eq!(check(bad), Err(415), "{bad}");
        }
        assert_eq!(
            check_type(&HeaderMap::new())
                .map_err(|e| poem::error::ResponseError::status(&e).as_u16()),
            Err(415)
        );
    }
}
