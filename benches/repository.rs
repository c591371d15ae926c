//! Each repository operation through the SDK beside the same statement through bare sqlx, on the same
//! file; and what the journal costs.
//!
//! `cargo bench --bench repository` makes 200,000 lots once, under `target/bench-data`
//! (`VIVERO_BENCH_RECORDS` says how many).

use chrono::{DateTime, NaiveDate};
use criterion::{Criterion, criterion_group, criterion_main};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Row as _};
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;
use uuid::Uuid;
use vivero_core::entity::{EntityPatch, EntityType, NewEntity, Status};
use vivero_core::{EntityFilter, EntityId, Page, Password, TenantSession, Vivero};
use vivero_server::demo;
use vivero_server::progress::Progress;
use vivero_store::Open as _;

const COLUMNS: &str = "seq, id, version, created_at, created_by, updated_at, updated_by, deleted_at, code, name, \
     kind, status, stage, held_from, location_id, batch_number, supplier_reference, quantity, unit, quality_grade, \
     attributes, started_on, ready_on";

/// What a hand-written repository would decode a row into.
#[derive(Debug)]
#[expect(dead_code, reason = "the point is that every column is decoded")]
struct Lot {
    id: Uuid,
    version: i64,
    created_at: DateTime<chrono::Utc>,
    created_by: Uuid,
    updated_at: DateTime<chrono::Utc>,
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

fn decode(row: &SqliteRow) -> sqlx::Result<Lot> {
    let id =
        |i: usize| row.try_get::<Vec<u8>, _>(i).map(|b| Uuid::from_slice(&b).unwrap_or_default());
    let at =
        |i: usize| row.try_get(i).map(|t| DateTime::from_timestamp_micros(t).unwrap_or_default());
    let location: Option<Vec<u8>> = row.try_get(14)?;
    let attributes: String = row.try_get(20)?;
    let day =
        |i: usize| row.try_get::<Option<String>, _>(i).map(|d| d.and_then(|d| d.parse().ok()));
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
        started_on: day(21)?,
        ready_on: day(22)?,
    })
}

async fn bare_list(pool: &SqlitePool, sql: String) -> Vec<Lot> {
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(pool).await.expect("rows");
    rows.iter().map(|row| decode(row).expect("a lot")).collect()
}

/// The tenant with its data, and a pool of our own on the same file.
async fn prepare() -> (Vivero, TenantSession, SqlitePool) {
    let records =
        std::env::var("VIVERO_BENCH_RECORDS").ok().and_then(|n| n.parse().ok()).unwrap_or(200_000);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/bench-data/{records}"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let vivero =
        Vivero::open(&format!("sqlite:{}", folder.display())).await.expect("an installation");
    let notes = demo::prepare(&vivero, &folder, records, demo::SEED, &Progress::Shown)
        .await
        .expect("demo data");
    let admin = notes.admin().expect("an Admin");
    let session = vivero
        .sign_in(&notes.tenant, Password::new(&admin.email, &admin.password))
        .await
        .expect("sign-in");
    let options = SqliteConnectOptions::new()
        .filename(tenant_file(&folder))
        .journal_mode(SqliteJournalMode::Wal);
    let options = options
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-8192")
        .row_buffer_size(256);
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .expect("a pool");
    // What somebody who writes the statement by hand would make for it.
    sqlx::query("CREATE INDEX IF NOT EXISTS bench_status_name ON entities (status, name)")
        .execute(&pool)
        .await
        .expect("an index");
    (vivero, session, pool)
}

fn tenant_file(folder: &Path) -> PathBuf {
    let folders = std::fs::read_dir(folder.join("tenants")).expect("tenants");
    let files =
        folders.flatten().flat_map(|f| std::fs::read_dir(f.path()).expect("a folder").flatten());
    let mut databases =
        files.map(|f| f.path()).filter(|p| p.extension().is_some_and(|e| e == "sqlite3"));
    databases.next().expect("a tenant's database")
}

