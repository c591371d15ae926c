//! How quick a tenant's lists are, before and after its migration.

use super::Shape;
use crate::backend::Backend;
use crate::tenant::plan::{self, About, Table};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use vivero_core::migration::{RunOptions, is_slower, median};
use vivero_core::query::{Predicate, Query, Sort};
use vivero_core::record::Schema;
use vivero_core::{Result, Value};

/// How often each list is asked for; the first time counts only of one that takes long, which is not asked for again.
const ROUNDS: usize = 6;
const LONG: Duration = Duration::from_millis(250);
/// All lists of a tenant together are asked for no longer than this.
const PATIENCE: Duration = Duration::from_secs(10);
/// Rows of a list.
const ROWS: u32 = 50;

/// How long each list takes, by what it is of: the median.
pub(super) type Times = BTreeMap<String, Duration>;

/// A list that takes too long since.
#[derive(Debug)]
pub(super) struct Slower {
    /// So many times as long as before.
    pub(super) times: f64,
    pub(super) what: String,
}

/// A list as somebody may ask for it.
struct List {
    what: String,
    table: usize,
    query: Query,
}

/// The lists that are asked for: those that the tenant's tables allowed before. Of each record type one in order of
/// creation, one in every sort, and one by every filter, with the value that the newest row has.
pub(super) struct Probe {
    tables: Vec<Table>,
    lists: Vec<List>,
}

impl Probe {
    pub(super) async fn new<B: Backend>(
        readers: &B::Pool,
        schemas: &[&'static Schema],
    ) -> Result<Self> {
        let mut connection = B::acquire(readers).await?;
        let shape = Shape::read::<B>(&mut *connection).await?;
        let mut probe = Self { tables: Vec::new(), lists: Vec::new() };
        for schema in schemas {
            let table = Table::reduced(schema, &shape);
            let newest = Query::new(Predicate::All, 1);
            if table.can_answer(&newest).is_err() {
                continue;
            }
            let newest =
                plan::list::<B>(&mut connection, &table, &newest, About::default()).await?.pop();
            let mut queries = vec![(String::new(), Query::new(Predicate::All, ROWS))];
            for name in crate::schema::sorts(schema) {
                let sort = Sort::parse(&format!("-{name}"), schema)?;
                let query = Query { sort, ..Query::new(Predicate::All, ROWS) };
                queries.push((format!(" in order of {name}"), query));
            }
            if let Some(newest) = newest {
                for (column, value) in schema.columns.iter().zip(newest.values) {
                    if column.filter && value != Value::Null {
                        let query = Query::new(Predicate::Equals(column.name, value), ROWS);
                        queries.push((format!(" by {}", column.name), query));
                    }
                }
            }
            let of = |(what, query)| List {
                what: format!("{}{what}", schema.table),
                table: probe.tables.len(),
                query,
            };
            let allowed = queries.into_iter().filter(|(_, query)| table.can_answer(query).is_ok());
            probe.lists.extend(allowed.map(of));
            probe.tables.push(table);
        }
        Ok(probe)
    }

    /// Measures until it was patient for long enough; a list that nobody waits for any longer takes at least so long.
    pub(super) async fn run<B: Backend>(&self, readers: &B::Pool) -> Result<Times> {
        let begun = Instant::now();
        let mut connection = B::acquire(readers).await?;
        let mut all: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
        'rounds: for round in 0..ROUNDS {
            for List { what, table, query } in &self.lists {
                let times = all.entry(what).or_default();
                if times.first().is_some_and(|took| *took >= LONG) {
                    continue;
                }
                let (start, table) = (Instant::now(), &self.tables[*table]);
                let asked = plan::list::<B>(&mut connection, table, query, About::default());
                let left = PATIENCE.saturating_sub(begun.elapsed());
                let answer = tokio::time::timeout(left, asked).await;
                let took = start.elapsed();
                if round > 0 || took >= LONG || answer.is_err() {
                    times.push(took);
                }
                match answer {
                    Ok(rows) => drop(rows?),
                    Err(_) => break 'rounds,
                }
            }
        }
        let measured = all.into_iter().filter(|(_, times)| !times.is_empty());
        Ok(measured.map(|(what, mut times)| (what.to_owned(), median(&mut times))).collect())
    }

    /// The list that got slower most since it was measured `before`, if any did by too much. What looks so is
    /// measured again: others are being migrated beside it.
    pub(super) async fn slower<B: Backend>(
        &self,
        readers: &B::Pool,
        before: &Times,
        options: &RunOptions,
    ) -> Result<Option<Slower>> {
        let mut after = self.run::<B>(readers).await?;
        if worst(before, &after, options).is_some() {
            for (what, again) in self.run::<B>(readers).await? {
                after.entry(what).and_modify(|took| *took = again.min(*took));
            }
        }
        Ok(worst(before, &after, options))
    }
}

fn worst(before: &Times, after: &Times, options: &RunOptions) -> Option<Slower> {
    let both = after.iter().filter_map(|(what, after)| Some((what, before.get(what)?, after)));
    both.filter(|(_, before, after)| is_slower(**before, **after, options))
        .map(|(what, before, after)| Slower {
            times: after.as_secs_f64() / before.as_secs_f64().max(1e-9),
            what: format!(
                "{what}: {:.2} ms (the median), before it was {:.2} ms",
                after.as_secs_f64() * 1e3,
                before.as_secs_f64() * 1e3
            ),
        })
        .max_by(|a, b| a.times.total_cmp(&b.times))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(all: &[(&str, u64)]) -> Times {
        all.iter().map(|(what, ms)| ((*what).to_owned(), Duration::from_millis(*ms))).collect()
    }

    #[test]
    fn the_list_that_got_slower_most_is_named() {
        let options = RunOptions::default();
        let before = times(&[("quick", 1), ("slow", 900), ("gone", 5), ("worst", 2)]);
        let after = times(&[("quick", 19), ("slow", 1_000), ("new", 5_000), ("worst", 400)]);
        let found = worst(&before, &after, &options).expect("one of them");
        assert_eq!(found.what, "worst: 400.00 ms (the median), before it was 2.00 ms");
        let without = RunOptions { slower: None, ..options };
        assert!(worst(&before, &after, &without).is_none());
    }
}
