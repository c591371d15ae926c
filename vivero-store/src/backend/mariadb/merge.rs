//! Merging ranges of an index, by one statement: the beginnings of all of them, sorted by the server and
//! read as whole rows. One statement sees one state; what goes with it to be checked goes in the same
//! packet.

use super::queries::Queries;
use super::values::literal;
use super::{Connection, Failure};
use crate::backend::merge::compare;
use crate::backend::{Cells, Merge, Merged};
use std::cmp::Ordering;
use std::fmt::Write as _;
use vivero_core::Value;
use vivero_core::record::Kind;

/// What a range is read for at least, besides twice what it is expected to have of the page.
const SPARE: usize = 6;
/// Parts of one `UNION` at most.
const PARTS_AT_ONCE: usize = 192;
/// The server's number for a statement that was cut off by `ROWS EXAMINED`.
const CUT_OFF: i64 = 1931;
/// Its number for a sort that was cut off by it, which is an error.
const SORT_CUT_OFF: u16 = 1028;

/// Each range is read as far as it is likely to be wanted. Where the whole of what was read of one is
/// among the rows found, there may be more of it: then it is read as far as it can be wanted.
pub(super) async fn merge(connection: &mut Connection, merge: Merge) -> Result<Merged, Failure> {
    let mut limits: Vec<usize> = match merge.ranges.len() {
        0 | 1 => vec![merge.limit; merge.ranges.len()],
        _ => merge.shares.iter().map(|share| guess(merge.limit, *share)).collect(),
    };
    loop {
        let mut found = run(connection, &merge, &limits).await?;
        if found.cut_off {
            return Ok(Merged::TooFar);
        }
        let mut met = vec![0; limits.len()];
        let at = merge.kinds.len();
        for row in &found.rows {
            if let Some(number) = met.get_mut(row.natural(at) as usize) {
                *number += 1;
            }
        }
        // The last row of a full page may well be the last that was read of its range.
        if found.rows.len() == merge.limit
            && let Some(last) = found.rows.last()
            && let Some(number) = met.get_mut(last.natural(at) as usize)
        {
            *number -= 1;
        }
        let mut whole = true;
        for (limit, met) in limits.iter_mut().zip(met) {
            if met >= *limit && *limit < merge.limit {
                *limit = merge.limit;
                whole = false;
            }
        }
        if whole {
            for row in &mut found.rows {
                row.0.truncate(at);
            }
            return Ok(Merged::Whole(found.rows, found.checks));
        }
    }
}

fn guess(limit: usize, share: f64) -> usize {
    let likely = (limit as f64 * share * 2.0).ceil();
    // Never so many that it does not fit: `limit` bounds it.
    limit.min(likely as usize + SPARE)
}

struct Found {
    rows: Vec<Cells>,
    checks: Vec<Vec<i64>>,
    cut_off: bool,
}

async fn run(
    connection: &mut Connection,
    merge: &Merge,
    limits: &[usize],
) -> Result<Found, Failure> {
    let at_once = (PARTS_AT_ONCE / merge.stages.len().max(1)).max(1);
    let pieces = merge.ranges.len().div_ceil(at_once);
    let bounded = merge.budget != usize::MAX;
    let whole: Vec<Kind> = merge.kinds.iter().copied().chain([Kind::Int]).collect();
    let mut queries = Queries::default();
    for from in (0..merge.ranges.len()).step_by(at_once) {
        statement(queries.text(), merge, limits, from, at_once);
        queries.end(&whole);
        if bounded {
            queries.push_text("SHOW WARNINGS", &[Kind::Text, Kind::Int]);
        }
    }
    merge.checks.iter().for_each(|check| queries.push(check, &[Kind::Int, Kind::Int]));
    let outcome = if merge.steady || pieces > 1 {
        connection.batch_of_one_state(queries).await
    } else {
        connection.batch(queries).await
    };
    let mut results = match outcome {
        Ok(results) => results.into_iter(),
        Err(e) if bounded && e.number() == Some(SORT_CUT_OFF) => {
            return Ok(Found { rows: Vec::new(), checks: Vec::new(), cut_off: true });
        }
        Err(e) => return Err(e),
    };
    let mut found = Found { rows: Vec::new(), checks: Vec::new(), cut_off: false };
    for _ in 0..pieces {
        found.rows.extend(results.next().unwrap_or_default());
        let warnings = if bounded { results.next().unwrap_or_default() } else { Vec::new() };
        found.cut_off |= warnings.iter().any(|row| row.int(1) == CUT_OFF);
    }
    let numbers = |rows: Vec<Cells>| rows.iter().flat_map(|r| [r.int(0), r.int(1)]).collect();
    found.checks = results.take(merge.checks.len()).map(numbers).collect();
    if pieces > 1 {
        sort(merge, &mut found.rows);
    }
    Ok(found)
}

/// Puts the pages of several statements into one order.
fn sort(merge: &Merge, rows: &mut Vec<Cells>) {
    rows.sort_by(|a, b| {
        let key = merge.key.as_ref().map_or(Ordering::Equal, |(_, at)| {
            let of = |row: &Cells| row.0.get(*at).cloned().unwrap_or(Value::Null);
            compare(&of(a), &of(b))
        });
        let order = key.then(a.int(0).cmp(&b.int(0)));
        if merge.descending { order.reverse() } else { order }
    });
    rows.truncate(merge.limit);
}

/// Adds the statement for some ranges, without an end.
fn statement(text: &mut String, merge: &Merge, limits: &[usize], from: usize, at_once: usize) {
    let (down, columns) = (if merge.descending { " DESC" } else { "" }, &merge.columns);
    if let ([range], [stage]) = (merge.ranges.as_slice(), merge.stages.as_slice()) {
        let _ = write!(text, "SELECT {columns}, 0");
        fill(text, &stage.text, range.iter().chain(&stage.args));
    } else {
        let key = merge.key.as_ref().map(|(key, _)| format!("{key} AS sort_key, "));
        let key = key.unwrap_or_default();
        let _ = write!(text, "SELECT {columns}, k.r FROM (");
        let ranges = merge.ranges.iter().zip(limits).enumerate().skip(from).take(at_once);
        let mut union = "";
        for (r, (range, limit)) in ranges {
            for stage in &merge.stages {
                let _ = write!(text, "{union}(SELECT {r} AS r, {key}t.seq AS seq");
                fill(text, &stage.text, range.iter().chain(&stage.args));
                let _ = write!(text, " LIMIT {limit})");
                union = " UNION ALL ";
            }
        }
        let _ = write!(text, ") k STRAIGHT_JOIN {} t ON t.seq = k.seq ORDER BY ", merge.table);
        if merge.key.is_some() {
            let _ = write!(text, "k.sort_key{down}, ");
        }
        let _ = write!(text, "k.seq{down}");
    }
    let _ = write!(text, " LIMIT {}", merge.limit);
    if merge.budget != usize::MAX {
        let _ = write!(text, " ROWS EXAMINED {}", merge.budget);
    }
}

/// Adds a text with its parameters as literals: how many ranges there are differs from list to list, and
/// preparing each number of them would cost more than it saves. No part of a text with parameters holds
/// another `?`.
pub(super) fn fill<'v>(text: &mut String, with: &str, mut values: impl Iterator<Item = &'v Value>) {
    for (i, part) in with.split('?').enumerate() {
        if i > 0 {
            match values.next() {
                Some(value) => literal(text, value),
                // No parameter: part of an integrator's statement.
                None => text.push('?'),
            }
        }
        text.push_str(part);
    }
}
