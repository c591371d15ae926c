//! Making a tenant: reserve the name, note the credentials, make database and account, make the tables,
//! seed and stamp, make it active.
//!
//! Every step can be cut off and done again. What was done is seen from the registry (the name is
//! reserved, the credentials are noted) and from the database (its stamp is written in the same
//! transaction as the seed). So the next run knows where to go on, and what must not be kept is removed
//! before its name is given free.

use super::MariaDbFleet;
use super::credentials::{Place, Prepared};
use super::hold::Held;
use crate::backend::Backend as _;
use crate::backend::mariadb::MariaDb;
use crate::registry::{Registry, Reserved};
use crate::schema::SCHEMA_VERSION;
use crate::stamp;
use crate::tenant::seed;
use vivero_core::port::Provision;
use vivero_core::tenant::{Tenant, TenantState};
use vivero_core::{Error, Result, Value};

fn busy() -> Error {
    Error::Unavailable { what: "tenant, it is being made".into(), retry_after: 5, source: None }
}

impl MariaDbFleet {
    pub(super) async fn provision_tenant(&self, provision: Provision) -> Result<Tenant> {
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
        // A request that was made before is looked for first: what it made is not to be waited for.
        if let Some(key) = &provision.key {
            let key = Value::Text(key.clone());
            if self.registry().find("provision_key", key).await?.is_some() {
                return self.provision_again(wanted, provision).await;
            }
        }
        let _making = self.making.acquire().await.map_err(|e| Error::internal("waiting", e))?;
        // Held before others can see that it is being made.
        let held = self.servers.main().hold(wanted.id.uuid(), true).await?.ok_or_else(busy)?;
        let mut transaction = self.registry().begin().await?;
        let (key, fingerprint) = (provision.key.as_deref(), provision.fingerprint.as_deref());
        let reserved =
            Registry::<MariaDb>::reserve_in(&mut transaction, &wanted, key, fingerprint).await?;
        if reserved.is_some() {
            // Another request with this key came first, at this instant.
            drop((transaction, held, _making));
            return self.provision_again(wanted, provision).await;
        }
        // Where the database will be is on record with the name: one commit.
        let place = self.place_in(&mut transaction, wanted.id, &[]).await?;
        MariaDb::commit(transaction, ()).await?;
        self.make_noted(wanted, provision, Some(place), held).await
    }

    /// Goes on with what another request with the same key began, or gives what it made.
    async fn provision_again(&self, wanted: Tenant, provision: Provision) -> Result<Tenant> {
        let (key, fingerprint) = (provision.key.as_deref(), provision.fingerprint.as_deref());
        let tenant = match self.registry().reserve(&wanted, key, fingerprint).await? {
            Reserved::Done(tenant) => return Ok(*tenant),
            Reserved::Ours(tenant) => *tenant,
        };
        // Two requests with one key, of any two processes, must not both make the database.
        let _making = self.making.acquire().await.map_err(|e| Error::internal("waiting", e))?;
        let held = self.servers.main().hold(tenant.id.uuid(), true).await?.ok_or_else(busy)?;
        let now = self.registry().find("id", Value::Id(tenant.id.uuid())).await?;
        match now {
            Some(now) if now.state == TenantState::Provisioning => {}
            Some(now) => return Ok(now),
            // The other request failed and has given the name free.
            None => return Err(busy()),
        }
        self.make_noted(tenant, provision, None, held).await
    }

    /// Makes a tenant whose name is reserved, at a place that was noted this instant or is to be found. Who no
    /// longer holds it leaves it to whoever does: that one goes on with what is there, and must not find it
    /// removed.
    async fn make_noted(
        &self,
        tenant: Tenant,
        provision: Provision,
        place: Option<(Place, Prepared)>,
        held: Held,
    ) -> Result<Tenant> {
        let at = provision.at;
        let made = self.make_database(&tenant, provision, place).await;
        if held.is_lost() {
            return Err(busy());
        }
        match made {
            Ok(()) => match self.registry().activate(&tenant, &self.fingerprint(), at).await {
                // Removed or made active at this instant by who held it meanwhile.
                Err(Error::NotFound { .. } | Error::Conflict { .. }) => Err(busy()),
                activated => activated,
            },
            Err(e) => {
                if let Err(undoing) = self.undo(&tenant, &held).await {
                    // The name stays reserved until the database is known to be gone.
                    tracing::warn!(tenant = %tenant.slug, error = %undoing,
                        "a half-made tenant could not be removed; the next start tries again");
                }
                Err(e)
            }
        }
    }

