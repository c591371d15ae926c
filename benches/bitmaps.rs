//! The bitmap indexes that lists come out of on MariaDB, without a database: what one of demo data takes to
//! build, in memory and in time, and what a page, a search and a change cost.
//!
//! `cargo bench --bench bitmaps`, with `LOTS=1000000` for more than 200,000 lots.

mod bitmaps {
    pub(crate) mod mix;
}

/// The store's own module, which is no part of its interface.
#[path = "../vivero-store/src"]
#[expect(dead_code, reason = "what an index has to do with a database is not measured here")]
#[cfg_attr(test, expect(unused_imports, reason = "a bench does not run the module's tests"))]
mod store {
    pub(crate) mod bitmaps;
}
#[path = "load/process.rs"]
#[expect(dead_code, reason = "written to watch another process; here it is this one")]
mod process;
#[path = "load/random.rs"]
mod random;

use criterion::{BatchSize, Criterion};
use std::hint::black_box;
use std::time::Instant;
use store::bitmaps::Index;
use vivero_core::entity::Entity;
use vivero_core::query::{Predicate, Query, Sort};
use vivero_core::record::{Record as _, Row};
use vivero_core::search::Terms;
use vivero_core::{Cursor, EntityId, LocationId, Uuid, Value};
use vivero_server::demo::data::{DemoEntity, DemoPlan};

fn id(kind: u128, number: usize) -> Uuid {
    Uuid::from_u128((kind << 100) + number as u128 + 1)
}

/// Ids and paths of the places, as a database has them.
fn places(plan: &DemoPlan) -> Vec<(Uuid, String)> {
    let mut paths: Vec<String> = Vec::new();
    for (number, place) in plan.locations().iter().enumerate() {
        let above = place.parent.map_or("", |parent| paths[parent].as_str());
        paths.push(format!("{above}{number}/"));
    }
    paths.into_iter().enumerate().map(|(number, path)| (id(1, number), path)).collect()
}

fn row(number: usize, lot: DemoEntity) -> Row {
    let mut entity = lot.new.into_entity(EntityId::from_uuid(id(2, number)));
    entity.status = lot.status;
    entity.held_from = lot.held_from;
    entity.location_id = lot.location.map(|place| LocationId::from_uuid(id(1, place)));
    Row {
        seq: i64::try_from(number).expect("a number") + 1,
        id: id(2, number),
        version: 1,
        created_at: lot.created_at,
        created_by: id(3, 0),
        updated_at: lot.created_at,
        updated_by: id(3, 0),
        deleted_at: None,
        values: entity.into_values(),
    }
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / 1_048_576.0
}

/// Builds an index as the store does, rows coming in parts.
fn build(plan: DemoPlan) -> Index {
    let watch = process::Watch::start(std::process::id());
    let before = watch.as_ref().and_then(process::Watch::usage).map_or(0.0, |u| u.resident_mib);
    let mut index = Index::new(Entity::SCHEMA, 1);
    index.set_places(places(&plan));
    let mut took = std::time::Duration::ZERO;
    let mut rows = plan.entities().enumerate().map(|(number, lot)| row(number, lot));
    loop {
        let part: Vec<Row> = rows.by_ref().take(2_000).collect();
        if part.is_empty() {
            break;
        }
        let begun = Instant::now();
        part.iter().for_each(|row| index.add(row).expect("it fits"));
        took += begun.elapsed();
    }
    let begun = Instant::now();
    index.finish().expect("it fits");
    let (adding, finishing) = (took, begun.elapsed());
    let bytes = index.bytes();
    println!(
        "{} lots: {:.1} MiB, {} bytes a lot; {:.2} s to take in, {:.2} s to finish",
        plan.records,
        mib(bytes),
        bytes as u64 / plan.records,
        adding.as_secs_f64(),
        finishing.as_secs_f64()
    );
    for (part, bytes) in index.parts() {
        println!("  {part}: {:.1} bytes a lot", bytes as f64 / plan.records as f64);
    }
    if let Some(usage) = watch.and_then(|w| w.usage()) {
        println!(
            "the process grew by {:.1} MiB, while building by {:.1}",
            usage.resident_mib - before,
            usage.peak_mib - before
        );
    }
    index
}

fn sorted(column: &'static str) -> Sort {
    Sort { column: Some(column), descending: false, required: true }
}

