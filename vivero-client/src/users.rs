//! People.

use crate::pages::HistoryRequest;
use crate::resource::{etag, listed, resource};
use crate::{Invited, Result, TenantClient, User, UserIn, UserList, UserPatch, UserStatus};
use uuid::Uuid;

resource! {
    /// People; see [`TenantClient::users`].
    Users
}

impl Users<'_> {
    /// People who match, page by page or as a stream.
    pub fn list(&self) -> UserListRequest {
        UserListRequest::new(self.tenant.clone())
    }

    /// One person.
    pub async fn get(&self, id: Uuid) -> Result<User> {
        let (slug, id) = (self.tenant.slug(), &id);
        self.tenant.caller.read(|api| async move { api.user_get(slug, id).await }).await
    }

    /// Invites a person. Pass the invitation's token on; it is shown once: if the first answer was
    /// lost on the way, the repeated one comes without it.
    pub async fn invite(&self, user: UserIn) -> Result<Invited> {
        let (slug, body) = (self.tenant.slug(), &user);
        self.tenant
            .caller
            .keyed(self.with.key(), |api, key| async move {
                api.user_create(slug, Some(&key), body).await
            })
            .await
    }

    /// Edits the person as they were at `version`. The last active Admin stays one.
    ///
    /// Errors: [`Error::conflict`](crate::Error::conflict) has base, theirs and mine if somebody else
    /// changed the same field since.
    pub async fn update(&self, id: Uuid, version: i64, patch: UserPatch) -> Result<User> {
        let (slug, id, version, body) = (self.tenant.slug(), &id, &*etag(version), &patch);
        self.tenant
            .caller
            .once(|api| async move { api.user_update(slug, id, version, body).await })
            .await
    }

    /// Deletes the person; they can be recovered. Their sign-ins are refused from then on.
    pub async fn delete(&self, id: Uuid) -> Result<User> {
        let (slug, id, version) = (self.tenant.slug(), &id, self.with.version());
        self.tenant.caller.once(|api| async move { api.user_delete(slug, id, version).await }).await
    }

    /// Brings a deleted person back.
    pub async fn recover(&self, id: Uuid) -> Result<User> {
        let (slug, id) = (self.tenant.slug(), &id);
        self.tenant
            .caller
            .keyed(self.with.key(), |api, key| async move {
                api.user_recover(slug, id, Some(&key)).await
            })
            .await
    }

    /// Changes of the person, newest first.
    pub fn history(&self, id: Uuid) -> HistoryRequest {
        HistoryRequest::new(self.tenant.clone(), id, |tenant, id, before, limit| {
            Box::pin(async move {
                let (slug, id) = (tenant.slug(), &id);
                tenant
                    .caller
                    .read(|api| async move { api.user_history(slug, id, before, limit).await })
                    .await
            })
        })
    }
}

/// Which people, in which order.
#[derive(Debug, Clone)]
#[must_use = "nothing happens before `send` or `stream`"]
pub struct UserListRequest {
    tenant: TenantClient,
    status: Option<UserStatus>,
    deleted: Option<bool>,
    q: Option<String>,
    sort: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
    total: Option<bool>,
}

listed!(UserListRequest, UserList, User);

impl UserListRequest {
    const fn new(tenant: TenantClient) -> Self {
        Self {
            tenant,
            status: None,
            deleted: None,
            q: None,
            sort: None,
            limit: None,
            cursor: None,
            total: None,
        }
    }
    /// Only people in this status.
    pub const fn status(mut self, status: UserStatus) -> Self {
        self.status = Some(status);
        self
    }
    /// Only deleted people, for those who may recover them.
    pub const fn deleted(mut self) -> Self {
        self.deleted = Some(true);
        self
    }
    /// One page.
    pub async fn send(self) -> Result<UserList> {
        let r = &self;
        let slug = r.tenant.slug();
        self.tenant
            .caller
            .read(|api| async move {
                api.user_list(
                    slug,
                    r.cursor.as_deref(),
                    r.deleted,
                    r.limit,
                    r.q.as_deref(),
                    r.sort.as_deref(),
                    r.status,
                    r.total,
                )
                .await
            })
            .await
    }
}
