//! What passes: waits for a lock that took too long, and what a node of a Galera cluster says while it is none, or at
//! a commit. Whoever meets it hears that nothing is left, and services do the whole work again.
#![cfg(feature = "mariadb")]

#[path = "support/ground.rs"]
mod ground;
#[path = "support/mariadb.rs"]
mod support;

use ground::{ground, number, run};
use sqlx::Row as _;
use sqlx::mysql::MySqlConnection;
use std::error::Error as _;
use std::time::{Duration, Instant};
use vivero_core::entity::{EntityPatch, EntityType, NewEntity};
use vivero_core::service::Tries;
use vivero_core::{Error, ErrorKind, Password, TenantSession, Vivero};
use vivero_store::Open as _;

/// A wait for a lock, that the node is not prepared, that the commit failed.
const PASSING: [u16; 3] = [1205, 1047, 1180];

fn lot(code: &str) -> NewEntity {
    NewEntity::new(code, "Hebe", EntityType::Cutting, 100)
}

fn named(name: &str) -> EntityPatch {
    EntityPatch { name: Some(name.into()), ..EntityPatch::default() }
}

/// A tenant of an installation that seals only when it is told to: what a sealer writes would be counted and wait, too.
async fn quiet(n: usize) -> (Vivero, TenantSession, MySqlConnection) {
    let (vivero, session, root) = ground(n).await;
    session.seal().await.expect("sealing");
    drop(session);
    vivero.close().await;
    let vivero = Vivero::builder().mariadb(support::options(n)).weak_passwords_for_tests();
    let vivero = vivero.seal_delay(Duration::from_secs(3_600));
    let vivero = vivero.open(&support::registry(n)).await.expect("opening");
    let password = Password::new("grower@example.com", "correct horse battery");
    let session = vivero.sign_in("acme-plants", password).await.expect("signing in");
    (vivero, session, root)
}

/// What the server said to what it undid.
fn undone<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    match outcome {
        Err(error @ Error::Undone { .. }) => {
            assert_eq!((error.kind(), &*error.code()), (ErrorKind::Unavailable, "unavailable"));
            error.source().expect("what the server said").to_string()
        }
        other => panic!("undone, not {other:?}"),
    }
}

/// Each lot has its row, its words and its entry once, and nothing else has.
async fn assert_whole(session: &TenantSession, root: &mut MySqlConnection, lots: &[&str]) {
    let rows = sqlx::raw_sql("SELECT code FROM entities ORDER BY code").fetch_all(&mut *root);
    let codes: Vec<String> = rows.await.expect("codes").iter().map(|row| row.get(0)).collect();
    assert_eq!(codes, lots);
    let entries = "SELECT count(*) FROM journal WHERE action = 'entity.create'";
    assert_eq!(number(root, entries).await, codes.len() as i64, "entries");
    let untold = "SELECT count(*) FROM entities e WHERE (SELECT count(*) FROM journal j \
         WHERE j.record_id = e.id) <> e.version";
    assert_eq!(number(root, untold).await, 0, "each version has an entry");
    let words =
        "SELECT count(*) FROM entities_search WHERE rowid NOT IN (SELECT seq FROM entities)";
    assert_eq!(number(root, words).await, 0, "no words of what was undone");
    session.seal().await.expect("sealing");
    let report = session.verify_audit().await.expect("the chain");
    assert!(report.breaks.is_empty() && report.unsealed == 0, "{report:?}");
}

/// From now on whoever adds a lot is counted, also if it is undone, and waits for locks for a second only: ten is what
/// each connection says.
async fn count_and_hurry(root: &mut MySqlConnection) {
    // What a table without transactions holds outlives the undoing.
    run(root, "CREATE TABLE tries (n INT NOT NULL) ENGINE=Aria TRANSACTIONAL=0").await;
    run(root, "INSERT INTO tries VALUES (0)").await;
    let hurries = "CREATE TRIGGER hurries BEFORE INSERT ON entities FOR EACH ROW BEGIN \
         SET SESSION innodb_lock_wait_timeout = 1; UPDATE tries SET n = n + 1; END";
    run(root, hurries).await;
}

const TRIES: &str = "SELECT n FROM tries";

