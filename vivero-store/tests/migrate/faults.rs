//! What may go wrong in a run: it ends at any instant, tenants fail, others run too.

use crate::place::{Place, migrator, tenants};
use crate::versions::{ONE, TWO, beds, options, slug};
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;
use vivero_core::migration::{
    Canary, Moment, Quiet, Run, RunOptions, RunState, TenantRunState, Watch,
};
use vivero_core::{Error, Result, Slug};

crate::on_both_engines! {
    a_run_that_ends_at_any_instant_is_finished_by_the_next
    a_failing_tenant_is_named_with_its_step_and_others_are_not_concerned
    a_failing_canary_stops_the_run
    a_second_operator_is_told_who_is_at_it_and_since_when
    a_run_that_was_overtaken_stops
    another_tenants_database_is_not_touched
}

/// Ends a run, as a killed process does, at its `at`th instant: nothing after it happens.
struct Ending {
    at: usize,
    seen: AtomicUsize,
    reached: Notify,
    go_on: Notify,
}

impl Ending {
    fn new(at: usize) -> Arc<Self> {
        let (reached, go_on) = (Notify::new(), Notify::new());
        Arc::new(Self { at, seen: AtomicUsize::new(0), reached, go_on })
    }
}

#[async_trait]
impl Watch for Ending {
    async fn at(&self, _: &Slug, _: Moment, _: u32) -> Result<()> {
        if self.seen.fetch_add(1, Ordering::SeqCst) == self.at {
            self.reached.notify_one();
            self.go_on.notified().await;
        }
        Ok(())
    }
}

/// Runs until the instant; `Some` if the run was over before.
async fn up_to(
    place: &Place,
    fleet: &Arc<dyn vivero_core::port::Fleet>,
    options: RunOptions,
    at: usize,
) -> Option<Run> {
    let ending = Ending::new(at);
    let watch: Arc<dyn Watch> = ending.clone();
    let mut running = tokio::spawn(migrator(fleet).up(options, watch));
    let ended = tokio::select! {
        run = &mut running => Some(run.expect("no panic").expect("a run")),
        () = ending.reached.notified() => None,
    };
    running.abort();
    if ended.is_none() {
        assert!(running.await.is_err_and(|e| e.is_cancelled()));
        let run = migrator(fleet).runs(1).await.expect("runs").remove(0);
        assert_eq!(run.state, RunState::Running);
        place.let_leases_end();
        let run = migrator(fleet).runs(1).await.expect("runs").remove(0);
        assert!(run.cut_off, "it shows that it was cut off");
    }
    ended
}

async fn a_run_that_ends_at_any_instant_is_finished_by_the_next(place: Place) {
    const MOST: usize = 40;
    let old = place.open(ONE, &[], true).await;
    let mut made = 0;
    let migrations = [beds(1)];
    let new = place.open(TWO, &migrations, false).await;
    let mut ends = 0;
    for at in 0..MOST {
        let tenant = crate::versions::provision(&old, at).await;
        made += 1;
        let only = RunOptions { only: vec![slug(at).to_string()], ..options() };
        let over = up_to(&place, &new, only.clone(), at).await;
        if over.is_some() {
            break;
        }
        ends += 1;
        let run = if at % 2 == 0 {
            migrator(&new).up(only.clone(), Arc::new(Quiet)).await
        } else {
            migrator(&new).retry(None, "bob", Arc::new(Quiet)).await
        };
        let run = run.expect("the next run");
        assert_eq!((run.state, run.failed), (RunState::Done, 0), "ended at instant {at}");
        let drift = migrator(&new).verify(&[slug(at)], 1, Arc::new(Quiet)).await;
        let drift = drift.expect("a look").remove(0);
        assert!(drift.ok, "ended at instant {at}: {drift:?}");
        let open = "SELECT count(*) FROM schema_steps WHERE state <> 'finished'";
        assert_eq!(place.number(&tenant, open).await, 0, "ended at instant {at}");
        let untimed = "SELECT count(*) FROM schema_steps WHERE migration = 1 AND (started_at IS NULL OR finished_at IS NULL)";
        assert_eq!(place.number(&tenant, untimed).await, 0, "ended at instant {at}");
        let own = "SELECT count(*) FROM schema_steps WHERE migration = 1";
        assert_eq!(place.number(&tenant, own).await, 3, "each step once, ended at instant {at}");
    }
    assert!(ends > 10 && made < MOST, "{ends} instants, of at least five steps");
    assert_eq!(migrator(&new).plan(&[]).await.expect("a plan").groups, []);
    old.close().await;
    new.close().await;
}

