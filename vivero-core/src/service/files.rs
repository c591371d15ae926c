//! Files: in by the rules, out as they came, on record like everything else.
//!
//! ```text
//! quota ─▶ rules ─▶ quarantine ─▶ scanner ─▶ promoted ─▶ record and journal entry, in one unit of work
//! ```
//!
//! What is cut off on the way leaves no record, and what it leaves in the store is what
//! [`Vivero::sweep_files`] removes.

mod reserve;
mod sweep;
mod upload;

pub(super) use reserve::Uploads;
pub use sweep::FileSweep;
pub use upload::ReceivedFile;

use super::Vivero;
use super::session::TenantSession;
use super::work::UnitOfWork;
use super::write::How;
use crate::entity::Entity;
use crate::error::{Error, Result};
use crate::files::record::FileUsage;
use crate::files::{
    ByteRange, Download, File, FileKey, FileLimits, FilePatch, FileQuota, FileRules, FileState,
    FileStore, LinkOptions, Scanner, StoredFile, Tally, Upload, remove_all,
};
use crate::ids::{EntityId, FileId, LocationId, TenantId, UserId};
use crate::journal::Entry;
use crate::page::{Cursor, Page, PageOf};
use crate::query::{Deleted, Filter, Predicate, Query, Sort};
use crate::record::{Record as _, Stored};
use crate::value::Value;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::Duration;

/// The longest a link of [`Files::link`] may be good for.
pub const MAX_FILE_LINK: Duration = Duration::from_secs(60 * 60);

/// Where files lie, and by which rules they get in.
#[derive(Debug, Clone)]
pub struct FileSettings {
    /// The store.
    pub store: Arc<dyn FileStore>,
    /// What may be uploaded. A quota among these rules is replaced by that of the tenant's plan.
    pub rules: FileRules,
    /// Looks through every file, if there is one.
    pub scanner: Option<Arc<dyn Scanner>>,
    /// Quotas and retention.
    pub limits: FileLimits,
}

impl FileSettings {
    /// A store with the default rules and limits, and no scanner.
    #[must_use]
    pub fn new(store: Arc<dyn FileStore>) -> Self {
        Self { store, rules: FileRules::default(), scanner: None, limits: FileLimits::default() }
    }

    /// Writes, reads and removes a small file of a tenant that `nobody` is, to see whether the store works.
    pub async fn probe(&self, nobody: TenantId, file: FileId) -> Result<()> {
        self.store.ping().await?;
        let key = FileKey::quarantined(file);
        let content = "a probe of vivero's";
        self.store.put(nobody, key, Upload::of(content)).await?;
        let read = self.store.get(nobody, key, None).await?.into_bytes().await;
        self.store.delete(nobody, key).await?;
        if read? == content {
            Ok(())
        } else {
            Err(Error::corrupt("the store of files gives back another content than it was given"))
        }
    }

    /// Whether the scanner answers; `false` if there is none.
    pub async fn probe_scanner(&self) -> Result<bool> {
        match &self.scanner {
            Some(scanner) => scanner.ping().await.map(|()| true),
            None => Ok(false),
        }
    }
}

/// Which files, in which order.
#[derive(Debug, Clone, Default)]
pub struct FileFilter(Filter);

impl FileFilter {
    /// All files, newest first.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Only files of this media type.
    #[must_use]
    pub fn media_type(self, media_type: impl Into<String>) -> Self {
        Self(self.0.equals("media_type", media_type.into()))
    }
    /// Only files in this state.
    #[must_use]
    pub fn state(self, state: FileState) -> Self {
        Self(self.0.equals("state", state))
    }
    /// Only files of this lot.
    #[must_use]
    pub fn entity(self, entity: EntityId) -> Self {
        Self(self.0.equals("entity_id", entity))
    }
    /// Only files of lots at this place or below it.
    #[must_use]
    pub fn location(self, location: LocationId) -> Self {
        Self(self.0.within("location_id", location))
    }
    /// Only files this person uploaded.
    #[must_use]
    pub fn uploaded_by(self, person: UserId) -> Self {
        Self(self.0.equals("uploaded_by", person))
    }
    /// Only files whose name has all these words.
    #[must_use]
    pub fn search(self, words: impl Into<String>) -> Self {
        Self(self.0.search(words))
    }
    /// Order: `created_at`, `updated_at`, `name`, `size`; `-` in front for descending.
    #[must_use]
    pub fn sort(self, sort: impl Into<String>) -> Self {
        Self(self.0.sort(sort))
    }
    /// Only deleted files.
    #[must_use]
    pub fn deleted(self) -> Self {
        Self(self.0.deleted())
    }
}

/// An address under which anyone can read a file for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLink {
    /// The address.
    pub url: String,
    /// First instant at which it is void.
    pub expires_at: DateTime<Utc>,
}

/// Files of one tenant.
#[derive(Debug)]
pub struct Files<'s> {
    pub(super) session: &'s TenantSession,
}

