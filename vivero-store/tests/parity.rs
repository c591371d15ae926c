//! SQLite and MariaDB have the same tables, columns of the same types, keys and triggers.
#![cfg(all(feature = "mariadb", feature = "sqlite"))]

#[path = "support/mariadb.rs"]
mod support;
#[path = "support/wanted.rs"]
mod wanted;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use vivero_core::port::Fleet;
use vivero_core::record::{Column, Kind, Record as _, Schema};
use vivero_core::{RecordId, entity, files, location, user};
use vivero_store::{MariaDbFleet, SqliteFleet, SqliteOptions, SystemClock};

/// Columns (table, name, whether a value is needed), keys (table, columns, whether unique), triggers (table, when,
/// what it is for) and the types of columns as they were declared.
#[derive(Debug, Default)]
struct Shape {
    columns: BTreeSet<(String, String, bool)>,
    keys: BTreeSet<(String, String, bool)>,
    triggers: BTreeSet<(String, String, String)>,
    types: BTreeMap<(String, String), String>,
}

/// Which declared types are equal: what is stored, in SQLite's words and in MariaDB's, of which `*` stands for a
/// length. SQLite tells no more apart than how a value lies in the file.
const EQUAL: &[(Stored, &str, &str)] = &[
    (Stored::Of(Kind::Bool), "INTEGER", "tinyint(1)"),
    (Stored::Of(Kind::Int), "INTEGER", "bigint(20)"),
    (Stored::Of(Kind::Time), "INTEGER", "datetime(6)"),
    (Stored::Of(Kind::Text), "TEXT", "varchar(*) utf8mb4_nopad_bin"),
    (Stored::Of(Kind::Text), "TEXT", "longtext utf8mb4_nopad_bin"),
    (Stored::Of(Kind::Json), "TEXT", "longtext utf8mb4_nopad_bin"),
    (Stored::Of(Kind::Date), "TEXT", "date"),
    (Stored::Of(Kind::Id), "BLOB", "binary(16)"),
    (Stored::Of(Kind::Bytes), "BLOB", "varbinary(*)"),
    (Stored::Of(Kind::Bytes), "BLOB", "longblob"),
    (Stored::Hash, "BLOB", "binary(32)"),
    // The key of tables that have one row.
    (Stored::One, "INTEGER", "tinyint(4)"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    Of(Kind),
    Hash,
    One,
}

/// A record type of an integrator's with a column of each kind, in each length that makes a difference.
static MEASURES: Schema = Schema {
    table: "measures",
    resource: "measure",
    columns: &[
        Column::of::<bool>("is_dry").filter(),
        Column::of::<Option<bool>>("is_warm"),
        Column::of::<i64>("amount").sort(),
        Column::of::<Option<i64>>("spare"),
        Column::of::<String>("code").max(64).unique(),
        Column::of::<String>("in_key").max(700).unique(),
        Column::of::<String>("long_text").max(5_000).search(),
        Column::of::<Option<String>>("note"),
        Column::of::<RecordId<location::Location>>("bed").filter(),
        Column::of::<chrono::DateTime<chrono::Utc>>("measured_at").sort(),
        Column::of::<Option<chrono::NaiveDate>>("due"),
        Column::of::<serde_json::Value>("details"),
        Column::of::<Vec<u8>>("short_bytes").max(32),
        Column::of::<Option<Vec<u8>>>("long_bytes").max(5_000),
    ],
    owner: None,
    location: Some("bed"),
    facets: &["is_dry"],
};

/// Every record type there is.
fn schemas() -> [&'static Schema; 9] {
    [
        &MEASURES,
        location::Location::SCHEMA,
        entity::Entity::SCHEMA,
        files::File::SCHEMA,
        files::USAGE_SCHEMA,
        user::User::SCHEMA,
        user::Role::SCHEMA,
        user::Credential::SCHEMA,
        user::Session::SCHEMA,
    ]
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

/// `AFTER INSERT ON t …` or `BEFORE UPDATE OF a, b ON t …`: when it does something.
fn when(definition: &str) -> String {
    let words: Vec<&str> = definition.split_whitespace().collect();
    let at = words.iter().position(|word| ["AFTER", "BEFORE"].contains(word)).expect("a trigger");
    words[at..at + 2].join(" ")
}

/// What a trigger is for, as its name says. Those that enter combinations of facets are called `_insert` and `_update`
/// on SQLite, `_inserted` and `_updated` on MariaDB: there they are told what is there already, and are other
/// triggers than those of before.
fn purpose(name: &str) -> String {
    let (stem, event) = name.rsplit_once('_').expect("words");
    match event {
        "insert" | "inserted" => format!("{stem}, entering"),
        "update" | "updated" => format!("{stem}, changing"),
        _ => name.to_owned(),
    }
}

fn of_sqlite(file: &Path) -> Shape {
    let connection = rusqlite::Connection::open(file).expect("the file");
    let rows = |sql: &str| -> Vec<(String, String, String)> {
        let mut statement = connection.prepare(sql).expect("a statement");
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        });
        rows.expect("rows")
            .map(|row| row.expect("a row"))
            .filter(|row: &(String, String, String)| !is_own(&row.0))
            .collect()
    };
    let tables = "FROM sqlite_schema m JOIN";
    let columns = |what: &str| {
        rows(&format!(
            "SELECT m.name, c.name, {what} {tables} pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
        ))
    };
    let keys = rows(&format!(
        "SELECT m.name, (SELECT group_concat(name) FROM pragma_index_info(i.name)), \
         CAST(i.\"unique\" AS TEXT) {tables} pragma_index_list(m.name) i \
         WHERE m.type = 'table' AND i.origin <> 'pk'"
    ));
    let primary = rows(&format!(
        "SELECT m.name, group_concat(c.name ORDER BY c.pk), '1' {tables} pragma_table_info(m.name) c \
         WHERE m.type = 'table' AND c.pk > 0 AND m.name NOT LIKE 'sqlite_%' GROUP BY m.name"
    ));
    let triggers = rows("SELECT tbl_name, sql, name FROM sqlite_schema WHERE type = 'trigger'");
    Shape {
        columns: columns("CAST(c.\"notnull\" OR c.pk > 0 AS TEXT)").into_iter().map(yes).collect(),
        keys: keys.into_iter().chain(primary).map(yes).collect(),
        triggers: triggers
            .into_iter()
            .map(|(t, sql, name)| (t, when(&sql), purpose(&name)))
            .collect(),
        types: columns("c.type").into_iter().map(|(t, c, of)| ((t, c), of)).collect(),
    }
}

