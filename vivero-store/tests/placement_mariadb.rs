//! Tenants over several database servers: where they land, what a server out of service concerns, how
//! many connections there are, prepared databases, other passwords.
#![cfg(feature = "mariadb")]

#[path = "support/listed.rs"]
mod listed;
#[path = "support/mariadb.rs"]
mod support;
#[path = "support/wanted.rs"]
mod wanted;

use listed::listed;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use vivero_core::Error;
use vivero_core::port::Fleet;
use vivero_core::server::{MAIN, NewServer, ServerPatch, ServerState};
use vivero_core::tenant::Tenant;
use vivero_store::{MariaDbFleet, MariaDbOptions, SystemClock};
use wanted::wanted;

async fn open_with(n: usize, options: MariaDbOptions) -> MariaDbFleet {
    let clock = Arc::new(SystemClock);
    MariaDbFleet::open(&support::registry(n), options, &[], clock).await.expect("opening")
}

async fn open(n: usize) -> MariaDbFleet {
    open_with(n, support::options(n)).await
}

async fn provision(fleet: &MariaDbFleet, n: usize, slug: &str) -> Tenant {
    fleet.provision(wanted(n, slug)).await.expect("provisioning")
}

fn second(weight: u32, capacity: Option<u64>) -> NewServer {
    NewServer { weight, capacity, ..listed("second", support::server(1)) }
}

async fn administrator(server: usize) -> MySqlConnection {
    let options = MySqlConnectOptions::from_str(support::server(server)).expect("an address");
    options.connect().await.expect("the administrator")
}

async fn run(connection: &mut MySqlConnection, sql: &str) -> Result<(), u16> {
    match sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(e)) => {
            Err(e.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number))
        }
        Err(other) => panic!("{sql}: {other}"),
    }
}

fn registry_name(n: usize) -> String {
    support::registry(n).rsplit('/').next().expect("a name").to_owned()
}

/// Server and database of a tenant, from the registry.
async fn place(n: usize, tenant: &Tenant) -> (String, String) {
    let sql = format!(
        "SELECT server, database_name FROM {}.tenant_databases WHERE tenant_id = x'{}'",
        registry_name(n),
        tenant.id.uuid().simple()
    );
    sqlx::query_as(AssertSqlSafe(sql))
        .fetch_one(&mut administrator(0).await)
        .await
        .expect("a place")
}

/// Databases of an installation on a server.
async fn databases(n: usize, server: usize) -> Vec<String> {
    let sql = format!(
        "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE '{}%'",
        support::options(n).prefix
    );
    let found = sqlx::query_scalar(AssertSqlSafe(sql));
    found.fetch_all(&mut administrator(server).await).await.expect("databases")
}

async fn accounts(n: usize, server: usize) -> usize {
    let sql =
        format!("SELECT user FROM mysql.user WHERE user LIKE '{}%'", support::options(n).prefix);
    let found = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql));
    found.fetch_all(&mut administrator(server).await).await.expect("accounts").len()
}

async fn set(fleet: &MariaDbFleet, name: &str, state: ServerState) {
    let patch = ServerPatch { state: Some(state), ..ServerPatch::default() };
    fleet.change_server(name, patch, None).await.expect("changed");
}

/// One write transaction, which needs a connection and changes a row.
async fn touch(fleet: &MariaDbFleet, tenant: &Tenant) -> vivero_core::Result<()> {
    fleet.open(tenant).await?.begin().await?.commit().await.map(|_| ())
}

