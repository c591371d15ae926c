//! The lease of a run: who holds it may migrate.

use super::site::Site;
use super::steps::overtaken;
use crate::backend::Backend;
use crate::registry::Registry;
use crate::system::SystemIds;
use chrono::{DateTime, Utc};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use vivero_core::migration::RunState;
use vivero_core::port::Lease;
use vivero_core::{Clock, Error, IdSource as _, Result};

/// The right to migrate.
pub(super) const LEASE: &str = "migrations";
/// How long it lasts after its holder was last heard of.
const LASTS: Duration = Duration::from_secs(10);
/// How often its holder is heard of.
const RENEW: Duration = Duration::from_secs(3);

/// How often, and after how long each, it is looked again whether a run that is over has given it back.
const LOOKS: u32 = 20;
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The lease as the workers see it: nothing is begun without it.
#[derive(Debug)]
pub(super) struct Fence {
    lease: Mutex<Lease>,
    overtaken: AtomicBool,
    clock: Arc<dyn Clock>,
}

impl Fence {
    pub(super) fn lease(&self) -> Lease {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    pub(super) fn token(&self) -> u64 {
        self.lease().token
    }
    pub(super) fn overtaken(&self) {
        self.overtaken.store(true, Ordering::Release);
    }
    pub(super) fn check(&self) -> Result<()> {
        if self.overtaken.load(Ordering::Acquire) {
            return Err(overtaken());
        }
        if self.lease().until > self.clock.now() {
            return Ok(());
        }
        Err(Error::Unavailable {
            what: "registry, the run's lease could not be prolonged, so no more tenants were begun"
                .into(),
            retry_after: 10,
            source: None,
        })
    }

    /// Why a run ended whose lease had: somebody else took it, or the registry did not answer, as `error` says.
    pub(super) async fn why<B: Backend>(&self, registry: &Registry<B>, error: Error) -> Error {
        if self.overtaken.load(Ordering::Acquire) {
            return overtaken();
        }
        match registry.renew_lease(&self.lease(), later(self.clock.now())).await {
            Ok(None) => overtaken(),
            _ => error,
        }
    }
}

fn later(now: DateTime<Utc>) -> DateTime<Utc> {
    now + chrono::Duration::from_std(LASTS).unwrap_or_default()
}

/// Holds the lease for as long as it runs.
pub(super) async fn renew<S: Site>(site: Arc<S>, fence: Arc<Fence>) {
    let keeper = site.keeper();
    loop {
        tokio::time::sleep(RENEW).await;
        match keeper.registry.renew_lease(&fence.lease(), later(keeper.clock.now())).await {
            Ok(Some(lease)) => {
                *fence.lease.lock().unwrap_or_else(PoisonError::into_inner) = lease;
            }
            Ok(None) => return fence.overtaken(),
            Err(e) => tracing::warn!(error = %e, "prolonging the lease of migrations failed"),
        }
    }
}

pub(super) async fn take_lease<S: Site>(site: &Arc<S>) -> Result<Arc<Fence>> {
    let keeper = site.keeper();
    let registry = &keeper.registry;
    let mut looks = 0;
    let running = loop {
        let now = keeper.clock.now();
        let holder = SystemIds::default().id(now);
        if let Some(lease) = registry.take_lease(LEASE, holder, now, later(now)).await? {
            return Ok(Arc::new(Fence {
                lease: Mutex::new(lease),
                overtaken: AtomicBool::new(false),
                clock: Arc::clone(&keeper.clock),
            }));
        }
        let runs = registry.run_rows(None, 5).await?;
        let running = runs.into_iter().find(|run| run.state == RunState::Running);
        if running.is_some() || looks == LOOKS {
            break running;
        }
        // A run that is over gives its lease back a moment later.
        looks += 1;
        tokio::time::sleep(LOOK_AGAIN).await;
    };
    let until = registry.leases(LEASE).await?.into_iter().next().map(|l| l.until);
    let who = running.map_or_else(
        || "somebody is beginning a run".to_owned(),
        |run| {
            let since = run.started_at.format("%Y-%m-%d %H:%M:%S UTC");
            format!("{} has been migrating since {since} (run {})", run.operator, run.id)
        },
    );
    let until = until.map_or_else(String::new, |until| {
        format!("; if that process has died, its lease ends at {}", until.format("%H:%M:%S UTC"))
    });
    let message = format!("{who}{until}. `vivero migrate status` shows it");
    Err(Error::Illegal { code: "migrations_running", message })
}
