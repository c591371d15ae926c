//! The client of clamd, against one made here that speaks its protocol and misbehaves on demand.

use bytes::Bytes;
use futures_util::stream;
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use vivero_core::files::{
    Checksum, Download, FileInfo, FileKey, FileRules, FileStore as _, Intake, Scanner as _, Upload,
    Usage, Verdict,
};
use vivero_core::{Error, ErrorKind, FileId, Result, TenantId, Uuid};
use vivero_store::{Clamd, LocalFiles};

/// How the other side behaves once it is told to scan.
#[derive(Clone)]
enum Manner {
    /// Takes everything and answers.
    Answers(&'static str),
    /// Answers by what it finds: the test file of EICAR or nothing.
    Looks,
    /// Answers after so many bytes, and hangs up.
    AnswersAfter(usize, &'static str),
    /// Takes everything and says nothing more.
    Silent,
    /// Takes so many bytes and hangs up without a word.
    HangsUp(usize),
    /// Never takes a byte.
    Deaf,
    /// Answers without end.
    Babbles,
}

/// What it was sent as content, per connection.
type Seen = Arc<Mutex<Vec<Vec<u8>>>>;

/// Reads `INSTREAM`'s chunks, at most `limit` bytes of them; `None` if the other side hung up.
async fn take_chunks(stream: &mut (impl AsyncRead + Unpin), limit: usize) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    while content.len() < limit {
        let length = stream.read_u32().await.ok()? as usize;
        if length == 0 {
            break;
        }
        let start = content.len();
        content.resize(start + length, 0);
        stream.read_exact(&mut content[start..]).await.ok()?;
    }
    Some(content)
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, manner: Manner, seen: Seen) {
    let mut command = Vec::new();
    while command.last() != Some(&0) {
        match stream.read_u8().await {
            Ok(byte) => command.push(byte),
            Err(_) => return,
        }
    }
    if command == b"zPING\0" {
        let answer = if matches!(manner, Manner::Silent) { "NO" } else { "PONG\0" };
        let _ = stream.write_all(answer.as_bytes()).await;
        return;
    }
    assert_eq!(command, b"zINSTREAM\0", "a command clamd knows");
    let limit = match manner {
        Manner::AnswersAfter(limit, _) | Manner::HangsUp(limit) => limit,
        Manner::Deaf => return std::future::pending().await,
        _ => usize::MAX,
    };
    let Some(content) = take_chunks(&mut stream, limit).await else { return };
    let infected = content.windows(EICAR.len()).any(|window| window == EICAR);
    seen.lock().expect("a lock").push(content);
    let answer = match manner {
        Manner::Answers(answer) | Manner::AnswersAfter(_, answer) => answer,
        Manner::Looks if infected => "stream: Eicar-Test-Signature FOUND\0",
        Manner::Looks => "stream: OK\0",
        Manner::Silent => return std::future::pending().await,
        Manner::HangsUp(_) | Manner::Deaf => return,
        Manner::Babbles => {
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
            return;
        }
    };
    let _ = stream.write_all(answer.as_bytes()).await;
}

/// EICAR's test file, put together so that this source is not one.
const EICAR: &[u8] = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD\
-ANTIVIRUS-TEST-FILE!$H+H*";

async fn fake(manner: Manner) -> (Clamd, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port of its own");
    let address = listener.local_addr().expect("its address");
    let seen = Seen::default();
    let seen_there = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            tokio::spawn(serve(stream, manner.clone(), Arc::clone(&seen_there)));
        }
    });
    let clamd: Clamd = format!("tcp:{address}").parse().expect("an address");
    (clamd.patience(Duration::from_secs(60)).verdict_within(Duration::from_secs(60)), seen)
}

fn key() -> FileKey {
    FileKey::quarantined(FileId::from_uuid(Uuid::from_u128(7)))
}
fn file(content: &[u8], chunk: usize) -> Download {
    let chunks: Vec<Result<Bytes>> =
        content.chunks(chunk).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
    let size = content.len() as u64;
    let sha256 = Checksum::from_bytes(Sha256::digest(content).into());
    let info = FileInfo { key: key(), size, sha256 };
    Download::new(info, 0..size, stream::iter(chunks))
}

