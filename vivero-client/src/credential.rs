//! What a caller is let in with.

use crate::connection::Connection;
use crate::session::Session;
use crate::{Error, Result};
use reqwest::header::HeaderValue;
use std::sync::Arc;

/// What a caller is let in with. Nothing of it is printed.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    /// Nothing: signing up and signing in.
    None,
    /// The key of the operators of an installation; an error if no header can carry it.
    Key(Result<HeaderValue>),
    /// A person's sign-in at a tenant.
    Session(Arc<Session>),
}

/// A credential as one attempt carries it.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) authorization: Option<HeaderValue>,
    /// Which pair of tokens it is from.
    pub(crate) generation: u64,
}

impl Credential {
    /// What to send now.
    pub(crate) async fn grant(&self, connection: &Arc<Connection>) -> Result<Grant> {
        match self {
            Self::None => Ok(Grant { authorization: None, generation: 0 }),
            Self::Key(key) => Ok(Grant { authorization: Some(key.clone()?), generation: 0 }),
            Self::Session(session) => session.grant(connection).await,
        }
    }

    /// Whether a refused credential can be replaced.
    pub(crate) const fn renews(&self) -> bool {
        matches!(self, Self::Session(_))
    }

    /// Replaces a refused credential.
    pub(crate) async fn renew(&self, connection: &Arc<Connection>, refused: &Grant) -> Result<()> {
        match self {
            Self::Session(session) => session.renew(connection, refused.generation).await,
            Self::None | Self::Key(_) => Ok(()),
        }
    }
}

/// `Bearer …`, not to be printed.
pub(crate) fn bearer(token: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| {
        Error::Request("the token or key has characters that no header can carry".into())
    })?;
    value.set_sensitive(true);
    Ok(value)
}
