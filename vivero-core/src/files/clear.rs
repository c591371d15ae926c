//! Removing all there is.

use super::info::Tally;
use super::key::FilePrefix;
use super::{FileStore, MAX_LIST};
use crate::error::Result;
use crate::ids::TenantId;

/// Removes every file of a tenant for good, quarantine included; returns what they added up to. Cut off,
/// the same call again removes the rest.
pub async fn remove_all(store: &dyn FileStore, tenant: TenantId) -> Result<Tally> {
    let (mut removed, mut after) = (Tally::default(), None);
    loop {
        let page = store.list(tenant, &FilePrefix::all(), after, MAX_LIST).await?;
        for file in &page.files {
            store.delete(tenant, file.key).await?;
            removed.files += 1;
            removed.bytes = removed.bytes.saturating_add(file.size);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(removed),
        }
    }
}
