//! Migrations over the platform API, by the program as it is run in earnest: how the fleet stands, a run
//! with its progress, a second one at once, a server that is killed in the middle.

#[path = "support/behind.rs"]
mod behind;
#[path = "support/child.rs"]
mod child;

use behind::{InTheWay, behind};
use child::{PATIENCE, Running, vivero};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const KEY: &str = "vpk_migration-tests-0123456789-0123456789";
const MIGRATIONS: &str = "/api/v1/platform/migrations";

struct Server {
    process: Running,
    base: String,
    http: Client,
}

impl Server {
    fn start(data: &Path) -> Self {
        let mut command = vivero(data);
        command.args(["serve", "--listen", "127.0.0.1:0", "--json"]);
        // The runs of these tests bring tenants up, not their first requests.
        command
            .env("VIVERO_PLATFORM_KEY", KEY)
            .env("VIVERO_MIGRATE_ON_OPEN", "false")
            .env("VIVERO_LOG", "error");
        let process = Running::start(&mut command, false);
        let line: Value = serde_json::from_str(&process.line()).expect("the first line");
        let base = line["base_url"].as_str().expect("an address").to_owned();
        let http = Client::builder().timeout(Duration::from_secs(60)).build().expect("a client");
        Self { process, base, http }
    }

    /// Status, `Location` and body.
    async fn call(&self, method: Method, path: &str, body: Value) -> (u16, String, Value) {
        let request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(KEY);
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.send().await.expect("an answer");
        let location = answer.headers().get("location").map(|l| l.to_str().expect("text"));
        let (status, location) =
            (answer.status().as_u16(), location.unwrap_or_default().to_owned());
        (status, location, answer.json().await.expect("JSON"))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, _, body) = self.call(Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Reads a run until it is as it is wanted.
    async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let run = self.get(path).await;
            if wanted(&run) {
                return run;
            }
            assert!(start.elapsed() < PATIENCE, "{run}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

fn over(run: &Value) -> bool {
    run["state"] != "running"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_planned_started_watched_and_listed() {
    const TENANTS: u64 = 12;
    let data = tempfile::tempdir().expect("a folder");
    behind(&data, 12).await;
    let server = Server::start(data.path());
    let stand = server.get(MIGRATIONS).await;
    assert_eq!((&stand["behind"], &stand["up_to_date"]), (&TENANTS.into(), &0.into()), "{stand}");
    assert_eq!(stand["groups"][0]["number"], TENANTS);
    let step = &stand["groups"][0]["steps"][0];
    let text = step["statement"].as_str().expect("a statement");
    assert!(text.contains("entities_place_") && step["number"] == 1, "{step}");

    // Half of them first, then all.
    let names: Vec<String> = (0..6).map(|n| format!("grower-{n:03}")).collect();
    let some = json!({"operator": "ada", "tenants": names, "canary": "grower-002", "waves": [50], "slower": 0});
    let (status, location, begun) = server.call(Method::POST, MIGRATIONS, some).await;
    assert_eq!(status, 202, "{begun}");
    assert_eq!(location, format!("{MIGRATIONS}/{}", begun["id"].as_str().expect("an id")));
    assert_eq!((&begun["operator"], &begun["tenants"]["total"]), (&"ada".into(), &6.into()));
    let run = server.until(&location, over).await;
    let tally = json!({"total": 6, "pending": 0, "running": 0, "done": 6, "failed": 0});
    assert_eq!((&run["state"], &run["tenants"]), (&"done".into(), &tally), "{run}");
    assert_eq!((&run["ring"], &run["rings"]), (&3.into(), &3.into()), "canary, half, rest: {run}");
    assert!(run["finished_at"].is_string() && run.get("eta_seconds").is_none(), "{run}");

    let (status, location, _) = server.call(Method::POST, MIGRATIONS, json!({"slower": 0})).await;
    assert_eq!(status, 202);
    let run = server.until(&location, over).await;
    assert_eq!((&run["tenants"]["done"], &run["operator"]), (&6.into(), &"platform API".into()));
    let stand = server.get(&format!("{MIGRATIONS}?limit=1")).await;
    assert_eq!((&stand["behind"], &stand["up_to_date"]), (&0.into(), &TENANTS.into()));
    assert_eq!(stand["runs"].as_array().map(Vec::len), Some(1));
    assert_eq!(stand["runs"][0]["id"], run["id"], "the last one");

    // What cannot be is refused by name.
    for (body, field) in [
        (json!({"tenants": ["nobody-here"]}), "tenant"),
        (json!({"waves": [50, 10]}), "waves"),
        (json!({"canary": "5%", "parallel": 0}), "parallel"),
        (json!({"canary": "-"}), "canary"),
    ] {
        let (status, _, refused) = server.call(Method::POST, MIGRATIONS, body).await;
        assert_eq!((status, &refused["errors"][0]["field"]), (400, &field.into()), "{refused}");
    }
    let nobody = format!("{MIGRATIONS}/00000000-0000-0000-0000-000000000000");
    for (method, path, body) in [
        (Method::GET, nobody.clone(), Value::Null),
        (Method::POST, format!("{nobody}/retry"), json!({})),
    ] {
        let (status, _, refused) = server.call(method, &path, body).await;
        assert_eq!((status, &refused["code"]), (404, &"migration_run_not_found".into()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_leaves_a_run_that_another_goes_on_with() {
    const TENANTS: u64 = 40;
    let data = tempfile::tempdir().expect("a folder");
    behind(&data, 40).await;
    let server = Server::start(data.path());
    let slow = json!({"operator": "ada", "parallel": 1, "slower": 0});
    let (status, location, begun) = server.call(Method::POST, MIGRATIONS, slow).await;
    assert_eq!((status, &begun["tenants"]["total"]), (202, &TENANTS.into()), "{begun}");
    // Meanwhile nobody else may.
    let (status, _, refused) = server.call(Method::POST, MIGRATIONS, json!({})).await;
    assert_eq!((status, &refused["code"]), (409, &"migrations_running".into()), "{refused}");
    let detail = refused["detail"].as_str().expect("a text");
    let id = begun["id"].as_str().expect("an id");
    assert!(detail.contains("ada has been migrating since") && detail.contains(id), "{detail}");
    let run = server.until(&location, |run| run["tenants"]["done"] != 0).await;
    assert_eq!(run["state"], "running", "{run}");
    assert!(run["eta_seconds"].is_u64(), "{run}");
    server.process.kill();

    let server = Server::start(data.path());
    let run = server.get(&location).await;
    let done = run["tenants"]["done"].as_u64().expect("a number");
    assert!(run["state"] == "running" && (1..TENANTS).contains(&done), "{run}");
    let retry = format!("{location}/retry");
    let (status, _, refused) = server.call(Method::POST, &retry, json!({})).await;
    assert_eq!(status, 409, "its lease lasts for some seconds: {refused}");
    let run = server.until(&location, |run| run["cut_off"] == true).await;
    assert!(run.get("eta_seconds").is_none(), "nobody is at it: {run}");
    let (status, again, begun) =
        server.call(Method::POST, &retry, json!({"operator": "bob"})).await;
    assert_eq!((status, &again, &begun["id"]), (202, &location, &id.into()), "the same run");
    let run = server.until(&location, over).await;
    assert_eq!((&run["state"], &run["operator"]), (&"done".into(), &"bob".into()), "{run}");
    assert_eq!((&run["tenants"]["done"], &run["cut_off"]), (&TENANTS.into(), &false.into()));
    assert_eq!(server.get(MIGRATIONS).await["behind"], 0);
    let verified = vivero(data.path()).args(["migrate", "verify", "--json"]).output();
    assert!(verified.expect("the program").status.success(), "every table is as it should be");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_fails_is_named_with_its_step() {
    let data = tempfile::tempdir().expect("a folder");
    let tenants = behind(&data, 3).await;
    let server = Server::start(data.path());
    let stand = server.get(MIGRATIONS).await;
    let first = stand["groups"][0]["steps"][0]["statement"].as_str().expect("a statement");
    let index = first.split_once("EXISTS ").and_then(|(_, rest)| rest.split(' ').next());
    let obstacle = InTheWay::of(data.path(), &tenants[1], index.expect("a name")).await;
    let once = json!({"canary": "0", "waves": [99], "attempts": 1, "lock_wait": 1, "slower": 0});
    let (_, location, _) = server.call(Method::POST, MIGRATIONS, once).await;
    let run = server.until(&location, over).await;
    assert_eq!((&run["state"], &run["tenants"]["failed"]), (&"failed".into(), &1.into()), "{run}");
    let failure = &run["failures"][0];
    assert_eq!(failure["tenant"], "grower-001", "{run}");
    let step = failure["step"].as_str().expect("a step");
    assert!(step.contains("step 1 of") && step.contains("CREATE INDEX"), "{failure}");
    assert!(!failure["error"].as_str().expect("a text").is_empty());
    obstacle.clear().await;
    let (status, ..) = server.call(Method::POST, &format!("{location}/retry"), json!({})).await;
    assert_eq!(status, 202);
    let run = server.until(&location, over).await;
    assert_eq!((&run["state"], &run["tenants"]["done"]), (&"done".into(), &3.into()), "{run}");
    assert_eq!(run["failures"], json!([]), "{run}");
}
