//! The list of database servers, which the registry keeps and every process reads again each second.
//!
//! A server is asked nothing before a tenant of its is: one that is away keeps nobody from starting.

use super::MariaDbOptions;
use super::credentials::Credentials;
use super::hold::Leases;
use super::server::Server;
use crate::backend::mariadb::{Exclusive, MariaDb, Nodes};
use crate::backend::{Backend as _, Cells, Sql};
use crate::keeper::Keeper;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;
use vivero_core::record::Kind;
use vivero_core::server::{MAIN, NewServer, ServerPatch, ServerState, TlsMode, split_addresses};
use vivero_core::{Error, Result, Value};

/// For how long the list is good. What another process changes is seen after at most so long.
const GOOD_FOR: Duration = Duration::from_secs(1);
/// When to come again for a tenant whose server is out of service, in seconds.
const DOWN: u32 = 30;

const COLUMNS: &str = "name, address, tls_mode, tls_ca, account, password, weight, capacity, state, version, changed_at";
const KINDS: [Kind; 11] = [
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Bytes,
    Kind::Int,
    Kind::Int,
    Kind::Text,
    Kind::Int,
    Kind::Time,
];

/// How a server is reached; another way makes another server of it.
#[derive(Clone, PartialEq)]
struct Reach {
    address: String,
    tls_mode: TlsMode,
    tls_ca: Option<String>,
    account: String,
    sealed: Value,
}

/// A server of the list.
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) state: ServerState,
    pub(super) weight: u32,
    pub(super) capacity: Option<u64>,
    pub(super) version: i64,
    pub(super) changed_at: chrono::DateTime<chrono::Utc>,
    reach: Reach,
    pub(super) server: Arc<Server>,
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listed")
            .field("name", &self.name)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Listed {
    pub(super) fn address(&self) -> &str {
        &self.reach.address
    }
    pub(super) fn tls_mode(&self) -> TlsMode {
        self.reach.tls_mode
    }
    pub(super) fn account(&self) -> &str {
        &self.reach.account
    }
    /// Refuses, at once, what is out of service.
    pub(super) fn up(&self) -> Result<&Arc<Server>> {
        if self.state == ServerState::Down {
            return Err(Error::Unavailable {
                what: format!("database server {}, it is out of service", self.name).into(),
                retry_after: DOWN,
                source: None,
            });
        }
        Ok(&self.server)
    }
}

/// All servers.
pub(super) struct Servers {
    main: Arc<Server>,
    keeper: Arc<Keeper<MariaDb>>,
    credentials: Arc<Credentials>,
    options: MariaDbOptions,
    exclusive: Arc<dyn Exclusive>,
    list: RwLock<Arc<[Arc<Listed>]>>,
    read_at: Mutex<Instant>,
    reading: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers").field("list", &self.known()).finish_non_exhaustive()
    }
}

impl Servers {
    /// Puts the server of the address on the list, as it is configured now, and reads the list.
    pub(super) async fn open(
        main: Arc<Server>,
        keeper: Arc<Keeper<MariaDb>>,
        credentials: Arc<Credentials>,
        options: MariaDbOptions,
    ) -> Result<Self> {
        let exclusive: Arc<dyn Exclusive> = Arc::new(Leases(Arc::clone(&keeper)));
        main.set_exclusive(Arc::clone(&exclusive));
        let servers = Self {
            main,
            exclusive,
            keeper,
            credentials,
            options,
            list: RwLock::new(Arc::from([])),
            read_at: Mutex::new(Instant::now()),
            reading: tokio::sync::Mutex::default(),
        };
        servers.note_main().await?;
        servers.read().await?;
        Ok(servers)
    }

    /// The server the installation was opened with.
    pub(super) const fn main(&self) -> &Arc<Server> {
        &self.main
    }

    async fn note_main(&self) -> Result<()> {
        let admin = self.main.admin();
        let address = match (admin.get_socket(), self.main.nodes().all()) {
            (Some(socket), _) => socket.display().to_string(),
            (None, []) => shown(admin.get_host(), admin.get_port()),
            (None, nodes) => {
                nodes.iter().map(|(host, port)| shown(host, *port)).collect::<Vec<_>>().join(",")
            }
        };
        let tls_mode = match admin.get_ssl_mode() {
            MySqlSslMode::Disabled => TlsMode::Disabled,
            MySqlSslMode::Preferred => TlsMode::Preferred,
            MySqlSslMode::Required => TlsMode::Required,
            MySqlSslMode::VerifyCa => TlsMode::VerifyCa,
            MySqlSslMode::VerifyIdentity => TlsMode::VerifyIdentity,
        };
        // Its password stays where it is: in the configuration.
        let sql = Sql::new(
            "INSERT INTO database_servers (name, address, tls_mode, account, weight, state, version, changed_at) \
             VALUES (?, ?, ?, ?, 1, 'open', 1, ?) ON DUPLICATE KEY UPDATE \
             version = version + IF(address <=> VALUES(address) AND tls_mode <=> VALUES(tls_mode) \
             AND account <=> VALUES(account), 0, 1), \
             address = VALUES(address), tls_mode = VALUES(tls_mode), account = VALUES(account)",
        )
        .with(Value::Text(MAIN.into()))
        .with(Value::Text(address))
        .with(Value::Text(tls_mode.to_string()))
        .with(Value::Text(admin.get_username().to_owned()))
        .with(Value::Time(self.keeper.clock.now()));
        self.keeper.registry.write(sql).await
    }

