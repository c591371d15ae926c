//! What each tenant's database is asked, counted: a tenant that is slow, or slows others, can be named.

mod store;

pub(crate) use store::Metered;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use vivero_core::ids::TenantId;
use vivero_core::usage::{SlowCall, StoreFigures};
use vivero_core::{Clock, Error, Result};

/// What is slow unless it is said otherwise: a good part of what a person notices.
pub(crate) const SLOW: Duration = Duration::from_millis(100);
/// Slow calls kept per tenant.
const KEPT: usize = 32;
/// With so many tenants more, the slow calls of those that are closed are forgotten; their figures never are.
const FORGETS_AFTER: usize = 10_000;

/// The figures of one tenant.
pub(crate) struct Meter {
    clock: Arc<dyn Clock>,
    /// Calls that take longer are slow.
    bound: Duration,
    reads: AtomicU64,
    commits: AtomicU64,
    failures: AtomicU64,
    rows: AtomicU64,
    busy: AtomicU64,
    waits: AtomicU64,
    waited: AtomicU64,
    /// Of it, what passed within calls.
    waited_within: AtomicU64,
    slow: AtomicU64,
    calls: Mutex<VecDeque<SlowCall>>,
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Meter").field(&self.figures()).finish()
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Whether it is the storage that failed, and not what was asked of it that is refused.
fn is_failure(error: &Error) -> bool {
    matches!(error, Error::Unavailable { .. } | Error::Internal { .. } | Error::Corrupt { .. })
}

impl Meter {
    fn new(clock: Arc<dyn Clock>, bound: Duration) -> Arc<Self> {
        Arc::new(Self {
            clock,
            bound,
            reads: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            waits: AtomicU64::new(0),
            waited: AtomicU64::new(0),
            waited_within: AtomicU64::new(0),
            slow: AtomicU64::new(0),
            calls: Mutex::default(),
        })
    }

    /// Notes a call that ended: `rows` of what it gave, `call` says what it was if it was slow.
    fn note<T>(
        &self,
        since: Instant,
        outcome: &Result<T>,
        rows: impl FnOnce(&T) -> usize,
        call: impl FnOnce() -> String,
    ) {
        let took = since.elapsed();
        self.busy.fetch_add(nanos(took), Ordering::Relaxed);
        match outcome {
            Ok(given) => {
                self.rows.fetch_add(rows(given) as u64, Ordering::Relaxed);
            }
            Err(e) if is_failure(e) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {}
        }
        if took >= self.bound {
            self.slow.fetch_add(1, Ordering::Relaxed);
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            let slow = SlowCall { at: self.clock.now(), micros, call: call() };
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            calls.truncate(KEPT - 1);
            calls.push_front(slow);
        }
    }

    fn read<T>(
        &self,
        since: Instant,
        outcome: &Result<T>,
        rows: impl FnOnce(&T) -> usize,
        call: impl FnOnce() -> String,
    ) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.note(since, outcome, rows, call);
    }

    /// Notes that a connection was waited for within a call.
    pub(crate) fn waited_within(&self, since: Instant) {
        self.waited_within.fetch_add(self.waited(since), Ordering::Relaxed);
    }

    /// Notes a wait; how long it was.
    fn waited(&self, since: Instant) -> u64 {
        let waited = nanos(since.elapsed());
        self.waits.fetch_add(1, Ordering::Relaxed);
        self.waited.fetch_add(waited, Ordering::Relaxed);
        waited
    }

    fn wait<T>(&self, since: Instant, outcome: &Result<T>) {
        self.waited(since);
        self.may_have_failed(outcome);
    }

    fn may_have_failed<T>(&self, outcome: &Result<T>) {
        if outcome.as_ref().is_err_and(is_failure) {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn figures(&self) -> StoreFigures {
        let number = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StoreFigures {
            reads: number(&self.reads),
            commits: number(&self.commits),
            failures: number(&self.failures),
            rows: number(&self.rows),
            busy: Duration::from_nanos(
                number(&self.busy).saturating_sub(number(&self.waited_within)),
            ),
            waits: number(&self.waits),
            waited: Duration::from_nanos(number(&self.waited)),
            slow: number(&self.slow),
        }
    }

    pub(crate) fn slow_calls(&self) -> Vec<SlowCall> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().cloned().collect()
    }
}

/// The meters of a fleet.
pub(crate) struct Meters {
    clock: Arc<dyn Clock>,
    bound: Duration,
    meters: RwLock<HashMap<TenantId, Arc<Meter>>>,
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meters").field("bound", &self.bound).finish_non_exhaustive()
    }
}

impl Meters {
    /// Calls that take `bound` or longer are slow.
    pub(crate) fn new(clock: Arc<dyn Clock>, bound: Duration) -> Self {
        Self { clock, bound, meters: RwLock::default() }
    }

    pub(crate) fn of(&self, tenant: TenantId) -> Arc<Meter> {
        let meters = self.meters.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(meter) = meters.get(&tenant) {
            return Arc::clone(meter);
        }
        drop(meters);
        let mut meters = self.meters.write().unwrap_or_else(PoisonError::into_inner);
        if !meters.is_empty() && meters.len().is_multiple_of(FORGETS_AFTER) {
            for meter in meters.values().filter(|meter| Arc::strong_count(meter) == 1) {
                *meter.calls.lock().unwrap_or_else(PoisonError::into_inner) = VecDeque::new();
            }
        }
        let fresh = || Meter::new(Arc::clone(&self.clock), self.bound);
        Arc::clone(meters.entry(tenant).or_insert_with(fresh))
    }

    pub(crate) fn all(&self) -> Vec<(TenantId, StoreFigures)> {
        let meters = self.meters.read().unwrap_or_else(PoisonError::into_inner);
        meters.iter().map(|(id, meter)| (*id, meter.figures())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::SystemClock;
    use uuid::Uuid;

    #[test]
    fn figures_of_no_tenant_are_lost_however_many_there_are() {
        let meters = Meters::new(Arc::new(SystemClock), Duration::ZERO);
        let id = |n: usize| TenantId::from_uuid(Uuid::from_u128(n as u128));
        let read = |meter: &Meter| meter.read(Instant::now(), &Ok(()), |()| 1, || "get".into());
        let open = meters.of(id(0));
        read(&open);
        for n in 1..=FORGETS_AFTER {
            read(&meters.of(id(n)));
        }
        let all = meters.all();
        assert_eq!(all.len(), FORGETS_AFTER + 1);
        assert!(all.iter().all(|(_, figures)| figures.reads == 1 && figures.slow == 1));
        assert_eq!(open.slow_calls().len(), 1, "open tenants' slow calls are kept");
        assert!(meters.of(id(1)).slow_calls().is_empty(), "those of closed ones make room");
    }
}
