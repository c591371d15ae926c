//! Tenants whose databases are lost with their server.

use super::{Registry, events};
use crate::backend::{Backend, Sql};
use chrono::{DateTime, Utc};
use vivero_core::ids::TenantId;
use vivero_core::{Result, Value};

impl<B: Backend> Registry<B> {
    /// Takes a tenant out of service whose database is gone: from an archive it can be brought back. One that was
    /// only being made is forgotten. What is done to it ends; whoever does it is overtaken. Whether it is out of
    /// service now and was not before.
    pub(crate) async fn lose(
        connection: &mut B::Connection,
        tenant: TenantId,
        why: &str,
        at: DateTime<Utc>,
    ) -> Result<bool> {
        let id = || Value::Id(tenant.uuid());
        // What removes it goes on: there is nothing left to be removed.
        let ended = Sql::new(
            "UPDATE operations SET state = 'failed', message = ?, token = token + 1, changed_at = ? \
             WHERE tenant_id = ? AND kind <> 'purge' AND state IN ('queued', 'running')",
        )
        .with(Value::Text(why.into()))
        .with(Value::Time(at))
        .with(id())
        .execute::<B>(connection)
        .await?;
        let taken = Sql::new(
            "UPDATE tenants SET state = 'archived', version = version + 1, changed_at = ? \
             WHERE id = ? AND (state IN ('active', 'suspended', 'deleting') OR state = 'archived' AND ? > 0)",
        )
        .with(Value::Time(at))
        .with(id())
        // One that was being put into an archive has no other place yet.
        .with(Value::Int(i64::try_from(ended).unwrap_or(i64::MAX)))
        .execute::<B>(connection)
        .await?;
        if taken > 0 {
            events::note::<B>(connection, tenant, None).await?;
            return Ok(true);
        }
        let forgotten =
            Sql::new("DELETE FROM tenants WHERE id = ? AND state IN ('provisioning', 'loading')")
                .with(id())
                .execute::<B>(connection)
                .await?;
        if forgotten > 0 {
            for sql in [
                "DELETE FROM tenant_marks WHERE tenant_id = ?",
                "DELETE FROM audit_anchors WHERE tenant_id = ?",
            ] {
                Sql::new(sql).with(id()).execute::<B>(connection).await?;
            }
            events::forget::<B>(connection, tenant).await?;
        }
        Ok(false)
    }
}
