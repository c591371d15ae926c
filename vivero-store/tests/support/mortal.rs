//! A database server that tests kill, and what they ask of the tenant that was being moved there.

#[path = "listed.rs"]
mod listed;

use crate::tenants::{self, Ground};
use listed::listed;
use serde_json::json;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use vivero_core::operations::{NewOperation, OperationKind as Kind};
use vivero_core::server::{NewServer, Verdict};

/// A server of this test alone, to be killed.
pub(crate) struct Mortal {
    folder: TempDir,
    port: u16,
    process: Child,
}

impl Mortal {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let shown = folder.path().display().to_string();
        let installed = Command::new(tenants::ground_on::mariadb::found(&["mariadb-install-db"]))
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(format!("--datadir={shown}/data"))
            .args([&format!("--tmpdir={shown}"), "--innodb-log-file-size=32M", "--user=root"])
            .output();
        assert!(installed.as_ref().is_ok_and(|o| o.status.success()), "{installed:?}");
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
        let port = free.expect("a port").port();
        let process = run(&folder, port);
        Self { folder, port, process }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("a kill");
        self.process.wait().expect("an end");
    }

    pub(crate) fn come_back(&mut self) {
        self.process = run(&self.folder, self.port);
    }

    pub(crate) async fn names(&self, sql: &str) -> Vec<String> {
        use sqlx::ConnectOptions as _;
        let root = sqlx::mysql::MySqlConnectOptions::new();
        let root = root.host("127.0.0.1").port(self.port).username("root");
        let mut root = root.connect().await.expect("the administrator");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned()))
            .fetch_all(&mut root)
            .await
            .expect("names")
    }

    /// Tenants' databases and accounts on it.
    pub(crate) async fn holds(&self) -> (usize, usize) {
        let databases = "SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN \
             ('information_schema', 'mysql', 'performance_schema', 'sys')";
        let accounts =
            "SELECT user FROM mysql.user WHERE user NOT IN ('root', 'mariadb.sys', 'mysql', '')";
        (self.names(databases).await.len(), self.names(accounts).await.len())
    }

    pub(crate) fn listed(&self) -> NewServer {
        self.listed_as("second")
    }

    pub(crate) fn listed_as(&self, name: &str) -> NewServer {
        listed(name, &format!("127.0.0.1:{}", self.port))
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(folder: &TempDir, port: u16) -> Child {
    let shown = folder.path().display().to_string();
    let process = Command::new(tenants::ground_on::mariadb::found(&["mariadbd", "mysqld"]))
        .args(["--no-defaults", "--user=root", "--bind-address=127.0.0.1", "--skip-name-resolve"])
        .args([format!("--datadir={shown}/data"), format!("--tmpdir={shown}")])
        .args([format!("--socket={shown}/s"), format!("--port={port}")])
        .args(["--innodb-log-file-size=32M", "--performance-schema=OFF"])
        .arg(format!("--log-error={shown}/log"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("mariadbd runs");
    let deadline = Instant::now() + Duration::from_secs(60);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        assert!(Instant::now() < deadline, "the server does not start:\n{log}");
        std::thread::sleep(Duration::from_millis(20));
    }
    process
}

/// What is asked of the tenant.
pub(crate) fn new(kind: Kind, parameters: serde_json::Value) -> NewOperation {
    let slug = "acme-plants".parse().expect("a slug");
    NewOperation { kind, slug, parameters, key: None }
}

pub(crate) fn moving(to: &str) -> NewOperation {
    new(Kind::Move, json!({"to": to}))
}

/// Until it is asked again: what did not answer is left alone for a moment.
pub(crate) async fn answers(ground: &Ground) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let found = ground.vivero.servers().examine().await.expect("findings");
        let failed = found.iter().find(|finding| finding.verdict == Verdict::Failed);
        let Some(failed) = failed else { return };
        assert!(Instant::now() < deadline, "{failed:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The tenant is where it was: read and written, with the chain it had.
pub(crate) async fn usable(ground: &Ground, lots: u64, what: &str) {
    ground.fill("acme-plants", 1).await;
    assert_eq!(ground.lots("acme-plants").await, lots + 1, "{what}");
    ground.verified("acme-plants").await;
}
