//! `vivero doctor` where an installation does not open, as a process of its own, on either engine.

#[expect(dead_code, reason = "this command ends by itself")]
#[path = "support/child.rs"]
mod child;

use child::{engine, vivero};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// `vivero doctor`, which listens nowhere else.
fn doctor(data: &Path) -> Command {
    let mut command = vivero(data);
    command.args(["doctor", "--json"]).env("VIVERO_LISTEN", "127.0.0.1:0");
    command
}

/// What it finds, whatever that is, and whether it says that all is well.
fn examined(command: &mut Command) -> (Vec<Value>, bool) {
    let output = command.output().expect("the program");
    assert!(output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    (text.lines().map(parse).collect(), output.status.success())
}

/// Where something is wrong.
fn found(command: &mut Command) -> Vec<Value> {
    let (found, well) = examined(command);
    assert!(!well, "{found:?}");
    found
}

/// The finding of that name; of the servers' the first.
fn of<'f>(found: &'f [Value], check: &str) -> &'f Value {
    found.iter().find(|f| f["check"] == check).unwrap_or_else(|| panic!("{check}: {found:?}"))
}

fn text<'f>(finding: &'f Value, field: &str) -> &'f str {
    finding[field].as_str().unwrap_or_else(|| panic!("{field}: {finding}"))
}

/// A finding that failed, about a server that could not be looked at.
fn unreached<'f>(found: &'f [Value], cause: &str, remedy: &str) -> &'f Value {
    let connection = of(found, "connection");
    assert_eq!((&connection["server"], &connection["verdict"]), (&"main".into(), &"failed".into()));
    assert!(text(connection, "detail").contains(cause), "{connection}");
    assert!(text(connection, "remedy").contains(remedy), "{connection}");
    let database = of(found, "database");
    assert_eq!(database["verdict"], "failed", "{database}");
    assert!(text(database, "detail").contains(cause), "{database}");
    connection
}

/// What needs no database is looked at all the same.
fn rest_is_fine(found: &[Value]) {
    for check in ["data folder", "durable writes", "open files", "files", "scanner"] {
        assert_ne!(of(found, check)["verdict"], "failed", "{found:?}");
    }
}

#[test]
fn a_database_that_does_not_open_keeps_nothing_else_from_being_looked_at() {
    let data = tempfile::tempdir().expect("a folder");
    let mut command = doctor(data.path());
    if engine::server().is_none() {
        std::fs::write(data.path().join("registry.sqlite3"), "not a database\n".repeat(99))
            .expect("a file");
        let found = found(&mut command);
        assert_eq!(of(&found, "database")["verdict"], "failed");
        assert!(found.iter().all(|f| f["server"].is_null()), "there is no server: {found:?}");
        return rest_is_fine(&found);
    }
    // Nothing serves there.
    command.env("VIVERO_DATABASE_URL", "mysql://root:hunter2@127.0.0.1:1/nowhere");
    let found = found(&mut command);
    let connection = unreached(&found, "Connection refused", "start the server");
    assert!(text(connection, "detail").starts_with("127.0.0.1:1: "), "{connection}");
    assert!(!format!("{found:?}").contains("hunter2"), "no password is shown");
    rest_is_fine(&found);
}

#[test]
fn a_server_that_refuses_the_account_is_named_with_what_it_says() {
    let data = tempfile::tempdir().expect("a folder");
    let Some(server) = engine::server() else {
        // An installation on SQLite has no accounts.
        let (found, well) = examined(&mut doctor(data.path()));
        assert!(well && found.iter().all(|f| f["check"] != "connection"), "{found:?}");
        return;
    };
    let place = server.rsplit('@').next().expect("a place");
    let mut command = doctor(data.path());
    command.env("VIVERO_DATABASE_URL", format!("mysql://nobody-there:hunter2@{place}/nowhere"));
    let found = found(&mut command);
    let connection = unreached(&found, "Access denied for user 'nobody-there'", "password");
    assert!(text(connection, "remedy").contains("nobody-there"), "{connection}");
    assert!(!format!("{found:?}").contains("hunter2"), "no password is shown");
    rest_is_fine(&found);
}

#[test]
fn the_server_is_looked_at_where_the_key_is_another() {
    let data = tempfile::tempdir().expect("a folder");
    let (first, well) = examined(&mut doctor(data.path()));
    assert!(well, "{first:?}");
    if engine::server().is_none() {
        return;
    }
    let servers = |found: &[Value]| {
        let of_server = found.iter().filter(|f| f["server"] == "main" && f["check"] != "state");
        of_server.map(|f| text(f, "check").to_owned()).collect::<Vec<_>>()
    };
    let mut command = doctor(data.path());
    command.env("VIVERO_KEY", "//////////////////////////////////////////8=");
    let found = found(&mut command);
    let database = of(&found, "database");
    assert!(text(database, "detail").contains("not the key"), "{database}");
    assert_eq!(servers(&found), servers(&first), "all that is looked at on one that opens");
    assert!(found.iter().filter(|f| f["check"] != "database").all(|f| f["verdict"] != "failed"));
}

#[test]
fn open_files_are_counted_as_the_engine_needs_them() {
    let data = tempfile::tempdir().expect("a folder");
    let need = |tenants: &str, connections: Option<&str>| {
        let mut command = doctor(data.path());
        command.env("VIVERO_MAX_OPEN_TENANTS", tenants);
        if let Some(connections) = connections {
            command.env("VIVERO_MAX_CONNECTIONS", connections);
        }
        let (found, _) = examined(&mut command);
        let detail = text(of(&found, "open files"), "detail").to_owned();
        let need = detail.split(" allowed, ").nth(1).and_then(|rest| rest.split(' ').next());
        need.and_then(|n| n.parse::<u64>().ok()).unwrap_or_else(|| panic!("{detail}"))
    };
    if engine::server().is_none() {
        assert_eq!(need("256", None), 256 * 15 + 200, "three files for each of five connections");
        return;
    }
    assert_eq!(need("4", None), 4 * 20 + 16 + 6 + 200, "a socket for each connection");
    assert!(need("64", None) < 64 * 20, "no more than the server allows");
    assert_eq!(need("64", Some("100")), 100 + 16 + 6 + 200, "as far as there may be so many");
}
