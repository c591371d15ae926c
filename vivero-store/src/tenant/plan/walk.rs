//! Walking: from the cursor along indexes that have the wanted order, until the page is full.

use super::condition::condition;
use super::{Assumed, Memory, Table, after, order, order_by, pinned};
use crate::backend::{Backend, Merge, Merged, Sql};
use crate::schema::{Index, Purpose};
#[cfg(feature = "sqlite")]
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;
use vivero_core::query::{Predicate, Query, Sort};
use vivero_core::record::{Kind, Row};
use vivero_core::{Error, Result, Value};

/// Along which indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Along {
    /// The one that has all rows in the wanted order.
    All,
    /// The one that has them so for each combination of facets.
    Sets,
    /// The one that has them so for each place.
    Places,
}

/// What a walk comes to.
#[derive(Debug)]
pub(super) enum Walked {
    /// The page.
    Rows(Vec<Row>),
    /// Too many that do not match lie in between.
    TooFar,
    /// What it was made from does not hold any more.
    #[cfg(feature = "mariadb")]
    Stale,
}

/// A walk along one range of an index, or several at once.
#[derive(Debug)]
pub(super) struct Walk<'q> {
    pub(super) along: Along,
    /// What each range begins with: the values of a combination, a place, nothing.
    pub(super) ranges: Vec<Vec<Value>>,
    /// Keeps the rows of these places.
    pub(super) places: Option<HashSet<Uuid>>,
    /// The conditions that neither the ranges nor the places answer.
    pub(super) rest: Vec<&'q Predicate>,
    /// Index entries after which something else is better.
    pub(super) budget: usize,
    /// What part of the rows each range is likely to have.
    pub(super) shares: Vec<f64>,
    /// Whether it looks at every row it meets.
    pub(super) by_rows: bool,
}

