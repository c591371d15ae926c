//! A run that a rule stopped, gone on with.

use crate::place::{Place, migrator, tenants};
use crate::versions::{ONE, beds, options, slug};
use std::sync::Arc;
use vivero_core::migration::{Canary, Quiet, RunOptions, RunState, TenantRunState};

crate::on_both_engines! {
    a_halted_run_is_gone_on_with_ring_by_ring_under_its_rules
    tenants_of_a_ring_that_are_done_count_when_the_rest_is_tried_again
}

async fn a_halted_run_is_gone_on_with_ring_by_ring_under_its_rules(place: Place) {
    let old = place.open(ONE, &[], true).await;
    let all = tenants(&old, 6).await;
    old.close().await;
    place.raw(&all[3], "CREATE TABLE beds_1 (n BIGINT PRIMARY KEY)").await;
    let new = place.open(ONE, &[beds(1)], false).await;
    let named = Canary::Named(vec![slug(3).to_string()]);
    let up = RunOptions { canary: named, ..options() };
    let run = migrator(&new).up(up, Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.state, run.failed, run.pending, run.ring), (RunState::Halted, 1, 5, 1));
    // The canary still fails: nobody else is begun.
    let run = migrator(&new).retry(None, "bob", Arc::new(Quiet)).await.expect("a retry");
    assert_eq!((run.state, run.failed, run.pending), (RunState::Halted, 1, 5), "{run:?}");
    assert_eq!(run.reason.as_deref(), Some("1 of 1 canaries failed"));
    for tenant in all.iter().filter(|t| t.slug != slug(3)) {
        let begun = "SELECT count(*) FROM schema_steps WHERE migration = 1";
        assert_eq!(place.number(tenant, begun).await, 0, "{} was not begun", tenant.slug);
    }
    place.raw(&all[3], "ALTER TABLE beds_1 ADD COLUMN area BIGINT NOT NULL DEFAULT 0").await;
    let run = migrator(&new).retry(Some(run.id), "bob", Arc::new(Quiet)).await.expect("a retry");
    assert_eq!((run.state, run.done, run.pending, run.failed), (RunState::Done, 6, 0, 0));
    assert_eq!((run.ring, run.rings, run.reason), (3, 3, None), "through all its rings");
    let rows = migrator(&new).tenants(run.id, None).await.expect("tenants");
    let mut rings: Vec<u32> = rows.iter().map(|row| row.ring).collect();
    rings.sort_unstable();
    assert_eq!(rings, [1, 2, 2, 3, 3, 3], "each is still in its own ring");
    assert!(rows.iter().all(|row| row.state == TenantRunState::Done && row.error.is_none()));
    assert_eq!(migrator(&new).plan(&[]).await.expect("a plan").up_to_date, 6);
    let again = migrator(&new).retry(None, "bob", Arc::new(Quiet)).await.expect("nothing left");
    assert_eq!((again.state, again.done), (RunState::Done, 6));
    new.close().await;
}

async fn tenants_of_a_ring_that_are_done_count_when_the_rest_is_tried_again(place: Place) {
    let old = place.open(ONE, &[], true).await;
    let all = tenants(&old, 6).await;
    old.close().await;
    place.raw(&all[4], "CREATE TABLE beds_1 (n BIGINT PRIMARY KEY)").await;
    let new = place.open(ONE, &[beds(1)], false).await;
    // One of six is 17 of a hundred; one of the one that is left would be all.
    let lenient = RunOptions { canary: Canary::Count(0), waves: vec![], failures: 20, ..options() };
    let run = migrator(&new).up(lenient, Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.state, run.done, run.failed), (RunState::Failed, 5, 1));
    assert_eq!(run.reason, None, "{run:?}");
    let run = migrator(&new).retry(None, "bob", Arc::new(Quiet)).await.expect("a retry");
    assert_eq!((run.state, run.done, run.failed), (RunState::Failed, 5, 1));
    assert_eq!(run.reason, None, "no rule stopped it");
    new.close().await;
}
