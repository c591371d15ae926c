//! Short units of work that share one transaction, and so one commit and one sync.
//!
//! Those of one process and one database come one after another (see [`super::line`]). The open transaction goes
//! from one that is done to the next, which goes on behind a savepoint; with nobody in line, or when the group
//! is large or old enough, it is committed, and only then is any of its works acknowledged.
//!
//! What a work put off until its end (`Backend::defer`) goes with the next packet, and so may the whole of
//! several works; if a statement fails there, the work it is of is undone by itself, back to its savepoint, and
//! told, and the rest goes on. What ends the whole transaction undoes all works of the group, each of which hears
//! of it as [`Error::Undone`]; a commit whose outcome nobody knows is unknown to each of them.

use super::ahead::may_go_ahead;
use super::pool::{BACK, Position, Waiting};
use super::queries::Queries;
use super::ready::{Ready, alike, push_together};
use super::statements::LONGEST_WAITING;
use super::{Connection, Failure, run};
use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use vivero_core::record::Kind;
use vivero_core::{Error, Result};

/// Works of one group: enough that a commit and a sync are a small part of what each costs.
const MOST: usize = 32;
/// So long after the first was done no other joins: it waits for the last.
const LONGEST: Duration = Duration::from_millis(12);

/// Who waits for the commit of a work.
pub(super) struct Member {
    outcome: oneshot::Sender<Result<()>>,
    /// Dropped when it is known.
    _until: Box<dyn Any + Send>,
}

impl Member {
    /// With where the outcome is heard of.
    pub(super) fn new(until: Box<dyn Any + Send>) -> (Self, oneshot::Receiver<Result<()>>) {
        let (outcome, known) = oneshot::channel();
        (Self { outcome, _until: until }, known)
    }

    pub(super) fn tell(self, outcome: Result<()>) {
        // Whoever went away does not need to hear.
        let _ = self.outcome.send(outcome);
    }
}

/// Works whose statements were put off together.
pub(super) enum Unit {
    One(Member),
    /// These share statements.
    Alike(Vec<Ready>),
}

impl Unit {
    fn size(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Alike(works) => works.len(),
        }
    }

    fn into_members(self) -> Vec<Member> {
        match self {
            Self::One(member) => vec![member],
            Self::Alike(works) => works.into_iter().map(|work| work.member).collect(),
        }
    }
}

/// What became of a group before its commit.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ran {
    /// There is something to commit.
    pub(super) goes_on: bool,
    /// Works that shared a statement did not come through with it.
    pub(super) fell_apart: bool,
}

/// The works of one transaction.
pub(super) struct Group {
    /// When the first of them was done.
    began: Instant,
    /// Works whose statements were all run.
    done: Vec<Member>,
    /// The works after those, of which statements still wait: each with where its last ends.
    before: VecDeque<(Unit, Position)>,
    /// Where the statements of the present work begin, while all of them wait.
    start: Option<Position>,
    /// The present work has done nothing yet.
    fresh: bool,
    /// Statements of the present work were left out: it must not be committed.
    spoiled: bool,
    /// The transaction is no more.
    dead: bool,
    /// It is being committed.
    ending: bool,
    /// No work comes any more.
    closed: bool,
    /// The last work was undone, and with it the transaction.
    rolled_back: bool,
    /// Its works may share statements.
    share: bool,
    /// Works that shared a statement did not come through with it.
    fell_apart: bool,
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("works", &self.size()).finish_non_exhaustive()
    }
}

pub(super) fn undone(why: &str) -> Error {
    Error::Undone { source: why.into() }
}

/// The same error for one more work.
fn same(error: &Error) -> Error {
    match error {
        Error::Undone { source } => undone(&source.to_string()),
        Error::Unavailable { what, retry_after, .. } => {
            Error::Unavailable { what: what.clone(), retry_after: *retry_after, source: None }
        }
        other => Error::internal("committing", other.to_string()),
    }
}

impl Group {
    /// Without works; the first begins where what begins the transaction ends.
    pub(super) fn new(start: Position, share: bool) -> Self {
        Self {
            began: Instant::now(),
            done: Vec::new(),
            before: VecDeque::new(),
            start: Some(start),
            fresh: true,
            spoiled: false,
            dead: false,
            ending: false,
            closed: false,
            rolled_back: false,
            share,
            fell_apart: false,
        }
    }

    /// Of works whose statements were all run, all of which are to be committed.
    pub(super) fn of_done(works: Vec<Ready>) -> Self {
        let done = works.into_iter().map(|work| work.member).collect();
        Self { done, closed: true, ..Self::new(Position::default(), true) }
    }

    pub(super) fn size(&self) -> usize {
        self.done.len() + self.before.iter().map(|(unit, _)| unit.size()).sum::<usize>()
    }

    /// Whether another work may join after some more.
    fn is_open(&self, after: usize) -> bool {
        !self.dead && self.size() + after < MOST && self.began.elapsed() < LONGEST
    }

