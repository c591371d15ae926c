//! The way in, over the store under test.

use super::Harness;
use super::ground::{Ground, LARGE, ROOMY, endless, quarantined, rule, stalling};
use crate::conformance::cancellation::give_up;
use crate::files::{
    Area, Download, FilePrefix, FileRules, HEAD_BYTES, Intake, Scanner, Upload, Verdict, kinds,
};
use crate::{Error, Result};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// A PNG's signature and header, followed by as much as is wanted.
fn png(ground: &Ground, size: usize) -> Bytes {
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x06\0\0\0".to_vec();
    let rest = size.saturating_sub(file.len());
    // Bytes of chance without the one that begins markup.
    file.extend(ground.content(rest).iter().map(|b| b & 0x7f | 0x80));
    file.into()
}

fn intake(ground: &Ground, rules: FileRules) -> Intake {
    Intake::new(Arc::clone(&ground.store), rules)
}

async fn assert_nothing(ground: &Ground, when: &str) {
    assert!(ground.keys().await.is_empty(), "{when}: there is no file");
    ground.assert_swept(when).await;
}

pub(super) async fn a_sound_file_gets_in(harness: &dyn Harness) {
    let ground = Ground::new(harness, "gets in").await;
    let intake = intake(&ground, FileRules::default());
    for size in [40, 70_000, LARGE] {
        let (key, content) = (ground.key(), png(&ground, size));
        let told = ground.upload(&content).with_size(content.len() as u64);
        for upload in [ground.upload(&content), told] {
            let received = intake.receive(ground.tenant, key, "Beet 7.PNG", upload, 0).await;
            let received = received.expect("a sound file");
            assert_eq!(received.kind, &kinds::PNG);
            assert_eq!((received.info.key, received.info.size), (key, content.len() as u64));
            ground.assert_is(key, &content, "let in").await;
            ground.assert_gone(quarantined(key), "let in").await;
        }
    }
    ground.assert_swept("let in").await;
}

pub(super) async fn what_breaks_a_rule_is_refused_and_leaves_nothing(harness: &dyn Harness) {
    let ground = Ground::new(harness, "breaks a rule").await;
    let intake = intake(&ground, FileRules::default().max_size(100_000));
    let sound = png(&ground, 80_000);
    let script = Bytes::from_static(b"<svg onload=alert(1)>");
    for (name, content, wanted) in [
        ("bed.svg", &script, "extension"),
        ("bed.png", &script, "content"),
        ("bed.csv", &script, "content"),
        ("bed.jpg", &sound, "content"),
        ("../bed.png", &sound, "no_path"),
        ("bed.png", &Bytes::new(), "min_size"),
        ("bed.png", &png(&ground, 100_001), "max_size"),
    ] {
        let told = ground.upload(content).with_size(content.len() as u64);
        for upload in [ground.upload(content), told] {
            let refused = intake.receive(ground.tenant, ground.key(), name, upload, 0).await;
            assert_eq!(rule(&refused.expect_err("a broken rule")), wanted, "{name}");
            assert_nothing(&ground, &format!("{name} refused as {wanted}")).await;
        }
    }
}

pub(super) async fn an_upload_is_cut_off_where_the_quota_ends(harness: &dyn Harness) {
    let ground = Ground::new(harness, "quota").await;
    let intake = intake(&ground, FileRules::default().quota(1_000_000));
    let content = png(&ground, 300_000);
    for used in [700_001, 999_999, 1_000_000, u64::MAX] {
        let told = ground.upload(&content).with_size(300_000);
        for upload in [ground.upload(&content), told] {
            let refused = intake.receive(ground.tenant, ground.key(), "a.png", upload, used).await;
            let refused = refused.expect_err("beyond the quota");
            assert_eq!(refused.code(), "file_quota_reached", "with {used} used");
            assert_nothing(&ground, "beyond the quota").await;
        }
    }
    let (chunks, taken) = endless(content.clone(), 4_096, 600_000);
    let upload = Upload::new(chunks, ROOMY);
    let refused = intake.receive(ground.tenant, ground.key(), "a.png", upload, 400_000).await;
    assert_eq!(refused.expect_err("beyond the quota").code(), "file_quota_reached");
    let taken = taken.load(Ordering::SeqCst);
    assert!(taken <= 600_000 + 4_096, "{taken} bytes were read where 600000 are left");
    let upload = ground.upload(&content);
    let key = ground.key();
    intake.receive(ground.tenant, key, "a.png", upload, 700_000).await.expect("just within");
    ground.assert_is(key, &content, "just within").await;
    // The upload's own maximum is not the quota's.
    let upload = ground.upload(&content).at_most(299_999);
    let refused = intake.receive(ground.tenant, ground.key(), "a.png", upload, 0).await;
    assert_eq!(rule(&refused.expect_err("beyond its own maximum")), "max_size");
}

