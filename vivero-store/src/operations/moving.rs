//! A tenant into a database of a new generation: copied and caught up while people work, writers stopped
//! for the last few rows only, readers never.

use super::run::{Run, Step};
use super::{illegal, text};
use crate::archive::Head;
use chrono::TimeDelta;
use serde_json::json;
use std::time::{Duration, Instant};
use vivero_core::Result;
use vivero_core::copy::{Chain, Extent, Loading, Since};
use vivero_core::journal::Anchor;
use vivero_core::operations::TenantChange;
use vivero_core::port::TenantStore;
use vivero_core::service::STALE_FOR;

/// Writers wait about as long as the round before took: it is caught up until one takes no longer.
const SHORT: Duration = Duration::from_millis(500);
/// Rounds of catching up, at most.
const ROUNDS: u32 = 12;
/// A last round that is likely to take longer is not begun: somebody writes faster than this copies.
const LONG: Duration = Duration::from_secs(10);
/// Writers wait at most so long; what takes longer is given up, and they go on.
const MOST_STOPPED: Duration = Duration::from_secs(30);
/// Answers are noted with the request's time, which may lie before its commit by so much.
const ANSWERS_BEFORE: TimeDelta = TimeDelta::hours(1);

fn after(extent: &Extent, since: Since) -> Since {
    Since { journal_seq: extent.journal_seq, position: extent.head.position, ..since }
}

impl Run<'_> {
    /// One round: what changed since the last. How many rows it was.
    async fn catch_up(
        &mut self,
        store: &dyn TenantStore,
        loading: &mut dyn Loading,
        since: &mut Since,
    ) -> Step<(u64, Extent)> {
        store.seal().await?;
        let mut snapshot = store.snapshot(Some(*since)).await?;
        let extent = snapshot.extent().clone();
        while let Some(part) = snapshot.next().await? {
            loading.replace(part).await?;
        }
        drop(snapshot);
        *since = after(&extent, *since);
        self.note().await?;
        Ok((extent.rows, extent))
    }

    pub(super) async fn copy_and_catch_up(&mut self) -> Step<()> {
        let tenant = self.tenant().await?;
        let store = self.fleet().open(&tenant).await?;
        // A run that was cut off may have left writers waiting.
        store.fence(false).await?;
        let target = self.new_generation().await?;
        if let Some(to) = text(&self.operation.parameters, "to").map(ToOwned::to_owned) {
            self.set("from", json!(self.fleet().server_of(&tenant).await?));
            self.hook("copy/place").await?;
            self.fleet().place_next(&target, &to).await?;
        }
        self.hook("copy/tables").await?;
        let mut since = Since {
            journal_seq: 0,
            position: 0,
            answers_from: self.all.clock.now() - ANSWERS_BEFORE,
        };
        store.seal().await?;
        let mut snapshot = store.snapshot(None).await?;
        let extent = snapshot.extent().clone();
        since = after(&extent, since);
        let mut loading = self.fleet().load(&target, snapshot.tables(), Chain::Keep).await?;
        let mut done = 0;
        while let Some(part) = snapshot.next().await? {
            self.hook("copy/part").await?;
            done += part.rows.len() as u64;
            loading.add(part).await?;
            self.progress(done, extent.rows).await?;
        }
        drop(snapshot);
        loading.index().await?;
        let mut took = Duration::MAX;
        let mut rounds = 0;
        while took > SHORT && rounds < ROUNDS {
            self.hook("copy/round").await?;
            let begun = Instant::now();
            self.catch_up(&*store, &mut *loading, &mut since).await?;
            took = begun.elapsed();
            rounds += 1;
        }
        if took > LONG {
            let message =
                "more is written than can be copied meanwhile: ask again when less is written";
            return Err(illegal("too_busy", message).into());
        }
        self.set("rows", json!(done));
        self.set("rounds", json!(rounds));
        self.hook("copy/fence").await?;
        self.set("writes_stopped_at", json!(self.all.clock.now()));
        self.note().await?;
        let stopped = Box::pin(self.take_the_last(&*store, loading, &mut since));
        let late = |_| {
            illegal("too_slow", format!("what was written last took longer than {MOST_STOPPED:?}"))
        };
        let (head, extent) = tokio::time::timeout(MOST_STOPPED, stopped).await.map_err(late)??;
        if head != extent.head {
            return Err(
                vivero_core::Error::corrupt("the copy's chain is not the original's").into()
            );
        }
        self.set("head", json!(Head::from(head)));
        self.set("previous_generation", json!(tenant.generation));
        Ok(())
    }

    /// The last round, with writers waiting.
    async fn take_the_last(
        &mut self,
        store: &dyn TenantStore,
        mut loading: Box<dyn Loading>,
        since: &mut Since,
    ) -> Step<(Anchor, Extent)> {
        store.fence(true).await?;
        let (last, extent) = self.catch_up(store, &mut *loading, since).await?;
        self.set("caught_up_last", json!(last));
        self.hook("copy/finish").await?;
        Ok((loading.finish().await?, extent))
    }

    /// From here on the new database is the tenant's. Whoever still has the old one open reads on.
    pub(super) async fn switch_moved(&mut self) -> Step<()> {
        let tenant = self.tenant().await?;
        let generation = self.loaded()?;
        if tenant.generation != generation {
            self.proven(&tenant, generation).await?;
            let marks = self.fleet().book().marks(tenant.id).await?;
            let change = TenantChange {
                from: tenant.state,
                state: tenant.state,
                generation,
                marks,
                // What the old database anchored last may still be on its way, and is none of this one's.
                anchor: Some(self.head()?),
            };
            self.hook("switch/registry").await?;
            self.fleet().book().change_tenant(&self.operation, tenant.id, &change).await?;
            self.all.announce().await;
        }
        let stopped = self.operation.result.get("writes_stopped_at").cloned();
        if let Some(at) =
            stopped.and_then(|at| serde_json::from_value::<chrono::DateTime<chrono::Utc>>(at).ok())
        {
            let stopped = self.all.clock.now() - at;
            self.set("writes_stopped_ms", json!(stopped.num_milliseconds()));
        }
        self.note().await?;
        // Until everybody knows of the new one.
        tokio::time::sleep(STALE_FOR + Duration::from_millis(100)).await;
        Ok(())
    }

    pub(super) async fn undo_move(&mut self) -> Result<()> {
        let tenant = self.tenant().await?;
        self.fleet().open(&tenant).await?.fence(false).await?;
        match self.number("generation").filter(|g| *g != tenant.generation) {
            Some(generation) => {
                self.fleet().retire(tenant.id, generation).await;
                self.remove(tenant.id, generation).await
            }
            None => Ok(()),
        }
    }
}
