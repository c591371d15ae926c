// Generated from vivero-client/openapi.json: do not edit.
// To make it anew: VIVERO_UPDATE=1 cargo test -p vivero-workspace --test client_is_current
#[allow(unused_imports)]
pub use progenitor_client::{ByteStream, ClientInfo, Error, ResponseValue};
#[allow(unused_imports)]
use progenitor_client::{encode_path, ClientHooks, OperationInfo, RequestBuilderExt};
/// Types used as operation parameters and responses.
#[allow(clippy::all)]
pub mod types {
    ///What the database server counted for a tenant's account.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct AccountUsage {
        ///Seconds in which statements ran.
        pub busy_seconds: f64,
        ///Bytes from its connections.
        pub bytes_received: u64,
        ///Bytes to them.
        pub bytes_sent: u64,
        ///Connections made.
        pub connections: u64,
        ///Seconds of CPU time.
        pub cpu_seconds: f64,
        ///Rows read from tables.
        pub rows_read: u64,
        ///Rows inserted, changed and deleted.
        pub rows_written: u64,
    }
    ///Who made a change.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Actor {
        ///The person, for `user`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub id: ::std::option::Option<::uuid::Uuid>,
        ///`user`, `platform` or `system`.
        pub kind: ::std::string::String,
        ///What for, for `system`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub reason: ::std::option::Option<::std::string::String>,
    }
    ///An archive in the installation's store of files.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Archive {
        ///Its bytes.
        pub bytes: u64,
        ///Its name, as `restore` and `import` take it.
        pub name: ::std::string::String,
        ///Id of the operation that made it.
        pub operation: ::uuid::Uuid,
        ///Id of the tenant.
        pub tenant_id: ::uuid::Uuid,
        ///When it was written, by the store's clock.
        pub written_at: ::chrono::DateTime<::chrono::offset::Utc>,
    }
    ///Archives of a tenant, newest first.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct ArchiveList {
        ///The archives.
        pub items: ::std::vec::Vec<Archive>,
    }
    ///One link of the audit chain.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct AuditEntry {
        ///What was done: `entity.create`, `entity.move`, `session.sign_in` …
        pub action: ::std::string::String,
        ///Who.
        pub actor: Actor,
        ///When.
        pub at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///What led to it: a request id, a stated reason.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub cause: ::std::option::Option<::std::string::String>,
        ///Field by field.
        pub changes: ::std::collections::BTreeMap<::std::string::String, FieldChange>,
        ///SHA-256 in hex; covers this entry and all before it.
        pub hash: ::std::string::String,
        ///Place in the tenant's history: 1, 2, 3 … without a gap.
        pub position: u64,
        ///The record.
        pub record_id: ::uuid::Uuid,
        ///Resource of the record.
        pub resource: ::std::string::String,
        ///The record's version after the change.
        pub version: i64,
    }
    ///The audit trail, newest first.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct AuditList {
        ///The entries.
        pub items: ::std::vec::Vec<AuditEntry>,
        ///Give this as `before` for older entries; absent if there are none.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub next_before: ::std::option::Option<u64>,
    }
    ///One break of the chain.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct ChainBreak {
        ///In words.
        pub detail: ::std::string::String,
        ///`edited`, `missing`, `truncated`, `anchor_mismatch` or `unknown_entry`.
        pub kind: ::std::string::String,
        ///Where.
        pub position: u64,
    }
    ///What recomputing the audit chain found.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct ChainReport {
        ///What is broken, first break first; empty if the chain holds.
        pub breaks: ::std::vec::Vec<ChainBreak>,
        ///Entries whose links were recomputed.
        pub checked: u64,
        ///Position of the last sealed entry.
        pub head: u64,
        ///Entries committed but not yet sealed.
        pub unsealed: u64,
    }
    ///This process's connections to a database server.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Connections {
        ///Of them those at work.
        pub in_use: u64,
        ///Most there may be; 0 while nothing was asked of the server yet.
        pub max: u64,
        ///Connections there are now.
        pub open: u64,
        ///Requests refused since the start because all were in use for too long.
        pub refused: u64,
        ///Seconds that requests have waited for one, since the start, in all.
        pub waited_seconds: f64,
        ///Requests that wait for one now.
        pub waiting: u64,
    }
    ///The figures of the start page, as of one position of the journal.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Dashboard {
        ///Stock.
        pub entities: EntityFigures,
        ///Places.
        pub locations: LocationFigures,
        ///The position.
        pub position: u64,
        ///People.
        pub users: UserFigures,
    }
    ///The last time a server was emptied, and how far that is.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Drain {
        ///When something last happened.
        pub changed_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///When it was asked for.
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Of them those that could not be moved.
        pub failed: u64,
        ///Which could not, and why: the first 200.
        pub failures: ::std::vec::Vec<DrainFailure>,
        ///Identity: each time has its own.
        pub id: ::uuid::Uuid,
        ///Of them those that are still to be moved.
        pub left: u64,
        ///Why tenants are still there, and what to do.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub message: ::std::option::Option<::std::string::String>,
        ///Of them those that are elsewhere.
        pub moved: u64,
        ///Its operation, which tells how far that is.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub operation: ::std::option::Option<::uuid::Uuid>,
        ///The server.
        pub server: ::std::string::String,
        ///`done` if every tenant is elsewhere, `failed` if it is over and tenants are still there.
        pub state: DrainState,
        ///The tenant that is being moved now.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub tenant: ::std::option::Option<::std::string::String>,
        ///Where its tenants go; absent if each goes to the open server that is least filled.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub to: ::std::option::Option<::std::string::String>,
        ///Tenants there were when it began.
        pub total: u64,
    }
    ///A tenant that could not be moved; it is in service as before.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct DrainFailure {
        ///Why, and what to do.
        pub message: ::std::string::String,
        ///Its move, if it came to one.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub operation: ::std::option::Option<::uuid::Uuid>,
        ///Name in paths.
        pub tenant: ::std::string::String,
    }
    ///How a server is to be emptied.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct DrainIn {
        ///The server its tenants go to; each to the open server that is least filled if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub to: ::std::option::Option<::std::string::String>,
    }
    ///How emptying a database server stands.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum DrainState {
        #[serde(rename = "running")]
        Running,
        #[serde(rename = "done")]
        Done,
        #[serde(rename = "failed")]
        Failed,
    }
    impl ::std::fmt::Display for DrainState {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Running => f.write_str("running"),
                Self::Done => f.write_str("done"),
                Self::Failed => f.write_str("failed"),
            }
        }
    }
    impl ::std::str::FromStr for DrainState {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "running" => Ok(Self::Running),
                "done" => Ok(Self::Done),
                "failed" => Ok(Self::Failed),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for DrainState {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for DrainState {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///A tracked lot of living stock.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Entity {
        ///Whatever else the grower keeps.
        pub attributes: ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        ///Traceability code, as in part C of a plant passport.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub batch_number: ::std::option::Option<::std::string::String>,
        ///The grower's own number, unique in the tenant.
        pub code: ::std::string::String,
        ///When it was registered.
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Who registered it; the nil UUID if no person did.
        pub created_by: ::uuid::Uuid,
        ///When it was deleted, if it is.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub deleted_at: ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
        ///The status to go back to when a hold is released.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub held_from: ::std::option::Option<Status>,
        ///Identity.
        pub id: ::uuid::Uuid,
        ///Where it stands.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub location_id: ::std::option::Option<::uuid::Uuid>,
        ///What it is, usually the botanical name.
        pub name: ::std::string::String,
        ///Quality for sale.
        pub quality_grade: Grade,
        ///How many, in `unit`.
        pub quantity: i64,
        ///Day from which it can be sold.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub ready_on: ::std::option::Option<::chrono::naive::NaiveDate>,
        ///How far it has grown.
        pub stage: Stage,
        ///Day of sowing, sticking, grafting or arrival.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub started_on: ::std::option::Option<::chrono::naive::NaiveDate>,
        ///Where it is in its life.
        pub status: Status,
        ///The supplier's own number for the lot.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub supplier_reference: ::std::option::Option<::std::string::String>,
        ///Kind of stock.
        #[serde(rename = "type")]
        pub type_: EntityType,
        ///What one of `quantity` is.
        pub unit: Unit,
        ///When it was last changed.
        pub updated_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Who last changed it; the nil UUID if no person did.
        pub updated_by: ::uuid::Uuid,
        ///Grows with each change; also in `ETag`.
        pub version: i64,
    }
    ///Figures of the stock.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct EntityFigures {
        ///The twenty places with most entities, most first.
        pub by_location: ::std::vec::Vec<LocationCount>,
        ///Entities by stage.
        pub by_stage: ::std::collections::BTreeMap<::std::string::String, i64>,
        ///Entities by status.
        pub by_status: ::std::collections::BTreeMap<::std::string::String, i64>,
        ///Entities by type.
        pub by_type: ::std::collections::BTreeMap<::std::string::String, i64>,
        ///The sum of their quantities.
        pub quantity: i64,
        ///Entities.
        pub total: i64,
    }
    ///An entity to be registered.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct EntityIn {
        ///Whatever else the grower keeps: at most 16 KiB of JSON, 8 levels deep.
        #[serde(default, skip_serializing_if = "::serde_json::Map::is_empty")]
        pub attributes: ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        ///Traceability code, as in part C of a plant passport.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub batch_number: ::std::option::Option<::std::string::String>,
        ///The grower's own number, unique in the tenant.
        pub code: ::std::string::String,
        ///Where it stands.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub location_id: ::std::option::Option<::uuid::Uuid>,
        ///What it is, usually the botanical name.
        pub name: ::std::string::String,
        ///Quality for sale; `ungraded` if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub quality_grade: ::std::option::Option<Grade>,
        ///How many, in `unit`.
        pub quantity: i64,
        ///Day from which it can be sold; not before `started_on`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub ready_on: ::std::option::Option<::chrono::naive::NaiveDate>,
        ///How far it has grown; `propagation` if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub stage: ::std::option::Option<Stage>,
        ///Day of sowing, sticking, grafting or arrival.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub started_on: ::std::option::Option<::chrono::naive::NaiveDate>,
        ///The supplier's own number for the lot.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub supplier_reference: ::std::option::Option<::std::string::String>,
        ///Kind of stock.
        #[serde(rename = "type")]
        pub type_: EntityType,
        ///What one of `quantity` is; `plant` if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub unit: ::std::option::Option<Unit>,
    }
    ///One page of entities.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct EntityList {
        ///The rows.
        pub items: ::std::vec::Vec<Entity>,
        ///Give this as `cursor` for the next page; absent on the last.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub next_cursor: ::std::option::Option<::std::string::String>,
        ///How many rows match in all, if `total=true` asked for it.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub total: ::std::option::Option<u64>,
    }
    /**Edits of an entity. Absent fields stay; null clears. Status, stage and quantity change by
transitions, the place by moves.*/
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct EntityPatch {
        ///Replaces all attributes: at most 16 KiB of JSON, 8 levels deep.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub attributes: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        ///Traceability code.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub batch_number: ::std::option::Option<crate::Change<::std::string::String>>,
        ///The grower's own number, unique in the tenant.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub code: ::std::option::Option<::std::string::String>,
        ///What it is, usually the botanical name.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
        ///Quality for sale.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub quality_grade: ::std::option::Option<Grade>,
        ///Day from which it can be sold; not before `started_on`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub ready_on: ::std::option::Option<crate::Change<::chrono::naive::NaiveDate>>,
        ///Day of sowing, sticking, grafting or arrival.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub started_on: ::std::option::Option<crate::Change<::chrono::naive::NaiveDate>>,
        ///The supplier's own number for the lot.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub supplier_reference: ::std::option::Option<
            crate::Change<::std::string::String>,
        >,
        ///Kind of stock.
        #[serde(rename = "type", skip_serializing_if = "::std::option::Option::is_none")]
        pub type_: ::std::option::Option<EntityType>,
        ///What one of `quantity` is.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub unit: ::std::option::Option<Unit>,
    }
    ///What kind of stock an entity is.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum EntityType {
        #[serde(rename = "seed")]
        Seed,
        #[serde(rename = "cutting")]
        Cutting,
        #[serde(rename = "graft")]
        Graft,
        #[serde(rename = "young_plant")]
        YoungPlant,
        #[serde(rename = "container_plant")]
        ContainerPlant,
        #[serde(rename = "field_stock")]
        FieldStock,
        #[serde(rename = "bulb")]
        Bulb,
        #[serde(rename = "bought_in")]
        BoughtIn,
    }
    impl ::std::fmt::Display for EntityType {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Seed => f.write_str("seed"),
                Self::Cutting => f.write_str("cutting"),
                Self::Graft => f.write_str("graft"),
                Self::YoungPlant => f.write_str("young_plant"),
                Self::ContainerPlant => f.write_str("container_plant"),
                Self::FieldStock => f.write_str("field_stock"),
                Self::Bulb => f.write_str("bulb"),
                Self::BoughtIn => f.write_str("bought_in"),
            }
        }
    }
    impl ::std::str::FromStr for EntityType {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "seed" => Ok(Self::Seed),
                "cutting" => Ok(Self::Cutting),
                "graft" => Ok(Self::Graft),
                "young_plant" => Ok(Self::YoungPlant),
                "container_plant" => Ok(Self::ContainerPlant),
                "field_stock" => Ok(Self::FieldStock),
                "bulb" => Ok(Self::Bulb),
                "bought_in" => Ok(Self::BoughtIn),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for EntityType {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for EntityType {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///One change as it happened, in the data of a server-sent event.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Event {
        ///What was done: `entity.create`, `entity.move`, `session.sign_in` …
        pub action: ::std::string::String,
        ///Who.
        pub actor: Actor,
        ///When.
        pub at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///What led to it: a request id, a stated reason.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub cause: ::std::option::Option<::std::string::String>,
        ///Field by field.
        pub changes: ::std::collections::BTreeMap<::std::string::String, FieldChange>,
        ///Place in the tenant's history: 1, 2, 3 … without a gap; also the event's id.
        pub position: u64,
        ///The record.
        pub record_id: ::uuid::Uuid,
        ///Resource of the record.
        pub resource: ::std::string::String,
        ///The record's version after the change.
        pub version: i64,
    }
    ///Before and after of one field; null where there is no value.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct FieldChange {
        ///After.
        pub after: ::serde_json::Value,
        ///Before.
        pub before: ::serde_json::Value,
    }
    ///A field that two people changed since the version both started from.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct FieldConflict {
        ///Its value in the version the caller started from.
        pub base: ::serde_json::Value,
        ///The field.
        pub field: ::std::string::String,
        ///The value the caller wants.
        pub mine: ::serde_json::Value,
        ///Its value now.
        pub theirs: ::serde_json::Value,
    }
    ///One rule that one field of the input breaks.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct FieldError {
        ///Path of the field in body, query, path or headers, e.g. `attributes.colour`.
        pub field: ::std::string::String,
        ///The rule in words, with its numbers.
        pub message: ::std::string::String,
        ///Stable name of the rule, e.g. `max_length`.
        pub rule: ::std::string::String,
    }
    ///What is known of a file.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct File {
        ///When it was added.
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Who added it; the nil UUID if no person did.
        pub created_by: ::uuid::Uuid,
        ///When it was deleted, if it is.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub deleted_at: ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
        ///The lot it belongs to.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub entity_id: ::std::option::Option<::uuid::Uuid>,
        ///Identity.
        pub id: ::uuid::Uuid,
        ///Where that lot stands.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub location_id: ::std::option::Option<::uuid::Uuid>,
        ///What it is served as; follows from its kind.
        pub media_type: ::std::string::String,
        ///What people call it.
        pub name: ::std::string::String,
        ///SHA-256 of the content in lower-case hexadecimal digits; in quotes also the `ETag` of the content.
        pub sha256: ::std::string::String,
        ///Bytes.
        pub size: i64,
        ///Whether its content is there.
        pub state: FileState,
        ///When it was last changed.
        pub updated_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Who last changed it; the nil UUID if no person did.
        pub updated_by: ::uuid::Uuid,
        ///The person who uploaded it.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub uploaded_by: ::std::option::Option<::uuid::Uuid>,
        ///Grows with each change; also in `ETag`.
        pub version: i64,
    }
    ///One page of files.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct FileList {
        ///The rows.
        pub items: ::std::vec::Vec<File>,
        ///Give this as `cursor` for the next page; absent on the last.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub next_cursor: ::std::option::Option<::std::string::String>,
        ///How many rows match in all, if `total=true` asked for it.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub total: ::std::option::Option<u64>,
    }
    ///Edits of a file. Absent fields stay; null clears.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct FilePatch {
        ///The lot it belongs to.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub entity_id: ::std::option::Option<crate::Change<::uuid::Uuid>>,
        ///What people call it; the ending must stay one of its kind.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
    }
    ///Whether a file's content is there.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum FileState {
        #[serde(rename = "stored")]
        Stored,
        #[serde(rename = "purging")]
        Purging,
        #[serde(rename = "purged")]
        Purged,
    }
    impl ::std::fmt::Display for FileState {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Stored => f.write_str("stored"),
                Self::Purging => f.write_str("purging"),
                Self::Purged => f.write_str("purged"),
            }
        }
    }
    impl ::std::str::FromStr for FileState {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "stored" => Ok(Self::Stored),
                "purging" => Ok(Self::Purging),
                "purged" => Ok(Self::Purged),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for FileState {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for FileState {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///What one check of a database server found.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Finding {
        ///What was looked at, e.g. `max_connections`.
        pub check: ::std::string::String,
        ///What was found.
        pub detail: ::std::string::String,
        ///What to do, as a statement or setting; absent where there is nothing to do.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub remedy: ::std::option::Option<::std::string::String>,
        ///The server.
        pub server: ::std::string::String,
        ///`ok`, `warning` if it runs but, `failed` if it cannot run so.
        pub verdict: ::std::string::String,
    }
    ///What was found on all database servers.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct FindingList {
        ///The findings, server by server.
        pub items: ::std::vec::Vec<Finding>,
    }
    ///Quality as graded for sale.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum Grade {
        #[serde(rename = "extra")]
        Extra,
        #[serde(rename = "first")]
        First,
        #[serde(rename = "second")]
        Second,
        #[serde(rename = "ungraded")]
        Ungraded,
    }
    impl ::std::fmt::Display for Grade {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Extra => f.write_str("extra"),
                Self::First => f.write_str("first"),
                Self::Second => f.write_str("second"),
                Self::Ungraded => f.write_str("ungraded"),
            }
        }
    }
    impl ::std::str::FromStr for Grade {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "extra" => Ok(Self::Extra),
                "first" => Ok(Self::First),
                "second" => Ok(Self::Second),
                "ungraded" => Ok(Self::Ungraded),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for Grade {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for Grade {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///Up.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Health {
        ///`up`; `degraded` while this node serves but does not reach what it shares with other nodes.
        pub status: ::std::string::String,
    }
    ///One change of one record.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct HistoryEntry {
        ///What was done: `entity.create`, `entity.move`, `session.sign_in` …
        pub action: ::std::string::String,
        ///Who.
        pub actor: Actor,
        ///When.
        pub at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///What led to it: a request id, a stated reason.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub cause: ::std::option::Option<::std::string::String>,
        ///Field by field.
        pub changes: ::std::collections::BTreeMap<::std::string::String, FieldChange>,
        ///The record.
        pub record_id: ::uuid::Uuid,
        ///Resource of the record.
        pub resource: ::std::string::String,
        ///The record's version after the change.
        pub version: i64,
    }
    ///Changes of one record, newest first.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct HistoryList {
        ///The changes.
        pub items: ::std::vec::Vec<HistoryEntry>,
        ///Give this as `before` for older changes; absent if there are none.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub next_before: ::std::option::Option<i64>,
    }
    ///What lets an invited person choose a password.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Invitation {
        ///First instant at which it is void.
        pub ends_at: ::chrono::DateTime<::chrono::offset::Utc>,
        /**Single use. It is shown once: a repeated request with the same `Idempotency-Key` is answered
without it.*/
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub token: ::std::option::Option<crate::Secret>,
    }
    ///An accepted invitation.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct InvitationIn {
        ///The password the person chooses.
        pub password: crate::Secret,
        ///The invitation's token.
        pub token: crate::Secret,
    }
    ///A person and the invitation to pass on.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Invited {
        ///The invitation.
        pub invitation: Invitation,
        ///The person.
        pub user: User,
    }
    /**A database that a tenant has no more since a move was turned back or given up, and that may hold what is nowhere
else.*/
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Kept {
        ///Its name on the server.
        pub database: ::std::string::String,
        ///Its generation.
        pub generation: i64,
        ///Since when it is nobody's.
        pub kept_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///The move that was turned back or given up.
        pub operation: ::uuid::Uuid,
        ///Name of the tenant whose it was.
        pub tenant: ::std::string::String,
    }
    ///A kept database that is gone.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct KeptRemoved {
        ///Its name there.
        pub database: ::std::string::String,
        ///The server it was on.
        pub server: ::std::string::String,
    }
    ///A link to a file's content.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Link {
        ///First instant at which it is void.
        pub expires_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Whoever has this address can read the file until it is void, signed in or not.
        pub url: ::std::string::String,
    }
    ///For how long a link is to be good.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct LinkIn {
        ///Seconds, 1 to 3600; 300 if not said.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub valid_for: ::std::option::Option<i64>,
    }
    ///A place where stock stands.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Location {
        ///Area in square decimetres (1 m² = 100).
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub area_dm2: ::std::option::Option<i64>,
        ///Short name, unique in the tenant.
        pub code: ::std::string::String,
        ///When it was added.
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Who added it; the nil UUID if no person did.
        pub created_by: ::uuid::Uuid,
        ///When it was deleted, if it is.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub deleted_at: ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
        ///Identity.
        pub id: ::uuid::Uuid,
        ///What kind of place it is.
        pub kind: LocationKind,
        ///Name.
        pub name: ::std::string::String,
        ///The place it lies in; absent for a site.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub parent_id: ::std::option::Option<::uuid::Uuid>,
        ///Ids from the top down to this one, each followed by `/`.
        pub path: ::std::string::String,
        ///When it was last changed.
        pub updated_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Who last changed it; the nil UUID if no person did.
        pub updated_by: ::uuid::Uuid,
        ///Grows with each change; also in `ETag`.
        pub version: i64,
    }
    ///How many entities stand at one place.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct LocationCount {
        ///Entities there.
        pub count: i64,
        ///The place.
        pub location_id: ::uuid::Uuid,
    }
    ///Figures of the places.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct LocationFigures {
        ///Places by kind.
        pub by_kind: ::std::collections::BTreeMap<::std::string::String, i64>,
        ///Places.
        pub total: i64,
    }
    ///A place to be added.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct LocationIn {
        ///Area in square decimetres (1 m² = 100).
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub area_dm2: ::std::option::Option<i64>,
        ///Short name, unique in the tenant.
        pub code: ::std::string::String,
        ///What kind of place it is.
        pub kind: LocationKind,
        ///Name.
        pub name: ::std::string::String,
        ///The place it lies in; absent for a site.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub parent_id: ::std::option::Option<::uuid::Uuid>,
    }
    ///What kind of place a location is.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum LocationKind {
        #[serde(rename = "site")]
        Site,
        #[serde(rename = "greenhouse")]
        Greenhouse,
        #[serde(rename = "tunnel")]
        Tunnel,
        #[serde(rename = "field")]
        Field,
        #[serde(rename = "bed")]
        Bed,
        #[serde(rename = "store")]
        Store,
    }
    impl ::std::fmt::Display for LocationKind {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Site => f.write_str("site"),
                Self::Greenhouse => f.write_str("greenhouse"),
                Self::Tunnel => f.write_str("tunnel"),
                Self::Field => f.write_str("field"),
                Self::Bed => f.write_str("bed"),
                Self::Store => f.write_str("store"),
            }
        }
    }
    impl ::std::str::FromStr for LocationKind {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "site" => Ok(Self::Site),
                "greenhouse" => Ok(Self::Greenhouse),
                "tunnel" => Ok(Self::Tunnel),
                "field" => Ok(Self::Field),
                "bed" => Ok(Self::Bed),
                "store" => Ok(Self::Store),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for LocationKind {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for LocationKind {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///One page of locations.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct LocationList {
        ///The rows.
        pub items: ::std::vec::Vec<Location>,
        ///Give this as `cursor` for the next page; absent on the last.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub next_cursor: ::std::option::Option<::std::string::String>,
        ///How many rows match in all, if `total=true` asked for it.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub total: ::std::option::Option<u64>,
    }
    ///Edits of a location. Absent fields stay; null clears. A new parent moves it with everything below.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct LocationPatch {
        ///Area in square decimetres (1 m² = 100).
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub area_dm2: ::std::option::Option<crate::Change<i64>>,
        ///Short name, unique in the tenant.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub code: ::std::option::Option<::std::string::String>,
        ///Name.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
        ///The place it lies in.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub parent_id: ::std::option::Option<crate::Change<::uuid::Uuid>>,
    }
    ///An address and a password.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct LoginIn {
        ///Address.
        pub email: ::std::string::String,
        ///Password.
        pub password: crate::Secret,
    }
    ///Who is signed in, where, and what they may do.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Me {
        ///What the person may do, all roles together.
        pub grants: ::std::vec::Vec<::std::string::String>,
        ///Names of the person's roles.
        pub role_names: ::std::vec::Vec<::std::string::String>,
        ///This sign-in.
        pub session_id: ::uuid::Uuid,
        ///`full`, or `read_only` once a trial is over.
        pub standing: ::std::string::String,
        ///The tenant.
        pub tenant: Tenant,
        ///The person.
        pub user: User,
    }
    ///A tenant that failed.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct MigrationFailure {
        ///How often it was tried.
        pub attempts: u32,
        ///Why.
        pub error: ::std::string::String,
        ///Its ring, from 1.
        pub ring: u32,
        ///The step it failed in; absent if it failed before the first.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub step: ::std::option::Option<::std::string::String>,
        ///Its name in paths.
        pub tenant: ::std::string::String,
    }
    ///Tenants that stand alike.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct MigrationGroup {
        ///Why that could not be looked at.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub error: ::std::option::Option<::std::string::String>,
        ///Fingerprint of the version they have; absent if it is not known.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub fingerprint: ::std::option::Option<::std::string::String>,
        ///How many they are.
        pub number: u64,
        ///What would be done to the first of them; to the others the same, as far as their tables are the same.
        pub steps: ::std::vec::Vec<MigrationStep>,
        ///Their names, the first 200.
        pub tenants: ::std::vec::Vec<::std::string::String>,
    }
    ///A run that is asked for. What is absent is as `vivero migrate up` has it.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct MigrationIn {
        ///How often a tenant is tried if what stops it may pass; 5 if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub attempts: ::std::option::Option<u32>,
        /**Tenants that go first, any failure of which stops the run: a number (0 for none), a percentage such
as `5%`, or names such as `acme,beta`. `1` if absent.*/
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub canary: ::std::option::Option<::std::string::String>,
        ///After the canaries: of a hundred tenants of a ring, how many may fail; 5 if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub failures: ::std::option::Option<u32>,
        ///Seconds a step waits for a lock that somebody else's transaction holds; 5 if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub lock_wait: ::std::option::Option<u32>,
        ///Who runs it: shown to whoever wants to run another meanwhile. `platform API` if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub operator: ::std::option::Option<::std::string::String>,
        ///Tenants at once; 8 if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub parallel: ::std::option::Option<u32>,
        ///Seconds between two rings; 0 if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub pause: ::std::option::Option<u32>,
        ///Tenants at once on one database server; 0, if absent, for no limit of its own.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub per_server: ::std::option::Option<u32>,
        /**Stop when a list of the canaries, or of the first tenants of a later ring, takes so many times longer
than before; 0 does not measure. 3 if absent.*/
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub slower: ::std::option::Option<f64>,
        ///Only these tenants; all if absent or empty.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub tenants: ::std::vec::Vec<::std::string::String>,
        /**The rings after the canaries: up to how many of a hundred tenants are done when each ends, ascending.
10 and 50 if absent; what is left is the last ring.*/
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub waves: ::std::vec::Vec<u32>,
    }
    ///Going on with a run.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct MigrationRetry {
        ///Who runs it; `platform API` if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub operator: ::std::option::Option<::std::string::String>,
    }
    ///A run of migrations.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct MigrationRun {
        ///Whether its process has ended before it did: it is to be gone on with.
        pub cut_off: bool,
        /**Seconds until it is through, as quick as it was so far; absent when it is not under way or no tenant
is done yet.*/
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub eta_seconds: ::std::option::Option<u64>,
        ///Tenants that failed, the first 200 by name; only where one run is read.
        pub failures: ::std::vec::Vec<MigrationFailure>,
        ///When it ended.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub finished_at: ::std::option::Option<
            ::chrono::DateTime<::chrono::offset::Utc>,
        >,
        ///Identity.
        pub id: ::uuid::Uuid,
        ///Who runs it.
        pub operator: ::std::string::String,
        ///Why it stopped, if a rule stopped it.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub reason: ::std::option::Option<::std::string::String>,
        ///The ring it is in or ended in, from 1; 0 before the first.
        pub ring: u32,
        ///Rings there are.
        pub rings: u32,
        ///When it started.
        pub started_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///How it stands.
        pub state: RunState,
        ///Fingerprint of the version it brings tenants to.
        pub target: ::std::string::String,
        ///Its tenants.
        pub tenants: MigrationTally,
    }
    ///A step that is to be done.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct MigrationStep {
        ///The integrator's migration it belongs to; 0 for what follows from record types.
        pub migration: i64,
        ///Its place, from 1.
        pub number: u32,
        ///The statement.
        pub statement: ::std::string::String,
    }
    ///Tenants of a run by how they stand.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct MigrationTally {
        ///At the run's version.
        pub done: u64,
        ///Given up; what is done stays done.
        pub failed: u64,
        ///Not their turn yet.
        pub pending: u64,
        ///Under way, or cut off.
        pub running: u64,
        ///All of them.
        pub total: u64,
    }
    ///How the fleet stands.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Migrations {
        ///Tenants that do not.
        pub behind: u64,
        ///These, in groups that stand alike, with what a run would do to them.
        pub groups: ::std::vec::Vec<MigrationGroup>,
        ///The last runs, newest first.
        pub runs: ::std::vec::Vec<MigrationRun>,
        ///Fingerprint of the version this program wants of tenants' databases.
        pub target: ::std::string::String,
        ///Tenants that have it.
        pub up_to_date: u64,
    }
    ///Where to move an entity.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct MoveIn {
        ///The place to go to.
        pub location_id: ::uuid::Uuid,
    }
    ///An operation on record.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Operation {
        ///When something last happened.
        pub changed_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///When it was asked for.
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Rows done.
        pub done: u64,
        ///Identity.
        pub id: ::uuid::Uuid,
        ///What is done.
        pub kind: OperationKind,
        ///Why it failed, at which step, and what to do.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub message: ::std::option::Option<::std::string::String>,
        ///What was asked for.
        pub parameters: ::serde_json::Value,
        ///What has come of it so far.
        pub result: ::serde_json::Value,
        ///How far it is.
        pub state: OperationState,
        ///The step it is at; empty before the first.
        pub step: ::std::string::String,
        ///The tenant's name when it was asked for.
        pub tenant: ::std::string::String,
        ///Rows there are, about; 0 while that is not known.
        pub total: u64,
    }
    ///An operation that is asked for. Each kind takes its own fields; others are refused.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct OperationIn {
        /**File in the folder of archives: made by `backup`, `export` and `archive` (named after tenant and
time if absent), read by `restore`, `verify` and `import`, which also take the name of an archive in
the store of files.*/
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub archive: ::std::option::Option<::std::string::String>,
        ///For `delete` and `purge`: the tenant's slug once more.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub confirm: ::std::option::Option<::std::string::String>,
        ///For `delete`: days in which it can be had back, 30 if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub grace_days: ::std::option::Option<i64>,
        ///For `backup` with `store`: so many of the tenant's newest archives in the store stay.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub keep: ::std::option::Option<i64>,
        ///For `backup` with `store`: archives of the tenant that are not older stay in any case.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub keep_days: ::std::option::Option<i64>,
        ///What is to be done to the tenant in the path; for `clone` and `import`, that is the new one.
        pub kind: OperationKind,
        ///For `restore`: the tenant is in service, and what was done since the archive was made shall be gone.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub replace: ::std::option::Option<bool>,
        ///The tenant to copy, for `clone`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub source: ::std::option::Option<::std::string::String>,
        /**For `backup`, `export` and `archive`: into the installation's store of files, under a name that is
among the parameters of the answer.*/
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub store: ::std::option::Option<bool>,
        ///For `move`: the database server to move to; into a new database on the same one if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub to: ::std::option::Option<::std::string::String>,
    }
    ///What is done to a tenant.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum OperationKind {
        #[serde(rename = "backup")]
        Backup,
        #[serde(rename = "export")]
        Export,
        #[serde(rename = "restore")]
        Restore,
        #[serde(rename = "verify")]
        Verify,
        #[serde(rename = "import")]
        Import,
        #[serde(rename = "clone")]
        Clone,
        #[serde(rename = "archive")]
        Archive,
        #[serde(rename = "delete")]
        Delete,
        #[serde(rename = "purge")]
        Purge,
        #[serde(rename = "move")]
        Move,
        #[serde(rename = "rotate_credentials")]
        RotateCredentials,
    }
    impl ::std::fmt::Display for OperationKind {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Backup => f.write_str("backup"),
                Self::Export => f.write_str("export"),
                Self::Restore => f.write_str("restore"),
                Self::Verify => f.write_str("verify"),
                Self::Import => f.write_str("import"),
                Self::Clone => f.write_str("clone"),
                Self::Archive => f.write_str("archive"),
                Self::Delete => f.write_str("delete"),
                Self::Purge => f.write_str("purge"),
                Self::Move => f.write_str("move"),
                Self::RotateCredentials => f.write_str("rotate_credentials"),
            }
        }
    }
    impl ::std::str::FromStr for OperationKind {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "backup" => Ok(Self::Backup),
                "export" => Ok(Self::Export),
                "restore" => Ok(Self::Restore),
                "verify" => Ok(Self::Verify),
                "import" => Ok(Self::Import),
                "clone" => Ok(Self::Clone),
                "archive" => Ok(Self::Archive),
                "delete" => Ok(Self::Delete),
                "purge" => Ok(Self::Purge),
                "move" => Ok(Self::Move),
                "rotate_credentials" => Ok(Self::RotateCredentials),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for OperationKind {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for OperationKind {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///Operations of a tenant, newest first.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct OperationList {
        ///The operations.
        pub items: ::std::vec::Vec<Operation>,
    }
    ///How far an operation is.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum OperationState {
        #[serde(rename = "queued")]
        Queued,
        #[serde(rename = "running")]
        Running,
        #[serde(rename = "done")]
        Done,
        #[serde(rename = "failed")]
        Failed,
    }
    impl ::std::fmt::Display for OperationState {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Queued => f.write_str("queued"),
                Self::Running => f.write_str("running"),
                Self::Done => f.write_str("done"),
                Self::Failed => f.write_str("failed"),
            }
        }
    }
    impl ::std::str::FromStr for OperationState {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "queued" => Ok(Self::Queued),
                "running" => Ok(Self::Running),
                "done" => Ok(Self::Done),
                "failed" => Ok(Self::Failed),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for OperationState {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for OperationState {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///What an organisation grows.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum OperationType {
        #[serde(rename = "container_nursery")]
        ContainerNursery,
        #[serde(rename = "field_nursery")]
        FieldNursery,
        #[serde(rename = "young_plants")]
        YoungPlants,
        #[serde(rename = "greenhouse")]
        Greenhouse,
        #[serde(rename = "mixed")]
        Mixed,
    }
    impl ::std::fmt::Display for OperationType {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::ContainerNursery => f.write_str("container_nursery"),
                Self::FieldNursery => f.write_str("field_nursery"),
                Self::YoungPlants => f.write_str("young_plants"),
                Self::Greenhouse => f.write_str("greenhouse"),
                Self::Mixed => f.write_str("mixed"),
            }
        }
    }
    impl ::std::str::FromStr for OperationType {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "container_nursery" => Ok(Self::ContainerNursery),
                "field_nursery" => Ok(Self::FieldNursery),
                "young_plants" => Ok(Self::YoungPlants),
                "greenhouse" => Ok(Self::Greenhouse),
                "mixed" => Ok(Self::Mixed),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for OperationType {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for OperationType {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///The old and the new password.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct PasswordIn {
        ///The one to use from now on.
        pub new_password: crate::Secret,
        ///The current one.
        pub old_password: crate::Secret,
    }
    ///Which plan a tenant starts with.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum Plan {
        #[serde(rename = "trial")]
        Trial,
        #[serde(rename = "contract")]
        Contract,
    }
    impl ::std::fmt::Display for Plan {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Trial => f.write_str("trial"),
                Self::Contract => f.write_str("contract"),
            }
        }
    }
    impl ::std::str::FromStr for Plan {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "trial" => Ok(Self::Trial),
                "contract" => Ok(Self::Contract),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for Plan {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for Plan {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///What went wrong (RFC 9457).
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Problem {
        ///Stable code for programs, e.g. `entity_not_found`.
        pub code: ::std::string::String,
        ///On 409 after an edit: the fields both sides changed.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub conflicts: ::std::vec::Vec<FieldConflict>,
        ///On 409 after an edit: the version stored now.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub current_version: ::std::option::Option<i64>,
        ///What went wrong this time.
        pub detail: ::std::string::String,
        ///Each field that breaks a rule.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub errors: ::std::vec::Vec<FieldError>,
        ///Names this request in the server's log; also in `X-Request-Id`.
        pub request_id: ::std::string::String,
        ///The HTTP status.
        pub status: u16,
        ///The status in words.
        pub title: ::std::string::String,
        ///Always `about:blank`: `code` says which problem it is.
        #[serde(rename = "type")]
        pub type_: ::std::string::String,
    }
    ///A refresh token to be exchanged.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct RefreshIn {
        ///The one the last sign-in or refresh handed out.
        pub refresh_token: crate::Secret,
    }
    ///Requests of a tenant.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct RequestUsage {
        ///Of them failed: status 500 and more.
        pub failed: u64,
        ///Of them refused: status 400 to 499.
        pub refused: u64,
        ///Seconds they took in all.
        pub seconds: f64,
        ///Half of them took at most so many seconds; absent if there were none.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub seconds_p50: ::std::option::Option<f64>,
        ///99 of 100 took at most so many seconds; absent if there were none, or if it is more than 30.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub seconds_p99: ::std::option::Option<f64>,
        ///Requests answered.
        pub total: u64,
    }
    ///A named set of grants.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Role {
        ///Made by vivero; cannot be changed or deleted.
        pub built_in: bool,
        ///When it was added.
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Who added it; the nil UUID if no person did.
        pub created_by: ::uuid::Uuid,
        ///When it was deleted, if it is.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub deleted_at: ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
        ///What it is for.
        pub description: ::std::string::String,
        ///What it allows: `entity.read`, `entity.update@location`, `entity.*`, `*` …
        pub grants: ::std::vec::Vec<::std::string::String>,
        ///Identity.
        pub id: ::uuid::Uuid,
        ///Name, unique in the tenant.
        pub name: ::std::string::String,
        ///When it was last changed.
        pub updated_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Who last changed it; the nil UUID if no person did.
        pub updated_by: ::uuid::Uuid,
        ///Grows with each change; also in `ETag`.
        pub version: i64,
    }
    ///A role to be added.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct RoleIn {
        ///What it is for.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub description: ::std::option::Option<::std::string::String>,
        ///What it allows: `entity.read`, `entity.update@location`, `entity.*`, `*` …
        pub grants: ::std::vec::Vec<::std::string::String>,
        ///Name, unique in the tenant.
        pub name: ::std::string::String,
    }
    ///One page of roles.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct RoleList {
        ///The rows.
        pub items: ::std::vec::Vec<Role>,
        ///Give this as `cursor` for the next page; absent on the last.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub next_cursor: ::std::option::Option<::std::string::String>,
        ///How many rows match in all, if `total=true` asked for it.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub total: ::std::option::Option<u64>,
    }
    ///Edits of a role. Absent fields stay.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct RolePatch {
        ///What it is for.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub description: ::std::option::Option<::std::string::String>,
        ///Replaces all grants.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub grants: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
        ///Name, unique in the tenant.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
    }
    ///How a run of migrations stands.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum RunState {
        #[serde(rename = "running")]
        Running,
        #[serde(rename = "done")]
        Done,
        #[serde(rename = "failed")]
        Failed,
        #[serde(rename = "halted")]
        Halted,
        #[serde(rename = "interrupted")]
        Interrupted,
    }
    impl ::std::fmt::Display for RunState {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Running => f.write_str("running"),
                Self::Done => f.write_str("done"),
                Self::Failed => f.write_str("failed"),
                Self::Halted => f.write_str("halted"),
                Self::Interrupted => f.write_str("interrupted"),
            }
        }
    }
    impl ::std::str::FromStr for RunState {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "running" => Ok(Self::Running),
                "done" => Ok(Self::Done),
                "failed" => Ok(Self::Failed),
                "halted" => Ok(Self::Halted),
                "interrupted" => Ok(Self::Interrupted),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for RunState {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for RunState {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///A database server.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Server {
        ///The account that makes databases on it; empty where there are no accounts.
        pub account: ::std::string::String,
        ///Where it is.
        pub address: ::std::string::String,
        ///Most tenants it takes; absent if there is no limit.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub capacity: ::std::option::Option<u64>,
        ///When it was last changed.
        pub changed_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Connections of the process that answers.
        pub connections: Connections,
        /**Databases on it that are nobody's, and that nothing removes but an operator: what was written there last may
be nowhere else.*/
        pub kept: ::std::vec::Vec<Kept>,
        ///What is left on it of databases that could not be removed; they are when it answers again.
        pub leftovers: u64,
        ///Its name; `main` is the one the installation was opened with.
        pub name: ::std::string::String,
        ///Prepared databases on it.
        pub standby: u64,
        ///`open` takes new tenants, `draining` takes none, the tenants of one that is `down` are refused.
        pub state: ServerState,
        ///Tenants on it.
        pub tenants: u64,
        ///How connections to it are protected.
        pub tls_mode: TlsMode,
        ///Grows with each change; also in `ETag`.
        pub version: i64,
        ///Its share of new tenants, beside the other servers' weights.
        pub weight: u32,
    }
    ///A database server to be added.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct ServerIn {
        ///The account that makes databases and accounts on it.
        pub account: ::std::string::String,
        ///Where it is: HOST or HOST:PORT; of a Galera cluster its nodes, with a comma between.
        pub address: ::std::string::String,
        ///Most tenants it takes; without limit if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub capacity: ::std::option::Option<u64>,
        ///Its name.
        pub name: ::std::string::String,
        ///Password of that account; kept sealed and never shown.
        pub password: crate::Secret,
        ///Certificates it is checked against, as PEM; the usual authorities if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub tls_ca: ::std::option::Option<::std::string::String>,
        ///How connections to it are protected; `preferred` if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub tls_mode: ::std::option::Option<TlsMode>,
        ///Its share of new tenants; 1 if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub weight: ::std::option::Option<u32>,
    }
    ///Database servers by name.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct ServerList {
        ///All of them.
        pub items: ::std::vec::Vec<Server>,
    }
    ///Edits of a database server. Absent fields stay.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct ServerPatch {
        ///The account that makes databases and accounts on it. Of `main` it is configuration.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub account: ::std::option::Option<::std::string::String>,
        ///Where it is. Of `main` it is configuration.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub address: ::std::option::Option<::std::string::String>,
        ///Most tenants it takes; null lifts the limit.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub capacity: ::std::option::Option<crate::Change<i64>>,
        ///Password of that account. Of `main` it is configuration.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub password: ::std::option::Option<crate::Secret>,
        ///What it is used for.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub state: ::std::option::Option<ServerState>,
        ///Its share of new tenants.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub weight: ::std::option::Option<u32>,
    }
    ///A database server that is off the list.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct ServerRemoved {
        ///Its name.
        pub name: ::std::string::String,
        ///Tenants whose databases are lost with it: out of service until they are restored from archives.
        pub tenants: ::std::vec::Vec<::std::string::String>,
    }
    ///What a database server is used for.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum ServerState {
        #[serde(rename = "open")]
        Open,
        #[serde(rename = "draining")]
        Draining,
        #[serde(rename = "down")]
        Down,
    }
    impl ::std::fmt::Display for ServerState {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Open => f.write_str("open"),
                Self::Draining => f.write_str("draining"),
                Self::Down => f.write_str("down"),
            }
        }
    }
    impl ::std::str::FromStr for ServerState {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "open" => Ok(Self::Open),
                "draining" => Ok(Self::Draining),
                "down" => Ok(Self::Down),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for ServerState {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for ServerState {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///A sign-in of the person on one device.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Session {
        ///When the person signed in.
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Whether it is the one this request came with.
        pub current: bool,
        ///First instant at which it is over, however much it is used.
        pub ends_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Identity.
        pub id: ::uuid::Uuid,
        ///When it was last refreshed.
        pub used_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///The program that signed in, as it names itself.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub user_agent: ::std::option::Option<::std::string::String>,
    }
    ///The person's live sign-ins, newest first.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct SessionList {
        ///The sign-ins.
        pub items: ::std::vec::Vec<Session>,
    }
    ///A call of a tenant's database that took long.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct SlowCall {
        ///When it ended.
        pub at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///What was asked for; never with which values.
        pub call: ::std::string::String,
        ///How long it took, in seconds.
        pub seconds: f64,
    }
    ///How far stock has grown.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum Stage {
        #[serde(rename = "propagation")]
        Propagation,
        #[serde(rename = "rooting")]
        Rooting,
        #[serde(rename = "growing_on")]
        GrowingOn,
        #[serde(rename = "hardening")]
        Hardening,
        #[serde(rename = "finished")]
        Finished,
    }
    impl ::std::fmt::Display for Stage {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Propagation => f.write_str("propagation"),
                Self::Rooting => f.write_str("rooting"),
                Self::GrowingOn => f.write_str("growing_on"),
                Self::Hardening => f.write_str("hardening"),
                Self::Finished => f.write_str("finished"),
            }
        }
    }
    impl ::std::str::FromStr for Stage {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "propagation" => Ok(Self::Propagation),
                "rooting" => Ok(Self::Rooting),
                "growing_on" => Ok(Self::GrowingOn),
                "hardening" => Ok(Self::Hardening),
                "finished" => Ok(Self::Finished),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for Stage {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for Stage {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///Figures of the installation.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Stats {
        ///Idle databases closed to make room.
        pub evicted: u64,
        ///Most that may be open at once.
        pub max_open: u64,
        ///Tenant databases open now.
        pub open: u64,
        ///Databases opened since the start.
        pub opened: u64,
        ///Requests refused because all were in use.
        pub refused: u64,
        ///Tenants in the registry.
        pub tenants: u64,
        ///Version of the server.
        pub version: ::std::string::String,
        ///Milliseconds that requests have waited for that, since the start, in all.
        pub waited_ms: u64,
        ///Requests that wait now for a tenant database to be closed.
        pub waiting: u64,
    }
    ///Where an entity is in its life.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum Status {
        #[serde(rename = "registered")]
        Registered,
        #[serde(rename = "processing")]
        Processing,
        #[serde(rename = "ready")]
        Ready,
        #[serde(rename = "completed")]
        Completed,
        #[serde(rename = "archived")]
        Archived,
        #[serde(rename = "on_hold")]
        OnHold,
        #[serde(rename = "destroyed")]
        Destroyed,
    }
    impl ::std::fmt::Display for Status {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Registered => f.write_str("registered"),
                Self::Processing => f.write_str("processing"),
                Self::Ready => f.write_str("ready"),
                Self::Completed => f.write_str("completed"),
                Self::Archived => f.write_str("archived"),
                Self::OnHold => f.write_str("on_hold"),
                Self::Destroyed => f.write_str("destroyed"),
            }
        }
    }
    impl ::std::str::FromStr for Status {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "registered" => Ok(Self::Registered),
                "processing" => Ok(Self::Processing),
                "ready" => Ok(Self::Ready),
                "completed" => Ok(Self::Completed),
                "archived" => Ok(Self::Archived),
                "on_hold" => Ok(Self::OnHold),
                "destroyed" => Ok(Self::Destroyed),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for Status {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for Status {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///The use of a tenant's database.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct StoreUsage {
        ///Seconds its calls took, without waiting for connections.
        pub busy_seconds: f64,
        ///Units of work committed.
        pub commits: u64,
        ///Calls that failed for a reason of the storage's own.
        pub failures: u64,
        ///Calls that read.
        pub reads: u64,
        ///Rows read and written.
        pub rows: u64,
        ///Slow calls.
        pub slow_calls: u64,
        ///Bytes on the storage; absent if they are not known.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub storage_bytes: ::std::option::Option<u64>,
        ///Seconds spent waiting for them.
        pub wait_seconds: f64,
        ///Times a connection or a turn to write was asked for.
        pub waits: u64,
    }
    ///A tenant.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Tenant {
        ///When it signed up.
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Identity; never reused.
        pub id: ::uuid::Uuid,
        ///Whether it is a copy that must not act on the world: no mail, no webhooks, no jobs.
        pub neutralised: bool,
        ///What it grows.
        pub operation_type: OperationType,
        ///Name of the organisation.
        pub organization: ::std::string::String,
        ///`trial` or `contract`.
        pub plan: ::std::string::String,
        ///Name in paths.
        pub slug: ::std::string::String,
        ///Recorded state.
        pub state: TenantState,
        ///First instant at which the trial is over; absent under contract.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub trial_ends_at: ::std::option::Option<
            ::chrono::DateTime<::chrono::offset::Utc>,
        >,
        ///Grows with each change; also in `ETag`.
        pub version: i64,
    }
    ///A change of a tenant's state or database.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct TenantEvent {
        ///When.
        pub at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Which of the tenant's databases was in use from then on: another number is another database.
        pub generation: i64,
        ///The operation that did it, if one did.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub operation: ::std::option::Option<::uuid::Uuid>,
        ///The state it led to.
        pub state: TenantState,
        ///The version of the tenant that it led to.
        pub version: i64,
    }
    ///What became of a tenant, newest first.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct TenantEventList {
        ///The changes.
        pub items: ::std::vec::Vec<TenantEvent>,
    }
    ///A tenant an operator makes, with its first person, who becomes Admin.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct TenantIn {
        ///Address of its first person.
        pub email: ::std::string::String,
        ///Full name of its first person; the address if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
        ///What it grows; `mixed` if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub operation_type: ::std::option::Option<OperationType>,
        ///Name of the organisation.
        pub organization: ::std::string::String,
        ///Password of its first person.
        pub password: crate::Secret,
        ///Plan to start with; `contract` if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub plan: ::std::option::Option<Plan>,
        ///Wanted name in paths; made from the organisation when absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub slug: ::std::option::Option<::std::string::String>,
    }
    ///Tenants by slug.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct TenantList {
        ///The tenants.
        pub items: ::std::vec::Vec<Tenant>,
        ///Give this as `after` for the next page; absent on the last.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub next_after: ::std::option::Option<::std::string::String>,
    }
    ///What is recorded of a tenant's life.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum TenantState {
        #[serde(rename = "provisioning")]
        Provisioning,
        #[serde(rename = "active")]
        Active,
        #[serde(rename = "loading")]
        Loading,
        #[serde(rename = "suspended")]
        Suspended,
        #[serde(rename = "archived")]
        Archived,
        #[serde(rename = "deleting")]
        Deleting,
        #[serde(rename = "closed")]
        Closed,
    }
    impl ::std::fmt::Display for TenantState {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Provisioning => f.write_str("provisioning"),
                Self::Active => f.write_str("active"),
                Self::Loading => f.write_str("loading"),
                Self::Suspended => f.write_str("suspended"),
                Self::Archived => f.write_str("archived"),
                Self::Deleting => f.write_str("deleting"),
                Self::Closed => f.write_str("closed"),
            }
        }
    }
    impl ::std::str::FromStr for TenantState {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "provisioning" => Ok(Self::Provisioning),
                "active" => Ok(Self::Active),
                "loading" => Ok(Self::Loading),
                "suspended" => Ok(Self::Suspended),
                "archived" => Ok(Self::Archived),
                "deleting" => Ok(Self::Deleting),
                "closed" => Ok(Self::Closed),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for TenantState {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for TenantState {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    /**What one tenant costs the installation. Everything but sizes and the account is of the server
process that answers, since its start.*/
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct TenantUsage {
        /**What the database server counted for its account; absent where it keeps no such figures
(MariaDB: with `userstat` on).*/
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub account: ::std::option::Option<AccountUsage>,
        ///Its requests.
        pub requests: RequestUsage,
        ///The latest slow calls of its database, newest first.
        pub slow_calls: ::std::vec::Vec<SlowCall>,
        ///Name of the tenant in paths.
        pub slug: ::std::string::String,
        ///Recorded state.
        pub state: TenantState,
        ///Its database.
        pub store: StoreUsage,
    }
    ///How connections to a database server are protected.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum TlsMode {
        #[serde(rename = "disabled")]
        Disabled,
        #[serde(rename = "preferred")]
        Preferred,
        #[serde(rename = "required")]
        Required,
        #[serde(rename = "verify_ca")]
        VerifyCa,
        #[serde(rename = "verify_identity")]
        VerifyIdentity,
    }
    impl ::std::fmt::Display for TlsMode {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Disabled => f.write_str("disabled"),
                Self::Preferred => f.write_str("preferred"),
                Self::Required => f.write_str("required"),
                Self::VerifyCa => f.write_str("verify_ca"),
                Self::VerifyIdentity => f.write_str("verify_identity"),
            }
        }
    }
    impl ::std::str::FromStr for TlsMode {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "disabled" => Ok(Self::Disabled),
                "preferred" => Ok(Self::Preferred),
                "required" => Ok(Self::Required),
                "verify_ca" => Ok(Self::VerifyCa),
                "verify_identity" => Ok(Self::VerifyIdentity),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for TlsMode {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for TlsMode {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///What a sign-in or refresh hands out.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Tokens {
        ///Goes with every request, as `Authorization: Bearer …`.
        pub access_token: crate::Secret,
        ///Seconds the access token is good for.
        pub expires_in: i64,
        ///Exchanged for the next pair.
        pub refresh_token: crate::Secret,
        ///Always `Bearer`.
        pub token_type: ::std::string::String,
    }
    ///A step in an entity's life: any of status, stage and quantity, with the reason.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct TransitionIn {
        ///Pieces gained (+) or lost (−).
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub quantity_change: ::std::option::Option<i64>,
        ///Why; needed for a hold, a destruction, a step back and a loss.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub reason: ::std::option::Option<::std::string::String>,
        ///Stage to go to; back to an earlier one only with a reason.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub stage: ::std::option::Option<Stage>,
        ///Status to go to.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub status: ::std::option::Option<Status>,
    }
    ///A new tenant, already signed in.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Trial {
        ///The tenant.
        pub tenant: Tenant,
        ///Tokens of its first person.
        pub tokens: Tokens,
    }
    ///An organisation that signs up, with its first person, who becomes Admin.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct TrialIn {
        ///Address of its first person.
        pub email: ::std::string::String,
        ///Full name of its first person; the address if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
        ///What it grows; `mixed` if absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub operation_type: ::std::option::Option<OperationType>,
        ///Name of the organisation.
        pub organization: ::std::string::String,
        ///Password of its first person.
        pub password: crate::Secret,
        ///Wanted name in paths; made from the organisation when absent.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub slug: ::std::option::Option<::std::string::String>,
    }
    ///What one of an entity's quantity is.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum Unit {
        #[serde(rename = "plant")]
        Plant,
        #[serde(rename = "tray")]
        Tray,
        #[serde(rename = "bundle")]
        Bundle,
        #[serde(rename = "piece")]
        Piece,
        #[serde(rename = "gram")]
        Gram,
    }
    impl ::std::fmt::Display for Unit {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Plant => f.write_str("plant"),
                Self::Tray => f.write_str("tray"),
                Self::Bundle => f.write_str("bundle"),
                Self::Piece => f.write_str("piece"),
                Self::Gram => f.write_str("gram"),
            }
        }
    }
    impl ::std::str::FromStr for Unit {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "plant" => Ok(Self::Plant),
                "tray" => Ok(Self::Tray),
                "bundle" => Ok(Self::Bundle),
                "piece" => Ok(Self::Piece),
                "gram" => Ok(Self::Gram),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for Unit {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for Unit {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///A person of the tenant.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct User {
        ///When the person was added.
        pub created_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Who added the person; the nil UUID if no person did.
        pub created_by: ::uuid::Uuid,
        ///When it was deleted, if it is.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub deleted_at: ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
        ///Address to sign in with.
        pub email: ::std::string::String,
        ///Identity.
        pub id: ::uuid::Uuid,
        ///Where, for permissions with the scope `location`.
        pub locations: ::std::vec::Vec<::uuid::Uuid>,
        ///Full name.
        pub name: ::std::string::String,
        ///Ids of the person's roles.
        pub roles: ::std::vec::Vec<::uuid::Uuid>,
        ///Whether the person may sign in.
        pub status: UserStatus,
        ///When it was last changed.
        pub updated_at: ::chrono::DateTime<::chrono::offset::Utc>,
        ///Who last changed it; the nil UUID if no person did.
        pub updated_by: ::uuid::Uuid,
        ///Grows with each change; also in `ETag`.
        pub version: i64,
    }
    ///Figures of the people.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct UserFigures {
        ///People who may sign in.
        pub active: i64,
        ///People.
        pub total: i64,
    }
    ///A person to be invited.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct UserIn {
        ///Address to sign in with, unique in the tenant.
        pub email: ::std::string::String,
        ///Where, for permissions with the scope `location`.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub locations: ::std::vec::Vec<::uuid::Uuid>,
        ///Full name.
        pub name: ::std::string::String,
        ///Ids of the person's roles.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub roles: ::std::vec::Vec<::uuid::Uuid>,
    }
    ///One page of people.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct UserList {
        ///The rows.
        pub items: ::std::vec::Vec<User>,
        ///Give this as `cursor` for the next page; absent on the last.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub next_cursor: ::std::option::Option<::std::string::String>,
        ///How many rows match in all, if `total=true` asked for it.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub total: ::std::option::Option<u64>,
    }
    ///Edits of a person. Absent fields stay.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub struct UserPatch {
        ///Address to sign in with, unique in the tenant.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub email: ::std::option::Option<::std::string::String>,
        ///Where, for permissions with the scope `location`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub locations: ::std::option::Option<::std::vec::Vec<::uuid::Uuid>>,
        ///Full name.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
        ///Ids of the person's roles.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub roles: ::std::option::Option<::std::vec::Vec<::uuid::Uuid>>,
        ///`active` or `disabled`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub status: ::std::option::Option<UserStatus>,
    }
    ///Whether a person may sign in.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum UserStatus {
        #[serde(rename = "invited")]
        Invited,
        #[serde(rename = "active")]
        Active,
        #[serde(rename = "disabled")]
        Disabled,
    }
    impl ::std::fmt::Display for UserStatus {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Invited => f.write_str("invited"),
                Self::Active => f.write_str("active"),
                Self::Disabled => f.write_str("disabled"),
            }
        }
    }
    impl ::std::str::FromStr for UserStatus {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "invited" => Ok(Self::Invited),
                "active" => Ok(Self::Active),
                "disabled" => Ok(Self::Disabled),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for UserStatus {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for UserStatus {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    /// Error types.
    pub mod error {
        /// Error from a `TryFrom` or `FromStr` implementation.
        pub struct ConversionError(::std::borrow::Cow<'static, str>);
        impl ::std::error::Error for ConversionError {}
        impl ::std::fmt::Display for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }
        impl ::std::fmt::Debug for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Debug::fmt(&self.0, f)
            }
        }
        impl From<&'static str> for ConversionError {
            fn from(value: &'static str) -> Self {
                Self(value.into())
            }
        }
        impl From<String> for ConversionError {
            fn from(value: String) -> Self {
                Self(value.into())
            }
        }
    }
}
#[derive(Clone, Debug)]
/**Client for vivero

Multi-tenant backend for plant production. Each tenant has a database of its own; a tenant's token opens that tenant only.

Version: 0.1.0*/
pub struct Client {
    pub(crate) baseurl: String,
    pub(crate) client: reqwest::Client,
    pub(crate) inner: crate::attempt::Attempt,
}
impl Client {
    /// Create a new client.
    ///
    /// `baseurl` is the base URL provided to the internal
    /// `reqwest::Client`, and should include a scheme and hostname,
    /// as well as port and a path stem if applicable.
    pub fn new(baseurl: &str, inner: crate::attempt::Attempt) -> Self {
        #[cfg(not(target_arch = "wasm32"))]
        let client = {
            let dur = ::std::time::Duration::from_secs(15u64);
            reqwest::ClientBuilder::new().connect_timeout(dur).timeout(dur)
        };
        #[cfg(target_arch = "wasm32")]
        let client = reqwest::ClientBuilder::new();
        Self::new_with_client(baseurl, client.build().unwrap(), inner)
    }
    /// Construct a new client with an existing `reqwest::Client`,
    /// allowing more control over its configuration.
    ///
    /// `baseurl` is the base URL provided to the internal
    /// `reqwest::Client`, and should include a scheme and hostname,
    /// as well as port and a path stem if applicable.
    pub fn new_with_client(
        baseurl: &str,
        client: reqwest::Client,
        inner: crate::attempt::Attempt,
    ) -> Self {
        Self {
            baseurl: baseurl.to_string(),
            client,
            inner,
        }
    }
}
impl ClientInfo<crate::attempt::Attempt> for Client {
    fn api_version() -> &'static str {
        "0.1.0"
    }
    fn baseurl(&self) -> &str {
        self.baseurl.as_str()
    }
    fn client(&self) -> &reqwest::Client {
        &self.client
    }
    fn inner(&self) -> &crate::attempt::Attempt {
        &self.inner
    }
}
const _: () = {
    #[allow(dead_code)]
    fn assert_client_hooks()
    where
        Client: ClientHooks<crate::attempt::Attempt>,
    {}
};
#[allow(clippy::all)]
impl Client {
    /**Look for what could go wrong on database servers

Each is asked for its settings and limits: what will not do, and the statement or setting that mends it.

Sends a `GET` request to `/api/v1/platform/doctor`

*/
    pub async fn platform_doctor<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::FindingList>, Error<()>> {
        let url = format!("{}/api/v1/platform/doctor", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_doctor",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Read how the fleet stands

The version this program wants of tenants' databases, the tenants that lack it and what a run would
do to them, and the last runs. It looks into one tenant's database of each group that stands alike.

Sends a `GET` request to `/api/v1/platform/migrations`

Arguments:
- `limit`: Rows of a page, 1 to 200.
*/
    pub async fn platform_migration_list<'a>(
        &'a self,
        limit: Option<u32>,
    ) -> Result<ResponseValue<types::Migrations>, Error<()>> {
        let url = format!("{}/api/v1/platform/migrations", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_migration_list",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Begin a run

Brings every tenant to this program's version, ring by ring: it goes on after the answer, and
`Location` tells how far it is. One at a time; while another goes on the answer is 409 and says who
runs it.

Sends a `POST` request to `/api/v1/platform/migrations`

Arguments:
- `idempotency_key`: Checked, but without effect: repeating this request is harmless anyway.
- `body`
*/
    pub async fn platform_migration_start<'a>(
        &'a self,
        idempotency_key: Option<&'a str>,
        body: &'a types::MigrationIn,
    ) -> Result<ResponseValue<types::MigrationRun>, Error<()>> {
        let url = format!("{}/api/v1/platform/migrations", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_migration_start",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            202u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Read how far a run is

With the tenants that failed, in which step and why: the first 200 by name.

Sends a `GET` request to `/api/v1/platform/migrations/{run}`

Arguments:
- `run`: The run of migrations.
*/
    pub async fn platform_migration_get<'a>(
        &'a self,
        run: &'a ::uuid::Uuid,
    ) -> Result<ResponseValue<types::MigrationRun>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/migrations/{}", self.baseurl, encode_path(& run
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_migration_get",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Go on with a run

With its tenants that failed, were cut off or are still pending, ring by ring.

Sends a `POST` request to `/api/v1/platform/migrations/{run}/retry`

Arguments:
- `run`: The run of migrations.
- `idempotency_key`: Checked, but without effect: repeating this request is harmless anyway.
- `body`
*/
    pub async fn platform_migration_retry<'a>(
        &'a self,
        run: &'a ::uuid::Uuid,
        idempotency_key: Option<&'a str>,
        body: &'a types::MigrationRetry,
    ) -> Result<ResponseValue<types::MigrationRun>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/migrations/{}/retry", self.baseurl, encode_path(& run
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_migration_retry",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            202u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**List operations on all tenants, newest first

Sends a `GET` request to `/api/v1/platform/operations`

Arguments:
- `limit`: Rows of a page, 1 to 200.
- `open`: Only those that are not over, oldest first.
*/
    pub async fn platform_operation_all<'a>(
        &'a self,
        limit: Option<u32>,
        open: Option<bool>,
    ) -> Result<ResponseValue<types::OperationList>, Error<()>> {
        let url = format!("{}/api/v1/platform/operations", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .query(&progenitor_client::QueryParam::new("open", &open))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_operation_all",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Read how far an operation is

Sends a `GET` request to `/api/v1/platform/operations/{operation}`

Arguments:
- `operation`: The operation.
*/
    pub async fn platform_operation_get<'a>(
        &'a self,
        operation: &'a ::uuid::Uuid,
    ) -> Result<ResponseValue<types::Operation>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/operations/{}", self.baseurl, encode_path(& operation
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_operation_get",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**End an operation that cannot go on

Because a database server is gone: before its point of no return it is undone, after that it is finished.
What a server that does not answer holds of it is noted, and removed when it answers again. One that is
over stays as it is; one that another process is at is answered 503.

A move that the tenant was switched by, to a server that does not answer, is refused with 409
`move_switched`, which says what is known of what was written there since. With `turn_back` the tenant gets
the database before back and that is given up; the database on that server is kept (`kept` of the server). If
the database before cannot be used either, that is refused with 409 `database_before`. With `give_up` the
operation then ends as failed and the tenant stays on the lost server, to be restored from an archive; what
there is of the database before is kept.

Sends a `POST` request to `/api/v1/platform/operations/{operation}/end`

Arguments:
- `operation`: The operation.
- `give_up`: Whether both are given up; without effect where the server answers, refused while the one before is whole.
- `turn_back`: Whether what was written since the switch is given up; without effect where the server answers.
- `idempotency_key`: Checked, but without effect: repeating this request is harmless anyway.
*/
    pub async fn platform_operation_end<'a>(
        &'a self,
        operation: &'a ::uuid::Uuid,
        give_up: Option<bool>,
        turn_back: Option<bool>,
        idempotency_key: Option<&'a str>,
    ) -> Result<ResponseValue<types::Operation>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/operations/{}/end", self.baseurl, encode_path(& operation
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("give_up", &give_up))
            .query(&progenitor_client::QueryParam::new("turn_back", &turn_back))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_operation_end",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Go on with an operation

With one whose process is gone, at once; every server looks for such by itself, every few seconds. One
that is over or goes on already stays as it is.

Sends a `POST` request to `/api/v1/platform/operations/{operation}/resume`

Arguments:
- `operation`: The operation.
- `idempotency_key`: Checked, but without effect: repeating this request is harmless anyway.
*/
    pub async fn platform_operation_resume<'a>(
        &'a self,
        operation: &'a ::uuid::Uuid,
        idempotency_key: Option<&'a str>,
    ) -> Result<ResponseValue<types::Operation>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/operations/{}/resume", self.baseurl, encode_path(&
            operation.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_operation_resume",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            202u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**List database servers

