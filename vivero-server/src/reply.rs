//! Answers that succeed. Bodies are written by serde straight to bytes: a page of two hundred rows
//! never becomes a tree of values first.

pub(crate) mod content;

use crate::problem::Failure;
use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, Registry,
};
use poem_openapi::types::Type;
use serde::Serialize;
use std::marker::PhantomData;

/// What a handler returns.
pub(crate) type Answer<T> = Result<T, Failure>;

/// Tells that an answer was given before for the same `Idempotency-Key`.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Smallest body worth compressing; larger ones carry their length as the sign.
pub(crate) const WORTH_COMPRESSING: usize = 1024;

const JSON: &str = "application/json";

/// A JSON answer of bytes that are already there.
pub(crate) fn json_bytes(status: StatusCode, body: impl Into<bytes::Bytes>) -> Response {
    let body = body.into();
    let length = body.len();
    let mut response = Response::from(body);
    response.set_status(status);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    if length >= WORTH_COMPRESSING {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

/// `value` as JSON.
pub(crate) fn to_bytes<T: Serialize>(value: &T, capacity: usize) -> Answer<Vec<u8>> {
    let mut body = Vec::with_capacity(capacity);
    serde_json::to_writer(&mut body, value).map_err(Failure::internal)?;
    Ok(body)
}

/// The version as an entity tag.
pub(crate) fn etag(version: i64) -> HeaderValue {
    HeaderValue::try_from(format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

fn text_header(name: &str, description: &str, required: bool) -> MetaHeader {
    MetaHeader {
        name: name.into(),
        description: Some(description.into()),
        required,
        deprecated: false,
        schema: crate::wire::schema::inline(MetaSchema::new("string")),
    }
}

fn meta<T: Type>(status: u16, description: &'static str, headers: Vec<MetaHeader>) -> MetaResponse {
    MetaResponse {
        description,
        status: Some(status),
        status_range: None,
        content: vec![MetaMediaType { content_type: JSON, schema: T::schema_ref() }],
        headers,
    }
}

fn etag_header() -> MetaHeader {
    text_header("ETag", "The record's version, in quotes; give it back as `If-Match`", true)
}
fn replayed_header() -> MetaHeader {
    text_header("Idempotency-Replayed", "`true` if this answer was given before", false)
}

macro_rules! replies {
    ($($(#[$doc:meta])* $name:ident: $meta:expr;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name<T>(pub(crate) Response, pub(crate) PhantomData<fn() -> T>);
        impl<T> $name<T> {
            pub(crate) fn from_response(response: Response) -> Self {
                Self(response, PhantomData)
            }
        }
        impl<T> IntoResponse for $name<T> {
            fn into_response(self) -> Response {
                self.0
            }
        }
        impl<T: Type> ApiResponse for $name<T> {
            fn meta() -> MetaResponses {
                MetaResponses { responses: $meta }
            }
            fn register(registry: &mut Registry) {
                T::register(registry);
            }
        }
    )*};
}

replies! {
    /// One record with its version; or 304 if the caller has it.
    Found: vec![
        meta::<T>(200, "The record", vec![etag_header()]),
        MetaResponse {
            description: "The caller has this version",
            status: Some(304),
            status_range: None,
            content: Vec::new(),
            headers: vec![etag_header()],
        },
    ];
    /// A record that was made.
    Created: vec![meta::<T>(201, "Done", vec![
        text_header("Location", "Where the record is", true),
        etag_header(),
        replayed_header(),
    ])];
    /// A record that was changed.
    Changed: vec![meta::<T>(200, "The record as it is now", vec![etag_header(), replayed_header()])];
    /// Something that goes on after the answer.
    Accepted: vec![meta::<T>(202, "It goes on after this answer", vec![
        text_header("Location", "Where to see how far it is", true),
    ])];
    /// Anything without a version.
    Shown: vec![meta::<T>(200, "Done", Vec::new())];
}

impl<T: Serialize> Found<T> {
    /// The record, unless `seen` is its version.
    pub(crate) fn new(version: i64, seen: bool, record: impl FnOnce() -> T) -> Answer<Self> {
        let mut response = if seen {
            let mut response = Response::default();
            response.set_status(StatusCode::NOT_MODIFIED);
            response
        } else {
            json_bytes(StatusCode::OK, to_bytes(&record(), 1024)?)
        };
        response.headers_mut().insert(header::ETAG, etag(version));
        Ok(Self::from_response(response))
    }
}

impl<T: Serialize> Accepted<T> {
    /// How it stands now, and where to see how far it is.
    pub(crate) fn at(location: &str, begun: &T) -> Answer<Self> {
        let mut response = json_bytes(StatusCode::ACCEPTED, to_bytes(begun, 1024)?);
        let location = HeaderValue::try_from(location).map_err(Failure::internal)?;
        response.headers_mut().insert(header::LOCATION, location);
        Ok(Self::from_response(response))
    }
}

impl<T: Serialize> Changed<T> {
    /// The record as it is now.
    pub(crate) fn new(version: i64, record: &T) -> Answer<Self> {
        let mut response = json_bytes(StatusCode::OK, to_bytes(record, 1024)?);
        response.headers_mut().insert(header::ETAG, etag(version));
        Ok(Self::from_response(response))
    }
}

impl<T: Serialize> Shown<T> {
    /// `value` as JSON.
    pub(crate) fn new(value: &T) -> Answer<Self> {
        Self::sized(value, 1024)
    }
    /// `value` as JSON of about `capacity` bytes.
    pub(crate) fn sized(value: &T, capacity: usize) -> Answer<Self> {
        Ok(Self::from_response(json_bytes(StatusCode::OK, to_bytes(value, capacity)?)))
    }
}

/// Done, with nothing to show.
pub(crate) struct Done;

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.set_status(StatusCode::NO_CONTENT);
        response
    }
}
impl ApiResponse for Done {
    fn meta() -> MetaResponses {
        let done = MetaResponse {
            description: "Done",
            status: Some(204),
            status_range: None,
            content: Vec::new(),
            headers: Vec::new(),
        };
        MetaResponses { responses: vec![done] }
    }
    fn register(_: &mut Registry) {}
}
