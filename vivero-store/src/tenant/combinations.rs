//! The combinations of facets that are known to be in their tables.
//!
//! Triggers enter a combination with the first row that has it, and look for it at every other row: where that
//! look is dear ([`Backend::HEARS_OF_COMBINATIONS`]) the trigger is told which combination is known to be
//! there. It is told the combination itself and not to look away, so whatever else is written on that
//! connection is looked for as ever. None is ever removed.

use super::plan::Table;
use crate::backend::Backend;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use vivero_core::Value;
use vivero_core::record::Schema;

/// So many are remembered of a tenant.
const MOST: usize = 10_000;

/// Those of one tenant that works of this process entered or found there, by what [`of`] says.
///
/// Known is what was committed since a connection was opened last ([`Backend::openings`]): a server that went
/// down may have lost what it had said was committed, if it is not set up to be durable, and one that was put
/// in its place may never have had it.
#[derive(Debug, Default)]
pub(super) struct Combinations(Mutex<(u64, HashSet<String>)>);

impl Combinations {
    /// Those that are known after so many openings.
    fn known(&self, openings: u64) -> MutexGuard<'_, (u64, HashSet<String>)> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0 < openings {
            *known = (openings, HashSet::new());
        }
        known
    }

    pub(super) fn has(&self, combination: &str, openings: u64) -> bool {
        let known = self.known(openings);
        known.0 == openings && known.1.contains(combination)
    }

    /// They were committed by a work that began after so many openings.
    pub(super) fn add(&self, more: Vec<String>, openings: u64) {
        let mut known = self.known(openings);
        if known.0 == openings && known.1.len() < MOST {
            known.1.extend(more);
        }
    }
}

/// Whether two rows of a table differ in what is combined.
pub(super) fn differ(table: &Table, schema: &Schema, before: &[Value], after: &[Value]) -> bool {
    let Some((_, columns)) = table.sets.as_ref() else { return false };
    let mut places = columns.iter().filter_map(|column| schema.index_of(column.name));
    places.any(|i| before.get(i) != after.get(i))
}

/// The combination of a row, as the trigger of its table writes it; none if there are no facets, or if the
/// engine might write one of these values differently.
pub(super) fn of<B: Backend>(table: &Table, schema: &Schema, values: &[Value]) -> Option<String> {
    if !B::HEARS_OF_COMBINATIONS {
        return None;
    }
    let (sets, columns) = table.sets.as_ref()?;
    let mut text = sets.clone();
    for column in columns {
        match values.get(schema.index_of(column.name)?)? {
            Value::Null => text.push_str(",NULL"),
            Value::Text(value) if value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
                text.push_str(",'");
                text.push_str(value);
                text.push('\'');
            }
            _ => return None,
        }
    }
    Some(text)
}
