//! What is sent again, and what is not.

use crate::fake::{Fake, Reply, problem};
use crate::{Client, EntityIn, EntityPatch, EntityType, Error, Retries, TransitionIn};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use uuid::Uuid;

const EMPTY: &str = r#"{"items":[]}"#;

fn entity() -> EntityIn {
    EntityIn::new("L-1", "Lavandula", EntityType::YoungPlant, 10)
}

fn stored() -> String {
    serde_json::json!({
        "id": Uuid::nil(), "code": "L-1", "name": "Lavandula", "type": "young_plant", "status": "registered",
        "stage": "propagation", "quantity": 10, "unit": "plant", "quality_grade": "ungraded",
        "attributes": {}, "version": 1, "created_at": "2026-03-01T00:00:00.000000Z", "created_by": Uuid::nil(),
        "updated_at": "2026-03-01T00:00:00.000000Z", "updated_by": Uuid::nil()
    })
    .to_string()
}

#[tokio::test]
async fn reads_survive_broken_connections_silence_and_busy_servers() {
    let fake = Fake::start(|_, n| match n {
        0 => Reply::Break,
        1 => Reply::problem(503, "unavailable"),
        2 => Reply::Json(200, EMPTY.into()),
        3 => Reply::Silence,
        4 => Reply::BreakInside,
        _ => Reply::Json(200, EMPTY.into()),
    })
    .await;
    let acme = fake.tenant();
    assert!(acme.entities().list().send().await.expect("an answer").items.is_empty());
    assert_eq!(fake.asked().len(), 3);
    assert!(acme.entities().list().send().await.expect("an answer").items.is_empty());
    assert_eq!(fake.asked().len(), 6);
}

#[tokio::test]
async fn attempts_are_three_unless_said_otherwise() {
    let fake = Fake::start(|_, _| Reply::problem(503, "unavailable")).await;
    let error = fake.tenant().me().await.expect_err("busy");
    assert_eq!(
        (error.code(), error.status(), error.is_temporary()),
        (Some("unavailable"), Some(503), true)
    );
    assert_eq!(fake.asked().len(), 3);
    let impatient =
        Client::builder().retries(Retries::none()).build(&fake.address).expect("a client");
    impatient.platform("key").stats().await.expect_err("busy");
    assert_eq!(fake.asked().len(), 4);
}

#[tokio::test]
async fn a_create_is_sent_again_under_the_same_key_and_the_next_one_has_another() {
    let fake = Fake::start(|_, n| match n {
        0 | 3 => Reply::Break,
        1 => Reply::BreakInside,
        _ => Reply::Json(201, stored()),
    })
    .await;
    let acme = fake.tenant();
    acme.entities().create(entity()).await.expect("created");
    acme.entities().create(entity()).await.expect("created");
    acme.entities().idempotency_key("mine").create(entity()).await.expect("created");
    let asked = fake.asked();
    let keys =
        asked.iter().map(|a| a.header("idempotency-key").expect("a key")).collect::<Vec<_>>();
    assert_eq!(keys.len(), 6);
    assert!(keys[0] == keys[1] && keys[1] == keys[2] && keys[3] == keys[4], "{keys:?}");
    assert_eq!(keys[5], "mine");
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 3);
    assert!(
        asked.iter().all(|a| a.body == asked[0].body && a.line == "POST /api/v1/acme/entities")
    );
}

#[tokio::test]
async fn edits_and_deletions_that_may_have_been_done_are_not_sent_again() {
    let fake = Fake::start(|asked, _| match asked.line.as_str() {
        line if line.starts_with("PATCH") => Reply::Break,
        line if line.starts_with("DELETE") => Reply::problem(503, "unavailable"),
        _ => Reply::Silence,
    })
    .await;
    let acme = fake.tenant();
    let error =
        acme.entities().update(Uuid::nil(), 3, EntityPatch::default()).await.expect_err("broken");
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    acme.entities().delete(Uuid::nil()).await.expect_err("busy");
    acme.change_password("old one", "new one").await.expect_err("silent");
    acme.sign_out().await.expect_err("silent");
    assert_eq!(fake.asked().len(), 4);
    assert_eq!(fake.asked()[0].header("if-match"), Some("\"3\""));
}

#[tokio::test]
async fn everything_is_sent_again_when_it_was_refused_unseen() {
    let fake = Fake::start(|_, n| match n {
        0 => Reply::With(429, "retry-after", "0", problem(429, "too_many_requests")),
        _ => Reply::Json(200, stored()),
    })
    .await;
    fake.tenant().entities().delete(Uuid::nil()).await.expect("deleted");
    assert_eq!(fake.asked().len(), 2);
}

