//! Figures kept by the sealer equal the rows.

use super::Harness;
use super::ground::Ground;
use super::sample::{Sample, State};
use crate::journal::CountKey;
use crate::query::{Deleted, Predicate, Query};
use crate::record::Record as _;
use futures_util::future::join_all;
use std::sync::Arc;

async fn figure(ground: &Ground, field: &str, value: &str) -> i128 {
    ground.seal().await;
    let counts = ground.store.counts().await.expect("the figures");
    let key = CountKey { resource: "sample".into(), field: field.into(), value: value.into() };
    counts.values.get(&key).copied().unwrap_or(0)
}

pub(super) async fn figures_follow_each_kind_of_change(harness: &dyn Harness) {
    let ground = Ground::new(harness, "follow").await;
    let mut sample = ground.source.sample("A");
    sample.pieces = 40;
    sample.weight = Some(-7);
    sample.grade = Some(State::Growing);
    let a = ground.create_one(sample).await;
    ground.create(vec![ground.source.sample("B"), ground.source.sample("C")]).await;
    assert_eq!(figure(&ground, "", "").await, 3, "the number of records");
    assert_eq!(figure(&ground, "state", "open").await, 3, "by value");
    assert_eq!(figure(&ground, "grade", "growing").await, 1, "by value that may be missing");
    assert_eq!(figure(&ground, "grade", "").await, 2, "and those without one");
    assert_eq!(figure(&ground, "+pieces", "").await, 40, "a sum");
    assert_eq!(figure(&ground, "+weight", "").await, -7, "a sum of what may be missing");

    ground
        .edit(a, |s: &mut Sample| {
            s.state = State::Closed;
            s.grade = None;
            s.pieces = 15;
            s.weight = None;
        })
        .await;
    assert_eq!(figure(&ground, "state", "open").await, 2, "one left this value");
    assert_eq!(figure(&ground, "state", "closed").await, 1, "and came to that");
    assert_eq!(figure(&ground, "grade", "growing").await, 0, "one lost its value");
    assert_eq!(figure(&ground, "grade", "").await, 3, "all are without");
    assert_eq!(figure(&ground, "+pieces", "").await, 15, "the sum follows");
    assert_eq!(figure(&ground, "+weight", "").await, 0, "also to nothing");
    ground.assert_counts("after an update").await;

    ground.set_deleted::<Sample>(a, true).await;
    assert_eq!(figure(&ground, "", "").await, 2, "a deleted record is not counted");
    assert_eq!(figure(&ground, "+pieces", "").await, 0, "nor summed");
    ground.assert_counts("after a deletion").await;
    ground.set_deleted::<Sample>(a, false).await;
    assert_eq!(figure(&ground, "state", "closed").await, 1, "a recovered one is");
    assert_eq!(figure(&ground, "+pieces", "").await, 15, "and summed");
    ground.assert_counts("after a recovery").await;
    let tree = ground.plant_tree().await;
    ground.edit(a, |s: &mut Sample| s.place = Some(tree[2])).await;
    let place = tree[2].uuid().to_string();
    assert_eq!(figure(&ground, "place", &place).await, 1, "by id");
    ground.assert_counts("with places").await;
}

pub(super) async fn sums_are_exact_also_where_they_do_not_fit_a_column(harness: &dyn Harness) {
    let ground = Ground::new(harness, "sums").await;
    let mut ids = Vec::new();
    for (i, (pieces, weight)) in
        [(i64::MAX, Some(i64::MIN)), (i64::MAX, Some(i64::MIN)), (1 << 40, None), (-7, Some(-1))]
            .into_iter()
            .enumerate()
    {
        let mut sample = ground.source.sample(format!("S{i}"));
        (sample.pieces, sample.weight) = (pieces, weight);
        ids.push(ground.create_one(sample).await);
        // One seal each, and all at once: sums of sums.
        if i == 1 {
            ground.seal().await;
        }
    }
    let pieces = 2 * i128::from(i64::MAX) + (1 << 40) - 7;
    assert_eq!(figure(&ground, "+pieces", "").await, pieces);
    assert_eq!(figure(&ground, "+weight", "").await, 2 * i128::from(i64::MIN) - 1);
    ground.assert_counts("with sums that do not fit a column").await;
    // One change may be greater than any value.
    ground.edit(ids[0], |s: &mut Sample| (s.pieces, s.weight) = (i64::MIN, Some(i64::MAX))).await;
    assert_eq!(figure(&ground, "+pieces", "").await, (1 << 40) - 8);
    assert_eq!(figure(&ground, "+weight", "").await, -2);
    ground.assert_counts("after a change from one end to the other").await;
    for id in &ids[..3] {
        ground.set_deleted::<Sample>(*id, true).await;
    }
    assert_eq!(figure(&ground, "+pieces", "").await, -7, "what sums passed through is forgotten");
    ground.assert_counts("after deletions").await;
}

