//! Several processes serving one installation: who they are, and what one of them does for all.

use super::Vivero;
use crate::error::Result;
use crate::port::Lease;
use crate::tenant::{Standing, Tenant};
use chrono::TimeDelta;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// How often a serving process should [check in](Vivero::check_in).
pub const CHECK_IN_EVERY: Duration = Duration::from_secs(5);
/// How long a process that ended without a word counts as serving.
const SERVING_FOR: TimeDelta = TimeDelta::seconds(15);
/// How long the one who does the upkeep has it, from each time it shows up.
const UPKEEP_FOR: TimeDelta = TimeDelta::seconds(60);
/// Most nodes of one installation.
const NODES: usize = 1_000;
/// How long answers under idempotency keys are kept.
const ANSWERS_FOR: TimeDelta = TimeDelta::days(3);
/// Time between two rounds of forgetting answers.
const FORGET_EVERY: TimeDelta = TimeDelta::days(1);
/// Tenants looked at in one go.
const TENANTS_AT_ONCE: u32 = 100;

/// Names of the leases.
const NODE: &str = "node/";
const UPKEEP: &str = "upkeep";
const FORGETTING: &str = "forgetting";

/// This process among those of the installation.
#[derive(Debug)]
pub(super) struct Node {
    /// What it calls itself in leases.
    pub(super) id: Uuid,
    serving: Mutex<Option<Lease>>,
    upkeep: Mutex<Option<Lease>>,
    /// When answers are to be forgotten next.
    forgetting: Mutex<Option<Lease>>,
}

/// What one round of upkeep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// Half-made tenants that were finished.
    pub finished: u64,
    /// Half-made tenants that were undone.
    pub undone: u64,
    /// Answers under idempotency keys that were forgotten.
    pub forgotten: u64,
}

impl Node {
    pub(super) fn new(id: Uuid) -> Self {
        Self {
            id,
            serving: Mutex::default(),
            upkeep: Mutex::default(),
            forgetting: Mutex::default(),
        }
    }
}

fn held(lease: &Mutex<Option<Lease>>) -> Option<Lease> {
    lease.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn hold(lease: &Mutex<Option<Lease>>, now: Option<Lease>) {
    *lease.lock().unwrap_or_else(PoisonError::into_inner) = now;
}

impl Vivero {
    /// Says that this process serves, to be said again every [`CHECK_IN_EVERY`]: `vivero_server::serve` does
    /// so, who serves in another way has to. Does nothing on a storage that one process alone serves.
    pub async fn check_in(&self) -> Result<()> {
        if !self.fleet().serves_many() {
            return Ok(());
        }
        let node = &self.inner.node;
        let (now, until) = (self.now(), self.now() + SERVING_FOR);
        if let Some(lease) = held(&node.serving)
            && let Some(lease) = self.fleet().renew_lease(&lease, until).await?
        {
            hold(&node.serving, Some(lease));
            return Ok(());
        }
        // Numbers that came free are taken again, so that the rows of leases do not grow without end.
        for number in 1..=NODES {
            let name = format!("{NODE}{number}");
            if let Some(lease) = self.fleet().take_lease(&name, node.id, now, until).await? {
                hold(&node.serving, Some(lease));
                return Ok(());
            }
        }
        Ok(())
    }

    /// The processes that serve now: those that checked in and have neither checked out nor gone silent.
    pub async fn nodes(&self) -> Result<Vec<Lease>> {
        let now = self.now();
        let leases = self.fleet().leases(NODE).await?;
        Ok(leases.into_iter().filter(|lease| lease.until > now).collect())
    }

    /// Whether another process serves this installation.
    pub async fn is_served_by_others(&self) -> Result<bool> {
        let me = self.inner.node.id;
        Ok(self.nodes().await?.iter().any(|node| node.holder != me))
    }

    /// Says that this process serves no more, and gives its leases back.
    pub async fn check_out(&self) -> Result<()> {
        let node = &self.inner.node;
        for lease in [&node.serving, &node.upkeep] {
            if let Some(held) = held(lease) {
                hold(lease, None);
                self.fleet().release_lease(&held).await?;
            }
        }
        Ok(())
    }

    /// One round of what one process does for all: finishing or undoing what a process that died left
    /// half-made, forgetting old answers to idempotent requests. `None` if another process does it. To be
    /// called about every [`CHECK_IN_EVERY`]; most rounds find nothing to do.
    pub async fn upkeep(&self) -> Result<Option<Upkeep>> {
        if !self.lead().await? {
            return Ok(None);
        }
        let mut done = Upkeep::default();
        // While others serve, what looks half-made is most often their work of this moment; what is not is
        // found by whichever process starts next.
        if self.fleet().serves_many() && !self.is_served_by_others().await? {
            (done.finished, done.undone) = self.tenants().recover_provisioning().await?;
        }
        if self.is_time_to_forget().await? {
            let Some(forgotten) = self.forget_answers().await? else { return Ok(None) };
            done.forgotten = forgotten;
        }
        Ok(Some(done))
    }

    /// Whether a day has passed since answers were last forgotten, by whichever process. The lease is a note
    /// of it that outlives processes, and is not given back.
    async fn is_time_to_forget(&self) -> Result<bool> {
        let node = &self.inner.node;
        let now = self.now();
        let looked = held(&node.forgetting);
        if looked.is_some_and(|lease| now < lease.until) {
            return Ok(false);
        }
        let until = now + FORGET_EVERY;
        let taken = self.fleet().take_lease(FORGETTING, node.id, now, until).await?;
        let mine = taken.is_some();
        let noted = match taken {
            Some(lease) => Some(lease),
            None => self.fleet().leases(FORGETTING).await?.into_iter().next(),
        };
        hold(&node.forgetting, noted);
        Ok(mine)
    }

    /// Whether the upkeep is this process's, now and for a while.
    async fn lead(&self) -> Result<bool> {
        if !self.fleet().serves_many() {
            return Ok(true);
        }
        let node = &self.inner.node;
        let (now, until) = (self.now(), self.now() + UPKEEP_FOR);
        let lease = match held(&node.upkeep) {
            Some(lease) => self.fleet().renew_lease(&lease, until).await?,
            None => self.fleet().take_lease(UPKEEP, node.id, now, until).await?,
        };
        let leads = lease.is_some();
        hold(&node.upkeep, lease);
        Ok(leads)
    }

    /// Forgets old answers of all tenants; `None` if another process took over meanwhile.
    async fn forget_answers(&self) -> Result<Option<u64>> {
        let mut forgotten = 0;
        let mut after: Option<String> = None;
        loop {
            if !self.lead().await? {
                return Ok(None);
            }
            let tenants = self.fleet().list(after.as_deref(), TENANTS_AT_ONCE).await?;
            let Some(last) = tenants.last() else { return Ok(Some(forgotten)) };
            after = Some(last.slug.to_string());
            for tenant in tenants {
                match self.forget_answers_of(&tenant).await {
                    Ok(number) => forgotten += number,
                    Err(error) => {
                        tracing::warn!(tenant = %tenant.slug, %error, "forgetting old answers failed");
                    }
                }
            }
        }
    }

    async fn forget_answers_of(&self, tenant: &Tenant) -> Result<u64> {
        if matches!(tenant.standing(self.now()), Standing::Blocked(_)) {
            return Ok(0);
        }
        self.open(tenant).await?.forget(self.now() - ANSWERS_FOR).await
    }
}
