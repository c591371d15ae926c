//! A database server of this machine, as an installation lists it.

use vivero_core::server::{NewServer, TlsMode};

/// The server at `mysql://root@HOST:PORT`, or at `HOST:PORT`.
pub(crate) fn listed(name: &str, address: &str) -> NewServer {
    NewServer {
        name: name.into(),
        address: address.rsplit('@').next().expect("a place").into(),
        tls_mode: TlsMode::Preferred,
        tls_ca: None,
        account: "root".into(),
        password: String::new(),
        weight: 1,
        capacity: None,
    }
}
