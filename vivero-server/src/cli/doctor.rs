//! `vivero doctor`: what could go wrong, before it does.

use super::output::Output;
use super::setup::Setup;
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use vivero_core::server::{ServerFinding, Verdict};
use vivero_core::shared::Reach;
use vivero_core::{Clock as _, FileId, IdSource as _, Result, TenantId, Vivero};
use vivero_store::{SystemClock, SystemIds};

/// What one check found.
enum Finding {
    Good(String),
    /// It runs, but.
    Warning(String),
    /// It cannot run so.
    Bad(String),
}

pub(super) async fn run(config: &Setup, output: Output) -> Result<ExitCode> {
    let mut bad = false;
    let mut report = |check: &str, finding: Finding| {
        let (verdict, detail) = match finding {
            Finding::Good(detail) => ("ok", detail),
            Finding::Warning(detail) => ("warning", detail),
            Finding::Bad(detail) => ("failed", detail),
        };
        bad |= verdict == "failed";
        let value = json!({"check": check, "verdict": verdict, "detail": detail});
        output.result(&value, || format!("{verdict:<8} {check:<16} {detail}"));
    };
    report("data folder", folder(&config.data_dir));
    report("durable writes", sync_time(&config.data_dir));
    report("listen address", listen(config).await);
    report(
        "platform key",
        match &config.platform_key {
            None => Finding::Warning("not set: the platform API and /metrics are shut".into()),
            Some(key) if key.len() < 32 => Finding::Bad("shorter than 32 characters".into()),
            Some(_) => Finding::Good("set".into()),
        },
    );
    let Database { found, nodes, files, number, budget, servers } = database(config).await;
    report("open files", open_files(config, number, budget));
    report("database", found);
    if let Some(found) = nodes {
        report("nodes", found);
    }
    for (check, finding) in files {
        report(check, finding);
    }
    for finding in servers {
        bad |= finding.verdict == Verdict::Failed;
        let verdict = match finding.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Failed => "failed",
        };
        let mut value = json!({"check": finding.check, "server": finding.server, "verdict": verdict, "detail": finding.detail});
        if let Some(remedy) = &finding.remedy {
            value["remedy"] = json!(remedy);
        }
        output.result(&value, || {
            let check = format!("{}: {}", finding.server, finding.check);
            let remedy = finding.remedy.as_ref().map(|r| format!("\n         -> {r}"));
            format!("{verdict:<8} {check:<16} {}{}", finding.detail, remedy.unwrap_or_default())
        });
    }
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn folder(path: &Path) -> Finding {
    if let Err(e) = std::fs::create_dir_all(path) {
        return Finding::Bad(format!("{} cannot be made: {e}", path.display()));
    }
    let probe = path.join(".doctor");
    match std::fs::write(&probe, b"probe").and_then(|()| std::fs::remove_file(&probe)) {
        Ok(()) => Finding::Good(format!("{} can be written", path.display())),
        Err(e) => Finding::Bad(format!("{} cannot be written: {e}", path.display())),
    }
}

/// How long a durable write waits for the disk: the floor under every create and update.
fn sync_time(path: &Path) -> Finding {
    let probe = path.join(".doctor");
    let measure = || -> std::io::Result<u128> {
        use std::io::Write as _;
        let mut file = std::fs::File::create(&probe)?;
        let start = Instant::now();
        for _ in 0..20 {
            file.write_all(&[0; 4096])?;
            file.sync_data()?;
        }
        Ok(start.elapsed().as_micros() / 20)
    };
    let measured = measure();
    let _ = std::fs::remove_file(&probe);
    match measured {
        Ok(micros) if micros > 10_000 => Finding::Warning(format!(
            "the disk takes {micros} µs to make 4 KiB durable; below 10,000 is good"
        )),
        Ok(micros) => Finding::Good(format!("the disk takes {micros} µs to make 4 KiB durable")),
        Err(e) => Finding::Bad(format!("cannot be measured: {e}")),
    }
}

/// What the databases hold open at most, with so many servers, and what requests and the program itself do.
fn open_files(config: &Setup, servers: usize, budget: Option<usize>) -> Finding {
    let url = config.database();
    let held = config.storage().map_or(0, |builder| builder.open_files(&url, servers, budget));
    let need = held as u64 + 200;
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|l| l.starts_with("Max open files"));
    match line.and_then(|l| l.split_whitespace().nth(3)).and_then(|n| n.parse::<u64>().ok()) {
        Some(have) if have < need => {
            let or = if url.starts_with("sqlite:") { "" } else { " or max_connections" };
            Finding::Warning(format!(
                "{have} allowed, {need} may be needed: raise `ulimit -n` or lower max_open_tenants{or}"
            ))
        }
        Some(have) => Finding::Good(format!("{have} allowed, {need} may be needed")),
        None => Finding::Good("the limit is not known on this system".into()),
    }
}

