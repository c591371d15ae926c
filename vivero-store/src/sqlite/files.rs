//! The folder: where files lie and how they are opened.

use crate::backend::sqlite::{Pool, Sqlite, Wal};
use crate::disk::make_private;
pub(super) use crate::disk::{io_error, sync_folder};
use crate::migrate::{Alone, How, Target, bring_up};
use crate::tenant::WRITER_CACHE_KIB;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vivero_core::ids::TenantId;
use vivero_core::{Clock, Error, Result};

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

    /// A tenant's file of one generation. The last byte of a UUIDv7 is random, so folders fill evenly.
    pub(super) fn tenant(&self, tenant: TenantId, generation: i64) -> PathBuf {
        let name = tenant.uuid().simple().to_string();
        let file = if generation == 1 {
            format!("{name}.sqlite3")
        } else {
            format!("{name}-{generation}.sqlite3")
        };
        self.folder.join("tenants").join(&name[30..]).join(file)
    }

    /// Bytes of a tenant's database and its log; none if it is not there.
    pub(super) fn size(&self, tenant: TenantId, generation: i64) -> Option<u64> {
        let file = self.tenant(tenant, generation);
        let log = format!("{}-wal", file.display());
        let log = std::fs::metadata(log).map_or(0, |log| log.len());
        Some(std::fs::metadata(file).ok()?.len() + log)
    }

    pub(super) fn template(&self) -> Result<&Path> {
        self.template
            .get()
            .map(PathBuf::as_path)
            .ok_or_else(|| Error::corrupt("the template is missing"))
    }

    /// Makes an empty database, whole or not at all.
    pub(super) fn copy_template(&self, path: &Path) -> Result<()> {
        let folder =
            path.parent().ok_or_else(|| Error::corrupt("a tenant's path has no folder"))?;
        std::fs::create_dir_all(folder).map_err(|e| io_error("making a tenant's folder", e))?;
        let half = path.with_extension("tmp");
        let template = self.template()?;
        std::fs::copy(template, &half).map_err(|e| io_error("copying the template", e))?;
        std::fs::File::open(&half)
            .and_then(|f| f.sync_all())
            .map_err(|e| io_error("syncing a database", e))?;
        std::fs::rename(&half, path).map_err(|e| io_error("naming a database", e))?;
        sync_folder(folder)
    }

    /// A connection to the template, for a look at it.
    pub(super) fn template_pool(&self) -> Result<Pool> {
        let path = self.template()?.to_owned();
        let opening =
            Opening { path, cache_kib: 2048, create: false, log: Log::None, attach: false };
        Ok(Pool::new(1, move || opening.connect(), None))
    }

    /// The pools of a file that has a write-ahead log: many readers, one writer.
    fn pools(&self, reading: Opening, writing: Opening, readers: u32) -> Pools {
        let mut log = reading.path.as_os_str().to_owned();
        log.push("-wal");
        let checkpointing = writing.clone();
        let wal = Wal::new(log.into(), self.durable, move || checkpointing.connect());
        Pools {
            readers: Pool::new(readers, move || reading.connect(), None),
            writer: Pool::new(1, move || writing.connect(), Some(wal)),
        }
    }

    pub(super) fn registry_pools(&self, readers: u32) -> Pools {
        let path = self.folder.join("registry.sqlite3");
        let opening = Opening { path, cache_kib: 2048, create: true, log: Log::Kept, attach: true };
        self.pools(opening.clone(), opening, readers)
    }

    pub(super) fn tenant_pools(&self, path: &Path, readers: u32) -> Pools {
        // The writer touches every index of a table; readers mostly follow one.
        let opening = |cache_kib| Opening::of_tenant(path, cache_kib, Log::Kept);
        self.pools(opening(READER_CACHE_KIB), opening(WRITER_CACHE_KIB), readers)
    }

    /// The pools of a run of migrations. It has a thread for each tenant (see `Backend::apart`), and a
    /// commit on it syncs by itself: a hand-over to another thread and back costs more than it saves.
    pub(super) fn migrating_pools(&self, path: &Path) -> Pools {
        let log = if self.durable { Log::Synced } else { Log::Unsynced };
        let reading = Opening::of_tenant(path, READER_CACHE_KIB, Log::Kept);
        let writing = Opening::of_tenant(path, WRITER_CACHE_KIB, log);
        Pools {
            readers: Pool::new(1, move || reading.connect(), None),
            writer: Pool::new(1, move || writing.connect(), None),
        }
    }

    /// The folder of everything.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the template of the current schema, unless it is there.
    pub(super) async fn prepare_template(&self, target: &Target, clock: &dyn Clock) -> Result<()> {
        let path = self.folder.join(format!("template-{}.sqlite3", target.fingerprint.all()));
        if !path.exists() {
            let half = self.folder.join(format!("template-{}.tmp", std::process::id()));
            remove(&half)?;
            let opening = Opening {
                path: half.clone(),
                cache_kib: 2048,
                create: true,
                log: Log::None,
                attach: true,
            };
            let pool = Pool::new(1, move || opening.connect(), None);
            // It has no journal yet, so whose it is does not matter.
            let nobody = TenantId::from_uuid(vivero_core::Uuid::nil());
            let how = How { steps: &Alone, each: false, lock_wait: None, stamp: None, clock };
            let made = bring_up::<Sqlite>(&pool, nobody, target, &how).await;
            pool.close();
            made?;
            std::fs::rename(&half, &path).map_err(|e| io_error("making the template", e))?;
            sync_folder(&self.folder)?;
        }
        self.template.get_or_init(|| path);
        Ok(())
    }
}

