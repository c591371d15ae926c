//! Configuration: a TOML file, then the environment (`VIVERO_…`), then the command line. Everything has
//! a default that works, so none of it is needed.

mod files;

use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use vivero_core::{Error, Result};
use vivero_store::archive::ArchiveKey;
use vivero_store::{KeyFile, KeyText};

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// What an installation can be told.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder for databases and files. `VIVERO_DATA_DIR`
    pub data_dir: PathBuf,
    /// Database; `sqlite:<data_dir>` when nothing is said. With the feature `mariadb` also
    /// `mysql://USER:PASSWORD@HOST:PORT/DATABASE`. `VIVERO_DATABASE_URL`
    pub database_url: Option<String>,
    /// Folder of archives: backups, exports, tenants out of service; `<data_dir>/archives` when nothing is
    /// said. `VIVERO_ARCHIVE_DIR`
    pub archive_dir: Option<PathBuf>,
    /// File with the installation's key, 32 bytes in base64: archives are encrypted under it, and on MariaDB
    /// tenants' database passwords and the secrets that tokens are signed with. `VIVERO_KEY_FILE`
    pub key_file: Option<PathBuf>,
    /// The same key by itself. `VIVERO_KEY`
    pub key: Option<String>,
    /// Redis or Valkey for what several nodes share, `redis://` or `rediss://[USER:PASSWORD@]HOST:PORT`.
    /// Needs the feature `redis`. `VIVERO_REDIS_URL`
    pub redis_url: Option<String>,
    /// A file with the certificates of the authorities that a `rediss://` server's is checked against, as PEM;
    /// the system's when nothing is said. `VIVERO_REDIS_CA_FILE`
    pub redis_ca_file: Option<PathBuf>,
    /// First letters of every key on it; the installation's own when nothing is said.
    /// `VIVERO_REDIS_PREFIX`
    pub redis_prefix: Option<String>,
    /// Seconds for which a server that was told to stop says so at `/health/ready` but goes on serving,
    /// for load balancers to notice. `VIVERO_DRAIN_SECONDS`
    pub drain_seconds: u32,
    /// Address to serve on; port 0 takes a free one. `VIVERO_LISTEN`
    pub listen: SocketAddr,
    /// Opens the platform API; without it that API is shut. `VIVERO_PLATFORM_KEY`
    pub platform_key: Option<String>,
    /// Tenant databases open at once; 256 when nothing is said, on MariaDB 64.
    /// `VIVERO_MAX_OPEN_TENANTS`
    pub max_open_tenants: Option<usize>,
    /// Whether a tenant's tables are brought up when it is opened; `true` when nothing is said. `false`
    /// leaves that to `vivero migrate`, and serves tenants as they are meanwhile.
    /// `VIVERO_MIGRATE_ON_OPEN`
    pub migrate_on_open: Option<bool>,
    /// Connections of this process to each database server, over all tenants; four fifths of what the
    /// server allows when nothing is said. MariaDB only. `VIVERO_MAX_CONNECTIONS`
    pub max_connections: Option<usize>,
    /// Connections of this process to each database server beside those, for making tenants, changing tables
    /// and migrations; 16 when nothing is said, 2 at least. MariaDB only. `VIVERO_ADMIN_CONNECTIONS`
    pub admin_connections: Option<usize>,
    /// Prepared databases that wait for new tenants; 3 when nothing is said. MariaDB only.
    /// `VIVERO_STANDBY`
    pub standby: Option<u32>,
    /// Most connections of one tenant's database account, all processes together; 64 when nothing is
    /// said. MariaDB only. `VIVERO_CONNECTIONS_PER_ACCOUNT`
    pub connections_per_account: Option<u32>,
    /// How long a statement of a tenant's may run, in seconds; 30 when nothing is said. MariaDB only.
    /// `VIVERO_STATEMENT_SECONDS`
    pub statement_seconds: Option<u32>,
    /// Memory for bitmap indexes, which make lists, totals and searches of busy tenants quick, in MiB and
    /// over all tenants; 160 when nothing is said, 0 for none. MariaDB only. `VIVERO_BITMAP_MEMORY_MIB`
    pub bitmap_memory_mib: Option<usize>,
    /// Memory for rows of the pages that those indexes find, in MiB and over all tenants; 32 when nothing is
    /// said, 0 for none. MariaDB only. `VIVERO_ROW_MEMORY_MIB`
    pub row_memory_mib: Option<usize>,
    /// Log format. `VIVERO_LOG_FORMAT`
    pub log_format: LogFormat,
    /// What is logged, as in `info,vivero_server=debug`. `VIVERO_LOG`
    pub log: String,
    /// Origins browsers may call from. `VIVERO_CORS_ORIGINS`, as `["https://…"]`
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed. `VIVERO_TRUSTED_PROXIES`, as `["10.0.0.1"]`
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// Sign-ins, sign-ups and refreshes a second from one address; 0 lifts the limit.
    /// `VIVERO_SIGN_IN_PER_SECOND`
    pub sign_in_per_second: u32,
    /// The same at once. `VIVERO_SIGN_IN_BURST`
    pub sign_in_burst: u32,
    /// OpenTelemetry collector for a span of each request, as `http://HOST:4318` (OTLP over HTTP); needs
    /// the feature `otel`. `VIVERO_OTLP_ENDPOINT`
    pub otlp_endpoint: Option<String>,
    /// Calls of a tenant's database that take so many milliseconds are noted as slow; 100 when nothing is
    /// said. `VIVERO_SLOW_CALL_MS`
    pub slow_call_ms: Option<u64>,
    /// Whether browsers are told to use HTTPS only. `VIVERO_HSTS`
    pub hsts: bool,
    /// Folder for files, unless they lie in an S3; `<data_dir>/files` when nothing is said.
    /// `VIVERO_FILES_DIR`
    pub files_dir: Option<PathBuf>,
    /// Bucket of an S3 for files; it must be there. Needs the feature `s3`. `VIVERO_S3_BUCKET`
    pub s3_bucket: Option<String>,
    /// Where that S3 is, e.g. `http://127.0.0.1:9000`; Amazon's own when nothing is said.
    /// `VIVERO_S3_ENDPOINT`
    pub s3_endpoint: Option<String>,
    /// The same as browsers know it, for links, if they know it by another address.
    /// `VIVERO_S3_PUBLIC_ENDPOINT`
    pub s3_public_endpoint: Option<String>,
    /// Region requests are signed for. `VIVERO_S3_REGION`
    pub s3_region: String,
    /// Access key. `VIVERO_S3_ACCESS_KEY_ID`
    pub s3_access_key_id: Option<String>,
    /// Secret key; never shown. `VIVERO_S3_SECRET_ACCESS_KEY`
    pub s3_secret_access_key: Option<String>,
    /// Folder of the bucket that holds all files; the bucket itself when nothing is said.
    /// `VIVERO_S3_PREFIX`
    pub s3_prefix: Option<String>,
    /// Whether the bucket is part of the path, not of the host. `VIVERO_S3_PATH_STYLE`
    pub s3_path_style: bool,
    /// A clamd that looks through every upload: `HOST:PORT` or the path of its socket. `VIVERO_CLAMD`
    pub clamd: Option<String>,
    /// Most bytes of one file. `VIVERO_MAX_FILE_SIZE`
    pub max_file_size: u64,
    /// Most bytes of all files of a tenant under contract. `VIVERO_FILE_QUOTA`
    pub file_quota: u64,
    /// Most files of a tenant under contract. `VIVERO_FILE_COUNT`
    pub file_count: u64,
    /// Most bytes of all files of a tenant on trial. `VIVERO_TRIAL_FILE_QUOTA`
    pub trial_file_quota: u64,
    /// Most files of a tenant on trial. `VIVERO_TRIAL_FILE_COUNT`
    pub trial_file_count: u64,
    /// Days the content of a deleted file is kept, so that it can be recovered. `VIVERO_FILE_RETENTION_DAYS`
    pub file_retention_days: u32,
    /// Minutes between sweeps of what cut-off uploads and deleted files leave; 0 for none.
    /// `VIVERO_FILE_SWEEP_MINUTES`
    pub file_sweep_minutes: u32,
}

