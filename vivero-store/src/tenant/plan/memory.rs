//! What was read of a tenant's database before, to plan with.
//!
//! Whoever relies on it has it checked by the statement that does ([`Backend::CHECKS`]), or reads it
//! anew.

use super::sets::Sets;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use uuid::Uuid;
use vivero_core::query::Query;

/// Entries kept of each kind; when there are more, all are dropped.
const MOST: usize = 2_000;

/// What is remembered, per tenant.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    sets: RwLock<HashMap<&'static str, Arc<Sets>>>,
    below: RwLock<HashMap<Uuid, Arc<HashSet<Uuid>>>>,
    totals: RwLock<(i64, HashMap<String, u64>)>,
}

fn get<K: std::hash::Hash + Eq, V: Clone>(map: &RwLock<HashMap<K, V>>, key: &K) -> Option<V> {
    map.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
}

fn put<K: std::hash::Hash + Eq, V>(map: &RwLock<HashMap<K, V>>, key: K, value: V) {
    let mut map = map.write().unwrap_or_else(PoisonError::into_inner);
    if map.len() >= MOST {
        map.clear();
    }
    map.insert(key, value);
}

impl Memory {
    /// The combinations of facets of a table.
    pub(super) fn sets(&self, table: &'static str) -> Option<Arc<Sets>> {
        get(&self.sets, &table)
    }
    pub(super) fn set_sets(&self, table: &'static str, sets: Arc<Sets>) {
        put(&self.sets, table, sets);
    }
    pub(super) fn drop_sets(&self, table: &'static str) {
        self.sets.write().unwrap_or_else(PoisonError::into_inner).remove(table);
    }

    /// A place and all below it.
    pub(super) fn below(&self, root: Uuid) -> Option<Arc<HashSet<Uuid>>> {
        get(&self.below, &root)
    }
    pub(super) fn set_below(&self, root: Uuid, all: Arc<HashSet<Uuid>>) {
        put(&self.below, root, all);
    }
    pub(super) fn drop_below(&self, root: Uuid) {
        self.below.write().unwrap_or_else(PoisonError::into_inner).remove(&root);
    }

    /// How many rows a query has, if it was counted at this turn of the database.
    pub(super) fn total(&self, turn: i64, key: &str) -> Option<u64> {
        let totals = self.totals.read().unwrap_or_else(PoisonError::into_inner);
        (totals.0 == turn).then(|| totals.1.get(key).copied()).flatten()
    }
    pub(super) fn set_total(&self, turn: i64, key: String, total: u64) {
        let mut totals = self.totals.write().unwrap_or_else(PoisonError::into_inner);
        if turn > totals.0 || totals.1.len() >= MOST {
            *totals = (turn, HashMap::new());
        }
        if turn == totals.0 {
            totals.1.insert(key, total);
        }
    }
}

/// Names what `query` counts.
pub(super) fn counted(table: &str, query: &Query) -> String {
    format!("{table} {:?} {:?} {:?} {:?}", query.filter, query.scope, query.search, query.deleted)
}
