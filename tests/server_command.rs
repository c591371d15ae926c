//! `vivero server …` and `vivero tenant rotate-credentials`, as processes of their own, on either engine.

#[expect(dead_code, reason = "these commands end by themselves")]
#[path = "support/child.rs"]
mod child;

use child::{engine, vivero};
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

fn run(data: &Path, args: &[&str]) -> Output {
    vivero(data).args(args).arg("--json").output().expect("the program")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// The values of a successful command's lines.
fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{output:?}");
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    text(&output.stdout).lines().map(parse).collect()
}

/// The problem that a command ended with.
fn problem(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let errors = text(&output.stderr);
    let last = errors.lines().last().expect("a line");
    serde_json::from_str(last).unwrap_or_else(|e| panic!("{errors}: {e}"))
}

fn provision(data: &Path, slug: &str) {
    let mut command = vivero(data);
    command.args(["tenant", "provision", slug, "--email", "owner@cli.example", "--json"]);
    let made = command.env("VIVERO_OWNER_PASSWORD", "correct horse battery").output();
    lines(&made.expect("the program"));
}

#[test]
fn the_servers_are_listed_for_people_and_machines() {
    let data = tempfile::tempdir().expect("a folder");
    provision(data.path(), "acme-plants");
    let listed = lines(&run(data.path(), &["server", "list"]));
    assert_eq!((listed.len(), &listed[0]["name"]), (1, &"main".into()));
    assert_eq!((&listed[0]["state"], &listed[0]["tenants"]), (&"open".into(), &1.into()));
    assert!(listed[0].get("password").is_none(), "{listed:?}");
    let shown = vivero(data.path()).args(["server", "list"]).output().expect("the program");
    let shown = text(&shown.stdout);
    assert!(shown.starts_with("main") && shown.contains("1 tenants"), "{shown}");
}

#[test]
fn what_is_wrong_with_a_server_is_said_before_anything_is_opened() {
    let data = tempfile::tempdir().expect("a folder");
    let add = ["server", "add"];
    for (args, field) in [
        (vec!["no name", "--address", "127.0.0.1", "--account", "root"], "name"),
        (vec!["two", "--address", "127.0.0.1:x", "--account", "root"], "address"),
        (
            vec!["two", "--address", "127.0.0.1", "--account", "root", "--tls-mode", "some"],
            "tls_mode",
        ),
        (vec!["two", "--address", "127.0.0.1", "--account", "root", "--weight", "0"], "weight"),
    ] {
        let refused = problem(&run(data.path(), &[&add[..], &args].concat()));
        assert!(refused.to_string().contains(field), "{args:?}: {refused}");
    }
    let absent = data.path().join("absent");
    let file = absent.to_str().expect("a path");
    let args = ["two", "--address", "127.0.0.1", "--account", "root", "--password-file", file];
    let refused = problem(&run(data.path(), &[&add[..], &args].concat()));
    assert!(refused.to_string().contains("password_file"), "{refused}");
    for (args, field) in [
        (["main", "--state", "asleep"], "state"),
        (["main", "--capacity", "many"], "capacity"),
        (["main", "--weight", "0"], "weight"),
    ] {
        let refused = problem(&run(data.path(), &[&["server", "set"][..], &args].concat()));
        assert!(refused.to_string().contains(field), "{args:?}: {refused}");
    }
    let made = std::fs::read_dir(data.path()).expect("the folder").count();
    assert_eq!(made, 0, "nothing was opened");
}

#[test]
fn servers_are_added_and_changed() {
    let data = tempfile::tempdir().expect("a folder");
    if engine::server().is_none() {
        // An installation on SQLite has one server.
        for args in [
            &["server", "add", "second", "--address", "127.0.0.1", "--account", "root"][..],
            &["server", "set", "main", "--state", "draining"],
        ] {
            let refused = problem(&run(data.path(), args));
            assert!(refused["code"].is_string(), "{refused}");
        }
        return;
    }
    let second = std::env::var("VIVERO_TEST_MARIADB_2").expect("another server (see tests/run)");
    let address = second.rsplit('@').next().expect("a place").trim_end_matches('/').to_owned();
    let add = ["server", "add", "second", "--address", &address, "--account"];
    // One that does not let it in is not added.
    let password = data.path().join("password");
    std::fs::write(&password, "wrong\n").expect("a file");
    let file = ["nobody-there", "--password-file", password.to_str().expect("a path")];
    let refused = problem(&run(data.path(), &[&add[..], &file].concat()));
    assert!(!refused["code"].is_null(), "{refused}");
    // The password may come from standard input.
    let mut command = vivero(data.path());
    command.args(add).args(["root", "--capacity", "5", "--weight", "3", "--json"]);
    let mut adding = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    adding.stdin.take().expect("its input").write_all(b"\n").expect("an empty line");
    let added = lines(&adding.wait_with_output().expect("its end")).remove(0);
    assert_eq!((&added["name"], &added["state"]), (&"second".into(), &"open".into()));
    assert_eq!((&added["capacity"], &added["weight"]), (&5.into(), &3.into()));
    let twice =
        problem(&run(data.path(), &[&add[..], &["root", "--password-file", "/dev/null"]].concat()));
    assert!(twice["code"].as_str().is_some_and(|code| code.contains("taken")), "{twice}");

    let set = ["server", "set", "main", "--state", "draining", "--weight", "7"];
    assert_eq!(lines(&run(data.path(), &set))[0]["state"], "draining");
    provision(data.path(), "acme-plants");
    let listed = lines(&run(data.path(), &["server", "list"]));
    let tenants = |name: &str| {
        let server = listed.iter().find(|server| server["name"] == name);
        server.expect("a server")["tenants"].clone()
    };
    assert_eq!((tenants("main"), tenants("second")), (0.into(), 1.into()), "{listed:?}");
    let set = ["server", "set", "second", "--capacity", "none"];
    assert!(lines(&run(data.path(), &set))[0]["capacity"].is_null());
    let unknown = problem(&run(data.path(), &["server", "set", "third", "--weight", "2"]));
    assert_eq!(unknown["code"], "server_not_found", "{unknown}");
}

#[test]
fn a_tenants_account_gets_another_password() {
    let data = tempfile::tempdir().expect("a folder");
    provision(data.path(), "acme-plants");
    provision(data.path(), "beta-growers");
    let one = lines(&run(data.path(), &["tenant", "rotate-credentials", "acme-plants"]));
    assert_eq!((&one[0]["slug"], &one[0]["rotated"]), (&"acme-plants".into(), &true.into()));
    let all = lines(&run(data.path(), &["tenant", "rotate-credentials", "--all"]));
    let slugs: Vec<&Value> = all.iter().map(|line| &line["slug"]).collect();
    assert_eq!(slugs, ["acme-plants", "beta-growers"]);
    // It still opens, by the new password.
    let verified = run(data.path(), &["audit", "verify", "--tenant", "acme-plants"]);
    assert!(verified.status.success(), "{verified:?}");
    let unknown = problem(&run(data.path(), &["tenant", "rotate-credentials", "nobody-here"]));
    assert_eq!(unknown["code"], "tenant_not_found", "{unknown}");
    let neither = run(data.path(), &["tenant", "rotate-credentials"]);
    assert_eq!(neither.status.code(), Some(2), "usage: {neither:?}");
}
