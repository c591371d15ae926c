//! As little of HTTP/1.1 as a load needs: one request at a time on a kept-alive connection, answers
//! by Content-Length or in chunks, read into a buffer that is used again.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::ops::Range;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Room for a page of 50 rows without growing.
const BUFFER: usize = 128 * 1_024;
/// No answer of vivero is this large.
const MOST: usize = 64 * 1_024 * 1_024;

/// A connection that opens itself again when it was closed.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
    filled: usize,
}

/// An answer, in the connection's buffer.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    /// The `ETag` header as it came.
    pub(crate) etag: Option<&'a [u8]>,
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    pub(crate) const fn is_success(&self) -> bool {
        self.status / 100 == 2
    }
}

/// How long a body is.
#[derive(Debug, Clone, Copy)]
enum Length {
    Bytes(usize),
    Chunks,
    UntilClose,
}

#[derive(Debug)]
struct Head {
    status: u16,
    length: Length,
    close: bool,
    etag: Option<Range<usize>>,
    /// Where the body starts.
    end: usize,
}

impl Connection {
    /// A connection that is not open yet.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: vec![0; BUFFER], filled: 0 }
    }

    /// Opens it if it is not.
    pub(crate) async fn ready(&mut self) -> Result<()> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        Ok(())
    }

    /// Sends a whole request and reads the whole answer. After an error the connection is closed.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.ready().await?;
        match self.talk(request).await {
            Ok((head, body)) => {
                if head.close {
                    self.stream = None;
                }
                let etag = head.etag.map(|at| &self.buffer[at]);
                Ok(Answer { status: head.status, etag, body: &self.buffer[body] })
            }
            Err(error) => {
                self.stream = None;
                Err(error)
            }
        }
    }

    async fn talk(&mut self, request: &[u8]) -> Result<(Head, Range<usize>)> {
        if let Some(stream) = &mut self.stream {
            stream.write_all(request).await?;
        }
        self.filled = 0;
        let head = self.head().await?;
        let start = head.end;
        let end = match head.length {
            Length::Bytes(length) => {
                self.fill_to(start + length).await?;
                start + length
            }
            Length::Chunks => self.chunks(start).await?,
            Length::UntilClose => {
                while self.read().await? > 0 {}
                self.filled
            }
        };
        Ok((head, start..end))
    }

    async fn head(&mut self) -> Result<Head> {
        let mut from = 0;
        loop {
            self.more().await?;
            if let Some(at) = find(&self.buffer[from..self.filled], b"\r\n\r\n") {
                return parse_head(&self.buffer[..from + at + 4]);
            }
            from = self.filled.saturating_sub(3);
        }
    }

    /// Joins the chunks in place, so that the body lies in one piece; returns where it ends.
    async fn chunks(&mut self, start: usize) -> Result<usize> {
        let (mut at, mut end) = (start, start);
        loop {
            let line = self.line(at).await?;
            let size = std::str::from_utf8(&self.buffer[line.clone()]).ok();
            let size = size.and_then(|s| s.split(';').next()).map(str::trim);
            let size = size
                .and_then(|s| usize::from_str_radix(s, 16).ok())
                .ok_or_else(|| bad("chunk size"))?;
            at = line.end + 2;
            if size == 0 {
                break;
            }
            self.fill_to(at + size + 2).await?;
            self.buffer.copy_within(at..at + size, end);
            end += size;
            at += size + 2;
        }
        loop {
            let line = self.line(at).await?;
            if line.is_empty() {
                return Ok(end);
            }
            at = line.end + 2;
        }
    }

    /// The line from `at`, without its end.
    async fn line(&mut self, at: usize) -> Result<Range<usize>> {
        loop {
            let known = at.min(self.filled);
            if let Some(length) = find(&self.buffer[known..self.filled], b"\r\n") {
                return Ok(at..at + length);
            }
            self.more().await?;
        }
    }

    async fn fill_to(&mut self, end: usize) -> Result<()> {
        if end > MOST {
            return Err(bad("length"));
        }
        if end > self.buffer.len() {
            self.buffer.resize(end, 0);
        }
        while self.filled < end {
            self.more().await?;
        }
        Ok(())
    }

    async fn more(&mut self) -> Result<()> {
        match self.read().await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    async fn read(&mut self) -> Result<usize> {
        if self.filled == self.buffer.len() {
            if self.filled >= MOST {
                return Err(bad("length"));
            }
            self.buffer.resize(self.filled * 2, 0);
        }
        let stream = self.stream.as_mut().ok_or(ErrorKind::NotConnected)?;
        let read = stream.read(&mut self.buffer[self.filled..]).await?;
        self.filled += read;
        Ok(read)
    }
}

fn parse_head(head: &[u8]) -> Result<Head> {
    // `HTTP/1.1 200 …`
    let status = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
    let status = status.and_then(|digits| digits.parse().ok()).ok_or_else(|| bad("status line"))?;
    let bodiless = matches!(status, 204 | 304);
    let length = if bodiless { Length::Bytes(0) } else { Length::UntilClose };
    let mut parsed = Head { status, length, close: false, etag: None, end: head.len() };
    let mut at = find(head, b"\r\n").map_or(head.len(), |end| end + 2);
    while let Some(end) = head.get(at..).and_then(|rest| find(rest, b"\r\n")) {
        header(&mut parsed, &head[at..at + end], at)?;
        at += end + 2;
    }
    if bodiless {
        parsed.length = Length::Bytes(0);
    }
    parsed.close |= matches!(parsed.length, Length::UntilClose);
    Ok(parsed)
}

fn header(head: &mut Head, line: &[u8], at: usize) -> Result<()> {
    if let Some(value) = value_of(line, b"content-length") {
        let value = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
        head.length = Length::Bytes(value.ok_or_else(|| bad("Content-Length"))?);
    } else if let Some(value) = value_of(line, b"transfer-encoding") {
        if value.eq_ignore_ascii_case(b"chunked") {
            head.length = Length::Chunks;
        }
    } else if let Some(value) = value_of(line, b"connection") {
        head.close = value.eq_ignore_ascii_case(b"close");
    } else if let Some(value) = value_of(line, b"etag") {
        let end = at + line.trim_ascii_end().len();
        head.etag = Some(end - value.len()..end);
    }
    Ok(())
}

fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":")?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn bad(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("{what} of the answer is wrong"))
}
