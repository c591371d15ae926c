//! Short units of work that share a transaction: one commit for several, and each for itself if one of
//! them fails.
#![cfg(feature = "mariadb")]

#[path = "support/ground.rs"]
mod ground;
#[path = "support/mariadb.rs"]
mod support;

use futures_util::future::join_all;
use futures_util::poll;
use ground::{ground, number, run};
use sqlx::Row as _;
use sqlx::mysql::MySqlConnection;
use std::pin::pin;
use std::time::Duration;
use vivero_core::entity::{EntityPatch, EntityType, NewEntity};
use vivero_core::{EntityId, Error, TenantSession, UnitOfWork};

fn lot(code: &str) -> NewEntity {
    NewEntity::new(code, "Hebe", EntityType::Cutting, 100)
}

fn named(name: &str) -> EntityPatch {
    EntityPatch { name: Some(name.into()), ..EntityPatch::default() }
}

type Committing = tokio::task::JoinHandle<Result<(), Error>>;

/// Works that are in line one after another: each begins when the one before is done.
async fn first_and_next(session: &TenantSession, code: &str) -> (Committing, UnitOfWork) {
    let mut first = session.begin_short().await.expect("beginning");
    first.entities().create(lot(code)).await.expect("a lot");
    let mut next = pin!(session.begin_short());
    assert!(poll!(next.as_mut()).is_pending(), "it is in line");
    let committing = tokio::spawn(first.commit());
    (committing, next.await.expect("beginning"))
}

/// Waits until somebody of the tenant waits for a row; the connection that does.
async fn waiting(root: &mut MySqlConnection) -> i64 {
    let waits = "SELECT coalesce(max(t.trx_mysql_thread_id), 0) FROM information_schema.innodb_trx t \
         JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id \
         WHERE t.trx_state = 'LOCK WAIT' AND p.db = database() AND p.info LIKE '%UPDATE entities%'";
    // InnoDB renews what it shows only when nobody has looked for a tenth of a second.
    loop {
        tokio::time::sleep(Duration::from_millis(150)).await;
        match number(root, waits).await {
            0 => {}
            connection => return connection,
        }
    }
}

async fn codes(root: &mut MySqlConnection) -> Vec<String> {
    let rows = sqlx::raw_sql("SELECT code FROM entities ORDER BY code");
    rows.fetch_all(root).await.expect("codes").iter().map(|row| row.get(0)).collect()
}

/// Counts transactions from now on: each takes one turn.
async fn count_turns(root: &mut MySqlConnection) {
    run(root, "CREATE TABLE turns (n INT NOT NULL) SELECT 0 AS n").await;
    let count = "CREATE TRIGGER counts AFTER UPDATE ON engine_state FOR EACH ROW UPDATE turns SET n = n + 1";
    run(root, count).await;
}

const TURNS: &str = "SELECT n FROM turns";

#[tokio::test]
async fn works_at_once_share_commits_and_a_work_alone_has_its_own() {
    let (vivero, session, mut root) = ground(910).await;
    session.seal().await.expect("sealing");
    count_turns(&mut root).await;
    let works = (0..60).map(|i| {
        let session = session.clone();
        async move { session.entities().create(lot(&format!("A-{i:02}"))).await }
    });
    for made in join_all(works).await {
        made.expect("a lot");
    }
    let shared = number(&mut root, TURNS).await;
    assert!((1..30).contains(&shared), "60 works in {shared} transactions, seals included");
    assert_eq!(number(&mut root, "SELECT count(*) FROM entities").await, 60);
    let strangers = "SELECT count(*) FROM entities e WHERE NOT EXISTS (SELECT 1 FROM entities_search s \
         WHERE s.rowid = e.seq AND s.word = concat('q0', lower(replace(e.code, '-', ''))))";
    assert_eq!(number(&mut root, strangers).await, 0, "each has its own words");
    assert_eq!(not_entered(&mut root).await, 0, "and its combination of facets is known");
    let before = number(&mut root, TURNS).await;
    for i in 0..3 {
        session.entities().create(lot(&format!("B-{i}"))).await.expect("a lot");
    }
    assert!(number(&mut root, TURNS).await - before >= 3, "nobody waits for others to come");
    drop(session);
    vivero.close().await;
}

