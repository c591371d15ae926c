//! A unit of work that the server undoes is done again as a whole, so often and no more.
#![cfg(feature = "mariadb")]

#[path = "support/ground.rs"]
mod ground;
#[path = "support/mariadb.rs"]
mod support;

use ground::{ground, number, run};
use std::time::Duration;
use vivero_core::Error;
use vivero_core::entity::{EntityPatch, EntityType, NewEntity};

fn named(name: &str) -> EntityPatch {
    EntityPatch { name: Some(name.into()), ..EntityPatch::default() }
}

#[tokio::test]
async fn what_the_server_undoes_is_done_again_and_once_only() {
    let (vivero, session, mut root) = ground(900).await;
    let lot = NewEntity::new("A-1", "Hebe", EntityType::Cutting, 100);
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
    // The first packet of a hurried try may be sent five times more, then there are five others.
    let left = number(&mut root, "SELECT n FROM failures").await;
    assert!((89..=95).contains(&left), "tries are bounded: {left}");
    let found = session.entities().find(lot.id).await.expect("finding").expect("the lot");
    assert_eq!((found.version, found.name.as_str()), (2, "Hebe albicans"));
    drop(session);
    vivero.close().await;
}

#[tokio::test]
async fn a_deadlock_is_survived() {
    let (vivero, session, mut root) = ground(901).await;
    let lot = NewEntity::new("A-1", "Hebe", EntityType::Cutting, 100);
    let lot = session.entities().create(lot).await.expect("a lot");
    let status = "SELECT variable_value FROM information_schema.global_status \
         WHERE variable_name = 'innodb_deadlocks'";
    let before = number(&mut root, status).await;
    // Of two the server undoes the one that has done less.
    let rows: Vec<String> = (0..200).map(|i| format!("('test', 'x', '{i}', 1)")).collect();
    run(&mut root, "START TRANSACTION").await;
    run(&mut root, &format!("INSERT INTO counts VALUES {}", rows.join(", "))).await;
    run(&mut root, "SELECT seq FROM entities FOR UPDATE").await;
    let changing = {
        let (session, id) = (session.clone(), lot.id);
        tokio::spawn(async move { session.entities().update(id, 1, named("Hebe albicans")).await })
    };
    let waits = "SELECT count(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p \
         ON p.id = t.trx_mysql_thread_id WHERE t.trx_state = 'LOCK WAIT' AND p.db = database()";
    // InnoDB renews what it shows only when nobody has looked for a tenth of a second.
    while number(&mut root, waits).await == 0 {
        assert!(!changing.is_finished(), "the change did not wait for the row");
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    // It holds the turn and waits for the row; now the row's holder waits for the turn.
    run(&mut root, "UPDATE engine_state SET turn = turn + 1 WHERE one = 1").await;
    run(&mut root, "DELETE FROM counts WHERE resource = 'test'").await;
    run(&mut root, "COMMIT").await;
    let changed = changing.await.expect("no panic").expect("an update");
    assert_eq!(changed.version, 2);
    assert!(number(&mut root, status).await > before, "there was a deadlock");
    drop(session);
    vivero.close().await;
}
