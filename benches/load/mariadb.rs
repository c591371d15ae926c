//! A MariaDB server of the run's own, set up as an operator would: durable, with room for the data.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Database of the registry.
const REGISTRY: &str = "vivero_bench";
/// How long the server may take to answer for the first time; it may have a crash to recover from.
const START: Duration = Duration::from_secs(120);
/// How long it may take to write everything out at its end.
const STOP: Duration = Duration::from_secs(120);
/// How a server would be set up whose data is to fit into memory, and to be there again after a start; it keeps as
/// many tables open as that of `examples/compose`. All else is the server's default; that every commit is synced is
/// said because everything here depends on it.
const SETTINGS: [&str; 10] = [
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-buffer-pool-dump-pct=100",
    "--innodb-log-file-size=1G",
    "--max-connections=500",
    "--max-prepared-stmt-count=100000",
    "--table-open-cache=8000",
    "--table-definition-cache=8000",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--bind-address=127.0.0.1",
];

/// The server; stopped when dropped.
#[derive(Debug)]
pub(crate) struct MariaDb {
    child: Child,
    port: u16,
    key: PathBuf,
}

impl MariaDb {
    /// Starts it on the data in `folder`, or on new data, with so much memory for data, e.g. `2G`.
    pub(crate) fn start(folder: &Path, buffer_pool: &str) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let (data, key) = (folder.join("data"), folder.join("key"));
        let user = format!("--user={}", output(Command::new("id").arg("-un"))?.trim());
        if !key.is_file() {
            let _ = std::fs::remove_dir_all(&data);
            output(
                Command::new(found(&["mariadb-install-db", "mysql_install_db"])?)
                    .args(["--no-defaults", "--skip-test-db", "--innodb-log-file-size=1G", &user])
                    .arg("--auth-root-authentication-method=normal")
                    .arg(format!("--datadir={}", data.display()))
                    .arg(format!("--tmpdir={}", folder.display())),
            )?;
            let mut random = [0; 32];
            File::open("/dev/urandom")?.read_exact(&mut random)?;
            let mut file =
                std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&key)?;
            file.write_all(STANDARD.encode(random).as_bytes())?;
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new(found(&["mariadbd", "mysqld"])?)
            .args(["--no-defaults", &user])
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--tmpdir={}", folder.display()))
            .arg(format!("--socket={}", folder.join("s").display()))
            .arg(format!("--port={port}"))
            .args(SETTINGS)
            .arg(format!("--innodb-buffer-pool-size={buffer_pool}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("log"))?)
            .spawn()?;
        let mut server = Self { child, port, key };
        server.wait_until_it_answers(&folder)?;
        Ok(server)
    }

    fn wait_until_it_answers(&mut self, folder: &Path) -> io::Result<()> {
        let since = Instant::now();
        loop {
            let ping = Command::new(found(&["mariadb-admin", "mysqladmin"])?)
                .args(["--no-defaults", "-uroot", "--protocol=tcp", "-h127.0.0.1"])
                .arg(format!("-P{}", self.port))
                .arg("ping")
                .output()?;
            if ping.status.success() {
                return Ok(());
            }
            if self.child.try_wait()?.is_some() || since.elapsed() > START {
                let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
                return Err(io::Error::other(format!("MariaDB does not start:\n{log}")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Its address.
    pub(crate) fn address(&self) -> String {
        format!("mysql://root@127.0.0.1:{}", self.port)
    }

    /// The same with the registry's name.
    pub(crate) fn url(&self) -> String {
        format!("{}/{REGISTRY}", self.address())
    }

    /// The file with the key for tenants' passwords.
    pub(crate) fn key(&self) -> &Path {
        &self.key
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let since = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if since.elapsed() > STOP {
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn output(command: &mut Command) -> io::Result<String> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{}: {text}", command.get_program().display())))
}

/// A program of the server's, also where it is outside the search path.
fn found(names: &[&str]) -> io::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|file| file.is_file())
        .ok_or_else(|| {
            io::Error::other(format!(
                "{} is missing; on Debian: apt-get install mariadb-server",
                names[0]
            ))
        })
}
