//! Archives that are not as they were made.

use super::frames::{FrameKind, FrameWriter};
use super::*;
use crate::keys::KeyText;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io;
use std::path::PathBuf;
use vivero_core::Value;
use vivero_core::copy::{ColumnShape, Part};
use vivero_core::record::Kind;

fn key(byte: u8) -> ArchiveKey {
    ArchiveKey::new(&KeyText(STANDARD.encode([byte; 32]))).expect("a key")
}

fn header(archive: u128) -> Header {
    let column = |name: &str, kind| ColumnShape { name: name.into(), kind, nullable: false };
    let table = TableShape {
        name: "notes".into(),
        resource: None,
        columns: vec![column("seq", Kind::Int), column("text", Kind::Text)],
    };
    Header {
        archive: Uuid::from_u128(archive),
        made_at: DateTime::UNIX_EPOCH,
        program: "0".into(),
        engine: "none".into(),
        tenant: ArchivedTenant {
            id: Uuid::from_u128(7),
            slug: "acme-plants".into(),
            organization: "Acme".into(),
            operation_type: OperationType::Mixed,
            plan: Plan::Contract,
            generation: 1,
            schema_version: 1,
            created_at: DateTime::UNIX_EPOCH,
        },
        head: Head { position: 0, hash: String::new() },
        journal_seq: 0,
        rows: 30,
        tables: vec![table],
    }
}

/// An archive of ten frames with rows.
async fn make(path: &Path, archive: u128, key: Option<&ArchiveKey>) -> Vec<u8> {
    let mut writer = ArchiveWriter::create(path, &header(archive), key, [9; 32]).expect("begun");
    for part in 0..10 {
        let row = |i: i64| {
            vec![Value::Int(part * 3 + i), Value::Text(format!("row {part} {i} of {archive}"))]
        };
        writer.add(Part { table: 0, rows: (0..3).map(row).collect() }).await.expect("added");
    }
    let written = writer.finish().await.expect("finished");
    assert_eq!((written.trailer.rows, written.trailer.tables.len()), (30, 1));
    std::fs::read(path).expect("the archive")
}

async fn why(path: &Path, bytes: &[u8], key: Option<&ArchiveKey>) -> String {
    std::fs::write(path, bytes).expect("written");
    let refused = verify(path, key, |_, _| {}).await.expect_err("it is not as it was made");
    assert!(matches!(refused, Error::Invalid(_)), "{refused:?}");
    refused.to_string()
}

/// Where frames begin and end.
fn frames(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut frames, mut at) = (Vec::new(), 64);
    while at < bytes.len() {
        let length: [u8; 4] = bytes[at + 8..at + 12].try_into().expect("a length");
        let end = at + 16 + u32::from_le_bytes(length) as usize + 32;
        frames.push(at..end);
        at = end;
    }
    frames
}

fn folder() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, other) = (folder.path().join("whole.vivero"), folder.path().join("other.vivero"));
    (folder, whole, other)
}

#[tokio::test]
async fn an_archive_comes_back_with_and_without_a_key() {
    for key in [None, Some(key(1))] {
        let (folder, whole, _) = folder();
        let bytes = make(&whole, 1, key.as_ref()).await;
        let proof = verify(&whole, key.as_ref(), |_, _| {}).await.expect("proven");
        assert_eq!((proof.trailer.rows, proof.file_bytes), (30, bytes.len() as u64));
        let shows = bytes.windows(11).any(|w| w == b"acme-plants");
        assert!(!(shows && key.is_some()), "an encrypted one shows nothing");
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("files").count(),
            1,
            "nothing half-made is left"
        );
        let again = ArchiveWriter::create(&whole, &header(2), key.as_ref(), [1; 32]);
        assert!(matches!(again, Err(Error::Invalid(_))), "an archive is never overwritten");
    }
}

#[tokio::test]
async fn a_cut_off_archive_is_known_wherever_it_ends() {
    let (_folder, whole, other) = folder();
    for key in [None, Some(key(1))] {
        let _ = std::fs::remove_file(&whole);
        let bytes = make(&whole, 1, key.as_ref()).await;
        for end in (8..bytes.len()).step_by(13).chain(frames(&bytes).iter().map(|f| f.start)) {
            let why = why(&other, &bytes[..end], key.as_ref()).await;
            assert!(why.contains("is cut off in frame") && why.contains("byte"), "{end}: {why}");
        }
        assert!(why(&other, &bytes[..5], key.as_ref()).await.contains("is not an archive"));
    }
}

