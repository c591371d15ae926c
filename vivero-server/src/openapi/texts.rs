//! What texts may contain: the rules of the core and of the query, as patterns of the document. The
//! regular expressions are ones that mean the same in ECMA-262, Rust and Python.

use serde_json::{Map, Value as Json};

/// What `Check::text` takes, when nothing is required.
const TEXT: &str = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$";
/// What `Check::text` takes, when something is: not only spaces.
const NOT_BLANK: &str = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*[^\s\x00-\x1F\x7F-\x9F][^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$";
/// What a query takes,
const ONE_LINE: &str = r"^[^\x00-\x1F\x7F-\x9F]*$";
/// and what a cursor is made of.
const CURSOR: &str = "^[A-Za-z0-9_-]+$";

/// Secrets are taken as they are.
const SECRETS: &[&str] = &["password", "old_password", "new_password", "token", "refresh_token"];

/// Says of each text in a body what it may contain.
pub(super) fn in_body(schema: &mut Json) {
    let fields = schema["properties"].as_object_mut().into_iter().flatten();
    for (name, field) in fields {
        if let Some(field) = field.as_object_mut()
            && !SECRETS.contains(&name.as_str())
            && is_free(field)
        {
            let required = field.get("minLength").is_some_and(|least| *least != 0);
            field.insert("pattern".into(), if required { NOT_BLANK } else { TEXT }.into());
        }
    }
}

/// The same of a parameter of the query.
pub(super) fn in_query(parameter: &mut Map<String, Json>) {
    let is_cursor = parameter.get("name").is_some_and(|name| name == "cursor");
    if parameter.get("in").is_some_and(|place| place == "query")
        && let Some(schema) = parameter.get_mut("schema").and_then(Json::as_object_mut)
        && is_free(schema)
    {
        schema.insert("pattern".into(), if is_cursor { CURSOR } else { ONE_LINE }.into());
    }
}

/// Whether it is a text of which nothing was said yet.
fn is_free(schema: &Map<String, Json>) -> bool {
    schema.get("type").is_some_and(|kind| kind == "string")
        && !["pattern", "format", "enum"].iter().any(|said| schema.contains_key(*said))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::parse;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use regex::Regex;
    use vivero_core::Check;
    use vivero_core::permission::Grant;
    use vivero_core::user::check_email;

    #[test]
    fn the_patterns_are_the_rules() {
        let [text, not_blank, one_line] =
            [TEXT, NOT_BLANK, ONE_LINE].map(|pattern| Regex::new(pattern).expect("a pattern"));
        let taken = |sample: &str, least| {
            let mut check = Check::new();
            check.text("sample", sample, least, 1_000);
            check.done().is_ok()
        };
        let characters = (0..0x3100).filter_map(char::from_u32);
        for character in characters.chain(['\u{feff}', '\u{1f331}']) {
            for sample in
                [String::from(character), format!("a{character}b"), format!(" {character}\n")]
            {
                assert_eq!(text.is_match(&sample), taken(&sample, 0), "{sample:?}");
                assert_eq!(not_blank.is_match(&sample), taken(&sample, 1), "{sample:?}");
                let query = format!("q={}", utf8_percent_encode(&sample, NON_ALPHANUMERIC));
                assert_eq!(one_line.is_match(&sample), parse(Some(&query)).is_ok(), "{sample:?}");
            }
        }
        assert!(text.is_match("") && !not_blank.is_match("") && one_line.is_match(""));
    }

    #[test]
    fn addresses_and_grants_are_described_as_they_are_read() {
        let document = crate::openapi::completed().expect("document");
        let pattern = |schema: &str, field: &str| {
            let field = &document["components"]["schemas"][schema]["properties"][field];
            let pattern = field.get("items").unwrap_or(field)["pattern"].as_str();
            Regex::new(pattern.expect("a pattern")).expect("a regular expression")
        };
        let local = |n| format!("{}@example.com", "x".repeat(n));
        for schema in ["UserIn", "UserPatch", "TrialIn", "TenantIn"] {
            let pattern = pattern(schema, "email");
            for sample in [
                "",
                "@",
                "r",
                "r@",
                "@e.x",
                "r@e",
                "r@e.",
                "r@.x",
                "r@e..x",
                "r@e.x",
                "r@e.x.y",
                "r@@e.x",
                "r@e@e.x",
                "r r@e.x",
                "r@e x.y",
                "r\0@e.x",
                "r\u{85}@e.x",
                " r@e.x\n",
                "r@e\u{a0}.x",
                "müller@bücher.example",
                &local(64),
                &local(65),
            ] {
                let mut check = Check::new();
                check_email(&mut check, sample.trim());
                assert_eq!(pattern.is_match(sample), check.done().is_ok(), "{schema} {sample:?}");
            }
        }
        for schema in ["RoleIn", "RolePatch"] {
            let pattern = pattern(schema, "grants");
            for sample in [
                "",
                "*",
                "**",
                "*.*",
                "*@own",
                "*@",
                "@all",
                "entity",
                "entity.",
                ".read",
                "entity.read",
                "entity.*",
                "*.read",
                "entity.read@location",
                "entity.read@all",
                "entity.read@else",
                "entity.read@own@own",
                "entity.read.more",
                "Entity.read",
                "entity.re ad",
                "entity.read\n",
                "e_1.read",
                "e_x.read",
            ] {
                assert_eq!(pattern.is_match(sample), sample.parse::<Grant>().is_ok(), "{sample:?}");
            }
        }
    }
}
