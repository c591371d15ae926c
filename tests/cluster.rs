//! Three Galera nodes, two server nodes, and a kill of each of the five in turn under load. Whatever was
//! acknowledged is there at the end, on every database node, once.
//!
//! `tests/run --cluster` starts the database nodes and runs this; it prints what it sees.
#![cfg(feature = "mariadb")]

#[path = "support/child.rs"]
mod child;
#[path = "support/crash.rs"]
#[expect(dead_code, reason = "the crash tests need more of it")]
mod support;

use child::{PATIENCE, Running, vivero};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};
use support::{API, Caller, SLUG};

const WRITERS: usize = 16;
/// Writes that must be acknowledged after an event before the next.
const ENOUGH: usize = 500;
/// An event is over when nothing failed for this long.
const QUIET: Duration = Duration::from_secs(3);
/// How long one write may take, with all its repetitions.
const LIMIT: Duration = Duration::from_secs(60);

/// What the writers saw.
#[derive(Default)]
struct Seen {
    /// Code and id of each acknowledged lot.
    lots: HashMap<String, String>,
    acknowledged: Vec<Instant>,
    /// When an attempt failed, and how. Each was repeated under its key until it was acknowledged.
    failed: Vec<(Instant, String)>,
}

/// A server node, and whether it last said that it is ready.
#[derive(Clone)]
struct Node {
    caller: Caller,
    ready: Arc<AtomicBool>,
}

impl Node {
    fn new(caller: Caller) -> Self {
        Self { caller, ready: Arc::new(AtomicBool::new(true)) }
    }
}

/// The server nodes as a load balancer sees them.
type Nodes = Arc<RwLock<Vec<Node>>>;

