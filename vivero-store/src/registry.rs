//! The registry: what is about tenants, and nothing that is theirs.

mod events;
mod leases;
#[cfg(feature = "mariadb")]
mod lost;
mod migrations;
mod operations;

pub(crate) use migrations::{RunRow, Standing, TenantRow};

use crate::backend::{Backend, Cells, Sql};
use chrono::{DateTime, Utc};
use vivero_core::ids::TenantId;
use vivero_core::journal::Anchor;
use vivero_core::record::Kind;
use vivero_core::tenant::{Plan, Tenant, TenantState};
use vivero_core::{Error, Result, Slug, Value};

const TENANT: &str = "id, slug, organization, operation_type, state, plan, generation, schema_version, version, created_at";

/// What a tenant is read from: its row and what is marked of it.
const FIND: &str = "id, slug, organization, operation_type, state, plan, generation, schema_version, version, \
     created_at, coalesce(neutral, 0) FROM tenants LEFT JOIN tenant_marks ON tenant_id = id";

/// Kinds of the columns of [`FIND`].
const FIND_KINDS: [Kind; 11] = [
    Kind::Id,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Int,
    Kind::Int,
    Kind::Int,
    Kind::Time,
    Kind::Int,
];

/// The registry on any driver.
pub(crate) struct Registry<B: Backend> {
    readers: B::Pool,
    writer: B::Pool,
}

/// What a request for a tenant finds in the registry.
pub(crate) enum Reserved {
    /// The name is this request's: go on making the database.
    Ours(Box<Tenant>),
    /// A former request with the same key finished.
    Done(Box<Tenant>),
}

impl<B: Backend> Registry<B> {
    pub(crate) async fn open(readers: B::Pool, writer: B::Pool) -> Result<Self> {
        let registry = Self { readers, writer };
        let mut transaction = B::define(&registry.writer).await?;
        for sql in B::REGISTRY {
            Sql::new(*sql).execute::<B>(&mut transaction).await?;
        }
        B::commit(transaction, ()).await?;
        Ok(registry)
    }

    pub(crate) async fn close(&self) {
        B::close(&self.readers).await;
        B::close(&self.writer).await;
    }

    pub(crate) async fn reader(&self) -> Result<B::Leased> {
        B::acquire(&self.readers).await
    }

    pub(crate) async fn ping(&self) -> Result<()> {
        Sql::new("SELECT 1").number::<B>(&mut *self.reader().await?).await?;
        Ok(())
    }

    /// The first row of a query on a table of the engine's own.
    #[cfg(feature = "mariadb")]
    pub(crate) async fn read(&self, sql: Sql, kinds: &[Kind]) -> Result<Option<Cells>> {
        sql.first::<B>(&mut *self.reader().await?, kinds).await
    }

    /// All rows of a query on a table of the engine's own.
    #[cfg(feature = "mariadb")]
    pub(crate) async fn read_all(&self, sql: Sql, kinds: &[Kind]) -> Result<Vec<Cells>> {
        sql.fetch::<B>(&mut *self.reader().await?, kinds).await
    }

    /// Begins to change tables of the engine's own.
    #[cfg(feature = "mariadb")]
    pub(crate) async fn begin(&self) -> Result<B::Transaction> {
        B::begin(&self.writer).await
    }

    /// Changes a table of the engine's own.
    #[cfg(feature = "mariadb")]
    pub(crate) async fn write(&self, sql: Sql) -> Result<()> {
        let mut transaction = B::begin(&self.writer).await?;
        sql.execute::<B>(&mut transaction).await?;
        B::commit(transaction, ()).await
    }

    /// Takes the slug, or finds what a former request with the same key left.
    pub(crate) async fn reserve(
        &self,
        tenant: &Tenant,
        key: Option<&str>,
        fingerprint: Option<&str>,
    ) -> Result<Reserved> {
        let mut transaction = B::begin(&self.writer).await?;
        if let Some(found) = Self::reserve_in(&mut transaction, tenant, key, fingerprint).await? {
            return Ok(found);
        }
        B::commit(transaction, ()).await?;
        Ok(Reserved::Ours(Box::new(tenant.clone())))
    }

