//! What adds rows to a table and to its search index.

use super::plan::Table;
use super::rows;
use crate::backend::{Backend, Sql};
use uuid::Uuid;
use vivero_core::record::{Kind, Row, Schema};
use vivero_core::search::document;
use vivero_core::{Error, Result, Value};

/// Parameters of one statement stay below every driver's limit.
const MAX_PARAMETERS: usize = 15_000;

/// What adds rows: the parameters for their table, and for its search index.
pub(super) struct Insert {
    /// The id of the last.
    last: Uuid,
    pub(super) rows: Vec<Vec<Value>>,
    pub(super) search: Vec<(Option<i64>, String)>,
}

impl Insert {
    /// Rows with their numbers; no value lets the engine number a row.
    pub(super) fn new(table: &Table, rows: impl Iterator<Item = (Value, Row)>) -> Self {
        let schema = table.schema;
        let mut insert = Self { last: Uuid::nil(), rows: Vec::new(), search: Vec::new() };
        for (seq, row) in rows {
            insert.last = row.id;
            if schema.is_searchable() {
                let number = if let Value::Int(seq) = seq { Some(seq) } else { None };
                insert.search.push((number, document(schema, &row.values)));
            }
            let mut cells = Vec::with_capacity(8 + row.values.len());
            cells.extend(rows::base(seq, &row));
            let columns = schema.columns.iter().zip(row.values);
            cells.extend(columns.filter(|(c, _)| table.has(c)).map(|(_, value)| value));
            insert.rows.push(cells);
        }
        insert
    }

    /// What comes before the values.
    pub(super) fn head(table: &Table) -> String {
        let columns = table.schema.columns.iter().filter(|c| table.has(c));
        let names: String = columns.map(|c| format!(", {}", c.name)).collect();
        format!(
            "INSERT INTO {} (seq, id, version, created_at, created_by, updated_at, updated_by, deleted_at{names}) VALUES ",
            table.schema.table
        )
    }

    pub(super) async fn execute<B: Backend>(
        self,
        connection: &mut B::Connection,
        table: &Table,
    ) -> Result<()> {
        let schema = table.schema;
        let head = Self::head(table);
        let (mut rows, mut search) = (self.rows, self.search);
        let added = match (rows.len(), rows.pop()) {
            (1, Some(row)) => B::insert_one(connection, &head, row, schema).await,
            (_, last) => {
                rows.extend(last);
                B::insert(connection, &head, rows).await
            }
        };
        added.map_err(|e| taken::<B>(e, schema))?;
        if search.len() > 1 && search.iter().any(|(number, _)| number.is_none()) {
            let first = first_of::<B>(connection, schema, search.len(), self.last).await?;
            for ((number, _), given) in search.iter_mut().zip(first..) {
                *number = Some(given);
            }
        }
        if !search.is_empty() {
            B::insert_search(connection, schema.table, search).await.map_err(Into::into)?;
        }
        Ok(())
    }
}

/// The number that the engine gave the first of so many rows of one statement, the last of which has this id.
async fn first_of<B: Backend>(
    connection: &mut B::Connection,
    schema: &Schema,
    rows: usize,
    last: Uuid,
) -> Result<i64> {
    let first = B::FIRST_GIVEN.unwrap_or("NULL");
    let sql = format!("SELECT {first}, (SELECT seq FROM {} WHERE id = ?)", schema.table);
    let sql = Sql::new(sql).with(Value::Id(last));
    let found = sql.first::<B>(connection, &[Kind::Int, Kind::Int]).await?;
    let found = found.map(|numbers| (numbers.int(0), numbers.int(1)));
    match (found, i64::try_from(rows)) {
        (Some((first, last)), Ok(rows)) if last == first + rows - 1 => Ok(first),
        _ => Err(Error::internal("adding rows", "they are not numbered one after another")),
    }
}

/// A unique violation told from other failures.
pub(super) fn taken<B: Backend>(failure: B::Failure, schema: &'static Schema) -> Error {
    match B::taken_field(&failure) {
        Some(field) => Error::Taken { resource: schema.resource.into(), field },
        None => failure.into(),
    }
}

/// Rows on their way into statements.
pub(super) struct Parts {
    rows: std::vec::IntoIter<Row>,
    /// None where the engine numbers them.
    next: Option<i64>,
    at_once: usize,
}

impl Parts {
    /// Of rows that are numbered from `start` on, or by the engine.
    pub(super) fn new(schema: &Schema, rows: Vec<Row>, start: Option<i64>) -> Self {
        let at_once = (MAX_PARAMETERS / (8 + schema.columns.len())).max(1);
        Self { rows: rows.into_iter(), next: start, at_once }
    }

    pub(super) fn next(&mut self, table: &Table) -> Option<Insert> {
        let part: Vec<Row> = self.rows.by_ref().take(self.at_once).collect();
        let number = i64::try_from(part.len()).unwrap_or(i64::MAX);
        (number > 0).then(|| {
            let first = self.next;
            self.next = first.map(|first| first + number);
            let numbers = (0..).map(|i| first.map_or(Value::Null, |first| Value::Int(first + i)));
            Insert::new(table, numbers.zip(part))
        })
    }
}
