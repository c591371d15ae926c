//! Sign-ins that keep themselves alive.

use crate::fake::{Asked, Fake, Reply, problem, tokens};
use crate::{Error, TenantClient, Tokens};
use futures_util::future::join_all;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

const REFRESH: &str = "POST /api/v1/acme/auth/refresh";
const BOARD: &str = r#"{"position":1,"entities":{"total":0,"quantity":0,"by_status":{},"by_type":{},"by_stage":{},"by_location":[]},"locations":{"total":0,"by_kind":{}},"users":{"total":1,"active":1}}"#;

/// Only the second access token is good.
fn second_only(asked: &Asked) -> Reply {
    if asked.line.starts_with(REFRESH) {
        assert!(asked.header("authorization").is_none() && asked.body.contains("refresh-1"));
        return Reply::Json(200, tokens("access-2", "refresh-2").to_string());
    }
    match asked.header("authorization") {
        Some("Bearer access-2") => Reply::Json(200, BOARD.into()),
        _ => Reply::problem(401, "unauthenticated"),
    }
}

#[tokio::test]
async fn fifty_requests_on_an_expired_token_refresh_it_once() {
    let fake = Fake::start(|asked, _| second_only(asked)).await;
    let acme = fake.tenant();
    let clones = (0..50).map(|_| acme.clone()).collect::<Vec<_>>();
    let boards = join_all(clones.iter().map(TenantClient::dashboard)).await;
    assert!(boards.iter().all(Result::is_ok), "{boards:?}");
    assert_eq!(fake.count(REFRESH), 1);
    assert_eq!(acme.tokens().await.expect("tokens").refresh_token.expose(), "refresh-2");
}

#[tokio::test]
async fn a_token_is_refreshed_before_it_ends() {
    let fake = Fake::start(|asked, _| match asked.line.starts_with(REFRESH) {
        true => second_only(asked),
        false => Reply::Json(200, BOARD.into()),
    })
    .await;
    let mut pair: Tokens = serde_json::from_value(tokens("access-1", "refresh-1")).expect("tokens");
    pair.expires_in = 1;
    let acme = fake.client().tenant("acme").with_tokens(pair).expect("a tenant");
    acme.dashboard().await.expect("still good");
    assert_eq!(fake.count(REFRESH), 0);
    tokio::time::sleep(Duration::from_millis(950)).await;
    acme.dashboard().await.expect("the next one");
    assert_eq!(fake.count(REFRESH), 1);
    assert_eq!(fake.asked()[2].header("authorization"), Some("Bearer access-2"));
}

#[tokio::test]
async fn a_refused_refresh_ends_the_sign_in_for_all_clones() {
    let fake = Fake::start(|_, _| Reply::problem(401, "unauthenticated")).await;
    let acme = fake.tenant();
    let clones = (0..20).map(|_| acme.clone()).collect::<Vec<_>>();
    let boards = join_all(clones.iter().map(TenantClient::dashboard)).await;
    assert!(boards.iter().all(|b| matches!(b, Err(Error::SignedOut))), "{boards:?}");
    assert_eq!(fake.count(REFRESH), 1);
    let asked = fake.asked().len();
    let error = acme.me().await.expect_err("signed out");
    assert!(error.is_unauthenticated());
    assert!(acme.tokens().await.is_none());
    assert_eq!(fake.asked().len(), asked, "nothing is asked any more");
}

#[tokio::test]
async fn those_who_waited_for_a_failed_refresh_do_not_each_try_again() {
    let fake = Fake::start(|asked, _| match asked.line.starts_with(REFRESH) {
        true => Reply::problem(503, "unavailable"),
        false => Reply::problem(401, "unauthenticated"),
    })
    .await;
    let acme = fake.tenant();
    let clones = (0..20).map(|_| acme.clone()).collect::<Vec<_>>();
    let boards = join_all(clones.iter().map(TenantClient::dashboard)).await;
    assert!(boards.iter().all(|b| matches!(b, Err(e) if e.status() == Some(503))), "{boards:?}");
    assert!(fake.count(REFRESH) <= 6, "{} refreshes", fake.count(REFRESH));
    // The sign-in is not lost by that.
    assert!(acme.tokens().await.is_some());
}

#[tokio::test]
async fn a_request_refused_again_after_the_refresh_is_not_sent_a_third_time() {
    let fake = Fake::start(|asked, _| match asked.line.starts_with(REFRESH) {
        true => second_only(asked),
        false => Reply::problem(401, "unauthenticated"),
    })
    .await;
    let error = fake.tenant().dashboard().await.expect_err("refused");
    assert_eq!(error.status(), Some(401));
    assert!(!matches!(error, Error::SignedOut));
    assert_eq!((fake.count(REFRESH), fake.count("GET")), (1, 2));
}

#[tokio::test]
async fn a_stopped_tenant_is_told_apart_from_a_lost_sign_in() {
    let status = std::sync::Arc::new(AtomicU16::new(403));
    let answers = std::sync::Arc::clone(&status);
    let fake = Fake::start(move |asked, _| match answers.load(Ordering::SeqCst) {
        200 => second_only(asked),
        _ if asked.line.starts_with(REFRESH) => Reply::Json(403, problem(403, "tenant_suspended")),
        _ => Reply::problem(401, "unauthenticated"),
    })
    .await;
    let acme = fake.tenant();
    let error = acme.dashboard().await.expect_err("suspended");
    assert_eq!(error.code(), Some("tenant_suspended"));
    status.store(200, Ordering::SeqCst);
    acme.dashboard().await.expect("resumed");
}

#[tokio::test]
async fn a_caller_that_gives_up_leaves_the_refresh_to_the_next() {
    let fake = Fake::start(|asked, n| match (asked.line.starts_with(REFRESH), n) {
        (true, 1) => Reply::Silence,
        _ => second_only(asked),
    })
    .await;
    let acme = fake.tenant();
    let given_up = tokio::time::timeout(Duration::from_millis(100), acme.dashboard()).await;
    assert!(given_up.is_err());
    acme.dashboard().await.expect("the next one");
    assert_eq!(fake.count(REFRESH), 2);
}

#[tokio::test]
async fn signing_out_forgets_the_tokens_and_twice_is_fine() {
    let fake = Fake::start(|_, _| Reply::Json(204, String::new())).await;
    let acme = fake.tenant();
    acme.sign_out().await.expect("signed out");
    acme.sign_out().await.expect("still signed out");
    assert!(matches!(acme.me().await, Err(Error::SignedOut)));
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test]
async fn no_secret_is_printed() {
    let fake =
        Fake::start(|_, _| Reply::Json(200, tokens("access-9", "refresh-9").to_string())).await;
    let entrance = fake.client().tenant("acme");
    let acme = entrance.sign_in("a@b.example", "geheim").await.expect("signed in");
    let trial = crate::TrialIn::new("Acme", "a@b.example", "geheim");
    let held = acme.tokens().await;
    let printed = format!(
        "{acme:?} {:?} {held:?} {trial:?} {entrance:?} {:?}",
        acme.entities(),
        acme.events()
    );
    for secret in ["access-9", "refresh-9", "geheim"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
    assert!(fake.asked()[0].body.contains("geheim"));
}
