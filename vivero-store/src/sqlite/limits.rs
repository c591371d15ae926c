//! The one call into SQLite's C interface: a tenant's connection can attach no other file.
//!
//! `ATTACH` opens any path the process can read, so one statement in an integrator's hands could reach
//! another tenant's file. SQLite has a run-time limit for it; sqlx has no safe way to set it.

use libsqlite3_sys::{SQLITE_LIMIT_ATTACHED, sqlite3_limit};
use sqlx::SqliteConnection;

/// Makes every `ATTACH` on this connection fail.
#[expect(unsafe_code, reason = "sqlx offers no safe call for SQLite's limits")]
pub(super) async fn deny_attach(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut handle = connection.lock_handle().await?;
    let raw = handle.as_raw_handle().as_ptr();
    // SAFETY: the handle is locked, so the connection is open and no other thread uses it for the
    // duration of the call; sqlite3_limit only stores an integer in it.
    unsafe {
        sqlite3_limit(raw.cast(), SQLITE_LIMIT_ATTACHED, 0);
    }
    Ok(())
}
