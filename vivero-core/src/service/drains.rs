//! Emptying a database server: on record, under a lease, tenant after tenant.

use super::{Servers, Vivero};
use crate::drain::{Drain, DrainFailure, DrainState, MOST_FAILURES};
use crate::error::{Error, Result};
use crate::operations::{NewOperation, Operation, OperationKind, OperationState};
use crate::port::Lease;
use crate::server::{NAME_RULE, ServerPatch, ServerState, emptiest, is_name};
use crate::tenant::Slug;
use chrono::TimeDelta;
use serde_json::json;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Tenants looked up in one go.
const TENANTS_AT_ONCE: u32 = 100;
/// How long a lease lasts if nobody renews it: so long somebody waits for one who died.
const LEASE: TimeDelta = TimeDelta::seconds(15);
const RENEW: Duration = Duration::from_secs(4);

fn lease_of(server: &str) -> String {
    format!("drain/{server}")
}

impl Servers<'_> {
    /// Puts on record that a server is to be emptied: its tenants go to `to`, or each to the open server that is
    /// least filled. The server takes no new tenants from then on. Asking again while it goes on gives what is on
    /// record.
    ///
    /// Errors: [`Error::NotFound`] for the server, [`Error::Invalid`] for `to`, [`Error::Illegal`] for a server
    /// that is down, whose tenants cannot be read, and while it is emptied to elsewhere.
    pub async fn ask_drain(&self, name: &str, to: Option<&str>) -> Result<Drain> {
        if to.is_some_and(|to| !is_name(to)) {
            return Err(Error::invalid("to", "name", NAME_RULE));
        }
        let book = self.vivero.fleet().drains()?;
        let server = self.find(name).await?;
        if server.state == ServerState::Down {
            return Err(Error::Illegal { code: "server_down", message: is_down(name) });
        }
        self.check_target(name, to).await?;
        if server.state == ServerState::Open {
            let patch =
                ServerPatch { state: Some(ServerState::Draining), ..ServerPatch::default() };
            self.change(name, patch, None).await?;
        }
        let now = self.vivero.now();
        let wanted = Drain {
            id: self.vivero.ids().id(now),
            server: name.into(),
            to: to.map(Into::into),
            state: DrainState::Running,
            total: self.find(name).await?.tenants,
            moved: 0,
            failed: 0,
            failures: Vec::new(),
            tenant: None,
            operation: None,
            settled: String::new(),
            message: None,
            token: 0,
            created_at: now,
            changed_at: now,
        };
        let noted = book.add_drain(&wanted).await?;
        if noted.to != wanted.to {
            let message = format!(
                "database server {name} is being emptied already, to {}; open it to stop that \
                 (`vivero server set {name} --state open`)",
                noted.to.as_deref().unwrap_or("whichever is least filled")
            );
            return Err(Error::Illegal { code: "drain_running", message });
        }
        Ok(noted)
    }

    async fn check_target(&self, name: &str, to: Option<&str>) -> Result<()> {
        let Some(to) = to else { return Ok(()) };
        if to == name {
            return Err(Error::invalid("to", "another", "must be another server"));
        }
        match self.find(to).await {
            Ok(server) if server.state == ServerState::Open => Ok(()),
            Ok(server) => {
                let message = format!(
                    "is {}: open it first (`vivero server set {to} --state open`)",
                    server.state
                );
                Err(Error::invalid("to", "open", message))
            }
            Err(Error::NotFound { .. }) => {
                Err(Error::invalid("to", "exists", "is no database server"))
            }
            Err(other) => Err(other),
        }
    }

    /// The last time a server was emptied, and how far that is. Errors: [`Error::NotFound`].
    pub async fn find_drain(&self, name: &str) -> Result<Drain> {
        self.find(name).await?;
        let missing = || Error::not_found("drain");
        // Where there is one server, it was never emptied.
        let Ok(book) = self.vivero.fleet().drains() else { return Err(missing()) };
        book.find_drain(name).await?.ok_or_else(missing)
    }

    /// Puts on record that a server is to be emptied and begins it; [`Servers::find_drain`] tells how far it is.
    /// Errors: as [`Servers::ask_drain`].
    pub async fn start_drain(&self, name: &str, to: Option<&str>) -> Result<Drain> {
        let drain = self.ask_drain(name, to).await?;
        in_background(self.vivero, name);
        Ok(drain)
    }

    /// Goes on with every server that is being emptied and that nobody is at any more.
    pub async fn resume_drains(&self) -> Result<()> {
        let Ok(book) = self.vivero.fleet().drains() else { return Ok(()) };
        for drain in book.open_drains().await? {
            let name = lease_of(&drain.server);
            let held = self.vivero.fleet().leases(&name).await?;
            let now = self.vivero.now();
            if !held.iter().any(|lease| lease.name == name && lease.until > now) {
                tracing::info!(
                    server = drain.server,
                    left = drain.left(),
                    "a server is emptied further"
                );
                in_background(self.vivero, &drain.server);
            }
        }
        Ok(())
    }

    /// [`Servers::ask_drain`], then [`Servers::run_drain`].
    pub async fn drain(
        &self,
        name: &str,
        to: Option<&str>,
        told: impl FnMut(&Slug, &Result<Operation>, &Drain) + Send,
    ) -> Result<Drain> {
        self.ask_drain(name, to).await?;
        self.run_drain(name, told).await
    }

    /// Moves the tenants of a server that is to be emptied to others, one after another, until none is left to be
    /// moved or the server is opened or taken down. Each tenant stays readable, and stops writing for as long as
    /// its operation says (`writes_stopped_ms`). Dropped or cut off, it is gone on with by the next call. `told`
    /// hears of each tenant; those that could not be moved stay, and are in service as before.
    ///
    /// Errors: [`Error::Unavailable`] while another does it, [`Error::NotFound`].
    pub async fn run_drain(
        &self,
        name: &str,
        mut told: impl FnMut(&Slug, &Result<Operation>, &Drain) + Send,
    ) -> Result<Drain> {
        let fleet = self.vivero.fleet();
        let found = self.find_drain(name).await?;
        if found.state != DrainState::Running {
            return Ok(found);
        }
        // Each call is a holder of its own: of one process, too, only one does it.
        let now = self.vivero.now();
        let holder = self.vivero.ids().id(now);
        let lease = fleet.take_lease(&lease_of(name), holder, now, now + LEASE).await?;
        let lease = lease.ok_or_else(|| Error::Unavailable {
            what: format!("emptying of {name}, another process does it or did until a moment ago")
                .into(),
            retry_after: 5,
            source: None,
        })?;
        let renewing = renew(self.vivero.clone(), lease.clone());
        let outcome = self.run_leased(name, &lease, &mut told).await;
        drop(renewing);
        fleet.release_lease(&lease).await?;
        outcome
    }

    async fn run_leased(
        &self,
        name: &str,
        lease: &Lease,
        told: &mut (impl FnMut(&Slug, &Result<Operation>, &Drain) + Send),
    ) -> Result<Drain> {
        let fleet = self.vivero.fleet();
        let mut drain = fleet.drains()?.claim_drain(name, lease, self.vivero.now()).await?;
        if drain.state != DrainState::Running {
            return Ok(drain);
        }
        // What was moved when it was cut off may not have been counted.
        let there = self.find(name).await?.tenants;
        drain.moved = drain.total.saturating_sub(there.max(drain.failed));
        let mut again = false;
        let stay = loop {
            let after = Some(drain.settled.as_str());
            let some = fleet.tenants_on(name, after, TENANTS_AT_ONCE).await?;
            if some.is_empty() {
                let there = self.find(name).await?.tenants;
                if again || there <= drain.failed {
                    break there;
                }
                // Some were placed here at the instant at which it was closed to new ones: once more for all.
                again = true;
                drain.moved = drain.total.saturating_sub(drain.failed);
                (drain.total, drain.failed) = (drain.moved + there, 0);
                drain.failures.clear();
                drain.settled.clear();
                continue;
            }
            for slug in &some {
                if let Some(why) = self.stopped(name).await? {
                    drain.message = Some(why);
                    return self.end(drain).await;
                }
                let outcome = self.move_away(slug, &mut drain).await;
                if let Err(error @ Error::Unavailable { .. }) = outcome {
                    // Of the registry, not of this tenant: the drain is gone on with.
                    return Err(error);
                }
                settle(&mut drain, slug, &outcome);
                self.note(&mut drain).await?;
                told(slug, &outcome, &drain);
            }
        };
        drain.moved = drain.total.saturating_sub(stay);
        if stay > 0 {
            let message = format!(
                "{stay} of {} tenants are still on {name}, in service as before; mend what keeps them there and ask \
                 again",
                drain.total
            );
            drain.message = Some(message);
        }
        self.end(drain).await
    }

    /// Why it must not go on, if it must not.
    async fn stopped(&self, name: &str) -> Result<Option<String>> {
        Ok(match self.find(name).await?.state {
            ServerState::Draining => None,
            ServerState::Open => Some(format!(
                "stopped: database server {name} was opened again; ask again to go on"
            )),
            ServerState::Down => Some(is_down(name)),
        })
    }

    async fn end(&self, mut drain: Drain) -> Result<Drain> {
        let done = drain.message.is_none();
        drain.state = if done { DrainState::Done } else { DrainState::Failed };
        (drain.tenant, drain.operation) = (None, None);
        self.note(&mut drain).await?;
        tracing::info!(server = drain.server, moved = drain.moved, stayed = drain.failed,
            state = %drain.state, "emptying a server ended");
        Ok(drain)
    }

    async fn note(&self, drain: &mut Drain) -> Result<()> {
        drain.changed_at = self.vivero.now();
        self.vivero.fleet().drains()?.note_drain(drain).await
    }

    async fn move_away(&self, slug: &Slug, drain: &mut Drain) -> Result<Operation> {
        let operations = self.vivero.operations();
        (drain.tenant, drain.operation) = (Some(slug.clone()), None);
        // One that was cut off is finished first.
        for open in self.vivero.fleet().book().open_operations().await? {
            if open.slug == *slug && open.kind == OperationKind::Move {
                drain.operation = Some(open.id);
                self.note(drain).await?;
                let done = operations.finish(open.id).await?;
                if done.state != OperationState::Failed {
                    return Ok(done);
                }
            }
        }
        let to = match &drain.to {
            Some(to) => to.clone(),
            None => {
                let mut servers = self.list().await?;
                // One that keeps a database of the tenant refuses it.
                servers.retain(|server| server.kept.iter().all(|kept| kept.slug != *slug));
                emptiest(&servers, &drain.server).ok_or_else(no_room)?.name.clone()
            }
        };
        let new = NewOperation {
            kind: OperationKind::Move,
            slug: slug.clone(),
            parameters: json!({ "to": to }),
            key: None,
        };
        let asked = operations.ask(new).await?;
        drain.operation = Some(asked.id);
        self.note(drain).await?;
        operations.finish(asked.id).await
    }
}

