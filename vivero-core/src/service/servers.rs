//! Database servers, for whoever operates the installation.

use super::Vivero;
use crate::error::{Error, Result};
use crate::server::{DatabaseServer, NewServer, ServerFinding, ServerPatch};
use crate::tenant::Slug;

/// The installation's database servers.
#[derive(Debug)]
pub struct Servers<'v> {
    pub(super) vivero: &'v Vivero,
}

impl Servers<'_> {
    /// All of them by name, with what is on them.
    pub async fn list(&self) -> Result<Vec<DatabaseServer>> {
        self.vivero.fleet().servers().await
    }

    /// The one of that name.
    pub async fn find(&self, name: &str) -> Result<DatabaseServer> {
        let all = self.list().await?;
        all.into_iter().find(|s| s.name == name).ok_or_else(|| Error::not_found("server"))
    }

    /// Adds one; it takes new tenants from then on. Errors: [`Error::Invalid`] with every broken rule,
    /// also for a server that does not answer or will not do; [`Error::Taken`] for the name.
    pub async fn add(&self, server: NewServer) -> Result<DatabaseServer> {
        server.check()?;
        self.vivero.fleet().add_server(server).await
    }

    /// Changes one, if `version` is still current or none is given.
    pub async fn change(
        &self,
        name: &str,
        patch: ServerPatch,
        version: Option<i64>,
    ) -> Result<DatabaseServer> {
        patch.check(name)?;
        self.vivero.fleet().change_server(name, patch, version).await
    }

    /// Takes one off the list that is empty; or, if it is `lost` for good, with all that is on it: its tenants are
    /// out of service from then on, to be restored from their archives. Gives these.
    ///
    /// Errors: [`Error::NotFound`], [`Error::Illegal`] while anything is on it or being moved there.
    pub async fn remove(&self, name: &str, lost: bool) -> Result<Vec<Slug>> {
        let gone = self.vivero.fleet().remove_server(name, lost).await?;
        self.vivero.tenants_changed().await;
        Ok(gone)
    }

    /// Removes a database for good that is kept on a server (see [`DatabaseServer::kept`]).
    ///
    /// Errors: [`Error::NotFound`], [`Error::Unavailable`] if the server does not answer.
    pub async fn remove_kept(&self, server: &str, database: &str) -> Result<()> {
        self.vivero.fleet().remove_kept(server, database).await
    }

    /// Looks at every one: what could go wrong there and what to do about it.
    pub async fn examine(&self) -> Result<Vec<ServerFinding>> {
        self.vivero.fleet().examine().await
    }
}

impl Vivero {
    /// Database servers: listing, adding, taking out of service.
    #[must_use]
    pub const fn servers(&self) -> Servers<'_> {
        Servers { vivero: self }
    }

    /// Gives a tenant's database account another password, unnoticed by those at work.
    pub async fn rotate_credentials(&self, slug: &Slug) -> Result<()> {
        let tenant = self.tenants().find(slug).await?;
        self.fleet().rotate_credentials(&tenant).await
    }

    /// One round of what is to be done in the background; returns how many things were done. Servers
    /// call it every few seconds, and so should whoever embeds vivero.
    pub async fn tend(&self) -> Result<u64> {
        self.fleet().tend().await
    }
}
