//! The secrets of an installation lie sealed in its registry, and what is changed there is not believed.
#![cfg(feature = "mariadb")]

#[path = "support/listed.rs"]
mod listed;
#[path = "support/placed.rs"]
mod placed;
#[path = "support/mariadb.rs"]
mod support;
#[path = "support/wanted.rs"]
mod wanted;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use placed::{administrator, open, registry_name, run};
use sqlx::{AssertSqlSafe, MySqlConnection};
use std::sync::Arc;
use vivero_core::port::Fleet;
use vivero_core::{Error, Result, Vivero};
use vivero_store::{KeyText, MariaDbFleet, Open as _, SystemClock};

/// What tokens are signed with, and another: one that begins as what is sealed does.
const SIGNING: [u8; 32] = [7; 32];
const OTHER: [u8; 80] = [1; 80];

/// The key of [`support::options`].
fn cipher() -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&std::array::from_fn::<u8, 32, _>(|at| at as u8).into())
}

fn seal(text: &[u8], of: &str) -> Vec<u8> {
    let payload = Payload { msg: text, aad: of.as_bytes() };
    let sealed = cipher().encrypt(&XNonce::from([9; 24]), payload).expect("sealed");
    [&[1; 1], [9; 24].as_slice(), &sealed].concat()
}

/// What a value in the registry holds, sealed for `of`.
fn unsealed(sealed: &[u8], of: &str) -> Vec<u8> {
    let (nonce, text) = sealed[1..].split_at(24);
    let nonce: [u8; 24] = nonce.try_into().expect("a nonce");
    let payload = Payload { msg: text, aad: of.as_bytes() };
    cipher().decrypt(&XNonce::from(nonce), payload).expect("sealed under the key, for its place")
}

async fn stored(root: &mut MySqlConnection, n: usize) -> Vec<(String, Vec<u8>)> {
    let sql = format!("SELECT name, secret FROM {}.secrets ORDER BY name", registry_name(n));
    sqlx::query_as(AssertSqlSafe(sql)).fetch_all(root).await.expect("the secrets")
}

async fn put(root: &mut MySqlConnection, n: usize, name: &str, value: &[u8]) {
    let sql = format!("REPLACE INTO {}.secrets (name, secret) VALUES (?, ?)", registry_name(n));
    sqlx::query(AssertSqlSafe(sql)).bind(name).bind(value).execute(root).await.expect("put");
}

/// An installation with two secrets, closed.
async fn made(n: usize) -> MySqlConnection {
    let fleet = open(n).await;
    for (name, secret) in [("token_signing", &SIGNING[..]), ("other", &OTHER[..])] {
        let given = fleet.secret(name, secret.to_vec()).await.expect("a secret");
        assert_eq!(given, secret, "{name}");
    }
    fleet.close().await;
    administrator(0).await
}

/// The same as a program of before left it: secrets as they are, and a proof that does not speak of them.
async fn made_before(n: usize) -> MySqlConnection {
    let mut root = made(n).await;
    put(&mut root, n, "token_signing", &SIGNING).await;
    put(&mut root, n, "other", &OTHER).await;
    put(&mut root, n, "key_proof", &seal(b"key_proof", "key_proof")).await;
    root
}

async fn try_open(n: usize) -> Result<MariaDbFleet> {
    let clock = Arc::new(SystemClock);
    MariaDbFleet::open(&support::registry(n), support::options(n), &[], clock).await
}

async fn signing(fleet: &MariaDbFleet) -> Result<Vec<u8>> {
    fleet.secret("token_signing", vec![0; 32]).await
}

/// That it is refused, naming what and saying what to do.
fn refused<T: std::fmt::Debug>(outcome: Result<T>, named: &str) {
    match outcome {
        Err(Error::Corrupt { what }) => {
            assert!(what.contains(named) && what.contains("backup of the registry"), "{what}");
        }
        other => panic!("{named} is refused, not {other:?}"),
    }
}

#[tokio::test]
async fn no_secret_is_kept_in_the_clear() {
    let n = 500;
    let mut root = made(n).await;
    let all = stored(&mut root, n).await;
    assert_eq!(all.len(), 3, "{all:?}");
    for (name, sealed) in &all {
        assert!(!sealed.windows(8).any(|w| w == [7; 8] || w == [1; 8]), "{name} lies there");
    }
    assert_eq!(unsealed(&all[2].1, "secret:token_signing"), SIGNING);
    let fleet = open(n).await;
    assert_eq!(signing(&fleet).await.expect("the secret"), SIGNING, "it stays what it was");
    fleet.close().await;
}

