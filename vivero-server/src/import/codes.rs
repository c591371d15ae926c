//! The codes seen so far, with the line of each.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Remembers 128 bits of each code rather than the code: about 50 bytes a row whatever its length.
/// Two codes that are taken for one are not to be expected before some 10^18 rows.
#[derive(Default)]
pub(super) struct Codes(HashMap<[u64; 2], u64>);

impl Codes {
    /// Notes a code; the line on which it stood before, if it did. An empty one is not noted.
    pub(super) fn add(&mut self, code: &str, line: u64) -> Option<u64> {
        if code.is_empty() {
            return None;
        }
        match self.0.entry([digest(0, code), digest(1, code)]) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(free) => {
                free.insert(line);
                None
            }
        }
    }
}

fn digest(half: u8, code: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    half.hash(&mut hasher);
    code.hash(&mut hasher);
    hasher.finish()
}
