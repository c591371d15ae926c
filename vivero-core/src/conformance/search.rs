//! Full-text search: where words are found, and when.

use super::Harness;
use super::ground::{Ground, codes, sort_by};
use super::sample::{Sample, State};
use crate::query::{Deleted, Predicate, Query};
use crate::record::Field as _;
use crate::search::Terms;
use serde_json::json;

/// Codes of the samples found by what a person typed, in order of creation.
pub(super) async fn found(ground: &Ground, typed: &str) -> Vec<String> {
    let mut query = Query::new(Predicate::All, 1_000);
    query.sort = sort_by(<Sample as crate::Record>::SCHEMA, None, false);
    query.search = Some(Terms::parse(typed).expect("a search that can be asked"));
    let rows = ground.list(&query).await;
    let counted = ground.count(&query).await;
    assert_eq!(counted, rows.len() as u64, "count and list agree on {typed:?}");
    codes(&rows)
}

fn named(ground: &Ground, code: &str, name: &str) -> Sample {
    let mut sample = ground.source.sample(code);
    sample.name = name.into();
    sample
}

/// Three samples with words in each searchable column.
async fn garden(ground: &Ground) -> [crate::Uuid; 3] {
    let mut lavender = named(ground, "LAV-2026-00012", "Lavandula angustifolia 'Hidcote'");
    lavender.papers =
        json!({"colour": "deep violet", "height": 45, "tested": [{"by": "Elm Laboratory"}]});
    let mut hebe = named(ground, "HEB-2026-00013", "Hebe albicans");
    hebe.papers = json!({"colour": "white", "height": 450});
    let laurel = named(ground, "PRU-2025-00012", "Prunus laurocerasus 'Otto Luyken'");
    let ids = ground.create(vec![lavender, hebe, laurel]).await;
    [ids[0], ids[1], ids[2]]
}

const LAVENDER: &str = "LAV-2026-00012";
const HEBE: &str = "HEB-2026-00013";
const LAUREL: &str = "PRU-2025-00012";

pub(super) async fn words_are_found_in_every_declared_column(harness: &dyn Harness) {
    let ground = Ground::new(harness, "words").await;
    garden(&ground).await;
    for (typed, wanted) in [
        ("lavandula", vec![LAVENDER]),
        ("lavan", vec![LAVENDER]),
        ("la", vec![LAVENDER, LAUREL]),
        ("albicans", vec![HEBE]),
        ("hidcote", vec![LAVENDER]),
        ("violet", vec![LAVENDER]),
        ("otto", vec![LAUREL]),
        ("vandula", vec![]),
        ("lavandulas", vec![]),
        ("rosa", vec![]),
    ] {
        assert_eq!(found(&ground, typed).await, wanted, "{typed:?}: words from their start");
    }
}

pub(super) async fn all_words_must_match(harness: &dyn Harness) {
    let ground = Ground::new(harness, "all words").await;
    garden(&ground).await;
    for (typed, wanted) in [
        ("hidcote lavandula", vec![LAVENDER]),
        ("lav hid ang vio lab", vec![LAVENDER]),
        ("lavandula lavandula", vec![LAVENDER]),
        ("lavandula albicans", vec![]),
        ("hebe white", vec![HEBE]),
        ("hebe violet", vec![]),
        ("  hebe \t white  ", vec![HEBE]),
    ] {
        assert_eq!(found(&ground, typed).await, wanted, "{typed:?}: all words, in any order");
    }
}

pub(super) async fn a_code_is_found_whole_and_in_pieces(harness: &dyn Harness) {
    let ground = Ground::new(harness, "codes").await;
    garden(&ground).await;
    for (typed, wanted) in [
        ("LAV-2026-00012", vec![LAVENDER]),
        ("lav-2026-00012", vec![LAVENDER]),
        ("lav202600012", vec![LAVENDER]),
        ("LAV/2026.00012", vec![LAVENDER]),
        ("LAV-2026", vec![LAVENDER]),
        ("lav 2026", vec![LAVENDER]),
        ("2026", vec![LAVENDER, HEBE]),
        ("00012", vec![LAVENDER, LAUREL]),
        ("0001", vec![LAVENDER, HEBE, LAUREL]),
        ("LAV-2026-00013", vec![]),
        ("HEB-2025", vec![]),
    ] {
        assert_eq!(found(&ground, typed).await, wanted, "{typed:?}: codes whole and in pieces");
    }
}

pub(super) async fn attributes_are_found_by_their_values(harness: &dyn Harness) {
    let ground = Ground::new(harness, "attributes").await;
    garden(&ground).await;
    for (typed, wanted) in [
        ("violet", vec![LAVENDER]),
        ("elm laboratory", vec![LAVENDER]),
        ("45", vec![LAVENDER, HEBE]),
        ("450", vec![HEBE]),
        ("colour", vec![]),
        ("tested", vec![]),
        ("true", vec![]),
        ("null", vec![]),
    ] {
        assert_eq!(found(&ground, typed).await, wanted, "{typed:?}: values of JSON, not its keys");
    }
}

