//! A bounded set of connections of one account to one database.
//!
//! The driver's own pool asks the server whether a connection lives each time one is given back, which
//! costs as much as most statements here. This one knows in what state it gets a connection back: in
//! the middle of a statement (it is closed), in a transaction (it is rolled back), or as it was.

use super::{Failure, run};
use crate::backend::Sql;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, MySqlConnection};
use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use vivero_core::{Error, Result};

/// How long a task waits for a connection.
const WAIT: Duration = Duration::from_secs(10);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(3);
/// A connection that nobody used for this long is closed.
const IDLE: Duration = Duration::from_secs(60);
/// A connection that nobody used for this long is asked whether it lives.
const DOUBTFUL: Duration = Duration::from_secs(5);
/// Begins a transaction and waits for its turn.
const TAKE_TURN: &str = "START TRANSACTION; UPDATE engine_state SET turn = turn + 1 WHERE one = 1";
/// How long changing tables waits for others who do.
const DEFINE_WAIT: u32 = 60;

/// Every connection: text is compared byte by byte, errors are errors, and nobody holds a lock by being
/// slow or gone. The last two are seconds.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,\
     ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = 10, \
     lock_wait_timeout = 20, idle_transaction_timeout = 120, optimizer_switch = 'exists_to_in=off', \
     tx_isolation = ";

/// What a pool's connections are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Reading: one state for as long as a transaction lasts.
    Reading,
    /// Writing, one transaction after another: each statement sees what is committed.
    Writing,
}

struct Inner {
    account: MySqlConnectOptions,
    /// The account that changes tables; none where nobody may.
    definer: Option<MySqlConnectOptions>,
    purpose: Purpose,
    permits: Arc<Semaphore>,
    /// Most recently used at the back: the rest can grow old.
    idle: Mutex<VecDeque<(MySqlConnection, Instant)>>,
    closed: AtomicBool,
}

/// The connections; clones share them.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Inner>);

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

fn unavailable(what: &'static str) -> Error {
    Error::Unavailable { what: what.into(), retry_after: 1, source: None }
}

/// Opens a connection that is set up as all are.
async fn connect(account: &MySqlConnectOptions, purpose: Purpose) -> Result<MySqlConnection> {
    let connecting = async {
        let mut connection = account.connect().await?;
        let isolation = match purpose {
            Purpose::Reading => "'REPEATABLE-READ'",
            Purpose::Writing => "'READ-COMMITTED'",
        };
        run(&mut connection, &format!("{SESSION}{isolation}")).await?;
        Ok::<_, sqlx::Error>(connection)
    };
    match tokio::time::timeout(CONNECT, connecting).await {
        Ok(connected) => connected.map_err(|e| Failure::from(e).into()),
        Err(_) => Err(unavailable("database, it does not answer")),
    }
}

/// The same as a connection that knows its state, beside every pool.
pub(crate) async fn open(account: &MySqlConnectOptions, purpose: Purpose) -> Result<Connection> {
    connect(account, purpose).await.map(Connection::new)
}

impl Pool {
    /// At most `connections` at once, opened when they are wanted.
    pub(crate) fn new(
        account: MySqlConnectOptions,
        definer: Option<MySqlConnectOptions>,
        purpose: Purpose,
        connections: u32,
    ) -> Self {
        Self(Arc::new(Inner {
            account,
            definer,
            purpose,
            permits: Arc::new(Semaphore::new(connections as usize)),
            idle: Mutex::default(),
            closed: AtomicBool::new(false),
        }))
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<(MySqlConnection, Instant)>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn acquire(&self) -> Result<Lease> {
        let waiting = Arc::clone(&self.0.permits).acquire_owned();
        let permit = tokio::time::timeout(WAIT, waiting)
            .await
            .map_err(|_| unavailable("connections"))?
            .map_err(|_| unavailable("database, it is closing"))?;
        let connection = loop {
            let idle = self.idle().pop_back();
            match idle {
                None => break connect(&self.0.account, self.0.purpose).await?,
                Some((connection, since)) if since.elapsed() < DOUBTFUL => break connection,
                Some((mut connection, _)) => {
                    let pinged = tokio::time::timeout(CONNECT, connection.ping()).await;
                    if matches!(pinged, Ok(Ok(()))) {
                        break connection;
                    }
                }
            }
        };
        Ok(self.lease(connection, Some(permit)))
    }

    fn lease(&self, connection: MySqlConnection, permit: Option<OwnedSemaphorePermit>) -> Lease {
        Lease { connection: Some(Connection::new(connection)), pool: self.clone(), permit }
    }

    /// Begins a write transaction, with its first statement, when its turn has come: all of one database
    /// come one after another, also those of other processes. The turn is a row that each *changes*, not
    /// only locks, because a Galera cluster knows of changes only.
    pub(crate) async fn begin(&self) -> Result<Writing> {
        let mut lease = self.acquire().await?;
        lease.first = Some(self.clone());
        lease.waiting = Waiting { text: format!("{TAKE_TURN}; "), statements: 2 };
        Ok(Writing(lease))
    }

    /// Another connection in place of one that was found dead; the others are likely as dead.
    pub(super) async fn renewed(&self) -> Result<MySqlConnection> {
        self.idle().clear();
        connect(&self.0.account, self.0.purpose).await
    }

    /// A connection that may change tables, while no other does.
    pub(crate) async fn define(&self) -> Result<Writing> {
        let Some(definer) = &self.0.definer else {
            return Err(Error::internal("changing tables", "this account may not"));
        };
        let connection = connect(definer, Purpose::Writing).await?;
        let mut lease = self.lease(connection, None);
        let sql = format!("SELECT get_lock(concat('vivero tables ', database()), {DEFINE_WAIT})");
        match Sql::new(sql).number::<super::MariaDb>(&mut lease).await? {
            Some(1) => Ok(Writing(lease)),
            _ => Err(unavailable("database, its tables are being changed")),
        }
    }

    /// Closes what is idle now and the rest when it is given back.
    pub(crate) fn close(&self) {
        self.0.closed.store(true, Ordering::SeqCst);
        self.0.permits.close();
        self.idle().clear();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::SeqCst)
    }

