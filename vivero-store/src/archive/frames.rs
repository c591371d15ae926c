//! Frames on disk: compressed, sealed, each checksum covering the one before it.

use super::keys::ArchiveKey;
use super::{FORMAT, refused};
use crate::disk::io_error;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use uuid::Uuid;
use vivero_core::{Error, Result};

const MAGIC: &[u8; 8] = b"VIVERO\r\n";
const PREAMBLE: usize = 64;
const SALT: std::ops::Range<usize> = 32..64;
const HEAD: usize = 16;
const HASH: usize = 32;
/// Most bytes of a frame, before and after compression: what claims to be larger is none.
const MOST: usize = 128 * 1024 * 1024;
/// Ordinary speed: a slower level makes archives of rows about a tenth smaller at a third of the speed.
const LEVEL: i32 = 3;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    Header = 1,
    Rows = 2,
    Trailer = 3,
}

fn number(n: usize) -> [u8; 4] {
    u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes()
}

fn nonce(frame: u32) -> XNonce {
    // No two frames of an archive have one number, and no two archives one key.
    let mut nonce = [0; 24];
    nonce[..4].copy_from_slice(&frame.to_le_bytes());
    XNonce::from(nonce)
}

fn aad(preamble: &[u8; HASH], head: &[u8; HEAD]) -> Vec<u8> {
    [preamble.as_slice(), head.as_slice()].concat()
}

/// Writes frames.
pub(super) struct FrameWriter<W> {
    to: W,
    preamble: [u8; HASH],
    previous: [u8; HASH],
    next: u32,
    cipher: Option<XChaCha20Poly1305>,
    pub(super) written: u64,
}

impl<W: Write> FrameWriter<W> {
    pub(super) fn new(
        mut to: W,
        archive: Uuid,
        salt: [u8; 32],
        key: Option<&ArchiveKey>,
    ) -> Result<Self> {
        let mut preamble = [0; PREAMBLE];
        preamble[..8].copy_from_slice(MAGIC);
        preamble[8..10].copy_from_slice(&FORMAT.to_le_bytes());
        preamble[10] = u8::from(key.is_some());
        preamble[16..32].copy_from_slice(archive.as_bytes());
        preamble[SALT].copy_from_slice(&salt);
        let cipher = key.map(|key| key.cipher(&salt)).transpose()?;
        to.write_all(&preamble).map_err(failed)?;
        let hash: [u8; HASH] = Sha256::digest(preamble).into();
        let written = PREAMBLE as u64;
        Ok(Self { to, preamble: hash, previous: hash, next: 0, cipher, written })
    }

    pub(super) fn write(&mut self, kind: FrameKind, table: u16, raw: &[u8]) -> Result<()> {
        let mut body = zstd::bulk::compress(raw, LEVEL).map_err(failed)?;
        let sealed = body.len() + if self.cipher.is_some() { 16 } else { 0 };
        if raw.len() > MOST || sealed > MOST {
            return Err(Error::corrupt("a row is larger than an archive can hold"));
        }
        let mut head = [0; HEAD];
        head[0] = kind as u8;
        head[2..4].copy_from_slice(&table.to_le_bytes());
        head[4..8].copy_from_slice(&number(raw.len()));
        head[8..12].copy_from_slice(&number(sealed));
        head[12..16].copy_from_slice(&self.next.to_le_bytes());
        if let Some(cipher) = &self.cipher {
            let payload = Payload { msg: &body, aad: &aad(&self.preamble, &head) };
            body = cipher
                .encrypt(&nonce(self.next), payload)
                .map_err(|_| Error::corrupt("a frame cannot be sealed"))?;
        }
        self.previous = checksum(&self.previous, &head, &body);
        for part in [head.as_slice(), &body, &self.previous] {
            self.to.write_all(part).map_err(failed)?;
            self.written += part.len() as u64;
        }
        self.next = self.next.checked_add(1).ok_or_else(|| Error::corrupt("too many frames"))?;
        Ok(())
    }
}

fn failed(error: io::Error) -> Error {
    io_error("writing an archive", error)
}

fn checksum(previous: &[u8; HASH], head: &[u8; HEAD], body: &[u8]) -> [u8; HASH] {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(head);
    hash.update(body);
    hash.finalize().into()
}

/// A frame that was read.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: FrameKind,
    pub(super) table: u16,
    pub(super) raw: Vec<u8>,
}

/// Reads frames and says where the first that is not as it was written is.
pub(super) struct FrameReader<R> {
    from: R,
    path: PathBuf,
    preamble: [u8; HASH],
    previous: [u8; HASH],
    next: u32,
    at: u64,
    cipher: Option<XChaCha20Poly1305>,
    pub(super) archive: Uuid,
}

