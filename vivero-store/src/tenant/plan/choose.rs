//! How rows are found: what each way would cost, from the dashboard's figures or counted with a bound.

use super::condition::condition;
use super::known::{Known, having, matching, total};
use super::sets::sets;
use super::walk::{Walk, is_place, places};
use super::{About, Path, Table, parts, pinned};
use crate::backend::{Backend, Sql};
use crate::schema::{Index, Purpose};
use std::collections::HashSet;
use vivero_core::query::{Deleted, Predicate, Query};
use vivero_core::{Result, Value};

/// Up to so many rows, gathering and sorting beats any walk.
const FEW: i64 = 1_500;
/// Up to so many index entries, gathering beats a walk over most of the table.
const MANY: i64 = 30_000;
/// Looking at one entry of an index, and at one row: about what they cost, in the same unit.
const ENTRY: i64 = 1;
const ROW: i64 = 5;
/// Going to the beginning of a range, in the same unit.
const SEEK: f64 = 8.0;
/// Taken to be the share of rows that meet a condition of which nothing is known.
const UNKNOWN_SHARE: f64 = 0.15;

/// What was chosen.
#[derive(Debug)]
pub(super) enum Choice<'q> {
    /// No row can match.
    Nothing,
    /// One statement.
    Path(Path),
    /// Walking; if too much lies in between, gathering through this index.
    Walk(Walk<'q>, Option<String>),
}

pub(super) async fn choose<'q, B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &'q Query,
    wanted: Option<&B::Match>,
    about: About<'_>,
) -> Result<Choice<'q>> {
    let searching = wanted.is_some();
    let wrap = |path: Path| {
        Choice::Path(match path {
            Path::Gather(index) if searching => Path::IndexInSearch(index),
            Path::Free if searching => Path::FreeInSearch,
            other => other,
        })
    };
    if query.deleted != Deleted::Hidden {
        // Few rows are deleted, but no index knows which.
        return Ok(wrap(Path::Free));
    }
    let conditions: Vec<&Predicate> =
        parts(&query.filter).into_iter().chain(parts(&query.scope)).collect();
    if conditions.iter().any(|p| pinned(p) == Some("id") || unique(table, p)) {
        return Ok(wrap(Path::Free));
    }
    let by_facets = conditions.iter().any(|p| is_facet(table, p));
    let sets = match sets::<B>(connection, table, about.sets).await? {
        Some(sets) if by_facets => Some(sets.matching(table, &conditions)),
        _ => None,
    };
    if sets.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Choice::Nothing);
    }
    let places = places::<B>(connection, table, &conditions).await?;
    if places.as_ref().is_some_and(HashSet::is_empty) {
        return Ok(Choice::Nothing);
    }
    let there = places
        .as_ref()
        .zip(table.schema.location)
        .and_then(|(ids, column)| having(table, column, ids.iter(), about.known));
    let rest: Vec<&Predicate> = conditions
        .iter()
        .copied()
        .filter(|p| !is_place(table, p) && !(sets.is_some() && is_facet(table, p)))
        .collect();
    let ranges = sets.as_ref().map_or(1, Vec::len);
    let walking = walk_cost(table, query, &rest, there, ranges, about.known);
    let few = few::<B>(connection, table, &conditions, there, about.known, walking).await?;
    if let Some(few) = few {
        return Ok(wrap(Path::Gather(few.name.clone())));
    }
    if let Some(wanted) = wanted {
        return search_path::<B>(connection, table, query, wanted).await.map(Choice::Path);
    }
    let place = table.indexes.iter().find(|i| {
        i.purpose == Purpose::Filter
            && places.is_some()
            && i.columns.first().copied() == table.schema.location
    });
    // What the walk cannot know is whether the rows of these places gather elsewhere.
    let budget = place.map_or(usize::MAX, |_| {
        usize::try_from(there.unwrap_or(MANY)).unwrap_or(0).saturating_mul(3) + 5_000
    });
    if sets.is_none() && places.is_none() {
        if let Some(path) = led(table, query, &conditions) {
            return Ok(Choice::Path(path));
        }
    }
    Ok(Choice::Walk(Walk { sets, places, rest, budget }, place.map(|i| i.name.clone())))
}

fn is_facet(table: &Table, predicate: &Predicate) -> bool {
    pinned(predicate).is_some_and(|column| table.schema.facets.contains(&column))
        && !matches!(predicate, Predicate::Within(..))
}

fn unique(table: &Table, predicate: &Predicate) -> bool {
    matches!(predicate, Predicate::Equals(name, value)
        if !value.is_null() && table.schema.column(name).is_some_and(|c| c.unique))
}

