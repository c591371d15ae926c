//! Reading rows, on a connection of any kind.

use super::plan::{Table, condition};
use super::together::Question;
use crate::backend::{Backend, Cells, Sql};
use crate::schema::{self, BASE};
use hashbrown::{HashMap, HashSet};
use std::hash::Hash;
use uuid::Uuid;
use vivero_core::query::{Deleted, Predicate};
use vivero_core::record::Row;
use vivero_core::{Result, Value};

/// What every record has first, with the number it is to have, in the order of [`BASE`].
pub(super) fn base(seq: Value, row: &Row) -> [Value; BASE.len()] {
    [
        seq,
        Value::Id(row.id),
        Value::Int(row.version),
        Value::Time(row.created_at),
        Value::Id(row.created_by),
        Value::Time(row.updated_at),
        Value::Id(row.updated_by),
        row.deleted_at.map_or(Value::Null, Value::Time),
    ]
}

/// Where the version is in [`base`].
pub(super) const VERSION: usize = 2;

/// The columns of a table in one row.
pub(crate) fn decode(mut cells: Cells) -> Row {
    let values = cells.0.split_off(BASE.len());
    Row {
        seq: cells.int(0),
        id: cells.id(1),
        version: cells.int(2),
        created_at: cells.time(3).unwrap_or_default(),
        created_by: cells.id(4),
        updated_at: cells.time(5).unwrap_or_default(),
        updated_by: cells.id(6),
        deleted_at: cells.time(7),
        values,
    }
}

pub(crate) async fn find<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    id: Uuid,
    scope: &Predicate,
    deleted: Deleted,
) -> Result<Option<Row>> {
    table.can_check(scope)?;
    let text = format!("SELECT {} FROM {} t WHERE t.id = ?", table.columns, table.schema.table);
    let mut sql = Sql::new(text).fixed(*scope == Predicate::All);
    sql.bind(Value::Id(id));
    match deleted {
        Deleted::Hidden => sql.add(" AND t.deleted_at IS NULL"),
        Deleted::Only => sql.add(" AND t.deleted_at IS NOT NULL"),
        Deleted::Included => &mut sql,
    };
    if *scope != Predicate::All {
        sql.add(" AND ");
        condition::<B>(&mut sql, scope);
    }
    Ok(sql.first::<B>(connection, &table.kinds).await?.map(|cells| table.decode(cells)))
}

/// A statement for so many rows each is prepared. Of fewer rows the last is named several times, which is no
/// more to the database than once.
const PREPARED_FOR: [usize; 4] = [1, 4, 16, 64];

/// Rows that are there and not deleted, by id.
pub(super) struct ById;

impl Question for ById {
    type Wanted = Uuid;
    type Answer = Option<Row>;
    const MOST: usize = 64;

    fn rows(_: &Uuid) -> usize {
        1
    }

    async fn ask<B: Backend>(
        connection: &mut B::Connection,
        table: &Table,
        wanted: Vec<Uuid>,
    ) -> Result<Vec<Option<Row>>> {
        let Some(last) = wanted.last().copied() else { return Ok(Vec::new()) };
        let size = PREPARED_FOR.into_iter().find(|size| *size >= wanted.len());
        let size = size.unwrap_or(wanted.len());
        let name = table.schema.table;
        let mut sql = Sql::new(format!(
            "SELECT {} FROM {name} t{} WHERE t.id IN (?{}) AND t.deleted_at IS NULL",
            table.columns,
            B::index_hint(&schema::id_key(name)),
            ", ?".repeat(size - 1)
        ))
        .fixed(true);
        let padding = std::iter::repeat_n(last, size - wanted.len());
        sql.args = wanted.iter().copied().chain(padding).map(Value::Id).collect();
        let rows = sql.fetch::<B>(connection, &table.kinds).await?;
        let rows = rows.into_iter().map(|cells| table.decode(cells)).map(|row| (row.id, row));
        let mut found = Found::new(rows, wanted.iter().copied());
        Ok(wanted.iter().map(|id| found.take(id)).collect())
    }
}

/// Rows that were read for several, who may want the same ones.
pub(super) struct Found<K> {
    rows: HashMap<K, Row>,
    /// How often those are still wanted that are so more than once.
    again: HashMap<K, usize>,
}

impl<K: Copy + Eq + Hash> Found<K> {
    /// `wanted` are all who want a row.
    pub(super) fn new(
        rows: impl Iterator<Item = (K, Row)>,
        wanted: impl Iterator<Item = K>,
    ) -> Self {
        let mut first = HashSet::new();
        let mut again: HashMap<K, usize> = HashMap::new();
        for key in wanted {
            if !first.insert(key) {
                *again.entry(key).or_default() += 1;
            }
        }
        Self { rows: rows.collect(), again }
    }

    pub(super) fn take(&mut self, key: &K) -> Option<Row> {
        match self.again.get_mut(key) {
            Some(times) if *times > 0 => {
                *times -= 1;
                self.rows.get(key).cloned()
            }
            _ => self.rows.remove(key),
        }
    }
}
