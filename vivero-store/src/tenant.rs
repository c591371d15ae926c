//! One tenant's database: the body that every driver shares.

mod building;
pub(crate) mod built_in;
mod combinations;
pub(crate) mod figures;
mod hurry;
mod insert;
pub(crate) mod journal;
mod kept;
mod lists;
mod news;
mod pages;
pub(crate) mod plan;
mod reader;
mod readers;
pub(crate) mod rows;
mod sealer;
mod tables;
mod together;
mod turns;
mod work;

pub(crate) use lists::{ListMemory, Mirrors};
pub(crate) use sealer::Anchors;
pub(crate) use tables::Tables;
pub(crate) use turns::TURN;
#[cfg(feature = "sqlite")]
pub(crate) use work::WRITER_CACHE_KIB;
pub(crate) use work::seed;

use crate::backend::{Backend, Sql};
use crate::copying::SqlSnapshot;
use crate::meter::Meter;
use crate::migrate;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use hurry::Reach;
use journal::Head;
use plan::Memory;
use reader::Reader;
use readers::Readers;
use rows::ById;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use together::Together;
use tokio::sync::{Notify, watch};
use uuid::Uuid;
use vivero_core::copy::{Since, Snapshot};
use vivero_core::ids::TenantId;
use vivero_core::journal::{Anchor, ChainReport, CountKey, Entry, SealedEntry};
use vivero_core::port::{Counts, Lease, Rows, TenantStore, Work};
use vivero_core::record::Schema;
use vivero_core::{Result, Value};
use work::{Shared, SqlWork};

/// One tenant's database on any driver.
pub(crate) struct SqlTenant<B: Backend> {
    id: TenantId,
    readers: Readers<B>,
    writer: B::Pool,
    tables: Arc<Tables>,
    head: watch::Sender<u64>,
    counts: RwLock<Option<Arc<Counts>>>,
    committed: Arc<Notify>,
    /// When this process last looked where the head stands.
    looked: turns::Looked,
    /// The lease to seal, if this process has it.
    turn: Arc<Mutex<Option<Lease>>>,
    /// Whether the writing connection was given the memory of a bulk write.
    bulk: Arc<AtomicBool>,
    combinations: Arc<combinations::Combinations>,
    memory: Arc<Memory>,
    mirrors: Arc<Mirrors>,
    finds: Arc<Together<ById>>,
    /// Tables whose indexes are set aside.
    filling: Arc<Mutex<HashSet<&'static str>>>,
    /// Up to which position the registry knows the chain, at least.
    anchored: AtomicU64,
}

