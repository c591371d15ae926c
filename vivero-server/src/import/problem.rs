//! What can be wrong with a file, and with one row of it.

use super::header::Field;
use encoding_rs::Encoding;
use serde::Serialize;
use std::fmt;

/// One thing that is wrong with one row.
///
/// The rules: those of the core's field errors (`min_length`, `max_length`, `minimum`, `maximum`,
/// `no_control_characters`, `max_bytes`, `not_before_started_on` …) and
///
/// | Rule | The row breaks it when |
/// |---|---|
/// | `columns` | it has more or fewer cells than the header |
/// | `quotes` | text follows a closing quote, or a quote is never closed |
/// | `required` | a cell that must say something is empty |
/// | `whole_number` | a quantity is not a whole number |
/// | `date` | a date cannot be read |
/// | `one_of` | a word is none of those that are known |
/// | `duplicate` | its code stands in an earlier row |
/// | `status` | (a warning, once per file) a status other than `registered` is given |
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowProblem {
    /// Physical line of the file on which the row starts; the first is 1.
    pub line: u64,
    /// Header of the column, as the file spells it; none if it concerns the row.
    pub column: Option<String>,
    /// Stable name of the rule.
    pub rule: String,
    /// The rule in words, with what was found.
    pub message: String,
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}: {}", self.rule, self.message)
    }
}

/// Why there is no row to be had.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// This row is bad, in one or more ways; the next may be good.
    #[error("{}", lines(.0))]
    Bad(Vec<RowProblem>),
    /// The rest of the file cannot be read; nothing follows.
    #[error(transparent)]
    File(#[from] ImportError),
}

fn lines(problems: &[RowProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Why a file, or the rest of it, cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// Reading failed.
    #[error("the file cannot be read")]
    Io(#[source] std::io::Error),
    /// There is nothing in it.
    #[error("the file is empty; its first line must name the columns")]
    Empty,
    /// It is not text.
    #[error("the file is not CSV: {what}")]
    NotText {
        /// What it seems to be instead.
        what: String,
    },
    /// The bytes on a line are not text of the file's encoding.
    #[error("line {line} is not valid {}{}", encoding.name(), encoding_hint(encoding))]
    Encoding {
        /// Physical line.
        line: u64,
        /// The encoding given or detected.
        encoding: &'static Encoding,
    },
    /// The header does not end where it should.
    #[error("the header is longer than 64 KiB; is there a quote that is never closed?")]
    HeaderTooLong,
    /// The header is not well-formed.
    #[error("the header, line {line}: {what}")]
    Header {
        /// Physical line.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// There are more than 200 columns.
    #[error("the header names {found} columns; at most {most} are possible", most = super::split::MAX_COLUMNS)]
    TooManyColumns {
        /// How many there are.
        found: usize,
    },
    /// Two columns mean the same.
    #[error("columns {} {:?} and {} {:?} both mean {meaning}; {}", first.0, first.1, second.0, second.1, duplicate_hint(meaning, first, second))]
    DuplicateColumn {
        /// The field, or the attribute as `attributes.key`.
        meaning: String,
        /// Position, from 1, and header of the one.
        first: (usize, String),
        /// Position, from 1, and header of the other.
        second: (usize, String),
    },
    /// Required fields have no column.
    #[error("no column for {}; the columns are: {}; name one with --map {}=HEADER", names(fields), headers.join(", "), fields.first().map_or("", |field| field.as_str()))]
    MissingColumns {
        /// The fields.
        fields: Vec<Field>,
        /// The headers found.
        headers: Vec<String>,
    },
    /// A mapping names no field there is.
    #[error("--map {field}={header}: there is no field {field:?}; the fields are: {}, attributes.NAME", Field::NAMES.join(", "))]
    UnknownField {
        /// As given.
        field: String,
        /// As given.
        header: String,
    },
    /// A mapping names no header of the file.
    #[error("--map {field}={header}: there is no column {header:?}; the columns are: {}", headers.join(", "))]
    UnknownHeader {
        /// As given.
        field: String,
        /// As given.
        header: String,
        /// The headers found.
        headers: Vec<String>,
    },
    /// A field or a column is mapped more than once.
    #[error("{what} is mapped twice by --map")]
    MappedTwice {
        /// The field or header.
        what: String,
    },
    /// The delimiter given cannot separate cells.
    #[error("{:?} cannot be the delimiter; take a comma, semicolon, tab or other ASCII punctuation, not a quote", char::from(*.0))]
    Delimiter(u8),
}

fn names(fields: &[Field]) -> String {
    fields.iter().map(|field| field.as_str()).collect::<Vec<_>>().join(", ")
}

fn encoding_hint(encoding: &Encoding) -> &'static str {
    if encoding == encoding_rs::UTF_8 {
        "; if the file was saved in an older encoding, name it, e.g. --encoding windows-1252"
    } else {
        "; name the file's encoding with --encoding"
    }
}

fn duplicate_hint(meaning: &str, first: &(usize, String), second: &(usize, String)) -> String {
    if first.1.to_lowercase() == second.1.to_lowercase() || meaning.starts_with("attributes.") {
        "rename one of them".to_owned()
    } else {
        format!("choose with --map {meaning}=HEADER")
    }
}
