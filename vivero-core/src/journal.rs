//! The record of every change, its order and its proof.
//!
//! Writing and ordering are two steps. A business transaction appends its entries unordered (so that
//! writers never wait for one another's place in the chain). The *sealer* then gives committed
//! entries contiguous positions from 1 and a hash that covers the entry and the hash before it.

use crate::ids::{SYSTEM_ACTOR, TenantId, UserId};
use crate::record::Schema;
use crate::value::Value;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What stands in the journal for a secret value.
pub const REDACTED: &str = "[redacted]";

/// Who made a change.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A person of the tenant.
    User {
        /// Who.
        id: UserId,
    },
    /// An operator of the installation.
    Platform,
    /// vivero itself, for a stated reason.
    System {
        /// What for: `provisioning`, `import` …
        reason: String,
    },
}

impl Actor {
    /// The id kept in `created_by` and `updated_by`.
    #[must_use]
    pub fn id(&self) -> Uuid {
        match self {
            Self::User { id } => id.uuid(),
            Self::Platform | Self::System { .. } => SYSTEM_ACTOR,
        }
    }
    /// As stored: `user:<id>`, `platform`, `system:<reason>`.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::User { id } => format!("user:{id}"),
            Self::Platform => "platform".into(),
            Self::System { reason } => format!("system:{reason}"),
        }
    }
    /// Reads what [`Actor::encode`] wrote.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None if text == "platform" => Some(Self::Platform),
            Some(("user", id)) => id.parse().ok().map(|id| Self::User { id }),
            Some(("system", reason)) => Some(Self::System { reason: reason.into() }),
            _ => None,
        }
    }
}

/// Before and after of each changed field. At creation there is no before, at deletion no after.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Changes(pub BTreeMap<String, (Json, Json)>);

impl Changes {
    /// All fields that differ; secret ones are named but not shown.
    #[must_use]
    pub fn between(schema: &Schema, before: Option<&[Value]>, after: Option<&[Value]>) -> Self {
        let mut changes = BTreeMap::new();
        for (i, column) in schema.columns.iter().enumerate() {
            let (b, a) = (before.map(|v| &v[i]), after.map(|v| &v[i]));
            let empty = |v: Option<&Value>| v.is_none_or(Value::is_null);
            if b == a || empty(b) && empty(a) {
                continue;
            }
            let show = |v: Option<&Value>| match v {
                None | Some(Value::Null) => Json::Null,
                Some(_) if column.secret => Json::from(REDACTED),
                Some(v) => v.to_json(),
            };
            changes.insert(column.name.to_owned(), (show(b), show(a)));
        }
        Self(changes)
    }
}

/// One change of one record, as the transaction that made it writes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: Actor,
    /// What was done: `entity.create`, `entity.move`, `session.sign_in` …
    pub action: String,
    /// Resource of the record.
    pub resource: String,
    /// The record.
    pub record_id: Uuid,
    /// The record's version after the change.
    pub version: i64,
    /// Field by field.
    pub changes: Changes,
    /// What led to it: a request id, a stated reason.
    pub cause: Option<String>,
}

/// An entry with its place in the tenant's history.
#[derive(Debug, Clone, PartialEq)]
pub struct SealedEntry {
    /// 1, 2, 3 … without a gap.
    pub position: u64,
    /// Covers this entry and, through the hash before it, all earlier ones.
    pub hash: [u8; 32],
    /// What happened.
    pub entry: Entry,
}

/// An entry as it is stored, so that hashing never depends on how it was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredText<'a> {
    /// RFC 3339, UTC, six decimals.
    pub at: &'a str,
    /// [`Actor::encode`].
    pub actor: &'a str,
    /// [`Entry::action`].
    pub action: &'a str,
    /// [`Entry::resource`].
    pub resource: &'a str,
    /// [`Entry::record_id`].
    pub record_id: Uuid,
    /// [`Entry::version`].
    pub version: i64,
    /// [`Entry::changes`] as JSON.
    pub changes: &'a str,
    /// [`Entry::cause`].
    pub cause: Option<&'a str>,
}

