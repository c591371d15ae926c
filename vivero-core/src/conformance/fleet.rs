//! The registry: states, anchors, secrets.

use super::Harness;
use super::ground::{Ground, Source};
use crate::TenantId;
use crate::error::ErrorKind;
use crate::journal::Anchor;
use crate::tenant::TenantState;
use futures_util::future::join_all;

pub(super) async fn tenants_are_listed_by_slug_in_pages(harness: &dyn Harness) {
    let source = Source::new("listed");
    let fleet = harness.fleet().await;
    for slug in ["juniper", "acer", "hebe", "ilex-2", "ilex"] {
        fleet.provision(source.provision(slug)).await.expect("provisioning a tenant");
    }
    let sorted = ["acer", "hebe", "ilex", "ilex-2", "juniper"];
    for limit in [1, 2, 5, 100] {
        let mut seen: Vec<String> = Vec::new();
        loop {
            let after = seen.last().cloned();
            let page = fleet.list(after.as_deref(), limit).await.expect("listing tenants");
            assert!(page.len() <= limit as usize, "a page has at most {limit} tenants");
            if page.is_empty() {
                break;
            }
            seen.extend(page.into_iter().map(|t| t.slug.to_string()));
        }
        assert_eq!(seen, sorted, "pages of {limit} give each tenant once, by slug");
    }
}

pub(super) async fn a_state_changes_only_from_the_version_that_was_seen(harness: &dyn Harness) {
    let Ground { fleet, tenant, source, .. } = Ground::new(harness, "state").await;
    let seen = tenant.version;
    let suspended = fleet.set_state(tenant.id, TenantState::Suspended, seen, source.now()).await;
    let suspended = suspended.expect("suspending with the current version");
    assert_eq!(suspended.state, TenantState::Suspended, "the answer shows the new state");
    assert!(suspended.version > seen, "the version grows with each change");
    let stale = fleet.set_state(tenant.id, TenantState::Closed, seen, source.now()).await;
    let kind = stale.expect_err("a stale version is refused").kind();
    assert_eq!(kind, ErrorKind::Conflict, "a stale version is a conflict");
    let found = fleet.find(tenant.id).await.expect("finding").expect("the tenant is there");
    assert_eq!(*found, suspended, "a refused change leaves the tenant as it was");
    let nobody = TenantId::from_uuid(source.id());
    let missing = fleet.set_state(nobody, TenantState::Closed, 1, source.now()).await;
    let kind = missing.expect_err("an unknown tenant has no state").kind();
    assert_eq!(kind, ErrorKind::NotFound, "an unknown tenant is not found");

    let attempts = (0..8).map(|_| {
        let (fleet, at) = (fleet.clone(), source.now());
        let version = suspended.version;
        tokio::spawn(async move {
            fleet.set_state(suspended.id, TenantState::Active, version, at).await.is_ok()
        })
    });
    let won = join_all(attempts).await.into_iter().filter(|a| matches!(a, Ok(true))).count();
    assert_eq!(won, 1, "of many who change one version at once, one succeeds");
}

pub(super) async fn a_state_is_seen_by_whoever_looks_next(harness: &dyn Harness) {
    let Ground { fleet, mut tenant, source, .. } = Ground::new(harness, "seen").await;
    for state in [TenantState::Suspended, TenantState::Active, TenantState::Closed] {
        let at = source.now();
        tenant = fleet.set_state(tenant.id, state, tenant.version, at).await.expect("a new state");
        let by_slug = fleet.find_by_slug(&tenant.slug).await.expect("finding by slug");
        assert_eq!(by_slug.as_deref(), Some(&tenant), "find_by_slug sees {state} at once");
        let by_id = fleet.find(tenant.id).await.expect("finding by id");
        assert_eq!(by_id.as_deref(), Some(&tenant), "find sees {state} at once");
        let listed = fleet.list(None, 10).await.expect("listing tenants");
        assert_eq!(listed, std::slice::from_ref(&tenant), "list sees {state} at once");
    }
}

pub(super) async fn an_anchor_never_goes_back(harness: &dyn Harness) {
    let Ground { fleet, tenant, source, .. } = Ground::new(harness, "anchor").await;
    let anchor = |position: u64, fill: u8| Anchor { position, hash: [fill; 32] };
    // Positions no chain of this test reaches, so that the engine's own anchors are not in the way.
    for (set, then) in [
        (anchor(1_000, 1), anchor(1_000, 1)),
        (anchor(2_000, 2), anchor(2_000, 2)),
        (anchor(1_500, 3), anchor(2_000, 2)),
        (anchor(1, 4), anchor(2_000, 2)),
        (anchor(2_001, 255), anchor(2_001, 255)),
    ] {
        fleet.set_anchor(tenant.id, set, source.now()).await.expect("setting an anchor");
        let stored = fleet.anchor(tenant.id).await.expect("the anchor");
        assert_eq!(stored, Some(then), "after anchoring {}", set.position);
    }
    let nobody = TenantId::from_uuid(source.id());
    assert_eq!(fleet.anchor(nobody).await.expect("no anchor"), None, "unknown: no anchor");
}

pub(super) async fn a_secret_is_made_once(harness: &dyn Harness) {
    let fleet = harness.fleet().await;
    let made = fleet.secret("signing", vec![1; 32]).await.expect("a secret");
    assert_eq!(made, [1; 32], "a secret is what was given at its first use");
    let again = fleet.secret("signing", vec![2; 32]).await.expect("a secret");
    assert_eq!(again, made, "and stays so");
    let other = fleet.secret("refresh", vec![3; 64]).await.expect("a secret");
    assert_eq!(other, [3; 64], "another name is another secret");
    let attempts = (0..8_u8).map(|i| {
        let fleet = fleet.clone();
        tokio::spawn(async move { fleet.secret("contended", vec![i; 32]).await })
    });
    let mut secrets = Vec::new();
    for attempt in join_all(attempts).await {
        secrets.push(attempt.expect("no panic").expect("a secret"));
    }
    secrets.dedup();
    assert_eq!(secrets.len(), 1, "many at once get the same secret");
}

pub(super) async fn a_handle_of_another_generation_is_refused(harness: &dyn Harness) {
    let Ground { fleet, tenant, store, .. } = Ground::new(harness, "generation").await;
    let mut stale = tenant.clone();
    stale.generation += 1;
    assert!(
        fleet.open(&stale).await.is_err(),
        "a database of another generation is refused also while it is open"
    );
    drop(store);
    let fleet = harness.reopen(fleet).await;
    assert!(fleet.open(&stale).await.is_err(), "a database of another generation is refused");
    fleet.open(&tenant).await.expect("the right generation opens");
    let mut stranger = tenant;
    stranger.id = TenantId::from_uuid(Source::new("stranger").id());
    assert!(fleet.open(&stranger).await.is_err(), "there is no database of an unknown tenant");
}

pub(super) async fn figures_count_the_tenants(harness: &dyn Harness) {
    let ground = Ground::new(harness, "figures").await;
    let second = ground.source.provision("second-tenant");
    ground.fleet.provision(second).await.expect("provisioning a tenant");
    let stats = ground.fleet.stats().await.expect("figures");
    assert_eq!(stats.tenants, 2, "both tenants are counted");
    assert!(stats.open >= 1, "the tenant that is held is open");
    assert!(stats.open <= stats.max_open, "no more are open than may be");
    assert!(stats.opened >= stats.open, "what is open has been opened");
    if let Some(max) = harness.max_open() {
        assert_eq!(stats.max_open, max, "the limit is the harness's");
    }
}
