//! The stamp of a tenant's database: whose it is, and of which generation.

use crate::backend::{Backend, Cells, Sql};
use vivero_core::record::Kind;
use vivero_core::tenant::Tenant;
use vivero_core::{Error, Result, Value};

/// The query for it, and what its columns are.
pub(crate) const STAMP: (&str, &[Kind]) =
    ("SELECT tenant_id, generation FROM stamp WHERE one = 1", &[Kind::Id, Kind::Int]);

fn missing(tenant: &Tenant, why: &str) -> Error {
    Error::corrupt(format!("the database of tenant {} has no stamp{why}", tenant.slug))
}

/// The database must be this tenant's and of this generation: a swapped or stale one is refused.
pub(crate) async fn check<B: Backend>(
    connection: &mut B::Connection,
    tenant: &Tenant,
) -> Result<()> {
    match Sql::new(STAMP.0).first::<B>(connection, STAMP.1).await {
        Ok(row) => is_of(row, tenant),
        // Away for a moment is not the same as damaged.
        Err(e @ (Error::Unavailable { .. } | Error::Undone { .. })) => Err(e),
        Err(e) => Err(missing(tenant, &format!(" ({e})"))),
    }
}

/// The same of what [`STAMP`] found.
pub(crate) fn is_of(row: Option<Cells>, tenant: &Tenant) -> Result<()> {
    let row = row.ok_or_else(|| missing(tenant, ""))?;
    let (stamped, generation) = (row.id(0), row.int(1));
    if stamped != tenant.id.uuid() || generation != tenant.generation {
        return Err(Error::corrupt(format!(
            "the database of tenant {} is stamped for tenant {stamped}, generation {generation}",
            tenant.slug
        )));
    }
    Ok(())
}

/// Writes the stamp; part of the caller's transaction.
pub(crate) async fn write<B: Backend>(
    connection: &mut B::Connection,
    tenant: &Tenant,
) -> Result<()> {
    Sql::new("INSERT INTO stamp (one, tenant_id, generation, created_at) VALUES (1, ?, ?, ?)")
        .with(Value::Id(tenant.id.uuid()))
        .with(Value::Int(tenant.generation))
        .with(Value::Time(tenant.created_at))
        .execute::<B>(connection)
        .await
        .map(|_| ())
}
