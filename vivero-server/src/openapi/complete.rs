//! What the handlers' own description lacks.

use super::texts;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;
use vivero_core::Record as _;
use vivero_core::entity::Entity;
use vivero_core::files::File;
use vivero_core::location::Location;
use vivero_core::operation::{Requires, find};
use vivero_core::record::Schema;
use vivero_core::user::{Role, User};

/// What parameters mean that many operations have.
const PARAMETERS: &[(&str, &str)] = &[
    ("tenant", "The tenant's name in paths."),
    ("slug", "The tenant's name in paths."),
    ("server", "The database server's name."),
    ("database", "The database's name."),
    ("id", "The record."),
    ("operation", "The operation."),
    ("run", "The run of migrations."),
    ("limit", "Rows of a page, 1 to 200."),
    ("cursor", "Where to go on: `next_cursor` of the page before, with the same sort."),
    ("total", "Also count all rows that match."),
    ("deleted", "Only deleted records, for those who may recover them."),
    ("If-Match", "The version the caller has seen, in quotes, as `ETag` gave it."),
    ("If-None-Match", "Versions the caller has; answers 304 if the record is at one of them."),
    ("Last-Event-ID", "The last event seen; the stream goes on after it."),
];
const KEY: &str = "Repeating a request with the same key answers as the first time, with nothing done \
                   twice. 1 to 200 visible ASCII characters.";
const KEY_WITHOUT_EFFECT: &str =
    "Checked, but without effect: repeating this request is harmless anyway.";
/// Operations that a key changes nothing about.
const KEYLESS: &[&str] = &[
    "auth_login",
    "auth_refresh",
    "auth_accept_invitation",
    "auth_logout",
    "audit_verify",
    "file_link",
    "platform_tenant_suspend",
    "platform_tenant_resume",
    "platform_tenant_activate",
    "platform_tenant_verify",
    "platform_operation_resume",
    "platform_operation_end",
    "platform_server_create",
    "platform_server_drain",
    "platform_migration_start",
    "platform_migration_retry",
];

pub(super) fn complete(document: &mut Json) {
    let mut bodies = BTreeSet::new();
    if let Some(paths) = document["paths"].as_object_mut() {
        for item in paths.values_mut() {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                complete_operation(method, operation, &mut bodies);
            }
        }
    }
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        for (name, schema) in schemas.iter_mut() {
            if bodies.contains(name) {
                schema["additionalProperties"] = Json::Bool(false);
                texts::in_body(schema);
            }
        }
    }
    describe_events(document);
    simplify(document);
    share_failures(document);
    normalize(document);
}

fn complete_operation(method: &str, operation: &mut Json, bodies: &mut BTreeSet<String>) {
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    operation["x-permission"] = match find(&id).map(|o| o.requires) {
        Some(Requires::Permission(permission)) => permission.into(),
        Some(Requires::SignIn) => "(signed in)".into(),
        Some(Requires::PlatformKey) => "(platform key)".into(),
        Some(Requires::Nothing) => "(anyone)".into(),
        None => Json::Null,
    };
    let has_content = operation.pointer("/requestBody/content/application~1octet-stream").is_some();
    let body = operation.pointer("/requestBody/content/application~1json/schema/$ref");
    let has_body = body.is_some() || has_content;
    if let Some(name) = body.and_then(Json::as_str).and_then(|r| r.rsplit('/').next()) {
        bodies.insert(name.to_owned());
    }
    for parameter in
        operation.get_mut("parameters").and_then(Json::as_array_mut).into_iter().flatten()
    {
        describe(&id, parameter);
    }
    let needs_version = method == "patch";
    if let Some(responses) = operation["responses"].as_object_mut() {
        responses.retain(|status, _| match status.as_str() {
            "409" => method != "get",
            "413" | "415" => has_body,
            "416" => id == "file_content",
            "428" => needs_version,
            _ => true,
        });
        for (status, response) in responses.iter_mut() {
            add_headers(status, response);
        }
    }
}

