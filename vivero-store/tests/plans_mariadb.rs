//! What MariaDB makes of the statements: walks follow an index in its order, however deep the page.
#![cfg(feature = "mariadb")]

#[path = "support/mariadb.rs"]
mod support;

use chrono::{DateTime, Utc};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};
use std::str::FromStr as _;
use std::sync::Arc;
use vivero_core::clock::{IdSource as _, SeededIds};
use vivero_core::entity::{Entity, Unit};
use vivero_core::ids::RecordId;
use vivero_core::location::{Location, LocationKind};
use vivero_core::port::{Fleet, Provision, TenantStore};
use vivero_core::query::{Predicate, Query, Sort};
use vivero_core::record::{Column, Row, Schema};
use vivero_core::tenant::{OperationType, Plan};
use vivero_core::{
    Clock as _, Cursor, EntityId, LocationId, Record, TenantId, Uuid, Value, text_enum,
};
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
/// So few rows may be sorted by themselves.
const FEW: u64 = 400;

fn row(id: Uuid, at: DateTime<Utc>, values: Vec<Value>) -> Row {
    Row {
        seq: 0,
        id,
        version: 1,
        created_at: at,
        created_by: id,
        updated_at: at,
        updated_by: id,
        deleted_at: None,
        values,
    }
}

fn own_lots(ids: &SeededIds) -> Vec<Row> {
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
        row(id, at, lot.into_values())
    });
    rows.collect()
}

/// Four sites of ten beds each.
fn places(ids: &SeededIds) -> Vec<(LocationId, Row)> {
    let mut all: Vec<(LocationId, Row)> = Vec::new();
    for site in 0..4 {
        let mut above: Option<(LocationId, String)> = None;
        for number in 0..=10 {
            let at = SystemClock.now();
            let id = LocationId::from_uuid(ids.id(at));
            let path = above.as_ref().map_or_else(String::new, |(_, path)| path.clone());
            let path = format!("{path}{}/", id.uuid().simple());
            let place = Location {
                id,
                parent_id: above.as_ref().map(|(id, _)| *id),
                kind: if number == 0 { LocationKind::Site } else { LocationKind::Bed },
                code: format!("{site}-{number}"),
                name: format!("place {number} of {site}"),
                area_dm2: None,
                path: path.clone(),
            };
            all.push((id, row(id.uuid(), at, place.into_values())));
            above.get_or_insert((id, path));
        }
    }
    all
}

/// As many as `own_lots`, of the built-in type.
fn lots(ids: &SeededIds, places: &[(LocationId, Row)]) -> Vec<Row> {
    fn any<T: std::str::FromStr>(names: &[&str], n: usize) -> T {
        names[n % names.len()].parse().ok().expect("a value")
    }
    let domain = |name: &str| {
        let at = Entity::SCHEMA.index_of(name).expect("a column");
        Entity::SCHEMA.columns[at].domain
    };
    let rows = (0..ROWS).map(|i| {
        let at = SystemClock.now() + chrono::Duration::milliseconds(i);
        let id = ids.id(at);
        let n = usize::try_from(i).expect("few");
        let lot = Entity {
            id: EntityId::from_uuid(id),
            code: format!("E-{i:05}"),
            name: format!("Quercus {}", i * 7 % 301),
            kind: any(domain("kind"), n),
            status: any(domain("status"), n / 3),
            stage: any(domain("stage"), n / 7),
            held_from: None,
            location_id: Some(places[n % places.len()].0),
            batch_number: Some(format!("B-{}", n % 200)),
            supplier_reference: None,
            quantity: i * 11 % 997,
            unit: Unit::Plant,
            quality_grade: any(domain("quality_grade"), n / 11),
            attributes: serde_json::json!({}).into(),
            started_on: None,
            ready_on: None,
        };
        row(id, at, lot.into_values())
    });
    rows.collect()
}

