//! What the registry keeps of emptying servers: of each the last time. Every change asks first whether the one
//! who makes it still has it.

use super::MariaDbFleet;
use crate::backend::mariadb::{Connection, MariaDb};
use crate::backend::{Backend as _, Cells, Sql};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use vivero_core::drain::{Drain, DrainBook, DrainState};
use vivero_core::port::Lease;
use vivero_core::record::Kind;
use vivero_core::{Error, JsonText, Result, Slug, Value};

const COLUMNS: &str = "server, id, target, state, total, moved, failed, failures, tenant, operation_id, settled, \
     message, token, created_at, changed_at";
const KINDS: [Kind; 15] = [
    Kind::Text,
    Kind::Id,
    Kind::Text,
    Kind::Text,
    Kind::Int,
    Kind::Int,
    Kind::Int,
    Kind::Json,
    Kind::Text,
    Kind::Id,
    Kind::Text,
    Kind::Text,
    Kind::Int,
    Kind::Time,
    Kind::Time,
];

fn number(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn text(text: Option<impl ToString>) -> Value {
    text.map_or(Value::Null, |text| Value::Text(text.to_string()))
}

fn overtaken() -> Error {
    Error::Illegal {
        code: "drain_overtaken",
        message: "another process empties this server by now; look at it there".into(),
    }
}

async fn find(connection: &mut Connection, server: &str) -> Result<Option<Drain>> {
    let sql = Sql::new(format!("SELECT {COLUMNS} FROM server_drains WHERE server = ?"));
    let row = sql.with(Value::Text(server.into())).first::<MariaDb>(connection, &KINDS).await?;
    row.map(read).transpose()
}

async fn write(connection: &mut Connection, drain: &Drain) -> Result<()> {
    let marks = vec!["?"; KINDS.len()].join(", ");
    let failures = JsonText::of(&drain.failures)
        .map_err(|e| Error::internal("writing why tenants stay", e))?;
    Sql::new(format!("REPLACE INTO server_drains ({COLUMNS}) VALUES ({marks})"))
        .with(Value::Text(drain.server.clone()))
        .with(Value::Id(drain.id))
        .with(text(drain.to.as_ref()))
        .with(Value::Text(drain.state.to_string()))
        .with(number(drain.total))
        .with(number(drain.moved))
        .with(number(drain.failed))
        .with(Value::Json(failures))
        .with(text(drain.tenant.as_ref()))
        .with(drain.operation.map_or(Value::Null, Value::Id))
        .with(Value::Text(drain.settled.clone()))
        .with(text(drain.message.as_ref()))
        .with(number(drain.token))
        .with(Value::Time(drain.created_at))
        .with(Value::Time(drain.changed_at))
        .execute::<MariaDb>(connection)
        .await?;
    Ok(())
}

#[async_trait]
impl DrainBook for MariaDbFleet {
    async fn add_drain(&self, drain: &Drain) -> Result<Drain> {
        let mut transaction = self.registry().begin().await?;
        let before = find(&mut transaction, &drain.server).await?;
        if let Some(open) = before.filter(|before| before.state == DrainState::Running) {
            return Ok(open);
        }
        write(&mut transaction, drain).await?;
        MariaDb::commit(transaction, ()).await?;
        Ok(drain.clone())
    }

    async fn find_drain(&self, server: &str) -> Result<Option<Drain>> {
        find(&mut *self.registry().reader().await?, server).await
    }

    async fn open_drains(&self) -> Result<Vec<Drain>> {
        let sql = Sql::new(format!(
            "SELECT {COLUMNS} FROM server_drains WHERE state = 'running' ORDER BY created_at, server"
        ));
        self.registry().read_all(sql, &KINDS).await?.into_iter().map(read).collect()
    }

    async fn claim_drain(&self, server: &str, lease: &Lease, at: DateTime<Utc>) -> Result<Drain> {
        let mut transaction = self.registry().begin().await?;
        let found = find(&mut transaction, server).await?;
        let mut drain = found.ok_or_else(|| Error::not_found("drain"))?;
        if drain.state != DrainState::Running {
            return Ok(drain);
        }
        if drain.token >= lease.token {
            return Err(overtaken());
        }
        drain.token = lease.token;
        drain.changed_at = at;
        write(&mut transaction, &drain).await?;
        MariaDb::commit(transaction, ()).await?;
        Ok(drain)
    }

    async fn note_drain(&self, drain: &Drain) -> Result<()> {
        let mut transaction = self.registry().begin().await?;
        let now = find(&mut transaction, &drain.server).await?;
        if now.is_none_or(|now| now.token != drain.token || now.id != drain.id) {
            return Err(overtaken());
        }
        write(&mut transaction, drain).await?;
        MariaDb::commit(transaction, ()).await
    }
}

fn read(mut row: Cells) -> Result<Drain> {
    let bad = |what: &str| Error::corrupt(format!("registry: server_drains.{what}"));
    let failures = match row.take(7) {
        Value::Json(json) => json.read().map_err(|_| bad("failures"))?,
        _ => return Err(bad("failures")),
    };
    let operation = if row.is_null(9) { None } else { Some(row.id(9)) };
    let tenant = row.opt_text(8).map(|slug| slug.parse::<Slug>()).transpose();
    Ok(Drain {
        server: row.text(0),
        id: row.id(1),
        to: row.opt_text(2),
        state: row.text(3).parse().map_err(|_| bad("state"))?,
        total: row.natural(4),
        moved: row.natural(5),
        failed: row.natural(6),
        failures,
        tenant: tenant.map_err(|_| bad("tenant"))?,
        operation,
        settled: row.text(10),
        message: row.opt_text(11),
        token: row.natural(12),
        created_at: row.time(13).ok_or_else(|| bad("created_at"))?,
        changed_at: row.time(14).ok_or_else(|| bad("changed_at"))?,
    })
}
