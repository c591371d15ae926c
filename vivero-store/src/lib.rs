//! vivero's storage: a registry of tenants and a database for each.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let folder = tempfile::tempdir().unwrap();
//! # let url = format!("sqlite:{}", folder.path().display());
//! use vivero_core::{NewTenant, Owner, Password, Vivero};
//! use vivero_store::Open as _;
//!
//! let vivero = Vivero::open(&url).await?;
//! let owner = Owner::new("grower@example.com", "a long enough secret");
//! vivero.tenants().provision(NewTenant::trial("acme-plants", owner)).await?;
//! let acme = vivero.sign_in("acme-plants", Password::new("grower@example.com", "a long enough secret")).await?;
//! assert_eq!(acme.tenant().slug.as_str(), "acme-plants");
//! # vivero.close().await;
//! # Ok::<_, vivero_core::Error>(())
//! # }).unwrap();
//! ```

pub mod archive;
mod backend;
mod bitmaps;
mod copying;
mod disk;
pub mod files;
mod keeper;
mod keys;
#[cfg(feature = "mariadb")]
pub mod mariadb;
mod meter;
mod migrate;
mod open;
mod operations;
mod pools;
mod registry;
mod row_bytes;
mod schema;
#[cfg(feature = "redis")]
mod shared;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod stamp;
mod system;
mod tenant;

pub use files::{Clamd, LocalFiles};
#[cfg(feature = "s3")]
pub use files::{S3Files, S3Options};
pub use keys::{KeyFile, KeyProvider, KeyText};
#[cfg(feature = "mariadb")]
pub use mariadb::{MariaDbFleet, MariaDbOptions};
pub use open::{Builder, Open};
pub use operations::{FleetOperations, StepHook};
#[cfg(feature = "redis")]
pub use shared::{RedisOptions, RedisShared};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteFleet, SqliteOptions};
pub use system::{SystemClock, SystemIds};

/// The README's first program compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
