//! Input nobody should send, at every operation of the document: refused with a problem that names the
//! field, never a failure of the server, and nothing written.

#[expect(dead_code, reason = "some of it is for walks by tenant")]
#[path = "support/document.rs"]
mod document;
#[path = "support/server.rs"]
mod server;
#[path = "support/world.rs"]
mod world;

use document::{Document, Operation, Parameter, Topics};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use server::PLATFORM_KEY;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use uuid::Uuid;
use vivero_core::service::NewRole;
use world::{Tenant, World, answer};

/// A server under attack by someone who is let in everywhere, so that only the input is wrong.
struct Attack {
    world: World,
    tenant: Tenant,
    /// A role that can be edited.
    role: Uuid,
    document: Document,
    tried: BTreeSet<String>,
}

impl Attack {
    async fn start() -> Self {
        let world = World::start().await;
        let tenant = world.tenant("aster").await;
        let grants = vec!["entity.read".parse().expect("a grant")];
        let role = NewRole { name: "Own".into(), description: String::new(), grants };
        let role = tenant.session.roles().create(role).await.expect("a role").record.id.uuid();
        Self { world, tenant, role, document: Document::read(), tried: BTreeSet::new() }
    }

    fn bearer(&self, operation: &Operation) -> String {
        match operation.security.as_str() {
            "platform_key" => PLATFORM_KEY.into(),
            "tenant_token" => self.tenant.tokens.access_token.clone(),
            _ => String::new(),
        }
    }

    fn id(&self, operation: &Operation) -> String {
        let id = match operation.collection() {
            Some("locations") => self.tenant.sites[1].1.uuid(),
            Some("users") => self.tenant.session.user().expect("a person").record.id.uuid(),
            Some("roles") => self.role,
            Some("files") => self.tenant.files[0],
            Some("sessions") => self.tenant.session.session_id().expect("a session").uuid(),
            Some(_) => self.tenant.lots[0],
            None => Uuid::nil(),
        };
        id.to_string()
    }

    fn path(&self, operation: &Operation) -> String {
        operation.at(&self.tenant.slug, &self.id(operation))
    }

    fn body(&self, operation: &Operation) -> Option<Value> {
        operation.body.as_ref().map(|s| self.document.sample(s, &Topics::of(&self.tenant)))
    }

    /// A request that lacks only its body.
    fn request(&self, operation: &Operation, path: &str) -> RequestBuilder {
        let request = self.world.request(&operation.method, path, &self.bearer(operation));
        if operation.method == Method::PATCH {
            request.header("If-Match", "\"1\"")
        } else {
            request
        }
    }

    /// Sends it, and refuses whatever is not a proper refusal that names `field`.
    async fn refused(
        &mut self,
        operation: &Operation,
        request: RequestBuilder,
        status: u16,
        field: &str,
        why: &str,
    ) {
        let given = answer(request).await;
        let text: String = given.text.chars().take(300).collect();
        let what = format!("{} with {why}: {} {text}", operation.id, given.status);
        assert_eq!(given.status, status, "{what}");
        given.is_problem(&what);
        let fields: Vec<String> = given.broken();
        let named = fields.iter().any(|f| f.split(' ').next() == Some(field));
        assert!(named, "{what} does not name {field}");
        assert!(given.text.len() < 8_000, "{what}: the input comes back");
        self.tried.insert(operation.id.clone());
    }

    async fn state(&self) -> String {
        self.world.state(&[&self.tenant]).await
    }
}

/// Whether the body of an operation is content, and not fields.
fn takes_content(operation: &Operation) -> bool {
    operation.body.as_ref().is_some_and(|schema| schema["type"] == "string")
}

/// The media type of content.
const CONTENT: &str = "application/octet-stream";

