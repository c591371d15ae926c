//! Maxima and announced sizes.

use super::Harness;
use super::ground::{Ground, LARGE, ROOMY, endless, rule};
use crate::Error;
use crate::files::Upload;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use std::sync::atomic::Ordering;

pub(super) async fn a_size_announced_beyond_the_maximum_is_refused_unread(harness: &dyn Harness) {
    let ground = Ground::new(harness, "announced").await;
    let (key, content) = ground.file(10).await;
    for (max, size) in [(99, 100), (0, 1), (1 << 20, u64::MAX)] {
        let (chunks, taken) = endless(Bytes::new(), 1, 0);
        let upload = Upload::new(chunks, max).with_size(size);
        let refused = ground.store.put(ground.tenant, key, upload).await.expect_err("too large");
        assert_eq!(rule(&refused), "max_size", "{size} bytes where {max} are allowed");
        assert_eq!(taken.load(Ordering::SeqCst), 0, "nothing was read of {size} bytes");
    }
    ground.assert_is(key, &content, "after refusals").await;
    ground.assert_swept("after refusals").await;
}

pub(super) async fn more_than_the_maximum_is_refused_while_it_comes(harness: &dyn Harness) {
    let ground = Ground::new(harness, "too much").await;
    let key = ground.key();
    for (max, chunk) in [(0, 1), (1, 2), (1_000, 999), (100_000, 4_096), (LARGE, 1 << 20)] {
        let (chunks, taken) = endless(Bytes::new(), chunk, max as u64);
        let (max, chunk) = (max as u64, chunk as u64);
        let put = ground.store.put(ground.tenant, key, Upload::new(chunks, max)).await;
        assert_eq!(rule(&put.expect_err("too large")), "max_size", "more than {max} bytes");
        let taken = taken.load(Ordering::SeqCst);
        assert!(taken <= max + chunk, "{taken} bytes were read where {max} are allowed");
        ground.assert_gone(key, "a file that was too large").await;
        ground.assert_swept("a file that was too large").await;
    }
}

pub(super) async fn exactly_the_maximum_is_taken(harness: &dyn Harness) {
    let ground = Ground::new(harness, "the maximum").await;
    for size in [0, 1, 1_000, LARGE] {
        let (key, content) = (ground.key(), ground.content(size));
        let upload = ground.upload(&content).at_most(size as u64);
        ground.store.put(ground.tenant, key, upload).await.expect("as much as is allowed");
        ground.assert_is(key, &content, &format!("the maximum of {size}")).await;
    }
}

pub(super) async fn another_size_than_announced_is_refused(harness: &dyn Harness) {
    let ground = Ground::new(harness, "another size").await;
    let (key, content) = ground.file(10).await;
    for (announced, sent) in [(0, 1), (1, 0), (1_000, 999), (1_000, 1_001), (LARGE, LARGE - 1)] {
        let upload = ground.upload(&ground.content(sent)).with_size(announced as u64);
        let put = ground.store.put(ground.tenant, key, upload).await;
        let refused = put.expect_err("another size");
        assert_eq!(rule(&refused), "size", "{announced} bytes announced, {sent} sent");
        ground.assert_is(key, &content, "after an upload of another size").await;
        ground.assert_swept("after an upload of another size").await;
    }
}

pub(super) async fn a_stream_that_fails_leaves_what_was_there(harness: &dyn Harness) {
    let ground = Ground::new(harness, "failing stream").await;
    let (key, content) = ground.file(1_000).await;
    let fresh = ground.key();
    for size in [0, 1, 100_000, LARGE] {
        for key in [key, fresh] {
            let chunks = ground.chunks(&ground.content(size)).into_iter().map(Ok);
            let broken = stream::once(async { Err(Error::IdempotencyMismatch) });
            let upload = Upload::new(stream::iter(chunks).chain(broken), ROOMY);
            let failed = ground.store.put(ground.tenant, key, upload).await.expect_err("it failed");
            assert!(
                matches!(failed, Error::IdempotencyMismatch),
                "the stream's own error comes out, not {failed:?}"
            );
        }
        ground.assert_is(key, &content, "after a stream that failed").await;
        ground.assert_gone(fresh, "after a stream that failed").await;
        ground.assert_swept("after a stream that failed").await;
    }
}
