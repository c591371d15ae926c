//! One database: what it lacks, step by step.
//!
//! The plan is put on record first, then each step as begun and as finished, so that whoever comes after a
//! process that was killed goes on where it was. Where an engine's definitions are part of transactions, a
//! step and the note that it is finished are one. Where they are not, quick steps that only add something are
//! noted together, at the latest before the next step of another kind: to repeat them does nothing, and a
//! note by itself, with its sync, costs as much as such a step. For the same reason a plan of nothing else is
//! not put on record before it is done, unless a step takes long or fails; and those of its steps that make a
//! table and what belongs to it are sent in one packet.

use super::journal::{
    Failing, JOURNAL, Journal, Lacking, lacking, note, note_all, put_down, put_down_finished,
};
use super::{Noted, Shape, Target};
use crate::backend::{Backend, Cells, Sql};
use crate::schema;
use crate::stamp::{self, STAMP};
use crate::tenant::{built_in, figures};
use async_trait::async_trait;
use std::time::{Duration, Instant};
use vivero_core::ids::TenantId;
use vivero_core::migration::{Moment, PlannedStep};
use vivero_core::record::Schema;
use vivero_core::tenant::Tenant;
use vivero_core::{Clock, Error, Result};

/// Seconds to wait for others' locks if nothing is said.
const LOCK_WAIT: u32 = 10;
/// How long a step may have taken that is not noted by itself: to do it again, or rather to find that there
/// is nothing to do, must cost no more than that.
const QUICK: Duration = Duration::from_millis(500);

/// On whose behalf steps are done.
#[async_trait]
pub(crate) trait Steps: Send + Sync {
    /// The fencing token of the run; 0 when a database is opened.
    fn token(&self) -> u64 {
        0
    }
    /// Whether it may go on.
    async fn at(&self, _moment: Moment, _step: u32) -> Result<()> {
        Ok(())
    }
}

/// A database that is brought up when it is opened.
pub(crate) struct Alone;
impl Steps for Alone {}

/// How a database is brought up.
pub(crate) struct How<'a> {
    pub(crate) steps: &'a dyn Steps,
    /// Whether each step is made durable by itself, also where all could be one transaction.
    pub(crate) each: bool,
    /// Seconds to wait for others' locks, if not as long as usual.
    pub(crate) lock_wait: Option<u32>,
    /// Whose database it must be.
    pub(crate) stamp: Option<&'a Tenant>,
    pub(crate) clock: &'a dyn Clock,
}

/// What stopped it, and in which step.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) step: Option<String>,
    pub(crate) error: Error,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { step: None, error }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

