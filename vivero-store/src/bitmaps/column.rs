//! A column that lists are filtered by: the rows of each of its values.

use super::Unfit;
use super::evaluate::Rows;
use super::order::Order;
use super::packed::Packed;
use super::set::{Set, Union};
use super::texts::Texts;
use super::value::{fits, ordered, text};
use roaring::RoaringBitmap;
use std::collections::HashMap;
use vivero_core::Value;
use vivero_core::record::Kind;

/// Up to so many values have a set each, however few the rows.
pub(super) const FEW_VALUES: usize = 1_000;
/// So have more of them, if each has so many rows on average: then sets take no more room than an order.
const ROWS_A_SET: usize = 32;

#[derive(Debug)]
pub(super) struct Filterable {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    by: By,
}

#[derive(Debug)]
enum By {
    /// Which rows each value has.
    Sets(Sets),
    /// The rows in the order of their values, where these are many; and all while it is being built.
    Order(Order),
}

impl Filterable {
    /// `None` for a column of a kind that is not filtered by.
    pub(super) fn new(name: &'static str, kind: Kind) -> Option<Self> {
        Some(Self { name, kind, by: By::Order(Order::new(name, kind)?) })
    }

    /// While it is being built: takes a row in.
    pub(super) fn note(&mut self, row: u32, value: &Value, all: &mut Texts) -> Result<(), Unfit> {
        match &mut self.by {
            By::Order(order) => order.note(row, value, all),
            By::Sets(_) => Err(Unfit),
        }
    }

    /// Makes sets of the rows that were noted, if there are few values or many rows of each.
    pub(super) fn gather(&mut self, rows: &RoaringBitmap, texts: &Texts, few: usize) {
        let By::Order(order) = &self.by else { return };
        let all = order.together(rows);
        let values = all.chunk_by(|a, b| a.0 == b.0).count();
        if values <= few || values <= all.len() / ROWS_A_SET {
            self.by = By::Sets(Sets::new(&all, order.has_texts(), texts));
        }
    }

    /// Puts all rows in order if that is how they are kept, once the texts are.
    pub(super) fn sort(&mut self, rows: &RoaringBitmap, numbers: &[u32], texts: &Texts) {
        if let By::Order(order) = &mut self.by {
            order.sort(rows, numbers, texts);
        }
    }

    /// Gives a row this value; it had one if it is held. Whether it is another one.
    pub(super) fn put(
        &mut self,
        row: u32,
        value: &Value,
        is_held: bool,
        texts: &mut Texts,
    ) -> Result<bool, Unfit> {
        match &mut self.by {
            By::Sets(sets) => sets.put(row, value),
            By::Order(order) => order.put(row, value, is_held, texts),
        }
    }

    /// Takes a row out.
    pub(super) fn take(&mut self, row: u32, texts: &Texts) -> Result<(), Unfit> {
        match &mut self.by {
            By::Sets(sets) => {
                sets.take(row);
                Ok(())
            }
            By::Order(order) => order.remove(row, texts),
        }
    }

    /// The rows with a value; `None` if it cannot be one of this column.
    pub(super) fn rows(&self, value: &Value, texts: &Texts) -> Option<Rows<'_>> {
        match &self.by {
            By::Sets(sets) if fits(self.kind, value) => {
                Some(sets.of(value).map_or_else(Rows::none, |set| set.bitmap().into()))
            }
            _ => {
                let mut rows = Union::default();
                self.add_to(&mut rows, value, texts)?;
                Some(Rows::Owned(rows.finish()))
            }
        }
    }

    /// Adds the rows with a value; `None` if it cannot be one of this column.
    pub(super) fn add_to<'a>(
        &'a self,
        rows: &mut Union<'a>,
        value: &Value,
        texts: &Texts,
    ) -> Option<()> {
        if !fits(self.kind, value) {
            return None;
        }
        match &self.by {
            By::Sets(sets) => rows.extend(sets.of(value)),
            // No row has what cannot be kept.
            By::Order(order) => rows.extend_with(order.rows(value, texts).into_iter().flatten()),
        }
        Some(())
    }

    pub(super) fn bytes(&self) -> usize {
        match &self.by {
            By::Sets(sets) => sets.bytes(),
            By::Order(order) => order.bytes(),
        }
    }
}

/// Rows by value.
#[derive(Debug, Default)]
struct Sets {
    /// One more than the number of each row's value; 0 for a row that is not here.
    values: Packed,
    /// The numbers of values by what they are as numbers or bytes.
    numbers: HashMap<u64, u32>,
    texts: HashMap<Box<[u8]>, u32>,
    sets: Vec<Set>,
}

impl Sets {
    /// Of rows by their values, equal ones together and ascending.
    fn new(all: &[(u64, u32)], have_texts: bool, texts: &Texts) -> Self {
        let mut sets = Self::default();
        for (number, rows) in (0_u32..).zip(all.chunk_by(|a, b| a.0 == b.0)) {
            let value = rows.first().map_or(0, |(value, _)| *value);
            match value.checked_sub(1).and_then(|text| u32::try_from(text).ok()) {
                Some(text) if have_texts => {
                    sets.texts.insert(texts.loose(text).into(), number);
                }
                _ => {
                    sets.numbers.insert(value, number);
                }
            }
            for (_, row) in rows {
                sets.values.set(*row, u64::from(number) + 1);
            }
            sets.sets.push(Set::new(rows.iter().map(|(_, row)| *row)));
        }
        sets.sets.shrink_to_fit();
        sets.values.shrink();
        sets
    }

    fn number(&self, value: &Value) -> Option<u32> {
        match text(value) {
            Some(text) => self.texts.get(text).copied(),
            None => self.numbers.get(&ordered(value).ok()??).copied(),
        }
    }

    fn of(&self, value: &Value) -> Option<&Set> {
        self.number(value).and_then(|number| self.sets.get(number as usize))
    }

    fn put(&mut self, row: u32, value: &Value) -> Result<bool, Unfit> {
        let number = match self.number(value) {
            Some(number) => number,
            None => {
                let new = u32::try_from(self.sets.len()).map_err(|_| Unfit)?;
                match text(value) {
                    Some(text) => self.texts.insert(text.into(), new),
                    None => self.numbers.insert(ordered(value)?.ok_or(Unfit)?, new),
                };
                self.sets.push(Set::None);
                new
            }
        };
        let wanted = u64::from(number) + 1;
        let is_another = self.values.get(row) != wanted;
        if is_another {
            self.take(row);
            self.values.set(row, wanted);
            self.sets[number as usize].insert(row);
        }
        Ok(is_another)
    }

    fn take(&mut self, row: u32) {
        let number = self.values.get(row).checked_sub(1).and_then(|n| usize::try_from(n).ok());
        if let Some(set) = number.and_then(|number| self.sets.get_mut(number)) {
            set.remove(row);
        }
        self.values.set(row, 0);
    }

    fn bytes(&self) -> usize {
        let texts: usize = self.texts.keys().map(|text| text.len() + 16).sum();
        self.values.bytes()
            + self.numbers.capacity() * 18
            + self.texts.capacity() * 26
            + texts
            + self.sets.capacity() * 16
            + self.sets.iter().map(Set::bytes).sum::<usize>()
    }
}
