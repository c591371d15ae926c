//! Single rows: writing, finding, versions, soft deletion.

use super::Harness;
use super::ground::{Ground, sort_by};
use super::sample::{Sample, State};
use crate::query::{Deleted, Predicate, Query, Sort};
use crate::record::{Record as _, Row};
use crate::{Uuid, Value};
use std::sync::Arc;

pub(super) async fn a_row_is_found_by_its_id_as_it_was_written(harness: &dyn Harness) {
    let ground = Ground::new(harness, "found").await;
    let mut row = ground.row(ground.source.sample("A"));
    row.created_by = ground.source.id();
    let mut work = ground.begin().await;
    work.insert(Sample::SCHEMA, vec![row.clone()]).await.expect("inserting");
    work.commit().await.expect("committing");
    let found = ground.find(row.id).await.expect("an inserted row is found");
    assert!(found.seq > 0, "the engine gives a sequence number");
    row.seq = found.seq;
    assert_eq!(found, row, "a row is as it was written: versions, instants, people and values");
    assert_eq!(ground.all().await, [row], "list gives the same row");
    assert_eq!(ground.find(ground.source.id()).await, None, "an unknown id is None, no error");
    assert_eq!(ground.find(Uuid::nil()).await, None, "so is the nil id");
}

pub(super) async fn a_row_out_of_scope_is_not_found(harness: &dyn Harness) {
    let ground = Ground::new(harness, "scope").await;
    let id = ground.create_one(ground.source.sample("A")).await;
    let by = Value::Id(ground.by.uuid());
    let other = Value::Id(ground.source.id());
    let mine = Predicate::Equals("created_by", by);
    let theirs = Predicate::Equals("created_by", other);
    for (scope, reaches) in
        [(Predicate::All, true), (mine, true), (theirs, false), (Predicate::None, false)]
    {
        let found = ground.find_in(Sample::SCHEMA, id, &scope, Deleted::Hidden).await;
        assert_eq!(found.is_some(), reaches, "find within {scope:?}");
        let mut work = ground.begin().await;
        let found = work.find(Sample::SCHEMA, id, &scope, Deleted::Hidden).await.expect("finding");
        assert_eq!(found.is_some(), reaches, "find in a work, within {scope:?}");
        drop(work);
        let query = Query::new(scope.clone(), 10);
        assert_eq!(ground.list(&query).await.len(), usize::from(reaches), "list within {scope:?}");
        assert_eq!(ground.count(&query).await, u64::from(reaches), "count within {scope:?}");
    }
}

pub(super) async fn sequence_numbers_ascend_in_the_order_of_creation(harness: &dyn Harness) {
    let ground = Ground::new(harness, "ascend").await;
    let samples = |range: std::ops::Range<usize>| -> Vec<Sample> {
        range.map(|i| ground.source.sample(format!("S-{i:03}"))).collect()
    };
    let mut ids = ground.create(samples(0..7)).await;
    ids.extend(ground.create(samples(7..8)).await);
    let mut work = ground.begin().await;
    ids.extend(ground.add(&mut *work, samples(8..10)).await);
    ids.extend(ground.add(&mut *work, samples(10..12)).await);
    work.commit().await.expect("committing");
    let mut query = Query::new(Predicate::All, 100);
    query.sort = sort_by(Sample::SCHEMA, None, false);
    let rows = ground.list(&query).await;
    let in_order: Vec<Uuid> = rows.iter().map(|r| r.id).collect();
    assert_eq!(in_order, ids, "ascending order of creation, also within one insert");
    assert!(rows.windows(2).all(|w| w[0].seq < w[1].seq), "sequence numbers ascend");
    query.sort = Sort::default();
    let newest_first: Vec<Uuid> = ground.list(&query).await.iter().map(|r| r.id).rev().collect();
    assert_eq!(newest_first, ids, "the default order is the reverse");
    let changed = ground.edit(ids[3], |s: &mut Sample| s.pieces = 1).await;
    assert_eq!(ground.find(ids[3]).await, Some(changed), "an update keeps the sequence number");
}

