//! What is asked of the server, and under which names.

use crate::server::{BUCKET, Server};
use chrono::{DateTime, Utc};
use std::fs;
use vivero_core::files::{
    Area, FileKey, FilePrefix, FileRules, FileStore as _, Intake, MAX_LIST, Upload,
};
use vivero_core::{FileId, TenantId, Uuid};
use vivero_store::{S3Files, S3Options};

fn tenant() -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(0xabc))
}
fn key(number: u128) -> FileKey {
    FileKey::stored(FileId::from_uuid(Uuid::from_u128(number)))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_for_the_tenant_it_was_asked_for() {
    let server = Server::start().await;
    let mut options = server.options();
    options.folder = "vivero/files".into();
    let files = std::sync::Arc::new(S3Files::new(options).expect("options that can be"));
    let intake = Intake::new(files.clone(), FileRules::default());
    let text = "bed;plants\n".repeat(1_000_000);
    for content in ["bed;plants\n", &text] {
        let upload = Upload::of(content.to_owned());
        intake.receive(tenant(), key(1), "a.csv", upload, 0).await.expect("a sound file");
    }
    files.get(tenant(), key(1), None).await.expect("a file").into_bytes().await.expect("whole");
    files.copy(tenant(), key(1), key(2)).await.expect("a copy");
    files.list(tenant(), &FilePrefix::all(), Some(key(1)), 5).await.expect("a list");
    files.usage(tenant()).await.expect("the usage");
    files.delete(tenant(), key(2)).await.expect("deleting");

    let own = tenant().uuid().simple().to_string();
    let folder = format!("/{BUCKET}/vivero/files");
    for request in server.requests() {
        let (_, path) = request.split_once(' ').expect("a path");
        let object = [own.as_str(), "incoming"]
            .iter()
            .any(|part| path.starts_with(&format!("{folder}/{part}/")));
        let list = format!("prefix=vivero%2Ffiles%2F{own}%2F");
        let list = path.starts_with(&format!("/{BUCKET}/?")) && path.contains(&list)
            || path.starts_with(&format!("/{BUCKET}?")) && path.contains(&list);
        assert!(object || list, "{request}");
        assert!(!path.contains(".."), "{request}");
    }
    assert_eq!(files.sweep(DateTime::<Utc>::MAX_UTC).await.expect("sweeping"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_up_to_a_part_and_parts_above() {
    let server = Server::start().await;
    let files = server.files();
    for (size, parts) in [(0, 0), (1, 0), (8 << 20, 0), ((8 << 20) + 1, 2), (20 << 20, 3)] {
        server.forget_requests();
        let content = vec![7_u8; size];
        files.put(tenant(), key(1), Upload::of(content)).await.expect("putting");
        let requests = server.requests();
        let sent = requests.iter().filter(|request| request.contains("partNumber")).count();
        assert_eq!(sent, parts, "parts of {size} bytes");
        if parts == 0 {
            assert_eq!(requests.len(), 1, "one request for {size} bytes");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ours_is_left_alone() {
    let server = Server::start().await;
    let files = server.files();
    files.put(tenant(), key(3), Upload::of("x")).await.expect("putting");
    let own = server.bucket().join(tenant().uuid().simple().to_string());
    let stored = own.join("stored");
    let name = key(0xabc).to_string().replace("stored/", "");
    for other in ["README", &format!("{name}.bak"), &name.to_uppercase(), "sub/file", "ä"] {
        let path = stored.join(other);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, "not ours").expect("an object");
    }
    fs::create_dir_all(own.join("other")).expect("a folder");
    fs::write(own.join("other").join(&name), "not ours").expect("an object");
    fs::write(server.bucket().join("top"), "not ours").expect("an object");
    for limit in [1, 2, MAX_LIST] {
        let (mut keys, mut after) = (Vec::new(), None);
        loop {
            let page = files.list(tenant(), &FilePrefix::all(), after, limit).await;
            let page = page.expect("a page");
            keys.extend(page.files.iter().map(|file| file.key));
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(keys, [key(3)], "in pages of {limit}");
    }
    assert_eq!(files.usage(tenant()).await.expect("the usage").bytes(), 1);
    assert_eq!(files.sweep(DateTime::<Utc>::MAX_UTC).await.expect("sweeping"), 0);
    // One under a name of ours, but not by us.
    fs::write(stored.join(&name), "not ours").expect("an object");
    let error = files.head(tenant(), key(0xabc)).await.expect_err("no checksum");
    assert_eq!(error.code(), "data_damaged");
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_never_shown_in_place() {
    let server = Server::start().await;
    let files = server.files();
    files.put(tenant(), key(1), Upload::of("<svg>")).await.expect("putting");
    files.put(tenant(), key(2), Upload::of(vec![b'<'; 9 << 20])).await.expect("putting");
    files.copy(tenant(), key(1), key(3)).await.expect("copying");
    let waiting = key(1).in_area(Area::Quarantine);
    files.rename(tenant(), key(1), waiting).await.expect("renaming");
    let mut seen = 0;
    for entry in fs::read_dir(server.bucket().parent().expect("the root")).expect("the root") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if name.ends_with(".metadata.json") {
            let kept = fs::read_to_string(path).expect("metadata");
            assert!(kept.contains("application/octet-stream"), "{kept}");
            seen += usize::from(kept.contains("\"attachment\"") && kept.contains("sha256"));
        }
    }
    assert!(seen >= 3, "{seen} objects carry their checksum and are attachments");
}

#[test]
fn options_that_cannot_be_are_named() {
    let sound = || {
        let mut options = S3Options::new("bucket", "key", "secret");
        options.endpoint = Some("http://127.0.0.1:9000".into());
        options
    };
    S3Files::new(sound()).expect("sound options");
    let with = |change: fn(&mut S3Options)| {
        let mut options = sound();
        change(&mut options);
        S3Files::new(options).map(|_| ())
    };
    for (field, change) in [
        ("s3_bucket", (|o| o.bucket = "a".into()) as fn(&mut S3Options)),
        ("s3_bucket", |o| o.bucket = "a/../b".into()),
        ("s3_bucket", |o| o.bucket = "Bucket".into()),
        ("s3_folder", |o| o.folder = "../up".into()),
        ("s3_folder", |o| o.folder = "/a".into()),
        ("s3_folder", |o| o.folder = "a/".into()),
        ("s3_folder", |o| o.folder = "a//b".into()),
        ("s3_folder", |o| o.folder = "a b".into()),
        ("s3_endpoint", |o| o.endpoint = Some("127.0.0.1:9000".into())),
        ("s3_endpoint", |o| o.endpoint = Some("http://".into())),
        ("s3_endpoint", |o| o.endpoint = Some("http://user:pw@host".into())),
        ("s3_public_endpoint", |o| o.public_endpoint = Some("ftp://host".into())),
        ("s3_region", |o| o.region = String::new()),
        ("s3_access_key", |o| o.access_key = String::new()),
        ("s3_secret_key", |o| o.secret_key = "a secret".into()),
        ("s3_attempts", |o| o.attempts = 0),
    ] {
        let refused = with(change).expect_err(field).to_string();
        assert!(refused.contains(field), "{refused}");
        assert!(!refused.contains("a secret"), "{refused}");
    }
    with(|o| o.folder = "a/b-c_d".into()).expect("a folder in a folder");
    with(|o| o.endpoint = None).expect("Amazon's own");
}
