//! One process by itself.

use super::{Backoff, Decision, Quota, Reach, Shared, SharedStats, Topic, Versions};
use crate::clock::Clock;
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Uses of a map after which what has lapsed is let go.
const SWEEP: u64 = 4096;
/// Keys kept at most; beyond it those that would lapse first are let go.
const KEPT: usize = 200_000;

/// What one process shares with itself: no server, no waiting. Time comes from the clock it is given.
#[derive(Debug)]
pub struct LocalShared {
    clock: Arc<dyn Clock>,
    versions: Versions,
    arrivals: Mutex<Lapsing<u64>>,
    failures: Mutex<Lapsing<Failures>>,
    announced: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    number: u32,
    next: u64,
    until: u64,
}

impl LocalShared {
    /// Nothing announced, nothing used up.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            versions: Versions::default(),
            arrivals: Mutex::default(),
            failures: Mutex::default(),
            announced: AtomicU64::new(0),
        }
    }

    /// The versions this process keeps.
    #[must_use]
    pub const fn versions(&self) -> &Versions {
        &self.versions
    }

    /// [`Shared::take`], which does not wait here.
    pub fn take_now(&self, key: &str, quota: Quota, cost: u32) -> Decision {
        let now = self.now();
        let mut arrivals = lock(&self.arrivals);
        let (decision, arrival) = quota.decide(arrivals.get(key, now), now, cost);
        if let Some(arrival) = arrival {
            arrivals.set(key, arrival, arrival, now);
        }
        decision
    }

    /// [`Shared::wait`], which does not wait here.
    pub fn wait_now(&self, key: &str) -> Duration {
        let now = self.now();
        let next = lock(&self.failures).get(key, now).map_or(0, |failures| failures.next);
        Duration::from_micros(next.saturating_sub(now))
    }

    /// [`Shared::failed`], which does not wait here.
    pub fn failed_now(&self, key: &str, backoff: Backoff) -> Duration {
        let now = self.now();
        let mut all = lock(&self.failures);
        let lasts = u64::from(backoff.forget_after).saturating_mul(1_000_000);
        let fresh = Failures { number: 0, next: now, until: now.saturating_add(lasts) };
        let mut failures = all.get(key, now).unwrap_or(fresh);
        failures.number = failures.number.saturating_add(1);
        let wait = backoff.wait(failures.number);
        failures.next = now.saturating_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX));
        all.set(key, failures, failures.until, now);
        wait
    }

    /// [`Shared::succeeded`], which does not wait here.
    pub fn succeeded_now(&self, key: &str) {
        lock(&self.failures).entries.remove(key);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.now().timestamp_micros()).unwrap_or(0)
    }
}

#[async_trait]
impl Shared for LocalShared {
    fn version(&self, topic: &Topic) -> u64 {
        self.versions.get(topic)
    }
    fn watch(&self, topic: &Topic) -> watch::Receiver<u64> {
        self.versions.watch(topic)
    }
    async fn announce(&self, topic: &Topic) -> u64 {
        self.announced.fetch_add(1, Ordering::Relaxed);
        self.versions.bump(topic)
    }
    async fn take(&self, key: &str, quota: Quota, cost: u32) -> Decision {
        self.take_now(key, quota, cost)
    }
    async fn wait(&self, key: &str) -> Duration {
        self.wait_now(key)
    }
    async fn failed(&self, key: &str, backoff: Backoff) -> Duration {
        self.failed_now(key, backoff)
    }
    async fn succeeded(&self, key: &str) {
        self.succeeded_now(key);
    }
    fn stats(&self) -> SharedStats {
        let announced = self.announced.load(Ordering::Relaxed);
        SharedStats { reach: Reach::Local, announced, ..SharedStats::default() }
    }
    async fn close(&self) {}
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Values that mean nothing any more after a time.
#[derive(Debug)]
struct Lapsing<T> {
    entries: HashMap<String, (T, u64)>,
    uses: u64,
}

impl<T> Default for Lapsing<T> {
    fn default() -> Self {
        Self { entries: HashMap::new(), uses: 0 }
    }
}

impl<T: Copy> Lapsing<T> {
    fn get(&self, key: &str, now: u64) -> Option<T> {
        self.entries.get(key).filter(|(_, until)| *until > now).map(|(value, _)| *value)
    }

    fn set(&mut self, key: &str, value: T, until: u64, now: u64) {
        self.uses += 1;
        if self.uses.is_multiple_of(SWEEP) {
            self.entries.retain(|_, (_, until)| *until > now);
        }
        if self.entries.len() >= KEPT && !self.entries.contains_key(key) {
            let mut ends: Vec<u64> = self.entries.values().map(|(_, until)| *until).collect();
            let (_, middle, _) = ends.select_nth_unstable(KEPT / 2);
            let middle = *middle;
            self.entries.retain(|_, (_, until)| *until > middle);
        }
        self.entries.insert(key.to_owned(), (value, until));
    }
}
