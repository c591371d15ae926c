//! Reading a grower's CSV file: from its bytes to lots that can be registered.
//!
//! This is the reading half of `vivero import entities`; it writes nothing and knows no tenant. A
//! [`Reader`] gives one item per row, holds one piece of the file at a time, and reports what is
//! wrong with a row by line, column and rule.
//!
//! # What is understood
//!
//! - **Encoding**: UTF-8 and UTF-16 by their byte order mark; without one UTF-8, or Windows-1252 if
//!   the first 64 KiB have more bytes that are not UTF-8 than characters that are. A file that is
//!   plain ASCII there may still turn out to be either. Where a file with UTF-8 accents has other
//!   bytes further on, reading ends with an error that names the line.
//! - **Delimiter**: semicolon, tab or comma, whichever occurs most in the header outside quotes; a
//!   first line `sep=;` is obeyed.
//! - **Quotes** as in RFC 4180, also around line breaks; CR, LF or CRLF; empty lines are skipped, and
//!   so are rows that have delimiters only.
//! - **Header**: fields by their names in English, German, French, Spanish or Dutch, without regard
//!   to case, accents and punctuation; what stands in brackets behind may be there. `code`, `name` and
//!   `quantity` are required. A word such as `lot` names the code if nothing else does, else the batch
//!   number. Other columns become attributes: `attributes.colour` the attribute `colour`,
//!   `Topf-Größe` the attribute `topf_grosse`, one without a header the attribute `column_7`.
//! - **Quantity**: a whole number, with or without thousands separators and decimals of zero. Where
//!   `1.250` or `1,250` can mean two things, the file decides: the comma is the decimal mark if the
//!   delimiter is `;`, or if among the quantities and attributes in the first 64 KiB more numbers have a
//!   decimal comma (`12,5`, `1.250,00`) than a decimal point; else the point is.
//!   [`Options::decimal_comma`] overrides.
//! - **Dates**: `2026-03-01`, or day before month: `01/03/2026`, `1.3.2026`, `01-03-26` (20xx).
//! - **Type, stage, unit, grade**: their words in any case, with spaces or hyphens for underscores, and
//!   common other words (`plug`, `bare root`, `1st`). An empty cell means the default of
//!   [`NewEntity::new`], for the type `container_plant`.
//! - **Status**: imported stock is always `registered`. Anything else is a warning, once per file.
//!
//! Bounds: 200 columns, 64 KiB a cell, any number of rows. The codes seen cost about 50 bytes a row.

mod choice;
mod codes;
mod date;
mod decode;
mod dialect;
mod fold;
mod header;
mod number;
mod problem;
mod records;
mod row;
mod split;
mod synonyms;
#[cfg(test)]
mod tests;
pub mod write;

pub use header::{Field, MappedColumn, Target};
pub use problem::{ImportError, RowError, RowProblem};

use dialect::Votes;
use encoding_rs::Encoding;
use records::Records;
use row::Builder;
use split::{FlawKind, MAX_COLUMNS, Record};
use std::io::Read;
use vivero_core::entity::NewEntity;

/// What is known of a file beforehand; everything left out is found out.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What separates the cells: tab or ASCII punctuation other than the quote.
    pub delimiter: Option<u8>,
    /// How the text is encoded. A byte order mark of that encoding is skipped.
    pub encoding: Option<&'static Encoding>,
    /// Whether `1.250` means 1250 (`true`) or `1,250` does (`false`).
    pub decimal_comma: Option<bool>,
    /// Pairs of field (or `attributes.NAME`) and header.
    pub map: Vec<(String, String)>,
    /// Leaves out columns that are not known, and a status.
    pub ignore_unknown: bool,
}

/// A row that can be registered.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportRow {
    /// Physical line of the file on which the row starts; the first is 1.
    pub line: u64,
    /// Code of the place where it stands, to be looked up; `entity.location_id` is not set.
    pub location_code: Option<String>,
    /// The lot; it keeps the core's rules.
    pub entity: NewEntity,
}

