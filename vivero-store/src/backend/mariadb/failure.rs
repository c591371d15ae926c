//! What a statement fails with, and what a caller can do about it.

use crate::backend::Meaning;
use sqlx::mysql::MySqlDatabaseError;
use std::fmt;
use vivero_core::Error;
use vivero_core::record::Schema;

/// What a statement fails with.
#[derive(Debug)]
pub(crate) struct Failure {
    error: sqlx::Error,
    /// What became of a row that was put off.
    row: Option<PutOff>,
}

/// What a row that was added or changed later than asked for is refused for.
#[derive(Debug, Clone, Copy)]
enum PutOff {
    /// A value of this resource is taken.
    Taken(&'static str),
    /// It is of another version by now, or something else is not as it was taken to be.
    Outdated,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self { error, row: None }
    }
}

/// Lock wait timeout, deadlock, and Galera's two ways to say that another node was faster or that this
/// one is cut off: the whole unit of work may be tried again.
const AGAIN: [u16; 4] = [1205, 1213, 1047, 1180];
/// Too many connections, in all and of one user.
const CONNECTIONS: [u16; 3] = [1040, 1203, 1226];
/// Too many prepared statements on the server.
const STATEMENTS: u16 = 1461;
/// A statement ran longer than it may.
const TOO_LONG: u16 = 1969;
/// The server or the transaction is read-only.
const READ_ONLY: [u16; 3] = [1290, 1792, 1836];
/// Disk full, table full.
const FULL: [u16; 3] = [1021, 1114, 3];
/// Shutting down, connection killed, a transaction that was left alone for too long, a node that is none
/// of its cluster any more.
const GONE: [u16; 6] = [1053, 1927, 2006, 2013, 4031, 1047];
/// A value that cannot be compared with a column: bytes with text, a number with an id.
const INCOMPARABLE: [u16; 2] = [1300, 4078];
/// The database does not exist.
const NO_DATABASE: u16 = 1049;
/// Wrong password; no right to the database.
const REFUSED: [u16; 3] = [1044, 1045, 1698];

/// What a trigger says.
const SIGNAL: u16 = 1644;
/// A column has to have a value: that is what a row of another version than was read is refused with, and one
/// that names another that is not there.
const NO_VALUE: u16 = 1048;
/// What undoes a statement and nothing else: a value that a column does not take, a duplicate, a trigger's
/// or a check's refusal, bytes that cannot be compared, a sort that would look at too many rows.
const OF_STATEMENT: [u16; 13] =
    [1022, 1028, NO_VALUE, 1062, 1264, 1292, 1300, 1364, 1366, 1406, SIGNAL, 4025, 4078];

/// What somebody who was to do something alone says when another may be doing it.
const OVERTAKEN: &str = "another process may be doing the same by now";

impl Failure {
    /// Somebody else may be doing what was to be done alone.
    pub(super) fn overtaken() -> Self {
        sqlx::Error::Protocol(OVERTAKEN.into()).into()
    }

    /// The server's number for it.
    pub(super) fn number(&self) -> Option<u16> {
        let sqlx::Error::Database(error) = &self.error else { return None };
        error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
    }

    /// Whether the connection is of no more use.
    pub(super) fn is_lost(&self) -> bool {
        match &self.error {
            sqlx::Error::Database(_) => self.number().is_some_and(|n| GONE.contains(&n)),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Encode(_) => false,
            _ => true,
        }
    }

    /// Whether the account exists and has another password, or is not there.
    pub(super) fn is_refused_password(&self) -> bool {
        self.number().is_some_and(|n| n == 1045)
    }

    /// Whether there are as many connections as there may be.
    pub(super) fn is_of_connections(&self) -> bool {
        self.number().is_some_and(|n| CONNECTIONS.contains(&n))
    }

    /// What a statement fails with that is not sent, because its transaction is no more.
    pub(super) fn cut_off() -> Self {
        sqlx::Error::Protocol("the transaction was cut off".into()).into()
    }

    /// What a work hears that goes on after a failure that it does not survive: it may be done again.
    pub(super) fn failed_before() -> Self {
        Self::of_another("an earlier call of this work failed".into())
    }

    /// What a work hears whose transaction another's failure has ended: it may be done again.
    pub(super) fn of_another(why: String) -> Self {
        Self { error: sqlx::Error::Protocol(why), row: Some(PutOff::Outdated) }
    }

    /// Whether a node of a cluster has undone the transaction, and said so or not.
    pub(super) fn is_undone_by_cluster(&self) -> bool {
        matches!((self.number(), self.row), (Some(1213), _) | (None, Some(PutOff::Outdated)))
    }

    /// Whether the statement alone is undone, and the transaction certainly goes on.
    pub(super) fn is_of_statement(&self) -> bool {
        self.number().is_some_and(|n| OF_STATEMENT.contains(&n))
    }