/// The hash before the first entry: it binds a chain to its tenant, so that a chain moved to another
/// tenant does not verify there.
#[must_use]
pub fn genesis(tenant: TenantId) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"vivero journal 1\0");
    hash.update(tenant.uuid().as_bytes());
    hash.finalize().into()
}

/// The next link: SHA-256 over the previous hash, the position and each field with its length.
#[must_use]
pub fn link(previous: &[u8; 32], position: u64, entry: &StoredText<'_>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(position.to_be_bytes());
    hash.update(entry.record_id.as_bytes());
    hash.update(entry.version.to_be_bytes());
    // No cause and a cause without a character are told apart.
    hash.update([u8::from(entry.cause.is_some())]);
    let cause = entry.cause.unwrap_or_default();
    for text in [entry.at, entry.actor, entry.action, entry.resource, entry.changes, cause] {
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().into()
}

/// How instants are written in the journal.
#[must_use]
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// What `vivero audit verify` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainReport {
    /// Entries whose links were recomputed.
    pub checked: u64,
    /// Position of the last sealed entry.
    pub head: u64,
    /// Entries committed but not yet sealed.
    pub unsealed: u64,
    /// What is broken, first break first; empty if the chain holds.
    pub breaks: Vec<ChainBreak>,
}

/// One break of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainBreak {
    /// Where.
    pub position: u64,
    /// `edited`, `missing`, `truncated`, `anchor_mismatch`, `unknown_entry`.
    pub kind: &'static str,
    /// In words.
    pub detail: String,
}

/// A chain head kept outside the tenant's database, so that cutting off the end is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// Position of the head.
    pub position: u64,
    /// Hash of the head.
    pub hash: [u8; 32],
}

/// One step of a dashboard figure: exactly one of these per counted field and sealed entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountKey {
    /// Resource, e.g. `entity`.
    pub resource: String,
    /// Field, e.g. `status`; empty for the number of records, `+field` for a sum.
    pub field: String,
    /// Value, e.g. `ready`; empty for totals and "no value".
    pub value: String,
}

/// The figures an entry changes, and by how much: the one rule behind projections and recounts. A sum's
/// step may be greater than any value: from the least to the greatest `i64`.
#[must_use]
pub fn count_deltas(schema: &Schema, action: &str, changes: &Changes) -> Vec<(CountKey, i128)> {
    let key = |field: &str, value: &str| CountKey {
        resource: schema.resource.into(),
        field: field.into(),
        value: value.into(),
    };
    let action = action.rsplit('.').next().unwrap_or_default();
    let (gone, come) = match action {
        "create" | "recover" | "import" => (false, true),
        "delete" => (true, false),
        _ => (false, false),
    };
    let whole = gone || come;
    let mut deltas = Vec::new();
    if whole {
        deltas.push((key("", ""), if come { 1 } else { -1 }));
    }
    for column in schema.columns.iter().filter(|c| c.count || c.sum) {
        let change = changes.0.get(column.name);
        if change.is_none() && !whole {
            continue;
        }
        let (before, after) = change.map_or((&Json::Null, &Json::Null), |(b, a)| (b, a));
        if column.sum {
            let number = |j: &Json| i128::from(j.as_i64().unwrap_or(0));
            let by = number(after) - number(before);
            if by != 0 {
                deltas.push((key(&format!("+{}", column.name), ""), by));
            }
        }
        if column.count {
            let text = |j: &Json| match j {
                Json::Null => String::new(),
                Json::String(s) => s.clone(),
                other => other.to_string(),
            };
            if !come {
                deltas.push((key(column.name, &text(before)), -1));
            }
            if !gone {
                deltas.push((key(column.name, &text(after)), 1));
            }
        }
    }
    deltas
}