With what is on them, and this process's connections to them.

Sends a `GET` request to `/api/v1/platform/servers`

*/
    pub async fn platform_server_list<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::ServerList>, Error<()>> {
        let url = format!("{}/api/v1/platform/servers", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_server_list",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Add a database server

It is tried out first, and takes new tenants from then on. An installation on SQLite has one
server and takes no other.

Sends a `POST` request to `/api/v1/platform/servers`

Arguments:
- `idempotency_key`: Checked, but without effect: repeating this request is harmless anyway.
- `body`
*/
    pub async fn platform_server_create<'a>(
        &'a self,
        idempotency_key: Option<&'a str>,
        body: &'a types::ServerIn,
    ) -> Result<ResponseValue<types::Server>, Error<()>> {
        let url = format!("{}/api/v1/platform/servers", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_server_create",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            201u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Read a database server

Sends a `GET` request to `/api/v1/platform/servers/{server}`

Arguments:
- `server`: The database server's name.
*/
    pub async fn platform_server_get<'a>(
        &'a self,
        server: &'a str,
    ) -> Result<ResponseValue<types::Server>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/servers/{}", self.baseurl, encode_path(& server
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_server_get",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Take a database server off the list

It must be empty: without tenants, and without anything that is kept or cannot be removed because it does not
answer.
Of one that is lost for good everything is forgotten; its tenants are out of service from then on, and are
brought back from their archives by `restore`.

Sends a `DELETE` request to `/api/v1/platform/servers/{server}`

Arguments:
- `server`: The database server's name.
- `lost`: Whether it is lost for good with all that is on it.
*/
    pub async fn platform_server_remove<'a>(
        &'a self,
        server: &'a str,
        lost: Option<bool>,
    ) -> Result<ResponseValue<types::ServerRemoved>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/servers/{}", self.baseurl, encode_path(& server
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .delete(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("lost", &lost))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_server_remove",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Change a database server

Its state, share and limit; of others than `main` also how it is reached, which is tried out
first. All nodes follow within a second.

Sends a `PATCH` request to `/api/v1/platform/servers/{server}`

Arguments:
- `server`: The database server's name.
- `if_match`: The version the caller has seen, in quotes, as `ETag` gave it.
- `body`
*/
    pub async fn platform_server_update<'a>(
        &'a self,
        server: &'a str,
        if_match: &'a str,
        body: &'a types::ServerPatch,
    ) -> Result<ResponseValue<types::Server>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/servers/{}", self.baseurl, encode_path(& server
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        header_map.append("If-Match", if_match.to_string().try_into()?);
        #[allow(unused_mut)]
        let mut request = self
            .client
            .patch(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_server_update",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Read how far emptying a database server is

The last time it was emptied: tenants that are moved, left and could not be moved, and which is being
moved now.

Sends a `GET` request to `/api/v1/platform/servers/{server}/drain`

Arguments:
- `server`: The database server's name.
*/
    pub async fn platform_server_drain_get<'a>(
        &'a self,
        server: &'a str,
    ) -> Result<ResponseValue<types::Drain>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/servers/{}/drain", self.baseurl, encode_path(& server
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_server_drain_get",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Empty a database server