impl<B: Backend> fmt::Debug for SqlTenant<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlTenant").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<B: Backend> SqlTenant<B> {
    /// A tenant whose stamp was checked. Seals what a former process left unsealed.
    pub(crate) async fn open(
        id: TenantId,
        readers: B::Pool,
        writer: B::Pool,
        tables: Arc<Tables>,
        lists: &ListMemory,
        meter: Arc<Meter>,
    ) -> Result<Self> {
        let tenant = Self {
            id,
            readers: Readers::new(readers, meter),
            writer,
            tables,
            head: watch::Sender::new(0),
            counts: RwLock::new(None),
            committed: Arc::new(Notify::new()),
            looked: turns::Looked::default(),
            turn: Arc::default(),
            bulk: Arc::default(),
            combinations: Arc::default(),
            memory: Arc::default(),
            mirrors: Arc::new(Mirrors::new(lists)),
            finds: Arc::default(),
            filling: Arc::default(),
            anchored: AtomicU64::new(0),
        };
        tenant.refresh().await?;
        tenant.committed.notify_one();
        Ok(tenant)
    }

    /// Takes over what other processes have sealed.
    pub(crate) async fn refresh(&self) -> Result<u64> {
        let mut connection = self.connection().await?;
        self.looked.now_current();
        let head = journal::head::<B>(&mut connection, self.id).await?;
        let known =
            self.counts.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|c| c.position);
        if known.is_none_or(|known| known < head.position) {
            let (position, values) = figures::counts::<B>(&mut connection).await?;
            self.publish(position, |_| values);
        }
        Ok(head.position)
    }

    /// Takes over what a migration has brought since this tenant was opened without it.
    async fn catch_up(&self) -> Result<()> {
        let Some(target) = self.tables.to_look_for() else { return Ok(()) };
        let mut connection = self.connection().await?;
        if B::noted(&mut connection, &target.fingerprint).await?.same {
            self.tables.lift();
            // Figures that are kept since are read whole.
            let (position, values) = figures::counts::<B>(&mut connection).await?;
            self.publish(position, |_| values);
        }
        Ok(())
    }

    fn publish(
        &self,
        position: u64,
        values: impl FnOnce(HashMap<CountKey, i128>) -> HashMap<CountKey, i128>,
    ) {
        {
            let mut counts = self.counts.write().unwrap_or_else(PoisonError::into_inner);
            let old = counts.as_ref().map(|c| c.values.clone()).unwrap_or_default();
            *counts = Some(Arc::new(Counts { position, values: values(old) }));
        }
        self.head.send_if_modified(|head| {
            let moved = *head < position;
            *head = (*head).max(position);
            moved
        });
    }

    /// The registry knows the chain up to there.
    pub(crate) fn is_anchored_up_to(&self, position: u64) {
        self.anchored.fetch_max(position, Ordering::Relaxed);
    }

    /// The head of the chain, if the registry may not know it.
    pub(crate) async fn unanchored(&self) -> Result<Option<Head>> {
        if *self.head.borrow() <= self.anchored.load(Ordering::Relaxed) {
            return Ok(None);
        }
        journal::head::<B>(&mut *self.connection().await?, self.id).await.map(Some)
    }

    /// The lease to seal, which is then no more this process's.
    pub(crate) fn end_turn(&self) -> Option<Lease> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn fillings(&self) -> MutexGuard<'_, HashSet<&'static str>> {
        self.filling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connection(&self) -> Result<B::Leased> {
        B::acquire(&self.readers.pool).await
    }

    /// Closes the connections; what is committed stays.
    pub(crate) async fn close(&self) {
        B::close(&self.readers.pool).await;
        B::close(&self.writer).await;
    }

    /// What works share.
    fn shared(&self) -> Shared {
        Shared {
            tables: Arc::clone(&self.tables),
            committed: Arc::clone(&self.committed),
            bulk: Arc::clone(&self.bulk),
            combinations: Arc::clone(&self.combinations),
        }
    }

    async fn seal_once(&self, shared: bool) -> Result<Option<Head>> {
        let schemas = self.tables.schemas();
        let sealing = loop {
            let mut reader = self.connection().await?;
            let Some(sealing) = journal::prepare_seal::<B>(&mut reader, self.id, &schemas).await?
            else {
                return Ok(None);
            };
            drop(reader);
            let mut transaction = if shared && sealing.is_small() {
                B::begin_short(&self.writer).await?
            } else {
                B::begin(&self.writer).await?
            };
            if journal::write_seal::<B>(&mut transaction, self.id, &sealing).await? {
                B::commit(transaction, ()).await?;
                break sealing;
            }
        };
        let known =
            self.counts.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|c| c.position);
        if known == Some(sealing.from.position) {
            self.publish(sealing.to.position, |mut values| {
                for (key, by) in sealing.deltas {
                    *values.entry(key).or_default() += by;
                }
                values
            });
        } else {
            // Another process sealed in between: the figures in memory do not stand where this began.
            self.refresh().await?;
        }
        Ok(Some(sealing.to))
    }
}

