//! Many tenants, few of them open: what making, opening and visiting one costs.
//!
//! On SQLite: `cargo bench -p vivero-workspace --bench tenants -- --tenants 10000 --open 256`. On MariaDB, with
//! the account of a server that holds nothing of value, which keeps the tenants' databases afterwards:
//! `cargo bench -p vivero-workspace --features mariadb --bench tenants -- --tenants 2000 --open 64
//! --connections 200 --database mysql://root@127.0.0.1:3306/registry`.
//!
//! Every error is counted and told, and any makes it exit with 1; with `--most-mib` so does too much memory.

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
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use vivero_core::service::RequestContext;
use vivero_core::{EntityFilter, NewTenant, Owner, Page, Password};
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
    /// Tenants made at once; a process makes four at a time, the others wait.
    #[arg(long, default_value_t = 4)]
    makers: usize,
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
    let vivero = config.builder()?.weak_passwords_for_tests().open(&config.database()).await?;
    let watch = process::Watch::start(std::process::id());
    let one = vivero.clone();
    let made = all(options.makers, options.tenants, move |number| {
        let vivero = one.clone();
        async move {
            let new = NewTenant::trial(slug(number), Owner::new(email(number), SECRET));
            vivero.tenants().provision(new).await.map(|_| ())
        }
    });
    let mut errors = tell("provision", made.await?);

    let tokens: Arc<[OnceLock<String>]> = (0..options.tenants).map(|_| OnceLock::new()).collect();
    let (one, kept) = (vivero.clone(), Arc::clone(&tokens));
    let signed = all(options.visitors, options.tenants, move |number| {
        let (vivero, tokens) = (one.clone(), Arc::clone(&kept));
        async move {
            let password = Password::new(email(number), SECRET);
            let context = RequestContext::default();
            let signed = vivero.log_in(&slug(number), password, None, context).await?;
            let _ = tokens[number].set(signed.tokens.access_token);
            Ok(())
        }
    });
    errors += tell("sign-in, opening the database", signed.await?);

    let (one, tenants) = (vivero.clone(), options.tenants);
    let visited = all(options.visitors, options.visits, move |turn| {
        let (vivero, tokens) = (one.clone(), Arc::clone(&tokens));
        async move {
            let number = turn % tenants;
            let token = tokens[number].get().map_or("", String::as_str);
            let session = vivero.resume(&slug(number), token).await?;
            session.entities().list(EntityFilter::new(), Page::first(50)).await.map(|_| ())
        }
    });
    errors += tell("visit (resume, list), opening the database", visited.await?);
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
    if let Some(url) = &options.database {
        tell_server(url).await?;
    }
    let usage = watch.and_then(|w| w.usage());
    if let Some(usage) = &usage {
        println!(
            "this process: memory {:.0} MiB, peak {:.0} MiB",
            usage.resident_mib, usage.peak_mib
        );
    }
    vivero.close().await;
    if errors > 0 {
        return Err(format!("{errors} errors").into());
    }
    if let (Some(usage), Some(most)) = (usage, options.most_mib)
        && usage.peak_mib > most
    {
        return Err(format!("{:.0} MiB is more than {most:.0}", usage.peak_mib).into());
    }
    Ok(())
}

/// What came of doing something many times.
struct Outcome {
    times: Histogram,
    took: Duration,
    /// How often which error.
    errors: BTreeMap<String, usize>,
}

/// Does something `times` times, `at_once` at a time, with a number each.
async fn all<F, D>(at_once: usize, times: usize, what: F) -> Result<Outcome, Failure>
where
    F: Fn(usize) -> D + Send + Sync + 'static,
    D: Future<Output = vivero_core::Result<()>> + Send,
{
    let begun = Instant::now();
    let (what, next) = (Arc::new(what), Arc::new(AtomicUsize::new(0)));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..at_once {
        let (what, next) = (Arc::clone(&what), Arc::clone(&next));
        tasks.spawn(async move {
            let (mut done, mut errors) = (Histogram::new(), BTreeMap::<String, usize>::new());
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= times {
                    return (done, errors);
                }
                let start = Instant::now();
                match what(number).await {
                    Ok(()) => done.record(start.elapsed()),
                    Err(e) => *errors.entry(e.to_string()).or_default() += 1,
                }
            }
        });
    }
    let (mut times, mut errors) = (Histogram::new(), BTreeMap::new());
    while let Some(part) = tasks.join_next().await {
        let (done, failed) = part?;
        times.merge(&done);
        for (error, number) in failed {
            *errors.entry(error).or_default() += number;
        }
    }
    Ok(Outcome { times, took: begun.elapsed(), errors })
}

/// Prints an outcome; how many errors there were.
fn tell(what: &str, outcome: Outcome) -> usize {
    let times = &outcome.times;
    let errors = outcome.errors.values().sum();
    println!(
        "{what}: {} in {:.1} s, p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms, {errors} errors",
        times.count(),
        outcome.took.as_secs_f64(),
        times.percentile_ms(50.0),
        times.percentile_ms(99.0),
        times.max_ms(),
    );
    for (error, number) in outcome.errors {
        println!("  {number} times: {error}");
    }
    errors
}

/// What the database server says of itself, and its memory if it runs on this machine.
#[cfg(feature = "mariadb")]
async fn tell_server(url: &str) -> Result<(), Failure> {
    use sqlx::{ConnectOptions as _, Row as _, mysql::MySqlConnectOptions};
    let options: MySqlConnectOptions = url.parse()?;
    let mut connection = options.connect().await?;
    let asked = "SHOW GLOBAL STATUS WHERE variable_name IN ('Max_used_connections', \
                 'Prepared_stmt_count', 'Open_tables', 'Opened_tables', 'Threads_created')";
    let mut said = Vec::new();
    for row in sqlx::raw_sql(asked).fetch_all(&mut connection).await? {
        said.push(format!("{} {}", row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?));
    }
    println!("the database server: {}", said.join(", "));
    let row = sqlx::raw_sql("SELECT @@pid_file").fetch_one(&mut connection).await?;
    let pid = std::fs::read_to_string(row.try_get_unchecked::<String, _>(0)?);
    let watch = pid.ok().and_then(|pid| pid.trim().parse().ok()).and_then(process::Watch::start);
    if let Some(usage) = watch.and_then(|w| w.usage()) {
        println!("the database server: memory {:.0} MiB", usage.resident_mib);
    }
    Ok(())
}

#[cfg(not(feature = "mariadb"))]
async fn tell_server(_: &str) -> Result<(), Failure> {
    Err("this needs --features mariadb".into())
}
