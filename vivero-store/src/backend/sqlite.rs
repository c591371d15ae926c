//! SQLite.
//!
//! Instants are stored as microseconds since 1970 and days as text, so that both sort and compare as
//! they should; ids are 16 bytes.

use super::{Backend, Sql};
use chrono::{DateTime, NaiveDate};
use futures_util::TryStreamExt as _;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Executor as _, Row as _};
use uuid::Uuid;
use vivero_core::Value;
use vivero_core::record::{Column, Kind};
use vivero_core::search::Terms;

impl Backend for Sqlite {
    fn push(args: &mut SqliteArguments, value: Value) -> Result<(), sqlx::Error> {
        match value {
            Value::Null => args.add(None::<i64>),
            Value::Bool(b) => args.add(b),
            Value::Int(i) => args.add(i),
            Value::Text(t) => args.add(t),
            Value::Id(id) => args.add(id.as_bytes().to_vec()),
            Value::Time(t) => args.add(t.timestamp_micros()),
            Value::Date(d) => args.add(d.to_string()),
            Value::Json(j) => args.add(j.to_string()),
            Value::Bytes(b) => args.add(b),
        }
        .map_err(sqlx::Error::Encode)
    }

    fn read(row: &SqliteRow, index: usize, kind: Kind) -> Result<Value, sqlx::Error> {
        let wrong = |source: &str| sqlx::Error::ColumnDecode {
            index: index.to_string(),
            source: source.into(),
        };
        // Types were checked when the column was made (STRICT tables); asking again for every cell
        // would cost more than reading it.
        Ok(match kind {
            Kind::Bool => {
                row.try_get_unchecked::<Option<bool>, _>(index)?.map_or(Value::Null, Value::Bool)
            }
            Kind::Int => {
                row.try_get_unchecked::<Option<i64>, _>(index)?.map_or(Value::Null, Value::Int)
            }
            Kind::Text => {
                row.try_get_unchecked::<Option<String>, _>(index)?.map_or(Value::Null, Value::Text)
            }
            Kind::Bytes => row
                .try_get_unchecked::<Option<Vec<u8>>, _>(index)?
                .map_or(Value::Null, Value::Bytes),
            Kind::Id => match row.try_get_unchecked::<Option<&[u8]>, _>(index)? {
                None => Value::Null,
                Some(bytes) => Value::Id(Uuid::from_slice(bytes).map_err(|_| wrong("not an id"))?),
            },
            Kind::Time => match row.try_get_unchecked::<Option<i64>, _>(index)? {
                None => Value::Null,
                Some(t) => Value::Time(
                    DateTime::from_timestamp_micros(t).ok_or_else(|| wrong("not an instant"))?,
                ),
            },
            Kind::Date => match row.try_get_unchecked::<Option<&str>, _>(index)? {
                None => Value::Null,
                Some(d) => Value::Date(d.parse::<NaiveDate>().map_err(|_| wrong("not a day"))?),
            },
            Kind::Json => match row.try_get_unchecked::<Option<&str>, _>(index)? {
                None => Value::Null,
                Some(j) => Value::Json(serde_json::from_str(j).map_err(|_| wrong("not JSON"))?),
            },
        })
    }

    async fn fetch(
        connection: &mut SqliteConnection,
        sql: Sql<Self>,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        connection.fetch(sqlx::query_with(AssertSqlSafe(sql.text), sql.args)).try_collect().await
    }

    async fn execute(
        connection: &mut SqliteConnection,
        sql: Sql<Self>,
    ) -> Result<u64, sqlx::Error> {
        let query = sqlx::query_with(AssertSqlSafe(sql.text), sql.args);
        Ok(connection.execute(query).await?.rows_affected())
    }

    async fn begin(
        pool: &sqlx::Pool<Self>,
    ) -> Result<sqlx::Transaction<'static, Self>, sqlx::Error> {
        // Taking the write lock at the start: a read that turns into a write could find it taken.
        pool.begin_with("BEGIN IMMEDIATE").await
    }

    fn column_type(column: &Column) -> String {
        let kind = match column.kind {
            Kind::Bool | Kind::Int | Kind::Time => "INTEGER",
            Kind::Text | Kind::Date | Kind::Json => "TEXT",
            Kind::Id | Kind::Bytes => "BLOB",
        };
        kind.to_owned()
    }

    fn create_search(table: &str) -> Vec<String> {
        // Words were folded and parted by the core: whatever is not white space belongs to one.
        vec![format!(
            "CREATE VIRTUAL TABLE IF NOT EXISTS {table}_search USING fts5(text, content='', contentless_delete=1, \
             detail=none, prefix='3', tokenize=\"unicode61 remove_diacritics 2 categories 'L* N* M* S* P* C*'\")"
        )]
    }
    fn insert_search(table: &str, rows: usize) -> String {
        let mut sql = format!("INSERT INTO {table}_search (rowid, text) VALUES (?, ?)");
        for _ in 1..rows {
            sql.push_str(", (?, ?)");
        }
        sql
    }
    fn insert_last_search(table: &str) -> String {
        format!("INSERT INTO {table}_search (rowid, text) VALUES (last_insert_rowid(), ?)")
    }
    fn update_search(table: &str) -> String {
        format!("UPDATE {table}_search SET text = ? WHERE rowid = ?")
    }
    fn remove_search(table: &str) -> String {
        format!("DELETE FROM {table}_search WHERE rowid >= ?")
    }
    fn from_search(table: &str) -> String {
        // CROSS JOIN keeps SQLite from turning the loops around.
        format!("{table}_search f CROSS JOIN {table} t ON t.seq = f.rowid")
    }
    fn where_search(table: &str) -> String {
        format!("f.{table}_search MATCH ?")
    }
    fn in_search(table: &str) -> String {
        format!("t.seq IN (SELECT rowid FROM {table}_search WHERE {table}_search MATCH ?)")
    }
    fn match_text(terms: &Terms) -> String {
        // Terms hold letters and digits only; the quotes keep words like OR from being operators.
        let words = terms.words().iter().map(|term| {
            let star = |word: &str| if term.whole || word.chars().count() < 2 { "" } else { "*" };
            let any: Vec<String> =
                term.alternatives.iter().map(|w| format!("\"{w}\"{}", star(w))).collect();
            if any.len() == 1 { any.concat() } else { format!("({})", any.join(" OR ")) }
        });
        words.collect::<Vec<_>>().join(" AND ")
    }
    fn concat(a: &str, b: &str) -> String {
        format!("{a} || {b}")
    }
    fn index_hint(index: &str) -> String {
        format!(" INDEXED BY {index}")
    }
    fn cache(kib: u32) -> String {
        format!("PRAGMA cache_size = -{kib}")
    }
    const NO_INDEX: &'static str = " NOT INDEXED";
    const COLUMNS: &'static str = "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'";
    const ADD_COUNT: &'static str = "INSERT INTO counts (resource, field, value, n) VALUES (?, ?, ?, ?) \
         ON CONFLICT (resource, field, value) DO UPDATE SET n = n + excluded.n";

    fn taken_field(error: &dyn sqlx::error::DatabaseError) -> Option<String> {
        // "UNIQUE constraint failed: entities.code"
        error.message().rsplit('.').next().map(|f| f.trim().to_owned())
    }
}
