//! Predicates and searches as sets of rows, and as a test of one row.

use super::Index;
use super::set::Union;
use roaring::RoaringBitmap;
use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;
use vivero_core::Value;
use vivero_core::query::{Predicate, Query};
use vivero_core::record::Row;

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
                if let [only] = roots.as_slice() {
                    return self.rows_below(name, *only);
                }
                let mut all = RoaringBitmap::new();
                for root in roots {
                    all |= &*self.rows_below(name, *root)?;
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

    /// Whether a row meets a predicate, by the row itself.
    pub(crate) fn meets(&self, row: &Row, predicate: &Predicate) -> bool {
        let is = |name: &str, meets: &dyn Fn(&Value) -> bool| match name {
            "id" => meets(&Value::Id(row.id)),
            "created_by" => meets(&Value::Id(row.created_by)),
            name => {
                let value = self.schema.index_of(name).and_then(|i| row.values.get(i));
                value.is_some_and(meets)
            }
        };
        match predicate {
            Predicate::All => true,
            Predicate::None => false,
            Predicate::Equals(name, wanted) => is(name, &|value| same(value, wanted)),
            Predicate::OneOf(name, wanted) => {
                is(name, &|value| wanted.iter().any(|wanted| same(value, wanted)))
            }
            Predicate::Within(name, roots) => is(name, &|value| match value {
                Value::Id(id) => roots.iter().any(|root| self.places.is_below(*id, *root)),
                _ => false,
            }),
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