impl Default for Config {
    fn default() -> Self {
        let limits = vivero_core::files::FileLimits::default();
        Self {
            data_dir: "data".into(),
            database_url: None,
            archive_dir: None,
            key_file: None,
            key: None,
            redis_url: None,
            redis_ca_file: None,
            redis_prefix: None,
            drain_seconds: 0,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            platform_key: None,
            max_open_tenants: None,
            migrate_on_open: None,
            max_connections: None,
            admin_connections: None,
            standby: None,
            connections_per_account: None,
            statement_seconds: None,
            bitmap_memory_mib: None,
            row_memory_mib: None,
            log_format: LogFormat::Pretty,
            log: "info".into(),
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            sign_in_per_second: 10,
            sign_in_burst: 50,
            otlp_endpoint: None,
            slow_call_ms: None,
            hsts: false,
            files_dir: None,
            s3_bucket: None,
            s3_endpoint: None,
            s3_public_endpoint: None,
            s3_region: "us-east-1".into(),
            s3_access_key_id: None,
            s3_secret_access_key: None,
            s3_prefix: None,
            s3_path_style: true,
            clamd: None,
            max_file_size: 50 << 20,
            file_quota: limits.contract.bytes,
            file_count: limits.contract.files,
            trial_file_quota: limits.trial.bytes,
            trial_file_count: limits.trial.files,
            file_retention_days: 30,
            file_sweep_minutes: 60,
        }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("data_dir", &self.data_dir)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Reads the file, if one is named, and the environment. Errors name the setting and where it
    /// came from.
    pub fn read(file: Option<&Path>) -> Result<Self> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            if !file.is_file() {
                return Err(Error::invalid(
                    "config",
                    "exists",
                    format!("there is no file {}", file.display()),
                ));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let config: Self = figment
            // These are read elsewhere; anything else that is not a setting is a mistake.
            .merge(Env::prefixed("VIVERO_").ignore(&[
                "config",
                "owner_password",
                "server_password",
            ]))
            .extract()
            .map_err(|e| Error::invalid(e.path.join("."), "config", e.to_string()))?;
        if cfg!(not(feature = "redis")) && config.redis_url.is_some() {
            let message = "this program was built without Redis: build it with --features redis";
            return Err(Error::invalid("redis_url", "redis_url", message));
        }
        Ok(config)
    }

    /// The database's address.
    #[must_use]
    pub fn database(&self) -> String {
        match &self.database_url {
            Some(url) => url.clone(),
            None => format!("sqlite:{}", self.data_dir.display()),
        }
    }

    /// The database's address without credentials, for people and logs.
    #[must_use]
    pub fn shown_database(&self) -> String {
        let url = self.database();
        match url.split_once("://").zip(url.rsplit_once('@')) {
            Some(((scheme, _), (_, place))) => format!("{scheme}://{place}"),
            None => url,
        }
    }

    /// The folder of archives.
    #[must_use]
    pub fn archives(&self) -> PathBuf {
        self.archive_dir.clone().unwrap_or_else(|| self.data_dir.join("archives"))
    }

    /// The key archives are sealed with, if there is one.
    pub fn archive_key(&self) -> Result<Option<ArchiveKey>> {
        match (&self.key_file, &self.key) {
            (Some(file), _) => ArchiveKey::new(&KeyFile(file.clone())).map(Some),
            (None, Some(key)) => ArchiveKey::new(&KeyText(key.clone())).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// An installation's choices, as far as they are configuration.
    ///
    /// Errors: [`Error::Invalid`] naming the setting for files that cannot be;
    /// [`Error::Unavailable`] if their folder cannot be made.
    pub fn builder(&self) -> Result<vivero_store::Builder> {
        Ok(self.storage()?.files(self.files()?))
    }

    /// The same without files.
    pub(crate) fn storage(&self) -> Result<vivero_store::Builder> {
        let mut builder = vivero_store::Builder::default();
        if let Some(number) = self.max_open_tenants {
            builder = builder.max_open_tenants(number);
        }
        if let Some(on_open) = self.migrate_on_open {
            builder = builder.migrate_on_open(on_open);
        }
        if let Some(millis) = self.slow_call_ms {
            builder = builder.slow_call(std::time::Duration::from_millis(millis));
        }
        #[cfg(feature = "redis")]
        if let Some(url) = &self.redis_url {
            builder = match &self.redis_prefix {
                None => builder.redis(url),
                Some(prefix) => {
                    let prefix = prefix.clone();
                    let options = vivero_store::RedisOptions { prefix, ..Default::default() };
                    builder.redis_with(url, options)
                }
            };
        }
        #[cfg(feature = "redis")]
        if let Some(file) = &self.redis_ca_file {
            let pem = std::fs::read(file).map_err(|e| {
                Error::invalid("redis_ca_file", "readable", format!("{}: {e}", file.display()))
            })?;
            builder = builder.redis_ca(pem);
        }
        #[cfg(feature = "mariadb")]
        {
            builder = builder.mariadb(self.mariadb());
        }
        builder = builder.archives(self.archives());
        match (&self.key_file, &self.key) {
            (Some(file), _) => builder = builder.key(KeyFile(file.clone())),
            (None, Some(key)) => builder = builder.key(KeyText(key.clone())),
            (None, None) => {}
        }
        Ok(builder)
    }

    #[cfg(feature = "mariadb")]
    fn mariadb(&self) -> vivero_store::MariaDbOptions {
        let default = vivero_store::MariaDbOptions::default();
        let bytes = |mib: usize| mib.saturating_mul(1024 * 1024);
        let seconds = self.statement_seconds.map(|s| std::time::Duration::from_secs(s.into()));
        vivero_store::MariaDbOptions {
            max_connections: self.max_connections,
            admin_connections: self.admin_connections.unwrap_or(default.admin_connections),
            standby: self.standby.unwrap_or(default.standby),
            connections_per_account: self
                .connections_per_account
                .unwrap_or(default.connections_per_account),
            statement_time: seconds.unwrap_or(default.statement_time),
            bitmap_memory: self.bitmap_memory_mib.map_or(default.bitmap_memory, bytes),
            row_memory: self.row_memory_mib.map_or(default.row_memory, bytes),
            ..default
        }
    }
}
