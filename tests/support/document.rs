//! The committed OpenAPI document as something to walk: a test that goes through it meets every operation
//! there is, the ones added tomorrow included.

use super::server::PASSWORD;
use super::world::Tenant;
use serde_json::{Map, Value, json};
use std::cell::Cell;
use uuid::Uuid;

/// What the document says of one parameter.
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) place: String,
    pub(crate) required: bool,
    pub(crate) schema: Value,
}

/// One operation.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: reqwest::Method,
    /// As in the document: `/api/v1/{tenant}/entities/{id}`.
    pub(crate) path: String,
    /// Name of the security scheme; empty for operations that anyone may call.
    pub(crate) security: String,
    pub(crate) parameters: Vec<Parameter>,
    /// Schema of the body, with references followed at the top; of content, a string.
    pub(crate) body: Option<Value>,
}

impl Operation {
    /// Whether it belongs to one tenant.
    pub(crate) fn is_of_a_tenant(&self) -> bool {
        self.path.starts_with("/api/v1/{tenant}/")
    }
    /// The path with its parameters filled in; `id` stands for the record's.
    pub(crate) fn at(&self, slug: &str, id: &str) -> String {
        let path = self
            .path
            .replace("{tenant}", slug)
            .replace("{slug}", slug)
            .replace("{server}", "main")
            .replace("{operation}", "00000000-0000-0000-0000-000000000000")
            .replace("{run}", "00000000-0000-0000-0000-000000000000")
            .replace("{id}", id);
        // What has to be in the query is the name of a file.
        let name = self.parameters("query").find(|p| p.required);
        name.map_or_else(|| path.clone(), |p| format!("{path}?{}=notes.txt", p.name))
    }
    /// What the record in the path is: `entities`, `sessions` …; nothing if it names none.
    pub(crate) fn collection(&self) -> Option<&str> {
        let parts: Vec<&str> = self.path.split('/').collect();
        let place = parts.iter().position(|part| *part == "{id}")?;
        Some(parts[place - 1])
    }
    /// Parameters in `place`: `path`, `query` or `header`.
    pub(crate) fn parameters(&self, place: &str) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(move |p| p.place == place)
    }
}

/// What a sampled body is about.
pub(crate) struct Topics {
    pub(crate) location: Uuid,
    pub(crate) entity: Uuid,
    pub(crate) role: Uuid,
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) refresh_token: String,
    pub(crate) invitation: String,
}

impl Topics {
    /// What the Admin of `tenant` would write about.
    pub(crate) fn of(tenant: &Tenant) -> Self {
        Self {
            location: tenant.sites[0].0.uuid(),
            entity: tenant.lots[0],
            role: tenant.roles["Viewer"].uuid(),
            email: tenant.email.clone(),
            password: PASSWORD.into(),
            refresh_token: tenant.tokens.refresh_token.clone(),
            invitation: tenant.invitation.clone(),
        }
    }
}

/// The document.
pub(crate) struct Document {
    root: Value,
    made: Cell<u32>,
}

impl Document {
    /// The committed one; another test holds it against the server's own.
    pub(crate) fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vivero-client/openapi.json");
        let text = std::fs::read_to_string(path).expect("the document");
        Self { root: serde_json::from_str(&text).expect("JSON"), made: Cell::new(0) }
    }

    /// Every operation.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        let mut found = Vec::new();
        for (path, methods) in self.root["paths"].as_object().expect("paths") {
            for (method, operation) in methods.as_object().expect("methods") {
                found.push(self.operation(path, method, operation));
            }
        }
        assert!(found.len() > 40, "the document has only {} operations", found.len());
        found
    }

    fn operation(&self, path: &str, method: &str, operation: &Value) -> Operation {
        let security = operation["security"][0].as_object().and_then(|s| s.keys().next().cloned());
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let bodies = &operation["requestBody"]["content"];
        let mut body = &bodies["application/json"]["schema"];
        if body.is_null() {
            body = &bodies["application/octet-stream"]["schema"];
        }
        Operation {
            id: text(&operation["operationId"]),
            method: method.to_uppercase().parse().expect("a method"),
            path: path.to_owned(),
            security: security.unwrap_or_default(),
            parameters: parameters
                .map(|p| Parameter {
                    name: text(&p["name"]),
                    place: text(&p["in"]),
                    required: p["required"] == true,
                    schema: self.follow(&p["schema"]),
                })
                .collect(),
            body: (!body.is_null()).then(|| self.follow(body)),
        }
    }

    /// The schema itself, behind a reference or an `allOf` of one.
    pub(crate) fn follow(&self, schema: &Value) -> Value {
        let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
        match reference {
            Some(to) => {
                let pointer = to.strip_prefix('#').expect("a reference within the document");
                self.root.pointer(pointer).cloned().expect("the end of a reference")
            }
            None => schema.clone(),
        }
    }

    /// A body that fits `schema` and names what `topics` say. Words that may be left out are: which of
    /// them fits depends on the record.
    pub(crate) fn sample(&self, schema: &Value, topics: &Topics) -> Value {
        if schema["format"] == "binary" {
            return json!("one line of a text");
        }
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut body = Map::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let property = self.follow(property);
            let is_word = property["enum"].is_array();
            if !is_word || required.contains(&name.as_str()) {
                body.insert(name.clone(), self.value(name, &property, topics));
            }
        }
        Value::Object(body)
    }

    fn value(&self, name: &str, schema: &Value, topics: &Topics) -> Value {
        self.made.set(self.made.get() + 1);
        let number = self.made.get();
        match name {
            "email" => return json!(topics.email),
            "password" | "old_password" => return json!(topics.password),
            "new_password" => return json!(format!("another secret {number}")),
            "refresh_token" => return json!(topics.refresh_token),
            "token" => return json!(topics.invitation),
            "slug" => return json!(format!("sampled-{number}")),
            "grants" => return json!(["entity.read"]),
            "canary" => return json!("1"),
            "name" if schema["maxLength"] == 255 => return json!(format!("notes-{number}.txt")),
            "entity_id" => return json!(topics.entity),
            "location_id" | "parent_id" => return json!(topics.location),
            "locations" => return json!([topics.location]),
            "roles" => return json!([topics.role]),
            _ => {}
        }
        if let Some(words) = schema["enum"].as_array() {
            return words.last().cloned().expect("a word");
        }
        match (schema["type"].as_str(), schema["format"].as_str()) {
            (Some("string"), None) => json!(format!("S-{number}")),
            (Some("string"), Some("date")) => json!("2026-03-01"),
            (Some("integer"), _) => json!(schema["minimum"].as_i64().unwrap_or(0).max(1)),
            (Some("boolean"), _) => json!(true),
            (Some("number"), _) => json!(schema["minimum"].as_f64().unwrap_or(0.0).max(1.5)),
            (Some("array"), _) => json!([]),
            (Some("object"), _) => json!({"note": number}),
            // An id of a kind the fixture does not know yet must be taught to it, not skipped.
            other => panic!("no sample for {name}: {other:?}"),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
