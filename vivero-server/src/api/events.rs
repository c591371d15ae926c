//! Changes as they happen, as server-sent events.

mod feed;

use super::Topic;
use crate::access::Access;
use crate::param::{LastEventId, Position, Query};
use crate::problem::Failure;
use crate::reply::Answer;
use crate::wire::journal::EventOut;
use crate::wire::schema::inline;
use feed::Feed;
use poem::http::{HeaderValue, header};
use poem::{Body, IntoResponse, Response};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, Registry};
use poem_openapi::types::Type as _;
use poem_openapi::{ApiResponse, OpenApi};

pub(crate) struct Events;

const EVENT_STREAM: &str = "text/event-stream";

#[OpenApi(tag = "Topic::Events")]
impl Events {
    /// Follow changes as they happen
    ///
    /// A stream of server-sent events: `id` is the position in the tenant's history, `event` the
    /// action, `data` an `EventOut`. Reconnecting with `Last-Event-ID` loses and repeats nothing.
    /// Silence is broken by comments. The stream ends when the person may not read it any more or the
    /// server stops.
    #[oai(path = "/api/v1/:tenant/events", method = "get", operation_id = "event_stream")]
    async fn stream(
        &self,
        tenant: Access,
        /// Go on after this position; without it and `Last-Event-ID` the stream starts now.
        after: Query<Position>,
        #[oai(name = "Last-Event-ID")] last: LastEventId,
    ) -> Answer<EventStream> {
        tenant.require("event.read")?;
        let state = &tenant.scope().state;
        if state.stopping.is_cancelled() {
            return Err(Failure::busy("the server is stopping", 1));
        }
        // Another node may have sealed more than this one has seen.
        let head = tenant.seal().await?;
        let position = match (last.0, after.0) {
            (Some(position), _) => at_most(head, position, "Last-Event-ID")?,
            (None, Some(Position(position))) => at_most(head, position, "after")?,
            (None, None) => head,
        };
        let place = state.stream_place(tenant.tenant().id);
        let place =
            place.ok_or_else(|| Failure::busy("the tenant has too many open event streams", 30))?;
        let (heartbeat, stopping) = (state.options.heartbeat, state.stopping.clone());
        let feed = Feed::new(tenant.into_session(), position, heartbeat, stopping, place);
        Ok(EventStream(Body::from_bytes_stream(feed.into_stream())))
    }
}

/// What has not happened yet cannot have been seen.
fn at_most(head: u64, position: u64, field: &str) -> Answer<u64> {
    if position > head {
        return Err(Failure::field(
            field,
            "known_position",
            format!("must be at most {head}, the last position"),
        ));
    }
    Ok(position)
}

/// A stream of events.
pub(crate) struct EventStream(Body);

impl IntoResponse for EventStream {
    fn into_response(self) -> Response {
        let mut response = Response::from(self.0);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
        // Some proxies collect answers before passing them on.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        response
    }
}

/// One message of the stream, with the fields of the format, as OpenAPI 3.2 describes streams. That
/// `data` is text with an event in it is said afterwards (`openapi/complete.rs`): MetaSchema cannot.
fn message() -> MetaSchema {
    let text = |description, pattern: Option<&str>| {
        inline(MetaSchema {
            description: Some(description),
            pattern: pattern.map(Into::into),
            ..MetaSchema::new("string")
        })
    };
    MetaSchema {
        required: vec!["id", "event", "data"],
        properties: vec![
            ("id", text("Position in the tenant's history.", Some("^[1-9][0-9]{0,18}$"))),
            ("event", text("The action.", None)),
            ("data", EventOut::schema_ref()),
        ],
        ..MetaSchema::new("object")
    }
}

impl ApiResponse for EventStream {
    fn meta() -> MetaResponses {
        let response = MetaResponse {
            description: "Server-sent events; the data of each is one `EventOut`",
            status: Some(200),
            status_range: None,
            content: vec![MetaMediaType { content_type: EVENT_STREAM, schema: inline(message()) }],
            headers: Vec::new(),
        };
        MetaResponses { responses: vec![response] }
    }
    fn register(registry: &mut Registry) {
        EventOut::register(registry);
    }
}
