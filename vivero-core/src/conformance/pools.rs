//! More tenants than may be open at once.

use super::Harness;
use super::ground::{Ground, Source};
use super::sample::Sample;
use crate::error::Error;
use crate::tenant::Tenant;
use futures_util::future::join_all;
use std::sync::Arc;

/// A fleet with `extra` tenants more than may be open.
async fn crowd(harness: &dyn Harness, name: &str, extra: u64) -> (Ground, Vec<Tenant>) {
    let most = harness.max_open().unwrap_or(5);
    let ground = Ground::new(harness, name).await;
    let mut tenants = vec![ground.tenant.clone()];
    for i in 1..most + extra {
        let wanted = ground.source.provision(&format!("tenant-{i}"));
        tenants.push(ground.fleet.provision(wanted).await.expect("provisioning a tenant"));
    }
    (ground, tenants)
}

async fn on(ground: &Ground, tenant: &Tenant) -> Ground {
    use crate::record::Record as _;
    let store = ground.fleet.open(tenant).await.expect("opening one tenant after another");
    store.ensure(Sample::SCHEMA).await.expect("making a table");
    Ground {
        fleet: Arc::clone(&ground.fleet),
        tenant: tenant.clone(),
        store,
        source: Arc::clone(&ground.source),
        by: ground.by,
    }
}

pub(super) async fn more_tenants_than_may_be_open_work_in_turn(harness: &dyn Harness) {
    let (first, tenants) = crowd(harness, "in turn", 3).await;
    let Ground { fleet, source, by, store, tenant } = first;
    drop(store);
    let store = fleet.open(&tenant).await.expect("opening a tenant");
    let first = Ground { fleet, tenant, store, source, by };
    for round in 1..=2_usize {
        for tenant in &tenants {
            let ground = on(&first, tenant).await;
            ground.create_one(ground.source.sample(format!("{}-{round}", tenant.slug))).await;
            assert_eq!(ground.all().await.len(), round, "each tenant has its own rows");
        }
    }
    if let Some(max) = harness.max_open() {
        let stats = first.fleet.stats().await.expect("figures");
        assert!(stats.open <= max, "never more are open than may be");
        assert!(stats.evicted > 0, "idle ones were closed to make room");
        assert_eq!(stats.refused, 0, "and nobody was refused");
    }
}

pub(super) async fn a_held_lease_is_never_closed(harness: &dyn Harness) {
    let (held, tenants) = crowd(harness, "held", 3).await;
    let id = held.create_one(held.source.sample("HELD")).await;
    let mut work = held.begin().await;
    held.add(&mut *work, vec![held.source.sample("OPEN")]).await;
    for tenant in &tenants[1..] {
        on(&held, tenant).await.create_one(held.source.sample("OTHER")).await;
    }
    held.add(&mut *work, vec![held.source.sample("STILL-OPEN")]).await;
    work.commit().await.expect("a work outlives the opening of other tenants");
    assert!(held.find(id).await.is_some(), "a held store still answers");
    assert_eq!(held.all().await.len(), 3, "with all of its rows");
}

pub(super) async fn an_open_work_is_a_lease_too(harness: &dyn Harness) {
    let (first, tenants) = crowd(harness, "open work", 3).await;
    let second = on(&first, &tenants[1]).await;
    let mut work = second.begin().await;
    let samples = vec![second.source.sample("BEFORE")];
    second.add(&mut *work, samples).await;
    // Only the work is left of the second tenant while all others are opened.
    let Ground { store, .. } = second;
    drop(store);
    for tenant in &tenants[2..] {
        on(&first, tenant).await.create_one(first.source.sample("OTHER")).await;
    }
    first.add(&mut *work, vec![first.source.sample("AFTER")]).await;
    work.commit().await.expect("a work that is open keeps its database open");
    assert_eq!(on(&first, &tenants[1]).await.all().await.len(), 2, "all of it is there");
}

pub(super) async fn when_all_are_held_one_more_is_told_to_come_back(harness: &dyn Harness) {
    let Some(max) = harness.max_open() else { return };
    let (first, tenants) = crowd(harness, "full", 1).await;
    let mut held = vec![Arc::clone(&first.store)];
    for tenant in &tenants[1..usize::try_from(max).expect("few")] {
        held.push(
            first.fleet.open(tenant).await.expect("there is room for as many as may be open"),
        );
    }
    let one_more = &tenants[usize::try_from(max).expect("few")];
    match first.fleet.open(one_more).await {
        Err(Error::Unavailable { retry_after, .. }) => {
            assert!(retry_after >= 1, "the refusal says when to try again");
        }
        other => panic!("with all in use, one more is Unavailable, not {other:?}"),
    }
    let again = first.fleet.open(&tenants[1]).await.expect("one that is open has room for all");
    drop(again);
    assert!(first.fleet.stats().await.expect("figures").refused >= 1, "refusals are counted");
    held.pop();
    first.fleet.open(one_more).await.expect("once one is given back, there is room again");
}

pub(super) async fn many_open_the_same_tenant_at_once(harness: &dyn Harness) {
    let first = Ground::new(harness, "at once").await;
    let Ground { fleet, tenant, store, .. } = first;
    drop(store);
    let fleet = harness.reopen(fleet).await;
    let before = fleet.stats().await.expect("figures").opened;
    let openers = (0..16).map(|_| {
        let (fleet, tenant) = (Arc::clone(&fleet), tenant.clone());
        tokio::spawn(async move { fleet.open(&tenant).await })
    });
    let mut stores = Vec::new();
    for opener in join_all(openers).await {
        stores.push(opener.expect("no panic").expect("each opens the tenant"));
    }
    let opened = fleet.stats().await.expect("figures").opened;
    assert!(opened <= before + 1, "those who wait for the same database share one opening");
    let source = Arc::new(Source::new("shared"));
    let by = crate::UserId::from_uuid(source.id());
    let mut grounds = stores.into_iter().map(|store| Ground {
        fleet: Arc::clone(&fleet),
        tenant: tenant.clone(),
        store,
        source: Arc::clone(&source),
        by,
    });
    let (one, two) = (grounds.next().expect("one"), grounds.next().expect("two"));
    let id = one.create_one(source.sample("SHARED")).await;
    assert!(two.find(id).await.is_some(), "what one handle commits, another sees");
    let head = one.seal().await;
    assert_eq!(*two.store.head().borrow(), head, "all handles have the same head");
}
