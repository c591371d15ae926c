//! What MariaDB makes of the statements: walks follow an index in its order, however deep the page.
#![cfg(feature = "mariadb")]

#[path = "support/mariadb.rs"]
mod support;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};
use std::str::FromStr as _;
use std::sync::Arc;
use vivero_core::clock::{IdSource as _, SeededIds};
use vivero_core::ids::RecordId;
use vivero_core::port::{Fleet, Provision, TenantStore};
use vivero_core::query::{Predicate, Query, Sort};
use vivero_core::record::Row;
use vivero_core::tenant::{OperationType, Plan};
use vivero_core::{Clock as _, Cursor, Record, TenantId, Value, text_enum};
use vivero_store::{MariaDbFleet, MariaDbOptions, SystemClock};

text_enum! {
    /// A facet.
    enum Status { Young = "young", Ready = "ready", Sold = "sold" }
}

#[derive(Debug, Clone, PartialEq, Record)]
#[record(table = "lots", resource = "lot", facets(status, kind))]
struct Lot {
    id: RecordId<Self>,
    #[record(unique, sort, max = 64)]
    code: String,
    #[record(filter, count, max = 16)]
    status: Status,
    #[record(filter, count, max = 16)]
    kind: Status,
    #[record(lead, count, max = 64)]
    keeper: String,
    #[record(sort)]
    pieces: i64,
    #[record(filter, sort)]
    rank: Option<i64>,
}

const ROWS: i64 = 4_000;
const SORTS: [Option<&str>; 5] =
    [None, Some("updated_at"), Some("code"), Some("pieces"), Some("rank")];

async fn filled(store: &dyn TenantStore, ids: &SeededIds) {
    let all = [Status::Young, Status::Ready, Status::Sold];
    let rows = (0..ROWS).map(|i| {
        let at = SystemClock.now() + chrono::Duration::milliseconds(i);
        let id = ids.id(at);
        let n = usize::try_from(i).expect("few");
        let lot = Lot {
            id: RecordId::from_uuid(id),
            code: format!("L-{i:05}"),
            status: all[n % 3],
            kind: all[n / 3 % 3],
            keeper: format!("keeper {}", i % 2),
            pieces: i * 7 % 101,
            rank: (i % 4 != 0).then_some(i % 50),
        };
        Row {
            seq: 0,
            id,
            version: 1,
            created_at: at,
            created_by: id,
            updated_at: at,
            updated_by: id,
            deleted_at: None,
            values: lot.into_values(),
        }
    });
    let mut work = store.begin().await.expect("a work");
    work.insert(Lot::SCHEMA, rows.collect()).await.expect("inserting");
    work.commit().await.expect("committing");
}

fn text(row: &MySqlRow, column: &str) -> String {
    let bytes: Option<Vec<u8>> = row.get_unchecked(column);
    String::from_utf8(bytes.unwrap_or_default()).expect("text")
}

async fn run(root: &mut MySqlConnection, sql: &str) -> Vec<MySqlRow> {
    let rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_all(root).await;
    rows.unwrap_or_else(|e| panic!("{sql}: {e}"))
}

/// The statements of an account since they were last asked for.
async fn said(root: &mut MySqlConnection, account: &str) -> Vec<String> {
    let sql = format!(
        "SELECT argument FROM mysql.general_log WHERE user_host LIKE '{account}%' \
         AND command_type IN ('Execute', 'Query')"
    );
    // Statements that came together are logged with all that come after them.
    let first = |row: &MySqlRow| {
        let all = text(row, "argument");
        all.split("; ").next().unwrap_or_default().to_owned()
    };
    let statements = run(root, &sql).await.iter().map(first).collect();
    run(root, "TRUNCATE TABLE mysql.general_log").await;
    statements
}

