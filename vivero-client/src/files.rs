//! Files: what is known of them, and their content.

mod download;
mod upload;

pub use download::FileDownload;
pub use upload::FileUpload;

use crate::generated::types::LinkIn;
use crate::pages::HistoryRequest;
use crate::resource::{etag, listed, resource};
use crate::{File, FileLink, FileList, FilePatch, FileState, Result, TenantClient};
use std::time::Duration;
use uuid::Uuid;

resource! {
    /// Files; see [`TenantClient::files`].
    ///
    /// ```no_run
    /// # async fn run(acme: vivero_client::TenantClient, lot: uuid::Uuid) -> vivero_client::Result<()> {
    /// use vivero_client::FileUpload;
    ///
    /// let passport = acme.files().upload(FileUpload::path("passport.pdf")?.of_entity(lot)).await?;
    /// acme.files().download_to(passport.id, "copy.pdf").await?;
    /// # Ok(()) }
    /// ```
    Files
}

impl Files<'_> {
    /// Files that match, page by page or as a stream.
    pub fn list(&self) -> FileListRequest {
        FileListRequest::new(self.tenant.clone())
    }

    /// What is known of one file.
    pub async fn get(&self, id: Uuid) -> Result<File> {
        let (slug, id) = (self.tenant.slug(), &id);
        self.tenant.caller.read(|api| async move { api.file_get(slug, id).await }).await
    }

    /// Renames the file as it was at `version`, or gives it to another lot.
    ///
    /// Errors: [`Error::conflict`](crate::Error::conflict) has base, theirs and mine if somebody else
    /// changed the same field since.
    pub async fn update(&self, id: Uuid, version: i64, patch: FilePatch) -> Result<File> {
        let (slug, id, version, body) = (self.tenant.slug(), &id, &*etag(version), &patch);
        self.tenant
            .caller
            .once(|api| async move { api.file_update(slug, id, version, body).await })
            .await
    }

    /// Deletes a file; it can be recovered until its content is removed for good.
    pub async fn delete(&self, id: Uuid) -> Result<File> {
        let (slug, id, version) = (self.tenant.slug(), &id, self.with.version());
        self.tenant.caller.once(|api| async move { api.file_delete(slug, id, version).await }).await
    }

    /// Brings a deleted file back.
    pub async fn recover(&self, id: Uuid) -> Result<File> {
        let (slug, id) = (self.tenant.slug(), &id);
        self.tenant
            .caller
            .keyed(self.with.key(), |api, key| async move {
                api.file_recover(slug, id, Some(&key)).await
            })
            .await
    }

    /// An address under which anyone can read the content for a while, 1 s to an hour, if the server's
    /// store of files has such; a 409 with code `file_links_unsupported` if not.
    pub async fn link(&self, id: Uuid, valid_for: Duration) -> Result<FileLink> {
        let seconds = i64::try_from(valid_for.as_secs()).unwrap_or(i64::MAX);
        let (slug, id, body) = (self.tenant.slug(), &id, &LinkIn { valid_for: Some(seconds) });
        // Made twice, it is as good.
        self.tenant
            .caller
            .read(|api| async move { api.file_link(slug, id, None, body).await })
            .await
    }

    /// Changes of what is known of the file, newest first.
    pub fn history(&self, id: Uuid) -> HistoryRequest {
        HistoryRequest::new(self.tenant.clone(), id, |tenant, id, before, limit| {
            Box::pin(async move {
                let (slug, id) = (tenant.slug(), &id);
                tenant
                    .caller
                    .read(|api| async move { api.file_history(slug, id, before, limit).await })
                    .await
            })
        })
    }
}

/// Which files, in which order.
#[derive(Debug, Clone)]
#[must_use = "nothing happens before `send` or `stream`"]
pub struct FileListRequest {
    tenant: TenantClient,
    media_type: Option<String>,
    state: Option<FileState>,
    entity: Option<Uuid>,
    location: Option<Uuid>,
    uploaded_by: Option<Uuid>,
    deleted: Option<bool>,
    q: Option<String>,
    sort: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
    total: Option<bool>,
}

listed!(FileListRequest, FileList, File);

impl FileListRequest {
    const fn new(tenant: TenantClient) -> Self {
        Self {
            tenant,
            media_type: None,
            state: None,
            entity: None,
            location: None,
            uploaded_by: None,
            deleted: None,
            q: None,
            sort: None,
            limit: None,
            cursor: None,
            total: None,
        }
    }
    /// Only files of this media type.
    pub fn media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }
    /// Only files in this state.
    pub const fn state(mut self, state: FileState) -> Self {
        self.state = Some(state);
        self
    }
    /// Only files of this lot.
    pub const fn entity(mut self, id: Uuid) -> Self {
        self.entity = Some(id);
        self
    }
    /// Only files of lots at this place or below it.
    pub const fn location(mut self, id: Uuid) -> Self {
        self.location = Some(id);
        self
    }
    /// Only files this person uploaded.
    pub const fn uploaded_by(mut self, id: Uuid) -> Self {
        self.uploaded_by = Some(id);
        self
    }
    /// Only deleted files, for those who may recover them.
    pub const fn deleted(mut self) -> Self {
        self.deleted = Some(true);
        self
    }
    /// One page.
    pub async fn send(self) -> Result<FileList> {
        let r = &self;
        let slug = r.tenant.slug();
        self.tenant
            .caller
            .read(|api| async move {
                api.file_list(
                    slug,
                    r.cursor.as_deref(),
                    r.deleted,
                    r.entity.as_ref(),
                    r.limit,
                    r.location.as_ref(),
                    r.media_type.as_deref(),
                    r.q.as_deref(),
                    r.sort.as_deref(),
                    r.state,
                    r.total,
                    r.uploaded_by.as_ref(),
                )
                .await
            })
            .await
    }
}
