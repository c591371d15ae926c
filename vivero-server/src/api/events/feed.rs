//! One reader's way through the tenant's history.

use crate::state::StreamPlace;
use crate::wire::journal::EventOut;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use std::io::{self, Write as _};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use vivero_core::TenantSession;
use vivero_core::journal::SealedEntry;

/// Entries read at a time.
const BATCH: u32 = 200;
/// How often a busy stream asks whether the person still may read.
const RECHECK: Duration = Duration::from_secs(1);

pub(super) struct Feed {
    session: TenantSession,
    head: watch::Receiver<u64>,
    position: u64,
    heartbeat: Duration,
    stopping: CancellationToken,
    checked: Instant,
    greeted: bool,
    over: bool,
    _place: StreamPlace,
}

impl Feed {
    pub(super) fn new(
        session: TenantSession,
        position: u64,
        heartbeat: Duration,
        stopping: CancellationToken,
        place: StreamPlace,
    ) -> Self {
        let head = session.head();
        let checked = Instant::now();
        Self {
            session,
            head,
            position,
            heartbeat,
            stopping,
            checked,
            greeted: false,
            over: false,
            _place: place,
        }
    }

    pub(super) fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        unfold(self, |mut feed| async move {
            let stopping = feed.stopping.clone();
            if feed.over {
                return None;
            }
            let chunk = tokio::select! {
                biased;
                () = stopping.cancelled() => {
                    feed.over = true;
                    Some(come_again())
                }
                chunk = feed.next() => chunk,
            };
            chunk.map(|chunk| (Ok(chunk), feed))
        })
    }

    /// The next piece of the stream; `None` ends it.
    async fn next(&mut self) -> Option<Bytes> {
        if !self.greeted {
            self.greeted = true;
            return Some(Bytes::from(format!("retry: 2000\nid: {}\n\n", self.position)));
        }
        let silent_until = Instant::now() + self.heartbeat;
        loop {
            if self.checked.elapsed() >= RECHECK && !self.recheck().await {
                return None;
            }
            // Seen before reading: what is sealed during the read wakes the wait below.
            self.head.borrow_and_update();
            let (events, read_to) = match self.session.events(self.position, BATCH).await {
                Ok(read) => read,
                Err(error) => {
                    tracing::warn!(%error, "event stream ended");
                    return None;
                }
            };
            let moved = read_to > self.position;
            self.position = read_to;
            if !events.is_empty() {
                return encode(events);
            }
            if moved {
                // All of it was not for this person; there may be more behind it.
                continue;
            }
            tokio::select! {
                changed = self.head.changed() => changed.ok()?,
                () = sleep_until(silent_until) => {
                    return self.recheck().await.then(|| Bytes::from_static(b": heartbeat\n\n"));
                }
            }
        }
    }

    /// Whether the person still may read.
    async fn recheck(&mut self) -> bool {
        self.checked = Instant::now();
        match self.session.revalidate().await {
            Ok(session) => {
                self.session = session;
                self.session.require("event.read").is_ok()
            }
            Err(_) => false,
        }
    }
}

/// Says when to connect again to a server that stops: soon, as another node may be there, but not all at
/// the same moment.
fn come_again() -> Bytes {
    Bytes::from(format!("retry: {}\n\n", rand::random_range(100..1_000)))
}

/// Events as the format wants them. JSON has no line breaks of its own.
fn encode(events: Vec<SealedEntry>) -> Option<Bytes> {
    let mut chunk = Vec::with_capacity(events.len() * 600);
    for event in events {
        let event = EventOut::from(event);
        write!(chunk, "id: {}\nevent: {}\ndata: ", event.position, event.action).ok()?;
        serde_json::to_writer(&mut chunk, &event).ok()?;
        chunk.extend_from_slice(b"\n\n");
    }
    Some(chunk.into())
}
