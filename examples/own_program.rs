//! All of vivero's commands as a program of one's own, with record types and migrations that vivero does not know:
//! `serve`, `migrate`, `tenant`, `doctor` and the others work on tenants that have them.
//!
//! `cargo run --example own_program -- migrate plan --data DIR`

use clap::Parser as _;
use std::process::ExitCode;
use vivero_core::migration::Migration;
use vivero_core::{LocationId, Record, RecordId};
use vivero_server::cli::{Cli, run_with};

/// Water given to a bed.
#[derive(Debug, Clone, PartialEq, Record)]
#[record(table = "irrigation_runs", resource = "irrigation", location = "bed")]
struct IrrigationRun {
    id: RecordId<Self>,
    #[record(filter, sort)]
    bed: LocationId,
    #[record(sort, sum)]
    litres: i64,
}

/// A table that is no record type: each step does no harm when it is repeated.
fn areas() -> Migration {
    Migration::new(20_261_101, "area of beds").step(
        "CREATE TABLE IF NOT EXISTS bed_areas (bed VARCHAR(64) PRIMARY KEY, dm2 BIGINT NOT NULL)",
    )
}

#[tokio::main]
async fn main() -> ExitCode {
    run_with(Cli::parse(), |builder| builder.record::<IrrigationRun>().migration(areas())).await
}
