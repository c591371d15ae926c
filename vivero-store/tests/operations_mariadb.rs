//! What `operations.rs` says, on MariaDB.
#![cfg(feature = "mariadb")]

#[path = "operations.rs"]
mod operations;
