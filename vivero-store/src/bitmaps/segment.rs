//! The words of rows that follow one another, for good, in few bytes each. Rows change their words seldom;
//! the words of those that did are looked for elsewhere.

use super::Unfit;
use super::dictionary::Dictionary;
use super::fixed::Fixed;
use super::set::{Set, Union, bitmap_bytes};
use roaring::RoaringBitmap;

/// Rows of one segment have the same number but for the last bits, which are kept of each.
pub(super) const BITS: u32 = 16;
/// Words with fewer rows are not tried as bitmaps.
const TRIED: usize = 64;

/// What is kept of a word: its only row, ..
const ONE: u32 = 1 << 31;
/// .. or the number of its bitmap, or where its rows are among all, their number before them.
const MANY: u32 = 1 << 30;

#[derive(Debug)]
pub(super) struct Segment {
    /// The first bits of its rows.
    high: u32,
    words: Fixed,
    entries: Vec<u32>,
    few: Vec<u16>,
    many: Vec<RoaringBitmap>,
}

fn low(row: u32) -> u16 {
    u16::try_from(row & u32::from(u16::MAX)).unwrap_or(0)
}

impl Segment {
    /// Of the words of rows that begin with these bits.
    pub(super) fn new(high: u32, words: &mut Dictionary) -> Result<Self, Unfit> {
        let (texts, all) = words.drain();
        let words = Fixed::new(all.iter().map(|(word, _)| texts.get(*word)))?;
        drop(texts);
        let (entries, few, many) = (Vec::with_capacity(all.len()), Vec::new(), Vec::new());
        let mut segment = Self { high, words, entries, few, many };
        for (_, set) in all {
            let entry = segment.entry(&set)?;
            segment.entries.push(entry);
        }
        segment.few.shrink_to_fit();
        segment.many.shrink_to_fit();
        Ok(segment)
    }

    fn entry(&mut self, set: &Set) -> Result<u32, Unfit> {
        let number = |n: usize| u32::try_from(n).ok().filter(|n| *n < MANY).ok_or(Unfit);
        if let Set::One(row) = set {
            return Ok(ONE | u32::from(low(*row)));
        }
        let rows = set.bitmap();
        let length = usize::try_from(rows.len()).unwrap_or(usize::MAX);
        if length >= TRIED {
            let mut rows = rows.clone().into_owned();
            rows.optimize();
            if bitmap_bytes(&rows) < length * 2 {
                self.many.push(rows);
                return Ok(MANY | number(self.many.len() - 1)?);
            }
        }
        let at = number(self.few.len())?;
        self.few.push(u16::try_from(length).map_err(|_| Unfit)?);
        self.few.extend(rows.iter().map(low));
        Ok(at)
    }

    /// Adds the rows of a word, or of all that begin so; `None` if these are more than are `left`.
    pub(super) fn add_to<'a>(
        &'a self,
        rows: &mut Union<'a>,
        wanted: &[u8],
        whole: bool,
        left: &mut usize,
    ) -> Option<()> {
        let words = if whole {
            self.words.find(wanted).map_or(0..0, |word| word..word + 1)
        } else {
            self.words.beginning(wanted)
        };
        *left = left.checked_sub(words.len())?;
        let words = words.start as usize..words.end as usize;
        for entry in self.entries.get(words).unwrap_or_default() {
            self.add_entry(rows, *entry);
        }
        Some(())
    }

    fn add_entry<'a>(&'a self, rows: &mut Union<'a>, entry: u32) {
        let row = |low: &u16| self.high << BITS | u32::from(*low);
        if entry & ONE > 0 {
            rows.extend_with(std::iter::once(self.high << BITS | (entry & !ONE)));
        } else if entry & MANY > 0 {
            if let Some(many) = self.many.get((entry & !MANY) as usize) {
                rows.add_bitmap(many);
            }
        } else {
            let some = self.few.get(entry as usize..).and_then(<[u16]>::split_first);
            let some = some.and_then(|(length, rest)| rest.get(..usize::from(*length)));
            rows.extend_with(some.unwrap_or_default().iter().map(row));
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.words.bytes()
            + self.entries.capacity() * 4
            + self.few.capacity() * 2
            + self.many.iter().map(|rows| 24 + bitmap_bytes(rows)).sum::<usize>()
    }
}
