//! Emptying database servers, for operators of the installation. It goes on after the answer.

use super::Topic;
use crate::access::Operator;
use crate::param::{IdempotencyKey, ServerParam};
use crate::payload::Body;
use crate::reply::{Accepted, Answer, Shown};
use crate::wire::drain::{DrainIn, DrainOut};
use poem_openapi::OpenApi;

pub(crate) struct Drains;

#[OpenApi(tag = "Topic::Platform")]
impl Drains {
    /// Empty a database server
    ///
    /// Moves its tenants to others, one after another; it takes no new ones from then on. Each stays readable,
    /// and stops writing for a moment. It goes on after the answer, also when the process that does it ends:
    /// another one does the rest. Asking again while it goes on changes nothing; opening the server stops it.
    #[oai(
        path = "/api/v1/platform/servers/:server/drain",
        method = "post",
        operation_id = "platform_server_drain"
    )]
    async fn start(
        &self,
        operator: Operator,
        server: ServerParam,
        #[oai(name = "Idempotency-Key")] _key: IdempotencyKey,
        body: Body<DrainIn>,
    ) -> Answer<Accepted<DrainOut>> {
        let servers = operator.vivero().servers();
        let drain = servers.start_drain(&server.0, body.value.to.as_deref()).await?;
        tracing::info!(server = drain.server, tenants = drain.total,
            request_id = ?operator.scope().request_id, "a database server is being emptied");
        let location = format!("/api/v1/platform/servers/{}/drain", drain.server);
        Accepted::at(&location, &DrainOut::from(drain))
    }

    /// Read how far emptying a database server is
    ///
    /// The last time it was emptied: tenants that are moved, left and could not be moved, and which is being
    /// moved now.
    #[oai(
        path = "/api/v1/platform/servers/:server/drain",
        method = "get",
        operation_id = "platform_server_drain_get"
    )]
    async fn get(&self, operator: Operator, server: ServerParam) -> Answer<Shown<DrainOut>> {
        Shown::new(&operator.vivero().servers().find_drain(&server.0).await?.into())
    }
}
