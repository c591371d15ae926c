//! What is on its way in counts against the quota from its beginning.

use crate::error::{Error, Result};
use crate::files::{FileQuota, Tally};
use crate::ids::TenantId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most uploads of one tenant at once, in this process,
const MAX_OF_TENANT: u64 = 32;
/// and of all tenants: a large file on its way to an S3 takes 24 MiB of memory.
const MAX_OF_ALL: u64 = 128;

/// The uploads under way in this process.
#[derive(Debug, Default)]
pub(in super::super) struct Uploads(Mutex<HashMap<TenantId, Tally>>);

/// One upload under way.
#[derive(Debug)]
pub(super) struct Reserved {
    uploads: Arc<Uploads>,
    tenant: TenantId,
    bytes: u64,
    /// What the tenant's other uploads have reserved.
    pub(super) others: u64,
}

impl Uploads {
    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Tally>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves room for one more file of `size` bytes, or of at most `most` if its size is not known.
    pub(super) fn reserve(
        self: &Arc<Self>,
        tenant: TenantId,
        quota: FileQuota,
        used: Tally,
        size: Option<u64>,
        most: u64,
    ) -> Result<Reserved> {
        let mut all = self.lock();
        let under_way: u64 = all.values().map(|tally| tally.files).sum();
        let others = all.get(&tenant).copied().unwrap_or_default();
        if under_way >= MAX_OF_ALL || others.files >= MAX_OF_TENANT {
            let what = "uploads under way".into();
            return Err(Error::Unavailable { what, retry_after: 1, source: None });
        }
        let taken = used.bytes.saturating_add(others.bytes);
        let room = quota.bytes.saturating_sub(taken);
        if used.files.saturating_add(others.files) >= quota.files {
            return Err(too_many(quota));
        }
        if size.unwrap_or(1) > room {
            return Err(too_large(quota, taken));
        }
        let bytes = size.unwrap_or_else(|| most.min(room));
        let tally = all.entry(tenant).or_default();
        tally.files += 1;
        tally.bytes += bytes;
        drop(all);
        Ok(Reserved { uploads: Arc::clone(self), tenant, bytes, others: others.bytes })
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let mut all = self.uploads.lock();
        if let Some(tally) = all.get_mut(&self.tenant) {
            tally.files = tally.files.saturating_sub(1);
            tally.bytes = tally.bytes.saturating_sub(self.bytes);
            if tally.files == 0 {
                all.remove(&self.tenant);
            }
        }
    }
}

/// Refuses what the quota has no room for.
pub(super) fn check(quota: FileQuota, used: Tally) -> Result<()> {
    if used.files > quota.files {
        Err(too_many(quota))
    } else if used.bytes > quota.bytes {
        Err(too_large(quota, used.bytes))
    } else {
        Ok(())
    }
}

fn too_many(quota: FileQuota) -> Error {
    let message = format!("there may be {} files, and there are", quota.files);
    Error::Illegal { code: "file_quota_reached", message }
}
fn too_large(quota: FileQuota, used: u64) -> Error {
    let message = format!("all files together may have {} bytes, {used} are used", quota.bytes);
    Error::Illegal { code: "file_quota_reached", message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Uuid;

    fn tenant(number: u128) -> TenantId {
        TenantId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn what_is_under_way_counts_until_it_ends() {
        let uploads = Arc::new(Uploads::default());
        let quota = FileQuota { bytes: 100, files: 3 };
        let used = Tally { files: 1, bytes: 40 };
        let reserve = |size| uploads.reserve(tenant(1), quota, used, size, 1_000);
        let first = reserve(Some(30)).expect("room");
        assert!(reserve(Some(31)).is_err(), "40 + 30 + 31 are more than 100");
        let second = reserve(None).expect("room for what is left");
        assert_eq!((first.others, second.others, second.bytes), (0, 30, 30));
        assert_eq!(reserve(Some(1)).expect_err("three files").code(), "file_quota_reached");
        assert!(uploads.reserve(tenant(2), quota, used, Some(60), 1).is_ok(), "tenants are apart");
        drop(second);
        assert!(reserve(Some(30)).is_ok());
        drop(first);
        assert!(uploads.lock().is_empty());
    }

    #[test]
    fn uploads_at_once_are_bounded() {
        let uploads = Arc::new(Uploads::default());
        let quota = FileQuota { bytes: u64::MAX, files: u64::MAX };
        let reserve = |of| uploads.reserve(tenant(of), quota, Tally::default(), None, 1);
        let all: Vec<_> = (0..MAX_OF_TENANT).map(|_| reserve(1).expect("room")).collect();
        assert!(matches!(reserve(1), Err(Error::Unavailable { .. })));
        assert!(reserve(2).is_ok());
        drop(all);
        assert!(reserve(1).is_ok());
    }
}
