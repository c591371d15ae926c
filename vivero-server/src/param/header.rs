//! Parameters of the headers.

use super::parameter;
use super::query::whole;
use crate::problem::Failure;
use crate::wire::schema::inline;
use poem::Request;
use poem::http::StatusCode;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use vivero_core::service::idempotency::{MAX_KEY_CHARS, check_key};

/// The one value of a header; two are as bad as one that is not text.
fn one<'r>(request: &'r Request, name: &str) -> Result<Option<&'r str>, Failure> {
    let mut values = request.headers().get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Failure::field(name, "once", "must be given once"));
    }
    match value.to_str() {
        Ok(text) => Ok(Some(text.trim())),
        Err(_) => Err(Failure::field(name, "ascii", "must be visible ASCII characters")),
    }
}

/// Any text.
pub(crate) struct Text(pub(crate) Option<String>);

parameter!(
    [] Text, Header, required: false, schema: inline(MetaSchema::new("string")), register: |_| (),
    read: |request, name| one(request, name).map(|text| Self(text.map(str::to_owned)))
);

/// A key under which a repeated request is answered as the first time.
#[derive(Clone)]
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

parameter!(
    [] IdempotencyKey, Header, required: false,
    schema: inline(MetaSchema {
        min_length: Some(1),
        max_length: Some(MAX_KEY_CHARS),
        pattern: Some("^[!-~]+$".into()),
        ..MetaSchema::new("string")
    }),
    register: |_| (),
    read: |request, name| {
        let Some(key) = one(request, name)? else { return Ok(Self(None)) };
        check_key(key)?;
        Ok(Self(Some(key.into())))
    }
);

/// A quoted version, as `ETag` gave it.
fn version(request: &Request, name: &str) -> Result<Option<i64>, Failure> {
    let Some(text) = one(request, name)? else { return Ok(None) };
    let number = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    let number = number.and_then(|t| whole(t).ok()).and_then(|n| i64::try_from(n).ok());
    match number {
        Some(version) if version > 0 => Ok(Some(version)),
        _ => Err(Failure::field(
            name,
            "etag",
            "must be a version in quotes, as ETag gave it, e.g. \"3\"",
        )),
    }
}

fn version_schema() -> MetaSchemaRef {
    inline(MetaSchema {
        pattern: Some("^\"[1-9][0-9]{0,18}\"$".into()),
        ..MetaSchema::new("string")
    })
}

/// The version the caller has seen, for commands that can do without it.
pub(crate) struct IfMatch(pub(crate) Option<i64>);

parameter!(
    [] IfMatch, Header, required: false, schema: version_schema(), register: |_| (),
    read: |request, name| version(request, name).map(Self)
);

/// The version the caller has seen, for edits.
pub(crate) struct RequiredIfMatch(pub(crate) i64);

parameter!(
    // Leaving it out has an answer of its own, 428.
    [] RequiredIfMatch, Header, required: true, schema: version_schema(), register: |_| (),
    read: |request, name| {
        let missing = || {
            let detail = "an edit must say which version it starts from";
            Failure::new(StatusCode::PRECONDITION_REQUIRED, "version_required", detail)
                .on(name, "required", "must be the version in quotes, as ETag gave it")
        };
        version(request, name)?.map(Self).ok_or_else(missing)
    }
);

/// The versions the caller has.
pub(crate) struct IfNoneMatch(Option<String>);

impl IfNoneMatch {
    /// Whether the caller has what `tag`, in quotes, stands for.
    pub(crate) fn has_tag(&self, tag: &str) -> bool {
        let tags = self.0.iter().flat_map(|text| text.split(',')).map(str::trim);
        tags.map(|one| one.strip_prefix("W/").unwrap_or(one)).any(|one| one == "*" || one == tag)
    }
    /// Whether the caller has `version`.
    pub(crate) fn has(&self, version: i64) -> bool {
        let Some(text) = &self.0 else { return false };
        text.split(',').map(str::trim).any(|tag| {
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            let number = tag.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
            tag == "*" || number.and_then(|t| t.parse().ok()) == Some(version)
        })
    }
}

parameter!(
    [] IfNoneMatch, Header, required: false, schema: inline(MetaSchema::new("string")), register: |_| (),
    read: |request, name| one(request, name).map(|text| Self(text.map(str::to_owned)))
);

/// The last event a reader has seen.
pub(crate) struct LastEventId(pub(crate) Option<u64>);

parameter!(
    [] LastEventId, Header, required: false,
    schema: inline(MetaSchema { pattern: Some("^[0-9]{0,19}$".into()), ..MetaSchema::new("string") }),
    register: |_| (),
    read: |request, name| {
        let position = one(request, name)?.filter(|text| !text.is_empty()).map(whole).transpose();
        position.map(Self).map_err(|(rule, message)| Failure::field(name, rule, message))
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> Request {
        Request::builder().header(name, value).finish()
    }

    #[test]
    fn only_a_quoted_version_is_one() {
        assert_eq!(version(&with("If-Match", "\"12\""), "If-Match").expect("a version"), Some(12));
        assert_eq!(version(&Request::default(), "If-Match").expect("none"), None);
        for bad in [
            "12",
            "*",
            "W/\"1\"",
            "\"0\"",
            "\"-1\"",
            "\"x\"",
            "\"1\",\"2\"",
            "\"99999999999999999999\"",
            "",
        ] {
            let error = version(&with("If-Match", bad), "If-Match").expect_err(bad);
            assert!(format!("{error:?}").contains("If-Match"), "{bad}");
        }
    }

    #[test]
    fn any_tag_of_the_list_counts() {
        let has = |text: &str, version| IfNoneMatch(Some(text.into())).has(version);
        assert!(has("\"3\"", 3) && has("W/\"3\"", 3) && has("\"1\", \"3\"", 3) && has("*", 9));
        assert!(!has("\"3\"", 4) && !has("3", 3) && !IfNoneMatch(None).has(1));
    }
}
