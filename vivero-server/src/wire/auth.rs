//! Signing in on the wire. None of these can be printed: they hold secrets.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use vivero_core::token::TokenPair;

/// An address and a password.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginIn {
    /// Address.
    #[oai(validator(min_length = 1, max_length = 254))]
    pub(crate) email: String,
    /// Password.
    #[oai(validator(min_length = 1, max_length = 128))]
    pub(crate) password: String,
}

/// A refresh token to be exchanged.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshIn {
    /// The one the last sign-in or refresh handed out.
    #[oai(validator(min_length = 1, max_length = 500))]
    pub(crate) refresh_token: String,
}

/// An accepted invitation.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitationIn {
    /// The invitation's token.
    #[oai(validator(min_length = 1, max_length = 500))]
    pub(crate) token: String,
    /// The password the person chooses.
    #[oai(validator(min_length = 8, max_length = 128))]
    pub(crate) password: String,
}

/// What a sign-in or refresh hands out.
#[derive(Serialize, Object)]
pub(crate) struct TokensOut {
    /// Goes with every request, as `Authorization: Bearer …`.
    pub(crate) access_token: String,
    /// Exchanged for the next pair.
    pub(crate) refresh_token: String,
    /// Always `Bearer`.
    pub(crate) token_type: String,
    /// Seconds the access token is good for.
    pub(crate) expires_in: i64,
}

impl From<TokenPair> for TokensOut {
    fn from(tokens: TokenPair) -> Self {
        Self {
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            token_type: "Bearer".into(),
            expires_in: tokens.expires_in,
        }
    }
}

/// The old and the new password.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordIn {
    /// The current one.
    #[oai(validator(min_length = 1, max_length = 128))]
    pub(crate) old_password: String,
    /// The one to use from now on.
    #[oai(validator(min_length = 8, max_length = 128))]
    pub(crate) new_password: String,
}
