//! The tenant's API as the load sees it: where it is, who is signed in, how requests are written.

use super::http::{Answer, Connection};
use crate::Failure;
use serde::Deserialize;
use serde_json::Value as Json;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Tokens live for 15 minutes; a run starts with one that has some left.
const USE_TOKEN_FOR: Duration = Duration::from_secs(14 * 60);
/// How long a sign-in is tried again.
const SIGN_IN: Duration = Duration::from_secs(30);

/// What `vivero demo --json` prints, as far as it is needed here.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Demo {
    base_url: String,
    tenant: String,
    email: String,
    password: String,
    /// Opens the platform API.
    pub(crate) platform_key: String,
}

/// Where a server is.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    /// As in the `Host` header.
    pub(crate) host: String,
    /// What comes before every path; mostly nothing.
    pub(crate) prefix: String,
}

impl Demo {
    /// Someone else, of another tenant of the same server.
    pub(crate) fn of(&self, tenant: String, email: String, password: &str) -> Self {
        Self { tenant, email, password: password.to_owned(), ..self.clone() }
    }

    /// Looks up the server's address.
    pub(crate) async fn find(&self) -> Result<Origin, Failure> {
        let url = self.base_url.trim_end_matches('/');
        let rest = url.strip_prefix("http://").ok_or("base_url must start with http://")?;
        let (host, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let has_port = host.rsplit(']').next().is_some_and(|end| end.contains(':'));
        let name = if has_port { host.to_owned() } else { format!("{host}:80") };
        let address = tokio::net::lookup_host(&name).await?.next();
        let address = address.ok_or("base_url names no address")?;
        Ok(Origin { address, host: host.to_owned(), prefix: prefix.to_owned() })
    }
}

/// The part of a page that paging needs.
#[derive(Debug, Deserialize)]
pub(crate) struct PageHead {
    pub(crate) next_cursor: Option<String>,
    pub(crate) total: Option<u64>,
}

/// A signed-in user of one tenant.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    host: Arc<str>,
    root: Arc<str>,
    credentials: Arc<str>,
    /// Every header line that a signed-in request has, and the empty line.
    tail: Arc<[u8]>,
    signed_in: Option<Instant>,
}

impl Api {
    /// Finds the server and signs in.
    pub(crate) async fn open(demo: &Demo) -> Result<Self, Failure> {
        let origin = demo.find().await?;
        let credentials =
            serde_json::json!({ "email": demo.email, "password": demo.password }).to_string();
        let mut api = Self {
            address: origin.address,
            root: format!("{}/api/v1/{}", origin.prefix, demo.tenant).into(),
            host: origin.host.into(),
            credentials: credentials.into(),
            tail: Arc::from([].as_slice()),
            signed_in: None,
        };
        api.sign_in(Duration::ZERO).await?;
        Ok(api)
    }

    /// Signs in anew unless the token lasts for another `needed`.
    pub(crate) async fn sign_in(&mut self, needed: Duration) -> Result<(), Failure> {
        if self.signed_in.is_some_and(|at| at.elapsed() + needed < USE_TOKEN_FOR) {
            return Ok(());
        }
        let tokens = self.login(&mut Connection::new(self.address)).await?;
        let token =
            tokens["access_token"].as_str().ok_or("the login answer has no access_token")?;
        self.tail = format!("host: {}\r\nauthorization: Bearer {token}\r\n\r\n", self.host)
            .into_bytes()
            .into();
        self.signed_in = Some(Instant::now());
        Ok(())
    }

    /// Signs in and returns the tokens.
    pub(crate) async fn login(&self, connection: &mut Connection) -> Result<Json, Failure> {
        let mut request = Vec::new();
        self.write_open(&mut request, "/auth/login", self.credentials.as_bytes());
        let since = Instant::now();
        loop {
            let answer = connection.exchange(&request).await?;
            if answer.is_success() {
                return Ok(serde_json::from_slice(answer.body)?);
            }
            // Many connections that sign in at once meet the limit on attempts.
            if answer.status != 429 || since.elapsed() > SIGN_IN {
                return Err(refused("sign-in", &answer).into());
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// What the sign-in sends.
    pub(crate) fn credentials(&self) -> &[u8] {
        self.credentials.as_bytes()
    }

    /// The request target of `path`, which starts with `/` below the tenant.
    pub(crate) fn target(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    /// Writes a GET of a whole target into `request`.
    pub(crate) fn write_get(&self, request: &mut Vec<u8>, target: &str) {
        request.clear();
        request.extend_from_slice(b"GET ");
        request.extend_from_slice(target.as_bytes());
        request.extend_from_slice(b" HTTP/1.1\r\n");
        request.extend_from_slice(&self.tail);
    }

    /// Writes a request with a body; `headers` are whole lines.
    pub(crate) fn write(
        &self,
        request: &mut Vec<u8>,
        method: &str,
        path: &str,
        headers: &[u8],
        body: &[u8],
    ) {
        self.write_start(request, method, path, body.len());
        request.extend_from_slice(headers);
        request.extend_from_slice(&self.tail);
        request.extend_from_slice(body);
    }

    /// Writes a POST of someone who is not signed in.
    pub(crate) fn write_open(&self, request: &mut Vec<u8>, path: &str, body: &[u8]) {
        self.write_start(request, "POST", path, body.len());
        request.extend_from_slice(b"host: ");
        request.extend_from_slice(self.host.as_bytes());
        request.extend_from_slice(b"\r\n\r\n");
        request.extend_from_slice(body);
    }

    fn write_start(&self, request: &mut Vec<u8>, method: &str, path: &str, length: usize) {
        request.clear();
        // Writing into a Vec cannot fail.
        let _ = write!(
            request,
            "{method} {}{path} HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n",
            self.root
        );
    }

    /// Gets `path` and reads its JSON.
    pub(crate) async fn get<T: for<'de> Deserialize<'de>>(
        &self,
        connection: &mut Connection,
        path: &str,
    ) -> Result<T, Failure> {
        let mut request = Vec::new();
        self.write_get(&mut request, &self.target(path));
        let answer = connection.exchange(&request).await?;
        if !answer.is_success() {
            return Err(refused(path, &answer).into());
        }
        serde_json::from_slice(answer.body).map_err(|error| format!("GET {path}: {error}").into())
    }
}

/// An answer that is no success, in one line.
pub(crate) fn refused(what: &str, answer: &Answer<'_>) -> String {
    let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(600)]);
    format!("{what}: status {}: {}", answer.status, body.trim())
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
