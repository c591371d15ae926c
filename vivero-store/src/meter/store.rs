//! A tenant's database with its meter.

use super::Meter;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;
use uuid::Uuid;
use vivero_core::Result;
use vivero_core::copy::{Since, Snapshot};
use vivero_core::journal::{Anchor, ChainReport, CountKey, Entry, SealedEntry};
use vivero_core::port::{Counts, Remembered, Rows, TenantStore, Work};
use vivero_core::query::{Deleted, Predicate, Query};
use vivero_core::record::{Row, Schema};

/// Counts what passes through.
#[derive(Debug)]
pub(crate) struct Metered {
    inner: Arc<dyn TenantStore>,
    meter: Arc<Meter>,
}

impl Metered {
    pub(crate) fn around(inner: Arc<dyn TenantStore>, meter: Arc<Meter>) -> Arc<dyn TenantStore> {
        Arc::new(Self { inner, meter })
    }
}

/// The columns of a condition, without their values.
fn columns(predicate: &Predicate, into: &mut Vec<&'static str>) {
    match predicate {
        Predicate::All | Predicate::None => {}
        Predicate::Equals(column, _)
        | Predicate::OneOf(column, _)
        | Predicate::Within(column, _) => into.push(column),
        Predicate::And(parts) | Predicate::Or(parts) => {
            for part in parts {
                columns(part, into);
            }
        }
    }
}

/// What a query asks for, without the values it asks for.
fn shape(verb: &str, schema: &Schema, query: &Query) -> String {
    let mut names = Vec::new();
    columns(&query.filter, &mut names);
    columns(&query.scope, &mut names);
    let mut text = format!("{verb} {}", schema.table);
    if !names.is_empty() {
        let _ = write!(text, " where {}", names.join(", "));
    }
    if let Some(terms) = &query.search {
        let _ = write!(text, " searching {} words", terms.words().len());
    }
    let _ = write!(text, " sort {} limit {}", query.sort.name(), query.limit);
    if query.after.is_some() {
        text.push_str(" after a cursor");
    }
    text
}

struct MeteredRows<'s> {
    inner: Box<dyn Rows + 's>,
    meter: &'s Meter,
}

/// The four calls that read, for what reads and for what writes.
macro_rules! reading {
    ($what:ty) => {
        #[async_trait]
        impl Rows for $what {
            async fn find(
                &mut self,
                schema: &'static Schema,
                id: Uuid,
                scope: &Predicate,
                deleted: Deleted,
            ) -> Result<Option<Row>> {
                let since = Instant::now();
                let outcome = self.inner.find(schema, id, scope, deleted).await;
                self.meter.read(
                    since,
                    &outcome,
                    |row| usize::from(row.is_some()),
                    || format!("find {}", schema.table),
                );
                outcome
            }
            async fn list(&mut self, schema: &'static Schema, query: &Query) -> Result<Vec<Row>> {
                let since = Instant::now();
                let outcome = self.inner.list(schema, query).await;
                self.meter.read(since, &outcome, Vec::len, || shape("list", schema, query));
                outcome
            }
            async fn list_and_count(
                &mut self,
                schema: &'static Schema,
                query: &Query,
            ) -> Result<(Vec<Row>, u64)> {
                let since = Instant::now();
                let outcome = self.inner.list_and_count(schema, query).await;
                self.meter.read(
                    since,
                    &outcome,
                    |(rows, _)| rows.len(),
                    || shape("list and count", schema, query),
                );
                outcome
            }
            async fn count(&mut self, schema: &'static Schema, query: &Query) -> Result<u64> {
                let since = Instant::now();
                let outcome = self.inner.count(schema, query).await;
                self.meter.read(since, &outcome, |_| 1, || shape("count", schema, query));
                outcome
            }
            async fn changes_since(
                &mut self,
                schema: &'static Schema,
                id: Uuid,
                after_version: i64,
                limit: u32,
            ) -> Result<Vec<Entry>> {
                let since = Instant::now();
                let outcome = self.inner.changes_since(schema, id, after_version, limit).await;
                self.meter.read(since, &outcome, Vec::len, || format!("changes {}", schema.table));
                outcome
            }
        }
    };
}

