//! The worker that clears up after files: what cut-off uploads and deleted files leave in the store.

use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use vivero_core::Vivero;

/// After a start, what the process before left behind does not wait for a whole interval.
const FIRST: Duration = Duration::from_secs(5 * 60);

/// Sweeps every so often until `stop`. Of several processes of an installation one does.
pub(crate) async fn sweep_files(vivero: Vivero, every: Duration, stop: CancellationToken) {
    let holder = vivero.ids().id(vivero.now());
    let mut ticks = interval_at(tokio::time::Instant::now() + FIRST.min(every), every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        // Cut off in the middle, the next sweep does the rest.
        let swept = tokio::select! {
            () = stop.cancelled() => return,
            swept = vivero.sweep_files_alone(holder) => swept,
        };
        match swept {
            Ok(Some(sweep)) => tracing::info!(?sweep, "files were swept"),
            Ok(None) => tracing::debug!("another process sweeps files"),
            Err(error) => tracing::warn!(%error, "files could not be swept"),
        }
    }
}
