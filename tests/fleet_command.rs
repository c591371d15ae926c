//! What is done to whole tenants and servers, as commands: `vivero tenant move|backup --store|archives|restore|
//! history`, `vivero server drain|remove`, `vivero operation …`, with what can be wrong about each.

#[path = "support/child.rs"]
mod child;

use child::{Running, engine, vivero};
use serde_json::Value;
use std::path::Path;
use std::process::Output;

fn run(data: &Path, args: &[&str]) -> Output {
    vivero(data).args(args).arg("--json").output().expect("the program")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn values(output: &Output) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    text(&output.stdout).lines().map(parse).collect()
}

/// The values of a successful command's lines.
fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{output:?}");
    values(output)
}

/// The problem that a command ended with, as one text.
fn problem(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let errors = text(&output.stderr);
    let last = errors.lines().last().expect("a line");
    let value: Value = serde_json::from_str(last).unwrap_or_else(|e| panic!("{errors}: {e}"));
    assert!(value["code"].is_string(), "{value}");
    value.to_string()
}

/// The same for people: words, and no JSON.
fn said(data: &Path, args: &[&str]) -> String {
    let output = vivero(data).args(args).output().expect("the program");
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(serde_json::from_str::<Value>(&said).is_err(), "{said}");
    said
}

fn provision(data: &Path, slug: &str) -> Value {
    let mut command = vivero(data);
    command.args(["tenant", "provision", slug, "--email", "owner@cli.example", "--json"]);
    let made = command.env("VIVERO_OWNER_PASSWORD", "correct horse battery").output();
    lines(&made.expect("the program")).remove(0)
}

fn set(data: &Path, server: &str, state: &str) {
    lines(&run(data, &["server", "set", server, "--state", state]));
}

/// Adds the second server, which takes no tenants before it is opened.
fn add_second(data: &Path) {
    let second = std::env::var("VIVERO_TEST_MARIADB_2").expect("another server (see tests/run)");
    let address = second.rsplit('@').next().expect("a place").trim_end_matches('/').to_owned();
    let add = ["server", "add", "second", "--address", &address, "--account", "root"];
    lines(&run(data, &[&add[..], &["--password-file", "/dev/null"]].concat()));
}

fn tenants_on(data: &Path, server: &str) -> u64 {
    let listed = lines(&run(data, &["server", "list"]));
    let found = listed.iter().find(|listed| listed["name"] == server).expect("a server");
    found["tenants"].as_u64().expect("a number")
}

#[test]
fn a_tenant_is_moved_to_a_server_that_is_named() {
    let data = tempfile::tempdir().expect("a folder");
    let data = data.path();
    provision(data, "acme-plants");
    let moving = |to: &[&str]| run(data, &[&["tenant", "move", "acme-plants"][..], to].concat());
    // Into a new database where it is.
    let here = lines(&moving(&[])).pop().expect("a line");
    assert_eq!((&here["kind"], &here["state"]), (&"move".into(), &"done".into()), "{here}");
    assert!(here["result"]["writes_stopped_ms"].is_u64(), "{here}");
    // What is wrong is said, and nothing is begun.
    for (to, why) in [
        ("second", "must be one of the database servers: main"),
        ("main", "is where tenant acme-plants is already"),
        ("no name", "letters"),
    ] {
        let refused = problem(&moving(&["--to", to]));
        assert!(refused.contains("invalid_input") && refused.contains(why), "{refused}");
    }
    let unknown = problem(&run(data, &["tenant", "move", "nobody-here", "--to", "main"]));
    assert!(unknown.contains("tenant_not_found"), "{unknown}");
    let shown = said(data, &["tenant", "move", "acme-plants", "--to", "main"]);
    assert!(shown.starts_with("error: to is where tenant acme-plants is already"), "{shown}");
    if engine::server().is_some() {
        add_second(data);
        set(data, "second", "down");
        let refused = problem(&moving(&["--to", "second"]));
        assert!(refused.contains("is down") && refused.contains("--state open"), "{refused}");
        set(data, "second", "open");
        let moved = lines(&moving(&["--to", "second"])).pop().expect("a line");
        assert_eq!((&moved["state"], &moved["result"]["from"]), (&"done".into(), &"main".into()));
        assert_eq!((tenants_on(data, "main"), tenants_on(data, "second")), (0, 1));
        let shown = said(data, &["tenant", "move", "acme-plants", "--to", "main"]);
        assert!(shown.contains("move") && shown.contains("writes_stopped_ms: "), "{shown}");
    }
    let verified = run(data, &["audit", "verify", "--tenant", "acme-plants"]);
    assert!(verified.status.success(), "{verified:?}");
    // Each database it has had is in its history, with the operation that made it.
    let history = lines(&run(data, &["tenant", "history", "acme-plants"]));
    let databases = if engine::server().is_some() { 4 } else { 2 };
    assert_eq!(history[0]["generation"], databases, "{history:?}");
    assert!(history[0]["operation"].is_string() && history[0]["state"] == "active", "{history:?}");
    let last = lines(&run(data, &["tenant", "history", "acme-plants", "--limit", "1"]));
    assert_eq!(last, history[..1]);
    let unknown = problem(&run(data, &["tenant", "history", "nobody-here"]));
    assert!(unknown.contains("tenant_not_found"), "{unknown}");
    let shown = said(data, &["tenant", "history", "acme-plants"]);
    assert!(shown.contains("generation 2") && shown.contains("(operation "), "{shown}");
}

