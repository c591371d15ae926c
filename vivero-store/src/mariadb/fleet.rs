//! The port of a fleet.

use super::{MariaDbFleet, doctor};
use crate::meter::Metered;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use uuid::Uuid;
use vivero_core::copy::{Chain, Loading, TableShape};
use vivero_core::drain::DrainBook;
use vivero_core::ids::TenantId;
use vivero_core::journal::Anchor;
use vivero_core::migration::Migrator;
use vivero_core::moves::Moves;
use vivero_core::operations::OperationBook;
use vivero_core::port::{Fleet, FleetStats, Lease, Provision, TenantStore};
use vivero_core::server::{DatabaseServer, KeptDatabase, NewServer, ServerFinding, ServerPatch};
use vivero_core::tenant::{Tenant, TenantState};
use vivero_core::usage::{StoreFigures, StoreUsage};
use vivero_core::{Result, Shared, Slug, Value};

#[async_trait]
impl Fleet for MariaDbFleet {
    async fn provision(&self, provision: Provision) -> Result<Tenant> {
        self.provision_tenant(provision).await
    }

    async fn resume_provisioning(&self) -> Result<(u64, u64)> {
        self.finish_or_undo().await
    }

    async fn find_by_slug(&self, slug: &Slug) -> Result<Option<Arc<Tenant>>> {
        Ok(self.registry().find("slug", Value::Text(slug.to_string())).await?.map(Arc::new))
    }

    async fn find(&self, id: TenantId) -> Result<Option<Arc<Tenant>>> {
        Ok(self.registry().find("id", Value::Id(id.uuid())).await?.map(Arc::new))
    }

    async fn list(&self, after: Option<&str>, limit: u32) -> Result<Vec<Tenant>> {
        self.registry().list(after, limit).await
    }

    async fn set_state(
        &self,
        id: TenantId,
        to: TenantState,
        version: i64,
        at: DateTime<Utc>,
    ) -> Result<Tenant> {
        self.registry().set_state(id, to, version, at).await
    }

    async fn open(&self, tenant: &Tenant) -> Result<Arc<dyn TenantStore>> {
        self.refuse_down(tenant).await?;
        let keeper = Arc::clone(&self.keeper);
        let store = self
            .pools
            .lease(
                (tenant.id, tenant.generation),
                || self.open_database(tenant),
                move |of, store| async move { keeper.close_one(of, &store).await },
            )
            .await?;
        Ok(Metered::around(store, self.meters.of(tenant.id)))
    }

    async fn load(
        &self,
        tenant: &Tenant,
        tables: &[TableShape],
        chain: Chain,
    ) -> Result<Box<dyn Loading>> {
        self.load_database(tenant, tables, chain).await
    }

    async fn retire(&self, id: TenantId, generation: i64) {
        if let Some(store) = self.pools.take((id, generation)) {
            self.keeper.close_one((id, generation), &store).await;
        }
    }

    async fn remove(&self, id: TenantId, generation: i64) -> Result<()> {
        self.remove_database(id, generation, None).await
    }

    async fn abandon(&self, id: TenantId, generation: i64) -> Result<Option<String>> {
        self.abandon_database(id, generation, None).await
    }

    fn book(&self) -> &dyn OperationBook {
        self.registry()
    }

    fn trust(&self, tenant: &Tenant) {
        self.keeper.trust(tenant);
    }

    async fn replace_anchor(
        &self,
        tenant: &Tenant,
        anchor: Anchor,
        at: DateTime<Utc>,
    ) -> Result<()> {
        self.keeper.replace_anchor(tenant, anchor, at).await
    }

    async fn anchor(&self, id: TenantId) -> Result<Option<Anchor>> {
        self.registry().anchor(id).await
    }

    async fn set_anchor(&self, id: TenantId, anchor: Anchor, at: DateTime<Utc>) -> Result<()> {
        self.registry().set_anchor((id, None), anchor, at).await
    }

