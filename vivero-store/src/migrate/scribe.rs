//! Tells the registry how tenants of a run stand, many at a time: a run must not be as slow as its
//! bookkeeping.

use super::run::Fence;
use super::site::Site;
use crate::registry::{RunRow, TenantRow};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc;
use vivero_core::Result;

/// Rows of one transaction.
const AT_ONCE: usize = 400;

/// Where workers put what they have to tell.
pub(super) type Scribe = mpsc::UnboundedSender<TenantRow>;

/// Writes until nobody tells any more. What is told while it writes is written together next.
pub(super) async fn write<S: Site>(
    site: Arc<S>,
    run: RunRow,
    fence: Arc<Fence>,
    mut told: mpsc::UnboundedReceiver<TenantRow>,
) -> Result<()> {
    let keeper = site.keeper();
    let mut rows = Vec::new();
    while told.recv_many(&mut rows, AT_ONCE).await > 0 {
        // Of a tenant, what was told last.
        let latest: HashMap<_, _> = rows.drain(..).map(|row| (row.tenant, row)).collect();
        let latest: Vec<TenantRow> = latest.into_values().collect();
        if !keeper.registry.settle(&run, &latest, keeper.clock.now()).await? {
            fence.overtaken();
            return Ok(());
        }
    }
    Ok(())
}
