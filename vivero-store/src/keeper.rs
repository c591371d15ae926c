//! The registry as open tenants need it: it anchors the heads of their chains, also when they are closed.

use crate::backend::Backend;
use crate::migrate::Target;
use crate::registry::Registry;
use crate::tenant::{Anchors, SqlTenant};
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;
use vivero_core::ids::TenantId;
use vivero_core::journal::Anchor;
use vivero_core::tenant::Tenant;
use vivero_core::{Clock, Result};

/// The registry with the clock anchors are dated by.
pub(crate) struct Keeper<B: Backend> {
    pub(crate) registry: Registry<B>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl<B: Backend> fmt::Debug for Keeper<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keeper")
    }
}

#[async_trait]
impl<B: Backend> Anchors for Keeper<B> {
    async fn anchor(&self, tenant: TenantId, position: u64, hash: [u8; 32]) -> Result<()> {
        self.registry.set_anchor(tenant, Anchor { position, hash }, self.clock.now()).await
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

    /// Seals and anchors what is left of a tenant, then closes it.
    pub(crate) async fn close_one(&self, id: TenantId, store: &SqlTenant<B>) {
        match store.seal_all().await {
            Ok(Some(head)) => {
                if let Err(e) = self.anchor(id, head.position, head.hash).await {
                    tracing::warn!(tenant = %id, error = %e, "anchoring at close failed");
                }
            }
            Ok(None) => {}
            Err(e) => tracing::warn!(tenant = %id, error = %e, "sealing at close failed"),
        }
        store.close().await;
    }
}
