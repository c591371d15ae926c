//! Conditions select what they say, held against a plain evaluation in memory.

use super::Harness;
use super::ground::{Ground, codes, record_of};
use super::sample::{Sample, State};
use crate::location::Location;
use crate::query::{Deleted, Predicate, Query};
use crate::record::{Field as _, Record as _, Row};
use crate::{LocationId, Uuid, Value};
use std::collections::BTreeMap;

/// Samples spread over a tree of places, and who lies in what.
struct Stock {
    ground: Ground,
    rows: Vec<Row>,
    tree: Vec<LocationId>,
    /// Each place with everything above it and itself.
    above: BTreeMap<Uuid, Vec<Uuid>>,
}

impl Stock {
    async fn new(harness: &dyn Harness, name: &str) -> Self {
        let mut ground = Ground::new(harness, name).await;
        let tree = ground.plant_tree().await;
        let source = std::sync::Arc::clone(&ground.source);
        let people = [source.id(), source.id(), source.id()].map(crate::UserId::from_uuid);
        for (p, person) in people.into_iter().enumerate() {
            ground.by = person;
            let samples = (0..15).map(|i| {
                let mut sample = source.sample(format!("S-{p}-{i:02}"));
                sample.state = *source.pick(State::ALL);
                sample.grade = (i % 3 != 0).then(|| *source.pick(State::ALL));
                sample.place = (i % 4 != 0).then(|| *source.pick(&tree));
                sample.keeper = (i % 5 != 0).then(|| *source.pick(&people));
                sample.rank = (i % 2 == 0).then(|| i64::from(i % 6));
                sample.remark = (i % 3 == 1).then(|| ["a", "A", "a ", ""][source.dice(4)].into());
                sample.checked = (i % 4 != 1).then_some(i % 2 == 0);
                sample
            });
            ground.create(samples.collect::<Vec<_>>()).await;
        }
        let rows = ground.all().await;
        let mut above = BTreeMap::new();
        for row in ground.list_in(Location::SCHEMA, &Query::new(Predicate::All, 100)).await {
            let place: Location = record_of(&row);
            let ids = place.path.split_terminator('/').map(|p| p.parse().expect("an id")).collect();
            above.insert(place.id.uuid(), ids);
        }
        Self { ground, rows, tree, above }
    }

    fn value(row: &Row, column: &str) -> Value {
        match column {
            "id" => Value::Id(row.id),
            "created_by" => Value::Id(row.created_by),
            name => row.values[Sample::SCHEMA.index_of(name).expect("a column")].clone(),
        }
    }

    fn meets(&self, row: &Row, predicate: &Predicate) -> bool {
        match predicate {
            Predicate::All => true,
            Predicate::None => false,
            Predicate::Equals(column, value) => Self::value(row, column) == *value,
            Predicate::OneOf(column, values) => values.contains(&Self::value(row, column)),
            Predicate::Within(column, places) => match Self::value(row, column) {
                Value::Id(place) => {
                    self.above.get(&place).is_some_and(|up| up.iter().any(|p| places.contains(p)))
                }
                _ => false,
            },
            Predicate::And(all) => all.iter().all(|p| self.meets(row, p)),
            Predicate::Or(any) => any.iter().any(|p| self.meets(row, p)),
        }
    }

    /// Asserts that list, count and find agree with the plain evaluation, as filter and as scope.
    async fn assert(&self, predicate: &Predicate) {
        let wanted: Vec<&Row> = self.rows.iter().filter(|r| self.meets(r, predicate)).collect();
        let mut as_filter = Query::new(Predicate::All, 1_000);
        as_filter.filter = predicate.clone();
        for query in [as_filter, Query::new(predicate.clone(), 1_000)] {
            let listed = self.ground.list(&query).await;
            assert_same(&listed, &wanted, &format!("list by {predicate:?}"));
            let counted = self.ground.count(&query).await;
            assert_eq!(counted, wanted.len() as u64, "count by {predicate:?}");
        }
        let mut rows = self.ground.store.read().await.expect("a connection for reading");
        for row in &self.rows {
            let found = rows.find(Sample::SCHEMA, row.id, predicate, Deleted::Hidden).await;
            let found = found.expect("finding a row").is_some();
            assert_eq!(found, self.meets(row, predicate), "find agrees with list by {predicate:?}");
        }
    }

