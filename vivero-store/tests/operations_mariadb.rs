//! What `operations` says, on MariaDB.
#![cfg(feature = "mariadb")]

#[path = "operations/main.rs"]
mod operations;
