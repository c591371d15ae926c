//! What making a tenant on MariaDB costs: cold, from a prepared database, and the bare definitions.
//!
//! `cargo bench -p vivero-workspace --features nodes --bench provisioning -- --database mysql://root@127.0.0.1:3306`
//!
//! The account must be allowed everything on the server; what is made is removed at the end. Passwords cost
//! next to nothing here: a hash of the real ones is 20 to 50 ms of one core before any of this. Exits with 1
//! if a prepared database takes longer than 50 ms (the median), or a cold one longer than 20 times its bare
//! definitions. It also says what the server
//! counts for one of them.

use clap::Parser;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::str::FromStr as _;
use std::time::{Duration, Instant};
use vivero_core::{NewTenant, Owner, Vivero};
use vivero_store::{KeyText, MariaDbOptions, Open as _};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Bounds: milliseconds from a prepared database, and times the bare definitions for a cold one.
const PREPARED_MS: f64 = 50.0;
const COLD_TIMES: f64 = 20.0;

#[derive(Debug, Clone, Parser)]
#[command(about = "Times the making of tenants on a MariaDB server")]
struct Options {
    /// The server: mysql://USER:PASSWORD@HOST:PORT, without a database.
    #[arg(long, env = "VIVERO_TEST_MARIADB")]
    database: String,
    /// Tenants of each kind.
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let options = Options::parse();
    let address = options.database.trim_end_matches('/');
    let mut root = MySqlConnectOptions::from_str(address)?.connect().await?;
    let (prefix, registry) =
        (format!("p{}x", std::process::id()), format!("bench_{}", std::process::id()));
    let outcome = measure(&options, address, &prefix, &registry, &mut root).await;
    clear(&mut root, &prefix, &registry).await?;
    outcome
}

async fn measure(
    options: &Options,
    address: &str,
    prefix: &str,
    registry: &str,
    root: &mut MySqlConnection,
) -> Result<ExitCode, Failure> {
    let mariadb = MariaDbOptions {
        prefix: prefix.into(),
        standby: options.rounds,
        ..MariaDbOptions::default()
    };
    let vivero = Vivero::builder()
        .weak_passwords_for_tests()
        .mariadb(mariadb)
        .key(KeyText("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".into()))
        .open(&format!("{address}/{registry}"))
        .await?;
    let cold = provision(&vivero, "cold", options.rounds).await?;
    let definitions = definitions(root, prefix).await?;
    let mut bare = Vec::new();
    for round in 0..options.rounds {
        let name = format!("{prefix}bare{round}");
        let begun = Instant::now();
        run(root, &format!("CREATE DATABASE {name}; USE {name}")).await?;
        for statement in &definitions {
            run(root, statement).await?;
        }
        bare.push(begun.elapsed());
    }
    let begun = Instant::now();
    let made = vivero.tend().await?;
    let each = begun.elapsed() / u32::try_from(made.max(1))?;
    let before = Spent::read(root).await?;
    let prepared = provision(&vivero, "prepared", options.rounds).await?;
    let spent = Spent::read(root).await?.since(&before);
    vivero.close().await;

    println!(
        "{} statements make a tenant's tables; {} rounds each",
        definitions.len(),
        options.rounds
    );
    let bare = tell("bare definitions", bare);
    let cold = tell("cold", cold);
    let prepared = tell("from a prepared database", prepared);
    println!("preparing one in the background: {:.1} ms", ms(each));
    spent.tell(options.rounds);
    println!("cold / bare: {:.2} (bound {COLD_TIMES})", cold / bare);
    println!("prepared: {prepared:.1} ms (bound {PREPARED_MS})");
    let good = prepared <= PREPARED_MS && cold <= bare * COLD_TIMES;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn provision(vivero: &Vivero, kind: &str, rounds: u32) -> Result<Vec<Duration>, Failure> {
    let mut times = Vec::new();
    for round in 0..rounds {
        let owner = Owner::new("grower@example.com", "a long enough secret");
        let begun = Instant::now();
        vivero.tenants().provision(NewTenant::trial(format!("{kind}-{round}"), owner)).await?;
        times.push(begun.elapsed());
    }
    Ok(times)
}

/// What makes the tables and triggers of one of the tenants, as the server tells it.
async fn definitions(root: &mut MySqlConnection, prefix: &str) -> Result<Vec<String>, Failure> {
    let database = databases(root, prefix).await?.pop().ok_or("no tenant was made")?;
    let text = |sql: String| AssertSqlSafe(sql);
    let mut statements = Vec::new();
    for (kind, list) in [("TABLE", "tables"), ("TRIGGER", "triggers")] {
        let names = format!(
            "SELECT {}_name FROM information_schema.{list} WHERE {}_schema = '{database}'",
            kind.to_lowercase(),
            kind.to_lowercase()
        );
        for name in sqlx::query_scalar::<_, String>(text(names)).fetch_all(&mut *root).await? {
            let shown = sqlx::raw_sql(text(format!("SHOW CREATE {kind} {database}.{name}")));
            let row = shown.fetch_one(&mut *root).await?;
            let statement: String = row.try_get_unchecked(if kind == "TABLE" { 1 } else { 2 })?;
            statements.push(statement);
        }
    }
    Ok(statements)
}

async fn databases(root: &mut MySqlConnection, prefix: &str) -> Result<Vec<String>, Failure> {
    let sql = format!(
        "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE '{prefix}%'"
    );
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(root).await?)
}

async fn run(root: &mut MySqlConnection, sql: &str) -> Result<(), Failure> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(root).await?;
    Ok(())
}

async fn clear(root: &mut MySqlConnection, prefix: &str, registry: &str) -> Result<(), Failure> {
    for database in databases(root, prefix).await? {
        run(root, &format!("DROP DATABASE {database}; DROP USER IF EXISTS '{database}'@'%'"))
            .await?;
    }
    run(root, &format!("DROP DATABASE IF EXISTS {registry}")).await
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Prints median, 99th percentile and worst; gives the median in milliseconds.
fn tell(what: &str, mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let at = |part: usize| times.get((times.len() * part / 100).min(times.len().max(1) - 1));
    let at = |part: usize| at(part).map_or(0.0, |t| ms(*t));
    println!("{what}: median {:.1} ms, p99 {:.1} ms, worst {:.1} ms", at(50), at(99), at(100));
    at(50)
}

/// What the server counts: connections, statements by kind, bytes made durable.
struct Spent(BTreeMap<String, i64>);

impl Spent {
    async fn read(root: &mut MySqlConnection) -> Result<Self, Failure> {
        let asked = "SHOW GLOBAL STATUS WHERE variable_name IN ('Connections', 'Questions', 'Com_select', \
                     'Com_insert', 'Com_update', 'Com_delete', 'Com_commit', 'Com_stmt_prepare', \
                     'Com_set_option', 'Innodb_os_log_fsyncs', 'Innodb_data_fsyncs')";
        let mut all = BTreeMap::new();
        for row in sqlx::raw_sql(asked).fetch_all(root).await? {
            all.insert(row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?.parse()?);
        }
        Ok(Self(all))
    }

    fn since(mut self, before: &Self) -> Self {
        for (name, number) in &mut self.0 {
            *number -= before.0.get(name).copied().unwrap_or(0);
        }
        self
    }

    fn tell(&self, rounds: u32) {
        let each = |number: i64| number as f64 / f64::from(rounds);
        let all: Vec<String> =
            self.0.iter().map(|(name, number)| format!("{name} {:.1}", each(*number))).collect();
        println!("of the server, for one from a prepared database: {}", all.join(", "));
    }
}
