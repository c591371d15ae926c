//! Answering a repeated request as the first time, with nothing done twice.

use super::work::UnitOfWork;
use crate::error::{Error, Result};
use crate::port::Remembered;
use crate::token::secret_hash;

/// Longest idempotency key.
pub const MAX_KEY_CHARS: usize = 200;

impl UnitOfWork {
    /// The answer given before under `key` by the same person for the same `operation`. The key with
    /// another `request` is [`Error::IdempotencyMismatch`].
    pub async fn replay(
        &mut self,
        key: &str,
        operation: &str,
        request: &[u8],
    ) -> Result<Option<String>> {
        let Some(kept) = self.work.remembered(&self.scoped(key, operation)).await? else {
            return Ok(None);
        };
        if kept.fingerprint == fingerprint(request) {
            Ok(Some(kept.response))
        } else {
            Err(Error::IdempotencyMismatch)
        }
    }

    /// Keeps the answer, in the same transaction as what it answers.
    pub async fn remember(
        &mut self,
        key: &str,
        operation: &str,
        request: &[u8],
        response: String,
    ) -> Result<()> {
        let answer = Remembered {
            key: self.scoped(key, operation),
            fingerprint: fingerprint(request),
            response,
            at: self.session.now(),
        };
        self.work.remember(answer).await
    }

    fn scoped(&self, key: &str, operation: &str) -> String {
        secret_hash(&format!("{}\0{operation}\0{key}", self.session.actor().encode()))
    }
}

/// Checks a key from outside.
pub fn check_key(key: &str) -> Result<()> {
    if key.is_empty()
        || key.len() > MAX_KEY_CHARS
        || !key.bytes().all(|b| (0x21..0x7f).contains(&b))
    {
        let rule = format!("must have 1 to {MAX_KEY_CHARS} visible ASCII characters");
        return Err(Error::invalid("Idempotency-Key", "idempotency_key", rule));
    }
    Ok(())
}

pub(super) fn fingerprint(request: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(request))
}
