//! Which process seals a tenant that several serve, and how the others hear of it.
//!
//! Sealing is right whoever does it and however many at once: a seal is written only where the head still
//! is what it was worked out from. The lease saves the work of those who would come second. It is asked for
//! only while processes reach each other, because only then can the others wake its holder; otherwise
//! everybody seals what they commit.

use super::Anchors;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use vivero_core::Shared;
use vivero_core::ids::TenantId;
use vivero_core::port::Lease;
use vivero_core::shared::{Reach, Topic};

/// How long the holder is waited for before one seals anyway.
pub(crate) const GRACE: Duration = Duration::from_millis(400);
/// How long a lease is good for without being prolonged.
pub(crate) const TURN: chrono::TimeDelta = chrono::TimeDelta::seconds(10);

/// How long another's lease is taken for granted.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// One tenant's turns, as this process sees them.
pub(crate) struct Turns {
    tenant: TenantId,
    /// Whether other processes may serve this storage, too.
    several: bool,
    shared: Option<Arc<dyn Shared>>,
    commits: Option<watch::Receiver<u64>>,
    heads: Option<watch::Receiver<u64>>,
    lease: Arc<Mutex<Option<Lease>>>,
    /// When the lease was found to be another's.
    refused: Option<Instant>,
}

/// Why a sealer woke up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// Another process has committed something, and it is for us to seal.
    Commits,
    /// Another process has sealed something.
    Head,
}

impl Turns {
    pub(crate) fn new(
        tenant: TenantId,
        shared: Option<Arc<dyn Shared>>,
        lease: Arc<Mutex<Option<Lease>>>,
    ) -> Self {
        let several = shared.is_some();
        // A process by itself has nobody to hear from.
        let shared = shared.filter(|shared| shared.stats().reach != Reach::Local);
        let watch = |topic| shared.as_ref().map(|shared| shared.watch(&topic));
        let (commits, heads) = (watch(Topic::Commits(tenant)), watch(Topic::Head(tenant)));
        Self { tenant, several, shared, commits, heads, lease, refused: None }
    }

    fn reached(&self) -> Option<&Arc<dyn Shared>> {
        self.shared.as_ref().filter(|shared| shared.stats().reach == Reach::Connected)
    }

    /// Whether news of others have to be looked for, because nobody brings them.
    pub(crate) fn polls(&self) -> bool {
        self.several && self.reached().is_none()
    }

    fn held(&self) -> Option<Lease> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for news of other processes.
    pub(crate) async fn news(&mut self) -> News {
        async fn changed(watch: &mut Option<watch::Receiver<u64>>) {
            let over = match watch {
                Some(watch) => watch.changed().await.is_err(),
                None => true,
            };
            if over {
                std::future::pending::<()>().await;
            }
        }
        loop {
            tokio::select! {
                () = changed(&mut self.heads) => return News::Head,
                // Another's commits are for the holder.
                () = changed(&mut self.commits) => if self.held().is_some() {
                    return News::Commits;
                },
            }
        }
    }

    /// Whether sealing is this process's now; if it is not, its holder has been woken.
    pub(crate) async fn take(&mut self, anchors: &dyn Anchors) -> bool {
        let Some(shared) = self.reached().cloned() else { return true };
        if self.refused.is_none_or(|at| at.elapsed() >= ASK_AGAIN) {
            match anchors.take_turn(self.tenant, self.held()).await {
                Ok(lease) => {
                    self.refused = lease.is_none().then(Instant::now);
                    *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = lease;
                }
                Err(error) => {
                    tracing::debug!(tenant = %self.tenant, %error, "no lease to be had");
                    return true;
                }
            }
        }
        if self.refused.is_some() {
            shared.announce(&Topic::Commits(self.tenant)).await;
        }
        self.refused.is_none()
    }

    /// Waits until the holder has sealed, but not long; `false` if it did not.
    pub(crate) async fn wait(&mut self) -> bool {
        match &mut self.heads {
            Some(heads) => tokio::time::timeout(GRACE, heads.changed()).await.is_ok(),
            None => false,
        }
    }

    /// Tells others that the head moved.
    pub(crate) async fn tell(&mut self) {
        let Some(shared) = &self.shared else { return };
        let told = shared.announce(&Topic::Head(self.tenant)).await;
        // Our own word is no news, unless another's came on top of it.
        if let Some(heads) = &mut self.heads
            && *heads.borrow_and_update() != told
        {
            heads.mark_changed();
        }
    }
}

/// How far back a process's last look at a tenant's head lies: what it keeps of it must not stand still
/// while others seal.
#[derive(Debug)]
pub(crate) struct Looked {
    start: Instant,
    millis: AtomicU64,
    moved: AtomicBool,
}

impl Default for Looked {
    fn default() -> Self {
        Self { start: Instant::now(), millis: AtomicU64::new(0), moved: AtomicBool::new(false) }
    }
}

impl Looked {
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
    /// What is kept stands where the head stood just now.
    pub(crate) fn now_current(&self) {
        self.moved.store(false, Ordering::Release);
        self.millis.store(self.now(), Ordering::Release);
    }
    /// The head is known to have moved on.
    pub(crate) fn outdated(&self) {
        self.moved.store(true, Ordering::Release);
    }
    /// Whether it is time to look again; says so to one of many who ask at once.
    pub(crate) fn is_due(&self, after: Duration) -> bool {
        let (now, looked) = (self.now(), self.millis.load(Ordering::Acquire));
        if self.moved.swap(false, Ordering::AcqRel) {
            return true;
        }
        u128::from(now.saturating_sub(looked)) >= after.as_millis()
            && self
                .millis
                .compare_exchange(looked, now, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
    }
}
