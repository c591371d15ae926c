//! Turning back a move to another server that is lost after the tenant was switched to it.
//!
//! The database before is whole, fenced, and as it was at the switch; what was written since is on the lost server
//! only. So nobody turns back but an operator who knows that, and what is on that server is kept
//! ([`vivero_core::moves::Moves::turn_back`]). Cut off before the registry's transaction nothing has changed; after
//! it the tenant is where it was, and whoever goes on lifts the fence and ends the operation.
//!
//! The database before is looked at by the administrator and not opened: opening it brings its tables up to date, which
//! a fenced one refuses, or refuses it for the version of its tables. What cannot be turned back is given up, see
//! `giving_up.rs`.

use super::giving_up::GIVES_UP;
use super::run::{Run, Step, describe};
use super::{illegal, text};
use serde_json::{Value as Json, json};
use std::time::Duration;
use vivero_core::journal::Anchor;
use vivero_core::moves::Reach;
use vivero_core::operations::{Consent, OperationKind as Kind, TenantChange};
use vivero_core::server::{ServerFinding, Verdict};
use vivero_core::tenant::Tenant;
use vivero_core::{Error, Result};

/// That an operator has said so, on record from the moment on when nothing but the registry's change is left.
pub(super) const TURNS_BACK: &str = "turn_back";
/// What is given up, on record before the anchor that tells is gone.
pub(super) const GIVEN_UP: &str = "given_up";
/// A server is asked so often, with a pause between, before it counts as one that does not answer.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// Who has an operation ended, and what was said to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// An operator, now, with consent to as much.
    Now(Consent),
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
    /// There is consent, and neither database is to be used: the tenant stays where it is.
    GiveUp,
    /// That is done, but for the operation's end.
    GivenUp,
}

