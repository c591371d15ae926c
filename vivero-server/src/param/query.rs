//! Parameters of the query.

use super::parameter;
use crate::problem::Failure;
use crate::scope::Scope;
use crate::wire::Word;
use crate::wire::schema::inline;
use crate::wire::word::Words;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use vivero_core::page::{DEFAULT_LIMIT, MAX_LIMIT};
use vivero_core::search::MAX_QUERY_CHARS;
use vivero_core::{EntityId, LocationId, UserId, Uuid};

/// An optional parameter of the query.
pub(crate) struct Query<T>(pub(crate) Option<T>);

/// The rule a value breaks, and in words.
type Broken = (&'static str, String);

/// What can stand in a query.
pub(crate) trait QueryValue: Sized + Send {
    /// Its description.
    fn schema() -> MetaSchemaRef;
    /// Adds what the description refers to.
    fn register(_: &mut Registry) {}
    /// Reads it.
    fn read(text: &str) -> Result<Self, Broken>;
}

parameter!(
    [T: QueryValue] Query<T>, Query, required: false, schema: T::schema(), register: T::register,
    read: |request, name| {
        let value = Scope::of(request)?.query(name).map(T::read).transpose();
        value.map(Self).map_err(|(rule, message)| Failure::field(name, rule, message))
    }
);

/// A parameter of the query that has to be there.
pub(crate) struct RequiredQuery<T>(pub(crate) T);

parameter!(
    [T: QueryValue] RequiredQuery<T>, Query, required: true, schema: T::schema(), register: T::register,
    read: |request, name| {
        let text = Scope::of(request)?.query(name);
        let text = text.ok_or_else(|| Failure::field(name, "required", "is required"))?;
        let value = T::read(text);
        value.map(Self).map_err(|(rule, message)| Failure::field(name, rule, message))
    }
);

impl<T: Words> QueryValue for Word<T> {
    fn schema() -> MetaSchemaRef {
        Self::reference()
    }
    fn register(registry: &mut Registry) {
        Self::add(registry);
    }
    fn read(text: &str) -> Result<Self, Broken> {
        text.parse().map(Self).map_err(|message| ("one_of", message))
    }
}

impl QueryValue for bool {
    fn schema() -> MetaSchemaRef {
        inline(MetaSchema::new("boolean"))
    }
    fn read(text: &str) -> Result<Self, Broken> {
        text.parse().map_err(|_| ("boolean", "must be true or false".into()))
    }
}

macro_rules! query_ids {
    ($($id:ident),*) => {$(
        impl QueryValue for $id {
            fn schema() -> MetaSchemaRef {
                inline(MetaSchema::new_with_format("string", "uuid"))
            }
            fn read(text: &str) -> Result<Self, Broken> {
                let uuid = if text.len() == 36 { text.parse::<Uuid>().ok() } else { None };
                uuid.map(Self::from_uuid).ok_or(("uuid", "must be a UUID with hyphens".into()))
            }
        }
    )*};
}
query_ids!(EntityId, LocationId, UserId);

/// Rows of a page.
#[derive(Clone, Copy)]
pub(crate) struct Limit(pub(crate) u32);

impl Query<Limit> {
    /// The number of rows wanted.
    pub(crate) fn rows(&self) -> u32 {
        self.0.map_or(DEFAULT_LIMIT, |l| l.0)
    }
}

impl QueryValue for Limit {
    fn schema() -> MetaSchemaRef {
        inline(MetaSchema {
            minimum: Some(1.0),
            maximum: Some(f64::from(MAX_LIMIT)),
            default: Some(DEFAULT_LIMIT.into()),
            ..MetaSchema::new_with_format("integer", "int32")
        })
    }
    fn read(text: &str) -> Result<Self, Broken> {
        match whole(text)? {
            0 => Err(("minimum", "must be at least 1".into())),
            n if n > u64::from(MAX_LIMIT) => {
                Err(("maximum", format!("must be at most {MAX_LIMIT}")))
            }
            n => Ok(Self(u32::try_from(n).unwrap_or(MAX_LIMIT))),
        }
    }
}

/// Words to search for.
pub(crate) struct Search(pub(crate) String);

impl QueryValue for Search {
    fn schema() -> MetaSchemaRef {
        inline(MetaSchema { max_length: Some(MAX_QUERY_CHARS), ..MetaSchema::new("string") })
    }
    fn read(text: &str) -> Result<Self, Broken> {
        Ok(Self(text.into()))
    }
}

/// Any short text: a sort, a cursor, a batch number. The service knows what fits.
pub(crate) struct Token(pub(crate) String);

impl QueryValue for Token {
    fn schema() -> MetaSchemaRef {
        inline(MetaSchema { max_length: Some(1024), ..MetaSchema::new("string") })
    }
    fn read(text: &str) -> Result<Self, Broken> {
        if text.len() > 4096 || text.chars().count() > 1024 {
            return Err(("max_length", "must have at most 1024 characters".into()));
        }
        Ok(Self(text.into()))
    }
}

/// A version of a record.
pub(crate) struct Version(pub(crate) i64);

impl QueryValue for Version {
    fn schema() -> MetaSchemaRef {
        inline(MetaSchema { minimum: Some(1.0), ..MetaSchema::new_with_format("integer", "int64") })
    }
    fn read(text: &str) -> Result<Self, Broken> {
        match i64::try_from(whole(text)?) {
            Ok(version) if version > 0 => Ok(Self(version)),
            _ => Err(("minimum", "must be at least 1".into())),
        }
    }
}

/// A position of the journal.
pub(crate) struct Position(pub(crate) u64);

impl QueryValue for Position {
    fn schema() -> MetaSchemaRef {
        inline(MetaSchema { minimum: Some(0.0), ..MetaSchema::new_with_format("integer", "int64") })
    }
    fn read(text: &str) -> Result<Self, Broken> {
        whole(text).map(Self)
    }
}

/// A whole number from 0 to 2⁶³ − 1, in digits.
pub(crate) fn whole(text: &str) -> Result<u64, Broken> {
    let digits = (1..=19).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None };
    number
        .filter(|n| i64::try_from(*n).is_ok())
        .ok_or(("integer", "must be a whole number in digits".into()))
}
