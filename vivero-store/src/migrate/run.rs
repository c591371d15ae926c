//! A run over a fleet: the rings it goes through, where it stops.

use super::lease::{Fence, LEASE, renew, take_lease};
use super::plan::{asked, refuse_edited};
use super::probe::Slower;
use super::ring::{Shared, ring};
use super::scribe;
use super::site::Site;
use super::steps::overtaken;
use crate::registry::{RunRow, TenantRow};
use crate::system::SystemIds;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use uuid::Uuid;
use vivero_core::ids::TenantId;
use vivero_core::migration::{
    Canary, Run, RunOptions, RunState, Tally, TenantRun, TenantRunState, Watch, halt, rings,
};
use vivero_core::tenant::Tenant;
use vivero_core::{Error, IdSource as _, Result, Slug};

/// See [`vivero_core::migration::Migrator::up`].
pub(crate) async fn up<S: Site>(
    site: Arc<S>,
    options: RunOptions,
    watch: Arc<dyn Watch>,
) -> Result<Run> {
    options.check()?;
    let fence = take_lease(&site).await?;
    let begun = async {
        refuse_edited(&*site, true).await?;
        let named: &[String] = if let Canary::Named(names) = &options.canary { names } else { &[] };
        let target = site.target().fingerprint.all();
        let behind: Vec<Tenant> = asked(&*site, &options.only, named)
            .await?
            .into_iter()
            .filter(|s| s.fingerprint.as_deref() != Some(target.as_str()))
            .map(|s| s.tenant)
            .collect();
        let slugs: Vec<Slug> = behind.iter().map(|t| t.slug.clone()).collect();
        let rings = rings(&slugs, &options);
        let now = site.keeper().clock.now();
        let run = RunRow {
            id: SystemIds::default().id(now),
            target,
            state: RunState::Running,
            reason: None,
            ring: 0,
            rings: u32::try_from(rings.len()).unwrap_or(u32::MAX),
            operator: options.operator.clone(),
            options: options.clone(),
            token: fence.token(),
            started_at: now,
            finished_at: None,
        };
        let mut rows = Vec::with_capacity(behind.len());
        let mut turns = Vec::with_capacity(rings.len());
        for (number, ring) in (1..).zip(&rings) {
            let members: Vec<Tenant> = ring.members.iter().map(|i| behind[*i].clone()).collect();
            rows.extend(members.iter().map(|tenant| pending(tenant, number)));
            let tally = Tally { tenants: members.len() as u64, ..Tally::default() };
            turns.push(Turn { number, canary: ring.canary, tally, members });
        }
        site.keeper().registry.begin_run(&run, &rows).await?;
        Ok((run, turns))
    };
    let outcome = match begun.await {
        Ok((run, turns)) => go(&site, &fence, run, turns, watch).await,
        Err(e) => Err(e),
    };
    end(&site, &fence, outcome).await
}

/// What is to be done of a ring.
struct Turn {
    number: u32,
    canary: bool,
    /// How the ring stands before.
    tally: Tally,
    members: Vec<Tenant>,
}

fn pending(tenant: &Tenant, ring: u32) -> TenantRow {
    TenantRow {
        tenant: tenant.id,
        run: TenantRun {
            slug: tenant.slug.clone(),
            ring,
            state: TenantRunState::Pending,
            step: None,
            error: None,
            attempts: 0,
            micros: 0,
        },
        reached: None,
    }
}

