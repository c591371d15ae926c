//! What is told of migrations.

use super::rings::RunOptions;
use crate::error::Result;
use crate::tenant::Slug;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

crate::text_enum! {
    /// How a run stands.
    pub enum RunState {
        /// Under way, or cut off: then its lease has ended.
        Running = "running",
        /// Every tenant is migrated.
        Done = "done",
        /// It went through all rings, and some tenants failed.
        Failed = "failed",
        /// It stopped by a rule, before the last ring.
        Halted = "halted",
        /// It was cut off, and another run has begun since.
        Interrupted = "interrupted",
    }
}

crate::text_enum! {
    /// How a tenant stands in a run.
    pub enum TenantRunState {
        /// Not its turn yet.
        Pending = "pending",
        /// Under way, or cut off.
        Running = "running",
        /// At the run's version.
        Done = "done",
        /// Given up; what is done stays done.
        Failed = "failed",
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Its id.
    pub id: Uuid,
    /// Fingerprint of the version it brings tenants to.
    pub target: String,
    /// How it stands.
    pub state: RunState,
    /// Whether it is recorded as running but nobody holds its lease: it was killed.
    pub cut_off: bool,
    /// Why it stopped, if a rule stopped it.
    pub reason: Option<String>,
    /// The ring it is in or ended in, from 1; 0 before the first.
    pub ring: u32,
    /// Rings there are.
    pub rings: u32,
    /// Tenants it is about.
    pub tenants: u64,
    /// Of these, not begun yet.
    pub pending: u64,
    /// Of these, under way, or cut off.
    pub running: u64,
    /// Of these, migrated.
    pub done: u64,
    /// Of these, given up.
    pub failed: u64,
    /// Seconds until it is through, by how long tenants took so far, with the pauses between rings; `None`
    /// if it is not under way or none is done yet.
    pub eta_seconds: Option<u64>,
    /// Who started it.
    pub operator: String,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it goes about it.
    pub options: RunOptions,
}

/// One tenant of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TenantRun {
    /// Its name in paths.
    pub slug: Slug,
    /// Its ring, from 1.
    pub ring: u32,
    /// How it stands.
    pub state: TenantRunState,
    /// The step it failed in, if it did.
    pub step: Option<String>,
    /// Why.
    pub error: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// How long the last attempt took, in microseconds.
    pub micros: u64,
}

/// A step that is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedStep {
    /// The integrator's migration it belongs to; 0 for what follows from record types.
    pub migration: i64,
    /// Its place, from 1.
    pub number: u32,
    /// The statement.
    pub statement: String,
}

/// Tenants that stand alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanGroup {
    /// Fingerprint of the version they have; `None` if the registry does not know.
    pub fingerprint: Option<String>,
    /// Their names in paths.
    pub tenants: Vec<Slug>,
    /// What is to be done to the first of them that could be looked at. To the others the same, as far as
    /// their tables are the same: each is looked at when its turn comes.
    pub steps: Vec<PlannedStep>,
    /// Why none of the first three could be looked at.
    pub error: Option<String>,
}

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Fingerprint of this program's version.
    pub target: String,
    /// Tenants that have it.
    pub up_to_date: u64,
    /// The others.
    pub groups: Vec<PlanGroup>,
}

crate::text_enum! {
    /// How something differs from what it should be.
    pub enum DriftKind {
        /// It is not there.
        Missing = "missing",
        /// It is there, and otherwise.
        Changed = "changed",
        /// It is there and should not be.
        Extra = "extra",
        /// An index that is not wanted (any more): it does no harm, and is no drift.
        LeftOver = "left_over",
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How it differs.
    pub kind: DriftKind,
    /// What: `column entities.name`, `index entities.entities_id`.
    pub what: String,
    /// What it should be.
    pub expected: Option<String>,
    /// What it is.
    pub actual: Option<String>,
}

/// What was found of one tenant's tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// Its name in paths.
    pub slug: Slug,
    /// Whether its tables are as they should be.
    pub ok: bool,
    /// Digest of the tables, columns, indexes and triggers there are.
    pub hash: Option<String>,
    /// Digest of those there should be.
    pub expected: String,
    /// What differs.
    pub findings: Vec<Finding>,
    /// Why it could not be looked at.
    pub error: Option<String>,
}

/// An instant in the migration of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// Connected and checked, nothing done.
    Connected,
    /// A step is about to be put on record as begun, with its statement behind it.
    Begun,
    /// A step's statement has run, which is not on record yet. Where that is no transaction with what
    /// follows, it stays.
    Ran,
    /// All is done but for noting the version.
    Ended,
    /// The version is noted in the tenant's database, not yet in the registry.
    Noted,
}

/// Who watches a run.
#[async_trait]
pub trait Watch: Send + Sync {
    /// The run is on record, or on record as gone on with.
    fn begun(&self, _run: Uuid) {}
    /// A ring begins.
    fn ring(&self, _ring: u32, _rings: u32, _tenants: u64) {}
    /// A tenant is done, failed or was looked at.
    fn settled(&self, _slug: &Slug, _error: Option<&str>) {}
    /// A tenant is tried again after a pause.
    fn again(&self, _slug: &Slug, _attempt: u32, _error: &str) {}
    /// Called at every instant at which a process may end; an error fails the tenant there. For tests.
    async fn at(&self, _slug: &Slug, _moment: Moment, _step: u32) -> Result<()> {
        Ok(())
    }
}

/// Nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;
impl Watch for Quiet {}
