//! Several nodes of one installation, each a process of its own, and a load balancer before them.

use super::child::{PATIENCE, Running, vivero};
use serde_json::Value;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use vivero_client::{Client, Retries};

pub(crate) const PLATFORM_KEY: &str = "vpk_node-tests-0123456789-0123456789";
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What the nodes have in common.
pub(crate) struct Installation {
    database: String,
    redis: Option<String>,
    prefix: String,
    folder: TempDir,
}

/// One node.
pub(crate) struct Node {
    process: Option<Running>,
    pub(crate) address: SocketAddr,
}

impl Installation {
    pub(crate) fn new(mariadb: &str, redis: Option<String>, name: &str) -> Self {
        let own = format!("{name}_{}", std::process::id());
        Self {
            database: format!("{mariadb}/nodes_{own}"),
            redis,
            prefix: format!("nodes-{own}"),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// Starts a node at `address`; port 0 takes a free one.
    pub(crate) fn node(&self, address: SocketAddr) -> Node {
        let mut command = self.command();
        command.args(["serve", "--json", "--listen", &address.to_string()]);
        let process = Running::start(&mut command, false);
        let line: Value = serde_json::from_str(&process.line()).expect("the first line");
        let base = line["base_url"].as_str().expect("an address");
        let address = base.strip_prefix("http://").and_then(|a| a.parse().ok());
        Node { process: Some(process), address: address.expect("an address") }
    }

    /// The program with the installation's settings.
    fn command(&self) -> Command {
        let mut command = vivero(self.folder.path());
        command
            .env("VIVERO_DATABASE_URL", &self.database)
            .env("VIVERO_KEY", KEY)
            .env("VIVERO_LISTEN", "127.0.0.1:0")
            .env("VIVERO_PLATFORM_KEY", PLATFORM_KEY)
            .env("VIVERO_SIGN_IN_PER_SECOND", "0")
            .env("VIVERO_DRAIN_SECONDS", "1")
            .env("VIVERO_LOG", "error");
        if let Some(redis) = &self.redis {
            command.env("VIVERO_REDIS_URL", redis).env("VIVERO_REDIS_PREFIX", &self.prefix);
        }
        command
    }

    /// What `vivero doctor` finds about nodes: verdict and words. It must not fail.
    pub(crate) fn doctor(&self) -> (String, String) {
        let printed = self.command().args(["doctor", "--json"]).output().expect("the program runs");
        let text = String::from_utf8_lossy(&printed.stdout).into_owned();
        assert!(printed.status.success(), "{text}");
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let nodes = lines.into_iter().find(|line| line["check"] == "nodes").expect("a finding");
        let text = |name: &str| nodes[name].as_str().expect("text").to_owned();
        (text("verdict"), text("detail"))
    }

    /// Starts a node anywhere.
    pub(crate) fn any_node(&self) -> Node {
        self.node(SocketAddr::from(([127, 0, 0, 1], 0)))
    }
}

impl Node {
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }
    pub(crate) fn client(&self) -> Client {
        client(self.address)
    }
    /// `kill -9`, this instant.
    pub(crate) fn kill(mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }
    /// Stops it in order; it must say that all went well.
    pub(crate) async fn stop(&mut self) {
        let mut process = self.process.take().expect("it runs");
        let pid = process.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(told.success(), "the node is gone already");
        let start = Instant::now();
        let status = loop {
            if let Some(status) = process.child.try_wait().expect("a status") {
                break status;
            }
            assert!(start.elapsed() < PATIENCE, "the node does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        assert!(status.success(), "the node ends with {status}");
    }
}

/// A client as anyone would make it.
pub(crate) fn client(address: SocketAddr) -> Client {
    // Long enough for a load balancer to notice; everything else is as it comes.
    let retries = Retries { attempts: 6, ..Retries::default() };
    Client::builder().retries(retries).build(&format!("http://{address}")).expect("a client")
}

/// Passes each connection to the next node that says it is ready.
pub(crate) struct Balancer {
    pub(crate) address: SocketAddr,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

struct Backend {
    address: SocketAddr,
    ready: AtomicBool,
}

impl Balancer {
    pub(crate) async fn start(nodes: &[SocketAddr]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let backends: Arc<Vec<Backend>> = Arc::new(
            nodes
                .iter()
                .map(|address| Backend { address: *address, ready: AtomicBool::new(true) })
                .collect(),
        );
        let looking = Arc::clone(&backends);
        let looks = tokio::spawn(async move {
            let http = reqwest::Client::builder()
                .timeout(Duration::from_secs(1))
                .pool_max_idle_per_host(0)
                .build()
                .expect("a client");
            loop {
                for backend in looking.iter() {
                    let url = format!("http://{}/health/ready", backend.address);
                    let ready = http.get(url).send().await.is_ok_and(|a| a.status().is_success());
                    backend.ready.store(ready, Ordering::SeqCst);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let accepts = tokio::spawn(async move {
            let next = AtomicUsize::new(0);
            loop {
                let (mut from, _) = listener.accept().await.expect("a connection");
                let backends = Arc::clone(&backends);
                let first = next.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let number = backends.len();
                    let ready = (0..number)
                        .map(|n| &backends[(first + n) % number])
                        .filter(|backend| backend.ready.load(Ordering::SeqCst));
                    for backend in ready {
                        if let Ok(mut to) = TcpStream::connect(backend.address).await {
                            let _ = to.set_nodelay(true);
                            let _ = copy_bidirectional(&mut from, &mut to).await;
                            return;
                        }
                    }
                });
            }
        });
        Self { address, tasks: vec![looks, accepts] }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Asks until it is so; returns how long that took.
pub(crate) async fn until<F: Future<Output = bool>>(
    what: &str,
    mut so: impl FnMut() -> F,
) -> Duration {
    let start = Instant::now();
    while !so().await {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    start.elapsed()
}
