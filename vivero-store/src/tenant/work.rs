//! A write transaction: everything in it happens together or not at all.
//!
//! One that is in a hurry begins with the first call that needs an answer; see [`super::hurry`].

use super::combinations::{self, Combinations};
use super::hurry::{Hurry, Reach, Taken};
use super::insert::{Insert, Parts, taken};
use super::lists::is_followed;
use super::plan::{self, About, Table};
use super::{Tables, journal, rows};
use crate::backend::{Addition, Backend, Meaning, Sql, Step};
use async_trait::async_trait;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio::sync::Notify;
use uuid::Uuid;
use vivero_core::journal::Entry;
use vivero_core::port::{Remembered, Rows, Work};
use vivero_core::query::{Deleted, Predicate, Query};
use vivero_core::record::{Kind, Row, Schema};
use vivero_core::search::document;
use vivero_core::{Error, Result, Value};

/// What the works of one tenant share.
pub(super) struct Shared {
    pub(super) tables: Arc<Tables>,
    pub(super) committed: Arc<Notify>,
    pub(super) bulk: Arc<AtomicBool>,
    pub(super) combinations: Arc<Combinations>,
}

/// How far it is.
enum Stage<B: Backend> {
    /// Nothing was asked of the database.
    Hurried(Reach<B>),
    Begun(B::Transaction),
    /// It cannot go on.
    Over,
}

pub(super) struct SqlWork<B: Backend> {
    stage: Stage<B>,
    tenant: Shared,
    /// What it writes with, and how often a connection of it had been opened when it began.
    writer: Option<B::Pool>,
    openings: u64,
    /// What it does without asking, until it has begun.
    hurry: Option<Hurry>,
    /// It took for granted that no answer is remembered.
    unlooked: bool,
    /// Combinations of facets that are in their tables once this is committed.
    combined: Vec<String>,
    /// The records that were written and those that have an entry in the journal.
    written: HashSet<(&'static str, Uuid)>,
    entered: HashSet<(String, Uuid)>,
}

impl Shared {
    /// Of a tenant that nobody serves yet.
    fn of(tables: &Arc<Tables>) -> Self {
        Self {
            tables: Arc::clone(tables),
            committed: Arc::default(),
            bulk: Arc::default(),
            combinations: Arc::default(),
        }
    }
}

fn over() -> Error {
    Error::Undone { source: "an earlier call of this work failed".into() }
}

/// Memory for pages of the writing connection, in KiB: ordinarily, and while many rows are written at
/// once, when nearly every page of every index is touched.
pub(crate) const WRITER_CACHE_KIB: u32 = 8 * 1024;
const BULK_CACHE_KIB: u32 = 96 * 1024;
/// From so many rows on it is a bulk write.
const BULK_ROWS: usize = 1_000;

impl<B: Backend> SqlWork<B> {
    /// One that has begun.
    pub(super) fn new(
        transaction: B::Transaction,
        writer: Option<B::Pool>,
        tenant: Shared,
    ) -> Self {
        Self::at(Stage::Begun(transaction), writer, tenant)
    }

    /// A short one that takes things for granted, and begins when something is asked of the database.
    pub(super) fn hurried(reach: Reach<B>, tenant: Shared) -> Self {
        let writer = reach.writer.clone();
        let work = Self::at(Stage::Hurried(reach), Some(writer), tenant);
        Self { hurry: Some(Hurry::default()), ..work }
    }

    fn at(stage: Stage<B>, writer: Option<B::Pool>, tenant: Shared) -> Self {
        let openings = writer.as_ref().map_or(0, B::openings);
        Self {
            stage,
            tenant,
            writer,
            openings,
            hurry: None,
            unlooked: false,
            combined: Vec::new(),
            written: HashSet::new(),
            entered: HashSet::new(),
        }
    }

