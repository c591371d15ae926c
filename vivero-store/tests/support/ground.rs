//! An installation with one tenant on MariaDB, and an administrator who looks into its database.

use crate::support;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};
use std::str::FromStr as _;
use vivero_core::{NewTenant, Owner, Password, TenantSession, Vivero};
use vivero_store::Open as _;

pub(crate) async fn run(root: &mut MySqlConnection, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(root).await;
    done.unwrap_or_else(|e| panic!("{sql}: {e}"));
}

pub(crate) async fn number(root: &mut MySqlConnection, sql: &str) -> i64 {
    let row = sqlx::raw_sql(AssertSqlSafe(format!("SELECT CAST(({sql}) AS SIGNED)")));
    row.fetch_one(root).await.unwrap_or_else(|e| panic!("{sql}: {e}")).get(0)
}

/// An installation, its tenant's Admin, and the administrator in the tenant's database.
pub(crate) async fn ground(n: usize) -> (Vivero, TenantSession, MySqlConnection) {
    ground_at(n, &support::registry(n), support::address()).await
}

/// The same with the registry at an address, which may be of several nodes, and the administrator at one of them.
pub(crate) async fn ground_at(
    n: usize,
    registry: &str,
    address: &str,
) -> (Vivero, TenantSession, MySqlConnection) {
    let vivero = Vivero::builder().mariadb(support::options(n)).weak_passwords_for_tests();
    let vivero = vivero.open(registry).await.expect("opening");
    let (email, secret) = ("grower@example.com", "correct horse battery");
    let new = NewTenant::trial("acme-plants", Owner::new(email, secret));
    let tenant = vivero.tenants().provision(new).await.expect("provisioning");
    let session = vivero.sign_in("acme-plants", Password::new(email, secret)).await;
    let database = format!("{}{}", support::options(n).prefix, tenant.id.uuid().simple());
    let root = MySqlConnectOptions::from_str(address).expect("an address");
    let root = root.database(&database).connect().await.expect("the administrator");
    (vivero, session.expect("signing in"), root)
}
