//! About where each row stands in an order, as bits: where the rows that are asked for lie together at the far
//! end, neither a walk along the order nor a look at all of them is short, but a few whole bitmaps are.
//!
//! The order is cut into buckets, and there is a bitmap for each bit of a bucket's number, of the rows of all
//! buckets that have it: a bit-sliced index (O'Neil and Quass, "Improved Query Performance with Variant
//! Indexes", SIGMOD 1997). The first rows are found from the highest bit down (Rinfret, O'Neil and O'Neil,
//! "Bit-Sliced Index Arithmetic", SIGMOD 2001).

use super::Sizes;
use super::order::Mark;
use super::set::{ascending, bitmap_bytes};
use roaring::RoaringBitmap;
use std::borrow::Cow;
use std::cmp::Ordering;

/// The bits of all buckets' numbers.
#[derive(Debug)]
pub(super) struct Slices {
    sizes: Sizes,
    /// Where each bucket begins, but for the first. A row's bucket follows from its value and its place alone.
    bounds: Vec<Bound>,
    /// The lowest bit first.
    bits: Vec<RoaringBitmap>,
    /// How many rows the last bucket has.
    last: usize,
}

/// A [`Mark`] for good.
#[derive(Debug)]
struct Bound {
    place: u64,
    text: Option<Box<[u8]>>,
    row: i64,
}

impl Bound {
    fn new(mark: &Mark<'_>) -> Self {
        let text = mark.text().map(Box::from);
        Self { place: mark.place(), text, row: mark.row() }
    }

    fn compare(&self, mark: &Mark<'_>) -> Ordering {
        let by_place = self.place.cmp(&mark.place());
        by_place.then(self.text.as_deref().cmp(&mark.text())).then(self.row.cmp(&mark.row()))
    }
}

impl Slices {
    pub(super) const fn new(sizes: Sizes) -> Self {
        Self { sizes, bounds: Vec::new(), bits: Vec::new(), last: 0 }
    }

    /// Of all these rows, ascending, which are `in_order` as `mark` says.
    pub(super) fn of<'m>(
        sizes: Sizes,
        rows: &RoaringBitmap,
        in_order: &[u32],
        mark: impl Fn(u32) -> Mark<'m>,
    ) -> Self {
        let mut slices = Self::new(sizes);
        let end = rows.max().map_or(0, |last| last as usize + 1);
        let mut buckets = vec![0_u32; end];
        for (number, bucket) in (0_u32..).zip(in_order.chunks(sizes.bucket)) {
            for row in bucket {
                buckets[*row as usize] = number;
            }
            match bucket.first() {
                Some(first) if number > 0 => slices.bounds.push(Bound::new(&mark(*first))),
                _ => {}
            }
            slices.last = bucket.len();
        }
        let most = slices.bounds.len();
        // Not optimised: runs take less room, and longer to be put together with other sets.
        for bit in 0..usize::BITS - most.leading_zeros() {
            let has = |row: &u32| buckets[*row as usize] >> bit & 1 == 1;
            let slice = ascending(rows.iter().filter(has));
            slices.bits.push(slice);
        }
        slices
    }

    pub(super) const fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// The bucket of whatever stands there.
    fn bucket(&self, mark: &Mark<'_>) -> usize {
        self.bounds.partition_point(|bound| bound.compare(mark) != Ordering::Greater)
    }

    /// Takes in a row, which stands behind all others or not.
    pub(super) fn insert(&mut self, row: u32, mark: &Mark<'_>, is_last: bool) {
        if is_last && self.last >= self.sizes.bucket {
            // Rows mostly get later and later: one bucket would take them all.
            self.bounds.push(Bound::new(mark));
            self.last = 0;
        }
        let bucket = self.bucket(mark);
        if bucket == self.bounds.len() {
            self.last += 1;
        }
        let mut rest = bucket;
        for at in 0.. {
            if rest == 0 {
                break;
            }
            if at == self.bits.len() {
                self.bits.push(RoaringBitmap::new());
            }
            if rest & 1 == 1 {
                self.bits[at].insert(row);
            }
            rest >>= 1;
        }
    }

    /// Takes out a row that stands there.
    pub(super) fn remove(&mut self, row: u32, mark: &Mark<'_>) {
        let bucket = self.bucket(mark);
        if bucket == self.bounds.len() {
            self.last = self.last.saturating_sub(1);
        }
        for (at, slice) in self.bits.iter_mut().enumerate() {
            if bucket >> at & 1 == 1 {
                slice.remove(row);
            }
        }
    }

    /// Those of `rows` that come surely behind a mark, and those of which each has to be asked.
    pub(super) fn behind(
        &self,
        rows: &RoaringBitmap,
        mark: &Mark<'_>,
        descending: bool,
    ) -> (RoaringBitmap, RoaringBitmap) {
        let bucket = self.bucket(mark);
        let mut behind = RoaringBitmap::new();
        let mut open = Cow::Borrowed(rows);
        for (at, slice) in self.bits.iter().enumerate().rev() {
            if open.len() <= self.sizes.few {
                break;
            }
            let (with, without) = (|| &*open & slice, || &*open - slice);
            let next = match (bucket >> at & 1 == 1, descending) {
                (true, false) => with(),
                (false, true) => without(),
                (true, true) => {
                    behind |= without();
                    with()
                }
                (false, false) => {
                    behind |= with();
                    without()
                }
            };
            open = Cow::Owned(next);
        }
        (behind, open.into_owned())
    }

    /// Some of `rows`, among which are the first so many of them in this order or against it.
    pub(super) fn first(
        &self,
        rows: RoaringBitmap,
        limit: usize,
        descending: bool,
    ) -> RoaringBitmap {
        let limit = limit as u64;
        // What is sure comes before what is open; what is neither, behind `limit` others.
        let (mut sure, mut open) = (RoaringBitmap::new(), rows);
        for slice in self.bits.iter().rev() {
            if open.len() <= self.sizes.few {
                break;
            }
            let nearer = if descending { &open & slice } else { &open - slice };
            if nearer.is_empty() {
                continue;
            }
            if sure.len() + nearer.len() >= limit {
                open = nearer;
                continue;
            }
            if descending {
                open -= slice;
            } else {
                open &= slice;
            }
            sure |= nearer;
        }
        sure |= open;
        sure
    }

    pub(super) fn bytes(&self) -> usize {
        self.bits.iter().map(bitmap_bytes).sum::<usize>()
            + self.bounds.capacity() * size_of::<Bound>()
    }
}
