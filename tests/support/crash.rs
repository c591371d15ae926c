//! What the crash tests share: chance with a seed, a server to kill, and its answers.

use super::child::{PATIENCE, Running, vivero};
use futures_util::StreamExt as _;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, SystemTime};

pub(crate) const SLUG: &str = "crash-nursery";
pub(crate) const API: &str = "/api/v1/crash-nursery";
pub(crate) const EMAIL: &str = "owner@crash.example";
pub(crate) const SECRET: &str = "correct horse battery";
const KEY: &str = "vpk_crash-tests-0123456789-0123456789";

/// Chance. The seed is printed, and taken from `VIVERO_CRASH_SEED` if it is set.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new() -> Self {
        let given = std::env::var("VIVERO_CRASH_SEED").ok().and_then(|s| s.parse().ok());
        let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time");
        let seed = given.unwrap_or_else(|| u64::from(now().subsec_nanos()) | 1);
        eprintln!("VIVERO_CRASH_SEED={seed}");
        Self(seed)
    }
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
    pub(crate) fn millis(&mut self, bound: u64) -> Duration {
        Duration::from_millis(self.below(bound))
    }
}

/// A served installation.
pub(crate) struct Server {
    process: Running,
    pub(crate) base: String,
    http: Client,
}

impl Server {
    pub(crate) fn start(data: &Path) -> Self {
        let mut command = vivero(data);
        command.args(["serve", "--listen", "127.0.0.1:0", "--json"]);
        command
            .env("VIVERO_PLATFORM_KEY", KEY)
            .env("VIVERO_SIGN_IN_PER_SECOND", "0")
            .env("VIVERO_LOG", "error");
        let process = Running::start(&mut command, false);
        let line: Value = serde_json::from_str(&process.line()).expect("the first line");
        let base = line["base_url"].as_str().expect("an address").to_owned();
        let http = Client::builder().timeout(Duration::from_secs(60)).build().expect("a client");
        Self { process, base, http }
    }

    pub(crate) fn kill(self) {
        self.process.kill();
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller { http: self.http.clone(), base: self.base.clone(), token: String::new() }
    }
}

/// Someone who calls a server.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) http: Client,
    pub(crate) base: String,
    pub(crate) token: String,
}

impl Caller {
    /// Status and body; nothing if the server was gone before the answer was complete.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Option<(u16, Value)> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if !key.is_empty() {
            request = request.header("Idempotency-Key", key);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, response.json().await.ok()?))
    }

    /// What must succeed.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) =
            self.call(Method::GET, path, "", &Value::Null).await.expect("an answer");
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) async fn sign_up(&self, slug: &str, key: &str) -> Option<(u16, Value)> {
        let body = json!({"organization": slug, "slug": slug, "email": EMAIL, "password": SECRET});
        self.call(Method::POST, "/api/v1/trials", key, &body).await
    }

    pub(crate) async fn sign_in(&mut self, slug: &str) -> u16 {
        let body = json!({"email": EMAIL, "password": SECRET});
        let path = format!("/api/v1/{slug}/auth/login");
        let (status, tokens) = self.call(Method::POST, &path, "", &body).await.expect("an answer");
        self.token = tokens["access_token"].as_str().unwrap_or_default().to_owned();
        status
    }
}

/// Follows the events from a position on, as a client that reconnects does.
pub(crate) struct Follower {
    pub(crate) position: u64,
    pub(crate) seen: Vec<(u64, String, String)>,
}

impl Follower {
    /// Reads until the stream breaks off or everything up to `until` was seen.
    pub(crate) async fn follow(&mut self, caller: &Caller, until: u64) {
        let request = caller.http.get(format!("{}{API}/events", caller.base));
        let request = request.timeout(PATIENCE).bearer_auth(&caller.token);
        let request = request.header("Last-Event-ID", self.position.to_string());
        let Ok(response) = request.send().await else { return };
        assert_eq!(response.status(), 200);
        let (mut stream, mut rest) = (response.bytes_stream(), String::new());
        while self.position < until {
            let Some(Ok(bytes)) = stream.next().await else { return };
            rest += std::str::from_utf8(&bytes).expect("UTF-8 in whole characters");
            while let Some((event, after)) = rest.split_once("\n\n") {
                self.take(event);
                rest = after.to_owned();
            }
        }
    }

    fn take(&mut self, event: &str) {
        let field = |name: &str| event.lines().find_map(|l| l.strip_prefix(name));
        // The greeting gives the position to go on from, and no event.
        let (Some(id), Some(data)) = (field("id: "), field("data: ")) else { return };
        let data: Value = serde_json::from_str(data).expect("JSON");
        let position: u64 = id.parse().expect("a position");
        assert!(position > self.position, "{position} after {}", self.position);
        assert_eq!(data["position"], json!(position));
        let text = |name: &str| data[name].as_str().expect("text").to_owned();
        self.position = position;
        self.seen.push((position, text("action"), text("record_id")));
    }
}

/// The audit trail, oldest first: each entry's position, action and record.
pub(crate) async fn trail(caller: &Caller) -> Vec<(u64, String, String)> {
    let mut found = Vec::new();
    let mut before = String::new();
    loop {
        let page = caller.get(&format!("{API}/audit?limit=200{before}")).await;
        for entry in page["items"].as_array().expect("items") {
            let text = |name: &str| entry[name].as_str().expect("text").to_owned();
            found.push((
                entry["position"].as_u64().expect("a position"),
                text("action"),
                text("record_id"),
            ));
        }
        match page["next_before"].as_u64() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    found.reverse();
    let positions: Vec<u64> = found.iter().map(|e| e.0).collect();
    assert_eq!(positions, (1..=found.len() as u64).collect::<Vec<_>>(), "positions have a gap");
    found
}
