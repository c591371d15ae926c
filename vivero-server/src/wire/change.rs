//! Optional fields of a body, with absent, null and a value told apart.

use super::schema::describe;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::Type;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

/// A field of a patch that can be cleared: absent leaves it as it is, null clears it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Change<T>(pub(crate) Option<Option<T>>);

impl<T> Default for Change<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Option::deserialize(d).map(|value| Self(Some(value)))
    }
}

fn nullable<T: Type>() -> MetaSchemaRef {
    T::schema_ref().merge(MetaSchema { nullable: true, ..MetaSchema::ANY })
}

describe!(
    [T: Type + Serialize + DeserializeOwned] Change<T>,
    false,
    T::RawValueType,
    format!("change_{}", T::name()).into(),
    nullable::<T>(),
    T::register,
    |v| v.0.as_ref().and_then(Option::as_ref).and_then(Type::as_raw_value)
);

/// Reads an optional field that may be absent but not null.
pub(crate) fn present<'de, D, T>(d: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(d).map(Some)
}
