//! From a query to SQL whose cost does not depend on luck.
//!
//! Databases guess badly at filtered, sorted, deep pages: at 200,000 rows a mis-planned cursor costs a
//! hundred times what it should. So the index is chosen here and forced:
//!
//! 1. If some filter leaves few rows ([`FEW`]; counted, not guessed, and never further than that), they
//!    are gathered through its index and sorted.
//! 2. Otherwise many rows match, so a page is soon full: the index that has the wanted order is walked
//!    from the cursor, and what does not match is passed over.

use super::journal::counted;
use crate::backend::{Backend, Sql, read_int};
use crate::schema::{BASE, Index, indexes};
use vivero_core::journal::CountKey;
use vivero_core::port::Counts;
use vivero_core::query::{Deleted, Predicate, Query};
use vivero_core::record::Schema;
use vivero_core::search::{Terms, lead_word};
use vivero_core::{Result, Value};

/// Up to so many rows, gathering and sorting beats any walk.
pub(crate) const FEW: i64 = 1_500;
/// Up to so many index entries, gathering beats a walk over most of the table.
const MANY: i64 = 30_000;

/// What is known of a record table, worked out once.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) schema: &'static Schema,
    pub(crate) columns: String,
    pub(crate) indexes: Vec<Index>,
}

impl Table {
    pub(crate) fn new(schema: &'static Schema) -> Self {
        let names =
            BASE.iter().map(|(name, ..)| *name).chain(schema.columns.iter().map(|c| c.name));
        let columns = names.map(|n| format!("t.{n}")).collect::<Vec<_>>().join(", ");
        Self { schema, columns, indexes: indexes(schema) }
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
) -> Result<Sql<B>> {
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
    from_where(&mut sql, table, query, &path);
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
) -> Result<Sql<B>> {
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
    from_where(&mut sql, table, query, &path);
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

fn from_where<B: Backend>(sql: &mut Sql<B>, table: &Table, query: &Query, path: &Path) {
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
            condition(sql, predicate);
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
fn after<B: Backend>(sql: &mut Sql<B>, query: &Query, path: &Path) {
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

/// A predicate as SQL on `t`.
pub(crate) fn condition<B: Backend>(sql: &mut Sql<B>, predicate: &Predicate) {
    match predicate {
        Predicate::All => {
            sql.add("1 = 1");
        }
        Predicate::None => {
            sql.add("1 = 0");
        }
        Predicate::Equals(column, Value::Null) => {
            sql.addf(format_args!("t.{column} IS NULL"));
        }
        Predicate::Equals(column, value) => {
            sql.addf(format_args!("t.{column} = ?")).bind(value.clone());
        }
        Predicate::OneOf(_, values) if values.is_empty() => {
            sql.add("1 = 0");
        }
        Predicate::OneOf(column, values) => {
            let some: Vec<Value> = values.iter().filter(|v| !v.is_null()).cloned().collect();
            let or_null = some.len() < values.len();
            sql.addf(format_args!("(t.{column} IN ("));
            placeholders(sql, some.into_iter());
            sql.add("))");
            if or_null {
                // IN never finds the absence of a value.
                sql.text.insert_str(sql.text.len() - 1, &format!(" OR t.{column} IS NULL"));
            }
        }
        Predicate::Within(_, roots) if roots.is_empty() => {
            sql.add("1 = 0");
        }
        Predicate::Within(column, roots) => {
            // A path ends with `/` and holds hexadecimal digits and `/` only: `~` sorts after all.
            sql.addf(format_args!(
                "t.{column} IN (SELECT below.id FROM locations top JOIN locations below \
                 ON below.path >= top.path AND below.path < {} WHERE top.id IN (",
                B::concat("top.path", "'~'")
            ));
            placeholders(sql, roots.iter().map(|id| Value::Id(*id)));
            sql.add("))");
        }
        Predicate::And(parts) | Predicate::Or(parts) => {
            let (word, empty) = if matches!(predicate, Predicate::And(_)) {
                (" AND ", "1 = 1")
            } else {
                (" OR ", "1 = 0")
            };
            sql.add("(");
            if parts.is_empty() {
                sql.add(empty);
            }
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    sql.add(word);
                }
                condition(sql, part);
            }
            sql.add(")");
        }
    }
}

fn placeholders<B: Backend>(sql: &mut Sql<B>, values: impl Iterator<Item = Value>) {
    for (i, value) in values.enumerate() {
        sql.add(if i == 0 { "?" } else { ", ?" }).bind(value);
    }
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

fn is_equality(predicate: &Predicate) -> bool {
    matches!(predicate, Predicate::Equals(..))
}

async fn choose<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &Query,
    known: Known<'_>,
) -> Result<Path> {
    let searching = query.search.is_some();
    let wrap = |path: Path| match path {
        Path::Gather(index) if searching => Path::IndexInSearch(index),
        Path::Free if searching => Path::FreeInSearch,
        other => other,
    };
    if query.deleted != Deleted::Hidden {
        // Few rows are deleted, but no index knows which.
        return Ok(wrap(Path::Free));
    }
    let conditions: Vec<&Predicate> = parts(&query.filter)
        .into_iter()
        .chain(parts(&query.scope))
        .filter(|p| pinned(p).is_some())
        .collect();
    if conditions.iter().any(|p| pinned(p) == Some("id") || unique(table, p)) {
        return Ok(wrap(Path::Free));
    }
    if let Some(index) = few::<B>(connection, table, &conditions, known, query).await? {
        return Ok(wrap(Path::Gather(index)));
    }
    if searching {
        return search_path::<B>(connection, table, query).await;
    }
    Ok(walk(table, query, &conditions).map_or(Path::Creation, Path::Index))
}

fn unique(table: &Table, predicate: &Predicate) -> bool {
    matches!(predicate, Predicate::Equals(name, value)
        if !value.is_null() && table.schema.column(name).is_some_and(|c| c.unique))
}

/// The index through which the fewest entries have to be looked at, if that is cheaper than walking.
async fn few<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    conditions: &[&Predicate],
    known: Known<'_>,
    query: &Query,
) -> Result<Option<String>> {
    let mut candidates: Vec<Candidate<'_>> = table
        .indexes
        .iter()
        .filter_map(|index| Candidate::new(table, index, conditions, known))
        .collect();
    // What is known costs nothing to ask, and bounds what has to be counted.
    candidates.sort_by_key(|c| (c.known.is_none(), std::cmp::Reverse(c.used.len()), !c.covers));
    let walk = walk_cost(table, query, conditions, known);
    let mut best: Option<(i64, &Index)> = None;
    for candidate in &candidates {
        let limit = best.map_or(walk, |(cost, _)| cost) / candidate.weight();
        let limit = limit.clamp(if best.is_some() { 0 } else { FEW }, MANY);
        let number = match candidate.known {
            Some(number) => number,
            None => candidate.count::<B>(connection, table, limit).await?,
        };
        if number <= limit {
            best = Some((number * candidate.weight(), candidate.index));
        }
    }
    Ok(best.map(|(_, index)| index.name.clone()))
}

/// An index whose beginning some of the conditions pin down.
struct Candidate<'a> {
    index: &'a Index,
    used: Vec<&'a Predicate>,
    /// Entries that begin so, if the figures say.
    known: Option<i64>,
    /// Whether every condition can be checked on the entry alone.
    covers: bool,
}

