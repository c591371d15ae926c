//! Edits of fields that can be empty.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an edit does to a field that can be empty. A field left out of an edit stays as it is.
///
/// ```
/// use vivero_client::{Change, EntityPatch};
///
/// let patch = EntityPatch {
///     batch_number: Some(Change::from("DE-2026-117")),
///     ready_on: Some(Change::Clear),
///     ..EntityPatch::default()
/// };
/// # let json = serde_json::to_string(&patch).unwrap();
/// # assert_eq!(json, r#"{"batch_number":"DE-2026-117","ready_on":null}"#);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<T> {
    /// Empties the field.
    Clear,
    /// Gives the field this value.
    To(T),
}

impl<T> From<T> for Change<T> {
    fn from(value: T) -> Self {
        Self::To(value)
    }
}

impl From<&str> for Change<String> {
    fn from(value: &str) -> Self {
        Self::To(value.to_owned())
    }
}

impl<T: Serialize> Serialize for Change<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Clear => serializer.serialize_none(),
            Self::To(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::To))
    }
}
