//! Reading whole files and ranges of them.

use super::Harness;
use super::ground::{Ground, LARGE, assert_not_found, quarantined, rule};
use crate::files::ByteRange::{self, Between, From, Last};
use bytes::Bytes;
use futures_util::StreamExt as _;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

async fn assert_range(
    ground: &Ground,
    file: (crate::files::FileKey, &Bytes),
    range: ByteRange,
    wanted: Range<usize>,
) {
    let (key, content) = file;
    let download = ground.store.get(ground.tenant, key, Some(range)).await;
    let download = download.unwrap_or_else(|e| panic!("{range:?} of {}: {e:?}", content.len()));
    assert_eq!(download.info.size, content.len() as u64, "{range:?}: the size of the whole");
    assert_eq!(download.range, wanted.start as u64..wanted.end as u64, "{range:?}");
    let read = download.into_bytes().await.expect("reading a range");
    assert!(read == content.slice(wanted), "{range:?} of {} bytes", content.len());
}

pub(super) async fn ranges_give_the_bytes_they_name(harness: &dyn Harness) {
    let ground = Ground::new(harness, "ranges").await;
    for size in [1, 2, 1_000, 70_000, LARGE] {
        let (key, content) = ground.file(size).await;
        let end = size as u64;
        let file = (key, &content);
        for (range, wanted) in [
            (From(0), 0..size),
            (From(end - 1), size - 1..size),
            (Between(0, 0), 0..1),
            (Between(0, end - 1), 0..size),
            (Between(0, end), 0..size),
            (Between(0, u64::MAX), 0..size),
            (Between(end - 1, end - 1), size - 1..size),
            (Between(end - 1, u64::MAX), size - 1..size),
            (Last(1), size - 1..size),
            (Last(end), 0..size),
            (Last(end + 1), 0..size),
            (Last(u64::MAX), 0..size),
        ] {
            assert_range(&ground, file, range, wanted).await;
        }
        for _ in 0..12 {
            let (a, b) = (ground.source.dice(size), ground.source.dice(size));
            let (a, b) = (a.min(b), a.max(b));
            assert_range(&ground, file, Between(a as u64, b as u64), a..b + 1).await;
            assert_range(&ground, file, From(a as u64), a..size).await;
            assert_range(&ground, file, Last(1 + a as u64), size - 1 - a..size).await;
        }
    }
}

pub(super) async fn a_range_without_a_byte_of_the_file_is_refused(harness: &dyn Harness) {
    let ground = Ground::new(harness, "no byte").await;
    for size in [0, 1, 1_000] {
        let (key, _) = ground.file(size).await;
        let end = size as u64;
        for range in [
            From(end),
            From(u64::MAX),
            Between(end, end),
            Between(end, u64::MAX),
            Between(u64::MAX, u64::MAX),
            Between(1, 0),
            Last(0),
        ] {
            let refused = ground.range(key, range).await.expect_err("no byte of it");
            assert_eq!(rule(&refused), "range", "{range:?} of {size} bytes");
        }
    }
    let (empty, _) = ground.file(0).await;
    let refused = ground.range(empty, Last(5)).await.expect_err("an empty file has no last bytes");
    assert_eq!(rule(&refused), "range");
}

pub(super) async fn what_is_not_there_is_not_found(harness: &dyn Harness) {
    let ground = Ground::new(harness, "not there").await;
    let (there, _) = ground.file(10).await;
    for key in [ground.key(), quarantined(there), quarantined(ground.key())] {
        assert_eq!(ground.head(key).await, None, "{key}");
        assert_not_found(ground.store.get(ground.tenant, key, None).await, "getting");
        assert_not_found(ground.range(key, From(0)).await, "a range");
        assert_not_found(ground.range(key, Last(1)).await, "a range");
    }
}

pub(super) async fn a_reader_finishes_with_what_it_began(harness: &dyn Harness) {
    let ground = Ground::new(harness, "finishes").await;
    let (key, content) = ground.file(LARGE).await;
    let download = ground.store.get(ground.tenant, key, None).await.expect("a file");
    let mut chunks = download.into_stream();
    let first = chunks.next().await.expect("a first chunk").expect("a sound chunk");
    let other = ground.content(LARGE);
    ground.put(key, &other).await;
    let mut read = first.to_vec();
    while let Some(chunk) = chunks.next().await {
        read.extend_from_slice(&chunk.expect("the old content to its end"));
    }
    assert!(read == content, "the reader got what it began with");
    ground.assert_is(key, &other, "the next reader").await;
}

pub(super) async fn what_is_replaced_meanwhile_is_read_whole(harness: &dyn Harness) {
    let ground = Arc::new(Ground::new(harness, "meanwhile").await);
    let key = ground.key();
    let contents: Arc<Vec<Bytes>> =
        Arc::new([3_000, 200_000, 70].map(|size| ground.content(size)).into());
    ground.put(key, &contents[0]).await;
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (ground, stop) = (Arc::clone(&ground), Arc::clone(&stop));
            let contents = Arc::clone(&contents);
            tokio::spawn(async move {
                let mut reads = 0;
                while !stop.load(Ordering::SeqCst) || reads == 0 {
                    let read = ground.read(key).await.expect("there is one at any moment");
                    assert!(contents.contains(&read), "one of them, whole");
                    let head = ground.head(key).await.expect("there is one at any moment");
                    assert!(contents.iter().any(|c| c.len() as u64 == head.size));
                    reads += 1;
                }
            })
        })
        .collect();
    for i in 0..30 {
        ground.put(key, &contents[i % contents.len()]).await;
    }
    stop.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.expect("a reader that saw nothing odd");
    }
}
