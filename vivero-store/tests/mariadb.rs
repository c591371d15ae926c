//! What MariaDB itself enforces, and how an installation meets what may go wrong.
#![cfg(feature = "mariadb")]

#[path = "support/mariadb.rs"]
mod support;
#[path = "support/wanted.rs"]
mod wanted;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use std::str::FromStr as _;
use std::sync::Arc;
use vivero_core::Error;
use vivero_core::port::Fleet;
use vivero_core::tenant::{Tenant, TenantState};
use vivero_store::{KeyText, MariaDbFleet, SystemClock};
use wanted::wanted;

async fn open(n: usize) -> MariaDbFleet {
    let clock = Arc::new(SystemClock);
    let opened = MariaDbFleet::open(&support::registry(n), support::options(n), &[], clock).await;
    opened.expect("opening")
}

async fn provision(fleet: &MariaDbFleet, n: usize, slug: &str) -> Tenant {
    fleet.provision(wanted(n, slug)).await.expect("provisioning")
}

/// A tenant's database and account.
fn name(n: usize, tenant: &Tenant) -> String {
    format!("{}{}", support::options(n).prefix, tenant.id.uuid().simple())
}

fn administrator() -> MySqlConnectOptions {
    MySqlConnectOptions::from_str(support::address()).expect("an address")
}

/// A connection under the tenant's own account, with a password the test knows.
async fn as_tenant(n: usize, tenant: &Tenant) -> MySqlConnection {
    let name = name(n, tenant);
    let mut root = administrator().connect().await.expect("the administrator");
    run(&mut root, &format!("SET PASSWORD FOR '{name}'@'%' = PASSWORD('known')"))
        .await
        .expect("a password");
    let account = administrator().username(&name).password("known").database(&name);
    account.connect().await.expect("the tenant's own account")
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

#[tokio::test]
async fn a_tenants_account_is_refused_by_the_server_wherever_it_is_not_its_own() {
    let fleet = open(100).await;
    let own = provision(&fleet, 100, "own-tenant").await;
    let other = provision(&fleet, 100, "other-tenant").await;
    let mut account = as_tenant(100, &own).await;
    run(&mut account, "SELECT count(*) FROM entities").await.expect("its own rows are read");
    run(&mut account, "DELETE FROM idempotency").await.expect("and written");
    let (own, other) = (name(100, &own), name(100, &other));
    let registry = support::registry(100);
    let registry = registry.rsplit('/').next().expect("a name");
    for sql in [
        format!("SELECT * FROM {other}.entities"),
        format!("INSERT INTO {other}.chain VALUES (1, 1, '', 1)"),
        format!("UPDATE {other}.entities SET version = 0"),
        format!("DELETE FROM {other}.journal"),
        format!("USE {other}"),
        format!("SHOW TABLES FROM {other}"),
        format!("CREATE TABLE copied AS SELECT * FROM {other}.entities"),
        format!("SELECT * FROM {registry}.tenant_databases"),
        format!("SELECT * FROM {registry}.secrets"),
        "SELECT * FROM mysql.global_priv".into(),
        // Definitions are another account's.
        "CREATE TABLE mine (a INT)".into(),
        "ALTER TABLE entities ADD COLUMN mine INT".into(),
        "DROP TABLE entities".into(),
        "TRUNCATE TABLE journal".into(),
        "CREATE INDEX mine ON entities (name)".into(),
        "CREATE TRIGGER mine BEFORE INSERT ON entities FOR EACH ROW SET NEW.version = 1".into(),
        format!("DROP DATABASE {own}"),
        "CREATE DATABASE mine".into(),
        "CREATE USER mine".into(),
        format!("GRANT ALL ON {own}.* TO '{own}'@'%'"),
        "SELECT 1 INTO OUTFILE '/tmp/mine'".into(),
        "SELECT load_file('/etc/passwd') FROM mysql.user".into(),
        "SET GLOBAL max_connections = 1".into(),
    ] {
        let refused = run(&mut account, &sql).await.expect_err(&sql);
        assert!(
            [1044, 1045, 1142, 1146, 1227, 1370, 1410].contains(&refused),
            "{sql}: refused for a missing right, not with {refused}"
        );
    }
    fleet.close().await;
}

#[tokio::test]
async fn a_name_that_only_looks_like_the_database_is_not_open_to_its_account() {
    let fleet = open(101).await;
    let tenant = provision(&fleet, 101, "acme-plants").await;
    let mut root = administrator().connect().await.expect("the administrator");
    let name = name(101, &tenant);
    let alike = format!("{}_", &name[..name.len() - 1]);
    run(&mut root, &format!("CREATE DATABASE {alike}; CREATE TABLE {alike}.t (a INT)"))
        .await
        .expect("made");
    let mut account = as_tenant(101, &tenant).await;
    assert!(run(&mut account, &format!("SELECT * FROM {alike}.t")).await.is_err(), "{alike}");
    fleet.close().await;
}

#[tokio::test]
async fn an_installation_opens_with_its_own_key_only() {
    let fleet = open(102).await;
    let tenant = provision(&fleet, 102, "acme-plants").await;
    fleet.close().await;
    let with = |key| {
        let options = vivero_store::MariaDbOptions { key, ..support::options(102) };
        let registry = support::registry(102);
        async move { MariaDbFleet::open(&registry, options, &[], Arc::new(SystemClock)).await }
    };
    let none = with(None).await.expect_err("no key").to_string();
    assert!(none.contains("VIVERO_KEY_FILE") && none.contains("openssl rand"), "{none}");
    let other = KeyText("//////////////////////////////////////////8=".into());
    let other = with(Some(Arc::new(other))).await.expect_err("another key").to_string();
    assert!(other.contains("not the key"), "{other}");
    let fleet = open(102).await;
    fleet.open(&tenant).await.expect("the right key opens");
    fleet.close().await;
}

#[tokio::test]
async fn no_password_is_kept_in_the_clear() {
    let fleet = open(103).await;
    let tenant = provision(&fleet, 103, "acme-plants").await;
    let mut root = administrator().connect().await.expect("the administrator");
    let registry = support::registry(103);
    let registry = registry.rsplit('/').next().expect("a name");
    let sealed: Vec<u8> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT password FROM {registry}.tenant_databases"
    )))
    .fetch_one(&mut root)
    .await
    .expect("the credentials");
    // 64 hexadecimal digits, sealed: a form, a nonce and a tag longer, and no run of digits.
    assert_eq!(sealed.len(), 1 + 24 + 64 + 16);
    let digits = sealed.windows(8).any(|w| w.iter().all(u8::is_ascii_hexdigit));
    assert!(!digits, "the password lies there in the clear");
    let account = administrator().username(&name(103, &tenant)).password("");
    assert!(account.connect().await.is_err(), "and it is not empty");
    fleet.close().await;
}

