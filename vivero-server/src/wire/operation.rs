//! Operations on whole tenants, on the wire.

use super::{Stamp, Word, present};
use poem_openapi::Object;
use poem_openapi::types::Any;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use uuid::Uuid;
use vivero_core::Slug;
use vivero_core::operations::{
    NewOperation, Operation, OperationKind, OperationState, StoredArchive,
};

/// An operation that is asked for. Each kind takes its own fields; others are refused.
#[derive(Debug, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct OperationIn {
    /// What is to be done to the tenant in the path; for `clone` and `import`, that is the new one.
    pub(crate) kind: Word<OperationKind>,
    /// File in the folder of archives: made by `backup`, `export` and `archive` (named after tenant and
    /// time if absent), read by `restore`, `verify` and `import`, which also take the name of an archive in
    /// the store of files.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[oai(validator(max_length = 120, pattern = "^(store:)?[A-Za-z0-9][A-Za-z0-9._-]*$"))]
    pub(crate) archive: Option<String>,
    /// For `backup`, `export` and `archive`: into the installation's store of files, under a name that is
    /// among the parameters of the answer.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<bool>,
    /// For `backup` with `store`: so many of the tenant's newest archives in the store stay.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[oai(validator(minimum(value = "1"), maximum(value = "10000")))]
    pub(crate) keep: Option<i64>,
    /// For `backup` with `store`: archives of the tenant that are not older stay in any case.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[oai(validator(minimum(value = "0"), maximum(value = "36500")))]
    pub(crate) keep_days: Option<i64>,
    /// The tenant to copy, for `clone`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[oai(validator(min_length = 3, max_length = 40, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$"))]
    pub(crate) source: Option<String>,
    /// For `restore`: the tenant is in service, and what was done since the archive was made shall be gone.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) replace: Option<bool>,
    /// For `delete`: days in which it can be had back, 30 if absent.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[oai(validator(minimum(value = "0"), maximum(value = "3650")))]
    pub(crate) grace_days: Option<i64>,
    /// For `move`: the database server to move to; into a new database on the same one if absent.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[oai(validator(min_length = 1, max_length = 40, pattern = "^[A-Za-z0-9-]+$"))]
    pub(crate) to: Option<String>,
    /// For `delete` and `purge`: the tenant's slug once more.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[oai(validator(min_length = 3, max_length = 40, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$"))]
    pub(crate) confirm: Option<String>,
}

impl OperationIn {
    /// As the core takes it.
    pub(crate) fn new_operation(self, slug: Slug, key: Option<String>) -> NewOperation {
        let kind = self.kind.0;
        let mut parameters = Map::new();
        let mut add = |name: &str, value: Option<Json>| {
            if let Some(value) = value {
                parameters.insert(name.to_owned(), value);
            }
        };
        add("archive", self.archive.map(Json::from));
        add("store", self.store.map(Json::from));
        add("keep", self.keep.map(Json::from));
        add("keep_days", self.keep_days.map(Json::from));
        add("source", self.source.map(Json::from));
        add("replace", self.replace.map(Json::from));
        add("grace_days", self.grace_days.map(Json::from));
        add("to", self.to.map(Json::from));
        add("confirm", self.confirm.map(Json::from));
        NewOperation { kind, slug, parameters: Json::Object(parameters), key }
    }
}

/// An operation on record.
#[derive(Debug, Serialize, Object)]
pub(crate) struct OperationOut {
    /// Identity.
    pub(crate) id: Uuid,
    /// The tenant's name when it was asked for.
    pub(crate) tenant: String,
    /// What is done.
    pub(crate) kind: Word<OperationKind>,
    /// How far it is.
    pub(crate) state: Word<OperationState>,
    /// The step it is at; empty before the first.
    pub(crate) step: String,
    /// Rows done.
    pub(crate) done: u64,
    /// Rows there are, about; 0 while that is not known.
    pub(crate) total: u64,
    /// Why it failed, at which step, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) message: Option<String>,
    /// What was asked for.
    pub(crate) parameters: Any<Json>,
    /// What has come of it so far.
    pub(crate) result: Any<Json>,
    /// When it was asked for.
    pub(crate) created_at: Stamp,
    /// When something last happened.
    pub(crate) changed_at: Stamp,
}

impl From<Operation> for OperationOut {
    fn from(operation: Operation) -> Self {
        Self {
            id: operation.id,
            tenant: operation.slug.to_string(),
            kind: Word(operation.kind),
            state: Word(operation.state),
            step: operation.step,
            done: operation.done,
            total: operation.total,
            message: operation.message,
            parameters: Any(operation.parameters),
            result: Any(operation.result),
            created_at: Stamp(operation.created_at),
            changed_at: Stamp(operation.changed_at),
        }
    }
}

/// Operations of a tenant, newest first.
#[derive(Debug, Serialize, Object)]
pub(crate) struct OperationList {
    /// The operations.
    pub(crate) items: Vec<OperationOut>,
}

/// An archive in the installation's store of files.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ArchiveOut {
    /// Its name, as `restore` and `import` take it.
    pub(crate) name: String,
    /// Id of the tenant.
    pub(crate) tenant_id: Uuid,
    /// Id of the operation that made it.
    pub(crate) operation: Uuid,
    /// Its bytes.
    pub(crate) bytes: u64,
    /// When it was written, by the store's clock.
    pub(crate) written_at: Stamp,
}

impl From<StoredArchive> for ArchiveOut {
    fn from(archive: StoredArchive) -> Self {
        Self {
            name: archive.name,
            tenant_id: archive.tenant.uuid(),
            operation: archive.id,
            bytes: archive.bytes,
            written_at: Stamp(archive.written_at),
        }
    }
}

/// Archives of a tenant, newest first.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ArchiveList {
    /// The archives.
    pub(crate) items: Vec<ArchiveOut>,
}
