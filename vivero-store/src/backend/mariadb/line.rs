//! Who begins a short unit of work next, of those of one process and one database.
//!
//! A work that must have answers waits in the [`Line`] for the open transaction of a [`Group`], and whoever is
//! done hands it on. A work that needs none stands in the line with all it is going to do: whoever hands the
//! transaction on takes it along, so that many of them go in one packet, and nobody is woken for it. With nobody in
//! line the group is committed: a work alone waits for no others. While one group is being made durable the next
//! begins, on another connection.
//!
//! A group of works of which none asks anything goes ahead ([`super::ahead`]): it gives the right to write away at
//! once, and another of the kind may begin beside it when so many wait that it is worth it. Whoever takes the turn
//! first waits until none of these is under way.

use super::group::{Group, Member, Ran, undone};
use super::pool::{Lease, Pool, WAIT, Waiting, Writing, unavailable};
use super::ready::{Part, Ready};
use super::statements::LONGEST_WAITING;
use std::any::Any;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use vivero_core::Result;

/// Groups that go ahead at once: one more than the server commits at a time.
const AHEAD: usize = 2;
/// With so many in line the second of them begins; before, it waits for more, or for the first.
const ENOUGH: usize = 12;

/// A work that stands in the line with all it does, until somebody takes it along or it leaves.
#[derive(Clone)]
struct Standing {
    work: Arc<Mutex<Option<Ready>>>,
    pool: Pool,
}

impl Standing {
    fn take(&self) -> Option<Ready> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Takes its work with it when its caller goes away before somebody has taken it along.
struct Leaves(Standing);

impl Drop for Leaves {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}

enum Waiter {
    /// Is given what it waits for.
    Asks(oneshot::Sender<Turn>),
    /// Is taken along.
    Stands(Standing),
}

/// Those who wait to begin a short work.
#[derive(Default)]
struct Waiters {
    busy: bool,
    waiting: VecDeque<Waiter>,
    /// Somebody is about to give the right to write to the next, and has to look again.
    giving: bool,
    look_again: bool,
    /// Groups that went ahead and are not on their way to being durable.
    ahead: usize,
    /// Transactions of one work each, that are to meet none of these.
    alone: usize,
    /// For so many groups no works share statements.
    wary: u32,
}

impl Waiters {
    /// Whether a work that stands in line may begin a group, with so many in line.
    const fn is_worth_it(&self, waiting: usize) -> bool {
        self.ahead == 0 || self.ahead < AHEAD && waiting >= ENOUGH
    }

    /// Who is given the right to write.
    fn take_next(&mut self) -> Option<Waiter> {
        let begins = !self.busy
            && match self.waiting.front()? {
                Waiter::Asks(_) => true,
                Waiter::Stands(_) => self.is_worth_it(self.waiting.len()),
            };
        let next = if begins { self.waiting.pop_front() } else { None };
        self.busy |= next.is_some();
        next
    }
}

/// When works that shared statements did not come through: to do them twice costs more than sharing saves.
const WARY: u32 = 8;

/// The line of one pool; clones are the same.
#[derive(Clone, Default)]
pub(super) struct Line(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiters: Mutex<Waiters>,
    /// Tells that a group is no longer ahead.
    settled: Notify,
}

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
            line.waiters().busy = false;
            line.go_on();
        }
    }
}

/// A group that goes ahead, until it is on its way to being durable.
pub(super) struct Ahead(Line);

impl Drop for Ahead {
    fn drop(&mut self) {
        self.0.waiters().ahead -= 1;
        self.0.0.settled.notify_waiters();
        self.0.go_on();
    }
}

/// A transaction beside which no group goes ahead.
pub(super) struct Alone(Line);

impl Drop for Alone {
    fn drop(&mut self) {
        self.0.waiters().alone -= 1;
    }
}

impl Line {
    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.0.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Waiter> {
        self.waiters().waiting.pop_front()
    }

    fn pass(&self) -> Pass {
        Pass(Some(self.clone()))
    }

    /// Gives the right to write to the next, if nobody has it. A next that is gone at once gives it back: then it is
    /// given in turn, not within.
    fn go_on(&self) {
        {
            let mut waiters = self.waiters();
            waiters.look_again = waiters.giving;
            if std::mem::replace(&mut waiters.giving, true) {
                return;
            }
        }
        loop {
            let next = {
                let mut waiters = self.waiters();
                waiters.look_again = false;
                let next = waiters.take_next();
                waiters.giving = next.is_some();
                next
            };
            let given = match next {
                None => return,
                Some(Waiter::Asks(next)) => match next.send(Turn::First(self.pass())) {
                    Ok(()) => true,
                    // Went away: this pass must not be given back once more.
                    Err(Turn::First(mut pass)) => {
                        pass.0 = None;
                        false
                    }
                    Err(Turn::Next(_)) => false,
                },
                Some(Waiter::Stands(standing)) => {
                    match (tokio::runtime::Handle::try_current(), standing.take()) {
                        (Ok(runtime), Some(ready)) => {
                            runtime.spawn(begin_with(standing.pool, self.pass(), ready));
                            true
                        }
                        _ => false,
                    }
                }
            };
            let mut waiters = self.waiters();
            if !given {
                waiters.busy = false;
            } else if !waiters.look_again {
                waiters.giving = false;
                return;
            }
        }
    }

