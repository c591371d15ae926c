//! One query language for every engine: words, all of which must match, each from its start.
//!
//! Both what is indexed and what is asked goes through the same folding here, so that engines with
//! different tokenizers give the same answers. A word with separators inside, like the code
//! `LAV-2026-00012`, is indexed in pieces *and* whole, the whole behind a mark of its own
//! (`q0lav202600012`): asked for as a whole it is one rare term instead of three common ones, and the
//! hundreds of thousands of different codes do not stand in the way of a search for `lav`.

use crate::error::{Error, Result};
use crate::record::{Column, Schema};
use crate::value::Value;

/// The most characters a search may have.
pub const MAX_QUERY_CHARS: usize = 200;
/// The most words a search may have.
pub const MAX_TERMS: usize = 8;

/// Stands before a word that was written with separators, or with letters and digits mixed.
const WHOLE: &str = "q0";

/// One word of a search: a row matches if one of the alternatives is the start of one of its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// One or two, of lower-case letters and digits only.
    pub alternatives: Vec<String>,
    /// Whether the whole word must match, not only its start.
    pub whole: bool,
}

/// The words of a search; all must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms(Vec<Term>);

impl Terms {
    /// Reads what a person typed.
    ///
    /// ```
    /// use vivero_core::search::Terms;
    /// let terms = Terms::parse("Lavandula LAV-2026-00012").unwrap();
    /// assert_eq!(terms.words()[0].alternatives, ["lavandula"]);
    /// assert_eq!(terms.words()[1].alternatives, ["q0lav202600012"]);
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        let fail = |rule: &str, message: String| Err(Error::invalid("q", rule, message));
        if text.len() > MAX_QUERY_CHARS * 4 || text.chars().count() > MAX_QUERY_CHARS {
            return fail("max_length", format!("must have at most {MAX_QUERY_CHARS} characters"));
        }
        let words: Vec<Term> = text.split_whitespace().filter_map(term).collect();
        if words.is_empty() {
            return fail("words", "must have at least one letter or digit".into());
        }
        if words.len() > MAX_TERMS {
            return fail("max_words", format!("must have at most {MAX_TERMS} words"));
        }
        Ok(Self(words))
    }
    /// The same search for rows that also have these whole words, as [`lead_word`] makes them.
    #[must_use]
    pub fn and_words(mut self, words: impl Iterator<Item = String>) -> Self {
        self.0.extend(words.map(|word| Term { alternatives: vec![word], whole: true }));
        self
    }
    /// The words.
    #[must_use]
    pub fn words(&self) -> &[Term] {
        &self.0
    }
}

fn term(word: &str) -> Option<Term> {
    let whole = fold(word);
    if whole.is_empty() {
        return None;
    }
    let inner = pieces(word).nth(1).is_some();
    let mixed = whole.chars().any(char::is_numeric) && whole.chars().any(char::is_alphabetic);
    let marked = format!("{WHOLE}{whole}");
    let alternatives = match (inner, mixed) {
        (true, _) => vec![marked],
        (false, true) => vec![whole, marked],
        (false, false) => vec![whole],
    };
    Some(Term { alternatives, whole: false })
}

fn pieces(word: &str) -> impl Iterator<Item = &str> {
    word.split(|c: char| !c.is_alphanumeric()).filter(|p| !p.is_empty())
}

/// Letters and digits in lower case, the rest dropped.
fn fold(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    fold_onto(&mut folded, word);
    folded
}

fn fold_onto(text: &mut String, word: &str) {
    if word.is_ascii() {
        // Nearly all words are, and an index in memory is built of millions.
        let letters = word.bytes().filter(u8::is_ascii_alphanumeric);
        text.extend(letters.map(|letter| char::from(letter.to_ascii_lowercase())));
    } else {
        fold_any_onto(text, word);
    }
}

fn fold_any_onto(text: &mut String, word: &str) {
    // Filtered last: some capitals become a letter and a mark, as İ does.
    text.extend(word.chars().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()));
}

/// The text under which a row is found: every searchable column, words folded as in [`Terms`].
#[must_use]
pub fn document(schema: &Schema, values: &[Value]) -> String {
    let mut text = String::new();
    for (column, value) in schema.columns.iter().zip(values) {
        if column.search {
            add(&mut text, column, value);
        }
        if let Some(word) = lead_word(column, value).filter(|_| schema.is_word(column)) {
            text.push_str(&word);
            text.push(' ');
        }
    }
    text
}

/// The word under which a row is found by the value of a lead filter: searching within it then needs
/// no look at the row.
#[must_use]
pub fn lead_word(column: &Column, value: &Value) -> Option<String> {
    match value {
        Value::Text(text) if !text.is_empty() => {
            Some(format!("q1{}{}e", fold(column.name), fold(text)))
        }
        _ => None,
    }
}

fn add(text: &mut String, column: &Column, value: &Value) {
    match value {
        Value::Text(t) => add_words(text, t),
        Value::Json(json) => add_json(text, &json.to_json()),
        Value::Null => {}
        other => add_words(text, other.to_json().to_string().trim_matches('"')),
    }
    debug_assert!(!column.secret, "a secret column must not be searchable");
}

fn add_json(text: &mut String, json: &serde_json::Value) {
    match json {
        serde_json::Value::String(s) => add_words(text, s),
        serde_json::Value::Number(n) => add_words(text, &n.to_string()),
        serde_json::Value::Array(items) => items.iter().for_each(|j| add_json(text, j)),
        serde_json::Value::Object(map) => map.values().for_each(|j| add_json(text, j)),
        serde_json::Value::Null | serde_json::Value::Bool(_) => {}
    }
}

fn add_words(text: &mut String, words: &str) {
    for word in words.split_whitespace() {
        if pieces(word).nth(1).is_some() {
            for piece in pieces(word) {
                fold_onto(text, piece);
                text.push(' ');
            }
            text.push_str(WHOLE);
        }
        let before = text.len();
        fold_onto(text, word);
        if text.len() > before {
            text.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{fold, fold_any_onto};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_word_of_ascii_folds_as_any_word_does(word in "[ -~]{0,40}") {
            let mut folded = String::new();
            fold_any_onto(&mut folded, &word);
            prop_assert_eq!(fold(&word), folded);
        }
    }
}