#[tokio::test]
async fn what_one_put_off_fails_for_that_one_alone() {
    let (vivero, session, mut root) = ground(911).await;
    // In the middle of a group, at its beginning and at its end; with what undoes a statement, and with what the
    // transaction may not survive.
    for (at, number) in [(2, 1690), (3, 1644), (0, 1644), (7, 1644)] {
        let trigger = format!(
            "CREATE OR REPLACE TRIGGER fails BEFORE INSERT ON journal FOR EACH ROW \
             IF NEW.changes LIKE '%POISON%' THEN SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = {number}; END IF"
        );
        run(&mut root, &trigger).await;
        let works = (0..8).map(|i| {
            let code = format!("{}-{at}-{i}", if i == at { "POISON" } else { "GOOD" });
            let session = session.clone();
            async move { session.entities().create(lot(&code)).await }
        });
        let made = join_all(works).await;
        for (i, made) in made.into_iter().enumerate() {
            assert_eq!(made.is_ok(), i != at, "{at} fails and {i} does not: {made:?}");
            if i == at {
                assert!(matches!(made, Err(Error::Internal { .. })), "{made:?}");
            }
        }
    }
    // By hand, so that there is no doubt that they share a transaction.
    let (poisoned, mut next) = first_and_next(&session, "POISON").await;
    next.entities().create(lot("GOOD-NEXT")).await.expect("a lot");
    next.commit().await.expect("committing");
    poisoned.await.expect("no panic").expect_err("the trigger refuses it");
    let (good, mut next) = first_and_next(&session, "GOOD-FIRST").await;
    next.entities().create(lot("POISON")).await.expect("its entry is not written yet");
    next.commit().await.expect_err("the trigger refuses it");
    good.await.expect("no panic").expect("committing");

    assert_eq!(codes(&mut root).await.len(), 30);
    assert_eq!(
        number(&mut root, "SELECT count(*) FROM entities WHERE code LIKE 'POISON%'").await,
        0
    );
    let words =
        "SELECT count(*) FROM entities_search WHERE rowid NOT IN (SELECT seq FROM entities)";
    assert_eq!(number(&mut root, words).await, 0, "no words of what was undone");
    let report = session.verify_audit().await.expect("the chain");
    assert!(report.breaks.is_empty() && report.unsealed == 0, "{report:?}");
    drop(session);
    vivero.close().await;
}

#[tokio::test]
async fn a_work_that_is_dropped_takes_no_other_with_it() {
    let (vivero, session, mut root) = ground(912).await;
    let (first, mut next) = first_and_next(&session, "FIRST").await;
    next.entities().create(lot("DROPPED")).await.expect("a lot");
    let mut last = {
        let mut last = pin!(session.begin_short());
        assert!(poll!(last.as_mut()).is_pending(), "it is in line");
        drop(next);
        last.await.expect("beginning")
    };
    last.entities().create(lot("DROPPED")).await.expect("the code is free again");
    last.entities().create(lot("LAST")).await.expect("a lot");
    drop(last);
    first.await.expect("no panic").expect("committing");
    assert_eq!(codes(&mut root).await, ["FIRST"]);

    // In line, and gone before its turn came.
    let (first, next) = first_and_next(&session, "SECOND").await;
    {
        let mut gone = pin!(session.begin_short());
        assert!(poll!(gone.as_mut()).is_pending(), "it is in line");
    }
    next.commit().await.expect("nothing was done");
    first.await.expect("no panic").expect("committing");
    assert_eq!(codes(&mut root).await, ["FIRST", "SECOND"]);
    drop(session);
    vivero.close().await;
}

/// The first work is done and waits for the commit, the next waits for a row that somebody holds.
async fn stuck(
    session: &TenantSession,
    root: &mut MySqlConnection,
    held: EntityId,
    code: &str,
) -> (Committing, Committing, i64) {
    run(root, "START TRANSACTION").await;
    // The row and no gap between rows.
    run(root, "SELECT seq FROM entities FORCE INDEX (PRIMARY) WHERE seq = 1 FOR UPDATE").await;
    let (first, mut next) = first_and_next(session, code).await;
    let next = tokio::spawn(async move {
        next.entities().update(held, 1, named("Hebe albicans")).await?;
        // With its first look the change before it is run.
        next.entities().update(held, 2, named("Hebe ochracea")).await?;
        next.commit().await
    });
    let connection = waiting(root).await;
    assert!(!first.is_finished(), "it is not acknowledged before it is durable");
    (first, next, connection)
}

#[tokio::test]
async fn who_goes_away_in_the_middle_of_a_statement_takes_no_other_with_them() {
    let (vivero, session, mut root) = ground(913).await;
    let held = session.entities().create(lot("HELD")).await.expect("a lot").id;
    let (first, next, _) = stuck(&session, &mut root, held, "FIRST").await;
    next.abort();
    assert!(next.await.expect_err("it was given up").is_cancelled());
    run(&mut root, "COMMIT").await;
    first.await.expect("no panic").expect("committing");
    assert_eq!(codes(&mut root).await, ["FIRST", "HELD"]);
    let found = session.entities().find(held).await.expect("finding").expect("the lot");
    assert_eq!((found.version, found.name.as_str()), (1, "Hebe"), "the change was given up");
    drop(session);
    vivero.close().await;
}

