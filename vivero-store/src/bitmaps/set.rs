//! A set of rows: most values have one row or a few, some have most of them.

use roaring::{MultiOps as _, RoaringBitmap};
use std::borrow::Cow;

/// From so many rows on a bitmap takes less room.
const MANY: usize = 256;

/// Bytes of a container with a bit for each of 65,536 rows.
const BITSET: u64 = 8_192;

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
    /// Of rows that are ascending.
    pub(super) fn new(rows: impl ExactSizeIterator<Item = u32> + Clone) -> Self {
        let mut all = rows.clone();
        match (all.next(), all.len()) {
            (None, _) => Self::None,
            (Some(only), 0) => Self::One(only),
            (Some(_), rest) if rest + 1 < MANY => Self::Few(Box::new(rows.collect())),
            _ => {
                let mut all = ascending(rows);
                all.optimize();
                Self::Many(Box::new(all))
            }
        }
    }

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

    /// Memory besides the set itself, about.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::None | Self::One(_) => 0,
            Self::Few(rows) => 40 + rows.capacity() * 4,
            Self::Many(rows) => 40 + bitmap_bytes(rows),
        }
    }
}

/// Memory of a bitmap, about: of its values, and what each container takes beside them. The statistics of
/// roaring 0.12 tell of a bitset how many bits it has, and of an array twice its bytes.
pub(super) fn bitmap_bytes(rows: &RoaringBitmap) -> usize {
    let all = rows.statistics();
    let bitsets = u64::from(all.n_bitset_containers) * BITSET;
    let bytes = all.n_bytes_array_containers / 2 + bitsets + all.n_bytes_run_containers;
    usize::try_from(bytes).unwrap_or(usize::MAX) + all.n_containers as usize * 56
}

/// A bitmap of rows that are ascending.
pub(super) fn ascending(rows: impl Iterator<Item = u32> + Clone) -> RoaringBitmap {
    RoaringBitmap::from_sorted_iter(rows.clone()).unwrap_or_else(|_| rows.collect())
}

/// The union of several sets. Small ones are sorted together: one by one, each would be looked for in a
/// bitmap. Large ones are put together at once: one by one, each would copy those before.
#[derive(Debug, Default)]
pub(super) struct Union<'s> {
    small: Vec<u32>,
    large: Vec<&'s RoaringBitmap>,
}

impl<'s> Union<'s> {
    pub(super) fn add(&mut self, set: &'s Set) {
        match set {
            Set::None => {}
            Set::One(row) => self.small.push(*row),
            Set::Few(rows) => self.small.extend_from_slice(rows),
            Set::Many(rows) => self.large.push(rows),
        }
    }

    pub(super) fn extend(&mut self, sets: impl IntoIterator<Item = &'s Set>) {
        sets.into_iter().for_each(|set| self.add(set));
    }

    /// Adds single rows.
    pub(super) fn extend_with(&mut self, rows: impl Iterator<Item = u32>) {
        self.small.extend(rows);
    }

    pub(super) fn add_bitmap(&mut self, rows: &'s RoaringBitmap) {
        self.large.push(rows);
    }

    pub(super) fn finish(self) -> RoaringBitmap {
        let Self { mut small, large } = self;
        if !small.is_sorted() {
            small.sort_unstable();
        }
        small.dedup();
        let small = ascending(small.iter().copied());
        if large.is_empty() {
            return small;
        }
        large.into_iter().chain(std::iter::once(&small)).union()
    }
}
