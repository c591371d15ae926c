use chrono::DateTime;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use vivero_core::journal::{
    Actor, Changes, CountKey, Entry, REDACTED, StoredText, count_deltas, genesis, instant, link,
};
use vivero_core::{Record, RecordId, TenantId, UserId, Uuid, Value};

#[derive(Debug, Clone, PartialEq, Record)]
#[record(table = "pots", resource = "pot")]
struct Pot {
    id: RecordId<Self>,
    #[record(count)]
    colour: String,
    #[record(count)]
    bed: Option<i64>,
    #[record(count)]
    cracked: bool,
    #[record(sum)]
    litres: i64,
    #[record(sum)]
    weight: Option<i64>,
    remark: Option<String>,
    #[record(secret, filter)]
    mark: Option<Vec<u8>>,
    #[record(secret, max = 64)]
    word: String,
}

/// Small ones, any, and the ends: sums of those do not fit what they are sums of.
fn number() -> impl Strategy<Value = i64> {
    prop_oneof![-3..3_i64, any::<i64>(), Just(i64::MIN), Just(i64::MAX)]
}

fn pot() -> impl Strategy<Value = Pot> {
    let few = || proptest::option::of(number());
    let mark = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..2));
    ("[ab]{0,1}", few(), any::<bool>(), number(), few(), proptest::option::of("[xy]"), mark, "[st]")
        .prop_map(|(colour, bed, cracked, litres, weight, remark, mark, word)| {
            let id = RecordId::from_uuid(Uuid::from_u128(1));
            Pot { id, colour, bed, cracked, litres, weight, remark, mark, word }
        })
}

fn between(before: Option<&Pot>, after: Option<&Pot>) -> Changes {
    let values = |p: Option<&Pot>| p.map(|p| p.clone().into_values());
    Changes::between(Pot::SCHEMA, values(before).as_deref(), values(after).as_deref())
}

fn entry(action: &str, changes: Changes) -> Entry {
    Entry {
        at: DateTime::UNIX_EPOCH,
        actor: Actor::Platform,
        action: format!("pot.{action}"),
        resource: "pot".into(),
        record_id: Uuid::from_u128(1),
        version: 1,
        changes,
        cause: None,
    }
}

type Figures = BTreeMap<CountKey, i128>;

fn add(figures: &mut Figures, entry: &Entry) {
    for (key, by) in count_deltas(Pot::SCHEMA, &entry.action, &entry.changes) {
        *figures.entry(key).or_default() += by;
    }
    figures.retain(|_, n| *n != 0);
}

/// The figures of one record, counted from the record itself.
fn counted(pot: &Pot) -> Figures {
    let key = |field: &str, value: &str| CountKey {
        resource: "pot".into(),
        field: field.into(),
        value: value.into(),
    };
    let mut figures = Figures::new();
    figures.insert(key("", ""), 1);
    figures.insert(key("colour", &pot.colour), 1);
    figures.insert(key("bed", &pot.bed.map_or(String::new(), |b| b.to_string())), 1);
    figures.insert(key("cracked", &pot.cracked.to_string()), 1);
    figures.insert(key("+litres", ""), pot.litres.into());
    figures.insert(key("+weight", ""), pot.weight.unwrap_or(0).into());
    figures.retain(|_, n| *n != 0);
    figures
}

proptest! {
    #[test]
    fn figures_follow_a_record_through_its_life(
        states in proptest::collection::vec(pot(), 1..8), recovered in any::<bool>(),
    ) {
        let mut figures = Figures::new();
        add(&mut figures, &entry("create", between(None, Some(&states[0]))));
        prop_assert_eq!(&figures, &counted(&states[0]));
        for pair in states.windows(2) {
            add(&mut figures, &entry("update", between(Some(&pair[0]), Some(&pair[1]))));
            prop_assert_eq!(&figures, &counted(&pair[1]));
        }
        let last = &states[states.len() - 1];
        add(&mut figures, &entry("delete", between(Some(last), None)));
        prop_assert_eq!(&figures, &Figures::new());
        if recovered {
            add(&mut figures, &entry("recover", between(None, Some(last))));
            prop_assert_eq!(&figures, &counted(last));
        }
    }

    #[test]
    fn changes_name_exactly_the_fields_that_differ(before in pot(), after in pot()) {
        let changes = between(Some(&before), Some(&after));
        let (b, a) = (before.clone().into_values(), after.into_values());
        for (i, column) in Pot::SCHEMA.columns.iter().enumerate() {
            let told = changes.0.get(column.name);
            prop_assert_eq!(told.is_some(), b[i] != a[i], "{}", column.name);
            if let Some((was, is)) = told.filter(|_| !column.secret) {
                prop_assert_eq!(was, &b[i].to_json());
                prop_assert_eq!(is, &a[i].to_json());
            }
        }
        prop_assert_eq!(between(Some(&before), Some(&before)), Changes::default());
    }

    #[test]
    fn secrets_are_named_but_never_shown(before in pot(), after in pot()) {
        for (b, a) in [(None, Some(&after)), (Some(&before), Some(&after)), (Some(&before), None)] {
            for (was, is) in ["mark", "word"].iter().filter_map(|f| between(b, a).0.remove(*f)) {
                for shown in [was, is] {
                    prop_assert!(shown.is_null() || shown == json!(REDACTED), "{}", shown);
                }
            }
        }
    }

    #[test]
    fn creation_has_no_before_and_deletion_no_after(pot in pot()) {
        let (made, gone) = (between(None, Some(&pot)), between(Some(&pot), None));
        prop_assert!(made.0.values().all(|(before, after)| before.is_null() && !after.is_null()));
        prop_assert!(gone.0.values().all(|(before, after)| !before.is_null() && after.is_null()));
        let mirrored = made.0.into_iter().map(|(field, (b, a))| (field, (a, b))).collect();
        prop_assert_eq!(Changes(mirrored), gone);
    }

    #[test]
    fn an_actor_reads_back_what_it_wrote(reason in "\\PC{0,40}", id: u128) {
        let user = Actor::User { id: UserId::from_uuid(Uuid::from_u128(id)) };
        for actor in [user, Actor::Platform, Actor::System { reason: reason.clone() }] {
            prop_assert_eq!(Actor::decode(&actor.encode()), Some(actor));
        }
        let _ = Actor::decode(&reason);
    }
}

