//! What goes on beside tenants' requests: connections of the administrator's account, servers with several
//! addresses, and what one process does alone.
#![cfg(feature = "mariadb")]

#[path = "support/cluster.rs"]
mod cluster;
#[path = "support/listed.rs"]
mod listed;
#[path = "support/mariadb.rs"]
mod support;
#[path = "support/wanted.rs"]
mod wanted;

use cluster::galera;
use listed::listed;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use std::net::TcpListener;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;
use vivero_core::clock::{IdSource as _, SeededIds};
use vivero_core::port::{Fleet, Provision};
use vivero_core::server::{MAIN, ServerPatch, ServerState, Verdict};
use vivero_core::tenant::Tenant;
use vivero_core::{Clock as _, Error, TenantId};
use vivero_store::{MariaDbFleet, MariaDbOptions, SystemClock};
use wanted::wanted;

async fn open(url: &str, options: MariaDbOptions) -> MariaDbFleet {
    MariaDbFleet::open(url, options, &[], Arc::new(SystemClock)).await.expect("opening")
}

/// One write transaction.
async fn touch(fleet: &MariaDbFleet, tenant: &Tenant) -> vivero_core::Result<()> {
    fleet.open(tenant).await?.begin().await?.commit().await.map(|_| ())
}

async fn administrator() -> MySqlConnection {
    let options = MySqlConnectOptions::from_str(support::address()).expect("an address");
    options.connect().await.expect("the administrator")
}

async fn number(root: &mut MySqlConnection, sql: String) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(root).await.expect("a number")
}

/// Where nobody listens.
fn deserted() -> String {
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    format!("127.0.0.1:{port}")
}

/// `HOST:PORT` of a test server.
fn place(number: usize) -> &'static str {
    support::server(number).rsplit('@').next().expect("a place")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_beside_the_budget_are_bounded_too() {
    let n = 400;
    let account = format!("adm{}x{n}", std::process::id());
    let mut root = administrator().await;
    let made = format!(
        "CREATE USER '{account}'@'%' IDENTIFIED BY 'secret'; GRANT ALL ON *.* TO '{account}'@'%' WITH GRANT OPTION"
    );
    sqlx::raw_sql(AssertSqlSafe(made)).execute(&mut root).await.expect("an account");
    let url = support::registry(n).replace("root@", &format!("{account}:secret@"));
    let (beside, registry) = (4, 6);
    let options = MariaDbOptions {
        admin_connections: beside,
        max_open: 4,
        max_connections: Some(16),
        wait: Duration::from_secs(60),
        ..support::options(n)
    };
    let fleet = Arc::new(open(&url, options).await);
    let mut makers = tokio::task::JoinSet::new();
    for i in 0..8 {
        let fleet = Arc::clone(&fleet);
        makers.spawn(async move {
            let tenant = fleet.provision(wanted(n, &format!("tenant-{i}"))).await.expect("made");
            touch(&fleet, &tenant).await.expect("it works");
            fleet.rotate_credentials(&tenant).await.expect("another password");
            fleet.usage(&tenant).await.expect("figures");
        });
    }
    let count =
        format!("SELECT count(*) FROM information_schema.processlist WHERE user = '{account}'");
    let mut most = 0;
    while !makers.is_empty() {
        most = most.max(number(&mut root, count.clone()).await);
        let ended = tokio::time::timeout(Duration::from_millis(3), makers.join_next()).await;
        if let Ok(Some(ended)) = ended {
            ended.expect("no error");
        }
    }
    // A connection that was just closed is counted until the server has noticed.
    let bound = i64::try_from(beside + registry + 3).expect("few");
    assert!((2..=bound).contains(&most), "{most} connections of the administrator's account");
    // What it may take is told to whoever sizes the server.
    let findings = fleet.examine().await.expect("looked at");
    let said = findings.iter().find(|f| f.check == "max_connections").expect("looked at");
    assert!(said.detail.contains("36 are the 16 of tenants, 10 of"), "{}", said.detail);
    fleet.close().await;
    sqlx::raw_sql(AssertSqlSafe(format!("DROP USER '{account}'@'%'")))
        .execute(&mut root)
        .await
        .expect("gone");
}

#[tokio::test]
async fn several_addresses_are_for_the_nodes_of_a_cluster() {
    let n = 401;
    let fleet = open(&support::registry(n), support::options(n)).await;
    // Two servers that do not hold the same.
    let apart = format!("{},{}", place(0), place(1));
    let refused = fleet.add_server(listed("cluster", &apart)).await.expect_err("no cluster");
    assert!(matches!(refused, Error::Invalid(_)), "{refused:?}");
    assert!(format!("{refused} {refused:?}").contains("not connected"), "{refused:?}");
    fleet.close().await;
}

