//! Short units of work that share one transaction, and so one commit and one sync.
//!
//! Those of one process and one database wait in a [`Line`]. Whoever is done hands the open transaction to
//! the next in line, who goes on behind a savepoint; with nobody in line, or when the group is large or old
//! enough, it is committed, and only then is any of its works acknowledged. A work alone is committed at
//! once, so nobody waits for a group to fill. While one group is being made durable the next begins, on
//! another connection, and waits for the turn as every writer does.
//!
//! A work that fails is undone by itself: back to its savepoint. What it put off until its end
//! (`Backend::defer`) goes with the first packet of the work after it; if that fails there, it is undone and
//! told, and the rest goes on. What ends the whole transaction undoes all works of the group, each of which
//! hears of it as [`Error::Undone`]; a commit whose outcome nobody knows is unknown to each of them.

use super::pool::{Lease, Pool, WAIT, Waiting, Writing, unavailable};
use super::{Connection, Failure, run};
use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use vivero_core::record::Kind;
use vivero_core::{Error, Result};

/// Works of one group: enough that a commit and a sync are a small part of what each costs.
const MOST: usize = 32;
/// So long after the first was done no other joins: it waits for the last.
const LONGEST: Duration = Duration::from_millis(12);
/// Where each work of a group but the first begins.
const MARK: &str = "SAVEPOINT work; ";
const BACK: &str = "ROLLBACK TO SAVEPOINT work";

/// A work that is done and waits for the commit.
struct Member {
    outcome: oneshot::Sender<Result<()>>,
    /// Dropped when it is known.
    _until: Box<dyn Any + Send>,
}

impl Member {
    fn tell(self, outcome: Result<()>) {
        // Whoever went away does not need to hear.
        let _ = self.outcome.send(outcome);
    }
}

/// What of the statements that wait on a connection is of the work before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub(super) statements: usize,
    pub(super) bytes: usize,
}

/// The works of one transaction.
pub(super) struct Group {
    /// When the first of them was done.
    began: Instant,
    /// Works whose statements were all run.
    done: Vec<Member>,
    /// The work before, if some of its statements still wait.
    last: Option<(Member, Share)>,
    /// The present work has sent nothing yet.
    fresh: bool,
    /// Statements of the present work were left out: it must not be committed.
    spoiled: bool,
    /// The transaction is no more.
    dead: bool,
    /// It is being committed.
    ending: bool,
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("works", &self.size()).finish_non_exhaustive()
    }
}

fn undone(why: &str) -> Error {
    Error::Undone { source: why.into() }
}

/// The same error for one more work.
fn alike(error: &Error) -> Error {
    match error {
        Error::Undone { source } => undone(&source.to_string()),
        Error::Unavailable { what, retry_after, .. } => {
            Error::Unavailable { what: what.clone(), retry_after: *retry_after, source: None }
        }
        other => Error::internal("committing", other.to_string()),
    }
}

impl Group {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            done: Vec::new(),
            last: None,
            fresh: true,
            spoiled: false,
            dead: false,
            ending: false,
        }
    }

    fn size(&self) -> usize {
        self.done.len() + usize::from(self.last.is_some())
    }

    /// Whether another work may join.
    fn is_open(&self) -> bool {
        !self.dead && self.size() < MOST && self.began.elapsed() < LONGEST
    }

    pub(super) const fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// The present work has sent something.
    pub(super) const fn start(&mut self) {
        self.fresh = false;
    }

    /// What the work before left was run.
    fn confirm(&mut self) {
        self.done.extend(self.last.take().map(|(member, _)| member));
    }

    /// So many statements of a packet were run: either all that the work before left, or else what its share
    /// in the packet is.
    pub(super) fn confirm_up_to(&mut self, statements: usize) -> Option<Share> {
        let share = self.last.as_ref().map(|(_, share)| *share)?;
        if statements < share.statements {
            return Some(share);
        }
        self.confirm();
        None
    }

    /// The transaction has ended: all of it is undone.
    fn kill(&mut self, why: &str) {
        self.dead = true;
        self.confirm();
        for member in self.done.drain(..) {
            member.tell(Err(undone(why)));
        }
    }

    fn settle(&mut self, outcome: Result<()>) {
        self.confirm();
        let mut members = std::mem::take(&mut self.done).into_iter();
        let first = members.next();
        for member in members {
            member.tell(outcome.as_ref().copied().map_err(alike));
        }
        if let Some(first) = first {
            first.tell(outcome);
        }
    }
}

