//! Servers that are away, slow or busy, and uploads that are cut off.

use crate::server::{Act, Server};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream};
use hyper::{Method, Uri};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use vivero_core::files::{FileKey, FileStore as _, Upload};
use vivero_core::{Error, ErrorKind, FileId, Result, TenantId, Uuid};
use vivero_store::S3Files;

pub(crate) const LARGE: usize = 20 << 20;

pub(crate) fn tenant() -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(0xaaaa))
}
pub(crate) fn key(number: u128) -> FileKey {
    FileKey::stored(FileId::from_uuid(Uuid::from_u128(number)))
}
pub(crate) async fn put(files: &S3Files, size: usize) -> Result<()> {
    files.put(tenant(), key(1), Upload::of(vec![7; size])).await.map(|_| ())
}

fn is_part(method: &Method, uri: &Uri) -> bool {
    method == Method::PUT && uri.query().is_some_and(|query| query.contains("partNumber"))
}
fn is_completion(method: &Method, uri: &Uri) -> bool {
    method == Method::POST && uri.query().is_some_and(|query| query.contains("uploadId"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_busy_for_a_while_is_asked_again() {
    let server = Server::start().await;
    let files = server.files();
    for status in [500, 503] {
        for size in [10, LARGE] {
            let mut refusals = 0;
            server.rule(move |method, _| {
                let refuse = *method == Method::PUT && refusals < 2;
                refusals += u32::from(refuse);
                if refuse { Act::Refuse(status) } else { Act::Do }
            });
            put(&files, size).await.unwrap_or_else(|e| panic!("{status}, {size} bytes: {e:?}"));
        }
    }
    server.behave();
    let read = files.get(tenant(), key(1), None).await.expect("a file").into_bytes().await;
    assert_eq!(read.expect("its content").len(), LARGE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stays_busy_is_unavailable_after_so_many_attempts() {
    let server = Server::start().await;
    let files = server.files();
    server.rule(|_, _| Act::Refuse(429));
    assert_eq!(put(&files, 10).await.expect_err("too many").kind(), ErrorKind::Unavailable);
    server.forget_requests();
    server.rule(|_, _| Act::Refuse(503));
    let outcomes: [(&str, Result<()>); 6] = [
        ("put", put(&files, 10).await),
        ("get", files.get(tenant(), key(1), None).await.map(|_| ())),
        ("head", files.head(tenant(), key(1)).await.map(|_| ())),
        ("copy", files.copy(tenant(), key(1), key(2)).await.map(|_| ())),
        ("delete", files.delete(tenant(), key(1)).await),
        ("ping", files.ping().await),
    ];
    for (what, outcome) in outcomes {
        let error = outcome.expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{what}: {error:?}");
        assert!(matches!(error, Error::Unavailable { source: Some(_), .. }), "with its cause");
    }
    assert_eq!(server.requests().len(), 6 * 3, "three attempts each");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_silent_or_gone_is_unavailable_in_time() {
    let server = Server::start().await;
    server.rule(|_, _| Act::Ignore);
    let short = |endpoint: String| {
        let mut options = server.options();
        options.endpoint = Some(endpoint);
        options.attempts = 2;
        options.connect_within = Duration::from_millis(200);
        options.patience = Duration::from_millis(200);
        options.attempt_within = Duration::from_secs(1);
        S3Files::new(options).expect("options that can be")
    };
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("it");
    for endpoint in [format!("http://{}", server.address), format!("http://{gone}")] {
        let (files, start) = (short(endpoint.clone()), Instant::now());
        for outcome in [put(&files, 10).await, put(&files, LARGE).await, files.ping().await] {
            assert_eq!(outcome.expect_err("away").kind(), ErrorKind::Unavailable, "{endpoint}");
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{endpoint}: {:?}", start.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_may_take_its_time_over_a_large_file() {
    let server = Server::start().await;
    let mut options = server.options();
    options.attempts = 1;
    options.patience = Duration::from_secs(2);
    options.attempt_within = Duration::from_secs(2);
    let patient = S3Files::new(options.clone()).expect("options that can be");
    options.copy_within = Duration::from_secs(2);
    let impatient = S3Files::new(options).expect("options that can be");
    let slow = Act::DoSlowly(Duration::from_millis(2_500));
    let copies = |m: &Method, uri: &Uri| {
        *m == Method::PUT && uri.query().is_some_and(|query| query.contains("CopyObject"))
    };
    server.rule(move |m, uri| if copies(m, uri) || is_completion(m, uri) { slow } else { Act::Do });
    put(&patient, LARGE).await.expect("all in good time");
    let late = put(&impatient, LARGE).await.expect_err("too slow");
    assert_eq!(late.kind(), ErrorKind::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_fails_aborts_the_whole() {
    let server = Server::start().await;
    let files = server.files();
    for act in [Act::Refuse(503), Act::Refuse(403), Act::DoAndSay(500)] {
        server.rule(move |method, uri| {
            let second = uri.query().is_some_and(|query| query.contains("partNumber=2"));
            if is_part(method, uri) && second { act } else { Act::Do }
        });
        put(&files, LARGE).await.expect_err("a part is missing");
        assert_eq!(server.pieces(), 0, "{act:?}: nothing stays on the server");
        assert_eq!(files.head(tenant(), key(1)).await.expect("no file"), None);
        assert_eq!(files.sweep(DateTime::<Utc>::MAX_UTC).await.expect("sweeping"), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_given_up_is_aborted_in_the_background() {
    let server = Server::start().await;
    let files = server.files();
    let chunks = stream::repeat_with(|| Ok(Bytes::from(vec![7; 1 << 20]))).take(20);
    let upload = Upload::new(chunks.chain(stream::pending()), 1 << 30);
    let putting = files.put(tenant(), key(1), upload);
    tokio::select! {
        _ = putting => panic!("it has not ended"),
        () = server.seen(|request| request.contains("partNumber=1")) => {}
    }
    server.seen(|request| request.starts_with("DELETE") && request.contains("uploadId")).await;
    assert_eq!(server.pieces(), 0, "nothing stays on the server");
    assert_eq!(files.head(tenant(), key(1)).await.expect("no file"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_whose_answer_is_lost_is_found_done() {
    let server = Server::start().await;
    let files = server.files();
    let mut lost = 0;
    server.rule(move |method, uri| {
        let lose = is_completion(method, uri) && lost < 1;
        lost += u32::from(lose);
        if lose { Act::DoAndSay(500) } else { Act::Do }
    });
    put(&files, LARGE).await.expect("it was done");
    let head = files.head(tenant(), key(1)).await.expect("an answer").expect("a file");
    assert_eq!(head.size, LARGE as u64);
    assert_eq!(server.pieces(), 0);
    assert_eq!(files.sweep(DateTime::<Utc>::MAX_UTC).await.expect("sweeping"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_fails_leaves_nothing() {
    let server = Server::start().await;
    let files = server.files();
    server.rule(|m, uri| if is_completion(m, uri) { Act::Refuse(500) } else { Act::Do });
    let failed = put(&files, LARGE).await.expect_err("it was not done");
    assert_eq!(failed.kind(), ErrorKind::Unavailable);
    assert_eq!(server.pieces(), 0, "nothing stays on the server");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_cannot_be_given_leaves_what_was_there() {
    let server = Server::start().await;
    let files = server.files();
    put(&files, 10).await.expect("a small file");
    server.rule(|method, uri| {
        let plain = *method == Method::PUT && uri.query().is_none_or(|q| q.contains("CopyObject"));
        if plain && !uri.path().contains("incoming") { Act::Refuse(503) } else { Act::Do }
    });
    put(&files, LARGE).await.expect_err("the copy fails");
    server.behave();
    assert_eq!(files.sweep(DateTime::<Utc>::MAX_UTC).await.expect("sweeping"), 0);
    let head = files.head(tenant(), key(1)).await.expect("an answer").expect("a file");
    assert_eq!(head.size, 10, "what was there before");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_left_is_swept() {
    let server = Server::start().await;
    let files = server.files();
    put(&files, 10).await.expect("a file");
    // As if killed: the abort in the background does not get through either.
    server.rule(|method, uri| {
        let abort = *method == Method::DELETE && uri.path().contains("incoming");
        if abort || is_completion(method, uri) { Act::Refuse(403) } else { Act::Do }
    });
    put(&files, LARGE).await.expect_err("cut off before it was complete");
    assert!(server.pieces() > 0, "parts are left");
    server.rule(|method, uri| {
        let abort = *method == Method::DELETE && uri.path().contains("incoming");
        if abort { Act::Refuse(403) } else { Act::Do }
    });
    files.put(tenant(), key(2), Upload::of(vec![7; LARGE])).await.expect("named, not tidied");
    server.behave();
    let early = files.sweep(DateTime::<Utc>::UNIX_EPOCH).await.expect("sweeping");
    assert_eq!(early, 0, "nothing is as old as that");
    let swept = files.sweep(DateTime::<Utc>::MAX_UTC).await.expect("sweeping");
    assert_eq!(swept, 2, "an incomplete upload, and one that was copied to its name");
    assert_eq!(server.pieces(), 0);
    for (number, size) in [(1, 10), (2, LARGE as u64)] {
        let head = files.head(tenant(), key(number)).await.expect("an answer");
        assert_eq!(head.expect("a file").size, size, "files are left alone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_list_uploads_is_swept_as_far_as_it_can() {
    let server = Server::start().await;
    let files = server.files();
    let lists_uploads = |m: &Method, uri: &Uri| {
        *m == Method::GET && uri.query().is_some_and(|query| query.contains("uploads"))
    };
    let tidies = |m: &Method, uri: &Uri| *m == Method::DELETE && uri.path().contains("incoming");
    server.rule(move |m, uri| if tidies(m, uri) { Act::Refuse(403) } else { Act::Do });
    put(&files, LARGE).await.expect("named, not tidied");
    server.rule(move |m, uri| if lists_uploads(m, uri) { Act::NotImplemented } else { Act::Do });
    assert_eq!(files.sweep(DateTime::<Utc>::MAX_UTC).await.expect("sweeping"), 1);
    server.rule(move |m, uri| if lists_uploads(m, uri) { Act::Refuse(503) } else { Act::Do });
    let failed = files.sweep(DateTime::<Utc>::MAX_UTC).await.expect_err("it could, but not now");
    assert_eq!(failed.kind(), ErrorKind::Unavailable);
}
