//! People: inviting, editing, disabling. Nobody chooses another person's password.

use super::again::in_one_work;
use super::roles::may_hand_out;
use super::session::TenantSession;
use super::work::UnitOfWork;
use super::write::How;
use crate::error::{Error, Result};
use crate::ids::{LocationId, RecordId, RoleId, UserId};
use crate::journal::Entry;
use crate::location::Location;
use crate::page::{Page, PageOf};
use crate::query::{Deleted, Filter, Predicate};
use crate::record::{Record as _, Stored};
use crate::token::{random_secret, secret_hash};
use crate::user::{Credential, List, Role, StoredUser, User, UserStatus};
use chrono::{DateTime, Duration, Utc};
use std::fmt;

/// Days an invitation is good for.
pub const INVITATION_DAYS: i64 = 7;
/// What every invitation token begins with.
pub const INVITATION_PREFIX: &str = "vin_";

/// A person to be invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Address to sign in with.
    pub email: String,
    /// Full name.
    pub name: String,
    /// What the person may do.
    pub roles: Vec<RoleId>,
    /// Where, for permissions with the scope `location`.
    pub locations: Vec<LocationId>,
}

/// What lets an invited person choose a password; shown once.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Single use.
    pub token: String,
    /// First instant at which it is void.
    pub ends_at: DateTime<Utc>,
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitation").field("ends_at", &self.ends_at).finish_non_exhaustive()
    }
}

/// The fields of a person that an edit may change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserPatch {
    /// See [`NewUser::email`].
    pub email: Option<String>,
    /// See [`NewUser::name`].
    pub name: Option<String>,
    /// Active or disabled.
    pub status: Option<UserStatus>,
    /// See [`NewUser::roles`].
    pub roles: Option<Vec<RoleId>>,
    /// See [`NewUser::locations`].
    pub locations: Option<Vec<LocationId>>,
}

/// People of one tenant.
#[derive(Debug)]
pub struct Users<'s> {
    pub(super) session: &'s TenantSession,
}

impl Users<'_> {
    /// One page of people.
    pub async fn list(&self, filter: Filter, page: Page) -> Result<PageOf<StoredUser>> {
        self.session.repository::<User>().list(filter, page).await
    }
    /// The person, if they are there.
    pub async fn find(&self, id: UserId) -> Result<Option<StoredUser>> {
        self.session.repository::<User>().find_by_id(id).await
    }
    /// Changes of one person, newest first.
    pub async fn history(
        &self,
        id: UserId,
        before_version: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        self.session.repository::<User>().history(id, before_version, limit).await
    }
    /// Invites a person.
    pub async fn create(&self, new: NewUser) -> Result<(StoredUser, Invitation)> {
        in_one_work!(self.session, |work| work.create_user(new.clone()).await?)
    }
    /// Gives a person who was invited a new invitation; the old one is void.
    pub async fn invite_again(&self, id: UserId) -> Result<Invitation> {
        in_one_work!(self.session, |work| work.invite_again(id).await?)
    }
    /// Edits a person. The last active Admin stays one.
    pub async fn update(
        &self,
        id: UserId,
        expected_version: i64,
        patch: UserPatch,
    ) -> Result<StoredUser> {
        in_one_work!(self.session, |work| {
            let (row, _) = work.fetch::<User>(id.uuid(), "update", Deleted::Hidden).await?;
            let old = Stored::<User>::from_row(row)?;
            work.may_govern(&old).await?;
            if let Some(roles) = &patch.roles {
                work.check_roles(roles).await?;
            }
            if let Some(locations) = &patch.locations {
                work.check_locations(locations).await?;
            }
            match patch.status {
                Some(UserStatus::Invited) if old.status != UserStatus::Invited => {
                    return Err(Error::invalid(
                        "status",
                        "known_status",
                        "must be active or disabled",
                    ));
                }
                Some(UserStatus::Active) if work.password_of(id).await?.is_none() => {
                    return Err(Error::invalid(
                        "status",
                        "has_password",
                        "is active once the invitation is accepted",
                    ));
                }
                _ => {}
            }
            let edit = |user: &mut User| {
                if let Some(email) = &patch.email {
                    user.email = email.trim().to_lowercase();
                }
                if let Some(name) = &patch.name {
                    name.trim().clone_into(&mut user.name);
                }
                if let Some(status) = patch.status {
                    user.status = status;
                }
                if let Some(roles) = patch.roles.clone() {
                    user.roles = List(roles);
                }
                if let Some(locations) = patch.locations.clone() {
                    user.locations = List(locations);
                }
                Ok(())
            };
            let stored =
                work.change(id.uuid(), Some(expected_version), How::edit("update"), edit).await?;
            work.keep_an_admin().await?;
            stored
        })
    }
    /// Deletes a person in such a way that they can be recovered; their sessions end.
    pub async fn soft_delete(
        &self,
        id: UserId,
        expected_version: Option<i64>,
    ) -> Result<StoredUser> {
        in_one_work!(self.session, |work| {
            let (row, _) = work.fetch::<User>(id.uuid(), "delete", Deleted::Hidden).await?;
            work.may_govern(&Stored::<User>::from_row(row)?.record).await?;
            let stored = work.set_deleted(id.uuid(), expected_version, true).await?;
            work.keep_an_admin().await?;
            stored
        })
    }
    /// Brings a deleted person back.
    pub async fn recover_by_id(&self, id: UserId) -> Result<StoredUser> {
        in_one_work!(self.session, |work| work.recover_user(id).await?)
    }
}

