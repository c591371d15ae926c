use crate::rules;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;
use vivero_core::Slug;
use vivero_core::migration::{
    Canary, Engine, Migration, RunOptions, Tally, backoff, halt, is_slower, median, rings,
};

fn slugs(number: usize) -> Vec<Slug> {
    (0..number).map(|n| format!("grower-{n}").parse().expect("a slug")).collect()
}

fn canary() -> impl Strategy<Value = Canary> {
    prop_oneof![
        (0..20_u32).prop_map(Canary::Count),
        (1..=100_u8).prop_map(Canary::Percent),
        prop::collection::vec((0..80_usize).prop_map(|n| format!("grower-{n}")), 0..5)
            .prop_map(Canary::Named),
    ]
}

fn options() -> impl Strategy<Value = RunOptions> {
    let waves = prop::collection::btree_set(1..100_u8, 0..5);
    (canary(), waves).prop_map(|(canary, waves)| RunOptions {
        canary,
        waves: waves.into_iter().collect(),
        ..RunOptions::default()
    })
}

proptest! {
    #[test]
    fn every_tenant_is_in_exactly_one_ring(number in 0..60_usize, options in options()) {
        options.check().expect("good options");
        let tenants = slugs(number);
        let rings = rings(&tenants, &options);
        let all: Vec<usize> = rings.iter().flat_map(|r| r.members.iter().copied()).collect();
        prop_assert_eq!(all.len(), number);
        prop_assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), number);
        prop_assert!(rings.iter().all(|r| !r.members.is_empty()));
        prop_assert!(rings.iter().skip(1).all(|r| !r.canary), "the canaries come first");
        prop_assert!(rings.len() <= options.waves.len() + 2);
    }

    #[test]
    fn canaries_are_as_many_or_those_that_were_asked_for(number in 1..60_usize, options in options()) {
        let tenants = slugs(number);
        let rings = rings(&tenants, &options);
        let canaries: BTreeSet<&str> = rings
            .iter()
            .filter(|r| r.canary)
            .flat_map(|r| r.members.iter().map(|i| tenants[*i].as_str()))
            .collect();
        match &options.canary {
            Canary::Count(count) => prop_assert_eq!(canaries.len(), number.min(*count as usize)),
            Canary::Percent(percent) => {
                prop_assert_eq!(canaries.len(), (number * usize::from(*percent)).div_ceil(100));
            }
            Canary::Named(names) => {
                let there = names.iter().map(String::as_str);
                let there: BTreeSet<&str> =
                    there.filter(|n| tenants.iter().any(|t| t.as_str() == *n)).collect();
                prop_assert_eq!(canaries, there);
            }
        }
    }

    #[test]
    fn after_each_wave_as_many_are_done_as_it_says(number in 1..200_usize, wave in 1..100_u8) {
        let options = RunOptions { canary: Canary::Count(1), waves: vec![wave], ..RunOptions::default() };
        let rings = rings(&slugs(number), &options);
        let wanted = (number * usize::from(wave)).div_ceil(100);
        let mut done = 0;
        let ends: Vec<usize> = rings.iter().map(|r| { done += r.members.len(); done }).collect();
        prop_assert!(ends.contains(&wanted), "{:?} for {} of {}", ends, wave, number);
    }

    #[test]
    fn the_rings_do_not_depend_on_chance(number in 0..40_usize, options in options()) {
        prop_assert_eq!(rings(&slugs(number), &options), rings(&slugs(number), &options));
    }

    #[test]
    fn a_ring_stops_the_run_when_more_fail_than_may(
        tenants in 1..500_u64, failed in 0..500_u64, percent in 0..=100_u8, canary: bool,
    ) {
        let failed = failed.min(tenants);
        let tally = Tally { tenants, done: tenants - failed, failed };
        let options = RunOptions { failures: percent, ..RunOptions::default() };
        let stops = halt(canary, tally, &options).is_some();
        let too_many = failed as f64 / tenants as f64 > f64::from(percent) / 100.0 + 1e-12;
        prop_assert_eq!(stops, failed > 0 && (canary || too_many));
    }

    #[test]
    fn half_of_them_do_not_take_longer(mut millis in prop::collection::vec(0..10_000_u64, 1..300)) {
        let mut all: Vec<Duration> = millis.iter().copied().map(Duration::from_millis).collect();
        let median = median(&mut all);
        millis.sort_unstable();
        let within = all.iter().filter(|d| **d <= median).count();
        let below = all.iter().filter(|d| **d < median).count();
        prop_assert!(within * 2 >= all.len() && below * 2 < all.len());
    }

    #[test]
    fn an_edit_of_any_step_changes_the_checksum(
        texts in prop::collection::vec("[a-z ;]{1,12}", 1..5), at in 0..5_usize, edit in "[a-z]{1,3}",
    ) {
        let of = |texts: &[String]| {
            texts.iter().fold(Migration::new(1, "m"), |m, t| m.step(t.clone())).checksum(Engine::Sqlite)
        };
        let mut edited = texts.clone();
        let at = at % texts.len();
        edited[at].push_str(&edit);
        prop_assert_ne!(of(&texts), of(&edited));
        prop_assert_eq!(of(&texts), of(&texts.clone()));
        // Where one statement ends and the next begins is part of it.
        if texts.len() > 1 {
            prop_assert_ne!(of(&texts), of(&[texts.concat()]));
        }
    }
}