#[tokio::test]
async fn a_swapped_database_is_refused() {
    let fleet = open(104).await;
    let tenant = provision(&fleet, 104, "acme-plants").await;
    let mut root = administrator().connect().await.expect("the administrator");
    let name = name(104, &tenant);
    run(&mut root, &format!("UPDATE {name}.stamp SET tenant_id = repeat('x', 16)"))
        .await
        .expect("swapped");
    match fleet.open(&tenant).await {
        Err(Error::Corrupt { what }) => assert!(what.contains("is stamped for tenant"), "{what}"),
        other => panic!("a swapped database is refused, not {other:?}"),
    }
    fleet.close().await;
}

/// Puts a tenant back to where a killed process may have left it.
async fn cut_off(root: &mut MySqlConnection, n: usize, tenant: &Tenant, with: &str) {
    let registry = support::registry(n);
    let registry = registry.rsplit('/').next().expect("a name");
    let id = tenant.id.uuid().simple();
    let back = format!(
        "UPDATE {registry}.tenants SET state = 'provisioning', version = 1 WHERE id = x'{id}'; \
         DELETE FROM {registry}.tenant_events WHERE tenant_id = x'{id}' AND version > 1; {with}"
    );
    run(root, &back).await.expect("put back");
}

#[tokio::test]
async fn what_a_killed_process_left_half_made_is_finished_or_undone() {
    let n = 105;
    let fleet = open(n).await;
    let mut root = administrator().connect().await.expect("the administrator");
    let stamped = provision(&fleet, n, "stamped").await;
    cut_off(&mut root, n, &stamped, "").await;
    let registry = support::registry(n);
    let registry = registry.rsplit('/').next().expect("a name").to_owned();
    let mut others = Vec::new();
    for (slug, with) in [
        ("unstamped", "DELETE FROM DB.stamp"),
        ("no-tables", "DROP DATABASE DB; CREATE DATABASE DB"),
        ("no-database", "DROP DATABASE DB"),
        ("no-account", "DROP DATABASE DB; DROP USER 'DB'@'%'"),
        (
            "nothing",
            "DROP DATABASE DB; DROP USER 'DB'@'%'; DELETE FROM REG.tenant_databases WHERE database_name = 'DB'",
        ),
    ] {
        let tenant = provision(&fleet, n, slug).await;
        let with = with.replace("DB", &name(n, &tenant)).replace("REG", &registry);
        cut_off(&mut root, n, &tenant, &with).await;
        others.push(tenant);
    }
    assert_eq!(fleet.resume_provisioning().await.expect("resuming"), (1, 5));
    let now = fleet.find(stamped.id).await.expect("finding").expect("it is there");
    assert_eq!(now.state, TenantState::Active, "what was stamped is finished");
    fleet.open(&now).await.expect("and opens");
    for tenant in others {
        assert_eq!(
            fleet.find(tenant.id).await.expect("finding"),
            None,
            "{} is undone",
            tenant.slug
        );
        let left = run(&mut root, &format!("SHOW TABLES FROM {}", name(n, &tenant))).await;
        assert_eq!(left, Err(1049), "and its database is gone");
        provision(&fleet, n, tenant.slug.as_str()).await;
    }
    assert_eq!(fleet.resume_provisioning().await.expect("resuming"), (0, 0), "nothing is left");
    fleet.close().await;
}

