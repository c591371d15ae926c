//! The engine installations of tests lie on: SQLite, or with `VIVERO_TEST_ENGINE=mariadb` the server
//! that `VIVERO_TEST_MARIADB` names (`tests/run` starts a private one).

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// The key for tenants' database passwords: bytes 0 to 31.
pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The database server, if tests run on one: `mysql://USER@HOST:PORT`.
pub(crate) fn server() -> Option<&'static str> {
    static SERVER: OnceLock<Option<String>> = OnceLock::new();
    SERVER
        .get_or_init(|| match std::env::var("VIVERO_TEST_ENGINE").as_deref() {
            Err(_) | Ok("sqlite") => None,
            Ok("mariadb") => {
                let address = std::env::var("VIVERO_TEST_MARIADB");
                let address =
                    address.expect("VIVERO_TEST_MARIADB names the server (see tests/run)");
                Some(address.trim_end_matches('/').to_owned())
            }
            Ok(other) => panic!("VIVERO_TEST_ENGINE is {other}; it may be sqlite or mariadb"),
        })
        .as_deref()
}

/// Name of the registry's database of the installation in `folder`.
pub(crate) fn registry(folder: &Path) -> String {
    let name: String =
        folder.to_string_lossy().chars().filter(char::is_ascii_alphanumeric).collect();
    let from = name.len().saturating_sub(24);
    format!("reg_{}_{}", std::process::id(), &name[from..])
}

/// The address of the installation in `folder`; the same for the same folder.
pub(crate) fn url(folder: &Path) -> String {
    match server() {
        None => format!("sqlite:{}", folder.display()),
        Some(server) => format!("{server}/{}", registry(folder)),
    }
}

/// What the engine needs to be told for the command line.
pub(crate) fn settings(command: &mut Command, folder: &Path) {
    if server().is_some() {
        command.env("VIVERO_DATABASE_URL", url(folder)).env("VIVERO_KEY", KEY);
    }
}
