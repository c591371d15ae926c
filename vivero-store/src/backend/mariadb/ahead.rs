//! Groups of works that ask nothing, most of which is done before their turn has come.
//!
//! One transaction after another is one thread of the server's, and nearly all it does is to enter rows, their
//! indexes and their words. What a work does to records of its own needs no turn for that: a new row is nobody
//! else's yet, and a change says which version it is of and has the row locked from then on. So it goes first,
//! beside another group that is about to commit. Then the turn is taken, what was taken for granted of other
//! records is looked for, and the journal is written: the order of turns is that of the journal and of commits, as
//! it is for everybody else.
//!
//! If anything is refused, all of it is undone and done once more in the plain way, the turn first and one work
//! after another: there each hears what is the matter with its own. Two transactions that lock records in another
//! order can wait for each other, which the server ends by undoing one. So that it is rare, only groups of this kind
//! go beside each other, and in one process nobody else begins while one of them is under way (see [`super::line`]).
//!
//! Not on a cluster: there each statement goes alone, and nodes number rows by turns.

use super::group::{Group, Ran, undone};
use super::pool::{Pool, Waiting, take_turn};
use super::ready::{Part, Ready, Row, alike, entries, how_many};
use super::search::Rewords;
use super::{Connection, Failure, run};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Seconds for which such a group waits for the turn. It has its tables open by then: whoever changes one of them
/// waits for it, and everybody who needs that table for them, who may have the turn.
const PATIENCE: u32 = 2;

/// Whether what a work does to records of its own can go before its turn. Not if a combination of facets may come to
/// be: whoever knows the newest takes it that there is no other before it (`tenant/plan/assumed.rs`).
pub(super) fn may_go_ahead(work: &Ready) -> bool {
    work.parts.iter().all(|part| match part {
        Part::Any(..) => false,
        Part::Row(row) => !row.may_combine,
        Part::Own { .. } | Part::Words { .. } | Part::Rewords { .. } => true,
    })
}

/// All that works do but the commit, as one packet.
fn packet(works: &[Ready]) -> String {
    let mut text = "START TRANSACTION".to_owned();
    let mut reworded: BTreeMap<&str, Vec<&Rewords>> = BTreeMap::new();
    let mut written: Vec<(&str, Vec<&Row>)> = Vec::new();
    let mut looked_for: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for like in alike(works) {
        let Some(first) = like.first() else { continue };
        let mut last_id = None;
        for (i, part) in first.parts.iter().enumerate() {
            let parts = like.iter().filter_map(|work| work.parts.get(i));
            match part {
                Part::Any(..) => {}
                Part::Own { text: own, .. } => drop(write!(text, "; {own}")),
                Part::Rewords { table, rewords } => {
                    reworded.entry(table).or_default().push(rewords);
                }
                Part::Row(_) => {
                    let rows = parts.filter_map(|part| match part {
                        Part::Row(row) => Some(row),
                        _ => None,
                    });
                    let rows: Vec<&Row> = rows.collect();
                    if rows.iter().any(|row| !row.is_of_record()) {
                        for row in rows {
                            match written.iter_mut().find(|(head, _)| *head == row.head) {
                                Some((_, all)) => all.push(row),
                                None => written.push((&row.head, vec![row])),
                            }
                        }
                        continue;
                    }
                    for there in rows.iter().flat_map(|row| &row.conditions) {
                        looked_for.entry((there.table, &there.rest)).or_default().push(&there.id);
                    }
                    last_id = rows.last().and_then(|row| row.id.as_deref());
                    text.push_str("; ");
                    Row::enter(&rows, &mut text);
                }
                Part::Words { table, .. } => {
                    let words = parts.map(|part| match part {
                        Part::Words { words, .. } => words.as_slice(),
                        _ => &[],
                    });
                    let last = last_id.filter(|_| like.len() > 1);
                    let last = last.map(|id| (like.len() - 1, id));
                    let entered = entries(table, last, words);
                    if entered.ends_with(')') {
                        let _ = write!(text, "; {entered}");
                    }
                }
            }
        }
    }
    for statement in reworded.iter().flat_map(|(table, all)| Rewords::statements(table, all)) {
        let _ = write!(text, "; {statement}");
    }
    let _ =
        write!(text, "; SET STATEMENT innodb_lock_wait_timeout = {PATIENCE} FOR {}", take_turn());
    for ((table, rest), ids) in looked_for {
        let (found, wanted) = how_many(table, rest, ids);
        let _ = write!(
            text,
            "; UPDATE engine_state SET turn = if({found} = {wanted}, turn, NULL) WHERE one = 1"
        );
    }
    for (_, rows) in written {
        text.push_str("; ");
        Row::enter(&rows, &mut text);
    }
    text
}

impl Connection {
    /// Does all that works do but the commit; gives them back if anything is refused, and has undone it.
    pub(super) async fn run_ahead(&mut self, mut works: Vec<Ready>) -> Result<Ran, Vec<Ready>> {
        works.iter_mut().filter_map(|work| work.along.take()).for_each(|along| along());
        let text = packet(&works);
        (self.first, self.waiting, self.combination) = (None, Waiting::default(), None);
        (self.busy, self.open) = (true, true);
        let outcome = run(&mut self.inner, &text).await.map_err(Failure::from);
        let Err(failure) = self.answered(outcome) else {
            self.group = Some(Group::of_done(works));
            return Ok(Ran { goes_on: true, fell_apart: false });
        };
        tracing::debug!(%failure, works = works.len(), "a group that went ahead is done again");
        self.lost |= !self.lost && run(&mut self.inner, "ROLLBACK").await.is_err();
        self.group = None;
        Err(works)
    }

