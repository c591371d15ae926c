//! SQLite, through rusqlite.
//!
//! SQLite is a library in this process: a statement is a call of microseconds. It runs where it is
//! asked for, because a hand-over to another thread and back costs more than most statements do; only
//! what looks at many rows ([`Sql::long`]) steps aside first.
//!
//! Instants are stored as microseconds since 1970 and days as text, so that both sort and compare as
//! they should; ids are 16 bytes.

mod pool;
mod tables;
mod wal;

pub(crate) use pool::{Lease, Pool, Writing};
pub(crate) use wal::Wal;

use super::merge::Best;
use super::{Backend, Cells, Costs, FENCED, Key, Merge, Merged, Sql};
use crate::migrate::{Fingerprint, Noted};
use chrono::{DateTime, NaiveDate};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql, ffi, params_from_iter};
use std::collections::HashSet;
use uuid::Uuid;
use vivero_core::record::{Column, Kind};
use vivero_core::search::Terms;
use vivero_core::{Error, JsonText, Result, Value};

/// The driver.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sqlite;

/// Merging that may look at so many index entries takes long.
const FAR: usize = 50_000;

/// What a statement fails with.
#[derive(Debug)]
pub(crate) struct Failure(rusqlite::Error);

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self(error)
    }
}

impl From<Failure> for Error {
    /// As a caller can use it: what may pass is told from what will not.
    fn from(Failure(error): Failure) -> Self {
        let unavailable = |what: &'static str, error: rusqlite::Error| Self::Unavailable {
            what: what.into(),
            retry_after: 1,
            source: Some(Box::new(error)),
        };
        if let rusqlite::Error::FromSqlConversionFailure(column, _, source) = &error {
            return Self::corrupt(format!("column {column}: {source}"));
        }
        if let rusqlite::Error::SqliteFailure(_, Some(message)) = &error
            && message.contains(FENCED)
        {
            return super::fenced();
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                unavailable("database, it is busy", error)
            }
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => unavailable("storage", error),
            Some(ErrorCode::ReadOnly) => unavailable("database, it is read-only", error),
            Some(ErrorCode::CannotOpen) => unavailable("database, it cannot be opened", error),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::corrupt(error.to_string())
            }
            _ => Self::internal("running a statement", error),
        }
    }
}

/// A value as SQLite takes it, without a copy of what it holds.
struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = |text: String| ToSqlOutput::Owned(rusqlite::types::Value::Text(text));
        Ok(match self.0 {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Bool(b) => ToSqlOutput::Borrowed(ValueRef::Integer((*b).into())),
            Value::Int(i) => ToSqlOutput::Borrowed(ValueRef::Integer(*i)),
            Value::Text(t) => ToSqlOutput::Borrowed(ValueRef::Text(t.as_bytes())),
            Value::Id(id) => ToSqlOutput::Borrowed(ValueRef::Blob(id.as_bytes())),
            Value::Time(t) => ToSqlOutput::Borrowed(ValueRef::Integer(t.timestamp_micros())),
            Value::Date(d) => text(d.to_string()),
            Value::Json(j) => ToSqlOutput::Borrowed(ValueRef::Text(j.as_str().as_bytes())),
            Value::Bytes(b) => ToSqlOutput::Borrowed(ValueRef::Blob(b)),
        })
    }
}

/// The id of rows that have none, where one is needed.
const NO_ID: &str = "x'00000000000000000000000000000000'";

/// The first 31 bits of a fingerprint: what a file's header has room for.
fn small(fingerprint: &str) -> i64 {
    if fingerprint.is_empty() {
        return 0;
    }
    let number = i64::from_str_radix(fingerprint.get(..8).unwrap_or("1"), 16).unwrap_or(1);
    (number & 0x7fff_ffff).max(1)
}

