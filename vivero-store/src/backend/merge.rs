//! One page out of several ranges of an index.
//!
//! An index over some columns and a sort has the rows of each combination of values in order. Rows of
//! several combinations in one order are the merged beginnings of their ranges.

#[cfg(feature = "mariadb")]
use super::Cells;
use super::Sql;
use std::cmp::Ordering;
use std::collections::HashSet;
use uuid::Uuid;
use vivero_core::Value;
use vivero_core::record::Kind;

/// What to merge.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "sqlite"),
    expect(dead_code, reason = "read where a driver merges itself")
)]
#[cfg_attr(
    not(feature = "mariadb"),
    expect(dead_code, reason = "read where the server merges and gives whole rows")
)]
pub(crate) struct Merge {
    /// The queries of one range, one after another in its order: their columns are the sort's key,
    /// `seq` and, if `places` are given, the row's place; the order is by the first two. Their first
    /// parameters are those of the range. Where whole rows are wanted they begin with `FROM`.
    pub(crate) stages: Vec<Sql>,
    /// The first parameters, for each range.
    pub(crate) ranges: Vec<Vec<Value>>,
    /// Kind of the key.
    pub(crate) kind: Kind,
    /// Greatest first.
    pub(crate) descending: bool,
    /// Rows wanted.
    pub(crate) limit: usize,
    /// Keeps the rows of these places only.
    pub(crate) places: Option<HashSet<Uuid>>,
    /// Index entries looked at, at most.
    pub(crate) budget: usize,
    /// What part of the rows wanted each range is expected to have.
    pub(crate) shares: Vec<f64>,
    /// The whole row: its table, its columns as an alias `t` has them, and their kinds.
    pub(crate) table: &'static str,
    pub(crate) columns: String,
    pub(crate) kinds: Vec<Kind>,
    /// The key by which rows are sorted before `seq`, and where it stands in the row; none if there is none.
    pub(crate) key: Option<(String, usize)>,
    /// Queries whose answers, two numbers each, say whether what the ranges were made from still holds.
    pub(crate) checks: Vec<Sql>,
    /// Whether they must be answered as of the same state; otherwise a later one will do.
    pub(crate) steady: bool,
}

/// What merging found.
#[derive(Debug, PartialEq)]
pub(crate) enum Merged {
    /// The `seq` of each row, in order.
    #[cfg(feature = "sqlite")]
    Rows(Vec<i64>),
    /// The rows in order, and the answers to the checks.
    #[cfg(feature = "mariadb")]
    Whole(Vec<Cells>, Vec<Vec<i64>>),
    /// The budget was spent before the page was full.
    TooFar,
}

/// The best rows so far, in order.
#[derive(Debug)]
pub(crate) struct Best {
    rows: Vec<(Value, i64)>,
    limit: usize,
    descending: bool,
}

impl Best {
    pub(crate) fn new(limit: usize, descending: bool) -> Self {
        Self { rows: Vec::with_capacity(limit + 1), limit, descending }
    }

    /// Takes a row in; `false` if it, and all that come after it in its range, are too late.
    pub(crate) fn offer(&mut self, key: Value, seq: i64) -> bool {
        let order = |row: &(Value, i64)| {
            let order = compare(&row.0, &key).then(row.1.cmp(&seq));
            if self.descending { order.reverse() } else { order }
        };
        if self.rows.len() == self.limit && self.rows.last().is_none_or(|r| order(r).is_lt()) {
            return false;
        }
        let place = self.rows.partition_point(|row| order(row).is_lt());
        self.rows.insert(place, (key, seq));
        self.rows.truncate(self.limit);
        true
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn into_rows(self) -> Vec<i64> {
        self.rows.into_iter().map(|(_, seq)| seq).collect()
    }
}

/// As indexes order them: no value first, texts by their bytes.
pub(crate) fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Id(a), Value::Id(b)) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (a, b) => b.is_null().cmp(&a.is_null()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginnings_of_ranges_are_merged() {
        for descending in [false, true] {
            let mut best = Best::new(3, descending);
            let mut ranges = vec![vec![(1, 1), (4, 2), (9, 3)], vec![(1, 0), (2, 9), (2, 10)]];
            if descending {
                ranges.iter_mut().for_each(|r| r.reverse());
            }
            for range in ranges {
                for (key, seq) in range {
                    if !best.offer(Value::Int(key), seq) {
                        break;
                    }
                }
            }
            let wanted = if descending { vec![3, 2, 10] } else { vec![0, 1, 9] };
            assert_eq!(best.into_rows(), wanted);
        }
    }

    #[test]
    fn no_value_comes_first() {
        let mut best = Best::new(2, false);
        assert!(best.offer(Value::Text("a".into()), 1));
        assert!(best.offer(Value::Null, 2));
        assert!(!best.offer(Value::Text("b".into()), 0));
        assert_eq!(best.into_rows(), [2, 1]);
    }
}