#[tokio::test]
async fn clamd_sees_every_byte_and_its_word_is_passed_on() {
    let (clamd, seen) = fake(Manner::Looks).await;
    clamd.ping().await.expect("it answers");
    let clean: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let infected = [&clean[..], EICAR, &clean[..]].concat();
    for (content, chunk) in [(&clean[..0], 1), (&clean[..5], 1), (&clean, 7_777), (&clean, 5 << 20)]
    {
        assert_eq!(clamd.scan(file(content, chunk)).await.expect("a verdict"), Verdict::Clean);
        assert!(seen.lock().expect("a lock").pop().expect("a file") == content, "every byte");
    }
    let verdict = clamd.scan(file(&infected, 100_000)).await.expect("a verdict");
    assert_eq!(verdict, Verdict::Infected { signature: "Eicar-Test-Signature".into() });
}

#[cfg(unix)]
#[tokio::test]
async fn a_socket_of_this_machine_does_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("clamd.sock");
    let listener = tokio::net::UnixListener::bind(&path).expect("a socket");
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            tokio::spawn(serve(stream, Manner::Looks, Seen::default()));
        }
    });
    let clamd: Clamd = format!("unix:{}", path.display()).parse().expect("an address");
    clamd.ping().await.expect("it answers");
    assert_eq!(clamd.scan(file(b"plants", 2)).await.expect("a verdict"), Verdict::Clean);
    let verdict = clamd.scan(file(EICAR, 9)).await.expect("a verdict");
    assert!(matches!(verdict, Verdict::Infected { .. }));
}

#[tokio::test]
async fn only_the_exact_word_is_clean() {
    for answer in [
        "",
        "\0",
        "OK\0",
        "stream: ok\0",
        "stream: OK FOUND OK\0",
        "stream: OK \0",
        " stream: OK\0",
        "stream:OK\0",
        "stream: \0",
        "1: stream: OK\0",
        "stream: Can't allocate memory ERROR\0",
        "UNKNOWN COMMAND\0",
        "\u{1f331}\0",
    ] {
        let (clamd, _) = fake(Manner::Answers(answer)).await;
        let refused = clamd.scan(file(b"plants", 3)).await.expect_err(answer);
        assert_eq!(refused.kind(), ErrorKind::Unavailable, "{answer:?}: {refused:?}");
    }
    let (clamd, _) = fake(Manner::Answers("stream: OK\nstream: Bad FOUND\0")).await;
    let verdict = clamd.scan(file(b"plants", 3)).await.expect("something was found");
    assert!(matches!(verdict, Verdict::Infected { .. }));
    let (clamd, _) = fake(Manner::Answers("stream: OK")).await;
    let verdict = clamd.scan(file(b"plants", 3)).await.expect("ended by hanging up");
    assert_eq!(verdict, Verdict::Clean);
}

#[tokio::test]
async fn too_large_is_told_apart_from_away() {
    let content = vec![1; 4_000_000];
    let too_large = "INSTREAM size limit exceeded. ERROR\0";
    for manner in [Manner::Answers(too_large), Manner::AnswersAfter(100_000, too_large)] {
        let (clamd, _) = fake(manner).await;
        match clamd.scan(file(&content, 50_000)).await.expect_err("too large") {
            Error::Invalid(rules) => assert_eq!(rules[0].rule, "scan_size"),
            // The answer can be lost with the connection: then it is no verdict either.
            other => assert_eq!(other.kind(), ErrorKind::Unavailable, "{other:?}"),
        }
    }
}

#[tokio::test]
async fn praise_before_the_end_is_no_verdict_and_refusal_is() {
    let content = vec![1; 4_000_000];
    let (clamd, _) = fake(Manner::AnswersAfter(100_000, "stream: OK\0")).await;
    let refused = clamd.scan(file(&content, 50_000)).await.expect_err("it has not seen it all");
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    for _ in 0..5 {
        let (clamd, _) = fake(Manner::AnswersAfter(100_000, "stream: Bad FOUND\0")).await;
        match clamd.scan(file(&content, 50_000)).await {
            Ok(verdict) => assert_eq!(verdict, Verdict::Infected { signature: "Bad".into() }),
            Err(e) => assert_eq!(e.kind(), ErrorKind::Unavailable, "lost with the connection"),
        }
    }
}

