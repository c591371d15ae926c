//! A bounded set of connections to one file.

use super::Failure;
use super::wal::Wal;
use rusqlite::Connection;
use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use vivero_core::{Error, Result};

/// How long a task waits for a connection, and for another process that is writing.
const WAIT: Duration = Duration::from_secs(10);
/// A connection that nobody used for this long is closed.
const IDLE: Duration = Duration::from_secs(60);
/// Between two tries to begin while another process writes: at first, and at most.
const FIRST_RETRY: Duration = Duration::from_millis(1);
const LAST_RETRY: Duration = Duration::from_millis(50);

type Opener = dyn Fn() -> rusqlite::Result<Connection> + Send + Sync;

struct Inner {
    opener: Box<Opener>,
    permits: Arc<Semaphore>,
    /// Most recently used at the back: the rest can grow old.
    idle: Mutex<VecDeque<(Connection, Instant)>>,
    closed: AtomicBool,
    wal: Option<Arc<Wal>>,
}

impl Inner {
    fn idle(&self) -> MutexGuard<'_, VecDeque<(Connection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connections; clones share them.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Inner>);

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

impl Pool {
    /// At most `connections` at once, opened when they are wanted. With `wal`, a commit
    /// returns when it is on disk, and the log is written back outside of transactions.
    pub(crate) fn new(
        connections: u32,
        opener: impl Fn() -> rusqlite::Result<Connection> + Send + Sync + 'static,
        wal: Option<Arc<Wal>>,
    ) -> Self {
        Self(Arc::new(Inner {
            opener: Box::new(opener),
            permits: Arc::new(Semaphore::new(connections as usize)),
            idle: Mutex::default(),
            closed: AtomicBool::new(false),
            wal,
        }))
    }

    pub(crate) async fn acquire(&self) -> Result<Lease> {
        let unavailable = |what: &str| Error::Unavailable {
            what: what.to_owned().into(),
            retry_after: 1,
            source: None,
        };
        let waiting = Arc::clone(&self.0.permits).acquire_owned();
        let permit = tokio::time::timeout(WAIT, waiting)
            .await
            .map_err(|_| unavailable("connections"))?
            .map_err(|_| unavailable("database, it is closing"))?;
        let idle = self.0.idle().pop_back();
        let connection = match idle {
            Some((connection, _)) => connection,
            None => (self.0.opener)().map_err(Failure::from)?,
        };
        Ok(Lease { connection: Some(connection), pool: Arc::clone(&self.0), _permit: permit })
    }

    /// Begins a write transaction. Taking the write lock at the start: a read that turns into a write
    /// could find it taken.
    pub(crate) async fn begin(&self) -> Result<Writing> {
        let lease = self.acquire().await?;
        let deadline = Instant::now() + WAIT;
        let mut pause = FIRST_RETRY;
        loop {
            // Another process may be writing. Waiting inside SQLite would hold up this thread.
            lease.busy_timeout(Duration::ZERO).map_err(Failure::from)?;
            let begun = lease.prepare_cached("BEGIN IMMEDIATE").and_then(|mut s| s.execute([]));
            lease.busy_timeout(WAIT).map_err(Failure::from)?;
            match begun {
                Ok(_) => return Ok(Writing { lease, open: true }),
                Err(e)
                    if e.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
                        && Instant::now() < deadline =>
                {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LAST_RETRY);
                }
                Err(e) => return Err(Failure::from(e).into()),
            }
        }
    }

    /// Writes the log back: most of it beside the writers, then, with none of them at work, what they
    /// added meanwhile. Only a log that is written back whole is begun anew; otherwise it would grow
    /// for as long as somebody writes.
    async fn checkpoint(self) {
        let Some(wal) = self.0.wal.clone() else { return };
        let aside = Arc::clone(&wal);
        let _done = tokio::task::spawn_blocking(move || aside.checkpoint_aside()).await;
        if let Ok(lease) = self.acquire().await {
            let alone = Arc::clone(&wal);
            let _done = tokio::task::spawn_blocking(move || alone.checkpoint(&lease)).await;
        }
        wal.checkpointed();
    }

    /// Closes what is idle now and the rest when it is given back.
    pub(crate) fn close(&self) {
        self.0.closed.store(true, Ordering::SeqCst);
        self.0.permits.close();
        self.0.idle().clear();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::SeqCst)
    }

    pub(crate) fn reap(&self) {
        let mut idle = self.0.idle();
        while idle.front().is_some_and(|(_, since)| since.elapsed() > IDLE) {
            idle.pop_front();
        }
    }
}

/// A connection from the pool.
pub(crate) struct Lease {
    connection: Option<Connection>,
    pool: Arc<Inner>,
    _permit: OwnedSemaphorePermit,
}

impl Deref for Lease {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("held until dropped")
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("held until dropped")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // A read that was given up in the middle leaves its transaction open.
        if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
            return;
        }
        let mut idle = self.pool.idle();
        if !self.pool.closed.load(Ordering::SeqCst) {
            idle.push_back((connection, Instant::now()));
        }
    }
}

/// A connection in a write transaction, undone when it is dropped.
pub(crate) struct Writing {
    lease: Lease,
    open: bool,
}

impl Writing {
    pub(crate) async fn commit(mut self) -> Result<()> {
        Wal::before_commit();
        self.lease
            .prepare_cached("COMMIT")
            .and_then(|mut s| s.execute([]))
            .map_err(Failure::from)?;
        let pages = Wal::committed();
        self.open = false;
        let pool = Pool(Arc::clone(&self.lease.pool));
        // The next transaction may begin while this one waits for the disk: one sync serves both.
        drop(self);
        let Some(wal) = &pool.0.wal else { return Ok(()) };
        if wal.is_due(pages) {
            tokio::spawn(pool.clone().checkpoint());
        }
        wal.settle(pages).await
    }
}

impl Deref for Writing {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        &self.lease
    }
}

impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.lease
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        let undone = self.lease.prepare_cached("ROLLBACK").and_then(|mut s| s.execute([]));
        // SQLite undoes some failed transactions by itself; what it then says is no matter.
        if undone.is_err() && !self.lease.is_autocommit() {
            tracing::error!("a transaction could not be undone; its connection is closed");
            self.lease.connection = None;
        }
    }
}
