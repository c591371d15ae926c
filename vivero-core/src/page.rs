//! Keyset paging: a cursor names the last row seen, so page 1,000 costs what page 1 costs.

use crate::error::{Error, Result};
use crate::value::Value;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, NaiveDate};

/// The most rows a page may have.
pub const MAX_LIMIT: u32 = 200;
/// The rows of a page when nothing is said.
pub const DEFAULT_LIMIT: u32 = 50;

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    limit: u32,
    cursor: Option<String>,
    total: bool,
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: DEFAULT_LIMIT, cursor: None, total: false }
    }
}

impl Page {
    /// The first `limit` rows; `limit` is brought into 1..=200.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { limit: limit.clamp(1, MAX_LIMIT), ..Self::default() }
    }
    /// A page from untrusted input: `limit` outside 1..=200 is refused.
    pub fn parse(limit: Option<u32>, cursor: Option<String>, total: bool) -> Result<Self> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        let mut check = crate::error::Check::new();
        check.range("limit", i64::from(limit), 1, i64::from(MAX_LIMIT));
        check.done()?;
        Ok(Self { limit, cursor, total })
    }
    /// The rows after `cursor`, which a former page gave as `next_cursor`.
    #[must_use]
    pub fn after(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = Some(cursor.into());
        self
    }
    /// Also count all rows that match.
    #[must_use]
    pub const fn with_total(mut self) -> Self {
        self.total = true;
        self
    }
    /// Rows wanted.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        self.limit
    }
    /// Where to go on.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }
    /// Whether the total is wanted.
    #[must_use]
    pub const fn total(&self) -> bool {
        self.total
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageOf<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Give this to [`Page::after`] for the next page; `None` on the last.
    pub next_cursor: Option<String>,
    /// How many rows match in all, if it was asked for.
    pub total: Option<u64>,
}

impl<T> PageOf<T> {
    /// The same page with each row changed.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> PageOf<U> {
        PageOf {
            items: self.items.into_iter().map(f).collect(),
            next_cursor: self.next_cursor,
            total: self.total,
        }
    }
}

/// A position in a sorted list: the sort value and the row's sequence number, which breaks ties.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    /// The sort the cursor belongs to, e.g. `-updated_at`.
    pub sort: String,
    /// The sort column's value at the last row; `Null` when the order is that of creation.
    pub key: Value,
    /// Sequence number of the last row.
    pub seq: i64,
}

impl Cursor {
    /// Opaque text for callers.
    ///
    /// ```
    /// use vivero_core::{Cursor, Value};
    /// let cursor = Cursor { sort: "name".into(), key: Value::Text("Hebe".into()), seq: 7 };
    /// assert_eq!(Cursor::decode(&cursor.encode(), "name").unwrap(), cursor);
    /// ```
    #[must_use]
    pub fn encode(&self) -> String {
        let (tag, key) = match &self.key {
            Value::Text(t) => ('t', t.clone()),
            Value::Int(i) => ('i', i.to_string()),
            Value::Time(t) => ('m', t.timestamp_micros().to_string()),
            Value::Date(d) => ('d', d.to_string()),
            Value::Id(id) => ('u', id.simple().to_string()),
            Value::Bool(b) => ('b', i64::from(*b).to_string()),
            Value::Null | Value::Json(_) | Value::Bytes(_) => ('n', String::new()),
        };
        URL_SAFE_NO_PAD.encode(format!("{}\0{}\0{tag}{key}", self.sort, self.seq))
    }

    /// Reads a cursor back; it must belong to the same `sort`.
    pub fn decode(text: &str, sort: &str) -> Result<Self> {
        let bad = || Error::invalid("cursor", "cursor", "is not a cursor of this list");
        if text.len() > 4096 {
            return Err(bad());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad())?;
        let plain = String::from_utf8(bytes).map_err(|_| bad())?;
        let mut parts = plain.splitn(3, '\0');
        let (Some(of), Some(seq), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad());
        };
        if of != sort {
            return Err(Error::invalid(
                "cursor",
                "cursor_sort",
                "belongs to a list with another sort",
            ));
        }
        let seq = seq.parse().map_err(|_| bad())?;
        let mut chars = key.chars();
        let tag = chars.next().ok_or_else(bad)?;
        let key = chars.as_str();
        let key = match tag {
            't' => Value::Text(key.into()),
            'i' => Value::Int(key.parse().map_err(|_| bad())?),
            'm' => Value::Time(
                key.parse().ok().and_then(DateTime::from_timestamp_micros).ok_or_else(bad)?,
            ),
            'd' => Value::Date(key.parse::<NaiveDate>().map_err(|_| bad())?),
            'u' => Value::Id(key.parse().map_err(|_| bad())?),
            'b' => Value::Bool(key == "1"),
            'n' => Value::Null,
            _ => return Err(bad()),
        };
        Ok(Self { sort: sort.into(), key, seq })
    }
}
