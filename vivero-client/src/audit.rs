//! The audit trail.

use crate::pages::rows;
use crate::{AuditEntry, AuditList, ChainReport, Result, TenantClient};
use futures_util::stream::BoxStream;

/// The audit trail and its proof; see [`TenantClient::audit`].
#[derive(Debug, Clone)]
pub struct Audit<'a> {
    tenant: &'a TenantClient,
}

impl<'a> Audit<'a> {
    pub(crate) const fn new(tenant: &'a TenantClient) -> Self {
        Self { tenant }
    }
    /// Every change, newest first.
    pub fn list(&self) -> AuditRequest {
        AuditRequest { tenant: self.tenant.clone(), before: None, limit: None }
    }
    /// Lets the server recompute the audit chain. An empty list of breaks means that it holds.
    pub async fn verify(&self) -> Result<ChainReport> {
        let slug = self.tenant.slug();
        self.tenant.caller.once(|api| async move { api.audit_verify(slug, None).await }).await
    }
}

/// Which entries of the audit trail, newest first.
#[derive(Debug, Clone)]
#[must_use = "nothing happens before `send` or `stream`"]
pub struct AuditRequest {
    tenant: TenantClient,
    before: Option<u64>,
    limit: Option<u32>,
}

impl AuditRequest {
    /// Only entries before this position.
    pub const fn before(mut self, position: u64) -> Self {
        self.before = Some(position);
        self
    }
    /// Rows of a page, 1 to 200; 50 if not said.
    pub const fn limit(mut self, rows: u32) -> Self {
        self.limit = Some(rows);
        self
    }
    /// One page.
    pub async fn send(self) -> Result<AuditList> {
        let (slug, before, limit) = (self.tenant.slug(), self.before, self.limit);
        self.tenant
            .caller
            .read(|api| async move { api.audit_list(slug, before, limit).await })
            .await
    }
    /// All of them, page after page. An error ends the stream.
    pub fn stream(self) -> BoxStream<'static, Result<AuditEntry>> {
        rows(self, |request| async move {
            let page = request.clone().send().await?;
            let next = page.next_before.map(|position| request.before(position));
            Ok((page.items, next))
        })
    }
}
