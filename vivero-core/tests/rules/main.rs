//! The rules of the core, without any storage: tables, properties, limits.

mod cursors;
mod entities;
mod file_contents;
mod file_keys;
mod file_names;
mod file_rules;
mod file_streams;
mod filters;
mod journal;
mod lifecycle;
mod locations;
mod merging;
mod migrations;
mod operations;
mod passwords;
mod permissions;
mod refresh;
mod search;
mod tenants;
mod tokens;
mod users;

use std::path::Path;
use vivero_core::Error;
use vivero_core::error::Check;

/// Holds text against a committed file; with `UPDATE_SNAPSHOTS` set, writes it instead.
#[track_caller]
fn assert_snapshot(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, text).expect("writing a snapshot");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, kept, "{name} differs; UPDATE_SNAPSHOTS=1 writes it anew");
}

/// The broken rules as `field: rule`, in the order they were found.
fn broken(check: Check) -> Vec<String> {
    match check.done() {
        Ok(()) => Vec::new(),
        Err(error) => rules(&error),
    }
}

fn rules(error: &Error) -> Vec<String> {
    match error {
        Error::Invalid(rules) => rules.iter().map(|r| format!("{}: {}", r.field, r.rule)).collect(),
        other => panic!("broken rules were expected, not {other:?}"),
    }
}
