//! One process by itself holds the contract of what is shared.
#![cfg(feature = "conformance")]

use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use vivero_core::conformance::shared::Harness;
use vivero_core::{LocalShared, ManualClock, Shared};

struct Local(Arc<ManualClock>);

#[async_trait]
impl Harness for Local {
    async fn installation(&self, processes: usize) -> Vec<Arc<dyn Shared>> {
        let shared: Arc<dyn Shared> = Arc::new(LocalShared::new(Arc::clone(&self.0) as Arc<_>));
        vec![shared; processes]
    }
    async fn pass(&self, time: Duration) {
        self.0.advance(chrono::TimeDelta::from_std(time).expect("a short time"));
    }
}

fn local() -> Local {
    Local(Arc::new(ManualClock::new("2026-03-02T07:30:00Z".parse().expect("an instant"))))
}

vivero_core::shared_conformance_tests!(local());
