//! Runs that nothing disturbs.

use crate::place::{Place, migrator, tenants};
use crate::versions::{ONE, TWO, WateringOne, WateringTwo, beds, insert, list, options, slug};
use std::sync::{Arc, Mutex};
use vivero_core::migration::{
    Canary, DriftKind, Migration, Quiet, RunOptions, RunState, TenantRunState, Watch,
};
use vivero_core::query::Predicate;
use vivero_core::{Error, RecordId, Slug};

crate::on_both_engines! {
    a_fleet_is_brought_up_ring_by_ring
    a_plan_says_what_would_be_done_and_does_nothing
    tenants_that_are_up_to_date_are_not_connected_to
    only_the_named_tenants_are_migrated
    an_edited_migration_is_refused
    a_migration_before_one_that_was_applied_is_refused
    drift_is_found_and_named
    canaries_whose_lists_are_slower_stop_the_run
    a_later_ring_whose_lists_are_slower_stops_the_run
    new_tenants_have_everything
    a_question_mark_in_a_step_is_part_of_it
}

/// Notes in which ring each tenant was settled.
#[derive(Default)]
struct Noting {
    rings: Mutex<Vec<(u32, u64)>>,
    settled: Mutex<Vec<Slug>>,
}
impl Watch for Noting {
    fn ring(&self, ring: u32, _rings: u32, tenants: u64) {
        self.rings.lock().expect("a list").push((ring, tenants));
    }
    fn settled(&self, slug: &Slug, error: Option<&str>) {
        assert_eq!(error, None, "{slug}");
        self.settled.lock().expect("a list").push(slug.clone());
    }
}

async fn a_fleet_is_brought_up_ring_by_ring(place: Place) {
    let old = place.open(ONE, &[], true).await;
    let all = tenants(&old, 6).await;
    old.close().await;
    let new = place.open(TWO, &[beds(1)], false).await;
    let watch = Arc::new(Noting::default());
    let named = Canary::Named(vec![slug(3).to_string()]);
    let options = RunOptions { canary: named, ..options() };
    let run = migrator(&new).up(options, watch.clone()).await.expect("a run");
    assert_eq!((run.state, run.tenants, run.done, run.failed), (RunState::Done, 6, 6, 0));
    assert_eq!((run.ring, run.rings, run.operator.as_str()), (3, 3, "ada"));
    assert_eq!(*watch.rings.lock().expect("a list"), [(1, 1), (2, 2), (3, 3)]);
    let settled = watch.settled.lock().expect("a list").clone();
    assert_eq!((settled.len(), &settled[0]), (6, &slug(3)), "the named canary is first");
    for tenant in &all {
        let store = new.open(tenant).await.expect("opening");
        let id = RecordId::from_uuid(vivero_core::Uuid::from_u128(7));
        let valve = Some("north".to_owned());
        let record = WateringTwo { id, code: "W-1".into(), litres: 5, valve: valve.clone() };
        insert(&*store, 7, record.clone()).await.expect("a row with the new column");
        let filter = Predicate::Equals("valve", vivero_core::Value::Text("north".into()));
        assert_eq!(list::<WateringTwo>(&*store, filter).await.expect("a list"), [record]);
        assert_eq!(place.number(tenant, "SELECT count(*) FROM beds_1").await, 0);
        let open = "SELECT count(*) FROM schema_steps WHERE state <> 'finished' OR finished_at IS NULL AND token > 0";
        assert_eq!(place.number(tenant, open).await, 0, "each step is on record as finished");
        let own = "SELECT count(*) FROM schema_steps WHERE migration = 1 AND number IN (1, 2, 3) AND token = 1";
        assert_eq!(place.number(tenant, own).await, 3);
    }
    let told = migrator(&new).runs(10).await.expect("runs");
    assert_eq!((told.len(), told[0].id), (1, run.id));
    let rows = migrator(&new).tenants(run.id, Some(TenantRunState::Done)).await.expect("tenants");
    assert!(rows.iter().all(|r| r.attempts == 1 && r.error.is_none() && r.micros > 0), "{rows:?}");
    assert!(migrator(&new).verify(&[], 4, Arc::new(Quiet)).await.expect("a look").iter().all(
        |d| {
            assert_eq!(
                d.findings.iter().filter(|f| f.kind != DriftKind::LeftOver).count(),
                0,
                "{d:?}"
            );
            d.ok
        }
    ));
    new.close().await;
}

