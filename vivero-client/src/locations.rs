//! Places where stock stands.

use crate::pages::HistoryRequest;
use crate::resource::{etag, listed, resource};
use crate::{
    Location, LocationIn, LocationKind, LocationList, LocationPatch, Result, TenantClient,
};
use uuid::Uuid;

resource! {
    /// Places where stock stands; see [`TenantClient::locations`].
    Locations
}

impl Locations<'_> {
    /// Locations that match, page by page or as a stream.
    pub fn list(&self) -> LocationListRequest {
        LocationListRequest::new(self.tenant.clone())
    }

    /// One location.
    pub async fn get(&self, id: Uuid) -> Result<Location> {
        let (slug, id) = (self.tenant.slug(), &id);
        self.tenant.caller.read(|api| async move { api.location_get(slug, id).await }).await
    }

    /// Adds a location.
    pub async fn create(&self, location: LocationIn) -> Result<Location> {
        let (slug, body) = (self.tenant.slug(), &location);
        self.tenant
            .caller
            .keyed(self.with.key(), |api, key| async move {
                api.location_create(slug, Some(&key), body).await
            })
            .await
    }

    /// Edits the location as it was at `version`. A new parent moves it with everything below it.
    ///
    /// Errors: [`Error::conflict`](crate::Error::conflict) has base, theirs and mine if somebody else
    /// changed the same field since.
    pub async fn update(&self, id: Uuid, version: i64, patch: LocationPatch) -> Result<Location> {
        let (slug, id, version, body) = (self.tenant.slug(), &id, &*etag(version), &patch);
        self.tenant
            .caller
            .once(|api| async move { api.location_update(slug, id, version, body).await })
            .await
    }

    /// Deletes an empty location; it can be recovered.
    pub async fn delete(&self, id: Uuid) -> Result<Location> {
        let (slug, id, version) = (self.tenant.slug(), &id, self.with.version());
        self.tenant
            .caller
            .once(|api| async move { api.location_delete(slug, id, version).await })
            .await
    }

    /// Brings a deleted location back.
    pub async fn recover(&self, id: Uuid) -> Result<Location> {
        let (slug, id) = (self.tenant.slug(), &id);
        self.tenant
            .caller
            .keyed(self.with.key(), |api, key| async move {
                api.location_recover(slug, id, Some(&key)).await
            })
            .await
    }

    /// Changes of the location, newest first.
    pub fn history(&self, id: Uuid) -> HistoryRequest {
        HistoryRequest::new(self.tenant.clone(), id, |tenant, id, before, limit| {
            Box::pin(async move {
                let (slug, id) = (tenant.slug(), &id);
                tenant
                    .caller
                    .read(|api| async move { api.location_history(slug, id, before, limit).await })
                    .await
            })
        })
    }
}

/// Which locations, in which order.
#[derive(Debug, Clone)]
#[must_use = "nothing happens before `send` or `stream`"]
pub struct LocationListRequest {
    tenant: TenantClient,
    kind: Option<LocationKind>,
    parent: Option<Uuid>,
    within: Option<Uuid>,
    deleted: Option<bool>,
    q: Option<String>,
    sort: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
    total: Option<bool>,
}

listed!(LocationListRequest, LocationList, Location);

impl LocationListRequest {
    const fn new(tenant: TenantClient) -> Self {
        Self {
            tenant,
            kind: None,
            parent: None,
            within: None,
            deleted: None,
            q: None,
            sort: None,
            limit: None,
            cursor: None,
            total: None,
        }
    }
    /// Only this kind of place.
    pub const fn kind(mut self, kind: LocationKind) -> Self {
        self.kind = Some(kind);
        self
    }
    /// Only places directly in this one.
    pub const fn parent(mut self, id: Uuid) -> Self {
        self.parent = Some(id);
        self
    }
    /// Only this place and everything below it.
    pub const fn within(mut self, id: Uuid) -> Self {
        self.within = Some(id);
        self
    }
    /// Only deleted locations, for those who may recover them.
    pub const fn deleted(mut self) -> Self {
        self.deleted = Some(true);
        self
    }
    /// One page.
    pub async fn send(self) -> Result<LocationList> {
        let r = &self;
        let slug = r.tenant.slug();
        self.tenant
            .caller
            .read(|api| async move {
                api.location_list(
                    slug,
                    r.cursor.as_deref(),
                    r.deleted,
                    r.kind,
                    r.limit,
                    r.parent.as_ref(),
                    r.q.as_deref(),
                    r.sort.as_deref(),
                    r.total,
                    r.within.as_ref(),
                )
                .await
            })
            .await
    }
}
