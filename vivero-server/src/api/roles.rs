//! Roles.

use super::Topic;
use super::entities::of_version;
use crate::access::Access;
use crate::idempotency::once;
use crate::param::{
    Id, IdempotencyKey, IfMatch, IfNoneMatch, Limit, Query, RequiredIfMatch, Search, Token,
};
use crate::payload::Body;
use crate::reply::{Answer, Changed, Created, Found, Shown};
use crate::wire::role::{RoleIn, RoleList, RoleOut, RolePatch};
use poem_openapi::OpenApi;
use vivero_core::service::NewRole;
use vivero_core::{Error, Filter, Page, RoleId};

pub(crate) struct Roles;

#[OpenApi(tag = "Topic::Roles")]
impl Roles {
    /// List roles
    #[oai(path = "/api/v1/:tenant/roles", method = "get", operation_id = "role_list")]
    async fn list(
        &self,
        tenant: Access,
        /// Only roles whose name has all these words.
        q: Query<Search>,
        /// `created_at`, `updated_at` or `name`; `-` in front for descending.
        sort: Query<Token>,
        limit: Query<Limit>,
        cursor: Query<Token>,
        total: Query<bool>,
    ) -> Answer<Shown<RoleList>> {
        let mut filter = Filter::new();
        if let Some(Search(words)) = q.0 {
            filter = filter.search(words);
        }
        if let Some(Token(sort)) = sort.0 {
            filter = filter.sort(sort);
        }
        let page = Page::parse(Some(limit.rows()), cursor.0.map(|c| c.0), total.0 == Some(true))?;
        Shown::new(&tenant.roles().list(filter, page).await?.into())
    }

    /// Read a role
    #[oai(path = "/api/v1/:tenant/roles/:id", method = "get", operation_id = "role_get")]
    async fn get(
        &self,
        tenant: Access,
        id: Id<RoleId>,
        #[oai(name = "If-None-Match")] seen: IfNoneMatch,
    ) -> Answer<Found<RoleOut>> {
        let found = tenant.roles().find(id.0).await?.ok_or_else(|| Error::not_found("role"))?;
        Found::new(found.version, seen.has(found.version), || found.into())
    }

    /// Add a role
    ///
    /// Nobody hands out more than they have themselves.
    #[oai(path = "/api/v1/:tenant/roles", method = "post", operation_id = "role_create")]
    async fn create(
        &self,
        tenant: Access,
        #[oai(name = "Idempotency-Key")] key: IdempotencyKey,
        body: Body<RoleIn>,
    ) -> Answer<Created<RoleOut>> {
        tenant.require("role.create")?;
        let new: NewRole = body.value.try_into()?;
        once!(tenant, key, "", &body.bytes, |once| {
            let stored = once.work.create_role(new.clone()).await?;
            let location = format!("/api/v1/{}/roles/{}", tenant.tenant().slug, stored.id);
            once.created(stored.version, location, &stored.into()).await
        })
    }

    /// Edit a role
    ///
    /// Built-in roles cannot be edited.
    #[oai(path = "/api/v1/:tenant/roles/:id", method = "patch", operation_id = "role_update")]
    async fn update(
        &self,
        tenant: Access,
        id: Id<RoleId>,
        #[oai(name = "If-Match")] seen: RequiredIfMatch,
        body: Body<RolePatch>,
    ) -> Answer<Changed<RoleOut>> {
        tenant.require("role.update")?;
        let stored = tenant.roles().update(id.0, seen.0, body.value.try_into()?).await;
        let stored = stored.map_err(of_version)?;
        Changed::new(stored.version, &stored.into())
    }

    /// Delete a role nobody has
    #[oai(path = "/api/v1/:tenant/roles/:id", method = "delete", operation_id = "role_delete")]
    async fn delete(
        &self,
        tenant: Access,
        id: Id<RoleId>,
        #[oai(name = "If-Match")] seen: IfMatch,
    ) -> Answer<Changed<RoleOut>> {
        let stored = tenant.roles().soft_delete(id.0, seen.0).await?;
        Changed::new(stored.version, &stored.into())
    }
}
