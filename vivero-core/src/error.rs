//! One error type. What a caller may see is in the variant's data; the source chain is for the log.

use crate::merge::FieldConflict;
use serde::Serialize;
use std::borrow::Cow;

/// The result of every fallible operation of vivero.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A cause for the log, never shown to a caller.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// One rule that one field of the input breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Path of the field in the input, e.g. `attributes.colour`.
    pub field: String,
    /// Stable name of the rule, e.g. `max_length`.
    pub rule: String,
    /// The rule in words, with its numbers.
    pub message: String,
}

/// Everything that can go wrong, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input breaks one or more rules.
    #[error("{} field(s) break a rule: {}", .0.len(), describe(.0))]
    Invalid(Vec<FieldError>),
    /// No such thing, or not for the eyes of this caller: the two are never told apart.
    #[error("{resource} not found")]
    NotFound {
        /// The resource's name, e.g. `entity`.
        resource: Cow<'static, str>,
    },
    /// Sign-in is missing, wrong, expired or revoked.
    #[error("not signed in: {reason}")]
    Unauthenticated {
        /// Why, in words that do not help a guesser.
        reason: &'static str,
    },
    /// Signed in, but the role does not allow it.
    #[error("permission {permission} is missing")]
    Forbidden {
        /// The permission that would be needed.
        permission: Cow<'static, str>,
    },
    /// The tenant's standing does not allow it: suspended, closed, trial over.
    #[error("tenant {standing}")]
    TenantStanding {
        /// `suspended`, `closed`, `trial_expired` or `provisioning`.
        standing: &'static str,
    },
    /// Somebody else changed the same fields since the version the caller has seen.
    #[error("{resource} was changed by someone else in the same fields")]
    Conflict {
        /// The resource's name.
        resource: Cow<'static, str>,
        /// The version stored now.
        current_version: i64,
        /// The fields both sides changed, with the three values of each.
        fields: Vec<FieldConflict>,
    },
    /// A value that must be unique is taken.
    #[error("{field} is already in use")]
    Taken {
        /// The resource's name.
        resource: Cow<'static, str>,
        /// The field that must be unique.
        field: String,
    },
    /// The state of the record does not allow the command.
    #[error("{message}")]
    Illegal {
        /// Stable code, e.g. `transition_not_allowed`.
        code: &'static str,
        /// What is not allowed and what would be.
        message: String,
    },
    /// The idempotency key was used before for a different request.
    #[error("idempotency key was used for a different request")]
    IdempotencyMismatch,
    /// Too many attempts; try again later.
    #[error("too many requests")]
    TooMany {
        /// Seconds until an attempt can succeed.
        retry_after: u32,
    },
    /// The system is busy or partly away; the same call may succeed later.
    #[error("temporarily unavailable: {what}")]
    Unavailable {
        /// What is short: `connections`, `sign-in capacity` …
        what: Cow<'static, str>,
        /// Seconds to wait before trying again.
        retry_after: u32,
        /// For the log.
        #[source]
        source: Option<Source>,
    },
    /// The tenant's tables lack what this needs, until they are migrated.
    #[error("the tenant is being migrated: {what}")]
    TenantMigrating {
        /// What is lacking, and what to do.
        what: String,
    },
    /// The database undid a unit of work for a reason that passes: a deadlock, a wait that took too long,
    /// a node of a cluster that was slower. Nothing of it is kept; the whole of it may be done again,
    /// which the services do by themselves where they have all it takes.
    #[error("temporarily unavailable: the database undid the unit of work")]
    Undone {
        /// For the log.
        #[source]
        source: Source,
    },
    /// Stored data is not what it must be: wrong database, broken stamp, undecodable row.
    #[error("stored data is damaged: {what}")]
    Corrupt {
        /// What was found and where.
        what: String,
    },
    /// A failure the caller cannot mend.
    #[error("internal failure: {context}")]
    Internal {
        /// What was being done.
        context: Cow<'static, str>,
        /// For the log.
        #[source]
        source: Option<Source>,
    },
}

/// The small closed set that transports map: a new kind does not compile until it has a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Input breaks a rule.
    Invalid,
    /// Nothing there for this caller.
    NotFound,
    /// No valid credential.
    Unauthenticated,
    /// Credential without the right.
    Forbidden,
    /// Lost a race, duplicate, or a state that forbids it.
    Conflict,
    /// Too many attempts.
    TooMany,
    /// Try later.
    Unavailable,
    /// Ours to mend.
    Internal,
}

