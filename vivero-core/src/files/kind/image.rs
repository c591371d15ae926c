//! Images. The polyglots refused here are the published ones: formats whose first bytes are letters to
//! a script engine (`GIF89a`, `RIFF`, `ÿØÿà`) followed by what makes the rest a comment or a string.

use super::{SCRIPT, Sample, Verdict, be16, be32, inferred, le16, le32, no_markup};

const SHAPE: &str = "it does not have the structure of such an image";

/// Holds when the condition does; `None` means the bytes are not there.
fn shape(holds: Option<bool>) -> Verdict {
    if holds == Some(true) { Ok(()) } else { Err(SHAPE) }
}

/// Signature and header chunk of the PNG specification (sections 5.2 and 11.2.2).
pub(super) fn png(Sample { head, .. }: Sample<'_>) -> Verdict {
    inferred(head, &["image/png"])?;
    shape(Some(head.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")))?;
    let side = |at| be32(head, at).map(|side| (1..1 << 31).contains(&side));
    shape(side(16))?;
    shape(side(20))?;
    no_markup(head)
}

/// The chain of segments from the start of image on, as far as the sample goes.
pub(super) fn jpeg(sample: Sample<'_>) -> Verdict {
    const SCAN: u8 = 0xda;
    let head = sample.head;
    inferred(head, &["image/jpeg"])?;
    if matches!(head.get(4..6), Some(b"/*" | b"//")) {
        return Err(SCRIPT);
    }
    let mut at = 2;
    // Fill bytes may stand before any marker.
    while let (Some(0xff), Some(marker)) = (head.get(at), head.get(at + 1)) {
        match *marker {
            0xff => at += 1,
            SCAN => return no_markup(head),
            0xc0..=0xcf | 0xdb..=0xfe => match be16(head, at + 2) {
                Some(length) if length >= 2 => at += 2 + usize::from(length),
                Some(_) => return Err(SHAPE),
                None => break,
            },
            _ => return Err(SHAPE),
        }
    }
    // Only a segment that goes on beyond the sample leaves the scan unseen.
    shape(Some(at > 2 && at + 4 > head.len() && !sample.is_whole()))?;
    no_markup(head)
}

/// Header, screen and first block (GIF89a specification, sections 17 and 18).
pub(super) fn gif(sample: Sample<'_>) -> Verdict {
    let head = sample.head;
    inferred(head, &["image/gif"])?;
    shape(Some(head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a")))?;
    let screen = head.get(6..13).ok_or(SHAPE)?;
    if reads_as_script(screen) {
        return Err(SCRIPT);
    }
    shape(le16(screen, 0).zip(le16(screen, 2)).map(|(w, h)| w > 0 && h > 0))?;
    let flags = screen[4];
    let colours = if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    // An extension or an image.
    shape(match head.get(13 + colours) {
        Some(block) => Some(matches!(block, 0x21 | 0x2c)),
        None => Some(!sample.is_whole()),
    })?;
    no_markup(head)
}

/// Whether a script engine that has read a name would take what follows for an operator and the
/// beginning of a comment, a string or more script. True pictures have zeros and other bytes there
/// that no script has.
fn reads_as_script(bytes: &[u8]) -> bool {
    for (i, byte) in bytes.iter().enumerate() {
        match byte {
            b'/' if matches!(bytes.get(i + 1), Some(b'/' | b'*')) => return true,
            b'"' | b'\'' | b'`' if i > 0 => return true,
            b'\t'..=b'\r' | b' '..=b'~' => {}
            _ => return false,
        }
    }
    true
}

/// The container of WebP, whose size must be the file's.
pub(super) fn webp(Sample { head, size }: Sample<'_>) -> Verdict {
    inferred(head, &["image/webp"])?;
    shape(Some(head.starts_with(b"RIFF")))?;
    if matches!(head.get(4..6), Some(b"/*" | b"//")) {
        return Err(SCRIPT);
    }
    shape(head.get(12..16).map(|c| matches!(c, b"VP8 " | b"VP8L" | b"VP8X")))?;
    let inside = le32(head, 4).map(u64::from);
    if let Some(size) = size {
        shape(inside.map(|inside| inside + 8 == size))?;
    }
    no_markup(head)
}

/// A file of the ISO base media format that names HEIC among its brands.
pub(super) fn heic(Sample { head, .. }: Sample<'_>) -> Verdict {
    inferred(head, &["image/heif"])?;
    shape(be32(head, 0).map(|length| (16..4096).contains(&length)))?;
    no_markup(head)
}

/// The header of TIFF 6.0, whose first directory lies behind it. (`infer` misses files whose pixels
/// come first and begin with certain values.)
pub(super) fn tiff(Sample { head, size }: Sample<'_>) -> Verdict {
    let directory = match head.get(..4) {
        Some(b"II*\0") => le32(head, 4),
        Some(b"MM\0*") => be32(head, 4),
        _ => None,
    };
    shape(directory.map(|at| at >= 8 && size.is_none_or(|size| u64::from(at) < size)))?;
    no_markup(head)
}
