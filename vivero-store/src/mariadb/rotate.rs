//! Other passwords for tenants' accounts.
//!
//! The new password is noted beside the old one, then it is set, then it takes the old one's place. At
//! each moment the registry knows the password that the account has; pools that are refused with the one
//! they know ask for it (see [`super::credentials::TenantLogin`]). Connections that are open stay.

use super::MariaDbFleet;
use super::credentials::password;
use crate::backend::mariadb::MariaDb;
use crate::backend::{Backend as _, Sql};
use vivero_core::ids::TenantId;
use vivero_core::record::Kind;
use vivero_core::{Error, Result, Value};

impl MariaDbFleet {
    /// Gives an account another password, or goes on with one that was cut off. With `only_finish` a new
    /// one is not begun.
    pub(super) async fn rotate(&self, tenant: TenantId, only_finish: bool) -> Result<()> {
        let busy = || Error::Unavailable {
            what: "tenant, its database account is being changed".into(),
            retry_after: 5,
            source: None,
        };
        let missing =
            || Error::corrupt(format!("the registry has no credentials of tenant {tenant}"));
        let _held = self.servers.main().hold(tenant.uuid(), true).await?.ok_or_else(busy)?;
        if self.is_moving(tenant).await? {
            // Its account on the other server is new anyway.
            return if only_finish { Ok(()) } else { Err(busy()) };
        }
        let place = self.credentials.find(self.registry(), tenant).await?.ok_or_else(missing)?;
        let listed = self.servers.find(&place.server).await?;
        let server = listed.up()?;
        let next = match place.next {
            Some(next) => next,
            None if only_finish => return Ok(()),
            None => {
                let next = password();
                self.note_next(tenant, &next).await?;
                next
            }
        };
        server.set_password(&place.account, &next).await?;
        let sql = "UPDATE tenant_databases SET password = next_password, next_password = NULL \
                   WHERE tenant_id = ? AND next_password IS NOT NULL";
        self.registry().write(Sql::new(sql).with(Value::Id(tenant.uuid()))).await?;
        tracing::info!(%tenant, "the tenant's database account has another password");
        Ok(())
    }

    async fn note_next(&self, tenant: TenantId, next: &str) -> Result<()> {
        let mut transaction = self.registry().begin().await?;
        Sql::new("UPDATE tenant_databases SET next_password = ? WHERE tenant_id = ?")
            .with(self.credentials.seal(next, tenant.uuid().as_bytes())?)
            .with(Value::Id(tenant.uuid()))
            .execute::<MariaDb>(&mut transaction)
            .await?;
        MariaDb::commit(transaction, ()).await
    }

    /// Goes on with those that were cut off, as far as their servers answer.
    pub(super) async fn finish_rotations(&self) -> Result<u64> {
        let sql =
            Sql::new("SELECT tenant_id FROM tenant_databases WHERE next_password IS NOT NULL");
        let mut finished = 0;
        for row in self.registry().read_all(sql, &[Kind::Id]).await? {
            let tenant = TenantId::from_uuid(row.id(0));
            // One that is under way is waited for, and then found done.
            match self.rotate(tenant, true).await {
                Ok(()) => finished += 1,
                Err(error) => tracing::warn!(%error, %tenant,
                    "another password for a tenant's account cannot be finished now; it is tried again"),
            }
        }
        Ok(finished)
    }
}