async fn a_plan_says_what_would_be_done_and_does_nothing(place: Place) {
    let old = place.open(ONE, &[], true).await;
    tenants(&old, 2).await;
    old.close().await;
    let new = place.open(TWO, &[beds(1)], false).await;
    for _ in 0..2 {
        let plan = migrator(&new).plan(&[]).await.expect("a plan");
        assert_eq!((plan.up_to_date, plan.groups.len()), (0, 1));
        let group = &plan.groups[0];
        assert_eq!(group.tenants, [slug(0), slug(1)]);
        let texts: Vec<&str> = group.steps.iter().map(|s| s.statement.as_str()).collect();
        assert!(texts[0].starts_with("ALTER TABLE watering ADD COLUMN"), "{texts:?}");
        assert!(texts.iter().any(|t| t.contains("watering_by_valve")), "{texts:?}");
        let own: Vec<(i64, u32)> =
            group.steps.iter().map(|s| (s.migration, s.number)).filter(|s| s.0 > 0).collect();
        assert_eq!(own, [(1, 1), (1, 2), (1, 3)]);
    }
    assert!(migrator(&new).runs(1).await.expect("runs").is_empty());
    new.close().await;
}

async fn tenants_that_are_up_to_date_are_not_connected_to(place: Place) {
    let fleet = place.open(ONE, &[], false).await;
    let all = tenants(&fleet, 2).await;
    // Whoever connects finds another tenant's stamp.
    let other = "UPDATE stamp SET generation = 77";
    place.raw(&all[0], other).await;
    let plan = migrator(&fleet).plan(&[]).await.expect("a plan");
    assert_eq!((plan.up_to_date, plan.groups.len()), (2, 0));
    let run = migrator(&fleet).up(options(), Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.state, run.tenants), (RunState::Done, 0));
    fleet.close().await;
}

async fn only_the_named_tenants_are_migrated(place: Place) {
    let old = place.open(ONE, &[], true).await;
    tenants(&old, 3).await;
    old.close().await;
    let new = place.open(TWO, &[], false).await;
    let only = RunOptions { only: vec![slug(1).to_string()], ..options() };
    let run = migrator(&new).up(only, Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.tenants, run.done), (1, 1));
    assert_eq!(migrator(&new).plan(&[]).await.expect("a plan").up_to_date, 1);
    let nobody = RunOptions { only: vec!["nobody-here".into()], ..options() };
    let refused = migrator(&new).up(nobody, Arc::new(Quiet)).await.expect_err("nobody");
    assert!(refused.to_string().contains("nobody-here"), "{refused}");
    let bad = RunOptions { waves: vec![50, 10], parallel: 0, ..options() };
    let refused = migrator(&new).up(bad, Arc::new(Quiet)).await.expect_err("options");
    assert!(refused.to_string().contains("waves") && refused.to_string().contains("parallel"));
    new.close().await;
}

async fn an_edited_migration_is_refused(place: Place) {
    let first = place.open(ONE, &[beds(1)], false).await;
    tenants(&first, 1).await;
    migrator(&first).up(options(), Arc::new(Quiet)).await.expect("a run");
    first.close().await;
    let edited = beds(1).step("SELECT 1");
    let second = place.open(ONE, &[edited], false).await;
    let plan = migrator(&second).plan(&[]).await;
    let run = migrator(&second).up(options(), Arc::new(Quiet)).await;
    for refused in [plan.map(|_| ()).expect_err("edited"), run.map(|_| ()).expect_err("edited")] {
        assert!(matches!(&refused, Error::Illegal { code: "migration_edited", .. }), "{refused}");
        assert!(refused.to_string().contains("migration 1 (beds)"), "{refused}");
    }
    // The lease is given back all the same.
    let again = migrator(&second).up(options(), Arc::new(Quiet)).await.expect_err("edited");
    assert!(matches!(again, Error::Illegal { code: "migration_edited", .. }), "{again}");
    second.close().await;
}

async fn a_migration_before_one_that_was_applied_is_refused(place: Place) {
    let first = place.open(ONE, &[beds(5)], false).await;
    tenants(&first, 1).await;
    first.close().await;
    let second = place.open(ONE, &[beds(4), beds(5)], false).await;
    let run = migrator(&second).up(options(), Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.state, run.failed), (RunState::Failed, 1));
    let rows = migrator(&second).tenants(run.id, None).await.expect("tenants");
    let error = rows[0].error.as_deref().unwrap_or_default();
    assert!(error.contains("migration 4 (beds) comes before 5"), "{error}");
    second.close().await;
    let refused = place.try_open(ONE, &[beds(5), beds(4)], false).await.expect_err("the order");
    assert!(refused.to_string().contains("greater id"), "{refused}");
}

