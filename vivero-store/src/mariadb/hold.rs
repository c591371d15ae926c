//! What one process does alone: a server's own lock, or a lease in the registry where the server is a
//! cluster, whose nodes each have their own locks.
//!
//! A lease is renewed for as long as it is held. If that does not come about in time it is lost, and who
//! holds it stops at its next statement; what it has done until then does no harm when it is repeated.

use crate::backend::mariadb::{Connection, Exclusive, Hold, MariaDb};
use crate::keeper::Keeper;
use async_trait::async_trait;
use chrono::TimeDelta;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use vivero_core::port::Lease;
use vivero_core::{Error, Result};

/// For how long a lease is taken, in seconds: so long after its process has died others wait.
const HELD_FOR: u32 = 30;
/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(8);
/// Between two looks whether another has given it back.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Given back when it is dropped.
pub(super) struct Held {
    /// Kept open: the lock ends with it.
    _lock: Option<Connection>,
    lease: Option<Box<dyn Hold>>,
}

impl Held {
    pub(super) const fn by_lock(connection: Connection) -> Self {
        Self { _lock: Some(connection), lease: None }
    }
    pub(super) fn by_lease(lease: Box<dyn Hold>) -> Self {
        Self { _lock: None, lease: Some(lease) }
    }

    /// Whether somebody else may hold it by now: a lease that could not be renewed in time.
    pub(super) fn is_lost(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.is_lost())
    }
}

/// Leases in the registry.
pub(super) struct Leases(pub(super) Arc<Keeper<MariaDb>>);

#[async_trait]
impl Exclusive for Leases {
    async fn hold(&self, name: &str, wait: Duration) -> Result<Option<Box<dyn Hold>>> {
        // Of this process, too, only one at a time: each is a holder of its own.
        let mut random = [0_u8; 16];
        rand::fill(&mut random);
        let holder = uuid::Builder::from_random_bytes(random).into_uuid();
        let until = Instant::now() + wait;
        loop {
            match self.take(name, holder).await {
                Ok(Some(lease)) => return Ok(Some(Box::new(self.keep(lease)))),
                // Two that came first: one of them has it now.
                Ok(None) | Err(Error::Undone { .. }) => {}
                Err(error) => return Err(error),
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

impl Leases {
    async fn take(&self, name: &str, holder: Uuid) -> Result<Option<Lease>> {
        let now = self.0.clock.now();
        let until = now + TimeDelta::seconds(HELD_FOR.into());
        self.0.registry.take_lease(name, holder, now, until).await
    }

    fn keep(&self, lease: Lease) -> Kept {
        let lost = Arc::new(AtomicBool::new(false));
        let lease = Arc::new(Mutex::new(lease));
        let keeping = keep(Arc::clone(&self.0), Arc::clone(&lease), Arc::clone(&lost));
        let renewing = tokio::spawn(keeping).abort_handle();
        Kept { keeper: Arc::clone(&self.0), lease, lost, renewing }
    }
}

/// Renews a lease for as long as it is its holder's.
async fn keep(keeper: Arc<Keeper<MariaDb>>, lease: Arc<Mutex<Lease>>, lost: Arc<AtomicBool>) {
    let held_for = Duration::from_secs(HELD_FOR.into());
    let mut renewed = Instant::now();
    loop {
        tokio::time::sleep(RENEW).await;
        let now = keeper.clock.now();
        let held = lease.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let until = now + TimeDelta::seconds(HELD_FOR.into());
        let begun = Instant::now();
        // An answer that comes too late is none.
        let left = held_for.saturating_sub(renewed.elapsed());
        match tokio::time::timeout(left, keeper.registry.renew_lease(&held, until)).await {
            Ok(Ok(Some(next))) => {
                *lease.lock().unwrap_or_else(PoisonError::into_inner) = next;
                renewed = begun;
            }
            Ok(Err(error)) if renewed.elapsed() < held_for => {
                tracing::warn!(%error, lease = held.name, "a lease cannot be renewed; it is tried again");
            }
            _ => {
                tracing::warn!(lease = held.name, "a lease was lost: what it was held for stops");
                lost.store(true, Ordering::SeqCst);
                return;
            }
        }
    }
}

/// A lease that is renewed.
struct Kept {
    keeper: Arc<Keeper<MariaDb>>,
    lease: Arc<Mutex<Lease>>,
    lost: Arc<AtomicBool>,
    renewing: tokio::task::AbortHandle,
}

impl Hold for Kept {
    fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.renewing.abort();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let keeper = Arc::clone(&self.keeper);
        runtime.spawn(async move {
            // What cannot be given back ends by itself.
            if let Err(error) = keeper.registry.release_lease(&lease).await {
                tracing::debug!(%error, lease = lease.name, "a lease could not be given back");
            }
        });
    }
}
