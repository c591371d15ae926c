//! Whole works that need no answer before their commit, as they go to the database: one after another, or those
//! that add the same kinds of rows in statements that they share.
//!
//! A statement costs the server about 25 µs beside what it does (to read it, to open its tables, to answer), and a
//! work that adds a row has four or five. Those that have the same tables in the same order become one statement for
//! each table, with a row of each work. If one of them is refused, all that shared them are undone and done one
//! after another.

use super::group::{Member, undone};
use super::pool::{Pool, Waiting};
use super::search::Rewords;
use super::{merge, search};
use crate::backend::{Addition, Condition, Guard, Meaning, Sql, Step};
use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use vivero_core::Value;

/// Follows a version, which it multiplies by 1; triggers are told of a combination by the way. The values of a row are
/// found before its triggers run, and after those of the row before.
pub(super) const TELLS: &str = " * (length(@vivero_combination := ?) > 0)";

/// A part of a work.
pub(super) enum Part {
    /// A statement.
    Any(Sql, Meaning),
    /// One about a record of the work and nothing else.
    Own { text: String, tells: bool, meaning: Meaning },
    /// A row of a table.
    Row(Row),
    /// The words of the row before, as literals, in a table's search index.
    Words { table: &'static str, words: Vec<String> },
    /// Other words for a row that was there.
    Rewords { table: &'static str, rewords: Rewords },
}

/// A row as text.
pub(super) struct Row {
    /// Everything up to and with `VALUES `.
    pub(super) head: String,
    /// From the parenthesis to what conditions follow, and from there on.
    pub(super) text: (String, String),
    pub(super) conditions: Vec<There>,
    /// Its first id, which is that of the record.
    pub(super) id: Option<String>,
    pub(super) may_combine: bool,
    /// Whether its triggers are told of a combination.
    tells: bool,
    meaning: Meaning,
}

/// A condition, its id and the rest as text.
pub(super) struct There {
    pub(super) table: &'static str,
    pub(super) id: String,
    pub(super) rest: String,
}

fn filled(sql: &Sql) -> String {
    let mut text = String::with_capacity(sql.text.len() + sql.args.len() * 24);
    merge::fill(&mut text, &sql.text, sql.args.iter());
    text
}

/// How many of these ids are in a table, as a number of rows and one to compare it with.
pub(super) fn how_many(table: &str, rest: &str, mut ids: Vec<&str>) -> (String, usize) {
    ids.sort_unstable();
    ids.dedup();
    let ids_text = ids.join(", ");
    (format!("(SELECT count(*) FROM {table} t WHERE t.id IN ({ids_text}){rest})"), ids.len())
}

impl From<Condition> for There {
    fn from(condition: Condition) -> Self {
        let Condition { table, id, rest } = condition;
        Self { table, id: filled(&Sql::new("?").with(Value::Id(id))), rest: filled(&rest) }
    }
}

impl From<Addition> for Row {
    fn from(addition: Addition) -> Self {
        let Addition { head, row, may_combine, guard, meaning } = addition;
        let id = row.iter().find(|value| matches!(value, Value::Id(_)));
        let id = id.map(|id| filled(&Sql::new("?").with(id.clone())));
        let (version, guard) = guard.unwrap_or((usize::MAX, Guard::default()));
        let (mut first, mut last) = (Sql::new("("), Sql::default());
        for (i, value) in row.into_iter().enumerate() {
            let part = if i > version { &mut last } else { &mut first };
            part.add(if i == 0 { "?" } else { ", ?" }).bind(value);
            if i == version
                && let Some(combination) = &guard.combination
            {
                first.add(TELLS).bind(Value::Text(combination.clone()));
            }
        }
        last.add(")");
        let conditions = guard.conditions.into_iter().map(Into::into).collect();
        let tells = guard.combination.is_some();
        let text = (filled(&first), filled(&last));
        Self { head, text, conditions, id, may_combine, tells, meaning }
    }
}

impl Row {
    /// Whether it is a record's, and not one of what is written about records.
    pub(super) const fn is_of_record(&self) -> bool {
        matches!(self.meaning, Meaning::Row(_))
    }

    /// By itself: its version is multiplied by what each condition finds, by nothing, if it finds no row; and a
    /// version that is none is not taken by its column.
    fn alone(&self) -> String {
        let mut text = self.head.clone() + &self.text.0;
        for There { table, id, rest } in &self.conditions {
            let _ = write!(text, " * (SELECT 1 FROM {table} t WHERE t.id = {id}{rest})");
        }
        text + &self.text.1
    }

    /// Those of several works in one statement, whatever their conditions say.
    pub(super) fn enter(rows: &[&Self], text: &mut String) {
        for (i, row) in rows.iter().enumerate() {
            text.push_str(if i == 0 { &row.head } else { ", " });
            text.push_str(&row.text.0);
            text.push_str(&row.text.1);
        }
    }

    /// Those of several works in one statement: the conditions of all are with the first.
    fn together<'r>(rows: impl Iterator<Item = &'r Self>) -> String {
        let rows: Vec<&Self> = rows.collect();
        let mut conditions: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for There { table, id, rest } in rows.iter().flat_map(|row| &row.conditions) {
            conditions.entry((table, rest)).or_default().push(id);
        }
        let mut text = String::new();
        for (i, row) in rows.into_iter().enumerate() {
            text.push_str(if i == 0 { &row.head } else { ", " });
            text.push_str(&row.text.0);
            for ((table, rest), ids) in std::mem::take(&mut conditions) {
                let (found, wanted) = how_many(table, rest, ids);
                let _ = write!(text, " * nullif({found} = {wanted}, 0)");
            }
            text.push_str(&row.text.1);
        }
        text
    }
}

impl Part {
    pub(super) fn new(step: Step) -> Self {
        match step {
            Step::Any(sql, meaning) => Self::Any(sql, meaning),
            Step::Own(sql, meaning) => {
                Self::Own { text: filled(&sql), tells: sql.text.contains(TELLS), meaning }
            }
            Step::Row(addition) => Self::Row(addition.into()),
            Step::Words(table, text) => Self::Words { table, words: search::literals(&text) },
            Step::Rewords { table, seq, before, after } => {
                Self::Rewords { table, rewords: Rewords::new(seq, &before, &after) }
            }
        }
    }

