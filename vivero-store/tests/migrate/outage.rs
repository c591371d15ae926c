//! Database servers that go away, are out of service or full in the middle of a run.

use crate::listed::listed;
use crate::place::migrator;
use crate::support;
use crate::versions::{ONE, beds, options, provision, slug};
use async_trait::async_trait;
use sqlx::ConnectOptions as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use vivero_core::migration::{
    Canary, Migration, Moment, Quiet, RunOptions, RunState, TenantRunState, Watch,
};
use vivero_core::port::Fleet;
use vivero_core::server::{MAIN, ServerPatch, ServerState};
use vivero_core::{Error, Result, Slug};
use vivero_store::{MariaDbFleet, MariaDbOptions, SystemClock};

/// The installation by a program with these migrations.
async fn open(address: &str, n: usize, migrations: &[Migration]) -> Arc<dyn Fleet> {
    let options = MariaDbOptions {
        migrations: migrations.to_vec(),
        migrate_on_open: false,
        ..support::options(n)
    };
    let registry = format!("{address}/registry_{}_{n}", std::process::id());
    let opened = MariaDbFleet::open(&registry, options, ONE, Arc::new(SystemClock)).await;
    Arc::new(opened.expect("opening"))
}

async fn administrator(address: &str) -> MySqlConnection {
    let options = MySqlConnectOptions::from_str(address).expect("an address");
    options.connect().await.expect("the administrator")
}

async fn add(fleet: &Arc<dyn Fleet>, address: &str) {
    fleet.add_server(listed("second", address)).await.expect("another server");
}

async fn set(fleet: &Arc<dyn Fleet>, server: &str, state: ServerState) {
    let patch = ServerPatch { state: Some(state), ..ServerPatch::default() };
    fleet.change_server(server, patch, None).await.expect("a state");
}

fn lenient() -> RunOptions {
    RunOptions { canary: Canary::Count(0), waves: vec![], failures: 100, ..options() }
}

/// A migration that needs some room: 7 MB.
fn room() -> Migration {
    Migration::new(1, "room")
        .step("CREATE TABLE IF NOT EXISTS room (n BIGINT PRIMARY KEY, text LONGTEXT)")
        .step("INSERT IGNORE INTO room SELECT seq, repeat('x', 7000) FROM seq_1_to_1000")
}

/// A private server that can be killed and started again.
struct Server {
    folder: PathBuf,
    port: u16,
}

impl Server {
    async fn of(address: &str) -> Self {
        let mut root = administrator(address).await;
        let data: (String,) =
            sqlx::query_as("SELECT @@datadir").fetch_one(&mut root).await.expect("its folder");
        let folder = Path::new(&data.0).parent().expect("a folder").to_owned();
        let port = address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        Self { folder, port }
    }

    fn pid(&self) -> String {
        std::fs::read_to_string(self.folder.join("pid")).expect("its pid").trim().to_owned()
    }

    /// `kill -9`; returns when nobody listens any more.
    fn kill(&self) {
        let killed = Command::new("kill").args(["-9", &self.pid()]).status();
        assert!(killed.expect("kill runs").success());
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            std::thread::yield_now();
        }
    }

    /// The same again; it stops when what is returned is dropped.
    fn start(&self) -> Child {
        let keeper = Command::new("sh")
            .args(["-c", support::KEEPER])
            .arg(support::found(&["mariadbd", "mysqld"]))
            .arg(&self.folder)
            .arg(self.port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("sh runs");
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "the server does not start again");
            std::thread::sleep(Duration::from_millis(20));
        }
        keeper
    }
}

/// Kills a server when a statement has run for the `at`th time.
struct Killing {
    server: Server,
    at: usize,
    seen: AtomicUsize,
}

