//! Short works that take for granted what is likely, where an engine knows how: what is not so undoes them, and
//! nobody else. Where it does not, they are works like others.

use super::Harness;
use super::cancellation::{PATIENCE, give_up};
use super::ground::{Ground, codes, may_retry, record_of};
use super::sample::Sample;
use super::works::TRIES;
use crate::journal::Changes;
use crate::location::Location;
use crate::port::{Remembered, Work};
use crate::query::{Deleted, Predicate};
use crate::record::Record as _;
use crate::{Error, Result, Uuid, Value};
use futures_util::future::join_all;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A short work, and whether it takes things for granted.
async fn begin(ground: &Ground, hurry: bool) -> (Box<dyn Work>, bool) {
    let store = &ground.store;
    let work = if hurry { store.begin_hurried().await } else { store.begin_short().await };
    let work = work.expect("a short work");
    let hurried = work.is_hurried();
    (work, hurried)
}

async fn insert(ground: &Ground, work: &mut dyn Work, code: &str) -> Result<()> {
    let row = ground.row(ground.source.sample(code));
    let changes = Changes::between(Sample::SCHEMA, None, Some(&row.values));
    let entry = ground.entry::<Sample>("create", &row, changes);
    work.insert(Sample::SCHEMA, vec![row]).await?;
    work.journal(vec![entry]).await
}

/// Adds one to the pieces of a row.
async fn increment(ground: &Ground, work: &mut dyn Work, id: Uuid) -> Result<bool> {
    let row = work.find_to_change(Sample::SCHEMA, id, &Predicate::All).await?;
    let row = row.ok_or_else(|| Error::not_found("sample"))?;
    let mut sample: Sample = record_of(&row);
    sample.pieces += 1;
    let (new, entry) = ground.successor(&row, sample);
    let updated = work.update(Sample::SCHEMA, &row, new).await?;
    work.journal(vec![entry]).await?;
    Ok(updated)
}

/// Does a work until it is done, as a service does: an engine may undo one in a hurry for reasons of its own, which
/// pass by. (No function: what a closure lends cannot be sent to another thread so far.)
macro_rules! do_surely {
    ($ground:expr, |$work:ident| $deed:block) => {{
        let mut tries = 0;
        loop {
            let (mut boxed, hurried) = begin($ground, true).await;
            let outcome: Result<()> = async {
                let $work = &mut *boxed;
                $deed
                boxed.commit().await
            }
            .await;
            match outcome {
                Ok(()) => break,
                Err(Error::Undone { .. }) if hurried && tries < 20 => tries += 1,
                Err(e) => panic!("it is done, not {e:?}"),
            }
        }
    }};
}

fn assert_undone<T: std::fmt::Debug>(outcome: Result<T>, what: &str) {
    assert!(matches!(outcome, Err(Error::Undone { .. })), "{what}: undone, not {outcome:?}");
}

pub(super) async fn a_row_refers_to_what_is_there(harness: &dyn Harness) {
    let ground = Ground::new(harness, "required").await;
    let places = ground.plant_tree().await;
    let (place, missing) = (places[0].uuid(), ground.source.id());
    let within = Predicate::Equals("code", Value::Text("P-0".into()));
    let apart = Predicate::Equals("code", Value::Text("P-1".into()));
    let (deleted, schema) = (places[4].uuid(), Location::SCHEMA);
    ground.set_deleted::<Location>(deleted, true).await;
    let scopes =
        [(&Predicate::All, true), (&within, true), (&apart, false), (&Predicate::None, false)];
    for (i, (scope, there)) in scopes.into_iter().enumerate() {
        let code = format!("AT-{i}");
        let hurried = begin(&ground, true).await.1;
        if there || !hurried {
            do_surely!(&ground, |work| {
                assert_eq!(work.require(schema, place, scope).await?, there, "{scope:?}");
                insert(&ground, work, &code).await?;
            });
        } else {
            let mut work = begin(&ground, true).await.0;
            assert!(work.require(schema, place, scope).await.expect("requiring"), "{scope:?}");
            insert(&ground, &mut *work, &code).await.expect("adding");
            assert_undone(work.commit().await, "a place out of reach");
        }
    }
    let before = ground.all().await;
    for id in [missing, deleted] {
        // With a row that says it, with nothing at all, and with a question in between.
        for how in 0..3 {
            let (mut work, hurried) = begin(&ground, true).await;
            if !work.require(schema, id, &Predicate::All).await.expect("requiring") {
                assert!(!hurried, "in a hurry nothing is known before the commit");
                continue;
            }
            let outcome = async {
                if how == 1 {
                    return work.commit().await;
                }
                if how == 2 {
                    work.find(schema, place, &Predicate::All, Deleted::Hidden).await?;
                }
                insert(&ground, &mut *work, "NEVER").await?;
                work.commit().await
            };
            assert_undone(outcome.await, "a place that is not there");
        }
    }
    assert_eq!(ground.all().await, before, "nothing of them is kept");
    ground.assert_counts("after works in a hurry").await;
}