#[tokio::test]
async fn tenants_land_on_both_servers_by_weight_and_each_server_refuses_strangers() {
    let n = 200;
    let fleet = open(n).await;
    fleet.add_server(second(3, None)).await.expect("added");
    let mut tenants = Vec::new();
    for i in 0..8 {
        tenants.push(provision(&fleet, n, &format!("tenant-{i}")).await);
    }
    assert_eq!((databases(n, 0).await.len(), databases(n, 1).await.len()), (2, 6));
    let shown = fleet.servers().await.expect("servers");
    let shown: Vec<_> = shown.iter().map(|s| (s.name.as_str(), s.tenants)).collect();
    assert_eq!(shown, [(MAIN, 2), ("second", 6)]);
    for tenant in &tenants {
        touch(&fleet, tenant).await.expect("it works where it is");
    }
    fleet.close().await;
    // Another process finds them again.
    let fleet = open(n).await;
    for tenant in &tenants {
        touch(&fleet, tenant).await.expect("it works where it is");
    }
    for server in 0..2 {
        let (mut own, mut other) = (None, None);
        for tenant in &tenants {
            let (name, database) = place(n, tenant).await;
            if (name == MAIN) == (server == 0) {
                other = own.replace(database);
            }
        }
        let (own, other) = (own.expect("one"), other.expect("another"));
        let mut root = administrator(server).await;
        run(&mut root, &format!("SET PASSWORD FOR '{own}'@'%' = PASSWORD('known')"))
            .await
            .expect("a password");
        let options = MySqlConnectOptions::from_str(support::server(server)).expect("an address");
        let options = options.username(&own).password("known");
        let mut account = options.connect().await.expect("the tenant's own account");
        run(&mut account, &format!("SELECT count(*) FROM {own}.entities")).await.expect("its own");
        for sql in [
            format!("SELECT * FROM {other}.entities"),
            format!("DELETE FROM {other}.journal"),
            format!("USE {other}"),
            format!("DROP DATABASE {own}"),
            format!("GRANT ALL ON {own}.* TO '{own}'@'%'"),
            "SELECT * FROM mysql.global_priv".into(),
            format!("SELECT * FROM {}.database_servers", registry_name(n)),
        ] {
            let refused = run(&mut account, &sql).await.expect_err(&sql);
            assert!([1044, 1045, 1142, 1227, 1410].contains(&refused), "{sql}: {refused}");
        }
        let stranger =
            MySqlConnectOptions::from_str(support::server(1 - server)).expect("an address");
        let stranger = stranger.username(&own).password("known").connect().await;
        assert!(stranger.is_err(), "the other server does not know the account");
    }
    fleet.close().await;
}

#[tokio::test]
async fn a_draining_server_takes_nobody_and_one_that_is_down_refuses_its_tenants_only() {
    let n = 201;
    let fleet = open(n).await;
    let here = provision(&fleet, n, "here").await;
    fleet.add_server(second(1, None)).await.expect("added");
    let there = provision(&fleet, n, "there").await;
    assert_eq!(place(n, &there).await.0, "second");
    set(&fleet, "second", ServerState::Draining).await;
    for i in 0..3 {
        let tenant = provision(&fleet, n, &format!("later-{i}")).await;
        assert_eq!(place(n, &tenant).await.0, MAIN, "a draining server takes nobody");
    }
    touch(&fleet, &there).await.expect("whom it has works as ever");
    let other = open(n).await;
    touch(&other, &there).await.expect("in another process, too");

    set(&fleet, "second", ServerState::Down).await;
    let begun = Instant::now();
    match touch(&fleet, &there).await {
        Err(Error::Unavailable { what, retry_after, .. }) => {
            assert!(what.contains("second") && what.contains("out of service"), "{what}");
            assert!(retry_after > 0);
        }
        other => panic!("refused, not {other:?}"),
    }
    assert!(begun.elapsed() < Duration::from_millis(500), "at once: {:?}", begun.elapsed());
    touch(&fleet, &here).await.expect("the others are not concerned");
    // The other process sees it soon.
    let deadline = Instant::now() + Duration::from_secs(10);
    while touch(&other, &there).await.is_ok() {
        assert!(Instant::now() < deadline, "the other process never sees it");
        tokio::task::yield_now().await;
    }
    set(&fleet, "second", ServerState::Open).await;
    touch(&fleet, &there).await.expect("it is in service again");
    other.close().await;
    fleet.close().await;
}

#[tokio::test]
async fn without_room_a_tenant_is_refused_in_words_and_leaves_nothing() {
    let n = 202;
    let fleet = open(n).await;
    fleet.add_server(second(1000, Some(2))).await.expect("added");
    let patch = ServerPatch { capacity: Some(Some(1)), ..ServerPatch::default() };
    fleet.change_server(MAIN, patch, None).await.expect("changed");
    for i in 0..3 {
        provision(&fleet, n, &format!("tenant-{i}")).await;
    }
    let refused = fleet.provision(wanted(n, "one-more")).await.expect_err("full");
    assert!(matches!(refused, Error::Unavailable { .. }), "{refused:?}");
    assert!(refused.to_string().contains("vivero server add"), "{refused}");
    assert_eq!(fleet.resume_provisioning().await.expect("resuming"), (0, 0), "nothing is left");
    let patch = ServerPatch { capacity: Some(None), ..ServerPatch::default() };
    fleet.change_server(MAIN, patch, None).await.expect("changed");
    provision(&fleet, n, "one-more").await;
    fleet.close().await;
}

