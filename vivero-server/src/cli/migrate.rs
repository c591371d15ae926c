//! `vivero migrate …`

mod show;

use super::output::Output;
use super::setup::Setup;
use crate::progress::{Bar, Progress};
use clap::{Args, Subcommand};
use show::{drift, dry_run, plan, run as show_run, tenant};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use vivero_core::migration::{Migrator, Quiet, Run, RunOptions, RunState, TenantRunState, Watch};
use vivero_core::{Error, Result, Slug, Uuid};

#[derive(Debug, Subcommand)]
pub(super) enum MigrateCommand {
    /// Say what `up` would do, statement by statement, for each group of tenants that stand alike.
    Plan(Tenants),
    /// Bring all tenants to this program's version, ring by ring. Exit code 1 if any failed.
    Up(UpArgs),
    /// Show the last runs, or one with its tenants.
    Status(StatusArgs),
    /// Go on with the tenants of a run that failed, were cut off or are still pending, ring by ring.
    Retry {
        /// The run; the last one when nothing is said.
        run: Option<Uuid>,
        /// Who runs it; otherwise $USER.
        #[arg(long)]
        operator: Option<String>,
    },
    /// Hold every tenant's tables, columns, indexes and triggers against what they should be. Exit code 1
    /// if any differs.
    Verify {
        #[command(flatten)]
        tenants: Tenants,
        /// Tenants at once.
        #[arg(long, default_value_t = 8)]
        parallel: u32,
    },
}

#[derive(Debug, Clone, Args)]
pub(super) struct Tenants {
    /// Only this tenant; may be given several times.
    #[arg(long = "tenant", value_name = "SLUG")]
    only: Vec<String>,
}

impl Tenants {
    fn slugs(&self) -> Result<Vec<Slug>> {
        self.only.iter().map(|slug| slug.parse()).collect()
    }
}

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Show this run with its tenants.
    run: Option<Uuid>,
    /// With a run: only its tenants in this state (pending, running, done, failed).
    #[arg(long)]
    state: Option<String>,
    /// So many runs.
    #[arg(long, default_value_t = 10)]
    last: u32,
}

#[derive(Debug, Args)]
pub(super) struct UpArgs {
    #[command(flatten)]
    tenants: Tenants,
    /// Print what would be done, and which tenants each ring has, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// The tenants that go first: a number, a percentage (`5%`) or names (`acme,beta`); any failure among
    /// them stops the run. `0` for none.
    #[arg(long, default_value = "1")]
    canary: String,
    /// The rings after them, as percentages of all tenants that are done when each ends; the rest comes
    /// last.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 50])]
    waves: Vec<u8>,
    /// Seconds between two rings.
    #[arg(long, default_value_t = 0)]
    pause: u32,
    /// Tenants at once.
    #[arg(long, default_value_t = 8)]
    parallel: u32,
    /// Tenants at once on one database server; 0 for no limit of its own.
    #[arg(long, default_value_t = 0)]
    per_server: u32,
    /// After the canaries: stop when more of a hundred tenants of a ring fail.
    #[arg(long, default_value_t = 5)]
    failures: u8,
    /// Stop when a list of the canaries, or of the first tenants of a later ring, takes so many times
    /// longer than before; 0 does not measure.
    #[arg(long, default_value_t = 3.0)]
    slower: f64,
    /// Lists that take fewer milliseconds are not slow.
    #[arg(long, default_value_t = 20)]
    slow_from: u32,
    /// How often a tenant is tried if what stops it may pass.
    #[arg(long, default_value_t = 5)]
    attempts: u32,
    /// Seconds a step waits for a lock that somebody else's transaction holds.
    #[arg(long, default_value_t = 5)]
    lock_wait: u32,
    /// Who runs it; otherwise $USER.
    #[arg(long)]
    operator: Option<String>,
}

impl UpArgs {
    fn options(self) -> Result<RunOptions> {
        Ok(RunOptions {
            canary: self.canary.parse()?,
            waves: self.waves,
            pause: self.pause,
            parallel: self.parallel,
            per_server: self.per_server,
            failures: self.failures,
            slower: (self.slower != 0.0).then_some(self.slower),
            slow_from: self.slow_from,
            attempts: self.attempts,
            lock_wait: self.lock_wait,
            only: self.tenants.only,
            operator: operator(self.operator),
        })
    }
}

fn operator(given: Option<String>) -> String {
    let user = || std::env::var("USER").ok().filter(|user| !user.trim().is_empty());
    given.or_else(user).unwrap_or_else(|| "unknown".into())
}

