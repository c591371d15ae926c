//! What became of tenants: each change of a tenant's state or database, written in the transaction of the
//! change.

use super::Registry;
use crate::backend::{Backend, Sql};
use uuid::Uuid;
use vivero_core::ids::TenantId;
use vivero_core::record::Kind;
use vivero_core::tenant::TenantEvent;
use vivero_core::{Error, Result, Value};

/// Notes how a tenant stands now, within the transaction that changed it.
pub(super) async fn note<B: Backend>(
    connection: &mut B::Connection,
    tenant: TenantId,
    operation: Option<Uuid>,
) -> Result<()> {
    let sql = Sql::new(
        "INSERT INTO tenant_events (tenant_id, version, at, state, generation, operation_id) \
         SELECT id, version, changed_at, state, generation, ? FROM tenants WHERE id = ?",
    )
    .with(operation.map_or(Value::Null, Value::Id))
    .with(Value::Id(tenant.uuid()));
    B::defer(connection, sql).await.map_err(Into::into)
}

/// Forgets a tenant's; its operations stay on record.
pub(super) async fn forget<B: Backend>(
    connection: &mut B::Connection,
    tenant: TenantId,
) -> Result<()> {
    let sql = Sql::new("DELETE FROM tenant_events WHERE tenant_id = ?");
    sql.with(Value::Id(tenant.uuid())).execute::<B>(connection).await?;
    Ok(())
}

impl<B: Backend> Registry<B> {
    pub(super) async fn events(&self, tenant: TenantId, limit: u32) -> Result<Vec<TenantEvent>> {
        let kinds = [Kind::Int, Kind::Time, Kind::Text, Kind::Int, Kind::Id];
        let rows = Sql::new(
            "SELECT version, at, state, generation, operation_id FROM tenant_events \
             WHERE tenant_id = ? ORDER BY version DESC LIMIT ?",
        )
        .with(Value::Id(tenant.uuid()))
        .with(Value::Int(limit.into()))
        .fetch::<B>(&mut *self.reader().await?, &kinds)
        .await?;
        let bad = |what: &str| Error::corrupt(format!("registry: tenant_events.{what}"));
        rows.into_iter()
            .map(|mut row| {
                Ok(TenantEvent {
                    version: row.int(0),
                    at: row.time(1).ok_or_else(|| bad("at"))?,
                    state: row.text(2).parse().map_err(|_| bad("state"))?,
                    generation: row.int(3),
                    operation: if row.is_null(4) { None } else { Some(row.id(4)) },
                })
            })
            .collect()
    }
}
