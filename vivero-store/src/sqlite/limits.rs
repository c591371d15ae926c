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

#[cfg(test)]
mod tests {
    use super::super::files::Files;

    #[tokio::test]
    async fn a_tenants_connections_attach_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::open(folder.path(), false).expect("files");
        let other = folder.path().join("other.sqlite3");
        let attach = format!("ATTACH DATABASE '{}' AS other", other.display());
        let attach = || sqlx::query(sqlx::AssertSqlSafe(attach.clone()));
        // The registry's connections may: what is refused below is refused by the limit.
        let registry = files.registry_pool(1);
        attach().execute(&registry).await.expect("no limit");
        let path = folder.path().join("registry.sqlite3");
        for connections in [1, 4] {
            let tenant = files.tenant_pool(&path, connections);
            let mut held = Vec::new();
            for _ in 0..connections {
                let mut connection = tenant.acquire().await.expect("a connection");
                let refused = attach().execute(&mut *connection).await.expect_err("attached");
                assert!(refused.to_string().contains("too many attached"), "{refused}");
                held.push(connection);
            }
            drop(held);
            tenant.close().await;
        }
        registry.close().await;
    }
}
