//! The database servers tenants are placed on.

use crate::connection::Caller;
use crate::generated::types::DrainIn;
use crate::resource::etag;
use crate::{Drain, DrainState, Finding, Result, Server, ServerIn, ServerPatch};
use std::time::Duration;

/// The database servers of an installation.
#[derive(Debug, Clone)]
pub struct Servers<'a> {
    pub(super) caller: &'a Caller,
}

impl Servers<'_> {
    /// All of them by name, with what is on them.
    pub async fn list(&self) -> Result<Vec<Server>> {
        let list = self.caller.read(|api| async move { api.platform_server_list().await }).await?;
        Ok(list.items)
    }
    /// One of them.
    pub async fn get(&self, name: &str) -> Result<Server> {
        self.caller.read(|api| async move { api.platform_server_get(name).await }).await
    }
    /// Adds one after the server has tried it out; it takes new tenants from then on.
    pub async fn create(&self, server: ServerIn) -> Result<Server> {
        let body = &server;
        self.caller.once(|api| async move { api.platform_server_create(None, body).await }).await
    }
    /// Changes one that is at this version.
    pub async fn update(&self, name: &str, version: i64, patch: ServerPatch) -> Result<Server> {
        let (version, body) = (&*etag(version), &patch);
        self.caller
            .once(|api| async move { api.platform_server_update(name, version, body).await })
            .await
    }
    /// What could go wrong on each, and what to do about it.
    pub async fn examine(&self) -> Result<Vec<Finding>> {
        let list = self.caller.read(|api| async move { api.platform_doctor().await }).await?;
        Ok(list.items)
    }
    /// Takes one off the list that is empty; or, if it is `lost` for good, with all that is on it. Tenants whose
    /// databases are lost, to be restored from archives.
    pub async fn remove(&self, name: &str, lost: bool) -> Result<Vec<String>> {
        let removed = self
            .caller
            .once(|api| async move { api.platform_server_remove(name, Some(lost)).await })
            .await?;
        Ok(removed.tenants)
    }
    /// Removes a database for good that is kept on one: see `kept` of [`Server`].
    pub async fn remove_kept(&self, name: &str, database: &str) -> Result<()> {
        self.caller
            .once(|api| async move { api.platform_kept_remove(name, database).await })
            .await?;
        Ok(())
    }
    /// Empties one: its tenants move to `to`, or each to the open server that is least filled. It goes on after
    /// the answer; asking again while it does changes nothing.
    pub async fn drain(&self, name: &str, to: Option<&str>) -> Result<Drain> {
        let body = &DrainIn { to: to.map(Into::into) };
        self.caller
            .once(|api| async move { api.platform_server_drain(name, None, body).await })
            .await
    }
    /// How far emptying one is, or how it ended the last time.
    pub async fn drained(&self, name: &str) -> Result<Drain> {
        self.caller.read(|api| async move { api.platform_server_drain_get(name).await }).await
    }
    /// Asks `every` so often how far emptying one is, until it is over: done, or failed with a message.
    pub async fn wait_drained(&self, name: &str, every: Duration) -> Result<Drain> {
        loop {
            let now = self.drained(name).await?;
            if now.state != DrainState::Running {
                return Ok(now);
            }
            tokio::time::sleep(every).await;
        }
    }
}