    /// The same within the caller's transaction; nothing if the name was free and is this request's now.
    pub(crate) async fn reserve_in(
        transaction: &mut B::Transaction,
        tenant: &Tenant,
        key: Option<&str>,
        fingerprint: Option<&str>,
    ) -> Result<Option<Reserved>> {
        if let Some(key) = key {
            let key = || Value::Text(key.into());
            let sql = "SELECT provision_fingerprint FROM tenants WHERE provision_key = ?";
            let noted =
                Sql::new(sql).with(key()).first::<B>(&mut *transaction, &[Kind::Text]).await?;
            let sql = Sql::new(format!("SELECT {FIND} WHERE provision_key = ?")).with(key());
            if let Some(row) = sql.first::<B>(&mut *transaction, &FIND_KINDS).await? {
                let noted = noted.and_then(|mut row| row.opt_text(0));
                let found = decode(row)?;
                if noted.as_deref() != fingerprint {
                    return Err(Error::IdempotencyMismatch);
                }
                return Ok(Some(match found.state {
                    TenantState::Provisioning => Reserved::Ours(Box::new(found)),
                    _ => Reserved::Done(Box::new(found)),
                }));
            }
        }
        Self::insert(&mut *transaction, tenant, key, fingerprint).await?;
        Ok(None)
    }

    /// Makes a tenant active whose database is made, and notes the version of its tables: one commit.
    #[cfg(feature = "mariadb")]
    pub(crate) async fn activate(
        &self,
        tenant: &Tenant,
        fingerprint: &str,
        at: DateTime<Utc>,
    ) -> Result<Tenant> {
        let mut transaction = B::begin(&self.writer).await?;
        let changed = Sql::new(
            "UPDATE tenants SET state = ?, version = version + 1, changed_at = ? WHERE id = ? AND version = ?",
        )
        .with(Value::Text(TenantState::Active.to_string()))
        .with(Value::Time(at))
        .with(Value::Id(tenant.id.uuid()))
        .with(Value::Int(tenant.version))
        .execute::<B>(&mut transaction)
        .await?;
        if changed == 0 {
            drop(transaction);
            // Says what has become of it.
            return self.set_state(tenant.id, TenantState::Active, tenant.version, at).await;
        }
        let one = [(tenant.id, tenant.generation)];
        migrations::note::<B>(&mut transaction, &one, fingerprint, at).await?;
        events::note::<B>(&mut transaction, tenant.id, None).await?;
        B::commit(transaction, ()).await?;
        let (state, version) = (TenantState::Active, tenant.version + 1);
        Ok(Tenant { state, version, ..tenant.clone() })
    }

