//! The registry: what is about tenants, and nothing that is theirs.

use crate::backend::{Backend, Sql, failed, read, read_text};
use crate::tenant::rows::{hash, id, int, text, time};
use chrono::{DateTime, Utc};
use sqlx::Pool;
use sqlx::pool::PoolConnection;
use vivero_core::ids::TenantId;
use vivero_core::journal::Anchor;
use vivero_core::record::Kind;
use vivero_core::tenant::{Plan, Tenant, TenantState};
use vivero_core::{Error, Result, Slug, Value};

const TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS tenants (id BLOB PRIMARY KEY, slug TEXT NOT NULL UNIQUE, organization TEXT NOT NULL, \
     operation_type TEXT NOT NULL, state TEXT NOT NULL, plan TEXT NOT NULL, generation INTEGER NOT NULL, \
     schema_version INTEGER NOT NULL, version INTEGER NOT NULL, created_at INTEGER NOT NULL, \
     changed_at INTEGER NOT NULL, provision_key TEXT UNIQUE, provision_fingerprint TEXT) STRICT",
    "CREATE INDEX IF NOT EXISTS tenants_state ON tenants (state)",
    "CREATE TABLE IF NOT EXISTS audit_anchors (tenant_id BLOB PRIMARY KEY, position INTEGER NOT NULL, \
     hash BLOB NOT NULL, at INTEGER NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, secret BLOB NOT NULL) STRICT",
];

const TENANT: &str = "id, slug, organization, operation_type, state, plan, generation, schema_version, version, created_at";

/// The registry on any driver.
pub(crate) struct Registry<B: Backend> {
    readers: Pool<B>,
    writer: Pool<B>,
}

/// What a request for a tenant finds in the registry.
pub(crate) enum Reserved {
    /// The name is this request's: go on making the database.
    Ours(Box<Tenant>),
    /// A former request with the same key finished.
    Done(Box<Tenant>),
}

