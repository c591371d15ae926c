//! `Idempotency-Key`: a repeated request is answered as the first time, with nothing done twice. The
//! answer is kept in the transaction that made it, so there is no moment at which one is there without
//! the other.

use crate::access::Access;
use crate::param::IdempotencyKey;
use crate::problem::Failure;
use crate::reply::{Answer, Changed, Created, REPLAYED, etag, json_bytes, to_bytes};
use poem::Response;
use poem::http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use std::fmt::Display;
use vivero_core::UnitOfWork;
use vivero_core::operation::{self, Requires};
use vivero_core::service::Tries;

/// A unit of work that answers one request.
pub(crate) struct Once {
    pub(crate) work: UnitOfWork,
    key: Option<String>,
    operation: String,
    request: Vec<u8>,
}

/// What became of the request.
pub(crate) enum Begun {
    /// It is new: do it.
    New(Box<Once>),
    /// It was answered before.
    Again(Kept),
}

/// An answer that was given before.
pub(crate) struct Kept {
    version: i64,
    location: String,
    body: String,
}

impl Once {
    /// Begins the work, or finds the answer given before under the same key. `target` is what of the
    /// path belongs to the request. Nothing but the work's own calls may be waited for until its end. With
    /// `tries` it may be in a hurry; without, what it finds is certain.
    pub(crate) async fn begin(
        tenant: &Access,
        tries: Option<&mut Tries<'_>>,
        key: &IdempotencyKey,
        target: impl Display,
        request: &[u8],
    ) -> Answer<Begun> {
        // Who may not ask any more is not told an earlier answer either.
        if let Some(Requires::Permission(permission)) =
            operation::find(tenant.scope().operation.id).map(|o| o.requires)
        {
            tenant.require(permission)?;
        }
        let mut work = match tries {
            Some(tries) => tries.begin().await?,
            None => tenant.begin_short().await?,
        };
        let operation = format!("{} {target}", tenant.scope().operation.id);
        if let Some(key) = &key.0
            && let Some(kept) = work.replay(key, &operation, request).await?
        {
            let kept = Kept::read(&kept)
                .ok_or_else(|| Failure::internal("a remembered answer is unreadable"))?;
            // What is answered again may have been written a moment ago, and must be durable.
            work.commit().await?;
            return Ok(Begun::Again(kept));
        }
        let request = if key.0.is_some() { request.to_vec() } else { Vec::new() };
        Ok(Begun::New(Box::new(Self { work, key: key.0.clone(), operation, request })))
    }

    /// Makes everything durable and answers 201 with `record`.
    pub(crate) async fn created<T: Serialize>(
        self,
        version: i64,
        location: String,
        record: &T,
    ) -> Answer<Created<T>> {
        let body = to_bytes(record, 1024)?;
        self.finish(version, &location, &body).await?;
        made(version, &location, body)
    }

    /// Like [`Once::created`] for an answer with a secret in it: a repetition gets `kept` instead.
    pub(crate) async fn created_keeping<T: Serialize>(
        self,
        version: i64,
        location: String,
        record: &T,
        kept: &[u8],
    ) -> Answer<Created<T>> {
        let body = to_bytes(record, 1024)?;
        self.finish(version, &location, kept).await?;
        made(version, &location, body)
    }

    /// Makes everything durable and answers 200 with `record`.
    pub(crate) async fn changed<T: Serialize>(
        self,
        version: i64,
        record: &T,
    ) -> Answer<Changed<T>> {
        let body = to_bytes(record, 1024)?;
        self.finish(version, "", &body).await?;
        let mut response = json_bytes(StatusCode::OK, body);
        response.headers_mut().insert(header::ETAG, etag(version));
        Ok(Changed::from_response(response))
    }

    async fn finish(self, version: i64, location: &str, kept: &[u8]) -> Answer<()> {
        let Self { mut work, key, operation, request } = self;
        if let Some(key) = key {
            let text = String::from_utf8_lossy(kept);
            work.remember(&key, &operation, &request, format!("{version}\n{location}\n{text}"))
                .await?;
        }
        Ok(work.commit().await?)
    }
}

fn made<T>(version: i64, location: &str, body: Vec<u8>) -> Answer<Created<T>> {
    let mut response = json_bytes(StatusCode::CREATED, body);
    let headers = response.headers_mut();
    headers.insert(header::ETAG, etag(version));
    headers.insert(header::LOCATION, HeaderValue::try_from(location).map_err(Failure::internal)?);
    Ok(Created::from_response(response))
}

impl Kept {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '\n');
        let version = parts.next()?.parse().ok()?;
        Some(Self { version, location: parts.next()?.into(), body: parts.next()?.into() })
    }
    fn mark(response: &mut Response) {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
}

/// An answer that can be given again.
pub(crate) trait Repeated: Sized {
    /// The answer again.
    fn repeated(kept: Kept) -> Answer<Self>;
}

impl<T> Repeated for Created<T> {
    fn repeated(kept: Kept) -> Answer<Self> {
        let Created(mut response, kind) =
            made(kept.version, &kept.location, kept.body.into_bytes())?;
        Kept::mark(&mut response);
        Ok(Created(response, kind))
    }
}

impl<T> Repeated for Changed<T> {
    fn repeated(kept: Kept) -> Answer<Self> {
        let mut response = json_bytes(StatusCode::OK, kept.body);
        response.headers_mut().insert(header::ETAG, etag(kept.version));
        Kept::mark(&mut response);
        Ok(Changed::from_response(response))
    }
}

/// Answers a request by what the expression says, within a [`Once`]; again from its beginning, if the
/// database undid it. So the expression must leave what it is given as it was.
macro_rules! once {
    ($tenant:expr, $key:expr, $target:expr, $request:expr, |$once:ident| $answer:expr) => {{
        let mut tries = vivero_core::service::Tries::new(&$tenant);
        loop {
            let answer = async {
                match $crate::idempotency::Once::begin(
                    &$tenant,
                    Some(&mut tries),
                    &$key,
                    $target,
                    $request,
                )
                .await?
                {
                    $crate::idempotency::Begun::New(mut $once) => $answer,
                    $crate::idempotency::Begun::Again(kept) => {
                        $crate::idempotency::Repeated::repeated(kept)
                    }
                }
            };
            let answer = answer.await;
            let Err(failure) = &answer else { break answer };
            let again = failure.left_nothing() && tries.was_hasty()
                || failure.is_undone() && tries.another().await;
            if !again {
                break answer;
            }
        }
    }};
}
pub(crate) use once;