#[test]
fn an_engines_checksum_is_of_its_own_steps() {
    let both = Migration::new(1, "m").step("A");
    let more = both.clone().step_on(Engine::MariaDb, "B");
    assert_eq!(both.checksum(Engine::Sqlite), more.checksum(Engine::Sqlite));
    assert_ne!(both.checksum(Engine::MariaDb), more.checksum(Engine::MariaDb));
    assert_eq!(more.steps(Engine::Sqlite).collect::<Vec<_>>(), ["A"]);
    assert_eq!(more.steps(Engine::MariaDb).collect::<Vec<_>>(), ["A", "B"]);
}

#[test]
fn migrations_that_break_a_rule_are_named() {
    let good = |id| Migration::new(id, "good").step("SELECT 1");
    assert!(Migration::check(&[good(1), good(2), good(9)]).is_ok());
    for bad in [
        vec![good(0)],
        vec![good(2), good(2)],
        vec![good(2), good(1)],
        vec![Migration::new(1, "none")],
        vec![Migration::new(1, "").step("SELECT 1")],
        vec![Migration::new(1, "empty").step("  ")],
        vec![Migration::new(1, "long").step("x".repeat(64 * 1024 + 1))],
    ] {
        let error = Migration::check(&bad).expect_err("a broken rule");
        assert!(rules(&error)[0].starts_with("migration "), "{error}");
    }
}

#[test]
fn options_out_of_range_are_named() {
    assert!(RunOptions::default().check().is_ok());
    let bad = RunOptions {
        canary: Canary::Percent(0),
        waves: vec![50, 10],
        pause: 90_000,
        parallel: 0,
        per_server: 1_000,
        failures: 101,
        slower: Some(f64::NAN),
        attempts: 0,
        lock_wait: 0,
        operator: String::new(),
        ..RunOptions::default()
    };
    let broken = rules(&bad.check().expect_err("broken rules"));
    let fields: BTreeSet<&str> =
        broken.iter().map(|b| b.split(':').next().unwrap_or_default()).collect();
    let wanted = [
        "attempts",
        "canary",
        "failures",
        "lock_wait",
        "operator",
        "parallel",
        "pause",
        "per_server",
        "slower",
        "waves",
    ];
    assert_eq!(fields.into_iter().collect::<Vec<_>>(), wanted);
}

#[test]
fn slow_lists_are_slower_by_the_factor_and_not_quick() {
    let options = RunOptions { slower: Some(3.0), slow_from: 20, ..RunOptions::default() };
    let ms = Duration::from_millis;
    assert!(!is_slower(ms(1), ms(19), &options), "quick all the same");
    assert!(is_slower(ms(1), ms(21), &options));
    assert!(!is_slower(ms(10), ms(30), &options));
    assert!(is_slower(ms(10), ms(31), &options));
    let off = RunOptions { slower: None, ..options };
    assert!(!is_slower(ms(1), ms(10_000), &off));
}

#[test]
fn pauses_double_and_end_at_ten_seconds() {
    let pauses: Vec<u128> = (1..=20).map(|attempt| backoff(attempt).as_millis()).collect();
    assert_eq!(pauses[..8], [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000]);
    assert!(pauses[8..].iter().all(|p| *p == 10_000));
}

#[test]
fn canaries_are_a_number_a_percentage_or_names() {
    let good = |text: &str| text.parse::<Canary>().expect(text);
    assert_eq!(good("3"), Canary::Count(3));
    assert_eq!(good("5%"), Canary::Percent(5));
    let names = vec!["acme-plants".to_owned(), "beta".to_owned()];
    assert_eq!(good("acme-plants, beta"), Canary::Named(names));
    for bad in ["", "-1", "300%", "Acme Plants", "4294967296", "a,,b"] {
        let refused = bad.parse::<Canary>().expect_err(bad).to_string();
        assert!(refused.contains("canary"), "{bad}: {refused}");
    }
}
