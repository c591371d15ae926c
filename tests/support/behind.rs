//! A fleet as a version left it that had fewer indexes, on either engine.

use super::child::engine;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use vivero_core::{NewTenant, Owner, Tenant, Vivero};
use vivero_store::Open as _;

/// Makes `number` tenants, `grower-000` and so on, and puts them behind.
pub(crate) async fn behind(data: &TempDir, number: usize) -> Vec<Tenant> {
    let builder = Vivero::builder().weak_passwords_for_tests();
    #[cfg(feature = "mariadb")]
    let builder = builder.key(vivero_store::KeyText(engine::KEY.into()));
    let vivero = builder.open(&engine::url(data.path())).await.expect("opening");
    let mut tenants = Vec::new();
    for n in 0..number {
        let owner = Owner::new("grower@example.com", "a long enough secret");
        let new = NewTenant::trial(format!("grower-{n:03}"), owner);
        tenants.push(vivero.tenants().provision(new).await.expect("a tenant"));
    }
    vivero.close().await;
    match engine::server() {
        None => on_sqlite(data.path(), &tenants).await,
        Some(server) => on_mariadb(server, &engine::registry(data.path()), &tenants).await,
    }
    tenants
}

/// A tenant's file on SQLite.
pub(crate) fn file(data: &Path, tenant: &Tenant) -> PathBuf {
    let name = tenant.id.uuid().simple().to_string();
    data.join("tenants").join(&name[30..]).join(format!("{name}.sqlite3"))
}

async fn open(file: &Path) -> sqlx::SqlitePool {
    sqlx::SqlitePool::connect(&format!("sqlite:{}", file.display())).await.expect("the file")
}

async fn on_sqlite(data: &Path, tenants: &[Tenant]) {
    for tenant in tenants {
        let pool = open(&file(data, tenant)).await;
        let names =
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE 'entities_place_%'";
        let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&pool).await.expect("names");
        assert!(names.len() > 3, "{names:?}");
        for name in names {
            let sql = sqlx::AssertSqlSafe(format!("DROP INDEX {name}"));
            sqlx::query(sql).execute(&pool).await.expect("an index less");
        }
        for noted in ["PRAGMA user_version = 7", "PRAGMA application_id = 7"] {
            sqlx::query(noted).execute(&pool).await.expect("another version");
        }
        pool.close().await;
    }
    let registry = open(&data.join("registry.sqlite3")).await;
    sqlx::query("DELETE FROM tenant_schemas").execute(&registry).await.expect("no versions");
    registry.close().await;
}

#[cfg(not(feature = "mariadb"))]
async fn on_mariadb(_: &str, _: &str, _: &[Tenant]) {
    panic!("built without MariaDB");
}

#[cfg(feature = "mariadb")]
async fn on_mariadb(server: &str, registry: &str, tenants: &[Tenant]) {
    use sqlx::ConnectOptions as _;
    use std::str::FromStr as _;
    let options = sqlx::mysql::MySqlConnectOptions::from_str(server).expect("an address");
    let mut root = options.connect().await.expect("the administrator");
    for tenant in tenants {
        let sql = format!(
            "SELECT server, database_name FROM {registry}.tenant_databases WHERE tenant_id = x'{}'",
            tenant.id.uuid().simple()
        );
        let place: (String, String) =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_one(&mut root).await.expect("a place");
        let database = place.1;
        let sql = format!(
            "SELECT DISTINCT index_name FROM information_schema.statistics \
             WHERE table_schema = '{database}' AND table_name = 'entities' AND index_name LIKE 'entities\\_place\\_%'"
        );
        let names: Vec<(String,)> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&mut root).await.expect("names");
        assert!(names.len() > 3, "{names:?}");
        let drops: Vec<String> =
            names.iter().take(5).map(|(name,)| format!("DROP INDEX {name}")).collect();
        let script = format!(
            "ALTER TABLE {database}.entities {}; UPDATE {database}.engine_state SET tables_of = '7'",
            drops.join(", ")
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(script)).execute(&mut root).await.expect("behind");
    }
    let sql = sqlx::AssertSqlSafe(format!("DELETE FROM {registry}.tenant_schemas"));
    sqlx::raw_sql(sql).execute(&mut root).await.expect("no versions");
}

/// Keeps a statement of one tenant's migration from succeeding, until it is cleared away.
pub(crate) struct InTheWay {
    view: Option<(PathBuf, String)>,
    #[cfg(feature = "mariadb")]
    locks: Option<sqlx::MySqlConnection>,
}

impl InTheWay {
    /// Of the index that is to be made: something else has its name, or on MariaDB, where that does not
    /// matter, its table is locked.
    pub(crate) async fn of(data: &Path, tenant: &Tenant, index: &str) -> Self {
        #[cfg(feature = "mariadb")]
        if let Some(server) = engine::server() {
            use sqlx::ConnectOptions as _;
            use std::str::FromStr as _;
            let options = sqlx::mysql::MySqlConnectOptions::from_str(server).expect("an address");
            let mut root = options.connect().await.expect("the administrator");
            let sql = format!(
                "SELECT server, database_name FROM {}.tenant_databases WHERE tenant_id = x'{}'",
                engine::registry(data),
                tenant.id.uuid().simple()
            );
            let place: (String, String) =
                sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_one(&mut root).await.expect("one");
            let lock = sqlx::AssertSqlSafe(format!("LOCK TABLES {}.entities WRITE", place.1));
            sqlx::raw_sql(lock).execute(&mut root).await.expect("a lock");
            return Self { view: None, locks: Some(root) };
        }
        let path = file(data, tenant);
        let pool = open(&path).await;
        let view = sqlx::AssertSqlSafe(format!("CREATE VIEW {index} AS SELECT 1"));
        sqlx::query(view).execute(&pool).await.expect("a view");
        pool.close().await;
        Self {
            view: Some((path, index.to_owned())),
            #[cfg(feature = "mariadb")]
            locks: None,
        }
    }

    pub(crate) async fn clear(self) {
        if let Some((path, index)) = self.view {
            let pool = open(&path).await;
            let drop = sqlx::AssertSqlSafe(format!("DROP VIEW {index}"));
            sqlx::query(drop).execute(&pool).await.expect("gone");
            pool.close().await;
        }
        #[cfg(feature = "mariadb")]
        if let Some(mut root) = self.locks {
            sqlx::raw_sql("UNLOCK TABLES").execute(&mut root).await.expect("given back");
        }
    }
}
