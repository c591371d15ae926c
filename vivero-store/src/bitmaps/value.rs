//! What values are as numbers and as bytes.

use super::Unfit;
use vivero_core::Value;
use vivero_core::record::Kind;

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
