//! In which order tenants are migrated, and when a run must not go on.

use crate::error::{Check, Error, Result};
use crate::tenant::Slug;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::str::FromStr;
use std::time::Duration;

/// The tenants that go first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Canary {
    /// So many; 0 for none.
    Count(u32),
    /// So many of a hundred, at least one.
    Percent(u8),
    /// These.
    Named(Vec<String>),
}

impl FromStr for Canary {
    type Err = Error;

    /// A number, a percentage such as `5%`, or names such as `acme,beta`.
    /// Errors: [`Error::Invalid`] for anything else.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            let message = "must be a number, a percentage such as 5%, or names such as acme,beta";
            Error::invalid("canary", "canary", message)
        };
        if let Some(percent) = text.strip_suffix('%') {
            return percent.trim().parse().map(Self::Percent).map_err(|_| wrong());
        }
        if text.chars().all(|c| c.is_ascii_digit()) {
            return text.parse().map(Self::Count).map_err(|_| wrong());
        }
        let names = text.split(',').map(|name| name.trim().parse::<Slug>().map(|s| s.to_string()));
        names.collect::<Result<_>>().map(Self::Named).map_err(|_| wrong())
    }
}

/// How a run goes about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunOptions {
    /// The first ring. Any failure in it stops the run.
    pub canary: Canary,
    /// The rings after it: up to how many of a hundred tenants are done when each ends, ascending, 1 to
    /// 99. What is left is the last ring.
    pub waves: Vec<u8>,
    /// Seconds between two rings.
    pub pause: u32,
    /// Tenants at once, 1 to 256.
    pub parallel: u32,
    /// Tenants at once on one database server; 0 for no other limit than `parallel`.
    pub per_server: u32,
    /// After the canaries: of a hundred tenants of a ring, how many may fail, 0 to 100.
    pub failures: u8,
    /// How many times slower a list of the canaries, or of the first tenants of a ring after them, may be
    /// afterwards; `None` does not measure.
    pub slower: Option<f64>,
    /// Below so many milliseconds no list counts as slow.
    pub slow_from: u32,
    /// How often a tenant is tried if what stops it may pass (a lock, a server that does not answer),
    /// 1 to 20.
    pub attempts: u32,
    /// Seconds a step waits for a lock that somebody else's transaction holds, 1 to 600.
    pub lock_wait: u32,
    /// Only these tenants; none named: all.
    pub only: Vec<String>,
    /// Who runs it.
    pub operator: String,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            canary: Canary::Count(1),
            waves: vec![10, 50],
            pause: 0,
            parallel: 8,
            per_server: 0,
            failures: 5,
            slower: Some(3.0),
            slow_from: 20,
            attempts: 5,
            lock_wait: 5,
            only: Vec::new(),
            operator: "unknown".into(),
        }
    }
}

impl RunOptions {
    /// Errors: [`crate::Error::Invalid`] naming each option out of its range.
    pub fn check(&self) -> Result<()> {
        let mut check = Check::new();
        let number = |n: u32| i64::from(n);
        check.range("parallel", number(self.parallel), 1, 256);
        check.range("per_server", number(self.per_server), 0, 256);
        check.range("pause", number(self.pause), 0, 86_400);
        check.range("failures", i64::from(self.failures), 0, 100);
        check.range("attempts", number(self.attempts), 1, 20);
        check.range("lock_wait", number(self.lock_wait), 1, 600);
        if let Canary::Percent(percent) = self.canary {
            check.range("canary", i64::from(percent), 1, 100);
        }
        if !self.waves.is_sorted_by(|a, b| a < b)
            || self.waves.iter().any(|w| !(1..100).contains(w))
        {
            check.fail("waves", "ascending", "must be ascending percentages from 1 to 99");
        }
        if self.slower.is_some_and(|factor| !factor.is_finite() || factor <= 0.0) {
            check.fail("slower", "minimum", "must be greater than 0");
        }
        check.text("operator", &self.operator, 1, 200);
        check.done()
    }
}

/// Tenants that are migrated before others begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    /// Whether it is the canaries'.
    pub canary: bool,
    /// Places among the tenants.
    pub members: Vec<usize>,
}

/// Parts tenants into rings: the canaries, the waves, the rest; each tenant is in exactly one. Empty rings
/// are left out. Which tenants come first does not follow from the order of their names, and is the same
/// every time.
#[must_use]
pub fn rings(tenants: &[Slug], options: &RunOptions) -> Vec<Ring> {
    let mut order: Vec<usize> = (0..tenants.len()).collect();
    order.sort_by_cached_key(|i| {
        let digest: [u8; 32] = Sha256::digest(tenants[*i].as_str().as_bytes()).into();
        (digest, *i)
    });
    let share = |percent: u8| (tenants.len() * usize::from(percent)).div_ceil(100);
    let first = match &options.canary {
        Canary::Count(number) => (*number as usize).min(order.len()),
        Canary::Percent(percent) => share(*percent).min(order.len()),
        Canary::Named(names) => {
            let (mut named, rest): (Vec<usize>, Vec<usize>) =
                order.iter().partition(|i| names.iter().any(|n| n == tenants[**i].as_str()));
            let number = named.len();
            named.extend(rest);
            order = named;
            number
        }
    };
    let mut rings = vec![Ring { canary: true, members: order[..first].to_vec() }];
    let mut from = first;
    for wave in options.waves.iter().copied().chain([100]) {
        let to = share(wave).clamp(from, order.len());
        rings.push(Ring { canary: false, members: order[from..to].to_vec() });
        from = to;
    }
    rings.retain(|ring| !ring.members.is_empty());
    rings
}

/// How a ring stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tenants in it.
    pub tenants: u64,
    /// Of these, migrated.
    pub done: u64,
    /// Of these, given up.
    pub failed: u64,
}

/// Why a run stops here, if it must. `canary` says that the ring is the canaries'.
#[must_use]
pub fn halt(canary: bool, tally: Tally, options: &RunOptions) -> Option<String> {
    if tally.failed == 0 {
        return None;
    }
    if canary {
        return Some(format!("{} of {} canaries failed", tally.failed, tally.tenants));
    }
    let allowed = u64::from(options.failures);
    (tally.failed * 100 > tally.tenants * allowed).then(|| {
        format!(
            "{} of the ring's {} tenants failed, more than {allowed} %",
            tally.failed, tally.tenants
        )
    })
}

/// The duration that half of these do not exceed; zero of none.
#[must_use]
pub fn median(durations: &mut [Duration]) -> Duration {
    durations.sort_unstable();
    let rank = durations.len().div_ceil(2);
    durations.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// Whether a list that took `before` is too slow now.
#[must_use]
pub fn is_slower(before: Duration, after: Duration, options: &RunOptions) -> bool {
    let floor = Duration::from_millis(u64::from(options.slow_from));
    options
        .slower
        .is_some_and(|factor| after > floor && after.as_secs_f64() > before.as_secs_f64() * factor)
}

/// How long to wait before attempt number `attempt` (the first is 1): doubling, at most ten seconds.
#[must_use]
pub fn backoff(attempt: u32) -> Duration {
    let doubled = 100_u64.saturating_mul(1 << attempt.saturating_sub(1).min(10));
    Duration::from_millis(doubled.min(10_000))
}
