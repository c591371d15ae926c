//! Rows as bytes: one way to write each value, whatever engine it came from.

use chrono::{DateTime, Datelike as _, NaiveDate};
use uuid::Uuid;
use vivero_core::record::Kind;
use vivero_core::{JsonText, Value};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const TEXT: u8 = 4;
const ID: u8 = 5;
const TIME: u8 = 6;
const DATE: u8 = 7;
const BYTES: u8 = 8;

/// Adds a row.
pub(crate) fn write(row: &[Value], to: &mut Vec<u8>) {
    let long = |to: &mut Vec<u8>, tag: u8, bytes: &[u8]| {
        to.push(tag);
        to.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        to.extend_from_slice(bytes);
    };
    for value in row {
        match value {
            Value::Null => to.push(NULL),
            Value::Bool(false) => to.push(FALSE),
            Value::Bool(true) => to.push(TRUE),
            Value::Int(i) => {
                to.push(INT);
                to.extend_from_slice(&i.to_le_bytes());
            }
            Value::Text(text) => long(to, TEXT, text.as_bytes()),
            Value::Json(json) => long(to, TEXT, json.as_str().as_bytes()),
            Value::Id(id) => {
                to.push(ID);
                to.extend_from_slice(id.as_bytes());
            }
            Value::Time(at) => {
                to.push(TIME);
                to.extend_from_slice(&at.timestamp_micros().to_le_bytes());
            }
            Value::Date(day) => {
                to.push(DATE);
                to.extend_from_slice(&day.num_days_from_ce().to_le_bytes());
            }
            Value::Bytes(bytes) => long(to, BYTES, bytes),
        }
    }
}

/// Takes bytes off the front.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, number: usize) -> Option<&'a [u8]> {
        let (some, rest) = self.0.split_at_checked(number)?;
        self.0 = rest;
        Some(some)
    }
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
    fn long(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_le_bytes(self.array()?);
        self.take(usize::try_from(length).ok()?)
    }
    fn text(&mut self) -> Option<String> {
        std::str::from_utf8(self.long()?).ok().map(str::to_owned)
    }
    /// A value of a kind: structured data is written as text.
    fn value_of(&mut self, kind: Kind) -> Option<Value> {
        if kind == Kind::Json && self.0.first() == Some(&TEXT) {
            self.take(1)?;
            return Some(Value::Json(JsonText::again(self.text()?).ok()?));
        }
        self.value()
    }
    fn value(&mut self) -> Option<Value> {
        let [tag] = self.array()?;
        Some(match tag {
            NULL => Value::Null,
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            INT => Value::Int(i64::from_le_bytes(self.array()?)),
            TEXT => Value::Text(self.text()?),
            ID => Value::Id(Uuid::from_bytes(self.array()?)),
            TIME => {
                Value::Time(DateTime::from_timestamp_micros(i64::from_le_bytes(self.array()?))?)
            }
            DATE => Value::Date(NaiveDate::from_num_days_from_ce_opt(i32::from_le_bytes(
                self.array()?,
            ))?),
            BYTES => Value::Bytes(self.long()?.to_vec()),
            _ => return None,
        })
    }
}

/// Reads rows of so many columns back; `None` if the bytes are none.
pub(crate) fn read(bytes: &[u8], columns: usize) -> Option<Vec<Vec<Value>>> {
    let mut cursor = Cursor(bytes);
    let mut rows = Vec::new();
    while !cursor.0.is_empty() {
        let row: Option<Vec<Value>> = (0..columns).map(|_| cursor.value()).collect();
        let row = row.filter(|row| !row.is_empty())?;
        rows.push(row);
    }
    Some(rows)
}

/// Reads one row back, whose columns are of `kinds`; `None` if the bytes are none.
pub(crate) fn read_one(bytes: &[u8], kinds: &[Kind]) -> Option<Vec<Value>> {
    let mut cursor = Cursor(bytes);
    let mut row = Vec::with_capacity(kinds.len());
    for kind in kinds {
        row.push(cursor.value_of(*kind)?);
    }
    cursor.0.is_empty().then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;

    #[test]
    fn a_row_comes_back_in_its_kinds() {
        let row = vec![
            Value::Json(serde_json::json!({"pot": [12, null, "é"]}).into()),
            Value::Text("{}".into()),
            Value::Null,
            Value::Bool(false),
        ];
        let kinds = [Kind::Json, Kind::Text, Kind::Json, Kind::Bool];
        let mut bytes = Vec::new();
        write(&row, &mut bytes);
        assert_eq!(read_one(&bytes, &kinds), Some(row));
        assert_eq!(read_one(&bytes, &kinds[..3]), None, "more than was written");
        for end in 0..bytes.len() {
            assert_eq!(read_one(&bytes[..end], &kinds), None, "cut off at {end}");
        }
    }

    #[test]
    fn every_kind_of_value_comes_back() {
        let far = DateTime::<Utc>::from_timestamp_micros(4_102_444_799_999_999).expect("2099");
        let row = vec![
            Value::Null,
            Value::Bool(true),
            Value::Bool(false),
            Value::Int(i64::MIN),
            Value::Text("Großes Gewächshaus 🌱".into()),
            Value::Id(Uuid::from_u128(7)),
            Value::Time(far),
            Value::Time(DateTime::from_timestamp_micros(-1).expect("1969")),
            Value::Date(NaiveDate::from_ymd_opt(2099, 12, 31).expect("a day")),
            Value::Bytes(vec![0, 255]),
            Value::Text(String::new()),
        ];
        let mut bytes = Vec::new();
        write(&row, &mut bytes);
        write(&row, &mut bytes);
        assert_eq!(read(&bytes, row.len()), Some(vec![row.clone(), row.clone()]));
        for end in 1..bytes.len() / 2 {
            assert_eq!(read(&bytes[..end], row.len()), None, "cut off at {end}");
        }
        assert_eq!(read(&[99], 1), None, "no such value");
        assert_eq!(read(&[1], 0), None, "rows without columns would never end");
    }
}
