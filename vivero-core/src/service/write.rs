//! The one place where rows change: scope, version, merge, journal. Every service goes through it, so
//! none of these can be forgotten.

use super::session::TenantSession;
use super::work::UnitOfWork;
use crate::error::{Check, Error, Result};
use crate::journal::{Changes, Entry};
use crate::merge;
use crate::query::{Deleted, Predicate};
use crate::record::{Record, Row, Stored};
use crate::value::Value;
use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How a change is to be made.
#[derive(Clone, Copy)]
pub(super) struct How<'a> {
    /// Last half of the permission and of the journal's action.
    pub(super) action: &'a str,
    /// Whether columns declared `command` may change.
    pub(super) command: bool,
    /// Reason to put on record with the change.
    pub(super) reason: Option<&'a str>,
}

impl<'a> How<'a> {
    pub(super) const fn edit(action: &'a str) -> Self {
        Self { action, command: false, reason: None }
    }
    pub(super) const fn command(action: &'a str, reason: Option<&'a str>) -> Self {
        Self { action, command: true, reason }
    }
}

/// What the caller has seen: `None` takes the record as it is now.
pub(super) type Expected = Option<i64>;

impl UnitOfWork {
    /// The record within reach of `action`, to change it, or not found.
    pub(super) async fn fetch<R: Record>(
        &mut self,
        id: Uuid,
        action: &str,
        deleted: Deleted,
    ) -> Result<(Row, Predicate)> {
        let scope = self.scope(action, R::SCHEMA)?;
        let row = match deleted {
            Deleted::Hidden => self.work.find_to_change(R::SCHEMA, id, &scope).await?,
            which => self.work.find(R::SCHEMA, id, &scope, which).await?,
        };
        Ok((row.ok_or_else(|| Error::not_found(R::SCHEMA.resource))?, scope))
    }

    /// Adds records of one type with their journal entries.
    pub(super) async fn add<R: Record>(
        &mut self,
        records: Vec<R>,
        action: &str,
    ) -> Result<Vec<Stored<R>>> {
        let now = self.session.now();
        self.add_at(records.into_iter().map(|record| (now, record)).collect(), action).await
    }

    /// Adds records that came to be at instants of their own: history taken over from elsewhere.
    pub(super) async fn add_at<R: Record>(
        &mut self,
        records: Vec<(DateTime<Utc>, R)>,
        action: &str,
    ) -> Result<Vec<Stored<R>>> {
        let schema = R::SCHEMA;
        let scope = self.scope("create", schema)?;
        let mut stored = Vec::with_capacity(records.len());
        let mut parts = Parts {
            session: self.session.clone(),
            records: records.into_iter(),
            action: action.into(),
        };
        let mut now = parts.next()?;
        while let Some(part) = now.take() {
            let ids: Vec<Uuid> = part.rows.iter().map(|r| r.id).collect();
            // The next part is made ready while the engine is busy with this one.
            let following = (!parts.records.as_slice().is_empty())
                .then(|| tokio::task::spawn_blocking(move || (parts.next(), parts)));
            self.work.insert(schema, part.rows).await?;
            self.work.journal(part.entries).await?;
            if scope != Predicate::All {
                for id in ids {
                    // The same condition that hides records decides what may be made.
                    if self.work.find(schema, id, &scope, Deleted::Hidden).await?.is_none() {
                        return Err(Error::Forbidden {
                            permission: schema.permission("create").into(),
                        });
                    }
                }
            }
            stored.extend(part.stored);
            let Some(following) = following else { break };
            let following =
                following.await.map_err(|e| Error::internal("making records ready", e))?;
            (now, parts) = (following.0?, following.1);
        }
        self.touch::<R>();
        Ok(stored)
    }

