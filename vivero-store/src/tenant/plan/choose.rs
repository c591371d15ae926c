//! How rows are found: what each way would cost, from the dashboard's figures or counted with a bound.

use super::condition::condition;
use super::known::{Known, having, matching, total};
use super::sets::sets;
use super::walk::{Along, Walk, is_place, places};
use super::{About, Assumed, Memory, Path, Table, parts, pinned};
use crate::backend::{Backend, Costs, Sql};
use crate::schema::{Index, Purpose};
use std::collections::HashSet;
use uuid::Uuid;
use vivero_core::query::{Deleted, Predicate, Query};
use vivero_core::{Result, Value};

/// Up to so many rows, gathering and sorting beats any walk.
const FEW: i64 = 1_500;
/// Up to so many, gathering may beat a walk over most of the table.
const MANY: i64 = 30_000;
/// Taken to be the share of rows that meet a condition of which nothing is known.
const UNKNOWN_SHARE: f64 = 0.15;

/// What was chosen.
#[derive(Debug)]
pub(super) enum Choice<'q> {
    /// No row can match.
    Nothing,
    /// One statement.
    Path(Path),
    /// Walking; if too much lies in between, by the next of these.
    Walk(Vec<Walk<'q>>),
}

pub(super) async fn choose<'q, B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &'q Query,
    wanted: Option<&B::Match>,
    about: About<'_>,
    assume: Option<&Memory>,
) -> Result<(Choice<'q>, Assumed)> {
    let mut assumed = Assumed::default();
    let choice =
        choose_by::<B>(connection, table, query, wanted, about, assume, &mut assumed).await?;
    Ok((choice, assumed))
}

async fn choose_by<'q, B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    query: &'q Query,
    wanted: Option<&B::Match>,
    about: About<'_>,
    assume: Option<&Memory>,
    assumed: &mut Assumed,
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
    let sets = if by_facets {
        let known = match assume.and_then(|memory| memory.sets(table.schema.table)) {
            Some(known) => Some(known),
            None => sets::<B>(connection, table, about.memory).await?,
        };
        assumed.newest = assume.and(known.as_ref()).map(|sets| sets.newest);
        known.map(|sets| sets.matching(table, &conditions))
    } else {
        None
    };
    if sets.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Choice::Nothing);
    }
    let places = places::<B>(connection, table, &conditions, assume, assumed).await?;
    if places.as_ref().is_some_and(HashSet::is_empty) {
        return Ok(Choice::Nothing);
    }
    let asked = Asked { table, query, conditions, sets, places, known: about.known };
    let ways = asked.ways::<B>();
    let cheapest = ways.first().map_or(f64::MAX, |(cost, _)| *cost);
    if B::CHECKS
        && wanted.is_none()
        && let Some(index) = asked.all_there(cheapest, B::COSTS)
    {
        return Ok(Choice::Path(Path::Gather(index.name.clone())));
    }
    let few = few::<B>(connection, &asked, cheapest).await?;
    if let Some(few) = few {
        return Ok(wrap(Path::Gather(few.name.clone())));
    }
    if let Some(wanted) = wanted {
        return search_path::<B>(connection, table, query, wanted).await.map(Choice::Path);
    }
    if asked.sets.is_none()
        && asked.places.is_none()
        && let Some(path) = led(table, query, &asked.conditions)
    {
        return Ok(Choice::Path(path));
    }
    // What is only likely to be quick is for trying first, not for falling back on.
    let mut ways: Vec<Walk<'_>> = ways
        .into_iter()
        .enumerate()
        .filter(|(i, (_, way))| *i == 0 || !way.by_rows)
        .map(|(_, (_, way))| way)
        .collect();
    let many = ways.len() > 1;
    // What cannot be known is whether the rows of these places are among those that come first. The
    // other way costs no more than all rows of the places.
    if let Some(first) = ways.first_mut().filter(|way| many && !way.by_rows && way.places.is_some())
        && let Some(there) = asked.there()
    {
        first.budget = usize::try_from(there).unwrap_or(0) + 2_000;
    }
    Ok(if ways.is_empty() { wrap(Path::Free) } else { Choice::Walk(ways) })
}

