//! Orders of lists.

use super::Harness;
use super::ground::{Ground, record_of, sort_by};
use super::sample::{SORTS, Sample, State};
use crate::query::{Predicate, Query, Sort};
use crate::record::{Record as _, Row};
use crate::{Uuid, Value};
use std::cmp::Ordering;

/// Samples with few values in each sortable column, so that most rows tie.
pub(super) async fn tied_samples(ground: &Ground, count: usize) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for batch in 0..count.div_ceil(8) {
        let samples = (0..8.min(count - batch * 8)).map(|i| varied(ground, batch * 8 + i));
        ids.extend(ground.create(samples.collect::<Vec<_>>()).await);
    }
    for id in ids.iter().step_by(5) {
        ground.edit(*id, |s: &mut Sample| s.note = Some("touched".into())).await;
    }
    ids
}

/// One sample of many, with a code of lowercase letters: in order in every collation.
pub(super) fn varied(ground: &Ground, number: usize) -> Sample {
    let source = &ground.source;
    let code: String =
        format!("{number:04}").bytes().map(|b| char::from(b - b'0' + b'a')).collect();
    let mut sample = source.sample(code);
    let instants = super::values::instants();
    sample.name = (*source.pick(&["acer", "hebe", "hebe albicans", "ilex"])).into();
    sample.state = *source.pick(State::ALL);
    sample.pieces = *source.pick(&[-5, 0, 3, 300]);
    sample.rank = *source.pick(&[None, None, Some(-1), Some(0), Some(7)]);
    sample.remark = source.pick(&[None, Some(""), Some("late"), Some("later")]).map(String::from);
    sample.seen_at = (source.dice(3) > 0).then(|| instants[6 + source.dice(4)]);
    sample.due_on = (source.dice(3) > 0).then(|| instants[6 * source.dice(3)].date_naive());
    sample
}

/// The value a sort orders by.
pub(super) fn key(row: &Row, column: Option<&str>) -> Value {
    match column {
        None => Value::Null,
        Some("updated_at") => Value::Time(row.updated_at),
        Some(name) => row.values[Sample::SCHEMA.index_of(name).expect("a column")].clone(),
    }
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        _ => Ordering::Equal,
    }
}

pub(super) fn every_sort() -> impl Iterator<Item = Sort> {
    let both = |column| [false, true].map(|descending| sort_by(Sample::SCHEMA, column, descending));
    SORTS.iter().copied().flat_map(both)
}

/// Asserts that rows are in the order of `sort`: by its key, ties by sequence number, the same way
/// round in every tie; rows without a value in one block.
fn assert_in_order(rows: &[Row], sort: Sort) {
    let name = sort.name();
    let mut ties = Vec::new();
    let mut blocks = 0;
    for pair in rows.windows(2) {
        let (a, b) = (key(&pair[0], sort.column), key(&pair[1], sort.column));
        if a.is_null() != b.is_null() {
            blocks += 1;
            continue;
        }
        let order = if sort.descending { compare(&b, &a) } else { compare(&a, &b) };
        assert_ne!(order, Ordering::Greater, "{name}: {a:?} comes before {b:?}");
        if order == Ordering::Equal {
            ties.push(pair[0].seq.cmp(&pair[1].seq));
        }
    }
    assert!(blocks <= 1, "{name}: rows without a value stand together, first or last");
    assert!(
        ties.windows(2).all(|w| w[0] == w[1]),
        "{name}: ties are broken by seq, all the same way"
    );
    assert!(!ties.contains(&Ordering::Equal), "{name}: a sequence number is given once");
    if sort.column.is_none() {
        let wanted = if sort.descending { Ordering::Greater } else { Ordering::Less };
        assert!(ties.iter().all(|t| *t == wanted), "{name}: the order of creation");
    }
}

