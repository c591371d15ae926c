//! Servers that are protected by TLS, read-only or full: what is refused, in which words, and that it
//! works again afterwards. Each test has a server of its own.
#![cfg(feature = "mariadb")]

#[path = "support/mariadb.rs"]
mod support;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use std::path::Path;
use std::process::Command;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vivero_core::clock::{IdSource as _, SeededIds};
use vivero_core::port::{Fleet, Provision, Remembered};
use vivero_core::server::{NewServer, TlsMode, Verdict};
use vivero_core::tenant::{OperationType, Plan, Tenant};
use vivero_core::{Clock as _, Error, Result, TenantId};
use vivero_store::{MariaDbFleet, SystemClock, SystemIds};

async fn open(url: &str, n: usize) -> Result<MariaDbFleet> {
    MariaDbFleet::open(url, support::options(n), &[], Arc::new(SystemClock)).await
}

async fn provision(fleet: &MariaDbFleet, slug: &str) -> Result<Tenant> {
    let at = SystemClock.now();
    let seed = slug.bytes().fold(7, |seed: u64, b| seed.wrapping_mul(31) + u64::from(b));
    let wanted = Provision {
        id: TenantId::from_uuid(SeededIds::new(seed).id(at)),
        slug: slug.parse()?,
        organization: slug.into(),
        operation_type: OperationType::Mixed,
        plan: Plan::Contract,
        at,
        key: None,
        fingerprint: None,
        seed: Vec::new(),
        entries: Vec::new(),
    };
    fleet.provision(wanted).await
}

async fn touch(fleet: &MariaDbFleet, tenant: &Tenant) -> Result<()> {
    let store = fleet.open(tenant).await?;
    let mut work = store.begin().await?;
    let answer = Remembered {
        key: SystemIds::default().id(SystemClock.now()).to_string(),
        fingerprint: "f".into(),
        response: "r".into(),
        at: SystemClock.now(),
    };
    work.remember(answer).await?;
    work.commit().await
}

async fn administrator(address: &str) -> MySqlConnection {
    let options = MySqlConnectOptions::from_str(address).expect("an address");
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

fn openssl(folder: &Path, line: &str) {
    let made = Command::new("openssl").current_dir(folder).args(line.split(' ')).output();
    let made = made.expect("openssl runs; on Debian: apt-get install openssl");
    assert!(made.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&made.stderr));
}

/// An authority `NAME-ca.pem`.
fn authority(folder: &Path, name: &str) {
    openssl(
        folder,
        &format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name} \
             -keyout {name}-ca.key -out {name}-ca.pem"
        ),
    );
}

/// A certificate of `authority` for a server, named by `san`.
fn certificate(folder: &Path, authority: &str, name: &str, san: &str) {
    openssl(
        folder,
        &format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ),
    );
    std::fs::write(folder.join("ext"), format!("subjectAltName={san}\n")).expect("written");
    openssl(
        folder,
        &format!(
            "x509 -req -in {name}.csr -CA {authority}-ca.pem -CAkey {authority}-ca.key -CAcreateserial \
             -days 2 -extfile ext -out {name}.pem"
        ),
    );
}

fn with_certificate(folder: &Path, name: &str) -> String {
    support::start(&[
        format!("--ssl-ca={}", folder.join("good-ca.pem").display()),
        format!("--ssl-cert={}", folder.join(format!("{name}.pem")).display()),
        format!("--ssl-key={}", folder.join(format!("{name}.key")).display()),
    ])
}

