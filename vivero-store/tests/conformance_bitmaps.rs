//! MariaDB holds the contracts of the ports with every list out of an index in memory.
#![cfg(feature = "mariadb")]

#[path = "support/mariadb.rs"]
mod support;

use async_trait::async_trait;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use vivero_core::conformance::Harness;
use vivero_core::port::Fleet;
use vivero_store::{MariaDbFleet, MariaDbOptions, SystemClock};

/// Installations of their own on one server.
#[derive(Default)]
struct MariaDb {
    opened: Mutex<Vec<(usize, usize)>>,
}

impl MariaDb {
    async fn open(&self, n: usize) -> Arc<dyn Fleet> {
        let clock = Arc::new(SystemClock);
        // The first list of a table has an index built, and waits for it.
        let options = MariaDbOptions { bitmap_after: 0, ..support::options(n) };
        let fleet = MariaDbFleet::open(&support::registry(n), options, &[], clock).await;
        let fleet: Arc<dyn Fleet> = Arc::new(fleet.expect("opening"));
        self.opened.lock().expect("a list").push((key(&fleet), n));
        fleet
    }
}

fn key(fleet: &Arc<dyn Fleet>) -> usize {
    Arc::as_ptr(fleet).cast::<u8>() as usize
}

#[async_trait]
impl Harness for MariaDb {
    async fn fleet(&self) -> Arc<dyn Fleet> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        self.open(NEXT.fetch_add(1, Ordering::SeqCst)).await
    }
    async fn reopen(&self, old: Arc<dyn Fleet>) -> Arc<dyn Fleet> {
        let k = key(&old);
        let opened =
            self.opened.lock().expect("a list").iter().rev().find(|(o, _)| *o == k).copied();
        old.close().await;
        drop(old);
        self.open(opened.expect("opened before").1).await
    }
    fn max_open(&self) -> Option<u64> {
        Some(4)
    }
}

vivero_core::conformance_tests!(MariaDb::default());
