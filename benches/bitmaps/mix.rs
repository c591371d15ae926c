//! Lists of every combination of filters in every sort, as the load bench asks for them, each timed by itself:
//! what one list costs says little of the slowest in a hundred.

use crate::random::Random;
use crate::store::bitmaps::Index;
use crate::{id, row};
use std::hint::black_box;
use std::time::{Duration, Instant};
use vivero_core::entity::Entity;
use vivero_core::query::{Predicate, Query, Sort};
use vivero_core::record::{Record as _, Row};
use vivero_core::{Cursor, Value};
use vivero_server::demo::data::{DemoEntity, DemoPlan};

const FACETS: [&str; 5] = ["kind", "status", "stage", "batch_number", "quality_grade"];
const SORTS: [Option<&str>; 5] =
    [None, Some("updated_at"), Some("code"), Some("name"), Some("quantity")];
/// Lists of each combination and sort; the last has values that may never meet in one lot.
const VALUES: usize = 4;
/// Each list is asked for so often again, and the shortest time counts: what else the machine does is not measured.
const ROUNDS: usize = 3;
/// Pages of 2,000 before the one that is measured as a deep one.
const PAGES: usize = 25;

/// A lot and the paths of the places above it, its own last.
struct Lot {
    row: Row,
    above: Vec<usize>,
}

/// How long some lists took.
struct Times {
    what: &'static str,
    all: Vec<(Duration, String)>,
}

impl Times {
    fn tell(mut self) {
        self.all.sort();
        let count = self.all.len();
        let at = |share: f64| {
            let at = (count as f64 * share) as usize;
            self.all.get(at.min(count - 1)).map_or(0.0, |(took, _)| took.as_secs_f64() * 1e6)
        };
        let mean =
            self.all.iter().map(|(took, _)| took.as_secs_f64() * 1e6).sum::<f64>() / count as f64;
        println!(
            "{}: {count} lists, mean {mean:.0} µs, half below {:.0}, 90 % {:.0}, 99 % {:.0}, longest {:.0}",
            self.what,
            at(0.5),
            at(0.9),
            at(0.99),
            at(1.0)
        );
        for (took, query) in self.all.iter().rev().take(2) {
            println!("  {:.0} µs: {query}", took.as_secs_f64() * 1e6);
        }
    }
}

/// How long a list takes for the first time, when the rows below its place may have to be put together, and again.
fn time(index: &Index, query: &Query) -> [(Duration, String); 2] {
    let once = || {
        let begun = Instant::now();
        black_box(index.find(black_box(query)).expect("it can tell"));
        begun.elapsed()
    };
    let first = once();
    let again = (0..ROUNDS).map(|_| once()).min().unwrap_or_default();
    let total = index.find(query).map_or(0, |found| found.total);
    let direction = if query.sort.descending { "-" } else { "" };
    let sort = query.sort.column.unwrap_or("created_at");
    let what = format!("{direction}{sort}, {total} rows: {:?}", query.filter);
    [(first, what.clone()), (again, what)]
}

/// Some lots of the plan.
fn sample(plan: &DemoPlan, random: &mut Random) -> Vec<Lot> {
    let parents: Vec<Option<usize>> = plan.locations().iter().map(|place| place.parent).collect();
    let step = usize::try_from(plan.records / 400).unwrap_or(1).max(1);
    let some = plan.entities().enumerate().filter(|(number, _)| number % step == 0);
    let mut lots: Vec<Lot> = some
        .map(|(number, lot)| {
            let mut above: Vec<usize> =
                std::iter::successors(lot.location, |place| parents[*place]).collect();
            above.reverse();
            Lot { row: row(number, lot), above }
        })
        .collect();
    random.shuffle(&mut lots);
    lots
}

/// One filter by the value that a lot has; `None` if it has none.
fn filter(index: usize, lot: &Lot) -> Option<Predicate> {
    match index.checked_sub(FACETS.len()) {
        Some(level) => {
            let place = lot.above.get(level)?;
            Some(Predicate::Within("location_id", vec![id(1, *place)]))
        }
        None => {
            let column = Entity::SCHEMA.index_of(FACETS[index])?;
            let value = &lot.row.values[column];
            (!value.is_null()).then(|| Predicate::Equals(FACETS[index], value.clone()))
        }
    }
}

