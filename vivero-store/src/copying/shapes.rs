//! Tables as data: what a snapshot consists of, and whether a program knows what it is given.

use crate::backend::Backend;
use crate::migrate::Shape;
use crate::schema::BASE;
use vivero_core::copy::{
    CHAIN, COUNTS, ColumnShape, IDEMPOTENCY, JOURNAL, JOURNAL_SEAL, TableShape,
};
use vivero_core::record::{Kind, Schema};
use vivero_core::{Error, Result};

fn shape(name: &str, columns: &[(&str, Kind, bool)]) -> TableShape {
    let columns = columns.iter().map(|(name, kind, nullable)| ColumnShape {
        name: (*name).to_owned(),
        kind: *kind,
        nullable: *nullable,
    });
    TableShape { name: name.to_owned(), resource: None, columns: columns.collect() }
}

/// The table of a record type.
pub(super) fn of_schema(schema: &Schema) -> TableShape {
    let own = schema.columns.iter().map(|c| (c.name, c.kind, c.nullable));
    let columns: Vec<_> = BASE.iter().copied().chain(own).collect();
    TableShape { resource: Some(schema.resource.into()), ..shape(schema.table, &columns) }
}

/// Every table, in the order in which a snapshot gives them: records, then what hangs on them, then the
/// journal with its seals.
pub(super) fn all(schemas: &[&'static Schema]) -> Vec<TableShape> {
    let bookkeeping = [
        shape(
            IDEMPOTENCY,
            &[
                ("name", Kind::Text, false),
                ("fingerprint", Kind::Text, false),
                ("response", Kind::Text, false),
                ("at", Kind::Time, false),
            ],
        ),
        shape(
            COUNTS,
            &[
                ("resource", Kind::Text, false),
                ("field", Kind::Text, false),
                ("value", Kind::Text, false),
                ("n", Kind::Int, false),
            ],
        ),
        shape(
            JOURNAL,
            &[
                ("seq", Kind::Int, false),
                ("at", Kind::Time, false),
                ("actor", Kind::Text, false),
                ("action", Kind::Text, false),
                ("resource", Kind::Text, false),
                ("record_id", Kind::Id, false),
                ("version", Kind::Int, false),
                ("changes", Kind::Text, false),
                ("cause", Kind::Text, true),
            ],
        ),
        shape(
            JOURNAL_SEAL,
            &[
                ("position", Kind::Int, false),
                ("seq", Kind::Int, false),
                ("hash", Kind::Bytes, false),
            ],
        ),
        shape(
            CHAIN,
            &[
                ("one", Kind::Int, false),
                ("position", Kind::Int, false),
                ("hash", Kind::Bytes, false),
                ("seq", Kind::Int, false),
            ],
        ),
    ];
    schemas.iter().map(|s| of_schema(s)).chain(bookkeeping).collect()
}

fn unknown(what: &str) -> Error {
    Error::Illegal {
        code: "unknown_table",
        message: format!(
            "{what} is not known to this program and would be left out: use the program whose record type it is"
        ),
    }
}

/// Refuses a database with records or columns that this program does not know.
pub(super) async fn check_known<B: Backend>(
    connection: &mut B::Connection,
    known: &[TableShape],
) -> Result<()> {
    let shape = Shape::read::<B>(connection).await?;
    for (table, columns) in shape.tables() {
        match known.iter().find(|t| t.name == table) {
            Some(known) => {
                let other = columns.iter().find(|c| known.columns.iter().all(|k| k.name != **c));
                if let Some(column) = other {
                    return Err(unknown(&format!("column {column} of table {table}")));
                }
            }
            // Whatever has these columns holds records.
            None if BASE.iter().all(|(name, ..)| columns.contains(*name)) => {
                return Err(unknown(&format!("table {table}")));
            }
            None => {}
        }
    }
    Ok(())
}

/// Refuses tables that this program does not know or knows otherwise.
pub(super) fn check_fit(given: &[TableShape], known: &[TableShape]) -> Result<()> {
    for table in given {
        let Some(own) = known.iter().find(|k| k.name == table.name) else {
            return Err(unknown(&format!("table {}", table.name)));
        };
        for column in &table.columns {
            let (name, of) = (&column.name, &table.name);
            match own.columns.iter().find(|k| k.name == *name) {
                None => return Err(unknown(&format!("column {name} of table {of}"))),
                Some(k) if k.kind != column.kind || column.nullable && !k.nullable => {
                    return Err(Error::Illegal {
                        code: "table_differs",
                        message: format!(
                            "column {name} of table {of} is of another kind in this program"
                        ),
                    });
                }
                Some(_) => {}
            }
        }
        let base = own.resource.as_ref().map_or(0, |_| BASE.len());
        let whole = if base == 0 { own.columns.len() } else { base };
        let missing =
            own.columns[..whole].iter().find(|k| table.columns.iter().all(|c| c.name != k.name));
        if let Some(missing) = missing {
            return Err(Error::corrupt(format!(
                "table {} has no column {}",
                table.name, missing.name
            )));
        }
    }
    Ok(())
}
