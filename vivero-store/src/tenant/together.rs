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
use tokio::sync::oneshot;
use vivero_core::{Error, Result};

/// Statements at once: while the database works at one, this process reads another's answer.
const PLACES: usize = 2;

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
                is_given_up: false,
            });
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
            Err(answered) => match answered.await {
                Ok(answer) => return Ok(answer),
                Err(_) => None,
            },
        };
        let mut connection = readers.acquire().await?;
        let mut answers = Q::ask::<B>(&mut connection, table, vec![wanted]).await?;
        answers.pop().ok_or_else(|| Error::corrupt("a question without an answer"))
    }
}

/// The right to have a statement under way. Whoever has it may be dropped at any time: then it goes to those who
/// wait.
struct Place<B: Backend, Q: Question> {
    all: Arc<Together<Q>>,
    table: Arc<Table>,
    readers: Readers<B>,
    is_given_up: bool,
}

impl<B: Backend, Q: Question> Place<B, Q> {
    /// Those whom the next statement is for. With nobody the place is given up.
    fn next(&mut self) -> (Vec<Q::Wanted>, Vec<oneshot::Sender<Q::Answer>>) {
        let mut lines = self.all.lines();
        let line = lines.entry(self.table.schema.table).or_default();
        if line.waiting.is_empty() && !self.is_given_up {
            line.under_way -= 1;
            self.is_given_up = true;
        }
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
        if let Err(error) = self.answer_each().await {
            tracing::debug!(table = self.table.schema.table, %error, "nothing is asked together");
            // They ask alone, also those whom no statement was for yet.
            drop(self.next());
        }
    }

    async fn answer_each(&mut self) -> Result<()> {
        let mut connection = self.readers.acquire().await?;
        loop {
            let (wanted, answers) = self.next();
            if wanted.is_empty() {
                return Ok(());
            }
            let found = Q::ask::<B>(&mut connection, &self.table, wanted).await?;
            for (answer, found) in answers.into_iter().zip(found) {
                // Who has gone away wants no answer.
                drop(answer.send(found));
            }
        }
    }
}

impl<B: Backend, Q: Question> Drop for Place<B, Q> {
    fn drop(&mut self) {
        if self.is_given_up {
            return;
        }
        let mut lines = self.all.lines();
        let line = lines.entry(self.table.schema.table).or_default();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if !line.waiting.is_empty() => {
                let next = Self {
                    all: Arc::clone(&self.all),
                    table: Arc::clone(&self.table),
                    readers: self.readers.clone(),
                    is_given_up: false,
                };
                runtime.spawn(next.answer_all());
            }
            _ => {
                line.under_way -= 1;
                if line.under_way == 0 {
                    line.waiting.clear();
                }
            }
        }
    }
}
