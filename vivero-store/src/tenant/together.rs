//! What is asked of a table at the same time is asked in one statement.
//!
//! A statement for one row costs the database and the driver many times what the row does. So at most [`PLACES`]
//! statements of a kind are under way at once for a table; who asks meanwhile is in the next one, with others who
//! wait. Where nobody else asks, nobody waits. A statement is sent after everybody it answers has asked: each gets
//! what was committed before that. If it fails, whoever waits for it asks alone, and learns what is the matter
//! with their own.

use super::plan::Table;
use super::readers::Readers;
use crate::backend::Backend;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use vivero_core::{Error, Result};

/// Statements at once: while the database works at one, this process reads another's answer.
const PLACES: usize = 2;
/// How long others are waited for: who waits longer asks alone, so that nobody depends on a connection that hangs.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a statement for others may take. Its connection is closed then.
const LONGEST: Duration = Duration::from_secs(10);

/// A statement that can answer several.
pub(super) trait Question: Send + Sync + Sized + 'static {
    type Wanted: Clone + Send + 'static;
    type Answer: Send + 'static;
    /// Rows that one statement looks for at most, unless one asks for more.
    const MOST: usize;

    /// How many rows are looked for.
    fn rows(wanted: &Self::Wanted) -> usize;
    /// Asks for all of it: an answer for each, in their order.
    fn ask<B: Backend>(
        connection: &mut B::Connection,
        table: &Table,
        wanted: Vec<Self::Wanted>,
    ) -> impl Future<Output = Result<Vec<Self::Answer>>> + Send;
}

/// Whoever waits for an answer.
struct Waiting<Q: Question> {
    wanted: Q::Wanted,
    answer: oneshot::Sender<Q::Answer>,
}

struct Line<Q: Question> {
    waiting: VecDeque<Waiting<Q>>,
    under_way: usize,
}

impl<Q: Question> Default for Line<Q> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), under_way: 0 }
    }
}

/// Those who ask something of one tenant, by table.
pub(super) struct Together<Q: Question>(Mutex<HashMap<&'static str, Line<Q>>>);

impl<Q: Question> Default for Together<Q> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Q: Question> Together<Q> {
    fn lines(&self) -> MutexGuard<'_, HashMap<&'static str, Line<Q>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place, or what one waits for in line.
    fn join<B: Backend>(
        self: &Arc<Self>,
        readers: &Readers<B>,
        table: &Arc<Table>,
        wanted: &Q::Wanted,
    ) -> std::result::Result<Place<B, Q>, oneshot::Receiver<Q::Answer>> {
        let mut lines = self.lines();
        let line = lines.entry(table.schema.table).or_default();
        if line.under_way < PLACES {
            line.under_way += 1;
            return Ok(Place {
                all: Arc::clone(self),
                table: Arc::clone(table),
                readers: readers.clone(),
                state: State::Held,
            });
        }
        // Those who went away went in the order they came.
        while line.waiting.front().is_some_and(|first| first.answer.is_closed()) {
            line.waiting.pop_front();
        }
        let (answer, answered) = oneshot::channel();
        line.waiting.push_back(Waiting { wanted: wanted.clone(), answer });
        Err(answered)
    }

    /// Asks, with others if there are any. Who asks has no connection of the same pool: they would wait for
    /// each other.
    pub(super) async fn ask<B: Backend>(
        self: &Arc<Self>,
        readers: &Readers<B>,
        table: &Arc<Table>,
        wanted: Q::Wanted,
    ) -> Result<Q::Answer> {
        let _place = match self.join::<B>(readers, table, &wanted) {
            Ok(place) => Some(place),
            Err(answered) => match tokio::time::timeout(PATIENCE, answered).await {
                Ok(Ok(answer)) => return Ok(answer),
                _ => None,
            },
        };
        let mut connection = readers.acquire().await?;
        let mut answers = Q::ask::<B>(&mut connection, table, vec![wanted]).await?;
        answers.pop().ok_or_else(|| Error::corrupt("a question without an answer"))
    }
}

/// How it stands with a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Whoever has it asks, or is about to.
    Held,
    /// It was given to a task that has not run yet.
    HandedOn,
    /// It is free again.
    GivenUp,
}

/// The right to have a statement under way. Whoever has it may be dropped at any time: then it goes to those who
/// wait.
struct Place<B: Backend, Q: Question> {
    all: Arc<Together<Q>>,
    table: Arc<Table>,
    readers: Readers<B>,
    state: State,
}

type Batch<Q> = (Vec<<Q as Question>::Wanted>, Vec<oneshot::Sender<<Q as Question>::Answer>>);

impl<B: Backend, Q: Question> Place<B, Q> {
    /// Gives the place up, if nobody waits or `anyway`: then those who do ask alone. Whether it did.
    fn give_up(&mut self, anyway: bool) -> bool {
        let mut lines = self.all.lines();
        let line = lines.entry(self.table.schema.table).or_default();
        if anyway {
            line.waiting.clear();
        }
        if line.waiting.is_empty() && self.state != State::GivenUp {
            line.under_way -= 1;
            self.state = State::GivenUp;
        }
        self.state == State::GivenUp
    }

    /// Those whom the next statement is for.
    fn next(&self) -> Batch<Q> {
        let mut lines = self.all.lines();
        let line = lines.entry(self.table.schema.table).or_default();
        line.waiting.retain(|one| !one.answer.is_closed());
        let mut rows = 0;
        let fits = |waiting: &&Waiting<Q>| {
            rows += Q::rows(&waiting.wanted);
            rows <= Q::MOST
        };
        let number = line.waiting.iter().take_while(fits).count();
        let number = number.max(1).min(line.waiting.len());
        line.waiting.drain(..number).map(|one| (one.wanted, one.answer)).unzip()
    }

    /// Answers all who wait.
    async fn answer_all(mut self) {
        self.state = State::Held;
        while !self.give_up(false) {
            if let Err(error) = self.answer_some().await {
                tracing::debug!(table = self.table.schema.table, %error, "nothing is asked together");
                self.give_up(true);
            }
        }
    }

    /// One statement, on a connection that others may have before the next.
    async fn answer_some(&self) -> Result<()> {
        let mut connection = self.readers.acquire().await?;
        let (wanted, answers) = self.next();
        if wanted.is_empty() {
            return Ok(());
        }
        let asking = Q::ask::<B>(&mut connection, &self.table, wanted);
        let found =
            tokio::time::timeout(LONGEST, asking).await.map_err(|_| Error::Unavailable {
                what: "database, it does not answer".into(),
                retry_after: 1,
                source: None,
            })??;
        for (answer, found) in answers.into_iter().zip(found) {
            // Who has gone away wants no answer.
            drop(answer.send(found));
        }
        Ok(())
    }
}

impl<B: Backend, Q: Question> Drop for Place<B, Q> {
    fn drop(&mut self) {
        // A task that never ran is one of a runtime that ends: another would not run either.
        let is_over = self.state == State::HandedOn;
        if self.state == State::GivenUp || self.give_up(is_over) {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            self.give_up(true);
            return;
        };
        let next = Self {
            all: Arc::clone(&self.all),
            table: Arc::clone(&self.table),
            readers: self.readers.clone(),
            state: State::HandedOn,
        };
        // Nothing is locked: it may be dropped within this call.
        runtime.spawn(next.answer_all());
    }
}
