//! Word of what changed.

use super::{Harness, moved, settle, two};
use crate::ids::TenantId;
use crate::shared::Topic;
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

fn tenant(number: u128) -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(number))
}

fn topics() -> Vec<Topic> {
    vec![
        Topic::Tenants,
        Topic::Access(tenant(1)),
        Topic::Access(tenant(2)),
        Topic::Commits(tenant(1)),
        Topic::Head(tenant(1)),
        Topic::Jobs("mail".into()),
        Topic::Jobs("mail and more".into()),
    ]
}

pub(super) async fn whoever_announces_knows_at_once(harness: &dyn Harness) {
    let (me, _) = two(harness).await;
    for topic in topics() {
        let before = me.version(&topic);
        assert_eq!(me.version(&topic), before, "looking changes nothing");
        let announced = me.announce(&topic).await;
        assert!(announced > before, "{topic}: versions grow");
        assert_eq!(me.version(&topic), announced, "{topic}");
    }
    assert!(me.stats().announced >= 7);
}

pub(super) async fn others_get_to_know(harness: &dyn Harness) {
    let (me, other) = two(harness).await;
    for topic in topics() {
        let mut waiting = other.watch(&topic);
        let seen = *waiting.borrow_and_update();
        me.announce(&topic).await;
        let now = moved(&mut waiting, seen, &topic.to_string()).await;
        assert_eq!(other.version(&topic), now, "{topic}");
    }
}

pub(super) async fn whoever_waits_is_woken(harness: &dyn Harness) {
    let (me, other) = two(harness).await;
    let topic = Topic::Jobs("mail".into());
    let mut waiting = other.watch(&topic);
    let seen = *waiting.borrow_and_update();
    let waits = tokio::spawn(async move { moved(&mut waiting, seen, "a job").await });
    me.announce(&topic).await;
    assert!(waits.await.is_ok_and(|version| version != seen));
}

pub(super) async fn every_announcement_of_many_is_seen(harness: &dyn Harness) {
    let processes = harness.installation(3).await;
    let topic = Topic::Access(tenant(7));
    let mut announcing = Vec::new();
    for process in &processes {
        let (process, topic) = (Arc::clone(process), topic.clone());
        announcing.push(tokio::spawn(async move {
            let mut versions = Vec::new();
            for _ in 0..50 {
                versions.push(process.announce(&topic).await);
            }
            versions
        }));
    }
    for announced in announcing {
        let versions = announced.await.unwrap_or_default();
        let distinct: BTreeSet<_> = versions.iter().collect();
        assert_eq!(distinct.len(), 50, "no version comes twice");
        assert!(versions.is_sorted(), "versions grow");
    }
    // What is read after the last announcement must not be found under an earlier version.
    for process in &processes {
        let mut waiting = process.watch(&topic);
        let seen = *waiting.borrow_and_update();
        processes[0].announce(&topic).await;
        moved(&mut waiting, seen, "one more").await;
    }
}

pub(super) async fn topics_do_not_mix(harness: &dyn Harness) {
    let (me, other) = two(harness).await;
    settle(&me, &other).await;
    for announced in topics() {
        let before: Vec<u64> = topics().iter().map(|topic| other.version(topic)).collect();
        me.announce(&announced).await;
        settle(&me, &other).await;
        for (topic, before) in topics().iter().zip(before) {
            let moved = other.version(topic) != before;
            assert_eq!(moved, *topic == announced, "{announced} announced, {topic} looked at");
        }
    }
}

pub(super) async fn installations_do_not_hear_each_other(harness: &dyn Harness) {
    let (me, _) = two(harness).await;
    let (stranger, neighbour) = two(harness).await;
    settle(&stranger, &neighbour).await;
    let before: Vec<u64> = topics().iter().map(|topic| neighbour.version(topic)).collect();
    for topic in topics() {
        me.announce(&topic).await;
    }
    settle(&stranger, &neighbour).await;
    let after: Vec<u64> = topics().iter().map(|topic| neighbour.version(topic)).collect();
    assert_eq!(before, after, "another installation's changes are none of ours");
}
