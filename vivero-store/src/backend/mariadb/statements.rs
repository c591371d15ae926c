//! What is sent on a connection: alone, or behind statements that wait for it, in one packet.

use super::pool::{TURN, Waiting};
use super::ready::Part;
use super::tables::COMBINATION;
use super::{Cells, Connection, Failure, Sql, merge, values};
use crate::backend::Meaning;
use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Executor as _, MySqlConnection};
use vivero_core::record::{Kind, Schema};
use vivero_core::{Result, Value};

/// How often the first packet of a transaction is sent that the server refuses for a reason that passes.
const TRIES: u32 = 5;
/// Parameters of a statement that is sent as text behind others.
const MOST_JOINED: usize = 64;
/// Bytes of all statements that wait.
pub(super) const LONGEST_WAITING: usize = 256 * 1024;
/// The longest statement that is sent as text: half of what a server takes by default.
const LONGEST_TEXT: usize = 8 * 1024 * 1024;

/// A statement with its parameters as literals, unless it is worth preparing or too long.
///
/// The driver keeps a bounded number of statements prepared. To make room it sends the server a farewell
/// that nobody answers and then the next statement; as it leaves Nagle's algorithm on, that one waits 40 ms
/// for the other side to acknowledge the first. So only what comes again and again is prepared.
///
/// On a cluster (`apart`) nothing is prepared: that farewell could be what its node says that it has undone a
/// transaction to.
fn as_text(sql: &Sql, apart: bool) -> Option<String> {
    if sql.args.is_empty() {
        return Some(sql.text.clone());
    }
    if sql.fixed && !apart {
        return None;
    }
    let mut text = String::with_capacity(sql.text.len() + sql.args.len() * 24);
    merge::fill(&mut text, &sql.text, sql.args.iter());
    (text.len() < LONGEST_TEXT).then_some(text)
}

/// About how long a statement is as text.
pub(super) fn length(sql: &Sql) -> usize {
    let length = |value: &Value| match value {
        Value::Text(text) => text.len() * 2,
        Value::Bytes(bytes) => bytes.len() * 2,
        Value::Json(json) => json.as_str().len() * 2,
        _ => 32,
    };
    sql.text.len() + sql.args.iter().map(length).sum::<usize>()
}

/// What came of statements that were sent together.
#[derive(Debug, Default)]
struct Done {
    statements: usize,
    rows: Vec<Cells>,
    touched: u64,
}

/// Runs statements without parameters, up to the last.
pub(in crate::backend) async fn run(
    connection: &mut MySqlConnection,
    text: &str,
) -> sqlx::Result<()> {
    let statements = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
    statements.execute(connection).await.map(|_| ())
}

impl Connection {
    /// Notes what becomes of a statement.
    pub(super) fn settle<T>(&mut self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        let outcome = self.answered(outcome);
        if let Err(e) = &outcome {
            self.note_failure(e, false);
        }
        outcome
    }

    /// The same of what may have been several works' statements.
    pub(super) fn answered<T>(&mut self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        self.busy = false;
        if let Err(e) = &outcome {
            self.lost |= e.is_lost();
        }
        outcome
    }

    /// Runs statements without parameters, after what waits.
    pub(crate) async fn script(&mut self, text: &str) -> Result<(), Failure> {
        if self.waiting.statements > 0 {
            return self.after_waiting(text, &[]).await.map(|_| ());
        }
        self.busy = true;
        let outcome = run(&mut self.inner, text).await.map_err(Into::into);
        self.settle(outcome)
    }

