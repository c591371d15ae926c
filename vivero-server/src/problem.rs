//! What goes wrong, on the wire: one `Problem` (RFC 9457) for every error of every operation. This is
//! the one place where a kind of error becomes a status.

use poem::Response;
use poem::error::ResponseError;
use poem::http::{HeaderValue, StatusCode, header};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::{Any, Type as _};
use poem_openapi::{ApiResponse, Object};
use serde::Serialize;
use serde_json::Value as Json;
use std::borrow::Cow;
use std::fmt;
use vivero_core::merge::FieldConflict;
use vivero_core::{Error, ErrorKind, FieldError};

/// Media type of a problem.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Every status an operation can fail with.
pub(crate) const STATUSES: &[(u16, &str)] = &[
    (400, "The input breaks a rule; `errors` names each field"),
    (401, "Sign-in is missing, wrong, expired or revoked"),
    (403, "Signed in, but not allowed: permission or tenant standing"),
    (404, "Not there, or not for the eyes of this caller"),
    (405, "The path has no such method; see `Allow`"),
    (409, "Lost a race, a duplicate, or a state that forbids it"),
    (413, "The body is too large"),
    (414, "Path and query are too long"),
    (415, "The body is not what the operation takes, e.g. not JSON in UTF-8"),
    (416, "The file has no byte of the range; see `Content-Range`"),
    (428, "`If-Match` is missing"),
    (429, "Too many attempts; see `Retry-After`"),
    (431, "The headers are too large"),
    (500, "A failure of the server; quote `request_id`"),
    (503, "Busy or stopping; see `Retry-After`"),
];

/// One rule that one field of the input breaks.
#[derive(Debug, Serialize, Object)]
pub(crate) struct FieldProblem {
    /// Path of the field in body, query, path or headers, e.g. `attributes.colour`.
    field: String,
    /// Stable name of the rule, e.g. `max_length`.
    rule: String,
    /// The rule in words, with its numbers.
    message: String,
}

/// A field that two people changed since the version both started from.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ConflictProblem {
    /// The field.
    field: String,
    /// Its value in the version the caller started from.
    base: Any<Json>,
    /// Its value now.
    theirs: Any<Json>,
    /// The value the caller wants.
    mine: Any<Json>,
}

/// What went wrong (RFC 9457).
#[derive(Debug, Serialize, Object)]
pub(crate) struct Problem {
    /// Always `about:blank`: `code` says which problem it is.
    r#type: String,
    /// The status in words.
    title: String,
    /// The HTTP status.
    #[oai(validator(minimum(value = "400"), maximum(value = "599")))]
    status: u16,
    /// What went wrong this time.
    detail: String,
    /// Stable code for programs, e.g. `entity_not_found`.
    code: String,
    /// Names this request in the server's log; also in `X-Request-Id`.
    request_id: String,
    /// Each field that breaks a rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[oai(default)]
    errors: Vec<FieldProblem>,
    /// On 409 after an edit: the fields both sides changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[oai(default)]
    conflicts: Vec<ConflictProblem>,
    /// On 409 after an edit: the version stored now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    current_version: Option<i64>,
}

/// A failed request, before it is answered.
pub(crate) struct Failure(Box<Inner>);

