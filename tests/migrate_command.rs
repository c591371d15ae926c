//! `vivero migrate` as a process of its own, which is killed and run again, on either engine.

#[path = "support/behind.rs"]
mod behind;
#[path = "support/child.rs"]
mod child;

use behind::{InTheWay, behind, file};
use child::{Running, engine, vivero};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_is_finished_by_the_next() {
    const TENANTS: usize = 30;
    let data = tempfile::tempdir().expect("a folder");
    behind(&data, TENANTS).await;
    let told = values(&migrate(data.path(), &["up", "--dry-run", "--canary", "2"])).remove(0);
    let rings: Vec<(bool, usize)> = told["rings"]
        .as_array()
        .expect("rings")
        .iter()
        .map(|r| (r["canary"] == true, r["tenants"].as_array().map_or(0, Vec::len)))
        .collect();
    assert_eq!(rings, [(true, 2), (false, 1), (false, 12), (false, 15)]);
    let plan = told["plan"].clone();
    assert_eq!(plan["groups"][0]["tenants"].as_array().map(Vec::len), Some(TENANTS), "{plan}");
    let first = plan["groups"][0]["steps"][0]["statement"].as_str().expect("a statement");
    assert!(first.starts_with("CREATE INDEX IF NOT EXISTS entities_place_"), "{first}");
    let differs = migrate(data.path(), &["verify"]);
    assert_eq!(differs.status.code(), Some(1));
    assert!(values(&differs).iter().all(|v| v["drift"]["ok"] == false));

    let mut command = vivero(data.path());
    command.args([
        "migrate",
        "up",
        "--json",
        "--parallel",
        "1",
        "--operator",
        "ada",
        "--slower",
        "0",
    ]);
    let running = Running::start(&mut command, false);
    let settled = |line: &str| {
        let settled = line.contains("\"settled\"");
        assert!(!settled || line.contains("\"eta_seconds\"") && line.contains("\"of\""), "{line}");
        settled
    };
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
        let output = migrate(data.path(), &["up", "--operator", "bob", "--slower", "0"]);
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
async fn two_operators_at_once_do_every_tenant_once() {
    const TENANTS: usize = 12;
    let data = tempfile::tempdir().expect("a folder");
    behind(&data, TENANTS).await;
    let begin = |operator: &str| {
        let mut command = vivero(data.path());
        command.args(["migrate", "up", "--json", "--slower", "0", "--operator", operator]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program")
    };
    let both = [begin("ada"), begin("bob")];
    let ended = both.map(|child| child.wait_with_output().expect("its end"));
    assert!(ended.iter().any(|output| output.status.success()), "{ended:?}");
    for refused in ended.iter().filter(|output| !output.status.success()) {
        let error = String::from_utf8(refused.stderr.clone()).expect("UTF-8");
        assert!(error.contains("migrations_running"), "{error}");
    }
    let runs: Vec<Value> = values(&migrate(data.path(), &["status"]));
    let tenants: u64 = runs.iter().filter_map(|value| value["run"]["tenants"].as_u64()).sum();
    assert_eq!(tenants, TENANTS as u64, "no tenant is in two runs: {runs:?}");
    let verified = migrate(data.path(), &["verify"]);
    assert!(verified.status.success(), "{verified:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_fails_halts_the_run_and_retry_goes_on_with_all_of_it() {
    let data = tempfile::tempdir().expect("a folder");
    let tenants = behind(&data, 5).await;
    let plan = values(&migrate(data.path(), &["plan"])).remove(0)["plan"].clone();
    let first = plan["groups"][0]["steps"][0]["statement"].as_str().expect("a statement");
    let index = first.split_once("EXISTS ").and_then(|(_, rest)| rest.split(' ').next());
    let obstacle = InTheWay::of(data.path(), &tenants[3], index.expect("a name")).await;
    let up =
        ["up", "--canary", "grower-003", "--attempts", "1", "--lock-wait", "1", "--slower", "0"];
    let halted = migrate(data.path(), &up);
    assert_eq!(halted.status.code(), Some(1));
    let run = values(&halted).pop().expect("a run")["run"].clone();
    assert_eq!((&run["state"], &run["pending"]), (&"halted".into(), &4.into()), "{run}");
    obstacle.clear().await;
    let retried = migrate(data.path(), &["retry", "--operator", "bob"]);
    assert!(retried.status.success(), "{retried:?}");
    let last = values(&retried).pop().expect("a run")["run"].clone();
    assert_eq!((&last["id"], &last["done"]), (&run["id"], &5.into()), "{last}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_fails_is_named_and_tried_again() {
    if engine::server().is_some() {
        // Its file is moved away.
        return;
    }
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
