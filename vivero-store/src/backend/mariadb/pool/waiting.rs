//! Statements that wait on a connection for the next one, to go with it in one packet.

use super::super::merge;
use super::lease::begin;
use crate::backend::{Meaning, Sql};

/// Where each work of a group but the first begins.
const MARK: &str = "SAVEPOINT work";
/// Follows each statement.
const BETWEEN: &str = "; ";
/// Undoes a work of a group and no other.
pub(in crate::backend::mariadb) const BACK: &str = "ROLLBACK TO SAVEPOINT work";

/// A position between statements that wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::backend::mariadb) struct Position {
    pub(in crate::backend::mariadb) statements: usize,
    bytes: usize,
}

/// Statements that wait for the next, each with `; ` behind it.
#[derive(Debug, Clone, Default)]
pub(in crate::backend::mariadb) struct Waiting {
    pub(in crate::backend::mariadb) text: String,
    pub(in crate::backend::mariadb) statements: usize,
    /// What it means if some of them are refused, by the number of the statement.
    meanings: Vec<(usize, Meaning)>,
    /// Where each of them ends; what begins a transaction changes nothing, so it may go with the next.
    ends: Vec<Position>,
}

impl Waiting {
    /// What begins a write transaction.
    pub(in crate::backend::mariadb) fn turn() -> Self {
        let mut turn = Self::default();
        turn.take_turn();
        turn
    }

    /// What undoes a work of a group.
    pub(in crate::backend::mariadb) fn back() -> Self {
        let mut back = Self::default();
        back.push_text(BACK, Meaning::Plain);
        back
    }

    /// Begins a transaction and waits for its turn.
    pub(super) fn take_turn(&mut self) {
        self.text.push_str(&begin());
        self.end_statements(TURN);
    }

    /// Ends so many statements that may not be sent apart.
    fn end_statements(&mut self, statements: usize) {
        self.text.push_str(BETWEEN);
        self.statements += statements;
        self.ends.push(self.end());
    }

    pub(in crate::backend::mariadb) fn mark(&mut self) {
        self.push_text(MARK, Meaning::Plain);
    }

    pub(in crate::backend::mariadb) fn push(&mut self, sql: &Sql, meaning: Meaning) {
        merge::fill(&mut self.text, &sql.text, sql.args.iter());
        self.push_text("", meaning);
    }

    /// A statement without parameters.
    pub(in crate::backend::mariadb) fn push_text(&mut self, text: &str, meaning: Meaning) {
        if meaning != Meaning::Plain {
            self.meanings.push((self.statements, meaning));
        }
        self.text.push_str(text);
        self.end_statements(1);
    }

    /// Its statements, one by one, but for those that begin a transaction: these go with its first.
    pub(in crate::backend::mariadb) fn apart(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|end| end.bytes));
        starts.zip(&self.ends).map(|(from, to)| &self.text[from..to.bytes - BETWEEN.len()])
    }

    /// Puts others behind these.
    pub(in crate::backend::mariadb) fn append(&mut self, more: &Self) {
        let before = self.statements;
        let moved = more.ends.iter().map(|end| end.moved(Position::default(), self.end()));
        self.ends.extend(moved.collect::<Vec<_>>());
        self.meanings.extend(more.meanings.iter().map(|(at, meaning)| (before + at, *meaning)));
        self.text.push_str(&more.text);
        self.statements += more.statements;
    }

    pub(in crate::backend::mariadb) const fn end(&self) -> Position {
        Position { statements: self.statements, bytes: self.text.len() }
    }

    /// Leaves out what comes after a position.
    pub(in crate::backend::mariadb) fn cut(&mut self, at: Position) {
        self.text.truncate(at.bytes);
        self.statements = at.statements;
        self.meanings.retain(|(number, _)| *number < at.statements);
        self.ends.retain(|end| end.statements <= at.statements);
    }

    /// The same with `before` in place of what comes before a position.
    pub(in crate::backend::mariadb) fn after(&self, at: Position, before: Self) -> Self {
        let ends = self.ends.iter().filter(|end| end.statements > at.statements);
        let later = self.meanings.iter().filter(|(number, _)| *number >= at.statements);
        let rest = Self {
            text: self.text[at.bytes..].to_owned(),
            statements: self.statements - at.statements,
            meanings: later.map(|(number, meaning)| (number - at.statements, *meaning)).collect(),
            ends: ends.map(|end| end.moved(at, Position::default())).collect(),
        };
        let mut all = before;
        all.append(&rest);
        all
    }

    /// What it means that a statement is refused.
    pub(in crate::backend::mariadb) fn meaning(&self, statement: usize) -> Meaning {
        let found = self.meanings.iter().find(|(number, _)| *number == statement);
        found.map_or(Meaning::Plain, |(_, meaning)| *meaning)
    }
}

/// How many statements begin a write transaction: until they are run, nothing is done.
pub(in crate::backend::mariadb) const TURN: usize = 2;

impl Position {
    /// Where it is after [`Waiting::after`].
    pub(in crate::backend::mariadb) const fn moved(self, at: Self, before: Self) -> Self {
        Self {
            statements: self.statements - at.statements + before.statements,
            bytes: self.bytes - at.bytes + before.bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_keep_their_meaning_when_others_before_them_go() {
        let mut waiting = Waiting::turn();
        waiting.push(&Sql::new("A"), Meaning::Assumed);
        let first = waiting.end();
        waiting.mark();
        let mut more = Waiting::default();
        more.push(&Sql::new("B"), Meaning::Plain);
        more.push(&Sql::new("C"), Meaning::Assumed);
        waiting.append(&more);
        let last = waiting.end();
        assert_eq!((waiting.statements, waiting.meaning(TURN)), (6, Meaning::Assumed));
        assert_eq!((waiting.meaning(4), waiting.meaning(5)), (Meaning::Plain, Meaning::Assumed));

        let before = Waiting::back();
        let moved = last.moved(first, before.end());
        let rest = waiting.after(first, before);
        assert_eq!(rest.text, "ROLLBACK TO SAVEPOINT work; SAVEPOINT work; B; C; ");
        assert_eq!((rest.end(), rest.meaning(3)), (moved, Meaning::Assumed));
        assert_eq!(
            rest.apart().collect::<Vec<_>>(),
            ["ROLLBACK TO SAVEPOINT work", "SAVEPOINT work", "B", "C"]
        );
        assert_eq!(waiting.apart().count(), 5);

        waiting.cut(first);
        assert!(waiting.text.ends_with("A; "));
        let apart: Vec<_> = waiting.apart().collect();
        assert!(
            apart.len() == 2 && apart[0].starts_with("START TRANSACTION; UPDATE "),
            "{apart:?}"
        );
        assert_eq!(apart[1], "A");
        assert_eq!((waiting.end(), waiting.meaning(5)), (first, Meaning::Plain));
    }
}
