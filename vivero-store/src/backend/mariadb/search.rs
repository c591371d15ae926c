//! Search by a table of the words of each row.
//!
//! InnoDB's own full-text index cannot give the answers SQLite's gives: it leaves out short and common
//! words, sees its own transaction's rows only after the commit, and finds first and sorts later (4 to
//! 26 ms where a page of 50 is wanted). A table of (row, word), with an index of (word, row), is written
//! in the same transaction, finds the rows of a word newest first, and answers whether a row has a word
//! by one look.

use super::{Failure, MariaDb};
use crate::backend::{Backend as _, Sql};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use vivero_core::Value;
use vivero_core::record::Kind;
use vivero_core::search::Terms;

/// Bytes of a word that are kept: more than those of a search with [`vivero_core::search::MAX_QUERY_CHARS`]
/// characters, of up to four bytes each.
pub(super) const LONGEST_WORD: usize = 1_020;
/// Words entered by one statement.
const WORDS_AT_ONCE: usize = 4_000;
/// Up to so many entries, the rows of a word are gathered; those of a more common one are met often
/// enough on the way from the newest row back.
const FEW: i64 = 4_000;

/// The words a text is found by, each once.
fn words(text: &str) -> BTreeSet<&str> {
    text.split_ascii_whitespace().map(cut).collect()
}

/// A word as it is kept.
fn cut(word: &str) -> &str {
    &word[..word.floor_char_boundary(LONGEST_WORD)]
}

fn literal(sql: &mut Sql, word: &str) {
    sql.add("x'");
    for byte in word.bytes() {
        let _ = write!(sql.text, "{byte:02x}");
    }
    sql.add("'");
}

/// Statements that enter words. They hold the words as literals: the number of words differs from row
/// to row, and a text that comes once is not worth preparing.
fn enter(table: &str, words: impl Iterator<Item = (String, String)>) -> Vec<Sql> {
    let mut all = Vec::new();
    let mut words = words.peekable();
    while words.peek().is_some() {
        let mut sql = Sql::new(format!("INSERT INTO {table}_search (rowid, word) VALUES "));
        for (i, (seq, word)) in words.by_ref().take(WORDS_AT_ONCE).enumerate() {
            sql.addf(format_args!("{}({seq}, ", if i == 0 { "" } else { ", " }));
            literal(&mut sql, &word);
            sql.add(")");
        }
        all.push(sql);
    }
    all
}

/// A row without a number is the one that was inserted last.
pub(super) fn insert(table: &str, texts: &[(Option<i64>, String)]) -> Vec<Sql> {
    let all = texts.iter().flat_map(|(seq, text)| {
        let seq = seq.map_or_else(|| "last_insert_id()".to_owned(), |seq| seq.to_string());
        words(text).into_iter().map(move |word| (seq.clone(), word.to_owned()))
    });
    enter(table, all)
}

pub(super) fn update(table: &str, seq: i64, before: &str, after: &str) -> Vec<Sql> {
    let (before, after) = (words(before), words(after));
    let gone: Vec<&&str> = before.difference(&after).collect();
    let mut all = Vec::new();
    if !gone.is_empty() {
        let mut sql =
            Sql::new(format!("DELETE FROM {table}_search WHERE rowid = {seq} AND word IN ("));
        for (i, word) in gone.into_iter().enumerate() {
            sql.add(if i == 0 { "" } else { ", " });
            literal(&mut sql, word);
        }
        sql.add(")");
        all.push(sql);
    }
    let come = after.difference(&before).map(|word| (seq.to_string(), (*word).to_owned()));
    all.extend(enter(table, come));
    all
}

/// The words one term stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    /// First and last word of each range; one word by itself if they are the same.
    ranges: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Term {
    fn condition(&self, sql: &mut Sql, word: &str) {
        sql.add("(");
        for (i, (first, last)) in self.ranges.iter().enumerate() {
            sql.add(if i == 0 { "" } else { " OR " });
            if first == last {
                sql.addf(format_args!("{word} = ?")).bind(Value::Bytes(first.clone()));
            } else {
                sql.addf(format_args!("{word} BETWEEN ? AND ?"))
                    .bind(Value::Bytes(first.clone()))
                    .bind(Value::Bytes(last.clone()));
            }
        }
        sql.add(")");
    }

    fn is_one_word(&self) -> bool {
        matches!(self.ranges.as_slice(), [(first, last)] if first == last)
    }

    /// Condition that a row has one of the words.
    fn had_by(&self, sql: &mut Sql, table: &str, row: &str) {
        sql.addf(format_args!(
            "EXISTS (SELECT 1 FROM {table}_search w FORCE INDEX (PRIMARY) WHERE w.rowid = {row} AND "
        ));
        self.condition(sql, "w.word");
        sql.add(")");
    }
}

