//! Slows guessing at one account without locking anyone out: after a few misses each further try has
//! to wait, whichever process it comes to and whether the account exists or not. Forgotten after a day.

use crate::error::{Error, Result};
use crate::shared::{Backoff, Shared};
use crate::tenant::Slug;
use sha2::{Digest as _, Sha256};

const BACKOFF: Backoff =
    Backoff { free: 3, waits: &[1, 3, 5, 10, 30, 60], forget_after: 24 * 60 * 60 };

/// Refuses a try that comes too early.
pub(super) async fn admit(shared: &dyn Shared, slug: &Slug, email: &str) -> Result<()> {
    let wait = shared.wait(&key(slug, email)).await;
    if wait.is_zero() {
        return Ok(());
    }
    Err(Error::TooMany { retry_after: u32::try_from(wait.as_secs() + 1).unwrap_or(60) })
}

pub(super) async fn missed(shared: &dyn Shared, slug: &Slug, email: &str) {
    shared.failed(&key(slug, email), BACKOFF).await;
}

pub(super) async fn hit(shared: &dyn Shared, slug: &Slug, email: &str) {
    shared.succeeded(&key(slug, email)).await;
}

/// Addresses are not for the eyes of whoever looks into a shared server.
fn key(slug: &Slug, email: &str) -> String {
    format!("guess:{}", hex::encode(Sha256::digest(format!("{slug}\0{email}"))))
}
