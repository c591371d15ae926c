//! Rows of pages that were read lately, in little room.
//!
//! Whoever changes a row gives it another version, and an index says which version is the present one. So what is
//! kept here is never outdated, only of no use. A change that the journal does not tell of may leave the version:
//! after that the index is built anew, and what is kept of rows belongs to one index only ([`Edition`]). It is kept
//! only if the statement that read it saw the very turn the index stands for.

use super::rows;
use crate::bitmaps::mirror::Edition;
use crate::row_bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use vivero_core::Value;
#[cfg(feature = "mariadb")]
use vivero_core::port::BitmapStats;
use vivero_core::record::{Kind, Row};

/// What a row takes beside its bytes, about: its key, the cache's own books, what the allocator rounds up.
const BESIDE: usize = 120;
/// What a row takes on average, about, to know how many there may be.
const ROW: usize = 450;
/// Where there is no room, the rows of one in so many pages take others' place: all would, if more are asked for
/// again and again than there is room for, and each be gone before it is asked for.
const ADMITTED: u64 = 4;

#[derive(Clone)]
struct Kept {
    version: i64,
    bytes: Arc<[u8]>,
}

impl Kept {
    fn of(row: &Row) -> Self {
        let mut bytes = Vec::with_capacity(512);
        row_bytes::write(&rows::base(Value::Int(row.seq), row), &mut bytes);
        row_bytes::write(&row.values, &mut bytes);
        Self { version: row.version, bytes: bytes.into() }
    }
}

#[derive(Clone)]
struct Bytes;

impl Weighter<(Edition, i64), Kept> for Bytes {
    fn weight(&self, _: &(Edition, i64), kept: &Kept) -> u64 {
        (kept.bytes.len() + BESIDE) as u64
    }
}

/// The rows, of all tenants.
pub(crate) struct KeptRows {
    /// None where no memory is for it.
    rows: Option<Cache<(Edition, i64), Kept, Bytes>>,
    limit: usize,
    /// Pages that were read.
    pages: AtomicU64,
    found: AtomicU64,
    lacking: AtomicU64,
}

impl fmt::Debug for KeptRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptRows").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl KeptRows {
    /// At most so many bytes, about.
    pub(super) fn new(limit: usize) -> Self {
        let rows = (limit > 0).then(|| Cache::with_weighter(limit / ROW, limit as u64, Bytes));
        let zero = || AtomicU64::new(0);
        Self { rows, limit, pages: zero(), found: zero(), lacking: zero() }
    }

    /// The values of a row of that number and version, those of every record first; `None` if they are not kept.
    pub(crate) fn get(
        &self,
        edition: Edition,
        (seq, version): (i64, i64),
        kinds: &[Kind],
    ) -> Option<Vec<Value>> {
        let kept = self.rows.as_ref()?.get(&(edition, seq)).filter(|kept| kept.version == version);
        let values = kept.and_then(|kept| row_bytes::read_one(&kept.bytes, kinds));
        let counter = if values.is_some() { &self.found } else { &self.lacking };
        counter.fetch_add(1, Ordering::Relaxed);
        values
    }

    /// Keeps the rows of a page that were read.
    pub(crate) fn keep<'r>(&self, edition: Edition, page: impl Iterator<Item = &'r Row>) {
        let Some(rows) = &self.rows else { return };
        let number = self.pages.fetch_add(1, Ordering::Relaxed);
        let is_full = rows.weight() > (self.limit - self.limit / 16) as u64;
        if is_full && !number.is_multiple_of(ADMITTED) {
            return;
        }
        for row in page {
            rows.insert((edition, row.seq), Kept::of(row));
        }
    }

    /// Adds the figures of the rows to those of the indexes.
    #[cfg(feature = "mariadb")]
    pub(super) fn stats(&self, of_indexes: BitmapStats) -> BitmapStats {
        BitmapStats {
            rows_limit: self.limit as u64,
            rows_bytes: self.rows.as_ref().map_or(0, Cache::weight),
            rows: self.rows.as_ref().map_or(0, |rows| rows.len() as u64),
            rows_found: self.found.load(Ordering::Relaxed),
            rows_read: self.lacking.load(Ordering::Relaxed),
            ..of_indexes
        }
    }
}
