//! From a query to SQL whose cost does not depend on luck.
//!
//! Databases guess badly at filtered, sorted, deep pages: at 200,000 rows a mis-planned cursor costs a
//! hundred times what it should. So the index is chosen here and forced:
//!
//! 1. If some filter leaves few rows (counted, not guessed, and never further than needed; `plan/choose.rs`),
//!    they are gathered through its index and sorted.
//! 2. Otherwise many rows match, so a page is soon full: the index that has the wanted order is walked
//!    from the cursor, and what does not match is passed over.

mod choose;
mod condition;

pub(crate) use choose::projected;
use choose::{choose, parts, pinned};
pub(crate) use condition::condition;

use crate::backend::{Backend, Sql};
use crate::schema::{BASE, Index, indexes};
use vivero_core::port::Counts;
use vivero_core::query::{Deleted, Predicate, Query};
use vivero_core::record::{Kind, Schema};
use vivero_core::search::{Terms, lead_word};
use vivero_core::{Result, Value};

/// What is known of a record table, worked out once.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) schema: &'static Schema,
    pub(crate) columns: String,
    /// Kinds of `columns`.
    pub(crate) kinds: Vec<Kind>,
    pub(crate) indexes: Vec<Index>,
}

impl Table {
    pub(crate) fn new(schema: &'static Schema) -> Self {
        let names =
            BASE.iter().map(|(name, ..)| *name).chain(schema.columns.iter().map(|c| c.name));
        let columns = names.map(|n| format!("t.{n}")).collect::<Vec<_>>().join(", ");
        let kinds = BASE.iter().map(|b| b.1).chain(schema.columns.iter().map(|c| c.kind)).collect();
        Self { schema, columns, kinds, indexes: indexes(schema) }
    }
}

/// How the rows are found.
#[derive(Debug, PartialEq, Eq)]
enum Path {
    /// By the engine's own choice: the unique index of an id, the primary key.
    Free,
    /// All entries of this index that begin as wanted, to be sorted.
    Gather(String),
    /// In order of creation, passing over what does not match.
    Creation,
    /// Through this index.
    Index(String),
    /// Through the search index, in its own order (newest first or oldest first).
    Search,
    /// As by `Path::Index`, keeping what is among the matches of the search.
    IndexInSearch(String),
    /// By the engine's choice, keeping what is among the matches of the search.
    FreeInSearch,
}

/// What is known of how many rows have a value, without asking the database: the dashboard's figures.
/// They may be a moment old, which for choosing an index is new enough.
pub(crate) type Known<'a> = Option<&'a Counts>;

/// The statement that lists the rows of `query`.
pub(crate) async fn list<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &Query,
    known: Known<'_>,
) -> Result<Sql> {
    let path = choose::<B>(connection, table, query, known).await?;
    let direction = if query.sort.descending { " DESC" } else { "" };
    let seq = if path == Path::Search { "f.rowid" } else { "t.seq" };
    let order = |key: &str, seq: &str| match query.sort.column {
        Some(_) => format!(" ORDER BY {key}{direction}, {seq}{direction}"),
        None => format!(" ORDER BY {seq}{direction}"),
    };
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
    from_where::<B>(&mut sql, table, query, &path);
    after(&mut sql, query, &path);
    sql.add(&order(&key, seq)).add(" LIMIT ?").bind(Value::Int(i64::from(query.limit)));
    if gathered {
        sql.addf(format_args!(") k JOIN {} t ON t.seq = k.seq", table.schema.table));
        sql.add(&order("k.sort_key", "k.seq"));
    }
    Ok(sql)
}

/// The statement that counts the rows of `query`, its place and order apart.
pub(crate) async fn count<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &Query,
    known: Known<'_>,
) -> Result<Sql> {
    let path = match choose::<B>(connection, table, query, known).await? {
        Path::IndexInSearch(index) if !index.contains("_sort_") => Path::IndexInSearch(index),
        Path::Gather(index) => Path::Index(index),
        _ if query.search.is_some() => Path::Search,
        Path::Free => Path::Free,
        // Many rows match: this index has every short filter, so none of them is read.
        _ if query.deleted == Deleted::Hidden => Path::Index(covering(table, query)),
        _ => Path::Free,
    };
    let mut sql = Sql::new("SELECT count(*) FROM ");
    from_where::<B>(&mut sql, table, query, &path);
    Ok(sql)
}

/// The index from which a count is read: the facets' own if they are all that is asked for.
fn covering(table: &Table, query: &Query) -> String {
    let conditions: Vec<&Predicate> =
        parts(&query.filter).into_iter().chain(parts(&query.scope)).collect();
    let names: Vec<&str> = conditions.iter().filter_map(|p| pinned(p)).collect();
    let begins = |index: &&Index| {
        let facets = index.columns.iter().take_while(|c| **c != "deleted_at");
        index.name.contains("_facets") && names.len() == conditions.len() && {
            let facets: Vec<&str> = facets.copied().collect();
            names.iter().all(|n| facets.iter().take(names.len()).any(|f| f == n))
        }
    };
    let found = table.indexes.iter().find(|i| !names.is_empty() && begins(i));
    found.map_or_else(|| format!("{}_sort_updated_at", table.schema.table), |i| i.name.clone())
}

fn from_where<B: Backend>(sql: &mut Sql, table: &Table, query: &Query, path: &Path) {
    let name = table.schema.table;
    match path {
        Path::Search => sql.add(&B::from_search(name)),
        Path::Index(index) | Path::Gather(index) | Path::IndexInSearch(index) => {
            sql.addf(format_args!("{name} t{}", B::index_hint(index)))
        }
        Path::Creation => sql.addf(format_args!("{name} t{}", B::NO_INDEX)),
        Path::Free | Path::FreeInSearch => sql.addf(format_args!("{name} t")),
    };
    sql.add(" WHERE ");
    if let Some(terms) = &query.search {
        match path {
            Path::Search => sql.add(&B::where_search(name)),
            _ => sql.add(&B::in_search(name)),
        };
        sql.add(" AND ").bind(Value::Text(B::match_text(&with_leads(table, query, terms))));
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

/// The words of a search, with the lead filters among them: the search index then passes over what
/// does not match without a look at the row.
fn with_leads(table: &Table, query: &Query, terms: &Terms) -> Terms {
    let leads = parts(&query.filter).into_iter().filter_map(|p| match p {
        Predicate::Equals(name, value) => {
            let column = table.schema.column(name).filter(|c| c.lead)?;
            lead_word(column, value)
        }
        _ => None,
    });
    terms.clone().and_words(leads)
}

/// The rows after the cursor, in the order's own terms. No value sorts before every value.
fn after(sql: &mut Sql, query: &Query, path: &Path) {
    let Some(cursor) = &query.after else { return };
    let sign = if query.sort.descending { "<" } else { ">" };
    let seq = Value::Int(cursor.seq);
    match query.sort.column {
        None => {
            let column = if *path == Path::Search { "f.rowid" } else { "t.seq" };
            sql.addf(format_args!(" AND {column} {sign} ?")).bind(seq);
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
