//! Databases of a generation to come: made from rows, stamped last, removed when they are of no use.

use super::files::{self, sync_folder};
use super::{SqliteFleet, pragma};
use crate::backend::sqlite::{Pool, Sqlite};
use crate::copying::{BringUp, SqlLoading};
use crate::migrate::{self, Alone, How, Target};
use std::sync::Arc;
use vivero_core::copy::{Chain, Loading, TableShape};
use vivero_core::ids::TenantId;
use vivero_core::migration::Engine;
use vivero_core::tenant::Tenant;
use vivero_core::{Clock, Result, Value};

async fn bring_up(
    writer: &Pool,
    tenant: TenantId,
    target: Arc<Target>,
    clock: Arc<dyn Clock>,
) -> Result<()> {
    let how = How { steps: &Alone, each: false, lock_wait: None, stamp: None, clock: &*clock };
    migrate::bring_up::<Sqlite>(writer, tenant, &target, &how).await?;
    pragma(writer, "PRAGMA wal_checkpoint(PASSIVE)").await
}

impl SqliteFleet {
    /// Refuses to touch the database that people work with.
    async fn not_in_use(&self, id: TenantId, generation: i64) -> Result<()> {
        let found = self.registry().find("id", Value::Id(id.uuid())).await?;
        crate::copying::not_in_use(found.as_ref(), generation)
    }

    pub(super) async fn load_file(
        &self,
        tenant: &Tenant,
        tables: &[TableShape],
        chain: Chain,
    ) -> Result<Box<dyn Loading>> {
        self.not_in_use(tenant.id, tenant.generation).await?;
        let path = self.files.tenant(tenant.id, tenant.generation);
        files::remove(&path)?;
        self.files.copy_template(&path)?;
        let pools = self.files.tenant_pools(&path, 2);
        let known = Arc::clone(&self.tables);
        let migrations = &self.options.migrations;
        let target = Target::new::<Sqlite>(Engine::Sqlite, &known.others(), migrations);
        let (target, clock) = (Arc::new(target), Arc::clone(&self.registry.clock));
        let bring_up: BringUp<Sqlite> = Box::new(move |writer, tenant| {
            Box::pin(bring_up(writer, tenant, Arc::clone(&target), Arc::clone(&clock)))
        });
        let both = (pools.readers, pools.writer);
        let loading =
            SqlLoading::<Sqlite>::begin(tenant.clone(), both, known, tables, chain, bring_up)
                .await?;
        Ok(Box::new(loading))
    }

    pub(super) async fn remove_file(&self, id: TenantId, generation: i64) -> Result<()> {
        self.not_in_use(id, generation).await?;
        let path = self.files.tenant(id, generation);
        files::remove(&path)?;
        files::remove(&path.with_extension("tmp"))?;
        path.parent().filter(|folder| folder.exists()).map_or(Ok(()), sync_folder)
    }
}