/// Eight requests with one key, four of each process.
async fn one_is_made_by_many(n: usize, fleets: [Arc<MariaDbFleet>; 2]) {
    let mut makers = tokio::task::JoinSet::new();
    for i in 0..8 {
        let fleet = Arc::clone(&fleets[i % 2]);
        let provision = Provision {
            id: TenantId::from_uuid(SeededIds::new(900 + i as u64).id(SystemClock.now())),
            key: Some("one key".into()),
            fingerprint: Some("one request".into()),
            ..wanted(n, "acme-plants")
        };
        makers.spawn(async move {
            loop {
                match fleet.provision(provision.clone()).await {
                    Ok(tenant) => return tenant,
                    // Both asked at the same instant: as over HTTP, one asks again.
                    Err(Error::Undone { .. } | Error::Taken { .. } | Error::Unavailable { .. }) => {
                    }
                    Err(other) => panic!("{other:?}"),
                }
            }
        });
    }
    let mut made = Vec::new();
    while let Some(tenant) = makers.join_next().await {
        made.push(tenant.expect("made"));
    }
    assert!(made.iter().all(|tenant| tenant.id == made[0].id), "all got the same tenant");
    for fleet in &fleets {
        touch(fleet, &made[0]).await.expect("it works");
        assert_eq!(fleet.list(None, 10).await.expect("tenants").len(), 1);
        fleet.close().await;
    }
}

#[tokio::test]
#[ignore = "needs a Galera cluster: tests/run --cluster"]
async fn a_listed_server_may_be_a_cluster() {
    let n = 402;
    let fleet = open(&support::registry(n), support::options(n)).await;
    let ([one, two, three], dead) = (galera(), deserted());
    let nobody = fleet.add_server(listed("cluster", &format!("{dead},{}", deserted()))).await;
    assert!(matches!(nobody, Err(Error::Invalid(_))), "{nobody:?}");
    let nodes = format!("{dead},{one},{two}");
    let added = fleet.add_server(listed("cluster", &nodes)).await.expect("the second node answers");
    assert_eq!(added.address, nodes);
    let elsewhere = ServerPatch { state: Some(ServerState::Draining), ..ServerPatch::default() };
    fleet.change_server(MAIN, elsewhere, None).await.expect("main takes no more");
    let tenant = fleet.provision(wanted(n, "acme-plants")).await.expect("made on the cluster");
    touch(&fleet, &tenant).await.expect("it works");
    let there = fleet.servers().await.expect("servers");
    assert_eq!(there.iter().find(|s| s.name == "cluster").expect("listed").tenants, 1);
    // Also at another node, and for a process that starts now.
    let patch = ServerPatch { address: Some(format!("{three},{dead}")), ..ServerPatch::default() };
    fleet.change_server("cluster", patch, None).await.expect("changed");
    touch(&fleet, &tenant).await.expect("it works");
    fleet.close().await;
    let fleet = open(&support::registry(n), support::options(n)).await;
    touch(&fleet, &tenant).await.expect("it works");
    let found = fleet.examine().await.expect("looked at");
    // Main and each node that answers are looked at alike.
    let checks = |server: &str| -> Vec<&str> {
        let of = found.iter().filter(|f| f.server == server && f.check != "state");
        of.map(|f| f.check.as_str()).collect()
    };
    let (main, node) = (checks(MAIN), checks(&format!("cluster {three}")));
    assert!(main.len() > 10 && main.iter().all(|check| node.contains(check)), "{main:?} {node:?}");
    let of_node = |check: &str| {
        let found = found.iter().find(|f| f.server.contains(&three) && f.check == check);
        found.expect("looked at").verdict
    };
    for check in ["wsrep_ready", "wsrep_cluster_size", "binlog_format", "innodb_autoinc_lock_mode"]
    {
        assert_eq!(of_node(check), Verdict::Ok, "{check}");
    }
    let away: Vec<_> = found.iter().filter(|f| f.server.contains(&dead)).collect();
    assert!(away.len() == 1 && away[0].verdict == Verdict::Failed, "{away:?}");
    fleet.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Galera cluster: tests/run --cluster"]
async fn processes_at_different_nodes_of_a_cluster_do_not_make_a_tenant_twice() {
    let [one, two, three] = galera();
    for round in 0..5 {
        let n = 410 + round;
        let registry = format!("held_{}_{n}", std::process::id());
        let url = |first: &str, last: &str| format!("mysql://root@{first},{two},{last}/{registry}");
        // The one prefers the first node, the other the third: their locks know nothing of each other.
        let first = open(&url(&one, &three), support::options(n)).await;
        let other = open(&url(&three, &one), support::options(n)).await;
        one_is_made_by_many(n, [Arc::new(first), Arc::new(other)]).await;
        let at = MySqlConnectOptions::from_str(&format!("mysql://root@{two}")).expect("an address");
        let mut root = at.connect().await.expect("the administrator");
        let held = format!(
            "SELECT count(*) FROM {registry}.leases WHERE name LIKE 'hold/%' AND token > 0"
        );
        assert!(number(&mut root, held).await > 0, "tenants were held by leases");
        // An attempt that was undone leaves the lease of a database that is gone.
        let tables = format!(
            "SELECT count(*) FROM {registry}.leases l JOIN information_schema.schemata s \
             ON l.name = concat('tables/', s.schema_name) \
             WHERE s.schema_name LIKE '{}%' AND l.token > 0",
            support::options(n).prefix
        );
        assert_eq!(number(&mut root, tables).await, 1, "so were the tables of one");
        let made = format!(
            "SELECT count(*) FROM information_schema.schemata WHERE schema_name LIKE '{}%'",
            support::options(n).prefix
        );
        assert_eq!(number(&mut root, made).await, 1, "one database was made");
    }
}