/// Reads one column.
fn read(row: &rusqlite::Row<'_>, index: usize, kind: Kind) -> rusqlite::Result<Value> {
    let value = row.get_ref(index)?;
    let wrong = |what: &'static str| {
        rusqlite::Error::FromSqlConversionFailure(index, value.data_type(), what.into())
    };
    let utf8 = |bytes| std::str::from_utf8(bytes).map_err(|_| wrong("not UTF-8"));
    Ok(match (kind, value) {
        (_, ValueRef::Null) => Value::Null,
        (Kind::Bool, ValueRef::Integer(i)) => Value::Bool(i != 0),
        (Kind::Int, ValueRef::Integer(i)) => Value::Int(i),
        (Kind::Text, ValueRef::Text(t)) => Value::Text(utf8(t)?.to_owned()),
        (Kind::Bytes, ValueRef::Blob(b)) => Value::Bytes(b.to_vec()),
        (Kind::Id, ValueRef::Blob(b)) => {
            // Older versions left it empty in rows from before its column was added.
            let id = if b.is_empty() { Ok(Uuid::nil()) } else { Uuid::from_slice(b) };
            Value::Id(id.map_err(|_| wrong("not an id"))?)
        }
        (Kind::Time, ValueRef::Integer(t)) => {
            Value::Time(DateTime::from_timestamp_micros(t).ok_or_else(|| wrong("not an instant"))?)
        }
        (Kind::Date, ValueRef::Text(d)) => {
            Value::Date(utf8(d)?.parse::<NaiveDate>().map_err(|_| wrong("not a day"))?)
        }
        (Kind::Json, ValueRef::Text(j)) => {
            let json = JsonText::parse(utf8(j)?.to_owned());
            Value::Json(json.map_err(|_| wrong("not JSON"))?)
        }
        _ => return Err(wrong("a value of another type")),
    })
}

/// Runs a call that may take long so that the other tasks of this thread go on elsewhere.
fn aside<T>(long: bool, call: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    let many =
        || Handle::try_current().is_ok_and(|h| h.runtime_flavor() == RuntimeFlavor::MultiThread);
    if long && many() { tokio::task::block_in_place(call) } else { call() }
}

fn query(connection: &Connection, sql: &Sql, kinds: &[Kind]) -> Result<Vec<Cells>, Failure> {
    let mut statement = connection.prepare_cached(&sql.text)?;
    let mut rows = statement.query(params_from_iter(sql.args.iter().map(Bound)))?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Vec::with_capacity(kinds.len());
        for (index, kind) in kinds.iter().enumerate() {
            cells.push(read(row, index, *kind)?);
        }
        all.push(Cells(cells));
    }
    Ok(all)
}

/// Whether a row's place, its third column, is one of these.
fn is_among(row: &rusqlite::Row<'_>, places: &HashSet<Uuid>) -> rusqlite::Result<bool> {
    Ok(match row.get_ref(2)? {
        ValueRef::Blob(id) => Uuid::from_slice(id).is_ok_and(|id| places.contains(&id)),
        _ => false,
    })
}

/// The row's place is compared as it lies in the index: most entries are passed over.
fn merge(connection: &Connection, merge: &Merge) -> Result<Merged, Failure> {
    let mut best = Best::new(merge.limit, merge.descending);
    let mut looked_at = 0;
    for range in &merge.ranges {
        'range: for stage in &merge.stages {
            let mut statement = connection.prepare_cached(&stage.text)?;
            let args = range.iter().chain(&stage.args).map(Bound);
            let mut rows = statement.query(params_from_iter(args))?;
            while let Some(row) = rows.next()? {
                looked_at += 1;
                if looked_at > merge.budget {
                    return Ok(Merged::TooFar);
                }
                if let Some(places) = &merge.places
                    && !is_among(row, places)?
                {
                    continue;
                }
                if !best.offer(read(row, 0, merge.kind)?, row.get(1)?) {
                    break 'range;
                }
            }
        }
    }
    Ok(Merged::Rows(best.into_rows()))
}

impl Backend for Sqlite {
    type Pool = Pool;
    type Connection = Connection;
    type Leased = Lease;
    type Transaction = Writing;
    type Failure = Failure;
    type Match = String;