/// How the database before stands.
pub(super) enum Before {
    Whole,
    /// And why.
    Unusable(String),
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
        let on_record = |what| self.operation.result.get(what) == Some(&Json::Bool(true));
        let (turns_back, gives_up) = (on_record(TURNS_BACK), on_record(GIVES_UP));
        if turns_back && self.number("previous_generation") == Some(tenant.generation) {
            return Ok(Switched::Turned);
        }
        if !self.is_switched().await? {
            return Ok(Switched::Whole);
        }
        if self.before_elsewhere(&tenant).await?.is_none() {
            return Ok(if gives_up { Switched::GivenUp } else { Switched::Whole });
        }
        let mut tries = 1;
        let silent = loop {
            match self.has_head(&tenant).await {
                Ok(()) => {
                    // It is back after all: nothing is given up.
                    for what in [TURNS_BACK, GIVES_UP, GIVEN_UP] {
                        self.unset(what);
                    }
                    return Ok(Switched::Whole);
                }
                Err(error) if tries == TRIES => break error,
                Err(_) => tries += 1,
            }
            tokio::time::sleep(PAUSE).await;
        };
        match asked {
            Asked::Now(Consent::TurnBack) => {
                self.is_gone(&tenant, silent).await?;
                Ok(Switched::Turn)
            }
            Asked::Now(Consent::GiveUp) => {
                self.is_gone(&tenant, silent).await?;
                Ok(Switched::GiveUp)
            }
            _ if turns_back => Ok(Switched::Turn),
            _ if gives_up => Ok(Switched::GiveUp),
            Asked::Now(Consent::Nothing) => Err(self.needs_consent(&tenant, &silent).await?),
            // Its last step says what is wrong.
            Asked::Before => Ok(Switched::Whole),
        }
    }

    /// That more than a moment's lack of connections keeps a database of the tenant from answering, and not what can
    /// be mended while it is whole. Errors: what keeps it, where its server answers and is not out of service.
    pub(super) async fn is_gone(&self, tenant: &Tenant, silent: Error) -> Result<()> {
        let server = self.fleet().server_of(tenant).await?;
        if let Error::Unavailable { what, retry_after, source } = silent {
            if !self.answers(&server).await? {
                return Ok(());
            }
            let what = format!(
                "{what}: nothing is given up, as server {server} answers. If its data is gone, take it out of service \
                 first (`vivero server set {server} --state down`)"
            );
            return Err(Error::Unavailable { what: what.into(), retry_after, source });
        }
        match self.fleet().moves()?.reach(tenant, self.head()?).await {
            Ok(Reach::Exact | Reach::Beyond) => {
                let (slug, why) = (&tenant.slug, describe(&silent));
                let message = format!(
                    "the database of tenant {slug} on server {server} is whole, though it cannot be opened: {why}. \
                     Nothing is given up; mend that, and the operation goes on by itself"
                );
                Err(illegal("database_whole", message))
            }
            Ok(Reach::Short) => Ok(()),
            Err(error @ Error::Unavailable { .. }) => Err(error),
            Err(_) => Ok(()),
        }
    }

    /// Whether a server that is in service answers.
    async fn answers(&self, server: &str) -> Result<bool> {
        // The nodes of a cluster are looked at each by itself.
        let node = format!("{server} ");
        let answers = |finding: &ServerFinding| {
            (finding.server == server || finding.server.starts_with(&node))
                && finding.check == "connection"
                && finding.verdict == Verdict::Ok
        };
        Ok(self.fleet().examine().await?.iter().any(answers))
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

    /// What is known of what is lost. The anchor is the last sealed position the registry was told, at most once a second,
    /// and at the switch it was no further than the head.
    pub(super) async fn what_is_lost(&self, tenant: &Tenant) -> Result<Lost> {
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
        if let Before::Unusable(why) = self.look_at_before(&before).await? {
            return Err(self.cannot_turn_back(&tenant, &why).await?.into());
        }
        let lost = self.what_is_lost(&tenant).await?;
        self.unset(GIVES_UP);
        self.set(GIVEN_UP, lost.0);
        self.set(TURNS_BACK, Json::Bool(true));
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
        self.fleet().moves()?.turn_back(&self.operation, &tenant, &change).await?;
        self.all.announce().await;
        Ok(())
    }

    /// Whether the database before can be given back: it answers, and ends where the move says.
    pub(super) async fn look_at_before(&self, before: &Tenant) -> Result<Before> {
        let why = match self.fleet().moves()?.reach(before, self.head()?).await {
            Ok(Reach::Exact) => return Ok(Before::Whole),
            Ok(_) => "it does not end where the move was switched".to_owned(),
            Err(error @ Error::Unavailable { .. }) => {
                let server = self.fleet().server_of(before).await?;
                if self.answers(&server).await? {
                    return Err(error);
                }
                describe(&error)
            }
            Err(error) => describe(&error),
        };
        Ok(Before::Unusable(why))
    }

    async fn cannot_turn_back(&self, tenant: &Tenant, why: &str) -> Result<Error> {
        let from = text(&self.operation.result, "from").unwrap_or_default();
        let (id, to) = (self.operation.id, self.fleet().server_of(tenant).await?);
        let message = format!(
            "the database before, on server {from}, is not as it was at the switch, or cannot be reached: {why}. \
             Nothing was changed; ask again when that is mended, or bring server {to} back, where the tenant is. If \
             both databases are lost for good, `vivero operation end {id} --give-up` ends the operation and leaves \
             the tenant on {to}, to be restored from an archive"
        );
        Ok(illegal("database_before", message))
    }

    /// Lets people write to the database before, and ends the operation.
    pub(super) async fn end_turned(&mut self) -> Step<()> {
        self.hook("turn/fence").await?;
        let tenant = self.tenant().await?;
        self.fleet().moves()?.lift_fence(&tenant).await?;
        if let Some(generation) = self.number("generation") {
            self.fleet().retire(tenant.id, generation).await;
        }
        self.hook("turn/end").await?;
        let lost = Lost(self.operation.result.get(GIVEN_UP).cloned().unwrap_or_default());
        let message = format!(
            "turned back by an operator: tenant {} has the database on server {} again, as it was at the switch of \
             {}. Given up is what was written since on server {}: {}{}",
            tenant.slug,
            self.fleet().server_of(&tenant).await?,
            lost.at(),
            lost.server(),
            lost.known(),
            self.kept_words().await?
        );
        self.end_failed(message).await
    }
}

/// What was written after a switch, as far as it is known.
pub(super) struct Lost(pub(super) Json);

impl Lost {
    pub(super) fn server(&self) -> &str {
        text(&self.0, "server").unwrap_or_default()
    }

    pub(super) fn at(&self) -> &str {
        text(&self.0, "switched_at").unwrap_or("an instant that is not on record")
    }

    pub(super) fn known(&self) -> String {
        let sealed = self.0.get("sealed_events_at_least").and_then(Json::as_u64).unwrap_or(0);
        let told = "the registry is told at most once a second, so there may be more";
        match sealed {
            0 => format!("nothing that the registry knows to be sealed ({told})"),
            1 => format!("at least 1 sealed event ({told})"),
            many => format!("at least {many} sealed events ({told})"),
        }
    }
}
