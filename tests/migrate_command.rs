//! `vivero migrate` as a process of its own, which is killed and run again.

#[path = "support/child.rs"]
mod child;

use child::{Running, vivero};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use vivero_core::{NewTenant, Owner, Tenant, Vivero};
use vivero_store::Open as _;

fn run(command: &mut Command) -> Output {
    command.output().expect("the program")
}

fn values(output: &Output) -> Vec<Value> {
    String::from_utf8(output.stdout.clone())
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}")))
        .collect()
}

fn migrate(data: &Path, args: &[&str]) -> Output {
    let mut command = vivero(data);
    run(command.arg("migrate").args(args).arg("--json"))
}

/// Tenants as a version left them that had fewer indexes.
async fn behind(data: &TempDir, number: usize) -> Vec<Tenant> {
    let url = format!("sqlite:{}", data.path().display());
    let vivero = Vivero::builder().weak_passwords_for_tests().open(&url).await.expect("opening");
    let mut tenants = Vec::new();
    for n in 0..number {
        let owner = Owner::new("grower@example.com", "a long enough secret");
        let new = NewTenant::trial(format!("grower-{n:03}"), owner);
        tenants.push(vivero.tenants().provision(new).await.expect("a tenant"));
    }
    vivero.close().await;
    for tenant in &tenants {
        let pool = open(&file(data.path(), tenant)).await;
        let names =
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE 'entities_place_%'";
        let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&pool).await.expect("names");
        assert!(names.len() > 3, "{names:?}");
        for name in names {
            let sql = sqlx::AssertSqlSafe(format!("DROP INDEX {name}"));
            sqlx::query(sql).execute(&pool).await.expect("an index less");
        }
        for noted in ["PRAGMA user_version = 7", "PRAGMA application_id = 7"] {
            sqlx::query(noted).execute(&pool).await.expect("another version");
        }
        pool.close().await;
    }
    let registry = open(&data.path().join("registry.sqlite3")).await;
    sqlx::query("DELETE FROM tenant_schemas").execute(&registry).await.expect("no versions");
    registry.close().await;
    tenants
}

fn file(data: &Path, tenant: &Tenant) -> std::path::PathBuf {
    let name = tenant.id.uuid().simple().to_string();
    data.join("tenants").join(&name[30..]).join(format!("{name}.sqlite3"))
}

async fn open(file: &Path) -> sqlx::SqlitePool {
    sqlx::SqlitePool::connect(&format!("sqlite:{}", file.display())).await.expect("the file")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_is_finished_by_the_next() {
    const TENANTS: usize = 30;
    let data = tempfile::tempdir().expect("a folder");
    behind(&data, TENANTS).await;
    let plan = values(&migrate(data.path(), &["up", "--dry-run"])).remove(0)["plan"].clone();
    assert_eq!(plan["groups"][0]["tenants"].as_array().map(Vec::len), Some(TENANTS), "{plan}");
    let first = plan["groups"][0]["steps"][0]["statement"].as_str().expect("a statement");
    assert!(first.starts_with("CREATE INDEX IF NOT EXISTS entities_place_"), "{first}");
    let differs = migrate(data.path(), &["verify"]);
    assert_eq!(differs.status.code(), Some(1));
    assert!(values(&differs).iter().all(|v| v["drift"]["ok"] == false));

    let mut command = vivero(data.path());
    command.args(["migrate", "up", "--json", "--parallel", "1", "--operator", "ada"]);
    let running = Running::start(&mut command, false);
    let settled = |line: &str| line.contains("\"settled\"");
    while !settled(&running.line()) {}
    running.kill();

    let shown = values(&migrate(data.path(), &["status"])).remove(0)["run"].clone();
    let done = shown["done"].as_u64().expect("a number");
    assert!(shown["state"] == "running" && done < TENANTS as u64, "{shown}");
    // The lease of who was killed lasts for some seconds: until then, who it was is told.
    let refused = migrate(data.path(), &["up", "--operator", "bob"]);
    let error = String::from_utf8(refused.stderr.clone()).expect("UTF-8");
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(error.contains("migrations_running") && error.contains("ada has been migrating since"));
    let deadline = Instant::now() + Duration::from_secs(60);
    let finished = loop {
        let output = migrate(data.path(), &["up", "--operator", "bob"]);
        if output.status.success() {
            break output;
        }
        assert!(Instant::now() < deadline, "{output:?}");
        std::thread::sleep(Duration::from_millis(300));
    };
    let last = values(&finished).pop().expect("a run")["run"].clone();
    assert_eq!((&last["state"], &last["failed"]), (&"done".into(), &0.into()), "{last}");
    let left = last["tenants"].as_u64().expect("a number");
    assert!((1..=TENANTS as u64).contains(&left), "{last}");
    let runs = values(&migrate(data.path(), &["status"]));
    assert_eq!(runs[1]["run"]["state"], "interrupted", "{runs:?}");
    let verified = migrate(data.path(), &["verify"]);
    assert!(verified.status.success(), "{verified:?}");
    assert_eq!(values(&verified).len(), TENANTS);
    let again = values(&migrate(data.path(), &["up"])).pop().expect("a run")["run"].clone();
    assert_eq!((&again["state"], &again["tenants"]), (&"done".into(), &0.into()));
    let text = run(vivero(data.path()).args(["migrate", "plan"]));
    let text = String::from_utf8(text.stdout).expect("UTF-8");
    assert!(text.contains(&format!("{TENANTS} tenants have it, 0 do not")), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_fails_is_named_and_tried_again() {
    let data = tempfile::tempdir().expect("a folder");
    let tenants = behind(&data, 3).await;
    let (path, aside) = (file(data.path(), &tenants[1]), data.path().join("aside"));
    std::fs::rename(&path, &aside).expect("moving a file");
    let failed = migrate(data.path(), &["up", "--canary", "0", "--waves", "99"]);
    assert_eq!(failed.status.code(), Some(1));
    let told = values(&failed);
    let run = told.last().expect("a run")["run"].clone();
    assert_eq!(
        (&run["state"], &run["done"], &run["failed"]),
        (&"failed".into(), &2.into(), &1.into())
    );
    let tenant = &told[told.len() - 2]["tenant"];
    assert_eq!(tenant["slug"], "grower-001");
    assert!(tenant["error"].as_str().is_some_and(|e| e.contains("is missing")), "{tenant}");
    let id = run["id"].as_str().expect("an id");
    let status = migrate(data.path(), &["status", id, "--state", "failed"]);
    assert_eq!(values(&status).len(), 2, "the run and its one tenant that failed");
    std::fs::rename(&aside, &path).expect("moving it back");
    let retried = migrate(data.path(), &["retry", "--operator", "bob"]);
    assert!(retried.status.success(), "{retried:?}");
    let wrong = migrate(data.path(), &["up", "--waves", "50,10", "--canary", "x y"]);
    assert_eq!(wrong.status.code(), Some(1));
    let nobody = migrate(data.path(), &["plan", "--tenant", "nobody-here"]);
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("nobody-here"), "{nobody:?}");
}
