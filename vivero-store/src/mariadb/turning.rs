//! Two databases of one tenant on two servers, between the switch of a move and its end: which goes, and which stays.
//!
//! The lease of an operation does not fence a server. A run that was frozen for longer than its lease lasts, between
//! its last look and the removal of the database before, would go on to remove what the tenant has again by then. So
//! whoever decides about that database has a lock of the server it is on ([`lock_of`]), and looks once more at the
//! registry and the operation's token with it in hand. Who removes has the lock on the connection that removes
//! ([`super::server::Server::remove_alone`]): frozen with it, it keeps others from turning back.

use super::MariaDbFleet;
use super::credentials::Place;
use super::hold::Held;
use super::moving::taken_back;
use super::server::Server;
use super::servers::Listed;
use crate::backend::Sql;
use crate::backend::mariadb::MariaDb;
use crate::stamp;
use crate::tenant::{journal, set_fence};
use async_trait::async_trait;
use vivero_core::ids::TenantId;
use vivero_core::journal::Anchor;
use vivero_core::moves::{Moves, Reach};
use vivero_core::operations::{Operation, OperationBook as _, TenantChange};
use vivero_core::tenant::Tenant;
use vivero_core::{Error, Result, Value};

/// Seconds to wait for who removes the database before: longer than it takes, if nothing keeps it.
const WAIT: u32 = 3;

/// Who has it decides about what a tenant had on a server, see above.
fn lock_of(tenant: TenantId) -> String {
    format!("old {}", tenant.uuid().simple())
}

/// Says who has the lock: one that is frozen has it until its connection is closed.
async fn being_removed(server: &Server, tenant: &Tenant) -> Result<Error> {
    let holder = server.holder_of(&lock_of(tenant.id)).await?.map_or_else(String::new, |id| {
        format!(
            " by connection {id} of that server: if its process hangs, end that, or `KILL {id}`"
        )
    });
    let (server, slug) = (server.name(), &tenant.slug);
    Ok(Error::Unavailable {
        what: format!(
            "database of tenant {slug} on server {server}, it is locked or being removed{holder}"
        )
        .into(),
        retry_after: 5,
        source: None,
    })
}

/// Reads how far a database goes.
async fn look(server: &Server, tenant: &Tenant, of: (&str, Anchor)) -> Result<Reach> {
    let (database, anchor) = of;
    let mut connection = server.connect().await?;
    let script = format!("SET SESSION lock_wait_timeout = {WAIT}; USE `{database}`");
    server.script(&mut connection, &script).await?;
    stamp::check::<MariaDb>(&mut connection, tenant).await?;
    let head = journal::head::<MariaDb>(&mut connection, tenant.id).await?;
    let last = journal::last::<MariaDb>(&mut connection).await?;
    let is_head = head.position == anchor.position;
    let has = journal::has::<MariaDb>(&mut connection, tenant.id, anchor).await?;
    Ok(match has {
        false => Reach::Short,
        true if is_head && head.covers(last) => Reach::Exact,
        true => Reach::Beyond,
    })
}

fn forget(tenant: &Tenant) -> Sql {
    Sql::new("DELETE FROM tenant_generations WHERE tenant_id = ? AND generation = ?")
        .with(Value::Id(tenant.id.uuid()))
        .with(Value::Int(tenant.generation))
}

impl MariaDbFleet {
    /// Takes the lock.
    async fn hold_before(&self, server: &Server, tenant: &Tenant) -> Result<Held> {
        let held = server.hold_within(&lock_of(tenant.id), WAIT).await?;
        match held {
            Some(held) => Ok(held),
            None => Err(being_removed(server, tenant).await?),
        }
    }

    /// Removes a database that was replaced by one on another server, unless it was taken back meanwhile or the
    /// operation is another's by now.
    pub(super) async fn remove_before(
        &self,
        listed: &Listed,
        tenant: &Tenant,
        before: &Place,
        of: Option<&Operation>,
    ) -> Result<()> {
        let still = async {
            if let Some(operation) = of {
                self.registry().still_held(operation).await?;
            }
            let now = self.registry().find("id", Value::Id(tenant.id.uuid())).await?;
            if now.is_none_or(|now| now.generation != tenant.generation) {
                return Err(taken_back(tenant));
            }
            Ok(())
        };
        listed.up()?.remove_alone(before, &lock_of(tenant.id), still).await
    }

    /// A tenant at the generation that it has, whose database is elsewhere than its home.
    async fn place_elsewhere(&self, tenant: &Tenant) -> Result<(Place, String)> {
        let (id, generation) = (tenant.id, tenant.generation);
        let elsewhere = self.credentials.elsewhere(self.registry(), id, generation).await?;
        let Some((_, password)) = elsewhere else {
            let message = format!(
                "the database before is not on record any more: generation {generation} of tenant {} is at home",
                tenant.slug
            );
            return Err(Error::Illegal { code: "move_cleaned", message });
        };
        Ok((self.place_of(tenant).await?, password))
    }

