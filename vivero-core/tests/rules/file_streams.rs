use crate::rules;
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use std::ops::Range;
use vivero_core::files::{
    ByteRange, Checksum, Download, FileInfo, FileKey, MAX_FILE_BYTES, Upload,
};
use vivero_core::{Error, FileId, Result, Uuid};

fn chunks() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..12)
}
fn upload(chunks: &[Vec<u8>], max: u64) -> Upload {
    let chunks: Vec<Result<Bytes>> = chunks.iter().map(|c| Ok(c.clone().into())).collect();
    Upload::new(stream::iter(chunks), max)
}
/// Reads an upload as a store does. Nothing here waits.
fn read(upload: Upload) -> Result<(Vec<u8>, u64, Checksum)> {
    let read = async {
        let (mut incoming, mut content) = (upload.open()?, Vec::new());
        while let Some(chunk) = incoming.next().await? {
            assert!(!chunk.is_empty(), "empty chunks are left out");
            content.extend_from_slice(&chunk);
        }
        let (size, sha256) = incoming.finish()?;
        Ok((content, size, sha256))
    };
    read.now_or_never().expect("there is nothing to wait for")
}

proptest! {
    #[test]
    fn an_upload_gives_its_bytes_their_number_and_their_checksum(
        chunks in chunks(), peeks in prop::collection::vec(0_usize..200, 0..4),
    ) {
        let content = chunks.concat();
        let mut upload = upload(&chunks, 1_000);
        for count in peeks {
            let head = upload.peek(count).now_or_never().expect("now").expect("no error");
            prop_assert_eq!(&head[..], &content[..count.min(content.len())], "a peek takes nothing");
        }
        let (read, size, sha256) = read(upload).expect("it fits");
        prop_assert_eq!(size, content.len() as u64);
        prop_assert_eq!(&sha256.as_bytes()[..], &Sha256::digest(&content)[..]);
        prop_assert_eq!(read, content);
    }

    #[test]
    fn no_more_than_the_maximum_ever_comes_out(
        chunks in chunks(), max in 0_u64..300, told in any::<bool>(), lower in prop::option::of(0_u64..300),
    ) {
        let content = chunks.concat();
        let size = content.len() as u64;
        let mut upload = upload(&chunks, max);
        let max = lower.map_or(max, |lower| max.min(lower));
        if let Some(lower) = lower {
            upload = upload.at_most(lower);
        }
        if told {
            upload = upload.with_size(size);
        }
        prop_assert_eq!(upload.max(), max);
        match read(upload) {
            Ok((read, ..)) => {
                prop_assert!(size <= max);
                prop_assert_eq!(read, content);
            }
            Err(refused) => {
                prop_assert!(size > max);
                prop_assert_eq!(rules(&refused), vec!["file: max_size".to_owned()]);
            }
        }
    }

    #[test]
    fn what_is_announced_must_come(chunks in chunks(), announced in 0_u64..300) {
        let content = chunks.concat();
        match read(upload(&chunks, 1_000).with_size(announced)) {
            Ok(_) => prop_assert_eq!(content.len() as u64, announced),
            Err(refused) => {
                prop_assert_ne!(content.len() as u64, announced);
                prop_assert_eq!(rules(&refused), vec!["file: size".to_owned()]);
            }
        }
    }

    #[test]
    fn a_range_names_what_http_says(range in range(), size in 0_u64..50) {
        let wanted: Vec<u64> = (0..size)
            .filter(|byte| match range {
                ByteRange::From(first) => *byte >= first,
                ByteRange::Between(first, last) => (first..=last).contains(byte),
                ByteRange::Last(count) => size - byte <= count,
            })
            .collect();
        match range.resolve(size) {
            Ok(resolved) => prop_assert_eq!(resolved.collect::<Vec<_>>(), wanted),
            Err(refused) => {
                prop_assert_eq!(wanted, Vec::<u64>::new());
                prop_assert_eq!(rules(&refused), vec!["range: range".to_owned()]);
            }
        }
    }

    #[test]
    fn a_range_of_any_size_never_panics(range in range(), size: u64) {
        if let Ok(resolved) = range.resolve(size) {
            prop_assert!(resolved.start < resolved.end && resolved.end <= size);
        }
    }

    #[test]
    fn a_download_is_the_file_or_an_error(
        chunks in chunks(), damage in 0_usize..4, at: prop::sample::Index, part in any::<bool>(),
    ) {
        let content = chunks.concat();
        prop_assume!(content.len() > 4);
        let mut sent = content.clone();
        let at = at.index(sent.len());
        match damage {
            0 => {}
            1 => sent[at] ^= 0x10,
            2 => sent.truncate(at),
            _ => sent.insert(at, 7),
        }
        let info = info(&content);
        // A part is checked by its size alone.
        let range = if part { 0..info.size - 1 } else { 0..info.size };
        let wanted = &content[..usize::try_from(range.end).expect("fits")];
        if part {
            sent.pop();
        }
        let outcome = download(info, range, &sent);
        if damage == 0 || part && damage == 1 {
            prop_assert_eq!(outcome.expect("sound").len(), wanted.len());
        } else {
            prop_assert_eq!(outcome.expect_err("damaged").code(), "data_damaged");
        }
    }
}

