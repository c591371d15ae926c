//! A tenant's identity, plan and standing. Standing is computed from timestamps at each request;
//! no job has to run for a trial to end.

use crate::error::{Error, Result};
use crate::ids::TenantId;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Days a trial lasts.
pub const TRIAL_DAYS: i64 = 30;

/// Words that can never be a tenant's name in a path, because the API uses them itself.
pub const RESERVED_SLUGS: &[&str] = &[
    "admin", "api", "app", "auth", "docs", "health", "internal", "login", "metrics", "openapi",
    "platform", "root", "static", "status", "support", "system", "trials", "v1", "vivero", "www",
];

/// A tenant's name in paths: 3 to 40 of `a-z`, `0-9` and inner single `-`, not reserved.
///
/// ```
/// use vivero_core::Slug;
/// assert!("acme-plants".parse::<Slug>().is_ok());
/// assert!("platform".parse::<Slug>().is_err());
/// assert_eq!(Slug::suggest("Baumschule Müller & Söhne").unwrap().as_str(), "baumschule-muller-sohne");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Slug(String);

impl Slug {
    /// As in paths.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// A slug made from an organisation's name, or `None` if too little of it can be kept.
    #[must_use]
    pub fn suggest(organization: &str) -> Option<Self> {
        let mut slug = String::new();
        for c in organization.chars().flat_map(char::to_lowercase) {
            match plain(c) {
                Some(text) => slug.push_str(text),
                None if c.is_ascii_alphanumeric() => slug.push(c),
                None if !slug.ends_with('-') && !slug.is_empty() => slug.push('-'),
                None => {}
            }
            if slug.len() >= 36 {
                break;
            }
        }
        slug.truncate(36);
        slug.trim_end_matches('-').parse().ok()
    }
    /// The same slug with a number, for when it is taken.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Option<Self> {
        format!("{}-{number}", self.0).parse().ok()
    }
}

/// European letters without their marks.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'è' | 'é' | 'ê' | 'ë' | 'ę' | 'ě' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ő' => "o",
        'œ' => "oe",
        'ř' => "r",
        'ß' => "ss",
        'ś' | 'š' => "s",
        'ù' | 'ú' | 'û' | 'ü' | 'ů' | 'ű' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

impl FromStr for Slug {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let fits = (3..=40).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
            && !text.contains("--");
        if !fits {
            let rule = "must have 3 to 40 of a-z, 0-9 and single - inside";
            return Err(Error::invalid("slug", "slug", rule));
        }
        if RESERVED_SLUGS.contains(&text) {
            return Err(Error::invalid("slug", "reserved", "is a reserved word"));
        }
        Ok(Self(text.to_owned()))
    }
}
impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

crate::text_enum! {
    /// What is recorded of a tenant's life. Whether it may work *now* is [`Tenant::standing`].
    pub enum TenantState {
        /// Its database is being made.
        Provisioning = "provisioning",
        /// In use.
        Active = "active",
        /// Its database is being made by an operation: a clone, an import.
        Loading = "loading",
        /// Stopped by the operator; nothing is lost.
        Suspended = "suspended",
        /// Out of service: everything is in an archive, from which it can be brought back.
        Archived = "archived",
        /// To be removed when its grace is over; until then it can be resumed.
        Deleting = "deleting",
        /// Ended.
        Closed = "closed",
    }
}

impl TenantState {
    /// The states this one can go to.
    #[must_use]
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Provisioning => &[Self::Active, Self::Closed],
            Self::Active => &[Self::Suspended, Self::Closed],
            Self::Suspended => &[Self::Active, Self::Closed],
            // Operations on whole tenants lead to these and from them.
            Self::Loading | Self::Archived => &[],
            Self::Deleting => &[Self::Active],
            Self::Closed => &[],
        }
    }
}

/// What a tenant pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Plan {
    /// Free until an instant.
    Trial {
        /// First instant at which the trial is over.
        ends_at: DateTime<Utc>,
    },
    /// Under contract.
    Contract,
}

impl Plan {
    /// A trial that starts now.
    #[must_use]
    pub fn trial(now: DateTime<Utc>) -> Self {
        Self::Trial { ends_at: now + Duration::days(TRIAL_DAYS) }
    }
}