    /// Its transaction, which begins with what it did without asking.
    async fn begun(&mut self) -> Result<&mut B::Transaction> {
        if matches!(self.stage, Stage::Hurried(_)) {
            // Until it has come through whole.
            let stage = std::mem::replace(&mut self.stage, Stage::Over);
            let hurry = self.hurry.take();
            if let Stage::Hurried(reach) = stage {
                let mut transaction = reach.begin().await?;
                let before = std::mem::replace(&mut self.openings, B::openings(&reach.writer));
                if let Some(hurry) = hurry {
                    hurry.still_knows(before == self.openings)?;
                    hurry.go_on_asking::<B>(&mut transaction).await?;
                }
                self.stage = Stage::Begun(transaction);
            }
        }
        match &mut self.stage {
            Stage::Begun(transaction) => Ok(transaction),
            _ => Err(over()),
        }
    }

    /// Runs a statement at the latest with the commit.
    async fn put_off(&mut self, sql: Sql, meaning: Meaning) -> Result<()> {
        if let Some(hurry) = &mut self.hurry {
            hurry.put_off(Step::Any(sql, meaning));
            return Ok(());
        }
        let transaction = self.begun().await?;
        match meaning {
            Meaning::Plain => B::defer(transaction, sql).await,
            meaning => B::put_off_step(transaction, Step::Any(sql, meaning)).await,
        }
        .map_err(Into::into)
    }

