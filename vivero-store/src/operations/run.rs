//! Doing an operation: under a lease, from the step it is at, and back to where it began if a step fails
//! before the point of no return.

use super::FleetOperations;
use chrono::TimeDelta;
use serde_json::Value as Json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use vivero_core::operations::{Operation, OperationKind as Kind, OperationState};
use vivero_core::port::{Fleet, Lease};
use vivero_core::tenant::Tenant;
use vivero_core::{Clock, Error, Result};

/// How long a lease lasts if nobody renews it: so long somebody waits for one who died.
const LEASE: TimeDelta = TimeDelta::seconds(15);
const RENEW: Duration = Duration::from_secs(4);
/// Progress is noted at most so often.
const NOTE: Duration = Duration::from_millis(500);

/// The steps of each kind, in order. Those after the point of no return are finished, never undone.
pub(super) const fn steps(kind: Kind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        Kind::Backup | Kind::Export => (&["write", "prove"], &[]),
        Kind::Restore => (&["check", "load", "switch"], &["clean"]),
        Kind::Import => (&["check", "load", "switch"], &[]),
        Kind::Clone => (&["load", "switch"], &[]),
        Kind::Archive => (&["stop", "write", "prove"], &["drop"]),
        Kind::Delete => (&["mark"], &[]),
        Kind::Purge => (&["close"], &["drop", "forget"]),
        Kind::Move => (&["copy", "switch"], &["clean"]),
    }
}

/// An operation that is being done.
pub(super) struct Run<'o> {
    pub(super) all: &'o FleetOperations,
    pub(super) operation: Operation,
    noted: Option<Instant>,
}

