use crate::broken;
use chrono::NaiveDate;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use vivero_core::entity::{
    Entity, EntityPatch, EntityType, Grade, MAX_ATTRIBUTES_BYTES, MAX_ATTRIBUTES_DEPTH,
    MAX_QUANTITY, NewEntity, Stage, Status, Unit,
};
use vivero_core::error::Check;
use vivero_core::{EntityId, Record as _, Uuid};

fn entity() -> Entity {
    let id = EntityId::from_uuid(Uuid::from_u128(1));
    NewEntity::new("E-1", "Hebe albicans", EntityType::Cutting, 10).into_entity(id)
}

fn verdict(edit: impl FnOnce(&mut Entity)) -> String {
    let mut entity = entity();
    edit(&mut entity);
    let mut check = Check::new();
    entity.validate(&mut check);
    broken(check).join(", ")
}

fn nested(levels: usize) -> Json {
    (1..levels).fold(json!({}), |inner, _| json!({ "in": inner }))
}

fn day(text: &str) -> Option<NaiveDate> {
    Some(text.parse().expect("a day"))
}

#[test]
fn a_new_lot_is_registered_as_it_was_given() {
    let mut new = NewEntity::new("  E-1 ", " Hebe\t", EntityType::Bulb, 7);
    new.attributes = json!({"colour": "white"});
    let lot = new.into_entity(EntityId::from_uuid(Uuid::from_u128(9)));
    assert_eq!((lot.code.as_str(), lot.name.as_str()), ("E-1", "Hebe"), "without space around");
    assert_eq!((lot.status, lot.held_from), (Status::Registered, None));
    assert_eq!((lot.stage, lot.unit), (Stage::Propagation, Unit::Plant));
    assert_eq!((lot.quality_grade, lot.quantity), (Grade::Ungraded, 7));
    assert_eq!(verdict(|_| ()), "", "a plain lot breaks no rule");
}

#[test]
fn texts_of_a_lot_have_limits() {
    type Set = fn(&mut Entity, String);
    let fields: [(&str, usize, Set); 4] = [
        ("code", 64, |e, t| e.code = t),
        ("name", 200, |e, t| e.name = t),
        ("batch_number", 64, |e, t| e.batch_number = Some(t)),
        ("supplier_reference", 128, |e, t| e.supplier_reference = Some(t)),
    ];
    for (field, max, set) in fields {
        for (text, rule) in [
            ("x".to_owned(), None),
            ("🌱".repeat(max), None),
            ("two\nlines\twith tab".into(), None),
            (String::new(), Some("min_length")),
            ("   ".into(), Some("min_length")),
            ("x".repeat(max + 1), Some("max_length")),
            ("🌱".repeat(max + 1), Some("max_length")),
            ("x".repeat(1_000_000), Some("max_length")),
            ("nul\0".into(), Some("no_control_characters")),
            ("bell\u{7}".into(), Some("no_control_characters")),
            ("c1\u{85}".into(), Some("no_control_characters")),
        ] {
            let wanted = rule.map_or(String::new(), |rule| format!("{field}: {rule}"));
            assert_eq!(verdict(|e| set(e, text.clone())), wanted, "{field}, {} bytes", text.len());
        }
    }
}

#[test]
fn the_quantity_of_a_lot_has_limits() {
    for (quantity, wanted) in [
        (0, ""),
        (MAX_QUANTITY, ""),
        (-1, "quantity: minimum"),
        (i64::MIN, "quantity: minimum"),
        (MAX_QUANTITY + 1, "quantity: maximum"),
        (i64::MAX, "quantity: maximum"),
    ] {
        assert_eq!(verdict(|e| e.quantity = quantity), wanted, "{quantity}");
    }
}