    async fn take_lease(
        &self,
        name: &str,
        holder: Uuid,
        at: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Lease>> {
        self.registry().take_lease(name, holder, at, until).await
    }

    async fn renew_lease(&self, lease: &Lease, until: DateTime<Utc>) -> Result<Option<Lease>> {
        self.registry().renew_lease(lease, until).await
    }

    async fn release_lease(&self, lease: &Lease) -> Result<()> {
        self.registry().release_lease(lease).await
    }

    async fn leases(&self, prefix: &str) -> Result<Vec<Lease>> {
        self.registry().leases(prefix).await
    }

    fn migrator(self: Arc<Self>) -> Option<Arc<dyn Migrator>> {
        Some(self)
    }

    fn attach(&self, shared: Arc<dyn Shared>, me: Uuid) {
        self.keeper.attach(shared, me);
    }

    fn serves_many(&self) -> bool {
        true
    }

    async fn ping(&self) -> Result<()> {
        self.registry().ping().await
    }

    async fn stats(&self) -> Result<FleetStats> {
        Ok(FleetStats {
            tenants: self.registry().number().await?,
            bitmaps: self.lists.stats(),
            ..self.pools.stats()
        })
    }

    async fn close(&self) {
        for (of, store) in self.pools.drain() {
            self.keeper.close_one(of, &store).await;
        }
        self.registry().close().await;
    }

    async fn servers(&self) -> Result<Vec<DatabaseServer>> {
        self.shown_servers().await
    }

    async fn add_server(&self, server: NewServer) -> Result<DatabaseServer> {
        let name = server.name.clone();
        self.servers.add(server).await?;
        self.shown_server(&name).await
    }

    async fn change_server(
        &self,
        name: &str,
        patch: ServerPatch,
        version: Option<i64>,
    ) -> Result<DatabaseServer> {
        self.servers.change(name, patch, version).await?;
        self.shown_server(name).await
    }

    async fn remove_server(&self, name: &str, lost: bool) -> Result<Vec<Slug>> {
        self.remove_listed(name, lost).await
    }

    async fn server_of(&self, tenant: &Tenant) -> Result<String> {
        Ok(self.place_of(tenant).await?.server)
    }

    async fn tenants_on(&self, server: &str, after: Option<&str>, limit: u32) -> Result<Vec<Slug>> {
        self.tenants_of_server(server, after, limit).await
    }

    fn drains(&self) -> Result<&dyn DrainBook> {
        Ok(self)
    }

    async fn place_next(&self, next: &Tenant, server: &str) -> Result<()> {
        self.note_generation(next, server).await
    }

    fn moves(&self) -> Result<&dyn Moves> {
        Ok(self)
    }

    async fn kept(&self, tenant: Option<TenantId>) -> Result<Vec<KeptDatabase>> {
        self.kept_databases(tenant).await
    }

    async fn remove_kept(&self, server: &str, database: &str) -> Result<()> {
        self.remove_kept_database(server, database).await
    }

    async fn rotate_credentials(&self, tenant: &Tenant) -> Result<()> {
        self.rotate(tenant.id, false).await
    }

    async fn tend(&self) -> Result<u64> {
        self.servers.known().iter().for_each(|listed| listed.server.reap());
        let mut done = self.finish_rotations().await? + self.clear_leftovers().await?;
        done += self.tend_standby().await?;
        if self.servers.main().nodes().are_many() {
            // The lease of whoever was cut off may have ended after the last start only.
            let (finished, undone) = self.finish_or_undo().await?;
            done += finished + undone;
        }
        Ok(done)
    }

    async fn examine(&self) -> Result<Vec<ServerFinding>> {
        self.servers.read().await?;
        let mut findings = Vec::new();
        for listed in self.servers.known().iter() {
            let now = self.keeper.clock.now();
            findings.extend(doctor::examine(listed, &self.options, now).await);
        }
        findings.extend(self.kept_findings().await?);
        Ok(findings)
    }

    async fn usage(&self, tenant: &Tenant) -> Result<StoreUsage> {
        self.usage_of(tenant).await
    }

    fn figures(&self) -> Vec<(TenantId, StoreFigures)> {
        self.meters.all()
    }

    async fn secret(&self, name: &str, fresh: Vec<u8>) -> Result<Vec<u8>> {
        self.credentials.secret(self.registry(), name, &fresh).await
    }
}
