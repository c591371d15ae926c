//! Turning back a move to another server that is lost after the tenant was switched to it.
//!
//! The database before is whole, fenced, and as it was at the switch; what was written since is on the lost server
//! only. So nobody turns back but an operator who knows that, and what is on that server is kept
//! ([`vivero_core::port::Fleet::turn_back`]). Cut off before the registry's transaction nothing has changed; after
//! it the tenant is where it was, and whoever goes on lifts the fence and ends the operation.

use super::run::{Run, Step, describe};
use super::{illegal, text};
use serde_json::{Value as Json, json};
use std::time::Duration;
use vivero_core::journal::Anchor;
use vivero_core::operations::{OperationKind as Kind, OperationState, TenantChange};
use vivero_core::server::{ServerFinding, Verdict};
use vivero_core::tenant::Tenant;
use vivero_core::{Error, Result};

/// That an operator has said so, on record from the moment on when nothing but the registry's change is left.
const CONSENT: &str = "turn_back";
/// What is given up, on record before the anchor that tells is gone.
const GIVEN_UP: &str = "given_up";
/// A server is asked so often, with a pause between, before it counts as one that does not answer.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// Who has an operation ended, and what was said to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// An operator, now; with consent to turn a move back.
    Now { turn_back: bool },
    /// An operator, before it was cut off.
    Before,
}

/// What to do about a move that was switched.
pub(super) enum Switched {
    /// Its new database answers, or it is something else: it is ended as it always was.
    Whole,
    /// The tenant has the database before already: its fence is to be lifted.
    Turned,
    /// There is consent: the tenant is to be turned back.
    Turn,
}

