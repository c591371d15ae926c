//! Tenants one version apart are served while a run goes on.

use crate::place::{Place, migrator, tenants};
use crate::versions::{ONE, TWO, WateringOne, WateringTwo, beds, insert, list, options, provision};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use vivero_core::migration::{Migration, Quiet, RunState};
use vivero_core::query::{Predicate, Query, Sort};
use vivero_core::record::Record as _;
use vivero_core::{Error, RecordId, Uuid, Value};

crate::on_both_engines! {
    a_server_keeps_answering_while_its_tenants_are_migrated
    a_tenant_that_is_behind_is_served_without_what_it_lacks_until_it_has_it
    a_tenant_without_a_whole_table_is_served_but_for_it
    a_tenant_that_is_ahead_is_served
    a_tenant_without_a_required_migration_is_not_served
    a_tenant_is_brought_up_when_it_is_opened_unless_that_is_left_to_runs
}

fn one(id: u64) -> WateringOne {
    let code = format!("W-{id}");
    WateringOne { id: RecordId::from_uuid(Uuid::from_u128(u128::from(id))), code, litres: 5 }
}

fn two(id: u64, valve: Option<&str>) -> WateringTwo {
    let WateringOne { code, litres, .. } = one(id);
    let id = RecordId::from_uuid(Uuid::from_u128(u128::from(id)));
    WateringTwo { id, code, litres, valve: valve.map(ToOwned::to_owned) }
}

fn migrating<T: std::fmt::Debug>(outcome: vivero_core::Result<T>, about: &str) {
    let error = outcome.expect_err("refused while it is behind");
    assert!(matches!(error, Error::TenantMigrating { .. }), "{error:?}");
    assert!(error.to_string().contains(about), "{error}");
    assert_eq!(error.code(), "tenant_migrating");
}

async fn a_server_keeps_answering_while_its_tenants_are_migrated(place: Place) {
    let old = place.open(ONE, &[], false).await;
    let all = tenants(&old, 3).await;
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut serving = tokio::task::JoinSet::new();
    for tenant in all.clone() {
        let (old, stop, answered) = (Arc::clone(&old), Arc::clone(&stop), Arc::clone(&answered));
        serving.spawn(async move {
            let mut n = 0;
            while !stop.load(Ordering::SeqCst) {
                n += 1;
                let store = old.open(&tenant).await.expect("opening");
                insert(&*store, n, one(n)).await.expect("a row");
                let rows = list::<WateringOne>(&*store, Predicate::All).await.expect("a list");
                assert_eq!(rows.len() as u64, n.min(100));
                answered.fetch_add(1, Ordering::SeqCst);
            }
            n
        });
    }
    while answered.load(Ordering::SeqCst) < 6 {
        tokio::task::yield_now().await;
    }
    let new = place.open(TWO, &[beds(1)], false).await;
    let run = migrator(&new).up(options(), Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.state, run.done), (RunState::Done, 3), "{run:?}");
    let after = answered.load(Ordering::SeqCst);
    while answered.load(Ordering::SeqCst) < after + 6 {
        tokio::task::yield_now().await;
    }
    stop.store(true, Ordering::SeqCst);
    while let Some(served) = serving.join_next().await {
        assert!(served.expect("every request was answered") > 0);
    }
    let store = new.open(&all[0]).await.expect("opening");
    let rows = list::<WateringTwo>(&*store, Predicate::All).await.expect("a list");
    assert!(rows.iter().all(|r| r.valve.is_none()), "old rows have no value in the new column");
    old.close().await;
    new.close().await;
}

