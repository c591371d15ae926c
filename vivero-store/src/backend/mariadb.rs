//! MariaDB 10.6 or newer, through sqlx.
//!
//! Each tenant has a database and an account of its own; a pool's connections are fixed to both. All
//! writers of one database come one after another (see [`pool::Pool::begin`]): so no two units of work
//! interleave, and the numbers of the journal are in the order of commits. What short works do to records of their
//! own may go before their turn (see [`ahead`]), beside another process's writers, too: then two may lock records in
//! another order, and the server undoes one of them. Readers wait for nobody.

mod ahead;
mod budget;
mod definition;
mod failure;
mod group;
mod line;
mod merge;
mod nodes;
mod pool;
mod queries;
mod ready;
mod search;
mod statements;
mod tables;
mod values;

pub(crate) use budget::Budget;
pub(crate) use failure::Failure;
pub(crate) use nodes::Nodes;
pub(crate) use pool::{
    Connection, Exclusive, Hold, Lease, Login, Pool, Purpose, Ties, Writing, open,
};
use queries::Queries;
use ready::{Part, TELLS};

use super::{Answers, Backend, Cells, Costs, Guard, Key, Merge, Merged, Sql, Step};
use crate::migrate::{Fingerprint, Noted};
use search::Wanted;
use statements::{LONGEST_WAITING, run};
use uuid::Uuid;
use vivero_core::migration::PlannedStep;
use vivero_core::record::{Column, Kind, Schema};
use vivero_core::search::Terms;
use vivero_core::{Result, Value};

/// The table does not exist.
const NO_TABLE: u16 = 1146;

/// Parameters of a statement that is put off.
const MOST_DEFERRED: usize = 1_600;

/// Has a connection wait so many seconds for others' locks.
fn lock_wait(seconds: u32) -> String {
    format!("SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}")
}

/// The driver.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MariaDb;

impl Backend for MariaDb {
    type Pool = Pool;
    type Connection = Connection;
    type Leased = Lease;
    type Transaction = Writing;
    type Failure = Failure;
    type Match = Wanted;

