//! `kill -9` at moments of chance. Whatever was acknowledged is there afterwards, nothing is there twice,
//! the chain holds, the figures are right, and the stream of events has no gap.

#[path = "support/child.rs"]
mod child;
#[path = "support/crash.rs"]
mod support;

use child::{PATIENCE, Running, vivero};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{API, Caller, Dice, Follower, SLUG, Server, trail};

const WRITERS: usize = 64;
const ROUNDS: usize = 8;

/// A request with the key under which it may be repeated.
struct Write {
    path: String,
    key: String,
    body: Value,
}

/// What the writers know of what they did.
#[derive(Default)]
struct Ledger {
    /// Acknowledged lots: id and steps acknowledged, by code.
    lots: HashMap<String, (String, i64)>,
    /// Sent, but never answered.
    open: Vec<Write>,
}

/// Creates lots and adds to them until the server is gone.
async fn write(
    caller: Caller,
    name: String,
    ledger: Arc<Mutex<Ledger>>,
    acknowledged: Arc<AtomicU64>,
) {
    for number in 0.. {
        let code = format!("{name}-{number}");
        let create = Write {
            path: format!("{API}/entities"),
            key: format!("create-{code}"),
            body: json!({"code": code, "name": "Salvia nemorosa", "type": "cutting", "quantity": 100}),
        };
        let Some((status, lot)) = send(&caller, &create).await else {
            return ledger.lock().expect("the ledger").open.push(create);
        };
        assert_eq!(status, 201, "{lot}");
        let id = lot["id"].as_str().expect("an id").to_owned();
        ledger.lock().expect("the ledger").lots.insert(code.clone(), (id.clone(), 0));
        acknowledged.fetch_add(1, Ordering::Relaxed);
        if number % 3 == 0 {
            let step = Write {
                path: format!("{API}/entities/{id}/transitions"),
                key: format!("step-{code}"),
                body: json!({"quantity_change": 1}),
            };
            let Some((status, lot)) = send(&caller, &step).await else {
                return ledger.lock().expect("the ledger").open.push(step);
            };
            assert_eq!((status, &lot["quantity"]), (200, &json!(101)), "{lot}");
            ledger.lock().expect("the ledger").lots.get_mut(&code).expect("the lot").1 += 1;
        }
    }
}

async fn send(caller: &Caller, write: &Write) -> Option<(u16, Value)> {
    caller.call(Method::POST, &write.path, &write.key, &write.body).await
}