pub(super) async fn deleted_rows_are_hidden_or_shown_as_asked(harness: &dyn Harness) {
    let ground = Ground::new(harness, "deleted").await;
    let kept = ground.create_one(ground.source.sample("KEPT")).await;
    let gone = ground.create_one(ground.source.sample("GONE")).await;
    let deleted = ground.set_deleted::<Sample>(gone, true).await;
    assert!(deleted.deleted_at.is_some());
    for (which, sees_kept, sees_gone) in [
        (Deleted::Hidden, true, false),
        (Deleted::Only, false, true),
        (Deleted::Included, true, true),
    ] {
        for (id, sees) in [(kept, sees_kept), (gone, sees_gone)] {
            let found = ground.find_in(Sample::SCHEMA, id, &Predicate::All, which).await;
            assert_eq!(found.is_some(), sees, "find with {which:?}");
        }
        for sort in [Sort::default(), sort_by(Sample::SCHEMA, Some("code"), false)] {
            let mut query = Query::new(Predicate::All, 10);
            query.deleted = which;
            query.sort = sort;
            query.filter = Predicate::Equals("state", Value::Text(State::Open.as_str().into()));
            let ids: Vec<Uuid> = ground.list(&query).await.iter().map(|r| r.id).collect();
            assert_eq!(
                (ids.contains(&kept), ids.contains(&gone)),
                (sees_kept, sees_gone),
                "list with {which:?}"
            );
            assert_eq!(ground.count(&query).await, ids.len() as u64, "count with {which:?}");
        }
    }
    let shown = ground.find_in(Sample::SCHEMA, gone, &Predicate::All, Deleted::Only).await;
    assert_eq!(shown, Some(deleted), "a deleted row shows when it was deleted");
    ground.set_deleted::<Sample>(gone, false).await;
    let back = ground.find(gone).await.expect("a recovered row is found again");
    assert_eq!((back.version, back.deleted_at), (3, None), "a recovered row is live");
}

pub(super) async fn an_update_needs_the_version_that_is_stored(harness: &dyn Harness) {
    let ground = Ground::new(harness, "version").await;
    let id = ground.create_one(ground.source.sample("A")).await;
    let row = ground.find(id).await.expect("the row is there");
    let mut sample: Sample = super::ground::record_of(&row);
    sample.pieces = 9;
    let (new, _) = ground.successor(&row, sample);
    for wrong in [0, 2, -1, i64::MAX] {
        let before = Row { version: wrong, ..row.clone() };
        let mut work = ground.begin().await;
        let done = work.update(Sample::SCHEMA, &before, new.clone()).await.expect("updating");
        assert!(!done, "an update that expects version {wrong} of 1 is not done");
        work.commit().await.expect("committing");
        assert_eq!(ground.find(id).await.as_ref(), Some(&row), "and changes nothing");
    }
    let mut work = ground.begin().await;
    assert!(
        work.update(Sample::SCHEMA, &row, new.clone()).await.expect("updating"),
        "the stored version"
    );
    let again = work.update(Sample::SCHEMA, &row, new.clone()).await.expect("updating");
    assert!(!again, "the work sees its own new version");
    work.commit().await.expect("committing");
    assert_eq!(ground.find(id).await, Some(new.clone()), "the row is replaced");
    let mut work = ground.begin().await;
    let stranger = Row { id: ground.source.id(), ..new.clone() };
    let next = Row { version: 3, ..stranger.clone() };
    assert!(
        !work.update(Sample::SCHEMA, &stranger, next).await.expect("updating"),
        "an unknown id"
    );
}

