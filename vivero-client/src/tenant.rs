//! A tenant: its door, and what is behind it.

use crate::audit::Audit;
use crate::connection::{Caller, Connection, check_slug};
use crate::credential::Credential;
use crate::entities::Entities;
use crate::events::EventsRequest;
use crate::files::Files;
use crate::generated::types::{InvitationIn, LoginIn, PasswordIn};
use crate::locations::Locations;
use crate::roles::Roles;
use crate::session::Session;
use crate::users::Users;
use crate::{Dashboard, Error, Me, Result, Secret, Tokens};
use std::sync::Arc;
use uuid::Uuid;

/// The door of a tenant: ways to sign in.
#[derive(Debug, Clone)]
pub struct Entrance {
    caller: Caller,
    slug: String,
}

impl Entrance {
    pub(crate) fn new(connection: Arc<Connection>, slug: &str) -> Self {
        let caller = Caller { connection, credential: Credential::None };
        Self { caller, slug: slug.to_owned() }
    }

    /// Signs a person in.
    ///
    /// Errors: a problem with status 401 for a wrong address or password, or an unknown tenant: they
    /// look the same.
    pub async fn sign_in(
        &self,
        email: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Result<TenantClient> {
        let (slug, body) =
            (check_slug(&self.slug)?, &LoginIn { email: email.into(), password: password.into() });
        let tokens =
            self.caller.once(|api| async move { api.auth_login(slug, None, body).await }).await?;
        self.with_tokens(tokens)
    }

    /// Accepts an invitation: the invited person chooses a password and is signed in.
    pub async fn accept_invitation(
        &self,
        token: impl Into<Secret>,
        password: impl Into<Secret>,
    ) -> Result<TenantClient> {
        let (slug, body) = (
            check_slug(&self.slug)?,
            &InvitationIn { token: token.into(), password: password.into() },
        );
        let tokens = self
            .caller
            .once(|api| async move { api.auth_accept_invitation(slug, None, body).await })
            .await?;
        self.with_tokens(tokens)
    }

    /// Goes on with tokens from a sign-up, or with those a former run of this program kept.
    ///
    /// Errors: [`Error::Request`] if there can be no tenant of that name, or no header can carry the
    /// access token.
    pub fn with_tokens(&self, tokens: Tokens) -> Result<TenantClient> {
        let session = Arc::new(Session::new(check_slug(&self.slug)?, tokens)?);
        let credential = Credential::Session(Arc::clone(&session));
        let connection = Arc::clone(&self.caller.connection);
        Ok(TenantClient { caller: Caller { connection, credential }, session })
    }
}

/// A person's sign-in at a tenant. Clones are cheap and share it.
///
/// The sign-in keeps itself alive: shortly before the access token ends, or when the server refuses
/// it, it is exchanged once for all clones, and the request goes on. When that is refused, this and
/// every later call is [`Error::SignedOut`].
#[derive(Debug, Clone)]
pub struct TenantClient {
    pub(crate) caller: Caller,
    session: Arc<Session>,
}

impl TenantClient {
    /// The tenant's name in paths.
    #[must_use]
    pub fn slug(&self) -> &str {
        self.session.slug()
    }

    /// The tokens held now, to be kept for a later run; `None` once signed out.
    pub async fn tokens(&self) -> Option<Tokens> {
        self.session.tokens().await
    }

    /// Tracked lots of living stock.
    #[must_use]
    pub fn entities(&self) -> Entities<'_> {
        Entities::new(self)
    }
    /// Places where stock stands.
    #[must_use]
    pub fn locations(&self) -> Locations<'_> {
        Locations::new(self)
    }
    /// Files.
    #[must_use]
    pub fn files(&self) -> Files<'_> {
        Files::new(self)
    }
    /// People.
    #[must_use]
    pub fn users(&self) -> Users<'_> {
        Users::new(self)
    }
    /// Named sets of grants.
    #[must_use]
    pub fn roles(&self) -> Roles<'_> {
        Roles::new(self)
    }
    /// The audit trail and its proof.
    #[must_use]
    pub const fn audit(&self) -> Audit<'_> {
        Audit::new(self)
    }
    /// Changes as they happen.
    pub fn events(&self) -> EventsRequest {
        EventsRequest::new(self.clone())
    }

    /// The figures of the start page, a moment behind the last change at most.
    pub async fn dashboard(&self) -> Result<Dashboard> {
        let slug = self.slug();
        self.caller.read(|api| async move { api.dashboard_get(slug).await }).await
    }

    /// Who is signed in, and what they may do.
    pub async fn me(&self) -> Result<Me> {
        let slug = self.slug();
        self.caller.read(|api| async move { api.me_get(slug).await }).await
    }

    /// The person's sign-ins, newest first.
    pub async fn sessions(&self) -> Result<Vec<crate::Session>> {
        let slug = self.slug();
        let list = self.caller.read(|api| async move { api.me_session_list(slug).await }).await?;
        Ok(list.items)
    }

    /// Ends one of the person's sign-ins.
    pub async fn end_session(&self, id: Uuid) -> Result<()> {
        let (slug, id) = (self.slug(), &id);
        self.caller.once(|api| async move { api.me_session_end(slug, id).await }).await
    }

    /// Changes the person's password; their other sign-ins end.
    pub async fn change_password(
        &self,
        old: impl Into<Secret>,
        new: impl Into<Secret>,
    ) -> Result<()> {
        let slug = self.slug();
        let body = &PasswordIn { old_password: old.into(), new_password: new.into() };
        self.caller.once(|api| async move { api.me_password(slug, body).await }).await
    }

    /// Signs out, here and in every clone. Having been signed out already is a success.
    pub async fn sign_out(&self) -> Result<()> {
        let slug = self.slug();
        match self.caller.once(|api| async move { api.auth_logout(slug, None).await }).await {
            Ok(()) | Err(Error::SignedOut) => {
                self.session.forget().await;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
