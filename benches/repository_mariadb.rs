//! Repository operations through the SDK beside the same statements through bare sqlx, on the same MariaDB
//! database. Both take turns, so that what else the machine does hits both; the figure is the ratio of
//! their medians.
//!
//! `cargo bench -p vivero-workspace --features nodes --bench repository_mariadb -- --start` starts a private,
//! fully durable server and makes 200,000 lots, under the build's folder; both are removed at the end.

#[path = "load/mariadb.rs"]
#[expect(dead_code, reason = "nobody asks for its process here")]
mod mariadb;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use clap::Parser;
use mariadb::MariaDb;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};
use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::{Duration, Instant};
use uuid::Uuid;
use vivero_core::entity::{EntityPatch, EntityType, NewEntity};
use vivero_core::{EntityFilter, EntityId, Page, Password, TenantSession, Vivero};
use vivero_server::demo;
use vivero_server::progress::Progress;
use vivero_store::{KeyFile, Open as _};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What the SDK may take, in times of bare sqlx.
const BOUND: f64 = 1.3;
const COLUMNS: &str = "seq, id, version, created_at, created_by, updated_at, updated_by, deleted_at, code, name, \
     kind, status, stage, held_from, location_id, batch_number, supplier_reference, quantity, unit, quality_grade, \
     attributes, started_on, ready_on";

