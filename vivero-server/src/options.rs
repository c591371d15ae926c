//! How the server behaves; every default is fit for production behind a TLS proxy.

use std::net::IpAddr;
use std::time::Duration;

/// How often one address may try to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Attempts a second, on average; 0 lifts the limit.
    pub per_second: u32,
    /// Attempts at once.
    pub burst: u32,
}

/// How the server behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOptions {
    /// SHA-256, in hex, of the operators' key. Without one the platform API answers 401.
    pub platform_key_sha256: Option<String>,
    /// Most bytes of a request's body.
    pub body_limit: usize,
    /// Most bytes of a request's path and query.
    pub uri_limit: usize,
    /// A request that takes longer is answered with 503. Event streams are not bounded.
    pub request_timeout: Duration,
    /// The same for an upload of a file.
    pub upload_timeout: Duration,
    /// Silence of the sender after which an upload is given up.
    pub upload_patience: Duration,
    /// Time in which requests under way may end after the server was told to stop.
    pub drain_timeout: Duration,
    /// Time between turning not ready and no longer accepting, for load balancers to notice.
    pub drain_delay: Duration,
    /// Silence on an event stream after which a heartbeat is sent.
    pub heartbeat: Duration,
    /// Most event streams of one tenant.
    pub streams_per_tenant: usize,
    /// Sign-ups, sign-ins, refreshes and accepted invitations, per address.
    pub sign_in_limit: RateLimit,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Origins whose pages may call the API, e.g. `https://app.example.com`.
    pub cors_origins: Vec<String>,
    /// OpenTelemetry collector that gets a span of each request, e.g. `http://127.0.0.1:4318` (OTLP over
    /// HTTP). Needs the feature `otel`.
    pub otlp_endpoint: Option<String>,
    /// Seconds for `Strict-Transport-Security`; sent only if set.
    pub hsts_seconds: Option<u64>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            platform_key_sha256: None,
            body_limit: 1024 * 1024,
            uri_limit: 8 * 1024,
            request_timeout: Duration::from_secs(30),
            upload_timeout: Duration::from_secs(60 * 60),
            upload_patience: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(20),
            drain_delay: Duration::ZERO,
            heartbeat: Duration::from_secs(15),
            streams_per_tenant: 200,
            sign_in_limit: RateLimit { per_second: 10, burst: 50 },
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            otlp_endpoint: None,
            hsts_seconds: None,
        }
    }
}
