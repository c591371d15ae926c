//! How the cells are separated and the numbers written, from a look at the start of the file.

use super::header::{Field, MappedColumn, Target};
use super::number;
use super::split::Record;

/// The delimiters that are looked for; on a tie the earlier one wins, because a comma also occurs
/// inside headers.
const DELIMITERS: [u8; 3] = [b';', b'\t', b','];

/// The delimiter named in a first line `sep=;`, as Excel understands it, with the line's length
/// including its end.
pub(super) fn declared(text: &str) -> Option<(u8, usize)> {
    let rest =
        text.get(..4).filter(|s| s.eq_ignore_ascii_case("sep=")).and_then(|_| text.get(4..))?;
    let delimiter = *rest.as_bytes().first().filter(|byte| is_possible(**byte))?;
    let behind = rest.get(1..)?;
    let end = ["\r\n", "\n", "\r"].into_iter().find(|end| behind.starts_with(end));
    let length = end.map_or(0, str::len);
    (length > 0 || behind.is_empty()).then_some((delimiter, 5 + length))
}

/// Whether `byte` can separate cells.
pub(super) const fn is_possible(byte: u8) -> bool {
    byte == b'\t' || byte.is_ascii_punctuation() && byte != b'"'
}

/// The delimiter that occurs most in the header outside quotes; `,` if none does.
pub(super) fn delimiter(text: &str) -> u8 {
    let mut counts = [0_usize; DELIMITERS.len()];
    let mut quoted = false;
    // Rows that say nothing come before some headers.
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ';' | ','));
    for byte in text.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if quoted => {}
            _ => {
                for (count, delimiter) in counts.iter_mut().zip(DELIMITERS) {
                    *count += usize::from(byte == delimiter);
                }
            }
        }
    }
    let mut best = (0, b',');
    for (count, delimiter) in counts.into_iter().zip(DELIMITERS) {
        if count > best.0 {
            best = (count, delimiter);
        }
    }
    best.1
}

/// Counts the numbers that leave no doubt how decimals are written.
#[derive(Debug, Default)]
pub(super) struct Votes {
    comma: usize,
    point: usize,
}

impl Votes {
    /// Looks at the quantity and the attributes of a row: a code or a bed `1,2` is not a number.
    pub(super) fn count(&mut self, record: &Record, columns: &[MappedColumn]) {
        for (cell, column) in record.iter().zip(columns) {
            if !matches!(column.target, Target::Field(Field::Quantity) | Target::Attribute(_)) {
                continue;
            }
            match number::evidence(cell.trim()) {
                Some(true) => self.comma += 1,
                Some(false) => self.point += 1,
                None => {}
            }
        }
    }

    /// Whether `1.250` is read as 1250 (and `1,250` as 1¼): always where cells are separated by
    /// `;`, which spreadsheets choose just because the comma is taken; else if more numbers have a
    /// decimal comma than a decimal point.
    pub(super) const fn decimal_comma(&self, delimiter: u8) -> bool {
        delimiter == b';' || self.comma > self.point
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_counted_outside_quotes_in_the_header_only() {
        assert_eq!(delimiter("code,name,quantity\na;b;c;d;e;f"), b',');
        assert_eq!(delimiter("code;\"name, in Latin, if known\";quantity\n"), b';');
        assert_eq!(delimiter("code\tname, botanical\tquantity"), b'\t');
        assert_eq!(delimiter("\"one\r\nheader; really\",b\r\n;;;;"), b',');
        assert_eq!(delimiter("\n\ncode;name"), b';');
        assert_eq!(delimiter("code"), b',');
        assert_eq!(delimiter(""), b',');
    }

    #[test]
    fn a_declared_delimiter_is_taken_with_its_line() {
        assert_eq!(declared("sep=;\r\ncode"), Some((b';', 7)));
        assert_eq!(declared("SEP=|\ncode"), Some((b'|', 6)));
        assert_eq!(declared("sep=,"), Some((b',', 5)));
        for text in ["sep=", "sep=\"\n", "sep=;x\n", "separator;b", "sé=;", ""] {
            assert_eq!(declared(text), None, "{text:?}");
        }
    }
}
