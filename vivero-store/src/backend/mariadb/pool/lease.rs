//! Connections that are in use: lent by a pool, and in write transactions.

use super::super::Failure;
use super::super::budget::Place;
use super::super::group::Group;
use super::super::line::{self, Alone, Pass};
use super::{Hold, Pool, WAIT, Waiting, close, unavailable};
use crate::backend::Meaning;
use sqlx::MySqlConnection;
use std::any::Any;
use std::ops::{Deref, DerefMut};
use tokio::sync::OwnedSemaphorePermit;
use vivero_core::{Error, Result};

/// The turn is moved on by up to so much. A server that goes down may lose a change that others have seen
/// already, and whose number they remember: the next change is hardly given the same number again.
const STRIDE: i64 = 1_000;

const BEGIN: &str = "START TRANSACTION";

/// Waits for its turn, in a transaction.
pub(in crate::backend::mariadb) fn take_turn() -> String {
    let stride = rand::random_range(1..=STRIDE);
    format!("UPDATE engine_state SET turn = turn + {stride} WHERE one = 1")
}

/// Begins a transaction and waits for its turn.
pub(super) fn begin() -> String {
    format!("{BEGIN}; {}", take_turn())
}

/// A connection and what is known of its state.
pub(crate) struct Connection {
    pub(in crate::backend::mariadb) inner: MySqlConnection,
    /// In the middle of a statement.
    pub(in crate::backend::mariadb) busy: bool,
    /// In a transaction.
    pub(in crate::backend::mariadb) open: bool,
    /// Has a lock of the server's that does not end with a transaction.
    pub(super) locked: bool,
    /// Something may be left of what was done on it, so nobody else is to have it.
    pub(in crate::backend::mariadb) stained: bool,
    /// Of no more use.
    pub(in crate::backend::mariadb) lost: bool,
    /// A call of the work that has its transaction to itself failed, and with it that work.
    pub(in crate::backend::mariadb) spoiled: bool,
    /// What goes before the next statement, in the same packet.
    pub(in crate::backend::mariadb) waiting: Waiting,
    /// The combination of facets its triggers were told of last.
    pub(in crate::backend::mariadb) combination: Option<String>,
    /// The pool of a write transaction that has not begun: its first packet may be sent again.
    pub(in crate::backend::mariadb) first: Option<Pool>,
    /// The short works that share its transaction.
    pub(in crate::backend::mariadb) group: Option<Group>,
    /// What it does alone, beside what the server itself sees to.
    pub(in crate::backend::mariadb) held: Option<Box<dyn Hold>>,
    /// It changes rows.
    pub(in crate::backend::mariadb) writes: bool,
    /// Its server is one of a cluster's nodes.
    pub(in crate::backend::mariadb) of_cluster: bool,
    /// It changes rows there: each statement goes in a packet of its own.
    pub(in crate::backend::mariadb) goes_apart: bool,
    /// In the budget of its server.
    pub(super) place: Option<Place>,
}

impl Connection {
    pub(super) fn new(inner: MySqlConnection, place: Option<Place>) -> Self {
        Self {
            inner,
            busy: false,
            open: false,
            locked: false,
            stained: false,
            lost: false,
            spoiled: false,
            waiting: Waiting::default(),
            combination: None,
            first: None,
            group: None,
            held: None,
            writes: false,
            of_cluster: false,
            goes_apart: false,
            place,
        }
    }

    /// Whether somebody else may be doing what it does alone.
    pub(in crate::backend::mariadb) fn is_overtaken(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.is_lost())
    }

    /// Whether what is sent next belongs to a transaction, be it one that begins with it.
    pub(in crate::backend::mariadb) const fn is_in_transaction(&self) -> bool {
        self.open || self.waiting.statements > 0
    }

    /// Puts another connection of `pool` in place of one that was found dead; whether there is one. The
    /// idle ones are likely as dead.
    pub(in crate::backend::mariadb) async fn renew(&mut self, pool: &Pool) -> bool {
        pool.drop_idle(|_| true);
        self.place = None;
        let Ok((inner, place)) = pool.0.connect().await else { return false };
        (self.inner, self.place, self.lost) = (inner, place, false);
        true
    }
}