    async fn acquire(pool: &Pool) -> Result<Lease> {
        pool.acquire().await
    }
    async fn begin(pool: &Pool) -> Result<Writing> {
        pool.begin().await
    }
    async fn begin_short(pool: &Pool) -> Result<Writing> {
        pool.begin_short().await
    }
    async fn commit<G: Send + 'static>(transaction: Writing, until: G) -> Result<()> {
        if transaction.is_short() {
            return transaction.commit_short(Box::new(until)).await;
        }
        // In a task of its own: a caller that goes away must not leave it to chance.
        let committing = tokio::spawn(async move {
            let outcome = transaction.commit().await;
            drop(until);
            outcome
        });
        committing.await.map_err(|e| vivero_core::Error::internal("committing", e))?
    }
    async fn define(pool: &Pool) -> Result<Writing> {
        pool.define().await
    }
    async fn define_and(
        pool: &Pool,
        lock_wait: u32,
        queries: &[(&'static str, &'static [Kind])],
    ) -> Result<(Writing, Option<Answers>)> {
        pool.define_and(lock_wait, queries).await
    }
    async fn put_off(connection: &mut Connection, all: Vec<Sql>) -> Result<(), Failure> {
        if let [sql] = &all[..] {
            if !connection.has_room(sql) {
                return Self::execute(connection, sql.clone()).await.map(|_| ());
            }
            connection.put_off(sql);
            return Ok(());
        }
        // One commit, and one sync, for all.
        connection.put_off(&Sql::new("START TRANSACTION"));
        all.iter().for_each(|sql| connection.put_off(sql));
        connection.put_off(&Sql::new("COMMIT"));
        Ok(())
    }
    async fn step(connection: &mut Connection, statement: &str) -> Result<(), Failure> {
        connection.stained |= !definition::leaves_nothing(statement);
        Self::fetch(connection, Sql::new(statement).long(), &[]).await.map(|_| ())
    }
    fn together(steps: &[PlannedStep]) -> usize {
        definition::together(steps.iter().map(|step| &*step.statement))
    }
    async fn steps(
        connection: &mut Connection,
        steps: &[PlannedStep],
    ) -> (usize, Result<(), Failure>) {
        match steps {
            [one] => match Self::step(connection, &one.statement).await {
                Ok(()) => (1, Ok(())),
                Err(e) => (0, Err(e)),
            },
            // They only add: nothing is left on the connection.
            several => connection.run_all(several.iter().map(|step| &*step.statement)).await,
        }
    }
    fn only_adds(statement: &str) -> bool {
        definition::only_adds(statement)
    }
    async fn defined(transaction: &mut Writing, rows: bool) -> Result<()> {
        transaction.go_on_as_one(rows);
        Ok(())
    }
    async fn go_on(transaction: Writing, _: &Pool) -> Result<Writing> {
        Ok(transaction)
    }
    fn lock_wait(seconds: u32) -> Option<String> {
        Some(lock_wait(seconds))
    }
    const NOTED: (&'static str, &'static [Kind]) =
        ("SELECT tables_of FROM engine_state WHERE one = 1", &[Kind::Text]);
    fn standing(row: Option<Cells>, wanted: &Fingerprint) -> Noted {
        let have = row.map(|mut row| row.text(0)).unwrap_or_default();
        let same_tables = have.split('.').next() == Some(wanted.tables.as_str());
        Noted { same: have == wanted.all(), same_tables, never: have.is_empty() }
    }
    async fn noted(connection: &mut Connection, wanted: &Fingerprint) -> Result<Noted> {
        let row = match Self::fetch(connection, Sql::new(Self::NOTED.0), Self::NOTED.1).await {
            Ok(rows) => rows.into_iter().next(),
            Err(e) if e.number() == Some(NO_TABLE) => None,
            Err(e) => return Err(e.into()),
        };
        Ok(Self::standing(row, wanted))
    }
    async fn note(connection: &mut Connection, version: &Fingerprint) -> Result<()> {
        let sql = Sql::new("UPDATE engine_state SET tables_of = ? WHERE one = 1");
        let sql = sql.with(Value::Text(version.all()));
        Self::defer(connection, sql).await.map_err(Into::into)
    }
    async fn close(pool: &Pool) {
        pool.close();
    }
    fn is_closed(pool: &Pool) -> bool {
        pool.is_closed()
    }
    fn reap(pool: &Pool) {
        pool.reap();
    }

    async fn fetch(
        connection: &mut Connection,
        sql: Sql,
        kinds: &[Kind],
    ) -> Result<Vec<Cells>, Failure> {
        if let Some(text) = connection.joined(&sql).await? {
            return Ok(connection.after_waiting(&text, kinds).await?.0);
        }
        connection.busy = true;
        let outcome = connection.fetch(sql, kinds).await;
        connection.settle(outcome)
    }

    async fn execute(connection: &mut Connection, sql: Sql) -> Result<u64, Failure> {
        if let Some(text) = connection.joined(&sql).await? {
            return Ok(connection.after_waiting(&text, &[]).await?.1);
        }
        connection.busy = true;
        let outcome = connection.execute(sql).await;
        connection.settle(outcome)
    }

    async fn defer(connection: &mut Connection, sql: Sql) -> Result<(), Failure> {
        let bulk =
            sql.args.len() > MOST_DEFERRED || connection.waiting.text.len() > LONGEST_WAITING;
        if bulk || !connection.open && connection.group.is_none() {
            return Self::execute(connection, sql).await.map(|_| ());
        }
        connection.put_off(&sql);
        Ok(())
    }

    fn next_number(table: &str) -> String {
        // Groups of works add rows before their turn: see `ahead`. On a cluster none does, and each node leaves out
        // numbers.
        format!(
            "SELECT if(@@auto_increment_increment = 1, 0, coalesce(max(seq), 0) + 1) FROM {table}"
        )
    }

    const FIRST_GIVEN: Option<&'static str> = Some("last_insert_id()");

    async fn insert_one(
        connection: &mut Connection,
        head: &str,
        row: Vec<Value>,
        schema: &'static Schema,
    ) -> Result<(), Failure> {
        let sql = Sql::insert(head, vec![row]);
        if connection.group.is_some() && connection.has_room(&sql) {
            return connection.put_off_row(&sql, schema);
        }
        Self::execute(connection, sql).await.map(|_| ())
    }

    async fn update_one(
        connection: &mut Connection,
        schema: &'static Schema,
        id: Uuid,
        (from, to): (i64, i64),
        sets: Sql,
    ) -> Result<bool, Failure> {
        if connection.group.is_some() && connection.has_room(&sets) {
            let sql = Self::update_if(schema, id, (from, to), sets, Guard::default());
            return connection.put_off_row(&sql, schema).map(|()| true);
        }
        Ok(Self::execute(connection, Sql::update(schema, id, (from, to), sets)).await? > 0)
    }

    fn update_if(
        schema: &Schema,
        id: Uuid,
        (from, to): (i64, i64),
        sets: Sql,
        guard: Guard,
    ) -> Sql {
        let mut sql =
            Sql::new(format!("UPDATE {} SET version = if(version = {from}, {to}", schema.table));
        if let Some(combination) = guard.combination {
            sql.add(TELLS).bind(Value::Text(combination));
        }
        for condition in guard.conditions {
            sql.addf(format_args!(" * (SELECT 1 FROM {} t WHERE t.id = ?", condition.table));
            sql.bind(Value::Id(condition.id)).append(condition.rest).add(")");
        }
        sql.add(", NULL)").append(sets).add(" WHERE id = ?").bind(Value::Id(id));
        sql
    }

    async fn put_off_step(connection: &mut Connection, step: Step) -> Result<(), Failure> {
        connection.put_off_part(&Part::new(step)).await
    }

    async fn commit_whole<G: Send + 'static>(
        pool: &Pool,
        steps: Vec<Step>,
        openings: u64,
        along: impl FnOnce() + Send + 'static,
        until: G,
    ) -> Result<()> {
        let parts: Vec<Part> = steps.into_iter().map(Part::new).collect();
        if parts.iter().map(Part::length).sum::<usize>() < LONGEST_WAITING {
            return pool.commit_whole(parts, openings, Box::new(along), Box::new(until)).await;
        }
        let mut writing = pool.begin_short().await?;
        along();
        if parts.iter().any(Part::tells) && pool.openings() != openings {
            return Err(group::undone("another connection was opened"));
        }
        for part in parts {
            writing.put_off_part(&part).await?;
        }
        Self::commit(writing, until).await
    }

    async fn merge(connection: &mut Connection, ranges: Merge) -> Result<Merged, Failure> {
        merge::merge(connection, ranges).await
    }

    async fn steady(connection: &mut Connection) -> Result<bool, Failure> {
        if connection.is_in_transaction() {
            return Ok(false);
        }
        connection.open = true;
        connection.script(queries::SNAPSHOT).await?;
        Ok(true)
    }

    async fn unsteady(connection: &mut Connection) -> Result<(), Failure> {
        connection.end_of_one_state().await
    }

    async fn at_once(
        connection: &mut Connection,
        queries: Vec<(Sql, &[Kind])>,
    ) -> Result<Vec<Vec<Cells>>, Failure> {
        let mut all = Queries::default();
        queries.iter().for_each(|(sql, kinds)| all.push(sql, kinds));
        connection.batch_of_one_state(all).await
    }

    fn taken_field(failure: &Failure) -> Option<String> {
        if failure.is_of_row_put_off() {
            // It says itself what is taken.
            return None;
        }
        failure.taken().map(|(_, field)| field.to_owned())
    }

    fn column_type(column: &Column) -> String {
        tables::column_type(column)
    }
    fn empty(column: &Column) -> &'static str {
        tables::empty(column)
    }
    fn create_table(table: &str, columns: &[String], keys: &[Key]) -> String {
        tables::create(table, columns, keys)
    }
    fn create_search(table: &str) -> Vec<String> {
        vec![tables::create_search(table)]
    }
    fn create_sets(table: &str, sets: &str, columns: &[&Column]) -> Vec<String> {
        tables::create_sets(table, sets, columns)
    }
    fn former_triggers(sets: &str) -> Vec<String> {
        ["insert", "update"].map(|event| format!("{sets}_{event}")).into()
    }
    fn tell_combination(connection: &mut Connection, combination: &str) {
        let known = connection.combination.as_deref();
        if connection.is_in_transaction() && known != Some(combination) {
            let sql = Sql::new(format!("SET {} = ?", tables::COMBINATION));
            connection.put_off(&sql.with(Value::Text(combination.to_owned())));
            connection.combination = Some(combination.to_owned());
        }
    }
    fn openings(pool: &Pool) -> u64 {
        pool.openings()
    }
    fn same(column: &Column) -> String {
        format!("t.{} {} ?", column.name, if column.nullable { "<=>" } else { "=" })
    }
    async fn insert_search(
        connection: &mut Connection,
        table: &str,
        texts: Vec<(Option<i64>, String)>,
    ) -> Result<(), Failure> {
        for sql in search::insert(table, &texts) {
            if texts.len() == 1 {
                Self::defer(connection, sql).await?;
            } else {
                Self::execute(connection, sql).await?;
            }
        }
        Ok(())
    }
    fn update_search(table: &str, seq: i64, before: &str, after: String) -> Vec<Sql> {
        search::update(table, seq, before, &after)
    }
    async fn matching(
        connection: &mut Connection,
        table: &str,
        terms: &Terms,
    ) -> Result<Wanted, Failure> {
        search::matching(connection, table, terms).await
    }
    fn matches(sql: &mut Sql, table: &str, wanted: &Wanted) {
        search::matches(sql, table, wanted);
    }
    fn from_search(table: &str) -> String {
        format!(" STRAIGHT_JOIN {table} t ON t.seq = f.rowid")
    }
    fn where_search(sql: &mut Sql, table: &str, wanted: &Wanted) {
        search::conditions(sql, table, wanted);
    }
    fn in_search(sql: &mut Sql, table: &str, wanted: &Wanted) {
        search::of_row(sql, table, wanted);
    }
    fn concat(a: &str, b: &str) -> String {
        format!("concat({a}, {b})")
    }
    fn digest(column: &str) -> String {
        format!(
            "count(*), coalesce(cast(bit_xor(cast(conv(hex(right({column}, 8)), 16, 10) AS UNSIGNED)) AS SIGNED), 0)"
        )
    }
    fn fence(fenced: bool) -> Vec<&'static str> {
        // Making a trigger waits for the transactions that have touched the table.
        if fenced {
            vec![
                "CREATE TRIGGER IF NOT EXISTS fenced_journal BEFORE INSERT ON journal \
                 FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'vivero: fenced'",
                "CREATE TRIGGER IF NOT EXISTS fenced_answers BEFORE INSERT ON idempotency \
                 FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'vivero: fenced'",
            ]
        } else {
            vec!["DROP TRIGGER IF EXISTS fenced_journal", "DROP TRIGGER IF EXISTS fenced_answers"]
        }
    }
    fn index_hint(index: &str) -> String {
        format!(" FORCE INDEX ({index})")
    }
    fn cache(_: u32) -> Option<String> {
        None
    }
    const NAME: &'static str = "mariadb";
    const BOOKKEEPING: &'static [(&'static str, &'static str)] = tables::BOOKKEEPING;
    const REGISTRY: &'static [&'static str] = tables::REGISTRY;
    const KEYS_WITH_TABLE: bool = true;
    const PLACES_BY_CONDITION: bool = true;
    const ASKS_TOGETHER: bool = true;
    const HASTENS: bool = true;
    const CHECKS: bool = true;
    /// Measured with 200,000 rows. A range is a part of a statement, to be read and planned each time.
    const COSTS: Costs = Costs { entry: 2.0, looked_at: 3.0, row: 15.0, seek: 500.0 };
    const TURN: Option<&'static str> = Some("SELECT turn FROM engine_state WHERE one = 1");
    const LEAP: Option<&'static str> =
        Some("UPDATE engine_state SET turn = (turn DIV 4294967296 + 1) * 4294967296 WHERE one = 1");
    const HEARS_OF_COMBINATIONS: bool = true;
    const STEPS_STAND: bool = true;
    const SAVEPOINTS: bool = true;
    const NO_INDEX: &'static str = " FORCE INDEX (PRIMARY)";
    const OBJECTS: &'static str = tables::OBJECTS;
    const ADD_COLUMN: &'static str = "ADD COLUMN IF NOT EXISTS";
    const STEP_COLUMNS: &'static [(&'static str, &'static str)] = tables::STEP_COLUMNS;
    const OR_ADD: &'static str = " ON DUPLICATE KEY UPDATE n = n + VALUES(n)";
}
