//! A process that is frozen in the last step of a move for longer than its lease, while an operator turns the move
//! back: thawed, it must not remove the database that the tenant has again.
#![cfg(feature = "mariadb")]

#[path = "support/dropping.rs"]
mod dropping;
#[path = "support/first.rs"]
mod first;
#[path = "support/mortal.rs"]
mod mortal;
#[path = "support/switched.rs"]
mod switched;
#[path = "support/tenants.rs"]
mod tenants;

use chrono::TimeDelta;
use dropping::waits_to_drop;
use first::{first_database, on_first, root, says, server_of};
use mortal::{Mortal, answers, usable};
use sqlx::AssertSqlSafe;
use switched::{SLUG, moved_up_to};
use tenants::Ground;
use uuid::Uuid;
use vivero_core::operations::{Operation, OperationState as State};
use vivero_core::server::MAIN;
use vivero_core::{Error, Result};

/// Asks another process to turn back as soon as the frozen one's lease has ended, which renews it now and then.
async fn turned_back_by(other: &Ground, id: Uuid) -> Result<Operation> {
    loop {
        other.clock.advance(TimeDelta::seconds(60));
        match other.vivero.operations().turn_back(id).await {
            Err(Error::Unavailable { what, .. }) if what.contains("another process does it") => {}
            outcome => return outcome,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_frozen_before_its_last_look_removes_nothing() {
    let mut mortal = Mortal::start();
    let (ground, asked) = moved_up_to(&mortal, "clean").await;
    let other = ground.beside().await;
    ground.hook.freeze_at("clean/removal");
    let vivero = ground.vivero.clone();
    let running = tokio::spawn(async move { vivero.operations().run(asked.id).await });
    ground.hook.frozen().await;
    mortal.kill();
    let turned = turned_back_by(&other, asked.id).await.expect("turned back");
    assert_eq!(turned.state, State::Failed, "{turned:?}");
    usable(&other, 20, "turned back").await;
    ground.hook.thaw();
    let refused = running.await.expect("a task").expect_err("it was overtaken");
    assert_eq!(refused.code(), "operation_overtaken", "{refused}");
    assert_eq!(on_first(&other).await, (2, 2));
    usable(&other, 21, "the other is thawed").await;
    assert_eq!(server_of(&other).await, MAIN);
    usable(&other.restart().await, 22, "in another process").await;
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_frozen_while_it_removes_keeps_others_from_turning_back() {
    let mut mortal = Mortal::start();
    let (ground, asked) = moved_up_to(&mortal, "clean").await;
    let other = ground.beside().await;
    let database = first_database(&ground).await;
    ground.hook.freeze_at("clean/removal");
    let vivero = ground.vivero.clone();
    let running = tokio::spawn(async move { vivero.operations().run(asked.id).await });
    ground.hook.frozen().await;
    // Somebody reads the old database: the server removes it when that is done. To others it is as if the process
    // were frozen between its last look and the removal.
    let mut reading = root().await;
    for sql in ["START TRANSACTION", &format!("SELECT count(*) FROM {database}.journal")] {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut reading).await.expect(sql);
    }
    ground.hook.thaw();
    let dropping = waits_to_drop(&running, &database).await;
    mortal.kill();
    let generation = other.tenant(SLUG).await.generation;
    let refused = turned_back_by(&other, asked.id).await.expect_err("it is being removed");
    assert!(matches!(refused, Error::Unavailable { .. }), "{refused:?}");
    let command = format!("KILL {dropping}");
    assert!(refused.to_string().contains(&command), "{refused} lacks {command}");
    let given = other.vivero.operations().give_up(asked.id).await.expect_err("nor given up");
    assert!(given.to_string().contains(&command), "{given}");
    assert_eq!(other.tenant(SLUG).await.generation, generation);
    // The one that hangs is ended, as it is said there: nothing is removed any more.
    says(&command).await;
    let ended = running.await.expect("a task");
    assert!(ended.is_err(), "{ended:?}");
    sqlx::raw_sql("COMMIT").execute(&mut reading).await.expect("committed");
    assert_eq!(on_first(&other).await, (2, 2));
    let turned = turned_back_by(&other, asked.id).await.expect("turned back");
    assert_eq!(turned.state, State::Failed, "{turned:?}");
    usable(&other, 20, "turned back").await;
    mortal.come_back();
    answers(&other).await;
    assert_eq!(mortal.holds().await, (1, 1), "what was given up is kept");
    ground.vivero.close().await;
    other.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_the_lock_looks_once_more() {
    let mut mortal = Mortal::start();
    let (ground, asked) = moved_up_to(&mortal, "clean").await;
    let other = ground.beside().await;
    let tenant = ground.tenant(SLUG).await.id.uuid().simple().to_string();
    ground.hook.freeze_at("clean/removal");
    let vivero = ground.vivero.clone();
    let running = tokio::spawn(async move { vivero.operations().run(asked.id).await });
    ground.hook.frozen().await;
    let mut holding = root().await;
    let hold = format!("DO get_lock('vivero old {tenant}', 0)");
    sqlx::raw_sql(AssertSqlSafe(hold)).execute(&mut holding).await.expect("held");
    ground.hook.thaw();
    let waiting = "SELECT CAST(id AS CHAR) FROM information_schema.processlist WHERE state = 'User lock' \
         AND info LIKE '%vivero old%'";
    while says(waiting).await.is_empty() {
        assert!(!running.is_finished(), "it did not wait");
        tokio::task::yield_now().await;
    }
    mortal.kill();
    let refused = turned_back_by(&other, asked.id).await.expect_err("another has the lock");
    assert!(refused.to_string().contains("KILL"), "{refused}");
    // The other has taken the operation over by now: whoever waited removes nothing.
    sqlx::raw_sql("DO release_all_locks()").execute(&mut holding).await.expect("released");
    let refused = running.await.expect("a task").expect_err("it was overtaken");
    assert_eq!(refused.code(), "operation_overtaken", "{refused}");
    assert_eq!(on_first(&other).await, (2, 2));
    turned_back_by(&other, asked.id).await.expect("turned back");
    usable(&other, 20, "turned back").await;
    ground.vivero.close().await;
    other.vivero.close().await;
}