/// Measures the SDK beside bare sqlx on MariaDB.
#[derive(Debug, Parser)]
#[command(name = "repository_mariadb", version)]
struct Options {
    /// Start a private server and measure.
    #[arg(long, required = true)]
    start: bool,
    /// How many lots there are.
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    records: u64,
    /// Data folder, kept afterwards [default: a folder that is removed].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Memory for data of the private server.
    #[arg(long, value_name = "SIZE", default_value = "2G")]
    buffer_pool: String,
    /// Reads of each kind and side; writes are a fifth of it.
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    times: usize,
    /// Exit with 1 if a ratio is above the bound.
    #[arg(long)]
    bounds: bool,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Words of each lot that is made, beside those of its code.
const WORDS: [&str; 7] = [
    "hebe",
    "great",
    "orme",
    "q1kindcuttinge",
    "q1statusregisterede",
    "q1stagepropagatione",
    "q1qualitygradeungradede",
];

/// What a hand-written repository would decode a row into.
#[derive(Debug)]
#[expect(dead_code, reason = "the point is that every column is decoded")]
struct Lot {
    id: Uuid,
    version: i64,
    created_at: DateTime<Utc>,
    created_by: Uuid,
    updated_at: DateTime<Utc>,
    updated_by: Uuid,
    code: String,
    name: String,
    kind: String,
    status: String,
    stage: String,
    held_from: Option<String>,
    location_id: Option<Uuid>,
    batch_number: Option<String>,
    supplier_reference: Option<String>,
    quantity: i64,
    unit: String,
    quality_grade: String,
    attributes: serde_json::Value,
    started_on: Option<NaiveDate>,
    ready_on: Option<NaiveDate>,
}

fn bytes(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

fn decode(row: &MySqlRow) -> sqlx::Result<Lot> {
    let id =
        |i: usize| row.try_get::<Vec<u8>, _>(i).map(|b| Uuid::from_slice(&b).unwrap_or_default());
    let location: Option<Vec<u8>> = row.try_get(14)?;
    let at = |i: usize| row.try_get::<NaiveDateTime, _>(i).map(|t| t.and_utc());
    let attributes: String = row.try_get(20)?;
    Ok(Lot {
        id: id(1)?,
        version: row.try_get(2)?,
        created_at: at(3)?,
        created_by: id(4)?,
        updated_at: at(5)?,
        updated_by: id(6)?,
        code: row.try_get(8)?,
        name: row.try_get(9)?,
        kind: row.try_get(10)?,
        status: row.try_get(11)?,
        stage: row.try_get(12)?,
        held_from: row.try_get(13)?,
        location_id: location.and_then(|b| Uuid::from_slice(&b).ok()),
        batch_number: row.try_get(15)?,
        supplier_reference: row.try_get(16)?,
        quantity: row.try_get(17)?,
        unit: row.try_get(18)?,
        quality_grade: row.try_get(19)?,
        attributes: serde_json::from_str(&attributes).unwrap_or_default(),
        started_on: row.try_get(21)?,
        ready_on: row.try_get(22)?,
    })
}

fn main() -> Result<(), Failure> {
    // A plain `cargo bench` also comes here, with `--bench` alone.
    if std::env::args().skip(1).all(|argument| argument == "--bench") {
        eprintln!("repository_mariadb: nothing measured; give --start (see --help)");
        return Ok(());
    }
    let options = Options::parse();
    tokio::runtime::Runtime::new()?.block_on(run(&options))
}

async fn run(options: &Options) -> Result<(), Failure> {
    let own = tempfile::Builder::new().prefix("repository-").tempdir_in(build_folder()?)?;
    let folder = options.data.clone().unwrap_or_else(|| own.path().to_owned());
    std::fs::create_dir_all(&folder)?;
    let server = MariaDb::start(&folder.join("mariadb"), &options.buffer_pool)?;
    let key = KeyFile(server.key().to_owned());
    let vivero = Vivero::builder().key(key).open(&server.url()).await?;
    let begun = Instant::now();
    let notes =
        demo::prepare(&vivero, &folder, options.records, demo::SEED, &Progress::Shown).await?;
    println!("data is there after {:.1} s", begun.elapsed().as_secs_f64());
    let admin = notes.admin()?;
    let password = Password::new(&admin.email, &admin.password);
    let session = vivero.sign_in(&notes.tenant, password).await?;
    let mut bare = connect(&server).await?;
    let met = measure(options, &session, &mut bare).await?;
    bare.close().await?;
    drop(session);
    vivero.close().await;
    drop(server);
    if options.bounds && !met {
        return Err(format!("a ratio is above {BOUND}").into());
    }
    Ok(())
}

/// Where cargo puts binaries of this build.
fn build_folder() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()?;
    Ok(program.parent().ok_or("no folder")?.to_owned())
}

/// A connection of the administrator's in the tenant's database: no pool, which would only cost.
async fn connect(server: &MariaDb) -> Result<MySqlConnection, Failure> {
    let url = server.url();
    let (address, _) = url.rsplit_once('/').ok_or("an address without a database")?;
    let options = MySqlConnectOptions::from_str(address)?;
    let mut root = options.connect().await?;
    let found = "SELECT table_schema FROM information_schema.tables WHERE table_name = 'entities' \
         ORDER BY table_rows DESC LIMIT 1";
    let name: String = sqlx::query(found).fetch_one(&mut root).await?.try_get(0)?;
    root.close().await?;
    Ok(options.database(&name).connect().await?)
}

/// What the two sides took.
#[derive(Default)]
struct Sides {
    sdk: Vec<Duration>,
    bare: Vec<Duration>,
}

fn median(all: &mut [Duration]) -> f64 {
    all.sort_unstable();
    all.get(all.len() / 2).map_or(f64::NAN, |t| t.as_secs_f64() * 1e6)
}

impl Sides {
    /// Prints a line; whether the bound is met.
    fn print(mut self, what: &str) -> bool {
        let (sdk, bare) = (median(&mut self.sdk), median(&mut self.bare));
        let ratio = sdk / bare;
        let met = ratio <= BOUND;
        let verdict = if met { "ok" } else { "OVER" };
        println!("{what:<10} {sdk:>10.0} {bare:>10.0} {ratio:>8.2}  {verdict} <= {BOUND}");
        met
    }
}

/// Runs both sides in turn, a tenth of the times unmeasured before.
macro_rules! beside {
    ($times:expr, |$i:ident| $sdk:expr, $bare:expr) => {{
        let (times, mut sides) = ($times, Sides::default());
        for $i in 0..times + times / 10 {
            let begun = Instant::now();
            $sdk;
            let between = Instant::now();
            $bare;
            if $i >= times / 10 {
                sides.sdk.push(between - begun);
                sides.bare.push(between.elapsed());
            }
        }
        sides
    }};
}

async fn measure(
    options: &Options,
    session: &TenantSession,
    bare: &mut MySqlConnection,
) -> Result<bool, Failure> {
    let page = session.entities().list(EntityFilter::new(), Page::first(200)).await?;
    let ids: Vec<EntityId> = page.items.iter().map(|lot| lot.id).collect();
    println!("{:<10} {:>10} {:>10} {:>8}", "median, µs", "SDK", "bare sqlx", "ratio");
    let mut met = true;

    let one = format!("SELECT {COLUMNS} FROM entities WHERE id = ? AND deleted_at IS NULL");
    let get = beside!(
        options.times,
        |i| session.entities().find(ids[i % ids.len()]).await?.ok_or("a lot is gone")?,
        {
            let query =
                sqlx::query(AssertSqlSafe(one.clone())).bind(bytes(ids[i % ids.len()].uuid()));
            decode(&query.fetch_one(&mut *bare).await?)?
        }
    );
    met &= get.print("get");

    let newest = format!(
        "SELECT {COLUMNS} FROM entities WHERE deleted_at IS NULL ORDER BY seq DESC LIMIT 51"
    );
    let list = beside!(
        options.times,
        |i| session.entities().list(EntityFilter::new(), Page::first(50)).await?,
        {
            let rows = sqlx::query(AssertSqlSafe(newest.clone())).fetch_all(&mut *bare).await?;
            rows.iter().map(decode).collect::<sqlx::Result<Vec<_>>>()?
        }
    );
    met &= list.print("list of 50");

    let lot = || {
        let code = format!("BENCH-{}", session.new_id(session.now()).simple());
        NewEntity::new(code, "Hebe 'Great Orme'", EntityType::Cutting, 100)
    };
    let mut last = Uuid::nil();
    let create = beside!(options.times / 5, |i| session.entities().create(lot()).await?, {
        last = session.new_id(session.now());
        bare_create(bare, last).await?;
    });
    met &= create.print("create");
    compare(bare).await?;

    let made = session.entities().create(lot()).await?;
    let mut version = made.version;
    let update = beside!(
        options.times / 5,
        |i| {
            let name = Some(format!("Hebe {version}"));
            let patch = EntityPatch { name, ..EntityPatch::default() };
            version = session.entities().update(made.id, version, patch).await?.version;
        },
        bare_update(bare, last).await?
    );
    met &= update.print("update");
    Ok(met)
}

/// The statements of a create by hand, in one transaction: row, words, journal.
///
/// The entry's record type is one that nothing counts, so that the figures stay those of the lots that
/// were made properly.
async fn bare_create(connection: &mut MySqlConnection, id: Uuid) -> sqlx::Result<()> {
    let code = format!("BARE-{}", id.simple());
    let mut work = connection.begin().await?;
    let done = sqlx::query(
        "INSERT INTO entities (id, version, created_at, created_by, updated_at, updated_by, code, name, kind, \
         status, stage, quantity, unit, quality_grade, attributes) VALUES (?, 1, '2026-01-01', ?, \
         '2026-01-01', ?, ?, 'Hebe ''Great Orme''', 'cutting', 'registered', 'propagation', 100, 'plant', \
         'ungraded', '{}')",
    )
    .bind(bytes(id))
    .bind(bytes(id))
    .bind(bytes(id))
    .bind(&code)
    .execute(&mut *work)
    .await?;
    let seq = i64::try_from(done.last_insert_id()).unwrap_or_default();
    // The SDK's: the code whole and in its two pieces, the name, and the filters a search is narrowed by.
    let simple = id.simple();
    let words = [format!("q0bare{simple}"), "bare".into(), simple.to_string()];
    let words = words.into_iter().chain(WORDS.map(str::to_owned));
    let mut insert =
        sqlx::QueryBuilder::<sqlx::MySql>::new("INSERT INTO entities_search (rowid, word) ");
    insert.push_values(words, |mut row, word| {
        row.push_bind(seq).push_bind(word.into_bytes());
    });
    insert.build().execute(&mut *work).await?;
    let changes = format!(
        "{{\"attributes\":[null,{{}}],\"code\":[null,\"{code}\"],\"kind\":[null,\"cutting\"],\
         \"name\":[null,\"Hebe 'Great Orme'\"],\"quality_grade\":[null,\"ungraded\"],\"quantity\":[null,100],\
         \"stage\":[null,\"propagation\"],\"status\":[null,\"registered\"],\"unit\":[null,\"plant\"]}}"
    );
    bare_journal(&mut work, id, 1, &changes).await?;
    work.commit().await
}

async fn bare_journal(
    work: &mut MySqlConnection,
    id: Uuid,
    version: i64,
    changes: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO journal (at, actor, action, resource, record_id, version, changes) \
         VALUES ('2026-01-01', 'system', 'bench.write', 'bench', ?, ?, ?)",
    )
    .bind(bytes(id))
    .bind(version)
    .bind(changes)
    .execute(work)
    .await
    .map(|_| ())
}

