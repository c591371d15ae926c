//! What the server counts for each tenant's account, where it counts. The test has a server of its own.
#![cfg(feature = "mariadb")]

#[path = "support/mariadb.rs"]
#[expect(dead_code, reason = "the registries lie on servers of their own")]
mod support;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use std::str::FromStr as _;
use std::time::{Duration, Instant};
use vivero_core::entity::{EntityType, NewEntity};
use vivero_core::usage::AccountFigures;
use vivero_core::{EntityFilter, NewTenant, Owner, Page, Password, Slug, TenantSession, Vivero};
use vivero_store::Open as _;

const N: usize = 650;
const PASSWORD: &str = "correct horse battery";

async fn run(root: &mut MySqlConnection, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(root).await;
    done.unwrap_or_else(|e| panic!("{sql}: {e}"));
}

async fn provision(vivero: &Vivero, name: &str) -> Slug {
    let new = NewTenant::trial(name, Owner::new("grower@example.com", PASSWORD));
    vivero.tenants().provision(new).await.expect("provisioning").slug.clone()
}

async fn sign_in(vivero: &Vivero, slug: &Slug) -> TenantSession {
    let password = Password::new("grower@example.com", PASSWORD);
    vivero.sign_in(slug.as_str(), password).await.expect("signing in")
}

/// Reads and writes.
async fn work(session: &TenantSession, lots: std::ops::Range<u32>) {
    for i in lots {
        let new = NewEntity::new(format!("A-{i:03}"), "Hebe", EntityType::Cutting, 100);
        let made = session.entities().create(new).await.expect("a lot");
        session.entities().find(made.id).await.expect("finding").expect("the lot");
    }
    session.entities().list(EntityFilter::new(), Page::first(50)).await.expect("a page");
}

async fn account(vivero: &Vivero, slug: &Slug) -> Option<AccountFigures> {
    vivero.tenants().usage(slug).await.expect("usage").1.account
}

/// What is counted once it meets a condition: a statement is answered before it is counted.
async fn counted(
    vivero: &Vivero,
    slug: &Slug,
    is_all: impl Fn(&AccountFigures) -> bool,
) -> AccountFigures {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let figures = account(vivero, slug).await;
        match figures {
            Some(figures) if is_all(&figures) => return figures,
            _ => assert!(Instant::now() < deadline, "{figures:?}"),
        }
        tokio::task::yield_now().await;
    }
}

/// Waits until no tenant's account whose name ends so has a connection: then all of it is counted.
async fn gone(root: &mut MySqlConnection, end: &str) {
    let count = format!(
        "SELECT count(*) FROM information_schema.processlist WHERE user LIKE '{}%{end}'",
        support::options(N).prefix
    );
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let there =
            sqlx::query_scalar::<_, i64>(AssertSqlSafe(count.clone())).fetch_one(&mut *root);
        if there.await.expect("a count") == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "connections stay");
        tokio::task::yield_now().await;
    }
}

async fn open(address: &str) -> Vivero {
    let vivero = Vivero::builder().mariadb(support::options(N)).weak_passwords_for_tests();
    vivero.open(&format!("{address}/registry")).await.expect("opening")
}

#[tokio::test]
async fn the_server_counts_each_tenants_work_apart_and_only_while_it_is_told_to() {
    let address = support::start(&["--userstat=OFF".to_owned()]);
    let root = MySqlConnectOptions::from_str(&address).expect("an address");
    let mut root = root.connect().await.expect("the administrator");
    let vivero = open(&address).await;
    let busy = provision(&vivero, "busy-plants").await;
    let idle = provision(&vivero, "idle-plants").await;
    let session = sign_in(&vivero, &busy).await;
    work(&session, 0..10).await;
    assert_eq!(account(&vivero, &busy).await, None, "absent, not nothing");
    let usage = vivero.tenants().usage(&busy).await.expect("usage").1;
    assert!(usage.figures.commits >= 10 && usage.figures.rows > 0, "this process counts anyway");

    let id = vivero.tenants().find(&idle).await.expect("the tenant").id;
    gone(&mut root, &id.uuid().simple().to_string()).await;
    run(&mut root, "SET GLOBAL userstat = 1").await;
    work(&session, 10..30).await;
    // A row and an entry of the journal for each lot.
    let first = counted(&vivero, &busy, |figures| figures.rows_written >= 40).await;
    assert!(first.rows_written < 2_000, "those before were not counted: {first:?}");
    assert!(first.rows_read >= 20 && first.busy_seconds > 0.0, "{first:?}");
    assert!(first.cpu_seconds >= 0.0 && first.bytes_sent > 0, "{first:?}");
    assert!(first.bytes_received > 20 * 50, "{first:?}");
    assert_eq!(account(&vivero, &idle).await, None, "nothing was done there");
    // The other is counted apart, from the first connection on.
    let other = sign_in(&vivero, &idle).await;
    let begun = counted(&vivero, &idle, |figures| figures.rows_written > 0).await;
    assert!(begun.connections >= 1 && begun.rows_written < first.rows_written, "{begun:?}");
    drop(other);
    // Nobody looks there any more.
    vivero.close().await;
    let vivero = open(&address).await;
    gone(&mut root, "").await;
    let (was, other_was) = (account(&vivero, &busy).await, account(&vivero, &idle).await);
    let session = sign_in(&vivero, &busy).await;
    work(&session, 30..50).await;
    let was = was.expect("counted");
    let more = was.rows_written + 40;
    let now = counted(&vivero, &busy, |figures| figures.rows_written >= more).await;
    assert!(now.busy_seconds > was.busy_seconds && now.rows_read > was.rows_read, "{now:?}");
    assert_eq!(account(&vivero, &idle).await, other_was, "the other did nothing");

    // What was counted before is no figure of now.
    run(&mut root, "SET GLOBAL userstat = 0").await;
    assert_eq!(account(&vivero, &busy).await, None, "absent again");
    drop(session);
    vivero.close().await;
}