/// A list as it is asked for, with what was read of the tables beside its own.
struct Asked<'t, 'q> {
    table: &'t Table,
    query: &'q Query,
    conditions: Vec<&'q Predicate>,
    /// The combinations of facets that match, if any facet is asked for.
    sets: Option<Vec<Vec<Value>>>,
    /// The places, if any is asked for.
    places: Option<HashSet<Uuid>>,
    known: Known<'t>,
}

impl<'q> Asked<'_, 'q> {
    /// How many rows the places have, if the figures say.
    fn there(&self) -> Option<i64> {
        let (ids, column) = self.places.as_ref().zip(self.table.schema.location)?;
        having(self.table, column, ids.iter(), self.known)
    }

    /// The index that has all that is asked of the rows of these places, if looking at all of them costs
    /// less than `walking`. It has the sort's key and the facets, so nothing but it is read.
    fn all_there(&self, walking: f64, costs: Costs) -> Option<&Index> {
        let cost = costs.seek + self.there()? as f64 * costs.looked_at;
        let sort = self.query.sort.column;
        let by_place = |i: &&Index| i.purpose == Purpose::Place(sort);
        self.table.indexes.iter().find(by_place).filter(|_| cost < walking)
    }

    fn conditions(&self, wanted: impl Fn(&Predicate) -> bool) -> Vec<&'q Predicate> {
        self.conditions.iter().copied().filter(|p| wanted(p)).collect()
    }

    /// The walks there are, with what each would cost if the conditions have nothing to do with one
    /// another; the cheapest first.
    fn ways<B: Backend>(&self) -> Vec<(f64, Walk<'q>)> {
        let costs = B::COSTS;
        let (table, limit) = (self.table, f64::from(self.query.limit));
        let all = total(table, self.known).map_or(100_000.0, |n| (n as f64).max(1.0));
        let share = |n: i64| (n as f64 / all).max(1.0 / all);
        let shares = |some: &[&Predicate]| -> f64 {
            some.iter()
                .map(|p| matching(table, p, self.known).map_or(UNKNOWN_SHARE, share))
                .product()
        };
        let facets = self.conditions(|p| is_facet(table, p));
        let others = self.conditions(|p| !is_place(table, p) && !is_facet(table, p));
        let by_facets = if self.sets.is_some() { shares(&facets) } else { 1.0 };
        let by_place = match (&self.places, self.there()) {
            (None, _) => 1.0,
            (Some(_), Some(n)) => share(n),
            (Some(_), None) => UNKNOWN_SHARE,
        };
        // Of many ranges, the first fills the page alone; each later one is left where the page ends
        // by then.
        let cost = |ranges: usize, within: f64, pass: f64, each: f64| {
            let entries = (limit / pass * (1.0 + (ranges.max(1) as f64).ln())).min(all * within);
            // A condition that no index has is checked on the row.
            let each = if others.is_empty() { each } else { costs.row };
            ranges as f64 * costs.seek + entries * each
        };
        let rest = shares(&others);
        let unbounded = usize::MAX;
        let mut ways = Vec::new();
        let no_facets = others.clone();
        let (along, ranges) = match &self.sets {
            Some(sets) => (Along::Sets, sets.clone()),
            None => (Along::All, vec![Vec::new()]),
        };
        let each = if self.places.is_some() { costs.looked_at } else { costs.entry };
        ways.push((
            cost(ranges.len(), by_facets, by_place * rest, each),
            Walk {
                along,
                shares: self.shares(table.schema.facets, &ranges),
                ranges,
                places: self.places.clone(),
                rest: no_facets,
                budget: unbounded,
                by_rows: false,
            },
        ));
        // Where a range costs much, meeting the rows in their order and looking at each may cost less.
        if B::CHECKS && (self.sets.is_some() || self.places.is_some()) {
            let wanted = self.conditions(|_| true);
            let entries = limit / (by_facets * by_place * rest);
            ways.push((
                costs.seek + entries * costs.row,
                Walk {
                    along: Along::All,
                    ranges: vec![Vec::new()],
                    shares: vec![1.0],
                    places: self.places.clone(),
                    rest: wanted.into_iter().filter(|p| !is_place(table, p)).collect(),
                    // An entry and its row are two.
                    budget: (entries * 6.0) as usize + 500,
                    by_rows: true,
                },
            ));
        }
        let sort = self.query.sort.column;
        let by_places = table.indexes.iter().any(|i| i.purpose == Purpose::Place(sort));
        if let Some(places) = self.places.as_ref().filter(|_| by_places) {
            let ranges: Vec<Vec<Value>> = places.iter().map(|id| vec![Value::Id(*id)]).collect();
            ways.push((
                cost(ranges.len(), by_place, by_facets * rest, costs.entry),
                Walk {
                    along: Along::Places,
                    shares: self.shares(table.schema.location.as_slice(), &ranges),
                    ranges,
                    places: None,
                    rest: self.conditions(|p| !is_place(table, p)),
                    budget: unbounded,
                    by_rows: false,
                },
            ));
        }
        ways.sort_by(|a, b| a.0.total_cmp(&b.0));
        ways
    }
}

