//! Making a database from rows. It has no stamp until the end, so half of one is never taken for whole.

use super::shapes;
use crate::backend::{Backend, Sql};
use crate::migrate::Fingerprint;
use crate::stamp;
use crate::tenant::{Tables, built_in, figures, journal};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use vivero_core::copy::{CHAIN, COUNTS, Chain, JOURNAL_SEAL, Loading, Part, TableShape};
use vivero_core::ids::TenantId;
use vivero_core::journal::Anchor;
use vivero_core::record::{Kind, Schema};
use vivero_core::search::document;
use vivero_core::tenant::Tenant;
use vivero_core::{Error, JsonText, Result, Value};

/// Memory for pages of the writing connection.
const CACHE_KIB: u32 = 96 * 1024;
/// Parameters of one statement stay below every driver's limit.
const MAX_PARAMETERS: usize = 15_000;
/// Rows taken away by one statement.
const AT_ONCE: usize = 500;
/// Conditions joined by OR: SQLite's depth of an expression is bounded.
const FIGURES_AT_ONCE: usize = 100;

/// Brings tables up to what the program needs, as the fleet does when it opens a database.
pub(crate) type BringUp<B> = Box<
    dyn for<'a> Fn(&'a <B as Backend>::Pool, TenantId) -> BoxFuture<'a, Result<()>> + Send + Sync,
>;

/// A database that is being made, on any driver.
pub(crate) struct SqlLoading<B: Backend> {
    tenant: Tenant,
    readers: B::Pool,
    writer: B::Pool,
    tables: Arc<Tables>,
    targets: Vec<Target>,
    chain: Chain,
    bring_up: BringUp<B>,
}

/// What becomes of one table's rows.
struct Target {
    shape: TableShape,
    schema: Option<&'static Schema>,
    /// For each column of the schema, where it is in a row.
    places: Vec<Option<usize>>,
    /// Not taken over: it is made anew.
    left_out: bool,
}

impl Target {
    fn new(shape: &TableShape, schemas: &[&'static Schema], chain: &Chain) -> Self {
        let schema = schemas.iter().copied().find(|s| s.table == shape.name);
        let place = |name: &str| shape.columns.iter().position(|c| c.name == name);
        let places =
            schema.map_or_else(Vec::new, |s| s.columns.iter().map(|c| place(c.name)).collect());
        let anew = matches!(chain, Chain::Anew(_));
        let left_out = anew && [CHAIN, JOURNAL_SEAL, COUNTS].contains(&shape.name.as_str());
        Self { shape: shape.clone(), schema, places, left_out }
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.shape.columns.iter().position(|c| c.name == name)
    }

    /// What is searched for in a row.
    fn document(&self, schema: &'static Schema, row: &[Value]) -> Result<String> {
        let values = self.places.iter().zip(schema.columns).map(|(place, column)| {
            match place.and_then(|p| row.get(p)) {
                Some(Value::Text(text)) if column.kind == Kind::Json && column.search => {
                    JsonText::parse(text.clone()).map(Value::Json).map_err(|_| {
                        Error::corrupt(format!(
                            "column {} of table {}: not JSON",
                            column.name, schema.table
                        ))
                    })
                }
                Some(value) => Ok(value.clone()),
                None => Ok(Value::Null),
            }
        });
        Ok(document(schema, &values.collect::<Result<Vec<_>>>()?))
    }

    fn check(&self, row: &[Value]) -> Result<()> {
        let fits = |value: &Value, kind: Kind, nullable: bool| match value {
            Value::Null => nullable,
            Value::Bool(_) => kind == Kind::Bool,
            Value::Int(_) => kind == Kind::Int,
            Value::Text(_) => matches!(kind, Kind::Text | Kind::Json),
            Value::Id(_) => kind == Kind::Id,
            Value::Time(_) => kind == Kind::Time,
            Value::Date(_) => kind == Kind::Date,
            Value::Json(_) => false,
            Value::Bytes(_) => kind == Kind::Bytes,
        };
        let columns = &self.shape.columns;
        let wrong = columns.iter().zip(row).find(|(c, v)| !fits(v, c.kind, c.nullable));
        match wrong {
            Some((column, _)) => Err(Error::corrupt(format!(
                "column {} of table {} holds a value of another kind",
                column.name, self.shape.name
            ))),
            None if columns.len() != row.len() => Err(Error::corrupt(format!(
                "a row of table {} has {} values",
                self.shape.name,
                row.len()
            ))),
            None => Ok(()),
        }
    }
}

impl<B: Backend> SqlLoading<B> {
    /// Into a database that is there and empty.
    pub(crate) async fn begin(
        tenant: Tenant,
        (readers, writer): (B::Pool, B::Pool),
        tables: Arc<Tables>,
        shapes: &[TableShape],
        chain: Chain,
        bring_up: BringUp<B>,
    ) -> Result<Self> {
        let schemas = tables.schemas();
        shapes::check_fit(shapes, &shapes::all(&schemas))?;
        let targets = shapes.iter().map(|s| Target::new(s, &schemas, &chain)).collect();
        bring_up(&writer, tenant.id).await?;
        let mut transaction = B::begin(&writer).await?;
        if let Some(sql) = B::cache(CACHE_KIB) {
            Sql::new(sql).fetch::<B>(&mut transaction, &[]).await?;
        }
        // What an empty database says of its figures.
        Sql::new("DELETE FROM counts").execute::<B>(&mut transaction).await?;
        for schema in &schemas {
            let table = tables.get(schema);
            let names: Vec<&str> = table.indexes.iter().map(|i| i.name.as_str()).collect();
            for sql in B::set_aside(schema.table, &names) {
                Sql::new(sql).execute::<B>(&mut transaction).await?;
            }
        }
        B::commit(transaction, ()).await?;
        Ok(Self { tenant, readers, writer, tables, targets, chain, bring_up })
    }

