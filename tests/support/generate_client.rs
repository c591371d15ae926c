//! From the OpenAPI document to the typed client's `generated.rs`.
//!
//! The document describes the server; the generator wants it a little simpler. Everything that is
//! changed for it is changed here, so that the document stays as the server wrote it.

use progenitor::{GenerationSettings, Generator, HooksMode, TypeImpl};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::error::Error;

const HEADER: &str = "\
// Generated from vivero-client/openapi.json: do not edit.
// To make it anew: VIVERO_UPDATE=1 cargo test -p vivero-workspace --test client_is_current
";

/// Operations whose body or answer is not JSON; the client has events and files by hand.
const NOT_JSON: &[&str] = &["event_stream", "file_content", "file_create", "metrics_get"];

/// Fields that are never printed.
const SECRETS: &[&str] =
    &["password", "old_password", "new_password", "access_token", "refresh_token", "token"];

/// The source of the client for a document.
pub(crate) fn generate(document: &str) -> Result<String, Box<dyn Error>> {
    let mut document: Json = serde_json::from_str(document)?;
    let replaced = simplify(&mut document);
    let document: openapiv3::OpenAPI = serde_json::from_value(document)?;

    let mut settings = GenerationSettings::new();
    settings
        .with_inner_type("crate::attempt::Attempt".parse()?)
        .with_map_type("::std::collections::BTreeMap")
        .with_hooks(HooksMode::Expected)
        .with_derive("PartialEq");
    settings.with_replacement("Secret", "crate::Secret", std::iter::empty::<TypeImpl>());
    for (name, rust) in &replaced {
        settings.with_replacement(name, rust, std::iter::empty::<TypeImpl>());
    }
    let tokens = Generator::new(&settings).generate_tokens(&document)?;
    let code = prettyplease::unparse(&syn::parse2(tokens)?);
    Ok(format!("{HEADER}{}", without_schemas(&code)))
}

/// Prepares the document; returns the Rust types of fields in edits that need one of their own.
fn simplify(document: &mut Json) -> BTreeMap<String, String> {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for item in paths {
        if let Some(operations) = item.as_object_mut() {
            operations.retain(|_, o| !NOT_JSON.iter().any(|id| o["operationId"] == *id));
            operations.values_mut().for_each(simplify_operation);
        }
    }
    let mut changes = BTreeMap::new();
    let mut schemas = Map::new();
    if let Some(components) = document["components"].as_object_mut() {
        // Failures are read in one place, whatever the operation.
        components.remove("responses");
        if let Some(Json::Object(described)) = components.remove("schemas") {
            for (name, mut schema) in described {
                simplify_fields(&name, &mut schema, &mut changes);
                schemas.insert(renamed(&name).to_owned(), schema);
            }
        }
    }
    for name in changes.keys() {
        schemas.insert(name.clone(), json!({"type": "string"}));
    }
    schemas.insert("Secret".into(), json!({"type": "string"}));
    document["components"]["schemas"] = Json::Object(schemas);
    walk(&mut document["paths"]);
    walk(&mut document["components"]);
    changes
}

fn simplify_operation(operation: &mut Json) {
    if let Some(responses) = operation["responses"].as_object_mut() {
        responses.retain(|status, _| status.starts_with('2'));
        for response in responses.values_mut().filter_map(Json::as_object_mut) {
            response.remove("headers");
        }
    }
    let Some(parameters) = operation.get_mut("parameters").and_then(Json::as_array_mut) else {
        return;
    };
    // The client has no use for an answer without a body.
    parameters.retain(|p| p["name"] != "If-None-Match");
    for parameter in parameters {
        let schema = &mut parameter["schema"];
        if schema.get("minimum").is_some_and(|least| *least == 0 || schema["format"] == "int32") {
            let unsigned = schema["format"].as_str().map(|format| format!("u{format}"));
            schema["format"] = unsigned.into();
        }
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("default");
        }
    }
}

