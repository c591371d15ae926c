use crate::rules;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use vivero_core::search::{MAX_QUERY_CHARS, MAX_TERMS, Terms, document};
use vivero_core::{Record, RecordId, Uuid};

#[derive(Debug, Clone, PartialEq, Record)]
#[record(table = "notes", resource = "note")]
struct Note {
    id: RecordId<Self>,
    #[record(search)]
    title: String,
    body: String,
    #[record(search)]
    more: Option<String>,
    #[record(search)]
    papers: Json,
}

fn note(title: &str) -> Note {
    Note {
        id: RecordId::from_uuid(Uuid::from_u128(1)),
        title: title.into(),
        body: "unsearchable".into(),
        more: None,
        papers: json!({}),
    }
}

fn indexed(note: Note) -> String {
    document(Note::SCHEMA, &note.into_values())
}

/// Whether an engine that knows the document only would find it.
fn finds(document: &str, typed: &str) -> bool {
    let terms = Terms::parse(typed).expect("a search that can be asked");
    terms.words().iter().all(|term| {
        term.alternatives
            .iter()
            .any(|a| document.split_whitespace().any(|word| word.starts_with(a)))
    })
}

#[test]
fn searches_have_limits() {
    for (text, rule) in [
        ("x".repeat(MAX_QUERY_CHARS), None),
        ("🌱x".repeat(MAX_QUERY_CHARS / 2), None),
        ("x".repeat(MAX_QUERY_CHARS + 1), Some("q: max_length")),
        ("x".repeat(1_000_000), Some("q: max_length")),
        ("a ".repeat(MAX_TERMS), None),
        ("a ".repeat(MAX_TERMS + 1), Some("q: max_words")),
        ("- a ".repeat(MAX_TERMS), None),
        (String::new(), Some("q: words")),
        ("\" * - ( ) 🌱".into(), Some("q: words")),
    ] {
        let refused = Terms::parse(&text).err().map(|e| rules(&e).join(", "));
        let shown: String = text.chars().take(20).collect();
        assert_eq!(refused.as_deref(), rule, "{shown:?} …");
    }
}

#[test]
fn only_declared_columns_are_indexed() {
    let mut full = note("Hebe albicans");
    full.more = Some("LAV-2026-00012".into());
    full.papers = json!({"key": ["Value", 45, true, null, {"deep": "Elm"}]});
    let text = indexed(full);
    for typed in ["hebe", "albi", "lav", "2026", "lav-2026-00012", "LAV2026", "value", "45", "elm"]
    {
        assert!(finds(&text, typed), "{typed:?} in {text:?}");
    }
    for typed in ["unsearchable", "key", "deep", "true", "null", "bicans", "lav-2025"] {
        assert!(!finds(&text, typed), "{typed:?} in {text:?}");
    }
}

#[test]
fn capitals_that_become_a_letter_and_a_mark_stay_letters() {
    for word in ["İstanbul", "ISTANBUL", "STRAẞE", "Σίσυφος", "ǅungla", "ŉa"] {
        let terms = Terms::parse(word).expect("a word");
        let folded = &terms.words()[0].alternatives[0];
        assert!(folded.chars().all(char::is_alphanumeric), "{word} became {folded:?}");
        assert!(finds(&indexed(note(word)), word), "{word}");
    }
}

proptest! {
    #[test]
    fn reading_a_search_never_panics_and_leaves_letters_and_digits_only(text in ".{0,260}|[a-zA-Z0-9 _.-]{0,60}") {
        if let Ok(terms) = Terms::parse(&text) {
            prop_assert!((1..=MAX_TERMS).contains(&terms.words().len()));
            for term in terms.words() {
                prop_assert!((1..=2).contains(&term.alternatives.len()));
                for word in &term.alternatives {
                    prop_assert!(!word.is_empty());
                    prop_assert!(word.chars().all(char::is_alphanumeric), "{:?}", word);
                }
            }
        }
    }

    #[test]
    fn every_word_of_a_text_finds_it(text in "\\PC{0,60}|([A-Z]{1,4}-?[0-9]{0,4}[ /.]?){1,6}") {
        let mut as_json = note("");
        as_json.papers = json!({ "a": [{ "b": text }] });
        for document in [indexed(note(&text)), indexed(as_json)] {
            for word in text.split_whitespace().filter(|w| Terms::parse(w).is_ok()) {
                prop_assert!(finds(&document, word), "{:?} in {:?}", word, document);
                prop_assert!(finds(&document, &word.to_lowercase()), "{:?} in {:?}", word, document);
            }
        }
    }

    #[test]
    fn the_start_of_a_word_or_code_is_enough(
        text in "[A-Za-zÀ-ÖØ-öø-ſ]{1,12}|[A-Z]{2,4}-20[0-9]{2}-[0-9]{5}|[A-Z]{1,3}[0-9]{1,6}", keep in 1..14_usize,
    ) {
        let start: String = text.chars().take(keep).collect();
        prop_assert!(finds(&indexed(note(&text)), &start), "{:?} of {:?}", start, text);
    }

    #[test]
    fn documents_hold_folded_words_only(text in "\\PC{0,60}") {
        let document = indexed(note(&text));
        prop_assert!(document.chars().all(|c| c.is_alphanumeric() || c == ' '), "{:?}", document);
    }
}