impl UnitOfWork {
    /// Invites a person, within this unit of work.
    pub async fn create_user(&mut self, new: NewUser) -> Result<(StoredUser, Invitation)> {
        self.session.require("user.create")?;
        self.check_roles(&new.roles).await?;
        self.check_locations(&new.locations).await?;
        let now = self.session.now();
        let vivero = self.session.vivero().clone();
        let user = User {
            id: UserId::from_uuid(vivero.ids().id(now)),
            email: new.email.trim().to_lowercase(),
            name: new.name.trim().to_owned(),
            status: UserStatus::Invited,
            roles: List(new.roles),
            locations: List(new.locations),
        };
        let id = user.id;
        let mut stored = self.add(vec![user], "create").await?;
        let token = random_secret(vivero.ids(), INVITATION_PREFIX);
        let ends_at = now + Duration::days(INVITATION_DAYS);
        let credential = Credential {
            id: RecordId::unset(),
            user_id: id,
            password_hash: None,
            invitation_hash: Some(secret_hash(&token)),
            invitation_ends_at: Some(ends_at),
            changed_at: None,
        };
        self.add_unchecked(vec![credential], "create").await?;
        let stored = stored.pop().ok_or_else(|| Error::corrupt("a created user is missing"))?;
        Ok((stored, Invitation { token, ends_at }))
    }

    /// Gives a person who was invited a new invitation, within this unit of work.
    pub async fn invite_again(&mut self, id: UserId) -> Result<Invitation> {
        let (row, _) = self.fetch::<User>(id.uuid(), "create", Deleted::Hidden).await?;
        let user = Stored::<User>::from_row(row)?.record;
        self.may_govern(&user).await?;
        if user.status != UserStatus::Invited {
            let message = format!(
                "{} is {}; only people who are invited can be invited again",
                user.email, user.status
            );
            return Err(Error::Illegal { code: "user_not_invited", message });
        }
        let credential =
            self.by_column::<Credential>("user_id", crate::Value::Id(id.uuid())).await?;
        let credential =
            credential.ok_or_else(|| Error::corrupt("an invited person has no credential"))?;
        let token = random_secret(self.session.vivero().ids(), INVITATION_PREFIX);
        let ends_at = self.session.now() + Duration::days(INVITATION_DAYS);
        let hash = secret_hash(&token);
        self.change_unchecked(
            credential.id.uuid(),
            How::command("invite_again", None),
            |c: &mut Credential| {
                c.invitation_hash = Some(hash);
                c.invitation_ends_at = Some(ends_at);
            },
        )
        .await?;
        Ok(Invitation { token, ends_at })
    }

    /// Brings a deleted person back, within this unit of work.
    pub async fn recover_user(&mut self, id: UserId) -> Result<StoredUser> {
        let (row, _) = self.fetch::<User>(id.uuid(), "recover", Deleted::Only).await?;
        self.may_govern(&Stored::<User>::from_row(row)?.record).await?;
        self.set_deleted(id.uuid(), None, false).await
    }

    /// Roles must be there, and nobody hands out more than they have.
    async fn check_roles(&mut self, roles: &[RoleId]) -> Result<()> {
        for (i, id) in roles.iter().enumerate() {
            let field = format!("roles.{i}");
            let role = self.referenced::<Role>(&field, id.uuid(), &Predicate::All).await?;
            may_hand_out(&self.session, &field, &role.grants.0)?;
        }
        Ok(())
    }

    async fn check_locations(&mut self, locations: &[LocationId]) -> Result<()> {
        for (i, id) in locations.iter().enumerate() {
            self.referenced::<Location>(&format!("locations.{i}"), id.uuid(), &Predicate::All)
                .await?;
        }
        Ok(())
    }

    /// Nobody edits a person who may do more than they themselves.
    async fn may_govern(&mut self, user: &User) -> Result<()> {
        for id in &user.roles.0 {
            if let Some(row) =
                self.work.find(Role::SCHEMA, id.uuid(), &Predicate::All, Deleted::Hidden).await?
            {
                let role = Stored::<Role>::from_row(row)?;
                if role.grants.0.iter().any(|g| !self.session.principal().permissions.covers(g)) {
                    return Err(Error::Forbidden {
                        permission: format!("everything {} may do", role.name).into(),
                    });
                }
            }
        }
        Ok(())
    }

    async fn password_of(&mut self, user: UserId) -> Result<Option<String>> {
        let credential =
            self.by_column::<Credential>("user_id", crate::Value::Id(user.uuid())).await?;
        Ok(credential.and_then(|c| c.record.password_hash))
    }

    /// Someone must be left who may do everything, or the tenant could never be governed again.
    async fn keep_an_admin(&mut self) -> Result<()> {
        let admin = self.by_column::<Role>("name", crate::Value::Text("Admin".into())).await?;
        let Some(admin) = admin else { return Ok(()) };
        let left = self.people().await?;
        if left.iter().any(|u| u.status == UserStatus::Active && u.roles.0.contains(&admin.id)) {
            return Ok(());
        }
        let message = "at least one active person must be Admin".to_owned();
        Err(Error::Illegal { code: "last_admin", message })
    }
}
