//! Operations whose target server is read-only or full: what they say, what they leave, and that they are
//! finished once it takes something again.
#![cfg(feature = "mariadb")]

#[path = "support/listed.rs"]
mod listed;
#[path = "support/target.rs"]
mod target;
#[path = "support/tenants.rs"]
mod tenants;

use serde_json::json;
use std::time::{Duration, Instant};
use target::Target;
use tenants::{Engine, Ground};
use vivero_core::Error;
use vivero_core::operations::{
    NewOperation, Operation, OperationKind as Kind, OperationState as State,
};
use vivero_core::server::{MAIN, NewServer, ServerPatch, ServerState};

const SLUG: &str = "acme-plants";
/// Lots that take more than what a full server has in store for those who remove something.
const MANY: u64 = 4_000;

fn new(kind: Kind, slug: &str, parameters: serde_json::Value) -> NewOperation {
    NewOperation { kind, slug: slug.parse().expect("a slug"), parameters, key: None }
}

fn moving() -> NewOperation {
    new(Kind::Move, SLUG, json!({"to": "second"}))
}

/// An installation on two servers of which the second is the target; its tenant, with so many lots, is on the first.
async fn beside(second: NewServer, lots: u64) -> Ground {
    let ground = Ground::new().await;
    ground.vivero.servers().add(second).await.expect("added");
    ground.fill(SLUG, lots).await;
    ground
}

/// The same with the tenant on the target, which takes new ones, too.
async fn on(target: &Target, lots: u64) -> Ground {
    let ground = beside(target.listed(), lots).await;
    ground.done(moving()).await;
    let closed = ServerPatch { state: Some(ServerState::Draining), ..ServerPatch::default() };
    ground.vivero.servers().change(MAIN, closed, None).await.expect("changed");
    ground
}

fn prefix(ground: &Ground) -> String {
    match ground.engine {
        Engine::MariaDb(n) => tenants::ground_on::mariadb::options(n).prefix,
        Engine::Sqlite => panic!("this program is about MariaDB"),
    }
}

/// Databases and accounts on the first server.
async fn on_first(ground: &Ground) -> (usize, usize) {
    match ground.engine {
        Engine::MariaDb(n) => (
            ground.engine.databases_on(n, 0).await.len(),
            ground.engine.accounts_on(n, 0).await.len(),
        ),
        Engine::Sqlite => panic!("this program is about MariaDB"),
    }
}

/// Removes a tenant for good.
async fn purge(ground: &Ground, slug: &str) {
    ground.done(new(Kind::Delete, slug, json!({"confirm": slug, "grace_days": 0}))).await;
    ground.done(new(Kind::Purge, slug, json!({"confirm": slug}))).await;
}

/// What the journal holds, newest first: positions, hashes, actions.
async fn journal(ground: &Ground, token: &str) -> Vec<(u64, [u8; 32], String)> {
    let session = ground.vivero.resume(SLUG, token).await.expect("readable");
    let entries = session.audit(None, 200).await.expect("the journal");
    entries.into_iter().map(|e| (e.position, e.hash, e.entry.action)).collect()
}

/// Runs an operation, with something done to the world while it is held before a step.
async fn run_with(
    ground: &Ground,
    asked: &Operation,
    step: &'static str,
    change: impl Future<Output = ()>,
) -> Operation {
    ground.hook.freeze_at(step);
    let operations = ground.vivero.operations();
    let meanwhile = async {
        ground.hook.frozen().await;
        change.await;
        ground.hook.thaw();
    };
    let (outcome, ()) = tokio::join!(operations.run(asked.id), meanwhile);
    outcome.expect("an answer")
}

/// Goes on, or asks again, until there is room: the server gives it free by and by.
async fn done_when_there_is_room(
    ground: &Ground,
    mut now: Operation,
    what: impl Fn() -> NewOperation,
) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while now.state != State::Done {
        assert!(Instant::now() < deadline, "there is room: {now:?}");
        let id =
            if is_undone(&now, "") { ground.ask(what()).await.expect("asked").id } else { now.id };
        now = ground.vivero.operations().run(id).await.expect("an answer");
    }
}

