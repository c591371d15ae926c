//! Lists out of memory are exact: whoever writes, from whatever process, with and without a journal.
#![cfg(feature = "mariadb")]

#[path = "support/cluster.rs"]
mod cluster;
#[path = "support/mariadb.rs"]
mod support;

use sqlx::ConnectOptions as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use vivero_core::clock::{IdSource as _, SeededIds};
use vivero_core::ids::{RecordId, SYSTEM_ACTOR};
use vivero_core::journal::{Actor, Changes, Entry};
use vivero_core::port::{BitmapStats, Fleet, Provision, TenantStore};
use vivero_core::query::{Deleted, Predicate, Query, Sort};
use vivero_core::record::Row;
use vivero_core::search::Terms;
use vivero_core::tenant::{OperationType, Plan, Tenant};
use vivero_core::{Clock as _, Error, Record, TenantId, Uuid, Value};
use vivero_store::{MariaDbFleet, MariaDbOptions, SystemClock};

#[derive(Debug, Clone, PartialEq, Record)]
#[record(table = "lots", resource = "lot", facets(status))]
struct Lot {
    id: RecordId<Self>,
    #[record(unique, sort, search, max = 64)]
    code: String,
    #[record(filter, max = 16)]
    status: String,
    #[record(sort)]
    pieces: i64,
}

fn options(n: usize) -> MariaDbOptions {
    MariaDbOptions { bitmap_after: 0, ..support::options(n) }
}

async fn open(n: usize, options: MariaDbOptions) -> MariaDbFleet {
    open_at(&support::registry(n), options).await
}

async fn open_at(registry: &str, options: MariaDbOptions) -> MariaDbFleet {
    let clock = Arc::new(SystemClock);
    MariaDbFleet::open(registry, options, &[Lot::SCHEMA], clock).await.expect("opening")
}

async fn provision(fleet: &MariaDbFleet, slug: &str, seed: u64) -> Tenant {
    let at = SystemClock.now();
    let provision = Provision {
        id: TenantId::from_uuid(SeededIds::new(seed).id(at)),
        slug: slug.parse().expect("a slug"),
        organization: slug.into(),
        operation_type: OperationType::Mixed,
        plan: Plan::Contract,
        at,
        key: None,
        fingerprint: None,
        seed: Vec::new(),
        entries: Vec::new(),
    };
    fleet.provision(provision).await.expect("provisioning")
}

fn lot(ids: &SeededIds, number: i64, status: &str) -> Row {
    let at = SystemClock.now();
    let id = ids.id(at);
    let lot = Lot {
        id: RecordId::from_uuid(id),
        code: format!("L-{number:05}"),
        status: status.into(),
        pieces: number % 7,
    };
    Row {
        seq: 0,
        id,
        version: 1,
        created_at: at,
        created_by: SYSTEM_ACTOR,
        updated_at: at,
        updated_by: SYSTEM_ACTOR,
        deleted_at: None,
        values: lot.into_values(),
    }
}

fn entry(row: &Row) -> Entry {
    Entry {
        at: row.updated_at,
        actor: Actor::System { reason: "test".into() },
        action: "lot.update".into(),
        resource: "lot".into(),
        record_id: row.id,
        version: row.version,
        changes: Changes::default(),
        cause: None,
    }
}

/// Whether it was done; a work that the server undid (another node of a cluster was faster) is to be done again.
fn is_done(outcome: vivero_core::Result<()>) -> bool {
    match outcome {
        Ok(()) => true,
        Err(Error::Undone { .. }) => false,
        Err(other) => panic!("{other:?}"),
    }
}

async fn insert(store: &dyn TenantStore, rows: Vec<Row>, logged: bool) {
    let inserted = async || {
        let mut work = store.begin().await?;
        work.insert(Lot::SCHEMA, rows.clone()).await?;
        if logged {
            work.journal(rows.iter().map(entry).collect()).await?;
        }
        work.commit().await
    };
    while !is_done(inserted().await) {}
}

