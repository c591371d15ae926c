//! A migration of three steps over many tenants, beside the same statements by themselves at the same
//! parallelism, and a run with nothing to do.
//!
//! ```sh
//! cargo bench -p vivero-workspace --bench migrate -- --tenants 1000
//! cargo bench -p vivero-workspace --features nodes --bench migrate -- --start
//! ```
//!
//! The comparison is with the least anybody could do: for each tenant one connection, opened, the three
//! statements one after another, closed; as many at once, by the same driver, on the same server with the same
//! settings, which are printed. On SQLite each statement is on disk before the next, as in a run. What a run
//! does besides is its own cost: who the tenant is and what it lacks, the journal of steps, the registry, the
//! rings. What it saves is its own, too: on MariaDB its connections go on from tenant to tenant. Opening the
//! program is part of neither; whichever comes first is the other's turn in the next round.
//!
//! `--start` starts a private MariaDB server that syncs each commit, under the build's folder, and removes it at
//! the end. With `--mariadb mysql://…` in its place it leaves the databases it made, under an installation of its
//! own: use a server that holds nothing else.

#[path = "load/mariadb.rs"]
#[expect(dead_code, reason = "it has keys and a registry of its own")]
mod mariadb;

use clap::Parser;
use mariadb::MariaDb;
use sqlx::ConnectOptions as _;
use sqlx::mysql::MySqlConnectOptions;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use vivero_core::migration::{Canary, Engine, Migration, Quiet, RunOptions, RunState};
use vivero_core::tenant::{NewTenant, Owner};
use vivero_core::{Tenant, Vivero};
use vivero_server::config::Config;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Clone, Parser)]
#[command(about = "Migrates many tenants, beside bare statements")]
struct Options {
    /// Tenants.
    #[arg(long, default_value_t = 1_000)]
    tenants: usize,
    /// Tenants at once.
    #[arg(long, default_value_t = 8)]
    parallel: usize,
    /// How often: bare statements, then a migration.
    #[arg(long, default_value_t = 5)]
    rounds: i64,
    /// Number of the first round: greater than any before, where tenants are there already.
    #[arg(long, default_value_t = 1)]
    first: i64,
    /// On a private MariaDB server; otherwise on SQLite in a temporary folder.
    #[arg(long)]
    start: bool,
    /// Memory for data of the private server.
    #[arg(long, value_name = "SIZE", default_value = "1G")]
    buffer_pool: String,
    /// On a MariaDB server that is there, as `mysql://USER:PASSWORD@HOST:PORT`.
    #[arg(long, value_name = "URL", conflicts_with = "start")]
    mariadb: Option<String>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn steps(table: &str, engine: Engine) -> [String; 3] {
    let add = match engine {
        Engine::Sqlite => "ADD COLUMN note TEXT",
        Engine::MariaDb => "ADD COLUMN IF NOT EXISTS note LONGTEXT",
    };
    [
        format!("CREATE TABLE IF NOT EXISTS {table} (n BIGINT PRIMARY KEY, area BIGINT NOT NULL)"),
        format!("ALTER TABLE {table} {add}"),
        format!("CREATE INDEX IF NOT EXISTS {table}_area ON {table} (area)"),
    ]
}

fn migration(round: i64, engine: Engine) -> Migration {
    let all = steps(&format!("beds_{round}"), engine);
    all.into_iter().fold(Migration::new(round, "beds"), Migration::step)
}

/// Where the tenants are.
#[derive(Debug, Clone)]
enum Place {
    Folder(PathBuf),
    Server(String),
}

impl Place {
    const fn engine(&self) -> Engine {
        match self {
            Self::Folder(_) => Engine::Sqlite,
            Self::Server(_) => Engine::MariaDb,
        }
    }

    async fn open(&self, migrations: std::ops::Range<i64>) -> Result<Vivero, Failure> {
        let mut config = Config { migrate_on_open: Some(false), ..Config::default() };
        match self {
            Self::Folder(folder) => config.data_dir.clone_from(folder),
            Self::Server(url) => {
                config.database_url = Some(format!("{url}/bench_migrate"));
                config.key = Some(KEY.into());
            }
        }
        let mut builder = config.builder()?.weak_passwords_for_tests();
        for round in migrations {
            builder = builder.migration(migration(round, self.engine()));
        }
        Ok(builder.open(&config.database()).await?)
    }

    /// What makes commits durable, in the engine's words.
    async fn settings(&self) -> Result<String, Failure> {
        let Self::Server(url) = self else {
            return Ok("journal_mode = WAL, synchronous = FULL".into());
        };
        let mut connection = MySqlConnectOptions::from_str(url)?.connect().await?;
        let sql = "SELECT concat(version(), ', innodb_flush_log_at_trx_commit = ', \
                   @@innodb_flush_log_at_trx_commit, ', innodb_doublewrite = ', @@innodb_doublewrite, \
                   ', log_bin = ', @@log_bin)";
        Ok(sqlx::query_scalar(sql).fetch_one(&mut connection).await?)
    }