#[test]
fn attributes_are_an_object_of_bounded_size_and_depth() {
    let fits = |levels, wanted: &str| {
        assert_eq!(verdict(|e| e.attributes = nested(levels).into()), wanted)
    };
    fits(1, "");
    fits(MAX_ATTRIBUTES_DEPTH, "");
    fits(MAX_ATTRIBUTES_DEPTH + 1, "attributes: max_depth");
    fits(100, "attributes: max_depth");
    // No tree is read of so many.
    fits(1_000, "attributes: max_depth");
    for json in [json!(null), json!([]), json!("x"), json!(1), json!(true)] {
        assert_eq!(verdict(|e| e.attributes = json.into()), "attributes: object");
    }
    // `{"k":""}` are eight bytes.
    let filled = |n: usize| json!({ "k": "x".repeat(n - 8) });
    assert_eq!(verdict(|e| e.attributes = filled(MAX_ATTRIBUTES_BYTES).into()), "");
    assert_eq!(
        verdict(|e| e.attributes = filled(MAX_ATTRIBUTES_BYTES + 1).into()),
        "attributes: max_bytes"
    );
    let wide = json!({ "k": "🌱".repeat(MAX_ATTRIBUTES_BYTES / 4) });
    assert_eq!(
        verdict(|e| e.attributes = wide.into()),
        "attributes: max_bytes",
        "bytes, not characters"
    );
    let lists = json!({ "k": [[[[[[[[]]]]]]]] });
    assert_eq!(
        verdict(|e| e.attributes = lists.into()),
        "attributes: max_depth",
        "lists are levels too"
    );
    let brackets = json!({ "{[{[{[{[\\\"{[": "\\\"]}{[{[{[{[", "\\": "{[{[{[{[{[" });
    assert_eq!(verdict(|e| e.attributes = brackets.into()), "", "in texts they are none");
    let reserved = "$serde_json::private::RawValue";
    for json in [json!({ reserved: "[1]" }), json!({ "a": [{ "b": 1, reserved: "x" }] })] {
        assert_eq!(verdict(|e| e.attributes = json.into()), "attributes: reserved");
    }
    let texts = json!({ "a": reserved, "b": format!("{{\"{reserved}\":1}}") });
    assert_eq!(verdict(|e| e.attributes = texts.into()), "", "as a value it is a text");
}

#[test]
fn a_lot_is_not_ready_before_it_was_started() {
    let dates = |started: Option<NaiveDate>, ready: Option<NaiveDate>| {
        verdict(|e| {
            e.started_on = started;
            e.ready_on = ready;
        })
    };
    assert_eq!(dates(day("2026-03-01"), day("2026-03-01")), "");
    assert_eq!(dates(day("2026-03-01"), None), "");
    assert_eq!(dates(None, day("2026-03-01")), "");
    let early = dates(day("2026-03-02"), day("2026-03-01"));
    assert_eq!(early, "ready_on: not_before_started_on");
}

#[test]
fn every_broken_rule_is_told_at_once() {
    let all = verdict(|e| {
        e.code = String::new();
        e.name = "x".repeat(201);
        e.quantity = -1;
        e.attributes = json!([]).into();
        e.started_on = day("2026-03-02");
        e.ready_on = day("2026-03-01");
    });
    let wanted = "code: min_length, name: max_length, quantity: minimum, attributes: object, \
                  ready_on: not_before_started_on";
    assert_eq!(all, wanted);
}

#[test]
fn what_commands_change_no_patch_can_reach() {
    let mut lot = entity();
    lot.batch_number = Some("B".into());
    lot.started_on = day("2026-03-01");
    let before = lot.clone();
    EntityPatch::default().apply(&mut lot);
    assert_eq!(lot, before, "an empty patch changes nothing");
    let patch = EntityPatch {
        code: Some(" C ".into()),
        name: Some(" N ".into()),
        kind: Some(EntityType::Graft),
        batch_number: Some(None),
        supplier_reference: Some(Some("S".into())),
        unit: Some(Unit::Tray),
        quality_grade: Some(Grade::Extra),
        attributes: Some(json!({"a": 1})),
        started_on: Some(None),
        ready_on: Some(day("2026-05-01")),
    };
    patch.apply(&mut lot);
    assert_eq!((lot.code.as_str(), lot.name.as_str(), lot.batch_number.as_ref()), ("C", "N", None));
    assert_eq!((lot.started_on, lot.ready_on), (None, day("2026-05-01")));
    let (was, is) = (before.into_values(), lot.into_values());
    for (i, column) in Entity::SCHEMA.columns.iter().enumerate() {
        assert_eq!(was[i] == is[i], column.command, "{} is changed by commands only", column.name);
    }
}

proptest! {
    #[test]
    fn texts_of_enums_read_back(text in "\\PC{0,20}") {
        for status in Status::ALL {
            prop_assert_eq!(status.as_str().parse::<Status>(), Ok(*status));
        }
        prop_assert_eq!(text.parse::<Status>().is_ok(), Status::NAMES.contains(&text.as_str()));
        prop_assert_eq!(text.parse::<EntityType>().is_ok(), EntityType::NAMES.contains(&text.as_str()));
    }
}