/// Counts what became of a tenant.
fn settle(drain: &mut Drain, slug: &Slug, outcome: &Result<Operation>) {
    let why = match outcome {
        Ok(moved) if moved.state == OperationState::Done => None,
        Ok(other) => Some(other.message.clone().unwrap_or_else(|| "the move is not over".into())),
        Err(error) => Some(error.to_string()),
    };
    match why {
        None => drain.moved += 1,
        Some(message) => {
            drain.failed += 1;
            if drain.failures.len() < MOST_FAILURES {
                let (tenant, operation) = (slug.to_string(), drain.operation);
                drain.failures.push(DrainFailure { tenant, operation, message });
            }
        }
    }
    drain.settled = slug.to_string();
    (drain.tenant, drain.operation) = (None, None);
}

/// Renews a lease until it is dropped.
struct Renewing(JoinHandle<()>);

impl Drop for Renewing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn renew(vivero: Vivero, mut lease: Lease) -> Renewing {
    Renewing(tokio::spawn(async move {
        loop {
            tokio::time::sleep(RENEW).await;
            match vivero.fleet().renew_lease(&lease, vivero.now() + LEASE).await {
                Ok(Some(renewed)) => lease = renewed,
                // Overtaken: what is noted from now on is refused.
                Ok(None) => return,
                Err(error) => tracing::warn!(%error, lease = lease.name, "a lease was not renewed"),
            }
        }
    }))
}

fn in_background(vivero: &Vivero, name: &str) {
    let (vivero, name) = (vivero.clone(), name.to_owned());
    tokio::spawn(async move {
        match vivero.servers().run_drain(&name, |_, _, _| {}).await {
            // Somebody is at it.
            Ok(_) | Err(Error::Unavailable { .. }) => {}
            Err(error) => {
                tracing::warn!(server = name, %error, "emptying a server stopped; it is gone on with");
            }
        }
    });
}

fn is_down(name: &str) -> String {
    format!(
        "database server {name} is down: its tenants cannot be read; set it to draining \
         (`vivero server set {name} --state draining`) and ask again"
    )
}

fn no_room() -> Error {
    Error::Illegal {
        code: "no_server_open",
        message: "no other database server is open and has room; add one (`vivero server add`) or raise a \
                  capacity (`vivero server set NAME --capacity N`)"
            .into(),
    }
}
