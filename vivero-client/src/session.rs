//! A sign-in that keeps itself alive.

use crate::connection::{Caller, Connection};
use crate::credential::{Credential, Grant, bearer};
use crate::generated::types::RefreshIn;
use crate::{Error, Result, Secret, Tokens};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::header::HeaderValue;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// An access token is replaced so long before it ends that a request under way does not meet the end.
const MARGIN: Duration = Duration::from_secs(30);

/// A person's sign-in at a tenant, shared by all clones of a client: however many requests find the
/// access token too old, it is refreshed once.
#[derive(Debug)]
pub(crate) struct Session {
    slug: String,
    state: Mutex<State>,
    /// Finished refreshes. Who waited while one failed does not start the next.
    rounds: AtomicU64,
}

#[derive(Debug)]
struct State {
    held: Option<Held>,
    generation: u64,
    failure: Option<Error>,
}

#[derive(Debug)]
struct Held {
    tokens: Tokens,
    authorization: HeaderValue,
    refresh_at: Instant,
    ends_at: Instant,
}

impl Held {
    fn new(tokens: Tokens) -> Result<Self> {
        let authorization = bearer(tokens.access_token.expose())?;
        let life = Duration::from_secs(u64::try_from(tokens.expires_in).unwrap_or(0));
        let now = Instant::now();
        let refresh_at = now + life.saturating_sub(MARGIN.min(life / 10));
        Ok(Self { tokens, authorization, refresh_at, ends_at: now + life })
    }
}

impl Session {
    pub(crate) fn new(slug: &str, tokens: Tokens) -> Result<Self> {
        let state = State { held: Some(Held::new(tokens)?), generation: 1, failure: None };
        Ok(Self { slug: slug.to_owned(), state: Mutex::new(state), rounds: AtomicU64::new(0) })
    }

    pub(crate) fn slug(&self) -> &str {
        &self.slug
    }

    /// The tokens held now; `None` once signed out.
    pub(crate) async fn tokens(&self) -> Option<Tokens> {
        self.state.lock().await.held.as_ref().map(|held| held.tokens.clone())
    }

    /// Forgets the tokens: every later request is refused here.
    pub(crate) async fn forget(&self) {
        self.state.lock().await.held = None;
    }

    /// A token that is good for a while.
    pub(crate) async fn grant(&self, connection: &Arc<Connection>) -> Result<Grant> {
        let round = self.rounds.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        let now = Instant::now();
        let held = state.held.as_ref().ok_or(Error::SignedOut)?;
        if now >= held.refresh_at {
            let usable = now < held.ends_at;
            match self.refresh(&mut state, connection, round).await {
                // The token is still good: what the server says to it decides.
                Err(error) if usable && error.is_temporary() => {}
                refreshed => refreshed?,
            }
        }
        let held = state.held.as_ref().ok_or(Error::SignedOut)?;
        Ok(Grant { authorization: Some(held.authorization.clone()), generation: state.generation })
    }

    /// Replaces the token of `generation`, which the server refused, unless that has happened.
    pub(crate) async fn renew(&self, connection: &Arc<Connection>, generation: u64) -> Result<()> {
        let round = self.rounds.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        if state.generation == generation {
            self.refresh(&mut state, connection, round).await
        } else {
            Ok(())
        }
    }

    /// Exchanges the refresh token; the lock on `state` keeps everybody else waiting. A caller that
    /// gives up in the middle leaves the old pair, which the server exchanges for the same successor.
    async fn refresh(
        &self,
        state: &mut State,
        connection: &Arc<Connection>,
        round: u64,
    ) -> Result<()> {
        if self.rounds.load(Ordering::Acquire) != round
            && let Some(failure) = &state.failure
        {
            return Err(failure.clone());
        }
        let held = state.held.as_ref().ok_or(Error::SignedOut)?;
        let token = held.tokens.refresh_token.clone();
        let outcome =
            exchange(Arc::clone(connection), self.slug.clone(), token).await.and_then(Held::new);
        self.rounds.fetch_add(1, Ordering::Release);
        match outcome {
            Ok(held) => {
                *state =
                    State { held: Some(held), generation: state.generation + 1, failure: None };
                Ok(())
            }
            Err(error) if error.status() == Some(401) => {
                state.held = None;
                Err(Error::SignedOut)
            }
            Err(error) => {
                state.failure = Some(error.clone());
                Err(error)
            }
        }
    }
}

/// Boxed, since a call may refresh and a refresh is a call. The server gives requests that race with
/// the same token the same successor, so this one may be repeated.
fn exchange(
    connection: Arc<Connection>,
    slug: String,
    refresh_token: Secret,
) -> BoxFuture<'static, Result<Tokens>> {
    let caller = Caller { connection, credential: Credential::None };
    let body = RefreshIn { refresh_token };
    async move {
        let (slug, body) = (slug.as_str(), &body);
        caller.read(|api| async move { api.auth_refresh(slug, None, body).await }).await
    }
    .boxed()
}
