//! Database servers, for whoever operates the installation.

use super::Vivero;
use crate::error::{Error, Result};
use crate::operations::{NewOperation, Operation, OperationKind, OperationState};
use crate::server::{DatabaseServer, NewServer, ServerFinding, ServerPatch, ServerState, emptiest};
use crate::tenant::Slug;
use serde_json::json;

/// Tenants looked up in one go.
const TENANTS_AT_ONCE: u32 = 100;

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

    /// Moves every tenant of a server to others, one after another: to `to`, or each to the open server that
    /// is least filled. The server takes no new tenants from then on. Each tenant stays readable, and stops
    /// writing for as long as its operation says (`writes_stopped_ms`). Dropped or cut off, it is gone on with
    /// by the next call. `told` hears of each tenant, with what came of it and how many are still there;
    /// tenants that could not be moved stay, and are in service as before.
    ///
    /// Errors: [`Error::NotFound`] for the server, [`Error::Invalid`] for `to`.
    pub async fn drain(
        &self,
        name: &str,
        to: Option<&str>,
        mut told: impl FnMut(&Slug, &Result<Operation>, u64),
    ) -> Result<Drained> {
        let server = self.find(name).await?;
        if let Some(to) = to {
            if to == name {
                return Err(Error::invalid("to", "another", "must be another server"));
            }
            self.find(to).await.map_err(|e| match e {
                Error::NotFound { .. } => Error::invalid("to", "exists", "is no database server"),
                other => other,
            })?;
        }
        if server.state == ServerState::Open {
            let patch =
                ServerPatch { state: Some(ServerState::Draining), ..ServerPatch::default() };
            self.change(name, patch, None).await?;
        }
        let mut drained = Drained::default();
        let mut after: Option<String> = None;
        loop {
            let fleet = self.vivero.fleet();
            let some = fleet.tenants_on(name, after.as_deref(), TENANTS_AT_ONCE).await?;
            let Some(last) = some.last() else { return Ok(drained) };
            after = Some(last.to_string());
            for slug in &some {
                let outcome = self.move_away(slug, name, to).await;
                match &outcome {
                    Ok(moved) if moved.state == OperationState::Done => drained.moved += 1,
                    _ => drained.stayed += 1,
                }
                let left = server.tenants.saturating_sub(drained.moved + drained.stayed);
                told(slug, &outcome, left);
            }
        }
    }

    async fn move_away(&self, slug: &Slug, from: &str, to: Option<&str>) -> Result<Operation> {
        let operations = self.vivero.operations();
        // One that was cut off is finished first.
        for open in self.vivero.fleet().book().open_operations().await? {
            if open.slug == *slug && open.kind == OperationKind::Move {
                let done = operations.run(open.id).await?;
                if done.state != OperationState::Failed {
                    return Ok(done);
                }
            }
        }
        let to = match to {
            Some(to) => to.to_owned(),
            None => emptiest(&self.list().await?, from).ok_or_else(no_room)?.name.clone(),
        };
        let new = NewOperation {
            kind: OperationKind::Move,
            slug: slug.clone(),
            parameters: json!({ "to": to }),
            key: None,
        };
        let asked = operations.ask(new).await?;
        operations.run(asked.id).await
    }

    /// Looks at every one: what could go wrong there and what to do about it.
    pub async fn examine(&self) -> Result<Vec<ServerFinding>> {
        self.vivero.fleet().examine().await
    }
}

/// What became of a server's tenants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drained {
    /// Tenants that are elsewhere now.
    pub moved: u64,
    /// Tenants that are still there.
    pub stayed: u64,
}

fn no_room() -> Error {
    Error::Illegal {
        code: "no_server_open",
        message: "no other database server is open and has room; add one (`vivero server add`) or raise a \
                  capacity (`vivero server set NAME --capacity N`)"
            .into(),
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
