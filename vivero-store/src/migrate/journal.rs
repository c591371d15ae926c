//! The journal of steps, in each tenant's database: what it says, what a database lacks by it, and what is
//! put into it.

use super::{Shape, Target};
use crate::backend::{Backend, Cells, Sql};
use crate::schema;
use chrono::{DateTime, Utc};
use std::collections::{HashMap, HashSet};
use vivero_core::migration::{Migration, PlannedStep, checksum, edited};
use vivero_core::record::Kind;
use vivero_core::{Error, Result, Value};

/// The query for the journal of steps, and what its columns are. What was done is known by its checksum.
pub(super) const JOURNAL: (&str, &[Kind]) = (
    "SELECT migration, number, checksum, state, CASE state WHEN 'finished' THEN '' ELSE statement END, token, \
     step FROM schema_steps",
    &[Kind::Int, Kind::Int, Kind::Text, Kind::Text, Kind::Text, Kind::Int, Kind::Int],
);

/// What the journal of steps says.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// Statements that were planned and not finished.
    pub(super) unfinished: HashSet<String>,
    /// Checksums of finished steps of integrators' migrations.
    finished: HashMap<(i64, i64), String>,
    /// The last finished row: those of the next plan come behind it.
    pub(super) last: i64,
    token: u64,
}

impl Journal {
    pub(super) async fn read<B: Backend>(connection: &mut B::Connection) -> Result<Self> {
        Ok(Self::of(Sql::new(JOURNAL.0).fetch::<B>(connection, JOURNAL.1).await?))
    }

    /// What [`JOURNAL`] found.
    pub(super) fn of(rows: Vec<Cells>) -> Self {
        let mut journal = Self::default();
        for mut row in rows {
            journal.token = journal.token.max(row.natural(5));
            let key = (row.int(0), row.int(1));
            if row.text(3) != "finished" {
                journal.unfinished.insert(row.text(4));
                continue;
            }
            journal.last = journal.last.max(row.int(6));
            if key.0 > 0 {
                journal.finished.insert(key, row.text(2));
            }
        }
        journal
    }

    /// The steps of integrators' migrations that are not done.
    fn lacking(&self, target: &Target) -> Result<Vec<PlannedStep>> {
        let newest = self.finished.keys().map(|(migration, _)| *migration).max().unwrap_or(0);
        let mut all = Vec::new();
        for migration in &target.migrations {
            let (id, mut number) = (migration.id(), 0);
            let before = all.len();
            for statement in migration.steps(target.engine) {
                number += 1;
                match self.finished.get(&(id, i64::from(number))) {
                    Some(done) if *done != checksum([statement].into_iter()) => {
                        return Err(edited(id, migration.name(), "this tenant"));
                    }
                    Some(_) => {}
                    None => {
                        let statement = statement.to_owned();
                        all.push(PlannedStep { migration: id, number, statement });
                    }
                }
            }
            if all.len() > before && id < newest && !self.is_begun(id) {
                return Err(out_of_order(migration, newest));
            }
        }
        Ok(all)
    }

    fn is_begun(&self, migration: i64) -> bool {
        self.finished.keys().any(|(id, _)| *id == migration)
    }
}

fn out_of_order(migration: &Migration, newest: i64) -> Error {
    Error::Illegal {
        code: "migration_out_of_order",
        message: format!(
            "migration {} ({}) comes before {newest}, which this tenant has already: give it a greater id",
            migration.id(),
            migration.name()
        ),
    }
}

/// The plan of one database.
pub(crate) struct Lacking {
    pub(crate) steps: Vec<PlannedStep>,
    /// Whether record tables may differ, so that figures have to be looked at.
    pub(super) tables: bool,
    /// Whether a newer program has been here.
    pub(crate) ahead: bool,
    /// Whether a plan was put on record before and not finished.
    pub(super) unfinished: bool,
    /// The last row before those of the plan.
    pub(super) last: i64,
    pub(super) token: u64,
}

/// Makes the tables that everything else is noted in.
async fn bookkeeping<B: Backend>(connection: &mut B::Connection) -> Result<()> {
    for (_, sql) in B::BOOKKEEPING {
        Sql::new(*sql).execute::<B>(connection).await?;
    }
    Ok(())
}