async fn a_failing_tenant_is_named_with_its_step_and_others_are_not_concerned(place: Place) {
    let old = place.open(ONE, &[], true).await;
    let all = tenants(&old, 4).await;
    old.close().await;
    // A table in the way, without the column the third step makes an index of.
    place.raw(&all[2], "CREATE TABLE beds_1 (n BIGINT PRIMARY KEY)").await;
    let new = place.open(ONE, &[beds(1)], false).await;
    let lenient = RunOptions { canary: Canary::Count(0), waves: vec![], ..options() };
    let run = migrator(&new).up(lenient, Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.state, run.done, run.failed), (RunState::Failed, 3, 1), "{run:?}");
    let failed = migrator(&new).tenants(run.id, Some(TenantRunState::Failed)).await;
    let failed = failed.expect("tenants");
    assert_eq!((failed.len(), &failed[0].slug), (1, &slug(2)));
    let (step, error) = (failed[0].step.as_deref(), failed[0].error.as_deref());
    assert!(step.is_some_and(|s| s.starts_with("migration 1 (beds), step 3 of 3: CREATE INDEX")));
    assert!(error.is_some_and(|e| e.contains("area")), "{error:?}");
    let noted = "SELECT count(*) FROM schema_steps WHERE state = 'started' AND error IS NOT NULL AND number = 3";
    assert_eq!(place.number(&all[2], noted).await, 1, "its own journal says so too");
    // Still in the way: again, and to no avail.
    let run = migrator(&new).retry(None, "bob", Arc::new(Quiet)).await.expect("a retry");
    assert_eq!((run.state, run.failed, run.operator.as_str()), (RunState::Failed, 1, "bob"));
    place.raw(&all[2], "ALTER TABLE beds_1 ADD COLUMN area BIGINT NOT NULL DEFAULT 0").await;
    let run = migrator(&new).retry(Some(run.id), "bob", Arc::new(Quiet)).await.expect("a retry");
    assert_eq!((run.state, run.done, run.failed), (RunState::Done, 4, 0), "{run:?}");
    new.close().await;
}

async fn a_failing_canary_stops_the_run(place: Place) {
    let old = place.open(ONE, &[], true).await;
    let all = tenants(&old, 3).await;
    old.close().await;
    place.raw(&all[1], "CREATE TABLE beds_1 (n BIGINT PRIMARY KEY)").await;
    let new = place.open(ONE, &[beds(1)], false).await;
    let named = Canary::Named(vec![slug(1).to_string()]);
    let run = migrator(&new).up(RunOptions { canary: named, ..options() }, Arc::new(Quiet)).await;
    let run = run.expect("a run");
    assert_eq!((run.state, run.done, run.failed), (RunState::Halted, 0, 1));
    assert_eq!(run.reason.as_deref(), Some("1 of 1 canaries failed"));
    place.raw(&all[1], "DROP TABLE beds_1").await;
    // The journal of steps said that the first was done: it is the table that counts, so say so.
    place.raw(&all[1], "DELETE FROM schema_steps WHERE migration = 1").await;
    let run = migrator(&new).up(options(), Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.state, run.done), (RunState::Done, 3));
    new.close().await;
}