/// Brings record tables up inside the caller's transaction, without looking at what is noted.
pub(crate) async fn ensure<B: Backend>(
    connection: &mut B::Connection,
    schemas: &[&'static Schema],
) -> Result<()> {
    let at = None;
    let shape = Shape::read::<B>(connection).await?;
    let journal = Journal::read::<B>(connection).await?;
    let texts = schema::lacking::<B>(&shape, schemas, &journal.unfinished);
    let steps: Vec<PlannedStep> = (1..)
        .zip(texts)
        .map(|(number, statement)| PlannedStep { migration: 0, number, statement })
        .collect();
    put_down::<B>(connection, &steps, !journal.unfinished.is_empty(), 0, at).await?;
    for (i, step) in steps.iter().enumerate() {
        Sql::new(step.statement.as_str()).long().execute::<B>(connection).await?;
        note(&steps[i..=i], steps.get(i + 1), journal.last, 0, at).execute::<B>(connection).await?;
    }
    Ok(())
}

/// Begins, with what is to be known of the database: how its version stands, and its journal of steps if that
/// could be read.
async fn enter<B: Backend>(
    writer: &B::Pool,
    target: &Target,
    how: &How<'_>,
) -> Result<(B::Transaction, Noted, Option<Journal>)> {
    let Some(tenant) = how.stamp else {
        let mut transaction = B::define(writer).await?;
        let noted = B::noted(&mut transaction, &target.fingerprint).await?;
        return Ok((transaction, noted, None));
    };
    let wait = how.lock_wait.unwrap_or(LOCK_WAIT);
    let queries = [STAMP, B::NOTED, JOURNAL];
    let (mut transaction, found) = B::define_and(writer, wait, &queries).await?;
    if let Some(Ok([stamped, noted, journal])) = found.map(<[Vec<Cells>; 3]>::try_from) {
        stamp::is_of(stamped.into_iter().next(), tenant)?;
        let noted = B::standing(noted.into_iter().next(), &target.fingerprint);
        return Ok((transaction, noted, Some(Journal::of(journal))));
    }
    stamp::check::<B>(&mut transaction, tenant).await?;
    let noted = B::noted(&mut transaction, &target.fingerprint).await?;
    Ok((transaction, noted, None))
}

/// Brings a database up. `false` if there was nothing to do.
pub(crate) async fn bring_up<B: Backend>(
    writer: &B::Pool,
    tenant: TenantId,
    target: &Target,
    how: &How<'_>,
) -> Result<bool, Failed> {
    let mut owed = None;
    let outcome = bring_up_owing::<B>(writer, tenant, target, how, &mut owed).await;
    if let (Err(_), Some(leap)) = (&outcome, owed) {
        make_leap::<B>(writer, leap).await;
    }
    outcome
}

/// The same; what is `owed` after an error is the leap of a step that was run.
async fn bring_up_owing<B: Backend>(
    writer: &B::Pool,
    tenant: TenantId,
    target: &Target,
    how: &How<'_>,
    owed: &mut Option<Sql>,
) -> Result<bool, Failed> {
    let (mut transaction, noted, journal) = enter::<B>(writer, target, how).await?;
    if noted.same {
        return Ok(false);
    }
    how.steps.at(Moment::Connected, 0).await?;
    let lacking = match journal {
        Some(journal) if noted.same_tables => Lacking::new::<B>(target, None, journal)?,
        _ => lacking::<B>(&mut transaction, target, noted.same_tables, true).await?,
    };
    let token = how.steps.token();
    if lacking.token > token && token > 0 {
        return Err(overtaken().into());
    }
    let steps = &lacking.steps;
    if steps.is_empty() && lacking.ahead && !noted.never {
        // A newer program's: it is not for this one to note another version.
        return Ok(false);
    }
    let repeatable = |step: &PlannedStep| B::only_adds(&step.statement);
    let begin = Some(how.clock.now());
    // Whether the plan is on record.
    let mut down = !steps.is_empty() && (lacking.unfinished || !steps.iter().all(repeatable));
    if down {
        put_down::<B>(&mut transaction, steps, lacking.unfinished, token, begin).await?;
    }
    // How many steps were run, how many of them have a note under way, and how many have it on record.
    let (mut ran, mut noted, mut recorded) = (0, 0, 0);
    let mut i = 0;
    while i < steps.len() {
        // The plan and the first step are one, where a step and its note are.
        if how.each && i > 0 {
            transaction = B::go_on(transaction, writer).await?;
        }
        let some = if down { 1 } else { B::together(&steps[i..]) };
        let end = i + some;
        // The step that an error is about.
        let mut at = i;
        let done = async {
            for k in i..end {
                how.steps.at(Moment::Begun, number(k)).await?;
            }
            let begun = Instant::now();
            let (run, outcome) = B::steps(&mut transaction, &steps[i..end]).await;
            at = (i + run).min(end - 1);
            if run > 0 {
                (ran, recorded) = (i + run, noted);
                *owed = leap::<B>(&steps[i + run - 1]);
            }
            outcome.map_err(Into::into)?;
            for k in i..end {
                how.steps.at(Moment::Ran, number(k)).await?;
            }
            // The last one is noted together with the version.
            let Some(next) = steps.get(end) else { return Ok(()) };
            if repeatable(&steps[end - 1]) && repeatable(next) && begun.elapsed() < QUICK {
                return Ok(());
            }
            if !down {
                put_down::<B>(&mut transaction, steps, false, token, begin).await?;
                down = true;
            }
            let now = Some(how.clock.now());
            let note = note(&steps[noted..end], Some(next), lacking.last, token, now);
            noted = end;
            let all = owed.clone().into_iter().chain([note]).collect();
            B::put_off(&mut transaction, all).await.map_err(Into::into)
        };
        if let Err(error) = done.await {
            drop(transaction);
            if how.each {
                let now = how.clock.now();
                // What stays done must not be done again because its note was lost.
                let lost = if B::STEPS_STAND { &steps[recorded..ran] } else { &[] };
                if ran <= at || !lost.is_empty() {
                    let (lacking, begun) = (&lacking, steps.get(ran));
                    let failing = Failing { lacking, down, token, now, lost, begun };
                    failing.note::<B>(writer, &error).await;
                }
            }
            let step = named(target, &steps[at], number(at), steps.len());
            return Err(Failed { step: Some(step), error });
        }
        i = end;
    }
    how.steps.at(Moment::Ended, 0).await?;
    if lacking.tables
        && let Some(leap) = owed.as_ref()
    {
        // Figures may take a while.
        leap.clone().execute::<B>(&mut transaction).await?;
        *owed = None;
    }
    B::defined(&mut transaction, lacking.tables).await?;
    if lacking.tables {
        let schemas = &target.schemas;
        figures::bring_up::<B>(&mut transaction, tenant, schemas, schemas).await?;
        built_in::bring_up::<B>(&mut transaction, how.clock.now()).await?;
    }
    let end = Some(how.clock.now());
    let notes = if down {
        vec![note_all(lacking.last, token, end)]
    } else {
        put_down_finished(steps, token, [begin, end])
    };
    for sql in owed.clone().into_iter().chain(notes) {
        B::defer(&mut transaction, sql).await.map_err(Into::into)?;
    }
    B::note(&mut transaction, &target.fingerprint).await?;
    B::commit(transaction, ()).await?;
    *owed = None;
    how.steps.at(Moment::Noted, 0).await?;
    Ok(true)
}

/// What is to follow a step: what an integrator's statement did to rows, no journal tells.
fn leap<B: Backend>(step: &PlannedStep) -> Option<Sql> {
    B::LEAP.filter(|_| step.migration != 0 && !B::only_adds(&step.statement)).map(Sql::new)
}

/// Makes a leap that is owed, by itself: a step was run, and what was to follow it was not.
async fn make_leap<B: Backend>(writer: &B::Pool, leap: Sql) {
    let making = async {
        let mut transaction = B::define(writer).await?;
        leap.execute::<B>(&mut transaction).await?;
        B::commit(transaction, ()).await
    };
    if let Err(e) = making.await {
        tracing::debug!(error = %e, "a leap could not be made");
    }
}

/// The number of a step, from 1.
fn number(at: usize) -> u32 {
    u32::try_from(at + 1).unwrap_or(u32::MAX)
}

/// A step, for people.
fn named(target: &Target, step: &PlannedStep, number: u32, of: usize) -> String {
    // Of a migration by its own number, whatever is done already.
    let place = match target.migrations.iter().find(|m| m.id() == step.migration) {
        Some(migration) => {
            let (id, name) = (migration.id(), migration.name());
            let of = migration.steps(target.engine).count();
            format!("migration {id} ({name}), step {} of {of}", step.number)
        }
        None => format!("step {number} of {of}"),
    };
    let mut text: String = step.statement.chars().take(200).collect();
    if text.len() < step.statement.len() {
        text.push('…');
    }
    format!("{place}: {text}")
}

pub(super) fn overtaken() -> Error {
    Error::Illegal {
        code: "migrations_overtaken",
        message: "another run of migrations has begun: this one stops".into(),
    }
}
