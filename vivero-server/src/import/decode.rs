//! From the bytes of a file, in whatever encoding, to UTF-8 text, a piece at a time.

use super::problem::ImportError;
use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::io::{ErrorKind, Read};

/// How much of the file is looked at before the first row is read, and read at a time.
pub(super) const SNIFF: usize = 64 * 1024;

/// What one call of [`Decoder::fill`] came to.
pub(super) enum Fill {
    /// There may be more.
    More,
    /// The file ends here.
    End,
    /// Nothing after this point can be read.
    Damaged(Damage),
}

/// Why the rest of a file cannot be read; the caller knows the line.
#[derive(Debug)]
pub(super) enum Damage {
    /// The input failed.
    Io(std::io::Error),
    /// The bytes that follow are not text of this encoding.
    Malformed(&'static Encoding),
}

enum Mode {
    /// Checked, not converted. `undecided`: nothing but ASCII was seen so far, which Windows-1252
    /// spells the same, so the choice between the two is still open.
    Utf8 { undecided: bool },
    /// Converted.
    Other(encoding_rs::Decoder),
}

/// Reads bytes, gives text.
pub(super) struct Decoder<R> {
    input: R,
    raw: Vec<u8>,
    mode: Mode,
    bytes_read: u64,
    input_ended: bool,
}

impl<R: Read> Decoder<R> {
    /// Looks at the first [`SNIFF`] bytes and settles the encoding, unless it is given.
    pub(super) fn new(input: R, encoding: Option<&'static Encoding>) -> Result<Self, ImportError> {
        let mode = Mode::Utf8 { undecided: false };
        let raw = Vec::with_capacity(SNIFF);
        let mut decoder = Self { input, raw, mode, bytes_read: 0, input_ended: false };
        decoder.read().map_err(ImportError::Io)?;
        refuse_workbook(&decoder.raw)?;
        decoder.mode = match encoding {
            Some(encoding) if encoding != UTF_8 => {
                Mode::Other(encoding.new_decoder_with_bom_removal())
            }
            forced => decoder.detect(forced.is_some()),
        };
        Ok(decoder)
    }

    fn detect(&mut self, forced_utf8: bool) -> Mode {
        match Encoding::for_bom(&self.raw) {
            Some((encoding, length)) if encoding == UTF_8 => {
                self.raw.drain(..length);
                Mode::Utf8 { undecided: false }
            }
            _ if forced_utf8 => Mode::Utf8 { undecided: false },
            Some((encoding, _)) if encoding == UTF_16LE || encoding == UTF_16BE => {
                Mode::Other(encoding.new_decoder_with_bom_removal())
            }
            _ if looks_like_windows_1252(&self.raw) => one_byte(),
            _ => Mode::Utf8 { undecided: true },
        }
    }

    /// The encoding as far as it is known now.
    pub(super) fn encoding(&self) -> &'static Encoding {
        match &self.mode {
            Mode::Utf8 { .. } => UTF_8,
            Mode::Other(decoder) => decoder.encoding(),
        }
    }

    /// Bytes taken from the input.
    pub(super) const fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Appends the next piece of text to `out`. What can be read before damage is appended too.
    pub(super) fn fill(&mut self, out: &mut String) -> Fill {
        if let Err(error) = self.read() {
            return Fill::Damaged(Damage::Io(error));
        }
        let damaged = match &mut self.mode {
            Mode::Utf8 { undecided } => match check(&self.raw, self.input_ended, undecided, out) {
                Checked::Good { used } => {
                    self.raw.drain(..used);
                    None
                }
                Checked::Bad { used } if *undecided => {
                    self.raw.drain(..used);
                    self.mode = one_byte();
                    return Fill::More;
                }
                Checked::Bad { .. } => Some(UTF_8),
            },
            Mode::Other(decoder) => {
                let good = convert(decoder, &self.raw, self.input_ended, out);
                self.raw.clear();
                (!good).then(|| decoder.encoding())
            }
        };
        match damaged {
            Some(encoding) => Fill::Damaged(Damage::Malformed(encoding)),
            None if self.input_ended => Fill::End,
            None => Fill::More,
        }
    }

    /// Tops `raw` up to [`SNIFF`] bytes, or to the end of the input.
    fn read(&mut self) -> std::io::Result<()> {
        let mut filled = self.raw.len();
        if self.input_ended || filled >= SNIFF {
            return Ok(());
        }
        self.raw.resize(SNIFF, 0);
        let outcome = loop {
            let Some(space) = self.raw.get_mut(filled..).filter(|space| !space.is_empty()) else {
                break Ok(());
            };
            match self.input.read(space) {
                Ok(0) => {
                    self.input_ended = true;
                    break Ok(());
                }
                // A reader that claims more than it was given room for is not believed.
                Ok(count) => {
                    let count = count.min(space.len());
                    filled += count;
                    self.bytes_read += count as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.raw.truncate(filled);
        outcome
    }
}

fn one_byte() -> Mode {
    Mode::Other(WINDOWS_1252.new_decoder_without_bom_handling())
}

enum Checked {
    Good { used: usize },
    Bad { used: usize },
}

/// Appends the part of `raw` that is UTF-8. A character cut off at the end stays for the next time.
fn check(raw: &[u8], last: bool, undecided: &mut bool, out: &mut String) -> Checked {
    let (text, cut_off) = match std::str::from_utf8(raw) {
        Ok(text) => (text, true),
        Err(error) => {
            let (valid, _) = raw.split_at(error.valid_up_to());
            let cut_off = error.error_len().is_none() && !last;
            (std::str::from_utf8(valid).unwrap_or_default(), cut_off)
        }
    };
    *undecided = *undecided && text.is_ascii();
    out.push_str(text);
    if cut_off { Checked::Good { used: text.len() } } else { Checked::Bad { used: text.len() } }
}

/// Appends `raw` converted; false if it is not text of the decoder's encoding.
fn convert(decoder: &mut encoding_rs::Decoder, raw: &[u8], last: bool, out: &mut String) -> bool {
    let mut rest = raw;
    loop {
        let needed = decoder.max_utf8_buffer_length_without_replacement(rest.len());
        out.reserve(needed.unwrap_or(rest.len()));
        let (result, used) = decoder.decode_to_string_without_replacement(rest, out, last);
        rest = rest.get(used..).unwrap_or_default();
        match result {
            DecoderResult::InputEmpty => return true,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => return false,
        }
    }
}

/// Whether there are more bytes that cannot be UTF-8 than characters beyond ASCII that are.
///
/// A single broken byte must not turn every accent of a UTF-8 file into two wrong letters, and
/// `×` before a curly quote in Windows-1252 happens to be a UTF-8 character.
fn looks_like_windows_1252(raw: &[u8]) -> bool {
    let (mut good, mut bad) = (0_usize, 0_usize);
    let mut chunks = raw.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        let cut_off = raw.len() >= SNIFF
            && chunks.peek().is_none()
            && std::str::from_utf8(chunk.invalid()).is_err_and(|e| e.error_len().is_none());
        bad += usize::from(!chunk.invalid().is_empty() && !cut_off);
    }
    bad > good
}

fn refuse_workbook(raw: &[u8]) -> Result<(), ImportError> {
    let what = if raw.starts_with(b"PK\x03\x04") {
        "an Excel or LibreOffice workbook"
    } else if raw.starts_with(b"\xd0\xcf\x11\xe0") {
        "an old Excel workbook"
    } else {
        return Ok(());
    };
    Err(ImportError::NotText { what: format!("it is {what}: save the sheet as CSV first") })
}