/// A connection from the pool.
pub(crate) struct Lease {
    pub(super) connection: Option<Connection>,
    pub(super) pool: Pool,
    /// None for a connection beside the pool, which is closed when it is dropped.
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

impl Lease {
    pub(in crate::backend::mariadb) const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Begins a transaction with the next statement, when its turn has come.
    fn take_turn(&mut self) {
        self.open = true;
        self.waiting.take_turn();
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
        let Some(mut connection) = self.connection.take() else { return };
        let Some(permit) = self.permit.take() else {
            if !connection.busy && !connection.lost {
                close(connection.inner, connection.place);
            }
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
        // What its work did not come to the end of goes with it, the lock as well.
        if connection.stained || connection.locked {
            close(connection.inner, connection.place);
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
            let undone = tokio::time::timeout(WAIT, connection.script("ROLLBACK")).await;
            if matches!(undone, Ok(Ok(()))) {
                pool.give_back(connection.inner, connection.place);
            }
            drop(permit);
        });
    }
}

/// A connection in a write transaction, undone when it is dropped.
pub(crate) struct Writing {
    pub(super) lease: Lease,
    /// Of a short work, which shares its transaction with others.
    pub(in crate::backend::mariadb) pass: Option<Pass>,
    /// Of one that has a transaction to itself: no groups go ahead.
    pub(super) alone: Option<Alone>,
}

impl Writing {
    /// A transaction of one work.
    pub(super) const fn of(lease: Lease) -> Self {
        Self { lease, pass: None, alone: None }
    }

    /// The present work of a group.
    pub(in crate::backend::mariadb) const fn of_group(lease: Lease, pass: Pass) -> Self {
        Self { lease, pass: Some(pass), alone: None }
    }

    /// The same apart; nothing if it was taken apart before.
    pub(in crate::backend::mariadb) fn take_apart(&mut self) -> (Lease, Option<Pass>) {
        let lease = &mut self.lease;
        let connection = lease.connection.take();
        let taken = Lease { connection, pool: lease.pool.clone(), permit: lease.permit.take() };
        (taken, self.pass.take())
    }

    /// Makes the rest of a connection that changed tables a transaction. Who changes no rows of theirs needs
    /// no turn.
    pub(in crate::backend::mariadb) fn go_on_as_one(&mut self, rows: bool) {
        if rows {
            return self.lease.take_turn();
        }
        self.open = true;
        self.waiting.push_text(BEGIN, Meaning::Plain);
    }

    /// Whether it shares its transaction with others.
    pub(in crate::backend::mariadb) const fn is_short(&self) -> bool {
        self.pass.is_some()
    }

    /// Commits a work that shares its transaction; `until` is dropped when it is known what became of it.
    pub(in crate::backend::mariadb) async fn commit_short(
        mut self,
        until: Box<dyn Any + Send>,
    ) -> Result<()> {
        let (lease, Some(pass)) = self.take_apart() else {
            return Err(Error::internal("committing", "it was done before"));
        };
        line::commit(lease, pass, until).await
    }

    pub(in crate::backend::mariadb) async fn commit(mut self) -> Result<()> {
        if !self.open {
            // Nothing was done: it never began.
            return Ok(());
        }
        if self.lost {
            return Err(unavailable("database, the transaction was cut off"));
        }
        if self.spoiled {
            return Err(Failure::failed_before().into());
        }
        if self.is_overtaken() {
            return Err(unavailable("database, another process changes its tables by now"));
        }
        let commit = if self.locked { "COMMIT; DO RELEASE_ALL_LOCKS()" } else { "COMMIT" };
        self.look_before_commit().await?;
        match self.script(commit).await {
            Ok(()) => {
                self.open = false;
                self.locked = false;
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
            line::leave(lease, pass);
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
