//! Leases: what only one process of an installation may do at a time. Their rows stay, so that tokens
//! never come twice.

use super::Registry;
use crate::backend::{Backend, Cells, Sql};
use chrono::{DateTime, Utc};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use vivero_core::port::Lease;
use vivero_core::record::Kind;
use vivero_core::{Error, Result, Value};

const KINDS: [Kind; 4] = [Kind::Text, Kind::Id, Kind::Int, Kind::Time];
/// Longest name, in characters: what a key of MariaDB holds of any text.
const LONGEST: usize = 190;
/// So soon, and for so long, a lease is given back again where that was undone.
const AGAIN_AFTER: Duration = Duration::from_millis(10);
const AGAIN_FOR: Duration = Duration::from_secs(2);

impl<B: Backend> Registry<B> {
    pub(crate) async fn take_lease(
        &self,
        name: &str,
        holder: Uuid,
        at: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Lease>> {
        if name.is_empty() || name.chars().count() > LONGEST {
            return Err(Error::invalid("name", "length", "must have 1 to 190 characters"));
        }
        let mut transaction = B::begin(&self.writer).await?;
        let found = Sql::new("SELECT name, holder, token, until FROM leases WHERE name = ?")
            .with(Value::Text(name.into()))
            .first::<B>(&mut transaction, &KINDS)
            .await?
            .map(decode)
            .transpose()?;
        let sql = match &found {
            Some(held) if held.holder != holder && held.until > at => return Ok(None),
            Some(_) => "UPDATE leases SET holder = ?, token = ?, until = ? WHERE name = ?",
            None => "INSERT INTO leases (holder, token, until, name) VALUES (?, ?, ?, ?)",
        };
        let token = found.map_or(1, |held| held.token + 1);
        Sql::new(sql)
            .with(Value::Id(holder))
            .with(number(token))
            .with(Value::Time(until))
            .with(Value::Text(name.into()))
            .execute::<B>(&mut transaction)
            .await?;
        B::commit(transaction, ()).await?;
        Ok(Some(Lease { name: name.into(), holder, token, until }))
    }

    pub(crate) async fn renew_lease(
        &self,
        lease: &Lease,
        until: DateTime<Utc>,
    ) -> Result<Option<Lease>> {
        let held = self.end_lease(lease, until).await?;
        Ok(held.then(|| Lease { until, ..lease.clone() }))
    }

    pub(crate) async fn release_lease(&self, lease: &Lease) -> Result<()> {
        let begun = Instant::now();
        let mut pause = AGAIN_AFTER;
        loop {
            match self.end_lease(lease, DateTime::UNIX_EPOCH).await {
                // Another node of a cluster was faster: nobody else may have to wait for the lease to end.
                Err(Error::Undone { .. }) if begun.elapsed() < AGAIN_FOR => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                outcome => return outcome.map(|_| ()),
            }
        }
    }

    /// Gives a lease another end, if it is still its holder's.
    async fn end_lease(&self, lease: &Lease, until: DateTime<Utc>) -> Result<bool> {
        let mut transaction = B::begin(&self.writer).await?;
        let changed =
            Sql::new("UPDATE leases SET until = ? WHERE name = ? AND holder = ? AND token = ?")
                .with(Value::Time(until))
                .with(Value::Text(lease.name.clone()))
                .with(Value::Id(lease.holder))
                .with(number(lease.token))
                .execute::<B>(&mut transaction)
                .await?;
        B::commit(transaction, ()).await?;
        Ok(changed > 0)
    }

    pub(crate) async fn leases(&self, prefix: &str) -> Result<Vec<Lease>> {
        // Comparing what they begin with, and not by LIKE: a prefix may hold its wildcards.
        let length = i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX);
        Sql::new("SELECT name, holder, token, until FROM leases WHERE substr(name, 1, ?) = ? ORDER BY name")
            .with(Value::Int(length))
            .with(Value::Text(prefix.into()))
            .fetch::<B>(&mut *self.reader().await?, &KINDS)
            .await?
            .into_iter()
            .map(decode)
            .collect()
    }
}

fn number(token: u64) -> Value {
    Value::Int(i64::try_from(token).unwrap_or(i64::MAX))
}

fn decode(mut row: Cells) -> Result<Lease> {
    Ok(Lease {
        name: row.text(0),
        holder: row.id(1),
        token: row.natural(2),
        until: row.time(3).ok_or_else(|| Error::corrupt("registry: leases.until"))?,
    })
}
