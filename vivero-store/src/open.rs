//! Opening an installation by its address.

use crate::archive::ArchiveKey;
#[cfg(feature = "sqlite")]
use crate::files::LocalFiles;
use crate::keys::KeyProvider;
#[cfg(feature = "mariadb")]
use crate::mariadb::{MariaDbFleet, MariaDbOptions};
use crate::operations::{FleetOperations, StepHook};
#[cfg(feature = "sqlite")]
use crate::sqlite::{SqliteFleet, SqliteOptions};
use crate::system::{SystemClock, SystemIds};
use async_trait::async_trait;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use vivero_core::migration::Migration;
use vivero_core::password::Passwords;
use vivero_core::port::Fleet;
use vivero_core::record::Schema;
use vivero_core::server::ServerFinding;
use vivero_core::service::FileSettings;
use vivero_core::token::{SessionLimits, Tokens};
use vivero_core::{Clock, Error, IdSource, LocalShared, Parts, Record, Result, Shared, Vivero};

/// `Vivero::open` and `Vivero::builder`, brought by this crate.
#[async_trait]
pub trait Open: Sized {
    /// Opens or makes an installation: `sqlite:FOLDER`, or `mysql://USER:PASSWORD@HOST:PORT/DATABASE`
    /// (feature `mariadb`), which needs a key as well, see [`Builder::key`].
    ///
    /// Errors: [`Error::Invalid`] for an address that cannot be read, [`Error::Unavailable`] if the
    /// storage does not answer.
    async fn open(url: &str) -> Result<Self>;
    /// The same with choices.
    fn builder() -> Builder;
}

#[async_trait]
impl Open for Vivero {
    async fn open(url: &str) -> Result<Self> {
        Self::builder().open(url).await
    }
    fn builder() -> Builder {
        Builder::default()
    }
}

/// What can be chosen on any engine; each has its own default.
#[derive(Debug, Clone, Copy, Default)]
struct Choices {
    max_open: Option<usize>,
    readers: Option<u32>,
    wait: Option<Duration>,
    seal_delay: Option<Duration>,
    slow_call: Option<Duration>,
    durable: bool,
    migrate_on_open: Option<bool>,
}

/// The choices of an installation. Every one has a default that works.
#[derive(Debug)]
pub struct Builder {
    choices: Choices,
    #[cfg(feature = "mariadb")]
    mariadb: MariaDbOptions,
    #[cfg(feature = "redis")]
    redis: Option<(String, Option<crate::RedisOptions>)>,
    #[cfg(feature = "redis")]
    redis_ca: Option<Vec<u8>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    records: Vec<&'static Schema>,
    migrations: Vec<Migration>,
    session_limits: SessionLimits,
    weak_passwords: bool,
    files: Option<FileSettings>,
    key: Option<Arc<dyn KeyProvider>>,
    archives: PathBuf,
    hook: Option<Arc<dyn StepHook>>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            choices: Choices { durable: true, ..Choices::default() },
            #[cfg(feature = "mariadb")]
            mariadb: MariaDbOptions::default(),
            #[cfg(feature = "redis")]
            redis: None,
            #[cfg(feature = "redis")]
            redis_ca: None,
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds::default()),
            records: Vec::new(),
            migrations: Vec::new(),
            session_limits: SessionLimits::default(),
            weak_passwords: false,
            files: None,
            key: None,
            archives: PathBuf::from("archives"),
            hook: None,
        }
    }
}

