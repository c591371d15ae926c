//! A run over a fleet: the lease it holds, the rings it goes through, where it stops.

use super::Target;
use super::ring::{Ringed, Shared, ring};
use super::scribe;
use super::site::Site;
use super::steps::{lacking, overtaken};
use crate::backend::Backend;
use crate::registry::{RunRow, Standing, TenantRow};
use crate::system::SystemIds;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use uuid::Uuid;
use vivero_core::migration::{
    Canary, Plan, PlanGroup, Ring, Run, RunOptions, RunState, TenantRun, TenantRunState, Watch,
    edited, halt, is_slower, percentile_95, rings,
};
use vivero_core::port::Lease;
use vivero_core::tenant::Tenant;
use vivero_core::{Clock, Error, IdSource as _, Result, Slug};

/// The right to migrate.
const LEASE: &str = "migrations";
/// How long it lasts after its holder was last heard of.
const LASTS: Duration = Duration::from_secs(10);
/// How often its holder is heard of.
const RENEW: Duration = Duration::from_secs(3);

/// The lease as the workers see it: nothing is begun without it.
#[derive(Debug)]
pub(super) struct Fence {
    lease: Mutex<Lease>,
    overtaken: AtomicBool,
    clock: Arc<dyn Clock>,
}

impl Fence {
    fn lease(&self) -> Lease {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    pub(super) fn token(&self) -> u64 {
        self.lease().token
    }
    pub(super) fn overtaken(&self) {
        self.overtaken.store(true, Ordering::Release);
    }
    pub(super) fn check(&self) -> Result<()> {
        let ended = self.lease().until <= self.clock.now();
        if ended || self.overtaken.load(Ordering::Acquire) { Err(overtaken()) } else { Ok(()) }
    }
}

fn later(now: DateTime<Utc>) -> DateTime<Utc> {
    now + chrono::Duration::from_std(LASTS).unwrap_or_default()
}

/// Holds the lease for as long as it runs.
async fn renew<S: Site>(site: Arc<S>, fence: Arc<Fence>) {
    let keeper = site.keeper();
    loop {
        tokio::time::sleep(RENEW).await;
        match keeper.registry.renew_lease(&fence.lease(), later(keeper.clock.now())).await {
            Ok(Some(lease)) => {
                *fence.lease.lock().unwrap_or_else(PoisonError::into_inner) = lease;
            }
            Ok(None) => return fence.overtaken(),
            Err(e) => tracing::warn!(error = %e, "prolonging the lease of migrations failed"),
        }
    }
}

async fn take_lease<S: Site>(site: &Arc<S>) -> Result<Arc<Fence>> {
    let keeper = site.keeper();
    let now = keeper.clock.now();
    let holder = SystemIds::default().id(now);
    let registry = &keeper.registry;
    if let Some(lease) = registry.take_lease(LEASE, holder, now, later(now)).await? {
        return Ok(Arc::new(Fence {
            lease: Mutex::new(lease),
            overtaken: AtomicBool::new(false),
            clock: Arc::clone(&keeper.clock),
        }));
    }
    let until = registry.leases(LEASE).await?.into_iter().next().map(|l| l.until);
    let running = registry.run_rows(None, 5).await?;
    let running = running.into_iter().find(|run| run.state == RunState::Running);
    let who = running.map_or_else(
        || "somebody is beginning a run".to_owned(),
        |run| {
            let since = run.started_at.format("%Y-%m-%d %H:%M:%S UTC");
            format!("{} has been migrating since {since} (run {})", run.operator, run.id)
        },
    );
    let until = until.map_or_else(String::new, |until| {
        format!("; if that process has died, its lease ends at {}", until.format("%H:%M:%S UTC"))
    });
    let message = format!("{who}{until}. `vivero migrate status` shows it");
    Err(Error::Illegal { code: "migrations_running", message })
}

fn checksums(target: &Target) -> Vec<(i64, String, String)> {
    let entry = |m: &vivero_core::migration::Migration| {
        (m.id(), m.name().to_owned(), m.checksum(target.engine))
    };
    target.migrations.iter().map(entry).collect()
}

/// The tenants that are asked for. Errors: a name that no tenant has.
async fn asked<S: Site>(site: &S, only: &[String], also: &[String]) -> Result<Vec<Standing>> {
    let all = site.keeper().registry.standings().await?;
    let known: HashSet<&str> = all.iter().map(|s| s.tenant.slug.as_str()).collect();
    if let Some(name) = only.iter().chain(also).find(|name| !known.contains(name.as_str())) {
        let message = format!("there is no active or suspended tenant {name}");
        return Err(Error::invalid("tenant", "exists", message));
    }
    let wanted: HashSet<&str> = only.iter().map(String::as_str).collect();
    let is_wanted = |s: &Standing| wanted.is_empty() || wanted.contains(s.tenant.slug.as_str());
    Ok(all.iter().filter(|s| is_wanted(s)).cloned().collect())
}

async fn refuse_edited<S: Site>(site: &S, register: bool) -> Result<()> {
    let keeper = site.keeper();
    let register = register.then(|| keeper.clock.now());
    match keeper.registry.edited_migration(&checksums(site.target()), register).await? {
        Some((id, name)) => Err(edited(id, &name, "this installation")),
        None => Ok(()),
    }
}

/// See [`vivero_core::migration::Migrator::plan`].
pub(crate) async fn plan<S: Site>(site: &S, only: &[Slug]) -> Result<Plan> {
    refuse_edited(site, false).await?;
    let target = site.target();
    let version = target.fingerprint.all();
    let only: Vec<String> = only.iter().map(ToString::to_string).collect();
    let mut up_to_date = 0;
    let mut groups: BTreeMap<Option<String>, Vec<Tenant>> = BTreeMap::new();
    for standing in asked(site, &only, &[]).await? {
        if standing.fingerprint.as_deref() == Some(version.as_str()) {
            up_to_date += 1;
        } else {
            groups.entry(standing.fingerprint).or_default().push(standing.tenant);
        }
    }
    let mut plan = Plan { target: version, up_to_date, groups: Vec::new() };
    for (fingerprint, tenants) in groups {
        let Some(first) = tenants.first() else { continue };
        let (readers, writer) = site.connect(first).await?;
        let looked = async {
            let mut connection = <S::Engine as Backend>::acquire(&readers).await?;
            super::steps::check_stamp::<S::Engine>(&mut connection, first).await?;
            let noted = <S::Engine as Backend>::noted(&mut connection, &target.fingerprint).await?;
            if noted.same {
                return Ok(Vec::new());
            }
            lacking::<S::Engine>(&mut connection, target, noted.same_tables, false)
                .await
                .map(|lacking| lacking.steps)
        };
        let steps = looked.await;
        <S::Engine as Backend>::close(&readers).await;
        <S::Engine as Backend>::close(&writer).await;
        let slugs = tenants.iter().map(|t| t.slug.clone()).collect();
        plan.groups.push(PlanGroup { fingerprint, tenants: slugs, steps: steps? });
    }
    Ok(plan)
}

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
        for (number, ring) in (1..).zip(&rings) {
            rows.extend(ring.members.iter().map(|i| pending(&behind[*i], number)));
        }
        site.keeper().registry.begin_run(&run, &rows).await?;
        Ok((run, rings, behind))
    };
    let outcome = match begun.await {
        Ok((run, rings, behind)) => go(&site, &fence, run, rings, behind, watch).await,
        Err(e) => Err(e),
    };
    end(&site, &fence, outcome).await
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
        let again = |row: &TenantRow| {
            matches!(row.run.state, TenantRunState::Failed | TenantRunState::Running)
        };
        let rows = registry.tenant_rows(run.id, None).await?;
        let wanted: HashSet<_> = rows.iter().filter(|r| again(r)).map(|r| r.tenant).collect();
        let tenants: Vec<Tenant> = registry
            .standings()
            .await?
            .into_iter()
            .map(|s| s.tenant)
            .filter(|t| wanted.contains(&t.id))
            .collect();
        run.state = RunState::Running;
        run.operator = operator.to_owned();
        run.options.only.clear();
        run.token = fence.token();
        run.finished_at = None;
        if !registry.note_run(&run).await? {
            return Err(overtaken());
        }
        let members = (0..tenants.len()).collect();
        Ok((run, vec![Ring { canary: false, members }], tenants))
    };
    let outcome = match begun.await {
        Ok((run, rings, tenants)) => go(&site, &fence, run, rings, tenants, watch).await,
        Err(e) => Err(e),
    };
    end(&site, &fence, outcome).await
}

