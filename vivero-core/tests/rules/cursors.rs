use crate::rules;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, NaiveDate};
use proptest::prelude::*;
use vivero_core::entity::Entity;
use vivero_core::location::Location;
use vivero_core::page::{DEFAULT_LIMIT, MAX_LIMIT};
use vivero_core::record::Kind;
use vivero_core::user::{Credential, Role, Session, User};
use vivero_core::{Cursor, Page, Record as _, Uuid, Value};

fn key() -> impl Strategy<Value = Value> {
    let days = NaiveDate::from_ymd_opt(1, 1, 1).expect("a day");
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        ".{0,60}".prop_map(Value::Text),
        any::<String>().prop_map(Value::Text),
        any::<u128>().prop_map(|n| Value::Id(Uuid::from_u128(n))),
        (-62_135_596_800_000_000..253_402_300_799_999_999_i64)
            .prop_map(|m| Value::Time(DateTime::from_timestamp_micros(m).expect("in range"))),
        (0..3_650_000_u64).prop_map(move |n| Value::Date(days + chrono::Days::new(n))),
    ]
}

proptest! {
    #[test]
    fn a_cursor_reads_back_what_it_wrote(key in key(), seq: i64, sort in "-?[a-z_]{1,30}") {
        let cursor = Cursor { sort: sort.clone(), key, seq };
        let text = cursor.encode();
        prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        prop_assert_eq!(Cursor::decode(&text, &sort).expect("its own text"), cursor);
    }

    #[test]
    fn a_cursor_of_another_sort_is_refused(key in key(), seq: i64) {
        let text = Cursor { sort: "name".into(), key, seq }.encode();
        for other in ["-name", "nam", "name2", ""] {
            let refused = Cursor::decode(&text, other).expect_err("another sort");
            prop_assert_eq!(rules(&refused), vec!["cursor: cursor_sort".to_owned()]);
        }
    }

    #[test]
    fn garbage_is_refused_and_never_panics(text in "\\PC{0,80}|[A-Za-z0-9_-]{0,80}") {
        if let Err(refused) = Cursor::decode(&text, "name") {
            prop_assert!(rules(&refused)[0].starts_with("cursor: "));
        }
    }

    #[test]
    fn garbage_in_a_well_formed_shell_is_refused_and_never_panics(
        seq in "[0-9-]{0,25}", tag in "[timdubnx]?", key in "\\PC{0,40}|[0-9:-]{0,40}",
    ) {
        let text = URL_SAFE_NO_PAD.encode(format!("name\0{seq}\0{tag}{key}"));
        if let Ok(cursor) = Cursor::decode(&text, "name") {
            let again = Cursor::decode(&cursor.encode(), "name").expect("what was read can be written");
            prop_assert_eq!(again, cursor);
        }
    }
}

#[test]
fn json_and_bytes_are_never_a_key() {
    for key in [Value::Json(serde_json::json!([1]).into()), Value::Bytes(vec![1])] {
        let text = Cursor { sort: "x".into(), key, seq: 1 }.encode();
        assert_eq!(Cursor::decode(&text, "x").expect("a cursor").key, Value::Null);
    }
}

#[test]
fn a_cursor_too_long_to_be_one_is_refused() {
    assert!(Cursor::decode(&"A".repeat(4097), "name").is_err());
}

#[test]
fn the_longest_value_of_every_sort_fits_a_cursor() {
    let schemas = [
        Entity::SCHEMA,
        Location::SCHEMA,
        User::SCHEMA,
        Role::SCHEMA,
        Credential::SCHEMA,
        Session::SCHEMA,
    ];
    for schema in schemas {
        for column in schema.columns.iter().filter(|c| c.sort && c.kind == Kind::Text) {
            let longest = "\u{10ffff}".repeat(column.max as usize);
            let sort = format!("-{}", column.name);
            let cursor = Cursor { sort: sort.clone(), key: Value::Text(longest), seq: i64::MIN };
            let again = Cursor::decode(&cursor.encode(), &sort);
            assert_eq!(again.expect("fits"), cursor, "{}.{}", schema.table, column.name);
        }
    }
}

#[test]
fn limits_of_pages_are_checked_or_brought_into_range() {
    for (limit, wanted) in [(0, 1), (1, 1), (200, 200), (201, MAX_LIMIT), (u32::MAX, MAX_LIMIT)] {
        assert_eq!(Page::first(limit).limit(), wanted);
    }
    for (limit, rule) in [
        (None, None),
        (Some(1), None),
        (Some(200), None),
        (Some(0), Some("limit: minimum")),
        (Some(201), Some("limit: maximum")),
    ] {
        match Page::parse(limit, Some("c".into()), true) {
            Ok(page) => {
                assert_eq!(rule, None);
                assert_eq!(page.limit(), limit.unwrap_or(DEFAULT_LIMIT));
                assert_eq!((page.cursor(), page.total()), (Some("c"), true));
            }
            Err(refused) => assert_eq!(Some(rules(&refused)[0].as_str()), rule),
        }
    }
}
