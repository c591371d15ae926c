//! Bringing tenants' databases to this program's version: one alone when it is opened, or all of a fleet
//! by a run.
//!
//! ```text
//! shape.rs    what tables, columns, indexes and triggers a database has, and what differs
//! open.rs     a tenant as it is opened: brought up, or served as it is
//! steps.rs    one database: its steps, each on record before and after, continued where it was cut off;
//!             journal.rs that record
//! plan.rs     what a run would do
//! run.rs      a fleet: rings, workers; ring.rs one ring, probe.rs how quick lists are, lease.rs who may
//! scribe.rs   what the registry is told while a run goes on
//! verify.rs   every tenant's shape against the expected one
//! ```

mod journal;
mod lease;
mod open;
mod plan;
mod probe;
mod ring;
mod run;
mod scribe;
mod shape;
mod site;
mod steps;
mod verify;

pub(crate) use open::at_open;
pub(crate) use plan::plan;
pub(crate) use run::{retry, run, runs, tenants, up};
pub(crate) use shape::Shape;
pub(crate) use site::{Site, Way, migrator};
pub(crate) use steps::{Alone, How, bring_up, ensure};
pub(crate) use verify::verify;

use crate::backend::Backend;
use crate::schema;
use vivero_core::migration::{Engine, Migration, checksum};
use vivero_core::record::Schema;

/// Names a version: of the record tables, and of an integrator's migrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) tables: String,
    migrations: String,
}

impl Fingerprint {
    /// That of no version: a database it is noted in is looked through when it is opened next.
    pub(crate) const fn none() -> Self {
        Self { tables: String::new(), migrations: String::new() }
    }

    /// Both as 16 hexadecimal digits.
    pub(crate) fn short(&self) -> String {
        if self.migrations.is_empty() {
            return self.tables.clone();
        }
        checksum([self.all().as_str()].into_iter())
    }

    /// Both as one text of at most 64 characters.
    pub(crate) fn all(&self) -> String {
        if self.migrations.is_empty() {
            return self.tables.clone();
        }
        format!("{}.{}", self.tables, self.migrations)
    }
}

/// How the version noted in a database stands to the wanted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Noted {
    /// It is the wanted one.
    pub(crate) same: bool,
    /// Its record tables are the wanted ones.
    pub(crate) same_tables: bool,
    /// None is noted.
    pub(crate) never: bool,
}

/// What tenants' databases should be.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) schemas: Vec<&'static Schema>,
    pub(crate) migrations: Vec<Migration>,
    pub(crate) engine: Engine,
    pub(crate) fingerprint: Fingerprint,
}

impl Target {
    /// For vivero's own record types, an integrator's, and an integrator's migrations.
    pub(crate) fn new<B: Backend>(
        engine: Engine,
        records: &[&'static Schema],
        migrations: &[Migration],
    ) -> Self {
        let mut others = records.to_vec();
        // The order in which they are registered says nothing.
        others.sort_by_key(|s| s.table);
        let schemas: Vec<&'static Schema> = schema::OWN.iter().copied().chain(others).collect();
        let tables = schema::fingerprint::<B>(&schemas);
        let mut texts = Vec::new();
        for migration in migrations {
            texts.extend([migration.id().to_string(), migration.checksum(engine)]);
        }
        let migrations_print = if texts.is_empty() {
            String::new()
        } else {
            checksum(texts.iter().map(String::as_str))
        };
        let fingerprint = Fingerprint { tables, migrations: migrations_print };
        Self { schemas, migrations: migrations.to_vec(), engine, fingerprint }
    }
}
