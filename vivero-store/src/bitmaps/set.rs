//! A set of rows: most values have one row or a few, some have most of them.

use roaring::RoaringBitmap;
use std::borrow::Cow;

/// From so many rows on a bitmap takes less room.
const MANY: usize = 256;

/// Rows by their places, ascending.
#[derive(Debug, Clone, Default)]
pub(super) enum Set {
    #[default]
    None,
    One(u32),
    #[expect(clippy::box_collection, reason = "a set takes 16 bytes, and there are very many")]
    Few(Box<Vec<u32>>),
    Many(Box<RoaringBitmap>),
}

impl Set {
    pub(super) fn insert(&mut self, row: u32) {
        match self {
            Self::None => *self = Self::One(row),
            Self::One(only) if *only == row => {}
            Self::One(only) => {
                let rows = vec![row.min(*only), row.max(*only)];
                *self = Self::Few(Box::new(rows));
            }
            Self::Few(rows) => {
                // Rows mostly come in their order.
                if rows.last().is_some_and(|last| *last < row) {
                    rows.push(row);
                } else if let Err(at) = rows.binary_search(&row) {
                    rows.insert(at, row);
                }
                if rows.len() >= MANY {
                    *self = Self::Many(Box::new(rows.iter().copied().collect()));
                }
            }
            Self::Many(rows) => {
                rows.insert(row);
            }
        }
    }

    pub(super) fn remove(&mut self, row: u32) {
        match self {
            Self::None => {}
            Self::One(only) => {
                if *only == row {
                    *self = Self::None;
                }
            }
            Self::Few(rows) => {
                if let Ok(at) = rows.binary_search(&row) {
                    rows.remove(at);
                }
            }
            Self::Many(rows) => {
                rows.remove(row);
            }
        }
    }

    pub(super) fn bitmap(&self) -> Cow<'_, RoaringBitmap> {
        match self {
            Self::None => Cow::Owned(RoaringBitmap::new()),
            Self::One(row) => Cow::Owned(RoaringBitmap::from_iter([*row])),
            Self::Few(rows) => Cow::Owned(rows.iter().copied().collect()),
            Self::Many(rows) => Cow::Borrowed(rows),
        }
    }

    /// Gives up room that is not needed.
    pub(super) fn shrink(&mut self) {
        match self {
            Self::Few(rows) => rows.shrink_to_fit(),
            Self::Many(rows) => {
                rows.optimize();
            }
            _ => {}
        }
    }

    /// Memory besides the set itself, about.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::None | Self::One(_) => 0,
            Self::Few(rows) => 40 + rows.capacity() * 4,
            Self::Many(rows) => 40 + bitmap_bytes(rows),
        }
    }
}

/// Memory of a bitmap, about: what it takes written down, and what its containers take beside that.
pub(super) fn bitmap_bytes(rows: &RoaringBitmap) -> usize {
    let all = rows.statistics();
    let array =
        all.n_bytes_array_containers + all.n_bytes_bitset_containers + all.n_bytes_run_containers;
    usize::try_from(array).unwrap_or(usize::MAX) + all.n_containers as usize * 56
}

/// The union of several sets. Small ones are sorted together: one by one, each would be looked for in a
/// bitmap.
pub(super) fn union<'s>(sets: impl Iterator<Item = &'s Set>) -> RoaringBitmap {
    let mut small: Vec<u32> = Vec::new();
    let mut all = RoaringBitmap::new();
    for set in sets {
        match set {
            Set::None => {}
            Set::One(row) => small.push(*row),
            Set::Few(rows) => small.extend_from_slice(rows),
            Set::Many(rows) => all |= &**rows,
        }
    }
    if !small.is_empty() {
        small.sort_unstable();
        small.dedup();
        match RoaringBitmap::from_sorted_iter(small.iter().copied()) {
            Ok(small) => all |= small,
            Err(_) => all.extend(small),
        }
    }
    all
}
