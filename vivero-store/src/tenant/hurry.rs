//! A short work that takes for granted what it is likely to find.
//!
//! What it would have asked first (is the place there, is the row still as it was read) is said in its statements
//! instead, which are refused if it is not so. Then it needs no answer before its commit and goes to the database
//! as a whole, together with others. If it has to ask after all, it begins with what it did until then, and what
//! no statement says is asked for.

use super::insert::Insert;
use super::plan::{Table, condition};
use super::readers::Readers;
use super::rows::{self, ById};
use super::together::Together;
use crate::backend::{Addition, Backend, Condition, Guard, Meaning, Sql, Step};
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;
use vivero_core::location::Location;
use vivero_core::query::{Deleted, Predicate};
use vivero_core::record::{Record as _, Row};
use vivero_core::{Error, Result};

/// Where a hurried work begins, and where it reads before.
pub(super) struct Reach<B: Backend> {
    pub(super) writer: B::Pool,
    pub(super) readers: Readers<B>,
    pub(super) finds: Arc<Together<ById>>,
}

impl<B: Backend> Reach<B> {
    pub(super) async fn begin(&self) -> Result<B::Transaction> {
        let since = Instant::now();
        let outcome = B::begin_short(&self.writer).await;
        self.readers.waited(since);
        outcome
    }

    /// A row as whoever reads sees it.
    pub(super) async fn find(
        &self,
        table: &Arc<Table>,
        id: Uuid,
        scope: &Predicate,
    ) -> Result<Option<Row>> {
        if *scope == Predicate::All {
            return self.finds.ask(&self.readers, table, id).await;
        }
        let mut connection = self.readers.acquire().await?;
        rows::find::<B>(&mut connection, table, id, scope, Deleted::Hidden).await
    }
}

/// What is taken for granted.
pub(super) enum Taken {
    /// A row is there, and within this reach.
    There(Arc<Table>, Uuid, Predicate),
    /// A row is of the version that was read.
    Version(Arc<Table>, Uuid, i64),
}

impl Taken {
    fn table(&self) -> &'static str {
        let (Self::There(table, ..) | Self::Version(table, ..)) = self;
        table.schema.table
    }

    /// Whether to see if it is so is to look into a table: a statement cannot look into the one that it changes.
    fn looks_into(&self, table: &str) -> bool {
        let elsewhere = match self {
            Self::There(_, _, scope) => !scope.is_of_row() && table == Location::SCHEMA.table,
            Self::Version(..) => false,
        };
        self.table() == table || elsewhere
    }

    /// The same for a statement about a row of another table.
    fn into_condition<B: Backend>(self) -> Condition {
        let table = self.table();
        let mut rest = Sql::default();
        let id = match self {
            Self::There(_, id, scope) => {
                rest.add(" AND t.deleted_at IS NULL");
                if scope != Predicate::All {
                    rest.add(" AND ");
                    condition::<B>(&mut rest, &scope);
                }
                id
            }
            Self::Version(_, id, version) => {
                rest.addf(format_args!(" AND t.version = {version}"));
                id
            }
        };
        Condition { table, id, rest }
    }

    async fn is_so<B: Backend>(&self, connection: &mut B::Connection) -> Result<bool> {
        let all = &Predicate::All;
        Ok(match self {
            Self::There(table, id, scope) => {
                rows::find::<B>(connection, table, *id, scope, Deleted::Hidden).await?.is_some()
            }
            Self::Version(table, id, version) => {
                let row = rows::find::<B>(connection, table, *id, all, Deleted::Included).await?;
                row.is_some_and(|row| row.version == *version)
            }
        })
    }
}

/// What a work does without asking.
#[derive(Default)]
pub(super) struct Hurry {
    steps: Vec<Step>,
    /// The combination of facets that the triggers of the next row are to be told of.
    combination: Option<String>,
    /// Triggers are told of one.
    told: bool,
    /// Of this no statement says anything so far.
    taken: Vec<Taken>,
}

impl Hurry {
    pub(super) fn take_for_granted(&mut self, taken: Taken) {
        self.taken.push(taken);
    }

    /// Whether what is read now cannot be what it did itself.
    pub(super) const fn has_done_nothing(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether its statements say all that matters. What was only read is to be durable before anybody acts on it.
    pub(super) const fn is_whole(&self) -> bool {
        self.taken.is_empty()
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    pub(super) fn put_off(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub(super) fn tell_combination(&mut self, combination: String) {
        self.combination = Some(combination);
        self.told = true;
    }

    /// What its triggers are told need not be so if a connection was opened since: then it is undone.
    pub(super) fn still_knows(&self, same_connections: bool) -> Result<()> {
        if self.told && !same_connections {
            return Err(Error::Undone { source: "another connection was opened".into() });
        }
        Ok(())
    }

    /// Has a statement about a row of `table` say what is taken for granted of others.
    fn guard<B: Backend>(&mut self, table: &Table) -> Guard {
        let name = table.schema.table;
        let others = self.taken.extract_if(.., |taken| !taken.looks_into(name));
        let conditions = others.map(Taken::into_condition::<B>).collect();
        Guard { conditions, combination: self.combination.take() }
    }

    /// Whether a row that is added with this may be the first of a combination of facets.
    const fn may_combine(table: &Table, guard: &Guard) -> bool {
        table.sets.is_some() && guard.combination.is_none()
    }

    /// Adds a row.
    pub(super) fn insert<B: Backend>(&mut self, table: &Table, insert: Insert) {
        let head = Insert::head(table);
        for row in insert.rows {
            let guard = self.guard::<B>(table);
            let may_combine = Self::may_combine(table, &guard);
            let guard = Some((rows::VERSION, guard));
            let (head, meaning) = (head.clone(), Meaning::Row(table.schema));
            self.put_off(Step::Row(Addition { head, row, may_combine, guard, meaning }));
        }
        for (_, text) in insert.search {
            self.put_off(Step::Words(table.schema.table, text));
        }
    }

    /// Changes a row if it still is of the version `from`; `combines` if its combination of facets is another then.
    pub(super) fn update<B: Backend>(
        &mut self,
        table: &Table,
        id: Uuid,
        (from, to): (i64, i64),
        sets: Sql,
        combines: bool,
    ) {
        self.taken.retain(|taken| match taken {
            Taken::Version(of, row, version) => {
                (of.schema.table, *row, *version) != (table.schema.table, id, from)
            }
            Taken::There(..) => true,
        });
        let guard = self.guard::<B>(table);
        let combines = combines && Self::may_combine(table, &guard);
        let is_own = guard.conditions.is_empty() && !combines;
        let step = if is_own { Step::Own } else { Step::Any };
        let sql = B::update_if(table.schema, id, (from, to), sets, guard);
        self.put_off(step(sql, Meaning::Row(table.schema)));
    }

    /// Does all of it at the beginning of a transaction, in which there will be questions.
    pub(super) async fn go_on_asking<B: Backend>(
        self,
        transaction: &mut B::Transaction,
    ) -> Result<()> {
        for step in self.steps {
            B::put_off_step(transaction, step).await.map_err(Into::into)?;
        }
        for taken in self.taken {
            if !taken.is_so::<B>(transaction).await? {
                let why = format!("{} are not as they were taken to be", taken.table());
                return Err(Error::Undone { source: why.into() });
            }
        }
        Ok(())
    }
}
