//! What only one process may do at a time.

use super::Harness;
use super::ground::Source;
use chrono::TimeDelta;
use futures_util::future::join_all;
use std::collections::BTreeSet;

pub(super) async fn a_lease_is_one_holders_until_it_ends(harness: &dyn Harness) {
    let source = Source::new("lease");
    let fleet = harness.fleet().await;
    let (me, other) = (source.id(), source.id());
    let at = source.provision("acme-plants").at;
    let (soon, later) = (at + TimeDelta::seconds(10), at + TimeDelta::seconds(30));

    let mine = fleet.take_lease("work", me, at, soon).await.expect("taking").expect("it is free");
    assert_eq!((mine.name.as_str(), mine.holder, mine.until), ("work", me, soon));
    let refused = fleet.take_lease("work", other, at, later).await.expect("asking");
    assert_eq!(refused, None, "a lease that is held is nobody else's");
    let elsewhere = fleet.take_lease("other work", other, at, later).await.expect("taking");
    assert!(elsewhere.is_some(), "another name is another lease");

    let mine = fleet.renew_lease(&mine, later).await.expect("renewing").expect("still mine");
    assert_eq!(mine.until, later);
    let refused = fleet.take_lease("work", other, soon, later).await.expect("asking");
    assert_eq!(refused, None, "it was prolonged");
    let taken = fleet.take_lease("work", other, later, later + TimeDelta::seconds(1)).await;
    let taken = taken.expect("taking").expect("it has ended");
    assert!(taken.token > mine.token, "tokens grow: {} after {}", taken.token, mine.token);

    fleet.release_lease(&taken).await.expect("releasing");
    let again = fleet.take_lease("work", me, later, later + TimeDelta::seconds(1)).await;
    let again = again.expect("taking").expect("it was given back");
    assert!(again.token > taken.token, "a token never comes twice");
    let anew = fleet.take_lease("work", me, later, later + TimeDelta::seconds(2)).await;
    let anew = anew.expect("taking").expect("the holder may");
    assert!(anew.token > again.token, "taken anew, it has a new token");
}

pub(super) async fn a_lease_that_was_overtaken_is_neither_renewed_nor_released(
    harness: &dyn Harness,
) {
    let source = Source::new("overtaken");
    let fleet = harness.fleet().await;
    let at = source.provision("acme-plants").at;
    let (soon, later) = (at + TimeDelta::seconds(10), at + TimeDelta::seconds(30));
    let slow = fleet.take_lease("work", source.id(), at, soon).await.expect("taking");
    let slow = slow.expect("it is free");
    let quick = fleet.take_lease("work", source.id(), soon, later).await.expect("taking");
    let quick = quick.expect("it has ended");
    assert_eq!(fleet.renew_lease(&slow, later).await.expect("asking"), None);
    fleet.release_lease(&slow).await.expect("releasing what is not mine any more");
    let held = fleet.leases("work").await.expect("listing");
    assert_eq!(held, std::slice::from_ref(&quick), "the overtaker still has it");
    assert!(fleet.renew_lease(&quick, later).await.expect("renewing").is_some());
}

pub(super) async fn one_lease_wanted_by_many_at_once_goes_to_one(harness: &dyn Harness) {
    let source = Source::new("wanted");
    let fleet = harness.fleet().await;
    let at = source.provision("acme-plants").at;
    let until = at + TimeDelta::seconds(10);
    let holders: Vec<_> = (0..12).map(|_| source.id()).collect();
    let taking = holders.iter().map(|holder| fleet.take_lease("work", *holder, at, until));
    let taken: Vec<_> =
        join_all(taking).await.into_iter().filter_map(|taken| taken.expect("asking")).collect();
    assert_eq!(taken.len(), 1, "one has it: {taken:?}");
    let asked: BTreeSet<_> = holders.into_iter().collect();
    assert!(asked.contains(&taken[0].holder));
}

pub(super) async fn leases_are_listed_by_what_their_names_begin_with(harness: &dyn Harness) {
    let source = Source::new("names");
    let fleet = harness.fleet().await;
    let at = source.provision("acme-plants").at;
    let until = at + TimeDelta::seconds(10);
    for name in ["seal/b", "seal/a", "seal", "SEAL/c", "s%al/d", "jobs"] {
        assert!(fleet.take_lease(name, source.id(), at, until).await.expect("taking").is_some());
    }
    let names = |leases: Vec<crate::port::Lease>| leases.into_iter().map(|l| l.name).collect();
    let found: Vec<String> = names(fleet.leases("seal/").await.expect("listing"));
    assert_eq!(found, ["seal/a", "seal/b"]);
    let found: Vec<String> = names(fleet.leases("s%").await.expect("listing"));
    assert_eq!(found, ["s%al/d"], "no wildcards");
    assert_eq!(fleet.leases("").await.expect("listing").len(), 6);
    let long = "x".repeat(191);
    let refused = fleet.take_lease(&long, source.id(), at, until).await;
    assert!(matches!(refused, Err(crate::Error::Invalid { .. })), "{refused:?}");
}
