//! What cut-off uploads leave behind, and what deleted files leave after their time.

use crate::error::{Error, Result};
use crate::files::{Area, File, FileKey, FilePrefix, FileState, Intake, MAX_LIST, StoredFile};
use crate::ids::{FileId, TenantId};
use crate::port::{Lease, TenantStore};
use crate::query::{Deleted, Predicate, Query, Sort};
use crate::record::{Record as _, Stored};
use crate::service::principal::Principal;
use crate::service::session::TenantSession;
use crate::service::{FileSettings, Vivero};
use crate::tenant::{Standing, Tenant, TenantState};
use crate::value::Value;
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

/// What has been in the store for so long belongs to no upload that is still under way.
const GRACE: Duration = Duration::hours(24);
/// Content without a record is looked for among files of this age and younger: older ones were looked
/// at by earlier sweeps.
const WINDOW: Duration = Duration::days(60);
/// The right to sweep, and how long it lasts without a sign of life.
const LEASE: &str = "file_sweep";
const LEASE_LIFE: Duration = Duration::minutes(10);
/// Records asked for at once.
const AT_ONCE: usize = 200;
const REASON: &str = "purging deleted files";

/// What a sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FileSweep {
    /// Tenants looked at.
    pub tenants: u64,
    /// Tenants that could not be looked at; the log says why.
    pub failed: u64,
    /// Pieces of writes that were cut off.
    pub pieces: u64,
    /// Files that never left quarantine.
    pub quarantined: u64,
    /// Contents that never got a record.
    pub orphans: u64,
    /// Deleted files whose content was removed for good.
    pub purged: u64,
}

impl Vivero {
    /// Removes what cut-off uploads left in the store more than a day ago, and the contents of files
    /// that were deleted longer ago than [`crate::files::FileLimits::retention`].
    ///
    /// Safe to run beside uploads, and more than once at a time. A tenant whose trial is over keeps its
    /// deleted files; suspended and closed tenants are passed over, and copies that are not activated: a tenant that
    /// was brought back as it was has contents of which only a later archive knows.
    pub async fn sweep_files(&self) -> Result<FileSweep> {
        self.sweep(None).await
    }

    /// [`Vivero::sweep_files`], by one process of the installation at a time: `None` if another one,
    /// with another `holder`, is at it.
    pub async fn sweep_files_alone(&self, holder: Uuid) -> Result<Option<FileSweep>> {
        let now = self.now();
        let until = now + LEASE_LIFE;
        let Some(lease) = self.fleet().take_lease(LEASE, holder, now, until).await? else {
            return Ok(None);
        };
        let swept = self.sweep(Some(&lease)).await;
        self.fleet().release_lease(&lease).await?;
        swept.map(Some)
    }

    /// Ends early when somebody else has taken the lease.
    async fn sweep(&self, lease: Option<&Lease>) -> Result<FileSweep> {
        let settings = self.file_settings()?;
        let before = self.now() - GRACE;
        let mut sweep =
            FileSweep { pieces: settings.store.sweep(before).await?, ..FileSweep::default() };
        let mut after: Option<String> = None;
        loop {
            let tenants = self.fleet().list(after.as_deref(), 100).await?;
            let Some(last) = tenants.last() else { return Ok(sweep) };
            after = Some(last.slug.as_str().to_owned());
            let served = |t: &Tenant| t.state == TenantState::Active && !t.neutral;
            for tenant in tenants.into_iter().filter(served) {
                let until = self.now() + LEASE_LIFE;
                if let Some(lease) = lease
                    && self.fleet().renew_lease(lease, until).await?.is_none()
                {
                    return Ok(sweep);
                }
                sweep.tenants += 1;
                let (id, slug) = (tenant.id, tenant.slug.clone());
                if let Err(error) = self.sweep_tenant(settings, tenant, before, &mut sweep).await {
                    tracing::warn!(tenant = %id, slug = slug.as_str(), %error, "files were not swept");
                    sweep.failed += 1;
                }
            }
        }
    }

    async fn sweep_tenant(
        &self,
        settings: &FileSettings,
        tenant: Tenant,
        before: DateTime<Utc>,
        sweep: &mut FileSweep,
    ) -> Result<()> {
        let intake = Intake::new(settings.store.clone(), settings.rules.clone());
        sweep.quarantined += intake.clear_quarantine(tenant.id, before).await?;
        // Most tenants of a large fleet have no files: their databases stay shut.
        let stored = FilePrefix::area(Area::Stored);
        if settings.store.list(tenant.id, &stored, None, 1).await?.files.is_empty() {
            return Ok(());
        }
        let store = self.open(&tenant).await?;
        sweep.orphans += self.remove_orphans(settings, tenant.id, &*store, before).await?;
        if tenant.standing(self.now()) == Standing::Full {
            let principal = Principal::system(REASON);
            let session = TenantSession::new(self.clone(), Arc::new(tenant), store, principal);
            sweep.purged += purge(&session, settings).await?;
        }
        Ok(())
    }

