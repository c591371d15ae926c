//! Database servers and operations over the platform API, through the typed client, against the program itself: a
//! server is emptied, by another process when the first is killed; archives, history and proof are asked for. What
//! needs two servers is on MariaDB; on SQLite it is refused.

#[path = "support/child.rs"]
mod child;

use child::{PATIENCE, Running, engine, vivero};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};
use vivero_client::{
    Client, Drain, DrainState, EntityIn, EntityType, Error, OperationIn, OperationKind as Kind,
    OperationState, Platform, ServerIn, ServerPatch, ServerState, TenantIn, TenantState,
};

const KEY: &str = "vpk_fleet-tests-0123456789-0123456789";
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

fn email(slug: &str) -> String {
    format!("owner@{slug}.example")
}

async fn tenants(client: &Client, number: u64) -> Vec<String> {
    let mut slugs = Vec::new();
    for n in 0..number {
        let slug = format!("grower-{n}");
        let new = TenantIn {
            slug: Some(slug.clone()),
            ..TenantIn::new("A grower", email(&slug), SECRET)
        };
        client.platform(KEY).tenants().create(new).await.expect("a tenant");
        slugs.push(slug);
    }
    slugs
}

/// Writes a lot to each and verifies its chain.
async fn usable(client: &Client, slugs: &[String]) {
    for slug in slugs {
        let owner = client.tenant(slug).sign_in(email(slug), SECRET).await.expect("signed in");
        let lot = EntityIn::new("L-1", "Lavandula", EntityType::Cutting, 40);
        owner.entities().create(lot).await.expect("a lot");
        let report = client.platform(KEY).tenants().verify(slug).await.expect("a report");
        assert!(report.breaks.is_empty() && report.checked > 0, "{report:?}");
    }
}

fn code(error: &Error) -> String {
    format!("{error:?}")
}

async fn add_second(platform: &Platform) {
    let address = std::env::var("VIVERO_TEST_MARIADB_2").expect("another server (see tests/run)");
    let second = ServerIn {
        name: "second".into(),
        address: address.rsplit('@').next().expect("a place").trim_end_matches('/').into(),
        account: "root".into(),
        password: String::new().into(),
        capacity: None,
        tls_ca: None,
        tls_mode: None,
        weight: None,
    };
    platform.servers().create(second).await.expect("added");
}

