//! Where tenants' databases are, and the passwords of their accounts, sealed in the registry.

use super::placement::Room;
use super::secrets;
use crate::backend::mariadb::{Login, MariaDb, Writing};
use crate::backend::{Backend as _, Cells, Sql};
use crate::keeper::Keeper;
use crate::keys::{KeyProvider, Vault};
use crate::migrate::Way;
use crate::registry::Registry;
use async_trait::async_trait;
use std::collections::HashMap;
use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;
use uuid::Uuid;
use vivero_core::ids::TenantId;
use vivero_core::record::Kind;
use vivero_core::tenant::Tenant;
use vivero_core::{Error, Result, Value};

/// What a place is made of: the tenant's server, database, account, password and next password; server and
/// password of a generation that is elsewhere.
const KINDS: [Kind; 7] =
    [Kind::Text, Kind::Text, Kind::Text, Kind::Bytes, Kind::Bytes, Kind::Text, Kind::Bytes];

/// Tenants that are asked for with one query.
const ASKED_AT_ONCE: usize = 500;

/// Whether a place has its tables already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prepared {
    Yes,
    No,
}

/// Where a tenant's database is, and how its account signs in there.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) server: String,
    pub(super) database: String,
    pub(super) account: String,
    pub(super) password: String,
    /// The password the account is being given, see `rotate.rs`.
    pub(super) next: Option<String>,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the passwords.
        f.debug_struct("Place")
            .field("server", &self.server)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// The database of one generation; that on record is the first's.
fn database_of(first: String, generation: i64) -> String {
    if generation == 1 { first } else { format!("{first}g{generation}") }
}

impl Place {
    /// The same place with the database of one generation.
    pub(super) fn at(self, generation: i64) -> Self {
        Self { database: database_of(self.database, generation), ..self }
    }

    /// A place nobody had before, with a password of its own.
    pub(super) fn fresh(server: &str, name: String) -> Self {
        Self {
            server: server.into(),
            account: name.clone(),
            database: name,
            password: password(),
            next: None,
        }
    }
}

/// A password at random: 64 hexadecimal digits.
pub(super) fn password() -> String {
    let mut random = [0_u8; 32];
    rand::fill(&mut random);
    let mut password = String::with_capacity(64);
    for byte in random {
        let _ = write!(password, "{byte:02x}");
    }
    password
}

#[derive(Debug)]
pub(super) struct Credentials(Vault);

impl Credentials {
    /// With the installation's key; another than it was made with is refused.
    pub(super) async fn open(
        key: Option<&dyn KeyProvider>,
        registry: &Registry<MariaDb>,
    ) -> Result<Self> {
        let key = key.ok_or_else(|| {
            Error::invalid(
                "key",
                "required",
                "MariaDB needs a key for tenants' passwords and the installation's secrets: make one with \
                 `openssl rand -base64 32 > vivero.key` and name the file in VIVERO_KEY_FILE \
                 (or give it as VIVERO_KEY), and keep it apart from the database",
            )
        })?;
        let vault = Vault::new(key)?;
        secrets::prove(&vault, registry).await?;
        Ok(Self(vault))
    }

    pub(super) const fn vault(&self) -> &Vault {
        &self.0
    }

    /// Seals a password for one place.
    pub(super) fn seal(&self, password: &str, of: &[u8]) -> Result<Value> {
        self.0.seal(password.as_bytes(), of).map(Value::Bytes)
    }

    /// The password that was sealed for a place; none where there is none.
    pub(super) fn unseal(&self, sealed: Value, of: &[u8], whose: &str) -> Result<Option<String>> {
        let bad = || Error::corrupt(format!("the credentials of {whose} do not open"));
        let sealed = match sealed {
            Value::Null => return Ok(None),
            Value::Bytes(sealed) => sealed,
            _ => return Err(bad()),
        };
        let password = self.0.open(&sealed, of).ok_or_else(bad)?;
        String::from_utf8(password).map(Some).map_err(|_| bad())
    }

