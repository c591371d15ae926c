//! What the crash tests share: chance with a seed, a server to kill, and its answers.

use super::child::{Running, vivero};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, SystemTime};

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
        command.env("VIVERO_PLATFORM_KEY", KEY).env("VIVERO_SIGN_IN_PER_SECOND", "0").env("VIVERO_LOG", "error");
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
    pub(crate) async fn call(&self, method: Method, path: &str, key: &str, body: &Value) -> Option<(u16, Value)> {
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
        let (status, body) = self.call(Method::GET, path, "", &Value::Null).await.expect("an answer");
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