/// A value of a type that `schema` does not allow.
fn of_wrong_type(schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("string") => json!({"not": "text"}),
        Some("integer") => json!("12"),
        Some("boolean") => json!("true"),
        Some("array") => json!("one"),
        _ => json!([1]),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_read_strictly_at_every_operation() {
    let mut attack = Attack::start().await;
    let before = attack.state().await;
    let operations = attack.document.operations();
    let with_body: Vec<&Operation> = operations.iter().filter(|o| o.body.is_some()).collect();
    for operation in &with_body {
        let path = attack.path(operation);
        if takes_content(operation) {
            for media in ["application/json", "application/x-www-form-urlencoded", "nonsense"] {
                let request = attack.request(operation, &path).header("Content-Type", media);
                attack.refused(operation, request.body("{}"), 415, "Content-Type", media).await;
            }
            let request = attack.request(operation, &path).header("Content-Encoding", "gzip");
            let request = request.header("Content-Type", CONTENT).body("text");
            attack.refused(operation, request, 415, "Content-Encoding", "compressed").await;
            continue;
        }
        let sample = attack.body(operation).expect("a body");
        let properties = operation.body.as_ref().and_then(|b| b["properties"].as_object().cloned());
        for (name, schema) in properties.into_iter().flatten() {
            let schema = attack.document.follow(&schema);
            let mut wrong = vec![("a wrong type", of_wrong_type(&schema))];
            if !schema["nullable"].as_bool().unwrap_or(false) {
                wrong.push(("null", Value::Null));
            }
            if schema["type"] == "string" {
                wrong.push(("a number", json!(5)));
            }
            if let Some(most) = schema["maxLength"].as_u64() {
                wrong.push(("too long a text", json!("x".repeat(most as usize + 1))));
                wrong.push(("a control character", json!("a\u{0}b")));
            }
            if let Some(most) = schema["maximum"].as_i64() {
                wrong.push(("too much", json!(most + 1)));
                wrong.push(("a fraction", json!(1.5)));
            }
            if let Some(least) = schema["minimum"].as_i64() {
                wrong.push(("too little", json!(least - 1)));
            }
            if schema["enum"].is_array() {
                wrong.push(("an unknown word", json!("no such word")));
            }
            if schema["format"] == "uuid" || schema["format"] == "date" {
                wrong.push(("a malformed value", json!("2026-13-45")));
            }
            let secret = name.contains("password") || name.contains("token");
            for (why, value) in wrong {
                // Secrets may hold any character.
                if secret && why == "a control character" {
                    continue;
                }
                let mut body = sample.clone();
                body[&name] = value;
                let request = attack.request(operation, &path).json(&body);
                attack.refused(operation, request, 400, &name, &format!("{why} for {name}")).await;
            }
            if let Some(value) = sample.get(&name) {
                let twice = format!("{{\"{name}\":{value},\"{name}\":{value}}}");
                let request =
                    attack.request(operation, &path).header("Content-Type", "application/json");
                attack
                    .refused(operation, request.body(twice), 400, &name, &format!("{name} twice"))
                    .await;
            }
        }
        let mut surprise = sample.clone();
        surprise["surprise"] = json!(1);
        let request = attack.request(operation, &path).json(&surprise);
        attack.refused(operation, request, 400, "surprise", "an unknown field").await;

        let deep = "[".repeat(10_000);
        let deeper = format!("{{\"attributes\":{}", "{\"a\":".repeat(10_000));
        let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(2 * 1024 * 1024));
        let raw: [(&str, &str, Vec<u8>, u16, &str); 8] = [
            ("no body", "application/json", vec![], 400, "body"),
            ("not UTF-8", "application/json", b"{\"name\":\"\xff\xfe\"}".to_vec(), 400, "body"),
            ("not JSON", "application/json", b"{\"".to_vec(), 400, "body"),
            ("a list", "application/json", b"[1]".to_vec(), 400, "body"),
            ("a deep list", "application/json", deep.into_bytes(), 400, "body"),
            ("2 MiB", "application/json", huge.into_bytes(), 413, "body"),
            ("XML", "application/xml", b"<a/>".to_vec(), 415, "Content-Type"),
            ("a form", "application/x-www-form-urlencoded", b"a=b".to_vec(), 415, "Content-Type"),
        ];
        for (why, media, body, status, field) in raw {
            let request = attack.request(operation, &path).header("Content-Type", media).body(body);
            attack.refused(operation, request, status, field, why).await;
        }
        let field = if sample["attributes"].is_object() { "body" } else { "attributes" };
        let request = attack
            .request(operation, &path)
            .header("Content-Type", "application/json")
            .body(deeper);
        attack.refused(operation, request, 400, field, "deep JSON").await;
        let request =
            attack.request(operation, &path).header("Content-Encoding", "gzip").json(&sample);
        attack.refused(operation, request, 415, "Content-Encoding", "a compressed body").await;
    }
    assert_eq!(attack.state().await, before);
    assert_eq!(attack.tried.len(), with_body.len());
}