impl Builder {
    /// Adds a record type of the integrator's own; every tenant gets its table.
    #[must_use]
    pub fn record<R: Record>(mut self) -> Self {
        self.records.push(R::SCHEMA);
        self
    }
    /// Adds a migration of the integrator's own, after those added before; every tenant gets it, after the
    /// tables of record types.
    #[must_use]
    pub fn migration(mut self, migration: Migration) -> Self {
        self.migrations.push(migration);
        self
    }
    /// Whether a tenant's tables are brought up when it is opened (the default), which suits one process.
    /// Without it, `vivero migrate` or [`Vivero::migrations`] does that, and tenants are served as they are
    /// meanwhile: without the columns and indexes that a newer version adds.
    #[must_use]
    pub const fn migrate_on_open(mut self, on_open: bool) -> Self {
        self.choices.migrate_on_open = Some(on_open);
        self
    }
    /// Most tenant databases open at once; default 256, on MariaDB 64.
    #[must_use]
    pub const fn max_open_tenants(mut self, number: usize) -> Self {
        self.choices.max_open = Some(if number == 0 { 1 } else { number });
        self
    }
    /// Reading connections per tenant; default 4.
    #[must_use]
    pub const fn readers_per_tenant(mut self, number: u32) -> Self {
        self.choices.readers = Some(if number == 0 { 1 } else { number });
        self
    }
    /// How long a request waits for a tenant database when all are in use; default 2 s.
    #[must_use]
    pub const fn wait_for_room(mut self, wait: Duration) -> Self {
        self.choices.wait = Some(wait);
        self
    }
    /// How stale dashboards and live events may be; default 25 ms.
    #[must_use]
    pub const fn seal_delay(mut self, delay: Duration) -> Self {
        self.choices.seal_delay = Some(delay);
        self
    }
    /// Calls of a tenant's database that take this long are noted as slow; default 100 ms.
    #[must_use]
    pub const fn slow_call(mut self, bound: Duration) -> Self {
        self.choices.slow_call = Some(bound);
        self
    }
    /// Whether an acknowledged write survives power loss (the default), or only a crash of the process.
    /// On MariaDB that is the server's to say (`innodb_flush_log_at_trx_commit`).
    #[must_use]
    pub const fn durable(mut self, durable: bool) -> Self {
        self.choices.durable = durable;
        self
    }
    /// Where the installation's key comes from: on MariaDB, which needs one, tenants' database passwords and the
    /// installation's secrets lie sealed under it, and archives on any engine. Without one, archives are not
    /// encrypted.
    #[must_use]
    pub fn key(mut self, key: impl KeyProvider + 'static) -> Self {
        self.key = Some(Arc::new(key));
        self
    }
    /// Folder of archives, for backups and the like that are named without a path; default `archives`.
    #[must_use]
    pub fn archives(mut self, folder: impl Into<PathBuf>) -> Self {
        self.archives = folder.into();
        self
    }
    /// Asked before each step of an operation on a tenant: for tests that stop one anywhere.
    #[must_use]
    pub fn step_hook(mut self, hook: Arc<dyn StepHook>) -> Self {
        self.hook = Some(hook);
        self
    }
    /// The choices for MariaDB that no other engine has.
    #[cfg(feature = "mariadb")]
    #[must_use]
    pub fn mariadb(mut self, options: MariaDbOptions) -> Self {
        self.mariadb = options;
        self
    }
    /// Lets the processes of the installation share limits and word of changes over Redis or Valkey, see
    /// [`crate::RedisShared`]. Keys begin with a prefix that is the installation's own.
    #[cfg(feature = "redis")]
    #[must_use]
    pub fn redis(mut self, url: impl Into<String>) -> Self {
        self.redis = Some((url.into(), None));
        self
    }
    /// The same with choices.
    #[cfg(feature = "redis")]
    #[must_use]
    pub fn redis_with(mut self, url: impl Into<String>, options: crate::RedisOptions) -> Self {
        self.redis = Some((url.into(), Some(options)));
        self
    }
    /// Certificates of the authorities a `rediss://` server's is checked against, as PEM.
    #[cfg(feature = "redis")]
    #[must_use]
    pub fn redis_ca(mut self, pem: Vec<u8>) -> Self {
        self.redis_ca = Some(pem);
        self
    }
    /// How long sign-ins last.
    #[must_use]
    pub const fn session_limits(mut self, limits: SessionLimits) -> Self {
        self.session_limits = limits;
        self
    }
    /// Where files lie, and by which rules they get in. On SQLite the default is the folder `files`
    /// beside the databases; on MariaDB there is no default, and without this no files are kept.
    #[must_use]
    pub fn files(mut self, files: FileSettings) -> Self {
        self.files = Some(files);
        self
    }
    /// Another clock: for tests.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
    /// Another source of ids and randomness: for tests.
    #[must_use]
    pub fn ids(mut self, ids: Arc<dyn IdSource>) -> Self {
        self.ids = ids;
        self
    }
    /// Password hashes that cost next to nothing: for tests that sign in thousands of times.
    #[must_use]
    pub const fn weak_passwords_for_tests(mut self) -> Self {
        self.weak_passwords = true;
        self
    }

