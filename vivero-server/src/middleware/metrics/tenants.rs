//! Figures per tenant: each is counted, some 250 bytes for it. `/metrics` names the busiest and sums the rest, as
//! thousands of tenants must not become thousands of time series; the platform API has each one's.

use super::BUCKETS;
use poem::http::StatusCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use vivero_core::usage::StoreFigures;
use vivero_core::{Slug, TenantId, Vivero};

/// Tenants shown by name.
const SHOWN: usize = 50;
const OTHER: &str = "other";

/// The figures of one tenant's requests.
#[derive(Debug)]
pub(crate) struct TenantCounter {
    tenant: TenantId,
    slug: String,
    requests: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    nanos: AtomicU64,
    /// Requests by how long they took: one for each bound, and one for what took longer.
    buckets: [AtomicU64; BUCKETS.len() + 1],
}

/// What was counted of a tenant's requests.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct TenantRequests {
    /// Requests answered.
    pub(crate) requests: u64,
    /// Of them refused: status 400 to 499.
    pub(crate) refused: u64,
    /// Of them failed: status 500 and more.
    pub(crate) failed: u64,
    /// Seconds they took in all.
    pub(crate) seconds: f64,
    buckets: [u64; BUCKETS.len() + 1],
}

impl TenantRequests {
    fn and(mut self, other: Self) -> Self {
        self.requests += other.requests;
        self.refused += other.refused;
        self.failed += other.failed;
        self.seconds += other.seconds;
        for (sum, more) in self.buckets.iter_mut().zip(other.buckets) {
            *sum += more;
        }
        self
    }

    /// Upper bound in seconds of the time that `share` of the requests took at most; none if there
    /// were none, or if they took longer than the highest bound.
    pub(crate) fn within(&self, share: f64) -> Option<f64> {
        let total: u64 = self.buckets.iter().sum();
        let mut sum = 0;
        let place = self.buckets.iter().position(|n| {
            sum += n;
            total > 0 && sum as f64 >= share * total as f64
        });
        BUCKETS.get(place?).copied()
    }
}

impl TenantCounter {
    fn new(tenant: TenantId, slug: &str) -> Arc<Self> {
        Arc::new(Self {
            tenant,
            slug: slug.into(),
            requests: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            nanos: AtomicU64::new(0),
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
        })
    }
    /// Notes a request that was answered.
    pub(crate) fn note(&self, status: StatusCode, took: Duration) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if status.is_server_error() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        } else if status.is_client_error() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        let seconds = took.as_secs_f64();
        let bucket = BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
    }
    /// The tenant.
    pub(crate) fn slug(&self) -> &str {
        &self.slug
    }
    fn figures(&self) -> TenantRequests {
        let number = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TenantRequests {
            requests: number(&self.requests),
            refused: number(&self.refused),
            failed: number(&self.failed),
            seconds: Duration::from_nanos(number(&self.nanos)).as_secs_f64(),
            buckets: std::array::from_fn(|i| number(&self.buckets[i])),
        }
    }
}

/// A counter for each tenant that was ever opened with a credential.
#[derive(Default)]
struct Counters(RwLock<HashMap<TenantId, Arc<TenantCounter>>>);

type Figures = (TenantRequests, StoreFigures);

fn sum(a: Figures, b: Figures) -> Figures {
    (a.0.and(b.0), a.1.and(b.1))
}

impl Counters {
    fn of(&self, tenant: TenantId, slug: &str) -> Arc<TenantCounter> {
        let counters = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = counters.get(&tenant) {
            return Arc::clone(counter);
        }
        drop(counters);
        let mut counters = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(counters.entry(tenant).or_insert_with(|| TenantCounter::new(tenant, slug)))
    }

    fn requests(&self, tenant: TenantId) -> TenantRequests {
        let counters = self.0.read().unwrap_or_else(PoisonError::into_inner);
        counters.get(&tenant).map(|counter| counter.figures()).unwrap_or_default()
    }

    /// The busiest tenants, and all others together. Each name once: one that was given free may be another
    /// tenant's by now, and one may be called like all others together, and is then among them.
    fn busiest(&self, stores: Vec<(TenantId, StoreFigures)>) -> Vec<(String, Figures)> {
        let mut stores: HashMap<TenantId, StoreFigures> = stores.into_iter().collect();
        let mut named: HashMap<String, Figures> = HashMap::new();
        let counters = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for counter in counters.values() {
            let store = stores.remove(&counter.tenant).unwrap_or_default();
            let figures = named.entry(counter.slug.clone()).or_default();
            *figures = sum(*figures, (counter.figures(), store));
        }
        drop(counters);
        let called_so = named.remove(OTHER);
        let mut all: Vec<_> = named.into_iter().collect();
        all.sort_by_cached_key(|(slug, (n, _))| (Reverse(n.requests), slug.clone()));
        let rest = all.split_off(all.len().min(SHOWN)).into_iter().map(|(_, figures)| figures);
        // Databases are also open for jobs, of tenants that sent no request.
        let jobs = stores.into_values().map(|store| (TenantRequests::default(), store));
        let others = rest.chain(jobs).chain(called_so).reduce(sum);
        all.extend(others.map(|figures| (OTHER.to_owned(), figures)));
        all
    }
}

