//! The texts that rows are sorted by, and the many-valued ones they are filtered by, as numbers. Those an
//! index was built with are numbered in their order, so that comparing them is comparing numbers.

use super::Unfit;
use super::fixed::Fixed;
use super::loose::Loose;

#[derive(Debug, Default)]
pub(super) struct Texts {
    fixed: Fixed,
    /// Those that came later, or all while the index is being built.
    loose: Loose,
    /// Of each of these, how many of the fixed ones come before it.
    before: Vec<u32>,
}

impl Texts {
    /// The number of a text, which is taken in if it is new.
    pub(super) fn number(&mut self, text: &[u8]) -> Result<u32, Unfit> {
        if let Some(number) = self.fixed.find(text) {
            return Ok(number);
        }
        let number = self.loose.number(text)?;
        if number as usize == self.before.len() {
            self.before.push(self.fixed.seek(text).0);
        }
        self.fixed.len().checked_add(number).filter(|n| *n < u32::MAX).ok_or(Unfit)
    }

    /// Where a text stands in the order of all. Later ones between the same two fixed ones share an even
    /// place, and are told apart by [`Texts::later`].
    pub(super) fn place(&self, number: u32) -> u64 {
        match number.checked_sub(self.fixed.len()) {
            None => u64::from(number) * 2 + 1,
            Some(later) => u64::from(self.before.get(later as usize).copied().unwrap_or(0)) * 2,
        }
    }

    /// The same of any text.
    pub(super) fn place_of(&self, text: &[u8]) -> u64 {
        let (before, is_there) = self.fixed.seek(text);
        u64::from(before) * 2 + u64::from(is_there)
    }

    /// A text that came later.
    pub(super) fn later(&self, number: u32) -> &[u8] {
        number.checked_sub(self.fixed.len()).map_or(&[][..], |later| self.loose.get(later))
    }

    /// A text while the index is being built.
    pub(super) fn loose(&self, number: u32) -> &[u8] {
        self.loose.get(number)
    }

    /// Puts all that are there in order; the new number of each.
    pub(super) fn fix(&mut self) -> Result<Vec<u32>, Unfit> {
        let order = self.loose.in_order();
        let mut numbers = vec![0; order.len()];
        for (new, old) in (0..).zip(&order) {
            numbers[*old as usize] = new;
        }
        self.fixed = Fixed::new(order.iter().map(|number| self.loose.get(*number)))?;
        self.loose = Loose::default();
        self.before = Vec::new();
        Ok(numbers)
    }

    pub(super) fn bytes(&self) -> usize {
        self.fixed.bytes() + self.loose.bytes() + self.before.capacity() * 4
    }
}