#[tokio::test]
async fn a_request_repeated_after_a_kill_goes_on_where_it_was_cut_off() {
    let n = 106;
    let fleet = open(n).await;
    let mut root = administrator().connect().await.expect("the administrator");
    for (i, with) in [
        "DELETE FROM DB.stamp",
        "DELETE FROM DB.stamp; DROP TABLE DB.entities; UPDATE DB.engine_state SET tables_of = ''",
        "DELETE FROM DB.stamp; ALTER TABLE DB.entities DROP COLUMN name, DROP INDEX entities_unique_code; UPDATE DB.engine_state SET tables_of = ''",
        "DROP DATABASE DB",
        "DROP DATABASE DB; DROP USER 'DB'@'%'",
        "ALTER USER 'DB'@'%' IDENTIFIED BY 'another'; DELETE FROM DB.stamp",
    ]
    .iter()
    .enumerate()
    {
        let mut request = wanted(n, &format!("tenant-{i}"));
        request.key = Some(format!("sign-up {i}"));
        request.fingerprint = Some("f".into());
        let tenant = fleet.provision(request.clone()).await.expect("provisioning");
        cut_off(&mut root, n, &tenant, &with.replace("DB", &name(n, &tenant))).await;
        let again = fleet.provision(request).await.unwrap_or_else(|e| panic!("after {with}: {e:?}"));
        assert_eq!((again.id, again.state), (tenant.id, TenantState::Active), "after {with}");
        fleet.open(&again).await.unwrap_or_else(|e| panic!("after {with}: {e:?}"));
    }
    fleet.close().await;
}

#[tokio::test]
async fn what_may_go_wrong_at_opening_is_said_without_the_password() {
    let clock = || Arc::new(SystemClock);
    let good = support::address().to_owned();
    let port = good.rsplit(':').next().expect("a port").to_owned();
    for (url, says) in [
        (format!("mysql://root:hunter2@127.0.0.1:{port}/reg"), "refuses the credentials"),
        ("mysql://root:hunter2@127.0.0.1:1/reg".into(), "does not answer"),
        (format!("postgres://root:hunter2@127.0.0.1:{port}/reg"), "mysql://USER@HOST"),
    ] {
        let error =
            MariaDbFleet::open(&url, support::options(107), &[], clock()).await.expect_err(&url);
        let text = format!("{error} {error:?}");
        assert!(text.contains(says), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn an_installation_is_opened_by_its_address() {
    use vivero_core::{NewTenant, Owner, Password, Vivero};
    use vivero_store::Open as _;
    let builder = || {
        let key = KeyText("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".into());
        Vivero::builder().weak_passwords_for_tests().mariadb(support::options(108)).key(key)
    };
    let url = support::registry(108);
    let vivero = builder().open(&url).await.expect("opening");
    let (email, secret) = ("grower@example.com", "a long enough secret");
    let wanted = NewTenant::trial("acme-plants", Owner::new(email, secret));
    vivero.tenants().provision(wanted).await.expect("provisioning");
    let session = vivero.sign_in("acme-plants", Password::new(email, secret)).await;
    assert_eq!(session.expect("signing in").tenant().slug.as_str(), "acme-plants");
    vivero.close().await;
    let vivero = builder().open(&url).await.expect("opening again");
    vivero.sign_in("acme-plants", Password::new(email, secret)).await.expect("signing in again");
    vivero.close().await;
    let none = Vivero::open(&url).await.expect_err("no key").to_string();
    assert!(none.contains("VIVERO_KEY_FILE"), "{none}");
}
