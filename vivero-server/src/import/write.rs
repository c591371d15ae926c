//! The writing half of an import: rows of a file into a tenant.
//!
//! Written in batches, each a unit of work of its own, so that what was cut off is finished by running
//! it again: a lot whose code is there already is left as it is. All or nothing checks the whole file
//! before it writes the first row, and writes it in one unit of work.

use super::{ImportError, ImportRow, Options, Reader, RowError, RowProblem};
use crate::demo::codes;
use crate::progress::{Bar, Progress};
use serde::Serialize;
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::time::Instant;
use vivero_core::entity::NewEntity;
use vivero_core::ids::LocationId;
use vivero_core::{Error, Result, TenantSession, UnitOfWork};

/// Rows written together.
const AT_ONCE: usize = 10_000;

/// How to import.
#[derive(Debug, Clone, Copy, Default)]
pub struct How {
    /// Check only.
    pub dry_run: bool,
    /// Write nothing if any row is bad.
    pub all_or_nothing: bool,
}

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Rows read, good and bad.
    pub rows: u64,
    /// Lots registered; in a dry run, that would have been.
    pub created: u64,
    /// Rows whose code is in the tenant already.
    pub present: u64,
    /// Rows with a broken rule.
    pub bad: u64,
    /// Whether anything was written.
    pub written: bool,
    /// Seconds it took.
    pub seconds: f64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb =
            if self.written { "registered" } else { "would be registered, nothing was written" };
        let rate = if self.seconds > 0.0 { self.rows as f64 / self.seconds } else { 0.0 };
        write!(
            f,
            "{} rows: {} {verb}; {} already there, {} bad; {:.1} s, {rate:.0} rows/s",
            self.rows, self.created, self.present, self.bad, self.seconds
        )
    }
}

/// Imports a file of lots; every broken rule goes to `report`.
pub async fn entities(
    session: &TenantSession,
    file: &Path,
    options: &Options,
    how: How,
    progress: Progress,
    mut report: impl FnMut(&RowProblem),
) -> Result<Summary> {
    let start = Instant::now();
    let places = codes(session).await?;
    let mut summary = Summary::default();
    if how.dry_run || how.all_or_nothing {
        let check = Pass { session, places: &places, write: false };
        summary = check.run(file, options, progress, "checking", None, &mut report).await?;
    }
    let refused = how.all_or_nothing && summary.bad > 0;
    if !how.dry_run && !refused {
        let write = Pass { session, places: &places, write: true };
        summary = if how.all_or_nothing {
            let mut work = session.begin().await?;
            let summary = write
                .run(file, options, progress, "importing", Some(&mut work), &mut report)
                .await?;
            work.commit().await?;
            summary
        } else {
            write.run(file, options, progress, "importing", None, &mut report).await?
        };
        summary.written = true;
        session.seal().await?;
    }
    summary.seconds = start.elapsed().as_secs_f64();
    Ok(summary)
}

/// One reading of the file.
struct Pass<'a> {
    session: &'a TenantSession,
    places: &'a HashMap<String, LocationId>,
    write: bool,
}

impl Pass<'_> {
    async fn run(
        &self,
        file: &Path,
        options: &Options,
        progress: Progress,
        what: &str,
        mut one: Option<&mut UnitOfWork>,
        report: &mut impl FnMut(&RowProblem),
    ) -> Result<Summary> {
        let cannot = |e: std::io::Error| {
            Error::invalid("file", "readable", format!("{}: {e}", file.display()))
        };
        let input = File::open(file).map_err(cannot)?;
        let bar = progress.start(what, input.metadata().map_err(cannot)?.len());
        let mut reader = Reader::new(input, options).map_err(refused)?;
        let mut summary = Summary::default();
        loop {
            let batch = self.read(&mut reader, &mut summary, &bar, report)?;
            if batch.is_empty() {
                break;
            }
            let new = self.unknown(batch, one.as_deref_mut(), &mut summary).await?;
            summary.created += new.len() as u64;
            if !self.write || new.is_empty() {
                continue;
            }
            match one.as_deref_mut() {
                Some(work) => {
                    work.entities().create_all(new).await?;
                }
                None => {
                    let mut work = self.session.begin().await?;
                    work.entities().create_all(new).await?;
                    work.commit().await?;
                }
            }
        }
        reader.warnings().iter().for_each(report);
        bar.done();
        Ok(summary)
    }

    /// The next good rows, with their places found; empty at the end.
    fn read(
        &self,
        reader: &mut Reader<File>,
        summary: &mut Summary,
        bar: &Bar,
        report: &mut impl FnMut(&RowProblem),
    ) -> Result<Vec<NewEntity>> {
        let mut batch = Vec::new();
        while batch.len() < AT_ONCE {
            match reader.next() {
                None => break,
                Some(Ok(row)) => {
                    summary.rows += 1;
                    match self.placed(row) {
                        Ok(new) => batch.push(new),
                        Err(problem) => {
                            summary.bad += 1;
                            report(&problem);
                        }
                    }
                }
                Some(Err(RowError::Bad(problems))) => {
                    summary.rows += 1;
                    summary.bad += 1;
                    problems.iter().for_each(&mut *report);
                }
                Some(Err(RowError::File(error))) => return Err(refused(error)),
            }
        }
        bar.set(reader.total_bytes_read());
        Ok(batch)
    }

    fn placed(&self, row: ImportRow) -> std::result::Result<NewEntity, RowProblem> {
        let Some(code) = row.location_code else { return Ok(row.entity) };
        match self.places.get(&code) {
            Some(id) => Ok(row.entity.at(*id)),
            None => Err(RowProblem {
                line: row.line,
                column: Some("location".into()),
                rule: "exists".into(),
                message: format!("there is no location with the code {code:?}"),
            }),
        }
    }

    /// The rows whose codes are not in the tenant yet.
    async fn unknown(
        &self,
        batch: Vec<NewEntity>,
        one: Option<&mut UnitOfWork>,
        summary: &mut Summary,
    ) -> Result<Vec<NewEntity>> {
        let wanted = batch.iter().map(|n| n.code.trim().to_owned()).collect();
        let known = match one {
            Some(work) => work.entities().known_codes(wanted).await?,
            None => self.session.entities().known_codes(wanted).await?,
        };
        let all = batch.len();
        let new: Vec<_> = batch.into_iter().filter(|n| !known.contains(n.code.trim())).collect();
        summary.present += (all - new.len()) as u64;
        Ok(new)
    }
}

fn refused(error: ImportError) -> Error {
    Error::invalid("file", "readable", error.to_string())
}
