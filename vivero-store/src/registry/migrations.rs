//! Which version each tenant's tables have, and the runs of migrations.

use super::{FIND_KINDS, Registry, TENANT, decode};
use crate::backend::{Backend, Cells, Sql};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use uuid::Uuid;
use vivero_core::ids::TenantId;
use vivero_core::migration::{RunOptions, RunState, TenantRun, TenantRunState};
use vivero_core::record::Kind;
use vivero_core::tenant::Tenant;
use vivero_core::{Error, Result, Value};

/// A tenant and the version of its tables, as far as it is known.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) tenant: Tenant,
    pub(crate) fingerprint: Option<String>,
}

/// A run, without the numbers of its tenants.
#[derive(Debug, Clone)]
pub(crate) struct RunRow {
    pub(crate) id: Uuid,
    pub(crate) target: String,
    pub(crate) state: RunState,
    pub(crate) reason: Option<String>,
    pub(crate) ring: u32,
    pub(crate) rings: u32,
    pub(crate) operator: String,
    pub(crate) options: RunOptions,
    pub(crate) token: u64,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
}

/// A tenant of a run.
#[derive(Debug, Clone)]
pub(crate) struct TenantRow {
    pub(crate) tenant: TenantId,
    pub(crate) run: TenantRun,
    /// The generation whose tables now have the run's version, if they do.
    pub(crate) reached: Option<i64>,
}

const RUN: &str =
    "id, target, state, reason, ring, rings, operator, options, token, started_at, finished_at";
const RUN_KINDS: [Kind; 11] = [
    Kind::Id,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Int,
    Kind::Int,
    Kind::Text,
    Kind::Text,
    Kind::Int,
    Kind::Time,
    Kind::Time,
];
/// Rows of one statement.
const AT_ONCE: usize = 500;

fn number(n: u64) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}
fn text(text: Option<&String>) -> Value {
    text.map_or(Value::Null, |t| Value::Text(t.clone()))
}
fn small(n: i64) -> u32 {
    u32::try_from(n).unwrap_or(0)
}
fn marks(n: usize) -> String {
    vec!["?"; n].join(", ")
}

