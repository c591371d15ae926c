//! MariaDB as a fleet: a registry database, and a database with an account of its own per tenant.
//!
//! The account of the address makes databases, accounts and tables. A tenant's own account, under which
//! all its work is done, may read and write rows of its own database; another tenant's is refused by the
//! server itself. Its password lies in the registry, sealed under a key that does not (see
//! [`KeyProvider`]).

mod credentials;
mod keys;
mod provision;
mod server;

pub use keys::{KeyFile, KeyProvider, KeyText};

use crate::backend::mariadb::{MariaDb, Pool};
use crate::backend::{Backend as _, Sql};
use crate::keeper::Keeper;
use crate::migrate::{self, Alone, How, Shape, Site, Target};
use crate::pools::Pools;
use crate::registry::Registry;
use crate::tenant::{SqlTenant, Tables};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use credentials::Credentials;
use server::Server;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;
use vivero_core::ids::TenantId;
use vivero_core::journal::Anchor;
use vivero_core::migration::{Engine, Migration, Migrator};
use vivero_core::port::{Fleet, FleetStats, Lease, Provision, TenantStore};
use vivero_core::record::{Kind, Schema};
use vivero_core::tenant::{Tenant, TenantState};
use vivero_core::{Clock, Error, Result, Slug, Value};

/// How a MariaDB server is used.
#[derive(Debug, Clone)]
pub struct MariaDbOptions {
    /// Tenant databases open at once.
    pub max_open: usize,
    /// Reading connections per tenant.
    pub readers: u32,
    /// Writing connections per tenant: one at work, the others waiting for their turn or for the disk.
    pub writers: u32,
    /// How long a request waits for room.
    pub wait: Duration,
    /// How stale dashboards and live events may be.
    pub seal_delay: Duration,
    /// First letters of the names of tenants' databases and accounts: another installation on the
    /// same server needs another. 1 to 16 lower-case letters and digits.
    pub prefix: String,
    /// Most connections of one tenant's account, all processes together.
    pub connections_per_account: u32,
    /// How long a statement of a tenant's may run, in whole seconds.
    pub statement_time: Duration,
    /// Where the key for tenants' passwords comes from. Without one, opening fails.
    pub key: Option<Arc<dyn KeyProvider>>,
    /// An integrator's migrations, see [`Migration`].
    pub migrations: Vec<Migration>,
    /// Whether a tenant's tables are brought up when it is opened. Without it, that is left to
    /// `vivero migrate`, and tenants are served as they are meanwhile.
    pub migrate_on_open: bool,
}

impl Default for MariaDbOptions {
    fn default() -> Self {
        Self {
            max_open: 64,
            readers: 4,
            writers: 3,
            wait: Duration::from_secs(2),
            seal_delay: Duration::from_millis(25),
            prefix: "t".into(),
            connections_per_account: 64,
            statement_time: Duration::from_secs(30),
            key: None,
            migrations: Vec::new(),
            migrate_on_open: true,
        }
    }
}

/// Registry and tenants on a MariaDB server.
#[derive(Debug)]
pub struct MariaDbFleet {
    server: Server,
    keeper: Arc<Keeper<MariaDb>>,
    credentials: Credentials,
    pools: Pools<MariaDb>,
    options: MariaDbOptions,
    tables: Arc<Tables>,
    target: Arc<Target>,
}