    /// Looks at the database server of an address by itself, for an installation that does not open: nothing is made
    /// or changed there. Nothing is found where there is no server (SQLite), or at an address that cannot be read.
    /// Of one that opens, [`vivero_core::service::Servers::examine`] looks at all servers.
    pub async fn examine(&self, url: &str) -> Vec<ServerFinding> {
        #[cfg(feature = "mariadb")]
        if let Some(("mysql" | "mariadb", _)) = url.split_once(':') {
            let (options, now) = (self.on_mariadb(), self.clock.now());
            return crate::mariadb::examine_address(url, &options, now).await;
        }
        #[cfg(not(feature = "mariadb"))]
        let _ = url;
        Vec::new()
    }

    /// How many files the installation holds open at most, apart from those of requests: of SQLite up to three for
    /// each connection, of MariaDB a connection each, to so many servers, of tenants as many as `budget` allows on all
    /// of them together, if that is known.
    #[must_use]
    pub fn open_files(&self, url: &str, servers: usize, budget: Option<usize>) -> usize {
        #[cfg(not(feature = "mariadb"))]
        let _ = (servers, budget);
        match url.split_once(':') {
            #[cfg(feature = "mariadb")]
            Some(("mysql" | "mariadb", _)) => self.on_mariadb().most_connections(servers, budget),
            #[cfg(feature = "sqlite")]
            Some(("sqlite", _)) => {
                let options = self.on_sqlite();
                // Readers, and one writer.
                options.max_open.saturating_mul((options.readers as usize + 1) * 3)
            }
            _ => 0,
        }
    }

    /// Opens or makes the installation and finishes what a former process left half-made.
    pub async fn open(self, url: &str) -> Result<Vivero> {
        for (i, schema) in self.records.iter().enumerate() {
            let taken = crate::schema::OWN.iter().chain(&self.records[..i]);
            if taken.into_iter().any(|s| s.table == schema.table || s.resource == schema.resource) {
                let message = format!(
                    "table {} or resource {} is already in use",
                    schema.table, schema.resource
                );
                return Err(Error::invalid("record", "unique", message));
            }
        }
        let fleet = self.fleet(url).await?;
        let files = match self.files.clone() {
            Some(files) => Some(files),
            None => self.own_files(url)?,
        };
        let signing = secret(&*fleet, &*self.ids, "token_signing").await?;
        let refresh = secret(&*fleet, &*self.ids, "refresh_tokens").await?;
        let key = self.key.as_deref().map(ArchiveKey::new).transpose()?;
        let operations = FleetOperations::new(
            Arc::clone(&fleet),
            Arc::clone(&self.clock),
            Arc::clone(&self.ids),
            self.archives.clone(),
            key,
        );
        let shared = self.shared(&refresh).await?;
        let operations = operations.with_shared(Arc::clone(&shared));
        let operations = match &files {
            Some(files) => operations.with_files(Arc::clone(&files.store)),
            None => operations,
        };
        let operations = match &self.hook {
            Some(hook) => operations.with_hook(Arc::clone(hook)),
            None => operations,
        };
        let passwords = if self.weak_passwords {
            Passwords::with_params(&*self.ids, 8, 1)?
        } else {
            Passwords::new(&*self.ids)?
        };
        let vivero = Vivero::new(Parts {
            fleet,
            shared,
            clock: self.clock,
            ids: self.ids,
            tokens: Tokens::new(&signing, refresh)?,
            passwords,
            session_limits: self.session_limits,
            records: self.records,
            files,
            operations: Arc::new(operations),
        });
        let (finished, undone) = vivero.tenants().recover_provisioning().await?;
        if finished + undone > 0 {
            tracing::info!(finished, undone, "half-made tenants of a former run");
        }
        Ok(vivero)
    }
}

impl Builder {
    /// What the processes share. `secret` is the installation's own: what it is told by on a server that
    /// it shares with others follows from it.
    async fn shared(&self, secret: &[u8]) -> Result<Arc<dyn Shared>> {
        #[cfg(feature = "redis")]
        if let Some((url, options)) = &self.redis {
            use sha2::Digest as _;
            let digest = sha2::Sha256::digest([secret, b"redis prefix"].concat());
            let number = digest.iter().take(6).fold(0, |n: u64, byte| n << 8 | u64::from(*byte));
            let own = || crate::RedisOptions {
                prefix: format!("vivero-{number:012x}"),
                ..crate::RedisOptions::default()
            };
            let mut options = options.clone().unwrap_or_else(own);
            if let Some(ca) = &self.redis_ca {
                options.ca = Some(ca.clone());
            }
            let me = self.ids.id(self.clock.now());
            let clock = Arc::clone(&self.clock);
            return Ok(Arc::new(crate::RedisShared::open(url, options, me, clock).await?));
        }
        #[cfg(not(feature = "redis"))]
        let _ = secret;
        Ok(Arc::new(LocalShared::new(Arc::clone(&self.clock))))
    }