    /// The lock, and whether there is anything to be kept; neither where the server does not answer: who would remove
    /// it has no connection there either.
    async fn look_before(
        &self,
        listed: &Listed,
        (tenant, before): (&Tenant, &Tenant),
        (database, head): (&str, Anchor),
    ) -> Result<(Option<Held>, bool)> {
        let Ok(server) = listed.up() else { return Ok((None, true)) };
        let held = match self.hold_before(server, tenant).await {
            // Of its connections all may be in use, or another has the lock.
            Err(Error::Unavailable { .. }) if server.connect().await.is_err() => {
                return Ok((None, true));
            }
            held => held?,
        };
        if matches!(self.reach(before, head).await, Ok(Reach::Exact)) {
            let message = format!("{database} is whole, on server {}", listed.name);
            return Err(Error::Illegal { code: "move_switched", message });
        }
        let is_there = server.is_there(database).await?;
        Ok((Some(held), is_there))
    }
}

#[async_trait]
impl Moves for MariaDbFleet {
    async fn reach(&self, tenant: &Tenant, anchor: Anchor) -> Result<Reach> {
        let place = self.place_of(tenant).await?;
        let listed = self.servers.find(&place.server).await?;
        let server = listed.up()?;
        match look(server, tenant, (&place.database, anchor)).await {
            // Whoever removes it waits for those who read it, and others wait for that one.
            Err(Error::Undone { .. }) => Err(being_removed(server, tenant).await?),
            found => found,
        }
    }

    async fn remove_replaced(
        &self,
        operation: &Operation,
        generation: i64,
        abandon: bool,
    ) -> Result<Option<String>> {
        let of = Some(operation);
        if abandon {
            return self.abandon_database(operation.tenant, generation, of).await;
        }
        self.remove_database(operation.tenant, generation, of).await.map(|()| None)
    }

    async fn turn_back(
        &self,
        operation: &Operation,
        tenant: &Tenant,
        change: &TenantChange,
    ) -> Result<Tenant> {
        let (left, _) = self.place_elsewhere(tenant).await?;
        let before = Tenant { generation: change.generation, ..tenant.clone() };
        let place = self.place_of(&before).await?;
        let listed = self.servers.find(&place.server).await?;
        let server = listed.up()?;
        let held = self.hold_before(server, tenant).await?;
        let anchor = change.anchor.ok_or_else(|| Error::corrupt("a move without its head"))?;
        if self.reach(&before, anchor).await? != Reach::Exact {
            let message = format!("{} does not end where it was switched", place.database);
            return Err(Error::Illegal { code: "database_before", message });
        }
        // Programs of before removed the account first, and may have been cut off then.
        server.let_in(&place).await?;
        let with = vec![self.keep(operation, tenant, &left), forget(tenant)];
        if held.is_lost() {
            return Err(taken_back(tenant));
        }
        let now = self.registry().change_tenant_with(operation, tenant.id, change, with).await?;
        tracing::warn!(tenant = %tenant.slug, server = left.server, database = left.database,
            "a move was turned back; the database on the server that does not answer is kept");
        Ok(now)
    }

    async fn lift_fence(&self, tenant: &Tenant) -> Result<()> {
        let place = self.place_of(tenant).await?;
        let listed = self.servers.find(&place.server).await?;
        let (readers, writer) = listed.up()?.admin_pools(&place.database);
        let lifted = set_fence::<MariaDb>(&writer, false).await;
        readers.close();
        writer.close();
        lifted
    }

    async fn give_up(
        &self,
        operation: &Operation,
        tenant: &Tenant,
        before: &Tenant,
        head: Anchor,
    ) -> Result<Tenant> {
        let (now_at, password) = self.place_elsewhere(tenant).await?;
        let place = self.place_of(before).await?;
        let listed = self.servers.find(&place.server).await?;
        let both = (tenant, before);
        let (held, is_there) = self.look_before(&listed, both, (&place.database, head)).await?;
        let change = TenantChange {
            from: tenant.state,
            state: tenant.state,
            generation: tenant.generation,
            marks: self.registry().marks(tenant.id).await?,
            anchor: None,
        };
        let with = vec![
            // Of one that is gone, the account may still be there.
            if is_there { self.keep(operation, before, &place) } else { self.left(&place) },
            self.new_home((tenant.id, tenant.generation), now_at.server.clone(), &password)?,
            forget(tenant),
        ];
        if held.as_ref().is_some_and(Held::is_lost) {
            return Err(taken_back(tenant));
        }
        let now = self.registry().change_tenant_with(operation, tenant.id, &change, with).await?;
        tracing::warn!(tenant = %tenant.slug, server = now_at.server,
            "a move was given up: neither database of the tenant can be used");
        Ok(now)
    }
}