#[tokio::test]
async fn a_server_is_held_to_its_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    authority(folder, "good");
    authority(folder, "wrong");
    certificate(folder, "good", "here", "IP:127.0.0.1");
    certificate(folder, "good", "elsewhere", "DNS:db.example.com");
    let here = with_certificate(folder, "here");
    let elsewhere = with_certificate(folder, "elsewhere");
    let ca = |name: &str| folder.join(format!("{name}-ca.pem")).display().to_string();
    let url = |server: &str, mode: &str, name: &str| {
        format!("{server}/registry?ssl-mode={mode}&ssl-ca={}", ca(name))
    };

    let fleet =
        open(&url(&here, "VERIFY_IDENTITY", "good"), 300).await.expect("its own certificate");
    let tenant = provision(&fleet, "acme-plants").await.expect("provisioning");
    touch(&fleet, &tenant).await.expect("a tenant's connections");
    let protected: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM information_schema.processlist p WHERE p.command <> 'Daemon' AND p.id <> connection_id()",
    )
    .fetch_one(&mut administrator(&here).await)
    .await
    .expect("a count");
    assert!(protected > 0);
    // The server itself says that plain connections are not what is used.
    let mut root = administrator(&here).await;
    let handshakes: (String, String) =
        sqlx::query_as("SHOW GLOBAL STATUS LIKE 'Ssl_finished_accepts'")
            .fetch_one(&mut root)
            .await
            .expect("a status");
    assert!(handshakes.1.parse::<u32>().expect("a number") >= 4, "{handshakes:?}");
    fleet.close().await;

    open(&url(&elsewhere, "VERIFY_CA", "good"), 301).await.expect("of its authority").close().await;
    for (server, mode, name, why) in [
        (&here, "VERIFY_CA", "wrong", "another authority"),
        (&here, "VERIFY_IDENTITY", "wrong", "another authority"),
        (&elsewhere, "VERIFY_IDENTITY", "good", "a certificate of another host"),
    ] {
        let refused = open(&url(server, mode, name), 302).await.expect_err(why);
        assert!(matches!(refused, Error::Unavailable { .. }), "{why}: {refused:?}");
        let text = refused.to_string();
        assert!(text.contains("TLS") && text.contains("ssl-ca"), "{why}: {text}");
    }
    // Since 11.4 a server that nobody gave a certificate makes one for itself.
    let plain = support::start(&["--skip-ssl".to_owned()]);
    let refused = open(&format!("{plain}/registry?ssl-mode=REQUIRED"), 303).await;
    let refused = refused.expect_err("a server without TLS").to_string();
    assert!(refused.contains("TLS"), "{refused}");

    // The same for a server of the list, whose authority lies in the registry.
    let fleet = open(&support::registry(304), 304).await.expect("opening");
    let server = |name: &str, place: &str, authority: &str| NewServer {
        name: name.into(),
        address: place.rsplit('@').next().expect("a place").into(),
        tls_mode: TlsMode::VerifyIdentity,
        tls_ca: Some(std::fs::read_to_string(ca(authority)).expect("read")),
        account: "root".into(),
        password: String::new(),
        weight: 1000,
        capacity: None,
    };
    for (place, authority) in [(&here, "wrong"), (&elsewhere, "good")] {
        let refused = fleet.add_server(server("second", place, authority)).await;
        let refused = refused.expect_err("not its certificate").to_string();
        assert!(refused.contains("TLS"), "{refused}");
    }
    fleet.add_server(server("second", &here, "good")).await.expect("its own certificate");
    let tenant = provision(&fleet, "acme-plants").await.expect("provisioning");
    touch(&fleet, &tenant).await.expect("a tenant's connections");
    assert_eq!(fleet.servers().await.expect("servers")[1].tenants, 1);
    fleet.close().await;
}

