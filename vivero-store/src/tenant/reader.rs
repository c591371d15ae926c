//! What is read of one tenant, outside of a work.

use super::figures;
use super::journal;
use super::lists::{Asking, Mirrors};
use super::plan::{self, About, Memory, Table};
use super::readers::Readers;
use super::rows::{self, ById};
use super::tables::Tables;
use super::together::Together;
use crate::backend::Backend;
use async_trait::async_trait;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;
use vivero_core::journal::Entry;
use vivero_core::port::{Counts, Rows};
use vivero_core::query::{Deleted, Predicate, Query};
use vivero_core::record::{Row, Schema};
use vivero_core::{Error, Result};

/// Reads, on a connection of its own or together with others.
pub(super) struct Reader<B: Backend> {
    pub(super) readers: Readers<B>,
    /// Its own, from the first question on that is asked alone to the next that is not.
    pub(super) connection: Option<B::Leased>,
    pub(super) tables: Arc<Tables>,
    pub(super) counts: Option<Arc<Counts>>,
    pub(super) memory: Arc<Memory>,
    pub(super) mirrors: Arc<Mirrors>,
    pub(super) finds: Arc<Together<ById>>,
    pub(super) filling: Arc<Mutex<HashSet<&'static str>>>,
}

/// The connection of a reader.
async fn own<'c, B: Backend>(
    connection: &'c mut Option<B::Leased>,
    readers: &Readers<B>,
) -> Result<&'c mut B::Connection> {
    let leased = match connection.take() {
        Some(leased) => leased,
        None => readers.acquire().await?,
    };
    Ok(&mut *connection.insert(leased))
}

impl<B: Backend> Reader<B> {
    async fn own(&mut self) -> Result<&mut B::Connection> {
        own(&mut self.connection, &self.readers).await
    }

    async fn list_in_database(&mut self, table: &Table, query: &Query) -> Result<Vec<Row>> {
        let about = About { known: self.counts.as_deref(), memory: Some(&self.memory) };
        let connection = own(&mut self.connection, &self.readers).await?;
        plan::list::<B>(connection, table, query, about).await
    }

    async fn count_in_database(&mut self, table: &Table, query: &Query) -> Result<u64> {
        let connection = own(&mut self.connection, &self.readers).await?;
        // Counting costs a look at every row that matches; the figures know it, once all is sealed.
        if let Some(number) = plan::projected(table, query, self.counts.as_deref())
            && let Some(counts) = &self.counts
            && figures::is_sealed_up_to::<B>(connection, counts.position).await?
        {
            return Ok(number);
        }
        self.is_whole(table.schema)?;
        let about = About { known: self.counts.as_deref(), memory: Some(&self.memory) };
        let connection = own(&mut self.connection, &self.readers).await?;
        plan::count::<B>(connection, table, query, about).await
    }

    /// The page of a query with its total out of an index; `None` if the database is to be asked.
    async fn page_of_index(
        &mut self,
        table: &Arc<Table>,
        query: &Query,
    ) -> Result<Option<(Vec<Row>, u64)>> {
        self.connection = None;
        let known = self.counts.as_deref();
        Asking::<B>::new(&self.mirrors, &self.readers, table, known).page(query).await
    }

    /// Refuses to look through a table that has no indexes at the moment.
    fn is_whole(&self, schema: &Schema) -> Result<()> {
        let filling = self.filling.lock().unwrap_or_else(PoisonError::into_inner);
        if filling.contains(schema.table) {
            return Err(Error::Unavailable {
                what: "lists of this kind, it is being filled".into(),
                retry_after: 5,
                source: None,
            });
        }
        Ok(())
    }
}

#[async_trait]
impl<B: Backend> Rows for Reader<B> {
    async fn find(
        &mut self,
        schema: &'static Schema,
        id: Uuid,
        scope: &Predicate,
        deleted: Deleted,
    ) -> Result<Option<Row>> {
        let table = self.tables.get(schema);
        let is_plain = (scope, deleted) == (&Predicate::All, Deleted::Hidden);
        if B::ASKS_TOGETHER && is_plain && !table.is_reduced() {
            self.connection = None;
            return self.finds.ask(&self.readers, &table, id).await;
        }
        rows::find::<B>(self.own().await?, &table, id, scope, deleted).await
    }
    async fn list(&mut self, schema: &'static Schema, query: &Query) -> Result<Vec<Row>> {
        self.is_whole(schema)?;
        let table = self.tables.get(schema);
        if let Some((rows, _)) = self.page_of_index(&table, query).await? {
            return Ok(rows);
        }
        self.list_in_database(&table, query).await
    }
    async fn list_and_count(
        &mut self,
        schema: &'static Schema,
        query: &Query,
    ) -> Result<(Vec<Row>, u64)> {
        self.is_whole(schema)?;
        let table = self.tables.get(schema);
        if let Some(page) = self.page_of_index(&table, query).await? {
            return Ok(page);
        }
        let rows = self.list_in_database(&table, query).await?;
        let all = Query { after: None, ..query.clone() };
        Ok((rows, self.count_in_database(&table, &all).await?))
    }
    async fn count(&mut self, schema: &'static Schema, query: &Query) -> Result<u64> {
        let table = self.tables.get(schema);
        table.can_answer(query)?;
        self.connection = None;
        let known = self.counts.as_deref();
        let asking = Asking::<B>::new(&self.mirrors, &self.readers, &table, known);
        if let Some(number) = asking.count(query).await? {
            return Ok(number);
        }
        self.count_in_database(&table, query).await
    }
    async fn changes_since(
        &mut self,
        schema: &'static Schema,
        id: Uuid,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        journal::changes_since::<B>(self.own().await?, schema, id, after, limit).await
    }
}
