//! What holds for every file.

use super::super::records::Records;
use super::super::split::Record;
use super::*;
use encoding_rs::{UTF_8, WINDOWS_1252};
use proptest::prelude::*;

const CELL: &str = "[ a-cß\"',;\t\r\n|\\\\.0é€]{0,12}";

#[derive(Debug, Clone, Copy)]
enum Written {
    Utf8,
    Utf8Bom,
    Utf16Le,
    Utf16Be,
    Windows1252,
}

impl Written {
    fn bytes(self, text: &str) -> Vec<u8> {
        let utf_16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(bytes).collect()
        };
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf8Bom => format!("\u{feff}{text}").into_bytes(),
            Self::Utf16Le => utf_16(u16::to_le_bytes),
            Self::Utf16Be => utf_16(u16::to_be_bytes),
            Self::Windows1252 => WINDOWS_1252.encode(text).0.into_owned(),
        }
    }
    /// What must be said of it: without a byte order mark a short text can look like either.
    fn encoding(self) -> Option<&'static encoding_rs::Encoding> {
        match self {
            Self::Utf8 => Some(UTF_8),
            Self::Windows1252 => Some(WINDOWS_1252),
            _ => None,
        }
    }
}

fn written() -> impl Strategy<Value = Written> {
    use Written::*;
    prop_oneof![Just(Utf8), Just(Utf8Bom), Just(Utf16Le), Just(Utf16Be), Just(Windows1252)]
}

fn table() -> impl Strategy<Value = Vec<Vec<String>>> {
    (1_usize..6)
        .prop_flat_map(|columns| prop::collection::vec(prop::collection::vec(CELL, columns), 1..12))
}

fn csv_text(
    table: &[Vec<String>],
    delimiter: u8,
    style: csv::QuoteStyle,
    end: csv::Terminator,
) -> String {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .quote_style(style)
        .terminator(end)
        .from_writer(Vec::new());
    for row in table {
        writer.write_record(row).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

fn style() -> impl Strategy<Value = csv::QuoteStyle> {
    prop_oneof![
        Just(csv::QuoteStyle::Always),
        Just(csv::QuoteStyle::Necessary),
        Just(csv::QuoteStyle::NonNumeric)
    ]
}

fn line_end() -> impl Strategy<Value = csv::Terminator> {
    prop_oneof![
        Just(csv::Terminator::CRLF),
        Just(csv::Terminator::Any(b'\n')),
        Just(csv::Terminator::Any(b'\r'))
    ]
}

fn split(bytes: &[u8], size: usize, options: &Options) -> Vec<(u64, Vec<String>)> {
    let mut records = Records::open(Drip { bytes, size }, options).unwrap();
    let mut record = Record::default();
    let mut table = Vec::new();
    while records.next(&mut record).unwrap() {
        assert_eq!(record.flaw(), None);
        table.push((record.line(), record.iter().map(str::to_owned).collect()));
    }
    table
}

/// Lines before `text` ends, counted the plain way.
fn lines(text: &str) -> u64 {
    text.replace("\r\n", "\n").chars().filter(|c| matches!(c, '\n' | '\r')).count() as u64
}

proptest! {
    #[test]
    fn what_the_csv_crate_writes_is_read_back(
        table in table(),
        delimiter in prop::sample::select(&b",;\t|"[..]),
        style in style(),
        end in line_end(),
        written in written(),
        size in 1_usize..40,
    ) {
        let text = csv_text(&table, delimiter, style, end);
        let options = Options {
            delimiter: Some(delimiter),
            encoding: written.encoding(),
            ..Options::default()
        };
        let found = split(&written.bytes(&text), size, &options);
        let cells: Vec<_> = found.iter().map(|(_, cells)| cells.clone()).collect();
        prop_assert_eq!(&cells, &table);
        for (index, (line, _)) in found.iter().enumerate() {
            let before = csv_text(&table[..index], delimiter, style, end);
            prop_assert_eq!(*line, 1 + lines(&before));
        }
    }

    #[test]
    fn rows_are_read_back_whatever_the_dialect(
        rows in prop::collection::btree_map("[A-Z]{1,8}", ("[a-zäßé×]([ a-z;,\t\"äß\n]{0,20}[a-z\"é])?", 0_i64..=1_000_000_000), 0..20),
        delimiter in prop::sample::select(&b",;\t"[..]),
        style in style(),
        written in written(),
    ) {
        let mut table = vec![vec!["Code".to_owned(), "Größe".to_owned(), "Name".to_owned(), "Qty".to_owned()]];
        for (code, (name, quantity)) in &rows {
            table.push(vec![code.clone(), String::new(), name.clone(), quantity.to_string()]);
        }
        let text = csv_text(&table, delimiter, style, csv::Terminator::CRLF);
        let found = read_with(written.bytes(&text), &Options { encoding: written.encoding(), ..Options::default() }).good();
        let found: Vec<_> = found.into_iter().map(|row| (row.entity.code, (row.entity.name, row.entity.quantity))).collect();
        prop_assert_eq!(found, rows.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        header in any::<bool>(),
        size in 1_usize..50,
    ) {
        let mut file = if header { b"code;name;qty;type;sown;ready;x\n".to_vec() } else { Vec::new() };
        file.extend(bytes);
        if let Ok(reader) = Reader::new(Drip { bytes: &file, size }, &Options::default()) {
            drain(reader);
        }
    }

    #[test]
    fn likely_cells_never_panic_and_good_rows_keep_the_rules(
        cells in prop::collection::vec(prop::collection::vec("[0-9.,'+ \u{a0}/T:;\"a-z-]{0,14}", 7), 0..20),
    ) {
        let mut table = vec!["code name qty type sown ready x".split(' ').map(str::to_owned).collect::<Vec<_>>()];
        table.extend(cells);
        let text = csv_text(&table, b',', csv::QuoteStyle::Necessary, csv::Terminator::CRLF);
        for row in read(text).rows {
            prop_assert!((0..=1_000_000_000).contains(&row.entity.quantity));
            prop_assert!(!row.entity.code.is_empty() && !row.entity.name.is_empty());
        }
    }
}
