//! Tracked lots of living stock.

use crate::pages::HistoryRequest;
use crate::resource::{etag, listed, resource};
use crate::{
    Entity, EntityIn, EntityList, EntityPatch, EntityType, Grade, MoveIn, Result, Stage, Status,
    TenantClient, TransitionIn,
};
use uuid::Uuid;

resource! {
    /// Tracked lots of living stock; see [`TenantClient::entities`].
    Entities
}

impl Entities<'_> {
    /// Entities that match, page by page or as a stream.
    pub fn list(&self) -> EntityListRequest {
        EntityListRequest::new(self.tenant.clone())
    }

    /// One entity.
    pub async fn get(&self, id: Uuid) -> Result<Entity> {
        let (slug, id) = (self.tenant.slug(), &id);
        self.tenant.caller.read(|api| async move { api.entity_get(slug, id).await }).await
    }

    /// Registers an entity.
    pub async fn create(&self, entity: EntityIn) -> Result<Entity> {
        let (slug, body) = (self.tenant.slug(), &entity);
        self.tenant
            .caller
            .keyed(self.with.key(), |api, key| async move {
                api.entity_create(slug, Some(&key), body).await
            })
            .await
    }

    /// Edits the entity as it was at `version`. Edits of different fields by several people merge.
    ///
    /// Errors: [`Error::conflict`](crate::Error::conflict) has base, theirs and mine if somebody else
    /// changed the same field since.
    pub async fn update(&self, id: Uuid, version: i64, patch: EntityPatch) -> Result<Entity> {
        let (slug, id, version, body) = (self.tenant.slug(), &id, &*etag(version), &patch);
        self.tenant
            .caller
            .once(|api| async move { api.entity_update(slug, id, version, body).await })
            .await
    }

    /// Takes a step in the entity's life: status, stage, quantity.
    pub async fn transition(&self, id: Uuid, step: TransitionIn) -> Result<Entity> {
        let (slug, id, version, body) = (self.tenant.slug(), &id, self.with.version(), &step);
        self.tenant
            .caller
            .keyed(self.with.key(), |api, key| async move {
                api.entity_transition(slug, id, Some(&key), version, body).await
            })
            .await
    }

    /// Moves the entity to another place.
    pub async fn move_to(&self, id: Uuid, location_id: Uuid) -> Result<Entity> {
        let (slug, id, version) = (self.tenant.slug(), &id, self.with.version());
        let body = &MoveIn { location_id };
        self.tenant
            .caller
            .keyed(self.with.key(), |api, key| async move {
                api.entity_move(slug, id, Some(&key), version, body).await
            })
            .await
    }

    /// Deletes the entity; it can be recovered.
    pub async fn delete(&self, id: Uuid) -> Result<Entity> {
        let (slug, id, version) = (self.tenant.slug(), &id, self.with.version());
        self.tenant
            .caller
            .once(|api| async move { api.entity_delete(slug, id, version).await })
            .await
    }

    /// Brings a deleted entity back.
    pub async fn recover(&self, id: Uuid) -> Result<Entity> {
        let (slug, id) = (self.tenant.slug(), &id);
        self.tenant
            .caller
            .keyed(self.with.key(), |api, key| async move {
                api.entity_recover(slug, id, Some(&key)).await
            })
            .await
    }

    /// Changes of the entity, newest first.
    pub fn history(&self, id: Uuid) -> HistoryRequest {
        HistoryRequest::new(self.tenant.clone(), id, |tenant, id, before, limit| {
            Box::pin(async move {
                let (slug, id) = (tenant.slug(), &id);
                tenant
                    .caller
                    .read(|api| async move { api.entity_history(slug, id, before, limit).await })
                    .await
            })
        })
    }
}

/// Which entities, in which order.
#[derive(Debug, Clone)]
#[must_use = "nothing happens before `send` or `stream`"]
pub struct EntityListRequest {
    tenant: TenantClient,
    kind: Option<EntityType>,
    status: Option<Status>,
    stage: Option<Stage>,
    location: Option<Uuid>,
    batch_number: Option<String>,
    quality_grade: Option<Grade>,
    deleted: Option<bool>,
    q: Option<String>,
    sort: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
    total: Option<bool>,
}

listed!(EntityListRequest, EntityList, Entity);

impl EntityListRequest {
    const fn new(tenant: TenantClient) -> Self {
        Self {
            tenant,
            kind: None,
            status: None,
            stage: None,
            location: None,
            batch_number: None,
            quality_grade: None,
            deleted: None,
            q: None,
            sort: None,
            limit: None,
            cursor: None,
            total: None,
        }
    }
    /// Only this kind of stock.
    pub const fn kind(mut self, kind: EntityType) -> Self {
        self.kind = Some(kind);
        self
    }
    /// Only entities in this status.
    pub const fn status(mut self, status: Status) -> Self {
        self.status = Some(status);
        self
    }
    /// Only entities at this stage.
    pub const fn stage(mut self, stage: Stage) -> Self {
        self.stage = Some(stage);
        self
    }
    /// Only entities at this place or below it.
    pub const fn location(mut self, id: Uuid) -> Self {
        self.location = Some(id);
        self
    }
    /// Only entities with this batch number.
    pub fn batch_number(mut self, number: impl Into<String>) -> Self {
        self.batch_number = Some(number.into());
        self
    }
    /// Only entities of this grade.
    pub const fn quality_grade(mut self, grade: Grade) -> Self {
        self.quality_grade = Some(grade);
        self
    }
    /// Only deleted entities, for those who may recover them.
    pub const fn deleted(mut self) -> Self {
        self.deleted = Some(true);
        self
    }
    /// One page.
    pub async fn send(self) -> Result<EntityList> {
        let r = &self;
        let slug = r.tenant.slug();
        self.tenant
            .caller
            .read(|api| async move {
                api.entity_list(
                    slug,
                    r.batch_number.as_deref(),
                    r.cursor.as_deref(),
                    r.deleted,
                    r.limit,
                    r.location.as_ref(),
                    r.q.as_deref(),
                    r.quality_grade,
                    r.sort.as_deref(),
                    r.stage,
                    r.status,
                    r.total,
                    r.kind,
                )
                .await
            })
            .await
    }
}
