//! Values on their way to the server and back.
//!
//! Instants travel as `DATETIME(6)` in UTC, never as `TIMESTAMP`, which ends in 2038 and loses later
//! ones without an error.

use super::{Cells, Failure};
use chrono::{NaiveDate, NaiveDateTime};
use sqlx::mysql::{MySqlArguments, MySqlRow, MySqlValueRef};
use sqlx::{Arguments as _, Decode, MySql, Row as _, TypeInfo as _, ValueRef as _};
use std::fmt::Write as _;
use uuid::Uuid;
use vivero_core::record::Kind;
use vivero_core::{JsonText, Value};

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
            Value::Json(j) => all.add(j.as_str()),
            Value::Bytes(b) => all.add(b.as_slice()),
        };
        added.map_err(|e| Failure::from(sqlx::Error::Encode(e)))?;
    }
    Ok(all)
}

/// Reads a row, whose columns are of `kinds`.
pub(super) fn cells(row: &MySqlRow, kinds: &[Kind]) -> Result<Cells, Failure> {
    // Room for all at once: a list is a thousand values.
    let mut cells = Vec::with_capacity(kinds.len());
    for (i, kind) in kinds.iter().enumerate() {
        cells.push(read(row, i, *kind)?);
    }
    Ok(Cells(cells))
}

/// Reads one column.
fn read(row: &MySqlRow, index: usize, kind: Kind) -> Result<Value, Failure> {
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
        // The driver has text parsed by a format, which it reads anew each time.
        Kind::Time => Value::Time(match instant_of(of::<&[u8]>(value.clone())?) {
            Some(instant) => instant.and_utc(),
            None => of::<NaiveDateTime>(value)?.and_utc(),
        }),
        Kind::Date => Value::Date(match date_of(of::<&[u8]>(value.clone())?) {
            Some(date) => date,
            None => of::<NaiveDate>(value)?,
        }),
        Kind::Json => Value::Json(JsonText::parse(of(value)?)?),
        Kind::Bytes => Value::Bytes(of(value)?),
    })
}

/// A number of decimal digits alone.
fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
    })
}

/// `2026-01-31`; nothing else, above all nothing in the form that prepared statements answer in.
fn date_of(text: &[u8]) -> Option<NaiveDate> {
    let [year @ .., b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = (year.len() == 4).then(|| digits(year)).flatten()?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, digits(&[*m1, *m2])?, digits(&[*d1, *d2])?)
}

/// `2026-01-31 23:59:59.123456`, likewise.
fn instant_of(text: &[u8]) -> Option<NaiveDateTime> {
    let (date, time) = text.split_at_checked(10)?;
    let [b' ', h1, h2, b':', m1, m2, b':', s1, s2, b'.', micros @ ..] = time else { return None };
    let micros = (micros.len() == 6).then(|| digits(micros)).flatten()?;
    let (hour, minute) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
    date_of(date)?.and_hms_micro_opt(hour, minute, digits(&[*s1, *s2])?, micros)
}

/// Adds bytes in hexadecimal digits.
fn hexadecimal(text: &mut String, bytes: &[u8]) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    text.reserve(bytes.len() * 2 + 3);
    text.push_str("x'");
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
    text.push('\'');
}

/// Whether text means itself between single quotes, in every `sql_mode`, once its own are doubled. The
/// connection's character set and collation are the columns' own, and what is no ASCII is never part of a
/// quote in UTF-8.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| !matches!(byte, b'\\' | 0..b' ' | 0x7f))
}

/// Adds text: as it is, or as hexadecimal digits, which need no quoting. In the columns' own collation, or an
/// index whose column is held to it is not known to be in order; to name it costs the server 40 µs, as it
/// goes through the names of all.
fn text_literal(text: &mut String, value: &str, collation: &str) {
    if is_plain(value) {
        text.reserve(value.len() + 2);
        text.push('\'');
        for (i, part) in value.split('\'').enumerate() {
            text.push_str(if i == 0 { "" } else { "''" });
            text.push_str(part);
        }
        text.push('\'');
    } else {
        text.push_str("_utf8mb4 ");
        hexadecimal(text, value.as_bytes());
        text.push_str(collation);
    }
}

/// Adds a value as a literal.
pub(super) fn literal(text: &mut String, value: &Value) {
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
        Value::Text(t) => text_literal(text, t, " COLLATE utf8mb4_nopad_bin"),
        Value::Json(j) => text_literal(text, j.as_str(), ""),
        Value::Id(id) => hexadecimal(text, id.as_bytes()),
        Value::Bytes(b) => hexadecimal(text, b),
    }
}

#[cfg(test)]
mod tests {
    use super::{date_of, instant_of, literal};
    use chrono::{NaiveDate, NaiveDateTime};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_instant_is_read_as_the_server_writes_it(
            seconds in -30_610_224_000_i64..=253_402_300_799,
            micros in 0_u32..1_000_000,
        ) {
            let instant = chrono::DateTime::from_timestamp(seconds, micros * 1_000);
            let instant = instant.expect("years 1000 to 9999").naive_utc();
            let text = instant.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
            prop_assert_eq!(instant_of(text.as_bytes()), Some(instant));
            prop_assert_eq!(date_of(&text.as_bytes()[..10]), Some(instant.date()));
        }

        #[test]
        fn what_the_driver_reads_differently_is_left_to_it(bytes in prop::collection::vec(any::<u8>(), 0..30)) {
            let text = std::str::from_utf8(&bytes).unwrap_or_default();
            let driver = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok();
            prop_assert!(instant_of(&bytes).is_none_or(|read| Some(read) == driver));
            let driver = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
            prop_assert!(date_of(&bytes).is_none_or(|read| Some(read) == driver));
        }
    }

    #[test]
    fn quotes_are_doubled_and_what_escapes_or_controls_is_written_in_digits() {
        let written = |value: &str| {
            let mut text = String::new();
            literal(&mut text, &vivero_core::Value::Text(value.into()));
            text
        };
        for plain in ["", "Hebe", "Säule №7 – 50 %_x", "{\"a\":[1,null]}", "a -- b /* ; # */ `?`"]
        {
            assert_eq!(written(plain), format!("'{plain}'"));
        }
        for (quoted, doubled) in [("it's", "it''s"), ("'", "''"), ("'a' OR 'b'", "''a'' OR ''b''")]
        {
            assert_eq!(written(quoted), format!("'{doubled}'"));
        }
        for (other, digits) in
            [("'\\", "275c"), ("a\\", "615c"), ("\0", "00"), ("\n\u{1a}\u{7f}", "0a1a7f")]
        {
            assert_eq!(written(other), format!("_utf8mb4 x'{digits}' COLLATE utf8mb4_nopad_bin"));
        }
    }

    #[test]
    fn dates_that_are_none_are_not_read() {
        for text in ["", "2026-02-30", "0000-00-00", "2026-1-31", "26-01-31", "2026-01-31 "] {
            assert_eq!(date_of(text.as_bytes()), None, "{text}");
        }
        // A date and an instant in answers to prepared statements, the length before them.
        assert_eq!(date_of(&[4, 0xea, 7, 1, 31]), None);
        assert_eq!(instant_of(&[11, 0xea, 7, 1, 31, 23, 59, 59, 0, 0, 0, 0]), None);
        assert_eq!(instant_of(b"2026-01-31 24:00:00.000000"), None);
    }
}
