//! A tenant's next database on another server than the one before.
//!
//! A tenant has one home on record: server, database, account. While it is moved, its generation to come
//! has a row of its own with another server and the password of an account made there. When the database
//! before is removed, so is the account that worked in it, and the new place becomes the tenant's home.

use super::MariaDbFleet;
use super::credentials::{Place, of_generation, password};
use super::kept::refuse_kept_of;
use super::placement::rooms;
use crate::backend::mariadb::{MariaDb, Writing};
use crate::backend::{Backend as _, Sql};
use vivero_core::ids::TenantId;
use vivero_core::operations::Operation;
use vivero_core::record::Kind;
use vivero_core::server::ServerState;
use vivero_core::tenant::Tenant;
use vivero_core::{Error, Result, Slug, Value};

pub(super) fn taken_back(tenant: &Tenant) -> Error {
    let message = format!(
        "generation {} of tenant {} is not in use any more: somebody else has gone on with this",
        tenant.generation, tenant.slug
    );
    Error::Illegal { code: "operation_overtaken", message }
}

impl MariaDbFleet {
    /// Notes where a generation to come will be, before anything is made there.
    pub(super) async fn note_generation(&self, next: &Tenant, server: &str) -> Result<()> {
        let missing =
            || Error::corrupt(format!("the registry has no credentials of tenant {}", next.slug));
        let home = self.credentials.find(self.registry(), next.id).await?.ok_or_else(missing)?;
        if home.server == server {
            return Ok(());
        }
        let mut transaction = self.registry().begin().await?;
        let rooms = rooms(&mut transaction).await?;
        let room = rooms.iter().find(|room| room.name == server);
        let room = room.ok_or_else(|| Error::not_found("server"))?;
        refuse_kept_of(&mut transaction, next.id, server).await?;
        let noted = Sql::new(
            "SELECT count(*) FROM tenant_generations WHERE tenant_id = ? AND generation = ? AND server = ?",
        )
        .with(Value::Id(next.id.uuid()))
        .with(Value::Int(next.generation))
        .with(Value::Text(server.into()))
        .number::<MariaDb>(&mut transaction)
        .await?;
        if noted == Some(1) {
            return Ok(());
        }
        if room.state != ServerState::Open || room.capacity.is_some_and(|most| room.tenants >= most)
        {
            let message = format!(
                "database server {server} takes no tenants: it is {} and has {} (`vivero server set {server}` \
                 changes that)",
                room.state, room.tenants
            );
            return Err(Error::Illegal { code: "server_not_open", message });
        }
        Sql::new(
            "INSERT INTO tenant_generations (tenant_id, generation, server, password) VALUES (?, ?, ?, ?)",
        )
        .with(Value::Id(next.id.uuid()))
        .with(Value::Int(next.generation))
        .with(Value::Text(server.into()))
        .with(self.credentials.seal(&password(), &of_generation(next.id, next.generation))?)
        .execute::<MariaDb>(&mut transaction)
        .await?;
        MariaDb::commit(transaction, ()).await
    }

    /// Whether a tenant has a generation that is elsewhere.
    pub(super) async fn is_moving(&self, tenant: TenantId) -> Result<bool> {
        let sql = Sql::new("SELECT count(*) FROM tenant_generations WHERE tenant_id = ?");
        let row = self.registry().read(sql.with(Value::Id(tenant.uuid())), &[Kind::Int]).await?;
        Ok(row.is_some_and(|row| row.int(0) > 0))
    }

    /// Removes what was made of a generation on another server than the tenant's, with the account there.
    pub(super) async fn remove_elsewhere(&self, tenant: TenantId, generation: i64) -> Result<()> {
        if self.credentials.elsewhere(self.registry(), tenant, generation).await?.is_none() {
            return Ok(());
        }
        let found = self.credentials.find_at(self.registry(), tenant, generation).await?;
        if let Some(place) = found {
            let listed = self.servers.find(&place.server).await?;
            listed.up()?.remove(&place).await?;
        }
        let sql = Sql::new("DELETE FROM tenant_generations WHERE tenant_id = ? AND generation = ?");
        let sql = sql.with(Value::Id(tenant.uuid())).with(Value::Int(generation));
        self.registry().write(sql).await
    }

    /// If the tenant's database is elsewhere by now: removes the one before, with the account that worked in
    /// it, and makes the new place the tenant's home.
    pub(super) async fn come_home(
        &self,
        tenant: &Tenant,
        before: &Place,
        of: Option<&Operation>,
    ) -> Result<bool> {
        let (id, generation) = (tenant.id, tenant.generation);
        let elsewhere = self.credentials.elsewhere(self.registry(), id, generation).await?;
        let Some((server, password)) = elsewhere else { return Ok(false) };
        let listed = self.servers.find(&before.server).await?;
        self.remove_before(&listed, tenant, before, of).await?;
        let mut transaction = self.registry().begin().await?;
        self.move_home(&mut transaction, tenant, server, &password).await?;
        MariaDb::commit(transaction, ()).await?;
        Ok(true)
    }

    /// Makes the place where a tenant is by now its home.
    pub(super) async fn move_home(
        &self,
        transaction: &mut Writing,
        tenant: &Tenant,
        server: String,
        password: &str,
    ) -> Result<()> {
        let home = self.new_home((tenant.id, tenant.generation), server, password)?;
        if home.execute::<MariaDb>(transaction).await? == 0 {
            return Err(taken_back(tenant));
        }
        Self::forget_generation(transaction, tenant.id, tenant.generation).await
    }

    /// The tenant's home, as long as its generation is still that one.
    pub(super) fn new_home(
        &self,
        (tenant, generation): (TenantId, i64),
        server: String,
        password: &str,
    ) -> Result<Sql> {
        let id = tenant.uuid();
        let sql = Sql::new(
            "UPDATE tenant_databases SET server = ?, password = ?, next_password = NULL WHERE tenant_id = ? \
             AND EXISTS (SELECT 1 FROM tenants WHERE id = ? AND generation = ?)",
        );
        Ok(sql
            .with(Value::Text(server))
            .with(self.credentials.seal(password, id.as_bytes())?)
            .with(Value::Id(id))
            .with(Value::Id(id))
            .with(Value::Int(generation)))
    }

    pub(super) async fn forget_generation(
        transaction: &mut Writing,
        tenant: TenantId,
        generation: i64,
    ) -> Result<()> {
        Sql::new("DELETE FROM tenant_generations WHERE tenant_id = ? AND generation = ?")
            .with(Value::Id(tenant.uuid()))
            .with(Value::Int(generation))
            .execute::<MariaDb>(transaction)
            .await?;
        Ok(())
    }

    /// Tenants whose databases are on a server.
    pub(super) async fn tenants_of_server(
        &self,
        server: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Slug>> {
        let sql = Sql::new(
            "SELECT slug FROM tenants t JOIN tenant_databases d ON d.tenant_id = t.id \
             LEFT JOIN tenant_generations g ON g.tenant_id = t.id AND g.generation = t.generation \
             WHERE coalesce(g.server, d.server) = ? AND slug > ? ORDER BY slug LIMIT ?",
        )
        .with(Value::Text(server.into()))
        .with(Value::Text(after.unwrap_or_default().into()))
        .with(Value::Int(limit.into()));
        let rows = self.registry().read_all(sql, &[Kind::Text]).await?;
        let bad = |_| Error::corrupt("registry: tenants.slug");
        rows.into_iter().map(|mut row| row.text(0).parse().map_err(bad)).collect()
    }
}
