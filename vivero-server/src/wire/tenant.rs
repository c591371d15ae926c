//! Tenants on the wire: sign-up and the operator's view.

use super::{Stamp, Word, present};
use crate::wire::auth::TokensOut;
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vivero_core::port::FleetStats;
use vivero_core::tenant::{OperationType, Plan, TenantEvent, TenantState};
use vivero_core::{NewTenant, Owner, Tenant};

/// A tenant.
#[derive(Debug, Serialize, Object)]
pub(crate) struct TenantOut {
    /// Identity; never reused.
    pub(crate) id: Uuid,
    /// Name in paths.
    pub(crate) slug: String,
    /// Name of the organisation.
    pub(crate) organization: String,
    /// What it grows.
    pub(crate) operation_type: Word<OperationType>,
    /// Recorded state.
    pub(crate) state: Word<TenantState>,
    /// `trial` or `contract`.
    pub(crate) plan: String,
    /// First instant at which the trial is over; absent under contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) trial_ends_at: Option<Stamp>,
    /// Whether it is a copy that must not act on the world: no mail, no webhooks, no jobs.
    pub(crate) neutralised: bool,
    /// Grows with each change; also in `ETag`.
    pub(crate) version: i64,
    /// When it signed up.
    pub(crate) created_at: Stamp,
}

impl From<&Tenant> for TenantOut {
    fn from(tenant: &Tenant) -> Self {
        let (plan, trial_ends_at) = match tenant.plan {
            Plan::Trial { ends_at } => ("trial", Some(Stamp(ends_at))),
            Plan::Contract => ("contract", None),
        };
        Self {
            id: tenant.id.uuid(),
            slug: tenant.slug.to_string(),
            organization: tenant.organization.clone(),
            operation_type: Word(tenant.operation_type),
            state: Word(tenant.state),
            plan: plan.into(),
            trial_ends_at,
            neutralised: tenant.neutral,
            version: tenant.version,
            created_at: Stamp(tenant.created_at),
        }
    }
}

/// A change of a tenant's state or database.
#[derive(Debug, Serialize, Object)]
pub(crate) struct TenantEventOut {
    /// The version of the tenant that it led to.
    pub(crate) version: i64,
    /// When.
    pub(crate) at: Stamp,
    /// The state it led to.
    pub(crate) state: Word<TenantState>,
    /// Which of the tenant's databases was in use from then on: another number is another database.
    pub(crate) generation: i64,
    /// The operation that did it, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) operation: Option<Uuid>,
}

impl From<TenantEvent> for TenantEventOut {
    fn from(event: TenantEvent) -> Self {
        Self {
            version: event.version,
            at: Stamp(event.at),
            state: Word(event.state),
            generation: event.generation,
            operation: event.operation,
        }
    }
}

/// What became of a tenant, newest first.
#[derive(Debug, Serialize, Object)]
pub(crate) struct TenantEventList {
    /// The changes.
    pub(crate) items: Vec<TenantEventOut>,
}

/// Tenants by slug.
#[derive(Debug, Serialize, Object)]
pub(crate) struct TenantList {
    /// The tenants.
    pub(crate) items: Vec<TenantOut>,
    /// Give this as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) next_after: Option<String>,
}

/// An organisation that signs up, with its first person, who becomes Admin.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrialIn {
    /// Name of the organisation.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub(crate) organization: String,
    /// Wanted name in paths; made from the organisation when absent.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(min_length = 3, max_length = 40, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$"))]
    pub(crate) slug: Option<String>,
    /// Address of its first person.
    #[oai(validator(
        min_length = 5,
        max_length = 254,
        pattern = r"^\s*[^\s@\x00-\x1F\x7F-\x9F]{1,64}@[^\s@.\x00-\x1F\x7F-\x9F]+(\.[^\s@.\x00-\x1F\x7F-\x9F]+)+\s*$"
    ))]
    pub(crate) email: String,
    /// Full name of its first person; the address if absent.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(min_length = 1, max_length = 200))]
    pub(crate) name: Option<String>,
    /// Password of its first person.
    #[oai(validator(min_length = 8, max_length = 128))]
    pub(crate) password: String,
    /// What it grows; `mixed` if absent.
    #[serde(default, deserialize_with = "present")]
    pub(crate) operation_type: Option<Word<OperationType>>,
}

