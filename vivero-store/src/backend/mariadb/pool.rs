//! A bounded set of connections of one account to one database.
//!
//! The driver's own pool asks the server whether a connection lives each time one is given back, which
//! costs as much as most statements here. This one knows in what state it gets a connection back: in
//! the middle of a statement (it is closed), in a transaction (it is rolled back), or as it was.

mod define;
mod lease;
mod waiting;

pub(super) use lease::take_turn;
pub(crate) use lease::{Connection, Lease, Writing};
pub(super) use waiting::{BACK, Position, TURN, Waiting};

use super::budget::{Budget, Place};
use super::line::Line;
use super::{Failure, Nodes, run};
use async_trait::async_trait;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, MySqlConnection};
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use vivero_core::{Error, Result};

/// How long a task waits for a connection.
pub(super) const WAIT: Duration = Duration::from_secs(10);
/// How long it waits where the account, or the server, allows no more for now: those of other processes, too, come and
/// go. It looks again so often, and ever less.
const ROOM: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(10);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(3);
/// A connection that nobody used for this long is closed.
const IDLE: Duration = Duration::from_secs(60);
/// How often the passwords of an account are asked for: it may have got another one between asking and
/// trying.
const PASSWORDS_ASKED: usize = 3;
/// A connection that nobody used for this long is asked whether it lives.
const DOUBTFUL: Duration = Duration::from_secs(5);
/// Every connection: text is compared byte by byte, errors are errors, and nobody holds a lock by being
/// slow or gone (seconds). Of a page's rows by number the server does not first look up how many each is.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,\
     ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = 10, \
     lock_wait_timeout = 20, idle_transaction_timeout = 120, optimizer_switch = 'exists_to_in=off', \
     eq_range_index_dive_limit = 10, tx_isolation = ";

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
    /// Connections of those who change tables of one database after another, under the definer's account.
    pub(crate) passing: Option<Pool>,
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
    pub(super) fn close(self) {
        close(self.connection, self.place);
    }
}

/// Tells the server that a connection is closed, and only then gives its place up: the server counts it
/// until it has noticed.
fn close(connection: MySqlConnection, place: Option<Place>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        let _ = tokio::time::timeout(CONNECT, connection.close()).await;
        drop(place);
    });
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
    /// Tells who waits for room that there is one more.
    given_back: Notify,
    closed: AtomicBool,
    /// How often a connection was opened.
    openings: AtomicU64,
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

/// Why a pool has no other connection.
enum NoMore {
    /// The account, or the server, allows no more for now.
    Full(Error),
    Failed(Error),
}

impl From<Error> for NoMore {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Unconnected> for NoMore {
    fn from(unconnected: Unconnected) -> Self {
        match unconnected {
            Unconnected::Failed(failure) if failure.is_of_connections() => {
                Self::Full(failure.into())
            }
            other => Self::Failed(other.into()),
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
    async fn connect(&self) -> Result<(MySqlConnection, Option<Place>), NoMore> {
        let budget = self.ties.budget.as_ref();
        let place = match budget {
            Some(budget) => Some(budget.place().await?),
            None => None,
        };
        let mut outcome = connect(&self.account(), self.purpose, &self.ties.nodes).await;
        for _ in 0..PASSWORDS_ASKED {
            let (Err(Unconnected::Failed(e)), Some(login)) = (&outcome, &self.ties.login) else {
                break;
            };
            if !e.is_refused_password() {
                break;
            }
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
        let connection = outcome?;
        self.openings.fetch_add(1, Ordering::SeqCst);
        Ok((connection, place))
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
            given_back: Notify::new(),
            closed: AtomicBool::new(false),
            openings: AtomicU64::new(0),
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
        self.acquire_within(WAIT).await
    }

    async fn acquire_within(&self, wait: Duration) -> Result<Lease> {
        let waiting = Arc::clone(&self.0.permits).acquire_owned();
        let permit = tokio::time::timeout(wait, waiting)
            .await
            .map_err(|_| unavailable("connections"))?
            .map_err(|_| unavailable("database, it is closing"))?;
        let (begun, mut pause) = (Instant::now(), LOOK);
        let (connection, place) = loop {
            match self.pop_idle() {
                None => match self.0.connect().await {
                    Ok(connected) => break connected,
                    // One of those that are in use may be idle by then.
                    Err(NoMore::Full(_)) if begun.elapsed() < ROOM.min(wait) => {
                        tokio::select! {
                            () = tokio::time::sleep(pause) => {}
                            () = self.0.given_back.notified() => {}
                        }
                        pause = (pause * 2).min(LOOK * 16);
                    }
                    Err(NoMore::Full(e) | NoMore::Failed(e)) => return Err(e),
                },
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
        let mut connection = Connection::new(connection, place);
        connection.writes = self.0.purpose == Purpose::Writing;
        connection.of_cluster = self.0.ties.nodes.are_many();
        connection.goes_apart = connection.of_cluster && connection.writes;
        Lease { connection: Some(connection), pool: self.clone(), permit }
    }

    /// Begins a write transaction, with its first statement, when its turn has come: all of one database
    /// come one after another, also those of other processes. The turn is a row that each *changes*, not
    /// only locks, because a Galera cluster knows of changes only.
    pub(crate) async fn begin(&self) -> Result<Writing> {
        let alone = self.line().alone().await;
        let mut writing = self.begin_beside().await?;
        writing.alone = Some(alone);
        Ok(writing)
    }

    /// The same beside groups that go ahead.
    pub(super) async fn begin_beside(&self) -> Result<Writing> {
        let mut lease = self.acquire().await?;
        lease.first = Some(self.clone());
        lease.waiting = Waiting::turn();
        Ok(Writing::of(lease))
    }

    /// How often a connection was opened so far.
    pub(super) fn openings(&self) -> u64 {
        self.0.openings.load(Ordering::SeqCst)
    }

    /// Whether the rows of one statement are numbered one after another: of a cluster's nodes each leaves out the
    /// others' numbers.
    pub(super) fn numbers_in_order(&self) -> bool {
        self.0.ties.nodes.is_alone()
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

    /// Closes what is idle now.
    pub(crate) fn rest(&self) {
        self.drop_idle(|_| true);
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
        self.0.given_back.notify_waiters();
        if let Some(budget) = budget {
            budget.make_room();
        }
    }
}
