//! Figures of the connections to each database server.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;
use vivero_core::server::{DatabaseServer, ServerState};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct At {
    server: String,
}

/// What is read of a server when someone asks.
const FIGURES: [(&str, &str); 11] = [
    ("database_connections_open", "Connections to the database server"),
    ("database_connections_in_use", "Of them those at work"),
    ("database_connections_max", "Most connections there may be to the database server"),
    ("database_connections_waiting", "Tasks that wait for a connection to the database server"),
    ("database_connections_waited_seconds", "Time tasks have waited for a connection, in all"),
    ("database_connections_opened", "Connections made since the start"),
    ("database_connections_evicted", "Idle connections closed to make room for others"),
    ("database_connections_refused", "Tasks refused because all connections were in use"),
    ("database_server_tenants", "Tenants on the database server"),
    ("database_server_standby", "Prepared databases on the database server"),
    ("database_server_down", "1 if the database server is out of service"),
];

/// A gauge per server for each.
pub(super) struct Servers([Family<At, Gauge<f64, AtomicU64>>; FIGURES.len()]);

impl Servers {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let families = FIGURES.map(|(name, help)| {
            let family = Family::<At, Gauge<f64, AtomicU64>>::default();
            registry.register(name, help, family.clone());
            family
        });
        Self(families)
    }

    /// Servers are few, and named by operators: their labels are bounded.
    pub(super) fn set(&self, servers: &[DatabaseServer]) {
        for family in &self.0 {
            family.clear();
        }
        for server in servers {
            let c = &server.connections;
            let whole = [c.open, c.in_use, c.max, c.waiting].map(as_f64);
            let since =
                [c.opened, c.evicted, c.refused, server.tenants, server.standby].map(as_f64);
            let down = if server.state == ServerState::Down { 1.0 } else { 0.0 };
            let values = whole.into_iter().chain([c.waited_seconds]).chain(since).chain([down]);
            for (family, value) in self.0.iter().zip(values) {
                family.get_or_create_owned(&At { server: server.name.clone() }).set(value);
            }
        }
    }
}

/// Exact up to 2^53, which no count here reaches.
const fn as_f64(number: u64) -> f64 {
    number as f64
}
