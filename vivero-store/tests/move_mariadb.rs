//! Tenants that move from one database server to another: readable throughout, no acknowledged write lost,
//! whole wherever the move was cut off.
#![cfg(feature = "mariadb")]

#[path = "support/listed.rs"]
mod listed;
#[path = "support/tenants.rs"]
mod tenants;

use listed::listed;
use serde_json::json;
use std::collections::HashMap;
use tenants::{Engine, Ground};
use vivero_core::drain::DrainState;
use vivero_core::operations::{NewOperation, OperationKind as Kind, OperationState as State};
use vivero_core::server::{MAIN, ServerPatch, ServerState};
use vivero_core::{Error, Vivero};

fn number(ground: &Ground) -> usize {
    match ground.engine {
        Engine::MariaDb(n) => n,
        Engine::Sqlite => panic!("this program is about MariaDB"),
    }
}

fn moving(slug: &str, to: &str) -> NewOperation {
    let slug = slug.parse().expect("a slug");
    NewOperation { kind: Kind::Move, slug, parameters: json!({"to": to}), key: None }
}

/// An installation on two servers; its tenant is on the first.
async fn on_two_servers() -> Ground {
    let ground = Ground::new().await;
    let second = listed("second", tenants::ground_on::mariadb::server(1));
    ground.vivero.servers().add(second).await.expect("added");
    ground
}

async fn set(vivero: &Vivero, name: &str, state: ServerState) {
    let patch = ServerPatch { state: Some(state), ..ServerPatch::default() };
    vivero.servers().change(name, patch, None).await.expect("changed");
}

