//! What the [`port`](crate::port)s promise, as code: a suite that every engine runs, vivero's own and
//! an embedder's alike.
//!
//! An engine passes if no case panics; a panic says in words what was promised. Implement [`Harness`]
//! for the engine and let [`conformance_tests!`](crate::conformance_tests) make one test of each case,
//! or call [`run_all`]:
//!
//! ```
//! use async_trait::async_trait;
//! use std::sync::Arc;
//! use vivero_core::conformance::Harness;
//! use vivero_core::port::Fleet;
//! # mod my_engine {
//! #     pub fn fresh() -> std::sync::Arc<dyn vivero_core::port::Fleet> { unreachable!() }
//! #     pub fn at(_: &str) -> std::sync::Arc<dyn vivero_core::port::Fleet> { unreachable!() }
//! # }
//!
//! struct MyEngine;
//!
//! #[async_trait]
//! impl Harness for MyEngine {
//!     async fn fleet(&self) -> Arc<dyn Fleet> {
//!         my_engine::fresh()
//!     }
//!     async fn reopen(&self, old: Arc<dyn Fleet>) -> Arc<dyn Fleet> {
//!         old.close().await;
//!         my_engine::at("the same place")
//!     }
//! }
//!
//! vivero_core::conformance_tests!(MyEngine);
//! # fn main() {}
//! ```
//!
//! The cases use no clock and no random source: each has instants, ids and dice of its own that
//! depend on its name alone, so a failure comes again.

mod cancellation;
mod chain;
mod copies;
mod counts;
mod facets;
mod feed;
pub mod files;
mod fleet;
mod ground;
mod hurried_works;
mod isolation;
mod leases;
mod paging;
mod pools;
mod predicates;
mod provisioning;
mod remembered;
mod reopening;
mod rows;
mod sample;
mod search;
mod search_words;
pub mod shared;
mod short_works;
mod sorting;
mod tables;
mod uniqueness;
mod values;
mod works;

use crate::port::Fleet;
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// Longer than any case takes on a busy machine: what takes longer hangs.
const CASE_LIMIT: Duration = Duration::from_secs(300);

/// The way from the suite to the engine under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// A fleet without any tenant, apart from all others.
    async fn fleet(&self) -> Arc<dyn Fleet>;
    /// Closes a fleet and opens the same storage again, as after a restart.
    async fn reopen(&self, old: Arc<dyn Fleet>) -> Arc<dyn Fleet>;
    /// How many tenants may be open at once in the fleets of this harness. Make it small; `None`
    /// leaves out the cases on full pools.
    fn max_open(&self) -> Option<u64> {
        None
    }
}

/// One thing an engine must do; panics if it does not.
pub type Case = for<'h> fn(&'h dyn Harness) -> BoxFuture<'h, ()>;

macro_rules! cases {
    (($d:tt) $($module:ident { $($case:ident)* })*) => {
        /// Every case with its name, so that each can be a test of its own.
        pub const CASES: &[(&str, Case)] = &[$($(
            (concat!(stringify!($module), "::", stringify!($case)), |h| Box::pin($module::$case(h))),
        )*)*];

        /// Makes a test of each case of [`CASES`](crate::conformance::CASES), given an expression
        /// for the [`Harness`](crate::conformance::Harness). The crate needs `tokio` with `macros`
        /// and `rt-multi-thread`.
        #[macro_export]
        macro_rules! conformance_tests {
            ($d harness:expr) => {
                fn conformance_harness() -> impl $crate::conformance::Harness {
                    $d harness
                }
                $(mod $module {
                    $(
                        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
                        async fn $case() {
                            let name = concat!(stringify!($module), "::", stringify!($case));
                            $crate::conformance::run(&super::conformance_harness(), name).await;
                        }
                    )*
                })*
            };
        }
    };
}

