//! What makes a plain struct a record: a schema known at compile time and a way to and from values.
//!
//! Implement it with `#[derive(Record)]`; everything a store does with a record it does from the
//! [`Schema`], so an integrator's own type gets the same powers as vivero's.

use crate::JsonText;
use crate::ids::RecordId;
use crate::json_text::Tree;
use crate::value::Value;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::fmt::Debug;
use std::ops::Deref;
use uuid::Uuid;

/// The storage class of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// True or false.
    Bool,
    /// Whole number, 64 bits, signed.
    Int,
    /// Text.
    Text,
    /// UUID.
    Id,
    /// Instant, UTC, microseconds.
    Time,
    /// Day.
    Date,
    /// JSON document.
    Json,
    /// Bytes.
    Bytes,
}

/// A Rust type that can be a column.
pub trait Field: Sized {
    /// How it is stored.
    const KIND: Kind;
    /// Whether "no value" is a value of it.
    const NULLABLE: bool = false;
    /// All values it can have, when they are few and known: lets a store plan filters.
    const DOMAIN: &'static [&'static str] = &[];
    /// To storage.
    fn into_value(self) -> Value;
    /// From storage; `None` if the value is not of this type.
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! field {
    ($($ty:ty => $kind:ident, $variant:ident;)*) => {$(
        impl Field for $ty {
            const KIND: Kind = Kind::$kind;
            fn into_value(self) -> Value { Value::$variant(self) }
            fn from_value(value: Value) -> Option<Self> {
                match value { Value::$variant(v) => Some(v), _ => None }
            }
        }
    )*};
}
field! {
    bool => Bool, Bool;
    i64 => Int, Int;
    String => Text, Text;
    Uuid => Id, Id;
    DateTime<Utc> => Time, Time;
    NaiveDate => Date, Date;
    JsonText => Json, Json;
    Vec<u8> => Bytes, Bytes;
}
impl Field for Json {
    const KIND: Kind = Kind::Json;
    fn into_value(self) -> Value {
        Value::Json(self.into())
    }
    fn from_value(value: Value) -> Option<Self> {
        JsonText::from_value(value)?.read::<Tree>().ok().map(|tree| tree.0)
    }
}
impl<T: Field> Field for Option<T> {
    const KIND: Kind = T::KIND;
    const NULLABLE: bool = true;
    const DOMAIN: &'static [&'static str] = T::DOMAIN;
    fn into_value(self) -> Value {
        self.map_or(Value::Null, Field::into_value)
    }
    fn from_value(value: Value) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::from_value(value).map(Some) }
    }
}
impl<R> Field for RecordId<R> {
    const KIND: Kind = Kind::Id;
    fn into_value(self) -> Value {
        Value::Id(self.uuid())
    }
    fn from_value(value: Value) -> Option<Self> {
        Uuid::from_value(value).map(Self::from_uuid)
    }
}

/// One column of a record type, with what is declared of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Name in the database, the journal and the API.
    pub name: &'static str,
    /// Storage class.
    pub kind: Kind,
    /// Whether it may have no value.
    pub nullable: bool,
    /// All values it can have, when few and known.
    pub domain: &'static [&'static str],
    /// Lists can be narrowed by it; it gets an index.
    pub filter: bool,
    /// As `filter`, and combined with every sort: for a filter whose values gather at one end of
    /// the sorts (old stock is archived, new stock is not).
    pub lead: bool,
    /// Lists can be ordered by it; it gets an index.
    pub sort: bool,
    /// Found by full-text search.
    pub search: bool,
    /// No two records of the tenant share a value.
    pub unique: bool,
    /// Counted per value for the dashboard.
    pub count: bool,
    /// Summed for the dashboard.
    pub sum: bool,
    /// Personal data: part of a person's export, gone after erasure.
    pub personal: bool,
    /// Never leaves the database: redacted in the journal.
    pub secret: bool,
    /// Changed by commands only, never by an update.
    pub command: bool,
    /// Most characters (text) or bytes (JSON) a store must hold.
    pub max: u32,
}

