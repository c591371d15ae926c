//! The whole way from bytes to rows.

mod encodings;
mod headers;
mod hostile;
mod properties;
mod rows;
mod shapes;

use super::{ImportError, ImportRow, Options, Reader, RowError, RowProblem};
use std::io::Read;

/// Everything a file gives.
#[derive(Debug, Default)]
struct Outcome {
    rows: Vec<ImportRow>,
    problems: Vec<RowProblem>,
    warnings: Vec<RowProblem>,
    failure: Option<ImportError>,
}

impl Outcome {
    fn reports(&self) -> Vec<String> {
        self.problems.iter().map(ToString::to_string).collect()
    }
    fn quantities(&self) -> Vec<i64> {
        self.rows.iter().map(|row| row.entity.quantity).collect()
    }
    fn lines(&self) -> Vec<u64> {
        self.rows.iter().map(|row| row.line).collect()
    }
    /// The rows of a file in which nothing is wrong.
    #[track_caller]
    fn good(self) -> Vec<ImportRow> {
        assert!(self.problems.is_empty() && self.failure.is_none(), "{self:?}");
        self.rows
    }
}

fn drain<R: Read>(mut reader: Reader<R>) -> Outcome {
    let mut outcome = Outcome::default();
    for item in reader.by_ref() {
        match item {
            Ok(row) => outcome.rows.push(row),
            Err(RowError::Bad(problems)) => {
                assert!(!problems.is_empty(), "a bad row without a problem");
                outcome.problems.extend(problems);
            }
            Err(RowError::File(error)) => outcome.failure = Some(error),
        }
    }
    assert!(reader.next().is_none(), "rows after the end");
    outcome.warnings = reader.warnings().to_vec();
    outcome
}

#[track_caller]
fn read_with(file: impl AsRef<[u8]>, options: &Options) -> Outcome {
    match Reader::new(file.as_ref(), options) {
        Ok(reader) => drain(reader),
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn read(file: impl AsRef<[u8]>) -> Outcome {
    read_with(file, &Options::default())
}

#[track_caller]
fn refused_with(file: impl AsRef<[u8]>, options: &Options) -> String {
    match Reader::new(file.as_ref(), options) {
        Ok(reader) => panic!("accepted: {:?}", reader.columns()),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn refused(file: impl AsRef<[u8]>) -> String {
    refused_with(file, &Options::default())
}

fn mapped(pairs: &[(&str, &str)]) -> Options {
    let map =
        pairs.iter().map(|(field, header)| ((*field).to_owned(), (*header).to_owned())).collect();
    Options { map, ..Options::default() }
}

/// Gives a few bytes at a time, to cut characters, quotes and line ends in two.
struct Drip<'a> {
    bytes: &'a [u8],
    size: usize,
}

impl Read for Drip<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let size = self.size.min(self.bytes.len()).min(out.len());
        let (now, later) = self.bytes.split_at(size);
        out[..size].copy_from_slice(now);
        self.bytes = later;
        Ok(size)
    }
}
