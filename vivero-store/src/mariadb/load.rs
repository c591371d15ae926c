//! Databases of a generation to come: made from rows, stamped last, removed when they are of no use.

use super::MariaDbFleet;
use crate::backend::mariadb::{MariaDb, Pool};
use crate::copying::{SqlLoading, not_in_use};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use vivero_core::copy::{Chain, Loading, TableShape};
use vivero_core::ids::TenantId;
use vivero_core::record::Schema;
use vivero_core::tenant::Tenant;
use vivero_core::{Result, Value};

fn bring_up<'a>(
    writer: &'a Pool,
    tenant: TenantId,
    schemas: &'a [&'static Schema],
) -> BoxFuture<'a, Result<()>> {
    Box::pin(super::bring_up(writer, tenant, schemas))
}

impl MariaDbFleet {
    pub(super) async fn load_database(
        &self,
        tenant: &Tenant,
        tables: &[TableShape],
        chain: Chain,
    ) -> Result<Box<dyn Loading>> {
        let found = self.registry().find("id", Value::Id(tenant.id.uuid())).await?;
        not_in_use(found.as_ref(), tenant.generation)?;
        // A tenant of another installation has no account here yet.
        let known = self.credentials.find(self.registry(), tenant.id).await?;
        let password = match known {
            Some(password) => password,
            None => self.credentials.make(self.registry(), tenant.id, &self.server).await?,
        };
        self.server.make_account(tenant.id, &password).await?;
        self.server.make_generation(tenant.id, tenant.generation).await?;
        let both = self.server.tenant_pools(tenant.id, tenant.generation, &password);
        super::bring_up(&both.1, tenant.id, &self.tables.schemas()).await?;
        let known = Arc::clone(&self.tables);
        let loading =
            SqlLoading::<MariaDb>::begin(tenant.clone(), both, known, tables, chain, bring_up)
                .await?;
        Ok(Box::new(loading))
    }

    /// With the last generation the account goes as well.
    pub(super) async fn remove_database(&self, id: TenantId, generation: i64) -> Result<()> {
        let found = self.registry().find("id", Value::Id(id.uuid())).await?;
        not_in_use(found.as_ref(), generation)?;
        self.server.remove_generation(id, generation).await?;
        if found.is_none_or(|t| t.generation == generation) {
            self.server.remove_account(id).await?;
            self.credentials.forget(self.registry(), id).await?;
        }
        Ok(())
    }
}
