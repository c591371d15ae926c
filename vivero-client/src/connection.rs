//! The way to one server, and requests over it.

use crate::attempt::Attempt;
use crate::credential::Credential;
use crate::retry::{Failure, Repeat, Retries};
use crate::{Error, Problem, Result, generated};
use progenitor_client::{Error as ApiError, ResponseValue};
use reqwest::header::{AUTHORIZATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// What one generated method gives back.
pub(crate) type Answered<T> = std::result::Result<ResponseValue<T>, ApiError<()>>;

/// The way to one server.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Without a slash at the end.
    pub(crate) base_url: String,
    pub(crate) http: reqwest::Client,
    pub(crate) timeout: Duration,
    pub(crate) retries: Retries,
}

/// Somebody who calls: the way to the server and what opens it.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) connection: Arc<Connection>,
    pub(crate) credential: Credential,
}

impl Caller {
    /// A request that reads: it is repeated when it fails for a moment.
    pub(crate) async fn read<T, F>(&self, request: impl Fn(generated::Client) -> F) -> Result<T>
    where
        F: Future<Output = Answered<T>>,
    {
        self.call(Repeat::Safe, request).await
    }

    /// A request that writes once, however often it is sent: `request` puts the key into it.
    pub(crate) async fn keyed<T, F>(
        &self,
        key: Option<&str>,
        request: impl Fn(generated::Client, Arc<str>) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Answered<T>>,
    {
        let key: Arc<str> = key.map_or_else(new_key, Into::into);
        self.call(Repeat::Safe, |api| request(api, Arc::clone(&key))).await
    }

    /// A request that writes, and could write twice if it were repeated.
    pub(crate) async fn once<T, F>(&self, request: impl Fn(generated::Client) -> F) -> Result<T>
    where
        F: Future<Output = Answered<T>>,
    {
        self.call(Repeat::Unsent, request).await
    }

    /// A request that is put together by hand, with its own patience, anew for each attempt. Gives the
    /// answer once its head has come, if it is a success; `patience` bounds the wait for that.
    pub(crate) async fn by_hand<F>(
        &self,
        repeat: Repeat,
        patience: Option<Duration>,
        request: impl Fn(reqwest::Client, String, Duration) -> F,
    ) -> Result<Response>
    where
        F: Future<Output = Result<reqwest::RequestBuilder>>,
    {
        let connection = &self.connection;
        let mut failures = 0;
        let mut renewed = false;
        loop {
            let grant = self.credential.grant(connection).await?;
            let (http, base) = (connection.http.clone(), connection.base_url.clone());
            let mut request = request(http, base, connection.timeout).await?;
            if let Some(authorization) = &grant.authorization {
                request = request.header(AUTHORIZATION, authorization.clone());
            }
            let answer = match patience {
                Some(patience) => tokio::time::timeout(patience, request.send()).await,
                None => Ok(request.send().await),
            };
            let failure = match answer {
                Ok(Ok(response)) if response.status().is_success() => return Ok(response),
                Ok(Ok(response)) => Failure::answered(response).await,
                Ok(Err(error)) => Error::transport(error).into(),
                Err(_) => Error::io(std::io::ErrorKind::TimedOut.into()).into(),
            };
            let refused = failure.error.status() == Some(401) && self.credential.renews();
            if !renewed && refused && repeat != Repeat::Never {
                renewed = true;
                self.credential.renew(connection, &grant).await?;
                continue;
            }
            let Some(wait) = connection.retries.wait(&failure, repeat, failures) else {
                return Err(failure.error);
            };
            failures += 1;
            tokio::time::sleep(wait).await;
        }
    }

    async fn call<T, F>(
        &self,
        repeat: Repeat,
        request: impl Fn(generated::Client) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Answered<T>>,
    {
        let connection = &self.connection;
        let mut failures = 0;
        let mut renewed = false;
        loop {
            let grant = self.credential.grant(connection).await?;
            let attempt =
                Attempt { authorization: grant.authorization.clone(), timeout: connection.timeout };
            let http = connection.http.clone();
            let api = generated::Client::new_with_client(&connection.base_url, http, attempt);
            let failure = match request(api).await {
                Ok(answer) => return Ok(answer.into_inner()),
                Err(error) => Failure::read(error).await,
            };
            if !renewed && failure.error.status() == Some(401) && self.credential.renews() {
                renewed = true;
                self.credential.renew(connection, &grant).await?;
                continue;
            }
            let Some(wait) = connection.retries.wait(&failure, repeat, failures) else {
                return Err(failure.error);
            };
            failures += 1;
            tokio::time::sleep(wait).await;
        }
    }
}

/// A key nobody else uses.
pub(crate) fn new_key() -> Arc<str> {
    format!("{:032x}", rand::random::<u128>()).into()
}

impl Failure {
    async fn read(error: ApiError<()>) -> Self {
        match error {
            ApiError::CommunicationError(error)
            | ApiError::ResponseBodyError(error)
            | ApiError::InvalidUpgrade(error) => Error::transport(error).into(),
            ApiError::InvalidResponsePayload(_, error) => Error::decode(error).into(),
            ApiError::UnexpectedResponse(response) => Self::answered(response).await,
            ApiError::ErrorResponse(answer) => {
                Error::Unexpected { status: answer.status().as_u16() }.into()
            }
            ApiError::InvalidRequest(reason) | ApiError::Custom(reason) => {
                Error::Request(reason).into()
            }
        }
    }

    /// The failure a response tells of.
    pub(crate) async fn answered(response: Response) -> Self {
        let status = response.status();
        let retry_after = retry_after(&response);
        let unexpected = Error::Unexpected { status: status.as_u16() };
        let error = match response.bytes().await {
            Ok(_) if !is_failure(status) => unexpected,
            Ok(body) => serde_json::from_slice::<Problem>(&body)
                .map_or(unexpected, |problem| Error::Problem(Box::new(problem))),
            Err(error) => Error::transport(error),
        };
        Self { error, retry_after }
    }
}

fn is_failure(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

/// Seconds only: the date form needs a clock that agrees with the server's.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// A tenant's name as a part of the path. Anything else could lead to another path.
pub(crate) fn check_slug(slug: &str) -> Result<&str> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !slug.is_empty() && slug.bytes().all(fits) {
        Ok(slug)
    } else {
        Err(Error::Request(format!("{slug:?} cannot be the name of a tenant")))
    }
}
