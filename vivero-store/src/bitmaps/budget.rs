//! How much memory the indexes of all tenants take, and which of them are built.

use super::mirror::Mirror;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
#[cfg(feature = "mariadb")]
use vivero_core::port::BitmapStats;

/// An index that was used this lately is not dropped for another: two that take turns in pushing each
/// other out would be built for ever.
const IN_USE: Duration = Duration::from_secs(30);

/// An index that is in memory.
struct Held {
    bytes: usize,
    /// Milliseconds after the budget's beginning.
    used: u64,
    mirror: Weak<Mirror>,
}

/// The memory for indexes of one process.
pub(crate) struct Budget {
    /// Bytes; 0 for no indexes.
    limit: usize,
    /// Lists of a table, within a while, that an index of an empty one is worth; with 0 it is built for the
    /// first, which waits for it.
    pub(super) after: u32,
    begun: Instant,
    next: AtomicU64,
    held: Mutex<HashMap<u64, Held>>,
    /// One is built at a time: it takes a core.
    pub(crate) building: Semaphore,
    pub(crate) counters: Counters,
}

impl std::fmt::Debug for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Budget").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// What was done, since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) answered: AtomicU64,
    pub(crate) passed_on: AtomicU64,
    pub(crate) built: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) caught_up: AtomicU64,
}

/// Counts one more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Budget {
    /// At most so many bytes; built when a table was listed so often, beside once for each 2,000 rows.
    pub(crate) fn new(limit: usize, after: u32) -> Self {
        Self {
            limit,
            after,
            begun: Instant::now(),
            next: AtomicU64::new(1),
            held: Mutex::default(),
            building: Semaphore::new(1),
            counters: Counters::default(),
        }
    }

    pub(crate) const fn is_off(&self) -> bool {
        self.limit == 0
    }

    /// Whether an index of so many bytes could be held if it were alone.
    pub(crate) const fn could_hold(&self, bytes: usize) -> bool {
        bytes <= self.limit
    }

    pub(super) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<u64, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Makes room for an index, or for its growth; `false` if there is none. What goes for it is what was
    /// used longest ago.
    pub(super) fn admit(&self, mirror: &Arc<Mirror>, bytes: usize) -> bool {
        let in_use = u64::try_from(IN_USE.as_millis()).unwrap_or(u64::MAX);
        let mut gone = Vec::new();
        let admitted = {
            let mut held = self.held();
            held.remove(&mirror.number);
            let now = self.now();
            let mut taken: usize = held.values().map(|one| one.bytes).sum();
            while taken + bytes > self.limit {
                let oldest = held
                    .iter()
                    .filter(|(_, one)| self.after == 0 || now.saturating_sub(one.used) > in_use)
                    .min_by_key(|(_, one)| one.used)
                    .map(|(number, _)| *number);
                let Some(one) = oldest.and_then(|number| held.remove(&number)) else { break };
                taken -= one.bytes;
                gone.push(one.mirror);
            }
            let fits = taken + bytes <= self.limit;
            if fits {
                let held_now = Held { bytes, used: now, mirror: Arc::downgrade(mirror) };
                held.insert(mirror.number, held_now);
            }
            fits
        };
        for mirror in gone.iter().filter_map(Weak::upgrade) {
            count(&self.counters.dropped);
            mirror.forget();
        }
        admitted
    }

    /// An index is used.
    pub(super) fn note_used(&self, number: u64) {
        let now = self.now();
        if let Some(one) = self.held().get_mut(&number) {
            one.used = now;
        }
    }

    /// An index is no more.
    pub(super) fn release(&self, number: u64) {
        self.held().remove(&number);
    }

    /// The figures of all indexes.
    #[cfg(feature = "mariadb")]
    pub(crate) fn stats(&self) -> BitmapStats {
        let held = self.held();
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BitmapStats {
            limit: self.limit as u64,
            bytes: held.values().map(|one| one.bytes as u64).sum(),
            indexes: held.len() as u64,
            built: of(&self.counters.built),
            dropped: of(&self.counters.dropped),
            caught_up: of(&self.counters.caught_up),
            answered: of(&self.counters.answered),
            passed_on: of(&self.counters.passed_on),
            ..BitmapStats::default()
        }
    }
}
