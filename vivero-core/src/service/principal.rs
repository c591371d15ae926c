//! Who is asking, with everything a permission check needs.

use crate::error::{Error, Result};
use crate::ids::{LocationId, SessionId, UserId};
use crate::journal::Actor;
use crate::permission::{Grant, PermissionSet, scope_predicate};
use crate::port::TenantStore;
use crate::query::{Deleted, Predicate};
use crate::record::{Record as _, Schema, Stored};
use crate::user::{Role, Session, User, UserStatus};
use chrono::{DateTime, Utc};

/// Who is asking, as of the moment their state was read.
#[derive(Debug)]
pub struct Principal {
    pub(super) actor: Actor,
    pub(super) permissions: PermissionSet,
    pub(super) locations: Vec<LocationId>,
    pub(super) user: Option<Stored<User>>,
    pub(super) role_names: Vec<String>,
    pub(super) grants: Vec<Grant>,
    pub(super) session: Option<SessionId>,
    session_ends_at: Option<DateTime<Utc>>,
}

impl Principal {
    pub(super) fn system(reason: &str) -> Self {
        let grants = vec![Grant::all("*")];
        Self {
            actor: Actor::System { reason: reason.into() },
            permissions: PermissionSet::new(&grants),
            locations: Vec::new(),
            user: None,
            role_names: Vec::new(),
            grants,
            session: None,
            session_ends_at: None,
        }
    }

    /// Reads person, roles and session; refuses whoever may not be signed in.
    pub(super) async fn load(
        store: &dyn TenantStore,
        user: UserId,
        session: SessionId,
    ) -> Result<Self> {
        const GONE: Error = Error::Unauthenticated { reason: "session" };
        let mut rows = store.read().await?;
        let found =
            rows.find(Session::SCHEMA, session.uuid(), &Predicate::All, Deleted::Hidden).await?;
        let session_row = Stored::<Session>::from_row(found.ok_or(GONE)?)?;
        if session_row.user_id != user || session_row.revoked_at.is_some() {
            return Err(GONE);
        }
        let found = rows.find(User::SCHEMA, user.uuid(), &Predicate::All, Deleted::Hidden).await?;
        let user_row = Stored::<User>::from_row(found.ok_or(GONE)?)?;
        if user_row.status != UserStatus::Active {
            return Err(GONE);
        }
        let mut grants = Vec::new();
        let mut role_names = Vec::new();
        for id in &user_row.roles.0 {
            if let Some(row) =
                rows.find(Role::SCHEMA, id.uuid(), &Predicate::All, Deleted::Hidden).await?
            {
                let role = Stored::<Role>::from_row(row)?;
                grants.extend(role.record.grants.0);
                role_names.push(role.record.name);
            }
        }
        Ok(Self {
            actor: Actor::User { id: user },
            permissions: PermissionSet::new(&grants),
            locations: user_row.locations.0.clone(),
            user: Some(user_row),
            role_names,
            grants,
            session: Some(session),
            session_ends_at: Some(session_row.ends_at),
        })
    }

    pub(super) fn is_current(&self, now: DateTime<Utc>) -> bool {
        self.session_ends_at.is_none_or(|ends| now < ends)
    }

    fn user_id(&self) -> Option<UserId> {
        match self.actor {
            Actor::User { id } => Some(id),
            Actor::Platform | Actor::System { .. } => None,
        }
    }

    /// The condition under which `permission` reaches rows of `schema`; the refusal if it is missing.
    pub(super) fn reach(&self, permission: &str, schema: &Schema) -> Result<Predicate> {
        let scopes = self.permissions.require(permission)?;
        Ok(scope_predicate(scopes, schema, self.user_id(), &self.locations))
    }
}
