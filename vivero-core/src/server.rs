//! Database servers: where tenants' databases are, and how much each server is used.

use crate::error::{Check, Result};
use crate::ids::TenantId;
use crate::tenant::Slug;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::fmt;
use uuid::Uuid;

/// The server an installation was opened with. It also holds the registry.
pub const MAIN: &str = "main";

crate::text_enum! {
    /// What a database server is used for.
    pub enum ServerState {
        /// Takes new tenants.
        Open = "open",
        /// Takes no new tenants; those it has work as ever.
        Draining = "draining",
        /// Out of service: requests to its tenants are answered "try later" at once.
        Down = "down",
    }
}

crate::text_enum! {
    /// How connections to a database server are protected.
    pub enum TlsMode {
        /// Not at all: for loopback and private wires.
        Disabled = "disabled",
        /// With TLS where the server offers it, whoever it is.
        Preferred = "preferred",
        /// With TLS, whoever it is.
        Required = "required",
        /// With TLS, and the server's certificate must come from a known authority.
        VerifyCa = "verify_ca",
        /// The same, and the certificate must name the server's host.
        VerifyIdentity = "verify_identity",
    }
}

/// Figures of a process's connections to one database server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct ConnectionStats {
    /// Connections there are now.
    pub open: u64,
    /// Of them those at work.
    pub in_use: u64,
    /// Most there may be.
    pub max: u64,
    /// Tasks that wait for one now.
    pub waiting: u64,
    /// Seconds that tasks have waited for one, since the start, in all.
    pub waited_seconds: f64,
    /// Opened since the start.
    pub opened: u64,
    /// Idle ones closed since the start to make room for others.
    pub evicted: u64,
    /// Tasks refused since the start because all were in use for too long.
    pub refused: u64,
}

/// A database server.
#[derive(Debug, Clone, PartialEq)]
pub struct DatabaseServer {
    /// Its name in this installation.
    pub name: String,
    /// Where it is: `HOST:PORT`, or a folder.
    pub address: String,
    /// How connections to it are protected.
    pub tls_mode: TlsMode,
    /// The account that makes databases and accounts on it; empty where there are no accounts.
    pub account: String,
    /// Its share of new tenants, beside the other servers' weights. 1 to 1,000.
    pub weight: u32,
    /// Most tenants it takes; without limit if absent.
    pub capacity: Option<u64>,
    /// What it is used for.
    pub state: ServerState,
    /// Tenants whose databases are on it.
    pub tenants: u64,
    /// Prepared databases on it that wait for a tenant.
    pub standby: u64,
    /// What is left on it of databases that could not be removed; they are when it answers again.
    pub leftovers: u64,
    /// Databases on it that are nobody's, and that nothing removes but an operator: what was written there last
    /// may be nowhere else.
    pub kept: Vec<KeptDatabase>,
    /// Grows with each change.
    pub version: i64,
    /// When it was last changed.
    pub changed_at: DateTime<Utc>,
    /// This process's connections to it.
    pub connections: ConnectionStats,
}

/// A database that a tenant has no more, and that may hold what is nowhere else: on the server that was lost when an
/// operator took the tenant back to the database before, or that one before, when neither could be used (see
/// [`crate::operations::Operations::end`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptDatabase {
    /// The server it is on.
    pub server: String,
    /// Its name there.
    pub database: String,
    /// Whose it was.
    pub tenant: TenantId,
    /// That tenant's name.
    pub slug: Slug,
    /// Its generation, which the tenant does not get again while it is kept.
    pub generation: i64,
    /// The move that was turned back or given up.
    pub operation: Uuid,
    /// Since when it is nobody's.
    pub kept_at: DateTime<Utc>,
}