Moves its tenants to others, one after another; it takes no new ones from then on. Each stays readable,
and stops writing for a moment. It goes on after the answer, also when the process that does it ends:
another one does the rest. Asking again while it goes on changes nothing; opening the server stops it.

Sends a `POST` request to `/api/v1/platform/servers/{server}/drain`

Arguments:
- `server`: The database server's name.
- `idempotency_key`: Checked, but without effect: repeating this request is harmless anyway.
- `body`
*/
    pub async fn platform_server_drain<'a>(
        &'a self,
        server: &'a str,
        idempotency_key: Option<&'a str>,
        body: &'a types::DrainIn,
    ) -> Result<ResponseValue<types::Drain>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/servers/{}/drain", self.baseurl, encode_path(& server
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_server_drain",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            202u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Remove a database that is kept

For good: one of `kept` of the server, when what was written there last is of no use any more. The server
must answer; if it is lost, what it keeps goes off the list with it.

Sends a `DELETE` request to `/api/v1/platform/servers/{server}/kept/{database}`

Arguments:
- `server`: The database server's name.
- `database`: The database's name.
*/
    pub async fn platform_kept_remove<'a>(
        &'a self,
        server: &'a str,
        database: &'a str,
    ) -> Result<ResponseValue<types::KeptRemoved>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/servers/{}/kept/{}", self.baseurl, encode_path(& server
            .to_string()), encode_path(& database.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .delete(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_kept_remove",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Figures of the installation

Sends a `GET` request to `/api/v1/platform/stats`

*/
    pub async fn platform_stats<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::Stats>, Error<()>> {
        let url = format!("{}/api/v1/platform/stats", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_stats",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**List tenants by slug

Sends a `GET` request to `/api/v1/platform/tenants`

Arguments:
- `after`: Only tenants after this slug.
- `limit`: Rows of a page, 1 to 200.
*/
    pub async fn platform_tenant_list<'a>(
        &'a self,
        after: Option<&'a str>,
        limit: Option<u32>,
    ) -> Result<ResponseValue<types::TenantList>, Error<()>> {
        let url = format!("{}/api/v1/platform/tenants", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("after", &after))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_tenant_list",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Make a tenant

Sends a `POST` request to `/api/v1/platform/tenants`

Arguments:
- `idempotency_key`: Repeating a request with the same key answers as the first time, with nothing done twice. 1 to 200 visible ASCII characters.
- `body`
*/
    pub async fn platform_tenant_create<'a>(
        &'a self,
        idempotency_key: Option<&'a str>,
        body: &'a types::TenantIn,
    ) -> Result<ResponseValue<types::Tenant>, Error<()>> {
        let url = format!("{}/api/v1/platform/tenants", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_tenant_create",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            201u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Read a tenant

Sends a `GET` request to `/api/v1/platform/tenants/{slug}`

Arguments:
- `slug`: The tenant's name in paths.
*/
    pub async fn platform_tenant_get<'a>(
        &'a self,
        slug: &'a str,
    ) -> Result<ResponseValue<types::Tenant>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/tenants/{}", self.baseurl, encode_path(& slug
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_tenant_get",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Let a copy act on the world again

Restored, imported and cloned tenants start neutralised: no mail, no webhooks, no jobs.

Sends a `POST` request to `/api/v1/platform/tenants/{slug}/activate`

Arguments:
- `slug`: The tenant's name in paths.
- `idempotency_key`: Checked, but without effect: repeating this request is harmless anyway.
*/
    pub async fn platform_tenant_activate<'a>(
        &'a self,
        slug: &'a str,
        idempotency_key: Option<&'a str>,
    ) -> Result<ResponseValue<types::Tenant>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/tenants/{}/activate", self.baseurl, encode_path(& slug
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_tenant_activate",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**List a tenant's archives in the store of files, newest first

Of a tenant that is gone its id stands in the path.

Sends a `GET` request to `/api/v1/platform/tenants/{slug}/archives`

Arguments:
- `slug`: The tenant's name in paths.
*/
    pub async fn platform_archive_list<'a>(
        &'a self,
        slug: &'a str,
    ) -> Result<ResponseValue<types::ArchiveList>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/tenants/{}/archives", self.baseurl, encode_path(& slug
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_archive_list",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**List what became of a tenant, newest first

Made, suspended, resumed, moved, restored, to be removed: each change of its state or database.

Sends a `GET` request to `/api/v1/platform/tenants/{slug}/history`

Arguments:
- `slug`: The tenant's name in paths.
- `limit`: Rows of a page, 1 to 200.
*/
    pub async fn platform_tenant_history<'a>(
        &'a self,
        slug: &'a str,
        limit: Option<u32>,
    ) -> Result<ResponseValue<types::TenantEventList>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/tenants/{}/history", self.baseurl, encode_path(& slug
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_tenant_history",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**List operations on a tenant, newest first

Sends a `GET` request to `/api/v1/platform/tenants/{slug}/operations`

Arguments:
- `slug`: The tenant's name in paths.
- `limit`: Rows of a page, 1 to 200.
*/
    pub async fn platform_operation_list<'a>(
        &'a self,
        slug: &'a str,
        limit: Option<u32>,
    ) -> Result<ResponseValue<types::OperationList>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/tenants/{}/operations", self.baseurl, encode_path(& slug
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_operation_list",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Begin an operation on a tenant

