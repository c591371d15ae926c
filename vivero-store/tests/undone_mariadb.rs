//! A unit of work that the server undoes is done again as a whole, so often and no more; and it is undone whole,
//! wherever a node of a Galera cluster cuts it off in favour of another node's change.
#![cfg(feature = "mariadb")]

#[path = "support/cluster.rs"]
mod cluster;
#[path = "support/ground.rs"]
mod ground;
#[path = "support/mariadb.rs"]
mod support;

use cluster::galera;
use futures_util::future::join_all;
use futures_util::poll;
use ground::{ground, ground_at, number, run};
use sqlx::ConnectOptions as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use std::pin::pin;
use std::str::FromStr as _;
use std::time::Duration;
use tokio::task::JoinHandle;
use vivero_core::entity::{EntityPatch, EntityType, NewEntity};
use vivero_core::{EntityId, Error, TenantSession, UnitOfWork, Vivero};

fn named(name: &str) -> EntityPatch {
    EntityPatch { name: Some(name.into()), ..EntityPatch::default() }
}

fn cutting(code: &str) -> NewEntity {
    NewEntity::new(code, "Hebe", EntityType::Cutting, 100)
}

#[tokio::test]
async fn what_the_server_undoes_is_done_again_and_once_only() {
    let (vivero, session, mut root) = ground(900).await;
    let lot = cutting("A-1");
    let lot = session.entities().create(lot).await.expect("a lot");
    // What a table without transactions holds outlives the undoing.
    run(&mut root, "CREATE TABLE failures (n INT NOT NULL) ENGINE=Aria TRANSACTIONAL=0").await;
    run(&mut root, "INSERT INTO failures VALUES (3)").await;
    let trigger = "CREATE TRIGGER fails BEFORE UPDATE ON entities FOR EACH ROW BEGIN \
         UPDATE failures SET n = n - 1 WHERE n > 0; \
         IF ROW_COUNT() > 0 THEN SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213; END IF; END";
    run(&mut root, trigger).await;

    let changed = session.entities().update(lot.id, 1, named("Hebe albicans")).await;
    assert_eq!(changed.expect("an update").version, 2);
    assert_eq!(number(&mut root, "SELECT n FROM failures").await, 0, "it failed three times");
    let history = session.entities().history(lot.id, None, 10).await.expect("history");
    assert_eq!(history.len(), 2, "it was done once");

    run(&mut root, "UPDATE failures SET n = 100").await;
    let refused = session.entities().update(lot.id, 2, named("Hebe pinguifolia")).await;
    assert!(matches!(refused, Err(Error::Undone { .. })), "{refused:?}");
    // A hurried try goes ahead of its turn, then in the plain way; its first packet may be sent five times more, then
    // there are five others.
    let left = number(&mut root, "SELECT n FROM failures").await;
    assert!((88..=95).contains(&left), "tries are bounded: {left}");
    let found = session.entities().find(lot.id).await.expect("finding").expect("the lot");
    assert_eq!((found.version, found.name.as_str()), (2, "Hebe albicans"));
    drop(session);
    vivero.close().await;
}

