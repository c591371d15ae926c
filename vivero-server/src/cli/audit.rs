//! `vivero audit verify`

use super::output::Output;
use crate::config::Config;
use clap::Subcommand;
use serde_json::json;
use std::fmt::Write as _;
use std::process::ExitCode;
use vivero_core::{Result, Slug};

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Recompute the chain of changes and hold it against its anchor. Exit code 1 if it is broken.
    Verify {
        /// Tenant; all of them when none is named.
        #[arg(long, value_name = "SLUG")]
        tenant: Option<String>,
    },
}

pub(super) async fn run(
    command: AuditCommand,
    config: &Config,
    output: Output,
) -> Result<ExitCode> {
    let AuditCommand::Verify { tenant } = command;
    let vivero = super::open(config).await?;
    let slugs = match tenant {
        Some(slug) => vec![slug.parse::<Slug>()?],
        None => super::tenant::all(&vivero).await?.into_iter().map(|t| t.slug).collect(),
    };
    let mut whole = true;
    for slug in slugs {
        let report = vivero.verify_audit(&slug).await?;
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