#[tokio::test]
async fn everything_is_sent_again_when_there_was_no_connection() {
    // A port that was free a moment ago, and on which a server starts a little later.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let retries =
        Retries { attempts: 4, first_wait: Duration::from_millis(20), ..Retries::default() };
    let client = Client::builder().retries(retries).build(&address).expect("a client");
    let started = Instant::now();
    let error =
        client.tenant("acme").sign_in("a@b.example", "secret").await.expect_err("no server");
    assert!(matches!(&error, Error::Transport(e) if e.is_connect()), "{error:?}");
    // Three waits of at least half of 20, 40 and 80 ms.
    assert!(started.elapsed() >= Duration::from_millis(70), "{:?}", started.elapsed());
}

#[tokio::test]
async fn what_the_server_refuses_is_not_sent_again() {
    for status in [400, 403, 404, 409, 413, 415, 428, 500] {
        let fake = Fake::start(move |_, _| Reply::problem(status, "no")).await;
        let error = fake.tenant().entities().create(entity()).await.expect_err("refused");
        assert_eq!((error.status(), error.request_id()), (Some(status), Some("r-1")));
        assert_eq!(fake.asked().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn the_server_says_how_long_to_wait() {
    let fake = Fake::start(|_, n| match n {
        0 => Reply::With(503, "retry-after", "1", problem(503, "unavailable")),
        1 => Reply::Json(200, EMPTY.into()),
        _ => Reply::With(503, "retry-after", "3600", problem(503, "unavailable")),
    })
    .await;
    let acme = fake.tenant();
    let started = Instant::now();
    acme.entities().list().send().await.expect("an answer");
    assert!(started.elapsed() >= Duration::from_secs(1));
    acme.entities().list().send().await.expect_err("an hour is too long");
    assert_eq!(fake.asked().len(), 3);
}

#[tokio::test]
async fn answers_that_are_not_the_servers_are_told_apart() {
    let fake = Fake::start(|_, n| match n {
        0 => Reply::Json(404, "<html>not here</html>".into()),
        1 => Reply::With(302, "location", "/elsewhere", String::new()),
        2 => Reply::Json(200, "{\"items\":3}".into()),
        _ => Reply::Json(204, String::new()),
    })
    .await;
    let acme = fake.tenant();
    let list = || acme.entities().list().send();
    assert!(matches!(list().await, Err(Error::Unexpected { status: 404 })));
    assert!(matches!(list().await, Err(Error::Unexpected { status: 302 })));
    assert!(matches!(list().await, Err(Error::Decode(_))));
    assert!(matches!(list().await, Err(Error::Unexpected { status: 204 })));
    assert_eq!(fake.asked().len(), 4);
}

#[tokio::test]
async fn commands_carry_key_and_version() {
    let fake = Fake::start(|_, _| Reply::Json(200, stored())).await;
    let acme = fake.tenant();
    let step = TransitionIn::counted(-3).because("frost");
    acme.entities().expecting(7).transition(Uuid::nil(), step).await.expect("done");
    acme.entities().move_to(Uuid::nil(), Uuid::max()).await.expect("done");
    let asked = fake.asked();
    assert_eq!(asked[0].header("if-match"), Some("\"7\""));
    assert_eq!(asked[0].body, r#"{"quantity_change":-3,"reason":"frost"}"#);
    assert_eq!(asked[1].header("if-match"), None);
    assert!(asked.iter().all(|a| a.header("idempotency-key").is_some_and(|k| k.len() == 32)));
    assert!(asked.iter().all(|a| a.header("authorization") == Some("Bearer access-1")));
    assert!(
        asked
            .iter()
            .all(|a| a.header("user-agent").is_some_and(|u| u.starts_with("vivero-client/")))
    );
}

#[tokio::test]
async fn a_slug_is_one_part_of_the_path() {
    let fake = Fake::start(|_, _| Reply::problem(404, "tenant_not_found")).await;
    for slug in ["..", ".", "", "a/b", "../platform", "a?b", "a b", "%2e%2e"] {
        let error = fake.client().tenant(slug).sign_in("a@b.example", "x").await.expect_err(slug);
        assert!(matches!(error, Error::Request(_)), "{slug}: {error:?}");
        fake.client().platform("k").tenants().suspend(slug).await.expect_err(slug);
    }
    assert_eq!(fake.asked().len(), 0);
}