    fn target(&self, part: &Part) -> Result<&Target> {
        let target = self.targets.get(part.table);
        let target =
            target.ok_or_else(|| Error::corrupt("rows of a table that is not described"))?;
        part.rows.iter().try_for_each(|row| target.check(row))?;
        Ok(target)
    }

    async fn insert(
        connection: &mut B::Connection,
        target: &Target,
        rows: Vec<Vec<Value>>,
    ) -> Result<()> {
        let names: Vec<&str> = target.shape.columns.iter().map(|c| c.name.as_str()).collect();
        let head = format!("INSERT INTO {} ({}) VALUES ", target.shape.name, names.join(", "));
        let at_once = (MAX_PARAMETERS / names.len().max(1)).max(1);
        let mut rows = rows.into_iter();
        loop {
            let some: Vec<Vec<Value>> = rows.by_ref().take(at_once).collect();
            if some.is_empty() {
                return Ok(());
            }
            let mut texts = Vec::new();
            if let Some(schema) = target.schema.filter(|s| s.is_searchable()) {
                for row in &some {
                    let seq =
                        if let Some(Value::Int(seq)) = row.first() { Some(*seq) } else { None };
                    texts.push((seq, target.document(schema, row)?));
                }
            }
            B::insert(connection, &head, some).await.map_err(|failure| {
                match B::taken_field(&failure) {
                    Some(field) => Error::corrupt(format!(
                        "two rows of table {} have the same {field}",
                        target.shape.name
                    )),
                    None => failure.into(),
                }
            })?;
            if !texts.is_empty() {
                B::insert_search(connection, &target.shape.name, texts)
                    .await
                    .map_err(Into::into)?;
            }
        }
    }

    /// Takes away what rows replace.
    async fn make_way(
        connection: &mut B::Connection,
        target: &Target,
        rows: &[Vec<Value>],
    ) -> Result<()> {
        let name = target.shape.name.as_str();
        let first = target.shape.columns.first().map_or("", |column| column.name.as_str());
        for rows in rows.chunks(AT_ONCE) {
            let mut gone: Vec<Value> = rows.iter().filter_map(|row| row.first().cloned()).collect();
            let Some(schema) = target.schema else {
                if name == COUNTS {
                    Self::make_way_for_figures(connection, target, rows).await?;
                } else {
                    delete::<B>(connection, name, first, gone).await?;
                }
                continue;
            };
            // Who has a value that is another's now was changed as well, and comes later.
            for column in schema.columns.iter().filter(|c| c.unique) {
                let Some(place) = target.column(column.name) else { continue };
                let values = rows.iter().filter_map(|row| row.get(place));
                let values: Vec<Value> = values.filter(|v| !v.is_null()).cloned().collect();
                if values.is_empty() {
                    continue;
                }
                let marks = vec!["?"; values.len()].join(", ");
                let sql = format!("SELECT seq FROM {name} WHERE {} IN ({marks})", column.name);
                let mut sql = Sql::new(sql);
                sql.args = values;
                let found = sql.fetch::<B>(connection, &[Kind::Int]).await?;
                gone.extend(found.into_iter().map(|row| Value::Int(row.int(0))));
            }
            delete::<B>(connection, name, "seq", gone.clone()).await?;
            if schema.is_searchable() {
                delete::<B>(connection, &format!("{name}_search"), "rowid", gone).await?;
            }
        }
        Ok(())
    }

