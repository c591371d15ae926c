//! Tracked lots: registering, editing, growing, moving.

use super::again::in_one_work;
use super::session::TenantSession;
use super::work::UnitOfWork;
use super::write::How;
use crate::entity::{
    Entity, EntityPatch, EntityType, Grade, NewEntity, Stage, Status, StoredEntity, Transition,
};
use crate::error::{Error, Result};
use crate::ids::{EntityId, LocationId};
use crate::journal::Entry;
use crate::location::Location;
use crate::page::{Page, PageOf};
use crate::port::Rows;
use crate::query::{Deleted, Filter, Predicate, Query};
use crate::record::{Record as _, Stored};
use crate::value::Value;
use std::collections::HashSet;

/// Which lots, in which order.
#[derive(Debug, Clone, Default)]
pub struct EntityFilter(Filter);

impl EntityFilter {
    /// All lots, newest first.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Only this kind of stock.
    #[must_use]
    pub fn kind(self, kind: EntityType) -> Self {
        Self(self.0.equals("kind", kind))
    }
    /// Only lots in this status.
    #[must_use]
    pub fn status(self, status: Status) -> Self {
        Self(self.0.equals("status", status))
    }
    /// Only lots at this stage.
    #[must_use]
    pub fn stage(self, stage: Stage) -> Self {
        Self(self.0.equals("stage", stage))
    }
    /// Only lots at this place or below it.
    #[must_use]
    pub fn location(self, location: LocationId) -> Self {
        Self(self.0.within("location_id", location))
    }
    /// Only lots with this batch number.
    #[must_use]
    pub fn batch_number(self, batch: impl Into<String>) -> Self {
        Self(self.0.equals("batch_number", batch.into()))
    }
    /// Only lots of this grade.
    #[must_use]
    pub fn quality_grade(self, grade: Grade) -> Self {
        Self(self.0.equals("quality_grade", grade))
    }
    /// Only lots whose code, name, batch number or attributes have all these words.
    #[must_use]
    pub fn search(self, words: impl Into<String>) -> Self {
        Self(self.0.search(words))
    }
    /// Order: `created_at`, `updated_at`, `code`, `name`, `quantity`; `-` in front for descending.
    #[must_use]
    pub fn sort(self, sort: impl Into<String>) -> Self {
        Self(self.0.sort(sort))
    }
    /// Only deleted lots.
    #[must_use]
    pub fn deleted(self) -> Self {
        Self(self.0.deleted())
    }
}

impl From<EntityFilter> for Filter {
    fn from(filter: EntityFilter) -> Self {
        filter.0
    }
}

/// Tracked lots of one tenant.
#[derive(Debug)]
pub struct Entities<'s> {
    pub(super) session: &'s TenantSession,
}

impl Entities<'_> {
    /// One page of the lots that match.
    pub async fn list(&self, filter: EntityFilter, page: Page) -> Result<PageOf<StoredEntity>> {
        self.session.repository::<Entity>().list(filter.0, page).await
    }
    /// The lot, if it is within reach.
    pub async fn find(&self, id: EntityId) -> Result<Option<StoredEntity>> {
        self.session.repository::<Entity>().find_by_id(id).await
    }
    /// Changes of one lot, newest first.
    pub async fn history(
        &self,
        id: EntityId,
        before_version: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        self.session.repository::<Entity>().history(id, before_version, limit).await
    }
    /// Which of these codes are in use, by deleted lots too: what an import must leave out.
    pub async fn known_codes(&self, codes: Vec<String>) -> Result<HashSet<String>> {
        self.session.reach("entity.create", Entity::SCHEMA)?;
        known_codes(&mut *self.session.store().read().await?, codes).await
    }
    /// Registers a lot.
    pub async fn create(&self, new: NewEntity) -> Result<StoredEntity> {
        in_one_work!(self.session, |work| work.entities().create(new.clone()).await?)
    }
    /// Edits a lot; edits of different fields merge.
    pub async fn update(
        &self,
        id: EntityId,
        expected_version: i64,
        patch: EntityPatch,
    ) -> Result<StoredEntity> {
        in_one_work!(self.session, |work| work
            .entities()
            .update(id, expected_version, patch.clone())
            .await?)
    }
    /// Takes a step in a lot's life.
    pub async fn transition(
        &self,
        id: EntityId,
        expected_version: Option<i64>,
        step: &Transition,
    ) -> Result<StoredEntity> {
        in_one_work!(self.session, |work| work
            .entities()
            .transition(id, expected_version, step)
            .await?)
    }
    /// Moves a lot.
    pub async fn move_to(
        &self,
        id: EntityId,
        to: LocationId,
        expected_version: Option<i64>,
    ) -> Result<StoredEntity> {
        in_one_work!(self.session, |work| work.entities().move_to(id, to, expected_version).await?)
    }
    /// Deletes a lot in such a way that it can be recovered.
    pub async fn soft_delete(
        &self,
        id: EntityId,
        expected_version: Option<i64>,
    ) -> Result<StoredEntity> {
        self.session.repository::<Entity>().soft_delete(id, expected_version).await
    }
    /// Brings a deleted lot back.
    pub async fn recover_by_id(&self, id: EntityId) -> Result<StoredEntity> {
        self.session.repository::<Entity>().recover_by_id(id).await
    }
}