impl Walk<'_> {
    fn index<'t>(&self, table: &'t Table, sort: Option<&'static str>) -> Option<&'t Index> {
        let purpose = match (self.along, sort) {
            (Along::Sets, sort) => Purpose::Sets(sort),
            (Along::Places, sort) => Purpose::Place(sort),
            (Along::All, Some(sort)) => Purpose::Sort(sort),
            (Along::All, None) => return None,
        };
        table.indexes.iter().find(|i| i.purpose == purpose)
    }

    /// Everything from `FROM` to `ORDER BY`; the parameters of a range come first.
    fn from<B: Backend>(&self, sql: &mut Sql, table: &Table, query: &Query, stage: Stage) {
        let hint = self
            .index(table, query.sort.column)
            .map_or_else(|| B::NO_INDEX.to_owned(), |index| B::index_hint(&index.name));
        sql.addf(format_args!(" FROM {} t{hint} WHERE t.deleted_at IS NULL", table.schema.table));
        match (self.along, &table.sets, table.schema.location) {
            (Along::Sets, Some((_, columns)), _) => {
                for column in columns {
                    sql.addf(format_args!(" AND {}", B::same(column)));
                }
            }
            (Along::Places, _, Some(column)) => {
                sql.addf(format_args!(" AND t.{column} = ?"));
            }
            _ => {}
        }
        for predicate in &self.rest {
            sql.add(" AND ");
            condition::<B>(sql, predicate);
        }
        if let (true, Some(places), Some(column)) =
            (B::PLACES_BY_CONDITION, &self.places, table.schema.location)
        {
            sql.addf(format_args!(" AND t.{column} IN ("));
            for (i, place) in places.iter().enumerate() {
                sql.add(if i == 0 { "?" } else { ", ?" }).bind(Value::Id(*place));
            }
            sql.add(")");
        }
        stage.begin(sql, query);
        if stage.pins_key() {
            // One key only: said so, because MariaDB does not see it where there is no value.
            sql.add(&order_by(query, None, "t.seq"));
        } else {
            sql.add(&order(query, "t.seq"));
        }
    }

    /// How many rows there are on it, before and after the cursor.
    pub(super) async fn count<B: Backend>(
        &self,
        connection: &mut B::Connection,
        table: &Table,
        query: &Query,
    ) -> Result<i64> {
        let mut sum = 0;
        let all = Query { after: None, sort: Sort { column: None, ..query.sort }, ..query.clone() };
        for range in &self.ranges {
            let mut sql = Sql::new("SELECT count(*) FROM (SELECT 1");
            for value in range {
                sql.bind(value.clone());
            }
            self.from::<B>(&mut sql, table, &all, Stage::Whole);
            sql.add(") k");
            sum += sql.number::<B>(connection).await?.unwrap_or(0);
        }
        Ok(sum)
    }

    /// The rows.
    pub(super) async fn run<B: Backend>(
        &self,
        connection: &mut B::Connection,
        table: &Table,
        query: &Query,
        assumed: &Assumed,
    ) -> Result<Walked> {
        let bounded = self.budget != usize::MAX || !assumed.is_nothing();
        let one_by_one = !B::CHECKS || Stage::of(query).len() == 1;
        match self.ranges.as_slice() {
            [range] if self.places.is_none() && one_by_one && !(B::CHECKS && bounded) => {
                self.run_one::<B>(connection, table, query, range).await.map(Walked::Rows)
            }
            _ => self.run_many::<B>(connection, table, query, assumed).await,
        }
    }

    async fn run_one<B: Backend>(
        &self,
        connection: &mut B::Connection,
        table: &Table,
        query: &Query,
        range: &[Value],
    ) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for stage in Stage::of(query) {
            let wanted = query.limit as usize - rows.len();
            if wanted == 0 {
                break;
            }
            let mut sql = Sql::new(format!("SELECT {}", table.columns));
            for value in range {
                sql.bind(value.clone());
            }
            self.from::<B>(&mut sql, table, query, *stage);
            sql.add(" LIMIT ?").bind(Value::Int(wanted as i64));
            let found = sql.fetch::<B>(connection, &table.kinds).await?;
            rows.extend(found.into_iter().map(|cells| table.decode(cells)));
        }
        Ok(rows)
    }

    async fn run_many<B: Backend>(
        &self,
        connection: &mut B::Connection,
        table: &Table,
        query: &Query,
        assumed: &Assumed,
    ) -> Result<Walked> {
        let key = query.sort.column.map_or_else(|| "NULL".to_owned(), |c| format!("t.{c}"));
        let place = match (&self.places, table.schema.location) {
            (Some(_), Some(column)) => format!(", t.{column}"),
            _ => String::new(),
        };
        let stages = Stage::of(query).iter().map(|stage| {
            let head =
                if B::CHECKS { String::new() } else { format!("SELECT {key}, t.seq{place}") };
            let mut sql = Sql::new(head);
            self.from::<B>(&mut sql, table, query, *stage);
            sql
        });
        let merge = Merge {
            stages: stages.collect(),
            ranges: self.ranges.clone(),
            kind: kind(table, query),
            descending: query.sort.descending,
            limit: query.limit as usize,
            places: self.places.clone(),
            budget: self.budget,
            shares: self.shares.clone(),
            table: table.schema.table,
            columns: table.columns.clone(),
            kinds: table.kinds.clone(),
            key: query.sort.column.and_then(|name| {
                let at = table.position(name)?;
                Some((key, at))
            }),
            checks: assumed.checks::<B>(table),
            steady: assumed.is_steady(),
        };
        match B::merge(connection, merge).await.map_err(Into::<Error>::into)? {
            Merged::TooFar => Ok(Walked::TooFar),
            #[cfg(feature = "sqlite")]
            Merged::Rows(seqs) => by_seq::<B>(connection, table, &seqs).await.map(Walked::Rows),
            #[cfg(feature = "mariadb")]
            Merged::Whole(rows, answers) => {
                if !assumed.holds(&answers) {
                    return Ok(Walked::Stale);
                }
                Ok(Walked::Rows(rows.into_iter().map(|cells| table.decode(cells)).collect()))
            }
        }
    }
}

/// Where a walk begins. Databases find a place in an index by a row value (`(key, seq) > (?, ?)`)
/// poorly: SQLite by its first part only, MariaDB not at all. At the end of a long run of equal keys
/// that is the whole run to pass over, so the rest of the run and what lies beyond are asked for apart;
/// and so are rows without a value, which come before all others: an `OR` with them has no place in an
/// index at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// From the cursor, if there is one, in one piece.
    Whole,
    /// The rest of the rows that have the cursor's key.
    Ties,
    /// The rows beyond that have a value.
    Beyond,
    /// The rest of the rows without a value, after a cursor without one.
    Without,
    /// All rows with a value.
    With,
    /// All rows without one.
    AllWithout,
}

impl Stage {
    fn of(query: &Query) -> &'static [Self] {
        let Some(cursor) = query.after.as_ref().filter(|_| query.sort.column.is_some()) else {
            return &[Self::Whole];
        };
        match (cursor.key.is_null(), query.sort.required, query.sort.descending) {
            (true, true, _) => &[Self::Whole],
            (true, false, true) => &[Self::Without],
            (true, false, false) => &[Self::Without, Self::With],
            (false, false, true) => &[Self::Ties, Self::Beyond, Self::AllWithout],
            (false, ..) => &[Self::Ties, Self::Beyond],
        }
    }

    /// Whether all its rows have the same key.
    const fn pins_key(self) -> bool {
        matches!(self, Self::Ties | Self::Without | Self::AllWithout)
    }

    fn begin(self, sql: &mut Sql, query: &Query) {
        let (Some(cursor), Some(column)) = (&query.after, query.sort.column) else {
            return after(sql, query, "t.seq");
        };
        let sign = if query.sort.descending { "<" } else { ">" };
        match self {
            Self::Whole => after(sql, query, "t.seq"),
            Self::Ties => {
                sql.addf(format_args!(" AND t.{column} = ? AND t.seq {sign} ?"))
                    .bind(cursor.key.clone())
                    .bind(Value::Int(cursor.seq));
            }
            Self::Beyond => {
                sql.addf(format_args!(" AND t.{column} {sign} ?")).bind(cursor.key.clone());
            }
            Self::Without => {
                sql.addf(format_args!(" AND t.{column} IS NULL AND t.seq {sign} ?"))
                    .bind(Value::Int(cursor.seq));
            }
            Self::With => {
                sql.addf(format_args!(" AND t.{column} IS NOT NULL"));
            }
            Self::AllWithout => {
                sql.addf(format_args!(" AND t.{column} IS NULL"));
            }
        }
    }
}

