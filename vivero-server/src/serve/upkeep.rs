//! What runs beside requests: this node shows that it is there, and one node does the upkeep for all.

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use vivero_core::Vivero;
use vivero_core::service::CHECK_IN_EVERY;

/// The task, and the way to end it.
pub(super) struct Running {
    vivero: Vivero,
    ended: CancellationToken,
    task: JoinHandle<()>,
}

/// Starts the task. Upkeep ends with `stopping`; the node counts as serving until [`Running::end`].
pub(super) fn start(vivero: Vivero, stopping: CancellationToken) -> Running {
    let ended = CancellationToken::new();
    let task = tokio::spawn(run(vivero.clone(), stopping, ended.clone()));
    Running { vivero, ended, task }
}

impl Running {
    /// Ends the task and gives back what only one node may hold.
    pub(super) async fn end(self) {
        self.ended.cancel();
        // A round that is under way ends within a request to the database.
        if timeout(CHECK_IN_EVERY, self.task).await.is_err() {
            tracing::warn!("upkeep does not end");
        }
        if let Err(error) = self.vivero.check_out().await {
            tracing::warn!(%error, "leases could not be given back; they end by themselves");
        }
    }
}

async fn run(vivero: Vivero, stopping: CancellationToken, ended: CancellationToken) {
    let mut tick = interval(CHECK_IN_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = ended.cancelled() => return,
        }
        if let Err(error) = vivero.check_in().await {
            tracing::warn!(%error, "this node could not check in; it is tried again");
            continue;
        }
        if stopping.is_cancelled() {
            continue;
        }
        let round = tokio::select! {
            round = vivero.upkeep() => round,
            () = stopping.cancelled() => continue,
        };
        match round {
            Ok(Some(done)) if done != vivero_core::service::Upkeep::default() => {
                tracing::info!(?done, "upkeep");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "upkeep failed; it is tried again"),
        }
    }
}