#[test]
fn archives_are_kept_in_the_store_and_brought_back_by_name() {
    let data = tempfile::tempdir().expect("a folder");
    let data = data.path();
    let id = provision(data, "acme-plants")["id"].as_str().expect("an id").to_owned();
    let backup = ["tenant", "backup", "acme-plants", "--store"];
    let made: Vec<Value> = (0..3)
        .map(|_| {
            lines(&run(data, &[&backup[..], &["--keep", "2"]].concat())).pop().expect("a line")
        })
        .collect();
    assert!(made.iter().all(|made| made["state"] == "done"), "{made:?}");
    let archives = lines(&run(data, &["tenant", "archives", "acme-plants"]));
    let names: Vec<&Value> = archives.iter().map(|archive| &archive["name"]).collect();
    assert_eq!(names.len(), 2, "{archives:?}");
    assert_eq!(*names[0], made[2]["parameters"]["archive"], "newest first");
    assert_eq!(made[2]["result"]["removed"], serde_json::json!([made[0]["parameters"]["archive"]]));
    let name = names[0].as_str().expect("a name");
    assert!(name.starts_with("store:") && archives[0]["bytes"].as_u64() > Some(0), "{archives:?}");
    let shown = said(data, &["tenant", "archives", "acme-plants"]);
    assert!(shown.lines().count() == 2 && shown.contains(" bytes  store:"), "{shown}");
    for args in [
        &["tenant", "backup", "acme-plants", "--keep", "2"][..],
        &["tenant", "backup", "acme-plants", "--store", "--out", "a.vivero"],
    ] {
        let usage = run(data, args);
        assert_eq!(usage.status.code(), Some(2), "usage: {usage:?}");
    }
    for (keep, why) in [("0", "keep"), ("10001", "must be 1 to 10000")] {
        let refused = problem(&run(data, &[&backup[..], &["--keep", keep]].concat()));
        assert!(refused.contains(why), "{refused}");
    }

    // Proven, and brought back by its name.
    let restore = |args: &[&str]| run(data, &[&["tenant", "restore"][..], args].concat());
    let proof = lines(&restore(&["--archive", name, "--verify"])).remove(0);
    assert_eq!(proof["header"]["tenant"]["slug"], "acme-plants", "{proof}");
    let refused = problem(&restore(&["acme-plants", "--archive", name]));
    assert!(refused.contains("tenant_in_service") && refused.contains("replace"), "{refused}");
    let restored = lines(&restore(&["acme-plants", "--archive", name, "--replace"]));
    assert_eq!(restored.last().expect("a line")["state"], "done");
    // Others are not there, or no names.
    let absent = format!("{}{}", &name[..name.len() - 4], "0000");
    for (archive, codes) in [
        (absent.as_str(), &["not_found", "invalid_input"][..]),
        ("store:nonsense", &["invalid_input", "not_found"]),
        ("absent.vivero", &["invalid_input", "not_found"]),
    ] {
        for more in [&["--replace"][..], &["--verify"]] {
            let args = [&["acme-plants", "--archive", archive][..], more].concat();
            let refused = problem(&restore(&args));
            assert!(
                codes.iter().any(|code| refused.contains(code)),
                "{archive} {more:?}: {refused}"
            );
        }
    }
    let neither = problem(&restore(&[]));
    assert!(neither.contains("name the tenant"), "{neither}");
    let import = run(data, &["tenant", "import", "acme-again", "--archive", name]);
    assert_eq!(lines(&import).last().expect("a line")["state"], "done");
    let taken = problem(&run(data, &["tenant", "import", "acme-again", "--archive", name]));
    assert!(taken.contains("tenant_slug_taken"), "{taken}");

    // They outlive the tenant, under its id.
    lines(&run(
        data,
        &["tenant", "delete", "acme-plants", "--confirm", "acme-plants", "--grace-days", "0"],
    ));
    lines(&run(data, &["tenant", "purge", "acme-plants", "--confirm", "acme-plants"]));
    let gone = problem(&run(data, &["tenant", "archives", "acme-plants"]));
    assert!(gone.contains("tenant_not_found"), "{gone}");
    assert_eq!(lines(&run(data, &["tenant", "archives", &id])), archives);
    // The name is the archive's when nothing is said.
    lines(&restore(&["--archive", name]));
    assert_eq!(lines(&run(data, &["tenant", "show", "acme-plants"]))[0]["id"], id.as_str());
}

