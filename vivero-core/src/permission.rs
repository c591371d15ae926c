//! Who may do what: `resource.action` with a scope, deny by default.

use crate::error::{Error, Result};
use crate::ids::{LocationId, UserId};
use crate::query::Predicate;
use crate::record::Schema;
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

/// How far a permission reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Records the person owns.
    Own,
    /// Records at the person's locations, with everything below them.
    Location,
    /// Every record of the tenant.
    All,
}

impl Scope {
    const fn bit(self) -> u8 {
        match self {
            Self::Own => 1,
            Self::Location => 2,
            Self::All => 4,
        }
    }
    /// As written after the `@` of a grant.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Location => "location",
            Self::All => "all",
        }
    }
}

/// The scopes under which one permission is granted; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Whether every record is within reach.
    #[must_use]
    pub const fn is_all(self) -> bool {
        self.0 & 4 != 0
    }
    const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }
}

/// One line of a role: `entity.read`, `entity.update@location`, `entity.*`, `*.read` or `*`.
///
/// ```
/// use vivero_core::permission::Grant;
/// assert!("entity.move@location".parse::<Grant>().is_ok());
/// assert!("entity.move@everywhere".parse::<Grant>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    permission: Cow<'static, str>,
    scope: Scope,
}

impl Grant {
    /// A grant of `permission` for every record of the tenant.
    #[must_use]
    pub const fn all(permission: &'static str) -> Self {
        Self { permission: Cow::Borrowed(permission), scope: Scope::All }
    }
    /// A grant of `permission` within `scope`.
    #[must_use]
    pub const fn within(permission: &'static str, scope: Scope) -> Self {
        Self { permission: Cow::Borrowed(permission), scope }
    }
    /// `resource.action`, or a pattern with `*`.
    #[must_use]
    pub fn permission(&self) -> &str {
        &self.permission
    }
    /// How far it reaches.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        self.scope
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.permission)?;
        if self.scope == Scope::All { Ok(()) } else { write!(f, "@{}", self.scope.as_str()) }
    }
}

impl FromStr for Grant {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (permission, scope) = match text.split_once('@') {
            None => (text, Scope::All),
            Some((p, "all")) => (p, Scope::All),
            Some((p, "location")) => (p, Scope::Location),
            Some((p, "own")) => (p, Scope::Own),
            Some((_, other)) => return Err(format!("scope {other:?} is not all, location or own")),
        };
        let word = |w: &str| {
            w == "*" || (!w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        };
        let fits = permission.len() <= 100
            && (permission == "*"
                || permission.split_once('.').is_some_and(|(r, a)| word(r) && word(a)));
        if !fits {
            return Err(format!("{text:?} is not resource.action, resource.*, *.action or *"));
        }
        Ok(Self { permission: Cow::Owned(permission.to_owned()), scope })
    }
}

impl Serialize for Grant {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Grant {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// All grants of one person, ready to be asked. The union of roles reaches as far as the farthest.
#[derive(Debug, Clone, Default)]
pub struct PermissionSet {
    exact: HashMap<String, Scopes>,
    by_resource: HashMap<String, Scopes>,
    by_action: HashMap<String, Scopes>,
    everything: Option<Scopes>,
}

impl PermissionSet {
    /// The union of `grants`. No grant, no right.
    #[must_use]
    pub fn new<'g>(grants: impl IntoIterator<Item = &'g Grant>) -> Self {
        let mut set = Self::default();
        for grant in grants {
            let bit = grant.scope.bit();
            let add = |map: &mut HashMap<String, Scopes>, key: &str| {
                map.entry(key.to_owned()).or_insert(Scopes(0)).0 |= bit;
            };
            match grant.permission.split_once('.') {
                Some(("*", "*")) | None => {
                    set.everything = Some(Scopes(set.everything.map_or(0, |s| s.0) | bit));
                }
                Some((resource, "*")) => add(&mut set.by_resource, resource),
                Some(("*", action)) => add(&mut set.by_action, action),
                Some(_) => add(&mut set.exact, &grant.permission),
            }
        }
        set
    }

    /// The scopes under which `permission` is granted, or `None`.
    #[must_use]
    pub fn scopes(&self, permission: &str) -> Option<Scopes> {
        let mut bits = self.everything.map_or(0, |s| s.0);
        if bits & Scope::All.bit() != 0 {
            return Some(Scopes(bits));
        }
        bits |= self.exact.get(permission).map_or(0, |s| s.0);
        if let Some((resource, action)) = permission.split_once('.') {
            if !self.by_resource.is_empty() {
                bits |= self.by_resource.get(resource).map_or(0, |s| s.0);
            }
            if !self.by_action.is_empty() {
                bits |= self.by_action.get(action).map_or(0, |s| s.0);
            }
        }
        (bits != 0).then_some(Scopes(bits))
    }

    /// The scopes of `permission`, or the refusal to answer with.
    pub fn require(&self, permission: &str) -> Result<Scopes> {
        self.scopes(permission)
            .ok_or_else(|| Error::Forbidden { permission: permission.to_owned().into() })
    }

    /// Whether whoever holds this set holds everything `grant` gives: nobody hands out more than
    /// they have.
    #[must_use]
    pub fn covers(&self, grant: &Grant) -> bool {
        let reaches = |s: Option<Scopes>| s.is_some_and(|s| s.is_all() || s.has(grant.scope));
        if reaches(self.everything) {
            return true;
        }
        match grant.permission.split_once('.') {
            None | Some(("*", "*")) => false,
            Some((resource, "*")) => reaches(self.by_resource.get(resource).copied()),
            Some(("*", action)) => reaches(self.by_action.get(action).copied()),
            Some(_) => reaches(self.scopes(&grant.permission)),
        }
    }
}

/// Compiles scopes to the one condition that is used for lists *and* for single records.
///
/// A record type without the column a scope needs is out of that scope's reach.
#[must_use]
pub fn scope_predicate(
    scopes: Scopes,
    schema: &Schema,
    person: Option<UserId>,
    locations: &[LocationId],
) -> Predicate {
    if scopes.is_all() {
        return Predicate::All;
    }
    let mut any = Vec::new();
    if scopes.has(Scope::Location)
        && let Some(column) = schema.location
        && !locations.is_empty()
    {
        any.push(Predicate::Within(column, locations.iter().map(|l| l.uuid()).collect()));
    }
    if scopes.has(Scope::Own)
        && let Some(person) = person
    {
        any.push(Predicate::Equals(schema.owner.unwrap_or("created_by"), Value::Id(person.uuid())));
    }
    match any.len() {
        0 => Predicate::None,
        1 => any.remove(0),
        _ => Predicate::Or(any),
    }
}
