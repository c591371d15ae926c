//! A column that lists are sorted by: all rows in its order.

use super::Unfit;
use super::column::{ordered, text};
use super::sorted::{Sorted, Spot};
use super::texts::Texts;
use std::cmp::Ordering;
use vivero_core::Value;
use vivero_core::record::Kind;

/// The number of no text.
const NO_TEXT: u32 = u32::MAX;

/// The order of one column; rows that are equal in it by their own.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) name: &'static str,
    /// Of each row: its value as it sorts, or the beginning of its text.
    keys: Vec<u64>,
    /// The texts, if the column has texts.
    texts: Option<Vec<u32>>,
    sorted: Sorted,
}

/// A place in an order: where a row is, or would be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark<'v> {
    key: u64,
    text: Option<&'v [u8]>,
    row: i64,
}

/// The first bytes of a text, which mostly settle an order.
fn beginning(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = text.len().min(8);
    bytes[..length].copy_from_slice(&text[..length]);
    u64::from_be_bytes(bytes)
}

impl Order {
    /// `None` for a column of a kind that is not sorted by.
    pub(super) fn new(name: &'static str, kind: Kind) -> Option<Self> {
        let texts = match kind {
            Kind::Text | Kind::Id => Some(Vec::new()),
            Kind::Json | Kind::Bytes => return None,
            _ => None,
        };
        Some(Self { name, keys: Vec::new(), texts, sorted: Sorted::default() })
    }

    /// Where a row with this value and place is; `None` if it is no value of this column.
    pub(super) fn mark<'v>(&self, value: &'v Value, row: i64) -> Option<Mark<'v>> {
        if self.texts.is_some() {
            let text = text(value);
            let fits = text.is_some() || value.is_null();
            return fits.then(|| Mark { key: text.map_or(0, beginning), text, row });
        }
        Some(Mark { key: ordered(value).ok()??, text: None, row })
    }

    fn mark_of<'t>(&self, row: u32, texts: &'t Texts) -> Mark<'t> {
        Mark {
            key: self.keys.get(row as usize).copied().unwrap_or(0),
            text: self.text_of(row, texts),
            row: row.into(),
        }
    }

    fn text_of<'t>(&self, row: u32, texts: &'t Texts) -> Option<&'t [u8]> {
        let number = self.texts.as_ref()?.get(row as usize).copied().unwrap_or(NO_TEXT);
        (number != NO_TEXT).then(|| texts.get(number))
    }

    /// How a row stands to a mark.
    pub(super) fn compare(&self, row: u32, mark: &Mark<'_>, texts: &Texts) -> Ordering {
        let key = self.keys.get(row as usize).copied().unwrap_or(0);
        key.cmp(&mark.key)
            .then_with(|| match &self.texts {
                None => Ordering::Equal,
                Some(_) => self.text_of(row, texts).cmp(&mark.text),
            })
            .then_with(|| i64::from(row).cmp(&mark.row))
    }

    /// How two rows stand to each other.
    pub(super) fn compare_rows(&self, a: u32, b: u32, texts: &Texts) -> Ordering {
        let key = |row: u32| self.keys.get(row as usize).copied().unwrap_or(0);
        key(a)
            .cmp(&key(b))
            .then_with(|| match &self.texts {
                None => Ordering::Equal,
                Some(numbers) => {
                    let number = |row: u32| numbers.get(row as usize).copied().unwrap_or(NO_TEXT);
                    let (a, b) = (number(a), number(b));
                    let text = |n: u32| (n != NO_TEXT).then(|| texts.get(n));
                    if a == b { Ordering::Equal } else { text(a).cmp(&text(b)) }
                }
            })
            .then_with(|| a.cmp(&b))
    }

    /// Notes a row's value, without putting the row in order.
    pub(super) fn note(&mut self, row: u32, value: &Value, all: &mut Texts) -> Result<(), Unfit> {
        let at = row as usize;
        if at >= self.keys.len() {
            self.keys.resize(at + 1, 0);
        }
        match &mut self.texts {
            None => self.keys[at] = ordered(value)?.ok_or(Unfit)?,
            Some(numbers) => {
                if at >= numbers.len() {
                    numbers.resize(at + 1, NO_TEXT);
                }
                let text = text(value);
                if text.is_none() && !value.is_null() {
                    return Err(Unfit);
                }
                self.keys[at] = text.map_or(0, beginning);
                numbers[at] = text.map_or(Ok(NO_TEXT), |text| all.number(text))?;
            }
        }
        Ok(())
    }

    /// Puts all of these rows in order.
    pub(super) fn sort(&mut self, mut rows: Vec<u32>, texts: &Texts) {
        if self.texts.is_none() {
            rows.sort_unstable_by_key(|row| {
                (self.keys.get(*row as usize).copied().unwrap_or(0), *row)
            });
        } else {
            rows.sort_unstable_by(|a, b| self.compare_rows(*a, *b, texts));
        }
        self.sorted = Sorted::new(&rows);
        self.keys.shrink_to_fit();
        if let Some(texts) = &mut self.texts {
            texts.shrink_to_fit();
        }
    }

    /// Whether a row's value would not change.
    pub(super) fn is(&self, row: u32, value: &Value, texts: &Texts) -> bool {
        self.mark(value, row.into())
            .is_some_and(|mark| self.compare(row, &mark, texts) == Ordering::Equal)
    }

    pub(super) fn insert(&mut self, row: u32, texts: &Texts) {
        let mut sorted = std::mem::take(&mut self.sorted);
        let mark = self.mark_of(row, texts);
        sorted.insert(row, |other| self.compare(other, &mark, texts));
        self.sorted = sorted;
    }

    /// Whether the row was where it should be.
    pub(super) fn remove(&mut self, row: u32, texts: &Texts) -> bool {
        let mut sorted = std::mem::take(&mut self.sorted);
        let mark = self.mark_of(row, texts);
        let was = sorted.remove(row, |other| self.compare(other, &mark, texts));
        self.sorted = sorted;
        was
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

    fn end(&self) -> Spot {
        self.sorted.spot(|_| Ordering::Less)
    }

    pub(super) fn bytes(&self) -> usize {
        let texts = self.texts.as_ref().map_or(0, |texts| texts.capacity() * 4);
        self.keys.capacity() * 8 + texts + self.sorted.bytes()
    }
}