#[test]
fn a_server_is_drained_by_a_command_and_taken_off_the_list() {
    let data = tempfile::tempdir().expect("a folder");
    let data = data.path();
    for slug in ["acme-plants", "beta-growers", "crocus-fields"] {
        provision(data, slug);
    }
    let drain = |args: &[&str]| run(data, &[&["server", "drain"][..], args].concat());
    if engine::server().is_none() {
        for args in [&["server", "drain", "main"][..], &["server", "remove", "main"]] {
            let refused = problem(&run(data, args));
            assert!(refused.contains("one_server_only"), "{refused}");
        }
        return;
    }
    let never = problem(&drain(&["main", "--status"]));
    assert!(never.contains("drain_not_found"), "{never}");
    for (args, why) in [
        (&["third"][..], "server_not_found"),
        (&["main", "--to", "main"], "must be another server"),
        (&["main", "--to", "third"], "is no database server"),
    ] {
        let refused = problem(&drain(args));
        assert!(refused.contains(why), "{args:?}: {refused}");
    }
    // Nowhere to go: all stay, it is said why, and that is no success.
    let stayed = drain(&["main"]);
    assert_eq!(stayed.status.code(), Some(1), "{stayed:?}");
    let told = values(&stayed);
    let last = told.last().expect("a line");
    assert_eq!((told.len(), &last["stayed"], &last["state"]), (4, &3.into(), &"failed".into()));
    assert!(told[0]["message"].as_str().is_some_and(|why| why.contains("vivero server add")));

    add_second(data);
    set(data, "second", "down");
    let refused = problem(&drain(&["main", "--to", "second"]));
    assert!(refused.contains("is down"), "{refused}");
    set(data, "second", "open");
    // It is killed in the middle, and gone on with by the next.
    let mut command = vivero(data);
    command.args(["server", "drain", "main", "--to", "second", "--json"]);
    let killed = Running::start(&mut command, false);
    let first: Value = serde_json::from_str(&killed.line()).expect("JSON");
    assert_eq!(
        (&first["state"], &first["to"], &first["left"]),
        (&"done".into(), &"second".into(), &2.into())
    );
    assert!(first["writes_stopped_ms"].is_u64(), "{first}");
    killed.kill();
    let seen = lines(&drain(&["main", "--status"])).remove(0);
    assert_eq!((&seen["state"], &seen["total"]), (&"running".into(), &3.into()), "{seen}");
    let shown = said(data, &["server", "drain", "main", "--status"]);
    assert!(shown.starts_with("main: ") && shown.contains("to go (running)"), "{shown}");
    let other = problem(&drain(&["main"]));
    assert!(other.contains("drain_running") && other.contains("--state open"), "{other}");
    let done = lines(&drain(&["main", "--to", "second"]));
    let last = done.last().expect("a line");
    assert_eq!(
        (&last["state"], &last["moved"], &last["left"]),
        (&"done".into(), &3.into(), &0.into())
    );
    assert_eq!(last["id"], seen["id"], "the same one");
    assert_eq!((tenants_on(data, "main"), tenants_on(data, "second")), (0, 3));

    set(data, "second", "down");
    let down = problem(&drain(&["second"]));
    assert!(down.contains("server_down") && down.contains("--state draining"), "{down}");
    set(data, "second", "draining");
    let remove = |args: &[&str]| run(data, &[&["server", "remove"][..], args].concat());
    for (args, why) in [
        (&["second"][..], "vivero server drain second"),
        (&["main"], "holds the registry"),
        (&["main", "--lost"], "holds the registry"),
        (&["third"], "server_not_found"),
    ] {
        let refused = problem(&remove(args));
        assert!(refused.contains(why), "{args:?}: {refused}");
    }
    set(data, "main", "open");
    lines(&drain(&["second"]));
    let removed = lines(&remove(&["second"])).remove(0);
    assert_eq!(
        (&removed["removed"], &removed["tenants"]),
        (&"second".into(), &serde_json::json!([]))
    );
    assert_eq!(lines(&run(data, &["server", "list"])).len(), 1);
    assert!(run(data, &["audit", "verify"]).status.success());
}

