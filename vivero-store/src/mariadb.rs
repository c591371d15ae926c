//! MariaDB as a fleet: a registry database, and a database with an account of its own per tenant, on one
//! server or several.
//!
//! The registry is on the server of the address, which is called `main`; it lists the others. The
//! administrator's account of each makes databases, accounts and tables. A tenant's own account, under which
//! all its work is done, may read and write rows of its own database; another tenant's is refused by the
//! server itself. Its password lies in the registry, sealed under a key that does not (see
//! [`KeyProvider`]).

mod credentials;
mod doctor;
mod hold;
mod load;
mod moving;
mod placement;
mod provision;
mod rotate;
mod server;
mod servers;
mod standby;
mod usage;

pub use crate::keys::{KeyFile, KeyProvider, KeyText};

use crate::backend::mariadb::{MariaDb, Pool};
use crate::backend::{Backend as _, Sql};
use crate::bitmaps::budget::Budget;
use crate::keeper::Keeper;
use crate::meter::{Metered, Meters};
use crate::migrate::{self, Alone, How, Shape, Site, Target};
use crate::pools::Pools;
use crate::registry::Registry;
use crate::tenant::{SqlTenant, Tables};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use credentials::{Credentials, Place, TenantLogin};
use moka::sync::Cache;
use server::Server;
use servers::{Listed, Servers};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use uuid::Uuid;
use vivero_core::copy::{Chain, Loading, TableShape};
use vivero_core::ids::TenantId;
use vivero_core::journal::Anchor;
use vivero_core::migration::{Engine, Migration, Migrator};
use vivero_core::operations::OperationBook;
use vivero_core::port::{Fleet, FleetStats, Lease, Provision, TenantStore};
use vivero_core::record::{Kind, Schema};
use vivero_core::server::{
    ConnectionStats, DatabaseServer, NewServer, ServerFinding, ServerPatch, ServerState,
};
use vivero_core::tenant::{Tenant, TenantState};
use vivero_core::usage::{StoreFigures, StoreUsage};
use vivero_core::{Clock, Error, Result, Shared, Slug, Value};

/// How a MariaDB server is used.
#[derive(Debug, Clone)]
pub struct MariaDbOptions {
    /// Tenant databases open at once.
    pub max_open: usize,
    /// Reading connections per tenant.
    pub readers: u32,
    /// Writing connections per tenant, opened as they are wanted: one at work, the others waiting for
    /// their turn or for the disk, which serves as many commits at once as wait for it.
    pub writers: u32,
    /// Connections to each database server, over all tenants of this process; four fifths of the
    /// server's `max_connections` if none is given. Several processes share a server: their budgets
    /// together should stay below its limit.
    pub max_connections: Option<usize>,
    /// Prepared databases that wait for a tenant, see [`Fleet::tend`]. Without any, each new tenant's
    /// is made when it is wanted.
    pub standby: u32,
    /// Connections of the administrator's account to each server, beside that budget: making tenants,
    /// changing tables, migrations. 2 or more. The registry has six more on the server of the address.
    pub admin_connections: usize,
    /// How long a request waits for room.
    pub wait: Duration,
    /// Calls of a tenant's database that take this long are noted as slow.
    pub slow_call: Duration,
    /// Memory for bitmap indexes of all tenants of this process, in bytes; 0 for none. They make lists,
    /// totals and searches several times quicker, at about 100 bytes a row; what was used longest ago goes
    /// where there is no room.
    pub bitmap_memory: usize,
    /// Lists of a table within ten minutes, besides one for each 2,000 rows, after which its index is
    /// built; with 0 the first list waits for it.
    pub bitmap_after: u32,
    /// How stale dashboards and live events may be.
    pub seal_delay: Duration,
    /// First letters of the names of tenants' databases and accounts: another installation on the
    /// same server needs another. 1 to 16 lower-case letters and digits.
    pub prefix: String,
    /// Most connections of one tenant's account, all processes together. It holds for accounts made
    /// or given another password from then on.
    pub connections_per_account: u32,
    /// How long a statement of a tenant's may run, in whole seconds; for the same accounts.
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
            writers: 16,
            max_connections: None,
            admin_connections: 16,
            standby: 3,
            wait: Duration::from_secs(2),
            slow_call: crate::meter::SLOW,
            bitmap_memory: 256 * 1024 * 1024,
            bitmap_after: 64,
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
    servers: Arc<Servers>,
    keeper: Arc<Keeper<MariaDb>>,
    credentials: Arc<Credentials>,
    pools: Pools<MariaDb>,
    options: MariaDbOptions,
    tables: Arc<Tables>,
    target: Arc<Target>,
    /// Who this process is, for leases.
    holder: Uuid,
    /// Tenants made at once: each takes connections beside the budget.
    making: Semaphore,
    /// Servers of tenants that were opened.
    placed: Cache<(TenantId, i64), Arc<str>>,
    meters: Meters,
    bitmaps: Arc<Budget>,
}

