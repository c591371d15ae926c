//! Operations on whole tenants: what they leave behind, also when they are stopped at any step. On SQLite;
//! `operations_mariadb.rs` is the same on MariaDB.

mod contents;
mod killed;
#[path = "../support/tenants.rs"]
mod tenants;

use serde_json::json;
use tenants::{Ground, PASSWORD};
use vivero_core::operations::{NewOperation, OperationKind as Kind, OperationState as State};
use vivero_core::tenant::TenantState;
use vivero_core::{EntityFilter, Error, Page, Password};

fn new(kind: Kind, slug: &str, parameters: serde_json::Value) -> NewOperation {
    NewOperation { kind, slug: slug.parse().expect("a slug"), parameters, key: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_proven_and_brings_a_tenant_back_as_it_was() {
    let ground = Ground::new().await;
    ground.fill("acme-plants", 700).await;
    let backup =
        ground.done(new(Kind::Backup, "acme-plants", json!({"archive": "one.vivero"}))).await;
    assert_eq!(backup.result["proven"]["unsealed"], 0, "{backup:?}");
    // What is done afterwards is gone when the tenant is brought back.
    ground.fill("acme-plants", 5).await;
    let refused =
        ground.ask(new(Kind::Restore, "acme-plants", json!({"archive": "one.vivero"}))).await;
    assert!(
        matches!(refused, Err(Error::Illegal { code: "tenant_in_service", .. })),
        "{refused:?}"
    );
    let restore = json!({"archive": "one.vivero", "replace": true});
    let restored = ground.done(new(Kind::Restore, "acme-plants", restore)).await;
    assert_eq!(restored.result["content"], backup.result["content"]);
    let tenant = ground.tenant("acme-plants").await;
    assert_eq!((tenant.state, tenant.generation, tenant.neutral), (TenantState::Active, 2, true));
    assert_eq!(ground.lots("acme-plants").await, 700);
    let job = ground.vivero.job(tenant.id, "a job").await;
    assert!(matches!(job, Err(Error::Illegal { code: "tenant_neutralised", .. })), "{job:?}");
    ground.vivero.operations().activate(&tenant.slug).await.expect("activated");
    ground.vivero.job(tenant.id, "a job").await.expect("a job");
    ground.verified("acme-plants").await;
    // Searching, figures and the next change work as before.
    ground.fill("acme-plants", 3).await;
    assert_eq!(ground.lots("acme-plants").await, 703);
    ground.verified("acme-plants").await;
    assert_eq!(ground.files("acme-plants").await, 1, "the replaced database is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_tenant_is_equal_to_the_byte() {
    let ground = Ground::new().await;
    ground.fill("acme-plants", 300).await;
    let first =
        ground.done(new(Kind::Export, "acme-plants", json!({"archive": "one.vivero"}))).await;
    let restore = json!({"archive": "one.vivero", "replace": true});
    ground.done(new(Kind::Restore, "acme-plants", restore)).await;
    let second =
        ground.done(new(Kind::Export, "acme-plants", json!({"archive": "two.vivero"}))).await;
    assert_eq!(first.result["content"], second.result["content"]);
    assert_eq!(first.result["head"], second.result["head"], "the chain is the same chain");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_is_another_tenant_whose_chain_names_its_source() {
    let ground = Ground::new().await;
    ground.fill("acme-plants", 200).await;
    let done = ground.done(new(Kind::Clone, "acme-copy", json!({"source": "acme-plants"}))).await;
    let (source, copy) = (ground.tenant("acme-plants").await, ground.tenant("acme-copy").await);
    assert_ne!(source.id, copy.id);
    assert!(copy.neutral && !source.neutral);
    assert_eq!(ground.lots("acme-copy").await, 200);
    ground.verified("acme-copy").await;
    ground.verified("acme-plants").await;
    let session = ground.sign_in("acme-copy").await;
    let entries = session.audit(None, 20).await.expect("the journal");
    let origin = entries.iter().find(|e| e.entry.action == "tenant.clone").expect("its origin");
    let (_, named) = &origin.entry.changes.0["source_hash"];
    assert_eq!(*named, done.result["source_head"]["hash"]);
    // The source's tokens open nothing here.
    let token = ground.token("acme-plants").await;
    assert!(ground.vivero.resume("acme-copy", &token).await.is_err());
    // What is done in one is not seen in the other.
    ground.fill("acme-copy", 1).await;
    assert_eq!((ground.lots("acme-plants").await, ground.lots("acme-copy").await), (200, 201));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_tenant_is_out_of_service_and_comes_back() {
    let ground = Ground::new().await;
    ground.fill("acme-plants", 50).await;
    ground.done(new(Kind::Archive, "acme-plants", json!({}))).await;
    assert_eq!(ground.tenant("acme-plants").await.state, TenantState::Archived);
    assert_eq!(ground.files("acme-plants").await, 0, "its database is gone");
    let refused =
        ground.vivero.sign_in("acme-plants", Password::new("owner@example.com", PASSWORD)).await;
    assert!(matches!(refused, Err(Error::Unauthenticated { .. })), "{refused:?}");
    let slug = "acme-plants".parse().expect("a slug");
    let refused = ground.vivero.verify_audit(&slug).await;
    assert!(matches!(refused, Err(Error::TenantStanding { standing: "archived" })), "{refused:?}");
    let taken = ground.vivero.tenants().provision(tenants::tenant("acme-plants")).await;
    assert!(matches!(taken, Err(Error::Taken { .. })), "the name stays taken");
    ground.done(new(Kind::Restore, "acme-plants", json!({}))).await;
    assert_eq!(ground.lots("acme-plants").await, 50);
    ground.verified("acme-plants").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_removed_in_two_steps_and_its_name_is_free_at_the_end() {
    let ground = Ground::new().await;
    ground.fill("acme-plants", 10).await;
    let careless = ground.ask(new(Kind::Delete, "acme-plants", json!({"confirm": "acme"}))).await;
    assert!(matches!(careless, Err(Error::Invalid(_))), "{careless:?}");
    let sure = json!({"confirm": "acme-plants", "grace_days": 1});
    ground.done(new(Kind::Delete, "acme-plants", sure.clone())).await;
    let purge = || new(Kind::Purge, "acme-plants", json!({"confirm": "acme-plants"}));
    let early = ground.ask(purge()).await;
    assert!(matches!(early, Err(Error::Illegal { code: "grace_not_over", .. })), "{early:?}");
    let slug = "acme-plants".parse().expect("a slug");
    ground.vivero.tenants().resume(&slug).await.expect("had back");
    assert_eq!(ground.lots("acme-plants").await, 10);
    let unmarked = ground.ask(purge()).await;
    assert!(matches!(unmarked, Err(Error::Illegal { code: "not_marked", .. })), "{unmarked:?}");
    ground.done(new(Kind::Delete, "acme-plants", sure)).await;
    ground.clock.advance(chrono::TimeDelta::days(2));
    ground.done(purge()).await;
    assert!(ground.vivero.tenants().find(&slug).await.is_err());
    ground
        .vivero
        .tenants()
        .provision(tenants::tenant("acme-plants"))
        .await
        .expect("the name is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_out_of_reach_costs_no_tenant_its_database() {
    let ground = Ground::new().await;
    ground.fill("acme-plants", 20).await;
    let asked = new(Kind::Archive, "acme-plants", json!({"archive": "one.vivero"}));
    let asked = ground.ask(asked).await.expect("asked");
    ground.hook.stop_before("drop/database");
    assert!(ground.vivero.operations().run(asked.id).await.is_err(), "stopped");
    // Whoever goes on has another disk.
    let ground = ground.restart().await;
    let (archive, away) = (ground.archive("one.vivero"), ground.archive("away"));
    std::fs::rename(&archive, &away).expect("another disk");
    let tried = ground.vivero.operations().run(asked.id).await.expect("an answer");
    assert!(!tried.state.is_over(), "{tried:?}");
    assert!(tried.message.is_some_and(|m| m.contains("not within reach of this process")));
    assert_eq!(ground.files("acme-plants").await, 1, "its database is there");
    // Another archive of that name is none of its own.
    std::fs::write(&archive, b"vivero").expect("another file");
    let tried = ground.vivero.operations().run(asked.id).await.expect("an answer");
    assert!(!tried.state.is_over(), "{tried:?}");
    assert_eq!(ground.files("acme-plants").await, 1, "its database is there");
    std::fs::rename(&away, &archive).expect("the disk is back");
    let done = ground.vivero.operations().run(asked.id).await.expect("an answer");
    assert!(done.state.is_over(), "{done:?}");
    assert_eq!(ground.files("acme-plants").await, 0);
    ground.done(new(Kind::Restore, "acme-plants", json!({}))).await;
    assert_eq!(ground.lots("acme-plants").await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_archive_is_a_tenant_of_its_own() {
    let ground = Ground::new().await;
    ground.fill("acme-plants", 20).await;
    ground.done(new(Kind::Export, "acme-plants", json!({"archive": "one.vivero"}))).await;
    ground.done(new(Kind::Import, "acme-again", json!({"archive": "one.vivero"}))).await;
    assert_eq!(ground.lots("acme-again").await, 20);
    ground.verified("acme-again").await;
    let taken = ground.ask(new(Kind::Import, "acme-again", json!({"archive": "one.vivero"}))).await;
    assert!(matches!(taken, Err(Error::Taken { .. })), "{taken:?}");
    let other = json!({"archive": "one.vivero", "replace": true});
    let other = ground.ask(new(Kind::Restore, "acme-again", other)).await;
    assert!(matches!(other, Err(Error::Invalid(_))), "another tenant's archive: {other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_tenant_is_readable_throughout_and_loses_no_write() {
    let ground = Ground::new().await;
    ground.fill("acme-plants", 1_500).await;
    let writing = ground.write_on("acme-plants");
    let reading = ground.read_on("acme-plants");
    let moved = ground.done(new(Kind::Move, "acme-plants", json!({}))).await;
    let written = writing.stop().await;
    let read = reading.stop().await;
    assert!(moved.result["writes_stopped_ms"].as_i64().is_some_and(|ms| ms < 10_000), "{moved:?}");
    assert_eq!(ground.tenant("acme-plants").await.generation, 2);
    assert!(read > 0 && written > 0, "{read} reads, {written} writes");
    assert_eq!(
        ground.lots("acme-plants").await,
        1_500 + written,
        "every acknowledged lot is there"
    );
    ground.verified("acme-plants").await;
    assert_eq!(ground.files("acme-plants").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_looks_for_what_was_left_leaves_alone_what_it_does_itself() {
    let ground = Ground::new().await;
    let operations = ground.vivero.operations();
    let asked = ground.ask(new(Kind::Move, "acme-plants", json!({}))).await.expect("asked");
    let looking = async {
        let mut done = Vec::new();
        while !operations.find(asked.id).await.expect("on record").state.is_over() {
            done.extend(operations.resume().await.expect("resuming"));
            tokio::task::yield_now().await;
        }
        done
    };
    let (moved, others) = tokio::join!(operations.run(asked.id), looking);
    // Whichever takes it first does it, and the other does not.
    let done = match moved {
        Err(Error::Unavailable { .. }) => others,
        moved => [vec![moved.expect("it is not overtaken")], others].concat(),
    };
    assert_eq!(done.iter().map(|o| (o.id, o.state)).collect::<Vec<_>>(), [(asked.id, State::Done)]);
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_tenant_is_on_record() {
    let ground = Ground::new().await;
    let slug = "acme-plants".parse().expect("a slug");
    let tenants = ground.vivero.tenants();
    tenants.suspend(&slug).await.expect("suspended");
    tenants.suspend(&slug).await.expect("it is already");
    tenants.resume(&slug).await.expect("resumed");
    let moved = ground.done(new(Kind::Move, "acme-plants", json!({}))).await;
    let events = tenants.events(&slug, 50).await.expect("events");
    let events: Vec<_> = events.iter().map(|e| (e.state, e.generation, e.operation)).collect();
    assert_eq!(
        events,
        [
            (TenantState::Active, 2, Some(moved.id)),
            (TenantState::Active, 1, None),
            (TenantState::Suspended, 1, None),
            (TenantState::Active, 1, None),
            (TenantState::Provisioning, 1, None),
        ]
    );
    // One that is gone has none, and comes back from an archive with those of its new life.
    ground.done(new(Kind::Export, "acme-plants", json!({"archive": "one.vivero"}))).await;
    let sure = json!({"confirm": "acme-plants", "grace_days": 0});
    ground.done(new(Kind::Delete, "acme-plants", sure)).await;
    ground.done(new(Kind::Purge, "acme-plants", json!({"confirm": "acme-plants"}))).await;
    ground.done(new(Kind::Restore, "acme-plants", json!({"archive": "one.vivero"}))).await;
    let events = tenants.events(&slug, 50).await.expect("events");
    let events: Vec<_> = events.iter().map(|e| e.state).collect();
    assert_eq!(events, [TenantState::Active, TenantState::Loading]);
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_operations_on_one_tenant_are_refused() {
    let ground = Ground::new().await;
    let operations = ground.vivero.operations();
    let first = operations.ask(new(Kind::Backup, "acme-plants", json!({}))).await.expect("asked");
    let second =
        operations.ask(new(Kind::Move, "acme-plants", json!({}))).await.expect_err("two at once");
    let text = second.to_string();
    assert!(
        text.contains(&first.id.to_string()) && text.contains("vivero operation resume"),
        "{text}"
    );
    let done = operations.run(first.id).await.expect("done");
    assert_eq!(done.state, State::Done);
    operations.ask(new(Kind::Move, "acme-plants", json!({}))).await.expect("the first is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_fails_leaves_everything_as_it_was_and_says_what_to_do() {
    let ground = Ground::new().await;
    ground.fill("acme-plants", 30).await;
    ground.done(new(Kind::Export, "acme-plants", json!({"archive": "one.vivero"}))).await;
    let whole = std::fs::read(ground.archive("one.vivero")).expect("the archive");
    let mut edited = whole.clone();
    let middle = edited.len() / 2;
    edited[middle] ^= 1;
    std::fs::write(ground.archive("edited.vivero"), &edited).expect("written");
    for (kind, slug, parameters) in [
        (Kind::Restore, "acme-plants", json!({"archive": "edited.vivero", "replace": true})),
        (Kind::Import, "acme-again", json!({"archive": "edited.vivero"})),
    ] {
        let asked =
            ground.vivero.operations().ask(new(kind, slug, parameters)).await.expect("asked");
        let failed = ground.vivero.operations().run(asked.id).await.expect("an answer");
        let message = failed.message.clone().unwrap_or_default();
        assert_eq!(failed.state, State::Failed, "{failed:?}");
        assert!(message.contains("step check") && message.contains("at byte"), "{message}");
        assert_eq!(ground.lots("acme-plants").await, 30);
        ground.holds(1, "after a failure").await;
    }
    assert!(ground.vivero.tenants().find(&"acme-again".parse().expect("a slug")).await.is_err());
    // The name and the tenant are free for another try.
    ground.done(new(Kind::Import, "acme-again", json!({"archive": "one.vivero"}))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_in_the_store_are_listed_pruned_and_restored() {
    let ground = Ground::new().await;
    ground.fill("acme-plants", 40).await;
    let tenant = ground.tenant("acme-plants").await;
    let operations = ground.vivero.operations();
    let stored = || json!({"store": true});
    let first = ground.done(new(Kind::Backup, "acme-plants", stored())).await;
    assert_eq!(first.result["proven"]["unsealed"], 0);
    let found = operations.archives(tenant.id).await.expect("archives");
    assert_eq!(found.len(), 1);
    assert_eq!(first.result["archive"], found[0].name);
    assert_eq!(first.result["file_bytes"], found[0].bytes);
    // No tenant has it among its files.
    let files = ground.store().usage(tenant.id).await.expect("figures");
    assert_eq!(files.bytes(), 0);

    ground.fill("acme-plants", 2).await;
    let replace = json!({"archive": found[0].name, "replace": true});
    let restored = ground.done(new(Kind::Restore, "acme-plants", replace)).await;
    assert_eq!(restored.result["content"], first.result["content"]);
    assert_eq!(ground.lots("acme-plants").await, 40);
    ground.done(new(Kind::Import, "acme-again", json!({"archive": found[0].name}))).await;
    assert_eq!(ground.lots("acme-again").await, 40);

    // The two newest stay; and what is not older than a day in any case.
    for _ in 0..2 {
        let keep = json!({"store": true, "keep": 2});
        ground.done(new(Kind::Backup, "acme-plants", keep)).await;
    }
    let found = operations.archives(tenant.id).await.expect("archives");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|archive| first.result["archive"] != archive.name));
    let young = json!({"store": true, "keep": 1, "keep_days": 1});
    ground.done(new(Kind::Backup, "acme-plants", young)).await;
    assert_eq!(operations.archives(tenant.id).await.expect("archives").len(), 3);

    // A tenant that is in the store comes back from there.
    ground.done(new(Kind::Archive, "acme-plants", stored())).await;
    assert_eq!(operations.archives(tenant.id).await.expect("archives").len(), 4);
    ground.done(new(Kind::Restore, "acme-plants", json!({}))).await;
    assert_eq!(ground.lots("acme-plants").await, 40);
    ground.verified("acme-plants").await;

    for (parameters, says) in [
        (json!({"keep": 1}), "ask with store"),
        (json!({"store": true, "archive": "one.vivero"}), "must not be given"),
        (json!({"store": true, "keep": 0}), "must be 1 to 10000"),
    ] {
        let refused = ground.ask(new(Kind::Backup, "acme-plants", parameters)).await;
        let refused = refused.expect_err("refused").to_string();
        assert!(refused.contains(says), "{refused}");
    }
    let nobody = format!("store:{:032x}-{:032x}", 1, 2);
    let missing = json!({"archive": nobody, "replace": true});
    let missing = ground.ask(new(Kind::Restore, "acme-plants", missing)).await;
    assert!(missing.expect_err("refused").to_string().contains("is not in the store of files"));
    ground.vivero.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_whole_after_a_restore() {
    let ground = Ground::new().await;
    ground.fill("acme-plants", 120).await;
    ground.done(new(Kind::Archive, "acme-plants", json!({}))).await;
    ground.done(new(Kind::Restore, "acme-plants", json!({}))).await;
    let session = ground.sign_in("acme-plants").await;
    let found =
        session.entities().list(EntityFilter::new().search("lavandula"), Page::first(200)).await;
    assert_eq!(found.expect("a search").items.len(), 120);
}
