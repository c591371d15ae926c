//! The words of rows: which rows have a word that begins so.
//!
//! The words a row had are not kept, so none can be taken out of the large dictionary. Rows whose words
//! change go over to a small one that knows the words of each of its rows; what the large one says of them
//! does not count any more. Nearly all rows never come that far.

use super::Unfit;
use super::set::{Set, union};
use super::sorted::Sorted;
use super::texts::Texts;
use roaring::RoaringBitmap;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use vivero_core::search::Term;

/// Bytes of a word that are kept, as the engine's own search keeps them.
const LONGEST: usize = 1_020;
/// Words of facets and lead filters begin so: what is filtered by is not searched for.
const OF_FILTERS: &str = "q1";
/// From so many words on, a beginning is not worth looking up here.
const MOST_WORDS: usize = 100_000;

/// Words in order, with their rows.
#[derive(Debug, Default)]
struct Dictionary {
    /// The text of each word.
    words: Vec<u32>,
    sets: Vec<Set>,
    sorted: Sorted,
}

impl Dictionary {
    fn text<'t>(&self, word: u32, texts: &'t Texts) -> &'t [u8] {
        self.words.get(word as usize).map_or(&[][..], |text| texts.get(*text))
    }

    fn new_word(&mut self, text: u32) -> Result<u32, Unfit> {
        let word = u32::try_from(self.words.len()).map_err(|_| Unfit)?;
        self.words.push(text);
        self.sets.push(Set::None);
        Ok(word)
    }

    fn find(&self, wanted: &[u8], texts: &Texts) -> Option<u32> {
        let spot = self.sorted.spot(|word| self.text(word, texts).cmp(wanted));
        let word = self.sorted.from(spot).next()?;
        (self.text(word, texts) == wanted).then_some(word)
    }

    fn insert(&mut self, text: u32, row: u32, texts: &Texts) -> Result<(), Unfit> {
        let wanted = texts.get(text);
        let word = match self.find(wanted, texts) {
            Some(word) => word,
            None => {
                let word = self.new_word(text)?;
                let mut sorted = std::mem::take(&mut self.sorted);
                sorted.insert(word, |other| self.text(other, texts).cmp(wanted));
                self.sorted = sorted;
                word
            }
        };
        self.sets[word as usize].insert(row);
        Ok(())
    }

    fn remove(&mut self, text: u32, row: u32, texts: &Texts) {
        if let Some(word) = self.find(texts.get(text), texts) {
            self.sets[word as usize].remove(row);
        }
    }

    /// The rows that have one of the words of a term; `None` if there are too many words.
    fn rows(&self, term: &Term, texts: &Texts) -> Option<RoaringBitmap> {
        let mut found: Vec<&Set> = Vec::new();
        for wanted in &term.alternatives {
            let whole = term.whole || wanted.chars().count() < 2;
            let wanted = cut(wanted).as_bytes();
            let spot = self.sorted.spot(|word| self.text(word, texts).cmp(wanted));
            for word in self.sorted.from(spot) {
                let text = self.text(word, texts);
                if !(if whole { text == wanted } else { text.starts_with(wanted) }) {
                    break;
                }
                if found.len() >= MOST_WORDS {
                    return None;
                }
                found.extend(self.sets.get(word as usize));
            }
        }
        Some(union(found.into_iter()))
    }

    fn bytes(&self) -> usize {
        self.words.capacity() * 4
            + self.sets.capacity() * 16
            + self.sets.iter().map(Set::bytes).sum::<usize>()
            + self.sorted.bytes()
    }
}

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

fn digest(words: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    hasher.finish()
}

/// Everything a search needs.
#[derive(Debug, Default)]
pub(super) struct Words {
    large: Dictionary,
    small: Dictionary,
    /// The rows whose words are in the small one, with these.
    moved: HashMap<u32, Vec<u32>>,
    moved_rows: RoaringBitmap,
    /// Tells whether the words of a row are the same.
    digests: Vec<u64>,
    /// While it is being built.
    known: HashMap<u32, u32>,
}

impl Words {
    fn note(&mut self, row: u32, digest: u64) {
        let at = row as usize;
        if at >= self.digests.len() {
            self.digests.resize(at + 1, 0);
        }
        self.digests[at] = digest;
    }

    /// While it is being built: takes a row in.
    pub(super) fn add(&mut self, row: u32, document: &str, texts: &mut Texts) -> Result<(), Unfit> {
        let words = split(document);
        self.note(row, digest(&words));
        for word in words {
            let text = texts.number(word.as_bytes())?;
            let word = match self.known.get(&text) {
                Some(word) => *word,
                None => {
                    let word = self.large.new_word(text)?;
                    self.known.insert(text, word);
                    word
                }
            };
            self.large.sets[word as usize].insert(row);
        }
        Ok(())
    }

    /// It is built.
    pub(super) fn finish(&mut self, texts: &Texts) {
        self.known = HashMap::new();
        self.large.words.shrink_to_fit();
        self.large.sets.shrink_to_fit();
        self.large.sets.iter_mut().for_each(Set::shrink);
        self.digests.shrink_to_fit();
        let mut words: Vec<u32> =
            (0..self.large.words.len()).filter_map(|w| u32::try_from(w).ok()).collect();
        words.sort_unstable_by(|a, b| self.large.text(*a, texts).cmp(self.large.text(*b, texts)));
        self.large.sorted = Sorted::new(&words);
    }

    /// Gives a row these words; `is_new` if it never had any.
    pub(super) fn put(
        &mut self,
        row: u32,
        document: &str,
        is_new: bool,
        texts: &mut Texts,
    ) -> Result<(), Unfit> {
        let words = split(document);
        let digest = digest(&words);
        if !is_new && self.digests.get(row as usize) == Some(&digest) {
            return Ok(());
        }
        let mut numbers = Vec::with_capacity(words.len());
        for word in words {
            numbers.push(texts.number(word.as_bytes())?);
        }
        if is_new {
            for text in numbers {
                self.large.insert(text, row, texts)?;
            }
        } else {
            for text in self.moved.remove(&row).unwrap_or_default() {
                self.small.remove(text, row, texts);
            }
            for text in &numbers {
                self.small.insert(*text, row, texts)?;
            }
            self.moved.insert(row, numbers);
            self.moved_rows.insert(row);
        }
        self.note(row, digest);
        Ok(())
    }

    /// Rows that went over to the small dictionary: when there are many, building anew pays.
    pub(super) fn moved(&self) -> usize {
        self.moved.len()
    }

    /// The rows that have a term, be they there or not; `None` if that is not worth looking up here.
    pub(super) fn rows(&self, term: &Term, texts: &Texts) -> Option<RoaringBitmap> {
        if term.alternatives.iter().any(|word| word.starts_with(OF_FILTERS)) {
            return None;
        }
        let mut rows = self.large.rows(term, texts)?;
        if !self.moved.is_empty() {
            rows -= &self.moved_rows;
            rows |= self.small.rows(term, texts)?;
        }
        Some(rows)
    }

    pub(super) fn bytes(&self) -> usize {
        self.large.bytes()
            + self.small.bytes()
            + self.moved.values().map(|words| 48 + words.capacity() * 4).sum::<usize>()
            + self.digests.capacity() * 8
    }
}
