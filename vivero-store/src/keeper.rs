//! The registry as open tenants need it: it anchors the heads of their chains, also when they are closed, and
//! says whose turn sealing is.

use crate::backend::Backend;
use crate::migrate::Target;
use crate::registry::Registry;
use crate::tenant::{Anchors, SqlTenant, TURN};
use async_trait::async_trait;
use std::fmt;
use std::sync::{Arc, OnceLock};
use vivero_core::ids::TenantId;
use vivero_core::journal::Anchor;
use vivero_core::port::Lease;
use vivero_core::tenant::Tenant;
use vivero_core::{Clock, Result, Shared, Uuid};

/// The registry with the clock anchors are dated by.
pub(crate) struct Keeper<B: Backend> {
    pub(crate) registry: Registry<B>,
    pub(crate) clock: Arc<dyn Clock>,
    /// What processes share, once it is known, and what this one calls itself in leases.
    shared: OnceLock<(Arc<dyn Shared>, Uuid)>,
}

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

    pub(crate) fn new(registry: Registry<B>, clock: Arc<dyn Clock>) -> Self {
        Self { registry, clock, shared: OnceLock::new() }
    }

    /// Hands over what the installation's processes share. Only the first time counts.
    #[cfg(feature = "mariadb")]
    pub(crate) fn attach(&self, shared: Arc<dyn Shared>, me: Uuid) {
        let _ = self.shared.set((shared, me));
    }

    /// Seals and anchors what is left of a tenant, then closes it.
    pub(crate) async fn close_one(&self, (id, generation): (TenantId, i64), store: &SqlTenant<B>) {
        match store.seal_all(false).await {
            Ok(Some(head)) => {
                if let Err(e) = self.anchor((id, generation), head.position, head.hash).await {
                    tracing::warn!(tenant = %id, error = %e, "anchoring at close failed");
                }
            }
            Ok(None) => {}
            Err(e) => tracing::warn!(tenant = %id, error = %e, "sealing at close failed"),
        }
        if let Some(lease) = store.end_turn()
            && let Err(e) = self.registry.release_lease(&lease).await
        {
            tracing::debug!(tenant = %id, error = %e, "the lease to seal ends by itself");
        }
        store.close().await;
    }
}
