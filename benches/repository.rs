//! Each repository operation through the SDK beside the same statement through bare sqlx, on the same
//! file; and what the journal costs.
//!
//! `cargo bench --bench repository` makes 200,000 lots once, under `target/bench-data`
//! (`VIVERO_BENCH_RECORDS` says how many).

use chrono::{DateTime, NaiveDate};
use criterion::{Criterion, criterion_group, criterion_main};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
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
    let options = options.pragma("cache_size", "-8192").row_buffer_size(256);
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .expect("a pool");
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
            "INDEXED BY entities_status_name WHERE status = 'ready' AND deleted_at IS NULL ORDER BY name, seq LIMIT 51",
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
    c.bench_function("search", |b| {
        let filter = EntityFilter::new().search("lavandula hidcote");
        b.to_async(&runtime)
            .iter(async || session.entities().list(filter.clone(), Page::first(50)).await);
    });
    c.bench_function("dashboard", |b| b.to_async(&runtime).iter(|| session.dashboard()));
    writes(c, &runtime, &session);
    runtime.block_on(async {
        drop(session);
        pool.close().await;
        vivero.close().await;
    });
}

fn writes(c: &mut Criterion, runtime: &Runtime, session: &TenantSession) {
    let lot = || {
        let code = format!("BENCH-{}", session.new_id(session.now()).simple());
        NewEntity::new(code, "Hebe 'Great Orme'", EntityType::Cutting, 100)
    };
    c.bench_function("create, durable", |b| {
        b.to_async(runtime).iter(async || session.entities().create(lot()).await)
    });
    let made = runtime.block_on(session.entities().create(lot())).expect("a lot");
    let mut version = made.version;
    c.bench_function("update, durable", |b| {
        b.iter(|| {
            let patch =
                EntityPatch { name: Some(format!("Hebe {version}")), ..EntityPatch::default() };
            let stored = runtime
                .block_on(session.entities().update(made.id, version, patch))
                .expect("an update");
            version = stored.version;
        });
    });
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