    /// The statements by themselves: connect, run, close.
    async fn bare(&self, tenant: &Tenant, round: i64) -> Result<(), Failure> {
        let name = tenant.id.uuid().simple().to_string();
        let statements = steps(&format!("bare_{round}"), self.engine());
        match self {
            Self::Folder(folder) => {
                let file = folder.join("tenants").join(&name[30..]).join(format!("{name}.sqlite3"));
                tokio::task::spawn_blocking(move || {
                    let connection = rusqlite::Connection::open(file)?;
                    // As durable as a run is: each statement is on disk before the next.
                    connection
                        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")?;
                    statements.iter().try_for_each(|sql| connection.execute_batch(sql))
                })
                .await??;
            }
            Self::Server(url) => {
                let options = MySqlConnectOptions::from_str(url)?.database(&format!("t{name}"));
                let mut connection = options.connect().await?;
                for sql in statements {
                    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
                }
                sqlx::Connection::close(connection).await?;
            }
        }
        Ok(())
    }
}

async fn all(vivero: &Vivero) -> Result<Vec<Tenant>, Failure> {
    let mut tenants: Vec<Tenant> = Vec::new();
    loop {
        let some = vivero.tenants().list(tenants.last().map(|t| t.slug.as_str()), 200).await?;
        if some.is_empty() {
            return Ok(tenants);
        }
        tenants.extend(some);
    }
}

async fn bare(
    place: &Place,
    tenants: &Arc<[Tenant]>,
    options: &Options,
    round: i64,
) -> Result<Duration, Failure> {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut working = JoinSet::new();
    for _ in 0..options.parallel {
        let (place, tenants, next) = (place.clone(), Arc::clone(tenants), Arc::clone(&next));
        working.spawn(async move {
            while let Some(tenant) = tenants.get(next.fetch_add(1, Ordering::Relaxed)) {
                place.bare(tenant, round).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(done) = working.join_next().await {
        done??;
    }
    Ok(begun.elapsed())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let build = std::env::current_exe()?;
    let build = build.parent().ok_or("a program in no folder")?;
    let folder = tempfile::Builder::new().prefix("migrate-").tempdir_in(build)?;
    let server = options.start.then(|| MariaDb::start(folder.path(), &options.buffer_pool));
    let server = server.transpose()?;
    let url = server.as_ref().map(MariaDb::address).or_else(|| options.mariadb.clone());
    let place = match url {
        Some(url) => Place::Server(url.trim_end_matches('/').to_owned()),
        None => Place::Folder(folder.path().to_owned()),
    };
    let vivero = place.open(0..0).await?;
    let begun = Instant::now();
    let there = all(&vivero).await?.len();
    for number in there..options.tenants {
        let owner = Owner::new("grower@example.com", "a long enough secret");
        vivero.tenants().provision(NewTenant::trial(format!("tenant-{number:05}"), owner)).await?;
    }
    let tenants: Arc<[Tenant]> = all(&vivero).await?.into();
    println!(
        "{} tenants on {}, {} at once; made in {:.1} s",
        tenants.len(),
        place.engine(),
        options.parallel,
        begun.elapsed().as_secs_f64()
    );
    vivero.close().await;
    let mut shares = Vec::new();
    println!("{}", place.settings().await?);
    for round in options.first..options.first + options.rounds {
        let first = round % 2 == 1;
        let mut alone = Duration::ZERO;
        if first {
            alone = bare(&place, &tenants, &options, round).await?;
        }
        let vivero = place.open(options.first..round + 1).await?;
        let run = RunOptions {
            canary: Canary::Count(1),
            waves: vec![10],
            parallel: u32::try_from(options.parallel)?,
            // What else runs on this machine must not stop it.
            slower: None,
            operator: "bench".into(),
            ..RunOptions::default()
        };
        let begun = Instant::now();
        let ran = vivero.migrations()?.up(run.clone(), Arc::new(Quiet)).await?;
        let taken = begun.elapsed();
        if ran.state != RunState::Done || ran.done != tenants.len() as u64 {
            return Err(format!("the run did not go through: {ran:?}").into());
        }
        let begun = Instant::now();
        let nothing = vivero.migrations()?.up(run, Arc::new(Quiet)).await?;
        let idle = begun.elapsed();
        if nothing.tenants != 0 {
            return Err("tenants were not known to be up to date".into());
        }
        vivero.close().await;
        if !first {
            alone = bare(&place, &tenants, &options, round).await?;
        }
        let share = alone.as_secs_f64() / taken.as_secs_f64() * 100.0;
        shares.push(share);
        println!(
            "round {round}: bare statements {:.2} s ({:.0} tenants/s), migration {:.2} s ({:.0} tenants/s): \
             {share:.0} % of bare; nothing to do {:.1} ms",
            alone.as_secs_f64(),
            tenants.len() as f64 / alone.as_secs_f64(),
            taken.as_secs_f64(),
            tenants.len() as f64 / taken.as_secs_f64(),
            idle.as_secs_f64() * 1e3
        );
    }
    shares.sort_by(f64::total_cmp);
    println!("median {:.0} % of bare statements (bound: 80)", shares[shares.len() / 2]);
    Ok(())
}
