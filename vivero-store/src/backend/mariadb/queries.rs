//! Several queries at once: in one packet, where that is safe.
//!
//! A node of a Galera cluster may undo a transaction after any statement, in favour of another node's that changed
//! the same. Whoever sent that statement alone is told; where others follow in the packet nobody is, and these are
//! done by themselves, outside of any transaction. So in a transaction that writes each goes alone there; one that
//! reads asks at its end whether it was one.

use super::{Cells, Connection, Failure, merge, values};
use crate::backend::Sql;
use futures_util::TryStreamExt as _;
use sqlx::AssertSqlSafe;
use vivero_core::Value;
use vivero_core::record::Kind;

pub(super) const SNAPSHOT: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
const STILL_ONE: &str = "SELECT @@in_transaction";

/// What a work hears of a transaction that is no more.
fn undone_by_cluster() -> Failure {
    Failure::of_another("the cluster undid it for another node's".into())
}

fn is_still_one(rows: &[Cells]) -> Result<(), Failure> {
    match rows.first() {
        Some(Cells(cells)) if cells.first() == Some(&Value::Int(1)) => Ok(()),
        _ => Err(undone_by_cluster()),
    }
}

/// Statements without parameters, and of what kinds the columns of their rows are.
#[derive(Debug, Default)]
pub(super) struct Queries<'k> {
    text: String,
    /// Where the next begins.
    next: usize,
    all: Vec<(std::ops::Range<usize>, &'k [Kind])>,
}

impl<'k> Queries<'k> {
    /// Where the next is written to, and ended by [`Self::end`].
    pub(super) const fn text(&mut self) -> &mut String {
        &mut self.text
    }

    /// Ends one; no kinds for one that has no rows.
    pub(super) fn end(&mut self, kinds: &'k [Kind]) {
        self.all.push((self.next..self.text.len(), kinds));
        self.text.push_str("; ");
        self.next = self.text.len();
    }

    pub(super) fn push(&mut self, sql: &Sql, kinds: &'k [Kind]) {
        merge::fill(&mut self.text, &sql.text, sql.args.iter());
        self.end(kinds);
    }

    pub(super) fn push_text(&mut self, text: &str, kinds: &'k [Kind]) {
        self.text.push_str(text);
        self.end(kinds);
    }

    pub(super) const fn len(&self) -> usize {
        self.all.len()
    }

    fn kinds(&self) -> Vec<&'k [Kind]> {
        self.all.iter().map(|(_, kinds)| *kinds).collect()
    }

    /// Without an end behind the last.
    fn as_one(&self) -> &str {
        self.all.last().map_or("", |(last, _)| &self.text[..last.end])
    }

    fn one_by_one(&self) -> impl Iterator<Item = (&str, &'k [Kind])> {
        self.all.iter().map(|(at, kinds)| (&self.text[at.clone()], *kinds))
    }
}

impl Connection {
    /// Before the COMMIT of what wrote on a cluster: sends what waits, and whether there is something to commit.
    pub(super) async fn look_before_commit(&mut self) -> Result<(), Failure> {
        if !self.goes_apart {
            return Ok(());
        }
        let (rows, _) = self.after_waiting(STILL_ONE, &[Kind::Int]).await?;
        let looked = is_still_one(&rows);
        if let Err(undone) = &looked {
            self.kill(&undone.to_string());
        }
        looked
    }

    /// Ends what made reads see one state.
    pub(super) async fn end_of_one_state(&mut self) -> Result<(), Failure> {
        let mut queries = Queries::default();
        if self.of_cluster {
            queries.push_text(STILL_ONE, &[Kind::Int]);
        }
        queries.push_text("COMMIT", &[]);
        let answers = self.batch(queries).await?;
        self.open = false;
        if self.of_cluster { is_still_one(&answers[0]) } else { Ok(()) }
    }

    /// The rows of each of several queries, which are sent together where they may.
    pub(super) async fn batch(&mut self, queries: Queries<'_>) -> Result<Vec<Vec<Cells>>, Failure> {
        self.check_alive()?;
        if self.waiting.statements > 0 {
            self.after_waiting("DO 0", &[]).await?;
        }
        self.busy = true;
        let outcome = self.send(&queries).await;
        self.settle(outcome)
    }

    /// The same of a connection that has nothing that waits; what becomes of it is the caller's to note.
    pub(super) async fn send(&mut self, queries: &Queries<'_>) -> Result<Vec<Vec<Cells>>, Failure> {
        if !self.goes_apart || !self.open {
            return self.together(queries.as_one(), &queries.kinds()).await;
        }
        let mut all = Vec::with_capacity(queries.len());
        for (text, kinds) in queries.one_by_one() {
            all.push(self.together(text, &[kinds]).await?.swap_remove(0));
        }
        Ok(all)
    }

    /// The same of one state, be it that of the transaction it is in or one for them alone.
    pub(super) async fn batch_of_one_state(
        &mut self,
        queries: Queries<'_>,
    ) -> Result<Vec<Vec<Cells>>, Failure> {
        if self.is_in_transaction() {
            return self.batch(queries).await;
        }
        self.check_alive()?;
        let look = if self.of_cluster { "; SELECT @@in_transaction" } else { "" };
        let text = format!("{SNAPSHOT}; {}{look}; COMMIT", queries.as_one());
        let mut kinds = queries.kinds();
        kinds.insert(0, &[]);
        kinds.push(&[Kind::Int]);
        let answers = match self.in_one_packet(&text, &kinds).await {
            // Somebody changes tables at this instant; hardly twice.
            Err(e) if self.of_cluster && !self.lost && e.is_undone_by_cluster() => {
                self.in_one_packet(&text, &kinds).await
            }
            answers => answers,
        };
        let mut answers = answers?;
        answers.remove(0);
        answers.truncate(queries.len());
        Ok(answers)
    }

    /// Sends a whole transaction that reads, the look at its end among it where it is of a cluster.
    async fn in_one_packet(
        &mut self,
        text: &str,
        kinds: &[&[Kind]],
    ) -> Result<Vec<Vec<Cells>>, Failure> {
        (self.busy, self.open) = (true, true);
        let outcome = self.together(text, kinds).await;
        let answers = self.settle(outcome);
        match &answers {
            Ok(_) => self.open = false,
            Err(_) if !self.lost && self.script("ROLLBACK").await.is_ok() => {
                // It was a transaction for these queries alone.
                (self.open, self.spoiled) = (false, false);
            }
            Err(_) => {}
        }
        let answers = answers?;
        if self.of_cluster {
            is_still_one(answers.last().map_or(&[], Vec::as_slice))?;
        }
        Ok(answers)
    }

    /// Sends several in one packet; the rows of each.
    pub(super) async fn together(
        &mut self,
        text: &str,
        kinds: &[&[Kind]],
    ) -> Result<Vec<Vec<Cells>>, Failure> {
        let mut all = vec![Vec::new()];
        let statements = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
        let mut parts = statements.fetch_many(&mut self.inner);
        while let Some(part) = parts.try_next().await? {
            let at = all.len() - 1;
            match part {
                sqlx::Either::Left(_) => all.push(Vec::new()),
                sqlx::Either::Right(row) => {
                    let kinds = kinds.get(at).copied().unwrap_or_default();
                    all[at].push(values::cells(&row, kinds)?);
                }
            }
        }
        // Behind the end of the last.
        all.truncate(kinds.len().max(1));
        Ok(all)
    }
}
