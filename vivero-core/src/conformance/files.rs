//! What a store of files promises, as code: the suite for [`FileStore`]s.
//!
//! As for engines: implement [`Harness`] and let
//! [`file_conformance_tests!`](crate::file_conformance_tests) make one test of each case, or call
//! [`run_all`].
//!
//! ```
//! use async_trait::async_trait;
//! use std::sync::Arc;
//! use vivero_core::conformance::files::Harness;
//! use vivero_core::files::FileStore;
//! # mod my_store {
//! #     pub fn fresh() -> std::sync::Arc<dyn vivero_core::files::FileStore> { unreachable!() }
//! #     pub fn at(_: &str) -> std::sync::Arc<dyn vivero_core::files::FileStore> { unreachable!() }
//! # }
//!
//! struct MyFiles;
//!
//! #[async_trait]
//! impl Harness for MyFiles {
//!     async fn store(&self) -> Arc<dyn FileStore> {
//!         my_store::fresh()
//!     }
//!     async fn reopen(&self, old: Arc<dyn FileStore>) -> Arc<dyn FileStore> {
//!         drop(old);
//!         my_store::at("the same place")
//!     }
//! }
//!
//! vivero_core::file_conformance_tests!(MyFiles);
//! # fn main() {}
//! ```

mod cutting_off;
mod ground;
mod intake;
mod isolation;
mod limits;
mod listing;
mod moving;
mod reading;
mod upkeep;
mod writing;

use super::CASE_LIMIT;
use crate::files::FileStore;
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// The way from the suite to the store under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// A store without any file, apart from all others.
    async fn store(&self) -> Arc<dyn FileStore>;
    /// Opens the same storage again, as after a restart.
    async fn reopen(&self, old: Arc<dyn FileStore>) -> Arc<dyn FileStore>;
}

/// One thing a store must do; panics if it does not.
pub type Case = for<'h> fn(&'h dyn Harness) -> BoxFuture<'h, ()>;

macro_rules! cases {
    (($d:tt) $($module:ident { $($case:ident)* })*) => {
        /// Every case with its name, so that each can be a test of its own.
        pub const CASES: &[(&str, Case)] = &[$($(
            (concat!(stringify!($module), "::", stringify!($case)), |h| Box::pin($module::$case(h))),
        )*)*];

        /// Makes a test of each case of [`CASES`](crate::conformance::files::CASES), given an
        /// expression for the [`Harness`](crate::conformance::files::Harness). The crate needs `tokio`
        /// with `macros` and `rt-multi-thread`.
        #[macro_export]
        macro_rules! file_conformance_tests {
            ($d harness:expr) => {
                fn file_conformance_harness() -> impl $crate::conformance::files::Harness {
                    $d harness
                }
                $(mod $module {
                    $(
                        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
                        async fn $case() {
                            let name = concat!(stringify!($module), "::", stringify!($case));
                            let harness = super::file_conformance_harness();
                            $crate::conformance::files::run(&harness, name).await;
                        }
                    )*
                })*
            };
        }
    };
}

cases! { ($)
    writing {
        what_was_put_is_what_is_got
        the_checksum_is_the_sha_256_of_the_content
        chunks_of_any_size_make_the_same_file
        files_of_several_parts_come_back_whole
        a_file_put_again_is_replaced_whole
        many_puts_of_one_key_leave_one_of_them
    }
    limits {
        a_size_announced_beyond_the_maximum_is_refused_unread
        more_than_the_maximum_is_refused_while_it_comes
        exactly_the_maximum_is_taken
        another_size_than_announced_is_refused
        a_stream_that_fails_leaves_what_was_there
    }
    cutting_off {
        a_put_given_up_before_its_end_leaves_what_was_there
        a_put_given_up_at_any_moment_is_whole_or_nothing
        a_move_given_up_at_any_moment_loses_nothing
        a_reading_given_up_harms_no_one
    }
    reading {
        ranges_give_the_bytes_they_name
        a_range_without_a_byte_of_the_file_is_refused
        what_is_not_there_is_not_found
        a_reader_finishes_with_what_it_began
        what_is_replaced_meanwhile_is_read_whole
    }
    moving {
        a_copy_is_a_file_of_its_own
        a_renamed_file_is_only_in_its_new_place
        a_promoted_file_has_left_quarantine
        what_was_there_is_replaced
        what_is_not_there_cannot_be_moved
        onto_itself_nothing_changes
        large_files_move_as_small_ones_do
        what_is_copied_onto_is_read_whole
    }
    listing {
        files_are_listed_in_the_order_of_keys
        pages_give_each_file_once
        prefixes_select_what_begins_with_them
        limits_are_held
        files_put_and_deleted_meanwhile_hide_no_others
        entries_tell_size_and_time
    }
    isolation {
        two_tenants_may_use_the_same_key
        what_one_does_another_does_not_notice
        usage_is_of_one_tenant
        tenants_that_look_alike_are_apart
        links_are_given_to_checked_files_only
    }
    intake {
        a_sound_file_gets_in
        what_breaks_a_rule_is_refused_and_leaves_nothing
        what_is_not_what_its_name_says_is_refused_unstored
        an_upload_is_cut_off_where_the_quota_ends
        malware_is_refused_and_gone
        a_scanner_without_a_verdict_lets_nothing_in
        a_scanner_sees_every_byte
        what_was_left_in_quarantine_is_cleared
    }
    upkeep {
        a_deleted_file_is_gone
        sweeping_leaves_files_alone
        everything_is_there_after_reopening
        a_store_in_order_answers
    }
}

/// Runs every case, one after another, and prints the name of each.
pub async fn run_all(harness: &dyn Harness) {
    for (name, _) in CASES {
        println!("{name}");
        run(harness, name).await;
    }
}

/// Runs the case of that name.
///
/// # Panics
/// If the store does not do what the case says, if the case hangs, or if there is no such case.
pub async fn run(harness: &dyn Harness, name: &str) {
    let Some((_, case)) = CASES.iter().find(|(known, _)| *known == name) else {
        panic!("there is no case {name}");
    };
    if tokio::time::timeout(CASE_LIMIT, case(harness)).await.is_err() {
        panic!("{name} did not finish within {} seconds", CASE_LIMIT.as_secs());
    }
}
