//! Answers kept for requests that are repeated.

use super::Harness;
use super::ground::{Ground, may_retry};
use super::works::TRIES;
use crate::Result;
use crate::port::Remembered;
use chrono::Duration;
use futures_util::future::join_all;
use std::sync::Arc;

fn answer(ground: &Ground, key: &str, response: &str) -> Remembered {
    let at = ground.source.now();
    Remembered { key: key.into(), fingerprint: "print".into(), response: response.into(), at }
}

async fn keep(ground: &Ground, answer: Remembered) {
    let mut work = ground.begin().await;
    work.remember(answer).await.expect("remembering");
    work.commit().await.expect("committing");
}

async fn kept(ground: &Ground, key: &str) -> Option<Remembered> {
    ground.begin().await.remembered(key).await.expect("what is remembered")
}

pub(super) async fn an_answer_is_kept_with_its_work(harness: &dyn Harness) {
    let ground = Ground::new(harness, "kept").await;
    assert_eq!(kept(&ground, "k").await, None, "nothing is remembered at first");
    let response = format!("{{\"body\": \"🌱 '\\\" {}\"}}", "x".repeat(50_000));
    let first = answer(&ground, "k", &response);
    let mut work = ground.begin().await;
    work.remember(first.clone()).await.expect("remembering");
    let within = work.remembered("k").await.expect("what is remembered");
    assert_eq!(within.as_ref(), Some(&first), "the work sees its own answer");
    work.commit().await.expect("committing");
    assert_eq!(kept(&ground, "k").await, Some(first), "an answer is kept as it was given");
    for other in ["K", "k ", "", "kk", "%"] {
        assert_eq!(kept(&ground, other).await, None, "{other:?} is another key");
    }
    let long = "x".repeat(200);
    keep(&ground, answer(&ground, &long, "")).await;
    assert_eq!(kept(&ground, &long).await.expect("a long key").response, "");
}

pub(super) async fn an_answer_rolls_back_with_its_work(harness: &dyn Harness) {
    let ground = Ground::new(harness, "rolls back").await;
    let mut work = ground.begin().await;
    ground.add(&mut *work, vec![ground.source.sample("A")]).await;
    work.remember(answer(&ground, "k", "made A")).await.expect("remembering");
    drop(work);
    assert_eq!(kept(&ground, "k").await, None, "the answer of a dropped work is not remembered");
    assert!(ground.all().await.is_empty(), "nor is its row there");
    keep(&ground, answer(&ground, "k", "made B")).await;
    assert_eq!(kept(&ground, "k").await.expect("kept").response, "made B", "the key is free");
}

/// What a service does with an idempotency key; `true` if it was the first.
async fn once(ground: &Ground, task: usize) -> Result<bool> {
    let mut work = ground.store.begin().await?;
    if work.remembered("the key").await?.is_some() {
        return Ok(false);
    }
    let row = ground.row(ground.source.sample(format!("BY-{task}")));
    work.insert(<super::sample::Sample as crate::Record>::SCHEMA, vec![row]).await?;
    work.remember(answer(ground, "the key", &task.to_string())).await?;
    work.commit().await?;
    Ok(true)
}

pub(super) async fn one_key_used_by_many_at_once_acts_once(harness: &dyn Harness) {
    let ground = Arc::new(Ground::new(harness, "acts once").await);
    let tasks = (0..16).map(|task| {
        let ground = Arc::clone(&ground);
        tokio::spawn(async move {
            for _ in 0..TRIES {
                match once(&ground, task).await {
                    Ok(first) => return first,
                    Err(e) => assert!(may_retry(&e), "a lost race is an error to retry, not {e:?}"),
                }
                tokio::task::yield_now().await;
            }
            panic!("one of {TRIES} tries succeeds");
        })
    });
    let outcomes = join_all(tasks).await;
    let firsts = outcomes.into_iter().filter(|o| *o.as_ref().expect("no panic")).count();
    assert_eq!(firsts, 1, "one of many with the same key acts");
    assert_eq!(ground.all().await.len(), 1, "and leaves one row");
}

pub(super) async fn old_answers_are_forgotten(harness: &dyn Harness) {
    let ground = Ground::new(harness, "forgotten").await;
    for key in ["old 1", "old 2"] {
        keep(&ground, answer(&ground, key, "r")).await;
    }
    let first_new = answer(&ground, "new", "r");
    let before = first_new.at;
    keep(&ground, first_new).await;
    let none = ground.store.forget(before - Duration::days(1)).await.expect("forgetting");
    assert_eq!(none, 0, "nothing is older than a day");
    let forgotten = ground.store.forget(before).await.expect("forgetting");
    assert_eq!(forgotten, 2, "both from before are forgotten");
    assert_eq!(kept(&ground, "old 1").await, None, "a forgotten answer is gone");
    assert!(kept(&ground, "new").await.is_some(), "one from that very instant stays");
    assert_eq!(ground.store.forget(before).await.expect("forgetting"), 0, "they are gone already");
}
