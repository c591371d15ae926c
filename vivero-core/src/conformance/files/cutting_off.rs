//! Futures that are dropped before they are done, as when a client hangs up.

use super::Harness;
use super::ground::{Ground, LARGE, ROOMY, quarantined, stalling};
use crate::conformance::cancellation::{PATIENCE, give_up};
use crate::files::Upload;
use bytes::Bytes;
use futures_util::StreamExt as _;

/// Waits until what was given up has cleaned up behind itself.
async fn settle(ground: &Ground) {
    for _ in 0..10_000 {
        if ground.sweep().await == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("sweeping finds something new each time");
}

pub(super) async fn a_put_given_up_before_its_end_leaves_what_was_there(harness: &dyn Harness) {
    let ground = Ground::new(harness, "put before its end").await;
    let (key, content) = ground.file(1_000).await;
    let fresh = ground.key();
    for size in [0, 1, 100_000, LARGE] {
        for polls in PATIENCE {
            for key in [key, fresh] {
                let chunks = stalling(ground.chunks(&ground.content(size)));
                let put = ground.store.put(ground.tenant, key, Upload::new(chunks, ROOMY));
                assert!(give_up(polls, put).await.is_none(), "what has not ended is not done");
            }
            if size == LARGE && polls > 3 {
                break;
            }
        }
        settle(&ground).await;
        ground.assert_is(key, &content, "after puts given up").await;
        ground.assert_gone(fresh, "after puts given up").await;
    }
}

pub(super) async fn a_put_given_up_at_any_moment_is_whole_or_nothing(harness: &dyn Harness) {
    let ground = Ground::new(harness, "put at any moment").await;
    let key = ground.key();
    let mut contents: Vec<Bytes> = Vec::new();
    for polls in PATIENCE {
        let content = ground.content(300_000);
        contents.push(content.clone());
        let put = ground.store.put(ground.tenant, key, ground.upload(&content));
        let done = give_up(polls, put).await;
        let read = ground.read(key).await;
        assert!(
            read.as_ref().is_none_or(|read| contents.contains(read)),
            "after {polls} polls: one of those that were put, whole, or none"
        );
        if let Some(put) = done {
            put.expect("a put that was done");
            assert!(read.as_ref() == Some(&content), "what was done is there");
        }
    }
    settle(&ground).await;
    let last = ground.content(77);
    ground.put(key, &last).await;
    ground.assert_is(key, &last, "after puts given up").await;
}

pub(super) async fn a_move_given_up_at_any_moment_loses_nothing(harness: &dyn Harness) {
    let ground = Ground::new(harness, "move given up").await;
    for polls in PATIENCE {
        let (to, content) = (ground.key(), ground.content(100_000));
        let from = quarantined(to);
        ground.put(from, &content).await;
        let _ = give_up(polls, ground.store.promote(ground.tenant, to)).await;
        let (old, new) = (ground.read(from).await, ground.read(to).await);
        assert!(old.is_some() || new.is_some(), "after {polls} polls: it is in one place or both");
        for read in [old.as_ref(), new.as_ref()].into_iter().flatten() {
            assert!(*read == content, "after {polls} polls: wherever it is, it is whole");
        }
        // Given up it may still come to its end; the same call again finishes it in any case.
        match ground.store.promote(ground.tenant, to).await {
            Ok(_) => {}
            Err(e) => assert_eq!(e.code(), "file_not_found", "{e:?}"),
        }
        ground.assert_is(to, &content, "moved at last").await;
        ground.assert_gone(from, "moved at last").await;
    }
    settle(&ground).await;
}

pub(super) async fn a_reading_given_up_harms_no_one(harness: &dyn Harness) {
    let ground = Ground::new(harness, "reading given up").await;
    let (key, content) = ground.file(LARGE).await;
    for _ in 0..2 {
        for polls in PATIENCE {
            let _ = give_up(polls, ground.store.get(ground.tenant, key, None)).await;
            let reading = ground.store.get(ground.tenant, key, None).await.expect("a file");
            let mut chunks = reading.into_stream();
            let first = chunks.next().await.expect("a first chunk").expect("a sound chunk");
            assert!(content.starts_with(&first), "a download begins with the beginning");
        }
    }
    ground.assert_is(key, &content, "after readings given up").await;
}
