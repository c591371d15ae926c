//! Lists and totals out of the bitmap indexes of a tenant, and what keeps these exact.
//!
//! An index stands for the database at one turn (its number of the last change) and one entry of the
//! journal. Planning with it costs no look at the database; the statement that then reads the rows of the
//! page reads the turn as well, in the same state. If it is still the same turn, that is the answer. If not,
//! the index is caught up in one snapshot: every change of a record has an entry, so the entries since then
//! name all rows that changed. What was right at an instant after the request came is a right answer, so
//! after one catching up it suffices that the rows of the page are still in the versions the index knows,
//! even if writers go on.
//!
//! A work that writes rows and has no entry for them makes the turn leap ([`Backend::LEAP`]), and then the
//! index is built anew.

use super::journal;
use super::plan::{Known, Table, below_paths, projected};
use super::readers::Readers;
use super::rows::Found;
use super::together::{Question, Together};
use crate::backend::{Backend, Cells, Sql};
use crate::bitmaps::budget::{Budget, count as note};
use crate::bitmaps::mirror::{Checked, Mirror, Outcome, State};
use crate::bitmaps::{self, Index, Unfit};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use uuid::Uuid;
use vivero_core::query::{Predicate, Query};
use vivero_core::record::{Kind, Row, Schema};
use vivero_core::{Error, Result, Value};

/// How often a page is planned before it is left to the database.
const TRIES: usize = 3;
/// Entries of the journal that are worth following; after more, an index is built anew.
const MOST_ENTRIES: i64 = 10_000;
/// So many changes are taken over aside, so that nobody on the same thread waits.
const ASIDE: usize = 100;
/// Rows read at once for an index that is built.
const ROWS_AT_ONCE: i64 = 2_000;
/// After so many times it is asked whether there is still room for more.
const WEIGHED_AFTER: u32 = 16;
/// What the turn leaps over: this many bits below count the turns.
pub(crate) const LEAP_BITS: u32 = 32;

/// The indexes of one tenant.
pub(crate) struct Mirrors {
    budget: Arc<Budget>,
    all: RwLock<HashMap<&'static str, Arc<Mirror>>>,
    pages: Arc<Together<Pages>>,
}

impl Mirrors {
    pub(crate) fn new(budget: Arc<Budget>) -> Self {
        Self { budget, all: RwLock::default(), pages: Arc::default() }
    }

    /// What is kept of a table; none where nothing may be.
    fn of(&self, table: &Table) -> Option<Arc<Mirror>> {
        let schema = table.schema;
        if self.budget.is_off() || table.is_reduced() || !is_followed(schema) {
            return None;
        }
        let known = self.all.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(mirror) = known.get(schema.table) {
            return Some(Arc::clone(mirror));
        }
        drop(known);
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let mirror = || Arc::new(Mirror::new(schema, &self.budget));
        Some(Arc::clone(all.entry(schema.table).or_insert_with(mirror)))
    }
}

/// Whether the journal tells of every change of such records.
pub(crate) fn is_followed(schema: &Schema) -> bool {
    journal::counted(schema) && schema.resource != "file_usage"
}

/// How the turn numbers a state: works without entries of their own apart.
const fn age(turn: i64) -> i64 {
    turn >> LEAP_BITS
}

/// Whoever asks for a list.
pub(super) struct Asking<'a, B: Backend> {
    mirrors: &'a Mirrors,
    readers: &'a Readers<B>,
    table: &'a Arc<Table>,
    known: Known<'a>,
}

impl<'a, B: Backend> Asking<'a, B> {
    pub(super) const fn new(
        mirrors: &'a Mirrors,
        readers: &'a Readers<B>,
        table: &'a Arc<Table>,
        known: Known<'a>,
    ) -> Self {
        Self { mirrors, readers, table, known }
    }

