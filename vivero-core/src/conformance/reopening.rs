//! What is there after a restart.

use super::Harness;
use super::ground::Ground;
use super::sample::Sample;
use super::search::found;
use crate::error::Error;
use crate::journal::Anchor;
use crate::port::Remembered;
use crate::query::{Deleted, Predicate, Query};
use crate::record::Record as _;
use crate::tenant::{Tenant, TenantState};

pub(super) async fn everything_is_there_after_reopening(harness: &dyn Harness) {
    let ground = Ground::new(harness, "everything").await;
    let tree = ground.plant_tree().await;
    let samples = (0..20).map(|i| super::sorting::varied(&ground, i));
    let ids = ground.create(samples.collect::<Vec<_>>()).await;
    ground
        .edit(ids[3], |s: &mut Sample| {
            s.name = "Lavandula".into();
            s.place = Some(tree[2]);
        })
        .await;
    ground.set_deleted::<Sample>(ids[4], true).await;
    let at = ground.source.now();
    let answer = Remembered { key: "k".into(), fingerprint: "f".into(), response: "r".into(), at };
    let mut work = ground.begin().await;
    work.remember(answer.clone()).await.expect("remembering");
    work.commit().await.expect("committing");
    let mut work = ground.begin().await;
    ground.add(&mut *work, vec![ground.source.sample("NEVER")]).await;
    drop(work);
    let mut query = Query::new(Predicate::All, 100);
    query.deleted = Deleted::Included;
    let before = ground.list(&query).await;

    // Not sealed on purpose: what is committed is kept, sealed or not.
    let ground = ground.reopen(harness).await;
    assert_eq!(ground.list(&query).await, before, "every row is there as it was, deleted ones too");
    assert_eq!(found(&ground, "lavandula").await.len(), 1, "and is found by its words");
    let below = Query::new(Predicate::Within("place", vec![tree[0].uuid()]), 10);
    assert_eq!(ground.count(&below).await, 1, "and by its place");
    let mut work = ground.begin().await;
    let kept = work.remembered("k").await.expect("what is remembered");
    assert_eq!(kept, Some(answer), "a remembered answer is kept");
    drop(work);
    let history = ground.store.history(Sample::SCHEMA, ids[3], None, 10).await.expect("history");
    assert_eq!(history.len(), 2, "the journal is kept");
    ground.assert_counts("after reopening").await;
    let new = ground.create_one(ground.source.sample("NEW")).await;
    let newest = ground.all().await.remove(0);
    assert_eq!(newest.id, new, "a row made afterwards comes after all others");
    ground.assert_counts("after going on").await;
}

pub(super) async fn the_chain_goes_on_after_reopening(harness: &dyn Harness) {
    let mut ground = Ground::new(harness, "goes on").await;
    for round in 0..3_u64 {
        for i in 0..4 {
            ground.create_one(ground.source.sample(format!("{round}-{i}"))).await;
        }
        if round % 2 == 0 {
            ground.seal().await;
        }
        let before = ground.store.feed(0, 1_000).await.expect("the feed");
        ground = ground.reopen(harness).await;
        let head = ground.seal().await;
        assert_eq!(head, (round + 1) * 4, "every entry has a position");
        assert_eq!(*ground.store.head().borrow(), head, "the head is known");
        let after = ground.store.feed(0, 1_000).await.expect("the feed");
        assert_eq!(after[..before.len()], before, "what was sealed keeps position and hash");
        let anchor = ground.fleet.anchor(ground.tenant.id).await.expect("the anchor");
        let report = ground.store.verify(anchor).await.expect("verifying");
        assert!(report.breaks.is_empty(), "the chain holds: {:?}", report.breaks);
    }
}