#[test]
fn operations_are_listed_shown_gone_on_with_and_ended() {
    let data = tempfile::tempdir().expect("a folder");
    let data = data.path();
    provision(data, "acme-plants");
    let moved = lines(&run(data, &["tenant", "move", "acme-plants"])).pop().expect("a line");
    lines(&run(data, &["tenant", "rotate-credentials", "acme-plants"]));
    let listed = lines(&run(data, &["operation", "list"]));
    let kinds: Vec<&Value> = listed.iter().map(|operation| &operation["kind"]).collect();
    assert_eq!(kinds, ["rotate_credentials", "move"], "newest first");
    let id = moved["id"].as_str().expect("an id");
    // One that is over stays as it is, whatever is asked of it.
    for what in ["show", "resume", "end"] {
        let now = lines(&run(data, &["operation", what, id]));
        assert_eq!(now, std::slice::from_ref(&moved), "{what}");
        let nobody = "00000000-0000-0000-0000-000000000000";
        let unknown = problem(&run(data, &["operation", what, nobody]));
        assert!(unknown.contains("operation_not_found"), "{what}: {unknown}");
    }
    assert!(lines(&run(data, &["operation", "resume"])).is_empty(), "nothing is open");
    let one = lines(&run(data, &["operation", "list", "--tenant", "acme-plants", "--limit", "1"]));
    assert_eq!(one, listed[..1]);
    assert!(lines(&run(data, &["operation", "list", "--tenant", "nobody-here"])).is_empty());
}

/// Begins to move a tenant to the second server, and kills it after the switch, before the database it had is removed.
fn killed_after_the_switch(data: &Path) -> String {
    let generation = || lines(&run(data, &["tenant", "history", "acme-plants", "--limit", "1"]));
    for _ in 0..5 {
        let before = generation()[0]["generation"].clone();
        let mut command = vivero(data);
        command.args(["tenant", "move", "acme-plants", "--to", "second", "--json"]);
        let moving = Running::start(&mut command, false);
        // It waits about a second until everybody knows of the new database.
        while generation()[0]["generation"] == before {}
        moving.kill();
        let newest = lines(&run(data, &["operation", "list", "--limit", "1"])).remove(0);
        if newest["state"] == "running" {
            return newest["id"].as_str().expect("an id").to_owned();
        }
        // It came to its end first: once more.
        lines(&run(data, &["tenant", "move", "acme-plants", "--to", "main"]));
    }
    panic!("it was never killed in time");
}

