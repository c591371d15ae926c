//! Databases of a generation to come: made from rows, stamped last, removed when they are of no use.

use super::MariaDbFleet;
use super::credentials::Place;
use crate::backend::mariadb::{MariaDb, Pool};
use crate::copying::{BringUp, SqlLoading, not_in_use};
use crate::migrate::Target;
use std::sync::Arc;
use vivero_core::copy::{Chain, Loading, TableShape};
use vivero_core::ids::TenantId;
use vivero_core::migration::Engine;
use vivero_core::operations::Operation;
use vivero_core::tenant::Tenant;
use vivero_core::{Clock, Result, Value};

async fn bring_up(
    writer: &Pool,
    tenant: TenantId,
    target: Arc<Target>,
    clock: Arc<dyn Clock>,
) -> Result<()> {
    super::site::bring_up(writer, tenant, &target, &*clock).await
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
        let (registry, generation) = (self.registry(), tenant.generation);
        let place = match self.credentials.find_at(registry, tenant.id, generation).await? {
            Some(place) => place,
            // A tenant that was out of service, or of another installation, has no account here yet.
            None => self.new_place(tenant).await?.at(generation),
        };
        self.clear_before(&place).await?;
        let listed = self.servers.find(&place.server).await?;
        let server = listed.up()?;
        if self.credentials.elsewhere(registry, tenant.id, generation).await?.is_some() {
            // Where it is moved to, it has no account either.
            server.make(&place).await?;
        }
        server.make_generation(&place).await?;
        let both = server.tenant_pools(&place, None).await?;
        let known = Arc::clone(&self.tables);
        let migrations = &self.options.migrations;
        let target = Target::new::<MariaDb>(Engine::MariaDb, &known.others(), migrations);
        let (target, clock) = (Arc::new(target), Arc::clone(&self.keeper.clock));
        let bring_up: BringUp<MariaDb> = Box::new(move |writer, tenant| {
            Box::pin(bring_up(writer, tenant, Arc::clone(&target), Arc::clone(&clock)))
        });
        let loading =
            SqlLoading::<MariaDb>::begin(tenant.clone(), both, known, tables, chain, bring_up)
                .await?;
        Ok(Box::new(loading))
    }

    /// A place with an account; the database that comes with it is of no use to a later generation.
    async fn new_place(&self, tenant: &Tenant) -> Result<Place> {
        let (place, _) = self.place(tenant.id).await?;
        self.clear_before(&place).await?;
        let listed = self.servers.find(&place.server).await?;
        let server = listed.up()?;
        server.make(&place).await?;
        if tenant.generation != 1 {
            server.remove_generation(&place).await?;
        }
        Ok(place)
    }

    /// With the database of the registry's generation the account goes as well. Where it is an operation's, only while
    /// that is the caller's.
    pub(super) async fn remove_database(
        &self,
        id: TenantId,
        generation: i64,
        of: Option<&Operation>,
    ) -> Result<()> {
        let found = self.registry().find("id", Value::Id(id.uuid())).await?;
        not_in_use(found.as_ref(), generation)?;
        self.remove_elsewhere(id, generation).await?;
        let Some(place) = self.credentials.find(self.registry(), id).await? else {
            // Nothing was made, or all is gone.
            return Ok(());
        };
        let place = place.at(generation);
        if let Some(found) = &found
            && self.come_home(found, &place, of).await?
        {
            return Ok(());
        }
        let listed = self.servers.find(&place.server).await?;
        let server = listed.up()?;
        // Whoever took this over meanwhile may have taken the tenant back to it.
        let found = self.registry().find("id", Value::Id(id.uuid())).await?;
        not_in_use(found.as_ref(), generation)?;
        if let Some(operation) = of {
            self.registry().still_held(operation).await?;
        }
        server.remove_generation(&place).await?;
        if found.is_none_or(|t| t.generation == generation) {
            server.remove(&place).await?;
            self.credentials.forget(self.registry(), id).await?;
        }
        Ok(())
    }
}