async fn set_status(store: &dyn TenantStore, id: Uuid, status: &str, logged: bool) {
    let set = async || {
        let mut work = store.begin().await?;
        let before = work.find(Lot::SCHEMA, id, &Predicate::All, Deleted::Hidden).await?;
        let before = before.expect("the lot");
        let mut after = before.clone();
        after.version += 1;
        after.values[1] = Value::Text(status.into());
        let told = entry(&after);
        assert!(work.update(Lot::SCHEMA, &before, after).await?);
        if logged {
            work.journal(vec![told]).await?;
        }
        work.commit().await
    };
    while !is_done(set().await) {}
}

fn of_status(status: &str) -> Query {
    let filter = Predicate::Equals("status", Value::Text(status.into()));
    Query { filter, ..Query::new(Predicate::All, 1_000) }
}

async fn listed(store: &dyn TenantStore, query: &Query) -> Vec<Row> {
    let mut rows = store.read().await.expect("reading");
    let (rows, total) = rows.list_and_count(Lot::SCHEMA, query).await.expect("listing");
    assert_eq!(rows.len() as u64, total, "the page has all there are");
    rows
}

/// The same while others write: without an index, the total is that of a later instant.
async fn listed_meanwhile(store: &dyn TenantStore, query: &Query) -> Vec<Row> {
    let mut rows = store.read().await.expect("reading");
    rows.list(Lot::SCHEMA, query).await.expect("listing")
}

async fn stats(fleet: &MariaDbFleet) -> BitmapStats {
    fleet.stats().await.expect("figures").bitmaps
}

#[tokio::test]
async fn two_nodes_see_each_others_writes_at_once() {
    each_sees_the_others_writes(open(1, options(1)).await, open(1, options(1)).await).await;
}

#[tokio::test]
#[ignore = "needs a Galera cluster: tests/run --cluster"]
async fn at_two_nodes_of_a_cluster_it_is_the_same() {
    let [first, second, third] = cluster::galera();
    let registry = format!("bitmaps_{}", std::process::id());
    let at = |nodes: [&str; 3]| format!("mysql://root@{}/{registry}", nodes.join(","));
    let one = open_at(&at([&first, &second, &third]), options(7)).await;
    let other = open_at(&at([&third, &second, &first]), options(7)).await;
    each_sees_the_others_writes(one, other).await;
}

async fn each_sees_the_others_writes(one: MariaDbFleet, other: MariaDbFleet) {
    let tenant = provision(&one, "two-nodes", 1).await;
    let (here, there) = (one.open(&tenant).await, other.open(&tenant).await);
    let (here, there) = (here.expect("the tenant"), there.expect("the tenant"));
    let ids = SeededIds::new(11);
    insert(&*here, (0..20).map(|n| lot(&ids, n, "young")).collect(), true).await;
    assert_eq!(listed(&*here, &of_status("young")).await.len(), 20);
    assert_eq!(listed(&*there, &of_status("young")).await.len(), 20);
    for round in 0..20 {
        let (writing, reading) = if round % 2 == 0 { (&here, &there) } else { (&there, &here) };
        let young = listed(&**writing, &of_status("young")).await;
        set_status(&**writing, young[0].id, "ready", true).await;
        assert_eq!(listed(&**reading, &of_status("young")).await.len(), 19 - round);
        let ready = listed(&**reading, &of_status("ready")).await;
        assert!(ready.iter().any(|row| row.id == young[0].id), "what was just changed is there");
    }
    for fleet in [one, other] {
        let stats = stats(&fleet).await;
        assert!(stats.answered >= 30 && stats.caught_up >= 10 && stats.built >= 1, "{stats:?}");
        assert_eq!(stats.passed_on, 0, "{stats:?}");
        fleet.close().await;
    }
}

