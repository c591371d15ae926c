//! Operations on record, and what they change of tenants. Every change asks first whether the one who
//! makes it still has the operation.

use super::{FIND, FIND_KINDS, Registry, decode, events};
use crate::backend::{Backend, Cells, Sql};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::fmt;
use uuid::Uuid;
use vivero_core::ids::TenantId;
use vivero_core::operations::{Marks, Operation, OperationBook, TenantChange};
use vivero_core::port::Lease;
use vivero_core::record::Kind;
use vivero_core::tenant::{Tenant, TenantEvent};
use vivero_core::{Error, Result, Slug, Value};

const OPERATION: &str = "id, tenant_id, slug, kind, parameters, state, step, result, done, total, message, \
     token, created_at, changed_at";
const KINDS: [Kind; 14] = [
    Kind::Id,
    Kind::Id,
    Kind::Text,
    Kind::Text,
    Kind::Json,
    Kind::Text,
    Kind::Text,
    Kind::Json,
    Kind::Int,
    Kind::Int,
    Kind::Text,
    Kind::Int,
    Kind::Time,
    Kind::Time,
];

impl<B: Backend> fmt::Debug for Registry<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registry")
    }
}

fn number(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

fn overtaken() -> Error {
    Error::Illegal {
        code: "operation_overtaken",
        message: "another process has taken this operation over; look at it there".into(),
    }
}

/// A transaction of whoever has the operation; nobody takes it over meanwhile.
async fn held<B: Backend>(registry: &Registry<B>, operation: &Operation) -> Result<B::Transaction> {
    let mut transaction = B::begin(&registry.writer).await?;
    still_held::<B>(&mut transaction, operation).await?;
    Ok(transaction)
}

/// Refuses who does not have the operation any more.
async fn still_held<B: Backend>(
    connection: &mut B::Connection,
    operation: &Operation,
) -> Result<()> {
    let token = Sql::new("SELECT token FROM operations WHERE id = ?")
        .with(Value::Id(operation.id))
        .number::<B>(connection)
        .await?;
    if token == i64::try_from(operation.token).ok() { Ok(()) } else { Err(overtaken()) }
}

async fn set_marks<B: Backend>(
    connection: &mut B::Connection,
    tenant: TenantId,
    marks: &Marks,
) -> Result<()> {
    Sql::new("DELETE FROM tenant_marks WHERE tenant_id = ?")
        .with(Value::Id(tenant.uuid()))
        .execute::<B>(connection)
        .await?;
    if *marks == Marks::default() {
        return Ok(());
    }
    Sql::new("INSERT INTO tenant_marks (tenant_id, neutral, delete_after, archived_as) VALUES (?, ?, ?, ?)")
        .with(Value::Id(tenant.uuid()))
        .with(Value::Bool(marks.neutral))
        .with(marks.delete_after.map_or(Value::Null, Value::Time))
        .with(marks.archive.clone().map_or(Value::Null, Value::Text))
        .execute::<B>(connection)
        .await?;
    Ok(())
}

async fn find_tenant<B: Backend>(
    connection: &mut B::Connection,
    tenant: TenantId,
) -> Result<Option<Tenant>> {
    let sql = format!("SELECT {FIND} WHERE id = ?");
    let row =
        Sql::new(sql).with(Value::Id(tenant.uuid())).first::<B>(connection, &FIND_KINDS).await?;
    row.map(decode).transpose()
}

#[async_trait]
impl<B: Backend> OperationBook for Registry<B> {
    async fn add_operation(&self, operation: &Operation) -> Result<()> {
        let mut transaction = B::begin(&self.writer).await?;
        let open = Sql::new(format!(
            "SELECT {OPERATION} FROM operations WHERE (tenant_id = ? OR slug = ?) AND state IN ('queued', 'running')"
        ))
        .with(Value::Id(operation.tenant.uuid()))
        .with(text(operation.slug.as_str()))
        .first::<B>(&mut transaction, &KINDS)
        .await?;
        if let Some(row) = open {
            let open = read(row)?;
            let message = format!(
                "operation {} ({}) of tenant {} is not over; wait for it, or finish it with \
                 `vivero operation resume {}`",
                open.id, open.kind, open.slug, open.id
            );
            return Err(Error::Illegal { code: "operation_running", message });
        }
        let marks = vec!["?"; KINDS.len()].join(", ");
        Sql::new(format!("INSERT INTO operations ({OPERATION}) VALUES ({marks})"))
            .with(Value::Id(operation.id))
            .with(Value::Id(operation.tenant.uuid()))
            .with(text(operation.slug.as_str()))
            .with(text(operation.kind.as_str()))
            .with(Value::Json(operation.parameters.clone().into()))
            .with(text(operation.state.as_str()))
            .with(text(operation.step.as_str()))
            .with(Value::Json(operation.result.clone().into()))
            .with(number(operation.done))
            .with(number(operation.total))
            .with(operation.message.clone().map_or(Value::Null, Value::Text))
            .with(number(operation.token))
            .with(Value::Time(operation.created_at))
            .with(Value::Time(operation.changed_at))
            .execute::<B>(&mut transaction)
            .await?;
        B::commit(transaction, ()).await
    }

    async fn find_operation(&self, id: Uuid) -> Result<Option<Operation>> {
        let sql = Sql::new(format!("SELECT {OPERATION} FROM operations WHERE id = ?"));
        let sql = sql.with(Value::Id(id));
        sql.first::<B>(&mut *self.reader().await?, &KINDS).await?.map(read).transpose()
    }

    async fn list_operations(&self, slug: Option<&Slug>, limit: u32) -> Result<Vec<Operation>> {
        let mut sql = Sql::new(format!("SELECT {OPERATION} FROM operations"));
        if let Some(slug) = slug {
            sql.add(" WHERE slug = ?").bind(text(slug.as_str()));
        }
        sql.add(" ORDER BY created_at DESC, id DESC LIMIT ?").bind(Value::Int(limit.into()));
        let rows = sql.fetch::<B>(&mut *self.reader().await?, &KINDS).await?;
        rows.into_iter().map(read).collect()
    }

    async fn open_operations(&self) -> Result<Vec<Operation>> {
        let sql = Sql::new(format!(
            "SELECT {OPERATION} FROM operations WHERE state IN ('queued', 'running') ORDER BY created_at, id"
        ));
        let rows = sql.fetch::<B>(&mut *self.reader().await?, &KINDS).await?;
        rows.into_iter().map(read).collect()
    }

    async fn claim_operation(
        &self,
        id: Uuid,
        lease: &Lease,
        at: DateTime<Utc>,
    ) -> Result<Operation> {
        let mut transaction = B::begin(&self.writer).await?;
        let sql = Sql::new(format!("SELECT {OPERATION} FROM operations WHERE id = ?"));
        let row = sql.with(Value::Id(id)).first::<B>(&mut transaction, &KINDS).await?;
        let mut operation = read(row.ok_or_else(|| Error::not_found("operation"))?)?;
        if operation.token >= lease.token && !operation.state.is_over() {
            return Err(overtaken());
        }
        if !operation.state.is_over() {
            operation.token = lease.token;
            operation.changed_at = at;
            Sql::new("UPDATE operations SET token = ?, changed_at = ? WHERE id = ?")
                .with(number(lease.token))
                .with(Value::Time(at))
                .with(Value::Id(id))
                .execute::<B>(&mut transaction)
                .await?;
        }
        B::commit(transaction, ()).await?;
        Ok(operation)
    }

    async fn note_operation(&self, operation: &Operation) -> Result<()> {
        let mut transaction = held(self, operation).await?;
        Sql::new(
            "UPDATE operations SET state = ?, step = ?, result = ?, done = ?, total = ?, message = ?, \
             changed_at = ? WHERE id = ?",
        )
        .with(text(operation.state.as_str()))
        .with(text(operation.step.as_str()))
        .with(Value::Json(operation.result.clone().into()))
        .with(number(operation.done))
        .with(number(operation.total))
        .with(operation.message.clone().map_or(Value::Null, Value::Text))
        .with(Value::Time(operation.changed_at))
        .with(Value::Id(operation.id))
        .execute::<B>(&mut transaction)
        .await?;
        B::commit(transaction, ()).await
    }

    async fn enter_tenant(
        &self,
        operation: &Operation,
        tenant: &Tenant,
        marks: &Marks,
    ) -> Result<()> {
        let mut transaction = held(self, operation).await?;
        if let Some(found) = find_tenant::<B>(&mut transaction, tenant.id).await?
            && found.slug == tenant.slug
        {
            return Ok(());
        }
        Self::insert(&mut transaction, tenant, None, None).await?;
        set_marks::<B>(&mut transaction, tenant.id, marks).await?;
        B::commit(transaction, ()).await
    }

    async fn change_tenant(
        &self,
        operation: &Operation,
        tenant: TenantId,
        change: &TenantChange,
    ) -> Result<Tenant> {
        self.change_tenant_with(operation, tenant, change, Vec::new()).await
    }

    async fn forget_tenant(&self, operation: &Operation, tenant: TenantId) -> Result<()> {
        let mut transaction = held(self, operation).await?;
        for sql in [
            "DELETE FROM tenants WHERE id = ?",
            "DELETE FROM tenant_marks WHERE tenant_id = ?",
            "DELETE FROM audit_anchors WHERE tenant_id = ?",
        ] {
            Sql::new(sql).with(Value::Id(tenant.uuid())).execute::<B>(&mut transaction).await?;
        }
        events::forget::<B>(&mut transaction, tenant).await?;
        B::commit(transaction, ()).await
    }

    async fn tenant_events(&self, tenant: TenantId, limit: u32) -> Result<Vec<TenantEvent>> {
        self.events(tenant, limit).await
    }

    async fn marks(&self, tenant: TenantId) -> Result<Marks> {
        let sql = "SELECT neutral, delete_after, archived_as FROM tenant_marks WHERE tenant_id = ?";
        let row = Sql::new(sql)
            .with(Value::Id(tenant.uuid()))
            .first::<B>(&mut *self.reader().await?, &[Kind::Bool, Kind::Time, Kind::Text])
            .await?;
        Ok(row.map_or_else(Marks::default, |mut row| Marks {
            neutral: row.take(0) == Value::Bool(true),
            delete_after: row.time(1),
            archive: row.opt_text(2),
        }))
    }

    async fn activate(&self, tenant: TenantId) -> Result<()> {
        let mut transaction = B::begin(&self.writer).await?;
        Sql::new("UPDATE tenant_marks SET neutral = ? WHERE tenant_id = ?")
            .with(Value::Bool(false))
            .with(Value::Id(tenant.uuid()))
            .execute::<B>(&mut transaction)
            .await?;
        B::commit(transaction, ()).await
    }
}

impl<B: Backend> Registry<B> {
    /// Refuses who does not have the operation any more.
    #[cfg(feature = "mariadb")]
    pub(crate) async fn still_held(&self, operation: &Operation) -> Result<()> {
        still_held::<B>(&mut *self.reader().await?, operation).await
    }

    /// The same in a transaction, which nobody overtakes.
    #[cfg(feature = "mariadb")]
    pub(crate) async fn held_in(
        transaction: &mut B::Transaction,
        operation: &Operation,
    ) -> Result<()> {
        still_held::<B>(transaction, operation).await
    }

    /// [`OperationBook::change_tenant`] with what else is to hold from that instant on, in tables of the engine's own.
    pub(crate) async fn change_tenant_with(
        &self,
        operation: &Operation,
        tenant: TenantId,
        change: &TenantChange,
        with: Vec<Sql>,
    ) -> Result<Tenant> {
        let mut transaction = held(self, operation).await?;
        let changed = Sql::new(
            "UPDATE tenants SET state = ?, generation = ?, version = version + 1, changed_at = ? \
             WHERE id = ? AND state = ?",
        )
        .with(text(change.state.as_str()))
        .with(Value::Int(change.generation))
        .with(Value::Time(operation.changed_at))
        .with(Value::Id(tenant.uuid()))
        .with(text(change.from.as_str()))
        .execute::<B>(&mut transaction)
        .await?;
        if changed == 0 {
            let message =
                format!("the tenant is not {} any more; look at it and ask again", change.from);
            return Err(Error::Illegal { code: "tenant_state", message });
        }
        events::note::<B>(&mut transaction, tenant, Some(operation.id)).await?;
        set_marks::<B>(&mut transaction, tenant, &change.marks).await?;
        if let Some(anchor) = change.anchor {
            Sql::new("DELETE FROM audit_anchors WHERE tenant_id = ?")
                .with(Value::Id(tenant.uuid()))
                .execute::<B>(&mut transaction)
                .await?;
            if anchor.position > 0 {
                Sql::new(
                    "INSERT INTO audit_anchors (position, hash, at, tenant_id) VALUES (?, ?, ?, ?)",
                )
                .with(number(anchor.position))
                .with(Value::Bytes(anchor.hash.to_vec()))
                .with(Value::Time(operation.changed_at))
                .with(Value::Id(tenant.uuid()))
                .execute::<B>(&mut transaction)
                .await?;
            }
        }
        for sql in with {
            sql.execute::<B>(&mut transaction).await?;
        }
        let now = find_tenant::<B>(&mut transaction, tenant).await?;
        let now = now.ok_or_else(|| Error::not_found("tenant"))?;
        B::commit(transaction, ()).await?;
        Ok(now)
    }
}

fn read(mut row: Cells) -> Result<Operation> {
    let bad = |what: &str| Error::corrupt(format!("registry: operations.{what}"));
    let json = |value| match value {
        Value::Json(json) => Ok(json.to_json()),
        _ => Err(bad("parameters")),
    };
    Ok(Operation {
        id: row.id(0),
        tenant: TenantId::from_uuid(row.id(1)),
        slug: row.text(2).parse::<Slug>().map_err(|_| bad("slug"))?,
        kind: row.text(3).parse().map_err(|_| bad("kind"))?,
        parameters: json(row.take(4))?,
        state: row.text(5).parse().map_err(|_| bad("state"))?,
        step: row.text(6),
        result: json(row.take(7))?,
        done: row.natural(8),
        total: row.natural(9),
        message: row.opt_text(10),
        token: row.natural(11),
        created_at: row.time(12).ok_or_else(|| bad("created_at"))?,
        changed_at: row.time(13).ok_or_else(|| bad("changed_at"))?,
    })
}
