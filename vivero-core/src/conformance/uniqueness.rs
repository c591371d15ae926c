//! Values no two records share.

use super::Harness;
use super::ground::{Ground, codes, sort_by};
use super::sample::Sample;
use crate::error::Error;
use crate::query::{Predicate, Query};
use crate::record::Record as _;
use crate::{Result, Value};

fn assert_taken(outcome: &Result<impl std::fmt::Debug>, wanted: &str) {
    match outcome {
        Err(Error::Taken { resource, field }) => {
            assert_eq!(resource, "sample", "the refusal names the resource");
            assert_eq!(field, wanted, "the refusal names the field");
        }
        other => panic!("a taken {wanted} is refused with Taken, not answered with {other:?}"),
    }
}

pub(super) async fn a_taken_value_is_named_and_nothing_of_the_call_is_kept(harness: &dyn Harness) {
    let ground = Ground::new(harness, "taken").await;
    let mut first = ground.source.sample("A");
    first.label = Some("label of A".into());
    ground.create_one(first).await;

    let mut work = ground.begin().await;
    ground.add(&mut *work, vec![ground.source.sample("B")]).await;
    let rows = ["C", "D", "A", "E"].map(|code| ground.row(ground.source.sample(code)));
    assert_taken(&work.insert(Sample::SCHEMA, rows.to_vec()).await, "code");
    let mut same_label = ground.source.sample("F");
    same_label.label = Some("label of A".into());
    let rows = vec![ground.row(ground.source.sample("G")), ground.row(same_label)];
    assert_taken(&work.insert(Sample::SCHEMA, rows).await, "label");
    let twins = ["T", "T"].map(|code| ground.row(ground.source.sample(code)));
    assert_taken(&work.insert(Sample::SCHEMA, twins.to_vec()).await, "code");
    ground.add(&mut *work, vec![ground.source.sample("H")]).await;
    work.commit().await.expect("a work goes on after a refused call");

    let mut query = Query::new(Predicate::All, 100);
    query.sort = sort_by(Sample::SCHEMA, Some("code"), false);
    let kept = codes(&ground.list(&query).await);
    assert_eq!(kept, ["A", "B", "H"], "nothing of the refused calls is kept, all of the others");
    ground.assert_counts("after refused calls").await;
}

pub(super) async fn a_taken_value_among_thousands_undoes_them_all(harness: &dyn Harness) {
    let ground = Ground::new(harness, "thousands").await;
    let named = |code: String, name: &str| {
        let name = name.into();
        Sample { name, ..ground.source.sample(code) }
    };
    ground.create_one(named("TAKEN".into(), "first")).await;
    let mut work = ground.begin().await;
    let kept = (0..700).map(|i| named(format!("KEPT-{i}"), "kept"));
    ground.add(&mut *work, kept.collect()).await;
    // More than an engine writes by one statement, with the clash near the end.
    let mut doomed: Vec<Sample> =
        (0..2_000).map(|i| named(format!("DOOMED-{i}"), "doomed")).collect();
    doomed[1_990].code = "TAKEN".into();
    let rows = doomed.into_iter().map(|s| ground.row(s)).collect();
    assert_taken(&work.insert(Sample::SCHEMA, rows).await, "code");
    let after = (0..700).map(|i| named(format!("AFTER-{i}"), "after"));
    ground.add(&mut *work, after.collect()).await;
    work.commit().await.expect("a work goes on after a refused call");
    assert_eq!(ground.count(&Query::new(Predicate::All, 1)).await, 1_401, "all but the refused");
    for (word, times) in [("kept", 700), ("doomed", 0), ("after", 700), ("first", 1)] {
        let found = super::search::found(&ground, word).await;
        assert_eq!(found.len(), times, "{word:?} is found as often as it is there");
    }
    ground.assert_counts("after thousands were undone").await;
}

