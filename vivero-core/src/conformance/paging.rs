//! Pages by cursor give each row exactly once.

use super::Harness;
use super::ground::{Ground, cursor_after, sort_by};
use super::sample::{Sample, State};
use super::sorting::{every_sort, tied_samples, varied};
use crate::query::{Deleted, Predicate, Query};
use crate::record::{Field as _, Record as _, Row};
use crate::search::Terms;
use crate::{Cursor, Error, Uuid, Value};

/// The page sizes of every case.
const SIZES: [u32; 3] = [1, 2, 7];

/// All pages of a list, one after another.
pub(super) async fn walk(ground: &Ground, query: &Query, size: u32) -> Vec<Row> {
    let mut query = Query { limit: size, ..query.clone() };
    let mut all = Vec::new();
    loop {
        let page = ground.list(&query).await;
        assert!(page.len() <= size as usize, "a page has at most {size} rows");
        assert!(all.len() < 2_000, "{}: pages come to an end", query.sort.name());
        let Some(last) = page.last() else { return all };
        query.after = Some(cursor_after(last, query.sort, Sample::SCHEMA));
        all.extend(page);
    }
}

async fn assert_pages(ground: &Ground, query: &Query) {
    let whole = ground.list(&Query { limit: 10_000, ..query.clone() }).await;
    for size in SIZES {
        let paged = walk(ground, query, size).await;
        let ids = |rows: &[Row]| rows.iter().map(|r| r.id).collect::<Vec<Uuid>>();
        let name = query.sort.name();
        assert_eq!(ids(&paged), ids(&whole), "{name}: pages of {size} (left) are the whole list");
        assert_eq!(paged, whole, "{name}: pages of {size} have the same rows");
    }
}

pub(super) async fn pages_of_every_sort_give_each_row_once(harness: &dyn Harness) {
    let ground = Ground::new(harness, "pages").await;
    let ids = tied_samples(&ground, 33).await;
    for id in ids.iter().step_by(6) {
        ground.set_deleted::<Sample>(*id, true).await;
    }
    for sort in every_sort() {
        for deleted in [Deleted::Hidden, Deleted::Only, Deleted::Included] {
            let query = Query { sort, deleted, ..Query::new(Predicate::All, 0) };
            assert_pages(&ground, &query).await;
        }
    }
}

pub(super) async fn pages_of_a_filtered_list_give_each_row_once(harness: &dyn Harness) {
    let ground = Ground::new(harness, "filtered pages").await;
    tied_samples(&ground, 33).await;
    let growing = || Predicate::Equals("state", State::Growing.into_value());
    let some = Predicate::OneOf("rank", vec![Value::Int(0), Value::Int(7)]);
    let several = State::ALL.iter().map(|s| s.into_value()).collect();
    let filters = [
        growing(),
        Predicate::OneOf("state", several),
        Predicate::Equals("rank", Value::Null),
        Predicate::And(vec![growing(), Predicate::Equals("rank", Value::Null)]),
        Predicate::Or(vec![growing(), some.clone()]),
    ];
    for sort in every_sort() {
        for filter in &filters {
            let query = Query { sort, filter: filter.clone(), ..Query::new(Predicate::All, 0) };
            assert_pages(&ground, &query).await;
        }
        let scoped = Query { sort, filter: growing(), ..Query::new(some.clone(), 0) };
        assert_pages(&ground, &scoped).await;
    }
}

pub(super) async fn pages_of_a_search_give_each_row_once(harness: &dyn Harness) {
    let ground = Ground::new(harness, "search pages").await;
    tied_samples(&ground, 33).await;
    for sort in every_sort() {
        let mut query = Query { sort, ..Query::new(Predicate::All, 0) };
        query.search = Some(Terms::parse("heb").expect("a word"));
        assert_pages(&ground, &query).await;
        query.filter = Predicate::Equals("state", State::Open.into_value());
        assert_pages(&ground, &query).await;
    }
}

