//! Signing up.

use crate::connection::Caller;
use crate::{Result, Trial, TrialIn};

/// Signing up; see [`Client::trials`](crate::Client::trials).
#[derive(Debug, Clone)]
pub struct Trials {
    caller: Caller,
    key: Option<String>,
}

impl Trials {
    pub(crate) const fn new(caller: Caller) -> Self {
        Self { caller, key: None }
    }

    /// Uses this `Idempotency-Key` instead of a fresh one: signing up again under the same key gives
    /// the same tenant. 1 to 200 visible ASCII characters.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Starts a trial: makes a tenant with a database of its own and signs its first person in.
    pub async fn create(&self, trial: TrialIn) -> Result<Trial> {
        let body = &trial;
        let key = self.key.as_deref();
        self.caller
            .keyed(key, |api, key| async move { api.trial_create(Some(&key), body).await })
            .await
    }
}