impl<B: Backend> Registry<B> {
    /// The tenants whose databases are there, by slug.
    pub(crate) async fn standings(&self) -> Result<Vec<Standing>> {
        let columns = TENANT.split(", ").map(|c| format!("t.{c}")).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT {columns}, coalesce(m.neutral, 0), s.fingerprint FROM tenants t \
             LEFT JOIN tenant_marks m ON m.tenant_id = t.id \
             LEFT JOIN tenant_schemas s ON s.tenant_id = t.id AND s.generation = t.generation \
             WHERE t.state IN ('active', 'suspended') ORDER BY t.slug"
        );
        let kinds: Vec<Kind> = FIND_KINDS.into_iter().chain([Kind::Text]).collect();
        let rows = Sql::new(sql).long().fetch::<B>(&mut *self.reader().await?, &kinds).await?;
        let standing = |mut row: Cells| {
            let fingerprint = row.opt_text(11);
            Ok(Standing { fingerprint, tenant: decode(row)? })
        };
        rows.into_iter().map(standing).collect()
    }

    /// Notes the version of one tenant's tables.
    pub(crate) async fn note_schema(
        &self,
        tenant: &Tenant,
        fingerprint: &str,
        at: DateTime<Utc>,
    ) -> Result<()> {
        let mut transaction = B::begin(&self.writer).await?;
        let one = [(tenant.id, tenant.generation)];
        note::<B>(&mut transaction, &one, fingerprint, at).await?;
        B::commit(transaction, ()).await
    }

    /// Registers an integrator's migrations; the checksum of one that is known already must be the same.
    /// Gives the id and name of the first that was changed.
    pub(crate) async fn edited_migration(
        &self,
        all: &[(i64, String, String)],
        register: Option<DateTime<Utc>>,
    ) -> Result<Option<(i64, String)>> {
        let rows = Sql::new("SELECT id, checksum FROM migrations")
            .fetch::<B>(&mut *self.reader().await?, &[Kind::Int, Kind::Text])
            .await?;
        let known: HashMap<i64, String> =
            rows.into_iter().map(|mut row| (row.int(0), row.text(1))).collect();
        let changed = all.iter().find(|(id, _, sum)| known.get(id).is_some_and(|k| k != sum));
        if let Some((id, name, _)) = changed {
            return Ok(Some((*id, name.clone())));
        }
        let fresh: Vec<_> = all.iter().filter(|(id, ..)| !known.contains_key(id)).collect();
        if let (Some(at), false) = (register, fresh.is_empty()) {
            let mut transaction = B::begin(&self.writer).await?;
            for (id, name, sum) in fresh {
                Sql::new("INSERT INTO migrations (id, name, checksum, at) VALUES (?, ?, ?, ?)")
                    .with(Value::Int(*id))
                    .with(Value::Text(name.clone()))
                    .with(Value::Text(sum.clone()))
                    .with(Value::Time(at))
                    .execute::<B>(&mut transaction)
                    .await?;
            }
            B::commit(transaction, ()).await?;
        }
        Ok(None)
    }

    /// Puts a run with its tenants on record; what is recorded as running was cut off.
    pub(crate) async fn begin_run(&self, run: &RunRow, tenants: &[TenantRow]) -> Result<()> {
        let mut transaction = B::begin(&self.writer).await?;
        Sql::new("UPDATE migration_runs SET state = 'interrupted' WHERE state = 'running'")
            .execute::<B>(&mut transaction)
            .await?;
        let options = serde_json::to_string(&run.options)
            .map_err(|e| Error::internal("writing options", e))?;
        Sql::new(format!("INSERT INTO migration_runs ({RUN}) VALUES ({})", marks(11)))
            .with(Value::Id(run.id))
            .with(Value::Text(run.target.clone()))
            .with(Value::Text(run.state.to_string()))
            .with(Value::Null)
            .with(Value::Int(run.ring.into()))
            .with(Value::Int(run.rings.into()))
            .with(Value::Text(run.operator.clone()))
            .with(Value::Text(options))
            .with(number(run.token))
            .with(Value::Time(run.started_at))
            .with(Value::Null)
            .execute::<B>(&mut transaction)
            .await?;
        put::<B>(&mut transaction, run.id, tenants).await?;
        B::commit(transaction, ()).await
    }

    /// Notes how a run stands; `false` if another one has begun since, whose token is newer.
    pub(crate) async fn note_run(&self, run: &RunRow) -> Result<bool> {
        let mut transaction = B::begin(&self.writer).await?;
        let changed = Sql::new(
            "UPDATE migration_runs SET state = ?, reason = ?, ring = ?, rings = ?, operator = ?, token = ?, \
             finished_at = ? WHERE id = ? AND token <= ? \
             AND NOT EXISTS (SELECT 1 FROM leases WHERE name = 'migrations' AND token > ?)",
        )
        .with(Value::Text(run.state.to_string()))
        .with(text(run.reason.as_ref()))
        .with(Value::Int(run.ring.into()))
        .with(Value::Int(run.rings.into()))
        .with(Value::Text(run.operator.clone()))
        .with(number(run.token))
        .with(run.finished_at.map_or(Value::Null, Value::Time))
        .with(Value::Id(run.id))
        .with(number(run.token))
        .with(number(run.token))
        .execute::<B>(&mut transaction)
        .await?;
        B::commit(transaction, ()).await?;
        Ok(changed > 0)
    }

    /// Notes how tenants of a run stand; `false`, and nothing noted, if it was overtaken.
    pub(crate) async fn settle(
        &self,
        run: &RunRow,
        tenants: &[TenantRow],
        at: DateTime<Utc>,
    ) -> Result<bool> {
        let mut transaction = B::begin(&self.writer).await?;
        let newest = Sql::new("SELECT token FROM leases WHERE name = 'migrations'")
            .number::<B>(&mut transaction)
            .await?;
        if newest.is_some_and(|token| u64::try_from(token).unwrap_or(0) > run.token) {
            return Ok(false);
        }
        for some in tenants.chunks(AT_ONCE) {
            let mut sql = Sql::new(format!(
                "DELETE FROM migration_tenants WHERE run_id = ? AND tenant_id IN ({})",
                marks(some.len())
            ));
            sql.bind(Value::Id(run.id));
            for row in some {
                sql.bind(Value::Id(row.tenant.uuid()));
            }
            sql.execute::<B>(&mut transaction).await?;
        }
        put::<B>(&mut transaction, run.id, tenants).await?;
        let reached: Vec<(TenantId, i64)> =
            tenants.iter().filter_map(|t| t.reached.map(|g| (t.tenant, g))).collect();
        note::<B>(&mut transaction, &reached, &run.target, at).await?;
        B::commit(transaction, ()).await?;
        Ok(true)
    }

    /// Runs, the one that was last begun or gone on with first; one, if it is named.
    pub(crate) async fn run_rows(&self, id: Option<Uuid>, limit: u32) -> Result<Vec<RunRow>> {
        let mut sql = Sql::new(format!("SELECT {RUN} FROM migration_runs"));
        if let Some(id) = id {
            sql.add(" WHERE id = ?").bind(Value::Id(id));
        }
        sql.add(" ORDER BY token DESC LIMIT ?").bind(Value::Int(limit.into()));
        let rows = sql.fetch::<B>(&mut *self.reader().await?, &RUN_KINDS).await?;
        rows.into_iter().map(run).collect()
    }

    /// How many tenants of a run are in which state.
    pub(crate) async fn tally(&self, run: Uuid) -> Result<HashMap<TenantRunState, u64>> {
        let sql = "SELECT state, count(*) FROM migration_tenants WHERE run_id = ? GROUP BY state";
        let rows = Sql::new(sql)
            .with(Value::Id(run))
            .fetch::<B>(&mut *self.reader().await?, &[Kind::Text, Kind::Int])
            .await?;
        let entry = |mut row: Cells| {
            let bad = |_| Error::corrupt("registry: migration_tenants.state");
            Ok((row.text(0).parse().map_err(bad)?, row.natural(1)))
        };
        rows.into_iter().map(entry).collect()
    }

    /// The tenants of a run, by slug.
    pub(crate) async fn tenant_rows(
        &self,
        run: Uuid,
        state: Option<TenantRunState>,
    ) -> Result<Vec<TenantRow>> {
        let mut sql = Sql::new(
            "SELECT tenant_id, slug, ring, state, step, error, attempts, micros FROM migration_tenants WHERE run_id = ?",
        );
        sql.bind(Value::Id(run));
        if let Some(state) = state {
            sql.add(" AND state = ?").bind(Value::Text(state.to_string()));
        }
        sql.add(" ORDER BY slug");
        let kinds = [
            Kind::Id,
            Kind::Text,
            Kind::Int,
            Kind::Text,
            Kind::Text,
            Kind::Text,
            Kind::Int,
            Kind::Int,
        ];
        let rows = sql.fetch::<B>(&mut *self.reader().await?, &kinds).await?;
        rows.into_iter().map(tenant).collect()
    }
}

