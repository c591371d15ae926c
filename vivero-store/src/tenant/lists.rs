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

use super::building::{Building, build};
use super::journal;
use super::kept::KeptRows;
use super::news::{age, news};
use super::pages::Pages;
use super::plan::{Known, Table, projected};
use super::readers::Readers;
use super::together::Together;
use crate::backend::{Backend, Cells};
use crate::bitmaps::budget::{Budget, count as note};
use crate::bitmaps::mirror::{Checked, Mirror, Outcome};
use hashbrown::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
#[cfg(feature = "mariadb")]
use vivero_core::port::BitmapStats;
use vivero_core::query::{Predicate, Query};
use vivero_core::record::{Row, Schema};
use vivero_core::{Error, Result};

/// How often a page is planned before it is left to the database.
const TRIES: usize = 3;
/// Entries of the journal that are worth following; after more, an index is built anew.
const MOST_ENTRIES: i64 = 10_000;
/// So many changes are taken over aside, so that nobody on the same thread waits.
const ASIDE: usize = 100;
/// The memory for lists, of all tenants.
#[derive(Debug, Clone)]
pub(crate) struct ListMemory {
    indexes: Arc<Budget>,
    rows: Arc<KeptRows>,
}

impl ListMemory {
    /// At most so many bytes for indexes, see [`Budget::new`], and for rows of the pages they find.
    pub(crate) fn new(indexes: usize, after: u32, rows: usize) -> Self {
        let rows = KeptRows::new(if indexes == 0 { 0 } else { rows });
        Self { indexes: Arc::new(Budget::new(indexes, after)), rows: Arc::new(rows) }
    }

    #[cfg(feature = "mariadb")]
    pub(crate) fn stats(&self) -> BitmapStats {
        self.rows.stats(self.indexes.stats())
    }
}

/// The indexes of one tenant.
pub(crate) struct Mirrors {
    budget: Arc<Budget>,
    kept: Arc<KeptRows>,
    all: RwLock<HashMap<&'static str, Arc<Mirror>>>,
    pages: Arc<Together<Pages>>,
}

impl Mirrors {
    pub(crate) fn new(memory: &ListMemory) -> Self {
        let ListMemory { indexes, rows } = memory.clone();
        Self { budget: indexes, kept: rows, all: RwLock::default(), pages: Arc::default() }
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
        let kept = &self.mirrors.kept;
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
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal("keeping an index", e))
}