    /// Puts a tenant's place on record. That comes before its account is made: an account whose
    /// password nobody knows would be there for ever.
    pub(super) async fn note(
        &self,
        transaction: &mut Writing,
        tenant: TenantId,
        place: &Place,
    ) -> Result<()> {
        let sql = Sql::new(
            "INSERT INTO tenant_databases (tenant_id, server, database_name, account, password) \
             VALUES (?, ?, ?, ?, ?)",
        )
        .with(Value::Id(tenant.uuid()))
        .with(Value::Text(place.server.clone()))
        .with(Value::Text(place.database.clone()))
        .with(Value::Text(place.account.clone()))
        .with(self.seal(&place.password, tenant.uuid().as_bytes())?);
        MariaDb::defer(transaction, sql).await.map_err(Into::into)
    }

    /// Claims a prepared database on one of the servers, the first that has one; the transaction must
    /// note it as the tenant's.
    pub(super) async fn claim(
        &self,
        transaction: &mut Writing,
        tenant: TenantId,
        servers: &[&Room],
        fingerprint: &str,
    ) -> Result<Option<Place>> {
        for server in servers.iter().filter(|s| s.standby > 0) {
            let row = Sql::new(
                "SELECT id, server, database_name, account, password FROM standby_databases \
                 WHERE state = 'ready' AND tables_of = ? AND server = ? ORDER BY made_at LIMIT 1",
            )
            .with(Value::Text(fingerprint.into()))
            .with(Value::Text(server.name.clone()))
            .first::<MariaDb>(transaction, &STANDBY)
            .await?;
            let Some(row) = row else { continue };
            let (id, place) = self.standby(row)?;
            let gone = Sql::new("DELETE FROM standby_databases WHERE id = ?").with(Value::Id(id));
            MariaDb::defer(transaction, gone).await.map_err(Into::<Error>::into)?;
            tracing::debug!(%tenant, database = place.database, "a prepared database is claimed");
            return Ok(Some(place));
        }
        Ok(None)
    }

    /// A prepared database from its row of [`STANDBY`].
    pub(super) fn standby(&self, mut row: Cells) -> Result<(Uuid, Place)> {
        let id = row.id(0);
        let sealed = row.take(4);
        let whose = format!("prepared database {id}");
        let password = self
            .unseal(sealed, id.as_bytes(), &whose)?
            .ok_or_else(|| Error::corrupt(format!("{whose} has no credentials")))?;
        let (server, database, account) = (row.text(1), row.text(2), row.text(3));
        Ok((id, Place { server, database, account, password, next: None }))
    }

    /// Where a tenant's database is.
    pub(super) async fn find(
        &self,
        registry: &Registry<MariaDb>,
        tenant: TenantId,
    ) -> Result<Option<Place>> {
        let sql = Sql::new(
            "SELECT server, database_name, account, password, next_password FROM tenant_databases \
             WHERE tenant_id = ?",
        )
        .with(Value::Id(tenant.uuid()));
        let row = registry.read(sql, &KINDS[..5]).await?;
        row.map(|mut row| self.home(tenant, &mut row)).transpose()
    }

    /// A tenant's place from the first columns of its row.
    fn home(&self, tenant: TenantId, row: &mut Cells) -> Result<Place> {
        let whose = format!("tenant {tenant}");
        let of = tenant.uuid();
        let (password, next) = (row.take(3), row.take(4));
        Ok(Place {
            server: row.text(0),
            database: row.text(1),
            account: row.text(2),
            password: self
                .unseal(password, of.as_bytes(), &whose)?
                .ok_or_else(|| Error::corrupt(format!("{whose} has no credentials")))?,
            next: self.unseal(next, of.as_bytes(), &whose)?,
        })
    }

    /// Where the database of one generation of a tenant is or will be: on the server it is being moved to,
    /// if it is; otherwise with the tenant.
    pub(super) async fn find_at(
        &self,
        registry: &Registry<MariaDb>,
        tenant: TenantId,
        generation: i64,
    ) -> Result<Option<Place>> {
        let sql = Sql::new(
            "SELECT d.server, d.database_name, d.account, d.password, d.next_password, g.server, g.password              FROM tenant_databases d LEFT JOIN tenant_generations g ON g.tenant_id = d.tenant_id              AND g.generation = ? WHERE d.tenant_id = ?",
        )
        .with(Value::Int(generation))
        .with(Value::Id(tenant.uuid()));
        let Some(mut row) = registry.read(sql, &KINDS).await? else { return Ok(None) };
        let home = self.home(tenant, &mut row)?.at(generation);
        let Some(server) = row.opt_text(5) else { return Ok(Some(home)) };
        let password = self.of_generation(tenant, generation, row.take(6))?;
        Ok(Some(Place { server, password, next: None, ..home }))
    }