    /// Content that was promoted by an upload that did not live to put it on record.
    async fn remove_orphans(
        &self,
        settings: &FileSettings,
        tenant: TenantId,
        store: &dyn TenantStore,
        before: DateTime<Utc>,
    ) -> Result<u64> {
        let prefix = FilePrefix::area(Area::Stored);
        let mut after = Some(FileKey::stored(first_id(self.now() - WINDOW)));
        let mut removed = 0;
        loop {
            let page = settings.store.list(tenant, &prefix, after, MAX_LIST).await?;
            let old = page.files.iter().filter(|file| file.modified < before);
            // A key of several ids is an integrator's own.
            let ids: Vec<Uuid> = old
                .filter_map(|f| <[Uuid; 1]>::try_from(f.key.ids()).ok())
                .map(|[id]| id)
                .collect();
            for some in ids.chunks(AT_ONCE) {
                let known = known(store, some).await?;
                for id in some.iter().filter(|id| !known.contains(id)) {
                    let key = FileKey::stored(FileId::from_uuid(*id));
                    settings.store.delete(tenant, key).await?;
                    removed += 1;
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(removed),
            }
        }
    }
}

/// The smallest id of that instant (RFC 9562, section 5.7).
fn first_id(at: DateTime<Utc>) -> FileId {
    let millis = u128::try_from(at.timestamp_millis()).unwrap_or(0);
    FileId::from_uuid(Uuid::from_u128(millis << 80))
}

/// Which of these files are on record, deleted ones included.
async fn known(store: &dyn TenantStore, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    let any = ids.iter().map(|id| Value::Id(*id)).collect();
    let mut query = Query::new(Predicate::OneOf("id", any), AT_ONCE as u32);
    query.deleted = Deleted::Included;
    let rows = store.read().await?.list(File::SCHEMA, &query).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Removes the contents of files that were deleted long ago.
///
/// The record says so before the content goes: a file that can be recovered has its content, whatever
/// is cut off when.
async fn purge(session: &TenantSession, settings: &FileSettings) -> Result<u64> {
    let before = session.now() - settings.limits.retention;
    let mut purged = 0;
    let mut noted = false;
    for state in [FileState::Purging, FileState::Stored] {
        for file in deleted(session, state).await? {
            if file.deleted_at.is_none_or(|at| at >= before) {
                continue;
            }
            if !std::mem::replace(&mut noted, true) {
                session.note_job(REASON).await?;
            }
            if state == FileState::Stored && !mark(session, &file, FileState::Purging).await? {
                continue;
            }
            let key = FileKey::stored(file.id);
            settings.store.delete(session.tenant().id, key).await?;
            if mark(session, &file, FileState::Purged).await? {
                purged += 1;
            }
        }
    }
    Ok(purged)
}

/// Every deleted file in that state, oldest first.
async fn deleted(session: &TenantSession, state: FileState) -> Result<Vec<StoredFile>> {
    let mut files: Vec<StoredFile> = Vec::new();
    let filter = Predicate::Equals("state", Value::Text(state.as_str().into()));
    let mut query = Query::new(filter, 1_000);
    query.deleted = Deleted::Only;
    query.sort = Sort { descending: false, ..Sort::default() };
    loop {
        let rows = session.store().read().await?.list(File::SCHEMA, &query).await?;
        let last = rows.last().map(|row| row.seq).filter(|_| rows.len() == 1_000);
        for row in rows {
            files.push(Stored::from_row(row)?);
        }
        let Some(seq) = last else { return Ok(files) };
        let sort = query.sort.name();
        query.after = Some(crate::page::Cursor { sort, key: Value::Null, seq });
    }
}

/// Takes the next step of a purge; `false` if somebody recovered the file or took the step before.
async fn mark(session: &TenantSession, file: &StoredFile, to: FileState) -> Result<bool> {
    let mut work = session.begin().await?;
    let (from, action) = match to {
        FileState::Purging => (FileState::Stored, "purge"),
        FileState::Stored | FileState::Purged => (FileState::Purging, "purged"),
    };
    let row = match work.fetch::<File>(file.id.uuid(), "purge", Deleted::Only).await {
        Ok((row, _)) => row,
        Err(Error::NotFound { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    if Stored::<File>::from_row(row.clone())?.state != from {
        return Ok(false);
    }
    work.change_deleted::<File>(row, action, |file| file.state = to).await?;
    if to == FileState::Purged {
        work.count_files(-1, -file.size).await?;
    }
    work.commit().await?;
    Ok(true)
}