impl Files<'_> {
    /// One page of the files that match.
    pub async fn list(&self, filter: FileFilter, page: Page) -> Result<PageOf<StoredFile>> {
        self.session.repository::<File>().list(filter.0, page).await
    }
    /// What is known of the file, if it is within reach.
    pub async fn find(&self, id: FileId) -> Result<Option<StoredFile>> {
        self.session.repository::<File>().find_by_id(id).await
    }
    /// Changes of one file's record, newest first.
    pub async fn history(
        &self,
        id: FileId,
        before_version: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        self.session.repository::<File>().history(id, before_version, limit).await
    }

    /// The content of a file that [`Files::find`] gave, or a range of it.
    ///
    /// Errors: [`Error::Invalid`] on `range` if the file has no byte of it; [`Error::Corrupt`] if the
    /// content is not there or not what was uploaded.
    pub async fn open(&self, file: &StoredFile, range: Option<ByteRange>) -> Result<Download> {
        self.session.require("file.read")?;
        let settings = self.session.vivero().file_settings()?;
        let tenant = self.session.tenant().id;
        let opened = settings.store.get(tenant, FileKey::stored(file.id), range).await;
        let download = opened.map_err(|e| match e {
            Error::NotFound { .. } => Error::corrupt(format!("file {} has no content", file.id)),
            e => e,
        })?;
        if download.info.sha256.to_string() != file.sha256 {
            return Err(Error::corrupt(format!("file {} has another content", file.id)));
        }
        Ok(download)
    }

    /// An address under which anyone can read the file for `valid_for`, a second to
    /// [`MAX_FILE_LINK`], without passing through here.
    ///
    /// Errors: [`Error::Illegal`] with code `file_links_unsupported` if the store makes none.
    pub async fn link(&self, id: FileId, valid_for: Duration) -> Result<FileLink> {
        let file = self.find(id).await?.ok_or_else(|| Error::not_found("file"))?;
        if valid_for < Duration::from_secs(1) || valid_for > MAX_FILE_LINK {
            let message = format!("must be 1 to {} seconds", MAX_FILE_LINK.as_secs());
            return Err(Error::invalid("valid_for", "range", message));
        }
        let settings = self.session.vivero().file_settings()?;
        let options = LinkOptions {
            valid_for,
            file_name: file.name.clone(),
            media_type: file.media_type.clone(),
        };
        let (tenant, key) = (self.session.tenant().id, FileKey::stored(id));
        let expires_at = self.session.now() + valid_for;
        match settings.store.link(tenant, key, &options).await? {
            Some(url) => Ok(FileLink { url, expires_at }),
            None => Err(Error::Illegal {
                code: "file_links_unsupported",
                message: "the store of files makes no links; download the file instead".into(),
            }),
        }
    }

    /// What the tenant's files add up to, deleted ones that are not purged included, and the quota.
    pub async fn usage(&self) -> Result<(Tally, FileQuota)> {
        self.session.require("file.read")?;
        let limits = self.session.vivero().file_settings()?.limits;
        Ok((self.used().await?, limits.quota(self.session.tenant().plan)))
    }

    /// Renames a file or gives it to another lot.
    pub async fn update(
        &self,
        id: FileId,
        expected_version: i64,
        patch: FilePatch,
    ) -> Result<StoredFile> {
        let mut work = self.session.begin().await?;
        let stored = work.update_file(id, expected_version, patch).await?;
        work.commit().await?;
        Ok(stored)
    }
    /// Deletes a file in such a way that it can be recovered until it is purged.
    pub async fn soft_delete(
        &self,
        id: FileId,
        expected_version: Option<i64>,
    ) -> Result<StoredFile> {
        let mut work = self.session.begin().await?;
        let stored = work.delete_file(id, expected_version).await?;
        work.commit().await?;
        Ok(stored)
    }
    /// Brings a deleted file back.
    ///
    /// Errors: [`Error::Illegal`] with code `file_purged` if its content is gone for good.
    pub async fn recover_by_id(&self, id: FileId) -> Result<StoredFile> {
        let mut work = self.session.begin().await?;
        let stored = work.recover_file(id).await?;
        work.commit().await?;
        Ok(stored)
    }

    /// What the contents in the store add up to.
    async fn used(&self) -> Result<Tally> {
        let id = self.session.tenant().id.uuid();
        let mut rows = self.session.store().read().await?;
        let row = rows.find(FileUsage::SCHEMA, id, &Predicate::All, Deleted::Hidden).await?;
        let usage = row.map(Stored::<FileUsage>::from_row).transpose()?;
        Ok(usage.map(|usage| usage.tally()).unwrap_or_default())
    }
}

