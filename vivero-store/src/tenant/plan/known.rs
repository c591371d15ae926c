//! What the dashboard's figures say of how many rows a query has, without asking the database.
//!
//! They may be a moment old: for choosing an index that is new enough, for a total it is checked.

use super::Table;
use crate::tenant::journal::counted;
use uuid::Uuid;
use vivero_core::journal::CountKey;
use vivero_core::port::Counts;
use vivero_core::query::{Deleted, Predicate, Query};

/// The figures, if there are any yet.
pub(crate) type Known<'a> = Option<&'a Counts>;

fn figure(table: &Table, field: &str, value: String, known: Known<'_>) -> Option<i64> {
    let key = CountKey { resource: table.schema.resource.into(), field: field.into(), value };
    known?.values.get(&key).map_or(Some(0), |n| i64::try_from(*n).ok())
}

/// How many rows a query has in all, if it is one of the figures.
pub(crate) fn projected(table: &Table, query: &Query, known: Known<'_>) -> Option<u64> {
    let plain =
        query.search.is_none() && query.deleted == Deleted::Hidden && query.scope == Predicate::All;
    if !plain || !counted(table.schema) {
        return None;
    }
    let number = match &query.filter {
        Predicate::All => total(table, known)?,
        one => matching(table, one, known)?,
    };
    u64::try_from(number).ok()
}

/// How many rows there are.
pub(super) fn total(table: &Table, known: Known<'_>) -> Option<i64> {
    figure(table, "", String::new(), known)
}

/// How many rows meet a condition.
pub(super) fn matching(table: &Table, predicate: &Predicate, known: Known<'_>) -> Option<i64> {
    let Predicate::Equals(name, value) = predicate else { return None };
    let column = table.schema.column(name).filter(|c| c.count)?;
    let value = match value.to_json() {
        // No value and the empty text share a figure.
        serde_json::Value::Null => return None,
        serde_json::Value::String(text) if text.is_empty() => return None,
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    figure(table, column.name, value, known)
}

/// How many rows have one of these ids in a column.
pub(super) fn having<'a>(
    table: &Table,
    column: &str,
    ids: impl Iterator<Item = &'a Uuid>,
    known: Known<'_>,
) -> Option<i64> {
    let column = table.schema.column(column).filter(|c| c.count)?;
    let values = &known?.values;
    let mut key = CountKey {
        resource: table.schema.resource.into(),
        field: column.name.into(),
        value: String::new(),
    };
    let mut sum = 0;
    for id in ids {
        key.value.clear();
        key.value.push_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        sum += values.get(&key).copied().unwrap_or(0);
    }
    i64::try_from(sum).ok()
}
