//! Two nodes serve one installation on MariaDB, with Redis and without: whichever answers, it is one
//! service, and each may be restarted under load.

#[path = "support/child.rs"]
mod child;
#[path = "../vivero-store/tests/support/mariadb.rs"]
#[expect(dead_code, reason = "only its address is needed")]
mod mariadb;
#[path = "../vivero-store/tests/support/redis.rs"]
#[expect(dead_code, reason = "TLS is for the tests of what is shared")]
mod redis;
#[path = "support/nodes.rs"]
mod support;

use futures_util::StreamExt as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{Balancer, Installation, Node, PLATFORM_KEY, client, until};
use uuid::Uuid;
use vivero_client::{EntityIn, EntityType, EventStream, TenantClient, TenantIn};
use vivero_core::service::STALE_FOR;

const SLUG: &str = "acme-plants";
const EMAIL: &str = "owner@acme.example";
const SECRET: &str = "three quiet greenhouses";
/// For a request on a machine that is busy with other tests.
const SLACK: Duration = Duration::from_secs(2);

async fn provision(node: &Node) {
    let tenant =
        TenantIn { slug: Some(SLUG.into()), ..TenantIn::new("Acme Plants", EMAIL, SECRET) };
    node.client().platform(PLATFORM_KEY).tenants().create(tenant).await.expect("a tenant");
}

/// Someone who calls nodes directly.
struct Caller(reqwest::Client);

