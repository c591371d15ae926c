//! What every record type can do.

use super::again::in_one_work;
use super::session::TenantSession;
use super::work::UnitOfWork;
use super::write::How;
use crate::error::{Error, Result};
use crate::journal::{Actor, Entry};
use crate::page::{Cursor, Page, PageOf};
use crate::query::{Deleted, Filter, Query};
use crate::record::{Record, Row, Schema, Stored};
use crate::value::Value;
use chrono::{DateTime, Utc};
use futures_util::Stream;
use std::fmt;
use std::marker::PhantomData;
use uuid::Uuid;

/// Records of one type in one tenant, as far as the session's permissions reach.
///
/// Reads see committed data; each write is a unit of work of its own. To make several changes
/// together, use [`TenantSession::begin`].
pub struct Repository<'s, R> {
    session: &'s TenantSession,
    record: PhantomData<fn() -> R>,
}

impl<R> fmt::Debug for Repository<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").field("session", self.session).finish_non_exhaustive()
    }
}

impl<'s, R: Record> Repository<'s, R> {
    pub(super) const fn new(session: &'s TenantSession) -> Self {
        Self { session, record: PhantomData }
    }

    /// The record, if it is there, not deleted and within reach.
    pub async fn find_by_id(&self, id: impl Into<Uuid>) -> Result<Option<Stored<R>>> {
        readable(R::SCHEMA)?;
        let scope = self.session.reach(&R::SCHEMA.permission("read"), R::SCHEMA)?;
        let mut rows = self.session.store().read().await?;
        rows.find(R::SCHEMA, id.into(), &scope, Deleted::Hidden)
            .await?
            .map(Stored::from_row)
            .transpose()
    }

    /// One page of the records that match.
    pub async fn list(&self, filter: Filter, page: Page) -> Result<PageOf<Stored<R>>> {
        let schema = R::SCHEMA;
        readable(schema)?;
        // Deleted records are for those who can bring them back.
        let action = if filter.wants_deleted() { "recover" } else { "read" };
        let scope = self.session.reach(&schema.permission(action), schema)?;
        let mut query = filter.into_query(schema, &page, scope)?;
        query.limit += 1;
        let mut rows = self.session.store().read().await?;
        let (mut found, total) = if page.total() {
            let (found, total) = rows.list_and_count(schema, &query).await?;
            (found, Some(total))
        } else {
            (rows.list(schema, &query).await?, None)
        };
        let wanted = page.limit() as usize;
        let next_cursor = if found.len() > wanted {
            found.truncate(wanted);
            found.last().map(|row| cursor_at(row, &query, R::SCHEMA).encode())
        } else {
            None
        };
        let items = found.into_iter().map(Stored::from_row).collect::<Result<_>>()?;
        Ok(PageOf { items, next_cursor, total })
    }

    /// Says that the empty table of this type is about to be filled with very many records taken over
    /// from elsewhere (`true`), or has been (`false`): indexes are then made at the end, once, which is
    /// several times quicker. Lists of the type are refused meanwhile. Does nothing if there are
    /// records; a run that was cut off is made whole when the tenant is opened next.
    ///
    /// Needs the permission to create. Errors: [`Error::Forbidden`].
    pub async fn filling(&self, filling: bool) -> Result<()> {
        readable(R::SCHEMA)?;
        self.session.reach(&R::SCHEMA.permission("create"), R::SCHEMA)?;
        self.session.store().filling(R::SCHEMA, filling).await
    }

    /// Every record that matches, page by page as it is consumed.
    pub fn find_all(&self, filter: Filter) -> impl Stream<Item = Result<Stored<R>>> + Send {
        let session = self.session.clone();
        let start = (session, filter, Some(None::<String>), Vec::new().into_iter());
        futures_util::stream::try_unfold(
            start,
            |(session, filter, mut next, mut items)| async move {
                loop {
                    if let Some(item) = items.next() {
                        return Ok(Some((item, (session, filter, next, items))));
                    }
                    let Some(cursor) = next else { return Ok(None) };
                    let page = Page::first(crate::page::MAX_LIMIT);
                    let page = match cursor {
                        Some(cursor) => page.after(cursor),
                        None => page,
                    };
                    let found = session.repository::<R>().list(filter.clone(), page).await?;
                    next = found.next_cursor.map(Some);
                    items = found.items.into_iter();
                }
            },
        )
    }

    /// Changes of one record, newest first, from before `before_version`.
    pub async fn history(
        &self,
        id: impl Into<Uuid>,
        before_version: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        let id = id.into();
        readable(R::SCHEMA)?;
        let scope = self.session.reach(&R::SCHEMA.permission("read"), R::SCHEMA)?;
        let mut rows = self.session.store().read().await?;
        if rows.find(R::SCHEMA, id, &scope, Deleted::Included).await?.is_none() {
            return Err(Error::not_found(R::SCHEMA.resource));
        }
        drop(rows);
        self.session
            .store()
            .history(R::SCHEMA, id, before_version, limit.clamp(1, crate::page::MAX_LIMIT))
            .await
    }

    /// Adds a record; an unset id is replaced by a fresh one.
    pub async fn create(&self, record: R) -> Result<Stored<R>> {
        in_one_work!(self.session, |work| work.repository().create(record.clone()).await?)
    }

