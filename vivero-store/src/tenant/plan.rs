//! From a query to rows, at a cost that does not depend on luck.
//!
//! Databases guess badly at filtered, sorted, deep pages: at 200,000 rows a mis-planned cursor costs a
//! hundred times what it should. So the way is chosen here and forced:
//!
//! 1. If some filter leaves few rows (known or counted, not guessed, and never counted further than
//!    needed; `plan/choose.rs`), they are gathered through its index and sorted.
//! 2. Otherwise an index that has the wanted order is walked from the cursor. Where facets are asked
//!    for, the ranges of their combinations (`plan/sets.rs`) are walked and merged (`plan/walk.rs`), so
//!    that nothing is passed over on their account.
//! 3. A walk that meets too few matches, because they gather elsewhere, is given up for the first way.

mod assumed;
mod choose;
mod condition;
mod known;
mod memory;
mod reduced;
mod sets;
mod walk;

pub(crate) use condition::condition;
pub(crate) use known::{Known, projected};
pub(crate) use memory::Memory;
pub(crate) use reduced::Lacks;
pub(crate) use walk::below_paths;

use crate::backend::{Backend, Sql};
use crate::schema::{self, BASE, Index, Purpose, indexes};
use assumed::Assumed;
use choose::{Choice, choose};
use vivero_core::query::{Deleted, Predicate, Query};
use vivero_core::record::{Column, Kind, Row, Schema};
use vivero_core::search::{Terms, lead_word};
use vivero_core::{Error, Result, Value};
use walk::Walked;

/// What is known of a record table, worked out once.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) schema: &'static Schema,
    pub(crate) columns: String,
    /// Kinds of `columns`.
    pub(crate) kinds: Vec<Kind>,
    pub(crate) indexes: Vec<Index>,
    /// The table of combinations of facets, and the facets.
    pub(crate) sets: Option<(String, Vec<&'static Column>)>,
    /// What this tenant lacks of it, being behind.
    pub(crate) lacks: Lacks,
}

impl Table {
    pub(crate) fn new(schema: &'static Schema) -> Self {
        let names =
            BASE.iter().map(|(name, ..)| *name).chain(schema.columns.iter().map(|c| c.name));
        let columns = names.map(|n| format!("t.{n}")).collect::<Vec<_>>().join(", ");
        let kinds = BASE.iter().map(|b| b.1).chain(schema.columns.iter().map(|c| c.kind)).collect();
        Self {
            schema,
            columns,
            kinds,
            indexes: indexes(schema),
            sets: schema::sets(schema),
            lacks: Lacks::default(),
        }
    }

    /// Where a column stands in `columns`.
    fn position(&self, name: &str) -> Option<usize> {
        let base = BASE.iter().position(|(base, ..)| *base == name);
        base.or_else(|| self.schema.index_of(name).map(|i| BASE.len() + i))
    }
}

/// What helps in choosing, besides the database.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct About<'a> {
    pub(crate) known: Known<'a>,
    pub(crate) memory: Option<&'a Memory>,
}

/// How rows are found by one statement.
#[derive(Debug, PartialEq, Eq)]
enum Path {
    /// By the engine's own choice: the unique index of an id, the primary key.
    Free,
    /// All entries of this index that begin as wanted, to be sorted.
    Gather(String),
    /// Through this index.
    Index(String),
    /// Through the search index, in its own order (newest first or oldest first).
    Search,
    /// As by `Path::Index`, keeping what is among the matches of the search.
    IndexInSearch(String),
    /// By the engine's choice, keeping what is among the matches of the search.
    FreeInSearch,
}

/// The parts of a predicate that all must hold.
fn parts(predicate: &Predicate) -> Vec<&Predicate> {
    match predicate {
        Predicate::All => Vec::new(),
        Predicate::And(all) => all.iter().flat_map(parts).collect(),
        one => vec![one],
    }
}

