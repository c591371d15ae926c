//! Figures of what nodes share.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use vivero_core::shared::{Reach, SharedStats};

pub(super) struct SharedGauges([Gauge; 5]);

impl SharedGauges {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let names = [
            ("redis_away", "Whether Redis is configured but does not answer: 1 if so"),
            ("redis_connections", "Connections made to Redis since the start"),
            ("announcements_made", "Changes announced to other nodes since the start"),
            ("announcements_received", "Changes announced by other nodes since the start"),
            ("limits_decided_alone", "Limits decided by this node alone since the start"),
        ];
        let gauges: [Gauge; 5] = std::array::from_fn(|_| Gauge::default());
        for ((name, help), gauge) in names.into_iter().zip(&gauges) {
            registry.register(name, help, gauge.clone());
        }
        Self(gauges)
    }

    pub(super) fn set(&self, stats: &SharedStats) {
        let SharedStats { reach, announced, received, connected, decided_alone } = *stats;
        let away = u64::from(reach == Reach::Away);
        for (gauge, value) in
            self.0.iter().zip([away, connected, announced, received, decided_alone])
        {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }
}
