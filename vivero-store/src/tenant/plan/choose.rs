//! Which index: what each would cost, from the dashboard's figures or counted with a bound.

use super::condition::condition;
use super::{Known, Path, Table};
use crate::backend::{Backend, Sql};
use crate::schema::Index;
use crate::tenant::journal::counted;
use vivero_core::journal::CountKey;
use vivero_core::query::{Deleted, Predicate, Query};
use vivero_core::{Result, Value};

/// Up to so many rows, gathering and sorting beats any walk.
const FEW: i64 = 1_500;
/// Up to so many index entries, gathering beats a walk over most of the table.
const MANY: i64 = 30_000;

/// The parts of a predicate that all must hold.
pub(super) fn parts(predicate: &Predicate) -> Vec<&Predicate> {
    match predicate {
        Predicate::All => Vec::new(),
        Predicate::And(all) => all.iter().flat_map(parts).collect(),
        one => vec![one],
    }
}

/// The column a predicate pins down, if an index can use it.
pub(super) fn pinned(predicate: &Predicate) -> Option<&'static str> {
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

pub(super) async fn choose<B: Backend>(
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
        let mut sql = Sql::new(format!(
            "SELECT count(*) FROM (SELECT 1 FROM {} t{} WHERE ",
            table.schema.table,
            B::index_hint(&self.index.name)
        ));
        for (i, predicate) in self.used.iter().enumerate() {
            if i > 0 {
                sql.add(" AND ");
            }
            condition::<B>(&mut sql, predicate);
        }
        sql.add(" LIMIT ?) few").bind(Value::Int(limit + 1));
        Ok(sql.number::<B>(connection).await?.unwrap_or(0))
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
    let mut sql = Sql::new(format!(
        "SELECT count(*) FROM (SELECT 1 FROM {name}_search f WHERE {} LIMIT ?) few",
        B::where_search(name)
    ));
    if let Some(terms) = &query.search {
        sql.bind(Value::Text(B::match_text(terms)));
    }
    sql.bind(Value::Int(FEW + 1));
    if sql.number::<B>(connection).await?.unwrap_or(0) <= FEW {
        return Ok(Path::Search);
    }
    Ok(Path::IndexInSearch(format!("{name}_sort_{sort}")))
}
