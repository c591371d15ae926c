//! Redis holds the contract of what is shared, loses its server and finds it again.
#![cfg(feature = "redis")]

#[path = "support/redis.rs"]
mod support;

use async_trait::async_trait;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::Server;
use vivero_core::conformance::shared::Harness;
use vivero_core::shared::{Backoff, Quota, Reach, Topic};
use vivero_core::{Clock as _, IdSource as _, Shared};
use vivero_store::{RedisOptions, RedisShared, SystemClock, SystemIds};

/// Installations of their own on one server. Its clock is its own, so time is waited for.
struct Redis;

#[async_trait]
impl Harness for Redis {
    async fn installation(&self, processes: usize) -> Vec<Arc<dyn Shared>> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let n = NEXT.fetch_add(1, Ordering::SeqCst);
        let options = RedisOptions {
            prefix: format!("test-{}-{n}", std::process::id()),
            // Tests share the machine: this is about what is answered, not how soon.
            timeout: Duration::from_secs(10),
            ..RedisOptions::default()
        };
        let mut all: Vec<Arc<dyn Shared>> = Vec::new();
        for _ in 0..processes {
            all.push(Arc::new(open(&support::address(), options.clone()).await));
        }
        all
    }
    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

async fn open(url: &str, options: RedisOptions) -> RedisShared {
    let me = SystemIds::default().id(SystemClock.now());
    RedisShared::open(url, options, me, Arc::new(SystemClock)).await.expect("opening")
}

vivero_core::shared_conformance_tests!(Redis);

/// Longer than finding a server again takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A slow machine takes its time over anything; what is bounded must stay far below what is not.
const SOON: Duration = Duration::from_secs(1);

