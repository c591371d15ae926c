//! The derived implementation, seen from outside the crate it names.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value as Json, json};
use vivero_core::error::{Check, FieldError};
use vivero_core::record::{Column, Field, Kind, Schema};
use vivero_core::{EntityId, Error, LocationId, Record, RecordId, UserId, Uuid, Value, text_enum};

text_enum! {
    /// How a delivery stands.
    enum State {
        /// Not yet on its way.
        Open = "open",
        /// Handed over.
        Delivered = "delivered",
    }
}

/// Every kind of field, plain and optional.
#[derive(Debug, Clone, PartialEq, Record)]
#[record(table = "deliveries", resource = "delivery", location = "place", owner = "driver")]
#[record(facets(state, r#type))]
struct Delivery {
    id: RecordId<Self>,
    #[record(unique, sort, search, max = 12)]
    code: String,
    #[record(search, personal)]
    #[record(max = 40)]
    remark: Option<String>,
    #[record(lead, count, max = 16)]
    state: State,
    before: Option<State>,
    #[record(filter)]
    r#type: String,
    #[record(sort, sum, command)]
    pieces: i64,
    #[record(sum)]
    weight: Option<i64>,
    paid: bool,
    checked: Option<bool>,
    #[record(filter)]
    place: LocationId,
    driver: Option<UserId>,
    follows: Option<RecordId<Self>>,
    leaves_at: DateTime<Utc>,
    arrived_at: Option<DateTime<Utc>>,
    due_on: NaiveDate,
    ordered_on: std::option::Option<NaiveDate>,
    #[record(search, max = 4_096)]
    papers: Json,
    extra: Option<Json>,
    #[record(secret, filter, max = 32)]
    seal: Vec<u8>,
    broken_seal: Option<Vec<u8>>,
}

fn delivery() -> Delivery {
    let instant = DateTime::from_timestamp_micros(1_700_000_000_123_456).expect("in range");
    let day = NaiveDate::from_ymd_opt(2026, 3, 1).expect("a day");
    Delivery {
        id: RecordId::from_uuid(Uuid::from_u128(1)),
        code: "D-1".into(),
        remark: Some("Ring the bell".into()),
        state: State::Delivered,
        before: Some(State::Open),
        r#type: "van".into(),
        pieces: 120,
        weight: Some(900),
        paid: true,
        checked: Some(false),
        place: LocationId::from_uuid(Uuid::from_u128(2)),
        driver: Some(UserId::from_uuid(Uuid::from_u128(3))),
        follows: Some(RecordId::from_uuid(Uuid::from_u128(4))),
        leaves_at: instant,
        arrived_at: Some(instant),
        due_on: day,
        ordered_on: Some(day),
        papers: json!({"passport": ["A", "B"]}),
        extra: Some(json!(1)),
        seal: vec![1, 2, 3],
        broken_seal: Some(vec![]),
    }
}

fn broken_rules(record: &impl Record) -> Vec<FieldError> {
    let mut check = Check::new();
    record.validate(&mut check);
    match check.done() {
        Ok(()) => Vec::new(),
        Err(Error::Invalid(fields)) => fields,
        Err(other) => panic!("not a broken rule: {other}"),
    }
}

#[test]
fn a_record_survives_storage() {
    let record = delivery();
    let values = record.clone().into_values();
    assert_eq!(values.len(), Delivery::SCHEMA.columns.len());
    assert_eq!(values[0], Value::Text("D-1".into()));
    assert_eq!(values[2], Value::Text("delivered".into()));
    assert_eq!(values[9], Value::Id(Uuid::from_u128(2)));
    assert_eq!(Delivery::from_values(record.record_id(), values), Ok(record));
}

#[test]
fn a_record_without_its_optional_values_survives_storage() {
    let record = Delivery {
        remark: None,
        before: None,
        weight: None,
        checked: None,
        driver: None,
        follows: None,
        arrived_at: None,
        ordered_on: None,
        extra: None,
        broken_seal: None,
        ..delivery()
    };
    let values = record.clone().into_values();
    assert_eq!(values.iter().filter(|v| v.is_null()).count(), 10);
    assert_eq!(Delivery::from_values(record.record_id(), values), Ok(record));
}