fn range() -> impl Strategy<Value = ByteRange> {
    let number = prop_oneof![0_u64..60, any::<u64>(), Just(u64::MAX)];
    prop_oneof![
        number.clone().prop_map(ByteRange::From),
        (number.clone(), number.clone()).prop_map(|(a, b)| ByteRange::Between(a, b)),
        number.prop_map(ByteRange::Last),
    ]
}

fn info(content: &[u8]) -> FileInfo {
    FileInfo {
        key: FileKey::stored(FileId::from_uuid(Uuid::from_u128(7))),
        size: content.len() as u64,
        sha256: Checksum::from_bytes(Sha256::digest(content).into()),
    }
}

fn download(info: FileInfo, range: Range<u64>, sent: &[u8]) -> Result<Bytes> {
    let chunks: Vec<Result<Bytes>> = sent.chunks(3).map(|c| Ok(c.to_vec().into())).collect();
    let download = Download::new(info, range.clone(), stream::iter(chunks));
    assert_eq!(download.size(), range.end - range.start);
    download.into_bytes().now_or_never().expect("there is nothing to wait for")
}

#[test]
fn an_upload_that_was_not_read_to_its_end_cannot_be_kept() {
    let half = async {
        let mut incoming = upload(&[vec![1], vec![2]], 10).open()?;
        incoming.next().await?;
        assert_eq!(incoming.taken(), 1);
        incoming.finish()
    };
    let refused = half.now_or_never().expect("now").expect_err("half of it");
    assert_eq!(refused.code(), "internal");
}

#[test]
fn a_stream_is_left_alone_after_its_end_and_after_an_error() {
    // This one panics if it is asked again.
    let mut asked = 0;
    let ends = stream::poll_fn(move |_| {
        asked += 1;
        match asked {
            1 => std::task::Poll::Ready(Some(Ok(Bytes::from_static(b"x")))),
            2 => std::task::Poll::Ready(None),
            _ => panic!("it has ended"),
        }
    });
    let reading = async {
        let mut upload = Upload::new(ends, 10);
        assert_eq!(upload.peek(5).await?, "x");
        assert_eq!(upload.peek(7).await?, "x");
        let mut incoming = upload.open()?;
        assert_eq!(incoming.next().await?.as_deref(), Some(&b"x"[..]));
        assert_eq!(incoming.next().await?, None);
        assert_eq!(incoming.next().await?, None);
        incoming.finish()
    };
    assert_eq!(reading.now_or_never().expect("now").expect("whole").0, 1);

    let fails = stream::iter([Err(Error::IdempotencyMismatch)]).chain(stream::repeat_with(|| {
        panic!("it has failed");
    }));
    let reading = async {
        let mut incoming = Upload::new(fails, 10).open()?;
        incoming.next().await.expect_err("it fails");
        incoming.next().await.map(|_| ())
    };
    reading.now_or_never().expect("now").expect("it is not asked again");
}

#[test]
fn a_failed_upload_cannot_be_kept() {
    let fails = stream::iter([Ok(Bytes::from_static(b"x")), Err(Error::IdempotencyMismatch)]);
    let reading = async {
        let mut incoming = Upload::new(fails, 10).open()?;
        incoming.next().await?;
        incoming.next().await.expect_err("it fails");
        // A store that goes on all the same must not take this for the end.
        let _ = incoming.next().await;
        incoming.finish()
    };
    let refused = reading.now_or_never().expect("now").expect_err("it failed");
    assert_eq!(refused.code(), "internal");
}

#[test]
fn a_maximum_is_never_more_than_a_store_can_hold() {
    assert_eq!(upload(&[], u64::MAX).max(), MAX_FILE_BYTES);
    assert_eq!(upload(&[], 7).at_most(9).max(), 7);
    assert_eq!(Upload::of("abc").max(), 3);
    assert_eq!(Upload::of("abc").size(), Some(3));
}