    /// Has a group go ahead, unless somebody is to meet none.
    fn go_ahead(&self) -> Option<Ahead> {
        let mut waiters = self.waiters();
        (waiters.alone == 0 && waiters.ahead < AHEAD).then(|| {
            waiters.ahead += 1;
            Ahead(self.clone())
        })
    }

    /// Waits until no group is ahead. Not for ever: to meet one is no harm, but what waits for each other is undone.
    async fn none_ahead(&self) {
        let waiting = async {
            loop {
                let mut settled = pin!(self.0.settled.notified());
                settled.as_mut().enable();
                if self.waiters().ahead == 0 {
                    return;
                }
                settled.await;
            }
        };
        let _ = tokio::time::timeout(WAIT, waiting).await;
    }

    /// Has no group go ahead from now on, and waits for those that did.
    pub(super) async fn alone(&self) -> Alone {
        self.waiters().alone += 1;
        let alone = Alone(self.clone());
        self.none_ahead().await;
        alone
    }

    async fn enter(&self, most: Duration) -> Result<Turn> {
        let turn = {
            let mut waiters = self.waiters();
            if !waiters.busy {
                waiters.busy = true;
                return Ok(Turn::First(self.pass()));
            }
            let (sender, turn) = oneshot::channel();
            waiters.waiting.push_back(Waiter::Asks(sender));
            turn
        };
        tokio::time::timeout(most, turn)
            .await
            .map_err(|_| unavailable("turn to write, others take long"))?
            .map_err(|_| unavailable("database, it is closing"))
    }

    /// Whether works of the next group may share statements.
    fn may_share(&self) -> bool {
        let mut waiters = self.waiters();
        let wary = waiters.wary;
        waiters.wary = wary.saturating_sub(1);
        wary == 0
    }

    /// Has a work stand in the line; the right to begin a group if nobody else writes.
    fn stand(&self, standing: Standing) -> Option<Pass> {
        let mut waiters = self.waiters();
        if waiters.busy || !waiters.is_worth_it(waiters.waiting.len() + 1) {
            waiters.waiting.push_back(Waiter::Stands(standing));
            return None;
        }
        waiters.busy = true;
        Some(self.pass())
    }
}

impl Pool {
    /// Begins a work that may share its transaction with others before and after it; see the module.
    pub(crate) async fn begin_short(&self) -> Result<Writing> {
        let writing = match self.line().enter(WAIT).await? {
            Turn::First(pass) => self.begin_group(pass).await?,
            Turn::Next(mut writing) => {
                writing.waiting.mark();
                *writing
            }
        };
        // Who has the turn already is waited for by those that are ahead.
        if writing.first.is_some() {
            self.line().none_ahead().await;
        }
        Ok(writing)
    }

    async fn begin_group(&self, pass: Pass) -> Result<Writing> {
        let mut writing = self.begin_beside().await?;
        let share = self.numbers_in_order() && self.line().may_share();
        writing.group = Some(Group::new(writing.waiting.end(), share));
        writing.pass = Some(pass);
        Ok(writing)
    }

    /// Does a whole work that needs no answers and may share its transaction; returns when it is durable. A
    /// caller that goes away leaves all of it or nothing; `until` is dropped when it is known which. `along` is
    /// told when it is taken along.
    pub(super) async fn commit_whole(
        &self,
        parts: Vec<Part>,
        openings: u64,
        along: Box<dyn FnOnce() + Send>,
        until: Box<dyn Any + Send>,
    ) -> Result<()> {
        let (member, mut known) = Member::new(until);
        let openings = parts.iter().any(Part::tells).then_some(openings);
        let ready = Ready { parts, openings, along: Some(along), member };
        let work = Arc::new(Mutex::new(Some(ready)));
        let standing = Standing { work, pool: self.clone() };
        let _leaves = Leaves(standing.clone());
        if let Some(pass) = self.line().stand(standing.clone()) {
            if let Some(ready) = standing.take() {
                // In a task of its own: others may be taken along, whose works must not end with this caller.
                tokio::spawn(begin_with(self.clone(), pass, ready));
            }
        } else if let Ok(told) = tokio::time::timeout(WAIT, &mut known).await {
            return told.unwrap_or_else(|_| Err(unavailable("database, it does not answer")));
        } else if standing.take().is_some() {
            return Err(unavailable("turn to write, others take long"));
        }
        known.await.unwrap_or_else(|_| Err(unavailable("database, it does not answer")))
    }
}

