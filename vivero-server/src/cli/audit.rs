//! `vivero audit verify|accept`

use super::output::Output;
use super::setup::Setup;
use clap::Subcommand;
use serde_json::json;
use std::fmt::Write as _;
use std::process::ExitCode;
use vivero_core::{Error, Result, Slug};

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Recompute the chain of changes and hold it against its anchor. Exit code 1 if one is broken or could not be
    /// looked at; tenants that are in an archive, or not whole yet, are named and passed over.
    Verify {
        /// Tenant; all of them when none is named.
        #[arg(long, value_name = "SLUG")]
        tenant: Option<String>,
    },
    /// Take a tenant's database as it is, which is refused because it is older than what the registry knows of it: one
    /// that was put back past vivero. What it lacks is given up; a change of the tenant's says so.
    Accept {
        /// The tenant.
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// The name once more.
        #[arg(long, value_name = "SLUG")]
        confirm: String,
    },
}

async fn accept(config: &Setup, output: Output, slug: &Slug, confirm: &str) -> Result<ExitCode> {
    if confirm != slug.as_str() {
        return Err(Error::invalid(
            "confirm",
            "equal",
            format!("must be the tenant's name, {slug}"),
        ));
    }
    let vivero = config.open().await?;
    let accepted = vivero.accept_copy(slug).await?;
    output.result(&json!({"tenant": slug, "accepted": accepted}), || {
        format!(
            "{slug}: accepted as it is; the registry knew of change {}, the last is {} now and names that",
            accepted.anchored, accepted.head
        )
    });
    vivero.close().await;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn run(command: AuditCommand, config: &Setup, output: Output) -> Result<ExitCode> {
    let tenant = match command {
        AuditCommand::Verify { tenant } => tenant,
        AuditCommand::Accept { tenant, confirm } => {
            return accept(config, output, &tenant.parse()?, &confirm).await;
        }
    };
    let vivero = config.open().await?;
    let all = tenant.is_none();
    let slugs = match tenant {
        Some(slug) => vec![slug.parse::<Slug>()?],
        None => super::tenant::all(&vivero).await?.into_iter().map(|t| t.slug).collect(),
    };
    let mut whole = true;
    for slug in slugs {
        let report = match vivero.verify_audit(&slug).await {
            Ok(report) => report,
            // One that cannot be looked at says nothing of the others.
            Err(error) if all => {
                let passed = matches!(error, Error::TenantStanding { .. });
                whole &= passed;
                let ok: Option<bool> = if passed { None } else { Some(false) };
                output.result(
                    &json!({"tenant": slug, "ok": ok, "error": error.to_string()}),
                    || {
                        format!(
                            "{slug}: {}: {error}",
                            if passed { "passed over" } else { "NOT VERIFIED" }
                        )
                    },
                );
                continue;
            }
            Err(error) => return Err(error),
        };
        whole &= report.breaks.is_empty();
        output.result(
            &json!({"tenant": slug, "ok": report.breaks.is_empty(), "report": report}),
            || {
                let verdict = if report.breaks.is_empty() { "the chain holds" } else { "BROKEN" };
                let mut text = format!(
                    "{slug}: {verdict}; {} changes checked, head at {}",
                    report.checked, report.head
                );
                for broken in &report.breaks {
                    let _ = write!(
                        text,
                        "\n  position {}: {}: {}",
                        broken.position, broken.kind, broken.detail
                    );
                }
                text
            },
        );
    }
    vivero.close().await;
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
