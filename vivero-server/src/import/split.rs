//! From text to rows of cells, with the physical line on which each row starts.
//!
//! The rules are those of RFC 4180, read generously: any of CR, LF and CRLF ends a row, empty lines
//! are skipped, spaces around a quoted cell are dropped, a quote inside an unquoted cell is just a
//! quote. Line numbers, the bound on a cell and the report of a quote that is never closed are why
//! this is not left to the `csv` crate, which offers none of them exactly.

/// Most columns a file can have.
pub(super) const MAX_COLUMNS: usize = 200;
/// Most bytes of one cell, as UTF-8.
pub(super) const MAX_CELL_BYTES: usize = 64 * 1024;

/// One row, unquoted. Cells beyond [`MAX_COLUMNS`] are counted, not kept.
#[derive(Debug, Default)]
pub(super) struct Record {
    text: String,
    ends: Vec<usize>,
    cells: usize,
    line: u64,
    flaw: Option<Flaw>,
}

/// What is wrong with how a row is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flaw {
    /// Position of the cell in the row.
    pub(super) cell: usize,
    /// What is wrong with it.
    pub(super) kind: FlawKind,
}

/// See [`Flaw`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FlawKind {
    /// There is text between the closing quote and the next delimiter.
    TextAfterQuote,
    /// More than [`MAX_CELL_BYTES`]; the cell is left empty.
    TooLong,
    /// The file ends inside a quoted cell.
    NeverClosed {
        /// Line of the opening quote.
        opened: u64,
        /// Last line of the file.
        until: u64,
    },
}

