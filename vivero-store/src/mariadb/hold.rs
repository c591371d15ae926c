//! What one process does alone: a server's own lock, or a lease in the registry where the server is a
//! cluster, whose nodes each have their own locks.
//!
//! A lease is renewed for as long as it is held. If that does not come about in time it is lost, and who
//! holds it stops at its next statement; what it has done until then does no harm when it is repeated.

use super::server::{LOCK_WAIT, Server};
use crate::backend::Sql;
use crate::backend::mariadb::{Connection, Exclusive, Hold, MariaDb, Purpose, open};
use crate::keeper::Keeper;
use async_trait::async_trait;
use chrono::TimeDelta;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use vivero_core::port::Lease;
use vivero_core::{Error, Result, Value};

/// For how long a lease is taken, in seconds: so long after its process has died others wait.
const HELD_FOR: u32 = 30;
const HELD: Duration = Duration::from_secs(HELD_FOR as u64);
/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(8);
/// Between two looks whether another has given it back.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Given back when it is dropped.
pub(super) struct Held {
    /// Kept open: the lock ends with it. Nobody uses it, so that it may be seen from several threads.
    _lock: Option<Mutex<Connection>>,
    lease: Option<Box<dyn Hold>>,
}

impl Held {
    pub(super) const fn by_lock(connection: Connection) -> Self {
        Self { _lock: Some(Mutex::new(connection)), lease: None }
    }
    pub(super) fn by_lease(lease: Box<dyn Hold>) -> Self {
        Self { _lock: None, lease: Some(lease) }
    }

    /// Whether somebody else may hold it by now: a lease that could not be renewed in time.
    pub(super) fn is_lost(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.is_lost())
    }
}

/// A lock of the server's as it is called there.
pub(super) fn lock_named(name: &str) -> String {
    format!("vivero {name}")
}

/// Takes a lock of the server's for a connection; `false` if another has it for longer than that.
pub(super) async fn lock(connection: &mut Connection, name: &str, seconds: u32) -> Result<bool> {
    let sql = Sql::new(format!("SELECT get_lock(?, {seconds})")).with(Value::Text(name.into()));
    Ok(sql.number::<MariaDb>(connection).await? == Some(1))
}

impl Server {
    /// Keeps others, of any process, from making, changing or removing the same thing for as long as
    /// what it gives is held. `None` if somebody else does so and `wait` is not wanted.
    pub(super) async fn hold(&self, id: Uuid, wait: bool) -> Result<Option<Held>> {
        self.hold_named(&self.name_of(id), wait).await
    }

    /// By a lock of the server's, which ends with its connection. Of a cluster's nodes each has its own
    /// locks: there it is a lease in the registry, which ends a while after its process.
    pub(super) async fn hold_named(&self, name: &str, wait: bool) -> Result<Option<Held>> {
        self.hold_within(name, if wait { LOCK_WAIT } else { 0 }).await
    }

    /// The same with so many seconds to wait.
    pub(super) async fn hold_within(&self, name: &str, seconds: u32) -> Result<Option<Held>> {
        if self.nodes().are_many()
            && let Some(exclusive) = self.exclusive.get()
        {
            let wait = Duration::from_secs(seconds.into());
            let held = exclusive.hold(&format!("hold/{name}"), wait).await?;
            return Ok(held.map(Held::by_lease));
        }
        let mut connection =
            open(self.admin(), Purpose::Writing, self.nodes(), &self.holding).await?;
        let got = lock(&mut connection, &lock_named(name), seconds).await?;
        Ok(got.then(|| Held::by_lock(connection)))
    }

    /// The connection that has a lock of the server's, if one has; what a cluster notes is in the registry.
    pub(super) async fn holder_of(&self, name: &str) -> Result<Option<i64>> {
        let sql = Sql::new("SELECT is_used_lock(?)").with(Value::Text(lock_named(name)));
        sql.number::<MariaDb>(&mut self.connect().await?).await
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
                Ok(Some(taken)) => return Ok(Some(Box::new(self.keep(taken)))),
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
    /// Takes it, if nobody has it; with the instant until which it is certainly held.
    async fn take(&self, name: &str, holder: Uuid) -> Result<Option<(Lease, Instant)>> {
        let (now, begun) = (self.0.clock.now(), Instant::now());
        let until = now + TimeDelta::seconds(HELD_FOR.into());
        let taken = self.0.registry.take_lease(name, holder, now, until).await?;
        Ok(taken.map(|lease| (lease, begun + HELD)))
    }

    fn keep(&self, taken: (Lease, Instant)) -> Kept {
        let lost = Arc::new(AtomicBool::new(false));
        let held = Arc::new(Mutex::new(taken));
        let keeping = keep(Arc::clone(&self.0), Arc::clone(&held), Arc::clone(&lost));
        let renewing = tokio::spawn(keeping).abort_handle();
        Kept { keeper: Arc::clone(&self.0), held, lost, renewing }
    }
}

/// Renews a lease for as long as it is its holder's.
async fn keep(
    keeper: Arc<Keeper<MariaDb>>,
    held: Arc<Mutex<(Lease, Instant)>>,
    lost: Arc<AtomicBool>,
) {
    loop {
        let (lease, end) = held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let left = end.saturating_duration_since(Instant::now());
        tokio::time::sleep(RENEW.min(left)).await;
        let (now, begun) = (keeper.clock.now(), Instant::now());
        let until = now + TimeDelta::seconds(HELD_FOR.into());
        // An answer that comes too late is none.
        match tokio::time::timeout_at(end, keeper.registry.renew_lease(&lease, until)).await {
            Ok(Ok(Some(next))) => {
                let renewed = (next, begun + HELD);
                *held.lock().unwrap_or_else(PoisonError::into_inner) = renewed;
            }
            Ok(Err(error)) if Instant::now() < end => {
                tracing::warn!(%error, lease = lease.name, "a lease cannot be renewed; it is tried again");
            }
            _ => {
                tracing::warn!(lease = lease.name, "a lease was lost: what it was held for stops");
                lost.store(true, Ordering::SeqCst);
                return;
            }
        }
    }
}

/// A lease that is renewed, and the instant until which it is certainly held.
struct Kept {
    keeper: Arc<Keeper<MariaDb>>,
    held: Arc<Mutex<(Lease, Instant)>>,
    lost: Arc<AtomicBool>,
    renewing: tokio::task::AbortHandle,
}

impl Hold for Kept {
    fn is_lost(&self) -> bool {
        let (_, end) = &*self.held.lock().unwrap_or_else(PoisonError::into_inner);
        self.lost.load(Ordering::SeqCst) || Instant::now() >= *end
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.renewing.abort();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (lease, end) = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let keeper = Arc::clone(&self.keeper);
        runtime.spawn(async move {
            let mut pause = LOOK_AGAIN;
            // What cannot be given back ends by itself.
            while let Err(error) = keeper.registry.release_lease(&lease).await {
                tracing::debug!(%error, lease = lease.name, "a lease could not be given back");
                if Instant::now() + pause >= end {
                    return;
                }
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        });
    }
}
