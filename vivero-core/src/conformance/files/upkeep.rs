//! Deleting, sweeping, reopening.

use super::Harness;
use super::ground::{Ground, LARGE, assert_not_found, quarantined};
use chrono::{DateTime, Utc};
use std::sync::Arc;

pub(super) async fn a_deleted_file_is_gone(harness: &dyn Harness) {
    let ground = Ground::new(harness, "deleted").await;
    let (key, content) = ground.file(10_000).await;
    let (other, kept) = ground.file(20).await;
    for key in [key, ground.key(), quarantined(key)] {
        for _ in 0..2 {
            ground.store.delete(ground.tenant, key).await.expect("deleting, or nothing to delete");
        }
    }
    ground.assert_gone(key, "deleted").await;
    assert_not_found(ground.store.get(ground.tenant, key, None).await, "getting");
    ground.assert_is(other, &kept, "another file").await;
    ground.put(key, &content).await;
    ground.assert_is(key, &content, "put again after it was deleted").await;
}

pub(super) async fn sweeping_leaves_files_alone(harness: &dyn Harness) {
    let ground = Ground::new(harness, "swept").await;
    let (small, a) = ground.file(10).await;
    let (large, b) = ground.file(LARGE).await;
    let (waiting, c) = (quarantined(ground.key()), ground.content(30));
    ground.put(waiting, &c).await;
    let times: [DateTime<Utc>; 3] =
        [DateTime::<Utc>::MIN_UTC, DateTime::UNIX_EPOCH, DateTime::<Utc>::MAX_UTC];
    for before in times {
        let removed = ground.store.sweep(before).await.expect("sweeping");
        assert_eq!(removed, 0, "nothing was cut off");
    }
    ground.assert_is(small, &a, "swept").await;
    ground.assert_is(large, &b, "swept").await;
    ground.assert_is(waiting, &c, "swept").await;
}

pub(super) async fn everything_is_there_after_reopening(harness: &dyn Harness) {
    let mut ground = Ground::new(harness, "reopened").await;
    let (small, a) = ground.file(10).await;
    let (large, b) = ground.file(LARGE).await;
    let (waiting, c) = (quarantined(ground.key()), ground.content(3_000));
    ground.put(waiting, &c).await;
    let (gone, _) = ground.file(7).await;
    ground.store.delete(ground.tenant, gone).await.expect("deleting");
    let before = (ground.keys().await, ground.head(large).await);
    ground.store = harness.reopen(Arc::clone(&ground.store)).await;
    assert_eq!((ground.keys().await, ground.head(large).await), before, "the same files");
    ground.assert_is(small, &a, "reopened").await;
    ground.assert_is(large, &b, "reopened").await;
    ground.assert_is(waiting, &c, "reopened").await;
    ground.assert_gone(gone, "reopened").await;
    ground.store.promote(ground.tenant, waiting).await.expect("promoting after reopening");
}

pub(super) async fn a_store_in_order_answers(harness: &dyn Harness) {
    let ground = Ground::new(harness, "answers").await;
    for _ in 0..3 {
        ground.store.ping().await.expect("an answer");
    }
    assert!(ground.keys().await.is_empty(), "asking leaves no file");
    ground.assert_swept("after asking").await;
}