impl Connection {
    /// Notes a failure that a group does not survive, or one of a statement that others of the same work
    /// rely on. Whether there is a group.
    pub(super) fn note_failure(&mut self, failure: &Failure, relied_on: bool) -> bool {
        let Some(group) = &mut self.group else { return false };
        if group.ending {
            // What became of it is told by whoever ends it.
        } else if failure.is_of_statement() {
            group.spoiled |= relied_on;
        } else {
            group.kill(&failure.to_string());
        }
        true
    }

    /// Refuses what would come after the end of its transaction.
    pub(super) fn check_alive(&self) -> Result<(), Failure> {
        match &self.group {
            Some(group) if group.dead || group.spoiled => Err(Failure::cut_off()),
            _ => Ok(()),
        }
    }

    /// Undoes the work before, one of whose last statements failed, and tells it; what has to go before the
    /// rest.
    pub(super) async fn undo_last(&mut self, failure: Failure) -> Result<Waiting, Failure> {
        let Some(group) = &mut self.group else { return Err(failure) };
        let Some((member, _)) = group.last.take() else { return Err(failure) };
        member.tell(Err(failure.into()));
        let alone = group.done.is_empty();
        let again = alone && !group.ending;
        self.busy = true;
        let outcome = run(&mut self.inner, if alone { "ROLLBACK" } else { BACK }).await;
        self.busy = false;
        if let Err(e) = outcome {
            self.lost = true;
            self.kill(&e.to_string());
            return Err(Failure::cut_off());
        }
        Ok(if again { Waiting::turn() } else { Waiting::default() })
    }

    fn kill(&mut self, why: &str) {
        if let Some(group) = &mut self.group {
            group.kill(why);
        }
    }

    /// Commits what the group has done; returns when everybody knows.
    async fn end_group(&mut self) {
        if let Some(group) = &mut self.group {
            group.ending = true;
        }
        let outcome = self.after_waiting("COMMIT", &[]).await;
        match &outcome {
            Ok(_) => self.open = false,
            // Whether it is still open, nobody knows.
            Err(_) => self.lost = true,
        }
        if let Some(mut group) = self.group.take() {
            group.settle(outcome.map(|_| ()).map_err(Into::into));
        }
    }

    /// Back to where the present work began, although it was given up in the middle of a statement: the
    /// driver passes over the rest of its answer. A number shows that the next answer is the right one.
    async fn salvage(&mut self) -> bool {
        static NUMBER: AtomicI64 = AtomicI64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let answers = self.all(format!("{BACK}; SELECT {number}"), &[&[], &[Kind::Int]]).await;
        let given = answers.ok().and_then(|all| Some(all.get(1)?.first()?.int(0)));
        if given != Some(number) {
            return false;
        }
        self.busy = false;
        if let Some(group) = &mut self.group {
            group.confirm();
        }
        true
    }
}

/// Those who wait to begin a short work.
#[derive(Default)]
struct Waiters {
    busy: bool,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// The line of one pool; clones are the same.
#[derive(Clone, Default)]
pub(super) struct Line(Arc<Mutex<Waiters>>);

/// What one who waits is given.
enum Turn {
    /// To begin a group.
    First(Pass),
    /// To go on with one.
    Next(Box<Writing>),
}

/// The right to be the one who writes; without it the next in line begins a group.
pub(super) struct Pass(Option<Line>);

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(line) = self.0.take() {
            line.free();
        }
    }
}

impl Line {
    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<oneshot::Sender<Turn>> {
        self.waiters().waiting.pop_front()
    }

    fn free(self) {
        loop {
            let next = {
                let mut waiters = self.waiters();
                let next = waiters.waiting.pop_front();
                waiters.busy = next.is_some();
                next
            };
            let Some(next) = next else { return };
            match next.send(Turn::First(Pass(Some(self.clone())))) {
                Ok(()) => return,
                // Went away: this pass must not free the line once more.
                Err(Turn::First(mut pass)) => pass.0 = None,
                Err(Turn::Next(_)) => {}
            }
        }
    }

