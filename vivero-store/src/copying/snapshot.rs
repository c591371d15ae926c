//! Reading a whole database as of one instant, in chunks by key: memory does not grow with it.

use super::shapes;
use crate::backend::{Backend, Cells, Sql};
use crate::tenant::journal;
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use uuid::Uuid;
use vivero_core::copy::{
    CHAIN, COUNTS, Extent, IDEMPOTENCY, JOURNAL, JOURNAL_SEAL, Part, Since, Snapshot, TableShape,
};
use vivero_core::ids::TenantId;
use vivero_core::journal::Anchor;
use vivero_core::record::{Kind, Schema};
use vivero_core::{Error, Result, Value};

/// How many bytes of rows are read at once, about.
const CHUNK: usize = 1024 * 1024;
/// Rows read at once, at first, at least and at most.
const FIRST: usize = 500;
const FEWEST: usize = 16;
const MOST: usize = 8_000;
/// Records fetched by id at once.
const IDS: usize = 500;

/// A snapshot on any driver.
pub(crate) struct SqlSnapshot<B: Backend> {
    connection: B::Leased,
    extent: Extent,
    tables: Vec<TableShape>,
    /// What is still to be read.
    steps: VecDeque<Step>,
    rows: usize,
}

/// One thing to read.
enum Step {
    /// The rest of a table, by its key.
    Table {
        table: usize,
        key: &'static [&'static str],
        after: Option<Vec<Value>>,
        only: Option<Sql>,
    },
    /// The rest of the journal, each chunk followed by its seals.
    Journal { after: i64, position: u64, end: bool },
    /// Seals up to an entry, or all that are left.
    Seals { position: u64, upto: Option<i64> },
    /// Records by id.
    Records { table: usize, ids: Vec<Uuid> },
}

