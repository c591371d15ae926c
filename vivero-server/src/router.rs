//! From the operations to something that answers requests.

use crate::StartupError;
use crate::api::{Api, api};
use crate::docs;
use crate::middleware::Shell;
use crate::middleware::operation::{Methods, OperationEndpoint};
use crate::openapi;
use crate::options::ServerOptions;
use crate::scope::Operation;
use crate::state::State;
use poem::Route;
use poem::http::Method;
use poem_openapi::OpenApi;
use poem_openapi::registry::MetaParamIn;
use std::collections::HashMap;
use std::sync::Arc;
use vivero_core::Vivero;

/// Operations that could be used to guess at credentials or to fill the disk.
const LIMITED: &[&str] = &["trial_create", "auth_login", "auth_refresh", "auth_accept_invitation"];

/// Operations whose body is bounded by what its content may have, not by `body_limit`.
const UPLOADS: &[&str] = &["file_create"];

/// The routes with everything around them, and what they share.
pub(crate) fn build(
    vivero: Vivero,
    options: ServerOptions,
) -> Result<(Shell, Arc<State>), StartupError> {
    let document = openapi::checked()?;
    let state = Arc::new(State::new(vivero, options)?);
    let mut endpoints = HashMap::new();
    api().add_routes(&mut endpoints);
    let mut declared = operations(&state);
    let mut routes = Route::new();
    for (path, methods) in endpoints {
        let mut around = Vec::with_capacity(methods.len());
        for (method, handler) in methods {
            let operation = declared
                .remove(&(path.clone(), method.clone()))
                .ok_or_else(|| StartupError::new(format!("{method} {path} is not described")))?;
            let state = Arc::clone(&state);
            around.push((method, OperationEndpoint { handler, operation, state }));
        }
        routes = routes
            .try_at(&path, Methods::new(around))
            .map_err(|e| StartupError::new(format!("route {path}: {e}")))?;
    }
    let routes =
        routes.at("/openapi.json", docs::json(&document)).at("/docs", docs::page(&document));
    Ok((Shell::new(routes, Arc::clone(&state)), state))
}

/// Every operation by its path and method.
fn operations(state: &State) -> HashMap<(String, Method), Arc<Operation>> {
    let mut operations = HashMap::new();
    let paths = Api::meta().into_iter().flat_map(|api| api.paths);
    for path in paths {
        let routed = routed(&path.path);
        for operation in path.operations {
            let id = operation.operation_id.unwrap_or_default();
            let params = operation.params.into_iter();
            let query =
                params.filter(|p| p.in_type == MetaParamIn::Query).map(|p| p.name).collect();
            let metrics = state.metrics.operation(id, operation.method.as_str());
            let limited = LIMITED.contains(&id);
            let uploads = UPLOADS.contains(&id);
            let described = Operation { id, query, limited, uploads, metrics };
            operations.insert((routed.clone(), operation.method), Arc::new(described));
        }
    }
    operations
}

/// The path as the router names it: parameters are numbered.
fn routed(path: &str) -> String {
    let mut number = 0;
    let parts = path.split('/').map(|part| {
        if part.starts_with('{') {
            number += 1;
            format!(":param{}", number - 1)
        } else {
            part.to_owned()
        }
    });
    parts.collect::<Vec<_>>().join("/")
}
