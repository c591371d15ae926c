//! An index with the state of the database it stands for.

use super::budget::{Budget, count};
use super::{Found, Index};
use chrono::{DateTime, Utc};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use uuid::Uuid;
use vivero_core::query::Query;
use vivero_core::record::{Row, Schema};

/// Lists count towards building an index for so long.
const WHILE: Duration = Duration::from_secs(600);
/// After an index that did not fit in.
const TOO_LARGE: Duration = Duration::from_secs(600);
/// After a database that did not answer.
const FAILED: Duration = Duration::from_secs(30);
/// Rows that are read for the price of a list.
const ROWS_A_LIST: u64 = 2_000;
/// Memory of a row at least, about, to know beforehand what is too large.
const ROW_BYTES: usize = 80;
/// Changes after which it is asked again how much memory an index takes.
const WEIGH_AFTER: u64 = 5_000;

/// What is kept of one record table of one tenant: an index, once there is one.
pub(crate) struct Mirror {
    pub(crate) schema: &'static Schema,
    pub(super) number: u64,
    pub(crate) budget: Arc<Budget>,
    state: RwLock<Option<State>>,
    /// Held by who catches up.
    pub(crate) catching_up: tokio::sync::Mutex<()>,
    /// How many times catching up was begun, and which of them was the last to succeed.
    begun: AtomicU64,
    done: AtomicU64,
    asked: Mutex<Asked>,
}

/// An entry of the journal. Its number alone does not tell which: one that a server lost when it crashed, because
/// it does not sync, is given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    /// 0 before the first.
    pub(crate) seq: i64,
    pub(crate) record: Uuid,
    pub(crate) at: DateTime<Utc>,
}

impl At {
    /// Before the first entry.
    pub(crate) const BEGINNING: Self =
        Self { seq: 0, record: Uuid::nil(), at: DateTime::UNIX_EPOCH };
}

/// An index, and what it stands for.
pub(crate) struct State {
    pub(crate) index: Index,
    /// The number of the database's last change.
    pub(crate) turn: i64,
    /// The last entry of the journal.
    pub(crate) journal: At,
    /// Changes since it was weighed.
    changes: u64,
    edition: Edition,
}

impl State {
    pub(crate) const fn new(index: Index, turn: i64, journal: At) -> Self {
        Self { index, turn, journal, changes: 0, edition: Edition(0) }
    }
}

/// How often the table was listed of late.
struct Asked {
    since: Instant,
    lists: u64,
    /// When an index may be thought of again.
    not_before: Option<Instant>,
    building: bool,
}

/// One index that was built, told from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Edition(u64);

/// What came of building an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// There is no room for it.
    TooLarge,
    /// The table changed in a way that cannot be followed.
    Overtaken,
    /// The database did not answer, or nobody waits any more.
    Failed,
}

/// A page as it was at a turn.
pub(crate) struct Planned {
    pub(crate) found: Found,
    pub(crate) turn: i64,
    pub(crate) edition: Edition,
}

/// What the rows that were read are to what was planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checked {
    /// They are the rows of the plan.
    Right,
    /// Something changed since.
    Changed,
    /// Nothing changed, and yet they are not.
    Wrong,
}

impl std::fmt::Debug for Mirror {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mirror").field("table", &self.schema.table).finish_non_exhaustive()
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.budget.release(self.number);
    }
}

impl Mirror {
    pub(crate) fn new(schema: &'static Schema, budget: &Arc<Budget>) -> Self {
        Self {
            schema,
            number: budget.number(),
            budget: Arc::clone(budget),
            state: RwLock::new(None),
            catching_up: tokio::sync::Mutex::default(),
            begun: AtomicU64::new(0),
            done: AtomicU64::new(0),
            asked: Mutex::new(Asked {
                since: Instant::now(),
                lists: 0,
                not_before: None,
                building: false,
            }),
        }
    }