fn yes((a, b, is): (String, String, String)) -> (String, String, bool) {
    (a, b, is == "1")
}

async fn of_mariadb(root: &mut MySqlConnection, database: &str) -> Shape {
    let mut rows = async |sql: String| -> Vec<(String, String, String)> {
        let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut *root).await.expect("rows");
        rows.iter()
            .map(|row| {
                let text = |i: usize| -> String {
                    String::from_utf8(row.get_unchecked::<Vec<u8>, _>(i)).expect("text")
                };
                (text(0), text(1), text(2))
            })
            .filter(|(table, ..)| !is_own(table))
            .collect()
    };
    let columns = format!("FROM information_schema.columns WHERE table_schema = '{database}'");
    let needed =
        format!("SELECT table_name, column_name, CAST(is_nullable = 'NO' AS CHAR) {columns}");
    let types = format!(
        "SELECT table_name, column_name, concat_ws(' ', column_type, collation_name) {columns}"
    );
    let keys = format!(
        "SELECT table_name, group_concat(column_name ORDER BY seq_in_index), CAST(max(non_unique) = 0 AS CHAR) \
         FROM information_schema.statistics WHERE table_schema = '{database}' GROUP BY table_name, index_name"
    );
    let triggers = format!(
        "SELECT event_object_table, concat(action_timing, ' ', event_manipulation), trigger_name \
         FROM information_schema.triggers WHERE trigger_schema = '{database}'"
    );
    Shape {
        columns: rows(needed).await.into_iter().map(yes).collect(),
        keys: rows(keys).await.into_iter().map(yes).collect(),
        triggers: rows(triggers)
            .await
            .into_iter()
            .map(|(t, w, name)| (t, w, purpose(&name)))
            .collect(),
        types: rows(types).await.into_iter().map(|(t, c, of)| ((t, c), of)).collect(),
    }
}

/// Whether a type is the one of the table of equals, whatever its length.
fn is_like(of: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        Some((before, after)) => {
            let length = of.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            length.is_some_and(|length| length.parse::<u32>().is_ok())
        }
        None => of == pattern,
    }
}

/// What a pair of types may stand for.
fn stored(here: &str, there: &str) -> Vec<Stored> {
    let equal =
        EQUAL.iter().filter(|(_, sqlite, mariadb)| here == *sqlite && is_like(there, mariadb));
    equal.map(|(stored, ..)| *stored).collect()
}

/// Instants are called so: nothing else tells them from numbers on SQLite.
fn is_instant(column: &str) -> bool {
    column == "at" || column.ends_with("_at") || ["until", "delete_after"].contains(&column)
}

