//! An installation with two database servers, and an administrator who looks where its tenants are.

#![expect(dead_code, reason = "each test file uses what it needs")]

use crate::{listed::listed, support, wanted::wanted};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use std::str::FromStr as _;
use std::sync::Arc;
use vivero_core::port::Fleet;
use vivero_core::server::{NewServer, ServerPatch, ServerState};
use vivero_core::tenant::Tenant;
use vivero_store::{MariaDbFleet, MariaDbOptions, SystemClock};

pub(crate) async fn open_with(n: usize, options: MariaDbOptions) -> MariaDbFleet {
    let clock = Arc::new(SystemClock);
    MariaDbFleet::open(&support::registry(n), options, &[], clock).await.expect("opening")
}

pub(crate) async fn open(n: usize) -> MariaDbFleet {
    open_with(n, support::options(n)).await
}

pub(crate) async fn provision(fleet: &MariaDbFleet, n: usize, slug: &str) -> Tenant {
    fleet.provision(wanted(n, slug)).await.expect("provisioning")
}

pub(crate) fn second(weight: u32, capacity: Option<u64>) -> NewServer {
    NewServer { weight, capacity, ..listed("second", support::server(1)) }
}

pub(crate) async fn administrator(server: usize) -> MySqlConnection {
    let options = MySqlConnectOptions::from_str(support::server(server)).expect("an address");
    options.connect().await.expect("the administrator")
}

pub(crate) async fn run(connection: &mut MySqlConnection, sql: &str) -> Result<(), u16> {
    match sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(e)) => {
            Err(e.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number))
        }
        Err(other) => panic!("{sql}: {other}"),
    }
}

pub(crate) fn registry_name(n: usize) -> String {
    support::registry(n).rsplit('/').next().expect("a name").to_owned()
}

/// Server and database of a tenant, from the registry.
pub(crate) async fn place(n: usize, tenant: &Tenant) -> (String, String) {
    let sql = format!(
        "SELECT server, database_name FROM {}.tenant_databases WHERE tenant_id = x'{}'",
        registry_name(n),
        tenant.id.uuid().simple()
    );
    sqlx::query_as(AssertSqlSafe(sql))
        .fetch_one(&mut administrator(0).await)
        .await
        .expect("a place")
}

/// Databases of an installation on a server.
pub(crate) async fn databases(n: usize, server: usize) -> Vec<String> {
    let sql = format!(
        "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE '{}%'",
        support::options(n).prefix
    );
    let found = sqlx::query_scalar(AssertSqlSafe(sql));
    found.fetch_all(&mut administrator(server).await).await.expect("databases")
}

pub(crate) async fn accounts(n: usize, server: usize) -> usize {
    let sql =
        format!("SELECT user FROM mysql.user WHERE user LIKE '{}%'", support::options(n).prefix);
    let found = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql));
    found.fetch_all(&mut administrator(server).await).await.expect("accounts").len()
}

pub(crate) async fn set(fleet: &MariaDbFleet, name: &str, state: ServerState) {
    let patch = ServerPatch { state: Some(state), ..ServerPatch::default() };
    fleet.change_server(name, patch, None).await.expect("changed");
}

/// One write transaction, which needs a connection and changes a row.
pub(crate) async fn touch(fleet: &MariaDbFleet, tenant: &Tenant) -> vivero_core::Result<()> {
    fleet.open(tenant).await?.begin().await?.commit().await.map(|_| ())
}
