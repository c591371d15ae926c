//! For operators of the installation. None of it shows a tenant's data.

use super::Topic;
use crate::access::Operator;
use crate::param::{IdempotencyKey, IfNoneMatch, Limit, Query, SlugParam, Token};
use crate::payload::Body;
use crate::problem::Failure;
use crate::reply::{Answer, Changed, Created, Found, Shown, etag, json_bytes, to_bytes};
use crate::wire::tenant::{StatsOut, TenantIn, TenantList, TenantOut};
use crate::wire::usage::TenantUsageOut;
use poem::http::{HeaderValue, StatusCode, header};
use poem_openapi::OpenApi;

pub(crate) struct Platform;

#[OpenApi(tag = "Topic::Platform")]
impl Platform {
    /// List tenants by slug
    #[oai(path = "/api/v1/platform/tenants", method = "get", operation_id = "platform_tenant_list")]
    async fn list(
        &self,
        operator: Operator,
        /// Only tenants after this slug.
        after: Query<Token>,
        limit: Query<Limit>,
    ) -> Answer<Shown<TenantList>> {
        let after = after.0.map(|a| a.0);
        let tenants = operator.vivero().tenants().list(after.as_deref(), limit.rows()).await?;
        let full = tenants.len() >= limit.rows() as usize;
        let next_after = tenants.last().map(|t| t.slug.to_string()).filter(|_| full);
        Shown::new(&TenantList { items: tenants.iter().map(TenantOut::from).collect(), next_after })
    }

    /// Make a tenant
    #[oai(
        path = "/api/v1/platform/tenants",
        method = "post",
        operation_id = "platform_tenant_create"
    )]
    async fn create(
        &self,
        operator: Operator,
        #[oai(name = "Idempotency-Key")] key: IdempotencyKey,
        body: Body<TenantIn>,
    ) -> Answer<Created<TenantOut>> {
        let tenant = operator.vivero().tenants().provision(body.value.tenant(key.0)).await?;
        let mut response =
            json_bytes(StatusCode::CREATED, to_bytes(&TenantOut::from(&tenant), 1024)?);
        let location = format!("/api/v1/platform/tenants/{}", tenant.slug);
        let location = HeaderValue::try_from(location).map_err(Failure::internal)?;
        response.headers_mut().insert(header::LOCATION, location);
        response.headers_mut().insert(header::ETAG, etag(tenant.version));
        Ok(Created::from_response(response))
    }

    /// Read a tenant
    #[oai(
        path = "/api/v1/platform/tenants/:slug",
        method = "get",
        operation_id = "platform_tenant_get"
    )]
    async fn get(
        &self,
        operator: Operator,
        slug: SlugParam,
        #[oai(name = "If-None-Match")] seen: IfNoneMatch,
    ) -> Answer<Found<TenantOut>> {
        let tenant = operator.vivero().tenants().find(&slug.0).await?;
        Found::new(tenant.version, seen.has(tenant.version), || TenantOut::from(&*tenant))
    }

    /// What a tenant costs the installation
    ///
    /// Requests, calls and waits of its database, slow calls, size on the storage. It shows none of its
    /// data.
    #[oai(
        path = "/api/v1/platform/tenants/:slug/usage",
        method = "get",
        operation_id = "platform_tenant_usage"
    )]
    async fn usage(&self, operator: Operator, slug: SlugParam) -> Answer<Shown<TenantUsageOut>> {
        let (tenant, usage) = operator.vivero().tenants().usage(&slug.0).await?;
        let requests = operator.scope().state.metrics.tenant_requests(tenant.id);
        Shown::new(&TenantUsageOut::new(&tenant, &requests, usage))
    }

    /// Stop a tenant
    ///
    /// Its people are refused from their next request on. Nothing is lost.
    #[oai(
        path = "/api/v1/platform/tenants/:slug/suspend",
        method = "post",
        operation_id = "platform_tenant_suspend"
    )]
    async fn suspend(
        &self,
        operator: Operator,
        slug: SlugParam,
        #[oai(name = "Idempotency-Key")] _key: IdempotencyKey,
    ) -> Answer<Changed<TenantOut>> {
        let tenant = operator.vivero().tenants().suspend(&slug.0).await?;
        tracing::info!(tenant = %tenant.slug, request_id = ?operator.scope().request_id, "tenant suspended");
        Changed::new(tenant.version, &TenantOut::from(&tenant))
    }

    /// Let a stopped tenant work again
    #[oai(
        path = "/api/v1/platform/tenants/:slug/resume",
        method = "post",
        operation_id = "platform_tenant_resume"
    )]
    async fn resume(
        &self,
        operator: Operator,
        slug: SlugParam,
        #[oai(name = "Idempotency-Key")] _key: IdempotencyKey,
    ) -> Answer<Changed<TenantOut>> {
        let tenant = operator.vivero().tenants().resume(&slug.0).await?;
        tracing::info!(tenant = %tenant.slug, request_id = ?operator.scope().request_id, "tenant resumed");
        Changed::new(tenant.version, &TenantOut::from(&tenant))
    }

    /// Figures of the installation
    #[oai(path = "/api/v1/platform/stats", method = "get", operation_id = "platform_stats")]
    async fn stats(&self, operator: Operator) -> Answer<Shown<StatsOut>> {
        Shown::new(&operator.vivero().stats().await?.into())
    }
}