/// Values that a parameter of the query cannot have.
fn bad_values(parameter: &Parameter) -> Vec<String> {
    let schema = &parameter.schema;
    let mut bad: Vec<String> = match schema["type"].as_str() {
        Some("integer") => {
            ["abc", "1.5", "-1", "%2B1", "", "99999999999999999999"].map(String::from).to_vec()
        }
        Some("boolean") => ["yes", "1", "TRUE", ""].map(String::from).to_vec(),
        _ if schema["enum"].is_array() => ["no_such_word", ""].map(String::from).to_vec(),
        _ if schema["format"] == "uuid" => {
            ["x", "{}", "0123456789abcdef0123456789abcdef"].map(String::from).to_vec()
        }
        _ => vec![],
    };
    if let Some(most) = schema["maximum"].as_u64() {
        bad.push((most + 1).to_string());
    }
    if schema["minimum"].as_f64() == Some(1.0) {
        bad.push("0".into());
    }
    if let Some(most) = schema["maxLength"].as_u64() {
        bad.push("x".repeat(most as usize + 1));
    }
    match parameter.name.as_str() {
        "cursor" => bad.extend(["nonsense", "AAAA", "e30", "%F0%9F%8C%B1"].map(String::from)),
        "sort" => {
            bad.extend(["nonsense", "-nonsense", "password_hash", "name;drop"].map(String::from))
        }
        _ => {}
    }
    bad.extend(["%ff", "a%00b", "a%0Ab"].map(String::from));
    bad
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_paths_and_headers_are_read_strictly_at_every_operation() {
    let mut attack = Attack::start().await;
    let before = attack.state().await;
    let million = "x".repeat(1_000_000);
    let operations = attack.document.operations();
    for operation in &operations {
        let path = attack.path(operation);
        let with = |request: RequestBuilder, body: Option<Value>| match body {
            Some(_) if takes_content(operation) => {
                request.header("Content-Type", CONTENT).body("text")
            }
            Some(body) => request.json(&body),
            None => request,
        };
        let filled = |attack: &Attack, path: &str| {
            with(attack.request(operation, path), attack.body(operation))
        };
        // What has to be in the query is there already.
        let (bare, next) = match path.split_once('?') {
            Some((bare, _)) => (bare, format!("{path}&")),
            None => (path.as_str(), format!("{path}?")),
        };
        for parameter in operation.parameters("query") {
            for bad in bad_values(parameter) {
                let start = if parameter.required { &format!("{bare}?") } else { &next };
                let request = filled(&attack, &format!("{start}{}={bad}", parameter.name));
                attack
                    .refused(
                        operation,
                        request,
                        400,
                        &parameter.name,
                        &format!("{}={bad}", parameter.name),
                    )
                    .await;
            }
            let twice = format!("{bare}?{0}=1&{0}=1", parameter.name);
            let request = filled(&attack, &twice);
            attack.refused(operation, request, 400, &parameter.name, "a parameter twice").await;
        }
        if operation.id == "platform_operation_end" {
            let request = filled(&attack, &format!("{next}turn_back=true&give_up=true"));
            attack.refused(operation, request, 400, "give_up", "both of its ways").await;
        }
        let request = filled(&attack, &format!("{next}surprise=1"));
        attack.refused(operation, request, 400, "surprise", "an unknown parameter").await;
        let request = filled(&attack, &format!("{next}q={}", "x".repeat(60_000)));
        attack.refused(operation, request, 414, "query", "a long query").await;
        let head = format!("{} {next}q={million} HTTP/1.1\r\nhost: x\r\n\r\n", operation.method);
        let given = attack.world.raw(head.as_bytes()).await;
        let named = given.starts_with("HTTP/1.1 414") && given.contains("\"field\":\"query\"");
        assert!(named, "{}: {given:.300}", operation.id);
        for parameter in operation.parameters("header") {
            let bad: &[&str] = match parameter.name.as_str() {
                "Idempotency-Key" => &["", "a b", "\u{fc}"],
                "If-Match" => &["1", "*", "\"x\"", "W/\"1\"", "\"99999999999999999999\""],
                "Last-Event-ID" => {
                    &["x", "-1", "1.5", "99999999999999999999", "9223372036854775807"]
                }
                // Any text at all means "I have something else".
                "If-None-Match" | "If-Range" | "Range" => &["\u{fc}"],
                other => panic!("{other}: teach this test what it cannot be"),
            };
            let long = "k".repeat(201);
            let too_long = (parameter.name == "Idempotency-Key").then_some(long.as_str());
            for bad in bad.iter().copied().chain(too_long) {
                let request =
                    attack.world.request(&operation.method, &path, &attack.bearer(operation));
                let request = request.header(&parameter.name, bad.as_bytes());
                let request = with(request, attack.body(operation));
                attack
                    .refused(
                        operation,
                        request,
                        400,
                        &parameter.name,
                        &format!("{}: {bad}", parameter.name),
                    )
                    .await;
            }
        }
        if operation.method == Method::PATCH {
            let request = attack.world.request(&operation.method, &path, &attack.bearer(operation));
            let request = request.json(&attack.body(operation));
            attack.refused(operation, request, 428, "If-Match", "no version").await;
        }
        if operation.collection().is_some() {
            for bad in [
                "x",
                "0",
                "%ff",
                "%00",
                "0123456789abcdef0123456789abcdef",
                "01234567-89ab-cdef-0123-456789abcdeg",
            ] {
                let request = filled(&attack, &operation.at(&attack.tenant.slug, bad));
                attack.refused(operation, request, 400, "id", &format!("id {bad}")).await;
            }
        }
    }
    assert_eq!(attack.state().await, before);
    assert_eq!(attack.tried.len(), operations.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_one_the_document_declares() {
    let attack = Attack::start().await;
    let before = attack.state().await;
    let mut paths = String::new();
    for operation in attack.document.operations() {
        let path = attack.path(&operation);
        let path = path.split('?').next().unwrap_or_default();
        let _ = writeln!(paths, "{} {path}", operation.method);
    }
    let known: BTreeSet<&str> =
        paths.lines().filter_map(|l| l.split_once(' ')).map(|(_, p)| p).collect();
    for path in known {
        for method in
            [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::TRACE]
        {
            if paths.lines().any(|line| line == format!("{method} {path}")) {
                continue;
            }
            let given =
                attack.world.call(&method, path, &attack.tenant.tokens.access_token, None).await;
            assert_eq!(given.status, 405, "{method} {path}");
            given.is_problem(path);
            let allow =
                given.headers.get("allow").and_then(|v| v.to_str().ok()).unwrap_or_default();
            for allowed in allow.split(", ").filter(|m| *m != "HEAD") {
                assert!(
                    paths.lines().any(|line| line == format!("{allowed} {path}")),
                    "{path}: {allow}"
                );
            }
        }
    }
    for path in [
        "/",
        "/api",
        "/api/v1/",
        "/api/v1/aster-nursery",
        "/api/v1/%ff/entities/x/y",
        "/..%2f..%2fetc/passwd",
        "/api//v1",
        "/%00",
    ] {
        let given = attack.world.call(&Method::GET, path, "", None).await;
        assert_eq!(given.status, 404, "{path}: {}", given.text);
        given.is_problem(path);
    }
    for path in ["/health/live", "/openapi.json", "/docs"] {
        let given = attack.world.call(&Method::GET, path, "", None).await;
        assert_eq!(given.status, 200, "{path}");
        given.is_hardened(path);
    }
    assert_eq!(attack.state().await, before);
}
