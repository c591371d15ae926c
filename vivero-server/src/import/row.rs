//! From the cells of a row to an entity that keeps the core's rules.

use super::choice::{Choice, choose};
use super::codes::Codes;
use super::header::{Field, MappedColumn, Target};
use super::problem::RowProblem;
use super::split::{FlawKind, MAX_CELL_BYTES, Record};
use super::{ImportRow, date, number};
use serde_json::Value as Json;
use std::fmt::Write;
use uuid::Uuid;
use vivero_core::entity::{Entity, EntityType, NewEntity};
use vivero_core::{Check, EntityId, Error, Record as _};

/// Builds rows; remembers the codes seen.
pub(super) struct Builder {
    pub(super) columns: Vec<MappedColumn>,
    pub(super) decimal_comma: bool,
    pub(super) warnings: Vec<RowProblem>,
    codes: Codes,
}

impl Builder {
    pub(super) fn new(columns: Vec<MappedColumn>, decimal_comma: bool) -> Self {
        Self { columns, decimal_comma, warnings: Vec::new(), codes: Codes::default() }
    }

    /// The row, or everything that is wrong with it.
    pub(super) fn build(&mut self, record: &Record) -> Result<ImportRow, Vec<RowProblem>> {
        let mut problems = Problems { line: record.line(), found: Vec::new() };
        if let Some(problem) = misshapen(record, &self.columns) {
            return Err(vec![problem]);
        }
        let suspicious = has_control_bytes(record.text());
        let mut row = ImportRow {
            line: record.line(),
            location_code: None,
            entity: NewEntity::new("", "", EntityType::ContainerPlant, 0),
        };
        for (cell, column) in record.iter().zip(&self.columns) {
            let text = cell.trim();
            if column.target == Target::Ignored {
                continue;
            }
            if suspicious && text.chars().any(is_control) {
                problems.add(
                    column,
                    "no_control_characters",
                    refuse("must not contain control characters", text),
                );
            } else if !text.is_empty() {
                self.fill(&mut row, column, text, &mut problems);
            } else if let Target::Field(Field::Code | Field::Name | Field::Quantity) = column.target
            {
                problems.add(column, "required", "must not be empty".to_owned());
            }
        }
        if let Some(first) = self.codes.add(&row.entity.code, record.line())
            && let Some(column) = self.column(Field::Code)
        {
            let message = format!("{:?} is already the code of line {first}", row.entity.code);
            problems.add(column, "duplicate", message);
        }
        self.keep_the_rules(row, problems)
    }

    fn fill(
        &self,
        row: &mut ImportRow,
        column: &MappedColumn,
        text: &str,
        problems: &mut Problems,
    ) {
        let entity = &mut row.entity;
        let field = match &column.target {
            Target::Ignored => return,
            Target::Attribute(key) => {
                if let Json::Object(attributes) = &mut entity.attributes {
                    attributes.insert(key.clone(), Json::String(text.to_owned()));
                }
                return;
            }
            Target::Field(field) => *field,
        };
        match field {
            Field::Code => text.clone_into(&mut entity.code),
            Field::Name => text.clone_into(&mut entity.name),
            Field::Type => problems.choose(&mut entity.kind, column, text),
            Field::Stage => problems.choose(&mut entity.stage, column, text),
            Field::Unit => problems.choose(&mut entity.unit, column, text),
            Field::QualityGrade => problems.choose(&mut entity.quality_grade, column, text),
            Field::Location => row.location_code = Some(text.to_owned()),
            Field::BatchNumber => entity.batch_number = Some(text.to_owned()),
            Field::SupplierReference => entity.supplier_reference = Some(text.to_owned()),
            Field::Quantity => match number::whole(text, self.decimal_comma) {
                Ok(quantity) => entity.quantity = quantity,
                Err(why) => problems.add(column, "whole_number", not_whole(why, text)),
            },
            Field::StartedOn => problems.day(&mut entity.started_on, column, text),
            Field::ReadyOn => problems.day(&mut entity.ready_on, column, text),
            Field::Status => {}
        }
    }

    /// Has the core check the entity. What it finds in a cell that could not be read is left out:
    /// it speaks of the default that stands there instead.
    fn keep_the_rules(
        &self,
        row: ImportRow,
        mut problems: Problems,
    ) -> Result<ImportRow, Vec<RowProblem>> {
        let entity = row.entity.into_entity(EntityId::from_uuid(Uuid::nil()));
        let mut check = Check::new();
        entity.validate(&mut check);
        if let Err(Error::Invalid(errors)) = check.done() {
            for error in errors {
                let field = error.field.parse().ok();
                match field.and_then(|field| self.column(field)) {
                    Some(column) if problems.concern(column) => {}
                    Some(column) => problems.add(column, &error.rule, error.message),
                    None => {
                        let message = format!("{} {}", error.field, error.message);
                        problems.found.push(problems.problem(None, &error.rule, message));
                    }
                }
            }
        }
        if problems.found.is_empty() {
            Ok(ImportRow {
                line: row.line,
                location_code: row.location_code,
                entity: unregistered(entity),
            })
        } else {
            Err(problems.found)
        }
    }