/// The server that takes the next tenant which leaves `from`: of the others that are open and have room the
/// one that is least filled relative to its weight, as new tenants are placed.
///
/// ```
/// # use vivero_core::server::{ConnectionStats, DatabaseServer, ServerState, TlsMode, emptiest};
/// # let server = |name: &str, weight, tenants| DatabaseServer {
/// #     name: name.into(), address: String::new(), tls_mode: TlsMode::Disabled, account: String::new(),
/// #     weight, capacity: Some(10), state: ServerState::Open, tenants, standby: 0, leftovers: 0, kept: vec![],
/// #     version: 1, changed_at: Default::default(), connections: ConnectionStats::default(),
/// # };
/// let servers = [server("a", 1, 0), server("b", 1, 3), server("c", 3, 6), server("d", 9, 10)];
/// assert_eq!(emptiest(&servers, "a").map(|s| s.name.as_str()), Some("c"));
/// assert_eq!(emptiest(&servers[..1], "a"), None);
/// ```
#[must_use]
pub fn emptiest<'s>(servers: &'s [DatabaseServer], from: &str) -> Option<&'s DatabaseServer> {
    let takes = |s: &&DatabaseServer| {
        s.name != from
            && s.state == ServerState::Open
            && s.capacity.is_none_or(|most| s.tenants < most)
    };
    servers.iter().filter(takes).min_by(|a, b| {
        // `(tenants + 1) / weight`, compared without dividing.
        let filled = |s: &DatabaseServer, by: u32| u128::from(s.tenants + 1) * u128::from(by);
        filled(a, b.weight).cmp(&filled(b, a.weight)).then_with(|| a.name.cmp(&b.name))
    })
}

/// A database server to be added.
#[derive(Clone)]
pub struct NewServer {
    /// Its name: 1 to 40 letters of a-z and A-Z, digits and `-`.
    pub name: String,
    /// Where it is: `HOST:PORT`; port 3306 if none is said. Of a Galera cluster its nodes, `HOST:PORT,HOST:PORT`.
    pub address: String,
    /// How connections to it are protected.
    pub tls_mode: TlsMode,
    /// Certificates of the authorities it is checked against, as PEM; the usual ones if absent.
    pub tls_ca: Option<String>,
    /// The account that makes databases and accounts on it.
    pub account: String,
    /// Password of that account; kept sealed.
    pub password: String,
    /// Its share of new tenants. 1 to 1,000.
    pub weight: u32,
    /// Most tenants it takes; without limit if absent.
    pub capacity: Option<u64>,
}

impl fmt::Debug for NewServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the password.
        f.debug_struct("NewServer")
            .field("name", &self.name)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// What is changed about a database server; what is absent stays.
#[derive(Clone, Default)]
pub struct ServerPatch {
    /// What it is used for.
    pub state: Option<ServerState>,
    /// Its share of new tenants. 1 to 1,000.
    pub weight: Option<u32>,
    /// Most tenants it takes; `Some(None)` lifts the limit.
    pub capacity: Option<Option<u64>>,
    /// Where it is. Not for the server `main`, whose address is configuration.
    pub address: Option<String>,
    /// The account that makes databases and accounts on it. Not for `main`.
    pub account: Option<String>,
    /// Password of that account. Not for `main`.
    pub password: Option<String>,
}

impl fmt::Debug for ServerPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerPatch")
            .field("state", &self.state)
            .field("weight", &self.weight)
            .field("capacity", &self.capacity)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

fn weight(check: &mut Check, weight: u32) {
    check.range("weight", weight.into(), 1, 1_000);
}

fn capacity(check: &mut Check, capacity: Option<u64>) {
    if let Some(capacity) = capacity {
        let capacity = i64::try_from(capacity).unwrap_or(i64::MAX);
        check.range("capacity", capacity, 0, 1_000_000_000);
    }
}

/// Most nodes of one cluster, and most characters of their addresses together.
const MOST_NODES: usize = 16;
const LONGEST_ADDRESS: usize = 300;

fn address(check: &mut Check, address: &str) {
    if address.len() > LONGEST_ADDRESS || split_addresses(address).is_none() {
        let message = format!(
            "must be HOST:PORT or HOST, without a scheme; of a cluster up to {MOST_NODES} of them with a comma \
             between, {LONGEST_ADDRESS} characters at most"
        );
        check.fail("address", "address", message);
    }
}

/// What a database server may be called.
pub(crate) const NAME_RULE: &str = "must be 1 to 40 letters of a-z and A-Z, digits and -";

/// Whether a database server may be called so.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    (1..=40).contains(&name.len()) && name.bytes().all(plain)
}

