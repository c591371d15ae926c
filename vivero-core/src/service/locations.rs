//! Places: a tree that is kept a tree.

use super::again::in_one_work;
use super::session::TenantSession;
use super::work::UnitOfWork;
use super::write::How;
use crate::entity::Entity;
use crate::error::{Error, Result};
use crate::ids::LocationId;
use crate::journal::Entry;
use crate::location::{
    Location, LocationKind, LocationPatch, NewLocation, StoredLocation, path_below,
};
use crate::page::{Page, PageOf};
use crate::query::{Deleted, Filter, Predicate, Query, Sort};
use crate::record::{Record as _, Stored};
use crate::value::Value;

/// Which places, in which order.
#[derive(Debug, Clone, Default)]
pub struct LocationFilter(Filter);

impl LocationFilter {
    /// All places.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Only this kind of place.
    #[must_use]
    pub fn kind(self, kind: LocationKind) -> Self {
        Self(self.0.equals("kind", kind))
    }
    /// Only places directly in this one.
    #[must_use]
    pub fn parent(self, parent: LocationId) -> Self {
        Self(self.0.equals("parent_id", parent))
    }
    /// Only this place and everything below it.
    #[must_use]
    pub fn within(self, location: LocationId) -> Self {
        Self(self.0.within("id", location))
    }
    /// Only places whose code or name has all these words.
    #[must_use]
    pub fn search(self, words: impl Into<String>) -> Self {
        Self(self.0.search(words))
    }
    /// Order: `created_at`, `updated_at`, `code`, `name`, `path` (the tree from the top).
    #[must_use]
    pub fn sort(self, sort: impl Into<String>) -> Self {
        Self(self.0.sort(sort))
    }
    /// Only deleted places.
    #[must_use]
    pub fn deleted(self) -> Self {
        Self(self.0.deleted())
    }
}

/// Places of one tenant.
#[derive(Debug)]
pub struct Locations<'s> {
    pub(super) session: &'s TenantSession,
}

impl Locations<'_> {
    /// One page of the places that match.
    pub async fn list(&self, filter: LocationFilter, page: Page) -> Result<PageOf<StoredLocation>> {
        self.session.repository::<Location>().list(filter.0, page).await
    }
    /// The place, if it is within reach.
    pub async fn find(&self, id: LocationId) -> Result<Option<StoredLocation>> {
        self.session.repository::<Location>().find_by_id(id).await
    }
    /// Changes of one place, newest first.
    pub async fn history(
        &self,
        id: LocationId,
        before_version: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        self.session.repository::<Location>().history(id, before_version, limit).await
    }
    /// Adds a place.
    pub async fn create(&self, new: NewLocation) -> Result<StoredLocation> {
        in_one_work!(self.session, |work| work.create_location(new.clone()).await?)
    }
    /// Edits a place; a new parent moves it with everything below it.
    pub async fn update(
        &self,
        id: LocationId,
        expected_version: i64,
        patch: LocationPatch,
    ) -> Result<StoredLocation> {
        in_one_work!(self.session, |work| work
            .update_location(id, expected_version, patch.clone())
            .await?)
    }
    /// Deletes an empty place in such a way that it can be recovered.
    pub async fn soft_delete(
        &self,
        id: LocationId,
        expected_version: Option<i64>,
    ) -> Result<StoredLocation> {
        in_one_work!(self.session, |work| work.delete_location(id, expected_version).await?)
    }
    /// Brings a deleted place back, if the place it lay in is still there.
    pub async fn recover_by_id(&self, id: LocationId) -> Result<StoredLocation> {
        in_one_work!(self.session, |work| work.recover_location(id).await?)
    }
}

impl UnitOfWork {
    /// Adds a place, within this unit of work.
    pub async fn create_location(&mut self, new: NewLocation) -> Result<StoredLocation> {
        let scope = self.session.reach("location.create", Location::SCHEMA)?;
        let parent = match new.parent_id {
            Some(parent) => {
                Some(self.referenced::<Location>("parent_id", parent.uuid(), &scope).await?)
            }
            None => None,
        };
        let id = LocationId::from_uuid(self.session.vivero().ids().id(self.session.now()));
        let path = path_below(id, new.kind, parent.as_deref())?;
        let location = Location {
            id,
            parent_id: new.parent_id,
            kind: new.kind,
            code: new.code.trim().to_owned(),
            name: new.name.trim().to_owned(),
            area_dm2: new.area_dm2,
            path,
        };
        let mut stored = self.add(vec![location], "create").await?;
        stored.pop().ok_or_else(|| Error::corrupt("a created location is missing"))
    }

