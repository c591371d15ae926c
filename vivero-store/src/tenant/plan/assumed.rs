//! What a plan was made from without asking, and how it is found out whether it still holds.

use super::sets::newest;
use super::walk::below_sql;
use super::{Memory, Table};
use crate::backend::{Backend, Sql, digest};
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;
use vivero_core::Value;

/// What was taken from [`Memory`].
#[derive(Debug, Default)]
pub(super) struct Assumed {
    /// The newest combination of facets.
    pub(super) newest: Option<i64>,
    /// Places with all below them.
    pub(super) below: Vec<(Uuid, Arc<HashSet<Uuid>>)>,
}

impl Assumed {
    pub(super) fn is_nothing(&self) -> bool {
        self.newest.is_none() && self.below.is_empty()
    }

    /// Whether it must be checked in the state in which it is relied on. Combinations only ever come: if
    /// a later state has no newer one, the earlier had none.
    pub(super) fn is_steady(&self) -> bool {
        !self.below.is_empty()
    }

    /// What asks for it.
    pub(super) fn checks<B: Backend>(&self, table: &Table) -> Vec<Sql> {
        let sets = self.newest.and(table.sets.as_ref()).map(|(sets, _)| newest(sets));
        let below = self
            .below
            .iter()
            .map(|(root, _)| below_sql::<B>(&B::digest("below.id")).with(Value::Id(*root)));
        sets.into_iter().chain(below).collect()
    }

    /// Whether an answer is as it was.
    pub(super) fn holds_at(&self, check: usize, answer: &[i64]) -> bool {
        let sets = usize::from(self.newest.is_some());
        match (self.newest, check.checked_sub(sets).and_then(|i| self.below.get(i))) {
            (Some(newest), _) if check == 0 => answer == [newest, 0],
            (_, Some((_, all))) => answer == digest(all.iter()),
            _ => false,
        }
    }

    /// Whether all answers are as they were.
    #[cfg(feature = "mariadb")]
    pub(super) fn holds(&self, answers: &[Vec<i64>]) -> bool {
        answers.len() == usize::from(self.newest.is_some()) + self.below.len()
            && answers.iter().enumerate().all(|(i, answer)| self.holds_at(i, answer))
    }

    /// Forgets what does not hold.
    pub(super) fn forget(&self, table: &Table, memory: &Memory) {
        if self.newest.is_some() {
            memory.drop_sets(table.schema.table);
        }
        for (root, _) in &self.below {
            memory.drop_below(*root);
        }
    }
}