#[test]
fn the_schema_says_what_is_declared() {
    const EXPECTED: Schema = Schema {
        table: "deliveries",
        resource: "delivery",
        columns: &[
            Column::of::<String>("code").unique().sort().search().max(12),
            Column::of::<Option<String>>("remark").search().personal().max(40),
            Column::of::<State>("state").lead().count().max(16),
            Column::of::<Option<State>>("before"),
            Column::of::<String>("type").filter(),
            Column::of::<i64>("pieces").sort().sum().command(),
            Column::of::<Option<i64>>("weight").sum(),
            Column::of::<bool>("paid"),
            Column::of::<Option<bool>>("checked"),
            Column::of::<LocationId>("place").filter(),
            Column::of::<Option<UserId>>("driver"),
            Column::of::<Option<RecordId<Delivery>>>("follows"),
            Column::of::<DateTime<Utc>>("leaves_at"),
            Column::of::<Option<DateTime<Utc>>>("arrived_at"),
            Column::of::<NaiveDate>("due_on"),
            Column::of::<Option<NaiveDate>>("ordered_on"),
            Column::of::<Json>("papers").search().max(4096),
            Column::of::<Option<Json>>("extra"),
            Column::of::<Vec<u8>>("seal").secret().filter().max(32),
            Column::of::<Option<Vec<u8>>>("broken_seal"),
        ],
        owner: Some("driver"),
        location: Some("place"),
        facets: &["state", "type"],
    };
    assert_eq!(Delivery::SCHEMA, &EXPECTED);
    let state = Delivery::SCHEMA.column("state").expect("declared");
    assert_eq!((state.kind, state.domain), (Kind::Text, ["open", "delivered"].as_slice()));
}

#[test]
fn a_value_that_does_not_decode_names_its_column() {
    let good = delivery().into_values();
    for (index, column) in Delivery::SCHEMA.columns.iter().enumerate() {
        let mut values = good.clone();
        values[index] = match column.kind {
            Kind::Bool => Value::Int(1),
            _ => Value::Bool(true),
        };
        assert_eq!(Delivery::from_values(Uuid::nil(), values), Err(column.name));

        let mut values = good.clone();
        values[index] = Value::Null;
        let read = Delivery::from_values(Uuid::nil(), values);
        assert_eq!(read.err(), (!column.nullable).then_some(column.name));
    }
}

#[test]
fn text_outside_the_domain_names_its_column() {
    let mut values = delivery().into_values();
    values[2] = Value::Text("lost".into());
    assert_eq!(Delivery::from_values(Uuid::nil(), values), Err("state"));
}

#[test]
fn a_wrong_number_of_values_is_refused() {
    let good = delivery().into_values();
    let short = good[..good.len() - 1].to_vec();
    let long = [good, vec![Value::Null]].concat();
    assert_eq!(Delivery::from_values(Uuid::nil(), short), Err("id"));
    assert_eq!(Delivery::from_values(Uuid::nil(), long), Err("id"));
    assert_eq!(Delivery::from_values(Uuid::nil(), vec![]), Err("id"));
}

/// An id that is not any UUID, and nothing else: the smallest record there is.
#[derive(Debug, Clone, PartialEq)]
struct OddId(Uuid);

impl Field for OddId {
    const KIND: Kind = Kind::Id;
    fn into_value(self) -> Value {
        Value::Id(self.0)
    }
    fn from_value(value: Value) -> Option<Self> {
        Uuid::from_value(value).filter(|id| id.as_u128() % 2 == 1).map(Self)
    }
}

#[derive(Debug, Clone, PartialEq, Record)]
#[record(table = "odd", resource = "odd")]
struct Odd {
    id: OddId,
}

#[test]
fn an_id_that_does_not_decode_names_the_id() {
    let odd = Odd { id: OddId(Uuid::from_u128(7)) };
    assert_eq!(Odd::from_values(Uuid::from_u128(7), vec![]), Ok(odd));
    assert_eq!(Odd::from_values(Uuid::from_u128(8), vec![]), Err("id"));
    assert_eq!(Odd::SCHEMA.columns, &[]);
    assert_eq!((Odd::SCHEMA.owner, Odd::SCHEMA.location), (None, None));
}