    /// Brings a deleted place back, within this unit of work.
    pub async fn recover_location(&mut self, id: LocationId) -> Result<StoredLocation> {
        let stored: StoredLocation = self.set_deleted(id.uuid(), None, false).await?;
        if let Some(parent) = stored.parent_id {
            self.referenced::<Location>("parent_id", parent.uuid(), &Predicate::All).await?;
        }
        Ok(stored)
    }

    async fn update_location(
        &mut self,
        id: LocationId,
        expected: i64,
        patch: LocationPatch,
    ) -> Result<StoredLocation> {
        let (row, scope) = self.fetch::<Location>(id.uuid(), "update", Deleted::Hidden).await?;
        let old = Stored::<Location>::from_row(row)?;
        let path = match patch.parent_id {
            Some(parent_id) if parent_id != old.parent_id => {
                let parent = match parent_id {
                    Some(parent) => {
                        Some(self.referenced::<Location>("parent_id", parent.uuid(), &scope).await?)
                    }
                    None => None,
                };
                path_below(id, old.kind, parent.as_deref())?
            }
            _ => old.path.clone(),
        };
        let moved = path != old.path;
        let new_path = path.clone();
        let edit = |location: &mut Location| {
            if let Some(parent_id) = patch.parent_id {
                location.parent_id = parent_id;
            }
            if let Some(code) = patch.code {
                code.trim().clone_into(&mut location.code);
            }
            if let Some(name) = &patch.name {
                name.trim().clone_into(&mut location.name);
            }
            if let Some(area) = patch.area_dm2 {
                location.area_dm2 = area;
            }
            location.path = new_path;
            Ok(())
        };
        // Descendants are found by the paths they still have.
        let below = if moved { self.below(id).await? } else { Vec::new() };
        let stored =
            self.change(id.uuid(), Some(expected), How::command("update", None), edit).await?;
        for place in below {
            let tail = place.path.strip_prefix(&old.path).unwrap_or_default().to_owned();
            let new = format!("{path}{tail}");
            if new.matches('/').count() > crate::location::MAX_DEPTH {
                return Err(Error::invalid(
                    "parent_id",
                    "max_depth",
                    "would make the tree too deep",
                ));
            }
            let edit = |location: &mut Location| {
                location.path = new;
                Ok(())
            };
            self.change::<Location>(place.id.uuid(), None, How::command("update", None), edit)
                .await?;
        }
        Ok(stored)
    }

    /// Every live place below `id`.
    async fn below(&mut self, id: LocationId) -> Result<Vec<StoredLocation>> {
        let mut places = Vec::new();
        let mut query = Query::new(Predicate::Within("id", vec![id.uuid()]), 1000);
        query.sort = Sort { descending: false, ..Sort::default() };
        loop {
            let rows = self.work.list(Location::SCHEMA, &query).await?;
            let last = rows.last().map(|r| r.seq);
            let full = rows.len() == 1000;
            for row in rows {
                if row.id != id.uuid() {
                    places.push(Stored::from_row(row)?);
                }
            }
            match last {
                Some(seq) if full => {
                    query.after = Some(crate::page::Cursor {
                        sort: query.sort.name(),
                        key: Value::Null,
                        seq,
                    });
                }
                _ => return Ok(places),
            }
        }
    }

    async fn delete_location(
        &mut self,
        id: LocationId,
        expected: Option<i64>,
    ) -> Result<StoredLocation> {
        self.fetch::<Location>(id.uuid(), "delete", Deleted::Hidden).await?;
        let inside = Query::new(Predicate::Equals("parent_id", Value::Id(id.uuid())), 1);
        let stock = Query::new(Predicate::Equals("location_id", Value::Id(id.uuid())), 1);
        let used = !self.work.list(Location::SCHEMA, &inside).await?.is_empty()
            || !self.work.list(Entity::SCHEMA, &stock).await?.is_empty();
        if used {
            let message = "places or stock are still in it; move them first".to_owned();
            return Err(Error::Illegal { code: "location_not_empty", message });
        }
        self.set_deleted(id.uuid(), expected, true).await
    }
}
