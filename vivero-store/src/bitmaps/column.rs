//! A column that lists are filtered by: the rows of each of its values.

use super::Unfit;
use super::set::Set;
use super::texts::Texts;
use std::collections::HashMap;
use uuid::Uuid;
use vivero_core::Value;
use vivero_core::record::Kind;

/// A value of a column, texts by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Null,
    Int(i64),
    Id(Uuid),
    Text(u32),
}

/// What a value is as a number, if it is kept as one.
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(b) => Some(i64::from(*b)),
        Value::Int(i) => Some(*i),
        Value::Time(t) => Some(t.timestamp_micros()),
        Value::Date(d) => Some(i64::from(chrono::Datelike::num_days_from_ce(d))),
        _ => None,
    }
}

/// Whether a value is one of a column of this kind, or none.
pub(super) fn fits(kind: Kind, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) => kind == Kind::Bool,
        Value::Int(_) => kind == Kind::Int,
        Value::Time(_) => kind == Kind::Time,
        Value::Date(_) => kind == Kind::Date,
        Value::Id(_) => kind == Kind::Id,
        Value::Text(_) => kind == Kind::Text,
        Value::Json(_) | Value::Bytes(_) => false,
    }
}

/// A value as it sorts: no value first, which is 0. `None` for texts and the like.
pub(super) fn ordered(value: &Value) -> Result<Option<u64>, Unfit> {
    if value.is_null() {
        return Ok(Some(0));
    }
    let Some(number) = number(value) else { return Ok(None) };
    let key = number.cast_unsigned() ^ (1 << 63);
    // The smallest number there is would be no value.
    if key == 0 { Err(Unfit) } else { Ok(Some(key)) }
}

/// The bytes a value sorts by, if it is no number.
pub(super) fn text(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Text(text) => Some(text.as_bytes()),
        Value::Id(id) => Some(id.as_bytes()),
        _ => None,
    }
}

/// A row that is not here.
const ABSENT: u32 = u32::MAX;

#[derive(Debug)]
pub(super) struct Filterable {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The number of each row's value.
    values: Vec<u32>,
    numbers: HashMap<Key, u32>,
    sets: Vec<Set>,
}

impl Filterable {
    pub(super) fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, values: Vec::new(), numbers: HashMap::new(), sets: Vec::new() }
    }

    fn key(value: &Value, texts: &mut Texts) -> Result<Key, Unfit> {
        Ok(match value {
            Value::Null => Key::Null,
            Value::Id(id) => Key::Id(*id),
            Value::Text(text) => Key::Text(texts.number(text.as_bytes())?),
            other => Key::Int(number(other).ok_or(Unfit)?),
        })
    }

    /// Gives a row this value.
    pub(super) fn put(&mut self, row: u32, value: &Value, texts: &mut Texts) -> Result<(), Unfit> {
        let key = Self::key(value, texts)?;
        let next = u32::try_from(self.sets.len()).ok().filter(|n| *n < ABSENT).ok_or(Unfit)?;
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.sets.push(Set::None);
        }
        let at = row as usize;
        if at >= self.values.len() {
            self.values.resize(at + 1, ABSENT);
        }
        if self.values[at] != number {
            self.take(row);
            self.values[at] = number;
            self.sets[number as usize].insert(row);
        }
        Ok(())
    }

    /// Takes a row out.
    pub(super) fn take(&mut self, row: u32) {
        let Some(value) = self.values.get_mut(row as usize) else { return };
        if let Some(set) = self.sets.get_mut(*value as usize) {
            set.remove(row);
        }
        *value = ABSENT;
    }

    /// The rows with a value; `None` if it cannot be one of this column.
    pub(super) fn rows(&self, value: &Value, texts: &Texts) -> Option<Option<&Set>> {
        if !fits(self.kind, value) {
            return None;
        }
        let key = match value {
            Value::Null => Some(Key::Null),
            Value::Id(id) => Some(Key::Id(*id)),
            Value::Text(text) => texts.find(text.as_bytes()).map(Key::Text),
            other => number(other).map(Key::Int),
        };
        let number = key.and_then(|key| self.numbers.get(&key));
        Some(number.and_then(|number| self.sets.get(*number as usize)))
    }

    /// The rows with an id.
    pub(super) fn with_id(&self, id: Uuid) -> Option<&Set> {
        self.numbers.get(&Key::Id(id)).and_then(|number| self.sets.get(*number as usize))
    }

    pub(super) fn shrink(&mut self) {
        self.values.shrink_to_fit();
        self.sets.iter_mut().for_each(Set::shrink);
    }

    pub(super) fn bytes(&self) -> usize {
        self.values.capacity() * 4
            + self.numbers.capacity() * 40
            + self.sets.capacity() * 16
            + self.sets.iter().map(Set::bytes).sum::<usize>()
    }
}