impl<B: Backend> Registry<B> {
    pub(crate) async fn open(readers: Pool<B>, writer: Pool<B>) -> Result<Self> {
        let registry = Self { readers, writer };
        let mut transaction = B::begin(&registry.writer).await.map_err(failed)?;
        for sql in TABLES {
            Sql::<B>::new(*sql).execute(&mut transaction).await?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(registry)
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn reader(&self) -> Result<PoolConnection<B>> {
        self.readers.acquire().await.map_err(failed)
    }

    pub(crate) async fn ping(&self) -> Result<()> {
        Sql::<B>::new("SELECT 1").fetch(&mut *self.reader().await?).await?;
        Ok(())
    }

    /// Takes the slug, or finds what a former request with the same key left.
    pub(crate) async fn reserve(
        &self,
        tenant: &Tenant,
        key: Option<&str>,
        fingerprint: Option<&str>,
    ) -> Result<Reserved> {
        let mut transaction = B::begin(&self.writer).await.map_err(failed)?;
        if let Some(key) = key {
            let sql = format!(
                "SELECT {TENANT}, provision_fingerprint FROM tenants WHERE provision_key = ?"
            );
            let rows =
                Sql::<B>::new(sql).with(Value::Text(key.into())).fetch(&mut transaction).await?;
            if let Some(row) = rows.first() {
                let found = decode::<B>(row)?;
                if read_text::<B>(row, 10)?.as_deref() != fingerprint {
                    return Err(Error::IdempotencyMismatch);
                }
                return Ok(match found.state {
                    TenantState::Provisioning => Reserved::Ours(Box::new(found)),
                    _ => Reserved::Done(Box::new(found)),
                });
            }
        }
        let plan = serde_json::to_string(&tenant.plan)
            .map_err(|e| Error::internal("writing a plan", e))?;
        Sql::<B>::new(format!(
            "INSERT INTO tenants ({TENANT}, changed_at, provision_key, provision_fingerprint) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ))
        .with(Value::Id(tenant.id.uuid()))
        .with(Value::Text(tenant.slug.to_string()))
        .with(Value::Text(tenant.organization.clone()))
        .with(Value::Text(tenant.operation_type.to_string()))
        .with(Value::Text(tenant.state.to_string()))
        .with(Value::Text(plan))
        .with(Value::Int(tenant.generation))
        .with(Value::Int(tenant.schema_version))
        .with(Value::Int(tenant.version))
        .with(Value::Time(tenant.created_at))
        .with(Value::Time(tenant.created_at))
        .with(key.map_or(Value::Null, |k| Value::Text(k.into())))
        .with(fingerprint.map_or(Value::Null, |f| Value::Text(f.into())))
        .execute_unique(&mut transaction, "tenant")
        .await?;
        transaction.commit().await.map_err(failed)?;
        Ok(Reserved::Ours(Box::new(tenant.clone())))
    }

    /// Gives a slug free again, after its database is known to be gone.
    pub(crate) async fn release(&self, tenant: TenantId) -> Result<()> {
        let mut connection = self.writer.acquire().await.map_err(failed)?;
        Sql::<B>::new("DELETE FROM tenants WHERE id = ? AND state = 'provisioning'")
            .with(Value::Id(tenant.uuid()))
            .execute(&mut connection)
            .await?;
        Ok(())
    }

    pub(crate) async fn set_state(
        &self,
        tenant: TenantId,
        to: TenantState,
        version: i64,
        at: DateTime<Utc>,
    ) -> Result<Tenant> {
        let mut connection = self.writer.acquire().await.map_err(failed)?;
        let changed = Sql::<B>::new(
            "UPDATE tenants SET state = ?, version = version + 1, changed_at = ? WHERE id = ? AND version = ?",
        )
        .with(Value::Text(to.to_string()))
        .with(Value::Time(at))
        .with(Value::Id(tenant.uuid()))
        .with(Value::Int(version))
        .execute(&mut connection)
        .await?;
        drop(connection);
        let now = self
            .find("id", Value::Id(tenant.uuid()))
            .await?
            .ok_or_else(|| Error::not_found("tenant"))?;
        if changed == 0 {
            return Err(Error::Conflict {
                resource: "tenant".into(),
                current_version: now.version,
                fields: Vec::new(),
            });
        }
        Ok(now)
    }

    /// The tenant whose `column` (`id` or `slug`) has `value`.
    pub(crate) async fn find(&self, column: &'static str, value: Value) -> Result<Option<Tenant>> {
        let sql = format!("SELECT {TENANT} FROM tenants WHERE {column} = ?");
        let rows = Sql::<B>::new(sql).with(value).fetch(&mut *self.reader().await?).await?;
        rows.first().map(decode::<B>).transpose()
    }

    pub(crate) async fn list(&self, after: Option<&str>, limit: u32) -> Result<Vec<Tenant>> {
        Sql::<B>::new(format!("SELECT {TENANT} FROM tenants WHERE slug > ? ORDER BY slug LIMIT ?"))
            .with(Value::Text(after.unwrap_or_default().into()))
            .with(Value::Int(limit.into()))
            .fetch(&mut *self.reader().await?)
            .await?
            .iter()
            .map(decode::<B>)
            .collect()
    }

    pub(crate) async fn unfinished(&self) -> Result<Vec<Tenant>> {
        Sql::<B>::new(format!("SELECT {TENANT} FROM tenants WHERE state = 'provisioning'"))
            .fetch(&mut *self.reader().await?)
            .await?
            .iter()
            .map(decode::<B>)
            .collect()
    }

    pub(crate) async fn number(&self) -> Result<u64> {
        let rows =
            Sql::<B>::new("SELECT count(*) FROM tenants").fetch(&mut *self.reader().await?).await?;
        let number = rows.first().map(|row| crate::backend::read_int::<B>(row, 0)).transpose()?;
        Ok(u64::try_from(number.unwrap_or(0)).unwrap_or(0))
    }

    pub(crate) async fn anchor(&self, tenant: TenantId) -> Result<Option<Anchor>> {
        let rows = Sql::<B>::new("SELECT position, hash FROM audit_anchors WHERE tenant_id = ?")
            .with(Value::Id(tenant.uuid()))
            .fetch(&mut *self.reader().await?)
            .await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(Anchor {
            position: u64::try_from(int(read::<B>(row, 0, Kind::Int)?)).unwrap_or(0),
            hash: hash(read::<B>(row, 1, Kind::Bytes)?)?,
        }))
    }

    pub(crate) async fn set_anchor(
        &self,
        tenant: TenantId,
        anchor: Anchor,
        at: DateTime<Utc>,
    ) -> Result<()> {
        let mut transaction = B::begin(&self.writer).await.map_err(failed)?;
        let position = Value::Int(i64::try_from(anchor.position).unwrap_or(i64::MAX));
        let rows = Sql::<B>::new("SELECT position FROM audit_anchors WHERE tenant_id = ?")
            .with(Value::Id(tenant.uuid()))
            .fetch(&mut transaction)
            .await?;
        let old = rows.first().map(|row| crate::backend::read_int::<B>(row, 0)).transpose()?;
        if old.is_some_and(|old| u64::try_from(old).unwrap_or(0) >= anchor.position) {
            return Ok(());
        }
        let sql = if old.is_some() {
            "UPDATE audit_anchors SET position = ?, hash = ?, at = ? WHERE tenant_id = ?"
        } else {
            "INSERT INTO audit_anchors (position, hash, at, tenant_id) VALUES (?, ?, ?, ?)"
        };
        Sql::<B>::new(sql)
            .with(position)
            .with(Value::Bytes(anchor.hash.to_vec()))
            .with(Value::Time(at))
            .with(Value::Id(tenant.uuid()))
            .execute(&mut transaction)
            .await?;
        transaction.commit().await.map_err(failed)
    }

    pub(crate) async fn secret(&self, name: &str, fresh: Vec<u8>) -> Result<Vec<u8>> {
        let mut transaction = B::begin(&self.writer).await.map_err(failed)?;
        let rows = Sql::<B>::new("SELECT secret FROM secrets WHERE name = ?")
            .with(Value::Text(name.into()))
            .fetch(&mut transaction)
            .await?;
        if let Some(row) = rows.first() {
            return match read::<B>(row, 0, Kind::Bytes)? {
                Value::Bytes(secret) => Ok(secret),
                _ => Err(Error::corrupt(format!("secret {name}"))),
            };
        }
        Sql::<B>::new("INSERT INTO secrets (name, secret) VALUES (?, ?)")
            .with(Value::Text(name.into()))
            .with(Value::Bytes(fresh.clone()))
            .execute(&mut transaction)
            .await?;
        transaction.commit().await.map_err(failed)?;
        Ok(fresh)
    }
}

fn decode<B: Backend>(row: &B::Row) -> Result<Tenant> {
    let bad = |what: &str| Error::corrupt(format!("registry: tenants.{what}"));
    let col = |i, kind| read::<B>(row, i, kind);
    let word = |i| col(i, Kind::Text).map(text);
    let plan: Plan = serde_json::from_str(&word(5)?).map_err(|_| bad("plan"))?;
    Ok(Tenant {
        id: TenantId::from_uuid(id(col(0, Kind::Id)?)),
        slug: word(1)?.parse::<Slug>().map_err(|_| bad("slug"))?,
        organization: word(2)?,
        operation_type: word(3)?.parse().map_err(|_| bad("operation_type"))?,
        state: word(4)?.parse().map_err(|_| bad("state"))?,
        plan,
        generation: int(col(6, Kind::Int)?),
        schema_version: int(col(7, Kind::Int)?),
        version: int(col(8, Kind::Int)?),
        created_at: time(col(9, Kind::Time)?).ok_or_else(|| bad("created_at"))?,
    })
}
