//! The proof: hashes, anchors, sealing by many.

use super::Harness;
use super::ground::Ground;
use super::sample::Sample;
use crate::journal::{Anchor, ChainReport, SealedEntry};
use futures_util::future::join_all;
use std::sync::Arc;

async fn verify(ground: &Ground, anchor: Option<Anchor>) -> ChainReport {
    ground.store.verify(anchor).await.expect("verifying")
}

async fn chain_of(ground: &Ground, length: i64) -> Vec<SealedEntry> {
    let id = ground.create_one(ground.source.sample("A")).await;
    for pieces in 1..length {
        ground.edit(id, |s: &mut Sample| s.pieces = pieces).await;
    }
    ground.seal().await;
    ground.store.feed(0, 1_000).await.expect("the feed")
}

fn anchor(entry: &SealedEntry) -> Anchor {
    Anchor { position: entry.position, hash: entry.hash }
}

pub(super) async fn an_untouched_chain_verifies(harness: &dyn Harness) {
    let ground = Ground::new(harness, "untouched").await;
    ground.seal().await;
    let report = verify(&ground, None).await;
    assert!(report.breaks.is_empty(), "a chain without entries holds: {:?}", report.breaks);
    let chain = chain_of(&ground, 12).await;
    let report = verify(&ground, None).await;
    assert!(report.breaks.is_empty(), "an untouched chain holds: {:?}", report.breaks);
    assert_eq!(report.head, chain.len() as u64, "the report names the head");
    assert_eq!(report.checked, report.head, "every link was recomputed");
    assert_eq!(report.unsealed, 0, "nothing waits to be sealed");
}

pub(super) async fn a_true_anchor_at_any_position_holds(harness: &dyn Harness) {
    let ground = Ground::new(harness, "true anchor").await;
    let chain = chain_of(&ground, 8).await;
    for entry in &chain {
        let report = verify(&ground, Some(anchor(entry))).await;
        assert!(report.breaks.is_empty(), "anchored at {}: {:?}", entry.position, report.breaks);
    }
    let id = ground.create_one(ground.source.sample("LATER")).await;
    assert!(ground.find(id).await.is_some());
    ground.seal().await;
    let old = anchor(&chain[chain.len() - 1]);
    let report = verify(&ground, Some(old)).await;
    assert!(report.breaks.is_empty(), "a chain may grow beyond its anchor: {:?}", report.breaks);
}

pub(super) async fn an_anchor_with_another_hash_is_reported(harness: &dyn Harness) {
    let ground = Ground::new(harness, "other hash").await;
    let chain = chain_of(&ground, 8).await;
    for entry in [&chain[0], &chain[4], &chain[7]] {
        let mut wrong = anchor(entry);
        wrong.hash[31] ^= 1;
        let report = verify(&ground, Some(wrong)).await;
        let found = report.breaks.iter().find(|b| b.kind == "anchor_mismatch");
        let found =
            found.unwrap_or_else(|| panic!("one flipped bit is found: {:?}", report.breaks));
        assert_eq!(found.position, entry.position, "the break is where the anchor is");
    }
    let swapped = Anchor { position: chain[3].position, hash: chain[2].hash };
    let report = verify(&ground, Some(swapped)).await;
    assert!(!report.breaks.is_empty(), "the hash of another position does not pass");
}

pub(super) async fn an_anchor_beyond_the_head_is_reported_as_truncation(harness: &dyn Harness) {
    let ground = Ground::new(harness, "truncated").await;
    let chain = chain_of(&ground, 4).await;
    let mut beyond = anchor(&chain[3]);
    for by in [1, 1_000] {
        beyond.position = chain[3].position + by;
        let report = verify(&ground, Some(beyond)).await;
        let truncated = report.breaks.iter().any(|b| b.kind == "truncated");
        assert!(truncated, "a chain shorter than its anchor was cut off: {:?}", report.breaks);
    }
}

pub(super) async fn sealing_by_many_at_once_seals_each_entry_once(harness: &dyn Harness) {
    let ground = Arc::new(Ground::new(harness, "many seal").await);
    let start = ground.seal().await;
    let tasks = (0..12).map(|t| {
        let ground = Arc::clone(&ground);
        tokio::spawn(async move {
            for i in 0..6 {
                if t % 3 == 0 {
                    ground.create_one(ground.source.sample(format!("{t}-{i}"))).await;
                }
                ground.seal().await;
                tokio::task::yield_now().await;
            }
        })
    });
    for task in join_all(tasks).await {
        task.expect("each task writes and seals");
    }
    let head = ground.seal().await;
    assert_eq!(head, start + 24, "24 entries, 24 positions");
    let all = ground.store.feed(start, 1_000).await.expect("the feed");
    let mut records: Vec<_> = all.iter().map(|e| e.entry.record_id).collect();
    records.sort_unstable();
    records.dedup();
    assert_eq!(records.len(), 24, "each entry is sealed once");
    let report = verify(&ground, all.last().map(anchor)).await;
    assert!(report.breaks.is_empty(), "the chain holds: {:?}", report.breaks);
    ground.assert_counts("after sealing by many").await;
}