    /// The index, if there is one; sees to it that there will be one if it pays.
    async fn mirror(&self) -> Option<Arc<Mirror>> {
        if !B::CHECKS {
            return None;
        }
        let mirror = self.mirrors.of(self.table)?;
        if mirror.stands_for().is_some() {
            return Some(mirror);
        }
        let everything = Query::new(Predicate::All, 1);
        let rows = projected(self.table, &everything, self.known).unwrap_or(0);
        if !mirror.is_due(rows) {
            return None;
        }
        let building = Building { outcome: Outcome::Failed, mirror: Arc::clone(&mirror) };
        let built = build::<B>(self.readers.pool.clone(), Arc::clone(self.table), building);
        if mirror.is_waited_for() {
            built.await;
            return Some(mirror);
        }
        tokio::spawn(built);
        None
    }

    /// The page of a query with its total; `None` if the database is to be asked.
    pub(super) async fn page(&self, query: &Query) -> Result<Option<(Vec<Row>, u64)>> {
        let Some(mirror) = self.mirror().await else { return Ok(None) };
        let page = self.page_of(&mirror, query).await;
        let counters = &mirror.budget.counters;
        note(if matches!(page, Ok(None)) { &counters.passed_on } else { &counters.answered });
        page
    }

    /// How many rows a query has; `None` if the database is to be asked.
    pub(super) async fn count(&self, query: &Query) -> Result<Option<u64>> {
        let Some(mirror) = self.mirror().await else { return Ok(None) };
        let begun = mirror.begun();
        let Some((total, at)) = mirror.count(query) else { return Ok(None) };
        let (_, turn) = self.rows(Vec::new()).await?;
        if turn == Some(at) {
            return Ok(Some(total));
        }
        if !catch_up(self.readers, self.table, &mirror, begun).await? {
            return Ok(None);
        }
        Ok(mirror.count(query).map(|(total, _)| total))
    }

    /// Rows by their numbers, and the turn at which they were so.
    async fn rows(&self, numbers: Vec<i64>) -> Result<(HashMap<i64, Row>, Option<i64>)> {
        self.mirrors.pages.ask(self.readers, self.table, numbers).await
    }

    async fn page_of(
        &self,
        mirror: &Arc<Mirror>,
        query: &Query,
    ) -> Result<Option<(Vec<Row>, u64)>> {
        let mut begun = mirror.begun();
        let mut known: HashMap<i64, Row> = HashMap::new();
        let kept = &mirror.budget.rows;
        for attempt in 0..TRIES {
            let Some(planned) = mirror.plan(query) else { return Ok(None) };
            // What was read for an earlier plan, or for somebody else, is often what is wanted now.
            let mut missing = Vec::new();
            for wanted in &planned.found.rows {
                let (seq, version) = *wanted;
                if known.get(&seq).is_some_and(|row| row.version == version) {
                    continue;
                }
                match kept.get(planned.edition, *wanted, &self.table.kinds) {
                    Some(values) => drop(known.insert(seq, self.table.decode(Cells(values)))),
                    None => missing.push(seq),
                }
            }
            let mut turn = None;
            if attempt == 0 || !missing.is_empty() {
                let read;
                (read, turn) = self.rows(missing).await?;
                if turn == Some(planned.turn) {
                    kept.keep(planned.edition, read.values());
                }
                known.extend(read);
            }
            let numbers = planned.found.rows.iter();
            let rows: Vec<Row> = numbers.filter_map(|(seq, _)| known.remove(seq)).collect();
            let same = turn == Some(planned.turn);
            if same || attempt > 0 {
                match mirror.check(&planned, query, &rows) {
                    Checked::Right => return Ok(Some((rows, planned.found.total))),
                    Checked::Wrong if same => {
                        let table = self.table.schema.table;
                        tracing::warn!(table, "an index in memory was wrong, and is built anew");
                        mirror.forget();
                        return Ok(None);
                    }
                    _ => {}
                }
            }
            known = rows.into_iter().map(|row| (row.seq, row)).collect();
            if attempt > 0 {
                begun = mirror.begun();
            }
            if !catch_up(self.readers, self.table, mirror, begun).await? {
                return Ok(None);
            }
        }
        Ok(None)
    }
}

/// Statements for so many rows each are prepared: they answer in binary, which both sides are quicker at.
const PREPARED_FOR: [usize; 4] = [16, 51, 102, 204];

