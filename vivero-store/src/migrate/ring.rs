//! One ring: its tenants at once, within limits.

use super::lease::Fence;
use super::probe::{Probe, Slower, Times};
use super::scribe::Scribe;
use super::site::{Site, Way};
use super::steps::{Failed, How, Steps, bring_up};
use crate::backend::Backend;
use crate::registry::TenantRow;
use crate::stamp;
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use vivero_core::migration::{
    Moment, RunOptions, Tally, TenantRun, TenantRunState, Watch, backoff, halt,
};
use vivero_core::tenant::{Slug, Tenant};
use vivero_core::{Error, Result};

/// What the workers of a run share.
pub(super) struct Shared<S: Site> {
    pub(super) site: Arc<S>,
    pub(super) options: RunOptions,
    pub(super) fence: Arc<Fence>,
    pub(super) scribe: Scribe,
    pub(super) watch: Arc<dyn Watch>,
    pub(super) servers: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// Of so many tenants of a ring it is measured how quick their lists are; of the canaries of all.
const MEASURED: usize = 4;

/// How a ring went.
#[derive(Debug, Default)]
pub(super) struct Ringed {
    pub(super) tally: Tally,
    /// Of the tenants that were measured, the list that got slower most.
    pub(super) slower: Option<Slower>,
}

/// How one tenant went.
#[derive(Default)]
struct Settled {
    done: bool,
    /// It was looked how quick its lists are. What was begun since cannot be measured as it was.
    looked: bool,
    before: Option<(Probe, Times)>,
    slower: Option<Slower>,
    /// How long that took to find out, which is none of its migration.
    measuring: Duration,
}

/// Migrates the tenants of a ring that are left, `tally` saying how it stands; begins no more of them once
/// the run must stop.
pub(super) async fn ring<S: Site>(
    shared: &Arc<Shared<S>>,
    number: u32,
    canary: bool,
    tally: Tally,
    members: Vec<Tenant>,
) -> Result<Ringed> {
    let mut ringed = Ringed { tally, ..Ringed::default() };
    // What is not known each asks for.
    let mut ways = shared.site.ways(&members).await.unwrap_or_default();
    let to_measure = match shared.options.slower {
        None => 0,
        Some(_) if canary => usize::MAX,
        Some(_) => MEASURED,
    };
    let mut members = members.into_iter();
    let mut begun = 0;
    let mut working: JoinSet<Result<Settled>> = JoinSet::new();
    loop {
        let free = working.len() < shared.options.parallel as usize;
        let may =
            shared.fence.check().is_ok() && halt(canary, ringed.tally, &shared.options).is_none();
        if let (true, Some(tenant)) = (free && may, members.as_slice().first().cloned()) {
            members.next();
            let shared = Arc::clone(shared);
            let way = ways.remove(&tenant.id);
            let measured = begun < to_measure;
            begun += 1;
            let migrating = async move { one(&shared, number, measured, tenant, way).await };
            working.spawn(S::Engine::apart(migrating));
            continue;
        }
        let Some(settled) = working.join_next().await else { break };
        let settled = settled.map_err(|e| Error::internal("migrating a tenant", e))??;
        ringed.tally.done += u64::from(settled.done);
        ringed.tally.failed += u64::from(!settled.done);
        let worst = ringed.slower.as_ref().map_or(0.0, |slower| slower.times);
        ringed.slower = settled.slower.filter(|slower| slower.times > worst).or(ringed.slower);
    }
    shared.fence.check()?;
    Ok(ringed)
}

async fn one<S: Site>(
    shared: &Shared<S>,
    ring: u32,
    measured: bool,
    tenant: Tenant,
    mut way: Option<Way>,
) -> Settled {
    let mut row = TenantRow {
        tenant: tenant.id,
        run: TenantRun {
            slug: tenant.slug.clone(),
            ring,
            state: TenantRunState::Running,
            step: None,
            error: None,
            attempts: 0,
            micros: 0,
        },
        reached: None,
    };
    let tell = |row: &TenantRow| {
        // Nobody listens once the run was overtaken.
        let _gone = shared.scribe.send(row.clone());
    };
    tell(&row);
    let mut settled = Settled::default();
    loop {
        row.run.attempts += 1;
        let start = Instant::now();
        settled.measuring = Duration::ZERO;
        let outcome = attempt(shared, measured, &tenant, way.take(), &mut settled).await;
        let took = start.elapsed().saturating_sub(settled.measuring);
        row.run.micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let Err(Failed { step, error }) = outcome else {
            row.run.state = TenantRunState::Done;
            (row.run.step, row.run.error) = (None, None);
            row.reached = Some(tenant.generation);
            settled.done = true;
            break;
        };
        if shared.fence.check().is_err() {
            // Not the tenant's failure: whoever overtook this run goes on with it.
            return settled;
        }
        let text = error.with_causes();
        (row.run.step, row.run.error) = (step, Some(text.clone()));
        let passing = matches!(error, Error::Unavailable { .. } | Error::Undone { .. });
        if !passing || row.run.attempts >= shared.options.attempts {
            row.run.state = TenantRunState::Failed;
            break;
        }
        tell(&row);
        shared.watch.again(&tenant.slug, row.run.attempts, &text);
        tokio::time::sleep(backoff(row.run.attempts)).await;
    }
    tell(&row);
    shared.watch.settled(&tenant.slug, row.run.error.as_deref());
    settled
}

struct Stepping<'a> {
    fence: &'a Fence,
    watch: &'a dyn Watch,
    slug: &'a Slug,
}

