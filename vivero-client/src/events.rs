//! Changes as they happen.

mod parser;

use crate::connection::Connection;
use crate::credential::Grant;
use crate::retry::{Failure, jittered};
use crate::{Error, Event, Result, TenantClient};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::{BoxStream, StreamExt as _, unfold};
use parser::{Frame, Parser};
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde::de::Error as _;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{sleep, timeout};

const EVENT_STREAM: &str = "text/event-stream";
/// The server breaks silence every 15 s.
const SILENCE: Duration = Duration::from_secs(45);
/// What the server asks for, if the stream broke before it could.
const RETRY: Duration = Duration::from_secs(2);

/// From where on, and how patiently, changes are followed; see [`TenantClient::events`].
#[derive(Debug, Clone)]
#[must_use = "nothing happens before `open`"]
pub struct EventsRequest {
    tenant: TenantClient,
    after: Option<u64>,
    silence: Duration,
}

impl EventsRequest {
    pub(crate) const fn new(tenant: TenantClient) -> Self {
        Self { tenant, after: None, silence: SILENCE }
    }
    /// Begins after this position of the tenant's history: 0 for all of it, or the position of the
    /// last event a former run saw. Without it the stream begins now.
    pub const fn after(mut self, position: u64) -> Self {
        self.after = Some(position);
        self
    }
    /// The silence after which the connection is taken for dead; default 45 s, three of the server's
    /// heartbeats.
    pub const fn silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }
    /// The events. The first connection is made when the first one is asked for.
    #[must_use]
    pub fn open(self) -> EventStream {
        let reader = Reader {
            tenant: self.tenant,
            silence: self.silence,
            last: self.after,
            seen: false,
            retry: RETRY,
            failures: 0,
            body: None,
            parser: Parser::default(),
            ready: VecDeque::new(),
            over: false,
        };
        let events = unfold(reader, |mut reader| async move {
            let next = reader.next().await?;
            Some((next, reader))
        });
        EventStream { events: events.boxed() }
    }
}

/// Changes as they happen, in order, each once.
///
/// When the connection breaks, falls silent or is ended by a server that stops, the stream connects
/// again and goes on behind the last event, for as long as it takes. An `Err` is the last item: the
/// sign-in is over, the person may not read events any more, or the answer cannot be understood.
pub struct EventStream {
    events: BoxStream<'static, Result<Event>>,
}

impl Stream for EventStream {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_next_unpin(context)
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventStream")
    }
}

type Body = BoxStream<'static, reqwest::Result<Bytes>>;

struct Reader {
    tenant: TenantClient,
    silence: Duration,
    /// The position after which to go on.
    last: Option<u64>,
    /// Whether `last` came from the server.
    seen: bool,
    /// How long the server wants us to wait before connecting again.
    retry: Duration,
    failures: u32,
    body: Option<Body>,
    parser: Parser,
    ready: VecDeque<Event>,
    over: bool,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Event>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            if self.over {
                return None;
            }
            if let Err(error) = self.advance().await {
                self.over = true;
                return Some(Err(error));
            }
        }
    }

    /// One step: connecting, reading a piece, or waiting after a failure.
    async fn advance(&mut self) -> Result<()> {
        let Some(body) = &mut self.body else {
            return match self.connect().await {
                Ok(body) => {
                    self.body = Some(body);
                    self.parser = Parser::default();
                    Ok(())
                }
                Err(failure) if failure.error.is_temporary() => {
                    let backoff = self.connection().retries.backoff(self.failures);
                    self.failures += 1;
                    sleep(failure.retry_after.unwrap_or_default().max(backoff)).await;
                    Ok(())
                }
                Err(failure) => Err(failure.error),
            };
        };
        match timeout(self.silence, body.next()).await {
            Ok(Some(Ok(piece))) => {
                self.failures = 0;
                self.read(&piece)
            }
            // Broken, ended or silent.
            _ => {
                self.body = None;
                sleep(jittered(self.retry)).await;
                Ok(())
            }
        }
    }

    fn read(&mut self, piece: &[u8]) -> Result<()> {
        let mut frames = Vec::new();
        let read = self.parser.push(piece, &mut frames);
        for frame in frames {
            match frame {
                Frame::Event { data, .. } => {
                    let event: Event = serde_json::from_str(&data).map_err(Error::decode)?;
                    // An event that came before is not told twice.
                    if self.last.is_none_or(|last| event.position > last) {
                        self.last = Some(event.position);
                        self.seen = true;
                        self.ready.push_back(event);
                    }
                }
                Frame::Id(id) => self.begin_after(&id),
                Frame::Retry(wait) => self.retry = wait,
                Frame::Comment(text) => {
                    if let Some(position) = text.strip_prefix("after ") {
                        self.begin_after(position);
                    }
                }
            }
        }
        read.map_err(|_| Error::decode(serde_json::Error::custom("an event without an end")))
    }

    /// Where a stream begins that was to begin now: should it break before the first event, it must
    /// go on from there.
    fn begin_after(&mut self, position: &str) {
        if self.last.is_none() {
            self.last = position.trim().parse().ok();
            self.seen = self.last.is_some();
        }
    }

    fn connection(&self) -> &Arc<Connection> {
        &self.tenant.caller.connection
    }

    async fn connect(&mut self) -> Result<Body, Failure> {
        let connection = Arc::clone(self.connection());
        let credential = self.tenant.caller.credential.clone();
        let grant = credential.grant(&connection).await?;
        match self.request(&grant).await {
            Err(failure) if failure.error.status() == Some(401) => {
                credential.renew(&connection, &grant).await?;
                let grant = credential.grant(&connection).await?;
                self.request(&grant).await
            }
            answered => answered,
        }
    }

    async fn request(&mut self, grant: &Grant) -> Result<Body, Failure> {
        let connection = self.connection();
        let url = format!("{}/api/v1/{}/events", connection.base_url, self.tenant.slug());
        let mut request = connection.http.get(url).header(ACCEPT, EVENT_STREAM);
        if let Some(authorization) = &grant.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        match self.last {
            Some(last) if self.seen => request = request.header("last-event-id", last),
            Some(after) => request = request.query(&[("after", after)]),
            None => {}
        }
        // The stream has no end, so only its beginning is waited for with a limit.
        let sent = timeout(connection.timeout.max(Duration::from_millis(1)), request.send()).await;
        let response = match sent {
            Ok(sent) => sent.map_err(Error::transport)?,
            Err(_) => return Err(Error::Unexpected { status: 504 }.into()),
        };
        if response.status() != StatusCode::OK {
            return Err(Failure::answered(response).await);
        }
        let media = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !media.is_some_and(|media| media.starts_with(EVENT_STREAM)) {
            return Err(Error::Unexpected { status: 200 }.into());
        }
        Ok(response.bytes_stream().boxed())
    }
}