    /// A condition on one column, with values that occur and values that do not.
    fn simple(&self) -> Predicate {
        const COLUMNS: &[&str] =
            &["state", "grade", "place", "keeper", "rank", "remark", "checked", "created_by", "id"];
        let source = &self.ground.source;
        let column = *source.pick(COLUMNS);
        let value = || Self::value(source.pick(&self.rows), column);
        match source.dice(8) {
            0 => Predicate::All,
            1 => Predicate::None,
            2 => Predicate::OneOf(column, (0..source.dice(4)).map(|_| value()).collect()),
            3 | 4 => {
                let places = (0..=source.dice(2)).map(|_| source.pick(&self.tree).uuid());
                Predicate::Within("place", places.collect())
            }
            _ => Predicate::Equals(column, value()),
        }
    }

    fn nested(&self, depth: usize) -> Predicate {
        if depth == 0 {
            return self.simple();
        }
        let parts = |n: usize| (0..n).map(|_| self.nested(depth - 1)).collect();
        match self.ground.source.dice(5) {
            0 | 1 => Predicate::And(parts(1 + self.ground.source.dice(3))),
            2 | 3 => Predicate::Or(parts(self.ground.source.dice(4))),
            _ => self.simple(),
        }
    }
}

/// Compares codes first, so that a failure can be read.
#[track_caller]
fn assert_same(listed: &[Row], wanted: &[&Row], what: &str) {
    let wanted_codes: Vec<_> = wanted.iter().map(|r| record_of::<Sample>(r).code).collect();
    assert_eq!(codes(listed), wanted_codes, "{what}");
    assert_eq!(listed.iter().collect::<Vec<_>>(), wanted, "{what}");
}

pub(super) async fn every_predicate_selects_what_it_says(harness: &dyn Harness) {
    use Predicate::{All, And, Equals, None, OneOf, Or, Within};
    let stock = Stock::new(harness, "every").await;
    let row = &stock.rows[7];
    let state = |s: State| Equals("state", s.into_value());
    let strange = Value::Id(stock.ground.source.id());
    let top = stock.tree[0].uuid();
    for predicate in [
        All,
        None,
        state(State::Open),
        Equals("id", Value::Id(row.id)),
        Equals("id", strange.clone()),
        Equals("created_by", Value::Id(row.created_by)),
        Equals("created_by", strange.clone()),
        Equals("grade", Value::Null),
        Equals("rank", Value::Null),
        Equals("rank", Value::Int(2)),
        Equals("remark", Value::Text("a".into())),
        Equals("remark", Value::Text(String::new())),
        Equals("checked", Value::Bool(false)),
        OneOf("state", vec![]),
        OneOf("state", vec![State::Open.into_value(), State::Closed.into_value()]),
        OneOf("rank", vec![Value::Int(0), Value::Int(0), Value::Int(4)]),
        OneOf("rank", vec![Value::Null, Value::Int(4)]),
        OneOf("id", vec![Value::Id(row.id), strange.clone(), Value::Id(stock.rows[1].id)]),
        OneOf("created_by", vec![Value::Id(row.created_by), strange]),
        Within("place", vec![]),
        Within("place", vec![top]),
        Within("place", vec![stock.ground.source.id()]),
        And(vec![]),
        And(vec![state(State::Open), Equals("checked", Value::Bool(true))]),
        And(vec![state(State::Open), state(State::Closed)]),
        Or(vec![]),
        Or(vec![state(State::Open), state(State::Closed)]),
        Or(vec![None, And(vec![All, state(State::Growing)])]),
        Or(vec![Within("place", vec![top]), Equals("created_by", Value::Id(row.created_by))]),
    ] {
        stock.assert(&predicate).await;
    }
    let many = stock.rows.iter().map(|r| Value::Id(r.id));
    let many = many.chain((0..500).map(|_| Value::Id(stock.ground.source.id()))).collect();
    stock.assert(&OneOf("id", many)).await;
}

pub(super) async fn a_condition_on_every_kind_of_value_is_exact(harness: &dyn Harness) {
    let ground = Ground::new(harness, "kinds").await;
    let mut samples = Vec::new();
    for (i, at) in super::values::instants().into_iter().enumerate() {
        let mut sample = ground.source.sample(format!("T-{i}"));
        sample.seen_at = Some(at);
        sample.due_on = Some(at.date_naive());
        sample.rank = Some(at.timestamp_micros());
        samples.push(sample);
    }
    for (i, text) in super::values::texts().into_iter().enumerate() {
        let mut sample = ground.source.sample(format!("X-{i}"));
        sample.remark = Some(text);
        samples.push(sample);
    }
    ground.create(samples.clone()).await;
    for column in ["seen_at", "due_on", "rank", "remark"] {
        let i = Sample::SCHEMA.index_of(column).expect("a column");
        let values: Vec<Value> =
            samples.iter().map(|s| s.clone().into_values().remove(i)).collect();
        for value in values.iter().filter(|v| !v.is_null()) {
            let same = samples.iter().zip(&values).filter(|(_, v)| *v == value);
            let mut wanted: Vec<_> = same.map(|(s, _)| s.code.clone()).collect();
            wanted.reverse();
            let query = Query::new(Predicate::Equals(column, value.clone()), 100);
            let found = codes(&ground.list(&query).await);
            assert_eq!(found, wanted, "{column} = {value:?}");
        }
    }
}

