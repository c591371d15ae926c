//! A bounded set of connections of one account to one database.
//!
//! The driver's own pool asks the server whether a connection lives each time one is given back, which
//! costs as much as most statements here. This one knows in what state it gets a connection back: in
//! the middle of a statement (it is closed), in a transaction (it is rolled back), or as it was.

mod define;

use super::budget::{Budget, Place};
use super::group::{self, Group, Line, Pass};
use super::{Failure, Nodes, run};
use async_trait::async_trait;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, MySqlConnection};
use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use vivero_core::{Error, Result};

/// How long a task waits for a connection.
pub(super) const WAIT: Duration = Duration::from_secs(10);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(3);
/// A connection that nobody used for this long is closed.
const IDLE: Duration = Duration::from_secs(60);
/// A connection that nobody used for this long is asked whether it lives.
const DOUBTFUL: Duration = Duration::from_secs(5);
/// The turn is moved on by up to so much. A server that goes down may lose a change that others have seen
/// already, and whose number they remember: the next change is hardly given the same number again.
const STRIDE: i64 = 1_000;

/// Begins a transaction and waits for its turn.
fn take_turn() -> String {
    let stride = rand::random_range(1..=STRIDE);
    format!("START TRANSACTION; UPDATE engine_state SET turn = turn + {stride} WHERE one = 1")
}

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

/// Where a pool learns that its account has another password.
#[async_trait]
pub(crate) trait Login: Send + Sync {
    /// The passwords the account may have now, likeliest first.
    async fn passwords(&self) -> Result<Vec<String>>;
}

/// What only one process may do at a time, where the server's own locks do not suffice: of the nodes of a
/// cluster each has its own.
#[async_trait]
pub(crate) trait Exclusive: Send + Sync {
    /// Takes it; `None` if somebody else has it for longer than that.
    async fn hold(&self, name: &str, wait: Duration) -> Result<Option<Box<dyn Hold>>>;
}

/// Given back when it is dropped.
pub(crate) trait Hold: Send + Sync {
    /// Whether somebody else may have it by now.
    fn is_lost(&self) -> bool;
}

/// What a pool shares with others.
#[derive(Clone, Default)]
pub(crate) struct Ties {
    /// The nodes of its server.
    pub(crate) nodes: Nodes,
    /// The connections of all pools to its server.
    pub(crate) budget: Option<Arc<Budget>>,
    /// The connections beside it that change tables.
    pub(crate) definers: Option<Arc<Budget>>,
    /// By what those who change tables of a cluster come one after another.
    pub(crate) exclusive: Option<Arc<dyn Exclusive>>,
    /// Where another password comes from when the one it has is refused.
    pub(crate) login: Option<Arc<dyn Login>>,
}

/// A connection that nobody uses now.
pub(super) struct Idle {
    connection: MySqlConnection,
    since: Instant,
    place: Option<Place>,
    /// In the budget's line.
    number: u64,
}

impl Idle {
    /// Tells the server that it is closed, and only then gives its place up: the server counts a
    /// connection until it has noticed.
    pub(super) fn close(self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let Self { connection, place, .. } = self;
            let _ = tokio::time::timeout(CONNECT, connection.close()).await;
            drop(place);
        });
    }
}

pub(super) struct Inner {
    account: RwLock<MySqlConnectOptions>,
    ties: Ties,
    /// The account that changes tables; none where nobody may.
    definer: Option<MySqlConnectOptions>,
    purpose: Purpose,
    permits: Arc<Semaphore>,
    /// Most recently used at the back: the rest can grow old.
    idle: Mutex<VecDeque<Idle>>,
    closed: AtomicBool,
    /// Of short works.
    line: Line,
}

/// The connections; clones share them.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Inner>);

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

pub(super) fn unavailable(what: &'static str) -> Error {
    Error::Unavailable { what: what.into(), retry_after: 1, source: None }
}

/// Why there is no connection.
enum Unconnected {
    Late,
    /// The node is none of its cluster.
    Apart,
    Failed(Failure),
}