#[tokio::test]
async fn a_server_that_will_not_do_is_refused_with_what_to_do() {
    let n = 203;
    let fleet = open(n).await;
    let wrong_password = NewServer { password: "hunter2".into(), ..second(1, None) };
    let nobody_there = NewServer { address: "127.0.0.1:1".into(), ..second(1, None) };
    for (server, says) in
        [(wrong_password, "refuses the credentials"), (nobody_there, "does not answer")]
    {
        let refused = fleet.add_server(server).await.expect_err("it will not do");
        let text = format!("{refused} {refused:?}");
        assert!(matches!(refused, Error::Invalid(_)), "{text}");
        assert!(text.contains(says) && text.contains("Check address"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    fleet.add_server(second(1, None)).await.expect("added");
    match fleet.add_server(second(1, None)).await {
        Err(Error::Taken { field, .. }) => assert_eq!(field, "name"),
        other => panic!("a name is one server's, not {other:?}"),
    }
    let patch = || ServerPatch { weight: Some(2), ..ServerPatch::default() };
    fleet.change_server("second", patch(), Some(1)).await.expect("the version is current");
    let late =
        fleet.change_server("second", patch(), Some(1)).await.expect_err("it is not any more");
    assert!(matches!(late, Error::Conflict { current_version: 2, .. }), "{late:?}");
    let none = fleet.change_server("third", patch(), None).await.expect_err("there is none");
    assert!(matches!(none, Error::NotFound { .. }), "{none:?}");
    let sealed: Vec<u8> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT coalesce(password, 'none') FROM {}.database_servers WHERE name = 'main'",
        registry_name(n)
    )))
    .fetch_one(&mut administrator(0).await)
    .await
    .expect("a row");
    assert_eq!(sealed, b"none", "the configuration's password is not stored");
    fleet.close().await;
}

#[tokio::test]
async fn many_tenants_share_few_connections_without_an_error() {
    let n = 204;
    let limit = 8;
    let options = MariaDbOptions {
        max_open: 6,
        max_connections: Some(limit),
        wait: Duration::from_secs(20),
        ..support::options(n)
    };
    let fleet = Arc::new(open_with(n, options).await);
    let mut tenants = Vec::new();
    for i in 0..12 {
        tenants.push(provision(&fleet, n, &format!("tenant-{i}")).await);
    }
    let tenants: Arc<[Tenant]> = tenants.into();
    let next = Arc::new(AtomicUsize::new(0));
    let mut visitors = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (fleet, tenants, next) = (Arc::clone(&fleet), Arc::clone(&tenants), Arc::clone(&next));
        visitors.spawn(async move {
            loop {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                if turn >= 240 {
                    return;
                }
                touch(&fleet, &tenants[turn % tenants.len()]).await.expect("no error");
            }
        });
    }
    let mut most = 0;
    let mut root = administrator(0).await;
    let count = format!(
        "SELECT count(*) FROM information_schema.processlist WHERE user LIKE '{}%'",
        support::options(n).prefix
    );
    while !visitors.is_empty() {
        let there: i64 = sqlx::query_scalar(AssertSqlSafe(count.clone()))
            .fetch_one(&mut root)
            .await
            .expect("a count");
        most = most.max(there);
        let ended = tokio::time::timeout(Duration::from_millis(5), visitors.join_next()).await;
        if let Ok(Some(ended)) = ended {
            ended.expect("no error");
        }
    }
    // A connection that was just closed is counted until the server has noticed.
    assert!((2..=limit as i64 + 3).contains(&most), "{most} connections, the budget is {limit}");
    let connections = fleet.servers().await.expect("servers").remove(0).connections;
    assert_eq!(connections.max, limit as u64);
    assert!(connections.evicted > 0, "idle ones made room: {connections:?}");
    assert_eq!((connections.refused, connections.waiting), (0, 0), "{connections:?}");
    fleet.close().await;
}