pub(super) async fn nobody_comes_between_a_look_and_a_change(harness: &dyn Harness) {
    let ground = Ground::new(harness, "hurried change").await;
    let id = ground.create_one(ground.source.sample("A")).await;
    let other = ground.create_one(ground.source.sample("B")).await;
    for how in 0..4 {
        let (mut work, hurried) = begin(&ground, true).await;
        if !hurried {
            return;
        }
        let seen = work.find_to_change(Sample::SCHEMA, id, &Predicate::All).await;
        let seen = seen.expect("finding").expect("it is there");
        let theirs = ground.edit(id, |s: &mut Sample| s.pieces += 10).await;
        let outcome = async {
            match how {
                0 => {
                    let mut sample: Sample = record_of(&seen);
                    sample.pieces += 1;
                    let (new, entry) = ground.successor(&seen, sample);
                    work.update(Sample::SCHEMA, &seen, new).await?;
                    work.journal(vec![entry]).await?;
                }
                // What was read decides about another row of the same table, or is asked on.
                1 => insert(&ground, &mut *work, "NEVER").await?,
                2 => drop(increment(&ground, &mut *work, other).await?),
                _ => drop(work.changes_since(Sample::SCHEMA, id, 0, 10).await?),
            }
            work.commit().await
        };
        assert_undone(outcome.await, "another came between");
        assert_eq!(ground.find(id).await, Some(theirs), "what they did is kept");
    }
    let (mut work, _) = begin(&ground, true).await;
    let seen = work.find_to_change(Sample::SCHEMA, id, &Predicate::All).await.expect("finding");
    assert!(seen.is_some());
    work.commit().await.expect("nothing is to be done");
    ground.assert_counts("after others came between").await;
}

pub(super) async fn it_sees_what_it_did_itself(harness: &dyn Harness) {
    let ground = Ground::new(harness, "hurried questions").await;
    let id = ground.create_one(ground.source.sample("A")).await;
    do_surely!(&ground, |work| {
        for _ in 0..3 {
            assert!(increment(&ground, work, id).await?);
        }
        insert(&ground, work, "B").await?;
        let row = work.find(Sample::SCHEMA, id, &Predicate::All, Deleted::Hidden).await?;
        assert_eq!(record_of::<Sample>(&row.expect("it is there")).pieces, 3);
    });
    assert_eq!(codes(&ground.all().await), ["B", "A"]);
    let entries = ground.store.history(Sample::SCHEMA, id, None, 10).await.expect("history");
    assert_eq!(entries.len(), 4);
    ground.assert_counts("after questions").await;
}

pub(super) async fn an_answer_that_is_there_undoes_it(harness: &dyn Harness) {
    let ground = Ground::new(harness, "hurried answers").await;
    let answer = |response: &str| Remembered {
        key: "k".into(),
        fingerprint: "print".into(),
        response: response.into(),
        at: ground.source.now(),
    };
    do_surely!(&ground, |work| {
        assert_eq!(work.remembered("k").await?, None);
        insert(&ground, work, "MADE-0").await?;
        work.remember(answer("first")).await?;
    });
    let (mut work, hurried) = begin(&ground, true).await;
    let kept = work.remembered("k").await.expect("what is remembered");
    if hurried {
        assert_eq!(kept, None, "in a hurry nothing is looked for");
        insert(&ground, &mut *work, "MADE-1").await.expect("adding");
        work.remember(answer("second")).await.expect("remembering");
        assert_undone(work.commit().await, "an answer was given before");
    } else {
        assert_eq!(kept.expect("an answer").response, "first");
        drop(work);
    }
    assert_eq!(codes(&ground.all().await), ["MADE-0"], "it acted once");
    let (mut work, _) = begin(&ground, false).await;
    let kept = work.remembered("k").await.expect("what is remembered").expect("an answer");
    assert_eq!(kept.response, "first");
}