/// The figures of all tenants.
pub(super) struct Tenants {
    vivero: Vivero,
    counters: Counters,
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tenants")
    }
}

impl Tenants {
    pub(super) fn new(vivero: Vivero) -> Self {
        Self { vivero, counters: Counters::default() }
    }

    /// The figures of a tenant that was opened with a credential.
    pub(super) fn counter(&self, tenant: TenantId, slug: &Slug) -> Arc<TenantCounter> {
        self.counters.of(tenant, slug.as_str())
    }

    /// What was counted of a tenant's requests.
    pub(super) fn requests(&self, tenant: TenantId) -> TenantRequests {
        self.counters.requests(tenant)
    }
}

/// One family of figures: name, help, and how to find its value.
type Family = (&'static str, &'static str, fn(&TenantRequests, &StoreFigures) -> f64);

const FAMILIES: [Family; 11] = [
    ("tenant_requests", "Requests", |r, _| r.requests as f64),
    ("tenant_requests_refused", "Requests refused (4xx)", |r, _| r.refused as f64),
    ("tenant_requests_failed", "Requests failed (5xx)", |r, _| r.failed as f64),
    ("tenant_request_seconds", "Seconds requests took", |r, _| r.seconds),
    ("tenant_reads", "Calls of the database that read", |_, s| s.reads as f64),
    ("tenant_commits", "Units of work committed", |_, s| s.commits as f64),
    ("tenant_rows", "Rows read and written", |_, s| s.rows as f64),
    ("tenant_busy_seconds", "Seconds calls of the database took", |_, s| s.busy.as_secs_f64()),
    ("tenant_wait_seconds", "Seconds waited for connections", |_, s| s.waited.as_secs_f64()),
    ("tenant_slow_calls", "Slow calls of the database", |_, s| s.slow as f64),
    ("tenant_store_failures", "Calls of the database that failed", |_, s| s.failures as f64),
];

impl Collector for Tenants {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let busiest = self.counters.busiest(self.vivero.figures());
        for (name, what, value) in FAMILIES {
            let help = format!("{what}: the busiest tenants, and all others together");
            let mut family = encoder.encode_descriptor(name, &help, None, MetricType::Counter)?;
            for (slug, (requests, store)) in &busiest {
                let labels = [("tenant", slug.as_str())];
                let counter = ConstCounter::new(value(requests, store));
                counter.encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn counter() -> Arc<TenantCounter> {
        TenantCounter::new(TenantId::from_uuid(Uuid::nil()), "acme-plants")
    }

    #[test]
    fn requests_are_told_apart_by_what_became_of_them() {
        let counter = counter();
        for (status, millis) in [(200, 1), (201, 1), (404, 3), (503, 40_000)] {
            let status = StatusCode::from_u16(status).expect("a status");
            counter.note(status, Duration::from_millis(millis));
        }
        let figures = counter.figures();
        assert_eq!((figures.requests, figures.refused, figures.failed), (4, 1, 1));
        assert!((figures.seconds - 40.005).abs() < 1e-9);
        assert_eq!(figures.within(0.5), Some(0.001));
        assert_eq!(figures.within(0.75), Some(0.005));
        assert_eq!(figures.within(1.0), None, "longer than the highest bound");
        assert_eq!(TenantRequests::default().within(0.5), None);
    }

    #[test]
    fn every_tenant_is_counted_however_many_there_are() {
        let counters = Counters::default();
        let id = |n| TenantId::from_uuid(Uuid::from_u128(n));
        for n in 0..20_000 {
            counters.of(id(n), "any").note(StatusCode::OK, Duration::from_millis(1));
        }
        assert!((0..20_000).all(|n| counters.requests(id(n)).requests == 1));
        assert_eq!(counters.requests(id(20_000)), TenantRequests::default(), "nobody's");
    }

    #[test]
    fn no_name_is_there_twice() {
        let counters = Counters::default();
        let id = |n| TenantId::from_uuid(Uuid::from_u128(n));
        // The second of that name, and one that is called like all others together.
        for (n, name) in [(1, "acme-plants"), (2, "acme-plants"), (3, OTHER), (4, "beta")] {
            let counter = counters.of(id(n), name);
            (0..n).for_each(|_| counter.note(StatusCode::OK, Duration::from_millis(1)));
        }
        // One that is open for a job alone.
        let busiest =
            counters.busiest(vec![(id(5), StoreFigures { reads: 7, ..StoreFigures::default() })]);
        assert_eq!(busiest[2].1.1.reads, 7, "among the others");
        let shown: Vec<_> = busiest.iter().map(|(name, (n, _))| (&**name, n.requests)).collect();
        assert_eq!(shown, [("beta", 4), ("acme-plants", 3), (OTHER, 3)]);
    }

    #[test]
    fn figures_of_others_are_summed() {
        let (one, two) = (counter(), counter());
        one.note(StatusCode::OK, Duration::from_millis(1));
        two.note(StatusCode::NOT_FOUND, Duration::from_millis(2));
        let both = one.figures().and(two.figures());
        assert_eq!((both.requests, both.refused), (2, 1));
        assert_eq!(both.buckets.iter().sum::<u64>(), 2);
    }
}
