//! `vivero tenant …`

use super::output::Output;
use super::setup::Setup;
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;
use vivero_core::operations::{NewOperation, OperationKind, OperationState};
use vivero_core::tenant::{OperationType, Plan, Standing, TenantState};
use vivero_core::{Error, NewTenant, Owner, Result, Slug, Tenant, Vivero};

#[derive(Debug, Subcommand)]
pub(super) enum TenantCommand {
    /// Make a tenant. Its owner's password comes from VIVERO_OWNER_PASSWORD or standard input.
    Provision {
        /// Name in paths: 3 to 40 of a-z, 0-9 and single -.
        slug: String,
        /// Address its owner signs in with.
        #[arg(long)]
        email: String,
        /// Name of the organisation; the slug when nothing is said.
        #[arg(long)]
        organization: Option<String>,
        /// What it grows: container_nursery, field_nursery, young_plants, greenhouse or mixed.
        #[arg(long, default_value = "mixed")]
        operation_type: String,
        /// What it pays for.
        #[arg(long, value_enum, default_value_t = PlanChoice::Trial)]
        plan: PlanChoice,
        /// Asking again with the same key gives the same tenant.
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
    },
    /// List all tenants.
    List,
    /// Show one tenant.
    Show {
        /// Name in paths.
        slug: String,
    },
    /// Show what became of a tenant, newest first: made, suspended, resumed, moved, restored, to be removed.
    History {
        /// Name in paths.
        slug: String,
        /// Most to show.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
    },
    /// Stop a tenant: its people are refused from their next request on. Nothing is lost.
    Suspend {
        /// Name in paths.
        slug: String,
    },
    /// Give a tenant's database account another password, unnoticed by those at work.
    RotateCredentials {
        /// Name in paths.
        #[arg(required_unless_present = "all")]
        slug: Option<String>,
        /// Every tenant, one after another.
        #[arg(long, conflicts_with = "slug")]
        all: bool,
    },
    /// Let a tenant work again that is suspended, or marked for removal.
    Resume {
        /// Name in paths.
        slug: String,
    },
    /// What is done to whole tenants.
    #[command(flatten)]
    Whole(super::operation::TenantOperation),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum PlanChoice {
    /// 30 days free.
    Trial,
    /// Under contract.
    Contract,
}

pub(super) async fn run(
    command: TenantCommand,
    config: &Setup,
    output: Output,
) -> Result<ExitCode> {
    if let TenantCommand::Whole(command) = command {
        return super::operation::run(command, config, output).await;
    }
    let new = match &command {
        TenantCommand::Provision {
            slug,
            email,
            organization,
            operation_type,
            plan,
            idempotency_key,
        } => {
            let operation_type: OperationType = operation_type
                .parse()
                .map_err(|message: String| Error::invalid("operation_type", "one_of", message))?;
            Some(NewTenant {
                slug: Some(slug.clone()),
                organization: organization.clone().unwrap_or_else(|| slug.clone()),
                operation_type,
                owner: Owner::new(email, password()?),
                plan: match plan {
                    PlanChoice::Trial => None,
                    PlanChoice::Contract => Some(Plan::Contract),
                },
                idempotency_key: idempotency_key.clone(),
            })
        }
        _ => None,
    };
    let vivero = config.open().await?;
    let tenants = vivero.tenants();
    match command {
        TenantCommand::Whole(_) => {}
        TenantCommand::Provision { .. } => {
            if let Some(new) = new {
                show(&vivero, &tenants.provision(new).await?, output).await?;
            }
        }
        TenantCommand::History { slug, limit } => {
            for event in tenants.events(&slug.parse()?, limit).await? {
                let value = json!({
                    "version": event.version, "at": event.at, "state": event.state,
                    "generation": event.generation, "operation": event.operation,
                });
                output.result(&value, || {
                    let by =
                        event.operation.map(|id| format!("  (operation {id})")).unwrap_or_default();
                    format!(
                        "{}  {:<12} generation {}{by}",
                        event.at,
                        event.state.as_str(),
                        event.generation
                    )
                });
            }
        }
        TenantCommand::List => {
            for tenant in all(&vivero).await? {
                show(&vivero, &tenant, output).await?;
            }
        }
        TenantCommand::Show { slug } => {
            show(&vivero, &*tenants.find(&slug.parse()?).await?, output).await?
        }
        TenantCommand::Suspend { slug } => {
            show(&vivero, &tenants.suspend(&slug.parse()?).await?, output).await?
        }
        TenantCommand::RotateCredentials { slug, .. } => {
            let code = rotate(&vivero, slug.as_deref(), output).await;
            vivero.close().await;
            return code;
        }
        TenantCommand::Resume { slug } => {
            show(&vivero, &tenants.resume(&slug.parse()?).await?, output).await?
        }
    }
    vivero.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Gives one account another password, or each; one that fails keeps no other from it.
async fn rotate(vivero: &Vivero, slug: Option<&str>, output: Output) -> Result<ExitCode> {
    let slugs: Vec<Slug> = match slug {
        Some(slug) => vec![slug.parse()?],
        None => all(vivero).await?.into_iter().map(|t| t.slug).collect(),
    };
    let mut failed = 0;
    for slug in &slugs {
        match rotated(vivero, slug).await {
            Ok(None) => {
                let value = json!({"slug": slug, "rotated": true});
                output.result(&value, || format!("{slug:<40} has another password"));
            }
            Ok(Some(message)) => {
                failed += 1;
                let value = json!({"slug": slug, "rotated": false, "message": message});
                output.result(&value, || format!("{slug:<40} {message}"));
            }
            Err(error) => {
                failed += 1;
                output.failed(&error);
            }
        }
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Why it has no other password, if it has none.
async fn rotated(vivero: &Vivero, slug: &Slug) -> Result<Option<String>> {
    let operations = vivero.operations();
    let new = NewOperation {
        kind: OperationKind::RotateCredentials,
        slug: slug.clone(),
        parameters: Value::Null,
        key: None,
    };
    let asked = operations.ask(new).await?;
    let done = operations.finish(asked.id).await?;
    Ok(if done.state == OperationState::Done { None } else { done.message })
}

/// Every tenant, by slug.
pub(super) async fn all(vivero: &Vivero) -> Result<Vec<Tenant>> {
    let mut tenants: Vec<Tenant> = Vec::new();
    loop {
        let after = tenants.last().map(|t| t.slug.as_str());
        let some = vivero.tenants().list(after, 200).await?;
        if some.is_empty() {
            return Ok(tenants);
        }
        tenants.extend(some);
    }
}

/// Never from the command line: other users of the machine can read that.
fn password() -> Result<String> {
    if let Ok(password) = std::env::var("VIVERO_OWNER_PASSWORD") {
        return Ok(password);
    }
    if std::io::stdin().is_terminal() {
        eprint!("Password of the owner: ");
    }
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|e| Error::internal("reading the password", e))?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Error::invalid(
            "password",
            "required",
            "give it in VIVERO_OWNER_PASSWORD or on standard input",
        ));
    }
    Ok(password.to_owned())
}

pub(super) async fn show(vivero: &Vivero, tenant: &Tenant, output: Output) -> Result<()> {
    let standing = match tenant.standing(vivero.now()) {
        Standing::Full => "full",
        Standing::ReadOnly => "trial_expired",
        Standing::Blocked(why) => why,
    };
    let (plan, until): (&str, Value) = match tenant.plan {
        Plan::Trial { ends_at } => ("trial", json!(ends_at)),
        Plan::Contract => ("contract", Value::Null),
    };
    let marks = vivero.operations().marks(tenant).await?;
    let delete_after = marks.delete_after.filter(|_| tenant.state == TenantState::Deleting);
    let value = json!({
        "id": tenant.id, "slug": tenant.slug, "organization": tenant.organization,
        "operation_type": tenant.operation_type, "state": tenant.state, "standing": standing,
        "plan": plan, "trial_ends_at": until, "created_at": tenant.created_at,
        "generation": tenant.generation, "neutralised": tenant.neutral, "delete_after": delete_after,
        "archive": marks.archive,
    });
    output.result(&value, || {
        let until = until.as_str().map(|u| format!(" until {u}")).unwrap_or_default();
        let neutral = if tenant.neutral { "  (neutralised: no mail, webhooks, jobs)" } else { "" };
        let removal = delete_after.map(|at| format!("  (removed after {at})")).unwrap_or_default();
        format!(
            "{:<40} {:<12} {plan}{until}  {}{neutral}{removal}",
            tenant.slug.as_str(),
            tenant.state.as_str(),
            tenant.organization
        )
    });
    Ok(())
}
