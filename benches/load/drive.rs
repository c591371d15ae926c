//! Runs one operation over many connections and adds up what happened.

use super::api::refused;
use super::histogram::Histogram;
use super::http::Connection;
use super::jobs::Job;
use super::operation::Operation;
use super::process::{Machine, Usage, Watch};
use crate::Failure;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How many of the slowest targets are kept.
pub(crate) const WORST: usize = 5;
/// Cores taken by other work above which a result is marked.
const DISTURBED: f64 = 0.3;
/// A server that is down, or that asks for patience, is tried again after this.
const PAUSE: Duration = Duration::from_millis(50);
/// An answer that takes longer than this ends the run.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is driven where and for how long.
#[derive(Debug, Clone)]
pub(crate) struct Drive {
    pub(crate) operation: Operation,
    pub(crate) address: SocketAddr,
    pub(crate) warmup: Duration,
    pub(crate) seconds: Duration,
    pub(crate) server: Option<u32>,
    pub(crate) database: Option<u32>,
}

/// The outcome of one operation with one number of connections.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) operation: Operation,
    pub(crate) connections: usize,
    pub(crate) took: Duration,
    pub(crate) latency: Histogram,
    /// Bytes of all bodies.
    pub(crate) bytes: u64,
    /// How often each status or kind of failure came.
    pub(crate) errors: BTreeMap<String, u64>,
    /// The slowest, by place in the list of targets.
    pub(crate) worst: Vec<(Duration, usize)>,
    /// The slowest with their targets; filled in when they are wanted.
    pub(crate) slowest: Vec<Slow>,
    pub(crate) usage: Option<Usage>,
    /// Cores that the database server took.
    pub(crate) database_cores: Option<f64>,
    /// Cores that the load itself took.
    pub(crate) own_cores: f64,
    /// Cores that everything else took, if the server's share is known.
    pub(crate) other_cores: Option<f64>,
}

/// A slow target.
#[derive(Debug)]
pub(crate) struct Slow {
    pub(crate) target: String,
    pub(crate) under_load_ms: f64,
    /// The quickest of a few tries with nothing else going on.
    pub(crate) alone_ms: f64,
}

impl Case {
    pub(crate) fn per_second(&self) -> f64 {
        self.latency.count() as f64 / self.took.as_secs_f64().max(0.001)
    }

    /// Whether something else took so much of the machine that the figures say little.
    pub(crate) fn is_disturbed(&self) -> bool {
        self.other_cores.is_some_and(|cores| cores > DISTURBED)
    }

    pub(crate) fn failed(&self) -> u64 {
        self.errors.values().sum()
    }
}

/// What one connection saw.
#[derive(Debug)]
struct Tally {
    latency: Histogram,
    bytes: u64,
    /// With the first message of each.
    errors: BTreeMap<String, (u64, String)>,
    worst: Vec<(Duration, usize)>,
}

/// Drives one job per connection until the time is up.
pub(crate) async fn run(drive: &Drive, jobs: Vec<Box<dyn Job>>) -> Result<Case, Failure> {
    let connections = jobs.len();
    let from = Instant::now() + drive.warmup;
    let until = from + drive.seconds;
    let mut workers = JoinSet::new();
    for job in jobs {
        workers.spawn(work(drive.address, job, from, until));
    }
    sleep(drive.warmup).await;
    let server = drive.server.and_then(Watch::start);
    let database = drive.database.and_then(Watch::start);
    let own = Watch::start(std::process::id());
    let machine = Machine::start();
    let mut tally = Tally::new();
    let all = async {
        while let Some(done) = workers.join_next().await {
            tally.merge(done?);
        }
        Ok::<(), Failure>(())
    };
    let patience = drive.seconds + PATIENCE;
    timeout(patience, all).await.map_err(|_| format!("{} hangs", drive.operation.name()))??;
    let took = from.elapsed();
    let usage = server.and_then(|watch| watch.usage());
    let own_cores = own.and_then(|watch| watch.usage()).map_or(0.0, |usage| usage.cores);
    let all_cores = machine.and_then(|machine| machine.cores());
    let database_cores = database.and_then(|watch| watch.usage()).map(|usage| usage.cores);
    let apart = own_cores + database_cores.unwrap_or(0.0);
    let known = usage.as_ref().map(|usage| usage.cores + apart);
    let other_cores = all_cores.zip(known).map(|(all, known)| (all - known).max(0.0));
    for (kind, (_, first)) in &tally.errors {
        eprintln!("load: {}: first {kind}: {first}", drive.operation.name());
    }
    Ok(Case {
        operation: drive.operation,
        connections,
        took,
        latency: tally.latency,
        bytes: tally.bytes,
        errors: tally.errors.into_iter().map(|(kind, (count, _))| (kind, count)).collect(),
        worst: tally.worst,
        slowest: Vec::new(),
        usage,
        database_cores,
        own_cores,
        other_cores,
    })
}

async fn work(address: SocketAddr, mut job: Box<dyn Job>, from: Instant, until: Instant) -> Tally {
    let mut tally = Tally::new();
    let mut connection = Connection::new(address);
    let mut request = Vec::with_capacity(4_096);
    loop {
        if let Err(error) = connection.ready().await {
            tally.fail("connect".to_owned(), || error.to_string());
            sleep(PAUSE).await;
            if Instant::now() >= until {
                return tally;
            }
            continue;
        }
        let target = job.next(&mut request);
        let start = Instant::now();
        if start >= until {
            return tally;
        }
        match connection.exchange(&request).await {
            Ok(answer) if answer.is_success() => {
                let took = start.elapsed();
                if start >= from {
                    tally.succeed(took, target, answer.body.len());
                }
                job.answered(&answer);
            }
            Ok(answer) => {
                tally.fail(answer.status.to_string(), || refused(&first_line(&request), &answer));
                job.answered(&answer);
                if answer.status == 429 {
                    sleep(PAUSE).await;
                }
            }
            Err(error) => {
                tally.fail("broken".to_owned(), || format!("{}: {error}", first_line(&request)));
            }
        }
    }
}

fn first_line(request: &[u8]) -> String {
    String::from_utf8_lossy(request).lines().next().unwrap_or_default().to_owned()
}

impl Tally {
    fn new() -> Self {
        Self { latency: Histogram::new(), bytes: 0, errors: BTreeMap::new(), worst: Vec::new() }
    }

    fn succeed(&mut self, took: Duration, target: usize, bytes: usize) {
        self.latency.record(took);
        self.bytes += bytes as u64;
        if self.worst.len() < WORST || self.worst.last().is_some_and(|(least, _)| took > *least) {
            self.slow(took, target);
        }
    }

    fn fail(&mut self, kind: String, message: impl FnOnce() -> String) {
        self.errors.entry(kind).or_insert_with(|| (0, message())).0 += 1;
    }

    fn merge(&mut self, other: Self) {
        self.latency.merge(&other.latency);
        self.bytes += other.bytes;
        for (kind, (count, first)) in other.errors {
            self.errors.entry(kind).or_insert((0, first)).0 += count;
        }
        for (took, target) in other.worst {
            self.slow(took, target);
        }
    }

    /// Keeps the slowest, each target once, slowest first.
    fn slow(&mut self, took: Duration, target: usize) {
        match self.worst.iter_mut().find(|(_, known)| *known == target) {
            Some((longest, _)) => *longest = took.max(*longest),
            None => self.worst.push((took, target)),
        }
        self.worst.sort_unstable_by(|a, b| b.cmp(a));
        self.worst.truncate(WORST);
    }
}
