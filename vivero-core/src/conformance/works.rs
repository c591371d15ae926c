//! Transactions: all or nothing, and one after another.

use super::Harness;
use super::ground::{Ground, codes, may_retry, record_of};
use super::sample::Sample;
use crate::query::{Deleted, Predicate, Query};
use crate::record::Record as _;
use crate::{Result, Uuid};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;

/// Far more tries than any task needs: a bound that turns an endless loop into a failure.
pub(super) const TRIES: usize = 10_000;

pub(super) async fn a_dropped_work_leaves_nothing(harness: &dyn Harness) {
    let ground = Ground::new(harness, "dropped").await;
    let kept = ground.create_one(ground.source.sample("KEPT")).await;
    let before = ground.find(kept).await;
    for _ in 0..3 {
        let mut work = ground.begin().await;
        ground.add(&mut *work, vec![ground.source.sample("NEVER")]).await;
        ground.edit_in(&mut *work, kept, |s: &mut Sample| s.pieces = 99).await;
        ground.set_deleted_in::<Sample>(&mut *work, kept, true).await;
        drop(work);
        assert_eq!(codes(&ground.all().await), ["KEPT"], "an inserted row is undone");
        assert_eq!(ground.find(kept).await, before, "a changed row is as before");
    }
    ground.create_one(ground.source.sample("NEVER")).await;
    assert_eq!(ground.all().await.len(), 2, "the next work is free to use the same values");
    let history = ground.store.history(Sample::SCHEMA, kept, None, 10).await.expect("history");
    assert_eq!(history.len(), 1, "nothing of it is in the journal");
}

pub(super) async fn a_work_sees_its_own_writes(harness: &dyn Harness) {
    let ground = Ground::new(harness, "own writes").await;
    let id = ground.create_one(ground.source.sample("A")).await;
    let mut work = ground.begin().await;
    let new = ground.edit_in(&mut *work, id, |s: &mut Sample| s.pieces = 7).await;
    let other = ground.add(&mut *work, vec![ground.source.sample("B")]).await[0];
    let query = Query::new(Predicate::All, 10);
    let found = work.find(Sample::SCHEMA, id, &Predicate::All, Deleted::Hidden).await;
    assert_eq!(found.expect("finding"), Some(new), "find sees its own update");
    let listed = work.list(Sample::SCHEMA, &query).await.expect("listing");
    assert_eq!(codes(&listed), ["B", "A"], "list sees its own insert");
    assert_eq!(work.count(Sample::SCHEMA, &query).await.expect("counting"), 2, "so does count");
    let entries = work.changes_since(Sample::SCHEMA, id, 1, 10).await.expect("changes");
    assert_eq!(entries.len(), 1, "changes_since sees its own entries");
    ground.set_deleted_in::<Sample>(&mut *work, other, true).await;
    assert_eq!(work.count(Sample::SCHEMA, &query).await.expect("counting"), 1, "and deletions");
    work.commit().await.expect("committing");
}

pub(super) async fn others_see_a_work_only_once_it_is_committed(harness: &dyn Harness) {
    let ground = Ground::new(harness, "once committed").await;
    let id = ground.create_one(ground.source.sample("A")).await;
    let before = ground.find(id).await;
    let mut work = ground.begin().await;
    let new = ground.edit_in(&mut *work, id, |s: &mut Sample| s.pieces = 7).await;
    ground.add(&mut *work, vec![ground.source.sample("B")]).await;
    assert_eq!(ground.find(id).await, before, "an uncommitted update is not seen");
    assert_eq!(codes(&ground.all().await), ["A"], "an uncommitted insert is not seen");
    assert_eq!(ground.count(&Query::new(Predicate::All, 1)).await, 1, "nor counted");
    let since = {
        let mut rows = ground.store.read().await.expect("a connection for reading");
        rows.changes_since(Sample::SCHEMA, id, 1, 10).await.expect("changes")
    };
    assert!(since.is_empty(), "nor are its entries seen");
    work.commit().await.expect("committing");
    assert_eq!(ground.find(id).await, Some(new), "after the commit, the update is seen");
    assert_eq!(codes(&ground.all().await), ["B", "A"], "and the insert");
}

pub(super) async fn reading_does_not_wait_for_a_writer(harness: &dyn Harness) {
    let ground = Ground::new(harness, "no waiting").await;
    ground.create_one(ground.source.sample("A")).await;
    let mut work = ground.begin().await;
    ground.add(&mut *work, vec![ground.source.sample("B")]).await;
    let reading = async {
        for _ in 0..20 {
            assert_eq!(ground.all().await.len(), 1);
        }
        ground.store.feed(0, 10).await.expect("the feed");
        ground.store.counts().await.expect("the figures");
    };
    let in_time = tokio::time::timeout(Duration::from_secs(10), reading).await;
    assert!(in_time.is_ok(), "reading goes on while a work is open");
    work.commit().await.expect("committing");
}

