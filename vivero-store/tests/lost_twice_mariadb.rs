//! Two failures in one move: the server a tenant was switched to is lost, and the database it had before cannot be used
//! as it is. What can be mended is turned back to; what cannot is given up, and the tenant comes back from an archive.
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
use first::{first_database, on_first, registry, root, says, server_of};
use mortal::{Mortal, answers, moving, new, usable};
use serde_json::json;
use sqlx::AssertSqlSafe;
use switched::{SLUG, cut_off, moved_up_to, with_second};
use tenants::Ground;
use vivero_core::Error;
use vivero_core::operations::{Operation, OperationKind as Kind, OperationState as State};
use vivero_core::server::{KeptDatabase, MAIN};
use vivero_core::tenant::TenantState;

async fn kept(ground: &Ground, server: &str) -> Vec<KeptDatabase> {
    ground.vivero.servers().find(server).await.expect("listed").kept
}

/// A second server with a tenant that has an archive of its 20 lots, and is moved there up to the last step.
async fn archived_and_moved(mortal: &Mortal) -> (Ground, Operation) {
    let ground = with_second(mortal).await;
    ground.done(new(Kind::Backup, json!({"archive": "one.vivero"}))).await;
    let asked = cut_off(&ground, moving("second"), "clean").await;
    (ground, asked)
}

/// It can neither go on nor be turned back, and what is in its way says how it ends.
async fn both_lost(ground: &Ground, asked: &Operation, lost: &str, why: &str) {
    let operations = ground.vivero.operations();
    let refused = operations.end(asked.id).await.expect_err("no consent");
    assert_eq!(refused.code(), "move_switched", "{refused}");
    let refused = operations.turn_back(asked.id).await.expect_err("it cannot be used");
    assert_eq!(refused.code(), "database_before", "{refused}");
    let refused = refused.to_string();
    let command = format!("vivero operation end {} --give-up", asked.id);
    for said in [why, &command, "restored from an archive"] {
        assert!(refused.contains(said), "{refused}");
    }
    let refused = ground.vivero.servers().remove(lost, true).await.expect_err("in use");
    assert!(refused.to_string().contains("vivero operation end"), "{refused}");
    assert_eq!(operations.find(asked.id).await.expect("on record").state, State::Running);
}