/// See [`vivero_core::migration::Migrator::retry`].
pub(crate) async fn retry<S: Site>(
    site: Arc<S>,
    id: Option<Uuid>,
    operator: &str,
    watch: Arc<dyn Watch>,
) -> Result<Run> {
    RunOptions { operator: operator.to_owned(), ..RunOptions::default() }.check()?;
    let fence = take_lease(&site).await?;
    let begun = async {
        refuse_edited(&*site, true).await?;
        let registry = &site.keeper().registry;
        let run = registry.run_rows(id, 1).await?.into_iter().next();
        let mut run = run.ok_or_else(|| Error::not_found("migration_run"))?;
        if run.target != site.target().fingerprint.all() {
            return Err(Error::Illegal {
                code: "migrations_other_version",
                message: format!(
                    "run {} was begun by another version of this program; begin a new one with `vivero migrate up`",
                    run.id
                ),
            });
        }
        let rows = registry.tenant_rows(run.id, None).await?;
        let standings = registry.standings().await?;
        let there: HashMap<TenantId, Tenant> =
            standings.into_iter().map(|s| (s.tenant.id, s.tenant)).collect();
        let turns = left(&run, &rows, &there);
        run.state = RunState::Running;
        run.operator = operator.to_owned();
        run.token = fence.token();
        run.reason = None;
        run.finished_at = None;
        if !registry.note_run(&run).await? {
            return Err(overtaken());
        }
        Ok((run, turns))
    };
    let outcome = match begun.await {
        Ok((run, turns)) => go(&site, &fence, run, turns, watch).await,
        Err(e) => Err(e),
    };
    end(&site, &fence, outcome).await
}

/// What is left of a run, ring by ring: whatever is not done. A tenant that is no longer there is left out.
fn left(run: &RunRow, rows: &[TenantRow], there: &HashMap<TenantId, Tenant>) -> Vec<Turn> {
    let mut turns: BTreeMap<u32, Turn> = BTreeMap::new();
    for row in rows {
        let number = row.run.ring;
        let new = || Turn { number, canary: false, tally: Tally::default(), members: Vec::new() };
        let turn = turns.entry(number).or_insert_with(new);
        // The canaries are the first ring, if there are any.
        turn.canary |= number == 1
            && match &run.options.canary {
                Canary::Count(canaries) => *canaries > 0,
                Canary::Percent(_) => true,
                Canary::Named(names) => names.iter().any(|name| name == row.run.slug.as_str()),
            };
        turn.tally.tenants += 1;
        match there.get(&row.tenant) {
            _ if row.run.state == TenantRunState::Done => turn.tally.done += 1,
            Some(tenant) => turn.members.push(tenant.clone()),
            None => {}
        }
    }
    turns.into_values().filter(|turn| !turn.members.is_empty()).collect()
}

/// Gives the lease back, whatever came of the run.
async fn end<S: Site>(site: &Arc<S>, fence: &Fence, outcome: Result<RunRow>) -> Result<Run> {
    let keeper = site.keeper();
    site.rest();
    let outcome = match outcome {
        Err(e) if fence.check().is_err() => Err(fence.why(&keeper.registry, e).await),
        outcome => outcome,
    };
    let released = keeper.registry.release_lease(&fence.lease()).await;
    let run = outcome.map_err(stopped)?;
    released?;
    told(&**site, run).await
}

/// Says of a run that cannot go on because the registry is away what to do.
fn stopped(error: Error) -> Error {
    match error {
        Error::Unavailable { what, retry_after, source } => {
            let what = format!(
                "{what} (while running migrations: what is done stays done; `vivero migrate retry` goes on)"
            );
            Error::Unavailable { what: what.into(), retry_after, source }
        }
        other => other,
    }
}

