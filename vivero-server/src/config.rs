//! Configuration: a TOML file, then the environment (`VIVERO_…`), then the command line. Everything has
//! a default that works, so none of it is needed.

use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use vivero_core::{Error, Result};

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
    /// File with the key for tenants' database passwords on MariaDB: 32 bytes in base64.
    /// `VIVERO_KEY_FILE`
    pub key_file: Option<PathBuf>,
    /// The same key by itself. `VIVERO_KEY`
    pub key: Option<String>,
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
    /// Whether browsers are told to use HTTPS only. `VIVERO_HSTS`
    pub hsts: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "data".into(),
            database_url: None,
            key_file: None,
            key: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            platform_key: None,
            max_open_tenants: None,
            migrate_on_open: None,
            log_format: LogFormat::Pretty,
            log: "info".into(),
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            sign_in_per_second: 10,
            sign_in_burst: 50,
            hsts: false,
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
        figment
            // These two are read elsewhere; anything else that is not a setting is a mistake.
            .merge(Env::prefixed("VIVERO_").ignore(&["config", "owner_password"]))
            .extract()
            .map_err(|e| Error::invalid(e.path.join("."), "config", e.to_string()))
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

    /// An installation's choices, as far as they are configuration.
    #[must_use]
    pub fn builder(&self) -> vivero_store::Builder {
        let mut builder = vivero_store::Builder::default();
        if let Some(number) = self.max_open_tenants {
            builder = builder.max_open_tenants(number);
        }
        if let Some(on_open) = self.migrate_on_open {
            builder = builder.migrate_on_open(on_open);
        }
        #[cfg(feature = "mariadb")]
        let builder = match (&self.key_file, &self.key) {
            (Some(file), _) => builder.key(vivero_store::KeyFile(file.clone())),
            (None, Some(key)) => builder.key(vivero_store::KeyText(key.clone())),
            (None, None) => builder,
        };
        builder
    }
}