#[async_trait]
impl<B: Backend> TenantStore for SqlTenant<B> {
    async fn read(&self) -> Result<Box<dyn Rows + '_>> {
        self.catch_up().await?;
        let counts = self.counts.read().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Box::new(Reader::<B> {
            readers: self.readers.clone(),
            connection: None,
            tables: Arc::clone(&self.tables),
            counts,
            memory: Arc::clone(&self.memory),
            mirrors: Arc::clone(&self.mirrors),
            finds: Arc::clone(&self.finds),
            filling: Arc::clone(&self.filling),
        }))
    }

    async fn begin(&self) -> Result<Box<dyn Work>> {
        self.catch_up().await?;
        let transaction = B::begin(&self.writer).await?;
        let writer = Some(self.writer.clone());
        Ok(Box::new(SqlWork::<B>::new(transaction, writer, self.shared())))
    }

    async fn begin_short(&self) -> Result<Box<dyn Work>> {
        self.catch_up().await?;
        let transaction = B::begin_short(&self.writer).await?;
        let writer = Some(self.writer.clone());
        Ok(Box::new(SqlWork::<B>::new(transaction, writer, self.shared())))
    }

    async fn begin_hurried(&self) -> Result<Box<dyn Work>> {
        if !B::HASTENS {
            return self.begin_short().await;
        }
        self.catch_up().await?;
        let reach = Reach {
            writer: self.writer.clone(),
            readers: self.readers.clone(),
            finds: Arc::clone(&self.finds),
        };
        Ok(Box::new(SqlWork::<B>::hurried(reach, self.shared())))
    }

    async fn history(
        &self,
        schema: &'static Schema,
        id: Uuid,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        journal::history::<B>(&mut *self.connection().await?, schema, id, before, limit).await
    }

    async fn feed(&self, position: u64, limit: u32) -> Result<Vec<SealedEntry>> {
        journal::feed::<B>(&mut *self.connection().await?, position, false, limit).await
    }

    async fn feed_back(&self, before: Option<u64>, limit: u32) -> Result<Vec<SealedEntry>> {
        journal::feed::<B>(&mut *self.connection().await?, before.unwrap_or(u64::MAX), true, limit)
            .await
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    async fn seal(&self) -> Result<u64> {
        self.seal_all(false).await?;
        self.refresh().await
    }

    async fn counts(&self) -> Result<Arc<Counts>> {
        if self.looked.is_due(sealer::LOOK_AROUND)
            && let Err(error) = self.refresh().await
        {
            tracing::debug!(tenant = %self.id, %error, "figures are not renewed");
        }
        Ok(self.counts.read().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default())
    }

    async fn recount(&self) -> Result<HashMap<CountKey, i128>> {
        figures::recount::<B>(&mut *self.connection().await?, &self.tables.schemas()).await
    }

    async fn verify(&self, anchor: Option<Anchor>) -> Result<ChainReport> {
        journal::verify::<B>(&mut *self.connection().await?, self.id, anchor).await
    }

    async fn forget(&self, before: DateTime<Utc>) -> Result<u64> {
        let mut transaction = B::begin(&self.writer).await?;
        let sql = Sql::new("DELETE FROM idempotency WHERE at < ?").with(Value::Time(before));
        let forgotten = sql.execute::<B>(&mut transaction).await?;
        B::commit(transaction, ()).await?;
        Ok(forgotten)
    }

    async fn filling(&self, schema: &'static Schema, filling: bool) -> Result<()> {
        let table = self.tables.get(schema);
        let mut transaction = B::begin(&self.writer).await?;
        if filling {
            let any = Sql::new(format!(
                "SELECT count(*) FROM (SELECT 1 FROM {} LIMIT 1) k",
                schema.table
            ));
            let names: Vec<&str> = table.indexes.iter().map(|i| i.name.as_str()).collect();
            let statements = B::set_aside(schema.table, &names);
            if statements.is_empty() || any.number::<B>(&mut transaction).await? != Some(0) {
                return Ok(());
            }
            for sql in statements {
                Sql::new(sql).execute::<B>(&mut transaction).await?;
            }
        } else if self.fillings().contains(schema.table) {
            migrate::ensure::<B>(&mut transaction, &[schema]).await?;
        }
        B::commit(transaction, ()).await?;
        if filling {
            self.fillings().insert(schema.table);
        } else {
            self.fillings().remove(schema.table);
        }
        Ok(())
    }

    async fn ensure(&self, schema: &'static Schema) -> Result<()> {
        // What is declared of the installation is brought up when the tenant is opened, or by a run.
        if self.tables.is_declared(schema) {
            return Ok(());
        }
        self.tables.get(schema);
        let mut transaction = B::define(&self.writer).await?;
        migrate::ensure::<B>(&mut transaction, &[schema]).await?;
        B::defined(&mut transaction, true).await?;
        figures::bring_up::<B>(&mut transaction, self.id, &[schema], &self.tables.schemas())
            .await?;
        B::commit(transaction, ()).await?;
        let (position, values) = figures::counts::<B>(&mut *self.connection().await?).await?;
        self.publish(position, |_| values);
        Ok(())
    }

    async fn snapshot(&self, since: Option<Since>) -> Result<Box<dyn Snapshot + '_>> {
        let connection = self.connection().await?;
        let schemas = self.tables.schemas();
        Ok(Box::new(SqlSnapshot::<B>::begin(connection, self.id, &schemas, since).await?))
    }

    async fn fence(&self, fenced: bool) -> Result<()> {
        set_fence::<B>(&self.writer, fenced).await
    }
}

/// Makes writers wait, or lets them on, in a database that need not be open.
pub(crate) async fn set_fence<B: Backend>(writer: &B::Pool, fenced: bool) -> Result<()> {
    let mut transaction = B::define(writer).await?;
    for sql in B::fence(fenced) {
        Sql::new(sql).execute::<B>(&mut transaction).await?;
    }
    B::defined(&mut transaction, true).await?;
    B::commit(transaction, ()).await
}