pub(super) async fn an_update_keeps_other_rows_as_they_are(harness: &dyn Harness) {
    let ground = Ground::new(harness, "others").await;
    let samples = (0..5).map(|i| ground.source.sample(format!("S-{i}"))).collect();
    let ids = ground.create(samples).await;
    let before = ground.all().await;
    let new = ground.edit(ids[2], |s: &mut Sample| s.name = "changed".into()).await;
    for row in before {
        let now = ground.find(row.id).await;
        assert_eq!(now, Some(if row.id == ids[2] { new.clone() } else { row }), "only one changed");
    }
}

pub(super) async fn many_rows_are_written_at_once(harness: &dyn Harness) {
    let ground = Ground::new(harness, "many").await;
    let samples = (0..2_500).map(|i| ground.source.sample(format!("S-{i:05}"))).collect();
    let ids = ground.create(samples).await;
    assert_eq!(ground.count(&Query::new(Predicate::All, 1)).await, 2_500, "all of them");
    assert!(ground.find(ids[2_499]).await.is_some(), "the last one too");
    let mut work = ground.begin().await;
    work.insert(Sample::SCHEMA, Vec::new()).await.expect("inserting nothing is no error");
    work.journal(Vec::new()).await.expect("nor is journalling nothing");
    work.commit().await.expect("committing");
    ground.assert_counts("after writing many").await;
}

/// Finds a row on a reader of its own.
async fn look(ground: Arc<Ground>, id: Uuid, scope: Predicate) -> Option<Row> {
    ground.find_in(Sample::SCHEMA, id, &scope, Deleted::Hidden).await
}

pub(super) async fn many_look_for_rows_at_once_and_each_gets_their_own(harness: &dyn Harness) {
    let ground = Arc::new(Ground::new(harness, "at once").await);
    let samples = (0..90).map(|n| ground.source.sample(format!("S-{n:03}")));
    let ids = ground.create(samples.collect()).await;
    for id in &ids[..10] {
        ground.set_deleted::<Sample>(*id, true).await;
    }
    let mine = Predicate::Equals("created_by", Value::Id(ground.by.uuid()));
    let theirs = Predicate::Equals("created_by", Value::Id(ground.source.id()));
    for _ in 0..3 {
        let mut looking = Vec::new();
        for n in 0..400 {
            let id = if n % 9 == 0 { ground.source.id() } else { *ground.source.pick(&ids) };
            let (scope, reaches) = match n % 7 {
                0 => (theirs.clone(), false),
                1 => (mine.clone(), true),
                _ => (Predicate::All, true),
            };
            let wanted = reaches && ids[10..].contains(&id);
            looking.push((id, wanted, tokio::spawn(look(Arc::clone(&ground), id, scope))));
        }
        for (n, (id, wanted, task)) in looking.into_iter().enumerate() {
            // Some go away before they have an answer.
            if n % 11 == 0 {
                task.abort();
                continue;
            }
            let found = task.await.expect("finding a row");
            assert_eq!(found.map(|row| row.id), wanted.then_some(id), "the row asked for, or none");
        }
    }
}

pub(super) async fn whoever_looks_sees_what_was_committed_before(harness: &dyn Harness) {
    let ground = Arc::new(Ground::new(harness, "before").await);
    let ids = ground.create((0..8).map(|n| ground.source.sample(format!("S-{n}"))).collect()).await;
    // Others look for the same rows all the while.
    let others: Vec<_> = (0..12)
        .map(|n| {
            let (ground, id) = (Arc::clone(&ground), ids[n % ids.len()]);
            tokio::spawn(async move {
                let mut last = 0;
                loop {
                    let row = look(Arc::clone(&ground), id, Predicate::All).await;
                    let version = row.expect("the row is there").version;
                    assert!(version >= last, "version {version} after {last}");
                    last = version;
                }
            })
        })
        .collect();
    for round in 0..60 {
        let id = ids[round % ids.len()];
        let new = ground.edit::<Sample>(id, |sample| sample.pieces += 1).await;
        let found = look(Arc::clone(&ground), id, Predicate::All).await;
        assert_eq!(found, Some(new), "round {round}");
    }
    for task in others {
        assert!(!task.is_finished(), "nobody else failed");
        task.abort();
    }
}
