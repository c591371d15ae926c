//! Signing in, staying signed in, signing out.

use super::guess;
use super::principal::Principal;
use super::session::TenantSession;
use super::users::INVITATION_PREFIX;
use super::work::UnitOfWork;
use super::write::How;
use super::{RequestContext, Vivero};
use crate::error::{Check, Error, Result};
use crate::ids::{SessionId, TenantId, UserId};
use crate::journal::{Actor, Changes, Entry};
use crate::password;
use crate::query::{Deleted, Predicate, Query};
use crate::record::{Record, Schema, Stored};
use crate::shared::Topic;
use crate::tenant::{Slug, Standing, Tenant};
use crate::token::{ACCESS_SECONDS, Rotation, TokenPair, Tokens, rotation_rule, secret_hash};
use crate::user::{Credential, Role, Session, User, UserStatus};
use crate::value::Value;
use std::fmt;
use std::sync::Arc;

/// An address and a password.
#[derive(Clone)]
pub struct Password {
    email: String,
    secret: String,
}

impl Password {
    /// What a person typed.
    #[must_use]
    pub fn new(email: impl AsRef<str>, secret: impl Into<String>) -> Self {
        Self { email: email.as_ref().trim().to_lowercase(), secret: secret.into() }
    }
}
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Password").finish_non_exhaustive()
    }
}

/// The outcome of a sign-in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The handle.
    pub session: TenantSession,
    /// What an HTTP client keeps.
    pub tokens: TokenPair,
}

pub(super) const WRONG: Error = Error::Unauthenticated { reason: "credentials" };
const TOKEN: Error = Error::Unauthenticated { reason: "token" };

impl Vivero {
    /// Opens a tenant for a person: the only door besides [`Vivero::resume`] and [`Vivero::job`].
    pub async fn sign_in(&self, slug: &str, password: Password) -> Result<TenantSession> {
        Ok(self.log_in(slug, password, None, RequestContext::default()).await?.session)
    }

    /// Signs a person in and hands out tokens.
    ///
    /// Unknown tenant, unknown address, wrong password and disabled person look the same and take
    /// the same time.
    pub async fn log_in(
        &self,
        slug: &str,
        password: Password,
        user_agent: Option<String>,
        context: RequestContext,
    ) -> Result<SignedIn> {
        let now = self.now();
        let passwords = &self.inner.parts.passwords;
        let Ok(slug) = slug.parse::<Slug>() else {
            passwords.verify(&password.secret, None).await?;
            return Err(WRONG);
        };
        guess::admit(&**self.shared(), &slug, &password.email).await?;
        let found = self.candidate(&slug, &password.email).await?;
        let hash = found.as_ref().and_then(|c| c.hash.as_deref());
        let fits = passwords.verify(&password.secret, hash).await?;
        match found {
            Some(candidate) if fits => {
                guess::hit(&**self.shared(), &slug, &password.email).await;
                if let Standing::Blocked(standing) = candidate.tenant.standing(now) {
                    return Err(Error::TenantStanding { standing });
                }
                self.start_session(&candidate.tenant, candidate.user, user_agent, context).await
            }
            found => {
                guess::missed(&**self.shared(), &slug, &password.email).await;
                if let Some(candidate) = found {
                    self.note_refusal(&candidate, &context).await?;
                } else {
                    tracing::info!(%slug, "sign-in refused");
                }
                Err(WRONG)
            }
        }
    }