/// Tenants made at once by one process.
const MADE_AT_ONCE: usize = 4;
/// Tenants whose server is remembered.
const PLACED: u64 = 100_000;

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
        let main = Server::open(url, options.clone()).await;
        let main = Arc::new(main.map_err(|e| at_opening("connecting", e))?);
        let (readers, writer) = main.registry_pools();
        let registry = Registry::open(readers, writer).await;
        let registry = registry.map_err(|e| at_opening("making or reading the registry", e))?;
        let credentials = Arc::new(Credentials::open(options.key.as_deref(), &registry).await?);
        let keeper = Arc::new(Keeper::new(registry, clock));
        let servers =
            Servers::open(main, Arc::clone(&keeper), Arc::clone(&credentials), options.clone())
                .await?;
        let mut holder = [0_u8; 16];
        rand::fill(&mut holder);
        Ok(Self {
            meters: Meters::new(Arc::clone(&keeper.clock), options.slow_call),
            bitmaps: Arc::new(Budget::new(options.bitmap_memory, options.bitmap_after)),
            servers: Arc::new(servers),
            keeper,
            credentials,
            pools: Pools::new(options.max_open, options.wait),
            options,
            tables: Arc::new(Tables::new(records)),
            target: Arc::new(target),
            holder: uuid::Builder::from_random_bytes(holder).into_uuid(),
            making: Semaphore::new(MADE_AT_ONCE),
            placed: Cache::new(PLACED),
        })
    }

    fn registry(&self) -> &Registry<MariaDb> {
        &self.keeper.registry
    }

    /// Where a tenant's database is.
    async fn place_of(&self, tenant: &Tenant) -> Result<Place> {
        let found = self.credentials.find_at(self.registry(), tenant.id, tenant.generation).await?;
        let place = found.ok_or_else(|| {
            Error::corrupt(format!("the registry has no credentials of tenant {}", tenant.slug))
        })?;
        self.placed.insert((tenant.id, tenant.generation), place.server.as_str().into());
        Ok(place)
    }

    /// Refuses a tenant whose server is out of service, also one that is still open. While no server is,
    /// that takes no look at anything.
    async fn refuse_down(&self, tenant: &Tenant) -> Result<()> {
        let list = self.servers.list().await;
        if list.iter().all(|server| server.state != ServerState::Down) {
            return Ok(());
        }
        let server = match self.placed.get(&(tenant.id, tenant.generation)) {
            Some(server) => server,
            None => self.place_of(tenant).await?.server.into(),
        };
        for listed in list.iter() {
            if *listed.name == *server {
                listed.up()?;
            }
        }
        Ok(())
    }

    /// The tables this build makes.
    fn fingerprint(&self) -> String {
        self.target.fingerprint.all()
    }

    /// Servers as the port shows them.
    async fn shown_servers(&self) -> Result<Vec<DatabaseServer>> {
        self.servers.read().await?;
        let rooms = placement::rooms(&mut *self.registry().reader().await?).await?;
        let show = |listed: &Arc<Listed>| {
            let room = rooms.iter().find(|room| room.name == listed.name);
            DatabaseServer {
                name: listed.name.clone(),
                address: listed.address().into(),
                tls_mode: listed.tls_mode(),
                account: listed.account().into(),
                weight: listed.weight,
                capacity: listed.capacity,
                state: listed.state,
                tenants: room.map_or(0, |room| room.tenants),
                standby: room.map_or(0, |room| room.standby),
                version: listed.version,
                changed_at: listed.changed_at,
                connections: listed
                    .server
                    .budget()
                    .map_or_else(ConnectionStats::default, |budget| budget.stats()),
            }
        };
        Ok(self.servers.known().iter().map(show).collect())
    }

    async fn shown_server(&self, name: &str) -> Result<DatabaseServer> {
        let all = self.shown_servers().await?;
        all.into_iter().find(|s| s.name == name).ok_or_else(|| Error::not_found("server"))
    }

    /// Opens a tenant's database, checks its stamp and brings its tables up to date.
    async fn open_database(&self, tenant: &Tenant) -> Result<Arc<SqlTenant<MariaDb>>> {
        let place = self.place_of(tenant).await?;
        let listed = self.servers.find(&place.server).await?;
        let login = TenantLogin {
            tenant: tenant.id,
            generation: tenant.generation,
            keeper: Arc::clone(&self.keeper),
            credentials: Arc::clone(&self.credentials),
        };
        let (readers, writer) =
            listed.up()?.tenant_pools(&place, Some(Arc::new(login) as Arc<_>)).await?;
        let opened = async {
            check_stamp(&readers, tenant).await?;
            let wanted = (&self.target, &self.tables);
            let (on_open, keeper) = (self.options.migrate_on_open, &*self.keeper);
            let tables =
                migrate::at_open::<MariaDb>(&writer, tenant, wanted, on_open, keeper).await?;
            let (readers, writer) = (readers.clone(), writer.clone());
            SqlTenant::open(tenant.id, readers, writer, tables, &self.bitmaps).await
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
        self.refuse_down(tenant).await?;
        let keeper = Arc::clone(&self.keeper);
        let store = self
            .pools
            .lease(
                (tenant.id, tenant.generation),
                || self.open_database(tenant),
                move |(id, _), store| async move { keeper.close_one(id, &store).await },
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
            self.keeper.close_one(id, &store).await;
        }
    }

    async fn remove(&self, id: TenantId, generation: i64) -> Result<()> {
        self.remove_database(id, generation).await
    }

    fn book(&self) -> &dyn OperationBook {
        self.registry()
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
            bitmaps: self.bitmaps.stats(),
            ..self.pools.stats()
        })
    }

    async fn close(&self) {
        for ((id, _), store) in self.pools.drain() {
            self.keeper.close_one(id, &store).await;
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

    async fn server_of(&self, tenant: &Tenant) -> Result<String> {
        Ok(self.place_of(tenant).await?.server)
    }

    async fn tenants_on(&self, server: &str, after: Option<&str>, limit: u32) -> Result<Vec<Slug>> {
        self.tenants_of_server(server, after, limit).await
    }

    async fn place_next(&self, next: &Tenant, server: &str) -> Result<()> {
        self.note_generation(next, server).await
    }

    async fn rotate_credentials(&self, tenant: &Tenant) -> Result<()> {
        self.rotate(tenant.id, false).await
    }

    async fn tend(&self) -> Result<u64> {
        let mut done = self.finish_rotations().await? + self.tend_standby().await?;
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
        Ok(findings)
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

/// Says at which step an installation could not be opened, and what to look at.
fn at_opening(step: &str, error: Error) -> Error {
    match error {
        Error::Unavailable { what, retry_after, source } => {
            let what = format!(
                "{what} (while {step}). Check VIVERO_DATABASE_URL, and that the server runs, accepts \
                 connections from here and can be written"
            );
            Error::Unavailable { what: what.into(), retry_after, source }
        }
        other => other,
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
    async fn place(&self, tenant: &Tenant) -> Result<String> {
        Ok(self.place_of(tenant).await?.server)
    }
    async fn connect(&self, tenant: &Tenant) -> Result<(Pool, Pool)> {
        let place = self.place_of(tenant).await?;
        // The administrator's: the tenant's own account may not change tables.
        Ok(self.servers.find(&place.server).await?.up()?.admin_pools(&place.database))
    }
    async fn expected(&self) -> Result<Shape> {
        let main = self.servers.main();
        let scratch = main.scratch().await?;
        let made = async {
            let nobody = TenantId::from_uuid(Uuid::nil());
            bring_up(&scratch.pool, nobody, &self.target, &*self.keeper.clock).await?;
            Shape::read::<MariaDb>(&mut *MariaDb::acquire(&scratch.pool).await?).await
        };
        let shape = made.await;
        scratch.remove(main).await?;
        shape
    }
}
migrate::migrator!(MariaDbFleet);

/// Makes a new database's tables. What was cut off is gone on with.
async fn bring_up(
    writer: &Pool,
    tenant: TenantId,
    target: &Target,
    clock: &dyn Clock,
) -> Result<()> {
    let how = How { steps: &Alone, each: false, lock_wait: None, stamp: None, clock };
    migrate::bring_up::<MariaDb>(writer, tenant, target, &how).await?;
    Ok(())
}

/// Makes the tables of a database that is nobody's yet. It has no journal, so whose it is does not matter.
async fn bring_up_standby(
    server: &Server,
    place: &Place,
    target: &Target,
    clock: &dyn Clock,
) -> Result<()> {
    let (readers, writer) = server.tenant_pools(place, None).await?;
    let outcome = bring_up(&writer, TenantId::from_uuid(Uuid::nil()), target, clock).await;
    readers.close();
    writer.close();
    outcome
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
        Err(e @ (Error::Unavailable { .. } | Error::Undone { .. })) => return Err(e),
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