/// The column a predicate pins down, if an index can use it.
fn pinned(predicate: &Predicate) -> Option<&'static str> {
    match predicate {
        Predicate::Equals(column, _)
        | Predicate::Within(column, _)
        | Predicate::OneOf(column, _) => Some(column),
        _ => None,
    }
}

/// The rows of `query`.
pub(crate) async fn list<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &Query,
    about: About<'_>,
) -> Result<Vec<Row>> {
    table.can_answer(query)?;
    // A search is resolved to words first: words and rows are to be of one state.
    if let Some(memory) = about.memory.filter(|_| B::CHECKS && query.search.is_none()) {
        // What was assumed may have changed just now; hardly twice.
        for _ in 0..2 {
            if let Some(rows) = list_assuming::<B>(connection, table, query, about, memory).await? {
                return Ok(rows);
            }
        }
    }
    let many = table.sets.is_some() || query.search.is_some() && B::CHECKS;
    let mut tries = 0;
    loop {
        let begun = many && steady::<B>(connection).await?;
        let rows = list_steadily::<B>(connection, table, query, about).await;
        match steadied::<B, _>(connection, begun, rows).await {
            Err(Error::Undone { .. }) if begun && tries == 0 => tries += 1,
            rows => return rows,
        }
    }
}

/// Ends what made statements see one state, if that was begun for them; what they found, if they did.
async fn steadied<B: Backend, T>(
    connection: &mut B::Connection,
    begun: bool,
    found: Result<T>,
) -> Result<T> {
    if begun {
        B::unsteady(connection).await.map_err(Into::<Error>::into)?;
    }
    found
}

/// Makes the statements that follow see one state.
async fn steady<B: Backend>(connection: &mut B::Connection) -> Result<bool> {
    B::steady(connection).await.map_err(Into::into)
}

async fn list_steadily<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &Query,
    about: About<'_>,
) -> Result<Vec<Row>> {
    let wanted = wanted::<B>(connection, table, query).await?;
    let (choice, sure) =
        choose::<B>(connection, table, query, wanted.as_ref(), about, None).await?;
    let path = match choice {
        Choice::Nothing => return Ok(Vec::new()),
        Choice::Path(path) => path,
        Choice::Walk(walks) => {
            for walk in walks {
                if let Walked::Rows(rows) = walk.run::<B>(connection, table, query, &sure).await? {
                    return Ok(rows);
                }
            }
            Path::Free
        }
    };
    by_path::<B>(connection, table, query, wanted.as_ref(), &path).await
}

/// The same from what is remembered; `None` if it does not hold any more.
async fn list_assuming<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &Query,
    about: About<'_>,
    memory: &Memory,
) -> Result<Option<Vec<Row>>> {
    let wanted = wanted::<B>(connection, table, query).await?;
    let (choice, assumed) =
        choose::<B>(connection, table, query, wanted.as_ref(), about, Some(memory)).await?;
    let path = match choice {
        Choice::Nothing => {
            let mut holds = true;
            for (i, check) in assumed.checks::<B>(table).into_iter().enumerate() {
                let row = check.first::<B>(connection, &[Kind::Int; 2]).await?;
                let answer = row.map(|row| vec![row.int(0), row.int(1)]).unwrap_or_default();
                holds &= assumed.holds_at(i, &answer);
            }
            if holds {
                return Ok(Some(Vec::new()));
            }
            assumed.forget(table, memory);
            return Ok(None);
        }
        Choice::Path(path) => path,
        Choice::Walk(walks) => {
            for walk in walks {
                match walk.run::<B>(connection, table, query, &assumed).await? {
                    Walked::Rows(rows) => return Ok(Some(rows)),
                    Walked::TooFar => {}
                    #[cfg(feature = "mariadb")]
                    Walked::Stale => {
                        assumed.forget(table, memory);
                        return Ok(None);
                    }
                }
            }
            Path::Free
        }
    };
    by_path::<B>(connection, table, query, wanted.as_ref(), &path).await.map(Some)
}

