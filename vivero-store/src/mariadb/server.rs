//! The server as its administrator sees it: databases, accounts, rights.

use super::MariaDbOptions;
use super::credentials::Place;
use super::hold::Held;
use crate::backend::mariadb::{
    Budget, Connection, Exclusive, Login, MariaDb, Nodes, Pool, Purpose, Ties, open,
};
use crate::backend::{Cells, Sql};
use sqlx::ConnectOptions as _;
use sqlx::mysql::MySqlConnectOptions;
use std::fmt;
use std::str::FromStr as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::OnceCell;
use vivero_core::record::Kind;
use vivero_core::server::{MAIN, split_addresses};
use vivero_core::{Check, Error, Result};

/// How long somebody waits for another who makes or removes the same tenant, in seconds.
pub(super) const LOCK_WAIT: u32 = 60;
/// Statements kept prepared per connection: as many as the server's limit allows, between these.
const FEWEST_STATEMENTS: u64 = 16;
const MOST_STATEMENTS: u64 = 100;
/// The oldest server this works on.
const OLDEST: (u32, u32) = (10, 6);

/// Connections of the registry, which is on the server of the address: reading and writing.
const REGISTRY: (u32, u32) = (4, 2);
/// Connections that are left to people and to other programs.
const LEFT: u64 = 10;
/// Fewest connections of tenants, however few a server allows.
const FEWEST: u64 = 8;

/// What one process may take of a server at most, beside the budget of tenants: what the administrator's
/// account does, and on the server of the address the registry.
pub(super) const fn beside(options: &MariaDbOptions, is_main: bool) -> u64 {
    let registry = if is_main { REGISTRY.0 + REGISTRY.1 } else { 0 };
    options.admin_connections as u64 + registry as u64
}

/// Connections of tenants that one process may have to a server that allows so many.
pub(super) fn budget(options: &MariaDbOptions, allowed: u64, is_main: bool) -> u64 {
    options.max_connections.map_or_else(
        // Other processes and people connect, too.
        || {
            let left = LEFT + beside(options, is_main);
            (allowed * 8 / 10).min(allowed.saturating_sub(left)).max(FEWEST)
        },
        |limit| limit as u64,
    )
}

/// One server.
pub(super) struct Server {
    name: String,
    /// The account that makes databases, accounts and tables.
    admin: MySqlConnectOptions,
    /// Where it is, if it is a cluster.
    nodes: Nodes,
    registry: String,
    pub(super) options: MariaDbOptions,
    /// What the server said when it was first asked.
    ready: OnceCell<Ready>,
    /// The connections of the administrator's account: those that only hold a lock, and the others, of
    /// which nothing has more than one at a time. Who holds a lock waits for one of the others, never the
    /// other way round.
    pub(super) holding: Arc<Budget>,
    definers: Arc<Budget>,
    /// Those of a run of migrations, which go from one tenant's database to the next.
    passing: Option<Pool>,
    pub(super) exclusive: OnceLock<Arc<dyn Exclusive>>,
}

/// What follows from what a server says of itself.
#[derive(Debug)]
struct Ready {
    /// Statements that each connection may keep prepared.
    statements: usize,
    budget: Arc<Budget>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the address as it was given: it holds a password.
        f.debug_struct("Server")
            .field("name", &self.name)
            .field("host", &self.admin.get_host())
            .field("port", &self.admin.get_port())
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
}

/// Whether a server of this version will do.
pub(super) fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split(['.', '-']).map(|n| n.parse::<u32>().unwrap_or(0));
    let number = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    version.to_ascii_lowercase().contains("mariadb") && number >= OLDEST
}

fn refused(message: impl Into<String>) -> Error {
    Error::invalid("database_url", "database_url", message)
}

/// A name that needs no quoting anywhere, also not in a pattern.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// An address of several nodes, `//USER@HOST:PORT,HOST:PORT/DATABASE`, as that of the first, and all of
/// them. `None` for one that cannot be read.
fn split_nodes(rest: &str) -> Option<(String, Nodes)> {
    let place = rest.strip_prefix("//")?;
    let (authority, path) = place.split_at(place.find(['/', '?', '#']).unwrap_or(place.len()));
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), authority),
    };
    let Some((first, _)) = hosts.split_once(',') else {
        return Some((rest.to_owned(), Nodes::default()));
    };
    let nodes = split_addresses(hosts)?;
    let nodes = nodes.into_iter().map(|(host, port)| (host.to_owned(), port)).collect();
    Some((format!("//{user}{first}{path}"), Nodes::new(nodes)))
}

