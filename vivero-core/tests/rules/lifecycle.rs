use crate::rules;
use proptest::prelude::*;
use std::fmt::Write as _;
use vivero_core::entity::lifecycle::{TRANSITIONS, next, release};
use vivero_core::entity::{Entity, EntityType, MAX_QUANTITY, NewEntity, Stage, Status, Transition};
use vivero_core::{EntityId, Error, Uuid};

fn entity(status: Status, held_from: Option<Status>) -> Entity {
    let id = EntityId::from_uuid(Uuid::from_u128(1));
    let mut entity = NewEntity::new("E-1", "Hebe", EntityType::Cutting, 10).into_entity(id);
    entity.status = status;
    entity.held_from = held_from;
    entity
}

fn to(status: Status) -> Transition {
    Transition { status: Some(status), reason: Some("because".into()), ..Transition::default() }
}

fn every_state() -> impl Iterator<Item = (Status, Option<Status>)> {
    let held = std::iter::once(None).chain(Status::ALL.iter().copied().map(Some));
    Status::ALL.iter().flat_map(move |s| held.clone().map(|h| (*s, h)))
}

/// What every status can become, as the rules apply it.
const PUBLISHED: &str = "\
registered -> processing, on_hold, destroyed
processing -> ready, on_hold, destroyed
ready -> processing, completed, on_hold, destroyed
completed -> archived, on_hold, destroyed
archived -> nothing
on_hold -> destroyed
on_hold (from registered) -> registered, destroyed
on_hold (from processing) -> processing, destroyed
on_hold (from ready) -> ready, destroyed
on_hold (from completed) -> completed, destroyed
on_hold (from archived) -> archived, destroyed
on_hold (from on_hold) -> on_hold, destroyed
on_hold (from destroyed) -> destroyed
destroyed -> archived
";

#[test]
fn every_pair_of_statuses_is_allowed_or_refused_as_published() {
    let mut text = String::new();
    for (from, held_from) in every_state() {
        let can: Vec<&str> = Status::ALL
            .iter()
            .filter(|wanted| to(**wanted).apply(&mut entity(from, held_from)).is_ok())
            .map(|wanted| wanted.as_str())
            .collect();
        let can = if can.is_empty() { "nothing".into() } else { can.join(", ") };
        match held_from {
            None => writeln!(text, "{from} -> {can}").expect("writing"),
            Some(held) if from == Status::OnHold => {
                writeln!(text, "{from} (from {held}) -> {can}").expect("writing");
            }
            Some(_) => assert!(
                text.contains(&format!("{from} -> {can}\n")),
                "a status to come back to matters on hold only, not for {from}"
            ),
        }
    }
    assert_eq!(text, PUBLISHED);
}

#[test]
fn what_can_come_next_is_what_can_be_applied() {
    for (from, held_from) in every_state() {
        for wanted in Status::ALL {
            let listed = next(from, held_from).contains(wanted);
            let applied = to(*wanted).apply(&mut entity(from, held_from)).is_ok();
            assert_eq!(listed, applied, "{from} (held from {held_from:?}) to {wanted}");
        }
    }
    assert_eq!(TRANSITIONS.len(), Status::ALL.len(), "each status has its line");
}

#[test]
fn the_documented_table_is_the_data() {
    let source = include_str!("../../src/entity/lifecycle.rs");
    let documented: Vec<(String, String)> = source
        .lines()
        .filter_map(|line| line.strip_prefix("//! | ")?.strip_suffix(" |")?.split_once(" | "))
        .filter(|(from, _)| *from != "From")
        .map(|(from, to)| (from.into(), to.into()))
        .collect();
    let data: Vec<(String, String)> = TRANSITIONS
        .iter()
        .map(|(from, to)| {
            let mut to: Vec<&str> = to.iter().map(|s| s.as_str()).collect();
            if *from == Status::OnHold {
                to.insert(0, "the status before the hold");
            }
            let to = if to.is_empty() { "nothing".into() } else { to.join(", ") };
            (from.to_string(), to)
        })
        .collect();
    let sorted = |mut table: Vec<(String, String)>| {
        table.sort();
        table
    };
    assert_eq!(sorted(documented), sorted(data));
}

#[test]
fn a_hold_leads_back_to_where_it_came_from() {
    for from in [Status::Registered, Status::Processing, Status::Ready, Status::Completed] {
        let mut lot = entity(from, None);
        to(Status::OnHold).apply(&mut lot).expect("a hold is allowed");
        assert_eq!((lot.status, lot.held_from), (Status::OnHold, Some(from)));
        assert_eq!(release(lot.status, lot.held_from), Some(from));
        for other in Status::ALL.iter().filter(|s| ![from, Status::Destroyed].contains(s)) {
            let refused = to(*other).apply(&mut lot.clone()).expect_err("no way around a hold");
            assert_eq!(refused.code(), "transition_not_allowed");
        }
        let back = Transition { status: Some(from), ..Transition::default() };
        back.apply(&mut lot).expect("a release needs no reason");
        assert_eq!((lot.status, lot.held_from), (from, None));
    }
}

#[test]
fn a_refusal_says_what_would_be_allowed() {
    let refused = to(Status::Archived).apply(&mut entity(Status::Ready, None));
    let message = refused.expect_err("stock that is ready is not archived").to_string();
    assert_eq!(
        message,
        "ready cannot become archived; it can become processing, completed, on_hold, destroyed"
    );
    let refused = to(Status::Ready).apply(&mut entity(Status::Archived, None));
    assert!(refused.expect_err("archived stays").to_string().ends_with("it can become nothing"));
}

