//! Making a tenant: reserve the name, copy the template, stamp and seed it, make it active.
//!
//! Every step can be cut off. What was done is seen from the registry (the name is reserved) and from
//! the file (it is there under its final name; it has a stamp, which is written in the same transaction
//! as the seed). So the next run knows where to go on, and what must not be kept is removed.

use super::files;
use super::{SqliteFleet, pragma};
use crate::backend::sqlite::{Pool, Sqlite};
use crate::registry::Reserved;
use crate::schema::SCHEMA_VERSION;
use crate::stamp;
use crate::tenant::seed;
use vivero_core::Result;
use vivero_core::port::Provision;
use vivero_core::tenant::{Tenant, TenantState};

impl SqliteFleet {
    pub(super) async fn make(&self, provision: Provision) -> Result<Tenant> {
        // Two requests with one key must not both make the file.
        let _one_at_a_time = self.provisioning.lock().await;
        let wanted = Tenant {
            id: provision.id,
            slug: provision.slug.clone(),
            organization: provision.organization.clone(),
            operation_type: provision.operation_type,
            state: TenantState::Provisioning,
            plan: provision.plan,
            generation: 1,
            schema_version: SCHEMA_VERSION,
            version: 1,
            created_at: provision.at,
            neutral: false,
        };
        let reserved = self
            .registry()
            .reserve(&wanted, provision.key.as_deref(), provision.fingerprint.as_deref())
            .await?;
        let tenant = match reserved {
            Reserved::Done(tenant) => return Ok(*tenant),
            Reserved::Ours(tenant) => *tenant,
        };
        let at = provision.at;
        match self.make_file(&tenant, provision).await {
            Ok(()) => {
                self.registry.note_schema(&tenant, &self.target).await;
                self.registry().set_state(tenant.id, TenantState::Active, tenant.version, at).await
            }
            Err(e) => {
                // The name stays reserved until the file is known to be gone.
                files::remove(&self.files.tenant(tenant.id, tenant.generation))?;
                self.registry().release(tenant.id).await?;
                Err(e)
            }
        }
    }

    async fn make_file(&self, tenant: &Tenant, provision: Provision) -> Result<()> {
        let path = self.files.tenant(tenant.id, tenant.generation);
        if !path.exists() {
            self.files.copy_template(&path)?;
        }
        let pool = self.files.tenant_pools(&path, 1).writer;
        let made = async {
            if is_stamped(&pool, tenant).await {
                return Ok(());
            }
            let mut transaction = pool.begin().await?;
            stamp::write::<Sqlite>(&mut transaction, tenant).await?;
            seed::<Sqlite>(transaction, &self.tables, provision.seed, provision.entries).await?;
            pragma(&pool, "PRAGMA wal_checkpoint(TRUNCATE)").await
        };
        let outcome = made.await;
        pool.close();
        outcome
    }

    /// A file with a stamp only lacks its last step; one without was never anybody's.
    pub(super) async fn finish_or_undo(&self) -> Result<(u64, u64)> {
        let _one_at_a_time = self.provisioning.lock().await;
        let (mut finished, mut undone) = (0, 0);
        for tenant in self.registry().unfinished().await? {
            let path = self.files.tenant(tenant.id, tenant.generation);
            let stamped = if path.exists() {
                let pool = self.files.tenant_pools(&path, 1).writer;
                let stamped = is_stamped(&pool, &tenant).await;
                pool.close();
                stamped
            } else {
                false
            };
            if stamped {
                let at = self.registry.clock.now();
                self.registry()
                    .set_state(tenant.id, TenantState::Active, tenant.version, at)
                    .await?;
                finished += 1;
            } else {
                files::remove(&path)?;
                files::remove(&path.with_extension("tmp"))?;
                self.registry().release(tenant.id).await?;
                undone += 1;
            }
        }
        Ok((finished, undone))
    }
}

async fn is_stamped(pool: &Pool, tenant: &Tenant) -> bool {
    match pool.acquire().await {
        Ok(mut connection) => stamp::check::<Sqlite>(&mut connection, tenant).await.is_ok(),
        Err(_) => false,
    }
}
