//! MariaDB servers for tests.
//!
//! `VIVERO_TEST_MARIADB` names one (`mysql://root@127.0.0.1:PORT`, an account that may do anything, on a
//! server that holds nothing of value), `VIVERO_TEST_MARIADB_2` another; otherwise a private one is started, once per test program, in a
//! folder of its own on a port of its own. A missing server fails the tests: it is never left out.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use vivero_store::{KeyText, MariaDbOptions};

/// Waits until whoever started it is gone, however it went; then stops the server, by its pid.
pub(crate) const KEEPER: &str = r#"
trap '' INT
folder=$1; port=$2; shift 2
"$0" --no-defaults --user="$(id -un)" --datadir="$folder/data" --tmpdir="$folder" --socket="$folder/s" \
  --port="$port" --pid-file="$folder/pid" --bind-address=127.0.0.1 --skip-name-resolve --skip-log-bin \
  --log-error="$folder/log" --max-connections=1000 --max-prepared-stmt-count=1000000 \
  --table-open-cache=4000 --innodb-log-file-size=32M --innodb-flush-log-at-trx-commit=0 \
  --innodb-doublewrite=OFF --performance-schema=OFF "$@" </dev/null >/dev/null 2>&1 &
pid=$!
read -r _
kill "$pid"
wait "$pid"
rm -rf "$folder"
"#;

pub(crate) fn found(names: &[&str]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|file| file.is_file())
        .unwrap_or_else(|| {
            panic!("{} is missing; on Debian: apt-get install mariadb-server", names[0])
        })
}

/// Where the server is: `mysql://USER@HOST:PORT`.
pub(crate) fn address() -> &'static str {
    server(0)
}

/// Where the first or the second server is.
pub(crate) fn server(number: usize) -> &'static str {
    static ADDRESSES: [OnceLock<String>; 2] = [OnceLock::new(), OnceLock::new()];
    let variable = ["VIVERO_TEST_MARIADB", "VIVERO_TEST_MARIADB_2"][number];
    ADDRESSES[number].get_or_init(|| match std::env::var(variable) {
        Ok(address) => address.trim_end_matches('/').to_owned(),
        Err(_) => start(&[]),
    })
}

/// Starts a private server with more options than all have.
pub(crate) fn start(more: &[String]) -> String {
    static KEPT: Mutex<Vec<Child>> = Mutex::new(Vec::new());
    let folder =
        tempfile::Builder::new().prefix("vivero-mariadb").tempdir().expect("a folder").keep();
    let shown = folder.display().to_string();
    let installed = Command::new(found(&["mariadb-install-db", "mysql_install_db"]))
        .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
        .arg(format!("--datadir={shown}/data"))
        .arg(format!("--tmpdir={shown}"))
        .args(["--innodb-log-file-size=32M", "--user=root"])
        .output()
        .expect("mariadb-install-db runs");
    assert!(
        installed.status.success(),
        "mariadb-install-db: {}",
        String::from_utf8_lossy(&installed.stderr)
    );
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let keeper = Command::new("sh")
        .arg("-c")
        .arg(KEEPER)
        .arg(found(&["mariadbd", "mysqld"]))
        .arg(&shown)
        .arg(port.to_string())
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("sh runs");
    KEPT.lock().expect("a list").push(keeper);
    let deadline = Instant::now() + Duration::from_secs(60);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(Instant::now() < deadline, "the server does not start:\n{log}");
        std::thread::sleep(Duration::from_millis(20));
    }
    format!("mysql://root@127.0.0.1:{port}")
}

/// Options for an installation of its own on the server; `n` tells those of one program apart.
pub(crate) fn options(n: usize) -> MariaDbOptions {
    MariaDbOptions {
        max_open: 4,
        standby: 0,
        wait: Duration::from_millis(300),
        prefix: format!("c{}x{n}x", std::process::id() % 1_000_000),
        key: Some(Arc::new(KeyText("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".into()))),
        ..MariaDbOptions::default()
    }
}

/// The address of an installation's registry.
pub(crate) fn registry(n: usize) -> String {
    format!("{}/registry_{}_{n}", address(), std::process::id())
}
