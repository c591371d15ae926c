//! Files over HTTP, with an S3 in this process behind the server.

#[path = "support/server.rs"]
mod server;

use futures_util::stream;
use server::TestServer;
use std::sync::Arc;
use std::time::Duration;
use vivero_client::{FileUpload, TenantClient};
use vivero_core::Slug;
use vivero_core::files::{FileRules, FileStore};
use vivero_core::service::FileSettings;
use vivero_store::files::s3_tests::{ACCESS_KEY, BUCKET, SECRET_KEY, serve};
use vivero_store::{S3Files, S3Options};

/// More than goes into one part.
const LARGE: usize = 20 * 1024 * 1024 + 17;

async fn start(folder: &tempfile::TempDir) -> (TestServer, TenantClient, Arc<dyn FileStore>) {
    let address = serve(folder.path()).await.expect("an S3");
    let mut options = S3Options::new(BUCKET, ACCESS_KEY, SECRET_KEY);
    options.endpoint = Some(format!("http://{address}"));
    options.folder = "plants".into();
    let store: Arc<dyn FileStore> = Arc::new(S3Files::new(options).expect("a store"));
    let rules = FileRules::default().max_size(30 << 20);
    let settings = FileSettings { rules, ..FileSettings::new(Arc::clone(&store)) };
    let server = TestServer::builder().files(settings).start().await;
    let acme = server.tenant("acme").await;
    (server, acme, store)
}

fn content() -> Vec<u8> {
    (0..LARGE).map(|n| b"0123456789abcdef\n"[n % 17]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_goes_in_in_parts_and_comes_out_whole_or_by_range() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, acme, store) = start(&folder).await;
    server.vivero().probe_files().await.expect("the store works");
    let content = content();
    let chunks: Vec<_> =
        content.chunks(300_001).map(|c| std::io::Result::Ok(c.to_vec().into())).collect();
    let upload = FileUpload::stream("large.txt", None, stream::iter(chunks));
    let file = acme.files().upload(upload).await.expect("a file");
    assert_eq!(file.size, LARGE as i64);
    let path = folder.path().join("large.txt");
    acme.files().download_to(file.id, &path).await.expect("a download");
    assert!(std::fs::read(&path).expect("a file") == content);
    let end =
        acme.files().download_from(file.id, 20_000_000.., &file.sha256).await.expect("the end");
    assert_eq!(end.start, 20_000_000);
    assert!(end.bytes().await.expect("the end") == content[20_000_000..]);
    let small = acme.files().upload(FileUpload::bytes("a.txt", "text")).await.expect("a file");
    let slug: Slug = "acme".parse().expect("a slug");
    let id = server.vivero().tenants().find(&slug).await.expect("the tenant").id;
    let usage = store.usage(id).await.expect("usage");
    assert_eq!((usage.stored.files, usage.quarantine.files), (2, 0));

    // Whoever has the link reads the file, without a token, as an attachment.
    let link = acme.files().link(small.id, Duration::from_secs(60)).await.expect("a link");
    let answer = reqwest::get(&link.url).await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    let disposition = answer.headers()["content-disposition"].to_str().expect("text").to_owned();
    assert!(disposition.starts_with("attachment; filename=\"a.txt\""), "{disposition}");
    assert_eq!(answer.text().await.expect("a body"), "text");
    for seconds in [0, 3601] {
        let refused = acme.files().link(small.id, Duration::from_secs(seconds)).await;
        let refused = refused.expect_err("out of bounds");
        assert_eq!(refused.field_error("valid_for").expect("the field").rule, "range");
    }
    acme.files().delete(small.id).await.expect("a deletion");
    let gone = acme.files().link(small.id, Duration::from_secs(9)).await.expect_err("deleted");
    assert!(gone.is_not_found());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_or_cut_off_leaves_nothing_in_the_bucket() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, acme, store) = start(&folder).await;
    let slug: Slug = "acme".parse().expect("a slug");
    let id = server.vivero().tenants().find(&slug).await.expect("the tenant").id;
    let fails = || {
        let chunks = (0..70).map(|n| match n {
            69 => Err(std::io::Error::other("the disk of the sender")),
            _ => Ok(vec![b'x'; 256 * 1024].into()),
        });
        FileUpload::stream("cut.txt", None, stream::iter(chunks))
    };
    acme.files().upload(fails()).await.expect_err("cut off");
    let too_large = FileUpload::bytes("a.txt", vec![b'x'; (30 << 20) + 1]);
    acme.files().upload(too_large).await.expect_err("too large");
    let wrong = FileUpload::bytes("a.pdf", content());
    let wrong = acme.files().upload(wrong).await.expect_err("another kind");
    if let Some(rule) = wrong.field_error("file") {
        assert_eq!(rule.rule, "content");
    }
    // The multipart upload is aborted behind the back of who hung up.
    for _ in 0..400 {
        let usage = store.usage(id).await.expect("usage");
        let pieces = std::fs::read_dir(folder.path()).expect("a folder").count();
        if usage.bytes() == 0 && pieces == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("something is left");
}
