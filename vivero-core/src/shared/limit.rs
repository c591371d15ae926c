//! The rules of limits, without storage: implementations keep one number per key.

use std::num::NonZeroU32;
use std::time::Duration;

/// How often something may happen: so many at once, and one more after each interval.
///
/// The rule is GCRA, the generic cell rate algorithm (ATM Forum, Traffic Management Specification 4.0,
/// 1996), with times in whole microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    interval: u64,
    burst: NonZeroU32,
}

/// What a limit said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may happen.
    pub allowed: bool,
    /// How much more could happen right now.
    pub remaining: u32,
    /// If it may not: after which time the same could. [`Duration::MAX`] if never.
    pub retry_after: Duration,
}

impl Quota {
    /// `rate` a second on average, `burst` at once. Rates beyond a million a second count as a million.
    #[must_use]
    pub const fn per_second(rate: NonZeroU32, burst: NonZeroU32) -> Self {
        let interval = 1_000_000 / rate.get() as u64;
        Self { interval: if interval == 0 { 1 } else { interval }, burst }
    }

    /// One each `interval` (at least a microsecond), `burst` at once.
    #[must_use]
    pub fn every(interval: Duration, burst: NonZeroU32) -> Self {
        let interval = u64::try_from(interval.as_micros()).unwrap_or(u64::MAX);
        Self { interval: interval.clamp(1, 1 << 40), burst }
    }

    /// Microseconds from one to the next.
    #[must_use]
    pub const fn interval_micros(self) -> u64 {
        self.interval
    }
    /// How many may happen at once.
    #[must_use]
    pub const fn burst(self) -> u32 {
        self.burst.get()
    }

    /// The rule. `arrival` is the theoretical arrival time kept under the key, `now` the time, both in
    /// microseconds of one clock; the second value is what to keep instead, if it was allowed.
    #[must_use]
    pub fn decide(self, arrival: Option<u64>, now: u64, cost: u32) -> (Decision, Option<u64>) {
        let burst = u64::from(self.burst.get());
        let tolerance = self.interval.saturating_mul(burst);
        let arrival = arrival.unwrap_or(now).max(now);
        let next = arrival.saturating_add(self.interval.saturating_mul(cost.into()));
        let left = |arrival: u64| {
            let free = now.saturating_add(tolerance).saturating_sub(arrival) / self.interval;
            u32::try_from(free).unwrap_or(u32::MAX)
        };
        if u64::from(cost) > burst {
            let never = Duration::MAX;
            return (
                Decision { allowed: false, remaining: left(arrival), retry_after: never },
                None,
            );
        }
        let earliest = next.saturating_sub(tolerance);
        if earliest > now {
            let retry_after = Duration::from_micros(earliest - now);
            return (Decision { allowed: false, remaining: left(arrival), retry_after }, None);
        }
        let decision =
            Decision { allowed: true, remaining: left(next), retry_after: Duration::ZERO };
        (decision, Some(next))
    }
}

/// How failures slow down the tries after them, without ever shutting anyone out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Failures that cost nothing: people mistype.
    pub free: u32,
    /// Seconds to wait after each further failure; the last one for all after it.
    pub waits: &'static [u32],
    /// Seconds after the first failure at which all are forgotten.
    pub forget_after: u32,
}

impl Backoff {
    /// How long to wait after the failure of that number, counted from one.
    #[must_use]
    pub fn wait(self, failures: u32) -> Duration {
        let Some(beyond) = failures.checked_sub(self.free + 1) else { return Duration::ZERO };
        let step = usize::try_from(beyond).unwrap_or(usize::MAX);
        let last = self.waits.last().copied().unwrap_or(0);
        Duration::from_secs(self.waits.get(step).copied().unwrap_or(last).into())
    }
}
