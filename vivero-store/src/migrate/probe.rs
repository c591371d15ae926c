//! How quick a tenant's lists are, before and after its migration.

use super::Shape;
use crate::backend::Backend;
use crate::tenant::plan::{self, About, Table};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use vivero_core::query::{Predicate, Query, Sort};
use vivero_core::record::Schema;
use vivero_core::{Result, Value};

/// How often each list is asked for; the first time does not count.
const ROUNDS: usize = 6;
/// Rows of a list.
const ROWS: u32 = 50;

/// How long each list took, by what it is of.
pub(super) type Times = BTreeMap<String, Vec<Duration>>;

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

    pub(super) async fn run<B: Backend>(&self, readers: &B::Pool) -> Result<Times> {
        let mut connection = B::acquire(readers).await?;
        let mut all = Times::new();
        for round in 0..ROUNDS {
            for List { what, table, query } in &self.lists {
                let start = Instant::now();
                let table = &self.tables[*table];
                plan::list::<B>(&mut connection, table, query, About::default()).await?;
                if round > 0 {
                    all.entry(what.clone()).or_default().push(start.elapsed());
                }
            }
        }
        Ok(all)
    }
}
