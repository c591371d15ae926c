//! The figures that vivero promises.

use super::drive::Case;
use super::each::millis;
use super::operation::Operation;
use std::time::Duration;

/// Bounds on throughput are promised for this many records; creating some more is no other case.
const RECORDS_FOR_THROUGHPUT: u64 = 250_000;
const CONNECTIONS_FOR_LATENCY: usize = 10;
const CONNECTIONS_FOR_THROUGHPUT: usize = 64;
/// On the embedded engine, one tenant.
const PEAK_MIB: f64 = 150.0;
/// With many tenants, and on MariaDB, where lists come out of indexes in memory.
const PEAK_MIB_OF_MANY: f64 = 300.0;
/// Longest start on existing data.
const START_MS: f64 = 1_000.0;
/// Longest first start, which seeds up to so many records.
const SEEDING_MS: f64 = 20_000.0;
const RECORDS_FOR_SEEDING: u64 = 200_000;

/// A promise and what was measured.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    /// What is bounded, with its unit: `p99_ms`, `per_second`, `peak_mib`, `ms`.
    pub(crate) what: &'static str,
    pub(crate) limit: f64,
    pub(crate) value: f64,
    pub(crate) met: bool,
}

impl Bound {
    /// At most `limit`.
    fn most(what: &'static str, limit: f64, value: f64) -> Self {
        Self { what, limit, value, met: value <= limit }
    }

    fn least(what: &'static str, limit: f64, value: f64) -> Self {
        Self { what, limit, value, met: value >= limit }
    }

    /// As shown beside a result.
    pub(crate) fn text(&self) -> String {
        let limit = self.limit;
        let promise = match self.what {
            "p99_ms" => format!("p99 <= {limit} ms"),
            "per_second" => format!(">= {limit}/s"),
            "peak_mib" => format!("peak <= {limit} MiB"),
            _ => format!("<= {limit} ms"),
        };
        format!("{} {promise}", if self.met { "ok" } else { "OVER" })
    }
}

/// The bound on a start on existing data.
pub(crate) fn of_start(took: Duration) -> Bound {
    Bound::most("ms", START_MS, millis(took))
}

/// The bound on a first start that had `records` to seed.
pub(crate) fn of_seeding(took: Duration, records: u64) -> Option<Bound> {
    (records <= RECORDS_FOR_SEEDING).then(|| Bound::most("ms", SEEDING_MS, millis(took)))
}

/// The bounds that apply to a case at `records` stored entities.
pub(crate) fn of(case: &Case, records: u64, is_mariadb: bool, tenants: usize) -> Vec<Bound> {
    let mut bounds = Vec::new();
    if case.connections == CONNECTIONS_FOR_LATENCY
        && let Some(limit) = p99_ms(case.operation)
    {
        bounds.push(Bound::most("p99_ms", limit, case.latency.percentile_ms(99.0)));
    }
    if case.connections == CONNECTIONS_FOR_THROUGHPUT
        && records <= RECORDS_FOR_THROUGHPUT
        && let Some(limit) =
            if is_mariadb { mariadb_per_second(case.operation) } else { per_second(case.operation) }
    {
        bounds.push(Bound::least("per_second", limit, case.per_second()));
    }
    if let Some(peak) = case.usage.as_ref().map(|usage| usage.peak_mib)
        && !matches!(case.operation, Operation::Login | Operation::Refresh)
    {
        let few = tenants == 0 && !is_mariadb;
        bounds.push(Bound::most("peak_mib", if few { PEAK_MIB } else { PEAK_MIB_OF_MANY }, peak));
    }
    bounds
}

const fn p99_ms(operation: Operation) -> Option<f64> {
    match operation {
        Operation::Get | Operation::Dashboard => Some(5.0),
        Operation::List | Operation::ListDeep | Operation::ListPlain => Some(10.0),
        Operation::Search => Some(20.0),
        Operation::Create | Operation::Update => Some(25.0),
        _ => None,
    }
}

const fn per_second(operation: Operation) -> Option<f64> {
    match operation {
        Operation::Get => Some(20_000.0),
        Operation::List | Operation::ListPlain => Some(3_000.0),
        Operation::Search => Some(1_500.0),
        Operation::Dashboard => Some(15_000.0),
        Operation::Create => Some(1_500.0),
        _ => None,
    }
}

/// On MariaDB, whose server shares the cores.
const fn mariadb_per_second(operation: Operation) -> Option<f64> {
    match operation {
        Operation::Get => Some(15_000.0),
        Operation::List | Operation::ListPlain | Operation::ListDeep => Some(2_500.0),
        Operation::ListTotal | Operation::Create | Operation::Update => Some(2_000.0),
        Operation::Search => Some(1_000.0),
        Operation::Dashboard => Some(10_000.0),
        _ => None,
    }
}