fn repository(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let (vivero, session, pool) = runtime.block_on(prepare());
    let page = runtime
        .block_on(session.entities().list(EntityFilter::new(), Page::first(200)))
        .expect("a page");
    let ids: Vec<EntityId> = page.items.iter().map(|e| e.id).collect();

    let mut group = c.benchmark_group("get");
    let mut next = ids.iter().cycle();
    group.bench_function("sdk", |b| {
        b.to_async(&runtime).iter(|| {
            let (session, id) = (&session, *next.next().expect("endless"));
            async move { session.entities().find(id).await }
        });
    });
    let mut next = ids.iter().cycle();
    group.bench_function("bare sqlx", |b| {
        b.to_async(&runtime).iter(|| {
            let id = next.next().expect("endless").uuid();
            let pool = &pool;
            async move {
                let sql =
                    format!("SELECT {COLUMNS} FROM entities WHERE id = ? AND deleted_at IS NULL");
                let row = sqlx::query(AssertSqlSafe(sql))
                    .bind(id.as_bytes().to_vec())
                    .fetch_one(pool)
                    .await;
                decode(&row.expect("a row")).expect("a lot")
            }
        });
    });
    group.finish();

    for (name, filter, bare) in [
        ("list 50", EntityFilter::new(), "WHERE deleted_at IS NULL ORDER BY seq DESC LIMIT 51"),
        (
            "list 50 ready by name",
            EntityFilter::new().status(Status::Ready).sort("name"),
            "INDEXED BY bench_status_name WHERE status = 'ready' AND deleted_at IS NULL ORDER BY name, seq LIMIT 51",
        ),
    ] {
        let mut group = c.benchmark_group(name);
        group.bench_function("sdk", |b| {
            b.to_async(&runtime)
                .iter(async || session.entities().list(filter.clone(), Page::first(50)).await);
        });
        group.bench_function("bare sqlx", |b| {
            b.to_async(&runtime)
                .iter(|| bare_list(&pool, format!("SELECT {COLUMNS} FROM entities {bare}")));
        });
        group.finish();
    }
    let mut group = c.benchmark_group("search");
    group.bench_function("sdk", |b| {
        let filter = EntityFilter::new().search("lavandula hidcote");
        b.to_async(&runtime)
            .iter(async || session.entities().list(filter.clone(), Page::first(50)).await);
    });
    group.bench_function("bare sqlx", |b| {
        let found = "JOIN entities_search f ON f.rowid = entities.seq WHERE f.entities_search MATCH \
                     '\"lavandula\"* AND \"hidcote\"*' AND deleted_at IS NULL ORDER BY f.rowid DESC LIMIT 51";
        b.to_async(&runtime)
            .iter(|| bare_list(&pool, format!("SELECT {COLUMNS} FROM entities {found}")));
    });
    group.finish();
    c.bench_function("dashboard", |b| b.to_async(&runtime).iter(|| session.dashboard()));
    writes(c, &runtime, &session, &pool);
    runtime.block_on(async {
        drop(session);
        pool.close().await;
        vivero.close().await;
    });
}

/// The statements of a create by hand, in one transaction: row, search, journal.
///
/// The entry's record type is one that nothing counts, so that the figures stay those of the lots
/// that were made properly.
async fn bare_create(pool: &SqlitePool, id: Uuid) -> sqlx::Result<()> {
    let code = format!("BARE-{}", id.simple());
    let mut work = pool.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query(
        "INSERT INTO entities (id, version, created_at, created_by, updated_at, updated_by, code, name, kind, \
         status, stage, quantity, unit, quality_grade, attributes) VALUES (?, 1, 1767225600000000, ?, \
         1767225600000000, ?, ?, 'Hebe ''Great Orme''', 'cutting', 'registered', 'propagation', 100, 'plant', \
         'ungraded', '{}')",
    )
    .bind(id.as_bytes().to_vec())
    .bind(id.as_bytes().to_vec())
    .bind(id.as_bytes().to_vec())
    .bind(&code)
    .execute(&mut *work)
    .await?;
    sqlx::query("INSERT INTO entities_search (rowid, text) VALUES (last_insert_rowid(), ?)")
        .bind(format!("{code} hebe great orme"))
        .execute(&mut *work)
        .await?;
    bare_journal(&mut work, id, 1).await?;
    work.commit().await
}