#[async_trait]
impl Watch for Killing {
    async fn at(&self, _: &Slug, moment: Moment, _: u32) -> Result<()> {
        if moment == Moment::Ran && self.seen.fetch_add(1, Ordering::SeqCst) == self.at {
            self.server.kill();
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_in_the_middle_leaves_a_run_that_a_retry_finishes() {
    // Each commit is on disk: what is on record as done must be there afterwards.
    let address = support::start(&["--innodb-flush-log-at-trx-commit=1".into()]);
    let fleet = open(&address, 7_000, &[beds(1)]).await;
    let old = open(&address, 7_000, &[]).await;
    for n in 0..6 {
        provision(&old, n).await;
    }
    old.close().await;
    let server = Server::of(&address).await;
    let again = Server { folder: server.folder.clone(), port: server.port };
    let killing = Arc::new(Killing { server, at: 7, seen: AtomicUsize::new(0) });
    let watch: Arc<dyn Watch> = killing.clone();
    let stopped = migrator(&fleet).up(RunOptions { parallel: 2, ..lenient() }, watch).await;
    match stopped {
        Err(Error::Unavailable { what, .. }) => {
            assert!(what.contains("`vivero migrate retry` goes on"), "{what}");
        }
        other => panic!("the registry was on it: {other:?}"),
    }
    fleet.close().await;
    let keeper = again.start();
    let fleet = open(&address, 7_000, &[beds(1)]).await;
    let run = migrator(&fleet).runs(1).await.expect("runs").remove(0);
    assert_eq!(run.state, RunState::Running, "{run:?}");
    // Its lease has ended when it stopped, or does so within seconds.
    let deadline = Instant::now() + Duration::from_secs(30);
    let run = loop {
        match migrator(&fleet).retry(None, "bob", Arc::new(Quiet)).await {
            Ok(run) => break run,
            Err(Error::Illegal { code: "migrations_running", .. }) => {
                assert!(Instant::now() < deadline, "the lease does not end");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(e) => panic!("{e}"),
        }
    };
    assert_eq!((run.state, run.done, run.failed), (RunState::Done, 6, 0), "{run:?}");
    let drifts = migrator(&fleet).verify(&[], 4, Arc::new(Quiet)).await.expect("a look");
    assert!(drifts.len() == 6 && drifts.iter().all(|drift| drift.ok), "{drifts:?}");
    fleet.close().await;
    drop(keeper);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_out_of_service_concerns_its_own_tenants_only() {
    let (first, second) = (support::server(0), support::server(1));
    let old = open(first, 7_001, &[]).await;
    for n in 0..3 {
        provision(&old, n).await;
    }
    add(&old, second).await;
    set(&old, MAIN, ServerState::Draining).await;
    for n in 3..6 {
        provision(&old, n).await;
    }
    set(&old, "second", ServerState::Down).await;
    let fleet = open(first, 7_001, &[beds(1)]).await;
    let each = RunOptions { per_server: 1, ..lenient() };
    let run = migrator(&fleet).up(each, Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.state, run.done, run.failed), (RunState::Failed, 3, 3), "{run:?}");
    let failed = migrator(&fleet).tenants(run.id, Some(TenantRunState::Failed)).await;
    for (n, row) in (3..).zip(failed.expect("tenants")) {
        assert_eq!(row.slug, slug(n));
        assert!(row.error.as_deref().is_some_and(|e| e.contains("second")), "{row:?}");
    }
    set(&fleet, "second", ServerState::Open).await;
    let run = migrator(&fleet).retry(None, "bob", Arc::new(Quiet)).await.expect("a retry");
    assert_eq!((run.state, run.done, run.failed), (RunState::Done, 6, 0), "{run:?}");
    let drifts = migrator(&fleet).verify(&[], 4, Arc::new(Quiet)).await.expect("a look");
    assert!(drifts.len() == 6 && drifts.iter().all(|drift| drift.ok), "{drifts:?}");
    old.close().await;
    fleet.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_server_fails_its_own_tenants_and_a_retry_finishes_them() {
    // All tables in one file that may not grow.
    let small = support::start(&[
        "--innodb-file-per-table=0".into(),
        "--innodb-data-file-path=ibdata1:12M:autoextend:max:64M".into(),
    ]);
    let first = support::server(0);
    let old = open(first, 7_002, &[]).await;
    provision(&old, 0).await;
    add(&old, &small).await;
    set(&old, MAIN, ServerState::Draining).await;
    provision(&old, 1).await;
    let mut root = administrator(&small).await;
    let table = "CREATE DATABASE filler; CREATE TABLE filler.t (b VARBINARY(7500)) ENGINE=InnoDB";
    sqlx::raw_sql(table).execute(&mut root).await.expect("a table");
    let fill = "INSERT INTO filler.t SELECT repeat('x', 7000) FROM filler.seq_1_to_200";
    let mut statements = 0;
    while sqlx::raw_sql(fill).execute(&mut root).await.is_ok() {
        statements += 1;
        assert!(statements < 100, "it is never full");
    }
    let fleet = open(first, 7_002, &[room()]).await;
    let run = migrator(&fleet).up(lenient(), Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.state, run.done, run.failed), (RunState::Failed, 1, 1), "{run:?}");
    let failed = migrator(&fleet).tenants(run.id, Some(TenantRunState::Failed)).await;
    let failed = failed.expect("tenants").remove(0);
    assert_eq!(failed.slug, slug(1));
    assert!(failed.error.as_deref().is_some_and(|e| e.contains("disk is full")), "{failed:?}");
    assert!(failed.step.as_deref().is_some_and(|s| s.contains("step 2 of 2")), "{failed:?}");
    sqlx::raw_sql("DROP DATABASE filler").execute(&mut root).await.expect("room");
    // The server gives room free by and by.
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let run = migrator(&fleet).retry(None, "bob", Arc::new(Quiet)).await.expect("a retry");
        if run.state == RunState::Done {
            assert_eq!((run.done, run.failed), (2, 0));
            break;
        }
        assert!(Instant::now() < deadline, "there is room: {run:?}");
    }
    old.close().await;
    fleet.close().await;
}
