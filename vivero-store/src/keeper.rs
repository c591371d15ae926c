//! The registry as open tenants need it: it anchors the heads of their chains, also when they are closed, and
//! says whose turn sealing is.

use crate::backend::Backend;
use crate::migrate::Target;
use crate::registry::Registry;
use crate::tenant::{Anchors, SqlTenant, TURN, journal};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use vivero_core::ids::TenantId;
use vivero_core::journal::Anchor;
use vivero_core::port::Lease;
use vivero_core::tenant::Tenant;
use vivero_core::{Clock, Error, Result, Shared, Uuid};

/// The registry with the clock anchors are dated by.
pub(crate) struct Keeper<B: Backend> {
    pub(crate) registry: Registry<B>,
    pub(crate) clock: Arc<dyn Clock>,
    /// What processes share, once it is known, and what this one calls itself in leases.
    shared: OnceLock<(Arc<dyn Shared>, Uuid)>,
    /// Databases that are opened whatever their chains are, until the registry knows those.
    trusted: Mutex<HashSet<(TenantId, i64)>>,
}

/// How often and how long a node of a cluster is waited for that may not have all yet.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

impl<B: Backend> fmt::Debug for Keeper<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keeper")
    }
}

#[async_trait]
impl<B: Backend> Anchors for Keeper<B> {
    async fn anchor(&self, of: (TenantId, i64), position: u64, hash: [u8; 32]) -> Result<()> {
        let of = (of.0, Some(of.1));
        self.registry.set_anchor(of, Anchor { position, hash }, self.clock.now()).await
    }

    fn shared(&self) -> Option<Arc<dyn Shared>> {
        self.shared.get().map(|(shared, _)| Arc::clone(shared))
    }

    async fn take_turn(&self, tenant: TenantId, held: Option<Lease>) -> Result<Option<Lease>> {
        let Some((_, me)) = self.shared.get() else { return Ok(None) };
        let now = self.clock.now();
        match held {
            Some(lease) if lease.until > now + TURN / 2 => Ok(Some(lease)),
            Some(lease) => self.registry.renew_lease(&lease, now + TURN).await,
            None => {
                let name = format!("seal/{}", tenant.uuid().simple());
                self.registry.take_lease(&name, *me, now, now + TURN).await
            }
        }
    }
}

impl<B: Backend> Keeper<B> {
    /// Tells the registry which version a tenant's tables have. Without it, the next run of migrations
    /// only looks at the tenant for nothing.
    pub(crate) async fn note_schema(&self, tenant: &Tenant, target: &Target) {
        let version = target.fingerprint.all();
        if let Err(e) = self.registry.note_schema(tenant, &version, self.clock.now()).await {
            tracing::warn!(tenant = %tenant.slug, error = %e, "noting a tenant's version failed");
        }
    }

    /// Opens the tenant's database from now on whatever its chain is.
    pub(crate) fn trust(&self, tenant: &Tenant) {
        let mut trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        trusted.insert((tenant.id, tenant.generation));
    }

    /// Anchors the head of a database that was trusted: whatever is put in its place next is looked at again.
    pub(crate) async fn replace_anchor(
        &self,
        tenant: &Tenant,
        anchor: Anchor,
        at: DateTime<Utc>,
    ) -> Result<()> {
        self.registry.replace_anchor(tenant, anchor, at).await?;
        let mut trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        trusted.remove(&(tenant.id, tenant.generation));
        Ok(())
    }

    fn trusts(&self, tenant: &Tenant) -> bool {
        let trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        trusted.contains(&(tenant.id, tenant.generation))
    }

    /// That a database has the change that was anchored last, and its position: otherwise it is an older copy, put
    /// back past vivero, and what was acknowledged since is not in it.
    pub(crate) async fn attest(
        &self,
        connection: &mut B::Connection,
        tenant: &Tenant,
    ) -> Result<u64> {
        let mut looks = 0;
        loop {
            // The anchor first: what is sealed meanwhile is beyond it.
            let anchor = match self.registry.anchored(tenant.id).await? {
                Some((generation, anchor)) if generation == tenant.generation => anchor,
                // Nothing was anchored yet, or it is of another database of the tenant's.
                _ => return Ok(0),
            };
            if journal::has::<B>(connection, tenant.id, anchor).await? || self.trusts(tenant) {
                return Ok(anchor.position);
            }
            looks += 1;
            if looks == LOOKS {
                let head = journal::head::<B>(connection, tenant.id).await?.position;
                let slug = &tenant.slug;
                return Err(Error::corrupt(format!(
                    "the database of tenant {slug} is an older copy, or another's: its chain ends at change {head}, and \
                     the registry knows of change {} with another hash or none there. Put the present database back, or \
                     `vivero tenant restore {slug} --replace` from an archive; to go on with this copy and give up what \
                     it lacks, `vivero audit accept --tenant {slug} --confirm {slug}`",
                    anchor.position
                )));
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    pub(crate) fn new(registry: Registry<B>, clock: Arc<dyn Clock>) -> Self {
        Self { registry, clock, shared: OnceLock::new(), trusted: Mutex::default() }
    }

    /// Hands over what the installation's processes share. Only the first time counts.
    #[cfg(feature = "mariadb")]
    pub(crate) fn attach(&self, shared: Arc<dyn Shared>, me: Uuid) {
        let _ = self.shared.set((shared, me));
    }

    /// Seals and anchors what is left of a tenant, then closes it.
    pub(crate) async fn close_one(&self, (id, generation): (TenantId, i64), store: &SqlTenant<B>) {
        if let Err(e) = store.seal_all(false).await {
            tracing::warn!(tenant = %id, error = %e, "sealing at close failed");
        }
        // Also what was sealed before: the registry is told now and then.
        let told = match store.unanchored().await {
            Ok(Some(head)) => self.anchor((id, generation), head.position, head.hash).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(e) = told {
            tracing::warn!(tenant = %id, error = %e, "anchoring at close failed");
        }
        if let Some(lease) = store.end_turn()
            && let Err(e) = self.registry.release_lease(&lease).await
        {
            tracing::debug!(tenant = %id, error = %e, "the lease to seal ends by itself");
        }
        store.close().await;
    }
}