#[test]
fn the_id_is_read_and_set() {
    let mut record = Delivery { id: RecordId::unset(), ..delivery() };
    assert!(record.record_id().is_nil());
    record.set_record_id(Uuid::from_u128(9));
    assert_eq!(record.record_id(), Uuid::from_u128(9));
    assert_eq!(record.id, RecordId::from_uuid(Uuid::from_u128(9)));
}

#[test]
fn text_is_held_to_its_max_and_every_breach_is_reported() {
    let fits = Delivery { code: "é".repeat(12), r#type: String::new(), ..delivery() };
    assert_eq!(broken_rules(&fits), []);
    let too_long = Delivery {
        code: "é".repeat(13),
        remark: Some("x".repeat(41)),
        r#type: "x".repeat(256),
        ..delivery()
    };
    let rules = broken_rules(&too_long);
    let rules: Vec<_> = rules.iter().map(|e| (e.field.as_str(), e.rule.as_str())).collect();
    assert_eq!(rules, [("code", "max_length"), ("remark", "max_length"), ("type", "max_length")]);
}

mod rules {
    use super::{Check, Watering};

    pub(super) fn watering(watering: &Watering, check: &mut Check) {
        check.range("litres", watering.litres, 1, 1_000);
    }
}

#[derive(Debug, Clone, PartialEq, Record)]
#[record(table = "waterings", resource = "watering", owner = "id", validate = rules::watering)]
struct Watering {
    id: EntityId,
    litres: i64,
    remark: String,
}

#[test]
fn a_given_function_takes_the_place_of_the_default_rules() {
    let id = EntityId::from_uuid(Uuid::from_u128(1));
    let watering = Watering { id, litres: 0, remark: "x".repeat(300) };
    let rules = broken_rules(&watering);
    assert_eq!(rules.len(), 1);
    assert_eq!((rules[0].field.as_str(), rules[0].rule.as_str()), ("litres", "minimum"));
    assert_eq!(Watering::SCHEMA.owner, Some("id"));
}

/// Names of the prelude mean something else here; the derived code must not notice.
mod shadowed {
    use vivero_core::{Record, RecordId};

    #[expect(dead_code, reason = "only there to be in the way")]
    mod in_the_way {
        pub(super) struct Vec;
        pub(super) struct Result;
        pub(super) struct Value;
        pub(super) struct Schema;
    }
    #[expect(unused_imports, reason = "only there to be in the way")]
    use in_the_way::{Result, Schema, Value, Vec};

    #[derive(Debug, Clone, PartialEq, Record)]
    #[record(table = "plain", resource = "plain")]
    pub(super) struct Plain {
        pub(super) id: RecordId<Self>,
        pub(super) values: i64,
        pub(super) check: std::string::String,
    }
}

#[test]
fn names_of_the_surroundings_do_not_matter() {
    let plain = shadowed::Plain { id: RecordId::unset(), values: 1, check: "x".repeat(256) };
    assert_eq!(broken_rules(&plain).len(), 1);
    let read = shadowed::Plain::from_values(plain.record_id(), plain.clone().into_values());
    assert_eq!(read, Ok(plain));
}

macro_rules! declare {
    ($name:ident, $ty:ty, $max:literal) => {
        #[derive(Debug, Clone, PartialEq, Record)]
        #[record(table = "made", resource = "made")]
        struct $name {
            id: RecordId<Self>,
            #[record(max = $max)]
            text: $ty,
        }
    };
}
declare!(Made, Option<String>, 3);

#[test]
fn a_struct_written_by_a_macro_is_a_record_too() {
    assert_eq!(Made::SCHEMA.columns, &[Column::of::<Option<String>>("text").max(3)]);
    let made = Made { id: RecordId::unset(), text: Some("four".into()) };
    assert_eq!(broken_rules(&made).len(), 1);
}

#[test]
fn mistakes_are_compile_errors_that_say_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
