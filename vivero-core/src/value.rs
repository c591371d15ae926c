//! A stored value without its type: what crosses the line between typed records and any database.

use crate::JsonText;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::Value as Json;
use uuid::Uuid;

/// The value of one column of one row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// Whole number. Quantities are in the smallest unit, money in minor units.
    Int(i64),
    /// Text.
    Text(String),
    /// An id.
    Id(Uuid),
    /// An instant, microsecond precision, UTC.
    Time(DateTime<Utc>),
    /// A day without a time.
    Date(NaiveDate),
    /// Structured data.
    Json(JsonText),
    /// Bytes: hashes and secrets.
    Bytes(Vec<u8>),
}

impl Value {
    /// Whether there is no value.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// As it appears in the journal and on the wire.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(b) => Json::Bool(*b),
            Self::Int(i) => Json::from(*i),
            Self::Text(t) => Json::String(t.clone()),
            Self::Id(id) => Json::String(id.to_string()),
            Self::Time(t) => Json::String(t.to_rfc3339_opts(SecondsFormat::Micros, true)),
            Self::Date(d) => Json::String(d.to_string()),
            Self::Json(json) => json.to_json(),
            Self::Bytes(_) => Json::String("[bytes]".into()),
        }
    }
}
