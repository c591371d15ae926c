//! Uploads and downloads that are not in order: each is refused by name, and nothing is left of it.

#[path = "support/server.rs"]
mod server;

use async_trait::async_trait;
use futures_util::stream;
use server::TestServer;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use vivero_client::{Error, FileUpload, TenantClient};
use vivero_core::files::{Download, FileRules, Scanner, Verdict};
use vivero_core::service::FileSettings;
use vivero_store::LocalFiles;

const PDF: &[u8] =
    b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n";

/// Every file in a folder of files.
fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

fn settings(folder: &Path) -> FileSettings {
    let store = LocalFiles::open(folder).expect("a store");
    let rules = FileRules::default().max_size(1_000_000);
    FileSettings { rules, ..FileSettings::new(Arc::new(store)) }
}

/// `status code field rule`.
fn told(error: &Error) -> String {
    let problem = error.problem().unwrap_or_else(|| panic!("a problem, not {error:?}"));
    let first = problem.errors.first();
    let (field, rule) = first.map_or(("", ""), |e| (&*e.field, &*e.rule));
    format!("{} {} {field} {rule}", problem.status, problem.code)
}

async fn refused(acme: &TenantClient, name: &str, content: impl Into<Vec<u8>>) -> String {
    let upload = FileUpload::bytes(name, content.into());
    told(&acme.files().upload(upload).await.expect_err(name))
}

#[tokio::test]
async fn what_is_not_what_it_says_is_refused_by_name_and_rule() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = TestServer::builder().files(settings(folder.path())).start().await;
    let acme = server.tenant("acme").await;
    let content = "400 invalid_input file content";
    let extension = "400 invalid_input name extension";
    assert_eq!(refused(&acme, "a.gif", *b"GIF89a/*\x01\x00*/=1;alert(1)//;").await, content);
    assert_eq!(refused(&acme, "a.pdf", "<html><script>alert(1)</script>").await, content);
    assert_eq!(refused(&acme, "a.png", PDF).await, content);
    assert_eq!(refused(&acme, "a.txt", *b"MZ\x90\x00\x03\x00\x00\x00").await, content);
    for name in ["a.exe", "a.svg", "a.html", "a", "a.pdf.exe", "pdf"] {
        assert_eq!(refused(&acme, name, PDF).await, extension, "{name}");
    }
    assert_eq!(refused(&acme, "a.txt", "").await, "400 invalid_input file min_size");
    let no_path = "400 invalid_input name no_path";
    for name in ["../../etc/passwd.txt", "a/b.txt", "a\\b.txt", "C:b.txt", "a.txt:b.txt"] {
        assert_eq!(refused(&acme, name, "text").await, no_path, "{name}");
    }
    let turned = "400 invalid_input name one_direction";
    assert_eq!(refused(&acme, "invoice\u{202e}txt.pdf", PDF).await, turned);
    assert_eq!(refused(&acme, " a.txt", "text").await, "400 invalid_input name trimmed");
    // Control characters do not get as far as the rules of names.
    for name in ["a\nb.txt", "a\0.txt", "a\u{1b}[2J.txt"] {
        let told = refused(&acme, name, "text").await;
        assert_eq!(told, "400 invalid_input name no_control_characters", "{name:?}");
    }
    let long = format!("{}.txt", "n".repeat(300));
    assert_eq!(refused(&acme, &long, "text").await, "400 invalid_input name max_length");
    assert_eq!(leftovers(folder.path()), [] as [PathBuf; 0]);
    let list = acme.files().list().total().send().await.expect("a page");
    assert_eq!(list.total, Some(0));
    // The same content under a name that is true gets in.
    acme.files().upload(FileUpload::bytes("a.pdf", PDF)).await.expect("a file");
}

#[tokio::test]
async fn what_is_too_large_is_refused_with_and_without_a_length() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = TestServer::builder().files(settings(folder.path())).start().await;
    let acme = server.tenant("acme").await;
    let expected = "413 file_too_large file max_size";
    // Announced: refused at once, however little was sent.
    let token = acme.tokens().await.expect("tokens").access_token;
    let head = format!(
        "POST /api/v1/acme/files?name=a.txt HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/octet-stream\r\ncontent-length: 1000001\r\n\r\nbeginning",
        token.expose()
    );
    let mut connection = connect(&server).await;
    connection.write_all(head.as_bytes()).await.expect("a request");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.expect("an answer, then the end");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("file_too_large"), "{answer}");
    // Untold: refused as soon as there is too much.
    let chunks = stream::iter((0..11).map(|_| Ok("x".repeat(100_000).into())));
    let upload = FileUpload::stream("a.txt", None, chunks);
    let error = acme.files().upload(upload).await.expect_err("too large");
    // Who is still sending may find the connection closed before the answer is read.
    if error.problem().is_some() {
        assert_eq!(told(&error), expected);
    }
    let exact = FileUpload::bytes("a.txt", "x".repeat(1_000_000));
    let kept = acme.files().upload(exact).await.expect("as large as may be");
    acme.files().delete(kept.id).await.expect("a deletion");
    assert_eq!(leftovers(folder.path()).len(), 1, "the one that was let in");
    // A length that is not kept is noticed.
    let chunks = stream::iter([Ok("short".into())]);
    let upload = FileUpload::stream("a.txt", Some(50), chunks);
    acme.files().upload(upload).await.expect_err("fewer than announced");
    assert_eq!(leftovers(folder.path()).len(), 1);
}

