//! A file as a record: what is known of it beside its content, with history and permissions.

use super::info::Tally;
use super::name::check_name;
use crate::Record;
use crate::error::Check;
use crate::ids::{EntityId, FileId, LocationId, RecordId, UserId};
use crate::record::Stored;
use crate::tenant::Plan;
use crate::text_enum;
use chrono::Duration;

text_enum! {
    /// Whether a file's content is there.
    pub enum FileState {
        /// It is.
        Stored = "stored",
        /// It is being removed for good.
        Purging = "purging",
        /// It was removed for good, some time after the file was deleted.
        Purged = "purged",
    }
}

/// A file that was let in.
#[derive(Debug, Clone, PartialEq, Eq, Record)]
#[record(table = "files", resource = "file", location = "location_id", validate = validate)]
pub struct File {
    /// Identity; also the key of its content.
    pub id: FileId,
    /// What people call it, with the ending of its kind: 1 to 255 characters, one line, no folders.
    #[record(sort, search, max = 255)]
    pub name: String,
    /// What it is served as; follows from its kind.
    #[record(filter, command, max = 100)]
    pub media_type: String,
    /// Bytes.
    #[record(sort, sum, command)]
    pub size: i64,
    /// SHA-256 of the content, 64 lower-case hexadecimal digits.
    #[record(command, max = 64)]
    pub sha256: String,
    /// Whether its content is there.
    #[record(filter, command, max = 16)]
    pub state: FileState,
    /// The lot it belongs to, if any.
    #[record(filter, command)]
    pub entity_id: Option<EntityId>,
    /// Where that lot stands. Kept by vivero.
    #[record(filter, command)]
    pub location_id: Option<LocationId>,
    /// The person who uploaded it; none if a job did.
    #[record(filter, command)]
    pub uploaded_by: Option<UserId>,
}

/// A file with its version and dates.
pub type StoredFile = Stored<File>;

pub(crate) fn validate(file: &File, check: &mut Check) {
    check_name(check, "name", &file.name);
}

/// What is said of a file that is to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// See [`File::name`].
    pub name: String,
    /// See [`File::entity_id`].
    pub entity_id: Option<EntityId>,
}

impl NewFile {
    /// A file that belongs to no lot.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), entity_id: None }
    }
    /// Sets the lot it belongs to.
    #[must_use]
    pub const fn of(mut self, entity: EntityId) -> Self {
        self.entity_id = Some(entity);
        self
    }
}

/// The fields of a file that an edit may change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilePatch {
    /// See [`File::name`]; the ending must stay one of its kind.
    pub name: Option<String>,
    /// See [`File::entity_id`].
    pub entity_id: Option<Option<EntityId>>,
}

/// What the contents of a tenant's files add up to, deleted files that are not purged included. One row
/// per tenant, which changes in the transactions that add and purge files; their journal entries say the
/// same, so it has none of its own but its first.
#[derive(Debug, Clone, PartialEq, Eq, Record)]
#[record(table = "file_usage", resource = "file_usage")]
pub(crate) struct FileUsage {
    pub(crate) id: RecordId<FileUsage>,
    #[record(command)]
    pub(crate) files: i64,
    #[record(command)]
    pub(crate) bytes: i64,
}

impl FileUsage {
    pub(crate) fn tally(&self) -> Tally {
        let whole = |number: i64| u64::try_from(number).unwrap_or(0);
        Tally { files: whole(self.files), bytes: whole(self.bytes) }
    }
}

/// The schema of the figures behind quotas, for engines to make its table.
pub const USAGE_SCHEMA: &crate::record::Schema = <FileUsage as crate::record::Record>::SCHEMA;

/// How much a tenant may keep, files that were deleted but not yet purged included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileQuota {
    /// Bytes of all files together.
    pub bytes: u64,
    /// Number of files.
    pub files: u64,
}

/// The quotas of the plans, and how long deleted files keep their content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimits {
    /// For tenants on trial; 5 GiB and 20,000 files by default.
    pub trial: FileQuota,
    /// For tenants under contract; 500 GiB and 2,000,000 files by default.
    pub contract: FileQuota,
    /// How long the content of a deleted file is kept, so that it can be recovered; 30 days by default.
    pub retention: Duration,
}

impl Default for FileLimits {
    fn default() -> Self {
        Self {
            trial: FileQuota { bytes: 5 << 30, files: 20_000 },
            contract: FileQuota { bytes: 500 << 30, files: 2_000_000 },
            retention: Duration::days(30),
        }
    }
}

impl FileLimits {
    /// The quota of a plan.
    #[must_use]
    pub const fn quota(&self, plan: Plan) -> FileQuota {
        match plan {
            Plan::Trial { .. } => self.trial,
            Plan::Contract => self.contract,
        }
    }
}