/// Adds a condition on `t` that it is one of these rows, or one of few others: many that lie close together
/// are one range, which costs the database half of what as many single ones do.
fn among(sql: &mut Sql, numbers: &[i64]) {
    let (Some(first), Some(last)) = (numbers.iter().min(), numbers.iter().max()) else { return };
    let between = last.abs_diff(*first) + 1;
    if between <= (numbers.len() + numbers.len() / 2) as u64 {
        sql.add("t.seq BETWEEN ? AND ?").bind(Value::Int(*first)).bind(Value::Int(*last));
        sql.fixed = true;
        return;
    }
    if let Some(most) = PREPARED_FOR.into_iter().find(|most| *most >= numbers.len()) {
        sql.addf(format_args!("t.seq IN (?{})", ", ?".repeat(most - 1)));
        // The last stands for those that are too many: twice the same is once.
        let padding = std::iter::repeat_n(*last, most - numbers.len());
        sql.args.extend(numbers.iter().copied().chain(padding).map(Value::Int));
        sql.fixed = true;
        return;
    }
    let all: Vec<String> = numbers.iter().map(i64::to_string).collect();
    sql.addf(format_args!("t.seq IN ({})", all.join(", ")));
}

/// Rows of pages by their numbers, and the turn at which they were so.
pub(super) struct Pages;

impl Question for Pages {
    type Wanted = Vec<i64>;
    type Answer = (HashMap<i64, Row>, Option<i64>);
    const MOST: usize = PREPARED_FOR[3];

    fn rows(wanted: &Vec<i64>) -> usize {
        wanted.len()
    }

    async fn ask<B: Backend>(
        connection: &mut B::Connection,
        table: &Table,
        wanted: Vec<Vec<i64>>,
    ) -> Result<Vec<Self::Answer>> {
        let all: BTreeSet<i64> = wanted.iter().flatten().copied().collect();
        let (rows, turn) = rows::<B>(connection, table, &Vec::from_iter(all)).await?;
        let mut found = Found::new(rows.into_iter(), wanted.iter().flatten().copied());
        let answer = |numbers: &Vec<i64>| {
            let rows = numbers.iter().filter_map(|seq| Some((*seq, found.take(seq)?)));
            (rows.collect(), turn)
        };
        Ok(wanted.iter().map(answer).collect())
    }
}

/// Rows by their numbers, and the turn. A row that is not there tells no turn, so it is asked for apart where
/// none is.
async fn rows<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    numbers: &[i64],
) -> Result<(Vec<(i64, Row)>, Option<i64>)> {
    let Some(turn) = B::TURN else { return Ok((Vec::new(), None)) };
    if numbers.is_empty() {
        return Ok((Vec::new(), Sql::new(turn).number::<B>(connection).await?));
    }
    let mut sql = Sql::new(format!(
        "SELECT {}, ({turn}) FROM {} t{} WHERE ",
        table.columns,
        table.schema.table,
        B::NO_INDEX
    ));
    among(&mut sql, numbers);
    let kinds: Vec<Kind> = table.kinds.iter().copied().chain([Kind::Int]).collect();
    let mut now = None;
    let mut all = Vec::with_capacity(numbers.len());
    for mut cells in sql.fetch::<B>(connection, &kinds).await? {
        if let Some(Value::Int(turn)) = cells.0.pop() {
            now = Some(turn);
        }
        let row = table.decode(cells);
        all.push((row.seq, row));
    }
    Ok((all, now))
}

/// What happened since an index was right.
struct News {
    turn: i64,
    journal: i64,
    rows: Vec<Row>,
    /// How many records the entries name.
    named: i64,
    /// All places, if some changed.
    places: Vec<(Uuid, String)>,
}