/// Some changes of every kind to rows that are there by chance; half of the works are dropped
/// where `drops` says so.
async fn mix(ground: &Ground, task: usize, works: usize, drops: bool) {
    let source = &ground.source;
    for round in 0..works {
        let mut work = ground.begin().await;
        for step in 0..=source.dice(4) {
            let which = if source.dice(4) == 0 { Deleted::Only } else { Deleted::Hidden };
            let mut query = Query::new(Predicate::All, 50);
            query.deleted = which;
            let rows = work.list(Sample::SCHEMA, &query).await.expect("listing in a work");
            if rows.len() < 5 && which == Deleted::Hidden || source.dice(4) == 0 {
                let mut sample = source.sample(format!("{task}-{round}-{step}"));
                change(ground, &mut sample);
                ground.add(&mut *work, vec![sample]).await;
            } else if rows.is_empty() {
            } else if which == Deleted::Only {
                let id = source.pick(&rows).id;
                ground.set_deleted_in::<Sample>(&mut *work, id, false).await;
            } else if source.dice(4) == 0 {
                let id = source.pick(&rows).id;
                ground.set_deleted_in::<Sample>(&mut *work, id, true).await;
            } else {
                let id = source.pick(&rows).id;
                ground.edit_in(&mut *work, id, |s: &mut Sample| change(ground, s)).await;
            }
        }
        if drops && source.dice(2) == 0 {
            drop(work);
        } else {
            work.commit().await.expect("committing");
        }
        if source.dice(5) == 0 {
            ground.seal().await;
        }
    }
}

fn change(ground: &Ground, sample: &mut Sample) {
    let source = &ground.source;
    let small = || i64::try_from(source.dice(200)).expect("small") - 100;
    match source.dice(5) {
        0 => sample.state = *source.pick(State::ALL),
        1 => sample.grade = (source.dice(3) > 0).then(|| *source.pick(State::ALL)),
        2 => sample.pieces = small(),
        3 => sample.weight = (source.dice(3) > 0).then(small),
        _ => {
            sample.state = *source.pick(State::ALL);
            sample.pieces = small();
            let remarks = [None, Some(""), Some("a"), Some("A"), Some("a "), Some("ä")];
            sample.remark = source.pick(&remarks).map(String::from);
        }
    }
    sample.rank = Some(small());
}

pub(super) async fn figures_equal_a_recount_after_any_mix_of_changes(harness: &dyn Harness) {
    let ground = Ground::new(harness, "mix").await;
    for round in 0..10 {
        mix(&ground, round, 8, false).await;
        ground.assert_counts(&format!("after round {round}")).await;
    }
}

pub(super) async fn figures_equal_a_recount_after_concurrent_changes(harness: &dyn Harness) {
    let ground = Arc::new(Ground::new(harness, "concurrent mix").await);
    let tasks = (0..6).map(|task| {
        let ground = Arc::clone(&ground);
        tokio::spawn(async move { mix(&ground, task, 12, true).await })
    });
    for task in join_all(tasks).await {
        task.expect("each task changes rows");
    }
    ground.assert_counts("after concurrent changes").await;
    let live = ground.count(&Query::new(Predicate::All, 1)).await;
    let total = figure(&ground, "", "").await;
    assert_eq!(u64::try_from(total).expect("not negative"), live, "the total is that of the list");
}

pub(super) async fn a_dropped_work_is_not_counted(harness: &dyn Harness) {
    let ground = Ground::new(harness, "not counted").await;
    ground.create_one(ground.source.sample("A")).await;
    ground.seal().await;
    // An engine with one writer seals after the work that is open: only reading is asked for here.
    let before = ground.store.counts().await.expect("the figures");
    let mut work = ground.begin().await;
    ground.add(&mut *work, vec![ground.source.sample("B")]).await;
    let during = ground.store.counts().await.expect("the figures");
    assert_eq!(during, before, "an uncommitted row is not counted");
    drop(work);
    assert_eq!(figure(&ground, "", "").await, 1, "nor one of a dropped work");
    ground.assert_counts("after a dropped work").await;
}
