//! Roles: named sets of grants. Nobody hands out more than they have.

use super::again::in_one_work;
use super::session::TenantSession;
use super::work::UnitOfWork;
use super::write::How;
use crate::error::{Error, Result};
use crate::ids::RoleId;
use crate::page::{Page, PageOf};
use crate::permission::Grant;
use crate::query::{Deleted, Filter, Predicate, Query};
use crate::record::{Record as _, Stored};
use crate::user::{List, Role, StoredRole, User};

/// A role to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRole {
    /// Name, unique in the tenant.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it allows.
    pub grants: Vec<Grant>,
}

/// The fields of a role that an edit may change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RolePatch {
    /// See [`NewRole::name`].
    pub name: Option<String>,
    /// See [`NewRole::description`].
    pub description: Option<String>,
    /// See [`NewRole::grants`].
    pub grants: Option<Vec<Grant>>,
}

/// Roles of one tenant.
#[derive(Debug)]
pub struct Roles<'s> {
    pub(super) session: &'s TenantSession,
}

impl Roles<'_> {
    /// One page of roles.
    pub async fn list(&self, filter: Filter, page: Page) -> Result<PageOf<StoredRole>> {
        self.session.repository::<Role>().list(filter, page).await
    }
    /// The role, if it is there.
    pub async fn find(&self, id: RoleId) -> Result<Option<StoredRole>> {
        self.session.repository::<Role>().find_by_id(id).await
    }
    /// Adds a role.
    pub async fn create(&self, new: NewRole) -> Result<StoredRole> {
        in_one_work!(self.session, |work| work.create_role(new.clone()).await?)
    }
    /// Edits a role that vivero did not make.
    pub async fn update(
        &self,
        id: RoleId,
        expected_version: i64,
        patch: RolePatch,
    ) -> Result<StoredRole> {
        in_one_work!(self.session, |work| {
            let (row, _) = work.fetch::<Role>(id.uuid(), "update", Deleted::Hidden).await?;
            let role = Stored::<Role>::from_row(row)?;
            refuse_built_in(&role)?;
            // Taking a grant away needs it as well: otherwise a lesser person could disarm a greater.
            may_hand_out(self.session, "grants", &role.grants.0)?;
            if let Some(grants) = &patch.grants {
                may_hand_out(self.session, "grants", grants)?;
            }
            let edit = |role: &mut Role| {
                if let Some(name) = &patch.name {
                    name.trim().clone_into(&mut role.name);
                }
                if let Some(description) = patch.description.clone() {
                    role.description = description;
                }
                if let Some(grants) = patch.grants.clone() {
                    role.grants = List(grants);
                }
                Ok(())
            };
            work.change(id.uuid(), Some(expected_version), How::edit("update"), edit).await?
        })
    }
    /// Deletes a role that vivero did not make and nobody has.
    pub async fn soft_delete(
        &self,
        id: RoleId,
        expected_version: Option<i64>,
    ) -> Result<StoredRole> {
        in_one_work!(self.session, |work| {
            let (row, _) = work.fetch::<Role>(id.uuid(), "delete", Deleted::Hidden).await?;
            let role = Stored::<Role>::from_row(row)?;
            refuse_built_in(&role)?;
            may_hand_out(self.session, "grants", &role.grants.0)?;
            if work.people().await?.iter().any(|u| u.roles.0.contains(&id)) {
                let message = "people still have this role; take it from them first".to_owned();
                return Err(Error::Illegal { code: "role_in_use", message });
            }
            work.set_deleted(id.uuid(), expected_version, true).await?
        })
    }
}

impl UnitOfWork {
    /// Adds a role, within this unit of work.
    pub async fn create_role(&mut self, new: NewRole) -> Result<StoredRole> {
        self.session.require("role.create")?;
        may_hand_out(&self.session, "grants", &new.grants)?;
        let role = Role {
            id: RoleId::from_uuid(self.session.vivero().ids().id(self.session.now())),
            name: new.name.trim().to_owned(),
            description: new.description,
            grants: List(new.grants),
            built_in: false,
        };
        let mut stored = self.add(vec![role], "create").await?;
        stored.pop().ok_or_else(|| Error::corrupt("a created role is missing"))
    }

    /// Everyone of the tenant who is not deleted.
    pub(super) async fn people(&mut self) -> Result<Vec<Stored<User>>> {
        let mut people = Vec::new();
        let mut query = Query::new(Predicate::All, 1000);
        loop {
            let rows = self.work.list(User::SCHEMA, &query).await?;
            let full = rows.len() == 1000;
            query.after = rows.last().map(|row| crate::page::Cursor {
                sort: query.sort.name(),
                key: crate::Value::Null,
                seq: row.seq,
            });
            for row in rows {
                people.push(Stored::from_row(row)?);
            }
            if !full {
                return Ok(people);
            }
        }
    }
}

fn refuse_built_in(role: &Role) -> Result<()> {
    if role.built_in {
        let message = format!("{} is built in; make a role of your own instead", role.name);
        return Err(Error::Illegal { code: "role_built_in", message });
    }
    Ok(())
}

/// Nobody hands out what they do not have.
pub(super) fn may_hand_out(session: &TenantSession, field: &str, grants: &[Grant]) -> Result<()> {
    match grants.iter().find(|g| !session.principal().permissions.covers(g)) {
        None => Ok(()),
        Some(grant) => Err(Error::invalid(
            field,
            "own_grants",
            format!("{grant} is more than you have yourself"),
        )),
    }
}
