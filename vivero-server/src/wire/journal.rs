//! The journal on the wire: history, audit trail, events.

use super::Stamp;
use super::schema::{describe, inline};
use poem_openapi::Object;
use poem_openapi::registry::MetaSchema;
use poem_openapi::types::Any;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value as Json;
use uuid::Uuid;
use vivero_core::journal::{Actor, ChainReport, Changes, Entry, SealedEntry};

/// Who made a change.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ActorOut {
    /// `user`, `platform` or `system`.
    pub(crate) kind: String,
    /// The person, for `user`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) id: Option<Uuid>,
    /// What for, for `system`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) reason: Option<String>,
}

impl From<Actor> for ActorOut {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::User { id } => Self { kind: "user".into(), id: Some(id.uuid()), reason: None },
            Actor::Platform => Self { kind: "platform".into(), id: None, reason: None },
            Actor::System { reason } => {
                Self { kind: "system".into(), id: None, reason: Some(reason) }
            }
        }
    }
}

/// Before and after of one field; null where there is no value.
#[derive(Debug, Object)]
pub(crate) struct FieldChange {
    /// Before.
    before: Any<Json>,
    /// After.
    after: Any<Json>,
}

/// Before and after of each changed field.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct ChangesOut(pub(crate) Changes);

impl Serialize for ChangesOut {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Sides<'a> {
            before: &'a Json,
            after: &'a Json,
        }
        s.collect_map(
            self.0.0.iter().map(|(name, (before, after))| (name, Sides { before, after })),
        )
    }
}

describe!(
    [] ChangesOut, true, ChangesOut, "changes".into(),
    inline(MetaSchema {
        additional_properties: Some(Box::new(FieldChange::schema_ref())),
        ..MetaSchema::new("object")
    }),
    FieldChange::register, |v| Some(v)
);

/// Field names as they are on the wire.
fn on_the_wire(resource: &str, mut changes: Changes) -> ChangesOut {
    if resource == "entity"
        && let Some(kind) = changes.0.remove("kind")
    {
        changes.0.insert("type".into(), kind);
    }
    ChangesOut(changes)
}

macro_rules! entry_type {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* }) => {
        $(#[$doc])*
        #[derive(Debug, Serialize, Object)]
        pub(crate) struct $name {
            $($(#[$fdoc])* pub(crate) $field: $ty,)*
            /// When.
            pub(crate) at: Stamp,
            /// Who.
            pub(crate) actor: ActorOut,
            /// What was done: `entity.create`, `entity.move`, `session.sign_in` …
            pub(crate) action: String,
            /// Resource of the record.
            pub(crate) resource: String,
            /// The record.
            pub(crate) record_id: Uuid,
            /// The record's version after the change.
            pub(crate) version: i64,
            /// Field by field.
            pub(crate) changes: ChangesOut,
            /// What led to it: a request id, a stated reason.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[oai(skip_serializing_if_is_none)]
            pub(crate) cause: Option<String>,
        }
        impl $name {
            fn with($($field: $ty,)* entry: Entry) -> Self {
                Self {
                    $($field,)*
                    at: Stamp(entry.at),
                    actor: entry.actor.into(),
                    changes: on_the_wire(&entry.resource, entry.changes),
                    action: entry.action,
                    resource: entry.resource,
                    record_id: entry.record_id,
                    version: entry.version,
                    cause: entry.cause,
                }
            }
        }
    };
}

entry_type! {
    /// One change of one record.
    HistoryEntryOut {}
}
entry_type! {
    /// One change as it happened, in the data of a server-sent event.
    EventOut {
        /// Place in the tenant's history: 1, 2, 3 … without a gap; also the event's id.
        position: u64
    }
}
entry_type! {
    /// One link of the audit chain.
    AuditEntryOut {
        /// Place in the tenant's history: 1, 2, 3 … without a gap.
        position: u64,
        /// SHA-256 in hex; covers this entry and all before it.
        hash: String
    }
}

impl From<SealedEntry> for EventOut {
    fn from(sealed: SealedEntry) -> Self {
        Self::with(sealed.position, sealed.entry)
    }
}
impl From<SealedEntry> for AuditEntryOut {
    fn from(sealed: SealedEntry) -> Self {
        Self::with(sealed.position, hex::encode(sealed.hash), sealed.entry)
    }
}

/// Changes of one record, newest first.
#[derive(Debug, Serialize, Object)]
pub(crate) struct HistoryList {
    /// The changes.
    pub(crate) items: Vec<HistoryEntryOut>,
    /// Give this as `before` for older changes; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) next_before: Option<i64>,
}

impl HistoryList {
    /// What a page of `limit` entries found.
    pub(crate) fn new(entries: Vec<Entry>, limit: u32) -> Self {
        let more = entries.len() >= limit as usize;
        let next_before = entries.last().map(|e| e.version).filter(|v| more && *v > 1);
        Self { items: entries.into_iter().map(HistoryEntryOut::with).collect(), next_before }
    }
}

/// The audit trail, newest first.
#[derive(Debug, Serialize, Object)]
pub(crate) struct AuditList {
    /// The entries.
    pub(crate) items: Vec<AuditEntryOut>,
    /// Give this as `before` for older entries; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) next_before: Option<u64>,
}

impl AuditList {
    /// What a page found. Positions have no gap, so the first entry is number 1.
    pub(crate) fn new(entries: Vec<SealedEntry>) -> Self {
        let next_before = entries.last().map(|e| e.position).filter(|p| *p > 1);
        Self { items: entries.into_iter().map(AuditEntryOut::from).collect(), next_before }
    }
}

/// One break of the chain.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ChainBreakOut {
    /// Where.
    pub(crate) position: u64,
    /// `edited`, `missing`, `truncated`, `anchor_mismatch` or `unknown_entry`.
    pub(crate) kind: String,
    /// In words.
    pub(crate) detail: String,
}

/// What recomputing the audit chain found.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ChainReportOut {
    /// Entries whose links were recomputed.
    pub(crate) checked: u64,
    /// Position of the last sealed entry.
    pub(crate) head: u64,
    /// Entries committed but not yet sealed.
    pub(crate) unsealed: u64,
    /// What is broken, first break first; empty if the chain holds.
    pub(crate) breaks: Vec<ChainBreakOut>,
}

impl From<ChainReport> for ChainReportOut {
    fn from(report: ChainReport) -> Self {
        let breaks = report.breaks.into_iter();
        Self {
            checked: report.checked,
            head: report.head,
            unsealed: report.unsealed,
            breaks: breaks
                .map(|b| ChainBreakOut {
                    position: b.position,
                    kind: b.kind.into(),
                    detail: b.detail,
                })
                .collect(),
        }
    }
}