impl MariaDbFleet {
    /// Opens or makes the registry at `mysql://USER:PASSWORD@HOST:PORT/DATABASE`. TLS is used if the
    /// server offers it; `?ssl-mode=VERIFY_IDENTITY&ssl-ca=FILE` demands it. `records` are the record
    /// types of an integrator.
    ///
    /// Errors: [`Error::Invalid`] for an address, key or server that will not do, without repeating the
    /// address; [`Error::Unavailable`] if the server does not answer or refuses the credentials.
    pub async fn open(
        url: &str,
        options: MariaDbOptions,
        records: &[&'static Schema],
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        Migration::check(&options.migrations)?;
        let target = Target::new::<MariaDb>(Engine::MariaDb, records, &options.migrations);
        let server = Server::open(url, options.clone()).await?;
        let (readers, writer) = server.registry_pools();
        let registry = Registry::open(readers, writer).await?;
        let credentials = Credentials::open(options.key.as_deref(), &registry).await?;
        Ok(Self {
            server,
            keeper: Arc::new(Keeper { registry, clock }),
            credentials,
            pools: Pools::new(options.max_open, options.wait),
            options,
            tables: Arc::new(Tables::new(records)),
            target: Arc::new(target),
        })
    }

    fn registry(&self) -> &Registry<MariaDb> {
        &self.keeper.registry
    }

    /// Opens a tenant's database, checks its stamp and brings its tables up to date.
    async fn open_database(&self, tenant: &Tenant) -> Result<Arc<SqlTenant<MariaDb>>> {
        let password =
            self.credentials.find(self.registry(), tenant.id).await?.ok_or_else(|| {
                Error::corrupt(format!("the registry has no credentials of tenant {}", tenant.slug))
            })?;
        let (readers, writer) = self.server.tenant_pools(tenant.id, &password);
        let opened = async {
            check_stamp(&readers, tenant).await?;
            let wanted = (&self.target, &self.tables);
            let (on_open, keeper) = (self.options.migrate_on_open, &*self.keeper);
            let tables =
                migrate::at_open::<MariaDb>(&writer, tenant, wanted, on_open, keeper).await?;
            let (readers, writer) = (readers.clone(), writer.clone());
            SqlTenant::open(tenant.id, readers, writer, tables).await
        };
        match opened.await {
            Ok(store) => {
                let store = Arc::new(store);
                store.start_sealer(self.options.seal_delay, Arc::clone(&self.keeper) as Arc<_>);
                Ok(store)
            }
            Err(e) => {
                readers.close();
                writer.close();
                Err(e)
            }
        }
    }
}

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
        let keeper = Arc::clone(&self.keeper);
        let store = self
            .pools
            .lease(
                (tenant.id, tenant.generation),
                || self.open_database(tenant),
                move |(id, _), store| async move { keeper.close_one(id, &store).await },
            )
            .await?;
        Ok(store)
    }

    async fn anchor(&self, id: TenantId) -> Result<Option<Anchor>> {
        self.registry().anchor(id).await
    }

    async fn set_anchor(&self, id: TenantId, anchor: Anchor, at: DateTime<Utc>) -> Result<()> {
        self.registry().set_anchor(id, anchor, at).await
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
        for ((id, _), store) in self.pools.drain() {
            self.keeper.close_one(id, &store).await;
        }
        self.registry().close().await;
    }

    async fn secret(&self, name: &str, fresh: Vec<u8>) -> Result<Vec<u8>> {
        self.registry().secret(name, fresh).await
    }
}

#[async_trait]
impl Site for MariaDbFleet {
    type Engine = MariaDb;

    fn keeper(&self) -> &Keeper<MariaDb> {
        &self.keeper
    }
    fn target(&self) -> &Target {
        &self.target
    }
    async fn place(&self, _: &Tenant) -> Result<String> {
        Ok(String::new())
    }
    async fn connect(&self, tenant: &Tenant) -> Result<(Pool, Pool)> {
        // The administrator's: the tenant's own account may not change tables, and its password need
        // not be looked up for each of thousands.
        Ok(self.server.admin_pools(tenant.id))
    }
    async fn expected(&self) -> Result<Shape> {
        let scratch = self.server.scratch().await?;
        let made = async {
            bring_up(&scratch.pool, TenantId::from_uuid(Uuid::nil()), self).await?;
            Shape::read::<MariaDb>(&mut *MariaDb::acquire(&scratch.pool).await?).await
        };
        let shape = made.await;
        scratch.remove(&self.server).await?;
        shape
    }
}
migrate::migrator!(MariaDbFleet);

/// Makes a new database's tables. What was cut off is gone on with.
async fn bring_up(writer: &Pool, tenant: TenantId, fleet: &MariaDbFleet) -> Result<()> {
    let clock = &*fleet.keeper.clock;
    let how = How { steps: &Alone, each: false, lock_wait: None, stamp: None, clock };
    migrate::bring_up::<MariaDb>(writer, tenant, &fleet.target, &how).await?;
    Ok(())
}

/// The database must be this tenant's and of this generation: a swapped or stale one is refused.
async fn check_stamp(readers: &Pool, tenant: &Tenant) -> Result<()> {
    let found = Sql::new("SELECT tenant_id, generation FROM stamp WHERE one = 1")
        .first::<MariaDb>(&mut *MariaDb::acquire(readers).await?, &[Kind::Id, Kind::Int])
        .await;
    let missing = |why: String| {
        Error::corrupt(format!("the database of tenant {} has no stamp{why}", tenant.slug))
    };
    let row = match found {
        Ok(row) => row.ok_or_else(|| missing(String::new()))?,
        // Away for a moment is not the same as damaged.
        Err(e @ Error::Unavailable { .. }) => return Err(e),
        Err(e) => return Err(missing(format!(" ({e})"))),
    };
    let (stamped, generation) = (row.id(0), row.int(1));
    if stamped != tenant.id.uuid() || generation != tenant.generation {
        return Err(Error::corrupt(format!(
            "the database of tenant {} is stamped for tenant {stamped}, generation {generation}",
            tenant.slug
        )));
    }
    Ok(())
}
