//! People, their roles, and what they sign in with. All of it lives in the tenant's own database.

use crate::error::Check;
use crate::ids::{LocationId, RecordId, RoleId, SessionId, UserId};
use crate::permission::{Grant, Scope};
use crate::record::{Field, Kind, Stored};
use crate::text_enum;
use crate::value::Value;
use crate::{JsonText, Record};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A list kept as JSON in one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

impl<T: Serialize + DeserializeOwned> Field for List<T> {
    const KIND: Kind = Kind::Json;
    fn into_value(self) -> Value {
        Value::Json(JsonText::of(&self.0).unwrap_or_default())
    }
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Json(json) => json.read().ok().map(Self),
            _ => None,
        }
    }
}
impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

text_enum! {
    /// Whether a person may sign in.
    pub enum UserStatus {
        /// Has been asked to choose a password.
        Invited = "invited",
        /// May sign in.
        Active = "active",
        /// May not sign in.
        Disabled = "disabled",
    }
}

/// A person of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Record)]
#[record(table = "users", resource = "user", owner = "id", validate = validate)]
pub struct User {
    /// Identity.
    pub id: UserId,
    /// Address to sign in with, in lower case, unique in the tenant.
    #[record(unique, sort, search, personal, max = 254)]
    pub email: String,
    /// Full name.
    #[record(sort, search, personal, max = 200)]
    pub name: String,
    /// Whether the person may sign in.
    #[record(filter, count, max = 16)]
    pub status: UserStatus,
    /// What the person may do.
    pub roles: List<RoleId>,
    /// Where, for permissions with the scope `location`.
    pub locations: List<LocationId>,
}

/// A user with version and dates.
pub type StoredUser = Stored<User>;

pub(crate) fn validate(user: &User, check: &mut Check) {
    check.text("name", &user.name, 1, 200);
    check_email(check, &user.email);
    if user.roles.0.len() > 20 {
        check.fail("roles", "max_items", "must have at most 20 entries");
    }
    if user.locations.0.len() > 200 {
        check.fail("locations", "max_items", "must have at most 200 entries");
    }
}

/// An address a message can be sent to: something, `@`, a domain of two labels or more; 254 bytes at
/// most (RFC 5321).
pub fn check_email(check: &mut Check, email: &str) {
    let fits = email.len() <= 254
        && email.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty()
                && name.len() <= 64
                && domain.contains('.')
                && !domain.split('.').any(str::is_empty)
                && !domain.contains('@')
        })
        && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if !fits {
        check.fail(
            "email",
            "email",
            "must be an address like name@example.com of at most 254 bytes",
        );
    }
}

/// A named set of grants.
#[derive(Debug, Clone, PartialEq, Eq, Record)]
#[record(table = "roles", resource = "role", validate = validate_role)]
pub struct Role {
    /// Identity.
    pub id: RoleId,
    /// Name, unique in the tenant, 1 to 64 characters.
    #[record(unique, sort, search, max = 64)]
    pub name: String,
    /// What it is for.
    #[record(max = 500)]
    pub description: String,
    /// What it allows.
    pub grants: List<Grant>,
    /// Made by vivero; cannot be changed or deleted.
    pub built_in: bool,
}

/// A role with version and dates.
pub type StoredRole = Stored<Role>;

pub(crate) fn validate_role(role: &Role, check: &mut Check) {
    check.text("name", &role.name, 1, 64);
    check.text("description", &role.description, 0, 500);
    if role.grants.0.is_empty() {
        check.fail(
            "grants",
            "min_items",
            "must have at least one entry; nothing is allowed by default",
        );
    }
    if role.grants.0.len() > 200 {
        check.fail("grants", "max_items", "must have at most 200 entries");
    }
}

/// The secret a person signs in with. Never leaves the database.
#[derive(Debug, Clone, PartialEq, Eq, Record)]
#[record(table = "credentials", resource = "credential", owner = "user_id")]
pub struct Credential {
    /// Identity.
    pub id: RecordId<Credential>,
    /// Whose it is.
    #[record(unique)]
    pub user_id: UserId,
    /// Argon2id hash in PHC string format; none until the invitation is accepted.
    #[record(secret, max = 255)]
    pub password_hash: Option<String>,
    /// SHA-256 of the invitation's token.
    #[record(secret, filter, max = 64)]
    pub invitation_hash: Option<String>,
    /// First instant at which the invitation is void.
    pub invitation_ends_at: Option<DateTime<Utc>>,
    /// When the password was last changed.
    pub changed_at: Option<DateTime<Utc>>,
}

/// A sign-in of one person on one device: a family of refresh tokens.
#[derive(Debug, Clone, PartialEq, Eq, Record)]
#[record(table = "sessions", resource = "session", owner = "user_id")]
pub struct Session {
    /// Identity.
    pub id: SessionId,
    /// Whose it is.
    #[record(filter)]
    pub user_id: UserId,
    /// Seed from which the family's refresh tokens are derived.
    #[record(secret, max = 32)]
    pub seed: Vec<u8>,
    /// Which token of the family is current.
    pub rotation: i64,
    /// When a token was last exchanged.
    pub used_at: DateTime<Utc>,
    /// First instant at which the session is over, however much it is used.
    pub ends_at: DateTime<Utc>,
    /// When it was ended, and
    pub revoked_at: Option<DateTime<Utc>>,
    /// why.
    #[record(max = 64)]
    pub revoked_for: Option<String>,
    /// Program that signed in, as it names itself.
    #[record(personal, max = 200)]
    pub user_agent: Option<String>,
}

/// A role every tenant has from the start.
#[derive(Debug)]
pub struct BuiltInRole {
    /// Name.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// What it allows.
    pub grants: &'static [Grant],
}

/// The roles every tenant has: Admin, Manager, Operator, Viewer.
pub const BUILT_IN_ROLES: &[BuiltInRole] = &[
    BuiltInRole {
        name: "Admin",
        description: "Everything, people and roles included",
        grants: &[Grant::all("*")],
    },
    BuiltInRole {
        name: "Manager",
        description: "All stock and places; sees people and the audit trail",
        grants: &[
            Grant::all("entity.*"),
            Grant::all("location.*"),
            Grant::all("file.*"),
            Grant::all("dashboard.read"),
            Grant::all("event.read"),
            Grant::all("user.read"),
            Grant::all("role.read"),
            Grant::all("audit.read"),
        ],
    },
    BuiltInRole {
        name: "Operator",
        description: "Daily work on the stock at their locations",
        grants: &[
            Grant::within("entity.read", Scope::Location),
            Grant::within("entity.create", Scope::Location),
            Grant::within("entity.update", Scope::Location),
            Grant::within("entity.transition", Scope::Location),
            Grant::within("entity.move", Scope::Location),
            Grant::within("location.read", Scope::Location),
            Grant::within("file.read", Scope::Location),
            Grant::within("file.read", Scope::Own),
            Grant::within("file.create", Scope::Location),
            Grant::within("file.create", Scope::Own),
            Grant::within("file.update", Scope::Location),
            Grant::within("file.update", Scope::Own),
            Grant::all("event.read"),
        ],
    },
    BuiltInRole {
        name: "Viewer",
        description: "Looks at stock, places and figures; changes nothing",
        grants: &[
            Grant::all("entity.read"),
            Grant::all("location.read"),
            Grant::all("file.read"),
            Grant::all("dashboard.read"),
            Grant::all("event.read"),
        ],
    },
];