/// Every column is of equal types, which are those of the kind that its record type declares.
fn types_are_equal(here: &Shape, there: &Shape) {
    for (of @ (table, name), mine) in &here.types {
        let theirs = &there.types[of];
        let equal = stored(mine, theirs);
        assert!(!equal.is_empty(), "{table}.{name} is {mine} on SQLite, {theirs} on MariaDB");
        let instant = equal.contains(&Stored::Of(Kind::Time));
        assert_eq!(instant, is_instant(name), "{table}.{name}: {equal:?}");
        assert_eq!(equal.contains(&Stored::One), name == "one", "{table}.{name}: {equal:?}");
        assert_eq!(equal.contains(&Stored::Hash), name == "hash", "{table}.{name}: {equal:?}");
        let schema = schemas().into_iter().find(|schema| schema.table == table);
        if let Some(column) = schema.and_then(|schema| schema.column(name)) {
            let kind = column.kind;
            assert!(equal.contains(&Stored::Of(kind)), "{table}.{name}, {kind:?}: {equal:?}");
        }
    }
}

fn found(folder: &Path) -> PathBuf {
    let inner =
        |folder: &Path| std::fs::read_dir(folder).expect("a folder").flatten().map(|e| e.path());
    let mut files =
        inner(&folder.join("tenants")).flat_map(|folder| inner(&folder).collect::<Vec<_>>());
    files.find(|f| f.extension().is_some_and(|e| e == "sqlite3")).expect("the tenant's file")
}

/// What the first has and the second lacks.
fn lacking<T: Clone + Ord>(first: &BTreeSet<T>, second: &BTreeSet<T>) -> Vec<T> {
    first.difference(second).cloned().collect()
}

#[tokio::test]
async fn both_engines_have_the_same_tables_columns_types_keys_and_triggers() {
    let clock = Arc::new(SystemClock);
    let folder = tempfile::tempdir().expect("a folder");
    let others: &[&'static Schema] = &[&MEASURES];
    let sqlite =
        SqliteFleet::open(folder.path(), SqliteOptions::default(), others, clock.clone()).await;
    let sqlite = sqlite.expect("SQLite");
    let options = support::options(0);
    let mariadb = MariaDbFleet::open(&support::registry(0), options.clone(), others, clock).await;
    let mariadb = mariadb.expect("MariaDB");
    let wanted = wanted::wanted(0, "acme-plants");
    for fleet in [&sqlite as &dyn Fleet, &mariadb] {
        let tenant = fleet.provision(wanted.clone()).await.expect("provisioning");
        let store = fleet.open(&tenant).await.expect("opening");
        // Fences are triggers.
        store.fence(true).await.expect("fenced");
    }
    let root = MySqlConnectOptions::from_str(support::address()).expect("an address");
    let mut root = root.connect().await.expect("the administrator");
    sqlx::raw_sql("SET SESSION group_concat_max_len = 100000")
        .execute(&mut root)
        .await
        .expect("set");
    let tenant = format!("{}{}", options.prefix, wanted.id.uuid().simple());
    let registry = support::registry(0).rsplit('/').next().expect("a name").to_owned();
    let file = found(folder.path());
    let of_tenant = (of_sqlite(&file), of_mariadb(&mut root, &tenant).await);
    // Two fences, and two for each of the record types that have facets.
    let facets = schemas().iter().filter(|schema| !schema.facets.is_empty()).count();
    assert_eq!(of_tenant.0.triggers.len(), 2 + 2 * facets, "{:?}", of_tenant.0.triggers);
    for (kind, ..) in EQUAL {
        let known = of_tenant.0.types.iter().any(|(of, mine)| {
            of_tenant.1.types.get(of).is_some_and(|theirs| stored(mine, theirs).contains(kind))
        });
        assert!(known, "there is no {kind:?} to compare");
    }
    let file = folder.path().join("registry.sqlite3");
    let of_registry = (of_sqlite(&file), of_mariadb(&mut root, &registry).await);
    for (here, there) in [of_tenant, of_registry] {
        assert!(here.columns.len() > 15 && !here.keys.is_empty(), "there is something to compare");
        assert_eq!(lacking(&here.columns, &there.columns), [], "columns MariaDB lacks");
        assert_eq!(lacking(&there.columns, &here.columns), [], "columns SQLite lacks");
        assert_eq!(lacking(&here.keys, &there.keys), [], "keys MariaDB lacks");
        assert_eq!(lacking(&there.keys, &here.keys), [], "keys SQLite lacks");
        assert_eq!(lacking(&here.triggers, &there.triggers), [], "triggers MariaDB lacks");
        assert_eq!(lacking(&there.triggers, &here.triggers), [], "triggers SQLite lacks");
        types_are_equal(&here, &there);
    }
    sqlite.close().await;
    mariadb.close().await;
}
