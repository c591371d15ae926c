//! The first server, with the registry, as its administrator sees it.

use crate::switched::SLUG;
use crate::tenants::ground_on::mariadb;
use crate::tenants::{Engine, Ground};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use std::str::FromStr as _;

/// The tenant's first database on the first server; its account there has the same name.
pub(crate) async fn first_database(ground: &Ground) -> String {
    let tenant = ground.tenant(SLUG).await;
    format!("{}{}", mariadb::options(number(ground)).prefix, tenant.id.uuid().simple())
}

/// The registry's own database.
pub(crate) fn registry(ground: &Ground) -> String {
    mariadb::registry(number(ground)).rsplit('/').next().expect("a name").to_owned()
}

fn number(ground: &Ground) -> usize {
    match ground.engine {
        Engine::MariaDb(n) => n,
        Engine::Sqlite => panic!("this is about MariaDB"),
    }
}

/// Databases of tenants and their accounts on the first server.
pub(crate) async fn on_first(ground: &Ground) -> (usize, usize) {
    let (engine, n) = (ground.engine, number(ground));
    (engine.databases_on(n, 0).await.len(), engine.accounts_on(n, 0).await.len())
}

/// The first server's administrator.
pub(crate) async fn root() -> MySqlConnection {
    let root = MySqlConnectOptions::from_str(mariadb::server(0)).expect("an address");
    root.connect().await.expect("the administrator")
}

/// What the first server says.
pub(crate) async fn says(sql: &str) -> Vec<String> {
    let found = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
    found.fetch_all(&mut root().await).await.unwrap_or_else(|e| panic!("{sql}: {e}"))
}

/// The server that the tenant's database is on.
pub(crate) async fn server_of(ground: &Ground) -> String {
    let registry = registry(ground);
    let sql = format!(
        "SELECT coalesce(g.server, d.server) FROM {registry}.tenants t \
         JOIN {registry}.tenant_databases d ON d.tenant_id = t.id LEFT JOIN {registry}.tenant_generations g \
         ON g.tenant_id = t.id AND g.generation = t.generation WHERE t.slug = '{SLUG}'"
    );
    says(&sql).await.pop().expect("it is somewhere")
}
