//! What `examine` says of a server that is set up badly, and that its remedies are remedies. Each test has a server
//! of its own.
#![cfg(feature = "mariadb")]

#[path = "support/mariadb.rs"]
#[expect(dead_code, reason = "the registries lie on servers of their own")]
mod support;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use std::str::FromStr as _;
use std::sync::Arc;
use vivero_core::entity::{EntityType, NewEntity};
use vivero_core::port::Fleet;
use vivero_core::server::{MAIN, ServerFinding, Verdict};
use vivero_core::{Clock as _, NewTenant, Owner, Password, Vivero};
use vivero_store::{MariaDbFleet, MariaDbOptions, Open as _, SystemClock};

async fn open(address: &str, options: MariaDbOptions) -> MariaDbFleet {
    let url = format!("{address}/registry");
    MariaDbFleet::open(&url, options, &[], Arc::new(SystemClock)).await.expect("opening")
}

async fn administrator(address: &str) -> MySqlConnection {
    let options = MySqlConnectOptions::from_str(address).expect("an address");
    options.connect().await.expect("the administrator")
}

async fn run(root: &mut MySqlConnection, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(root).await;
    done.unwrap_or_else(|e| panic!("{sql}: {e}"));
}

async fn text(root: &mut MySqlConnection, sql: &str) -> String {
    let found = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(root).await;
    found.unwrap_or_else(|e| panic!("{sql}: {e}"))
}

fn of<'f>(found: &'f [ServerFinding], check: &str) -> &'f ServerFinding {
    let finding = found.iter().find(|f| f.check == check);
    finding.unwrap_or_else(|| panic!("{check} is not looked at: {found:?}"))
}

/// The statement a remedy begins with; none for what cannot be set while the server runs.
fn statement(remedy: &str) -> Option<&str> {
    let end = ["; ", ", for ", ", if "].iter().filter_map(|end| remedy.find(end)).min();
    let first = &remedy[..end.unwrap_or(remedy.len())];
    first.starts_with("SET GLOBAL ").then_some(first)
}

/// What is too little of everything, or not as it should be.
const BAD: [&str; 14] = [
    "--max-connections=20",
    "--max-user-connections=15",
    "--max-prepared-stmt-count=500",
    "--table-open-cache=100",
    "--table-definition-cache=400",
    "--max-allowed-packet=1M",
    "--wait-timeout=60",
    "--character-set-server=latin1",
    "--collation-server=latin1_swedish_ci",
    "--default-time-zone=+05:45",
    "--sql-mode=",
    "--log-bin=changes",
    "--sync-binlog=0",
    "--userstat=OFF",
];

/// Each check with its verdict on such a server, what is said and what is to be done.
const SAID: [(&str, Verdict, &str, &str); 14] = [
    ("max_connections", Verdict::Warning, "20, 40 ", "SET GLOBAL max_connections = 40; and"),
    ("max_user_connections", Verdict::Warning, "15, ", "SET GLOBAL max_user_connections = 64; and"),
    (
        "max_prepared_stmt_count",
        Verdict::Warning,
        "500, 1000 ",
        "SET GLOBAL max_prepared_stmt_count = 1000; and",
    ),
    ("table_open_cache", Verdict::Warning, "100, 160 ", "SET GLOBAL table_open_cache = 160; and"),
    (
        "table_definition_cache",
        Verdict::Warning,
        "400, 480 ",
        "table_definition_cache = 480 in the server's [mariadb] section",
    ),
    (
        "max_allowed_packet",
        Verdict::Warning,
        "1048576, 16777216 ",
        "SET GLOBAL max_allowed_packet = 16777216; and",
    ),
    ("wait_timeout", Verdict::Warning, "60, 90 ", "SET GLOBAL wait_timeout = 90; and"),
    ("character_set", Verdict::Warning, "latin1", "SET GLOBAL character_set_server = utf8mb4"),
    ("time_zone", Verdict::Warning, "+05:45", "default_time_zone = '+00:00' in the [mariadb]"),
    ("sql_mode", Verdict::Warning, "is not strict", "STRICT_ALL_TABLES"),
    ("sync_binlog", Verdict::Warning, "0: ", "SET GLOBAL sync_binlog = 1; and"),
    ("userstat", Verdict::Warning, "off", "SET GLOBAL userstat = 1; and userstat = 1 in"),
    // The private servers of these tests are fast, not safe.
    (
        "innodb_flush_log_at_trx_commit",
        Verdict::Failed,
        "0: ",
        "SET GLOBAL innodb_flush_log_at_trx_commit = 1; and",
    ),
    ("read_only", Verdict::Failed, "takes no changes", "SET GLOBAL read_only = 0"),
];

#[tokio::test]
async fn what_is_wrong_with_a_server_is_said_and_each_remedy_mends_it() {
    let address = support::start(&BAD.map(str::to_owned));
    let mut root = administrator(&address).await;
    let fleet = open(&address, support::options(600)).await;
    // The registry is there by now, and the administrator may write all the same.
    run(&mut root, "SET GLOBAL read_only = 1").await;
    let found = fleet.examine().await.expect("looked at");
    assert!(found.iter().all(|f| f.server == MAIN), "{found:?}");
    for (check, verdict, detail, remedy) in SAID {
        let finding = of(&found, check);
        assert_eq!(finding.verdict, verdict, "{finding:?}");
        assert!(finding.detail.contains(detail), "{finding:?}");
        assert!(finding.remedy.as_ref().is_some_and(|r| r.contains(remedy)), "{finding:?}");
    }
    for finding in &found {
        let is_said = SAID.iter().any(|(check, ..)| *check == finding.check);
        assert_eq!(finding.verdict != Verdict::Ok, is_said, "{finding:?}");
        assert_eq!(finding.remedy.is_some(), is_said, "a remedy where one is needed: {finding:?}");
    }
    for finding in &found {
        let Some(remedy) = &finding.remedy else { continue };
        let statement = statement(remedy).unwrap_or_else(|| panic!("no statement: {finding:?}"));
        run(&mut root, statement).await;
    }
    let found = fleet.examine().await.expect("looked at");
    let bad: Vec<_> = found.iter().filter(|f| f.verdict != Verdict::Ok).collect();
    assert!(bad.is_empty(), "each remedy was done as it says: {bad:?}");
    fleet.close().await;
}