    /// Does works that went ahead and were undone in the plain way: whether there is something to commit.
    pub(super) async fn run_again(&mut self, works: Vec<Ready>, pool: &Pool) -> Ran {
        if self.lost && !self.renew(pool).await {
            let why = "the connection was lost";
            works.into_iter().for_each(|work| work.member.tell(Err(undone(why))));
            return Ran::default();
        }
        self.open = false;
        self.first = Some(pool.clone());
        self.waiting = Waiting::turn();
        self.group = Some(Group::new(self.waiting.end(), false));
        let several = works.len() > 1;
        self.join(works.into_iter().filter_map(|work| work.still(pool)).collect());
        Ran { fell_apart: several, ..self.run_group().await }
    }
}

#[cfg(test)]
mod tests {
    use super::super::group::Member;
    use super::*;
    use crate::backend::{Addition, Condition, Guard, Meaning, Sql, Step};
    use uuid::Uuid;
    use vivero_core::Value;
    use vivero_core::location::Location;
    use vivero_core::record::Record as _;

    fn work(steps: Vec<Step>) -> Ready {
        let parts = steps.into_iter().map(Part::new).collect();
        Ready { parts, openings: None, along: None, member: Member::new(Box::new(())).0 }
    }

    fn entry(number: i64) -> Step {
        let (head, row) = ("INSERT INTO journal (n) VALUES ".into(), vec![Value::Int(number)]);
        let meaning = Meaning::Plain;
        Step::Row(Addition { head, row, may_combine: false, guard: None, meaning })
    }

    fn lot(id: u128, place: u128, words: &str, may_combine: bool) -> Vec<Step> {
        let rest = Sql::new(" AND t.deleted_at IS NULL");
        let conditions = vec![Condition { table: "places", id: Uuid::from_u128(place), rest }];
        let guard = Some((1, Guard { conditions, combination: None }));
        let row = vec![Value::Id(Uuid::from_u128(id)), Value::Int(1)];
        let head = "INSERT INTO lots (id, version) VALUES ".into();
        let meaning = Meaning::Row(Location::SCHEMA);
        let row = Step::Row(Addition { head, row, may_combine, guard, meaning });
        vec![row, Step::Words("lots", words.into()), entry(id as i64)]
    }

    fn change(seq: i64) -> Vec<Step> {
        let (before, after) = (format!("fig old{seq} ripe"), "ripe fig b?".to_owned());
        vec![
            Step::Own(Sql::new(format!("UPDATE lots SET a = {seq}")), Meaning::Plain),
            Step::Rewords { table: "lots", seq, before, after },
            entry(seq),
        ]
    }

    #[test]
    fn own_records_come_first_then_the_turn_then_what_was_taken_for_granted_and_the_journal() {
        let works = [
            work(lot(1, 7, "fig", false)),
            work(change(40)),
            work(lot(2, 8, "ash", false)),
            work(change(41)),
            work(lot(3, 7, "", false)),
        ];
        let text = packet(&works);
        let id = |id: u128| format!("x'{id:032x}'");
        let (before, after) =
            text.split_once("; SET STATEMENT innodb_lock_wait_timeout = 2 FOR UPDATE engine_state SET turn = turn + ").expect("a turn");
        assert_eq!(
            before,
            format!(
                "START TRANSACTION; INSERT INTO lots (id, version) VALUES ({}, 1), ({}, 1), ({}, 1); \
                 INSERT INTO lots_search (rowid, word) VALUES ((last_insert_id() + 0) * nullif((SELECT id FROM lots \
                 WHERE seq = last_insert_id() + 2) = {}, 0), 'fig'), (last_insert_id() + 1, 'ash'); \
                 UPDATE lots SET a = 40; UPDATE lots SET a = 41; \
                 DELETE FROM lots_search WHERE rowid = 40 AND word IN ('old40') OR rowid = 41 AND word IN ('old41'); \
                 INSERT INTO lots_search (rowid, word) VALUES (40, x'623f'), (41, x'623f')",
                id(1),
                id(2),
                id(3),
                id(3)
            )
        );
        let (_, after) = after.split_once(" WHERE one = 1").expect("its row");
        assert_eq!(
            after,
            format!(
                "; UPDATE engine_state SET turn = if((SELECT count(*) FROM places t WHERE t.id IN ({}, {}) AND \
                 t.deleted_at IS NULL) = 2, turn, NULL) WHERE one = 1; \
                 INSERT INTO journal (n) VALUES (1), (2), (3), (40), (41)",
                id(7),
                id(8)
            )
        );
    }

    #[test]
    fn what_others_rely_on_the_order_of_does_not_go_ahead() {
        assert!(may_go_ahead(&work(lot(1, 7, "fig", false))));
        assert!(may_go_ahead(&work(change(40))));
        assert!(!may_go_ahead(&work(lot(1, 7, "fig", true))), "a combination may come to be");
        let any = Step::Any(Sql::new("UPDATE lots"), Meaning::Plain);
        assert!(!may_go_ahead(&work(vec![any])), "nobody knows what it looks at");
    }
}