#[tokio::test]
async fn what_the_journal_does_not_tell_is_seen_nevertheless() {
    let fleet = open(2, options(2)).await;
    let tenant = provision(&fleet, "unlogged", 2).await;
    let store = fleet.open(&tenant).await.expect("the tenant");
    let ids = SeededIds::new(12);
    insert(&*store, vec![lot(&ids, 0, "young")], true).await;
    assert_eq!(listed(&*store, &of_status("young")).await.len(), 1);
    insert(&*store, vec![lot(&ids, 1, "young")], false).await;
    let young = listed(&*store, &of_status("young")).await;
    assert_eq!(young.len(), 2);
    set_status(&*store, young[0].id, "ready", false).await;
    assert_eq!(listed(&*store, &of_status("young")).await.len(), 1);
    assert_eq!(listed(&*store, &of_status("ready")).await.len(), 1);
    // An entry of another record is none of this one.
    let mut work = store.begin().await.expect("a work");
    let (written, told) = (lot(&ids, 2, "young"), lot(&ids, 3, "young"));
    work.journal(vec![entry(&told)]).await.expect("an entry");
    work.insert(Lot::SCHEMA, vec![written]).await.expect("inserting");
    work.commit().await.expect("committing");
    assert_eq!(listed(&*store, &of_status("young")).await.len(), 2);
    // What is undone was never there.
    let mut work = store.begin().await.expect("a work");
    work.insert(Lot::SCHEMA, vec![lot(&ids, 4, "young")]).await.expect("inserting");
    drop(work);
    assert_eq!(listed(&*store, &of_status("young")).await.len(), 2);
    assert!(stats(&fleet).await.built >= 3);
    fleet.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_and_lists_at_once_miss_no_row_and_double_none() {
    const LOTS: i64 = 300;
    let fleet = Arc::new(open(3, options(3)).await);
    let tenant = provision(&fleet, "at-once", 3).await;
    let store = fleet.open(&tenant).await.expect("the tenant");
    let ids = Arc::new(SeededIds::new(13));
    let rows: Vec<Row> = (0..LOTS).map(|n| lot(&ids, n, "young")).collect();
    let all: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    insert(&*store, rows, true).await;
    let over = Arc::new(AtomicBool::new(false));
    let created = Arc::new(AtomicI64::new(0));
    let mut writers = Vec::new();
    for writer in 0..2_usize {
        let (store, over, all) = (Arc::clone(&store), Arc::clone(&over), all.clone());
        let (created, ids) = (Arc::clone(&created), Arc::clone(&ids));
        writers.push(tokio::spawn(async move {
            let mut n = writer;
            while !over.load(Ordering::SeqCst) {
                let status = if n % 3 == 0 { "young" } else { "ready" };
                set_status(&*store, all[n * 7 % all.len()], status, n % 101 != 0).await;
                if n % 5 == 0 {
                    let number = LOTS + n as i64;
                    insert(&*store, vec![lot(&ids, number, "new")], true).await;
                    created.fetch_add(1, Ordering::SeqCst);
                }
                n += 2;
            }
        }));
    }
    let sorts = [None, Some("code"), Some("pieces")];
    for round in 0..150 {
        let sort = Sort { column: sorts[round % 3], descending: round % 2 == 0, required: true };
        // A lot is in one state or the other at any instant: both together are always all.
        let young_or_ready = ["young", "ready"].map(|s| Value::Text(s.into())).to_vec();
        let filter = Predicate::OneOf("status", young_or_ready);
        let query = Query { filter, sort, ..Query::new(Predicate::All, 1_000) };
        let found = listed_meanwhile(&*store, &query).await;
        let mut seen: Vec<Uuid> = found.iter().map(|row| row.id).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!((found.len(), seen.len()), (all.len(), all.len()), "round {round}");
        // What was acknowledged before is in the list.
        let before = created.load(Ordering::SeqCst);
        let new = listed_meanwhile(&*store, &of_status("new")).await;
        assert!(new.len() as i64 >= before, "{} of {before}", new.len());
        for row in listed_meanwhile(&*store, &of_status("ready")).await {
            assert_eq!(row.values[1], Value::Text("ready".into()));
        }
    }
    over.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.expect("a writer");
    }
    let mut reading = store.read().await.expect("reading");
    let young = of_status("young");
    let counted = reading.count(Lot::SCHEMA, &young).await.expect("a total");
    assert_eq!(reading.list(Lot::SCHEMA, &young).await.expect("lots").len() as u64, counted);
    drop(reading);
    assert!(stats(&fleet).await.answered > 100);
    fleet.close().await;
}

