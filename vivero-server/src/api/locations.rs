//! Places.

use super::Topic;
use super::entities::of_version;
use crate::access::Access;
use crate::idempotency::once;
use crate::param::{
    Id, IdempotencyKey, IfMatch, IfNoneMatch, Limit, Query, RequiredIfMatch, Search, Token, Version,
};
use crate::payload::Body;
use crate::reply::{Answer, Changed, Created, Found, Shown};
use crate::wire::Word;
use crate::wire::journal::HistoryList;
use crate::wire::location::{LocationIn, LocationList, LocationOut, LocationPatch};
use poem_openapi::OpenApi;
use vivero_core::location::{LocationKind, NewLocation};
use vivero_core::{Error, LocationFilter, LocationId, Page};

pub(crate) struct Locations;

#[OpenApi(tag = "Topic::Locations")]
impl Locations {
    /// List locations
    #[expect(clippy::too_many_arguments, reason = "each is one parameter of the query")]
    #[oai(path = "/api/v1/:tenant/locations", method = "get", operation_id = "location_list")]
    async fn list(
        &self,
        tenant: Access,
        /// Only this kind of place.
        kind: Query<Word<LocationKind>>,
        /// Only places directly in this one.
        parent_id: Query<LocationId>,
        /// Only this place and everything below it.
        within: Query<LocationId>,
        /// Only places whose code or name has all these words.
        q: Query<Search>,
        /// `created_at`, `updated_at`, `code`, `name` or `path`; `-` in front for descending.
        sort: Query<Token>,
        limit: Query<Limit>,
        cursor: Query<Token>,
        total: Query<bool>,
        deleted: Query<bool>,
    ) -> Answer<Shown<LocationList>> {
        let mut filter = LocationFilter::new();
        if let Some(Word(kind)) = kind.0 {
            filter = filter.kind(kind);
        }
        if let Some(parent) = parent_id.0 {
            filter = filter.parent(parent);
        }
        if let Some(location) = within.0 {
            filter = filter.within(location);
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
        let found = tenant.locations().list(filter, page).await?;
        let size = found.items.len() * 600 + 200;
        Shown::sized(&found.into(), size)
    }

    /// Read a location
    #[oai(path = "/api/v1/:tenant/locations/:id", method = "get", operation_id = "location_get")]
    async fn get(
        &self,
        tenant: Access,
        id: Id<LocationId>,
        #[oai(name = "If-None-Match")] seen: IfNoneMatch,
    ) -> Answer<Found<LocationOut>> {
        let found =
            tenant.locations().find(id.0).await?.ok_or_else(|| Error::not_found("location"))?;
        Found::new(found.version, seen.has(found.version), || found.into())
    }

    /// Changes of a location, newest first
    #[oai(
        path = "/api/v1/:tenant/locations/:id/history",
        method = "get",
        operation_id = "location_history"
    )]
    async fn history(
        &self,
        tenant: Access,
        id: Id<LocationId>,
        /// Only changes before this version.
        before: Query<Version>,
        limit: Query<Limit>,
    ) -> Answer<Shown<HistoryList>> {
        let before = before.0.map(|v| v.0);
        let entries = tenant.locations().history(id.0, before, limit.rows()).await?;
        Shown::new(&HistoryList::new(entries, limit.rows()))
    }

    /// Add a location
    #[oai(path = "/api/v1/:tenant/locations", method = "post", operation_id = "location_create")]
    async fn create(
        &self,
        tenant: Access,
        #[oai(name = "Idempotency-Key")] key: IdempotencyKey,
        body: Body<LocationIn>,
    ) -> Answer<Created<LocationOut>> {
        let new: NewLocation = body.value.into();
        once!(tenant, key, "", &body.bytes, |once| {
            let stored = once.work.create_location(new.clone()).await?;
            let location = format!("/api/v1/{}/locations/{}", tenant.tenant().slug, stored.id);
            once.created(stored.version, location, &stored.into()).await
        })
    }

    /// Edit a location
    ///
    /// A new parent moves it with everything below it.
    #[oai(
        path = "/api/v1/:tenant/locations/:id",
        method = "patch",
        operation_id = "location_update"
    )]
    async fn update(
        &self,
        tenant: Access,
        id: Id<LocationId>,
        #[oai(name = "If-Match")] seen: RequiredIfMatch,
        body: Body<LocationPatch>,
    ) -> Answer<Changed<LocationOut>> {
        let stored = tenant.locations().update(id.0, seen.0, body.value.into()).await;
        let stored = stored.map_err(of_version)?;
        Changed::new(stored.version, &stored.into())
    }

    /// Delete an empty location
    ///
    /// It can be recovered.
    #[oai(
        path = "/api/v1/:tenant/locations/:id",
        method = "delete",
        operation_id = "location_delete"
    )]
    async fn delete(
        &self,
        tenant: Access,
        id: Id<LocationId>,
        #[oai(name = "If-Match")] seen: IfMatch,
    ) -> Answer<Changed<LocationOut>> {
        let stored = tenant.locations().soft_delete(id.0, seen.0).await?;
        Changed::new(stored.version, &stored.into())
    }

    /// Bring a deleted location back
    #[oai(
        path = "/api/v1/:tenant/locations/:id/recover",
        method = "post",
        operation_id = "location_recover"
    )]
    async fn recover(
        &self,
        tenant: Access,
        id: Id<LocationId>,
        #[oai(name = "Idempotency-Key")] key: IdempotencyKey,
    ) -> Answer<Changed<LocationOut>> {
        once!(tenant, key, id.0, &[], |once| {
            let stored = once.work.recover_location(id.0).await?;
            once.changed(stored.version, &stored.into()).await
        })
    }
}
