//! Taking a server off the list: one that is empty, or one that is lost with all that is on it.

use super::MariaDbFleet;
use super::kept::refuse_kept_on;
use super::placement::{Room, rooms};
use crate::backend::mariadb::{MariaDb, Writing};
use crate::backend::{Backend as _, Sql};
use crate::registry::Registry;
use uuid::Uuid;
use vivero_core::ids::TenantId;
use vivero_core::record::Kind;
use vivero_core::server::{MAIN, ServerPatch, ServerState};
use vivero_core::{Error, Result, Slug, Value};

fn refused(message: String) -> Error {
    Error::Illegal { code: "server_in_use", message }
}

impl MariaDbFleet {
    /// Takes a server off the list. One that is not `lost` must be empty; of one that is, everything on it is
    /// forgotten, and its tenants are out of service until they are restored from archives: their names.
    pub(super) async fn remove_listed(&self, name: &str, lost: bool) -> Result<Vec<Slug>> {
        if name == MAIN {
            let message = "the server main holds the registry: it cannot be taken off the list";
            return Err(refused(message.into()));
        }
        if !lost {
            self.clear_all_of(name).await?;
        }
        let mut transaction = self.registry().begin().await?;
        let rooms = rooms(&mut transaction).await?;
        let room = rooms.iter().find(|room| room.name == name);
        let room = room.ok_or_else(|| Error::not_found("server"))?;
        refuse_open_moves(&mut transaction, name).await?;
        if !lost {
            must_be_empty(room)?;
            refuse_kept_on(&mut transaction, name).await?;
        }
        self.rehome_tenants(&mut transaction, name).await?;
        let gone = self.lose_tenants(&mut transaction, name).await?;
        for sql in [
            "DELETE FROM tenant_generations WHERE server = ?",
            "DELETE FROM standby_databases WHERE server = ?",
            "DELETE FROM leftovers WHERE server = ?",
            "DELETE FROM kept_databases WHERE server = ?",
            "DELETE FROM server_drains WHERE server = ?",
            "DELETE FROM database_servers WHERE name = ?",
        ] {
            Sql::new(sql)
                .with(Value::Text(name.into()))
                .execute::<MariaDb>(&mut transaction)
                .await?;
        }
        MariaDb::commit(transaction, ()).await?;
        self.servers.read().await?;
        tracing::info!(
            server = name,
            lost,
            tenants = gone.len(),
            "a database server is off the list"
        );
        Ok(gone)
    }

    /// Removes what is prepared and what is left on a server without tenants, which takes no new ones from then
    /// on.
    async fn clear_all_of(&self, name: &str) -> Result<()> {
        let server = self.shown_server(name).await?;
        if server.tenants > 0 {
            return must_be_empty_of(name, server.tenants);
        }
        if server.state == ServerState::Open {
            let patch =
                ServerPatch { state: Some(ServerState::Draining), ..ServerPatch::default() };
            self.servers.change(name, patch, None).await?;
        }
        self.clear_standby().await?;
        self.clear_on(name).await
    }

    /// Gives tenants that have their home on a lost server, and their database on another, that one for a home.
    async fn rehome_tenants(&self, transaction: &mut Writing, name: &str) -> Result<()> {
        let rows = Sql::new(
            "SELECT t.id, t.generation, g.server, g.password FROM tenants t \
             JOIN tenant_databases d ON d.tenant_id = t.id \
             JOIN tenant_generations g ON g.tenant_id = t.id AND g.generation = t.generation \
             WHERE d.server = ? AND g.server <> ?",
        )
        .with(Value::Text(name.into()))
        .with(Value::Text(name.into()))
        .fetch::<MariaDb>(transaction, &[Kind::Id, Kind::Int, Kind::Text, Kind::Bytes])
        .await?;
        for mut row in rows {
            let (id, generation) = (TenantId::from_uuid(row.id(0)), row.int(1));
            let password = self.credentials.of_generation(id, generation, row.take(3))?;
            let home = self.new_home((id, generation), row.text(2), &password)?;
            home.execute::<MariaDb>(transaction).await?;
            Self::forget_generation(transaction, id, generation).await?;
        }
        Ok(())
    }

