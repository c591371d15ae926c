//! A database server that is lost for good in the middle of a move: the tenant stays usable, and an operator ends
//! the operation, without that server; what it holds is removed if it comes back after all.
#![cfg(feature = "mariadb")]

#[path = "support/mortal.rs"]
mod mortal;
#[path = "support/tenants.rs"]
mod tenants;

use mortal::{Mortal, answers, moving, new, usable};
use serde_json::json;
use tenants::Ground;
use vivero_core::operations::{OperationKind as Kind, OperationState as State};
use vivero_core::server::{MAIN, ServerPatch, ServerState};
use vivero_core::tenant::TenantState;
use vivero_core::{Error, Vivero};

async fn set(vivero: &Vivero, name: &str, state: ServerState) {
    let patch = ServerPatch { state: Some(state), ..ServerPatch::default() };
    vivero.servers().change(name, patch, None).await.expect("changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_whose_target_is_lost_at_any_step_is_ended_by_an_operator() {
    let mut mortal = Mortal::start();
    let mut steps = Vec::new();
    loop {
        let ground = Ground::new().await;
        ground.vivero.servers().add(mortal.listed()).await.expect("added");
        ground.fill("acme-plants", 20).await;
        let asked = ground.ask(moving("second")).await.expect("asked");
        // The process dies before a step, and the server with it.
        ground.hook.stop_after(i64::try_from(steps.len()).expect("a number"));
        let outcome = ground.vivero.operations().run(asked.id).await;
        let step = ground.hook.stopped_at();
        let Some(step) = step.filter(|step| !step.starts_with("clean") && step != "end") else {
            assert!(outcome.is_ok() || steps.len() > 6, "{steps:?}: {outcome:?}");
            break;
        };
        let switched = ground.tenant("acme-plants").await.generation > 1;
        assert!(!switched, "before {step} the tenant is where it was");
        mortal.kill();
        let ground = ground.restart().await;
        // Whoever goes on with it fails, and says at which step and what to do.
        let stuck = ground.vivero.operations().run(asked.id).await.expect("an answer");
        let message = stuck.message.clone().unwrap_or_default();
        assert_eq!(stuck.state, State::Running, "before {step}: {stuck:?}");
        let end = format!("vivero operation end {}", asked.id);
        assert!(message.contains("step ") && message.contains(&end), "before {step}: {message}");
        usable(&ground, 20, &format!("stuck before {step}")).await;
        let refused = ground.ask(moving("second")).await.expect_err("one at a time");
        assert_eq!(refused.code(), "operation_running");
        let refused = ground.vivero.servers().remove("second", true).await.expect_err("in use");
        assert!(refused.to_string().contains(&end), "{refused}");

        let ended = ground.vivero.operations().end(asked.id).await.expect("ended");
        let message = ended.message.clone().unwrap_or_default();
        assert_eq!(ended.state, State::Failed, "before {step}: {ended:?}");
        assert!(message.contains("ended by an operator at step"), "before {step}: {message}");
        usable(&ground, 21, &format!("ended before {step}")).await;
        // Ending it again changes nothing.
        let again = ground.vivero.operations().end(asked.id).await.expect("over");
        assert_eq!(again.message, ended.message);
        let left = ground.vivero.servers().find("second").await.expect("listed");
        assert_eq!(left.tenants, 0, "before {step}");

        // It comes back after all: what it holds is removed, and the tenant moves there.
        mortal.come_back();
        answers(&ground).await;
        ground.clock.advance(chrono::TimeDelta::seconds(60));
        if steps.len() % 2 == 0 {
            ground.vivero.tend().await.expect("tended");
            assert_eq!(mortal.holds().await, (0, 0), "ended before {step}");
        }
        ground.done(moving("second")).await;
        usable(&ground, 22, &format!("moved after {step}")).await;
        ground.vivero.tend().await.expect("tended");
        assert_eq!(mortal.holds().await, (1, 1), "moved after {step}");
        assert_eq!(ground.lots("acme-plants").await, 23, "nobody removed what is in use");
        ground.done(moving(MAIN)).await;
        ground.vivero.servers().remove("second", false).await.expect("empty");
        assert_eq!(mortal.holds().await, (0, 0), "{step}");
        ground.vivero.close().await;
        steps.push(step);
    }
    println!("lost before each of {steps:?}");
    assert!(steps.len() > 6, "{steps:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_whose_source_is_lost_after_the_switch_is_finished_without_it() {
    let mut mortal = Mortal::start();
    let ground = Ground::new().await;
    ground.vivero.servers().add(mortal.listed()).await.expect("added");
    ground.fill("acme-plants", 20).await;
    ground.done(moving("second")).await;
    let asked = ground.ask(moving(MAIN)).await.expect("asked");
    // Before each step it is cut off and gone on with, up to the last one.
    let mut stops = 0;
    loop {
        ground.hook.stop_after(0);
        let outcome = ground.vivero.operations().run(asked.id).await;
        if ground.hook.stopped_at().is_some_and(|step| step == "clean") {
            assert!(outcome.is_err());
            break;
        }
        ground.clock.advance(chrono::TimeDelta::seconds(60));
        stops += 1;
        assert!(stops < 40, "it never comes to its last step: {outcome:?}");
    }
    mortal.kill();
    let ground = ground.restart().await;
    let stuck = ground.vivero.operations().run(asked.id).await.expect("an answer");
    assert_eq!((stuck.state, stuck.step.as_str()), (State::Running, "clean"), "{stuck:?}");
    usable(&ground, 20, "it is elsewhere by then").await;
    let refused = ground.vivero.servers().remove("second", true).await.expect_err("in use");
    assert!(refused.to_string().contains("vivero operation end"), "{refused}");
    let ended = ground.vivero.operations().end(asked.id).await.expect("ended");
    assert_eq!((ended.state, &ended.result["left_on"]), (State::Done, &json!("second")));
    let server = ground.vivero.servers().find("second").await.expect("listed");
    assert_eq!((server.tenants, server.leftovers), (0, 1));
    // As it does not answer it cannot be emptied; as lost it goes with what is left on it.
    let refused = ground.vivero.servers().remove("second", false).await.expect_err("not empty");
    assert!(refused.to_string().contains("--lost"), "{refused}");
    let gone = ground.vivero.servers().remove("second", true).await.expect("off the list");
    assert!(gone.is_empty(), "no tenant was on it: {gone:?}");
    assert_eq!(ground.vivero.servers().list().await.expect("servers").len(), 1);
    usable(&ground, 21, "it lives on").await;
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_of_a_server_that_is_lost_come_back_from_their_archives() {
    let mut mortal = Mortal::start();
    let ground = Ground::new().await;
    ground.vivero.servers().add(mortal.listed()).await.expect("added");
    ground.fill("acme-plants", 20).await;
    ground.done(moving("second")).await;
    ground.done(new(Kind::Backup, json!({"archive": "one.vivero"}))).await;
    let refused = ground.vivero.servers().remove("second", false).await.expect_err("a tenant");
    assert!(refused.to_string().contains("vivero server drain second"), "{refused}");
    let main = ground.vivero.servers().remove(MAIN, true).await.expect_err("the registry");
    assert_eq!(main.code(), "server_in_use");
    let unknown = ground.vivero.servers().remove("third", true).await.expect_err("unknown");
    assert_eq!(unknown.code(), "server_not_found");
    // It was being moved back when its server was lost.
    let asked = ground.ask(moving(MAIN)).await.expect("asked");
    ground.hook.stop_after(4);
    ground.vivero.operations().run(asked.id).await.expect_err("cut off");
    mortal.kill();
    let ground = ground.restart().await;
    let cannot = ground.vivero.operations().end(asked.id).await.expect_err("its database is gone");
    assert!(matches!(cannot, Error::Unavailable { .. }), "{cannot:?}");

    let gone = ground.vivero.servers().remove("second", true).await.expect("off the list");
    assert_eq!(gone.iter().map(ToString::to_string).collect::<Vec<_>>(), ["acme-plants"]);
    assert_eq!(ground.tenant("acme-plants").await.state, TenantState::Archived);
    let over = ground.vivero.operations().find(asked.id).await.expect("on record");
    assert_eq!(over.state, State::Failed, "{over:?}");
    ground.vivero.tend().await.expect("tended");
    ground.done(new(Kind::Restore, json!({"archive": "one.vivero"}))).await;
    assert_eq!(ground.lots("acme-plants").await, 20);
    usable(&ground, 20, "restored").await;
    ground.holds(1, "what was half made is gone").await;
    set(&ground.vivero, MAIN, ServerState::Open).await;
    ground.vivero.close().await;
}
