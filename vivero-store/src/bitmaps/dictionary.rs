//! Words as they come, in order, with their rows.

use super::Unfit;
use super::loose::Loose;
use super::set::{Set, Union};
use super::sorted::Sorted;

/// From so many words on, a beginning is not worth looking up here.
pub(super) const MOST_WORDS: usize = 100_000;

#[derive(Debug, Default)]
pub(super) struct Dictionary {
    words: Loose,
    /// The rows of each word.
    sets: Vec<Set>,
    sorted: Sorted,
}

impl Dictionary {
    fn number(&mut self, word: &[u8]) -> Result<(u32, bool), Unfit> {
        let number = self.words.number(word)?;
        let is_new = number as usize == self.sets.len();
        if is_new {
            self.sets.push(Set::None);
        }
        Ok((number, is_new))
    }

    /// Notes that a row has a word, without putting the word in order.
    pub(super) fn note(&mut self, word: &[u8], row: u32) -> Result<(), Unfit> {
        let (number, _) = self.number(word)?;
        self.sets[number as usize].insert(row);
        Ok(())
    }

    /// Gives a row a word; the word's number.
    pub(super) fn insert(&mut self, word: &[u8], row: u32) -> Result<u32, Unfit> {
        let (number, is_new) = self.number(word)?;
        if is_new {
            let words = &self.words;
            self.sorted.insert(number, |other| words.get(other).cmp(word));
        }
        self.sets[number as usize].insert(row);
        Ok(number)
    }

    /// Takes a word from a row.
    pub(super) fn remove(&mut self, number: u32, row: u32) {
        if let Some(set) = self.sets.get_mut(number as usize) {
            set.remove(row);
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// All words in order, with their rows, which are taken out.
    pub(super) fn drain(&mut self) -> (Loose, Vec<(u32, Set)>) {
        let Self { words, mut sets, .. } = std::mem::take(self);
        let order = words.in_order();
        let sets = order.into_iter().map(|number| {
            (number, sets.get_mut(number as usize).map(std::mem::take).unwrap_or_default())
        });
        let sets = sets.collect();
        (words, sets)
    }

    /// Adds the rows of a word, or of all that begin so; `None` if these are more than are `left`.
    pub(super) fn add_to<'a>(
        &'a self,
        rows: &mut Union<'a>,
        wanted: &[u8],
        whole: bool,
        left: &mut usize,
    ) -> Option<()> {
        if whole {
            rows.extend(self.words.find(wanted).and_then(|number| self.sets.get(number as usize)));
            return Some(());
        }
        let spot = self.sorted.spot(|number| self.words.get(number).cmp(wanted));
        for number in self.sorted.from(spot) {
            if !self.words.get(number).starts_with(wanted) {
                break;
            }
            *left = left.checked_sub(1)?;
            rows.extend(self.sets.get(number as usize));
        }
        Some(())
    }

    pub(super) fn bytes(&self) -> usize {
        self.words.bytes()
            + self.sets.capacity() * 16
            + self.sets.iter().map(Set::bytes).sum::<usize>()
            + self.sorted.bytes()
    }
}
