//! Lists by facets: every combination, in every sort, at every depth, is what a model says.

use super::Harness;
use super::ground::{Ground, cursor_after, record_of};
use crate::LocationId;
use crate::entity::{Entity, EntityType, Grade, Stage, Status, Unit};
use crate::ids::EntityId;
use crate::query::{Deleted, Predicate, Query, Sort};
use crate::record::{Field, Record as _, Row};
use crate::{Uuid, Value};
use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

const STATUSES: [Status; 4] = [Status::Registered, Status::Ready, Status::OnHold, Status::Archived];
const KINDS: [EntityType; 3] = [EntityType::Seed, EntityType::Cutting, EntityType::Bulb];
const STAGES: [Stage; 3] = [Stage::Propagation, Stage::GrowingOn, Stage::Finished];
const GRADES: [Grade; 3] = [Grade::Extra, Grade::First, Grade::Ungraded];

/// An entity whose facets hang together as in life: what is archived is finished, and stands elsewhere.
fn entity(ground: &Ground, number: usize, places: &[LocationId]) -> Entity {
    let source = &ground.source;
    let status = *source.pick(&STATUSES);
    let old = status == Status::Archived;
    Entity {
        id: EntityId::from_uuid(source.id()),
        code: format!("F-{:04}", (number * 7_919) % 10_000),
        name: format!("Name {}", source.dice(9)),
        kind: *source.pick(&KINDS),
        status,
        stage: if old { Stage::Finished } else { *source.pick(&STAGES) },
        held_from: None,
        location_id: match source.dice(8) {
            0 => None,
            _ if old => places.last().copied(),
            _ => Some(*source.pick(places)),
        },
        batch_number: (source.dice(3) == 0).then(|| format!("B{}", source.dice(20))),
        supplier_reference: None,
        // Half of them share one value: a long run of ties.
        quantity: if source.dice(2) == 0 { 0 } else { source.dice(50) as i64 },
        unit: Unit::Plant,
        quality_grade: *source.pick(&GRADES),
        attributes: crate::JsonText::default(),
        started_on: None,
        ready_on: None,
    }
}

/// What rows of the model meet a predicate. Places below each place are given by `below`.
fn meets(row: &Row, predicate: &Predicate, below: &dyn Fn(Uuid) -> HashSet<Uuid>) -> bool {
    let value = |name: &str| match name {
        "created_by" => Value::Id(row.created_by),
        name => row.values[Entity::SCHEMA.index_of(name).expect("a column")].clone(),
    };
    match predicate {
        Predicate::All => true,
        Predicate::None => false,
        Predicate::Equals(name, wanted) => value(name) == *wanted,
        Predicate::OneOf(name, wanted) => wanted.contains(&value(name)),
        Predicate::Within(name, roots) => match value(name) {
            Value::Id(id) => roots.iter().any(|root| below(*root).contains(&id)),
            _ => false,
        },
        Predicate::And(all) => all.iter().all(|p| meets(row, p, below)),
        Predicate::Or(any) => any.iter().any(|p| meets(row, p, below)),
    }
}

fn in_order(a: &Row, b: &Row, sort: Sort) -> Ordering {
    let key = |row: &Row| match sort.column {
        None => None,
        Some("updated_at") => Some(Value::Time(row.updated_at)),
        Some(name) => Some(row.values[Entity::SCHEMA.index_of(name).expect("a column")].clone()),
    };
    let by_key = match (key(a), key(b)) {
        (Some(Value::Text(a)), Some(Value::Text(b))) => a.cmp(&b),
        (Some(Value::Int(a)), Some(Value::Int(b))) => a.cmp(&b),
        (Some(Value::Time(a)), Some(Value::Time(b))) => a.cmp(&b),
        _ => Ordering::Equal,
    };
    let order = by_key.then(a.seq.cmp(&b.seq));
    if sort.descending { order.reverse() } else { order }
}

