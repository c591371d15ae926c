//! Groups of works that do most of what they do before their turn: two at once, and right whoever has the turn.
#![cfg(feature = "mariadb")]

#[path = "support/ground.rs"]
mod ground;
#[path = "support/mariadb.rs"]
mod support;

use futures_util::future::join_all;
use futures_util::poll;
use ground::{ground, number, run};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{ConnectOptions as _, Row as _};
use std::pin::pin;
use std::str::FromStr as _;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use vivero_core::entity::{EntityPatch, EntityType, Grade, NewEntity};
use vivero_core::location::{LocationKind, NewLocation};
use vivero_core::{EntityId, Error, Password, TenantSession, Vivero};
use vivero_store::Open as _;

fn lot(code: &str) -> NewEntity {
    NewEntity::new(code, "Hebe", EntityType::Cutting, 100)
}

/// Takes the turn, as another process would that has a transaction to itself.
async fn take_turn(root: &mut MySqlConnection) {
    run(root, "START TRANSACTION").await;
    run(root, "UPDATE engine_state SET turn = turn + 1 WHERE one = 1").await;
}

/// Another administrator in the same database, who sees what is not committed.
async fn watcher(root: &mut MySqlConnection) -> MySqlConnection {
    let database: String =
        sqlx::raw_sql("SELECT database()").fetch_one(root).await.expect("the database").get(0);
    let options = MySqlConnectOptions::from_str(support::address()).expect("an address");
    let mut watcher = options.database(&database).connect().await.expect("the administrator");
    run(&mut watcher, "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED").await;
    watcher
}

/// Waits until so many rows meet a condition, committed or not.
async fn seen(watcher: &mut MySqlConnection, rows: i64, condition: &str) {
    let count = format!("SELECT count(*) FROM entities WHERE {condition}");
    let deadline = Instant::now() + Duration::from_secs(60);
    while number(watcher, &count).await != rows {
        assert!(Instant::now() < deadline, "{rows} of {condition}");
        tokio::task::yield_now().await;
    }
}

/// Waits until so many wait for a lock.
async fn blocked(watcher: &mut MySqlConnection, many: i64) {
    let count = "SELECT count(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p \
         ON p.id = t.trx_mysql_thread_id WHERE t.trx_state = 'LOCK WAIT' AND p.db = database()";
    let deadline = Instant::now() + Duration::from_secs(60);
    while number(watcher, count).await != many {
        assert!(Instant::now() < deadline, "{many} wait");
        // InnoDB renews what it shows only when nobody has looked for a tenth of a second.
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

/// A tenant of an installation that seals only when it is told to: a sealer that asks for its turn has others wait.
async fn quiet(n: usize) -> (Vivero, TenantSession, MySqlConnection) {
    let (vivero, session, root) = ground(n).await;
    drop(session);
    vivero.close().await;
    let (vivero, session) = beside(n).await;
    (vivero, session, root)
}

/// The same tenant in what is as good as another process.
async fn beside(n: usize) -> (Vivero, TenantSession) {
    let vivero = Vivero::builder().mariadb(support::options(n)).weak_passwords_for_tests();
    let vivero = vivero.seal_delay(Duration::from_secs(3_600));
    let vivero = vivero.open(&support::registry(n)).await.expect("opening");
    let password = Password::new("grower@example.com", "correct horse battery");
    let session = vivero.sign_in("acme-plants", password).await.expect("signing in");
    (vivero, session)
}

/// From now on the combination of facets of [`lot`] is known, and as many connections are open as are wanted at once:
/// what was known before one was opened is not relied on.
async fn first_lot(session: &TenantSession) -> EntityId {
    drop(join_all((0..6).map(|_| session.begin())).await);
    session.entities().create(lot("FIRST-LOT")).await.expect("a lot").id
}

type Made = JoinHandle<Result<EntityId, Error>>;

fn create(session: &TenantSession, new: NewEntity) -> Made {
    let session = session.clone();
    tokio::spawn(async move { session.entities().create(new).await.map(|made| made.id) })
}

async fn assert_whole(session: &TenantSession, root: &mut MySqlConnection, lots: i64) {
    assert_eq!(number(root, "SELECT count(*) FROM entities").await, lots);
    let strangers = "SELECT count(*) FROM entities e WHERE NOT EXISTS (SELECT 1 FROM entities_search s \
         WHERE s.rowid = e.seq AND s.word = concat('q0', lower(replace(e.code, '-', '')))) AND e.code LIKE '%-%'";
    assert_eq!(number(root, strangers).await, 0, "each has its own words");
    let words =
        "SELECT count(*) FROM entities_search WHERE rowid NOT IN (SELECT seq FROM entities)";
    assert_eq!(number(root, words).await, 0, "no words of what was undone");
    let untold = "SELECT count(*) FROM entities e WHERE (SELECT count(*) FROM journal j \
         WHERE j.record_id = e.id AND j.action = 'entity.create') <> 1";
    assert_eq!(number(root, untold).await, 0, "each has an entry");
    session.seal().await.expect("sealing");
    let report = session.verify_audit().await.expect("the chain");
    assert!(report.breaks.is_empty() && report.unsealed == 0, "{report:?}");
}

#[tokio::test]
async fn two_groups_are_under_way_at_once_and_a_third_waits() {
    let (vivero, session, mut root) = quiet(920).await;
    let mut watcher = watcher(&mut root).await;
    first_lot(&session).await;
    take_turn(&mut root).await;
    let mut all = vec![create(&session, lot("A-0"))];
    seen(&mut watcher, 1, "code LIKE 'A-%'").await;
    // Not worth a group of their own, until they are twelve.
    all.extend((1..12).map(|i| create(&session, lot(&format!("B-{i}")))));
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert_eq!(number(&mut watcher, "SELECT count(*) FROM entities").await, 2);
    }
    all.push(create(&session, lot("B-12")));
    seen(&mut watcher, 14, "true").await;
    all.extend((0..20).map(|i| create(&session, lot(&format!("C-{i}")))));
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert_eq!(number(&mut watcher, "SELECT count(*) FROM entities").await, 14);
    }
    assert!(all.iter().all(|made| !made.is_finished()), "nothing is acknowledged");
    run(&mut root, "COMMIT").await;
    for made in all {
        made.await.expect("no panic").expect("a lot");
    }
    assert_whole(&session, &mut root, 34).await;
    drop(session);
    vivero.close().await;
}

