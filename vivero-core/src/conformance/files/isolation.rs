//! Tenants apart from each other.

use super::Harness;
use super::ground::{Ground, assert_not_found, quarantined, rule};
use crate::files::{FilePrefix, LinkOptions, MAX_LINK_LIFE, Tally};
use crate::{TenantId, Uuid};
use std::sync::Arc;
use std::time::Duration;

pub(super) async fn two_tenants_may_use_the_same_key(harness: &dyn Harness) {
    let first = Ground::new(harness, "first of two").await;
    let second = first.neighbour("second of two");
    let (key, one) = first.file(3_000).await;
    second.assert_gone(key, "before the second has one").await;
    let two = second.content(70_000);
    second.put(key, &two).await;
    first.assert_is(key, &one, "the first's").await;
    second.assert_is(key, &two, "the second's").await;
    second.store.delete(second.tenant, key).await.expect("deleting");
    first.assert_is(key, &one, "the first's after the second's was deleted").await;
    second.assert_gone(key, "the second's").await;
}

pub(super) async fn what_one_does_another_does_not_notice(harness: &dyn Harness) {
    let first = Ground::new(harness, "does").await;
    let second = first.neighbour("does not notice");
    let (key, content) = first.file(1_000).await;
    let (waiting, unchecked) = (first.key(), first.content(20));
    first.put(quarantined(waiting), &unchecked).await;
    let other = second.key();
    for from in [key, quarantined(waiting)] {
        assert_not_found(second.store.get(second.tenant, from, None).await, "getting");
        assert_not_found(second.store.copy(second.tenant, from, other).await, "copying");
        assert_not_found(second.store.rename(second.tenant, from, other).await, "renaming");
        assert_eq!(second.head(from).await, None, "looking");
        second.store.delete(second.tenant, from).await.expect("there is nothing to delete");
    }
    assert_not_found(second.store.promote(second.tenant, waiting).await, "promoting");
    assert!(second.keys().await.is_empty(), "listing");
    let (after, _) = second.file(5).await;
    for at in [key, after] {
        let page = second.store.list(second.tenant, &FilePrefix::all(), Some(at), 10).await;
        let listed = page.expect("a page").files;
        assert!(listed.iter().all(|file| file.key == after), "listing after {at}");
    }
    first.assert_is(key, &content, "the first's").await;
    first.assert_is(quarantined(waiting), &unchecked, "the first's in quarantine").await;
}

pub(super) async fn usage_is_of_one_tenant(harness: &dyn Harness) {
    let first = Ground::new(harness, "uses").await;
    let second = first.neighbour("uses nothing");
    let usage = |g: &Ground| {
        let (store, tenant) = (Arc::clone(&g.store), g.tenant);
        async move { store.usage(tenant).await.expect("the usage") }
    };
    assert_eq!(usage(&first).await.bytes(), 0, "nothing is used at first");
    let (key, _) = first.file(1_000).await;
    first.file(0).await;
    first.file(70_000).await;
    first.put(quarantined(first.key()), &first.content(500)).await;
    let used = usage(&first).await;
    assert_eq!(used.stored, Tally { files: 3, bytes: 71_000 });
    assert_eq!(used.quarantine, Tally { files: 1, bytes: 500 });
    assert_eq!(used.bytes(), 71_500);
    assert_eq!(usage(&second).await, crate::files::Usage::default(), "another's is its own");
    first.put(key, &first.content(10)).await;
    assert_eq!(usage(&first).await.stored, Tally { files: 3, bytes: 70_010 }, "replaced");
    first.store.delete(first.tenant, key).await.expect("deleting");
    assert_eq!(usage(&first).await.stored, Tally { files: 2, bytes: 70_000 }, "deleted");
}

pub(super) async fn tenants_that_look_alike_are_apart(harness: &dyn Harness) {
    let ground = Ground::new(harness, "alike").await;
    let number = ground.tenant.uuid().as_u128();
    let alike =
        [number, number ^ 1, number ^ (1 << 127), number >> 4, number << 4, 0, 1, u128::MAX];
    let key = ground.key();
    for (i, tenant) in alike.into_iter().enumerate() {
        let tenant = TenantId::from_uuid(Uuid::from_u128(tenant));
        let upload = ground.upload(&ground.content(i + 1));
        ground.store.put(tenant, key, upload).await.expect("putting a file");
    }
    for (i, tenant) in alike.into_iter().enumerate() {
        let tenant = TenantId::from_uuid(Uuid::from_u128(tenant));
        let page = ground.store.list(tenant, &FilePrefix::all(), None, 10).await;
        let sizes: Vec<u64> = page.expect("a page").files.iter().map(|f| f.size).collect();
        assert_eq!(sizes, [i as u64 + 1], "{tenant} has its own file alone");
    }
}

pub(super) async fn links_are_given_to_checked_files_only(harness: &dyn Harness) {
    let ground = Ground::new(harness, "links").await;
    let (key, _) = ground.file(10).await;
    let options = |valid_for| LinkOptions {
        valid_for,
        file_name: "a\"b\r\nSet-Cookie: x.csv".into(),
        media_type: "text/csv".into(),
    };
    let minute = options(Duration::from_secs(60));
    let given = ground.store.link(ground.tenant, key, &minute).await.expect("a link or none");
    let Some(link) = given else {
        return;
    };
    assert!(link.bytes().all(|b| b.is_ascii_graphic()), "a link is an address: {link:?}");
    assert!(link.contains(&ground.tenant.uuid().simple().to_string()), "of the tenant's file");
    for life in [Duration::ZERO, Duration::from_millis(999), MAX_LINK_LIFE * 2, Duration::MAX] {
        let refused = ground.store.link(ground.tenant, key, &options(life)).await;
        assert_eq!(rule(&refused.expect_err("a lifetime out of range")), "valid_for");
    }
    for life in [Duration::from_secs(1), MAX_LINK_LIFE] {
        let given = ground.store.link(ground.tenant, key, &options(life)).await;
        assert!(given.expect("a lifetime in range").is_some());
    }
    let refused = ground.store.link(ground.tenant, quarantined(key), &minute).await;
    assert!(!matches!(refused, Ok(Some(_))), "there is no link into quarantine");
}
