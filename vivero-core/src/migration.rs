//! Migrations of a fleet: what one is, in which order tenants get it, and when a run stops.
//!
//! Two kinds go through one runner: what a new version of the record types asks for (worked out by
//! comparing), and an integrator's own [`Migration`]s. Both are made of steps, each one SQL statement
//! that does no harm when it is repeated, because an engine may commit a change of tables by itself.
//!
//! **Expand, then contract.** While a run goes on, programs of two versions serve tenants of two
//! versions. So a version adds (columns with a value for old rows, tables, indexes), the next one stops
//! using what it replaces, and only the one after that removes it. A program serves tenants that lack
//! what its own version added; [`Migration::required`] says that one must not be served without.

mod report;
mod rings;

pub use report::{
    Drift, DriftKind, Finding, Moment, Plan, PlanGroup, PlannedStep, Quiet, Run, RunState,
    TenantRun, TenantRunState, Watch,
};
pub use rings::{Canary, Ring, RunOptions, Tally, backoff, halt, is_slower, median, rings};

use crate::error::{Error, Result};
use crate::tenant::Slug;
use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use std::fmt::Debug;
use std::sync::Arc;
use uuid::Uuid;

crate::text_enum! {
    /// A storage engine, where its SQL differs.
    pub enum Engine {
        /// SQLite.
        Sqlite = "sqlite",
        /// MariaDB.
        MariaDb = "mariadb",
    }
}

/// Longest statement of a step, in bytes.
const LONGEST_STEP: usize = 64 * 1024;

/// A change of tenants' databases that an integrator brings, beside what follows from record types.
///
/// ```
/// use vivero_core::migration::{Engine, Migration};
/// let migration = Migration::new(20_261_101, "area of beds")
///     .step("CREATE TABLE IF NOT EXISTS bed_areas (bed VARCHAR(64) PRIMARY KEY, dm2 BIGINT NOT NULL)")
///     .step_on(Engine::MariaDb, "ALTER TABLE bed_areas ADD COLUMN IF NOT EXISTS note LONGTEXT")
///     .step_on(Engine::Sqlite, "ALTER TABLE bed_areas ADD COLUMN note TEXT");
/// assert_eq!(migration.steps(Engine::Sqlite).count(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    id: i64,
    name: String,
    steps: Vec<Step>,
    required: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    engine: Option<Engine>,
    sql: String,
}

impl Migration {
    /// A migration without steps. `id` is greater than 0 and than that of every migration before it,
    /// e.g. a day as a number; `name` is for people, 1 to 200 characters.
    pub fn new(id: i64, name: impl Into<String>) -> Self {
        Self { id, name: name.into(), steps: Vec::new(), required: false }
    }

    /// Adds a step: one statement, at most 64 KiB, that does no harm when it is repeated. On SQLite a
    /// step is a transaction, so there `ALTER TABLE … ADD COLUMN` is never repeated.
    #[must_use]
    pub fn step(mut self, sql: impl Into<String>) -> Self {
        self.steps.push(Step { engine: None, sql: sql.into() });
        self
    }

    /// Adds a step that only `engine` has.
    #[must_use]
    pub fn step_on(mut self, engine: Engine, sql: impl Into<String>) -> Self {
        self.steps.push(Step { engine: Some(engine), sql: sql.into() });
        self
    }

