//! Rows of pages by their numbers, together with the turn at which they were so.

use super::plan::Table;
use super::rows::Found;
use super::together::Question;
use crate::backend::{Backend, Sql};
use hashbrown::HashMap;
use std::collections::BTreeSet;
use vivero_core::record::{Kind, Row};
use vivero_core::{Result, Value};

/// Statements for so many rows each are prepared: they answer in binary, which both sides are quicker at.
const PREPARED_FOR: [usize; 4] = [16, 51, 102, 204];

/// Adds a condition on `t` that it is one of these rows, or one of few others: many that lie close together
/// are one range, which costs the database half of what as many single ones do.
fn among(sql: &mut Sql, numbers: &[i64]) {
    let (Some(first), Some(last)) = (numbers.iter().min(), numbers.iter().max()) else { return };
    let between = last.abs_diff(*first) + 1;
    if between <= (numbers.len() + numbers.len() / 2) as u64 {
        sql.add("t.seq BETWEEN ? AND ?").bind(Value::Int(*first)).bind(Value::Int(*last));
        sql.fixed = true;
        return;
    }
    if let Some(most) = PREPARED_FOR.into_iter().find(|most| *most >= numbers.len()) {
        sql.addf(format_args!("t.seq IN (?{})", ", ?".repeat(most - 1)));
        // The last stands for those that are too many: twice the same is once.
        let padding = std::iter::repeat_n(*last, most - numbers.len());
        sql.args.extend(numbers.iter().copied().chain(padding).map(Value::Int));
        sql.fixed = true;
        return;
    }
    let all: Vec<String> = numbers.iter().map(i64::to_string).collect();
    sql.addf(format_args!("t.seq IN ({})", all.join(", ")));
}

/// Rows of pages by their numbers, and the turn at which they were so.
pub(super) struct Pages;

impl Question for Pages {
    type Wanted = Vec<i64>;
    type Answer = (HashMap<i64, Row>, Option<i64>);
    const MOST: usize = PREPARED_FOR[3];

    fn rows(wanted: &Vec<i64>) -> usize {
        wanted.len()
    }

    async fn ask<B: Backend>(
        connection: &mut B::Connection,
        table: &Table,
        wanted: Vec<Vec<i64>>,
    ) -> Result<Vec<Self::Answer>> {
        let all: BTreeSet<i64> = wanted.iter().flatten().copied().collect();
        let (rows, turn) = rows::<B>(connection, table, &Vec::from_iter(all)).await?;
        let mut found = Found::new(rows.into_iter(), wanted.iter().flatten().copied());
        let answer = |numbers: &Vec<i64>| {
            let rows = numbers.iter().filter_map(|seq| Some((*seq, found.take(seq)?)));
            (rows.collect(), turn)
        };
        Ok(wanted.iter().map(answer).collect())
    }
}

/// Rows by their numbers, and the turn. A row that is not there tells no turn, so it is asked for apart where
/// none is.
async fn rows<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    numbers: &[i64],
) -> Result<(Vec<(i64, Row)>, Option<i64>)> {
    let Some(turn) = B::TURN else { return Ok((Vec::new(), None)) };
    if numbers.is_empty() {
        return Ok((Vec::new(), Sql::new(turn).number::<B>(connection).await?));
    }
    let mut sql = Sql::new(format!(
        "SELECT {}, ({turn}) FROM {} t{} WHERE ",
        table.columns,
        table.schema.table,
        B::NO_INDEX
    ));
    among(&mut sql, numbers);
    let kinds: Vec<Kind> = table.kinds.iter().copied().chain([Kind::Int]).collect();
    let mut now = None;
    let mut all = Vec::with_capacity(numbers.len());
    for mut cells in sql.fetch::<B>(connection, &kinds).await? {
        if let Some(Value::Int(turn)) = cells.0.pop() {
            now = Some(turn);
        }
        let row = table.decode(cells);
        all.push((row.seq, row));
    }
    Ok((all, now))
}
