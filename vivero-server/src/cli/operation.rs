//! Operations on whole tenants: `vivero tenant backup …`, `vivero operation …`.

use super::output::Output;
use super::setup::Setup;
use clap::Subcommand;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use vivero_core::operations::{NewOperation, Operation, OperationKind as Kind, OperationState};
use vivero_core::{Error, Result, Slug, TenantId, Uuid, Vivero};
use vivero_store::archive::ArchivePlace;

/// How often a command looks how far its operation is.
const LOOK: Duration = Duration::from_millis(200);

/// What is done to whole tenants.
#[derive(Debug, Subcommand)]
pub(super) enum TenantOperation {
    /// Everything in a tenant's database into an archive, while its people go on working; then proven. Contents of
    /// files stay where they are, in the store of files.
    Backup {
        /// Name in paths.
        slug: String,
        /// The file; one in the folder of archives, named after tenant and time, if nothing is said.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Into the installation's store of files instead, apart from tenants' files.
        #[arg(long, conflicts_with = "out")]
        store: bool,
        /// Of the tenant's archives in the store only so many stay, the newest.
        #[arg(long, value_name = "NUMBER", requires = "store")]
        keep: Option<u32>,
        /// Archives in the store that are not older stay in any case.
        #[arg(long, value_name = "DAYS", requires = "store")]
        keep_days: Option<u32>,
    },
    /// List a tenant's archives in the store of files, newest first.
    Archives {
        /// Name in paths; the id of a tenant that is gone.
        tenant: String,
    },
    /// The same, to be taken elsewhere: an archive depends on no engine.
    Export {
        /// Name in paths.
        slug: String,
        /// The file; see `backup`.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Into the installation's store of files instead.
        #[arg(long, conflicts_with = "out")]
        store: bool,
    },
    /// Bring the tenant of an archive back as it was: one that is archived, to be removed, gone, or
    /// (with --replace) in service. It starts neutralised. With --verify: prove an archive, touch nothing.
    Restore {
        /// The tenant's name; the archive's when nothing is said.
        slug: Option<String>,
        /// The archive, a file or the name of one in the store of files (`store:…`); not needed for a tenant that
        /// `archive` took out of service.
        #[arg(long, value_name = "FILE")]
        archive: Option<PathBuf>,
        /// Only prove the archive: checksums, counts, the chain of changes, whose it is.
        #[arg(long, requires = "archive", conflicts_with = "replace")]
        verify: bool,
        /// The tenant is in service, and what was done since the archive was made shall be gone.
        #[arg(long)]
        replace: bool,
    },
    /// Make a new tenant of an archive. It starts neutralised, and gets the contents of files that this
    /// installation's store of files has of the archive's tenant.
    Import {
        /// Name of the new tenant.
        slug: String,
        /// The archive, a file or the name of one in the store of files (`store:…`).
        #[arg(long, value_name = "FILE")]
        archive: PathBuf,
    },
    /// Make a new tenant that is a copy of another, contents of files included. It starts neutralised.
    Clone {
        /// The tenant to copy.
        source: String,
        /// Name of the new tenant.
        slug: String,
    },
    /// Take a tenant out of service: everything into an archive, its database removed, its name kept.
    /// `restore` brings it back.
    Archive {
        /// Name in paths.
        slug: String,
        /// The file; see `backup`.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Into the installation's store of files instead.
        #[arg(long, conflicts_with = "out")]
        store: bool,
    },
    /// Mark a tenant for removal: refused from now on, to be had back by `resume` until the grace is over.
    Delete {
        /// Name in paths.
        slug: String,
        /// The name once more.
        #[arg(long, value_name = "SLUG")]
        confirm: String,
        /// Days in which it can be had back.
        #[arg(long, default_value_t = 30, value_name = "DAYS")]
        grace_days: i64,
    },
    /// Remove a tenant for good whose grace is over, contents of files included. Its archives stay.
    Purge {
        /// Name in paths.
        slug: String,
        /// The name once more.
        #[arg(long, value_name = "SLUG")]
        confirm: String,
    },
    /// Move a tenant into a new database. Reading goes on; writing stops for a moment, which is printed.
    Move {
        /// Name in paths.
        slug: String,
        /// The database server it goes to; the one it is on if nothing is said.
        #[arg(long, value_name = "SERVER")]
        to: Option<String>,
    },
    /// Let a copy act on the world again: mail, webhooks, jobs.
    Activate {
        /// Name in paths.
        slug: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum OperationCommand {
    /// List operations, newest first.
    List {
        /// Of this tenant only.
        #[arg(long, value_name = "SLUG")]
        tenant: Option<String>,
        /// Most to show.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
    },
    /// Show one operation.
    Show {
        /// Its id.
        id: Uuid,
    },
    /// Finish what a process that is gone left undone; everything if no id is given.
    Resume {
        /// Its id.
        id: Option<Uuid>,
    },
    /// End an operation that cannot go on because a database server is gone: undone before its point of no return,
    /// finished after it. What that server holds is removed when it answers again.
    End {
        /// Its id.
        id: Uuid,
        /// A move whose tenant was switched to a server that is lost for good: the tenant gets the database before
        /// back, and what was written since the switch is given up. Without it, it is said what is known of that.
        /// The database on that server is kept; `server list` shows it.
        #[arg(long)]
        turn_back: bool,
        /// The same where the database before cannot be used either: the operation ends as failed, and the tenant
        /// stays on the lost server, to be restored from an archive. What there is of the database before is kept.
        #[arg(long, conflicts_with = "turn_back")]
        give_up: bool,
    },
}

/// A file as an operation takes it: the place does not depend on where the program runs.
fn absolute(path: &Path) -> Result<Value> {
    if let Some(name) = path.to_str().filter(|name| name.starts_with("store:")) {
        return Ok(json!(name));
    }
    let path = std::path::absolute(path)
        .map_err(|e| Error::invalid("archive", "path", format!("{}: {e}", path.display())))?;
    Ok(json!(path.display().to_string()))
}

fn object<const N: usize>(pairs: [(&str, Option<Value>); N]) -> Value {
    let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(pairs.collect())
}

pub(super) async fn run(
    command: TenantOperation,
    config: &Setup,
    output: Output,
) -> Result<ExitCode> {
    let file = |path: &Option<PathBuf>| path.as_deref().map(absolute).transpose();
    let stored = |store: bool| store.then_some(json!(true));
    let (kind, slug, parameters) = match &command {
        TenantOperation::Restore { archive: Some(archive), verify: true, .. } => {
            return prove(archive, config, output).await;
        }
        TenantOperation::Activate { slug } => return activate(slug, config, output).await,
        TenantOperation::Archives { tenant } => return archives(tenant, config, output).await,
        TenantOperation::Backup { slug, out, store, keep, keep_days } => {
            let parameters = object([
                ("archive", file(out)?),
                ("store", stored(*store)),
                ("keep", keep.map(Value::from)),
                ("keep_days", keep_days.map(Value::from)),
            ]);
            (Kind::Backup, slug.clone(), parameters)
        }
        TenantOperation::Export { slug, out, store } => {
            let parameters = object([("archive", file(out)?), ("store", stored(*store))]);
            (Kind::Export, slug.clone(), parameters)
        }
        TenantOperation::Archive { slug, out, store } => {
            let parameters = object([("archive", file(out)?), ("store", stored(*store))]);
            (Kind::Archive, slug.clone(), parameters)
        }
        TenantOperation::Restore { slug, archive, replace, .. } => {
            let slug = match (slug, archive) {
                (Some(slug), _) => slug.clone(),
                (None, Some(archive)) => {
                    let key = config.archive_key()?;
                    let place = place(archive, config).await?;
                    let reader =
                        vivero_store::archive::ArchiveReader::open(place, key.as_ref()).await?;
                    reader.header().tenant.slug.clone()
                }
                (None, None) => {
                    let message = "name the tenant, or an archive with --archive";
                    return Err(Error::invalid("slug", "required", message));
                }
            };
            let replace = replace.then_some(json!(true));
            (Kind::Restore, slug, object([("archive", file(archive)?), ("replace", replace)]))
        }
        TenantOperation::Import { slug, archive } => {
            (Kind::Import, slug.clone(), object([("archive", Some(absolute(archive)?))]))
        }
        TenantOperation::Clone { source, slug } => {
            (Kind::Clone, slug.clone(), object([("source", Some(json!(source)))]))
        }
        TenantOperation::Delete { slug, confirm, grace_days } => {
            let days = Some(json!(grace_days));
            let parameters = object([("confirm", Some(json!(confirm))), ("grace_days", days)]);
            (Kind::Delete, slug.clone(), parameters)
        }
        TenantOperation::Purge { slug, confirm } => {
            (Kind::Purge, slug.clone(), object([("confirm", Some(json!(confirm)))]))
        }
        TenantOperation::Move { slug, to } => {
            (Kind::Move, slug.clone(), object([("to", to.clone().map(Value::from))]))
        }
    };
    let slug: Slug = slug.parse()?;
    let vivero = config.open().await?;
    let outcome = async {
        let asked =
            vivero.operations().ask(NewOperation { kind, slug, parameters, key: None }).await?;
        follow(&vivero, asked, output).await
    };
    let outcome = outcome.await;
    vivero.close().await;
    finish(&outcome?, output)
}

/// Does an operation and shows how far it is.
async fn follow(vivero: &Vivero, asked: Operation, output: Output) -> Result<Operation> {
    let operations = vivero.operations();
    let what = format!("{} {}", asked.kind, asked.slug);
    let mut running = std::pin::pin!(operations.finish(asked.id));
    let mut bar = None;
    loop {
        tokio::select! {
            done = &mut running => {
                if let Some(bar) = bar {
                    let _: &crate::progress::Bar = &bar;
                    bar.done();
                }
                return done;
            }
            () = tokio::time::sleep(LOOK) => {
                let now = operations.find(asked.id).await?;
                if now.total > 0 {
                    bar.get_or_insert_with(|| output.progress().start(&what, now.total)).set(now.done);
                }
            }
        }
    }
}

fn finish(operation: &Operation, output: Output) -> Result<ExitCode> {
    show(operation, output);
    let done = operation.state == OperationState::Done;
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(operation: &Operation, output: Output) {
    let value = json!({
        "id": operation.id, "kind": operation.kind, "tenant": operation.slug, "state": operation.state,
        "step": operation.step, "done": operation.done, "total": operation.total,
        "message": operation.message, "parameters": operation.parameters, "result": operation.result,
        "created_at": operation.created_at, "changed_at": operation.changed_at,
    });
    output.result(&value, || {
        let mut text = format!(
            "{} {} {:<8} {} (step {})",
            operation.id,
            operation.slug,
            operation.kind.as_str(),
            operation.state,
            operation.step
        );
        if let Some(message) = &operation.message {
            text += &format!("\n  {message}");
        }
        for (name, value) in operation.result.as_object().into_iter().flatten() {
            text += &format!(
                "\n  {name}: {}",
                value.as_str().map_or_else(|| value.to_string(), Into::into)
            );
        }
        text
    });
}

/// Where an archive is that was named.
async fn place(archive: &Path, config: &Setup) -> Result<ArchivePlace> {
    let name = archive.to_str().unwrap_or_default();
    if !name.starts_with("store:") {
        return Ok(ArchivePlace::from(archive));
    }
    let vivero = config.open().await?;
    let store = vivero.file_settings().map(|files| std::sync::Arc::clone(&files.store));
    vivero.close().await;
    ArchivePlace::stored(name, store?).ok_or_else(|| {
        let message = "must be a file, or a name as `vivero tenant archives` shows it";
        Error::invalid("archive", "form", message)
    })
}

async fn archives(tenant: &str, config: &Setup, output: Output) -> Result<ExitCode> {
    let vivero = config.open().await?;
    let found = async {
        let id = match tenant.parse::<Uuid>() {
            Ok(id) => TenantId::from_uuid(id),
            Err(_) => vivero.tenants().find(&tenant.parse()?).await?.id,
        };
        vivero.operations().archives(id).await
    };
    let found = found.await;
    vivero.close().await;
    for archive in found? {
        let value = json!({
            "name": archive.name, "tenant": archive.tenant, "id": archive.id, "bytes": archive.bytes,
            "written_at": archive.written_at,
        });
        output.result(&value, || {
            format!("{}  {:>14} bytes  {}", archive.written_at, archive.bytes, archive.name)
        });
    }
    Ok(ExitCode::SUCCESS)
}

async fn prove(archive: &Path, config: &Setup, output: Output) -> Result<ExitCode> {
    let key = config.archive_key()?;
    let mut bar = None;
    let place = place(archive, config).await?;
    let proof = vivero_store::archive::verify(place, key.as_ref(), |done, total| {
        bar.get_or_insert_with(|| output.progress().start("proving", total)).set(done.min(total));
    })
    .await?;
    if let Some(bar) = bar {
        bar.done();
    }
    output.result(&proof, || {
        let (header, tenant) = (&proof.header, &proof.header.tenant);
        format!(
            "{}: whole and unchanged; tenant {} ({}), generation {}, {} rows, {} changes sealed, {} not yet; \
             the chain holds up to {}; made {} from {}",
            archive.display(), tenant.slug, tenant.id, tenant.generation, proof.trailer.rows, proof.sealed,
            proof.unsealed, header.head.hash, header.made_at, header.engine
        )
    });
    Ok(ExitCode::SUCCESS)
}

async fn activate(slug: &str, config: &Setup, output: Output) -> Result<ExitCode> {
    let slug: Slug = slug.parse()?;
    let vivero = config.open().await?;
    let tenant = vivero.operations().activate(&slug).await;
    if let Ok(tenant) = &tenant {
        super::tenant::show(&vivero, tenant, output).await?;
    }
    vivero.close().await;
    tenant.map(|_| ExitCode::SUCCESS)
}

pub(super) async fn run_operations(
    command: OperationCommand,
    config: &Setup,
    output: Output,
) -> Result<ExitCode> {
    let vivero = config.open().await?;
    let operations = vivero.operations();
    let mut code = ExitCode::SUCCESS;
    match command {
        OperationCommand::List { tenant, limit } => {
            let slug = tenant.map(|t| t.parse::<Slug>()).transpose()?;
            for operation in operations.list(slug.as_ref(), limit).await? {
                show(&operation, output);
            }
        }
        OperationCommand::Show { id } => show(&operations.find(id).await?, output),
        OperationCommand::Resume { id: Some(id) } => {
            let asked = operations.find(id).await?;
            code = finish(&follow(&vivero, asked, output).await?, output)?;
        }
        OperationCommand::End { id, turn_back, give_up } => {
            let ended = match (turn_back, give_up) {
                (true, _) => operations.turn_back(id).await?,
                (_, true) => operations.give_up(id).await?,
                _ => operations.end(id).await?,
            };
            show(&ended, output);
            if !ended.state.is_over() {
                code = ExitCode::FAILURE;
            }
        }
        OperationCommand::Resume { id: None } => {
            for operation in operations.resume().await? {
                show(&operation, output);
                if operation.state != OperationState::Done {
                    code = ExitCode::FAILURE;
                }
            }
        }
    }
    vivero.close().await;
    Ok(code)
}
