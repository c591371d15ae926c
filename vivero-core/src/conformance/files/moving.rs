//! Copies, renames and promotion.

use super::Harness;
use super::ground::{Ground, LARGE, assert_not_found, quarantined};
use crate::files::{Area, FileKey};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) async fn a_copy_is_a_file_of_its_own(harness: &dyn Harness) {
    let ground = Ground::new(harness, "copy").await;
    let (from, content) = ground.file(50_000).await;
    let to = ground.key();
    let info = ground.store.copy(ground.tenant, from, to).await.expect("copying");
    let original = ground.head(from).await.expect("the original");
    assert_eq!((info.key, info.size), (to, original.size));
    assert_eq!(info.sha256, original.sha256, "a copy has the checksum of its original");
    ground.assert_is(from, &content, "the original").await;
    ground.assert_is(to, &content, "the copy").await;
    let other = ground.content(10);
    ground.put(from, &other).await;
    ground.assert_is(to, &content, "the copy after the original was replaced").await;
    ground.store.delete(ground.tenant, from).await.expect("deleting");
    ground.assert_is(to, &content, "the copy after the original was deleted").await;
    assert_eq!(ground.head(to).await.map(|head| head.sha256), Some(info.sha256));
    ground.assert_swept("after copies").await;
}

pub(super) async fn a_renamed_file_is_only_in_its_new_place(harness: &dyn Harness) {
    let ground = Ground::new(harness, "rename").await;
    let (from, content) = ground.file(50_000).await;
    let sha256 = ground.head(from).await.expect("the file").sha256;
    let ids = [ground.source.id(), ground.source.id(), ground.source.id()];
    let deep = FileKey::new(Area::Stored, &ids).expect("a key of three ids");
    let mut at = from;
    for to in [ground.key(), quarantined(ground.key()), deep, ground.key()] {
        let info = ground.store.rename(ground.tenant, at, to).await.expect("renaming");
        assert_eq!((info.key, info.size, info.sha256), (to, 50_000, sha256), "{at} to {to}");
        ground.assert_is(to, &content, "renamed").await;
        ground.assert_gone(at, "renamed").await;
        at = to;
    }
    assert_eq!(ground.keys().await, [at], "it is one file all the time");
    ground.assert_swept("after renames").await;
}

pub(super) async fn a_promoted_file_has_left_quarantine(harness: &dyn Harness) {
    let ground = Ground::new(harness, "promote").await;
    for named in [Area::Quarantine, Area::Stored] {
        let (key, content) = (ground.key(), ground.content(5_000));
        ground.put(quarantined(key), &content).await;
        ground.assert_gone(key, "before it is promoted").await;
        let promoted = ground.store.promote(ground.tenant, key.in_area(named)).await;
        assert_eq!(promoted.expect("promoting").key, key, "it is where it belongs");
        ground.assert_is(key, &content, "promoted").await;
        ground.assert_gone(quarantined(key), "promoted").await;
        let again = ground.store.promote(ground.tenant, key).await;
        assert_not_found(again, "what has left quarantine cannot leave it again");
        ground.assert_is(key, &content, "promoted twice").await;
    }
}

pub(super) async fn what_was_there_is_replaced(harness: &dyn Harness) {
    let ground = Ground::new(harness, "replaced").await;
    let (target, _) = ground.file(9_000).await;
    let (copied, content) = ground.file(700).await;
    ground.store.copy(ground.tenant, copied, target).await.expect("copying");
    ground.assert_is(target, &content, "copied over").await;
    let (renamed, content) = ground.file(12_000).await;
    ground.store.rename(ground.tenant, renamed, target).await.expect("renaming");
    ground.assert_is(target, &content, "renamed over").await;
    ground.assert_gone(renamed, "renamed over").await;
}

pub(super) async fn what_is_not_there_cannot_be_moved(harness: &dyn Harness) {
    let ground = Ground::new(harness, "cannot be moved").await;
    let (there, content) = ground.file(100).await;
    let missing = ground.key();
    for to in [there, ground.key(), missing] {
        assert_not_found(ground.store.copy(ground.tenant, missing, to).await, "copying");
        assert_not_found(ground.store.rename(ground.tenant, missing, to).await, "renaming");
    }
    assert_not_found(ground.store.promote(ground.tenant, there).await, "promoting");
    ground.assert_is(there, &content, "after what was not there").await;
    assert_eq!(ground.keys().await, [there], "nothing has come of it");
    ground.assert_swept("after what was not there").await;
}

pub(super) async fn onto_itself_nothing_changes(harness: &dyn Harness) {
    let ground = Ground::new(harness, "onto itself").await;
    let (key, content) = ground.file(100_000).await;
    let sha256 = ground.head(key).await.expect("the file").sha256;
    for _ in 0..2 {
        let copied = ground.store.copy(ground.tenant, key, key).await.expect("copying");
        assert_eq!((copied.key, copied.sha256), (key, sha256));
        ground.assert_is(key, &content, "copied onto itself").await;
        let renamed = ground.store.rename(ground.tenant, key, key).await.expect("renaming");
        assert_eq!((renamed.key, renamed.sha256), (key, sha256));
        ground.assert_is(key, &content, "renamed onto itself").await;
    }
}

pub(super) async fn large_files_move_as_small_ones_do(harness: &dyn Harness) {
    let ground = Ground::new(harness, "large").await;
    let (key, content) = (ground.key(), ground.content(LARGE));
    let put = ground.put(quarantined(key), &content).await;
    let promoted = ground.store.promote(ground.tenant, key).await.expect("promoting");
    assert_eq!((promoted.size, promoted.sha256), (put.size, put.sha256));
    let copy = ground.key();
    ground.store.copy(ground.tenant, key, copy).await.expect("copying");
    ground.assert_is(key, &content, "promoted").await;
    ground.assert_is(copy, &content, "copied").await;
    assert_eq!(ground.head(copy).await.map(|head| head.sha256), Some(put.sha256));
    ground.assert_gone(quarantined(key), "promoted").await;
    ground.assert_swept("after large files").await;
}

pub(super) async fn what_is_copied_onto_is_read_whole(harness: &dyn Harness) {
    let ground = Arc::new(Ground::new(harness, "copied onto").await);
    let (small, one) = ground.file(500).await;
    let (large, two) = ground.file(400_000).await;
    let (target, _) = (ground.key(), ());
    ground.put(target, &one).await;
    let stop = Arc::new(AtomicBool::new(false));
    let reader = {
        let (ground, stop) = (Arc::clone(&ground), Arc::clone(&stop));
        let contents: [Bytes; 2] = [one, two];
        tokio::spawn(async move {
            let mut reads = 0;
            while !stop.load(Ordering::SeqCst) || reads == 0 {
                let read = ground.read(target).await.expect("there is one at any moment");
                assert!(contents.contains(&read), "one of them, whole");
                reads += 1;
            }
        })
    };
    for i in 0..30 {
        let from = if i % 2 == 0 { large } else { small };
        ground.store.copy(ground.tenant, from, target).await.expect("copying");
    }
    stop.store(true, Ordering::SeqCst);
    reader.await.expect("a reader that saw nothing odd");
}