    /// Whether the present work has done nothing.
    pub(super) const fn is_fresh(&self) -> bool {
        self.fresh
    }

    pub(super) const fn is_dead(&self) -> bool {
        self.dead
    }

    /// Whether the present work can be committed.
    pub(super) const fn is_sound(&self) -> bool {
        !self.dead && !self.spoiled
    }

    /// The present work has put something off.
    pub(super) const fn touch(&mut self) {
        self.fresh = false;
    }

    /// What waits is sent.
    pub(super) const fn send(&mut self) {
        self.fresh = false;
        self.start = None;
    }

    /// The next work begins.
    fn turn_to_next(&mut self, start: Position) {
        self.fresh = true;
        self.start = Some(start);
    }

    /// Works have done all they had to do; their last statement ends there.
    fn add(&mut self, unit: Unit, end: Position) {
        if self.size() == 0 {
            // Not before: it may have waited for its turn.
            self.began = Instant::now();
        }
        self.before.push_back((unit, end));
    }

    /// What the works before left was run.
    fn confirm(&mut self) {
        self.done.extend(self.before.drain(..).flat_map(|(unit, _)| unit.into_members()));
    }

    /// So many statements of a packet were run: where the first work ends that still has others there.
    fn confirm_up_to(&mut self, statements: usize) -> Option<Position> {
        while let Some((_, end)) = self.before.front() {
            if statements < end.statements {
                return Some(*end);
            }
            let unit = self.before.pop_front().map(|(unit, _)| unit);
            self.done.extend(unit.into_iter().flat_map(Unit::into_members));
        }
        None
    }

    /// What was up to a position is not, and `first` is instead, which ends there.
    fn put_first(&mut self, at: Position, first: Vec<(Member, Position)>, end: Position) {
        for (_, later) in &mut self.before {
            *later = later.moved(at, end);
        }
        for (member, end) in first.into_iter().rev() {
            self.before.push_front((Unit::One(member), end));
        }
    }

    /// The transaction has ended: all of it is undone.
    pub(super) fn kill(&mut self, why: &str) {
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
            member.tell(outcome.as_ref().copied().map_err(same));
        }
        if let Some(first) = first {
            first.tell(outcome);
        }
    }
}

