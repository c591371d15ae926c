//! A record type with a column of every kind and every declaration.

use crate::Record;
use crate::ids::RecordId;
use crate::{LocationId, UserId, Uuid, text_enum};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value as Json, json};

text_enum! {
    /// A column with few and known values.
    pub(super) enum State {
        /// First.
        Open = "open",
        /// Second.
        Growing = "growing",
        /// Last.
        Closed = "closed",
    }
}

/// What an integrator might store.
#[derive(Debug, Clone, PartialEq, Record)]
#[record(table = "conformance_samples", resource = "sample", location = "place", owner = "keeper")]
#[record(facets(state, grade), validate = no_rules)]
pub(super) struct Sample {
    pub(super) id: RecordId<Self>,
    #[record(unique, sort, search, max = 64)]
    pub(super) code: String,
    #[record(sort, search, max = 200)]
    pub(super) name: String,
    #[record(unique, max = 64)]
    pub(super) label: Option<String>,
    #[record(lead, count, max = 16)]
    pub(super) state: State,
    #[record(filter, count, max = 16)]
    pub(super) grade: Option<State>,
    #[record(filter, count)]
    pub(super) place: Option<LocationId>,
    #[record(filter)]
    pub(super) keeper: Option<UserId>,
    #[record(sort, sum)]
    pub(super) pieces: i64,
    #[record(sum)]
    pub(super) weight: Option<i64>,
    #[record(filter, sort)]
    pub(super) rank: Option<i64>,
    #[record(filter, sort, count, max = 200)]
    pub(super) remark: Option<String>,
    #[record(filter, sort)]
    pub(super) seen_at: Option<DateTime<Utc>>,
    #[record(filter, sort)]
    pub(super) due_on: Option<NaiveDate>,
    #[record(filter)]
    pub(super) checked: Option<bool>,
    #[record(search, max = 16384)]
    pub(super) papers: Json,
    pub(super) extra: Option<Json>,
    #[record(max = 20000)]
    pub(super) note: Option<String>,
    #[record(secret, max = 4096)]
    pub(super) seal: Vec<u8>,
    #[record(max = 4096)]
    pub(super) scan: Option<Vec<u8>>,
}

/// Every sort of a [`Sample`], as [`crate::query::Sort`] names them.
pub(super) const SORTS: &[Option<&str>] = &[
    None,
    Some("updated_at"),
    Some("code"),
    Some("name"),
    Some("pieces"),
    Some("rank"),
    Some("remark"),
    Some("seen_at"),
    Some("due_on"),
];

// The suite checks what a store does, also with values a service would refuse.
const fn no_rules(_: &Sample, _: &mut crate::error::Check) {}

impl Sample {
    /// A sample with a code and nothing else.
    pub(super) fn new(id: Uuid, code: impl Into<String>) -> Self {
        Self {
            id: RecordId::from_uuid(id),
            code: code.into(),
            name: String::new(),
            label: None,
            state: State::Open,
            grade: None,
            place: None,
            keeper: None,
            pieces: 0,
            weight: None,
            rank: None,
            remark: None,
            seen_at: None,
            due_on: None,
            checked: None,
            papers: json!({}),
            extra: None,
            note: None,
            seal: Vec::new(),
            scan: None,
        }
    }
}