/// Gives the lease back, whatever came of the run.
async fn end<S: Site>(site: &Arc<S>, fence: &Fence, outcome: Result<RunRow>) -> Result<Run> {
    let keeper = site.keeper();
    let released = keeper.registry.release_lease(&fence.lease()).await;
    let run = outcome?;
    released?;
    told(&**site, run).await
}

/// Goes through the rings.
async fn go<S: Site>(
    site: &Arc<S>,
    fence: &Arc<Fence>,
    mut run: RunRow,
    rings: Vec<Ring>,
    tenants: Vec<Tenant>,
    watch: Arc<dyn Watch>,
) -> Result<RunRow> {
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
    let retried = run.ring > 0;
    let mut reason = None;
    let number_of_rings = u32::try_from(rings.len()).unwrap_or(u32::MAX);
    for (number, ring_of) in (1..).zip(&rings) {
        let members: Vec<Tenant> = ring_of.members.iter().map(|i| tenants[*i].clone()).collect();
        if !retried {
            run.ring = number;
            if !registry.note_run(&run).await? {
                return Err(overtaken());
            }
        }
        watch.ring(number, number_of_rings, members.len() as u64);
        let shown = if retried { run.ring } else { number };
        let ringed = ring(&shared, shown, ring_of.canary, members).await?;
        reason = halt(ring_of.canary, ringed.tally, &run.options)
            .or_else(|| slower(ring_of.canary, ringed, &run.options));
        if reason.is_some() {
            break;
        }
        if number < number_of_rings {
            pause(fence, run.options.pause).await?;
        }
    }
    // The last of what there is to tell is told when nobody can tell any more.
    drop(shared);
    while let Some(written) = beside.join_next().await {
        written.map_err(|e| Error::internal("noting how tenants stand", e))??;
    }
    let tally = registry.tally(run.id).await?;
    let number = |state| tally.get(&state).copied().unwrap_or(0);
    run.state = if number(TenantRunState::Pending) > 0 {
        RunState::Halted
    } else if number(TenantRunState::Failed) + number(TenantRunState::Running) > 0 {
        RunState::Failed
    } else {
        RunState::Done
    };
    // A rule that stopped nothing, because nothing was left, is still worth telling.
    run.reason = if run.state == RunState::Done && retried { None } else { reason };
    run.finished_at = Some(site.keeper().clock.now());
    fence.check()?;
    if !registry.note_run(&run).await? {
        return Err(overtaken());
    }
    Ok(run)
}

/// Why the canaries' lists stop the run, if they do.
fn slower(canary: bool, mut ringed: Ringed, options: &RunOptions) -> Option<String> {
    if !canary {
        return None;
    }
    let before = percentile_95(&mut ringed.before);
    let after = percentile_95(&mut ringed.after);
    is_slower(before, after, options).then(|| {
        format!(
            "lists of the canaries take {:.2} ms (95 of a hundred), before it was {:.2} ms",
            after.as_secs_f64() * 1e3,
            before.as_secs_f64() * 1e3
        )
    })
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
    let tally: HashMap<TenantRunState, u64> = keeper.registry.tally(row.id).await?;
    let number = |state| tally.get(&state).copied().unwrap_or(0);
    let cut_off = row.state == RunState::Running && {
        let leases = keeper.registry.leases(LEASE).await?;
        let now = keeper.clock.now();
        !leases.iter().any(|l| l.name == LEASE && l.token == row.token && l.until > now)
    };
    Ok(Run {
        id: row.id,
        target: row.target,
        state: row.state,
        cut_off,
        reason: row.reason,
        ring: row.ring,
        rings: row.rings,
        tenants: tally.values().sum(),
        done: number(TenantRunState::Done),
        failed: number(TenantRunState::Failed),
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
