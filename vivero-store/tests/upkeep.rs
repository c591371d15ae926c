//! What one process does for all, on SQLite, where there is but one.
#![cfg(feature = "sqlite")]

use chrono::TimeDelta;
use std::sync::Arc;
use vivero_core::service::Upkeep;
use vivero_core::{ManualClock, NewTenant, Owner, Password, TenantSession, Vivero};
use vivero_store::Open as _;

const EMAIL: &str = "grower@example.com";
const SECRET: &str = "a long enough secret";

async fn remember(acme: &TenantSession, key: &str) {
    let mut work = acme.begin().await.expect("a work");
    work.remember(key, "entity_create", b"request", "answer".into()).await.expect("remembering");
    work.commit().await.expect("a commit");
}

async fn remembers(acme: &TenantSession, key: &str) -> bool {
    let mut work = acme.begin().await.expect("a work");
    work.replay(key, "entity_create", b"request").await.expect("looking").is_some()
}

#[tokio::test]
async fn answers_are_kept_for_three_days_and_forgotten_once_a_day() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().display());
    let clock = Arc::new(ManualClock::new("2026-03-02T07:30:00Z".parse().expect("an instant")));
    let open = || {
        let clock: Arc<ManualClock> = Arc::clone(&clock);
        Vivero::builder().weak_passwords_for_tests().clock(clock).open(&url)
    };
    let vivero = open().await.expect("an installation");
    let owner = Owner::new(EMAIL, SECRET);
    vivero.tenants().provision(NewTenant::trial("acme-plants", owner)).await.expect("a tenant");
    let sign_in = |vivero: Vivero| async move {
        vivero.sign_in("acme-plants", Password::new(EMAIL, SECRET)).await.expect("the owner")
    };
    let acme = sign_in(vivero.clone()).await;
    remember(&acme, "early").await;
    let nothing = Some(Upkeep::default());
    assert_eq!(vivero.upkeep().await.expect("upkeep"), nothing, "it is too young");
    clock.advance(TimeDelta::days(2));
    remember(&acme, "late").await;
    assert_eq!(vivero.upkeep().await.expect("upkeep"), nothing, "it still is");

    clock.advance(TimeDelta::hours(23));
    assert_eq!(vivero.upkeep().await.expect("upkeep"), nothing, "once a day is enough");
    drop(acme);
    vivero.close().await;
    // When that was is known to whoever comes next.
    let vivero = open().await.expect("the installation again");
    assert_eq!(vivero.upkeep().await.expect("upkeep"), nothing);
    clock.advance(TimeDelta::hours(2));
    let done = vivero.upkeep().await.expect("upkeep").expect("nobody else does it");
    assert_eq!(done, Upkeep { forgotten: 1, ..Upkeep::default() });
    assert_eq!(vivero.upkeep().await.expect("upkeep"), nothing, "done for today");
    let acme = sign_in(vivero.clone()).await;
    assert!(!remembers(&acme, "early").await);
    assert!(remembers(&acme, "late").await);
    vivero.close().await;
}
