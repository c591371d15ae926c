//! What the server says of a tenant's database and account.

use super::MariaDbFleet;
use crate::backend::Sql;
use crate::backend::mariadb::MariaDb;
use vivero_core::record::Kind;
use vivero_core::tenant::Tenant;
use vivero_core::usage::{AccountFigures, StoreUsage};
use vivero_core::{Result, Value};

/// By tablespaces: `information_schema.tables` opens every table for the same answer.
const SIZE: &str = "SELECT CAST(coalesce(sum(file_size), 0) AS INTEGER) \
     FROM information_schema.innodb_sys_tablespaces WHERE left(name, ?) = ?";
/// Seconds as whole microseconds, which every driver reads alike. Empty without `userstat`: the server keeps what it
/// counted before that was turned off.
const ACCOUNT: &str = "SELECT CAST(total_connections AS INTEGER), CAST(busy_time * 1000000 AS INTEGER), \
     CAST(cpu_time * 1000000 AS INTEGER), CAST(rows_read AS INTEGER), \
     CAST(rows_inserted + rows_updated + rows_deleted AS INTEGER), CAST(bytes_received AS INTEGER), \
     CAST(bytes_sent AS INTEGER) FROM information_schema.user_statistics WHERE user = ? AND @@global.userstat";

impl MariaDbFleet {
    /// This process's figures, the size of the database, and what the server counted for its account.
    pub(super) async fn usage_of(&self, tenant: &Tenant) -> Result<StoreUsage> {
        let place = self.place_of(tenant).await?;
        let listed = self.servers.find(&place.server).await?;
        let mut connection = listed.up()?.connect().await?;
        let folder = format!("{}/", place.database);
        let length = i64::try_from(folder.len()).unwrap_or(i64::MAX);
        let size = Sql::new(SIZE)
            .with(Value::Int(length))
            .with(Value::Text(folder))
            .number::<MariaDb>(&mut connection)
            .await?;
        let account = Sql::new(ACCOUNT)
            .with(Value::Text(place.account))
            .first::<MariaDb>(&mut connection, &[Kind::Int; 7])
            .await?;
        let meter = self.meters.of(tenant.id);
        Ok(StoreUsage {
            figures: meter.figures(),
            slow: meter.slow_calls(),
            storage_bytes: size.and_then(|bytes| u64::try_from(bytes).ok()),
            account: account.map(|row| AccountFigures {
                connections: row.natural(0),
                busy_seconds: row.natural(1) as f64 / 1e6,
                cpu_seconds: row.natural(2) as f64 / 1e6,
                rows_read: row.natural(3),
                rows_written: row.natural(4),
                bytes_received: row.natural(5),
                bytes_sent: row.natural(6),
            }),
        })
    }
}