impl Server {
    /// Reads an address, and asks nobody.
    pub(super) fn read(url: &str, options: MariaDbOptions) -> Result<Self> {
        let rest = url.strip_prefix("mariadb:").or_else(|| url.strip_prefix("mysql:"));
        let form = "must be mysql://USER@HOST:PORT/DATABASE";
        let rest = rest.ok_or_else(|| refused(form))?;
        let (rest, nodes) = split_nodes(rest).ok_or_else(|| refused(form))?;
        // The driver's own message may hold parts of the address.
        let admin =
            MySqlConnectOptions::from_str(&format!("mysql:{rest}")).map_err(|_| refused(form))?;
        let registry = admin.get_database().unwrap_or_default().to_owned();
        if registry.is_empty() || registry.len() > 64 || !is_plain(&registry) {
            return Err(refused(format!(
                "{form}; DATABASE is the registry's, of letters, digits and _"
            )));
        }
        if !(1..=16).contains(&options.prefix.len())
            || !options.prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        {
            return Err(Error::invalid(
                "prefix",
                "prefix",
                "must be 1 to 16 lower-case letters and digits",
            ));
        }
        // The server takes 0 for no limit at all.
        let mut check = Check::new();
        if options.statement_time.as_secs() == 0 {
            check.fail(
                "statement_time",
                "minimum",
                "must be a second or more (VIVERO_STATEMENT_SECONDS)",
            );
        }
        if options.connections_per_account == 0 {
            check.fail("connections_per_account", "minimum", "must be 1 or more");
        }
        check.done()?;
        Ok(Self { registry, ..Self::at(MAIN, admin, options).with_nodes(nodes) })
    }

    /// Reads an address and asks the server whether it will do; makes the registry's database.
    pub(super) async fn open(url: &str, options: MariaDbOptions) -> Result<Self> {
        let server = Self::read(url, options)?;
        server.ready().await?;
        let mut connection = server.connect().await?;
        server.script(
            &mut connection,
            &format!(
                "CREATE DATABASE IF NOT EXISTS `{}` CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin",
                server.registry
            ),
        )
        .await?;
        Ok(server)
    }

    /// A server that is not asked before it is needed.
    pub(super) fn at(name: &str, admin: MySqlConnectOptions, options: MariaDbOptions) -> Self {
        let admin = admin
            .database("")
            .charset("utf8mb4")
            .collation("utf8mb4_nopad_bin")
            .pipes_as_concat(false)
            // The driver would log slow statements with the values in them; the meter says which were slow.
            .disable_statement_logging()
            .no_engine_substitution(false);
        let all = options.admin_connections.max(2);
        let holding = (all / 4).max(1);
        let defining = all - holding;
        let wait = Duration::from_secs(LOCK_WAIT.into());
        let definers = Budget::new(name, defining, wait);
        // With nothing prepared: a statement runs in the database it was prepared in.
        let account = admin.clone().statement_cache_capacity(0);
        let ties = Ties { budget: Some(Arc::clone(&definers)), ..Ties::default() };
        let most = u32::try_from(defining).unwrap_or(u32::MAX);
        Self {
            name: name.into(),
            passing: Some(Pool::new(account, None, Purpose::Writing, most, ties)),
            admin,
            nodes: Nodes::default(),
            registry: String::new(),
            ready: OnceCell::new(),
            holding: Budget::new(name, holding, wait),
            definers,
            exclusive: OnceLock::new(),
            options,
        }
    }

    /// The same with all nodes of its cluster.
    pub(super) fn with_nodes(self, nodes: Nodes) -> Self {
        // There, each database is a lease, and each connection knows its node.
        let passing = self.passing.filter(|_| !nodes.are_many());
        Self { nodes, passing, ..self }
    }