    /// Takes the tenants whose databases are on a lost server out of service: nothing of theirs is anywhere but in
    /// archives. Where their home is says nothing: the server they were moved to is another.
    async fn lose_tenants(&self, transaction: &mut Writing, name: &str) -> Result<Vec<Slug>> {
        let rows = Sql::new(
            "SELECT t.id, t.slug FROM tenants t JOIN tenant_databases d ON d.tenant_id = t.id \
             LEFT JOIN tenant_generations g ON g.tenant_id = t.id AND g.generation = t.generation \
             WHERE coalesce(g.server, d.server) = ? ORDER BY t.slug",
        )
        .with(Value::Text(name.into()))
        .fetch::<MariaDb>(transaction, &[Kind::Id, Kind::Text])
        .await?;
        let why = format!(
            "database server {name}, with the tenant's database, was taken off the list as lost"
        );
        let mut gone = Vec::new();
        for mut row in rows {
            let (id, slug) = (TenantId::from_uuid(row.id(0)), row.text(1));
            let at = self.keeper.clock.now();
            // As long as the tenant's row says which database is the present one.
            for sql in FORGET {
                let sql = Sql::new(sql).with(Value::Id(id.uuid()));
                sql.execute::<MariaDb>(transaction).await?;
            }
            if Registry::<MariaDb>::lose(transaction, id, &why, at).await? {
                gone.push(slug.parse().map_err(|_| Error::corrupt("registry: tenants.slug"))?);
            }
        }
        Ok(gone)
    }
}

/// What is elsewhere of a tenant whose database is lost: what a home has that is not where it is any more is the
/// database before, of which this may be the last copy, and is kept; the rest was only being made.
const FORGET: [&str; 4] = [
    "REPLACE INTO kept_databases (server, database_name, account, tenant_id, slug, generation, operation_id, kept_at) \
     SELECT d.server, concat(d.database_name, if(e.generation = 1, '', concat('g', e.generation))), d.account, t.id, \
     t.slug, e.generation, coalesce(n.operation_id, repeat('\0', 16)), utc_timestamp(6) \
     FROM tenants t JOIN tenant_databases d ON d.tenant_id = t.id \
     JOIN tenant_generations g ON g.tenant_id = t.id AND g.generation = t.generation AND g.server <> d.server \
     JOIN tenant_events n ON n.tenant_id = t.id AND n.version = (SELECT min(version) FROM tenant_events \
     WHERE tenant_id = t.id AND generation = t.generation) \
     JOIN tenant_events e ON e.tenant_id = t.id AND e.version = (SELECT max(version) FROM tenant_events \
     WHERE tenant_id = t.id AND version < n.version) WHERE t.id = ?",
    "REPLACE INTO leftovers (server, database_name, account, noted_at) \
     SELECT g.server, concat(d.database_name, 'g', g.generation), d.account, utc_timestamp(6) \
     FROM tenant_generations g JOIN tenant_databases d ON d.tenant_id = g.tenant_id WHERE g.tenant_id = ?",
    "DELETE FROM tenant_generations WHERE tenant_id = ?",
    "DELETE FROM tenant_databases WHERE tenant_id = ?",
];

fn must_be_empty(room: &Room) -> Result<()> {
    if room.tenants > 0 {
        return must_be_empty_of(&room.name, room.tenants);
    }
    if room.standby > 0 || room.leftovers > 0 {
        let name = &room.name;
        return Err(refused(format!(
            "database server {name} has {} prepared databases and {} left of what was moved or ended, which \
             cannot be removed while it does not answer; ask again when it does, or, if it is lost for good, with \
             `vivero server remove {name} --lost`",
            room.standby, room.leftovers
        )));
    }
    Ok(())
}

fn must_be_empty_of(name: &str, tenants: u64) -> Result<()> {
    Err(refused(format!(
        "database server {name} has {tenants} tenants; move them (`vivero server drain {name}`). If it is lost for \
         good with all that is on it, `vivero server remove {name} --lost` takes them out of service, to be restored \
         from their archives"
    )))
}

/// Moves to a server, and those from it that lack but their last step, must be over.
async fn refuse_open_moves(transaction: &mut Writing, name: &str) -> Result<()> {
    let rows = Sql::new(
        "SELECT id, parameters FROM operations WHERE state IN ('queued', 'running') AND kind = 'move'",
    )
    .fetch::<MariaDb>(transaction, &[Kind::Id, Kind::Json])
    .await?;
    let to_here = rows.into_iter().filter_map(|mut row| match row.take(1) {
        Value::Json(json) if json.to_json()["to"] == name => Some(row.id(0)),
        _ => None,
    });
    let mut ids: Vec<Uuid> = to_here.collect();
    // Those that are elsewhere by now, and lack but the removal of what they had here.
    let from_here = Sql::new(
        "SELECT o.id FROM operations o JOIN tenants t ON t.id = o.tenant_id \
         JOIN tenant_databases d ON d.tenant_id = t.id \
         JOIN tenant_generations g ON g.tenant_id = t.id AND g.generation = t.generation \
         WHERE d.server = ? AND o.state IN ('queued', 'running')",
    )
    .with(Value::Text(name.into()))
    .fetch::<MariaDb>(transaction, &[Kind::Id])
    .await?;
    ids.extend(from_here.iter().map(|row| row.id(0)));
    let Some(first) = ids.first() else { return Ok(()) };
    let ids = ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(", ");
    Err(refused(format!(
        "tenants are being moved to database server {name} or from it: operations {ids} are not over; wait for them, or end \
         them (`vivero operation end {first}`)"
    )))
}
