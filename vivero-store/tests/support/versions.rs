//! An installation at several versions of the same program: record types that grow, migrations that are
//! added.

use std::sync::Arc;
use vivero_core::Record;
use vivero_core::clock::{IdSource as _, SeededIds};
use vivero_core::migration::{Canary, Engine, Migration, RunOptions};
use vivero_core::port::{Fleet, Provision, TenantStore};
use vivero_core::query::{Predicate, Query};
use vivero_core::record::{Row, Schema, Stored};
use vivero_core::tenant::{OperationType, Plan, Tenant};
use vivero_core::{Clock as _, RecordId, Slug, TenantId};
use vivero_store::SystemClock;

/// A record type at its first version.
#[derive(Debug, Clone, PartialEq, Record)]
#[record(table = "watering", resource = "watering")]
pub(crate) struct WateringOne {
    pub(crate) id: RecordId<Self>,
    #[record(unique, sort, max = 32)]
    pub(crate) code: String,
    #[record(sort)]
    pub(crate) litres: i64,
}

/// The same with a column, two indexes and a search more.
#[derive(Debug, Clone, PartialEq, Record)]
#[record(table = "watering", resource = "watering")]
pub(crate) struct WateringTwo {
    pub(crate) id: RecordId<Self>,
    #[record(unique, sort, max = 32)]
    pub(crate) code: String,
    #[record(sort)]
    pub(crate) litres: i64,
    #[record(filter, sort, max = 32)]
    pub(crate) valve: Option<String>,
}

pub(crate) const ONE: &[&Schema] = &[WateringOne::SCHEMA];
pub(crate) const TWO: &[&Schema] = &[WateringTwo::SCHEMA];

/// A migration of three steps.
pub(crate) fn beds(id: i64) -> Migration {
    Migration::new(id, "beds")
        .step(format!(
            "CREATE TABLE IF NOT EXISTS beds_{id} (n BIGINT PRIMARY KEY, area BIGINT NOT NULL)"
        ))
        .step_on(
            Engine::MariaDb,
            format!("ALTER TABLE beds_{id} ADD COLUMN IF NOT EXISTS note LONGTEXT"),
        )
        .step_on(Engine::Sqlite, format!("ALTER TABLE beds_{id} ADD COLUMN note TEXT"))
        .step(format!("CREATE INDEX IF NOT EXISTS beds_{id}_area ON beds_{id} (area)"))
}

pub(crate) fn slug(n: usize) -> Slug {
    format!("grower-{n:04}").parse().expect("a slug")
}

pub(crate) async fn provision(fleet: &Arc<dyn Fleet>, n: usize) -> Tenant {
    let at = SystemClock.now();
    let provision = Provision {
        id: TenantId::from_uuid(SeededIds::new(n as u64 + 1).id(at)),
        slug: slug(n),
        organization: "Grower".into(),
        operation_type: OperationType::Mixed,
        plan: Plan::Contract,
        at,
        key: None,
        fingerprint: None,
        seed: Vec::new(),
        entries: Vec::new(),
    };
    fleet.provision(provision).await.expect("provisioning")
}

/// What tests want of a run: no measuring, no long waits.
pub(crate) fn options() -> RunOptions {
    RunOptions {
        canary: Canary::Count(1),
        waves: vec![50],
        parallel: 4,
        slower: None,
        attempts: 2,
        lock_wait: 1,
        operator: "ada".into(),
        ..RunOptions::default()
    }
}

pub(crate) fn row<R: Record>(id: u64, record: R) -> Row {
    let now = SystemClock.now();
    let nobody = vivero_core::Uuid::nil();
    Row {
        seq: 0,
        id: vivero_core::Uuid::from_u128(u128::from(id)),
        version: 1,
        created_at: now,
        created_by: nobody,
        updated_at: now,
        updated_by: nobody,
        deleted_at: None,
        values: record.into_values(),
    }
}

pub(crate) async fn insert<R: Record>(
    store: &dyn TenantStore,
    id: u64,
    record: R,
) -> vivero_core::Result<()> {
    let mut work = store.begin().await?;
    work.insert(R::SCHEMA, vec![row(id, record)]).await?;
    work.commit().await
}

pub(crate) async fn list<R: Record>(
    store: &dyn TenantStore,
    filter: Predicate,
) -> vivero_core::Result<Vec<R>> {
    let rows = store.read().await?.list(R::SCHEMA, &Query::new(filter, 100)).await?;
    Ok(rows.into_iter().map(|r| Stored::<R>::from_row(r).expect("a record").record).collect())
}
