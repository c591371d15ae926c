//! A tenant into an archive.

use super::run::{Run, Step, describe};
use super::{illegal, text};
use crate::archive::{ArchivePlace, ArchiveReader, ArchiveWriter, Header, half_of, list, verify};
use chrono::TimeDelta;
use serde_json::{Value as Json, json};
use vivero_core::operations::{Marks, OperationKind as Kind, TenantChange};
use vivero_core::tenant::TenantState;
use vivero_core::{Error, Result};

impl Run<'_> {
    pub(super) fn archive(&self) -> Result<ArchivePlace> {
        let name = text(&self.operation.parameters, "archive")
            .or_else(|| text(&self.operation.result, "archive"));
        let name = name.ok_or_else(|| Error::corrupt("an operation without its archive"))?;
        self.all.place(name)
    }

    /// Everything, as of one instant; people go on working.
    pub(super) async fn write(&mut self) -> Step<()> {
        let place = self.archive()?;
        if let ArchivePlace::File(path) = &place
            && path.starts_with(&self.all.folder)
        {
            std::fs::create_dir_all(&self.all.folder)
                .map_err(|e| crate::disk::io_error("making the folder of archives", e))?;
            crate::disk::make_private(&self.all.folder)?;
        }
        if place.is_there().await? {
            // Written by a run that was cut off after it had named it?
            let reader = ArchiveReader::open(place.clone(), self.all.key.as_ref()).await?;
            if reader.header().archive == self.operation.id {
                return Ok(());
            }
            let name = place.name();
            return Err(Error::invalid(
                "archive",
                "free",
                format!("{name} is there already; give another name"),
            )
            .into());
        }
        let tenant = self.tenant().await?;
        let store = self.fleet().open(&tenant).await?;
        store.seal().await?;
        let started = std::time::Instant::now();
        let mut snapshot = store.snapshot(None).await?;
        let (extent, tables) = (snapshot.extent().clone(), snapshot.tables().to_vec());
        let header =
            Header::new(self.operation.id, self.all.clock.now(), &tenant, &extent, &tables);
        let mut writer =
            ArchiveWriter::create(place.clone(), &header, self.all.key.as_ref(), self.all.salt())?;
        let mut done = 0;
        while let Some(part) = snapshot.next().await? {
            self.hook("write/part").await?;
            done += part.rows.len() as u64;
            writer.add(part).await?;
            self.progress(done, extent.rows).await?;
        }
        drop(snapshot);
        let written = writer.finish().await?;
        let seconds = started.elapsed().as_secs_f64();
        self.set("archive", json!(place.name()));
        self.set("encrypted", json!(self.all.key.is_some()));
        self.set("rows", json!(written.trailer.rows));
        self.set("bytes", json!(written.trailer.bytes));
        self.set("file_bytes", json!(written.file_bytes));
        self.set("content", json!(written.trailer.content));
        self.set("head", json!(header.head));
        self.set("write_seconds", json!(seconds));
        self.progress(written.trailer.rows, written.trailer.rows).await?;
        Ok(())
    }

    /// Reads back what was written, to the end.
    pub(super) async fn prove(&mut self) -> Step<()> {
        let proof = verify(self.archive()?, self.all.key.as_ref(), |_, _| {}).await?;
        self.set("proven", json!({"sealed": proof.sealed, "unsealed": proof.unsealed}));
        self.prune().await
    }

    /// Removes the tenant's older archives from the store, as far as that was asked for. The one an archived
    /// tenant is in always stays.
    async fn prune(&mut self) -> Step<()> {
        let number = |name: &str| self.operation.parameters.get(name).and_then(Json::as_i64);
        let (keep, days) = (number("keep"), number("keep_days"));
        if keep.is_none() && days.is_none() {
            return Ok(());
        }
        let newest = keep.and_then(|keep| usize::try_from(keep).ok()).unwrap_or(0);
        let since = days.map(|days| self.all.clock.now() - TimeDelta::days(days));
        let kept = self.fleet().book().marks(self.operation.tenant).await?.archive;
        let all = list(&**self.all.store()?, self.operation.tenant).await?;
        // The one just made counts among the newest, whatever the store's clock says.
        let others = all.into_iter().filter(|archive| archive.id != self.operation.id);
        let mut removed = Vec::new();
        for archive in others.skip(newest.saturating_sub(1)) {
            if since.is_some_and(|since| archive.written_at >= since)
                || kept.as_ref() == Some(&archive.name)
            {
                continue;
            }
            self.hook("prove/prune").await?;
            self.all.place(&archive.name)?.remove().await?;
            removed.push(archive.name);
        }
        self.set("removed", json!(removed));
        Ok(())
    }

    pub(super) async fn undo_write(&mut self) -> Result<()> {
        let place = self.archive()?;
        if let ArchivePlace::File(path) = &place {
            ArchivePlace::File(half_of(path)).remove().await?;
        }
        // Another's archive of that name stays; in a store, each has a name of its own.
        let mine = match &place {
            ArchivePlace::Stored { .. } => true,
            ArchivePlace::File(path) => ArchiveReader::open(path, self.all.key.as_ref())
                .await
                .is_ok_and(|reader| reader.header().archive == self.operation.id),
        };
        if mine { place.remove().await } else { Ok(()) }
    }

    /// Refuses people and then writers, so that the archive is the last word.
    pub(super) async fn stop(&mut self) -> Step<()> {
        let tenant = self.tenant().await?;
        if tenant.state != TenantState::Archived {
            let marks = self.fleet().book().marks(tenant.id).await?;
            self.set("state_before", json!(tenant.state));
            self.note().await?;
            let change = TenantChange {
                from: tenant.state,
                state: TenantState::Archived,
                generation: tenant.generation,
                marks: Marks { archive: None, ..marks },
                anchor: None,
            };
            self.fleet().book().change_tenant(&self.operation, tenant.id, &change).await?;
        }
        let store = self.fleet().open(&tenant).await?;
        store.fence(true).await?;
        Ok(())
    }

    pub(super) async fn drop_archived(&mut self) -> Step<()> {
        let tenant = self.tenant().await?;
        if tenant.state != TenantState::Archived {
            return Err(illegal("tenant_state", format!("the tenant is {}", tenant.state)).into());
        }
        self.is_within_reach().await?;
        let name = text(&self.operation.parameters, "archive").map(ToOwned::to_owned);
        let marks = self.fleet().book().marks(tenant.id).await?;
        let change = TenantChange {
            from: TenantState::Archived,
            state: TenantState::Archived,
            generation: tenant.generation,
            marks: Marks { archive: name, ..marks },
            anchor: None,
        };
        self.fleet().book().change_tenant(&self.operation, tenant.id, &change).await?;
        self.fleet().retire(tenant.id, tenant.generation).await;
        self.hook("drop/database").await?;
        self.remove(tenant.id, tenant.generation).await?;
        Ok(())
    }

    /// That the archive this operation wrote is where this process looks for it: one that goes on after another may
    /// have another disk, and what follows removes the only other copy.
    async fn is_within_reach(&self) -> Step<()> {
        let place = self.archive()?;
        let name = place.name();
        let why = match ArchiveReader::open(place, self.all.key.as_ref()).await {
            Ok(reader) if reader.header().archive == self.operation.id => return Ok(()),
            Ok(_) => "another archive has its name".to_owned(),
            Err(error @ Error::Unavailable { .. }) => return Err(error.into()),
            Err(error) => describe(&error),
        };
        let message = format!(
            "the archive {name} is not within reach of this process ({why}): go on where it was written, or have all \
             processes keep archives in one folder (VIVERO_ARCHIVE_DIR) or in the store of files (--store)"
        );
        Err(illegal("archive_out_of_reach", message).into())
    }

    pub(super) async fn undo_archive(&mut self) -> Result<()> {
        debug_assert_eq!(self.operation.kind, Kind::Archive);
        self.undo_write().await?;
        let tenant = self.tenant().await?;
        if tenant.state == TenantState::Archived {
            self.fleet().open(&tenant).await?.fence(false).await?;
            let before = text(&self.operation.result, "state_before").and_then(|s| s.parse().ok());
            let marks = self.fleet().book().marks(tenant.id).await?;
            let change = TenantChange {
                from: TenantState::Archived,
                state: before.unwrap_or(TenantState::Suspended),
                generation: tenant.generation,
                marks,
                anchor: None,
            };
            self.fleet().book().change_tenant(&self.operation, tenant.id, &change).await?;
        }
        Ok(())
    }
}
