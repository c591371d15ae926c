//! The passwords of tenants' accounts, sealed in the registry.

use super::server::Server;
use crate::backend::Sql;
use crate::backend::mariadb::MariaDb;
use crate::keys::{KeyProvider, Vault};
use crate::registry::Registry;
use std::fmt::Write as _;
use vivero_core::ids::TenantId;
use vivero_core::record::Kind;
use vivero_core::{Error, Result, Value};

/// Name of the secret that shows whether a key is the installation's.
const PROOF: &str = "key_proof";

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
                "MariaDB needs a key for tenants' passwords: make one with \
                 `openssl rand -base64 32 > vivero.key` and name the file in VIVERO_KEY_FILE \
                 (or give it as VIVERO_KEY), and keep it apart from the database",
            )
        })?;
        let vault = Vault::new(key)?;
        let fresh = vault.seal(PROOF.as_bytes(), PROOF.as_bytes())?;
        let stored = registry.secret(PROOF, fresh).await?;
        if vault.open(&stored, PROOF.as_bytes()).as_deref() != Some(PROOF.as_bytes()) {
            return Err(Error::invalid(
                "key",
                "same_key",
                "is not the key this installation was made with",
            ));
        }
        Ok(Self(vault))
    }

    /// The password of a tenant's account, made and noted if there is none. It is noted before the
    /// account is made: an account whose password nobody knows would be there for ever.
    pub(super) async fn make(
        &self,
        registry: &Registry<MariaDb>,
        tenant: TenantId,
        server: &Server,
    ) -> Result<String> {
        if let Some(password) = self.find(registry, tenant).await? {
            return Ok(password);
        }
        let mut random = [0_u8; 32];
        rand::fill(&mut random);
        let mut password = String::with_capacity(64);
        for byte in random {
            let _ = write!(password, "{byte:02x}");
        }
        let name = server.name(tenant);
        let sealed = self.0.seal(password.as_bytes(), tenant.uuid().as_bytes())?;
        let sql = Sql::new(
            "INSERT INTO tenant_databases (tenant_id, database_name, account, password) VALUES (?, ?, ?, ?)",
        )
        .with(Value::Id(tenant.uuid()))
        .with(Value::Text(name.clone()))
        .with(Value::Text(name))
        .with(Value::Bytes(sealed));
        registry.write(sql).await?;
        Ok(password)
    }

    /// The password of a tenant's account.
    pub(super) async fn find(
        &self,
        registry: &Registry<MariaDb>,
        tenant: TenantId,
    ) -> Result<Option<String>> {
        let sql = Sql::new("SELECT password FROM tenant_databases WHERE tenant_id = ?")
            .with(Value::Id(tenant.uuid()));
        let Some(mut row) = registry.read(sql, &[Kind::Bytes]).await? else { return Ok(None) };
        let bad = || Error::corrupt(format!("the credentials of tenant {tenant} do not open"));
        let Value::Bytes(sealed) = row.take(0) else { return Err(bad()) };
        let password = self.0.open(&sealed, tenant.uuid().as_bytes()).ok_or_else(bad)?;
        String::from_utf8(password).map(Some).map_err(|_| bad())
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
