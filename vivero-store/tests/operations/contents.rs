//! What becomes of the contents of files, which are in no archive.

use super::new;
use super::tenants::Ground;
use serde_json::json;
use vivero_core::Error;
use vivero_core::operations::OperationKind as Kind;

#[tokio::test(flavor = "multi_thread")]
async fn contents_of_files_go_along_with_a_copy_and_go_with_the_tenant() {
    let ground = Ground::new().await;
    ground.fill("acme-plants", 5).await;
    let files =
        [ground.upload("acme-plants", "soil").await, ground.upload("acme-plants", "water").await];
    ground.done(new(Kind::Export, "acme-plants", json!({"archive": "one.vivero"}))).await;
    ground.done(new(Kind::Clone, "acme-copy", json!({"source": "acme-plants"}))).await;
    ground.done(new(Kind::Import, "acme-again", json!({"archive": "one.vivero"}))).await;
    let store = ground.store();
    let source = ground.tenant("acme-plants").await.id;
    let sure = json!({"confirm": "acme-plants", "grace_days": 0});
    ground.done(new(Kind::Delete, "acme-plants", sure)).await;
    assert_eq!(store.usage(source).await.expect("usage").bytes(), 9, "it can be had back");
    let purged =
        ground.done(new(Kind::Purge, "acme-plants", json!({"confirm": "acme-plants"}))).await;
    assert_eq!(purged.result["contents"], json!({"files": 2, "bytes": 9}));
    assert_eq!(store.usage(source).await.expect("usage").bytes(), 0, "gone for good");
    for slug in ["acme-copy", "acme-again"] {
        assert_eq!(ground.content(slug, files[0]).await.expect("its content"), "soil", "{slug}");
        assert_eq!(ground.content(slug, files[1]).await.expect("its content"), "water", "{slug}");
        // Its quota knows of them, and of the next.
        ground.upload(slug, "light").await;
        let session = ground.sign_in(slug).await;
        let (used, _) = session.files().usage().await.expect("usage");
        assert_eq!((used.files, used.bytes), (3, 14), "{slug}");
    }
    // Where the contents are not, the records are all the same.
    let elsewhere =
        ground.done(new(Kind::Import, "acme-third", json!({"archive": "one.vivero"}))).await;
    assert_eq!(elsewhere.result["contents"], json!({"files": 0, "bytes": 0}));
    let lacking = ground.content("acme-third", files[0]).await;
    assert!(matches!(lacking, Err(Error::Corrupt { .. })), "{lacking:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_that_a_later_archive_knows_of_stay_until_the_copy_is_activated() {
    let ground = Ground::new().await;
    ground.fill("acme-plants", 5).await;
    ground.done(new(Kind::Backup, "acme-plants", json!({"archive": "one.vivero"}))).await;
    let file = ground.upload("acme-plants", "soil").await;
    ground.done(new(Kind::Backup, "acme-plants", json!({"archive": "two.vivero"}))).await;
    let back = |name| new(Kind::Restore, "acme-plants", json!({"archive": name, "replace": true}));
    ground.done(back("one.vivero")).await;
    ground.clock.advance(chrono::TimeDelta::days(2));
    ground.vivero.sweep_files().await.expect("a sweep");
    ground.done(back("two.vivero")).await;
    assert_eq!(ground.content("acme-plants", file).await.expect("its content"), "soil");
    // Whoever lets it act on the world again has made up their mind.
    ground.done(back("one.vivero")).await;
    let slug = "acme-plants".parse().expect("a slug");
    ground.vivero.operations().activate(&slug).await.expect("activated");
    assert_eq!(ground.vivero.sweep_files().await.expect("a sweep").orphans, 1);
}
