//! Migrations of the whole fleet.

use crate::connection::Caller;
use crate::generated::types::MigrationRetry;
use crate::{FleetMigrations, MigrationIn, MigrationRun, Result};
use uuid::Uuid;

/// Migrations of an installation's tenants; see [`Platform::migrations`](crate::Platform::migrations).
#[derive(Debug, Clone)]
pub struct Migrations<'a> {
    pub(super) caller: &'a Caller,
}

impl Migrations<'_> {
    /// The version the server wants, the tenants that lack it with what a run would do to them, and the
    /// last runs, `limit` of them: 1 to 200.
    pub async fn list(&self, limit: u32) -> Result<FleetMigrations> {
        self.caller.read(|api| async move { api.platform_migration_list(Some(limit)).await }).await
    }
    /// How far a run is, with the tenants that failed.
    pub async fn get(&self, run: Uuid) -> Result<MigrationRun> {
        let run = &run;
        self.caller.read(|api| async move { api.platform_migration_get(run).await }).await
    }
    /// Begins a run, which goes on after the answer. Not sent again by itself: a run that goes on already is
    /// refused with `migrations_running`.
    pub async fn start(&self, run: MigrationIn) -> Result<MigrationRun> {
        let body = &run;
        self.caller.once(|api| async move { api.platform_migration_start(None, body).await }).await
    }
    /// Goes on with a run: with its tenants that failed, were cut off or are still pending.
    pub async fn retry(&self, run: Uuid, operator: Option<String>) -> Result<MigrationRun> {
        let (run, body) = (&run, &MigrationRetry { operator });
        self.caller
            .once(|api| async move { api.platform_migration_retry(run, None, body).await })
            .await
    }
}