#[tokio::test]
async fn of_a_transaction_that_is_killed_nothing_was_acknowledged() {
    let (vivero, session, mut root) = ground(914).await;
    let held = session.entities().create(lot("HELD")).await.expect("a lot").id;
    let (first, next, connection) = stuck(&session, &mut root, held, "FIRST").await;
    run(&mut root, &format!("KILL {connection}")).await;
    let first = first.await.expect("no panic");
    assert!(matches!(first, Err(Error::Undone { .. })), "{first:?}");
    let next = next.await.expect("no panic");
    assert!(matches!(next, Err(Error::Undone { .. } | Error::Unavailable { .. })), "{next:?}");
    run(&mut root, "COMMIT").await;
    assert_eq!(codes(&mut root).await, ["HELD"]);
    session.entities().create(lot("FIRST")).await.expect("all goes on");
    drop(session);
    vivero.close().await;
}

#[tokio::test]
async fn services_do_again_what_was_undone_with_others() {
    let (vivero, session, mut root) = ground(915).await;
    run(&mut root, "CREATE TABLE failures (n INT NOT NULL) ENGINE=Aria TRANSACTIONAL=0").await;
    run(&mut root, "INSERT INTO failures VALUES (3)").await;
    let trigger = "CREATE TRIGGER fails BEFORE INSERT ON journal FOR EACH ROW BEGIN \
         IF NEW.changes LIKE '%UNLUCKY%' THEN UPDATE failures SET n = n - 1 WHERE n > 0; \
         IF ROW_COUNT() > 0 THEN SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213; END IF; END IF; END";
    run(&mut root, trigger).await;
    let works = (0..20).map(|i| {
        let code = format!("{}-{i:02}", if i == 7 { "UNLUCKY" } else { "LUCKY" });
        let session = session.clone();
        async move { session.entities().create(lot(&code)).await }
    });
    for made in join_all(works).await {
        made.expect("a lot");
    }
    assert_eq!(number(&mut root, "SELECT n FROM failures").await, 0, "it failed three times");
    assert_eq!(codes(&mut root).await.len(), 20, "each is there once");
    let entries = "SELECT count(*) FROM journal WHERE action = 'entity.create'";
    assert_eq!(number(&mut root, entries).await, 20, "so are their entries");
    drop(session);
    vivero.close().await;
}

/// Changes the known lot, so that what comes after may be put off.
async fn begun(session: &TenantSession, known: EntityId, version: i64) -> UnitOfWork {
    let mut work = session.begin_short().await.expect("beginning");
    let name = format!("Hebe {version}");
    work.entities().update(known, version, named(&name)).await.expect("it is there");
    work
}

#[tokio::test]
async fn a_code_that_is_taken_is_told_by_the_commit_and_undoes_that_work_alone() {
    let (vivero, session, mut root) = ground(916).await;
    let known = session.entities().create(lot("TAKEN")).await.expect("a lot").id;
    let is_taken = |outcome: &Result<(), Error>| matches!(outcome, Err(Error::Taken { resource, field }) if resource == "entity" && field == "code");
    // Alone.
    let mut work = begun(&session, known, 1).await;
    work.entities().create(lot("TAKEN")).await.expect("nobody looked yet");
    let outcome = work.commit().await;
    assert!(is_taken(&outcome), "{outcome:?}");
    // By what comes after it in the same work.
    let mut work = begun(&session, known, 1).await;
    work.entities().create(lot("TAKEN")).await.expect("nobody looked yet");
    let next = work.entities().update(known, 2, named("Hebe")).await.map(|_| ());
    assert!(is_taken(&next), "{next:?}");
    work.commit().await.expect_err("what it relied on was not done");
    // First of two that share a transaction, and the second.
    for first_is_taken in [true, false] {
        let code = |first: bool| {
            if first == first_is_taken { "TAKEN".into() } else { format!("GOOD-{first_is_taken}") }
        };
        let mut first = begun(&session, known, 1).await;
        first.entities().create(lot(&code(true))).await.expect("nobody looked yet");
        let mut next = pin!(session.begin_short());
        assert!(poll!(next.as_mut()).is_pending(), "it is in line");
        let first = tokio::spawn(first.commit());
        let mut next = next.await.expect("beginning");
        let version = if first_is_taken { 1 } else { 2 };
        let seen = next.entities().update(known, version, named("Hebe next")).await;
        assert_eq!(seen.expect("as if the first had come before").version, version + 1);
        next.entities().create(lot(&code(false))).await.expect("nobody looked yet");
        let (next, first) = (next.commit().await, first.await.expect("no panic"));
        assert_eq!((is_taken(&first), is_taken(&next)), (first_is_taken, !first_is_taken));
        assert_eq!((first.is_ok(), next.is_ok()), (!first_is_taken, first_is_taken));
        run(&mut root, "UPDATE entities SET version = 1").await;
    }
    assert_eq!(codes(&mut root).await, ["GOOD-false", "GOOD-true", "TAKEN"]);
    let report = session.verify_audit().await.expect("the chain");
    assert!(report.breaks.is_empty(), "{report:?}");
    drop(session);
    vivero.close().await;
}

