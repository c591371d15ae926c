//! Whole tenant databases as streams of rows, on every engine: reading one as of an instant, making one.

mod loading;
mod shapes;
mod snapshot;

pub(crate) use loading::{BringUp, SqlLoading};
pub(crate) use snapshot::SqlSnapshot;

use vivero_core::tenant::{Tenant, TenantState};
use vivero_core::{Error, Result};

/// Refuses to touch the database that people work with: that of the registry's generation, unless it is
/// out of service or being made.
pub(crate) fn not_in_use(tenant: Option<&Tenant>, generation: i64) -> Result<()> {
    let Some(tenant) = tenant.filter(|t| t.generation == generation) else { return Ok(()) };
    match tenant.state {
        TenantState::Loading | TenantState::Archived | TenantState::Closed => Ok(()),
        state => Err(Error::Illegal {
            code: "database_in_use",
            message: format!(
                "generation {generation} of tenant {} is in use ({state})",
                tenant.slug
            ),
        }),
    }
}
