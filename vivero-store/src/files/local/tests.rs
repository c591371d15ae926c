//! A disk that is full, as the kernel says it: writes to `/dev/full` fail with `ENOSPC`.
#![cfg(target_os = "linux")]

use super::part::{Name, Part};
use bytes::Bytes;
use std::fs::OpenOptions;
use vivero_core::files::Checksum;
use vivero_core::{Error, ErrorKind};

fn full() -> Part<tokio::io::BufWriter<tokio::fs::File>> {
    let file = OpenOptions::new().write(true).open("/dev/full").expect("the device");
    let nowhere = tempfile::tempdir().expect("a folder").path().join("gone");
    Part::over(file, Name::of(nowhere))
}

fn assert_full(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    let Error::Unavailable { what, source: Some(source), .. } = error else {
        panic!("the cause is kept for the log: {error:?}");
    };
    assert_eq!(what, "storage");
    let cause = source.downcast_ref::<std::io::Error>().expect("the kernel's error");
    assert_eq!(cause.kind(), std::io::ErrorKind::StorageFull);
}

#[tokio::test]
async fn a_full_disk_is_told_while_a_large_file_is_written() {
    let mut part = full();
    let chunk = Bytes::from(vec![1; 300_000]);
    let mut outcome = Ok(());
    for _ in 0..20 {
        outcome = part.write(&chunk).await;
        if outcome.is_err() {
            break;
        }
    }
    assert_full(&outcome.expect_err("the disk is full"));
}

#[tokio::test]
async fn a_full_disk_is_told_before_a_small_file_is_kept() {
    let mut part = full();
    part.write(&Bytes::from_static(b"small")).await.expect("it waits in memory");
    assert_full(&part.flushed().await.expect_err("the disk is full"));

    let empty = full().flushed().await.expect("there was nothing to write");
    let ended = empty.end(0, &Checksum::from_bytes([0; 32]), true);
    assert_full(&ended.expect_err("there is no room for the trailer"));
}