async fn listen(config: &Setup) -> Finding {
    match tokio::net::TcpListener::bind(config.listen).await {
        Ok(_) => Finding::Good(format!("{} is free", config.listen)),
        Err(e) => Finding::Warning(format!("{} cannot be taken now: {e}", config.listen)),
    }
}

/// The store of files, by a file of its own, and whoever looks through uploads: as the installation has them, or, of one
/// that does not open, as the settings name them.
async fn files(vivero: Option<&Vivero>, config: &Setup) -> Named {
    let place = config.shown_files();
    let start = Instant::now();
    let (store, scanner) = match vivero {
        Some(vivero) => (vivero.probe_files().await, vivero.probe_scanner().await),
        None => match config.files() {
            Ok(settings) => {
                let ids = SystemIds::default();
                let id = || ids.id(SystemClock.now());
                let (nobody, file) = (TenantId::from_uuid(id()), FileId::from_uuid(id()));
                (settings.probe(nobody, file).await, settings.probe_scanner().await)
            }
            Err(e) => return vec![("files", Finding::Bad(e.with_causes()))],
        },
    };
    let store = match store {
        Ok(()) => {
            let took = start.elapsed().as_millis();
            Finding::Good(format!("{place}: a file was written, read and removed in {took} ms"))
        }
        Err(e) => Finding::Bad(format!("{place}: {}", e.with_causes())),
    };
    let scanner = match (scanner, &config.clamd) {
        (Ok(true), Some(address)) => Finding::Good(format!("clamd at {address} answers")),
        (Ok(true), None) => Finding::Good("it answers".into()),
        (Ok(false), _) => Finding::Good("none: uploads are held to their kind alone".into()),
        (Err(e), address) => Finding::Bad(format!(
            "clamd at {} does not answer, so every upload is refused: {}",
            address.as_deref().unwrap_or("?"),
            e.with_causes()
        )),
    };
    vec![("files", store), ("scanner", scanner)]
}

type Named = Vec<(&'static str, Finding)>;

/// The database, what its nodes share, its files, and what its servers say.
struct Database {
    found: Finding,
    /// Known only where it opens.
    nodes: Option<Finding>,
    files: Named,
    /// How many servers it has.
    number: usize,
    /// How many connections of tenants they allow together, where that is known.
    budget: Option<usize>,
    servers: Vec<ServerFinding>,
}

/// Looks at an installation that opens, and otherwise at what can be looked at without it.
async fn database(config: &Setup) -> Database {
    let opened = match config.builder() {
        Ok(builder) => builder.open(&config.database()).await,
        Err(e) => Err(e),
    };
    let vivero = match opened {
        Ok(vivero) => vivero,
        Err(e) => {
            let servers = match config.storage() {
                Ok(builder) => builder.examine(&config.database()).await,
                Err(_) => Vec::new(),
            };
            let files = files(None, config).await;
            let found = Finding::Bad(e.with_causes());
            return Database { found, nodes: None, files, number: 1, budget: None, servers };
        }
    };
    let found = match vivero.stats().await {
        Ok(stats) => {
            Finding::Good(format!("{} tenants at {}", stats.tenants, config.shown_database()))
        }
        Err(e) => Finding::Bad(e.with_causes()),
    };
    let nodes = Some(nodes(&vivero).await);
    let files = files(Some(&vivero), config).await;
    let (number, budget) = match vivero.servers().list().await {
        Ok(all) => (all.len(), Some(all.iter().map(|s| s.connections.max).sum())),
        Err(_) => (1, None),
    };
    let budget = budget.and_then(|most: u64| usize::try_from(most).ok()).filter(|most| *most > 0);
    let servers = vivero.servers().examine().await;
    vivero.close().await;
    match servers {
        Ok(servers) => Database { found, nodes, files, number, budget, servers },
        Err(e) => {
            let found = Finding::Bad(e.with_causes());
            Database { found, nodes, files, number, budget, servers: Vec::new() }
        }
    }
}

async fn nodes(vivero: &Vivero) -> Finding {
    let serving = match vivero.nodes().await {
        Ok(nodes) => nodes.len(),
        Err(e) => return Finding::Bad(e.to_string()),
    };
    match vivero.shared_stats().reach {
        Reach::Connected => Finding::Good(format!("{serving} serving; Redis answers")),
        Reach::Away => Finding::Warning(format!(
            "{serving} serving; Redis does not answer: each node limits sign-ins by itself and sees others' \
             changes up to a second late, until it is back"
        )),
        Reach::Local if serving > 1 => Finding::Warning(format!(
            "{serving} serving without Redis: each limits sign-ins by itself and sees others' changes up to a \
             second late; set redis_url"
        )),
        Reach::Local => Finding::Good(format!("{serving} serving; Redis is not set up")),
    }
}
