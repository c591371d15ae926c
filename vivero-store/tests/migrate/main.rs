//! Migrations of a fleet, on both engines.

#[path = "../support/versions.rs"]
mod versions;

#[cfg(feature = "mariadb")]
#[path = "../support/listed.rs"]
mod listed;
#[cfg(feature = "mariadb")]
#[path = "../support/mariadb.rs"]
mod support;

mod faults;
#[cfg(unix)]
mod full;
mod halted;
#[cfg(feature = "mariadb")]
mod outage;
mod place;
mod roles;
mod runs;
mod serving;

/// An administrator's connection to a tenant's database.
#[cfg(feature = "mariadb")]
async fn administrator(n: usize, tenant: &vivero_core::Tenant) -> sqlx::MySqlConnection {
    use sqlx::ConnectOptions as _;
    use std::str::FromStr as _;
    let name = format!("{}{}", support::options(n).prefix, tenant.id.uuid().simple());
    let options = sqlx::mysql::MySqlConnectOptions::from_str(support::address());
    options.expect("an address").database(&name).connect().await.expect("the administrator")
}

/// One test of each case on each engine.
#[macro_export]
macro_rules! on_both_engines {
    ($($case:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() { super::$case($crate::place::Place::sqlite()).await; })*
        }
        #[cfg(feature = "mariadb")]
        mod mariadb {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() { super::$case($crate::place::Place::mariadb()).await; })*
        }
    };
}