fn queries(plan: &DemoPlan) -> Vec<(&'static str, Query)> {
    let is = |name, text: &str| Predicate::Equals(name, Value::Text(text.into()));
    let facets = || is("status", "ready").and(is("kind", "container_plant"));
    let site = places(plan)[0].0;
    let all = |filter| Query { filter, ..Query::new(Predicate::All, 50) };
    let newest = Sort { column: Some("updated_at"), descending: true, required: true };
    let search = |text: &str| Query {
        search: Some(Terms::parse(text).expect("words")),
        sort: newest,
        ..Query::new(Predicate::All, 50)
    };
    let batch = plan.entities().nth(1_000).and_then(|lot| lot.new.batch_number);
    let code = plan.entities().nth(1_000).map(|lot| lot.new.code);
    vec![
        ("list, last changed first", Query { sort: newest, ..all(Predicate::All) }),
        ("list by two facets, by name", Query { sort: sorted("name"), ..all(facets()) }),
        (
            "list by facets below a site, by quantity",
            Query {
                sort: sorted("quantity"),
                ..all(facets().and(Predicate::Within("location_id", vec![site])))
            },
        ),
        (
            "list by a facet, by code, in the middle",
            Query {
                sort: sorted("code"),
                after: Some(Cursor {
                    sort: "code".into(),
                    key: Value::Text("LAV-2024-00012".into()),
                    seq: 1,
                }),
                ..all(is("stage", "rooting"))
            },
        ),
        (
            "list of two facets, few rows, by name",
            Query {
                sort: sorted("name"),
                ..all(is("status", "on_hold").and(is("quality_grade", "extra")))
            },
        ),
        ("list by a batch", all(is("batch_number", batch.as_deref().unwrap_or_default()))),
        ("search for a name's beginning", search("lav")),
        ("search for three words", search("lavandula 2l spain")),
        ("search for a code", search(code.as_deref().unwrap_or_default())),
        ("search for one letter and a number", search("p9 00012")),
    ]
}

/// The rows by which changes are measured: of each, some other version.
fn changed(plan: &DemoPlan, lots: usize) -> Vec<Row> {
    let step = (lots / 1_000).max(1);
    let some = plan.entities().enumerate().step_by(step).take(1_000);
    some.map(|(number, lot)| row(number, lot)).collect()
}

fn main() {
    let lots = std::env::var("LOTS").ok().and_then(|lots| lots.parse().ok()).unwrap_or(200_000);
    let today = chrono::NaiveDate::from_ymd_opt(2026, 3, 1).expect("a day");
    let plan = DemoPlan::new(1, lots, today);
    let mut index = build(plan);
    bitmaps::mix::tell(&index, &plan);
    let mut c = Criterion::default().configure_from_args();
    for (name, query) in queries(&plan) {
        let found = index.find(&query).expect("it can tell");
        println!("{name}: {} rows of {}", found.rows.len(), found.total);
        c.bench_function(name, |b| b.iter(|| index.find(black_box(&query))));
    }
    let mut rows = changed(&plan, usize::try_from(lots).unwrap_or(usize::MAX));
    let status = Entity::SCHEMA.index_of("status").expect("a column");
    let name = Entity::SCHEMA.index_of("name").expect("a column");
    let mut turn = 0_usize;
    c.bench_function("take over a change of status", |b| {
        b.iter(|| {
            turn += 1;
            let at = turn % rows.len();
            let row = &mut rows[at];
            row.version += 1;
            row.updated_at += chrono::TimeDelta::days(1);
            row.values[status] = Value::Text(["ready", "processing"][turn / 1_000 % 2].into());
            index.put(row).expect("it fits");
        });
    });
    let mut number = usize::try_from(lots).expect("a number");
    let new: Vec<DemoEntity> = DemoPlan::new(2, 20_000, today).entities().collect();
    let mut new = new.into_iter().cycle();
    c.bench_function("take over a new lot", |b| {
        b.iter_batched(
            || {
                number += 1;
                let mut row = row(number, new.next().expect("a lot"));
                row.values[0] = Value::Text(format!("NEW-2026-{number:06}"));
                row
            },
            |row| index.put(&row).expect("it fits"),
            BatchSize::SmallInput,
        );
    });
    c.bench_function("take over another name", |b| {
        b.iter(|| {
            turn += 1;
            let at = turn % rows.len();
            let row = &mut rows[at];
            row.version += 1;
            row.values[name] = Value::Text(format!("Lavandula number {}", turn % 97));
            index.put(row).expect("it fits");
        });
    });
    println!("after the changes: {:.1} MiB", mib(index.bytes()));
    c.final_summary();
}
