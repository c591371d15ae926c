//! SQLite as a fleet: a registry file and one file per tenant, in one folder.
//!
//! ```text
//! data/
//!   registry.sqlite3          what is about tenants
//!   template-<hash>.sqlite3   an empty tenant at the current schema: new ones are copies of it
//!   tenants/<xx>/<id>.sqlite3 one tenant; the path comes from the id alone, never from input
//! ```

mod files;
mod load;
mod provision;

use crate::backend::Sql;
use crate::backend::sqlite::{Pool, Sqlite};
use crate::keeper::Keeper;
use crate::meter::{Metered, Meters};
use crate::migrate::{self, Shape, Site, Target, Way};
use crate::pools::Pools;
use crate::registry::Registry;
use crate::stamp;
use crate::tenant::{ListMemory, SqlTenant, Tables};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use files::Files;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;
use vivero_core::copy::{Chain, Loading, TableShape};
use vivero_core::ids::TenantId;
use vivero_core::journal::Anchor;
use vivero_core::migration::{Engine, Migration, Migrator};
use vivero_core::operations::OperationBook;
use vivero_core::port::{Fleet, FleetStats, Lease, Provision, TenantStore};
use vivero_core::record::Schema;
use vivero_core::server::{ConnectionStats, DatabaseServer, MAIN, ServerState, TlsMode};
use vivero_core::tenant::{Tenant, TenantState};
use vivero_core::usage::{StoreFigures, StoreUsage};
use vivero_core::{Clock, Error, Result, Slug, Value};

/// How a folder of SQLite files is used.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// Tenant databases open at once.
    pub max_open: usize,
    /// Reading connections per tenant.
    pub readers: u32,
    /// How long a request waits for room.
    pub wait: Duration,
    /// Calls of a tenant's database that take this long are noted as slow.
    pub slow_call: Duration,
    /// How stale dashboards and live events may be.
    pub seal_delay: Duration,
    /// Whether an acknowledged write survives power loss (the default) or only a crash of the
    /// process. Without it, SQLite syncs at checkpoints only.
    pub durable: bool,
    /// An integrator's migrations, see [`Migration`].
    pub migrations: Vec<Migration>,
    /// Whether a tenant's tables are brought up when it is opened. Without it, that is left to
    /// `vivero migrate`, and tenants are served as they are meanwhile.
    pub migrate_on_open: bool,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            max_open: 256,
            readers: 4,
            wait: Duration::from_secs(2),
            slow_call: crate::meter::SLOW,
            seal_delay: Duration::from_millis(25),
            durable: true,
            migrations: Vec::new(),
            migrate_on_open: true,
        }
    }
}

/// Registry and tenants in one folder of SQLite files.
#[derive(Debug)]
pub struct SqliteFleet {
    files: Files,
    registry: Arc<Keeper<Sqlite>>,
    pools: Pools<Sqlite>,
    options: SqliteOptions,
    tables: Arc<Tables>,
    target: Arc<Target>,
    meters: Meters,
    provisioning: tokio::sync::Mutex<()>,
}

