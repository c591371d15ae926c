//! Where an installation of tests lies: in a folder, or on a MariaDB server. Test programs whose names end in
//! `mariadb` use the latter.

#[cfg(feature = "mariadb")]
#[path = "mariadb.rs"]
pub(crate) mod mariadb;

use std::path::Path;
use vivero_store::Builder;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Engine {
    Sqlite,
    /// The number tells installations of one program apart.
    #[cfg(feature = "mariadb")]
    MariaDb(usize),
}

impl Engine {
    #[cfg(not(feature = "mariadb"))]
    pub(crate) fn new() -> Self {
        Self::Sqlite
    }

    #[cfg(feature = "mariadb")]
    pub(crate) fn new() -> Self {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static NEXT: AtomicUsize = AtomicUsize::new(500);
        if env!("CARGO_CRATE_NAME").ends_with("mariadb") {
            Self::MariaDb(NEXT.fetch_add(1, Ordering::SeqCst))
        } else {
            Self::Sqlite
        }
    }

    pub(crate) fn url(&self, folder: &Path) -> String {
        match self {
            Self::Sqlite => format!("sqlite:{}", folder.join("data").display()),
            #[cfg(feature = "mariadb")]
            Self::MariaDb(n) => mariadb::registry(*n),
        }
    }

    pub(crate) fn configure(&self, builder: Builder) -> Builder {
        match self {
            Self::Sqlite => builder,
            #[cfg(feature = "mariadb")]
            Self::MariaDb(n) => builder.mariadb(mariadb::options(*n)),
        }
    }

    /// Names of tenants' databases, on all servers.
    pub(crate) async fn databases(&self, folder: &Path) -> Vec<String> {
        match self {
            Self::Sqlite => {
                let tenants = folder.join("data").join("tenants");
                let folders = std::fs::read_dir(tenants).expect("the folder");
                folders
                    .flat_map(|folder| {
                        std::fs::read_dir(folder.expect("a folder").path()).expect("files")
                    })
                    .map(|file| file.expect("a file").file_name().to_string_lossy().into_owned())
                    .filter(|name| name.ends_with(".sqlite3"))
                    .collect()
            }
            #[cfg(feature = "mariadb")]
            Self::MariaDb(n) => {
                let mut all = self.databases_on(*n, 0).await;
                all.extend(self.databases_on(*n, 1).await);
                all
            }
        }
    }

    /// Tenants' accounts on all servers, where there are such.
    #[cfg_attr(not(feature = "mariadb"), expect(clippy::unused_async, reason = "asks a server"))]
    pub(crate) async fn accounts(&self) -> Option<usize> {
        match self {
            Self::Sqlite => None,
            #[cfg(feature = "mariadb")]
            Self::MariaDb(n) => {
                Some(self.accounts_on(*n, 0).await.len() + self.accounts_on(*n, 1).await.len())
            }
        }
    }

    #[cfg(feature = "mariadb")]
    pub(crate) async fn databases_on(&self, n: usize, server: usize) -> Vec<String> {
        let prefix = mariadb::options(n).prefix;
        let sql = "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE ?";
        column(server, sql, &prefix).await
    }

    #[cfg(feature = "mariadb")]
    pub(crate) async fn accounts_on(&self, n: usize, server: usize) -> Vec<String> {
        let prefix = mariadb::options(n).prefix;
        column(server, "SELECT user FROM mysql.user WHERE user LIKE ?", &prefix).await
    }
}

#[cfg(feature = "mariadb")]
async fn column(server: usize, sql: &'static str, prefix: &str) -> Vec<String> {
    use sqlx::ConnectOptions as _;
    use std::str::FromStr as _;
    let options = sqlx::mysql::MySqlConnectOptions::from_str(mariadb::server(server));
    let mut root = options.expect("an address").connect().await.expect("the administrator");
    let found = sqlx::query_scalar::<_, String>(sql).bind(format!("{prefix}%"));
    found.fetch_all(&mut root).await.expect("names")
}
