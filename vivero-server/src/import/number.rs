//! Whole numbers as people write them.
//!
//! Spaces (also the non-breaking ones) and apostrophes separate thousands. For comma and point:
//!
//! - both present: the last one is the decimal mark (`1.250,00`, `1,250.00`);
//! - one of them several times: it separates thousands (`1.250.000`);
//! - one of them once: it is the decimal mark (`12,0`, `12,5`, `0,250`, `1 250,000`), except in
//!   front of exactly three digits and behind one to three (`1.250`, `1,250`), where both readings
//!   make sense. There the file decides, see [`super::dialect::Votes`].
//!
//! Decimals must be zeros: half a plant is an error of the file.

/// A decimal mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Comma,
    Point,
}

impl Mark {
    const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Point => b'.',
        }
    }
    const fn other(self) -> Self {
        match self {
            Self::Comma => Self::Point,
            Self::Point => Self::Comma,
        }
    }
}

/// What the separators of a number say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// There are none, or none that matter.
    Plain,
    /// This is the decimal mark.
    Clear(Mark),
    /// This separator may be a decimal mark or separate thousands.
    Unclear(Mark),
}

/// Why a text is not a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotWhole {
    /// It is not a number, or has decimals.
    No,
    /// It has decimals, read so only because of the file-wide rule: the separator.
    AsDecided(char),
}

/// Reads a whole number; beyond 64 bits it saturates, for the range check to refuse.
pub(super) fn whole(text: &str, decimal_comma: bool) -> Result<i64, NotWhole> {
    if !text.is_empty() && text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().map_err(|_| NotWhole::No);
    }
    let (negative, digits) = sign(text);
    let reading = reading(digits);
    let mark = match reading {
        Reading::Clear(mark) => mark,
        Reading::Plain | Reading::Unclear(_) if decimal_comma => Mark::Comma,
        Reading::Plain | Reading::Unclear(_) => Mark::Point,
    };
    let (whole, decimals) = parts(digits, mark).ok_or(NotWhole::No)?;
    if decimals.bytes().any(|b| b != b'0') {
        return Err(match reading {
            Reading::Unclear(separator) => NotWhole::AsDecided(char::from(separator.byte())),
            _ => NotWhole::No,
        });
    }
    let magnitude = whole
        .bytes()
        .filter(u8::is_ascii_digit)
        .fold(0_i64, |sum, digit| sum.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    Ok(if negative { -magnitude } else { magnitude })
}

/// Whether `text` is a number that can only be read with a decimal comma (`true`) or only with a
/// decimal point (`false`).
pub(super) fn evidence(text: &str) -> Option<bool> {
    let (_, digits) = sign(text);
    if text.len() > 32 || !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let Reading::Clear(mark) = reading(digits) else { return None };
    parts(digits, mark).map(|_| mark == Mark::Comma)
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text).trim_start()),
    }
}

fn reading(digits: &str) -> Reading {
    let count = |mark: Mark| digits.bytes().filter(|b| *b == mark.byte()).count();
    let mark = match (count(Mark::Comma), count(Mark::Point)) {
        (0, 0) => return Reading::Plain,
        (1, 0) => Mark::Comma,
        (0, 1) => Mark::Point,
        (_, 0) => return Reading::Clear(Mark::Point),
        (0, _) => return Reading::Clear(Mark::Comma),
        _ if digits.rfind(',') > digits.rfind('.') => return Reading::Clear(Mark::Comma),
        _ => return Reading::Clear(Mark::Point),
    };
    match digits.split_once(char::from(mark.byte())) {
        Some((before, after))
            if after.len() == 3
                && (1..=3).contains(&before.len())
                && before.bytes().all(|b| b.is_ascii_digit())
                && !before.starts_with('0') =>
        {
            Reading::Unclear(mark)
        }
        _ => Reading::Clear(mark),
    }
}