#[tokio::test]
async fn what_is_stored_on_a_server_of_another_charset_zone_and_mode_is_what_was_given() {
    let address = support::start(&BAD.map(str::to_owned));
    let mut root = administrator(&address).await;
    let options = support::options(601);
    let prefix = options.prefix.clone();
    let vivero = Vivero::builder().mariadb(options).weak_passwords_for_tests();
    let vivero = vivero.open(&format!("{address}/registry")).await.expect("opening");
    let owner = Owner::new("grower@example.com", "correct horse battery");
    let new = NewTenant::trial("acme-plants", owner);
    let tenant = vivero.tenants().provision(new).await.expect("provisioning");
    let password = Password::new("grower@example.com", "correct horse battery");
    let session = vivero.sign_in("acme-plants", password).await.expect("signing in");
    let name = "Ñandubay 'Żółć' 苗木 🌿";
    let before = SystemClock.now();
    let new = NewEntity::new("ÑÆ-1", name, EntityType::Cutting, 100);
    let made = session.entities().create(new).await.expect("a lot");
    let found = session.entities().find(made.id).await.expect("finding").expect("the lot");
    assert_eq!((&found, found.name.as_str()), (&made, name));
    // The server's own clock shows almost six hours more.
    assert!((found.created_at - before).num_minutes() < 5, "{before}: {}", found.created_at);
    // The administrator's connection says what it is of by itself.
    let database = format!("{prefix}{}", tenant.id.uuid().simple());
    let as_bytes = text(&mut root, &format!("SELECT hex(name) FROM {database}.entities")).await;
    let hex: String = name.bytes().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(as_bytes, hex, "it is there as UTF-8");
    let others = format!(
        "SELECT CAST(count(*) AS CHAR) FROM information_schema.schemata WHERE \
         (schema_name = 'registry' OR schema_name LIKE '{prefix}%') AND default_character_set_name <> 'utf8mb4'"
    );
    assert_eq!(text(&mut root, &others).await, "0", "whatever the server's own is");
    let findings = vivero.servers().examine().await.expect("looked at");
    assert_eq!(of(&findings, "clock").verdict, Verdict::Ok, "instants are told apart from zones");
    drop(session);
    vivero.close().await;
}

#[tokio::test]
async fn what_a_process_takes_of_a_server_is_what_is_said_to_fit() {
    let address = support::start(&[]);
    let mut root = administrator(&address).await;
    let taken = |connections: Option<usize>| {
        let address = address.clone();
        async move {
            let options = MariaDbOptions { max_connections: connections, ..support::options(602) };
            let fleet = open(&address, options).await;
            let budget = fleet.servers().await.expect("servers").remove(0).connections.max;
            let found = fleet.examine().await.expect("looked at");
            let finding = of(&found, "max_connections").clone();
            fleet.close().await;
            (budget, finding)
        }
    };
    // Of the registry and the administrator, and for others.
    let beside = 6 + 16 + 10;
    for (allowed, given) in [
        (20, None),
        (31, None),
        (32, None),
        (36, None),
        (39, None),
        (40, None),
        (151, None),
        (1000, None),
        (151, Some(100)),
        (151, Some(119)),
        (151, Some(120)),
        (151, Some(500)),
    ] {
        run(&mut root, &format!("SET GLOBAL max_connections = {allowed}")).await;
        let (budget, finding) = taken(given).await;
        let need = budget + beside;
        let says = format!("{allowed}, {need} are the {budget} of tenants");
        assert!(finding.detail.starts_with(&says), "{says}: {finding:?}");
        let fits = need <= allowed;
        assert_eq!(finding.verdict == Verdict::Ok, fits, "{finding:?}");
        if !fits {
            let remedy = finding.remedy.expect("a remedy");
            assert!(remedy.contains(&format!("SET GLOBAL max_connections = {need}; ")), "{remedy}");
        }
    }
}

#[tokio::test]
async fn tables_of_many_open_tenants_need_what_a_restart_gives() {
    let address =
        support::start(&["--open-files-limit=4000".into(), "--max-connections=200".into()]);
    let few = open(&address, support::options(603)).await;
    let many = open(&address, MariaDbOptions { max_open: 10_000, ..support::options(604) }).await;
    let found = few.examine().await.expect("looked at");
    assert_eq!(of(&found, "open_files_limit").verdict, Verdict::Ok);
    let found = many.examine().await.expect("looked at");
    let files = of(&found, "open_files_limit");
    assert_eq!(files.verdict, Verdict::Warning, "{files:?}");
    let remedy = files.remedy.as_ref().expect("a remedy");
    assert!(remedy.starts_with("open_files_limit = 400300 in the server's [mariadb]"), "{remedy}");
    assert!(remedy.contains("LimitNOFILE=400300") && remedy.contains("restart"), "{remedy}");
    assert_eq!(statement(remedy), None, "it cannot be set while the server runs");
    let cache = of(&found, "table_open_cache");
    assert_eq!(cache.verdict, Verdict::Warning, "{cache:?}");
    few.close().await;
    many.close().await;
}
