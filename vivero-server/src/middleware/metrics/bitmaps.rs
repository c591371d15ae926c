//! Figures of the indexes that are kept in memory.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use vivero_core::port::BitmapStats;

/// One gauge a figure.
pub(super) struct BitmapGauges([Gauge; 13]);

impl BitmapGauges {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let names = [
            ("bitmap_bytes_max", "Memory that bitmap indexes may take"),
            ("bitmap_bytes", "Memory that bitmap indexes take, about"),
            ("bitmap_indexes", "Bitmap indexes there are, one for each record table of a tenant"),
            ("bitmap_indexes_built", "Bitmap indexes built since the start"),
            ("bitmap_indexes_dropped", "Bitmap indexes dropped to make room for others"),
            ("bitmap_catch_ups", "Times that changes were taken over into a bitmap index"),
            ("bitmap_lists", "Lists that a bitmap index answered"),
            ("bitmap_lists_passed_on", "Lists left to the database although there was an index"),
            ("bitmap_row_bytes_max", "Memory that rows of pages may take"),
            ("bitmap_row_bytes", "Memory that rows of pages take, about"),
            ("bitmap_rows", "Rows of pages that are kept, about"),
            ("bitmap_rows_found", "Rows of pages that were kept"),
            ("bitmap_rows_read", "Rows of pages that were not kept, and were read"),
        ];
        let gauges: [Gauge; 13] = std::array::from_fn(|_| Gauge::default());
        for ((name, help), gauge) in names.into_iter().zip(&gauges) {
            registry.register(name, help, gauge.clone());
        }
        Self(gauges)
    }

    pub(super) fn set(&self, stats: &BitmapStats) {
        let values = [
            stats.limit,
            stats.bytes,
            stats.indexes,
            stats.built,
            stats.dropped,
            stats.caught_up,
            stats.answered,
            stats.passed_on,
            stats.rows_limit,
            stats.rows_bytes,
            stats.rows,
            stats.rows_found,
            stats.rows_read,
        ];
        for (gauge, value) in self.0.iter().zip(values) {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }
}