#[tokio::test]
async fn secrets_of_before_are_sealed_and_stay_the_same() {
    let n = 501;
    let mut root = made_before(n).await;
    let fleet = open(n).await;
    let all = stored(&mut root, n).await;
    assert_eq!(unsealed(&all[1].1, "secret:other"), OTHER, "also one nobody asked for");
    assert_eq!(unsealed(&all[2].1, "secret:token_signing"), SIGNING);
    assert_eq!(signing(&fleet).await.expect("the secret"), SIGNING);
    fleet.close().await;
    let fleet = open(n).await;
    assert_eq!(stored(&mut root, n).await, all, "once");
    fleet.close().await;
}

#[tokio::test]
async fn processes_that_open_at_the_same_time_have_the_same_secrets() {
    for (n, before) in [(502, true), (503, false)] {
        if before {
            made_before(n).await;
        }
        let opening = (0..4_u8).map(|i| {
            tokio::spawn(async move {
                let fleet = open(n).await;
                let secret = fleet.secret("token_signing", vec![i; 32]).await.expect("a secret");
                fleet.close().await;
                secret
            })
        });
        let mut secrets = Vec::new();
        for each in opening.collect::<Vec<_>>() {
            secrets.push(each.await.expect("no panic"));
        }
        assert!(!before || secrets[0] == SIGNING, "the one of before");
        secrets.dedup();
        assert_eq!(secrets.len(), 1, "{n}");
    }
}

#[tokio::test]
async fn a_secret_that_was_changed_is_refused_and_stays() {
    let n = 504;
    let mut root = made(n).await;
    let all = stored(&mut root, n).await;
    let (other, whole) = (&all[1].1, &all[2].1);
    let mut edited = whole.clone();
    *edited.last_mut().expect("bytes") ^= 1;
    let cut = &whole[..40];
    for value in [&edited[..], cut, &SIGNING, other, &seal(&SIGNING, "secret:other"), b""] {
        put(&mut root, n, "token_signing", value).await;
        let fleet = open(n).await;
        refused(signing(&fleet).await, "secret token_signing");
        assert_eq!(stored(&mut root, n).await[2].1, value, "it is not replaced by another");
        fleet.close().await;
    }
    // As a whole, an installation does not open with it.
    let builder = Vivero::builder().mariadb(support::options(n));
    refused(builder.open(&support::registry(n)).await.map(|_| ()), "secret token_signing");
    put(&mut root, n, "token_signing", whole).await;
    let fleet = open(n).await;
    assert_eq!(signing(&fleet).await.expect("put back"), SIGNING);
    fleet.close().await;
}

#[tokio::test]
async fn nobody_without_the_key_makes_an_installation_take_secrets_as_they_are() {
    let n = 505;
    let mut root = made(n).await;
    let all = stored(&mut root, n).await;
    let proof = &all[0].1;
    put(&mut root, n, "token_signing", &[5; 32]).await;
    run(&mut root, &format!("DELETE FROM {}.secrets WHERE name = 'key_proof'", registry_name(n)))
        .await
        .expect("deleted");
    refused(try_open(n).await, "no key_proof");
    for forged in [&b"key_proof"[..], &[], &all[1].1] {
        put(&mut root, n, "key_proof", forged).await;
        let error = try_open(n).await.expect_err("forged").to_string();
        assert!(error.contains("not the key"), "{error}");
    }
    put(&mut root, n, "key_proof", &seal(b"another form", "key_proof")).await;
    let newer = try_open(n).await.expect_err("of a newer program").to_string();
    assert!(newer.contains("newer program"), "{newer}");
    put(&mut root, n, "key_proof", proof).await;
    put(&mut root, n, "token_signing", &all[2].1).await;
    let other = KeyText("//////////////////////////////////////////8=".into());
    let options =
        vivero_store::MariaDbOptions { key: Some(Arc::new(other)), ..support::options(n) };
    let clock = Arc::new(SystemClock);
    let opened = MariaDbFleet::open(&support::registry(n), options, &[], clock).await;
    let error = opened.expect_err("another key").to_string();
    assert!(error.contains("not the key"), "{error}");
    assert_eq!(stored(&mut root, n).await, all, "which changes nothing");
}