    /// About how many bytes its statements are.
    pub(super) fn length(&self) -> usize {
        match self {
            Self::Any(sql, _) => super::statements::length(sql),
            Self::Own { text, .. } => text.len(),
            Self::Row(row) => row.head.len() + row.text.0.len() + row.text.1.len(),
            Self::Words { words, .. } => words.iter().map(|word| word.len() + 24).sum(),
            Self::Rewords { rewords, .. } => rewords.length(),
        }
    }

    pub(super) fn push_onto(&self, waiting: &mut Waiting) {
        match self {
            Self::Any(sql, meaning) => waiting.push(sql, *meaning),
            Self::Own { text, meaning, .. } => waiting.push_text(text, *meaning),
            Self::Row(row) => waiting.push_text(&row.alone(), row.meaning),
            Self::Words { table, words } => {
                if !words.is_empty() {
                    let text = entries(table, None, std::iter::once(words.as_slice()));
                    waiting.push_text(&text, Meaning::Plain);
                }
            }
            Self::Rewords { table, rewords } => {
                for text in Rewords::statements(table, &[rewords]) {
                    waiting.push_text(&text, Meaning::Plain);
                }
            }
        }
    }

    /// Whether triggers are told of a combination.
    pub(super) fn tells(&self) -> bool {
        match self {
            Self::Any(sql, _) => sql.text.contains(TELLS),
            Self::Own { tells, .. } => *tells,
            Self::Row(row) => row.tells,
            Self::Words { .. } | Self::Rewords { .. } => false,
        }
    }

    /// Whether another part of the kind can be in one statement with this.
    fn goes_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Row(one), Self::Row(other)) => one.head == other.head,
            (Self::Words { table: one, .. }, Self::Words { table: other, .. }) => one == other,
            _ => false,
        }
    }
}