#[tokio::test]
async fn what_is_taken_for_granted_is_looked_for_when_the_turn_has_come() {
    let (vivero, session, mut root) = quiet(921).await;
    let mut watcher = watcher(&mut root).await;
    let site = NewLocation::new(LocationKind::Site, "S", "Site", None);
    let place = session.locations().create(site).await.expect("a place").id;
    let at_place = |code: &str| NewEntity { location_id: Some(place), ..lot(code) };
    first_lot(&session).await;
    take_turn(&mut root).await;
    let made = create(&session, at_place("GONE"));
    seen(&mut watcher, 1, "code = 'GONE'").await;
    run(&mut root, "UPDATE locations SET deleted_at = now(6), version = version + 1").await;
    run(&mut root, "COMMIT").await;
    let made = made.await.expect("no panic");
    assert!(
        matches!(&made, Err(Error::Invalid(problems)) if format!("{problems:?}").contains("location_id")),
        "{made:?}"
    );
    assert_whole(&session, &mut root, 1).await;
    drop(session);
    vivero.close().await;
}

#[tokio::test]
async fn two_who_add_the_same_code_are_told_apart() {
    let (vivero, session, mut root) = quiet(922).await;
    let mut watcher = watcher(&mut root).await;
    let (other, theirs) = beside(922).await;
    let is_taken = |outcome: &Result<EntityId, Error>| matches!(outcome, Err(Error::Taken { field, .. }) if field == "code");
    first_lot(&session).await;
    // Who waits for the turn has added it by then: the server undoes one of them.
    let mut work = theirs.begin().await.expect("beginning");
    work.entities().create(lot("C")).await.expect("a lot");
    let waits = create(&session, lot("D"));
    seen(&mut watcher, 1, "code = 'D'").await;
    let adds = work.entities().create(lot("D")).await;
    let undone = match adds {
        Ok(_) => work.commit().await.err(),
        Err(e) => Some(e),
    };
    let waits = waits.await.expect("no panic");
    match &undone {
        None => assert!(is_taken(&waits), "{waits:?}"),
        Some(e) => assert!(matches!(e, Error::Undone { .. }) && waits.is_ok(), "{e:?}, {waits:?}"),
    }
    let lots = if undone.is_some() { 2 } else { 3 };
    assert_whole(&session, &mut root, lots).await;
    // Who has the turn adds it first.
    let mut work = theirs.begin().await.expect("beginning");
    work.entities().create(lot("A")).await.expect("a lot");
    let (second, third) = (create(&session, lot("A")), create(&session, lot("B")));
    blocked(&mut watcher, 1).await;
    work.commit().await.expect("committing");
    let second = second.await.expect("no panic");
    assert!(is_taken(&second), "{second:?}");
    third.await.expect("no panic").expect("a lot");
    assert_whole(&session, &mut root, lots + 2).await;
    drop((session, theirs));
    vivero.close().await;
    other.close().await;
}

