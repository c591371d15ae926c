//! Making tenants.

use super::Harness;
use super::ground::{Ground, Source};
use crate::error::Error;
use crate::journal::{Actor, Changes, Entry};
use crate::location::{Location, LocationKind};
use crate::query::{Deleted, Predicate};
use crate::record::{Record as _, Row};
use crate::tenant::{Plan, TenantState};
use crate::{LocationId, TenantId};
use futures_util::future::join_all;

pub(super) async fn a_provisioned_tenant_is_active_and_can_be_found(harness: &dyn Harness) {
    let source = Source::new("active");
    let fleet = harness.fleet().await;
    let mut wanted = source.provision("acme-plants");
    wanted.plan = Plan::trial(wanted.at);
    let tenant = fleet.provision(wanted.clone()).await.expect("provisioning a tenant");
    assert_eq!(tenant.id, wanted.id, "a tenant has the id it was given");
    assert_eq!(tenant.slug, wanted.slug, "a tenant has the slug it was given");
    assert_eq!(tenant.organization, wanted.organization, "the organisation is kept");
    assert_eq!(tenant.operation_type, wanted.operation_type, "what it grows is kept");
    assert_eq!(tenant.plan, wanted.plan, "the plan is kept, to the microsecond");
    assert_eq!(tenant.created_at, wanted.at, "the day of its making is kept");
    assert_eq!(tenant.state, TenantState::Active, "a provisioned tenant is active");

    let by_slug = fleet.find_by_slug(&wanted.slug).await.expect("finding by slug");
    assert_eq!(by_slug.as_deref(), Some(&tenant), "find_by_slug gives what provision gave");
    let by_id = fleet.find(wanted.id).await.expect("finding by id");
    assert_eq!(by_id.as_deref(), Some(&tenant), "find gives what provision gave");
    let other = "someone-else".parse().expect("a slug");
    assert_eq!(fleet.find_by_slug(&other).await.expect("finding by slug"), None);
    let other = TenantId::from_uuid(source.id());
    assert_eq!(fleet.find(other).await.expect("finding by id"), None);
    fleet.open(&tenant).await.expect("a provisioned tenant opens");
    fleet.ping().await.expect("the registry answers");
}

pub(super) async fn the_first_rows_of_a_tenant_are_there_journalled_and_counted(
    harness: &dyn Harness,
) {
    let source = Source::new("seeded");
    let mut wanted = source.provision("acme-plants");
    let id = LocationId::from_uuid(source.id());
    let site = Location {
        id,
        parent_id: None,
        kind: LocationKind::Site,
        code: "S".into(),
        name: "Site".into(),
        area_dm2: Some(7),
        path: format!("{}/", id.uuid().simple()),
    };
    let row = Row {
        seq: 0,
        id: id.uuid(),
        version: 1,
        created_at: wanted.at,
        created_by: super::ground::NOBODY,
        updated_at: wanted.at,
        updated_by: super::ground::NOBODY,
        deleted_at: None,
        values: site.into_values(),
    };
    wanted.entries = vec![Entry {
        at: wanted.at,
        actor: Actor::System { reason: "provisioning".into() },
        action: "location.create".into(),
        resource: "location".into(),
        record_id: row.id,
        version: 1,
        changes: Changes::between(Location::SCHEMA, None, Some(&row.values)),
        cause: None,
    }];
    wanted.seed = vec![(Location::SCHEMA, vec![row.clone()])];
    let entries = wanted.entries.clone();

    let fleet = harness.fleet().await;
    let tenant = fleet.provision(wanted).await.expect("provisioning a tenant");
    let store = fleet.open(&tenant).await.expect("opening a tenant");
    let by = crate::UserId::from_uuid(source.id());
    let ground = Ground { fleet, tenant, store, source: source.into(), by };
    let found = ground.find_in(Location::SCHEMA, row.id, &Predicate::All, Deleted::Hidden).await;
    let found = found.expect("a row of the seed is there");
    assert_eq!(Row { seq: 0, ..found }, row, "a row of the seed is as it was given");
    ground.assert_counts("after provisioning").await;
    let feed = ground.store.feed(0, 10).await.expect("the feed");
    let seen: Vec<Entry> = feed.into_iter().map(|e| e.entry).collect();
    assert_eq!(seen, entries, "the entries of the seed are the first of the journal");
}

pub(super) async fn a_taken_slug_is_refused_by_name_and_leaves_nothing(harness: &dyn Harness) {
    let ground = Ground::new(harness, "taken slug").await;
    let again = ground.source.provision("first-tenant");
    let id = again.id;
    match ground.fleet.provision(again).await {
        Err(Error::Taken { field, .. }) => assert_eq!(field, "slug", "the slug is what is taken"),
        other => panic!("a taken slug is refused with Taken, not {other:?}"),
    }
    assert_eq!(ground.fleet.find(id).await.expect("finding"), None, "nothing is left of it");
    let listed = ground.fleet.list(None, 10).await.expect("listing tenants");
    assert_eq!(listed, [ground.tenant], "the tenant that has the slug is untouched");
}

