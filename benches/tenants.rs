//! Many tenants, few of them open: what making, opening and visiting one costs.
//!
//! On SQLite: `cargo bench -p vivero-workspace --bench tenants -- --tenants 10000 --open 256`. On MariaDB, with
//! the account of a server that holds nothing of value, which keeps the tenants' databases afterwards:
//! `cargo bench -p vivero-workspace --features mariadb --bench tenants -- --tenants 2000 --open 64
//! --connections 200 --database mysql://root@127.0.0.1:3306/registry`.
//!
//! Any error ends it with that error; with `--most-mib` so does too much memory.

#[path = "load/histogram.rs"]
mod histogram;
#[path = "load/process.rs"]
#[expect(
    dead_code,
    reason = "written to watch another process and the machine; here it is this one"
)]
mod process;

use clap::Parser;
use histogram::Histogram;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use vivero_core::service::RequestContext;
use vivero_core::{EntityFilter, NewTenant, Owner, Page, Password, Vivero};
use vivero_server::config::Config;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Clone, Parser)]
#[command(about = "Visits many tenants, more than may be open at once")]
struct Options {
    /// Tenants to make.
    #[arg(long, default_value_t = 10_000)]
    tenants: usize,
    /// Tenant databases open at once.
    #[arg(long, default_value_t = 256)]
    open: usize,
    /// A MariaDB registry instead of a folder of SQLite files: mysql://USER:PASSWORD@HOST:PORT/DATABASE.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Connections to the MariaDB server, over all tenants.
    #[arg(long, default_value_t = 200)]
    connections: usize,
    /// Most memory this process may take, in MiB.
    #[arg(long, value_name = "MIB")]
    most_mib: Option<f64>,
    /// Visits in all, each to the tenant after the last: all of them find it closed.
    #[arg(long, default_value_t = 20_000)]
    visits: usize,
    /// Visitors at once.
    #[arg(long, default_value_t = 10)]
    visitors: usize,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

const SECRET: &str = "a long enough secret";

fn slug(number: usize) -> String {
    format!("tenant-{number:06}")
}

fn email(number: usize) -> String {
    format!("grower{number}@example.com")
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let folder = tempfile::tempdir()?;
    let config = Config {
        data_dir: folder.path().into(),
        max_open_tenants: Some(options.open),
        max_connections: Some(options.connections),
        key: Some("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".into()),
        database_url: options.database.clone(),
        ..Config::default()
    };
    let vivero = config.builder().weak_passwords_for_tests().open(&config.database()).await?;
    let mut making = Histogram::new();
    let begun = Instant::now();
    for number in 0..options.tenants {
        let start = Instant::now();
        let new = NewTenant::trial(slug(number), Owner::new(email(number), SECRET));
        vivero.tenants().provision(new).await?;
        making.record(start.elapsed());
    }
    tell("provision", &making, begun);

    let mut tokens = Vec::with_capacity(options.tenants);
    let mut signing = Histogram::new();
    let begun = Instant::now();
    for number in 0..options.tenants {
        let start = Instant::now();
        let password = Password::new(email(number), SECRET);
        let context = RequestContext::default();
        let signed = vivero.log_in(&slug(number), password, None, context).await?;
        signing.record(start.elapsed());
        tokens.push(signed.tokens.access_token);
    }
    tell("sign-in, opening the database", &signing, begun);

    let watch = process::Watch::start(std::process::id());
    let tokens: Arc<[String]> = tokens.into();
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut visitors = tokio::task::JoinSet::new();
    for _ in 0..options.visitors {
        let (vivero, tokens, next) = (vivero.clone(), Arc::clone(&tokens), Arc::clone(&next));
        visitors.spawn(visit(vivero, tokens, next, options.visits));
    }
    let mut visiting = Histogram::new();
    while let Some(seen) = visitors.join_next().await {
        visiting.merge(&seen??);
    }
    tell("visit (resume, list), opening the database", &visiting, begun);
    let stats = vivero.stats().await?;
    println!(
        "{} tenants on disk, {} open of at most {}, {} opened, {} closed for others, {} refused",
        stats.tenants, stats.open, stats.max_open, stats.opened, stats.evicted, stats.refused
    );
    for server in vivero.servers().list().await? {
        let c = server.connections;
        if c.max > 0 {
            println!(
                "server {}: {} tenants, {} connections of at most {}, {} made, {} closed for others, \
                 {:.1} s waited in all, {} refused",
                server.name,
                server.tenants,
                c.open,
                c.max,
                c.opened,
                c.evicted,
                c.waited_seconds,
                c.refused
            );
        }
    }
    let usage = watch.and_then(|w| w.usage());
    if let Some(usage) = &usage {
        println!("memory {:.0} MiB, peak {:.0} MiB", usage.resident_mib, usage.peak_mib);
    }
    vivero.close().await;
    if let (Some(usage), Some(most)) = (usage, options.most_mib)
        && usage.peak_mib > most
    {
        return Err(format!("{:.0} MiB is more than {most:.0}", usage.peak_mib).into());
    }
    Ok(())
}

async fn visit(
    vivero: Vivero,
    tokens: Arc<[String]>,
    next: Arc<AtomicUsize>,
    visits: usize,
) -> Result<Histogram, Failure> {
    let mut times = Histogram::new();
    loop {
        let turn = next.fetch_add(1, Ordering::Relaxed);
        if turn >= visits {
            return Ok(times);
        }
        let number = turn % tokens.len();
        let start = Instant::now();
        let session = vivero.resume(&slug(number), &tokens[number]).await?;
        session.entities().list(EntityFilter::new(), Page::first(50)).await?;
        times.record(start.elapsed());
    }
}

fn tell(what: &str, times: &Histogram, begun: Instant) {
    println!(
        "{what}: {} in {:.1} s, p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
        times.count(),
        begun.elapsed().as_secs_f64(),
        times.percentile_ms(50.0),
        times.percentile_ms(99.0),
        times.max_ms(),
    );
}