    /// The same for figures, whose key has three columns.
    async fn make_way_for_figures(
        connection: &mut B::Connection,
        target: &Target,
        rows: &[Vec<Value>],
    ) -> Result<()> {
        let columns = target.shape.columns.iter().take(3).map(|c| format!("{} = ?", c.name));
        let one = format!("({})", columns.collect::<Vec<_>>().join(" AND "));
        for rows in rows.chunks(FIGURES_AT_ONCE) {
            let any = vec![one.as_str(); rows.len()].join(" OR ");
            let mut sql = Sql::new(format!("DELETE FROM {} WHERE {any}", target.shape.name));
            sql.args = rows.iter().flat_map(|row| row.iter().take(3).cloned()).collect();
            sql.execute::<B>(connection).await?;
        }
        Ok(())
    }

    /// Seals every entry, in transactions of their own.
    async fn seal(&self, schemas: &[&'static Schema]) -> Result<()> {
        let id = self.tenant.id;
        loop {
            let mut reader = B::acquire(&self.readers).await?;
            let sealing = journal::prepare_seal::<B>(&mut reader, id, schemas).await?;
            drop(reader);
            let Some(sealing) = sealing else { return Ok(()) };
            let mut transaction = B::begin(&self.writer).await?;
            if !journal::write_seal::<B>(&mut transaction, id, &sealing).await? {
                return Err(Error::corrupt("somebody else seals a database that is being made"));
            }
            B::commit(transaction, ()).await?;
        }
    }

    async fn complete(&mut self) -> Result<Anchor> {
        let schemas = self.tables.schemas();
        (self.bring_up)(&self.writer, self.tenant.id).await?;
        if let Chain::Anew(entry) = &self.chain {
            self.seal(&schemas).await?;
            let mut transaction = B::begin(&self.writer).await?;
            journal::append::<B>(&mut transaction, vec![Clone::clone(&**entry)]).await?;
            B::commit(transaction, ()).await?;
            self.seal(&schemas).await?;
        }
        let mut transaction = B::begin(&self.writer).await?;
        figures::bring_up::<B>(&mut transaction, self.tenant.id, &schemas, &schemas).await?;
        if built_in::is_lacking::<B>(&mut transaction).await? {
            // A copy adds nothing of its own to the chain: the tenant gets it when it is opened.
            B::note(&mut transaction, &Fingerprint::none()).await?;
        }
        let head = journal::head::<B>(&mut transaction, self.tenant.id).await?;
        stamp::write::<B>(&mut transaction, &self.tenant).await?;
        B::commit(transaction, ()).await?;
        Ok(Anchor { position: head.position, hash: head.hash })
    }
}

/// Takes rows away by one column.
async fn delete<B: Backend>(
    connection: &mut B::Connection,
    table: &str,
    column: &str,
    values: Vec<Value>,
) -> Result<()> {
    for some in values.chunks(AT_ONCE) {
        let marks = vec!["?"; some.len()].join(", ");
        let mut sql = Sql::new(format!("DELETE FROM {table} WHERE {column} IN ({marks})"));
        sql.args = some.to_vec();
        sql.execute::<B>(connection).await?;
    }
    Ok(())
}

#[async_trait]
impl<B: Backend> Loading for SqlLoading<B> {
    async fn add(&mut self, part: Part) -> Result<()> {
        let target = self.target(&part)?;
        if target.left_out {
            return Ok(());
        }
        let mut transaction = B::begin(&self.writer).await?;
        Self::insert(&mut transaction, target, part.rows).await?;
        B::commit(transaction, ()).await
    }

    async fn replace(&mut self, part: Part) -> Result<()> {
        let target = self.target(&part)?;
        if target.left_out {
            return Ok(());
        }
        let mut transaction = B::begin(&self.writer).await?;
        Self::make_way(&mut transaction, target, &part.rows).await?;
        Self::insert(&mut transaction, target, part.rows).await?;
        B::commit(transaction, ()).await
    }

    async fn index(&mut self) -> Result<()> {
        (self.bring_up)(&self.writer, self.tenant.id).await
    }

    async fn finish(mut self: Box<Self>) -> Result<Anchor> {
        let head = self.complete().await;
        B::close(&self.readers).await;
        B::close(&self.writer).await;
        head
    }
}

impl<B: Backend> Drop for SqlLoading<B> {
    fn drop(&mut self) {
        let (readers, writer) = (self.readers.clone(), self.writer.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                B::close(&readers).await;
                B::close(&writer).await;
            });
        }
    }
}
