//! Days as people write them: year first, or day before month.

use chrono::NaiveDate;

/// Reads `2026-03-01` (also with `/` or `.`), or day, month and year with `/`, `.` or `-` between
/// them, where a year of two digits is 20xx. A time of midnight behind it, as databases export it,
/// is left out. The error says what is wrong, in words that follow "must be".
pub(super) fn day(text: &str) -> Result<NaiveDate, &'static str> {
    const FORMS: &str = "a date like 2026-03-01 or 01/03/2026 (day/month/year)";
    let text = without_midnight(text);
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(if text.len() <= 6 {
            "a date like 2026-03-01 or 01/03/2026; this looks like Excel's day count: give the column a date format before saving as CSV"
        } else {
            FORMS
        });
    }
    let separator = text.chars().find(|c| !c.is_ascii_digit()).ok_or(FORMS)?;
    if !matches!(separator, '-' | '/' | '.') {
        return Err(FORMS);
    }
    let mut parts = text.split(separator).map(str::trim_start);
    let (Some(first), Some(month), Some(last), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(FORMS);
    };
    let (year, day) = match (first.len(), last.len()) {
        (4, 1 | 2) => (number(first), number(last)),
        (1 | 2, 4) => (number(last), number(first)),
        (1 | 2, 2) => (number(last).map(|year| year + 2000), number(first)),
        _ => return Err(FORMS),
    };
    let month = if month.len() <= 2 { number(month) } else { None };
    let (Some(year), Some(month), Some(day)) = (year, month, day) else { return Err(FORMS) };
    if month > 12 && day <= 12 {
        return Err(
            "a day that exists; the month stands in the middle, as in 01/03/2026 or 2026-03-01",
        );
    }
    i32::try_from(year)
        .ok()
        .and_then(|year| NaiveDate::from_ymd_opt(year, month, day))
        .ok_or("a day that exists")
}

fn number(digits: &str) -> Option<u32> {
    if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

fn without_midnight(text: &str) -> &str {
    match text.split_once(['T', ' ']) {
        Some((day, time))
            if time.starts_with("00:00")
                && time.bytes().all(|b| matches!(b, b'0' | b':' | b'.' | b'Z')) =>
        {
            day
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_spellings_are_one_day() {
        let march = NaiveDate::from_ymd_opt(2026, 3, 1);
        let same = [
            "2026-03-01",
            "2026/3/1",
            "2026.03.01",
            "01/03/2026",
            "1.3.2026",
            "01-03-26",
            "1/3/26",
            "1. 3. 2026",
            "2026-03-01T00:00:00",
            "2026-03-01T00:00:00.000Z",
            "01/03/2026 00:00",
        ];
        for text in same {
            assert_eq!(day(text).ok(), march, "{text:?}");
        }
        assert_eq!(day("29.02.2028").ok(), NaiveDate::from_ymd_opt(2028, 2, 29));
    }

    #[test]
    fn what_is_not_a_day_is_refused() {
        let bad = [
            "",
            "-",
            "soon",
            "KW 12",
            "12/2026",
            "29.02.2026",
            "31.04.2026",
            "00.03.2026",
            "2026-13-01",
            "01/03/026",
            "1/2/3/4",
            "01/03-2026",
            "2026-03-01T10:30:00",
            "20260301",
            "1.3.",
            "-1.3.2026",
            "٠١/٠٣/٢٠٢٦",
            "001/03/2026",
            "1/003/2026",
        ];
        for text in bad {
            assert!(day(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_excel_day_count_and_american_order_are_explained() {
        assert!(day("46082").is_err_and(|e| e.contains("Excel")));
        assert!(day("03/25/2026").is_err_and(|e| e.contains("in the middle")));
    }
}