    /// Changes one record by `edit`, merging with what others changed since `expected`.
    pub(super) async fn change<R: Record>(
        &mut self,
        id: Uuid,
        expected: Expected,
        how: How<'_>,
        edit: impl FnOnce(&mut R) -> Result<()>,
    ) -> Result<Stored<R>> {
        let schema = R::SCHEMA;
        let (row, scope) = self.fetch::<R>(id, how.action, Deleted::Hidden).await?;
        let seen = expected.unwrap_or(row.version);
        if seen > row.version || seen < 1 {
            return Err(Error::invalid(
                "version",
                "known_version",
                format!("the record is at version {}", row.version),
            ));
        }
        let before = row.values.clone();
        let current = Stored::<R>::from_row(row.clone())?;
        let mut wanted = current.record.clone();
        edit(&mut wanted)?;
        let mut check = Check::new();
        wanted.validate(&mut check);
        let after = wanted.clone().into_values();
        if !how.command {
            for (i, column) in schema.columns.iter().enumerate() {
                if column.command && before[i] != after[i] {
                    check.fail(
                        column.name,
                        "command_only",
                        "is changed by its own command, not by an edit",
                    );
                }
            }
        }
        check.done()?;
        if before == after {
            return Ok(current);
        }
        if seen < row.version {
            let base = self.base_values(schema, id, seen).await?;
            let fields = merge::conflicts(schema, &base, &before, &after);
            if !fields.is_empty() {
                return Err(Error::Conflict {
                    resource: schema.resource.into(),
                    current_version: row.version,
                    fields,
                });
            }
        }
        wanted.set_record_id(id);
        let changes = Changes::between(schema, Some(&before), Some(&after));
        let now = self.session.now();
        let version = row.version + 1;
        let by = self.session.actor().id();
        let new = Row { version, updated_at: now, updated_by: by, values: after, ..row.clone() };
        let stored = Stored {
            record: wanted,
            version,
            created_at: new.created_at,
            created_by: new.created_by,
            updated_at: now,
            updated_by: by,
            deleted_at: None,
        };
        self.replace::<R>(&row, new).await?;
        if scope != Predicate::All
            && self.work.find(schema, id, &scope, Deleted::Hidden).await?.is_none()
        {
            // Nobody moves a record out of their own reach: they could not undo it.
            return Err(Error::Forbidden { permission: schema.permission(how.action).into() });
        }
        let entry =
            entry(&self.session, schema.resource, how.action, id, version, changes, how.reason);
        self.work.journal(vec![entry]).await?;
        self.touch::<R>();
        Ok(stored)
    }

    /// Deletes softly (`deleted`) or brings back.
    pub(super) async fn set_deleted<R: Record>(
        &mut self,
        id: Uuid,
        expected: Expected,
        deleted: bool,
    ) -> Result<Stored<R>> {
        let schema = R::SCHEMA;
        let (action, which) =
            if deleted { ("delete", Deleted::Hidden) } else { ("recover", Deleted::Only) };
        let (row, _) = self.fetch::<R>(id, action, which).await?;
        if let Some(expected) = expected
            && expected != row.version
        {
            return Err(Error::Conflict {
                resource: schema.resource.into(),
                current_version: row.version,
                fields: Vec::new(),
            });
        }
        let now = self.session.now();
        let version = row.version + 1;
        let (before, after) =
            if deleted { (Some(&row.values[..]), None) } else { (None, Some(&row.values[..])) };
        let changes = Changes::between(schema, before, after);
        let new = Row {
            version,
            updated_at: now,
            updated_by: self.session.actor().id(),
            deleted_at: deleted.then_some(now),
            ..row.clone()
        };
        self.replace::<R>(&row, new.clone()).await?;
        let entry = entry(&self.session, schema.resource, action, id, version, changes, None);
        self.work.journal(vec![entry]).await?;
        self.touch::<R>();
        Stored::from_row(new)
    }

    /// Changes a deleted record by `edit`: for what is done to it after its time.
    pub(super) async fn change_deleted<R: Record>(
        &mut self,
        row: Row,
        action: &str,
        edit: impl FnOnce(&mut R),
    ) -> Result<Stored<R>> {
        let schema = R::SCHEMA;
        let mut record = Stored::<R>::from_row(row.clone())?.record;
        edit(&mut record);
        let values = record.into_values();
        let changes = Changes::between(schema, Some(&row.values), Some(&values));
        let (id, version) = (row.id, row.version + 1);
        let new = Row {
            version,
            updated_at: self.session.now(),
            updated_by: self.session.actor().id(),
            values,
            ..row.clone()
        };
        self.replace::<R>(&row, new.clone()).await?;
        let entry = entry(&self.session, schema.resource, action, id, version, changes, None);
        self.work.journal(vec![entry]).await?;
        Stored::from_row(new)
    }

    /// The row was read in this same transaction; on an engine whose reads do not lock it, someone
    /// may still have been faster.
    async fn replace<R: Record>(&mut self, before: &Row, after: Row) -> Result<()> {
        if self.work.update(R::SCHEMA, before, after).await? {
            return Ok(());
        }
        let current_version = before.version + 1;
        Err(Error::Conflict {
            resource: R::SCHEMA.resource.into(),
            current_version,
            fields: Vec::new(),
        })
    }

