//! Doing an operation: under a lease, from the step it is at, and back to where it began if a step fails
//! before the point of no return.

use super::turning::Asked;
use super::{Busy, FleetOperations, text};
use chrono::TimeDelta;
use serde_json::Value as Json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use vivero_core::ids::TenantId;
use vivero_core::operations::{Operation, OperationKind as Kind, OperationState};
use vivero_core::port::{Fleet, Lease};
use vivero_core::tenant::{Tenant, TenantState};
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
        Kind::Verify => (&["check"], &[]),
        Kind::Import => (&["check", "load", "switch"], &[]),
        Kind::Clone => (&["load", "switch"], &[]),
        Kind::Archive => (&["stop", "write", "prove"], &["drop"]),
        Kind::Delete => (&["mark"], &[]),
        Kind::Purge => (&["close"], &["drop", "forget"]),
        Kind::Move => (&["copy", "switch"], &["clean"]),
        Kind::RotateCredentials => (&["rotate"], &[]),
    }
}

/// An operation that is being done.
pub(super) struct Run<'o> {
    pub(super) all: &'o FleetOperations,
    pub(super) operation: Operation,
    noted: Option<Instant>,
    /// Whether it is to end though a server does not answer.
    pub(super) ending: bool,
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
        let mine = self.hold(&asked).await?;
        let outcome = match self.claim(id, &mine.lease).await {
            Ok(Claimed::Over(operation)) => Ok(*operation),
            Ok(Claimed::Open(run)) if run.is_to_end() => run.end(Asked::Before).await,
            Ok(Claimed::Open(run)) => run.go_on().await,
            Err(error) => Err(error.into()),
        };
        self.give_back(mine, outcome).await
    }

    /// Keeps others from doing anything to an operation for as long as what it gives is there.
    pub(super) async fn hold(&self, asked: &Operation) -> Result<Mine<'_>> {
        let id = asked.id;
        let Some(busy) = self.begin(asked.tenant) else {
            return Err(Error::Unavailable {
                what: format!("operation {id}, this process does it already").into(),
                retry_after: 1,
                source: None,
            });
        };
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
        Ok(Mine { lease, renewing, _busy: busy })
    }

    /// Lets others go on with what there is still to do.
    pub(super) async fn give_back(
        &self,
        mine: Mine<'_>,
        outcome: Step<Operation>,
    ) -> Result<Operation> {
        let Mine { lease, renewing, _busy } = mine;
        drop(renewing);
        if !matches!(outcome, Err(Stopped::Dead(_))) {
            self.fleet.release_lease(&lease).await?;
        }
        match outcome {
            Ok(operation) => Ok(operation),
            Err(Stopped::Failed(error) | Stopped::Dead(error)) => Err(error),
        }
    }

    pub(super) async fn claim(&self, id: Uuid, lease: &Lease) -> Result<Claimed<'_>> {
        let operation = self.fleet.book().claim_operation(id, lease, self.clock.now()).await?;
        Ok(if operation.state.is_over() {
            Claimed::Over(Box::new(operation))
        } else {
            Claimed::Open(Box::new(Run { all: self, operation, noted: None, ending: false }))
        })
    }
}

/// The right to do something to an operation.
pub(super) struct Mine<'o> {
    pub(super) lease: Lease,
    renewing: Renewing,
    _busy: Busy<'o>,
}

/// What a lease holder finds.
pub(super) enum Claimed<'o> {
    /// Nothing more will happen.
    Over(Box<Operation>),
    /// It is the holder's.
    Open(Box<Run<'o>>),
}

