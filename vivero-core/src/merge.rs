//! Concurrent edits: different fields merge, the same field is a conflict that shows all three values.

use crate::record::Schema;
use crate::value::Value;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// A field that two people changed since the version both started from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldConflict {
    /// The field.
    pub field: String,
    /// Its value in the version the caller started from.
    pub base: Json,
    /// Its value now.
    pub theirs: Json,
    /// The value the caller wants.
    pub mine: Json,
}

/// Finds the fields of `wanted` that differ from `current` and were changed by others as well.
///
/// `base` holds, for every field others changed since the caller's version, the value it had then.
/// An empty result means that the caller's changes can be applied on top of `current`: fields the
/// caller did not touch keep the others' values, and wanting what is already there is no change.
#[must_use]
pub fn conflicts(
    schema: &Schema,
    base: &BTreeMap<String, Json>,
    current: &[Value],
    wanted: &[Value],
) -> Vec<FieldConflict> {
    schema
        .columns
        .iter()
        .zip(current.iter().zip(wanted))
        .filter(|(_, (theirs, mine))| theirs != mine)
        .filter_map(|(column, (theirs, mine))| {
            base.get(column.name).map(|base| FieldConflict {
                field: column.name.into(),
                base: base.clone(),
                theirs: theirs.to_json(),
                mine: mine.to_json(),
            })
        })
        .collect()
}