/// What a tenant's people may do at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Everything their roles allow.
    Full,
    /// Read only: the trial is over, the data waits.
    ReadOnly,
    /// Nothing.
    Blocked(&'static str),
}

/// A tenant as the registry knows it. It holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Identity; never reused.
    pub id: TenantId,
    /// Name in paths.
    pub slug: Slug,
    /// Name of the organisation.
    pub organization: String,
    /// What it grows.
    pub operation_type: OperationType,
    /// Recorded state.
    pub state: TenantState,
    /// What it pays for.
    pub plan: Plan,
    /// Grows when the database is replaced (restore, move): a stale handle is refused.
    pub generation: i64,
    /// Schema version its database has.
    pub schema_version: i64,
    /// Grows with each change of this registry row.
    pub version: i64,
    /// When it signed up.
    pub created_at: DateTime<Utc>,
    /// Whether it is a copy that must not act on the world: no mail, no webhooks, no jobs.
    pub neutral: bool,
}

/// A change of a tenant on record in the registry: made, suspended, resumed, moved, to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantEvent {
    /// The tenant's version from then on.
    pub version: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// The state it had from then on.
    pub state: TenantState,
    /// The generation of its database from then on.
    pub generation: i64,
    /// The operation it was part of; none for suspending, resuming and making.
    pub operation: Option<uuid::Uuid>,
}

impl Tenant {
    /// What its people may do at `now`.
    #[must_use]
    pub fn standing(&self, now: DateTime<Utc>) -> Standing {
        match (self.state, self.plan) {
            (TenantState::Provisioning, _) => Standing::Blocked("provisioning"),
            (TenantState::Loading, _) => Standing::Blocked("loading"),
            (TenantState::Suspended, _) => Standing::Blocked("suspended"),
            (TenantState::Archived, _) => Standing::Blocked("archived"),
            (TenantState::Deleting, _) => Standing::Blocked("deleting"),
            (TenantState::Closed, _) => Standing::Blocked("closed"),
            (TenantState::Active, Plan::Trial { ends_at }) if now >= ends_at => Standing::ReadOnly,
            (TenantState::Active, _) => Standing::Full,
        }
    }
}

crate::text_enum! {
    /// What an organisation grows; decides nothing but the words of the start.
    pub enum OperationType {
        /// Trees, shrubs, perennials in containers.
        ContainerNursery = "container_nursery",
        /// Trees and shrubs in open ground.
        FieldNursery = "field_nursery",
        /// Young plants for other growers.
        YoungPlants = "young_plants",
        /// Flowering and foliage plants under glass.
        Greenhouse = "greenhouse",
        /// Several of these.
        Mixed = "mixed",
    }
}

/// A tenant to be made.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// Wanted name in paths; made from the organisation when absent.
    pub slug: Option<String>,
    /// Name of the organisation, 1 to 200 characters.
    pub organization: String,
    /// What it grows.
    pub operation_type: OperationType,
    /// Its first person, who becomes Admin.
    pub owner: Owner,
    /// Plan to start with; `None` starts a trial.
    pub plan: Option<Plan>,
    /// Asking again with the same key gives the same tenant.
    pub idempotency_key: Option<String>,
}

impl NewTenant {
    /// A 30-day trial.
    #[must_use]
    pub fn trial(slug: impl Into<String>, owner: Owner) -> Self {
        let slug = slug.into();
        Self {
            organization: slug.clone(),
            slug: Some(slug),
            operation_type: OperationType::Mixed,
            owner,
            plan: None,
            idempotency_key: None,
        }
    }
    /// Sets the organisation's name.
    #[must_use]
    pub fn organization(mut self, name: impl Into<String>) -> Self {
        self.organization = name.into();
        self
    }
}

/// The first person of a tenant.
#[derive(Clone)]
pub struct Owner {
    /// Address to sign in with.
    pub email: String,
    /// Full name.
    pub name: String,
    /// Password, 8 to 128 characters.
    pub password: String,
}

impl Owner {
    /// An owner whose name is the address until they change it.
    #[must_use]
    pub fn new(email: impl Into<String>, password: impl Into<String>) -> Self {
        let email = email.into();
        Self { name: email.clone(), email, password: password.into() }
    }
}
impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").field("email", &self.email).finish_non_exhaustive()
    }
}