/// Types are named as programs see them: `Entity`, not `EntityOut`.
fn renamed(name: &str) -> &str {
    match name {
        "ConflictProblem" => "FieldConflict",
        "FieldProblem" => "FieldError",
        "PlanIn" => "Plan",
        name => name.strip_suffix("Out").unwrap_or(name),
    }
}

fn simplify_fields(name: &str, schema: &mut Json, changes: &mut BTreeMap<String, String>) {
    let fields = schema.get_mut("properties").and_then(Json::as_object_mut);
    for (field, described) in fields.into_iter().flatten() {
        let Some(described) = described.as_object_mut() else { continue };
        let nullable = described.remove("nullable") == Some(Json::Bool(true));
        if SECRETS.contains(&field.as_str()) {
            refer(described, "Secret");
        } else if name.ends_with("Patch")
            && let Some((of, rust)) = edited(described, nullable)
        {
            refer(described, &of);
            changes.insert(of, rust);
        }
    }
}

/// Lets a field be of a named type.
fn refer(described: &mut Map<String, Json>, name: &str) {
    described.retain(|key, _| key == "description");
    described.insert("allOf".into(), json!([{"$ref": format!("#/components/schemas/{name}")}]));
}

/// Name and Rust type of a field of an edit whose absence, null and emptiness mean different things:
/// the generator would take an absent list for an empty one, and null for an absent value.
fn edited(described: &Map<String, Json>, nullable: bool) -> Option<(String, String)> {
    let text = |json: Option<&Json>| json.and_then(Json::as_str).unwrap_or_default().to_owned();
    let kind = |of: &Map<String, Json>| match (&*text(of.get("type")), &*text(of.get("format"))) {
        ("string", "uuid") => ("Id", "::uuid::Uuid"),
        ("string", "date") => ("Date", "::chrono::naive::NaiveDate"),
        ("string", "") => ("Text", "::std::string::String"),
        ("integer", "int64") => ("Number", "i64"),
        other => panic!("no type yet for edits of {other:?}"),
    };
    match described.get("type").and_then(Json::as_str) {
        _ if nullable => {
            let (name, rust) = kind(described);
            Some((format!("ChangeOf{name}"), format!("crate::Change<{rust}>")))
        }
        Some("array") => {
            let (name, rust) = kind(described.get("items")?.as_object()?);
            Some((format!("ListOf{name}"), format!("::std::vec::Vec<{rust}>")))
        }
        Some("object") => {
            let rust = "::serde_json::Map<::std::string::String, ::serde_json::Value>";
            Some(("Attributes".into(), rust.into()))
        }
        _ => None,
    }
}

/// What holds everywhere: new names in references, plain types instead of constrained ones (the server
/// knows the bounds, and its answer names the field), descriptions that are valid rustdoc.
fn walk(json: &mut Json) {
    match json {
        Json::Object(map) => {
            for key in [
                "title",
                "minLength",
                "maxLength",
                "pattern",
                "minimum",
                "maximum",
                "minItems",
                "maxItems",
            ] {
                // A field may have such a name; a constraint is never an object.
                if map.get(key).is_some_and(|value| !value.is_object()) {
                    map.remove(key);
                }
            }
            if let Some(Json::String(reference)) = map.get_mut("$ref")
                && let Some((place, name)) = reference.rsplit_once('/')
            {
                *reference = format!("{place}/{}", renamed(name));
            }
            for key in ["description", "summary"] {
                if let Some(Json::String(text)) = map.get_mut(key) {
                    *text = text.replace("Out`", "`").replace('[', "\\[").replace('<', "\\<");
                }
            }
            map.values_mut().for_each(walk);
        }
        Json::Array(items) => items.iter_mut().for_each(walk),
        _ => {}
    }
}

/// The generator puts each type's schema into its documentation; `openapi.json` says it already.
fn without_schemas(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut skipping = false;
    for line in code.lines() {
        let comment = line.trim_start().strip_prefix("///").map(str::trim);
        skipping |= comment.is_some_and(|c| c.starts_with("<details>"));
        if !skipping {
            kept.push_str(line);
            kept.push('\n');
        }
        skipping &= comment != Some("</details>");
    }
    kept
}
