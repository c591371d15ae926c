//! vivero over HTTP: a router to mount in a poem application of one's own, a server that runs it, and
//! the OpenAPI document of both.
//!
//! ```no_run
//! # async fn run(vivero: vivero_core::Vivero) -> Result<(), Box<dyn std::error::Error>> {
//! use poem::{EndpointExt as _, Route};
//! use vivero_server::ServerOptions;
//!
//! let api = vivero_server::router(vivero, ServerOptions::default())?;
//! let app = Route::new().nest("/plants", api);
//! # Ok(()) }
//! ```

mod access;
mod api;
pub mod cli;
pub mod config;
pub mod demo;
mod docs;
mod idempotency;
pub mod import;
mod middleware;
mod openapi;
mod options;
mod param;
mod payload;
mod problem;
pub mod progress;
mod query;
mod reply;
mod router;
mod scope;
mod serve;
mod state;
mod sweep;
#[cfg(feature = "otel")]
mod traces;
mod wire;

pub use options::{RateLimit, ServerOptions};
pub use serve::{Tcp, serve};

use poem::endpoint::{BoxEndpoint, EndpointExt as _};
use std::fmt;
use vivero_core::Vivero;

/// Why the server does not start: options that are not in order, or an operation that does not ask
/// for what it must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartupError(String);

impl StartupError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for StartupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for StartupError {}

/// The whole API as an endpoint: mount it where you like.
///
/// Errors: [`StartupError`] names what is not in order.
pub fn router(
    vivero: Vivero,
    options: ServerOptions,
) -> Result<BoxEndpoint<'static>, StartupError> {
    Ok(router::build(vivero, options)?.0.boxed())
}

/// The OpenAPI document as JSON, the same at every call. It needs no database.
#[must_use]
pub fn openapi() -> String {
    openapi::text()
}
