//! Server-sent events, as <https://html.spec.whatwg.org/multipage/server-sent-events.html> describes
//! the format.

use std::time::Duration;

/// More than any event of a vivero server has; a stream that goes beyond it is not one.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// One thing a stream says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// An event.
    Event {
        /// Its id, or the last one before it.
        id: Option<String>,
        /// What it carries.
        data: String,
    },
    /// A new id without an event.
    Id(String),
    /// How long to wait before connecting again.
    Retry(Duration),
    /// Text for no one, or to keep the connection alive.
    Comment(String),
}

/// The stream is longer than any event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Reads a stream that comes in pieces, cut anywhere. What is unfinished at its end never happened.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    started: bool,
    after_cr: bool,
    data: Option<String>,
    id: Option<String>,
    id_is_new: bool,
}

impl Parser {
    /// Takes the next piece; what it completes is added to `frames`.
    pub(super) fn push(&mut self, piece: &[u8], frames: &mut Vec<Frame>) -> Result<(), TooLong> {
        let mut rest = piece;
        while let Some(&first) = rest.first() {
            // The LF of a CRLF, perhaps from another piece.
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let Some(end) = rest.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
                self.line.extend_from_slice(rest);
                break;
            };
            self.line.extend_from_slice(&rest[..end]);
            self.after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            let mut line = std::mem::take(&mut self.line);
            self.end_line(&line, frames);
            line.clear();
            self.line = line;
        }
        let held = self.line.len() + self.data.as_ref().map_or(0, String::len);
        if held > MAX_BYTES { Err(TooLong) } else { Ok(()) }
    }

    fn end_line(&mut self, line: &[u8], frames: &mut Vec<Frame>) {
        let text = String::from_utf8_lossy(line);
        let mut text = &*text;
        if !std::mem::replace(&mut self.started, true) {
            text = text.strip_prefix('\u{feff}').unwrap_or(text);
        }
        if text.is_empty() {
            return self.end_event(frames);
        }
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "" => frames.push(Frame::Comment(value.to_owned())),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "id" if !value.contains('\0') => {
                self.id = Some(value.to_owned());
                self.id_is_new = true;
            }
            "retry" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
                frames.extend(value.parse().ok().map(Duration::from_millis).map(Frame::Retry));
            }
            // The action is in the data too; fields not known mean nothing.
            _ => {}
        }
    }

    fn end_event(&mut self, frames: &mut Vec<Frame>) {
        let id_is_new = std::mem::take(&mut self.id_is_new);
        match self.data.take() {
            Some(data) => frames.push(Frame::Event { id: self.id.clone(), data }),
            None if id_is_new => frames.extend(self.id.clone().map(Frame::Id)),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<Frame> {
        let mut parser = Parser::default();
        let mut frames = Vec::new();
        for piece in pieces {
            parser.push(piece, &mut frames).expect("short enough");
        }
        frames
    }
    fn event(id: Option<&str>, data: &str) -> Frame {
        Frame::Event { id: id.map(str::to_owned), data: data.to_owned() }
    }

    const STREAM: &str = "\u{feff}retry: 2000\n: after 7\n\nid: 8\nevent: entity.create\ndata: {\"a\":\"ä\"}\n\n: heartbeat\n\nid:9\ndata:one\ndata:  two\ndata\n\ndata: x\n\nid: 12\n\n";

    fn expected() -> Vec<Frame> {
        vec![
            Frame::Retry(Duration::from_secs(2)),
            Frame::Comment("after 7".into()),
            event(Some("8"), "{\"a\":\"ä\"}"),
            Frame::Comment("heartbeat".into()),
            event(Some("9"), "one\n two\n"),
            event(Some("9"), "x"),
            Frame::Id("12".into()),
        ]
    }

    #[test]
    fn a_stream_reads_the_same_wherever_it_is_cut_and_however_lines_end() {
        for ending in ["\n", "\r\n", "\r"] {
            let text = STREAM.replace('\n', ending);
            let bytes = text.as_bytes();
            assert_eq!(read(&[bytes]), expected(), "{ending:?} whole");
            for size in 1..40 {
                let pieces = bytes.chunks(size).collect::<Vec<_>>();
                assert_eq!(read(&pieces), expected(), "{ending:?} by {size}");
            }
            for cut in 0..bytes.len() {
                let (a, b) = bytes.split_at(cut);
                assert_eq!(read(&[a, b]), expected(), "{ending:?} at {cut}");
            }
        }
    }

    #[test]
    fn what_is_unfinished_at_the_end_never_happened() {
        assert_eq!(read(&[b"id: 1\ndata: a\n\nid: 2\ndata: b\n"]), [event(Some("1"), "a")]);
        assert_eq!(read(&[b"id: 1\ndata: a"]), []);
    }

    #[test]
    fn fields_not_known_and_values_that_make_no_sense_are_passed_over() {
        let frames =
            read(&[b"what: 1\nretry: soon\nretry: -1\nretry:\nid: a\0b\nnothing\n\ndata\n\n"]);
        assert_eq!(frames, [event(None, "")]);
    }

    #[test]
    fn a_stream_without_events_ends_before_memory_does() {
        let mut parser = Parser::default();
        let mut frames = Vec::new();
        let piece = vec![b'x'; 1024 * 1024];
        let pushed = (0..17).map(|_| parser.push(&piece, &mut frames)).collect::<Vec<_>>();
        assert_eq!(pushed.last(), Some(&Err(TooLong)));
        let mut parser = Parser::default();
        let line = [b"data: ".as_slice(), &piece, b"\n"].concat();
        assert!((0..17).any(|_| parser.push(&line, &mut frames).is_err()));
    }
}
