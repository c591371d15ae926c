//! One line per request. Nothing in it is written by the caller but a request id of harmless
//! characters, so no caller can forge a line; nothing in it is secret.

use crate::scope::Scope;
use poem::http::{Method, StatusCode};
use std::time::Duration;

/// Writes the line: failures of ours always, everything else if debug lines are wanted.
pub(super) fn write(scope: &Scope, method: &Method, status: StatusCode, took: Duration) {
    if !status.is_server_error()
        && !tracing::enabled!(target: "vivero::access", tracing::Level::DEBUG)
    {
        return;
    }
    let operation = scope.operation.id;
    let request_id = scope.request_id.to_str().unwrap_or_default();
    let tenant = scope.tenant.get().map_or("", |t| t.slug());
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let status = status.as_u16();
    if status >= 500 {
        tracing::warn!(target: "vivero::access", %method, operation, status, micros, tenant, request_id);
    } else {
        tracing::debug!(target: "vivero::access", %method, operation, status, micros, tenant, request_id);
    }
}