    /// Where the databases of many tenants are, without how their accounts sign in.
    pub(super) async fn ways(
        &self,
        registry: &Registry<MariaDb>,
        tenants: &[Tenant],
    ) -> Result<HashMap<TenantId, Way>> {
        let mut ways = HashMap::with_capacity(tenants.len());
        for some in tenants.chunks(ASKED_AT_ONCE) {
            let generations: HashMap<TenantId, i64> =
                some.iter().map(|t| (t.id, t.generation)).collect();
            let marks = vec!["?"; some.len()].join(", ");
            let mut sql = Sql::new(format!(
                "SELECT d.tenant_id, d.database_name, coalesce(g.server, d.server), t.generation \
                 FROM tenant_databases d JOIN tenants t ON t.id = d.tenant_id LEFT JOIN tenant_generations g \
                 ON g.tenant_id = d.tenant_id AND g.generation = t.generation WHERE d.tenant_id IN ({marks})"
            ));
            for tenant in some {
                sql.bind(Value::Id(tenant.id.uuid()));
            }
            let kinds = [Kind::Id, Kind::Text, Kind::Text, Kind::Int];
            for mut row in registry.read_all(sql, &kinds).await? {
                let (id, generation) = (TenantId::from_uuid(row.id(0)), row.int(3));
                // Who was moved since is asked for alone.
                if generations.get(&id) == Some(&generation) {
                    let database = database_of(row.text(1), generation);
                    ways.insert(id, Way { server: row.text(2), database });
                }
            }
        }
        Ok(ways)
    }

    /// The password of a generation that is elsewhere.
    pub(super) fn of_generation(
        &self,
        tenant: TenantId,
        generation: i64,
        sealed: Value,
    ) -> Result<String> {
        let whose = format!("generation {generation} of tenant {tenant}");
        self.unseal(sealed, &of_generation(tenant, generation), &whose)?
            .ok_or_else(|| Error::corrupt(format!("{whose} has no credentials")))
    }

    /// Server and password of a generation that is not with the tenant, see [`super::moving`].
    pub(super) async fn elsewhere(
        &self,
        registry: &Registry<MariaDb>,
        tenant: TenantId,
        generation: i64,
    ) -> Result<Option<(String, String)>> {
        let sql = Sql::new(
            "SELECT server, password FROM tenant_generations WHERE tenant_id = ? AND generation = ?",
        )
        .with(Value::Id(tenant.uuid()))
        .with(Value::Int(generation));
        let row = registry.read(sql, &[Kind::Text, Kind::Bytes]).await?;
        let Some(mut row) = row else { return Ok(None) };
        let password = self.of_generation(tenant, generation, row.take(1))?;
        Ok(Some((row.text(0), password)))
    }

    pub(super) async fn forget(
        &self,
        registry: &Registry<MariaDb>,
        tenant: TenantId,
    ) -> Result<()> {
        let sql = Sql::new("DELETE FROM tenant_databases WHERE tenant_id = ?");
        registry.write(sql.with(Value::Id(tenant.uuid()))).await
    }
}

/// What the password of a generation that is elsewhere is sealed for.
pub(super) fn of_generation(tenant: TenantId, generation: i64) -> Vec<u8> {
    [tenant.uuid().as_bytes().as_slice(), &generation.to_be_bytes()].concat()
}

/// Kinds of id, server, database, account and password of a prepared database.
pub(super) const STANDBY: [Kind; 5] = [Kind::Id, Kind::Text, Kind::Text, Kind::Text, Kind::Bytes];

/// A tenant's pools learn here of another password.
pub(super) struct TenantLogin {
    pub(super) tenant: TenantId,
    pub(super) generation: i64,
    pub(super) keeper: Arc<Keeper<MariaDb>>,
    pub(super) credentials: Arc<Credentials>,
}

#[async_trait]
impl Login for TenantLogin {
    async fn passwords(&self) -> Result<Vec<String>> {
        let registry = &self.keeper.registry;
        let place = self.credentials.find_at(registry, self.tenant, self.generation).await?;
        Ok(place.map_or_else(Vec::new, |place| {
            std::iter::once(place.password).chain(place.next).collect()
        }))
    }
}
