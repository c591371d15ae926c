//! A column whose rows are kept in its order: one that lists are sorted by, or one whose values have hardly
//! more than a row each.

use super::packed::{Near, Packed};
use super::slices::Slices;
use super::sorted::{Sorted, Spot};
use super::texts::Texts;
use super::value::{ordered, text};
use super::{Sizes, Unfit};
use roaring::RoaringBitmap;
use std::cmp::Ordering;
use vivero_core::Value;
use vivero_core::record::Kind;

/// The order of one column; rows that are equal in it by their own.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) name: &'static str,
    keys: Keys,
    sorted: Sorted,
    /// Of an order that lists are sorted by.
    slices: Option<Slices>,
}

/// The value of each row.
#[derive(Debug)]
enum Keys {
    /// As it sorts, no value being 0.
    Numbers(Near),
    /// One more than the number of its text, no value being 0.
    Texts(Packed),
}

/// A place in an order: where a row is, or would be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark<'v> {
    place: u64,
    text: Option<&'v [u8]>,
    row: i64,
}

impl<'v> Mark<'v> {
    pub(super) const fn place(&self) -> u64 {
        self.place
    }

    /// What tells it from others at its place, if there may be any: only later texts share one, which in an
    /// order is an odd one: none is 0, the others follow.
    pub(super) const fn text(&self) -> Option<&'v [u8]> {
        if self.place % 2 == 1 { self.text } else { None }
    }

    pub(super) const fn row(&self) -> i64 {
        self.row
    }
}

impl Order {
    /// One that lists are sorted by.
    pub(super) fn paged(name: &'static str, kind: Kind, sizes: Sizes) -> Option<Self> {
        Some(Self { slices: Some(Slices::new(sizes)), ..Self::new(name, kind)? })
    }

    /// `None` for a column of a kind that is not sorted by.
    pub(super) fn new(name: &'static str, kind: Kind) -> Option<Self> {
        let keys = match kind {
            Kind::Text | Kind::Id => Keys::Texts(Packed::default()),
            Kind::Json | Kind::Bytes => return None,
            _ => Keys::Numbers(Near::default()),
        };
        Some(Self { name, keys, sorted: Sorted::default(), slices: None })
    }