    async fn enter(&self, most: Duration) -> Result<Turn> {
        let turn = {
            let mut waiters = self.waiters();
            if !waiters.busy {
                waiters.busy = true;
                return Ok(Turn::First(Pass(Some(self.clone()))));
            }
            let (sender, turn) = oneshot::channel();
            waiters.waiting.push_back(sender);
            turn
        };
        tokio::time::timeout(most, turn)
            .await
            .map_err(|_| unavailable("turn to write, others take long"))?
            .map_err(|_| unavailable("database, it is closing"))
    }
}

impl Pool {
    /// Begins a work that may share its transaction with others before and after it; see the module.
    pub(crate) async fn begin_short(&self) -> Result<Writing> {
        match self.line().enter(WAIT).await? {
            Turn::First(pass) => {
                let mut writing = self.begin().await?;
                writing.group = Some(Group::new());
                writing.pass = Some(pass);
                Ok(writing)
            }
            Turn::Next(mut writing) => {
                writing.waiting.text.push_str(MARK);
                writing.waiting.statements += 1;
                Ok(*writing)
            }
        }
    }
}

/// Ends a work that is in a group: returns when it is durable.
pub(super) async fn commit(mut lease: Lease, pass: Pass, until: Box<dyn Any + Send>) -> Result<()> {
    let (statements, bytes) = (lease.waiting.statements, lease.waiting.text.len());
    let lost = lease.lost || lease.busy;
    let Some(group) = &mut lease.group else {
        return Err(unavailable("database, the transaction was cut off"));
    };
    if group.dead || group.spoiled || lost {
        leave(lease, pass);
        return Err(undone("the transaction was cut off"));
    }
    if group.fresh {
        leave(lease, pass);
        return Ok(());
    }
    let (outcome, known) = oneshot::channel();
    let member = Member { outcome, _until: until };
    if group.size() == 0 {
        // Not before: it may have waited for its turn.
        group.began = Instant::now();
    }
    group.last = Some((member, Share { statements, bytes }));
    hand_on(lease, pass);
    known.await.unwrap_or_else(|_| Err(unavailable("database, it does not answer")))
}

/// Undoes a work that is in a group, and no other.
pub(super) fn leave(mut lease: Lease, pass: Pass) {
    let (lost, busy) = (lease.lost, lease.busy);
    let Some(group) = &mut lease.group else { return };
    if lost {
        group.kill("the connection is lost");
    }
    if group.dead || group.size() == 0 {
        // The transaction is this work's alone, or no more.
        lease.group = None;
        return;
    }
    if busy {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        // What waits was put off after the statement that was given up.
        lease.waiting = Waiting::default();
        lease.combination = None;
        runtime.spawn(async move {
            if lease.salvage().await {
                hand_on(lease, pass);
            } else {
                lease.lost = true;
                leave(lease, pass);
            }
        });
        return;
    }
    // A mark that it only put off does no harm.
    if !group.fresh {
        group.spoiled = false;
        lease.waiting = Waiting { text: format!("{BACK}; "), statements: 1, rows: Vec::new() };
        lease.combination = None;
    }
    hand_on(lease, pass);
}

/// Gives the transaction to the next in line, or commits it.
fn hand_on(mut lease: Lease, pass: Pass) {
    let (Some(line), Some(group)) = (pass.0.clone(), &mut lease.group) else { return };
    let is_open = group.is_open();
    group.fresh = true;
    let mut writing = Box::new(Writing::of_group(lease, pass));
    while is_open && let Some(next) = line.next() {
        match next.send(Turn::Next(writing)) {
            Ok(()) => return,
            Err(Turn::Next(back)) => writing = back,
            Err(Turn::First(_)) => return,
        }
    }
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    let (mut lease, Some(pass)) = writing.take_apart() else { return };
    runtime.spawn(async move {
        {
            let mut ending = pin!(lease.end_group());
            // The next group begins when this one's commit is on its way.
            let first = poll_fn(|context| Poll::Ready(ending.as_mut().poll(context))).await;
            drop(pass);
            if first.is_pending() {
                ending.await;
            }
        }
        drop(lease);
    });
}
