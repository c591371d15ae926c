//! The connection: made, watched, and made again.

use super::RedisOptions;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, PushInfo, PushKind, RedisError, RedisResult, Value,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use vivero_core::shared::Topic;
use vivero_core::{LocalShared, Uuid};

/// How long making a connection may take. No request waits for it.
const CONNECTING: Duration = Duration::from_secs(2);
/// How often a connection that nobody uses is asked whether it still stands.
const BEAT: Duration = Duration::from_secs(1);

/// A connection that stands, as far as is known.
#[derive(Clone)]
struct Up {
    connection: MultiplexedConnection,
    /// Told when a call found that it does not.
    lost: Arc<Notify>,
}

pub(super) struct Link {
    client: Client,
    pub(super) options: RedisOptions,
    /// Tells our own announcements from others'.
    me: Uuid,
    pub(super) local: LocalShared,
    up: RwLock<Option<Up>>,
    pub(super) received: AtomicU64,
    pub(super) connected: AtomicU64,
    pub(super) alone: AtomicU64,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client's address may hold a password.
        f.debug_struct("Link").field("options", &self.options).finish_non_exhaustive()
    }
}

pub(super) type Pushes = mpsc::UnboundedReceiver<PushInfo>;

/// Whether the server refuses us, and would again.
pub(super) fn is_refusal(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("WRONGPASS" | "NOAUTH" | "NOPERM"))
}

impl Link {
    pub(super) fn new(client: Client, options: RedisOptions, me: Uuid, local: LocalShared) -> Self {
        Self {
            client,
            options,
            me,
            local,
            up: RwLock::new(None),
            received: AtomicU64::new(0),
            connected: AtomicU64::new(0),
            alone: AtomicU64::new(0),
        }
    }

    pub(super) fn channel(&self) -> String {
        format!("{}:changes", self.options.prefix)
    }

    pub(super) fn message(&self, topic: &Topic) -> String {
        format!("{} {topic}", self.me.simple())
    }

    pub(super) fn is_up(&self) -> bool {
        self.up.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Asks the server, if it is there; `None` if it is not or does not answer in time, and then it is not
    /// asked again until [`Link::keep`] has connected anew.
    pub(super) async fn call<T, F>(&self, ask: impl FnOnce(MultiplexedConnection) -> F) -> Option<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let up = self.up.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        match timeout(self.options.timeout, ask(up.connection.clone())).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                self.lose(&up, &error.to_string());
                None
            }
            Err(_) => {
                self.lose(&up, "no answer in time");
                None
            }
        }
    }

    fn lose(&self, up: &Up, why: &str) {
        let mut held = self.up.write().unwrap_or_else(PoisonError::into_inner);
        // Another call may have noticed before, and a new connection may stand already.
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(&held.lost, &up.lost)) {
            *held = None;
            tracing::warn!(why, "Redis is lost: this process keeps to itself until it is back");
            up.lost.notify_one();
        }
    }

    pub(super) fn close(&self) {
        *self.up.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Connects and subscribes. Announcements from before it are made up for by moving every version on.
    pub(super) async fn connect(&self) -> RedisResult<(Pushes, Arc<Notify>)> {
        let (sender, pushes) = mpsc::unbounded_channel();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECTING))
            .set_response_timeout(Some(CONNECTING))
            .set_push_sender(sender);
        let mut connection =
            self.client.get_multiplexed_async_connection_with_config(&config).await?;
        connection.subscribe(self.channel()).await?;
        self.local.versions().bump_all();
        let lost = Arc::new(Notify::new());
        let up = Up { connection, lost: Arc::clone(&lost) };
        *self.up.write().unwrap_or_else(PoisonError::into_inner) = Some(up);
        self.connected.fetch_add(1, Ordering::Relaxed);
        Ok((pushes, lost))
    }

    /// Keeps a connection for as long as the program runs.
    pub(super) async fn keep(self: Arc<Self>, mut first: Option<(Pushes, Arc<Notify>)>) {
        loop {
            let connected = match first.take() {
                Some(connected) => Some(connected),
                None => match self.connect().await {
                    Ok(connected) => {
                        tracing::info!("Redis is there again");
                        Some(connected)
                    }
                    Err(error) => {
                        tracing::debug!(%error, "Redis is still away");
                        None
                    }
                },
            };
            if let Some((pushes, lost)) = connected {
                self.listen(pushes, &lost).await;
            }
            // Not all processes at the same moment.
            sleep(self.options.retry.mul_f64(rand::random_range(0.8..1.2))).await;
        }
    }

    /// Passes on what others announce, until the connection is lost.
    async fn listen(&self, mut pushes: Pushes, lost: &Arc<Notify>) {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                push = pushes.recv() => match push {
                    Some(push) if push.kind == PushKind::Message => self.hear(&push.data),
                    Some(push) if push.kind != PushKind::Disconnection => {}
                    _ => {
                        let up = self.up.read().unwrap_or_else(PoisonError::into_inner).clone();
                        if let Some(up) = up.filter(|up| Arc::ptr_eq(&up.lost, lost)) {
                            self.lose(&up, "the connection broke");
                        }
                        return;
                    }
                },
                () = lost.notified() => return,
                _ = beat.tick() => {
                    self.call(|mut connection| async move {
                        redis::cmd("PING").query_async::<String>(&mut connection).await
                    })
                    .await;
                }
            }
        }
    }

    fn hear(&self, data: &[Value]) {
        let Some(Value::BulkString(message)) = data.get(1) else { return };
        let message = String::from_utf8_lossy(message);
        let Some((from, topic)) = message.split_once(' ') else { return };
        if from == self.me.simple().to_string() {
            return;
        }
        self.received.fetch_add(1, Ordering::Relaxed);
        match topic.parse() {
            Ok(topic) => {
                self.local.versions().bump(&topic);
            }
            // A newer version of this program knows more topics: anything may have changed.
            Err(()) => self.local.versions().bump_all(),
        }
    }
}
