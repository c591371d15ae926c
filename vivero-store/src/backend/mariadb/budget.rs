//! How many connections a process has to one server, over all tenants, and whether that server answers.
//!
//! A connection takes its place in the budget *before* it is made and keeps it until it is closed. Where
//! no place is left, the idle connection that was not used for longest, of whatever tenant, gives its
//! place up; where none is idle, there is a bounded wait. A server that did not answer is left alone for
//! a moment, so that those who ask for it are refused at once instead of waiting each.

use super::pool::{Idle, Inner};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use vivero_core::server::ConnectionStats;
use vivero_core::{Error, Result};

/// For how long a server that did not answer is not asked again.
const LEFT_ALONE: Duration = Duration::from_secs(1);

/// Idle connections of all pools, the one that was not used for longest first.
#[derive(Default)]
struct Line {
    pools: BTreeMap<u64, Weak<Inner>>,
    next: u64,
}

/// The connections of a process to one server.
pub(crate) struct Budget {
    server: String,
    limit: usize,
    wait: Duration,
    permits: Arc<Semaphore>,
    line: Mutex<Line>,
    silent_until: Mutex<Option<Instant>>,
    waiting: AtomicUsize,
    waited_micros: AtomicU64,
    opened: AtomicU64,
    evicted: AtomicU64,
    refused: AtomicU64,
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("server", &self.server).field("limit", &self.limit).finish()
    }
}

/// A connection's place in a budget.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// Counts one who waits, however the wait ends.
struct Waiting<'b> {
    budget: &'b Budget,
    since: Instant,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.budget.waiting.fetch_sub(1, Ordering::SeqCst);
        let micros = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.budget.waited_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Budget {
    /// At most `limit` connections to `server`; a task waits so long for a place.
    pub(crate) fn new(server: impl Into<String>, limit: usize, wait: Duration) -> Arc<Self> {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            server: server.into(),
            limit,
            wait,
            permits: Arc::new(Semaphore::new(limit)),
            line: Mutex::default(),
            silent_until: Mutex::default(),
            waiting: AtomicUsize::new(0),
            waited_micros: AtomicU64::new(0),
            opened: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn silent(&self) -> MutexGuard<'_, Option<Instant>> {
        self.silent_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the server did not answer.
    pub(super) fn note_silent(&self) {
        *self.silent() = Some(Instant::now() + LEFT_ALONE);
    }

    /// Notes that it did.
    pub(super) fn note_answer(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
        *self.silent() = None;
    }

    /// A place for a connection that is about to be made.
    pub(super) async fn place(self: &Arc<Self>) -> Result<Place> {
        if self.silent().is_some_and(|until| Instant::now() < until) {
            return Err(Error::Unavailable {
                what: format!("database server {}, it does not answer", self.server).into(),
                retry_after: 1,
                source: None,
            });
        }
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(Place { _permit: permit });
        }
        // Who gives a connection back from now on knows of this one (see `note_idle`).
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting { budget: self, since: Instant::now() };
        self.evict();
        let permit = Arc::clone(&self.permits).acquire_owned();
        match tokio::time::timeout(self.wait, permit).await {
            Ok(Ok(permit)) => Ok(Place { _permit: permit }),
            _ => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(Error::Unavailable {
                    what: format!("connections to database server {}, all are in use", self.server)
                        .into(),
                    retry_after: 1,
                    source: None,
                })
            }
        }
    }

    /// Puts an idle connection of a pool at the end of the line; its number in it.
    pub(super) fn note_idle(&self, pool: Weak<Inner>) -> u64 {
        let mut line = self.line();
        let number = line.next;
        line.next += 1;
        line.pools.insert(number, pool);
        number
    }

    /// Takes a connection out of the line.
    pub(super) fn note_used(&self, number: u64) {
        self.line().pools.remove(&number);
    }

    /// Makes room if somebody waits for it.
    pub(super) fn make_room(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.evict();
        }
    }

    /// Closes the idle connection that was not used for longest.
    fn evict(&self) {
        loop {
            let Some((number, pool)) = self.line().pools.pop_first() else { return };
            // One that was taken or closed at this moment is not there any more.
            if let Some(idle) = pool.upgrade().and_then(|pool| pool.take_idle(number)) {
                self.evicted.fetch_add(1, Ordering::Relaxed);
                Idle::close(idle);
                return;
            }
        }
    }

    pub(crate) fn stats(&self) -> ConnectionStats {
        let open = self.limit - self.permits.available_permits().min(self.limit);
        let idle = self.line().pools.len();
        let micros = self.waited_micros.load(Ordering::Relaxed);
        ConnectionStats {
            open: open as u64,
            in_use: open.saturating_sub(idle) as u64,
            max: self.limit as u64,
            waiting: self.waiting.load(Ordering::SeqCst) as u64,
            waited_seconds: Duration::from_micros(micros).as_secs_f64(),
            opened: self.opened.load(Ordering::Relaxed),
            evicted: self.evicted.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}
