//! From SQLite to MariaDB and back: an archive depends on no engine.
#![cfg(all(feature = "mariadb", feature = "sqlite"))]

#[path = "support/mariadb.rs"]
mod support;

use serde_json::json;
use std::path::Path;
use vivero_core::entity::{EntityType, NewEntity};
use vivero_core::operations::{NewOperation, Operation, OperationKind as Kind, OperationState};
use vivero_core::{NewTenant, Owner, Password, TenantSession, Vivero};
use vivero_store::Open as _;

const SECRET: &str = "correct horse battery";

async fn sqlite(folder: &Path) -> Vivero {
    let builder = Vivero::builder().weak_passwords_for_tests().durable(false);
    let url = format!("sqlite:{}", folder.display());
    builder.archives(folder.join("archives")).open(&url).await.expect("opening SQLite")
}

async fn mariadb(folder: &Path, n: usize) -> Vivero {
    let builder = Vivero::builder().weak_passwords_for_tests().mariadb(support::options(n));
    builder
        .archives(folder.join("archives"))
        .open(&support::registry(n))
        .await
        .expect("opening MariaDB")
}

async fn done(vivero: &Vivero, kind: Kind, slug: &str, parameters: serde_json::Value) -> Operation {
    let slug = slug.parse().expect("a slug");
    let asked = vivero
        .operations()
        .ask(NewOperation { kind, slug, parameters, key: None })
        .await
        .expect("asked");
    let done = vivero.operations().run(asked.id).await.expect("an answer");
    assert_eq!(done.state, OperationState::Done, "{done:?}");
    done
}

async fn sign_in(vivero: &Vivero, slug: &str) -> TenantSession {
    vivero.sign_in(slug, Password::new("owner@example.com", SECRET)).await.expect("signed in")
}

async fn fill(vivero: &Vivero, slug: &str, from: u64, lots: u64) {
    let session = sign_in(vivero, slug).await;
    let mut work = session.begin().await.expect("a work");
    let mut last = None;
    for i in from..from + lots {
        let mut new =
            NewEntity::new(format!("L-{i:06}"), "Épicéa « bleu » 🌲 ", EntityType::Cutting, 40);
        new.attributes = json!({"z": 0.1, "a": [1, null, "ä"], "pot": {"litres": 1.25e-7}});
        last = Some(work.entities().create(new).await.expect("a lot"));
    }
    work.commit().await.expect("committed");
    let last = last.expect("a lot");
    session.entities().soft_delete(last.id, Some(last.version)).await.expect("deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_from_sqlite_to_mariadb_and_back_is_equal_to_the_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two, three) =
        (folder.path().join("1"), folder.path().join("2"), folder.path().join("3"));
    let file = |n: u8| json!({"archive": folder.path().join(format!("{n}.vivero"))});

    let first = sqlite(&one).await;
    let owner = Owner::new("owner@example.com", SECRET);
    first.tenants().provision(NewTenant::trial("acme-plants", owner)).await.expect("a tenant");
    fill(&first, "acme-plants", 0, 700).await;
    let a = done(&first, Kind::Export, "acme-plants", file(1)).await;

    let second = mariadb(&two, 1).await;
    done(&second, Kind::Restore, "acme-plants", file(1)).await;
    let b = done(&second, Kind::Export, "acme-plants", file(2)).await;
    assert_eq!(a.result["content"], b.result["content"], "SQLite and MariaDB");
    assert_eq!(a.result["head"], b.result["head"]);

    let third = sqlite(&three).await;
    done(&third, Kind::Restore, "acme-plants", file(2)).await;
    let c = done(&third, Kind::Export, "acme-plants", file(3)).await;
    assert_eq!(a.result["content"], c.result["content"], "SQLite, MariaDB and SQLite");
    assert_eq!(a.result["head"], c.result["head"]);

    // Each works on from there, and the chain goes on.
    let slug = "acme-plants".parse().expect("a slug");
    for vivero in [&second, &third] {
        fill(vivero, "acme-plants", 10_000, 3).await;
        let report = vivero.verify_audit(&slug).await.expect("a report");
        assert!(report.breaks.is_empty(), "{report:?}");
    }
    for vivero in [first, second, third] {
        vivero.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_works_on_mariadb() {
    let folder = tempfile::tempdir().expect("a folder");
    let vivero = mariadb(folder.path(), 2).await;
    let owner = Owner::new("owner@example.com", SECRET);
    vivero.tenants().provision(NewTenant::trial("acme-plants", owner)).await.expect("a tenant");
    fill(&vivero, "acme-plants", 0, 300).await;
    let slug = "acme-plants".parse().expect("a slug");
    let backup = done(&vivero, Kind::Backup, "acme-plants", json!({"archive": "one.vivero"})).await;
    let replace = json!({"archive": "one.vivero", "replace": true});
    done(&vivero, Kind::Restore, "acme-plants", replace).await;
    let moved = done(&vivero, Kind::Move, "acme-plants", json!({})).await;
    assert!(moved.result["writes_stopped_ms"].is_i64(), "{moved:?}");
    done(&vivero, Kind::Clone, "acme-copy", json!({"source": "acme-plants"})).await;
    done(&vivero, Kind::Archive, "acme-plants", json!({"archive": "two.vivero"})).await;
    done(&vivero, Kind::Restore, "acme-plants", json!({})).await;
    let again = done(&vivero, Kind::Export, "acme-plants", json!({})).await;
    // Sign-ins are on record, too; here nobody signed in.
    assert_eq!(backup.result["content"], again.result["content"]);
    fill(&vivero, "acme-plants", 5_000, 2).await;
    fill(&vivero, "acme-copy", 6_000, 2).await;
    for slug in [&slug, &"acme-copy".parse().expect("a slug")] {
        let report = vivero.verify_audit(slug).await.expect("a report");
        assert!(report.breaks.is_empty() && report.unsealed == 0, "{report:?}");
    }
    let sure = json!({"confirm": "acme-plants", "grace_days": 0});
    done(&vivero, Kind::Delete, "acme-plants", sure).await;
    done(&vivero, Kind::Purge, "acme-plants", json!({"confirm": "acme-plants"})).await;
    assert!(vivero.tenants().find(&slug).await.is_err());
    let owner = Owner::new("owner@example.com", SECRET);
    vivero.tenants().provision(NewTenant::trial("acme-plants", owner)).await.expect("free again");
    vivero.close().await;
}
