//! The line between one SQL body and the drivers it runs on.
//!
//! A driver implements [`Backend`]; nothing above it names a database. What differs between dialects
//! is a constant or a function here, never an `if` in a query.

mod cells;
#[cfg(feature = "mariadb")]
pub(crate) mod mariadb;
mod merge;
mod sql;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
#[cfg_attr(
    not(feature = "mariadb"),
    expect(dead_code, reason = "guards and meanings are for engines that take things for granted")
)]
mod whole;

pub(crate) use cells::Cells;
pub(crate) use merge::{Merge, Merged};
pub(crate) use sql::Sql;
pub(crate) use whole::{Addition, Condition, Guard, Meaning, Step};

use crate::migrate::{Fingerprint, Noted};
use std::ops::DerefMut;
use uuid::Uuid;
use vivero_core::migration::PlannedStep;
use vivero_core::record::{Column, Kind, Schema};
use vivero_core::search::Terms;
use vivero_core::{Error, Result, Value};

/// The rows of several queries.
pub(crate) type Answers = Vec<Vec<Cells>>;

/// A driver and its dialect.
pub(crate) trait Backend: Sized + Send + Sync + 'static {
    /// A bounded set of connections to one database; clones share it.
    type Pool: Clone + Send + Sync + 'static;
    /// A connection.
    type Connection: Send;
    /// A connection from the pool; goes back when dropped.
    type Leased: DerefMut<Target = Self::Connection> + Send;
    /// A connection in a write transaction, which is undone when it is dropped.
    type Transaction: DerefMut<Target = Self::Connection> + Send + 'static;
    /// What a statement fails with.
    type Failure: Into<Error> + Send;
    /// The words of a search, as the engine finds them.
    type Match: Send + Sync;

    /// A connection for reading.
    fn acquire(pool: &Self::Pool) -> impl Future<Output = Result<Self::Leased>> + Send;
    /// Begins a transaction that may write.
    fn begin(pool: &Self::Pool) -> impl Future<Output = Result<Self::Transaction>> + Send;
    /// The same for a transaction that ends soon and waits for nothing but its statements: several of them
    /// may be made durable at once.
    fn begin_short(pool: &Self::Pool) -> impl Future<Output = Result<Self::Transaction>> + Send {
        Self::begin(pool)
    }
    /// Commits; returns when what was written is durable. A caller that goes away while it waits
    /// leaves either all of it or nothing; `until` is dropped when it is known which.
    fn commit<G: Send + 'static>(
        transaction: Self::Transaction,
        until: G,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Begins to change tables. Where definitions are part of transactions it begins one; where they
    /// commit by themselves it only keeps others from changing tables meanwhile.
    fn define(pool: &Self::Pool) -> impl Future<Output = Result<Self::Transaction>> + Send;
    /// The same, with this many seconds to wait for others' locks, and what queries without parameters
    /// find, each with the kinds of its columns; `None` if one of them failed.
    fn define_and(
        pool: &Self::Pool,
        lock_wait: u32,
        queries: &[(&'static str, &'static [Kind])],
    ) -> impl Future<Output = Result<(Self::Transaction, Option<Answers>)>> + Send {
        async move {
            let mut transaction = Self::define(pool).await?;
            if let Some(sql) = Self::lock_wait(lock_wait) {
                Sql::new(sql).execute::<Self>(&mut transaction).await?;
            }
            let mut found = Vec::new();
            for (text, kinds) in queries {
                match Self::fetch(&mut transaction, Sql::new(*text), kinds).await {
                    Ok(rows) => found.push(rows),
                    Err(_) => return Ok((transaction, None)),
                }
            }
            Ok((transaction, Some(found)))
        }
    }
    /// Runs work that is mostly statements so that it holds no other task up; it ends with its caller.
    fn apart<T: Send + 'static>(
        work: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        async move { Ok(work.await) }
    }
    /// Runs statements, all or none of them, at the latest with the next one, also outside of a
    /// transaction.
    fn put_off(
        connection: &mut Self::Connection,
        all: Vec<Sql>,
    ) -> impl Future<Output = Result<(), Self::Failure>> + Send {
        async move {
            for sql in all {
                Self::execute(connection, sql).await?;
            }
            Ok(())
        }
    }
    /// Runs a step of a migration: any statement, which may answer something.
    fn step(
        connection: &mut Self::Connection,
        statement: &str,
    ) -> impl Future<Output = Result<(), Self::Failure>> + Send {
        let sql = Sql::new(statement).long();
        async move { Self::fetch(connection, sql, &[]).await.map(|_| ()) }
    }
    /// How many steps, from the first one on, may be sent together: none of them takes long, and all only add.
    /// One where it does not matter.
    fn together(_steps: &[PlannedStep]) -> usize {
        1
    }
    /// Runs steps one after another, as [`Backend::step`] does; how many of them were run, and what the next one
    /// failed with.
    fn steps(
        connection: &mut Self::Connection,
        steps: &[PlannedStep],
    ) -> impl Future<Output = (usize, Result<(), Self::Failure>)> + Send {
        async move {
            for (run, step) in steps.iter().enumerate() {
                if let Err(e) = Self::step(connection, &step.statement).await {
                    return (run, Err(e));
                }
            }
            (steps.len(), Ok(()))
        }
    }
    /// Whether a step certainly adds something unless it is there, and does no more: it changes no row, and
    /// whoever finds no note that it was done may run it again. Where a step and its note are one, it does
    /// not matter.
    fn only_adds(_statement: &str) -> bool {
        false
    }
    /// The tables are as they should be: what follows, until the commit, is a transaction, which changes rows
    /// of them or only notes what was done.
    fn defined(
        transaction: &mut Self::Transaction,
        rows: bool,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Makes durable what was done to tables so far and goes on; nothing where each statement is so.
    fn go_on(
        transaction: Self::Transaction,
        pool: &Self::Pool,
    ) -> impl Future<Output = Result<Self::Transaction>> + Send;
    /// Statement after which this connection waits so many seconds for others' locks, if that is a
    /// connection's.
    fn lock_wait(seconds: u32) -> Option<String>;
    /// The version that is noted in a database, as a query with the kinds of its columns.
    const NOTED: (&'static str, &'static [Kind]);
    /// How what [`Backend::NOTED`] finds stands to the wanted version.
    fn standing(row: Option<Cells>, wanted: &Fingerprint) -> Noted;
    /// How the version that is noted in a database stands to the wanted one.
    fn noted(
        connection: &mut Self::Connection,
        wanted: &Fingerprint,
    ) -> impl Future<Output = Result<Noted>> + Send;
    /// Notes the version.
    fn note(
        connection: &mut Self::Connection,
        version: &Fingerprint,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Closes every connection, now or when it is given back.
    fn close(pool: &Self::Pool) -> impl Future<Output = ()> + Send;
    /// Whether [`Backend::close`] was called.
    fn is_closed(pool: &Self::Pool) -> bool;
    /// Closes connections that nobody used for a while.
    fn reap(pool: &Self::Pool);

    /// Runs a query and reads all its rows, whose columns are of `kinds`.
    fn fetch(
        connection: &mut Self::Connection,
        sql: Sql,
        kinds: &[Kind],
    ) -> impl Future<Output = Result<Vec<Cells>, Self::Failure>> + Send;
    /// Runs a statement; how many rows it touched.
    fn execute(
        connection: &mut Self::Connection,
        sql: Sql,
    ) -> impl Future<Output = Result<u64, Self::Failure>> + Send;
    /// Runs a statement at the latest before the next one or with the commit: what it fails with may
    /// come from there.
    fn defer(
        connection: &mut Self::Connection,
        sql: Sql,
    ) -> impl Future<Output = Result<(), Self::Failure>> + Send {
        async move { Self::execute(connection, sql).await.map(|_| ()) }
    }
    /// Adds rows of one table: `head` is everything up to and with `VALUES `, each row has the same
    /// number of parameters. If it fails, some rows may be there.
    fn insert(
        connection: &mut Self::Connection,
        head: &str,
        rows: Vec<Vec<Value>>,
    ) -> impl Future<Output = Result<(), Self::Failure>> + Send {
        let sql = Sql::insert(head, rows);
        async move { Self::execute(connection, sql).await.map(|_| ()) }
    }
    /// A query for the number of a table's next row: 0 where only the engine can number rows, as others add some
    /// beside. Then it numbers those of one statement one after another.
    fn next_number(table: &str) -> String {
        format!("SELECT coalesce(max(seq), 0) + 1 FROM {table}")
    }
    /// An expression for the number that the engine gave the first of the rows that were added last, if it ever
    /// numbers several by itself.
    const FIRST_GIVEN: Option<&'static str> = None;
    /// Adds one row of a record type, in a short work at the latest before the next statement or with the
    /// commit: then a value that is taken is told from there.
    fn insert_one(
        connection: &mut Self::Connection,
        head: &str,
        row: Vec<Value>,
        _schema: &'static Schema,
    ) -> impl Future<Output = Result<(), Self::Failure>> + Send {
        Self::insert(connection, head, vec![row])
    }
    /// Changes the row of that id if it is still of the version `from`; `sets` is the rest of what is set,
    /// each with a comma before it. In a short work it may run as late as [`Backend::insert_one`]; then it
    /// counts as done, and if the row is of another version, the work is undone.
    fn update_one(
        connection: &mut Self::Connection,
        schema: &'static Schema,
        id: Uuid,
        (from, to): (i64, i64),
        sets: Sql,
    ) -> impl Future<Output = Result<bool, Self::Failure>> + Send {
        let sql = Sql::update(schema, id, (from, to), sets);
        async move { Ok(Self::execute(connection, sql).await? > 0) }
    }
    /// [`Backend::update_one`] of a row that is refused, as one of another version is, if the guard's conditions
    /// do not hold.
    fn update_if(schema: &Schema, id: Uuid, versions: (i64, i64), sets: Sql, _guard: Guard) -> Sql {
        Sql::update(schema, id, versions, sets)
    }
    /// [`Backend::defer`] of a part of a short work. Guards are for engines that take things for granted
    /// ([`Backend::HASTENS`]).
    fn put_off_step(
        connection: &mut Self::Connection,
        step: Step,
    ) -> impl Future<Output = Result<(), Self::Failure>> + Send {
        async move {
            match step {
                Step::Any(sql, _) | Step::Own(sql, _) => Self::defer(connection, sql).await,
                Step::Row(one) => {
                    Self::defer(connection, Sql::insert(&one.head, vec![one.row])).await
                }
                Step::Words(table, text) => {
                    Self::insert_search(connection, table, vec![(None, text)]).await
                }
                Step::Rewords { table, seq, before, after } => {
                    for sql in Self::update_search(table, seq, &before, after) {
                        Self::defer(connection, sql).await?;
                    }
                    Ok(())
                }
            }
        }
    }
    /// Does a whole short work of which nothing is asked but its commit. Tells when it no longer waits for others.
    /// It is undone if a connection was opened since those `openings` after which was known what its triggers are
    /// told ([`Backend::openings`]).
    fn commit_whole<G: Send + 'static>(
        pool: &Self::Pool,
        steps: Vec<Step>,
        _openings: u64,
        along: impl FnOnce() + Send + 'static,
        until: G,
    ) -> impl Future<Output = Result<()>> + Send {
        async move {
            let mut transaction = Self::begin_short(pool).await?;
            along();
            for step in steps {
                Self::put_off_step(&mut transaction, step).await.map_err(Into::into)?;
            }
            Self::commit(transaction, until).await
        }
    }
    /// Runs one query over several ranges and merges what they find.
    fn merge(
        connection: &mut Self::Connection,
        merge: Merge,
    ) -> impl Future<Output = Result<Merged, Self::Failure>> + Send;
    /// Makes the reads that follow see one state, until [`Backend::unsteady`]. `false` if they do so
    /// anyway, being part of a transaction: then there is nothing to end.
    fn steady(
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<bool, Self::Failure>> + Send;
    /// Ends what [`Backend::steady`] began. A connection that goes back to its pool without it is
    /// none the worse.
    fn unsteady(
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<(), Self::Failure>> + Send;
    /// Runs queries that see one state, outside of a transaction; the rows of each.
    fn at_once(
        connection: &mut Self::Connection,
        queries: Vec<(Sql, &[Kind])>,
    ) -> impl Future<Output = Result<Vec<Vec<Cells>>, Self::Failure>> + Send {
        async move {
            let begun = Self::steady(connection).await?;
            let mut answers = Vec::with_capacity(queries.len());
            for (sql, kinds) in queries {
                answers.push(Self::fetch(connection, sql, kinds).await?);
            }
            if begun {
                Self::unsteady(connection).await?;
            }
            Ok(answers)
        }
    }
    /// Which field a failure is about, if it is a unique violation.
    fn taken_field(failure: &Self::Failure) -> Option<String>;

    /// The column type of a kind.
    fn column_type(column: &Column) -> String;
    /// What rows have in a column that is added later and needs a value, as a literal.
    fn empty(column: &Column) -> &'static str;
    /// Statement that makes a record table of these columns, numbered by `seq`; with its `keys` if
    /// [`Backend::KEYS_WITH_TABLE`].
    fn create_table(table: &str, columns: &[String], keys: &[Key]) -> String;
    /// Statements that make a table's search index.
    fn create_search(table: &str) -> Vec<String>;
    /// Statements that make `sets`, a table that every combination of values of `columns` in `table`
    /// is entered into, numbered `n` as they come, in the transaction in which it first occurs.
    fn create_sets(table: &str, sets: &str, columns: &[&Column]) -> Vec<String>;
    /// What triggers were called that make way for those of [`Backend::create_sets`].
    fn former_triggers(_sets: &str) -> Vec<String> {
        Vec::new()
    }
    /// Tells the triggers of [`Backend::create_sets`] that a combination is there: the name of its table and
    /// the values behind commas, quoted. It holds for this connection until another is told.
    fn tell_combination(_connection: &mut Self::Connection, _combination: &str) {}
    /// How often a connection of a pool was opened so far.
    fn openings(_pool: &Self::Pool) -> u64 {
        0
    }
    /// Condition that a column has the value of one parameter, which may be none if it is nullable.
    fn same(column: &Column) -> String;
    /// Adds the texts of rows to a search index, by `seq`; without one it is that of the row that was
    /// inserted last.
    fn insert_search(
        connection: &mut Self::Connection,
        table: &str,
        texts: Vec<(Option<i64>, String)>,
    ) -> impl Future<Output = Result<(), Self::Failure>> + Send;
    /// Statements that replace the text of one row.
    fn update_search(table: &str, seq: i64, before: &str, after: String) -> Vec<Sql>;
    /// What is searched for, as the engine finds it.
    fn matching(
        connection: &mut Self::Connection,
        table: &str,
        terms: &Terms,
    ) -> impl Future<Output = Result<Self::Match, Self::Failure>> + Send;
    /// What yields matches as `f.rowid`, each once, for a `FROM` clause.
    fn matches(sql: &mut Sql, table: &str, wanted: &Self::Match);
    /// Joins what [`Backend::matches`] yields to the rows `t`.
    fn from_search(table: &str) -> String;
    /// Condition that completes [`Backend::matches`].
    fn where_search(sql: &mut Sql, table: &str, wanted: &Self::Match);
    /// Condition on `t` that it is among the matches.
    fn in_search(sql: &mut Sql, table: &str, wanted: &Self::Match);
    /// Two texts as one.
    fn concat(a: &str, b: &str) -> String;
    /// Statements that set indexes of a table aside while it is filled; none if that brings nothing.
    fn set_aside(_table: &str, _indexes: &[&str]) -> Vec<String> {
        Vec::new()
    }
    /// How many ids there are in a column, and a digest of them, as [`digest`] has it: what to select.
    fn digest(_column: &str) -> String {
        String::new()
    }
    /// Statements that refuse every unit of work from now on, whoever begins it, or (`false`) no more.
    /// What they refuse with becomes [`Error::Unavailable`].
    fn fence(fenced: bool) -> Vec<&'static str>;
    /// Forces an index.
    fn index_hint(index: &str) -> String;
    /// Statement that gives a connection so much memory for pages, if that is a connection's.
    fn cache(kib: u32) -> Option<String>;
    /// What it is called.
    const NAME: &'static str;
    /// Forces the order of creation: no index.
    const NO_INDEX: &'static str;
    /// The tables every tenant has besides its records: names and statements.
    const BOOKKEEPING: &'static [(&'static str, &'static str)];
    /// The registry's tables.
    const REGISTRY: &'static [&'static str];
    /// Whether a step of a migration stays done when what follows it fails.
    const STEPS_STAND: bool;
    /// Whether a table is made together with its keys.
    const KEYS_WITH_TABLE: bool;
    /// Whether a statement costs much beside the rows it looks for: then those that are looked for at the same
    /// time share one.
    const ASKS_TOGETHER: bool;
    /// Whether short works may take for granted what they are likely to find: then they have statements that say
    /// if it was not so, and may go to the database as a whole.
    const HASTENS: bool;
    /// Whether [`Backend::merge`] gives whole rows and answers checks: then what was read before is relied
    /// on, and checked by the statement that relies on it, in place of a transaction around both.
    const CHECKS: bool;
    /// What things cost.
    const COSTS: Costs;
    /// The query for the number of the database's last change, if it numbers them: what was counted at
    /// that number is right for as long as it is the last.
    const TURN: Option<&'static str>;
    /// Statement of a transaction that changes rows of which the journal will not tell: it moves the number
    /// of the last change so far that nobody takes what happened since for what the journal tells.
    const LEAP: Option<&'static str>;
    /// Whether places are kept by a condition of the statement, not by [`Backend::merge`].
    const PLACES_BY_CONDITION: bool;
    /// Whether triggers listen to [`Backend::tell_combination`].
    const HEARS_OF_COMBINATIONS: bool;
    /// Whether going back to a savepoint costs next to nothing.
    const SAVEPOINTS: bool;
    /// What there is, by the query that lists it: rows of (`column`, `index` or `trigger`, table, name,
    /// definition).
    const OBJECTS: &'static str;
    /// What `ALTER TABLE` says to add a column: that it does no harm to repeat it, where that can be said.
    const ADD_COLUMN: &'static str;
    /// Columns that the journal of steps got later, with their types.
    const STEP_COLUMNS: &'static [(&'static str, &'static str)];
    /// What follows the rows of an `INSERT` into `counts` so that those that are there have theirs added to.
    const OR_ADD: &'static str;
}

/// How many ids there are, and a digest of them: their random halves put together by exclusive or.
pub(crate) fn digest<'i>(ids: impl Iterator<Item = &'i Uuid>) -> Vec<i64> {
    let (number, halves) = ids.fold((0, 0), |(n, halves), id| (n + 1, halves ^ id.as_u64_pair().1));
    vec![number, halves.cast_signed()]
}

/// What things cost, in units of about 0.1 µs: an index entry that is passed over in SQL, one that is
/// passed over here, a row, the beginning of a range.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Costs {
    pub(crate) entry: f64,
    pub(crate) looked_at: f64,
    pub(crate) row: f64,
    pub(crate) seek: f64,
}

/// What a fence refuses with, in every engine's words.
pub(crate) const FENCED: &str = "vivero: fenced";

/// The error for it.
pub(crate) fn fenced() -> Error {
    Error::Unavailable {
        what: "tenant, its database is being replaced".into(),
        retry_after: 1,
        source: None,
    }
}

/// A key of a table besides its primary one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) unique: bool,
    pub(crate) columns: Vec<&'static str>,
}
