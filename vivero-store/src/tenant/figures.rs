//! The dashboard's figures: kept by the sealer, recounted to prove them or when what is counted changes.

use super::journal::{counted, prepare_seal, write_seal};
use crate::backend::{Backend, Sql};
use std::collections::HashMap;
use vivero_core::ids::TenantId;
use vivero_core::journal::CountKey;
use vivero_core::record::{Kind, Schema};
use vivero_core::{Error, Result, Value};

/// Field under which the table of figures notes what is counted of a resource.
const COUNTED: &str = "#";
/// Value under which a sum keeps how often 2³² is in it, beside the rest: sums are exact, also where they,
/// or what they passed through, are greater than a column. Other figures are numbers of records.
const HIGH: &str = "2^32";
const HIGH_BITS: u32 = 32;
/// Figures written in one statement.
const ROWS_AT_ONCE: usize = 200;

fn is_sum(key: &CountKey) -> bool {
    key.field.starts_with('+')
}

/// A step as how many times 2³², and the rest, both of its sign. Small ones have no first part, so that
/// nearly every sum is one row.
fn parts(by: i128) -> Result<(i64, i64)> {
    let whole = 1_i128 << HIGH_BITS;
    let part = |n: i128| {
        i64::try_from(n).map_err(|_| Error::corrupt("a figure is greater than 2^94: recount it"))
    };
    Ok((part(by / whole)?, part(by % whole)?))
}

/// The figures and the position they stand at, by one statement and so as of one instant.
pub(crate) async fn counts<B: Backend>(
    connection: &mut B::Connection,
) -> Result<(u64, HashMap<CountKey, i128>)> {
    let sql = "SELECT k.resource, k.field, k.value, k.n, c.position FROM chain c LEFT JOIN counts k ON 1 = 1";
    let kinds = [Kind::Text, Kind::Text, Kind::Text, Kind::Int, Kind::Int];
    let rows = Sql::new(sql).fetch::<B>(connection, &kinds).await?;
    let mut counts = HashMap::with_capacity(rows.len());
    let mut position = 0;
    for mut row in rows {
        position = row.natural(4);
        if row.is_null(0) {
            continue;
        }
        let mut key = CountKey { resource: row.text(0), field: row.text(1), value: row.text(2) };
        let mut number = i128::from(row.int(3));
        if key.field == COUNTED {
            continue;
        }
        if is_sum(&key) && key.value == HIGH {
            key.value.clear();
            number <<= HIGH_BITS;
        }
        *counts.entry(key).or_default() += number;
    }
    Ok((position, counts))
}

/// Whether every entry is sealed and `at` is where the chain ends.
pub(crate) async fn is_sealed_up_to<B: Backend>(
    connection: &mut B::Connection,
    at: u64,
) -> Result<bool> {
    let sql = "SELECT c.position FROM chain c WHERE c.seq = (SELECT max(seq) FROM journal)";
    Ok(Sql::new(sql).number::<B>(connection).await? == i64::try_from(at).ok())
}

