//! Tenants over several database servers: where they land, what a server out of service concerns, how
//! many connections there are.
#![cfg(feature = "mariadb")]

#[path = "support/listed.rs"]
mod listed;
#[path = "support/placed.rs"]
mod placed;
#[path = "support/mariadb.rs"]
mod support;
#[path = "support/wanted.rs"]
mod wanted;

use placed::{
    administrator, databases, open, open_with, place, provision, registry_name, run, second, set,
    touch,
};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use vivero_core::Error;
use vivero_core::port::Fleet;
use vivero_core::server::{MAIN, NewServer, ServerPatch, ServerState};
use vivero_core::tenant::Tenant;
use vivero_store::MariaDbOptions;
use wanted::wanted;

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
