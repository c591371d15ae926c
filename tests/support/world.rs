//! Tenants in a test server, with everything there is to try on them.

#![expect(dead_code, reason = "each test file uses what it needs")]

use super::server::{PASSWORD, TestServer};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;
use vivero_core::entity::{EntityType, NewEntity};
use vivero_core::files::{NewFile, Upload};
use vivero_core::location::{LocationKind, NewLocation};
use vivero_core::service::NewUser;
use vivero_core::token::TokenPair;
use vivero_core::{
    EntityId, Filter, LocationId, NewTenant, Owner, Page, Password, RequestContext, RoleId,
    TenantSession,
};

/// A server with a client that sends what it is told to, right or wrong.
pub(crate) struct World {
    pub(crate) server: TestServer,
    http: reqwest::Client,
}

/// What a request was answered with.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
    /// `field rule` of each rule that is broken.
    pub(crate) fn broken(&self) -> Vec<String> {
        let body = self.json();
        let errors = body["errors"].as_array().into_iter().flatten();
        errors.map(|e| format!("{} {}", e["field"], e["rule"]).replace('"', "")).collect()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap_or("?"))
    }

    /// Refuses what is not a problem as it is described.
    pub(crate) fn is_problem(&self, what: &str) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{what}");
        let body = self.json();
        assert_eq!(body["status"], json!(self.status.as_u16()), "{what}");
        assert!(body["code"].is_string() && body["title"].is_string(), "{what}");
        assert_eq!(body["request_id"], json!(self.header("x-request-id")), "{what}");
        self.is_hardened(what);
    }

    /// Refuses an answer without the headers that keep browsers from being clever.
    pub(crate) fn is_hardened(&self, what: &str) {
        assert_eq!(self.header("x-content-type-options"), "nosniff", "{what}");
        assert_eq!(self.header("x-frame-options"), "DENY", "{what}");
        assert_eq!(self.header("referrer-policy"), "no-referrer", "{what}");
        let policy = self.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{what}: {policy}");
        let (cache, id) = (self.header("cache-control"), self.header("x-request-id"));
        assert!(!cache.is_empty() && !id.is_empty(), "{what}");
        assert_eq!(self.header("server"), "", "{what}");
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build();
        Self { server: TestServer::start().await, http: http.expect("a client") }
    }

    /// A request to be filled in; `bearer` is left out if empty.
    pub(crate) fn request(
        &self,
        method: &Method,
        path: &str,
        bearer: &str,
    ) -> reqwest::RequestBuilder {
        let request = self.http.request(method.clone(), format!("{}{path}", self.server.base_url));
        if bearer.is_empty() { request } else { request.bearer_auth(bearer) }
    }

    /// Sends a request with what edits need.
    pub(crate) async fn call(
        &self,
        method: &Method,
        path: &str,
        bearer: &str,
        body: Option<&Value>,
    ) -> Answer {
        let mut request = self.request(method, path, bearer);
        if matches!(*method, Method::PATCH) {
            request = request.header("If-Match", "\"1\"");
        }
        match body {
            // Content, not JSON.
            Some(Value::String(text)) => {
                let media = ("Content-Type", "application/octet-stream");
                request = request.header(media.0, media.1).body(text.clone());
            }
            Some(body) => request = request.json(body),
            None => {}
        }
        answer(request).await
    }

    /// Sends bytes as they are and reads what comes back to its end.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may refuse before everything is sent.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        let address = self.server.base_url.strip_prefix("http://").expect("an address");
        TcpStream::connect(address).await.expect("a connection")
    }

    /// A tenant with two sites, a lot at each, a role and a second person; `word` is in all its texts.
    pub(crate) async fn tenant(&self, word: &str) -> Tenant {
        let slug = format!("{word}-nursery");
        let email = format!("admin@{word}.example");
        let owner = Owner { name: format!("{word} admin"), ..Owner::new(&email, PASSWORD) };
        let new = NewTenant { slug: Some(slug.clone()), ..NewTenant::trial(&slug, owner) };
        self.server.vivero().tenants().provision(new).await.expect("a tenant");
        let signed_in = self.sign_in(&slug, &email).await;
        let (session, tokens) = signed_in;
        let roles = session.roles().list(Filter::new(), Page::first(50)).await.expect("roles");
        let roles = roles.items.into_iter().map(|r| (r.record.name, r.record.id)).collect();
        let mut tenant = Tenant {
            word: word.into(),
            slug,
            email,
            session,
            tokens,
            roles,
            invitation: String::new(),
            sites: vec![],
            lots: vec![],
            files: vec![],
        };
        tenant.invitation = tenant.invite("invited", vec![], vec![]).await.2;
        for number in ["1", "2"] {
            let site = tenant.place(LocationKind::Site, number, None).await;
            let bed = tenant.place(LocationKind::Bed, &format!("{number}-B"), Some(site)).await;
            tenant.sites.push((site, bed));
            let lot = tenant.lot(&format!("lot-{number}"), bed).await;
            tenant.lots.push(lot);
            tenant.files.push(tenant.file(&format!("file-{number}.txt"), Some(lot)).await);
        }
        tenant
    }

    pub(crate) async fn sign_in(&self, slug: &str, email: &str) -> (TenantSession, TokenPair) {
        let password = Password::new(email, PASSWORD);
        let signed_in =
            self.server.vivero().log_in(slug, password, None, RequestContext::default()).await;
        let signed_in = signed_in.expect("a sign-in");
        (signed_in.session, signed_in.tokens)
    }

    /// Everything that could show a change: registry, journal and figures of these tenants.
    pub(crate) async fn state(&self, tenants: &[&Tenant]) -> String {
        let mut state =
            format!("{:?}", self.server.vivero().tenants().list(None, 200).await.expect("tenants"));
        for tenant in tenants {
            let head = tenant.session.seal().await.expect("a head");
            let counts = tenant.session.recount().await.expect("figures");
            let mut counts: Vec<String> =
                counts.iter().map(|(k, n)| format!("{k:?} {n}")).collect();
            counts.sort();
            state += &format!("\n{} {head} {counts:?}", tenant.slug);
        }
        state
    }
}