    /// Gives the connection the memory that writing `rows` rows is worth, if it has another.
    async fn make_room(&mut self, rows: usize) -> Result<()> {
        let bulk = rows >= BULK_ROWS;
        if self.tenant.bulk.swap(bulk, Ordering::Relaxed) != bulk {
            let kib = if bulk { BULK_CACHE_KIB } else { WRITER_CACHE_KIB };
            if let Some(sql) = B::cache(kib) {
                Sql::new(sql).fetch::<B>(self.begun().await?, &[]).await?;
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
        let openings = self.writer.as_ref().map_or(0, B::openings);
        let since = openings == self.openings;
        if !since || !self.tenant.combinations.has(&combination, openings) {
            return Some(combination);
        }
        match (&mut self.hurry, &mut self.stage) {
            (Some(hurry), _) => hurry.tell_combination(combination),
            (None, Stage::Begun(transaction)) => B::tell_combination(transaction, &combination),
            _ => {}
        }
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
        self.put_off(Sql::new(leap), Meaning::Plain).await
    }

    async fn remove_from(&mut self, schema: &'static Schema, start: Option<i64>) -> Result<()> {
        if B::SAVEPOINTS {
            let back = Sql::new("ROLLBACK TO SAVEPOINT rows_added");
            return back.execute::<B>(self.begun().await?).await.map(|_| ());
        }
        let Some(start) = start else {
            return Err(Error::internal("taking rows back", "nobody knows their numbers"));
        };
        let mut statements = vec![format!("DELETE FROM {} WHERE seq >= ?", schema.table)];
        if schema.is_searchable() {
            statements.push(format!("DELETE FROM {}_search WHERE rowid >= ?", schema.table));
        }
        for sql in statements {
            Sql::new(sql).with(Value::Int(start)).execute::<B>(self.begun().await?).await?;
        }
        Ok(())
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
        let table = self.tenant.tables.get(schema);
        rows::find::<B>(self.begun().await?, &table, id, scope, deleted).await
    }
    async fn list(&mut self, schema: &'static Schema, query: &Query) -> Result<Vec<Row>> {
        let table = self.tenant.tables.get(schema);
        plan::list::<B>(self.begun().await?, &table, query, About::default()).await
    }
    async fn count(&mut self, schema: &'static Schema, query: &Query) -> Result<u64> {
        let table = self.tenant.tables.get(schema);
        plan::count::<B>(self.begun().await?, &table, query, About::default()).await
    }
    async fn changes_since(
        &mut self,
        schema: &'static Schema,
        id: Uuid,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        journal::changes_since::<B>(self.begun().await?, schema, id, after, limit).await
    }
}

#[async_trait]
impl<B: Backend> Work for SqlWork<B> {
    async fn insert(&mut self, schema: &'static Schema, rows: Vec<Row>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let table = self.tenant.tables.get(schema);
        for row in &rows {
            table.can_hold(row.values.iter())?;
        }
        self.make_room(rows.len()).await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        if let [row] = &rows[..] {
            if self.hurry.is_none() {
                self.begun().await?;
            }
            let combined = self.tell_combination(&table, schema, &row.values);
            let insert = Insert::new(&table, rows.into_iter().map(|row| (Value::Null, row)));
            match &mut self.hurry {
                Some(hurry) => hurry.insert::<B>(&table, insert),
                None => insert.execute::<B>(self.begun().await?, &table).await?,
            }
            self.combined.extend(combined);
            self.note_written(schema, ids.into_iter());
            return Ok(());
        }
        let next = Sql::new(B::next_number(schema.table));
        let start = next.number::<B>(self.begun().await?).await?.filter(|number| *number > 0);
        let mut parts = Parts::new(schema, rows, start);
        if B::SAVEPOINTS {
            Sql::new("SAVEPOINT rows_added").execute::<B>(self.begun().await?).await?;
        }
        let mut now = parts.next(&table);
        while let Some(insert) = now.take() {
            // The next part is put together while the engine is busy with this one.
            let shared = Arc::clone(&table);
            let following = tokio::task::spawn_blocking(move || (parts.next(&shared), parts));
            let done = insert.execute::<B>(self.begun().await?, &table).await;
            (now, parts) =
                following.await.map_err(|e| Error::internal("putting rows together", e))?;
            if let Err(e) = done {
                // Some of its rows may be there, and those of the parts before it are.
                if let Err(left) = self.remove_from(schema, start).await {
                    // What failed first is what to tell; of the work nothing may be kept.
                    tracing::debug!(error = %left, "rows of a work that failed are undone with it");
                    self.stage = Stage::Over;
                }
                return Err(e);
            }
        }
        self.note_written(schema, ids.into_iter());
        Ok(())
    }

    async fn update(&mut self, schema: &'static Schema, before: &Row, after: Row) -> Result<bool> {
        let table = self.tenant.tables.get(schema);
        table.can_hold(after.values.iter())?;
        if self.hurry.is_none() {
            self.begun().await?;
        }
        let combines = combinations::differ(&table, schema, &before.values, &after.values);
        let combined =
            if combines { self.tell_combination(&table, schema, &after.values) } else { None };
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
        if let Some(hurry) = &mut self.hurry {
            hurry.update::<B>(&table, before.id, versions, sets, combines);
        } else {
            let transaction = self.begun().await?;
            let done = B::update_one(transaction, schema, before.id, versions, sets).await;
            if !done.map_err(|e| taken::<B>(e, schema))? {
                return Ok(false);
            }
        }
        self.combined.extend(combined);
        self.note_written(schema, std::iter::once(before.id));
        if found {
            let (old, new) = (document(schema, &before.values), document(schema, &after.values));
            let (table, seq) = (schema.table, before.seq);
            if let Some(hurry) = &mut self.hurry {
                hurry.put_off(Step::Rewords { table, seq, before: old, after: new });
            } else {
                for sql in B::update_search(table, seq, &old, new) {
                    self.put_off(sql, Meaning::Plain).await?;
                }
            }
        }
        Ok(true)
    }

    async fn journal(&mut self, entries: Vec<Entry>) -> Result<()> {
        if B::LEAP.is_some() {
            let told = entries.iter().map(|entry| (entry.resource.clone(), entry.record_id));
            self.entered.extend(told);
        }
        if let (Some(hurry), [_]) = (&mut self.hurry, &entries[..]) {
            for entry in entries {
                hurry.put_off(Step::Row(journal::addition(entry)?));
            }
            return Ok(());
        }
        for sql in journal::additions(entries)? {
            self.put_off(sql, Meaning::Plain).await?;
        }
        Ok(())
    }

    async fn remember(&mut self, answer: Remembered) -> Result<()> {
        let meaning = if self.unlooked { Meaning::Assumed } else { Meaning::Plain };
        let head = "INSERT INTO idempotency (name, fingerprint, response, at) VALUES ";
        let row = vec![
            Value::Text(answer.key),
            Value::Text(answer.fingerprint),
            Value::Text(answer.response),
            Value::Time(answer.at),
        ];
        if let Some(hurry) = &mut self.hurry {
            let head = head.to_owned();
            let answer = Addition { head, row, may_combine: false, guard: None, meaning };
            hurry.put_off(Step::Row(answer));
            return Ok(());
        }
        self.put_off(Sql::insert(head, vec![row]), meaning).await
    }

    async fn remembered(&mut self, key: &str) -> Result<Option<Remembered>> {
        if self.hurry.is_some() {
            // If one is, to remember another will be refused.
            self.unlooked = true;
            return Ok(None);
        }
        let row = Sql::new("SELECT fingerprint, response, at FROM idempotency WHERE name = ?")
            .with(Value::Text(key.to_owned()))
            .first::<B>(self.begun().await?, &[Kind::Text, Kind::Text, Kind::Time])
            .await?;
        Ok(row.map(|mut row| Remembered {
            key: key.to_owned(),
            fingerprint: row.text(0),
            response: row.text(1),
            at: row.time(2).unwrap_or_default(),
        }))
    }

    fn is_hurried(&self) -> bool {
        self.hurry.is_some()
    }

    async fn require(
        &mut self,
        schema: &'static Schema,
        id: Uuid,
        scope: &Predicate,
    ) -> Result<bool> {
        let table = self.tenant.tables.get(schema);
        if let Some(hurry) = self.hurry.as_mut().filter(|_| !table.is_reduced()) {
            hurry.take_for_granted(Taken::There(table, id, scope.clone()));
            return Ok(true);
        }
        Ok(self.find(schema, id, scope, Deleted::Hidden).await?.is_some())
    }

    async fn find_to_change(
        &mut self,
        schema: &'static Schema,
        id: Uuid,
        scope: &Predicate,
    ) -> Result<Option<Row>> {
        let table = self.tenant.tables.get(schema);
        if let Some(hurry) = &mut self.hurry
            && let Stage::Hurried(reach) = &self.stage
            && hurry.has_done_nothing()
            && !table.is_reduced()
            && scope.is_of_row()
            // Where nobody can read, somebody may write.
            && let Ok(Some(row)) = reach.find(&table, id, scope).await
        {
            hurry.take_for_granted(Taken::Version(table, id, row.version));
            return Ok(Some(row));
        }
        self.find(schema, id, scope, Deleted::Hidden).await
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        self.leap_if_unlogged().await?;
        // Also when the caller goes away while it waits: the sealer must hear of what is committed.
        let wake = Wake(Arc::clone(&self.tenant.committed));
        if !self.hurry.as_ref().is_some_and(Hurry::is_whole) {
            self.begun().await?;
        }
        match (self.stage, self.hurry) {
            (Stage::Hurried(_), Some(hurry)) if hurry.has_done_nothing() => {}
            (Stage::Hurried(reach), Some(hurry)) => {
                let (readers, since) = (reach.readers.clone(), Instant::now());
                let along = move || readers.waited(since);
                B::commit_whole(&reach.writer, hurry.into_steps(), self.openings, along, wake)
                    .await?;
            }
            (Stage::Begun(transaction), _) => B::commit(transaction, wake).await?,
            _ => return Err(over()),
        }
        if !self.combined.is_empty() {
            self.tenant.combinations.add(self.combined, self.openings);
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
    let mut work = SqlWork::<B>::new(transaction, None, Shared::of(tables));
    for (schema, rows) in rows {
        work.insert(schema, rows).await?;
    }
    work.journal(entries).await?;
    Box::new(work).commit().await
}
