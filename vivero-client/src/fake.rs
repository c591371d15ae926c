//! A server that says what a test wants, and remembers what it was asked.

use crate::{Client, Retries, TenantClient, Tokens};
use serde_json::json;
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `GET /path?query`.
    pub(crate) line: String,
    headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Json(u16, String),
    /// With a header.
    With(u16, &'static str, &'static str, String),
    /// The connection breaks before an answer.
    Break,
    /// The connection breaks in the middle of an answer.
    BreakInside,
    /// Nothing, for ever.
    Silence,
    /// Events; then the stream ends, or nothing more comes.
    Events {
        pieces: Vec<String>,
        ends: bool,
    },
}

impl Reply {
    pub(crate) fn problem(status: u16, code: &str) -> Self {
        Self::Json(status, problem(status, code))
    }
}

/// The body of a problem.
pub(crate) fn problem(status: u16, code: &str) -> String {
    json!({"type": "about:blank", "title": "t", "status": status, "detail": "d", "code": code, "request_id": "r-1"})
        .to_string()
}

/// A pair of tokens.
pub(crate) fn tokens(access: &str, refresh: &str) -> serde_json::Value {
    json!({"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": 900})
}

#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    /// Starts; `answer` gets each request and its number, from 0.
    pub(crate) async fn start(
        answer: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let Some(asked) = read(&mut stream).await else { return };
                    let number = {
                        let mut log = log.lock().expect("the log");
                        log.push(asked.clone());
                        log.len() - 1
                    };
                    let _ = reply(stream.get_mut(), answer(&asked, number)).await;
                });
            }
        });
        Self { address, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("the log").clone()
    }
    pub(crate) fn count(&self, line: &str) -> usize {
        self.asked().iter().filter(|asked| asked.line.starts_with(line)).count()
    }

    pub(crate) fn client(&self) -> Client {
        let retries = Retries { first_wait: Duration::from_millis(2), ..Retries::default() };
        let builder = Client::builder().retries(retries).timeout(Duration::from_millis(400));
        builder.build(&self.address).expect("a client")
    }
    pub(crate) fn tenant(&self) -> TenantClient {
        let tokens: Tokens =
            serde_json::from_value(tokens("access-1", "refresh-1")).expect("tokens");
        self.client().tenant("acme").with_tokens(tokens).expect("a tenant")
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut text = String::new();
    stream.read_line(&mut text).await.ok()?;
    let line = text.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers = BTreeMap::new();
    loop {
        text.clear();
        if stream.read_line(&mut text).await.ok()? == 0 {
            return None;
        }
        let Some((name, value)) = text.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |l| l.parse().unwrap_or(0));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Asked { line, headers, body: String::from_utf8(body).ok()? })
}

async fn reply(stream: &mut TcpStream, reply: Reply) -> std::io::Result<()> {
    let head = |status: u16, header: &str, length: usize| {
        format!(
            "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-type: application/json\r\n{header}content-length: {length}\r\n\r\n"
        )
    };
    let text = match reply {
        Reply::Json(status, body) => head(status, "", body.len()) + &body,
        Reply::With(status, name, value, body) => {
            head(status, &format!("{name}: {value}\r\n"), body.len()) + &body
        }
        Reply::Break => return Ok(()),
        Reply::BreakInside => head(200, "", 1000) + "{\"items\":[",
        Reply::Silence => pending().await,
        Reply::Events { pieces, ends } => {
            let head =
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\n\r\n";
            stream.write_all(head.as_bytes()).await?;
            for piece in pieces {
                stream.write_all(piece.as_bytes()).await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            return if ends { Ok(()) } else { pending().await };
        }
    };
    stream.write_all(text.as_bytes()).await?;
    stream.flush().await
}