impl<B: Backend> SqlSnapshot<B> {
    /// From a connection of its own, which is given back when it is dropped.
    pub(crate) async fn begin(
        mut connection: B::Leased,
        tenant: TenantId,
        schemas: &[&'static Schema],
        since: Option<Since>,
    ) -> Result<Self> {
        let tables = shapes::all(schemas);
        shapes::check_known::<B>(&mut connection, &tables).await?;
        B::steady(&mut connection).await.map_err(Into::into)?;
        let generation = Sql::new("SELECT generation FROM stamp WHERE one = 1")
            .number::<B>(&mut connection)
            .await?
            .ok_or_else(|| Error::corrupt("the database has no stamp"))?;
        let head = journal::head::<B>(&mut connection, tenant).await?;
        let last = |table: &str| Sql::new(format!("SELECT coalesce(max(seq), 0) FROM {table}"));
        let journal_seq = last(JOURNAL).number::<B>(&mut connection).await?.unwrap_or(0);
        let natural = |number: i64| u64::try_from(number).unwrap_or(0);
        let extent = Extent {
            engine: B::NAME,
            tenant,
            generation,
            head: Anchor { position: head.position, hash: head.hash },
            journal_seq,
            rows: natural(journal_seq) + head.position,
        };
        let steps = VecDeque::new();
        let mut snapshot = Self { connection, extent, tables, steps, rows: FIRST };
        match since {
            None => snapshot.plan_all(schemas).await?,
            Some(since) => snapshot.plan_since(schemas, since).await?,
        }
        Ok(snapshot)
    }

    fn index(&self, name: &str) -> Result<usize> {
        let found = self.tables.iter().position(|t| t.name == name);
        found.ok_or_else(|| Error::corrupt(format!("there is no table {name}")))
    }

    async fn plan_all(&mut self, schemas: &[&'static Schema]) -> Result<()> {
        for schema in schemas {
            let sql = format!("SELECT coalesce(max(seq), 0) FROM {}", schema.table);
            let last = Sql::new(sql).number::<B>(&mut self.connection).await?.unwrap_or(0);
            self.extent.rows += u64::try_from(last).unwrap_or(0);
            let table = self.index(schema.table)?;
            self.steps.push_back(Step::Table { table, key: &["seq"], after: None, only: None });
        }
        self.plan_rest(None, 0, 0)
    }

    /// Every change of a record has an entry: what the entries since then name is what changed.
    async fn plan_since(&mut self, schemas: &[&'static Schema], since: Since) -> Result<()> {
        let mut changed: BTreeMap<usize, BTreeSet<Uuid>> = BTreeMap::new();
        let mut after = since.journal_seq;
        loop {
            let rows = Sql::new(
                "SELECT seq, resource, record_id FROM journal WHERE seq > ? ORDER BY seq LIMIT ?",
            )
            .with(Value::Int(after))
            .with(Value::Int(MOST as i64))
            .long()
            .fetch::<B>(&mut self.connection, &[Kind::Int, Kind::Text, Kind::Id])
            .await?;
            let Some(last) = rows.last() else { break };
            after = last.int(0);
            for mut row in rows {
                let (resource, id) = (row.text(1), row.id(2));
                if let Some(schema) = schemas.iter().find(|s| s.resource == resource) {
                    changed.entry(self.index(schema.table)?).or_default().insert(id);
                }
            }
        }
        let entries = self.extent.journal_seq - since.journal_seq;
        self.extent.rows = u64::try_from(entries).unwrap_or(0) * 2;
        for (table, ids) in changed {
            let ids: Vec<Uuid> = ids.into_iter().collect();
            self.extent.rows += ids.len() as u64;
            for some in ids.chunks(IDS) {
                self.steps.push_back(Step::Records { table, ids: some.to_vec() });
            }
        }
        let answers = Sql::new("at >= ?").with(Value::Time(since.answers_from));
        self.plan_rest(Some(answers), since.journal_seq, since.position)
    }

    fn plan_rest(&mut self, answers: Option<Sql>, after: i64, position: u64) -> Result<()> {
        let whole = |table, key| Step::Table { table, key, after: None, only: None };
        let table = self.index(IDEMPOTENCY)?;
        self.steps.extend([
            Step::Table { table, key: &["name"], after: None, only: answers },
            whole(self.index(COUNTS)?, &["resource", "field", "value"]),
            Step::Journal { after, position, end: false },
            whole(self.index(CHAIN)?, &["one"]),
        ]);
        Ok(())
    }

    async fn fetch(
        &mut self,
        table: usize,
        condition: Sql,
        order: &str,
        limit: usize,
    ) -> Result<Vec<Cells>> {
        let shape = &self.tables[table];
        let names: Vec<&str> = shape.columns.iter().map(|c| c.name.as_str()).collect();
        // Documents as they are stored, not as they are read.
        let kinds: Vec<Kind> = shape
            .columns
            .iter()
            .map(|c| if c.kind == Kind::Json { Kind::Text } else { c.kind })
            .collect();
        let mut sql = Sql::new(format!("SELECT {} FROM {} ", names.join(", "), shape.name)).long();
        sql.add(&condition.text).addf(format_args!(" ORDER BY {order} LIMIT {limit}"));
        sql.args = condition.args;
        sql.fetch::<B>(&mut self.connection, &kinds).await
    }

    /// Reads so many rows at once that they are about as large as a chunk.
    fn adapt(&mut self, rows: &[Cells]) {
        let bytes: usize = rows.iter().flat_map(|r| &r.0).map(size).sum();
        if let Some(each) = bytes.checked_div(rows.len()) {
            self.rows = (CHUNK / each.max(1)).clamp(FEWEST, MOST);
        }
    }

    async fn read(&mut self, step: Step) -> Result<Option<Part>> {
        let limit = self.rows;
        let (table, rows) = match step {
            Step::Table { table, key, after, only } => {
                let columns = key.join(", ");
                let mut condition = Sql::default();
                if let Some(after) = &after {
                    let marks = vec!["?"; key.len()].join(", ");
                    condition.addf(format_args!("WHERE ({columns}) > ({marks})"));
                    condition.args.clone_from(after);
                }
                if let Some(only) = &only {
                    condition.add(if after.is_some() { " AND " } else { "WHERE " }).add(&only.text);
                    condition.args.extend(only.args.iter().cloned());
                }
                let rows = self.fetch(table, condition, &columns, limit).await?;
                if rows.len() == limit
                    && let Some(last) = rows.last()
                {
                    // A key's columns come first in its table.
                    let after = Some(last.0[..key.len()].to_vec());
                    self.steps.push_front(Step::Table { table, key, after, only });
                }
                (table, rows)
            }
            Step::Journal { after, position, end: true } => {
                debug_assert!(after >= 0);
                self.steps.push_front(Step::Seals { position, upto: None });
                return Ok(None);
            }
            Step::Journal { after, position, end: false } => {
                let table = self.index(JOURNAL)?;
                let condition = Sql::new("WHERE seq > ?").with(Value::Int(after));
                let rows = self.fetch(table, condition, "seq", limit).await?;
                let last = rows.last().map_or(after, |row| row.int(0));
                let end = rows.len() < limit;
                self.steps.push_front(Step::Journal { after: last, position, end });
                if !rows.is_empty() {
                    self.steps.push_front(Step::Seals { position, upto: Some(last) });
                }
                (table, rows)
            }
            Step::Seals { position, upto } => {
                let table = self.index(JOURNAL_SEAL)?;
                let number = |n: u64| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
                let mut condition = Sql::new("WHERE position > ?").with(number(position));
                if let Some(upto) = upto {
                    condition.add(" AND seq <= ?").bind(Value::Int(upto));
                }
                let rows = self.fetch(table, condition, "position", MOST).await?;
                let last = rows.last().map_or(position, |row| row.natural(0));
                if let Some(Step::Journal { position, .. }) = self.steps.front_mut() {
                    *position = last;
                }
                if rows.len() == MOST {
                    self.steps.push_front(Step::Seals { position: last, upto });
                }
                (table, rows)
            }
            Step::Records { table, ids } => {
                let marks = vec!["?"; ids.len()].join(", ");
                let mut condition = Sql::new(format!("WHERE id IN ({marks})"));
                condition.args = ids.into_iter().map(Value::Id).collect();
                (table, self.fetch(table, condition, "seq", IDS).await?)
            }
        };
        if rows.is_empty() {
            return Ok(None);
        }
        self.adapt(&rows);
        Ok(Some(Part { table, rows: rows.into_iter().map(|cells| cells.0).collect() }))
    }
}

/// About how many bytes a value takes.
fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len() + 4,
        Value::Bytes(bytes) => bytes.len() + 4,
        Value::Id(_) => 16,
        _ => 8,
    }
}

#[async_trait]
impl<B: Backend> Snapshot for SqlSnapshot<B> {
    fn extent(&self) -> &Extent {
        &self.extent
    }
    fn tables(&self) -> &[TableShape] {
        &self.tables
    }
    async fn next(&mut self) -> Result<Option<Part>> {
        while let Some(step) = self.steps.pop_front() {
            if let Some(part) = self.read(step).await? {
                return Ok(Some(part));
            }
        }
        Ok(None)
    }
}