    /// Whether a transaction that has done nothing yet should be begun again.
    pub(super) fn is_passing(&self) -> bool {
        self.number().is_some_and(|n| AGAIN.contains(&n))
    }

    /// The field whose value is taken, and its table if the key says it.
    pub(super) fn taken(&self) -> Option<(Option<&str>, &str)> {
        let key = self.duplicate()?;
        // Keys of records are named `entities_unique_code` and `entities_id`.
        if let Some((table, column)) = key.rsplit_once("_unique_") {
            return Some((Some(table), column));
        }
        let table = key.strip_suffix("_id");
        Some((table, if table.is_some() || key == "PRIMARY" { "id" } else { key }))
    }

    /// The same failure, of a statement that had been put off and means this.
    pub(super) fn of(mut self, meaning: Meaning) -> Self {
        self.row = self.row.or(match meaning {
            Meaning::Plain => None,
            Meaning::Row(schema) => self.of_row(schema),
            Meaning::Assumed => {
                let refused = self.duplicate().is_some() || self.number() == Some(NO_VALUE);
                refused.then_some(PutOff::Outdated)
            }
        });
        self
    }

    fn of_row(&self, schema: &'static Schema) -> Option<PutOff> {
        if let Some((table, _)) = self.taken() {
            return (table == Some(schema.table)).then_some(PutOff::Taken(schema.resource));
        }
        let refused =
            self.number() == Some(NO_VALUE) && self.error.to_string().contains("'version'");
        refused.then_some(PutOff::Outdated)
    }

    /// Whether it is about a row that had been put off, not about the statement it went with.
    pub(super) const fn is_of_row_put_off(&self) -> bool {
        self.row.is_some()
    }

    /// The key that has the value already.
    fn duplicate(&self) -> Option<&str> {
        let sqlx::Error::Database(error) = &self.error else { return None };
        // "Duplicate entry 'A' for key 'entities_unique_code'"
        let key =
            error.message().rsplit_once("for key '").map(|(_, key)| key.trim_end_matches('\''));
        if error.is_unique_violation() { key } else { None }
    }
}

/// Whether a table could not be made or written for want of room: the storage engine's own number is in
/// the text (28 no space on the device, 135 no more room in the file).
fn is_full(number: u16, error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    [1005, 1030].contains(&number)
        && ["errno: 28 ", "errno: 135 ", "error 28 ", "error 135 "]
            .iter()
            .any(|reason| error.message().contains(reason))
}

/// Whether TLS did not come about. What the handshake refuses comes as bad input.
fn is_tls(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Io(e) => e.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let unavailable = |what: &'static str, retry_after: u32, source: sqlx::Error| {
            Self::Unavailable { what: what.into(), retry_after, source: Some(Box::new(source)) }
        };
        let number = failure.number();
        let lost = failure.is_lost();
        if let (Some(PutOff::Taken(resource)), Some((_, field))) = (failure.row, failure.taken()) {
            return Self::Taken { resource: resource.into(), field: field.to_owned() };
        }
        let Failure { error, row } = failure;
        if let Some(PutOff::Outdated) = row {
            return Self::Undone { source: Box::new(error) };
        }
        if let sqlx::Error::ColumnDecode { index, source } = &error {
            return Self::corrupt(format!("column {index}: {source}"));
        }
        match number {
            Some(n) if AGAIN.contains(&n) => Self::Undone { source: Box::new(error) },
            Some(n) if CONNECTIONS.contains(&n) => unavailable(
                "database connections (max_connections or the user's own limit is reached)",
                1,
                error,
            ),
            Some(STATEMENTS) => unavailable(
                "prepared statements (raise max_prepared_stmt_count on the server)",
                1,
                error,
            ),
            Some(TOO_LONG) => unavailable("database, a statement took too long", 5, error),
            Some(n) if READ_ONLY.contains(&n) => {
                unavailable("database, it is read-only", 30, error)
            }
            Some(n) if FULL.contains(&n) || is_full(n, &error) => {
                unavailable("storage, the database server's disk is full", 30, error)
            }
            Some(n) if REFUSED.contains(&n) => {
                unavailable("database, it refuses the credentials", 30, error)
            }
            Some(n) if INCOMPARABLE.contains(&n) => {
                Self::invalid("value", "kind", "is not of the kind it is compared with")
            }
            Some(SIGNAL) if error.to_string().contains(crate::backend::FENCED) => {
                crate::backend::fenced()
            }
            Some(NO_DATABASE) => Self::corrupt("the database does not exist"),
            None if is_tls(&error) => unavailable(
                "database, TLS to it fails (it has none, or its certificate is not of an authority given \
                 as ssl-ca or not of this host)",
                30,
                error,
            ),
            None if matches!(&error, sqlx::Error::Protocol(why) if why == OVERTAKEN) => {
                unavailable("database, another process changes its tables by now", 5, error)
            }
            _ if lost => unavailable("database, it does not answer", 1, error),
            _ => Self::internal("running a statement", error),
        }
    }
}