pub(super) async fn run(
    command: MigrateCommand,
    config: &Setup,
    output: Output,
) -> Result<ExitCode> {
    let vivero = config.open().await?;
    let done = async { go(command, &*vivero.migrations()?, vivero.migrations()?, output).await };
    let outcome = done.await;
    vivero.close().await;
    outcome
}

async fn go(
    command: MigrateCommand,
    here: &dyn Migrator,
    migrator: Arc<dyn Migrator>,
    output: Output,
) -> Result<ExitCode> {
    match command {
        MigrateCommand::Plan(tenants) => {
            plan(&here.plan(&tenants.slugs()?).await?, output);
            Ok(ExitCode::SUCCESS)
        }
        MigrateCommand::Up(args) if args.dry_run => {
            let slugs = args.tenants.slugs()?;
            let options = args.options()?;
            options.check()?;
            dry_run(&here.plan(&slugs).await?, &options, output);
            Ok(ExitCode::SUCCESS)
        }
        MigrateCommand::Up(args) => {
            let run = migrator.up(args.options()?, Telling::new(output)).await?;
            ended(&run, here, output).await
        }
        MigrateCommand::Retry { run, operator: who } => {
            let run = migrator.retry(run, &operator(who), Telling::new(output)).await?;
            ended(&run, here, output).await
        }
        MigrateCommand::Status(args) => status(args, here, output).await,
        MigrateCommand::Verify { tenants, parallel } => {
            let watch: Arc<dyn Watch> =
                if output.json { Arc::new(Quiet) } else { Telling::new(output) };
            let drifts = migrator.verify(&tenants.slugs()?, parallel, watch).await?;
            for one in &drifts {
                drift(one, output);
            }
            Ok(code(drifts.iter().all(|d| d.ok)))
        }
    }
}

const fn code(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Shows how a run ended, with the tenants that failed.
async fn ended(run: &Run, migrator: &dyn Migrator, output: Output) -> Result<ExitCode> {
    if run.failed > 0 {
        for one in migrator.tenants(run.id, Some(TenantRunState::Failed)).await? {
            tenant(&one, output);
        }
    }
    show_run(run, output);
    Ok(code(run.state == RunState::Done))
}

async fn status(args: StatusArgs, migrator: &dyn Migrator, output: Output) -> Result<ExitCode> {
    let Some(id) = args.run else {
        for run in migrator.runs(args.last).await? {
            show_run(&run, output);
        }
        return Ok(ExitCode::SUCCESS);
    };
    let state = args.state.as_deref().map(str::parse::<TenantRunState>).transpose();
    let state = state.map_err(|message| Error::invalid("state", "one_of", message))?;
    let run = migrator.run(id).await?.ok_or_else(|| Error::not_found("migration_run"))?;
    show_run(&run, output);
    for one in migrator.tenants(id, state).await? {
        tenant(&one, output);
    }
    Ok(ExitCode::SUCCESS)
}

/// Progress, of each ring with the time it will about take: a bar on a terminal, lines elsewhere, a JSON value for
/// each tenant for machines.
struct Telling {
    output: Output,
    bar: Mutex<Option<Bar>>,
}

impl Telling {
    fn new(output: Output) -> Arc<Self> {
        Arc::new(Self { output, bar: Mutex::new(None) })
    }
    fn with(&self, act: impl FnOnce(&mut Option<Bar>)) {
        act(&mut self.bar.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Watch for Telling {
    fn ring(&self, ring: u32, rings: u32, tenants: u64) {
        self.with(|bar| {
            if let Some(bar) = bar.take() {
                bar.done();
            }
            let progress: Progress = self.output.progress();
            *bar = Some(progress.start(&format!("ring {ring} of {rings}"), tenants));
        });
        let value = serde_json::json!({"ring": ring, "rings": rings, "tenants": tenants});
        if self.output.json {
            self.output.result(&value, String::new);
        }
    }
    fn settled(&self, slug: &Slug, error: Option<&str>) {
        let mut value = serde_json::json!({"settled": slug, "error": error});
        self.with(|bar| {
            if let Some(bar) = bar {
                bar.advance(1);
                value["at"] = bar.at().into();
                value["of"] = bar.total().into();
                value["eta_seconds"] = bar.eta().map(|eta| eta.as_secs_f64().round()).into();
            }
        });
        if self.output.json {
            self.output.result(&value, String::new);
        }
    }
    fn again(&self, slug: &Slug, attempt: u32, error: &str) {
        if self.output.json {
            let value = serde_json::json!({"again": slug, "attempt": attempt, "error": error});
            self.output.result(&value, String::new);
        } else {
            eprintln!("{slug}: attempt {attempt} failed, trying again: {error}");
        }
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.with(|bar| {
            if let Some(bar) = bar.take() {
                bar.done();
            }
        });
    }
}
