//! Many tenants on disk, few of them open: what making, opening and visiting one costs.
//!
//! `cargo bench -p vivero-workspace --bench tenants -- --tenants 10000 --open 256`

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
use vivero_store::Open as _;

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
    let vivero = Vivero::builder()
        .max_open_tenants(options.open)
        .weak_passwords_for_tests()
        .open(&format!("sqlite:{}", folder.path().display()))
        .await?;
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
    if let Some(usage) = watch.and_then(|w| w.usage()) {
        println!("memory {:.0} MiB, peak {:.0} MiB", usage.resident_mib, usage.peak_mib);
    }
    vivero.close().await;
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
