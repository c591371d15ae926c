//! Operations on whole tenants, as operators of the installation ask for them. None shows a tenant's data.

use super::Vivero;
use crate::error::{Error, Result};
use crate::ids::TenantId;
use crate::operations::{Consent, Marks, NewOperation, Operation, StoredArchive};
use crate::tenant::{Slug, Tenant};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How often it is looked whether another process has done an operation.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The operations of an installation.
#[derive(Debug)]
pub struct TenantOperations<'v> {
    pub(super) vivero: &'v Vivero,
}

impl TenantOperations<'_> {
    /// Puts an operation on record and begins it; [`TenantOperations::find`] tells how far it is.
    ///
    /// Errors: [`Error::Invalid`] by parameter, [`Error::Illegal`] if the tenant's state does not allow it
    /// or another operation of the tenant is not over, [`Error::NotFound`], [`Error::Taken`].
    pub async fn start(&self, new: NewOperation) -> Result<Operation> {
        let operation = self.ask(new).await?;
        self.in_background(operation.id);
        Ok(operation)
    }

    /// Goes on, after the answer, with one whose process is gone; how far it is now. One that is over or that
    /// somebody is at stays as it is.
    pub async fn go_on(&self, id: Uuid) -> Result<Operation> {
        let operation = self.find(id).await?;
        if !operation.state.is_over() {
            self.in_background(id);
        }
        Ok(operation)
    }

    fn in_background(&self, id: Uuid) {
        let vivero = self.vivero.clone();
        tokio::spawn(async move {
            if let Err(error) = vivero.operations().run(id).await {
                tracing::warn!(operation = %id, %error, "an operation stopped; it can be resumed");
            }
        });
    }

    /// Puts an operation on record, to be done by [`TenantOperations::run`].
    pub async fn ask(&self, new: NewOperation) -> Result<Operation> {
        self.vivero.inner.parts.operations.ask(new).await
    }

    /// Does an operation, from the step it is at, until it is over. Dropping the future stops it there.
    pub async fn run(&self, id: Uuid) -> Result<Operation> {
        let done = self.vivero.inner.parts.operations.run(id).await;
        self.vivero.tenants_changed().await;
        done
    }

    /// Does an operation until it is over, or waits for whoever does it meanwhile: a server that looks for
    /// what was cut off may have come first.
    pub async fn finish(&self, id: Uuid) -> Result<Operation> {
        loop {
            match self.run(id).await {
                Err(Error::Unavailable { .. }) => {
                    let now = self.find(id).await?;
                    if now.state.is_over() {
                        return Ok(now);
                    }
                }
                other => return other,
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Ends an operation that cannot go on because a database server is gone; see
    /// [`crate::operations::Operations::end`].
    pub async fn end(&self, id: Uuid) -> Result<Operation> {
        self.end_it(id, Consent::Nothing).await
    }

    /// The same; a move that the tenant was switched by, to a server that is lost for good, is turned back: what was
    /// written since the switch is given up.
    pub async fn turn_back(&self, id: Uuid) -> Result<Operation> {
        self.end_it(id, Consent::TurnBack).await
    }

    /// The same; a move of which neither database can be used ends as failed, and its tenant stays on the lost server,
    /// to be restored from an archive.
    pub async fn give_up(&self, id: Uuid) -> Result<Operation> {
        self.end_it(id, Consent::GiveUp).await
    }

    async fn end_it(&self, id: Uuid, consent: Consent) -> Result<Operation> {
        let vivero = self.vivero.clone();
        // In a task of its own: a caller that goes away must not leave it in the middle.
        let ending = tokio::spawn(async move {
            let ended = vivero.inner.parts.operations.end(id, consent).await;
            vivero.tenants_changed().await;
            ended
        });
        ending.await.map_err(|e| Error::internal("ending an operation", e))?
    }

    /// Does everything that a former process left undone and nobody does now; what became of it.
    pub async fn resume(&self) -> Result<Vec<Operation>> {
        let mut done = Vec::new();
        for operation in self.vivero.fleet().book().open_operations().await? {
            match self.run(operation.id).await {
                Ok(now) if now.token > operation.token => done.push(now),
                // Somebody who had it came to its end since it was listed.
                Ok(_) => {}
                // Somebody is at it.
                Err(Error::Unavailable { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// The operation with this id.
    pub async fn find(&self, id: Uuid) -> Result<Operation> {
        let found = self.vivero.fleet().book().find_operation(id).await?;
        found.ok_or_else(|| Error::not_found("operation"))
    }

    /// Operations of a tenant, newest first; of all tenants without one.
    pub async fn list(&self, slug: Option<&Slug>, limit: u32) -> Result<Vec<Operation>> {
        let limit = limit.clamp(1, crate::page::MAX_LIMIT);
        self.vivero.fleet().book().list_operations(slug, limit).await
    }

    /// Operations that are not over, oldest first.
    pub async fn list_open(&self, limit: u32) -> Result<Vec<Operation>> {
        let limit = limit.clamp(1, crate::page::MAX_LIMIT);
        let mut open = self.vivero.fleet().book().open_operations().await?;
        open.truncate(limit as usize);
        Ok(open)
    }

    /// A tenant's archives in the store of files, newest first; those of one that is gone as well. Errors:
    /// [`Error::Illegal`] if the installation has no store of files.
    pub async fn archives(&self, tenant: TenantId) -> Result<Vec<StoredArchive>> {
        self.vivero.inner.parts.operations.archives(tenant).await
    }

    /// What is marked of a tenant: neutralised, to be removed, in an archive.
    pub async fn marks(&self, tenant: &Tenant) -> Result<Marks> {
        self.vivero.fleet().book().marks(tenant.id).await
    }

    /// Lets a copy that was neutralised act on the world again: mail, webhooks, jobs.
    pub async fn activate(&self, slug: &Slug) -> Result<Arc<Tenant>> {
        let tenant = self.vivero.tenants().find(slug).await?;
        self.vivero.fleet().book().activate(tenant.id).await?;
        self.vivero.tenants_changed().await;
        self.vivero.tenants().find(slug).await
    }
}
