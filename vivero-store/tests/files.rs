//! A local folder holds the contract of a store of files.

use async_trait::async_trait;
use std::path::Path;
use std::sync::{Arc, Mutex};
use vivero_core::conformance::files::Harness;
use vivero_core::files::FileStore;
use vivero_store::LocalFiles;

/// Folders of their own, one at a time.
#[derive(Default)]
struct Local(Mutex<Vec<tempfile::TempDir>>);

fn open(folder: &Path) -> Arc<dyn FileStore> {
    Arc::new(LocalFiles::open(folder).expect("opening a folder"))
}

#[async_trait]
impl Harness for Local {
    async fn store(&self) -> Arc<dyn FileStore> {
        let folder = tempfile::tempdir().expect("a folder of its own");
        let store = open(&folder.path().join("files"));
        self.0.lock().expect("the folders").push(folder);
        store
    }
    async fn reopen(&self, old: Arc<dyn FileStore>) -> Arc<dyn FileStore> {
        drop(old);
        let folders = self.0.lock().expect("the folders");
        open(&folders.last().expect("a folder of its own").path().join("files"))
    }
}

vivero_core::file_conformance_tests!(Local::default());
