//! Connections that change tables: beside the pool, one at a time for each database.

use super::super::{MariaDb, lock_wait};
use super::{Pool, Purpose, Writing, connect, unavailable};
use crate::backend::{Cells, Sql};
use vivero_core::record::Kind;
use vivero_core::{Error, Result};

/// How long it waits for others who change tables.
const WAIT: u32 = 60;

/// The lock is the connection's, and goes with it.
fn lock() -> String {
    format!("SELECT get_lock(concat('vivero tables ', database()), {WAIT})")
}

impl Pool {
    /// A connection that may change tables, while no other does.
    pub(crate) async fn define(&self) -> Result<Writing> {
        let Some(definer) = &self.0.definer else {
            return Err(Error::internal("changing tables", "this account may not"));
        };
        let connection = connect(definer, Purpose::Writing, &self.0.ties.nodes).await?;
        let mut lease = self.lease(connection, None, None);
        match Sql::new(lock()).number::<MariaDb>(&mut lease).await? {
            Some(1) => Ok(Writing(lease)),
            _ => Err(unavailable("database, its tables are being changed")),
        }
    }

    /// The same, with what is read first, all in one packet; `None` if one of the queries failed.
    pub(crate) async fn define_and(
        &self,
        seconds: u32,
        queries: &[(&'static str, &'static [Kind])],
    ) -> Result<(Writing, Option<Vec<Vec<Cells>>>)> {
        let Some(definer) = &self.0.definer else {
            return Err(Error::internal("changing tables", "this account may not"));
        };
        let connection = connect(definer, Purpose::Writing, &self.0.ties.nodes).await?;
        let mut lease = self.lease(connection, None, None);
        let wait = lock_wait(seconds);
        let texts: Vec<&str> = queries.iter().map(|(text, _)| *text).collect();
        let kinds = [&[][..], &[Kind::Int][..]].into_iter();
        let kinds: Vec<&[Kind]> = kinds.chain(queries.iter().map(|(_, kinds)| *kinds)).collect();
        let text = format!("{wait}; {}; {}", lock(), texts.join("; "));
        match lease.batch(text, &kinds).await {
            Ok(mut found) if found.len() > kinds.len() => {
                found.truncate(kinds.len());
                let found_of = found.split_off(2);
                match found[1].first().map(|row| row.int(0)) {
                    Some(1) => Ok((Writing(lease), Some(found_of))),
                    _ => Err(unavailable("database, its tables are being changed")),
                }
            }
            Err(e) if e.is_lost() => Err(e.into()),
            // Which one failed, and why, is found out by asking one by one. A lock can be taken twice.
            _ => match Sql::new(lock()).number::<MariaDb>(&mut lease).await? {
                Some(1) => Ok((Writing(lease), None)),
                _ => Err(unavailable("database, its tables are being changed")),
            },
        }
    }
}