fn describe(id: &str, parameter: &mut Json) {
    let Some(map) = parameter.as_object_mut() else { return };
    let name = map.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
    // Both say what OpenAPI says anyway.
    map.remove("explode");
    map.remove("deprecated");
    if name == "sort"
        && let Some(schema) = sorted_record(id)
    {
        let columns = schema.columns.iter().filter(|c| c.sort).map(|c| c.name);
        let names: Vec<_> = ["created_at", "updated_at"].into_iter().chain(columns).collect();
        map.insert(
            "schema".into(),
            json!({"type": "string", "pattern": format!("^-?({})$", names.join("|"))}),
        );
    }
    texts::in_query(map);
    if map.contains_key("description") {
        return;
    }
    let text = match name.as_str() {
        "Idempotency-Key" if KEYLESS.contains(&id) => Some(KEY_WITHOUT_EFFECT),
        "Idempotency-Key" => Some(KEY),
        name => PARAMETERS.iter().find(|(n, _)| *n == name).map(|(_, text)| *text),
    };
    if let Some(text) = text {
        map.insert("description".into(), text.into());
    }
}

/// In a stream, what the data of a message is stands there as text. OpenAPI 3.1 says so with
/// `contentSchema`, which a document of 3.0 can only have under a name of its own.
fn describe_events(document: &mut Json) {
    let data = "/paths/~1api~1v1~1{tenant}~1events/get/responses/200/content/text~1event-stream/schema/properties/data";
    if let Some(data) = document.pointer_mut(data) {
        let event = data.take();
        *data = json!({
            "type": "string",
            "description": "One `EventOut` as JSON.",
            "x-content-media-type": "application/json",
            "x-content-schema": event,
        });
    }
}

/// The record type whose lists an operation sorts.
fn sorted_record(id: &str) -> Option<&'static Schema> {
    let schemas = [Entity::SCHEMA, Location::SCHEMA, File::SCHEMA, User::SCHEMA, Role::SCHEMA];
    schemas.into_iter().find(|s| id.strip_suffix("_list") == Some(s.resource))
}

fn add_headers(status: &str, response: &mut Json) {
    let text = |description: &str| json!({"description": description, "required": true, "schema": {"type": "string"}});
    match status {
        "401" => response["headers"]["WWW-Authenticate"] = text("`Bearer`"),
        "405" => response["headers"]["Allow"] = text("The methods there are"),
        "416" => response["headers"]["Content-Range"] = text("`bytes */` and the file's size"),
        "429" | "503" => response["headers"]["Retry-After"] = text("Seconds to wait"),
        _ => {}
    }
    for (_, header) in
        response.get_mut("headers").and_then(Json::as_object_mut).into_iter().flatten()
    {
        if let Some(header) = header.as_object_mut() {
            header.remove("deprecated");
        }
    }
}

/// Failures are the same everywhere: each is written once and referred to.
fn share_failures(document: &mut Json) {
    let mut shared = Map::new();
    for item in document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            let responses = operation["responses"].as_object_mut().into_iter().flatten();
            for (status, response) in responses.filter(|(s, _)| s.starts_with(['4', '5'])) {
                let name = format!("Problem{status}");
                let reference = json!({"$ref": format!("#/components/responses/{name}")});
                shared.insert(name, std::mem::replace(response, reference));
            }
        }
    }
    document["components"]["responses"] = Json::Object(shared);
}

/// `allOf: [{$ref}, {description}]` says no more than `allOf: [{$ref}]` with the description beside
/// it, and generators of clients understand the latter.
fn simplify(json: &mut Json) {
    match json {
        Json::Object(map) => {
            if let Some(Json::Array(parts)) = map.get_mut("allOf") {
                parts.retain(|part| part.as_object().is_none_or(|p| !only_description(p)));
            }
            map.values_mut().for_each(simplify);
        }
        Json::Array(items) => items.iter_mut().for_each(simplify),
        _ => {}
    }
}

/// Formats and numbers as other programs know them.
fn normalize(json: &mut Json) {
    match json {
        Json::Object(map) => {
            if map.get("format").is_some_and(|f| f == "naive-date") {
                map.insert("format".into(), "date".into());
            }
            map.values_mut().for_each(normalize);
            // Sorted, so that the document does not depend on how maps are kept.
            let mut sorted: Vec<_> = std::mem::take(map).into_iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            map.extend(sorted);
        }
        Json::Array(items) => items.iter_mut().for_each(normalize),
        Json::Number(number) => {
            let whole = number.as_f64().filter(|n| number.is_f64() && n.fract() == 0.0);
            if let Some(whole) = whole.and_then(|n| format!("{n:.0}").parse::<i64>().ok()) {
                *json = whole.into();
            }
        }
        _ => {}
    }
}

fn only_description(part: &Map<String, Json>) -> bool {
    part.keys().all(|key| key == "description")
}
