//! What adds rows to a table and to its search index.

use super::plan::Table;
use super::rows;
use crate::backend::Backend;
use vivero_core::record::{Row, Schema};
use vivero_core::search::document;
use vivero_core::{Error, Result, Value};

/// Parameters of one statement stay below every driver's limit.
const MAX_PARAMETERS: usize = 15_000;

/// What adds rows: the parameters for their table, and for its search index.
pub(super) struct Insert {
    pub(super) rows: Vec<Vec<Value>>,
    pub(super) search: Vec<(Option<i64>, String)>,
}

impl Insert {
    /// Rows with their numbers; no value lets the engine number a row.
    pub(super) fn new(table: &Table, rows: impl Iterator<Item = (Value, Row)>) -> Self {
        let schema = table.schema;
        let mut insert = Self { rows: Vec::new(), search: Vec::new() };
        for (seq, row) in rows {
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
        let mut rows = self.rows;
        let added = match (rows.len(), rows.pop()) {
            (1, Some(row)) => B::insert_one(connection, &head, row, schema).await,
            (_, last) => {
                rows.extend(last);
                B::insert(connection, &head, rows).await
            }
        };
        added.map_err(|e| taken::<B>(e, schema))?;
        if !self.search.is_empty() {
            B::insert_search(connection, schema.table, self.search).await.map_err(Into::into)?;
        }
        Ok(())
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
    next: i64,
    at_once: usize,
}

impl Parts {
    /// Of rows that are numbered from `start` on.
    pub(super) fn new(schema: &Schema, rows: Vec<Row>, start: i64) -> Self {
        let at_once = (MAX_PARAMETERS / (8 + schema.columns.len())).max(1);
        Self { rows: rows.into_iter(), next: start, at_once }
    }

    pub(super) fn next(&mut self, table: &Table) -> Option<Insert> {
        let part: Vec<Row> = self.rows.by_ref().take(self.at_once).collect();
        let number = i64::try_from(part.len()).unwrap_or(i64::MAX);
        (number > 0).then(|| {
            let numbered = (self.next..).map(Value::Int).zip(part);
            self.next += number;
            Insert::new(table, numbered)
        })
    }
}
