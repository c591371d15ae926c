//! One row as a driver read it.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use vivero_core::{Error, Result, Value};

/// The values of one row, in the order of the query's columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cells(pub(crate) Vec<Value>);

impl Cells {
    /// Takes a value out.
    pub(crate) fn take(&mut self, index: usize) -> Value {
        self.0.get_mut(index).map_or(Value::Null, |v| std::mem::replace(v, Value::Null))
    }
    pub(crate) fn is_null(&self, index: usize) -> bool {
        self.0.get(index).is_none_or(Value::is_null)
    }
    /// A number; no value is 0.
    pub(crate) fn int(&self, index: usize) -> i64 {
        if let Some(Value::Int(i)) = self.0.get(index) { *i } else { 0 }
    }
    /// A number that cannot be negative: a position, a count.
    pub(crate) fn natural(&self, index: usize) -> u64 {
        u64::try_from(self.int(index)).unwrap_or(0)
    }
    /// An id; no value is nil.
    pub(crate) fn id(&self, index: usize) -> Uuid {
        if let Some(Value::Id(id)) = self.0.get(index) { *id } else { Uuid::nil() }
    }
    pub(crate) fn time(&self, index: usize) -> Option<DateTime<Utc>> {
        if let Some(Value::Time(t)) = self.0.get(index) { Some(*t) } else { None }
    }
    pub(crate) fn opt_text(&mut self, index: usize) -> Option<String> {
        if let Value::Text(t) = self.take(index) { Some(t) } else { None }
    }
    /// A text; no value is the empty one.
    pub(crate) fn text(&mut self, index: usize) -> String {
        self.opt_text(index).unwrap_or_default()
    }
    pub(crate) fn hash(&self, index: usize) -> Result<[u8; 32]> {
        match self.0.get(index) {
            Some(Value::Bytes(b)) => {
                b.as_slice().try_into().map_err(|_| Error::corrupt("a hash does not have 32 bytes"))
            }
            _ => Err(Error::corrupt("a hash is missing")),
        }
    }
}
