//! Files on their way in.

use super::reserve::{Reserved, check};
use super::{FileSettings, Files};
use crate::entity::Entity;
use crate::error::{Error, Result};
use crate::files::record::FileUsage;
use crate::files::{
    File, FileKey, FileQuota, FileState, Intake, NewFile, Received, StoredFile, Tally, Upload,
};
use crate::ids::{FileId, RecordId, TenantId};
use crate::query::{Deleted, Predicate};
use crate::record::{Record as _, Row, Stored};
use crate::service::work::UnitOfWork;
use crate::tenant::Standing;
use std::fmt;

/// A file whose content has been let in and that is not on record yet: see
/// [`UnitOfWork::record_file`]. Dropped before that, its content waits for
/// [`crate::Vivero::sweep_files`].
pub struct ReceivedFile {
    id: FileId,
    new: NewFile,
    received: Received,
    settings: FileSettings,
    quota: FileQuota,
    tenant: TenantId,
    /// Counts against the quota until it is on record or given up.
    _reserved: Reserved,
}

impl fmt::Debug for ReceivedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, received, .. } = self;
        f.debug_struct("ReceivedFile")
            .field("id", id)
            .field("received", received)
            .finish_non_exhaustive()
    }
}

impl ReceivedFile {
    /// The file's id.
    #[must_use]
    pub const fn id(&self) -> FileId {
        self.id
    }
    /// Where it lies, its size, checksum and kind.
    #[must_use]
    pub const fn received(&self) -> &Received {
        &self.received
    }
    /// Removes the content, since it is not going on record. Not to be called once a commit was tried:
    /// one that failed may have been done.
    pub async fn discard(self) {
        let key = FileKey::stored(self.id);
        if let Err(error) = self.settings.store.delete(self.tenant, key).await {
            tracing::warn!(tenant = %self.tenant, %key, %error, "a refused file waits for the sweep");
        }
    }
}

impl Files<'_> {
    /// Takes a file in and puts it on record.
    ///
    /// Errors: those of [`Intake::receive`], with [`Error::Illegal`] of code `file_quota_reached`
    /// before anything is read if there is no room for it.
    pub async fn upload(&self, new: NewFile, upload: Upload) -> Result<StoredFile> {
        let received = self.receive(new, upload).await?;
        let recorded = async {
            let mut work = self.session.begin().await?;
            let stored = work.record_file(&received).await?;
            Ok((work, stored))
        };
        match recorded.await {
            Ok((work, stored)) => work.commit().await.map(|()| stored),
            Err(error) => {
                received.discard().await;
                Err(error)
            }
        }
    }

    /// The first half of [`Files::upload`]: the content is read, checked and stored, while no
    /// transaction waits for it.
    pub async fn receive(&self, new: NewFile, upload: Upload) -> Result<ReceivedFile> {
        let session = self.session;
        session.require("file.create")?;
        let settings = session.vivero().file_settings()?.clone();
        if session.tenant().standing(session.now()) == Standing::ReadOnly {
            return Err(Error::TenantStanding { standing: "trial_expired" });
        }
        let used = self.used().await?;
        let quota = settings.limits.quota(session.tenant().plan);
        let rules = settings.rules.clone().quota(quota.bytes);
        rules.announced(&new.name, upload.size(), used.bytes)?;
        if let Some(entity) = new.entity_id {
            let scope = session.reach("entity.read", Entity::SCHEMA)?;
            let mut rows = session.store().read().await?;
            if rows.find(Entity::SCHEMA, entity.uuid(), &scope, Deleted::Hidden).await?.is_none() {
                return Err(Error::invalid("entity_id", "exists", "names no entity there is"));
            }
        }
        let (tenant, size, most) = (session.tenant().id, upload.size(), rules.room(used.bytes));
        let uploads = &session.vivero().inner.uploads;
        let reserved = uploads.reserve(tenant, quota, used, size, most)?;

        let mut intake = Intake::new(settings.store.clone(), rules);
        if let Some(scanner) = &settings.scanner {
            intake = intake.scanner(scanner.clone());
        }
        let id = FileId::from_uuid(session.new_id(session.now()));
        let taken = used.bytes.saturating_add(reserved.others);
        let received =
            intake.receive(tenant, FileKey::stored(id), &new.name, upload, taken).await?;
        Ok(ReceivedFile { id, new, received, settings, quota, tenant, _reserved: reserved })
    }
}

impl UnitOfWork {
    /// Puts a received file on record, within this unit of work: the second half of
    /// [`Files::upload`]. If this fails, [`ReceivedFile::discard`] removes the content.
    ///
    /// Errors: [`Error::Illegal`] with code `file_quota_reached` if others have used the room up.
    pub async fn record_file(&mut self, received: &ReceivedFile) -> Result<StoredFile> {
        let ReceivedFile { id, new, received, quota, tenant, .. } = received;
        if *tenant != self.session.tenant().id {
            return Err(Error::not_found("file"));
        }
        let location_id = self.place_of(new.entity_id).await?;
        let size = i64::try_from(received.info.size)
            .map_err(|_| Error::invalid("file", "max_size", "is too large"))?;
        check(*quota, self.count_files(1, size).await?)?;
        let file = File {
            id: *id,
            name: new.name.clone(),
            media_type: received.kind.media_type.into(),
            size,
            sha256: received.info.sha256.to_string(),
            state: FileState::Stored,
            entity_id: new.entity_id,
            location_id,
            uploaded_by: self.session.user().map(|user| user.id),
        };
        let mut stored = self.add(vec![file], "create").await?;
        stored.pop().ok_or_else(|| Error::corrupt("a created file is missing"))
    }

    /// Adds to what the tenant's files add up to; returns the sum.
    pub(super) async fn count_files(&mut self, files: i64, bytes: i64) -> Result<Tally> {
        let id = self.session.tenant().id.uuid();
        let all = Predicate::All;
        let row = self.work.find(FileUsage::SCHEMA, id, &all, Deleted::Hidden).await?;
        let Some(row) = row else {
            let usage = FileUsage { id: RecordId::from_uuid(id), files, bytes };
            let tally = usage.tally();
            let before = std::mem::replace(&mut self.unchecked, true);
            let added = self.add(vec![usage], "create").await;
            self.unchecked = before;
            return added.map(|_| tally);
        };
        let mut usage = Stored::<FileUsage>::from_row(row.clone())?.record;
        usage.files += files;
        usage.bytes += bytes;
        let tally = usage.tally();
        let after = Row {
            version: row.version + 1,
            updated_at: self.session.now(),
            updated_by: self.session.actor().id(),
            values: crate::record::Record::into_values(usage),
            ..row.clone()
        };
        if self.work.update(FileUsage::SCHEMA, &row, after).await? {
            Ok(tally)
        } else {
            let what = "the figures of files".into();
            Err(Error::Unavailable { what, retry_after: 1, source: None })
        }
    }
}
