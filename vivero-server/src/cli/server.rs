//! `vivero server …`

mod drain;

use super::output::Output;
use super::setup::Setup;
use clap::{Args, Subcommand};
use serde_json::json;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use vivero_core::server::{DatabaseServer, NewServer, ServerPatch, ServerState, TlsMode};
use vivero_core::{Error, Result, Slug};

#[derive(Debug, Subcommand)]
pub(super) enum ServerCommand {
    /// List the database servers with what is on them.
    List,
    /// Add a database server; it takes new tenants from then on. Its administrator's password comes
    /// from --password-file, VIVERO_SERVER_PASSWORD or standard input.
    Add(AddArgs),
    /// Change a database server: its state, share, limit, or how it is reached.
    Set(SetArgs),
    /// Take a database server off the list. It must be empty, unless it is lost for good.
    Remove {
        /// Name in this installation.
        name: String,
        /// It is lost with all that is on it: that is forgotten, and its tenants are out of service until they are
        /// restored from archives. They are printed.
        #[arg(long)]
        lost: bool,
    },
    /// Remove a database for good that is kept on a server since a move was turned back or given up (`list` shows
    /// them). What was written there last may be nowhere else.
    RemoveKept {
        /// The server's name in this installation.
        name: String,
        /// The database's name there.
        database: String,
    },
    /// Move every tenant of a database server to others; it takes no new ones from then on. Tenants stay
    /// readable, and each stops writing for a moment, which is printed. Cut off, it is gone on with by any server
    /// of the installation, or when it is said again; `set NAME --state open` stops it.
    Drain {
        /// Name in this installation.
        name: String,
        /// Where they go; each to the open server that is least filled if nothing is said.
        #[arg(long, value_name = "SERVER", conflicts_with = "status")]
        to: Option<String>,
        /// Only show how far it is, whoever does it.
        #[arg(long)]
        status: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Name in this installation: 1 to 40 letters, digits and -.
    name: String,
    /// Where it is; of a Galera cluster its nodes, with commas between.
    #[arg(long, value_name = "HOST:PORT")]
    address: String,
    /// Account that makes databases and accounts on it.
    #[arg(long, value_name = "USER")]
    account: String,
    /// File with that account's password in its first line.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// disabled, preferred, required, verify_ca or verify_identity.
    #[arg(long, value_name = "MODE", default_value = "preferred")]
    tls_mode: String,
    /// File with the certificates it is checked against (PEM).
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Its share of new tenants, 1 to 1000.
    #[arg(long, value_name = "N", default_value_t = 1)]
    weight: u32,
    /// Most tenants it takes.
    #[arg(long, value_name = "N")]
    capacity: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct SetArgs {
    /// Name in this installation.
    name: String,
    /// open, draining (no new tenants) or down (its tenants are refused).
    #[arg(long)]
    state: Option<String>,
    /// Its share of new tenants, 1 to 1000.
    #[arg(long, value_name = "N")]
    weight: Option<u32>,
    /// Most tenants it takes, or `none`.
    #[arg(long, value_name = "N")]
    capacity: Option<String>,
    /// Where it is.
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// Account that makes databases and accounts on it.
    #[arg(long, value_name = "USER")]
    account: Option<String>,
    /// Read another password from VIVERO_SERVER_PASSWORD or standard input.
    #[arg(long)]
    password: bool,
    /// Read another password from the first line of this file.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

pub(super) async fn run(
    command: ServerCommand,
    config: &Setup,
    output: Output,
) -> Result<ExitCode> {
    // What is wrong with the input is said before anything is opened.
    let command = match command {
        ServerCommand::List => Ready::List,
        ServerCommand::Add(args) => Ready::Add(new(args)?),
        ServerCommand::Set(args) => {
            let patch = patch(&args)?;
            patch.check(&args.name)?;
            Ready::Set(args.name, patch)
        }
        ServerCommand::Remove { name, lost } => Ready::Remove(name, lost),
        ServerCommand::RemoveKept { name, database } => Ready::RemoveKept(name, database),
        ServerCommand::Drain { name, status: true, .. } => Ready::Drained(name),
        ServerCommand::Drain { name, to, .. } => Ready::Drain(name, to),
    };
    let vivero = config.open().await?;
    let outcome = async {
        match command {
            Ready::List => {
                for server in vivero.servers().list().await? {
                    show(&server, output);
                }
            }
            Ready::Add(server) => show(&vivero.servers().add(server).await?, output),
            Ready::Set(name, patch) => {
                show(&vivero.servers().change(&name, patch, None).await?, output);
            }
            Ready::Remove(name, lost) => {
                removed(&name, &vivero.servers().remove(&name, lost).await?, output);
            }
            Ready::RemoveKept(name, database) => {
                vivero.servers().remove_kept(&name, &database).await?;
                let value = json!({"removed": database, "server": name});
                output.result(&value, || format!("{database} on {name} is removed"));
            }
            Ready::Drained(name) => drain::show(&vivero.servers().find_drain(&name).await?, output),
            Ready::Drain(name, to) => {
                return drain::run(&vivero, &name, to.as_deref(), output).await;
            }
        }
        Ok(ExitCode::SUCCESS)
    };
    let outcome = outcome.await;
    vivero.close().await;
    outcome
}

enum Ready {
    List,
    Add(NewServer),
    Set(String, ServerPatch),
    Drain(String, Option<String>),
    Drained(String),
    Remove(String, bool),
    RemoveKept(String, String),
}

fn removed(name: &str, gone: &[Slug], output: Output) {
    output.result(&json!({"removed": name, "tenants": gone}), || {
        let mut text = format!("{name} is off the list");
        for slug in gone {
            text += &format!(
                "\n  {slug} is out of service: bring it back with `vivero tenant restore {slug} --archive …`"
            );
        }
        text
    });
}

fn new(args: AddArgs) -> Result<NewServer> {
    let tls_mode: TlsMode = word("tls_mode", &args.tls_mode)?;
    let tls_ca = args.tls_ca.as_deref().map(|file| read("tls_ca", file)).transpose()?;
    let mut server = NewServer {
        name: args.name,
        address: args.address,
        tls_mode,
        tls_ca,
        account: args.account,
        password: String::new(),
        weight: args.weight,
        capacity: args.capacity,
    };
    server.check()?;
    server.password = password(args.password_file.as_deref())?;
    Ok(server)
}

fn word<T: FromStr<Err = String>>(field: &str, word: &str) -> Result<T> {
    word.parse().map_err(|message| Error::invalid(field, "one_of", message))
}

fn patch(args: &SetArgs) -> Result<ServerPatch> {
    let state = args.state.as_deref().map(|s| word::<ServerState>("state", s)).transpose()?;
    let capacity = match args.capacity.as_deref() {
        None => None,
        Some("none") => Some(None),
        Some(number) => Some(Some(number.parse().map_err(|_| {
            Error::invalid("capacity", "number", "must be a number of tenants, or none")
        })?)),
    };
    let password = if args.password || args.password_file.is_some() {
        Some(password(args.password_file.as_deref())?)
    } else {
        None
    };
    Ok(ServerPatch {
        state,
        weight: args.weight,
        capacity,
        address: args.address.clone(),
        account: args.account.clone(),
        password,
    })
}

fn read(field: &str, file: &Path) -> Result<String> {
    std::fs::read_to_string(file)
        .map_err(|e| Error::invalid(field, "readable", format!("{}: {e}", file.display())))
}

/// Never from the command line: other users of the machine can read that.
fn password(file: Option<&Path>) -> Result<String> {
    if let Some(file) = file {
        return Ok(read("password_file", file)?.lines().next().unwrap_or_default().to_owned());
    }
    if let Ok(password) = std::env::var("VIVERO_SERVER_PASSWORD") {
        return Ok(password);
    }
    if std::io::stdin().is_terminal() {
        eprint!("Password of the database server's account: ");
    }
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|e| Error::internal("reading the password", e))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn show(server: &DatabaseServer, output: Output) {
    let value = json!({
        "name": server.name, "address": server.address, "tls_mode": server.tls_mode,
        "account": server.account, "state": server.state, "weight": server.weight,
        "capacity": server.capacity, "tenants": server.tenants, "standby": server.standby, "leftovers": server.leftovers,
        "kept": server.kept, "version": server.version,
    });
    output.result(&value, || {
        let most = server.capacity.map_or_else(String::new, |most| format!(" of {most}"));
        let mut text = format!(
            "{:<20} {:<9} weight {:<4} {} tenants{most}, {} prepared  {}",
            server.name,
            server.state.as_str(),
            server.weight,
            server.tenants,
            server.standby,
            server.address
        );
        for kept in &server.kept {
            text += &format!(
                "\n  keeps {}, tenant {}'s until operation {} was ended; remove it with `vivero server \
                 remove-kept {} {}`",
                kept.database, kept.slug, kept.operation, server.name, kept.database
            );
        }
        text
    });
}