pub(super) async fn what_is_found_follows_updates(harness: &dyn Harness) {
    let ground = Ground::new(harness, "follows").await;
    let [lavender, ..] = garden(&ground).await;
    ground.edit(lavender, |s: &mut Sample| s.name = "Salvia nemorosa".into()).await;
    assert!(found(&ground, "lavandula").await.is_empty(), "the old word is gone");
    assert_eq!(found(&ground, "salvia").await, [LAVENDER], "the new word is found");
    assert_eq!(found(&ground, "violet").await, [LAVENDER], "words of other columns stay");
    ground.edit(lavender, |s: &mut Sample| s.pieces = 9).await;
    assert_eq!(found(&ground, "salvia").await, [LAVENDER], "another change takes nothing away");
    ground.edit(lavender, |s: &mut Sample| s.papers = json!({})).await;
    assert!(found(&ground, "violet").await.is_empty(), "attributes are followed as well");
    ground.edit(lavender, |s: &mut Sample| s.code = "SAL-1".into()).await;
    assert!(found(&ground, "lav").await.is_empty(), "codes too");
    assert_eq!(found(&ground, "sal-1").await, ["SAL-1"]);

    let mut work = ground.begin().await;
    let edit = |s: &mut Sample| s.name = "Monarda".into();
    ground.edit_in(&mut *work, lavender, edit).await;
    let mut query = Query::new(Predicate::All, 10);
    query.search = Some(Terms::parse("monarda").expect("a word"));
    let schema = <Sample as crate::Record>::SCHEMA;
    let inside = work.list(schema, &query).await.expect("listing in a work");
    assert_eq!(inside.len(), 1, "a work finds by its own words");
    assert_eq!(work.count(schema, &query).await.expect("counting in a work"), 1);
    assert!(found(&ground, "monarda").await.is_empty(), "others do not, before it commits");
    drop(work);
    assert!(found(&ground, "monarda").await.is_empty(), "and never if it is dropped");
    assert_eq!(found(&ground, "salvia").await, ["SAL-1"], "the committed word is still found");
}

pub(super) async fn deleted_rows_are_not_found(harness: &dyn Harness) {
    let ground = Ground::new(harness, "not found").await;
    let [lavender, ..] = garden(&ground).await;
    ground.set_deleted::<Sample>(lavender, true).await;
    assert!(found(&ground, "lavandula").await.is_empty(), "a deleted row is not found");
    let mut query = Query::new(Predicate::All, 10);
    query.search = Some(Terms::parse("lavandula").expect("a word"));
    query.deleted = Deleted::Only;
    assert_eq!(
        codes(&ground.list(&query).await),
        [LAVENDER],
        "but where deleted rows are asked for"
    );
    ground.set_deleted::<Sample>(lavender, false).await;
    assert_eq!(found(&ground, "lavandula").await, [LAVENDER], "a recovered row is found again");
}

pub(super) async fn search_joins_with_filter_scope_and_count(harness: &dyn Harness) {
    let ground = Ground::new(harness, "joins").await;
    let tree = ground.plant_tree().await;
    let samples = (0..30).map(|i| {
        let mut sample =
            named(&ground, &format!("S-{i:02}"), ["Hebe", "Hebe salvia", "Ilex"][i % 3]);
        sample.state = State::ALL[i % 2];
        sample.place = Some(tree[i % 5]);
        sample
    });
    ground.create(samples.collect::<Vec<_>>()).await;
    let mut query = Query::new(Predicate::Within("place", vec![tree[1].uuid()]), 100);
    query.filter = Predicate::Equals("state", State::Open.into_value());
    query.search = Some(Terms::parse("hebe").expect("a word"));
    let wanted: Vec<String> = (0..30)
        .filter(|i| i % 3 != 2 && i % 2 == 0 && (1..=3).contains(&(i % 5)))
        .map(|i| format!("S-{i:02}"))
        .collect();
    for (column, descending) in
        [(None, false), (Some("code"), false), (None, true), (Some("code"), true)]
    {
        query.sort = sort_by(<Sample as crate::Record>::SCHEMA, column, descending);
        let mut listed = codes(&ground.list(&query).await);
        if descending {
            listed.reverse();
        }
        assert_eq!(listed, wanted, "search, filter and scope, sorted {}", query.sort.name());
        assert_eq!(ground.count(&query).await, wanted.len() as u64, "and counted");
    }
    query.scope = Predicate::None;
    assert!(ground.list(&query).await.is_empty(), "nothing is found out of scope");
    assert_eq!(ground.count(&query).await, 0, "nor counted");
}

pub(super) async fn undeclared_columns_are_not_searched(harness: &dyn Harness) {
    let ground = Ground::new(harness, "undeclared").await;
    let mut sample = named(&ground, "A", "Hebe");
    sample.remark = Some("remarkable".into());
    sample.note = Some("noteworthy".into());
    sample.label = Some("labelled".into());
    sample.extra = Some(json!({"extra": "ordinary"}));
    sample.seal = b"sealed".to_vec();
    ground.create_one(sample).await;
    for word in ["remarkable", "noteworthy", "labelled", "ordinary", "sealed", "open"] {
        assert!(found(&ground, word).await.is_empty(), "{word} is in no searchable column");
    }
}