#[tokio::test]
async fn a_deadlock_is_survived() {
    let (vivero, session, mut root) = ground(901).await;
    let lot = cutting("A-1");
    let lot = session.entities().create(lot).await.expect("a lot");
    let status = "SELECT variable_value FROM information_schema.global_status \
         WHERE variable_name = 'innodb_deadlocks'";
    let before = number(&mut root, status).await;
    // Of two the server undoes the one that has done less.
    let rows: Vec<String> = (0..200).map(|i| format!("('test', 'x', '{i}', 1)")).collect();
    run(&mut root, "START TRANSACTION").await;
    run(&mut root, "UPDATE engine_state SET turn = turn + 1 WHERE one = 1").await;
    run(&mut root, &format!("INSERT INTO counts VALUES {}", rows.join(", "))).await;
    let changing = {
        let (session, id) = (session.clone(), lot.id);
        tokio::spawn(async move { session.entities().update(id, 1, named("Hebe albicans")).await })
    };
    let waits = "SELECT count(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p \
         ON p.id = t.trx_mysql_thread_id WHERE t.trx_state = 'LOCK WAIT' AND p.db = database()";
    // InnoDB renews what it shows only when nobody has looked for a tenth of a second.
    while number(&mut root, waits).await == 0 {
        assert!(!changing.is_finished(), "the change did not wait for its turn");
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    // It holds the row and waits for its turn; now whose turn it is waits for the row.
    run(&mut root, "SELECT seq FROM entities FOR UPDATE").await;
    run(&mut root, "DELETE FROM counts WHERE resource = 'test'").await;
    run(&mut root, "COMMIT").await;
    let changed = changing.await.expect("no panic").expect("an update");
    assert_eq!(changed.version, 2);
    assert!(number(&mut root, status).await > before, "there was a deadlock");
    drop(session);
    vivero.close().await;
}

/// Where a work is cut off: at the row, at its words, at its entry in the journal.
const PLACES: [(&str, &str); 3] =
    [("entities", "code"), ("entities_search", "word"), ("journal", "changes")];

type Committing = JoinHandle<Result<(), Error>>;

struct Scene {
    vivero: Vivero,
    session: TenantSession,
    /// The administrator at the node that vivero is at, and at another.
    here: MySqlConnection,
    there: MySqlConnection,
}

impl Scene {
    async fn new(n: usize) -> Self {
        let [one, two, three] = galera();
        let registry = format!("mysql://root@{one},{two},{three}/cut_{}_{n}", std::process::id());
        let (vivero, session, mut here) =
            ground_at(n, &registry, &format!("mysql://root@{one}")).await;
        let database: String =
            sqlx::query_scalar("SELECT database()").fetch_one(&mut here).await.expect("its name");
        let at = MySqlConnectOptions::from_str(&format!("mysql://root@{two}")).expect("an address");
        let there = at.database(&database).connect().await.expect("the administrator");
        Self { vivero, session, here, there }
    }

    /// Adding a row with ZZQ in it to the table takes a second or two from now on, all of them in one function: with
    /// that the statement comes to its end, whatever the server has done to its transaction meanwhile.
    async fn slow_at(&mut self, (table, column): (&str, &str)) {
        // About as long whatever it holds.
        let long =
            |i| format!("repeat(left(concat({i}, repeat(left({column}, 20), 20)), 20), 400000)");
        let slow: Vec<String> =
            (0..40).map(|i| format!("length(sha2({}, 512))", long(i))).collect();
        let check = format!(
            "ALTER TABLE {table} ADD CONSTRAINT slow CHECK (lower({column}) NOT LIKE '%zzq%' OR {} > 0)",
            slow.join(" + ")
        );
        run(&mut self.here, &check).await;
    }

    async fn quick_at(&mut self, (table, _): (&str, &str)) {
        run(&mut self.here, &format!("ALTER TABLE {table} DROP CONSTRAINT slow")).await;
    }

    /// When somebody adds such a row, another node changes the turn they have taken, and their transaction is undone.
    async fn cut<T>(&mut self, place: (&str, &str), working: &JoinHandle<T>) {
        let undone = "SELECT variable_value FROM information_schema.global_status \
                      WHERE variable_name = 'wsrep_local_bf_aborts'";
        let before = number(&mut self.here, undone).await;
        assert!(self.adding(place, working).await, "it was not slow enough to be seen");
        run(&mut self.there, "UPDATE engine_state SET turn = turn + 1 WHERE one = 1").await;
        while number(&mut self.here, undone).await == before {
            assert!(!working.is_finished(), "nothing was undone");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until somebody adds such a row; not so if the work ends first.
    async fn adding<T>(&mut self, (table, _): (&str, &str), working: &JoinHandle<T>) -> bool {
        let adding = format!(
            "SELECT count(*) FROM information_schema.processlist \
             WHERE db = database() AND info LIKE 'INSERT INTO {table} (%' AND time_ms > 100"
        );
        while number(&mut self.here, &adding).await == 0 {
            if working.is_finished() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }

    /// Each lot has one entry, each entry a lot, and each word is of a lot.
    async fn is_whole(&mut self, lots: i64, at: &str) {
        // When what was changed elsewhere has come.
        run(&mut self.here, "SET SESSION wsrep_sync_wait = 1").await;
        let counted = "SELECT count(*) FROM entities";
        assert_eq!(number(&mut self.here, counted).await, lots, "{at}");
        let entries = "SELECT count(*) FROM journal WHERE action = 'entity.create'";
        assert_eq!(number(&mut self.here, entries).await, lots, "entries, {at}");
        let strangers = "SELECT count(*) FROM journal j WHERE action = 'entity.create' \
                         AND NOT EXISTS (SELECT 1 FROM entities e WHERE e.id = j.record_id)";
        assert_eq!(number(&mut self.here, strangers).await, 0, "entries of nothing, {at}");
        let words =
            "SELECT count(*) FROM entities_search WHERE rowid NOT IN (SELECT seq FROM entities)";
        assert_eq!(number(&mut self.here, words).await, 0, "words of nothing, {at}");
        let without = "SELECT count(*) FROM entities e WHERE NOT EXISTS (SELECT 1 FROM entities_search s \
             WHERE s.rowid = e.seq AND s.word = concat('q0', lower(replace(e.code, '-', ''))))";
        assert_eq!(number(&mut self.here, without).await, 0, "without words, {at}");
        let report = self.session.verify_audit().await.expect("the chain");
        assert!(report.breaks.is_empty(), "{report:?}");
        run(&mut self.here, "SET SESSION wsrep_sync_wait = 0").await;
    }

    async fn close(self) {
        drop(self.session);
        self.vivero.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Galera cluster: tests/run --cluster"]
async fn works_that_are_cut_off_are_done_again_and_once_only() {
    let mut scene = Scene::new(430).await;
    let mut lots = 0;
    for place in PLACES {
        scene.slow_at(place).await;
        let making = (0..8).map(|i| {
            let session = scene.session.clone();
            let code = format!("{}-{}-{i}", if i == 5 { "ZZQ" } else { "GOOD" }, place.1);
            async move { session.entities().create(cutting(&code)).await }
        });
        let making = tokio::spawn(join_all(making.collect::<Vec<_>>()));
        scene.cut(place, &making).await;
        for made in making.await.expect("no panic") {
            made.expect("a lot");
        }
        scene.quick_at(place).await;
        lots += 8;
        scene.is_whole(lots, place.0).await;
    }
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Galera cluster: tests/run --cluster"]
async fn of_a_unit_of_work_that_is_cut_off_nothing_is_left() {
    let mut scene = Scene::new(431).await;
    let known = scene.session.entities().create(cutting("KNOWN-1")).await.expect("a lot");
    let (known, version) = (known.id, known.version);
    for short in [true, false] {
        for place in PLACES {
            let at = format!("{}, short: {short}", place.0);
            scene.slow_at(place).await;
            let session = scene.session.clone();
            let working = tokio::spawn(async move {
                let mut work =
                    if short { session.begin_short().await? } else { session.begin().await? };
                work.entities().update(known, version, named("changed")).await?;
                work.entities().create(cutting("ZZQ")).await?;
                work.entities().create(cutting("LAST")).await?;
                work.commit().await
            });
            scene.cut(place, &working).await;
            let outcome = working.await.expect("no panic");
            assert!(matches!(outcome, Err(Error::Undone { .. })), "{at}: {outcome:?}");
            scene.quick_at(place).await;
            scene.is_whole(1, &at).await;
            let found = scene.session.entities().find(known).await.expect("finding");
            let found = found.expect("the lot");
            assert_eq!((found.version, found.name.as_str()), (version, "Hebe"), "{at}");
            let changes = "SELECT count(*) FROM journal WHERE action = 'entity.update'";
            assert_eq!(number(&mut scene.here, changes).await, 0, "{at}");
        }
    }
    scene.close().await;
}

/// What is done for a session in turn: when the first is about to be committed, the next goes on.
async fn next_of(session: &TenantSession, first: UnitOfWork) -> (Committing, UnitOfWork) {
    let mut next = pin!(session.begin_short());
    assert!(poll!(next.as_mut()).is_pending(), "it is in line");
    let first = tokio::spawn(first.commit());
    (first, next.await.expect("beginning"))
}

/// Two works are done and a third sends what the second has put off, which is slow; then it goes away. What became of
/// the two, and whether it was so.
async fn left_by_the_third(scene: &mut Scene, known: EntityId, n: i64) -> ([bool; 2], bool) {
    let session = scene.session.clone();
    let found = session.entities().find(known).await.expect("finding").expect("the lot");
    let version = found.version;
    let mut first = session.begin_short().await.expect("beginning");
    first.entities().update(known, version, named(&format!("first {n}"))).await.expect("there");
    let (first, mut second) = next_of(&session, first).await;
    let name = named(&format!("second {n}"));
    second.entities().update(known, version + 1, name).await.expect("it is there");
    second.entities().create(cutting(&format!("ZZQ-{n}"))).await.expect("nobody looked yet");
    let (second, mut third) = next_of(&session, second).await;
    let third = tokio::spawn(async move {
        // With this look what the second has put off is sent.
        third.entities().update(known, version + 2, named("third")).await.map(|_| ())
    });
    let seen = scene.adding(("entities", "code"), &third).await;
    third.abort();
    let _ = third.await;
    let mut done = [false; 2];
    for (done, outcome) in done.iter_mut().zip([first, second]) {
        let outcome = outcome.await.expect("no panic");
        assert!(matches!(outcome, Ok(()) | Err(Error::Undone { .. })), "{outcome:?}");
        *done = outcome.is_ok();
    }
    let found = session.entities().find(known).await.expect("finding").expect("the lot");
    assert_eq!(found.version, version + done.map(i64::from).iter().sum::<i64>(), "{done:?}");
    (done, seen)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Galera cluster: tests/run --cluster"]
async fn who_goes_away_while_the_statements_of_others_are_sent_takes_none_of_them_along() {
    let mut scene = Scene::new(432).await;
    let known = scene.session.entities().create(cutting("KNOWN-1")).await.expect("a lot").id;
    let (place, mut lots) = (("entities", "code"), 1);
    scene.slow_at(place).await;
    // A group that is some milliseconds old takes nobody in: then the third is no part of it.
    for n in 0.. {
        let (done, seen) = left_by_the_third(&mut scene, known, n).await;
        lots += i64::from(done[1]);
        if seen {
            assert_eq!(done, [false; 2], "what was not sent is not done");
            break;
        }
        assert!(n < 50, "the third is never part of the group");
    }
    scene.quick_at(place).await;
    scene.is_whole(lots, "after it").await;
    scene.close().await;
}
