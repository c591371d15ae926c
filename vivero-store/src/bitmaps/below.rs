//! The rows at a place or below it, kept for those who ask again: to put together what stands in all the beds of a
//! site costs more than all else of a list.

use super::Index;
use super::evaluate::Rows;
use super::set::{Union, bitmap_bytes};
use roaring::RoaringBitmap;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, PoisonError};
use uuid::Uuid;
use vivero_core::Value;

/// Bytes for each row of the table: two levels of a tree of places have room, at two for a row and level at most.
const BYTES_A_ROW: u64 = 4;
/// The same of a small table.
const BYTES_AT_LEAST: u64 = 64 << 10;

/// Sets of rows by column and place.
#[derive(Debug, Default)]
pub(super) struct Below {
    kept: HashMap<(usize, Uuid), Kept>,
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    /// Where the places stand among all.
    places: Range<u32>,
    rows: Arc<RoaringBitmap>,
}

impl Below {
    fn keep(&mut self, at: (usize, Uuid), kept: Kept, limit: u64) {
        let bytes = bitmap_bytes(&kept.rows);
        if (self.bytes + bytes) as u64 > limit {
            *self = Self::default();
        }
        self.bytes += bytes;
        // Two may have put it together at once.
        if let Some(same) = self.kept.insert(at, kept) {
            self.bytes = self.bytes.saturating_sub(bitmap_bytes(&same.rows));
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.kept.values().map(|kept| 96 + bitmap_bytes(&kept.rows)).sum()
    }
}

impl Index {
    /// The rows at a place or below it; `None` if the column is not kept here.
    pub(super) fn rows_below(&self, name: &str, root: Uuid) -> Option<Rows<'_>> {
        let at = self.columns.iter().position(|column| column.name == name)?;
        let column = &self.columns[at];
        let below = match self.places.below(root) {
            [] => return Some(Rows::none()),
            // As it is there already.
            [only] => return column.rows(&Value::Id(*only), &self.texts),
            below => below,
        };
        let kept = || self.below.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept().kept.get(&(at, root)) {
            return Some(Rows::Shared(Arc::clone(&kept.rows)));
        }
        let mut rows = Union::default();
        for id in below {
            column.add_to(&mut rows, &Value::Id(*id), &self.texts)?;
        }
        let rows = Arc::new(rows.finish());
        let new = Kept { places: self.places.range(root), rows: Arc::clone(&rows) };
        kept().keep((at, root), new, self.live.len() * BYTES_A_ROW + BYTES_AT_LEAST);
        Some(Rows::Shared(rows))
    }

    /// Keeps what is known of places right when a row is somewhere else.
    pub(super) fn note_moved(&mut self, row: u32, column: usize, to: Option<Uuid>) {
        let place = to.and_then(|id| self.places.position(id));
        let below = self.below.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (_, kept) in below.kept.iter_mut().filter(|((at, _), _)| *at == column) {
            let inside = place.is_some_and(|place| kept.places.contains(&place));
            if kept.rows.contains(row) != inside {
                let rows = Arc::make_mut(&mut kept.rows);
                if inside {
                    rows.insert(row)
                } else {
                    rows.remove(row)
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_places_is_bounded() {
        let one = || Kept { places: 0..2, rows: Arc::new((0..1_000).collect()) };
        let bytes = bitmap_bytes(&one().rows);
        let mut below = Below::default();
        for place in 0..10 {
            below.keep((0, Uuid::from_u128(place)), one(), 3 * bytes as u64);
            assert!(below.bytes <= 3 * bytes, "{} of {bytes}", below.bytes);
            assert!(below.kept.contains_key(&(0, Uuid::from_u128(place))), "the newest is there");
        }
        assert_eq!(below.kept.len(), 1, "ten are three times three and one");
        below.keep((0, Uuid::from_u128(9)), one(), 3 * bytes as u64);
        assert_eq!(below.bytes, bytes, "the same one is counted once");
    }
}