    /// The tenant, person and stored hash behind an address, as far as they exist.
    async fn candidate(&self, slug: &Slug, email: &str) -> Result<Option<Candidate>> {
        let Some(tenant) = self.tenant(slug).await? else { return Ok(None) };
        let no_database = ["provisioning", "loading", "archived", "closed"];
        if matches!(tenant.standing(self.now()), Standing::Blocked(why) if no_database.contains(&why))
        {
            return Ok(None);
        }
        let store = self.open(&tenant).await?;
        let mut rows = store.read().await?;
        let by = |schema: &'static Schema, column, value| {
            (schema, Query::new(Predicate::Equals(column, value), 1))
        };
        let (schema, query) = by(User::SCHEMA, "email", Value::Text(email.to_owned()));
        let Some(row) = rows.list(schema, &query).await?.pop() else { return Ok(None) };
        let user = Stored::<User>::from_row(row)?;
        let (schema, query) = by(Credential::SCHEMA, "user_id", Value::Id(user.id.uuid()));
        let credential = rows
            .list(schema, &query)
            .await?
            .pop()
            .map(Stored::<Credential>::from_row)
            .transpose()?;
        let active = user.status == UserStatus::Active;
        let hash = credential.and_then(|c| c.record.password_hash).filter(|_| active);
        Ok(Some(Candidate { tenant, user: user.record, hash }))
    }

    /// Starts a session for a person whose credential was just verified.
    pub(super) async fn start_session(
        &self,
        tenant: &Arc<Tenant>,
        user: User,
        user_agent: Option<String>,
        context: RequestContext,
    ) -> Result<SignedIn> {
        let now = self.now();
        let mut seed = vec![0; 32];
        self.ids().fill(&mut seed);
        let id = SessionId::from_uuid(self.ids().id(now));
        let session = Session {
            id,
            user_id: user.id,
            seed: seed.clone(),
            rotation: 0,
            used_at: now,
            ends_at: now + self.inner.parts.session_limits.absolute,
            revoked_at: None,
            revoked_for: None,
            user_agent: user_agent
                .map(|a| a.chars().filter(|c| !c.is_control()).take(200).collect()),
        };
        let user_id = user.id;
        let mut work = self.as_person(tenant, user_id, context.clone()).await?;
        work.add_unchecked(vec![session], "sign_in").await?;
        work.commit().await?;
        let tokens = self.pair(tenant.id, user_id, id, &seed, 0)?;
        let session =
            self.session_for(&tenant.slug, tenant.id, user_id, id).await?.in_context(context);
        Ok(SignedIn { session, tokens })
    }

    /// Opens a tenant for the holder of an access token. `slug`, token and registry must agree;
    /// anything else looks as if the tenant did not exist.
    pub async fn resume(&self, slug: &str, access_token: &str) -> Result<TenantSession> {
        let access = self.inner.parts.tokens.verify(access_token, self.now())?;
        let slug: Slug = slug.parse().map_err(|_| Error::not_found("tenant"))?;
        self.session_for(&slug, access.tenant(), access.user(), access.session()).await
    }

    /// The session of a person whose credential was verified to be for tenant `claimed`.
    pub(super) async fn session_for(
        &self,
        slug: &Slug,
        claimed: TenantId,
        user: UserId,
        session: SessionId,
    ) -> Result<TenantSession> {
        let tenant = self.tenant(slug).await?.filter(|t| t.id == claimed);
        let tenant = tenant.ok_or_else(|| Error::not_found("tenant"))?;
        if let Standing::Blocked(standing) = tenant.standing(self.now()) {
            return Err(Error::TenantStanding { standing });
        }
        let store = self.open(&tenant).await?;
        let version = self.shared().version(&Topic::Access(claimed));
        let key = (claimed, user, session, version);
        let principal = match self.inner.principals.get(&key) {
            Some(principal) => principal,
            None => {
                let principal = Arc::new(Principal::load(&*store, user, session).await?);
                self.inner.principals.insert(key, Arc::clone(&principal));
                principal
            }
        };
        if !principal.is_current(self.now()) {
            return Err(Error::Unauthenticated { reason: "session" });
        }
        Ok(TenantSession::new(self.clone(), tenant, store, principal))
    }

    /// Exchanges a refresh token; see [`crate::token`] for the rule.
    pub async fn refresh(
        &self,
        slug: &str,
        refresh_token: &str,
        context: RequestContext,
    ) -> Result<TokenPair> {
        let claim = Tokens::read_refresh(refresh_token)?;
        let slug: Slug = slug.parse().map_err(|_| Error::not_found("tenant"))?;
        let tenant = self.tenant(&slug).await?.ok_or_else(|| Error::not_found("tenant"))?;
        let now = self.now();
        let store = self.open(&tenant).await?;
        let mut work = store.begin().await?;
        let row = work
            .find(Session::SCHEMA, claim.session.uuid(), &Predicate::All, Deleted::Hidden)
            .await?;
        // A session of another tenant is not in this database: as with every foreign object, 404.
        let row = row.ok_or_else(|| Error::not_found("tenant"))?;
        let session = Stored::<Session>::from_row(row)?;
        if !self.inner.parts.tokens.proves(&claim, tenant.id, &session.seed) {
            return Err(TOKEN);
        }
        if let Standing::Blocked(standing) = tenant.standing(now) {
            return Err(Error::TenantStanding { standing });
        }
        let limits = self.inner.parts.session_limits;
        if session.revoked_at.is_some()
            || now >= session.ends_at
            || now >= session.used_at + limits.idle
        {
            return Err(TOKEN);
        }
        let user = work
            .find(User::SCHEMA, session.user_id.uuid(), &Predicate::All, Deleted::Hidden)
            .await?;
        let user = Stored::<User>::from_row(user.ok_or(TOKEN)?)?;
        if user.status != UserStatus::Active {
            return Err(TOKEN);
        }
        let user_id = user.id;
        let seed = session.seed.clone();
        let rule = rotation_rule(session.rotation, claim.rotation);
        if rule == Rotation::Repeat {
            return self.pair(tenant.id, user_id, claim.session, &seed, session.rotation);
        }
        let handle =
            TenantSession::new(self.clone(), Arc::clone(&tenant), store.clone(), person(user.id))
                .in_context(context);
        let mut work = UnitOfWork::new(handle, work);
        let reused = rule == Rotation::Reused;
        let rotation = session.rotation + i64::from(!reused);
        let how = How::command(if reused { "reuse_detected" } else { "refresh" }, None);
        work.change_unchecked(claim.session.uuid(), how, |s: &mut Session| {
            if reused {
                s.revoked_at = Some(now);
                s.revoked_for = Some("refresh token reused".into());
            } else {
                s.rotation = rotation;
                s.used_at = now;
            }
        })
        .await?;
        work.commit().await?;
        if reused {
            tracing::warn!(tenant = %tenant.slug, session = %claim.session, "refresh token reused; session ended");
            return Err(TOKEN);
        }
        self.pair(tenant.id, user_id, claim.session, &seed, rotation)
    }

    /// Lets an invited person choose their password and signs them in.
    pub async fn accept_invitation(
        &self,
        slug: &str,
        token: &str,
        password: &str,
        context: RequestContext,
    ) -> Result<SignedIn> {
        let refused = || Error::Unauthenticated { reason: "invitation" };
        let slug: Slug = slug.parse().map_err(|_| refused())?;
        let tenant = self.tenant(&slug).await?.ok_or_else(refused)?;
        if let Standing::Blocked(standing) = tenant.standing(self.now()) {
            return Err(Error::TenantStanding { standing });
        }
        if !token.starts_with(INVITATION_PREFIX) || token.len() > 200 {
            return Err(refused());
        }
        let store = self.open(&tenant).await?;
        let mut rows = store.read().await?;
        let query =
            Query::new(Predicate::Equals("invitation_hash", Value::Text(secret_hash(token))), 1);
        let row = rows.list(Credential::SCHEMA, &query).await?.pop().ok_or_else(refused)?;
        let credential = Stored::<Credential>::from_row(row)?;
        let user = rows
            .find(User::SCHEMA, credential.user_id.uuid(), &Predicate::All, Deleted::Hidden)
            .await?;
        let user = Stored::<User>::from_row(user.ok_or_else(refused)?)?.record;
        drop(rows);
        let now = self.now();
        if credential.invitation_ends_at.is_none_or(|ends| now >= ends)
            || user.status != UserStatus::Invited
        {
            return Err(refused());
        }
        let mut check = Check::new();
        password::check(&mut check, "password", password, &own_words(&user));
        check.done()?;
        let parts = &self.inner.parts;
        let hash = parts.passwords.hash(password, &*parts.ids).await?;
        let mut work = self.as_person(&tenant, user.id, context.clone()).await?;
        let changed = work
            .change_unchecked(
                credential.id.uuid(),
                How::command("accept_invitation", None),
                |c: &mut Credential| {
                    c.password_hash = Some(hash);
                    c.invitation_hash = None;
                    c.invitation_ends_at = None;
                    c.changed_at = Some(now);
                },
            )
            .await?;
        if changed.version != credential.version + 1 {
            // Someone accepted it between our look and our change: it was good once only.
            return Err(refused());
        }
        work.change_unchecked(
            user.id.uuid(),
            How::command("accept_invitation", None),
            |u: &mut User| {
                u.status = UserStatus::Active;
            },
        )
        .await?;
        work.commit().await?;
        self.start_session(&tenant, user, None, context).await
    }

    fn pair(
        &self,
        tenant: TenantId,
        user: UserId,
        session: SessionId,
        seed: &[u8],
        rotation: i64,
    ) -> Result<TokenPair> {
        let tokens = &self.inner.parts.tokens;
        Ok(TokenPair {
            access_token: tokens.issue(tenant, user, session, self.now())?,
            refresh_token: tokens.refresh_token(tenant, session, seed, rotation),
            expires_in: ACCESS_SECONDS,
        })
    }

    /// A unit of work on a person's own sign-in, which needs no permission.
    async fn as_person(
        &self,
        tenant: &Arc<Tenant>,
        user: UserId,
        context: RequestContext,
    ) -> Result<UnitOfWork> {
        let store = self.open(tenant).await?;
        let work = store.begin().await?;
        let handle = TenantSession::new(self.clone(), Arc::clone(tenant), store, person(user))
            .in_context(context);
        Ok(UnitOfWork::new(handle, work))
    }

    async fn note_refusal(&self, candidate: &Candidate, context: &RequestContext) -> Result<()> {
        let store = self.open(&candidate.tenant).await?;
        let mut work = store.begin().await?;
        work.journal(vec![Entry {
            at: self.now(),
            actor: Actor::System { reason: "sign-in".into() },
            action: "session.refused".into(),
            resource: "session".into(),
            record_id: candidate.user.id.uuid(),
            version: 1,
            changes: Changes::default(),
            cause: context.cause.clone(),
        }])
        .await?;
        work.commit().await
    }

    pub(super) fn schema(&self, resource: &str) -> Option<&'static Schema> {
        let own = [
            crate::entity::Entity::SCHEMA,
            crate::location::Location::SCHEMA,
            crate::files::File::SCHEMA,
            User::SCHEMA,
            Role::SCHEMA,
        ];
        own.into_iter()
            .chain(self.inner.parts.records.iter().copied())
            .find(|s| s.resource == resource)
    }
}

struct Candidate {
    tenant: Arc<Tenant>,
    user: User,
    hash: Option<String>,
}

/// A person with no rights but over their own sign-in.
fn person(user: UserId) -> Principal {
    let mut principal = Principal::system("");
    principal.actor = Actor::User { id: user };
    principal.permissions = crate::permission::PermissionSet::default();
    principal.grants = Vec::new();
    principal
}

pub(super) fn own_words(user: &User) -> [&str; 3] {
    let local = user.email.split('@').next().unwrap_or_default();
    [local, &user.email, &user.name]
}
