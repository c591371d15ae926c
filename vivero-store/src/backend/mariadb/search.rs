//! Search by a table of the words of each row.
//!
//! InnoDB's own full-text index cannot give the answers SQLite's gives: it leaves out short and common
//! words, sees its own transaction's rows only after the commit, and finds first and sorts later (4 to
//! 26 ms where a page of 50 is wanted). A table of (row, word), with an index of (word, row), is written
//! in the same transaction, finds the rows of a word newest first, and answers whether a row has a word
//! by one look.

use super::Failure;
use super::queries::Queries;
use crate::backend::Sql;
use std::collections::BTreeSet;
use std::collections::btree_set::Difference;
use std::fmt::Write as _;
use vivero_core::Value;
use vivero_core::record::Kind;
use vivero_core::search::Terms;

/// Bytes of a word that are kept: more than those of a search with [`vivero_core::search::MAX_QUERY_CHARS`]
/// characters, of up to four bytes each.
pub(super) const LONGEST_WORD: usize = 1_020;
/// Words entered by one statement.
const WORDS_AT_ONCE: usize = 4_000;
/// What things cost, in µs: an entry of the index, one that is gathered and sorted, a look whether a row
/// has one word, or one of several.
const ENTRY: f64 = 0.3;
const GATHERED: f64 = 0.8;
const ONE: f64 = 2.0;
const MANY: f64 = 9.0;
/// Rows of a page.
const PAGE: f64 = 51.0;
/// How many times as many rows are met before a page is full as would be if nothing had to do with
/// anything else.
const LUCK: f64 = 4.0;
/// Words that one term is resolved to at most.
const MOST_WORDS: usize = 8;

/// The words a text is found by, each once.
fn words(text: &str) -> BTreeSet<&str> {
    text.split_ascii_whitespace().map(cut).collect()
}

/// A word as it is kept.
fn cut(word: &str) -> &str {
    &word[..word.floor_char_boundary(LONGEST_WORD)]
}

/// A word as its bytes: as it is where that is the same, which the server reads quicker.
fn literal(sql: &mut Sql, word: &str) {
    if word.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        sql.addf(format_args!("'{word}'"));
        return;
    }
    sql.add("x'");
    for byte in word.bytes() {
        let _ = write!(sql.text, "{byte:02x}");
    }
    sql.add("'");
}

fn literal_of(word: &str) -> String {
    let mut sql = Sql::default();
    literal(&mut sql, word);
    sql.text
}