impl Error {
    /// The kind a transport maps to a status.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) | Self::IdempotencyMismatch => ErrorKind::Invalid,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Unauthenticated { .. } => ErrorKind::Unauthenticated,
            Self::Forbidden { .. } | Self::TenantStanding { .. } => ErrorKind::Forbidden,
            Self::Conflict { .. } | Self::Taken { .. } | Self::Illegal { .. } => {
                ErrorKind::Conflict
            }
            Self::TooMany { .. } => ErrorKind::TooMany,
            Self::Unavailable { .. } | Self::Undone { .. } | Self::TenantMigrating { .. } => {
                ErrorKind::Unavailable
            }
            Self::Corrupt { .. } | Self::Internal { .. } => ErrorKind::Internal,
        }
    }

    /// The stable code for programs, e.g. `entity_not_found`.
    #[must_use]
    pub fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Invalid(_) => "invalid_input".into(),
            Self::NotFound { resource } => format!("{resource}_not_found").into(),
            Self::Unauthenticated { .. } => "unauthenticated".into(),
            Self::Forbidden { .. } => "permission_missing".into(),
            Self::TenantStanding { standing } => format!("tenant_{standing}").into(),
            Self::Conflict { resource, .. } => format!("{resource}_conflict").into(),
            Self::Taken { resource, field } => format!("{resource}_{field}_taken").into(),
            Self::Illegal { code, .. } => (*code).into(),
            Self::IdempotencyMismatch => "idempotency_key_reused".into(),
            Self::TooMany { .. } => "too_many_requests".into(),
            Self::Unavailable { .. } | Self::Undone { .. } => "unavailable".into(),
            Self::TenantMigrating { .. } => "tenant_migrating".into(),
            Self::Corrupt { .. } => "data_damaged".into(),
            Self::Internal { .. } => "internal".into(),
        }
    }

    /// Whether it is certain that nothing came of what failed, and a refusal, not a failure of what should work.
    pub(crate) fn left_nothing(&self) -> bool {
        match self.kind() {
            ErrorKind::Unavailable => {
                matches!(self, Self::Undone { .. } | Self::TenantMigrating { .. })
            }
            ErrorKind::Internal => false,
            _ => true,
        }
    }

    /// Shorthand for [`Error::NotFound`].
    pub fn not_found(resource: impl Into<Cow<'static, str>>) -> Self {
        Self::NotFound { resource: resource.into() }
    }

    /// One broken rule.
    pub fn invalid(
        field: impl Into<String>,
        rule: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::Invalid(vec![FieldError {
            field: field.into(),
            rule: rule.into(),
            message: message.into(),
        }])
    }

    /// A failure with its cause, for the log.
    pub fn internal(context: impl Into<Cow<'static, str>>, source: impl Into<Source>) -> Self {
        Self::Internal { context: context.into(), source: Some(source.into()) }
    }

    /// What it says, and its causes: for operators and logs, never for a caller.
    #[must_use]
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            let said = cause.to_string();
            // Many repeat their cause.
            if !text.ends_with(&said) {
                text = format!("{text}: {said}");
            }
            next = cause.source();
        }
        text
    }

    /// Damage found in stored data.
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }
}

fn describe(errors: &[FieldError]) -> String {
    errors.iter().map(|e| format!("{}: {}", e.field, e.message)).collect::<Vec<_>>().join("; ")
}

/// Collects every broken rule of an input before refusing it, so that the caller sees all at once.
#[derive(Debug, Default)]
pub struct Check(Vec<FieldError>);

impl Check {
    /// An input with no broken rule so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Notes a broken rule.
    pub fn fail(&mut self, field: &str, rule: &str, message: impl Into<String>) {
        self.0.push(FieldError { field: field.into(), rule: rule.into(), message: message.into() });
    }
    /// Text of `min..=max` characters without control characters (line breaks and tabs excepted).
    pub fn text(&mut self, field: &str, value: &str, min: usize, max: usize) {
        // Bytes bound characters from above: long input is refused without counting it.
        let length = if value.len() > max * 4 { max + 1 } else { value.chars().count() };
        if length < min || value.trim().is_empty() && min > 0 {
            self.fail(field, "min_length", format!("must have at least {min} character(s)"));
        }
        if length > max {
            self.fail(field, "max_length", format!("must have at most {max} characters"));
        }
        if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            self.fail(field, "no_control_characters", "must not contain control characters");
        }
    }
    /// Like [`Check::text`], for an optional field.
    pub fn optional_text(&mut self, field: &str, value: Option<&str>, max: usize) {
        if let Some(value) = value {
            self.text(field, value, 1, max);
        }
    }
    /// A number within `min..=max`.
    pub fn range(&mut self, field: &str, value: i64, min: i64, max: i64) {
        if value < min {
            self.fail(field, "minimum", format!("must be at least {min}"));
        }
        if value > max {
            self.fail(field, "maximum", format!("must be at most {max}"));
        }
    }
    /// The verdict.
    pub fn done(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}
