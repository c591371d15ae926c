//! Named sets of grants.

use crate::resource::{etag, listed, resource};
use crate::{Result, Role, RoleIn, RoleList, RolePatch, TenantClient};
use uuid::Uuid;

resource! {
    /// Named sets of grants; see [`TenantClient::roles`].
    Roles
}

impl Roles<'_> {
    /// Roles that match, page by page or as a stream.
    pub fn list(&self) -> RoleListRequest {
        RoleListRequest::new(self.tenant.clone())
    }

    /// One role.
    pub async fn get(&self, id: Uuid) -> Result<Role> {
        let (slug, id) = (self.tenant.slug(), &id);
        self.tenant.caller.read(|api| async move { api.role_get(slug, id).await }).await
    }

    /// Adds a role. Nobody hands out more than they have themselves.
    pub async fn create(&self, role: RoleIn) -> Result<Role> {
        let (slug, body) = (self.tenant.slug(), &role);
        self.tenant
            .caller
            .keyed(self.with.key(), |api, key| async move {
                api.role_create(slug, Some(&key), body).await
            })
            .await
    }

    /// Edits the role as it was at `version`. Built-in roles cannot be edited.
    ///
    /// Errors: [`Error::conflict`](crate::Error::conflict) has base, theirs and mine if somebody else
    /// changed the same field since.
    pub async fn update(&self, id: Uuid, version: i64, patch: RolePatch) -> Result<Role> {
        let (slug, id, version, body) = (self.tenant.slug(), &id, &*etag(version), &patch);
        self.tenant
            .caller
            .once(|api| async move { api.role_update(slug, id, version, body).await })
            .await
    }

    /// Deletes a role nobody has.
    pub async fn delete(&self, id: Uuid) -> Result<Role> {
        let (slug, id, version) = (self.tenant.slug(), &id, self.with.version());
        self.tenant.caller.once(|api| async move { api.role_delete(slug, id, version).await }).await
    }
}

/// Which roles, in which order.
#[derive(Debug, Clone)]
#[must_use = "nothing happens before `send` or `stream`"]
pub struct RoleListRequest {
    tenant: TenantClient,
    q: Option<String>,
    sort: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
    total: Option<bool>,
}

listed!(RoleListRequest, RoleList, Role);

impl RoleListRequest {
    const fn new(tenant: TenantClient) -> Self {
        Self { tenant, q: None, sort: None, limit: None, cursor: None, total: None }
    }
    /// One page.
    pub async fn send(self) -> Result<RoleList> {
        let r = &self;
        let slug = r.tenant.slug();
        self.tenant
            .caller
            .read(|api| async move {
                let (cursor, q, sort) = (r.cursor.as_deref(), r.q.as_deref(), r.sort.as_deref());
                api.role_list(slug, cursor, r.limit, q, sort, r.total).await
            })
            .await
    }
}