struct Inner {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    conflicts: Vec<FieldConflict>,
    current_version: Option<i64>,
    retry_after: Option<u32>,
    allow: Option<HeaderValue>,
    /// Bytes of the file of which a range was asked for.
    size: Option<u64>,
    /// The database undid what was done: all of it may be done again.
    undone: bool,
    /// For the log only.
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The status of a kind of error.
const fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Failure {
    /// A failure of the transport itself.
    pub(crate) fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Inner {
            status,
            code: code.into(),
            detail: detail.into(),
            errors: Vec::new(),
            conflicts: Vec::new(),
            current_version: None,
            retry_after: None,
            allow: None,
            size: None,
            undone: false,
            source: None,
        }))
    }
    /// One field that breaks a rule.
    pub(crate) fn field(
        field: impl Into<String>,
        rule: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Error::invalid(field, rule, message).into()
    }
    /// Names the field on a failure whose status is not 400.
    pub(crate) fn on(mut self, field: &str, rule: &str, message: impl Into<String>) -> Self {
        let (field, rule) = (field.to_owned(), rule.to_owned());
        self.0.errors.push(FieldError { field, rule, message: message.into() });
        self
    }
    /// No valid credential.
    pub(crate) fn unauthenticated(reason: &'static str) -> Self {
        Error::Unauthenticated { reason }.into()
    }
    /// Busy: try again.
    pub(crate) fn busy(detail: &'static str, retry_after: u32) -> Self {
        let mut failure = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        failure.0.retry_after = Some(retry_after);
        failure
    }
    /// Not one of the methods in `allow`.
    pub(crate) fn method(allow: HeaderValue) -> Self {
        let detail = "the path has no such method";
        let mut failure = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
        failure.0.allow = Some(allow);
        failure
    }
    /// Something of ours broke.
    pub(crate) fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let detail = "the server failed; its log has the cause under this request id";
        let mut failure = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail);
        failure.0.source = Some(source.into());
        failure
    }
    /// The same under another status and code.
    pub(crate) fn answered(mut self, status: StatusCode, code: &'static str) -> Self {
        self.0.status = status;
        self.0.code = code.into();
        self
    }
    /// Tells how many bytes the file has.
    pub(crate) fn of(mut self, size: u64) -> Self {
        self.0.size = Some(size);
        self
    }
    /// Gives the broken rules of field `from` to field `to`, where the two names differ.
    pub(crate) fn renamed(mut self, from: &str, to: &str) -> Self {
        for error in self.0.errors.iter_mut().filter(|e| e.field == from) {
            to.clone_into(&mut error.field);
        }
        if self.0.status == StatusCode::BAD_REQUEST {
            self.0.detail = Error::Invalid(self.0.errors.clone()).to_string().into();
        }
        self
    }

    /// Whether it is certain that nothing came of the request.
    pub(crate) fn left_nothing(&self) -> bool {
        self.0.undone || self.0.status.is_client_error()
    }

    /// Whether the database undid all that was done, so that it may be done again.
    pub(crate) fn is_undone(&self) -> bool {
        self.0.undone
    }
    /// The answer. What is not for the caller goes to the log.
    pub(crate) fn respond(self, request_id: &HeaderValue) -> Response {
        let request_id = request_id.to_str().unwrap_or_default();
        let inner = *self.0;
        if let Some(source) = &inner.source {
            let cause = Chain(&**source).to_string();
            if inner.status == StatusCode::INTERNAL_SERVER_ERROR {
                tracing::error!(request_id, code = %inner.code, cause, "request failed");
            } else {
                tracing::warn!(request_id, code = %inner.code, cause, "request refused");
            }
        }
        let problem = Problem {
            r#type: "about:blank".into(),
            title: inner.status.canonical_reason().unwrap_or("Error").into(),
            status: inner.status.as_u16(),
            detail: inner.detail.into_owned(),
            code: inner.code.into_owned(),
            request_id: request_id.into(),
            errors: inner.errors.into_iter().map(FieldProblem::from).collect(),
            conflicts: inner.conflicts.into_iter().map(ConflictProblem::from).collect(),
            current_version: inner.current_version,
        };
        let mut response = Response::from(serde_json::to_vec(&problem).unwrap_or_default());
        response.set_status(inner.status);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if inner.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = inner.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(size) = inner.size
            && let Ok(text) = HeaderValue::try_from(format!("bytes */{size}"))
        {
            headers.insert(header::CONTENT_RANGE, text);
        }
        if let Some(allow) = inner.allow {
            headers.insert(header::ALLOW, allow);
        }
        response
    }
}

impl From<FieldError> for FieldProblem {
    fn from(error: FieldError) -> Self {
        Self { field: error.field, rule: error.rule, message: error.message }
    }
}
impl From<FieldConflict> for ConflictProblem {
    fn from(conflict: FieldConflict) -> Self {
        let FieldConflict { field, base, theirs, mine } = conflict;
        Self { field, base: Any(base), theirs: Any(theirs), mine: Any(mine) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut failure = Self::new(status(error.kind()), error.code(), "");
        let inner = &mut *failure.0;
        inner.detail = match &error {
            // What is broken inside is not for callers.
            Error::Internal { .. } | Error::Corrupt { .. } => {
                "the server failed; its log has the cause under this request id".into()
            }
            other => other.to_string().into(),
        };
        match error {
            Error::Invalid(errors) => inner.errors = errors,
            Error::IdempotencyMismatch => inner.errors.push(FieldError {
                field: "Idempotency-Key".into(),
                rule: "same_request".into(),
                message: "was used before for a different request".into(),
            }),
            Error::Conflict { resource, current_version, mut fields } => {
                if resource == "entity" {
                    for conflict in fields.iter_mut().filter(|c| c.field == "kind") {
                        "type".clone_into(&mut conflict.field);
                    }
                }
                inner.conflicts = fields;
                inner.current_version = Some(current_version);
            }
            Error::Taken { ref field, .. } => {
                let (field, rule) = (field.clone(), "unique".to_owned());
                inner.errors.push(FieldError { field, rule, message: "is already in use".into() });
            }
            Error::TooMany { retry_after } => inner.retry_after = Some(retry_after),
            // A run of migrations takes its time.
            Error::TenantMigrating { .. } => inner.retry_after = Some(30),
            Error::Unavailable { retry_after, source, .. } => {
                inner.retry_after = Some(retry_after);
                inner.source = source;
            }
            Error::Undone { source } => {
                inner.retry_after = Some(1);
                inner.undone = true;
                inner.source = Some(source);
            }
            error @ (Error::Internal { .. } | Error::Corrupt { .. }) => {
                inner.source = Some(Box::new(error));
            }
            _ => {}
        }
        failure
    }
}

impl From<poem::Error> for Failure {
    fn from(error: poem::Error) -> Self {
        let status = error.status();
        match error.downcast::<Self>() {
            Ok(failure) => failure,
            Err(_) if status == StatusCode::NOT_FOUND => {
                Self::new(status, "route_not_found", "there is nothing at this path")
            }
            Err(_) if status == StatusCode::PAYLOAD_TOO_LARGE => {
                Self::new(status, "body_too_large", "the body is too large")
            }
            Err(error) if status.is_client_error() => {
                Self::new(StatusCode::BAD_REQUEST, "malformed_request", error.to_string())
            }
            Err(error) => Self::internal(error.to_string()),
        }
    }
}

/// An error with everything that led to it.
struct Chain<'a>(&'a (dyn std::error::Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { status, code, errors, .. } = &*self.0;
        f.debug_struct("Failure")
            .field("status", status)
            .field("code", code)
            .field("errors", errors)
            .finish_non_exhaustive()
    }
}
impl std::error::Error for Failure {}
impl ResponseError for Failure {
    fn status(&self) -> StatusCode {
        self.0.status
    }
}

