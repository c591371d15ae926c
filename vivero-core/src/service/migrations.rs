//! Runs of migrations that go on after whoever asked for them has been answered.

use super::Vivero;
use crate::error::{Error, Result};
use crate::migration::{Run, RunOptions, Watch};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use uuid::Uuid;

/// Tells that a run is on record, once.
struct Begun(Mutex<Option<oneshot::Sender<Uuid>>>);

impl Begun {
    fn new() -> (Arc<Self>, oneshot::Receiver<Uuid>) {
        let (tell, told) = oneshot::channel();
        (Arc::new(Self(Mutex::new(Some(tell)))), told)
    }
}

impl Watch for Begun {
    fn begun(&self, run: Uuid) {
        let tell = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(tell) = tell {
            // Nobody asks any more.
            let _gone = tell.send(run);
        }
    }
}

impl Vivero {
    /// Puts a run on record and begins it; [`crate::migration::Migrator::run`] tells how far it is. A
    /// process that ends in the middle leaves a run that [`Vivero::retry_migrations`] goes on with.
    ///
    /// Errors: as [`crate::migration::Migrator::up`] before it begins.
    pub async fn start_migrations(&self, options: RunOptions) -> Result<Run> {
        let (watch, told) = Begun::new();
        self.in_background(self.migrations()?.up(options, watch), told).await
    }

    /// Goes on with a run: with what is left of it, and what failed.
    ///
    /// Errors: as [`crate::migration::Migrator::retry`] before it begins.
    pub async fn retry_migrations(&self, run: Uuid, operator: &str) -> Result<Run> {
        let (watch, told) = Begun::new();
        let (migrator, operator) = (self.migrations()?, operator.to_owned());
        let again = async move { migrator.retry(Some(run), &operator, watch).await };
        self.in_background(again, told).await
    }

    async fn in_background(
        &self,
        work: impl Future<Output = Result<Run>> + Send + 'static,
        told: oneshot::Receiver<Uuid>,
    ) -> Result<Run> {
        let running = tokio::spawn(async move {
            let ended = work.await;
            match &ended {
                Ok(run) => tracing::info!(run = %run.id, state = %run.state, done = run.done,
                    failed = run.failed, "a run of migrations ended"),
                Err(error) => tracing::warn!(%error, "a run of migrations stopped"),
            }
            ended
        });
        match told.await {
            Ok(id) => {
                let run = self.migrations()?.run(id).await?;
                run.ok_or_else(|| Error::not_found("migration_run"))
            }
            // It was over before it began.
            Err(_) => running.await.map_err(|e| Error::internal("running migrations", e))?,
        }
    }
}
