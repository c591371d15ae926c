//! The OpenAPI document: described by the handlers themselves, completed and checked here.

mod check;
mod complete;
mod texts;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_the_same_at_every_call() {
        assert_eq!(text(), text());
        assert!(checked().is_ok());
    }

    #[test]
    fn every_operation_shows_its_permission_and_fails_with_problems_only() {
        let document = completed().expect("document");
        for (path, method, operation) in check::operations(&document) {
            assert!(operation["x-permission"].is_string(), "{method} {path}");
            for (status, response) in operation["responses"].as_object().expect("responses") {
                let shared = response["$ref"].as_str().unwrap_or_default();
                let problem = shared == format!("#/components/responses/Problem{status}");
                assert_eq!(problem, status.as_str() >= "400", "{method} {path} {status}");
            }
        }
        let problems = document["components"]["responses"].as_object().expect("responses");
        for (name, response) in problems {
            let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/Problem", "{name}");
        }
    }

    #[test]
    fn an_event_says_what_its_text_is() {
        let document = completed().expect("document");
        let stream = &document["paths"]["/api/v1/{tenant}/events"]["get"]["responses"]["200"];
        let message = &stream["content"]["text/event-stream"]["schema"];
        assert_eq!(message["required"], serde_json::json!(["id", "event", "data"]));
        let data = &message["properties"]["data"];
        assert_eq!(data["x-content-schema"]["$ref"], "#/components/schemas/EventOut");
        assert!(document["components"]["schemas"]["EventOut"].is_object());
    }

    #[test]
    fn bodies_are_closed_and_clearable_fields_take_null() {
        let document = completed().expect("document");
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["EntityPatch"]["additionalProperties"], false);
        assert_eq!(schemas["EntityPatch"]["properties"]["batch_number"]["nullable"], true);
        assert_eq!(schemas["EntityPatch"]["properties"]["code"]["nullable"], Json::Null);
        assert_eq!(schemas["EntityPatch"]["properties"]["ready_on"]["format"], "date");
        assert_eq!(schemas["EntityIn"]["properties"]["quantity"]["maximum"], 1_000_000_000);
        assert!(schemas["EntityIn"]["properties"]["name"]["pattern"].is_string());
        assert_eq!(schemas["LoginIn"]["properties"]["password"]["pattern"], Json::Null);
        assert!(schemas["EntityOut"].get("additionalProperties").is_none());
    }
}