#[tokio::test]
async fn many_rows_are_added_beside_a_group_that_waits_for_its_turn() {
    let (vivero, session, mut root) = quiet(923).await;
    let mut watcher = watcher(&mut root).await;
    let (other, theirs) = beside(923).await;
    first_lot(&session).await;
    let mut work = theirs.begin().await.expect("beginning");
    work.entities().create(lot("T-0")).await.expect("a lot");
    let begun = Instant::now();
    let waits = create(&session, lot("A"));
    seen(&mut watcher, 1, "code = 'A'").await;
    let many = (1..=1500).map(|i| lot(&format!("T-{i}"))).collect();
    work.entities().create_all(many).await.expect("many lots");
    work.commit().await.expect("nobody is in the way");
    // Who waits longer lets go of what it did, and does it again.
    let in_time = begun.elapsed() < Duration::from_secs(2);
    waits.await.expect("no panic").expect("a lot");
    let first = "(SELECT seq FROM entities WHERE code = 'A') < \
         (SELECT min(seq) FROM entities WHERE code LIKE 'T-%' AND code <> 'T-0')";
    if in_time {
        assert_eq!(number(&mut root, first).await, 1, "it was not undone for them and done again");
    }
    assert_whole(&session, &mut root, 1503).await;
    drop((session, theirs));
    vivero.close().await;
    other.close().await;
}

#[tokio::test]
async fn of_two_changes_of_one_lot_one_is_done() {
    let (vivero, session, mut root) = quiet(924).await;
    let mut watcher = watcher(&mut root).await;
    let (other, theirs) = beside(924).await;
    let known = first_lot(&session).await;
    let named = |name: &str| EntityPatch { name: Some(name.into()), ..EntityPatch::default() };
    let mut work = theirs.begin().await.expect("beginning");
    work.entities().create(lot("FIRST")).await.expect("a lot");
    let waits = {
        let (session, patch) = (session.clone(), named("Hebe albicans"));
        tokio::spawn(async move { session.entities().update(known, 1, patch).await })
    };
    seen(&mut watcher, 1, "name = 'Hebe albicans'").await;
    let changed = match work.entities().update(known, 1, named("Hebe ochracea")).await {
        Ok(_) => work.commit().await,
        Err(e) => Err(e),
    };
    let waited = waits.await.expect("no panic");
    match &changed {
        Ok(()) => assert!(matches!(waited, Err(Error::Conflict { .. })), "{waited:?}"),
        Err(e) => {
            assert!(matches!(e, Error::Undone { .. }), "{e:?}");
            assert_eq!(waited.as_ref().map(|lot| lot.version).ok(), Some(2), "{waited:?}");
        }
    }
    let found = session.entities().find(known).await.expect("finding").expect("the lot");
    assert_eq!(found.version, 2);
    drop((session, theirs));
    vivero.close().await;
    other.close().await;
}