impl UnitOfWork {
    /// Renames a file or gives it to another lot, within this unit of work.
    pub async fn update_file(
        &mut self,
        id: FileId,
        expected_version: i64,
        patch: FilePatch,
    ) -> Result<StoredFile> {
        let settings = self.session.vivero().file_settings()?.clone();
        let place = match patch.entity_id {
            Some(entity) => Some((entity, self.place_of(entity).await?)),
            None => None,
        };
        let edit = |file: &mut File| {
            if let Some(name) = patch.name {
                let kind = settings.rules.announced(&name, None, 0)?;
                if kind.media_type != file.media_type {
                    let message = "must keep an ending of the kind of file it is";
                    return Err(Error::invalid("file_name", "extension", message));
                }
                file.name = name;
            }
            if let Some((entity, location)) = place {
                file.entity_id = entity;
                file.location_id = location;
            }
            Ok(())
        };
        let how = How::command("update", None);
        self.change(id.uuid(), Some(expected_version), how, edit).await
    }

    /// Deletes a file in such a way that it can be recovered, within this unit of work.
    pub async fn delete_file(
        &mut self,
        id: FileId,
        expected_version: Option<i64>,
    ) -> Result<StoredFile> {
        self.set_deleted(id.uuid(), expected_version, true).await
    }

    /// Brings a deleted file back, within this unit of work.
    pub async fn recover_file(&mut self, id: FileId) -> Result<StoredFile> {
        let (row, _) = self.fetch::<File>(id.uuid(), "recover", Deleted::Only).await?;
        let file = Stored::<File>::from_row(row)?;
        if file.state != FileState::Stored {
            let message = "its content has been removed for good".into();
            return Err(Error::Illegal { code: "file_purged", message });
        }
        let stored = self.set_deleted::<File>(id.uuid(), None, false).await?;
        // Its lot may have been moved meanwhile.
        let location = self.standing_place(stored.entity_id).await?;
        if location == stored.location_id {
            return Ok(stored);
        }
        self.put_file(id, location).await
    }

    /// Files go where their lot goes: who may see the one may see the other.
    pub(super) async fn files_follow(&mut self, entity: EntityId, to: LocationId) -> Result<()> {
        let of_lot = Predicate::Equals("entity_id", Value::Id(entity.uuid()));
        let mut query = Query::new(of_lot, 200);
        query.sort = Sort { descending: false, ..Sort::default() };
        loop {
            let rows = self.work.list(File::SCHEMA, &query).await?;
            let last = rows.last().map(|row| row.seq).filter(|_| rows.len() == 200);
            for row in rows {
                let file = Stored::<File>::from_row(row)?;
                if file.location_id != Some(to) {
                    self.put_file(file.id, Some(to)).await?;
                }
            }
            let Some(seq) = last else { return Ok(()) };
            query.after = Some(Cursor { sort: query.sort.name(), key: Value::Null, seq });
        }
    }

    /// It follows from what the caller was allowed to do: no permission of files is asked.
    async fn put_file(&mut self, id: FileId, location: Option<LocationId>) -> Result<StoredFile> {
        let edit = |file: &mut File| {
            file.location_id = location;
            Ok(())
        };
        let before = std::mem::replace(&mut self.unchecked, true);
        let moved = self.change(id.uuid(), None, How::command("move", None), edit).await;
        self.unchecked = before;
        moved
    }

    /// Where the lot a caller names stands; it must be one they can see.
    async fn place_of(&mut self, entity: Option<EntityId>) -> Result<Option<LocationId>> {
        let Some(entity) = entity else { return Ok(None) };
        let scope = self.session.reach("entity.read", Entity::SCHEMA)?;
        let lot = self.referenced::<Entity>("entity_id", entity.uuid(), &scope).await?;
        Ok(lot.location_id)
    }

    /// Where a lot stands, if it is there.
    async fn standing_place(&mut self, entity: Option<EntityId>) -> Result<Option<LocationId>> {
        let Some(entity) = entity else { return Ok(None) };
        let all = Predicate::All;
        let row = self.work.find(Entity::SCHEMA, entity.uuid(), &all, Deleted::Included).await?;
        let lot = row.map(Stored::<Entity>::from_row).transpose()?;
        Ok(lot.and_then(|lot| lot.location_id))
    }
}

impl Vivero {
    /// The settings for files.
    ///
    /// Errors: [`Error::Illegal`] with code `files_off` if the installation has no store for them.
    pub fn file_settings(&self) -> Result<&FileSettings> {
        self.inner.parts.files.as_ref().ok_or_else(|| Error::Illegal {
            code: "files_off",
            message: "this installation keeps no files".into(),
        })
    }

    /// Writes, reads and removes a small file, to see whether the store works.
    pub async fn probe_files(&self) -> Result<()> {
        let id = || self.ids().id(self.now());
        self.file_settings()?.probe(TenantId::from_uuid(id()), FileId::from_uuid(id())).await
    }

    /// Whether the scanner answers; `false` if there is none.
    pub async fn probe_scanner(&self) -> Result<bool> {
        self.file_settings()?.probe_scanner().await
    }

    /// Removes the contents of all files of a tenant, for good, as deleting a tenant does; returns what
    /// they added up to. Records are not touched.
    pub async fn remove_files(&self, tenant: TenantId) -> Result<Tally> {
        remove_all(&*self.file_settings()?.store, tenant).await
    }
}