impl Unconnected {
    /// Whether the server did not answer at all.
    fn is_silence(&self) -> bool {
        match self {
            Self::Late | Self::Apart => true,
            Self::Failed(failure) => failure.is_lost() && failure.number().is_none(),
        }
    }
}

impl From<Unconnected> for Error {
    fn from(unconnected: Unconnected) -> Self {
        match unconnected {
            Unconnected::Late => unavailable("database, it does not answer"),
            Unconnected::Apart => unavailable("database, its nodes are not connected"),
            Unconnected::Failed(failure) => failure.into(),
        }
    }
}

/// Opens a connection that is set up as all are, to the first node that will do.
async fn connect(
    account: &MySqlConnectOptions,
    purpose: Purpose,
    nodes: &Nodes,
) -> Result<MySqlConnection, Unconnected> {
    let mut outcome = Err(Unconnected::Late);
    for (node, account) in nodes.reach(account) {
        outcome = connect_to(&account, purpose, nodes).await;
        match &outcome {
            Ok(_) => nodes.note_answer(node),
            Err(e) if e.is_silence() => continue,
            Err(_) => {}
        }
        break;
    }
    outcome
}

async fn connect_to(
    account: &MySqlConnectOptions,
    purpose: Purpose,
    nodes: &Nodes,
) -> Result<MySqlConnection, Unconnected> {
    let connecting = async {
        let mut connection = account.connect().await?;
        let isolation = match purpose {
            Purpose::Reading => "'REPEATABLE-READ'",
            Purpose::Writing => "'READ-COMMITTED'",
        };
        run(&mut connection, &format!("{SESSION}{isolation}")).await?;
        let will_do = nodes.prepare(&mut connection, purpose).await?;
        Ok::<_, sqlx::Error>(will_do.then_some(connection))
    };
    match tokio::time::timeout(CONNECT, connecting).await {
        Ok(Ok(connected)) => connected.ok_or(Unconnected::Apart),
        Ok(Err(e)) => Err(Unconnected::Failed(e.into())),
        Err(_) => Err(Unconnected::Late),
    }
}

/// The same as a connection that knows its state, beside every pool, in its place of a budget.
pub(crate) async fn open(
    account: &MySqlConnectOptions,
    purpose: Purpose,
    nodes: &Nodes,
    budget: &Arc<Budget>,
) -> Result<Connection> {
    let place = budget.place().await?;
    Ok(Connection::new(connect(account, purpose, nodes).await?, Some(place)))
}