/// What a database lacks. `make` also makes the journal's own tables, if they are not there.
pub(crate) async fn lacking<B: Backend>(
    connection: &mut B::Connection,
    target: &Target,
    same_tables: bool,
    make: bool,
) -> Result<Lacking> {
    if make && !same_tables {
        bookkeeping::<B>(connection).await?;
    }
    let shape = if same_tables { None } else { Some(Shape::read::<B>(connection).await?) };
    let mut old_journal = false;
    if let Some(shape) = &shape {
        let columns = B::STEP_COLUMNS.iter();
        for (name, kind) in columns.filter(|(name, _)| !shape.has_column("schema_steps", name)) {
            old_journal = true;
            if make {
                let sql = format!("ALTER TABLE schema_steps {} {name} {kind}", B::ADD_COLUMN);
                Sql::new(sql).execute::<B>(connection).await?;
            }
        }
    }
    let journal = if old_journal && !make {
        Journal::default()
    } else {
        Journal::read::<B>(connection).await?
    };
    Lacking::new::<B>(target, shape, journal)
}

impl Lacking {
    /// What a database of this shape and journal lacks; without a shape its record tables are as they should
    /// be.
    pub(super) fn new<B: Backend>(
        target: &Target,
        shape: Option<Shape>,
        journal: Journal,
    ) -> Result<Self> {
        let mut steps = Vec::new();
        let mut ahead = false;
        if let Some(shape) = &shape {
            let texts = schema::lacking::<B>(shape, &target.schemas, &journal.unfinished);
            for (number, statement) in (1..).zip(texts) {
                steps.push(PlannedStep { migration: 0, number, statement });
            }
            ahead = schema::has_columns_beyond(shape, &target.schemas);
        }
        let known = |id: i64| target.migrations.iter().any(|m| m.id() == id);
        ahead |= journal.finished.keys().any(|(id, _)| !known(*id));
        steps.extend(journal.lacking(target)?);
        let unfinished = !journal.unfinished.is_empty();
        let (last, token) = (journal.last, journal.token);
        Ok(Self { steps, tables: shape.is_some(), ahead, unfinished, last, token })
    }
}

/// What a step's row says when it is entered.
fn row(
    step: &PlannedStep,
    state: &str,
    token: u64,
    times: [Option<DateTime<Utc>>; 2],
) -> Vec<Value> {
    let [started, finished] = times.map(|at| at.map_or(Value::Null, Value::Time));
    vec![
        Value::Text(step.statement.clone()),
        Value::Text(state.into()),
        Value::Int(step.migration),
        Value::Int(step.number.into()),
        Value::Text(checksum([step.statement.as_str()].into_iter())),
        Value::Int(i64::try_from(token).unwrap_or(i64::MAX)),
        started,
        finished,
    ]
}

/// Statements that enter rows.
fn enter(rows: Vec<Vec<Value>>) -> Vec<Sql> {
    let some = |rows: &[Vec<Value>]| {
        let mut sql = Sql::new(
            "INSERT INTO schema_steps (statement, state, migration, number, checksum, token, started_at, \
             finished_at) VALUES ",
        );
        sql.add(&vec!["(?, ?, ?, ?, ?, ?, ?, ?)"; rows.len()].join(", "));
        sql.args = rows.concat();
        sql
    };
    rows.chunks(500).map(some).collect()
}

/// Puts a plan on record, its first step as begun. What was planned before and not finished is part of it.
pub(super) async fn put_down<B: Backend>(
    connection: &mut B::Connection,
    steps: &[PlannedStep],
    unfinished: bool,
    token: u64,
    at: Option<DateTime<Utc>>,
) -> Result<()> {
    let mut all = Vec::new();
    if unfinished {
        // Together with the new plan: what was planned must not be forgotten in between.
        all.push(Sql::new("DELETE FROM schema_steps WHERE state <> 'finished'"));
    }
    let rows = steps.iter().enumerate().map(|(i, step)| match i {
        0 => row(step, "started", token, [at, None]),
        _ => row(step, "pending", token, [None, None]),
    });
    all.extend(enter(rows.collect()));
    if all.is_empty() {
        return Ok(());
    }
    // With the first step, where that saves a packet.
    B::put_off(connection, all).await.map_err(Into::into)
}

/// Statements that enter steps of which none was put down before they were all run.
pub(super) fn put_down_finished(
    steps: &[PlannedStep],
    token: u64,
    times: [Option<DateTime<Utc>>; 2],
) -> Vec<Sql> {
    enter(steps.iter().map(|step| row(step, "finished", token, times)).collect())
}

