//! What [`Shared`] promises, as code, for whoever implements it.
//!
//! ```
//! use async_trait::async_trait;
//! use std::sync::Arc;
//! use std::time::Duration;
//! use vivero_core::conformance::shared::Harness;
//! use vivero_core::{LocalShared, ManualClock, Shared};
//!
//! struct Local(Arc<ManualClock>);
//!
//! #[async_trait]
//! impl Harness for Local {
//!     async fn installation(&self, processes: usize) -> Vec<Arc<dyn Shared>> {
//!         let shared: Arc<dyn Shared> = Arc::new(LocalShared::new(self.0.clone()));
//!         vec![shared; processes]
//!     }
//!     async fn pass(&self, time: Duration) {
//!         self.0.advance(chrono::TimeDelta::from_std(time).expect("a short time"));
//!     }
//! }
//!
//! vivero_core::shared_conformance_tests!(Local(Arc::new(ManualClock::new(chrono::Utc::now()))));
//! # fn main() {}
//! ```

mod announcements;
mod backoff;
mod limits;

use crate::shared::{Shared, Topic};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Longer than any case takes on a busy machine: what takes longer hangs.
const CASE_LIMIT: Duration = Duration::from_secs(120);
/// Longer than an announcement is on its way on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The way from the suite to the implementation under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// A fresh installation, as each of so many processes would hold it; nothing announced and nothing
    /// used up. One that cannot reach other processes gives the same one so many times.
    async fn installation(&self, processes: usize) -> Vec<Arc<dyn Shared>>;
    /// Lets time pass: by moving a clock, or, where the clock is a server's own, by waiting.
    async fn pass(&self, time: Duration);
}

/// One thing an implementation must do; panics if it does not.
pub type Case = for<'h> fn(&'h dyn Harness) -> BoxFuture<'h, ()>;

macro_rules! cases {
    (($d:tt) $($module:ident { $($case:ident)* })*) => {
        /// Every case with its name.
        pub const CASES: &[(&str, Case)] = &[$($(
            (concat!(stringify!($module), "::", stringify!($case)), |h| Box::pin($module::$case(h))),
        )*)*];

        /// Makes a test of each case of
        /// [`conformance::shared::CASES`](crate::conformance::shared::CASES), given an expression for
        /// the [`Harness`](crate::conformance::shared::Harness). The crate needs `tokio` with `macros`
        /// and `rt-multi-thread`.
        #[macro_export]
        macro_rules! shared_conformance_tests {
            ($d harness:expr) => {
                fn shared_conformance_harness() -> impl $crate::conformance::shared::Harness {
                    $d harness
                }
                $(mod $module {
                    $(
                        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
                        async fn $case() {
                            let name = concat!(stringify!($module), "::", stringify!($case));
                            let harness = super::shared_conformance_harness();
                            $crate::conformance::shared::run(&harness, name).await;
                        }
                    )*
                })*
            };
        }
    };
}

cases! { ($)
    announcements {
        whoever_announces_knows_at_once
        others_get_to_know
        whoever_waits_is_woken
        every_announcement_of_many_is_seen
        topics_do_not_mix
        installations_do_not_hear_each_other
    }
    limits {
        a_burst_is_let_through_and_then_no_more
        what_was_used_up_comes_back_with_time
        many_at_once_get_no_more_than_one_would
        a_cost_counts_so_much
        more_than_the_burst_is_never_let_through
        keys_do_not_mix
        installations_have_limits_of_their_own
    }
    backoff {
        the_first_failures_are_free_and_then_waits_grow
        a_wait_ends
        a_success_forgets_them
        failures_are_forgotten_after_a_time
        failures_at_once_all_count
        installations_have_failures_of_their_own
    }
}

/// Runs the case of that name.
///
/// # Panics
/// If the implementation does not do what the case says, if the case hangs, or if there is no such case.
pub async fn run(harness: &dyn Harness, name: &str) {
    let Some((_, case)) = CASES.iter().find(|(known, _)| *known == name) else {
        panic!("there is no case {name}");
    };
    if tokio::time::timeout(CASE_LIMIT, case(harness)).await.is_err() {
        panic!("{name} did not finish within {} seconds", CASE_LIMIT.as_secs());
    }
}

/// Two processes of a fresh installation.
async fn two(harness: &dyn Harness) -> (Arc<dyn Shared>, Arc<dyn Shared>) {
    let mut processes = harness.installation(2).await.into_iter();
    match (processes.next(), processes.next()) {
        (Some(one), Some(other)) => (one, other),
        _ => panic!("two processes were asked for"),
    }
}

/// Waits until the version is another one than `seen`; returns it.
async fn moved(waiting: &mut watch::Receiver<u64>, seen: u64, what: &str) -> u64 {
    let moved = tokio::time::timeout(PATIENCE, waiting.wait_for(|version| *version != seen)).await;
    match moved {
        Ok(Ok(version)) => *version,
        Ok(Err(_)) => panic!("{what}: nobody announces any more"),
        Err(_) => panic!("{what}: no word of it"),
    }
}

/// Announces on `from` until `to` has heard it: after it, what was announced before has arrived, too.
async fn settle(from: &Arc<dyn Shared>, to: &Arc<dyn Shared>) {
    let topic = Topic::Jobs("settle".into());
    let mut waiting = to.watch(&topic);
    let seen = *waiting.borrow_and_update();
    from.announce(&topic).await;
    moved(&mut waiting, seen, "a last announcement").await;
}