/// Splits at the decimal mark and checks that the rest is digits in well-formed groups.
fn parts(digits: &str, mark: Mark) -> Option<(&str, &str)> {
    let (whole, decimals) = match digits.split_once(char::from(mark.byte())) {
        Some((whole, decimals)) if !decimals.is_empty() => (whole, decimals),
        Some(_) => return None,
        None => (digits, ""),
    };
    if !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let thousands = char::from(mark.other().byte());
    let is_separator =
        |c: char| c == thousands || c.is_whitespace() || matches!(c, '\'' | '\u{2019}');
    let separator = whole.chars().find(|c| !c.is_ascii_digit());
    let Some(separator) = separator else {
        return (!whole.is_empty()).then_some((whole, decimals));
    };
    if !is_separator(separator) {
        return None;
    }
    let grouped = whole.split(separator).enumerate().all(|(index, group)| {
        group.bytes().all(|b| b.is_ascii_digit())
            && if index == 0 { (1..=3).contains(&group.len()) } else { group.len() == 3 }
    });
    grouped.then_some((whole, decimals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_leave_no_doubt_read_the_same_in_every_file() {
        let same = [
            ("0", 0),
            ("250", 250),
            ("+250", 250),
            ("-3", -3),
            ("\u{2212}3", -3),
            ("1 250", 1250),
            ("1\u{a0}250", 1250),
            ("1\u{202f}250\u{202f}000", 1_250_000),
            ("1'250", 1250),
            ("12,0", 12),
            ("12.00", 12),
            ("1.250,00", 1250),
            ("1,250.00", 1250),
            ("1.250.000", 1_250_000),
            ("1,250,000", 1_250_000),
            ("1 250,000", 1250),
            ("0,000", 0),
            ("1250,000", 1250),
            ("1250.000", 1250),
            ("99999999999999999999", i64::MAX),
            ("-99999999999999999999", -i64::MAX),
        ];
        for (text, expected) in same {
            assert_eq!(whole(text, true), Ok(expected), "{text:?} with decimal comma");
            assert_eq!(whole(text, false), Ok(expected), "{text:?} with decimal point");
        }
    }

    #[test]
    fn one_separator_before_three_digits_follows_the_file() {
        assert_eq!(whole("1.250", true), Ok(1250));
        assert_eq!(whole("1,250", false), Ok(1250));
        assert_eq!(whole("12.000", true), Ok(12_000));
        assert_eq!(whole("12.000", false), Ok(12));
        assert_eq!(whole("1.250", false), Err(NotWhole::AsDecided('.')));
        assert_eq!(whole("1,250", true), Err(NotWhole::AsDecided(',')));
    }

    #[test]
    fn what_is_not_a_whole_number_is_refused() {
        let bad = [
            "",
            "-",
            "+",
            ",",
            ".",
            "12,",
            ",5",
            "12,5",
            "12.5",
            "0,250",
            "1.25.000",
            "1 25",
            "12 Stk",
            "1,2E+03",
            "1.250.00,0",
            "1.250,000.0",
            "--5",
            "0x10",
            "١٢",
            "1 250.000,5",
            "12,5,0",
            "1 250'000",
            "1  250",
            " 250 1",
        ];
        for text in bad {
            assert_eq!(whole(text, true), Err(NotWhole::No), "{text:?} with decimal comma");
            assert_eq!(whole(text, false), Err(NotWhole::No), "{text:?} with decimal point");
        }
    }

    #[test]
    fn only_numbers_without_doubt_are_evidence() {
        for text in ["12,5", "1.250,00", "1.250.000", "0,250"] {
            assert_eq!(evidence(text), Some(true), "{text:?}");
        }
        for text in ["12.5", "1,250.00", "1,250,000", "-0.5"] {
            assert_eq!(evidence(text), Some(false), "{text:?}");
        }
        for text in ["", "250", "1.250", "1,250", "1.3.2026", "01/03/2026", "a,b", "A 1,5", "1,2,3"]
        {
            assert_eq!(evidence(text), None, "{text:?}");
        }
    }
}