Backup, restore, clone, move, removal: it goes on after the answer, and `Location` tells how far it
is. One at a time for each tenant.

Sends a `POST` request to `/api/v1/platform/tenants/{slug}/operations`

Arguments:
- `slug`: The tenant's name in paths.
- `idempotency_key`: Repeating a request with the same key answers as the first time, with nothing done twice. 1 to 200 visible ASCII characters.
- `body`
*/
    pub async fn platform_operation_start<'a>(
        &'a self,
        slug: &'a str,
        idempotency_key: Option<&'a str>,
        body: &'a types::OperationIn,
    ) -> Result<ResponseValue<types::Operation>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/tenants/{}/operations", self.baseurl, encode_path(& slug
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_operation_start",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            202u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Let a stopped tenant work again

Sends a `POST` request to `/api/v1/platform/tenants/{slug}/resume`

Arguments:
- `slug`: The tenant's name in paths.
- `idempotency_key`: Checked, but without effect: repeating this request is harmless anyway.
*/
    pub async fn platform_tenant_resume<'a>(
        &'a self,
        slug: &'a str,
        idempotency_key: Option<&'a str>,
    ) -> Result<ResponseValue<types::Tenant>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/tenants/{}/resume", self.baseurl, encode_path(& slug
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_tenant_resume",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Stop a tenant

