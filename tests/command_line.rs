//! The program's commands, run as processes of their own: what they print, what they leave behind, and
//! how they end.

#[path = "support/child.rs"]
mod child;

use child::{Running, vivero};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const SECRET: &str = "correct horse battery";

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn run(command: &mut Command) -> Output {
    command.output().expect("the program")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// The values of a successful command's lines.
fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{output:?}");
    values(output)
}

fn values(output: &Output) -> Vec<Value> {
    out(output)
        .lines()
        .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{l}: {e}")))
        .collect()
}

fn provision(data: &Path, slug: &str) -> Output {
    let mut command = vivero(data);
    command.args(["tenant", "provision", slug, "--email", "owner@cli.example", "--json"]);
    run(command.env("VIVERO_OWNER_PASSWORD", SECRET))
}

#[test]
fn the_document_is_the_committed_one() {
    let data = folder();
    let printed = run(vivero(data.path()).arg("openapi"));
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/vivero-client/openapi.json");
    let committed = std::fs::read_to_string(committed).expect("the document");
    let parse = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    assert!(printed.status.success() && parse(&out(&printed)) == parse(&committed));
    assert_eq!(
        std::fs::read_dir(data.path()).expect("the folder").count(),
        0,
        "it needs no database"
    );
}

#[test]
fn tenants_are_made_listed_stopped_and_resumed() {
    let data = folder();
    let made = &lines(&provision(data.path(), "acme-plants"))[0];
    assert_eq!(
        (&made["slug"], &made["state"], &made["plan"]),
        (&"acme-plants".into(), &"active".into(), &"trial".into())
    );
    let again = provision(data.path(), "acme-plants");
    assert!(!again.status.success());
    let error: Value = serde_json::from_str(&err(&again)).expect("JSON");
    assert_eq!(error["code"], "tenant_slug_taken");
    // The password may come from standard input as well, and a key makes asking again harmless.
    for _ in 0..2 {
        let mut command = vivero(data.path());
        command.args([
            "tenant",
            "provision",
            "beta-trees",
            "--email",
            "b@cli.example",
            "--plan",
            "contract",
        ]);
        command.args(["--idempotency-key", "k1", "--json"]).stdin(std::process::Stdio::piped());
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("the program");
        let mut input = child.stdin.take().expect("standard input");
        std::io::Write::write_all(&mut input, format!("{SECRET}\n").as_bytes())
            .expect("a password");
        drop(input);
        let output = child.wait_with_output().expect("the program");
        assert_eq!(lines(&output)[0]["plan"], "contract");
    }
    let tenant =
        |args: &[&str]| lines(&run(vivero(data.path()).arg("tenant").args(args).arg("--json")));
    let all = tenant(&["list"]);
    let slugs: Vec<_> = all.iter().map(|t| t["slug"].as_str().expect("a slug")).collect();
    assert_eq!(slugs, ["acme-plants", "beta-trees"]);
    assert_eq!(tenant(&["show", "acme-plants"])[0], all[0]);
    assert_eq!(tenant(&["suspend", "acme-plants"])[0]["standing"], "suspended");
    assert_eq!(tenant(&["show", "acme-plants"])[0]["state"], "suspended");
    assert_eq!(tenant(&["resume", "acme-plants"])[0]["standing"], "full");
    let missing = run(vivero(data.path()).args(["tenant", "show", "nobody-here"]));
    assert!(!missing.status.success() && err(&missing).contains("tenant not found"), "{missing:?}");
    let weak = vivero(data.path())
        .args(["tenant", "provision", "weak-one", "--email", "nobody"])
        .env("VIVERO_OWNER_PASSWORD", "password")
        .output()
        .expect("the program");
    let text = err(&weak);
    assert!(
        !weak.status.success() && text.contains("email") && text.contains("password"),
        "{text}"
    );
    assert!(out(&run(vivero(data.path()).args(["tenant", "list"]))).lines().count() == 2);
}