impl Connection {
    /// Notes a failure that a group does not survive, or one of a statement that others of the same work
    /// rely on; or that a work by itself does not. Whether there is a group.
    pub(super) fn note_failure(&mut self, failure: &Failure, relied_on: bool) -> bool {
        let Some(group) = &mut self.group else {
            // The server has undone all of it, or that statement only: neither is what was asked for.
            self.spoiled |= self.writes && self.open && !failure.is_of_statement();
            return false;
        };
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
            Some(group) if !group.is_sound() => Err(Failure::cut_off()),
            None if self.spoiled => Err(Failure::failed_before()),
            _ => Ok(()),
        }
    }

    /// Has works that need no answer join the group; those that are alike share statements, if they may.
    pub(super) fn join(&mut self, mut works: Vec<Ready>) {
        if works.is_empty() {
            return;
        }
        works.iter_mut().filter_map(|work| work.along.take()).for_each(|along| along());
        // What the triggers were told of last is known to the works.
        self.combination = None;
        let single = |works: Vec<Ready>| works.into_iter().map(|work| vec![work]).collect();
        let share = self.group.as_ref().is_some_and(|group| group.share);
        for works in if share { alike(works) } else { single(works) } {
            let Some(group) = &mut self.group else { return };
            if group.size() > 0 {
                self.waiting.mark();
            }
            let unit = match <[Ready; 1]>::try_from(works) {
                Ok([work]) => {
                    work.push_onto(&mut self.waiting);
                    Unit::One(work.member)
                }
                Err(works) => {
                    push_together(&works, &mut self.waiting);
                    Unit::Alike(works)
                }
            };
            group.add(unit, self.waiting.end());
        }
    }

    /// The present work has done all it had to do.
    pub(super) fn end_work(&mut self, member: Member) {
        let end = self.waiting.end();
        match &mut self.group {
            Some(group) => group.add(Unit::One(member), end),
            None => member.tell(Err(undone("there is no transaction"))),
        }
    }

    /// Whether a group of nothing but these works may go ahead.
    pub(super) fn may_go_ahead(&self, works: &[Ready]) -> bool {
        let begins = |group: &Group| group.share && group.fresh && group.size() == 0;
        !self.goes_apart
            && !works.is_empty()
            && self.group.as_ref().is_some_and(begins)
            && works.iter().all(may_go_ahead)
    }

    /// Whether another work may join the group after some more.
    pub(super) fn is_open_to(&self, after: usize) -> bool {
        self.waiting.text.len() < LONGEST_WAITING / 2
            && self.group.as_ref().is_some_and(|group| group.is_open(after))
    }

    /// The group goes to its next work.
    pub(super) fn turn_to_next(&mut self) {
        let start = self.waiting.end();
        if let Some(group) = &mut self.group {
            group.turn_to_next(start);
        }
    }

    /// Leaves out what the present work has done.
    pub(super) fn forget_work(&mut self) {
        let Some(group) = &mut self.group else { return };
        group.spoiled = false;
        match group.start {
            Some(start) => self.waiting.cut(start),
            None => self.waiting = Waiting::back(),
        }
        self.combination = None;
    }

    /// Undoes the first of the works before, one of whose statements failed; `waiting` is what waited, up to `end`
    /// theirs. It is told, or, if it shared the statement with others, all of these are done by themselves. What
    /// has to be sent then, and whether nothing is done so far.
    pub(super) async fn undo_first(
        &mut self,
        failure: Failure,
        waiting: &Waiting,
        end: Position,
    ) -> Result<(Waiting, bool), Failure> {
        let Some(group) = &mut self.group else { return Err(failure) };
        let Some((unit, _)) = group.before.pop_front() else { return Err(failure) };
        let again = match unit {
            Unit::One(member) => {
                member.tell(Err(failure.into()));
                Vec::new()
            }
            Unit::Alike(works) => {
                group.fell_apart = true;
                works
            }
        };
        let alone = group.done.is_empty();
        let over = group.closed && group.before.is_empty() && again.is_empty();
        let mut first = if alone && !over { Waiting::turn() } else { Waiting::default() };
        let mut members = Vec::with_capacity(again.len());
        for work in again {
            first.mark();
            work.push_onto(&mut first);
            members.push((work.member, first.end()));
        }
        group.put_first(end, members, first.end());
        // If this is given up, nobody knows what was undone, and of what waits nothing is sent.
        self.lost = true;
        let outcome = run(&mut self.inner, if alone { "ROLLBACK" } else { BACK }).await;
        if let Err(e) = outcome {
            self.kill(&e.to_string());
            return Err(Failure::of_another(e.to_string()));
        }
        self.lost = false;
        if over
            && alone
            && let Some(group) = &mut self.group
        {
            group.rolled_back = true;
        }
        Ok((waiting.after(end, first), alone))
    }

    /// See [`Group::confirm_up_to`].
    pub(super) fn confirm_up_to(&mut self, statements: usize) -> Option<Position> {
        self.group.as_mut()?.confirm_up_to(statements)
    }

    pub(super) fn kill(&mut self, why: &str) {
        if let Some(group) = &mut self.group {
            group.kill(why);
        }
    }

    /// A statement of the works before failed with what ends all of them: the first, whose it is, is told so, if it
    /// can be told from others.
    pub(super) fn blame_first(&mut self, failure: Failure) {
        let Some(group) = &mut self.group else { return };
        match group.before.pop_front() {
            Some((Unit::One(member), _)) => member.tell(Err(failure.into())),
            Some((Unit::Alike(works), end)) => {
                group.fell_apart = true;
                group.before.push_front((Unit::Alike(works), end));
            }
            None => {}
        }
    }

    /// Sends what waits before the group's end, if it must not be in one packet with it. The first packet may be sent
    /// again if the connection was lost: so the commit must not be in it. And the next group is not begun before the
    /// works of a large one are done: it would be small.
    pub(super) async fn run_group(&mut self) -> Ran {
        match &mut self.group {
            Some(group) if group.size() > 0 => group.closed = true,
            _ => {
                // Nobody joined it, and nothing was sent.
                self.group = None;
                return Ran::default();
            }
        }
        let apart = self.first.is_some()
            || self.group.as_ref().is_some_and(|group| group.size() > group.done.len() + 1);
        let run = if self.goes_apart {
            self.look_before_commit().await.is_ok()
        } else {
            !apart || self.after_waiting("DO 0", &[]).await.is_ok()
        };
        let Some(group) = &self.group else { return Ran::default() };
        let ran =
            Ran { goes_on: run && !group.dead && group.size() > 0, fell_apart: group.fell_apart };
        if group.rolled_back {
            self.open = false;
        }
        if !ran.goes_on {
            // Everybody has heard of it.
            self.group = None;
        }
        ran
    }

    /// Commits what the group has done; returns when everybody knows.
    pub(super) async fn end_group(&mut self) {
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
    pub(super) async fn salvage(&mut self) -> bool {
        static NUMBER: AtomicI64 = AtomicI64::new(1);
        // Where statements go one by one, some of those before may not have been sent: they are not undone by
        // going back, and must not count as done.
        if self.goes_apart && self.group.as_ref().is_some_and(|group| !group.before.is_empty()) {
            self.kill("somebody went away while statements of others were being sent");
            return false;
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut queries = Queries::default();
        queries.push_text(BACK, &[]);
        queries.push_text(&format!("SELECT {number}"), &[Kind::Int]);
        let given =
            self.send(&queries).await.ok().and_then(|all| Some(all.get(1)?.first()?.int(0)));
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
