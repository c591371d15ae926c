//! Database servers on the wire.

use super::{Change, Stamp, Word, present};
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vivero_core::server::{
    ConnectionStats, DatabaseServer, KeptDatabase, NewServer, ServerFinding,
    ServerPatch as CorePatch, ServerState, TlsMode, Verdict,
};
use vivero_core::{Error, Result};

/// This process's connections to a database server.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ConnectionsOut {
    /// Connections there are now.
    pub(crate) open: u64,
    /// Of them those at work.
    pub(crate) in_use: u64,
    /// Most there may be; 0 while nothing was asked of the server yet.
    pub(crate) max: u64,
    /// Requests that wait for one now.
    pub(crate) waiting: u64,
    /// Seconds that requests have waited for one, since the start, in all.
    pub(crate) waited_seconds: f64,
    /// Requests refused since the start because all were in use for too long.
    pub(crate) refused: u64,
}

impl From<ConnectionStats> for ConnectionsOut {
    fn from(stats: ConnectionStats) -> Self {
        Self {
            open: stats.open,
            in_use: stats.in_use,
            max: stats.max,
            waiting: stats.waiting,
            waited_seconds: stats.waited_seconds,
            refused: stats.refused,
        }
    }
}

/// A database server.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ServerOut {
    /// Its name; `main` is the one the installation was opened with.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) address: String,
    /// How connections to it are protected.
    pub(crate) tls_mode: Word<TlsMode>,
    /// The account that makes databases on it; empty where there are no accounts.
    pub(crate) account: String,
    /// `open` takes new tenants, `draining` takes none, the tenants of one that is `down` are refused.
    pub(crate) state: Word<ServerState>,
    /// Its share of new tenants, beside the other servers' weights.
    pub(crate) weight: u32,
    /// Most tenants it takes; absent if there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) capacity: Option<u64>,
    /// Tenants on it.
    pub(crate) tenants: u64,
    /// Prepared databases on it.
    pub(crate) standby: u64,
    /// What is left on it of databases that could not be removed; they are when it answers again.
    pub(crate) leftovers: u64,
    /// Databases on it that are nobody's, and that nothing removes but an operator: what was written there last may
    /// be nowhere else.
    pub(crate) kept: Vec<KeptOut>,
    /// Connections of the process that answers.
    pub(crate) connections: ConnectionsOut,
    /// Grows with each change; also in `ETag`.
    pub(crate) version: i64,
    /// When it was last changed.
    pub(crate) changed_at: Stamp,
}

impl From<DatabaseServer> for ServerOut {
    fn from(server: DatabaseServer) -> Self {
        Self {
            name: server.name,
            address: server.address,
            tls_mode: Word(server.tls_mode),
            account: server.account,
            state: Word(server.state),
            weight: server.weight,
            capacity: server.capacity,
            tenants: server.tenants,
            standby: server.standby,
            leftovers: server.leftovers,
            kept: server.kept.into_iter().map(Into::into).collect(),
            connections: server.connections.into(),
            version: server.version,
            changed_at: Stamp(server.changed_at),
        }
    }
}

/// A database that a tenant has no more since a move was turned back or given up, and that may hold what is nowhere
/// else.
#[derive(Debug, Serialize, Object)]
pub(crate) struct KeptOut {
    /// Its name on the server.
    pub(crate) database: String,
    /// Name of the tenant whose it was.
    pub(crate) tenant: String,
    /// Its generation.
    pub(crate) generation: i64,
    /// The move that was turned back or given up.
    pub(crate) operation: Uuid,
    /// Since when it is nobody's.
    pub(crate) kept_at: Stamp,
}

impl From<KeptDatabase> for KeptOut {
    fn from(kept: KeptDatabase) -> Self {
        Self {
            database: kept.database,
            tenant: kept.slug.to_string(),
            generation: kept.generation,
            operation: kept.operation,
            kept_at: Stamp(kept.kept_at),
        }
    }
}

/// Database servers by name.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ServerList {
    /// All of them.
    pub(crate) items: Vec<ServerOut>,
}

/// What one check of a database server found.
#[derive(Debug, Serialize, Object)]
pub(crate) struct FindingOut {
    /// The server.
    pub(crate) server: String,
    /// What was looked at, e.g. `max_connections`.
    pub(crate) check: String,
    /// `ok`, `warning` if it runs but, `failed` if it cannot run so.
    pub(crate) verdict: String,
    /// What was found.
    pub(crate) detail: String,
    /// What to do, as a statement or setting; absent where there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) remedy: Option<String>,
}