    /// Tenants without it are not served (`tenant_migrating`, status 503) where servers do not migrate
    /// by themselves. Without this they are.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> i64 {
        self.id
    }
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Whether tenants without it are not served.
    #[must_use]
    pub const fn is_required(&self) -> bool {
        self.required
    }
    /// The statements of one engine, in order.
    pub fn steps(&self, engine: Engine) -> impl Iterator<Item = &str> {
        let here = move |s: &&Step| s.engine.is_none_or(|e| e == engine);
        self.steps.iter().filter(here).map(|s| s.sql.as_str())
    }
    /// Changes with every letter of the engine's statements: an edited migration is found by it.
    #[must_use]
    pub fn checksum(&self, engine: Engine) -> String {
        checksum(self.steps(engine))
    }

    /// Checks migrations as they are registered.
    /// Errors: [`Error::Invalid`] naming each that breaks a rule.
    pub fn check(all: &[Self]) -> Result<()> {
        let mut check = crate::error::Check::new();
        let mut before = 0;
        for migration in all {
            let field = format!("migration {}", migration.id);
            if migration.id <= before {
                let message =
                    format!("must have a greater id than the one before it, which has {before}");
                check.fail(&field, "ascending", message);
            }
            before = migration.id;
            check.text(&field, &migration.name, 1, 200);
            if migration.steps.is_empty() {
                check.fail(&field, "steps", "must have at least one step");
            }
            for step in &migration.steps {
                if step.sql.trim().is_empty() || step.sql.len() > LONGEST_STEP {
                    check.fail(&field, "length", "has a step that is empty or longer than 64 KiB");
                }
            }
        }
        check.done()
    }
}

/// A digest of statements.
pub fn checksum<'s>(statements: impl Iterator<Item = &'s str>) -> String {
    let mut hash = Sha256::new();
    for statement in statements {
        hash.update((statement.len() as u64).to_be_bytes());
        hash.update(statement.as_bytes());
    }
    hex::encode(&hash.finalize()[..8])
}

/// What an engine offers whoever migrates its fleet.
///
/// Contract: only one run of an installation goes on at a time, under the lease `migrations`; a run that
/// was overtaken stops before its next step. Each step is on record in the tenant's database before it
/// begins and after it has ended, each tenant's outcome in the registry. A run that ends at any instant is
/// finished by the next. One tenant's failure touches no other.
#[async_trait]
pub trait Migrator: Send + Sync + Debug {
    /// What [`Migrator::up`] would do to these tenants (none named: all), without doing it. Connects
    /// to one tenant of each group only.
    /// Errors: [`Error::Illegal`] with the code `migration_edited` if a migration was changed after some
    /// tenant got it.
    async fn plan(&self, only: &[Slug]) -> Result<Plan>;
    /// Brings tenants up to this program's version, ring by ring.
    /// Errors: [`Error::Illegal`] with the code `migrations_running` if somebody else does so, saying who
    /// and since when. Failures of tenants are no errors: the run tells them.
    async fn up(self: Arc<Self>, options: RunOptions, watch: Arc<dyn Watch>) -> Result<Run>;
    /// Goes on with the tenants of a run (`None`: the last one) that failed, were cut off or are still
    /// pending, ring by ring and under the same rules: those of a ring that are done count as such.
    /// Errors: as [`Migrator::up`], and [`Error::Illegal`] with the code `migrations_other_version` for a run
    /// that another version of the program began.
    async fn retry(
        self: Arc<Self>,
        run: Option<Uuid>,
        operator: &str,
        watch: Arc<dyn Watch>,
    ) -> Result<Run>;
    /// The last runs, newest first.
    async fn runs(&self, limit: u32) -> Result<Vec<Run>>;
    /// One run.
    async fn run(&self, id: Uuid) -> Result<Option<Run>>;
    /// The tenants of a run in one state (`None`: in any), by slug.
    async fn tenants(&self, run: Uuid, state: Option<TenantRunState>) -> Result<Vec<TenantRun>>;
    /// Holds the tables, columns, indexes and triggers of these tenants (none named: all) against what
    /// they should be. Connects to `parallel` at a time.
    async fn verify(
        self: Arc<Self>,
        only: &[Slug],
        parallel: u32,
        watch: Arc<dyn Watch>,
    ) -> Result<Vec<Drift>>;
}

/// The error of a migration that was changed after it was applied.
#[must_use]
pub fn edited(migration: i64, name: &str, where_it_is: &str) -> Error {
    Error::Illegal {
        code: "migration_edited",
        message: format!(
            "migration {migration} ({name}) was changed after {where_it_is} got it: take the change back \
             and put it into a migration of its own"
        ),
    }
}