/// Reads, in one state, what changed after an entry of the journal; no rows if there are too many entries.
async fn news<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    since: i64,
    most: i64,
) -> Result<News> {
    let turn = B::TURN.unwrap_or("0");
    let resource = || Value::Text(table.schema.resource.into());
    let state = Sql::new(format!(
        "SELECT ({turn}), (SELECT coalesce(max(seq), 0) FROM journal), \
         (SELECT count(DISTINCT record_id) FROM journal WHERE seq > ? AND resource = ?)"
    ))
    .with(Value::Int(since))
    .with(resource());
    // The few records named lead, whatever the database thinks of it.
    let rows = Sql::new(format!(
        "SELECT {} FROM (SELECT DISTINCT record_id FROM journal WHERE seq > ? AND resource = ? \
         AND (SELECT max(seq) FROM journal) <= ?) k STRAIGHT_JOIN {} t ON t.id = k.record_id",
        table.columns, table.schema.table
    ))
    .with(Value::Int(since))
    .with(resource())
    .with(Value::Int(since.saturating_add(most)));
    let places = Sql::new(format!(
        "SELECT {} WHERE EXISTS (SELECT 1 FROM journal WHERE seq > ? AND resource = 'location')",
        below_paths()
    ))
    .with(Value::Int(since));
    let queries = vec![
        (state, &[Kind::Int; 3][..]),
        (rows, &table.kinds[..]),
        (places, &[Kind::Id, Kind::Text][..]),
    ];
    let mut answers = B::at_once(connection, queries).await.map_err(Into::<Error>::into)?;
    let mut next = || if answers.is_empty() { Vec::new() } else { answers.remove(0) };
    let state = next().into_iter().next().ok_or_else(|| Error::corrupt("there is no turn"))?;
    let rows = next().into_iter().map(|cells| table.decode(cells)).collect();
    let places = next().into_iter().map(|mut cells| (cells.id(0), cells.text(1))).collect();
    Ok(News { turn: state.int(0), journal: state.int(1), rows, named: state.int(2), places })
}

impl News {
    /// Whether they are all that happened to an index that stood for this turn. A row that an entry names
    /// and that is not there was removed in a way that the journal does not tell.
    fn are_all(&self, turn: i64) -> bool {
        age(self.turn) == age(turn) && i64::try_from(self.rows.len()) == Ok(self.named)
    }
}

/// Brings the index up to a state that is there after `begun` was asked for; `false` if it is of no use now.
async fn catch_up<B: Backend>(
    readers: &Readers<B>,
    table: &Table,
    mirror: &Arc<Mirror>,
    begun: u64,
) -> Result<bool> {
    let _one = mirror.catching_up.lock().await;
    if mirror.is_done_after(begun) {
        return Ok(true);
    }
    let Some((turn, journal)) = mirror.stands_for() else { return Ok(false) };
    let number = mirror.begin();
    let mut connection = readers.acquire().await?;
    let news = news::<B>(&mut connection, table, journal, MOST_ENTRIES).await?;
    drop(connection);
    if news.turn < turn && age(news.turn) == age(turn) {
        // A node of a cluster that is behind.
        return Ok(false);
    }
    if !news.are_all(turn) {
        mirror.forget();
        return Ok(false);
    }
    let (taken, many) = (Arc::clone(mirror), news.rows.len() > ASIDE);
    let apply = move || taken.apply(news.turn, news.journal, &news.rows, news.places);
    let fits = if many { aside(apply).await? } else { apply() };
    if fits {
        note(&mirror.budget.counters.caught_up);
        mirror.note_done(number);
    }
    Ok(fits)
}

/// Runs what takes a while on a thread of its own.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal("keeping an index", e))
}

/// An index that is being built; says when it is over, however it ends.
struct Building {
    outcome: Outcome,
    mirror: Arc<Mirror>,
}

impl Drop for Building {
    fn drop(&mut self) {
        self.mirror.note_built(self.outcome);
    }
}

async fn build<B: Backend>(pool: B::Pool, table: Arc<Table>, mut building: Building) {
    let mirror = Arc::clone(&building.mirror);
    let Ok(_one) = mirror.budget.building.acquire().await else { return };
    building.outcome = match built::<B>(&pool, &table, &mirror).await {
        Ok(Built::State(state)) => {
            if mirror.set(*state) {
                Outcome::Done
            } else {
                Outcome::TooLarge
            }
        }
        Ok(Built::Unfit) => Outcome::TooLarge,
        Ok(Built::Overtaken) => Outcome::Overtaken,
        Err(error) => {
            tracing::debug!(table = table.schema.table, %error, "no index is built");
            Outcome::Failed
        }
    };
}