pub(super) async fn an_update_to_a_taken_value_changes_nothing(harness: &dyn Harness) {
    let ground = Ground::new(harness, "update taken").await;
    ground.create_one(ground.source.sample("A")).await;
    let id = ground.create_one(ground.source.sample("B")).await;
    let row = ground.find(id).await.expect("the row is there");
    let mut sample: Sample = super::ground::record_of(&row);
    sample.code = "A".into();
    sample.pieces = 3;
    let (new, _) = ground.successor(&row, sample.clone());
    let mut work = ground.begin().await;
    assert_taken(&work.update(Sample::SCHEMA, &row, new).await, "code");
    sample.code = "B2".into();
    let (new, _) = ground.successor(&row, sample);
    assert!(
        work.update(Sample::SCHEMA, &row, new.clone()).await.expect("updating"),
        "the work goes on"
    );
    work.commit().await.expect("committing");
    assert_eq!(ground.find(id).await, Some(new), "only the second update counts");
    ground.create_one(ground.source.sample("B")).await;
    let keeps_its_own = ground.edit(id, |s: &mut Sample| s.pieces = 4).await;
    assert_eq!(keeps_its_own.version, 3, "a record does not collide with itself");
}

pub(super) async fn no_value_is_not_a_value_two_records_share(harness: &dyn Harness) {
    let ground = Ground::new(harness, "no label").await;
    let mut empty = ground.source.sample("C");
    empty.label = Some(String::new());
    ground.create(vec![ground.source.sample("A"), ground.source.sample("B"), empty]).await;
    let mut query = Query::new(Predicate::All, 10);
    assert_eq!(ground.count(&query).await, 3, "many records may have no label");
    query.filter = Predicate::Equals("code", Value::Text("C".into()));
    assert_eq!(codes(&ground.list(&query).await), ["C"]);
}

pub(super) async fn values_that_only_look_alike_are_not_the_same(harness: &dyn Harness) {
    let ground = Ground::new(harness, "alike").await;
    // Case, accents, trailing spaces and invisible characters: databases fold all of these if let.
    let alike = [
        "abc",
        "ABC",
        "Abc",
        "äbc",
        "abc ",
        " abc",
        "abc\u{200b}",
        "abç",
        "ａbc",
        "straße",
        "strasse",
    ];
    ground.create(alike.iter().map(|code| ground.source.sample(*code)).collect()).await;
    for code in alike {
        let query = Query::new(Predicate::Equals("code", Value::Text(code.into())), 10);
        assert_eq!(codes(&ground.list(&query).await), [code], "a value equals itself only");
        let mut work = ground.begin().await;
        let row = ground.row(ground.source.sample(code));
        assert_taken(&work.insert(Sample::SCHEMA, vec![row]).await, "code");
    }
}

pub(super) async fn a_deleted_record_and_its_successor_never_both_live(harness: &dyn Harness) {
    let ground = Ground::new(harness, "successor").await;
    let old = ground.create_one(ground.source.sample("A")).await;
    let deleted = ground.set_deleted::<Sample>(old, true).await;
    // Whether a deleted record still holds its value is the engine's choice; that no two live
    // records share one is not.
    let mut work = ground.begin().await;
    let row = ground.row(ground.source.sample("A"));
    let inserted = work.insert(Sample::SCHEMA, vec![row]).await;
    if inserted.is_err() {
        assert_taken(&inserted, "code");
        return;
    }
    let (mut back, _) = ground.successor(&deleted, super::ground::record_of::<Sample>(&deleted));
    back.deleted_at = None;
    assert_taken(&work.update(Sample::SCHEMA, &deleted, back).await, "code");
    work.commit().await.expect("committing");
    assert_eq!(codes(&ground.all().await), ["A"], "one record has the code");
}

pub(super) async fn an_id_is_never_given_twice(harness: &dyn Harness) {
    let ground = Ground::new(harness, "same id").await;
    let first = ground.source.sample("A");
    let id = ground.create_one(first.clone()).await;
    let stored = ground.find(id).await;
    let mut second = first;
    second.code = "B".into();
    let mut work = ground.begin().await;
    let refused = work.insert(Sample::SCHEMA, vec![ground.row(second)]).await;
    assert!(refused.is_err(), "a second row with the same id is refused");
    drop(work);
    assert_eq!(ground.find(id).await, stored, "the first is untouched");
    assert_eq!(ground.all().await.len(), 1, "and the only one");
}