#[test]
fn grave_steps_need_a_reason() {
    let step = |status, stage, quantity_change| Transition {
        status,
        stage,
        quantity_change,
        reason: None,
    };
    let hold = step(Some(Status::OnHold), None, None);
    let destroy = step(Some(Status::Destroyed), None, None);
    let back = step(None, Some(Stage::Propagation), None);
    let loss = step(None, None, Some(-1));
    for grave in [hold, destroy, back, loss] {
        let mut lot = entity(Status::Processing, None);
        lot.stage = Stage::Rooting;
        let refused = grave.apply(&mut lot.clone()).expect_err("a reason is needed");
        assert_eq!(rules(&refused), ["reason: required"], "{grave:?}");
        for empty in ["", "  "] {
            let unsaid = Transition { reason: Some(empty.into()), ..grave.clone() };
            let refused = unsaid.apply(&mut lot.clone()).expect_err("an empty reason is none");
            assert_eq!(rules(&refused), ["reason: min_length"]);
        }
        let long = Transition { reason: Some("x".repeat(501)), ..grave.clone() };
        let refused = long.apply(&mut lot.clone()).expect_err("a reason has its limit");
        assert_eq!(rules(&refused), ["reason: max_length"]);
        Transition { reason: Some("x".repeat(500)), ..grave }
            .apply(&mut lot)
            .expect("with a reason");
    }
    for light in [
        step(Some(Status::Ready), None, None),
        step(None, Some(Stage::Finished), None),
        step(None, Some(Stage::Rooting), None),
        step(None, None, Some(1)),
        step(None, None, Some(0)),
    ] {
        let mut lot = entity(Status::Processing, None);
        lot.stage = Stage::Rooting;
        light.apply(&mut lot).expect("needs no reason");
    }
}

#[test]
fn an_empty_step_is_refused() {
    let nothing = Transition { reason: Some("just so".into()), ..Transition::default() };
    let refused = nothing.apply(&mut entity(Status::Ready, None)).expect_err("nothing to do");
    assert_eq!(rules(&refused), ["status: required"]);
}

#[test]
fn a_quantity_stays_within_its_bounds() {
    for (change, left) in [
        (-10, Some(0)),
        (-11, None),
        (5, Some(15)),
        (i64::MIN, None),
        (MAX_QUANTITY - 10, Some(MAX_QUANTITY)),
        (MAX_QUANTITY - 9, None),
        (i64::MAX - 10, None),
        (i64::MAX, None),
    ] {
        let mut lot = entity(Status::Processing, None);
        let reason = Some("counted".into());
        let step = Transition { quantity_change: Some(change), reason, ..Transition::default() };
        match (step.apply(&mut lot), left) {
            (Ok(()), Some(left)) => assert_eq!(lot.quantity, left, "10 and {change}"),
            (Err(refused), None) => assert_eq!(rules(&refused), ["quantity_change: balance"]),
            (outcome, _) => panic!("10 and {change} gave {outcome:?}"),
        }
    }
}

#[test]
fn stock_that_is_held_destroyed_or_archived_does_not_grow() {
    for status in Status::ALL {
        let grow = Transition { stage: Some(Stage::Finished), ..Transition::default() };
        let grown = grow.apply(&mut entity(*status, None)).is_ok();
        let grows = !matches!(status, Status::OnHold | Status::Destroyed | Status::Archived);
        assert_eq!(grown, grows, "{status}");
        let gain = Transition { quantity_change: Some(1), ..Transition::default() };
        let counted = gain.apply(&mut entity(*status, None)).is_ok();
        assert_eq!(counted, *status != Status::Archived, "{status}");
    }
    let mut both = to(Status::OnHold);
    both.stage = Some(Stage::Finished);
    assert!(both.apply(&mut entity(Status::Ready, None)).is_err(), "nor in the step that holds it");
    let mut release = to(Status::Ready);
    release.stage = Some(Stage::Finished);
    let mut held = entity(Status::OnHold, Some(Status::Ready));
    release.apply(&mut held).expect("but in the step that releases it");
}

fn steps() -> impl Strategy<Value = Transition> {
    (
        proptest::option::of(proptest::sample::select(Status::ALL)),
        proptest::option::weighted(0.3, proptest::sample::select(Stage::ALL)),
        proptest::option::weighted(0.4, prop_oneof![-30_i64..30, any::<i64>()]),
        proptest::option::of("[a-z ]{0,12}"),
    )
        .prop_map(|(status, stage, quantity_change, reason)| Transition {
            status,
            stage,
            quantity_change,
            reason,
        })
}

proptest! {
    #[test]
    fn any_sequence_of_steps_keeps_the_invariants(steps in proptest::collection::vec(steps(), 1..60)) {
        let mut lot = entity(Status::Registered, None);
        for step in steps {
            let before = lot.clone();
            match step.apply(&mut lot) {
                Err(Error::Invalid(_) | Error::Illegal { .. }) => {
                    prop_assert_eq!(&lot, &before, "a refused step changes nothing");
                }
                Err(other) => prop_assert!(false, "a step is not refused with {:?}", other),
                Ok(()) => {
                    let change = step.quantity_change.unwrap_or(0);
                    prop_assert_eq!(lot.quantity, before.quantity + change);
                    prop_assert_eq!(lot.status, step.status.unwrap_or(before.status));
                    prop_assert_eq!(lot.stage, step.stage.unwrap_or(before.stage));
                }
            }
            prop_assert!(lot.quantity >= 0);
            prop_assert_eq!(lot.held_from.is_some(), lot.status == Status::OnHold);
            prop_assert_ne!(lot.held_from, Some(Status::OnHold));
            prop_assert_eq!(&before.code, &lot.code);
        }
    }
}