/// What came of reading a table.
enum Built {
    State(Box<State>),
    /// Something does not fit into an index.
    Unfit,
    /// Something was written meanwhile that the journal does not tell of.
    Overtaken,
}

/// An index as of now. It is read in parts, each as of another instant, and then caught up from the
/// beginning: so no transaction is open for long, and no connection is kept.
async fn built<B: Backend>(
    pool: &B::Pool,
    table: &Arc<Table>,
    mirror: &Arc<Mirror>,
) -> Result<Built> {
    let schema = table.schema;
    let mut connection = B::acquire(pool).await?;
    let queries = vec![
        (
            Sql::new(format!(
                "SELECT ({}), (SELECT coalesce(max(seq), 0) FROM journal), \
                 (SELECT coalesce(min(seq), 1) FROM {})",
                B::TURN.unwrap_or("0"),
                schema.table
            )),
            &[Kind::Int; 3][..],
        ),
        (Sql::new(format!("SELECT {}", below_paths())), &[Kind::Id, Kind::Text][..]),
    ];
    let mut answers = B::at_once(&mut connection, queries).await.map_err(Into::<Error>::into)?;
    drop(connection);
    let places = answers.pop().unwrap_or_default();
    let state = answers.pop().and_then(|rows| rows.into_iter().next());
    let state = state.ok_or_else(|| Error::corrupt("there is no turn"))?;
    let (turn, journal, first) = (state.int(0), state.int(1), state.int(2));
    let mut index = Index::new(schema, first);
    index.set_places(places.into_iter().map(|mut c| (c.id(0), c.text(1))).collect());
    let columns = needed(table);
    let (mut after, mut parts) = (first - 1, 0_u32);
    loop {
        parts += 1;
        if parts.is_multiple_of(WEIGHED_AFTER) && !mirror.has_room(&index) {
            return Ok(Built::Unfit);
        }
        let sql = Sql::new(format!(
            "SELECT {columns} FROM {} t{} WHERE t.seq > ? ORDER BY t.seq LIMIT ?",
            schema.table,
            B::NO_INDEX
        ))
        .with(Value::Int(after))
        .with(Value::Int(ROWS_AT_ONCE))
        .long();
        let mut connection = B::acquire(pool).await?;
        let part = sql.fetch::<B>(&mut connection, &table.kinds).await?;
        drop(connection);
        let Some(last) = part.last() else { break };
        after = last.int(0);
        let table = Arc::clone(table);
        let added = aside(move || {
            let rows = part.into_iter().map(|cells| table.decode(cells));
            for row in rows.filter(|row| row.deleted_at.is_none()) {
                index.add(&row)?;
            }
            Ok::<_, Unfit>(index)
        });
        let Ok(more) = added.await? else { return Ok(Built::Unfit) };
        index = more;
    }
    let finished = aside(move || index.finish().map(|()| index));
    let Ok(mut index) = finished.await? else { return Ok(Built::Unfit) };
    let mut connection = B::acquire(pool).await?;
    let news = news::<B>(&mut connection, table, journal, i64::MAX / 2).await?;
    drop(connection);
    if !news.are_all(turn) || news.turn < turn {
        return Ok(Built::Overtaken);
    }
    let (turn, journal) = (news.turn, news.journal);
    let caught_up = aside(move || {
        if !news.places.is_empty() {
            index.set_places(news.places);
        }
        news.rows.iter().try_for_each(|row| index.put(row))?;
        Ok::<_, Unfit>(index)
    });
    Ok(match caught_up.await? {
        Ok(index) => Built::State(Box::new(State::new(index, turn, journal))),
        Err(Unfit) => Built::Unfit,
    })
}

/// The columns of a table, those that an index does not need left out.
fn needed(table: &Table) -> String {
    let columns = table.columns.split(", ").map(|column| match column.strip_prefix("t.") {
        Some(name) if !bitmaps::needs(table.schema, name) => "NULL",
        _ => column,
    });
    columns.collect::<Vec<_>>().join(", ")
}
