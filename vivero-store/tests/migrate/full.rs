//! A disk that takes no more in the middle of a migration. A limit on the size of files stands for it, which is
//! a process's own: the run is made by this test program once more, under the limit.

use crate::place::{Place, migrator, tenants};
use crate::versions::{ONE, options, slug};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use vivero_core::migration::{Canary, Migration, Quiet, RunOptions, RunState, TenantRunState};
use vivero_core::port::Fleet;
use vivero_store::{SqliteFleet, SqliteOptions, SystemClock};

const FOLDER: &str = "VIVERO_TEST_FULL_FOLDER";

fn sizes() -> Migration {
    Migration::new(1, "sizes")
        .step("CREATE TABLE IF NOT EXISTS filler (text TEXT NOT NULL)")
        .step("CREATE INDEX IF NOT EXISTS filler_text ON filler (text)")
        .step("CREATE TABLE IF NOT EXISTS sizes (n BIGINT PRIMARY KEY, size BIGINT NOT NULL)")
}

async fn open(folder: &Path) -> Arc<dyn Fleet> {
    let migrations = vec![sizes()];
    let options = SqliteOptions { migrations, migrate_on_open: false, ..SqliteOptions::default() };
    let clock = Arc::new(SystemClock);
    Arc::new(SqliteFleet::open(folder, options, ONE, clock).await.expect("opening"))
}

/// The run under the limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test below, under a limit of the size of files"]
async fn a_run_under_a_limit() {
    let folder = std::env::var_os(FOLDER).expect("a folder");
    let fleet = open(Path::new(&folder)).await;
    let lenient = RunOptions { canary: Canary::Count(0), waves: vec![], ..options() };
    migrator(&fleet).up(lenient, Arc::new(Quiet)).await.expect("a run");
    fleet.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_fails_the_tenant_whose_step_needs_room_and_a_retry_finishes_it() {
    let place = Place::sqlite();
    let old = place.open(ONE, &[], true).await;
    let all = tenants(&old, 3).await;
    old.close().await;
    // Many rows of what the second step makes an index of.
    place.raw(&all[1], "CREATE TABLE filler (text TEXT NOT NULL)").await;
    let fill = "INSERT INTO filler WITH RECURSIVE c (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < 8000) \
                SELECT printf('%08d', n) || hex(zeroblob(500)) FROM c";
    place.raw(&all[1], fill).await;
    let folder = place.folder();
    // Blocks of 512 or 1,024 bytes: 3 or 6 MiB. The signal would end the process; without it writing fails.
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 6144; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().expect("this program"))
        .args(["full::a_run_under_a_limit", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .output()
        .expect("sh runs");
    assert!(limited.status.success(), "{limited:?}");

    let new = open(folder).await;
    let run = migrator(&new).runs(1).await.expect("runs").remove(0);
    assert_eq!((run.state, run.done, run.failed), (RunState::Failed, 2, 1), "{run:?}");
    let failed = migrator(&new).tenants(run.id, Some(TenantRunState::Failed)).await;
    let failed = failed.expect("tenants").remove(0);
    assert_eq!((&failed.slug, failed.attempts), (&slug(1), 2), "it may pass: {failed:?}");
    let (step, error) = (failed.step.unwrap_or_default(), failed.error.unwrap_or_default());
    assert!(step.starts_with("migration 1 (sizes), step 2 of 3: CREATE INDEX"), "{step}");
    assert!(error.contains("storage"), "{error}");
    let made = "SELECT count(*) FROM sqlite_schema WHERE name IN ('sizes', 'filler_text')";
    assert_eq!(place.number(&all[1], made).await, 0, "nothing by half");
    let done = "SELECT count(*) FROM schema_steps WHERE migration = 1 AND state = 'finished'";
    assert_eq!(place.number(&all[1], done).await, 1, "what is done is on record");
    let run = migrator(&new).retry(None, "bob", Arc::new(Quiet)).await.expect("a retry");
    assert_eq!((run.state, run.done, run.failed), (RunState::Done, 3, 0), "{run:?}");
    assert_eq!(place.number(&all[1], made).await, 2);
    let rows = "SELECT count(*) FROM filler";
    assert_eq!(place.number(&all[1], rows).await, 8_000, "nothing is lost");
    new.close().await;
}
