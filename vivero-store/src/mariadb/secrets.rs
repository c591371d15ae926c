//! The secrets of an installation, sealed in the registry: what tokens are signed with, and the like.
//!
//! The proof of the key says in which form the others are. It is sealed itself, so nobody without the key can say
//! that they may be read as they are: an unsealed one is never taken for a secret once they were sealed.

use super::credentials::Credentials;
use crate::backend::mariadb::{MariaDb, Writing};
use crate::backend::{Backend as _, Sql};
use crate::keys::Vault;
use crate::registry::Registry;
use std::time::Duration;
use tokio::time::Instant;
use vivero_core::record::Kind;
use vivero_core::{Error, Result, Value};

/// Name of the secret that shows whether a key is the installation's, and what it is sealed for.
const PROOF: &str = "key_proof";
/// What is sealed in it where the other secrets are sealed, too.
const SEALED: &[u8] = b"key_proof of sealed secrets";
/// The same in installations of before, where they are not.
const UNSEALED: &[u8] = PROOF.as_bytes();

/// So soon, and for so long, it is looked again where another node of a cluster was faster.
const AGAIN_AFTER: Duration = Duration::from_millis(10);
const AGAIN_FOR: Duration = Duration::from_secs(10);

/// Refuses another key than the installation was made with, and seals the secrets that are not.
pub(super) async fn prove(vault: &Vault, registry: &Registry<MariaDb>) -> Result<()> {
    let begun = Instant::now();
    loop {
        match prove_once(vault, registry).await {
            Err(Error::Undone { .. }) if begun.elapsed() < AGAIN_FOR => {
                tokio::time::sleep(AGAIN_AFTER).await;
            }
            outcome => return outcome,
        }
    }
}

/// All in one transaction, as another process may be doing the same.
async fn prove_once(vault: &Vault, registry: &Registry<MariaDb>) -> Result<()> {
    let mut transaction = registry.begin().await?;
    let mut others = Sql::new("SELECT name, secret FROM secrets")
        .fetch::<MariaDb>(&mut transaction, &[Kind::Text, Kind::Bytes])
        .await?
        .into_iter()
        .map(|mut row| match (row.text(0), row.take(1)) {
            (name, Value::Bytes(secret)) => Ok((name, secret)),
            (name, _) => Err(Error::corrupt(format!("secret {name}"))),
        })
        .collect::<Result<Vec<_>>>()?;
    let proof = others.iter().position(|(name, _)| name == PROOF).map(|at| others.remove(at).1);
    let Some(proof) = proof else {
        if let Some((name, _)) = others.first() {
            return Err(damaged(&format!("there is a secret {name}, but no {PROOF}")));
        }
        let sql = "INSERT INTO secrets (secret, name) VALUES (?, ?)";
        put(&mut transaction, sql, PROOF, vault.seal(SEALED, PROOF.as_bytes())?).await?;
        return MariaDb::commit(transaction, ()).await;
    };
    match vault.open(&proof, PROOF.as_bytes()).as_deref() {
        Some(SEALED) => return Ok(()),
        Some(UNSEALED) => {}
        Some(_) => return Err(Error::corrupt(format!("secret {PROOF} is of a newer program"))),
        None => {
            let message = "is not the key this installation was made with";
            return Err(Error::invalid("key", "same_key", message));
        }
    }
    let sql = "UPDATE secrets SET secret = ? WHERE name = ?";
    for (name, secret) in &others {
        put(&mut transaction, sql, name, vault.seal(secret, &place_of(name))?).await?;
    }
    put(&mut transaction, sql, PROOF, vault.seal(SEALED, PROOF.as_bytes())?).await?;
    MariaDb::commit(transaction, ()).await?;
    tracing::info!(secrets = others.len(), "the installation's secrets are sealed now");
    Ok(())
}

async fn put(transaction: &mut Writing, sql: &str, name: &str, sealed: Vec<u8>) -> Result<()> {
    let sql = Sql::new(sql).with(Value::Bytes(sealed)).with(Value::Text(name.into()));
    sql.execute::<MariaDb>(transaction).await.map(|_| ())
}

impl Credentials {
    /// The installation's secret of that name: the one there is, or else `fresh`.
    pub(super) async fn secret(
        &self,
        registry: &Registry<MariaDb>,
        name: &str,
        fresh: &[u8],
    ) -> Result<Vec<u8>> {
        let vault = self.vault();
        let stored = registry.secret(name, vault.seal(fresh, &place_of(name))?).await?;
        // Another in its place would be one that whoever changed it knows, or would end every session.
        vault.open(&stored, &place_of(name)).ok_or_else(|| {
            damaged(&format!("secret {name} does not open with the installation's key"))
        })
    }
}

/// What a secret is sealed for.
fn place_of(name: &str) -> Vec<u8> {
    format!("secret:{name}").into_bytes()
}

fn damaged(what: &str) -> Error {
    Error::corrupt(format!(
        "{what}: the registry's table `secrets` was changed past vivero; put its rows back as they were, from a \
         backup of the registry"
    ))
}
