//! What people call files: data to be kept and shown, never a path.

use crate::error::Check;
use std::fmt::Write as _;

/// Most characters of a file's name.
pub const MAX_NAME_CHARS: usize = 255;

/// Checks a file's name as a person gave it. It needs no escaping to be stored, since no path is made
/// of it; refused is what would deceive whoever reads or saves it.
pub fn check_name(check: &mut Check, field: &str, name: &str) {
    check.text(field, name, 1, MAX_NAME_CHARS);
    if name.contains(['\n', '\r', '\t', '\u{2028}', '\u{2029}']) {
        check.fail(field, "one_line", "must be one line without tabs");
    }
    if name.contains(['/', '\\', ':']) || matches!(name, "." | "..") {
        check.fail(field, "no_path", "must be a name without folders: no / \\ or :");
    }
    // Text that changes direction shows `exe.jpg` for what ends in `gpj.exe` (CVE-2021-42574).
    if name.contains(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')) {
        check.fail(field, "one_direction", "must not contain characters that turn its direction");
    }
    if name.ends_with(['.', ' ']) || name.starts_with(' ') {
        check.fail(field, "trimmed", "must not begin with a space or end with a space or a dot");
    }
}

/// The part of a name after its last dot, in lower case; `None` if there is none or it is not made of
/// ASCII letters and digits.
pub(super) fn extension(name: &str) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.')?;
    let sound = !stem.is_empty()
        && !extension.is_empty()
        && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    sound.then(|| extension.to_ascii_lowercase())
}

/// The `Content-Disposition` that makes a browser save a file under its name instead of showing it
/// (RFC 6266): an ASCII stand-in, and the name itself as RFC 8187 spells it. Any text gives a header
/// of printable ASCII.
#[must_use]
pub fn attachment(name: &str) -> String {
    let mut header = String::from("attachment; filename=\"");
    for c in name.chars().take(MAX_NAME_CHARS) {
        let plain = c.is_ascii_graphic() || c == ' ';
        header.push(if plain && !matches!(c, '"' | '\\' | '%') { c } else { '_' });
    }
    header.push_str("\"; filename*=UTF-8''");
    let mut utf8 = [0; 4];
    for c in name.chars().take(MAX_NAME_CHARS) {
        for byte in c.encode_utf8(&mut utf8).bytes() {
            match byte {
                b'!' | b'#' | b'$' | b'&' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|'
                | b'~' => header.push(char::from(byte)),
                _ if byte.is_ascii_alphanumeric() => header.push(char::from(byte)),
                // Writing to a String does not fail.
                _ => _ = write!(header, "%{byte:02X}"),
            }
        }
    }
    header
}