#[test]
fn doctor_says_what_is_wrong() {
    let data = folder();
    let mut command = vivero(data.path());
    command.args(["doctor", "--json"]).env("VIVERO_LISTEN", "127.0.0.1:0");
    let found = lines(&run(&mut command));
    assert!(found.len() >= 5 && found.iter().all(|f| f["verdict"] != "failed"), "{found:?}");
    let key = found.iter().find(|f| f["check"] == "platform key").expect("a check");
    assert_eq!(key["verdict"], "warning");
    let short = run(command.env("VIVERO_PLATFORM_KEY", "short"));
    assert_eq!(short.status.code(), Some(1));
    assert!(out(&short).contains("shorter than 32"), "{short:?}");
    let not_ours = run(vivero(data.path()).arg("doctor").env("VIVERO_DATABASE_URL", "oracle:x"));
    assert!(!not_ours.status.success() && out(&not_ours).contains("sqlite:"), "{not_ours:?}");
}

#[test]
fn wrong_settings_are_named() {
    let data = folder();
    let file = data.path().join("settings.toml");
    for (name, value, setting) in [
        ("VIVERO_LISTEN", "everywhere", "listen"),
        ("VIVERO_MAX_OPEN_TENANTS", "many", "max_open_tenants"),
        ("VIVERO_LISTN", "127.0.0.1:0", "listn"),
        ("VIVERO_DATABASE_URL", "oracle:x", "database_url"),
        ("VIVERO_LOG", "vivero=[[[", "log"),
        ("VIVERO_CONFIG", "/no/such/file.toml", "config"),
    ] {
        let given = run(vivero(data.path()).args(["serve", "--json"]).env(name, value));
        assert_eq!(given.status.code(), Some(1), "{name}: {given:?}");
        let error: Value = serde_json::from_str(&err(&given)).expect("JSON");
        assert_eq!(error["errors"][0]["field"], setting, "{name}: {error}");
        assert_eq!(out(&given), "");
    }
    std::fs::write(&file, "data_dir = \"x\"\nlisten = 7\n").expect("the file");
    let given = run(vivero(data.path()).args(["serve", "--config"]).arg(&file));
    assert!(!given.status.success() && err(&given).contains("listen"), "{given:?}");
}

/// What a grower's spreadsheet leaves behind.
fn stock() -> Vec<u8> {
    let text = "Artikelnr;Botanischer Name;Typ;Menge;Aussaat;Bemerkung\r\n\
        R-1;Rosa \u{d7} alba;Container;1.250,00;01.03.2026;\"zwei\r\nZeilen\"\r\n\
        R-2;Sch\u{f6}nblume;Zwiebel;40;2026-03-02;\"ein \"\"Wort\"\"\"\r\n\
        R-3;Acer;Container;12,5;;\r\n\
        ;Betula;Container;3;;\r\n\
        R-1;Rosa;Container;1;;\r\n\
        R-6;Tilia;Container;7;;gut\r\n";
    // Each of these characters is one byte of Windows-1252, the same as in Latin-1.
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("a character of Latin-1")).collect()
}

#[test]
fn a_growers_file_is_imported_once() {
    let data = folder();
    let path = data.path().join("data");
    provision(&path, "acme-plants");
    let file = data.path().join("bestand.csv");
    std::fs::write(&file, stock()).expect("the file");
    let import = |args: &[&str]| {
        run(vivero(&path)
            .args(["import", "entities", "--tenant", "acme-plants", "--json"])
            .args(args)
            .arg(&file))
    };
    let told = |output: &Output| {
        let values = values(output);
        let summary = values.last().expect("a line")["summary"].clone();
        let number = |name: &str| summary[name].as_u64().expect("a number");
        let counts = [number("rows"), number("created"), number("present"), number("bad")];
        let problems: Vec<String> = values
            .iter()
            .filter(|v| v["problem"].is_object())
            .map(|v| {
                format!(
                    "{} {} {}",
                    v["problem"]["line"], v["problem"]["column"], v["problem"]["rule"]
                )
                .replace('"', "")
            })
            .collect();
        (counts, problems, summary["written"].as_bool().expect("a truth"))
    };
    let problems: Vec<String> =
        ["5 Menge whole_number", "6 Artikelnr required", "7 Artikelnr duplicate"]
            .map(String::from)
            .to_vec();
    for (args, written) in
        [(&["--dry-run"][..], false), (&["--all-or-nothing"], false), (&[], true)]
    {
        let output = import(args);
        assert_eq!(output.status.code(), Some(1), "bad rows are no success: {output:?}");
        assert_eq!(told(&output), ([6, 3, 0, 3], problems.clone(), written), "{args:?}");
    }
    assert_eq!(told(&import(&[])).0, [6, 0, 3, 3], "a second time nothing is new");
    // With the marks other programs leave, and nothing wrong: all of it or nothing is all of it.
    let text = "\u{feff}code,name,quantity\nU-1,\"Prunus\n'Kanzan'\",5\nU-2,Quercus,6\n";
    std::fs::write(&file, text).expect("the file");
    let whole = import(&["--all-or-nothing"]);
    assert!(whole.status.success(), "{whole:?}");
    assert_eq!(told(&whole), ([2, 2, 0, 0], vec![], true));
    let none =
        run(vivero(&path).args(["import", "entities", "nothing.csv", "--tenant", "acme-plants"]));
    assert!(!none.status.success() && err(&none).contains("nothing.csv"), "{none:?}");
    let verified = &lines(&run(vivero(&path).args(["audit", "verify", "--json"])))[0];
    assert_eq!(verified["ok"], true, "{verified}");
}

