//! A write transaction: everything in it happens together or not at all.

use super::combinations::{self, Combinations};
use super::lists::is_followed;
use super::plan::{self, About, Table};
use super::{Tables, journal, rows};
use crate::backend::{Backend, Sql};
use async_trait::async_trait;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;
use uuid::Uuid;
use vivero_core::journal::Entry;
use vivero_core::port::{Remembered, Rows, Work};
use vivero_core::query::{Deleted, Predicate, Query};
use vivero_core::record::{Kind, Row, Schema};
use vivero_core::search::document;
use vivero_core::{Error, Result, Value};

/// Parameters of one statement stay below every driver's limit.
const MAX_PARAMETERS: usize = 15_000;

pub(super) struct SqlWork<B: Backend> {
    transaction: B::Transaction,
    tables: Arc<Tables>,
    committed: Arc<Notify>,
    bulk: Arc<AtomicBool>,
    known: Arc<Combinations>,
    /// Combinations of facets that are in their tables once this is committed.
    combined: Vec<String>,
    /// The records that were written and those that have an entry in the journal.
    written: HashSet<(&'static str, Uuid)>,
    entered: HashSet<(String, Uuid)>,
}

/// Memory for pages of the writing connection, in KiB: ordinarily, and while many rows are written at
/// once, when nearly every page of every index is touched.
pub(crate) const WRITER_CACHE_KIB: u32 = 8 * 1024;
const BULK_CACHE_KIB: u32 = 96 * 1024;
/// From so many rows on it is a bulk write.
const BULK_ROWS: usize = 1_000;

impl<B: Backend> SqlWork<B> {
    pub(super) fn new(
        transaction: B::Transaction,
        tables: Arc<Tables>,
        committed: Arc<Notify>,
        bulk: Arc<AtomicBool>,
        known: Arc<Combinations>,
    ) -> Self {
        Self {
            transaction,
            tables,
            committed,
            bulk,
            known,
            combined: Vec::new(),
            written: HashSet::new(),
            entered: HashSet::new(),
        }
    }

    /// Gives the connection the memory that writing `rows` rows is worth, if it has another.
    async fn make_room(&mut self, rows: usize) -> Result<()> {
        let bulk = rows >= BULK_ROWS;
        if self.bulk.swap(bulk, Ordering::Relaxed) != bulk {
            let kib = if bulk { BULK_CACHE_KIB } else { WRITER_CACHE_KIB };
            if let Some(sql) = B::cache(kib) {
                Sql::new(sql).fetch::<B>(&mut self.transaction, &[]).await?;
            }
        }
        Ok(())
    }

    /// Tells the triggers of a row about to be written that its combination of facets is there, if that is
    /// so; otherwise it will be once the row is written, and is given back.
    fn tell_combination(
        &mut self,
        table: &Table,
        schema: &Schema,
        values: &[Value],
    ) -> Option<String> {
        let combination = combinations::of::<B>(table, schema, values)?;
        if !self.known.has(&combination, B::openings(&self.transaction)) {
            return Some(combination);
        }
        B::tell_combination(&mut self.transaction, &combination);
        None
    }

    /// Notes records that are written, if the journal is to tell of them.
    fn note_written(&mut self, schema: &'static Schema, ids: impl Iterator<Item = Uuid>) {
        if B::LEAP.is_some() && is_followed(schema) {
            self.written.extend(ids.map(|id| (schema.resource, id)));
        }
    }

    /// Moves the turn on by a leap if rows were written that no entry tells of.
    async fn leap_if_unlogged(&mut self) -> Result<()> {
        let entered = &self.entered;
        let told = |(resource, id): &(&str, Uuid)| entered.contains(&((*resource).to_owned(), *id));
        let Some(leap) = B::LEAP.filter(|_| !self.written.iter().all(told)) else { return Ok(()) };
        B::defer(&mut self.transaction, Sql::new(leap)).await.map_err(Into::into)
    }