    /// What the index stands for: turn and entry of the journal. `None` without an index.
    pub(crate) fn stands_for(&self) -> Option<(i64, At)> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.as_ref().map(|state| (state.turn, state.journal))
    }

    /// The page of a query; `None` without an index, or if it cannot tell.
    pub(crate) fn plan(&self, query: &Query) -> Option<Planned> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let State { index, turn, edition, .. } = state.as_ref()?;
        let found = index.find(query)?;
        self.budget.note_used(self.number);
        Some(Planned { found, turn: *turn, edition: *edition })
    }

    /// How many rows a query has, and at which turn.
    pub(crate) fn count(&self, query: &Query) -> Option<(u64, i64)> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let State { index, turn, .. } = state.as_ref()?;
        let total = index.count(query)?;
        self.budget.note_used(self.number);
        Some((total, *turn))
    }

    /// Whether these rows are the page. An index proposes and never grants: each row is asked itself whether
    /// it meets filter and scope.
    pub(crate) fn check(&self, planned: &Planned, query: &Query, rows: &[Row]) -> Checked {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let Some(State { index, turn, .. }) = state.as_ref() else { return Checked::Changed };
        let are_those = rows.len() == planned.found.rows.len()
            && rows.iter().zip(&planned.found.rows).all(|(row, (seq, version))| {
                row.seq == *seq && row.version == *version && row.deleted_at.is_none()
            });
        let meet = |row: &Row| index.meets(row, &query.filter) && index.meets(row, &query.scope);
        match (are_those && rows.iter().all(meet), *turn == planned.turn) {
            (true, _) => Checked::Right,
            (false, true) => Checked::Wrong,
            (false, false) => Checked::Changed,
        }
    }

    /// Takes changes over. `false` if the index is of no more use.
    pub(crate) fn apply(
        self: &Arc<Self>,
        turn: i64,
        journal: At,
        rows: &[Row],
        places: Vec<(Uuid, String)>,
    ) -> bool {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let Some(now) = state.as_mut() else { return false };
        if !places.is_empty() {
            now.index.set_places(places);
        }
        let fits = rows.iter().all(|row| now.index.put(row).is_ok());
        if !fits || now.index.is_worn() {
            *state = None;
            drop(state);
            self.budget.release(self.number);
            return false;
        }
        (now.turn, now.journal) = (turn, journal);
        now.changes += rows.len() as u64;
        let bytes = (now.changes >= WEIGH_AFTER).then(|| {
            now.changes = 0;
            now.index.bytes()
        });
        drop(state);
        if let Some(bytes) = bytes
            && !self.budget.admit(self, bytes)
        {
            self.forget();
            self.put_off(TOO_LARGE);
            return false;
        }
        true
    }

    /// Whether there is room for an index that is being built, as large as it is by now.
    pub(crate) fn has_room(self: &Arc<Self>, index: &Index) -> bool {
        self.budget.admit(self, index.bytes())
    }

    /// Takes an index over that was built, if there is room for it.
    pub(crate) fn set(self: &Arc<Self>, mut state: State) -> bool {
        state.edition = Edition(self.budget.number());
        let bytes = state.index.bytes();
        if !self.budget.admit(self, bytes) {
            return false;
        }
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Some(state);
        count(&self.budget.counters.built);
        true
    }

    /// Drops the index.
    pub(crate) fn forget(&self) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.budget.release(self.number);
    }

    /// How many times catching up was begun so far: one that is begun later sees what is there now.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }
    /// Begins to catch up; its number.
    pub(crate) fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::SeqCst) + 1
    }
    /// Whether one that was begun after so many is done.
    pub(crate) fn is_done_after(&self, begun: u64) -> bool {
        self.done.load(Ordering::SeqCst) > begun
    }
    pub(crate) fn note_done(&self, number: u64) {
        self.done.fetch_max(number, Ordering::SeqCst);
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a list of a table with about so many rows; whether it is time to build an index, which is then
    /// for the caller to do.
    pub(crate) fn is_due(&self, rows: u64) -> bool {
        let mut asked = self.asked();
        let now = Instant::now();
        if asked.building || asked.not_before.is_some_and(|then| now < then) {
            return false;
        }
        if now.duration_since(asked.since) > WHILE {
            (asked.since, asked.lists) = (now, 0);
        }
        asked.lists += 1;
        let due = asked.lists > u64::from(self.budget.after) + rows / ROWS_A_LIST;
        if self.budget.after > 0 && !due {
            return false;
        }
        let bytes = usize::try_from(rows).unwrap_or(usize::MAX).saturating_mul(ROW_BYTES);
        if !self.budget.could_hold(bytes) {
            asked.not_before = Some(now + TOO_LARGE);
            return false;
        }
        asked.building = true;
        true
    }

    /// Whether who asks for the first list waits until there is an index.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.budget.after == 0
    }

    /// Building has ended.
    pub(crate) fn note_built(&self, outcome: Outcome) {
        let mut asked = self.asked();
        asked.building = false;
        (asked.since, asked.lists) = (Instant::now(), 0);
        let wait = match outcome {
            Outcome::Done => return,
            Outcome::Overtaken => Duration::ZERO,
            Outcome::TooLarge => TOO_LARGE,
            Outcome::Failed => FAILED,
        };
        asked.not_before = Some(Instant::now() + wait);
        drop(asked);
        self.budget.release(self.number);
    }

    fn put_off(&self, by: Duration) {
        self.asked().not_before = Some(Instant::now() + by);
    }
}