/// Kind of the sort's key.
fn kind(table: &Table, query: &Query) -> Kind {
    match query.sort.column {
        None => Kind::Int,
        Some("updated_at") => Kind::Time,
        Some(name) => table.schema.column(name).map_or(Kind::Int, |c| c.kind),
    }
}

#[cfg(feature = "sqlite")]
/// Rows asked for in one statement. Always as many parameters: one text, prepared once.
const AT_ONCE: usize = 64;

/// The rows with these numbers, in this order.
#[cfg(feature = "sqlite")]
async fn by_seq<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    seqs: &[i64],
) -> Result<Vec<Row>> {
    let mut found = HashMap::with_capacity(seqs.len());
    for some in seqs.chunks(AT_ONCE) {
        let marks = vec!["?"; AT_ONCE].join(", ");
        let mut sql = Sql::new(format!(
            "SELECT {} FROM {} t WHERE t.seq IN ({marks})",
            table.columns, table.schema.table
        ));
        for i in 0..AT_ONCE {
            sql.bind(some.get(i).map_or(Value::Null, |seq| Value::Int(*seq)));
        }
        for row in sql.fetch::<B>(connection, &table.kinds).await? {
            let row = table.decode(row);
            found.insert(row.seq, row);
        }
    }
    Ok(seqs.iter().filter_map(|seq| found.remove(seq)).collect())
}

/// The places of every condition that asks for some with all below them; no such condition: `None`.
pub(super) async fn places<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    conditions: &[&Predicate],
    assume: Option<&Memory>,
    assumed: &mut Assumed,
) -> Result<Option<HashSet<Uuid>>> {
    let mut all: Option<HashSet<Uuid>> = None;
    for predicate in conditions.iter().filter(|p| is_place(table, p)) {
        let here: HashSet<Uuid> = match predicate {
            Predicate::Equals(_, Value::Id(id)) => HashSet::from([*id]),
            Predicate::Within(_, roots) => below::<B>(connection, roots, assume, assumed).await?,
            _ => continue,
        };
        all = Some(match all {
            None => here,
            Some(others) => others.intersection(&here).copied().collect(),
        });
    }
    Ok(all)
}

/// Whether a condition is about the place of a row, and of the kinds [`places`] answers.
pub(super) fn is_place(table: &Table, predicate: &Predicate) -> bool {
    let answered = matches!(predicate, Predicate::Within(..) | Predicate::Equals(_, Value::Id(_)));
    answered && table.schema.location.is_some() && pinned(predicate) == table.schema.location
}

/// These locations and all below them.
async fn below<B: Backend>(
    connection: &mut B::Connection,
    roots: &[Uuid],
    assume: Option<&Memory>,
    assumed: &mut Assumed,
) -> Result<HashSet<Uuid>> {
    let mut all = HashSet::new();
    for root in roots {
        let known = match assume.and_then(|memory| memory.below(*root)) {
            Some(known) => known,
            None => {
                let sql = below_sql::<B>("below.id").with(Value::Id(*root));
                let rows = sql.fetch::<B>(connection, &[Kind::Id]).await?;
                let found: Arc<HashSet<Uuid>> =
                    Arc::new(rows.iter().map(|row| row.id(0)).collect());
                if let Some(memory) = assume {
                    memory.set_below(*root, Arc::clone(&found));
                }
                found
            }
        };
        all.extend(known.iter().copied());
        if assume.is_some() {
            assumed.below.push((*root, known));
        }
    }
    Ok(all)
}

/// Selects from a location, the parameter, and all below it.
pub(super) fn below_sql<B: Backend>(what: &str) -> Sql {
    // A path ends with `/` and holds hexadecimal digits and `/` only: `~` sorts after all.
    Sql::new(format!(
        "SELECT {what} FROM locations top JOIN locations below \
         ON below.path >= top.path AND below.path < {} WHERE top.id = ?",
        B::concat("top.path", "'~'")
    ))
}

/// Selects every place with its path.
pub(crate) const fn below_paths() -> &'static str {
    "id, path FROM locations"
}