    /// Runs what waits and a statement without parameters, in one packet where they may go together (see
    /// [`super::queries`]); the statement's rows, and how many it touched. The first packet of a write transaction is sent again if what it fails with
    /// passes, or if the connection had been closed meanwhile: nothing has been done by then.
    pub(super) async fn after_waiting(
        &mut self,
        text: &str,
        kinds: &[Kind],
    ) -> Result<(Vec<Cells>, u64), Failure> {
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut first = self.first.take();
        let mut tries = 0;
        if let Some(group) = &mut self.group {
            group.send();
        }
        loop {
            self.busy = true;
            self.open |= first.is_some();
            let mut done = Done::default();
            let outcome = self.each_of(&waiting, text, kinds, &mut done).await;
            let outcome = self.answered(outcome);
            let Err(e) = outcome else {
                self.confirm_up_to(done.statements);
                return Ok((done.rows, done.touched));
            };
            let e = e.of(waiting.meaning(done.statements));
            // A lock that is waited for too long undoes a statement, not what was done before.
            let passes = e.is_passing() && done.statements <= TURN;
            // What triggers were told need not be so on a server that is there instead.
            let renews = e.is_lost() && !waiting.text.contains(COMBINATION);
            let again = tries < TRIES && (passes || renews);
            if let Some(pool) = first.as_ref().filter(|_| again) {
                tries += 1;
                if e.is_lost() {
                    self.renew(pool).await;
                }
                if !self.lost {
                    continue;
                }
            }
            // Not before: what is sent again is not done.
            let end = self.confirm_up_to(done.statements);
            if let Some(end) = end.filter(|_| e.is_of_statement()) {
                let (rest, alone) = self.undo_first(e, &waiting, end).await?;
                waiting = rest;
                if !alone {
                    // What was done stays: it must not be sent again without it.
                    first = None;
                }
                continue;
            }
            let began = first.is_none() || done.statements >= TURN;
            if end.is_some() && began && !e.is_lost() && !e.is_passing() {
                // Of another's work: it is theirs to hear of, and the rest is done again.
                let why = e.to_string();
                self.blame_first(e);
                self.kill(&why);
                return Err(Failure::of_another(why));
            }
            // What others rely on to have been done has not been.
            let relied_on = done.statements < waiting.statements;
            if !self.note_failure(&e, relied_on) {
                self.lost |= relied_on;
            }
            if first.is_some() && self.group.is_some() && e.is_lost() {
                // It has begun on no server.
                return Err(Failure::of_another(e.to_string()));
            }
            return Err(e);
        }
    }

    async fn each_of(
        &mut self,
        waiting: &Waiting,
        text: &str,
        kinds: &[Kind],
        done: &mut Done,
    ) -> Result<(), Failure> {
        let at = waiting.statements;
        if !self.goes_apart {
            return self.each(&format!("{}{text}", waiting.text), at, kinds, done).await;
        }
        for statement in waiting.apart() {
            self.each(statement, at, &[], done).await?;
        }
        self.each(text, at, kinds, done).await
    }

    /// Runs statements; the rows are those of the one whose number is `at`.
    async fn each(
        &mut self,
        text: &str,
        at: usize,
        kinds: &[Kind],
        done: &mut Done,
    ) -> Result<(), Failure> {
        let mut parts = sqlx::raw_sql(AssertSqlSafe(text.to_owned())).fetch_many(&mut self.inner);
        while let Some(part) = parts.try_next().await? {
            match part {
                sqlx::Either::Left(result) => {
                    done.statements += 1;
                    done.touched = result.rows_affected();
                }
                sqlx::Either::Right(row) if done.statements == at => {
                    done.rows.push(values::cells(&row, kinds)?);
                }
                sqlx::Either::Right(_) => {}
            }
        }
        Ok(())
    }

    /// Has a statement wait for the next.
    pub(super) fn put_off(&mut self, sql: &Sql) {
        self.put_off_as(sql, Meaning::Plain);
    }

    pub(super) fn put_off_as(&mut self, sql: &Sql, meaning: Meaning) {
        if let Some(group) = &mut self.group {
            group.touch();
        }
        self.waiting.push(sql, meaning);
    }

