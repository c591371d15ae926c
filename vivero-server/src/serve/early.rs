//! Requests that never become one: a request line of megabytes, headers without end, bytes that are
//! not HTTP. The HTTP library answers them by itself with an empty body; here that answer gets the
//! body every other error has. And whoever is refused while still sending gets to read why.

use pin_project_lite::pin_project;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Bytes of a refused request that are read and thrown away, so that its sender gets to see the
/// answer instead of a broken connection.
const DISCARD: usize = 8 * 1024 * 1024;
/// How long that may take.
const LINGER: Duration = Duration::from_secs(2);

pin_project! {
    /// A connection that says more than the HTTP library does.
    pub(super) struct ProblemIo<T> {
        #[pin]
        io: T,
        // The answer being written in place of the library's.
        answer: Option<(Vec<u8>, usize)>,
        discarded: usize,
        linger: Option<Pin<Box<Sleep>>>,
        closed: bool,
        // Whether no line of the request has ended yet.
        first_line: bool,
    }
}

impl<T> ProblemIo<T> {
    pub(super) fn new(io: T) -> Self {
        Self { io, answer: None, discarded: 0, linger: None, closed: false, first_line: true }
    }
}

impl<T: AsyncRead> AsyncRead for ProblemIo<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        let before = buf.filled().len();
        let read = this.io.poll_read(cx, buf);
        if *this.first_line && buf.filled()[before..].contains(&b'\n') {
            *this.first_line = false;
        }
        read
    }
}

impl<T: AsyncRead + AsyncWrite> AsyncWrite for ProblemIo<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut this = self.project();
        if this.answer.is_none()
            && let Some(answer) = problem(buf, *this.first_line)
        {
            *this.answer = Some((answer, 0));
        }
        *this.first_line = true;
        let Some((answer, written)) = this.answer else { return this.io.poll_write(cx, buf) };
        while *written < answer.len() {
            *written += ready!(this.io.as_mut().poll_write(cx, &answer[*written..]))?;
        }
        *this.answer = None;
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().io.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut this = self.project();
        if !*this.closed {
            ready!(this.io.as_mut().poll_shutdown(cx))?;
            *this.closed = true;
        }
        // A socket that is closed with bytes unread resets the connection, and with it the answer.
        let linger = this.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut scrap = [0; 16 * 1024];
        while *this.discarded < DISCARD {
            let mut buf = ReadBuf::new(&mut scrap);
            match this.io.as_mut().poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                    *this.discarded += buf.filled().len();
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    ready!(linger.as_mut().poll(cx));
                    break;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// The answer to give instead, if `written` is one the library made up by itself: ours all carry a
/// request id.
fn problem(written: &[u8], first_line: bool) -> Option<Vec<u8>> {
    let refusal = written.strip_prefix(b"HTTP/1.1 4")?;
    if written.len() > 512 || !written.ends_with(b"\r\n\r\n") {
        return None;
    }
    let long = "path and query must have at most 8192 bytes in all";
    let (status, title, code, field, message) = match refusal.get(..2)? {
        b"00" => (400, "Bad Request", "malformed_request", "request", "must be HTTP"),
        b"31" if !first_line => {
            let title = "Request Header Fields Too Large";
            (431, title, "headers_too_large", "headers", "must be shorter")
        }
        b"14" | b"31" => (414, "URI Too Long", "uri_too_long", "query", long),
        _ => return None,
    };
    let head = std::str::from_utf8(written).ok()?.to_ascii_lowercase();
    if head.contains("x-request-id") || !head.contains("content-length: 0") {
        return None;
    }
    let body = format!(
        r#"{{"type":"about:blank","title":"{title}","status":{status},"detail":"{message}","code":"{code}","request_id":"-","errors":[{{"field":"{field}","rule":"{code}","message":"{message}"}}]}}"#
    );
    let answer = format!(
        "HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         x-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    Some(answer.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_of_the_library_itself_are_replaced() {
        let bare = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let answer = String::from_utf8(problem(bare, true).expect("replaced")).expect("text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
        assert!(head.contains(&format!("content-length: {}", body.len())));
        let problem_json: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(
            (&problem_json["status"], &problem_json["errors"][0]["field"]),
            (&414.into(), &"query".into())
        );
        let answer = String::from_utf8(problem(bare, false).expect("replaced")).expect("text");
        assert!(answer.starts_with("HTTP/1.1 431 ") && answer.contains("headers"));
        for ours in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\nx-request-id: a\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\nx-request-id: a\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n",
        ] {
            assert!(problem(ours.as_bytes(), true).is_none(), "{ours}");
        }
    }
}
