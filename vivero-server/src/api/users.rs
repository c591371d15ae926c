//! People.

use super::Topic;
use super::entities::of_version;
use crate::access::Access;
use crate::idempotency::once;
use crate::param::{
    Id, IdempotencyKey, IfMatch, IfNoneMatch, Limit, Query, RequiredIfMatch, Search, Token, Version,
};
use crate::payload::Body;
use crate::reply::{Answer, Changed, Created, Found, Shown, to_bytes};
use crate::wire::Word;
use crate::wire::journal::HistoryList;
use crate::wire::user::{InvitedOut, UserIn, UserList, UserOut, UserPatch};
use poem_openapi::OpenApi;
use vivero_core::service::NewUser;
use vivero_core::user::UserStatus;
use vivero_core::{Error, Filter, Page, UserId};

pub(crate) struct Users;

#[OpenApi(tag = "Topic::Users")]
impl Users {
    /// List people
    #[expect(clippy::too_many_arguments, reason = "each is one parameter of the query")]
    #[oai(path = "/api/v1/:tenant/users", method = "get", operation_id = "user_list")]
    async fn list(
        &self,
        tenant: Access,
        /// Only people in this status.
        status: Query<Word<UserStatus>>,
        /// Only people whose address or name has all these words.
        q: Query<Search>,
        /// `created_at`, `updated_at`, `email` or `name`; `-` in front for descending.
        sort: Query<Token>,
        limit: Query<Limit>,
        cursor: Query<Token>,
        total: Query<bool>,
        deleted: Query<bool>,
    ) -> Answer<Shown<UserList>> {
        let mut filter = Filter::new();
        if let Some(Word(status)) = status.0 {
            filter = filter.equals("status", status);
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
        let found = tenant.users().list(filter, page).await?;
        let size = found.items.len() * 500 + 200;
        Shown::sized(&found.into(), size)
    }

    /// Read a person
    #[oai(path = "/api/v1/:tenant/users/:id", method = "get", operation_id = "user_get")]
    async fn get(
        &self,
        tenant: Access,
        id: Id<UserId>,
        #[oai(name = "If-None-Match")] seen: IfNoneMatch,
    ) -> Answer<Found<UserOut>> {
        let found = tenant.users().find(id.0).await?.ok_or_else(|| Error::not_found("user"))?;
        Found::new(found.version, seen.has(found.version), || found.into())
    }

    /// Changes of a person, newest first
    #[oai(
        path = "/api/v1/:tenant/users/:id/history",
        method = "get",
        operation_id = "user_history"
    )]
    async fn history(
        &self,
        tenant: Access,
        id: Id<UserId>,
        /// Only changes before this version.
        before: Query<Version>,
        limit: Query<Limit>,
    ) -> Answer<Shown<HistoryList>> {
        let before = before.0.map(|v| v.0);
        let entries = tenant.users().history(id.0, before, limit.rows()).await?;
        Shown::new(&HistoryList::new(entries, limit.rows()))
    }

    /// Invite a person
    ///
    /// The invitation's token is shown once: a repetition with the same `Idempotency-Key` is answered
    /// without it.
    #[oai(path = "/api/v1/:tenant/users", method = "post", operation_id = "user_create")]
    async fn create(
        &self,
        tenant: Access,
        #[oai(name = "Idempotency-Key")] key: IdempotencyKey,
        body: Body<UserIn>,
    ) -> Answer<Created<InvitedOut>> {
        let new: NewUser = body.value.into();
        once!(tenant, key, "", &body.bytes, |once| {
            let (user, invitation) = once.work.create_user(new.clone()).await?;
            let version = user.version;
            let location = format!("/api/v1/{}/users/{}", tenant.tenant().slug, user.id);
            let mut made = InvitedOut::new(user, invitation);
            let token = made.invitation.token.take();
            let kept = to_bytes(&made, 1024)?;
            made.invitation.token = token;
            once.created_keeping(version, location, &made, &kept).await
        })
    }

    /// Edit a person
    ///
    /// The last active Admin stays one.
    #[oai(path = "/api/v1/:tenant/users/:id", method = "patch", operation_id = "user_update")]
    async fn update(
        &self,
        tenant: Access,
        id: Id<UserId>,
        #[oai(name = "If-Match")] seen: RequiredIfMatch,
        body: Body<UserPatch>,
    ) -> Answer<Changed<UserOut>> {
        let stored = tenant.users().update(id.0, seen.0, body.value.into()).await;
        let stored = stored.map_err(of_version)?;
        Changed::new(stored.version, &stored.into())
    }

    /// Delete a person
    ///
    /// Their sign-ins are refused from the next request on. They can be recovered.
    #[oai(path = "/api/v1/:tenant/users/:id", method = "delete", operation_id = "user_delete")]
    async fn delete(
        &self,
        tenant: Access,
        id: Id<UserId>,
        #[oai(name = "If-Match")] seen: IfMatch,
    ) -> Answer<Changed<UserOut>> {
        let stored = tenant.users().soft_delete(id.0, seen.0).await?;
        Changed::new(stored.version, &stored.into())
    }

    /// Bring a deleted person back
    #[oai(
        path = "/api/v1/:tenant/users/:id/recover",
        method = "post",
        operation_id = "user_recover"
    )]
    async fn recover(
        &self,
        tenant: Access,
        id: Id<UserId>,
        #[oai(name = "Idempotency-Key")] key: IdempotencyKey,
    ) -> Answer<Changed<UserOut>> {
        once!(tenant, key, id.0, &[], |once| {
            let stored = once.work.recover_user(id.0).await?;
            once.changed(stored.version, &stored.into()).await
        })
    }
}
