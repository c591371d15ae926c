//! The results, for people and for machines.

use super::bounds::{self, Bound};
use super::drive::Case;
use super::each::millis;
use super::operation::Operation;
use super::server::Server;
use serde_json::{Value as Json, json};
use std::fmt::Write as _;
use std::time::Duration;

/// All that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    entities: u64,
    is_mariadb: bool,
    /// Other tenants the server has seen.
    tenants: usize,
    seeding: Option<(Duration, Option<Bound>)>,
    start: Option<(Duration, Bound)>,
    cases: Vec<(Case, Vec<Bound>)>,
    /// What could not be measured, and why.
    failures: Vec<String>,
}

impl Report {
    pub(crate) fn new(server: &Server, entities: u64, tenants: usize) -> Self {
        let seeding = server.seeding.map(|took| {
            let bound = bounds::of_seeding(took, entities).filter(|_| !server.is_mariadb);
            (took, bound)
        });
        let start = server.start.map(|took| (took, bounds::of_start(took)));
        let is_mariadb = server.is_mariadb;
        let (cases, failures) = (Vec::new(), Vec::new());
        Self { entities, is_mariadb, tenants, seeding, start, cases, failures }
    }

    /// Whether everything that was asked for was measured.
    pub(crate) const fn is_complete(&self) -> bool {
        self.failures.is_empty()
    }

    /// Whether every bound that applies was met and every request succeeded.
    pub(crate) fn bounds_met(&self) -> bool {
        let cases = self.cases.iter();
        self.is_complete()
            && self.start.iter().all(|(_, bound)| bound.met)
            && self.seeding.iter().flat_map(|(_, bound)| bound).all(|bound| bound.met)
            && cases.clone().flat_map(|(_, bounds)| bounds).all(|bound| bound.met)
            && cases.map(|(case, _)| case.failed()).sum::<u64>() == 0
    }

    /// What stands above the table.
    pub(crate) fn print_head(&self, table: bool) {
        println!("{} entities", self.entities);
        if let Some((took, bound)) = &self.seeding {
            let bound = bound.as_ref().map_or_else(String::new, Bound::text);
            println!("first start, with seeding   {:>8.0} ms  {bound}", millis(*took));
        }
        if let Some((took, bound)) = &self.start {
            println!("start on existing data      {:>8.0} ms  {}", millis(*took), bound.text());
        }
        if !table {
            return;
        }
        println!(
            "\n{:<11}{:>6}{:>10}{:>9}{:>9}{:>9}{:>9}{:>8}{:>8}{:>9}{:>9}{:>21}  bounds",
            "operation",
            "conns",
            "requests",
            "per s",
            "p50 ms",
            "p99 ms",
            "max ms",
            "errors",
            "KiB",
            "rss MiB",
            "peak MiB",
            "cpu srv/db/load/rest"
        );
    }

    /// Takes a result and gives its line of the table.
    pub(crate) fn add(&mut self, case: Case) -> String {
        let bounds = bounds::of(&case, self.entities, self.is_mariadb, self.tenants);
        let line = line(&case, &bounds);
        self.cases.push((case, bounds));
        line
    }

    /// Takes a failure and gives its line of the table.
    pub(crate) fn fail(
        &mut self,
        operation: Operation,
        connections: usize,
        why: &crate::Failure,
    ) -> String {
        let line = format!("{:<11}{connections:>6}  not measured: {why}", operation.name());
        self.failures.push(line.clone());
        line
    }

    /// What stands below the table, or everything as JSON.
    pub(crate) fn finish(&self, as_json: bool) {
        if as_json {
            println!("{}", self.json());
        } else if !self.cases.is_empty() {
            println!(
                "\n{}",
                if self.bounds_met() { "all bounds met" } else { "not all bounds met" }
            );
            let disturbed = self.cases.iter().filter(|(case, _)| case.is_disturbed()).count();
            if disturbed > 0 {
                println!(
                    "in {disturbed} cases other work took much of the machine: measure them again"
                );
            }
        }
    }

