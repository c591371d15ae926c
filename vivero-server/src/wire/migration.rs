//! Migrations of the fleet on the wire.

use super::{Stamp, Word, present};
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vivero_core::error::Check;
use vivero_core::migration::{Plan, PlanGroup, PlannedStep, Run, RunOptions, RunState, TenantRun};
use vivero_core::{Error, Result};

/// Names and failures of one answer.
const MOST: usize = 200;
/// Tenants that a run can be asked for by name.
const MOST_NAMED: usize = 10_000;
/// Who runs it when nothing is said.
const NOBODY: &str = "platform API";

/// A run that is asked for. What is absent is as `vivero migrate up` has it.
#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct MigrationIn {
    /// Who runs it: shown to whoever wants to run another meanwhile. `platform API` if absent.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(min_length = 1, max_length = 200))]
    pub(crate) operator: Option<String>,
    /// Only these tenants; all if absent or empty.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(max_items = 10000, min_length = 3, max_length = 40))]
    pub(crate) tenants: Option<Vec<String>>,
    /// Tenants that go first, any failure of which stops the run: a number (0 for none), a percentage such
    /// as `5%`, or names such as `acme,beta`. `1` if absent.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(
        min_length = 1,
        max_length = 4000,
        pattern = "^([0-9]{1,6}|([1-9][0-9]?|100)%|[a-z0-9]+(-[a-z0-9]+)*(,[a-z0-9]+(-[a-z0-9]+)*)*)$"
    ))]
    pub(crate) canary: Option<String>,
    /// The rings after the canaries: up to how many of a hundred tenants are done when each ends, ascending.
    /// 10 and 50 if absent; what is left is the last ring.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(max_items = 99, minimum(value = "1"), maximum(value = "99")))]
    pub(crate) waves: Option<Vec<u32>>,
    /// Seconds between two rings; 0 if absent.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(minimum(value = "0"), maximum(value = "86400")))]
    pub(crate) pause: Option<u32>,
    /// Tenants at once; 8 if absent.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(minimum(value = "1"), maximum(value = "256")))]
    pub(crate) parallel: Option<u32>,
    /// Tenants at once on one database server; 0, if absent, for no limit of its own.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(minimum(value = "0"), maximum(value = "256")))]
    pub(crate) per_server: Option<u32>,
    /// After the canaries: of a hundred tenants of a ring, how many may fail; 5 if absent.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    pub(crate) failures: Option<u32>,
    /// Stop when a list of the canaries, or of the first tenants of a later ring, takes so many times longer
    /// than before; 0 does not measure. 3 if absent.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(minimum(value = "0")))]
    pub(crate) slower: Option<f64>,
    /// How often a tenant is tried if what stops it may pass; 5 if absent.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(minimum(value = "1"), maximum(value = "20")))]
    pub(crate) attempts: Option<u32>,
    /// Seconds a step waits for a lock that somebody else's transaction holds; 5 if absent.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(minimum(value = "1"), maximum(value = "600")))]
    pub(crate) lock_wait: Option<u32>,
}

fn percent(field: &str, number: u32) -> Result<u8> {
    let beyond = |_| Error::invalid(field, "maximum", "must be at most 100");
    u8::try_from(number).map_err(beyond)
}

impl TryFrom<MigrationIn> for RunOptions {
    type Error = Error;
    fn try_from(body: MigrationIn) -> Result<Self> {
        let mut check = Check::new();
        if body.tenants.as_ref().is_some_and(|tenants| tenants.len() > MOST_NAMED) {
            check.fail("tenants", "max_items", format!("must be at most {MOST_NAMED}"));
        }
        if let Some(canary) = &body.canary {
            check.text("canary", canary, 1, 4_000);
        }
        if body.slower.is_some_and(|times| times < 0.0) {
            check.fail("slower", "minimum", "must be at least 0");
        }
        check.done()?;
        let usual = Self::default();
        let options = Self {
            canary: body.canary.map_or(Ok(usual.canary), |text| text.parse())?,
            waves: match body.waves {
                Some(waves) => {
                    waves.into_iter().map(|wave| percent("waves", wave)).collect::<Result<_>>()?
                }
                None => usual.waves,
            },
            pause: body.pause.unwrap_or(usual.pause),
            parallel: body.parallel.unwrap_or(usual.parallel),
            per_server: body.per_server.unwrap_or(usual.per_server),
            failures: body
                .failures
                .map_or(Ok(usual.failures), |number| percent("failures", number))?,
            slower: body.slower.map_or(usual.slower, |times| (times != 0.0).then_some(times)),
            slow_from: usual.slow_from,
            attempts: body.attempts.unwrap_or(usual.attempts),
            lock_wait: body.lock_wait.unwrap_or(usual.lock_wait),
            only: body.tenants.unwrap_or_default(),
            operator: body.operator.unwrap_or_else(|| NOBODY.into()),
        };
        options.check()?;
        Ok(options)
    }
}

/// Going on with a run.
#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct MigrationRetry {
    /// Who runs it; `platform API` if absent.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(min_length = 1, max_length = 200))]
    pub(crate) operator: Option<String>,
}

impl MigrationRetry {
    pub(crate) fn operator(self) -> String {
        self.operator.unwrap_or_else(|| NOBODY.into())
    }
}

