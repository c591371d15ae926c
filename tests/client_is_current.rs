//! The typed client is the one that belongs to the server: the committed document is the server's own,
//! and the committed code is made from it.
//!
//! After a change of the API:
//! `VIVERO_UPDATE=1 cargo test -p vivero-workspace --test client_is_current`

#[path = "support/generate_client.rs"]
mod generate_client;

use std::fs;
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vivero-client").join(name)
}

/// Holds the file against what it should be, or writes it.
fn compare(name: &str, expected: &str) {
    let path = file(name);
    if std::env::var_os("VIVERO_UPDATE").is_some() {
        fs::write(&path, expected).expect("writing the file");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let differs = committed.lines().zip(expected.lines()).position(|(a, b)| a != b);
    assert!(
        committed == expected,
        "vivero-client/{name} is out of date from line {} on; with VIVERO_UPDATE=1 this test writes it",
        differs.unwrap_or(committed.lines().count().min(expected.lines().count())) + 1,
    );
}

// One test, since the code is made from the document that the first half may just have written.
#[test]
fn the_committed_document_and_client_are_current() {
    compare("openapi.json", &vivero_server::openapi());
    let document = fs::read_to_string(file("openapi.json")).expect("the document");
    let generated = generate_client::generate(&document).expect("a client");
    compare("src/generated.rs", &generated);
}