/// The lost server is taken off the list, with the tenant.
async fn forgotten(ground: &Ground, server: &str) {
    let gone = ground.vivero.servers().remove(server, true).await.expect("off the list");
    assert_eq!(gone.iter().map(ToString::to_string).collect::<Vec<_>>(), [SLUG]);
    assert_eq!(ground.tenant(SLUG).await.state, TenantState::Archived);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_whose_account_was_removed_is_turned_back_to_with_another() {
    let mut mortal = Mortal::start();
    let (ground, asked) = moved_up_to(&mortal, "clean").await;
    let account = first_database(&ground).await;
    // As a program of before did that was cut off between the account and the database.
    says(&format!("DROP USER '{account}'@'%'")).await;
    mortal.kill();
    let ground = ground.restart().await;
    let turned = ground.vivero.operations().turn_back(asked.id).await.expect("turned back");
    assert_eq!(turned.state, State::Failed, "{turned:?}");
    usable(&ground, 20, "turned back").await;
    let ground = ground.restart().await;
    usable(&ground, 21, "in another process").await;
    assert_eq!(on_first(&ground).await, (2, 2));
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_is_cut_off_leaves_the_database_with_its_account_or_neither() {
    let mortal = Mortal::start();
    let (ground, asked) = moved_up_to(&mortal, "clean").await;
    let database = first_database(&ground).await;
    // The server refuses to remove the database: what comes after it is not done either.
    let mut reading = root().await;
    let lock = format!("LOCK TABLES {database}.journal READ");
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut reading).await.expect("locked");
    let vivero = ground.vivero.clone();
    let running = tokio::spawn(async move { vivero.operations().run(asked.id).await });
    let dropping = waits_to_drop(&running, &database).await;
    says(&format!("KILL {dropping}")).await;
    drop(reading);
    let stuck = running.await.expect("a task").expect("an answer");
    assert_eq!((stuck.state, stuck.step.as_str()), (State::Running, "clean"), "{stuck:?}");
    assert_eq!(on_first(&ground).await, (2, 2), "nothing of it is gone");
    ground.clock.advance(TimeDelta::seconds(60));
    let done = ground.vivero.operations().run(asked.id).await.expect("an answer");
    assert_eq!(done.state, State::Done, "{done:?}");
    assert_eq!(on_first(&ground).await, (1, 1));
    usable(&ground, 20, "moved").await;
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_version_is_looked_at_as_it_is() {
    let mut mortal = Mortal::start();
    let (ground, asked) = moved_up_to(&mortal, "clean").await;
    let database = first_database(&ground).await;
    // Opened, it would be brought up to date; that is noted in it.
    says(&format!("UPDATE {database}.engine_state SET tables_of = 'of another version'")).await;
    mortal.kill();
    let ground = ground.restart().await;
    ground.hook.stop_before("turn/fence");
    ground.vivero.operations().turn_back(asked.id).await.expect_err("cut off");
    let noted = says(&format!("SELECT tables_of FROM {database}.engine_state")).await;
    assert_eq!(noted, ["of another version"]);
    assert_eq!(ground.tenant(SLUG).await.generation, 1);
    ground.clock.advance(TimeDelta::seconds(60));
    let turned = ground.vivero.operations().turn_back(asked.id).await.expect("turned back");
    assert_eq!(turned.state, State::Failed, "{turned:?}");
    usable(&ground, 20, "turned back").await;
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_with_no_database_left_is_given_up_and_the_tenant_restored() {
    let mut mortal = Mortal::start();
    let (ground, asked) = archived_and_moved(&mortal).await;
    let database = first_database(&ground).await;
    // Its removal was cut off after the database was gone.
    says(&format!("DROP DATABASE {database}")).await;
    mortal.kill();
    let ground = ground.restart().await;
    both_lost(&ground, &asked, "second", "does not exist").await;
    let switched_to = ground.tenant(SLUG).await;

    let operations = ground.vivero.operations();
    for step in ["give/registry", "give/end"] {
        ground.hook.stop_before(step);
        operations.give_up(asked.id).await.expect_err("cut off");
        ground.clock.advance(TimeDelta::seconds(60));
        assert_eq!(ground.tenant(SLUG).await.generation, switched_to.generation, "before {step}");
        assert_eq!(operations.find(asked.id).await.expect("on record").state, State::Running);
    }
    // Whoever goes on with it ends it; nobody need say it again.
    let given = operations.run(asked.id).await.expect("an answer");
    let message = given.message.clone().unwrap_or_default();
    assert_eq!(given.state, State::Failed, "{given:?}");
    for said in ["given up by an operator", "vivero server remove second --lost", "tenant restore"]
    {
        assert!(message.contains(said), "{message}");
    }
    assert!(!message.contains("remove-kept"), "there is nothing to be kept: {message}");
    assert_eq!(given.result["given_up"]["server"], "second", "{given:?}");
    let again = operations.give_up(asked.id).await.expect("over");
    assert_eq!(again.message, given.message, "once more changes nothing");
    assert_eq!(server_of(&ground).await, "second", "it stays where it was");
    ground.clock.advance(TimeDelta::seconds(60));
    ground.vivero.tend().await.expect("tended");
    assert_eq!(on_first(&ground).await, (1, 1), "the account of before is gone as well");

    forgotten(&ground, "second").await;
    ground.done(new(Kind::Restore, json!({"archive": "one.vivero"}))).await;
    usable(&ground, 20, "restored").await;
    assert_eq!(on_first(&ground).await, (2, 2));
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_database_that_is_given_up_is_kept_and_a_restore_avoids_it() {
    let (mut mortal, third) = (Mortal::start(), Mortal::start());
    let (ground, asked) = archived_and_moved(&mortal).await;
    let database = first_database(&ground).await;
    // Another has written to it: it does not end where the move was switched.
    says(&format!("UPDATE {database}.chain SET position = position - 1")).await;
    mortal.kill();
    both_lost(&ground, &asked, "second", "does not end where").await;
    let given = ground.vivero.operations().give_up(asked.id).await.expect("given up");
    assert_eq!(given.state, State::Failed, "{given:?}");
    let command = format!("vivero server remove-kept {MAIN} {database}");
    assert!(given.message.as_ref().is_some_and(|said| said.contains(&command)), "{given:?}");
    let there = kept(&ground, MAIN).await;
    let [one] = there.as_slice() else { panic!("{there:?}") };
    assert_eq!((&one.database, one.generation, one.operation), (&database, 1, asked.id));
    assert!(kept(&ground, "second").await.is_empty());
    ground.vivero.tend().await.expect("tended");
    forgotten(&ground, "second").await;

    // Nothing is made for the tenant where it is kept: it would be in the way.
    let restore = new(Kind::Restore, json!({"archive": "one.vivero"}));
    let refused = ground.ask(restore.clone()).await.expect("asked");
    let refused = ground.vivero.operations().run(refused.id).await.expect("an answer");
    let message = refused.message.clone().unwrap_or_default();
    assert_eq!(refused.state, State::Failed, "{refused:?}");
    assert!(message.contains(&command), "{message}");
    ground.vivero.servers().add(third.listed_as("third")).await.expect("added");
    // The first is filled less, relative to its weight.
    let patch = vivero_core::server::ServerPatch { weight: Some(100), ..Default::default() };
    ground.vivero.servers().change(MAIN, patch, None).await.expect("changed");
    ground.done(restore).await;
    assert_eq!(server_of(&ground).await, "third");
    assert_eq!(third.holds().await, (1, 1));
    usable(&ground, 20, "restored").await;
    let rows = says(&format!("SELECT code FROM {database}.entities")).await;
    assert_eq!(rows.len(), 20, "what is kept is there");
    ground.vivero.servers().remove_kept(MAIN, &database).await.expect("removed");
    assert_eq!(on_first(&ground).await, (1, 1));
    ground.done(moving(MAIN)).await;
    usable(&ground, 21, "moved where it was kept").await;
    ground.vivero.close().await;
}

/// Two servers of the tests' own, and a tenant that is moved from one to the other up to a step.
async fn from_one_to_another(
    source: &Mortal,
    target: &Mortal,
    step: &'static str,
) -> (Ground, Operation) {
    let ground = with_second(source).await;
    ground.vivero.servers().add(target.listed_as("third")).await.expect("added");
    ground.done(new(Kind::Backup, json!({"archive": "one.vivero"}))).await;
    ground.done(moving("second")).await;
    let asked = cut_off(&ground, moving("third"), step).await;
    (ground, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_of_which_both_servers_are_lost_is_given_up() {
    let (mut source, mut target) = (Mortal::start(), Mortal::start());
    let (ground, asked) = from_one_to_another(&source, &target, "clean").await;
    target.kill();
    source.kill();
    both_lost(&ground, &asked, "third", "does not answer").await;
    let given = ground.vivero.operations().give_up(asked.id).await.expect("given up");
    assert_eq!(given.state, State::Failed, "{given:?}");
    // What is there nobody knows.
    assert_eq!(kept(&ground, "second").await.len(), 1);
    forgotten(&ground, "third").await;
    let refused = ground.vivero.servers().remove("second", false).await.expect_err("not empty");
    assert!(refused.to_string().contains("remove-kept second"), "{refused}");
    ground.done(new(Kind::Restore, json!({"archive": "one.vivero"}))).await;
    assert_eq!(server_of(&ground).await, MAIN, "not where something of it is kept");
    usable(&ground, 20, "restored").await;
    source.come_back();
    answers(&ground).await;
    ground.clock.advance(TimeDelta::seconds(60));
    ground.vivero.tend().await.expect("tended");
    assert_eq!(source.holds().await, (1, 1), "nothing removes it by itself");
    let database = kept(&ground, "second").await.remove(0).database;
    ground.vivero.servers().remove_kept("second", &database).await.expect("removed");
    assert_eq!(source.holds().await, (0, 0));
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_was_given_up_works_where_it_is_if_that_server_comes_back() {
    let (mut source, mut target) = (Mortal::start(), Mortal::start());
    let (ground, asked) = from_one_to_another(&source, &target, "clean").await;
    ground.fill(SLUG, 5).await;
    target.kill();
    source.kill();
    ground.vivero.operations().give_up(asked.id).await.expect("given up");
    target.come_back();
    source.come_back();
    answers(&ground).await;
    let ground = ground.restart().await;
    usable(&ground, 25, "it is back").await;
    let slug = SLUG.parse().expect("a slug");
    ground.vivero.rotate_credentials(&slug).await.expect("it is at home there");
    ground.done(moving(MAIN)).await;
    usable(&ground, 26, "moved on").await;
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_turned_back_to_a_server_that_is_lost_meanwhile_is_given_up() {
    let (mut source, mut target) = (Mortal::start(), Mortal::start());
    let (ground, asked) = from_one_to_another(&source, &target, "clean").await;
    target.kill();
    let operations = ground.vivero.operations();
    ground.hook.stop_before("turn/fence");
    operations.turn_back(asked.id).await.expect_err("cut off");
    ground.clock.advance(TimeDelta::seconds(60));
    source.kill();
    let silent = operations.turn_back(asked.id).await.expect_err("it is lost");
    assert!(matches!(silent, Error::Unavailable { .. }), "{silent:?}");
    let given = operations.give_up(asked.id).await.expect("given up");
    let message = given.message.clone().unwrap_or_default();
    assert_eq!(given.state, State::Failed, "{given:?}");
    assert!(message.contains("server remove second --lost"), "{message}");
    assert_eq!(kept(&ground, "third").await.len(), 1, "what the target has was kept before");
    forgotten(&ground, "second").await;
    ground.vivero.servers().remove("third", true).await.expect("off the list");
    ground.done(new(Kind::Restore, json!({"archive": "one.vivero"}))).await;
    usable(&ground, 20, "restored").await;
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_whole_is_given_up() {
    let mut mortal = Mortal::start();
    let (ground, asked) = moved_up_to(&mortal, "clean").await;
    mortal.kill();
    let operations = ground.vivero.operations();
    let refused = operations.give_up(asked.id).await.expect_err("the one before is whole");
    assert_eq!(refused.code(), "move_switched", "{refused}");
    assert!(refused.to_string().contains("--turn-back"), "{refused}");
    assert_eq!(ground.files(SLUG).await, 1);
    assert!(kept(&ground, MAIN).await.is_empty());
    mortal.come_back();
    answers(&ground).await;
    ground.clock.advance(TimeDelta::seconds(60));
    let ground = ground.restart().await;
    let done = ground.vivero.operations().give_up(asked.id).await.expect("it answers");
    assert_eq!(done.state, State::Done, "where the new one answers the move is finished: {done:?}");
    usable(&ground, 20, "moved").await;
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_server_takes_the_tenants_with_it_that_are_there_and_no_others() {
    let (mut source, mut target) = (Mortal::start(), Mortal::start());
    for lost in ["second", "third"] {
        let (ground, asked) = from_one_to_another(&source, &target, "clean").await;
        // Its home is the second server, its database is on the third; nothing is left to be done about that.
        let over = format!("UPDATE {}.operations SET state = 'failed'", registry(&ground));
        says(&over).await;
        let servers = ground.vivero.servers();
        if lost == "second" {
            source.kill();
            let gone = servers.remove("second", true).await.expect("off the list");
            assert!(gone.is_empty(), "{gone:?}");
            let ground = ground.restart().await;
            assert_eq!(server_of(&ground).await, "third");
            usable(&ground, 20, "it is elsewhere").await;
            ground.done(moving(MAIN)).await;
            usable(&ground, 21, "and at home there").await;
            ground.vivero.servers().remove("third", false).await.expect("empty");
            ground.vivero.close().await;
            source.come_back();
            continue;
        }
        target.kill();
        forgotten(&ground, "third").await;
        let there = kept(&ground, "second").await;
        let [one] = there.as_slice() else { panic!("{there:?}") };
        assert_eq!((one.generation, one.operation), (2, asked.id));
        ground.done(new(Kind::Restore, json!({"archive": "one.vivero"}))).await;
        usable(&ground, 20, "restored").await;
        assert_eq!(says(&format!("SELECT slug FROM {}.tenants", registry(&ground))).await.len(), 2);
        ground.vivero.close().await;
    }
}