#[tokio::test]
async fn when_all_connections_are_in_use_a_request_waits_a_bounded_time_and_is_refused() {
    let n = 205;
    let options = MariaDbOptions { max_connections: Some(2), ..support::options(n) };
    let fleet = open_with(n, options).await;
    let tenant = provision(&fleet, n, "acme-plants").await;
    let store = fleet.open(&tenant).await.expect("opening");
    let (first, second) = (store.begin().await.expect("one"), store.snapshot(None).await);
    let second = second.expect("two");
    let begun = Instant::now();
    match store.feed(0, 1).await.map(|_| ()) {
        Err(Error::Unavailable { what, retry_after, .. }) => {
            assert!(what.contains("connections") && retry_after > 0, "{what}");
        }
        other => panic!("refused, not {other:?}"),
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let connections = fleet.servers().await.expect("servers").remove(0).connections;
    assert_eq!((connections.open, connections.in_use), (2, 2));
    // The sealer, who looks when a tenant is opened, may have come too late as well.
    assert!(connections.refused >= 1, "{connections:?}");
    assert!(connections.waited_seconds > 0.1, "{connections:?}");
    drop((first, second));
    touch(&fleet, &tenant).await.expect("there is room again");
    drop(store);
    fleet.close().await;
}

#[tokio::test]
async fn a_new_tenant_claims_a_prepared_database() {
    let n = 206;
    let fleet = open_with(n, MariaDbOptions { standby: 3, ..support::options(n) }).await;
    assert_eq!(fleet.tend().await.expect("tending"), 3);
    assert_eq!(fleet.tend().await.expect("tending"), 0, "and no more");
    let before = databases(n, 0).await;
    assert_eq!(before.len(), 3);
    let (one, two) = tokio::join!(provision(&fleet, n, "one"), provision(&fleet, n, "two"));
    let (one_at, two_at) = (place(n, &one).await.1, place(n, &two).await.1);
    assert_ne!(one_at, two_at, "none is claimed twice");
    assert!(before.contains(&one_at) && before.contains(&two_at), "they were there before");
    assert_eq!(databases(n, 0).await.len(), 3, "nothing else was made");
    for tenant in [&one, &two] {
        touch(&fleet, tenant).await.expect("it works");
    }
    assert_eq!(fleet.tend().await.expect("tending"), 2, "those are made again");
    // Two processes take turns.
    let other = open_with(n, MariaDbOptions { standby: 5, ..support::options(n) }).await;
    let (a, b) = tokio::join!(fleet.tend(), other.tend());
    assert_eq!(a.expect("tending") + b.expect("tending"), 2);
    assert_eq!(fleet.servers().await.expect("servers")[0].standby, 5);
    other.close().await;
    fleet.close().await;
}

#[tokio::test]
async fn what_a_killed_process_left_of_a_prepared_database_is_cleared_away() {
    let n = 207;
    let registry = registry_name(n);
    let fleet = open_with(n, MariaDbOptions { standby: 1, ..support::options(n) }).await;
    let mut root = administrator(0).await;
    for with in [
        "",
        "DROP TABLE DB.entities",
        "DROP DATABASE DB; CREATE DATABASE DB",
        "DROP DATABASE DB",
        "DROP DATABASE DB; DROP USER 'DB'@'%'",
    ] {
        fleet.tend().await.expect("tending");
        let database = databases(n, 0).await.pop().expect("one");
        let back = format!("UPDATE {registry}.standby_databases SET state = 'making'; {with}");
        run(&mut root, &back.replace("DB", &database)).await.expect("put back");
        assert_eq!(fleet.tend().await.expect("tending"), 2, "one removed, one made, after {with}");
        let now = databases(n, 0).await;
        assert_eq!(now.len(), 1, "after {with}");
        assert_ne!(now[0], database, "after {with}");
        assert_eq!(accounts(n, 0).await, 1, "after {with}");
    }
    // Claimed, and then cut off: the tenant is undone, and the database with it.
    let tenant = provision(&fleet, n, "acme-plants").await;
    let database = place(n, &tenant).await.1;
    let back = format!(
        "DELETE FROM {database}.stamp; UPDATE {registry}.tenants SET state = 'provisioning', version = 1"
    );
    run(&mut root, &back).await.expect("put back");
    assert_eq!(fleet.resume_provisioning().await.expect("resuming"), (0, 1));
    assert_eq!((databases(n, 0).await.len(), accounts(n, 0).await), (0, 0));
    // Tables of another build: nobody claims it, and it goes when it is old.
    fleet.tend().await.expect("tending");
    let old =
        format!("UPDATE {registry}.standby_databases SET tables_of = 'x', made_at = '2020-01-01'");
    run(&mut root, &old).await.expect("outdated");
    let outdated = databases(n, 0).await;
    let tenant = provision(&fleet, n, "acme-plants").await;
    assert!(!outdated.contains(&place(n, &tenant).await.1));
    assert_eq!(fleet.tend().await.expect("tending"), 2, "one removed, one made");
    assert!(!databases(n, 0).await.contains(&outdated[0]));
    fleet.close().await;
}

#[tokio::test]
async fn passwords_change_under_load_without_an_error() {
    let n = 208;
    let options = MariaDbOptions { max_connections: Some(3), ..support::options(n) };
    let options = MariaDbOptions { wait: Duration::from_secs(20), ..options };
    let fleet = Arc::new(open_with(n, options.clone()).await);
    let other = Arc::new(open_with(n, options).await);
    let a = provision(&fleet, n, "tenant-a").await;
    let b = provision(&fleet, n, "tenant-b").await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut working = tokio::task::JoinSet::new();
    // Two tenants under a budget of three connections: they are made again and again.
    for i in 0..8 {
        let fleet = Arc::clone(if i % 2 == 0 { &fleet } else { &other });
        let (tenants, stop) = ([a.clone(), b.clone()], Arc::clone(&stop));
        working.spawn(async move {
            let mut done = 0_usize;
            while !stop.load(Ordering::Relaxed) {
                touch(&fleet, &tenants[done % 2]).await.expect("no error");
                done += 1;
            }
            done
        });
    }
    let mut root = administrator(0).await;
    let hash = format!(
        "SELECT authentication_string FROM mysql.user WHERE user = '{}'",
        place(n, &a).await.1
    );
    let mut seen = std::collections::HashSet::new();
    for _ in 0..6 {
        fleet.rotate_credentials(&a).await.expect("rotated");
        let now: String = sqlx::query_scalar(AssertSqlSafe(hash.clone()))
            .fetch_one(&mut root)
            .await
            .expect("a hash");
        assert!(seen.insert(now), "each time another");
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(done) = working.join_next().await {
        assert!(done.expect("no error") > 0);
    }
    let opened = fleet.servers().await.expect("servers")[0].connections.opened;
    assert!(opened > 8, "connections were made meanwhile: {opened}");
    other.close().await;
    fleet.close().await;
}

#[tokio::test]
async fn a_change_of_password_that_was_cut_off_keeps_nobody_out_and_is_finished() {
    let n = 209;
    let fleet = open(n).await;
    let tenant = provision(&fleet, n, "acme-plants").await;
    let registry = registry_name(n);
    let database = place(n, &tenant).await.1;
    let mut root = administrator(0).await;
    let row = format!("{registry}.tenant_databases");
    // Noted but not set: the account has the old password.
    fleet.close().await;
    run(&mut root, &format!("CREATE TABLE {registry}.kept AS SELECT password FROM {row}"))
        .await
        .expect("kept");
    let fleet = open(n).await;
    fleet.rotate_credentials(&tenant).await.expect("rotated");
    fleet.close().await;
    // Set, but not in the old one's place: as if the last step were missing.
    run(
        &mut root,
        &format!("UPDATE {row} SET next_password = password, password = (SELECT password FROM {registry}.kept)"),
    )
    .await
    .expect("put back");
    let fleet = open(n).await;
    touch(&fleet, &tenant).await.expect("the next password is tried");
    assert_eq!(fleet.tend().await.expect("tending"), 1, "and its change is finished");
    assert_eq!(fleet.tend().await.expect("tending"), 0);
    touch(&fleet, &tenant).await.expect("open connections stay");
    fleet.close().await;
    // Noted but not set.
    run(
        &mut root,
        &format!("UPDATE {row} SET next_password = (SELECT password FROM {registry}.kept)"),
    )
    .await
    .expect("put back");
    let fleet = open(n).await;
    touch(&fleet, &tenant).await.expect("the old password still holds");
    assert_eq!(fleet.tend().await.expect("tending"), 1);
    let left: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT count(*) FROM {row} WHERE next_password IS NOT NULL"
    )))
    .fetch_one(&mut root)
    .await
    .expect("a count");
    assert_eq!(left, 0, "of {database}");
    fleet.close().await;
    let fleet = open(n).await;
    touch(&fleet, &tenant).await.expect("it works with the new one");
    fleet.close().await;
}
