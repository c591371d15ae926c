//! What happens to every request, whatever it asks for. [`Shell`] is the outermost layer;
//! [`operation::OperationEndpoint`] stands around each handler.

mod access_log;
mod compression;
mod cors;
pub(crate) mod metrics;
pub(crate) mod operation;
pub(crate) mod rate_limit;
mod request_id;
mod security_headers;

use crate::problem::Failure;
use crate::state::State;
use compression::Coding;
use cors::Cors;
use poem::http::{HeaderValue, Method, StatusCode, Version, header};
use poem::{Endpoint, Request, Response, Route};
use security_headers::SecurityHeaders;
use std::sync::Arc;

/// The outermost layer: it never fails.
pub(crate) struct Shell {
    routes: Route,
    state: Arc<State>,
    cors: Cors,
    security: SecurityHeaders,
}

impl Shell {
    /// The layer around `routes`.
    pub(crate) fn new(routes: Route, state: Arc<State>) -> Self {
        let cors = Cors::new(&state.options.cors_origins);
        let security = SecurityHeaders::new(state.options.hsts_seconds);
        Self { routes, state, cors, security }
    }

    async fn answer(&self, request: Request) -> Result<Response, Failure> {
        let uri = request.uri();
        let length = uri.path().len() + uri.query().map_or(0, str::len);
        let limit = self.state.options.uri_limit;
        if length > limit {
            let part = if uri.path().len() > limit { "path" } else { "query" };
            let failure = Failure::new(
                StatusCode::URI_TOO_LONG,
                "uri_too_long",
                "path and query are too long",
            );
            return Err(failure.on(
                part,
                "max_bytes",
                format!("must have at most {limit} bytes in all"),
            ));
        }
        Ok(self.routes.call(request).await?)
    }
}

impl Endpoint for Shell {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let id = request_id::ensure(&mut request, &self.state.vivero);
        let origin = self.cors.origin(&request);
        let coding = Coding::wanted(&request);
        let head = request.method() == Method::HEAD;
        let long_body = has_long_body(&request);
        let http1 = request.version() < Version::HTTP_2;
        let mut response = match self.cors.preflight(&request, origin.as_ref()) {
            Some(response) => response,
            None => match self.answer(request).await {
                Ok(response) => response,
                Err(failure) => failure.respond(&id),
            },
        };
        if let Some(coding) = coding
            && !head
        {
            response = coding.apply(response);
        }
        let refused = response.status().is_client_error() || response.status().is_server_error();
        let headers = response.headers_mut();
        if long_body && refused {
            // What was not read is not waited for: the connection ends, and its sender should not
            // begin another request on it.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if http1 && self.state.is_draining() {
            // The next request on this connection would find the server gone; on a new one, another node.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        self.security.add(headers);
        self.cors.add(headers, origin);
        headers.insert(request_id::X_REQUEST_ID, id);
        Ok(response)
    }
}

/// Whether the request announces more than is read along with its head.
fn has_long_body(request: &Request) -> bool {
    let headers = request.headers();
    let length = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
    request.version() < Version::HTTP_2
        && (length.is_some_and(|bytes: u64| bytes > 16 * 1024)
            || headers.contains_key(header::TRANSFER_ENCODING))
}
