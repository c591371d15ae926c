//! From bytes to a wire type.

use crate::problem::Failure;
use poem::http::StatusCode;
use serde::de::{DeserializeOwned, IgnoredAny};

/// Reads JSON. Errors name the path of the field and the rule it breaks.
pub(super) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    if bytes.is_empty() {
        return Err(malformed("empty_body", "must not be empty".into()));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        malformed("utf8", format!("must be UTF-8; byte {} is not", e.valid_up_to() + 1))
    })?;
    // serde would take a list for a struct, field by field.
    if !text.trim_start_matches([' ', '\n', '\r', '\t']).starts_with('{') {
        serde_json::from_str::<IgnoredAny>(text).map_err(|e| syntax(&e))?;
        return Err(Failure::field("body", "type", "must be an object"));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let mut track = serde_path_to_error::Track::new();
    let value = T::deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track));
    match value {
        Ok(value) => {
            json.end().map_err(|e| syntax(&e))?;
            Ok(value)
        }
        Err(error) if error.is_data() => Err(rule(&dotted(&track.path()), &error)),
        // serde_json takes a number where a word of an enum belongs for a mistake of syntax.
        Err(error) if serde_json::from_str::<IgnoredAny>(text).is_ok() => {
            Err(rule(&dotted(&track.path()), &error))
        }
        Err(error) => Err(syntax(&error)),
    }
}

fn malformed(rule: &'static str, message: String) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, "malformed_json", "the body is not JSON")
        .on("body", rule, message)
}

fn syntax(error: &serde_json::Error) -> Failure {
    let (line, column) = (error.line(), error.column());
    malformed("json", format!("{} at line {line} column {column}", reason(error)))
}

/// serde's words without the place, which is given apart.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((reason, _)) => reason.to_owned(),
        None => text,
    }
}

/// `roles.1`, as the rules of the core name it; empty for the body itself.
fn dotted(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let parts = path.iter().map(|segment| match segment {
        Segment::Seq { index } => index.to_string(),
        Segment::Map { key } => key.clone(),
        Segment::Enum { variant } => variant.clone(),
        Segment::Unknown => "?".into(),
    });
    parts.collect::<Vec<_>>().join(".")
}

/// Which rule of a well-formed body is broken, and by which field.
fn rule(path: &str, error: &serde_json::Error) -> Failure {
    let message = reason(error);
    let inside = |start: &str| {
        let name = shorten(message.strip_prefix(start)?.split_once('`')?.0);
        // The path may already end in the field.
        Some(match path {
            "" => name,
            path if path == name || path.ends_with(&format!(".{name}")) => shorten(path),
            path => format!("{}.{name}", shorten(path)),
        })
    };
    if let Some(field) = inside("unknown field `") {
        let known =
            message.split_once("`, ").map_or("there are no fields here", |(_, known)| known);
        return Failure::field(field, "known_field", format!("is not known: {known}"));
    }
    if let Some(field) = inside("missing field `") {
        return Failure::field(field, "required", "is required");
    }
    if let Some(field) = inside("duplicate field `") {
        return Failure::field(field, "once", "must be given once");
    }
    let field = if path.is_empty() { "body".to_owned() } else { shorten(path) };
    let rule = match message.split_once(':') {
        Some(("invalid type", _)) => "type",
        _ => "value",
    };
    Failure::field(field, rule, shorten(&message))
}

/// What the caller wrote is shown back only in part.
fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::entity::{EntityIn, EntityPatch};
    use crate::wire::tenant::TenantIn;
    use crate::wire::user::UserIn;

    fn refused<T: DeserializeOwned>(body: &[u8]) -> String {
        match json::<T>(body) {
            Ok(_) => panic!("{} was taken", String::from_utf8_lossy(body)),
            Err(failure) => format!("{failure:?}"),
        }
    }

    #[test]
    fn every_error_names_its_field_and_rule() {
        let cases: &[(&str, &str, &str)] = &[
            ("", "body", "empty_body"),
            ("{", "body", "json"),
            ("nope", "body", "json"),
            ("[]", "body", "type"),
            ("null", "body", "type"),
            (r#"["a","b","seed",1]"#, "body", "type"),
            ("[", "body", "json"),
            ("{} {}", "code", "required"),
            (r#"{"code":"a"}"#, "name", "required"),
            (r#"{"code":5}"#, "code", "type"),
            (r#"{"code":null}"#, "code", "type"),
            (r#"{"code":"a","code":"b"}"#, "code", "once"),
            (r#"{"colour":1}"#, "colour", "known_field"),
            (r#"{"a.b":1}"#, "a.b", "known_field"),
            (r#"{"type":"tree"}"#, "type", "value"),
            (r#"{"quantity":1.5}"#, "quantity", "type"),
            (r#"{"quantity":99999999999999999999}"#, "quantity", "type"),
            (r#"{"stage":null}"#, "stage", "type"),
            (r#"{"attributes":[]}"#, "attributes", "type"),
            (r#"{"location_id":"x"}"#, "location_id", "value"),
            (r#"{"started_on":"2026-13-01"}"#, "started_on", "value"),
        ];
        for (body, field, rule) in cases {
            let text = refused::<EntityIn>(body.as_bytes());
            assert!(text.contains(&format!("field: {field:?}, rule: {rule:?}")), "{body}: {text}");
        }
        for wrong in ["5", "null", "[]", "true"] {
            let text = refused::<TenantIn>(format!(r#"{{"plan":{wrong}}}"#).as_bytes());
            assert!(text.contains("field: \"plan\""), "{wrong}: {text}");
        }
        let text = refused::<UserIn>(br#"{"roles":["00000000-0000-0000-0000-000000000000",7]}"#);
        assert!(text.contains("roles.1"), "{text}");
    }

    #[test]
    fn bytes_that_are_not_text_and_endless_nesting_are_refused() {
        assert!(refused::<EntityIn>(b"{\"code\":\"\xff\"}").contains("utf8"));
        let deep = format!(r#"{{"attributes":{}"#, "{\"a\":".repeat(100_000));
        assert!(refused::<EntityIn>(deep.as_bytes()).contains("recursion"));
        assert!(refused::<EntityIn>(br#"{"code":"a"} x"#).contains("field"));
    }

    #[test]
    fn a_patch_tells_absent_null_and_a_value_apart() {
        let patch = |body: &str| json::<EntityPatch>(body.as_bytes()).expect(body);
        assert_eq!(patch("{}").batch_number.0, None);
        assert_eq!(patch(r#"{"batch_number":null}"#).batch_number.0, Some(None));
        assert_eq!(patch(r#"{"batch_number":"B1"}"#).batch_number.0, Some(Some("B1".into())));
        assert!(refused::<EntityPatch>(br#"{"code":null}"#).contains("\"code\""));
        assert!(refused::<EntityPatch>(br#"{"quantity":1}"#).contains("known_field"));
    }
}
