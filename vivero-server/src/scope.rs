//! What a handler's extractors know of the request besides the request itself.

use crate::middleware::metrics::{OperationMetrics, TenantCounter};
use crate::problem::Failure;
use crate::state::State;
use poem::Request;
use poem::http::HeaderValue;
use std::sync::{Arc, OnceLock};
use vivero_core::{FieldError, RequestContext};

/// One operation, as far as requests need to know it.
pub(crate) struct Operation {
    /// Operation id.
    pub(crate) id: &'static str,
    /// Names of the query parameters it declares.
    pub(crate) query: Vec<String>,
    /// Whether it is a way to guess at credentials.
    pub(crate) limited: bool,
    /// Whether it takes as long as its body is large.
    pub(crate) uploads: bool,
    /// Counters and histogram.
    pub(crate) metrics: OperationMetrics,
}

/// One request.
pub(crate) struct Scope {
    pub(crate) state: Arc<State>,
    pub(crate) operation: Arc<Operation>,
    pub(crate) request_id: HeaderValue,
    /// The query's pairs, or the rule the query string breaks.
    pub(crate) query: Result<Vec<(String, String)>, FieldError>,
    /// The tenant, once a credential has opened it.
    pub(crate) tenant: OnceLock<Arc<TenantCounter>>,
}

impl Scope {
    /// The scope of `request`.
    pub(crate) fn of(request: &Request) -> Result<&Arc<Self>, Failure> {
        request.data::<Arc<Self>>().ok_or_else(|| Failure::internal("request without a scope"))
    }
    /// What goes into the journal of the request.
    pub(crate) fn context(&self) -> RequestContext {
        RequestContext { cause: self.request_id.to_str().ok().map(str::to_owned) }
    }
    /// The value of a query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().flatten().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}
