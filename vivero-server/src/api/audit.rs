//! The audit trail.

use super::Topic;
use crate::access::Access;
use crate::param::{IdempotencyKey, Limit, Position, Query};
use crate::reply::{Answer, Shown};
use crate::wire::journal::{AuditList, ChainReportOut};
use poem_openapi::OpenApi;

pub(crate) struct Audit;

#[OpenApi(tag = "Topic::Audit")]
impl Audit {
    /// Every change, newest first
    #[oai(path = "/api/v1/:tenant/audit", method = "get", operation_id = "audit_list")]
    async fn list(
        &self,
        tenant: Access,
        /// Only entries before this position.
        before: Query<Position>,
        limit: Query<Limit>,
    ) -> Answer<Shown<AuditList>> {
        let entries = tenant.audit(before.0.map(|p| p.0), limit.rows()).await?;
        let size = entries.len() * 700 + 200;
        Shown::sized(&AuditList::new(entries), size)
    }

    /// Recompute the audit chain
    ///
    /// Holds every link against the next, and the last against the anchor kept outside the tenant's
    /// database.
    #[oai(path = "/api/v1/:tenant/audit/verify", method = "post", operation_id = "audit_verify")]
    async fn verify(
        &self,
        tenant: Access,
        #[oai(name = "Idempotency-Key")] _key: IdempotencyKey,
    ) -> Answer<Shown<ChainReportOut>> {
        Shown::new(&tenant.verify_audit().await?.into())
    }
}
