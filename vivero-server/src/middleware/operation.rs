//! The layer around each handler: limits, deadline, panics, figures. It knows its operation from the
//! start, so no request looks anything up.

use super::rate_limit::caller;
use super::{access_log, request_id};
use crate::problem::Failure;
use crate::query;
use crate::scope::{Operation, Scope};
use crate::state::State;
use futures_util::FutureExt as _;
use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderValue, Method};
use poem::{Endpoint, Request, Response};
use prometheus_client::metrics::gauge::Gauge;
use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tokio::time::timeout;

/// A handler with everything around it.
pub(crate) struct OperationEndpoint {
    pub(crate) handler: BoxEndpoint<'static>,
    pub(crate) operation: Arc<Operation>,
    pub(crate) state: Arc<State>,
}

impl OperationEndpoint {
    async fn answer(&self, request: Request) -> Result<Response, Failure> {
        if self.operation.limited {
            let address = caller(&request, &self.state.options.trusted_proxies);
            let shared = self.state.vivero.shared();
            self.state.sign_in_limit.admit(&**shared, address).await?;
        }
        let handled = AssertUnwindSafe(self.handler.call(request)).catch_unwind();
        let options = &self.state.options;
        let limit =
            if self.operation.uploads { options.upload_timeout } else { options.request_timeout };
        match timeout(limit, handled).await {
            Ok(Ok(answer)) => Ok(answer?),
            Ok(Err(panic)) => Err(Failure::internal(format!("panic: {}", words(&*panic)))),
            Err(_) => Err(Failure::busy("the request took too long", 1)),
        }
    }
}

impl Endpoint for OperationEndpoint {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let started = Instant::now();
        let _in_flight = InFlight::enter(&self.state.metrics.in_flight);
        let method = request.method().clone();
        let scope = Arc::new(Scope {
            state: Arc::clone(&self.state),
            operation: Arc::clone(&self.operation),
            request_id: request_id::of(&request),
            query: query::parse(request.uri().query()),
            tenant: OnceLock::new(),
        });
        #[cfg(feature = "otel")]
        let parent = crate::traces::parent(request.headers());
        request.extensions_mut().insert(Arc::clone(&scope));
        let response = match self.answer(request).await {
            Ok(response) => response,
            Err(failure) => failure.respond(&scope.request_id),
        };
        let (status, took) = (response.status(), started.elapsed());
        self.operation.metrics.note(status, took);
        if let Some(tenant) = scope.tenant.get() {
            tenant.note(status, took);
        }
        #[cfg(feature = "otel")]
        if let Some(traces) = &self.state.traces {
            traces.note(&scope, parent, &method, status, took);
        }
        access_log::write(&scope, &method, status, took);
        Ok(response)
    }
}

/// Counts a request as under way until it is answered or given up.
struct InFlight<'a>(&'a Gauge);

impl<'a> InFlight<'a> {
    fn enter(gauge: &'a Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}
impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}

/// The methods of one path.
pub(crate) struct Methods {
    methods: Vec<(Method, OperationEndpoint)>,
    allow: HeaderValue,
}

impl Methods {
    /// The endpoints of a path by method; a path that can be read answers HEAD as well.
    pub(crate) fn new(mut methods: Vec<(Method, OperationEndpoint)>) -> Self {
        methods.sort_by(|a, b| a.0.as_str().cmp(b.0.as_str()));
        let mut names: Vec<&str> = methods.iter().map(|(m, _)| m.as_str()).collect();
        if names.contains(&"GET") {
            names.push("HEAD");
        }
        let allow = HeaderValue::try_from(names.join(", ")).unwrap_or(HeaderValue::from_static(""));
        Self { methods, allow }
    }
}

impl Endpoint for Methods {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let method = match request.method() {
            &Method::HEAD => &Method::GET,
            method => method,
        };
        match self.methods.iter().find(|(m, _)| m == method) {
            Some((_, endpoint)) => endpoint.call(request).await,
            None => Err(Failure::method(self.allow.clone()).into()),
        }
    }
}