    async fn make_database(
        &self,
        tenant: &Tenant,
        provision: Provision,
        place: Option<(Place, Prepared)>,
    ) -> Result<()> {
        let (place, prepared) = match place {
            Some(place) => place,
            None => self.place(tenant.id).await?,
        };
        let listed = self.servers.find(&place.server).await?;
        let server = listed.up()?;
        if prepared == Prepared::No {
            server.make(&place).await?;
        }
        let (readers, writer) = server.tenant_pools(&place, None).await?;
        let made = async {
            // A prepared database has the tables of this build, and nobody's stamp.
            if prepared == Prepared::No {
                super::site::bring_up(&writer, tenant.id, &self.target, &*self.keeper.clock)
                    .await?;
                let stamped = stamp::check::<MariaDb>(&mut *readers.acquire().await?, tenant).await;
                if stamped.is_ok() {
                    return Ok(());
                }
            }
            let mut transaction = MariaDb::begin(&writer).await?;
            stamp::write::<MariaDb>(&mut transaction, tenant).await?;
            seed::<MariaDb>(transaction, &self.tables, provision.seed, provision.entries).await
        };
        let outcome = made.await;
        readers.close();
        writer.close();
        outcome
    }

    async fn undo(&self, tenant: &Tenant, held: &Held) -> Result<()> {
        let still_held = || if held.is_lost() { Err(busy()) } else { Ok(()) };
        // Where there is no place on record, nothing was made.
        if let Some(place) = self.credentials.find(self.registry(), tenant.id).await? {
            let listed = self.servers.find(&place.server).await?;
            still_held()?;
            listed.up()?.remove(&place).await?;
            still_held()?;
            self.credentials.forget(self.registry(), tenant.id).await?;
        }
        self.registry().release(tenant.id).await
    }

    /// Whether a half-made tenant's database lacks nothing but the last step.
    async fn is_made(&self, tenant: &Tenant) -> Result<bool> {
        let Some(place) = self.credentials.find(self.registry(), tenant.id).await? else {
            return Ok(false);
        };
        let listed = self.servers.find(&place.server).await?;
        listed.up()?.is_stamped(tenant.id, &place).await
    }

    /// A database with a stamp only lacks its last step; one without was never anybody's. What another
    /// process is making now is left to it.
    pub(super) async fn finish_or_undo(&self) -> Result<(u64, u64)> {
        let (mut finished, mut undone) = (0, 0);
        for tenant in self.registry().unfinished().await? {
            match self.finish_or_undo_one(&tenant).await {
                Ok(Some(true)) => finished += 1,
                Ok(Some(false)) => undone += 1,
                Ok(None) => {}
                // A server that is away must not keep an installation from starting.
                Err(error @ Error::Unavailable { .. }) => {
                    tracing::warn!(%error, tenant = %tenant.slug,
                        "a half-made tenant cannot be finished or removed now; the next start tries again");
                }
                Err(error) => return Err(error),
            }
        }
        Ok((finished, undone))
    }

    /// `true` if it was finished, `false` if undone, nothing if it is another's.
    async fn finish_or_undo_one(&self, tenant: &Tenant) -> Result<Option<bool>> {
        let Some(held) = self.servers.main().hold(tenant.id.uuid(), false).await? else {
            return Ok(None);
        };
        let now = self.registry().find("id", Value::Id(tenant.id.uuid())).await?;
        if now.is_none_or(|now| now.state != TenantState::Provisioning) {
            return Ok(None);
        }
        let made = self.is_made(tenant).await?;
        if held.is_lost() {
            return Ok(None);
        }
        if made {
            let (at, active) = (self.keeper.clock.now(), TenantState::Active);
            let set = self.registry().set_state(tenant.id, active, tenant.version, at).await;
            return match set {
                Err(Error::NotFound { .. } | Error::Conflict { .. }) => Ok(None),
                set => set.map(|_| Some(true)),
            };
        }
        self.undo(tenant, &held).await?;
        Ok(Some(false))
    }
}
