//! The server of an address by itself, for an installation that does not open.

use super::super::MariaDbOptions;
use super::super::server::Server;
use super::{Report, look, named};
use chrono::{DateTime, Utc};
use sqlx::mysql::MySqlDatabaseError;
use vivero_core::Error;
use vivero_core::server::{MAIN, ServerFinding};

/// Looks at the server of an address, at each node of a cluster, and changes nothing there. Nothing is found at an
/// address that cannot be read: opening says what is wrong with it.
pub(crate) async fn examine_address(
    url: &str,
    options: &MariaDbOptions,
    now: DateTime<Utc>,
) -> Vec<ServerFinding> {
    let Ok(server) = Server::read(url, options.clone()) else { return Vec::new() };
    let mut found = Vec::new();
    for (node, place) in server.places() {
        let name = named(MAIN, node.as_deref());
        let mut report = Report { server: &name, found: Vec::new() };
        let looked = look((&server, &place), node.is_some(), options, now, &mut report);
        if let Err(error) = looked.await {
            let at = match place.get_socket() {
                Some(socket) => socket.display().to_string(),
                None => format!("{}:{}", place.get_host(), place.get_port()),
            };
            let detail = format!("{at}: {}", error.with_causes());
            report.fail("connection", detail, remedy(&error, place.get_username()));
        }
        found.extend(report.found);
    }
    found
}

/// What to do about a server that could not be looked at.
fn remedy(error: &Error, account: &str) -> String {
    let cause = std::error::Error::source(error).and_then(|e| e.downcast_ref::<sqlx::Error>());
    let number = match cause {
        Some(sqlx::Error::Database(e)) => {
            e.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
        }
        _ => None,
    };
    match (number, cause) {
        // Wrong password, no right, a host it does not know.
        (Some(1044 | 1045 | 1130 | 1698), _) => format!(
            "check account and password in VIVERO_DATABASE_URL (there @ is %40, : %3A and / %2F), and that {account} \
             may sign in from this machine: SELECT user, host FROM mysql.user, as the server's root"
        ),
        (Some(1040 | 1203 | 1226), _) => {
            "end connections that nobody needs, or raise max_connections on the server".into()
        }
        (None, None | Some(sqlx::Error::Io(_))) => {
            "start the server, or correct HOST:PORT in VIVERO_DATABASE_URL; it must listen there (bind_address) and be \
             reached from here, and offer TLS if the address asks for it"
                .into()
        }
        _ => format!("look at the server's error log, and at what the account {account} may do"),
    }
}
