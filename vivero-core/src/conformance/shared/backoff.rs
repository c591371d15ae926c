//! Waiting after failures.

use super::{Harness, two};
use crate::shared::Backoff;
use futures_util::future::join_all;
use std::time::Duration;

const BACKOFF: Backoff = Backoff { free: 2, waits: &[100, 300, 900], forget_after: 86_400 };

const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

pub(super) async fn the_first_failures_are_free_and_then_waits_grow(harness: &dyn Harness) {
    let (me, other) = two(harness).await;
    assert!(me.wait("key").await.is_zero(), "nothing has failed");
    for (n, wait) in [0, 0, 100, 300, 900, 900].into_iter().enumerate() {
        let process = if n % 2 == 0 { &me } else { &other };
        assert_eq!(process.failed("key", BACKOFF).await, seconds(wait), "failure {}", n + 1);
        for process in [&me, &other] {
            let now = process.wait("key").await;
            assert!(now <= seconds(wait) && now + super::CASE_LIMIT > seconds(wait), "{now:?}");
            assert_eq!(now.is_zero(), wait == 0, "failure {}", n + 1);
        }
    }
    assert!(me.wait("another").await.is_zero(), "keys do not mix");
}

pub(super) async fn a_wait_ends(harness: &dyn Harness) {
    let (me, other) = two(harness).await;
    let short = Backoff { free: 0, waits: &[1], forget_after: 86_400 };
    assert_eq!(me.failed("key", short).await, seconds(1));
    harness.pass(other.wait("key").await).await;
    assert!(other.wait("key").await.is_zero());
    assert_eq!(other.failed("key", short).await, seconds(1), "the next failure waits again");
}

pub(super) async fn a_success_forgets_them(harness: &dyn Harness) {
    let (me, other) = two(harness).await;
    for _ in 0..4 {
        me.failed("key", BACKOFF).await;
        me.failed("another", BACKOFF).await;
    }
    other.succeeded("key").await;
    assert!(me.wait("key").await.is_zero());
    assert!(me.failed("key", BACKOFF).await.is_zero(), "counted from the beginning");
    assert!(!me.wait("another").await.is_zero());
}

pub(super) async fn failures_are_forgotten_after_a_time(harness: &dyn Harness) {
    let (me, other) = two(harness).await;
    let brief = Backoff { free: 1, waits: &[60], forget_after: 1 };
    me.failed("key", brief).await;
    other.failed("key", brief).await;
    harness.pass(seconds(1) + Duration::from_millis(50)).await;
    assert!(me.wait("key").await.is_zero());
    assert!(me.failed("key", brief).await.is_zero(), "counted from the beginning");
}

pub(super) async fn failures_at_once_all_count(harness: &dyn Harness) {
    let processes = harness.installation(3).await;
    let many = Backoff { free: 29, waits: &[500], forget_after: 86_400 };
    let failing = (0..30).map(|n| processes[n % 3].failed("key", many));
    let waiting = join_all(failing).await.into_iter().filter(|wait| !wait.is_zero()).count();
    assert_eq!(waiting, 1, "the thirtieth waits, whichever it was");
}

pub(super) async fn installations_have_failures_of_their_own(harness: &dyn Harness) {
    let (me, _) = two(harness).await;
    let (stranger, _) = two(harness).await;
    for _ in 0..4 {
        me.failed("key", BACKOFF).await;
    }
    assert!(stranger.wait("key").await.is_zero());
}
