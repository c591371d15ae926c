//! Migrations of the whole fleet, for operators of the installation. A run goes on after the answer.

use super::Topic;
use crate::access::Operator;
use crate::param::{IdempotencyKey, Limit, Query, RunId};
use crate::payload::Body;
use crate::reply::{Accepted, Answer, Shown};
use crate::wire::migration::{MigrationIn, MigrationRetry, MigrationRunOut, MigrationsOut};
use poem_openapi::OpenApi;
use vivero_core::Error;
use vivero_core::migration::{Run, TenantRunState};

pub(crate) struct Migrations;

#[OpenApi(tag = "Topic::Platform")]
impl Migrations {
    /// Read how the fleet stands
    ///
    /// The version this program wants of tenants' databases, the tenants that lack it and what a run would
    /// do to them, and the last runs. It looks into one tenant's database of each group that stands alike.
    #[oai(
        path = "/api/v1/platform/migrations",
        method = "get",
        operation_id = "platform_migration_list"
    )]
    async fn list(&self, operator: Operator, limit: Query<Limit>) -> Answer<Shown<MigrationsOut>> {
        let migrator = operator.vivero().migrations()?;
        let plan = migrator.plan(&[]).await?;
        let runs = migrator.runs(limit.rows()).await?;
        Shown::new(&MigrationsOut::new(plan, runs))
    }

    /// Begin a run
    ///
    /// Brings every tenant to this program's version, ring by ring: it goes on after the answer, and
    /// `Location` tells how far it is. One at a time; while another goes on the answer is 409 and says who
    /// runs it.
    #[oai(
        path = "/api/v1/platform/migrations",
        method = "post",
        operation_id = "platform_migration_start"
    )]
    async fn start(
        &self,
        operator: Operator,
        #[oai(name = "Idempotency-Key")] _key: IdempotencyKey,
        body: Body<MigrationIn>,
    ) -> Answer<Accepted<MigrationRunOut>> {
        let run = operator.vivero().start_migrations(body.value.try_into()?).await?;
        tracing::info!(run = %run.id, request_id = ?operator.scope().request_id, "migrations begun");
        accepted(run)
    }

    /// Read how far a run is
    ///
    /// With the tenants that failed, in which step and why: the first 200 by name.
    #[oai(
        path = "/api/v1/platform/migrations/:run",
        method = "get",
        operation_id = "platform_migration_get"
    )]
    async fn get(&self, operator: Operator, run: RunId) -> Answer<Shown<MigrationRunOut>> {
        let migrator = operator.vivero().migrations()?;
        let found = migrator.run(run.0).await?.ok_or_else(|| Error::not_found("migration_run"))?;
        let failed = if found.failed > 0 {
            migrator.tenants(run.0, Some(TenantRunState::Failed)).await?
        } else {
            Vec::new()
        };
        Shown::new(&MigrationRunOut::new(found, failed))
    }

    /// Go on with a run
    ///
    /// With its tenants that failed, were cut off or are still pending, ring by ring.
    #[oai(
        path = "/api/v1/platform/migrations/:run/retry",
        method = "post",
        operation_id = "platform_migration_retry"
    )]
    async fn retry(
        &self,
        operator: Operator,
        run: RunId,
        #[oai(name = "Idempotency-Key")] _key: IdempotencyKey,
        body: Body<MigrationRetry>,
    ) -> Answer<Accepted<MigrationRunOut>> {
        let who = body.value.operator();
        let run = operator.vivero().retry_migrations(run.0, &who).await?;
        tracing::info!(run = %run.id, request_id = ?operator.scope().request_id, "migrations gone on with");
        accepted(run)
    }
}

fn accepted(run: Run) -> Answer<Accepted<MigrationRunOut>> {
    let location = format!("/api/v1/platform/migrations/{}", run.id);
    Accepted::at(&location, &MigrationRunOut::new(run, Vec::new()))
}
