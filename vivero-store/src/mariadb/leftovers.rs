//! What is left on a server that did not answer when it was to be removed: databases with their accounts, noted in
//! the registry, and removed when the server answers again.
//!
//! Names of generations come again, and a tenant has one account for all of them. So whoever makes something on a
//! server first clears what is left of that account there ([`MariaDbFleet::clear_before`]), and clearing goes
//! under a lock of the server: the row goes after what it names, so no row means that nobody is about to remove it.

use super::MariaDbFleet;
use super::credentials::Place;
use super::server::Server;
use crate::backend::mariadb::MariaDb;
use crate::backend::{Backend as _, Cells, Sql};
use crate::registry::Registry;
use chrono::TimeDelta;
use std::collections::HashSet;
use std::sync::PoisonError;
use vivero_core::ids::TenantId;
use vivero_core::operations::Operation;
use vivero_core::record::Kind;
use vivero_core::server::ServerState;
use vivero_core::{Error, Result, Value};

/// After a server did not answer, it is left alone for so long.
const AGAIN_AFTER: TimeDelta = TimeDelta::seconds(30);

const FIND: &str = "SELECT server, database_name, account FROM leftovers";
const KINDS: [Kind; 3] = [Kind::Text, Kind::Text, Kind::Text];

fn place(mut row: Cells) -> Place {
    let (server, database, account) = (row.text(0), row.text(1), row.text(2));
    Place { server, database, account, password: String::new(), next: None }
}

impl MariaDbFleet {
    /// Removes the database of one generation, or, if its server does not answer, notes what is left there and
    /// gives the server's name.
    pub(super) async fn abandon_database(
        &self,
        id: TenantId,
        generation: i64,
        of: Option<&Operation>,
    ) -> Result<Option<String>> {
        match self.remove_database(id, generation, of).await {
            Ok(()) => return Ok(None),
            Err(Error::Unavailable { .. }) => {}
            Err(other) => return Err(other),
        }
        let Some(home) = self.credentials.find(self.registry(), id).await? else { return Ok(None) };
        let found = self.registry().find("id", Value::Id(id.uuid())).await?;
        let elsewhere = self.credentials.elsewhere(self.registry(), id, generation).await?;
        let now_at = match &found {
            Some(tenant) => {
                self.credentials.elsewhere(self.registry(), id, tenant.generation).await?
            }
            None => None,
        };
        let mut transaction = self.registry().begin().await?;
        if let Some(operation) = of {
            // Whoever has gone on with it may keep what would be left here.
            Registry::<MariaDb>::held_in(&mut transaction, operation).await?;
        }
        let left = match (elsewhere, now_at, &found) {
            (Some((server, _)), _, _) => {
                let left = Place { server, ..home.at(generation) };
                self.left(&left).execute::<MariaDb>(&mut transaction).await?;
                Self::forget_generation(&mut transaction, id, generation).await?;
                left
            }
            (None, Some((server, password)), Some(tenant)) => {
                let left = home.at(generation);
                self.left(&left).execute::<MariaDb>(&mut transaction).await?;
                self.move_home(&mut transaction, tenant, server, &password).await?;
                left
            }
            (None, _, found) => {
                let all = found.as_ref().is_none_or(|t| t.generation == generation);
                let left = home.at(generation);
                self.left(&left).execute::<MariaDb>(&mut transaction).await?;
                if all {
                    Sql::new("DELETE FROM tenant_databases WHERE tenant_id = ?")
                        .with(Value::Id(id.uuid()))
                        .execute::<MariaDb>(&mut transaction)
                        .await?;
                }
                left
            }
        };
        MariaDb::commit(transaction, ()).await?;
        tracing::warn!(tenant = %id, server = left.server, database = left.database,
            "a database is left on a server that does not answer; it is removed when that does");
        Ok(Some(left.server))
    }

    /// Notes what is left, for the transaction that forgets it otherwise.
    pub(super) fn left(&self, left: &Place) -> Sql {
        Sql::new(
            "REPLACE INTO leftovers (server, database_name, account, noted_at) VALUES (?, ?, ?, ?)",
        )
        .with(Value::Text(left.server.clone()))
        .with(Value::Text(left.database.clone()))
        .with(Value::Text(left.account.clone()))
        .with(Value::Time(self.keeper.clock.now()))
    }

