//! SQLite holds the contracts of the ports.

use async_trait::async_trait;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use vivero_core::conformance::Harness;
use vivero_core::port::Fleet;
use vivero_store::{SqliteFleet, SqliteOptions, SystemClock};

/// Fleets in folders of their own; few databases at once and no waiting for the disk.
#[derive(Default)]
struct Sqlite {
    folders: Mutex<Vec<(usize, Arc<tempfile::TempDir>)>>,
}
impl Sqlite {
    async fn open(folder: &std::path::Path) -> Arc<dyn Fleet> {
        let options = SqliteOptions {
            max_open: 4,
            wait: Duration::from_millis(300),
            durable: false,
            ..SqliteOptions::default()
        };
        Arc::new(
            SqliteFleet::open(folder, options, &[], Arc::new(SystemClock)).await.expect("opening"),
        )
    }
}
fn key(fleet: &Arc<dyn Fleet>) -> usize {
    Arc::as_ptr(fleet).cast::<u8>() as usize
}
#[async_trait]
impl Harness for Sqlite {
    async fn fleet(&self) -> Arc<dyn Fleet> {
        let folder = Arc::new(tempfile::tempdir().expect("a folder of its own"));
        let fleet = Self::open(folder.path()).await;
        self.folders.lock().expect("a folder of its own").push((key(&fleet), folder));
        fleet
    }
    async fn reopen(&self, old: Arc<dyn Fleet>) -> Arc<dyn Fleet> {
        let k = key(&old);
        let folder = self
            .folders
            .lock()
            .expect("a folder of its own")
            .iter()
            .rev()
            .find(|(o, _)| *o == k)
            .expect("a folder of its own")
            .1
            .clone();
        old.close().await;
        drop(old);
        let fleet = Self::open(folder.path()).await;
        self.folders.lock().expect("a folder of its own").push((key(&fleet), folder));
        fleet
    }
    fn max_open(&self) -> Option<u64> {
        Some(4)
    }
}
vivero_core::conformance_tests!(Sqlite::default());