/// The statement that enters the words of rows that were added last, one after another. Given the id of the last of
/// so many after the first, it is refused unless they are numbered so: a number that is none is not taken.
pub(super) fn entries<'w>(
    table: &str,
    mut last: Option<(usize, &str)>,
    rows: impl Iterator<Item = &'w [String]>,
) -> String {
    let mut text = format!("INSERT INTO {table}_search (rowid, word) VALUES ");
    let mut between = "";
    for (i, words) in rows.enumerate() {
        for word in words {
            if let Some((after, id)) = last.take() {
                let _ = write!(
                    text,
                    "{between}((last_insert_id() + {i}) * nullif((SELECT id FROM {table} WHERE seq = \
                     last_insert_id() + {after}) = {id}, 0), {word})"
                );
                between = ", ";
                continue;
            }
            let _ = match i {
                0 => write!(text, "{between}(last_insert_id(), {word})"),
                _ => write!(text, "{between}(last_insert_id() + {i}, {word})"),
            };
            between = ", ";
        }
    }
    text
}

/// A whole work.
pub(super) struct Ready {
    pub(super) parts: Vec<Part>,
    /// After so many openings of connections was known what its triggers are told.
    pub(super) openings: Option<u64>,
    /// Is told when it is taken along.
    pub(super) along: Option<Box<dyn FnOnce() + Send>>,
    pub(super) member: Member,
}

impl Ready {
    /// About how many bytes its statements are.
    pub(super) fn length(&self) -> usize {
        self.parts.iter().map(Part::length).sum()
    }

    /// Itself, or nothing if a connection was opened since it was known what its triggers are told: then it is
    /// undone.
    pub(super) fn still(self, pool: &Pool) -> Option<Self> {
        if self.openings.is_some_and(|openings| openings != pool.openings()) {
            self.member.tell(Err(undone("another connection was opened")));
            return None;
        }
        Some(self)
    }

    pub(super) fn push_onto(&self, waiting: &mut Waiting) {
        for part in &self.parts {
            part.push_onto(waiting);
        }
    }

    /// Whether both can be done by the same statements. The words of a row are known by its number, which they
    /// have to come right behind.
    pub(super) fn goes_with(&self, other: &Self) -> bool {
        let words = |part: &&Part| matches!(part, Part::Words { .. });
        self.parts.len() == other.parts.len()
            && self.parts.iter().zip(&other.parts).all(|(one, other)| one.goes_with(other))
            && self.parts.iter().filter(words).count() < 2
            && !matches!(self.parts.first(), Some(Part::Words { .. }))
    }
}

/// Puts works together that can be done by the same statements; the order is of the first of each.
pub(super) fn alike<W: Borrow<Ready>>(works: impl IntoIterator<Item = W>) -> Vec<Vec<W>> {
    let mut all: Vec<Vec<W>> = Vec::new();
    for work in works {
        let goes = |one: &W| one.borrow().goes_with(work.borrow());
        let like = all.iter_mut().find(|some| some.first().is_some_and(goes));
        match like {
            Some(some) => some.push(work),
            None => all.push(vec![work]),
        }
    }
    all
}