impl Asked<'_, '_> {
    /// What part of the rows each range is likely to have, if the values of the columns that it begins
    /// with have nothing to do with one another.
    fn shares(&self, columns: &[&'static str], ranges: &[Vec<Value>]) -> Vec<f64> {
        let of = |range: &Vec<Value>| -> f64 {
            let known = columns.iter().zip(range).map(|(column, value)| {
                matching(self.table, &Predicate::Equals(column, value.clone()), self.known)
            });
            known.map(|n| n.map_or(1.0, |n| n.max(1) as f64)).product()
        };
        let weights: Vec<f64> = ranges.iter().map(of).collect();
        let all: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / all.max(f64::MIN_POSITIVE)).collect()
    }
}

fn is_facet(table: &Table, predicate: &Predicate) -> bool {
    table.sets.is_some()
        && pinned(predicate).is_some_and(|column| table.schema.facets.contains(&column))
        && !matches!(predicate, Predicate::Within(..))
}

fn unique(table: &Table, predicate: &Predicate) -> bool {
    matches!(predicate, Predicate::Equals(name, value)
        if !value.is_null() && table.schema.column(name).is_some_and(|c| c.unique))
}

/// The index through which the fewest rows have to be gathered, if that is cheaper than walking.
async fn few<'t, B: Backend>(
    connection: &mut B::Connection,
    asked: &Asked<'t, '_>,
    walking: f64,
) -> Result<Option<&'t Index>> {
    let table = asked.table;
    let gathers = |index: &&Index| match index.purpose {
        Purpose::Filter => true,
        // Walking is as quick, but a search walks nothing.
        Purpose::Place(None) => asked.query.search.is_some(),
        _ => false,
    };
    let mut candidates = Vec::new();
    for index in table.indexes.iter().filter(gathers) {
        let Some(first) = index.columns.first() else { continue };
        let Some(used) = asked.conditions.iter().find(|p| pinned(p) == Some(first)) else {
            continue;
        };
        let known =
            if is_place(table, used) { asked.there() } else { matching(table, used, asked.known) };
        candidates.push((index, *used, known));
    }
    // What is known costs nothing to ask, and bounds what has to be counted.
    candidates.sort_by_key(|(_, _, known)| known.is_none());
    let mut best: Option<(i64, &'t Index)> = None;
    for (index, used, known) in candidates {
        let limit = match best {
            Some((number, _)) => number,
            None => ((walking / B::COSTS.row) as i64).clamp(FEW, MANY),
        };
        let number = match known {
            Some(number) => number,
            None => count_to::<B>(connection, table, index, used, limit).await?,
        };
        if number <= limit {
            best = Some((number, index));
        }
    }
    Ok(best.map(|(_, index)| index))
}

/// How many entries of an index meet a condition, counted up to `limit`.
async fn count_to<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    index: &Index,
    predicate: &Predicate,
    limit: i64,
) -> Result<i64> {
    let mut sql = Sql::new(format!(
        "SELECT count(*) FROM (SELECT 1 FROM {} t{} WHERE ",
        table.schema.table,
        B::index_hint(&index.name)
    ));
    condition::<B>(&mut sql, predicate);
    sql.add(" LIMIT ?) few").bind(Value::Int(limit + 1));
    Ok(sql.number::<B>(connection).await?.unwrap_or(0))
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