/// Begins a group with a work that stood in the line.
async fn begin_with(pool: Pool, pass: Pass, ready: Ready) {
    match pool.begin_group(pass).await {
        Err(e) => ready.member.tell(Err(e)),
        Ok(mut writing) => {
            let (lease, Some(pass)) = writing.take_apart() else { return };
            hand_on_with(lease, pass, ready.still(&pool).into_iter().collect());
        }
    }
}

/// Ends a work that is in a group: returns when it is durable.
pub(super) async fn commit(mut lease: Lease, pass: Pass, until: Box<dyn Any + Send>) -> Result<()> {
    let lost = lease.lost || lease.busy;
    let Some(group) = &lease.group else {
        return Err(unavailable("database, the transaction was cut off"));
    };
    if !group.is_sound() || lost {
        leave(lease, pass);
        return Err(undone("the transaction was cut off"));
    }
    if group.is_fresh() {
        leave(lease, pass);
        return Ok(());
    }
    let (member, known) = Member::new(until);
    lease.end_work(member);
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
    if group.is_dead() || group.size() == 0 {
        // The transaction is this work's alone, or no more.
        lease.group = None;
        return;
    }
    if !busy {
        lease.forget_work();
        return hand_on(lease, pass);
    }
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    // What waits was put off after the statement that was given up.
    lease.waiting = Waiting::default();
    lease.combination = None;
    runtime.spawn(async move {
        if lease.salvage().await {
            hand_on(lease, pass);
        } else {
            // Still in the middle of an answer: it is closed all the same.
            lease.lost = lease.group.as_ref().is_some_and(|group| !group.is_dead());
            leave(lease, pass);
        }
    });
}

/// Gives the transaction to the next in line, or commits it.
fn hand_on(lease: Lease, pass: Pass) {
    hand_on_with(lease, pass, Vec::new());
}

/// The same after works that stood in the line.
fn hand_on_with(lease: Lease, pass: Pass, mut along: Vec<Ready>) {
    let Some(line) = pass.0.clone() else { return };
    let mut writing = Box::new(Writing::of_group(lease, pass));
    let mut length: usize = along.iter().map(Ready::length).sum();
    while length < LONGEST_WAITING / 2
        && writing.is_open_to(along.len())
        && let Some(next) = line.next()
    {
        match next {
            Waiter::Stands(standing) => {
                if let Some(ready) = standing.take().and_then(|ready| ready.still(&standing.pool)) {
                    length += ready.length();
                    along.push(ready);
                }
            }
            Waiter::Asks(next) => {
                writing.join(std::mem::take(&mut along));
                writing.turn_to_next();
                match next.send(Turn::Next(writing)) {
                    Ok(()) | Err(Turn::First(_)) => return,
                    Err(Turn::Next(back)) => writing = back,
                }
            }
        }
    }
    let ahead = writing.may_go_ahead(&along).then(|| line.go_ahead()).flatten();
    let (mut lease, Some(pass)) = writing.take_apart() else { return };
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    if let Some(ahead) = ahead {
        drop(pass);
        let pool = lease.pool().clone();
        runtime.spawn(async move {
            match lease.run_ahead(along).await {
                Ok(ran) => commit_group(lease, line, ran, ahead).await,
                Err(works) => {
                    // The turn comes first now, and so what everybody does who takes it first.
                    drop(ahead);
                    let alone = line.alone().await;
                    let ran = lease.run_again(works, &pool).await;
                    commit_group(lease, line, ran, alone).await;
                }
            }
        });
        return;
    }
    lease.join(along);
    runtime.spawn(async move {
        // Who has the turn already is waited for by those that are ahead.
        if lease.first.is_some() {
            line.none_ahead().await;
        }
        let ran = lease.run_group().await;
        commit_group(lease, line, ran, pass).await;
    });
}

/// Commits what a group did; the next begins when that is on its way, and `until` is dropped.
async fn commit_group<U>(mut lease: Lease, line: Line, ran: Ran, until: U) {
    if ran.fell_apart {
        line.waiters().wary = WARY;
    }
    if ran.goes_on {
        let mut ending = pin!(lease.end_group());
        let first = poll_fn(|context| Poll::Ready(ending.as_mut().poll(context))).await;
        drop(until);
        if first.is_pending() {
            ending.await;
        }
    }
}