/// Every combination of filters in every sort, first pages.
fn lists(lots: &[Lot], random: &mut Random) -> Vec<Query> {
    let levels = [None, Some(0), Some(1), Some(2)];
    let shapes =
        (0..1_usize << FACETS.len()).flat_map(|facets| levels.map(|level| (facets, level)));
    let mut queries = Vec::new();
    for (facets, level) in shapes {
        let wanted = (0..FACETS.len()).filter(|facet| facets >> facet & 1 == 1);
        let wanted: Vec<usize> = wanted.chain(level.map(|level| FACETS.len() + level)).collect();
        for (sort, descending) in SORTS.iter().flat_map(|sort| [(sort, false), (sort, true)]) {
            for value in 0..VALUES {
                let has_all = |lot: &&Lot| wanted.iter().all(|index| filter(*index, lot).is_some());
                let fitting: Vec<&Lot> = lots.iter().filter(has_all).collect();
                let Some(one) = random.pick(&fitting) else { continue };
                let all = wanted.iter().filter_map(|index| {
                    let lot = if value + 1 < VALUES { one } else { random.pick(&fitting)? };
                    filter(*index, lot)
                });
                let filter = all.fold(Predicate::All, Predicate::and);
                let sort = Sort { column: *sort, descending, required: true };
                queries.push(Query { sort, filter, ..Query::new(Predicate::All, 50) });
            }
        }
    }
    queries
}

/// Where a page goes on that ended with this row.
fn cursor(row: &Row, sort: Sort) -> Cursor {
    let key = match sort.column {
        None => Value::Null,
        Some("updated_at") => Value::Time(row.updated_at),
        Some(name) => row.values[Entity::SCHEMA.index_of(name).expect("a column")].clone(),
    };
    Cursor { sort: sort.column.unwrap_or_default().into(), key, seq: row.seq }
}

/// Pages far down in the lists of single values that have so many.
fn deep(index: &Index, lots: &[Lot], rows: impl Fn(i64) -> Row, random: &mut Random) -> Vec<Query> {
    let mut queries = Vec::new();
    for facet in (0..=FACETS.len()).filter(|facet| *facet != 3) {
        let Some(filter) = random.pick(lots).and_then(|lot| filter(facet, lot)) else { continue };
        for (column, descending) in SORTS.iter().flat_map(|sort| [(sort, false), (sort, true)]) {
            let sort = Sort { column: *column, descending, required: true };
            let filter = filter.clone();
            let mut query = Query { sort, filter, ..Query::new(Predicate::All, 2_000) };
            for _ in 0..PAGES {
                let last = index.find(&query).and_then(|found| found.rows.last().copied());
                let Some((seq, _)) = last else { break };
                query.after = Some(cursor(&rows(seq), sort));
            }
            query.limit = 50;
            queries.push(query);
        }
    }
    queries
}

/// Prints how long lists take.
pub(crate) fn tell(index: &Index, plan: &DemoPlan) {
    let mut random = Random::new(1);
    let lots = sample(plan, &mut random);
    let mut queries = lists(&lots, &mut random);
    random.shuffle(&mut queries);
    times(index, &queries, ["every filter and sort", "the same again"]);
    let rows: Vec<DemoEntity> = plan.entities().collect();
    let of = |seq: i64| {
        let number = usize::try_from(seq - 1).expect("a number of a row");
        row(number, rows[number].clone())
    };
    times(index, &deep(index, &lots, of, &mut random), ["far down", "the same again"]);
}

fn times(index: &Index, queries: &[Query], what: [&'static str; 2]) {
    let mut all = what.map(|what| Times { what, all: Vec::with_capacity(queries.len()) });
    for query in queries {
        for (times, time) in all.iter_mut().zip(time(index, query)) {
            times.all.push(time);
        }
    }
    all.into_iter().for_each(Times::tell);
}