Its people are refused from their next request on. Nothing is lost.

Sends a `POST` request to `/api/v1/platform/tenants/{slug}/suspend`

Arguments:
- `slug`: The tenant's name in paths.
- `idempotency_key`: Checked, but without effect: repeating this request is harmless anyway.
*/
    pub async fn platform_tenant_suspend<'a>(
        &'a self,
        slug: &'a str,
        idempotency_key: Option<&'a str>,
    ) -> Result<ResponseValue<types::Tenant>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/tenants/{}/suspend", self.baseurl, encode_path(& slug
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_tenant_suspend",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**What a tenant costs the installation

Requests, calls and waits of its database, slow calls, size on the storage. It shows none of its
data.

Sends a `GET` request to `/api/v1/platform/tenants/{slug}/usage`

Arguments:
- `slug`: The tenant's name in paths.
*/
    pub async fn platform_tenant_usage<'a>(
        &'a self,
        slug: &'a str,
    ) -> Result<ResponseValue<types::TenantUsage>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/tenants/{}/usage", self.baseurl, encode_path(& slug
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_tenant_usage",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Recompute a tenant's audit chain

Holds every link against the next, and the last against the anchor kept outside the tenant's
database. It shows none of its data.

Sends a `POST` request to `/api/v1/platform/tenants/{slug}/verify`

