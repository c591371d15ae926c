//! A disk that takes no more in the middle of an operation: of archives, as the kernel says it by `/dev/full`; of
//! databases, by a limit on the size of files, which is a process's own: what is to fail is done by this test
//! program once more, under the limit. On SQLite; servers that are full are the matter of `refused_mariadb.rs`.
#![cfg(all(feature = "sqlite", target_os = "linux"))]

#[path = "support/tenants.rs"]
mod tenants;

use serde_json::json;
use std::path::Path;
use std::process::Command;
use tenants::{Ground, PASSWORD};
use vivero_core::entity::{EntityType, NewEntity};
use vivero_core::operations::{
    NewOperation, Operation, OperationKind as Kind, OperationState as State,
};
use vivero_core::tenant::TenantState;
use vivero_core::{Password, Vivero};
use vivero_store::Open as _;

const FOLDER: &str = "VIVERO_TEST_FULL_FOLDER";
const SLUG: &str = "acme-plants";

fn new(kind: Kind, slug: &str, parameters: serde_json::Value) -> NewOperation {
    NewOperation { kind, slug: slug.parse().expect("a slug"), parameters, key: None }
}

fn assert_undone(now: &Operation, step: &str) {
    let message = now.message.clone().unwrap_or_default();
    assert_eq!(now.state, State::Failed, "{now:?}");
    for says in [&*format!("step {step}"), "storage", "Nothing was changed", "ask again"] {
        assert!(message.contains(says), "{says}: {message}");
    }
}

/// What is half written goes to a disk that is full.
fn fill_up(ground: &Ground, archive: &str) {
    let half = ground.archive(&format!("{archive}.part"));
    std::fs::create_dir_all(half.parent().expect("a folder")).expect("a folder");
    std::os::unix::fs::symlink("/dev/full", half).expect("a link");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_onto_a_full_disk_leaves_no_half_and_is_made_when_there_is_room() {
    // Of the few, nothing is written before the end.
    for lots in [5, 1_500] {
        for kind in [Kind::Backup, Kind::Export, Kind::Archive] {
            let ground = Ground::new().await;
            ground.fill(SLUG, lots).await;
            let write = || new(kind, SLUG, json!({"archive": "one.vivero"}));
            fill_up(&ground, "one.vivero");
            let asked = ground.ask(write()).await.expect("asked");
            let now = ground.vivero.operations().run(asked.id).await.expect("an answer");
            assert_undone(&now, "write");
            let left = std::fs::read_dir(ground.archive("")).expect("the folder").count();
            assert_eq!(left, 0, "{kind}: no half of an archive");
            assert_eq!(ground.tenant(SLUG).await.state, TenantState::Active, "{kind}");
            ground.fill(SLUG, 1).await;
            assert_eq!(ground.lots(SLUG).await, lots + 1, "{kind}");
            ground.verified(SLUG).await;

            ground.done(write()).await;
            let back = json!({"archive": "one.vivero", "replace": true});
            ground.done(new(Kind::Restore, SLUG, back)).await;
            assert_eq!(ground.lots(SLUG).await, lots + 1, "{kind}: it is all in there");
            ground.verified(SLUG).await;
            ground.vivero.close().await;
        }
    }
}

/// What makes a database as large as the tenant's, and the step that does it.
fn makers() -> [(Kind, &'static str, serde_json::Value, &'static str); 4] {
    [
        (Kind::Move, SLUG, json!({}), "copy"),
        (Kind::Restore, SLUG, json!({"archive": "one.vivero", "replace": true}), "load"),
        (Kind::Import, "acme-again", json!({"archive": "one.vivero"}), "load"),
        (Kind::Clone, "acme-copy", json!({"source": SLUG}), "load"),
    ]
}

/// The operations under the limit.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the test below, under a limit of the size of files"]
async fn operations_under_a_limit() {
    let folder = std::env::var_os(FOLDER).expect("a folder");
    let folder = Path::new(&folder);
    let builder = Vivero::builder().weak_passwords_for_tests().durable(false);
    let builder = builder.archives(folder.join("archives"));
    let vivero = builder.open(&format!("sqlite:{}", folder.join("data").display())).await;
    let vivero = vivero.expect("opening");
    for (number, (kind, slug, parameters, step)) in makers().into_iter().enumerate() {
        let asked = vivero.operations().ask(new(kind, slug, parameters)).await.expect("asked");
        let now = vivero.operations().run(asked.id).await.expect("an answer");
        assert_undone(&now, step);
        // The tenant, which needs little room, goes on.
        let session = vivero.sign_in(SLUG, Password::new("owner@example.com", PASSWORD)).await;
        let code = format!("LATE-{number}");
        let lot = NewEntity::new(code, "Salvia nemorosa", EntityType::Cutting, 40);
        session.expect("signed in").entities().create(lot).await.expect("a lot");
        if slug != SLUG {
            let slug = slug.parse().expect("a slug");
            assert!(vivero.tenants().find(&slug).await.is_err(), "{kind}: its name is free");
        }
    }
    vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_a_full_disk_takes_half_of_is_removed_and_made_when_there_is_room() {
    let ground = Ground::new().await;
    ground.fill(SLUG, 3_000).await;
    ground.done(new(Kind::Backup, SLUG, json!({"archive": "one.vivero"}))).await;
    ground.vivero.close().await;
    let folder = ground.archive("").parent().expect("the folder").to_owned();
    // Blocks of 512 or 1,024 bytes: 1 or 2 MiB. The signal would end the process; without it writing fails.
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().expect("this program"))
        .args(["operations_under_a_limit", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .output()
        .expect("sh runs");
    assert!(limited.status.success(), "{limited:?}");

    let ground = ground.restart().await;
    assert_eq!(ground.all_files().await, 1, "nothing by half");
    assert_eq!(ground.lots(SLUG).await, 3_004, "nothing is lost");
    ground.verified(SLUG).await;
    for (kind, slug, parameters, _) in makers() {
        ground.done(new(kind, slug, parameters)).await;
        // The archive is of before.
        let lots = if kind == Kind::Move { 3_004 } else { 3_000 };
        assert_eq!(ground.lots(slug).await, lots, "{kind}");
        ground.verified(slug).await;
    }
    assert_eq!(ground.all_files().await, 3);
    ground.vivero.close().await;
}
