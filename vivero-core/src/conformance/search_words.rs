//! Full-text search: which words there are.

use super::Harness;
use super::ground::Ground;
use super::sample::Sample;
use super::search::found;
use crate::search::{MAX_QUERY_CHARS, MAX_TERMS, Terms};

async fn named(ground: &Ground, code: impl Into<String>, name: impl Into<String>) {
    ground.create_one(Sample { name: name.into(), ..ground.source.sample(code) }).await;
}

pub(super) async fn case_makes_no_difference(harness: &dyn Harness) {
    let ground = Ground::new(harness, "case").await;
    named(&ground, "A", "Große Évora ÄPFEL Ñandú Ωmega ЖИВО ǅungla").await;
    for typed in [
        "große", "GROßE", "Große", "évora", "ÉVORA", "éV", "äpfel", "ÄPFEL", "ñandú", "ÑANDÚ",
        "ωMEGA", "живо", "Живо", "ǆungla", "ǄUNGLA",
    ] {
        assert_eq!(found(&ground, typed).await, ["A"], "{typed:?}: case makes no difference");
    }
}

pub(super) async fn words_of_any_script_are_found(harness: &dyn Harness) {
    let ground = Ground::new(harness, "scripts").await;
    let words = [
        "植物园",
        "とうきょう",
        "서울",
        "किताब",
        "ภาษาไทย",
        "العربية",
        "עברית",
        "Ελλάδα",
        "հայերեն",
        "ქართული",
        "ⅷ",
        "½",
        "²",
        "ª",
        "٣٤",
        "𝒜lpha",
        "𐐀desert",
        "e\u{301}cole",
        "İstanbul",
        "ﬁne",
        "ⓐlpha",
        "ͅx",
        "ŉa",
        "𞤀𞤣𞤤𞤢𞤥",
        "𐓏𐓘𐓻",
        "أَنَا",
    ];
    for (i, word) in words.iter().enumerate() {
        named(&ground, format!("W{i}W"), *word).await;
    }
    for (i, word) in words.iter().enumerate() {
        if Terms::parse(word).is_ok() {
            let codes = found(&ground, word).await;
            assert!(
                codes.contains(&format!("W{i}W")),
                "{word:?} is found by itself, not {codes:?}"
            );
        }
    }
}

pub(super) async fn words_of_query_languages_are_harmless(harness: &dyn Harness) {
    let ground = Ground::new(harness, "harmless").await;
    named(&ground, "AND-1", "salt and pepper or not near").await;
    named(&ground, "B", "salt alone").await;
    for (typed, wanted) in [
        ("salt AND pepper", vec!["AND-1"]),
        ("salt OR pepper", vec!["AND-1"]),
        ("salt OR alone", vec![]),
        ("NOT", vec!["AND-1"]),
        ("salt NOT pepper", vec!["AND-1"]),
        ("NEAR", vec!["AND-1"]),
        ("NEAR(salt, 5)", vec![]),
        ("name:salt", vec![]),
        ("search_text : salt", vec![]),
        ("- salt", vec!["AND-1", "B"]),
        ("-salt", vec!["AND-1", "B"]),
        ("+salt -pepper", vec!["AND-1"]),
        ("\"salt alone\"", vec!["B"]),
        ("\"salt", vec!["AND-1", "B"]),
        ("salt\"", vec!["AND-1", "B"]),
        ("\"\"salt\"\"", vec!["AND-1", "B"]),
        ("sal*", vec!["AND-1", "B"]),
        ("*salt", vec!["AND-1", "B"]),
        ("* salt", vec!["AND-1", "B"]),
        ("^salt", vec!["AND-1", "B"]),
        ("{salt}", vec!["AND-1", "B"]),
        ("(salt", vec!["AND-1", "B"]),
        ("salt)", vec!["AND-1", "B"]),
        ("salt ( ) alone", vec!["B"]),
        ("'salt'", vec!["AND-1", "B"]),
        ("salt'; DROP TABLE conformance_samples; --", vec![]),
        ("salt\\ alone\\", vec!["B"]),
        ("sa%", vec!["AND-1", "B"]),
        ("_alt", vec![]),
        ("~salt >alone <alone @2", vec![]),
        ("<salt> &alone; | alone", vec!["B"]),
    ] {
        let codes = found(&ground, typed).await;
        assert_eq!(codes, wanted, "{typed:?}: only letters and digits count");
    }
    for typed in ["\"", "*", "-", "()", "\" \"", "^ ~ @", "%", "'", "\\", "--", "🌱"] {
        let refused = Terms::parse(typed).is_err();
        assert!(refused || found(&ground, typed).await.is_empty(), "{typed:?} has no word");
    }
}

pub(super) async fn long_words_and_many_words_are_found(harness: &dyn Harness) {
    let ground = Ground::new(harness, "long").await;
    let long = "x".repeat(MAX_QUERY_CHARS);
    named(&ground, "LONG", long.clone()).await;
    assert_eq!(found(&ground, &long).await, ["LONG"], "a word as long as a search may be");
    assert_eq!(found(&ground, &long[..MAX_QUERY_CHARS - 1]).await, ["LONG"], "and its start");
    let many: Vec<String> = (0..MAX_TERMS).map(|i| format!("word{i}")).collect();
    named(&ground, "MANY", many.join(" ")).await;
    assert_eq!(found(&ground, &many.join(" ")).await, ["MANY"], "as many words as may be asked");
    let emoji = format!("🌱{}🌱", "ñ".repeat(100));
    named(&ground, "WIDE", emoji.clone()).await;
    assert_eq!(found(&ground, &emoji).await, ["WIDE"], "words with signs around them");
    let once = ["a", "to", "of", "the", "and", "ii"];
    named(&ground, "SHORT", once.join(" ")).await;
    for word in once {
        let codes = found(&ground, word).await;
        assert!(codes.contains(&"SHORT".to_owned()), "{word:?}: short and common words are words");
    }
}

pub(super) async fn a_single_letter_is_a_word(harness: &dyn Harness) {
    let ground = Ground::new(harness, "single letter").await;
    named(&ground, "1", "x marks the spot").await;
    named(&ground, "2", "xylem").await;
    named(&ground, "3", "spot 7").await;
    // Whether one letter also stands for every word it begins is the engine's choice: there are
    // many. That it finds itself is not.
    let codes = found(&ground, "x").await;
    assert!(codes == ["1"] || codes == ["1", "2"], "one letter finds itself, not {codes:?}");
    assert_eq!(found(&ground, "x spot").await, ["1"], "and narrows a search");
    assert_eq!(found(&ground, "7 sp").await, ["3"], "so does one digit");
}
