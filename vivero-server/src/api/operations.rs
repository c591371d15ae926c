//! Operations on whole tenants, for operators of the installation. They go on after the answer.

use super::Topic;
use crate::access::Operator;
use crate::param::{IdempotencyKey, Limit, OperationId, Query, SlugParam};
use crate::payload::Body;
use crate::reply::{Accepted, Answer, Changed, Shown};
use crate::wire::journal::ChainReportOut;
use crate::wire::operation::{ArchiveList, OperationIn, OperationList, OperationOut};
use crate::wire::tenant::{TenantEventList, TenantOut};
use poem_openapi::OpenApi;
use vivero_core::operations::Operation;
use vivero_core::{Error, TenantId, Uuid};

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
        tracing::info!(tenant = %operation.slug, kind = %operation.kind, operation = %operation.id, "operation begun");
        accepted(operation)
    }

    /// List operations on all tenants, newest first
    #[oai(
        path = "/api/v1/platform/operations",
        method = "get",
        operation_id = "platform_operation_all"
    )]
    async fn list_all(
        &self,
        operator: Operator,
        /// Only those that are not over, oldest first.
        open: Query<bool>,
        limit: Query<Limit>,
    ) -> Answer<Shown<OperationList>> {
        let operations = operator.vivero().operations();
        let found = match open.0 {
            Some(true) => operations.list_open(limit.rows()).await?,
            _ => operations.list(None, limit.rows()).await?,
        };
        Shown::new(&OperationList { items: found.into_iter().map(OperationOut::from).collect() })
    }

    /// Go on with an operation
    ///
    /// With one whose process is gone, at once; every server looks for such by itself, every few seconds. One
    /// that is over or goes on already stays as it is.
    #[oai(
        path = "/api/v1/platform/operations/:operation/resume",
        method = "post",
        operation_id = "platform_operation_resume"
    )]
    async fn resume(
        &self,
        operator: Operator,
        operation: OperationId,
        #[oai(name = "Idempotency-Key")] _key: IdempotencyKey,
    ) -> Answer<Accepted<OperationOut>> {
        accepted(operator.vivero().operations().go_on(operation.0).await?)
    }

    /// End an operation that cannot go on
    ///
    /// Because a database server is gone: before its point of no return it is undone, after that it is finished.
    /// What a server that does not answer holds of it is noted, and removed when it answers again. One that is
    /// over stays as it is; one that another process is at is answered 503.
    ///
    /// A move that the tenant was switched by, to a server that does not answer, is refused with 409
    /// `move_switched`, which says what is known of what was written there since. With `turn_back` the tenant gets
    /// the database before back and that is given up; the database on that server is kept (`kept` of the server). If
    /// the database before cannot be used either, that is refused with 409 `database_before`. With `give_up` the
    /// operation then ends as failed and the tenant stays on the lost server, to be restored from an archive; what
    /// there is of the database before is kept.
    #[oai(
        path = "/api/v1/platform/operations/:operation/end",
        method = "post",
        operation_id = "platform_operation_end"
    )]
    async fn end(
        &self,
        operator: Operator,
        operation: OperationId,
        /// Whether what was written since the switch is given up; without effect where the server answers.
        turn_back: Query<bool>,
        /// Whether both are given up; without effect where the server answers, refused while the one before is whole.
        give_up: Query<bool>,
        #[oai(name = "Idempotency-Key")] _key: IdempotencyKey,
    ) -> Answer<Shown<OperationOut>> {
        let operations = operator.vivero().operations();
        let ended = match (turn_back.0.unwrap_or(false), give_up.0.unwrap_or(false)) {
            (false, false) => operations.end(operation.0).await?,
            (true, false) => operations.turn_back(operation.0).await?,
            (false, true) => operations.give_up(operation.0).await?,
            (true, true) => {
                let message = "must not be given with turn_back: say which of them";
                return Err(Error::invalid("give_up", "alone", message).into());
            }
        };
        tracing::info!(operation = %ended.id, tenant = %ended.slug, state = %ended.state,
            request_id = ?operator.scope().request_id, "operation ended");
        Shown::new(&ended.into())
    }

    /// List a tenant's archives in the store of files, newest first
    ///
    /// Of a tenant that is gone its id stands in the path.
    #[oai(
        path = "/api/v1/platform/tenants/:slug/archives",
        method = "get",
        operation_id = "platform_archive_list"
    )]
    async fn archives(&self, operator: Operator, slug: SlugParam) -> Answer<Shown<ArchiveList>> {
        let vivero = operator.vivero();
        let tenant = match vivero.tenants().find(&slug.0).await {
            Ok(tenant) => tenant.id,
            // An id can stand where a slug can.
            Err(gone @ Error::NotFound { .. }) => match slug.0.as_str().parse::<Uuid>() {
                Ok(id) => TenantId::from_uuid(id),
                Err(_) => return Err(gone.into()),
            },
            Err(error) => return Err(error.into()),
        };
        let found = match vivero.operations().archives(tenant).await {
            // Without a store there are none in it.
            Err(Error::Illegal { code: "files_off", .. }) => Vec::new(),
            other => other?,
        };
        Shown::new(&ArchiveList { items: found.into_iter().map(Into::into).collect() })
    }

    /// List what became of a tenant, newest first
    ///
    /// Made, suspended, resumed, moved, restored, to be removed: each change of its state or database.
    #[oai(
        path = "/api/v1/platform/tenants/:slug/history",
        method = "get",
        operation_id = "platform_tenant_history"
    )]
    async fn history(
        &self,
        operator: Operator,
        slug: SlugParam,
        limit: Query<Limit>,
    ) -> Answer<Shown<TenantEventList>> {
        let found = operator.vivero().tenants().events(&slug.0, limit.rows()).await?;
        Shown::new(&TenantEventList { items: found.into_iter().map(Into::into).collect() })
    }

    /// Recompute a tenant's audit chain
    ///
    /// Holds every link against the next, and the last against the anchor kept outside the tenant's
    /// database. It shows none of its data.
    #[oai(
        path = "/api/v1/platform/tenants/:slug/verify",
        method = "post",
        operation_id = "platform_tenant_verify"
    )]
    async fn verify(
        &self,
        operator: Operator,
        slug: SlugParam,
        #[oai(name = "Idempotency-Key")] _key: IdempotencyKey,
    ) -> Answer<Shown<ChainReportOut>> {
        Shown::new(&operator.vivero().verify_audit(&slug.0).await?.into())
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

fn accepted(operation: Operation) -> Answer<Accepted<OperationOut>> {
    let location = format!("/api/v1/platform/operations/{}", operation.id);
    Accepted::at(&location, &OperationOut::from(operation))
}