async fn insert(store: &dyn TenantStore, schema: &'static Schema, rows: Vec<Row>) {
    let mut work = store.begin().await.expect("a work");
    work.insert(schema, rows).await.expect("inserting");
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

/// Lists with each of these filters in every declared sort, first pages and deep ones, and has the server say how it
/// would find them; how many statements were looked at.
async fn follow_indexes(
    (root, account): (&mut MySqlConnection, &str),
    store: &dyn TenantStore,
    schema: &'static Schema,
    filters: &[Predicate],
    middle: &Row,
) -> usize {
    let declared = schema.columns.iter().filter(|column| column.sort);
    let sorts = declared.map(|column| (Some(column.name), column.nullable));
    let sorts: Vec<_> =
        [(None, false), (Some("updated_at"), false)].into_iter().chain(sorts).collect();
    let from = format!("FROM {} t", schema.table);
    let mut looked_at = 0;
    for (column, nullable) in sorts {
        let key = match column {
            None => Value::Null,
            Some("updated_at") => Value::Time(middle.updated_at),
            Some(name) => middle.values[schema.index_of(name).expect("a column")].clone(),
        };
        // The first page, one at the middle, one among the rows without a value.
        let mut keys = vec![None, Some(key)];
        keys.extend(nullable.then_some(Some(Value::Null)));
        for (descending, filter, key) in [false, true]
            .into_iter()
            .flat_map(|d| filters.iter().map(move |f| (d, f)))
            .flat_map(|(d, f)| keys.iter().map(move |k| (d, f, k)))
        {
            let sort = Sort { column, descending, required: !nullable };
            let after = key.clone().map(|key| Cursor { sort: sort.name(), key, seq: ROWS / 2 });
            let query =
                Query { sort, filter: filter.clone(), after, ..Query::new(Predicate::All, 20) };
            let mut rows = store.read().await.expect("reading");
            rows.list(schema, &query).await.expect("listing");
            drop(rows);
            for sql in said(root, account).await {
                if !sql.contains(&from) || sql.contains("count(*)") {
                    continue;
                }
                looked_at += 1;
                let gathers = sql.contains("sort_key");
                for step in run(root, &format!("EXPLAIN {sql}")).await {
                    if text(&step, "table") != "t" {
                        continue;
                    }
                    let (kind, extra) = (text(&step, "type"), text(&step, "Extra"));
                    let rows: u64 = text(&step, "rows").parse().unwrap_or(u64::MAX);
                    assert_ne!(kind, "ALL", "looks through the table: {sql}");
                    assert!(!text(&step, "key").is_empty(), "follows no index: {sql}");
                    assert!(
                        gathers || rows <= FEW || !extra.contains("filesort"),
                        "sorts {rows} ({extra}): {sql}"
                    );
                }
            }
        }
    }
    looked_at
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
    let own = own_lots(&ids);
    let own_middle = own[usize::try_from(ROWS / 2 - 1).expect("few")].clone();
    insert(&*store, Lot::SCHEMA, own).await;
    let places = places(&ids);
    let built_in = lots(&ids, &places);
    let middle = built_in[usize::try_from(ROWS / 2 - 1).expect("few")].clone();
    insert(&*store, Location::SCHEMA, places.iter().map(|(_, row)| row.clone()).collect()).await;
    insert(&*store, Entity::SCHEMA, built_in).await;
    let account = format!("{}{}", support::options(0).prefix, tenant.id.uuid().simple());
    let root = MySqlConnectOptions::from_str(support::address()).expect("an address");
    let mut root = root.database(&account).connect().await.expect("the administrator");
    // As the fleet's own connections: a text of another collation is not the same constant.
    run(&mut root, "SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin").await;
    run(&mut root, "ANALYZE TABLE lots, entities, locations").await;
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
    let server = (&mut root, account.as_str());
    let of_own = follow_indexes(server, &*store, Lot::SCHEMA, &filters, &own_middle).await;
    assert!(of_own > 140, "{of_own} statements were looked at");
    // Every filter the built-in type declares, alone and the facets together, and places small and large.
    let columns = Entity::SCHEMA.columns;
    let declared = columns.iter().enumerate().filter(|(_, c)| c.filter && c.name != "location_id");
    let equals = |(i, c): (usize, &Column)| Predicate::Equals(c.name, middle.values[i].clone());
    let mut filters: Vec<Predicate> = declared.map(equals).collect();
    assert_eq!(filters.len(), 5, "{filters:?}");
    let facets = ["kind", "status", "stage", "quality_grade"].map(|name| {
        let at = Entity::SCHEMA.index_of(name).expect("a column");
        Predicate::Equals(name, middle.values[at].clone())
    });
    let together = facets.iter().cloned().reduce(Predicate::and).expect("facets");
    let [site, bed] = [0, 1].map(|i| Predicate::Within("location_id", vec![places[i].0.uuid()]));
    filters.extend([Predicate::All, site.clone(), bed.clone(), together]);
    filters
        .extend(facets.into_iter().flat_map(|f| [f.clone().and(site.clone()), f.and(bed.clone())]));
    let server = (&mut root, account.as_str());
    let of_entities = follow_indexes(server, &*store, Entity::SCHEMA, &filters, &middle).await;
    println!("looked at {of_own} and {of_entities} statements");
    assert!(of_entities > 300, "{of_entities} statements were looked at");
    run(&mut root, "SET GLOBAL general_log = OFF").await;
    fleet.close().await;
}
