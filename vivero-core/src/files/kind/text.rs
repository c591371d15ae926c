//! Text: no bytes that text has not, and not the beginning of something a program would run.

use super::{Sample, Verdict};

/// The checks for CSV and plain text.
pub(super) fn plain(sample: Sample<'_>) -> Verdict {
    let whole = sample.is_whole();
    match sample.head {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes, whole),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes, whole),
        [0xef, 0xbb, 0xbf, rest @ ..] => {
            utf8(rest, whole)?;
            text(rest.iter().copied().map(u32::from))
        }
        // Above ASCII, every byte is a letter in one code page or another.
        head => text(head.iter().copied().map(u32::from)),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, whole: bool) -> Verdict {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let last = pairs.last().map(|pair| unit(*pair));
    let cut = !whole && last.is_some_and(|u| (0xd800..0xdc00).contains(&u));
    let units = pairs.iter().map(|pair| unit(*pair));
    let broken = char::decode_utf16(units.clone()).filter(Result::is_err).count();
    if whole && !odd.is_empty() || broken > usize::from(cut) {
        return Err("it is not the UTF-16 its first bytes say");
    }
    text(units.map(u32::from))
}

/// What a byte order mark promises must hold, but for a character the sample ends in.
fn utf8(bytes: &[u8], whole: bool) -> Verdict {
    match std::str::from_utf8(bytes) {
        Err(e) if whole || e.error_len().is_some() => {
            Err("it is not the UTF-8 its first bytes say")
        }
        _ => Ok(()),
    }
}

fn text(characters: impl Iterator<Item = u32> + Clone) -> Verdict {
    const TAB_TO_RETURN: std::ops::RangeInclusive<u32> = 9..=13;
    let control = |c: u32| c < 32 && !TAB_TO_RETURN.contains(&c) || c == 127;
    // A lone Ctrl-Z ends files of DOS programs, an escape begins nothing but printers' commands.
    if characters.clone().any(|c| control(c) && c != 0x1a) {
        return Err("it has bytes that no text has");
    }
    let start: String = characters
        .filter_map(char::from_u32)
        .skip_while(|c| c.is_whitespace())
        .take(8)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let markup = start.strip_prefix('<').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '!' | '?' | '/'))
    });
    let other = ["#!", "%pdf", "%!ps", "{\\rtf"].into_iter().any(|sign| start.starts_with(sign));
    if markup || other { Err("it begins like a web page, a script or a document") } else { Ok(()) }
}