Arguments:
- `slug`: The tenant's name in paths.
- `idempotency_key`: Checked, but without effect: repeating this request is harmless anyway.
*/
    pub async fn platform_tenant_verify<'a>(
        &'a self,
        slug: &'a str,
        idempotency_key: Option<&'a str>,
    ) -> Result<ResponseValue<types::ChainReport>, Error<()>> {
        let url = format!(
            "{}/api/v1/platform/tenants/{}/verify", self.baseurl, encode_path(& slug
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "platform_tenant_verify",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Start a trial

Makes a tenant with a database of its own and signs its first person in. With an
`Idempotency-Key`, asking again gives the same tenant and fresh tokens.

Sends a `POST` request to `/api/v1/trials`

Arguments:
- `idempotency_key`: Repeating a request with the same key answers as the first time, with nothing done twice. 1 to 200 visible ASCII characters.
- `body`
*/
    pub async fn trial_create<'a>(
        &'a self,
        idempotency_key: Option<&'a str>,
        body: &'a types::TrialIn,
    ) -> Result<ResponseValue<types::Trial>, Error<()>> {
        let url = format!("{}/api/v1/trials", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "trial_create",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            201u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Every change, newest first

Sends a `GET` request to `/api/v1/{tenant}/audit`

Arguments:
- `tenant`: The tenant's name in paths.
- `before`: Only entries before this position.
- `limit`: Rows of a page, 1 to 200.
*/
    pub async fn audit_list<'a>(
        &'a self,
        tenant: &'a str,
        before: Option<u64>,
        limit: Option<u32>,
    ) -> Result<ResponseValue<types::AuditList>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/audit", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("before", &before))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "audit_list",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Recompute the audit chain

Holds every link against the next, and the last against the anchor kept outside the tenant's
database.

Sends a `POST` request to `/api/v1/{tenant}/audit/verify`

Arguments:
- `tenant`: The tenant's name in paths.
- `idempotency_key`: Checked, but without effect: repeating this request is harmless anyway.
*/
    pub async fn audit_verify<'a>(
        &'a self,
        tenant: &'a str,
        idempotency_key: Option<&'a str>,
    ) -> Result<ResponseValue<types::ChainReport>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/audit/verify", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "audit_verify",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Accept an invitation

The invited person chooses a password and is signed in. An invitation is good once.

Sends a `POST` request to `/api/v1/{tenant}/auth/invitations`

Arguments:
- `tenant`: The tenant's name in paths.
- `idempotency_key`: Checked, but without effect: repeating this request is harmless anyway.
- `body`
*/
    pub async fn auth_accept_invitation<'a>(
        &'a self,
        tenant: &'a str,
        idempotency_key: Option<&'a str>,
        body: &'a types::InvitationIn,
    ) -> Result<ResponseValue<types::Tokens>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/auth/invitations", self.baseurl, encode_path(& tenant
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "auth_accept_invitation",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Sign in

Unknown tenant, unknown address, wrong password and disabled person look the same.

Sends a `POST` request to `/api/v1/{tenant}/auth/login`

Arguments:
- `tenant`: The tenant's name in paths.
- `idempotency_key`: Checked, but without effect: repeating this request is harmless anyway.
- `body`
*/
    pub async fn auth_login<'a>(
        &'a self,
        tenant: &'a str,
        idempotency_key: Option<&'a str>,
        body: &'a types::LoginIn,
    ) -> Result<ResponseValue<types::Tokens>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/auth/login", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "auth_login",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Sign out

