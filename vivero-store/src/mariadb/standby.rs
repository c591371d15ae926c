//! Prepared databases: made in the background with account and tables, so that a new tenant only claims
//! one and fills it.
//!
//! A row of the registry says what becomes of each: `making` from before its database is made until its
//! tables are done, then `ready`; claiming one takes its row away in the transaction in which it becomes a
//! tenant's. One process at a time makes them, under a lease. What is `making` while nobody makes it was
//! cut off, and is removed: its row goes last.

use super::MariaDbFleet;
use super::credentials::{Place, STANDBY};
use super::placement::{order, rooms};
use super::server::Server;
use super::site::bring_up_standby;
use crate::backend::mariadb::MariaDb;
use crate::backend::{Backend as _, Sql};
use chrono::TimeDelta;
use std::sync::Arc;
use uuid::Uuid;
use vivero_core::port::{Fleet as _, Lease};
use vivero_core::server::ServerState;
use vivero_core::{Error, Result, Value};

const LEASE: &str = "standby databases";
/// For how long the lease is taken; making one database takes less.
const HELD_FOR: TimeDelta = TimeDelta::seconds(180);
/// What was prepared for other tables is removed only when it is this old: while nodes are replaced one
/// by one, the old and the new ones each have theirs.
const OUTDATED_AFTER: TimeDelta = TimeDelta::minutes(10);

impl MariaDbFleet {
    /// Clears away what was cut off or is of no more use, and makes what is missing.
    pub(super) async fn tend_standby(&self) -> Result<u64> {
        let now = self.keeper.clock.now();
        if !self.is_wanting().await? {
            return Ok(0);
        }
        let Some(mut lease) = self.take_lease(LEASE, self.holder, now, now + HELD_FOR).await?
        else {
            return Ok(0);
        };
        let outcome = self.tend_under(&mut lease).await;
        self.release_lease(&lease).await?;
        outcome
    }

    /// Whether there may be anything to do, by one cheap query.
    async fn is_wanting(&self) -> Result<bool> {
        let sql = Sql::new(
            "SELECT count(CASE WHEN state = 'ready' AND tables_of = ? THEN 1 END), \
             count(CASE WHEN state <> 'ready' OR tables_of <> ? OR server IN \
             (SELECT name FROM database_servers s WHERE s.state = 'draining') THEN 1 END) \
             FROM standby_databases",
        )
        .with(Value::Text(self.fingerprint()))
        .with(Value::Text(self.fingerprint()));
        let kinds = [vivero_core::record::Kind::Int; 2];
        let row = self.registry().read(sql, &kinds).await?;
        let (ready, other) = row.map_or((0, 0), |row| (row.natural(0), row.natural(1)));
        Ok(ready < u64::from(self.options.standby) || other > 0)
    }

    async fn tend_under(&self, lease: &mut Lease) -> Result<u64> {
        let mut done = self.clear_standby().await?;
        while let Some((id, place)) = self.begin_standby().await? {
            self.prepare(id, &place).await?;
            done += 1;
            let until = self.keeper.clock.now() + HELD_FOR;
            match self.renew_lease(lease, until).await? {
                Some(renewed) => *lease = renewed,
                // Somebody else goes on.
                None => break,
            }
        }
        Ok(done)
    }

