//! A record table of a tenant that was not migrated yet: read without what it lacks.
//!
//! A column that is lacking reads as the value old rows will have in it; what asks for it by name is
//! refused, and so is writing another value. An index that is lacking is done without, at its price.

use super::Table;
use crate::backend::Cells;
use crate::migrate::Shape;
use crate::schema;
use chrono::DateTime;
use uuid::Uuid;
use vivero_core::query::{Predicate, Query};
use vivero_core::record::{Column, Kind, Row, Schema};
use vivero_core::{Error, JsonText, Result, Value};

/// What a tenant lacks of a record table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lacks {
    /// The table itself.
    table: bool,
    columns: Vec<&'static str>,
    /// The search index.
    search: bool,
    /// Indexes, or the combinations of facets.
    indexes: bool,
}

impl Table {
    /// The table as a tenant of this shape has it.
    pub(crate) fn reduced(schema: &'static Schema, shape: &Shape) -> Self {
        let mut table = Self::new(schema);
        let name = schema.table;
        let gone = |column: &str| !shape.has_column(name, column);
        table.lacks.table = !shape.has_table(name);
        table.lacks.columns =
            schema.columns.iter().map(|c| c.name).filter(|column| gone(column)).collect();
        table.lacks.search = schema.is_searchable() && !shape.has_table(&format!("{name}_search"));
        let before = table.indexes.len();
        table.indexes.retain(|index| shape.has(name, &index.name));
        let sets = schema::sets(schema);
        let set = sets.as_ref().is_none_or(|(sets, _)| shape.has_table(sets));
        let facets = !schema.facets.iter().any(|facet| gone(facet));
        if !set || !facets {
            table.sets = None;
        }
        table.lacks.indexes = table.indexes.len() < before || !set;
        let parts = table.columns.split(", ").map(|part| {
            let lacking = part.strip_prefix("t.").filter(|c| table.lacks.columns.contains(c));
            lacking.map_or_else(|| part.to_owned(), |column| format!("NULL AS {column}"))
        });
        table.columns = parts.collect::<Vec<_>>().join(", ");
        table
    }

    pub(crate) fn is_reduced(&self) -> bool {
        self.lacks != Lacks::default()
    }
    pub(crate) fn lacks_columns(&self) -> bool {
        self.lacks.table || !self.lacks.columns.is_empty()
    }

    /// A row, with what it will have in the columns that are lacking.
    pub(crate) fn decode(&self, cells: Cells) -> Row {
        let mut row = crate::tenant::rows::decode(cells);
        for name in &self.lacks.columns {
            if let Some(i) = self.schema.index_of(name) {
                row.values[i] = empty(&self.schema.columns[i]);
            }
        }
        row
    }

    /// The columns that can be written.
    pub(crate) fn has(&self, column: &Column) -> bool {
        !self.lacks.columns.contains(&column.name)
    }

    /// Refuses a query that needs what is lacking.
    pub(crate) fn can_answer(&self, query: &Query) -> Result<()> {
        if !self.is_reduced() {
            return Ok(());
        }
        self.is_there()?;
        if self.lacks.search && query.search.is_some() {
            return Err(self.refused("search"));
        }
        if let Some(sort) = query.sort.column.filter(|c| self.lacks.columns.contains(c)) {
            return Err(self.refused(sort));
        }
        self.can_check(&query.filter)?;
        self.can_check(&query.scope)
    }

    /// Refuses a condition on what is lacking.
    pub(crate) fn can_check(&self, predicate: &Predicate) -> Result<()> {
        if !self.is_reduced() {
            return Ok(());
        }
        self.is_there()?;
        match predicate {
            Predicate::And(parts) | Predicate::Or(parts) => {
                parts.iter().try_for_each(|part| self.can_check(part))
            }
            Predicate::Equals(column, _)
            | Predicate::OneOf(column, _)
            | Predicate::Within(column, _)
                if self.lacks.columns.contains(column) =>
            {
                Err(self.refused(column))
            }
            _ => Ok(()),
        }
    }

    /// Refuses to write a row that has a value in a column that is lacking.
    pub(crate) fn can_hold<'v>(&self, mut values: impl Iterator<Item = &'v Value>) -> Result<()> {
        if !self.is_reduced() {
            return Ok(());
        }
        self.is_there()?;
        if self.lacks.search {
            return Err(self.refused("search"));
        }
        for column in self.schema.columns {
            let Some(value) = values.next() else { break };
            if !self.has(column) && !value.is_null() && *value != empty(column) {
                return Err(self.refused(column.name));
            }
        }
        Ok(())
    }

    fn is_there(&self) -> Result<()> {
        if self.lacks.table { Err(self.refused("the table")) } else { Ok(()) }
    }

    fn refused(&self, what: &str) -> Error {
        let table = self.schema.table;
        Error::TenantMigrating {
            what: format!("{table} lacks {what} until `vivero migrate up` has come to this tenant"),
        }
    }
}

/// What rows have in a column that they lack.
fn empty(column: &Column) -> Value {
    if column.nullable {
        return Value::Null;
    }
    match column.kind {
        Kind::Bool => Value::Bool(false),
        Kind::Int => Value::Int(0),
        Kind::Text => Value::Text(String::new()),
        Kind::Time => Value::Time(DateTime::UNIX_EPOCH),
        Kind::Date => Value::Date(DateTime::UNIX_EPOCH.date_naive()),
        Kind::Json => Value::Json(JsonText::default()),
        Kind::Bytes => Value::Bytes(Vec::new()),
        Kind::Id => Value::Id(Uuid::nil()),
    }
}
