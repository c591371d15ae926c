//! What a list or point look-up asks for, without saying how any database answers it.

use crate::error::{Error, Result};
use crate::page::{Cursor, Page};
use crate::record::{Kind, Schema};
use crate::search::Terms;
use crate::value::Value;
use uuid::Uuid;

/// A condition on the rows of one record type.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// Every row.
    All,
    /// No row.
    None,
    /// The column has this value. `created_by` and `id` may be named besides the schema's columns.
    Equals(&'static str, Value),
    /// The column has one of these values.
    OneOf(&'static str, Vec<Value>),
    /// The column names one of these locations or a place below one of them.
    Within(&'static str, Vec<Uuid>),
    /// All of these.
    And(Vec<Predicate>),
    /// Any of these; none of them means no row.
    Or(Vec<Predicate>),
}

impl Predicate {
    /// Whether it depends on nothing but the row itself: where a place lies is told by other rows.
    #[must_use]
    pub fn is_of_row(&self) -> bool {
        match self {
            Self::All | Self::None | Self::Equals(..) | Self::OneOf(..) => true,
            Self::Within(..) => false,
            Self::And(parts) | Self::Or(parts) => parts.iter().all(Self::is_of_row),
        }
    }

    /// Both conditions, without needless nesting.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, p) | (p, Self::All) => p,
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::And(mut a), p) => {
                a.push(p);
                Self::And(a)
            }
            (a, b) => Self::And(vec![a, b]),
        }
    }
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// A column declared sortable, or `None` for the order of creation.
    pub column: Option<&'static str>,
    /// Greatest first.
    pub descending: bool,
    /// Whether every row has a value in the column, so that a store need not look for rows without.
    pub required: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { column: None, descending: true, required: true }
    }
}

impl Sort {
    /// Reads `name`, `-name` …; only `created_at`, `updated_at` and declared sorts are taken.
    pub fn parse(text: &str, schema: &'static Schema) -> Result<Self> {
        let (descending, name) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        if name == "created_at" {
            return Ok(Self { column: None, descending, required: true });
        }
        if name == "updated_at" {
            return Ok(Self { column: Some("updated_at"), descending, required: true });
        }
        match schema.columns.iter().find(|c| c.sort && c.name == name) {
            Some(column) => {
                Ok(Self { column: Some(column.name), descending, required: !column.nullable })
            }
            None => {
                let known: Vec<_> =
                    schema.columns.iter().filter(|c| c.sort).map(|c| c.name).collect();
                Err(Error::invalid(
                    "sort",
                    "known_sort",
                    format!(
                        "must be one of created_at, updated_at, {}; with - in front for descending",
                        known.join(", ")
                    ),
                ))
            }
        }
    }
    /// Whether `key` can be a value of the column: cursors come from outside.
    fn takes(&self, key: &Value, schema: &Schema) -> bool {
        let kind = match self.column {
            None => return key.is_null(),
            Some("updated_at") => Some(Kind::Time),
            Some(name) => schema.column(name).map(|c| c.kind),
        };
        match key {
            Value::Null => !self.required,
            Value::Bool(_) => kind == Some(Kind::Bool),
            Value::Int(_) => kind == Some(Kind::Int),
            Value::Text(_) => kind == Some(Kind::Text),
            Value::Id(_) => kind == Some(Kind::Id),
            Value::Time(_) => kind == Some(Kind::Time),
            Value::Date(_) => kind == Some(Kind::Date),
            Value::Json(_) | Value::Bytes(_) => false,
        }
    }
    /// The text [`Sort::parse`] reads.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}{}", if self.descending { "-" } else { "" }, self.column.unwrap_or("created_at"))
    }
}

/// Which rows, in respect of soft deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Deleted {
    /// Only rows that are not deleted: the rule.
    #[default]
    Hidden,
    /// Only deleted rows: for recovery.
    Only,
    /// Both: for history.
    Included,
}