/// Tracked lots, within a unit of work.
#[derive(Debug)]
pub struct WorkEntities<'w> {
    pub(super) work: &'w mut UnitOfWork,
}

impl WorkEntities<'_> {
    /// Registers a lot.
    pub async fn create(&mut self, new: NewEntity) -> Result<StoredEntity> {
        if let Some(location) = new.location_id {
            self.place(location, "create").await?;
        }
        let id = EntityId::from_uuid(self.work.session.vivero().ids().id(self.work.session.now()));
        let mut stored = self.work.add(vec![new.into_entity(id)], "create").await?;
        stored.pop().ok_or_else(|| Error::corrupt("a created entity is missing"))
    }

    /// Registers many lots at once, as an import does. Their places must have been checked.
    pub async fn create_all(&mut self, new: Vec<NewEntity>) -> Result<Vec<StoredEntity>> {
        let now = self.work.session.now();
        let ids = self.work.session.vivero().ids();
        let lots =
            new.into_iter().map(|n| n.into_entity(EntityId::from_uuid(ids.id(now)))).collect();
        self.work.add::<Entity>(lots, "create").await
    }

    /// Which of these codes are in use, seen from within this unit of work.
    pub async fn known_codes(&mut self, codes: Vec<String>) -> Result<HashSet<String>> {
        self.work.session.reach("entity.create", Entity::SCHEMA)?;
        known_codes(&mut *self.work.work, codes).await
    }

    /// Edits a lot; edits of different fields merge.
    pub async fn update(
        &mut self,
        id: EntityId,
        expected_version: i64,
        patch: EntityPatch,
    ) -> Result<StoredEntity> {
        let edit = |entity: &mut Entity| {
            patch.apply(entity);
            Ok(())
        };
        self.work.change(id.uuid(), Some(expected_version), How::edit("update"), edit).await
    }

    /// Takes a step in a lot's life. Without `expected_version` the step applies to the lot as it is:
    /// two losses both count.
    pub async fn transition(
        &mut self,
        id: EntityId,
        expected_version: Option<i64>,
        step: &Transition,
    ) -> Result<StoredEntity> {
        let how = How::command("transition", step.reason.as_deref());
        self.work
            .change(id.uuid(), expected_version, how, |entity: &mut Entity| step.apply(entity))
            .await
    }

    /// Moves a lot.
    pub async fn move_to(
        &mut self,
        id: EntityId,
        to: LocationId,
        expected_version: impl Into<Option<i64>>,
    ) -> Result<StoredEntity> {
        self.place(to, "move").await?;
        let edit = |entity: &mut Entity| {
            entity.location_id = Some(to);
            Ok(())
        };
        let how = How::command("move", None);
        let moved = self.work.change(id.uuid(), expected_version.into(), how, edit).await?;
        self.work.files_follow(id, to).await?;
        Ok(moved)
    }

    /// The place must be there and within reach of what is done with it.
    async fn place(&mut self, location: LocationId, action: &str) -> Result<()> {
        let scope =
            self.work.session.reach(&Entity::SCHEMA.permission(action), Location::SCHEMA)?;
        let scope = match scope {
            // Reach by ownership is about lots; places have no owner.
            Predicate::Equals("created_by", _) => Predicate::All,
            other => other,
        };
        self.work.required::<Location>("location_id", location.uuid(), &scope).await
    }
}

/// Codes asked for at once: a statement has a bound on its parameters.
const CODES_AT_ONCE: usize = 1_000;

async fn known_codes<T: Rows + ?Sized>(
    rows: &mut T,
    codes: Vec<String>,
) -> Result<HashSet<String>> {
    let mut known = HashSet::new();
    for some in codes.chunks(CODES_AT_ONCE) {
        let any = some.iter().cloned().map(Value::Text).collect();
        let mut query = Query::new(Predicate::OneOf("code", any), CODES_AT_ONCE as u32);
        query.deleted = Deleted::Included;
        for row in rows.list(Entity::SCHEMA, &query).await? {
            known.insert(Stored::<Entity>::from_row(row)?.record.code);
        }
    }
    Ok(known)
}
