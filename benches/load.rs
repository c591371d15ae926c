//! Drives a running vivero server over HTTP/1.1 with N kept-alive connections and prints, per
//! operation, throughput, p50, p99, the longest answer, errors, and the server's memory and CPU.
//!
//! ```text
//! cargo build --release
//! cargo bench --bench load -- --start --records 200000 --connections 10,64
//! cargo bench --bench load -- --start --data ./data/load --operations list,list_deep --verbose
//! cargo build --release --features mariadb
//! cargo bench --bench load -- --start --mariadb --records 200000 --connections 10,64
//! target/release/vivero demo --json > demo.json &
//! cargo bench --bench load -- --demo-json demo.json --pid $!
//! ```
//!
//! With `--start` the release binary is started on a folder of its own, seeded, stopped and started
//! again, so that the start on existing data is measured and the seeding is not part of the memory
//! figures. The folder lies beside the binary, not in a temporary directory, which may be in memory
//! and would make durable writes look free.
//!
//! With `--mariadb` a private MariaDB server is started as well, in the data folder, durable and with
//! room for the data in memory; `--database-url` (or `VIVERO_DATABASE_URL` with `VIVERO_KEY_FILE`) uses another.
//!
//! With `--tenants 2000` so many more tenants are made, signed in to and listed, before what is measured and
//! again after it; the bound on memory is then that of many tenants.
//!
//! What is measured:
//!
//! - Closed loop: each connection sends its next request when it has the whole answer to the last.
//!   The time runs from the first byte written to the last byte read. Only 2xx answers count; others
//!   are counted by status, those of the warm-up too, the first of each printed with its body.
//! - Client and server share the machine, so the client is one thread with a minimal HTTP reader;
//!   `cpu` shows the cores that the server, the database, the load and the rest kept busy. Results
//!   beside much other work are pointed out; they say little.
//! - `peak` is the server's largest resident set during that operation (`VmHWM`, reset before each).
//! - `list` asks for every combination of the declared filters in every declared sort, three in four
//!   with the values of one stored lot, one in four with values that may never meet in one lot.
//!   `KiB` is the mean body, so that sparse answers do not pass for full pages; `list_plain` is
//!   always a full page. `list_deep` goes on from cursors at about the 1,000th page of 50.
//! - Writes go to lots that the run itself has created; a folder that is kept grows with every run.
//!
//! Bounds on p99 hold at 10 connections, bounds on throughput at 64 connections and 200,000 records.

mod load {
    pub(crate) mod api;
    pub(crate) mod bounds;
    pub(crate) mod deep;
    pub(crate) mod drive;
    pub(crate) mod each;
    pub(crate) mod histogram;
    pub(crate) mod http;
    pub(crate) mod jobs;
    pub(crate) mod mariadb;
    pub(crate) mod operation;
    pub(crate) mod options;
    pub(crate) mod plan;
    pub(crate) mod process;
    pub(crate) mod random;
    pub(crate) mod report;
    pub(crate) mod sample;
    pub(crate) mod server;
    pub(crate) mod targets;
    pub(crate) mod visits;
    pub(crate) mod writes;
}

use clap::Parser as _;
use load::options::Options;
use load::plan::Plan;
use load::report::Report;
use load::server::{self, Server};
use load::visits::Visits;
use std::pin::pin;
use std::process::ExitCode;

/// Whatever stops a run.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    // A plain `cargo bench` also comes here, with `--bench` alone.
    if std::env::args().skip(1).all(|argument| argument == "--bench") {
        eprintln!("load: nothing measured; give --start or --demo-json FILE (see --help)");
        return ExitCode::SUCCESS;
    }
    let options = Options::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(run(&options)) {
        Ok(report) if !report.is_complete() => ExitCode::from(2),
        Ok(report) if options.bounds && !report.bounds_met() => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &Failure) -> ExitCode {
    eprintln!("load: {error}");
    ExitCode::from(2)
}

async fn run(options: &Options) -> Result<Report, Failure> {
    let mut stopped = pin!(server::interrupted());
    let mut server = tokio::select! {
        server = Server::open(options) => server?,
        why = &mut stopped => return Err(why),
    };
    // However it ends, a server that was started here is stopped.
    let outcome = tokio::select! {
        outcome = measure(options, &server) => outcome,
        why = &mut stopped => Err(why),
    };
    let stopped = server.stop().await;
    let report = outcome?;
    report.finish(options.json);
    stopped?;
    Ok(report)
}

async fn measure(options: &Options, server: &Server) -> Result<Report, Failure> {
    let visits = Visits::new(&server.demo, options.tenants, server.pid);
    if options.tenants > 0 {
        visits.make().await?;
        visits.visit().await?;
    }
    let mut plan = Plan::prepare(options, server).await?;
    let mut report = Report::new(server, plan.entities(), options.tenants);
    if !options.json {
        report.print_head(!options.each);
    }
    for operation in &options.operations {
        if options.each {
            plan.each(*operation).await?;
            continue;
        }
        for connections in &options.connections {
            // What was measured before is worth keeping.
            let line = match plan.run(*operation, *connections).await {
                Ok(case) => report.add(case),
                Err(error) => report.fail(*operation, *connections, &error),
            };
            if !options.json {
                println!("{line}");
            }
        }
    }
    if options.tenants > 0 {
        visits.visit().await?;
    }
    Ok(report)
}