/// Goes through the rings.
async fn go<S: Site>(
    site: &Arc<S>,
    fence: &Arc<Fence>,
    mut run: RunRow,
    turns: Vec<Turn>,
    watch: Arc<dyn Watch>,
) -> Result<RunRow> {
    watch.begun(run.id);
    let (scribe, told) = mpsc::unbounded_channel();
    let mut beside: JoinSet<Result<()>> = JoinSet::new();
    let mut renewing: JoinSet<()> = JoinSet::new();
    renewing.spawn(renew(Arc::clone(site), Arc::clone(fence)));
    beside.spawn(scribe::write(Arc::clone(site), run.clone(), Arc::clone(fence), told));
    let shared = Arc::new(Shared {
        site: Arc::clone(site),
        options: run.options.clone(),
        fence: Arc::clone(fence),
        scribe,
        watch: Arc::clone(&watch),
        servers: Mutex::default(),
    });
    let registry = &site.keeper().registry;
    let mut reason = None;
    let last = turns.len();
    for (i, turn) in (1..).zip(turns) {
        let Turn { number, canary, tally, members } = turn;
        run.ring = number;
        if !registry.note_run(&run).await? {
            return Err(overtaken());
        }
        watch.ring(number, run.rings, members.len() as u64);
        let ringed = ring(&shared, number, canary, tally, members).await?;
        reason = halt(canary, ringed.tally, &run.options)
            .or_else(|| ringed.slower.map(|slower| too_slow(canary, &slower)));
        if reason.is_some() {
            break;
        }
        if i < last {
            pause(fence, run.options.pause).await?;
        }
    }
    // The last of what there is to tell is told when nobody can tell any more.
    drop(shared);
    while let Some(written) = beside.join_next().await {
        written.map_err(|e| Error::internal("noting how tenants stand", e))??;
    }
    let tally = registry.tally(run.id).await?;
    run.state = if tally.pending > 0 {
        RunState::Halted
    } else if tally.failed + tally.running > 0 {
        RunState::Failed
    } else {
        RunState::Done
    };
    // A rule that stopped nothing, because nothing was left, is still worth telling.
    run.reason = reason;
    run.finished_at = Some(site.keeper().clock.now());
    fence.check()?;
    if !registry.note_run(&run).await? {
        return Err(overtaken());
    }
    Ok(run)
}

fn too_slow(canary: bool, slower: &Slower) -> String {
    let whose = if canary { "the canaries" } else { "the ring's first tenants" };
    format!("lists of {whose} take longer than before: {}", slower.what)
}

/// Waits between two rings; a run that was overtaken does not wait for the end.
async fn pause(fence: &Fence, seconds: u32) -> Result<()> {
    for _ in 0..seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        fence.check()?;
    }
    Ok(())
}

/// A run with the numbers of its tenants.
async fn told<S: Site>(site: &S, row: RunRow) -> Result<Run> {
    let keeper = site.keeper();
    let tally = keeper.registry.tally(row.id).await?;
    let cut_off = row.state == RunState::Running && {
        let leases = keeper.registry.leases(LEASE).await?;
        let now = keeper.clock.now();
        !leases.iter().any(|l| l.name == LEASE && l.token == row.token && l.until > now)
    };
    let goes_on = row.state == RunState::Running && !cut_off;
    Ok(Run {
        id: row.id,
        target: row.target,
        state: row.state,
        cut_off,
        reason: row.reason,
        ring: row.ring,
        rings: row.rings,
        tenants: tally.pending + tally.running + tally.done + tally.failed,
        pending: tally.pending,
        running: tally.running,
        done: tally.done,
        failed: tally.failed,
        eta_seconds: (goes_on && tally.done > 0).then(|| {
            let left = tally.pending + tally.running;
            let at_once = u64::from(row.options.parallel.max(1));
            let pauses = u64::from(row.rings.saturating_sub(row.ring) * row.options.pause);
            (left * tally.micros).div_ceil(at_once * 1_000_000) + pauses
        }),
        operator: row.operator,
        started_at: row.started_at,
        finished_at: row.finished_at,
        options: row.options,
    })
}

/// See [`vivero_core::migration::Migrator::runs`].
pub(crate) async fn runs<S: Site>(site: &S, limit: u32) -> Result<Vec<Run>> {
    let mut all = Vec::new();
    for row in site.keeper().registry.run_rows(None, limit.clamp(1, 200)).await? {
        all.push(told(site, row).await?);
    }
    Ok(all)
}

/// See [`vivero_core::migration::Migrator::run`].
pub(crate) async fn run<S: Site>(site: &S, id: Uuid) -> Result<Option<Run>> {
    match site.keeper().registry.run_rows(Some(id), 1).await?.into_iter().next() {
        Some(row) => told(site, row).await.map(Some),
        None => Ok(None),
    }
}

/// See [`vivero_core::migration::Migrator::tenants`].
pub(crate) async fn tenants<S: Site>(
    site: &S,
    run: Uuid,
    state: Option<TenantRunState>,
) -> Result<Vec<TenantRun>> {
    let rows = site.keeper().registry.tenant_rows(run, state).await?;
    Ok(rows.into_iter().map(|row| row.run).collect())
}