/// A filter of up to five conditions, some of which nothing meets.
fn filter(ground: &Ground, places: &[LocationId]) -> Predicate {
    let source = &ground.source;
    let mut all = Vec::new();
    if source.dice(2) == 0 {
        all.push(Predicate::Equals("status", source.pick(&STATUSES).into_value()));
    }
    if source.dice(3) == 0 {
        all.push(Predicate::Equals("kind", source.pick(&KINDS).into_value()));
    }
    if source.dice(3) == 0 {
        let some = [Stage::Finished, *source.pick(&STAGES)];
        all.push(Predicate::OneOf("stage", some.map(Field::into_value).to_vec()));
    }
    if source.dice(4) == 0 {
        all.push(Predicate::Equals("quality_grade", source.pick(&GRADES).into_value()));
    }
    if source.dice(2) == 0 {
        all.push(Predicate::Within("location_id", vec![source.pick(places).uuid()]));
    }
    if source.dice(10) == 0 {
        let batch = Value::Text(format!("B{}", source.dice(21)));
        all.push(Predicate::Equals("batch_number", batch));
    }
    Predicate::And(all)
}

fn sorts() -> Vec<Sort> {
    let names = ["created_at", "updated_at", "code", "name", "quantity"];
    let both = names.iter().flat_map(|n| [(*n).to_owned(), format!("-{n}")]);
    both.map(|n| Sort::parse(&n, Entity::SCHEMA).expect("a declared sort")).collect()
}

/// Asks for many lists, whole and in pages, and holds each against the model.
async fn assert_lists(ground: &Ground, places: &[LocationId], rounds: usize) {
    let everything = Query::new(Predicate::All, 10_000);
    let model = ground.list_in(Entity::SCHEMA, &everything).await;
    // The tree: site, greenhouse, bed, bed in one line, and a second site.
    let below = |root: Uuid| -> HashSet<Uuid> {
        let at = places.iter().position(|p| p.uuid() == root).expect("a place of the tree");
        let last = if at == 4 { 5 } else { 4 };
        places[at..last].iter().map(|p| p.uuid()).collect()
    };
    for round in 0..rounds {
        let sorts = sorts();
        let sort = sorts[round % sorts.len()];
        let wanted = filter(ground, places);
        let scope = match ground.source.dice(4) {
            0 => Predicate::Within("location_id", vec![places[0].uuid()]),
            1 => Predicate::Or(vec![
                Predicate::Equals("created_by", Value::Id(ground.by.uuid())),
                Predicate::None,
            ]),
            _ => Predicate::All,
        };
        let mut expected: Vec<Row> = model
            .iter()
            .filter(|row| meets(row, &wanted, &below) && meets(row, &scope, &below))
            .cloned()
            .collect();
        expected.sort_by(|a, b| in_order(a, b, sort));
        let size = *ground.source.pick(&[1, 3, 10, 50, 200]);
        let query = Query { filter: wanted, sort, ..Query::new(scope, size) };
        let told =
            format!("{:?} {:?} by {} in pages of {size}", query.filter, query.scope, sort.name());
        let mut got: Vec<Row> = Vec::new();
        let mut page_of = query.clone();
        // Pages of one are followed for a while only.
        loop {
            let page = ground.list_in(Entity::SCHEMA, &page_of).await;
            if got.len() > expected.len() {
                break;
            }
            let Some(last) = page.last() else { break };
            page_of.after = Some(cursor_after(last, sort, Entity::SCHEMA));
            got.extend(page);
            if size == 1 && got.len() > 40 {
                expected.truncate(got.len());
                break;
            }
        }
        assert_eq!(got.len(), expected.len(), "{told}: as many rows as the model has");
        assert_eq!(got, expected, "{told}: the same rows in the same order");
        if size > 1 {
            let counted = ground.count_in(Entity::SCHEMA, &query).await;
            assert_eq!(counted as usize, expected.len(), "{told}: the total");
        }
    }
}

pub(super) async fn lists_by_any_facets_places_and_sort_are_what_a_model_says(
    harness: &dyn Harness,
) {
    let ground = Ground::new(harness, "facets").await;
    let places = ground.plant_tree().await;
    let entities = (0..700).map(|number| entity(&ground, number, &places)).collect();
    let ids = ground.create::<Entity>(entities).await;
    // Planned without figures, as right after a restart, and with them.
    assert_lists(&ground, &places, 60).await;
    ground.seal().await;
    assert_lists(&ground, &places, 120).await;
    for id in ids.iter().step_by(3) {
        let status = *ground.source.pick(Status::ALL);
        let quantity = ground.source.dice(3) as i64;
        ground
            .edit::<Entity>(*id, |e| {
                e.status = status;
                e.quantity = quantity;
            })
            .await;
    }
    for id in ids.iter().step_by(11) {
        ground.set_deleted::<Entity>(*id, true).await;
    }
    assert_lists(&ground, &places, 60).await;
    ground.seal().await;
    assert_lists(&ground, &places, 60).await;
}