async fn until(shared: &RedisShared, reach: Reach) {
    let deadline = Instant::now() + PATIENCE;
    while shared.stats().reach != reach {
        assert!(Instant::now() < deadline, "not {reach:?} but {:?}", shared.stats());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn quota(burst: u32) -> Quota {
    Quota::every(Duration::from_secs(3600), NonZeroU32::new(burst).expect("not zero"))
}

/// How many of so many tries get through, none of which may take long.
async fn let_through(shared: &RedisShared, key: &str, tries: u32) -> usize {
    let mut allowed = 0;
    for _ in 0..tries {
        let asked = Instant::now();
        allowed += usize::from(shared.take(key, quota(5), 1).await.allowed);
        assert!(asked.elapsed() < SOON, "a request waited {:?} for Redis", asked.elapsed());
    }
    allowed
}

async fn hears(from: &RedisShared, to: &RedisShared) {
    let topic = Topic::Jobs("mail".into());
    let mut waiting = to.watch(&topic);
    let seen = *waiting.borrow_and_update();
    from.announce(&topic).await;
    let heard = tokio::time::timeout(PATIENCE, waiting.wait_for(|version| *version != seen));
    heard.await.expect("word of it").expect("someone announces");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_is_done_without_and_found_again() {
    let mut server = Server::new(&[]);
    server.start();
    let one = open(&server.url(), RedisOptions::default()).await;
    let other = open(&server.url(), RedisOptions::default()).await;
    assert_eq!(one.stats().reach, Reach::Connected);
    assert_eq!(let_through(&one, "shared", 4).await + let_through(&other, "shared", 4).await, 5);
    hears(&one, &other).await;

    server.kill();
    let topic = Topic::Tenants;
    let before = other.version(&topic);
    assert_eq!(let_through(&one, "alone", 8).await, 5, "the same numbers, for each by itself");
    assert_eq!(let_through(&other, "alone", 8).await, 5);
    let backoff = Backoff { free: 1, waits: &[500], forget_after: 600 };
    assert!(one.failed("key", backoff).await.is_zero());
    assert!(!one.failed("key", backoff).await.is_zero());
    assert!(!one.wait("key").await.is_zero());
    let announced = Instant::now();
    let version = one.version(&topic);
    assert!(one.announce(&topic).await > version, "whoever announces knows at once");
    assert!(announced.elapsed() < SOON);
    until(&one, Reach::Away).await;
    until(&other, Reach::Away).await;
    assert!(one.stats().decided_alone >= 8 && other.stats().decided_alone >= 8);

    server.start();
    until(&one, Reach::Connected).await;
    until(&other, Reach::Connected).await;
    assert!(other.version(&topic) > before, "anything may have been missed");
    assert_eq!(let_through(&one, "again", 4).await + let_through(&other, "again", 4).await, 5);
    hears(&one, &other).await;
    hears(&other, &one).await;
    assert_eq!(one.stats().connected, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_holds_nobody_up() {
    let mut server = Server::new(&[]);
    server.start();
    let one = open(&server.url(), RedisOptions::default()).await;
    assert_eq!(let_through(&one, "before", 8).await, 5);
    server.signal("-STOP");
    let asked = Instant::now();
    assert_eq!(let_through(&one, "meanwhile", 8).await, 5);
    // One of them waited for its bound, 50 ms; the others not at all.
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    assert_eq!(one.stats().reach, Reach::Away);
    server.signal("-CONT");
    until(&one, Reach::Connected).await;
    assert_eq!(let_through(&one, "after", 8).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_late_is_found() {
    let mut server = Server::new(&[]);
    let one = open(&server.url(), RedisOptions::default()).await;
    assert_eq!(one.stats().reach, Reach::Away);
    assert_eq!(let_through(&one, "early", 8).await, 5);
    server.start();
    until(&one, Reach::Connected).await;
    assert_eq!(let_through(&one, "late", 8).await, 5);
    one.close().await;
    assert_eq!(one.stats().reach, Reach::Away);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_needed_and_never_repeated() {
    let mut server = Server::new(&["--requirepass", "wrong horse"]);
    server.start();
    let right = server.url().replace("redis://", "redis://:wrong%20horse@");
    assert_eq!(open(&right, RedisOptions::default()).await.stats().reach, Reach::Connected);
    for bad in [
        server.url(),
        server.url().replace("redis://", "redis://:sesame@"),
        "http://:sesame@127.0.0.1".into(),
        "redis://:sesame@".into(),
        format!("{}/#insecure", server.url().replace("redis://", "rediss://:sesame@")),
    ] {
        let me = SystemIds::default().id(SystemClock.now());
        let opened =
            RedisShared::open(&bad, RedisOptions::default(), me, Arc::new(SystemClock)).await;
        let error = opened.expect_err(&bad);
        assert!(matches!(error, vivero_core::Error::Invalid(_)), "{bad}: {error:?}");
        assert!(!format!("{error:?} {error}").contains("sesame"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_program_announces_counts_as_anything() {
    let server = support::address();
    let prefix = format!("newer-{}", std::process::id());
    let one =
        open(&server, RedisOptions { prefix: prefix.clone(), ..RedisOptions::default() }).await;
    let mut waiting = one.watch(&Topic::Tenants);
    waiting.mark_unchanged();
    let client = redis::Client::open(server).expect("an address");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let mut publish = redis::cmd("PUBLISH");
    publish.arg(format!("{prefix}:changes"));
    publish.arg("00000000000000000000000000000001 moons of a tenant");
    let heard = publish.query_async::<i64>(&mut connection).await.expect("publishing");
    assert_eq!(heard, 1);
    tokio::time::timeout(PATIENCE, waiting.changed()).await.expect("word").expect("versions");
}

async fn with_tls(server: &Server, ca: &Path) -> RedisShared {
    let ca = Some(std::fs::read(ca.join("ca.pem")).expect("an authority"));
    // A handshake on a busy machine takes longer than a command may.
    let timeout = Duration::from_secs(10);
    open(&server.tls_url(), RedisOptions { ca, timeout, ..RedisOptions::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_tls_is_talked_to_if_its_certificate_is_of_a_given_authority_and_of_its_name()
{
    let folder = || tempfile::tempdir().expect("a folder");
    let (good, other, elsewhere) = (folder(), folder(), folder());
    support::certificate(good.path(), "localhost");
    support::certificate(other.path(), "localhost");
    support::certificate(elsewhere.path(), "elsewhere.example.com");
    let told = support::tls(good.path());
    let mut server = Server::new(&told.iter().map(String::as_str).collect::<Vec<_>>());
    server.start();
    let (one, two) = (with_tls(&server, good.path()).await, with_tls(&server, good.path()).await);
    assert_eq!(one.stats().reach, Reach::Connected);
    assert_eq!(let_through(&one, "tls", 4).await + let_through(&two, "tls", 4).await, 5);
    hears(&one, &two).await;
    // Nobody is let in who might be listened to by others.
    let fooled = with_tls(&server, other.path()).await;
    assert_eq!(fooled.stats().reach, Reach::Away, "a certificate of another authority");

    let told = support::tls(elsewhere.path());
    let mut server = Server::new(&told.iter().map(String::as_str).collect::<Vec<_>>());
    server.start();
    let fooled = with_tls(&server, elsewhere.path()).await;
    assert_eq!(fooled.stats().reach, Reach::Away, "a certificate of another name");
    assert_eq!(let_through(&fooled, "alone", 8).await, 5, "it goes on by itself");
}

#[tokio::test]
async fn authorities_that_are_none_are_refused() {
    let me = || SystemIds::default().id(SystemClock.now());
    for (url, ca) in
        [("redis://localhost", "-----BEGIN CERTIFICATE-----"), ("rediss://localhost", "no PEM")]
    {
        let options = RedisOptions { ca: Some(ca.into()), ..RedisOptions::default() };
        let opened = RedisShared::open(url, options, me(), Arc::new(SystemClock)).await;
        let refused = opened.expect_err(url).to_string();
        assert!(refused.contains("authorities"), "{refused}");
    }
}