    /// For each field others changed after version `seen`: its value at `seen`.
    async fn base_values(
        &mut self,
        schema: &'static crate::record::Schema,
        id: Uuid,
        seen: i64,
    ) -> Result<BTreeMap<String, Json>> {
        let mut base = BTreeMap::new();
        let mut after = seen;
        loop {
            let entries = self.work.changes_since(schema, id, after, 200).await?;
            let Some(last) = entries.last() else { return Ok(base) };
            after = last.version;
            for entry in entries {
                for (field, (before, _)) in entry.changes.0 {
                    base.entry(field).or_insert(before);
                }
            }
        }
    }

    /// A record that a field of the input names: there and not deleted, or the field is wrong.
    pub(super) async fn referenced<R: Record>(
        &mut self,
        field: &str,
        id: Uuid,
        scope: &Predicate,
    ) -> Result<Stored<R>> {
        match self.work.find(R::SCHEMA, id, scope, Deleted::Hidden).await? {
            Some(row) => Stored::from_row(row),
            None => Err(names_none::<R>(field)),
        }
    }

    /// The same where it is enough that the record is there.
    pub(super) async fn required<R: Record>(
        &mut self,
        field: &str,
        id: Uuid,
        scope: &Predicate,
    ) -> Result<()> {
        if self.work.require(R::SCHEMA, id, scope).await? {
            return Ok(());
        }
        Err(names_none::<R>(field))
    }

    /// The only live record whose `column` has `value`.
    pub(super) async fn by_column<R: Record>(
        &mut self,
        column: &'static str,
        value: Value,
    ) -> Result<Option<Stored<R>>> {
        let query = crate::query::Query::new(Predicate::Equals(column, value), 1);
        self.work.list(R::SCHEMA, &query).await?.pop().map(Stored::from_row).transpose()
    }
}

fn names_none<R: Record>(field: &str) -> Error {
    Error::invalid(field, "exists", format!("names no {} there is", R::SCHEMA.resource))
}

/// Records made ready for writing together.
const ADD_AT_ONCE: usize = 1_000;

/// Records checked and turned into what is written of them.
struct Prepared<R> {
    rows: Vec<Row>,
    entries: Vec<Entry>,
    stored: Vec<Stored<R>>,
}

/// Records on their way into a store.
struct Parts<R> {
    session: TenantSession,
    records: std::vec::IntoIter<(DateTime<Utc>, R)>,
    action: String,
}

impl<R: Record> Parts<R> {
    fn next(&mut self) -> Result<Option<Prepared<R>>> {
        let some: Vec<_> = self.records.by_ref().take(ADD_AT_ONCE).collect();
        (!some.is_empty()).then(|| prepare(&self.session, some, &self.action)).transpose()
    }
}

fn prepare<R: Record>(
    session: &TenantSession,
    records: Vec<(DateTime<Utc>, R)>,
    action: &str,
) -> Result<Prepared<R>> {
    let schema = R::SCHEMA;
    let by = session.actor().id();
    let mut part = Prepared { rows: Vec::new(), entries: Vec::new(), stored: Vec::new() };
    for (now, mut record) in records {
        let mut check = Check::new();
        record.validate(&mut check);
        check.done()?;
        if record.record_id().is_nil() {
            record.set_record_id(session.new_id(now));
        }
        let id = record.record_id();
        let values = record.clone().into_values();
        let changes = Changes::between(schema, None, Some(&values));
        part.entries.push(Entry {
            at: now,
            ..entry(session, schema.resource, action, id, 1, changes, None)
        });
        let row = Row {
            seq: 0,
            id,
            version: 1,
            created_at: now,
            created_by: by,
            updated_at: now,
            updated_by: by,
            deleted_at: None,
            values,
        };
        part.stored.push(Stored {
            record,
            version: 1,
            created_at: now,
            created_by: by,
            updated_at: now,
            updated_by: by,
            deleted_at: None,
        });
        part.rows.push(row);
    }
    Ok(part)
}

fn entry(
    session: &TenantSession,
    resource: &str,
    action: &str,
    id: Uuid,
    version: i64,
    changes: Changes,
    reason: Option<&str>,
) -> Entry {
    let mut changes = changes;
    if let Some(reason) = reason {
        // Beside the fields, so that the request that led to the change stays on record too.
        changes.0.insert("reason".into(), (Json::Null, Json::from(reason)));
    }
    Entry {
        at: session.now(),
        actor: session.actor().clone(),
        action: format!("{resource}.{action}"),
        resource: resource.to_owned(),
        record_id: id,
        version,
        changes,
        cause: session.cause(),
    }
}