/// What walking costs until the page is full, if the conditions have nothing to do with one another.
fn walk_cost(
    table: &Table,
    query: &Query,
    rest: &[&Predicate],
    there: Option<i64>,
    ranges: usize,
    known: Known<'_>,
) -> i64 {
    let Some(all) = total(table, known).filter(|n| *n > 0) else { return FEW };
    let share = |n: i64| (n as f64 / all as f64).max(1.0 / all as f64);
    let unknown = |p: &&Predicate| matching(table, p, known).map_or(UNKNOWN_SHARE, share);
    let shares = there.map_or(1.0, share) * rest.iter().map(unknown).product::<f64>();
    // The first range fills the page alone; each later one is left where the page ends by then.
    let merged = 1.0 + (ranges as f64).ln();
    let entries = (f64::from(query.limit) / shares * merged).min(all as f64);
    let each = if rest.is_empty() { ENTRY } else { ROW };
    entries as i64 * each + (ranges as f64 * SEEK) as i64
}

/// The index through which the fewest entries have to be looked at, if that is cheaper than walking.
async fn few<'t, B: Backend>(
    connection: &mut B::Connection,
    table: &'t Table,
    conditions: &[&Predicate],
    there: Option<i64>,
    known: Known<'_>,
    walking: i64,
) -> Result<Option<&'t Index>> {
    let mut candidates: Vec<Candidate<'t, '_>> = table
        .indexes
        .iter()
        .filter(|index| index.purpose == Purpose::Filter)
        .filter_map(|index| Candidate::new(table, index, conditions, there, known))
        .collect();
    // What is known costs nothing to ask, and bounds what has to be counted.
    candidates.sort_by_key(|c| c.known.is_none());
    let mut best: Option<(i64, &'t Index)> = None;
    for candidate in &candidates {
        let limit = best.map_or(walking, |(cost, _)| cost) / candidate.weight();
        let limit = limit.clamp(if best.is_some() { 0 } else { FEW }, MANY);
        let number = match candidate.known {
            Some(number) => number,
            None => candidate.count::<B>(connection, table, limit).await?,
        };
        if number <= limit {
            best = Some((number * candidate.weight(), candidate.index));
        }
    }
    Ok(best.map(|(_, index)| index))
}

/// An index whose first column a condition pins down.
struct Candidate<'t, 'a> {
    index: &'t Index,
    used: &'a Predicate,
    /// Entries that begin so, if the figures say.
    known: Option<i64>,
    /// Whether every condition can be checked on the entry alone.
    covers: bool,
}

impl<'t, 'a> Candidate<'t, 'a> {
    fn new(
        table: &Table,
        index: &'t Index,
        conditions: &[&'a Predicate],
        there: Option<i64>,
        known: Known<'_>,
    ) -> Option<Self> {
        let first = index.columns.first()?;
        let used = conditions.iter().copied().find(|p| pinned(p) == Some(first))?;
        let known = if is_place(table, used) { there } else { matching(table, used, known) };
        let covers =
            conditions.iter().all(|p| pinned(p).is_some_and(|c| index.columns.contains(&c)));
        Some(Self { index, used, known, covers })
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
        condition::<B>(&mut sql, self.used);
        sql.add(" LIMIT ?) few").bind(Value::Int(limit + 1));
        Ok(sql.number::<B>(connection).await?.unwrap_or(0))
    }
}

/// The index that has the wanted order within a filter that is no facet, if there is one.
fn led(table: &Table, query: &Query, conditions: &[&Predicate]) -> Option<Path> {
    let equal = |column: &str| {
        conditions.iter().any(|p| matches!(p, Predicate::Equals(..)) && pinned(p) == Some(column))
    };
    let leads = |index: &&Index| match (index.purpose, query.sort.column) {
        (Purpose::Filter, None) => index.columns.len() == 1,
        (Purpose::Lead(sort), Some(wanted)) => sort == wanted,
        _ => false,
    };
    let found = table.indexes.iter().filter(leads).find(|i| equal(i.columns[0]));
    found.map(|index| Path::Index(index.name.clone()))
}

/// Whether the matches are read in order of creation, or gathered and sorted.
async fn search_path<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &Query,
    wanted: &B::Match,
) -> Result<Path> {
    let Some(sort) = query.sort.column else { return Ok(Path::Search) };
    let name = table.schema.table;
    let mut sql = Sql::new("SELECT count(*) FROM (SELECT 1 FROM ");
    B::matches(&mut sql, name, wanted);
    sql.add(" WHERE ");
    B::where_search(&mut sql, name, wanted);
    sql.add(" LIMIT ?) few").bind(Value::Int(FEW + 1));
    if sql.number::<B>(connection).await?.unwrap_or(0) <= FEW {
        return Ok(Path::Search);
    }
    let index = table.indexes.iter().find(|i| i.purpose == Purpose::Sort(sort));
    Ok(index.map_or(Path::Search, |i| Path::IndexInSearch(i.name.clone())))
}