macro_rules! column_flags {
    ($($(#[$doc:meta])* $flag:ident)*) => {
        impl Column { $(
            $(#[$doc])* #[must_use]
            pub const fn $flag(mut self) -> Self { self.$flag = true; self }
        )* }
    };
}
column_flags! {
    /// Declares [`Column::filter`].
    filter
    /// Declares [`Column::sort`].
    sort
    /// Declares [`Column::search`].
    search
    /// Declares [`Column::unique`].
    unique
    /// Declares [`Column::count`].
    count
    /// Declares [`Column::sum`].
    sum
    /// Declares [`Column::personal`].
    personal
    /// Declares [`Column::secret`].
    secret
    /// Declares [`Column::command`].
    command
}

impl Column {
    /// A column that stores `T`.
    #[must_use]
    pub const fn of<T: Field>(name: &'static str) -> Self {
        Self {
            name,
            kind: T::KIND,
            nullable: T::NULLABLE,
            domain: T::DOMAIN,
            filter: false,
            lead: false,
            sort: false,
            search: false,
            unique: false,
            count: false,
            sum: false,
            personal: false,
            secret: false,
            command: false,
            max: 255,
        }
    }
    /// Declares [`Column::lead`] (and [`Column::filter`]).
    #[must_use]
    pub const fn lead(mut self) -> Self {
        self.filter = true;
        self.lead = true;
        self
    }
    /// Declares [`Column::max`].
    #[must_use]
    pub const fn max(mut self, max: u32) -> Self {
        self.max = max;
        self
    }
}

/// A record type as a store sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Schema {
    /// Table in each tenant's database.
    pub table: &'static str,
    /// First half of its permissions, and its name in the journal: `entity` in `entity.read`.
    pub resource: &'static str,
    /// The columns, without the ones every record has (id, version, created, updated, deleted).
    pub columns: &'static [Column],
    /// The column that names the owner, for the scope `own`; `None` means the creator owns it.
    pub owner: Option<&'static str>,
    /// The column that names the location, for the scope `location`; `id` for locations themselves.
    pub location: Option<&'static str>,
    /// Filters that are asked for in every combination and have few values each. They share an index
    /// per sort, so a list that names any of them costs the same however rare the combination, however
    /// deep the page and whatever the sort; and they narrow a search without a look at the rows.
    pub facets: &'static [&'static str],
}

impl Schema {
    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|c| c.name == name)
    }
    /// Position of a column.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
    /// Whether a search can be narrowed by the column without a look at the rows.
    #[must_use]
    pub fn is_word(&self, column: &Column) -> bool {
        column.lead || self.facets.contains(&column.name)
    }
    /// Whether any column is found by full-text search.
    #[must_use]
    pub fn is_searchable(&self) -> bool {
        self.columns.iter().any(|c| c.search)
    }
    /// The permission for `action` on this resource, e.g. `entity.read`.
    #[must_use]
    pub fn permission(&self, action: &str) -> String {
        format!("{}.{action}", self.resource)
    }
}

/// A struct that vivero stores: made with `#[derive(Record)]`.
///
/// Contract: `into_values` gives one value per column of `SCHEMA`, in its order, and `from_values`
/// reads them back to an equal struct.
pub trait Record: Clone + Debug + Send + Sync + 'static {
    /// What a store knows of the type.
    const SCHEMA: &'static Schema;
    /// The record's id; nil before it is created.
    fn record_id(&self) -> Uuid;
    /// Sets the id when the record is created.
    fn set_record_id(&mut self, id: Uuid);
    /// To storage.
    fn into_values(self) -> Vec<Value>;
    /// From storage; the error names the column that does not decode.
    fn from_values(id: Uuid, values: Vec<Value>) -> Result<Self, &'static str>;
    /// Rules of the type itself, checked before every write. Every broken rule is reported.
    fn validate(&self, check: &mut crate::error::Check) {
        let _ = check;
    }
}

/// A row of any record type.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Place in the order of creation; 0 before the row is stored.
    pub seq: i64,
    /// The record's id.
    pub id: Uuid,
    /// 1 at creation, one more with every change.
    pub version: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Who created it.
    pub created_by: Uuid,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Who last changed it.
    pub updated_by: Uuid,
    /// When it was deleted, if it is.
    pub deleted_at: Option<DateTime<Utc>>,
    /// One value per column of the schema.
    pub values: Vec<Value>,
}

/// A record together with what vivero keeps of every record.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<R> {
    /// The record itself; also reached by dereferencing.
    pub record: R,
    /// Version to hand back as "expected" when changing it.
    pub version: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Who created it; [`crate::ids::SYSTEM_ACTOR`] if no person did.
    pub created_by: Uuid,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Who last changed it.
    pub updated_by: Uuid,
    /// When it was deleted, if it is.
    pub deleted_at: Option<DateTime<Utc>>,
}

impl<R> Deref for Stored<R> {
    type Target = R;
    fn deref(&self) -> &R {
        &self.record
    }
}

impl<R: Record> Stored<R> {
    /// Reads a row as this record type.
    pub fn from_row(row: Row) -> crate::Result<Self> {
        let record = R::from_values(row.id, row.values).map_err(|column| {
            crate::Error::corrupt(format!("{}.{column} of {}", R::SCHEMA.table, row.id))
        })?;
        Ok(Self {
            record,
            version: row.version,
            created_at: row.created_at,
            created_by: row.created_by,
            updated_at: row.updated_at,
            updated_by: row.updated_by,
            deleted_at: row.deleted_at,
        })
    }
}

/// Defines an enum whose values are stored and sent as text.
#[macro_export]
macro_rules! text_enum {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $vis enum $name { $($(#[$vdoc])* $variant),* }
        impl $name {
            /// Every value, in order.
            $vis const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// Every value as text, in order.
            $vis const NAMES: &'static [&'static str] = &[$($text),*];
            /// As stored and sent.
            #[must_use]
            $vis const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }
        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(format!("must be one of {}", Self::NAMES.join(", "))),
                }
            }
        }
        impl $crate::record::Field for $name {
            const KIND: $crate::record::Kind = $crate::record::Kind::Text;
            const DOMAIN: &'static [&'static str] = Self::NAMES;
            fn into_value(self) -> $crate::Value { $crate::Value::Text(self.as_str().into()) }
            fn from_value(value: $crate::Value) -> Option<Self> {
                match value { $crate::Value::Text(t) => t.parse().ok(), _ => None }
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.serialize_str(self.as_str()) }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
