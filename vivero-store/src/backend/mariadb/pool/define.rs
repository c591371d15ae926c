//! Connections that change tables: beside the pool, one at a time for each database.

use super::super::queries::Queries;
use super::super::{MariaDb, lock_wait};
use super::{Lease, Pool, Purpose, Writing, connect, unavailable};
use crate::backend::{Answers, Sql};
use std::time::Duration;
use vivero_core::record::Kind;
use vivero_core::{Error, Result};

/// How long it waits for others who change tables.
const WAIT: u32 = 60;

/// The lock is the connection's, and goes with it.
fn lock() -> String {
    format!("SELECT get_lock(concat('vivero tables ', database()), {WAIT})")
}

fn being_changed() -> Error {
    unavailable("database, its tables are being changed")
}

impl Pool {
    /// A connection that may change tables; in a cluster with what keeps others from it, elsewhere that is a
    /// lock to be taken.
    async fn definer(&self) -> Result<Lease> {
        let Some(definer) = &self.0.definer else {
            return Err(Error::internal("changing tables", "this account may not"));
        };
        let ties = &self.0.ties;
        let held = match &ties.exclusive {
            Some(exclusive) if ties.nodes.are_many() => {
                let name = format!("tables/{}", definer.get_database().unwrap_or_default());
                let wait = Duration::from_secs(WAIT.into());
                Some(exclusive.hold(&name, wait).await?.ok_or_else(being_changed)?)
            }
            _ => None,
        };
        let place = match &ties.definers {
            Some(budget) => Some(budget.place().await?),
            None => None,
        };
        let connection = connect(definer, Purpose::Writing, &ties.nodes).await?;
        let mut lease = self.lease(connection, place, None);
        lease.held = held;
        Ok(lease)
    }

    /// A connection that may change tables, while no other does.
    pub(crate) async fn define(&self) -> Result<Writing> {
        let mut lease = self.definer().await?;
        if lease.held.is_some() {
            return Ok(Writing::of(lease));
        }
        match Sql::new(lock()).number::<MariaDb>(&mut lease).await? {
            Some(1) => Ok(Writing::of(lease)),
            _ => Err(being_changed()),
        }
    }

    /// A connection for what changes tables of one database after another, with the statement by which it
    /// enters this one. It keeps no statement prepared: that would stay with the database before. Not in a
    /// cluster, where each database is a lease.
    async fn passing(&self) -> Result<Option<(Lease, String)>> {
        let Some(passing) = &self.0.ties.passing else { return Ok(None) };
        let database = self.0.definer.as_ref().and_then(|definer| definer.get_database());
        let Some(name) = database else { return Ok(None) };
        let lease = passing.acquire_within(Duration::from_secs(WAIT.into())).await?;
        Ok(Some((lease, format!("USE `{name}`"))))
    }

    /// The same, with what is read first, all in one packet; `None` if one of the queries failed.
    pub(crate) async fn define_and(
        &self,
        seconds: u32,
        queries: &[(&'static str, &'static [Kind])],
    ) -> Result<(Writing, Option<Answers>)> {
        let (mut lease, enter) = match self.passing().await? {
            Some(passing) => passing,
            None => (self.definer().await?, "DO 0".to_owned()),
        };
        let taken = lease.held.is_some();
        lease.locked = !taken;
        let wait = lock_wait(seconds);
        let locked = if taken { "SELECT 1".to_owned() } else { lock() };
        // Statistics of columns are for larger tables: looking for them takes longer than these queries do.
        let wait = format!("{wait}, use_stat_tables = never");
        let mut all = Queries::default();
        all.push_text(&enter, &[]);
        all.push_text(&wait, &[]);
        all.push_text(&locked, &[Kind::Int]);
        queries.iter().for_each(|(text, kinds)| all.push_text(text, kinds));
        let wanted = all.len();
        match lease.batch(all).await {
            Ok(mut found) if found.len() == wanted => {
                let found_of = found.split_off(3);
                match found[2].first().map(|row| row.int(0)) {
                    Some(1) => return Ok((Writing::of(lease), Some(found_of))),
                    _ => return Err(being_changed()),
                }
            }
            Err(e) if e.is_lost() => return Err(e.into()),
            _ => {}
        }
        // Which one failed, and why, is found out by asking one by one. A lock can be taken twice.
        lease.script(&enter).await?;
        if !taken && Sql::new(lock()).number::<MariaDb>(&mut lease).await? != Some(1) {
            return Err(being_changed());
        }
        Ok((Writing::of(lease), None))
    }
}