/// Memory for pages of one reading connection of a tenant. The rest is in the system's cache, from where
/// a page is a call away; twice as much made no clear difference to lists.
const READER_CACHE_KIB: u32 = 2 * 1024;
/// How long a statement waits for another process where it cannot step aside.
const BUSY: Duration = Duration::from_secs(10);
/// Statements a connection keeps prepared.
const STATEMENTS: usize = 128;

/// The connections of one file.
#[derive(Debug, Clone)]
pub(super) struct Pools {
    pub(super) readers: Pool,
    pub(super) writer: Pool,
}

impl Pools {
    pub(super) fn close(&self) {
        self.readers.close();
        self.writer.close();
    }
}

/// The write-ahead log of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Log {
    /// It has none.
    None,
    /// One whose syncs and checkpoints are [`Wal`]'s.
    Kept,
    /// One that SQLite looks after, syncing it with each commit, or only when it is written back.
    Synced,
    Unsynced,
}

/// How a connection is opened.
#[derive(Debug, Clone)]
struct Opening {
    path: PathBuf,
    cache_kib: u32,
    create: bool,
    log: Log,
    /// `ATTACH` opens any path the process can read, so one statement in an integrator's hands could
    /// reach another tenant's file: a tenant's connection can attach nothing.
    attach: bool,
}

impl Opening {
    fn of_tenant(path: &Path, cache_kib: u32, log: Log) -> Self {
        Self { path: path.to_owned(), cache_kib, create: false, log, attach: false }
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        flags.set(OpenFlags::SQLITE_OPEN_CREATE, self.create);
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let journal = match self.log {
            Log::None => "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;",
            Log::Kept | Log::Unsynced => "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;",
            Log::Synced => "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;",
        };
        connection.execute_batch(&format!(
            "{journal} PRAGMA cache_size = -{}; PRAGMA temp_store = memory; PRAGMA trusted_schema = OFF; \
             PRAGMA journal_size_limit = 67108864;",
            self.cache_kib
        ))?;
        if self.log == Log::Kept {
            Wal::attend(&connection);
        }
        if !self.attach {
            connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        }
        Ok(connection)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tenants_connections_attach_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::open(folder.path(), false).expect("files");
        let other = folder.path().join("other.sqlite3");
        let attach = format!("ATTACH DATABASE '{}' AS other", other.display());
        // The registry's connections may: what is refused below is refused by the limit.
        let registry = files.registry_pools(1);
        let connection = registry.writer.acquire().await.expect("a connection");
        connection.execute_batch(&attach).expect("no limit");
        let path = folder.path().join("registry.sqlite3");
        let tenant = files.tenant_pools(&path, 4);
        let mut held = vec![tenant.writer.acquire().await.expect("a connection")];
        for _ in 0..4 {
            held.push(tenant.readers.acquire().await.expect("a connection"));
        }
        for connection in &held {
            let refused = connection.execute_batch(&attach).expect_err("attached");
            assert!(refused.to_string().contains("too many attached"), "{refused}");
        }
    }
}