/// The statement that notes that steps are finished and which is begun next, all of the plan that this token
/// put down behind the row `last`: what is before is not looked through. Each is known by its checksum, too:
/// another's plan may number its steps alike.
pub(super) fn note(
    finished: &[PlannedStep],
    begun: Option<&PlannedStep>,
    last: i64,
    token: u64,
    at: Option<DateTime<Utc>>,
) -> Sql {
    let at = at.map_or(Value::Null, Value::Time);
    let (migration, number) =
        begun.map_or((-1, -1), |step| (step.migration, i64::from(step.number)));
    let mut sql = Sql::new(
        "UPDATE schema_steps SET error = NULL, started_at = coalesce(started_at, ?), \
         state = CASE WHEN migration = ? AND number = ? THEN 'started' ELSE 'finished' END, \
         finished_at = CASE WHEN migration = ? AND number = ? THEN NULL ELSE ? END WHERE ",
    );
    sql.bind(at.clone());
    for value in [migration, number, migration, number] {
        sql.bind(Value::Int(value));
    }
    sql.bind(at);
    let sql = &mut sql;
    of_plan(sql, last, token);
    let mut between = " AND (";
    for step in finished.iter().chain(begun) {
        sql.add(between).add("migration = ? AND number = ? AND checksum = ?");
        sql.bind(Value::Int(step.migration)).bind(Value::Int(step.number.into()));
        sql.bind(Value::Text(checksum([step.statement.as_str()].into_iter())));
        between = " OR ";
    }
    sql.add(")");
    std::mem::take(sql)
}

/// The statement that notes that all steps of a plan are finished.
pub(super) fn note_all(last: i64, token: u64, at: Option<DateTime<Utc>>) -> Sql {
    let at = at.map_or(Value::Null, Value::Time);
    let mut sql = Sql::new(
        "UPDATE schema_steps SET error = NULL, started_at = coalesce(started_at, ?), \
         state = 'finished', finished_at = ? WHERE ",
    );
    sql.bind(at.clone()).bind(at);
    of_plan(&mut sql, last, token);
    sql
}

/// Adds the condition that a step is of the plan that this token put down, and not finished.
fn of_plan(sql: &mut Sql, last: i64, token: u64) {
    sql.add("step > ? AND state <> 'finished' AND token = ?");
    sql.bind(Value::Int(last)).bind(Value::Int(i64::try_from(token).unwrap_or(i64::MAX)));
}

/// A step that failed, or the instant before or behind one.
pub(super) struct Failing<'a> {
    pub(super) lacking: &'a Lacking,
    /// Whether the plan was put down before.
    pub(super) down: bool,
    pub(super) token: u64,
    pub(super) now: DateTime<Utc>,
    /// Steps that were run and whose note may be lost.
    pub(super) lost: &'a [PlannedStep],
    /// The step that was begun, if one was not finished.
    pub(super) begun: Option<&'a PlannedStep>,
}

impl Failing<'_> {
    /// Puts the failure into the journal of steps, behind the plan if that is not there and behind the note of
    /// what was done before, if the database lets it. Where another run has been meanwhile, what it says
    /// stays.
    pub(super) async fn note<B: Backend>(&self, writer: &B::Pool, error: &Error) {
        let noting = async {
            let mut transaction = B::define(writer).await?;
            let token = Value::Int(i64::try_from(self.token).unwrap_or(i64::MAX));
            let others =
                Sql::new("SELECT count(*) FROM schema_steps WHERE step > ? AND token <> ?")
                    .with(Value::Int(self.lacking.last))
                    .with(token.clone());
            if others.number::<B>(&mut transaction).await? != Some(0) {
                return Ok(());
            }
            let noted = self.down && self.note_in::<B>(&mut transaction, &token, error).await?;
            // All of a plan that was put down may have been run: then there is no row to say it.
            if !noted && (self.begun.is_some() || !self.down) {
                // It was never put down, or undone with its first step.
                let (steps, now) = (&self.lacking.steps, Some(self.now));
                put_down::<B>(&mut transaction, steps, true, self.token, now).await?;
                self.note_in::<B>(&mut transaction, &token, error).await?;
            }
            B::commit(transaction, ()).await
        };
        if let Err(e) = noting.await {
            tracing::debug!(error = %e, "a failed step could not be noted");
        }
    }

    /// Notes what was done, and the error of what was begun; whether there is a row of it.
    async fn note_in<B: Backend>(
        &self,
        transaction: &mut B::Transaction,
        token: &Value,
        error: &Error,
    ) -> Result<bool> {
        if !self.lost.is_empty() {
            let (last, now) = (self.lacking.last, Some(self.now));
            let before = note(self.lost, self.begun, last, self.token, now);
            before.execute::<B>(transaction).await?;
        }
        let sql =
            Sql::new("UPDATE schema_steps SET error = ? WHERE state = 'started' AND token = ?");
        let sql = sql.with(Value::Text(error.to_string())).with(token.clone());
        Ok(sql.execute::<B>(transaction).await? > 0)
    }
}
