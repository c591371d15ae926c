//! Answers that are refusals, nonsense, or only half of what they promise.

use crate::faults::{LARGE, key, put, tenant};
use crate::server::{SECRET, Server};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use vivero_core::ErrorKind;
use vivero_core::files::{ByteRange, FileStore as _};
use vivero_store::{S3Files, S3Options};

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_and_missing_buckets_are_told_apart_from_missing_files() {
    let server = Server::start().await;
    let mut wrong = server.options();
    wrong.secret_key = "another-secret".into();
    let wrong = S3Files::new(wrong).expect("options that can be");
    // Not every server looks for the bucket first: one that does says so like this.
    let xml = "<Error><Code>NoSuchBucket</Code><Message>no</Message></Error>";
    let (address, _) = canned(format!(
        "HTTP/1.1 404 Not Found\r\ncontent-type: application/xml\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{xml}",
        xml.len()
    ))
    .await;
    for (files, word) in [(&wrong, "403"), (&impatient(address), "the bucket is not there")] {
        for outcome in [
            put(files, 10).await,
            put(files, LARGE).await,
            files.get(tenant(), key(1), None).await.map(|_| ()),
            files.copy(tenant(), key(1), key(2)).await.map(|_| ()),
        ] {
            let error = outcome.expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::Internal, "{error:?}");
            assert!(error.to_string().contains(word), "{error}");
            for text in [error.to_string(), format!("{error:?}")] {
                assert!(!text.contains("another-secret") && !text.contains(SECRET), "{text}");
            }
        }
    }
    let mut elsewhere = server.options();
    elsewhere.bucket = "not-there".into();
    let elsewhere = S3Files::new(elsewhere).expect("options that can be");
    let pinged = elsewhere.ping().await.expect_err("no bucket").to_string();
    assert!(pinged.contains("bucket not-there is not there: make it first"), "{pinged}");
    assert_eq!(wrong.ping().await.expect_err("refused").kind(), ErrorKind::Internal);
    for text in [format!("{:?}", server.options()), format!("{:?}", server.files())] {
        assert!(!text.contains(SECRET), "{text}");
    }
}

/// A server that gives everyone the same bytes and then keeps the line open, or not.
async fn canned(answer: String) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("its address"));
    let keeps = answer.contains("x-keep: open");
    let running = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut head = vec![0; 64 * 1024];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            if keeps {
                held.push(stream);
            }
        }
    });
    (address, running)
}

fn impatient(endpoint: String) -> S3Files {
    let mut options = S3Options::new("bucket", "key", SECRET);
    options.endpoint = Some(endpoint);
    options.attempts = 1;
    options.patience = Duration::from_millis(300);
    S3Files::new(options).expect("options that can be")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_cut_off_or_stalled_is_an_error_not_an_end() {
    let sha256 = "0".repeat(64);
    for keep in ["", "x-keep: open\r\n"] {
        let (address, _) = canned(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\nx-amz-meta-sha256: {sha256}\r\n{keep}\r\nhalf"
        ))
        .await;
        let files = impatient(address);
        let download = files.get(tenant(), key(1), None).await.expect("it begins");
        assert_eq!(download.size(), 1_000);
        let cut = download.into_bytes().await.expect_err("it does not end");
        assert_eq!(cut.kind(), ErrorKind::Unavailable, "{keep:?}: {cut:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_make_no_sense_are_errors_not_content() {
    let sha256 = format!("x-amz-meta-sha256: {}", "0".repeat(64));
    let part = Some(ByteRange::Between(2, 3));
    for (what, head, range, code) in [
        ("no checksum", "200 OK\r\ncontent-length: 4".to_owned(), None, "data_damaged"),
        (
            "a bad checksum",
            "200 OK\r\ncontent-length: 4\r\nx-amz-meta-sha256: abc".into(),
            None,
            "data_damaged",
        ),
        (
            "another content",
            format!("200 OK\r\ncontent-length: 4\r\n{sha256}"),
            None,
            "data_damaged",
        ),
        (
            "a whole for a part",
            format!("200 OK\r\ncontent-length: 4\r\n{sha256}"),
            part,
            "internal",
        ),
        (
            "another part",
            format!("206 P\r\ncontent-length: 4\r\ncontent-range: bytes 0-3/9\r\n{sha256}"),
            part,
            "internal",
        ),
        (
            "more than the part",
            format!("206 P\r\ncontent-length: 4\r\ncontent-range: bytes 2-3/9\r\n{sha256}"),
            part,
            "data_damaged",
        ),
        (
            "nonsense for a range",
            format!("206 P\r\ncontent-length: 4\r\ncontent-range: bytes 9-2/x\r\n{sha256}"),
            part,
            "internal",
        ),
    ] {
        let (address, _) = canned(format!("HTTP/1.1 {head}\r\n\r\nhalf")).await;
        let files = impatient(address);
        let outcome = match files.get(tenant(), key(1), range).await {
            Ok(download) => download.into_bytes().await,
            Err(e) => Err(e),
        };
        let error = outcome.expect_err(what);
        assert_eq!(error.code(), code, "{what}: {error:?}");
    }
}
