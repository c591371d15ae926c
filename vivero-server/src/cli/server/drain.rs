//! `vivero server drain`: emptying a server, or looking on while another process does.

use crate::cli::output::Output;
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;
use vivero_core::drain::{Drain, DrainState};
use vivero_core::operations::{Operation, OperationState};
use vivero_core::{Error, Result, Slug, Vivero};

/// How often it is looked how far another process is.
const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn run(
    vivero: &Vivero,
    name: &str,
    to: Option<&str>,
    output: Output,
) -> Result<ExitCode> {
    let servers = vivero.servers();
    let mut seen = servers.ask_drain(name, to).await?;
    let drained = loop {
        let told = |slug: &Slug, outcome: &Result<Operation>, drain: &Drain| {
            settled(slug, outcome, drain.left(), output);
        };
        match servers.run_drain(name, told).await {
            // Another process is at it, or was until a moment ago.
            Err(Error::Unavailable { .. }) => {}
            other => break other?,
        }
        let now = servers.find_drain(name).await?;
        if (now.settled.as_str(), now.left()) != (seen.settled.as_str(), seen.left()) {
            looked_on(&now, output);
        }
        seen = now;
        tokio::time::sleep(LOOK).await;
    };
    show(&drained, output);
    let done = drained.state == DrainState::Done;
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What became of a tenant.
fn settled(slug: &Slug, outcome: &Result<Operation>, left: u64, output: Output) {
    let (value, text) = match outcome {
        Ok(operation) => {
            let stopped = &operation.result["writes_stopped_ms"];
            let to = operation.parameters["to"].as_str().unwrap_or_default();
            let text = match (&operation.message, operation.state) {
                (None, OperationState::Done) => {
                    format!("is on {to}; writes were stopped for {stopped} ms")
                }
                (message, _) => format!("stays: {}", message.as_deref().unwrap_or_default()),
            };
            let value = json!({
                "tenant": slug, "state": operation.state, "to": to, "writes_stopped_ms": stopped,
                "message": operation.message, "left": left,
            });
            (value, text)
        }
        Err(error) => {
            let value = json!({"tenant": slug, "state": "refused", "message": error.to_string(), "left": left});
            (value, format!("stays: {error}"))
        }
    };
    output.result(&value, || format!("{slug} {text} ({left} to go)"));
}

/// How far another process is.
fn looked_on(drain: &Drain, output: Output) {
    let value = json!({"elsewhere": true, "moved": drain.moved, "left": drain.left(), "failed": drain.failed});
    output.result(&value, || format!("another process moves them: {} to go", drain.left()));
}

pub(super) fn show(drain: &Drain, output: Output) {
    let value = json!({
        "id": drain.id, "server": drain.server, "to": drain.to, "state": drain.state, "total": drain.total,
        "moved": drain.moved, "left": drain.left(), "stayed": drain.failed, "failures": drain.failures,
        "tenant": drain.tenant, "operation": drain.operation, "message": drain.message,
        "created_at": drain.created_at, "changed_at": drain.changed_at,
    });
    output.result(&value, || text(drain));
}

fn text(drain: &Drain) -> String {
    let mut text = format!(
        "{}: {} moved, {} stayed, {} to go ({})",
        drain.server,
        drain.moved,
        drain.failed,
        drain.left(),
        drain.state
    );
    if let Some(tenant) = &drain.tenant {
        text += &format!("\n  {tenant} is being moved");
        if let Some(operation) = drain.operation {
            text += &format!(" (`vivero operation show {operation}`)");
        }
    }
    for failure in &drain.failures {
        text += &format!("\n  {} stays: {}", failure.tenant, failure.message);
    }
    if let Some(message) = &drain.message {
        text += &format!("\n  {message}");
    }
    text
}