impl Run<'_> {
    /// That a database of the tenant answers and has its chain up to what was moved or restored. It is asked now:
    /// one that is open here may be gone since.
    pub(super) async fn has_head(&self, of: &Tenant) -> Result<()> {
        let head = self.head()?;
        let store = self.fleet().open(of).await?;
        let found = store.feed(head.position.saturating_sub(1), 1).await?;
        let is_head = |last: Anchor| head.position == 0 || last == head;
        let last = found.first().map(|e| Anchor { position: e.position, hash: e.hash });
        if is_head(last.unwrap_or(Anchor { position: 0, hash: [0; 32] })) {
            return Ok(());
        }
        let message = format!(
            "generation {} of tenant {} lacks position {} of the chain, up to which it was made",
            of.generation, of.slug, head.position
        );
        Err(illegal("database_incomplete", message))
    }

    /// The tenant at the generation before, while that is on record on another server.
    pub(super) async fn before_elsewhere(&self, tenant: &Tenant) -> Result<Option<Tenant>> {
        let to = text(&self.operation.parameters, "to");
        let (Kind::Move, Some(_)) = (self.operation.kind, to) else { return Ok(None) };
        let Some(generation) = self.number("previous_generation") else { return Ok(None) };
        let before = Tenant { generation, ..tenant.clone() };
        let there = self.fleet().server_of(&before).await?;
        Ok((there != self.fleet().server_of(tenant).await?).then_some(before))
    }

    /// How a move to another server stands. Errors: `move_switched` if it needs an operator's consent.
    pub(super) async fn look_at_switched(&mut self, asked: Asked) -> Result<Switched> {
        if self.operation.kind != Kind::Move {
            return Ok(Switched::Whole);
        }
        let tenant = self.tenant().await?;
        let on_record = self.operation.result.get(CONSENT) == Some(&Json::Bool(true));
        if on_record && self.number("previous_generation") == Some(tenant.generation) {
            return Ok(Switched::Turned);
        }
        if !self.is_switched().await? || self.before_elsewhere(&tenant).await?.is_none() {
            return Ok(Switched::Whole);
        }
        let mut tries = 1;
        let silent = loop {
            match self.has_head(&tenant).await {
                Ok(()) => {
                    // It is back after all: nothing is given up.
                    if let Json::Object(result) = &mut self.operation.result {
                        result.remove(CONSENT);
                        result.remove(GIVEN_UP);
                    }
                    return Ok(Switched::Whole);
                }
                Err(error) if tries == TRIES => break error,
                Err(_) => tries += 1,
            }
            tokio::time::sleep(PAUSE).await;
        };
        match asked {
            _ if on_record => Ok(Switched::Turn),
            Asked::Now { turn_back: true } => {
                self.is_gone(&tenant, silent).await?;
                Ok(Switched::Turn)
            }
            Asked::Now { turn_back: false } => Err(self.needs_consent(&tenant, &silent).await?),
            // Its last step says what is wrong.
            Asked::Before => Ok(Switched::Whole),
        }
    }

    /// That more than a moment's lack of connections keeps the new database from answering. Errors: what keeps it,
    /// where its server answers and is not out of service.
    async fn is_gone(&self, tenant: &Tenant, silent: Error) -> Result<()> {
        let Error::Unavailable { what, retry_after, source } = silent else { return Ok(()) };
        let server = self.fleet().server_of(tenant).await?;
        // The nodes of a cluster are looked at each by itself.
        let node = format!("{server} ");
        let answers = |finding: &ServerFinding| {
            (finding.server == server || finding.server.starts_with(&node))
                && finding.check == "connection"
                && finding.verdict == Verdict::Ok
        };
        if !self.fleet().examine().await?.iter().any(answers) {
            return Ok(());
        }
        let what = format!(
            "{what}: nothing is given up, as server {server} answers. If its data is gone, take it out of service \
             first (`vivero server set {server} --state down`)"
        );
        Err(Error::Unavailable { what: what.into(), retry_after, source })
    }

    async fn needs_consent(&self, tenant: &Tenant, silent: &Error) -> Result<Error> {
        let lost = self.what_is_lost(tenant).await?;
        let (server, before) = (lost.server(), text(&self.operation.result, "from"));
        let (id, before) = (self.operation.id, before.unwrap_or_default());
        let message = format!(
            "tenant {} was switched to server {server} at {}, and its database there does not answer or is not \
             whole ({}). The database before is still on server {before}, as it was at the switch; what was written \
             since is on {server} only: {}. When {server} answers again the move goes on by itself. If it is lost \
             for good, `vivero operation end {id} --turn-back` gives the tenant the database on {before} back, and \
             gives up what was written since the switch",
            tenant.slug,
            lost.at(),
            describe(silent),
            lost.known()
        );
        Ok(illegal("move_switched", message))
    }

    /// What is known of it. The anchor is the last sealed position the registry was told, at most once a second,
    /// and at the switch it was no further than the head.
    async fn what_is_lost(&self, tenant: &Tenant) -> Result<Lost> {
        let head = self.head()?;
        let anchor = self.fleet().anchor(tenant.id).await?;
        let sealed = anchor.map_or(0, |a| a.position.saturating_sub(head.position));
        let events = self.fleet().book().tenant_events(tenant.id, 200).await?;
        let switch = events.iter().find(|event| {
            event.operation == Some(self.operation.id) && event.generation == tenant.generation
        });
        let server = self.fleet().server_of(tenant).await?;
        let at = switch.map(|event| event.at);
        Ok(Lost(json!({"server": server, "switched_at": at, "sealed_events_at_least": sealed})))
    }

    /// Gives the tenant the database before back.
    pub(super) async fn turn_back(&mut self) -> Step<()> {
        let tenant = self.tenant().await?;
        let before = self.before_elsewhere(&tenant).await?;
        let before = before.ok_or_else(|| Error::corrupt("a move without what was before"))?;
        self.is_as_it_was(&before).await?;
        let lost = self.what_is_lost(&tenant).await?;
        self.set(GIVEN_UP, lost.0);
        self.set(CONSENT, Json::Bool(true));
        self.note().await?;
        let marks = self.fleet().book().marks(tenant.id).await?;
        let change = TenantChange {
            from: tenant.state,
            state: tenant.state,
            generation: before.generation,
            marks,
            // What is anchored beyond it, the database before would be missing.
            anchor: Some(self.head()?),
        };
        self.hook("turn/registry").await?;
        self.fleet().turn_back(&self.operation, &tenant, &change).await?;
        self.all.announce().await;
        Ok(())
    }

    /// That the database before answers, and ends where the move says.
    async fn is_as_it_was(&self, before: &Tenant) -> Result<()> {
        let from = text(&self.operation.result, "from").unwrap_or_default();
        let head = self.head()?;
        let last = async {
            let store = self.fleet().open(before).await?;
            let last = store.feed_back(None, 1).await?;
            Ok(last.first().map_or(0, |e| if e.hash == head.hash { e.position } else { u64::MAX }))
        };
        let why = match last.await {
            Ok(position) if position == head.position => return Ok(()),
            Ok(_) => "it does not end where the move was switched".to_owned(),
            Err(error @ Error::Unavailable { .. }) => return Err(error),
            Err(error) => describe(&error),
        };
        let message = format!(
            "the database before, on server {from}, is not as it was at the switch: {why}. Nothing was changed; \
             ask again when that is mended, or bring the server back that the tenant was moved to"
        );
        Err(illegal("database_before", message))
    }

    /// Lets people write to the database before, and ends the operation.
    pub(super) async fn end_turned(&mut self) -> Step<()> {
        self.hook("turn/fence").await?;
        let tenant = self.tenant().await?;
        self.fleet().open(&tenant).await?.fence(false).await?;
        if let Some(generation) = self.number("generation") {
            self.fleet().retire(tenant.id, generation).await;
        }
        self.hook("turn/end").await?;
        let lost = Lost(self.operation.result.get(GIVEN_UP).cloned().unwrap_or_default());
        let kept = self.fleet().kept(Some(tenant.id)).await?;
        let kept = kept.iter().find(|kept| kept.operation == self.operation.id).map(|kept| {
            format!(
                ". The database there, {}, is kept: nothing removes it but `vivero server remove-kept {} {}`",
                kept.database, kept.server, kept.database
            )
        });
        self.operation.message = Some(format!(
            "turned back by an operator: tenant {} has the database on server {} again, as it was at the switch of \
             {}. Given up is what was written since on server {}: {}{}",
            tenant.slug,
            self.fleet().server_of(&tenant).await?,
            lost.at(),
            lost.server(),
            lost.known(),
            kept.unwrap_or_default()
        ));
        self.operation.state = OperationState::Failed;
        self.note().await?;
        Ok(())
    }
}

/// What was written after a switch, as far as it is known.
struct Lost(Json);

impl Lost {
    fn server(&self) -> &str {
        text(&self.0, "server").unwrap_or_default()
    }

    fn at(&self) -> &str {
        text(&self.0, "switched_at").unwrap_or("an instant that is not on record")
    }

    fn known(&self) -> String {
        let sealed = self.0.get("sealed_events_at_least").and_then(Json::as_u64).unwrap_or(0);
        let told = "the registry is told at most once a second, so there may be more";
        match sealed {
            0 => format!("nothing that the registry knows to be sealed ({told})"),
            1 => format!("at least 1 sealed event ({told})"),
            many => format!("at least {many} sealed events ({told})"),
        }
    }
}