    /// The same of a part of a short work; what waits is sent when it is too much.
    pub(super) async fn put_off_part(&mut self, part: &Part) -> Result<(), Failure> {
        self.check_alive()?;
        if let Some(group) = &mut self.group {
            group.touch();
        }
        part.push_onto(&mut self.waiting);
        if self.waiting.text.len() > LONGEST_WAITING {
            self.after_waiting("DO 0", &[]).await?;
        }
        Ok(())
    }

    /// Whether a statement may wait too.
    pub(super) fn has_room(&self, sql: &Sql) -> bool {
        self.waiting.text.len() + length(sql) <= LONGEST_WAITING
    }

    /// Has a change of one row of a short work wait for the next statement.
    pub(super) fn put_off_row(
        &mut self,
        sql: &Sql,
        schema: &'static Schema,
    ) -> Result<(), Failure> {
        self.check_alive()?;
        self.put_off_as(sql, Meaning::Row(schema));
        Ok(())
    }

    /// Fails where somebody else may be doing by now what this connection does alone.
    fn check_alone(&mut self) -> Result<(), Failure> {
        if self.is_overtaken() {
            self.lost = true;
            return Err(Failure::overtaken());
        }
        Ok(())
    }

    /// Whether a statement goes with what waits: if so, as text.
    pub(super) async fn joined(&mut self, sql: &Sql) -> Result<Option<String>, Failure> {
        self.check_alive()?;
        self.check_alone()?;
        if self.waiting.statements == 0 {
            return Ok(None);
        }
        if sql.long && !sql.args.is_empty() || sql.args.len() > MOST_JOINED {
            // As text it would be longer than it is worth.
            self.after_waiting("DO 0", &[]).await?;
            return Ok(None);
        }
        let mut text = String::new();
        merge::fill(&mut text, &sql.text, sql.args.iter());
        Ok(Some(text))
    }

    pub(super) async fn fetch(&mut self, sql: Sql, kinds: &[Kind]) -> Result<Vec<Cells>, Failure> {
        let mut all = Vec::new();
        let mut take = |row: &sqlx::mysql::MySqlRow| -> Result<(), Failure> {
            all.push(values::cells(row, kinds)?);
            Ok(())
        };
        if let Some(text) = as_text(&sql, self.goes_apart) {
            let mut rows = sqlx::raw_sql(AssertSqlSafe(text)).fetch(&mut self.inner);
            while let Some(row) = rows.try_next().await? {
                take(&row)?;
            }
        } else {
            let args = values::arguments(&sql.args)?;
            let query = sqlx::query_with(AssertSqlSafe(sql.text), args).persistent(!sql.long);
            let mut rows = query.fetch(&mut self.inner);
            while let Some(row) = rows.try_next().await? {
                take(&row)?;
            }
        }
        Ok(all)
    }

    /// Runs statements that change tables, in one packet; how many of them were run, and what the next one
    /// failed with.
    pub(super) async fn run_all(
        &mut self,
        statements: impl Iterator<Item = &str>,
    ) -> (usize, Result<(), Failure>) {
        if let Err(e) = self.check_alive().and_then(|()| self.check_alone()) {
            return (0, Err(e));
        }
        if self.waiting.statements > 0
            && let Err(e) = self.after_waiting("DO 0", &[]).await
        {
            return (0, Err(e));
        }
        let text = statements.collect::<Vec<_>>().join("; ");
        self.busy = true;
        let mut done = Done::default();
        let outcome = self.each(&text, 0, &[], &mut done).await;
        (done.statements, self.settle(outcome))
    }

    pub(super) async fn execute(&mut self, sql: Sql) -> Result<u64, Failure> {
        let done = if let Some(text) = as_text(&sql, self.goes_apart) {
            self.inner.execute(sqlx::raw_sql(AssertSqlSafe(text))).await?
        } else {
            let args = values::arguments(&sql.args)?;
            let query = sqlx::query_with(AssertSqlSafe(sql.text), args).persistent(!sql.long);
            self.inner.execute(query).await?
        };
        Ok(done.rows_affected())
    }
}
