//! Databases that nobody uses and that nothing removes but an operator: what tenants had on servers that did not
//! answer, when they were taken back to the database before; and that one, when it could not be used either.
//!
//! Leftovers are removed when their server answers again, since what they hold is elsewhere as well. What is kept
//! may be the only copy of what was written last. So it is in a table of its own, which no clearing looks at; the
//! tenant gets no database on that server, and not the kept one's generation, before an operator has removed it.

use super::MariaDbFleet;
use super::credentials::Place;
use crate::backend::Sql;
use crate::backend::mariadb::{MariaDb, Writing};
use chrono::{DateTime, Utc};
use vivero_core::ids::TenantId;
use vivero_core::operations::Operation;
use vivero_core::record::Kind;
use vivero_core::server::{KeptDatabase, ServerFinding, Verdict};
use vivero_core::tenant::Tenant;
use vivero_core::{Error, Result, Value};

const FIND: &str = "SELECT server, database_name, tenant_id, slug, generation, operation_id, kept_at FROM kept_databases";
const KINDS: [Kind; 7] =
    [Kind::Text, Kind::Text, Kind::Id, Kind::Text, Kind::Int, Kind::Id, Kind::Time];

fn command(server: &str, database: &str) -> String {
    format!("vivero server remove-kept {server} {database}")
}

/// Why nothing is made where one is kept.
pub(super) fn in_the_way(server: &str, database: &str) -> Error {
    let message = format!(
        "database server {server} keeps {database} of this tenant, which may hold what is nowhere else; look at it, \
         and remove it (`{}`), or take another server",
        command(server, database)
    );
    Error::Illegal { code: "database_kept", message }
}

/// Refuses a server to be emptied or taken off the list while anything is kept there.
pub(super) async fn refuse_kept_on(transaction: &mut Writing, server: &str) -> Result<()> {
    let rows = Sql::new("SELECT database_name FROM kept_databases WHERE server = ? ORDER BY 1")
        .with(Value::Text(server.into()))
        .fetch::<MariaDb>(transaction, &[Kind::Text])
        .await?;
    let names: Vec<String> = rows.into_iter().map(|mut row| row.text(0)).collect();
    let Some(first) = names.first() else { return Ok(()) };
    let message = format!(
        "database server {server} keeps {}, which may hold what is nowhere else; remove what is of no use any more \
         (`{}`), or, if the server is lost for good, `vivero server remove {server} --lost`",
        names.join(", "),
        command(server, first)
    );
    Err(Error::Illegal { code: "server_in_use", message })
}

/// Refuses a server to a tenant of which a database is kept there.
pub(super) async fn refuse_kept_of(
    transaction: &mut Writing,
    tenant: TenantId,
    server: &str,
) -> Result<()> {
    let kept = kept_of(transaction, tenant).await?;
    let here = kept.iter().find(|(kept_on, _)| kept_on == server);
    here.map_or(Ok(()), |(server, database)| Err(in_the_way(server, database)))
}

/// Servers that keep databases of a tenant, and which.
pub(super) async fn kept_of(
    transaction: &mut Writing,
    tenant: TenantId,
) -> Result<Vec<(String, String)>> {
    let sql = "SELECT server, database_name FROM kept_databases WHERE tenant_id = ? ORDER BY 1, 2";
    let rows = Sql::new(sql)
        .with(Value::Id(tenant.uuid()))
        .fetch::<MariaDb>(transaction, &[Kind::Text, Kind::Text])
        .await?;
    Ok(rows.into_iter().map(|mut row| (row.text(0), row.text(1))).collect())
}