    async fn remove_from(&mut self, schema: &'static Schema, start: i64) -> Result<()> {
        if B::SAVEPOINTS {
            let back = Sql::new("ROLLBACK TO SAVEPOINT rows_added");
            return back.execute::<B>(&mut self.transaction).await.map(|_| ());
        }
        let mut statements = vec![format!("DELETE FROM {} WHERE seq >= ?", schema.table)];
        if schema.is_searchable() {
            statements.push(format!("DELETE FROM {}_search WHERE rowid >= ?", schema.table));
        }
        for sql in statements {
            Sql::new(sql).with(Value::Int(start)).execute::<B>(&mut self.transaction).await?;
        }
        Ok(())
    }
}

/// What adds rows: the parameters for their table, and for its search index.
struct Insert {
    rows: Vec<Vec<Value>>,
    search: Vec<(Option<i64>, String)>,
}

impl Insert {
    /// Rows with their numbers; no value lets the engine number a row.
    fn new(table: &Table, rows: impl Iterator<Item = (Value, Row)>) -> Self {
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

    async fn execute<B: Backend>(
        self,
        connection: &mut B::Connection,
        table: &Table,
    ) -> Result<()> {
        let schema = table.schema;
        let columns = schema.columns.iter().filter(|c| table.has(c));
        let names: String = columns.map(|c| format!(", {}", c.name)).collect();
        let head = format!(
            "INSERT INTO {} (seq, id, version, created_at, created_by, updated_at, updated_by, deleted_at{names}) VALUES ",
            schema.table
        );
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
fn taken<B: Backend>(failure: B::Failure, schema: &'static Schema) -> Error {
    match B::taken_field(&failure) {
        Some(field) => Error::Taken { resource: schema.resource.into(), field },
        None => failure.into(),
    }
}

/// Rows on their way into statements.
struct Parts {
    rows: std::vec::IntoIter<Row>,
    next: i64,
    at_once: usize,
}

impl Parts {
    fn next(&mut self, table: &Table) -> Option<Insert> {
        let part: Vec<Row> = self.rows.by_ref().take(self.at_once).collect();
        let number = i64::try_from(part.len()).unwrap_or(i64::MAX);
        (number > 0).then(|| {
            let numbered = (self.next..).map(Value::Int).zip(part);
            self.next += number;
            Insert::new(table, numbered)
        })
    }
}

#[async_trait]
impl<B: Backend> Rows for SqlWork<B> {
    async fn find(
        &mut self,
        schema: &'static Schema,
        id: Uuid,
        scope: &Predicate,
        deleted: Deleted,
    ) -> Result<Option<Row>> {
        rows::find::<B>(&mut self.transaction, &self.tables.get(schema), id, scope, deleted).await
    }
    async fn list(&mut self, schema: &'static Schema, query: &Query) -> Result<Vec<Row>> {
        let about = About::default();
        plan::list::<B>(&mut self.transaction, &self.tables.get(schema), query, about).await
    }
    async fn count(&mut self, schema: &'static Schema, query: &Query) -> Result<u64> {
        let about = About::default();
        plan::count::<B>(&mut self.transaction, &self.tables.get(schema), query, about).await
    }
    async fn changes_since(
        &mut self,
        schema: &'static Schema,
        id: Uuid,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        journal::changes_since::<B>(&mut self.transaction, schema, id, after, limit).await
    }
}

#[async_trait]
impl<B: Backend> Work for SqlWork<B> {
    async fn insert(&mut self, schema: &'static Schema, rows: Vec<Row>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let table = self.tables.get(schema);
        for row in &rows {
            table.can_hold(row.values.iter())?;
        }
        self.make_room(rows.len()).await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        if let [row] = &rows[..] {
            let combined = self.tell_combination(&table, schema, &row.values);
            let insert = Insert::new(&table, rows.into_iter().map(|row| (Value::Null, row)));
            insert.execute::<B>(&mut self.transaction, &table).await?;
            self.combined.extend(combined);
            self.note_written(schema, ids.into_iter());
            return Ok(());
        }
        // The engine has one writer, so the next number is the highest plus one.
        let next = Sql::new(format!("SELECT coalesce(max(seq), 0) + 1 FROM {}", schema.table));
        let start = next.number::<B>(&mut self.transaction).await?.unwrap_or(1);
        let at_once = (MAX_PARAMETERS / (8 + schema.columns.len())).max(1);
        let mut parts = Parts { rows: rows.into_iter(), next: start, at_once };
        if B::SAVEPOINTS {
            Sql::new("SAVEPOINT rows_added").execute::<B>(&mut self.transaction).await?;
        }
        let mut now = parts.next(&table);
        while let Some(insert) = now.take() {
            // The next part is put together while the engine is busy with this one.
            let shared = Arc::clone(&table);
            let following = tokio::task::spawn_blocking(move || (parts.next(&shared), parts));
            let done = insert.execute::<B>(&mut self.transaction, &table).await;
            (now, parts) =
                following.await.map_err(|e| Error::internal("putting rows together", e))?;
            if let Err(e) = done {
                // Some of its rows may be there, and those of the parts before it are.
                self.remove_from(schema, start).await?;
                return Err(e);
            }
        }
        self.note_written(schema, ids.into_iter());
        Ok(())
    }

    async fn update(&mut self, schema: &'static Schema, before: &Row, after: Row) -> Result<bool> {
        let table = self.tables.get(schema);
        table.can_hold(after.values.iter())?;
        let combined = if combinations::differ(&table, schema, &before.values, &after.values) {
            self.tell_combination(&table, schema, &after.values)
        } else {
            None
        };
        // Only what differs: an index is touched only when one of its columns is named.
        let mut sets = Sql::new(", updated_at = ?, updated_by = ?, deleted_at = ?");
        sets.bind(Value::Time(after.updated_at))
            .bind(Value::Id(after.updated_by))
            .bind(after.deleted_at.map_or(Value::Null, Value::Time));
        let mut found = false;
        for (i, column) in schema.columns.iter().enumerate() {
            if before.values[i] != after.values[i] {
                sets.addf(format_args!(", {} = ?", column.name)).bind(after.values[i].clone());
                if (column.search || schema.is_word(column)) && schema.is_searchable() {
                    found = true;
                }
            }
        }
        let versions = (before.version, after.version);
        let done = B::update_one(&mut self.transaction, schema, before.id, versions, sets).await;
        if !done.map_err(|e| taken::<B>(e, schema))? {
            return Ok(false);
        }
        self.combined.extend(combined);
        self.note_written(schema, std::iter::once(before.id));
        if found {
            let (old, new) = (document(schema, &before.values), document(schema, &after.values));
            for sql in B::update_search(schema.table, before.seq, &old, new) {
                B::defer(&mut self.transaction, sql).await.map_err(Into::<Error>::into)?;
            }
        }
        Ok(true)
    }

    async fn journal(&mut self, entries: Vec<Entry>) -> Result<()> {
        if B::LEAP.is_some() {
            let told = entries.iter().map(|entry| (entry.resource.clone(), entry.record_id));
            self.entered.extend(told);
        }
        journal::append::<B>(&mut self.transaction, entries).await
    }

    async fn remember(&mut self, answer: Remembered) -> Result<()> {
        let sql = Sql::new(
            "INSERT INTO idempotency (name, fingerprint, response, at) VALUES (?, ?, ?, ?)",
        )
        .with(Value::Text(answer.key))
        .with(Value::Text(answer.fingerprint))
        .with(Value::Text(answer.response))
        .with(Value::Time(answer.at));
        B::defer(&mut self.transaction, sql).await.map_err(Into::into)
    }

    async fn remembered(&mut self, key: &str) -> Result<Option<Remembered>> {
        let row = Sql::new("SELECT fingerprint, response, at FROM idempotency WHERE name = ?")
            .with(Value::Text(key.to_owned()))
            .first::<B>(&mut self.transaction, &[Kind::Text, Kind::Text, Kind::Time])
            .await?;
        Ok(row.map(|mut row| Remembered {
            key: key.to_owned(),
            fingerprint: row.text(0),
            response: row.text(1),
            at: row.time(2).unwrap_or_default(),
        }))
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        self.leap_if_unlogged().await?;
        // Also when the caller goes away while it waits: the sealer must hear of what is committed.
        let openings = B::openings(&self.transaction);
        B::commit(self.transaction, Wake(self.committed)).await?;
        if !self.combined.is_empty() {
            self.known.add(self.combined, openings);
        }
        Ok(())
    }
}

/// Wakes the sealer when dropped.
struct Wake(Arc<Notify>);

impl Drop for Wake {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// The first rows of a database, in the transaction that stamps it.
pub(crate) async fn seed<B: Backend>(
    transaction: B::Transaction,
    tables: &Arc<Tables>,
    rows: Vec<(&'static Schema, Vec<Row>)>,
    entries: Vec<Entry>,
) -> Result<()> {
    let mut work = SqlWork::<B>::new(
        transaction,
        Arc::clone(tables),
        Arc::default(),
        Arc::default(),
        Arc::default(),
    );
    for (schema, rows) in rows {
        work.insert(schema, rows).await?;
    }
    work.journal(entries).await?;
    Box::new(work).commit().await
}