#[tokio::test]
async fn a_service_does_a_work_again_whose_entry_waited_too_long() {
    let (vivero, session, mut root) = quiet(930).await;
    session.entities().create(lot("A-1")).await.expect("a lot");
    count_and_hurry(&mut root).await;
    // Nobody adds an entry to the journal while somebody has locked its end; the lot is written by then.
    run(&mut root, "START TRANSACTION").await;
    run(&mut root, "SELECT * FROM journal FOR UPDATE").await;
    let creating = {
        let session = session.clone();
        tokio::spawn(async move { session.entities().create(lot("A-2")).await })
    };
    // The first try goes ahead of its turn and then in the plain way: the third is another.
    let deadline = Instant::now() + Duration::from_secs(60);
    while number(&mut root, TRIES).await < 3 {
        assert!(!creating.is_finished(), "it was not done again");
        assert!(Instant::now() < deadline, "it does not give up waiting");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    run(&mut root, "COMMIT").await;
    creating.await.expect("no panic").expect("a lot");
    assert_whole(&session, &mut root, &["A-1", "A-2"]).await;

    // Not for ever.
    run(&mut root, "UPDATE tries SET n = 0").await;
    run(&mut root, "START TRANSACTION").await;
    run(&mut root, "SELECT * FROM journal FOR UPDATE").await;
    let said = undone(session.entities().create(lot("A-3")).await);
    assert!(said.contains("Lock wait timeout"), "{said}");
    let tries = number(&mut root, TRIES).await;
    assert!((3..=12).contains(&tries), "tries are bounded: {tries}");
    run(&mut root, "COMMIT").await;
    assert_whole(&session, &mut root, &["A-1", "A-2"]).await;
    session.entities().create(lot("A-3")).await.expect("its code is free");
    drop(session);
    vivero.close().await;
}

#[tokio::test]
async fn a_unit_of_work_that_waited_too_long_for_a_row_is_undone_whole_and_may_be_done_again() {
    let (vivero, session, mut root) = quiet(931).await;
    let held = session.entities().create(lot("HELD")).await.expect("a lot").id;
    count_and_hurry(&mut root).await;
    let hold = "SELECT seq FROM entities FORCE INDEX (PRIMARY) WHERE seq = 1 FOR UPDATE";
    run(&mut root, "START TRANSACTION").await;
    run(&mut root, hold).await;
    // One that nobody does again: the server undoes a statement only, vivero all before it.
    let mut work = session.begin().await.expect("beginning");
    work.entities().create(lot("A-1")).await.expect("a lot");
    let said = undone(work.entities().update(held, 1, named("Hebe albicans")).await);
    assert!(said.contains("Lock wait timeout"), "{said}");
    undone(work.entities().create(lot("A-2")).await);
    undone(work.commit().await);

    // One that is done again. In a hurry it may be undone for other reasons, too.
    let mut tries = Tries::new(&session);
    let mut waited = false;
    loop {
        let outcome = async {
            let mut work = tries.begin().await?;
            work.entities().create(lot("A-3")).await?;
            work.entities().update(held, 1, named("Hebe albicans")).await?;
            work.commit().await
        };
        let outcome = outcome.await;
        if outcome.is_ok() {
            break;
        }
        let said = undone(outcome);
        if said.contains("Lock wait timeout") && !waited {
            waited = true;
            run(&mut root, "COMMIT").await;
        }
        assert!(tries.was_hasty() || tries.another().await, "it is not done again: {said}");
    }
    assert!(waited, "it succeeds once the lock is gone, and not before");
    let written = number(&mut root, TRIES).await;
    assert!(written >= 3, "the lot had been written when it was undone: {written}");
    let found = session.entities().find(held).await.expect("finding").expect("the lot");
    assert_eq!((found.version, found.name.as_str()), (2, "Hebe albicans"));
    assert_whole(&session, &mut root, &["A-3", "HELD"]).await;
    drop(session);
    vivero.close().await;
}

#[tokio::test]
async fn a_unit_of_work_that_goes_on_after_a_deadlock_leaves_nothing() {
    let (vivero, session, mut root) = quiet(934).await;
    let held = session.entities().create(lot("HELD")).await.expect("a lot").id;
    let waits = "SELECT count(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p \
         ON p.id = t.trx_mysql_thread_id WHERE t.trx_state = 'LOCK WAIT' AND p.db = database()";
    // Of two the server undoes the one that has done less.
    let rows: Vec<String> = (0..200).map(|i| format!("('test', 'x', '{i}', 1)")).collect();
    for committed in [true, false] {
        run(&mut root, "START TRANSACTION").await;
        run(&mut root, &format!("INSERT INTO counts VALUES {}", rows.join(", "))).await;
        run(&mut root, "SELECT seq FROM entities FORCE INDEX (PRIMARY) WHERE seq = 1 FOR UPDATE")
            .await;
        let mut work = session.begin().await.expect("beginning");
        work.entities().create(lot("A-1")).await.expect("a lot");
        let updating = tokio::spawn(async move {
            let outcome = work.entities().update(held, 1, named("Hebe albicans")).await;
            (work, outcome)
        });
        // InnoDB renews what it shows only when nobody has looked for a tenth of a second.
        while number(&mut root, waits).await == 0 {
            assert!(!updating.is_finished(), "it did not wait for the row");
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        // It has the turn and waits for the row; now whose row it is waits for the turn.
        run(&mut root, "UPDATE engine_state SET turn = turn + 1 WHERE one = 1").await;
        let (mut work, outcome) = updating.await.expect("no panic");
        let said = undone(outcome);
        assert!(said.contains("Deadlock"), "{said}");
        run(&mut root, "ROLLBACK").await;
        // Its transaction is no more: what came now would be in none.
        undone(work.entities().create(lot("A-2")).await);
        if committed {
            undone(work.commit().await);
        } else {
            drop(work);
        }
        assert_whole(&session, &mut root, &["HELD"]).await;
    }
    session.entities().update(held, 1, named("Hebe albicans")).await.expect("all goes on");
    drop(session);
    vivero.close().await;
}

/// What is done so often fails with `number`: a work that has UNLUCKY in it, at its entry in the journal.
async fn fail(root: &mut MySqlConnection, number: u16, times: u32) {
    run(root, "CREATE TABLE IF NOT EXISTS failures (n INT NOT NULL) ENGINE=Aria TRANSACTIONAL=0")
        .await;
    run(root, "DELETE FROM failures").await;
    run(root, &format!("INSERT INTO failures VALUES ({times})")).await;
    let trigger = format!(
        "CREATE OR REPLACE TRIGGER fails BEFORE INSERT ON journal FOR EACH ROW BEGIN \
         IF NEW.changes LIKE '%UNLUCKY%' THEN UPDATE failures SET n = n - 1 WHERE n > 0; \
         IF ROW_COUNT() > 0 THEN SIGNAL SQLSTATE '08S01' SET MYSQL_ERRNO = {number}, \
         MESSAGE_TEXT = 'not now'; END IF; END IF; END"
    );
    run(root, &trigger).await;
}

const FAILURES: &str = "SELECT n FROM failures";

#[tokio::test]
async fn what_passes_is_done_again_as_a_whole_and_once_only() {
    let (vivero, session, mut root) = ground(932).await;
    let mut codes = Vec::new();
    for number_of in PASSING {
        let code = |name: &str| format!("UNLUCKY-{name}-{number_of}");
        fail(&mut root, number_of, 3).await;
        let made = session.entities().create(lot(&code("A"))).await;
        let made = made.unwrap_or_else(|e| panic!("{number_of}: {e:?}"));
        assert_eq!(number(&mut root, FAILURES).await, 0, "it failed three times: {number_of}");
        assert_eq!(made.version, 1);
        // A change the same, and beside others.
        fail(&mut root, number_of, 3).await;
        let lucky = format!("LUCKY-{number_of}");
        let lots = session.entities();
        let (changed, other) =
            tokio::join!(lots.update(made.id, 1, named("Hebe UNLUCKY")), lots.create(lot(&lucky)),);
        assert_eq!(changed.unwrap_or_else(|e| panic!("{number_of}: {e:?}")).version, 2);
        other.unwrap_or_else(|e| panic!("{number_of}: {e:?}"));
        assert_eq!(number(&mut root, FAILURES).await, 0, "it failed three times: {number_of}");
        let history = session.entities().history(made.id, None, 10).await.expect("history");
        assert_eq!(history.len(), 2, "each was done once: {number_of}");
        codes.extend([code("A"), lucky]);
    }
    codes.sort();
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    assert_whole(&session, &mut root, &codes).await;
    drop(session);
    vivero.close().await;
}

#[tokio::test]
async fn what_does_not_pass_in_time_is_told_and_leaves_nothing() {
    let (vivero, session, mut root) = ground(933).await;
    session.entities().create(lot("A-1")).await.expect("a lot");
    for number_of in PASSING {
        fail(&mut root, number_of, 1_000).await;
        let said = undone(session.entities().create(lot("UNLUCKY-1")).await);
        assert!(said.contains("not now"), "{said}");
        let tries = 1_000 - number(&mut root, FAILURES).await;
        assert!((3..=36).contains(&tries), "tries are bounded: {tries}");
        // A work that its caller begins is not done again, and may be.
        fail(&mut root, number_of, 1).await;
        let mut work = session.begin().await.expect("beginning");
        work.entities().create(lot("UNLUCKY-1")).await.expect("a lot, with its entry to come");
        let said = undone(work.commit().await);
        assert!(said.contains("not now"), "{said}");
        assert_eq!(number(&mut root, FAILURES).await, 0, "it was tried once");
        assert_whole(&session, &mut root, &["A-1"]).await;
    }
    session.entities().create(lot("UNLUCKY-1")).await.expect("it has passed");
    assert_whole(&session, &mut root, &["A-1", "UNLUCKY-1"]).await;
    drop(session);
    vivero.close().await;
}