async fn put<B: Backend>(
    connection: &mut B::Connection,
    run: Uuid,
    tenants: &[TenantRow],
) -> Result<()> {
    let head = "INSERT INTO migration_tenants (run_id, tenant_id, slug, ring, state, step, error, attempts, micros) VALUES ";
    for some in tenants.chunks(AT_ONCE) {
        let rows = some.iter().map(|row| {
            vec![
                Value::Id(run),
                Value::Id(row.tenant.uuid()),
                Value::Text(row.run.slug.to_string()),
                Value::Int(row.run.ring.into()),
                Value::Text(row.run.state.to_string()),
                text(row.run.step.as_ref()),
                text(row.run.error.as_ref()),
                Value::Int(row.run.attempts.into()),
                number(row.run.micros),
            ]
        });
        B::insert(connection, head, rows.collect()).await.map_err(Into::into)?;
    }
    Ok(())
}

pub(super) async fn note<B: Backend>(
    connection: &mut B::Connection,
    tenants: &[(TenantId, i64)],
    fingerprint: &str,
    at: DateTime<Utc>,
) -> Result<()> {
    for some in tenants.chunks(AT_ONCE) {
        let mut sql = Sql::new(format!(
            "DELETE FROM tenant_schemas WHERE tenant_id IN ({})",
            marks(some.len())
        ));
        for (tenant, _) in some {
            sql.bind(Value::Id(tenant.uuid()));
        }
        sql.execute::<B>(connection).await?;
        let rows = some.iter().map(|(tenant, generation)| {
            vec![
                Value::Id(tenant.uuid()),
                Value::Int(*generation),
                Value::Text(fingerprint.to_owned()),
                Value::Time(at),
            ]
        });
        let head = "INSERT INTO tenant_schemas (tenant_id, generation, fingerprint, at) VALUES ";
        B::insert(connection, head, rows.collect()).await.map_err(Into::into)?;
    }
    Ok(())
}

fn run(mut row: Cells) -> Result<RunRow> {
    let bad = |what: &str| Error::corrupt(format!("registry: migration_runs.{what}"));
    Ok(RunRow {
        id: row.id(0),
        target: row.text(1),
        state: row.text(2).parse().map_err(|_| bad("state"))?,
        reason: row.opt_text(3),
        ring: small(row.int(4)),
        rings: small(row.int(5)),
        operator: row.text(6),
        options: serde_json::from_str(&row.text(7)).map_err(|_| bad("options"))?,
        token: row.natural(8),
        started_at: row.time(9).ok_or_else(|| bad("started_at"))?,
        finished_at: row.time(10),
    })
}

fn tenant(mut row: Cells) -> Result<TenantRow> {
    let bad = |what: &str| Error::corrupt(format!("registry: migration_tenants.{what}"));
    Ok(TenantRow {
        tenant: TenantId::from_uuid(row.id(0)),
        run: TenantRun {
            slug: row.text(1).parse().map_err(|_| bad("slug"))?,
            ring: small(row.int(2)),
            state: row.text(3).parse().map_err(|_| bad("state"))?,
            step: row.opt_text(4),
            error: row.opt_text(5),
            attempts: small(row.int(6)),
            micros: row.natural(7),
        },
        reached: None,
    })
}