#[tokio::test]
async fn an_edit_is_found_at_its_place() {
    let (_folder, whole, other) = folder();
    let bytes = make(&whole, 1, None).await;
    for (number, frame) in frames(&bytes).into_iter().enumerate() {
        for at in [frame.start + 16, frame.end - 33, frame.end - 1, frame.start + 3] {
            let mut edited = bytes.clone();
            edited[at] ^= 0x10;
            let why = why(&other, &edited, None).await;
            let place = format!("frame {number} at byte {}", frame.start);
            assert!(why.contains(&place), "{at}: {why}");
        }
    }
    for at in 8..64 {
        let mut edited = bytes.clone();
        edited[at] ^= 1;
        why(&other, &edited, None).await;
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(why(&other, &longer, None).await.contains("something follows the end"));
}

#[tokio::test]
async fn frames_cannot_be_swapped_dropped_repeated_or_mixed() {
    let (folder, whole, other) = folder();
    let second = folder.path().join("second.vivero");
    for key in [None, Some(key(1))] {
        let _ = (std::fs::remove_file(&whole), std::fs::remove_file(&second));
        let bytes = make(&whole, 1, key.as_ref()).await;
        let foreign = make(&second, 2, key.as_ref()).await;
        let (ours, theirs) = (frames(&bytes), frames(&foreign));
        let mut of = Vec::new();
        let order = |numbers: &[usize]| -> Vec<u8> {
            let parts = numbers.iter().flat_map(|n| bytes[ours[*n].clone()].iter().copied());
            bytes[..64].iter().copied().chain(parts).collect()
        };
        let all: Vec<usize> = (0..ours.len()).collect();
        let mut swapped = all.clone();
        swapped.swap(3, 4);
        of.push(order(&swapped));
        let mut dropped = all.clone();
        dropped.remove(5);
        of.push(order(&dropped));
        let mut repeated = all.clone();
        repeated.insert(5, 5);
        of.push(order(&repeated));
        let mut mixed = bytes[..ours[4].start].to_vec();
        mixed.extend_from_slice(&foreign[theirs[4].clone()]);
        mixed.extend_from_slice(&bytes[ours[5].start..]);
        of.push(mixed);
        for edited in of {
            let why = why(&other, &edited, key.as_ref()).await;
            assert!(why.contains("frame ") && why.contains(" at byte "), "{why}");
        }
    }
}

#[tokio::test]
async fn one_bit_that_is_another_is_found_wherever_it_is() {
    let (_folder, whole, other) = folder();
    for key in [None, Some(key(1))] {
        let _ = std::fs::remove_file(&whole);
        let bytes = make(&whole, 1, key.as_ref()).await;
        let frames = frames(&bytes);
        for at in 0..bytes.len() {
            let mut edited = bytes.clone();
            edited[at] ^= 1 << (at % 8);
            let why = why(&other, &edited, key.as_ref()).await;
            let said = match frames.iter().position(|frame| frame.contains(&at)) {
                Some(number) => why.contains(&format!("frame {number} at byte")),
                None => !why.is_empty(),
            };
            assert!(said, "byte {at}: {why}");
        }
    }
}

/// Somebody who can compute checksums, but has no key, puts in rows of their own.
#[tokio::test]
async fn who_has_no_key_can_put_nothing_in() {
    let (_folder, whole, other) = folder();
    let bytes = make(&whole, 1, Some(&key(1))).await;
    let mut forged = Vec::new();
    let text = serde_json::to_vec(&header(1)).expect("a header");
    FrameWriter::new(&mut forged, Uuid::from_u128(1), [9; 32], Some(&key(2)))
        .and_then(|mut frames| frames.write(FrameKind::Header, 0, &text))
        .expect("written");
    let why = why(&other, &forged, Some(&key(1))).await;
    assert!(why.contains("does not open with this key"), "{why}");
    assert_eq!(forged[..64], bytes[..64], "the same preamble");
}

#[tokio::test]
async fn the_key_must_be_there_and_the_right_one() {
    let (_folder, whole, other) = folder();
    let bytes = make(&whole, 1, Some(&key(1))).await;
    let none = why(&other, &bytes, None).await;
    assert!(none.contains("is encrypted") && none.contains("VIVERO_KEY_FILE"), "{none}");
    let wrong = why(&other, &bytes, Some(&key(2))).await;
    assert!(wrong.contains("does not open with this key"), "{wrong}");
}

#[tokio::test]
async fn a_newer_format_is_named() {
    let (_folder, whole, other) = folder();
    let mut bytes = make(&whole, 1, None).await;
    bytes[8] = 2;
    let why = why(&other, &bytes, None).await;
    assert!(why.contains("has format 2, this program reads up to 1: use a newer vivero"), "{why}");
}

/// A disk with room for so many bytes.
struct Full(usize);

impl io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let some = bytes.len().min(self.0);
        self.0 -= some;
        if some == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(some) }
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_from_other_failures() {
    let mut frames = FrameWriter::new(Full(100), Uuid::nil(), [0; 32], None).expect("begun");
    let failed = frames.write(FrameKind::Rows, 0, &[7; 4_096]).expect_err("full");
    assert!(matches!(failed, Error::Unavailable { .. }), "{failed:?}");
    assert!(FrameWriter::new(Full(10), Uuid::nil(), [0; 32], None).is_err());
}
