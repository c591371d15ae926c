//! MariaDB as a fleet: a registry database, and a database with an account of its own per tenant, on one
//! server or several.
//!
//! The registry is on the server of the address, which is called `main`; it lists the others. The
//! administrator's account of each makes databases, accounts and tables. A tenant's own account, under which
//! all its work is done, may read and write rows of its own database; another tenant's is refused by the
//! server itself. Its password lies in the registry, sealed under a key that does not (see
//! [`KeyProvider`]), and so do the installation's secrets.

mod credentials;
mod databases;
mod doctor;
mod drains;
mod fleet;
mod hold;
mod kept;
mod leftovers;
mod load;
mod moving;
mod placement;
mod provision;
mod removal;
mod rotate;
mod secrets;
mod server;
mod servers;
mod site;
mod standby;
mod turning;
mod usage;

pub(crate) use doctor::examine_address;

pub use crate::keys::{KeyFile, KeyProvider, KeyText};

use crate::backend::mariadb::MariaDb;
use crate::keeper::Keeper;
use crate::meter::Meters;
use crate::migrate::{self, Target};
use crate::pools::Pools;
use crate::registry::Registry;
use crate::stamp;
use crate::tenant::{ListMemory, SqlTenant, Tables};
use chrono::{DateTime, Utc};
use credentials::{Credentials, Place, TenantLogin};
use moka::sync::Cache;
use server::Server;
use servers::{Listed, Servers};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use uuid::Uuid;
use vivero_core::ids::TenantId;
use vivero_core::migration::{Engine, Migration};
use vivero_core::record::Schema;
use vivero_core::server::{ConnectionStats, DatabaseServer, ServerState};
use vivero_core::tenant::Tenant;
use vivero_core::{Clock, Error, Result};

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
    /// Prepared databases that wait for a tenant, see [`vivero_core::port::Fleet::tend`]. Without any, each
    /// new tenant's is made when it is wanted.
    pub standby: u32,
    /// Connections of the administrator's account to each server, beside that budget: making tenants,
    /// changing tables, migrations. 2 or more. The registry has six more on the server of the address.
    pub admin_connections: usize,
    /// How long a request waits for room.
    pub wait: Duration,
    /// Calls of a tenant's database that take this long are noted as slow.
    pub slow_call: Duration,
    /// Memory for bitmap indexes of all tenants of this process, in bytes; 0 for none. They make lists,
    /// totals and searches several times quicker, at about 100 bytes for each lot; what was used longest ago goes
    /// where there is no room.
    pub bitmap_memory: usize,
    /// Memory for rows of the pages that those indexes find, in bytes; 0 for none. What is kept need not be read
    /// from the database, at about 450 bytes for each lot.
    pub row_memory: usize,
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
    /// Where the key for tenants' passwords and the installation's secrets comes from. Without one, opening fails.
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
            bitmap_memory: 160 * 1024 * 1024,
            row_memory: 32 * 1024 * 1024,
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

impl MariaDbOptions {
    /// Most connections that one process opens to so many servers at once, tenants' and its own: each is an open
    /// file. Of tenants there are no more than the budgets of all servers, if these are known.
    pub(crate) fn most_connections(&self, servers: usize, budget: Option<usize>) -> usize {
        let of_tenants = self.max_open.saturating_mul((self.readers + self.writers) as usize);
        let chosen = || self.max_connections.map(|most| most.saturating_mul(servers));
        let budget = budget.or_else(chosen).unwrap_or(usize::MAX);
        // Of the servers one has the registry.
        let others = server::beside(self, false).saturating_mul(servers.saturating_sub(1) as u64);
        let beside = server::beside(self, true).saturating_add(others);
        of_tenants.min(budget).saturating_add(usize::try_from(beside).unwrap_or(usize::MAX))
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
    lists: ListMemory,
    /// When it is tried again to remove what is left on servers that did not answer.
    leftovers_after: Mutex<DateTime<Utc>>,
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
            lists: ListMemory::new(options.bitmap_memory, options.bitmap_after, options.row_memory),
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
            leftovers_after: Mutex::new(DateTime::UNIX_EPOCH),
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
        let kept = self.kept_databases(None).await?;
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
                leftovers: room.map_or(0, |room| room.leftovers),
                kept: kept.iter().filter(|kept| kept.server == listed.name).cloned().collect(),
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
            let mut reader = readers.acquire().await?;
            stamp::check::<MariaDb>(&mut reader, tenant).await?;
            let anchored = self.keeper.attest(&mut reader, tenant).await?;
            drop(reader);
            let wanted = (&self.target, &self.tables);
            let (on_open, keeper) = (self.options.migrate_on_open, &*self.keeper);
            let both = (&readers, &writer);
            let tables = migrate::at_open::<MariaDb>(both, tenant, wanted, on_open, keeper).await?;
            let (readers, writer) = (readers.clone(), writer.clone());
            let meter = self.meters.of(tenant.id);
            let store =
                SqlTenant::open(tenant.id, readers, writer, tables, &self.lists, meter).await?;
            store.is_anchored_up_to(anchored);
            Ok(store)
        };
        match opened.await {
            Ok(store) => {
                let store = Arc::new(store);
                let (delay, anchors) =
                    (self.options.seal_delay, Arc::clone(&self.keeper) as Arc<_>);
                store.start_sealer(tenant.generation, delay, anchors);
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
