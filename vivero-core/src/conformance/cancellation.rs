//! Futures that are dropped before they are done, as when a client hangs up.

use super::Harness;
use super::feed::SOON;
use super::ground::{Ground, codes, record_of};
use super::sample::Sample;
use crate::query::{Predicate, Query};
use crate::record::Record as _;
use std::future::Future;
use std::time::Duration;

/// Polls a future for a while and drops it; `None` if it was not done by then.
pub(super) async fn give_up<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let patience = async {
        for _ in 0..polls {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        done = future => Some(done),
        () = patience => None,
    }
}

/// From giving up at once to being patient enough for a write on a busy machine.
pub(super) const PATIENCE: [usize; 9] = [0, 1, 2, 3, 5, 10, 50, 200, 2_000];

async fn has(ground: &Ground, code: &str) -> bool {
    codes(&ground.all().await).iter().any(|c| c == code)
}

pub(super) async fn a_write_given_up_halfway_leaves_nothing(harness: &dyn Harness) {
    let ground = Ground::new(harness, "write given up").await;
    let id = ground.create_one(ground.source.sample("A")).await;
    let before = ground.find(id).await.expect("the row is there");
    for polls in PATIENCE {
        let _ = give_up(polls, ground.store.begin()).await;
        let mut work = ground.begin().await;
        let rows = (0..50).map(|i| ground.row(ground.source.sample(format!("X-{i}"))));
        let _ = give_up(polls, work.insert(Sample::SCHEMA, rows.collect())).await;
        drop(work);
        let mut work = ground.begin().await;
        let mut sample: Sample = record_of(&before);
        sample.pieces = 5;
        let (new, entry) = ground.successor(&before, sample);
        let _ = give_up(polls, work.update(Sample::SCHEMA, &before, new)).await;
        let _ = give_up(polls, work.journal(vec![entry])).await;
        drop(work);
        assert_eq!(ground.all().await, std::slice::from_ref(&before), "after {polls} polls");
    }
    let history = ground.store.history(Sample::SCHEMA, id, None, 10).await.expect("history");
    assert_eq!(history.len(), 1, "no entry of a work that was given up is kept");
    ground.create_one(ground.source.sample("X-0")).await;
    ground.assert_counts("after writes given up").await;
}

pub(super) async fn a_commit_given_up_halfway_is_whole_or_nothing(harness: &dyn Harness) {
    let ground = Ground::new(harness, "commit given up").await;
    for (i, polls) in PATIENCE.into_iter().enumerate() {
        let mut work = ground.begin().await;
        let pair = [format!("L-{i}"), format!("R-{i}")];
        let samples = pair.each_ref().map(|c| ground.source.sample(c.as_str()));
        ground.add(&mut *work, samples.into()).await;
        let done = give_up(polls, work.commit()).await;
        // The next writer comes after whatever became of it.
        ground.create_one(ground.source.sample(format!("NEXT-{i}"))).await;
        let (left, right) = (has(&ground, &pair[0]).await, has(&ground, &pair[1]).await);
        assert_eq!(left, right, "after {polls} polls: both rows or none");
        if let Some(outcome) = done {
            outcome.expect("committing");
            assert!(left, "a commit that has returned is kept");
        }
    }
    ground.assert_counts("after commits given up").await;
    let report = ground.store.verify(None).await.expect("verifying");
    assert!(report.breaks.is_empty(), "the chain holds: {:?}", report.breaks);
}

pub(super) async fn what_a_commit_given_up_has_left_is_sealed_unasked(harness: &dyn Harness) {
    let ground = Ground::new(harness, "left behind").await;
    for round in 0..120 {
        let mut work = ground.begin().await;
        ground.add(&mut *work, vec![ground.source.sample(format!("S-{round}"))]).await;
        let _ = give_up(round % 40, work.commit()).await;
        // No further write follows that could wake the sealer in passing.
        if round % 8 == 7 {
            assert_settled(&ground).await;
        }
    }
}

/// Asserts that head and figures come to stand at what is committed, by themselves.
async fn assert_settled(ground: &Ground) {
    let settled = async {
        loop {
            let rows = ground.all().await.len() as u64;
            let head = *ground.store.head().borrow();
            let counted = ground.store.counts().await.expect("the figures").position;
            if head == rows && counted == rows && ground.all().await.len() as u64 == rows {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(SOON, settled).await.is_err() {
        let rows = ground.all().await.len();
        let head = *ground.store.head().borrow();
        panic!("{rows} rows with an entry each are committed, but the head stays at {head}");
    }
}

pub(super) async fn what_a_seal_given_up_has_left_is_seen(harness: &dyn Harness) {
    let ground = Ground::new(harness, "seal given up").await;
    for round in 0..120 {
        ground.create_one(ground.source.sample(format!("S-{round}"))).await;
        let _ = give_up(round % 40, ground.store.seal()).await;
        if round % 8 == 7 {
            assert_settled(&ground).await;
        }
    }
    ground.assert_counts("after seals given up").await;
}

pub(super) async fn a_reading_given_up_halfway_harms_no_one(harness: &dyn Harness) {
    let ground = Ground::new(harness, "reading given up").await;
    let samples = (0..200).map(|i| ground.source.sample(format!("S-{i}")));
    ground.create(samples.collect::<Vec<_>>()).await;
    let query = Query::new(Predicate::All, 1_000);
    for polls in PATIENCE.into_iter().cycle().take(60) {
        let _ = give_up(polls, ground.list(&query)).await;
        let _ = give_up(polls, ground.store.feed(0, 100)).await;
        let _ = give_up(polls, ground.store.seal()).await;
        let _ = give_up(polls, ground.store.counts()).await;
    }
    assert_eq!(ground.all().await.len(), 200, "connections are not lost to those who gave up");
    ground.assert_counts("after readings given up").await;
    let report = ground.store.verify(None).await.expect("verifying");
    assert!(report.breaks.is_empty(), "the chain holds: {:?}", report.breaks);
    assert_eq!(report.unsealed, 0, "and everything is sealed");
}
