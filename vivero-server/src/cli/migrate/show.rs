//! Migrations, for people and machines.

use crate::cli::output::Output;
use serde_json::json;
use std::fmt::Write as _;
use vivero_core::Slug;
use vivero_core::migration::{Drift, DriftKind, Plan, Run, RunOptions, TenantRun, rings};

/// Names shown of a group.
const NAMES: usize = 5;

fn names(all: &[Slug]) -> String {
    let some: Vec<&str> = all.iter().take(NAMES).map(Slug::as_str).collect();
    let more = all.len().saturating_sub(NAMES);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", some.join(", "))
}

pub(super) fn plan(plan: &Plan, output: Output) {
    output.result(&json!({ "plan": plan }), || text_of(plan));
}

/// The same with the rings in which a run with `options` would go about it.
pub(super) fn dry_run(plan: &Plan, options: &RunOptions, output: Output) {
    let behind: Vec<Slug> = plan.groups.iter().flat_map(|g| g.tenants.iter().cloned()).collect();
    let rings: Vec<(bool, Vec<Slug>)> = rings(&behind, options)
        .into_iter()
        .map(|ring| (ring.canary, ring.members.iter().map(|i| behind[*i].clone()).collect()))
        .collect();
    let told: Vec<_> = (1..)
        .zip(&rings)
        .map(|(n, (canary, all))| json!({"ring": n, "canary": canary, "tenants": all}))
        .collect();
    output.result(&json!({ "plan": plan, "rings": told }), || {
        let mut text = text_of(plan);
        for (n, (canary, all)) in (1..).zip(&rings) {
            let canaries = if *canary { " (canaries)" } else { "" };
            let _ = write!(text, "\nring {n}{canaries}, {} tenants: {}", all.len(), names(all));
        }
        text
    });
}

fn text_of(plan: &Plan) -> String {
    let mut text = format!(
        "version {}: {} tenants have it, {} do not",
        plan.target,
        plan.up_to_date,
        plan.groups.iter().map(|g| g.tenants.len()).sum::<usize>()
    );
    for group in &plan.groups {
        let version = group.fingerprint.as_deref().unwrap_or("not known");
        let _ = write!(
            text,
            "\n\n{} tenants at version {version}: {}\n",
            group.tenants.len(),
            names(&group.tenants)
        );
        for step in &group.steps {
            let whose = match step.migration {
                0 => "tables".to_owned(),
                id => format!("migration {id}"),
            };
            let _ = writeln!(text, "  {whose} {}: {}", step.number, step.statement);
        }
        if let Some(error) = &group.error {
            let _ = writeln!(text, "  could not be looked at: {error}");
        } else if group.steps.is_empty() {
            text.push_str("  nothing to do but to note the version\n");
        }
    }
    text
}

pub(super) fn run(run: &Run, output: Output) {
    output.result(&json!({ "run": run }), || {
        let state = if run.cut_off { "cut off" } else { run.state.as_str() };
        let mut text = format!(
            "{}  {state:<11} {} of {} done, {} failed, ring {} of {}, by {} since {}",
            run.id,
            run.done,
            run.tenants,
            run.failed,
            run.ring,
            run.rings,
            run.operator,
            run.started_at.format("%Y-%m-%d %H:%M:%S UTC")
        );
        if let Some(finished) = run.finished_at {
            let took = (finished - run.started_at).as_seconds_f64();
            let _ = write!(text, ", {took:.1} s");
        }
        if let Some(reason) = &run.reason {
            let _ = write!(text, "\n  stopped: {reason}");
        }
        if let Some(eta) = run.eta_seconds {
            let _ = write!(text, ", about {eta} s to go");
        }
        if run.cut_off {
            text.push_str("\n  its process has ended: `vivero migrate retry` goes on with it");
        } else if run.failed > 0 && run.finished_at.is_some() {
            let _ = write!(
                text,
                "\n  `vivero migrate status {} --state failed` names the tenants, `vivero migrate retry` tries them again",
                run.id
            );
        }
        if run.pending > 0 && run.finished_at.is_some() {
            let _ = write!(
                text,
                "\n  {} tenants are pending: `vivero migrate retry` goes on with them, ring by ring",
                run.pending
            );
        }
        text
    });
}

pub(super) fn tenant(tenant: &TenantRun, output: Output) {
    output.result(&json!({ "tenant": tenant }), || {
        let mut text = format!(
            "{:<40} {:<8} ring {}, {} attempts, {:.1} ms",
            tenant.slug.as_str(),
            tenant.state.as_str(),
            tenant.ring,
            tenant.attempts,
            tenant.micros as f64 / 1e3
        );
        if let Some(step) = &tenant.step {
            let _ = write!(text, "\n  in {step}");
        }
        if let Some(error) = &tenant.error {
            let _ = write!(text, "\n  {error}");
        }
        text
    });
}

pub(super) fn drift(drift: &Drift, output: Output) {
    output.result(&json!({ "drift": drift }), || {
        let verdict = match (&drift.error, drift.ok) {
            (Some(_), _) => "FAILED",
            (None, true) => "ok",
            (None, false) => "DIFFERS",
        };
        let hash = drift.hash.as_deref().unwrap_or("-");
        let mut text = format!("{:<40} {verdict:<8} {hash}", drift.slug.as_str());
        if let Some(error) = &drift.error {
            let _ = write!(text, "\n  {error}");
        }
        let told = drift.findings.iter().filter(|f| f.kind != DriftKind::LeftOver);
        for finding in told {
            let _ = write!(text, "\n  {} {}", finding.kind, finding.what);
            if let (Some(expected), Some(actual)) = (&finding.expected, &finding.actual) {
                let _ = write!(text, ": is {actual}, should be {expected}");
            }
        }
        text
    });
}