/// Host and port of an address; 3306 if it names no port. An IPv6 address stands in brackets.
#[must_use]
pub fn split_address(address: &str) -> Option<(&str, u16)> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, rest.strip_prefix(':'))
        }
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
    let fine = (1..=253).contains(&host.len())
        && host.bytes().all(|b| plain(b) || address.starts_with('[') && b == b':');
    let port = port.map_or(Ok(3306), str::parse::<u16>).ok().filter(|port| *port > 0)?;
    fine.then_some((host, port))
}

/// The same of every node of a Galera cluster, separated by commas: 1 to 16 that differ.
#[must_use]
pub fn split_addresses(addresses: &str) -> Option<Vec<(&str, u16)>> {
    let mut all = Vec::new();
    for address in addresses.split(',') {
        let place = split_address(address)?;
        if all.contains(&place) || all.len() == MOST_NODES {
            return None;
        }
        all.push(place);
    }
    Some(all)
}

impl NewServer {
    /// Every rule it must keep.
    pub fn check(&self) -> Result<()> {
        let mut check = Check::new();
        if !is_name(&self.name) {
            check.fail("name", "name", NAME_RULE);
        }
        address(&mut check, &self.address);
        check.text("account", &self.account, 1, 80);
        check.text("password", &self.password, 0, 512);
        if let Some(ca) = &self.tls_ca
            && (ca.len() > 64 * 1024 || !ca.contains("-----BEGIN CERTIFICATE-----"))
        {
            check.fail("tls_ca", "pem", "must hold certificates as PEM, at most 64 KiB");
        }
        weight(&mut check, self.weight);
        capacity(&mut check, self.capacity);
        check.done()
    }
}

impl ServerPatch {
    /// Every rule it must keep for the server `name`.
    pub fn check(&self, name: &str) -> Result<()> {
        let mut check = Check::new();
        let configured = [
            ("address", self.address.is_some()),
            ("account", self.account.is_some()),
            ("password", self.password.is_some()),
        ];
        for (field, _) in configured.iter().filter(|(_, given)| *given && name == MAIN) {
            let message = "of the server main is configuration: change VIVERO_DATABASE_URL";
            check.fail(field, "configuration", message);
        }
        if let Some(given) = &self.address {
            address(&mut check, given);
        }
        if let Some(account) = &self.account {
            check.text("account", account, 1, 80);
        }
        if let Some(password) = &self.password {
            check.text("password", password, 0, 512);
        }
        if let Some(given) = self.weight {
            weight(&mut check, given);
        }
        if let Some(given) = self.capacity {
            capacity(&mut check, given);
        }
        check.done()
    }
}

/// What one check of a database server found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerFinding {
    /// The server's name.
    pub server: String,
    /// What was looked at, e.g. `max_connections`.
    pub check: String,
    /// Whether it will do.
    pub verdict: Verdict,
    /// What was found.
    pub detail: String,
    /// What to do, as a statement or setting; absent where there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// Whether what was found will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It will.
    Ok,
    /// It runs, but.
    Warning,
    /// It cannot run so.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_with_or_without_a_port() {
        assert_eq!(split_address("db.example.com"), Some(("db.example.com", 3306)));
        assert_eq!(split_address("10.0.0.1:3307"), Some(("10.0.0.1", 3307)));
        assert_eq!(split_address("[::1]:3307"), Some(("::1", 3307)));
        for bad in ["", ":3306", "a:0", "a:70000", "a:b", "mysql://a", "a b", "a/b", "::1", "[::1"]
        {
            assert_eq!(split_address(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_cluster_has_an_address_per_node() {
        let nodes = split_addresses("a:3307,b,[::1]:3308").expect("three nodes");
        assert_eq!(nodes, [("a", 3307), ("b", 3306), ("::1", 3308)]);
        let many = (0..17).map(|n| format!("n{n}")).collect::<Vec<_>>().join(",");
        for bad in ["", "a,", ",a", "a,,b", "a, b", "a:3306,a", many.as_str()] {
            assert_eq!(split_addresses(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_configuration_of_main_cannot_be_changed_here() {
        let patch = ServerPatch { password: Some("secret".into()), ..ServerPatch::default() };
        assert!(patch.check("second").is_ok());
        let refused = patch.check(MAIN).expect_err("configuration").to_string();
        assert!(
            refused.contains("VIVERO_DATABASE_URL") && !refused.contains("secret"),
            "{refused}"
        );
        assert!(!format!("{patch:?}").contains("secret"));
    }
}
