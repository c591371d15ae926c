//! Requests per tenant, bounded: the busiest by name, the rest together. Thousands of tenants must
//! not become thousands of time series.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use vivero_core::Slug;

/// Tenants shown by name.
const SHOWN: usize = 50;
/// Tenants counted by name.
const COUNTED: usize = 10_000;
const OTHER: &str = "other";

/// The figures of one tenant.
#[derive(Debug)]
pub(crate) struct TenantCounter {
    slug: String,
    requests: AtomicU64,
}

impl TenantCounter {
    fn new(slug: &str) -> Arc<Self> {
        Arc::new(Self { slug: slug.into(), requests: AtomicU64::new(0) })
    }
    /// Notes a request.
    pub(crate) fn note(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }
    /// The tenant.
    pub(crate) fn slug(&self) -> &str {
        &self.slug
    }
}

/// The figures of all tenants.
#[derive(Debug, Default)]
pub(super) struct Tenants {
    counters: RwLock<HashMap<Slug, Arc<TenantCounter>>>,
}

impl Tenants {
    /// The figures of a tenant that was opened with a credential.
    pub(super) fn counter(&self, slug: &Slug) -> Arc<TenantCounter> {
        let counters = self.counters.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = counters.get(slug) {
            return Arc::clone(counter);
        }
        drop(counters);
        let mut counters = self.counters.write().unwrap_or_else(PoisonError::into_inner);
        if counters.len() >= COUNTED {
            return TenantCounter::new(slug.as_str());
        }
        let counter =
            counters.entry(slug.clone()).or_insert_with(|| TenantCounter::new(slug.as_str()));
        Arc::clone(counter)
    }

    /// The busiest tenants, and all others together.
    fn busiest(&self) -> Vec<(String, u64)> {
        let counters = self.counters.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = counters
            .values()
            .map(|c| (c.slug.clone(), c.requests.load(Ordering::Relaxed)))
            .collect();
        drop(counters);
        all.sort_by_cached_key(|(slug, n)| (Reverse(*n), slug.clone()));
        let rest = all.split_off(all.len().min(SHOWN));
        if !rest.is_empty() {
            all.push((OTHER.into(), rest.iter().map(|(_, n)| n).sum()));
        }
        all
    }
}

impl Collector for Tenants {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let help = "Requests of the busiest tenants, and of all others together";
        let mut family =
            encoder.encode_descriptor("tenant_requests", help, None, MetricType::Counter)?;
        for (slug, requests) in self.busiest() {
            let labels = [("tenant", slug.as_str())];
            ConstCounter::new(requests).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_of_tenants_stay_a_handful_of_series() {
        let tenants = Tenants::default();
        for i in 0..COUNTED + 10 {
            let slug: Slug = format!("tenant-{i}").parse().expect("slug");
            tenants.counter(&slug).note();
        }
        let busy: Slug = "tenant-7".parse().expect("slug");
        tenants.counter(&busy).note();
        let shown = tenants.busiest();
        assert_eq!(shown.len(), SHOWN + 1);
        assert_eq!(shown[0], ("tenant-7".into(), 2));
        assert_eq!(shown[SHOWN].0, OTHER);
    }
}