    /// Adds a tenant's row.
    async fn insert(
        connection: &mut B::Connection,
        tenant: &Tenant,
        key: Option<&str>,
        fingerprint: Option<&str>,
    ) -> Result<()> {
        let plan = serde_json::to_string(&tenant.plan)
            .map_err(|e| Error::internal("writing a plan", e))?;
        Sql::new(format!(
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
        .execute_unique::<B>(connection, "tenant")
        .await?;
        events::note::<B>(connection, tenant.id, None).await
    }

    /// Gives a slug free again, after its database is known to be gone.
    pub(crate) async fn release(&self, tenant: TenantId) -> Result<()> {
        let mut transaction = B::begin(&self.writer).await?;
        let gone = Sql::new("DELETE FROM tenants WHERE id = ? AND state = 'provisioning'")
            .with(Value::Id(tenant.uuid()))
            .execute::<B>(&mut transaction)
            .await?;
        if gone > 0 {
            events::forget::<B>(&mut transaction, tenant).await?;
        }
        B::commit(transaction, ()).await
    }

    pub(crate) async fn set_state(
        &self,
        tenant: TenantId,
        to: TenantState,
        version: i64,
        at: DateTime<Utc>,
    ) -> Result<Tenant> {
        let mut transaction = B::begin(&self.writer).await?;
        let changed = Sql::new(
            "UPDATE tenants SET state = ?, version = version + 1, changed_at = ? WHERE id = ? AND version = ?",
        )
        .with(Value::Text(to.to_string()))
        .with(Value::Time(at))
        .with(Value::Id(tenant.uuid()))
        .with(Value::Int(version))
        .execute::<B>(&mut transaction)
        .await?;
        if changed > 0 {
            events::note::<B>(&mut transaction, tenant, None).await?;
        }
        B::commit(transaction, ()).await?;
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
        let sql = format!("SELECT {FIND} WHERE {column} = ?");
        let sql = Sql::new(sql).with(value);
        sql.first::<B>(&mut *self.reader().await?, &FIND_KINDS).await?.map(decode).transpose()
    }

    pub(crate) async fn list(&self, after: Option<&str>, limit: u32) -> Result<Vec<Tenant>> {
        Sql::new(format!("SELECT {FIND} WHERE slug > ? ORDER BY slug LIMIT ?"))
            .with(Value::Text(after.unwrap_or_default().into()))
            .with(Value::Int(limit.into()))
            .fetch::<B>(&mut *self.reader().await?, &FIND_KINDS)
            .await?
            .into_iter()
            .map(decode)
            .collect()
    }

    pub(crate) async fn unfinished(&self) -> Result<Vec<Tenant>> {
        Sql::new(format!("SELECT {FIND} WHERE state = 'provisioning'"))
            .fetch::<B>(&mut *self.reader().await?, &FIND_KINDS)
            .await?
            .into_iter()
            .map(decode)
            .collect()
    }

    pub(crate) async fn number(&self) -> Result<u64> {
        let sql = Sql::new("SELECT count(*) FROM tenants");
        let number = sql.number::<B>(&mut *self.reader().await?).await?;
        Ok(u64::try_from(number.unwrap_or(0)).unwrap_or(0))
    }

    pub(crate) async fn anchor(&self, tenant: TenantId) -> Result<Option<Anchor>> {
        let row = Sql::new("SELECT position, hash FROM audit_anchors WHERE tenant_id = ?")
            .with(Value::Id(tenant.uuid()))
            .first::<B>(&mut *self.reader().await?, &[Kind::Int, Kind::Bytes])
            .await?;
        row.map(|row| Ok(Anchor { position: row.natural(0), hash: row.hash(1)? })).transpose()
    }

    /// The generation a tenant has, and the head of its chain that was anchored last, if one was.
    pub(crate) async fn anchored(&self, tenant: TenantId) -> Result<Option<(i64, Anchor)>> {
        let row = Sql::new(
            "SELECT generation, position, hash FROM tenants JOIN audit_anchors ON tenant_id = id WHERE id = ?",
        )
        .with(Value::Id(tenant.uuid()))
        .first::<B>(&mut *self.reader().await?, &[Kind::Int, Kind::Int, Kind::Bytes])
        .await?;
        let anchor =
            |row: Cells| Ok((row.int(0), Anchor { position: row.natural(1), hash: row.hash(2)? }));
        row.map(anchor).transpose()
    }

    /// Anchors a head in place of whatever was, if the tenant is of that generation.
    pub(crate) async fn replace_anchor(
        &self,
        tenant: &Tenant,
        anchor: Anchor,
        at: DateTime<Utc>,
    ) -> Result<()> {
        let mut transaction = B::begin(&self.writer).await?;
        let id = Value::Id(tenant.id.uuid());
        let is_of = Sql::new("SELECT 1 FROM tenants WHERE id = ? AND generation = ?")
            .with(id.clone())
            .with(Value::Int(tenant.generation));
        if is_of.first::<B>(&mut transaction, &[Kind::Int]).await?.is_none() {
            return Ok(());
        }
        Sql::new("DELETE FROM audit_anchors WHERE tenant_id = ?")
            .with(id.clone())
            .execute::<B>(&mut transaction)
            .await?;
        Sql::new("INSERT INTO audit_anchors (position, hash, at, tenant_id) VALUES (?, ?, ?, ?)")
            .with(Value::Int(i64::try_from(anchor.position).unwrap_or(i64::MAX)))
            .with(Value::Bytes(anchor.hash.to_vec()))
            .with(Value::Time(at))
            .with(id)
            .execute::<B>(&mut transaction)
            .await?;
        B::commit(transaction, ()).await
    }

    /// Anchors a head; one that is older than what is stored is ignored, and one of another `generation` than the
    /// tenant has: what a process still seals in a database that was replaced is not the tenant's chain.
    pub(crate) async fn set_anchor(
        &self,
        (tenant, generation): (TenantId, Option<i64>),
        anchor: Anchor,
        at: DateTime<Utc>,
    ) -> Result<()> {
        let mut transaction = B::begin(&self.writer).await?;
        let position = Value::Int(i64::try_from(anchor.position).unwrap_or(i64::MAX));
        let row = Sql::new(
            "SELECT generation, position FROM tenants LEFT JOIN audit_anchors ON tenant_id = id WHERE id = ?",
        )
        .with(Value::Id(tenant.uuid()))
        .first::<B>(&mut transaction, &[Kind::Int, Kind::Int])
        .await?;
        let Some(row) = row else { return Ok(()) };
        if generation.is_some_and(|generation| row.int(0) != generation) {
            return Ok(());
        }
        let old = if row.is_null(1) { None } else { Some(row.int(1)) };
        if old.is_some_and(|old| u64::try_from(old).unwrap_or(0) >= anchor.position) {
            return Ok(());
        }
        let sql = if old.is_some() {
            "UPDATE audit_anchors SET position = ?, hash = ?, at = ? WHERE tenant_id = ?"
        } else {
            "INSERT INTO audit_anchors (position, hash, at, tenant_id) VALUES (?, ?, ?, ?)"
        };
        Sql::new(sql)
            .with(position)
            .with(Value::Bytes(anchor.hash.to_vec()))
            .with(Value::Time(at))
            .with(Value::Id(tenant.uuid()))
            .execute::<B>(&mut transaction)
            .await?;
        B::commit(transaction, ()).await
    }

    pub(crate) async fn secret(&self, name: &str, fresh: Vec<u8>) -> Result<Vec<u8>> {
        let mut transaction = B::begin(&self.writer).await?;
        let found = Sql::new("SELECT secret FROM secrets WHERE name = ?")
            .with(Value::Text(name.into()))
            .first::<B>(&mut transaction, &[Kind::Bytes])
            .await?;
        if let Some(mut row) = found {
            return match row.take(0) {
                Value::Bytes(secret) => Ok(secret),
                _ => Err(Error::corrupt(format!("secret {name}"))),
            };
        }
        Sql::new("INSERT INTO secrets (name, secret) VALUES (?, ?)")
            .with(Value::Text(name.into()))
            .with(Value::Bytes(fresh.clone()))
            .execute::<B>(&mut transaction)
            .await?;
        B::commit(transaction, ()).await?;
        Ok(fresh)
    }
}

fn decode(mut row: Cells) -> Result<Tenant> {
    let bad = |what: &str| Error::corrupt(format!("registry: tenants.{what}"));
    Ok(Tenant {
        id: TenantId::from_uuid(row.id(0)),
        slug: row.text(1).parse::<Slug>().map_err(|_| bad("slug"))?,
        organization: row.text(2),
        operation_type: row.text(3).parse().map_err(|_| bad("operation_type"))?,
        state: row.text(4).parse().map_err(|_| bad("state"))?,
        plan: serde_json::from_str::<Plan>(&row.text(5)).map_err(|_| bad("plan"))?,
        generation: row.int(6),
        schema_version: row.int(7),
        version: row.int(8),
        created_at: row.time(9).ok_or_else(|| bad("created_at"))?,
        neutral: row.int(10) != 0,
    })
}