reading!(MeteredRows<'_>);

struct MeteredWork {
    inner: Box<dyn Work>,
    meter: Arc<Meter>,
}

reading!(MeteredWork);

#[async_trait]
impl Work for MeteredWork {
    async fn insert(&mut self, schema: &'static Schema, rows: Vec<Row>) -> Result<()> {
        let (since, number) = (Instant::now(), rows.len());
        let outcome = self.inner.insert(schema, rows).await;
        self.meter.note(
            since,
            &outcome,
            |()| number,
            || format!("insert {number} {}", schema.table),
        );
        outcome
    }
    async fn update(&mut self, schema: &'static Schema, before: &Row, after: Row) -> Result<bool> {
        let since = Instant::now();
        let outcome = self.inner.update(schema, before, after).await;
        self.meter.note(since, &outcome, |_| 1, || format!("update {}", schema.table));
        outcome
    }
    async fn journal(&mut self, entries: Vec<Entry>) -> Result<()> {
        let (since, number) = (Instant::now(), entries.len());
        let outcome = self.inner.journal(entries).await;
        self.meter.note(since, &outcome, |()| number, || format!("insert {number} journal"));
        outcome
    }
    async fn remember(&mut self, answer: Remembered) -> Result<()> {
        let since = Instant::now();
        let outcome = self.inner.remember(answer).await;
        self.meter.note(since, &outcome, |()| 1, || "insert 1 idempotency".into());
        outcome
    }
    async fn remembered(&mut self, key: &str) -> Result<Option<Remembered>> {
        if self.inner.is_hurried() {
            return self.inner.remembered(key).await;
        }
        let since = Instant::now();
        let outcome = self.inner.remembered(key).await;
        let rows = |found: &Option<Remembered>| usize::from(found.is_some());
        self.meter.read(since, &outcome, rows, || "find idempotency".into());
        outcome
    }
    fn is_hurried(&self) -> bool {
        self.inner.is_hurried()
    }
    async fn require(
        &mut self,
        schema: &'static Schema,
        id: Uuid,
        scope: &Predicate,
    ) -> Result<bool> {
        if self.inner.is_hurried() {
            // Nothing is asked.
            return self.inner.require(schema, id, scope).await;
        }
        let since = Instant::now();
        let outcome = self.inner.require(schema, id, scope).await;
        let rows = |found: &bool| usize::from(*found);
        self.meter.read(since, &outcome, rows, || format!("require {}", schema.table));
        outcome
    }
    async fn find_to_change(
        &mut self,
        schema: &'static Schema,
        id: Uuid,
        scope: &Predicate,
    ) -> Result<Option<Row>> {
        let since = Instant::now();
        let outcome = self.inner.find_to_change(schema, id, scope).await;
        let rows = |found: &Option<Row>| usize::from(found.is_some());
        self.meter.read(since, &outcome, rows, || format!("find {}", schema.table));
        outcome
    }
    async fn commit(self: Box<Self>) -> Result<()> {
        let since = Instant::now();
        let Self { inner, meter } = *self;
        let outcome = inner.commit().await;
        meter.note(since, &outcome, |()| 0, || "commit".into());
        if outcome.is_ok() {
            meter.commits.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        outcome
    }
}

#[async_trait]
impl TenantStore for Metered {
    async fn read(&self) -> Result<Box<dyn Rows + '_>> {
        let outcome = self.inner.read().await;
        self.meter.may_have_failed(&outcome);
        Ok(Box::new(MeteredRows { inner: outcome?, meter: &self.meter }))
    }
    async fn begin(&self) -> Result<Box<dyn Work>> {
        let since = Instant::now();
        let outcome = self.inner.begin().await;
        self.meter.wait(since, &outcome);
        Ok(Box::new(MeteredWork { inner: outcome?, meter: Arc::clone(&self.meter) }))
    }
    async fn begin_short(&self) -> Result<Box<dyn Work>> {
        let since = Instant::now();
        let outcome = self.inner.begin_short().await;
        self.meter.wait(since, &outcome);
        Ok(Box::new(MeteredWork { inner: outcome?, meter: Arc::clone(&self.meter) }))
    }
    async fn begin_hurried(&self) -> Result<Box<dyn Work>> {
        // It waits within its calls.
        let outcome = self.inner.begin_hurried().await;
        self.meter.may_have_failed(&outcome);
        Ok(Box::new(MeteredWork { inner: outcome?, meter: Arc::clone(&self.meter) }))
    }
    async fn history(
        &self,
        schema: &'static Schema,
        id: Uuid,
        before_version: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        let since = Instant::now();
        let outcome = self.inner.history(schema, id, before_version, limit).await;
        self.meter.read(since, &outcome, Vec::len, || format!("history {}", schema.table));
        outcome
    }
    async fn feed(&self, position: u64, limit: u32) -> Result<Vec<SealedEntry>> {
        let since = Instant::now();
        let outcome = self.inner.feed(position, limit).await;
        self.meter.read(since, &outcome, Vec::len, || format!("feed limit {limit}"));
        outcome
    }
    async fn feed_back(&self, before: Option<u64>, limit: u32) -> Result<Vec<SealedEntry>> {
        let since = Instant::now();
        let outcome = self.inner.feed_back(before, limit).await;
        self.meter.read(since, &outcome, Vec::len, || format!("feed back limit {limit}"));
        outcome
    }
    fn head(&self) -> watch::Receiver<u64> {
        self.inner.head()
    }
    async fn seal(&self) -> Result<u64> {
        self.inner.seal().await
    }
    async fn counts(&self) -> Result<Arc<Counts>> {
        self.inner.counts().await
    }
    async fn recount(&self) -> Result<HashMap<CountKey, i128>> {
        let since = Instant::now();
        let outcome = self.inner.recount().await;
        self.meter.read(since, &outcome, HashMap::len, || "recount".into());
        outcome
    }
    async fn verify(&self, anchor: Option<Anchor>) -> Result<ChainReport> {
        let since = Instant::now();
        let outcome = self.inner.verify(anchor).await;
        self.meter.read(since, &outcome, |_| 1, || "verify".into());
        outcome
    }
    async fn forget(&self, before: DateTime<Utc>) -> Result<u64> {
        self.inner.forget(before).await
    }
    async fn filling(&self, schema: &'static Schema, filling: bool) -> Result<()> {
        self.inner.filling(schema, filling).await
    }
    async fn ensure(&self, schema: &'static Schema) -> Result<()> {
        self.inner.ensure(schema).await
    }
    async fn snapshot(&self, since: Option<Since>) -> Result<Box<dyn Snapshot + '_>> {
        self.inner.snapshot(since).await
    }
    async fn fence(&self, fenced: bool) -> Result<()> {
        self.inner.fence(fenced).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vivero_core::Value;
    use vivero_core::entity::Entity;
    use vivero_core::record::Record as _;

    #[test]
    fn a_slow_call_is_told_without_its_values() {
        let mut query = Query::new(Predicate::Within("location_id", vec![Uuid::nil()]), 50);
        query.filter = Predicate::And(vec![
            Predicate::Equals("status", Value::Text("secret".into())),
            Predicate::OneOf("kind", vec![Value::Text("hidden".into())]),
        ]);
        let text = shape("list", Entity::SCHEMA, &query);
        assert_eq!(text, "list entities where status, kind, location_id sort -created_at limit 50");
    }
}