/// Puts off the statements of works that go together.
pub(super) fn push_together(works: &[Ready], waiting: &mut Waiting) {
    let Some(first) = works.first() else { return };
    for (i, part) in first.parts.iter().enumerate() {
        let parts = works.iter().filter_map(|work| work.parts.get(i));
        match part {
            // None goes with any other.
            Part::Any(..) | Part::Own { .. } | Part::Rewords { .. } => part.push_onto(waiting),
            Part::Row(row) => {
                let rows = parts.filter_map(|part| match part {
                    Part::Row(row) => Some(row),
                    _ => None,
                });
                waiting.push_text(&Row::together(rows), row.meaning);
            }
            Part::Words { table, .. } => {
                let words = parts.map(|part| match part {
                    Part::Words { words, .. } => words.as_slice(),
                    _ => &[],
                });
                let text = entries(table, None, words);
                if text.ends_with(')') {
                    // The rows were numbered one after another: the highest number is that of the last.
                    let last = works.len() - 1;
                    let check = format!(
                        "UPDATE engine_state SET turn = if((SELECT max(seq) FROM {table}) = last_insert_id() + \
                         {last}, turn, NULL) WHERE one = 1"
                    );
                    waiting.push_text(&check, Meaning::Assumed);
                    waiting.push_text(&text, Meaning::Plain);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(head: &str, row: &str) -> Part {
        let text = (format!("({row}"), ")".to_owned());
        let (head, meaning) = (head.into(), Meaning::Plain);
        let (conditions, id) = (Vec::new(), None);
        Part::Row(Row { head, text, conditions, id, may_combine: false, tells: false, meaning })
    }

    fn work(parts: Vec<Part>) -> Ready {
        Ready { parts, openings: None, along: None, member: Member::new(Box::new(())).0 }
    }

    fn words(all: &[&str]) -> Part {
        Part::Words { table: "lots", words: all.iter().map(|word| format!("'{word}'")).collect() }
    }

    #[test]
    fn works_of_the_same_tables_share_statements() {
        let lot = |i: usize| {
            work(vec![
                row("INSERT INTO lots (a) VALUES ", &i.to_string()),
                words(&["x", "y"][..i % 3]),
                row("INSERT INTO journal (b) VALUES ", &format!("'{i}'")),
            ])
        };
        let other = work(vec![row("INSERT INTO places (a) VALUES ", "7")]);
        let change = || work(vec![Part::Any(Sql::new("UPDATE lots"), Meaning::Plain)]);
        let all = alike(vec![lot(0), change(), lot(1), other, lot(2), change()]);
        assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [3, 1, 1, 1]);
        let mut waiting = Waiting::default();
        push_together(&all[0], &mut waiting);
        assert_eq!(
            waiting.text,
            "INSERT INTO lots (a) VALUES (0), (1), (2); UPDATE engine_state SET turn = if((SELECT max(seq) FROM \
             lots) = last_insert_id() + 2, turn, NULL) WHERE one = 1; INSERT INTO lots_search (rowid, word) VALUES \
             (last_insert_id() + 1, 'x'), (last_insert_id() + 2, 'x'), (last_insert_id() + 2, 'y'); INSERT INTO \
             journal (b) VALUES ('0'), ('1'), ('2'); "
        );
        assert_eq!(waiting.statements, 4);
    }

    #[test]
    fn a_row_is_refused_without_what_it_refers_to() {
        let guarded = |id: u128, there: u128| {
            let condition = Condition {
                table: "places",
                id: uuid::Uuid::from_u128(there),
                rest: Sql::new(" AND t.kind = ?").with(Value::Text("bed?".into())),
            };
            let guard = Guard { conditions: vec![condition], combination: Some("a,'b'".into()) };
            let row = vec![Value::Id(uuid::Uuid::from_u128(id)), Value::Int(1), Value::Null];
            let head = "INSERT INTO lots (id, version, a) VALUES ".to_owned();
            let (guard, meaning) = (Some((1, guard)), Meaning::Plain);
            Row::from(Addition { head, row, may_combine: false, guard, meaning })
        };
        let id = |id: u128| filled(&Sql::new("?").with(Value::Id(uuid::Uuid::from_u128(id))));
        let tells = " * (length(@vivero_combination := 'a,''b''') > 0)";
        assert_eq!(
            guarded(1, 7).alone(),
            format!(
                "INSERT INTO lots (id, version, a) VALUES ({}, 1{tells} * (SELECT 1 FROM places t WHERE t.id = {} AND \
                 t.kind = 'bed?'), NULL)",
                id(1),
                id(7)
            )
        );
        let rows = [guarded(1, 7), guarded(2, 8), guarded(3, 7)];
        let together = Row::together(rows.iter());
        assert!(together.contains(&format!(
            "1{tells} * nullif((SELECT count(*) FROM places t WHERE t.id IN ({}, {}) AND t.kind = 'bed?') = 2, 0), \
             NULL), ({}, 1{tells}, NULL), (",
            id(7),
            id(8),
            id(2)
        )), "{together}");
        assert!(TELLS.contains(super::super::tables::COMBINATION));
    }
}
