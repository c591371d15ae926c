//! The journal as readers see it: positions, history, the feed and its head.

use super::Harness;
use super::ground::Ground;
use super::sample::Sample;
use crate::Uuid;
use crate::journal::{Changes, Entry, SealedEntry};
use crate::record::Record as _;
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;

/// How long something that happens by itself may take on a busy machine.
pub(super) const SOON: Duration = Duration::from_secs(20);

async fn feed(ground: &Ground, position: u64, limit: u32) -> Vec<SealedEntry> {
    ground.store.feed(position, limit).await.expect("the feed")
}

/// One record with versions 1 to `versions`.
async fn grown(ground: &Ground, code: &str, versions: i64) -> Uuid {
    let id = ground.create_one(ground.source.sample(code)).await;
    for pieces in 2..=versions {
        ground.edit(id, |s: &mut Sample| s.pieces = pieces).await;
    }
    id
}

pub(super) async fn positions_are_contiguous_from_one(harness: &dyn Harness) {
    let ground = Ground::new(harness, "contiguous").await;
    for i in 0..10 {
        grown(&ground, &format!("S-{i}"), 1 + i % 3).await;
        if i % 4 == 0 {
            ground.seal().await;
        }
    }
    let head = ground.seal().await;
    let all = feed(&ground, 0, 1_000).await;
    let positions: Vec<u64> = all.iter().map(|e| e.position).collect();
    assert_eq!(positions, (1..=head).collect::<Vec<_>>(), "positions are 1, 2, 3 … up to the head");
    assert_eq!(all.len(), 19, "each entry has one");
    assert_eq!(ground.seal().await, head, "sealing again moves nothing");
    let mut hashes: Vec<[u8; 32]> = all.iter().map(|e| e.hash).collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), all.len(), "each entry has a hash of its own");
}

pub(super) async fn entries_of_one_work_keep_their_order(harness: &dyn Harness) {
    let ground = Ground::new(harness, "order").await;
    let mut work = ground.begin().await;
    let ids =
        ground.add(&mut *work, vec![ground.source.sample("A"), ground.source.sample("B")]).await;
    ground.edit_in(&mut *work, ids[0], |s: &mut Sample| s.pieces = 1).await;
    ground.edit_in(&mut *work, ids[1], |s: &mut Sample| s.pieces = 2).await;
    ground.edit_in(&mut *work, ids[0], |s: &mut Sample| s.pieces = 3).await;
    ground.set_deleted_in::<Sample>(&mut *work, ids[1], true).await;
    work.commit().await.expect("committing");
    ground.seal().await;
    let told: Vec<(Uuid, i64)> =
        feed(&ground, 0, 100).await.iter().map(|e| (e.entry.record_id, e.entry.version)).collect();
    let (a, b) = (ids[0], ids[1]);
    assert_eq!(told, [(a, 1), (b, 1), (a, 2), (b, 2), (a, 3), (b, 3)], "as they were written");
}

pub(super) async fn history_is_newest_first_and_paged(harness: &dyn Harness) {
    let ground = Ground::new(harness, "history").await;
    let id = grown(&ground, "A", 4).await;
    ground.seal().await;
    for pieces in 5..=7 {
        ground.edit(id, |s: &mut Sample| s.pieces = pieces).await;
    }
    grown(&ground, "OTHER", 3).await;
    let versions = async |before: Option<i64>, limit: u32| -> Vec<i64> {
        let entries = ground.store.history(Sample::SCHEMA, id, before, limit).await;
        entries.expect("history").iter().map(|e| e.version).collect()
    };
    assert_eq!(versions(None, 100).await, [7, 6, 5, 4, 3, 2, 1], "newest first, sealed or not");
    assert_eq!(versions(None, 3).await, [7, 6, 5], "the first page");
    assert_eq!(versions(Some(5), 3).await, [4, 3, 2], "the next one");
    assert_eq!(versions(Some(2), 3).await, [1], "the last one");
    assert!(versions(Some(1), 3).await.is_empty(), "nothing is older than the first");
    let unknown = ground.store.history(Sample::SCHEMA, ground.source.id(), None, 10).await;
    assert!(unknown.expect("history").is_empty(), "an unknown record has no history");
    ground.set_deleted::<Sample>(id, true).await;
    assert_eq!(versions(None, 1).await, [8], "a deleted record keeps its history");
}

pub(super) async fn changes_since_are_oldest_first_sealed_or_not(harness: &dyn Harness) {
    let ground = Ground::new(harness, "since").await;
    let id = grown(&ground, "A", 3).await;
    ground.seal().await;
    for pieces in 4..=6 {
        ground.edit(id, |s: &mut Sample| s.pieces = pieces).await;
    }
    grown(&ground, "OTHER", 8).await;
    let since = async |after: i64, limit: u32| -> Vec<Entry> {
        let mut rows = ground.store.read().await.expect("a connection for reading");
        rows.changes_since(Sample::SCHEMA, id, after, limit).await.expect("changes")
    };
    for (after, limit, wanted) in [
        (0, 100, vec![1, 2, 3, 4, 5, 6]),
        (2, 100, vec![3, 4, 5, 6]),
        (2, 2, vec![3, 4]),
        (5, 100, vec![6]),
        (6, 100, vec![]),
        (99, 100, vec![]),
    ] {
        let versions: Vec<i64> = since(after, limit).await.iter().map(|e| e.version).collect();
        assert_eq!(versions, wanted, "at most {limit} after version {after}, oldest first");
    }
    let (before, now) = since(4, 1).await.remove(0).changes.0.remove("pieces").expect("the field");
    assert_eq!((before, now), (4.into(), 5.into()), "an entry tells before and after");
}

