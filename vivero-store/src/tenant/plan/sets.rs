//! The combinations of facets that occur.
//!
//! There are few, though there may be a million rows: a few hundred for the entities of a nursery. A
//! trigger enters each into a table in the transaction in which it first occurs, so the table never
//! lacks one; what became of the rows since does not matter.

use super::Table;
use crate::backend::{Backend, Sql};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use vivero_core::query::Predicate;
use vivero_core::record::Kind;
use vivero_core::{Result, Value};

/// The combinations of one record type, as of its newest.
#[derive(Debug)]
pub(crate) struct Sets {
    newest: i64,
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

/// What was read of the combinations, per record type.
#[derive(Debug, Default)]
pub(crate) struct SetsCache(RwLock<HashMap<&'static str, Arc<Sets>>>);

/// The combinations of a record type that has facets. What is read inside a write transaction may be
/// undone with it: then there is no cache.
pub(super) async fn sets<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    cache: Option<&SetsCache>,
) -> Result<Option<Arc<Sets>>> {
    let Some((name, columns)) = &table.sets else { return Ok(None) };
    let newest = Sql::new(format!("SELECT coalesce(max(n), 0) FROM {name}"))
        .number::<B>(connection)
        .await?
        .unwrap_or(0);
    let read = |cache: &SetsCache| {
        let known = cache.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(table.schema.table).filter(|s| s.newest == newest).cloned()
    };
    if let Some(found) = cache.and_then(read) {
        return Ok(Some(found));
    }
    let names: Vec<&str> = columns.iter().map(|c| c.name).collect();
    let kinds: Vec<Kind> = columns.iter().map(|c| c.kind).collect();
    let rows = Sql::new(format!("SELECT {} FROM {name} WHERE n <= ?", names.join(", ")))
        .with(Value::Int(newest))
        .fetch::<B>(connection, &kinds)
        .await?;
    let found = Arc::new(Sets { newest, values: rows.into_iter().map(|row| row.0).collect() });
    if let Some(cache) = cache {
        let mut known = cache.0.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(table.schema.table, Arc::clone(&found));
    }
    Ok(Some(found))
}
