//! One database: what it lacks, step by step.
//!
//! The plan is put on record first, then each step as begun and as finished, so that whoever comes after a
//! process that was killed goes on where it was. Where an engine's definitions are part of transactions, a
//! step and the note that it is finished are one.

use super::{Shape, Target};
use crate::backend::{Backend, Sql};
use crate::schema;
use crate::tenant::{built_in, figures};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::{HashMap, HashSet};
use vivero_core::ids::TenantId;
use vivero_core::migration::{Migration, Moment, PlannedStep, checksum, edited};
use vivero_core::record::{Kind, Schema};
use vivero_core::tenant::Tenant;
use vivero_core::{Clock, Error, Result, Value};

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

/// What the journal of steps says.
#[derive(Debug, Default)]
struct Journal {
    /// Statements that were planned and not finished.
    unfinished: HashSet<String>,
    /// Checksums of finished steps of integrators' migrations.
    finished: HashMap<(i64, i64), String>,
    token: u64,
}

impl Journal {
    async fn read<B: Backend>(connection: &mut B::Connection) -> Result<Self> {
        let sql = "SELECT migration, number, checksum, state, statement, token FROM schema_steps \
                   WHERE migration > 0 OR state <> 'finished' OR token > 0";
        let kinds = [Kind::Int, Kind::Int, Kind::Text, Kind::Text, Kind::Text, Kind::Int];
        let mut journal = Self::default();
        for mut row in Sql::new(sql).fetch::<B>(connection, &kinds).await? {
            journal.token = journal.token.max(row.natural(5));
            let key = (row.int(0), row.int(1));
            if row.text(3) != "finished" {
                journal.unfinished.insert(row.text(4));
            } else if key.0 > 0 {
                journal.finished.insert(key, row.text(2));
            }
        }
        Ok(journal)
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
    tables: bool,
    /// Whether a newer program has been here.
    pub(crate) ahead: bool,
    /// Whether a plan was put on record before and not finished.
    unfinished: bool,
    token: u64,
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
    let mut steps = Vec::new();
    let mut ahead = false;
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
    Ok(Lacking { steps, tables: shape.is_some(), ahead, unfinished, token: journal.token })
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
        note::<B>(connection, Some(step), steps.get(i + 1), at).await?;
    }
    Ok(())
}

/// Puts a plan on record, its first step as begun. What was planned before and not finished is part of it.
async fn put_down<B: Backend>(
    connection: &mut B::Connection,
    steps: &[PlannedStep],
    unfinished: bool,
    token: u64,
    at: Option<DateTime<Utc>>,
) -> Result<()> {
    if unfinished {
        let old = "DELETE FROM schema_steps WHERE state <> 'finished'";
        Sql::new(old).execute::<B>(connection).await?;
    }
    let rows = steps.iter().enumerate().map(|(i, step)| {
        let started = at.filter(|_| i == 0).map_or(Value::Null, Value::Time);
        vec![
            Value::Text(step.statement.clone()),
            Value::Text(if i == 0 { "started" } else { "pending" }.into()),
            Value::Int(step.migration),
            Value::Int(step.number.into()),
            Value::Text(checksum([step.statement.as_str()].into_iter())),
            Value::Int(i64::try_from(token).unwrap_or(i64::MAX)),
            started,
        ]
    });
    let rows: Vec<Vec<Value>> = rows.collect();
    for some in rows.chunks(500) {
        let mut sql = Sql::new(
            "INSERT INTO schema_steps (statement, state, migration, number, checksum, token, started_at) VALUES ",
        );
        sql.add(&vec!["(?, ?, ?, ?, ?, ?, ?)"; some.len()].join(", "));
        sql.args = some.concat();
        // Not as a statement that is closed after it: what follows a closing waits for the network's
        // delayed acknowledgement, 40 ms.
        sql.execute::<B>(connection).await?;
    }
    Ok(())
}

/// Notes that one step is finished and the next begun, in one statement.
async fn note<B: Backend>(
    connection: &mut B::Connection,
    finished: Option<&PlannedStep>,
    begun: Option<&PlannedStep>,
    at: Option<DateTime<Utc>>,
) -> Result<()> {
    let key = |step: Option<&PlannedStep>| {
        let (migration, number) = step.map_or((-1, -1), |s| (s.migration, i64::from(s.number)));
        [Value::Int(migration), Value::Int(number)]
    };
    let at = at.map_or(Value::Null, Value::Time);
    let (done, next) = (key(finished), key(begun));
    let mut sql = Sql::new(
        "UPDATE schema_steps SET state = CASE WHEN migration = ? AND number = ? THEN 'finished' ELSE 'started' END, \
         finished_at = CASE WHEN migration = ? AND number = ? THEN ? ELSE NULL END, \
         started_at = coalesce(started_at, ?), error = NULL \
         WHERE state <> 'finished' AND (migration = ? AND number = ? OR migration = ? AND number = ?)",
    );
    let [m, n] = done;
    let [next_m, next_n] = next;
    for value in [m.clone(), n.clone(), m.clone(), n.clone(), at.clone(), at] {
        sql.bind(value);
    }
    for value in [m, n, next_m, next_n] {
        sql.bind(value);
    }
    sql.execute::<B>(connection).await.map(|_| ())
}