impl Record {
    /// Physical line on which the row starts, from 1.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }
    /// How many cells there are.
    pub(super) const fn len(&self) -> usize {
        self.cells
    }
    /// The first thing wrong with how the row is written.
    pub(super) const fn flaw(&self) -> Option<Flaw> {
        self.flaw
    }
    /// A cell as written, quotes resolved; empty if there is none.
    pub(super) fn cell(&self, index: usize) -> &str {
        let start = index.checked_sub(1).and_then(|i| self.ends.get(i)).copied().unwrap_or(0);
        self.ends.get(index).and_then(|&end| self.text.get(start..end)).unwrap_or_default()
    }
    /// The cells that are kept.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|index| self.cell(index))
    }
    /// All cells run together.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
    /// Whether no cell says anything, as in the `;;;` that spreadsheets leave behind.
    pub(super) fn is_blank(&self) -> bool {
        self.flaw.is_none() && self.text.trim().is_empty()
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.cells = 0;
        self.flaw = None;
    }
    fn cell_start(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }
    fn note(&mut self, kind: FlawKind) {
        self.flaw.get_or_insert(Flaw { cell: self.cells, kind });
    }
    fn end_cell(&mut self) {
        self.cells = self.cells.saturating_add(1);
        if self.ends.len() < MAX_COLUMNS {
            self.ends.push(self.text.len());
        } else {
            self.text.truncate(self.cell_start());
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the start of a cell; only spaces so far.
    Lead,
    /// In an unquoted cell.
    Plain,
    /// Between quotes.
    Quoted,
    /// Just behind a quote that closes the cell, or is the first of a doubled one.
    QuoteEnd,
    /// In spaces behind the closing quote.
    Trail,
}

/// Splits text that comes in pieces.
#[derive(Debug, Clone)]
pub(super) struct Splitter {
    delimiter: u8,
    state: State,
    /// Line of the next byte.
    line: u64,
    /// Line on which the current row started.
    row_line: u64,
    /// The last byte was a CR: a LF that follows belongs to it.
    after_cr: bool,
    /// The current cell began with a quote, on this line.
    opened: Option<u64>,
    /// The current cell is too long and no longer kept.
    dropped: bool,
    /// The row of the last call is complete: the next call begins a new one.
    complete: bool,
}

impl Splitter {
    /// Starts at the beginning of `line`.
    pub(super) const fn new(delimiter: u8, line: u64) -> Self {
        Self {
            delimiter,
            state: State::Lead,
            line,
            row_line: line,
            after_cr: false,
            opened: None,
            dropped: false,
            complete: true,
        }
    }

    /// Line of the text that comes next.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// Goes on with a row. `Some(n)`: it is complete, `n` bytes of `input` belong to it. `None`: all
    /// of `input` was taken and the row goes on.
    pub(super) fn feed(&mut self, input: &str, record: &mut Record) -> Option<usize> {
        if std::mem::take(&mut self.complete) {
            record.clear();
        }
        let bytes = input.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match self.state {
                State::Lead => match byte {
                    b'\n' if self.after_cr => {
                        self.after_cr = false;
                        at += 1;
                    }
                    b' ' => {
                        self.after_cr = false;
                        self.keep(" ", record);
                        at += 1;
                    }
                    b'"' => {
                        record.text.truncate(record.cell_start());
                        self.after_cr = false;
                        self.opened = Some(self.line);
                        self.state = State::Quoted;
                        at += 1;
                    }
                    _ => self.state = State::Plain,
                },
                State::Plain => {
                    self.after_cr = false;
                    let delimiter = self.delimiter;
                    let stop = |b: &u8| *b == delimiter || *b == b'\n' || *b == b'\r';
                    let rest = bytes.get(at..).unwrap_or_default();
                    let run = rest.iter().position(stop);
                    let end = run.map_or(bytes.len(), |run| at + run);
                    self.keep(input.get(at..end).unwrap_or_default(), record);
                    let &stop = bytes.get(end)?;
                    at = end + 1;
                    if stop == self.delimiter {
                        self.end_cell(record);
                    } else {
                        self.after_cr = stop == b'\r';
                        if self.end_row(record) {
                            return Some(at);
                        }
                    }
                }
                State::Quoted => {
                    let rest = bytes.get(at..).unwrap_or_default();
                    let run = rest.iter().position(|b| *b == b'"');
                    let end = run.map_or(bytes.len(), |run| at + run);
                    let text = input.get(at..end).unwrap_or_default();
                    self.count_lines(text.as_bytes());
                    self.keep(text, record);
                    at = end + 1;
                    if run.is_some() {
                        self.after_cr = false;
                        self.state = State::QuoteEnd;
                    }
                }
                State::QuoteEnd if byte == b'"' => {
                    self.keep("\"", record);
                    self.state = State::Quoted;
                    at += 1;
                }
                State::QuoteEnd => self.state = State::Trail,
                State::Trail if byte == b' ' => at += 1,
                State::Trail => {
                    if byte != self.delimiter && byte != b'\n' && byte != b'\r' {
                        record.note(FlawKind::TextAfterQuote);
                    }
                    self.state = State::Plain;
                }
            }
        }
        None
    }

    /// Ends the last row; false if there is none.
    pub(super) fn finish(&mut self, record: &mut Record) -> bool {
        if std::mem::take(&mut self.complete) {
            record.clear();
        }
        if let (State::Quoted, Some(opened)) = (self.state, self.opened) {
            let kind = FlawKind::NeverClosed { opened, until: self.line };
            record.flaw = Some(Flaw { cell: record.cells, kind });
        }
        self.end_row(record)
    }

    fn keep(&mut self, text: &str, record: &mut Record) {
        if self.dropped {
            return;
        }
        let start = record.cell_start();
        if record.text.len() - start + text.len() > MAX_CELL_BYTES {
            self.dropped = true;
            record.text.truncate(start);
            record.note(FlawKind::TooLong);
        } else {
            record.text.push_str(text);
        }
    }

    fn end_cell(&mut self, record: &mut Record) {
        record.end_cell();
        self.state = State::Lead;
        self.opened = None;
        self.dropped = false;
    }

    /// False for an empty line, which is no row.
    fn end_row(&mut self, record: &mut Record) -> bool {
        let empty =
            record.cells == 0 && record.text.is_empty() && self.opened.is_none() && !self.dropped;
        if !empty {
            self.end_cell(record);
        }
        record.line = self.row_line;
        self.line += 1;
        self.row_line = self.line;
        self.state = State::Lead;
        self.complete = !empty;
        !empty
    }

    fn count_lines(&mut self, text: &[u8]) {
        for &byte in text {
            if byte == b'\r' || byte == b'\n' && !self.after_cr {
                self.line += 1;
            }
            self.after_cr = byte == b'\r';
        }
    }
}
