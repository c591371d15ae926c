//! Predicates and searches as sets of rows, and as a test of one row.

use super::Index;
use super::set::Union;
use roaring::RoaringBitmap;
use std::borrow::Cow;
use std::ops::Deref;
use std::sync::{Arc, PoisonError};
use uuid::Uuid;
use vivero_core::Value;
use vivero_core::query::{Predicate, Query};
use vivero_core::record::Row;

/// Places with all below them whose rows are kept together.
const MOST_KEPT: usize = 64;

/// A set of rows, mostly one that is there already.
#[derive(Debug)]
pub(super) enum Rows<'a> {
    Borrowed(&'a RoaringBitmap),
    Shared(Arc<RoaringBitmap>),
    Owned(RoaringBitmap),
}

impl Rows<'_> {
    pub(super) fn none() -> Self {
        Self::Owned(RoaringBitmap::new())
    }
}

impl Deref for Rows<'_> {
    type Target = RoaringBitmap;
    fn deref(&self) -> &RoaringBitmap {
        match self {
            Self::Borrowed(rows) => rows,
            Self::Shared(rows) => rows,
            Self::Owned(rows) => rows,
        }
    }
}

impl<'a> From<Cow<'a, RoaringBitmap>> for Rows<'a> {
    fn from(rows: Cow<'a, RoaringBitmap>) -> Self {
        match rows {
            Cow::Borrowed(rows) => Self::Borrowed(rows),
            Cow::Owned(rows) => Self::Owned(rows),
        }
    }
}

impl Index {
    /// The rows that meet all that a query asks for; `None` if it asks for what is not kept here.
    pub(super) fn matching(&self, query: &Query) -> Option<Rows<'_>> {
        let mut all = Vec::new();
        self.conditions(&query.filter, &mut all)?;
        self.conditions(&query.scope, &mut all)?;
        if let Some(terms) = &query.search {
            let words = self.words.as_ref()?;
            for term in terms.words() {
                all.push(Rows::Owned(words.rows(term)?));
            }
            // What is known of words says nothing of whether a row is still there.
            if all.len() == terms.words().len() {
                all.push(Rows::Borrowed(&self.live));
            }
        }
        Some(intersection(all).unwrap_or(Rows::Borrowed(&self.live)))
    }

    /// What must all hold.
    fn conditions<'a>(&'a self, predicate: &Predicate, all: &mut Vec<Rows<'a>>) -> Option<()> {
        match predicate {
            Predicate::All => Some(()),
            Predicate::And(parts) => parts.iter().try_for_each(|part| self.conditions(part, all)),
            one => {
                all.push(self.rows_of(one)?);
                Some(())
            }
        }
    }

    fn rows_of(&self, predicate: &Predicate) -> Option<Rows<'_>> {
        let column = |name: &str| self.columns.iter().find(|column| column.name == name);
        match predicate {
            Predicate::All => Some(Rows::Borrowed(&self.live)),
            Predicate::None => Some(Rows::none()),
            Predicate::Equals(name, value) => column(name)?.rows(value, &self.texts),
            Predicate::OneOf(name, values) => {
                let column = column(name)?;
                if let [only] = values.as_slice() {
                    return column.rows(only, &self.texts);
                }
                let mut rows = Union::default();
                for value in values {
                    column.add_to(&mut rows, value, &self.texts)?;
                }
                Some(Rows::Owned(rows.finish()))
            }
            Predicate::Within(name, roots) => {
                let mut all = RoaringBitmap::new();
                for root in roots {
                    let rows = self.rows_below(name, *root)?;
                    if roots.len() == 1 {
                        return Some(Rows::Shared(rows));
                    }
                    all |= &*rows;
                }
                Some(Rows::Owned(all))
            }
            Predicate::And(_) => {
                let mut all = Vec::new();
                self.conditions(predicate, &mut all)?;
                Some(intersection(all).unwrap_or(Rows::Borrowed(&self.live)))
            }
            Predicate::Or(parts) => {
                let mut all = RoaringBitmap::new();
                for part in parts {
                    all |= &*self.rows_of(part)?;
                }
                Some(Rows::Owned(all))
            }
        }
    }

    /// The rows at a place or below it.
    fn rows_below(&self, name: &str, root: Uuid) -> Option<Arc<RoaringBitmap>> {
        let at = self.columns.iter().position(|column| column.name == name)?;
        let mut kept = self.below.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = kept.get(&(at, root)) {
            return Some(Arc::clone(rows));
        }
        let column = &self.columns[at];
        let mut rows = Union::default();
        for id in self.places.below(root) {
            column.add_to(&mut rows, &Value::Id(*id), &self.texts)?;
        }
        let rows = Arc::new(rows.finish());
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert((at, root), Arc::clone(&rows));
        Some(rows)
    }

    /// Keeps what is known of places right when a row is somewhere else.
    pub(super) fn note_moved(&mut self, row: u32, column: usize, to: Option<Uuid>) {
        let Self { below, places, .. } = self;
        let kept = below.get_mut().unwrap_or_else(PoisonError::into_inner);
        for ((at, root), rows) in kept.iter_mut().filter(|((at, _), _)| *at == column) {
            let _ = at;
            let inside = to.is_some_and(|id| places.is_below(id, *root));
            if rows.contains(row) != inside {
                let rows = Arc::make_mut(rows);
                if inside {
                    rows.insert(row)
                } else {
                    rows.remove(row)
                };
            }
        }
    }

    /// Whether a row meets a predicate, by the row itself.
    pub(crate) fn meets(&self, row: &Row, predicate: &Predicate) -> bool {
        let value = |name: &str| -> Option<Value> {
            match name {
                "id" => Some(Value::Id(row.id)),
                "created_by" => Some(Value::Id(row.created_by)),
                name => row.values.get(self.schema.index_of(name)?).cloned(),
            }
        };
        match predicate {
            Predicate::All => true,
            Predicate::None => false,
            Predicate::Equals(name, wanted) => value(name).is_some_and(|v| same(&v, wanted)),
            Predicate::OneOf(name, wanted) => {
                value(name).is_some_and(|v| wanted.iter().any(|wanted| same(&v, wanted)))
            }
            Predicate::Within(name, roots) => match value(name) {
                Some(Value::Id(id)) => roots.iter().any(|root| self.places.is_below(id, *root)),
                _ => false,
            },
            Predicate::And(parts) => parts.iter().all(|part| self.meets(row, part)),
            Predicate::Or(parts) => parts.iter().any(|part| self.meets(row, part)),
        }
    }
}

/// Whether two values are one to a database, which keeps microseconds.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Time(a), Value::Time(b)) => a.timestamp_micros() == b.timestamp_micros(),
        (a, b) => a == b,
    }
}

/// What is in all of them, the smallest first; `None` of none.
fn intersection(mut all: Vec<Rows<'_>>) -> Option<Rows<'_>> {
    all.sort_by_cached_key(|rows| rows.len());
    let mut all = all.into_iter();
    let first = all.next()?;
    Some(all.fold(first, |some, more| {
        if some.is_empty() {
            return some;
        }
        match some {
            Rows::Owned(mut some) => {
                some &= &*more;
                Rows::Owned(some)
            }
            other => Rows::Owned(&*other & &*more),
        }
    }))
}
