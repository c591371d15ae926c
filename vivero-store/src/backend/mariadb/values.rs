//! Values on their way to the server and back.
//!
//! Instants travel as `DATETIME(6)` in UTC, never as `TIMESTAMP`, which ends in 2038 and loses later
//! ones without an error.

use super::Failure;
use chrono::{NaiveDate, NaiveDateTime};
use sqlx::mysql::{MySqlArguments, MySqlRow, MySqlValueRef};
use sqlx::{Arguments as _, Decode, MySql, Row as _, TypeInfo as _, ValueRef as _};
use std::fmt::Write as _;
use uuid::Uuid;
use vivero_core::Value;
use vivero_core::record::Kind;

/// The parameters of a statement.
pub(super) fn arguments(values: &[Value]) -> Result<MySqlArguments, Failure> {
    let mut all = MySqlArguments::default();
    all.reserve(values.len(), values.len() * 16);
    for value in values {
        let added = match value {
            Value::Null => all.add(None::<i64>),
            Value::Bool(b) => all.add(i64::from(*b)),
            Value::Int(i) => all.add(*i),
            Value::Text(t) => all.add(t.as_str()),
            Value::Id(id) => all.add(id.as_bytes().as_slice()),
            Value::Time(t) => all.add(t.naive_utc()),
            Value::Date(d) => all.add(*d),
            Value::Json(j) => all.add(j.to_string()),
            Value::Bytes(b) => all.add(b.as_slice()),
        };
        added.map_err(|e| Failure::from(sqlx::Error::Encode(e)))?;
    }
    Ok(all)
}

/// Reads one column.
pub(super) fn read(row: &MySqlRow, index: usize, kind: Kind) -> Result<Value, Failure> {
    let value = row.try_get_raw(index)?;
    if value.is_null() {
        return Ok(Value::Null);
    }
    decode(value, kind).map_err(|source| {
        Failure::from(sqlx::Error::ColumnDecode { index: index.to_string(), source })
    })
}

type Decoded = Result<Value, Box<dyn std::error::Error + Send + Sync>>;

fn decode(value: MySqlValueRef<'_>, kind: Kind) -> Decoded {
    fn of<'r, T: Decode<'r, MySql>>(
        value: MySqlValueRef<'r>,
    ) -> Result<T, Box<dyn std::error::Error + Send + Sync>> {
        T::decode(value)
    }
    Ok(match kind {
        // Sums are decimals.
        Kind::Int if value.type_info().name() == "DECIMAL" => {
            Value::Int(of::<&str>(value)?.parse()?)
        }
        Kind::Int => Value::Int(of(value)?),
        Kind::Bool => Value::Bool(of::<i64>(value)? != 0),
        Kind::Text => Value::Text(of(value)?),
        Kind::Id => Value::Id(Uuid::from_slice(of::<&[u8]>(value)?)?),
        Kind::Time => Value::Time(of::<NaiveDateTime>(value)?.and_utc()),
        Kind::Date => Value::Date(of::<NaiveDate>(value)?),
        Kind::Json => Value::Json(serde_json::from_str(of::<&str>(value)?)?),
        Kind::Bytes => Value::Bytes(of(value)?),
    })
}

/// Adds a value as a literal.
pub(super) fn literal(text: &mut String, value: &Value) {
    let bytes = |text: &mut String, bytes: &[u8]| {
        text.push_str("x'");
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\'');
    };
    match value {
        Value::Null => text.push_str("NULL"),
        Value::Bool(b) => text.push_str(if *b { "1" } else { "0" }),
        Value::Int(i) => {
            let _ = write!(text, "{i}");
        }
        Value::Time(t) => {
            let _ = write!(text, "'{}'", t.naive_utc().format("%Y-%m-%d %H:%M:%S%.6f"));
        }
        Value::Date(d) => {
            let _ = write!(text, "'{d}'");
        }
        // As hexadecimal digits, text needs no quoting. In the columns' own collation, or an index whose
        // column is held to it is not known to be in order.
        // The connection's own character set and collation are the columns'.
        Value::Text(t)
            if t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') =>
        {
            text.push('\'');
            text.push_str(t);
            text.push('\'');
        }
        Value::Text(t) => {
            text.push_str("_utf8mb4 ");
            bytes(text, t.as_bytes());
            text.push_str(" COLLATE utf8mb4_nopad_bin");
        }
        Value::Json(j) => {
            text.push_str("_utf8mb4 ");
            bytes(text, j.to_string().as_bytes());
        }
        Value::Id(id) => bytes(text, id.as_bytes()),
        Value::Bytes(b) => bytes(text, b),
    }
}
