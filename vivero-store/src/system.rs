//! The real clock and the real sources of ids and randomness.

use chrono::{DateTime, SubsecRound as _, Utc};
use std::fmt;
use uuid::{ContextV7, Timestamp, Uuid};
use vivero_core::{Clock, IdSource};

/// The operating system's clock, to the microsecond.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
    fn now(&self) -> DateTime<Utc> {
        // SQLite would keep nanoseconds and MariaDB would not: both get what both can keep.
        Utc::now().trunc_subsecs(6)
    }
}

/// Ascending UUIDv7 and the operating system's randomness.
pub struct SystemIds(std::sync::Mutex<ContextV7>);

impl Default for SystemIds {
    fn default() -> Self {
        Self(std::sync::Mutex::new(ContextV7::new().with_additional_precision()))
    }
}
impl fmt::Debug for SystemIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemIds")
    }
}

impl IdSource for SystemIds {
    fn id(&self, now: DateTime<Utc>) -> Uuid {
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        let context = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Uuid::new_v7(Timestamp::from_unix(&*context, seconds, now.timestamp_subsec_nanos()))
    }
    fn fill(&self, bytes: &mut [u8]) {
        rand::fill(bytes);
    }
}