#[tokio::test]
async fn searches_and_scopes_are_answered_as_by_the_database() {
    let fleet = open(4, options(4)).await;
    let tenant = provision(&fleet, "scopes", 4).await;
    let store = fleet.open(&tenant).await.expect("the tenant");
    let ids = SeededIds::new(14);
    insert(&*store, (0..50).map(|n| lot(&ids, n, "young")).collect(), true).await;
    let mut query = Query::new(Predicate::All, 1_000);
    query.search = Some(Terms::parse("l 0002").expect("words"));
    let found = listed(&*store, &query).await;
    assert_eq!(found.len(), 10, "L-00020 to L-00029");
    query.scope = Predicate::Equals("created_by", Value::Id(Uuid::from_u128(5)));
    assert!(listed(&*store, &query).await.is_empty(), "another's are out of reach");
    query.scope = Predicate::Equals("created_by", Value::Id(SYSTEM_ACTOR));
    assert_eq!(listed(&*store, &query).await.len(), 10);
    // A lot that gets another code is found by that alone.
    let mut work = store.begin().await.expect("a work");
    let mut after = found[0].clone();
    after.version += 1;
    after.values[0] = Value::Text("Z-99999".into());
    let told = entry(&after);
    assert!(work.update(Lot::SCHEMA, &found[0], after).await.expect("changing"));
    work.journal(vec![told]).await.expect("an entry");
    work.commit().await.expect("committing");
    assert_eq!(listed(&*store, &query).await.len(), 9);
    query.search = Some(Terms::parse("Z-9").expect("words"));
    assert_eq!(listed(&*store, &query).await.len(), 1);
    assert_eq!(stats(&fleet).await.passed_on, 0);
    fleet.close().await;
}

#[tokio::test]
async fn indexes_stay_within_their_budget() {
    let small = MariaDbOptions { bitmap_memory: 30_000, ..options(5) };
    let fleet = open(5, small).await;
    let ids = SeededIds::new(15);
    for round in 0..2 {
        for number in 0..4_u64 {
            let slug = format!("budget-{number}");
            let tenant = match fleet.find_by_slug(&slug.parse().unwrap()).await.unwrap() {
                Some(tenant) => (*tenant).clone(),
                None => provision(&fleet, &slug, 50 + number).await,
            };
            let store = fleet.open(&tenant).await.expect("the tenant");
            if round == 0 {
                insert(&*store, (0..300).map(|n| lot(&ids, n, "young")).collect(), true).await;
            }
            assert_eq!(listed(&*store, &of_status("young")).await.len(), 300);
            let stats = stats(&fleet).await;
            assert!(stats.bytes <= stats.limit && stats.indexes >= 1, "{stats:?}");
        }
    }
    let stats = stats(&fleet).await;
    assert!(stats.dropped >= 4 && stats.built >= 6, "{stats:?}");
    fleet.close().await;

    let off = open(6, MariaDbOptions { bitmap_memory: 0, ..options(6) }).await;
    let tenant = provision(&off, "without", 60).await;
    let store = off.open(&tenant).await.expect("the tenant");
    insert(&*store, vec![lot(&ids, 0, "young")], true).await;
    assert_eq!(listed(&*store, &of_status("young")).await.len(), 1);
    assert_eq!(off.stats().await.unwrap().bitmaps.built, 0);
    off.close().await;
}

/// An administrator in the tenant's database.
async fn administrator(n: usize, tenant: &Tenant) -> MySqlConnection {
    let database = format!("{}{}", support::options(n).prefix, tenant.id.uuid().simple());
    let root = MySqlConnectOptions::from_str(support::address()).expect("an address");
    root.database(&database).connect().await.expect("the administrator")
}