fn of_grade(grade: Grade) -> Query {
    let filter = Predicate::Equals("quality_grade", grade.into_value());
    Query { filter, ..Query::new(Predicate::All, 50) }
}

pub(super) async fn a_combination_that_never_occurred_is_found_at_once(harness: &dyn Harness) {
    let ground = Ground::new(harness, "first combination").await;
    let places = ground.plant_tree().await;
    let second = of_grade(Grade::Second);
    assert!(ground.list_in(Entity::SCHEMA, &second).await.is_empty(), "there is none");
    let wanted =
        |number| Entity { quality_grade: Grade::Second, ..entity(&ground, number, &places) };
    // A work that is given up has seen one that never comes to be.
    let mut work = ground.begin().await;
    ground.add(&mut *work, vec![wanted(1)]).await;
    let seen = work.list(Entity::SCHEMA, &second).await.expect("listing in a work");
    assert_eq!(seen.len(), 1, "a work finds the combination it has made");
    drop(work);
    assert!(ground.list_in(Entity::SCHEMA, &second).await.is_empty(), "it was given up");
    for number in 2..12 {
        ground.create_one::<Entity>(wanted(number)).await;
        let found = ground.list_in(Entity::SCHEMA, &second).await;
        assert_eq!(found.len(), number - 1, "what is committed is listed at once");
    }
    let row = ground.list_in(Entity::SCHEMA, &second).await.remove(0);
    ground.edit::<Entity>(row.id, |e| e.quality_grade = Grade::Extra).await;
    let extra = ground.list_in(Entity::SCHEMA, &of_grade(Grade::Extra)).await;
    assert_eq!(extra.len(), 1, "an edit makes a combination too");
    assert_eq!(record_of::<Entity>(&extra[0]).quality_grade, Grade::Extra);
}

pub(super) async fn a_row_that_changes_its_combination_is_listed_once_all_the_while(
    harness: &dyn Harness,
) {
    let ground = Ground::new(harness, "moving combination").await;
    let places = ground.plant_tree().await;
    // Others on either side, so that several ranges are read.
    let others = (0..60).map(|n| Entity { kind: EntityType::Bulb, ..entity(&ground, n, &places) });
    ground.create::<Entity>(others.collect()).await;
    let one =
        Entity { code: "MOVING".into(), kind: EntityType::Bulb, ..entity(&ground, 99, &places) };
    let id = ground.create_one::<Entity>(one).await;
    let bulbs = Predicate::Equals("kind", EntityType::Bulb.into_value());
    let sort = Sort::parse("code", Entity::SCHEMA).expect("a declared sort");
    let query = Query { filter: bulbs, sort, ..Query::new(Predicate::All, 200) };
    let ground = Arc::new(ground);
    let writer = Arc::clone(&ground);
    let writing = tokio::spawn(async move {
        for round in 0..400 {
            let status = STATUSES[round % STATUSES.len()];
            let grade = GRADES[round % GRADES.len()];
            writer
                .edit::<Entity>(id, |e| {
                    e.status = status;
                    e.quality_grade = grade;
                })
                .await;
        }
    });
    let mut reads = 0;
    while !writing.is_finished() || reads == 0 {
        let rows = ground.list_in(Entity::SCHEMA, &query).await;
        let times = rows.iter().filter(|row| row.id == id).count();
        assert_eq!(times, 1, "a row that is always there is listed once");
        assert_eq!(rows.len(), 61, "the others are listed beside it");
        reads += 1;
        tokio::task::yield_now().await;
    }
    writing.await.expect("the writer");
    let deleted = Query { deleted: Deleted::Only, ..query };
    assert!(ground.list_in(Entity::SCHEMA, &deleted).await.is_empty(), "none is deleted");
}
