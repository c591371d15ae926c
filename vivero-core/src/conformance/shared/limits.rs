//! Limits that hold for all processes together.

use super::{Harness, two};
use crate::shared::Quota;
use futures_util::future::join_all;
use std::num::NonZeroU32;
use std::time::Duration;

/// Long enough that nothing comes back while a case runs.
const HOUR: Duration = Duration::from_secs(3600);

fn quota(interval: Duration, burst: u32) -> Quota {
    Quota::every(interval, NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN))
}

pub(super) async fn a_burst_is_let_through_and_then_no_more(harness: &dyn Harness) {
    let (me, other) = two(harness).await;
    let quota = quota(HOUR, 4);
    for (left, process) in [(3, &me), (2, &other), (1, &me), (0, &other)] {
        let decision = process.take("key", quota, 1).await;
        assert!(decision.allowed && decision.retry_after.is_zero(), "{decision:?}");
        assert_eq!(decision.remaining, left);
    }
    for process in [&me, &other, &me] {
        let decision = process.take("key", quota, 1).await;
        assert!(!decision.allowed && decision.remaining == 0, "{decision:?}");
        let wait = decision.retry_after;
        assert!(wait <= HOUR && wait > HOUR - super::CASE_LIMIT, "{wait:?}");
    }
}

pub(super) async fn what_was_used_up_comes_back_with_time(harness: &dyn Harness) {
    let (me, other) = two(harness).await;
    let interval = Duration::from_millis(400);
    let quota = quota(interval, 2);
    let first = me.take("key", quota, 2).await;
    assert!(first.allowed, "{first:?}");
    let refused = other.take("key", quota, 1).await;
    // Where waiting is real, a slow machine may have waited already.
    if !refused.allowed {
        assert!(refused.retry_after <= interval, "{refused:?}");
        harness.pass(refused.retry_after).await;
        assert!(other.take("key", quota, 1).await.allowed, "one came back");
    }
    harness.pass(interval * 3).await;
    let again = me.take("key", quota, 2).await;
    assert!(again.allowed, "all came back, and no more than all: {again:?}");
    let beyond = other.take("key", quota, 2).await;
    assert!(!beyond.allowed, "what was not used is not saved up: {beyond:?}");
}

pub(super) async fn many_at_once_get_no_more_than_one_would(harness: &dyn Harness) {
    let processes = harness.installation(3).await;
    let quota = quota(HOUR, 20);
    let takes = (0..90).map(|n| processes[n % 3].take("key", quota, 1));
    let allowed = join_all(takes).await.into_iter().filter(|d| d.allowed).count();
    assert_eq!(allowed, 20);
}

pub(super) async fn a_cost_counts_so_much(harness: &dyn Harness) {
    let (me, other) = two(harness).await;
    let quota = quota(HOUR, 10);
    assert_eq!(me.take("key", quota, 7).await.remaining, 3);
    let refused = other.take("key", quota, 4).await;
    assert!(!refused.allowed, "{refused:?}");
    assert_eq!(refused.remaining, 3, "what is refused takes nothing");
    assert!(other.take("key", quota, 3).await.allowed);
    let nothing = me.take("key", quota, 0).await;
    assert!(nothing.allowed && nothing.remaining == 0, "{nothing:?}");
}

pub(super) async fn more_than_the_burst_is_never_let_through(harness: &dyn Harness) {
    let (me, _) = two(harness).await;
    let quota = quota(Duration::from_millis(1), 5);
    let decision = me.take("key", quota, 6).await;
    assert!(!decision.allowed, "{decision:?}");
    assert_eq!((decision.retry_after, decision.remaining), (Duration::MAX, 5));
}

pub(super) async fn keys_do_not_mix(harness: &dyn Harness) {
    let (me, _) = two(harness).await;
    let quota = quota(HOUR, 1);
    for key in ["a", "b", "A", "a:b", "a b", "ä", "", "wait"] {
        assert!(me.take(key, quota, 1).await.allowed, "{key}");
    }
    assert!(!me.take("ä", quota, 1).await.allowed);
    assert!(me.wait("a").await.is_zero(), "limits and failures are apart");
}

pub(super) async fn installations_have_limits_of_their_own(harness: &dyn Harness) {
    let (me, _) = two(harness).await;
    let (stranger, _) = two(harness).await;
    let quota = quota(HOUR, 1);
    assert!(me.take("key", quota, 1).await.allowed);
    assert!(stranger.take("key", quota, 1).await.allowed);
    assert!(!me.take("key", quota, 1).await.allowed);
}