#[test]
fn a_move_whose_target_is_gone_is_turned_back_by_a_command() {
    if engine::server().is_none() {
        return;
    }
    let data = tempfile::tempdir().expect("a folder");
    let data = data.path();
    provision(data, "acme-plants");
    add_second(data);
    let id = killed_after_the_switch(data);
    set(data, "second", "down");
    let end = |more: &[&str]| run(data, &[&["operation", "end", &id][..], more].concat());
    let refused = problem(&end(&[]));
    for said in ["move_switched", "still on server main", "--turn-back"] {
        assert!(refused.contains(said), "{refused}");
    }
    let turned = lines(&end(&["--turn-back"])).remove(0);
    assert_eq!(turned["state"], "failed", "{turned}");
    assert_eq!(turned["result"]["given_up"]["server"], "second", "{turned}");
    let message = turned["message"].as_str().unwrap_or_default();
    assert!(message.contains("turned back by an operator"), "{turned}");
    assert_eq!((tenants_on(data, "main"), tenants_on(data, "second")), (1, 0));
    lines(&run(data, &["tenant", "rotate-credentials", "acme-plants"]));
    let listed = lines(&run(data, &["server", "list"]));
    let kept = &listed.iter().find(|s| s["name"] == "second").expect("listed")["kept"];
    let database = kept[0]["database"].as_str().expect("a database");
    assert_eq!((&kept[0]["operation"], &kept[0]["slug"]), (&id.into(), &"acme-plants".into()));
    let remove = |name: &str| run(data, &["server", "remove-kept", "second", name]);
    let command = format!("vivero server remove-kept second {database}");
    assert!(message.contains(&command) && said(data, &["server", "list"]).contains(&command));
    let down = problem(&remove(database));
    assert!(down.contains("out of service"), "{down}");
    set(data, "second", "open");
    let refused = problem(&run(data, &["tenant", "move", "acme-plants", "--to", "second"]));
    assert!(refused.contains("invalid_input") && refused.contains(&command), "{refused}");
    let unknown = problem(&remove("nothing"));
    assert!(unknown.contains("kept_database_not_found"), "{unknown}");
    assert_eq!(lines(&remove(database))[0]["removed"], database);
    let moved = lines(&run(data, &["tenant", "move", "acme-plants", "--to", "second"]));
    assert_eq!(moved.last().expect("a line")["state"], "done");
    assert!(run(data, &["audit", "verify", "--tenant", "acme-plants"]).status.success());
}

#[test]
fn a_move_with_no_database_left_is_given_up_by_a_command() {
    if engine::server().is_none() {
        return;
    }
    let data = tempfile::tempdir().expect("a folder");
    let data = data.path();
    provision(data, "acme-plants");
    let archive = data.join("one.vivero").display().to_string();
    lines(&run(data, &["tenant", "backup", "acme-plants", "--out", &archive]));
    add_second(data);
    let id = killed_after_the_switch(data);
    set(data, "second", "down");
    let end = |more: &[&str]| run(data, &[&["operation", "end", &id][..], more].concat());
    let both = end(&["--turn-back", "--give-up"]);
    assert_eq!(both.status.code(), Some(2), "{both:?}");
    let refused = problem(&end(&["--give-up"]));
    assert!(refused.contains("is whole, on server main"), "{refused}");
    // The database before is out of reach as well.
    set(data, "main", "down");
    let refused = problem(&end(&["--turn-back"]));
    let command = format!("vivero operation end {id} --give-up");
    assert!(refused.contains("database_before") && refused.contains(&command), "{refused}");
    let given = lines(&end(&["--give-up"])).remove(0);
    assert_eq!(given["state"], "failed", "{given}");
    let message = given["message"].as_str().unwrap_or_default();
    assert!(message.contains("vivero server remove second --lost"), "{given}");
    set(data, "main", "open");
    let listed = lines(&run(data, &["server", "list"]));
    let kept = &listed.iter().find(|s| s["name"] == "main").expect("listed")["kept"];
    let database = kept[0]["database"].as_str().expect("a database");
    let command = format!("vivero server remove-kept main {database}");
    assert!(message.contains(&command) && said(data, &["server", "list"]).contains(&command));
    let gone = lines(&run(data, &["server", "remove", "second", "--lost"])).remove(0);
    assert_eq!(gone["tenants"], serde_json::json!(["acme-plants"]), "{gone}");
    lines(&run(data, &["server", "remove-kept", "main", database]));
    let restore = ["tenant", "restore", "acme-plants", "--archive", &archive];
    let restored = lines(&run(data, &restore));
    assert_eq!(restored.last().expect("a line")["state"], "done");
    assert!(run(data, &["audit", "verify", "--tenant", "acme-plants"]).status.success());
}
