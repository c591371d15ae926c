//! Structured data as text: read into a tree only where somebody looks into it.
//!
//! A page of records goes from the database to the wire with the grower's own fields in each. Nobody looks into
//! them on the way, and to take each apart and write it again costs more than all else that is done with a row.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use std::fmt;

/// A JSON value, kept as its text. Two are the same if their values are, however they are written: the order of an
/// object's fields says nothing.
#[derive(Clone)]
pub struct JsonText(Box<RawValue>);

impl JsonText {
    /// Of a text, which is kept as it is.
    ///
    /// # Errors
    /// If it is not JSON.
    pub fn parse(text: String) -> serde_json::Result<Self> {
        RawValue::from_string(text).map(Self)
    }

    /// Of anything that can be JSON.
    ///
    /// # Errors
    /// If it cannot: a map whose keys are no texts.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Self> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// What it says.
    ///
    /// # Errors
    /// If it is nothing of that type.
    pub fn read<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.as_str())
    }

    /// As a tree; one no tree can be made of (a number beyond all floating ones, more than 127 levels) as its text.
    #[must_use]
    pub fn to_json(&self) -> Json {
        self.read().unwrap_or_else(|_| Json::String(self.as_str().to_owned()))
    }

    /// Whether it has fields.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.as_str().starts_with('{')
    }
}

impl From<Json> for JsonText {
    fn from(json: Json) -> Self {
        // The keys of such a value are texts: it can always be written.
        Self::of(&json).unwrap_or_default()
    }
}

/// An object without fields.
impl Default for JsonText {
    fn default() -> Self {
        Self(RawValue::from_string("{}".into()).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str() || self.to_json() == other.to_json()
    }
}

impl fmt::Debug for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// As the value itself.
impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// From anything, in any format.
impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Json::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<f64>().prop_map(Json::from),
            ".*".prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::btree_map(".*", inner, 0..4)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_written_as_the_value_is_and_its_text_is_kept(json in any_json()) {
            let text = JsonText::from(json.clone());
            prop_assert_eq!(text.as_str(), json.to_string());
            prop_assert_eq!(serde_json::to_string(&text).expect("text"), json.to_string());
            let again = JsonText::parse(text.to_string()).expect("JSON");
            prop_assert_eq!(again.as_str(), text.as_str());
            prop_assert_eq!(again.to_json(), serde_json::from_str::<Json>(&json.to_string()).expect("JSON"));
            prop_assert_eq!(text.is_object(), json.is_object());
        }

        #[test]
        fn what_is_no_json_is_refused(text in ".*") {
            let read = serde_json::from_str::<Json>(&text).is_ok();
            // Numbers no tree can hold are JSON nevertheless.
            prop_assert!(!read || JsonText::parse(text).is_ok());
        }
    }

    #[test]
    fn cut_off_or_followed_by_more_it_is_none() {
        let text = r#"{"pot": [12, "é\n", {"a": null}]}"#;
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            assert!(JsonText::parse(text[..end].into()).is_err(), "{}", &text[..end]);
            assert!(JsonText::parse(format!("{text}{}", &text[..=end.min(3)])).is_err());
        }
        assert!(JsonText::parse(format!(" {text}\n")).is_ok_and(|d| d.is_object()));
    }

    #[test]
    fn the_order_of_fields_and_how_they_are_written_say_nothing() {
        let of = |text: &str| JsonText::parse(text.into()).expect("JSON");
        assert_eq!(of(r#"{"a": 1, "b": "é"}"#), of(r#"{"b":"\u00e9","a":1}"#));
        assert_ne!(of("[1,2]"), of("[2,1]"));
        assert_ne!(of("1"), of("\"1\""));
        assert_eq!(of("1e999").to_json(), json!("1e999"), "more than a number can be");
        assert_eq!(JsonText::default(), of("{}"));
        let list: Vec<i64> = of("[1, 2]").read().expect("numbers");
        assert_eq!(list, [1, 2]);
        assert!(of("[1, 2]").read::<String>().is_err());
    }
}