impl Run<'_> {
    /// Does its steps from the one it is at.
    pub(super) async fn go_on(mut self) -> Step<Operation> {
        let (before, after) = steps(self.operation.kind);
        let all: Vec<&'static str> = before.iter().chain(after).copied().collect();
        let from = all.iter().position(|step| *step == self.operation.step).unwrap_or(0);
        for (number, step) in all.iter().enumerate().skip(from) {
            self.operation.state = OperationState::Running;
            self.operation.step = (*step).to_owned();
            self.hook(step).await?;
            self.note().await?;
            match self.step(step).await {
                Ok(()) => {}
                Err(Stopped::Dead(error)) => return Err(Stopped::Dead(error)),
                Err(Stopped::Failed(error)) => {
                    let may_undo = number < before.len() && !self.is_switched().await?;
                    return self.failed(step, error, may_undo).await;
                }
            }
        }
        self.hook("end").await?;
        self.operation.state = OperationState::Done;
        self.operation.message = None;
        self.note().await?;
        Ok(self.operation)
    }

    /// Whether the tenant has the database that was made for it: then nothing can be undone.
    pub(super) async fn is_switched(&self) -> Result<bool> {
        if !matches!(self.operation.kind, Kind::Restore | Kind::Import | Kind::Clone | Kind::Move) {
            return Ok(false);
        }
        let found = self.fleet().find(self.operation.tenant).await?;
        Ok(found.is_some_and(|tenant| {
            tenant.state != TenantState::Loading
                && self.number("generation") == Some(tenant.generation)
        }))
    }

    /// Removes the database of one generation. Where an operation is ended that cannot go on, one on a server
    /// that does not answer is left for later.
    pub(super) async fn remove(&mut self, tenant: TenantId, generation: i64) -> Result<()> {
        if !self.ending {
            return self.fleet().remove(tenant, generation).await;
        }
        if let Some(server) = self.fleet().abandon(tenant, generation).await? {
            self.set("left_on", Json::String(server));
            self.note().await?;
        }
        Ok(())
    }

    /// The same of the database before, which may be given back to the tenant by whoever takes the operation over.
    pub(super) async fn remove_replaced(&mut self, generation: i64) -> Result<()> {
        let Ok(moves) = self.fleet().moves() else {
            return self.remove(self.operation.tenant, generation).await;
        };
        let left = moves.remove_replaced(&self.operation, generation, self.ending).await?;
        if let Some(server) = left {
            self.set("left_on", Json::String(server));
            self.note().await?;
        }
        Ok(())
    }

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

    pub(super) fn unset(&mut self, name: &str) {
        if let Json::Object(result) = &mut self.operation.result {
            result.remove(name);
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
            (_, "rotate") => self.rotate().await,
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
        let undone = if may_undo {
            self.begin_anew().await?;
            self.undo().await
        } else {
            Err(Error::corrupt(""))
        };
        let id = self.operation.id;
        let to = text(&self.operation.parameters, "to");
        let to = to.map_or_else(String::new, |to| format!(" to database server {to}"));
        let gone = format!(
            "if a database server is gone for good, end it with `vivero operation end {id}`"
        );
        self.operation.message = Some(match &undone {
            Ok(()) if self.operation.kind == Kind::RotateCredentials => format!(
                "step {step}{to}: {why}. If it was begun it is finished when the server answers; otherwise ask again"
            ),
            Ok(()) => format!("step {step}{to}: {why}. Nothing was changed; mend it and ask again"),
            Err(_) if !may_undo => format!(
                "step {step}{to}: {why}. All before it is done; finish it with `vivero operation resume {id}`, or, {gone}"
            ),
            Err(undoing) => format!(
                "step {step}{to}: {why}. It is half undone ({}); go on with `vivero operation resume {id}`, or, {gone}",
                describe(undoing),
            ),
        });
        if undone.is_ok() {
            self.operation.state = OperationState::Failed;
            step.clone_into(&mut self.operation.step);
        }
        self.note().await?;
        Ok(self.operation)
    }

    /// Notes that whoever goes on has to do everything again: what is undone lets writers on, and what was
    /// copied before lacks what they write.
    pub(super) async fn begin_anew(&mut self) -> Result<()> {
        let (before, _) = steps(self.operation.kind);
        before.first().copied().unwrap_or_default().clone_into(&mut self.operation.step);
        self.note().await
    }

    /// Cut off in the middle it is finished by the next run, or when the server is next tended.
    async fn rotate(&mut self) -> Step<()> {
        let tenant = self.tenant().await?;
        self.fleet().rotate_credentials(&tenant).await?;
        Ok(())
    }

    pub(super) async fn undo(&mut self) -> Result<()> {
        match self.operation.kind {
            Kind::Backup | Kind::Export => self.undo_write().await,
            Kind::Restore | Kind::Import | Kind::Clone => self.undo_load().await,
            Kind::Archive => self.undo_archive().await,
            Kind::Move => self.undo_move().await,
            Kind::Verify | Kind::Delete | Kind::Purge | Kind::RotateCredentials => Ok(()),
        }
    }
}

/// An error with what is behind it.
pub(super) fn describe(error: &Error) -> String {
    match error {
        Error::Invalid(fields) => fields
            .iter()
            .map(|f| format!("{} {}", f.field, f.message))
            .collect::<Vec<_>>()
            .join("; "),
        other => other.with_causes(),
    }
}
