//! Texts, each held once and named by a number: codes, names and words of a million rows are mostly the
//! same ones again.

use super::Unfit;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher as _;

/// The texts of one index. What is no longer used stays until the index is built anew.
#[derive(Debug, Default)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    known: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Texts {
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

    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
        let Self { known, hasher, bytes, ends } = self;
        known.shrink_to_fit(|number| {
            let at = *number as usize;
            let start = if at == 0 { 0 } else { ends[at - 1] as usize };
            hasher.hash_one(&bytes[start..ends[at] as usize])
        });
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 4 + self.known.allocation_size()
    }
}