pub(crate) async fn recount<B: Backend>(
    connection: &mut B::Connection,
    schemas: &[&'static Schema],
) -> Result<HashMap<CountKey, i128>> {
    let mut all = HashMap::new();
    for schema in schemas.iter().filter(|s| counted(s)) {
        let key = |field: &str, value: String| CountKey {
            resource: schema.resource.into(),
            field: field.into(),
            value,
        };
        let table = schema.table;
        let total = format!("SELECT count(*) FROM {table} WHERE deleted_at IS NULL");
        if let Some(number) = Sql::new(total).long().number::<B>(connection).await? {
            all.insert(key("", String::new()), number.into());
        }
        for column in schema.columns {
            let name = column.name;
            if column.sum {
                // In parts that cannot overflow; as a number without sign, one below zero has 2^64 more.
                let sql = format!(
                    "SELECT coalesce(sum(({name} >> 32) & 4294967295), 0), coalesce(sum({name} & 4294967295), 0), \
                     coalesce(sum({name} < 0), 0) FROM {table} WHERE deleted_at IS NULL"
                );
                let row = Sql::new(sql).long().first::<B>(connection, &[Kind::Int; 3]).await?;
                if let Some(row) = row {
                    let part = |at: usize| i128::from(row.int(at));
                    let sum = (part(0) << HIGH_BITS) + part(1) - (part(2) << (2 * HIGH_BITS));
                    all.insert(key(&format!("+{name}"), String::new()), sum);
                }
            }
            if column.count {
                let sql = format!(
                    "SELECT {name}, count(*) FROM {table} WHERE deleted_at IS NULL GROUP BY {name}"
                );
                let kinds = [column.kind, Kind::Int];
                for mut row in Sql::new(sql).long().fetch::<B>(connection, &kinds).await? {
                    let value = match row.take(0).to_json() {
                        serde_json::Value::Null => String::new(),
                        serde_json::Value::String(s) => s,
                        other => other.to_string(),
                    };
                    *all.entry(key(name, value)).or_default() += i128::from(row.int(1));
                }
            }
        }
    }
    Ok(all)
}

/// What is counted of a record type, as text.
fn what_is_counted(schema: &Schema) -> String {
    let names = schema.columns.iter().flat_map(|c| {
        let sum = c.sum.then(|| format!("+{}", c.name));
        c.count.then(|| c.name.to_owned()).into_iter().chain(sum)
    });
    names.collect::<Vec<_>>().join(",")
}

/// Counts afresh the record types of which something else is counted now than before: a new type, or
/// a column that was declared `count` or `sum` later. Runs inside the caller's write transaction.
pub(crate) async fn bring_up<B: Backend>(
    connection: &mut B::Connection,
    tenant: TenantId,
    schemas: &[&'static Schema],
    all: &[&'static Schema],
) -> Result<()> {
    let mut noted = HashMap::new();
    let rows = Sql::new("SELECT resource, value FROM counts WHERE field = ?")
        .with(Value::Text(COUNTED.into()))
        .fetch::<B>(connection, &[Kind::Text, Kind::Text])
        .await?;
    for mut row in rows {
        noted.insert(row.text(0), row.text(1));
    }
    let stale: Vec<&'static Schema> = schemas
        .iter()
        .copied()
        .filter(|s| counted(s) && noted.get(s.resource).is_none_or(|n| *n != what_is_counted(s)))
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    // What is committed but not sealed would be counted again when it is.
    while let Some(sealing) = prepare_seal::<B>(connection, tenant, all).await? {
        if !write_seal::<B>(connection, tenant, &sealing).await? {
            return Err(Error::corrupt("the chain moved inside a write transaction"));
        }
    }
    let fresh = recount::<B>(connection, &stale).await?;
    for schema in stale {
        Sql::new("DELETE FROM counts WHERE resource = ?")
            .with(Value::Text(schema.resource.into()))
            .execute::<B>(connection)
            .await?;
        let note = CountKey {
            resource: schema.resource.into(),
            field: COUNTED.into(),
            value: what_is_counted(schema),
        };
        add::<B>(connection, std::iter::once((&note, 0))).await?;
    }
    add::<B>(connection, fresh.iter().map(|(key, number)| (key, *number))).await
}

/// Adds to figures, each named once.
pub(crate) async fn add<'k, B: Backend>(
    connection: &mut B::Connection,
    figures: impl Iterator<Item = (&'k CountKey, i128)>,
) -> Result<()> {
    let mut rows = Vec::new();
    for (key, by) in figures {
        rows_of(key, by, &mut rows)?;
    }
    // Whoever adds to the same ones at once takes their locks in the same order.
    rows.sort_unstable();
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let mut sql = Sql::new("INSERT INTO counts (resource, field, value, n) VALUES ");
        for (i, (resource, field, value, by)) in rows.iter().enumerate() {
            sql.add(if i == 0 { "(?, ?, ?, ?)" } else { ", (?, ?, ?, ?)" });
            for text in [resource, field, value] {
                sql.bind(Value::Text((*text).to_owned()));
            }
            sql.bind(Value::Int(*by));
        }
        sql.add(B::OR_ADD);
        B::defer(connection, sql).await.map_err(Into::<Error>::into)?;
    }
    Ok(())
}

/// A row of the table of figures: resource, field, value, and what is added to it.
type Step<'k> = (&'k str, &'k str, &'k str, i64);

/// What is added to the rows of one figure.
fn rows_of<'k>(key: &'k CountKey, by: i128, rows: &mut Vec<Step<'k>>) -> Result<()> {
    let CountKey { resource, field, value } = key;
    if !is_sum(key) {
        let by = i64::try_from(by).map_err(|_| Error::corrupt("a figure counts too many"))?;
        rows.push((resource, field, value, by));
        return Ok(());
    }
    let (high, rest) = parts(by)?;
    if high != 0 {
        rows.push((resource, field, HIGH, high));
    }
    if rest != 0 {
        rows.push((resource, field, value, rest));
    }
    Ok(())
}
