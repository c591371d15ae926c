//! Text without case, accents and punctuation, so that `Stückzahl`, `STUCKZAHL` and `stuckzahl` meet.

/// Lower-case letters and digits of `text` without accents; everything else is left out.
pub(super) fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        fold(c, &mut out);
    }
    out
}

/// As [`compact`], with one `_` where anything was left out between two words, and between the words
/// of `camelCase`.
pub(super) fn snake(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let (mut gap, mut after_lower) = (false, false);
    for c in text.chars() {
        if is_mark(c) {
            continue;
        }
        let word = c.is_alphanumeric();
        if word && !out.is_empty() && (gap || after_lower && c.is_uppercase()) {
            out.push('_');
        }
        gap = !word;
        after_lower = c.is_lowercase();
        fold(c, &mut out);
    }
    out
}

/// Accents typed as characters of their own, as macOS writes them.
const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn fold(c: char, out: &mut String) {
    if c.is_ascii() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        }
        return;
    }
    if is_mark(c) || !c.is_alphanumeric() {
        return;
    }
    for c in c.to_lowercase() {
        match c {
            'à'..='å' | 'ā' | 'ă' | 'ą' | 'ª' => out.push('a'),
            'æ' => out.push_str("ae"),
            'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => out.push('c'),
            'ď' | 'đ' | 'ð' => out.push('d'),
            'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => out.push('e'),
            'ĝ' | 'ğ' | 'ġ' | 'ģ' => out.push('g'),
            'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => out.push('i'),
            'ķ' => out.push('k'),
            'ĺ' | 'ļ' | 'ľ' | 'ł' => out.push('l'),
            'ñ' | 'ń' | 'ņ' | 'ň' => out.push('n'),
            'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'º' => out.push('o'),
            'œ' => out.push_str("oe"),
            'ŕ' | 'ŗ' | 'ř' => out.push('r'),
            'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => out.push('s'),
            'ß' => out.push_str("ss"),
            'ţ' | 'ť' | 'ț' => out.push('t'),
            'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => out.push('u'),
            'ý' | 'ÿ' => out.push('y'),
            'ź' | 'ż' | 'ž' => out.push('z'),
            c if is_mark(c) => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_punctuation_do_not_count() {
        for text in ["Stückzahl", "STÜCKZAHL", "stück-zahl", " Stu\u{308}ck_zahl. "] {
            assert_eq!(compact(text), "stuckzahl", "{text:?}");
        }
        assert_eq!(compact("Größe"), "grosse");
        assert_eq!(compact("N° d'œuvre"), "ndoeuvre");
        assert_eq!(compact("Κωδικός"), "κωδικός");
    }

    #[test]
    fn an_attribute_key_is_readable_snake_case() {
        assert_eq!(snake("Topf-Größe (cm)"), "topf_grosse_cm");
        assert_eq!(snake("potSize"), "pot_size");
        assert_eq!(snake("EAN"), "ean");
        assert_eq!(snake("  __Colour__ "), "colour");
        assert_eq!(snake("Pre\u{301}cio €"), "precio");
        assert_eq!(snake("€ / %"), "");
    }
}