cases! { ($)
    provisioning {
        a_provisioned_tenant_is_active_and_can_be_found
        the_first_rows_of_a_tenant_are_there_journalled_and_counted
        a_taken_slug_is_refused_by_name_and_leaves_nothing
        the_same_key_gives_the_same_tenant
        the_same_key_for_another_request_is_refused
        one_key_used_by_many_at_once_makes_one_tenant
        one_slug_wanted_by_many_at_once_goes_to_one
        there_is_nothing_to_resume_when_nothing_was_cut_off
    }
    fleet {
        tenants_are_listed_by_slug_in_pages
        a_state_changes_only_from_the_version_that_was_seen
        a_state_is_seen_by_whoever_looks_next
        an_anchor_never_goes_back
        a_secret_is_made_once
        a_handle_of_another_generation_is_refused
        figures_count_the_tenants
    }
    copies {
        a_database_made_from_rows_is_equal_to_the_row
        a_snapshot_sees_one_instant
        what_changed_since_is_caught_up
        another_tenants_rows_are_sealed_anew
        a_fenced_database_is_read_and_not_written
        whoever_was_overtaken_changes_nothing
    }
    leases {
        a_lease_is_one_holders_until_it_ends
        a_lease_that_was_overtaken_is_neither_renewed_nor_released
        one_lease_wanted_by_many_at_once_goes_to_one
        leases_are_listed_by_what_their_names_begin_with
    }
    isolation {
        two_tenants_see_nothing_of_each_other
        two_tenants_may_use_the_same_ids_and_unique_values
        two_tenants_with_the_same_history_have_different_chains
    }
    pools {
        more_tenants_than_may_be_open_work_in_turn
        a_held_lease_is_never_closed
        an_open_work_is_a_lease_too
        when_all_are_held_one_more_is_told_to_come_back
        many_open_the_same_tenant_at_once
    }
    rows {
        a_row_is_found_by_its_id_as_it_was_written
        a_row_out_of_scope_is_not_found
        sequence_numbers_ascend_in_the_order_of_creation
        deleted_rows_are_hidden_or_shown_as_asked
        an_update_needs_the_version_that_is_stored
        an_update_keeps_other_rows_as_they_are
        many_rows_are_written_at_once
        many_look_for_rows_at_once_and_each_gets_their_own
        whoever_looks_sees_what_was_committed_before
    }
    uniqueness {
        a_taken_value_is_named_and_nothing_of_the_call_is_kept
        a_taken_value_among_thousands_undoes_them_all
        an_update_to_a_taken_value_changes_nothing
        no_value_is_not_a_value_two_records_share
        values_that_only_look_alike_are_not_the_same
        a_deleted_record_and_its_successor_never_both_live
        an_id_is_never_given_twice
    }
    values {
        texts_come_back_exactly
        numbers_come_back_exactly
        instants_and_days_come_back_exactly
        json_comes_back_exactly
        bytes_come_back_exactly
        no_value_differs_from_an_empty_one
        the_greatest_declared_size_fits
        a_journal_entry_comes_back_exactly
    }
    predicates {
        every_predicate_selects_what_it_says
        a_condition_on_every_kind_of_value_is_exact
        nested_predicates_select_what_they_say
        a_place_includes_everything_below_it
        scope_and_filter_must_both_hold
        a_list_has_at_most_the_rows_asked_for
    }
    sorting {
        every_sort_orders_by_its_column_and_then_by_creation
        rows_without_a_value_stand_together
        instants_with_and_without_fractions_are_in_order
        the_smallest_and_greatest_numbers_are_in_order
    }
    paging {
        pages_of_every_sort_give_each_row_once
        pages_of_a_filtered_list_give_each_row_once
        pages_of_a_search_give_each_row_once
        pages_through_texts_of_any_script_give_each_row_once
        rows_inserted_meanwhile_neither_repeat_nor_hide_others
        pages_go_on_after_the_row_of_the_cursor_is_gone
        a_cursor_made_up_by_someone_is_harmless
    }
    facets {
        lists_by_any_facets_places_and_sort_are_what_a_model_says
        a_combination_that_never_occurred_is_found_at_once
        a_row_that_changes_its_combination_is_listed_once_all_the_while
    }
    search {
        words_are_found_in_every_declared_column
        all_words_must_match
        a_code_is_found_whole_and_in_pieces
        attributes_are_found_by_their_values
        what_is_found_follows_updates
        deleted_rows_are_not_found
        search_joins_with_filter_scope_and_count
        undeclared_columns_are_not_searched
    }
    search_words {
        case_makes_no_difference
        words_of_any_script_are_found
        words_of_query_languages_are_harmless
        long_words_and_many_words_are_found
        a_single_letter_is_a_word
    }
    works {
        a_dropped_work_leaves_nothing
        a_work_sees_its_own_writes
        others_see_a_work_only_once_it_is_committed
        reading_does_not_wait_for_a_writer
        what_one_has_committed_the_next_sees
        concurrent_increments_lose_nothing
        two_rows_change_together_or_not_at_all
    }
    short_works {
        each_of_many_at_once_is_all_or_nothing
        each_sees_what_those_before_it_did
        one_given_up_halfway_harms_no_other
    }
    hurried_works {
        a_row_refers_to_what_is_there
        nobody_comes_between_a_look_and_a_change
        it_sees_what_it_did_itself
        an_answer_that_is_there_undoes_it
        each_of_many_at_once_ends_by_itself
        one_given_up_halfway_is_whole_or_nothing
    }
    cancellation {
        a_write_given_up_halfway_leaves_nothing
        a_commit_given_up_halfway_is_whole_or_nothing
        what_a_commit_given_up_has_left_is_sealed_unasked
        what_a_seal_given_up_has_left_is_seen
        a_reading_given_up_halfway_harms_no_one
    }
    remembered {
        an_answer_is_kept_with_its_work
        an_answer_rolls_back_with_its_work
        one_key_used_by_many_at_once_acts_once
        old_answers_are_forgotten
    }
    feed {
        positions_are_contiguous_from_one
        entries_of_one_work_keep_their_order
        history_is_newest_first_and_paged
        changes_since_are_oldest_first_sealed_or_not
        the_feed_is_read_forwards_and_backwards_in_pages
        head_moves_when_something_is_sealed
        what_is_committed_is_sealed_unasked
        a_reader_of_the_feed_misses_nothing_while_others_write
        entries_of_a_dropped_work_never_appear
    }
    chain {
        an_untouched_chain_verifies
        a_true_anchor_at_any_position_holds
        an_anchor_with_another_hash_is_reported
        an_anchor_beyond_the_head_is_reported_as_truncation
        sealing_by_many_at_once_seals_each_entry_once
    }
    counts {
        figures_follow_each_kind_of_change
        sums_are_exact_also_where_they_do_not_fit_a_column
        figures_equal_a_recount_after_any_mix_of_changes
        figures_equal_a_recount_after_concurrent_changes
        a_dropped_work_is_not_counted
    }
    tables {
        a_table_of_ones_own_is_made_once
        a_column_declared_later_is_added
        a_table_made_twice_at_once_is_made_once
        two_record_types_do_not_mix
        a_table_that_was_filled_is_as_quick_and_whole_as_any
        a_filling_that_was_cut_off_is_made_whole_at_the_next_opening
    }
    reopening {
        everything_is_there_after_reopening
        the_chain_goes_on_after_reopening
        an_older_copy_is_refused_until_it_is_accepted
        the_registry_is_there_after_reopening
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
/// If the engine does not do what the case says, if the case hangs, or if there is no such case.
pub async fn run(harness: &dyn Harness, name: &str) {
    let Some((_, case)) = CASES.iter().find(|(known, _)| *known == name) else {
        panic!("there is no case {name}");
    };
    if tokio::time::timeout(CASE_LIMIT, case(harness)).await.is_err() {
        panic!("{name} did not finish within {} seconds", CASE_LIMIT.as_secs());
    }
}