    /// Where what one process does alone is noted, for clusters. Only the first time counts.
    pub(super) fn set_exclusive(&self, exclusive: Arc<dyn Exclusive>) {
        let _ = self.exclusive.set(exclusive);
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is the one with the registry.
    pub(super) fn is_main(&self) -> bool {
        !self.registry.is_empty()
    }

    /// Hosts and ports, if it is a cluster.
    pub(super) fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    /// How its administrator connects.
    pub(super) const fn admin(&self) -> &MySqlConnectOptions {
        &self.admin
    }

    /// Its budget, if it was needed yet.
    pub(super) fn budget(&self) -> Option<&Arc<Budget>> {
        self.ready.get().map(|ready| &ready.budget)
    }

    /// Asks the server, once, whether it will do.
    async fn ready(&self) -> Result<&Ready> {
        self.ready
            .get_or_try_init(|| async {
                let mut connection = self.connect().await?;
                let asked = "SELECT version(), @@max_prepared_stmt_count, @@max_connections";
                let found = Sql::new(asked)
                    .first::<MariaDb>(&mut connection, &[Kind::Text, Kind::Int, Kind::Int])
                    .await?
                    .ok_or_else(|| Error::corrupt("the server does not say its version"))?;
                self.check(found)
            })
            .await
    }

    /// The same, for a server that is about to be listed.
    pub(super) async fn try_out(&self) -> Result<()> {
        self.ready().await.map(|_| ())
    }

    /// Whether the server will do, how many statements a connection may keep prepared, and how many
    /// connections there may be.
    fn check(&self, mut found: Cells) -> Result<Ready> {
        let version = found.text(0);
        if !is_new_enough(&version) {
            return Err(refused(format!(
                "the server is {version}; MariaDB {}.{} or newer is needed",
                OLDEST.0, OLDEST.1
            )));
        }
        let allowed = found.natural(2);
        let left = LEFT + beside(&self.options, self.is_main());
        let limit = budget(&self.options, allowed, self.is_main());
        if limit + left > allowed {
            tracing::warn!(
                server = self.name,
                max_connections = allowed,
                budget = limit,
                "the server allows too few connections for this budget: SET GLOBAL max_connections = {}",
                limit + left
            );
        }
        let connections =
            self.options.max_open as u64 * u64::from(self.options.readers + self.options.writers);
        let connections = connections.min(limit);
        let each = found.natural(1) * 8 / 10 / connections.max(1);
        if each < FEWEST_STATEMENTS {
            tracing::warn!(
                server = self.name,
                max_prepared_stmt_count = found.natural(1),
                connections,
                "the server's limit of prepared statements is low for so many connections; raise \
                 max_prepared_stmt_count to {} or open fewer tenants at once",
                connections * MOST_STATEMENTS * 10 / 8
            );
        }
        let statements = each.clamp(FEWEST_STATEMENTS, MOST_STATEMENTS);
        Ok(Ready {
            statements: usize::try_from(statements).unwrap_or(100),
            budget: Budget::new(
                &self.name,
                usize::try_from(limit).unwrap_or(usize::MAX),
                self.options.wait,
            ),
        })
    }

    /// A connection of the administrator's, to no database.
    pub(super) async fn connect(&self) -> Result<Connection> {
        open(&self.admin, Purpose::Writing, &self.nodes, &self.definers).await
    }

    /// How the administrator reaches it: each node of a cluster, by its address.
    pub(super) fn places(&self) -> Vec<(Option<String>, MySqlConnectOptions)> {
        if !self.nodes.are_many() {
            return vec![(None, self.admin.clone())];
        }
        let place = |(host, port): &(String, u16)| {
            (Some(format!("{host}:{port}")), self.admin.clone().host(host).port(*port))
        };
        self.nodes.all().iter().map(place).collect()
    }

    /// A connection to one of them.
    pub(super) async fn connect_to(&self, place: &MySqlConnectOptions) -> Result<Connection> {
        open(place, Purpose::Writing, &Nodes::default(), &self.definers).await
    }

    /// What all its pools share.
    fn ties(&self) -> Ties {
        Ties {
            nodes: self.nodes.clone(),
            definers: Some(Arc::clone(&self.definers)),
            exclusive: self.exclusive.get().cloned(),
            ..Ties::default()
        }
    }

    /// The registry's connections: reading and writing.
    pub(super) fn registry_pools(&self) -> (Pool, Pool) {
        let account = self.admin.clone().database(&self.registry);
        let definer = Some(account.clone());
        let (readers, writers) = REGISTRY;
        (
            Pool::new(account.clone(), None, Purpose::Reading, readers, self.ties()),
            Pool::new(account, definer, Purpose::Writing, writers, self.ties()),
        )
    }

    /// A tenant's connections under its own account, within the server's budget.
    pub(super) async fn tenant_pools(
        &self,
        place: &Place,
        login: Option<Arc<dyn Login>>,
    ) -> Result<(Pool, Pool)> {
        let ready = self.ready().await?;
        let account = self.admin.clone().statement_cache_capacity(ready.statements);
        let definer = Some(account.clone().database(&place.database));
        let account =
            account.username(&place.account).password(&place.password).database(&place.database);
        let ties = Ties { budget: Some(Arc::clone(&ready.budget)), login, ..self.ties() };
        let (readers, writers) = (self.options.readers, self.options.writers);
        Ok((
            Pool::new(account.clone(), None, Purpose::Reading, readers, ties.clone()),
            Pool::new(account, definer, Purpose::Writing, writers, ties),
        ))
    }

    /// The administrator's connections to a tenant's database.
    pub(super) fn admin_pools(&self, database: &str) -> (Pool, Pool) {
        let account = self.admin.clone().database(database);
        let budget = Some(Arc::clone(&self.definers));
        let ties = Ties { budget, passing: self.passing.clone(), ..self.ties() };
        (
            Pool::new(account.clone(), None, Purpose::Reading, 2, ties.clone()),
            Pool::new(account.clone(), Some(account), Purpose::Writing, 2, ties),
        )
    }

    /// Closes what nobody uses of the connections that go from database to database.
    pub(super) fn rest(&self) {
        if let Some(passing) = &self.passing {
            passing.rest();
        }
    }

    /// Closes of these what nobody has used for a while: a run that was cut off does not say that it is over.
    pub(super) fn reap(&self) {
        if let Some(passing) = &self.passing {
            passing.reap();
        }
    }

    /// An empty database that is nobody's, to be looked at once it is made. One at a time.
    pub(super) async fn scratch(&self) -> Result<Scratch> {
        let name = format!("{}scratch", self.options.prefix);
        let held = self.hold_named(&name, true).await?.ok_or_else(|| Error::Unavailable {
            what: "database, another is making the tables to compare with".into(),
            retry_after: 5,
            source: None,
        })?;
        // One that was cut off may have left it.
        let script = format!(
            "DROP DATABASE IF EXISTS `{name}`; \
             CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
        );
        self.script(&mut self.connect().await?, &script).await?;
        let account = self.admin.clone().database(&name);
        let ties = Ties { budget: Some(Arc::clone(&self.definers)), ..self.ties() };
        let pool = Pool::new(account.clone(), Some(account), Purpose::Writing, 2, ties);
        Ok(Scratch { name, pool, _held: held })
    }
}

/// A database that is nobody's, held by one.
pub(super) struct Scratch {
    name: String,
    pub(super) pool: Pool,
    _held: Held,
}

impl Scratch {
    pub(super) async fn remove(self, server: &Server) -> Result<()> {
        self.pool.close();
        let script = format!("DROP DATABASE IF EXISTS `{}`", self.name);
        server.script(&mut server.connect().await?, &script).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_cannot_be_read_is_refused_without_repeating_it() {
        for url in [
            "postgres://root:hunter2@localhost/registry",
            "mysql://root:hunter2@localhost",
            "mysql://root:hunter2@localhost/a-b",
            "mysql://root:hunter2@local host/registry",
            "mysql://root:hunter2@localhost:port/registry",
            "mysql://root:hunter2@localhost:3306,local host/registry",
            "mysql://root:hunter2@localhost,,other/registry",
        ] {
            let error = Server::open(url, MariaDbOptions::default()).await.expect_err(url);
            let text = format!("{error} {error:?}");
            assert!(text.contains("mysql://USER@HOST"), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