    /// Notes, once per file, that a status is given and not taken over.
    pub(super) fn look_at_status(&mut self, record: &Record) {
        if !self.warnings.is_empty() || record.len() != self.columns.len() {
            return;
        }
        let status = Target::Field(Field::Status);
        let Some(index) = self.columns.iter().position(|column| column.target == status) else {
            return;
        };
        let text = record.cell(index).trim();
        if text.is_empty() || text.eq_ignore_ascii_case("registered") {
            return;
        }
        let message = refuse("is always registered on import; this column is not taken over", text);
        self.warnings.push(RowProblem {
            line: record.line(),
            column: self.columns.get(index).map(|column| column.header.clone()),
            rule: "status".to_owned(),
            message,
        });
    }

    fn column(&self, field: Field) -> Option<&MappedColumn> {
        self.columns.iter().find(|column| column.target == Target::Field(field))
    }
}

struct Problems {
    line: u64,
    found: Vec<RowProblem>,
}

impl Problems {
    fn problem(&self, column: Option<&MappedColumn>, rule: &str, message: String) -> RowProblem {
        let column = column.map(|column| column.header.clone());
        RowProblem { line: self.line, column, rule: rule.to_owned(), message }
    }
    fn add(&mut self, column: &MappedColumn, rule: &str, message: String) {
        self.found.push(self.problem(Some(column), rule, message));
    }
    fn concern(&self, column: &MappedColumn) -> bool {
        self.found.iter().any(|problem| problem.column.as_ref() == Some(&column.header))
    }
    fn choose<T: Choice>(&mut self, value: &mut T, column: &MappedColumn, text: &str) {
        match choose(text) {
            Ok(chosen) => *value = chosen,
            Err(message) => self.add(column, "one_of", refuse(&message, text)),
        }
    }
    fn day(&mut self, value: &mut Option<chrono::NaiveDate>, column: &MappedColumn, text: &str) {
        match date::day(text) {
            Ok(day) => *value = Some(day),
            Err(wanted) => self.add(column, "date", refuse(&format!("must be {wanted}"), text)),
        }
    }
}

/// A row whose cells cannot be told apart is not looked at further.
fn misshapen(record: &Record, columns: &[MappedColumn]) -> Option<RowProblem> {
    let (column, rule, message) = if let Some(flaw) = record.flaw() {
        let (rule, message) = match flaw.kind {
            FlawKind::TextAfterQuote => (
                "quotes",
                "has text behind its closing quote; a quote inside a quoted cell is written twice"
                    .to_owned(),
            ),
            FlawKind::TooLong => ("max_bytes", format!("must have at most {MAX_CELL_BYTES} bytes")),
            FlawKind::NeverClosed { opened, until } => (
                "quotes",
                format!(
                    "has a quote, opened on line {opened}, that is never closed; lines {opened} to {until} were read as this cell"
                ),
            ),
        };
        (columns.get(flaw.cell), rule, message)
    } else if record.len() != columns.len() {
        (None, "columns", format!("has {} cells; the header has {}", record.len(), columns.len()))
    } else {
        return None;
    };
    let column = column.map(|column| column.header.clone());
    Some(RowProblem { line: record.line(), column, rule: rule.to_owned(), message })
}

fn not_whole(why: number::NotWhole, text: &str) -> String {
    let mut message = refuse("must be a whole number", text);
    if let number::NotWhole::AsDecided(separator) = why {
        let other = separator == '.';
        let _ = write!(
            message,
            " ({separator:?} was read as the decimal mark; --decimal-comma {other} reads it as separating thousands)"
        );
    }
    message
}

/// The rule with what was found, short enough for a line of a report.
fn refuse(rule: &str, text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{rule}, got {:?}…", text.get(..end).unwrap_or_default()),
        None => format!("{rule}, got {text:?}"),
    }
}

fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t')
}

/// A quick first look: true also for some text without control characters, as 0xC2 begins those
/// beyond ASCII.
fn has_control_bytes(text: &str) -> bool {
    text.bytes().any(|b| b < b' ' && !matches!(b, b'\n' | b'\r' | b'\t') || b == 0x7f || b == 0xc2)
}

/// Back to a lot to be registered, with the texts as the core trims them.
fn unregistered(entity: Entity) -> NewEntity {
    NewEntity {
        code: entity.code,
        name: entity.name,
        kind: entity.kind,
        stage: entity.stage,
        location_id: entity.location_id,
        batch_number: entity.batch_number,
        supplier_reference: entity.supplier_reference,
        quantity: entity.quantity,
        unit: entity.unit,
        quality_grade: entity.quality_grade,
        attributes: entity.attributes.to_json(),
        started_on: entity.started_on,
        ready_on: entity.ready_on,
    }
}