#[tokio::test]
async fn no_walk_sorts_or_looks_through_a_table_however_deep_the_page() {
    let registry = support::registry(0);
    // Without indexes in memory, so that every list is a walk of the database's.
    let options = MariaDbOptions { bitmap_memory: 0, ..support::options(0) };
    let fleet = MariaDbFleet::open(&registry, options, &[Lot::SCHEMA], Arc::new(SystemClock));
    let fleet = fleet.await.expect("opening");
    let (ids, at) = (SeededIds::new(77), SystemClock.now());
    let provision = Provision {
        id: TenantId::from_uuid(ids.id(at)),
        slug: "acme-plants".parse().expect("a slug"),
        organization: "Acme".into(),
        operation_type: OperationType::Mixed,
        plan: Plan::Contract,
        at,
        key: None,
        fingerprint: None,
        seed: Vec::new(),
        entries: Vec::new(),
    };
    let tenant = fleet.provision(provision).await.expect("provisioning");
    let store = fleet.open(&tenant).await.expect("opening the tenant");
    filled(&*store, &ids).await;
    let account = format!("{}{}", support::options(0).prefix, tenant.id.uuid().simple());
    let root = MySqlConnectOptions::from_str(support::address()).expect("an address");
    let mut root = root.database(&account).connect().await.expect("the administrator");
    // As the fleet's own connections: a text of another collation is not the same constant.
    run(&mut root, "SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin").await;
    run(&mut root, "ANALYZE TABLE lots").await;
    run(&mut root, "SET GLOBAL log_output = 'TABLE'").await;
    run(&mut root, "SET GLOBAL general_log = ON").await;
    said(&mut root, &account).await;

    let is = |column, value: &str| Predicate::Equals(column, Value::Text(value.into()));
    let filters = [
        Predicate::All,
        is("status", "ready"),
        is("kind", "sold"),
        is("status", "ready").and(is("kind", "sold")),
        Predicate::OneOf("status", ["ready", "sold"].map(|s| Value::Text(s.into())).into()),
        is("keeper", "keeper 1"),
        is("status", "young").and(is("keeper", "keeper 0")),
    ];
    let mut looked_at = 0;
    for sort in SORTS {
        for descending in [false, true] {
            for filter in &filters {
                let sort = Sort { column: sort, descending, required: sort != Some("rank") };
                let mut query =
                    Query { sort, filter: filter.clone(), ..Query::new(Predicate::All, 20) };
                // The first page, one at the middle, one among the rows without a value.
                for key in [None, Some(25), Some(-1)] {
                    query.after = key.map(|n| Cursor {
                        sort: sort.name(),
                        key: match sort.column {
                            Some("updated_at") => Value::Time(at),
                            Some("code") => Value::Text("L-02000".into()),
                            Some("rank") if n < 0 => Value::Null,
                            Some(_) => Value::Int(n),
                            None => Value::Null,
                        },
                        seq: ROWS / 2,
                    });
                    let mut rows = store.read().await.expect("reading");
                    rows.list(Lot::SCHEMA, &query).await.expect("listing");
                    drop(rows);
                    for sql in said(&mut root, &account).await {
                        if !sql.contains("FROM lots t") || sql.contains("count(*)") {
                            continue;
                        }
                        looked_at += 1;
                        let gathers = sql.contains("sort_key");
                        for step in run(&mut root, &format!("EXPLAIN {sql}")).await {
                            if text(&step, "table") != "t" {
                                continue;
                            }
                            let (kind, extra) = (text(&step, "type"), text(&step, "Extra"));
                            assert_ne!(kind, "ALL", "looks through the table: {sql}");
                            assert!(!text(&step, "key").is_empty(), "follows no index: {sql}");
                            assert!(
                                gathers || !extra.contains("filesort"),
                                "sorts ({extra}): {sql}"
                            );
                        }
                    }
                }
            }
        }
    }
    run(&mut root, "SET GLOBAL general_log = OFF").await;
    assert!(looked_at > 200, "{looked_at} statements were looked at");
    fleet.close().await;
}