pub(super) async fn what_is_not_what_its_name_says_is_refused_unstored(harness: &dyn Harness) {
    let ground = Ground::new(harness, "unstored").await;
    let intake = intake(&ground, FileRules::default());
    let page = Bytes::from(format!("<svg onload=alert(1)>{}", " ".repeat(HEAD_BYTES)));
    let (chunks, taken) = endless(page, 1_000, HEAD_BYTES as u64);
    let upload = Upload::new(chunks, ROOMY);
    let refused = intake.receive(ground.tenant, ground.key(), "bed.csv", upload, 0).await;
    assert_eq!(rule(&refused.expect_err("not what it says")), "content");
    let taken = taken.load(Ordering::SeqCst);
    assert!(taken < 2 * HEAD_BYTES as u64, "{taken} bytes were read of a refused file");
    assert_nothing(&ground, "refused unstored").await;
}

/// What a scanner is to say, and what it was shown.
#[derive(Debug)]
struct Says(fn() -> Result<Verdict>, Mutex<Vec<Bytes>>);

impl Says {
    fn new(verdict: fn() -> Result<Verdict>) -> Arc<Self> {
        Arc::new(Self(verdict, Mutex::new(Vec::new())))
    }
}
#[async_trait]
impl Scanner for Says {
    async fn scan(&self, file: Download) -> Result<Verdict> {
        let content = file.into_bytes().await?;
        self.1.lock().expect("a lock").push(content);
        (self.0)()
    }
    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

pub(super) async fn malware_is_refused_and_gone(harness: &dyn Harness) {
    let ground = Ground::new(harness, "malware").await;
    let scanner = Says::new(|| Ok(Verdict::Infected { signature: "Eicar-Test\n".into() }));
    let intake = intake(&ground, FileRules::default()).scanner(scanner);
    let upload = ground.upload(&png(&ground, 5_000));
    let refused = intake.receive(ground.tenant, ground.key(), "a.png", upload, 0).await;
    let refused = refused.expect_err("malware");
    assert_eq!(rule(&refused), "malware");
    assert!(!refused.to_string().contains("Eicar"), "what was found is for the log");
    assert_nothing(&ground, "malware").await;
}

pub(super) async fn a_scanner_without_a_verdict_lets_nothing_in(harness: &dyn Harness) {
    let ground = Ground::new(harness, "no verdict").await;
    let away =
        || Err(Error::Unavailable { what: "virus scanner".into(), retry_after: 1, source: None });
    let too_large = || Err(Error::invalid("file", "scan_size", "is too large"));
    for (verdict, code) in
        [(away as fn() -> _, "unavailable"), (too_large as fn() -> _, "invalid_input")]
    {
        let intake = intake(&ground, FileRules::default()).scanner(Says::new(verdict));
        let upload = ground.upload(&png(&ground, 5_000));
        let refused = intake.receive(ground.tenant, ground.key(), "a.png", upload, 0).await;
        assert_eq!(refused.expect_err("no verdict").code(), code);
        assert_nothing(&ground, "without a verdict").await;
    }
}

pub(super) async fn a_scanner_sees_every_byte(harness: &dyn Harness) {
    let ground = Ground::new(harness, "every byte").await;
    let scanner = Says::new(|| Ok(Verdict::Clean));
    let intake = intake(&ground, FileRules::default()).scanner(scanner.clone());
    let contents = [png(&ground, 100), png(&ground, LARGE)];
    for content in &contents {
        let key = ground.key();
        let upload = ground.upload(content);
        intake.receive(ground.tenant, key, "a.png", upload, 0).await.expect("a clean file");
        ground.assert_is(key, content, "clean").await;
    }
    assert!(*scanner.1.lock().expect("a lock") == contents, "the scanner saw what was stored");
}

pub(super) async fn what_was_left_in_quarantine_is_cleared(harness: &dyn Harness) {
    let ground = Ground::new(harness, "left in quarantine").await;
    let intake = intake(&ground, FileRules::default());
    let (kept, content) = ground.file(20).await;
    for _ in 0..5 {
        ground.put(quarantined(ground.key()), &ground.content(10)).await;
    }
    let stalled = Upload::new(stalling(vec![png(&ground, 100_000)]), ROOMY);
    let receiving = intake.receive(ground.tenant, ground.key(), "a.png", stalled, 0);
    assert!(give_up(1_000, receiving).await.is_none(), "what has not ended is not done");
    let early = intake.clear_quarantine(ground.tenant, DateTime::<Utc>::UNIX_EPOCH).await;
    assert_eq!(early.expect("clearing"), 0, "nothing is as old as that");
    let listed = ground.list(&FilePrefix::area(Area::Quarantine), 100).await;
    let earliest = listed.iter().map(|file| file.modified).min().expect("files in quarantine");
    let early = intake.clear_quarantine(ground.tenant, earliest).await;
    assert_eq!(early.expect("clearing"), 0, "nothing is older than the oldest");
    let cleared = intake.clear_quarantine(ground.tenant, DateTime::<Utc>::MAX_UTC).await;
    assert_eq!(cleared.expect("clearing"), 5, "what was left is removed");
    assert_eq!(ground.keys().await, [kept], "nothing else is");
    ground.assert_is(kept, &content, "after clearing").await;
}
