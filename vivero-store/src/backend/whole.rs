//! The parts of a short work of which nothing is asked but its commit.

use super::Sql;
use uuid::Uuid;
use vivero_core::Value;
use vivero_core::record::Schema;

/// What it means that a statement which was put off is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Nothing but what it fails with.
    Plain,
    /// A row of these could not be added or changed: a value is taken, or it is of another version.
    Row(&'static Schema),
    /// What was taken for granted is not so.
    Assumed,
}

/// A row of another table than the one a statement changes, without which it is refused.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) table: &'static str,
    pub(crate) id: Uuid,
    /// What else is to hold of it, as `t`: nothing, or with ` AND ` before it.
    pub(crate) rest: Sql,
}

/// What a row is added or changed with, at the place of its version.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guard {
    pub(crate) conditions: Vec<Condition>,
    /// The combination of facets that is known to be there: its triggers are told of it, as by
    /// [`super::Backend::tell_combination`].
    pub(crate) combination: Option<String>,
}

/// Adds one row to a table.
#[derive(Debug, Clone)]
pub(crate) struct Addition {
    /// Everything up to and with `VALUES `.
    pub(crate) head: String,
    pub(crate) row: Vec<Value>,
    /// With it a combination of facets may come to be, which others know by the order in which they came.
    pub(crate) may_combine: bool,
    /// With the place of the version in the row.
    pub(crate) guard: Option<(usize, Guard)>,
    pub(crate) meaning: Meaning,
}

/// A part of a work. Parts that only add may be done together with those of other works.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Any statement.
    Any(Sql, Meaning),
    /// A statement about a record of the work and nothing else: it says which version it changes, or follows one that
    /// does, looks at no other record, and no combination of facets comes to be with it.
    Own(Sql, Meaning),
    /// A row.
    Row(Addition),
    /// The words that the row before this is found by, in a table's search index.
    Words(&'static str, String),
    /// Other words for a row of the work that was there before, by its number: the text it was found by, and the one
    /// it is found by from now on.
    Rewords { table: &'static str, seq: i64, before: String, after: String },
}