#[async_trait]
impl Steps for Stepping<'_> {
    fn token(&self) -> u64 {
        self.fence.token()
    }
    async fn at(&self, moment: Moment, step: u32) -> Result<()> {
        self.fence.check()?;
        self.watch.at(self.slug, moment, step).await
    }
}

async fn attempt<S: Site>(
    shared: &Shared<S>,
    measured: bool,
    tenant: &Tenant,
    way: Option<Way>,
    settled: &mut Settled,
) -> Result<(), Failed> {
    let limit = shared.options.per_server;
    let turns = if limit > 0 {
        let server = match &way {
            Some(way) => way.server.clone(),
            None => shared.site.place(tenant).await?,
        };
        let mut servers = shared.servers.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Semaphore::new(limit as usize));
        Some(Arc::clone(servers.entry(server).or_insert_with(new)))
    } else {
        None
    };
    let _turn = match &turns {
        Some(turns) => turns.acquire().await.ok(),
        None => None,
    };
    let (readers, writer) = shared.site.connect(tenant, way).await?;
    let migrated = async {
        let steps = Stepping { fence: &shared.fence, watch: &*shared.watch, slug: &tenant.slug };
        let how = How {
            steps: &steps,
            each: true,
            lock_wait: Some(shared.options.lock_wait),
            stamp: Some(tenant),
            clock: &*shared.site.keeper().clock,
        };
        if measured && !settled.looked {
            settled.looked = true;
            let mut connection = <S::Engine as Backend>::acquire(&readers).await?;
            stamp::check::<S::Engine>(&mut connection, tenant).await?;
            drop(connection);
            let begun = Instant::now();
            settled.before = measure(shared, &readers, tenant).await;
            settled.measuring += begun.elapsed();
        }
        bring_up::<S::Engine>(&writer, tenant.id, shared.site.target(), &how).await?;
        if let Some((probe, before)) = &settled.before {
            let begun = Instant::now();
            match probe.slower::<S::Engine>(&readers, before, &shared.options).await {
                Ok(slower) => settled.slower = slower,
                Err(e) => not_measured(tenant, &e),
            }
            settled.measuring += begun.elapsed();
        }
        Ok(())
    };
    let outcome = migrated.await;
    <S::Engine as Backend>::close(&readers).await;
    <S::Engine as Backend>::close(&writer).await;
    outcome
}

/// How quick a tenant's lists are. That it cannot be told keeps nobody from being migrated: that may be what mends it.
async fn measure<S: Site>(
    shared: &Shared<S>,
    readers: &<S::Engine as Backend>::Pool,
    tenant: &Tenant,
) -> Option<(Probe, Times)> {
    let measured = async {
        let probe = Probe::new::<S::Engine>(readers, &shared.site.target().schemas).await?;
        let times = probe.run::<S::Engine>(readers).await?;
        Ok((probe, times))
    };
    measured.await.inspect_err(|e| not_measured(tenant, e)).ok()
}

fn not_measured(tenant: &Tenant, error: &Error) {
    tracing::warn!(tenant = %tenant.slug, error = error.with_causes(), "how quick its lists are is not measured");
}