impl SqliteFleet {
    /// Opens or makes the folder. `records` are the record types of an integrator.
    pub async fn open(
        folder: &Path,
        options: SqliteOptions,
        records: &[&'static Schema],
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        Migration::check(&options.migrations)?;
        let tables = Arc::new(Tables::new(records));
        let target = Target::new::<Sqlite>(Engine::Sqlite, records, &options.migrations);
        let files = Files::open(folder, options.durable)?;
        let pools = files.registry_pools(4);
        let registry = Registry::open(pools.readers, pools.writer).await?;
        files.prepare_template(&target, &*clock).await?;
        Ok(Self {
            meters: Meters::new(Arc::clone(&clock), options.slow_call),
            registry: Arc::new(Keeper::new(registry, clock)),
            pools: Pools::new(options.max_open, options.wait),
            options,
            files,
            tables,
            target: Arc::new(target),
            provisioning: tokio::sync::Mutex::new(()),
        })
    }

    fn registry(&self) -> &Registry<Sqlite> {
        &self.registry.registry
    }

    /// The file's size and this process's figures.
    async fn usage_of(&self, tenant: &Tenant) -> Result<StoreUsage> {
        let meter = self.meters.of(tenant.id);
        Ok(StoreUsage {
            figures: meter.figures(),
            slow: meter.slow_calls(),
            storage_bytes: self.files.size(tenant.id, tenant.generation),
            account: None,
        })
    }

    /// Opens a tenant's file, checks its stamp and brings its tables up to date.
    async fn open_file(&self, tenant: &Tenant) -> Result<Arc<SqlTenant<Sqlite>>> {
        let path = self.files.tenant(tenant.id, tenant.generation);
        if !path.exists() {
            return Err(Error::corrupt(format!(
                "the database of tenant {} is missing",
                tenant.slug
            )));
        }
        let options = &self.options;
        let pools = self.files.tenant_pools(&path, options.readers);
        let opened = async {
            let mut reader = pools.readers.acquire().await?;
            stamp::check::<Sqlite>(&mut reader, tenant).await?;
            let anchored = self.registry.attest(&mut reader, tenant).await?;
            drop(reader);
            let wanted = (&self.target, &self.tables);
            let (on_open, keeper) = (options.migrate_on_open, &*self.registry);
            let both = (&pools.readers, &pools.writer);
            let tables = migrate::at_open::<Sqlite>(both, tenant, wanted, on_open, keeper).await?;
            let (readers, writer) = (pools.readers.clone(), pools.writer.clone());
            let (off, meter) = (ListMemory::new(0, 0, 0), self.meters.of(tenant.id));
            let store = SqlTenant::open(tenant.id, readers, writer, tables, &off, meter).await?;
            store.is_anchored_up_to(anchored);
            Ok(store)
        };
        match opened.await {
            Ok(store) => {
                let store = Arc::new(store);
                let anchors = Arc::clone(&self.registry) as Arc<_>;
                store.start_sealer(tenant.generation, options.seal_delay, anchors);
                Ok(store)
            }
            Err(e) => {
                pools.close();
                Err(e)
            }
        }
    }
}

#[async_trait]
impl Fleet for SqliteFleet {
    async fn provision(&self, provision: Provision) -> Result<Tenant> {
        self.make(provision).await
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
        let registry = Arc::clone(&self.registry);
        let store = self
            .pools
            .lease(
                (tenant.id, tenant.generation),
                || self.open_file(tenant),
                move |of, store| {
                    let registry = Arc::clone(&registry);
                    async move { registry.close_one(of, &store).await }
                },
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
        self.load_file(tenant, tables, chain).await
    }

    async fn retire(&self, id: TenantId, generation: i64) {
        if let Some(store) = self.pools.take((id, generation)) {
            self.registry.close_one((id, generation), &store).await;
        }
    }

    async fn remove(&self, id: TenantId, generation: i64) -> Result<()> {
        self.remove_file(id, generation).await
    }

    fn book(&self) -> &dyn OperationBook {
        self.registry()
    }

    fn trust(&self, tenant: &Tenant) {
        self.registry.trust(tenant);
    }

    async fn replace_anchor(
        &self,
        tenant: &Tenant,
        anchor: Anchor,
        at: DateTime<Utc>,
    ) -> Result<()> {
        self.registry.replace_anchor(tenant, anchor, at).await
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

    async fn ping(&self) -> Result<()> {
        self.registry().ping().await
    }

    async fn stats(&self) -> Result<FleetStats> {
        Ok(FleetStats { tenants: self.registry().number().await?, ..self.pools.stats() })
    }

    async fn close(&self) {
        for (of, store) in self.pools.drain() {
            self.registry.close_one(of, &store).await;
        }
        self.registry().close().await;
    }

    async fn servers(&self) -> Result<Vec<DatabaseServer>> {
        let stats = self.stats().await?;
        Ok(vec![DatabaseServer {
            name: MAIN.into(),
            address: self.files.folder().display().to_string(),
            tls_mode: TlsMode::Disabled,
            account: String::new(),
            weight: 1,
            capacity: None,
            state: ServerState::Open,
            tenants: stats.tenants,
            leftovers: 0,
            kept: Vec::new(),
            standby: 0,
            version: 1,
            changed_at: DateTime::UNIX_EPOCH,
            connections: ConnectionStats::default(),
        }])
    }

    async fn usage(&self, tenant: &Tenant) -> Result<StoreUsage> {
        self.usage_of(tenant).await
    }

    fn figures(&self) -> Vec<(TenantId, StoreFigures)> {
        self.meters.all()
    }

    async fn secret(&self, name: &str, fresh: Vec<u8>) -> Result<Vec<u8>> {
        self.registry().secret(name, fresh).await
    }
}

#[async_trait]
impl Site for SqliteFleet {
    type Engine = Sqlite;

    fn keeper(&self) -> &Keeper<Sqlite> {
        &self.registry
    }
    fn target(&self) -> &Target {
        &self.target
    }
    async fn place(&self, _: &Tenant) -> Result<String> {
        Ok(String::new())
    }
    async fn connect(&self, tenant: &Tenant, _: Option<Way>) -> Result<(Pool, Pool)> {
        let path = self.files.tenant(tenant.id, tenant.generation);
        if !path.exists() {
            return Err(Error::corrupt(format!(
                "the database of tenant {} is missing",
                tenant.slug
            )));
        }
        let pools = self.files.migrating_pools(&path);
        Ok((pools.readers, pools.writer))
    }
    async fn expected(&self) -> Result<Shape> {
        let pool = self.files.template_pool()?;
        let shape = Shape::read::<Sqlite>(&mut *pool.acquire().await?).await;
        pool.close();
        shape
    }
}
migrate::migrator!(SqliteFleet);

async fn pragma(pool: &Pool, text: &str) -> Result<()> {
    Sql::new(text).fetch::<Sqlite>(&mut *pool.acquire().await?, &[]).await.map(|_| ())
}