pub(super) async fn the_feed_is_read_forwards_and_backwards_in_pages(harness: &dyn Harness) {
    let ground = Ground::new(harness, "both ways").await;
    grown(&ground, "A", 23).await;
    let head = ground.seal().await;
    let all = feed(&ground, 0, 1_000).await;
    assert_eq!(all.len() as u64, head, "all of it");
    for limit in [1, 7, 23, 200] {
        let mut forwards: Vec<SealedEntry> = Vec::new();
        loop {
            let page = feed(&ground, forwards.last().map_or(0, |e| e.position), limit).await;
            assert!(page.len() <= limit as usize, "a page has at most {limit} entries");
            if page.is_empty() {
                break;
            }
            forwards.extend(page);
        }
        assert_eq!(forwards, all, "forwards, pages of {limit}");
        let mut backwards: Vec<SealedEntry> = Vec::new();
        loop {
            let before = backwards.last().map(|e| e.position);
            let page = ground.store.feed_back(before, limit).await.expect("the feed");
            assert!(page.len() <= limit as usize, "a page has at most {limit} entries");
            if page.is_empty() {
                break;
            }
            backwards.extend(page);
        }
        backwards.reverse();
        assert_eq!(backwards, all, "backwards, pages of {limit}");
    }
    assert!(feed(&ground, head + 100, 10).await.is_empty(), "there is nothing beyond the head");
}

pub(super) async fn head_moves_when_something_is_sealed(harness: &dyn Harness) {
    let ground = Ground::new(harness, "head").await;
    let start = ground.seal().await;
    let mut head = ground.store.head();
    assert_eq!(*head.borrow_and_update(), start, "the head is where sealing ended");
    for round in 1..=3_u64 {
        ground.create_one(ground.source.sample(format!("S-{round}"))).await;
        ground.seal().await;
        let moved = tokio::time::timeout(SOON, head.wait_for(|h| *h == start + round)).await;
        moved.expect("waiting for the head wakes").expect("the head is watched while it is held");
        assert_eq!(*ground.store.head().borrow(), start + round, "a new watcher sees it at once");
    }
}

pub(super) async fn what_is_committed_is_sealed_unasked(harness: &dyn Harness) {
    let ground = Ground::new(harness, "unasked").await;
    let start = ground.seal().await;
    let mut head = ground.store.head();
    grown(&ground, "A", 3).await;
    let moved = tokio::time::timeout(SOON, head.wait_for(|h| *h == start + 3)).await;
    moved.expect("sealing happens by itself, soon").expect("the head is watched");
    assert_eq!(feed(&ground, start, 10).await.len(), 3, "and the feed has the entries");
}

pub(super) async fn a_reader_of_the_feed_misses_nothing_while_others_write(harness: &dyn Harness) {
    let ground = Arc::new(Ground::new(harness, "misses nothing").await);
    let start = ground.seal().await;
    let writers = (0..8).map(|w| {
        let ground = Arc::clone(&ground);
        tokio::spawn(async move {
            for i in 0..6 {
                let mut work = ground.begin().await;
                let samples = (0..=i % 3).map(|s| ground.source.sample(format!("{w}-{i}-{s}")));
                ground.add(&mut *work, samples.collect::<Vec<_>>()).await;
                tokio::task::yield_now().await;
                // Every third work is undone: it must leave no gap.
                if i % 3 == 1 {
                    drop(work);
                } else {
                    work.commit().await.expect("committing");
                }
            }
        })
    });
    // Each writer commits works of 1, 3, 1 and 3 entries.
    let total = start + 8 * 8;
    let reader = {
        let ground = Arc::clone(&ground);
        tokio::spawn(async move {
            let mut head = ground.store.head();
            let mut at = start;
            while at < total {
                head.wait_for(|h| *h > at).await.expect("the head is watched");
                for entry in feed(&ground, at, 5).await {
                    assert_eq!(entry.position, at + 1, "the reader sees no gap and no repeat");
                    at += 1;
                }
            }
        })
    };
    for writer in join_all(writers).await {
        writer.expect("each writer writes");
    }
    let done = tokio::time::timeout(SOON, reader).await;
    done.expect("the reader comes to the end").expect("the reader sees everything");
    assert_eq!(ground.seal().await, total, "nothing else is sealed");
}

pub(super) async fn entries_of_a_dropped_work_never_appear(harness: &dyn Harness) {
    let ground = Ground::new(harness, "never").await;
    let start = ground.seal().await;
    let row = ground.row(ground.source.sample("A"));
    let entry = ground.entry::<Sample>("create", &row, Changes::default());
    let mut work = ground.begin().await;
    work.journal(vec![entry; 5]).await.expect("journalling");
    assert!(feed(&ground, start, 10).await.is_empty(), "an uncommitted entry is in no feed");
    drop(work);
    ground.create_one(ground.source.sample("B")).await;
    assert_eq!(ground.seal().await, start + 1, "the next entry takes the next position");
    let history = ground.store.history(Sample::SCHEMA, row.id, None, 10).await.expect("history");
    assert!(history.is_empty(), "entries of a dropped work are in no history");
}
