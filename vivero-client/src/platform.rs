//! For operators of an installation.

mod migrations;
mod operations;
mod servers;

pub use migrations::Migrations;
pub use operations::Operations;
pub use servers::Servers;

use crate::connection::{Caller, check_slug};
use crate::pages::rows;
use crate::{
    Archive, ChainReport, Result, Stats, Tenant, TenantEvent, TenantIn, TenantList, TenantUsage,
};
use futures_util::stream::BoxStream;

/// What operators of an installation may do; see [`Client::platform`](crate::Client::platform).
#[derive(Debug, Clone)]
pub struct Platform {
    caller: Caller,
}

impl Platform {
    pub(crate) const fn new(caller: Caller) -> Self {
        Self { caller }
    }
    /// The tenants.
    #[must_use]
    pub const fn tenants(&self) -> Tenants<'_> {
        Tenants { caller: &self.caller, key: None }
    }
    /// The database servers.
    #[must_use]
    pub const fn servers(&self) -> Servers<'_> {
        Servers { caller: &self.caller }
    }
    /// Migrations of all tenants' databases.
    #[must_use]
    pub const fn migrations(&self) -> Migrations<'_> {
        Migrations { caller: &self.caller }
    }
    /// Operations on whole tenants: backup, restore, move and the like.
    #[must_use]
    pub const fn operations(&self) -> Operations<'_> {
        Operations { caller: &self.caller, key: None }
    }
    /// Figures of the installation.
    pub async fn stats(&self) -> Result<Stats> {
        self.caller.read(|api| async move { api.platform_stats().await }).await
    }
}

/// The tenants of an installation.
#[derive(Debug, Clone)]
pub struct Tenants<'a> {
    caller: &'a Caller,
    key: Option<String>,
}

impl Tenants<'_> {
    /// Uses this `Idempotency-Key` instead of a fresh one: the same tenant under the same key is made
    /// once. 1 to 200 visible ASCII characters.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
    /// Tenants by slug.
    pub fn list(&self) -> TenantListRequest {
        TenantListRequest { caller: self.caller.clone(), after: None, limit: None }
    }
    /// One tenant.
    pub async fn get(&self, slug: &str) -> Result<Tenant> {
        let slug = check_slug(slug)?;
        self.caller.read(|api| async move { api.platform_tenant_get(slug).await }).await
    }
    /// What a tenant costs the installation, as the server that answers counted it.
    pub async fn usage(&self, slug: &str) -> Result<TenantUsage> {
        let slug = check_slug(slug)?;
        self.caller.read(|api| async move { api.platform_tenant_usage(slug).await }).await
    }
    /// What became of a tenant, newest first, at most 200 changes: made, suspended, moved, restored …
    pub async fn history(&self, slug: &str) -> Result<Vec<TenantEvent>> {
        let slug = check_slug(slug)?;
        let list = self
            .caller
            .read(|api| async move { api.platform_tenant_history(slug, Some(200)).await })
            .await?;
        Ok(list.items)
    }
    /// A tenant's archives in the installation's store of files, newest first; of a tenant that is gone by its
    /// id.
    pub async fn archives(&self, slug_or_id: &str) -> Result<Vec<Archive>> {
        let tenant = check_slug(slug_or_id)?;
        let list =
            self.caller.read(|api| async move { api.platform_archive_list(tenant).await }).await?;
        Ok(list.items)
    }
    /// Recomputes a tenant's audit chain and holds it against its anchor.
    pub async fn verify(&self, slug: &str) -> Result<ChainReport> {
        let slug = check_slug(slug)?;
        self.caller.once(|api| async move { api.platform_tenant_verify(slug, None).await }).await
    }
    /// Makes a tenant with a database of its own and its first person.
    pub async fn create(&self, tenant: TenantIn) -> Result<Tenant> {
        let body = &tenant;
        let key = self.key.as_deref();
        self.caller
            .keyed(
                key,
                |api, key| async move { api.platform_tenant_create(Some(&key), body).await },
            )
            .await
    }
    /// Stops a tenant: its people are refused from their next request on. Nothing is lost.
    pub async fn suspend(&self, slug: &str) -> Result<Tenant> {
        let slug = check_slug(slug)?;
        self.caller.once(|api| async move { api.platform_tenant_suspend(slug, None).await }).await
    }
    /// Lets a stopped tenant work again.
    pub async fn resume(&self, slug: &str) -> Result<Tenant> {
        let slug = check_slug(slug)?;
        self.caller.once(|api| async move { api.platform_tenant_resume(slug, None).await }).await
    }
}

/// Which tenants, by slug.
#[derive(Debug, Clone)]
#[must_use = "nothing happens before `send` or `stream`"]
pub struct TenantListRequest {
    caller: Caller,
    after: Option<String>,
    limit: Option<u32>,
}

impl TenantListRequest {
    /// Only tenants after this slug.
    pub fn after(mut self, slug: impl Into<String>) -> Self {
        self.after = Some(slug.into());
        self
    }
    /// Rows of a page, 1 to 200; 50 if not said.
    pub const fn limit(mut self, rows: u32) -> Self {
        self.limit = Some(rows);
        self
    }
    /// One page.
    pub async fn send(self) -> Result<TenantList> {
        let (after, limit) = (self.after.as_deref(), self.limit);
        self.caller.read(|api| async move { api.platform_tenant_list(after, limit).await }).await
    }
    /// All of them, page after page. An error ends the stream.
    pub fn stream(self) -> BoxStream<'static, Result<Tenant>> {
        rows(self, |request| async move {
            let page = request.clone().send().await?;
            let next = page.next_after.map(|slug| request.after(slug));
            Ok((page.items, next))
        })
    }
}
