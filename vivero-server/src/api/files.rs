//! Files.

use super::Topic;
use super::entities::of_version;
use crate::access::Access;
use crate::idempotency::{Begun, Once, Repeated, once};
use crate::param::{
    Id, IdempotencyKey, IfMatch, IfNoneMatch, Limit, Query, RequiredIfMatch, RequiredQuery, Search,
    Text, Token, Version,
};
use crate::payload::Body;
use crate::payload::content::Content as Incoming;
use crate::problem::Failure;
use crate::reply::content::{Content, range, tag};
use crate::reply::{Answer, Changed, Created, Found, Shown};
use crate::wire::Word;
use crate::wire::file::{FileList, FileOut, FilePatch, LinkIn, LinkOut};
use crate::wire::journal::HistoryList;
use poem::http::StatusCode;
use poem_openapi::OpenApi;
use std::time::Duration;
use vivero_core::files::{FileState, NewFile};
use vivero_core::service::Tries;
use vivero_core::{EntityId, Error, FileFilter, FileId, LocationId, Page, UserId};

pub(crate) struct Files;

#[OpenApi(tag = "Topic::Files")]
impl Files {
    /// List files
    #[expect(clippy::too_many_arguments, reason = "each is one parameter of the query")]
    #[oai(path = "/api/v1/:tenant/files", method = "get", operation_id = "file_list")]
    async fn list(
        &self,
        tenant: Access,
        /// Only files of this media type.
        media_type: Query<Token>,
        /// Only files in this state.
        state: Query<Word<FileState>>,
        /// Only files of this lot.
        entity_id: Query<EntityId>,
        /// Only files of lots at this place or below it.
        location_id: Query<LocationId>,
        /// Only files this person uploaded.
        uploaded_by: Query<UserId>,
        /// Only files whose name has all these words.
        q: Query<Search>,
        /// `created_at`, `updated_at`, `name` or `size`; `-` in front for descending.
        sort: Query<Token>,
        limit: Query<Limit>,
        cursor: Query<Token>,
        total: Query<bool>,
        deleted: Query<bool>,
    ) -> Answer<Shown<FileList>> {
        let mut filter = FileFilter::new();
        if let Some(Token(media_type)) = media_type.0 {
            filter = filter.media_type(media_type);
        }
        if let Some(Word(state)) = state.0 {
            filter = filter.state(state);
        }
        if let Some(entity) = entity_id.0 {
            filter = filter.entity(entity);
        }
        if let Some(location) = location_id.0 {
            filter = filter.location(location);
        }
        if let Some(person) = uploaded_by.0 {
            filter = filter.uploaded_by(person);
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
        let found = tenant.files().list(filter, page).await?;
        let size = found.items.len() * 700 + 200;
        Shown::sized(&found.into(), size)
    }

    /// Read what is known of a file
    #[oai(path = "/api/v1/:tenant/files/:id", method = "get", operation_id = "file_get")]
    async fn get(
        &self,
        tenant: Access,
        id: Id<FileId>,
        #[oai(name = "If-None-Match")] seen: IfNoneMatch,
    ) -> Answer<Found<FileOut>> {
        let found = tenant.files().find(id.0).await?.ok_or_else(|| Error::not_found("file"))?;
        Found::new(found.version, seen.has(found.version), || found.into())
    }

    /// Download a file
    ///
    /// Always as an attachment. `HEAD` gives the headers alone.
    #[oai(
        path = "/api/v1/:tenant/files/:id/content",
        method = "get",
        operation_id = "file_content"
    )]
    async fn content(
        &self,
        tenant: Access,
        id: Id<FileId>,
        /// One range of bytes, e.g. `bytes=1000-`. One that cannot be read is as good as none.
        #[oai(name = "Range")]
        wanted: Text,
        /// With `Range`: the `ETag` of what the caller has the beginning of; the whole content is
        /// answered if it is another one.
        #[oai(name = "If-Range")]
        only_of: Text,
        /// Entity tags the caller has; answers 304 if the content is one of them.
        #[oai(name = "If-None-Match")]
        seen: IfNoneMatch,
    ) -> Answer<Content> {
        let file = tenant.files().find(id.0).await?.ok_or_else(|| Error::not_found("file"))?;
        let tag = tag(&file);
        if seen.has_tag(&tag) {
            return Content::not_modified(&file);
        }
        let wanted = wanted.0.as_deref().and_then(range);
        let wanted = wanted.filter(|_| only_of.0.is_none_or(|only| only == tag));
        let size = u64::try_from(file.size).unwrap_or(0);
        if let Some(wanted) = wanted {
            wanted.resolve(size).map_err(|_| unsatisfiable(size))?;
        }
        let download = tenant.files().open(&file, wanted).await?;
        Content::of(&file, download)
    }

    /// Changes of what is known of a file, newest first
    #[oai(
        path = "/api/v1/:tenant/files/:id/history",
        method = "get",
        operation_id = "file_history"
    )]
    async fn history(
        &self,
        tenant: Access,
        id: Id<FileId>,
        /// Only changes before this version.
        before: Query<Version>,
        limit: Query<Limit>,
    ) -> Answer<Shown<HistoryList>> {
        let before = before.0.map(|v| v.0);
        let entries = tenant.files().history(id.0, before, limit.rows()).await?;
        Shown::new(&HistoryList::new(entries, limit.rows()))
    }

    /// Upload a file
    ///
    /// The body is the content as it is; it may be sent in chunks, without its length being known. The
    /// ending of the name says what kind of file it is, and the content must be of that kind. Nothing is
    /// kept of what is refused or cut off. With an `Idempotency-Key`, name, lot and announced length
    /// make up the request.
    #[oai(path = "/api/v1/:tenant/files", method = "post", operation_id = "file_create")]
    async fn create(
        &self,
        tenant: Access,
        /// What people call it: one line, no folders, with the ending of its kind.
        name: RequiredQuery<Token>,
        /// The lot it belongs to.
        entity_id: Query<EntityId>,
        #[oai(name = "Idempotency-Key")] key: IdempotencyKey,
        content: Incoming,
    ) -> Answer<Created<FileOut>> {
        let new = NewFile { name: name.0.0, entity_id: entity_id.0 };
        let request = format!("{}\0{:?}\0{:?}", new.name, new.entity_id, content.size);
        // No transaction waits for the content: an earlier answer is looked for before and after.
        if key.0.is_some()
            && let Begun::Again(kept) =
                Once::begin(&tenant, None, &key, "", request.as_bytes()).await?
        {
            content.discard().await;
            return Repeated::repeated(kept);
        }
        let received = tenant.files().receive(new, content.into_upload()).await.map_err(refused)?;
        let mut tries = Tries::new(&tenant);
        loop {
            let recorded = async {
                let mut once =
                    match Once::begin(&tenant, None, &key, "", request.as_bytes()).await? {
                        Begun::New(once) => once,
                        Begun::Again(kept) => return Ok(Err(kept)),
                    };
                let stored = once.work.record_file(&received).await.map_err(refused)?;
                Answer::Ok(Ok((once, stored)))
            };
            match recorded.await {
                Ok(Ok((once, stored))) => {
                    let at = format!("/api/v1/{}/files/{}", tenant.tenant().slug, stored.id);
                    let answer = once.created(stored.version, at, &stored.into()).await;
                    let undone = answer.as_ref().is_err_and(Failure::is_undone);
                    if !undone || !tries.another().await {
                        return answer;
                    }
                }
                Ok(Err(kept)) => {
                    received.discard().await;
                    return Repeated::repeated(kept);
                }
                Err(failure) => {
                    if !failure.is_undone() || !tries.another().await {
                        received.discard().await;
                        return Err(failure);
                    }
                }
            }
        }
    }

    /// Make a link to a file's content
    ///
    /// Only where the files lie in a store that has such; 409 `file_links_unsupported` elsewhere.
    #[oai(path = "/api/v1/:tenant/files/:id/link", method = "post", operation_id = "file_link")]
    async fn link(
        &self,
        tenant: Access,
        id: Id<FileId>,
        #[oai(name = "Idempotency-Key")] _key: IdempotencyKey,
        body: Body<LinkIn>,
    ) -> Answer<Shown<LinkOut>> {
        let seconds = body.value.valid_for.unwrap_or(300);
        let valid_for = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        let link = tenant.files().link(id.0, valid_for).await?;
        Shown::new(&link.into())
    }

    /// Rename a file or give it to another lot
    #[oai(path = "/api/v1/:tenant/files/:id", method = "patch", operation_id = "file_update")]
    async fn update(
        &self,
        tenant: Access,
        id: Id<FileId>,
        #[oai(name = "If-Match")] seen: RequiredIfMatch,
        body: Body<FilePatch>,
    ) -> Answer<Changed<FileOut>> {
        let stored = tenant.files().update(id.0, seen.0, body.value.into()).await;
        let stored = stored.map_err(|e| of_version(e).renamed("file_name", "name"))?;
        Changed::new(stored.version, &stored.into())
    }

    /// Delete a file
    ///
    /// It can be recovered until its content is removed for good, 30 days later unless the installation
    /// says otherwise.
    #[oai(path = "/api/v1/:tenant/files/:id", method = "delete", operation_id = "file_delete")]
    async fn delete(
        &self,
        tenant: Access,
        id: Id<FileId>,
        #[oai(name = "If-Match")] seen: IfMatch,
    ) -> Answer<Changed<FileOut>> {
        let stored = tenant.files().soft_delete(id.0, seen.0).await?;
        Changed::new(stored.version, &stored.into())
    }

    /// Bring a deleted file back
    #[oai(
        path = "/api/v1/:tenant/files/:id/recover",
        method = "post",
        operation_id = "file_recover"
    )]
    async fn recover(
        &self,
        tenant: Access,
        id: Id<FileId>,
        #[oai(name = "Idempotency-Key")] key: IdempotencyKey,
    ) -> Answer<Changed<FileOut>> {
        once!(tenant, key, id.0, &[], |once| {
            let stored = once.work.recover_file(id.0).await?;
            once.changed(stored.version, &stored.into()).await
        })
    }
}

/// A refused upload, under the names of the request; one that is too large has a status of its own.
fn refused(error: Error) -> Failure {
    let too_large = matches!(&error, Error::Invalid(rules)
        if rules.iter().any(|r| r.field == "file" && matches!(&*r.rule, "max_size" | "scan_size")));
    let failure = Failure::from(error).renamed("file_name", "name");
    if too_large {
        failure.answered(StatusCode::PAYLOAD_TOO_LARGE, "file_too_large")
    } else {
        failure
    }
}

fn unsatisfiable(size: u64) -> Failure {
    let detail = "the file has no byte of that range";
    let failure =
        Failure::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", detail).of(size);
    failure.on("Range", "range", format!("must begin within the file's {size} bytes"))
}