/// Reads rows from a CSV file.
///
/// As an iterator it gives every row that is not empty, and ends after [`RowError::File`].
///
/// ```
/// use vivero_server::import::{Options, Reader};
///
/// let file = "Artikelnummer;Bezeichnung;Menge;Farbe\nLAV-1;Lavandula angustifolia;1.250;blau\n";
/// let mut rows = Reader::new(file.as_bytes(), &Options::default())?;
/// let row = rows.next().expect("a row")?;
/// assert_eq!((row.line, row.entity.quantity), (2, 1250));
/// assert_eq!(row.entity.attributes["farbe"], "blau");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Reader<R> {
    records: Records<R>,
    record: Record,
    builder: Builder,
    finished: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the header and settles how the rest is to be read.
    ///
    /// # Errors
    /// The file is no text, is empty, or its header cannot be used; see [`ImportError`].
    pub fn new(input: R, options: &Options) -> Result<Self, ImportError> {
        let mut records = Records::open(input, options)?;
        let mut record = Record::default();
        records.header(&mut record)?;
        refuse_header(&record)?;
        let columns = header::map(record.iter(), options)?;
        let decimal_comma = options.decimal_comma.unwrap_or_else(|| {
            let mut votes = Votes::default();
            records.peek(|record| votes.count(record, &columns));
            votes.decimal_comma(records.delimiter())
        });
        Ok(Self { records, record, builder: Builder::new(columns, decimal_comma), finished: false })
    }

    /// The columns, in the order of the file.
    #[must_use]
    pub fn columns(&self) -> &[MappedColumn] {
        &self.builder.columns
    }
    /// What separates the cells.
    #[must_use]
    pub const fn delimiter(&self) -> u8 {
        self.records.delimiter()
    }
    /// How the text is encoded. A file that is ASCII so far counts as UTF-8 and may still turn out
    /// to be Windows-1252.
    #[must_use]
    pub fn encoding(&self) -> &'static Encoding {
        self.records.encoding()
    }
    /// Whether `1.250` means 1250 (`true`) or `1,250` does (`false`).
    #[must_use]
    pub const fn decimal_comma(&self) -> bool {
        self.builder.decimal_comma
    }
    /// Bytes read from the input so far, up to 128 KiB ahead of the row given last.
    #[must_use]
    pub const fn total_bytes_read(&self) -> u64 {
        self.records.bytes_read()
    }
    /// What is worth knowing although no row is refused for it; complete once the last row is read.
    #[must_use]
    pub fn warnings(&self) -> &[RowProblem] {
        &self.builder.warnings
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<ImportRow, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.finished {
            match self.records.next(&mut self.record) {
                Ok(true) if self.record.is_blank() => {}
                Ok(true) => {
                    self.builder.look_at_status(&self.record);
                    return Some(self.builder.build(&self.record).map_err(RowError::Bad));
                }
                Ok(false) => self.finished = true,
                Err(error) => {
                    self.finished = true;
                    return Some(Err(RowError::File(error)));
                }
            }
        }
        None
    }
}

impl<R: Read> std::iter::FusedIterator for Reader<R> {}

impl<R> std::fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("columns", &self.builder.columns)
            .field("decimal_comma", &self.builder.decimal_comma)
            .finish_non_exhaustive()
    }
}

fn refuse_header(record: &Record) -> Result<(), ImportError> {
    if record.text().contains('\0') {
        let what =
            "its header contains NUL bytes; if it is UTF-16, say so with --encoding utf-16le";
        return Err(ImportError::NotText { what: what.to_owned() });
    }
    if record.text().chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err(ImportError::NotText {
            what: "its header contains control characters".to_owned(),
        });
    }
    if let Some(flaw) = record.flaw() {
        let what = match flaw.kind {
            FlawKind::TextAfterQuote => "text follows a closing quote",
            FlawKind::TooLong => return Err(ImportError::HeaderTooLong),
            FlawKind::NeverClosed { .. } => "a quote is never closed",
        };
        let what = format!("{what} in column {}", flaw.cell + 1);
        return Err(ImportError::Header { line: record.line(), what });
    }
    if record.len() > MAX_COLUMNS {
        return Err(ImportError::TooManyColumns { found: record.len() });
    }
    Ok(())
}
