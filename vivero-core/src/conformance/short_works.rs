//! Short transactions, which an engine may make durable together: to each it is as if it were alone.

use super::Harness;
use super::cancellation::{PATIENCE, give_up};
use super::ground::{Ground, codes, may_retry, record_of};
use super::sample::Sample;
use super::works::TRIES;
use crate::journal::Changes;
use crate::query::{Deleted, Predicate};
use crate::record::Record as _;
use crate::{Error, Result, Uuid};
use futures_util::future::join_all;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Adds a record of that code in a short work, committed or not.
async fn add(ground: &Ground, code: &str, committed: bool) -> Result<()> {
    let mut work = ground.store.begin_short().await?;
    let row = ground.row(ground.source.sample(code));
    let changes = Changes::between(Sample::SCHEMA, None, Some(&row.values));
    let entry = ground.entry::<Sample>("create", &row, changes);
    work.insert(Sample::SCHEMA, vec![row]).await?;
    work.journal(vec![entry]).await?;
    if committed { work.commit().await } else { Ok(()) }
}

/// The same until it is not a passing failure.
async fn add_surely(ground: &Ground, code: &str) {
    for _ in 0..TRIES {
        match add(ground, code, true).await {
            Ok(()) => return,
            Err(e) if may_retry(&e) && !matches!(e, Error::Taken { .. }) => {}
            Err(e) => panic!("{code} is added or asked for again, not {e:?}"),
        }
        tokio::task::yield_now().await;
    }
    panic!("{code} is added after some tries");
}

pub(super) async fn each_of_many_at_once_is_all_or_nothing(harness: &dyn Harness) {
    let ground = Arc::new(Ground::new(harness, "short all or nothing").await);
    ground.create_one(ground.source.sample("TAKEN")).await;
    let tasks = (0..120).map(|i| {
        let ground = Arc::clone(&ground);
        tokio::spawn(async move {
            match i % 4 {
                0 => add(&ground, &format!("DROPPED-{i}"), false).await.expect("adding"),
                1 => {
                    let refused = add(&ground, "TAKEN", true).await;
                    assert!(matches!(refused, Err(Error::Taken { .. })), "{refused:?}");
                }
                _ => add_surely(&ground, &format!("KEPT-{i}")).await,
            }
        })
    });
    for task in join_all(tasks).await {
        task.expect("each ends as it should");
    }
    let mut wanted: BTreeSet<String> =
        (0..120).filter(|i| i % 4 > 1).map(|i| format!("KEPT-{i}")).collect();
    wanted.insert("TAKEN".into());
    let found = codes(&ground.all().await);
    assert_eq!(found.len(), wanted.len(), "each once");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted);
    ground.assert_counts("after many at once").await;
    let report = ground.store.verify(None).await.expect("the chain");
    assert!(report.breaks.is_empty(), "{report:?}");
}

/// Adds one to the pieces of a row, as it is.
async fn increment(ground: &Ground, id: Uuid) -> Result<bool> {
    let mut work = ground.store.begin_short().await?;
    let row = work.find(Sample::SCHEMA, id, &Predicate::All, Deleted::Hidden).await?;
    let row = row.expect("the row is there");
    let mut sample: Sample = record_of(&row);
    sample.pieces += 1;
    let (new, entry) = ground.successor(&row, sample);
    let updated = work.update(Sample::SCHEMA, &row, new).await?;
    work.journal(vec![entry]).await?;
    work.commit().await?;
    Ok(updated)
}

pub(super) async fn each_sees_what_those_before_it_did(harness: &dyn Harness) {
    let ground = Arc::new(Ground::new(harness, "short increments").await);
    let id = ground.create_one(ground.source.sample("COUNTER")).await;
    let tasks = (0..40).map(|_| {
        let ground = Arc::clone(&ground);
        tokio::spawn(async move {
            for _ in 0..TRIES {
                match increment(&ground, id).await {
                    Ok(updated) => {
                        assert!(updated, "nobody comes between a look and a change");
                        return;
                    }
                    Err(Error::Undone { .. } | Error::Unavailable { .. }) => {}
                    Err(e) => panic!("an increment is done or asked for again, not {e:?}"),
                }
            }
            panic!("an increment succeeds after some tries");
        })
    });
    for task in join_all(tasks).await {
        task.expect("each adds one");
    }
    let row = ground.find(id).await.expect("the row is there");
    assert_eq!((record_of::<Sample>(&row).pieces, row.version), (40, 41));
    let entries = ground.store.history(Sample::SCHEMA, id, None, 100).await.expect("history");
    let versions: Vec<i64> = entries.iter().map(|e| e.version).collect();
    assert_eq!(versions, (1..=41).rev().collect::<Vec<_>>(), "an entry for each");
    ground.assert_counts("after increments").await;
}

pub(super) async fn one_given_up_halfway_harms_no_other(harness: &dyn Harness) {
    let ground = Arc::new(Ground::new(harness, "short given up").await);
    let tasks = (0..90).map(|i| {
        let ground = Arc::clone(&ground);
        tokio::spawn(async move {
            if i % 2 == 0 {
                add_surely(&ground, &format!("KEPT-{i}")).await;
            } else if i % 4 == 1 {
                // What it does after a statement that was given up is as little kept.
                let Ok(mut work) = ground.store.begin_short().await else { return };
                let row = ground.row(ground.source.sample(format!("NEVER-{i}")));
                let entry = ground.entry::<Sample>("create", &row, Changes::default());
                let polls = PATIENCE[i % PATIENCE.len()];
                let _ = give_up(polls, work.insert(Sample::SCHEMA, vec![row])).await;
                let _ = work.journal(vec![entry]).await;
                drop(work);
            } else {
                let code = format!("MAYBE-{i}");
                let _ = give_up(PATIENCE[i % PATIENCE.len()], add(&ground, &code, true)).await;
            }
        })
    });
    for task in join_all(tasks).await {
        task.expect("each ends as it should");
    }
    // Whatever goes on unseen has ended when the next has written.
    add_surely(&ground, "LAST").await;
    let found: BTreeSet<String> = codes(&ground.all().await).into_iter().collect();
    for i in (0..90).step_by(2) {
        assert!(found.contains(&format!("KEPT-{i}")), "what was acknowledged is there");
    }
    assert!(!found.iter().any(|code| code.starts_with("NEVER")), "what was dropped is not");
    ground.seal().await;
    let sealed = ground.store.feed(0, 1_000).await.expect("the feed");
    let made = sealed.iter().filter(|e| e.entry.action == "sample.create").count();
    assert_eq!(made, found.len(), "nor are its entries");
    ground.assert_counts("after some were given up").await;
    let report = ground.store.verify(None).await.expect("the chain");
    assert!(report.breaks.is_empty(), "{report:?}");
}