    /// Where a row with this value and place is; `None` if it is no value of this column.
    pub(super) fn mark<'v>(&self, value: &'v Value, row: i64, texts: &Texts) -> Option<Mark<'v>> {
        if matches!(self.keys, Keys::Numbers(_)) {
            return Some(Mark { place: ordered(value).ok()??, text: None, row });
        }
        let text = text(value);
        let fits = text.is_some() || value.is_null();
        let place = || text.map_or(0, |text| texts.place_of(text) + 1);
        fits.then(|| Mark { place: place(), text, row })
    }

    fn mark_of<'t>(&self, row: u32, texts: &'t Texts) -> Mark<'t> {
        Mark { place: self.place(row, texts), text: self.later(row, texts), row: row.into() }
    }

    /// Where the value of a row stands.
    fn place(&self, row: u32, texts: &Texts) -> u64 {
        match &self.keys {
            Keys::Numbers(numbers) => numbers.get(row),
            Keys::Texts(numbers) => {
                let number = numbers.get(row).checked_sub(1).and_then(|n| u32::try_from(n).ok());
                number.map_or(0, |number| texts.place(number) + 1)
            }
        }
    }

    /// The text of a row, if it is a later one.
    fn later<'t>(&self, row: u32, texts: &'t Texts) -> Option<&'t [u8]> {
        let Keys::Texts(numbers) = &self.keys else { return None };
        let number = numbers.get(row).checked_sub(1).and_then(|n| u32::try_from(n).ok());
        number.map(|number| texts.later(number))
    }

    /// How the value of a row stands to that of a mark.
    fn compare_values(&self, row: u32, mark: &Mark<'_>, texts: &Texts) -> Ordering {
        self.place(row, texts).cmp(&mark.place).then_with(|| {
            let text = mark.text();
            text.map_or(Ordering::Equal, |_| self.later(row, texts).cmp(&text))
        })
    }

    /// How a row stands to a mark.
    pub(super) fn compare(&self, row: u32, mark: &Mark<'_>, texts: &Texts) -> Ordering {
        self.compare_values(row, mark, texts).then_with(|| i64::from(row).cmp(&mark.row))
    }

    /// How two rows stand to each other.
    pub(super) fn compare_rows(&self, a: u32, b: u32, texts: &Texts) -> Ordering {
        let (of_a, of_b) = (self.place(a, texts), self.place(b, texts));
        of_a.cmp(&of_b)
            .then_with(|| match &self.keys {
                Keys::Texts(_) if of_a % 2 == 1 => self.later(a, texts).cmp(&self.later(b, texts)),
                _ => Ordering::Equal,
            })
            .then_with(|| a.cmp(&b))
    }

    /// Notes a row's value, without putting the row in order.
    pub(super) fn note(&mut self, row: u32, value: &Value, all: &mut Texts) -> Result<(), Unfit> {
        match &mut self.keys {
            Keys::Numbers(numbers) => numbers.set(row, ordered(value)?.ok_or(Unfit)?),
            Keys::Texts(numbers) => {
                let text = text(value);
                if text.is_none() && !value.is_null() {
                    return Err(Unfit);
                }
                let number = text.map(|text| all.number(text)).transpose()?;
                numbers.set(row, number.map_or(0, |number| u64::from(number) + 1));
            }
        }
        Ok(())
    }

    /// These rows by their values as they were noted: equal ones together, with the smallest row first.
    /// Numbers of texts are not yet in the order of the texts.
    pub(super) fn together(&self, rows: &RoaringBitmap) -> Vec<(u64, u32)> {
        let key = |row| match &self.keys {
            Keys::Numbers(numbers) => numbers.get(row),
            Keys::Texts(numbers) => numbers.get(row),
        };
        let mut all: Vec<(u64, u32)> = rows.iter().map(|row| (key(row), row)).collect();
        all.sort_unstable();
        all
    }

    /// Whether its values are texts.
    pub(super) const fn has_texts(&self) -> bool {
        matches!(self.keys, Keys::Texts(_))
    }

    /// Puts all of these rows in order, once the texts are; `numbers` has their new numbers.
    pub(super) fn sort(&mut self, rows: &RoaringBitmap, numbers: &[u32], texts: &Texts) {
        match &mut self.keys {
            Keys::Numbers(keys) => keys.shrink(),
            Keys::Texts(keys) => {
                keys.change(|old| {
                    let old = old.checked_sub(1).and_then(|old| usize::try_from(old).ok());
                    let new = old.and_then(|old| numbers.get(old));
                    new.map_or(0, |new| u64::from(*new) + 1)
                });
                keys.shrink();
            }
        }
        let in_order: Vec<u32> = self.together(rows).into_iter().map(|(_, row)| row).collect();
        if let Some(slices) = &self.slices {
            let mark = |row| self.mark_of(row, texts);
            self.slices = Some(Slices::of(slices.sizes(), rows, &in_order, mark));
        }
        self.sorted = Sorted::new(in_order.into_iter());
    }

    /// Gives a row a value, which had one if it is held; whether it is another one. `Unfit` if it was not where
    /// it should be.
    pub(super) fn put(
        &mut self,
        row: u32,
        value: &Value,
        is_held: bool,
        texts: &mut Texts,
    ) -> Result<bool, Unfit> {
        if is_held {
            let mark = self.mark(value, row.into(), texts);
            if mark.is_some_and(|mark| self.compare(row, &mark, texts) == Ordering::Equal) {
                return Ok(false);
            }
            self.remove(row, texts)?;
        }
        self.note(row, value, texts)?;
        self.insert(row, texts);
        Ok(true)
    }

    fn insert(&mut self, row: u32, texts: &Texts) {
        let mut sorted = std::mem::take(&mut self.sorted);
        let mut slices = self.slices.take();
        let mark = self.mark_of(row, texts);
        if let Some(slices) = &mut slices {
            let behind = |last| self.compare(last, &mark, texts) == Ordering::Less;
            slices.insert(row, &mark, sorted.last().is_none_or(behind));
        }
        sorted.insert(row, |other| self.compare(other, &mark, texts));
        (self.sorted, self.slices) = (sorted, slices);
    }

    /// Takes a row out; `Unfit` if it was not where it should be.
    pub(super) fn remove(&mut self, row: u32, texts: &Texts) -> Result<(), Unfit> {
        let mut sorted = std::mem::take(&mut self.sorted);
        let mut slices = self.slices.take();
        let mark = self.mark_of(row, texts);
        let was = sorted.remove(row, |other| self.compare(other, &mark, texts));
        if let Some(slices) = &mut slices {
            slices.remove(row, &mark);
        }
        (self.sorted, self.slices) = (sorted, slices);
        if was { Ok(()) } else { Err(Unfit) }
    }

    /// The rows with a value, ascending; `None` if it cannot be one of this column.
    pub(super) fn rows<'a>(
        &'a self,
        value: &'a Value,
        texts: &'a Texts,
    ) -> Option<impl Iterator<Item = u32> + 'a> {
        let mark = self.mark(value, -1, texts)?;
        let spot = self.sorted.spot(|row| self.compare(row, &mark, texts));
        let same = move |row: &u32| self.compare_values(*row, &mark, texts) == Ordering::Equal;
        Some(self.sorted.from(spot).take_while(same))
    }

    /// All rows, from behind a mark on, in this order or against it.
    pub(super) fn walk<'a>(
        &'a self,
        after: Option<&Mark<'_>>,
        descending: bool,
        texts: &Texts,
    ) -> Box<dyn Iterator<Item = u32> + 'a> {
        if descending {
            let spot = match after {
                // What is equal to the mark has been seen.
                Some(mark) => self.sorted.spot(|row| self.compare(row, mark, texts)),
                None => self.end(),
            };
            return Box::new(self.sorted.before(spot));
        }
        let spot = match after {
            Some(mark) => self.sorted.spot(|row| match self.compare(row, mark, texts) {
                Ordering::Greater => Ordering::Greater,
                _ => Ordering::Less,
            }),
            None => self.sorted.spot(|_| Ordering::Greater),
        };
        Box::new(self.sorted.from(spot))
    }

    /// Some of `rows`, among which are the first so many behind a mark, in this order or against it.
    pub(super) fn first(
        &self,
        rows: &RoaringBitmap,
        after: Option<&Mark<'_>>,
        limit: usize,
        descending: bool,
        texts: &Texts,
    ) -> RoaringBitmap {
        let Some(slices) = &self.slices else { return self.behind(rows, after, descending, texts) };
        let rows = match after {
            None => rows.clone(),
            Some(mark) => {
                let (sure, open) = slices.behind(rows, mark, descending);
                sure | self.behind(&open, after, descending, texts)
            }
        };
        slices.first(rows, limit, descending)
    }

    /// Those of `rows` that come behind a mark, by looking at each.
    fn behind(
        &self,
        rows: &RoaringBitmap,
        after: Option<&Mark<'_>>,
        descending: bool,
        texts: &Texts,
    ) -> RoaringBitmap {
        let wanted = if descending { Ordering::Less } else { Ordering::Greater };
        let is_behind =
            |row: &u32| after.is_none_or(|mark| self.compare(*row, mark, texts) == wanted);
        rows.iter().filter(is_behind).collect()
    }

    fn end(&self) -> Spot {
        self.sorted.spot(|_| Ordering::Less)
    }

    pub(super) fn bytes(&self) -> usize {
        let keys = match &self.keys {
            Keys::Numbers(numbers) => numbers.bytes(),
            Keys::Texts(numbers) => numbers.bytes(),
        };
        keys + self.sorted.bytes() + self.slices.as_ref().map_or(0, Slices::bytes)
    }
}