async fn a_second_operator_is_told_who_is_at_it_and_since_when(place: Place) {
    let old = place.open(ONE, &[], true).await;
    tenants(&old, 1).await;
    let (one, two) = (place.open(TWO, &[], false).await, place.open(TWO, &[], false).await);
    let ending = Ending::new(1);
    let watch: Arc<dyn Watch> = ending.clone();
    let first = tokio::spawn(migrator(&one).up(options(), watch));
    ending.reached.notified().await;
    let started = migrator(&two).runs(1).await.expect("runs").remove(0).started_at;
    let bob = RunOptions { operator: "bob".into(), ..options() };
    let refused = migrator(&two).up(bob, Arc::new(Quiet)).await.expect_err("somebody else");
    assert!(matches!(&refused, Error::Illegal { code: "migrations_running", .. }), "{refused}");
    let text = refused.to_string();
    let since = started.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    assert!(text.contains("ada has been migrating since") && text.contains(&since), "{text}");
    let retry = migrator(&two).retry(None, "bob", Arc::new(Quiet)).await.expect_err("a retry");
    assert!(matches!(retry, Error::Illegal { code: "migrations_running", .. }), "{retry}");
    ending.go_on.notify_one();
    let run = first.await.expect("no panic").expect("the first run");
    assert_eq!(run.state, RunState::Done);
    let run = migrator(&two).up(options(), Arc::new(Quiet)).await.expect("now it may");
    assert_eq!(run.tenants, 0);
    for fleet in [old, one, two] {
        fleet.close().await;
    }
}

async fn a_run_that_was_overtaken_stops(place: Place) {
    let old = place.open(ONE, &[], true).await;
    let all = tenants(&old, 3).await;
    let (one, two) = (place.open(TWO, &[], false).await, place.open(TWO, &[], false).await);
    // On SQLite a step that has begun holds the database: the instant before is where it hangs.
    let ending = Ending::new(0);
    let watch: Arc<dyn Watch> = ending.clone();
    let single = RunOptions { parallel: 1, ..options() };
    let first = tokio::spawn(migrator(&one).up(single, watch));
    ending.reached.notified().await;
    place.let_leases_end();
    let others = RunOptions { canary: Canary::Count(0), operator: "bob".into(), ..options() };
    let second = tokio::spawn(migrator(&two).up(others, Arc::new(Quiet)));
    // The tenant that hangs is given up by the second run, or done once the first lets go.
    while migrator(&two).runs(1).await.expect("runs").remove(0).operator != "bob" {
        tokio::task::yield_now().await;
    }
    ending.go_on.notify_one();
    let stopped = first.await.expect("no panic").expect_err("the first run");
    assert!(matches!(&stopped, Error::Illegal { code: "migrations_overtaken", .. }), "{stopped}");
    let run = second.await.expect("no panic").expect("the second run");
    assert_eq!((run.state, run.done), (RunState::Done, 3), "{run:?}");
    let runs = migrator(&two).runs(2).await.expect("runs");
    assert_eq!((runs[0].id, runs[1].state), (run.id, RunState::Interrupted));
    for tenant in &all {
        let by_first = "SELECT count(*) FROM schema_steps WHERE token = 1 OR state <> 'finished'";
        assert_eq!(place.number(tenant, by_first).await, 0, "the first run did and left nothing");
    }
    for fleet in [old, one, two] {
        fleet.close().await;
    }
}

