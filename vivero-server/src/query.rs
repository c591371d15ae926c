//! Reading the query string strictly: a parameter nobody declared is a mistake worth telling.

use crate::problem::Failure;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use vivero_core::FieldError;

/// Longest name of a parameter that is repeated back to the caller.
const SHOWN_CHARS: usize = 64;

/// The pairs of a query string, in order.
pub(crate) fn parse(text: Option<&str>) -> Result<Vec<(String, String)>, FieldError> {
    let Some(text) = text.filter(|t| !t.is_empty()) else { return Ok(Vec::new()) };
    let mut pairs = Vec::new();
    for pair in text.split('&').filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let bad = |rule: &str, message: &str| FieldError {
            field: shown(name),
            rule: rule.into(),
            message: message.into(),
        };
        let plain = decode(name).ok_or_else(|| bad("utf8", "must be UTF-8"))?;
        let value = decode(value).ok_or_else(|| bad("utf8", "must be UTF-8"))?;
        if value.chars().any(char::is_control) {
            return Err(bad("no_control_characters", "must not contain control characters"));
        }
        pairs.push((plain, value));
    }
    Ok(pairs)
}

/// Refuses parameters that are not `declared`, or are there twice.
pub(crate) fn check(pairs: &[(String, String)], declared: &[String]) -> Result<(), Failure> {
    for (i, (name, _)) in pairs.iter().enumerate() {
        if !declared.contains(name) {
            let message = if declared.is_empty() {
                "there are no query parameters here".to_owned()
            } else {
                format!("is not one of {}", declared.join(", "))
            };
            return Err(Failure::field(shown(name), "known_parameter", message));
        }
        if pairs[..i].iter().any(|(n, _)| n == name) {
            return Err(Failure::field(shown(name), "once", "must be given once"));
        }
    }
    Ok(())
}

fn decode(text: &str) -> Option<String> {
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { text.into() };
    percent_decode_str(&spaced).decode_utf8().ok().map(Cow::into_owned)
}

fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> Vec<String> {
        ["limit", "q"].map(String::from).to_vec()
    }

    #[test]
    fn pairs_are_decoded() {
        let pairs = parse(Some("q=a+b%20c%26&limit=5&")).expect("pairs");
        assert_eq!(pairs, [("q".into(), "a b c&".into()), ("limit".into(), "5".into())]);
        assert!(check(&pairs, &declared()).is_ok());
    }

    #[test]
    fn strange_parameters_are_named() {
        for (query, field) in [
            ("colour=1", "colour"),
            ("limit=1&limit=2", "limit"),
            ("q=%ff", "q"),
            ("q=%00", "q"),
            ("%ff=1", "%ff"),
        ] {
            let text = match parse(Some(query)) {
                Ok(pairs) => format!("{:?}", check(&pairs, &declared()).expect_err(query)),
                Err(error) => format!("{error:?}"),
            };
            assert!(text.contains(&format!("field: {field:?}")), "{query}: {text}");
        }
    }
}
