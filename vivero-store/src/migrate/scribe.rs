//! Tells the registry how tenants of a run stand, many at a time: a run must not be as slow as its
//! bookkeeping.

use super::lease::Fence;
use super::site::Site;
use crate::registry::{RunRow, TenantRow};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use vivero_core::migration::backoff;
use vivero_core::{Error, Result};

/// Rows of one transaction.
const AT_ONCE: usize = 400;
/// How long rows are gathered: a tenant that is begun and done meanwhile is one row, and a transaction with
/// its sync serves all. Who is killed loses no more than that: the next run looks and finds nothing to do.
const GATHER: Duration = Duration::from_millis(250);

/// Where workers put what they have to tell.
pub(super) type Scribe = mpsc::UnboundedSender<TenantRow>;

/// Writes until nobody tells any more.
pub(super) async fn write<S: Site>(
    site: Arc<S>,
    run: RunRow,
    fence: Arc<Fence>,
    mut told: mpsc::UnboundedReceiver<TenantRow>,
) -> Result<()> {
    let mut rows = Vec::new();
    while told.recv_many(&mut rows, AT_ONCE).await > 0 {
        let until = Instant::now() + GATHER;
        while rows.len() < AT_ONCE {
            match timeout_at(until, told.recv_many(&mut rows, AT_ONCE)).await {
                Ok(more) if more > 0 => {}
                _ => break,
            }
        }
        // Of a tenant, what was told last.
        let latest: HashMap<_, _> = rows.drain(..).map(|row| (row.tenant, row)).collect();
        let latest: Vec<TenantRow> = latest.into_values().collect();
        if !settle(&*site, &run, &fence, &latest).await? {
            fence.overtaken();
            return Ok(());
        }
    }
    Ok(())
}

/// A registry that is away for a moment is waited for, for as long as the run may go on.
async fn settle<S: Site>(
    site: &S,
    run: &RunRow,
    fence: &Fence,
    rows: &[TenantRow],
) -> Result<bool> {
    let keeper = site.keeper();
    let mut attempt = 0;
    loop {
        match keeper.registry.settle(run, rows, keeper.clock.now()).await {
            Err(Error::Unavailable { .. } | Error::Undone { .. }) if fence.check().is_ok() => {
                attempt += 1;
                tokio::time::sleep(backoff(attempt)).await;
            }
            settled => return settled,
        }
    }
}
