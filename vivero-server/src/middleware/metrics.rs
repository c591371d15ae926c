//! Figures for Prometheus. Requests only touch counters they were given at the start; everything else
//! is read when someone asks.

mod bitmaps;
mod process;
mod servers;
mod shared;
mod tenants;

use crate::problem::Failure;
use bitmaps::BitmapGauges;
use poem::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use shared::SharedGauges;
use std::sync::Arc;
use std::time::Duration;
use tenants::Tenants;
use vivero_core::port::FleetStats;
use vivero_core::server::DatabaseServer;
use vivero_core::shared::SharedStats;
use vivero_core::{Slug, TenantId, Vivero};

pub(crate) use tenants::{TenantCounter, TenantRequests};

/// Upper bounds of the latency buckets in seconds: from a row out of a cache to a slow report.
const BUCKETS: [f64; 14] =
    [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    operation: &'static str,
    method: String,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    operation: &'static str,
}

/// All figures.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    latency: Family<Of, Histogram>,
    /// Requests under way.
    pub(crate) in_flight: Gauge,
    /// Open event streams.
    pub(crate) streams: Gauge,
    pools: [Gauge; 7],
    bitmaps: BitmapGauges,
    shared: SharedGauges,
    memory: Gauge,
    servers: servers::Servers,
    tenants: Arc<Tenants>,
}

/// The figures of one operation.
pub(crate) struct OperationMetrics {
    classes: [Counter; 5],
    latency: Histogram,
}

impl OperationMetrics {
    /// Notes an answer.
    pub(crate) fn note(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        self.classes[class].inc();
        self.latency.observe(took.as_secs_f64());
    }
}

impl Metrics {
    pub(crate) fn new(vivero: Vivero) -> Self {
        let mut registry = Registry::with_prefix("vivero");
        let requests = Family::default();
        let latency =
            Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let (in_flight, streams, memory) = (Gauge::default(), Gauge::default(), Gauge::default());
        let pools: [Gauge; 7] = std::array::from_fn(|_| Gauge::default());
        let tenants = Arc::new(Tenants::new(vivero));
        registry.register("requests", "Requests answered", Family::clone(&requests));
        registry.register("request_seconds", "Time to answer a request", Family::clone(&latency));
        registry.register("requests_in_flight", "Requests under way", in_flight.clone());
        registry.register("event_streams", "Open event streams", streams.clone());
        registry.register(
            "resident_memory_bytes",
            "Resident memory of the process",
            memory.clone(),
        );
        let names = [
            ("tenants", "Tenants in the registry"),
            ("tenants_open", "Tenant databases open now"),
            ("tenants_open_max", "Most tenant databases that may be open"),
            ("tenants_opened", "Tenant databases opened since the start"),
            ("tenants_evicted", "Idle tenant databases closed to make room"),
            ("tenants_refused", "Requests refused because all databases were in use"),
            ("tenants_waiting", "Requests that wait for a tenant database to be closed"),
        ];
        for ((name, help), gauge) in names.into_iter().zip(&pools) {
            registry.register(name, help, gauge.clone());
        }
        let servers = servers::Servers::register(&mut registry);
        let bitmaps = BitmapGauges::register(&mut registry);
        let shared = SharedGauges::register(&mut registry);
        registry.register_collector(Box::new(Arc::clone(&tenants)));
        Self {
            registry,
            requests,
            latency,
            in_flight,
            streams,
            pools,
            bitmaps,
            shared,
            memory,
            servers,
            tenants,
        }
    }

    /// The figures of the operation `id`.
    pub(crate) fn operation(&self, id: &'static str, method: &str) -> OperationMetrics {
        let classes = CLASSES.map(|status| {
            let labels = Answered { operation: id, method: method.to_owned(), status };
            self.requests.get_or_create_owned(&labels)
        });
        OperationMetrics {
            classes,
            latency: self.latency.get_or_create_owned(&Of { operation: id }),
        }
    }

    /// The figures of a tenant.
    pub(crate) fn tenant(&self, tenant: TenantId, slug: &Slug) -> Arc<TenantCounter> {
        self.tenants.counter(tenant, slug)
    }

    /// What was counted of a tenant's requests.
    pub(crate) fn tenant_requests(&self, tenant: TenantId) -> TenantRequests {
        self.tenants.requests(tenant)
    }

    /// Everything as text.
    pub(crate) fn expose(
        &self,
        stats: &FleetStats,
        servers: &[DatabaseServer],
        shared: &SharedStats,
    ) -> Result<String, Failure> {
        self.servers.set(servers);
        self.shared.set(shared);
        self.bitmaps.set(&stats.bitmaps);
        let FleetStats { tenants, open, max_open, opened, evicted, refused, waiting, .. } = *stats;
        for (gauge, value) in
            self.pools.iter().zip([tenants, open, max_open, opened, evicted, refused, waiting])
        {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        if let Some(bytes) = process::resident_bytes() {
            self.memory.set(bytes);
        }
        let mut text = String::with_capacity(64 * 1024);
        encode(&mut text, &self.registry).map_err(Failure::internal)?;
        Ok(text)
    }
}
