//! The command line.

use super::operation::Operation;
use clap::Parser;
use std::path::PathBuf;

/// Loads a running vivero server over HTTP and prints throughput, latency and memory.
#[derive(Debug, Parser)]
#[command(name = "load", version)]
#[command(group(clap::ArgGroup::new("source").required(true).args(["demo_json", "start"])))]
pub(crate) struct Options {
    /// The line that `vivero demo --json` prints, as a file; - reads it from standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) demo_json: Option<PathBuf>,
    /// Start the release binary on data of its own, twice: once to seed, once to measure.
    #[arg(long)]
    pub(crate) start: bool,
    /// The binary to start [default: `vivero` in the release folder of this build].
    #[arg(long, value_name = "FILE", requires = "start")]
    pub(crate) binary: Option<PathBuf>,
    /// How many records a started server is seeded with.
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    pub(crate) records: u64,
    /// Data folder of a started server, kept afterwards [default: a folder that is removed].
    #[arg(long, value_name = "DIR", requires = "start")]
    pub(crate) data: Option<PathBuf>,
    /// Start a private MariaDB server too, and keep the data there.
    #[arg(long, requires = "start", conflicts_with = "database_url")]
    pub(crate) mariadb: bool,
    /// Make so many more tenants, sign in to each and list it before and after measuring.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "start")]
    pub(crate) tenants: usize,
    /// Memory for data of the private MariaDB server; 8G holds a million records.
    #[arg(long, value_name = "SIZE", default_value = "2G")]
    pub(crate) buffer_pool: String,
    /// Database of a started server, whose key `VIVERO_KEY_FILE` names.
    #[arg(long, value_name = "URL", env = "VIVERO_DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// Process id of a server that was not started here, to read its memory and CPU.
    #[arg(long, conflicts_with = "start")]
    pub(crate) pid: Option<u32>,
    /// Numbers of connections to measure with, e.g. 10,64.
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "10")]
    pub(crate) connections: Vec<usize>,
    /// Seconds to measure each operation.
    #[arg(long, value_name = "S", default_value_t = 5.0, value_parser = seconds)]
    pub(crate) seconds: f64,
    /// Seconds of the same load before measuring.
    #[arg(long, value_name = "S", default_value_t = 0.5, value_parser = seconds)]
    pub(crate) warmup: f64,
    /// What to measure, in this order.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Operation::DEFAULT)]
    pub(crate) operations: Vec<Operation>,
    /// Send an Idempotency-Key with every POST.
    #[arg(long)]
    pub(crate) idempotency: bool,
    /// Seed of every random choice.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Print one JSON object instead of the table.
    #[arg(long)]
    pub(crate) json: bool,
    /// Exit with 1 if a bound is not met or a request failed.
    #[arg(long)]
    pub(crate) bounds: bool,
    /// Print the slowest request targets of each operation, and the server's own log.
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Measure nothing under load: ask for every target of the reading operations, one after
    /// another, and print the slowest. Finds queries with a bad plan.
    #[arg(long)]
    pub(crate) each: bool,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// Whether the server under load keeps its data in MariaDB.
    pub(crate) fn is_mariadb(&self) -> bool {
        self.mariadb || self.database_url.as_ref().is_some_and(|url| !url.starts_with("sqlite:"))
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=600.0).contains(&seconds) { Ok(seconds) } else { Err("must be 0 to 600".to_owned()) }
}
