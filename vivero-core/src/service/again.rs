//! Doing a whole unit of work again that the database undid.
//!
//! Only what is known to have left nothing is done again ([`Error::Undone`]). A commit whose outcome
//! nobody knows, because the connection broke, is not: it is reported, and the idempotency key of the
//! request settles it.

use super::session::TenantSession;
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
}

impl<'s> Tries<'s> {
    /// None done so far.
    #[must_use]
    pub const fn new(session: &'s TenantSession) -> Self {
        Self { session, done: 0 }
    }

    /// The outcome, or nothing if it is worth another try: then some time has passed.
    pub(super) async fn settle<T>(&mut self, outcome: Result<T>) -> Option<Result<T>> {
        if matches!(outcome, Err(Error::Undone { .. })) && self.another().await {
            return None;
        }
        Some(outcome)
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
                let mut $work = $session.begin_short().await?;
                let made = $done;
                $work.commit().await?;
                Ok(made)
            };
            if let Some(outcome) = tries.settle(outcome.await).await {
                return outcome;
            }
        }
    }};
}
pub(super) use in_one_work;
