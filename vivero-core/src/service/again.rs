//! Doing a whole unit of work again that the database undid.
//!
//! The first try is in a hurry where the engine knows how ([`crate::port::TenantStore::begin_hurried`]): it takes for granted
//! what is likely. Whatever it is refused for then is asked for by the next.
//!
//! Only what is known to have left nothing is done again ([`Error::Undone`]). A commit whose outcome
//! nobody knows, because the connection broke, is not: it is reported, and the idempotency key of the
//! request settles it.

use super::session::TenantSession;
use super::work::UnitOfWork;
use crate::error::{Error, Result};
use std::time::Duration;

/// How often a unit of work is done again.
const TRIES: u32 = 4;
/// The longest pause before the first of them; each later one may be twice as long.
const PAUSE: Duration = Duration::from_millis(4);

/// Tries of one unit of work: for who does again what [`Error::Undone`] undid, as vivero's own services do.
#[derive(Debug)]
pub struct Tries<'s> {
    session: &'s TenantSession,
    done: u32,
    hurry: Hurry,
}

/// Whether a try is in a hurry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hurry {
    May,
    Is,
    MayNot,
}

impl<'s> Tries<'s> {
    /// None done so far.
    #[must_use]
    pub const fn new(session: &'s TenantSession) -> Self {
        Self { session, done: 0, hurry: Hurry::May }
    }

    /// Begins a short unit of work for the next try. All it does must come from its own calls, of which nothing is
    /// certain until the commit; see [`Self::was_hasty`].
    ///
    /// Errors: as [`TenantSession::begin_short`].
    pub async fn begin(&mut self) -> Result<UnitOfWork> {
        if self.hurry != Hurry::May {
            return self.session.begin_short().await;
        }
        let work = self.session.begin_hurried().await?;
        self.hurry = if work.work.is_hurried() { Hurry::Is } else { Hurry::MayNot };
        Ok(work)
    }

    /// Whether a refusal may come of what was taken for granted: then there is to be another try, at once.
    pub fn was_hasty(&mut self) -> bool {
        std::mem::replace(&mut self.hurry, Hurry::MayNot) == Hurry::Is
    }

    /// The outcome, or nothing if it is worth another try: then some time has passed.
    pub(super) async fn settle<T>(&mut self, outcome: Result<T>) -> Option<Result<T>> {
        let Err(e) = &outcome else { return Some(outcome) };
        let again = e.left_nothing() && self.was_hasty()
            || matches!(e, Error::Undone { .. }) && self.another().await;
        (!again).then_some(outcome)
    }

    /// Whether there is to be another try, after four at most: then some milliseconds have passed, a
    /// number that differs from try to try.
    pub async fn another(&mut self) -> bool {
        if self.done == TRIES {
            return false;
        }
        // Two that met each other must not do so again.
        let mut chance = [0; 4];
        self.session.vivero().ids().fill(&mut chance);
        let share = f64::from(u32::from_be_bytes(chance)) / f64::from(u32::MAX);
        tokio::time::sleep(PAUSE.mul_f64(f64::from(1 << self.done) * share)).await;
        self.done += 1;
        true
    }
}

/// Does what the expression says in one unit of work of its own, which it commits; again from its
/// beginning, if the database undid it. So the expression must leave what it is given as it was.
macro_rules! in_one_work {
    ($session:expr, |$work:ident| $done:expr) => {{
        let mut tries = $crate::service::again::Tries::new($session);
        loop {
            let outcome = async {
                let mut $work = tries.begin().await?;
                let made = $done;
                $work.commit().await?;
                Ok(made)
            };
            let outcome = outcome.await;
            if let Some(outcome) = tries.settle(outcome).await {
                return outcome;
            }
        }
    }};
}
pub(super) use in_one_work;
