//! Prepares what the chosen operations need, and runs them.

use super::api::Api;
use super::drive::{self, Case, Drive, Slow};
use super::each;
use super::http::Connection;
use super::jobs::{Job, Logins, Reads, Refreshes};
use super::operation::Operation;
use super::options::Options;
use super::random::Random;
use super::sample::Sample;
use super::server::Server;
use super::writes::{Changes, Creates, Writing};
use super::{deep, targets};
use crate::Failure;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

/// How many targets `--each` prints of each operation.
const SHOWN: usize = 20;
/// How long asking for all of them may take.
const EACH: Duration = Duration::from_secs(5 * 60);

/// A run, ready to measure.
#[derive(Debug)]
pub(crate) struct Plan {
    api: Api,
    sample: Sample,
    writing: Writing,
    random: Random,
    reads: Vec<(Operation, Arc<[String]>)>,
    warmup: Duration,
    seconds: Duration,
    verbose: bool,
    pid: Option<u32>,
    database: Option<u32>,
}

impl Plan {
    /// Signs in, looks at the data and makes up the requests of every operation chosen.
    pub(crate) async fn prepare(options: &Options, server: &Server) -> Result<Self, Failure> {
        let api = Api::open(&server.demo).await?;
        let mut random = Random::new(options.seed);
        let sample = Sample::take(&api, &mut random).await?;
        eprintln!(
            "load: {} entities, a sample of {} of them in {} places",
            sample.total,
            sample.lots.len(),
            sample.beds.len()
        );
        let mut reads: Vec<(Operation, Arc<[String]>)> = Vec::new();
        for operation in &options.operations {
            let made = match operation {
                Operation::Get => targets::gets(&api, &sample, &mut random),
                Operation::List => targets::lists(&api, &sample, &mut random, ""),
                Operation::ListTotal => targets::lists(&api, &sample, &mut random, "&total=true"),
                Operation::ListPlain => vec![api.target("/entities?limit=50")],
                Operation::ListDeep => deep::targets(&api, &sample, &mut random).await?,
                Operation::Search => targets::searches(&api, &sample, &mut random),
                Operation::Dashboard => vec![api.target("/dashboard")],
                _ => continue,
            };
            if made.is_empty() {
                return Err(format!("{}: too few entities for it", operation.name()).into());
            }
            reads.push((*operation, made.into()));
        }
        Ok(Self {
            writing: Writing::new(&sample, options.idempotency),
            api,
            sample,
            random,
            reads,
            warmup: Duration::from_secs_f64(options.warmup),
            seconds: Duration::from_secs_f64(options.seconds),
            verbose: options.verbose,
            pid: server.pid,
            database: server.database_pid(),
        })
    }

    /// How many entities there were at the start.
    pub(crate) const fn entities(&self) -> u64 {
        self.sample.total
    }

    /// Measures one operation.
    pub(crate) async fn run(
        &mut self,
        operation: Operation,
        connections: usize,
    ) -> Result<Case, Failure> {
        self.api.sign_in(self.warmup + self.seconds).await?;
        let turn = Arc::new(AtomicUsize::new(0));
        let mut jobs = Vec::with_capacity(connections);
        for _ in 0..connections {
            jobs.push(self.job(operation, &turn).await?);
        }
        let drive = Drive {
            operation,
            address: self.api.address,
            warmup: self.warmup,
            seconds: self.seconds,
            server: self.pid,
            database: self.database,
        };
        let mut case = drive::run(&drive, jobs).await?;
        if self.verbose {
            case.slowest = self.slowest(&case).await?;
        }
        Ok(case)
    }

    /// Asks for every target of a reading operation by itself and prints the slowest.
    pub(crate) async fn each(&mut self, operation: Operation) -> Result<(), Failure> {
        self.api.sign_in(EACH).await?;
        match self.targets(operation) {
            Some(targets) => each::slowest(&self.api, operation.name(), &targets, SHOWN).await,
            None => Ok(()),
        }
    }

    fn targets(&self, operation: Operation) -> Option<Arc<[String]>> {
        self.reads.iter().find(|(of, _)| *of == operation).map(|(_, targets)| Arc::clone(targets))
    }

    async fn job(
        &mut self,
        operation: Operation,
        turn: &Arc<AtomicUsize>,
    ) -> Result<Box<dyn Job>, Failure> {
        let api = self.api.clone();
        if let Some(targets) = self.targets(operation) {
            return Ok(Box::new(Reads { api, targets, turn: Arc::clone(turn) }));
        }
        let (writing, random) = (self.writing.clone(), Random::new(self.random.next()));
        Ok(match operation {
            Operation::Login => Box::new(Logins { api }),
            Operation::Refresh => {
                let tokens = api.login(&mut Connection::new(api.address)).await?;
                let token = tokens["refresh_token"].as_str().ok_or("no refresh_token")?.to_owned();
                Box::new(Refreshes { api, token })
            }
            operation if operation.needs_own_lots() => {
                Box::new(Changes::prepare(operation, api, writing, random).await?)
            }
            _ => Box::new(Creates { api, writing, random }),
        })
    }

    /// The worst targets of a case, each also tried alone: a slow query is slow then too.
    async fn slowest(&self, case: &Case) -> Result<Vec<Slow>, Failure> {
        let Some(targets) = self.targets(case.operation) else { return Ok(Vec::new()) };
        let mut connection = Connection::new(self.api.address);
        let mut slowest = Vec::new();
        for (took, index) in &case.worst {
            let target = targets[*index].clone();
            let alone = each::alone(&self.api, &mut connection, &target).await?;
            let (under_load_ms, alone_ms) = (each::millis(*took), each::millis(alone));
            slowest.push(Slow { target, under_load_ms, alone_ms });
        }
        Ok(slowest)
    }
}
