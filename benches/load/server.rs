//! The server under load: one that runs already, or a child that is started and stopped here.

use super::api::{self, Demo};
use super::http::Connection;
use super::mariadb::MariaDb;
use super::options::Options;
use crate::Failure;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};

/// Seeding a million records is part of the first start.
const FIRST_START: Duration = Duration::from_secs(1_800);
const NEXT_START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(60);

/// The server and how to reach it.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) demo: Demo,
    pub(crate) pid: Option<u32>,
    /// How long the first start took, if it had to seed.
    pub(crate) seeding: Option<Duration>,
    /// How long the start on existing data took, from the call to the first answer.
    pub(crate) start: Option<Duration>,
    child: Option<Child>,
    /// A database server of its own; it ends after the server.
    database: Option<MariaDb>,
    /// Whether the data is in MariaDB.
    pub(crate) is_mariadb: bool,
    /// Log, and data unless a folder was named; removed at the end.
    _folder: Option<TempDir>,
}

impl Server {
    /// As the options say.
    pub(crate) async fn open(options: &Options) -> Result<Self, Failure> {
        match &options.demo_json {
            Some(file) => {
                let demo = parse(&read(file)?)?;
                Ok(Self {
                    demo,
                    pid: options.pid,
                    seeding: None,
                    start: None,
                    child: None,
                    database: None,
                    is_mariadb: options.is_mariadb(),
                    _folder: None,
                })
            }
            None => Self::start(options).await,
        }
    }

    async fn start(options: &Options) -> Result<Self, Failure> {
        let release = release_folder()?;
        let binary = options.binary.clone().unwrap_or_else(|| release.join("vivero"));
        let folder = tempfile::Builder::new().prefix("load-").tempdir_in(&release)?;
        let data = options.data.clone().unwrap_or_else(|| folder.path().join("data"));
        let is_new = !std::fs::read_dir(&data).is_ok_and(|mut all| all.next().is_some());
        let database = options
            .mariadb
            .then(|| MariaDb::start(&data.join("mariadb"), &options.buffer_pool))
            .transpose()?;
        let log = folder.path().join("server.log");
        let launch = Launch { binary, data, log, options, database: database.as_ref() };

        eprintln!("load: starting with {} records in {}", options.records, launch.data.display());
        let (mut first, _, seeding) = launch.run(FIRST_START).await?;
        stop(&mut first).await?;
        let (child, demo, start) = launch.run(NEXT_START).await?;
        let pid = child.id();
        let (seeding, start) = (is_new.then_some(seeding), Some(start));
        let is_mariadb = options.is_mariadb();
        let (child, _folder) = (Some(child), Some(folder));
        Ok(Self { demo, pid, seeding, start, child, database, is_mariadb, _folder })
    }

    /// The database server's process, if it was started here.
    pub(crate) fn database_pid(&self) -> Option<u32> {
        self.database.as_ref().map(MariaDb::pid)
    }

    /// Stops the server if it was started here.
    pub(crate) async fn stop(&mut self) -> Result<(), Failure> {
        match &mut self.child {
            Some(child) => stop(child).await,
            None => Ok(()),
        }
    }
}

struct Launch<'a> {
    binary: PathBuf,
    data: PathBuf,
    log: PathBuf,
    options: &'a Options,
    database: Option<&'a MariaDb>,
}

impl Launch<'_> {
    /// Starts the server, waits for its line and until it answers.
    async fn run(&self, patience: Duration) -> Result<(Child, Demo, Duration), Failure> {
        let log =
            if self.options.verbose { Stdio::inherit() } else { File::create(&self.log)?.into() };
        let since = Instant::now();
        let mut command = Command::new(&self.binary);
        if let Some(database) = self.database {
            command.env("VIVERO_DATABASE_URL", database.url());
            command.env("VIVERO_KEY_FILE", database.key());
        } else if let Some(url) = &self.options.database_url {
            command.env("VIVERO_DATABASE_URL", url);
        }
        if self.options.tenants > 0 {
            // All visitors have one address.
            command.env("VIVERO_SIGN_IN_PER_SECOND", "0");
        }
        let mut child = command
            .arg("demo")
            .args(["--records", &self.options.records.to_string()])
            .arg("--data")
            .arg(&self.data)
            .args(["--listen", "127.0.0.1:0", "--json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                format!("{}: {error}; build it with `cargo build --release`", self.binary.display())
            })?;
        let output = child.stdout.take().ok_or("the server has no standard output")?;
        let mut lines = BufReader::new(output).lines();
        let line = match timeout(patience, lines.next_line()).await {
            Ok(line) => line?
                .ok_or_else(|| format!("the server ended before it was ready\n{}", self.tail()))?,
            Err(_) => {
                return Err(
                    format!("the server was not ready in {patience:?}\n{}", self.tail()).into()
                );
            }
        };
        let demo = parse(&line)?;
        answers(&demo).await?;
        let took = since.elapsed();
        // Nothing more is expected, but a server that writes to a closed pipe would fail.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok((child, demo, took))
    }

    fn tail(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// Waits until the server says that it is ready to work.
async fn answers(demo: &Demo) -> Result<(), Failure> {
    let origin = demo.find().await?;
    let (prefix, host) = (&origin.prefix, &origin.host);
    let request = format!("GET {prefix}/health/ready HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let mut connection = Connection::new(origin.address);
    let since = Instant::now();
    loop {
        let problem = match connection.exchange(request.as_bytes()).await {
            Ok(answer) if answer.is_success() => return Ok(()),
            Ok(answer) => api::refused("/health/ready", &answer),
            Err(error) => error.to_string(),
        };
        if since.elapsed() > NEXT_START {
            return Err(problem.into());
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until the load itself is asked to end.
pub(crate) async fn interrupted() -> Failure {
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        },
        Err(error) => return error.into(),
    }
    "interrupted".into()
}

/// Asks the child to end, as an operator would, and waits until it has.
async fn stop(child: &mut Child) -> Result<(), Failure> {
    let Some(pid) = child.id() else { return Ok(()) };
    Command::new("kill").args(["-TERM", &pid.to_string()]).status().await?;
    if let Ok(status) = timeout(STOP, child.wait()).await {
        let status = status?;
        return if status.success() {
            Ok(())
        } else {
            Err(format!("the server ended with {status}").into())
        };
    }
    child.kill().await?;
    Err(format!("the server did not end within {STOP:?} of SIGTERM and was killed").into())
}

/// Where cargo puts release binaries in this build: two above `release/deps/load-…`.
fn release_folder() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()?;
    let deps = program.parent().and_then(Path::parent);
    Ok(deps.ok_or("no folder of release binaries; give --binary")?.to_owned())
}

fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_line(&mut text)?;
    } else {
        File::open(file)
            .map_err(|e| format!("{}: {e}", file.display()))?
            .read_to_string(&mut text)?;
    }
    Ok(text)
}

fn parse(text: &str) -> Result<Demo, Failure> {
    let line = text.lines().find(|line| line.starts_with('{')).unwrap_or(text);
    serde_json::from_str(line)
        .map_err(|error| format!("the demo line is not as expected: {error}").into())
}
