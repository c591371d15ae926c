//! Which tenant databases are open: one set of connections per (tenant, generation), opened once
//! however many ask, closed when nobody holds it and room is needed.

use crate::backend::Backend;
use crate::tenant::SqlTenant;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use vivero_core::ids::TenantId;
use vivero_core::port::FleetStats;
use vivero_core::{Error, Result};

/// A tenant at one generation of its database.
pub(crate) type Key = (TenantId, i64);
type Store<B> = Arc<SqlTenant<B>>;

struct Slot<B: Backend> {
    cell: Arc<OnceCell<Store<B>>>,
    used: u64,
}

impl<B: Backend> Slot<B> {
    /// Whether nobody holds it: neither its store nor the promise of one.
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.cell) == 1
            && self.cell.get().is_none_or(|store| Arc::strong_count(store) == 1)
    }
}

struct Open<B: Backend> {
    slots: HashMap<Key, Slot<B>>,
    uses: u64,
    stats: FleetStats,
}

/// The open tenants of a fleet.
pub(crate) struct Pools<B: Backend> {
    max_open: usize,
    wait: Duration,
    open: Mutex<Open<B>>,
}

impl<B: Backend> fmt::Debug for Pools<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pools").field("max_open", &self.max_open).finish_non_exhaustive()
    }
}

/// Counts one who waits for room, however the wait ends.
struct Waiting<'p, B: Backend> {
    pools: &'p Pools<B>,
    since: Instant,
}

impl<'p, B: Backend> Waiting<'p, B> {
    fn begin(pools: &'p Pools<B>, since: Instant) -> Self {
        pools.lock().stats.waiting += 1;
        Self { pools, since }
    }
}

impl<B: Backend> Drop for Waiting<'_, B> {
    fn drop(&mut self) {
        let waited = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut open = self.pools.lock();
        open.stats.waiting = open.stats.waiting.saturating_sub(1);
        open.stats.waited_ms = open.stats.waited_ms.saturating_add(waited);
    }
}

/// Between two looks for room. Leases end without telling anyone, so that taking one costs nothing.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

impl<B: Backend> Pools<B> {
    /// At most `max_open` at once; a request waits so long for room.
    pub(crate) fn new(max_open: usize, wait: Duration) -> Self {
        let stats = FleetStats { max_open: max_open as u64, ..FleetStats::default() };
        let open = Mutex::new(Open { slots: HashMap::new(), uses: 0, stats });
        Self { max_open, wait, open }
    }

    fn lock(&self) -> MutexGuard<'_, Open<B>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open database of `key`. Room is made *before* anything is opened.
    pub(crate) async fn lease<F, C>(
        &self,
        key: Key,
        open: impl FnOnce() -> F,
        close: impl FnOnce(Key, Store<B>) -> C,
    ) -> Result<Store<B>>
    where
        F: Future<Output = Result<Store<B>>>,
        C: Future<Output = ()> + Send + 'static,
    {
        let begun = Instant::now();
        let deadline = begun + self.wait;
        let mut waiting = None;
        let (cell, evicted) = loop {
            if let Some(found) = self.try_slot(key) {
                break found;
            }
            waiting.get_or_insert_with(|| Waiting::begin(self, begun));
            if Instant::now() >= deadline {
                self.lock().stats.refused += 1;
                return Err(Error::Unavailable {
                    what: "tenant databases, all are in use".into(),
                    retry_after: 1,
                    source: None,
                });
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        };
        drop(waiting);
        if let Some((key, store)) = evicted {
            tokio::spawn(close(key, store));
        }
        let store = cell
            .get_or_try_init(|| async {
                let store = open().await?;
                self.lock().stats.opened += 1;
                Ok::<_, Error>(store)
            })
            .await
            .cloned();
        if store.is_err() {
            // What could not be opened must not take up room.
            let mut open = self.lock();
            if open
                .slots
                .get(&key)
                .is_some_and(|s| Arc::ptr_eq(&s.cell, &cell) && s.cell.get().is_none())
            {
                open.slots.remove(&key);
            }
        }
        store
    }

    /// A slot for `key` and what had to be closed for it; `None` if there is no room now.
    #[expect(clippy::type_complexity, reason = "used once, right here")]
    fn try_slot(&self, key: Key) -> Option<(Arc<OnceCell<Store<B>>>, Option<(Key, Store<B>)>)> {
        let mut guard = self.lock();
        let open = &mut *guard;
        open.uses += 1;
        let uses = open.uses;
        if let Some(slot) = open.slots.get_mut(&key) {
            slot.used = uses;
            return Some((Arc::clone(&slot.cell), None));
        }
        let mut evicted = None;
        if open.slots.len() >= self.max_open {
            let idle = open
                .slots
                .iter()
                .filter(|(_, s)| s.is_idle())
                .min_by_key(|(_, s)| s.used)
                .map(|(k, _)| *k)?;
            let slot = open.slots.remove(&idle)?;
            evicted = slot.cell.get().cloned().map(|store| (idle, store));
            open.stats.evicted += 1;
        }
        let cell = Arc::new(OnceCell::new());
        open.slots.insert(key, Slot { cell: Arc::clone(&cell), used: uses });
        Some((cell, evicted))
    }

    /// Everything that is open, which then is not any more.
    pub(crate) fn drain(&self) -> Vec<(Key, Store<B>)> {
        let slots = std::mem::take(&mut self.lock().slots);
        slots
            .into_iter()
            .filter_map(|(key, slot)| slot.cell.get().cloned().map(|store| (key, store)))
            .collect()
    }

    pub(crate) fn stats(&self) -> FleetStats {
        let open = self.lock();
        FleetStats { open: open.slots.len() as u64, ..open.stats }
    }
}
