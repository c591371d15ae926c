//! A database server that is lost after a tenant was switched to it, and before the database it had was removed: that
//! one stays, and an operator who gives up what was written since takes the tenant back to it.
#![cfg(feature = "mariadb")]

#[path = "support/first.rs"]
mod first;
#[path = "support/mortal.rs"]
mod mortal;
#[path = "support/switched.rs"]
mod switched;
#[path = "support/tenants.rs"]
mod tenants;

use chrono::TimeDelta;
use first::{first_database, on_first, says, server_of};
use mortal::{Mortal, answers, moving, new, usable};
use serde_json::json;
use std::time::Duration;
use switched::{SLUG, moved_up_to};
use tenants::Ground;
use vivero_core::operations::{Operation, OperationKind as Kind, OperationState as State};
use vivero_core::server::{KeptDatabase, MAIN, Verdict};

/// Longer than the registry is behind what is sealed.
const ANCHORED: Duration = Duration::from_millis(2_500);

async fn kept(ground: &Ground) -> Vec<KeptDatabase> {
    ground.vivero.servers().find("second").await.expect("listed").kept
}

/// It does not go on, and says that the database before is there.
async fn stuck(ground: &Ground, asked: &Operation) {
    let stuck = ground.vivero.operations().run(asked.id).await.expect("an answer");
    let message = stuck.message.clone().unwrap_or_default();
    assert_eq!((stuck.state, stuck.step.as_str()), (State::Running, "clean"), "{stuck:?}");
    for said in ["on server second", "database before is kept", "vivero operation end"] {
        assert!(message.contains(said), "{message}");
    }
    assert_eq!(ground.files(SLUG).await, 1, "the database before is untouched");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_before_stays_until_the_new_one_answers_and_then_the_move_goes_on() {
    let mut mortal = Mortal::start();
    for step in ["clean", "clean/database"] {
        let (ground, asked) = moved_up_to(&mortal, step).await;
        // Written where the tenant is by now; this process has that database open when its server is lost.
        ground.fill(SLUG, 5).await;
        mortal.kill();
        stuck(&ground, &asked).await;
        let refused = ground.vivero.operations().end(asked.id).await.expect_err("no consent");
        assert_eq!(refused.code(), "move_switched", "{refused}");
        ground.clock.advance(TimeDelta::seconds(60));
        stuck(&ground, &asked).await;
        let ground = ground.restart().await;
        stuck(&ground, &asked).await;

        mortal.come_back();
        answers(&ground).await;
        // Whoever serves looks for what is open every few seconds; one may find a connection that was lost.
        let mut state = State::Running;
        for _ in 0..20 {
            ground.clock.advance(TimeDelta::seconds(60));
            ground.vivero.operations().resume().await.expect("gone on with");
            state = ground.vivero.operations().find(asked.id).await.expect("on record").state;
            if state == State::Done {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert_eq!(state, State::Done, "before {step}");
        assert_eq!(ground.files(SLUG).await, 0, "before {step}");
        usable(&ground, 25, &format!("before {step}")).await;
        assert!(kept(&ground).await.is_empty());
        ground.done(moving(MAIN)).await;
        usable(&ground, 26, "back by another move").await;
        ground.vivero.servers().remove("second", false).await.expect("empty");
        ground.vivero.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_whose_target_is_lost_after_the_switch_is_turned_back_with_consent() {
    let mut mortal = Mortal::start();
    let (ground, asked) = moved_up_to(&mortal, "clean").await;
    ground.fill(SLUG, 5).await;
    tokio::time::sleep(ANCHORED).await;
    mortal.kill();
    stuck(&ground, &asked).await;
    let operations = ground.vivero.operations();
    let refused = operations.end(asked.id).await.expect_err("no consent").to_string();
    for said in ["switched to server second at 20", "still on server main", "--turn-back"] {
        assert!(refused.contains(said), "{refused}");
    }
    let known = refused.split("at least ").nth(1).and_then(|rest| rest.split(' ').next());
    let known: u64 = known.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{refused}"));
    assert!(known >= 5, "{refused}");
    let in_use = ground.vivero.servers().remove("second", true).await.expect_err("in use");
    assert!(in_use.to_string().contains("vivero operation end"), "{in_use}");
    let switched_to = ground.tenant(SLUG).await.generation;

    // Cut off before each step; what is not done is as if nothing had happened, and what is done holds.
    let mut steps = Vec::new();
    let turned = loop {
        ground.clock.advance(TimeDelta::seconds(60));
        ground.hook.stop_after(0);
        match operations.turn_back(asked.id).await {
            Ok(turned) => break turned,
            Err(error) => assert!(error.to_string().contains("a test"), "{error:?}"),
        }
        let step = ground.hook.stopped_at().expect("a step");
        let (generation, number) = if steps.is_empty() { (switched_to, 0) } else { (1, 1) };
        assert_eq!(ground.tenant(SLUG).await.generation, generation, "before {step}");
        assert_eq!(kept(&ground).await.len(), number, "before {step}");
        assert_eq!(ground.files(SLUG).await, 1, "before {step}");
        assert_eq!(ground.lots("beta-growers").await, 0, "others notice nothing");
        steps.push(step);
    };
    assert_eq!(steps, ["turn/registry", "turn/fence", "turn/end"]);
    ground.hook.stop_after(1_000_000);
    let message = turned.message.clone().unwrap_or_default();
    assert_eq!(turned.state, State::Failed, "{turned:?}");
    for said in
        [&*format!("at least {known} sealed events"), "database on server main again", "is kept"]
    {
        assert!(message.contains(said), "{message}");
    }
    let again = operations.turn_back(asked.id).await.expect("over");
    assert_eq!(again.message, turned.message, "once more changes nothing");
    usable(&ground, 20, "turned back").await;
    let there = kept(&ground).await;
    let tenant = ground.tenant(SLUG).await;
    let [one] = there.as_slice() else { panic!("{there:?}") };
    assert_eq!((one.tenant, one.generation, one.operation), (tenant.id, switched_to, asked.id));
    assert!(message.contains(&format!("vivero server remove-kept second {}", one.database)));

    // The server comes back: nothing removes what it has, and nothing of it gets to the tenant.
    mortal.come_back();
    answers(&ground).await;
    let ground = ground.restart().await;
    ground.vivero.tend().await.expect("tended");
    tokio::time::sleep(ANCHORED).await;
    assert_eq!(mortal.holds().await, (1, 1));
    usable(&ground, 21, "it is back").await;
    let rows = mortal.names(&format!("SELECT code FROM {}.entities", one.database)).await;
    assert_eq!(rows.len(), 25, "what was given up is there");
    let found = ground.vivero.servers().examine().await.expect("findings");
    let finding =
        found.iter().find(|finding| finding.check == "kept_databases").expect("a finding");
    assert_eq!((finding.server.as_str(), finding.verdict), ("second", Verdict::Warning));
    // It is in the way of the tenant, of purging it, and of taking the server off the list.
    let refused = ground.ask(moving("second")).await.expect_err("it is kept").to_string();
    assert!(refused.contains("remove-kept second"), "{refused}");
    let refused = ground.vivero.servers().remove("second", false).await.expect_err("not empty");
    assert!(refused.to_string().contains("remove-kept second"), "{refused}");
    ground.done(new(Kind::Delete, json!({"confirm": SLUG, "grace_days": 0}))).await;
    let refused = ground.ask(new(Kind::Purge, json!({"confirm": SLUG}))).await.expect_err("kept");
    assert_eq!(refused.code(), "database_kept", "{refused}");
    ground.vivero.tenants().resume(&tenant.slug).await.expect("had back");
    // Its generation is not given again.
    ground.done(new(Kind::Move, json!({}))).await;
    assert_eq!(ground.tenant(SLUG).await.generation, switched_to + 1);
    assert_eq!(mortal.holds().await, (1, 1));

    let servers = ground.vivero.servers();
    for (server, database) in [("second", "nothing"), (MAIN, one.database.as_str())] {
        let unknown = servers.remove_kept(server, database).await.expect_err("not kept");
        assert_eq!(unknown.code(), "kept_database_not_found");
    }
    servers.remove_kept("second", &one.database).await.expect("removed");
    assert_eq!(mortal.holds().await, (0, 0));
    assert!(kept(&ground).await.is_empty());
    let set = vivero_core::server::ServerPatch {
        state: Some(vivero_core::server::ServerState::Open),
        ..Default::default()
    };
    servers.change("second", set, None).await.expect("open");
    ground.done(moving("second")).await;
    usable(&ground, 22, "moved there after all").await;
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_lost_at_the_instant_of_the_switch_is_forgotten_with_what_it_keeps() {
    let mut mortal = Mortal::start();
    let ground = Ground::new().await;
    ground.vivero.servers().add(mortal.listed()).await.expect("added");
    ground.fill(SLUG, 20).await;
    let asked = ground.ask(moving("second")).await.expect("asked");
    let (vivero, id) = (ground.vivero.clone(), asked.id);
    let running = tokio::spawn(async move { vivero.operations().run(id).await });
    while ground.tenant(SLUG).await.generation == 1 {
        assert!(!running.is_finished(), "it has failed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // It waits until everybody knows of the new database.
    mortal.kill();
    let now = running.await.expect("a task").expect("an answer");
    assert_eq!((now.state, now.step.as_str()), (State::Running, "clean"), "{now:?}");
    stuck(&ground, &asked).await;
    let refused = ground.vivero.operations().end(asked.id).await.expect_err("no consent");
    assert!(refused.to_string().contains("nothing that the registry knows"), "{refused}");
    let turned = ground.vivero.operations().turn_back(asked.id).await.expect("turned back");
    assert_eq!(turned.state, State::Failed, "{turned:?}");
    usable(&ground, 20, "turned back").await;
    ground.vivero.tend().await.expect("tended");
    assert_eq!(kept(&ground).await.len(), 1);
    ground.vivero.servers().remove("second", true).await.expect("forgotten");
    assert_eq!(ground.vivero.servers().list().await.expect("servers").len(), 1);
    // Other processes may still have the lost database open: its generation is not given again.
    ground.done(new(Kind::Move, json!({}))).await;
    assert_eq!(ground.tenant(SLUG).await.generation, 3);
    ground.done(new(Kind::Delete, json!({"confirm": SLUG, "grace_days": 0}))).await;
    ground.done(new(Kind::Purge, json!({"confirm": SLUG}))).await;
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_given_up_while_the_server_answers() {
    let mortal = Mortal::start();
    let (ground, asked) = moved_up_to(&mortal, "clean").await;
    let switched_to = ground.tenant(SLUG).await.generation;
    let accounts = "SELECT concat(quote(user), '@', quote(host)) FROM mysql.user \
         WHERE user NOT IN ('root', 'mariadb.sys', 'mysql', '')";
    let account = mortal.names(accounts).await.remove(0);
    let password = "SELECT authentication_string FROM mysql.user WHERE user NOT IN ('root', 'mariadb.sys', 'mysql', '')";
    let password = mortal.names(password).await.remove(0);
    mortal.names(&format!("ALTER USER {account} IDENTIFIED BY 'another'")).await;
    let ground = ground.restart().await;
    let refused = ground.vivero.operations().turn_back(asked.id).await.expect_err("it answers");
    assert!(refused.to_string().contains("server second answers"), "{refused}");
    assert!(refused.to_string().contains("--state down"), "{refused}");
    assert_eq!(ground.tenant(SLUG).await.generation, switched_to);
    assert!(kept(&ground).await.is_empty());
    mortal.names(&format!("ALTER USER {account} IDENTIFIED BY PASSWORD '{password}'")).await;
    ground.clock.advance(TimeDelta::seconds(60));
    let done = ground.vivero.operations().run(asked.id).await.expect("an answer");
    assert_eq!(done.state, State::Done, "{done:?}");
    usable(&ground, 20, "moved").await;
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_given_up_of_a_database_that_is_whole_but_cannot_be_opened() {
    let mortal = Mortal::start();
    let (ground, asked) = moved_up_to(&mortal, "clean").await;
    let switched_to = ground.tenant(SLUG).await.generation;
    let table = "SELECT concat(table_schema, '.', table_name) FROM information_schema.tables \
         WHERE table_name = 'journal_seal'";
    let table = mortal.names(table).await.remove(0);
    mortal.names(&format!("RENAME TABLE {table} TO {table}_aside")).await;
    let ground = ground.restart().await;
    let operations = ground.vivero.operations();
    for refused in [operations.turn_back(asked.id).await, operations.give_up(asked.id).await] {
        let refused = refused.expect_err("it is whole");
        assert_eq!(refused.code(), "database_whole", "{refused}");
        for said in [SLUG, "on server second is whole", "Nothing is given up", "mend that"] {
            assert!(refused.to_string().contains(said), "{refused}");
        }
    }
    assert_eq!(ground.tenant(SLUG).await.generation, switched_to);
    assert!(kept(&ground).await.is_empty());
    mortal.names(&format!("RENAME TABLE {table}_aside TO {table}")).await;
    ground.clock.advance(TimeDelta::seconds(60));
    let done = ground.vivero.operations().run(asked.id).await.expect("an answer");
    assert_eq!(done.state, State::Done, "{done:?}");
    usable(&ground, 20, "moved").await;
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_before_that_is_not_as_it_was_is_not_given_back() {
    let mut mortal = Mortal::start();
    let (ground, asked) = moved_up_to(&mortal, "clean").await;
    let switched_to = ground.tenant(SLUG).await.generation;
    let database = first_database(&ground).await;
    mortal.kill();
    let operations = ground.vivero.operations();
    let move_chain = |by: &str| format!("UPDATE {database}.chain SET position = position {by} 1");
    for by in ["-", "+"] {
        says(&move_chain(by)).await;
        let refused = operations.turn_back(asked.id).await.expect_err("it is not as it was");
        assert_eq!(refused.code(), "database_before", "{refused}");
        for said in ["server main", "does not end where", "server second back", "--give-up"] {
            assert!(refused.to_string().contains(said), "{refused}");
        }
        assert_eq!(ground.tenant(SLUG).await.generation, switched_to);
        assert!(kept(&ground).await.is_empty());
        says(&move_chain(if by == "-" { "+" } else { "-" })).await;
    }
    // What was mended is given back.
    assert_eq!(server_of(&ground).await, "second");
    let turned = operations.turn_back(asked.id).await.expect("turned back");
    assert_eq!(turned.state, State::Failed, "{turned:?}");
    usable(&ground, 20, "turned back").await;
    assert_eq!(on_first(&ground).await, (2, 2));
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_passes_over_a_server_that_keeps_a_database_of_the_tenant() {
    let (mut mortal, third) = (Mortal::start(), Mortal::start());
    let (ground, asked) = moved_up_to(&mortal, "clean").await;
    mortal.kill();
    ground.vivero.operations().turn_back(asked.id).await.expect("turned back");
    mortal.come_back();
    answers(&ground).await;
    let servers = ground.vivero.servers();
    servers.add(third.listed_as("third")).await.expect("added");
    // Of two that are filled alike it would be the second by its name.
    let drained = servers.drain(MAIN, None, |_, _, _| {}).await.expect("drained");
    assert_eq!((drained.moved, drained.failed), (2, 0), "{drained:?}");
    assert_eq!(server_of(&ground).await, "third");
    assert_eq!(
        (mortal.holds().await, third.holds().await),
        ((2, 2), (1, 1)),
        "the others go there"
    );
    usable(&ground, 20, "moved").await;
    // Where no other is open it stays, and it is said why.
    let drained = servers.drain("third", Some("second"), |_, _, _| {}).await.expect("an answer");
    assert_eq!((drained.moved, drained.failed), (0, 1), "{drained:?}");
    let why = &drained.failures[0].message;
    assert!(why.contains("vivero server remove-kept second"), "{why}");
    usable(&ground, 21, "it stays").await;
    ground.vivero.close().await;
}