/// A file that is put back past vivero: on MariaDB there is none.
#[test]
fn an_older_copy_is_refused_until_it_is_accepted() {
    if child::engine::server().is_some() {
        return;
    }
    let data = folder();
    let path = data.path();
    let made = lines(&provision(path, "acme-plants")).remove(0);
    lines(&provision(path, "beta-trees"));
    let name = made["id"].as_str().expect("an id").replace('-', "");
    let database = path.join("tenants").join(&name[30..]).join(format!("{name}.sqlite3"));
    let csv = path.join("lots.csv");
    let import = |code: &str| {
        std::fs::write(&csv, format!("code,name,quantity\n{code},Quercus robur,5\n"))
            .expect("a file");
        run(vivero(path).args(["import", "entities"]).arg(&csv).args(["--tenant", "acme-plants"]))
    };
    assert!(import("A-1").status.success());
    let older = std::fs::read(&database).expect("the database");
    assert!(import("A-2").status.success());
    std::fs::write(&database, older).expect("the copy");
    for ending in ["-wal", "-shm"] {
        let beside = database.with_file_name(format!("{name}.sqlite3{ending}"));
        drop(std::fs::remove_file(beside));
    }
    // Nobody works on it, and whoever looks is told what it is and what to do.
    let refused = import("A-3");
    assert!(!refused.status.success() && err(&refused).contains("older copy"), "{refused:?}");
    let verify = || run(vivero(path).args(["audit", "verify", "--json"]));
    let told = values(&verify());
    assert_eq!((&told[0]["ok"], &told[1]["ok"]), (&false.into(), &true.into()), "{told:?}");
    assert!(told[0]["error"].as_str().is_some_and(|e| e.contains("audit accept")), "{told:?}");
    let accept = |slug: &str, confirm: &str| {
        run(vivero(path).args([
            "audit",
            "accept",
            "--tenant",
            slug,
            "--confirm",
            confirm,
            "--json",
        ]))
    };
    let careless = accept("acme-plants", "acme");
    assert!(!careless.status.success() && err(&careless).contains("confirm"), "{careless:?}");
    let whole = accept("beta-trees", "beta-trees");
    assert!(!whole.status.success() && err(&whole).contains("nothing_to_accept"), "{whole:?}");
    let accepted = lines(&accept("acme-plants", "acme-plants")).remove(0);
    assert!(accepted["accepted"]["anchored"].as_u64() > Some(0), "{accepted}");
    assert!(import("A-3").status.success(), "it is the tenant's now");
    assert_eq!(lines(&verify()).len(), 2);
}