    fn json(&self) -> Json {
        json!({
            "entities": self.entities,
            "tenants": self.tenants,
            "seeding_bound": self.seeding.as_ref().and_then(|(_, bound)| bound.as_ref()).map(bound_json),
            "seeding_ms": self.seeding.as_ref().map(|(took, _)| millis(*took)),
            "start_bound": self.start.as_ref().map(|(_, bound)| bound_json(bound)),
            "start_ms": self.start.as_ref().map(|(took, _)| millis(*took)),
            "bounds_met": self.bounds_met(),
            "failures": self.failures,
            "cases": self.cases.iter().map(|(case, bounds)| case_json(case, bounds)).collect::<Vec<_>>(),
        })
    }
}

fn line(case: &Case, bounds: &[Bound]) -> String {
    let (rss, peak, cores) = match &case.usage {
        Some(usage) => (
            format!("{:.0}", usage.resident_mib),
            format!("{:.0}", usage.peak_mib),
            format!("{:.2}", usage.cores),
        ),
        None => ("-".to_owned(), "-".to_owned(), "-".to_owned()),
    };
    let rest = case.other_cores.map_or_else(|| "-".to_owned(), |cores| format!("{cores:.2}"));
    let database =
        case.database_cores.map_or_else(|| "-".to_owned(), |cores| format!("{cores:.2}"));
    let latency = &case.latency;
    let bounds: Vec<String> = bounds.iter().map(Bound::text).collect();
    let mut line = format!(
        "{:<11}{:>6}{:>10}{:>9.0}{:>9.2}{:>9.2}{:>9.2}{:>8}{:>8.1}{rss:>9}{peak:>9}{:>21}  {}",
        case.operation.name(),
        case.connections,
        latency.count(),
        case.per_second(),
        latency.percentile_ms(50.0),
        latency.percentile_ms(99.0),
        latency.max_ms(),
        case.failed(),
        mean_kib(case),
        format!("{cores}/{database}/{:.2}/{rest}", case.own_cores),
        bounds.join(", "),
    );
    // Writing into a String cannot fail.
    for (kind, count) in &case.errors {
        let _ = write!(line, "\n             {count} x {kind}");
    }
    for slow in &case.slowest {
        let _ = write!(
            line,
            "\n{:>17.2} ms, {:.2} alone  {}",
            slow.under_load_ms, slow.alone_ms, slow.target
        );
    }
    line
}

fn case_json(case: &Case, bounds: &[Bound]) -> Json {
    let latency = &case.latency;
    json!({
        "operation": case.operation.name(),
        "connections": case.connections,
        "seconds": case.took.as_secs_f64(),
        "requests": latency.count(),
        "per_second": case.per_second(),
        "p50_ms": latency.percentile_ms(50.0),
        "p99_ms": latency.percentile_ms(99.0),
        "max_ms": latency.max_ms(),
        "errors": case.errors,
        "mean_body_kib": mean_kib(case),
        "rss_mib": case.usage.as_ref().map(|usage| usage.resident_mib),
        "peak_mib": case.usage.as_ref().map(|usage| usage.peak_mib),
        "server_cores": case.usage.as_ref().map(|usage| usage.cores),
        "database_cores": case.database_cores,
        "load_cores": case.own_cores,
        "other_cores": case.other_cores,
        "disturbed": case.is_disturbed(),
        "slowest": case.slowest.iter().map(|slow| json!({
            "target": slow.target,
            "under_load_ms": slow.under_load_ms,
            "alone_ms": slow.alone_ms,
        })).collect::<Vec<_>>(),
        "bounds": bounds.iter().map(bound_json).collect::<Vec<_>>(),
    })
}

fn bound_json(bound: &Bound) -> Json {
    json!({ "what": bound.what, "limit": bound.limit, "value": bound.value, "met": bound.met })
}

fn mean_kib(case: &Case) -> f64 {
    case.bytes as f64 / 1_024.0 / case.latency.count().max(1) as f64
}
