//! What is put comes back.

use super::Harness;
use super::ground::{Ground, LARGE};
use crate::files::Upload;
use bytes::Bytes;
use futures_util::future::join_all;
use sha2::{Digest as _, Sha256};

fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

pub(super) async fn what_was_put_is_what_is_got(harness: &dyn Harness) {
    let ground = Ground::new(harness, "put and got").await;
    for size in [0, 1, 2, 47, 48, 49, 1_000, 65_535, 65_536, 65_537, 300_000] {
        let (key, content) = (ground.key(), ground.content(size));
        let info = ground.put(key, &content).await;
        assert_eq!((info.key, info.size), (key, size as u64), "of {size} bytes");
        assert_eq!(info.sha256.to_string(), sha256(&content), "of {size} bytes");
        ground.assert_is(key, &content, &format!("{size} bytes")).await;
        let head = ground.head(key).await.expect("the file is there");
        assert_eq!(head.sha256, info.sha256, "the checksum is kept with {size} bytes");
    }
    // Content that looks like what stores put around content.
    let (key, _) = ground.file(0).await;
    for content in [
        Bytes::from_static(b"vivero1\n\0\0\0\0\0\0\0\0"),
        Bytes::from_static(b"\0"),
        Bytes::from_static(b"\r\n--boundary--\r\n"),
        Bytes::from_static(b"<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>"),
        Bytes::from_static(b"100;chunk-signature=0\r\n"),
    ] {
        ground.put(key, &content).await;
        ground.assert_is(key, &content, &format!("{content:?}")).await;
    }
    ground.assert_swept("after puts that were done").await;
}

pub(super) async fn the_checksum_is_the_sha_256_of_the_content(harness: &dyn Harness) {
    let ground = Ground::new(harness, "checksum").await;
    // FIPS 180-4's examples.
    for (content, wanted) in [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned()),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned()),
        (
            &"a".repeat(1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0".to_owned(),
        ),
    ] {
        let key = ground.key();
        let upload = Upload::of(content.to_owned());
        let info = ground.store.put(ground.tenant, key, upload).await.expect("putting a file");
        assert_eq!(info.sha256.to_string(), wanted, "of {} bytes", content.len());
        let download = ground.store.get(ground.tenant, key, None).await.expect("a file");
        assert_eq!(download.info.sha256, info.sha256, "a download tells the checksum");
        assert_eq!(download.size(), content.len() as u64, "and its size");
    }
}

pub(super) async fn chunks_of_any_size_make_the_same_file(harness: &dyn Harness) {
    let ground = Ground::new(harness, "chunks").await;
    let content = ground.content(100_003);
    let key = ground.key();
    let upload = Upload::of(content.clone());
    let whole = ground.store.put(ground.tenant, key, upload).await.expect("putting a file");
    for _ in 0..8 {
        let key = ground.key();
        let told = ground.upload(&content).with_size(content.len() as u64);
        for upload in [ground.upload(&content), told] {
            let info = ground.store.put(ground.tenant, key, upload).await.expect("putting a file");
            assert_eq!((info.size, info.sha256), (whole.size, whole.sha256), "in any chunks");
            ground.assert_is(key, &content, "in any chunks").await;
        }
    }
}

pub(super) async fn files_of_several_parts_come_back_whole(harness: &dyn Harness) {
    let ground = Ground::new(harness, "several parts").await;
    let part = 8 * 1024 * 1024;
    for size in [part - 1, part, part + 1, 2 * part, LARGE] {
        let (key, content) = (ground.key(), ground.content(size));
        let info = ground.put(key, &content).await;
        assert_eq!(info.sha256.to_string(), sha256(&content), "of {size} bytes");
        assert_eq!(ground.head(key).await.map(|head| head.sha256), Some(info.sha256));
        ground.assert_is(key, &content, &format!("{size} bytes")).await;
        ground.assert_swept("after a put that was done").await;
        ground.store.delete(ground.tenant, key).await.expect("deleting a file");
    }
}

pub(super) async fn a_file_put_again_is_replaced_whole(harness: &dyn Harness) {
    let ground = Ground::new(harness, "put again").await;
    let (key, _) = ground.file(200_000).await;
    for size in [100, 300_000, LARGE, 0, 5] {
        let content = ground.content(size);
        ground.put(key, &content).await;
        ground.assert_is(key, &content, &format!("replaced by {size} bytes")).await;
    }
    assert_eq!(ground.keys().await, [key], "it is one file all the time");
    ground.assert_swept("after files were replaced").await;
}

pub(super) async fn many_puts_of_one_key_leave_one_of_them(harness: &dyn Harness) {
    let ground = Ground::new(harness, "many puts").await;
    let key = ground.key();
    let contents: Vec<Bytes> = (1..=12).map(|i| ground.content(i * 9_000)).collect();
    join_all(contents.iter().map(|content| ground.put(key, content))).await;
    let read = ground.read(key).await.expect("one of them is there");
    assert!(contents.contains(&read), "and it is one of them, whole");
    ground.assert_is(key, &read, "after many puts").await;
    ground.assert_swept("after many puts").await;
}