pub(super) async fn pages_through_texts_of_any_script_give_each_row_once(harness: &dyn Harness) {
    let ground = Ground::new(harness, "script pages").await;
    let mut samples = Vec::new();
    for (i, text) in super::values::texts().into_iter().enumerate() {
        let clipped: String = text.chars().take(60).collect();
        for twin in 0..2 {
            let mut sample = ground.source.sample(format!("{clipped}{i}{twin}"));
            sample.name.clone_from(&text);
            sample.remark = Some(text.to_uppercase().chars().take(200).collect());
            samples.push(sample);
        }
    }
    ground.create(samples).await;
    for column in ["name", "remark", "code"] {
        for descending in [false, true] {
            let sort = sort_by(Sample::SCHEMA, Some(column), descending);
            assert_pages(&ground, &Query { sort, ..Query::new(Predicate::All, 0) }).await;
        }
    }
}

pub(super) async fn rows_inserted_meanwhile_neither_repeat_nor_hide_others(harness: &dyn Harness) {
    for sort in every_sort() {
        let ground = Ground::new(harness, &format!("meanwhile {}", sort.name())).await;
        let originals = tied_samples(&ground, 24).await;
        let mut query = Query { sort, ..Query::new(Predicate::All, 3) };
        let mut seen: Vec<Uuid> = Vec::new();
        let (mut number, mut ahead) = (100, Vec::new());
        loop {
            let page = ground.list(&query).await;
            let Some(last) = page.last() else { break };
            query.after = Some(cursor_after(last, sort, Sample::SCHEMA));
            seen.extend(page.iter().map(|r| r.id));
            if number > 120 {
                continue;
            }
            for _ in 0..2 {
                number += 1;
                let id = ground.create_one(varied(&ground, number)).await;
                let rest = ground.list(&Query { limit: 1_000, ..query.clone() }).await;
                if rest.iter().any(|r| r.id == id) {
                    ahead.push(id);
                }
            }
        }
        let name = sort.name();
        let times = |id: &Uuid| seen.iter().filter(|s| *s == id).count();
        assert!(seen.iter().all(|id| times(id) == 1), "{name}: no row comes twice");
        assert!(originals.iter().all(|id| times(id) == 1), "{name}: no row is hidden by new ones");
        assert!(ahead.iter().all(|id| times(id) == 1), "{name}: a row put ahead is seen");
        let expected = originals.len() + ahead.len();
        assert_eq!(seen.len(), expected, "{name}: a row put behind is not seen");
    }
}

pub(super) async fn pages_go_on_after_the_row_of_the_cursor_is_gone(harness: &dyn Harness) {
    let ground = Ground::new(harness, "gone").await;
    tied_samples(&ground, 24).await;
    for sort in every_sort() {
        let query = Query { sort, ..Query::new(Predicate::All, 1_000) };
        let whole = ground.list(&query).await;
        let last = &whole[7];
        let after = Some(cursor_after(last, sort, Sample::SCHEMA));
        ground.set_deleted::<Sample>(last.id, true).await;
        let rest = ground.list(&Query { after, ..query }).await;
        assert_eq!(rest, whole[8..], "{}: the place stays when its row goes", sort.name());
        let back = ground.set_deleted::<Sample>(last.id, false).await;
        assert!(back.deleted_at.is_none());
    }
}

pub(super) async fn a_cursor_made_up_by_someone_is_harmless(harness: &dyn Harness) {
    let ground = Ground::new(harness, "made up").await;
    tied_samples(&ground, 12).await;
    let keys = [
        Value::Null,
        Value::Bool(true),
        Value::Int(i64::MIN),
        Value::Int(i64::MAX),
        Value::Text("'; DROP TABLE conformance_samples; --".into()),
        Value::Text(String::new()),
        Value::Id(Uuid::max()),
        Value::Time(super::values::instants()[0]),
        Value::Date(super::values::instants()[0].date_naive()),
    ];
    for sort in every_sort() {
        for key in &keys {
            for seq in [i64::MIN, -1, 0, 5, i64::MAX] {
                let name = sort.name();
                let cursor = Cursor { sort: name.clone(), key: key.clone(), seq };
                let query = Query { after: Some(cursor), sort, ..Query::new(Predicate::All, 100) };
                let mut rows = ground.store.read().await.expect("a connection for reading");
                match rows.list(Sample::SCHEMA, &query).await {
                    Ok(page) => assert!(page.len() <= 12, "{name}: rows that are there"),
                    Err(Error::Invalid(_)) => {}
                    Err(e) => panic!("{name} after {key:?}: a page or a refusal, not {e:?}"),
                }
            }
        }
    }
    assert_eq!(ground.all().await.len(), 12, "nothing happened to the rows");
}
