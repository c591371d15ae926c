//! When a failed attempt is repeated, and after which wait.

use crate::Error;
use std::time::Duration;

/// How often and how patiently failed requests are repeated.
///
/// Only what cannot do harm is repeated:
///
/// | What failed | Reads, and writes with an `Idempotency-Key` | Other writes |
/// |---|---|---|
/// | No connection could be made | yes | yes: nothing was sent |
/// | 429: refused before it was looked at | yes | yes |
/// | The connection broke, or no answer came in time | yes | no: it may have been done |
/// | 502, 503, 504 | yes | no |
/// | Every other answer | no | no |
///
/// A `Retry-After` is obeyed; if it asks for more than [`Retries::longest_wait`], the call fails at
/// once with that answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// Attempts in all, the first included; 3 by default.
    pub attempts: u32,
    /// The wait before the second attempt, about; it doubles with each further one. 100 ms by default.
    pub first_wait: Duration,
    /// No wait is longer; 10 s by default.
    pub longest_wait: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 3,
            first_wait: Duration::from_millis(100),
            longest_wait: Duration::from_secs(10),
        }
    }
}

/// Whether a request may be sent again after it may have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It reads, or carries an idempotency key.
    Safe,
    /// It cannot be put together again.
    Never,
    /// It writes: only if it was certainly not looked at.
    Unsent,
}

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) retry_after: Option<Duration>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, retry_after: None }
    }
}

impl Failure {
    fn may_be_repeated(&self, repeat: Repeat) -> bool {
        let untouched = match &self.error {
            Error::Transport(error) => error.is_connect(),
            error => error.status() == Some(429),
        };
        repeat != Repeat::Never && untouched || repeat == Repeat::Safe && self.error.is_temporary()
    }
}

impl Retries {
    /// No repetition at all.
    #[must_use]
    pub fn none() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// How long to wait before the next attempt; `None` if there is none. `failures` counts those
    /// before this one.
    pub(crate) fn wait(
        &self,
        failure: &Failure,
        repeat: Repeat,
        failures: u32,
    ) -> Option<Duration> {
        if failures + 1 >= self.attempts || !failure.may_be_repeated(repeat) {
            return None;
        }
        let backoff = self.backoff(failures);
        match failure.retry_after {
            Some(wait) if wait > self.longest_wait => None,
            // Those who were told the same must not come back at the same moment.
            Some(wait) => Some(wait + backoff.min(wait / 4)),
            None => Some(backoff),
        }
    }

    /// The wait after `failures` earlier ones: between half and all of an exponentially growing bound.
    pub(crate) fn backoff(&self, failures: u32) -> Duration {
        let bound = self.first_wait.saturating_mul(1 << failures.min(20)).min(self.longest_wait);
        jittered(bound)
    }
}

/// Between half and all of `bound`.
pub(crate) fn jittered(bound: Duration) -> Duration {
    bound.mul_f64(rand::random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Problem;

    fn answer(status: u16, retry_after: Option<u64>) -> Failure {
        let problem = Problem {
            code: "unavailable".into(),
            conflicts: Vec::new(),
            current_version: None,
            detail: String::new(),
            errors: Vec::new(),
            request_id: String::new(),
            status,
            title: String::new(),
            type_: "about:blank".into(),
        };
        let retry_after = retry_after.map(Duration::from_secs);
        Failure { error: Error::Problem(Box::new(problem)), retry_after }
    }

    #[test]
    fn waits_double_stay_within_bounds_and_differ() {
        let retries = Retries { attempts: 50, ..Retries::default() };
        for failures in 0..40 {
            let bound =
                Duration::from_millis(100 * (1 << failures.min(20))).min(retries.longest_wait);
            for _ in 0..50 {
                let wait = retries.backoff(failures);
                assert!(wait >= bound / 2 && wait <= bound, "{failures}: {wait:?} of {bound:?}");
            }
        }
        let waits = (0..20).map(|_| retries.backoff(5)).collect::<std::collections::BTreeSet<_>>();
        assert!(waits.len() > 10, "{waits:?}");
    }

    #[test]
    fn only_what_cannot_do_harm_is_repeated() {
        let retries = Retries::default();
        let again = |status, repeat| retries.wait(&answer(status, None), repeat, 0).is_some();
        for status in [502, 503, 504] {
            assert!(again(status, Repeat::Safe), "{status}");
            assert!(!again(status, Repeat::Unsent), "{status}");
        }
        assert!(again(429, Repeat::Safe) && again(429, Repeat::Unsent));
        for status in [400, 401, 403, 404, 409, 413, 415, 428, 500] {
            assert!(!again(status, Repeat::Safe), "{status}");
        }
        let out = Failure::from(Error::SignedOut);
        assert_eq!(retries.wait(&out, Repeat::Safe, 0), None);
    }

    #[test]
    fn attempts_are_bounded() {
        let retries = Retries::default();
        assert!(retries.wait(&answer(503, None), Repeat::Safe, 1).is_some());
        assert!(retries.wait(&answer(503, None), Repeat::Safe, 2).is_none());
        assert!(Retries::none().wait(&answer(503, None), Repeat::Safe, 0).is_none());
    }

    #[test]
    fn the_server_says_how_long_to_wait_unless_it_is_too_long() {
        let retries = Retries::default();
        let wait = retries.wait(&answer(503, Some(2)), Repeat::Safe, 0).expect("a wait");
        assert!(wait >= Duration::from_secs(2) && wait <= Duration::from_millis(2500), "{wait:?}");
        assert_eq!(retries.wait(&answer(503, Some(11)), Repeat::Safe, 0), None);
    }
}