impl<R: Read> FrameReader<R> {
    pub(super) fn new(mut from: R, path: &Path, key: Option<&ArchiveKey>) -> Result<Self> {
        let mut preamble = [0; PREAMBLE];
        let read = fill(&mut from, &mut preamble).map_err(|e| unreadable(path, &e))?;
        if read < MAGIC.len() || preamble[..8] != *MAGIC {
            return Err(refused(path, "format", "is not an archive of vivero's"));
        }
        if read < PREAMBLE {
            return Err(cut_off(path, 0, read as u64));
        }
        let format = u16::from_le_bytes([preamble[8], preamble[9]]);
        if format > FORMAT {
            return Err(refused(
                path,
                "format",
                format!(
                    "has format {format}, this program reads up to {FORMAT}: use a newer vivero"
                ),
            ));
        }
        if format == 0 || preamble[10] > 1 || preamble[11..16] != [0; 5] {
            return Err(refused(path, "intact", "its first 64 bytes were edited or damaged"));
        }
        let cipher = match (preamble[10], key) {
            (0, _) => None,
            (_, Some(key)) => Some(key.cipher(&preamble[SALT])?),
            (_, None) => {
                let message =
                    "is encrypted: name the key it was made with in VIVERO_KEY_FILE or VIVERO_KEY";
                return Err(refused(path, "key", message));
            }
        };
        let hash: [u8; HASH] = Sha256::digest(preamble).into();
        let mut id = [0; 16];
        id.copy_from_slice(&preamble[16..32]);
        Ok(Self {
            from,
            path: path.to_owned(),
            preamble: hash,
            previous: hash,
            next: 0,
            at: PREAMBLE as u64,
            cipher,
            archive: Uuid::from_bytes(id),
        })
    }

    fn damaged(&self, what: &str) -> Error {
        let message = format!("frame {} at byte {}: {what}", self.next, self.at);
        refused(&self.path, "intact", message)
    }

    /// The next frame; an archive that ends without a trailer is cut off.
    pub(super) fn read(&mut self) -> Result<Frame> {
        let mut head = [0; HEAD];
        let read = self.fill(&mut head)?;
        if read < HEAD {
            return Err(cut_off(&self.path, self.next, self.at + read as u64));
        }
        let word = |from: usize| {
            u32::from_le_bytes([head[from], head[from + 1], head[from + 2], head[from + 3]])
        };
        let (raw, sealed, frame) = (word(4) as usize, word(8) as usize, word(12));
        let kind = match head[0] {
            1 => FrameKind::Header,
            2 => FrameKind::Rows,
            3 => FrameKind::Trailer,
            _ => return Err(self.damaged("was edited or damaged")),
        };
        if head[1] != 0 || raw > MOST || sealed > MOST {
            return Err(self.damaged("was edited or damaged"));
        }
        if frame != self.next {
            return Err(self
                .damaged(&format!("is frame {frame}: frames were swapped, dropped or repeated")));
        }
        // Not all at once: a length that was made up must not take memory.
        let mut body = Vec::new();
        let read = (&mut self.from)
            .take(sealed as u64 + HASH as u64)
            .read_to_end(&mut body)
            .map_err(|e| unreadable(&self.path, &e))?;
        if read < sealed + HASH {
            return Err(cut_off(&self.path, self.next, self.at + (HEAD + read) as u64));
        }
        let hash = body.split_off(sealed);
        if checksum(&self.previous, &head, &body) != hash.as_slice() {
            let what = "was edited, damaged, or comes from another archive (its checksum differs)";
            return Err(self.damaged(what));
        }
        if let Some(cipher) = &self.cipher {
            let payload = Payload { msg: &body, aad: &aad(&self.preamble, &head) };
            body = match cipher.decrypt(&nonce(frame), payload) {
                Ok(body) => body,
                Err(_) if frame == 0 => {
                    let message =
                        "does not open with this key: it was made with another, or edited";
                    return Err(refused(&self.path, "key", message));
                }
                Err(_) => {
                    return Err(self.damaged("does not open: it was put there by somebody else"));
                }
            };
        }
        let raw_body = zstd::bulk::decompress(&body, raw)
            .ok()
            .filter(|found| found.len() == raw)
            .ok_or_else(|| self.damaged("does not decompress"))?;
        self.previous.copy_from_slice(&hash);
        self.at += (HEAD + sealed + HASH) as u64;
        self.next += 1;
        let table = u16::from_le_bytes([head[2], head[3]]);
        Ok(Frame { kind, table, raw: raw_body })
    }

    /// After the trailer there is nothing.
    pub(super) fn end(&mut self) -> Result<u64> {
        let mut more = [0];
        if self.fill(&mut more)? > 0 {
            return Err(self.damaged("something follows the end"));
        }
        Ok(self.at)
    }

    pub(super) fn wrong(&self, what: &str) -> Error {
        self.damaged(what)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        fill(&mut self.from, buffer).map_err(|e| unreadable(&self.path, &e))
    }
}

fn cut_off(path: &Path, frame: u32, at: u64) -> Error {
    let message = format!(
        "is cut off in frame {frame} at byte {at}: making or copying it was interrupted; make or copy it again"
    );
    refused(path, "whole", message)
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    refused(path, "readable", error)
}

fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        match from.read(&mut buffer[read..]) {
            Ok(0) => break,
            Ok(some) => read += some,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(read)
}
