//! Contents of a tenant's files, which lie in the store of files and in no archive.

use super::run::{Run, Step};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use vivero_core::copy::{Part, TableShape};
use vivero_core::files::{
    Area, FileEntry, FilePrefix, FileStore, MAX_LIST, Tally, USAGE_SCHEMA, Upload, remove_all,
};
use vivero_core::ids::TenantId;
use vivero_core::operations::OperationKind as Kind;
use vivero_core::{Error, Result, Value};

/// Contents on their way at once.
const AT_ONCE: usize = 8;

impl Run<'_> {
    /// Whether the operation makes a tenant that had no files before.
    const fn makes_another(&self) -> bool {
        matches!(self.operation.kind, Kind::Clone | Kind::Import)
    }

    /// Gives a new tenant the contents of the files of the one it is made from, as far as this installation has
    /// them. What is there already was copied by a run that was cut off.
    pub(super) async fn copy_contents(&mut self, from: TenantId) -> Step<()> {
        let to = self.operation.tenant;
        let Some(store) = self.all.files.clone().filter(|_| self.makes_another() && from != to)
        else {
            return Ok(());
        };
        self.hook("load/contents").await?;
        let (mut copied, mut after) = (Tally::default(), None);
        let prefix = FilePrefix::area(Area::Stored);
        loop {
            let page = store.list(from, &prefix, after, MAX_LIST).await?;
            let some = stream::iter(page.files)
                .map(|file| copy_content(&*store, from, to, file))
                .buffer_unordered(AT_ONCE)
                .try_fold(Tally::default(), async |sum, one| Ok(plus(sum, one)))
                .await?;
            copied = plus(copied, some);
            self.set("contents", json!({"files": copied.files, "bytes": copied.bytes}));
            self.note().await?;
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Removes what [`Run::copy_contents`] gave a tenant that does not come to be.
    pub(super) async fn undo_contents(&self) -> Result<()> {
        match &self.all.files {
            Some(store) if self.makes_another() => {
                remove_all(&**store, self.operation.tenant).await.map(|_| ())
            }
            _ => Ok(()),
        }
    }

    /// Removes the contents of all files of the tenant, for good.
    pub(super) async fn remove_contents(&mut self) -> Step<()> {
        if let Some(store) = &self.all.files {
            self.hook("drop/contents").await?;
            let removed = remove_all(&**store, self.operation.tenant).await?;
            self.set("contents", json!({"files": removed.files, "bytes": removed.bytes}));
        }
        Ok(())
    }
}

const fn plus(one: Tally, other: Tally) -> Tally {
    Tally {
        files: one.files.saturating_add(other.files),
        bytes: one.bytes.saturating_add(other.bytes),
    }
}

async fn copy_content(
    store: &dyn FileStore,
    from: TenantId,
    to: TenantId,
    file: FileEntry,
) -> Result<Tally> {
    let there = store.head(to, file.key).await?;
    if there.is_none_or(|there| there.size != file.size) {
        let content = match store.get(from, file.key, None).await {
            // Removed for good since it was listed.
            Err(Error::NotFound { .. }) => return Ok(Tally::default()),
            content => content?,
        };
        let upload = Upload::new(content.into_stream(), file.size).with_size(file.size);
        store.put(to, file.key, upload).await?;
    }
    Ok(Tally { files: 1, bytes: file.size })
}

/// Rows of one tenant as they are another's: what its files add up to is kept under its id.
pub(super) fn given_to(
    mut part: Part,
    tables: &[TableShape],
    (from, to): (TenantId, TenantId),
) -> Part {
    let table = tables.get(part.table).filter(|table| table.name == USAGE_SCHEMA.table);
    let place = table.and_then(|table| table.columns.iter().position(|c| c.name == "id"));
    if let Some(place) = place {
        for id in part.rows.iter_mut().filter_map(|row| row.get_mut(place)) {
            if *id == Value::Id(from.uuid()) {
                *id = Value::Id(to.uuid());
            }
        }
    }
    part
}