#[tokio::test]
async fn a_row_that_somebody_changes_past_all_turns_is_not_written_over() {
    let (vivero, session, mut root) = ground(917).await;
    let known = session.entities().create(lot("KNOWN")).await.expect("a lot").id;
    let work = begun(&session, known, 1).await;
    run(&mut root, "UPDATE entities SET version = 7, name = 'by hand'").await;
    let outcome = work.commit().await;
    assert!(matches!(outcome, Err(Error::Undone { .. })), "{outcome:?}");
    let found = session.entities().find(known).await.expect("finding").expect("the lot");
    assert_eq!((found.version, found.name.as_str()), (7, "by hand"));
    let entries = "SELECT count(*) FROM journal WHERE action = 'entity.update'";
    assert_eq!(number(&mut root, entries).await, 0, "nor is there an entry");
    drop(session);
    vivero.close().await;
}

/// Rows whose combination of facets is not in its table.
async fn not_entered(root: &mut MySqlConnection) -> i64 {
    let table = "SELECT table_name FROM information_schema.tables WHERE table_schema = database() \
                 AND table_name LIKE 'entities\\_sets\\_%'";
    let sets: String = sqlx::raw_sql(table).fetch_one(&mut *root).await.expect("a table").get(0);
    let same = ["status", "kind", "stage", "quality_grade"].map(|c| format!("s.{c} <=> e.{c}"));
    let lacking = format!(
        "SELECT count(*) FROM entities e WHERE NOT EXISTS (SELECT 1 FROM {sets} s WHERE {})",
        same.join(" AND ")
    );
    number(root, lacking.as_str()).await
}

#[tokio::test]
async fn a_combination_of_facets_is_known_only_once_a_row_with_it_is_committed() {
    let (vivero, session, mut root) = ground(918).await;
    let of = |code: &str, kind| NewEntity::new(code, "Hebe", kind, 1);
    session.entities().create(of("A-1", EntityType::Cutting)).await.expect("a lot");
    // Refused for its code, and the work goes on without it.
    let mut work = session.begin().await.expect("beginning");
    let refused = work.entities().create(of("A-1", EntityType::Graft)).await;
    assert!(matches!(refused, Err(Error::Taken { .. })), "{refused:?}");
    work.entities().create(of("A-2", EntityType::Cutting)).await.expect("a lot");
    work.commit().await.expect("committed");
    session.entities().create(of("A-3", EntityType::Graft)).await.expect("a lot");
    // Undone as a whole.
    let mut work = session.begin_short().await.expect("beginning");
    work.entities().create(of("A-4", EntityType::Seed)).await.expect("a lot");
    drop(work);
    session.entities().create(of("A-5", EntityType::Seed)).await.expect("a lot");
    // Known by now, one after another on one connection and in one transaction, edits among them.
    for round in 0..3 {
        let kinds =
            [EntityType::Cutting, EntityType::Graft, EntityType::Seed, EntityType::FieldStock];
        let works = kinds.into_iter().enumerate().map(|(i, kind)| {
            let session = session.clone();
            async move {
                let made = session.entities().create(of(&format!("B-{round}-{i}"), kind)).await?;
                session.entities().update(made.id, made.version, named("Hebe albicans")).await
            }
        });
        for made in join_all(works).await {
            made.expect("a lot");
        }
    }
    assert_eq!(not_entered(&mut root).await, 0);
    // Who says nothing is looked after, also behind somebody who did.
    let by_hand =
        "UPDATE entities SET quality_grade = 'a', version = version + 1 WHERE code = 'A-1'";
    run(&mut root, by_hand).await;
    assert_eq!(not_entered(&mut root).await, 0);
    drop(session);
    vivero.close().await;
}
