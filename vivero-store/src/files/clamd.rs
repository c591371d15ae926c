//! clamd of ClamAV, over its socket (clamd(8), command `INSTREAM`).
//!
//! Written here because answers must be bounded in size and time, and because clamd answers before the
//! end of a file that is too large for it and hangs up: reading goes on while writing does.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use vivero_core::files::{Download, FileStream, Scanner, Verdict};
use vivero_core::{Error, Result};

/// Longest answer that is read. True ones are shorter than the longest path.
const MAX_ANSWER: u64 = 8 * 1024;

/// Most bytes sent as one chunk: clamd refuses a chunk beyond its limit as if the file were.
const PIECE: usize = 64 * 1024;

#[derive(Debug, Clone)]
enum Address {
    Tcp(String),
    #[cfg(unix)]
    Unix(PathBuf),
}

/// A clamd that looks through what comes in.
///
/// Its `StreamMaxLength` must be no smaller than the largest file the rules let in: a larger one is
/// refused, never let through.
///
/// ```
/// let clamd: vivero_store::Clamd = "tcp:127.0.0.1:3310".parse()?;
/// # Ok::<_, vivero_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Clamd {
    address: Address,
    patience: Duration,
    verdict: Duration,
}

impl FromStr for Clamd {
    type Err = Error;
    /// `tcp:HOST:PORT` or `unix:PATH`.
    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some(("tcp", address)) if address.contains(':') => Ok(Self::tcp(address)),
            #[cfg(unix)]
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::unix(path)),
            _ => Err(Error::invalid("clamd", "clamd", "must be tcp:HOST:PORT or unix:/PATH")),
        }
    }
}

impl Clamd {
    const fn at(address: Address) -> Self {
        let (patience, verdict) = (Duration::from_secs(10), Duration::from_secs(120));
        Self { address, patience, verdict }
    }
    /// The one that listens at `HOST:PORT`.
    #[must_use]
    pub fn tcp(address: impl Into<String>) -> Self {
        Self::at(Address::Tcp(address.into()))
    }
    /// The one that listens at a socket of this machine.
    #[cfg(unix)]
    #[must_use]
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::at(Address::Unix(path.into()))
    }
    /// How long it may take to be reached and to take one chunk; default 10 s.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
    /// How long it may think once it has everything; default 120 s, which is clamd's own
    /// `MaxScanTime`.
    #[must_use]
    pub const fn verdict_within(mut self, verdict: Duration) -> Self {
        self.verdict = verdict;
        self
    }

    async fn connect(&self) -> Result<(Box<dyn AsyncRead + Send + Unpin>, Writer)> {
        let connected = async {
            Ok::<_, io::Error>(match &self.address {
                Address::Tcp(address) => {
                    let (read, write) = TcpStream::connect(address).await?.into_split();
                    (Box::new(read) as Box<dyn AsyncRead + Send + Unpin>, Box::new(write) as Writer)
                }
                #[cfg(unix)]
                Address::Unix(path) => {
                    let (read, write) = tokio::net::UnixStream::connect(path).await?.into_split();
                    (Box::new(read) as _, Box::new(write) as Writer)
                }
            })
        };
        within(self.patience, connected).await
    }

    async fn send(&self, writer: &mut Writer, bytes: &[u8]) -> Result<()> {
        within(self.patience, writer.write_all(bytes)).await
    }

    async fn send_file(&self, writer: &mut Writer, mut content: FileStream) -> Result<(), Unsent> {
        self.send(writer, b"zINSTREAM\0").await?;
        while let Some(chunk) = content.next().await {
            let chunk: Bytes = chunk.map_err(Unsent::File)?;
            for piece in chunk.chunks(PIECE) {
                let length = u32::try_from(piece.len()).unwrap_or(0).to_be_bytes();
                self.send(writer, &length).await?;
                self.send(writer, piece).await?;
            }
        }
        self.send(writer, &[0; 4]).await?;
        Ok(within(self.patience, writer.flush()).await?)
    }
}

/// Why a file was not sent to its end.
enum Unsent {
    /// It could not be read.
    File(Error),
    /// clamd did not take it.
    Clamd(Error),
}
impl From<Error> for Unsent {
    fn from(error: Error) -> Self {
        Self::Clamd(error)
    }
}

type Writer = Box<dyn AsyncWrite + Send + Unpin>;

fn away(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Unavailable {
        what: "virus scanner".into(),
        retry_after: 30,
        source: Some(source.into()),
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> Result<T> {
    timeout(limit, work).await.map_err(away)?.map_err(away)
}

/// What clamd says, up to the zero that ends an answer or the end of the line.
async fn answer(reader: impl AsyncRead + Unpin) -> io::Result<String> {
    let mut bytes = Vec::new();
    BufReader::new(reader.take(MAX_ANSWER)).read_until(0, &mut bytes).await?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.trim_end_matches(['\0', '\n']).to_owned())
}

/// What an answer means once clamd has the whole file. Only its exact word for it is clean.
fn verdict(answer: &str) -> Result<Verdict> {
    if answer == "stream: OK" {
        return Ok(Verdict::Clean);
    }
    let found = answer.strip_prefix("stream: ").and_then(|rest| rest.strip_suffix(" FOUND"));
    if let Some(signature) = found {
        return Ok(Verdict::Infected { signature: signature.into() });
    }
    if answer.contains("size limit exceeded") {
        return Err(Error::invalid("file", "scan_size", "is too large for the virus scanner"));
    }
    Err(away(format!("clamd answered {answer:?}")))
}

#[async_trait]
impl Scanner for Clamd {
    async fn scan(&self, file: Download) -> Result<Verdict> {
        let (reader, mut writer) = self.connect().await?;
        let mut answered = std::pin::pin!(answer(reader));
        let early = tokio::select! {
            biased;
            early = &mut answered => Some(early.map_err(away)?),
            sent = self.send_file(&mut writer, file.into_stream()) => match sent {
                Ok(()) => None,
                Err(Unsent::File(e)) => return Err(e),
                // It hung up, and may have said why.
                Err(Unsent::Clamd(e)) => match within(self.patience, &mut answered).await {
                    Ok(early) => Some(early),
                    Err(_) => return Err(e),
                },
            },
        };
        match early {
            None => verdict(&within(self.verdict, answered).await?),
            // It has not seen the whole file: it may refuse it, not praise it.
            Some(answer) => match verdict(&answer)? {
                Verdict::Clean => Err(away("clamd answered before it had the whole file")),
                infected => Ok(infected),
            },
        }
    }

    async fn ping(&self) -> Result<()> {
        let (reader, mut writer) = self.connect().await?;
        self.send(&mut writer, b"zPING\0").await?;
        match within(self.patience, answer(reader)).await?.as_str() {
            "PONG" => Ok(()),
            other => Err(away(format!("clamd answered {other:?} to a ping"))),
        }
    }
}
