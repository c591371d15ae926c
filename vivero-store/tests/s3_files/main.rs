//! An S3 holds the contract of a store of files, and what is particular to it.

mod answers;
mod archives;
mod faults;
mod links;
mod server;
mod wire;

use async_trait::async_trait;
use server::Server;
use std::sync::Arc;
use tokio::sync::Mutex;
use vivero_core::conformance::files::Harness;
use vivero_core::files::FileStore;

/// Servers of their own, one at a time.
#[derive(Default)]
struct S3(Mutex<Vec<Server>>);

#[async_trait]
impl Harness for S3 {
    async fn store(&self) -> Arc<dyn FileStore> {
        let server = Server::start().await;
        let store = Arc::new(server.files());
        self.0.lock().await.push(server);
        store
    }
    async fn reopen(&self, old: Arc<dyn FileStore>) -> Arc<dyn FileStore> {
        drop(old);
        Arc::new(self.0.lock().await.last().expect("a server of its own").files())
    }
}

vivero_core::file_conformance_tests!(S3::default());
