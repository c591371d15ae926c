//! The connections one tenant is read on.

use crate::backend::Backend;
use crate::meter::Meter;
use std::sync::Arc;
use std::time::Instant;
use vivero_core::Result;

/// The connections for reading, with the meter of how long one is waited for.
pub(super) struct Readers<B: Backend> {
    pub(super) pool: B::Pool,
    meter: Arc<Meter>,
}

impl<B: Backend> Clone for Readers<B> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), meter: Arc::clone(&self.meter) }
    }
}

impl<B: Backend> Readers<B> {
    pub(super) const fn new(pool: B::Pool, meter: Arc<Meter>) -> Self {
        Self { pool, meter }
    }

    /// A connection for a call that is metered.
    pub(super) async fn acquire(&self) -> Result<B::Leased> {
        let since = Instant::now();
        let outcome = B::acquire(&self.pool).await;
        self.waited(since);
        outcome
    }

    /// A connection was waited for, in a call that is metered.
    pub(super) fn waited(&self, since: Instant) {
        self.meter.waited_within(since);
    }
}
