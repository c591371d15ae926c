//! What happens to a file's write-ahead log outside of transactions: it is brought to disk, and written
//! back into the file.
//!
//! Inside a transaction both would keep every other writer waiting: a sync takes longer than all the
//! rest of a short transaction, and a checkpoint as long as hundreds of them. So connections run with
//! `synchronous = NORMAL`, under which SQLite syncs at checkpoints only, and a commit returns after a
//! sync of the log that began after it; one sync serves all commits before it. If the log is not there
//! any more, SQLite has written it back and synced the file.

use rusqlite::{Connection, hooks::Wal as Hooked};
use std::cell::Cell;
use std::fs::OpenOptions;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::watch;
use vivero_core::{Error, Result};

/// The log is written back when it has so many pages (8 MiB). More would save work, as pages that change
/// again and again are written back once, but writers wait longer while the last of them is: with twice as
/// many, a create under load takes 24 ms at the 99th percentile instead of 19.
const CHECKPOINT_PAGES: i32 = 2_000;

thread_local! {
    /// Pages in the log after the last commit of this thread; 0 if it wrote nothing.
    static PAGES: Cell<i32> = const { Cell::new(0) };
}

type Opener = dyn Fn() -> rusqlite::Result<Connection> + Send + Sync;

/// How far the log is on disk.
#[derive(Debug, Clone, Default)]
struct Synced {
    up_to: u64,
    /// After a sync that failed nobody knows what is on disk: no later one can be trusted.
    failed: Option<Arc<io::Error>>,
}

/// The keeper of one file's log.
pub(crate) struct Wal {
    path: PathBuf,
    opener: Box<Opener>,
    durable: bool,
    asked: AtomicU64,
    synced: watch::Sender<Synced>,
    syncing: AtomicBool,
    checkpointing: AtomicBool,
}

