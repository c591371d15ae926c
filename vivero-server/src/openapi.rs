//! The OpenAPI document: described by the handlers themselves, completed and checked here.

mod check;
mod complete;

use crate::StartupError;
use crate::api::{Api, api};
use poem_openapi::{LicenseObject, OpenApiService, ServerObject};
use serde_json::Value as Json;

/// The finished document.
pub(crate) struct Document {
    pub(crate) text: String,
}

/// The operations as poem-openapi describes them.
pub(crate) fn service(api: Api) -> OpenApiService<Api, ()> {
    let license = LicenseObject::new("MIT OR Apache-2.0").url("https://spdx.org/licenses/");
    OpenApiService::new(api, "vivero", env!("CARGO_PKG_VERSION"))
        .description(
            "Multi-tenant backend for plant production. Each tenant has a database of its own; \
             a tenant's token opens that tenant only.",
        )
        .license(license)
        .server(ServerObject::new("/"))
}

fn described() -> Result<Json, StartupError> {
    let text = service(api()).spec();
    serde_json::from_str(&text).map_err(|e| StartupError::new(format!("the OpenAPI document: {e}")))
}

/// The document, complete.
fn completed() -> Result<Json, StartupError> {
    let mut document = described()?;
    complete::complete(&mut document);
    Ok(document)
}

/// The document, or what is wrong with it: an operation that nobody declared, or that asks for less
/// than was declared.
pub(crate) fn checked() -> Result<Document, StartupError> {
    let document = completed()?;
    check::check(&document)?;
    Ok(Document { text: pretty(&document) })
}

/// The document as text.
pub(crate) fn text() -> String {
    completed().map(|document| pretty(&document)).unwrap_or_default()
}

fn pretty(document: &Json) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}
