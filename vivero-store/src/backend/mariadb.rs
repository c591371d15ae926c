//! MariaDB 10.6 or newer, through sqlx.
//!
//! Each tenant has a database and an account of its own; a pool's connections are fixed to both. All
//! writers of one database come one after another (see [`pool::Pool::begin`]): so no two units of work
//! interleave, the numbers of the journal are in the order of commits, and nothing deadlocks. Readers
//! wait for nobody.

mod budget;
mod definition;
mod failure;
mod group;
mod merge;
mod nodes;
mod pool;
mod search;
mod tables;
mod values;

pub(crate) use budget::Budget;
pub(crate) use failure::Failure;
use group::Group;
pub(crate) use nodes::Nodes;
pub(crate) use pool::{
    Connection, Exclusive, Hold, Lease, Login, Pool, Purpose, Ties, Writing, open,
};

use super::{Answers, Backend, Cells, Costs, Key, Merge, Merged, Sql};
use crate::migrate::{Fingerprint, Noted};
use futures_util::TryStreamExt as _;
use search::Wanted;
use sqlx::{AssertSqlSafe, Executor as _, MySqlConnection};
use uuid::Uuid;
use vivero_core::record::{Column, Kind, Schema};
use vivero_core::search::Terms;
use vivero_core::{Result, Value};

/// The table does not exist.
const NO_TABLE: u16 = 1146;

/// How often the first packet of a transaction is sent that the server refuses for a reason that passes.
const TRIES: u32 = 5;
/// Parameters of a statement that is sent as text behind others.
const MOST_JOINED: usize = 64;
/// Parameters of a statement that is put off, and bytes of all that are.
const MOST_DEFERRED: usize = 1_600;
const LONGEST_WAITING: usize = 256 * 1024;
/// The longest statement that is sent as text: half of what a server takes by default.
const LONGEST_TEXT: usize = 8 * 1024 * 1024;

/// A statement with its parameters as literals, unless it is worth preparing or too long.
///
/// The driver keeps a bounded number of statements prepared. To make room it sends the server a farewell
/// that nobody answers and then the next statement; as it leaves Nagle's algorithm on, that one waits 40 ms
/// for the other side to acknowledge the first. So only what comes again and again is prepared.
fn as_text(sql: &Sql) -> Option<String> {
    if sql.args.is_empty() {
        return Some(sql.text.clone());
    }
    if sql.fixed {
        return None;
    }
    let mut text = String::with_capacity(sql.text.len() + sql.args.len() * 24);
    merge::fill(&mut text, &sql.text, sql.args.iter());
    (text.len() < LONGEST_TEXT).then_some(text)
}

/// About how long a statement is as text.
fn length(sql: &Sql) -> usize {
    let length = |value: &Value| match value {
        Value::Text(text) => text.len() * 2,
        Value::Bytes(bytes) => bytes.len() * 2,
        Value::Json(json) => json.to_string().len() * 2,
        _ => 32,
    };
    sql.text.len() + sql.args.iter().map(length).sum::<usize>()
}

/// Has a connection wait so many seconds for others' locks.
fn lock_wait(seconds: u32) -> String {
    format!("SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}")
}

/// What came of statements that were sent together.
#[derive(Debug, Default)]
struct Done {
    statements: usize,
    rows: Vec<Cells>,
    touched: u64,
}

/// The driver.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MariaDb;

/// Runs statements without parameters, up to the last.
pub(crate) async fn run(connection: &mut MySqlConnection, text: &str) -> sqlx::Result<()> {
    let statements = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
    statements.execute(connection).await.map(|_| ())
}

impl Connection {
    /// Notes what becomes of a statement.
    fn settle<T>(&mut self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        let outcome = self.answered(outcome);
        if let Err(e) = &outcome {
            self.note_failure(e, false);
        }
        outcome
    }