pub(super) async fn the_same_key_gives_the_same_tenant(harness: &dyn Harness) {
    let source = Source::new("same key");
    let fleet = harness.fleet().await;
    let mut wanted = source.provision("acme-plants");
    wanted.key = Some("sign-up 1".into());
    wanted.fingerprint = Some("a".into());
    let first = fleet.provision(wanted.clone()).await.expect("provisioning a tenant");
    // A repeated request carries an id of its own, minted before anyone knew that it is a repeat.
    wanted.id = TenantId::from_uuid(source.id());
    wanted.at = source.now();
    let second = fleet.provision(wanted.clone()).await.expect("provisioning again, same key");
    assert_eq!(second, first, "the same key gives the same tenant");
    assert_eq!(fleet.list(None, 10).await.expect("listing tenants").len(), 1, "there is one");
    wanted.key = Some("sign-up 2".into());
    wanted.slug = "acme-plants-2".parse().expect("a slug");
    let third = fleet.provision(wanted).await.expect("provisioning with another key");
    assert_ne!(third.id, first.id, "another key makes another tenant");
}

pub(super) async fn the_same_key_for_another_request_is_refused(harness: &dyn Harness) {
    let source = Source::new("key of another");
    let fleet = harness.fleet().await;
    let mut wanted = source.provision("acme-plants");
    wanted.key = Some("sign-up 1".into());
    wanted.fingerprint = Some("a".into());
    fleet.provision(wanted.clone()).await.expect("provisioning a tenant");
    let mut other = source.provision("other-plants");
    other.key = wanted.key;
    other.fingerprint = Some("b".into());
    let refused = fleet.provision(other).await;
    assert!(
        matches!(refused, Err(Error::IdempotencyMismatch)),
        "a key with another fingerprint is refused, not answered with {refused:?}"
    );
    assert_eq!(fleet.list(None, 10).await.expect("listing tenants").len(), 1, "there is one");
}

pub(super) async fn one_key_used_by_many_at_once_makes_one_tenant(harness: &dyn Harness) {
    let source = Source::new("key race");
    let fleet = harness.fleet().await;
    let attempts = (0..8).map(|_| {
        let mut wanted = source.provision("acme-plants");
        wanted.key = Some("sign-up".into());
        wanted.fingerprint = Some("a".into());
        let fleet = fleet.clone();
        tokio::spawn(async move { fleet.provision(wanted).await })
    });
    let mut ids = Vec::new();
    for attempt in join_all(attempts).await {
        let tenant = attempt.expect("no panic").expect("each gets the tenant, none an error");
        assert_eq!(tenant.state, TenantState::Active, "each gets it when it is ready");
        ids.push(tenant.id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "all get the same tenant");
    assert_eq!(fleet.list(None, 10).await.expect("listing tenants").len(), 1, "there is one");
}

pub(super) async fn one_slug_wanted_by_many_at_once_goes_to_one(harness: &dyn Harness) {
    let source = Source::new("slug race");
    let fleet = harness.fleet().await;
    let attempts = (0..8).map(|_| {
        let wanted = source.provision("acme-plants");
        let fleet = fleet.clone();
        tokio::spawn(async move { fleet.provision(wanted).await })
    });
    let mut won = Vec::new();
    for attempt in join_all(attempts).await {
        match attempt.expect("no panic") {
            Ok(tenant) => won.push(tenant),
            Err(Error::Taken { field, .. }) => assert_eq!(field, "slug", "the slug is taken"),
            Err(other) => panic!("the others are told that the slug is taken, not {other:?}"),
        }
    }
    assert_eq!(won.len(), 1, "exactly one gets the slug");
    assert_eq!(fleet.list(None, 10).await.expect("listing tenants"), won, "and is the only one");
}

pub(super) async fn there_is_nothing_to_resume_when_nothing_was_cut_off(harness: &dyn Harness) {
    let ground = Ground::new(harness, "resume").await;
    let id = ground.create_one(ground.source.sample("A")).await;
    let outcome = ground.fleet.resume_provisioning().await.expect("resuming");
    assert_eq!(outcome, (0, 0), "a finished tenant is neither finished again nor undone");
    assert_eq!(ground.find(id).await.expect("the row is still there").id, id);
    let found = ground.fleet.find(ground.tenant.id).await.expect("finding");
    assert_eq!(found.as_deref(), Some(&ground.tenant), "the tenant is as it was");
}