impl Wal {
    /// For the log at `path`; `opener` opens another connection to its file. Without `durable`, commits
    /// do not wait.
    pub(crate) fn new(
        path: PathBuf,
        durable: bool,
        opener: impl Fn() -> rusqlite::Result<Connection> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            path,
            opener: Box::new(opener),
            durable,
            asked: AtomicU64::new(0),
            synced: watch::Sender::default(),
            syncing: AtomicBool::new(false),
            checkpointing: AtomicBool::new(false),
        })
    }

    /// Makes a connection tell what it commits; it then checkpoints nothing by itself.
    pub(crate) fn attend(connection: &Connection) {
        connection.wal_hook(Some(|_: &Hooked, pages| {
            PAGES.set(pages);
            Ok(())
        }));
    }

    /// To be called before a commit, on its thread.
    pub(super) fn before_commit() {
        PAGES.set(0);
    }

    /// How many pages the log has since this thread's commit; 0 if that wrote nothing.
    pub(super) fn committed() -> i32 {
        PAGES.get()
    }

    /// Returns when everything that was committed before is on disk.
    pub(super) async fn settle(self: &Arc<Self>, pages: i32) -> Result<()> {
        if pages == 0 {
            return Ok(());
        }
        if !self.durable {
            return Ok(());
        }
        let mut synced = self.synced.subscribe();
        let ticket = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.start();
        let state = synced
            .wait_for(|s| s.up_to >= ticket || s.failed.is_some())
            .await
            .map_err(|e| Error::internal("waiting for the disk", e))?;
        match &state.failed {
            None => Ok(()),
            Some(e) => Err(Error::Unavailable {
                what: "storage, the log could not be brought to disk".into(),
                retry_after: 30,
                source: Some(Box::new(io::Error::new(e.kind(), Arc::clone(e)))),
            }),
        }
    }

    /// Starts syncing unless it is under way.
    fn start(self: &Arc<Self>) {
        if !self.syncing.swap(true, Ordering::SeqCst) {
            let wal = Arc::clone(self);
            tokio::task::spawn_blocking(move || wal.sync_all());
        }
    }

    /// Syncs until nobody waits.
    fn sync_all(self: &Arc<Self>) {
        loop {
            let up_to = self.asked.load(Ordering::SeqCst);
            let outcome = self.sync();
            self.synced.send_modify(|s| match outcome {
                Ok(()) => s.up_to = up_to,
                Err(e) => s.failed = Some(Arc::new(e)),
            });
            if self.asked.load(Ordering::SeqCst) == up_to {
                self.syncing.store(false, Ordering::SeqCst);
                // Somebody may have asked between the two lines above and found it under way.
                if self.asked.load(Ordering::SeqCst) != up_to {
                    self.start();
                }
                return;
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        // Opened anew: SQLite removes the log with its last connection, and makes another. No lock is
        // ever on this file, so closing it here gives none away.
        match OpenOptions::new().read(true).write(true).open(&self.path) {
            Ok(log) => log.sync_data(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Whether the log is to be written back now, as it has `pages`; whoever is told so must do it.
    pub(super) fn is_due(&self, pages: i32) -> bool {
        pages >= CHECKPOINT_PAGES && !self.checkpointing.swap(true, Ordering::SeqCst)
    }

    /// Writes back what is in the log, beside those who read and write. Blocks.
    pub(super) fn checkpoint_aside(&self) {
        match (self.opener)() {
            Ok(connection) => self.checkpoint(&connection),
            Err(e) => self.tell(&e),
        }
    }

    /// The same on a connection of the caller's. Blocks.
    pub(super) fn checkpoint(&self, connection: &Connection) {
        let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(e) = done {
            self.tell(&e);
        }
    }

    pub(super) fn checkpointed(&self) {
        self.checkpointing.store(false, Ordering::SeqCst);
    }

    fn tell(&self, error: &rusqlite::Error) {
        // The log is whole without it; a later commit tries again.
        tracing::warn!(log = %self.path.display(), error = %error, "a checkpoint failed");
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pool;
    use super::*;

    fn connect(path: &std::path::Path) -> rusqlite::Result<Connection> {
        let connection = Connection::open(path)?;
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")?;
        Wal::attend(&connection);
        Ok(connection)
    }

    fn pool(folder: &std::path::Path, log: PathBuf, durable: bool) -> (Pool, Arc<Wal>) {
        let path = folder.join("a.sqlite3");
        let again = path.clone();
        let wal = Wal::new(log, durable, move || connect(&again));
        (Pool::new(1, move || connect(&path), Some(Arc::clone(&wal))), wal)
    }

    async fn write(pool: &Pool, n: i64) -> Result<()> {
        let writing = pool.begin().await?;
        writing
            .execute("INSERT INTO t (n, filler) VALUES (?, zeroblob(4000))", [n])
            .map_err(super::super::Failure::from)?;
        writing.commit().await
    }

    async fn table(pool: &Pool) {
        let connection = pool.acquire().await.expect("a connection");
        connection.execute_batch("CREATE TABLE t (n INTEGER, filler BLOB)").expect("a table");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_commit_is_synced_and_many_share_a_sync() {
        let folder = tempfile::tempdir().expect("a folder");
        let (pool, wal) = pool(folder.path(), folder.path().join("a.sqlite3-wal"), true);
        table(&pool).await;
        let mut writers = tokio::task::JoinSet::new();
        for n in 0..64 {
            let pool = pool.clone();
            writers.spawn(async move { write(&pool, n).await });
        }
        while let Some(done) = writers.join_next().await {
            done.expect("no panic").expect("a commit");
        }
        let asked = wal.asked.load(Ordering::SeqCst);
        assert_eq!(asked, 64, "each commit asked for a sync");
        assert_eq!(wal.synced.borrow().up_to, asked, "the last sync covers all");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_log_that_cannot_be_synced_acknowledges_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        // A folder cannot be opened for writing, whoever runs this.
        let (pool, _) = pool(folder.path(), folder.path().to_owned(), true);
        table(&pool).await;
        for n in 0..2 {
            let refused = write(&pool, n).await.expect_err("it is not on disk");
            assert!(matches!(refused, Error::Unavailable { .. }), "{refused}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_log_is_begun_anew_though_writers_never_rest() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("a.sqlite3-wal");
        let (pool, wal) = pool(folder.path(), log.clone(), false);
        table(&pool).await;
        // Far more than a log may hold: 60 MB through one of 8.
        for n in 0..15_000 {
            write(&pool, n).await.expect("a commit");
            if wal.checkpointing.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
        }
        let size = std::fs::metadata(&log).expect("a log").len();
        assert!(size < 48 << 20, "the log has {size} bytes");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_transaction_that_is_dropped_leaves_its_connection_usable() {
        let folder = tempfile::tempdir().expect("a folder");
        let (pool, _) = pool(folder.path(), folder.path().join("a.sqlite3-wal"), true);
        table(&pool).await;
        drop(pool.begin().await.expect("a transaction"));
        let reading = pool.acquire().await.expect("a connection");
        reading.execute_batch("BEGIN; SELECT * FROM t").expect("a read that is given up");
        drop(reading);
        write(&pool, 1).await.expect("a commit");
    }
}