#[tokio::test]
async fn rows_of_pages_are_kept_and_never_outdated() {
    let fleet = open(8, options(8)).await;
    let tenant = provision(&fleet, "kept", 8).await;
    let store = fleet.open(&tenant).await.expect("the tenant");
    let ids = SeededIds::new(18);
    insert(&*store, (0..40).map(|n| lot(&ids, n, "young")).collect(), true).await;
    // Rows that are read just as a seal is made are not kept.
    let (first, before) = loop {
        let first = listed(&*store, &of_status("young")).await;
        match stats(&fleet).await {
            kept if kept.rows >= 40 => break (first, kept),
            none => assert_eq!((none.rows, none.passed_on), (0, 0), "{none:?}"),
        }
    };
    assert!(before.rows_bytes > 0, "{before:?}");
    assert_eq!(listed(&*store, &of_status("young")).await, first, "the same out of memory");
    let after = stats(&fleet).await;
    assert_eq!(after.rows_read, before.rows_read, "nothing was read");
    assert_eq!(after.rows_found, before.rows_found + 40);
    // One that changes is read anew, the others are not.
    set_status(&*store, first[3].id, "ready", true).await;
    set_status(&*store, first[3].id, "young", true).await;
    let second = listed(&*store, &of_status("young")).await;
    assert_eq!(second.iter().map(|row| row.version).sum::<i64>(), 42, "two versions later");
    assert_eq!(stats(&fleet).await.rows_read, after.rows_read + 1);
    // An integrator's own statement leaves the version, and says that it tells nothing.
    let mut root = administrator(8, &tenant).await;
    let own = "START TRANSACTION; UPDATE lots SET pieces = 1000 WHERE code = 'L-00007'; \
               UPDATE engine_state SET turn = (turn DIV 4294967296 + 1) * 4294967296; COMMIT";
    sqlx::raw_sql(own).execute(&mut root).await.expect("a statement");
    // The first is answered by the database, which has the index built anew; the others out of that.
    for _ in 0..3 {
        let young = listed(&*store, &of_status("young")).await;
        let changed = young.iter().filter(|row| row.values[2] == Value::Int(1000)).count();
        assert_eq!(changed, 1, "what was kept of rows before it is of no use any more");
    }
    let last = stats(&fleet).await;
    assert_eq!((last.built, last.passed_on), (before.built + 1, 1));
    fleet.close().await;
}

#[tokio::test]
async fn rows_of_pages_stay_within_their_budget() {
    let small = MariaDbOptions { row_memory: 20_000, ..options(9) };
    let fleet = open(9, small).await;
    let tenant = provision(&fleet, "little-room", 9).await;
    let store = fleet.open(&tenant).await.expect("the tenant");
    let ids = SeededIds::new(19);
    insert(&*store, (0..500).map(|n| lot(&ids, n, "young")).collect(), true).await;
    let first = listed(&*store, &of_status("young")).await;
    // Rows that are read just as a seal is made are not kept.
    while stats(&fleet).await.rows == 0 {
        assert_eq!(listed(&*store, &of_status("young")).await, first);
    }
    for _ in 0..6 {
        assert_eq!(listed(&*store, &of_status("young")).await, first);
        let stats = stats(&fleet).await;
        assert!(stats.rows_bytes <= stats.rows_limit && stats.rows > 10, "{stats:?}");
    }
    fleet.close().await;

    let none = MariaDbOptions { row_memory: 0, ..options(9) };
    let fleet = open(9, none).await;
    let store = fleet.open(&tenant).await.expect("the tenant");
    assert_eq!(listed(&*store, &of_status("young")).await, first);
    let stats = stats(&fleet).await;
    assert_eq!((stats.rows_limit, stats.rows, stats.rows_found), (0, 0, 0));
    fleet.close().await;
}

#[tokio::test]
async fn what_a_server_that_does_not_sync_has_lost_is_not_shown() {
    let fleet = open(10, options(10)).await;
    let tenant = provision(&fleet, "lost", 10).await;
    let store = fleet.open(&tenant).await.expect("the tenant");
    let ids = SeededIds::new(20);
    insert(&*store, (0..10).map(|n| lot(&ids, n, "young")).collect(), true).await;
    let first = listed(&*store, &of_status("young")).await;
    set_status(&*store, first[0].id, "ready", true).await;
    assert_eq!(listed(&*store, &of_status("ready")).await.len(), 1);
    // As if that change were lost in a crash and another one made, which is given its number, to the same version of
    // the same record; the turn has moved on.
    let mut root = administrator(10, &tenant).await;
    let lost = "START TRANSACTION; UPDATE lots SET status = 'sold' WHERE status = 'ready'; \
                UPDATE journal SET at = at + INTERVAL 3 SECOND ORDER BY seq DESC LIMIT 1; \
                UPDATE engine_state SET turn = turn + 7; COMMIT";
    sqlx::raw_sql(lost).execute(&mut root).await.expect("a statement");
    for _ in 0..2 {
        assert!(listed(&*store, &of_status("ready")).await.is_empty());
        assert_eq!(listed(&*store, &of_status("sold")).await.len(), 1);
        assert_eq!(listed(&*store, &of_status("young")).await.len(), 9);
    }
    let stats = stats(&fleet).await;
    assert_eq!((stats.built, stats.passed_on), (2, 1), "{stats:?}");
    fleet.close().await;
}
