//! The database servers that tenants are placed on, for operators of the installation.

use super::Topic;
use super::entities::of_version;
use crate::access::Operator;
use crate::param::{IdempotencyKey, RequiredIfMatch, ServerParam};
use crate::payload::Body;
use crate::problem::Failure;
use crate::reply::{Answer, Changed, Created, Shown, etag, json_bytes, to_bytes};
use crate::wire::server::{ServerIn, ServerList, ServerOut, ServerPatch};
use poem::http::{HeaderValue, StatusCode, header};
use poem_openapi::OpenApi;

pub(crate) struct Servers;

#[OpenApi(tag = "Topic::Platform")]
impl Servers {
    /// List database servers
    ///
    /// With what is on them, and this process's connections to them.
    #[oai(path = "/api/v1/platform/servers", method = "get", operation_id = "platform_server_list")]
    async fn list(&self, operator: Operator) -> Answer<Shown<ServerList>> {
        let servers = operator.vivero().servers().list().await?;
        Shown::new(&ServerList { items: servers.into_iter().map(Into::into).collect() })
    }

    /// Add a database server
    ///
    /// It is tried out first, and takes new tenants from then on. An installation on SQLite has one
    /// server and takes no other.
    #[oai(
        path = "/api/v1/platform/servers",
        method = "post",
        operation_id = "platform_server_create"
    )]
    async fn create(
        &self,
        operator: Operator,
        #[oai(name = "Idempotency-Key")] _key: IdempotencyKey,
        body: Body<ServerIn>,
    ) -> Answer<Created<ServerOut>> {
        let server = operator.vivero().servers().add(body.value.into()).await?;
        let (name, version) = (server.name.clone(), server.version);
        tracing::info!(server = name, request_id = ?operator.scope().request_id, "database server added");
        let mut response =
            json_bytes(StatusCode::CREATED, to_bytes(&ServerOut::from(server), 1024)?);
        let location = format!("/api/v1/platform/servers/{name}");
        let location = HeaderValue::try_from(location).map_err(Failure::internal)?;
        response.headers_mut().insert(header::LOCATION, location);
        response.headers_mut().insert(header::ETAG, etag(version));
        Ok(Created::from_response(response))
    }

    /// Change a database server
    ///
    /// Its state, share and limit; of others than `main` also how it is reached, which is tried out
    /// first. All nodes follow within a second.
    #[oai(
        path = "/api/v1/platform/servers/:server",
        method = "patch",
        operation_id = "platform_server_update"
    )]
    async fn update(
        &self,
        operator: Operator,
        server: ServerParam,
        #[oai(name = "If-Match")] seen: RequiredIfMatch,
        body: Body<ServerPatch>,
    ) -> Answer<Changed<ServerOut>> {
        let changed = operator.vivero().servers();
        let changed = changed.change(&server.0, body.value.try_into()?, Some(seen.0)).await;
        let changed = changed.map_err(of_version)?;
        tracing::info!(server = server.0, state = %changed.state,
            request_id = ?operator.scope().request_id, "database server changed");
        Changed::new(changed.version, &changed.into())
    }
}