/// The answer to a request; of a stream, only the head.
pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    let streams =
        headers.get("content-type").is_some_and(|t| t.as_bytes().starts_with(b"text/event-stream"));
    let text = if streams { String::new() } else { response.text().await.expect("a body") };
    Answer { status, headers, text }
}

/// One tenant with its Admin signed in.
pub(crate) struct Tenant {
    pub(crate) word: String,
    pub(crate) slug: String,
    pub(crate) email: String,
    pub(crate) session: TenantSession,
    pub(crate) tokens: TokenPair,
    pub(crate) roles: HashMap<String, RoleId>,
    /// An invitation that nobody has accepted.
    pub(crate) invitation: String,
    /// Site and a bed in it.
    pub(crate) sites: Vec<(LocationId, LocationId)>,
    pub(crate) lots: Vec<Uuid>,
    /// A file of each lot.
    pub(crate) files: Vec<Uuid>,
}

impl Tenant {
    pub(crate) async fn place(
        &self,
        kind: LocationKind,
        code: &str,
        parent: Option<LocationId>,
    ) -> LocationId {
        let new = NewLocation::new(
            kind,
            format!("{}-{code}", self.word),
            format!("{} place", self.word),
            parent,
        );
        self.session.locations().create(new).await.expect("a location").record.id
    }

    pub(crate) async fn lot(&self, code: &str, bed: LocationId) -> Uuid {
        let new = NewEntity::new(
            format!("{}-{code}", self.word),
            format!("{} lot", self.word),
            EntityType::Bulb,
            9,
        );
        self.session.entities().create(new.at(bed)).await.expect("a lot").record.id.uuid()
    }

    pub(crate) async fn file(&self, name: &str, lot: Option<Uuid>) -> Uuid {
        let mut new = NewFile::new(format!("{}-{name}", self.word));
        new.entity_id = lot.map(EntityId::from_uuid);
        let content = format!("{} content", self.word);
        let stored = self.session.files().upload(new, Upload::of(content)).await;
        stored.expect("a file").record.id.uuid()
    }

    /// Invites a person; returns id, address and the invitation.
    pub(crate) async fn invite(
        &self,
        name: &str,
        roles: Vec<RoleId>,
        locations: Vec<LocationId>,
    ) -> (Uuid, String, String) {
        let email = format!("{name}@{}.example", self.word);
        let new = NewUser {
            email: email.clone(),
            name: format!("{} {name}", self.word),
            roles,
            locations,
        };
        let (user, invitation) = self.session.users().create(new).await.expect("a person");
        (user.record.id.uuid(), email, invitation.token)
    }

    /// A person who has accepted their invitation.
    pub(crate) async fn person(
        &self,
        world: &World,
        name: &str,
        role: &str,
        site: Option<LocationId>,
    ) -> Person {
        let roles = vec![self.roles[role]];
        let (id, email, invitation) = self.invite(name, roles, site.into_iter().collect()).await;
        let accepted = world
            .server
            .vivero()
            .accept_invitation(&self.slug, &invitation, PASSWORD, RequestContext::default())
            .await;
        let accepted = accepted.expect("an accepted invitation");
        Person { id, email, session: accepted.session, tokens: accepted.tokens }
    }
}

/// A person of a tenant, signed in.
pub(crate) struct Person {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) session: TenantSession,
    pub(crate) tokens: TokenPair,
}

/// A person and what they can send.
pub(crate) struct Actor<'w> {
    world: &'w World,
    slug: &'w str,
    pub(crate) token: String,
}

impl Actor<'_> {
    pub(crate) async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        let body = (!body.is_null()).then_some(body);
        self.world
            .call(&method, &format!("/api/v1/{}/{path}", self.slug), &self.token, body.as_ref())
            .await
    }
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Value::Null).await
    }
    pub(crate) async fn edit(&self, path: &str, body: Value) -> Answer {
        let version = self.get(path).await.json()["version"].as_i64().expect("a version");
        let path = format!("/api/v1/{}/{path}", self.slug);
        let request = self.world.request(&Method::PATCH, &path, &self.token);
        answer(request.header("If-Match", format!("\"{version}\"")).json(&body)).await
    }
}

pub(crate) fn actor<'w>(world: &'w World, tenant: &'w Tenant, token: &str) -> Actor<'w> {
    Actor { world, slug: &tenant.slug, token: token.to_owned() }
}