async fn drift_is_found_and_named(place: Place) {
    let fleet = place.open(ONE, &[], false).await;
    let all = tenants(&fleet, 3).await;
    place.raw(&all[1], "ALTER TABLE entities ADD COLUMN by_hand INTEGER").await;
    let drop = if place.is_mariadb() {
        "DROP INDEX watering_unique_code ON watering"
    } else {
        "DROP INDEX watering_unique_code"
    };
    place.raw(&all[2], drop).await;
    let drifts = migrator(&fleet).verify(&[], 2, Arc::new(Quiet)).await.expect("a look");
    let told: Vec<(bool, Vec<(DriftKind, &str)>)> = drifts
        .iter()
        .map(|d| (d.ok, d.findings.iter().map(|f| (f.kind, f.what.as_str())).collect()))
        .collect();
    assert_eq!(
        told,
        [
            (true, vec![]),
            (false, vec![(DriftKind::Extra, "column entities.by_hand")]),
            (false, vec![(DriftKind::Missing, "index watering.watering_unique_code")]),
        ]
    );
    assert_eq!(drifts[0].hash.as_deref(), Some(drifts[0].expected.as_str()));
    assert_ne!(drifts[1].hash.as_deref(), Some(drifts[1].expected.as_str()));
    let one = migrator(&fleet).verify(&[slug(0)], 2, Arc::new(Quiet)).await.expect("a look");
    assert_eq!(one.len(), 1);
    fleet.close().await;
}

async fn canaries_whose_lists_are_slower_stop_the_run(place: Place) {
    let old = place.open(ONE, &[], true).await;
    tenants(&old, 3).await;
    old.close().await;
    let new = place.open(TWO, &[], false).await;
    // Any list takes longer than a millionth of what it took.
    let strict = RunOptions { slower: Some(1e-6), slow_from: 0, ..options() };
    let run = migrator(&new).up(strict, Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.state, run.done), (RunState::Halted, 1));
    assert!(run.reason.as_deref().is_some_and(|r| r.contains("lists of the canaries")), "{run:?}");
    let rows = migrator(&new).tenants(run.id, Some(TenantRunState::Pending)).await;
    assert_eq!(rows.expect("tenants").len(), 2, "no other tenant was begun");
    let lenient = RunOptions { slower: Some(1e6), ..options() };
    let run = migrator(&new).up(lenient, Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.state, run.tenants), (RunState::Done, 2));
    new.close().await;
}

async fn a_later_ring_whose_lists_are_slower_stops_the_run(place: Place) {
    let old = place.open(ONE, &[], true).await;
    let all = tenants(&old, 4).await;
    let store = old.open(&all[0]).await.expect("opening");
    let id = RecordId::from_uuid(vivero_core::Uuid::from_u128(8));
    insert(&*store, 8, WateringOne { id, code: "W-8".into(), litres: 5 }).await.expect("a row");
    drop(store);
    old.close().await;
    let new = place.open(TWO, &[], false).await;
    let canary = Canary::Count(0);
    let strict = RunOptions { canary, slower: Some(1e-6), slow_from: 0, ..options() };
    let run = migrator(&new).up(strict, Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.state, run.done, run.ring, run.rings), (RunState::Halted, 2, 1, 2));
    let reason = run.reason.expect("a reason");
    assert!(reason.contains("the ring's first tenants take longer than before"), "{reason}");
    new.close().await;
}

async fn new_tenants_have_everything(place: Place) {
    let fleet = place.open(TWO, &[beds(1), beds(2)], false).await;
    let all = tenants(&fleet, 1).await;
    assert_eq!(place.number(&all[0], "SELECT count(*) FROM beds_2").await, 0);
    assert_eq!(migrator(&fleet).plan(&[]).await.expect("a plan").up_to_date, 1);
    let drifts = migrator(&fleet).verify(&[], 1, Arc::new(Quiet)).await.expect("a look");
    assert!(drifts[0].ok && drifts[0].findings.is_empty(), "{drifts:?}");
    fleet.close().await;
}

async fn a_question_mark_in_a_step_is_part_of_it(place: Place) {
    let old = place.open(ONE, &[], true).await;
    let all = tenants(&old, 1).await;
    old.close().await;
    let labels = Migration::new(1, "labels")
        .step("CREATE TABLE IF NOT EXISTS labels (label VARCHAR(40) NOT NULL)")
        .step("INSERT INTO labels VALUES ('Ready? Yes?')")
        .step("INSERT INTO labels SELECT 'Who?' WHERE NOT EXISTS (SELECT 1 FROM labels WHERE label = '?')");
    let new = place.open(ONE, &[labels], false).await;
    let run = migrator(&new).up(options(), Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.state, run.done), (RunState::Done, 1), "{run:?}");
    let kept = "SELECT count(*) FROM labels WHERE label IN ('Ready? Yes?', 'Who?')";
    assert_eq!(place.number(&all[0], kept).await, 2);
    let noted = "SELECT count(*) FROM schema_steps WHERE migration = 1 AND state = 'finished'";
    assert_eq!(place.number(&all[0], noted).await, 3);
    new.close().await;
}
