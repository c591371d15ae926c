//! What a signed-in person does about their own sign-ins and password.

use super::auth::{WRONG, own_words};
use super::guess;
use super::session::TenantSession;
use super::work::UnitOfWork;
use super::write::How;
use crate::error::{Check, Error, Result};
use crate::ids::{SessionId, UserId};
use crate::password;
use crate::query::{Deleted, Predicate, Query};
use crate::record::{Record, Stored};
use crate::user::{Credential, Session};
use crate::value::Value;

impl TenantSession {
    /// Ends this sign-in; its tokens are refused from the next request on.
    pub async fn sign_out(&self) -> Result<()> {
        match self.session_id() {
            Some(id) => self.end_session(id).await,
            None => Ok(()),
        }
    }

    /// The person's live sign-ins, newest first.
    pub async fn my_sessions(&self) -> Result<Vec<Stored<Session>>> {
        let Some((user, _)) = self.person() else { return Ok(Vec::new()) };
        let mut rows = self.store().read().await?;
        let query = Query::new(Predicate::Equals("user_id", Value::Id(user.uuid())), 1000);
        let now = self.now();
        let rows = rows.list(Session::SCHEMA, &query).await?;
        let sessions: Result<Vec<_>> = rows.into_iter().map(Stored::<Session>::from_row).collect();
        Ok(sessions?.into_iter().filter(|s| s.revoked_at.is_none() && now < s.ends_at).collect())
    }

    /// Ends one of the person's sign-ins.
    pub async fn end_session(&self, id: SessionId) -> Result<()> {
        let Some((user, _)) = self.person() else { return Err(Error::not_found("session")) };
        let mut work = UnitOfWork::new(self.clone(), self.store().begin().await?);
        work.end_one(user, id, "signed out").await?;
        work.commit().await
    }

    /// Changes the person's password after checking the old one; their other sign-ins end.
    pub async fn change_password(&self, old: &str, new: &str) -> Result<()> {
        let Some((user_id, this)) = self.person() else { return Err(Error::not_found("user")) };
        let user = self.user().map(|u| u.record.clone()).ok_or_else(|| Error::not_found("user"))?;
        let vivero = self.vivero();
        let now = self.now();
        guess::admit(&**vivero.shared(), &self.tenant().slug, &user.email).await?;
        let mut rows = self.store().read().await?;
        let query = Query::new(Predicate::Equals("user_id", Value::Id(user_id.uuid())), 1);
        let row = rows.list(Credential::SCHEMA, &query).await?.pop().ok_or(WRONG)?;
        drop(rows);
        let credential = Stored::<Credential>::from_row(row)?;
        let parts = &vivero.inner.parts;
        if !parts.passwords.verify(old, credential.password_hash.as_deref()).await? {
            guess::missed(&**vivero.shared(), &self.tenant().slug, &user.email).await;
            return Err(Error::invalid("old_password", "matches", "is not the current password"));
        }
        let mut check = Check::new();
        password::check(&mut check, "new_password", new, &own_words(&user));
        check.done()?;
        let hash = parts.passwords.hash(new, &*parts.ids).await?;
        let mut work = UnitOfWork::new(self.clone(), self.store().begin().await?);
        work.change_unchecked(
            credential.id.uuid(),
            How::command("change_password", None),
            |c: &mut Credential| {
                c.password_hash = Some(hash);
                c.changed_at = Some(now);
            },
        )
        .await?;
        for session in self.my_sessions().await? {
            if session.id != this {
                work.end_one(user_id, session.id, "password changed").await?;
            }
        }
        work.commit().await
    }
}

impl UnitOfWork {
    async fn end_one(&mut self, user: UserId, id: SessionId, why: &str) -> Result<()> {
        let own = Predicate::Equals("user_id", Value::Id(user.uuid()));
        let found = self.work.find(Session::SCHEMA, id.uuid(), &own, Deleted::Hidden).await?;
        let found = Stored::<Session>::from_row(found.ok_or_else(|| Error::not_found("session"))?)?;
        if found.revoked_at.is_some() {
            return Ok(());
        }
        let now = self.session.now();
        self.change_unchecked(id.uuid(), How::command("end", None), |s: &mut Session| {
            s.revoked_at = Some(now);
            s.revoked_for = Some(why.into());
        })
        .await?;
        Ok(())
    }
}
