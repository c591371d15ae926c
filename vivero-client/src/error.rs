//! What can go wrong with a call.

use crate::{FieldConflict, FieldError, Problem};
use std::sync::Arc;

/// The result of every call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call did not succeed.
///
/// What the server refused is a [`Problem`] with a stable `code`; the methods here answer the usual
/// questions without matching:
///
/// ```
/// # use vivero_client::Error;
/// # fn handle(error: &Error) {
/// if error.is_not_found() {
///     println!("gone");
/// } else if let Some(conflict) = error.conflict() {
///     for field in conflict.fields {
///         println!("{}: {} became {}, not {}", field.field, field.base, field.theirs, field.mine);
///     }
/// }
/// # }
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server understood the request and refused it.
    #[error("{}: {} ({})", .0.code, .0.detail, .0.status)]
    Problem(Box<Problem>),
    /// The sign-in is over: signed out, ended elsewhere, or too old to be refreshed. Sign in again.
    #[error("signed out")]
    SignedOut,
    /// The server could not be reached, or stopped answering.
    #[error("the server did not answer")]
    Transport(#[source] Arc<reqwest::Error>),
    /// The answer is not what this version of the client understands.
    #[error("the answer could not be read")]
    Decode(#[source] Arc<serde_json::Error>),
    /// Something other than a vivero server answered, for instance a proxy on the way.
    #[error("unexpected answer with status {status}")]
    Unexpected {
        /// The HTTP status.
        status: u16,
    },
    /// A file of this machine could not be read or written.
    #[error("the local file could not be read or written")]
    Io(#[source] Arc<std::io::Error>),
    /// The client or the request was put together wrongly; nothing was sent.
    #[error("{0}")]
    Request(String),
}

/// Two sides changed the same fields of a record.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Conflict<'a> {
    /// The version stored now: read it, decide, and edit again from there.
    pub current_version: i64,
    /// Each field with the value both started from, theirs and mine.
    pub fields: &'a [FieldConflict],
}

impl Error {
    /// The server's refusal, if that is what happened.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }
    /// The HTTP status, if there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Problem(problem) => Some(problem.status),
            Self::Unexpected { status } => Some(*status),
            Self::Transport(error) => error.status().map(|status| status.as_u16()),
            _ => None,
        }
    }
    /// The stable code of the refusal, e.g. `entity_not_found`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.problem().map(|problem| problem.code.as_str())
    }
    /// Names the request in the server's log: quote it when asking the operator for help.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.problem().map(|problem| problem.request_id.as_str())
    }
    /// The fields of the request that break a rule; empty if the problem is another one.
    #[must_use]
    pub fn field_errors(&self) -> &[FieldError] {
        self.problem().map_or(&[], |problem| &problem.errors)
    }
    /// What is wrong with one field of the request.
    #[must_use]
    pub fn field_error(&self, field: &str) -> Option<&FieldError> {
        self.field_errors().iter().find(|error| error.field == field)
    }
    /// The fields that somebody else changed too, if an edit was refused for that.
    #[must_use]
    pub fn conflict(&self) -> Option<Conflict<'_>> {
        let problem = self.problem()?;
        let current_version = problem.current_version?;
        Some(Conflict { current_version, fields: &problem.conflicts })
    }
    /// The request breaks a rule; see [`Error::field_errors`].
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        self.status() == Some(400)
    }
    /// There is no such thing, or not for this caller.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }
    /// The role does not allow it, or the tenant's standing does not.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(403)
    }
    /// A lost race, a duplicate, or a state that forbids it.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(409)
    }
    /// No valid credential: a wrong password, or a sign-in that is over.
    #[must_use]
    pub fn is_unauthenticated(&self) -> bool {
        self.status() == Some(401) || matches!(self, Self::SignedOut)
    }
    /// The same call may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Transport(error) => !error.is_builder() && !error.is_redirect(),
            // The server fell silent.
            Self::Io(error) => error.kind() == std::io::ErrorKind::TimedOut,
            _ => matches!(self.status(), Some(429 | 502 | 503 | 504)),
        }
    }

    pub(crate) fn transport(error: reqwest::Error) -> Self {
        Self::Transport(Arc::new(error))
    }
    pub(crate) fn io(error: std::io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
    pub(crate) fn decode(error: serde_json::Error) -> Self {
        Self::Decode(Arc::new(error))
    }
}
