//! Operations on whole tenants, for operators of the installation. They go on after the answer.

use super::Topic;
use crate::access::Operator;
use crate::param::{IdempotencyKey, Limit, OperationId, Query, SlugParam};
use crate::payload::Body;
use crate::problem::Failure;
use crate::reply::{Accepted, Answer, Changed, Shown, json_bytes, to_bytes};
use crate::wire::operation::{OperationIn, OperationList, OperationOut};
use crate::wire::tenant::TenantOut;
use poem::http::{HeaderValue, StatusCode, header};
use poem_openapi::OpenApi;

pub(crate) struct Operations;

#[OpenApi(tag = "Topic::Platform")]
impl Operations {
    /// Begin an operation on a tenant
    ///
    /// Backup, restore, clone, move, removal: it goes on after the answer, and `Location` tells how far it
    /// is. One at a time for each tenant.
    #[oai(
        path = "/api/v1/platform/tenants/:slug/operations",
        method = "post",
        operation_id = "platform_operation_start"
    )]
    async fn start(
        &self,
        operator: Operator,
        slug: SlugParam,
        #[oai(name = "Idempotency-Key")] key: IdempotencyKey,
        body: Body<OperationIn>,
    ) -> Answer<Accepted<OperationOut>> {
        let new = body.value.new_operation(slug.0, key.0);
        let operation = operator.vivero().operations().start(new).await?;
        let location = format!("/api/v1/platform/operations/{}", operation.id);
        tracing::info!(tenant = %operation.slug, kind = %operation.kind, operation = %operation.id, "operation begun");
        let body = to_bytes(&OperationOut::from(operation), 1024)?;
        let mut response = json_bytes(StatusCode::ACCEPTED, body);
        let location = HeaderValue::try_from(location).map_err(Failure::internal)?;
        response.headers_mut().insert(header::LOCATION, location);
        Ok(Accepted::from_response(response))
    }

    /// List operations on a tenant, newest first
    #[oai(
        path = "/api/v1/platform/tenants/:slug/operations",
        method = "get",
        operation_id = "platform_operation_list"
    )]
    async fn list(
        &self,
        operator: Operator,
        slug: SlugParam,
        limit: Query<Limit>,
    ) -> Answer<Shown<OperationList>> {
        let found = operator.vivero().operations().list(Some(&slug.0), limit.rows()).await?;
        Shown::new(&OperationList { items: found.into_iter().map(OperationOut::from).collect() })
    }

    /// Read how far an operation is
    #[oai(
        path = "/api/v1/platform/operations/:operation",
        method = "get",
        operation_id = "platform_operation_get"
    )]
    async fn get(&self, operator: Operator, operation: OperationId) -> Answer<Shown<OperationOut>> {
        Shown::new(&operator.vivero().operations().find(operation.0).await?.into())
    }

    /// Let a copy act on the world again
    ///
    /// Restored, imported and cloned tenants start neutralised: no mail, no webhooks, no jobs.
    #[oai(
        path = "/api/v1/platform/tenants/:slug/activate",
        method = "post",
        operation_id = "platform_tenant_activate"
    )]
    async fn activate(
        &self,
        operator: Operator,
        slug: SlugParam,
        #[oai(name = "Idempotency-Key")] _key: IdempotencyKey,
    ) -> Answer<Changed<TenantOut>> {
        let tenant = operator.vivero().operations().activate(&slug.0).await?;
        tracing::info!(tenant = %tenant.slug, request_id = ?operator.scope().request_id, "tenant activated");
        Changed::new(tenant.version, &TenantOut::from(&*tenant))
    }
}
