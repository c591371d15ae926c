//! The task that seals what was committed, soon after it was.
//!
//! It waits a moment after the first commit, so that a burst of commits becomes one seal. It holds the
//! tenant weakly: a tenant that nobody uses can be closed under it.

use super::{SqlTenant, journal::Head};
use crate::backend::Backend;
use async_trait::async_trait;
use std::sync::{Arc, Weak};
use std::time::Duration;
use vivero_core::Result;
use vivero_core::ids::TenantId;

/// How often heads are compared with what other processes may have sealed.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// Least time between two anchors of one tenant.
const ANCHOR_EVERY: Duration = Duration::from_secs(1);

/// Where chain heads are kept outside the tenant's database.
#[async_trait]
pub(crate) trait Anchors: Send + Sync {
    async fn anchor(&self, tenant: TenantId, position: u64, hash: [u8; 32]) -> Result<()>;
}

impl<B: Backend> SqlTenant<B> {
    /// Starts the task. `delay` is how stale dashboards and events may be.
    pub(crate) fn start_sealer(self: &Arc<Self>, delay: Duration, anchors: Arc<dyn Anchors>) {
        let tenant = Arc::downgrade(self);
        let committed = Arc::clone(&self.committed);
        tokio::spawn(async move {
            let mut anchored = tokio::time::Instant::now();
            let mut unanchored: Option<Head> = None;
            loop {
                let woken = tokio::time::timeout(LOOK_AROUND, committed.notified()).await.is_ok();
                if woken {
                    tokio::time::sleep(delay).await;
                }
                let Some(tenant) = Weak::upgrade(&tenant) else { return };
                if tenant.is_closed() {
                    return;
                }
                let outcome =
                    if woken { tenant.seal_all().await } else { tenant.look_around().await };
                match outcome {
                    Ok(Some(head)) => unanchored = Some(head),
                    Ok(None) => {}
                    Err(e) => {
                        tracing::warn!(tenant = %tenant.id, error = %e, "sealing failed; it is tried again");
                        committed.notify_one();
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                }
                if let Some(head) = unanchored
                    && (anchored.elapsed() >= ANCHOR_EVERY || !woken)
                {
                    match anchors.anchor(tenant.id, head.position, head.hash).await {
                        Ok(()) => unanchored = None,
                        Err(e) => {
                            tracing::warn!(tenant = %tenant.id, error = %e, "anchoring failed; it is tried again")
                        }
                    }
                    anchored = tokio::time::Instant::now();
                }
            }
        });
    }

    pub(crate) async fn seal_all(&self) -> Result<Option<Head>> {
        let mut last = None;
        while let Some(head) = self.seal_once().await? {
            last = Some(head);
        }
        Ok(last)
    }

    /// Notices what other processes did, for as long as anyone is listening, and closes connections
    /// that nobody used for a while.
    async fn look_around(&self) -> Result<Option<Head>> {
        B::reap(&self.readers);
        B::reap(&self.writer);
        if self.head.receiver_count() > 0 {
            self.refresh().await?;
        }
        Ok(None)
    }

    pub(crate) fn is_closed(&self) -> bool {
        B::is_closed(&self.readers)
    }
}