    async fn acquire(pool: &Pool) -> Result<Lease> {
        pool.acquire().await
    }
    async fn begin(pool: &Pool) -> Result<Writing> {
        pool.begin().await
    }
    async fn commit<G: Send + 'static>(transaction: Writing, _until: G) -> Result<()> {
        transaction.commit().await
    }
    async fn define(pool: &Pool) -> Result<Writing> {
        pool.begin().await
    }
    /// On a thread of its own: statements and syncs run where they are asked for.
    async fn apart<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T> {
        let runtime = tokio::runtime::Handle::current();
        // Gone with this future, and the work with it.
        let (caller, gone) = tokio::sync::oneshot::channel::<()>();
        let working = tokio::task::spawn_blocking(move || {
            runtime.block_on(async move {
                tokio::select! {
                    biased;
                    done = work => Some(done),
                    _ = gone => None,
                }
            })
        });
        let done = working.await.map_err(|e| Error::internal("working apart", e))?;
        drop(caller);
        done.ok_or_else(|| Error::internal("working apart", "nobody waits for it"))
    }
    async fn defined(_: &mut Writing, _: bool) -> Result<()> {
        Ok(())
    }
    async fn go_on(transaction: Writing, pool: &Pool) -> Result<Writing> {
        transaction.commit().await?;
        pool.begin().await
    }
    fn lock_wait(_: u32) -> Option<String> {
        None
    }
    const NOTED: (&'static str, &'static [Kind]) = (
        "SELECT user_version, application_id FROM pragma_user_version, pragma_application_id",
        &[Kind::Int, Kind::Int],
    );
    fn standing(row: Option<Cells>, wanted: &Fingerprint) -> Noted {
        let (have, tables) = row.map_or((0, 0), |row| (row.int(0), row.int(1)));
        let same = have == small(&wanted.short());
        // Zero: never noted, or indexes were set aside while a table was filled.
        let never = have == 0;
        let same_tables = same || !never && tables == small(&wanted.tables);
        Noted { same, same_tables, never }
    }
    async fn noted(connection: &mut Connection, wanted: &Fingerprint) -> Result<Noted> {
        let row = Sql::new(Self::NOTED.0).first::<Self>(connection, Self::NOTED.1).await?;
        Ok(Self::standing(row, wanted))
    }
    async fn note(connection: &mut Connection, version: &Fingerprint) -> Result<()> {
        for sql in [
            format!("PRAGMA user_version = {}", small(&version.short())),
            format!("PRAGMA application_id = {}", small(&version.tables)),
        ] {
            Sql::new(sql).fetch::<Self>(connection, &[]).await?;
        }
        Ok(())
    }
    async fn close(pool: &Pool) {
        pool.close();
    }
    fn is_closed(pool: &Pool) -> bool {
        pool.is_closed()
    }
    fn reap(pool: &Pool) {
        pool.reap();
    }

    async fn fetch(
        connection: &mut Connection,
        sql: Sql,
        kinds: &[Kind],
    ) -> Result<Vec<Cells>, Failure> {
        aside(sql.long, || query(connection, &sql, kinds))
    }

    async fn execute(connection: &mut Connection, sql: Sql) -> Result<u64, Failure> {
        aside(sql.long, || {
            let mut statement = connection.prepare_cached(&sql.text)?;
            let touched = statement.execute(params_from_iter(sql.args.iter().map(Bound)))?;
            Ok(touched as u64)
        })
    }

    async fn insert(
        connection: &mut Connection,
        head: &str,
        rows: Vec<Vec<Value>>,
    ) -> Result<(), Failure> {
        // One row a statement: a table with triggers would have several copied aside first.
        let marks = vec!["?"; rows.first().map_or(0, Vec::len)].join(", ");
        aside(rows.len() > 100, || {
            let mut statement = connection.prepare_cached(&format!("{head}({marks})"))?;
            for row in &rows {
                statement.execute(params_from_iter(row.iter().map(Bound)))?;
            }
            Ok(())
        })
    }

    async fn merge(connection: &mut Connection, ranges: Merge) -> Result<Merged, Failure> {
        aside(ranges.budget > FAR, || merge(connection, &ranges))
    }

    async fn steady(connection: &mut Connection) -> Result<bool, Failure> {
        if !connection.is_autocommit() {
            return Ok(false);
        }
        connection.prepare_cached("BEGIN")?.execute([])?;
        Ok(true)
    }

    async fn unsteady(connection: &mut Connection) -> Result<(), Failure> {
        connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    fn taken_field(Failure(error): &Failure) -> Option<String> {
        let rusqlite::Error::SqliteFailure(code, message) = error else { return None };
        let unique = [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY];
        // "UNIQUE constraint failed: entities.code"
        let field = || message.as_deref()?.rsplit('.').next().map(|f| f.trim().to_owned());
        unique.contains(&code.extended_code).then(|| field().unwrap_or_else(|| "id".into()))
    }

    fn column_type(column: &Column) -> String {
        let kind = match column.kind {
            Kind::Bool | Kind::Int | Kind::Time => "INTEGER",
            Kind::Text | Kind::Date | Kind::Json => "TEXT",
            Kind::Id | Kind::Bytes => "BLOB",
        };
        kind.to_owned()
    }

    fn empty(column: &Column) -> &'static str {
        match column.kind {
            Kind::Bool | Kind::Int | Kind::Time => "0",
            Kind::Json => "'{}'",
            Kind::Date => "'1970-01-01'",
            Kind::Text => "''",
            Kind::Id => NO_ID,
            Kind::Bytes => "x''",
        }
    }

    fn create_table(table: &str, columns: &[String], _: &[Key]) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {table} (seq INTEGER PRIMARY KEY, {}) STRICT",
            columns.join(", ")
        )
    }

    fn create_search(table: &str) -> Vec<String> {
        // Words were folded and parted by the core: whatever is not white space belongs to one.
        vec![format!(
            "CREATE VIRTUAL TABLE IF NOT EXISTS {table}_search USING fts5(text, content='', contentless_delete=1, \
             detail=none, prefix='3', tokenize=\"unicode61 remove_diacritics 2 categories 'L* N* M* S* P* C*'\")"
        )]
    }
    fn create_sets(table: &str, sets: &str, columns: &[&Column]) -> Vec<String> {
        let list = |each: &dyn Fn(&&Column) -> String, between: &str| -> String {
            columns.iter().map(each).collect::<Vec<_>>().join(between)
        };
        let names = list(&|c| c.name.to_owned(), ", ");
        let typed = list(&|c| format!("{} {}", c.name, Self::column_type(c)), ", ");
        let enter = format!(
            "INSERT INTO {sets} ({names}) SELECT {} WHERE NOT EXISTS (SELECT 1 FROM {sets} s WHERE {}); END",
            list(&|c| format!("new.{}", c.name), ", "),
            list(&|c| format!("s.{0} IS new.{0}", c.name), " AND "),
        );
        vec![
            format!(
                "CREATE TABLE IF NOT EXISTS {sets} (n INTEGER PRIMARY KEY AUTOINCREMENT, {typed}) STRICT"
            ),
            format!("CREATE INDEX IF NOT EXISTS {sets}_values ON {sets} ({names})"),
            format!(
                "CREATE TRIGGER IF NOT EXISTS {sets}_insert AFTER INSERT ON {table} BEGIN {enter}"
            ),
            format!(
                "CREATE TRIGGER IF NOT EXISTS {sets}_update AFTER UPDATE OF {names} ON {table} BEGIN {enter}"
            ),
        ]
    }
    fn same(column: &Column) -> String {
        format!("t.{} {} ?", column.name, if column.nullable { "IS" } else { "=" })
    }
    async fn insert_search(
        connection: &mut Connection,
        table: &str,
        texts: Vec<(Option<i64>, String)>,
    ) -> Result<(), Failure> {
        let last = texts.iter().any(|(seq, _)| seq.is_none());
        if let (true, Some((_, text))) = (last, texts.first()) {
            let sql =
                format!("INSERT INTO {table}_search (rowid, text) VALUES (last_insert_rowid(), ?)");
            connection.prepare_cached(&sql)?.execute([text])?;
            return Ok(());
        }
        let rows = texts
            .into_iter()
            .map(|(seq, text)| vec![seq.map_or(Value::Null, Value::Int), Value::Text(text)]);
        let head = format!("INSERT INTO {table}_search (rowid, text) VALUES ");
        Self::insert(connection, &head, rows.collect()).await
    }
    fn update_search(table: &str, seq: i64, _: &str, after: String) -> Vec<Sql> {
        let sql = Sql::new(format!("UPDATE {table}_search SET text = ? WHERE rowid = ?"));
        vec![sql.with(Value::Text(after)).with(Value::Int(seq))]
    }
    async fn matching(_: &mut Connection, _: &str, terms: &Terms) -> Result<String, Failure> {
        // Terms hold letters and digits only; the quotes keep words like OR from being operators.
        let words = terms.words().iter().map(|term| {
            let star = |word: &str| if term.whole || word.chars().count() < 2 { "" } else { "*" };
            let any: Vec<String> =
                term.alternatives.iter().map(|w| format!("\"{w}\"{}", star(w))).collect();
            if any.len() == 1 { any.concat() } else { format!("({})", any.join(" OR ")) }
        });
        Ok(words.collect::<Vec<_>>().join(" AND "))
    }
    fn matches(sql: &mut Sql, table: &str, _: &String) {
        sql.addf(format_args!("{table}_search f"));
    }
    fn from_search(table: &str) -> String {
        // CROSS JOIN keeps SQLite from turning the loops around.
        format!(" CROSS JOIN {table} t ON t.seq = f.rowid")
    }
    fn where_search(sql: &mut Sql, table: &str, wanted: &String) {
        sql.addf(format_args!("f.{table}_search MATCH ?")).bind(Value::Text(wanted.clone()));
    }
    fn in_search(sql: &mut Sql, table: &str, wanted: &String) {
        sql.addf(format_args!(
            "t.seq IN (SELECT rowid FROM {table}_search WHERE {table}_search MATCH ?)"
        ))
        .bind(Value::Text(wanted.clone()));
    }
    fn concat(a: &str, b: &str) -> String {
        format!("{a} || {b}")
    }
    fn set_aside(_table: &str, indexes: &[&str]) -> Vec<String> {
        // With the version gone, whoever opens the file next brings up what was left out.
        let drops = indexes.iter().map(|index| format!("DROP INDEX IF EXISTS {index}"));
        drops.chain(["PRAGMA user_version = 0".to_owned()]).collect()
    }
    fn fence(fenced: bool) -> Vec<&'static str> {
        // Every unit of work that changes something has an entry.
        if fenced {
            vec![
                "CREATE TRIGGER IF NOT EXISTS fenced_journal BEFORE INSERT ON journal \
                 BEGIN SELECT RAISE(ABORT, 'vivero: fenced'); END",
                "CREATE TRIGGER IF NOT EXISTS fenced_answers BEFORE INSERT ON idempotency \
                 BEGIN SELECT RAISE(ABORT, 'vivero: fenced'); END",
            ]
        } else {
            vec!["DROP TRIGGER IF EXISTS fenced_journal", "DROP TRIGGER IF EXISTS fenced_answers"]
        }
    }
    fn index_hint(index: &str) -> String {
        format!(" INDEXED BY {index}")
    }
    fn cache(kib: u32) -> Option<String> {
        Some(format!("PRAGMA cache_size = -{kib}"))
    }
    const NAME: &'static str = "sqlite";
    const BOOKKEEPING: &'static [(&'static str, &'static str)] = tables::BOOKKEEPING;
    const REGISTRY: &'static [&'static str] = tables::REGISTRY;
    const KEYS_WITH_TABLE: bool = false;
    const PLACES_BY_CONDITION: bool = false;
    const ASKS_TOGETHER: bool = false;
    const HASTENS: bool = false;
    const CHECKS: bool = false;
    /// Measured with 200,000 rows.
    const COSTS: Costs = Costs { entry: 1.0, looked_at: 2.5, row: 25.0, seek: 50.0 };
    const TURN: Option<&'static str> = None;
    const LEAP: Option<&'static str> = None;
    const HEARS_OF_COMBINATIONS: bool = false;
    const STEPS_STAND: bool = false;
    // It would cost a copy of every page that is touched.
    const SAVEPOINTS: bool = false;
    const NO_INDEX: &'static str = " NOT INDEXED";
    const OBJECTS: &'static str = tables::OBJECTS;
    const ADD_COLUMN: &'static str = "ADD COLUMN";
    const STEP_COLUMNS: &'static [(&'static str, &'static str)] = tables::STEP_COLUMNS;
    const OR_ADD: &'static str =
        " ON CONFLICT (resource, field, value) DO UPDATE SET n = n + excluded.n";
}