/// Databases and accounts on the first and the second server.
async fn on_each(ground: &Ground) -> [(usize, usize); 2] {
    let (n, engine) = (number(ground), ground.engine);
    let mut each = [(0, 0); 2];
    for (server, found) in each.iter_mut().enumerate() {
        *found =
            (engine.databases_on(n, server).await.len(), engine.accounts_on(n, server).await.len());
    }
    each
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_moves_to_another_server_while_two_processes_work_with_it() {
    let ground = on_two_servers().await;
    let other = ground.beside().await;
    ground.fill("acme-plants", 1_500).await;
    let writing = [ground.write_on("acme-plants"), other.write_on("acme-plants")];
    let reading = [ground.read_on("acme-plants"), other.read_on("acme-plants")];
    let mut before = ground.lots("acme-plants").await;
    for (to, from) in [("second", MAIN), (MAIN, "second")] {
        let moved = ground.done(moving("acme-plants", to)).await;
        let stopped = moved.result["writes_stopped_ms"].as_i64().expect("it is told");
        println!(
            "moved to {to}: writes were stopped for {stopped} ms, {} rounds",
            moved.result["rounds"]
        );
        assert!(stopped < 10_000, "{moved:?}");
        assert_eq!(moved.result["from"], from);
        let there = if to == MAIN { [(1, 1), (0, 0)] } else { [(0, 0), (1, 1)] };
        assert_eq!(on_each(&ground).await, there, "the old copy is gone, with its account");
        let servers = ground.vivero.servers().list().await.expect("servers");
        let numbers: HashMap<_, _> = servers.iter().map(|s| (s.name.as_str(), s.tenants)).collect();
        assert_eq!((numbers[to], numbers[from]), (1, 0));
        // Writers go on where it is now.
        let now = ground.lots("acme-plants").await;
        assert!(now > before, "{now} lots, {before} before");
        before = now;
    }
    let mut written = 0;
    for writing in writing {
        written += writing.stop().await;
    }
    for reading in reading {
        assert!(reading.stop().await > 0);
    }
    for ground in [&ground, &other] {
        assert_eq!(ground.lots("acme-plants").await, 1_500 + written, "nothing is lost");
        ground.verified("acme-plants").await;
    }
    other.vivero.close().await;
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_tenant_lives_on_where_it_is() {
    let ground = on_two_servers().await;
    ground.fill("acme-plants", 50).await;
    ground.done(moving("acme-plants", "second")).await;
    let slug = "acme-plants".parse().expect("a slug");
    ground.vivero.rotate_credentials(&slug).await.expect("another password");
    let ground = ground.restart().await;
    ground.fill("acme-plants", 1).await;
    assert_eq!(ground.lots("acme-plants").await, 51);
    // What is made of it stays there, and what is left of it is nothing.
    let new = |kind, parameters| NewOperation { kind, slug: slug.clone(), parameters, key: None };
    ground.done(new(Kind::Backup, json!({"archive": "one.vivero"}))).await;
    let replace = json!({"archive": "one.vivero", "replace": true});
    ground.done(new(Kind::Restore, replace)).await;
    ground.done(new(Kind::Move, json!({}))).await;
    assert_eq!(on_each(&ground).await, [(0, 0), (1, 1)]);
    assert_eq!(ground.lots("acme-plants").await, 51);
    ground.verified("acme-plants").await;
    ground.done(new(Kind::Delete, json!({"confirm": "acme-plants", "grace_days": 0}))).await;
    ground.done(new(Kind::Purge, json!({"confirm": "acme-plants"}))).await;
    assert_eq!(on_each(&ground).await, [(0, 0), (0, 0)]);
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_to_another_server_that_is_killed_at_any_step_is_finished_by_the_next_run() {
    let mut stop = 0;
    loop {
        let ground = on_two_servers().await;
        ground.fill("acme-plants", 30).await;
        let token = ground.token("acme-plants").await;
        let asked = ground.ask(moving("acme-plants", "second")).await.expect("asked");
        ground.hook.stop_after(stop);
        let outcome = ground.vivero.operations().run(asked.id).await;
        let Some(step) = ground.hook.stopped_at() else {
            assert_eq!(outcome.expect("done").state, State::Done);
            ground.vivero.close().await;
            break;
        };
        // Whole where it was, or where it is by then.
        let lots = ground.lots_by("acme-plants", &token).await;
        assert_eq!(lots, 30, "readable, stopped before {step}");
        let ground = ground.restart().await;
        let lots = ground.lots_by("acme-plants", &token).await;
        assert_eq!(lots, 30, "readable again, stopped before {step}");
        ground.vivero.operations().resume().await.expect("resuming");
        let done = ground.vivero.operations().find(asked.id).await.expect("on record");
        assert_eq!(done.state, State::Done, "stopped before {step}: {done:?}");
        assert_eq!(on_each(&ground).await, [(0, 0), (1, 1)], "stopped before {step}");
        ground.fill("acme-plants", 1).await;
        assert_eq!(ground.lots("acme-plants").await, 31, "stopped before {step}");
        ground.verified("acme-plants").await;
        ground.vivero.close().await;
        stop += 1;
    }
    assert!(stop > 8, "stopped {stop} times");
    println!("a move to another server: stopped at {stop} places");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_fails_leaves_the_tenant_whole_where_it_was() {
    let ground = on_two_servers().await;
    ground.fill("acme-plants", 30).await;
    for (to, says) in
        [(MAIN, "already"), ("third", "must be one of the database servers: main, second")]
    {
        let refused = ground.ask(moving("acme-plants", to)).await.expect_err("refused");
        assert!(
            matches!(&refused, Error::Invalid(_)) && refused.to_string().contains(says),
            "{refused}"
        );
    }
    // It goes out of service after it was asked for.
    let asked = ground.ask(moving("acme-plants", "second")).await.expect("asked");
    set(&ground.vivero, "second", ServerState::Down).await;
    let failed = ground.vivero.operations().run(asked.id).await.expect("an answer");
    let message = failed.message.clone().unwrap_or_default();
    assert_eq!(failed.state, State::Failed, "{failed:?}");
    assert!(
        message.contains("step copy") && message.contains("vivero server set second"),
        "{message}"
    );
    let refused = ground.ask(moving("acme-plants", "second")).await.expect_err("refused");
    assert!(refused.to_string().contains("is down"), "{refused}");
    assert_eq!(on_each(&ground).await, [(1, 1), (0, 0)]);
    ground.fill("acme-plants", 1).await;
    assert_eq!(ground.lots("acme-plants").await, 31);
    set(&ground.vivero, "second", ServerState::Open).await;
    ground.done(moving("acme-plants", "second")).await;
    assert_eq!(ground.lots("acme-plants").await, 31);
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_drained_of_all_its_tenants() {
    let ground = on_two_servers().await;
    let tenants = ground.vivero.tenants();
    for n in 0..5 {
        tenants.provision(tenants::tenant(&format!("more-{n}"))).await.expect("a tenant");
    }
    let servers = ground.vivero.servers();
    let alone = servers.drain(MAIN, Some(MAIN), |_, _, _| {}).await.expect_err("where to?");
    assert!(matches!(alone, Error::Invalid(_)), "{alone:?}");
    // One is suspended, one is to be removed, one was being moved when its process died.
    tenants.suspend(&"more-0".parse().expect("a slug")).await.expect("suspended");
    let delete = NewOperation {
        kind: Kind::Delete,
        slug: "more-1".parse().expect("a slug"),
        parameters: json!({"confirm": "more-1"}),
        key: None,
    };
    ground.done(delete).await;
    let asked = ground.ask(moving("acme-plants", "second")).await.expect("asked");
    ground.hook.stop_after(4);
    ground.vivero.operations().run(asked.id).await.expect_err("killed");
    let ground = ground.restart().await;
    let before = on_each(&ground).await[0].1;
    assert!(before > 1, "some are on the first");
    let mut told = Vec::new();
    let servers = ground.vivero.servers();
    let drained = servers
        .drain(MAIN, None, |slug, outcome, drain| {
            let moved = outcome.as_ref().expect("moved");
            assert_eq!(moved.state, State::Done, "{moved:?}");
            told.push((slug.to_string(), drain.left()));
        })
        .await
        .expect("drained");
    assert_eq!((drained.moved, drained.failed), (told.len() as u64, 0));
    assert_eq!((drained.state, drained.left()), (DrainState::Done, 0), "{drained:?}");
    assert_eq!(on_each(&ground).await, [(0, 0), (6, 6)], "{told:?}");
    assert_eq!(
        ground.vivero.servers().find(MAIN).await.expect("main").state,
        ServerState::Draining
    );
    for slug in ["acme-plants", "more-2"] {
        ground.fill(slug, 1).await;
        ground.verified(slug).await;
    }
    // Nothing is left to do; and where there is no room, tenants stay and it is said why.
    let servers = ground.vivero.servers();
    let again = servers.drain(MAIN, None, |_, _, _| {}).await.expect("drained");
    assert_eq!((again.total, again.moved, again.failed), (0, 0, 0));
    assert_ne!(again.id, drained.id);
    let mut why = Vec::new();
    let none = servers
        .drain("second", None, |_, outcome, _| {
            why.push(outcome.as_ref().expect_err("no room").to_string());
        })
        .await
        .expect("an answer");
    assert_eq!((none.state, none.moved, none.failed), (DrainState::Failed, 0, 6));
    assert!(why.iter().all(|why| why.contains("vivero server add")), "{why:?}");
    assert_eq!(none.failures.len(), 6, "{none:?}");
    assert!(none.message.is_some_and(|why| why.contains("6 of 6 tenants are still on second")));
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_is_one_on_record_and_is_stopped_by_opening_the_server() {
    let ground = on_two_servers().await;
    let tenants = ground.vivero.tenants();
    for n in 0..3 {
        tenants.provision(tenants::tenant(&format!("more-{n}"))).await.expect("a tenant");
    }
    let servers = ground.vivero.servers();
    let unknown = servers.find_drain(MAIN).await.expect_err("never");
    assert_eq!(unknown.code(), "drain_not_found");
    let asked = servers.ask_drain(MAIN, Some("second")).await.expect("asked");
    assert!(asked.total > 1 && asked.left() == asked.total, "{asked:?}");
    // Asking again is the same one; to elsewhere it is another, which would be two at once.
    let other = ground.beside().await;
    let again = other.vivero.servers().ask_drain(MAIN, Some("second")).await.expect("asked again");
    assert_eq!(again.id, asked.id);
    let elsewhere = servers.ask_drain(MAIN, None).await.expect_err("to elsewhere");
    assert_eq!(elsewhere.code(), "drain_running");
    // Two processes at once: one does it.
    let second = other.vivero.servers();
    let (one, two) =
        tokio::join!(servers.run_drain(MAIN, |_, _, _| {}), second.run_drain(MAIN, |_, _, _| {}));
    let busy =
        [&one, &two].iter().filter(|it| matches!(it, Err(Error::Unavailable { .. }))).count();
    assert_eq!(busy, 1, "{one:?} {two:?}");
    let done = one.or(two).expect("done");
    assert_eq!((done.state, done.moved), (DrainState::Done, asked.total), "{done:?}");
    // Of the next one the first tenant is moved; then the server is opened.
    set(&ground.vivero, MAIN, ServerState::Open).await;
    let asked = servers.ask_drain("second", None).await.expect("asked");
    let vivero = ground.vivero.clone();
    let stopped = servers
        .run_drain("second", |_, _, _| {
            let vivero = vivero.clone();
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current()
                    .block_on(async { set(&vivero, "second", ServerState::Open).await });
            });
        })
        .await
        .expect("an answer");
    assert_eq!((stopped.id, stopped.state, stopped.moved), (asked.id, DrainState::Failed, 1));
    assert!(stopped.message.is_some_and(|why| why.contains("was opened again")));
    // What is down cannot be read.
    set(&ground.vivero, "second", ServerState::Down).await;
    let down = servers.ask_drain("second", None).await.expect_err("down");
    assert!(down.code() == "server_down" && down.to_string().contains("--state draining"));
    let to = servers.ask_drain(MAIN, Some("second")).await.expect_err("down");
    assert!(to.to_string().contains("is down"), "{to}");
    other.vivero.close().await;
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_was_placed_while_its_server_was_closed_to_new_ones_is_moved_too() {
    let ground = on_two_servers().await;
    let servers = ground.vivero.servers();
    let vivero = ground.vivero.clone();
    let mut told = Vec::new();
    let drained = servers
        .drain(MAIN, Some("second"), |slug, _, _| {
            told.push(slug.to_string());
            if told.len() > 1 {
                return;
            }
            // Its name comes before those that were moved already.
            let placed = async {
                set(&vivero, MAIN, ServerState::Open).await;
                set(&vivero, "second", ServerState::Draining).await;
                let late = tenants::tenant("aaa-late");
                vivero.tenants().provision(late).await.expect("a tenant");
                set(&vivero, "second", ServerState::Open).await;
                set(&vivero, MAIN, ServerState::Draining).await;
            };
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(placed));
        })
        .await
        .expect("drained");
    assert_eq!(told.last().map(String::as_str), Some("aaa-late"), "{told:?}");
    assert_eq!((drained.state, drained.failed, drained.left()), (DrainState::Done, 0, 0));
    assert_eq!((drained.moved, drained.total), (told.len() as u64, told.len() as u64));
    assert_eq!(on_each(&ground).await[0], (0, 0));
    ground.vivero.close().await;
}