/// A list as a store answers it. Built by services, which add the caller's scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The caller's filters.
    pub filter: Predicate,
    /// What the caller may see; kept apart so that a store can never lose it in planning.
    pub scope: Predicate,
    /// Full-text terms; all must match.
    pub search: Option<Terms>,
    /// Order.
    pub sort: Sort,
    /// Rows after this place.
    pub after: Option<Cursor>,
    /// Rows wanted at most.
    pub limit: u32,
    /// Soft-deleted rows.
    pub deleted: Deleted,
}

impl Query {
    /// All rows of `scope` in the default order.
    #[must_use]
    pub fn new(scope: Predicate, limit: u32) -> Self {
        Self {
            filter: Predicate::All,
            scope,
            search: None,
            sort: Sort::default(),
            after: None,
            limit,
            deleted: Deleted::Hidden,
        }
    }
}

/// Filters, search and sort of a list as a caller builds them, for any record type.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    equals: Vec<(&'static str, Value)>,
    within: Vec<(&'static str, Uuid)>,
    search: Option<String>,
    sort: Option<String>,
    deleted: Deleted,
}

impl Filter {
    /// No filter.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Only records whose `column` (declared `filter`) has `value`.
    #[must_use]
    pub fn equals(mut self, column: &'static str, value: impl crate::record::Field) -> Self {
        self.equals.push((column, value.into_value()));
        self
    }
    /// Only records whose location `column` names `location` or a place below it.
    #[must_use]
    pub fn within(mut self, column: &'static str, location: crate::LocationId) -> Self {
        self.within.push((column, location.uuid()));
        self
    }
    /// Only records that match every word; the start of a word is enough.
    #[must_use]
    pub fn search(mut self, words: impl Into<String>) -> Self {
        self.search = Some(words.into());
        self
    }
    /// A declared sort, e.g. `-updated_at`; newest first when nothing is said.
    #[must_use]
    pub fn sort(mut self, sort: impl Into<String>) -> Self {
        self.sort = Some(sort.into());
        self
    }
    /// Only soft-deleted records, to find what can be recovered.
    #[must_use]
    pub const fn deleted(mut self) -> Self {
        self.deleted = Deleted::Only;
        self
    }

    pub(crate) const fn wants_deleted(&self) -> bool {
        !matches!(self.deleted, Deleted::Hidden)
    }

    /// Checks the filter against what `schema` declares and joins it with a page and a scope.
    pub fn into_query(
        self,
        schema: &'static Schema,
        page: &Page,
        scope: Predicate,
    ) -> Result<Query> {
        let mut parts = Vec::new();
        for (name, value) in self.equals {
            let column = schema.columns.iter().find(|c| c.filter && c.name == name);
            let column = column.ok_or_else(|| {
                Error::invalid(
                    name,
                    "known_filter",
                    format!("{} cannot be filtered by it", schema.resource),
                )
            })?;
            parts.push(Predicate::Equals(column.name, value));
        }
        for (name, location) in self.within {
            parts.push(Predicate::Within(name, vec![location]));
        }
        let filter = match parts.len() {
            0 => Predicate::All,
            1 => parts.remove(0),
            _ => Predicate::And(parts),
        };
        let sort = match self.sort.as_deref() {
            Some(text) => Sort::parse(text, schema)?,
            None => Sort::default(),
        };
        let after = page.cursor().map(|text| Cursor::decode(text, &sort.name())).transpose()?;
        if after.as_ref().is_some_and(|cursor| !sort.takes(&cursor.key, schema)) {
            return Err(Error::invalid("cursor", "cursor", "is not a cursor of this list"));
        }
        let search = match self.search.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(_) if !schema.is_searchable() => {
                return Err(Error::invalid(
                    "q",
                    "searchable",
                    format!("{} has no search", schema.resource),
                ));
            }
            Some(text) => Some(Terms::parse(text)?),
        };
        Ok(Query { filter, scope, search, sort, after, limit: page.limit(), deleted: self.deleted })
    }
}
