//! The combinations of facets that occur.
//!
//! There are few, though there may be a million rows: a few hundred for the entities of a nursery. A
//! trigger enters each into a table in the transaction in which it first occurs, so the table never
//! lacks one; what became of the rows since does not matter.

use super::{Memory, Table};
use crate::backend::{Backend, Sql};
use std::sync::Arc;
use vivero_core::query::Predicate;
use vivero_core::record::Kind;
use vivero_core::{Result, Value};

/// The combinations of one record type, as of its newest.
#[derive(Debug)]
pub(crate) struct Sets {
    pub(super) newest: i64,
    values: Vec<Vec<Value>>,
}

impl Sets {
    /// The combinations that meet every condition on a facet.
    pub(super) fn matching(&self, table: &Table, conditions: &[&Predicate]) -> Vec<Vec<Value>> {
        let facets = table.schema.facets;
        let tests: Vec<(usize, &Predicate)> = conditions
            .iter()
            .filter_map(|p| Some((facets.iter().position(|f| Some(*f) == super::pinned(p))?, *p)))
            .collect();
        let meets = |set: &&Vec<Value>| {
            tests.iter().all(|(i, predicate)| match predicate {
                Predicate::Equals(_, value) => set[*i] == *value,
                Predicate::OneOf(_, values) => values.contains(&set[*i]),
                _ => true,
            })
        };
        self.values.iter().filter(meets).cloned().collect()
    }
}

/// The combinations of a record type that has facets. What is read inside a write transaction may be
/// undone with it: then nothing is remembered.
pub(super) async fn sets<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    memory: Option<&Memory>,
) -> Result<Option<Arc<Sets>>> {
    let Some((name, columns)) = &table.sets else { return Ok(None) };
    let newest = newest(name).number::<B>(connection).await?.unwrap_or(0);
    let known = memory.and_then(|m| m.sets(table.schema.table)).filter(|s| s.newest == newest);
    if known.is_some() {
        return Ok(known);
    }
    let names: Vec<&str> = columns.iter().map(|c| c.name).collect();
    let kinds: Vec<Kind> = columns.iter().map(|c| c.kind).collect();
    // Each once: filling the table of a tenant that is served, or a second time, may have entered one twice.
    let rows = Sql::new(format!("SELECT DISTINCT {} FROM {name} WHERE n <= ?", names.join(", ")))
        .with(Value::Int(newest))
        .fetch::<B>(connection, &kinds)
        .await?;
    let found = Arc::new(Sets { newest, values: rows.into_iter().map(|row| row.0).collect() });
    if let Some(memory) = memory {
        memory.set_sets(table.schema.table, Arc::clone(&found));
    }
    Ok(Some(found))
}

/// The number of the newest combination. None is ever removed: as long as it is the same, all are.
pub(super) fn newest(sets: &str) -> Sql {
    Sql::new(format!("SELECT coalesce(max(n), 0), 0 FROM {sets}"))
}