    /// The same of what may have been several works' statements.
    fn answered<T>(&mut self, outcome: Result<T, Failure>) -> Result<T, Failure> {
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

    /// Runs what waits and a statement without parameters, in one packet; the statement's rows, and how
    /// many it touched. The first packet of a write transaction is sent again if what it fails with
    /// passes, or if the connection had been closed meanwhile: nothing has been done by then.
    async fn after_waiting(
        &mut self,
        text: &str,
        kinds: &[Kind],
    ) -> Result<(Vec<Cells>, u64), Failure> {
        let mut waiting = std::mem::take(&mut self.waiting);
        let first = self.first.take();
        let mut tries = 0;
        if let Some(group) = &mut self.group {
            group.start();
        }
        loop {
            let text = format!("{}{text}", waiting.text);
            self.busy = true;
            self.open |= first.is_some();
            let mut done = Done::default();
            let outcome = self.each(&text, waiting.statements, kinds, &mut done).await;
            let outcome = self.answered(outcome);
            let share = self.group.as_mut().and_then(|group| group.confirm_up_to(done.statements));
            let Err(e) = outcome else { return Ok((done.rows, done.touched)) };
            let e = e.among(&waiting.rows);
            if let Some(share) = share.filter(|_| e.is_of_statement()) {
                let before = self.undo_last(e).await?;
                waiting.text = before.text + &waiting.text[share.bytes..];
                waiting.statements = waiting.statements - share.statements + before.statements;
                continue;
            }
            let again = tries < TRIES && (e.is_passing() || e.is_lost());
            if let Some(pool) = first.as_ref().filter(|_| again) {
                tries += 1;
                if e.is_lost() {
                    self.renew(pool).await;
                }
                if !self.lost {
                    continue;
                }
            }
            // What others rely on to have been done has not been.
            let relied_on = done.statements < waiting.statements;
            if !self.note_failure(&e, relied_on) {
                self.lost |= relied_on;
            }
            return Err(e);
        }
    }

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
                    let cells = kinds.iter().enumerate().map(|(i, k)| values::read(&row, i, *k));
                    done.rows.push(Cells(cells.collect::<Result<_, _>>()?));
                }
                sqlx::Either::Right(_) => {}
            }
        }
        Ok(())
    }

    /// Has a statement wait for the next.
    fn put_off(&mut self, sql: &Sql) {
        merge::fill(&mut self.waiting.text, &sql.text, sql.args.iter());
        self.waiting.text.push_str("; ");
        self.waiting.statements += 1;
    }

    /// Whether a statement may wait too.
    fn has_room(&self, sql: &Sql) -> bool {
        self.waiting.text.len() + length(sql) <= LONGEST_WAITING
    }

    /// Whether it is in the middle of a short work.
    fn has_begun_short(&self) -> bool {
        self.group.as_ref().is_some_and(|group| !group.is_fresh())
    }

    /// Has a change of one row wait for the next statement.
    fn put_off_row(&mut self, sql: &Sql, schema: &'static Schema) -> Result<(), Failure> {
        self.check_alive()?;
        self.put_off(sql);
        self.waiting.rows.push(schema);
        Ok(())
    }

    /// Whether a statement goes with what waits: if so, as text.
    async fn joined(&mut self, sql: &Sql) -> Result<Option<String>, Failure> {
        self.check_alive()?;
        if self.is_overtaken() {
            self.lost = true;
            return Err(Failure::overtaken());
        }
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

    async fn fetch(&mut self, sql: Sql, kinds: &[Kind]) -> Result<Vec<Cells>, Failure> {
        let mut all = Vec::new();
        let mut take = |row: &sqlx::mysql::MySqlRow| -> Result<(), Failure> {
            let cells = kinds.iter().enumerate().map(|(i, kind)| values::read(row, i, *kind));
            all.push(Cells(cells.collect::<Result<_, _>>()?));
            Ok(())
        };
        if let Some(text) = as_text(&sql) {
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

    /// Runs statements without parameters; the rows of each, whose columns are of the `kinds` given for
    /// it. None for one that has no rows.
    async fn all(&mut self, text: String, kinds: &[&[Kind]]) -> Result<Vec<Vec<Cells>>, Failure> {
        let mut all = vec![Vec::new()];
        let mut parts = sqlx::raw_sql(AssertSqlSafe(text)).fetch_many(&mut self.inner);
        while let Some(part) = parts.try_next().await? {
            let at = all.len() - 1;
            match part {
                sqlx::Either::Left(_) => all.push(Vec::new()),
                sqlx::Either::Right(row) => {
                    let kinds = kinds.get(at).copied().unwrap_or_default();
                    let cells = kinds.iter().enumerate().map(|(i, k)| values::read(&row, i, *k));
                    all[at].push(Cells(cells.collect::<Result<_, _>>()?));
                }
            }
        }
        Ok(all)
    }

    /// The same, noting what becomes of them.
    async fn batch(&mut self, text: String, kinds: &[&[Kind]]) -> Result<Vec<Vec<Cells>>, Failure> {
        self.check_alive()?;
        if self.waiting.statements > 0 {
            self.after_waiting("DO 0", &[]).await?;
        }
        self.busy = true;
        let outcome = self.all(text, kinds).await;
        self.settle(outcome)
    }

    async fn execute(&mut self, sql: Sql) -> Result<u64, Failure> {
        let done = if let Some(text) = as_text(&sql) {
            self.inner.execute(sqlx::raw_sql(AssertSqlSafe(text))).await?
        } else {
            let args = values::arguments(&sql.args)?;
            let query = sqlx::query_with(AssertSqlSafe(sql.text), args).persistent(!sql.long);
            self.inner.execute(query).await?
        };
        Ok(done.rows_affected())
    }
}

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
        if !connection.open || bulk || connection.group.as_ref().is_some_and(Group::is_fresh) {
            return Self::execute(connection, sql).await.map(|_| ());
        }
        connection.put_off(&sql);
        Ok(())
    }

    async fn insert_one(
        connection: &mut Connection,
        head: &str,
        row: Vec<Value>,
        schema: &'static Schema,
    ) -> Result<(), Failure> {
        let sql = Sql::insert(head, vec![row]);
        if connection.has_begun_short() && connection.has_room(&sql) {
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
        if connection.has_begun_short() && connection.has_room(&sets) {
            // No version at all is none that the column takes: see `Failure::is_outdated`.
            let mut sql = Sql::new(format!(
                "UPDATE {} SET version = if(version = {from}, {to}, NULL)",
                schema.table
            ));
            sql.append(sets).add(" WHERE id = ?").bind(Value::Id(id));
            return connection.put_off_row(&sql, schema).map(|()| true);
        }
        Ok(Self::execute(connection, Sql::update(schema, id, (from, to), sets)).await? > 0)
    }

    async fn merge(connection: &mut Connection, ranges: Merge) -> Result<Merged, Failure> {
        merge::merge(connection, ranges).await
    }

    async fn steady(connection: &mut Connection) -> Result<bool, Failure> {
        if connection.is_in_transaction() {
            return Ok(false);
        }
        connection.open = true;
        connection.script("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await?;
        Ok(true)
    }

    async fn unsteady(connection: &mut Connection) -> Result<(), Failure> {
        connection.script("COMMIT").await?;
        connection.open = false;
        Ok(())
    }

    async fn at_once(
        connection: &mut Connection,
        queries: Vec<(Sql, &[Kind])>,
    ) -> Result<Vec<Vec<Cells>>, Failure> {
        let wrapped = !connection.is_in_transaction();
        let mut text = String::new();
        let mut kinds: Vec<&[Kind]> = Vec::with_capacity(queries.len() + 2);
        if wrapped {
            text.push_str("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY; ");
            kinds.push(&[]);
        }
        let wanted = queries.len();
        for (i, (sql, of)) in queries.iter().enumerate() {
            text.push_str(if i == 0 { "" } else { "; " });
            merge::fill(&mut text, &sql.text, sql.args.iter());
            kinds.push(of);
        }
        if wrapped {
            text.push_str("; COMMIT");
            connection.open = true;
        }
        let answers = connection.batch(text, &kinds).await?;
        if wrapped {
            connection.open = false;
        }
        Ok(answers.into_iter().skip(usize::from(wrapped)).take(wanted).collect())
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
        if connection.has_begun_short() && known != Some(combination) {
            let sql = Sql::new(format!("SET {} = ?", tables::COMBINATION));
            connection.put_off(&sql.with(Value::Text(combination.to_owned())));
            connection.combination = Some(combination.to_owned());
        }
    }
    fn openings(transaction: &Writing) -> u64 {
        transaction.openings()
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
    const ADD_COUNT: &'static str = "INSERT INTO counts (resource, field, value, n) VALUES (?, ?, ?, ?) \
         ON DUPLICATE KEY UPDATE n = n + VALUES(n)";
}