/// Moves are not waited for by looking once: until it is as it is wanted.
async fn until(platform: &Platform, name: &str, wanted: impl Fn(&Drain) -> bool) -> Drain {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = platform.servers().drained(name).await.expect("how far it is");
        if wanted(&now) {
            return now;
        }
        assert!(Instant::now() < deadline, "{now:?}");
        tokio::time::sleep(OFTEN).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_emptied_by_another_process_when_the_first_is_killed() {
    let data = tempfile::tempdir().expect("a folder");
    let (server, client) = start(data.path());
    let platform = client.platform(KEY);
    let slugs = tenants(&client, 5).await;
    let main = platform.servers().get("main").await.expect("main");
    assert_eq!((main.state, main.tenants), (ServerState::Open, 5));
    let never = platform.servers().drained("main").await.expect_err("never");
    assert!(code(&never).contains("drain_not_found"), "{never:?}");
    let unknown = platform.servers().drain("third", None).await.expect_err("no such server");
    assert!(unknown.is_not_found() || engine::server().is_none(), "{unknown:?}");
    if engine::server().is_none() {
        for refused in [
            platform.servers().drain("main", None).await.map(|_| ()),
            platform.servers().remove("main", false).await.map(|_| ()),
        ] {
            let refused = refused.expect_err("an installation on SQLite has one server");
            assert!(code(&refused).contains("one_server_only"), "{refused:?}");
        }
        return;
    }
    for (to, why) in [("main", "must be another server"), ("third", "is no database server")] {
        let refused = platform.servers().drain("main", Some(to)).await.expect_err("where to?");
        assert!(code(&refused).contains(why), "{refused:?}");
    }
    add_second(&platform).await;
    let begun = platform.servers().drain("main", Some("second")).await.expect("begun");
    assert_eq!((begun.state, begun.total, begun.failed), (DrainState::Running, 5, 0));
    let again = platform.servers().drain("main", Some("second")).await.expect("the same");
    assert_eq!(again.id, begun.id, "asking again changes nothing");
    let elsewhere = platform.servers().drain("main", None).await.expect_err("two at once");
    assert!(code(&elsewhere).contains("drain_running"), "{elsewhere:?}");
    let some = until(&platform, "main", |drain| drain.moved > 0 && drain.operation.is_some()).await;
    assert_eq!(some.moved + some.left, 5, "{some:?}");
    let under_way = platform.operations().get(some.operation.expect("a move")).await.expect("it");
    assert_eq!((under_way.kind, Some(&under_way.tenant)), (Kind::Move, some.tenant.as_ref()));
    server.kill();

    let (server, client) = start(data.path());
    let platform = client.platform(KEY);
    let seen = platform.servers().drained("main").await.expect("it is on record");
    assert_eq!((seen.id, seen.state), (begun.id, DrainState::Running));
    assert!(seen.moved > 0 && seen.left > 0, "{seen:?}");
    let done = platform.servers().wait_drained("main", OFTEN).await.expect("an answer");
    assert_eq!((done.id, done.state, done.moved), (begun.id, DrainState::Done, 5), "{done:?}");
    assert!(done.failures.is_empty() && done.message.is_none() && done.operation.is_none());
    let servers = platform.servers().list().await.expect("servers");
    let found: Vec<_> = servers.iter().map(|s| (s.name.as_str(), s.state, s.tenants)).collect();
    assert_eq!(found, [("main", ServerState::Draining, 0), ("second", ServerState::Open, 5)]);
    usable(&client, &slugs).await;
    assert!(platform.operations().list_open(50).await.expect("operations").is_empty());

    // Back again, but where there is no room: they stay, in service, and it is said why.
    let back = platform.servers().drain("second", None).await.expect("begun");
    let back = until(&platform, "second", |drain| {
        drain.id == back.id && drain.state != DrainState::Running
    })
    .await;
    assert_eq!((back.state, back.moved, back.failed, back.left), (DrainState::Failed, 0, 5, 0));
    assert_eq!(back.failures.len(), 5);
    assert!(back.failures.iter().all(|f| f.message.contains("vivero server add")), "{back:?}");
    assert!(back.message.is_some_and(|why| why.contains("5 of 5 tenants are still on second")));
    let refused = platform.servers().remove("second", false).await.expect_err("it is not empty");
    assert!(code(&refused).contains("server_in_use"), "{refused:?}");
    let refused = platform.servers().remove("main", true).await.expect_err("the registry's");
    assert!(code(&refused).contains("server_in_use"), "{refused:?}");
    let main = platform.servers().get("main").await.expect("main");
    let open = ServerPatch { state: Some(ServerState::Open), ..ServerPatch::default() };
    platform.servers().update("main", main.version, open).await.expect("opened");
    platform.servers().drain("second", None).await.expect("begun");
    let done = until(&platform, "second", |drain| {
        drain.id != back.id && drain.state != DrainState::Running
    })
    .await;
    assert_eq!((done.state, done.moved), (DrainState::Done, 5), "{done:?}");
    let gone = platform.servers().remove("second", false).await.expect("it is empty");
    assert!(gone.is_empty(), "{gone:?}");
    assert!(platform.servers().get("second").await.expect_err("it is gone").is_not_found());
    server.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_history_and_proof_of_a_tenant_are_read_over_http() {
    let data = tempfile::tempdir().expect("a folder");
    let (server, client) = start(data.path());
    let platform = client.platform(KEY);
    let slugs = tenants(&client, 1).await;
    let slug = slugs[0].as_str();
    let backup = OperationIn { store: Some(true), keep: Some(2), ..OperationIn::new(Kind::Backup) };
    let mut made = Vec::new();
    for _ in 0..3 {
        let begun = platform.operations().start(slug, backup.clone()).await.expect("begun");
        let done = platform.operations().wait(begun.id, OFTEN).await.expect("an answer");
        assert_eq!(done.state, OperationState::Done, "{done:?}");
        made.push(done);
    }
    let archives = platform.tenants().archives(slug).await.expect("archives");
    assert_eq!(archives.len(), 2, "the newest stay: {archives:?}");
    let newest = made.last().expect("the last one");
    assert_eq!(Some(archives[0].name.as_str()), newest.parameters["archive"].as_str());
    assert_eq!((archives[0].operation, archives[0].bytes > 0), (newest.id, true));
    let verify = |archive: &str| OperationIn {
        archive: Some(archive.into()),
        ..OperationIn::new(Kind::Verify)
    };
    let begun = platform.operations().start(slug, verify(&archives[1].name)).await.expect("begun");
    let proven = platform.operations().wait(begun.id, OFTEN).await.expect("an answer");
    assert_eq!(proven.state, OperationState::Done, "{proven:?}");
    assert_eq!(proven.result["archive_id"], made[1].id.to_string(), "{proven:?}");
    let absent = platform.operations().start(slug, verify("absent.vivero")).await;
    assert!(absent.is_err(), "{absent:?}");

    // Another password for the tenant's account is an operation like others.
    let rotate = OperationIn::new(Kind::RotateCredentials);
    let begun = platform.operations().start(slug, rotate).await.expect("begun");
    let done = platform.operations().wait(begun.id, OFTEN).await.expect("an answer");
    assert_eq!(done.state, OperationState::Done, "{done:?}");
    let over = platform.operations().resume(done.id).await.expect("it is over");
    assert_eq!(
        (over.state, over.changed_at),
        (done.state, done.changed_at),
        "nothing more happens"
    );
    let over = platform.operations().end(done.id).await.expect("it is over");
    assert_eq!(
        (over.state, over.changed_at),
        (done.state, done.changed_at),
        "nothing more happens"
    );
    let all = platform.operations().list_all(200).await.expect("operations");
    assert_eq!(all.len(), made.len() + 2);
    assert_eq!(all[0].id, done.id, "newest first");
    assert!(platform.operations().list_open(200).await.expect("operations").is_empty());
    usable(&client, &slugs).await;

    platform.tenants().suspend(slug).await.expect("suspended");
    let history = platform.tenants().history(slug).await.expect("history");
    let states: Vec<_> = history.iter().map(|event| event.state).collect();
    assert_eq!(states[..2], [TenantState::Suspended, TenantState::Active], "{history:?}");
    assert!(history.windows(2).all(|pair| pair[0].version > pair[1].version), "{history:?}");
    // A tenant that is gone has archives, under its id, and no history.
    let tenant = platform.tenants().get(slug).await.expect("the tenant");
    let confirm = Some(slug.to_owned());
    let delete = OperationIn {
        confirm: confirm.clone(),
        grace_days: Some(0),
        ..OperationIn::new(Kind::Delete)
    };
    let purge = OperationIn { confirm, ..OperationIn::new(Kind::Purge) };
    for operation in [delete, purge] {
        let begun = platform.operations().start(slug, operation).await.expect("begun");
        let done = platform.operations().wait(begun.id, OFTEN).await.expect("an answer");
        assert_eq!(done.state, OperationState::Done, "{done:?}");
    }
    let kept = platform.tenants().archives(&tenant.id.to_string()).await.expect("archives");
    assert_eq!(kept, archives);
    for refused in [
        platform.tenants().archives(slug).await.map(|_| ()),
        platform.tenants().history(slug).await.map(|_| ()),
        platform.tenants().verify(slug).await.map(|_| ()),
    ] {
        assert!(refused.expect_err("it is gone").is_not_found());
    }
    server.kill();
}

/// A move that is on record and that nobody does any more.
async fn cut_off(data: &Path, slug: &str) -> vivero_client::Operation {
    for _ in 0..5 {
        let (server, client) = start(data);
        let moving = OperationIn::new(Kind::Move);
        let begun = client.platform(KEY).operations().start(slug, moving).await.expect("begun");
        // It waits about a second until everybody knows of the new database.
        server.kill();
        let listed =
            vivero(data).args(["operation", "show", &begun.id.to_string(), "--json"]).output();
        let now: Value =
            serde_json::from_slice(&listed.expect("the program").stdout).expect("JSON");
        if now["state"] != "done" {
            return begun;
        }
    }
    panic!("it was never killed in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_goes_on_with_what_was_cut_off() {
    let data = tempfile::tempdir().expect("a folder");
    let demo = |args: &[&str]| {
        let mut command = vivero(data.path());
        command.args(["demo", "--records", "50", "--json"]).args(args);
        command
    };
    let made = demo(&["--no-serve"]).output().expect("the program");
    assert!(made.status.success(), "{made:?}");
    let begun = cut_off(data.path(), "demo-nursery").await;
    let running = Running::start(&mut demo(&["--listen", "127.0.0.1:0"]), false);
    let line: Value = serde_json::from_str(&running.line()).expect("one line of JSON");
    let text = |name: &str| line[name].as_str().expect("text");
    let platform = Client::new(text("base_url")).expect("a client").platform(text("platform_key"));
    // Nobody asks for it. The lease of whoever was killed ends first.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = platform.operations().get(begun.id).await.expect("how far it is");
        if now.state == OperationState::Done {
            break;
        }
        assert!(now.state != OperationState::Failed && Instant::now() < deadline, "{now:?}");
        tokio::time::sleep(OFTEN).await;
    }
    let report = platform.tenants().verify("demo-nursery").await.expect("a report");
    assert!(report.breaks.is_empty() && report.checked > 0, "{report:?}");
    running.kill();
}

async fn set_second(platform: &Platform, state: ServerState) {
    let second = platform.servers().get("second").await.expect("second");
    let patch = ServerPatch { state: Some(state), ..ServerPatch::default() };
    platform.servers().update("second", second.version, patch).await.expect("changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_whose_target_is_gone_is_turned_back_over_http() {
    if engine::server().is_none() {
        return;
    }
    let data = tempfile::tempdir().expect("a folder");
    let (server, client) = start(data.path());
    let platform = client.platform(KEY);
    let slugs = tenants(&client, 1).await;
    let slug = slugs[0].as_str();
    add_second(&platform).await;
    let to = |to: &str| OperationIn { to: Some(to.into()), ..OperationIn::new(Kind::Move) };
    let begun = platform.operations().start(slug, to("second")).await.expect("begun");
    // It waits about a second until everybody knows of the new database: then that is out of reach.
    while platform.tenants().history(slug).await.expect("history")[0].generation == 1 {
        tokio::time::sleep(OFTEN).await;
    }
    set_second(&platform, ServerState::Down).await;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = platform.operations().get(begun.id).await.expect("how far it is");
        if now.message.as_ref().is_some_and(|why| why.contains("database before is kept")) {
            break;
        }
        assert!(now.state != OperationState::Done && Instant::now() < deadline, "{now:?}");
        tokio::time::sleep(OFTEN).await;
    }
    let refused = platform.operations().end(begun.id).await.expect_err("no consent");
    assert_eq!(refused.status(), Some(409), "{refused:?}");
    assert!(code(&refused).contains("move_switched"), "{refused:?}");
    let refused = platform.operations().give_up(begun.id).await.expect_err("one is whole");
    assert_eq!(refused.status(), Some(409), "{refused:?}");
    assert!(code(&refused).contains("--turn-back"), "{refused:?}");
    let turned = platform.operations().turn_back(begun.id).await.expect("turned back");
    assert_eq!(turned.state, OperationState::Failed, "{turned:?}");
    usable(&client, &slugs).await;

    let second = platform.servers().get("second").await.expect("second");
    let kept = second.kept.first().expect("a database");
    assert_eq!((kept.operation, kept.tenant.as_str(), second.tenants), (begun.id, slug, 0));
    let found = platform.servers().examine().await.expect("findings");
    assert!(found.iter().any(|finding| finding.check == "kept_databases"), "{found:?}");
    set_second(&platform, ServerState::Open).await;
    let refused = platform.operations().start(slug, to("second")).await.expect_err("it is kept");
    assert!(code(&refused).contains("remove-kept second"), "{refused:?}");
    let servers = platform.servers();
    let unknown = servers.remove_kept("second", "nothing").await.expect_err("not kept");
    assert!(unknown.is_not_found(), "{unknown:?}");
    servers.remove_kept("second", &kept.database).await.expect("removed");
    assert!(servers.get("second").await.expect("second").kept.is_empty());
    servers.remove("second", false).await.expect("it is empty");
    server.kill();
}