impl TrialIn {
    /// The tenant to be made. Passwords are used as typed, other texts without spaces around them.
    pub(crate) fn tenant(self, plan: Option<Plan>, idempotency_key: Option<String>) -> NewTenant {
        let name = self.name.unwrap_or_else(|| self.email.trim().to_owned());
        NewTenant {
            slug: self.slug,
            organization: self.organization,
            operation_type: self.operation_type.map_or(OperationType::Mixed, |w| w.0),
            owner: Owner { email: self.email, name, password: self.password },
            plan,
            idempotency_key,
        }
    }
}

/// A new tenant, already signed in.
#[derive(Serialize, Object)]
pub(crate) struct TrialOut {
    /// The tenant.
    pub(crate) tenant: TenantOut,
    /// Tokens of its first person.
    pub(crate) tokens: TokensOut,
}

/// Which plan a tenant starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, poem_openapi::Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub(crate) enum PlanIn {
    /// 30 days free.
    Trial,
    /// Under contract.
    Contract,
}

/// A tenant an operator makes, with its first person, who becomes Admin.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantIn {
    /// Name of the organisation.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub(crate) organization: String,
    /// Wanted name in paths; made from the organisation when absent.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(min_length = 3, max_length = 40, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$"))]
    pub(crate) slug: Option<String>,
    /// Address of its first person.
    #[oai(validator(
        min_length = 5,
        max_length = 254,
        pattern = r"^\s*[^\s@\x00-\x1F\x7F-\x9F]{1,64}@[^\s@.\x00-\x1F\x7F-\x9F]+(\.[^\s@.\x00-\x1F\x7F-\x9F]+)+\s*$"
    ))]
    pub(crate) email: String,
    /// Full name of its first person; the address if absent.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(min_length = 1, max_length = 200))]
    pub(crate) name: Option<String>,
    /// Password of its first person.
    #[oai(validator(min_length = 8, max_length = 128))]
    pub(crate) password: String,
    /// What it grows; `mixed` if absent.
    #[serde(default, deserialize_with = "present")]
    pub(crate) operation_type: Option<Word<OperationType>>,
    /// Plan to start with; `contract` if absent.
    #[serde(default, deserialize_with = "present")]
    pub(crate) plan: Option<PlanIn>,
}

impl TenantIn {
    /// The tenant to be made.
    pub(crate) fn tenant(self, idempotency_key: Option<String>) -> NewTenant {
        let plan = match self.plan {
            Some(PlanIn::Trial) => None,
            Some(PlanIn::Contract) | None => Some(Plan::Contract),
        };
        let trial = TrialIn {
            organization: self.organization,
            slug: self.slug,
            email: self.email,
            name: self.name,
            password: self.password,
            operation_type: self.operation_type,
        };
        trial.tenant(plan, idempotency_key)
    }
}

/// Figures of the installation.
#[derive(Debug, Serialize, Object)]
pub(crate) struct StatsOut {
    /// Version of the server.
    pub(crate) version: String,
    /// Tenants in the registry.
    pub(crate) tenants: u64,
    /// Tenant databases open now.
    pub(crate) open: u64,
    /// Most that may be open at once.
    pub(crate) max_open: u64,
    /// Databases opened since the start.
    pub(crate) opened: u64,
    /// Idle databases closed to make room.
    pub(crate) evicted: u64,
    /// Requests refused because all were in use.
    pub(crate) refused: u64,
    /// Requests that wait now for a tenant database to be closed.
    pub(crate) waiting: u64,
    /// Milliseconds that requests have waited for that, since the start, in all.
    pub(crate) waited_ms: u64,
}

impl From<FleetStats> for StatsOut {
    fn from(stats: FleetStats) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            tenants: stats.tenants,
            open: stats.open,
            max_open: stats.max_open,
            opened: stats.opened,
            evicted: stats.evicted,
            refused: stats.refused,
            waiting: stats.waiting,
            waited_ms: stats.waited_ms,
        }
    }
}