Ends this sign-in: its tokens are refused from the next request on.

Sends a `POST` request to `/api/v1/{tenant}/auth/logout`

Arguments:
- `tenant`: The tenant's name in paths.
- `idempotency_key`: Checked, but without effect: repeating this request is harmless anyway.
*/
    pub async fn auth_logout<'a>(
        &'a self,
        tenant: &'a str,
        idempotency_key: Option<&'a str>,
    ) -> Result<ResponseValue<()>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/auth/logout", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self.client.post(url).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "auth_logout",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            204u16 => Ok(ResponseValue::empty(response)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Exchange a refresh token

Each token is good once; using an old one again ends the sign-in. Requests that race with the
same token all get the same successor.

Sends a `POST` request to `/api/v1/{tenant}/auth/refresh`

Arguments:
- `tenant`: The tenant's name in paths.
- `idempotency_key`: Checked, but without effect: repeating this request is harmless anyway.
- `body`
*/
    pub async fn auth_refresh<'a>(
        &'a self,
        tenant: &'a str,
        idempotency_key: Option<&'a str>,
        body: &'a types::RefreshIn,
    ) -> Result<ResponseValue<types::Tokens>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/auth/refresh", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "auth_refresh",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Figures of stock, places and people

They stand at a position of the journal, a moment behind the last change at most.

Sends a `GET` request to `/api/v1/{tenant}/dashboard`

Arguments:
- `tenant`: The tenant's name in paths.
*/
    pub async fn dashboard_get<'a>(
        &'a self,
        tenant: &'a str,
    ) -> Result<ResponseValue<types::Dashboard>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/dashboard", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "dashboard_get",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**List entities

Sends a `GET` request to `/api/v1/{tenant}/entities`

Arguments:
- `tenant`: The tenant's name in paths.
- `batch_number`: Only entities with this batch number.
- `cursor`: Where to go on: `next_cursor` of the page before, with the same sort.
- `deleted`: Only deleted records, for those who may recover them.
- `limit`: Rows of a page, 1 to 200.
- `location_id`: Only entities at this place or below it.
- `q`: Only entities whose code, name, batch number or attributes have all these words.
- `quality_grade`: Only entities of this grade.
- `sort`: `created_at`, `updated_at`, `code`, `name` or `quantity`; `-` in front for descending.
- `stage`: Only entities at this stage.
- `status`: Only entities in this status.
- `total`: Also count all rows that match.
- `type_`: Only this kind of stock.
*/
    pub async fn entity_list<'a>(
        &'a self,
        tenant: &'a str,
        batch_number: Option<&'a str>,
        cursor: Option<&'a str>,
        deleted: Option<bool>,
        limit: Option<u32>,
        location_id: Option<&'a ::uuid::Uuid>,
        q: Option<&'a str>,
        quality_grade: Option<types::Grade>,
        sort: Option<&'a str>,
        stage: Option<types::Stage>,
        status: Option<types::Status>,
        total: Option<bool>,
        type_: Option<types::EntityType>,
    ) -> Result<ResponseValue<types::EntityList>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/entities", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("batch_number", &batch_number))
            .query(&progenitor_client::QueryParam::new("cursor", &cursor))
            .query(&progenitor_client::QueryParam::new("deleted", &deleted))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .query(&progenitor_client::QueryParam::new("location_id", &location_id))
            .query(&progenitor_client::QueryParam::new("q", &q))
            .query(&progenitor_client::QueryParam::new("quality_grade", &quality_grade))
            .query(&progenitor_client::QueryParam::new("sort", &sort))
            .query(&progenitor_client::QueryParam::new("stage", &stage))
            .query(&progenitor_client::QueryParam::new("status", &status))
            .query(&progenitor_client::QueryParam::new("total", &total))
            .query(&progenitor_client::QueryParam::new("type", &type_))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "entity_list",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Register an entity

Sends a `POST` request to `/api/v1/{tenant}/entities`

Arguments:
- `tenant`: The tenant's name in paths.
- `idempotency_key`: Repeating a request with the same key answers as the first time, with nothing done twice. 1 to 200 visible ASCII characters.
- `body`
*/
    pub async fn entity_create<'a>(
        &'a self,
        tenant: &'a str,
        idempotency_key: Option<&'a str>,
        body: &'a types::EntityIn,
    ) -> Result<ResponseValue<types::Entity>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/entities", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "entity_create",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            201u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Read an entity

Sends a `GET` request to `/api/v1/{tenant}/entities/{id}`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
*/
    pub async fn entity_get<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
    ) -> Result<ResponseValue<types::Entity>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/entities/{}", self.baseurl, encode_path(& tenant.to_string()),
            encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "entity_get",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Delete an entity

It can be recovered.

Sends a `DELETE` request to `/api/v1/{tenant}/entities/{id}`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `if_match`: The version the caller has seen, in quotes, as `ETag` gave it.
*/
    pub async fn entity_delete<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        if_match: Option<&'a str>,
    ) -> Result<ResponseValue<types::Entity>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/entities/{}", self.baseurl, encode_path(& tenant.to_string()),
            encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = if_match {
            header_map.append("If-Match", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .delete(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "entity_delete",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Edit an entity

Edits of different fields by several people merge; edits of the same field since the version in
`If-Match` answer 409 with base, theirs and mine.

Sends a `PATCH` request to `/api/v1/{tenant}/entities/{id}`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `if_match`: The version the caller has seen, in quotes, as `ETag` gave it.
- `body`
*/
    pub async fn entity_update<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        if_match: &'a str,
        body: &'a types::EntityPatch,
    ) -> Result<ResponseValue<types::Entity>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/entities/{}", self.baseurl, encode_path(& tenant.to_string()),
            encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        header_map.append("If-Match", if_match.to_string().try_into()?);
        #[allow(unused_mut)]
        let mut request = self
            .client
            .patch(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "entity_update",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Changes of an entity, newest first

Sends a `GET` request to `/api/v1/{tenant}/entities/{id}/history`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `before`: Only changes before this version.
- `limit`: Rows of a page, 1 to 200.
*/
    pub async fn entity_history<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        before: Option<i64>,
        limit: Option<u32>,
    ) -> Result<ResponseValue<types::HistoryList>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/entities/{}/history", self.baseurl, encode_path(& tenant
            .to_string()), encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("before", &before))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "entity_history",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Move an entity to another place

Sends a `POST` request to `/api/v1/{tenant}/entities/{id}/moves`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `idempotency_key`: Repeating a request with the same key answers as the first time, with nothing done twice. 1 to 200 visible ASCII characters.
- `if_match`: The version the caller has seen, in quotes, as `ETag` gave it.
- `body`
*/
    pub async fn entity_move<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        idempotency_key: Option<&'a str>,
        if_match: Option<&'a str>,
        body: &'a types::MoveIn,
    ) -> Result<ResponseValue<types::Entity>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/entities/{}/moves", self.baseurl, encode_path(& tenant
            .to_string()), encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(3usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        if let Some(value) = if_match {
            header_map.append("If-Match", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "entity_move",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Bring a deleted entity back

Sends a `POST` request to `/api/v1/{tenant}/entities/{id}/recover`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `idempotency_key`: Repeating a request with the same key answers as the first time, with nothing done twice. 1 to 200 visible ASCII characters.
*/
    pub async fn entity_recover<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        idempotency_key: Option<&'a str>,
    ) -> Result<ResponseValue<types::Entity>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/entities/{}/recover", self.baseurl, encode_path(& tenant
            .to_string()), encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "entity_recover",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Take a step in an entity's life

Without `If-Match` the step applies to the entity as it is: two losses both count.

Sends a `POST` request to `/api/v1/{tenant}/entities/{id}/transitions`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `idempotency_key`: Repeating a request with the same key answers as the first time, with nothing done twice. 1 to 200 visible ASCII characters.
- `if_match`: The version the caller has seen, in quotes, as `ETag` gave it.
- `body`
*/
    pub async fn entity_transition<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        idempotency_key: Option<&'a str>,
        if_match: Option<&'a str>,
        body: &'a types::TransitionIn,
    ) -> Result<ResponseValue<types::Entity>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/entities/{}/transitions", self.baseurl, encode_path(& tenant
            .to_string()), encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(3usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        if let Some(value) = if_match {
            header_map.append("If-Match", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "entity_transition",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**List files

Sends a `GET` request to `/api/v1/{tenant}/files`

Arguments:
- `tenant`: The tenant's name in paths.
- `cursor`: Where to go on: `next_cursor` of the page before, with the same sort.
- `deleted`: Only deleted records, for those who may recover them.
- `entity_id`: Only files of this lot.
- `limit`: Rows of a page, 1 to 200.
- `location_id`: Only files of lots at this place or below it.
- `media_type`: Only files of this media type.
- `q`: Only files whose name has all these words.
- `sort`: `created_at`, `updated_at`, `name` or `size`; `-` in front for descending.
- `state`: Only files in this state.
- `total`: Also count all rows that match.
- `uploaded_by`: Only files this person uploaded.
*/
    pub async fn file_list<'a>(
        &'a self,
        tenant: &'a str,
        cursor: Option<&'a str>,
        deleted: Option<bool>,
        entity_id: Option<&'a ::uuid::Uuid>,
        limit: Option<u32>,
        location_id: Option<&'a ::uuid::Uuid>,
        media_type: Option<&'a str>,
        q: Option<&'a str>,
        sort: Option<&'a str>,
        state: Option<types::FileState>,
        total: Option<bool>,
        uploaded_by: Option<&'a ::uuid::Uuid>,
    ) -> Result<ResponseValue<types::FileList>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/files", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("cursor", &cursor))
            .query(&progenitor_client::QueryParam::new("deleted", &deleted))
            .query(&progenitor_client::QueryParam::new("entity_id", &entity_id))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .query(&progenitor_client::QueryParam::new("location_id", &location_id))
            .query(&progenitor_client::QueryParam::new("media_type", &media_type))
            .query(&progenitor_client::QueryParam::new("q", &q))
            .query(&progenitor_client::QueryParam::new("sort", &sort))
            .query(&progenitor_client::QueryParam::new("state", &state))
            .query(&progenitor_client::QueryParam::new("total", &total))
            .query(&progenitor_client::QueryParam::new("uploaded_by", &uploaded_by))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "file_list",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Read what is known of a file

Sends a `GET` request to `/api/v1/{tenant}/files/{id}`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
*/
    pub async fn file_get<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
    ) -> Result<ResponseValue<types::File>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/files/{}", self.baseurl, encode_path(& tenant.to_string()),
            encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "file_get",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Delete a file

It can be recovered until its content is removed for good, 30 days later unless the installation
says otherwise.

Sends a `DELETE` request to `/api/v1/{tenant}/files/{id}`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `if_match`: The version the caller has seen, in quotes, as `ETag` gave it.
*/
    pub async fn file_delete<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        if_match: Option<&'a str>,
    ) -> Result<ResponseValue<types::File>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/files/{}", self.baseurl, encode_path(& tenant.to_string()),
            encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = if_match {
            header_map.append("If-Match", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .delete(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "file_delete",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Rename a file or give it to another lot

Sends a `PATCH` request to `/api/v1/{tenant}/files/{id}`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `if_match`: The version the caller has seen, in quotes, as `ETag` gave it.
- `body`
*/
    pub async fn file_update<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        if_match: &'a str,
        body: &'a types::FilePatch,
    ) -> Result<ResponseValue<types::File>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/files/{}", self.baseurl, encode_path(& tenant.to_string()),
            encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        header_map.append("If-Match", if_match.to_string().try_into()?);
        #[allow(unused_mut)]
        let mut request = self
            .client
            .patch(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "file_update",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Changes of what is known of a file, newest first

Sends a `GET` request to `/api/v1/{tenant}/files/{id}/history`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `before`: Only changes before this version.
- `limit`: Rows of a page, 1 to 200.
*/
    pub async fn file_history<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        before: Option<i64>,
        limit: Option<u32>,
    ) -> Result<ResponseValue<types::HistoryList>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/files/{}/history", self.baseurl, encode_path(& tenant
            .to_string()), encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("before", &before))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "file_history",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Make a link to a file's content

Only where the files lie in a store that has such; 409 `file_links_unsupported` elsewhere.

Sends a `POST` request to `/api/v1/{tenant}/files/{id}/link`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `idempotency_key`: Checked, but without effect: repeating this request is harmless anyway.
- `body`
*/
    pub async fn file_link<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        idempotency_key: Option<&'a str>,
        body: &'a types::LinkIn,
    ) -> Result<ResponseValue<types::Link>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/files/{}/link", self.baseurl, encode_path(& tenant
            .to_string()), encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "file_link",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Bring a deleted file back

Sends a `POST` request to `/api/v1/{tenant}/files/{id}/recover`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `idempotency_key`: Repeating a request with the same key answers as the first time, with nothing done twice. 1 to 200 visible ASCII characters.
*/
    pub async fn file_recover<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        idempotency_key: Option<&'a str>,
    ) -> Result<ResponseValue<types::File>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/files/{}/recover", self.baseurl, encode_path(& tenant
            .to_string()), encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "file_recover",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**List locations

Sends a `GET` request to `/api/v1/{tenant}/locations`

