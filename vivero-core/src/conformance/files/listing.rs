//! Lists of files.

use super::Harness;
use super::ground::{Ground, quarantined};
use crate::files::{Area, FileKey, FilePrefix, MAX_LIST};
use crate::{FileId, Uuid};
use bytes::Bytes;
use std::collections::BTreeSet;

/// Files with keys of one to three ids in both areas, some close together and some years apart.
async fn many(ground: &Ground) -> BTreeSet<FileKey> {
    let mut keys = BTreeSet::new();
    let parents: Vec<Uuid> = (0..4).map(|_| ground.source.id()).collect();
    let far = [0_u128, 1, u128::MAX, 1 << 127, 0x0123_4567_89ab_cdef << 64];
    for id in parents.iter().copied().chain(far.map(Uuid::from_u128)) {
        keys.insert(FileKey::stored(FileId::from_uuid(id)));
        for _ in 0..3 {
            let ids = [id, ground.source.id(), ground.source.id()];
            for area in Area::ALL {
                for depth in 1..=3 {
                    if ground.source.dice(2) == 0 {
                        keys.insert(FileKey::new(area, &ids[..depth]).expect("a key"));
                    }
                }
            }
        }
    }
    for (i, key) in keys.iter().enumerate() {
        ground.put(*key, &Bytes::from(vec![1; i])).await;
    }
    keys
}

pub(super) async fn files_are_listed_in_the_order_of_keys(harness: &dyn Harness) {
    let ground = Ground::new(harness, "order").await;
    assert!(ground.keys().await.is_empty(), "a tenant without files has an empty list");
    let keys = many(&ground).await;
    let listed = ground.keys().await;
    assert!(listed.iter().eq(&keys), "every file once, in the order of keys");
    let mut texts: Vec<String> = listed.iter().map(ToString::to_string).collect();
    texts.sort_unstable();
    assert!(listed.iter().map(ToString::to_string).eq(texts), "which is that of their texts");
}

pub(super) async fn pages_give_each_file_once(harness: &dyn Harness) {
    let ground = Ground::new(harness, "pages").await;
    let keys: Vec<FileKey> = many(&ground).await.into_iter().collect();
    let all = u32::try_from(keys.len()).expect("fits");
    for limit in [1, 2, 3, 7, all - 1, all, all + 1] {
        let listed = ground.list(&FilePrefix::all(), limit).await;
        assert!(listed.iter().map(|f| f.key).eq(keys.iter().copied()), "in pages of {limit}");
    }
    for (i, after) in keys.iter().enumerate() {
        let page = ground.store.list(ground.tenant, &FilePrefix::all(), Some(*after), 5).await;
        let page = page.expect("a page");
        let wanted = &keys[i + 1..keys.len().min(i + 6)];
        assert!(page.files.iter().map(|f| f.key).eq(wanted.iter().copied()), "after {after}");
        let more = i + 6 < keys.len();
        assert_eq!(page.next, more.then(|| wanted[4]), "after {after}: whether there are more");
    }
    let unknown = ground.key();
    let page = ground.store.list(ground.tenant, &FilePrefix::all(), Some(unknown), 100).await;
    let wanted: Vec<FileKey> = keys.iter().copied().filter(|key| *key > unknown).collect();
    let listed: Vec<FileKey> = page.expect("a page").files.iter().map(|f| f.key).collect();
    assert_eq!(listed, wanted, "a list may go on after a key that is not there");
}

pub(super) async fn prefixes_select_what_begins_with_them(harness: &dyn Harness) {
    let ground = Ground::new(harness, "prefixes").await;
    let keys = many(&ground).await;
    let areas = Area::ALL.map(FilePrefix::area);
    let of_keys = keys.iter().map(|key| FilePrefix::from_key(*key));
    let missing = FilePrefix::from_key(ground.key());
    for prefix in areas.into_iter().chain(of_keys).chain([missing, FilePrefix::all()]) {
        let wanted: Vec<FileKey> = keys.iter().copied().filter(|k| prefix.contains(k)).collect();
        for limit in [2, 1_000] {
            let listed = ground.list(&prefix, limit).await;
            let listed: Vec<FileKey> = listed.iter().map(|file| file.key).collect();
            assert_eq!(listed, wanted, "those that begin with {prefix}, in pages of {limit}");
        }
    }
    for after in [keys.first(), keys.last()].into_iter().flatten() {
        let prefix = FilePrefix::area(Area::Stored);
        let page = ground.store.list(ground.tenant, &prefix, Some(*after), 1_000).await;
        let listed: Vec<FileKey> = page.expect("a page").files.iter().map(|f| f.key).collect();
        let wanted: Vec<FileKey> =
            keys.iter().copied().filter(|k| k > after && prefix.contains(k)).collect();
        assert_eq!(listed, wanted, "within a prefix, after {after}");
    }
}

pub(super) async fn limits_are_held(harness: &dyn Harness) {
    let ground = Ground::new(harness, "limits").await;
    for _ in 0..3 {
        ground.file(1).await;
    }
    for (limit, wanted) in [(0, 1), (1, 1), (2, 2), (3, 3), (MAX_LIST, 3), (u32::MAX, 3)] {
        let page = ground.store.list(ground.tenant, &FilePrefix::all(), None, limit).await;
        let page = page.expect("a page");
        assert_eq!(page.files.len(), wanted, "with a limit of {limit}");
        assert_eq!(page.next.is_some(), wanted < 3, "with a limit of {limit}");
    }
}

pub(super) async fn files_put_and_deleted_meanwhile_hide_no_others(harness: &dyn Harness) {
    let ground = Ground::new(harness, "listed meanwhile").await;
    let keys: Vec<FileKey> = many(&ground).await.into_iter().collect();
    let (mut seen, mut after) = (Vec::new(), None);
    for round in 0.. {
        let page = ground.store.list(ground.tenant, &FilePrefix::all(), after, 3).await;
        let page = page.expect("a page");
        seen.extend(page.files.iter().map(|file| file.key));
        // Gone right behind the reader, and one more in any place.
        if let Some(last) = page.files.last() {
            ground.store.delete(ground.tenant, last.key).await.expect("deleting");
        }
        let place = if round % 2 == 0 { ground.key() } else { quarantined(ground.key()) };
        ground.put(place, &Bytes::from_static(b"new")).await;
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let old: Vec<FileKey> = seen.iter().copied().filter(|key| keys.contains(key)).collect();
    assert_eq!(old, keys, "those that were there are listed once each, in order");
}

pub(super) async fn entries_tell_size_and_time(harness: &dyn Harness) {
    let ground = Ground::new(harness, "entries").await;
    let mut last = None;
    for size in [1_234, 0, 70_000] {
        let (key, _) = ground.file(size).await;
        let files = ground.list(&FilePrefix::from_key(key), 10).await;
        let [entry] = files[..] else { panic!("one file is listed, not {files:?}") };
        assert_eq!((entry.key, entry.size), (key, size as u64));
        // Stores keep whole seconds at worst.
        let before = last.replace(entry.modified);
        let since = before.map_or(0, |before| (entry.modified - before).num_milliseconds());
        assert!(since > -1_000, "what is put later has no earlier time: {since} ms");
    }
}