impl From<ServerFinding> for FindingOut {
    fn from(finding: ServerFinding) -> Self {
        let verdict = match finding.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Failed => "failed",
        };
        Self {
            server: finding.server,
            check: finding.check,
            verdict: verdict.into(),
            detail: finding.detail,
            remedy: finding.remedy,
        }
    }
}

/// What was found on all database servers.
#[derive(Debug, Serialize, Object)]
pub(crate) struct FindingList {
    /// The findings, server by server.
    pub(crate) items: Vec<FindingOut>,
}

/// A database server that is off the list.
#[derive(Debug, Serialize, Object)]
pub(crate) struct ServerRemoved {
    /// Its name.
    pub(crate) name: String,
    /// Tenants whose databases are lost with it: out of service until they are restored from archives.
    pub(crate) tenants: Vec<String>,
}

/// A kept database that is gone.
#[derive(Debug, Serialize, Object)]
pub(crate) struct KeptRemoved {
    /// The server it was on.
    pub(crate) server: String,
    /// Its name there.
    pub(crate) database: String,
}

/// A database server to be added.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerIn {
    /// Its name.
    #[oai(validator(min_length = 1, max_length = 40, pattern = "^[A-Za-z0-9-]+$"))]
    pub(crate) name: String,
    /// Where it is: HOST or HOST:PORT; of a Galera cluster its nodes, with a comma between.
    #[oai(validator(min_length = 1, max_length = 300))]
    pub(crate) address: String,
    /// How connections to it are protected; `preferred` if absent.
    #[serde(default, deserialize_with = "present")]
    pub(crate) tls_mode: Option<Word<TlsMode>>,
    /// Certificates it is checked against, as PEM; the usual authorities if absent.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(min_length = 1, max_length = 65536))]
    pub(crate) tls_ca: Option<String>,
    /// The account that makes databases and accounts on it.
    #[oai(validator(min_length = 1, max_length = 80))]
    pub(crate) account: String,
    /// Password of that account; kept sealed and never shown.
    #[oai(validator(max_length = 512))]
    pub(crate) password: String,
    /// Its share of new tenants; 1 if absent.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
    pub(crate) weight: Option<u32>,
    /// Most tenants it takes; without limit if absent.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000000")))]
    pub(crate) capacity: Option<u64>,
}

impl From<ServerIn> for NewServer {
    fn from(body: ServerIn) -> Self {
        Self {
            name: body.name,
            address: body.address,
            tls_mode: body.tls_mode.map_or(TlsMode::Preferred, |w| w.0),
            tls_ca: body.tls_ca,
            account: body.account,
            password: body.password,
            weight: body.weight.unwrap_or(1),
            capacity: body.capacity,
        }
    }
}

/// Edits of a database server. Absent fields stay.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerPatch {
    /// What it is used for.
    #[serde(default, deserialize_with = "present")]
    pub(crate) state: Option<Word<ServerState>>,
    /// Its share of new tenants.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
    pub(crate) weight: Option<u32>,
    /// Most tenants it takes; null lifts the limit.
    #[serde(default)]
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000000")))]
    pub(crate) capacity: Change<i64>,
    /// Where it is. Of `main` it is configuration.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(min_length = 1, max_length = 300))]
    pub(crate) address: Option<String>,
    /// The account that makes databases and accounts on it. Of `main` it is configuration.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(min_length = 1, max_length = 80))]
    pub(crate) account: Option<String>,
    /// Password of that account. Of `main` it is configuration.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(max_length = 512))]
    pub(crate) password: Option<String>,
}

impl TryFrom<ServerPatch> for CorePatch {
    type Error = Error;
    fn try_from(body: ServerPatch) -> Result<Self> {
        let capacity = match body.capacity.0 {
            Some(Some(most)) => {
                let negative = |_| Error::invalid("capacity", "minimum", "must be at least 0");
                Some(Some(u64::try_from(most).map_err(negative)?))
            }
            Some(None) => Some(None),
            None => None,
        };
        Ok(Self {
            state: body.state.map(|w| w.0),
            weight: body.weight,
            capacity,
            address: body.address,
            account: body.account,
            password: body.password,
        })
    }
}
