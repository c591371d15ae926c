//! Reading rows, on a connection of any kind.

use super::plan::{Table, condition};
use crate::backend::{Backend, Cells, Sql};
use crate::schema::BASE;
use uuid::Uuid;
use vivero_core::query::{Deleted, Predicate};
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
