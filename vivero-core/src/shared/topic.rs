//! What changes are about, and the versions a process keeps of it.

use crate::ids::TenantId;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use tokio::sync::watch;
use uuid::Uuid;

/// Topics kept at once; beyond it those that nobody waits on are let go, which only looks like a change.
const KEPT: usize = 100_000;

/// What a change is about. As text (`Display`, `FromStr`) it goes from process to process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Topic {
    /// The registry: which tenants there are, their state, plan and flags.
    Tenants,
    /// People, roles, credentials or sessions of a tenant.
    Access(TenantId),
    /// Something of a tenant was committed and waits to be sealed.
    Commits(TenantId),
    /// A tenant's head moved: something was sealed.
    Head(TenantId),
    /// There is work for the job of that name.
    Jobs(Cow<'static, str>),
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenants => f.write_str("tenants"),
            Self::Access(tenant) => write!(f, "access {}", tenant.uuid().simple()),
            Self::Commits(tenant) => write!(f, "commits {}", tenant.uuid().simple()),
            Self::Head(tenant) => write!(f, "head {}", tenant.uuid().simple()),
            Self::Jobs(name) => write!(f, "jobs {name}"),
        }
    }
}

impl FromStr for Topic {
    /// There is no topic of that name, or not yet.
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
        let tenant = || Uuid::try_parse(rest).map(TenantId::from_uuid).map_err(|_| ());
        match kind {
            "tenants" if rest.is_empty() => Ok(Self::Tenants),
            "access" => Ok(Self::Access(tenant()?)),
            "commits" => Ok(Self::Commits(tenant()?)),
            "head" => Ok(Self::Head(tenant()?)),
            "jobs" if !rest.is_empty() => Ok(Self::Jobs(Cow::Owned(rest.to_owned()))),
            _ => Err(()),
        }
    }
}

/// The versions one process keeps: what every implementation of [`super::Shared`] needs.
#[derive(Debug)]
pub struct Versions {
    /// Every version given is a new number of this, so one that was let go never comes back.
    last: AtomicU64,
    topics: RwLock<HashMap<Topic, watch::Sender<u64>>>,
}

impl Default for Versions {
    fn default() -> Self {
        Self { last: AtomicU64::new(0), topics: RwLock::default() }
    }
}

impl Versions {
    /// The version of `topic` now.
    pub fn get(&self, topic: &Topic) -> u64 {
        self.with(topic, |sender| *sender.borrow())
    }

    /// The version of `topic`, to wait on.
    pub fn watch(&self, topic: &Topic) -> watch::Receiver<u64> {
        self.with(topic, watch::Sender::subscribe)
    }

    /// Moves the version of `topic` on and returns it.
    pub fn bump(&self, topic: &Topic) -> u64 {
        self.with(topic, |sender| self.advance(sender))
    }

    /// Moves every version on: anything may have changed.
    pub fn bump_all(&self) {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        for sender in topics.values() {
            self.advance(sender);
        }
    }

    /// The number is taken inside, so that of two at once the greater one stays.
    fn advance(&self, sender: &watch::Sender<u64>) -> u64 {
        let mut version = 0;
        sender.send_modify(|held| {
            version = self.next();
            *held = version;
        });
        version
    }

    fn next(&self) -> u64 {
        self.last.fetch_add(1, Ordering::AcqRel) + 1
    }

    fn with<T>(&self, topic: &Topic, what: impl FnOnce(&watch::Sender<u64>) -> T) -> T {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = topics.get(topic) {
            return what(sender);
        }
        drop(topics);
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        if topics.len() >= KEPT {
            topics.retain(|_, sender| sender.receiver_count() > 0);
        }
        what(topics.entry(topic.clone()).or_insert_with(|| watch::Sender::new(self.next())))
    }
}
