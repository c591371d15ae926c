//! What must be said when something is made; the rest is added with `..`:
//! `EntityIn { unit: Some(Unit::Tray), ..EntityIn::new(code, name, kind, quantity) }`.

use crate::{
    EntityIn, EntityType, LocationIn, LocationKind, OperationIn, OperationKind, RoleIn, Secret,
    Stage, Status, TenantIn, TransitionIn, TrialIn, UserIn,
};
use serde_json::Map;

impl EntityIn {
    /// An entity with what it must have.
    #[must_use]
    pub fn new(
        code: impl Into<String>,
        name: impl Into<String>,
        kind: EntityType,
        quantity: i64,
    ) -> Self {
        Self {
            attributes: Map::new(),
            batch_number: None,
            code: code.into(),
            location_id: None,
            name: name.into(),
            quality_grade: None,
            quantity,
            ready_on: None,
            stage: None,
            started_on: None,
            supplier_reference: None,
            type_: kind,
            unit: None,
        }
    }
}

impl OperationIn {
    /// An operation on a tenant, with nothing said of how.
    #[must_use]
    pub const fn new(kind: OperationKind) -> Self {
        Self {
            archive: None,
            confirm: None,
            grace_days: None,
            keep: None,
            keep_days: None,
            kind,
            replace: None,
            source: None,
            store: None,
            to: None,
        }
    }
}

impl TransitionIn {
    /// A step to another status.
    #[must_use]
    pub fn to(status: Status) -> Self {
        Self { status: Some(status), ..Self::default() }
    }
    /// A step to another stage.
    #[must_use]
    pub fn grown_to(stage: Stage) -> Self {
        Self { stage: Some(stage), ..Self::default() }
    }
    /// Pieces gained (+) or lost (−).
    #[must_use]
    pub fn counted(change: i64) -> Self {
        Self { quantity_change: Some(change), ..Self::default() }
    }
    /// The same with a reason; a hold, a destruction, a step back and a loss need one.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

impl LocationIn {
    /// A site, which lies in no other place.
    #[must_use]
    pub fn new(kind: LocationKind, code: impl Into<String>, name: impl Into<String>) -> Self {
        Self { area_dm2: None, code: code.into(), kind, name: name.into(), parent_id: None }
    }
}

impl UserIn {
    /// A person without roles.
    #[must_use]
    pub fn new(email: impl Into<String>, name: impl Into<String>) -> Self {
        Self { email: email.into(), locations: Vec::new(), name: name.into(), roles: Vec::new() }
    }
}

impl RoleIn {
    /// A role that allows `grants`: `entity.read`, `entity.update@location` …
    #[must_use]
    pub fn new<G: Into<String>>(
        name: impl Into<String>,
        grants: impl IntoIterator<Item = G>,
    ) -> Self {
        let grants = grants.into_iter().map(Into::into).collect();
        Self { description: None, grants, name: name.into() }
    }
}

impl TrialIn {
    /// An organisation and its first person.
    #[must_use]
    pub fn new(
        organization: impl Into<String>,
        email: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Self {
        Self {
            email: email.into(),
            name: None,
            operation_type: None,
            organization: organization.into(),
            password: password.into(),
            slug: None,
        }
    }
}

impl TenantIn {
    /// An organisation under contract and its first person.
    #[must_use]
    pub fn new(
        organization: impl Into<String>,
        email: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Self {
        Self {
            email: email.into(),
            name: None,
            operation_type: None,
            organization: organization.into(),
            password: password.into(),
            plan: None,
            slug: None,
        }
    }
}
