//! The words of rows: which rows have a word that begins so.
//!
//! The words a row had are not kept, so none can be taken out of where they are. Rows whose words change go
//! over to a small dictionary that knows the words of each of its rows; what is said of them elsewhere does
//! not count any more. Nearly all rows never come that far.

use super::Unfit;
use super::dictionary::{Dictionary, MOST_WORDS};
use super::packed::Packed;
use super::segment::{BITS, Segment};
use super::set::Union;
use roaring::RoaringBitmap;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use vivero_core::search::Term;

/// Bytes of a word that are kept, as the engine's own search keeps them.
const LONGEST: usize = 1_020;
/// Words of facets and lead filters begin so: what is filtered by is not searched for.
const OF_FILTERS: &str = "q1";

/// A word as it is kept.
fn cut(word: &str) -> &str {
    &word[..word.floor_char_boundary(LONGEST)]
}

/// The words of a document, each once.
fn split(document: &str) -> Vec<&str> {
    let words = document.split_ascii_whitespace().map(cut);
    let mut words: Vec<&str> = words.filter(|word| !word.starts_with(OF_FILTERS)).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// Tells whether words are the same; never 0.
fn digest(words: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    hasher.finish().max(1)
}

/// Everything a search needs.
#[derive(Debug, Default)]
pub(super) struct Words {
    segments: Vec<Segment>,
    /// The words of the newest rows, which are a segment once there are so many.
    newest: Dictionary,
    /// The first bits of the newest rows.
    high: u32,
    /// The words of rows that had others before.
    changed: Dictionary,
    /// The rows whose words are in there, with these.
    moved: HashMap<u32, Vec<u32>>,
    moved_rows: RoaringBitmap,
    /// Tells whether the words of a row are the same; 0 for a row that never had any.
    digests: Packed,
}

impl Words {
    /// Makes a segment of the newest rows.
    fn close(&mut self) -> Result<(), Unfit> {
        if !self.newest.is_empty() {
            self.segments.push(Segment::new(self.high, &mut self.newest)?);
        }
        Ok(())
    }

    /// Turns to the rows that begin as this one does.
    fn turn_to(&mut self, row: u32) -> Result<(), Unfit> {
        let high = row >> BITS;
        if high != self.high {
            self.close()?;
            self.high = high;
        }
        Ok(())
    }

    /// While it is being built: takes a row in.
    pub(super) fn add(&mut self, row: u32, document: &str) -> Result<(), Unfit> {
        self.turn_to(row)?;
        let words = split(document);
        self.digests.set(row, digest(&words));
        words.into_iter().try_for_each(|word| self.newest.note(word.as_bytes(), row))
    }

    /// It is built.
    pub(super) fn finish(&mut self) -> Result<(), Unfit> {
        self.digests.shrink();
        self.close()
    }

    /// Gives a row these words.
    pub(super) fn put(&mut self, row: u32, document: &str) -> Result<(), Unfit> {
        let words = split(document);
        let (before, now) = (self.digests.get(row), digest(&words));
        if before == now {
            return Ok(());
        }
        self.digests.set(row, now);
        // One that is late, or comes back, is behind the newest.
        if before == 0 && row >> BITS >= self.high {
            self.turn_to(row)?;
            for word in words {
                self.newest.insert(word.as_bytes(), row)?;
            }
            return Ok(());
        }
        for word in self.moved.remove(&row).unwrap_or_default() {
            self.changed.remove(word, row);
        }
        let words = words.into_iter().map(|word| self.changed.insert(word.as_bytes(), row));
        let words = words.collect::<Result<_, _>>()?;
        self.moved.insert(row, words);
        self.moved_rows.insert(row);
        Ok(())
    }

    /// Rows that went over to the small dictionary: when there are many, building anew pays.
    pub(super) fn moved(&self) -> usize {
        self.moved.len()
    }

    /// The rows that have a term, be they there or not; `None` if that is not worth looking up here.
    pub(super) fn rows(&self, term: &Term) -> Option<RoaringBitmap> {
        if term.alternatives.iter().any(|word| word.starts_with(OF_FILTERS)) {
            return None;
        }
        let (mut rows, mut changed) = (Union::default(), Union::default());
        let mut left = MOST_WORDS;
        for word in &term.alternatives {
            let whole = term.whole || word.chars().count() < 2;
            let word = cut(word).as_bytes();
            for segment in &self.segments {
                segment.add_to(&mut rows, word, whole, &mut left)?;
            }
            self.newest.add_to(&mut rows, word, whole, &mut left)?;
            if !self.moved.is_empty() {
                self.changed.add_to(&mut changed, word, whole, &mut left)?;
            }
        }
        let mut rows = rows.finish();
        if !self.moved.is_empty() {
            rows -= &self.moved_rows;
            rows |= changed.finish();
        }
        Some(rows)
    }

    pub(super) fn bytes(&self) -> usize {
        self.segments.iter().map(Segment::bytes).sum::<usize>()
            + self.newest.bytes()
            + self.changed.bytes()
            + self.moved.values().map(|words| 48 + words.capacity() * 4).sum::<usize>()
            + self.digests.bytes()
    }
}
