//! Tenants apart from each other.

use super::Harness;
use super::ground::Ground;
use super::sample::Sample;
use crate::port::Remembered;
use crate::query::{Deleted, Predicate, Query};
use crate::record::Record as _;
use crate::search::Terms;
use std::sync::Arc;

async fn two(harness: &dyn Harness, name: &str) -> (Ground, Ground) {
    let first = Ground::new(harness, name).await;
    let (fleet, source) = (Arc::clone(&first.fleet), Arc::clone(&first.source));
    let second = Ground::in_fleet(fleet, source, "second-tenant").await;
    (first, second)
}

pub(super) async fn two_tenants_see_nothing_of_each_other(harness: &dyn Harness) {
    let (first, second) = two(harness, "apart").await;
    let mut sample = first.source.sample("ONLY-FIRST");
    sample.name = "Lavandula".into();
    let id = first.create_one(sample).await;
    let mut work = first.begin().await;
    let at = first.source.now();
    let answer = Remembered { key: "k".into(), fingerprint: "f".into(), response: "r".into(), at };
    work.remember(answer).await.expect("remembering");
    work.commit().await.expect("committing");
    let head = second.seal().await;
    first.seal().await;

    assert_eq!(second.find(id).await, None, "find");
    let gone = second.find_in(Sample::SCHEMA, id, &Predicate::All, Deleted::Included).await;
    assert_eq!(gone, None, "find, deleted included");
    assert!(second.all().await.is_empty(), "list");
    let mut query = Query::new(Predicate::All, 10);
    assert_eq!(second.count(&query).await, 0, "count");
    query.search = Some(Terms::parse("lavandula").expect("a word"));
    assert_eq!(first.count(&query).await, 1, "the first tenant finds its own");
    assert!(second.list(&query).await.is_empty(), "search");
    let history = second.store.history(Sample::SCHEMA, id, None, 10).await.expect("history");
    assert!(history.is_empty(), "history");
    assert_eq!(second.seal().await, head, "nothing was added to the other's journal");
    second.assert_counts("the other tenant").await;
    let counts = second.store.counts().await.expect("figures");
    let samples = counts.values.iter().filter(|(k, n)| k.resource == "sample" && **n != 0).count();
    assert_eq!(samples, 0, "figures");
    let mut work = second.begin().await;
    assert_eq!(work.remembered("k").await.expect("remembered"), None, "remembered answers");
    let row = first.find(id).await.expect("the first tenant has it");
    let next = crate::record::Row { version: 2, ..row.clone() };
    assert!(!work.update(Sample::SCHEMA, &row, next).await.expect("updating"), "update");
}

pub(super) async fn two_tenants_may_use_the_same_ids_and_unique_values(harness: &dyn Harness) {
    let (first, second) = two(harness, "same ids").await;
    let mut sample = first.source.sample("CODE-1");
    sample.name = "of the first".into();
    let id = first.create_one(sample.clone()).await;
    sample.name = "of the second".into();
    second.create_one(sample).await;
    first.edit(id, |s: &mut Sample| s.pieces = 5).await;
    let (one, two) = (first.find(id).await.expect("one"), second.find(id).await.expect("two"));
    assert_eq!((one.version, two.version), (2, 1), "a change in one does not touch the other");
    let name = Sample::SCHEMA.index_of("name").expect("a column");
    assert_ne!(one.values[name], two.values[name], "each has its own values");
}

pub(super) async fn two_tenants_with_the_same_history_have_different_chains(harness: &dyn Harness) {
    let (first, second) = two(harness, "chains").await;
    for ground in [&first, &second] {
        ground.create_one(ground.source.sample("CODE-1")).await;
        ground.seal().await;
    }
    let head = |ground: &Ground| {
        let store = Arc::clone(&ground.store);
        async move { store.feed_back(None, 1).await.expect("the head").remove(0) }
    };
    let (one, two) = (head(&first).await, head(&second).await);
    assert_ne!(one.hash, two.hash, "a chain is bound to its tenant");
    let own = crate::journal::Anchor { position: one.position, hash: one.hash };
    let report = first.store.verify(Some(own)).await.expect("verifying");
    assert!(report.breaks.is_empty(), "a chain holds against its own anchor");
    let report = second.store.verify(Some(own)).await.expect("verifying");
    assert!(!report.breaks.is_empty(), "and breaks against another tenant's");
}