/// How a step ended that did not do its work.
pub(super) enum Stopped {
    /// It failed.
    Failed(Error),
    /// The hook said so: as if the process were gone.
    Dead(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

pub(super) type Step<T> = std::result::Result<T, Stopped>;

/// Renews a lease until it is dropped.
struct Renewing(tokio::task::JoinHandle<()>);

impl Drop for Renewing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn renew(fleet: Arc<dyn Fleet>, clock: Arc<dyn Clock>, mut lease: Lease) -> Renewing {
    Renewing(tokio::spawn(async move {
        loop {
            tokio::time::sleep(RENEW).await;
            match fleet.renew_lease(&lease, clock.now() + LEASE).await {
                Ok(Some(renewed)) => lease = renewed,
                // Overtaken: what is noted from now on is refused.
                Ok(None) => return,
                Err(error) => tracing::warn!(%error, lease = lease.name, "a lease was not renewed"),
            }
        }
    }))
}

impl FleetOperations {
    pub(super) async fn run_to_end(&self, id: Uuid) -> Result<Operation> {
        let book = self.fleet.book();
        let asked = book.find_operation(id).await?.ok_or_else(|| Error::not_found("operation"))?;
        if asked.state.is_over() {
            return Ok(asked);
        }
        let name = format!("operation/{}", asked.tenant);
        let now = self.clock.now();
        let lease = self.fleet.take_lease(&name, self.holder, now, now + LEASE).await?;
        let Some(lease) = lease else {
            let held = self.fleet.leases(&name).await?;
            let seconds = held.first().map_or(1, |l| (l.until - now).num_seconds().max(0) + 1);
            return Err(Error::Unavailable {
                what: format!("operation {id}, another process does it or did until a moment ago")
                    .into(),
                retry_after: u32::try_from(seconds).unwrap_or(1),
                source: None,
            });
        };
        let renewing = renew(Arc::clone(&self.fleet), Arc::clone(&self.clock), lease.clone());
        let outcome = self.run_leased(id, &lease).await;
        drop(renewing);
        if !matches!(outcome, Err(Stopped::Dead(_))) {
            self.fleet.release_lease(&lease).await?;
        }
        match outcome {
            Ok(operation) => Ok(operation),
            Err(Stopped::Failed(error) | Stopped::Dead(error)) => Err(error),
        }
    }

    async fn run_leased(&self, id: Uuid, lease: &Lease) -> Step<Operation> {
        let operation = self.fleet.book().claim_operation(id, lease, self.clock.now()).await?;
        if operation.state.is_over() {
            return Ok(operation);
        }
        let mut run = Run { all: self, operation, noted: None };
        let (before, after) = steps(run.operation.kind);
        let all: Vec<&'static str> = before.iter().chain(after).copied().collect();
        let from = all.iter().position(|step| *step == run.operation.step).unwrap_or(0);
        for (number, step) in all.iter().enumerate().skip(from) {
            run.operation.state = OperationState::Running;
            run.operation.step = (*step).to_owned();
            run.hook(step).await?;
            run.note().await?;
            match run.step(step).await {
                Ok(()) => {}
                Err(Stopped::Dead(error)) => return Err(Stopped::Dead(error)),
                Err(Stopped::Failed(error)) => {
                    let may_undo = number < before.len();
                    return run.failed(step, error, may_undo).await;
                }
            }
        }
        run.hook("end").await?;
        run.operation.state = OperationState::Done;
        run.operation.message = None;
        run.note().await?;
        Ok(run.operation)
    }
}

impl Run<'_> {
    pub(super) fn fleet(&self) -> &dyn Fleet {
        &*self.all.fleet
    }

    pub(super) async fn hook(&self, step: &str) -> Step<()> {
        match &self.all.hook {
            Some(hook) => hook.before(&self.operation, step).await.map_err(Stopped::Dead),
            None => Ok(()),
        }
    }

    /// Notes everything now.
    pub(super) async fn note(&mut self) -> Result<()> {
        self.noted = Some(Instant::now());
        self.operation.changed_at = self.all.clock.now();
        self.fleet().book().note_operation(&self.operation).await
    }

    /// Notes how far it is, now and then; fails when another has taken over.
    pub(super) async fn progress(&mut self, done: u64, total: u64) -> Result<()> {
        self.operation.done = done;
        self.operation.total = total.max(done);
        if self.noted.is_some_and(|at| at.elapsed() < NOTE) {
            return Ok(());
        }
        self.note().await
    }

    pub(super) fn set(&mut self, name: &str, value: Json) {
        if let Json::Object(result) = &mut self.operation.result {
            result.insert(name.to_owned(), value);
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.operation.result.get(name).and_then(Json::as_i64)
    }

    pub(super) async fn tenant(&self) -> Result<Arc<Tenant>> {
        let found = self.fleet().find(self.operation.tenant).await?;
        found.ok_or_else(|| Error::not_found("tenant"))
    }

    async fn step(&mut self, step: &str) -> Step<()> {
        match (self.operation.kind, step) {
            (_, "check") => self.check().await,
            (_, "write") => self.write().await,
            (_, "prove") => self.prove().await,
            (_, "load") => self.load().await,
            (Kind::Move, "copy") => self.copy_and_catch_up().await,
            (Kind::Move, "switch") => self.switch_moved().await,
            (_, "switch") => self.switch().await,
            (_, "clean") => self.clean().await,
            (_, "stop") => self.stop().await,
            (Kind::Archive, "drop") => self.drop_archived().await,
            (_, "mark") => self.mark().await,
            (_, "close") => self.close().await,
            (_, "drop") => self.drop_all().await,
            (_, "forget") => self.forget().await,
            _ => Err(Error::corrupt(format!("there is no step {step}")).into()),
        }
    }

    /// Undoes what was done and says why; or, after the point of no return, leaves the rest to the next
    /// run.
    async fn failed(mut self, step: &str, error: Error, may_undo: bool) -> Step<Operation> {
        let why = describe(&error);
        if let Error::Illegal { code: "operation_overtaken", .. } = error {
            return Err(error.into());
        }
        let undone = if may_undo { self.undo().await } else { Err(Error::corrupt("")) };
        self.operation.message = Some(match &undone {
            Ok(()) => format!("step {step}: {why}. Nothing was changed; mend it and ask again"),
            Err(_) if !may_undo => format!(
                "step {step}: {why}. All before it is done; finish it with `vivero operation resume {}`",
                self.operation.id
            ),
            Err(undoing) => format!(
                "step {step}: {why}. It is half undone ({}); finish that with `vivero operation resume {}`",
                describe(undoing),
                self.operation.id
            ),
        });
        if undone.is_ok() {
            self.operation.state = OperationState::Failed;
        }
        self.note().await?;
        Ok(self.operation)
    }

    async fn undo(&mut self) -> Result<()> {
        match self.operation.kind {
            Kind::Backup | Kind::Export => self.undo_write().await,
            Kind::Restore | Kind::Import | Kind::Clone => self.undo_load().await,
            Kind::Archive => self.undo_archive().await,
            Kind::Move => self.undo_move().await,
            Kind::Delete | Kind::Purge => Ok(()),
        }
    }
}

/// An error with what is behind it.
fn describe(error: &Error) -> String {
    use std::error::Error as _;
    let mut text = match error {
        Error::Invalid(fields) => fields
            .iter()
            .map(|f| format!("{} {}", f.field, f.message))
            .collect::<Vec<_>>()
            .join("; "),
        other => other.to_string(),
    };
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