/// One of many: what becomes of it when it is done as a service does it.
async fn act(ground: &Ground, i: usize, counter: Uuid, missing: Uuid) {
    let mut hurry = true;
    for _ in 0..TRIES {
        let (mut work, hurried) = begin(ground, hurry).await;
        let outcome = async {
            match i % 6 {
                0 => insert(ground, &mut *work, "TAKEN").await?,
                1 => {
                    increment(ground, &mut *work, counter).await?;
                }
                2 => {
                    if !work.require(Location::SCHEMA, missing, &Predicate::All).await? {
                        return Err(Error::not_found("location"));
                    }
                    insert(ground, &mut *work, &format!("NOWHERE-{i}")).await?;
                }
                3 => {
                    insert(ground, &mut *work, &format!("DROPPED-{i}")).await?;
                    return Ok(());
                }
                _ => insert(ground, &mut *work, &format!("KEPT-{i}")).await?,
            }
            work.commit().await
        };
        match outcome.await {
            Ok(()) => return assert!(![0, 2].contains(&(i % 6)), "{i}"),
            Err(Error::Taken { .. }) if i.is_multiple_of(6) => return,
            Err(Error::NotFound { .. }) if i % 6 == 2 && !hurried => return,
            Err(e) if may_retry(&e) && !matches!(e, Error::Taken { .. }) => {}
            Err(e) => panic!("{i} ends as it should, not with {e:?}"),
        }
        hurry = false;
        tokio::task::yield_now().await;
    }
    panic!("{i} ends after some tries");
}

pub(super) async fn each_of_many_at_once_ends_by_itself(harness: &dyn Harness) {
    let ground = Arc::new(Ground::new(harness, "hurried crowd").await);
    ground.create_one(ground.source.sample("TAKEN")).await;
    let counter = ground.create_one(ground.source.sample("COUNTER")).await;
    let missing = ground.source.id();
    let tasks = (0..240).map(|i| {
        let ground = Arc::clone(&ground);
        tokio::spawn(async move { act(&ground, i, counter, missing).await })
    });
    for task in join_all(tasks).await {
        task.expect("each ends as it should");
    }
    let mut wanted: BTreeSet<String> =
        (0..240).filter(|i| i % 6 > 3).map(|i| format!("KEPT-{i}")).collect();
    wanted.extend(["TAKEN".to_owned(), "COUNTER".to_owned()]);
    let found = codes(&ground.all().await);
    assert_eq!(found.len(), wanted.len(), "each once");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted);
    let row = ground.find(counter).await.expect("the counter");
    assert_eq!((record_of::<Sample>(&row).pieces, row.version), (40, 41), "each added one");
    ground.assert_counts("after a crowd").await;
    let report = ground.store.verify(None).await.expect("the chain");
    assert!(report.breaks.is_empty(), "{report:?}");
    let sealed = ground.store.feed(0, 10_000).await.expect("the feed");
    let made = sealed.iter().filter(|e| e.entry.action == "sample.create").count();
    assert_eq!(made, wanted.len(), "no entry of what was refused");
}

pub(super) async fn one_given_up_halfway_is_whole_or_nothing(harness: &dyn Harness) {
    let ground = Arc::new(Ground::new(harness, "hurried given up").await);
    let tasks = (0..90).map(|i| {
        let ground = Arc::clone(&ground);
        tokio::spawn(async move {
            let (mut work, _) = begin(&ground, true).await;
            let code = format!("MAYBE-{i}");
            let all = async {
                insert(&ground, &mut *work, &code).await?;
                work.commit().await
            };
            give_up(PATIENCE[i % PATIENCE.len()], all).await.is_some_and(|done| done.is_ok())
        })
    });
    let mut sure = BTreeSet::new();
    for (i, task) in join_all(tasks).await.into_iter().enumerate() {
        if task.expect("each ends as it should") {
            sure.insert(format!("MAYBE-{i}"));
        }
    }
    // Whatever goes on unseen has ended when the next of its kind has written.
    let (mut work, _) = begin(&ground, false).await;
    insert(&ground, &mut *work, "LAST").await.expect("adding");
    work.commit().await.expect("committing");
    let found: BTreeSet<String> = codes(&ground.all().await).into_iter().collect();
    assert!(found.is_superset(&sure), "what was acknowledged is there");
    ground.assert_counts("after some were given up").await;
    let sealed = ground.store.feed(0, 1_000).await.expect("the feed");
    let made = sealed.iter().filter(|e| e.entry.action == "sample.create").count();
    assert_eq!(made, found.len(), "each with its entry");
}