impl ApiResponse for Failure {
    fn meta() -> MetaResponses {
        let responses = STATUSES.iter().map(|&(status, description)| MetaResponse {
            description,
            status: Some(status),
            status_range: None,
            content: vec![MetaMediaType {
                content_type: PROBLEM_JSON,
                schema: Problem::schema_ref(),
            }],
            headers: Vec::new(),
        });
        MetaResponses { responses: responses.collect() }
    }
    fn register(registry: &mut Registry) {
        Problem::register(registry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    async fn body_of(failure: Failure) -> (Response, Json) {
        let mut response = failure.respond(&HeaderValue::from_static("r-1"));
        let body = response.take_body().into_bytes().await.expect("body");
        let json = serde_json::from_slice(&body).expect("JSON");
        (response, json)
    }

    #[tokio::test]
    async fn a_broken_rule_names_its_field() {
        let (response, body) =
            body_of(Failure::field("limit", "maximum", "must be at most 200")).await;
        assert_eq!(response.status(), 400);
        assert_eq!(response.header("content-type"), Some(PROBLEM_JSON));
        assert_eq!(
            body["errors"],
            json!([{"field": "limit", "rule": "maximum", "message": "must be at most 200"}])
        );
        assert_eq!((&body["code"], &body["request_id"]), (&json!("invalid_input"), &json!("r-1")));
    }

    #[tokio::test]
    async fn a_conflict_shows_three_values_under_the_names_of_the_wire() {
        let fields = vec![FieldConflict {
            field: "kind".into(),
            base: json!("seed"),
            theirs: json!("bulb"),
            mine: json!("graft"),
        }];
        let error = Error::Conflict { resource: "entity".into(), current_version: 7, fields };
        let (response, body) = body_of(error.into()).await;
        assert_eq!(response.status(), 409);
        assert_eq!(body["current_version"], 7);
        assert_eq!(body["conflicts"][0]["field"], "type");
        assert_eq!(body["conflicts"][0]["theirs"], "bulb");
    }

    #[tokio::test]
    async fn causes_stay_inside() {
        let error = Error::internal("reading /var/lib/secret", "disk on fire");
        let (response, body) = body_of(error.into()).await;
        assert_eq!(response.status(), 500);
        let text = body.to_string();
        assert!(!text.contains("secret") && !text.contains("fire"), "{text}");
        let (_, body) = body_of(Error::corrupt("entities.code of 17").into()).await;
        assert!(!body.to_string().contains("entities.code"));
    }

    #[tokio::test]
    async fn waiting_callers_learn_how_long() {
        let (response, _) = body_of(Error::TooMany { retry_after: 9 }.into()).await;
        assert_eq!((response.status().as_u16(), response.header("retry-after")), (429, Some("9")));
        let (response, _) = body_of(Failure::unauthenticated("token")).await;
        assert_eq!(response.header("www-authenticate"), Some("Bearer"));
    }

    #[test]
    fn every_status_of_a_kind_is_declared() {
        let kinds = [
            ErrorKind::Invalid,
            ErrorKind::NotFound,
            ErrorKind::Unauthenticated,
            ErrorKind::Forbidden,
            ErrorKind::Conflict,
            ErrorKind::TooMany,
            ErrorKind::Unavailable,
            ErrorKind::Internal,
        ];
        for kind in kinds {
            assert!(STATUSES.iter().any(|(s, _)| *s == status(kind).as_u16()), "{kind:?}");
        }
    }
}
