//! Slows guessing at one account without locking anyone out: after a few misses each further try has
//! to wait, whether the account exists or not. Forgotten after a day.

use crate::error::{Error, Result};
use crate::tenant::Slug;
use chrono::{DateTime, Duration, Utc};
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex, PoisonError};

/// Misses that cost nothing: people mistype.
const FREE: usize = 3;
/// Seconds to wait after each further miss.
const WAITS: &[i64] = &[1, 3, 5, 10, 30, 60];

type Account = Arc<Mutex<(usize, DateTime<Utc>)>>;

#[derive(Debug)]
pub(super) struct Guesses(Cache<[u8; 32], Account>);

impl Guesses {
    pub(super) fn new() -> Self {
        let day = std::time::Duration::from_secs(24 * 60 * 60);
        Self(Cache::builder().max_capacity(200_000).time_to_live(day).build())
    }

    /// Refuses a try that comes too early.
    pub(super) fn admit(&self, slug: &Slug, email: &str, now: DateTime<Utc>) -> Result<()> {
        let Some(account) = self.0.get(&key(slug, email)) else { return Ok(()) };
        let (_, next) = *account.lock().unwrap_or_else(PoisonError::into_inner);
        if now < next {
            let wait = (next - now).num_seconds().max(0) + 1;
            return Err(Error::TooMany { retry_after: u32::try_from(wait).unwrap_or(60) });
        }
        Ok(())
    }

    pub(super) fn missed(&self, slug: &Slug, email: &str, now: DateTime<Utc>) {
        let account = self.0.get_with(key(slug, email), || Arc::new(Mutex::new((0, now))));
        let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
        account.0 += 1;
        if account.0 > FREE {
            let wait = WAITS[(account.0 - FREE - 1).min(WAITS.len() - 1)];
            account.1 = now + Duration::seconds(wait);
        }
    }

    pub(super) fn hit(&self, slug: &Slug, email: &str) {
        self.0.invalidate(&key(slug, email));
    }
}

fn key(slug: &Slug, email: &str) -> [u8; 32] {
    Sha256::digest(format!("{slug}\0{email}")).into()
}
