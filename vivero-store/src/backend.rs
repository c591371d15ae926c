//! The line between one SQL body and the drivers it runs on.
//!
//! A driver implements [`Backend`]; nothing above it names a database. What differs between dialects
//! is a constant or a function here, never an `if` in a query.

#[cfg(feature = "sqlite")]
mod sqlite;

use sqlx::Database;
use std::fmt::Write as _;
use vivero_core::record::{Column, Kind};
use vivero_core::search::Terms;
use vivero_core::{Error, Result, Value};

/// A driver and its dialect.
pub(crate) trait Backend: Database<Arguments: Default + Send> + Sized {
    /// Binds one value.
    fn push(args: &mut Self::Arguments, value: Value) -> Result<(), sqlx::Error>;
    /// Reads one column.
    fn read(row: &Self::Row, index: usize, kind: Kind) -> Result<Value, sqlx::Error>;
    /// Runs a query and reads all its rows.
    fn fetch(
        connection: &mut Self::Connection,
        sql: Sql<Self>,
    ) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send;
    /// Runs a statement; how many rows it touched.
    fn execute(
        connection: &mut Self::Connection,
        sql: Sql<Self>,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;
    /// Begins a transaction that may write.
    fn begin(
        pool: &sqlx::Pool<Self>,
    ) -> impl Future<Output = Result<sqlx::Transaction<'static, Self>, sqlx::Error>> + Send;

    /// The column type of a kind.
    fn column_type(column: &Column) -> String;
    /// Statements that make a table's search index.
    fn create_search(table: &str) -> Vec<String>;
    /// Statement that adds one row to a search index; parameters: seq, text.
    fn insert_search(table: &str, rows: usize) -> String;
    /// The same for the row that was inserted last, in the same call; parameter: text.
    fn insert_last_search(table: &str) -> String;
    /// Statement that replaces the text of one row; parameters: text, seq.
    fn update_search(table: &str) -> String;
    /// Statement that removes the rows from one seq on; parameter: seq.
    fn remove_search(table: &str) -> String;
    /// `FROM` clause that yields the matches of one parameter as `f.rowid`, newest first if the
    /// order asks for it, joined to the rows `t`.
    fn from_search(table: &str) -> String;
    /// Condition for the match parameter.
    fn where_search(table: &str) -> String;
    /// Condition on `t` that it is among the matches of one parameter.
    fn in_search(table: &str) -> String;
    /// The match parameter.
    fn match_text(terms: &Terms) -> String;
    /// Two texts as one.
    fn concat(a: &str, b: &str) -> String;
    /// Forces an index.
    fn index_hint(index: &str) -> String;
    /// Statement that gives a connection so much memory for pages.
    fn cache(kib: u32) -> String;
    /// Forces the order of creation: no index.
    const NO_INDEX: &'static str;
    /// The tables and columns there are, by the query that lists them: rows of (table, column).
    const COLUMNS: &'static str;
    /// Inserts a row or adds to its number; columns resource, field, value, n.
    const ADD_COUNT: &'static str;
    /// Which field a unique violation is about.
    fn taken_field(error: &dyn sqlx::error::DatabaseError) -> Option<String>;
}

/// SQL text with its parameters.
pub(crate) struct Sql<B: Backend> {
    pub(crate) text: String,
    pub(crate) args: B::Arguments,
    error: Option<sqlx::Error>,
}

impl<B: Backend> Sql<B> {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), args: B::Arguments::default(), error: None }
    }
    /// Appends text.
    pub(crate) fn add(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }
    /// Appends formatted text.
    pub(crate) fn addf(&mut self, text: std::fmt::Arguments<'_>) -> &mut Self {
        let _ = self.text.write_fmt(text);
        self
    }
    /// Binds a parameter whose `?` is already in the text.
    pub(crate) fn bind(&mut self, value: Value) -> &mut Self {
        if let Err(e) = B::push(&mut self.args, value) {
            self.error.get_or_insert(e);
        }
        self
    }
    pub(crate) fn with(mut self, value: Value) -> Self {
        self.bind(value);
        self
    }
    pub(crate) async fn fetch(mut self, connection: &mut B::Connection) -> Result<Vec<B::Row>> {
        match self.error.take() {
            Some(e) => Err(failed(e)),
            None => B::fetch(connection, self).await.map_err(failed),
        }
    }
    pub(crate) async fn execute(mut self, connection: &mut B::Connection) -> Result<u64> {
        match self.error.take() {
            Some(e) => Err(failed(e)),
            None => B::execute(connection, self).await.map_err(failed),
        }
    }
    /// Like `execute`, with a unique violation told from other failures.
    pub(crate) async fn execute_unique(
        mut self,
        connection: &mut B::Connection,
        resource: &'static str,
    ) -> Result<u64> {
        if let Some(e) = self.error.take() {
            return Err(failed(e));
        }
        B::execute(connection, self).await.map_err(|e| match e.as_database_error() {
            Some(db) if db.is_unique_violation() => Error::Taken {
                resource: resource.into(),
                field: B::taken_field(db).unwrap_or_else(|| "id".into()),
            },
            _ => failed(e),
        })
    }
}

/// Reads one column, or says which row is damaged.
pub(crate) fn read<B: Backend>(row: &B::Row, index: usize, kind: Kind) -> Result<Value> {
    B::read(row, index, kind).map_err(|e| match e {
        sqlx::Error::ColumnDecode { index, source } => {
            Error::corrupt(format!("column {index}: {source}"))
        }
        other => failed(other),
    })
}

pub(crate) fn read_int<B: Backend>(row: &B::Row, index: usize) -> Result<i64> {
    match read::<B>(row, index, Kind::Int)? {
        Value::Int(i) => Ok(i),
        _ => Ok(0),
    }
}

pub(crate) fn read_text<B: Backend>(row: &B::Row, index: usize) -> Result<Option<String>> {
    match read::<B>(row, index, Kind::Text)? {
        Value::Text(t) => Ok(Some(t)),
        _ => Ok(None),
    }
}

/// A driver's failure as a caller can use it: what may pass is told from what will not.
pub(crate) fn failed(error: sqlx::Error) -> Error {
    let unavailable = |what: &'static str, error: sqlx::Error| Error::Unavailable {
        what: what.into(),
        retry_after: 1,
        source: Some(Box::new(error)),
    };
    match &error {
        sqlx::Error::PoolTimedOut => unavailable("connections", error),
        sqlx::Error::PoolClosed => unavailable("database, it is closing", error),
        sqlx::Error::Database(db) => {
            let message = db.message();
            if message.contains("database is locked")
                || message.contains("database table is locked")
            {
                unavailable("database, it is busy", error)
            } else if message.contains("disk is full") || message.contains("disk I/O error") {
                unavailable("storage", error)
            } else if message.contains("malformed") || message.contains("not a database") {
                Error::corrupt(message.to_owned())
            } else if message.contains("readonly database") {
                unavailable("database, it is read-only", error)
            } else {
                Error::internal("running a statement", error)
            }
        }
        _ => Error::internal("talking to the database", error),
    }
}
