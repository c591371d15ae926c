//! A Redis server for tests.
//!
//! `VIVERO_TEST_REDIS` names one (`redis://127.0.0.1:PORT`, one that holds nothing of value); otherwise a
//! private one is started, once per test program, in a folder of its own on a port of its own. A missing
//! server fails the tests: it is never left out.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Where the common server is.
pub(crate) fn address() -> String {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    let started = || {
        static KEPT: OnceLock<Child> = OnceLock::new();
        let folder = tempfile::Builder::new().prefix("vivero-redis").tempdir().expect("a folder");
        let (folder, port) = (folder.keep(), free_port());
        // Waits until whoever started it is gone, however it went; then stops the server, by its pid.
        let keeper = r#"trap '' INT
            "$0" --port "$2" --bind 127.0.0.1 --dir "$1" --save '' </dev/null >/dev/null 2>&1 &
            pid=$!; read -r _; kill "$pid"; wait "$pid"; rm -rf "$1""#;
        let kept = Command::new("sh")
            .args(["-c", keeper])
            .args([program(), folder])
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        let _ = KEPT.set(kept.expect("sh runs"));
        wait_for(port);
        format!("redis://127.0.0.1:{port}")
    };
    ADDRESS.get_or_init(|| std::env::var("VIVERO_TEST_REDIS").unwrap_or_else(|_| started())).clone()
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/bin".into()]);
    let names = ["redis-server", "valkey-server"];
    folders
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_file())
        .unwrap_or_else(|| {
            panic!("redis-server is missing; on Debian: apt-get install redis-server")
        })
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port()
}

fn wait_for(port: u16) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "the server does not start");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A server of one test's own, to be lost and found.
pub(crate) struct Server {
    port: u16,
    folder: TempDir,
    more: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// One on a port of its own that is not started yet.
    pub(crate) fn new(more: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("vivero-redis").tempdir().expect("a folder");
        let more = more.iter().map(ToString::to_string).collect();
        Self { port: free_port(), folder, more, child: None }
    }
    pub(crate) fn start(&mut self) {
        let child = Command::new(program())
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .arg("--dir")
            .arg(self.folder.path())
            .args(&self.more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        self.child = Some(child.expect("redis-server runs"));
        wait_for(self.port);
    }
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
    /// `kill -9`, this instant.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a kill");
            child.wait().expect("an end");
        }
    }
    /// `kill -STOP` or `-CONT`.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