pub(super) async fn what_one_has_committed_the_next_sees(harness: &dyn Harness) {
    let ground = Ground::new(harness, "next").await;
    for i in 0..100 {
        let id = ground.create_one(ground.source.sample(format!("S-{i}"))).await;
        assert!(ground.find(id).await.is_some(), "a read after a commit sees it, each time");
        let mut work = ground.begin().await;
        let found = work.find(Sample::SCHEMA, id, &Predicate::All, Deleted::Hidden).await;
        assert!(found.expect("finding").is_some(), "so does a work");
    }
}

/// Adds one to the pieces of a row, if nobody else was faster.
async fn increment(ground: &Ground, id: Uuid) -> Result<bool> {
    let found = {
        let mut rows = ground.store.read().await?;
        rows.find(Sample::SCHEMA, id, &Predicate::All, Deleted::Hidden).await?
    };
    let row = found.expect("the row is there");
    let mut sample: Sample = record_of(&row);
    sample.pieces += 1;
    let (new, entry) = ground.successor(&row, sample);
    let mut work = ground.store.begin().await?;
    if !work.update(Sample::SCHEMA, &row, new).await? {
        return Ok(false);
    }
    work.journal(vec![entry]).await?;
    work.commit().await?;
    Ok(true)
}

pub(super) async fn concurrent_increments_lose_nothing(harness: &dyn Harness) {
    let ground = Arc::new(Ground::new(harness, "increments").await);
    let id = ground.create_one(ground.source.sample("COUNTER")).await;
    let tasks = (0..16).map(|_| {
        let ground = Arc::clone(&ground);
        tokio::spawn(async move {
            for _ in 0..5 {
                let mut tries = 0;
                loop {
                    tries += 1;
                    assert!(tries < TRIES, "an increment succeeds after some tries");
                    match increment(&ground, id).await {
                        Ok(true) => break,
                        Ok(false) => {}
                        Err(e) if may_retry(&e) => {}
                        Err(e) => panic!("a lost race is false or an error to retry, not {e:?}"),
                    }
                    tokio::task::yield_now().await;
                }
            }
        })
    });
    for task in join_all(tasks).await {
        task.expect("each task increments five times");
    }
    let row = ground.find(id).await.expect("the row is there");
    assert_eq!(record_of::<Sample>(&row).pieces, 80, "16 tasks add 5 each");
    assert_eq!(row.version, 81, "one version for each");
    let entries = ground.store.history(Sample::SCHEMA, id, None, 1_000).await.expect("history");
    let versions: Vec<i64> = entries.iter().map(|e| e.version).collect();
    assert_eq!(versions, (1..=81).rev().collect::<Vec<_>>(), "one entry for each");
    ground.assert_counts("after concurrent increments").await;
}

/// Moves one piece from one row to another, both read within the work.
async fn transfer(ground: &Ground, from: Uuid, to: Uuid) -> Result<bool> {
    let mut work = ground.store.begin().await?;
    for (id, by) in [(from, -1), (to, 1)] {
        let found = work.find(Sample::SCHEMA, id, &Predicate::All, Deleted::Hidden).await?;
        let row = found.expect("the row is there");
        let mut sample: Sample = record_of(&row);
        sample.pieces += by;
        let (new, entry) = ground.successor(&row, sample);
        if !work.update(Sample::SCHEMA, &row, new).await? {
            return Ok(false);
        }
        work.journal(vec![entry]).await?;
    }
    work.commit().await?;
    Ok(true)
}

pub(super) async fn two_rows_change_together_or_not_at_all(harness: &dyn Harness) {
    let ground = Arc::new(Ground::new(harness, "together").await);
    let samples = ["A", "B", "C"].map(|c| Sample { pieces: 100, ..ground.source.sample(c) });
    let ids = ground.create(samples.into()).await;
    let tasks = (0..6).map(|t| {
        let (ground, ids) = (Arc::clone(&ground), ids.clone());
        tokio::spawn(async move {
            let mut done = 0;
            for i in 0..TRIES {
                match transfer(&ground, ids[(t + i) % 3], ids[(t + i + 1 + i % 2) % 3]).await {
                    Ok(moved) => done += usize::from(moved),
                    Err(e) => assert!(may_retry(&e), "a lost race is an error to retry, not {e:?}"),
                }
                if done == 10 {
                    return;
                }
            }
            panic!("ten of {TRIES} transfers succeed");
        })
    });
    let watcher = {
        let ground = Arc::clone(&ground);
        tokio::spawn(async move {
            for _ in 0..50 {
                let rows = ground.all().await;
                let sum: i64 = rows.iter().map(|r| record_of::<Sample>(r).pieces).sum();
                assert_eq!(sum, 300, "one list never shows half of a work");
                tokio::task::yield_now().await;
            }
        })
    };
    for task in join_all(tasks).await {
        task.expect("each task moves ten pieces");
    }
    watcher.await.expect("the sum is the same at every look");
    ground.assert_counts("after concurrent transfers").await;
}