/// The words a text is found by, as they stand in a statement.
pub(super) fn literals(text: &str) -> Vec<String> {
    words(text).into_iter().map(literal_of).collect()
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

/// What other words of a row are to its index, as literals.
pub(super) struct Rewords {
    seq: i64,
    gone: Vec<String>,
    come: Vec<String>,
}

impl Rewords {
    pub(super) fn new(seq: i64, before: &str, after: &str) -> Self {
        let (before, after) = (words(before), words(after));
        let literals = |words: Difference<'_, &str>| words.map(|word| literal_of(word)).collect();
        Self {
            seq,
            gone: literals(before.difference(&after)),
            come: literals(after.difference(&before)),
        }
    }

    /// About how many bytes its statements are.
    pub(super) fn length(&self) -> usize {
        self.gone.iter().chain(&self.come).map(|word| word.len() + 24).sum()
    }

    /// The statements that replace the words of so many rows of a table, each once.
    pub(super) fn statements(table: &str, all: &[&Self]) -> impl Iterator<Item = String> {
        let mut removal = String::new();
        for Self { seq, gone, .. } in all.iter().filter(|row| !row.gone.is_empty()) {
            let head = format!("DELETE FROM {table}_search WHERE ");
            removal.push_str(if removal.is_empty() { &head } else { " OR " });
            let _ = write!(removal, "rowid = {seq} AND word IN ({})", gone.join(", "));
        }
        let come: Vec<(i64, &String)> =
            all.iter().flat_map(|row| row.come.iter().map(|word| (row.seq, word))).collect();
        let entries = come.chunks(WORDS_AT_ONCE).map(|some| {
            let rows: Vec<String> =
                some.iter().map(|(seq, word)| format!("({seq}, {word})")).collect();
            format!("INSERT INTO {table}_search (rowid, word) VALUES {}", rows.join(", "))
        });
        let entries: Vec<String> = entries.collect();
        Some(removal).into_iter().filter(|text| !text.is_empty()).chain(entries)
    }
}

pub(super) fn update(table: &str, seq: i64, before: &str, after: &str) -> Vec<Sql> {
    Rewords::statements(table, &[&Rewords::new(seq, before, after)]).map(Sql::new).collect()
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

    /// Whether it is so many words and no range.
    fn is_words(&self) -> bool {
        self.ranges.iter().all(|(first, last)| first == last)
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
    /// The one that leads first.
    terms: Vec<Term>,
    /// How the rows are come by.
    way: Way,
}

impl Wanted {
    /// The terms that the way itself does not answer.
    fn rest(&self) -> impl Iterator<Item = &Term> {
        self.terms.iter().skip(usize::from(self.way != Way::Walk))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    find_words(connection, table, &mut terms).await?;
    if let [only] = terms.as_slice()
        && only.is_one_word()
    {
        return Ok(Wanted { terms, way: Way::Word });
    }
    let estimates = estimate(connection, table, &terms).await?;
    Ok(lead(terms, &estimates))
}

/// Puts the term first by which the rows are come by the cheapest. `estimates` has the entries of each
/// term, and the rows there are.
fn lead(terms: Vec<Term>, estimates: &[i64]) -> Wanted {
    let of = |i: usize| estimates.get(i).copied().unwrap_or(0).max(1) as f64;
    let rows = of(terms.len());
    let share = |i: usize| (of(i) / rows).min(1.0);
    let probe = |i: usize| if terms[i].is_one_word() { ONE } else { MANY };
    // Rows with two things in common are often found together, or far from where the page begins.
    let met = |shares: f64, most: f64| (LUCK * PAGE / shares.max(f64::MIN_POSITIVE)).min(most);
    let others = |i: usize| (0..terms.len()).filter(move |j| *j != i);
    let mut best = (f64::MAX, None, false);
    for (i, term) in terms.iter().enumerate() {
        let probes: f64 = others(i).map(probe).sum();
        let gather = (of(i) * (GATHERED + probes), Some(i), true);
        let walk = (met(others(i).map(share).product(), of(i)) * (ENTRY + probes), Some(i), false);
        let ways = [term.is_words().then_some(gather), term.is_one_word().then_some(walk)];
        for way in ways.into_iter().flatten() {
            if way.0 < best.0 {
                best = way;
            }
        }
    }
    let all: f64 = (0..terms.len()).map(probe).sum();
    let shares = (0..terms.len()).map(share).product();
    if met(shares, rows) * (ONE + all) < best.0 {
        best.1 = None;
    }
    let mut numbered: Vec<(f64, Term)> = Vec::with_capacity(terms.len());
    for (i, term) in terms.into_iter().enumerate() {
        numbered.push((if best.1 == Some(i) { 0.0 } else { of(i) }, term));
    }
    numbered.sort_by(|a, b| a.0.total_cmp(&b.0));
    let terms = numbered.into_iter().map(|(_, term)| term).collect();
    let way = match best {
        (_, None, _) => Way::Walk,
        (_, _, true) => Way::Gather,
        _ => Way::Word,
    };
    Wanted { terms, way }
}

/// Puts the words that there are in place of ranges that have few. The server looks at every entry of a
/// range to find its words; asked for the next word each time, at one for each.
async fn find_words(
    connection: &mut super::Connection,
    table: &str,
    terms: &mut [Term],
) -> Result<(), Failure> {
    let mut open: Vec<(usize, usize, Vec<Vec<u8>>)> = Vec::new();
    for (t, term) in terms.iter().enumerate() {
        let ranges = term.ranges.iter().enumerate();
        open.extend(ranges.filter(|(_, (a, b))| a != b).map(|(r, _)| (t, r, Vec::new())));
    }
    let mut found: Vec<(usize, usize, Vec<Vec<u8>>)> = Vec::new();
    while !open.is_empty() {
        let mut queries = Queries::default();
        for (t, r, words) in &open {
            let (first, last) = &terms[*t].ranges[*r];
            let (sign, from) = words.last().map_or((">=", first), |word| (">", word));
            let sql = Sql::new(format!(
                "SELECT min(word) FROM {table}_search FORCE INDEX ({table}_search_word) WHERE word {sign} ? AND word \
                 <= ?"
            ));
            let sql = sql.with(Value::Bytes(from.clone())).with(Value::Bytes(last.clone()));
            queries.push(&sql, &[Kind::Bytes]);
        }
        let answers = connection.batch(queries).await?;
        let mut rest = Vec::new();
        for ((t, r, mut words), answer) in open.into_iter().zip(answers) {
            match answer.into_iter().next().map(|mut row| row.take(0)) {
                Some(Value::Bytes(word)) if words.len() < MOST_WORDS => {
                    words.push(word);
                    rest.push((t, r, words));
                }
                // There are more than are worth naming.
                Some(Value::Bytes(_)) => {}
                _ => found.push((t, r, words)),
            }
        }
        open = rest;
    }
    // From the back, so that what is left to be replaced stays where it is.
    found.sort_by_key(|(t, r, _)| std::cmp::Reverse((*t, *r)));
    for (t, r, words) in found {
        let ranges = &mut terms[t].ranges;
        let (first, _) = ranges.remove(r);
        ranges.extend(words.into_iter().map(|word| (word.clone(), word)));
        if ranges.is_empty() {
            // No row has it.
            ranges.push((first.clone(), first));
        }
    }
    Ok(())
}

/// How many entries each has, as the server's planner takes it from the index.
async fn estimate(
    connection: &mut super::Connection,
    table: &str,
    terms: &[Term],
) -> Result<Vec<i64>, Failure> {
    /// Where `EXPLAIN` has its estimate.
    const KINDS: [Kind; 9] = [
        Kind::Int,
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Int,
    ];
    let mut queries = Queries::default();
    for term in terms {
        let mut sql = Sql::new(format!(
            "EXPLAIN SELECT 1 FROM {table}_search w FORCE INDEX ({table}_search_word) WHERE "
        ));
        term.condition(&mut sql, "w.word");
        queries.push(&sql, &KINDS);
    }
    let all = format!("EXPLAIN SELECT 1 FROM {table} FORCE INDEX (PRIMARY) WHERE seq > 0");
    queries.push_text(&all, &KINDS);
    let answers = connection.batch(queries).await?;
    Ok(answers.iter().map(|rows| rows.first().map_or(0, |row| row.int(8))).collect())
}

pub(super) fn matches(sql: &mut Sql, table: &str, wanted: &Wanted) {
    match (wanted.way, wanted.terms.first()) {
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
    // A row has a word once: joining is asking whether it has it, and quicker.
    for (i, term) in wanted.rest().filter(|term| term.is_one_word()).enumerate() {
        sql.addf(format_args!(
            " STRAIGHT_JOIN {table}_search w{i} FORCE INDEX (PRIMARY) ON w{i}.rowid = f.rowid AND "
        ));
        term.condition(sql, &format!("w{i}.word"));
    }
}

pub(super) fn conditions(sql: &mut Sql, table: &str, wanted: &Wanted) {
    match (wanted.way, wanted.terms.first()) {
        (Way::Word, Some(term)) => term.condition(sql, "f.word"),
        _ => {
            sql.add("1 = 1");
        }
    }
    for term in wanted.rest().filter(|term| !term.is_one_word()) {
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