async fn another_tenants_database_is_not_touched(place: Place) {
    let old = place.open(ONE, &[], true).await;
    let all = tenants(&old, 2).await;
    old.close().await;
    place.raw(&all[0], "UPDATE stamp SET generation = 9").await;
    let new = place.open(TWO, &[], false).await;
    let lenient = RunOptions { canary: Canary::Count(0), waves: vec![], ..options() };
    let run = migrator(&new).up(lenient, Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.done, run.failed), (1, 1), "{run:?}");
    let failed = migrator(&new).tenants(run.id, Some(TenantRunState::Failed)).await;
    let failed = failed.expect("tenants").remove(0);
    let error = failed.error.unwrap_or_default();
    assert!(failed.slug == slug(0) && error.contains("stamped for tenant"), "{error}");
    assert_eq!(failed.attempts, 1, "trying again would not help");
    let column = "SELECT count(*) FROM schema_steps WHERE token > 0";
    assert_eq!(place.number(&all[0], column).await, 0);
    new.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_file_is_a_failure_of_its_tenant_alone() {
    let place = Place::sqlite();
    let old = place.open(ONE, &[], true).await;
    let all = tenants(&old, 2).await;
    old.close().await;
    let (file, aside) = (place.file(&all[1]), place.file(&all[1]).with_extension("aside"));
    std::fs::rename(&file, &aside).expect("moving a file");
    let new = place.open(TWO, &[], false).await;
    let lenient = RunOptions { canary: Canary::Count(0), waves: vec![], ..options() };
    let run = migrator(&new).up(lenient, Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.done, run.failed), (1, 1), "{run:?}");
    let rows = migrator(&new).tenants(run.id, Some(TenantRunState::Failed)).await;
    let error = rows.expect("tenants").remove(0).error.unwrap_or_default();
    assert!(error.contains("database of tenant grower-0001 is missing"), "{error}");
    let drifts = migrator(&new).verify(&[], 2, Arc::new(Quiet)).await.expect("a look");
    assert!(drifts[0].ok && drifts[1].error.is_some(), "{drifts:?}");
    std::fs::rename(&aside, &file).expect("moving it back");
    let run = migrator(&new).retry(None, "ada", Arc::new(Quiet)).await.expect("a retry");
    assert_eq!(run.state, RunState::Done);
    new.close().await;
}

/// An open transaction must not block a migration, and with it everybody behind it, for ever.
#[cfg(feature = "mariadb")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_stays_open_holds_a_tenant_up_for_a_bounded_time() {
    use sqlx::Connection as _;
    let place = Place::mariadb();
    let old = place.open(ONE, &[], true).await;
    let all = tenants(&old, 2).await;
    let mut holder = place.administrator(&all[0]).await;
    let hold = "START TRANSACTION; SELECT count(*) FROM watering";
    sqlx::raw_sql(hold).execute(&mut holder).await.expect("a transaction");
    let new = place.open(TWO, &[], false).await;
    let lenient = RunOptions { canary: Canary::Count(0), waves: vec![], ..options() };
    let run = migrator(&new).up(lenient, Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.done, run.failed), (1, 1), "{run:?}");
    let failed = migrator(&new).tenants(run.id, Some(TenantRunState::Failed)).await;
    let failed = failed.expect("tenants").remove(0);
    assert!(failed.error.as_deref().is_some_and(|e| e.contains("Lock wait timeout")), "{failed:?}");
    assert_eq!(failed.attempts, 2, "it was tried again");
    holder.close().await.expect("closing");
    let run = migrator(&new).retry(None, "ada", Arc::new(Quiet)).await.expect("a retry");
    assert_eq!(run.state, RunState::Done);
    old.close().await;
    new.close().await;
}

/// Connections go from tenant to tenant, but not with what a step has left on them.
#[cfg(feature = "mariadb")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_step_leaves_on_its_connection_reaches_no_other_tenant() {
    let place = Place::mariadb();
    let old = place.open(ONE, &[], true).await;
    let all = tenants(&old, 4).await;
    old.close().await;
    let leaving = vivero_core::migration::Migration::new(1, "leaving")
        .step("CREATE TABLE IF NOT EXISTS seen (found BIGINT)")
        .step("INSERT INTO seen SELECT @found")
        .step("SET @found = 7");
    let new = place.open(ONE, &[leaving], false).await;
    let single = RunOptions { parallel: 1, ..options() };
    let run = migrator(&new).up(single, Arc::new(Quiet)).await.expect("a run");
    assert_eq!((run.state, run.done), (RunState::Done, 4), "{run:?}");
    for tenant in &all {
        assert_eq!(place.number(tenant, "SELECT count(*) FROM seen").await, 1);
        assert_eq!(place.number(tenant, "SELECT count(found) FROM seen").await, 0);
    }
    new.close().await;
}