/// How the fleet stands.
#[derive(Debug, Serialize, Object)]
pub(crate) struct MigrationsOut {
    /// Fingerprint of the version this program wants of tenants' databases.
    pub(crate) target: String,
    /// Tenants that have it.
    pub(crate) up_to_date: u64,
    /// Tenants that do not.
    pub(crate) behind: u64,
    /// These, in groups that stand alike, with what a run would do to them.
    pub(crate) groups: Vec<MigrationGroupOut>,
    /// The last runs, newest first.
    pub(crate) runs: Vec<MigrationRunOut>,
}

impl MigrationsOut {
    pub(crate) fn new(plan: Plan, runs: Vec<Run>) -> Self {
        Self {
            target: plan.target,
            up_to_date: plan.up_to_date,
            behind: plan.groups.iter().map(|group| group.tenants.len() as u64).sum(),
            groups: plan.groups.into_iter().map(Into::into).collect(),
            runs: runs.into_iter().map(|run| MigrationRunOut::new(run, Vec::new())).collect(),
        }
    }
}

/// Tenants that stand alike.
#[derive(Debug, Serialize, Object)]
pub(crate) struct MigrationGroupOut {
    /// Fingerprint of the version they have; absent if it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) fingerprint: Option<String>,
    /// How many they are.
    pub(crate) number: u64,
    /// Their names, the first 200.
    pub(crate) tenants: Vec<String>,
    /// What would be done to the first of them; to the others the same, as far as their tables are the same.
    pub(crate) steps: Vec<MigrationStepOut>,
    /// Why that could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) error: Option<String>,
}

impl From<PlanGroup> for MigrationGroupOut {
    fn from(group: PlanGroup) -> Self {
        Self {
            fingerprint: group.fingerprint,
            number: group.tenants.len() as u64,
            tenants: group.tenants.iter().take(MOST).map(ToString::to_string).collect(),
            steps: group.steps.into_iter().map(Into::into).collect(),
            error: group.error,
        }
    }
}

/// A step that is to be done.
#[derive(Debug, Serialize, Object)]
pub(crate) struct MigrationStepOut {
    /// The integrator's migration it belongs to; 0 for what follows from record types.
    pub(crate) migration: i64,
    /// Its place, from 1.
    pub(crate) number: u32,
    /// The statement.
    pub(crate) statement: String,
}

impl From<PlannedStep> for MigrationStepOut {
    fn from(step: PlannedStep) -> Self {
        Self { migration: step.migration, number: step.number, statement: step.statement }
    }
}

/// Tenants of a run by how they stand.
#[derive(Debug, Serialize, Object)]
pub(crate) struct MigrationTallyOut {
    /// All of them.
    pub(crate) total: u64,
    /// Not their turn yet.
    pub(crate) pending: u64,
    /// Under way, or cut off.
    pub(crate) running: u64,
    /// At the run's version.
    pub(crate) done: u64,
    /// Given up; what is done stays done.
    pub(crate) failed: u64,
}

/// A tenant that failed.
#[derive(Debug, Serialize, Object)]
pub(crate) struct MigrationFailureOut {
    /// Its name in paths.
    pub(crate) tenant: String,
    /// Its ring, from 1.
    pub(crate) ring: u32,
    /// The step it failed in; absent if it failed before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) step: Option<String>,
    /// Why.
    pub(crate) error: String,
    /// How often it was tried.
    pub(crate) attempts: u32,
}

impl From<TenantRun> for MigrationFailureOut {
    fn from(tenant: TenantRun) -> Self {
        Self {
            tenant: tenant.slug.to_string(),
            ring: tenant.ring,
            step: tenant.step,
            error: tenant.error.unwrap_or_default(),
            attempts: tenant.attempts,
        }
    }
}

/// A run of migrations.
#[derive(Debug, Serialize, Object)]
pub(crate) struct MigrationRunOut {
    /// Identity.
    pub(crate) id: Uuid,
    /// Fingerprint of the version it brings tenants to.
    pub(crate) target: String,
    /// How it stands.
    pub(crate) state: Word<RunState>,
    /// Whether its process has ended before it did: it is to be gone on with.
    pub(crate) cut_off: bool,
    /// Why it stopped, if a rule stopped it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) reason: Option<String>,
    /// The ring it is in or ended in, from 1; 0 before the first.
    pub(crate) ring: u32,
    /// Rings there are.
    pub(crate) rings: u32,
    /// Its tenants.
    pub(crate) tenants: MigrationTallyOut,
    /// Seconds until it is through, as quick as it was so far; absent when it is not under way or no tenant
    /// is done yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) eta_seconds: Option<u64>,
    /// Tenants that failed, the first 200 by name; only where one run is read.
    pub(crate) failures: Vec<MigrationFailureOut>,
    /// Who runs it.
    pub(crate) operator: String,
    /// When it started.
    pub(crate) started_at: Stamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) finished_at: Option<Stamp>,
}

impl MigrationRunOut {
    pub(crate) fn new(run: Run, failed: Vec<TenantRun>) -> Self {
        Self {
            id: run.id,
            target: run.target,
            state: Word(run.state),
            cut_off: run.cut_off,
            reason: run.reason,
            ring: run.ring,
            rings: run.rings,
            tenants: MigrationTallyOut {
                total: run.tenants,
                pending: run.pending,
                running: run.running,
                done: run.done,
                failed: run.failed,
            },
            eta_seconds: run.eta_seconds,
            failures: failed.into_iter().take(MOST).map(Into::into).collect(),
            operator: run.operator,
            started_at: Stamp(run.started_at),
            finished_at: run.finished_at.map(Stamp),
        }
    }
}