#[tokio::test]
async fn whatever_else_it_does_nothing_is_clean() {
    let content = vec![1; 4_000_000];
    let short = Duration::from_millis(50);
    for (manner, how) in [
        (Manner::HangsUp(0), "hangs up at once"),
        (Manner::HangsUp(2_000_000), "hangs up halfway"),
        (Manner::HangsUp(usize::MAX), "hangs up at the end"),
        (Manner::Silent, "is silent"),
        (Manner::Deaf, "takes nothing"),
        (Manner::Babbles, "babbles"),
    ] {
        let (clamd, _) = fake(manner).await;
        let clamd = clamd.patience(short).verdict_within(short);
        let refused = clamd.scan(file(&content, 50_000)).await.expect_err(how);
        assert_eq!(refused.kind(), ErrorKind::Unavailable, "{how}: {refused:?}");
    }
    let (clamd, _) = fake(Manner::Silent).await;
    clamd.ping().await.expect_err("NO is not PONG");
    // A port nobody listens at any more.
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("it");
    let clamd = Clamd::tcp(gone.to_string());
    let away = clamd.scan(file(b"plants", 1)).await.expect_err("nobody is there");
    assert_eq!(away.kind(), ErrorKind::Unavailable);
    assert_eq!(clamd.ping().await.expect_err("nobody is there").kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_to_its_end_is_not_clean() {
    let (clamd, _) = fake(Manner::Looks).await;
    let whole = file(b"plants and more plants", 5);
    let (info, range) = (whole.info, whole.range.clone());
    for chunks in [
        vec![Ok(Bytes::from_static(b"plants"))],
        vec![Ok(Bytes::from_static(b"plants")), Err(Error::corrupt("a bad block"))],
        vec![Ok(Bytes::from_static(b"plants and more plantS"))],
    ] {
        let broken = Download::new(info, range.clone(), stream::iter(chunks));
        let failed = clamd.scan(broken).await.expect_err("it was not read to its end");
        assert_eq!(failed.code(), "data_damaged");
    }
}

#[tokio::test]
async fn what_it_finds_never_gets_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Arc::new(LocalFiles::open(folder.path()).expect("opening the folder"));
    let tenant = TenantId::from_uuid(Uuid::from_u128(1));
    let (clamd, _) = fake(Manner::Looks).await;
    let intake = Intake::new(store.clone(), FileRules::default()).scanner(Arc::new(clamd));
    let infected = Upload::of(EICAR);
    let refused = intake.receive(tenant, key(), "a.txt", infected, 0).await.expect_err("malware");
    assert!(refused.to_string().contains("malware"), "{refused}");
    assert_eq!(store.usage(tenant).await.expect("the usage"), Usage::default());

    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("it");
    let away = Arc::new(Clamd::tcp(gone.to_string()));
    let closed = Intake::new(store.clone(), FileRules::default()).scanner(away);
    let upload = Upload::of("plants");
    let refused = closed.receive(tenant, key(), "a.txt", upload, 0).await.expect_err("no scanner");
    assert_eq!(refused.kind(), ErrorKind::Unavailable, "a scanner that is away lets nothing in");
    assert_eq!(store.usage(tenant).await.expect("the usage"), Usage::default());

    let upload = Upload::of("plants");
    intake.receive(tenant, key(), "a.txt", upload, 0).await.expect("a clean file");
    assert_eq!(store.usage(tenant).await.expect("the usage").stored.files, 1);
}

#[test]
fn addresses_are_read() {
    for text in ["tcp:127.0.0.1:3310", "tcp:clamd.internal:3310", "tcp:[::1]:3310"] {
        text.parse::<Clamd>().expect(text);
    }
    #[cfg(unix)]
    "unix:/run/clamav/clamd.ctl".parse::<Clamd>().expect("a socket");
    for text in ["", "tcp:", "tcp:host", "unix:", "unix:clamd.ctl", "http://host:3310", "/run/x"] {
        assert_eq!(text.parse::<Clamd>().expect_err(text).code(), "invalid_input", "{text}");
    }
}
