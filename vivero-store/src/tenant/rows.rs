//! Reading rows, on a connection of any kind.

use super::plan::{self, Table, condition};
use crate::backend::{Backend, Sql, read};
use crate::schema::BASE;
use chrono::{DateTime, Utc};
use uuid::Uuid;
use vivero_core::query::{Deleted, Predicate, Query};
use vivero_core::record::Row;
use vivero_core::{Error, Result, Value};

/// The columns of a table in one row.
pub(crate) fn decode<B: Backend>(table: &Table, row: &B::Row) -> Result<Row> {
    let base = |i: usize| read::<B>(row, i, BASE[i].1);
    let first = BASE.len();
    let mut values = Vec::with_capacity(table.schema.columns.len());
    for (i, column) in table.schema.columns.iter().enumerate() {
        values.push(read::<B>(row, first + i, column.kind)?);
    }
    Ok(Row {
        seq: int(base(0)?),
        id: id(base(1)?),
        version: int(base(2)?),
        created_at: time(base(3)?).unwrap_or_default(),
        created_by: id(base(4)?),
        updated_at: time(base(5)?).unwrap_or_default(),
        updated_by: id(base(6)?),
        deleted_at: time(base(7)?),
        values,
    })
}

pub(crate) fn int(value: Value) -> i64 {
    if let Value::Int(i) = value { i } else { 0 }
}
pub(crate) fn id(value: Value) -> Uuid {
    if let Value::Id(id) = value { id } else { Uuid::nil() }
}
pub(crate) fn time(value: Value) -> Option<DateTime<Utc>> {
    if let Value::Time(t) = value { Some(t) } else { None }
}
pub(crate) fn text(value: Value) -> String {
    if let Value::Text(t) = value { t } else { String::new() }
}
pub(crate) fn hash(value: Value) -> Result<[u8; 32]> {
    match value {
        Value::Bytes(b) => {
            b.try_into().map_err(|_| Error::corrupt("a hash does not have 32 bytes"))
        }
        _ => Err(Error::corrupt("a hash is missing")),
    }
}

pub(crate) async fn find<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    id: Uuid,
    scope: &Predicate,
    deleted: Deleted,
) -> Result<Option<Row>> {
    let mut sql = Sql::<B>::new(format!(
        "SELECT {} FROM {} t WHERE t.id = ?",
        table.columns, table.schema.table
    ));
    sql.bind(Value::Id(id));
    match deleted {
        Deleted::Hidden => sql.add(" AND t.deleted_at IS NULL"),
        Deleted::Only => sql.add(" AND t.deleted_at IS NOT NULL"),
        Deleted::Included => &mut sql,
    };
    if *scope != Predicate::All {
        sql.add(" AND ");
        condition(&mut sql, scope);
    }
    sql.fetch(connection).await?.first().map(|row| decode::<B>(table, row)).transpose()
}

pub(crate) async fn list<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &Query,
    known: plan::Known<'_>,
) -> Result<Vec<Row>> {
    let sql = plan::list::<B>(connection, table, query, known).await?;
    sql.fetch(connection).await?.iter().map(|row| decode::<B>(table, row)).collect()
}

pub(crate) async fn count<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &Query,
    known: plan::Known<'_>,
) -> Result<u64> {
    let rows = plan::count::<B>(connection, table, query, known).await?.fetch(connection).await?;
    let number = rows.first().map(|row| crate::backend::read_int::<B>(row, 0)).transpose()?;
    Ok(u64::try_from(number.unwrap_or(0)).unwrap_or(0))
}