async fn a_tenant_that_is_behind_is_served_without_what_it_lacks_until_it_has_it(place: Place) {
    let old = place.open(ONE, &[], true).await;
    let tenant = provision(&old, 0).await;
    let store = old.open(&tenant).await.expect("opening");
    insert(&*store, 1, one(1)).await.expect("a row");
    drop(store);
    old.close().await;
    let new = place.open(TWO, &[beds(1)], false).await;
    let store = new.open(&tenant).await.expect("served though it is behind");
    let all = list::<WateringTwo>(&*store, Predicate::All).await.expect("a list");
    assert_eq!(all, [two(1, None)], "what is lacking reads as empty");
    insert(&*store, 2, two(2, None)).await.expect("what has no value in it is written");
    migrating(insert(&*store, 3, two(3, Some("north"))).await, "watering lacks valve");
    let by_valve = Predicate::Equals("valve", Value::Text("north".into()));
    migrating(list::<WateringTwo>(&*store, by_valve.clone()).await, "vivero migrate up");
    let sort = Sort::parse("valve", WateringTwo::SCHEMA).expect("a sort");
    let sorted = Query { sort, ..Query::new(Predicate::All, 10) };
    let mut rows = store.read().await.expect("reading");
    migrating(rows.list(WateringTwo::SCHEMA, &sorted).await, "valve");
    migrating(rows.count(WateringTwo::SCHEMA, &Query::new(by_valve.clone(), 1)).await, "valve");
    drop(rows);
    let by_litres = Sort::parse("litres", WateringTwo::SCHEMA).expect("a sort");
    let sorted = Query { sort: by_litres, ..Query::new(Predicate::All, 10) };
    let rows = store.read().await.expect("reading").list(WateringTwo::SCHEMA, &sorted).await;
    assert_eq!(rows.expect("what was there before is sorted by").len(), 2);
    // An edit that leaves the lacking column alone.
    let before = crate::versions::row(2, two(2, None));
    let mut after = before.clone();
    after.version = 2;
    after.values[1] = Value::Int(9);
    let mut work = store.begin().await.expect("a transaction");
    assert!(work.update(WateringTwo::SCHEMA, &before, after.clone()).await.expect("an edit"));
    after.values[2] = Value::Text("north".into());
    migrating(work.update(WateringTwo::SCHEMA, &before, after).await, "valve");
    drop(work);
    // Another process migrates it; this one notices.
    let other = place.open(TWO, &[beds(1)], false).await;
    let run = migrator(&other).up(options(), Arc::new(Quiet)).await.expect("a run");
    assert_eq!(run.state, RunState::Done, "{run:?}");
    let deadline = Instant::now() + Duration::from_secs(20);
    while let Err(error) = insert(&*store, 3, two(3, Some("north"))).await {
        assert!(matches!(error, Error::TenantMigrating { .. }), "{error:?}");
        assert!(Instant::now() < deadline, "it is not noticed that the tenant was migrated");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let found = list::<WateringTwo>(&*store, by_valve).await.expect("a list");
    assert_eq!(found, [two(3, Some("north"))]);
    new.close().await;
    other.close().await;
}

async fn a_tenant_without_a_whole_table_is_served_but_for_it(place: Place) {
    let old = place.open(&[], &[], true).await;
    let tenant = provision(&old, 0).await;
    old.close().await;
    let new = place.open(ONE, &[], false).await;
    let store = new.open(&tenant).await.expect("served though it is behind");
    migrating(list::<WateringOne>(&*store, Predicate::All).await, "the table");
    migrating(insert(&*store, 1, one(1)).await, "the table");
    let lots = list::<vivero_core::entity::Entity>(&*store, Predicate::All).await;
    assert_eq!(lots.expect("other tables are there").len(), 0);
    new.close().await;
}

async fn a_tenant_that_is_ahead_is_served(place: Place) {
    let new = place.open(TWO, &[beds(1)], false).await;
    let tenant = provision(&new, 0).await;
    let store = new.open(&tenant).await.expect("opening");
    insert(&*store, 1, two(1, Some("north"))).await.expect("a row");
    drop(store);
    for on_open in [false, true] {
        let old = place.open(ONE, &[], on_open).await;
        let store = old.open(&tenant).await.expect("an older program serves it");
        let id = 2 + u64::from(on_open);
        insert(&*store, id, one(id)).await.expect("a row");
        let rows = list::<WateringOne>(&*store, Predicate::All).await.expect("a list");
        assert_eq!(rows.len() as u64, id);
        drop(store);
        old.close().await;
    }
    assert_eq!(migrator(&new).plan(&[]).await.expect("a plan").up_to_date, 1);
    let again = place.open(TWO, &[beds(1)], false).await;
    let store = again.open(&tenant).await.expect("opening");
    let rows = list::<WateringTwo>(&*store, Predicate::All).await.expect("a list");
    let valves: Vec<Option<&str>> = rows.iter().map(|r| r.valve.as_deref()).collect();
    assert_eq!(valves, [None, None, Some("north")], "nothing that it did not know was lost");
    new.close().await;
    again.close().await;
}

async fn a_tenant_without_a_required_migration_is_not_served(place: Place) {
    let old = place.open(ONE, &[], true).await;
    let tenant = provision(&old, 0).await;
    old.close().await;
    let needed = Migration::new(3, "shade").step("CREATE TABLE IF NOT EXISTS shade (n INT)");
    let new = place.open(ONE, &[needed.required()], false).await;
    migrating(new.open(&tenant).await, "migration 3 (shade)");
    migrator(&new).up(options(), Arc::new(Quiet)).await.expect("a run");
    new.open(&tenant).await.expect("now it is");
    new.close().await;
}

async fn a_tenant_is_brought_up_when_it_is_opened_unless_that_is_left_to_runs(place: Place) {
    let old = place.open(ONE, &[], true).await;
    let all = tenants(&old, 2).await;
    old.close().await;
    let new = place.open(TWO, &[beds(1)], true).await;
    let store = new.open(&all[0]).await.expect("opening");
    insert(&*store, 1, two(1, Some("north"))).await.expect("a row with the new column");
    assert_eq!(place.number(&all[0], "SELECT count(*) FROM beds_1").await, 0);
    let plan = migrator(&new).plan(&[]).await.expect("a plan");
    assert_eq!(plan.up_to_date, 1, "the registry knows of it");
    drop(store);
    new.close().await;
}