impl Caller {
    fn new() -> Self {
        Self(reqwest::Client::builder().timeout(Duration::from_secs(60)).build().expect("a client"))
    }
    async fn call(
        &self,
        node: &Node,
        method: Method,
        path: &str,
        token: &str,
        body: Value,
    ) -> (StatusCode, Value, reqwest::header::HeaderMap) {
        let url = format!("{}/api/v1/{SLUG}/{path}", node.base());
        let mut request = self.0.request(method, url);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if !body.is_null() {
            request = request.header("Idempotency-Key", body.to_string().len().to_string());
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        (status, answer.json().await.unwrap_or(Value::Null), headers)
    }
    async fn status(&self, node: &Node, path: &str, token: &str) -> StatusCode {
        self.call(node, Method::GET, path, token, Value::Null).await.0
    }
    async fn sign_in(&self, node: &Node, email: &str, secret: &str) -> (StatusCode, Value) {
        let body = json!({"email": email, "password": secret});
        let (status, tokens, _) = self.call(node, Method::POST, "auth/login", "", body).await;
        (status, tokens)
    }
    async fn ready(&self, node: &Node) -> Option<(StatusCode, Value)> {
        let answer = self.0.get(format!("{}/health/ready", node.base())).send().await.ok()?;
        Some((answer.status(), answer.json().await.ok()?))
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

/// What a person may do is the same on both nodes, at most so late; returns how late it was.
async fn a_change_of_rights_bites(
    caller: &Caller,
    one: &Node,
    other: &Node,
    name: &str,
) -> Duration {
    let admin = one.client().tenant(SLUG).sign_in(EMAIL, SECRET).await.expect("the Admin");
    let roles = admin.roles().list().send().await.expect("roles").items;
    let role = roles.into_iter().find(|r| r.name == "Viewer").expect("the role");
    let email = format!("{name}@acme.example");
    let user =
        vivero_client::UserIn { roles: vec![role.id], ..vivero_client::UserIn::new(&email, name) };
    let invited = admin.users().invite(user).await.expect("an invitation");
    let entrance = other.client().tenant(SLUG);
    let person = entrance.accept_invitation(invited.invitation.token.expect("a token"), SECRET);
    let tokens = person.await.expect("the person").tokens().await.expect("tokens");
    let token = tokens.access_token.expose().to_owned();
    for node in [one, other] {
        assert_eq!(caller.status(node, "entities", &token).await, StatusCode::OK);
    }
    let id = invited.user.id;
    let admin_token = admin.tokens().await.expect("tokens").access_token.expose().to_owned();
    let path = format!("users/{id}");
    let (status, body, _) = caller.call(one, Method::GET, &path, &admin_token, Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let url = format!("{}/api/v1/{SLUG}/{path}", one.base());
    let version = body["version"].as_i64().expect("a version");
    let changed = caller
        .0
        .patch(url)
        .bearer_auth(&admin_token)
        .header("If-Match", format!("\"{version}\""))
        .json(&json!({"roles": []}))
        .send()
        .await
        .expect("an answer");
    assert_eq!(changed.status(), StatusCode::OK);
    let start = Instant::now();
    assert_eq!(caller.status(one, "entities", &token).await, StatusCode::FORBIDDEN, "at once");
    until("refused by the other node", || async {
        caller.status(other, "entities", &token).await == StatusCode::FORBIDDEN
    })
    .await;
    start.elapsed()
}

/// A session ended at one node is refused by the other; returns how late.
async fn a_sign_out_bites(caller: &Caller, one: &Node, other: &Node) -> Duration {
    let (status, tokens) = caller.sign_in(one, EMAIL, SECRET).await;
    assert_eq!(status, StatusCode::OK);
    let token = text(&tokens["access_token"]);
    assert_eq!(caller.status(other, "me", &token).await, StatusCode::OK);
    let out = caller.call(one, Method::POST, "auth/logout", &token, Value::Null).await.0;
    assert!(out.is_success(), "{out}");
    until("signed out at the other node", || async {
        caller.status(other, "me", &token).await == StatusCode::UNAUTHORIZED
    })
    .await
}

async fn told(events: &mut EventStream, id: Uuid) {
    let wanted = async {
        while let Some(event) = events.next().await {
            if event.expect("an event").record_id == id {
                return;
            }
        }
        panic!("the stream ended");
    };
    tokio::time::timeout(child::PATIENCE, wanted).await.expect("the event");
}

/// A change at one node is told by the other; returns how late.
async fn a_change_is_told(one: &Node, other: &Node, code: &str) -> Duration {
    let here = one.client().tenant(SLUG).sign_in(EMAIL, SECRET).await.expect("the Admin");
    let there = other.client().tenant(SLUG).sign_in(EMAIL, SECRET).await.expect("the Admin");
    let before = there.dashboard().await.expect("a dashboard").position;
    let mut events = there.events().after(before).open();
    // Not before the stream stands, or its own beginning would find the change.
    let first = here.entities().create(lot(&format!("{code}-0"))).await.expect("a lot");
    told(&mut events, first.id).await;
    let mut longest = Duration::ZERO;
    for n in 1..=5 {
        let made = here.entities().create(lot(&format!("{code}-{n}"))).await.expect("a lot");
        let start = Instant::now();
        told(&mut events, made.id).await;
        longest = longest.max(start.elapsed());
    }
    let start = Instant::now();
    until("counted by the other node", || async {
        let (one, other) = (here.dashboard().await, there.dashboard().await);
        let (one, other) = (one.expect("a dashboard"), other.expect("a dashboard"));
        one.entities.total == other.entities.total
    })
    .await;
    assert!(start.elapsed() < STALE_FOR + SLACK, "{:?}", start.elapsed());
    longest
}

fn lot(code: &str) -> EntityIn {
    EntityIn::new(code, "Salvia nemorosa", EntityType::Cutting, 100)
}

/// Requests that belong together may come to different nodes.
async fn neither_node_is_special(caller: &Caller, one: &Node, other: &Node) {
    let (_, tokens) = caller.sign_in(one, EMAIL, SECRET).await;
    let token = text(&tokens["access_token"]);
    let body = json!({"code": "ONCE-1", "name": "Once", "type": "cutting", "quantity": 1});
    let (status, first, _) = caller.call(one, Method::POST, "entities", &token, body.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{first}");
    let (status, again, headers) = caller.call(other, Method::POST, "entities", &token, body).await;
    assert_eq!((status, &again), (StatusCode::CREATED, &first), "answered as the first time");
    assert!(headers.contains_key("idempotency-replayed"), "{headers:?}");

    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    let (status, here, _) =
        caller.call(one, Method::POST, "auth/refresh", "", refresh.clone()).await;
    assert_eq!(status, StatusCode::OK, "{here}");
    let (status, there, _) = caller.call(other, Method::POST, "auth/refresh", "", refresh).await;
    assert_eq!(status, StatusCode::OK, "{there}");
    assert_eq!(here["refresh_token"], there["refresh_token"], "one successor");
    let next = json!({"refresh_token": here["refresh_token"]});
    let (status, next, _) = caller.call(other, Method::POST, "auth/refresh", "", next).await;
    assert_eq!(status, StatusCode::OK, "{next}");
    assert_eq!(caller.status(one, "me", &text(&next["access_token"])).await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_with_redis_are_one_service_also_while_redis_is_away() {
    let mut server = redis::Server::new(&[]);
    server.start();
    let installation = Installation::new(mariadb::address(), Some(server.url()), "redis");
    let (one, other) = (installation.any_node(), installation.any_node());
    provision(&one).await;
    let caller = Caller::new();
    for node in [&one, &other] {
        until("up", || async { caller.ready(node).await.expect("an answer").1["status"] == "up" })
            .await;
    }
    neither_node_is_special(&caller, &one, &other).await;
    let rights = a_change_of_rights_bites(&caller, &one, &other, "early").await;
    let out = a_sign_out_bites(&caller, &other, &one).await;
    let told = a_change_is_told(&one, &other, "EARLY").await;
    println!("with Redis: rights {rights:?}, sign-out {out:?}, events {told:?}");
    assert!(rights < STALE_FOR + SLACK && out < STALE_FOR + SLACK && told < STALE_FOR + SLACK);
    let (verdict, detail) = installation.doctor();
    assert_eq!((&*verdict, &*detail), ("ok", "2 serving; Redis answers"));
    // Guesses count wherever they are made: by itself, a node refuses its fifth at the earliest.
    let mut refused = false;
    for n in 0..8 {
        let node = if n % 2 == 0 { &one } else { &other };
        let (status, _) = caller.sign_in(node, "guessed@acme.example", "a wild guess").await;
        refused |= status == StatusCode::TOO_MANY_REQUESTS;
        assert!(refused || status == StatusCode::UNAUTHORIZED, "{status}");
    }
    assert!(refused, "guesses at two nodes are guesses at one");

    server.kill();
    for node in [&one, &other] {
        until("degraded", || async {
            let (status, body) = caller.ready(node).await.expect("an answer");
            assert_eq!(status, StatusCode::OK, "{body}");
            body["status"] == "degraded"
        })
        .await;
    }
    let (verdict, detail) = installation.doctor();
    assert!(verdict == "warning" && detail.starts_with("2 serving; Redis does not"), "{detail}");
    let rights = a_change_of_rights_bites(&caller, &one, &other, "meanwhile").await;
    let out = a_sign_out_bites(&caller, &other, &one).await;
    let told = a_change_is_told(&one, &other, "MEANWHILE").await;
    println!("Redis away: rights {rights:?}, sign-out {out:?}, events {told:?}");
    assert!(rights < STALE_FOR + SLACK && out < STALE_FOR + SLACK && told < STALE_FOR + SLACK);

    server.start();
    for node in [&one, &other] {
        until("up again", || async {
            caller.ready(node).await.expect("an answer").1["status"] == "up"
        })
        .await;
    }
    let rights = a_change_of_rights_bites(&caller, &other, &one, "late").await;
    let told = a_change_is_told(&other, &one, "LATE").await;
    println!("Redis back: rights {rights:?}, events {told:?}");
    until("up still", || async {
        caller.ready(&one).await.expect("an answer").1["status"] == "up"
    })
    .await;
    let metrics = caller.0.get(format!("{}/metrics", one.base())).bearer_auth(PLATFORM_KEY);
    let metrics = metrics.send().await.expect("an answer").text().await.expect("metrics");
    assert!(metrics.contains("vivero_redis_away 0"), "{metrics}");
    let made = metrics.lines().find_map(|line| line.strip_prefix("vivero_redis_connections "));
    assert!(made.is_some_and(|made| made.parse::<u32>().is_ok_and(|n| n >= 2)), "{metrics}");

    // One that hangs costs no more than one that is gone.
    server.signal("-STOP");
    let start = Instant::now();
    let (status, _) = caller.sign_in(&one, EMAIL, SECRET).await;
    assert_eq!(status, StatusCode::OK);
    assert!(start.elapsed() < SLACK, "{:?}", start.elapsed());
    assert_eq!(caller.ready(&one).await.expect("an answer").1["status"], "degraded");
    server.signal("-CONT");
    until("up again", || async {
        caller.ready(&one).await.expect("an answer").1["status"] == "up"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_leaves_its_work_to_the_others() {
    let installation = Installation::new(mariadb::address(), Some(redis::address()), "killed");
    let (one, other) = (installation.any_node(), installation.any_node());
    provision(&one).await;
    // Whoever writes first has the lease to seal.
    let here = one.client().tenant(SLUG).sign_in(EMAIL, SECRET).await.expect("the Admin");
    let there = other.client().tenant(SLUG).sign_in(EMAIL, SECRET).await.expect("the Admin");
    let mut events = there.events().after(0).open();
    let first = here.entities().create(lot("FIRST")).await.expect("a lot");
    told(&mut events, first.id).await;
    one.kill();
    let start = Instant::now();
    for n in 0..3 {
        let made = there.entities().create(lot(&format!("THEN-{n}"))).await.expect("a lot");
        told(&mut events, made.id).await;
    }
    println!("after a node was killed: three events in {:?}", start.elapsed());
    assert!(start.elapsed() < 3 * STALE_FOR + SLACK, "{:?}", start.elapsed());
    let report = there.audit().verify().await.expect("a report");
    assert!(report.breaks.is_empty(), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_without_redis_are_one_service_a_second_late() {
    let installation = Installation::new(mariadb::address(), None, "alone");
    let (one, other) = (installation.any_node(), installation.any_node());
    provision(&one).await;
    let caller = Caller::new();
    assert_eq!(caller.ready(&one).await.expect("an answer").1["status"], "up");
    neither_node_is_special(&caller, &one, &other).await;
    let rights = a_change_of_rights_bites(&caller, &one, &other, "early").await;
    let out = a_sign_out_bites(&caller, &other, &one).await;
    let told = a_change_is_told(&one, &other, "EARLY").await;
    println!("without Redis: rights {rights:?}, sign-out {out:?}, events {told:?}");
    assert!(rights < STALE_FOR + SLACK && out < STALE_FOR + SLACK && told < STALE_FOR + SLACK);
}

/// What writers know.
#[derive(Default)]
struct Ledger {
    acknowledged: Mutex<BTreeMap<String, Uuid>>,
    failed: Mutex<Vec<String>>,
    number: AtomicU64,
    over: AtomicBool,
}

/// Writes lot after lot, each by the other of two clients, until told to stop.
async fn write(clients: [TenantClient; 2], name: String, ledger: Arc<Ledger>) {
    for number in 0.. {
        if ledger.over.load(Ordering::SeqCst) {
            return;
        }
        let code = format!("{name}-{number}");
        match clients[number % 2].entities().create(lot(&code)).await {
            Ok(made) => {
                ledger.acknowledged.lock().expect("the ledger").insert(code, made.id);
                ledger.number.fetch_add(1, Ordering::SeqCst);
            }
            Err(e) => ledger.failed.lock().expect("the ledger").push(format!("{code}: {e:?}")),
        }
    }
}

async fn more(ledger: &Ledger, number: u64) {
    let goal = ledger.number.load(Ordering::SeqCst) + number;
    until("more lots", || async {
        let failed = ledger.failed.lock().expect("the ledger").clone();
        assert!(failed.is_empty(), "{failed:?}");
        ledger.number.load(Ordering::SeqCst) >= goal
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_is_restarted_under_load_and_nobody_notices() {
    let installation = Installation::new(mariadb::address(), Some(redis::address()), "restart");
    let mut nodes = [installation.any_node(), installation.any_node()];
    provision(&nodes[0]).await;
    let balancer = Balancer::start(&[nodes[0].address, nodes[1].address]).await;
    let sign_in = || async {
        client(balancer.address).tenant(SLUG).sign_in(EMAIL, SECRET).await.expect("the Admin")
    };
    let ledger = Arc::new(Ledger::default());
    let mut writers = Vec::new();
    for n in 0..6 {
        let clients = [sign_in().await, sign_in().await];
        writers.push(tokio::spawn(write(clients, format!("W{n}"), Arc::clone(&ledger))));
    }
    let reader = sign_in().await;
    let mut events = reader.events().after(0).open();
    let seen: Arc<Mutex<HashMap<Uuid, u64>>> = Arc::default();
    let position = Arc::new(AtomicU64::new(0));
    let (noted, at) = (Arc::clone(&seen), Arc::clone(&position));
    let follows = tokio::spawn(async move {
        while let Some(event) = events.next().await {
            let event = event.expect("an event");
            let before = at.swap(event.position, Ordering::SeqCst);
            assert!(event.position > before, "in order, each once");
            if event.action == "entity.create" {
                let was =
                    noted.lock().expect("what was seen").insert(event.record_id, event.position);
                assert_eq!(was, None, "told twice");
            }
        }
        panic!("the stream ended");
    });

    more(&ledger, 60).await;
    for node in &mut nodes {
        let address = node.address;
        let start = Instant::now();
        node.stop().await;
        println!("{address} stopped after {:?}", start.elapsed());
        more(&ledger, 60).await;
        *node = installation.node(address);
        let caller = Caller::new();
        until("ready", || async {
            caller.ready(node).await.is_some_and(|(status, _)| status == StatusCode::OK)
        })
        .await;
        println!("{address} back after {:?}", start.elapsed());
        more(&ledger, 60).await;
    }
    ledger.over.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.expect("a writer");
    }
    let acknowledged = std::mem::take(&mut *ledger.acknowledged.lock().expect("the ledger"));
    let failed = ledger.failed.lock().expect("the ledger").clone();
    assert!(failed.is_empty(), "{failed:?}");
    until("all told", || async {
        assert!(!follows.is_finished(), "the stream ended");
        seen.lock().expect("what was seen").len() >= acknowledged.len()
    })
    .await;
    follows.abort();
    let seen = seen.lock().expect("what was seen").clone();
    assert_eq!(seen.len(), acknowledged.len(), "nothing is there that nobody wrote");
    for (code, id) in &acknowledged {
        assert!(seen.contains_key(id), "{code} was never told");
        let stored = reader.entities().get(*id).await.expect("the lot");
        assert_eq!(&stored.code, code);
    }
    let report = reader.audit().verify().await.expect("a report");
    assert!(report.breaks.is_empty(), "{report:?}");
    println!("{} lots acknowledged, none failed, none lost", acknowledged.len());
}