    /// Changes a record; see [`WorkRepository::update`]. Errors beside those: [`Error::Undone`], if the database undid it
    /// for what another process did to the same record: it may be done again.
    pub async fn update(
        &self,
        id: impl Into<Uuid>,
        expected_version: i64,
        edit: impl FnOnce(&mut R) + Send,
    ) -> Result<Stored<R>> {
        let mut work = self.session.begin().await?;
        let stored = work.repository().update(id, expected_version, edit).await?;
        work.commit().await?;
        Ok(stored)
    }

    /// Deletes a record in such a way that it can be recovered.
    pub async fn soft_delete(
        &self,
        id: impl Into<Uuid>,
        expected_version: Option<i64>,
    ) -> Result<Stored<R>> {
        let id: Uuid = id.into();
        in_one_work!(self.session, |work| work
            .repository()
            .soft_delete(id, expected_version)
            .await?)
    }

    /// Brings a deleted record back.
    pub async fn recover_by_id(&self, id: impl Into<Uuid>) -> Result<Stored<R>> {
        let id: Uuid = id.into();
        in_one_work!(self.session, |work| work.repository().recover_by_id(id).await?)
    }
}

/// Secrets and sign-ins are vivero's own books: no permission opens them.
fn readable(schema: &Schema) -> Result<()> {
    match schema.resource {
        "credential" | "session" => {
            Err(Error::Forbidden { permission: schema.permission("read").into() })
        }
        _ => Ok(()),
    }
}

/// Types whose rules reach beyond one record are written by their own services only: a role must not
/// be handed out by who does not have it, a place must stay part of a tree.
fn writable(schema: &Schema) -> Result<()> {
    match schema.resource {
        "credential" | "session" | "user" | "role" | "location" | "file" | "file_usage" => {
            Err(Error::Illegal {
                code: "own_service_only",
                message: format!("{}s are changed through their own service", schema.resource),
            })
        }
        _ => Ok(()),
    }
}

fn cursor_at(row: &Row, query: &Query, schema: &Schema) -> Cursor {
    let key =
        query.sort.column.and_then(|name| schema.index_of(name)).map(|i| row.values[i].clone());
    let key = match query.sort.column {
        Some("updated_at") => Value::Time(row.updated_at),
        _ => key.unwrap_or(Value::Null),
    };
    Cursor { sort: query.sort.name(), key, seq: row.seq }
}

/// Records of one type, within a unit of work.
pub struct WorkRepository<'w, R> {
    work: &'w mut UnitOfWork,
    record: PhantomData<fn() -> R>,
}

impl<R> fmt::Debug for WorkRepository<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkRepository").field("work", self.work).finish_non_exhaustive()
    }
}

impl<'w, R: Record> WorkRepository<'w, R> {
    pub(super) const fn new(work: &'w mut UnitOfWork) -> Self {
        Self { work, record: PhantomData }
    }

    /// The record as this unit of work sees it.
    pub async fn find_by_id(&mut self, id: impl Into<Uuid>) -> Result<Option<Stored<R>>> {
        readable(R::SCHEMA)?;
        let scope = self.work.scope("read", R::SCHEMA)?;
        let row = self.work.work.find(R::SCHEMA, id.into(), &scope, Deleted::Hidden).await?;
        row.map(Stored::from_row).transpose()
    }

    /// Adds a record; an unset id is replaced by a fresh one.
    pub async fn create(&mut self, record: R) -> Result<Stored<R>> {
        let mut stored = self.create_all(vec![record]).await?;
        stored.pop().ok_or_else(|| Error::corrupt("a created record is missing"))
    }

    /// Adds many records at once: faster by far than one after another.
    pub async fn create_all(&mut self, records: Vec<R>) -> Result<Vec<Stored<R>>> {
        writable(R::SCHEMA)?;
        self.work.add(records, "create").await
    }

    /// Takes over records with the instants at which they came to be, as migrating from another
    /// system does. Only a job may: a person's changes happen when they make them.
    pub async fn take_over(&mut self, records: Vec<(DateTime<Utc>, R)>) -> Result<Vec<Stored<R>>> {
        if !matches!(self.work.session.actor(), Actor::System { .. }) {
            return Err(Error::Forbidden { permission: "system".into() });
        }
        writable(R::SCHEMA)?;
        self.work.add_at(records, "create").await
    }

    /// Changes a record by `edit`.
    ///
    /// `expected_version` is the version the caller has seen. If others have changed the record
    /// since, changes of *different* fields are merged; the same field is [`Error::Conflict`] with
    /// base, theirs and mine. An edit that changes nothing writes nothing.
    pub async fn update(
        &mut self,
        id: impl Into<Uuid>,
        expected_version: i64,
        edit: impl FnOnce(&mut R) + Send,
    ) -> Result<Stored<R>> {
        writable(R::SCHEMA)?;
        let edit = |record: &mut R| {
            edit(record);
            Ok(())
        };
        self.work.change(id.into(), Some(expected_version), How::edit("update"), edit).await
    }

    /// Deletes a record in such a way that it can be recovered.
    pub async fn soft_delete(
        &mut self,
        id: impl Into<Uuid>,
        expected_version: Option<i64>,
    ) -> Result<Stored<R>> {
        writable(R::SCHEMA)?;
        self.work.set_deleted(id.into(), expected_version, true).await
    }

    /// Brings a deleted record back.
    pub async fn recover_by_id(&mut self, id: impl Into<Uuid>) -> Result<Stored<R>> {
        writable(R::SCHEMA)?;
        self.work.set_deleted(id.into(), None, false).await
    }
}
