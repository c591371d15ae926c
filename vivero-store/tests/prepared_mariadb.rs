//! Prepared databases that new tenants claim, and other passwords for those they have.
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
    accounts, administrator, databases, open, open_with, place, provision, registry_name, run,
    touch,
};
use sqlx::AssertSqlSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use vivero_core::port::Fleet;
use vivero_store::MariaDbOptions;

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