/// Whether it was undone, and may be asked for again. On a server that is full to the last byte not even a database
/// can be removed: then it says that it goes on with that.
fn is_undone(now: &Operation, step: &str) -> bool {
    let why = "disk is full";
    if now.state == State::Failed {
        assert_undone(now, step, why);
        return true;
    }
    let message = now.message.clone().unwrap_or_default();
    assert_eq!(now.state, State::Running, "{now:?}");
    let resume = format!("vivero operation resume {}", now.id);
    for says in [&*format!("step {step}"), why, "It is half undone", &*resume] {
        assert!(message.contains(says), "{says}: {message}");
    }
    false
}

/// It could not even be undone: it waits, and says for what.
fn assert_waits(now: &Operation, step: &str) {
    let message = now.message.clone().unwrap_or_default();
    assert_eq!(now.state, State::Running, "{now:?}");
    for says in
        [format!("step {step}"), "read-only".into(), format!("vivero operation resume {}", now.id)]
    {
        assert!(message.contains(&says), "{says}: {message}");
    }
}

/// It was undone, and may be asked for again.
fn assert_undone(now: &Operation, step: &str, why: &str) {
    let message = now.message.clone().unwrap_or_default();
    assert_eq!(now.state, State::Failed, "{now:?}");
    for says in [&*format!("step {step}"), why, "Nothing was changed", "ask again"] {
        assert!(message.contains(says), "{says}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_to_a_server_that_turns_read_only_waits_until_it_may_write() {
    let mut target = Target::start().await;
    for (at, step) in
        [("copy", "copy"), ("copy/part", "copy"), ("copy/finish", "copy"), ("switch", "switch")]
    {
        let ground = beside(target.listed(), 30).await;
        let prefix = prefix(&ground);
        let token = ground.token(SLUG).await;
        let asked = ground.ask(moving()).await.expect("asked");
        let now = run_with(&ground, &asked, at, target.read_only(true)).await;
        assert_waits(&now, step);
        // Where it was it is read and written as before, whoever tries again meanwhile.
        ground.fill(SLUG, 1).await;
        let again = ground.vivero.operations().run(asked.id).await.expect("an answer");
        assert_waits(&again, "copy");
        ground.fill(SLUG, 1).await;
        assert_eq!(ground.lots_by(SLUG, &token).await, 32, "read-only before {at}");
        ground.verified(SLUG).await;
        assert_eq!(on_first(&ground).await, (1, 1), "read-only before {at}");
        let two = ground.ask(moving()).await.expect_err("two at once").to_string();
        assert!(two.contains(&format!("vivero operation resume {}", asked.id)), "{two}");
        let before = journal(&ground, &token).await;

        target.read_only(false).await;
        let done = ground.vivero.operations().run(asked.id).await.expect("an answer");
        assert_eq!((done.state, &done.message), (State::Done, &None), "{done:?}");
        assert_eq!(target.holds(&prefix).await, (1, 1), "read-only before {at}");
        assert_eq!(on_first(&ground).await, (0, 0), "read-only before {at}");
        assert_eq!(ground.lots_by(SLUG, &token).await, 32, "nothing is lost");
        assert_eq!(journal(&ground, &token).await, before, "it is the same chain");
        ground.fill(SLUG, 1).await;
        assert_eq!(ground.lots(SLUG).await, 33);
        ground.verified(SLUG).await;
        ground.vivero.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_to_a_read_only_server_can_be_ended_and_what_is_left_there_goes_later() {
    let mut target = Target::start().await;
    let ground = beside(target.listed(), 30).await;
    let prefix = prefix(&ground);
    let asked = ground.ask(moving()).await.expect("asked");
    let now = run_with(&ground, &asked, "copy/part", target.read_only(true)).await;
    assert_waits(&now, "copy");
    let ended = ground.vivero.operations().end(asked.id).await.expect("ended");
    let message = ended.message.clone().unwrap_or_default();
    assert_eq!(ended.state, State::Failed, "{ended:?}");
    assert!(message.contains("Nothing was changed") && message.contains("second"), "{message}");
    assert_eq!(target.holds(&prefix).await, (1, 1), "nobody may remove it yet");
    ground.fill(SLUG, 1).await;
    // It is in nobody's way.
    target.read_only(false).await;
    ground.done(moving()).await;
    assert_eq!(target.holds(&prefix).await, (1, 1));
    assert_eq!(on_first(&ground).await, (0, 0));
    assert_eq!(ground.lots(SLUG).await, 31);
    ground.verified(SLUG).await;
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_to_a_read_only_server_is_undone_by_an_administrator_who_may_write_there() {
    let mut target = Target::start().await;
    for (at, step) in
        [("copy", "copy"), ("copy/part", "copy"), ("copy/finish", "copy"), ("switch", "switch")]
    {
        let ground = beside(target.listed_with_root(), 30).await;
        let prefix = prefix(&ground);
        let asked = ground.ask(moving()).await.expect("asked");
        let now = run_with(&ground, &asked, at, target.read_only(true)).await;
        assert_undone(&now, step, "read-only");
        assert_eq!(target.holds(&prefix).await, (0, 0), "read-only before {at}");
        ground.fill(SLUG, 1).await;
        target.read_only(false).await;
        ground.done(moving()).await;
        assert_eq!(target.holds(&prefix).await, (1, 1), "read-only before {at}");
        assert_eq!(on_first(&ground).await, (0, 0), "read-only before {at}");
        assert_eq!(ground.lots(SLUG).await, 31, "nothing is lost");
        ground.verified(SLUG).await;
        ground.vivero.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_to_a_full_server_is_undone_and_done_when_there_is_room() {
    let mut target = Target::start().await;
    for at in ["copy", "copy/part"] {
        let ground = beside(target.listed(), MANY).await;
        let prefix = prefix(&ground);
        let writing = ground.write_on(SLUG);
        let asked = ground.ask(moving()).await.expect("asked");
        let now = run_with(&ground, &asked, at, target.fill()).await;
        if is_undone(&now, "copy") {
            assert_eq!(target.holds(&prefix).await, (0, 0), "full before {at}");
        }
        assert_eq!(on_first(&ground).await, (1, 1), "full before {at}");
        let written = writing.stop().await;
        assert!(written > 0, "people went on");
        assert_eq!(ground.lots(SLUG).await, MANY + written, "full before {at}");
        let token = ground.token(SLUG).await;
        ground.verified(SLUG).await;
        let before = journal(&ground, &token).await;

        target.make_room().await;
        done_when_there_is_room(&ground, now, moving).await;
        assert_eq!(target.holds(&prefix).await, (1, 1), "full before {at}");
        assert_eq!(on_first(&ground).await, (0, 0), "full before {at}");
        assert_eq!(ground.lots_by(SLUG, &token).await, MANY + written, "nothing is lost");
        assert_eq!(journal(&ground, &token).await, before, "it is the same chain");
        ground.verified(SLUG).await;
        ground.vivero.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_on_a_read_only_server_waits_while_the_tenant_is_read() {
    let mut target = Target::start().await;
    let replace = || new(Kind::Restore, SLUG, json!({"archive": "one.vivero", "replace": true}));
    for (at, step) in [("load", "load"), ("load/part", "load"), ("switch", "switch")] {
        let ground = on(&target, 30).await;
        let prefix = prefix(&ground);
        let backup = ground.done(new(Kind::Backup, SLUG, json!({"archive": "one.vivero"}))).await;
        ground.fill(SLUG, 1).await;
        let token = ground.token(SLUG).await;
        let asked = ground.ask(replace()).await.expect("asked");
        let now = run_with(&ground, &asked, at, target.read_only(true)).await;
        assert_waits(&now, step);
        assert_eq!(ground.lots_by(SLUG, &token).await, 31, "it is read as it was");
        // So it is by a process that was not there before.
        let ground = ground.restart().await;
        assert_eq!(ground.lots_by(SLUG, &token).await, 31, "read-only before {at}");

        target.read_only(false).await;
        ground.vivero.operations().resume().await.expect("resuming");
        let done = ground.vivero.operations().find(asked.id).await.expect("on record");
        assert_eq!(done.state, State::Done, "read-only before {at}: {done:?}");
        assert_eq!(done.result["content"], backup.result["content"]);
        assert_eq!(ground.lots(SLUG).await, 30, "read-only before {at}");
        assert_eq!(target.holds(&prefix).await, (1, 1), "read-only before {at}");
        ground.fill(SLUG, 1).await;
        ground.verified(SLUG).await;
        ground.vivero.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_on_a_full_server_is_undone_and_done_when_there_is_room() {
    let mut target = Target::start().await;
    let ground = on(&target, MANY).await;
    let prefix = prefix(&ground);
    ground.done(new(Kind::Backup, SLUG, json!({"archive": "one.vivero"}))).await;
    ground.fill(SLUG, 1).await;
    let token = ground.token(SLUG).await;
    ground.verified(SLUG).await;
    let before = journal(&ground, &token).await;
    let replace = || new(Kind::Restore, SLUG, json!({"archive": "one.vivero", "replace": true}));
    let asked = ground.ask(replace()).await.expect("asked");
    let now = run_with(&ground, &asked, "load/part", target.fill()).await;
    if is_undone(&now, "load") {
        assert_eq!(target.holds(&prefix).await, (1, 1), "the one that was there");
    }
    assert_eq!(ground.lots_by(SLUG, &token).await, MANY + 1);
    assert_eq!(journal(&ground, &token).await, before);

    target.make_room().await;
    done_when_there_is_room(&ground, now, replace).await;
    assert_eq!(ground.lots(SLUG).await, MANY);
    assert_eq!(target.holds(&prefix).await, (1, 1), "the one that was made");
    ground.fill(SLUG, 1).await;
    ground.verified(SLUG).await;
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_on_a_read_only_server_waits_or_is_ended_and_its_name_is_free() {
    let mut target = Target::start().await;
    let ground = on(&target, 30).await;
    let prefix = prefix(&ground);
    ground.done(new(Kind::Export, SLUG, json!({"archive": "one.vivero"}))).await;
    let import = || new(Kind::Import, "acme-again", json!({"archive": "one.vivero"}));
    let slug = "acme-again".parse().expect("a slug");
    for (at, step) in [("load", "load"), ("load/part", "load"), ("switch", "switch")] {
        for ends in [false, true] {
            let asked = ground.ask(import()).await.expect("asked");
            let now = run_with(&ground, &asked, at, target.read_only(true)).await;
            assert_waits(&now, step);
            let operations = ground.vivero.operations();
            if ends {
                let ended = operations.end(asked.id).await.expect("ended");
                assert_eq!(ended.state, State::Failed, "{ended:?}");
                assert!(ground.vivero.tenants().find(&slug).await.is_err(), "its name is free");
                target.read_only(false).await;
                ground.vivero.tend().await.expect("tended");
                assert_eq!(target.holds(&prefix).await, (1, 1), "ended, read-only before {at}");
                continue;
            }
            let taken = ground.ask(import()).await.expect_err("it is being made");
            assert!(matches!(taken, Error::Taken { .. } | Error::Illegal { .. }), "{taken:?}");
            target.read_only(false).await;
            let done = operations.run(asked.id).await.expect("an answer");
            assert_eq!(done.state, State::Done, "read-only before {at}: {done:?}");
            assert_eq!(ground.lots("acme-again").await, 30, "read-only before {at}");
            ground.verified("acme-again").await;
            assert_eq!(target.holds(&prefix).await, (2, 2), "read-only before {at}");
            purge(&ground, "acme-again").await;
        }
    }
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_on_a_full_server_leaves_nothing_and_is_done_when_there_is_room() {
    let mut target = Target::start().await;
    let ground = on(&target, MANY).await;
    let prefix = prefix(&ground);
    ground.done(new(Kind::Export, SLUG, json!({"archive": "one.vivero"}))).await;
    let token = ground.token(SLUG).await;
    let import = || new(Kind::Import, "acme-again", json!({"archive": "one.vivero"}));
    for at in ["load", "load/part"] {
        let asked = ground.ask(import()).await.expect("asked");
        let now = run_with(&ground, &asked, at, target.fill()).await;
        if is_undone(&now, "load") {
            assert_eq!(target.holds(&prefix).await, (1, 1), "full before {at}");
            let slug = "acme-again".parse().expect("a slug");
            assert!(ground.vivero.tenants().find(&slug).await.is_err(), "its name is free");
        }
        assert_eq!(ground.lots_by(SLUG, &token).await, MANY, "full before {at}");
        target.make_room().await;
        done_when_there_is_room(&ground, now, import).await;
        assert_eq!(ground.lots("acme-again").await, MANY, "full before {at}");
        ground.verified("acme-again").await;
        assert_eq!(target.holds(&prefix).await, (2, 2), "full before {at}");
        purge(&ground, "acme-again").await;
    }
    assert_eq!(target.holds(&prefix).await, (1, 1));
    ground.vivero.close().await;
}