async fn bare_journal(
    work: &mut sqlx::SqliteConnection,
    id: Uuid,
    version: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO journal (at, actor, action, resource, record_id, version, changes) \
         VALUES (1767225600000000, 'system', 'bench.write', 'bench', ?, ?, '{}')",
    )
    .bind(id.as_bytes().to_vec())
    .bind(version)
    .execute(work)
    .await
    .map(|_| ())
}

/// The statements of an update by hand: read, write under the version, search, journal.
async fn bare_update(pool: &SqlitePool, id: Uuid) -> sqlx::Result<()> {
    let mut work = pool.begin_with("BEGIN IMMEDIATE").await?;
    let row = sqlx::query(AssertSqlSafe(format!("SELECT {COLUMNS} FROM entities WHERE id = ?")))
        .bind(id.as_bytes().to_vec())
        .fetch_one(&mut *work)
        .await?;
    let (seq, version): (i64, i64) = (row.try_get(0)?, row.try_get(2)?);
    decode(&row)?;
    sqlx::query(
        "UPDATE entities SET name = ?, version = ?, updated_at = ? WHERE id = ? AND version = ?",
    )
    .bind(format!("Hebe {version}"))
    .bind(version + 1)
    .bind(1_767_225_600_000_000 + version)
    .bind(id.as_bytes().to_vec())
    .bind(version)
    .execute(&mut *work)
    .await?;
    sqlx::query("UPDATE entities_search SET text = ? WHERE rowid = ?")
        .bind(format!("hebe {version}"))
        .bind(seq)
        .execute(&mut *work)
        .await?;
    bare_journal(&mut work, id, version + 1).await?;
    work.commit().await
}

fn writes(c: &mut Criterion, runtime: &Runtime, session: &TenantSession, pool: &SqlitePool) {
    let lot = || {
        let code = format!("BENCH-{}", session.new_id(session.now()).simple());
        NewEntity::new(code, "Hebe 'Great Orme'", EntityType::Cutting, 100)
    };
    let mut group = c.benchmark_group("create, durable");
    group.bench_function("sdk", |b| {
        b.to_async(runtime).iter(async || session.entities().create(lot()).await)
    });
    let mut last = Uuid::nil();
    group.bench_function("bare sqlx", |b| {
        b.iter(|| {
            last = session.new_id(session.now());
            runtime.block_on(bare_create(pool, last)).expect("a lot");
        });
    });
    group.finish();
    let mut group = c.benchmark_group("update, durable");
    let made = runtime.block_on(session.entities().create(lot())).expect("a lot");
    let mut version = made.version;
    group.bench_function("sdk", |b| {
        b.iter(|| {
            let patch =
                EntityPatch { name: Some(format!("Hebe {version}")), ..EntityPatch::default() };
            let stored = runtime
                .block_on(session.entities().update(made.id, version, patch))
                .expect("an update");
            version = stored.version;
        });
    });
    group.bench_function("bare sqlx", |b| {
        b.iter(|| runtime.block_on(bare_update(pool, last)).expect("an update"));
    });
    group.finish();
    c.bench_function("journal: 1,000 lots appended in one unit of work", |b| {
        b.to_async(runtime).iter(|| async {
            let mut work = session.begin().await.expect("a unit of work");
            work.entities().create_all((0..1000).map(|_| lot()).collect()).await.expect("lots");
            work.commit().await.expect("a commit");
        });
    });
    c.bench_function("journal: seal what is there", |b| {
        b.to_async(runtime).iter(|| session.seal())
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50);
    targets = repository
}
criterion_main!(benches);
