//! The command line: `vivero serve | demo | doctor | openapi | tenant … | import … | audit … | migrate …`.

mod audit;
mod demo;
mod doctor;
mod import;
mod migrate;
mod operation;
mod output;
mod serve;
mod server;
mod setup;
mod tenant;

use crate::config::Config;
use clap::{Args, Parser, Subcommand};
use output::Output;
use setup::Setup;
use std::path::PathBuf;
use std::process::ExitCode;
use vivero_store::Builder;

/// A multi-tenant backend: a database per tenant, permissions, trials, a journal of every change.
///
/// Settings come from --config FILE (TOML) and the environment (VIVERO_DATA_DIR, VIVERO_LISTEN,
/// VIVERO_PLATFORM_KEY …); none is needed.
#[derive(Debug, Parser)]
#[command(name = "vivero", version, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
struct Common {
    /// Settings file (TOML).
    #[arg(long, global = true, value_name = "FILE", env = "VIVERO_CONFIG")]
    config: Option<PathBuf>,
    /// Folder for databases and files.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print for machines: one JSON value a line on standard output, no progress.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API.
    Serve(serve::ServeArgs),
    /// Make a tenant with believable data (once), and serve it.
    Demo(demo::DemoArgs),
    /// Check that this machine and its settings can run vivero.
    ///
    /// It opens the installation as `serve` does: makes it where there is none, and finishes or undoes tenants that
    /// were left half-made. Where it does not open, the server of the address is looked at by itself.
    Doctor,
    /// Print the OpenAPI document.
    Openapi,
    /// Make, list, stop and resume tenants; back them up, copy, move and remove them.
    #[command(subcommand)]
    Tenant(tenant::TenantCommand),
    /// Look at operations on tenants, and finish what was cut off.
    #[command(subcommand)]
    Operation(operation::OperationCommand),
    /// List, add and change the database servers tenants are placed on.
    #[command(subcommand)]
    Server(server::ServerCommand),
    /// Bring data in.
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// Bring the tables of all tenants to this program's version.
    #[command(subcommand)]
    Migrate(migrate::MigrateCommand),
    /// Look at the proof behind the audit trail.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
}

/// Runs the program.
pub async fn run(cli: Cli) -> ExitCode {
    run_with(cli, |builder| builder).await
}

/// Runs it as a program of one's own: each command opens the installation with what `extend` adds to the settings'
/// choices, e.g. record types ([`Builder::record`]) and migrations ([`Builder::migration`]). `migrate` brings these to
/// all tenants beside vivero's own, `tenant` copies, archives and restores their rows, `serve` serves tenants that have
/// them. Every process that works on an installation has to bring the same ones.
///
/// ```no_run
/// # use vivero_core::migration::Migration;
/// use clap::Parser as _;
/// use vivero_server::cli::{Cli, run_with};
///
/// #[tokio::main]
/// async fn main() -> std::process::ExitCode {
///     let beds = Migration::new(20_261_101, "area of beds")
///         .step("CREATE TABLE IF NOT EXISTS bed_areas (bed VARCHAR(64) PRIMARY KEY, dm2 BIGINT NOT NULL)");
///     run_with(Cli::parse(), move |builder| builder.migration(beds.clone())).await
/// }
/// ```
pub async fn run_with(
    cli: Cli,
    extend: impl Fn(Builder) -> Builder + Send + Sync + 'static,
) -> ExitCode {
    let output = Output { json: cli.common.json };
    let outcome = async {
        let mut config = Config::read(cli.common.config.as_deref())?;
        if let Some(data) = &cli.common.data {
            config.data_dir.clone_from(data);
        }
        let config = Setup::new(config, extend);
        match cli.command {
            Command::Serve(args) => serve::run(args, config, output).await,
            Command::Demo(args) => demo::run(args, config, output).await,
            Command::Doctor => doctor::run(&config, output).await,
            Command::Openapi => {
                println!("{}", crate::openapi());
                Ok(ExitCode::SUCCESS)
            }
            Command::Tenant(command) => tenant::run(command, &config, output).await,
            Command::Operation(command) => {
                operation::run_operations(command, &config, output).await
            }
            Command::Server(command) => server::run(command, &config, output).await,
            Command::Import(command) => import::run(command, &config, output).await,
            Command::Migrate(command) => migrate::run(command, &config, output).await,
            Command::Audit(command) => audit::run(command, &config, output).await,
        }
    };
    match outcome.await {
        Ok(code) => code,
        Err(error) => {
            output.failed(&error);
            ExitCode::FAILURE
        }
    }
}