Arguments:
- `tenant`: The tenant's name in paths.
- `cursor`: Where to go on: `next_cursor` of the page before, with the same sort.
- `deleted`: Only deleted records, for those who may recover them.
- `kind`: Only this kind of place.
- `limit`: Rows of a page, 1 to 200.
- `parent_id`: Only places directly in this one.
- `q`: Only places whose code or name has all these words.
- `sort`: `created_at`, `updated_at`, `code`, `name` or `path`; `-` in front for descending.
- `total`: Also count all rows that match.
- `within`: Only this place and everything below it.
*/
    pub async fn location_list<'a>(
        &'a self,
        tenant: &'a str,
        cursor: Option<&'a str>,
        deleted: Option<bool>,
        kind: Option<types::LocationKind>,
        limit: Option<u32>,
        parent_id: Option<&'a ::uuid::Uuid>,
        q: Option<&'a str>,
        sort: Option<&'a str>,
        total: Option<bool>,
        within: Option<&'a ::uuid::Uuid>,
    ) -> Result<ResponseValue<types::LocationList>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/locations", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("cursor", &cursor))
            .query(&progenitor_client::QueryParam::new("deleted", &deleted))
            .query(&progenitor_client::QueryParam::new("kind", &kind))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .query(&progenitor_client::QueryParam::new("parent_id", &parent_id))
            .query(&progenitor_client::QueryParam::new("q", &q))
            .query(&progenitor_client::QueryParam::new("sort", &sort))
            .query(&progenitor_client::QueryParam::new("total", &total))
            .query(&progenitor_client::QueryParam::new("within", &within))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "location_list",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Add a location

Sends a `POST` request to `/api/v1/{tenant}/locations`

Arguments:
- `tenant`: The tenant's name in paths.
- `idempotency_key`: Repeating a request with the same key answers as the first time, with nothing done twice. 1 to 200 visible ASCII characters.
- `body`
*/
    pub async fn location_create<'a>(
        &'a self,
        tenant: &'a str,
        idempotency_key: Option<&'a str>,
        body: &'a types::LocationIn,
    ) -> Result<ResponseValue<types::Location>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/locations", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "location_create",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            201u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Read a location

Sends a `GET` request to `/api/v1/{tenant}/locations/{id}`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
*/
    pub async fn location_get<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
    ) -> Result<ResponseValue<types::Location>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/locations/{}", self.baseurl, encode_path(& tenant.to_string()),
            encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "location_get",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Delete an empty location

It can be recovered.

Sends a `DELETE` request to `/api/v1/{tenant}/locations/{id}`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `if_match`: The version the caller has seen, in quotes, as `ETag` gave it.
*/
    pub async fn location_delete<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        if_match: Option<&'a str>,
    ) -> Result<ResponseValue<types::Location>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/locations/{}", self.baseurl, encode_path(& tenant.to_string()),
            encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = if_match {
            header_map.append("If-Match", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .delete(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "location_delete",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Edit a location

A new parent moves it with everything below it.

Sends a `PATCH` request to `/api/v1/{tenant}/locations/{id}`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `if_match`: The version the caller has seen, in quotes, as `ETag` gave it.
- `body`
*/
    pub async fn location_update<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        if_match: &'a str,
        body: &'a types::LocationPatch,
    ) -> Result<ResponseValue<types::Location>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/locations/{}", self.baseurl, encode_path(& tenant.to_string()),
            encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        header_map.append("If-Match", if_match.to_string().try_into()?);
        #[allow(unused_mut)]
        let mut request = self
            .client
            .patch(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "location_update",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Changes of a location, newest first

Sends a `GET` request to `/api/v1/{tenant}/locations/{id}/history`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `before`: Only changes before this version.
- `limit`: Rows of a page, 1 to 200.
*/
    pub async fn location_history<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        before: Option<i64>,
        limit: Option<u32>,
    ) -> Result<ResponseValue<types::HistoryList>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/locations/{}/history", self.baseurl, encode_path(& tenant
            .to_string()), encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("before", &before))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "location_history",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Bring a deleted location back

Sends a `POST` request to `/api/v1/{tenant}/locations/{id}/recover`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `idempotency_key`: Repeating a request with the same key answers as the first time, with nothing done twice. 1 to 200 visible ASCII characters.
*/
    pub async fn location_recover<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        idempotency_key: Option<&'a str>,
    ) -> Result<ResponseValue<types::Location>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/locations/{}/recover", self.baseurl, encode_path(& tenant
            .to_string()), encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "location_recover",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Who am I

Sends a `GET` request to `/api/v1/{tenant}/me`

Arguments:
- `tenant`: The tenant's name in paths.
*/
    pub async fn me_get<'a>(
        &'a self,
        tenant: &'a str,
    ) -> Result<ResponseValue<types::Me>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/me", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "me_get",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Change my password

The person's other sign-ins end.

Sends a `PUT` request to `/api/v1/{tenant}/me/password`

Arguments:
- `tenant`: The tenant's name in paths.
- `body`
*/
    pub async fn me_password<'a>(
        &'a self,
        tenant: &'a str,
        body: &'a types::PasswordIn,
    ) -> Result<ResponseValue<()>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/me/password", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.put(url).json(&body).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "me_password",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            204u16 => Ok(ResponseValue::empty(response)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**List my sign-ins

Sends a `GET` request to `/api/v1/{tenant}/me/sessions`

Arguments:
- `tenant`: The tenant's name in paths.
*/
    pub async fn me_session_list<'a>(
        &'a self,
        tenant: &'a str,
    ) -> Result<ResponseValue<types::SessionList>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/me/sessions", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "me_session_list",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**End one of my sign-ins

Sends a `DELETE` request to `/api/v1/{tenant}/me/sessions/{id}`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
*/
    pub async fn me_session_end<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
    ) -> Result<ResponseValue<()>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/me/sessions/{}", self.baseurl, encode_path(& tenant
            .to_string()), encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.delete(url).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "me_session_end",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            204u16 => Ok(ResponseValue::empty(response)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**List roles

Sends a `GET` request to `/api/v1/{tenant}/roles`

Arguments:
- `tenant`: The tenant's name in paths.
- `cursor`: Where to go on: `next_cursor` of the page before, with the same sort.
- `limit`: Rows of a page, 1 to 200.
- `q`: Only roles whose name has all these words.
- `sort`: `created_at`, `updated_at` or `name`; `-` in front for descending.
- `total`: Also count all rows that match.
*/
    pub async fn role_list<'a>(
        &'a self,
        tenant: &'a str,
        cursor: Option<&'a str>,
        limit: Option<u32>,
        q: Option<&'a str>,
        sort: Option<&'a str>,
        total: Option<bool>,
    ) -> Result<ResponseValue<types::RoleList>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/roles", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("cursor", &cursor))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .query(&progenitor_client::QueryParam::new("q", &q))
            .query(&progenitor_client::QueryParam::new("sort", &sort))
            .query(&progenitor_client::QueryParam::new("total", &total))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "role_list",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Add a role

Nobody hands out more than they have themselves.

Sends a `POST` request to `/api/v1/{tenant}/roles`

Arguments:
- `tenant`: The tenant's name in paths.
- `idempotency_key`: Repeating a request with the same key answers as the first time, with nothing done twice. 1 to 200 visible ASCII characters.
- `body`
*/
    pub async fn role_create<'a>(
        &'a self,
        tenant: &'a str,
        idempotency_key: Option<&'a str>,
        body: &'a types::RoleIn,
    ) -> Result<ResponseValue<types::Role>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/roles", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "role_create",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            201u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Read a role

Sends a `GET` request to `/api/v1/{tenant}/roles/{id}`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
*/
    pub async fn role_get<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
    ) -> Result<ResponseValue<types::Role>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/roles/{}", self.baseurl, encode_path(& tenant.to_string()),
            encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "role_get",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Delete a role nobody has

Sends a `DELETE` request to `/api/v1/{tenant}/roles/{id}`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `if_match`: The version the caller has seen, in quotes, as `ETag` gave it.
*/
    pub async fn role_delete<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        if_match: Option<&'a str>,
    ) -> Result<ResponseValue<types::Role>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/roles/{}", self.baseurl, encode_path(& tenant.to_string()),
            encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = if_match {
            header_map.append("If-Match", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .delete(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "role_delete",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Edit a role

Built-in roles cannot be edited.

Sends a `PATCH` request to `/api/v1/{tenant}/roles/{id}`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `if_match`: The version the caller has seen, in quotes, as `ETag` gave it.
- `body`
*/
    pub async fn role_update<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        if_match: &'a str,
        body: &'a types::RolePatch,
    ) -> Result<ResponseValue<types::Role>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/roles/{}", self.baseurl, encode_path(& tenant.to_string()),
            encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        header_map.append("If-Match", if_match.to_string().try_into()?);
        #[allow(unused_mut)]
        let mut request = self
            .client
            .patch(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "role_update",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**List people

Sends a `GET` request to `/api/v1/{tenant}/users`

Arguments:
- `tenant`: The tenant's name in paths.
- `cursor`: Where to go on: `next_cursor` of the page before, with the same sort.
- `deleted`: Only deleted records, for those who may recover them.
- `limit`: Rows of a page, 1 to 200.
- `q`: Only people whose address or name has all these words.
- `sort`: `created_at`, `updated_at`, `email` or `name`; `-` in front for descending.
- `status`: Only people in this status.
- `total`: Also count all rows that match.
*/
    pub async fn user_list<'a>(
        &'a self,
        tenant: &'a str,
        cursor: Option<&'a str>,
        deleted: Option<bool>,
        limit: Option<u32>,
        q: Option<&'a str>,
        sort: Option<&'a str>,
        status: Option<types::UserStatus>,
        total: Option<bool>,
    ) -> Result<ResponseValue<types::UserList>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/users", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("cursor", &cursor))
            .query(&progenitor_client::QueryParam::new("deleted", &deleted))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .query(&progenitor_client::QueryParam::new("q", &q))
            .query(&progenitor_client::QueryParam::new("sort", &sort))
            .query(&progenitor_client::QueryParam::new("status", &status))
            .query(&progenitor_client::QueryParam::new("total", &total))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "user_list",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Invite a person

The invitation's token is shown once: a repetition with the same `Idempotency-Key` is answered
without it.

Sends a `POST` request to `/api/v1/{tenant}/users`

Arguments:
- `tenant`: The tenant's name in paths.
- `idempotency_key`: Repeating a request with the same key answers as the first time, with nothing done twice. 1 to 200 visible ASCII characters.
- `body`
*/
    pub async fn user_create<'a>(
        &'a self,
        tenant: &'a str,
        idempotency_key: Option<&'a str>,
        body: &'a types::UserIn,
    ) -> Result<ResponseValue<types::Invited>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/users", self.baseurl, encode_path(& tenant.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "user_create",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            201u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Read a person

Sends a `GET` request to `/api/v1/{tenant}/users/{id}`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
*/
    pub async fn user_get<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
    ) -> Result<ResponseValue<types::User>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/users/{}", self.baseurl, encode_path(& tenant.to_string()),
            encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "user_get",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Delete a person

Their sign-ins are refused from the next request on. They can be recovered.

Sends a `DELETE` request to `/api/v1/{tenant}/users/{id}`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `if_match`: The version the caller has seen, in quotes, as `ETag` gave it.
*/
    pub async fn user_delete<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        if_match: Option<&'a str>,
    ) -> Result<ResponseValue<types::User>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/users/{}", self.baseurl, encode_path(& tenant.to_string()),
            encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = if_match {
            header_map.append("If-Match", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .delete(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "user_delete",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Edit a person

The last active Admin stays one.

Sends a `PATCH` request to `/api/v1/{tenant}/users/{id}`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `if_match`: The version the caller has seen, in quotes, as `ETag` gave it.
- `body`
*/
    pub async fn user_update<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        if_match: &'a str,
        body: &'a types::UserPatch,
    ) -> Result<ResponseValue<types::User>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/users/{}", self.baseurl, encode_path(& tenant.to_string()),
            encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        header_map.append("If-Match", if_match.to_string().try_into()?);
        #[allow(unused_mut)]
        let mut request = self
            .client
            .patch(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "user_update",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Changes of a person, newest first

Sends a `GET` request to `/api/v1/{tenant}/users/{id}/history`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `before`: Only changes before this version.
- `limit`: Rows of a page, 1 to 200.
*/
    pub async fn user_history<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        before: Option<i64>,
        limit: Option<u32>,
    ) -> Result<ResponseValue<types::HistoryList>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/users/{}/history", self.baseurl, encode_path(& tenant
            .to_string()), encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("before", &before))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "user_history",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Bring a deleted person back

Sends a `POST` request to `/api/v1/{tenant}/users/{id}/recover`

Arguments:
- `tenant`: The tenant's name in paths.
- `id`: The record.
- `idempotency_key`: Repeating a request with the same key answers as the first time, with nothing done twice. 1 to 200 visible ASCII characters.
*/
    pub async fn user_recover<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a ::uuid::Uuid,
        idempotency_key: Option<&'a str>,
    ) -> Result<ResponseValue<types::User>, Error<()>> {
        let url = format!(
            "{}/api/v1/{}/users/{}/recover", self.baseurl, encode_path(& tenant
            .to_string()), encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        if let Some(value) = idempotency_key {
            header_map.append("Idempotency-Key", value.to_string().try_into()?);
        }
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "user_recover",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Whether the process answers

Sends a `GET` request to `/health/live`

*/
    pub async fn health_live<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::Health>, Error<()>> {
        let url = format!("{}/health/live", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "health_live",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Whether requests should be sent here

503 while the server is stopping or cannot reach its registry. A node that has lost Redis goes on
serving and says `degraded`: limits hold for it alone, other nodes' changes are seen a second late.

Sends a `GET` request to `/health/ready`

*/
    pub async fn health_ready<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::Health>, Error<()>> {
        let url = format!("{}/health/ready", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "health_ready",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
}
/// Items consumers will typically use such as the Client.
pub mod prelude {
    #[allow(unused_imports)]
    pub use super::Client;
}
