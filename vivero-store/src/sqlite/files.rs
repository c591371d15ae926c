//! The folder: where files lie and how they are opened.

use super::limits::deny_attach;
use super::pragma;
use crate::backend::{Backend as _, Sql, failed, read};
use crate::disk::make_private;
pub(super) use crate::disk::{io_error, sync_folder};
use crate::schema;
use crate::tenant::figures;
use crate::tenant::rows::{id, int};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vivero_core::ids::TenantId;
use vivero_core::record::{Kind, Schema};
use vivero_core::tenant::Tenant;
use vivero_core::{Error, Result, Value};

#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    durable: bool,
    template: std::sync::OnceLock<PathBuf>,
}

impl Files {
    pub(super) fn open(folder: &Path, durable: bool) -> Result<Self> {
        let tenants = folder.join("tenants");
        std::fs::create_dir_all(&tenants).map_err(|e| io_error("making the data folder", e))?;
        // People's data and the installation's keys are in it.
        make_private(folder)?;
        Ok(Self { folder: folder.to_owned(), durable, template: std::sync::OnceLock::new() })
    }

    /// A tenant's file. The last byte of a UUIDv7 is random, so folders fill evenly.
    pub(super) fn tenant(&self, tenant: TenantId) -> PathBuf {
        let name = tenant.uuid().simple().to_string();
        self.folder.join("tenants").join(&name[30..]).join(format!("{name}.sqlite3"))
    }

    pub(super) fn template(&self) -> Result<&Path> {
        self.template
            .get()
            .map(PathBuf::as_path)
            .ok_or_else(|| Error::corrupt("the template is missing"))
    }

    fn options(&self, path: &Path, cache_kib: u32) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(if self.durable {
                SqliteSynchronous::Full
            } else {
                SqliteSynchronous::Normal
            })
            .busy_timeout(Duration::from_secs(10))
            .pragma("cache_size", format!("-{cache_kib}"))
            .pragma("temp_store", "memory")
            .pragma("trusted_schema", "OFF")
            .pragma("cell_size_check", "ON")
            .pragma("journal_size_limit", "67108864")
            .pragma("wal_autocheckpoint", "4000")
            .statement_cache_capacity(200)
            .row_buffer_size(256)
    }

    pub(super) fn registry_pool(&self, connections: u32) -> SqlitePool {
        let options =
            self.options(&self.folder.join("registry.sqlite3"), 2048).create_if_missing(true);
        pool_options(connections).connect_lazy_with(options)
    }

    pub(super) fn tenant_pool(&self, path: &Path, connections: u32) -> SqlitePool {
        // The writer touches every index of a table; readers mostly follow one.
        let cache = if connections == 1 { crate::tenant::WRITER_CACHE_KIB } else { 4 * 1024 };
        let options = self.options(path, cache);
        pool_options(connections)
            .after_connect(|connection, _| Box::pin(deny_attach(connection)))
            .connect_lazy_with(options)
    }

    /// Makes the template of the current schema, unless it is there.
    pub(super) async fn prepare_template(&self, schemas: &[&'static Schema]) -> Result<()> {
        let path = self
            .folder
            .join(format!("template-{}.sqlite3", schema::fingerprint::<Sqlite>(schemas)));
        if !path.exists() {
            let half = self.folder.join(format!("template-{}.tmp", std::process::id()));
            remove(&half)?;
            let options = self
                .options(&half, 2048)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Delete);
            let pool = pool_options(1).connect_lazy_with(options);
            // It has no journal yet, so whose it is does not matter.
            let made =
                bring_up(&pool, TenantId::from_uuid(vivero_core::Uuid::nil()), schemas).await;
            pool.close().await;
            made?;
            std::fs::rename(&half, &path).map_err(|e| io_error("making the template", e))?;
            sync_folder(&self.folder)?;
        }
        self.template.get_or_init(|| path);
        Ok(())
    }
}

fn pool_options(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(0)
        .acquire_timeout(Duration::from_secs(15))
        .idle_timeout(Duration::from_secs(60))
        .max_lifetime(None)
        // SQLite is in the process: there is no line that could have dropped.
        .test_before_acquire(false)
}

/// Makes a file's tables what this program needs, in one transaction.
pub(super) async fn bring_up(
    pool: &SqlitePool,
    tenant: TenantId,
    schemas: &[&'static Schema],
) -> Result<()> {
    let wanted = schema::fingerprint::<Sqlite>(schemas);
    let have = {
        let mut connection = pool.acquire().await.map_err(failed)?;
        let rows = Sql::<Sqlite>::new("PRAGMA user_version").fetch(&mut connection).await?;
        rows.first().map(|row| crate::backend::read_int::<Sqlite>(row, 0)).transpose()?.unwrap_or(0)
    };
    // user_version holds the first 31 bits of the fingerprint: equal means there is nothing to do.
    let number = i64::from_str_radix(&wanted[..8], 16).unwrap_or(0) & 0x7fff_ffff;
    if have == number {
        return Ok(());
    }
    let mut transaction = Sqlite::begin(pool).await.map_err(failed)?;
    schema::bring_up::<Sqlite>(&mut transaction, schemas).await?;
    figures::bring_up::<Sqlite>(&mut transaction, tenant, schemas, schemas).await?;
    Sql::<Sqlite>::new(format!("PRAGMA user_version = {number}")).fetch(&mut transaction).await?;
    transaction.commit().await.map_err(failed)?;
    pragma(pool, "PRAGMA wal_checkpoint(PASSIVE)").await
}

/// The file must be this tenant's and of this generation: a swapped or stale one is refused.
pub(super) async fn check_stamp(pool: &SqlitePool, tenant: &Tenant) -> Result<()> {
    let mut connection = pool.acquire().await.map_err(failed)?;
    let rows = Sql::<Sqlite>::new("SELECT tenant_id, generation FROM stamp WHERE one = 1")
        .fetch(&mut connection)
        .await
        .map_err(|e| {
            Error::corrupt(format!("the database of tenant {} has no stamp ({e})", tenant.slug))
        })?;
    let row = rows.first().ok_or_else(|| {
        Error::corrupt(format!("the database of tenant {} has no stamp", tenant.slug))
    })?;
    let stamped = id(read::<Sqlite>(row, 0, Kind::Id)?);
    let generation = int(read::<Sqlite>(row, 1, Kind::Int)?);
    if stamped != tenant.id.uuid() || generation != tenant.generation {
        return Err(Error::corrupt(format!(
            "the database of tenant {} is stamped for tenant {stamped}, generation {generation}",
            tenant.slug
        )));
    }
    Ok(())
}

/// Writes the stamp; part of the seed's transaction.
pub(super) async fn write_stamp(
    connection: &mut sqlx::SqliteConnection,
    tenant: &Tenant,
) -> Result<()> {
    Sql::<Sqlite>::new(
        "INSERT INTO stamp (one, tenant_id, generation, created_at) VALUES (1, ?, ?, ?)",
    )
    .with(Value::Id(tenant.id.uuid()))
    .with(Value::Int(tenant.generation))
    .with(Value::Time(tenant.created_at))
    .execute(connection)
    .await
    .map(|_| ())
}

/// Removes a database with what SQLite keeps beside it.
pub(super) fn remove(path: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(PathBuf::from(name)) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(io_error("removing a database", e)),
        }
    }
    Ok(())
}
