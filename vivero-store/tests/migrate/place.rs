//! An installation that can be opened by programs of several versions, on either engine.

use crate::versions;
use std::path::PathBuf;
use std::sync::Arc;
use vivero_core::migration::{Migration, Migrator};
use vivero_core::port::Fleet;
use vivero_core::record::Schema;
use vivero_core::tenant::Tenant;
use vivero_core::{Clock as _, ManualClock};
use vivero_store::{SqliteFleet, SqliteOptions};

pub(crate) enum Engine {
    Sqlite(tempfile::TempDir),
    #[cfg(feature = "mariadb")]
    MariaDb(usize),
}

pub(crate) struct Place {
    engine: Engine,
    pub(crate) clock: Arc<ManualClock>,
}

impl Place {
    fn new(engine: Engine) -> Self {
        Self { engine, clock: Arc::new(ManualClock::new(vivero_store::SystemClock.now())) }
    }
    pub(crate) fn sqlite() -> Self {
        Self::new(Engine::Sqlite(tempfile::tempdir().expect("a folder")))
    }
    #[cfg(feature = "mariadb")]
    pub(crate) fn mariadb() -> Self {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static NEXT: AtomicUsize = AtomicUsize::new(5_000);
        Self::new(Engine::MariaDb(NEXT.fetch_add(1, Ordering::SeqCst)))
    }

    /// The installation, by a program with these record types and migrations.
    pub(crate) async fn open(
        &self,
        records: &[&'static Schema],
        migrations: &[Migration],
        migrate_on_open: bool,
    ) -> Arc<dyn Fleet> {
        let opened = self.try_open(records, migrations, migrate_on_open).await;
        opened.expect("opening")
    }

    pub(crate) async fn try_open(
        &self,
        records: &[&'static Schema],
        migrations: &[Migration],
        migrate_on_open: bool,
    ) -> vivero_core::Result<Arc<dyn Fleet>> {
        let migrations = migrations.to_vec();
        let clock = self.clock.clone();
        match &self.engine {
            Engine::Sqlite(folder) => {
                let options = SqliteOptions {
                    durable: false,
                    migrations,
                    migrate_on_open,
                    ..SqliteOptions::default()
                };
                let opened = SqliteFleet::open(folder.path(), options, records, clock).await?;
                Ok(Arc::new(opened))
            }
            #[cfg(feature = "mariadb")]
            Engine::MariaDb(n) => {
                let options = vivero_store::MariaDbOptions {
                    migrations,
                    migrate_on_open,
                    ..crate::support::options(*n)
                };
                let url = crate::support::registry(*n);
                let opened =
                    vivero_store::MariaDbFleet::open(&url, options, records, clock).await?;
                Ok(Arc::new(opened))
            }
        }
    }

    pub(crate) fn is_mariadb(&self) -> bool {
        !matches!(self.engine, Engine::Sqlite(_))
    }

    #[cfg(feature = "mariadb")]
    pub(crate) async fn administrator(&self, tenant: &Tenant) -> sqlx::MySqlConnection {
        let Engine::MariaDb(n) = &self.engine else { panic!("only MariaDB has accounts") };
        crate::administrator(*n, tenant).await
    }

    /// Its folder.
    #[cfg(unix)]
    pub(crate) fn folder(&self) -> &std::path::Path {
        #[cfg_attr(
            not(feature = "mariadb"),
            expect(irrefutable_let_patterns, reason = "one engine")
        )]
        let Engine::Sqlite(folder) = &self.engine else { panic!("only SQLite has a folder") };
        folder.path()
    }

    /// A tenant's file.
    pub(crate) fn file(&self, tenant: &Tenant) -> PathBuf {
        #[cfg_attr(
            not(feature = "mariadb"),
            expect(irrefutable_let_patterns, reason = "one engine")
        )]
        let Engine::Sqlite(folder) = &self.engine else { panic!("only SQLite has files") };
        let name = tenant.id.uuid().simple().to_string();
        folder.path().join("tenants").join(&name[30..]).join(format!("{name}.sqlite3"))
    }

    /// Runs statements on a tenant's database, past the program.
    pub(crate) async fn raw(&self, tenant: &Tenant, sql: &str) {
        match &self.engine {
            Engine::Sqlite(_) => {
                let connection = rusqlite::Connection::open(self.file(tenant)).expect("the file");
                connection.execute_batch(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
            }
            #[cfg(feature = "mariadb")]
            Engine::MariaDb(n) => {
                let mut root = crate::administrator(*n, tenant).await;
                let ran = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut root);
                ran.await.unwrap_or_else(|e| panic!("{sql}: {e}"));
            }
        }
    }

    /// The number a statement gives, past the program.
    pub(crate) async fn number(&self, tenant: &Tenant, sql: &str) -> i64 {
        match &self.engine {
            Engine::Sqlite(_) => {
                let connection = rusqlite::Connection::open(self.file(tenant)).expect("the file");
                connection.query_row(sql, [], |row| row.get(0)).expect("a number")
            }
            #[cfg(feature = "mariadb")]
            Engine::MariaDb(n) => {
                use sqlx::Row as _;
                let mut root = crate::administrator(*n, tenant).await;
                let row = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&mut root);
                row.await.expect("a row").get_unchecked(0)
            }
        }
    }

    /// As if a process had died so long ago that its lease has ended.
    pub(crate) fn let_leases_end(&self) {
        self.clock.advance(chrono::Duration::seconds(60));
    }
}

pub(crate) fn migrator(fleet: &Arc<dyn Fleet>) -> Arc<dyn Migrator> {
    Arc::clone(fleet).migrator().expect("a migrator")
}

/// Provisions `n` tenants by a program with these record types.
pub(crate) async fn tenants(fleet: &Arc<dyn Fleet>, n: usize) -> Vec<Tenant> {
    let mut all = Vec::new();
    for i in 0..n {
        all.push(versions::provision(fleet, i).await);
    }
    all
}