/// The statements of an update by hand: read, write under the version, words, journal.
async fn bare_update(connection: &mut MySqlConnection, id: Uuid) -> sqlx::Result<()> {
    let mut work = connection.begin().await?;
    let one = format!("SELECT {COLUMNS} FROM entities WHERE id = ? FOR UPDATE");
    let row = sqlx::query(AssertSqlSafe(one)).bind(bytes(id)).fetch_one(&mut *work).await?;
    let (seq, version): (i64, i64) = (row.try_get(0)?, row.try_get(2)?);
    decode(&row)?;
    sqlx::query("UPDATE entities SET name = ?, version = ?, updated_at = now(6) WHERE id = ? AND version = ?")
        .bind(format!("Hebe {version}"))
        .bind(version + 1)
        .bind(bytes(id))
        .bind(version)
        .execute(&mut *work)
        .await?;
    sqlx::query("DELETE FROM entities_search WHERE rowid = ? AND word = ?")
        .bind(seq)
        .bind((version - 1).to_string().into_bytes())
        .execute(&mut *work)
        .await?;
    sqlx::query("INSERT IGNORE INTO entities_search (rowid, word) VALUES (?, ?)")
        .bind(seq)
        .bind(version.to_string().into_bytes())
        .execute(&mut *work)
        .await?;
    let changes = format!("{{\"name\":[\"Hebe {}\",\"Hebe {version}\"]}}", version - 1);
    bare_journal(&mut work, id, version + 1, &changes).await?;
    work.commit().await
}

/// Errors: a lot of the one side has not as many words, or no entry as long, as one of the other: then they do
/// not do the same.
async fn compare(connection: &mut MySqlConnection) -> Result<(), Failure> {
    let sides = "SELECT (SELECT count(*) FROM entities_search s WHERE s.rowid = e.seq), \
         (SELECT max(length(j.changes)) FROM journal j WHERE j.record_id = e.id AND j.version = 1) \
         FROM entities e WHERE e.code LIKE ? ORDER BY e.seq DESC LIMIT 1";
    let mut found = Vec::new();
    for code in ["BENCH-%", "BARE-%"] {
        let row = sqlx::query(sides).bind(code).fetch_one(&mut *connection).await?;
        found.push((row.try_get::<i64, _>(0)?, row.try_get::<i64, _>(1)?));
    }
    let [sdk, bare] = found[..] else { return Err("nothing to compare".into()) };
    // The codes differ by a letter.
    if sdk.0 != bare.0 || sdk.1.abs_diff(bare.1) > 1 {
        return Err(format!("words and bytes of a create: SDK {sdk:?}, bare {bare:?}").into());
    }
    Ok(())
}