impl<'a> Candidate<'a> {
    fn new(
        table: &Table,
        index: &'a Index,
        conditions: &[&'a Predicate],
        known: Known<'_>,
    ) -> Option<Self> {
        let mut used = Vec::new();
        for column in &index.columns {
            let Some(p) = conditions.iter().find(|p| pinned(p) == Some(column)) else { break };
            used.push(*p);
            if !is_equality(p) {
                break;
            }
        }
        let alone = if used.len() == 1 { number(table, used.first()?, known) } else { None };
        let covers =
            conditions.iter().all(|p| pinned(p).is_some_and(|c| index.columns.contains(&c)));
        (!used.is_empty()).then_some(Self { index, used, known: alone, covers })
    }

    /// What looking at one entry costs: more if the row has to be read.
    const fn weight(&self) -> i64 {
        if self.covers { ENTRY } else { ROW }
    }

    /// The number of entries, counted up to `limit`.
    async fn count<B: Backend>(
        &self,
        connection: &mut B::Connection,
        table: &Table,
        limit: i64,
    ) -> Result<i64> {
        let mut sql = Sql::<B>::new(format!(
            "SELECT count(*) FROM (SELECT 1 FROM {} t{} WHERE ",
            table.schema.table,
            B::index_hint(&self.index.name)
        ));
        for (i, predicate) in self.used.iter().enumerate() {
            if i > 0 {
                sql.add(" AND ");
            }
            condition(&mut sql, predicate);
        }
        sql.add(" LIMIT ?) few").bind(Value::Int(limit + 1));
        let rows = sql.fetch(connection).await?;
        Ok(rows.first().map(read_int_at::<B>).transpose()?.unwrap_or(0))
    }
}

/// Looking at one entry of an index, and at one row: about what they cost, in the same unit.
const ENTRY: i64 = 1;
const ROW: i64 = 5;

/// What walking costs until the page is full, if the conditions have nothing to do with one another.
fn walk_cost(table: &Table, query: &Query, conditions: &[&Predicate], known: Known<'_>) -> i64 {
    let key = CountKey {
        resource: table.schema.resource.into(),
        field: String::new(),
        value: String::new(),
    };
    let Some(total) = known.and_then(|k| k.values.get(&key)).copied().filter(|n| *n > 0) else {
        return FEW;
    };
    let total = total as f64;
    let shares = |skip: Option<&str>| -> f64 {
        conditions
            .iter()
            .filter(|p| pinned(p) != skip || skip.is_none())
            .map(|p| {
                number(table, p, known)
                    .map_or(UNKNOWN_SHARE, |n| (n as f64 / total).max(1.0 / total))
            })
            .product()
    };
    let index = walk(table, query, conditions);
    let index = index.and_then(|name| table.indexes.iter().find(|i| i.name == name));
    // An index that begins with a condition passes over nothing for its sake.
    let led =
        index.map(|i| i.columns[0]).filter(|c| conditions.iter().any(|p| pinned(p) == Some(c)));
    let most = led.map_or(total, |_| total * shares(None) / shares(led).max(f64::MIN_POSITIVE));
    let walked = (f64::from(query.limit) / shares(led)).min(most.max(1.0));
    let covers = index.is_some_and(|i| {
        conditions.iter().all(|p| pinned(p).is_some_and(|c| i.columns.contains(&c)))
    });
    walked as i64 * if covers { ENTRY } else { ROW }
}

/// Taken to be the share of rows that meet a condition of which nothing is known.
const UNKNOWN_SHARE: f64 = 0.15;

/// How many rows a query has in all, if it is one of the dashboard's figures.
pub(crate) fn projected(table: &Table, query: &Query, known: Known<'_>) -> Option<u64> {
    let plain =
        query.search.is_none() && query.deleted == Deleted::Hidden && query.scope == Predicate::All;
    if !plain || !counted(table.schema) {
        return None;
    }
    let number = match &query.filter {
        Predicate::All => {
            let key = CountKey {
                resource: table.schema.resource.into(),
                field: String::new(),
                value: String::new(),
            };
            known?.values.get(&key).copied().unwrap_or(0)
        }
        one => number(table, one, known)?,
    };
    u64::try_from(number).ok()
}

/// How many rows meet a condition, if the figures say.
fn number(table: &Table, predicate: &Predicate, known: Known<'_>) -> Option<i64> {
    let Predicate::Equals(name, value) = predicate else { return None };
    let column = table.schema.column(name).filter(|c| c.count)?;
    let value = match value.to_json() {
        // No value and the empty text share a figure.
        serde_json::Value::Null => return None,
        serde_json::Value::String(text) if text.is_empty() => return None,
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    let key = CountKey { resource: table.schema.resource.into(), field: column.name.into(), value };
    Some(known?.values.get(&key).copied().unwrap_or(0))
}

fn read_int_at<B: Backend>(row: &B::Row) -> Result<i64> {
    read_int::<B>(row, 0)
}

/// The index that has the wanted order; one that begins with a pinned filter if there is one.
fn walk(table: &Table, query: &Query, conditions: &[&Predicate]) -> Option<String> {
    let equal =
        |column: &str| conditions.iter().any(|p| is_equality(p) && pinned(p) == Some(column));
    let lead = |index: &&Index| match query.sort.column {
        None => index.columns.len() == 1 && equal(index.columns[0]),
        Some(sort) => {
            index.columns.len() == 2 && index.columns[1] == sort && equal(index.columns[0])
        }
    };
    // Of several filters, one whose rows gather at an end of the order comes first.
    let is_lead = |index: &&Index| table.schema.column(index.columns[0]).is_some_and(|c| c.lead);
    let mut leads: Vec<&Index> = table.indexes.iter().filter(lead).collect();
    leads.sort_by_key(|index| !is_lead(index));
    if let Some(index) = leads.first() {
        return Some(index.name.clone());
    }
    let sort = query.sort.column?;
    table
        .indexes
        .iter()
        .find(|i| i.name == format!("{}_sort_{sort}", table.schema.table))
        .map(|i| i.name.clone())
}

/// Whether the matches are read in order of creation, or gathered and sorted.
async fn search_path<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &Query,
) -> Result<Path> {
    let Some(sort) = query.sort.column else { return Ok(Path::Search) };
    let name = table.schema.table;
    let mut sql = Sql::<B>::new(format!(
        "SELECT count(*) FROM (SELECT 1 FROM {name}_search f WHERE {} LIMIT ?) few",
        B::where_search(name)
    ));
    if let Some(terms) = &query.search {
        sql.bind(Value::Text(B::match_text(terms)));
    }
    sql.bind(Value::Int(FEW + 1));
    let rows = sql.fetch(connection).await?;
    if rows.first().map(read_int_at::<B>).transpose()?.unwrap_or(0) <= FEW {
        return Ok(Path::Search);
    }
    Ok(Path::IndexInSearch(format!("{name}_sort_{sort}")))
}
