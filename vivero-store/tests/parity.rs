//! SQLite and MariaDB have the same tables, columns and keys.
#![cfg(all(feature = "mariadb", feature = "sqlite"))]

#[path = "support/mariadb.rs"]
mod support;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use vivero_core::clock::{IdSource as _, SeededIds};
use vivero_core::port::{Fleet, Provision};
use vivero_core::tenant::{OperationType, Plan};
use vivero_core::{Clock as _, TenantId};
use vivero_store::{MariaDbFleet, SqliteFleet, SqliteOptions, SystemClock};

/// Columns (table, name, whether a value is needed) and keys (table, columns, whether unique).
#[derive(Debug, Default, PartialEq, Eq)]
struct Shape {
    columns: BTreeSet<(String, String, bool)>,
    keys: BTreeSet<(String, String, bool)>,
}

/// What one engine has for its own reasons: how it searches, how it takes turns, its accounts.
fn is_own(table: &str) -> bool {
    let own = [
        "engine_state",
        "tenant_databases",
        "tenant_generations",
        "database_servers",
        "standby_databases",
        "server_drains",
        "leftovers",
        "kept_databases",
    ];
    table.contains("_search") || own.contains(&table)
}

fn of_sqlite(file: &Path) -> Shape {
    let connection = rusqlite::Connection::open(file).expect("the file");
    let rows = |sql: &str| -> Vec<(String, String, bool)> {
        let mut statement = connection.prepare(sql).expect("a statement");
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?))
        });
        rows.expect("rows")
            .map(|row| row.expect("a row"))
            .filter(|row: &(String, String, bool)| !is_own(&row.0))
            .collect()
    };
    let tables = "FROM sqlite_schema m JOIN";
    Shape {
        columns: rows(&format!(
            "SELECT m.name, c.name, c.\"notnull\" OR c.pk > 0 {tables} pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
        ))
        .into_iter()
        .collect(),
        keys: rows(&format!(
            "SELECT m.name, (SELECT group_concat(name) FROM pragma_index_info(i.name)), i.\"unique\" \
             {tables} pragma_index_list(m.name) i WHERE m.type = 'table' AND i.origin <> 'pk'"
        ))
        .into_iter()
        .collect(),
    }
}

async fn of_mariadb(root: &mut MySqlConnection, database: &str) -> Shape {
    let mut rows = async |sql: String| -> BTreeSet<(String, String, bool)> {
        let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut *root).await.expect("rows");
        rows.iter()
            .map(|row| {
                let text = |i: usize| -> String {
                    String::from_utf8(row.get_unchecked::<Vec<u8>, _>(i)).expect("text")
                };
                (text(0), text(1), row.get_unchecked::<i64, _>(2) != 0)
            })
            .filter(|(table, ..)| !is_own(table))
            .collect()
    };
    Shape {
        columns: rows(format!(
            "SELECT table_name, column_name, is_nullable = 'NO' FROM information_schema.columns \
             WHERE table_schema = '{database}'"
        ))
        .await,
        keys: rows(format!(
            "SELECT table_name, group_concat(column_name ORDER BY seq_in_index), max(non_unique) = 0 \
             FROM information_schema.statistics WHERE table_schema = '{database}' \
             AND index_name <> 'PRIMARY' GROUP BY table_name, index_name"
        ))
        .await,
    }
}

fn wanted() -> Provision {
    let at = SystemClock.now();
    Provision {
        id: TenantId::from_uuid(SeededIds::new(9).id(at)),
        slug: "acme-plants".parse().expect("a slug"),
        organization: "Acme".into(),
        operation_type: OperationType::Mixed,
        plan: Plan::Contract,
        at,
        key: None,
        fingerprint: None,
        seed: Vec::new(),
        entries: Vec::new(),
    }
}

fn found(folder: &Path) -> PathBuf {
    let inner =
        |folder: &Path| std::fs::read_dir(folder).expect("a folder").flatten().map(|e| e.path());
    let mut files =
        inner(&folder.join("tenants")).flat_map(|folder| inner(&folder).collect::<Vec<_>>());
    files.find(|f| f.extension().is_some_and(|e| e == "sqlite3")).expect("the tenant's file")
}

#[tokio::test]
async fn both_engines_have_the_same_tables_columns_and_keys() {
    let clock = Arc::new(SystemClock);
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite =
        SqliteFleet::open(folder.path(), SqliteOptions::default(), &[], clock.clone()).await;
    let sqlite = sqlite.expect("SQLite");
    let options = support::options(0);
    let mariadb = MariaDbFleet::open(&support::registry(0), options.clone(), &[], clock).await;
    let mariadb = mariadb.expect("MariaDB");
    let wanted = wanted();
    sqlite.provision(wanted.clone()).await.expect("provisioning on SQLite");
    mariadb.provision(wanted.clone()).await.expect("provisioning on MariaDB");
    let root = MySqlConnectOptions::from_str(support::address()).expect("an address");
    let mut root = root.connect().await.expect("the administrator");
    sqlx::raw_sql("SET SESSION group_concat_max_len = 100000")
        .execute(&mut root)
        .await
        .expect("set");
    let tenant = format!("{}{}", options.prefix, wanted.id.uuid().simple());
    let registry = support::registry(0).rsplit('/').next().expect("a name").to_owned();
    for (file, database) in
        [(found(folder.path()), tenant), (folder.path().join("registry.sqlite3"), registry)]
    {
        let (here, there) = (of_sqlite(&file), of_mariadb(&mut root, &database).await);
        assert!(here.columns.len() > 15 && !here.keys.is_empty(), "there is something to compare");
        let lacking = |a: &BTreeSet<_>, b: &BTreeSet<_>| -> Vec<(String, String, bool)> {
            a.difference(b).cloned().collect()
        };
        assert_eq!(lacking(&here.columns, &there.columns), [], "columns MariaDB lacks");
        assert_eq!(lacking(&there.columns, &here.columns), [], "columns SQLite lacks");
        assert_eq!(lacking(&here.keys, &there.keys), [], "keys MariaDB lacks");
        assert_eq!(lacking(&there.keys, &here.keys), [], "keys SQLite lacks");
    }
    sqlite.close().await;
    mariadb.close().await;
}
