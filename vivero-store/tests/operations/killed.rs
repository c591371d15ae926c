//! Operations that are stopped at any step, as a killed process stops, and are gone on with by the next.

use super::new;
use super::tenants::Ground;
use serde_json::json;
use vivero_core::operations::{OperationKind as Kind, OperationState as State};
use vivero_core::tenant::TenantState;

/// Runs an operation that is stopped before its first step, its second and so on; each time everything is
/// dropped, as a killed process drops it, and the next process finishes it.
async fn stopped_at_any_step(kind: Kind, slug: &str, parameters: serde_json::Value) {
    let mut stop = 0;
    loop {
        let ground = Ground::new().await;
        ground.fill("acme-plants", 30).await;
        let file = ground.upload("acme-plants", "soil").await;
        let source = ground.tenant("acme-plants").await.id;
        ground.done(new(Kind::Export, "acme-plants", json!({"archive": "one.vivero"}))).await;
        if kind == Kind::Purge {
            let sure = json!({"confirm": "acme-plants", "grace_days": 0});
            ground.done(new(Kind::Delete, "acme-plants", sure)).await;
        }
        let asked = ground.vivero.operations().ask(new(kind, slug, parameters.clone())).await;
        let asked = asked.expect("asked");
        ground.hook.stop_after(stop);
        let outcome = ground.vivero.operations().run(asked.id).await;
        let Some(step) = ground.hook.stopped_at() else {
            assert_eq!(outcome.expect("done").state, State::Done, "{kind}");
            ground.vivero.close().await;
            break;
        };
        assert!(outcome.is_err(), "{kind} went on after {step}");
        // Its lease ends.
        let ground = ground.restart().await;
        let open = ground.vivero.operations().resume().await.expect("resuming");
        let done = ground.vivero.operations().find(asked.id).await.expect("on record");
        assert_eq!(done.state, State::Done, "{kind} stopped before {step}: {done:?} {open:?}");
        let what = format!("{kind} stopped before {step}");
        match kind {
            Kind::Purge => {
                let slug = slug.parse().expect("a slug");
                assert!(ground.vivero.tenants().find(&slug).await.is_err());
                ground.holds(0, &what).await;
                assert_eq!(ground.store().usage(source).await.expect("usage").bytes(), 0, "{what}");
            }
            Kind::Delete => assert_eq!(ground.tenant(slug).await.state, TenantState::Deleting),
            Kind::Archive => {
                ground.holds(0, &what).await;
                ground.done(new(Kind::Restore, slug, json!({}))).await;
                assert_eq!(ground.lots(slug).await, 30);
            }
            _ => {
                assert_eq!(ground.lots(slug).await, 30, "{what}");
                assert_eq!(
                    ground.content(slug, file).await.expect("its content"),
                    "soil",
                    "{what}"
                );
                ground.verified(slug).await;
                ground.fill(slug, 1).await;
                ground.holds(if slug == "acme-plants" { 1 } else { 2 }, &what).await;
            }
        }
        ground.vivero.close().await;
        stop += 1;
    }
    assert!(stop > 1, "{kind} was stopped {stop} times");
    println!("{kind}: stopped at {stop} places");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_killed_at_any_step_is_finished_by_the_next_run() {
    stopped_at_any_step(Kind::Backup, "acme-plants", json!({"archive": "two.vivero"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_into_the_store_that_is_killed_at_any_step_is_finished_by_the_next_run() {
    stopped_at_any_step(Kind::Backup, "acme-plants", json!({"store": true, "keep": 1})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_killed_at_any_step_is_finished_by_the_next_run() {
    let replace = json!({"archive": "one.vivero", "replace": true});
    stopped_at_any_step(Kind::Restore, "acme-plants", replace).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_at_any_step_is_finished_by_the_next_run() {
    stopped_at_any_step(Kind::Import, "acme-again", json!({"archive": "one.vivero"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_that_is_killed_at_any_step_is_finished_by_the_next_run() {
    stopped_at_any_step(Kind::Clone, "acme-again", json!({"source": "acme-plants"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archiving_that_is_killed_at_any_step_is_finished_by_the_next_run() {
    stopped_at_any_step(Kind::Archive, "acme-plants", json!({"archive": "two.vivero"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_killed_at_any_step_is_finished_by_the_next_run() {
    stopped_at_any_step(Kind::Move, "acme-plants", json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_is_killed_at_any_step_is_finished_by_the_next_run() {
    let sure = json!({"confirm": "acme-plants", "grace_days": 0});
    stopped_at_any_step(Kind::Delete, "acme-plants", sure).await;
    stopped_at_any_step(Kind::Purge, "acme-plants", json!({"confirm": "acme-plants"})).await;
}