    /// The folder of files beside the databases, where these lie in a folder.
    fn own_files(&self, url: &str) -> Result<Option<FileSettings>> {
        match url.split_once(':') {
            #[cfg(feature = "sqlite")]
            Some(("sqlite", path)) => {
                let folder = folder(path)?.join("files");
                let store = LocalFiles::with_durability(folder, self.choices.durable)?;
                Ok(Some(FileSettings::new(Arc::new(store))))
            }
            _ => Ok(None),
        }
    }

    /// The choices as an installation on SQLite has them.
    #[cfg(feature = "sqlite")]
    fn on_sqlite(&self) -> SqliteOptions {
        let Choices { max_open, readers, wait, seal_delay, slow_call, migrate_on_open, durable } =
            self.choices;
        let default = SqliteOptions::default();
        SqliteOptions {
            max_open: max_open.unwrap_or(default.max_open),
            readers: readers.unwrap_or(default.readers),
            wait: wait.unwrap_or(default.wait),
            seal_delay: seal_delay.unwrap_or(default.seal_delay),
            slow_call: slow_call.unwrap_or(default.slow_call),
            durable,
            migrations: self.migrations.clone(),
            migrate_on_open: migrate_on_open.unwrap_or(default.migrate_on_open),
        }
    }

    /// The same on MariaDB.
    #[cfg(feature = "mariadb")]
    fn on_mariadb(&self) -> MariaDbOptions {
        let Choices { max_open, readers, wait, seal_delay, slow_call, migrate_on_open, .. } =
            self.choices;
        let default = self.mariadb.clone();
        MariaDbOptions {
            max_open: max_open.unwrap_or(default.max_open),
            readers: readers.unwrap_or(default.readers),
            wait: wait.unwrap_or(default.wait),
            seal_delay: seal_delay.unwrap_or(default.seal_delay),
            key: self.key.clone().or(default.key),
            migrations: [default.migrations.as_slice(), &self.migrations].concat(),
            migrate_on_open: migrate_on_open.unwrap_or(default.migrate_on_open),
            slow_call: slow_call.unwrap_or(default.slow_call),
            ..default
        }
    }

    /// The fleet at an address, by its scheme.
    async fn fleet(&self, url: &str) -> Result<Arc<dyn Fleet>> {
        match url.split_once(':') {
            #[cfg(feature = "sqlite")]
            Some(("sqlite", path)) => {
                let clock = Arc::clone(&self.clock);
                let folder = folder(path)?;
                let opened = SqliteFleet::open(&folder, self.on_sqlite(), &self.records, clock);
                Ok(Arc::new(opened.await?))
            }
            #[cfg(feature = "mariadb")]
            Some(("mysql" | "mariadb", _)) => {
                let clock = Arc::clone(&self.clock);
                let opened = MariaDbFleet::open(url, self.on_mariadb(), &self.records, clock);
                Ok(Arc::new(opened.await?))
            }
            #[cfg(not(feature = "mariadb"))]
            Some(("mysql" | "mariadb", _)) => Err(refused(
                "this program was built without MariaDB: build it with --features mariadb",
            )),
            _ => Err(refused("must begin with sqlite: or mysql:")),
        }
    }
}

fn refused(message: &str) -> Error {
    Error::invalid("database_url", "database_url", message)
}

async fn secret(fleet: &dyn Fleet, ids: &dyn IdSource, name: &str) -> Result<[u8; 32]> {
    let mut fresh = vec![0; 32];
    ids.fill(&mut fresh);
    let stored = fleet.secret(name, fresh).await?;
    stored.try_into().map_err(|_| Error::corrupt(format!("secret {name} does not have 32 bytes")))
}

#[cfg(feature = "sqlite")]
fn folder(path: &str) -> Result<PathBuf> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.contains('?') {
        return Err(refused("must be sqlite:FOLDER, e.g. sqlite:./data"));
    }
    Ok(PathBuf::from(path))
}