async fn by_path<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &Query,
    wanted: Option<&B::Match>,
    path: &Path,
) -> Result<Vec<Row>> {
    let sql = statement::<B>(table, query, wanted, path);
    let rows = sql.fetch::<B>(connection, &table.kinds).await?;
    Ok(rows.into_iter().map(|cells| table.decode(cells)).collect())
}

/// What is searched for: the words, with the facets and lead filters among them, so that what does not
/// match is passed over without a look at the row.
async fn wanted<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &Query,
) -> Result<Option<B::Match>> {
    let Some(terms) = &query.search else { return Ok(None) };
    let terms = with_leads(table, query, terms);
    B::matching(connection, table.schema.table, &terms).await.map(Some).map_err(Into::into)
}

/// The order of a query.
fn order(query: &Query, seq: &str) -> String {
    let key = query.sort.column.map(|column| format!("t.{column}"));
    order_by(query, key.as_deref(), seq)
}

fn order_by(query: &Query, key: Option<&str>, seq: &str) -> String {
    let direction = if query.sort.descending { " DESC" } else { "" };
    match key {
        Some(key) => format!(" ORDER BY {key}{direction}, {seq}{direction}"),
        None => format!(" ORDER BY {seq}{direction}"),
    }
}

/// The statement that lists the rows of `query` by one path.
fn statement<B: Backend>(
    table: &Table,
    query: &Query,
    wanted: Option<&B::Match>,
    path: &Path,
) -> Sql {
    let seq = if *path == Path::Search { "f.rowid" } else { "t.seq" };
    let key = query.sort.column.map_or_else(|| "NULL".to_owned(), |column| format!("t.{column}"));
    // What is gathered is sorted by its key alone: whole rows are read for one page only.
    let gathered = matches!(path, Path::Gather(_) | Path::IndexInSearch(_) | Path::FreeInSearch);
    let mut sql = if gathered {
        Sql::new(format!(
            "SELECT {} FROM (SELECT t.seq AS seq, {key} AS sort_key FROM ",
            table.columns
        ))
    } else {
        Sql::new(format!("SELECT {} FROM ", table.columns))
    };
    from_where::<B>(&mut sql, table, query, wanted, path);
    after(&mut sql, query, seq);
    sql.add(&order(query, seq)).add(" LIMIT ?").bind(Value::Int(i64::from(query.limit)));
    if gathered {
        sql.addf(format_args!(") k JOIN {} t ON t.seq = k.seq", table.schema.table));
        let key = query.sort.column.map(|_| "k.sort_key");
        sql.add(&order_by(query, key, "k.seq"));
    }
    sql
}

/// How many rows `query` has, its place and order apart.
pub(crate) async fn count<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &Query,
    about: About<'_>,
) -> Result<u64> {
    // What was counted holds until something changes.
    let known = match about.memory.zip(B::TURN) {
        Some((memory, turn)) => {
            let turn = Sql::new(turn).number::<B>(connection).await?.unwrap_or(0);
            let key = memory::counted(table.schema.table, query);
            if let Some(total) = memory.total(turn, &key) {
                return Ok(total);
            }
            Some((memory, turn, key))
        }
        None => None,
    };
    let mut tries = 0;
    let number = loop {
        let begun = table.sets.is_some() && steady::<B>(connection).await?;
        let number = count_steadily::<B>(connection, table, query, about).await;
        match steadied::<B, _>(connection, begun, number).await {
            // Somebody changes tables of a cluster at this instant; hardly twice.
            Err(Error::Undone { .. }) if begun && tries == 0 => tries += 1,
            number => break number?,
        }
    };
    let number = u64::try_from(number).unwrap_or(0);
    if let Some((memory, turn, key)) = known {
        memory.set_total(turn, key, number);
    }
    Ok(number)
}

