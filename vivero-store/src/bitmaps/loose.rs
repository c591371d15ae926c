//! Texts as they come, each held once and named by a number: names and words of a million rows are mostly
//! the same ones again.

use super::Unfit;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher as _;

/// Texts in the order in which they came. What is no longer used stays until the index is built anew.
#[derive(Debug, Default)]
pub(super) struct Loose {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    known: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Loose {
    pub(super) fn get(&self, number: u32) -> &[u8] {
        let at = number as usize;
        let end = self.ends.get(at).map_or(0, |end| *end as usize);
        let start = at.checked_sub(1).and_then(|i| self.ends.get(i)).map_or(0, |end| *end as usize);
        self.bytes.get(start..end).unwrap_or_default()
    }

    pub(super) fn find(&self, text: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(text);
        self.known.find(hash, |number| self.get(*number) == text).copied()
    }

    /// The number of a text, which is taken in if it is new.
    pub(super) fn number(&mut self, text: &[u8]) -> Result<u32, Unfit> {
        if let Some(number) = self.find(text) {
            return Ok(number);
        }
        let number = u32::try_from(self.ends.len()).ok().filter(|n| *n < u32::MAX).ok_or(Unfit)?;
        let end = u32::try_from(self.bytes.len() + text.len()).map_err(|_| Unfit)?;
        self.bytes.extend_from_slice(text);
        self.ends.push(end);
        let hash = self.hasher.hash_one(text);
        let Self { known, hasher, bytes, ends } = self;
        let at = |number: u32| {
            let at = number as usize;
            let start = if at == 0 { 0 } else { ends[at - 1] as usize };
            &bytes[start..ends[at] as usize]
        };
        known.insert_unique(hash, number, |number| hasher.hash_one(at(*number)));
        Ok(number)
    }

    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    /// Their numbers, as the texts sort.
    pub(super) fn in_order(&self) -> Vec<u32> {
        let mut numbers: Vec<u32> = (0..self.len()).collect();
        numbers.sort_unstable_by(|a, b| self.get(*a).cmp(self.get(*b)));
        numbers
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 4 + self.known.allocation_size()
    }
}
