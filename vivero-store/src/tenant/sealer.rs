//! The task that seals what was committed, soon after it was.
//!
//! It waits a moment after the first commit, so that a burst of commits becomes one seal. It holds the
//! tenant weakly: a tenant that nobody uses can be closed under it.

use super::SqlTenant;
use super::journal::{self, Head};
use super::turns::{News, Turns};
use crate::backend::Backend;
use async_trait::async_trait;
use std::sync::{Arc, Weak};
use std::time::Duration;
use vivero_core::ids::TenantId;
use vivero_core::port::Lease;
use vivero_core::{Error, Result, Shared};

/// How often heads are compared with what other processes may have sealed.
pub(super) const LOOK_AROUND: Duration = Duration::from_secs(1);
/// The same while someone listens and no word of others comes by itself.
const POLL: Duration = Duration::from_millis(250);
/// Least time between two anchors of one tenant.
const ANCHOR_EVERY: Duration = Duration::from_secs(1);

/// So often in succession a seal may wait for its turn to write, some seconds each, before that is worth a warning.
const PATIENCE: u32 = 6;

/// Where chain heads are kept outside the tenant's database, each with the generation it was sealed in.
#[async_trait]
pub(crate) trait Anchors: Send + Sync {
    async fn anchor(&self, of: (TenantId, i64), position: u64, hash: [u8; 32]) -> Result<()>;
    /// What the installation's processes share, if several may serve this storage.
    fn shared(&self) -> Option<Arc<dyn Shared>>;
    /// The lease to seal a tenant, given the one held so far; `None` if it is another process's.
    async fn take_turn(&self, tenant: TenantId, held: Option<Lease>) -> Result<Option<Lease>>;
}

/// Why the sealer woke up.
enum Woken {
    /// This process has committed something.
    Committed,
    News(News),
    /// Nothing happened for a while.
    Idle,
}

impl<B: Backend> SqlTenant<B> {
    /// Starts the task, for a database of this generation. `delay` is how stale dashboards and events may be.
    pub(crate) fn start_sealer(
        self: &Arc<Self>,
        generation: i64,
        delay: Duration,
        anchors: Arc<dyn Anchors>,
    ) {
        let tenant = Arc::downgrade(self);
        let committed = Arc::clone(&self.committed);
        let head = self.head.clone();
        let mut turns = Turns::new(self.id, anchors.shared(), Arc::clone(&self.turn));
        tokio::spawn(async move {
            let mut anchored = tokio::time::Instant::now();
            let mut unanchored: Option<Head> = None;
            // Whether something was left to another process to seal.
            let mut left = false;
            let mut failures = 0;
            loop {
                let polls = turns.polls() && head.receiver_count() > 0;
                let look_around = if polls { POLL } else { LOOK_AROUND };
                let woken = tokio::select! {
                    () = committed.notified() => Woken::Committed,
                    news = turns.news() => Woken::News(news),
                    () = tokio::time::sleep(look_around) => Woken::Idle,
                };
                let idle = matches!(woken, Woken::Idle);
                let seals = match woken {
                    Woken::Committed if turns.take(&*anchors).await => {
                        tokio::time::sleep(delay).await;
                        true
                    }
                    Woken::Committed => {
                        left = turns.wait().await;
                        !left
                    }
                    Woken::News(News::Commits) => {
                        tokio::time::sleep(delay).await;
                        true
                    }
                    Woken::News(News::Head) => false,
                    Woken::Idle => std::mem::take(&mut left),
                };
                let Some(tenant) = Weak::upgrade(&tenant) else { return };
                if tenant.is_closed() {
                    return;
                }
                let outcome = if seals {
                    tenant.seal_all(true).await
                } else {
                    tenant.look_around(idle).await
                };
                if matches!(outcome, Ok(Some(_))) {
                    turns.tell().await;
                }
                match outcome {
                    Ok(head) => {
                        failures = 0;
                        unanchored = head.or(unanchored);
                    }
                    Err(e) if matches!(e, Error::Undone { .. }) => {
                        tracing::debug!(tenant = %tenant.id, error = %e, "a seal was undone; it is tried again");
                        committed.notify_one();
                    }
                    Err(e) => {
                        failures += 1;
                        let again = "sealing failed; it is tried again";
                        // Behind a long unit of work, an import's: nothing is wrong so far.
                        if matches!(e, Error::Unavailable { .. }) && failures < PATIENCE {
                            tracing::debug!(tenant = %tenant.id, error = %e, "{again}");
                        } else {
                            tracing::warn!(tenant = %tenant.id, error = %e, "{again}");
                        }
                        committed.notify_one();
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                }
                if let Some(head) = unanchored
                    && (anchored.elapsed() >= ANCHOR_EVERY || idle)
                {
                    match anchors.anchor((tenant.id, generation), head.position, head.hash).await {
                        Ok(()) => {
                            tenant.is_anchored_up_to(head.position);
                            unanchored = None;
                        }
                        Err(e) => {
                            tracing::warn!(tenant = %tenant.id, error = %e, "anchoring failed; it is tried again")
                        }
                    }
                    anchored = tokio::time::Instant::now();
                }
            }
        });
    }

    /// Seals what is committed now. What others go on to commit meanwhile is not waited for: it may never
    /// end. A small seal may have its transaction `shared` with the works it comes between, for whoever
    /// tries again when one of them ends it.
    pub(crate) async fn seal_all(&self, shared: bool) -> Result<Option<Head>> {
        let last = journal::last::<B>(&mut *self.connection().await?).await?;
        let mut sealed = None;
        while let Some(head) = self.seal_once(shared).await? {
            sealed = Some(head);
            if head.covers(last) {
                break;
            }
        }
        Ok(sealed)
    }

    /// Notices what other processes did, for as long as anyone is listening, and, when nothing happens,
    /// closes connections that nobody used for a while.
    async fn look_around(&self, idle: bool) -> Result<Option<Head>> {
        if idle {
            B::reap(&self.readers.pool);
            B::reap(&self.writer);
        } else {
            self.looked.outdated();
        }
        if self.head.receiver_count() > 0 {
            self.refresh().await?;
        }
        Ok(None)
    }

    pub(crate) fn is_closed(&self) -> bool {
        B::is_closed(&self.readers.pool)
    }
}