pub(super) async fn nested_predicates_select_what_they_say(harness: &dyn Harness) {
    let stock = Stock::new(harness, "nested").await;
    for round in 0..120 {
        stock.assert(&stock.nested(1 + round % 3)).await;
    }
}

pub(super) async fn a_place_includes_everything_below_it(harness: &dyn Harness) {
    let stock = Stock::new(harness, "below").await;
    let [site, house, bed, inner, other] = &stock.tree[..] else { panic!("a tree of five") };
    for (place, below) in [
        (site, vec![site, house, bed, inner]),
        (house, vec![house, bed, inner]),
        (bed, vec![bed, inner]),
        (inner, vec![inner]),
        (other, vec![other]),
    ] {
        stock.assert(&Predicate::Within("place", vec![place.uuid()])).await;
        let query = Query::new(Predicate::Within("id", vec![place.uuid()]), 100);
        let mut found: Vec<Uuid> =
            stock.ground.list_in(Location::SCHEMA, &query).await.iter().map(|r| r.id).collect();
        found.reverse();
        let wanted: Vec<Uuid> = below.iter().map(|l| l.uuid()).collect();
        assert_eq!(found, wanted, "places within one of them, itself included");
    }
    stock.assert(&Predicate::Within("place", vec![inner.uuid(), other.uuid()])).await;

    // A bed that moves takes what stands in it along.
    let path = format!("{}/{}/", other.uuid().simple(), bed.uuid().simple());
    let ground = &stock.ground;
    let in_bed = Query::new(Predicate::Within("place", vec![bed.uuid()]), 1_000);
    let expected = codes(&ground.list(&in_bed).await);
    let inner_path = format!("{path}{}/", inner.uuid().simple());
    let mut work = ground.begin().await;
    ground
        .edit_in(&mut *work, bed.uuid(), |l: &mut Location| {
            l.parent_id = Some(*other);
            l.path = path;
        })
        .await;
    ground.edit_in(&mut *work, inner.uuid(), |l: &mut Location| l.path = inner_path).await;
    work.commit().await.expect("committing");
    assert_eq!(codes(&ground.list(&in_bed).await), expected, "the bed still has the same stock");
    let in_other = Query::new(Predicate::Within("place", vec![other.uuid()]), 1_000);
    let moved = codes(&ground.list(&in_other).await);
    assert!(expected.iter().all(|code| moved.contains(code)), "which is now in the other site");
    let in_house = Query::new(Predicate::Within("place", vec![house.uuid()]), 1_000);
    let left = codes(&ground.list(&in_house).await);
    assert!(expected.iter().all(|code| !left.contains(code)), "and no longer in the house");
}

pub(super) async fn scope_and_filter_must_both_hold(harness: &dyn Harness) {
    let stock = Stock::new(harness, "both").await;
    for _ in 0..40 {
        let mut query = Query::new(stock.nested(2), 1_000);
        query.filter = stock.nested(2);
        let both = |r: &&Row| stock.meets(r, &query.scope) && stock.meets(r, &query.filter);
        let wanted: Vec<&Row> = stock.rows.iter().filter(both).collect();
        let listed = stock.ground.list(&query).await;
        assert_same(&listed, &wanted, &format!("{query:?}"));
        assert_eq!(stock.ground.count(&query).await, wanted.len() as u64, "{query:?}");
    }
}

pub(super) async fn a_list_has_at_most_the_rows_asked_for(harness: &dyn Harness) {
    let stock = Stock::new(harness, "at most").await;
    for limit in [1, 2, 44, 45, 46, 201] {
        let query = Query::new(Predicate::All, limit);
        let wanted = stock.rows.len().min(limit as usize);
        assert_eq!(stock.ground.list(&query).await, stock.rows[..wanted], "the first {limit}");
        assert_eq!(stock.ground.count(&query).await, 45, "count has no limit");
    }
}
