//! Merging ranges of an index, by one statement: the beginnings of all of them, sorted by the server.

use super::values::literal;
use super::{Connection, Failure, MariaDb};
use crate::backend::{Backend as _, Merge, Merged, Sql};
use vivero_core::Value;
use vivero_core::record::Kind;

/// Ranges in one statement: a longer one takes longer to be understood than to be run.
const RANGES_AT_ONCE: usize = 64;

/// As many rows of each range as are wanted in all hold those that are wanted of it.
pub(super) async fn merge(connection: &mut Connection, merge: Merge) -> Result<Merged, Failure> {
    let mut best = crate::backend::merge::Best::new(merge.limit, merge.descending);
    for ranges in merge.ranges.chunks(RANGES_AT_ONCE) {
        let sql = statement(&merge, ranges);
        for row in MariaDb::fetch(connection, sql, &[merge.kind, Kind::Int]).await? {
            let seq = row.int(1);
            let mut row = row;
            best.offer(row.take(0), seq);
        }
    }
    Ok(Merged::Rows(best.into_rows()))
}

fn statement(merge: &Merge, ranges: &[Vec<Value>]) -> Sql {
    let mut sql = Sql::new("");
    let mut first = true;
    for range in ranges {
        for stage in &merge.stages {
            sql.add(if first { "(" } else { " UNION ALL (" });
            first = false;
            fill(&mut sql, &stage.text, range.iter().chain(&stage.args));
            sql.addf(format_args!(" LIMIT {})", merge.limit));
        }
    }
    sql
}

/// Adds a text with its parameters as literals: how many ranges there are differs from list to list, and
/// preparing each number of them would cost more than it saves. No part of such a text holds a `?` but
/// for a parameter.
fn fill<'v>(sql: &mut Sql, text: &str, mut values: impl Iterator<Item = &'v Value>) {
    for (i, part) in text.split('?').enumerate() {
        if i > 0
            && let Some(value) = values.next()
        {
            literal(&mut sql.text, value);
        }
        sql.add(part);
    }
}