#[tokio::test]
async fn an_edited_journal_is_found() {
    let data = folder();
    let made = lines(&provision(data.path(), "acme-plants")).remove(0);
    lines(&provision(data.path(), "beta-trees"));
    let verify =
        |args: &[&str]| run(vivero(data.path()).args(["audit", "verify", "--json"]).args(args));
    assert_eq!(lines(&verify(&[])).len(), 2);
    let name = made["id"].as_str().expect("an id").replace('-', "");
    let edit = "UPDATE journal SET action = 'user.delete' WHERE action = 'user.create'";
    let edited = match child::engine::server() {
        None => {
            let file =
                data.path().join("tenants").join(&name[30..]).join(format!("{name}.sqlite3"));
            let url = format!("sqlite:{}", file.display());
            let pool = sqlx::SqlitePool::connect(&url).await.expect("the file");
            let edited = sqlx::query(edit).execute(&pool).await.expect("an edit").rows_affected();
            pool.close().await;
            edited
        }
        #[cfg(feature = "mariadb")]
        Some(server) => {
            let url = format!("{server}/t{name}");
            let pool = sqlx::MySqlPool::connect(&url).await.expect("the database");
            sqlx::query(edit).execute(&pool).await.expect("an edit").rows_affected()
        }
        #[cfg(not(feature = "mariadb"))]
        Some(_) => panic!("these tests were built without --features mariadb"),
    };
    assert_eq!(edited, 1);
    let found = verify(&[]);
    assert_eq!(found.status.code(), Some(1));
    let told: Vec<(bool, Value)> = values(&found)
        .iter()
        .map(|v| (v["ok"].as_bool().expect("a truth"), v["report"]["breaks"][0]["kind"].clone()))
        .collect();
    assert_eq!(told, [(false, "edited".into()), (true, Value::Null)]);
    assert_eq!(verify(&["--tenant", "acme-plants"]).status.code(), Some(1));
    assert_eq!(verify(&["--tenant", "beta-trees"]).status.code(), Some(0));
    let shown = run(vivero(data.path()).args(["audit", "verify"]));
    assert!(out(&shown).contains("BROKEN"), "{shown:?}");
    // One that is in an archive is named and passed over; the others are looked at all the same.
    lines(&provision(data.path(), "able-acres"));
    lines(&run(vivero(data.path()).args(["tenant", "archive", "able-acres", "--json"])));
    let told = values(&verify(&[]));
    let ok: Vec<Option<bool>> = told.iter().map(|v| v["ok"].as_bool()).collect();
    assert_eq!(ok, [None, Some(false), Some(true)], "{told:?}");
    assert!(told[0]["error"].as_str().is_some_and(|e| e.contains("archived")), "{told:?}");
    let shown = run(vivero(data.path()).args(["audit", "verify"]));
    assert!(out(&shown).contains("able-acres: passed over"), "{shown:?}");
    assert!(!verify(&["--tenant", "able-acres"]).status.success());
}

#[tokio::test]
async fn a_second_demo_is_the_first_one() {
    let data = folder();
    let demo = |args: &[&str]| {
        let mut command = vivero(data.path());
        command.args(["demo", "--records", "300", "--json"]).args(args);
        command
    };
    let first = lines(&run(&mut demo(&["--no-serve"]))).remove(0);
    assert!(
        first["base_url"].is_null()
            && first["platform_key"].as_str().is_some_and(|k| k.len() >= 32)
    );
    let running = Running::start(&mut demo(&["--listen", "127.0.0.1:0"]), false);
    let second: Value = serde_json::from_str(&running.line()).expect("one line of JSON");
    for name in ["tenant", "email", "password", "platform_key"] {
        assert_eq!(first[name], second[name], "{name}");
    }
    let text = |name: &str| second[name].as_str().expect("text");
    let (base, tenant) = (text("base_url"), text("tenant"));
    let http = reqwest::Client::new();
    let login = serde_json::json!({"email": text("email"), "password": text("password")});
    let login = http.post(format!("{base}/api/v1/{tenant}/auth/login")).json(&login).send().await;
    let tokens: Value = login.expect("an answer").json().await.expect("JSON");
    let asked = http.get(format!("{base}/api/v1/{tenant}/entities?total=true&limit=1"));
    let asked = asked.bearer_auth(tokens["access_token"].as_str().expect("a token")).send().await;
    let page: Value = asked.expect("an answer").json().await.expect("JSON");
    assert_eq!(page["total"], 300);
    let stats = http
        .get(format!("{base}/api/v1/platform/stats"))
        .bearer_auth(text("platform_key"))
        .send()
        .await;
    assert_eq!(stats.expect("an answer").status(), 200);
    running.kill();
}