pub(super) async fn the_registry_is_there_after_reopening(harness: &dyn Harness) {
    let ground = Ground::new(harness, "registry").await;
    let second = ground.source.provision("second-tenant");
    let second = ground.fleet.provision(second).await.expect("provisioning a tenant");
    let at = ground.source.now();
    let to = TenantState::Suspended;
    let second = ground.fleet.set_state(second.id, to, second.version, at).await.expect("a state");
    let mut keyed = ground.source.provision("third-tenant");
    keyed.key = Some("key".into());
    keyed.fingerprint = Some("print".into());
    let third = ground.fleet.provision(keyed.clone()).await.expect("provisioning a tenant");
    let secret = ground.fleet.secret("key", vec![7; 32]).await.expect("a secret");
    let anchor = Anchor { position: 1_000_000, hash: [9; 32] };
    ground.fleet.set_anchor(second.id, anchor, at).await.expect("anchoring");
    let before = ground.fleet.list(None, 10).await.expect("listing tenants");

    let ground = ground.reopen(harness).await;
    let fleet = &ground.fleet;
    assert_eq!(fleet.list(None, 10).await.expect("listing tenants"), before, "every tenant");
    let found = fleet.find(second.id).await.expect("finding");
    assert_eq!(found.as_deref(), Some(&second), "with its state");
    assert_eq!(fleet.anchor(second.id).await.expect("the anchor"), Some(anchor), "the anchors");
    let again = fleet.secret("key", vec![8; 32]).await.expect("a secret");
    assert_eq!(again, secret, "the secrets");
    let same = fleet.provision(keyed).await.expect("provisioning again, same key");
    assert_eq!(same, third, "and the keys of requests");
    assert_eq!(fleet.resume_provisioning().await.expect("resuming"), (0, 0), "nothing half-made");
    fleet.open(&same).await.expect("a tenant that was not open opens");
}

/// A database without the change that was anchored last was put back past vivero.
pub(super) async fn an_older_copy_is_refused_until_it_is_accepted(harness: &dyn Harness) {
    let ground = Ground::new(harness, "older copy").await;
    for i in 0..3 {
        ground.create_one(ground.source.sample(format!("{i}"))).await;
    }
    let head = ground.seal().await;
    let (fleet, tenant) = (&ground.fleet, &ground.tenant);
    let last = ground.store.feed(head - 1, 1).await.expect("the feed").remove(0);
    let known = Anchor { position: last.position, hash: last.hash };
    let opened = async || {
        fleet.retire(tenant.id, tenant.generation).await;
        fleet.open(tenant).await.map(|_| ())
    };
    let at = ground.source.now();
    let earlier = ground.store.feed(0, 1).await.expect("the feed").remove(0);
    let earlier = Anchor { position: earlier.position, hash: earlier.hash };
    for held in [known, earlier] {
        fleet.replace_anchor(tenant, held, at).await.expect("anchoring");
        opened().await.expect("it has what is anchored");
    }
    let other = Anchor { hash: [7; 32], ..known };
    let beyond = Anchor { position: head + 2, hash: [7; 32] };
    for lacking in [other, beyond] {
        fleet.replace_anchor(tenant, lacking, at).await.expect("anchoring");
        let refused = opened().await.expect_err("it lacks what is anchored");
        assert!(matches!(refused, Error::Corrupt { .. }), "{refused:?}");
        let message = refused.to_string();
        assert!(message.contains("older copy") && message.contains("audit accept"), "{message}");
        // Another generation's anchor says nothing of this one.
        let next = Tenant { generation: tenant.generation + 1, ..Tenant::clone(tenant) };
        fleet.replace_anchor(&next, known, at).await.expect("nothing");
        assert_eq!(fleet.anchor(tenant.id).await.expect("the anchor"), Some(lacking));
        fleet.trust(tenant);
        opened().await.expect("it is trusted");
        fleet.replace_anchor(tenant, known, at).await.expect("anchoring");
        opened().await.expect("it has what is anchored");
    }
    fleet.replace_anchor(tenant, beyond, at).await.expect("anchoring");
    opened().await.expect_err("it is trusted no longer");
}
