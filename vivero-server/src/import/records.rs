//! The rows of a file, read piece by piece.

use super::Options;
use super::decode::{Damage, Decoder, Fill, SNIFF};
use super::dialect;
use super::problem::ImportError;
use super::split::{Record, Splitter};
use encoding_rs::Encoding;
use std::io::Read;

/// Reads, decodes and splits; holds one piece of the file at a time.
pub(super) struct Records<R> {
    decoder: Decoder<R>,
    text: String,
    at: usize,
    end: Option<Fill>,
    splitter: Splitter,
    delimiter: u8,
}

impl<R: Read> Records<R> {
    /// Looks at the start of the file and settles encoding and delimiter.
    pub(super) fn open(input: R, options: &Options) -> Result<Self, ImportError> {
        if let Some(delimiter) = options.delimiter.filter(|byte| !dialect::is_possible(*byte)) {
            return Err(ImportError::Delimiter(delimiter));
        }
        let mut decoder = Decoder::new(input, options.encoding)?;
        let mut text = String::new();
        let mut end = None;
        while end.is_none() && text.len() < SNIFF {
            end = into_end(decoder.fill(&mut text));
        }
        let (declared, at) = match dialect::declared(&text) {
            Some((delimiter, length)) => (Some(delimiter), length),
            None => (None, 0),
        };
        let delimiter = options
            .delimiter
            .or(declared)
            .unwrap_or_else(|| dialect::delimiter(text.get(at..).unwrap_or_default()));
        let splitter = Splitter::new(delimiter, if at == 0 { 1 } else { 2 });
        Ok(Self { decoder, text, at, end, splitter, delimiter })
    }

    /// What separates the cells.
    pub(super) const fn delimiter(&self) -> u8 {
        self.delimiter
    }
    /// The encoding as far as it is known now.
    pub(super) fn encoding(&self) -> &'static Encoding {
        self.decoder.encoding()
    }
    /// Bytes taken from the input.
    pub(super) const fn bytes_read(&self) -> u64 {
        self.decoder.bytes_read()
    }

    /// The first row, which must end within the part of the file that was looked at.
    pub(super) fn header(&mut self, record: &mut Record) -> Result<(), ImportError> {
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            match self.splitter.feed(rest, record) {
                Some(used) => self.at += used,
                None if self.end.is_none() => return Err(ImportError::HeaderTooLong),
                None => {
                    self.at = self.text.len();
                    if !self.next(record)? {
                        return Err(ImportError::Empty);
                    }
                }
            }
            if !record.is_blank() {
                return Ok(());
            }
        }
    }

    /// Shows the rows of the part that was looked at, without taking them.
    pub(super) fn peek(&self, mut look: impl FnMut(&Record)) {
        let mut splitter = self.splitter.clone();
        let mut record = Record::default();
        let mut rest = self.text.get(self.at..).unwrap_or_default();
        while let Some(used) = splitter.feed(rest, &mut record) {
            look(&record);
            rest = rest.get(used..).unwrap_or_default();
        }
        if matches!(self.end, Some(Fill::End)) && splitter.finish(&mut record) {
            look(&record);
        }
    }

    /// Reads the next row into `record`; false at the end of the file.
    pub(super) fn next(&mut self, record: &mut Record) -> Result<bool, ImportError> {
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            if let Some(used) = self.splitter.feed(rest, record) {
                self.at += used;
                return Ok(true);
            }
            self.text.clear();
            self.at = 0;
            match self.end.take() {
                None => self.end = into_end(self.decoder.fill(&mut self.text)),
                Some(Fill::Damaged(Damage::Io(error))) => return Err(ImportError::Io(error)),
                Some(Fill::Damaged(Damage::Malformed(encoding))) => {
                    return Err(ImportError::Encoding { line: self.splitter.line(), encoding });
                }
                Some(end) => {
                    self.end = Some(end);
                    return Ok(self.splitter.finish(record));
                }
            }
        }
    }
}

fn into_end(fill: Fill) -> Option<Fill> {
    match fill {
        Fill::More => None,
        end => Some(end),
    }
}
