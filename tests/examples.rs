//! The examples do what they say: each runs to its end and prints what it promises.

use std::path::PathBuf;
use std::process::Command;
use vivero_core::{NewTenant, Owner, Vivero};
use vivero_store::Open as _;

/// The built example, beside the tests' own folder; built if nobody has.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test's own path");
    let profile = test.ancestors().nth(2).expect("the profile's folder");
    let path = profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if !path.exists() {
        let built = Command::new(env!("CARGO"))
            .args(["build", "-p", "vivero-workspace", "--example", name])
            .status();
        assert!(built.expect("cargo").success() && path.exists(), "{} is missing", path.display());
    }
    path
}

/// Runs an example and looks for `expected` in what it prints, in that order.
fn runs(name: &str, arguments: &[&str], expected: &[&str]) {
    let mut command = Command::new(example(name));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("VIVERO_") {
            command.env_remove(name);
        }
    }
    let output = command.args(arguments).output().expect("the example");
    assert!(output.status.success(), "{name}: {output:?}");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    let mut rest = printed.as_str();
    for line in expected {
        rest =
            rest.split_once(line).unwrap_or_else(|| panic!("{name}: no {line:?} in\n{printed}")).1;
    }
}

#[test]
fn embed() {
    runs(
        "embed",
        &[],
        &[
            "acme-plants has a database of its own",
            "ready in bed 7: 4000 of Lavandula angustifolia 'Hidcote'",
            "version 4: entity.move",
            "version 1: entity.create",
            "changes on record, the chain holds",
        ],
    );
}

#[test]
fn custom_record() {
    runs(
        "custom_record",
        &[],
        &[
            "most water: 200 l of 3 runs",
            "found by its note: 80 l",
            "merged: 85 l, Some(\"after light rain\")",
            "conflict in litres: base 80, theirs 85, mine 90",
            "3 runs, the last one has 5 changes on record",
        ],
    );
}

#[test]
fn mount_in_your_server() {
    runs(
        "mount_in_your_server",
        &["--once"],
        &["/hello: Ok(200)", "/plants/health/live: Ok(200)", "/plants/openapi.json: Ok(200)"],
    );
}

#[test]
fn client() {
    runs(
        "client",
        &[],
        &[
            "signed in to acme-plants as Admin",
            "conflict in name: theirs \"Lavandula 'Hidcote'\", mine \"Lavandula 'Munstead'\"",
            "found 480 pieces of Lavandula 'Hidcote', processing",
            "seen live: entity.create, entity.transition, entity.update",
            "signed out",
        ],
    );
}

#[tokio::test]
async fn own_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("UTF-8");
    let vivero = Vivero::open(&format!("sqlite:{data}")).await.expect("an installation");
    let owner = Owner::new("grower@example.com", "correct horse battery");
    let tenant = NewTenant::trial("acme-plants", owner);
    vivero.tenants().provision(tenant).await.expect("a tenant that vivero alone made");
    vivero.close().await;
    let migrate = |command: &str, expected: &[&str]| {
        runs("own_program", &["migrate", command, "--data", data], expected);
    };
    migrate(
        "plan",
        &[
            "0 tenants have it, 1 do not",
            "CREATE TABLE IF NOT EXISTS irrigation_runs",
            "migration 20261101 1: CREATE TABLE IF NOT EXISTS bed_areas",
        ],
    );
    migrate("up", &["1 of 1 done, 0 failed"]);
    migrate("verify", &["acme-plants", "ok"]);
    migrate("plan", &["1 tenants have it, 0 do not"]);
}
