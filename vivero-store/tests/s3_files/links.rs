//! Links that anyone can follow for a while.

use crate::server::{SECRET, Server};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use vivero_core::files::{FileKey, FileStore as _, LinkOptions, Upload};
use vivero_core::{FileId, TenantId, Uuid};
use vivero_store::S3Files;

fn tenant(number: u128) -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(number))
}
fn key() -> FileKey {
    FileKey::stored(FileId::from_uuid(Uuid::from_u128(7)))
}
fn minute() -> LinkOptions {
    LinkOptions {
        valid_for: Duration::from_secs(60),
        file_name: "Beet \"7\" März.csv".into(),
        media_type: "text/csv".into(),
    }
}

/// Follows a link as a browser does: status, head in lower case, body.
async fn follow(link: &str) -> (u16, String, String) {
    let rest = link.strip_prefix("http://").expect("an address");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(host).await.expect("a connection");
    let request = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
    (status, head.to_ascii_lowercase(), body.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_saves_the_file_under_its_name() {
    let server = Server::start().await;
    let files = server.files();
    files.put(tenant(1), key(), Upload::of("bed;plants\n")).await.expect("putting");
    let link = files.link(tenant(1), key(), &minute()).await.expect("a link").expect("a link");
    let (status, head, body) = follow(&link).await;
    assert_eq!((status, body.as_str()), (200, "bed;plants\n"), "{head}");
    assert!(head.contains("content-type: text/csv\r\n"), "{head}");
    let name = "attachment; filename=\"beet _7_ m_rz.csv\"; filename*=utf-8''beet%20%227%22%20m%c3%a4rz.csv";
    assert!(head.contains(&format!("content-disposition: {name}\r\n")), "{head}");
    assert!(!link.contains(SECRET), "{link}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_opens_one_file_of_one_tenant_for_its_time() {
    let server = Server::start().await;
    let files = server.files();
    for number in [1, 2] {
        files.put(tenant(number), key(), Upload::of("x")).await.expect("putting");
        let waiting = key().in_area(vivero_core::files::Area::Quarantine);
        files.put(tenant(number), waiting, Upload::of("x")).await.expect("putting");
    }
    let link = files.link(tenant(1), key(), &minute()).await.expect("a link").expect("a link");
    assert_eq!(follow(&link).await.0, 200);
    let tenants = [1, 2].map(|n| tenant(n).uuid().simple().to_string());
    for (from, to) in [
        (tenants[0].as_str(), tenants[1].as_str()),
        ("/stored/", "/quarantine/"),
        ("X-Amz-Expires=60", "X-Amz-Expires=600000"),
        ("text%2Fcsv", "text%2Fhtml"),
        ("attachment", "inline"),
    ] {
        let bent = link.replace(from, to);
        assert_ne!(bent, link, "{from} is in {link}");
        assert_eq!(follow(&bent).await.0, 403, "{to} instead of {from}");
    }
    let (address, path) = (server.address, link.split_once("?").expect("a query").0);
    assert!(path.starts_with(&format!("http://{address}/")));
    assert_eq!(follow(path).await.0, 403, "without its signature");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_names_the_address_that_is_known_outside() {
    let server = Server::start().await;
    let mut options = server.options();
    options.public_endpoint = Some("https://files.example.com".into());
    options.folder = "vivero/files".into();
    let files = S3Files::new(options).expect("options that can be");
    let link = files.link(tenant(1), key(), &minute()).await.expect("a link").expect("a link");
    let path = format!("vivero/files/{}/{}", tenant(1).uuid().simple(), key());
    let wanted = format!("https://files.example.com/{}/{path}?", crate::server::BUCKET);
    assert!(link.starts_with(&wanted), "{link}");
    assert_eq!(server.requests().len(), 0, "no request is needed for it");
}
