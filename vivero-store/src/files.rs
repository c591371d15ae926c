//! Stores of files: a local folder, any S3 (feature `s3`), and clamd to look through what comes in.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let temporary = tempfile::tempdir().unwrap();
//! # let folder = temporary.path();
//! use std::sync::Arc;
//! use vivero_core::files::{FileKey, FileRules, FileStore as _, Intake, Upload};
//! use vivero_core::{Clock as _, FileId, IdSource as _, TenantId};
//! use vivero_store::{LocalFiles, SystemClock, SystemIds};
//!
//! let store = Arc::new(LocalFiles::open(folder)?);
//! let intake = Intake::new(store.clone(), FileRules::default());
//! let ids = SystemIds::default();
//! let tenant = TenantId::from_uuid(ids.id(SystemClock.now()));
//! let file = FileKey::stored(FileId::from_uuid(ids.id(SystemClock.now())));
//!
//! let upload = Upload::of("bed;plants\n7;4000\n");
//! let received = intake.receive(tenant, file, "beds.csv", upload, 0).await?;
//! assert_eq!(received.info.size, 18);
//! assert_eq!(store.get(tenant, file, None).await?.into_bytes().await?, "bed;plants\n7;4000\n");
//! # Ok::<_, vivero_core::Error>(())
//! # }).unwrap();
//! ```

mod clamd;
mod local;
#[cfg(feature = "s3")]
mod s3;
#[cfg(feature = "s3-tests")]
#[doc(hidden)]
pub mod s3_tests;

pub use clamd::Clamd;
pub use local::LocalFiles;
#[cfg(feature = "s3")]
pub use s3::{S3Files, S3Options};
