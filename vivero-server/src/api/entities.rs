//! Tracked lots.

use super::Topic;
use crate::access::Access;
use crate::idempotency::once;
use crate::param::{
    Id, IdempotencyKey, IfMatch, IfNoneMatch, Limit, Query, RequiredIfMatch, Search, Token, Version,
};
use crate::payload::Body;
use crate::problem::Failure;
use crate::reply::{Answer, Changed, Created, Found, Shown};
use crate::wire::Word;
use crate::wire::entity::{EntityIn, EntityList, EntityOut, EntityPatch, MoveIn, TransitionIn};
use crate::wire::journal::HistoryList;
use poem_openapi::OpenApi;
use vivero_core::entity::{Entity, EntityType, Grade, NewEntity, Stage, Status};
use vivero_core::{EntityFilter, EntityId, Error, LocationId, Page};

pub(crate) struct Entities;

/// Bytes of one row of a list, about.
const ROW: usize = 700;

#[OpenApi(tag = "Topic::Entities")]
impl Entities {
    /// List entities
    #[expect(clippy::too_many_arguments, reason = "each is one parameter of the query")]
    #[oai(path = "/api/v1/:tenant/entities", method = "get", operation_id = "entity_list")]
    async fn list(
        &self,
        tenant: Access,
        /// Only this kind of stock.
        r#type: Query<Word<EntityType>>,
        /// Only entities in this status.
        status: Query<Word<Status>>,
        /// Only entities at this stage.
        stage: Query<Word<Stage>>,
        /// Only entities at this place or below it.
        location_id: Query<LocationId>,
        /// Only entities with this batch number.
        batch_number: Query<Token>,
        /// Only entities of this grade.
        quality_grade: Query<Word<Grade>>,
        /// Only entities whose code, name, batch number or attributes have all these words.
        q: Query<Search>,
        /// `created_at`, `updated_at`, `code`, `name` or `quantity`; `-` in front for descending.
        sort: Query<Token>,
        limit: Query<Limit>,
        cursor: Query<Token>,
        total: Query<bool>,
        deleted: Query<bool>,
    ) -> Answer<Shown<EntityList>> {
        let mut filter = EntityFilter::new();
        if let Some(Word(kind)) = r#type.0 {
            filter = filter.kind(kind);
        }
        if let Some(Word(status)) = status.0 {
            filter = filter.status(status);
        }
        if let Some(Word(stage)) = stage.0 {
            filter = filter.stage(stage);
        }
        if let Some(location) = location_id.0 {
            filter = filter.location(location);
        }
        if let Some(Token(batch)) = batch_number.0 {
            filter = filter.batch_number(batch);
        }
        if let Some(Word(grade)) = quality_grade.0 {
            filter = filter.quality_grade(grade);
        }
        if let Some(Search(words)) = q.0 {
            filter = filter.search(words);
        }
        if let Some(Token(sort)) = sort.0 {
            filter = filter.sort(sort);
        }
        if deleted.0 == Some(true) {
            filter = filter.deleted();
        }
        let page = Page::parse(Some(limit.rows()), cursor.0.map(|c| c.0), total.0 == Some(true))?;
        let found = tenant.entities().list(filter, page).await?;
        let size = found.items.len() * ROW + 200;
        Shown::sized(&found.into(), size)
    }

    /// Read an entity
    #[oai(path = "/api/v1/:tenant/entities/:id", method = "get", operation_id = "entity_get")]
    async fn get(
        &self,
        tenant: Access,
        id: Id<EntityId>,
        #[oai(name = "If-None-Match")] seen: IfNoneMatch,
    ) -> Answer<Found<EntityOut>> {
        let found =
            tenant.entities().find(id.0).await?.ok_or_else(|| Error::not_found("entity"))?;
        Found::new(found.version, seen.has(found.version), || found.into())
    }

    /// Changes of an entity, newest first
    #[oai(
        path = "/api/v1/:tenant/entities/:id/history",
        method = "get",
        operation_id = "entity_history"
    )]
    async fn history(
        &self,
        tenant: Access,
        id: Id<EntityId>,
        /// Only changes before this version.
        before: Query<Version>,
        limit: Query<Limit>,
    ) -> Answer<Shown<HistoryList>> {
        let before = before.0.map(|v| v.0);
        let entries = tenant.entities().history(id.0, before, limit.rows()).await?;
        Shown::new(&HistoryList::new(entries, limit.rows()))
    }

    /// Register an entity
    #[oai(path = "/api/v1/:tenant/entities", method = "post", operation_id = "entity_create")]
    async fn create(
        &self,
        tenant: Access,
        #[oai(name = "Idempotency-Key")] key: IdempotencyKey,
        body: Body<EntityIn>,
    ) -> Answer<Created<EntityOut>> {
        let new: NewEntity = body.value.into();
        once!(tenant, key, "", &body.bytes, |once| {
            let stored = once.work.entities().create(new.clone()).await?;
            let location = format!("/api/v1/{}/entities/{}", tenant.tenant().slug, stored.id);
            once.created(stored.version, location, &stored.into()).await
        })
    }

    /// Edit an entity
    ///
    /// Edits of different fields by several people merge; edits of the same field since the version in
    /// `If-Match` answer 409 with base, theirs and mine.
    #[oai(path = "/api/v1/:tenant/entities/:id", method = "patch", operation_id = "entity_update")]
    async fn update(
        &self,
        tenant: Access,
        id: Id<EntityId>,
        #[oai(name = "If-Match")] seen: RequiredIfMatch,
        body: Body<EntityPatch>,
    ) -> Answer<Changed<EntityOut>> {
        let stored = tenant.entities().update(id.0, seen.0, body.value.into()).await;
        let stored = stored.map_err(of_version)?;
        Changed::new(stored.version, &stored.into())
    }

    /// Take a step in an entity's life
    ///
    /// Without `If-Match` the step applies to the entity as it is: two losses both count.
    #[oai(
        path = "/api/v1/:tenant/entities/:id/transitions",
        method = "post",
        operation_id = "entity_transition"
    )]
    async fn transition(
        &self,
        tenant: Access,
        id: Id<EntityId>,
        #[oai(name = "Idempotency-Key")] key: IdempotencyKey,
        #[oai(name = "If-Match")] seen: IfMatch,
        body: Body<TransitionIn>,
    ) -> Answer<Changed<EntityOut>> {
        let step = body.value.into();
        once!(tenant, key, id.0, &body.bytes, |once| {
            let stored = once.work.entities().transition(id.0, seen.0, &step).await;
            let stored = stored.map_err(of_version)?;
            once.changed(stored.version, &stored.into()).await
        })
    }

    /// Move an entity to another place
    #[oai(
        path = "/api/v1/:tenant/entities/:id/moves",
        method = "post",
        operation_id = "entity_move"
    )]
    async fn move_to(
        &self,
        tenant: Access,
        id: Id<EntityId>,
        #[oai(name = "Idempotency-Key")] key: IdempotencyKey,
        #[oai(name = "If-Match")] seen: IfMatch,
        body: Body<MoveIn>,
    ) -> Answer<Changed<EntityOut>> {
        let to = LocationId::from_uuid(body.value.location_id);
        once!(tenant, key, id.0, &body.bytes, |once| {
            let stored = once.work.entities().move_to(id.0, to, seen.0).await;
            let stored = stored.map_err(of_version)?;
            once.changed(stored.version, &stored.into()).await
        })
    }

    /// Delete an entity
    ///
    /// It can be recovered.
    #[oai(path = "/api/v1/:tenant/entities/:id", method = "delete", operation_id = "entity_delete")]
    async fn delete(
        &self,
        tenant: Access,
        id: Id<EntityId>,
        #[oai(name = "If-Match")] seen: IfMatch,
    ) -> Answer<Changed<EntityOut>> {
        let stored = tenant.entities().soft_delete(id.0, seen.0).await?;
        Changed::new(stored.version, &stored.into())
    }

    /// Bring a deleted entity back
    #[oai(
        path = "/api/v1/:tenant/entities/:id/recover",
        method = "post",
        operation_id = "entity_recover"
    )]
    async fn recover(
        &self,
        tenant: Access,
        id: Id<EntityId>,
        #[oai(name = "Idempotency-Key")] key: IdempotencyKey,
    ) -> Answer<Changed<EntityOut>> {
        once!(tenant, key, id.0, &[], |once| {
            let stored = once.work.repository::<Entity>().recover_by_id(id.0).await?;
            once.changed(stored.version, &stored.into()).await
        })
    }
}

/// The version a caller has seen came in a header.
pub(super) fn of_version(error: Error) -> Failure {
    Failure::from(error).renamed("version", "If-Match")
}