#[tokio::test]
async fn a_read_only_server_is_named_and_works_again_when_it_may() {
    let address = support::start(&[]);
    let mut root = administrator(&address).await;
    // root may write also on a read-only server.
    run(
        &mut root,
        "CREATE USER admin IDENTIFIED BY 'secret'; GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, \
         INDEX, TRIGGER, CREATE USER, REFERENCES, RELOAD ON *.* TO admin WITH GRANT OPTION",
    )
    .await
    .expect("an account");
    let url = format!("{}/registry", address.replace("root@", "admin:secret@"));
    run(&mut root, "SET GLOBAL read_only = 1").await.expect("set");
    let refused = open(&url, 310).await.expect_err("it cannot be opened so").to_string();
    assert!(refused.contains("read-only") && refused.contains("VIVERO_DATABASE_URL"), "{refused}");
    assert!(!refused.contains("secret"), "{refused}");
    run(&mut root, "SET GLOBAL read_only = 0").await.expect("set");
    let fleet = open(&url, 310).await.expect("opening");
    let tenant = provision(&fleet, "acme-plants").await.expect("provisioning");
    touch(&fleet, &tenant).await.expect("a change");
    run(&mut root, "SET GLOBAL read_only = 1").await.expect("set");
    let store = fleet.open(&tenant).await.expect("reading goes on");
    store.read().await.expect("a reader");
    match touch(&fleet, &tenant).await {
        Err(Error::Unavailable { what, retry_after, .. }) => {
            assert!(what.contains("read-only") && retry_after > 0, "{what}");
        }
        other => panic!("refused, not {other:?}"),
    }
    let refused = provision(&fleet, "second-plants").await.expect_err("nothing is made");
    assert!(refused.to_string().contains("read-only"), "{refused}");
    let found = fleet.examine().await.expect("looked at");
    let finding = found.iter().find(|f| f.check == "read_only").expect("it is looked at");
    assert_eq!(finding.verdict, Verdict::Failed);
    assert!(finding.remedy.as_ref().is_some_and(|r| r.contains("read_only = 0")));
    run(&mut root, "SET GLOBAL read_only = 0").await.expect("set");
    touch(&fleet, &tenant).await.expect("it works again");
    provision(&fleet, "second-plants").await.expect("and so does this");
    let found = fleet.examine().await.expect("looked at");
    let bad: Vec<_> = found.iter().filter(|f| f.verdict == Verdict::Failed).collect();
    // The private servers of these tests are fast, not safe.
    assert_eq!(bad.len(), 1, "{bad:?}");
    assert_eq!(bad[0].check, "innodb_flush_log_at_trx_commit");
    assert!(found.iter().all(|f| f.verdict == Verdict::Ok || f.remedy.is_some()), "{found:?}");
    // An account with too few rights is found before a tenant is.
    run(&mut root, "REVOKE CREATE USER ON *.* FROM admin").await.expect("revoked");
    let found = fleet.examine().await.expect("looked at");
    let rights = found.iter().find(|f| f.check == "rights").expect("it is looked at");
    assert_eq!(rights.verdict, Verdict::Failed);
    assert!(rights.detail.contains("CREATE USER"), "{}", rights.detail);
    fleet.close().await;
}

#[tokio::test]
async fn a_full_server_refuses_a_tenant_leaves_nothing_and_takes_it_when_there_is_room() {
    // All tables in one file that may not grow.
    let address = support::start(&[
        "--innodb-file-per-table=0".into(),
        "--innodb-data-file-path=ibdata1:12M:autoextend:max:48M".into(),
    ]);
    let fleet = open(&format!("{address}/registry"), 320).await.expect("opening");
    let tenant = provision(&fleet, "acme-plants").await.expect("provisioning");
    let mut root = administrator(&address).await;
    let table = "CREATE TABLE filler.t (b VARBINARY(7500)) ENGINE=InnoDB";
    run(&mut root, &format!("CREATE DATABASE filler; {table}")).await.expect("made");
    let mut refused = Ok(());
    for rows in [200, 10, 1] {
        for _ in 0..200 {
            let sql = format!(
                "INSERT INTO filler.t SELECT repeat('x', 7000) FROM filler.seq_1_to_{rows}"
            );
            refused = run(&mut root, &sql).await;
            if refused.is_err() {
                break;
            }
        }
    }
    assert_eq!(refused, Err(1114), "it is full");
    match provision(&fleet, "second-plants").await {
        Err(Error::Unavailable { what, retry_after, .. }) => {
            assert!(what.contains("full") && retry_after > 0, "{what}");
        }
        other => panic!("refused, not {other:?}"),
    }
    fleet.open(&tenant).await.expect("the others").read().await.expect("go on reading");
    run(&mut root, "DROP DATABASE filler").await.expect("room");
    fleet.resume_provisioning().await.expect("what was left is cleared away");
    // The server gives room free by and by.
    let deadline = Instant::now() + Duration::from_secs(60);
    while let Err(refused) = provision(&fleet, "second-plants").await {
        assert!(matches!(refused, Error::Unavailable { .. }), "{refused:?}");
        assert!(Instant::now() < deadline, "there is room: {refused:?}");
    }
    fleet.close().await;
}