    /// Removes what was cut off, what has the tables of another build and what is on a server that is
    /// being emptied.
    pub(super) async fn clear_standby(&self) -> Result<u64> {
        let outdated = self.keeper.clock.now() - OUTDATED_AFTER;
        let mut transaction = self.registry().begin().await?;
        // From here on nobody claims them.
        Sql::new(
            "UPDATE standby_databases SET state = 'removing' WHERE state = 'making' \
             OR (state = 'ready' AND tables_of <> ? AND made_at < ?) OR (state = 'ready' AND server IN \
             (SELECT name FROM database_servers s WHERE s.state = 'draining'))",
        )
        .with(Value::Text(self.fingerprint()))
        .with(Value::Time(outdated))
        .execute::<MariaDb>(&mut transaction)
        .await?;
        MariaDb::commit(transaction, ()).await?;
        let sql = Sql::new(
            "SELECT id, server, database_name, account, password FROM standby_databases \
             WHERE state = 'removing'",
        );
        let mut removed = 0;
        for row in self.registry().read_all(sql, &STANDBY).await? {
            let (id, place) = self.credentials.standby(row)?;
            match self.remove_standby(id, &place).await {
                Ok(true) => removed += 1,
                // Whoever was making it is still at it, and will see that it is not wanted.
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, server = place.server, database = place.database,
                        "a prepared database cannot be removed now; it is tried again");
                }
            }
        }
        Ok(removed)
    }

    async fn remove_standby(&self, id: Uuid, place: &Place) -> Result<bool> {
        let listed = self.servers.find(&place.server).await?;
        if listed.state == ServerState::Down {
            return Ok(false);
        }
        let server = &listed.server;
        let Some(_held) = server.hold(id, false).await? else { return Ok(false) };
        server.remove(place).await?;
        self.forget_standby(id).await?;
        Ok(true)
    }

    async fn forget_standby(&self, id: Uuid) -> Result<()> {
        let sql = Sql::new("DELETE FROM standby_databases WHERE id = ?").with(Value::Id(id));
        self.registry().write(sql).await
    }

    /// Notes the next database that is to be made, if one is missing and a server has room.
    async fn begin_standby(&self) -> Result<Option<(Uuid, Place)>> {
        let mut transaction = self.registry().begin().await?;
        let ready = Sql::new(
            "SELECT count(*) FROM standby_databases WHERE state = 'ready' AND tables_of = ?",
        )
        .with(Value::Text(self.fingerprint()))
        .number::<MariaDb>(&mut transaction)
        .await?;
        if ready.unwrap_or(0) >= i64::from(self.options.standby) {
            return Ok(None);
        }
        let rooms = rooms(&mut transaction).await?;
        let Some(room) = order(&rooms, true).first().map(|room| room.name.clone()) else {
            return Ok(None);
        };
        let mut random = [0_u8; 16];
        rand::fill(&mut random);
        let id = uuid::Builder::from_random_bytes(random).into_uuid();
        let place = Place::fresh(&room, self.servers.main().name_of(id));
        Sql::new(
            "INSERT INTO standby_databases (id, server, database_name, account, password, state, tables_of, made_at) \
             VALUES (?, ?, ?, ?, ?, 'making', ?, ?)",
        )
        .with(Value::Id(id))
        .with(Value::Text(place.server.clone()))
        .with(Value::Text(place.database.clone()))
        .with(Value::Text(place.account.clone()))
        .with(self.credentials.seal(&place.password, id.as_bytes())?)
        .with(Value::Text(self.fingerprint()))
        .with(Value::Time(self.keeper.clock.now()))
        .execute::<MariaDb>(&mut transaction)
        .await?;
        MariaDb::commit(transaction, ()).await?;
        Ok(Some((id, place)))
    }

    /// Makes a noted database and says that it is ready.
    async fn prepare(&self, id: Uuid, place: &Place) -> Result<()> {
        let listed = self.servers.find(&place.server).await?;
        let server: &Arc<Server> = listed.up()?;
        let lost = || Error::internal("preparing a database", "another process cleared it away");
        let _held = server.hold(id, false).await?.ok_or_else(lost)?;
        // Held before it is looked whether it is still wanted: who clears away holds it, too.
        if self.standby_state(id).await?.as_deref() != Some("making") {
            return Err(lost());
        }
        server.make(place).await?;
        bring_up_standby(server, place, &self.target, &*self.keeper.clock).await?;
        let mut transaction = self.registry().begin().await?;
        let sql = "UPDATE standby_databases SET state = 'ready' WHERE id = ? AND state = 'making'";
        let sql = Sql::new(sql).with(Value::Id(id));
        let ready = sql.execute::<MariaDb>(&mut transaction).await?;
        MariaDb::commit(transaction, ()).await?;
        if ready == 0 {
            server.remove(place).await?;
            self.forget_standby(id).await?;
            return Err(lost());
        }
        Ok(())
    }

    async fn standby_state(&self, id: Uuid) -> Result<Option<String>> {
        let sql = Sql::new("SELECT state FROM standby_databases WHERE id = ?").with(Value::Id(id));
        let row = self.registry().read(sql, &[vivero_core::record::Kind::Text]).await?;
        Ok(row.and_then(|mut row| row.opt_text(0)))
    }
}