/// Asks each node ten times a second whether it is ready, as a load balancer does.
async fn watch(nodes: Nodes, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let all = nodes.read().expect("the nodes").clone();
        for node in all {
            let asked = node.caller.http.get(format!("{}/health/ready", node.caller.base));
            let answer = asked.timeout(Duration::from_millis(500)).send().await;
            node.ready.store(answer.is_ok_and(|a| a.status().is_success()), Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The next node that is ready; any, if none is.
fn next(nodes: &Nodes, turn: usize) -> Caller {
    let nodes = nodes.read().expect("the nodes");
    let order = (0..nodes.len()).map(|i| &nodes[(turn + i) % nodes.len()]);
    let ready = order.clone().find(|node| node.ready.load(Ordering::Relaxed));
    ready.or_else(|| order.clone().next()).expect("a node").caller.clone()
}

/// Creates lots until it is told to stop, each at the next node, repeating what failed at another.
async fn write(writer: usize, nodes: Nodes, seen: Arc<Mutex<Seen>>, stop: Arc<AtomicBool>) {
    let mut turn = writer;
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let code = format!("w{writer}-{number}");
        let body =
            json!({"code": code, "name": "Salvia nemorosa", "type": "cutting", "quantity": 10});
        let begun = Instant::now();
        loop {
            turn += 1;
            let caller = next(&nodes, turn);
            let failure = match caller
                .call(Method::POST, &format!("{API}/entities"), &format!("create-{code}"), &body)
                .await
            {
                Some((201, lot)) => {
                    let id = lot["id"].as_str().expect("an id").to_owned();
                    let mut seen = seen.lock().expect("the ledger");
                    seen.acknowledged.push(Instant::now());
                    seen.lots.insert(code, id);
                    break;
                }
                Some((status @ (429 | 500..), problem)) => {
                    format!("{status} {} {}", problem["code"], problem["detail"])
                }
                Some((status, problem)) => panic!("{code}: {status} {problem}"),
                None => "no answer".to_owned(),
            };
            seen.lock().expect("the ledger").failed.push((Instant::now(), failure));
            assert!(begun.elapsed() < LIMIT, "{code} was not acknowledged within {LIMIT:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The cluster's folder and the script that handles it.
struct Galera {
    folder: PathBuf,
    ports: Vec<u16>,
}

impl Galera {
    fn named() -> Self {
        let folder = std::env::var_os("VIVERO_TEST_GALERA").expect(
            "VIVERO_TEST_GALERA names the folder of a cluster; run this by tests/run --cluster",
        );
        let folder = PathBuf::from(folder);
        let text = std::fs::read_to_string(folder.join("ports")).expect("the ports");
        let ports = text.lines().take(3).map(|port| port.parse().expect("a port")).collect();
        Self { folder, ports }
    }

    fn run(&self, verb: &str, node: usize) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/galera");
        let status = Command::new(script)
            .arg(verb)
            .arg(&self.folder)
            .arg(node.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.expect("the script").success(), "galera {verb} {node}");
    }

    /// The address of all nodes: one that does not answer is left for the next.
    fn url(&self) -> String {
        let hosts: Vec<String> = self.ports.iter().map(|p| format!("127.0.0.1:{p}")).collect();
        format!("mysql://root@{}/registry", hosts.join(","))
    }

    async fn node(&self, node: usize) -> MySqlConnection {
        let url = format!("mysql://root@127.0.0.1:{}", self.ports[node - 1]);
        MySqlConnection::connect(&url).await.expect("the node")
    }
}

/// A server node.
fn serve(data: &Path, galera: &Galera) -> (Running, Caller) {
    let mut command = vivero(data);
    command.args(["serve", "--listen", "127.0.0.1:0", "--json"]);
    command
        .env("VIVERO_DATABASE_URL", galera.url())
        .env("VIVERO_KEY", child::engine::KEY)
        .env("VIVERO_SIGN_IN_PER_SECOND", "0")
        // The test finds databases by their tenants' ids.
        .env("VIVERO_STANDBY", "0")
        .env("VIVERO_LOG", "error");
    if let Ok(redis) = std::env::var("VIVERO_TEST_REDIS") {
        command.env("VIVERO_REDIS_URL", redis);
    }
    let process = Running::start(&mut command, false);
    let line: Value = serde_json::from_str(&process.line()).expect("the first line");
    let base = line["base_url"].as_str().expect("an address").to_owned();
    let http = Client::builder().timeout(Duration::from_secs(20)).build().expect("a client");
    (process, Caller { http, base, token: String::new() })
}

/// Waits until the load goes on undisturbed after an event, and says what it cost.
async fn report(what: &str, at: Instant, seen: &Mutex<Seen>) {
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let seen = seen.lock().expect("the ledger");
        let since: Vec<Instant> = seen.acknowledged.iter().copied().filter(|t| *t > at).collect();
        let failed: Vec<&(Instant, String)> = seen.failed.iter().filter(|(t, _)| *t > at).collect();
        let quiet = failed.last().is_none_or(|(last, _)| last.elapsed() > QUIET);
        assert!(at.elapsed() < PATIENCE, "{what}: the load does not recover: {:?}", failed.last());
        if since.len() < ENOUGH || !quiet || at.elapsed() < QUIET {
            continue;
        }
        let last = |t: Option<&Instant>| t.map_or(Duration::ZERO, |t| *t - at);
        let window = last(failed.last().map(|(t, _)| t));
        let mut stall = Duration::ZERO;
        let mut before = at;
        for t in since {
            stall = stall.max(t - before);
            before = t;
        }
        let mut kinds: Vec<&str> = failed.iter().map(|(_, kind)| kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        println!(
            "{what}: {} attempts failed, the last {:.2} s after it; longest time without an \
             acknowledged write {:.2} s",
            failed.len(),
            window.as_secs_f64(),
            stall.as_secs_f64()
        );
        for kind in kinds.iter().take(5) {
            println!("    {kind}");
        }
        return;
    }
}

/// Codes and ids of the lots in a tenant's database, as one node has them.
async fn stored(node: &mut MySqlConnection, database: &str) -> HashMap<String, String> {
    let sql = "SET SESSION wsrep_sync_wait = 1";
    sqlx::query(sql).execute(&mut *node).await.expect("a setting");
    let sql = format!("SELECT code, lower(hex(id)) FROM {database}.entities");
    let rows: Vec<(String, String)> =
        sqlx::query_as(AssertSqlSafe(sql)).fetch_all(node).await.expect("the lots");
    let number = rows.len();
    let lots: HashMap<String, String> = rows.into_iter().collect();
    assert_eq!(lots.len(), number, "a lot is there twice");
    lots
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes and a Galera cluster: tests/run --cluster"]
async fn nothing_acknowledged_is_lost_when_nodes_are_killed_one_at_a_time() {
    let galera = Galera::named();
    let folder = tempfile::tempdir().expect("a folder");
    let start = |name: &str| serve(&folder.path().join(name), &galera);
    let mut processes = Vec::new();
    let mut callers = Vec::new();
    for name in ["a", "b"] {
        let (process, caller) = start(name);
        processes.push(Some(process));
        callers.push(caller);
    }
    let (status, made) = callers[0].sign_up(SLUG, "").await.expect("an answer");
    assert_eq!(status, 201, "{made}");
    let id = made["tenant"]["id"].as_str().expect("an id").replace('-', "");
    for caller in &mut callers {
        assert_eq!(caller.sign_in(SLUG).await, 200);
    }
    let token = callers[0].token.clone();
    let nodes: Nodes = Arc::new(RwLock::new(callers.into_iter().map(Node::new).collect()));
    let (seen, stop) = (Arc::<Mutex<Seen>>::default(), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| tokio::spawn(write(n, Arc::clone(&nodes), Arc::clone(&seen), Arc::clone(&stop))))
        .collect();
    let watching = tokio::spawn(watch(Arc::clone(&nodes), Arc::clone(&stop)));
    let begun = Instant::now();
    report("start of the load", begun, &seen).await;

    for node in 1..=3 {
        let at = Instant::now();
        galera.run("kill", node);
        report(&format!("kill -9 of database node {node}"), at, &seen).await;
        let at = Instant::now();
        galera.run("node", node);
        report(&format!("database node {node} joins again"), at, &seen).await;
    }
    for (index, name) in ["a", "b"].into_iter().enumerate() {
        let at = Instant::now();
        processes[index].take().expect("it runs").kill();
        report(&format!("kill -9 of server node {name}"), at, &seen).await;
        let at = Instant::now();
        let (process, mut caller) = start(name);
        caller.token.clone_from(&token);
        processes[index] = Some(process);
        nodes.write().expect("the nodes")[index] = Node::new(caller);
        report(&format!("server node {name} is back"), at, &seen).await;
    }

    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.expect("a writer");
    }
    watching.await.expect("the watch");
    let took = begun.elapsed().as_secs_f64();
    let (lots, failed) = {
        let seen = seen.lock().expect("the ledger");
        let plain = |(code, id): (&String, &String)| (code.clone(), id.replace('-', ""));
        (seen.lots.iter().map(plain).collect::<HashMap<_, _>>(), seen.failed.len())
    };
    println!(
        "{} writes acknowledged in {took:.0} s ({:.0} a second), {failed} attempts failed and were repeated",
        lots.len(),
        lots.len() as f64 / took
    );
    for node in 1..=3 {
        let there = stored(&mut galera.node(node).await, &format!("t{id}")).await;
        let lost = lots.iter().filter(|(code, id)| there.get(*code) != Some(id)).count();
        println!("database node {node}: {} lots, acknowledged and lost: {lost}", there.len());
        assert_eq!(lost, 0);
        assert_eq!(there.len(), lots.len(), "a lot is there that nobody was told of");
    }
    let caller = nodes.read().expect("the nodes")[0].caller.clone();
    let path = format!("{API}/audit/verify");
    let (_, found) = caller.call(Method::POST, &path, "", &Value::Null).await.expect("a report");
    assert_eq!((&found["breaks"], &found["unsealed"]), (&json!([]), &json!(0)), "{found}");
    let board = caller.get(&format!("{API}/dashboard")).await;
    assert_eq!(board["entities"]["total"], json!(lots.len()));
    println!("chain of {} entries: whole; figures: right", found["head"]);
}
