//! The database servers that tenants are placed on, for operators of the installation.

use super::Topic;
use super::entities::of_version;
use crate::access::Operator;
use crate::param::{
    DatabaseParam, IdempotencyKey, IfNoneMatch, Query, RequiredIfMatch, ServerParam,
};
use crate::payload::Body;
use crate::problem::Failure;
use crate::reply::{Answer, Changed, Created, Found, Shown, etag, json_bytes, to_bytes};
use crate::wire::server::{
    FindingList, KeptRemoved, ServerIn, ServerList, ServerOut, ServerPatch, ServerRemoved,
};
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

    /// Read a database server
    #[oai(
        path = "/api/v1/platform/servers/:server",
        method = "get",
        operation_id = "platform_server_get"
    )]
    async fn get(
        &self,
        operator: Operator,
        server: ServerParam,
        #[oai(name = "If-None-Match")] seen: IfNoneMatch,
    ) -> Answer<Found<ServerOut>> {
        let server = operator.vivero().servers().find(&server.0).await?;
        Found::new(server.version, seen.has(server.version), || server.into())
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

    /// Look for what could go wrong on database servers
    ///
    /// Each is asked for its settings and limits: what will not do, and the statement or setting that mends it.
    #[oai(path = "/api/v1/platform/doctor", method = "get", operation_id = "platform_doctor")]
    async fn examine(&self, operator: Operator) -> Answer<Shown<FindingList>> {
        let found = operator.vivero().servers().examine().await?;
        Shown::new(&FindingList { items: found.into_iter().map(Into::into).collect() })
    }

    /// Take a database server off the list
    ///
    /// It must be empty: without tenants, and without anything that is kept or cannot be removed because it does not
    /// answer.
    /// Of one that is lost for good everything is forgotten; its tenants are out of service from then on, and are
    /// brought back from their archives by `restore`.
    #[oai(
        path = "/api/v1/platform/servers/:server",
        method = "delete",
        operation_id = "platform_server_remove"
    )]
    async fn remove(
        &self,
        operator: Operator,
        server: ServerParam,
        /// Whether it is lost for good with all that is on it.
        lost: Query<bool>,
    ) -> Answer<Shown<ServerRemoved>> {
        let lost = lost.0.unwrap_or(false);
        let gone = operator.vivero().servers().remove(&server.0, lost).await?;
        tracing::info!(server = server.0, lost, tenants = gone.len(),
            request_id = ?operator.scope().request_id, "database server taken off the list");
        let tenants = gone.into_iter().map(|slug| slug.to_string()).collect();
        Shown::new(&ServerRemoved { name: server.0, tenants })
    }

    /// Remove a database that is kept
    ///
    /// For good: one of `kept` of the server, when what was written there last is of no use any more. The server
    /// must answer; if it is lost, what it keeps goes off the list with it.
    #[oai(
        path = "/api/v1/platform/servers/:server/kept/:database",
        method = "delete",
        operation_id = "platform_kept_remove"
    )]
    async fn remove_kept(
        &self,
        operator: Operator,
        server: ServerParam,
        database: DatabaseParam,
    ) -> Answer<Shown<KeptRemoved>> {
        operator.vivero().servers().remove_kept(&server.0, &database.0).await?;
        tracing::info!(server = server.0, database = database.0,
            request_id = ?operator.scope().request_id, "kept database removed");
        Shown::new(&KeptRemoved { server: server.0, database: database.0 })
    }
}