/// The database must be this tenant's and of this generation.
pub(crate) async fn check_stamp<B: Backend>(
    connection: &mut B::Connection,
    tenant: &Tenant,
) -> Result<()> {
    let found = Sql::new("SELECT tenant_id, generation FROM stamp WHERE one = 1")
        .first::<B>(connection, &[Kind::Id, Kind::Int])
        .await;
    let missing = |why: String| {
        Error::corrupt(format!("the database of tenant {} has no stamp{why}", tenant.slug))
    };
    let row = match found {
        Ok(row) => row.ok_or_else(|| missing(String::new()))?,
        // Away for a moment is not the same as damaged.
        Err(e @ (Error::Unavailable { .. } | Error::Undone { .. })) => return Err(e),
        Err(e) => return Err(missing(format!(" ({e})"))),
    };
    let (stamped, generation) = (row.id(0), row.int(1));
    if stamped != tenant.id.uuid() || generation != tenant.generation {
        return Err(Error::corrupt(format!(
            "the database of tenant {} is stamped for tenant {stamped}, generation {generation}",
            tenant.slug
        )));
    }
    Ok(())
}

/// Brings a database up. `false` if there was nothing to do.
pub(crate) async fn bring_up<B: Backend>(
    writer: &B::Pool,
    tenant: TenantId,
    target: &Target,
    how: &How<'_>,
) -> Result<bool, Failed> {
    let mut transaction = B::define(writer).await?;
    if let Some(sql) = how.lock_wait.and_then(B::lock_wait) {
        Sql::new(sql).execute::<B>(&mut transaction).await?;
    }
    if let Some(tenant) = how.stamp {
        check_stamp::<B>(&mut transaction, tenant).await?;
    }
    let noted = B::noted(&mut transaction, &target.fingerprint).await?;
    if noted.same {
        return Ok(false);
    }
    how.steps.at(Moment::Connected, 0).await?;
    let lacking = lacking::<B>(&mut transaction, target, noted.same_tables, true).await?;
    if lacking.token > how.steps.token() && how.steps.token() > 0 {
        return Err(overtaken().into());
    }
    let steps = &lacking.steps;
    if steps.is_empty() && lacking.ahead && !noted.never {
        // A newer program's: it is not for this one to note another version.
        return Ok(false);
    }
    if !steps.is_empty() {
        let (token, now) = (how.steps.token(), Some(how.clock.now()));
        put_down::<B>(&mut transaction, steps, lacking.unfinished, token, now).await?;
    }
    for (i, step) in steps.iter().enumerate() {
        if how.each {
            transaction = B::go_on(transaction, writer).await?;
        }
        let number = u32::try_from(i + 1).unwrap_or(u32::MAX);
        how.steps.at(Moment::Begun, number).await?;
        let done = async {
            // As a query: an integrator's statement may answer something.
            Sql::new(step.statement.as_str()).long().fetch::<B>(&mut transaction, &[]).await?;
            // What an integrator's statement did to rows, no journal tells.
            if let Some(leap) = B::LEAP.filter(|_| step.migration != 0) {
                Sql::new(leap).execute::<B>(&mut transaction).await?;
            }
            how.steps.at(Moment::Ran, number).await?;
            // The last one is noted together with the version.
            match steps.get(i + 1) {
                Some(next) => {
                    let now = Some(how.clock.now());
                    note::<B>(&mut transaction, Some(step), Some(next), now).await
                }
                None => Ok(()),
            }
        };
        if let Err(error) = done.await {
            drop(transaction);
            if how.each {
                note_failure::<B>(writer, &error).await;
            }
            return Err(Failed { step: Some(named(target, step, number, steps.len())), error });
        }
    }
    how.steps.at(Moment::Ended, 0).await?;
    B::defined(&mut transaction).await?;
    if lacking.tables {
        let schemas = &target.schemas;
        figures::bring_up::<B>(&mut transaction, tenant, schemas, schemas).await?;
        built_in::bring_up::<B>(&mut transaction, how.clock.now()).await?;
    }
    if let Some(last) = steps.last() {
        note::<B>(&mut transaction, Some(last), None, Some(how.clock.now())).await?;
    }
    B::note(&mut transaction, &target.fingerprint).await?;
    B::commit(transaction, ()).await?;
    how.steps.at(Moment::Noted, 0).await?;
    Ok(true)
}

/// A step, for people.
fn named(target: &Target, step: &PlannedStep, number: u32, of: usize) -> String {
    let whose = match target.migrations.iter().find(|m| m.id() == step.migration) {
        Some(migration) => format!("migration {} ({}), ", migration.id(), migration.name()),
        None => String::new(),
    };
    let mut text: String = step.statement.chars().take(200).collect();
    if text.len() < step.statement.len() {
        text.push('…');
    }
    format!("{whose}step {number} of {of}: {text}")
}

pub(super) fn overtaken() -> Error {
    Error::Illegal {
        code: "migrations_overtaken",
        message: "another run of migrations has begun: this one stops".into(),
    }
}

/// Puts a failure into the journal of steps, if the database lets it.
async fn note_failure<B: Backend>(writer: &B::Pool, error: &Error) {
    let noting = async {
        let mut transaction = B::define(writer).await?;
        Sql::new("UPDATE schema_steps SET error = ? WHERE state = 'started'")
            .with(Value::Text(error.to_string()))
            .execute::<B>(&mut transaction)
            .await?;
        B::commit(transaction, ()).await
    };
    if let Err(e) = noting.await {
        tracing::debug!(error = %e, "a failed step could not be noted");
    }
}
