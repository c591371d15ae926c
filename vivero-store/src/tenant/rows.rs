//! Reading rows, on a connection of any kind.

use super::plan::{self, Table, condition};
use crate::backend::{Backend, Cells, Sql};
use crate::schema::BASE;
use uuid::Uuid;
use vivero_core::query::{Deleted, Predicate, Query};
use vivero_core::record::Row;
use vivero_core::{Result, Value};

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
    let mut sql =
        Sql::new(format!("SELECT {} FROM {} t WHERE t.id = ?", table.columns, table.schema.table));
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
    Ok(sql.first::<B>(connection, &table.kinds).await?.map(decode))
}

pub(crate) async fn list<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &Query,
    known: plan::Known<'_>,
) -> Result<Vec<Row>> {
    let sql = plan::list::<B>(connection, table, query, known).await?;
    Ok(sql.fetch::<B>(connection, &table.kinds).await?.into_iter().map(decode).collect())
}

pub(crate) async fn count<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &Query,
    known: plan::Known<'_>,
) -> Result<u64> {
    let sql = plan::count::<B>(connection, table, query, known).await?;
    let number = sql.number::<B>(connection).await?;
    Ok(u64::try_from(number.unwrap_or(0)).unwrap_or(0))
}
