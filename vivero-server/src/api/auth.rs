//! Signing in, staying signed in, signing out.

use super::Topic;
use crate::access::{Access, Entrance};
use crate::param::IdempotencyKey;
use crate::payload::Body;
use crate::reply::{Answer, Done, Shown};
use crate::wire::auth::{InvitationIn, LoginIn, RefreshIn, TokensOut};
use poem_openapi::OpenApi;
use vivero_core::{Check, Password};

pub(crate) struct Auth;

#[OpenApi(tag = "Topic::Auth")]
impl Auth {
    /// Sign in
    ///
    /// Unknown tenant, unknown address, wrong password and disabled person look the same.
    #[oai(path = "/api/v1/:tenant/auth/login", method = "post", operation_id = "auth_login")]
    async fn login(
        &self,
        tenant: Entrance,
        #[oai(name = "Idempotency-Key")] _key: IdempotencyKey,
        body: Body<LoginIn>,
    ) -> Answer<Shown<TokensOut>> {
        let LoginIn { email, password } = body.value;
        let mut check = Check::new();
        check.text("email", &email, 1, 254);
        bounded(&mut check, "password", &password, 128);
        check.done()?;
        let context = tenant.scope().context();
        let agent = tenant.user_agent.clone();
        let password = Password::new(email, password);
        let signed_in = tenant.vivero().log_in(&tenant.slug, password, agent, context).await?;
        Shown::new(&signed_in.tokens.into())
    }

    /// Exchange a refresh token
    ///
    /// Each token is good once; using an old one again ends the sign-in. Requests that race with the
    /// same token all get the same successor.
    #[oai(path = "/api/v1/:tenant/auth/refresh", method = "post", operation_id = "auth_refresh")]
    async fn refresh(
        &self,
        tenant: Entrance,
        #[oai(name = "Idempotency-Key")] _key: IdempotencyKey,
        body: Body<RefreshIn>,
    ) -> Answer<Shown<TokensOut>> {
        let token = &body.value.refresh_token;
        let mut check = Check::new();
        bounded(&mut check, "refresh_token", token, 500);
        check.done()?;
        let tokens = tenant.vivero().refresh(&tenant.slug, token, tenant.scope().context()).await?;
        Shown::new(&tokens.into())
    }

    /// Accept an invitation
    ///
    /// The invited person chooses a password and is signed in. An invitation is good once.
    #[oai(
        path = "/api/v1/:tenant/auth/invitations",
        method = "post",
        operation_id = "auth_accept_invitation"
    )]
    async fn accept_invitation(
        &self,
        tenant: Entrance,
        #[oai(name = "Idempotency-Key")] _key: IdempotencyKey,
        body: Body<InvitationIn>,
    ) -> Answer<Shown<TokensOut>> {
        let InvitationIn { token, password } = body.value;
        let mut check = Check::new();
        bounded(&mut check, "token", &token, 500);
        check.done()?;
        let context = tenant.scope().context();
        let vivero = tenant.vivero();
        let signed_in = vivero.accept_invitation(&tenant.slug, &token, &password, context).await?;
        Shown::new(&signed_in.tokens.into())
    }

    /// Sign out
    ///
    /// Ends this sign-in: its tokens are refused from the next request on.
    #[oai(path = "/api/v1/:tenant/auth/logout", method = "post", operation_id = "auth_logout")]
    async fn logout(
        &self,
        tenant: Access,
        #[oai(name = "Idempotency-Key")] _key: IdempotencyKey,
    ) -> Answer<Done> {
        tenant.sign_out().await?;
        Ok(Done)
    }
}

/// Secrets may hold any character, but not any number of them.
fn bounded(check: &mut Check, field: &str, secret: &str, max: usize) {
    if secret.is_empty() {
        check.fail(field, "min_length", "must have at least 1 character(s)");
    }
    if secret.len() > max * 4 || secret.chars().count() > max {
        check.fail(field, "max_length", format!("must have at most {max} characters"));
    }
}