    pub(crate) fn reap(&self) {
        let mut idle = self.idle();
        while idle.front().is_some_and(|(_, since)| since.elapsed() > IDLE) {
            idle.pop_front();
        }
    }

    fn give_back(&self, connection: MySqlConnection) {
        let mut idle = self.idle();
        if !self.is_closed() {
            idle.push_back((connection, Instant::now()));
        }
    }
}

/// A connection and what is known of its state.
pub(crate) struct Connection {
    pub(super) inner: MySqlConnection,
    /// In the middle of a statement.
    pub(super) busy: bool,
    /// In a transaction.
    pub(super) open: bool,
    /// Of no more use.
    pub(super) lost: bool,
    /// What goes before the next statement, in the same packet.
    pub(super) waiting: Waiting,
    /// The pool of a write transaction that has not begun: its first packet may be sent again.
    pub(super) first: Option<Pool>,
}

impl Connection {
    /// Whether what is sent next belongs to a transaction, be it one that begins with it.
    pub(super) const fn is_in_transaction(&self) -> bool {
        self.open || self.waiting.statements > 0
    }
}

/// Statements that wait for the next, each with `; ` behind it.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting {
    pub(super) text: String,
    pub(super) statements: usize,
}

impl Connection {
    const fn new(inner: MySqlConnection) -> Self {
        Self {
            inner,
            busy: false,
            open: false,
            lost: false,
            waiting: Waiting { text: String::new(), statements: 0 },
            first: None,
        }
    }
}

/// A connection from the pool.
pub(crate) struct Lease {
    connection: Option<Connection>,
    pool: Pool,
    /// None for a connection beside the pool, which is closed when it is dropped.
    permit: Option<OwnedSemaphorePermit>,
}

impl Lease {
    async fn take_turn(&mut self) -> Result<(), Failure> {
        self.open = true;
        self.script(TAKE_TURN).await
    }
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
        let (Some(mut connection), Some(permit)) = (self.connection.take(), self.permit.take())
        else {
            return;
        };
        // A statement that was given up leaves the connection in the middle of an answer. The server
        // rolls back when it finds it closed.
        if connection.busy || connection.lost {
            return;
        }
        if !connection.open {
            self.pool.give_back(connection.inner);
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let pool = self.pool.clone();
        connection.waiting = Waiting::default();
        runtime.spawn(async move {
            if connection.script("ROLLBACK").await.is_ok() {
                pool.give_back(connection.inner);
            }
            drop(permit);
        });
    }
}

/// A connection in a write transaction, undone when it is dropped.
pub(crate) struct Writing(Lease);

impl Writing {
    /// Makes the rest of a connection that changed tables a transaction.
    pub(super) async fn take_turn(&mut self) -> Result<()> {
        self.0.take_turn().await.map_err(Into::into)
    }

    pub(super) async fn commit(mut self) -> Result<()> {
        if !self.open {
            // Nothing was done: it never began.
            return Ok(());
        }
        if self.lost {
            return Err(unavailable("database, the transaction was cut off"));
        }
        match self.script("COMMIT").await {
            Ok(()) => {
                self.open = false;
                Ok(())
            }
            Err(e) => {
                // Whether it is still open, nobody knows.
                self.lost = true;
                Err(e.into())
            }
        }
    }
}

impl Deref for Writing {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}