impl MariaDbFleet {
    /// Notes that a database which is the tenant's no more is kept, for the transaction that changes the tenant.
    pub(super) fn keep(&self, operation: &Operation, tenant: &Tenant, kept: &Place) -> Sql {
        Sql::new(
            "REPLACE INTO kept_databases (server, database_name, account, tenant_id, slug, generation, \
             operation_id, kept_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .with(Value::Text(kept.server.clone()))
        .with(Value::Text(kept.database.clone()))
        .with(Value::Text(kept.account.clone()))
        .with(Value::Id(tenant.id.uuid()))
        .with(Value::Text(tenant.slug.to_string()))
        .with(Value::Int(tenant.generation))
        .with(Value::Id(operation.id))
        .with(Value::Time(self.keeper.clock.now()))
    }

    /// What is kept: of one tenant, or all of it.
    pub(super) async fn kept_databases(&self, of: Option<TenantId>) -> Result<Vec<KeptDatabase>> {
        let mut sql = Sql::new(FIND);
        if let Some(tenant) = of {
            sql.add(" WHERE tenant_id = ?").bind(Value::Id(tenant.uuid()));
        }
        sql.add(" ORDER BY server, database_name");
        let bad = |what: &str| Error::corrupt(format!("registry: kept_databases.{what}"));
        let rows = self.registry().read_all(sql, &KINDS).await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(KeptDatabase {
                    server: row.text(0),
                    database: row.text(1),
                    tenant: TenantId::from_uuid(row.id(2)),
                    slug: row.text(3).parse().map_err(|_| bad("slug"))?,
                    generation: row.int(4),
                    operation: row.id(5),
                    kept_at: row.time(6).ok_or_else(|| bad("kept_at"))?,
                })
            })
            .collect()
    }

    /// Refuses to make anything for an account on a server where a database of it is kept.
    pub(super) async fn refuse_kept(&self, made: &Place) -> Result<()> {
        let sql = "SELECT database_name FROM kept_databases WHERE server = ? AND account = ?";
        let sql = Sql::new(sql)
            .with(Value::Text(made.server.clone()))
            .with(Value::Text(made.account.clone()));
        let row = self.registry().read(sql, &[Kind::Text]).await?;
        row.map_or(Ok(()), |mut row| Err(in_the_way(&made.server, &row.text(0))))
    }

    /// Removes one that an operator names. The row goes last: cut off, it is done again.
    pub(super) async fn remove_kept_database(&self, server: &str, database: &str) -> Result<()> {
        let sql = "SELECT account FROM kept_databases WHERE server = ? AND database_name = ?";
        let sql = Sql::new(sql).with(Value::Text(server.into())).with(Value::Text(database.into()));
        let row = self.registry().read(sql, &[Kind::Text]).await?;
        let mut row = row.ok_or_else(|| Error::not_found("kept_database"))?;
        let (account, password) = (row.text(0), String::new());
        let (server, database) = (server.to_owned(), database.to_owned());
        let place = Place { server, database, account, password, next: None };
        self.drop_nobodys(&place).await?;
        let sql = Sql::new("DELETE FROM kept_databases WHERE server = ? AND database_name = ?")
            .with(Value::Text(place.server.clone()))
            .with(Value::Text(place.database.clone()));
        self.registry().write(sql).await?;
        let Place { server, database, .. } = place;
        tracing::info!(server, database, "a kept database is removed");
        Ok(())
    }

    /// What `doctor` says about what is kept.
    pub(super) async fn kept_findings(&self) -> Result<Vec<ServerFinding>> {
        let kept = self.kept_databases(None).await?;
        Ok(kept.into_iter().map(finding).collect())
    }
}

fn finding(kept: KeptDatabase) -> ServerFinding {
    let at: DateTime<Utc> = kept.kept_at;
    ServerFinding {
        check: "kept_databases".into(),
        verdict: Verdict::Warning,
        detail: format!(
            "{} is nobody's since the move of tenant {} was turned back or given up at {at} (operation {}); what was \
             written there last may be nowhere else",
            kept.database, kept.slug, kept.operation
        ),
        remedy: Some(format!(
            "when it is of no use any more: {}",
            command(&kept.server, &kept.database)
        )),
        server: kept.server,
    }
}
