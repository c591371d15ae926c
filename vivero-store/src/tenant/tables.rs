//! The record types of an installation as its tenants have them.

use super::plan::Table;
use crate::migrate::{Shape, Target};
use crate::schema;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use vivero_core::record::Schema;

/// How often a tenant that is behind is asked whether it still is.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The record types, shared by all tenants; those of a tenant that is behind, with what it lacks.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    known: RwLock<HashMap<&'static str, Arc<Table>>>,
    declared: Vec<&'static Schema>,
    behind: Option<Behind>,
}

#[derive(Debug)]
struct Behind {
    all: Arc<Tables>,
    target: Arc<Target>,
    looked: Mutex<Instant>,
}

impl Tables {
    pub(crate) fn new(records: &[&'static Schema]) -> Self {
        let declared: Vec<_> = schema::OWN.iter().chain(records).copied().collect();
        let tables = Self { declared, ..Self::default() };
        for schema in &tables.declared {
            tables.get(schema);
        }
        tables
    }

    /// Those of a tenant that has this shape.
    pub(crate) fn behind(all: &Arc<Self>, target: &Arc<Target>, shape: &Shape) -> Self {
        let lacking = target.schemas.iter().filter_map(|schema| {
            let table = Table::reduced(schema, shape);
            table.is_reduced().then(|| (schema.table, Arc::new(table)))
        });
        Self {
            known: RwLock::new(lacking.collect()),
            declared: all.declared.clone(),
            behind: Some(Behind {
                all: Arc::clone(all),
                target: Arc::clone(target),
                looked: Mutex::new(Instant::now()),
            }),
        }
    }

    fn find(&self, table: &str) -> Option<Arc<Table>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(table).cloned()
    }

    pub(crate) fn get(&self, schema: &'static Schema) -> Arc<Table> {
        if let Some(table) = self.find(schema.table) {
            return table;
        }
        if let Some(behind) = &self.behind {
            return behind.all.get(schema);
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(schema.table).or_insert_with(|| Arc::new(Table::new(schema))))
    }

    /// The record types that are not vivero's own.
    pub(crate) fn others(&self) -> Vec<&'static Schema> {
        self.schemas().into_iter().filter(|s| !schema::OWN.contains(s)).collect()
    }
    /// All record types, vivero's own first, then by table.
    pub(crate) fn schemas(&self) -> Vec<&'static Schema> {
        if let Some(behind) = &self.behind {
            return behind.all.schemas();
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut others: Vec<_> =
            known.values().map(|t| t.schema).filter(|s| !schema::OWN.contains(s)).collect();
        others.sort_by_key(|s| s.table);
        schema::OWN.iter().copied().chain(others).collect()
    }

    /// Whether the installation was opened with this record type.
    pub(crate) fn is_declared(&self, schema: &'static Schema) -> bool {
        self.declared.contains(&schema)
    }

    /// Whether some table lacks a column, or is not there.
    pub(crate) fn lacks_columns(&self) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        self.behind.is_some() && known.values().any(|t| t.lacks_columns())
    }

    /// What the tenant may have got by now, if it is time to look.
    pub(crate) fn to_look_for(&self) -> Option<&Target> {
        let behind = self.behind.as_ref()?;
        if self.known.read().unwrap_or_else(PoisonError::into_inner).is_empty() {
            return None;
        }
        let mut looked = behind.looked.lock().unwrap_or_else(PoisonError::into_inner);
        (looked.elapsed() >= LOOK_AGAIN).then(|| {
            *looked = Instant::now();
            &*behind.target
        })
    }

    /// It has everything now.
    pub(crate) fn lift(&self) {
        if self.behind.is_some() {
            self.known.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}
