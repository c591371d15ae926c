use proptest::prelude::*;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use vivero_core::merge::{FieldConflict, conflicts};
use vivero_core::{Record, RecordId, Uuid, Value};

/// A record with enough fields for two people to edit.
#[derive(Debug, Clone, PartialEq, Record)]
#[record(table = "sheets", resource = "sheet")]
struct Sheet {
    id: RecordId<Self>,
    a: i64,
    b: Option<i64>,
    c: String,
    d: Option<String>,
    e: Json,
}

type Fields = (i64, Option<i64>, String, Option<String>, u8);

fn fields() -> impl Strategy<Value = Fields> {
    // Few values, so that people often want the same.
    let text = || "[xy]{0,1}";
    (0..3_i64, proptest::option::of(0..2_i64), text(), proptest::option::of(text()), 0..3_u8)
}

fn values((a, b, c, d, e): Fields) -> Vec<Value> {
    let e = serde_json::json!({ "level": e });
    Sheet { id: RecordId::from_uuid(Uuid::from_u128(1)), a, b, c, d, e }.into_values()
}

fn edited(from: &[Value], to: &[Value], mask: u8) -> Vec<Value> {
    let pick = |i: usize| if mask & (1 << i) == 0 { &from[i] } else { &to[i] };
    (0..from.len()).map(|i| pick(i).clone()).collect()
}

/// What the journal tells of the fields others changed: their value before.
fn told(base: &[Value], theirs: &[Value]) -> BTreeMap<String, Json> {
    let columns = Sheet::SCHEMA.columns.iter().enumerate();
    let changed = columns.filter(|(i, _)| base[*i] != theirs[*i]);
    changed.map(|(i, column)| (column.name.to_owned(), base[i].to_json())).collect()
}

fn values_strategy() -> impl Strategy<Value = Vec<Value>> {
    fields().prop_map(values)
}

proptest! {
    #[test]
    fn edits_of_different_fields_never_conflict(
        base in values_strategy(), theirs in values_strategy(), mine in values_strategy(), mask in 0..32_u8,
    ) {
        let current = edited(&base, &theirs, mask);
        let wanted = edited(&current, &mine, !mask & 31);
        let found = conflicts(Sheet::SCHEMA, &told(&base, &current), &current, &wanted);
        prop_assert_eq!(found, vec![]);
    }

    #[test]
    fn the_same_field_with_different_values_always_conflicts(
        base in values_strategy(), theirs in values_strategy(), mine in values_strategy(),
        their_mask in 0..32_u8, my_mask in 0..32_u8,
    ) {
        let current = edited(&base, &theirs, their_mask);
        let wanted = edited(&current, &mine, my_mask);
        let found = conflicts(Sheet::SCHEMA, &told(&base, &current), &current, &wanted);
        let expected: Vec<FieldConflict> = (0..base.len())
            .filter(|i| current[*i] != base[*i] && wanted[*i] != current[*i])
            .map(|i| FieldConflict {
                field: Sheet::SCHEMA.columns[i].name.into(),
                base: base[i].to_json(),
                theirs: current[i].to_json(),
                mine: wanted[i].to_json(),
            })
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn wanting_what_is_there_already_is_no_conflict(base in values_strategy(), theirs in values_strategy()) {
        let found = conflicts(Sheet::SCHEMA, &told(&base, &theirs), &theirs, &theirs);
        prop_assert_eq!(found, vec![]);
    }
}