async fn connect(server: &TestServer) -> tokio::net::TcpStream {
    let address = server.base_url.strip_prefix("http://").expect("an address");
    tokio::net::TcpStream::connect(address).await.expect("a connection")
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = TestServer::builder().files(settings(folder.path())).start().await;
    let acme = server.tenant("acme").await;
    let token = acme.tokens().await.expect("tokens").access_token;
    for framing in ["content-length: 900000", "transfer-encoding: chunked"] {
        let head = format!(
            "POST /api/v1/acme/files?name=a.txt HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
             content-type: application/octet-stream\r\n{framing}\r\n\r\n",
            token.expose()
        );
        let mut connection = connect(&server).await;
        connection.write_all(head.as_bytes()).await.expect("a request");
        let piece = "x".repeat(200_000);
        let piece = match framing.starts_with('c') {
            true => piece,
            false => format!("{:x}\r\n{piece}\r\n", piece.len()),
        };
        connection.write_all(piece.as_bytes()).await.expect("a part of the content");
        // It is being written by now.
        until("a part of it is there", || !leftovers(folder.path()).is_empty()).await;
        drop(connection);
        until("nothing is left", || leftovers(folder.path()).is_empty()).await;
    }
    assert_eq!(acme.files().list().total().send().await.expect("a page").total, Some(0));
    // What was reserved for them is free again.
    acme.files().upload(FileUpload::bytes("a.txt", "text")).await.expect("a file");
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..600 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("never: {what}");
}

#[tokio::test]
async fn permissions_tenants_and_media_types_are_asked_before_anything_is_read() {
    let server = TestServer::start().await;
    let acme = server.tenant("acme").await;
    let other = server.tenant("other").await;
    let viewer = server.person(&acme, "viewer", "Viewer").await;
    let refused = viewer.files().upload(FileUpload::bytes("a.txt", "text")).await;
    assert_eq!(told(&refused.expect_err("a viewer")), "403 permission_missing  ");
    let file = acme.files().upload(FileUpload::bytes("a.txt", "text")).await.expect("a file");
    viewer.files().download(file.id).await.expect("a viewer reads");
    assert!(viewer.files().delete(file.id).await.expect_err("a viewer").is_forbidden());
    assert!(other.files().get(file.id).await.expect_err("another tenant").is_not_found());
    assert!(other.files().download(file.id).await.expect_err("another tenant").is_not_found());
    assert!(other.files().delete(file.id).await.expect_err("another tenant").is_not_found());
    let link = acme.files().link(file.id, Duration::from_secs(60)).await;
    assert_eq!(told(&link.expect_err("a folder")), "409 file_links_unsupported  ");
    let token = acme.tokens().await.expect("tokens").access_token;
    let http = reqwest::Client::new();
    let url = format!("{}/api/v1/acme/files", server.base_url);
    let post = || http.post(&url).bearer_auth(token.expose()).body("text");
    for (request, status, field) in [
        (post().query(&[("name", "a.txt")]), 415, "Content-Type"),
        (
            post().query(&[("name", "a.txt")]).header("Content-Type", "text/plain"),
            415,
            "Content-Type",
        ),
        (
            post()
                .query(&[("name", "a.txt")])
                .header("Content-Type", "application/octet-stream")
                .header("Content-Encoding", "gzip"),
            415,
            "Content-Encoding",
        ),
        (post().header("Content-Type", "application/octet-stream"), 400, "name"),
    ] {
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status);
        let problem: serde_json::Value = answer.json().await.expect("a problem");
        assert_eq!(problem["errors"][0]["field"], field);
    }
}

/// A scanner that says what a test wants.
#[derive(Debug)]
struct Says(fn() -> vivero_core::Result<Verdict>);

#[async_trait]
impl Scanner for Says {
    async fn scan(&self, file: Download) -> vivero_core::Result<Verdict> {
        file.into_bytes().await?;
        (self.0)()
    }
    async fn ping(&self) -> vivero_core::Result<()> {
        (self.0)().map(|_| ())
    }
}

#[tokio::test]
async fn a_scanner_that_is_away_or_overtaxed_never_counts_as_clean() {
    let away = || {
        let what = "the scanner".into();
        Err(vivero_core::Error::Unavailable { what, retry_after: 30, source: None })
    };
    let overtaxed =
        || Err(vivero_core::Error::invalid("file", "scan_size", "is too large to scan"));
    let infected = || Ok(Verdict::Infected { signature: "Eicar".into() });
    let cases: [(fn() -> vivero_core::Result<Verdict>, &str); 3] = [
        (away, "503 unavailable  "),
        (overtaxed, "413 file_too_large file scan_size"),
        (infected, "400 invalid_input file malware"),
    ];
    for (says, expected) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let scanner: Option<Arc<dyn Scanner>> = Some(Arc::new(Says(says)));
        let settings = FileSettings { scanner, ..settings(folder.path()) };
        let server = TestServer::builder().files(settings).start().await;
        let acme = server.tenant("acme").await;
        assert_eq!(refused(&acme, "a.txt", "text").await, expected);
        assert_eq!(leftovers(folder.path()), [] as [PathBuf; 0]);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let clean: Option<Arc<dyn Scanner>> = Some(Arc::new(Says(|| Ok(Verdict::Clean))));
    let settings = FileSettings { scanner: clean, ..settings(folder.path()) };
    let server = TestServer::builder().files(settings).start().await;
    let acme = server.tenant("acme").await;
    acme.files().upload(FileUpload::bytes("a.txt", "text")).await.expect("a clean file");
}
