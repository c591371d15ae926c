//! Instants on the wire (RFC 3339, UTC, always six decimals), and days.

use super::schema::{describe, inline};
use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc};
use poem_openapi::registry::MetaSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// An instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Stamp(pub(crate) DateTime<Utc>);

impl From<DateTime<Utc>> for Stamp {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at)
    }
}

impl Serialize for Stamp {
    // A page has a hundred of these; chrono's formatter costs several times as much.
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let Ok(year) = u32::try_from(self.0.year()) else {
            return s.collect_str(&self.0.to_rfc3339());
        };
        if year > 9999 {
            return s.collect_str(&self.0.to_rfc3339());
        }
        digits(&mut text[0..4], year);
        digits(&mut text[5..7], self.0.month());
        digits(&mut text[8..10], self.0.day());
        digits(&mut text[11..13], self.0.hour());
        digits(&mut text[14..16], self.0.minute());
        digits(&mut text[17..19], self.0.second());
        digits(&mut text[20..26], self.0.nanosecond() / 1000 % 1_000_000);
        s.serialize_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

fn digits(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

describe!(
    [] Stamp, true, Stamp, "string_date-time".into(),
    inline(MetaSchema::new_with_format("string", "date-time")), |_| (), |v| Some(v)
);

/// A day (RFC 3339 `full-date`): four digits, two and two. Chrono reads more, `26-01-01` as one of the year 26.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Day(pub(crate) NaiveDate);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        let is_full = text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let day = is_full.then(|| text.parse().ok()).flatten();
        day.map(Self).ok_or_else(|| D::Error::custom("must be a day, as 2026-01-31"))
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut text = *b"0000-00-00";
        match u32::try_from(self.0.year()) {
            Ok(year) if year <= 9999 => digits(&mut text[0..4], year),
            _ => return s.collect_str(&self.0),
        }
        digits(&mut text[5..7], self.0.month());
        digits(&mut text[8..10], self.0.day());
        s.serialize_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

describe!(
    [] Day, true, Day, "string_date".into(),
    inline(MetaSchema::new_with_format("string", "date")), |_| (), |v| Some(v)
);

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::SecondsFormat;

    #[test]
    fn instants_are_written_as_chrono_writes_them() {
        for micros in [0, 1, 999_999, 1_700_000_000_123_456, 4_102_444_799_999_999, -1] {
            let at = DateTime::from_timestamp_micros(micros).expect("an instant");
            let text = serde_json::to_string(&Stamp(at)).expect("text");
            assert_eq!(text, format!("{:?}", at.to_rfc3339_opts(SecondsFormat::Micros, true)));
        }
    }

    #[test]
    fn days_are_written_as_chrono_writes_them() {
        let first = NaiveDate::MIN.iter_days().take(3);
        let last = NaiveDate::MAX.iter_days().take(1);
        let usual = NaiveDate::default().iter_days().take(40_000);
        let edges = [(0, 1), (-1, 365), (9999, 365), (10_000, 1)];
        let edges = edges.into_iter().filter_map(|(year, day)| NaiveDate::from_yo_opt(year, day));
        for day in first.chain(last).chain(usual).chain(edges) {
            let text = serde_json::to_string(&Day(day)).expect("text");
            assert_eq!(text, serde_json::to_string(&day).expect("text"));
            let again = serde_json::from_str::<Day>(&text).map_err(|_| ());
            assert_eq!(again, if text.len() == 12 { Ok(Day(day)) } else { Err(()) }, "{text}");
        }
    }

    #[test]
    fn what_is_no_full_date_is_no_day() {
        let texts = ["26-01-01", "2026-1-1", " 2026-01-01", "2026-01-01 ", "+2026-01-01"];
        let others = [
            "2026-02-30",
            "2026-00-01",
            "2026-01-00",
            "10000-01-01",
            "-001-01-01",
            "",
            "2026/01/01",
        ];
        for text in texts.into_iter().chain(others) {
            assert!(serde_json::from_value::<Day>(text.into()).is_err(), "{text}");
        }
        assert!(serde_json::from_value::<Day>(20_260_101.into()).is_err());
    }
}