impl Inner {
    fn idle(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an idle connection out, if it is still there.
    pub(super) fn take_idle(&self, number: u64) -> Option<Idle> {
        let mut idle = self.idle();
        let at = idle.iter().position(|i| i.number == number)?;
        idle.remove(at)
    }

    fn account(&self) -> MySqlConnectOptions {
        self.account.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens a connection in its place of the budget, with another password if the account has one by
    /// now.
    async fn connect(&self) -> Result<(MySqlConnection, Option<Place>)> {
        let budget = self.ties.budget.as_ref();
        let place = match budget {
            Some(budget) => Some(budget.place().await?),
            None => None,
        };
        let mut outcome = connect(&self.account(), self.purpose, &self.ties.nodes).await;
        if let (Err(Unconnected::Failed(e)), Some(login)) = (&outcome, &self.ties.login)
            && e.is_refused_password()
        {
            for password in login.passwords().await? {
                let account = self.account().password(&password);
                outcome = connect(&account, self.purpose, &self.ties.nodes).await;
                if outcome.is_ok() {
                    *self.account.write().unwrap_or_else(PoisonError::into_inner) = account;
                    break;
                }
            }
        }
        if let Some(budget) = budget {
            match &outcome {
                Ok(_) => budget.note_answer(),
                Err(e) if e.is_silence() => budget.note_silent(),
                Err(_) => {}
            }
        }
        Ok((outcome?, place))
    }
}

impl Pool {
    /// At most `connections` at once, opened when they are wanted.
    pub(crate) fn new(
        account: MySqlConnectOptions,
        definer: Option<MySqlConnectOptions>,
        purpose: Purpose,
        connections: u32,
        ties: Ties,
    ) -> Self {
        Self(Arc::new(Inner {
            account: RwLock::new(account),
            ties,
            definer,
            purpose,
            permits: Arc::new(Semaphore::new(connections as usize)),
            idle: Mutex::default(),
            closed: AtomicBool::new(false),
            line: Line::default(),
        }))
    }

    fn pop_idle(&self) -> Option<Idle> {
        let mut idle = self.0.idle();
        let found = idle.pop_back()?;
        if let Some(budget) = &self.0.ties.budget {
            budget.note_used(found.number);
        }
        Some(found)
    }

    /// Closes idle connections from the oldest on, for as long as they are to go.
    fn drop_idle(&self, goes: impl Fn(&Idle) -> bool) {
        let mut idle = self.0.idle();
        while idle.front().is_some_and(&goes) {
            let Some(old) = idle.pop_front() else { return };
            if let Some(budget) = &self.0.ties.budget {
                budget.note_used(old.number);
            }
            old.close();
        }
    }

    pub(crate) async fn acquire(&self) -> Result<Lease> {
        let waiting = Arc::clone(&self.0.permits).acquire_owned();
        let permit = tokio::time::timeout(WAIT, waiting)
            .await
            .map_err(|_| unavailable("connections"))?
            .map_err(|_| unavailable("database, it is closing"))?;
        let (connection, place) = loop {
            match self.pop_idle() {
                None => break self.0.connect().await?,
                Some(Idle { connection, since, place, .. }) if since.elapsed() < DOUBTFUL => {
                    break (connection, place);
                }
                Some(Idle { mut connection, place, .. }) => {
                    let pinged = tokio::time::timeout(CONNECT, connection.ping()).await;
                    if matches!(pinged, Ok(Ok(()))) {
                        break (connection, place);
                    }
                }
            }
        };
        Ok(self.lease(connection, place, Some(permit)))
    }

    fn lease(
        &self,
        connection: MySqlConnection,
        place: Option<Place>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Lease {
        Lease { connection: Some(Connection::new(connection, place)), pool: self.clone(), permit }
    }

    /// Begins a write transaction, with its first statement, when its turn has come: all of one database
    /// come one after another, also those of other processes. The turn is a row that each *changes*, not
    /// only locks, because a Galera cluster knows of changes only.
    pub(crate) async fn begin(&self) -> Result<Writing> {
        let mut lease = self.acquire().await?;
        lease.first = Some(self.clone());
        lease.waiting = Waiting::turn();
        Ok(Writing { lease, pass: None })
    }

    pub(super) fn line(&self) -> &Line {
        &self.0.line
    }

    /// Closes what is idle now and the rest when it is given back.
    pub(crate) fn close(&self) {
        self.0.closed.store(true, Ordering::SeqCst);
        self.0.permits.close();
        self.drop_idle(|_| true);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::SeqCst)
    }

    pub(crate) fn reap(&self) {
        self.drop_idle(|idle| idle.since.elapsed() > IDLE);
    }

    fn give_back(&self, connection: MySqlConnection, place: Option<Place>) {
        let budget = self.0.ties.budget.as_ref();
        let mut given = Idle { connection, since: Instant::now(), place, number: 0 };
        {
            let mut idle = self.0.idle();
            if self.is_closed() {
                drop(idle);
                given.close();
                return;
            }
            if let Some(budget) = budget {
                given.number = budget.note_idle(Arc::downgrade(&self.0));
            }
            idle.push_back(given);
        }
        if let Some(budget) = budget {
            budget.make_room();
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
    /// The short works that share its transaction.
    pub(super) group: Option<Group>,
    /// What it does alone, beside what the server itself sees to.
    pub(super) held: Option<Box<dyn Hold>>,
    /// In the budget of its server.
    place: Option<Place>,
}

/// Statements that wait for the next, each with `; ` behind it.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting {
    pub(super) text: String,
    pub(super) statements: usize,
}

impl Waiting {
    /// What begins a write transaction.
    pub(super) fn turn() -> Self {
        Self { text: format!("{}; ", take_turn()), statements: 2 }
    }
}

impl Connection {
    const fn new(inner: MySqlConnection, place: Option<Place>) -> Self {
        let waiting = Waiting { text: String::new(), statements: 0 };
        let held = None;
        Self {
            inner,
            busy: false,
            open: false,
            lost: false,
            waiting,
            first: None,
            group: None,
            held,
            place,
        }
    }

    /// Whether somebody else may be doing what it does alone.
    pub(super) fn is_overtaken(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.is_lost())
    }

    /// Whether what is sent next belongs to a transaction, be it one that begins with it.
    pub(super) const fn is_in_transaction(&self) -> bool {
        self.open || self.waiting.statements > 0
    }

    /// Puts another connection of `pool` in place of one that was found dead; whether there is one. The
    /// idle ones are likely as dead.
    pub(super) async fn renew(&mut self, pool: &Pool) -> bool {
        pool.drop_idle(|_| true);
        self.place = None;
        let Ok((inner, place)) = pool.0.connect().await else { return false };
        (self.inner, self.place, self.lost) = (inner, place, false);
        true
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
    /// Begins a transaction with the next statement, when its turn has come.
    fn take_turn(&mut self) {
        self.open = true;
        self.waiting.text.push_str(&take_turn());
        self.waiting.text.push_str("; ");
        self.waiting.statements += 2;
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
            if connection.lost {
                // The idle ones are likely as dead.
                self.pool.drop_idle(|_| true);
            }
            return;
        }
        if !connection.open {
            self.pool.give_back(connection.inner, connection.place);
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let pool = self.pool.clone();
        connection.waiting = Waiting::default();
        runtime.spawn(async move {
            if connection.script("ROLLBACK").await.is_ok() {
                pool.give_back(connection.inner, connection.place);
            }
            drop(permit);
        });
    }
}

/// A connection in a write transaction, undone when it is dropped.
pub(crate) struct Writing {
    lease: Lease,
    /// Of a short work, which shares its transaction with others.
    pub(super) pass: Option<Pass>,
}

impl Writing {
    /// The present work of a group.
    pub(super) const fn of_group(lease: Lease, pass: Pass) -> Self {
        Self { lease, pass: Some(pass) }
    }

    /// The same apart; nothing if it was taken apart before.
    pub(super) fn take_apart(&mut self) -> (Lease, Option<Pass>) {
        let lease = &mut self.lease;
        let connection = lease.connection.take();
        let taken = Lease { connection, pool: lease.pool.clone(), permit: lease.permit.take() };
        (taken, self.pass.take())
    }

    /// Makes the rest of a connection that changed tables a transaction.
    pub(super) fn take_turn(&mut self) {
        self.lease.take_turn();
    }

    /// Whether it shares its transaction with others.
    pub(super) const fn is_short(&self) -> bool {
        self.pass.is_some()
    }

    /// Commits a work that shares its transaction; `until` is dropped when it is known what became of it.
    pub(super) async fn commit_short(mut self, until: Box<dyn Any + Send>) -> Result<()> {
        let (lease, Some(pass)) = self.take_apart() else {
            return Err(Error::internal("committing", "it was done before"));
        };
        group::commit(lease, pass, until).await
    }

    pub(super) async fn commit(mut self) -> Result<()> {
        if !self.open {
            // Nothing was done: it never began.
            return Ok(());
        }
        if self.lost {
            return Err(unavailable("database, the transaction was cut off"));
        }
        if self.is_overtaken() {
            return Err(unavailable("database, another process changes its tables by now"));
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

impl Drop for Writing {
    fn drop(&mut self) {
        if let (lease, Some(pass)) = self.take_apart() {
            group::leave(lease, pass);
        }
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
