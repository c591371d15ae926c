//! Event streams that survive what networks do.

use crate::Error;
use crate::fake::{Asked, Fake, Reply, problem, tokens};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::json;
use std::time::{Duration, Instant};
use uuid::Uuid;

fn event(position: u64) -> String {
    let event = json!({"position": position, "at": "2026-03-01T00:00:00Z", "actor": {"kind": "platform"},
        "action": "entity.create", "resource": "entity", "record_id": Uuid::nil(), "version": 1, "changes": {}});
    format!("id: {position}\nevent: entity.create\ndata: {event}\n\n")
}

fn events<const N: usize>(pieces: [String; N], ends: bool) -> Reply {
    let greeting = "retry: 5\n: after 0\n\n".to_owned();
    Reply::Events { pieces: std::iter::once(greeting).chain(pieces).collect(), ends }
}

async fn positions(fake: &Fake, number: usize) -> Vec<u64> {
    let acme = fake.tenant();
    let events = acme.events().after(0).silence(Duration::from_millis(100)).open().take(number);
    let events: Vec<_> = events.try_collect().await.expect("events");
    events.iter().map(|e| e.position).collect()
}

fn resumed_after(asked: &Asked) -> Option<&str> {
    asked.header("last-event-id")
}

#[tokio::test]
async fn a_dropped_connection_goes_on_behind_the_last_event() {
    let fake = Fake::start(|_, n| match n {
        // The third event is cut off in its middle.
        0 => events([event(1), event(2), event(3)[..60].to_owned()], true),
        1 => Reply::Break,
        2 => events([event(3) + &event(4)], true),
        // A server that repeats is not believed.
        _ => events([event(4), event(5)], false),
    })
    .await;
    assert_eq!(positions(&fake, 5).await, [1, 2, 3, 4, 5]);
    let asked = fake.asked();
    assert_eq!(asked[0].line, "GET /api/v1/acme/events?after=0");
    let resumed = asked.iter().map(resumed_after).collect::<Vec<_>>();
    assert_eq!(resumed, [None, Some("2"), Some("2"), Some("4")]);
}

#[tokio::test]
async fn silence_means_a_dead_connection_and_heartbeats_break_it() {
    let fake = Fake::start(|_, n| match n {
        0 => events([event(1)], false),
        _ => {
            // Longer than the silence allowed, but never silent.
            let beats = std::iter::repeat_n(": heartbeat\n\n".to_owned(), 100);
            let pieces = beats.chain([event(2)]).collect();
            Reply::Events { pieces, ends: false }
        }
    })
    .await;
    let started = Instant::now();
    assert_eq!(positions(&fake, 2).await, [1, 2]);
    assert!(started.elapsed() >= Duration::from_millis(250), "{:?}", started.elapsed());
    assert_eq!(fake.asked().len(), 2);
    assert_eq!(resumed_after(&fake.asked()[1]), Some("1"));
}

#[tokio::test]
async fn a_stream_from_now_on_that_breaks_before_its_first_event_loses_none() {
    for greeting in ["retry: 5\n: after 41\n\n", "retry: 5\nid: 41\n\n"] {
        let fake = Fake::start(move |_, n| match n {
            0 => Reply::Events { pieces: vec![greeting.to_owned()], ends: true },
            _ => events([event(42)], false),
        })
        .await;
        let first =
            fake.tenant().events().open().try_next().await.expect("no error").expect("an event");
        assert_eq!(first.position, 42);
        assert_eq!(fake.asked()[0].line, "GET /api/v1/acme/events");
        assert_eq!(resumed_after(&fake.asked()[1]), Some("41"), "{greeting:?}");
    }
}

#[tokio::test]
async fn an_expired_token_is_refreshed_on_the_way() {
    let fake = Fake::start(|asked, _| match asked.header("authorization") {
        None => Reply::Json(200, tokens("access-2", "refresh-2").to_string()),
        Some("Bearer access-2") => events([event(1)], false),
        Some(_) => Reply::problem(401, "unauthenticated"),
    })
    .await;
    assert_eq!(positions(&fake, 1).await, [1]);
    assert_eq!(fake.asked().len(), 3);
}

#[tokio::test]
async fn a_busy_server_is_asked_until_it_answers() {
    let fake = Fake::start(|_, n| match n {
        0..6 => Reply::With(503, "retry-after", "0", problem(503, "unavailable")),
        _ => events([event(1)], false),
    })
    .await;
    assert_eq!(positions(&fake, 1).await, [1]);
}

#[tokio::test]
async fn what_cannot_get_better_ends_the_stream() {
    let refused = |reply: fn() -> Reply| async move {
        let fake = Fake::start(move |_, _| reply()).await;
        let mut stream = fake.tenant().events().open();
        let error = stream.next().await.expect("an item").expect_err("an error");
        assert!(stream.next().await.is_none(), "an error is the last item");
        error
    };
    assert!(refused(|| Reply::problem(403, "permission_missing")).await.is_forbidden());
    assert!(matches!(refused(|| Reply::problem(401, "unauthenticated")).await, Error::SignedOut));
    assert!(matches!(
        refused(|| Reply::Json(200, "{}".into())).await,
        Error::Unexpected { status: 200 }
    ));
    let garbled = || Reply::Events { pieces: vec!["data: {}\n\n".into()], ends: false };
    assert!(matches!(refused(garbled).await, Error::Decode(_)));
}