#[test]
fn damaged_actors_are_refused() {
    for text in ["", "user", "user:", "user:nobody", "Platform", "platform:", "system", "robot:x"] {
        assert_eq!(Actor::decode(text), None, "{text:?}");
    }
}

#[test]
fn other_actions_count_their_changes_only() {
    let mut figures = Figures::new();
    let moved = Changes([("bed".to_owned(), (json!(1), json!(2)))].into());
    add(&mut figures, &entry("move", moved));
    let told: Vec<(String, String, i128)> =
        figures.into_iter().map(|(k, n)| (k.field, k.value, n)).collect();
    assert_eq!(told, [("bed".into(), "1".into(), -1), ("bed".into(), "2".into(), 1)]);
}

const TEXT: StoredText<'static> = StoredText {
    at: "2026-03-01T08:00:00.000000Z",
    actor: "platform",
    action: "pot.create",
    resource: "pot",
    record_id: Uuid::from_u128(7),
    version: 3,
    changes: "{}",
    cause: Some("request 1"),
};

#[test]
fn changing_any_part_of_an_entry_changes_its_hash() {
    let tenant = TenantId::from_uuid(Uuid::from_u128(1));
    let start = genesis(tenant);
    let mut other_start = start;
    other_start[0] ^= 1;
    let mut hashes = vec![
        link(&start, 1, &TEXT),
        link(&other_start, 1, &TEXT),
        link(&start, 2, &TEXT),
        link(&start, 1, &StoredText { at: "2026-03-01T08:00:00.000001Z", ..TEXT }),
        link(&start, 1, &StoredText { actor: "platforn", ..TEXT }),
        link(&start, 1, &StoredText { action: "pot.update", ..TEXT }),
        link(&start, 1, &StoredText { resource: "pots", ..TEXT }),
        link(&start, 1, &StoredText { record_id: Uuid::from_u128(8), ..TEXT }),
        link(&start, 1, &StoredText { version: 4, ..TEXT }),
        link(&start, 1, &StoredText { version: -3, ..TEXT }),
        link(&start, 1, &StoredText { changes: "{ }", ..TEXT }),
        link(&start, 1, &StoredText { cause: Some("request 2"), ..TEXT }),
        link(&start, 1, &StoredText { cause: Some(""), ..TEXT }),
        link(&start, 1, &StoredText { cause: Some("\0"), ..TEXT }),
        link(&start, 1, &StoredText { cause: None, ..TEXT }),
        // The same characters, divided otherwise between two fields.
        link(&start, 1, &StoredText { action: "pot.createp", resource: "ot", ..TEXT }),
        link(&start, 1, &StoredText { changes: "{}request 1", cause: Some(""), ..TEXT }),
        link(&start, 1, &StoredText { changes: "{}request 1", cause: None, ..TEXT }),
    ];
    let count = hashes.len();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), count, "every variant has a hash of its own");
    assert_eq!(
        link(&start, 1, &TEXT),
        link(&start, 1, &TEXT.clone()),
        "the same entry has the same"
    );
    let other = genesis(TenantId::from_uuid(Uuid::from_u128(2)));
    assert_ne!(start, other, "a chain is bound to its tenant");
}

#[test]
fn instants_are_written_with_six_decimals() {
    for (micros, text) in [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (1_500_000, "1970-01-01T00:00:01.500000Z"),
    ] {
        let at = DateTime::from_timestamp_micros(micros).expect("in range");
        assert_eq!(instant(at), text);
        assert_eq!(Value::Time(at).to_json(), json!(text));
    }
}