async fn count_steadily<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &Query,
    about: About<'_>,
) -> Result<i64> {
    let wanted = wanted::<B>(connection, table, query).await?;
    let (choice, _) = choose::<B>(connection, table, query, wanted.as_ref(), about, None).await?;
    let path = match choice {
        Choice::Nothing => return Ok(0),
        Choice::Path(Path::Gather(index)) => Path::Index(index),
        Choice::Path(Path::IndexInSearch(index)) => {
            let sorted = |i: &&Index| i.name == index && matches!(i.purpose, Purpose::Sort(_));
            let is_sorted = table.indexes.iter().any(|i| sorted(&i));
            if is_sorted { Path::Search } else { Path::IndexInSearch(index) }
        }
        Choice::Path(path) => path,
        // Whichever answers every condition in SQL: along the places, if there are any.
        Choice::Walk(walks) => {
            match walks.into_iter().find(|walk| walk.places.is_none() && !walk.by_rows) {
                Some(walk) => return walk.count::<B>(connection, table, query).await,
                None => Path::Free,
            }
        }
    };
    let mut sql = Sql::new("SELECT count(*) FROM ");
    from_where::<B>(&mut sql, table, query, wanted.as_ref(), &path);
    Ok(sql.number::<B>(connection).await?.unwrap_or(0))
}

fn from_where<B: Backend>(
    sql: &mut Sql,
    table: &Table,
    query: &Query,
    wanted: Option<&B::Match>,
    path: &Path,
) {
    let name = table.schema.table;
    match (path, wanted) {
        (Path::Search, Some(wanted)) => {
            B::matches(sql, name, wanted);
            sql.add(&B::from_search(name));
        }
        (Path::Index(index) | Path::Gather(index) | Path::IndexInSearch(index), _) => {
            sql.addf(format_args!("{name} t{}", B::index_hint(index)));
        }
        (Path::Free | Path::FreeInSearch | Path::Search, _) => {
            sql.addf(format_args!("{name} t"));
        }
    }
    sql.add(" WHERE ");
    if let Some(wanted) = wanted {
        match path {
            Path::Search => B::where_search(sql, name, wanted),
            _ => B::in_search(sql, name, wanted),
        }
        sql.add(" AND ");
    }
    sql.add(match query.deleted {
        Deleted::Hidden => "t.deleted_at IS NULL",
        Deleted::Only => "t.deleted_at IS NOT NULL",
        Deleted::Included => "1 = 1",
    });
    for predicate in [&query.filter, &query.scope] {
        if *predicate != Predicate::All {
            sql.add(" AND ");
            condition::<B>(sql, predicate);
        }
    }
}

/// The words of a search, with the facets and lead filters among them: the search index then passes over what
/// does not match without a look at the row.
fn with_leads(table: &Table, query: &Query, terms: &Terms) -> Terms {
    let leads = parts(&query.filter).into_iter().filter_map(|p| match p {
        Predicate::Equals(name, value) => {
            let column = table.schema.column(name).filter(|c| table.schema.is_word(c))?;
            lead_word(column, value)
        }
        _ => None,
    });
    terms.clone().and_words(leads)
}

/// The rows after the cursor, in the order's own terms. No value sorts before every value.
fn after(sql: &mut Sql, query: &Query, seq_column: &str) {
    let Some(cursor) = &query.after else { return };
    let sign = if query.sort.descending { "<" } else { ">" };
    let seq = Value::Int(cursor.seq);
    match query.sort.column {
        None => {
            sql.addf(format_args!(" AND {seq_column} {sign} ?")).bind(seq);
        }
        Some(column) if cursor.key.is_null() => {
            let rest =
                if query.sort.descending { "" } else { &format!(" OR t.{column} IS NOT NULL") };
            sql.addf(format_args!(" AND (t.{column} IS NULL AND t.seq {sign} ?{rest})")).bind(seq);
        }
        Some(column) => {
            let nulls = if query.sort.descending { &format!(" OR t.{column} IS NULL") } else { "" };
            // Without the OR where it cannot matter: with it, no index can be walked.
            sql.addf(format_args!(" AND ((t.{column}, t.seq) {sign} (?, ?)"));
            if !query.sort.required {
                sql.add(nulls);
            }
            sql.add(")").bind(cursor.key.clone()).bind(seq);
        }
    }
}
