//! Redis (6.2 or newer) or Valkey.
//!
//! One connection carries everything: commands, and, as RESP3 pushes, what others announce. So there is one
//! thing to know about the server, whether this connection stands, and a request never waits for it to be
//! made again. While it does not stand, all is decided by this process alone.

mod link;
mod scripts;

use async_trait::async_trait;
use link::Link;
use redis::{ProtocolVersion, RedisResult};
use scripts::Scripts;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vivero_core::shared::{Backoff, Decision, Quota, Reach, SharedStats, Topic};
use vivero_core::{Clock, Error, LocalShared, Result, Shared, Uuid};

/// What a certificate as PEM begins with.
const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// How a Redis server is used.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// First letters of every key and channel: installations on one server need different ones. 1 to 64
    /// letters, digits, `:`, `_` and `-`.
    pub prefix: String,
    /// No call waits longer; what takes longer counts as the server being away. Default 50 ms.
    pub timeout: Duration,
    /// How long to leave an absent server alone before trying again, about. Default 1 s.
    pub retry: Duration,
    /// Certificates of the authorities the server's is checked against, as PEM; the system's if absent.
    /// For `rediss://` only.
    pub ca: Option<Vec<u8>>,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            prefix: "vivero".into(),
            timeout: Duration::from_millis(50),
            retry: Duration::from_secs(1),
            ca: None,
        }
    }
}

/// What the processes of an installation share, over Redis or Valkey.
///
/// Limits and waits run by the server's clock. While the server is away they hold with the same numbers
/// for each process alone.
#[derive(Debug)]
pub struct RedisShared {
    link: Arc<Link>,
    scripts: Scripts,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

impl RedisShared {
    /// Connects to `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, or with TLS to `rediss://…`, which
    /// trusts [`RedisOptions::ca`], or else what the system trusts. `me` tells this process from
    /// others. A server that does not answer is not an error: it is tried again from time to time.
    ///
    /// Errors: [`Error::Invalid`] for an address that cannot be read or credentials the server refuses.
    /// It never repeats the address.
    pub async fn open(
        url: &str,
        options: RedisOptions,
        me: Uuid,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let invalid = |message: &str| Error::invalid("redis_url", "redis_url", message);
        if options.prefix.is_empty()
            || options.prefix.len() > 64
            || !options.prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b":_-".contains(&b))
        {
            let message = "must have 1 to 64 letters, digits, `:`, `_` or `-`";
            return Err(Error::invalid("redis_prefix", "redis_prefix", message));
        }
        if !url.starts_with("redis://") && !url.starts_with("rediss://") {
            return Err(invalid("must begin with redis:// or rediss://"));
        }
        if url.contains('#') {
            return Err(invalid("must not have a #: certificates are always checked"));
        }
        if url.starts_with("rediss://") {
            // Fails if the program has chosen one already, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let client = redis::Client::open(url)
            .map_err(|_| invalid("must be redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]"))?;
        let info = client.get_connection_info().clone();
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let info = info.set_redis_settings(settings);
        let client = match &options.ca {
            None => redis::Client::open(info),
            Some(_) if !url.starts_with("rediss://") => {
                return Err(invalid("must begin with rediss:// if authorities are given"));
            }
            // Without any, the client would go on and trust nobody, without saying so.
            Some(ca) if !ca.windows(PEM.len()).any(|part| part == PEM) => {
                return Err(invalid("cannot be used: its authorities must be certificates as PEM"));
            }
            Some(ca) => {
                let root_cert = Some(ca.clone());
                let certificates = redis::TlsCertificates { client_tls: None, root_cert };
                redis::Client::build_with_tls(info, certificates)
            }
        };
        let client = client.map_err(|_| {
            invalid("cannot be used; authorities, if given, must be certificates as PEM")
        })?;
        let link = Arc::new(Link::new(client, options, me, LocalShared::new(clock)));
        let first = match link.connect().await {
            Ok(pushes) => Some(pushes),
            Err(e) if link::is_refusal(&e) => {
                return Err(invalid(&format!("the server refuses the credentials ({e})")));
            }
            Err(error) => {
                tracing::warn!(%error, "Redis is away: this process keeps to itself until it is there");
                None
            }
        };
        let keeper = tokio::spawn(Arc::clone(&link).keep(first));
        Ok(Self { link, scripts: Scripts::default(), keeper: Mutex::new(Some(keeper)) })
    }

    fn key(&self, kind: &str, key: &str) -> String {
        format!("{}:{kind}:{key}", self.link.options.prefix)
    }
    fn local(&self) -> &LocalShared {
        &self.link.local
    }
    fn alone(&self) {
        self.link.alone.fetch_add(1, Ordering::Relaxed);
    }
    fn stop(&self) {
        if let Some(keeper) = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take() {
            keeper.abort();
        }
        self.link.close();
    }
}

impl Drop for RedisShared {
    fn drop(&mut self) {
        self.stop();
    }
}

#[async_trait]
impl Shared for RedisShared {
    fn version(&self, topic: &Topic) -> u64 {
        self.local().versions().get(topic)
    }

    fn watch(&self, topic: &Topic) -> watch::Receiver<u64> {
        self.local().versions().watch(topic)
    }

    async fn announce(&self, topic: &Topic) -> u64 {
        let version = self.local().announce(topic).await;
        let (link, message) = (Arc::clone(&self.link), self.link.message(topic));
        // A task of its own: whoever gives up waiting does not take the announcement along.
        let told = tokio::spawn(async move {
            let channel = link.channel();
            link.call(|mut connection| async move {
                redis::cmd("PUBLISH")
                    .arg(channel)
                    .arg(message)
                    .query_async::<i64>(&mut connection)
                    .await
            })
            .await
        });
        let _ = told.await;
        version
    }

    async fn take(&self, key: &str, quota: Quota, cost: u32) -> Decision {
        let name = self.key("rate", key);
        match self.link.call(|connection| self.scripts.take(connection, name, quota, cost)).await {
            Some(decision) => decision,
            None => {
                self.alone();
                self.local().take_now(key, quota, cost)
            }
        }
    }

    async fn wait(&self, key: &str) -> Duration {
        let name = self.key("wait", key);
        match self.link.call(|connection| self.scripts.wait(connection, name)).await {
            Some(wait) => wait,
            None => {
                self.alone();
                self.local().wait_now(key)
            }
        }
    }

    async fn failed(&self, key: &str, backoff: Backoff) -> Duration {
        // Noted here, too: should the server be lost, this process still knows its own share.
        let local = self.local().failed_now(key, backoff);
        let name = self.key("wait", key);
        match self.link.call(|connection| self.scripts.failed(connection, name, backoff)).await {
            Some(wait) => wait,
            None => {
                self.alone();
                local
            }
        }
    }

    async fn succeeded(&self, key: &str) {
        self.local().succeeded_now(key);
        let name = self.key("wait", key);
        let forget = |mut connection| async move {
            let done: RedisResult<i64> =
                redis::cmd("DEL").arg(name).query_async(&mut connection).await;
            done
        };
        if self.link.call(forget).await.is_none() {
            self.alone();
        }
    }

    fn stats(&self) -> SharedStats {
        SharedStats {
            reach: if self.link.is_up() { Reach::Connected } else { Reach::Away },
            announced: self.local().stats().announced,
            received: self.link.received.load(Ordering::Relaxed),
            connected: self.link.connected.load(Ordering::Relaxed),
            decided_alone: self.link.alone.load(Ordering::Relaxed),
        }
    }

    async fn close(&self) {
        self.stop();
    }
}