/// Every lot there is: id and quantity by code.
async fn lots(caller: &Caller) -> HashMap<String, (String, i64)> {
    let mut found = HashMap::new();
    let mut cursor = String::new();
    loop {
        let page = caller.get(&format!("{API}/entities?limit=200&sort=code{cursor}")).await;
        for lot in page["items"].as_array().expect("items") {
            let text = |name: &str| lot[name].as_str().expect("text").to_owned();
            let was = found
                .insert(text("code"), (text("id"), lot["quantity"].as_i64().expect("a number")));
            assert!(was.is_none(), "{lot} is there twice");
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// After a crash: what was acknowledged is there, what is repeated is done once, and all adds up.
async fn check(caller: &Caller, ledger: &Mutex<Ledger>, follower: &mut Follower) {
    let stored = lots(caller).await;
    let open = {
        let mut ledger = ledger.lock().expect("the ledger");
        for (code, (id, steps)) in &ledger.lots {
            let (there, quantity) = stored.get(code).unwrap_or_else(|| panic!("{code} is lost"));
            assert!(
                there == id && *quantity >= 100 + steps,
                "{code}: {there} {quantity}, not {id} {steps}"
            );
        }
        std::mem::take(&mut ledger.open)
    };
    for write in open {
        for _ in 0..2 {
            let (status, lot) = send(caller, &write).await.expect("an answer");
            assert!(matches!(status, 200 | 201), "{}: {status} {lot}", write.key);
            let code = lot["code"].as_str().expect("a code").to_owned();
            let (id, quantity) =
                (lot["id"].as_str().expect("an id"), lot["quantity"].as_i64().expect("a number"));
            ledger.lock().expect("the ledger").lots.insert(code, (id.to_owned(), quantity - 100));
        }
    }
    let expected: HashMap<String, (String, i64)> = {
        let ledger = ledger.lock().expect("the ledger");
        ledger
            .lots
            .iter()
            .map(|(code, (id, steps))| (code.clone(), (id.clone(), 100 + steps)))
            .collect()
    };
    assert!(lots(caller).await == expected, "lots are lost, doubled or changed");

    let path = format!("{API}/audit/verify");
    let (_, report) = caller.call(Method::POST, &path, "", &Value::Null).await.expect("a report");
    assert_eq!((&report["breaks"], &report["unsealed"]), (&json!([]), &json!(0)), "{report}");
    let head = report["head"].as_u64().expect("a head");
    let board = caller.get(&format!("{API}/dashboard")).await;
    assert_eq!(board["position"], json!(head));
    let quantity: i64 = expected.values().map(|(_, quantity)| quantity).sum();
    let figures = &board["entities"];
    assert_eq!(
        (&figures["total"], &figures["quantity"]),
        (&json!(expected.len()), &json!(quantity))
    );
    assert_eq!(figures["by_status"], json!({"registered": expected.len()}));

    // Sign-ins and credentials are for the trail only; everything else must come through.
    let mut trail = trail(caller).await;
    assert_eq!(trail.len() as u64, head);
    trail.retain(|(_, action, _)| {
        !["credential", "session", "tenant"].iter().any(|r| action.starts_with(r))
    });
    let last = trail.last().expect("an entry").0;
    follower.follow(caller, last).await;
    assert!(follower.seen == trail, "the stream that was resumed is not the trail");
    let mut again = Follower { position: 0, seen: Vec::new() };
    again.follow(caller, last).await;
    assert!(again.seen == trail, "the stream from the start is not the trail");
    let mut created = BTreeMap::<&str, u32>::new();
    for (_, _, id) in trail.iter().filter(|(_, action, _)| action == "entity.create") {
        *created.entry(id).or_default() += 1;
    }
    assert!(created.len() == expected.len() && created.values().all(|n| *n == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_kill_9_under_64_writers() {
    let mut dice = Dice::new();
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let mut follower = Follower { position: 0, seen: Vec::new() };
    let mut server = Server::start(folder.path());
    let (status, made) = server.caller().sign_up(SLUG, "").await.expect("an answer");
    assert_eq!(status, 201, "{made}");
    for round in 0..ROUNDS {
        let mut caller = server.caller();
        assert_eq!(caller.sign_in(SLUG).await, 200);
        let acknowledged = Arc::new(AtomicU64::new(0));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let name = format!("r{round}-w{writer}");
                tokio::spawn(write(
                    caller.clone(),
                    name,
                    Arc::clone(&ledger),
                    Arc::clone(&acknowledged),
                ))
            })
            .collect();
        let reader = caller.clone();
        let reading = tokio::spawn(async move {
            follower.follow(&reader, u64::MAX).await;
            follower
        });
        // From the first writes of a round to well into it.
        let enough = dice.below(800);
        until("writes", || acknowledged.load(Ordering::Relaxed) >= enough).await;
        tokio::time::sleep(dice.millis(200)).await;
        server.kill();
        for writer in writers {
            writer.await.expect("a writer");
        }
        follower = reading.await.expect("the reader");
        server = Server::start(folder.path());
        let mut caller = server.caller();
        assert_eq!(caller.sign_in(SLUG).await, 200);
        check(&caller, &ledger, &mut follower).await;
    }
    server.kill();
    let verified =
        vivero(folder.path()).args(["audit", "verify", "--json"]).output().expect("the program");
    assert!(verified.status.success(), "{verified:?}");
}

/// Waits for `what`; gives up after a time no machine needs.
async fn until(what: &str, reached: impl Fn() -> bool) {
    let start = Instant::now();
    while !reached() {
        assert!(start.elapsed() < PATIENCE, "{what} took too long");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_was_being_made_is_usable_or_free_afterwards() {
    let mut dice = Dice::new();
    let folder = tempfile::tempdir().expect("a folder");
    for round in 0..4 {
        let server = Server::start(folder.path());
        let done = Arc::new(AtomicU64::new(0));
        let slugs: Vec<String> = (0..10).map(|number| format!("trial-{round}-{number}")).collect();
        let requests: Vec<_> = slugs
            .iter()
            .enumerate()
            .map(|(number, slug)| {
                let (caller, slug, done) = (server.caller(), slug.clone(), Arc::clone(&done));
                let key = if number % 2 == 0 { slug.clone() } else { String::new() };
                tokio::spawn(async move {
                    let answer = caller.sign_up(&slug, &key).await;
                    done.fetch_add(1, Ordering::Relaxed);
                    (slug, key, answer)
                })
            })
            .collect();
        let enough = 1 + dice.below(6);
        until("sign-ups", || done.load(Ordering::Relaxed) >= enough).await;
        tokio::time::sleep(dice.millis(60)).await;
        server.kill();
        let server = Server::start(folder.path());
        let mut caller = server.caller();
        for request in requests {
            let (slug, key, answer) = request.await.expect("a request");
            if let Some((status, body)) = &answer {
                assert_eq!(*status, 201, "{body}");
            } else {
                // Nobody knows what became of it: with a key it can be repeated, without one it is
                // taken or free.
                let (status, body) = caller.sign_up(&slug, &key).await.expect("an answer");
                assert!(
                    status == 201 || (status == 409 && key.is_empty()),
                    "{slug}: {status} {body}"
                );
            }
            assert_eq!(caller.sign_in(&slug).await, 200, "{slug} is stuck");
            let people = caller.get(&format!("/api/v1/{slug}/users")).await;
            assert_eq!(people["items"].as_array().map(Vec::len), Some(1), "{people}");
            let roles = caller.get(&format!("/api/v1/{slug}/roles")).await;
            assert_eq!(roles["items"].as_array().map(Vec::len), Some(4), "{roles}");
            caller.token.clear();
        }
        server.kill();
    }
    let verified =
        vivero(folder.path()).args(["audit", "verify", "--json"]).output().expect("the program");
    assert!(verified.status.success(), "{verified:?}");
}

/// Kills the program once it reports that much progress, and a moment of chance later.
fn kill_at(running: Running, percent: u64, dice: &mut Dice) {
    loop {
        let line = running.line();
        let shown =
            line.rsplit_once('(').and_then(|(_, p)| p.strip_suffix("%)")?.parse::<u64>().ok());
        if shown.is_some_and(|shown| shown >= percent) {
            break;
        }
    }
    std::thread::sleep(dice.millis(300));
    running.kill();
}

#[test]
fn an_import_that_was_killed_is_finished_by_the_next() {
    const ROWS: u64 = 25_000;
    let mut dice = Dice::new();
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let made = vivero(&data)
        .args(["tenant", "provision", SLUG, "--email", support::EMAIL])
        .env("VIVERO_OWNER_PASSWORD", support::SECRET)
        .output();
    assert!(made.expect("the program").status.success());
    let file = folder.path().join("stock.csv");
    let mut text = String::from("code,name,type,quantity\n");
    for number in 0..ROWS {
        text += &format!("IMP-{number},Hosta sieboldiana,young_plant,{}\n", number % 90);
    }
    std::fs::write(&file, text).expect("the file");
    let import = |json: bool| {
        let mut command = vivero(&data);
        command
            .args(["import", "entities", "--tenant", SLUG])
            .arg(&file)
            .args(json.then_some("--json"));
        command
    };
    // Rows are written in batches: at four fifths read, the first has been written.
    kill_at(Running::start(&mut import(false), true), 80, &mut dice);
    let summary = |command: &mut std::process::Command| {
        let output = command.output().expect("the program");
        assert!(output.status.success(), "{output:?}");
        let last = String::from_utf8(output.stdout).expect("text");
        let last: Value = serde_json::from_str(last.lines().last().expect("a line")).expect("JSON");
        let number = |name: &str| last["summary"][name].as_u64().expect("a number");
        (number("rows"), number("created"), number("present"), number("bad"))
    };
    let (rows, created, present, bad) = summary(&mut import(true));
    assert!(
        rows == ROWS && created + present == ROWS && bad == 0 && present >= 10_000,
        "{created} {present} {bad}"
    );
    assert_eq!(summary(&mut import(true)), (ROWS, 0, ROWS, 0));
    let verified = vivero(&data).args(["audit", "verify", "--json"]).output().expect("the program");
    assert!(verified.status.success(), "{verified:?}");
}

#[tokio::test]
async fn demo_data_that_was_cut_off_is_completed() {
    let mut dice = Dice::new();
    let folder = tempfile::tempdir().expect("a folder");
    let demo = || {
        let mut command = vivero(folder.path());
        command.args(["demo", "--records", "20000"]);
        command
    };
    kill_at(Running::start(demo().arg("--no-serve"), true), 10 + 10 * dice.below(6), &mut dice);
    let running = Running::start(demo().args(["--listen", "127.0.0.1:0", "--json"]), false);
    let line: Value = serde_json::from_str(&running.line()).expect("the first line");
    let text = |name: &str| line[name].as_str().expect("text").to_owned();
    let http = reqwest::Client::new();
    let mut caller = Caller { http, base: text("base_url"), token: String::new() };
    let body = json!({"email": text("email"), "password": text("password")});
    let tenant = format!("/api/v1/{}", text("tenant"));
    let path = format!("{tenant}/auth/login");
    let (status, tokens) = caller.call(Method::POST, &path, "", &body).await.expect("an answer");
    assert_eq!(status, 200, "{tokens}");
    caller.token = tokens["access_token"].as_str().expect("a token").to_owned();
    let page = caller.get(&format!("{tenant}/entities?total=true&limit=1")).await;
    assert_eq!(page["total"], json!(20_000));
    // What was left unsealed is added to the figures soon after the start, with nobody asking.
    let start = Instant::now();
    while caller.get(&format!("{tenant}/dashboard")).await["entities"]["total"] != json!(20_000) {
        assert!(start.elapsed() < PATIENCE, "the figures stay behind");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let people = caller.get(&format!("{tenant}/users?status=active&total=true")).await;
    assert_eq!(people["total"], json!(5));
    let (_, report) = caller
        .call(Method::POST, &format!("{tenant}/audit/verify"), "", &Value::Null)
        .await
        .expect("a report");
    assert_eq!(report["breaks"], json!([]));
    running.kill();
}