pub(super) async fn every_sort_orders_by_its_column_and_then_by_creation(harness: &dyn Harness) {
    let ground = Ground::new(harness, "orders").await;
    let ids = tied_samples(&ground, 40).await;
    for sort in every_sort() {
        let mut query = Query::new(Predicate::All, 1_000);
        query.sort = sort;
        let rows = ground.list(&query).await;
        let mut found: Vec<Uuid> = rows.iter().map(|r| r.id).collect();
        assert_in_order(&rows, sort);
        found.sort_unstable();
        let mut wanted = ids.clone();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{}: every row is listed, also without a value", sort.name());
        query.filter = Predicate::Equals("state", Value::Text("growing".into()));
        let rows = ground.list(&query).await;
        assert!(rows.len() > 3, "the case has rows to sort");
        assert_in_order(&rows, sort);
        query.limit = 3;
        assert_eq!(ground.list(&query).await, rows[..3], "{}: the first three", sort.name());
    }
}

pub(super) async fn rows_without_a_value_stand_together(harness: &dyn Harness) {
    let ground = Ground::new(harness, "nulls").await;
    let samples = (0..6).map(|i| varied(&ground, i));
    ground.create(samples.map(|s| Sample { rank: None, ..s }).collect::<Vec<_>>()).await;
    let all_null = ground.all().await;
    let mut query = Query::new(Predicate::All, 1_000);
    query.sort = sort_by(Sample::SCHEMA, Some("rank"), true);
    assert_eq!(ground.list(&query).await.len(), all_null.len(), "no value in any row");
    let one = ground.create_one(Sample { rank: Some(0), ..varied(&ground, 9) }).await;
    for descending in [false, true] {
        query.sort.descending = descending;
        let rows = ground.list(&query).await;
        let at = rows.iter().position(|r| r.id == one).expect("the row is listed");
        assert!(at == 0 || at == rows.len() - 1, "a value is before or after all that have none");
    }
}

pub(super) async fn instants_with_and_without_fractions_are_in_order(harness: &dyn Harness) {
    let ground = Ground::new(harness, "fractions").await;
    let mut samples: Vec<Sample> = super::values::instants()
        .into_iter()
        .enumerate()
        .map(|(i, at)| Sample { seen_at: Some(at), ..varied(&ground, i) })
        .collect();
    let sorted: Vec<String> = samples.iter().map(|s| s.code.clone()).collect();
    // Stored in another order than that of the instants.
    samples.sort_by_key(|s| s.code.bytes().map(|b| u32::from(b) * 7 % 11).sum::<u32>());
    ground.create(samples).await;
    assert_sorted(&ground, "seen_at", &sorted).await;
}

pub(super) async fn the_smallest_and_greatest_numbers_are_in_order(harness: &dyn Harness) {
    let ground = Ground::new(harness, "extremes").await;
    let numbers = [i64::MIN, i64::MIN + 1, -10, -9, -1, 0, 1, 9, 10, 100, i64::MAX - 1, i64::MAX];
    let mut samples: Vec<Sample> =
        (0..).zip(numbers).map(|(i, n)| Sample { rank: Some(n), ..varied(&ground, i) }).collect();
    let sorted: Vec<String> = samples.iter().map(|s| s.code.clone()).collect();
    samples.rotate_left(5);
    samples.swap(0, 3);
    ground.create(samples).await;
    assert_sorted(&ground, "rank", &sorted).await;
}

async fn assert_sorted(ground: &Ground, column: &'static str, sorted: &[String]) {
    for descending in [false, true] {
        let sort = sort_by(Sample::SCHEMA, Some(column), descending);
        let mut query = Query::new(Predicate::All, 1_000);
        query.sort = sort;
        let rows = ground.list(&query).await;
        let mut found: Vec<String> = rows.iter().map(|r| record_of::<Sample>(r).code).collect();
        if descending {
            found.reverse();
        }
        assert_eq!(found, sorted, "{}", sort.name());
        let paged = super::paging::walk(ground, &query, 1).await;
        assert_eq!(paged, rows, "{}: one by one", sort.name());
    }
}