    /// The list as it was read last.
    pub(super) fn known(&self) -> Arc<[Arc<Listed>]> {
        Arc::clone(&self.list.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The list, not older than a second. One task reads it again; the others go on with what they
    /// have, and so do all while the registry is away.
    pub(super) async fn list(&self) -> Arc<[Arc<Listed>]> {
        let read_at = *self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        if read_at.elapsed() >= GOOD_FOR
            && let Ok(_reading) = self.reading.try_lock()
            && let Err(error) = self.read().await
        {
            tracing::warn!(%error, "the list of database servers cannot be read; it is tried again");
            *self.read_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
        self.known()
    }

    /// Reads the list now.
    pub(super) async fn read(&self) -> Result<()> {
        let sql = Sql::new(format!("SELECT {COLUMNS} FROM database_servers ORDER BY name"));
        let rows = self.keeper.registry.read_all(sql, &KINDS).await?;
        let old = self.known();
        let list =
            rows.into_iter().map(|row| self.decode(row, &old)).collect::<Result<Vec<_>>>()?;
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = list.into();
        *self.read_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        Ok(())
    }

    /// The server of that name.
    pub(super) async fn find(&self, name: &str) -> Result<Arc<Listed>> {
        let find = |list: &[Arc<Listed>]| list.iter().find(|s| s.name == name).cloned();
        if let Some(found) = find(&self.list().await) {
            return Ok(found);
        }
        // Another process may have added it this moment.
        self.read().await?;
        find(&self.known()).ok_or_else(|| Error::not_found("server"))
    }

    fn decode(&self, mut row: Cells, old: &[Arc<Listed>]) -> Result<Arc<Listed>> {
        let bad = |what: &str| Error::corrupt(format!("registry: database_servers.{what}"));
        let name = row.text(0);
        let reach = Reach {
            address: row.text(1),
            tls_mode: row.text(2).parse().map_err(|_| bad("tls_mode"))?,
            tls_ca: row.opt_text(3),
            account: row.text(4),
            sealed: row.take(5),
        };
        let same = old.iter().find(|o| o.name == name && o.reach == reach);
        let server = match same {
            _ if name == MAIN => Arc::clone(&self.main),
            // With what is known of it, and its budget.
            Some(old) => Arc::clone(&old.server),
            None => Arc::new(self.server(&name, &reach)?),
        };
        Ok(Arc::new(Listed {
            weight: u32::try_from(row.int(6)).unwrap_or(1),
            capacity: if row.is_null(7) { None } else { Some(row.natural(7)) },
            state: row.text(8).parse().map_err(|_| bad("state"))?,
            version: row.int(9),
            changed_at: row.time(10).ok_or_else(|| bad("changed_at"))?,
            reach,
            server,
            name,
        }))
    }

    fn server(&self, name: &str, reach: &Reach) -> Result<Server> {
        let of = place_of(name);
        let password =
            self.credentials.unseal(reach.sealed.clone(), of.as_bytes(), &of)?.unwrap_or_default();
        let (account, nodes) = connect_options(
            &reach.address,
            reach.tls_mode,
            reach.tls_ca.as_deref(),
            &reach.account,
            &password,
        )?;
        let server = Server::at(name, account, self.options.clone()).with_nodes(nodes);
        server.set_exclusive(Arc::clone(&self.exclusive));
        Ok(server)
    }

    /// Adds a server after looking whether it will do.
    pub(super) async fn add(&self, new: NewServer) -> Result<()> {
        let of = place_of(&new.name);
        let sealed = self.credentials.seal(&new.password, of.as_bytes())?;
        let reach = Reach {
            address: new.address,
            tls_mode: new.tls_mode,
            tls_ca: new.tls_ca,
            account: new.account,
            sealed,
        };
        self.server(&new.name, &reach)?.try_out().await.map_err(|e| unfit(&new.name, e))?;
        let mut transaction = self.keeper.registry.begin().await?;
        let sql = format!(
            "INSERT INTO database_servers ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open', 1, ?)"
        );
        Sql::new(sql)
            .with(Value::Text(new.name))
            .with(Value::Text(reach.address))
            .with(Value::Text(reach.tls_mode.to_string()))
            .with(reach.tls_ca.map_or(Value::Null, Value::Text))
            .with(Value::Text(reach.account))
            .with(reach.sealed)
            .with(Value::Int(new.weight.into()))
            .with(capacity(new.capacity))
            .with(Value::Time(self.keeper.clock.now()))
            .execute_unique::<MariaDb>(&mut transaction, "server")
            .await
            .map_err(|e| match e {
                Error::Taken { resource, .. } => Error::Taken { resource, field: "name".into() },
                other => other,
            })?;
        MariaDb::commit(transaction, ()).await?;
        self.read().await
    }

    /// Changes a server; a new way to reach it is tried out first.
    pub(super) async fn change(
        &self,
        name: &str,
        patch: ServerPatch,
        version: Option<i64>,
    ) -> Result<()> {
        self.read().await?;
        let old = self.find(name).await?;
        if version.is_some_and(|version| version != old.version) {
            return Err(changed(old.version));
        }
        let of = place_of(name);
        let mut reach = old.reach.clone();
        if let Some(address) = patch.address {
            reach.address = address;
        }
        if let Some(account) = patch.account {
            reach.account = account;
        }
        if let Some(password) = &patch.password {
            reach.sealed = self.credentials.seal(password, of.as_bytes())?;
        }
        let state = patch.state.unwrap_or(old.state);
        // What is out of service need not answer.
        if reach != old.reach && state != ServerState::Down {
            self.server(name, &reach)?.try_out().await.map_err(|e| unfit(name, e))?;
        }
        let mut transaction = self.keeper.registry.begin().await?;
        let touched = Sql::new(
            "UPDATE database_servers SET address = ?, account = ?, password = ?, weight = ?, capacity = ?, \
             state = ?, version = version + 1, changed_at = ? WHERE name = ? AND version = ?",
        )
        .with(Value::Text(reach.address))
        .with(Value::Text(reach.account))
        .with(reach.sealed)
        .with(Value::Int(patch.weight.unwrap_or(old.weight).into()))
        .with(capacity(patch.capacity.unwrap_or(old.capacity)))
        .with(Value::Text(state.to_string()))
        .with(Value::Time(self.keeper.clock.now()))
        .with(Value::Text(name.into()))
        .with(Value::Int(old.version))
        .execute::<MariaDb>(&mut transaction)
        .await?;
        MariaDb::commit(transaction, ()).await?;
        self.read().await?;
        if touched == 0 {
            return Err(changed(self.find(name).await?.version));
        }
        Ok(())
    }
}

/// What a server's password is sealed for.
fn place_of(name: &str) -> String {
    format!("database server {name}")
}

fn capacity(capacity: Option<u64>) -> Value {
    capacity.map_or(Value::Null, |most| Value::Int(i64::try_from(most).unwrap_or(i64::MAX)))
}

fn changed(current_version: i64) -> Error {
    Error::Conflict { resource: "server".into(), current_version, fields: Vec::new() }
}

/// A server that was given is looked at: what is wrong with it is wrong with the input.
fn unfit(name: &str, error: Error) -> Error {
    let why = match error {
        Error::Unavailable { what, .. } => what.into_owned(),
        Error::Invalid(errors) => {
            errors.into_iter().map(|e| e.message).collect::<Vec<_>>().join("; ")
        }
        other => return other,
    };
    let message = format!(
        "of server {name} cannot be used: {why}. Check address, account, password and TLS, and that the \
         server accepts connections from here"
    );
    Error::invalid("address", "usable", message)
}

fn shown(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn connect_options(
    address: &str,
    tls_mode: TlsMode,
    tls_ca: Option<&str>,
    account: &str,
    password: &str,
) -> Result<(MySqlConnectOptions, Nodes)> {
    let places = split_addresses(address).unwrap_or_default();
    let Some((host, port)) = places.first().copied() else {
        return Err(Error::corrupt("registry: database_servers.address"));
    };
    let mode = match tls_mode {
        TlsMode::Disabled => MySqlSslMode::Disabled,
        TlsMode::Preferred => MySqlSslMode::Preferred,
        TlsMode::Required => MySqlSslMode::Required,
        TlsMode::VerifyCa => MySqlSslMode::VerifyCa,
        TlsMode::VerifyIdentity => MySqlSslMode::VerifyIdentity,
    };
    let options = MySqlConnectOptions::new().host(host).port(port).username(account).ssl_mode(mode);
    // An empty one is not the same as none to the driver, but is to the server.
    let options = if password.is_empty() { options } else { options.password(password) };
    let options = match tls_ca {
        Some(pem) => options.ssl_ca_from_pem(pem.as_bytes().to_vec()),
        None => options,
    };
    let nodes = places.into_iter().map(|(host, port)| (host.to_owned(), port)).collect();
    Ok((options, Nodes::new(nodes)))
}