#[tokio::test]
async fn who_has_a_transaction_alone_meets_no_group_of_the_process() {
    let (vivero, session, mut root) = quiet(925).await;
    let mut watcher = watcher(&mut root).await;
    first_lot(&session).await;
    take_turn(&mut root).await;
    let ahead = create(&session, lot("AHEAD"));
    seen(&mut watcher, 1, "code = 'AHEAD'").await;
    let mut beginning = Box::pin(session.begin());
    assert!(poll!(beginning.as_mut()).is_pending(), "a group is under way");
    let mut short = Box::pin(session.begin_short());
    assert!(poll!(short.as_mut()).is_pending(), "for who asks, too");
    run(&mut root, "COMMIT").await;
    ahead.await.expect("no panic").expect("a lot");
    drop(short.await.expect("beginning"));
    let mut work = beginning.await.expect("beginning");
    work.entities().create(lot("ALONE")).await.expect("a lot");
    let next = create(&session, lot("NEXT"));
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert_eq!(number(&mut watcher, "SELECT count(*) FROM entities").await, 3);
    }
    work.commit().await.expect("committing");
    next.await.expect("no panic").expect("a lot");
    // Who went away while they waited is waited for by nobody.
    take_turn(&mut root).await;
    let ahead = create(&session, lot("AHEAD-2"));
    seen(&mut watcher, 1, "code = 'AHEAD-2'").await;
    {
        let mut beginning = pin!(session.begin());
        assert!(poll!(beginning.as_mut()).is_pending());
    }
    let more: Vec<Made> = (0..12).map(|i| create(&session, lot(&format!("MORE-{i}")))).collect();
    seen(&mut watcher, 12, "code LIKE 'MORE-%'").await;
    run(&mut root, "COMMIT").await;
    for made in more.into_iter().chain([ahead]) {
        made.await.expect("no panic").expect("a lot");
    }
    assert_whole(&session, &mut root, 17).await;
    drop(session);
    vivero.close().await;
}

#[tokio::test]
async fn combinations_of_facets_come_to_be_in_the_order_of_commits() {
    let (vivero, session, mut root) = quiet(926).await;
    let mut watcher = watcher(&mut root).await;
    let (other, theirs) = beside(926).await;
    let known = first_lot(&session).await;
    let of = |code: &str, kind| NewEntity::new(code, "Hebe", kind, 1);
    let mut work = theirs.begin().await.expect("beginning");
    work.entities().create(lot("TURN")).await.expect("a lot");
    // One with a row that is added, one with a row that changes; one of a known combination goes ahead meanwhile.
    let added = create(&session, of("ADDED", EntityType::Graft));
    let changed = {
        let session = session.clone();
        tokio::spawn(async move {
            let grade =
                EntityPatch { quality_grade: Some(Grade::Second), ..EntityPatch::default() };
            session.entities().update(known, 1, grade).await
        })
    };
    blocked(&mut watcher, 1).await;
    assert_eq!(number(&mut watcher, "SELECT count(*) FROM entities WHERE code = 'ADDED'").await, 0);
    work.entities().create(of("NEWER", EntityType::Seed)).await.expect("a lot");
    work.commit().await.expect("committing");
    added.await.expect("no panic").expect("a lot");
    changed.await.expect("no panic").expect("a lot");
    let table = "SELECT table_name FROM information_schema.tables WHERE table_schema = database() \
                 AND table_name LIKE 'entities\\_sets\\_%'";
    let sets: String = sqlx::raw_sql(table).fetch_one(&mut root).await.expect("a table").get(0);
    let order =
        format!("SELECT group_concat(kind ORDER BY n) = 'cutting,seed,graft,cutting' FROM {sets}");
    let other_order =
        format!("SELECT group_concat(kind ORDER BY n) = 'cutting,seed,cutting,graft' FROM {sets}");
    let (one, two) = (number(&mut root, &order).await, number(&mut root, &other_order).await);
    assert_eq!(one + two, 1, "the newest came last");
    assert_whole(&session, &mut root, 4).await;
    drop((session, theirs));
    vivero.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_group_whose_connection_is_lost_before_its_turn_is_done_again() {
    let (vivero, session, mut root) = quiet(927).await;
    let mut watcher = watcher(&mut root).await;
    let known = first_lot(&session).await;
    take_turn(&mut root).await;
    let added = create(&session, lot("ADDED"));
    seen(&mut watcher, 1, "code = 'ADDED'").await;
    blocked(&mut watcher, 1).await;
    let waits = "SELECT max(t.trx_mysql_thread_id) FROM information_schema.innodb_trx t \
         JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id \
         WHERE t.trx_state = 'LOCK WAIT' AND p.db = database()";
    let connection = number(&mut watcher, waits).await;
    run(&mut watcher, &format!("KILL {connection}")).await;
    seen(&mut watcher, 0, "code = 'ADDED'").await;
    assert!(!added.is_finished(), "it is not told as done");
    run(&mut root, "COMMIT").await;
    added.await.expect("no panic").expect("a lot");
    let named = EntityPatch { name: Some("Hebe albicans".into()), ..EntityPatch::default() };
    session.entities().update(known, 1, named).await.expect("all goes on");
    assert_whole(&session, &mut root, 2).await;
    drop(session);
    vivero.close().await;
}
