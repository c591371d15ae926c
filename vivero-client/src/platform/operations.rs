//! Operations on whole tenants.

use crate::connection::{Caller, check_slug};
use crate::{Operation, OperationIn, OperationState, Result};
use std::time::Duration;
use uuid::Uuid;

/// Operations on whole tenants. They go on after the answer, and with another server if the one that began
/// them is gone.
#[derive(Debug, Clone)]
pub struct Operations<'a> {
    pub(super) caller: &'a Caller,
    pub(super) key: Option<String>,
}

impl Operations<'_> {
    /// Uses this `Idempotency-Key` instead of a fresh one: the same operation under the same key is begun
    /// once. 1 to 200 visible ASCII characters.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
    /// Begins an operation on a tenant; for `clone` and `import` that is the new one.
    pub async fn start(&self, slug: &str, operation: OperationIn) -> Result<Operation> {
        let slug = check_slug(slug)?;
        let (body, key) = (&operation, self.key.as_deref());
        self.caller
            .keyed(key, |api, key| async move {
                api.platform_operation_start(slug, Some(&key), body).await
            })
            .await
    }
    /// How far an operation is.
    pub async fn get(&self, id: Uuid) -> Result<Operation> {
        self.caller.read(|api| async move { api.platform_operation_get(&id).await }).await
    }
    /// Operations on a tenant, newest first, at most 200.
    pub async fn list(&self, slug: &str) -> Result<Vec<Operation>> {
        let slug = check_slug(slug)?;
        let list = self
            .caller
            .read(|api| async move { api.platform_operation_list(slug, Some(200)).await })
            .await?;
        Ok(list.items)
    }
    /// Operations on all tenants, newest first, at most `limit`: 1 to 200.
    pub async fn list_all(&self, limit: u32) -> Result<Vec<Operation>> {
        self.of_all(false, limit).await
    }
    /// Operations that are not over, oldest first, at most `limit`: 1 to 200.
    pub async fn list_open(&self, limit: u32) -> Result<Vec<Operation>> {
        self.of_all(true, limit).await
    }
    async fn of_all(&self, open: bool, limit: u32) -> Result<Vec<Operation>> {
        let list = self
            .caller
            .read(|api| async move { api.platform_operation_all(Some(limit), Some(open)).await })
            .await?;
        Ok(list.items)
    }
    /// Goes on, at once, with an operation whose process is gone; how far it is now.
    pub async fn resume(&self, id: Uuid) -> Result<Operation> {
        let id = &id;
        self.caller.once(|api| async move { api.platform_operation_resume(id, None).await }).await
    }
    /// Ends an operation that cannot go on because a database server is gone: undone before its point of no
    /// return, finished after it. A move that its tenant was switched by, to a server that does not answer, is
    /// refused as `move_switched`: see [`Self::turn_back`].
    pub async fn end(&self, id: Uuid) -> Result<Operation> {
        self.end_it(id, None, None).await
    }
    /// The same with consent to turn such a move back: the tenant gets the database before back, and what was
    /// written since the switch is given up. Where the server answers, it is ended as without.
    pub async fn turn_back(&self, id: Uuid) -> Result<Operation> {
        self.end_it(id, Some(true), None).await
    }
    /// The same where the database before cannot be used either (`database_before`): the operation ends as failed, and
    /// the tenant stays on the lost server, to be restored from an archive. Where the server answers, it is ended as
    /// without; while the database before is whole it is refused.
    pub async fn give_up(&self, id: Uuid) -> Result<Operation> {
        self.end_it(id, None, Some(true)).await
    }
    async fn end_it(
        &self,
        id: Uuid,
        turn_back: Option<bool>,
        give_up: Option<bool>,
    ) -> Result<Operation> {
        let id = &id;
        self.caller
            .once(
                |api| async move { api.platform_operation_end(id, give_up, turn_back, None).await },
            )
            .await
    }
    /// Asks `every` so often how far an operation is, until it is over: done, or failed with a message.
    pub async fn wait(&self, id: Uuid, every: Duration) -> Result<Operation> {
        loop {
            let now = self.get(id).await?;
            if matches!(now.state, OperationState::Done | OperationState::Failed) {
                return Ok(now);
            }
            tokio::time::sleep(every).await;
        }
    }
}