/// What is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The rarest first.
    terms: Vec<Term>,
    /// Whether few rows have the rarest.
    few: bool,
}

impl Wanted {
    /// How the rows are come by.
    fn way(&self) -> Way {
        match self.terms.first() {
            Some(term) if term.is_one_word() => Way::Word,
            Some(_) if self.few => Way::Gather,
            _ => Way::Walk,
        }
    }
}

enum Way {
    /// Along the rows of the first word, which are in order.
    Word,
    /// All rows of the first words.
    Gather,
    /// Along all rows.
    Walk,
}

pub(super) async fn matching(
    connection: &mut super::Connection,
    table: &str,
    terms: &Terms,
) -> Result<Wanted, Failure> {
    let mut terms: Vec<Term> = terms
        .words()
        .iter()
        .map(|term| Term {
            ranges: term
                .alternatives
                .iter()
                .map(|word| {
                    let first = cut(word).as_bytes().to_vec();
                    let mut last = first.clone();
                    // No byte of UTF-8 is 0xff.
                    if !term.whole && word.chars().count() > 1 {
                        last.push(0xff);
                    }
                    (first, last)
                })
                .collect(),
        })
        .collect();
    if let [only] = terms.as_slice()
        && only.is_one_word()
    {
        return Ok(Wanted { terms, few: false });
    }
    // How many rows each has, as far as it matters.
    let mut sql = Sql::new("SELECT ");
    for (i, term) in terms.iter().enumerate() {
        sql.add(if i == 0 { "" } else { ", " });
        sql.addf(format_args!(
            "(SELECT count(*) FROM (SELECT 1 FROM {table}_search w FORCE INDEX ({table}_search_word) WHERE "
        ));
        term.condition(&mut sql, "w.word");
        sql.addf(format_args!(" LIMIT {}) k)", FEW + 1));
    }
    let kinds = vec![Kind::Int; terms.len()];
    let rows = MariaDb::fetch(connection, sql, &kinds).await?;
    let Some(counted) = rows.into_iter().next() else { return Ok(Wanted { terms, few: false }) };
    let mut numbered: Vec<(i64, Term)> =
        terms.drain(..).enumerate().map(|(i, term)| (counted.int(i), term)).collect();
    // Of common ones, one whose rows are in order by themselves is better.
    numbered.sort_by_key(|(number, term)| (*number, !term.is_one_word()));
    let few = numbered.first().is_some_and(|(number, _)| *number <= FEW);
    Ok(Wanted { terms: numbered.into_iter().map(|(_, term)| term).collect(), few })
}

pub(super) fn matches(sql: &mut Sql, table: &str, wanted: &Wanted) {
    match (wanted.way(), wanted.terms.first()) {
        (Way::Word, _) => {
            sql.addf(format_args!("{table}_search f FORCE INDEX ({table}_search_word)"));
        }
        (Way::Gather, Some(term)) => {
            sql.addf(format_args!(
                "(SELECT DISTINCT w.rowid FROM {table}_search w FORCE INDEX ({table}_search_word) WHERE "
            ));
            term.condition(sql, "w.word");
            sql.add(") f");
        }
        _ => {
            sql.addf(format_args!("(SELECT seq AS rowid FROM {table}) f"));
        }
    }
}

pub(super) fn conditions(sql: &mut Sql, table: &str, wanted: &Wanted) {
    let mut rest = wanted.terms.iter();
    match (wanted.way(), wanted.terms.first()) {
        (Way::Word, Some(term)) => {
            rest.next();
            term.condition(sql, "f.word");
        }
        (Way::Gather, _) => {
            rest.next();
            sql.add("1 = 1");
        }
        _ => {
            sql.add("1 = 1");
        }
    }
    for term in rest {
        sql.add(" AND ");
        term.had_by(sql, table, "f.rowid");
    }
}

pub(super) fn of_row(sql: &mut Sql, table: &str, wanted: &Wanted) {
    for (i, term) in wanted.terms.iter().enumerate() {
        sql.add(if i == 0 { "" } else { " AND " });
        term.had_by(sql, table, "t.seq");
    }
}
