//! What the processes of one installation share besides its databases: word of what changed, and the
//! limits that hold for all of them together.
//!
//! [`LocalShared`] is enough for one process; `vivero-store` has one over Redis or Valkey. None of it is
//! ever relied on for being right, only for being quick: what is remembered is never older than
//! [`crate::service::STALE_FOR`], and who waits for news looks again from time to time. So an
//! implementation that lost its server goes on by itself, and says so in [`SharedStats`].

mod limit;
mod local;
mod topic;

pub use limit::{Backoff, Decision, Quota};
pub use local::LocalShared;
pub use topic::{Topic, Versions};

use async_trait::async_trait;
use serde::Serialize;
use std::fmt::Debug;
use std::time::Duration;
use tokio::sync::watch;

/// How the processes of an installation reach each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// There is nothing to reach: this process keeps to itself.
    #[default]
    Local,
    /// Announcements and limits are shared.
    Connected,
    /// They would be shared, but the server does not answer: this process keeps to itself meanwhile.
    Away,
}

/// Figures of what is shared, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SharedStats {
    /// Whether others are reached now.
    pub reach: Reach,
    /// Announcements made by this process.
    pub announced: u64,
    /// Announcements of other processes that arrived.
    pub received: u64,
    /// Connections made: one more than the times the server was lost, if it is there now.
    pub connected: u64,
    /// Limits and waits that were decided by this process alone, because the server was away.
    pub decided_alone: u64,
}

/// What the processes of one installation share.
///
/// Contract: no method fails and none waits longer than a bound the implementation names (in the order of
/// 50 ms). When others cannot be reached, this process does by itself what it can: announcements reach
/// itself, limits hold with the same numbers for it alone. When they are reached again, every version
/// moves on, since anything may have been missed.
#[async_trait]
pub trait Shared: Send + Sync + Debug {
    /// A number that is another one after every announcement of `topic`, by whichever process. Part of
    /// the key of what is remembered: read it *before* reading what is to be remembered, and nothing from
    /// before an announcement is found after it. Numbers of one process never come twice.
    fn version(&self, topic: &Topic) -> u64;
    /// The same number, to wait on.
    fn watch(&self, topic: &Topic) -> watch::Receiver<u64>;
    /// Tells every process that what `topic` names has changed; returns this process's new version.
    /// This process knows at once, also if the future is dropped after its first poll.
    async fn announce(&self, topic: &Topic) -> u64;
    /// Whether `cost` more under `key` keeps within `quota`, and takes it if so: all processes together
    /// let no more through than one would. A `cost` beyond the quota's burst is never let through.
    async fn take(&self, key: &str, quota: Quota, cost: u32) -> Decision;
    /// How long the next try under `key` has to wait after failures noted by [`Shared::failed`]; zero if
    /// it need not.
    async fn wait(&self, key: &str) -> Duration;
    /// Notes a failure under `key`; returns how long the next try has to wait.
    async fn failed(&self, key: &str, backoff: Backoff) -> Duration;
    /// Forgets the failures noted under `key`.
    async fn succeeded(&self, key: &str);
    /// Whether others are reached, and figures.
    fn stats(&self) -> SharedStats;
    /// Ends what runs in the background. Called once, at the end.
    async fn close(&self);
}
