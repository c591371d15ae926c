//! A Redis server for tests.
//!
//! `VIVERO_TEST_REDIS` names one (`redis://127.0.0.1:PORT`, one that holds nothing of value); otherwise a
//! private one is started, once per test program, in a folder of its own on a port of its own. A missing
//! server fails the tests: it is never left out.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
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

/// Redis, or Valkey where there is no Redis; `VIVERO_TEST_REDIS_PROGRAM` names another.
fn program() -> PathBuf {
    if let Some(program) = std::env::var_os("VIVERO_TEST_REDIS_PROGRAM") {
        return program.into();
    }
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

/// What a server is told to listen with TLS on a port of its own besides, under a certificate in a folder.
pub(crate) fn tls(folder: &Path) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    let port = free_port().to_string();
    let words = [
        ("--tls-port", port),
        ("--tls-cert-file", file("server.pem")),
        ("--tls-key-file", file("server.key")),
        ("--tls-ca-cert-file", file("ca.pem")),
        ("--tls-auth-clients", "no".into()),
    ];
    words.into_iter().flat_map(|(word, value)| [word.to_owned(), value]).collect()
}

fn openssl(folder: &Path, line: &str) {
    let made = Command::new("openssl").current_dir(folder).args(line.split(' ')).output();
    let made = made.expect("openssl runs; on Debian: apt-get install openssl");
    assert!(made.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&made.stderr));
}

/// An authority `ca.pem` and a certificate `server.pem` of it for a server of that name.
pub(crate) fn certificate(folder: &Path, name: &str) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(
        folder,
        &format!("req -x509 {key} -days 2 -subj /CN=authority -keyout ca.key -out ca.pem"),
    );
    openssl(folder, &format!("req {key} -subj /CN={name} -keyout server.key -out server.csr"));
    std::fs::write(folder.join("ext"), format!("subjectAltName=DNS:{name}\n")).expect("written");
    let ca = "-CA ca.pem -CAkey ca.key -CAcreateserial";
    openssl(folder, &format!("x509 -req -in server.csr {ca} -days 2 -extfile ext -out server.pem"));
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
    /// Where it listens with TLS, if it was told to by [`tls`].
    pub(crate) fn tls_url(&self) -> String {
        let at = self.more.iter().position(|word| word == "--tls-port").expect("TLS");
        format!("rediss://localhost:{}", self.more[at + 1])
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