    /// Removes what is left wherever it is, as far as servers answer.
    pub(super) async fn clear_leftovers(&self) -> Result<u64> {
        let now = self.keeper.clock.now();
        if now < *self.leftovers_after.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(0);
        }
        let rows = self.registry().read_all(Sql::new(FIND), &KINDS).await?;
        let (mut removed, mut silent) = (0, HashSet::new());
        for left in rows.into_iter().map(place) {
            if silent.contains(&left.server) {
                continue;
            }
            match self.clear(&left, false).await {
                Ok(true) => removed += 1,
                // Another is at it, or the server is out of service.
                Ok(false) => {}
                Err(error) => {
                    let mut after =
                        self.leftovers_after.lock().unwrap_or_else(PoisonError::into_inner);
                    *after = self.keeper.clock.now() + AGAIN_AFTER;
                    tracing::debug!(%error, server = left.server, database = left.database,
                        "a leftover cannot be removed now; it is tried again");
                    // Each more would wait for it as long.
                    silent.insert(left.server);
                }
            }
        }
        Ok(removed)
    }

    /// Removes what is left of an account on a server, before anything is made for it there. What is kept there
    /// is in the way.
    pub(super) async fn clear_before(&self, made: &Place) -> Result<()> {
        self.refuse_kept(made).await?;
        let sql = Sql::new(format!("{FIND} WHERE server = ? AND account = ?"))
            .with(Value::Text(made.server.clone()))
            .with(Value::Text(made.account.clone()));
        for left in self.registry().read_all(sql, &KINDS).await?.into_iter().map(place) {
            if !self.clear(&left, true).await? {
                return Err(Error::Unavailable {
                    what: format!(
                        "database server {}, what is left there is to be removed first",
                        left.server
                    )
                    .into(),
                    retry_after: 5,
                    source: None,
                });
            }
        }
        Ok(())
    }

    /// Removes what is left on one server, as far as it answers.
    pub(super) async fn clear_on(&self, server: &str) -> Result<()> {
        let sql = Sql::new(format!("{FIND} WHERE server = ?")).with(Value::Text(server.to_owned()));
        for left in self.registry().read_all(sql, &KINDS).await?.into_iter().map(place) {
            match self.clear(&left, true).await {
                Ok(true) => {}
                Ok(false) | Err(Error::Unavailable { .. }) => return Ok(()),
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    /// `false` if another does it, or the server is out of service.
    async fn clear(&self, left: &Place, wait: bool) -> Result<bool> {
        let listed = self.servers.find(&left.server).await?;
        if listed.state == ServerState::Down {
            return Ok(false);
        }
        let server: &Server = &listed.server;
        let name = format!("left {}", left.database);
        let Some(_held) = server.hold_named(&name, wait).await? else { return Ok(false) };
        if !self.is_left(left).await? {
            return Ok(true);
        }
        self.drop_unused(server, left).await?;
        let sql = Sql::new("DELETE FROM leftovers WHERE server = ? AND database_name = ?")
            .with(Value::Text(left.server.clone()))
            .with(Value::Text(left.database.clone()));
        self.registry().write(sql).await?;
        tracing::info!(server = left.server, database = left.database, "a leftover is removed");
        Ok(true)
    }

    /// Removes a database, with its account unless that works for a tenant there.
    async fn drop_unused(&self, server: &Server, left: &Place) -> Result<()> {
        if self.is_in_use(left).await? {
            // Never: a tenant works with it.
            tracing::warn!(
                server = left.server,
                database = left.database,
                "a leftover is a tenant's"
            );
            return Ok(());
        }
        if self.has_account(left).await? {
            server.remove_generation(left).await
        } else {
            server.remove(left).await
        }
    }

    /// The same of what is kept, by the word of an operator, under the lock of leftovers.
    pub(super) async fn drop_nobodys(&self, kept: &Place) -> Result<()> {
        let listed = self.servers.find(&kept.server).await?;
        let server: &Server = listed.up()?;
        let name = format!("left {}", kept.database);
        let held = server.hold_named(&name, true).await?;
        let _held = held.ok_or_else(|| Error::Unavailable {
            what: format!("database {}, another is removing it", kept.database).into(),
            retry_after: 5,
            source: None,
        })?;
        self.drop_unused(server, kept).await
    }

    /// Whether it is the database that a tenant has now.
    async fn is_in_use(&self, left: &Place) -> Result<bool> {
        let sql = Sql::new(
            "SELECT count(*) FROM tenants t JOIN tenant_databases d ON d.tenant_id = t.id \
             LEFT JOIN tenant_generations g ON g.tenant_id = t.id AND g.generation = t.generation \
             WHERE concat(d.database_name, if(t.generation = 1, '', concat('g', t.generation))) = ? \
             AND coalesce(g.server, d.server) = ?",
        )
        .with(Value::Text(left.database.clone()))
        .with(Value::Text(left.server.clone()));
        let row = self.registry().read(sql, &[Kind::Int]).await?;
        Ok(row.is_some_and(|row| row.int(0) > 0))
    }

    async fn is_left(&self, left: &Place) -> Result<bool> {
        let sql = Sql::new("SELECT count(*) FROM leftovers WHERE server = ? AND database_name = ?")
            .with(Value::Text(left.server.clone()))
            .with(Value::Text(left.database.clone()));
        let row = self.registry().read(sql, &[Kind::Int]).await?;
        Ok(row.is_some_and(|row| row.int(0) > 0))
    }

    /// Whether the account works for a tenant on that server, or is about to.
    async fn has_account(&self, left: &Place) -> Result<bool> {
        let sql = Sql::new(
            "SELECT (SELECT count(*) FROM tenant_databases WHERE server = ? AND account = ?) + \
             (SELECT count(*) FROM tenant_generations g JOIN tenant_databases d ON d.tenant_id = g.tenant_id \
             WHERE g.server = ? AND d.account = ?)",
        )
        .with(Value::Text(left.server.clone()))
        .with(Value::Text(left.account.clone()))
        .with(Value::Text(left.server.clone()))
        .with(Value::Text(left.account.clone()));
        let row = self.registry().read(sql, &[Kind::Int]).await?;
        Ok(row.is_some_and(|row| row.int(0) > 0))
    }
}
