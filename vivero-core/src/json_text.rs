//! Structured data as text: read into a tree only where somebody looks into it.
//!
//! A page of records goes from the database to the wire with the grower's own fields in each. Nobody looks into
//! them on the way, and to take each apart and write it again costs more than all else that is done with a row.

use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
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
    /// If it is not JSON, or none that can be read into a tree: half of a surrogate pair, a number beyond all
    /// floating ones, more than 127 levels.
    pub fn parse(text: String) -> serde_json::Result<Self> {
        serde_json::from_str::<Readable>(&text)?;
        Self::again(text)
    }

    /// Of what was [`Self::as_str`] of another: quicker, as only its grammar is looked at.
    ///
    /// # Errors
    /// If it is not JSON.
    pub fn again(text: String) -> serde_json::Result<Self> {
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

    /// As a tree; one made of a tree of more than 127 levels, which is not read again, as its text.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self.read() {
            Ok(Tree(json)) => json,
            Err(_) => Json::String(self.as_str().to_owned()),
        }
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

/// As the value itself: to JSON as its text.
impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return self.0.serialize(serializer);
        }
        self.to_json().serialize(serializer)
    }
}

/// From whatever can be a tree.
impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Tree::deserialize(deserializer).map(|tree| tree.0.into())
    }
}

/// A tree of which every key is a key. `serde_json` itself takes an object that begins with the name of its own raw
/// values for one of those, and reads the text in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree(pub Json);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyTree)
    }
}

struct AnyTree;

impl<'de> Visitor<'de> for AnyTree {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree(Json::Null))
    }
    fn visit_bool<E>(self, is: bool) -> Result<Tree, E> {
        Ok(Tree(is.into()))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree(number.into()))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree(number.into()))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
        Ok(Tree(number.into()))
    }
    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree(text.into()))
    }
    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree(text.into()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut all = Vec::new();
        while let Some(Tree(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Tree(all.into()))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Tree, A::Error> {
        let mut all = serde_json::Map::new();
        while let Some((name, Tree(value))) = fields.next_entry()? {
            all.insert(name, value);
        }
        Ok(Tree(all.into()))
    }
}

/// Any JSON that can be read into a tree, without the tree.
struct Readable;

impl<'de> Deserialize<'de> for Readable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Readable {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Self, E> {
        if number.is_finite() { Ok(self) } else { Err(E::custom("number out of range")) }
    }
    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self, A::Error> {
        while fields.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
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
            prop_assert_eq!(again.to_json(), json.clone(), "numbers to the last bit");
            prop_assert_eq!(serde_json::from_str::<JsonText>(text.as_str()).expect("JSON"), json.clone().into());
            prop_assert_eq!(text.is_object(), json.is_object());
        }

        #[test]
        fn what_is_no_json_is_refused(text in ".*") {
            let read = serde_json::from_str::<Json>(&text).is_ok();
            prop_assert_eq!(read, JsonText::parse(text).is_ok());
        }

        #[test]
        fn what_is_nearly_json_is_taken_if_a_tree_is(text in r#"[\[{]{0,2}("[a\\ud8c0"n]{0,8}"|[-+.0-9eE]{1,6}|null|tru)[:,\]} ]{0,3}"#) {
            let read = serde_json::from_str::<Json>(&text).is_ok();
            prop_assert_eq!(read, JsonText::parse(text).is_ok());
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
        assert_eq!(
            of("8.556437535901935e-10").to_string(),
            of("8.556437535901935e-10").to_json().to_string()
        );
        for unreadable in ["1e999", r#""\ud800""#, r#"{"\udc00":1}"#, &"[".repeat(200), "\"\u{1}\""]
        {
            assert!(JsonText::parse(unreadable.into()).is_err(), "{unreadable}");
        }
        let raw = r#"{"$serde_json::private::RawValue":"[1]"}"#;
        assert_eq!(of(raw).to_json().to_string(), raw, "a key like any other");
        assert_ne!(of(raw), of("[1]"));
        let nested: JsonText = serde_json::from_str(&format!("[{raw}]")).expect("JSON");
        assert_eq!(nested.to_string(), format!("[{raw}]"));
        let levels = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(JsonText::parse(levels(127)).is_ok_and(|json| json.to_json().is_array()));
        assert!(JsonText::parse(levels(128)).is_err());
        let bytes = serde_json::to_value(of(r#"{"a":[1]}"#)).expect("a tree");
        assert_eq!(bytes, json!({"a": [1]}));
        assert_eq!(JsonText::default(), of("{}"));
        let list: Vec<i64> = of("[1, 2]").read().expect("numbers");
        assert_eq!(list, [1, 2]);
        assert!(of("[1, 2]").read::<String>().is_err());
    }
}
