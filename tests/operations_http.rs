//! Operations on tenants over HTTP, through the typed client, against the program itself: begun, followed to
//! their end, and finished by the next server after `kill -9`. With `VIVERO_TEST_ENGINE=mariadb` on MariaDB.

#[path = "support/child.rs"]
mod child;

use child::{PATIENCE, Running, vivero};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};
use vivero_client::{
    Client, EntityIn, EntityType, Operation, OperationIn, OperationKind as Kind, OperationState,
    TenantIn, TenantState,
};

const KEY: &str = "vpk_operation-tests-0123456789-0123456789";
const SLUG: &str = "acme-plants";
const EMAIL: &str = "owner@acme.example";
const SECRET: &str = "three quiet greenhouses";
const OFTEN: Duration = Duration::from_millis(20);

fn start(data: &Path) -> (Running, Client) {
    let mut command = vivero(data);
    command.args(["serve", "--listen", "127.0.0.1:0", "--json"]);
    command.env("VIVERO_PLATFORM_KEY", KEY).env("VIVERO_LOG", "error");
    let process = Running::start(&mut command, false);
    let line: Value = serde_json::from_str(&process.line()).expect("the first line");
    let client = Client::new(line["base_url"].as_str().expect("an address")).expect("a client");
    (process, client)
}

/// Begins an operation and follows it to its end.
async fn done(client: &Client, slug: &str, operation: OperationIn) -> Operation {
    let platform = client.platform(KEY);
    let begun = platform.operations().start(slug, operation).await.expect("begun");
    let done = platform.operations().wait(begun.id, OFTEN).await.expect("an answer");
    assert_eq!(done.state, OperationState::Done, "{done:?}");
    done
}

/// How many lots a tenant shows to its owner.
async fn lots(client: &Client, slug: &str) -> usize {
    use futures_util::TryStreamExt as _;
    let owner = client.tenant(slug).sign_in(EMAIL, SECRET).await.expect("signed in");
    let all: Vec<_> = owner.entities().list().stream().try_collect().await.expect("lots");
    all.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_backed_up_restored_as_another_and_removed_over_http() {
    let data = tempfile::tempdir().expect("a folder");
    let (server, client) = start(data.path());
    let platform = client.platform(KEY);
    let tenant = TenantIn { slug: Some(SLUG.into()), ..TenantIn::new("Acme", EMAIL, SECRET) };
    platform.tenants().create(tenant).await.expect("a tenant");
    let owner = client.tenant(SLUG).sign_in(EMAIL, SECRET).await.expect("signed in");
    for number in 0..120 {
        let lot = EntityIn::new(format!("L-{number:04}"), "Lavandula", EntityType::Cutting, 40);
        owner.entities().create(lot).await.expect("a lot");
    }

    let backup =
        OperationIn { archive: Some("one.vivero".into()), ..OperationIn::new(Kind::Backup) };
    // The same key is the same operation.
    let operations = platform.operations().idempotency_key("the first backup");
    let begun = operations.start(SLUG, backup.clone()).await.expect("begun");
    assert_eq!(operations.start(SLUG, backup).await.expect("the same").id, begun.id);
    let made = platform.operations().wait(begun.id, OFTEN).await.expect("an answer");
    assert_eq!(made.state, OperationState::Done, "{made:?}");
    assert!(made.done > 120 && made.done == made.total, "{made:?}");
    assert_eq!(made.result["proven"]["unsealed"], 0);

    let import =
        OperationIn { archive: Some("one.vivero".into()), ..OperationIn::new(Kind::Import) };
    done(&client, "acme-again", import).await;
    assert_eq!(lots(&client, "acme-again").await, 120);
    let copy = platform.tenants().get("acme-again").await.expect("the copy");
    assert_eq!(copy.state, TenantState::Active);

    let clone = OperationIn { source: Some(SLUG.into()), ..OperationIn::new(Kind::Clone) };
    done(&client, "acme-clone", clone).await;
    assert_eq!(lots(&client, "acme-clone").await, 120);

    // What is wrong is said by field, and where nothing can be done, why.
    let wrong = OperationIn { to: Some("nowhere".into()), ..OperationIn::new(Kind::Move) };
    let refused = platform.operations().start(SLUG, wrong).await.expect_err("no such server");
    assert!(format!("{refused:?}").contains("must be one of the database servers"), "{refused:?}");

    let confirm = || Some("acme-clone".to_owned());
    let delete =
        OperationIn { confirm: confirm(), grace_days: Some(0), ..OperationIn::new(Kind::Delete) };
    done(&client, "acme-clone", delete).await;
    let refused = client.tenant("acme-clone").sign_in(EMAIL, SECRET).await;
    assert!(refused.is_err(), "it is marked for removal");
    let purge = OperationIn { confirm: confirm(), ..OperationIn::new(Kind::Purge) };
    done(&client, "acme-clone", purge).await;
    assert!(platform.tenants().get("acme-clone").await.is_err(), "it is gone");
    let kinds: Vec<Kind> = platform
        .operations()
        .list("acme-clone")
        .await
        .expect("what was done is on record")
        .iter()
        .map(|operation| operation.kind)
        .collect();
    assert_eq!(kinds, [Kind::Purge, Kind::Delete, Kind::Clone]);
    server.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_whose_server_is_killed_is_finished_by_the_next_one() {
    let data = tempfile::tempdir().expect("a folder");
    let (server, client) = start(data.path());
    let tenant = TenantIn { slug: Some(SLUG.into()), ..TenantIn::new("Acme", EMAIL, SECRET) };
    client.platform(KEY).tenants().create(tenant).await.expect("a tenant");
    let owner = client.tenant(SLUG).sign_in(EMAIL, SECRET).await.expect("signed in");
    for number in 0..40 {
        let lot = EntityIn::new(format!("L-{number:04}"), "Lavandula", EntityType::Cutting, 40);
        owner.entities().create(lot).await.expect("a lot");
    }
    let operations = client.platform(KEY);
    let operations = operations.operations();
    let begun = operations.start(SLUG, OperationIn::new(Kind::Move)).await.expect("begun");
    // It waits until everybody knows of the new database: time enough to kill it in the middle.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = operations.get(begun.id).await.expect("how far it is");
        assert_ne!(now.state, OperationState::Done, "it was too quick: {now:?}");
        if !now.step.is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "{now:?}");
    }
    server.kill();

    let (server, client) = start(data.path());
    let begun_again = Instant::now();
    let operations = client.platform(KEY);
    let moved = operations.operations().wait(begun.id, OFTEN).await.expect("an answer");
    println!("finished {:?} after the start", begun_again.elapsed());
    assert_eq!(moved.state, OperationState::Done, "{moved:?}");
    assert_eq!(lots(&client, SLUG).await, 40);
    let owner = client.tenant(SLUG).sign_in(EMAIL, SECRET).await.expect("signed in");
    let lot = EntityIn::new("L-9999", "Lavandula", EntityType::Cutting, 40);
    owner.entities().create(lot).await.expect("it is written where it is now");
    let report = owner.audit().verify().await.expect("a report");
    assert!(report.breaks.is_empty(), "the chain holds: {report:?}");
    server.kill();
}
